#!/bin/sh
# The README's pictures, from the results of `make demo`; that of the explorer needs Chromium:
#
#   examples/shapes100/pictures/make.sh results/shapes100
set -eu
here=$(dirname "$0")
cp -- "$1/worst_predictions/class_038_gibbous_moon.png" "$here/class_sheet.png"
cp -- "$1/confused_pair_2_hexagon_to_octagon.png" "$here/confused_pair.png"
python3 "$here/../../../tests/browser/drive.py" chromium \
    "file://$(realpath "$1")/explorer.html#image/188" 1240x850 "$here/explorer.png"
