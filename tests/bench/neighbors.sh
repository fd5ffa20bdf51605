#!/usr/bin/env bash
# How long nearest neighbours take, beside NumPy's matrix product; see neighbors.py.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "$root" && cd "${BUILD:-build}" && pwd)
"${HEATPIPE_PYTHON:-python3}" -c 'import numpy' 2>/dev/null || { echo "neighbors: NumPy is not installed"; exit 0; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${HEATPIPE_PYTHON:-python3}" "$root/tests/bench/neighbors.py" --build "$build" --work "$work" "$@"
