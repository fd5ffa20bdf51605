#!/usr/bin/env bash
# Memory of the tab, frames and times of the explorer of 100,000 images that a script makes, in
# Chromium; see explorer.py. The memory is to stay under 600 MiB.
#
#   BUILD=build tests/bench/explorer.sh [IMAGES]
set -euo pipefail

ROOT=$(cd "$(dirname "$0")/../.." && pwd)
PATH=$(cd "$ROOT" && cd "${BUILD:-build}" && pwd)/bin:$PATH
export ROOT PATH
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$ROOT/tests/browser/make_run.sh" "$work/run" "${1:-100000}" 10 xy
python3 "$ROOT/tests/bench/explorer.py" "$work/run"
