# Tests, benchmarks, fuzzing and the checks of style. tests/run.sh runs the tests.

cuda_plans   := $(BUILD)/tests/engine/cuda_plans
cuda_kernels := $(BUILD)/tests/engine/cuda_kernels
standin_so   := $(BUILD)/tests/cuda/standin.so
fuzz_src     := $(filter-out tests/fuzz/driver.c,$(sort $(wildcard tests/fuzz/*.c)))
fuzz_bin     := $(fuzz_src:%.c=$(BUILD)/%)
unit_src     := $(sort $(wildcard tests/unit/*.c tests/engine/*.c)) $(fuzz_src)
unit_bin     := $(filter-out $(if $(cuda_built),,$(cuda_plans)),$(unit_src:%.c=$(BUILD)/%))

# --- programs of tests ---

# Plans are made by cuDNN itself, without a device.
$(cuda_plans).o: tests/engine/cuda_plans.c $(BUILD)/cuda/flags
	@mkdir -p $(@D)
	@echo '  CC   $<'; $(CC) $(base_flags) $(warn_flags) $(CPPFLAGS) $(CFLAGS) $(cuda_inc) -MMD -MP -c $< -o $@
$(cuda_plans): $(cuda_plans).o $(BUILD)/cuda/lib/engine/cuda/dnn.o $(engine) $(libs)
	@echo '  LINK $@'; $(CC) $(filter %.o %.a,$^) $(all_libs) $(engine_libs) $(addprefix -L,$(cuda_lib)) \
	 $(addprefix -Wl$(comma)-rpath$(comma),$(cuda_lib)) -lcudnn -o $@

# The kernels alone, on the stand-in.
$(cuda_kernels).o: tests/engine/cuda_kernels.c $(BUILD)/standin/flags
	@mkdir -p $(@D)
	@echo '  CC   $<'; $(CC) $(base_flags) $(warn_flags) $(san_flags) $(CPPFLAGS) $(CFLAGS) $(standin_inc) -MMD -MP -c $< -o $@
$(cuda_kernels): $(cuda_kernels).o $(cuda_kernel_src:%.cu=$(BUILD)/standin/%.o) $(BUILD)/standin/lib/engine/cuda/ops.o \
                 $(BUILD)/standin/tests/cuda/runtime.o $(libs)
	@echo '  LINK $@'; $(CXX) $^ $(all_libs) -o $@

# The same on a GPU.
$(BUILD)/cuda/tests/engine/cuda_kernels.o: tests/engine/cuda_kernels.c $(BUILD)/cuda/flags
	@mkdir -p $(@D)
	@echo '  CC   $< (CUDA)'; $(CC) $(base_flags) $(warn_flags) $(CPPFLAGS) $(CFLAGS) $(cuda_inc) -MMD -MP -c $< -o $@
$(BUILD)/tests/cuda/kernels: $(BUILD)/cuda/tests/engine/cuda_kernels.o $(cuda_kernel_src:%.cu=$(BUILD)/cuda/%.o) \
                             $(BUILD)/cuda/lib/engine/cuda/ops.o $(libs)
	@mkdir -p $(@D)
	@echo '  LINK $@'; $(CC) $^ $(all_libs) $(addprefix -L,$(cuda_lib)) -lcudart_static -lstdc++ -lrt -ldl -o $@
$(BUILD)/cuda/tests/bench/kernels.o: tests/bench/kernels.c $(BUILD)/cuda/flags
	@mkdir -p $(@D)
	@echo '  CC   $< (CUDA)'; $(CC) $(base_flags) $(warn_flags) $(CPPFLAGS) $(CFLAGS) $(cuda_inc) -MMD -MP -c $< -o $@
$(BUILD)/tests/bench/kernels: $(BUILD)/cuda/tests/bench/kernels.o $(cuda_kernel_src:%.cu=$(BUILD)/cuda/%.o)
	@mkdir -p $(@D)
	@echo '  LINK $@'; $(CC) $^ $(addprefix -L,$(cuda_lib)) -lcudart_static -lstdc++ -lm -lrt -ldl -pthread -o $@

$(BUILD)/tests/%: $(BUILD)/tests/%.o $(engine) $(libs)
	@echo '  LINK $@'; $(CC) $(filter %.o %.a,$^) $(all_libs) $(engine_libs) -o $@

# Replayed by a driver in tests, driven by libFuzzer in `make fuzz`, which sets FUZZ_ENGINE.
FUZZ_ENGINE ?=
$(BUILD)/tests/fuzz/%: $(BUILD)/tests/fuzz/%.o $(if $(FUZZ_ENGINE),,$(BUILD)/tests/fuzz/driver.o) $(libs)
	@echo '  LINK $@'; $(CC) $(filter %.o %.a,$^) $(all_libs) $(if $(FUZZ_ENGINE),-fsanitize=fuzzer) -o $@

# --- the CUDA backend on a stand-in of the runtime and of cuDNN ---

standin_inc := -Itests/cuda/include
standin_cxx := -std=c++17 -O3 $(if $(SANITIZE),-g1 -fno-var-tracking,-g) -Ilib $(standin_inc) -Itests/cuda -fPIC -pthread -Wall -Wextra \
               $(if $(WERROR),-Werror) $(san_flags)
standin_src := $(sort $(wildcard tests/cuda/*.cpp))
standin_obj := $(cuda_src:%.c=$(BUILD)/standin/%.o) $(cuda_kernel_src:%.cu=$(BUILD)/standin/%.o) \
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
	@echo '  CXX  $< (stand-in)'; $(CXX) -x c++ $(standin_cxx) -ffp-contract=off -fno-strict-aliasing -MMD -MP -c $< -o $@

# What cuDNN does is no code of ours, checks its memory itself and is slow enough.
$(BUILD)/standin/tests/cuda/dnn.o: standin_cxx := $(filter-out $(san_flags),$(standin_cxx))

$(BUILD)/standin/%.o: %.cpp $(BUILD)/standin/flags
	@mkdir -p $(@D)
	@echo '  CXX  $<'; $(CXX) $(standin_cxx) -MMD -MP -c $< -o $@

# Loaded by this test, beside which it stands.
$(BUILD)/tests/engine/cuda: | $(standin_so)
$(standin_so): $(standin_obj)
	@mkdir -p $(@D)
	@echo '  LINK $@'; $(CXX) -shared $^ $(san_flags) -pthread -o $@

-include $(standin_obj:.o=.d) $(unit_bin:=.d) $(BUILD)/tests/fuzz/driver.d $(BUILD)/tests/bench/steps.d $(BUILD)/tests/bench/rows.d

# --- running them ---

# Preloaded by tests, linked into nothing.
fault_so := $(BUILD)/tests/fault/fault.so
$(fault_so): tests/fault/fault.c $(BUILD)/flags
	@mkdir -p $(@D)
	@echo '  LINK $@'; $(CC) $(base_flags) $(warn_flags) $(CFLAGS) -fPIC -fno-builtin -shared $< -ldl -o $@

# Static programs are tested where the libraries are there without which none links.
static_found   = $(shell echo 'int main(void) { return 0; }' | $(CC) -static -x c - $(static_libs) -lm -o /dev/null \
                 2>/dev/null && echo 1)
static_tested := $(if $(filter test tests,$(GOALS)),$(if $(SANITIZE),,$(if $(static_found),$(addprefix $(BUILD)/static/,\
                 cifar-predict cam-compute confmat worst-k model-info cam-overlay report))))

.PHONY: test tests check-asan check-fault check-cuda bench bench-cuda bench-zoo
tests: $(bins) $(scripts) $(completions) $(cuda_so) $(unit_bin) $(standin_so) $(fault_so) $(static_tested)
test: tests man
	@BUILD=$(BUILD) CC='$(CC)' SANITIZE=$(SANITIZE) tests/run.sh

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

# The analysis in shards on a Slurm cluster, which is started on this machine and ended again.
.PHONY: check-slurm
check-slurm: $(bins) $(scripts)
	@BUILD=$(BUILD) tests/slurm/check.sh

# --- benchmarks ---

bench-cuda: $(bins) $(cuda_so) $(BUILD)/tests/bench/steps $(BUILD)/tests/bench/kernels
	@BUILD=$(BUILD) tests/bench/cuda.sh $(BENCH_FLAGS)

# BENCH_FLAGS are zoo.py's, such as --side 32 --only vgg.
bench-zoo: $(BUILD)/bin/cifar-predict
	@BUILD=$(BUILD) tests/bench/zoo.sh $(BENCH_FLAGS)

# BENCH_FLAGS are predict.sh's, such as --bf16 --images 10000; HEATPIPE_PYTHON names a Python
# that has what heatpipe is compared with.
bench_sh := tests/bench/predict.sh $(filter-out $(addprefix tests/bench/,cuda.sh predict.sh zoo.sh),$(sort \
            $(wildcard tests/bench/*.sh)))
bench: $(bins) $(BUILD)/tests/bench/steps $(BUILD)/tests/bench/rows
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

product_c := $(lib_src) $(engine_src) $(bare_src) $(cuda_src) $(cmd_src) cmd/made.c
test_c := tests/fuzz/driver.c $(unit_src) $(wildcard tests/bench/*.c tests/fault/*.c)
own_c := $(product_c) $(test_c)
own_inc := $(wildcard lib/engine/cpu/*.inc)
own_h := $(sort $(shell find lib cmd -name '*.h')) $(filter-out tests/cuda/inside.h,$(wildcard tests/*/*.h))
own_cxx := $(cuda_kernel_src) $(wildcard lib/engine/cuda/*.cuh) $(standin_src) tests/cuda/inside.h $(wildcard tests/cuda/include/*.h)
# Whose first line says so: cases write scripts, too.
own_sh := $(shell find cmd tests pipelines .ci examples -type f \
            -exec awk 'FNR == 1 { if (/^\#!.*[ \/](ba)?sh( |$$)/) print FILENAME; nextfile }' {} + 2>/dev/null)

# $(call tidy,FILES,OPTIONS). Following all paths takes 98 % of the time: for tests, which
# run under the sanitizers themselves, the other checks are enough.
tidy = printf '%s\n' $1 | xargs -P "$$(nproc)" -I{} clang-tidy --quiet $2 {} -- $(base_flags) \
  $(pkg_flags) $(standin_inc) -Icmd/report 2>&1 | \
  { grep -vE '^[0-9]+ warnings? (generated|treated)|^Suppressed|^Use -header' || true; }

.PHONY: lint lint-format lint-shell lint-pages lint-tidy lint-headers lint-order lint-checked format
lint: lint-format lint-shell lint-pages lint-tidy lint-headers lint-order lint-checked
lint-format:
	clang-format --dry-run -Werror $(own_c) $(own_h) $(own_inc) $(own_cxx)
lint-shell:
	shellcheck -x $(own_sh)
lint-pages: man
	mandoc -Tlint -W warning $(man)
lint-tidy:
	$(call tidy,$(product_c))
	$(call tidy,$(test_c),--checks=-clang-analyzer-*)

# Every header compiles alone, and has a guard of its own.
lint-headers:
	@grep -hm 1 '^#ifndef [A-Z_]*_H$$' $(own_h) | sort | uniq -d | sed 's/^/lint-headers: two headers have the guard /' | \
	 grep . >&2 && exit 1 || true
	@for h in $(own_h); do $(CC) $(base_flags) $(warn_flags) $(pkg_flags) $(standin_inc) -fsyntax-only \
	  -Wno-unused-function -Wno-pragma-once-outside-header -include $$h -x c /dev/null || exit 1; done

# A folder of lib/ uses only those named before it in the table of lib/README.md.
rooms := $(shell sed -n 's/^| `\([a-z]*\)` |.*/\1/p' lib/README.md)
lint-order:
	@[ "$$(ls -d lib/*/ | xargs -n 1 basename | sort | xargs)" = "$(sort $(rooms))" ] || \
	 { echo "lint-order: expected the folders of lib in the table of lib/README.md" >&2; exit 1; }
	@seen=; for r in $(rooms); do seen="$$seen|$$r"; \
	 ! grep -rnE '^#include "[a-z0-9_]+/' lib/$$r | grep -vE "#include \"($${seen#|})/" >&2 || exit 1; done

# What fills a struct err returns whether it did, and the compiler sees to it that callers look:
# every prototype in a header of lib/ that has both stands before ERR_CHECKED.
lint-checked:
	@for h in $(filter lib/%,$(own_h)); do sed -e ':a' -e '/\\$$/{N;s/\\\n//;ba' -e '}' $$h | \
	 $(CC) -fpreprocessed -E -P -x c - | \
	 awk -v file=$$h 'BEGIN { RS = ";" } \
	 { depth += gsub(/{/, "{") - gsub(/}/, "}"); sub(/.*}/, ""); gsub(/#[^\n]*/, ""); gsub(/[ \n]+/, " ") } \
	 !depth && /\(.*struct err \*/ && !/^ ?(_Noreturn )?void [^*]/ && !/ ERR_CHECKED$$/ { \
	   print "lint-checked: " file ": expected ERR_CHECKED behind" $$0; bad = 1 } \
	 END { exit bad }' >&2 || exit 1; done

format:
	clang-format -i $(own_c) $(own_h) $(own_inc) $(own_cxx)
