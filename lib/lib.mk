# The libraries: libheatpipe.a, which every program links, and libengine.a, which only
# programs with a network do. lib/README.md says what is where.

cuda_src    := $(sort $(wildcard lib/engine/cuda/*.c))
cuda_kernel_src := $(sort $(wildcard lib/engine/cuda/*.cu))
# What static programs have in the place of lettering and of the CUDA backend.
bare_src    := lib/draw/pen_none.c lib/engine/plugin_none.c
engine_src  := $(filter-out $(cuda_src) $(bare_src),$(sort $(wildcard lib/engine/*.c lib/engine/*/*.c lib/fit/*.c lib/neighbors/*.c lib/session/*.c lib/slices/*.c lib/cam/layer.c lib/cam/fullgrad.c lib/cam/masked.c lib/cam/second.c lib/faith/faith.c)))
lib_src     := $(filter-out $(cuda_src) $(bare_src) $(engine_src),$(sort $(wildcard lib/*/*.c)))
lib_obj     := $(lib_src:%.c=$(BUILD)/%.o)
bare_obj    := $(bare_src:%.c=$(BUILD)/%.o)
engine_obj  := $(engine_src:%.c=$(BUILD)/%.o)
libs        := $(BUILD)/libheatpipe.a
engine      := $(BUILD)/libengine.a
# The CUDA backend finds these names of a program that loads it.
host_syms   := lib/engine/cuda/host.syms
engine_libs := -ldl $(if $(apple),,-Wl$(comma)--dynamic-list=$(host_syms))

$(libs): $(lib_obj)
$(engine): $(engine_obj)

# Unrolled as they are, the kernels would take minutes to compile with every check. Without -O2
# their sums would lie in memory, each access checked: they would take twice as long. Checks by
# calls compile in a quarter of the time, but take more than five times as long in tests.
$(patsubst %,$(BUILD)/lib/engine/cpu/%.o,avx512 avx2 neon plain): \
  private CFLAGS += $(if $(SANITIZE),-fno-var-tracking -fno-sanitize=null$(comma)alignment$(comma)pointer-overflow)

-include $(lib_obj:.o=.d) $(bare_obj:.o=.d) $(engine_obj:.o=.d)
