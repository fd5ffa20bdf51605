# 64-bit ARM. `make tests` cross-compiles the engine's kernels where the compiler is, and the case
# engine/arm runs them by qemu. `make check-arm` does that with everything, `make check-macos`
# compiles everything for macOS, where nothing is run.

ARM_CC ?= aarch64-linux-gnu-gcc
arm_cc_found := $(shell command -v $(firstword $(ARM_CC)))

# --- the kernels: one program of tests each, linked statically, so that no other library is needed ---

arm_kernels := $(addprefix $(BUILD)/arm/kernels/tests/engine/,bits conv ops)
arm_src     := $(filter-out lib/engine/plugin.c,$(sort $(wildcard $(addsuffix /*.c,lib/base lib/graph lib/engine lib/engine/cpu \
               lib/engine/ref)))) lib/image/grey.c
arm_obj     := $(arm_src:%.c=$(BUILD)/arm/kernels/%.o)

# -O1 halves the time, and gives the same bits.
$(BUILD)/arm/kernels/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	@echo '  CC   $< (ARM)'; $(ARM_CC) $(base_flags) $(warn_flags) -O1 -MMD -MP -c $< -o $@
$(arm_kernels): %: %.o $(arm_obj)
	@echo '  LINK $@'; $(ARM_CC) -static -pthread $^ -lm -o $@
-include $(arm_obj:.o=.d) $(arm_kernels:=.d)

$(if $(SANITIZE),,$(if $(arm_cc_found),tests: $(arm_kernels)))

# --- everything ---

# The libraries of ARM lie in a folder of their own; nothing is installed.
arm_root  := $(abspath $(BUILD))/arm/sysroot
arm_libs  := $(arm_root)/usr/lib/aarch64-linux-gnu
arm_build := $(BUILD)/arm/build
# Names of tests, see check.sh for the default.
ARM_TESTS ?=

.PHONY: check-arm check-macos
check-arm: $(BUILD)/bin/cifar-predict
	@command -v $(firstword $(ARM_CC)) qemu-aarch64 apt-get >/dev/null || \
	 { echo "check-arm: skipped: it needs $(ARM_CC), qemu-aarch64 and apt-get: 'make setup-test'"; exit; }; \
	tests/arm/sysroot.sh $(arm_root) $(filter lib% zlib%,$(PACKAGES)) libc6-dev || \
	 { echo "check-arm: skipped: the packages of arm64 are not to be had"; exit; }; \
	export PKG_CONFIG_SYSROOT_DIR=$(arm_root) PKG_CONFIG_LIBDIR=$(arm_libs)/pkgconfig:$(arm_root)/usr/share/pkgconfig && \
	$(MAKE) --no-print-directory BUILD=$(arm_build) CC='$(ARM_CC) --sysroot=$(arm_root)' CUDA=0 \
	  $(bins:$(BUILD)/%=$(arm_build)/%) $(scripts:$(BUILD)/%=$(arm_build)/%) \
	  $(filter-out %/cuda_kernels %/cuda,$(unit_bin:$(BUILD)/%=$(arm_build)/%)) && \
	BUILD=$(BUILD) tests/arm/check.sh $(arm_build) $(arm_root) $(ARM_TESTS)

# Zig brings what of macOS is needed to compile (pip install ziglang). The libraries' own headers are
# those of this system; what is linked are the kernels, which need no library.
MACOS_CC    ?= python3 -m ziglang cc -target aarch64-macos
macos_build := $(BUILD)/macos
macos_obj   := $(patsubst $(BUILD)/%,$(macos_build)/%,$(lib_obj) $(engine_obj) $(cmd_obj) $(more_report))
check-macos:
	@$(MACOS_CC) --version >/dev/null 2>&1 || \
	 { echo "check-macos: skipped: it needs $(MACOS_CC): 'pip install ziglang'"; exit; }; \
	mkdir -p $(macos_build)/include && \
	for h in zlib.h zconf.h 'jansson*.h' libdeflate.h jpeglib.h jmorecfg.h jerror.h jconfig.h webp; do \
	  find /usr/include -name "$$h" -exec ln -sfn -t $(macos_build)/include {} + || exit 1; done && \
	$(MAKE) --no-print-directory BUILD=$(macos_build) CC='$(MACOS_CC)' CUDA=0 \
	  CPPFLAGS='-isystem $(abspath $(macos_build))/include' CFLAGS=-O1 $(sort $(macos_obj) $(arm_src:%.c=$(macos_build)/%.o)) $(macos_build)/tests/engine/{bits,conv,ops}.o && \
	for t in bits conv ops; do \
	  $(MACOS_CC) $(macos_build)/tests/engine/$$t.o $(arm_src:%.c=$(macos_build)/%.o) -o $(macos_build)/tests/engine/$$t || exit 1; \
	  done && echo 'check-macos: compiled, and the kernels linked; nothing was run'
