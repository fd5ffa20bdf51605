#!/usr/bin/env bash
# What the maps of several layers and methods are worth, on the same images.
#
#   faithfulness.sh ROWS LAYERS SUMMARY CAM_SCORE [OPTION ...] -- LAYER METHOD MAPS ...
#
# Scores maps that are equal once, and writes to standard output the table `faithfulness.tsv`:
# the rows that CAM_SCORE puts into the file SUMMARY, with layer and method of each map, and of
# one that is equal to another's, the method of that in the column same_as; last_stage is 1 where the
# table LAYERS says that the layer is the last stage.
set -u -o pipefail

rows=$1 layers=$2 summary=$3
shift 3
command=()
while [ "$1" != -- ]; do
    command+=("$1")
    shift
done
shift
maps=() equal=()
declare -A first=()
while [ $# -gt 0 ]; do
    sum=$(sha256sum -- "$3") || exit 1
    sum=${sum%% *}
    if [ -n "${first[$1 $sum]-}" ]; then
        equal+=("$1"$'\t'"$2"$'\t'"${first[$1 $sum]}")
    else
        first[$1 $sum]=$2
        maps+=("$1:$2=$3")
    fi
    shift 3
done
HEATPIPE_STAGE=1 "${command[@]}" --summary "$summary" "${maps[@]}" <"$rows" >/dev/null || exit $?
LC_ALL=C awk -v equal="$(printf '%s\n' "${equal[@]}")" '
    BEGIN {
        FS = OFS = "\t"
        n = equal == "" ? 0 : split(equal, line, "\n")
        print "layer", "method", "metric", "better", "mean", "low", "high", "images", "difference", \
            "difference_low", "difference_high", "same_as", "last_stage"
    }
    NR == FNR {
        if ($6 == 1)
            last[$1] = last[$2] = 1
        next
    }
    FNR > 1 {
        at = index($1, ":")
        layer = at ? substr($1, 1, at - 1) : "NA"
        method = substr($1, at + 1)
        rest = substr($0, length($1) + 2)
        print layer, method, rest, "NA", 0 + last[layer]
        for (i = 1; i <= n; i++) {
            split(line[i], f, "\t")
            if (f[1] == layer && f[3] == method)
                print layer, f[2], rest, method, 0 + last[layer]
        }
    }' "$layers" "$summary"
