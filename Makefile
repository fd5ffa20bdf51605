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

# What `make setup` installs to build, run and test; `make setup-lint` to check the
# style and to test the pages in a browser; `make setup-test` to test what works with
# heatpipe, for tests that are skipped without it.
PACKAGES := gcc g++ pkg-config libjansson-dev libdeflate-dev libcairo2-dev libpango1.0-dev libpng-dev libjpeg-dev \
            libwebp-dev zlib1g-dev gnuplot-nox fontconfig fonts-dejavu-core python3
LINT_PACKAGES := clang-format clang-tidy shellcheck mandoc chromium firefox-esr valgrind strace
TEST_PACKAGES := parallel miller datamash sqlite3 r-base-core gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user fish zsh
# `make setup-fuzz`, for `make fuzz`; llvm measures what the corpus covers.
FUZZ_PACKAGES := clang libclang-rt-dev llvm

# `make setup-deb`, for packages and their tests.
DEB_PACKAGES := build-essential debhelper dpkg-dev lintian debootstrap

GOALS := $(or $(MAKECMDGOALS),all)
PKGS := jansson libdeflate libpng libjpeg libwebp zlib glib-2.0 pangocairo cairo

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
# Apple's linker knows no option to leave out libraries that are not needed. Zig's compiler would
# leave a file here without -o.
apple      := $(shell $(CC) -dumpmachine -o /dev/null 2>/dev/null | grep -E 'darwin|macos')
all_libs   = $(LDFLAGS) $(san_flags) -pthread $(if $(apple),,-Wl,--as-needed) $(pkg_libs) -lm
comma      := ,

.PHONY: all
all:

# Each part stands beside what it builds.
include lib/lib.mk lib/engine/cuda/cuda.mk cmd/cmd.mk cmd/install.mk tests/tests.mk tests/arm/arm.mk

all: $(bins) $(scripts) $(cuda_so) $(completions) man

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

$(BUILD)/%.a:
	@rm -f $@; echo '  AR   $@'; ar rcs $@ $^

# --- the analysis ---

# What the command line may set for the build, and no analysis knows.
build_variables := PREFIX $(install_dirs) BUILD CC CXX CFLAGS CPPFLAGS LDFLAGS WERROR SANITIZE CUDA NVCC CUDA_ARCHS \
                   CUDA_HOME CUDA_RPATH V CI TARGET FUZZ_TIME FUZZ_ENGINE BENCH_FLAGS FAULT_FLAGS \
                   ARM_CC ARM_TESTS MACOS_CC
BIN := $(BUILD)/bin/
include pipelines/gradcam.mk
analysis compare corruptions faithfulness sweep slurm export: $(bins) $(scripts)

.PHONY: demo verify
demo: $(bins) $(scripts)
	@+exec $(BIN)heatpipe --model examples/shapes100/model.pth --data examples/shapes100 --out results/shapes100 --make '$(given)'

# Compares what the stages of a finished analysis say of the same things.
verify: $(scripts)
	@+exec $(BIN)heatpipe --verify --make '$(given)'

# --- setting up, installing ---

.PHONY: setup setup-lint setup-test setup-deb setup-fuzz config
setup:
	@pipelines/setup.sh $(PACKAGES)
setup-lint:
	@pipelines/setup.sh $(LINT_PACKAGES)
setup-test:
	@pipelines/setup.sh $(TEST_PACKAGES)
setup-deb:
	@pipelines/setup.sh $(DEB_PACKAGES)
setup-fuzz:
	@pipelines/setup.sh $(FUZZ_PACKAGES)

# Nothing is compiled before the packages are there.
ifneq ($(filter setup setup-lint setup-test setup-deb setup-fuzz,$(GOALS)),)
$(BUILD)/flags: | $(filter setup setup-lint setup-test setup-deb setup-fuzz,$(GOALS))
endif

config: private export to = $(PREFIX)
config:
	@echo "version   $(VERSION)"
	@echo "compiler  $(CC), $$($(CC) -dumpfullversion)"
	@echo "CUDA      $(if $(nvcc_path),$$($(NVCC) --version | sed -n 's/.*release //p') in $(CUDA_HOME),no nvcc found)"
	@echo "cuDNN     $(if $(cudnn_home),$$(cat $(cudnn_home)/include/cudnn_version*.h | awk '/define CUDNN_(MAJOR|MINOR|PATCHLEVEL) / && !s[$$2]++ { v = v (v == "" ? "" : ".") $$3 } END { print v }') in $(cudnn_home),no cudnn.h found)"
	@echo "backends  cpu, ref$(if $(cuda_built),$(comma) cuda (native for $(cuda_archs))$(if $(filter-out $(cuda_archs),$(CUDA_ARCHS)),; not known to this nvcc: $(filter-out $(cuda_archs),$(CUDA_ARCHS))))"
	@echo "prefix    $$to"

include examples/packaging/packaging.mk

.PHONY: clean help
clean:
	rm -rf $(BUILD)

help: private export to = $(PREFIX)
help:
	@echo 'make                 build the programs and manual pages into $(BUILD)/'
	@echo 'make setup           install the packages this needs (Debian)'
	@echo 'make demo            the whole analysis on the bundled example'
	@echo 'make analysis MODEL=model.pth DATA=cifar-100-python OUT=results'
	@echo 'make export          the misclassified images of an analysis as pictures, in folders of their classes'
	@echo 'make compare A=results/before B=results/after OUT=results/compare DATA=cifar-100-python'
	@echo 'make sweep MODELS="a.pth b.pth" DATA=cifar-100-python OUT=results/sweep'
	@echo 'make slurm SHARDS=8 MODEL=model.pth DATA=cifar-100-python OUT=results PARTITION=main'
	@echo 'make corruptions MODEL=model.pth DATA=cifar-100-python CORRUPTED=CIFAR-100-C OUT=results/corruptions'
	@echo 'make test            all tests; HEATPIPE_DATA=DIR adds those on real CIFAR data'
	@echo 'make check-asan      the same under the address and undefined sanitizers'
	@echo 'make fuzz            fuzzing by libFuzzer; TARGET=pickle FUZZ_TIME=900; make setup-fuzz'
	@echo 'make check-fault     every system call of the programs fails in turn; 50 analyses are cut'
	@echo 'make bench           measurements, also of PyTorch, OpenVINO, ONNX Runtime where installed'
	@echo 'make bench-zoo       networks of many families beside OpenVINO and ONNX Runtime'
	@echo 'make CUDA=1          insist on the CUDA backend; CUDA=0 leaves it out'
	@echo 'make check-slurm     shards on a Slurm cluster that is started on this machine, with failures; needs root'
	@echo 'make check-arm       everything for 64-bit ARM, cross-compiled and run by qemu; ARM_TESTS=confmat'
	@echo 'make check-macos     everything compiled for macOS, by zig; nothing is run'
	@echo 'make check-cuda      the tests that need an NVIDIA GPU; make bench-cuda measures it'
	@echo 'make docs            the manual as HTML: $(BUILD)/docs/index.html'
	@echo 'make lint            formatting, clang-tidy, shellcheck, mandoc'
	@echo 'make install         into DESTDIR/PREFIX '"($$to)"
	@echo 'make dist            $(BUILD)/heatpipe-$(VERSION).tar.gz of the commit; make check-dist builds and tests it offline'
	@echo 'make deb             Debian packages in $(BUILD)/deb; make check-deb installs, runs and removes them in a bare system'
	@echo 'make static          programs without shared libraries in $(BUILD)/static'
	@echo 'make check-recipes   builds and installs the tarball by the recipes of examples/packaging; check-container runs'
	@echo '                     the steps of its Containerfile'
	@echo 'make setup-lint      what lint and the tests of the pages need; setup-test: other tools that are tested'
	@echo '                     with heatpipe; setup-deb: what packages need; setup-fuzz: what fuzz needs'
	@echo 'make config          what the build found'
