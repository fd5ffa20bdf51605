# The whole analysis: from a checkpoint and a data set to the finished report.
#
#   make -f gradcam.mk MODEL=model.pth DATA=cifar-100-python OUT=results
#
# DATA is a CIFAR file or folder, an .npy file, or a folder of PNG and JPEG images;
# DATA_FLAGS='--resize 32x32' reads images of other sizes in every stage. Images need no
# labels: then there are predictions and their maps alone.
#
# Every table and tensor is a file under OUT/data, so that make goes on where it
# stopped. A stage can be swapped by its variable, for example
# WORST_K='awk -f mine.awk --': any command that reads and writes the same streams.
# A target is made again when its inputs or its own command line change.

SHELL := bash
.SHELLFLAGS := -o pipefail -c
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

MODEL ?=
DATA  ?=
OUT   ?= results

# Where the programs are ("" searches PATH) and where the plots' scripts are.
BIN   ?=
makefile := $(abspath $(lastword $(MAKEFILE_LIST)))
here  := $(dir $(makefile))
PLOTS ?= $(here)plots

# The stages.
PREDICT     ?= $(BIN)cifar-predict
CONFMAT     ?= $(BIN)confmat
WORST_K     ?= $(BIN)worst-k
CAM_COMPUTE ?= $(BIN)cam-compute
CAM_OVERLAY ?= $(BIN)cam-overlay
REPORT      ?= $(BIN)report
GNUPLOT     ?= gnuplot

# What most people leave alone.
DEVICE    ?= auto
PRECISION ?= f32
# Anything: direct convolutions, no Winograd.
EXACT     ?=
# Images per kind (best, worst) and class, confused pairs with a sheet, images
# of each.
COUNT ?= 3
PAIRS ?= 5
# A layer such as layer3 or layer2.0; empty: the last stage, whose maps need no
# second pass through the network.
LAYER ?=
# logit, logprob or prob.
SCORE ?= logit
CMAP  ?= viridis
# How all stages that read images read them: --resize HxW.
DATA_FLAGS ?=
# How the model is read, for every stage that reads it: --assume, --mean, --std.
MODEL_FLAGS ?=
# Further options of cifar-predict: --names, --labels, --threads.
PREDICT_FLAGS ?=
OVERLAY_FLAGS ?=

ifeq ($(MODEL),)
$(error MODEL is not set: the checkpoint, e.g. MODEL=model.pth)
endif
ifeq ($(DATA),)
$(error DATA is not set: the data set, e.g. DATA=cifar-100-python)
endif
include $(here)names.mk
$(foreach v,MODEL DATA,$(if $(wildcard $($(v))),,$(error $(v): $($(v)): no such file)))
# awk takes a=b for an assignment.
ifneq ($(findstring =,$(OUT)),)
$(error OUT must be a name without '=', found '$(OUT)')
endif

D := $(OUT)/data

# What cifar-predict may read of a folder; other files in it do not matter.
data_names := test.bin test_batch.bin test test_batch meta batches.meta batches.meta.txt \
  fine_label_names.txt coarse_label_names.txt
data_dirs  := $(if $(wildcard $(DATA)/.),$(DATA) $(DATA)/cifar-100-binary \
  $(DATA)/cifar-100-python,$(patsubst %/,%,$(dir $(DATA))))
data_files := $(if $(wildcard $(DATA)/.),,$(DATA)) \
  $(foreach f,$(wildcard $(foreach d,$(data_dirs),$(addprefix $(d)/,$(data_names)))),$(if \
  $(wildcard $(f)/.),,$(f)))
# Of a folder of PNG and JPEG images stands a sum over their names, sizes and times.
ifeq ($(strip $(data_files)),)
ifneq ($(filter $(realpath $(DATA))/%,$(abspath $(OUT))/),)
$(error OUT must not lie in the folder of images: found '$(OUT)' in '$(DATA)')
endif
data_files := $(D)/commands/images
endif
# Files that further options name.
flag_files := $(foreach f,$(subst =, ,$(PREDICT_FLAGS)),$(if $(findstring :,$(f)),,$(if $(wildcard \
  $(f)/.),,$(wildcard $(f)))))

# --- one run at a time ---

# The lock lies on an open file that make and all its children inherit: it is gone with
# the last of them, however they ended. What an earlier run left unfinished is removed
# under it. `make -n` and the like change nothing and need none.
letters := $(filter-out --%,$(firstword -$(MAKEFLAGS)))
ifeq ($(strip $(foreach l,n q t,$(findstring $l,$(letters))) $(filter $(OUT),$(HEATPIPE_LOCKED))),)
goals := $(or $(MAKECMDGOALS),analysis)
unfinished := find $(OUT) -maxdepth 2 -type f \( -path '$(D)/*.part' -o -path '$(D)/*.tmp-[0-9]*' \
  -o -path '$(OUT)/worst_predictions/*.png.tmp-[0-9]*' \
  -o -path '$(OUT)/predicted_classes/*.png.tmp-[0-9]*' -o -path '$(OUT)/confused_pair_*.png.tmp-[0-9]*' \
  $(patsubst %,-o -path '$(OUT)/%.part',confusion_matrix_full.png top_confused_pairs.png \
  per_class_accuracy.csv per_class_accuracy_interactive.html most_confused_pairs.csv \
  analysis_summary.txt recommendations.txt explorer.html) \) -delete
.PHONY: locked $(goals)
$(goals): locked ;
locked:
	@why=$$(mkdir -p $(D) 2>&1) || { echo "heatpipe: $(D): cannot make this folder:$${why##*:}" >&2; exit 1; }; \
	 why=$$({ : >> $(D)/lock; } 2>&1) || { echo "heatpipe: $(D): cannot write in this folder:$${why##*:}" >&2; exit 1; }; \
	 exec 9>> $(D)/lock; \
	 flock -n -E 9 9; r=$$?; \
	 if [ $$r = 9 ]; then echo "heatpipe: another run works in $(OUT): waiting until it has ended" >&2; flock 9; r=$$?; fi; \
	 if [ $$r = 0 ]; then $(unfinished); \
	 else echo "heatpipe: $(D)/lock cannot be locked here: another run in $(OUT) at this time would mix with this one" >&2; fi; \
	 exec $(MAKE) --no-print-directory -f '$(here)gradcam.mk' HEATPIPE_LOCKED=$(OUT) $(goals)
else

# Whether `all`, `some` or `none` of the images have a label: known after the predictions.
LABELLED ?= $(or $(shell cat $(D)/labels 2>/dev/null),all)

charts := $(OUT)/confusion_matrix_full.png $(OUT)/top_confused_pairs.png
pages  := $(OUT)/per_class_accuracy_interactive.html $(OUT)/explorer.html
texts  := $(OUT)/analysis_summary.txt $(OUT)/recommendations.txt
csvs   := $(OUT)/per_class_accuracy.csv $(OUT)/most_confused_pairs.csv
sheets := $(D)/class_sheets.txt $(D)/pair_sheets.txt

.PHONY: analysis results FORCE
analysis: $(D)/labels
	@+$(MAKE) --no-print-directory -f $(makefile) results LABELLED=$$(cat $<)

ifneq ($(LABELLED),none)
results: $(charts) $(pages) $(texts) $(csvs) $(sheets)
	@echo "heatpipe: the results are in $(OUT): begin with $(OUT)/analysis_summary.txt or $(OUT)/explorer.html"
else
# Without labels there are predictions, and how sure they are. What an earlier run with
# labels left would not belong to them.
results: $(OUT)/analysis_summary.txt $(D)/class_sheets.txt
	@rm -f $(charts) $(pages) $(csvs) $(OUT)/recommendations.txt $(D)/pair_sheets.txt \
	  $(OUT)/confused_pair_*_to_*.png
	@echo "heatpipe: the images have no labels; their predictions are in $(OUT): begin with $(OUT)/analysis_summary.txt"
endif
FORCE:

class_folder := $(if $(filter none,$(LABELLED)),predicted_classes,worst_predictions)
$(D) $(D)/commands $(OUT)/$(class_folder):
	@mkdir -p $@

$(D)/commands/images: FORCE | $(D)/commands
	@sum=$$(find -L $(DATA) -type f -regextype posix-extended -iregex '.*\.(png|jpe?g)' \
	  -printf '%P %s %T@\n' 2>/dev/null | LC_ALL=C sort | cksum); \
	 printf '%s\n' "$$sum" | cmp -s - $@ || printf '%s\n' "$$sum" > $@

# $(call command,NAME,WORDS): a file that is rewritten when WORDS change; what
# NAME's stage makes depends on it.
quote = '$(subst ','\'',$(1))'
define command
$(D)/commands/$(1): FORCE | $(D)/commands
	@printf '%s\n' $$(call quote,$$(strip $$($(1)))) | cmp -s - $$@ || \
	 printf '%s\n' $$(call quote,$$(strip $$($(1)))) > $$@
endef

# make sends a signal to the shells that it started: where a program takes long, the shell
# gives way to it (exec).
say = @echo "heatpipe: $(1)" >&2

# $(call to,FILE,COMMAND): the command's output under a temporary name first.
to = { { $(2); } > $(1).part && mv -f $(1).part $(1); } || { r=$$?; rm -f $(1).part; exit $$r; }

# --- predictions: the only pass through the network ---

predict := $(PREDICT) --model $(call quote,$(MODEL)) --data $(call quote,$(DATA)) \
  $(DATA_FLAGS) --device $(DEVICE) --precision $(PRECISION) $(if $(EXACT),--exact) $(MODEL_FLAGS) \
  $(PREDICT_FLAGS) \
  --logits $(D)/logits.npy --class-maps $(D)/class_maps.npy --classes $(D)/classes.tsv
$(eval $(call command,predict))

$(D)/predictions.tsv $(D)/logits.npy $(D)/class_maps.npy $(D)/classes.tsv &: \
    $(MODEL) $(data_files) $(flag_files) $(D)/commands/predict | $(D)
	$(call say,predictions)
	@exec $(predict) > $(D)/predictions.tsv.part
	@mv -f $(D)/predictions.tsv.part $(D)/predictions.tsv

# $(call column,COMMAND): awk over the predictions, with the column `true` as $$c.
true_column = awk -F '\t' 'NR == 1 { for (c = NF; c > 0 && $$c != "true"; c--); } $(1)'

labels_say := END { print n && na == n ? "none" : na ? "some" : "all" }
$(D)/labels: $(D)/predictions.tsv
	@$(call to,$@,$(call true_column,NR > 1 { n++; na += $$c == "NA" } $(labels_say)) < $<)

# Rows with a label, where some have none: maps of the true class are for these.
with_label = $(call true_column,NR == 1 || $$c != "NA") $(1)

# --- tables ---

confusion := $(CONFMAT) --names $(D)/classes.tsv --order group
confusion_long := $(CONFMAT) --names $(D)/classes.tsv --long
per_class := $(CONFMAT) --names $(D)/classes.tsv --classes
pairs     := $(CONFMAT) --names $(D)/classes.tsv --pairs --top 0
groups    := $(CONFMAT) --names $(D)/classes.tsv --groups
summary   := $(CONFMAT) --names $(D)/classes.tsv --summary
tables    := confusion confusion_long per_class pairs groups summary

selected  := $(WORST_K) $(if $(filter none,$(LABELLED)),--by pred) --count $(COUNT)
pair_rows := $(WORST_K) --by pair --pairs $(PAIRS) --count $(COUNT)
choices   := selected pair_rows

$(foreach t,$(tables) $(choices),$(eval $(call command,$(t))))

$(tables:%=$(D)/%.tsv): $(D)/%.tsv: $(D)/predictions.tsv $(D)/classes.tsv $(D)/commands/%
	@$(call to,$@,$($*) < $<)

$(choices:%=$(D)/%.tsv): $(D)/%.tsv: $(D)/predictions.tsv $(D)/commands/%
	@$(call to,$@,$($*) < $<)

# --- maps ---

targets := $(if $(filter none,$(LABELLED)),pred,true,pred,margin)
ifeq ($(LAYER),)
# The model gives no more than the biases: no image passes the network again.
map_files := $(D)/class_maps.npy $(D)/logits.npy $(MODEL)
map_from  := --class-maps $(D)/class_maps.npy --logits $(D)/logits.npy \
  --model $(call quote,$(MODEL)) $(MODEL_FLAGS)
else
map_files := $(MODEL) $(data_files)
map_from  := --model $(call quote,$(MODEL)) --data $(call quote,$(DATA)) $(DATA_FLAGS) --layer $(LAYER) \
  --device $(DEVICE) --precision $(PRECISION) $(if $(EXACT),--exact) $(MODEL_FLAGS)
endif

maps := $(CAM_COMPUTE) $(map_from) --score $(SCORE) --target $(targets) --size layer
cam_stats := $(CAM_COMPUTE) $(map_from) --score $(SCORE) --target $(targets) --size layer \
  --stats $(D)/cam_stats.tsv
$(foreach t,maps cam_stats,$(eval $(call command,$(t))))

$(D)/selected_maps.npy: $(D)/selected.tsv
$(D)/pair_maps.npy: $(D)/pair_rows.tsv
$(D)/selected_maps.npy $(D)/pair_maps.npy: $(map_files) $(D)/commands/maps
	$(call say,maps of $(notdir $(filter %selected.tsv %pair_rows.tsv,$^)))
	@exec $(maps) < $(filter %selected.tsv %pair_rows.tsv,$^) > $@.part
	@mv -f $@.part $@

# The figures of every image's maps; the maps themselves are not kept.
$(D)/cam_stats.tsv: $(D)/predictions.tsv $(map_files) $(D)/commands/cam_stats
	$(call say,figures of all maps)
	@$(if $(filter some,$(LABELLED)),$(call with_label,$<) | $(cam_stats),exec $(cam_stats) < $<) > /dev/null

# --- sheets ---

class_table := $(if $(filter none,$(LABELLED)),,$(D)/per_class.tsv)
class_sheets := $(CAM_OVERLAY) --data $(call quote,$(DATA)) $(DATA_FLAGS) --target $(targets) \
  --cmap $(CMAP) $(addprefix --classes ,$(class_table)) $(OVERLAY_FLAGS) --out $(OUT)/$(class_folder)
pair_sheets := $(CAM_OVERLAY) --data $(call quote,$(DATA)) $(DATA_FLAGS) --target $(targets) --cmap $(CMAP) \
  --pairs $(D)/pairs.tsv $(OVERLAY_FLAGS) --out $(OUT)
$(foreach t,class_sheets pair_sheets,$(eval $(call command,$(t))))

# A list of sheets stands for them; it is made again when one of them is gone.
listed = $(addprefix $(OUT)/,$(shell cat $(1) 2>/dev/null))
lost = $(if $(filter-out $(wildcard $(call listed,$(1))),$(call listed,$(1))),FORCE)
# Sheets of an earlier run under other names would stay beside the new ones.
clear = @rm -f $(1)

$(D)/class_sheets.txt: $(D)/selected.tsv $(D)/selected_maps.npy $(class_table) $(data_files) \
    $(D)/commands/class_sheets $(call lost,$(D)/class_sheets.txt) | $(OUT)/$(class_folder)
	$(call say,class sheets)
	$(call clear,$(OUT)/worst_predictions/class_*.png $(OUT)/predicted_classes/class_*.png)
	@exec $(class_sheets) --table $(D)/selected.tsv --maps $(D)/selected_maps.npy
	@$(call to,$@,(cd $(OUT) && printf '%s\n' $(class_folder)/class_*.png))

$(D)/pair_sheets.txt: $(D)/pair_rows.tsv $(D)/pair_maps.npy $(D)/pairs.tsv $(data_files) \
    $(D)/commands/pair_sheets $(call lost,$(D)/pair_sheets.txt)
	$(call say,pair sheets)
	$(call clear,$(OUT)/confused_pair_*_to_*.png)
	@exec $(pair_sheets) --table $(D)/pair_rows.tsv --maps $(D)/pair_maps.npy
	@$(call to,$@,find $(OUT) -maxdepth 1 -name 'confused_pair_*.png' -printf '%f\n' | sort)

# --- charts, texts, pages ---

chart_data := $(D)/confusion.chart $(D)/pairs.chart
$(D)/confusion.chart: $(D)/confusion.tsv $(D)/classes.tsv
$(D)/pairs.chart: $(D)/pairs.tsv
$(chart_data): $(D)/%.chart: $(PLOTS)/tables.awk $(PLOTS)/%.awk
	@$(call to,$@,LC_ALL=C awk -f $(PLOTS)/tables.awk -f $(PLOTS)/$*.awk $(filter %.tsv,$^))

$(OUT)/confusion_matrix_full.png: $(D)/confusion.chart $(PLOTS)/confusion.gp
$(OUT)/top_confused_pairs.png: $(D)/pairs.chart $(PLOTS)/pairs.gp
$(charts):
	$(call say,$(notdir $@))
	@LC_ALL=C.UTF-8 exec $(GNUPLOT) -c $(filter %.gp,$^) $(filter %.chart,$^) $@.part
	@mv -f $@.part $@

text_inputs := $(tables:%=$(D)/%.tsv) $(D)/cam_stats.tsv $(D)/predictions.tsv
from := --summary $(D)/summary.tsv --classes $(D)/per_class.tsv --pairs $(D)/pairs.tsv \
  --groups $(D)/groups.tsv --cam $(D)/cam_stats.tsv --predictions $(D)/predictions.tsv

analysis_summary := $(if $(filter none,$(LABELLED)),$(REPORT) predictions --predictions \
  $(D)/predictions.tsv,$(REPORT) summary $(from))
recommendations := $(REPORT) recommendations $(from)
per_class_accuracy := $(REPORT) csv --classes $(D)/per_class.tsv
most_confused_pairs := $(REPORT) csv --pairs $(D)/pairs.tsv
per_class_accuracy_interactive := $(REPORT) html --page bars --classes $(D)/per_class.tsv
explorer := $(REPORT) html --page explorer $(from) --selected $(D)/selected.tsv \
  --pair-rows $(D)/pair_rows.tsv
reports := $(texts) $(pages) $(csvs)
$(foreach t,$(basename $(notdir $(reports))),$(eval $(call command,$(t))))

ifneq ($(LABELLED),none)
$(texts): $(text_inputs)
else
$(OUT)/analysis_summary.txt: $(D)/predictions.tsv
endif
$(OUT)/per_class_accuracy.csv $(OUT)/per_class_accuracy_interactive.html: $(D)/per_class.tsv
$(OUT)/most_confused_pairs.csv: $(D)/pairs.tsv
$(OUT)/explorer.html: $(text_inputs) $(choices:%=$(D)/%.tsv)

define report_rule
$(1): $(D)/commands/$(basename $(notdir $(1)))
	@$$(call to,$$@,$$($(basename $(notdir $(1)))))
endef
$(foreach r,$(reports),$(eval $(call report_rule,$(r))))

endif
