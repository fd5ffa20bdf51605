# A model that may not get worse, in a Makefile of one's own:
#
#   include regression.mk          MODEL, DATA and BASELINE may be set before
#   make baseline                  keeps the predictions of the model as it is
#   make check-model               fails if the model is worse by more than chance
#
# The same before each commit that changes the model, in .pre-commit-config.yaml:
#
#   - repo: local
#     hooks:
#       - {id: check-model, name: check-model, language: system, entry: make check-model,
#          files: '\.pth$', pass_filenames: false}
MODEL    ?= model.pth
DATA     ?= data/test
BASELINE ?= baseline.tsv

.PHONY: baseline check-model
baseline:
	cifar-predict --model $(MODEL) --data $(DATA) > $(BASELINE).new
	mv $(BASELINE).new $(BASELINE)
check-model:
	cifar-predict --model $(MODEL) --data $(DATA) > $(BASELINE).now
	run-diff --fail-if-worse 0.05 $(BASELINE) $(BASELINE).now
	rm $(BASELINE).now
