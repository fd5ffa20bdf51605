# The whole analysis: from a checkpoint and a data set to the finished report.
#
#   make -f gradcam.mk MODEL=model.pth DATA=cifar-100-python OUT=results
#
# runs heatpipe(1), which sets things up and reads this file again for the stages.
# variables.tsv lists the variables.
#
# Targets are the files of OUT, named from there, and each is asked for every time:
# stage.sh decides by content whether its command has to run. MODEL, DATA and OUT may hold
# any characters, so make never expands them: recipes take them from the environment.

ifndef HEATPIPE_SHARE

# heatpipe gets the names of the variables that the command line sets, without those of a
# makefile that includes this one, and finds their values in the environment.
compare_runs := $(if $(filter compare,$(MAKECMDGOALS)),A B)
given := $(filter-out BIN $(compare_runs) $(build_variables),$(foreach v,$(.VARIABLES),$(if $(filter \
  command,$(firstword $(origin $v))),$v)))
ifneq ($(filter analysis demo verify compare corruptions faithfulness sweep slurm export,$(or $(MAKECMDGOALS),analysis)),)
$(foreach v,$(given) $(compare_runs),$(eval export heatpipe_$v := $$(value $v)))
endif
.PHONY: analysis
analysis:
	@+exec $(BIN)heatpipe --make '$(given)'

# The misclassified images as pictures.
.PHONY: export
export:
	@+exec $(BIN)heatpipe --make '$(given)' export

# What the maps of each method and layer are worth, beside the analysis.
.PHONY: faithfulness
faithfulness:
	@+exec $(BIN)heatpipe --make '$(given)' --faithfulness

# Several checkpoints on the same images: make sweep MODELS='a.pth b.pth' DATA=... OUT=DIR
.PHONY: sweep
sweep:
	@+exec $(BIN)heatpipe --sweep --make '$(given)'

# Two finished analyses: make compare A=results/before B=results/after OUT=DIR
.PHONY: compare
compare:
	@+exec $(BIN)heatpipe --compare --make '$(given)' -- "$$heatpipe_A" "$$heatpipe_B"

# The analysis on a cluster: make slurm SHARDS=8 MODEL=... DATA=... OUT=DIR PARTITION=...
.PHONY: slurm
slurm:
	@+exec $(BIN)heatpipe --slurm --make '$(given)'

# The model on images that are made worse: make corruptions MODEL=... DATA=... [CORRUPTED=DIR]
.PHONY: corruptions
corruptions:
	@+exec $(BIN)heatpipe --corruptions --make '$(given)'

else

SHELL := bash
.SHELLFLAGS := -c
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

# As they were given: a dollar in them is the shell's.
$(foreach v,PREDICT CONFMAT CALIBRATE LABEL_CHECK NEIGHBORS WORST_K CAM_COMPUTE CAM_OVERLAY REPORT GNUPLOT MODEL_FLAGS DATA_FLAGS \
  PREDICT_FLAGS OVERLAY_FLAGS,$(eval $v := $$(value $v)))
# $(call option,NAME,VARIABLE): the option where the variable is set.
option = $(if $(value $2),$1 "$$$2")

comma := ,
# The layer that the user chose.
layer := $(filter-out auto,$(value LAYER))

# A stage and what follows from its rule. `to`: its command writes to standard output.
stage = exec bash "$$HEATPIPE_SHARE/stage.sh" $@ $(^:%=--from %)
to    = $(stage) --stdout --
part  = $$D/unfinished/$(@F)

sized   := $(call option,--resize,RESIZE) $(call option,--crop,CROP)
images  := --data "$$DATA" $(sized) $(DATA_FLAGS)
labels   = $(call option,--names,NAMES) $(call option,--labels,LABELS) \
  $(if $(value SKIP_DAMAGED),--skip-damaged "$(part)/damaged.tsv") $(PREDICT_FLAGS)
# The images of one shard; or all shards that there are, put together.
shard   := $(call option,--shard,SHARD)
shards  := $(if $(value SHARDS),--shards "$$SHARDS")
keys    := $(call option,--assume,ASSUME) $(call option,--rename,RENAME)
network := --model "$$MODEL" $(keys) $(call option,--mean,MEAN) $(call option,--std,STD) $(MODEL_FLAGS)
device  := --device "$$DEVICE" --precision "$$PRECISION" $(if $(value EXACT),--exact)

# $(call true_column,PROGRAM): awk over predictions, with the column `true` as $$c.
true_column = awk -F '\t' 'NR == 1 { for (c = NF; c > 0 && $$c != "true"; c--); } $1'

# Whether it is asked what maps are worth.
faith_asked := $(filter faithfulness faithfulness.tsv faithfulness.png sanity.tsv,$(HEATPIPE_GOALS))

# Another predictor than heatpipe's does not tell which files it reads.
own := $(value HEATPIPE_OWN_PREDICT)

# Whether `all`, `some` or `none` of the images have a label is known after the predictions;
# then this file is read again.
ifndef LABELLED

.PHONY: start data/inputs/model data/inputs/images data/layers.tsv data/predictions.tsv data/labels
ifeq ($(filter-out data/inputs/model data/inputs/images,$(HEATPIPE_GOALS)),)
start: $(HEATPIPE_GOALS)
else
start: data/labels $(if $(own),$(if $(faith_asked),data/layers.tsv))
	@+LABELLED=$$(cat "$$D/labels") exec $(MAKE) -f "$$HEATPIPE_SHARE/gradcam.mk" $(HEATPIPE_GOALS)

endif

# Those of a shard are the whole's, which heatpipe has copied.
ifdef SHARD
data/inputs/model data/inputs/images: ;
else
data/inputs/model:
	@exec bash "$$HEATPIPE_SHARE/inputs.sh" model $(if $(own),$(PREDICT) --list-inputs --model "$$MODEL")
data/inputs/images:
	@exec bash "$$HEATPIPE_SHARE/inputs.sh" images $(if $(own),$(PREDICT) --list-inputs $(images) $(labels))
endif

# Which layer suits the maps is asked for before the forward pass, because the maps of the last
# stage alone come whole: whatever they are to explain later, no image passes the network again.
views := $(findstring --views,$(value PREDICT_FLAGS))
choice := $(if $(own),$(if $(layer)$(views),,data/layers.tsv))
data/layers.tsv: data/inputs/model data/inputs/images
	@$(to) $(PREDICT) --list-layers --model "$$MODEL" $(keys) $(images)

# The only forward pass: it makes the maps of all classes at the last stage, or those of
# another layer for the classes that are looked at. A model without maps writes neither, and
# logits of several views of an image have none.
at_last = $(shell awk -F '\t' '$$7 == 1 { print $$6 }' "$$D/layers.tsv")
layer_maps = --layer $1 --cams "$(part)/cams.npy" --target true,pred,margin --score "$$SCORE"
last_maps = --class-maps "$(part)/class_maps.npy"
stored_maps = $(if $(views),,$(if $(layer),$(call layer_maps,"$$LAYER"),$(if \
  $(if $(choice),$(filter 0,$(at_last))),$(call layer_maps,auto),$(last_maps))))
data/predictions.tsv: data/inputs/model data/inputs/images $(choice)
	@$(stage) $(shards) --say 'predictions$(if $(value SHARD), of shard $(SHARD))' --stdout --also data/classes.tsv --may data/logits.npy \
	  --may data/class_maps.npy --may data/cams.npy --may data/embeddings.npy --may data/ids.npy --may data/damaged.tsv \
	  --may data/linear_weights.npy --may data/linear_biases.npy --may data/predict_run.tsv -- \
	  $(PREDICT) $(network) $(images) $(labels) $(shard) $(device) $(call option,--temperature,TEMPERATURE) --logits "$(part)/logits.npy" $(stored_maps) \
	  --ids "$(part)/ids.npy" --classes "$(part)/classes.tsv" --run "$(part)/predict_run.tsv" \
	  --embeddings "$(part)/embeddings.npy" $(if $(own),--max-classes "$$MAX_CLASSES",--linear-weights \
	  "$(part)/linear_weights.npy" --linear-biases "$(part)/linear_biases.npy")

# Another predictor has refused no model for the number of its classes.
data/labels: data/predictions.tsv
	@exec 2>&8; . "$$HEATPIPE_SHARE/common.sh"; n=$$(($$(wc -l < "$$D/classes.tsv") - 1)); \
	 [ "$$n" -le "$$MAX_CLASSES" ] || fail "data/classes.tsv: expected at most $$MAX_CLASSES classes (MAX_CLASSES), found $$n"
	@$(to) $(call true_column,NR > 1 { n++; na += $$c == "NA" } END { print n && na == n ? "none" : na ? "some" : "all" }) \
	  < "$$D/predictions.tsv"

else

unlabelled := $(filter none,$(LABELLED))

# What another predictor than heatpipe's may not have written.
has_logits := $(shell [ ! -e "$$D/logits.npy" ] || echo 1)
has_ids    := $(shell [ ! -e "$$D/ids.npy" ] || echo 1)
has_run    := $(shell [ ! -e "$$D/predict_run.tsv" ] || echo 1)
# Of one class every label is right.
has_check  := $(if $(unlabelled),,$(and $(has_logits),$(shell [ "$$(wc -l < "$$D/classes.tsv")" -le 2 ] || echo 1)))
# Maps of a layer before the last stage, which LAYER names or the model makes necessary.
earlier    := $(or $(layer),$(shell [ ! -e "$$D/cams.npy" ] || echo 1))
map_tensor := data/$(if $(earlier),cams,class_maps).npy
flags      := $(if $(has_check),data/label_check.tsv)
# One image has no place among others.
has_embeddings := $(shell [ ! -e "$$D/embeddings.npy" ] || [ "$$(head -n 3 "$$D/predictions.tsv" | wc -l)" -lt 3 ] || echo 1)
# The linear layer is that of a model that heatpipe reads, if it ends in one, or what another
# predictor wrote.
has_slices := $(if $(unlabelled),,$(and $(has_embeddings),$(shell $(if $(own), \
  awk -F '\t' '$$1 == "network_end" && ($$2 == "a convolution" || $$2 == "pooling alone") { exit 1 }' "$$D/predict_run.tsv", \
  [ -e "$$D/linear_weights.npy" ] && [ -e "$$D/linear_biases.npy" ]) && echo 1)))
linear := $(if $(own),inputs/model,linear_weights.npy linear_biases.npy)
has_maps   := $(shell [ ! -e "$$OUT/$(map_tensor)" ] || echo 1)

# The causal check of margin maps needs the maps of all classes, in a grid that has places, of a
# network that ends in an average and one linear layer; another predictor tells it by --run.
has_turned := $(if $(unlabelled)$(earlier),,$(and $(has_maps),$(has_logits),$(shell $(if $(own), \
  awk -F '\t' '$$7 == 1 && $$4 >= 4 && $$5 >= 4' "$$D/layers.tsv",$(if $(has_run), \
  awk -F '[\tx]' '$$1 == "network_end" { exit } $$1 == "map_size" { n = $$2 >= 4 && $$3 >= 4 } END { if (n && $$1 != "network_end") print 1 }' \
    "$$D/predict_run.tsv")))))

# What maps are worth, once it has been asked for, and as long as it is of these predictions.
has_faith := $(and $(value HEATPIPE_OWN_PREDICT),$(has_maps),$(or $(faith_asked),$(shell [ -e "$$OUT/faithfulness.tsv" ] && \
  grep -qxF "input data/predictions.tsv $$(sha256sum < "$$D/predictions.tsv" | cut -d ' ' -f 1)" "$$D/made/faithfulness.tsv" && echo 1)))
has_sane := $(and $(has_faith),$(or $(faith_asked),$(shell [ ! -e "$$OUT/sanity.tsv" ] || echo 1)))
faithful := $(if $(has_faith),faithfulness.tsv faithfulness.png) $(if $(has_sane),sanity.tsv)
# Those named, or the layer of the maps and the stage before it; where it ends no stage, the last one
# before it of a finer grid.
faith_layers := $(if $(faith_asked),$(or $(subst $(comma), ,$(value LAYERS)),$(layer),$(shell \
  awk -F '\t' 'NR > 1 { name[NR] = $$2 == "NA" ? $$1 : $$2; h[NR] = $$4 } \
    $$7 == 1 { for (i = NR; i > 1 && h[i] <= $$4; i--); print name[NR], $$2 != "NA" && stage ? stage : name[i]; exit } \
    NR > 1 && $$2 != "NA" { stage = $$2 }' "$$D/layers.tsv")))
# Their maps by the methods named, or by all that the layer has maps of; those of fullgrad are of the
# whole network.
faith_maps := $(if $(faith_asked),$(if $(value METHODS),$(foreach l,$(faith_layers),$(foreach \
  m,$(subst $(comma), ,$(value METHODS)),$l@$m)),$(shell awk -F '\t' -v 'of=$(faith_layers)' \
    '{ methods[$$1] = methods[$$2] = $$8; if ($$7 == 1) usual = $$8 } \
     END { n = split(of, layer, " "); for (i = 1; i <= n; i++) { \
       m = split(layer[i] in methods ? methods[layer[i]] : usual, word, ","); \
       for (k = 1; k <= m; k++) print layer[i] "@" word[k] } }' "$$D/layers.tsv")))
faith_maps := $(foreach m,$(filter-out %@fullgrad,$(faith_maps)),data/faith/$m.npy) \
  $(if $(filter %@fullgrad,$(faith_maps)),data/faith/network@fullgrad.npy)

# How stable maps are takes passes of its own, on few images.
has_stability := $(if $(unlabelled),,$(and $(value HEATPIPE_OWN_PREDICT),$(has_maps)))

charts := confusion_matrix_full.png top_confused_pairs.png reliability_diagram.png
texts  := analysis_summary.txt recommendations.txt
forms  := report.md report.json
pages  := explorer.html per_class_accuracy_interactive.html
csvs   := per_class_accuracy.csv most_confused_pairs.csv confident_errors.csv
reviews := data/label_check.tsv review_labels.tsv data/review_rows.tsv data/review_sheets.txt
tables := $(addprefix data/,confusion.tsv confusion_long.tsv per_class.tsv pairs.tsv groups.tsv summary.tsv)
calibrations := $(addprefix data/,calibration.tsv reliability.tsv class_calibration.tsv risk.tsv)
covariates := $(if $(unlabelled),,data/image_stats_errors.tsv)
chosen := data/selected.tsv data/pair_rows.tsv
# Rows that are drawn.
drawn  := $(chosen) data/confident_rows.tsv data/slice_choice.tsv
maps   := data/selected_maps.npy data/pair_maps.npy data/confident_maps.npy data/slice_maps.npy
stats  := $(maps:%_maps.npy=%_stats.tsv)
sheets := data/class_sheets.txt data/pair_sheets.txt data/confident_sheets.txt $(if $(has_slices),data/slice_sheets.txt)
made_sheets := $(if $(has_maps),$(if $(unlabelled),data/class_sheets.txt,$(sheets))) \
  $(if $(has_check),data/review_sheets.txt)
chart_data := data/confusion.chart data/pairs.chart data/reliability.chart
# Tables by id, whose columns the explorer shows.
joined := data/image_stats.tsv data/duplicates.tsv $(if $(has_maps),data/cam_stats.tsv) $(if $(has_embeddings),data/points.tsv) $(flags) \
  $(if $(has_slices),data/slice_rows.tsv)
before := $(addprefix data/,inputs/model inputs/images layers.tsv predictions.tsv logits.npy class_maps.npy cams.npy embeddings.npy ids.npy \
  linear_weights.npy linear_biases.npy classes.tsv predict_run.tsv labels)

made := analysis export faithfulness faithfulness.tsv faithfulness.png sanity.tsv data/faithfulness.chart data/faith_rows.tsv $(faith_maps) $(before) data/inputs/train data/slices.tsv data/slice_rows.tsv \
  data/export_rows.tsv data/exported $(tables) $(calibrations) $(joined) data/cam_stats.tsv \
  data/points.tsv $(covariates) data/duplicates_summary.tsv $(drawn) data/confident_errors.tsv \
  data/labelled.tsv data/cam_run.tsv data/points_run.tsv data/run.tsv data/files.tsv \
  data/turned.tsv data/stability.tsv data/stability_rows.tsv data/findings.tsv $(maps) $(stats) $(sheets) $(chart_data) $(charts) $(texts) $(forms) $(pages) $(csvs) \
  $(reviews)
.PHONY: $(made)
# Any other file that exists would be up to date.
$(if $(filter-out $(made),$(MAKECMDGOALS)),$(error no file of an analysis))

$(before): ;

# What heatpipe tells at the end: where the results are.
closing = @exec 2>&8; . "$$HEATPIPE_SHARE/common.sh"; \
  tell "$1" 2>/dev/null >"$$D/unfinished/closing" || fail "$$D: cannot write in this folder"
# What the findings and the fit of the checkpoint say against all other results.
doubt = @exec 2>&8; . "$$HEATPIPE_SHARE/common.sh"; \
  doubt=$$(awk -F '\t' -f "$$HEATPIPE_SHARE/doubt.awk" "$$D/findings.tsv" "$$D/run.tsv") || fail ''; \
  [ -z "$$doubt" ] || say "warning: $$doubt: read $$OUT/recommendations.txt first"
# What another predictor than heatpipe's cannot do, or did not write.
left_out = $(if $(own),,@exec 2>&8; . "$$HEATPIPE_SHARE/common.sh"; lacks=''; \
  [ -e "$$D/linear_weights.npy" ] || lacks='; PREDICT wrote no linear layer, so there are no slices'; \
  [ -e "$$D/embeddings.npy" ] || lacks='; PREDICT wrote no embeddings, so there are no slices and no plane of all images'; \
  say "without heatpipe's predictor there is no second look at labels, no stability of maps and no faithfulness: these run the network again$$lacks")
# What an earlier run left, with labels or without, with maps or without, would not belong
# to these results.
no_sheets := $(if $(has_maps),,$(sheets) $(maps) $(stats) data/cam_stats.tsv data/cam_run.tsv \
  worst_predictions/class_*.png predicted_classes/class_*.png confident_errors*.png confused_pair_*_to_*.png slice_s*.png)
no_check  := $(if $(has_check),,$(reviews) review_labels*.png)
no_faith  := $(if $(has_faith),,faithfulness.tsv faithfulness.png sanity.tsv data/faith_rows.tsv data/faithfulness.chart)
no_turned := $(if $(has_turned),,data/turned.tsv) $(if $(has_stability),,data/stability.tsv)
no_points := $(if $(has_embeddings),,data/points.tsv data/points_run.tsv)
no_slices := $(if $(has_slices),,data/slices.tsv data/slice_rows.tsv data/slice_choice.tsv data/slice_maps.npy data/slice_stats.tsv \
  data/slice_sheets.txt slice_s*.png)
no_maps   := $(if $(has_maps),,the predictions came without maps$(comma) so there are no sheets of maps; )
ifeq ($(unlabelled),)
analysis: $(charts) $(faithful) $(texts) $(pages) $(csvs) $(made_sheets) data/run.tsv data/findings.tsv data/class_calibration.tsv $(covariates) data/duplicates.tsv
	@cd -- "$$OUT" && rm -f predicted_classes/class_*.png $(no_sheets) $(no_faith) $(no_turned) $(no_points) $(no_slices) $(no_check)
	$(left_out)
	$(doubt)
	$(call closing,$(no_maps)the results are in $$OUT: begin with $$OUT/analysis_summary.txt or $$OUT/explorer.html)
else
# Without labels there are predictions and their confidence.
analysis: analysis_summary.txt $(faithful) explorer.html $(made_sheets) data/run.tsv data/duplicates.tsv
	@cd -- "$$OUT" && rm -f $(charts) $(filter-out explorer.html,$(pages)) $(csvs) $(calibrations) recommendations.txt data/pair_sheets.txt \
	  data/findings.tsv data/image_stats_errors.tsv data/duplicates_summary.tsv data/confident_sheets.txt confident_errors*.png confused_pair_*_to_*.png \
	  worst_predictions/class_*.png $(no_sheets) $(no_faith) $(no_turned) $(no_points) $(no_slices) $(no_check)
	$(call closing,$(no_maps)the images have no labels; their predictions are in $$OUT: begin with $$OUT/analysis_summary.txt or $$OUT/explorer.html)
endif

# --- tables ---

data/confusion.tsv: private options := --order group
data/confusion_long.tsv: private options := --long
data/per_class.tsv: private options := --classes
data/pairs.tsv: private options := --pairs --top 0
data/groups.tsv: private options := --groups
data/summary.tsv: private options := --summary
$(tables): data/predictions.tsv data/classes.tsv
	@$(to) $(CONFMAT) --names "$$D/classes.tsv" $(options) < "$$D/predictions.tsv"

# The temperature is fitted to the logits, where there are some.
data/calibration.tsv data/reliability.tsv: private options = $(if $(has_logits),--logits "$$D/logits.npy" \
  $(if $(has_ids),--ids "$$D/ids.npy") $(if $(has_run),--run "$$D/predict_run.tsv"))
data/calibration.tsv data/reliability.tsv: $(if $(has_logits),data/logits.npy) $(if $(has_ids),data/ids.npy) \
  $(if $(has_run),data/predict_run.tsv)
data/reliability.tsv: private table := --reliability
data/class_calibration.tsv: private table := --classes
data/risk.tsv: private table := --risk
$(calibrations): data/predictions.tsv data/classes.tsv
	@$(to) $(CALIBRATE) --names "$$D/classes.tsv" $(table) $(options) < "$$D/predictions.tsv"

# What the pixels are like, and whether that, or what is known of the images, goes with errors.
data/image_stats.tsv: data/inputs/images
	@$(stage) $(shards) --stdout -- "$$HEATPIPE_BIN/image-stats" $(sized) $(if $(value SKIP_DAMAGED),--skip-damaged) $(shard) -- "$$DATA"
data/image_stats_errors.tsv: data/predictions.tsv data/image_stats.tsv
	@$(to) "$$HEATPIPE_BIN/covariates" --join "$$D/image_stats.tsv" $(call option,--join,METADATA) < "$$D/predictions.tsv"

# Images that are there more than once, which no model changes, and the accuracy without them.
data/inputs/train:
	@exec bash "$$HEATPIPE_SHARE/inputs.sh" train "$$HEATPIPE_BIN/cifar-predict" --list-inputs --data "$$TRAIN"
data/duplicates.tsv: data/inputs/images $(if $(value TRAIN),data/inputs/train)
	@$(to) "$$HEATPIPE_BIN/duplicates" $(call option,--against,TRAIN) $(sized) $(call option,--names,NAMES) \
	  $(if $(filter-out coarse,$(value LABELS)),--labels "$$LABELS") $(if $(value SKIP_DAMAGED),--skip-damaged) -- "$$DATA"
data/duplicates_summary.tsv: data/duplicates.tsv data/predictions.tsv
	@$(to) "$$HEATPIPE_BIN/duplicates" $(call option,--against,TRAIN) --found "$$D/duplicates.tsv" \
	  --predictions "$$D/predictions.tsv" --summary -

# The network takes a second look at the most suspicious labels, unless the logits are those of
# several views already.
second_look := $(if $(and $(value HEATPIPE_OWN_PREDICT),$(if $(findstring --views,$(value PREDICT_FLAGS)),,1)),$(network) $(images) $(device))
# The labels that may be wrong, all of them; those to review, and of these those that are
# drawn: the header and 100 rows.
check_inputs := data/predictions.tsv data/logits.npy $(if $(has_ids),data/ids.npy)
data/label_check.tsv: $(check_inputs)
	@$(stage) --say '$(if $(second_look),a second look at labels,labels that may be wrong)' --stdout -- \
	  $(LABEL_CHECK) --logits "$$D/logits.npy" $(if $(has_ids),--ids "$$D/ids.npy") $(second_look) < "$$D/predictions.tsv"
review_labels.tsv: data/predictions.tsv data/label_check.tsv
	@LC_ALL=C; export LC_ALL; $(to) awk -f "$$HEATPIPE_SHARE/review.awk" "$$D/predictions.tsv" "$$D/label_check.tsv"
data/review_rows.tsv: review_labels.tsv
	@$(to) head -n 101 "$$OUT/review_labels.tsv"

data/selected.tsv: private options := $(if $(unlabelled),--by pred)
data/pair_rows.tsv: private options := --by pair --pairs "$$PAIRS"
$(chosen): data/predictions.tsv
	@$(to) $(WORST_K) $(options) --count "$$COUNT" < "$$D/predictions.tsv"

# All errors of highest confidence, which is no choice that WORST_K could make otherwise,
# and those that are drawn: the header and 100 rows.
data/confident_errors.tsv: data/predictions.tsv
	@$(to) "$$HEATPIPE_BIN/worst-k" --by all --errors highest --count 1000000 < "$$D/predictions.tsv"
data/confident_rows.tsv: data/confident_errors.tsv
	@$(to) head -n 101 "$$D/confident_errors.tsv"

# --- maps ---

# Maps of the true class are for the rows that have one.
ifeq ($(LABELLED),some)
labelled := data/labelled.tsv
data/labelled.tsv: data/predictions.tsv
	@$(to) $(call true_column,NR == 1 || $$c != "NA") < "$$D/predictions.tsv"
else
labelled := data/predictions.tsv
endif

# From what the predictions left: no image passes the network again. At the last stage the
# model adds the biases alone; that of another predictor may be none that heatpipe reads.
map_inputs := $(map_tensor) data/logits.npy data/ids.npy
ifeq ($(earlier),)
map_from   := --class-maps "$$D/class_maps.npy" --score "$$SCORE"
ifdef HEATPIPE_OWN_PREDICT
map_inputs += data/inputs/model
map_from   += $(network)
endif
else
map_from   := --cams "$$D/cams.npy" --planes true,pred,margin
endif
targets := $(if $(unlabelled),pred,true,pred,margin)
cam := $(CAM_COMPUTE) $(map_from) $(if $(has_logits),--logits "$$D/logits.npy") \
  $(if $(has_ids),--ids "$$D/ids.npy") --target $(targets) --size layer

data/selected_maps.npy: data/selected.tsv
data/selected_maps.npy: private run = --may data/cam_run.tsv
# Of an earlier layer the predictions tell what the maps are.
data/selected_maps.npy: private options = $(if $(earlier),,--run "$(part)/cam_run.tsv")
data/pair_maps.npy: data/pair_rows.tsv
data/confident_maps.npy: data/confident_rows.tsv
data/slice_maps.npy: data/slice_choice.tsv
$(maps): $(map_inputs)
	@$(stage) --say 'maps of $(notdir $(filter $(drawn),$^))' --stdout $(run) --also $(@:%_maps.npy=%_stats.tsv) -- \
	  $(cam) $(options) --stats "$(part)/$(@F:%_maps.npy=%_stats.tsv)" < "$$OUT/$(filter $(drawn),$^)"
$(stats): data/%_stats.tsv: data/%_maps.npy ;
data/cam_run.tsv: data/selected_maps.npy ;

# The statistics of every image's maps; the maps themselves are not kept.
data/cam_stats.tsv: $(labelled) $(map_inputs)
	@$(stage) --say 'statistics of all maps' -- $(cam) --stats "$(part)/cam_stats.tsv" < "$$OUT/$(labelled)"

# Which errors turn when the cells are deleted that favour the wrong class.
data/turned.tsv: data/predictions.tsv $(map_inputs)
	@$(to) "$$HEATPIPE_BIN/cam-score" --errors --class-maps "$$D/class_maps.npy" --logits "$$D/logits.npy" \
	  $(if $(has_ids),--ids "$$D/ids.npy") < "$$D/predictions.tsv"

# How maps follow mirrored and shifted images: about a second.
# Images from all of the predictions: multiples of a number by the golden ratio lie evenly.
data/stability_rows.tsv: private sample := 48
data/stability_rows.tsv data/faith_rows.tsv: data/predictions.tsv
	@$(to) awk -v "images=$(sample)" -v "all=$$(($$(wc -l < "$$D/predictions.tsv") - 1))" \
	  'NR == 1 || (NR - 1) * 2654435761 % 4294967296 < 4294967296 * images / all' "$$D/predictions.tsv"
data/stability.tsv: data/stability_rows.tsv data/inputs/model data/inputs/images
	@$(stage) -- "$$HEATPIPE_BIN/cam-compute" $(network) $(images) $(device) --layer "$${LAYER:-auto}" --score "$$SCORE" \
	  --size layer --stability --stats "$(part)/stability.tsv" < "$$D/stability_rows.tsv"

# Where all of it comes from.
data/run.tsv: data/inputs/model data/predict_run.tsv $(if $(has_maps),data/cam_run.tsv) $(if $(has_embeddings),data/points_run.tsv)
	@files=("$$D/inputs/model"); for t in predict $(if $(has_embeddings),points) $(if $(has_maps),cam); do [ ! -e "$$D/$${t}_run.tsv" ] || files+=("$$D/$${t}_run.tsv"); done; \
	 $(to) awk -f "$$HEATPIPE_SHARE/run.awk" "$${files[@]}"

# --- embeddings ---

# A point of a plane for each image.
data/points.tsv: data/embeddings.npy $(if $(has_ids),data/ids.npy)
	@$(stage) --say 'a plane of all images' --stdout --also data/points_run.tsv -- $(NEIGHBORS) --project x,y \
	  --run "$(part)/points_run.tsv" $(if $(has_ids),--ids "$$D/ids.npy") "$$D/embeddings.npy"
data/points_run.tsv: data/points.tsv ;

# Groups of similar images with more errors, and their images.
data/slices.tsv: data/predictions.tsv data/embeddings.npy $(addprefix data/,$(linear)) data/image_stats.tsv $(if $(has_ids),data/ids.npy)
	@$(stage) --say slices --stdout --also data/slice_rows.tsv -- "$$HEATPIPE_BIN/slices" --embeddings "$$D/embeddings.npy" \
	  $(if $(has_ids),--ids "$$D/ids.npy") $(if $(own),--model "$$MODEL" $(keys),--weights "$$D/linear_weights.npy" \
	  --biases "$$D/linear_biases.npy") --join "$$D/image_stats.tsv" \
	  $(call option,--join,METADATA) --rows "$(part)/slice_rows.tsv" < "$$D/predictions.tsv"
data/slice_rows.tsv: data/slices.tsv ;
# What is typical of the first slices.
data/slice_choice.tsv: data/predictions.tsv data/slices.tsv
	@LC_ALL=C; export LC_ALL; $(to) awk -f "$$HEATPIPE_SHARE/slices.awk" "$$D/predictions.tsv" "$$D/slices.tsv"

# --- sheets ---

# Sheets mark the images whose label is flagged.
flagged := $(if $(has_check),--flags "$$D/label_check.tsv")
# $(call draw,OUT,OPTIONS): sheets of the rows that the stage is made from and their maps.
draw = $(CAM_OVERLAY) $(images) --target $(targets) --cmap "$$CMAP" --run "$$D/run.tsv" $(flagged) $2 $(OVERLAY_FLAGS) \
  --out "$(part)/sheets$1" --stats "$$OUT/$(filter $(stats),$^)" --table "$$OUT/$(filter $(drawn),$^)" --maps "$$OUT/$(filter $(maps),$^)"

class_table  := $(if $(unlabelled),,data/per_class.tsv)
class_folder := $(if $(unlabelled),predicted_classes,worst_predictions)
data/class_sheets.txt: data/selected.tsv data/selected_maps.npy data/selected_stats.tsv $(class_table) $(flags) data/run.tsv data/inputs/images
	@$(stage) --say 'class sheets' --sheets '$(class_folder)/class_*.png' -- \
	  $(call draw,,$(addprefix --classes "$$D"/,$(notdir $(class_table))))

data/slice_sheets.txt: data/slice_choice.tsv data/slice_maps.npy data/slice_stats.tsv data/slices.tsv $(flags) data/run.tsv data/inputs/images
	@$(stage) --say 'slice sheets' --sheets 'slice_s*.png' -- $(call draw,,--slices "$$D/slices.tsv")

data/pair_sheets.txt: data/pair_rows.tsv data/pair_maps.npy data/pair_stats.tsv data/pairs.tsv $(flags) data/run.tsv data/inputs/images
	@$(stage) --say 'pair sheets' --sheets 'confused_pair_*_to_*.png' -- $(call draw,,--pairs "$$D/pairs.tsv")

data/confident_sheets.txt: data/confident_rows.tsv data/confident_errors.tsv data/confident_maps.npy data/confident_stats.tsv $(flags) data/run.tsv data/inputs/images
	@all=$$(($$(wc -l < "$$D/confident_errors.tsv") - 1)); n=$$(($$(wc -l < "$$D/confident_rows.tsv") - 1)); \
	 [ "$$n" -eq "$$all" ] || all="the first $$n of $$all"; \
	 $(stage) --say 'sheets of confident errors' --sheets 'confident_errors*.png' -- \
	  $(call draw,/confident_errors.png,--columns 2 --rows-per-page 10 --title "Errors of highest confidence (above 90%): $$all")

data/review_sheets.txt: data/review_rows.tsv review_labels.tsv $(flags) data/run.tsv data/inputs/images
	@all=$$(($$(wc -l < "$$OUT/review_labels.tsv") - 1)); n=$$(($$(wc -l < "$$D/review_rows.tsv") - 1)); \
	 [ "$$n" -eq "$$all" ] || all="the first $$n of $$all"; \
	 $(stage) --say 'sheets of labels to review' --sheets 'review_labels*.png' -- $(CAM_OVERLAY) $(images) --show original \
	  --run "$$D/run.tsv" $(flagged) --columns 5 --rows-per-page 10 --title "Labels to review: $$all flagged" $(OVERLAY_FLAGS) \
	  --out "$(part)/sheets/review_labels.png" --table "$$D/review_rows.tsv"

# --- what maps are worth ---

# The analysis alone keeps them as they are.
ifeq ($(faith_asked),)
faithfulness.tsv faithfulness.png sanity.tsv: ;
else
data/faith_rows.tsv: private sample = $$SAMPLE
$(faith_maps): private word = $(subst @, ,$(@F:%.npy=%))
$(faith_maps): data/faith_rows.tsv data/inputs/model data/inputs/images
	@$(stage) --say 'maps by $(lastword $(word)) of $(firstword $(word))' --stdout -- "$$HEATPIPE_BIN/cam-compute" \
	  $(network) $(images) $(device) $(patsubst %,--layer %,$(filter-out network,$(firstword $(word)))) --method $(lastword $(word)) --score "$$SCORE" --size layer \
	  < "$$D/faith_rows.tsv"
faithfulness.tsv: data/predictions.tsv data/layers.tsv data/faith_rows.tsv $(faith_maps) data/inputs/model data/inputs/images
	@$(stage) --say 'what the maps are worth' --stdout -- bash "$$HEATPIPE_SHARE/faithfulness.sh" "$$D/faith_rows.tsv" "$$D/layers.tsv" \
	  "$(part)/summary.tsv" "$$HEATPIPE_BIN/cam-score" $(network) $(images) $(device) --steps 8 --against center $(if $(value MASKS),--masks "$$MASKS" --metrics \
  deletion_grey$(comma)insertion_blur$(comma)road$(comma)irof$(comma)drop$(comma)increase$(comma)pointing$(comma)mass_inside) $(if $(value VERBOSE),-v) -- \
	  $(foreach f,$(faith_maps),$(subst @, ,$(notdir $(f:%.npy=%))) "$$OUT/$f")
sanity.tsv: data/predictions.tsv data/layers.tsv data/faith_rows.tsv $(faith_maps) data/inputs/model data/inputs/images
	@$(stage) --say 'what the maps depend on' --stdout -- bash "$$HEATPIPE_SHARE/sanity.sh" "$$HEATPIPE_BIN" "$$SCORE" "$$D/predictions.tsv" "$$D/faith_rows.tsv" \
	  "$$D/layers.tsv" "$(part)" "$$SAMPLE" $(images) -- $(network) $(device) -- \
	  $(foreach f,$(faith_maps),$(subst @, ,$(notdir $(f:%.npy=%))) "$$OUT/$f")
faithfulness.png: data/faithfulness.chart
endif

# --- charts, texts, pages ---

data/faithfulness.chart: faithfulness.tsv sanity.tsv
data/confusion.chart: data/confusion.tsv data/classes.tsv
data/pairs.chart: data/pairs.tsv
data/reliability.chart: data/calibration.tsv data/reliability.tsv data/risk.tsv
$(chart_data) data/faithfulness.chart:
	@LC_ALL=C; export LC_ALL; $(to) awk -f "$$HEATPIPE_SHARE/plots/tables.awk" \
	  -f "$$HEATPIPE_SHARE/plots/$(basename $(@F)).awk" $(foreach t,$^,"$$OUT/$t")

# gnuplot without the user's settings.
confusion_matrix_full.png: data/confusion.chart
top_confused_pairs.png: data/pairs.chart
reliability_diagram.png: data/reliability.chart
$(charts) $(if $(faith_asked),faithfulness.png):
	@unset GNUTERM GNUPLOT_LIB GNUPLOT_PS_DIR GNUPLOT_DRIVER_DIR GDFONTPATH GNUPLOT_FONTPATH FIT_LOG FIT_SCRIPT; \
	 LC_ALL=C.UTF-8; export LC_ALL; $(stage) --say '$@' --fonts -- $(GNUPLOT) -d \
	  -c "$$HEATPIPE_SHARE/plots/$(basename $(<F)).gp" "$$OUT/$<" "$(part)/$@"

# What the texts and pages may name.
listed := $(faithful) data/predictions.tsv data/run.tsv $(if $(unlabelled),analysis_summary.txt explorer.html,$(charts) $(texts) $(pages) \
  $(csvs) $(if $(has_check),review_labels.tsv data/label_check.tsv) $(if $(has_maps),data/cam_stats.tsv) $(if $(has_turned),data/turned.tsv) data/pairs.tsv data/calibration.tsv data/risk.tsv data/duplicates.tsv data/image_stats.tsv data/image_stats_errors.tsv \
  $(if $(has_slices),data/slices.tsv data/slice_rows.tsv) data/findings.tsv)
data/files.tsv: $(made_sheets)
	@$(to) awk -v 'list=$(listed)' 'BEGIN { print "file"; n = split(list, f, " "); for (i = 1; i <= n; i++) print f[i] } \
	  { print }' $(foreach t,$^,"$$OUT/$t") < /dev/null

summed := $(filter %.tsv,$(faithful)) data/summary.tsv data/per_class.tsv data/pairs.tsv data/groups.tsv $(if $(has_maps),data/cam_stats.tsv) $(if $(has_turned),data/turned.tsv) $(if $(has_stability),data/stability.tsv) \
  data/predictions.tsv data/calibration.tsv $(flags) $(covariates) data/duplicates_summary.tsv \
  $(if $(has_slices),data/slices.tsv)
from := $(if $(has_faith),--faithfulness "$$OUT/faithfulness.tsv") $(if $(has_sane),--sanity "$$OUT/sanity.tsv") --summary "$$D/summary.tsv" --classes "$$D/per_class.tsv" --pairs "$$D/pairs.tsv" \
  --groups "$$D/groups.tsv" $(if $(has_maps),--cam "$$D/cam_stats.tsv") $(if $(has_turned),--turned "$$D/turned.tsv") $(if $(has_stability),--stability "$$D/stability.tsv") --predictions "$$D/predictions.tsv" \
  --calibration "$$D/calibration.tsv" $(if $(has_check),--label-check "$$D/label_check.tsv") \
  --covariates "$$D/image_stats_errors.tsv" --duplicates "$$D/duplicates_summary.tsv" $(if $(has_slices),--slices "$$D/slices.tsv") --run "$$D/run.tsv"
files := --files "$$D/files.tsv"

ifeq ($(unlabelled),)
analysis_summary.txt: $(summed) data/run.tsv data/files.tsv
	@$(to) $(REPORT) summary $(from) $(files)
else
analysis_summary.txt: data/predictions.tsv data/run.tsv data/files.tsv
	@$(to) $(REPORT) predictions --predictions "$$D/predictions.tsv" --run "$$D/run.tsv" $(files)
endif
recommendations.txt: $(summed) data/confident_rows.tsv data/run.tsv data/files.tsv
	@$(to) $(REPORT) recommendations $(from) $(if $(has_maps),--errors "$$D/confident_rows.tsv") $(files)
# The same for a pull request and for scripts, on demand.
report.md: private form := markdown
report.json: private form := json
$(forms): $(summed) data/confident_rows.tsv data/run.tsv data/files.tsv
	@$(to) $(REPORT) $(form) $(from) $(if $(has_maps),--errors "$$D/confident_rows.tsv") $(files)
data/findings.tsv: $(summed) data/run.tsv
	@$(to) $(REPORT) findings $(from)
per_class_accuracy.csv: data/per_class.tsv
	@$(to) $(REPORT) csv --classes "$$D/per_class.tsv"
most_confused_pairs.csv: data/pairs.tsv
	@$(to) $(REPORT) csv --pairs "$$D/pairs.tsv"
confident_errors.csv: data/confident_errors.tsv $(flags)
	@$(to) $(REPORT) csv --errors "$$D/confident_errors.tsv" $(if $(has_check),--label-check "$$D/label_check.tsv")
per_class_accuracy_interactive.html: data/per_class.tsv data/pairs.tsv data/summary.tsv data/run.tsv data/files.tsv
	@$(to) $(REPORT) bars --classes "$$D/per_class.tsv" --pairs "$$D/pairs.tsv" --summary "$$D/summary.tsv" \
	  --run "$$D/run.tsv" $(files)
# Every image with its maps: what the images are and what was predicted, the sheets' images first.
shown := $(if $(unlabelled),--selected "$$D/selected.tsv",--classes "$$D/per_class.tsv" --pairs "$$D/pairs.tsv" \
  $(if $(has_faith),--faithfulness "$$OUT/faithfulness.tsv") $(if $(has_sane),--sanity "$$OUT/sanity.tsv") --summary "$$D/summary.tsv" --selected "$$D/selected.tsv" --pair-rows "$$D/pair_rows.tsv" --errors "$$D/confident_rows.tsv")
stored := $(if $(earlier),--cams "$$D/cams.npy" --planes true$(comma)pred$(comma)margin,--class-maps "$$D/class_maps.npy")
explorer.html: data/predictions.tsv data/classes.tsv data/run.tsv data/files.tsv data/inputs/images $(joined) \
  $(if $(unlabelled),data/selected.tsv,$(summed) $(filter-out data/slice_choice.tsv,$(drawn))) $(if $(has_maps),$(map_tensor) data/ids.npy)
	@$(stage) --folder explorer -- $(REPORT) explorer --predictions "$$D/predictions.tsv" $(shown) \
	  --names "$$D/classes.tsv" --run "$$D/run.tsv" $(files) $(images) --cmap "$$CMAP" --base "$$OUT" \
	  $(foreach t,$(joined),--join "$$OUT/$t") $(call option,--join,METADATA) \
	  $(if $(has_maps),$(stored) $(if $(has_ids),--ids "$$D/ids.npy")) --out "$(part)/explorer.html"

faithfulness: analysis
ifeq ($(has_faith),)
	@exec 2>&8; . "$$HEATPIPE_SHARE/common.sh"; \
	 fail "faithfulness: expected maps of a model that heatpipe reads, found none: changed images pass the network, which $(if $(own),has no maps,PREDICT does not offer)"
endif
	$(call closing,the results are in $$OUT: begin with $$OUT/faithfulness.png or $$OUT/analysis_summary.txt)

# --- misclassified images as pictures, in folders of their classes ---

data/export_rows.tsv: data/predictions.tsv
	@LC_ALL=C; export LC_ALL; $(to) awk -f "$$HEATPIPE_SHARE/export.awk" "$$D/predictions.tsv"
# Nothing goes to standard output.
data/exported: data/export_rows.tsv data/inputs/images
	@$(stage) --say 'pictures of the misclassified images' --folder export --stdout -- $(CAM_OVERLAY) $(images) \
	  --table "$$D/export_rows.tsv" --show original --zoom 1 --name '{class_folder}/{side}/{id}.png' --each "$(part)/export"
export: data/exported
	@exec 2>&8; . "$$HEATPIPE_SHARE/common.sh"; writing cp -- "$$D/export_rows.tsv" "$$OUT/export/index.tsv"
	$(call closing,the misclassified images are in $$OUT/export: index.tsv lists them)

endif
endif
