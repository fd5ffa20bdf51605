#!/usr/bin/env bash
# The comparisons of the tests on the GPU that is here: random networks against ref, the
# kernels one by one, and the programs on the bundled example; then under
# compute-sanitizer where that is installed. Run by `make check-cuda`.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root"
build=$(cd "${BUILD:-build}" && pwd)
backend=$build/lib/heatpipe/cuda.so
ex=examples/shapes100

about=$(HEATPIPE_CUDA=$backend "$build/bin/cifar-predict" -v -m $ex/model.pth -d $ex --device cuda --limit 1 2>&1 >/dev/null) || {
    echo "check-cuda: ${about##*cifar-predict: }" >&2
    exit 1
}
echo "$about" | grep -o 'cuda: .*'
echo "== kernels"
"$build/tests/cuda/kernels"
echo "== random networks against ref"
"$build/tests/engine/cuda" "$backend"
echo "== programs"
CUDA_UNDER_TEST=$backend tests/run.sh cuda/predict cuda/maps cuda/analysis # and those in bf16
if command -v compute-sanitizer >/dev/null; then
    for tool in memcheck racecheck synccheck initcheck; do
        echo "== compute-sanitizer, $tool"
        compute-sanitizer --tool $tool --error-exitcode 1 "$build/tests/cuda/kernels"
    done
    echo "== compute-sanitizer, whole programs"
    HEATPIPE_CUDA=$backend compute-sanitizer --error-exitcode 1 "$build/bin/cifar-predict" \
        -m $ex/model.pth -d $ex --device cuda --precision f16 --limit 100 >/dev/null
else
    echo "compute-sanitizer is not installed: left out"
fi
echo "check-cuda: all passed"
