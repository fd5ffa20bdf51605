#!/bin/sh
# The pictures of the README and of the manual, from the results of `make demo` and with the programs
# in PATH; that of the explorer needs Chromium:
#
#   PATH=$PWD/build/bin:$PATH examples/shapes100/pictures/make.sh results/shapes100
set -eu
here=$(dirname "$0")
cp -- "$1/worst_predictions/class_038_gibbous_moon.png" "$here/class_sheet.png"
cp -- "$1/confused_pair_2_hexagon_to_octagon.png" "$here/confused_pair.png"

images() { # TITLE < ROWS
    cam-overlay --table - --show original --columns 5 --data "$here/.." --title "$1"
}
label-check --logits "$1/data/logits.npy" --flagged --count 10 "$1/data/predictions.tsv" |
    images 'The ten most suspicious labels' >"$here/labels.png"
for class in hexagon octagon; do
    awk -F '\t' -v class=$class 'NR == 1 || $11 == class' "$1/data/predictions.tsv" |
        images "The ten ${class}s" >"$here/${class}s.png"
done

python3 "$here/../../../tests/browser/drive.py" chromium \
    "file://$(realpath "$1")/explorer.html#image/188" 1240x850 "$here/explorer.png"
