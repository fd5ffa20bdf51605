#!/usr/bin/env bash
# On a GPU: images per second, start-up, and PyTorch in the same run; device time by step;
# our own kernels beside a copy. Run by `make bench-cuda`.
#   HEATPIPE_MODEL, HEATPIPE_DATA: a checkpoint and CIFAR-100's test.bin, or the
#   folder it is in (default: the bundled example); further options as cuda.py's
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "$root" && cd "${BUILD:-build}" && pwd)
model=${HEATPIPE_MODEL:-$root/examples/shapes100/model.pth}
data=${HEATPIPE_DATA:-$root/examples/shapes100}
"${HEATPIPE_PYTHON:-python3}" "$root/tests/bench/cuda.py" --program "$build/bin/cifar-predict" \
    --model "$model" --data "$data" "$@"
for precision in f32 f16; do
    echo
    echo "== device time by step, $precision, class maps of every image"
    "$build/tests/bench/steps" --model "$model" --device cuda --images 10240 --class-maps \
        --precision $precision | column -t -s $'\t'
done
echo
echo '== kernels'
"$build/tests/bench/kernels" | column -t -s $'\t'
