# The programs, the pages that report holds, the entrance heatpipe and the manual pages.

PROGRAMS := cifar-predict confmat worst-k cam-compute cam-overlay cam-score run-diff report model-info neighbors \
            label-check image-stats calibrate covariates duplicates corrupt mosaic slices gather
# Others may have programs of these names: installed, they are called heatpipe-NAME.
GENERAL_PROGRAMS := report neighbors slices duplicates covariates calibrate corrupt mosaic gather
# Only these link a backend.
ENGINE_PROGRAMS := cifar-predict cam-compute cam-score model-info neighbors duplicates slices label-check

commands    := heatpipe $(PROGRAMS)
# What a program is called where it is installed.
command      = $(if $(filter $1,$(GENERAL_PROGRAMS)),heatpipe-)$1

cmd_src     := $(sort $(wildcard cmd/*/*.c))
cmd_obj     := $(cmd_src:%.c=$(BUILD)/%.o)
bins        := $(PROGRAMS:%=$(BUILD)/bin/%)
# heatpipe itself is a script beside the programs, with what it reads in share, as installed.
share_src   := $(sort $(filter-out pipelines/setup.sh %.mk,$(wildcard pipelines/*.* pipelines/*/*.*)) pipelines/gradcam.mk)
# Examples of swapped stages, and what `heatpipe demo` analyses.
examples    := $(sort $(wildcard examples/*.* examples/tools/* examples/github-actions/*) $(addprefix examples/shapes100/,README.md model.pth test.bin \
               masks.npy wrong_labels.tsv fine_label_names.txt coarse_label_names.txt))
share       := $(share_src:pipelines/%=$(BUILD)/share/heatpipe/%) $(examples:%=$(BUILD)/share/heatpipe/%)
scripts     := $(BUILD)/bin/heatpipe $(share)
man_src     := $(sort $(wildcard cmd/*/*.[157]))
man         := $(foreach m,$(notdir $(man_src)),$(BUILD)/man/$(call command,$(basename $m))$(suffix $m))

# The pages that report writes are in the program. The explorer's script is that of its modules,
# each of which uses only those before it.
explorer_js := $(addprefix cmd/report/explorer/,$(addsuffix .js,dom store address pieces rows marks tags query \
  command maps picture grid filters overview classes matrix subject image scatter main))
assets := $(sort $(wildcard cmd/report/*.html cmd/report/*.css cmd/report/*.js)) \
          $(BUILD)/cmd/report/explorer.js
$(BUILD)/cmd/report/explorer.js: $(explorer_js)
	@mkdir -p $(@D)
	@cat $^ > $@
$(BUILD)/cmd/report/assets.c: cmd/report/embed.sh $(assets)
	@mkdir -p $(@D)
	@sh cmd/report/embed.sh $(assets) > $@

$(BUILD)/cmd/report/assets.o: $(BUILD)/cmd/report/assets.c $(BUILD)/flags
	@echo '  CC   $<'; $(CC) $(all_cflags) -Icmd/report -c $< -o $@

more_report := $(BUILD)/cmd/report/assets.o

# The state of the sources is no part of the libraries, so that a commit makes nothing anew but
# one object, and links the programs.
$(BUILD)/git-state: FORCE
	@mkdir -p $(@D)
	@state=$$(cmd/git-state.sh | tr -cd '0-9A-Za-z._-'); cmp -s $@ - <<< "$$state" || echo "$$state" > $@
$(BUILD)/cmd/made.o: cmd/made.c $(BUILD)/git-state $(BUILD)/flags
	@mkdir -p $(@D)
	@$(CC) $(all_cflags) -DCOMMIT='"'"$$(cat $(BUILD)/git-state)"'"' -c $< -o $@

define program
$(BUILD)/bin/$(1): $(BUILD)/cmd/made.o $(patsubst %.c,$(BUILD)/%.o,$(wildcard cmd/$(1)/*.c)) $(more_$(1)) \
                   $(if $(filter $(1),$(ENGINE_PROGRAMS)),$(engine)) $(libs)
	@mkdir -p $$(@D)
	@echo '  LINK $$@'; $$(CC) $$(filter %.o %.a,$$^) $$(all_libs) $(if $(filter $(1),$(ENGINE_PROGRAMS)),$(engine_libs)) -o $$@
endef
$(foreach p,$(PROGRAMS),$(eval $(call program,$(p))))

# --- the same programs without a shared library ---

# Objects that stand before the archives leave those of the same functions in them. GLib looks
# users up by shared libraries of glibc, of which the linker warns; no program asks it to.
static_pkgs := jansson libdeflate libpng libjpeg libwebp zlib glib-2.0
static_libs  = $(eval static_libs := $$(shell pkg-config --static --libs $(static_pkgs)))$(static_libs)
static_bins := $(PROGRAMS:%=$(BUILD)/static/%)
define static_program
$(BUILD)/static/$(1): $(BUILD)/cmd/made.o $(patsubst %.c,$(BUILD)/%.o,$(wildcard cmd/$(1)/*.c)) $(more_$(1)) $(bare_obj) \
                      $(if $(filter $(1),$(ENGINE_PROGRAMS)),$(engine)) $(libs)
	@mkdir -p $$(@D)
	@echo '  LINK $$@'; $$(CC) -static $$(filter %.o %.a,$$^) $$(LDFLAGS) -pthread $$(static_libs) -lm -o $$@ \
	 2> >(grep -vE "getpw|g_get_user_database_entry" >&2)
endef
$(foreach p,$(PROGRAMS),$(eval $(call static_program,$(p))))

.PHONY: static
static: $(static_bins)

$(BUILD)/bin/heatpipe: cmd/heatpipe/heatpipe
	@mkdir -p $(@D)
	@install -m 755 $< $@
$(BUILD)/share/heatpipe/%: pipelines/%
	@mkdir -p $(@D)
	@install -m 644 $< $@
$(BUILD)/share/heatpipe/examples/%: examples/%
	@mkdir -p $(@D)
	@install -m 644 $< $@

-include $(cmd_obj:.o=.d)

# --- manual pages: the lists of options come from the programs themselves ---

.PHONY: man
man: $(man)

as_installed = LC_ALL=C awk -v general='$(GENERAL_PROGRAMS)' -v page=$(@F) -f cmd/man/page.awk

define man_page
$(BUILD)/man/$(call command,$(1)).1: cmd/$(1)/$(1).1 $(BUILD)/bin/$(1) cmd/man/page.awk
	@mkdir -p $$(@D)
	@awk -v p=$(BUILD)/bin/$(1) \
	  '/^\.\\" (SYNOPSIS|OPTIONS|METHODS|METRICS)$$$$/ { fflush(); system(p " --help=mdoc-" tolower($$$$2)); next } \
	   { print }' $$< | $$(as_installed) > $$@
endef
$(foreach p,$(PROGRAMS) heatpipe,$(eval $(call man_page,$(p))))
# Its help asks the programs which words their options take.
$(BUILD)/man/heatpipe.1: $(bins) $(share)

$(BUILD)/man/%: cmd/man/% cmd/man/page.awk
	@mkdir -p $(@D)
	@$(as_installed) $< > $@

# --- the manual as HTML: first the pages of this list, in its order ---

first_pages := heatpipe.7 $(addprefix heatpipe-,$(addsuffix .7,tutorial labels change maps accuracy networks cluster \
               benchmarks)) heatpipe.1

.PHONY: docs
docs: man
	@cmd/man/html/build.sh $(BUILD)/docs $(BUILD)/man examples/shapes100/pictures \
	 $(filter $(notdir $(man)),$(first_pages)) $(sort $(filter-out $(first_pages),$(notdir $(man))))
	@echo '$(BUILD)/docs/index.html'

# --- completions for shells, from the same tables ---

completions := $(BUILD)/completions/bash $(BUILD)/completions/zsh $(BUILD)/completions/fish

$(BUILD)/completions/table: $(bins) $(BUILD)/bin/heatpipe $(share)
	@mkdir -p $(@D)
	@for p in $(commands); do $(BUILD)/bin/$$p --help=table | sed "1d; s/^/$$p\t/" || exit 1; done > $@
completion_awk := LC_ALL=C awk -f cmd/completions/words.awk
$(completions): cmd/completions/words.awk
$(BUILD)/completions/bash: $(BUILD)/completions/table cmd/completions/bash.awk cmd/completions/functions.bash
	@{ $(completion_awk) -f cmd/completions/bash.awk $< && cat cmd/completions/functions.bash && \
	 echo && echo 'complete -F _heatpipe $(foreach c,$(commands),$(call command,$c))'; } > $@
$(BUILD)/completions/zsh: $(BUILD)/completions/table cmd/completions/zsh.awk
	@$(completion_awk) -v commands='$(foreach c,$(commands),$(call command,$c))' -f cmd/completions/zsh.awk $< > $@
# A folder: fish looks for a file of the command's name.
$(BUILD)/completions/fish: $(BUILD)/completions/table cmd/completions/fish.awk
	@rm -rf $@ && mkdir -p $@
	@$(completion_awk) -v out=$@ -v general='$(GENERAL_PROGRAMS)' -f cmd/completions/fish.awk $<
