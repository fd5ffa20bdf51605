# heatpipe: Grad-CAM error analysis of image classifiers as Unix filters.
# `make help` lists the targets.

SHELL := bash
.SHELLFLAGS := -o pipefail -c
.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:
MAKEFLAGS += --no-builtin-rules

VERSION := $(shell sed -n 's/^\#define HP_VERSION "\(.*\)"/\1/p' lib/base/prog.h)

PREFIX  ?= /usr/local
DESTDIR ?=
BUILD   ?= build
CC      ?= cc
ifeq ($(origin CC),default)
CC := cc
endif
# CI sets WERROR=1.
WERROR  ?= $(if $(CI),1)
# "address,undefined" for a build under the sanitizers.
SANITIZE ?=
# The sanitizers' reports need lines alone, which take less time to compile.
CFLAGS ?= -O2 $(if $(SANITIZE),-g1,-g)
# The CUDA backend: 1 insists on it, 0 leaves it out; otherwise it is built where nvcc
# and cuDNN's header are found.
CUDA ?= auto
NVCC ?= nvcc
# Native code for these compute capabilities, as far as nvcc knows them; PTX of the
# oldest for the rest.
CUDA_ARCHS ?= 75 80 86 89 90 100 120

PROGRAMS := cifar-predict confmat worst-k cam-compute cam-overlay report model-info
# Only these link a backend.
ENGINE_PROGRAMS := cifar-predict cam-compute model-info

# What `make setup` installs to build, run and test; `make setup-lint` to check the
# style and to test the pages in a browser.
PACKAGES := gcc g++ pkg-config libjansson-dev libcairo2-dev libpango1.0-dev libpng-dev libjpeg-dev \
            libwebp-dev zlib1g-dev gnuplot-nox fonts-dejavu-core python3
LINT_PACKAGES := clang-format clang-tidy shellcheck mandoc chromium valgrind strace
# `make setup-fuzz`, for `make fuzz`; llvm measures what the corpus covers.
FUZZ_PACKAGES := clang libclang-rt-dev llvm

GOALS := $(or $(MAKECMDGOALS),all)
PKGS := jansson libpng libjpeg libwebp zlib glib-2.0 pangocairo cairo

base_flags := -std=c11 -D_GNU_SOURCE -ffp-contract=off -Ilib -pthread
warn_flags := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
              -Wpointer-arith -Wvla $(if $(WERROR),-Werror)
san_flags  := $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all \
              -fno-omit-frame-pointer)
# Found when something is compiled, not when this file is read: `make setup test`
# installs what pkg-config asks for.
pkg_flags  = $(eval pkg_flags := $$(shell pkg-config --cflags $(PKGS)))$(pkg_flags)
pkg_libs   = $(eval pkg_libs := $$(shell pkg-config --libs $(PKGS)))$(pkg_libs)
all_cflags = $(base_flags) $(warn_flags) $(san_flags) $(pkg_flags) $(CPPFLAGS) $(CFLAGS)
all_libs   = $(LDFLAGS) $(san_flags) -pthread -Wl,--as-needed $(pkg_libs) -lm
# The CUDA backend finds these names of a program that loads it.
host_syms   := lib/engine/cuda/host.syms
engine_libs := -ldl -Wl,--dynamic-list=$(host_syms)

# --- sources ---

lib_src     := $(sort $(wildcard lib/*/*.c))
cuda_src    := $(sort $(wildcard lib/engine/cuda/*.c))
engine_src  := $(filter-out $(cuda_src),$(sort $(wildcard lib/engine/*.c lib/engine/*/*.c lib/fit/*.c)))
lib_src     := $(filter-out $(engine_src),$(lib_src))
lib_obj     := $(lib_src:%.c=$(BUILD)/%.o)
engine_obj  := $(engine_src:%.c=$(BUILD)/%.o)
cmd_src     := $(sort $(wildcard cmd/*/*.c))
cmd_obj     := $(cmd_src:%.c=$(BUILD)/%.o)
fuzz_src    := $(filter-out tests/fuzz/driver.c,$(sort $(wildcard tests/fuzz/*.c)))
fuzz_bin    := $(fuzz_src:%.c=$(BUILD)/%)
unit_src    := $(sort $(wildcard tests/unit/*.c tests/engine/*.c)) $(fuzz_src)
unit_bin    = $(filter-out $(if $(cuda_built),,$(cuda_plans)),$(unit_src:%.c=$(BUILD)/%))
bins        := $(PROGRAMS:%=$(BUILD)/bin/%)
# heatpipe itself is a script beside the programs, with what it reads in share, as installed.
share_src   := $(sort $(filter-out pipelines/setup.sh,$(wildcard pipelines/*.*)) $(wildcard pipelines/plots/*.*))
share       := $(share_src:pipelines/%=$(BUILD)/share/heatpipe/%)
scripts     := $(BUILD)/bin/heatpipe $(share)
libs        := $(BUILD)/libheatpipe.a
engine      := $(BUILD)/libengine.a
headers     := $(sort $(shell find lib cmd -name '*.h'))

comma       := ,

# --- the CUDA backend: what is here ---

nvcc_path   := $(shell command -v $(NVCC) 2>/dev/null)
CUDA_HOME   ?= $(patsubst %/bin/,%,$(dir $(realpath $(nvcc_path))))
cudnn_home  := $(patsubst %/include/cudnn.h,%,$(firstword $(wildcard \
               $(CUDA_HOME)/include/cudnn.h /usr/local/include/cudnn.h /usr/include/cudnn.h)))
cuda_archs   = $(eval cuda_archs := $$(filter $$(CUDA_ARCHS),$$(patsubst compute_%,%,$$(shell \
               $(NVCC) --list-gpu-arch))))$(cuda_archs)
cuda_found  := $(if $(nvcc_path),$(if $(cudnn_home),1))
ifeq ($(filter 0 1 auto,$(CUDA)),)
$(error CUDA: expected 0, 1 or auto, found $(CUDA))
endif
ifeq ($(CUDA),1)
ifneq ($(cuda_found),1)
$(error CUDA=1: expected nvcc on the PATH and cuDNN's header beside it, found $(or $(nvcc_path),no nvcc)\
 and $(if $(cudnn_home),$(cudnn_home)/include/cudnn.h,no cudnn.h))
endif
endif
# Under the sanitizers only the stand-in is of use.
cuda_built  := $(if $(filter 1,$(CUDA)),1,$(if $(filter auto,$(CUDA)),$(if $(SANITIZE),,$(cuda_found))))
cuda_so     := $(if $(cuda_built),$(BUILD)/lib/heatpipe/cuda.so)
standin_so  := $(BUILD)/tests/cuda/standin.so
man_src     := $(sort $(wildcard cmd/*/*.1 cmd/*/*.5))
man         := $(addprefix $(BUILD)/man/,$(notdir $(man_src)))

.PHONY: all
all: $(bins) $(scripts) $(cuda_so) man

# --- compiling ---

# Rewritten only when the flags change, so that what they touch is made again.
.PHONY: FORCE
FORCE:
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@pkg-config --exists $(PKGS) || { echo "heatpipe: libraries are missing: run 'make setup'" >&2; exit 1; }
	@echo '$(CC) $(all_cflags) $(all_libs) $(engine_libs)' | cmp -s - $@ || \
	 echo '$(CC) $(all_cflags) $(all_libs) $(engine_libs)' > $@

$(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	@$(if $(V),,echo '  CC   $<';) $(if $(V),set -x;) $(CC) $(all_cflags) -MMD -MP -c $< -o $@

# Unrolled as they are, the kernels would take minutes to compile with every check.
$(patsubst %,$(BUILD)/lib/engine/cpu/%.o,avx512 avx2 plain): \
  private CFLAGS += $(if $(SANITIZE),-O1 -fno-var-tracking -fno-sanitize=null$(comma)alignment$(comma)pointer-overflow)

$(libs): $(lib_obj)
$(engine): $(engine_obj)
$(BUILD)/%.a:
	@rm -f $@; echo '  AR   $@'; ar rcs $@ $^

# The pages that report writes are in the program.
assets := $(sort $(wildcard cmd/report/*.html cmd/report/*.css cmd/report/*.js))
$(BUILD)/cmd/report/assets.c: cmd/report/embed.sh $(assets)
	@mkdir -p $(@D)
	@sh cmd/report/embed.sh $(assets) > $@

$(BUILD)/cmd/report/assets.o: $(BUILD)/cmd/report/assets.c $(BUILD)/flags
	@echo '  CC   $<'; $(CC) $(all_cflags) -Icmd/report -c $< -o $@

more_report := $(BUILD)/cmd/report/assets.o

define program
$(BUILD)/bin/$(1): $(patsubst %.c,$(BUILD)/%.o,$(wildcard cmd/$(1)/*.c)) $(more_$(1)) \
                   $(if $(filter $(1),$(ENGINE_PROGRAMS)),$(engine)) $(libs)
	@mkdir -p $$(@D)
	@echo '  LINK $$@'; $$(CC) $$(filter %.o %.a,$$^) $$(all_libs) $(if $(filter $(1),$(ENGINE_PROGRAMS)),$(engine_libs)) -o $$@
endef
$(foreach p,$(PROGRAMS),$(eval $(call program,$(p))))

$(BUILD)/bin/heatpipe: cmd/heatpipe/heatpipe
	@mkdir -p $(@D)
	@install -m 755 $< $@
$(BUILD)/share/heatpipe/%: pipelines/%
	@mkdir -p $(@D)
	@install -m 644 $< $@

# Plans are made by cuDNN itself, without a device.
cuda_plans  := $(BUILD)/tests/engine/cuda_plans
$(cuda_plans).o: tests/engine/cuda_plans.c $(BUILD)/cuda/flags
	@mkdir -p $(@D)
	@echo '  CC   $<'; $(CC) $(base_flags) $(warn_flags) $(CPPFLAGS) $(CFLAGS) $(cuda_inc) -MMD -MP -c $< -o $@
$(cuda_plans): $(cuda_plans).o $(BUILD)/cuda/lib/engine/cuda/dnn.o $(engine) $(libs)
	@echo '  LINK $@'; $(CC) $(filter %.o %.a,$^) $(all_libs) $(engine_libs) $(addprefix -L,$(cuda_lib)) \
	 $(addprefix -Wl$(comma)-rpath$(comma),$(cuda_lib)) -lcudnn -o $@

# The kernels alone, on the stand-in.
cuda_kernels := $(BUILD)/tests/engine/cuda_kernels
$(cuda_kernels).o: tests/engine/cuda_kernels.c $(BUILD)/standin/flags
	@mkdir -p $(@D)
	@echo '  CC   $<'; $(CC) $(base_flags) $(warn_flags) $(san_flags) $(CPPFLAGS) $(CFLAGS) $(standin_inc) -MMD -MP -c $< -o $@
$(cuda_kernels): $(cuda_kernels).o $(BUILD)/standin/lib/engine/cuda/kernels.o $(BUILD)/standin/tests/cuda/runtime.o $(libs)
	@echo '  LINK $@'; $(CXX) $^ $(all_libs) -o $@

# The same on a GPU.
$(BUILD)/cuda/tests/engine/cuda_kernels.o: tests/engine/cuda_kernels.c $(BUILD)/cuda/flags
	@mkdir -p $(@D)
	@echo '  CC   $< (CUDA)'; $(CC) $(base_flags) $(warn_flags) $(CPPFLAGS) $(CFLAGS) $(cuda_inc) -MMD -MP -c $< -o $@
$(BUILD)/tests/cuda/kernels: $(BUILD)/cuda/tests/engine/cuda_kernels.o $(BUILD)/cuda/lib/engine/cuda/kernels.o $(libs)
	@mkdir -p $(@D)
	@echo '  LINK $@'; $(CC) $^ $(all_libs) $(addprefix -L,$(cuda_lib)) -lcudart_static -lstdc++ -lrt -ldl -o $@

$(BUILD)/tests/%: $(BUILD)/tests/%.o $(engine) $(libs)
	@echo '  LINK $@'; $(CC) $(filter %.o %.a,$^) $(all_libs) $(engine_libs) -o $@

# Replayed by a driver in tests, driven by libFuzzer in `make fuzz`, which sets FUZZ_ENGINE.
FUZZ_ENGINE ?=
$(BUILD)/tests/fuzz/%: $(BUILD)/tests/fuzz/%.o $(if $(FUZZ_ENGINE),,$(BUILD)/tests/fuzz/driver.o) $(libs)
	@echo '  LINK $@'; $(CC) $(filter %.o %.a,$^) $(all_libs) $(if $(FUZZ_ENGINE),-fsanitize=fuzzer) -o $@

# --- the CUDA backend: a shared object, and the same against the tests' stand-in ---

cuda_inc    := $(addprefix -isystem ,$(sort $(CUDA_HOME)/include $(cudnn_home)/include))
cuda_lib    := $(sort $(wildcard $(addsuffix /lib64,$(CUDA_HOME) $(cudnn_home)) \
               $(addsuffix /lib,$(CUDA_HOME) $(cudnn_home))))
so_flags    := -fPIC -fvisibility=hidden
nvcc_flags   = -O3 -std=c++17 -Ilib $(foreach a,$(cuda_archs),-gencode arch=compute_$(a),code=sm_$(a)) \
               -gencode arch=compute_$(firstword $(cuda_archs)),code=compute_$(firstword $(cuda_archs)) \
               -t 2 -Xcompiler -fPIC,-fvisibility=hidden,-Wall,-Wextra$(if $(WERROR),$(comma)-Werror)
cuda_obj    := $(cuda_src:%.c=$(BUILD)/cuda/%.o) $(BUILD)/cuda/lib/engine/cuda/kernels.o

$(BUILD)/cuda/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(all_cflags) $(nvcc_path) $(nvcc_flags) $(cuda_inc) $(cuda_lib)' | cmp -s - $@ || \
	 echo '$(CC) $(all_cflags) $(nvcc_path) $(nvcc_flags) $(cuda_inc) $(cuda_lib)' > $@

$(BUILD)/cuda/%.o: %.c $(BUILD)/cuda/flags
	@mkdir -p $(@D)
	@echo '  CC   $< (CUDA)'; $(CC) $(base_flags) $(warn_flags) $(CPPFLAGS) $(CFLAGS) $(so_flags) $(cuda_inc) -MMD -MP -c $< -o $@

$(BUILD)/cuda/%.o: %.cu $(BUILD)/cuda/flags
	@mkdir -p $(@D)
	@echo '  NVCC $<'; $(NVCC) $(nvcc_flags) -MMD -MP -c $< -o $@

# The runtime is in the object, so that a driver is all it asks of a machine; cuDNN is not.
$(cuda_so): $(cuda_obj)
	@mkdir -p $(@D)
	@echo '  LINK $@'; $(CC) -shared $(cuda_obj) $(LDFLAGS) $(addprefix -L,$(cuda_lib)) \
	 $(addprefix -Wl$(comma)-rpath$(comma),$(cuda_lib)) -lcudart_static -lcudnn -lstdc++ -lrt -ldl -pthread -o $@

standin_inc := -Itests/cuda/include
standin_cxx := -std=c++17 -O3 -g -Ilib $(standin_inc) -Itests/cuda -fPIC -pthread -Wall -Wextra \
               $(if $(WERROR),-Werror) $(san_flags)
standin_src := $(sort $(wildcard tests/cuda/*.cpp))
standin_obj := $(cuda_src:%.c=$(BUILD)/standin/%.o) $(BUILD)/standin/lib/engine/cuda/kernels.o \
               $(standin_src:%.cpp=$(BUILD)/standin/%.o)

$(BUILD)/standin/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(all_cflags) $(CXX) $(standin_cxx)' | cmp -s - $@ || \
	 echo '$(CC) $(all_cflags) $(CXX) $(standin_cxx)' > $@

$(BUILD)/standin/%.o: %.c $(BUILD)/standin/flags
	@mkdir -p $(@D)
	@echo '  CC   $< (stand-in)'; $(CC) $(base_flags) $(warn_flags) $(san_flags) $(CPPFLAGS) $(CFLAGS) $(so_flags) $(standin_inc) -MMD -MP -c $< -o $@

$(BUILD)/standin/%.o: %.cu $(BUILD)/standin/flags
	@mkdir -p $(@D)
	@echo '  CXX  $< (stand-in)'; $(CXX) -x c++ $(standin_cxx) -ffp-contract=off -MMD -MP -c $< -o $@

# What cuDNN does is no code of ours, checks its memory itself and is slow enough.
$(BUILD)/standin/tests/cuda/dnn.o: standin_cxx := $(filter-out $(san_flags),$(standin_cxx))

$(BUILD)/standin/%.o: %.cpp $(BUILD)/standin/flags
	@mkdir -p $(@D)
	@echo '  CXX  $<'; $(CXX) $(standin_cxx) -MMD -MP -c $< -o $@

$(standin_so): $(standin_obj)
	@mkdir -p $(@D)
	@echo '  LINK $@'; $(CXX) -shared $^ $(san_flags) -pthread -o $@

-include $(cuda_obj:.o=.d) $(standin_obj:.o=.d)
-include $(lib_obj:.o=.d) $(engine_obj:.o=.d) $(cmd_obj:.o=.d) $(unit_bin:=.d) $(BUILD)/tests/fuzz/driver.d

# --- manual pages: the lists of options come from the programs themselves ---

.PHONY: man
man: $(man)

define man_page
$(BUILD)/man/$(1).1: cmd/$(1)/$(1).1 $(BUILD)/bin/$(1)
	@mkdir -p $$(@D)
	@awk -v p=$(BUILD)/bin/$(1) \
	  '/^\.\\" (SYNOPSIS|OPTIONS)$$$$/ { fflush(); system(p " --help=mdoc-" tolower($$$$2)); next } \
	   { print }' $$< > $$@
endef
$(foreach p,$(PROGRAMS) heatpipe,$(eval $(call man_page,$(p))))
# Its help asks the programs which words their options take.
$(BUILD)/man/heatpipe.1: $(bins) $(share)

$(BUILD)/man/%: cmd/man/%
	@mkdir -p $(@D)
	@cp $< $@

# --- the analysis ---

# What the command line may set for the build, and no analysis knows.
build_variables := PREFIX DESTDIR BUILD CC CXX CFLAGS CPPFLAGS LDFLAGS WERROR SANITIZE CUDA NVCC CUDA_ARCHS \
                   CUDA_HOME V CI TARGET FUZZ_TIME FUZZ_ENGINE BENCH_FLAGS FAULT_FLAGS
BIN := $(BUILD)/bin/
include pipelines/gradcam.mk
analysis: $(bins) $(scripts)

.PHONY: demo verify
demo: $(bins) $(scripts)
	@+exec $(BIN)heatpipe --make '' --model examples/shapes100/model.pth --data examples/shapes100 --out results/shapes100

# Compares what the stages of a finished analysis say of the same things.
verify: $(scripts)
	@+exec $(BIN)heatpipe --verify --make '$(given)'

# --- tests ---

# Preloaded by tests, linked into nothing.
fault_so := $(BUILD)/tests/fault/fault.so
$(fault_so): tests/fault/fault.c $(BUILD)/flags
	@mkdir -p $(@D)
	@echo '  LINK $@'; $(CC) $(base_flags) $(warn_flags) $(CFLAGS) -fPIC -fno-builtin -shared $< -ldl -o $@

.PHONY: test tests check-asan check-fault check-cuda bench bench-cuda
tests: $(bins) $(scripts) $(cuda_so) $(unit_bin) $(standin_so) $(fault_so)
test: tests man
	@BUILD=$(BUILD) CC='$(CC)' tests/run.sh

# Every call of libc that a program makes fails, and signals end analyses at random.
check-fault: tests
	@ROOT=$(CURDIR) BUILD=$(abspath $(BUILD)) python3 tests/fault/sweep.py $(FAULT_FLAGS)
	@ROOT=$(CURDIR) BUILD=$(abspath $(BUILD)) python3 tests/fault/signals.py --count 50

check-asan:
	@+$(MAKE) --no-print-directory test BUILD=$(BUILD)/asan SANITIZE=address,undefined

ifneq ($(filter check-cuda bench-cuda,$(GOALS)),)
ifneq ($(cuda_built),1)
$(error $(filter check-cuda bench-cuda,$(GOALS)): no CUDA backend is built with CUDA=$(CUDA): `make config` says what is here)
endif
endif
check-cuda: $(bins) $(cuda_so) $(BUILD)/tests/engine/cuda $(BUILD)/tests/cuda/kernels
	@BUILD=$(BUILD) tests/cuda/check.sh

-include $(BUILD)/tests/bench/steps.d
bench-cuda: $(bins) $(cuda_so) $(BUILD)/tests/bench/steps
	@BUILD=$(BUILD) tests/bench/cuda.sh $(BENCH_FLAGS)

# BENCH_FLAGS are predict.sh's, such as --bf16 --images 10000; HEATPIPE_PYTHON names a Python
# that has what heatpipe is compared with.
bench_sh := tests/bench/predict.sh $(filter-out tests/bench/cuda.sh tests/bench/predict.sh,$(sort \
            $(wildcard tests/bench/*.sh)))
bench: $(bins) $(BUILD)/tests/bench/steps
	@for b in $(bench_sh); do echo "== $$b"; f=; [[ $$b != */predict.sh ]] || f='$(BENCH_FLAGS)'; \
	 BUILD=$(BUILD) "$$b" $$f || exit 1; done

# --- fuzzing ---

# One target or, without TARGET, all in turn, each for FUZZ_TIME seconds.
TARGET    ?= $(notdir $(fuzz_bin))
FUZZ_TIME ?= 900
fuzz_cc   = $(eval fuzz_cc := $$(shell for c in clang clang-{14..25}; do echo 'int LLVMFuzzerTestOneInput(const \
            unsigned char *p, unsigned long n); int LLVMFuzzerTestOneInput(const unsigned char *p, unsigned \
            long n) { return p && n > 9; }' | $$$$c -x c - -fsanitize=fuzzer,address -o /dev/null 2>/dev/null && \
            { echo $$$$c; break; }; done))$(fuzz_cc)

.PHONY: fuzz fuzz-build fuzz-coverage
fuzz-build:
	@test -n '$(fuzz_cc)' || { echo "fuzz: expected clang with libFuzzer, found none: run 'make setup-fuzz'" >&2; exit 1; }
	@+$(MAKE) --no-print-directory BUILD=$(BUILD)/fuzz CC='$(fuzz_cc)' FUZZ_ENGINE=1 CUDA=0 \
	  SANITIZE=address,undefined CPPFLAGS=-DFUZZ_ENGINE CFLAGS='-O1 -g -fsanitize=fuzzer-no-link' \
	  $(TARGET:%=$(BUILD)/fuzz/tests/fuzz/%)

fuzz: fuzz-build
	@for t in $(TARGET); do BUILD=$(BUILD)/fuzz FUZZ_TIME=$(FUZZ_TIME) tests/fuzz/run.sh $$t || exit 1; done

# Which lines of the readers the corpus reaches.
fuzz-coverage:
	@test -n '$(fuzz_cc)' || { echo "fuzz: expected clang with libFuzzer, found none: run 'make setup-fuzz'" >&2; exit 1; }
	@+$(MAKE) --no-print-directory BUILD=$(BUILD)/coverage CC='$(fuzz_cc)' CUDA=0 CPPFLAGS=-DFUZZ_COVERAGE \
	  CFLAGS='-O1 -g -fprofile-instr-generate -fcoverage-mapping' LDFLAGS=-fprofile-instr-generate \
	  $(TARGET:%=$(BUILD)/coverage/tests/fuzz/%)
	@BUILD=$(BUILD)/coverage tests/fuzz/coverage.sh $(TARGET)

# --- style ---

product_c := $(lib_src) $(engine_src) $(cuda_src) $(cmd_src)
test_c := tests/fuzz/driver.c $(unit_src) $(wildcard tests/bench/*.c tests/fault/*.c)
own_c := $(product_c) $(test_c)
own_inc := $(wildcard lib/engine/cpu/*.inc)
own_h := $(headers) $(filter-out tests/cuda/inside.h,$(wildcard tests/*/*.h))
own_cxx := lib/engine/cuda/kernels.cu $(standin_src) tests/cuda/inside.h $(wildcard tests/cuda/include/*.h)
own_sh := $(shell grep -rlE '^\#!.*\b(ba)?sh\b' cmd tests pipelines .ci examples 2>/dev/null)

# $(call tidy,FILES,OPTIONS). Following all paths takes 98 % of the time: for tests, which
# run under the sanitizers themselves, the other checks are enough.
tidy = printf '%s\n' $1 | xargs -P "$$(nproc)" -I{} clang-tidy --quiet $2 {} -- $(base_flags) \
  $(pkg_flags) $(standin_inc) -Icmd/report 2>&1 | \
  { grep -vE '^[0-9]+ warnings? (generated|treated)|^Suppressed|^Use -header' || true; }

.PHONY: lint lint-headers format
lint: lint-headers man
	clang-format --dry-run -Werror $(own_c) $(own_h) $(own_inc) $(own_cxx)
	shellcheck -x $(own_sh)
	mandoc -Tlint -W warning $(man)
	$(call tidy,$(product_c))
	$(call tidy,$(test_c),--checks=-clang-analyzer-*)

# Every header compiles alone.
lint-headers:
	@for h in $(own_h); do $(CC) $(base_flags) $(warn_flags) $(pkg_flags) $(standin_inc) -fsyntax-only \
	  -Wno-unused-function -Wno-pragma-once-outside-header -include $$h -x c /dev/null || exit 1; done

format:
	clang-format -i $(own_c) $(own_h) $(own_inc) $(own_cxx)

# --- setting up, installing ---

.PHONY: setup setup-lint setup-fuzz config
setup:
	@pipelines/setup.sh $(PACKAGES)
setup-lint:
	@pipelines/setup.sh $(LINT_PACKAGES)
setup-fuzz:
	@pipelines/setup.sh $(FUZZ_PACKAGES)

# Nothing is compiled before the packages are there.
ifneq ($(filter setup setup-lint setup-fuzz,$(GOALS)),)
$(BUILD)/flags: | $(filter setup setup-lint setup-fuzz,$(GOALS))
endif

config:
	@echo "version   $(VERSION)"
	@echo "compiler  $(CC), $$($(CC) -dumpfullversion)"
	@echo "CUDA      $(if $(nvcc_path),$$($(NVCC) --version | sed -n 's/.*release //p') in $(CUDA_HOME),no nvcc found)"
	@echo "cuDNN     $(if $(cudnn_home),$$(cat $(cudnn_home)/include/cudnn_version*.h | awk '/define CUDNN_(MAJOR|MINOR|PATCHLEVEL) / && !s[$$2]++ { v = v (v == "" ? "" : ".") $$3 } END { print v }') in $(cudnn_home),no cudnn.h found)"
	@echo "backends  cpu, ref$(if $(cuda_built),$(comma) cuda (native for $(cuda_archs))$(if $(filter-out $(cuda_archs),$(CUDA_ARCHS)),; not known to this nvcc: $(filter-out $(cuda_archs),$(CUDA_ARCHS))))"
	@echo "prefix    $(PREFIX)"

to := $(DESTDIR)$(PREFIX)
.PHONY: install uninstall
install: all
	install -d '$(to)/bin' '$(to)/share/heatpipe/plots' '$(to)/share/man/man1' '$(to)/share/man/man5'
	install -m 755 $(bins) $(BUILD)/bin/heatpipe '$(to)/bin'
	$(if $(cuda_so),install -D -m 644 $(cuda_so) '$(to)/lib/heatpipe/cuda.so')
	install -m 644 $(filter-out $(BUILD)/share/heatpipe/plots/%,$(share)) '$(to)/share/heatpipe'
	install -m 644 $(filter $(BUILD)/share/heatpipe/plots/%,$(share)) '$(to)/share/heatpipe/plots'
	install -m 644 $(filter %.1,$(man)) '$(to)/share/man/man1'
	install -m 644 $(filter %.5,$(man)) '$(to)/share/man/man5'

uninstall:
	rm -f $(patsubst %,'$(to)/bin/%',$(PROGRAMS) heatpipe)
	rm -f $(patsubst %,'$(to)/share/man/man1/%',$(notdir $(filter %.1,$(man))))
	rm -f $(patsubst %,'$(to)/share/man/man5/%',$(notdir $(filter %.5,$(man))))
	rm -rf '$(to)/share/heatpipe' '$(to)/lib/heatpipe'

.PHONY: clean help
clean:
	rm -rf $(BUILD)

help:
	@echo 'make                 build the programs and manual pages into $(BUILD)/'
	@echo 'make setup           install the packages this needs (Debian)'
	@echo 'make demo            the whole analysis on the bundled example'
	@echo 'make analysis MODEL=model.pth DATA=cifar-100-python OUT=results'
	@echo 'make test            all tests; HEATPIPE_DATA=DIR adds those on real CIFAR data'
	@echo 'make check-asan      the same under the address and undefined sanitizers'
	@echo 'make fuzz            fuzzing by libFuzzer; TARGET=pickle FUZZ_TIME=900; make setup-fuzz'
	@echo 'make check-fault     every system call of the programs fails in turn; 50 analyses are cut'
	@echo 'make bench           measurements, also of PyTorch, OpenVINO, ONNX Runtime where installed'
	@echo 'make CUDA=1          insist on the CUDA backend; CUDA=0 leaves it out'
	@echo 'make check-cuda      the tests that need an NVIDIA GPU; make bench-cuda measures it'
	@echo 'make lint            formatting, clang-tidy, shellcheck, mandoc'
	@echo 'make install         into DESTDIR/PREFIX ($(PREFIX))'
	@echo 'make setup-lint      what lint and the tests of the pages need; setup-fuzz: what fuzz needs'
	@echo 'make config          what the build found'
