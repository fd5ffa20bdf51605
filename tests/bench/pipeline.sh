#!/usr/bin/env bash
# Wall time of the whole analysis and of everything after the predictions, with
# the peak memory of any program in it.
#   HEATPIPE_MODEL, HEATPIPE_DATA: a checkpoint and a data set (default: the
#   bundled example)
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "$root/${BUILD:-build}" && pwd)
model=${HEATPIPE_MODEL:-$root/examples/shapes100/model.pth}
data=${HEATPIPE_DATA:-$root/examples/shapes100}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

run() { # label, targets
    local label=$1 begin end
    shift
    begin=$(date +%s.%N)
    make -s -j2 -f "$root/pipelines/gradcam.mk" BIN="$build/bin/" MODEL="$model" DATA="$data" \
        OUT="$out" "$@" 2>/dev/null >&2
    end=$(date +%s.%N)
    awk -v l="$label" -v a="$begin" -v b="$end" 'BEGIN { printf "%-32s %8.2f s\n", l, b - a }'
}

run "predictions" "$out/data/predictions.tsv"
run "everything after the predictions" analysis
run "a second run, which does nothing" analysis
