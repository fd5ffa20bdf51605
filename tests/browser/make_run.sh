#!/usr/bin/env bash
# make_run.sh DIR IMAGES CLASSES [WORD ...]: the explorer of a run that make_run.py makes.
set -eu
python3 "$ROOT/tests/browser/make_run.py" "$@"
dir=$1 d=$1/data tables=()
if [[ " $* " != *' unlabelled '* ]]; then
    confmat --classes "$d/predictions.tsv" >"$d/classes.tsv"
    confmat --pairs --top 0 "$d/predictions.tsv" >"$d/pairs.tsv"
    confmat --summary "$d/predictions.tsv" >"$d/summary.tsv"
    worst-k --by all --errors highest --count 50 "$d/predictions.tsv" >"$d/confident_rows.tsv"
    tables+=(--classes "$d/classes.tsv" --pairs "$d/pairs.tsv" --summary "$d/summary.tsv"
        --errors "$d/confident_rows.tsv")
fi
[ ! -e "$d/class_maps.npy" ] || tables+=(--class-maps "$d/class_maps.npy")
[[ " $* " == *' noimages '* ]] || tables+=(--data "$dir/images.npy")
report explorer --predictions "$d/predictions.tsv" "${tables[@]}" --base "$dir" \
    --out "$dir/explorer.html"
