#!/usr/bin/env bash
# How many predictions the CPU's f32 and bf16 change against direct convolution in f32, by
# how much logits differ and how the maps of the predictions correlate.
#   HEATPIPE_MODEL, HEATPIPE_DATA: a checkpoint and a data set (default: the bundled
#   example)
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "$root" && cd "${BUILD:-build}" && pwd)
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

run() { # name, options
    local name=$1
    shift
    "$build/bin/cifar-predict" -m "${HEATPIPE_MODEL:-$root/examples/shapes100/model.pth}" \
        -d "${HEATPIPE_DATA:-$root/examples/shapes100}" --device cpu "$@" \
        --logits "$out/$name.logits" --class-maps "$out/$name.maps" >/dev/null
}

run exact --exact
for p in f32 bf16; do
    run $p --precision $p
    echo "$p: $(python3 "$root/tests/cases/cuda/compare.py" predictions "$out"/{exact,$p}.logits "$out"/{exact,$p}.maps)"
done
