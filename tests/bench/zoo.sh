#!/usr/bin/env bash
# Networks of many families against ONNX Runtime and OpenVINO, in turns; see zoo.py.
#   HEATPIPE_PYTHON: a Python that has PyTorch, torchvision and what is compared with;
#   options as zoo.py's
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "$root" && cd "${BUILD:-build}" && pwd)
exec "${HEATPIPE_PYTHON:-python3}" "$root/tests/bench/zoo.py" --program "$build/bin/cifar-predict" "$@"
