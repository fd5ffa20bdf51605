#!/bin/sh
# Prediction rows in GNU datamash:
#
#   examples/tools/datamash.sh p.tsv
#
# Its separator is a tab as it is. --narm leaves NA out; -H takes the names of columns from
# the header, and -s sorts by the column of -g.
set -eu

cat -- "$@" | datamash -sH --narm --round 3 -g true_group count id mean correct mean conf median entropy
