#!/usr/bin/env bash
# Class activation maps beside the prediction alone and beside pytorch-grad-cam; see maps.py.
#   HEATPIPE_MODEL, HEATPIPE_DATA: a checkpoint of a network of basic blocks, and the folder of
#   CIFAR-100's test.bin (default: the bundled example); HEATPIPE_PYTHON: a Python that has
#   torch, torchvision and grad-cam, without which that comparison is left out
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "$root" && cd "${BUILD:-build}" && pwd)
exec "${HEATPIPE_PYTHON:-python3}" "$root/tests/bench/maps.py" --build "$build" \
    --model "${HEATPIPE_MODEL:-$root/examples/shapes100/model.pth}" \
    --data "${HEATPIPE_DATA:-$root/examples/shapes100}" "$@"
