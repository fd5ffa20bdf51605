#!/usr/bin/env bash
# Predictions against PyTorch, OpenVINO and ONNX Runtime, in turns; see predict.py.
#   HEATPIPE_MODEL, HEATPIPE_DATA: a checkpoint and CIFAR-100's test.bin, or the
#   folder it is in (default: the bundled example); HEATPIPE_PYTHON: a Python that has
#   what to compare with; further options as predict.py's
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "$root" && cd "${BUILD:-build}" && pwd)
exec "${HEATPIPE_PYTHON:-python3}" "$root/tests/bench/predict.py" --program "$build/bin/cifar-predict" \
    --steps "$build/tests/bench/steps" --model "${HEATPIPE_MODEL:-$root/examples/shapes100/model.pth}" \
    --data "${HEATPIPE_DATA:-$root/examples/shapes100}" "$@"
