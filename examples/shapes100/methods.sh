#!/usr/bin/env bash
# Makes the README's table of methods: what the maps of each are worth on the bundled example, where
# it is known where the objects are.
#
#   PATH=$PWD/build/bin:$PATH examples/shapes100/methods.sh OUT [NAME=VALUE ...]
#
# writes the table to standard output and the analysis with its intervals and its chart into OUT.
set -eu
here=$(dirname -- "$0")
out=$1
shift
heatpipe --faithfulness --model "$here/model.pth" --data "$here" --masks "$here/masks.npy" --sample 100 --out "$out" "$@" >&2
awk -F '\t' '
    NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
    {
        metric = $at["metric"]
        if (!(metric in seen)) {
            seen[metric] = 1
            name[++metrics] = metric
            better[metric] = $at["better"] == "higher" ? "↑" : "↓"
        }
        map = $at["layer"] == "NA" ? "*" $at["method"] "*" : $at["method"] == "random" ? "*" $at["layer"] " random*" : $at["layer"] " " $at["method"]
        if ($at["same_as"] != "NA") {
            equal[$at["layer"] " " $at["same_as"]] = equal[$at["layer"] " " $at["same_as"]] (metric == name[1] ? ", " $at["method"] : "")
            next
        }
        if (!(map in known)) {
            known[map] = 1
            order[++maps] = map
        }
        mean[map, metric] = sprintf(metric == "drop" || metric == "increase" ? "%.0f" : "%.2f", $at["mean"])
    }
    END {
        line = "| map |"
        rule = "|---|"
        for (k = 1; k <= metrics; k++) {
            shown = name[k]
            gsub(/_/, " ", shown)
            line = line " " shown " " better[name[k]] " |"
            rule = rule "--:|"
        }
        print line
        print rule
        for (i = 1; i <= maps; i++) {
            line = "| " order[i] equal[order[i]] " |"
            for (k = 1; k <= metrics; k++)
                line = line " " mean[order[i], name[k]] " |"
            print line
        }
    }' "$out/faithfulness.tsv"
