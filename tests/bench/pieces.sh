#!/usr/bin/env bash
# What the explorer costs: time and memory for few rows and for many; the bytes of its page,
# of its folder and of the single file of a finished analysis. See pieces.py.
#   HEATPIPE_RESULTS: the folder of a finished analysis (default: of the bundled example,
#   which is made), HEATPIPE_DATA: its images
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "$root" && cd "${BUILD:-build}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
results=${HEATPIPE_RESULTS-}
if [ -z "$results" ]; then
    results=$work/results
    "$build/bin/heatpipe" --model "$root/examples/shapes100/model.pth" --data "$root/examples/shapes100" \
        --out "$results" >/dev/null 2>&1
    HEATPIPE_DATA=$root/examples/shapes100
fi
python3 "$root/tests/bench/pieces.py" --build "$build" --results "$results" \
    --data "${HEATPIPE_DATA:?the images of HEATPIPE_RESULTS}" --work "$work" "$@"
