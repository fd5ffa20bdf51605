# The CUDA backend, a shared object that a program loads when it is asked for.

# --- what is here ---

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

# --- building it ---

cuda_inc    := $(addprefix -isystem ,$(sort $(CUDA_HOME)/include $(cudnn_home)/include))
cuda_lib    := $(sort $(wildcard $(addsuffix /lib64,$(CUDA_HOME) $(cudnn_home)) \
               $(addsuffix /lib,$(CUDA_HOME) $(cudnn_home))))
# The folders of cuDNN, in which the object looks for it; nothing where it is found by the
# system's own rules.
CUDA_RPATH ?= $(cuda_lib)
cuda_rpath := $(addprefix -Wl$(comma)-rpath$(comma),$(CUDA_RPATH))
so_flags    := -fPIC -fvisibility=hidden
nvcc_flags   = -O3 -std=c++17 -Ilib $(foreach a,$(cuda_archs),-gencode arch=compute_$(a),code=sm_$(a)) \
               -gencode arch=compute_$(firstword $(cuda_archs)),code=compute_$(firstword $(cuda_archs)) \
               -t 2 -Xcompiler -fPIC,-fvisibility=hidden,-Wall,-Wextra$(if $(WERROR),$(comma)-Werror)
cuda_obj    := $(cuda_src:%.c=$(BUILD)/cuda/%.o) $(cuda_kernel_src:%.cu=$(BUILD)/cuda/%.o)

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
	 $(cuda_rpath) -lcudart_static -lcudnn -lstdc++ -lrt -ldl -pthread -o $@

-include $(cuda_obj:.o=.d)
