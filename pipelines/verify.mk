# Verifies the numbers of a finished analysis against each other:
#
#   make -f verify.mk OUT=results
#
# The first difference ends with status 2 and names both figures.

OUT  ?= results
D    := $(OUT)/data
here := $(dir $(abspath $(lastword $(MAKEFILE_LIST))))
include $(here)names.mk

.PHONY: verify
verify:
	@if [ "$$(cat $(D)/labels 2>/dev/null)" = none ]; then \
	  echo "verify: the images of $(OUT) have no labels: no two stages speak of the same" >&2; exit 1; fi
	@awk -f $(here)verify.awk kind=summary $(D)/summary.tsv kind=predictions $(D)/predictions.tsv \
	  kind=confusion $(D)/confusion.tsv kind=classes $(D)/per_class.tsv kind=pairs $(D)/pairs.tsv \
	  kind=cam $(D)/cam_stats.tsv kind=csv $(OUT)/per_class_accuracy.csv
