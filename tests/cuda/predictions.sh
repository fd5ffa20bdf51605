#!/usr/bin/env bash
# How many predictions the CUDA backend changes against the CPU in f32, in each precision, by
# how much logits differ and how the maps correlate: on the stand-in, or on the GPU whose
# backend HEATPIPE_CUDA names. On the stand-in 10,000 images through a ResNet-34 take some
# five minutes a precision on two cores.
#   HEATPIPE_MODEL, HEATPIPE_DATA: a checkpoint and a data set (default: the bundled
#   example)
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "$root" && cd "${BUILD:-build}" && pwd)
export HEATPIPE_CUDA=${HEATPIPE_CUDA:-$build/tests/cuda/standin.so} CUDA_STANDIN=open
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

run() { # device, precision
    "$build/bin/cifar-predict" -m "${HEATPIPE_MODEL:-$root/examples/shapes100/model.pth}" \
        -d "${HEATPIPE_DATA:-$root/examples/shapes100}" --device "$1" --precision "$2" \
        --logits "$out/$1.logits" --class-maps "$out/$1.maps" >/dev/null
}

run cpu f32
for p in f32 f16 bf16; do
    run cuda $p
    echo "$p: $(python3 "$root/tests/cases/cuda/compare.py" predictions "$out"/{cpu,cuda}.logits "$out"/{cpu,cuda}.maps)"
done
