#!/usr/bin/env bash
# Images per second and memory for few and for many images, with one thread and with all,
# and the time to start; see growth.py.
#   HEATPIPE_MODEL, HEATPIPE_DATA: a checkpoint and CIFAR-100's test.bin, or the
#   folder it is in (default: the bundled example); further options as growth.py's
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "$root" && cd "${BUILD:-build}" && pwd)
exec python3 "$root/tests/bench/growth.py" --program "$build/bin/cifar-predict" \
    --model "${HEATPIPE_MODEL:-$root/examples/shapes100/model.pth}" \
    --data "${HEATPIPE_DATA:-$root/examples/shapes100}" "$@"
