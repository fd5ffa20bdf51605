# 64-bit ARM. `make tests` cross-compiles the engine's kernels where the compiler is, and the case
# engine/arm runs them by qemu; `make check-arm` does that with everything.

ARM_CC ?= aarch64-linux-gnu-gcc
arm_cc_found := $(shell command -v $(ARM_CC))

# --- the kernels: one program of tests each, linked statically, so that no other library is needed ---

arm_kernels := $(addprefix $(BUILD)/arm/kernels/tests/engine/,bits conv ops)
arm_src     := $(sort $(wildcard $(addsuffix /*.c,lib/base lib/graph lib/engine lib/engine/cpu lib/engine/ref))) \
               lib/image/grey.c
arm_obj     := $(arm_src:%.c=$(BUILD)/arm/kernels/%.o)

# -O1 halves the time, and gives the same bits.
$(BUILD)/arm/kernels/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	@echo '  CC   $< (ARM)'; $(ARM_CC) $(base_flags) $(warn_flags) -O1 -MMD -MP -c $< -o $@
$(arm_kernels): %: %.o $(arm_obj)
	@echo '  LINK $@'; $(ARM_CC) -static -pthread -Wl,--no-warnings $^ -lm -o $@
-include $(arm_obj:.o=.d) $(arm_kernels:=.d)

$(if $(SANITIZE),,$(if $(arm_cc_found),tests: $(arm_kernels)))
