#!/bin/sh
# Prediction rows in Miller:
#
#   examples/tools/miller.sh p.tsv
#
# --tsvlite reads and writes every field as it is. NA is a text to Miller: rows without a
# label go before something is averaged.
# shellcheck disable=SC1010,SC2016 # `then` and $ are Miller's
set -eu
rows=${1:-p.tsv}

echo "Is confidence above accuracy?"
mlr --itsvlite --opprint filter '$correct != "NA"' then \
    put '$conf_from = min(floor($conf * 5) / 5, 0.8)' then \
    stats1 -a count,mean -f conf,correct -g conf_from then cut -x -f correct_count then \
    sort -nf conf_from then format-values -f '%.3f' "$rows"

echo
echo "The most confident error of each superclass"
mlr --itsvlite --opprint filter '$correct == 0' then \
    top -n 1 -f conf -g true_group -a then sort -nr conf then head -n 5 then \
    cut -o -f id,conf,true_name,pred_name,true_group then format-values -f '%.3f' "$rows"
