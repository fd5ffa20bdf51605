# One table over the analyses of several checkpoints. Before each file `kind` says what it is: first
# the models, then for each that was analysed, whose number is `model`, tables of its analysis and
# that of run-diff with the first.

BEGIN {
    FS = OFS = "\t"
    # Column, kind of the table, row, column there.
    n = split("images summary:images:value accuracy findings:accuracy:value accuracy_low findings:accuracy:low " \
        "accuracy_high findings:accuracy:high top5_accuracy summary:top5_accuracy:value " \
        "mean_conf summary:mean_conf:value ece summary:ece:value ece_low calibration:ece:low " \
        "ece_high calibration:ece:high ece_chance calibration:ece_chance:value nll summary:nll:value " \
        "temperature calibration:temperature:value errors_conf_90 summary:errors_conf_90:value " \
        "maps findings:blank:of blank findings:blank:value blank_low findings:blank:low blank_high findings:blank:high " \
        "map_errors findings:overlap_high:of overlap findings:overlap_high:value overlap_low findings:overlap_high:low " \
        "overlap_high findings:overlap_high:high fixed diff:fixed:value broken diff:broken:value " \
        "difference diff:difference:value difference_low diff:difference_low:value " \
        "difference_high diff:difference_high:value mcnemar_p diff:mcnemar_p:value", word, " ")
    for (i = 1; i <= n; i += 2) {
        column[++columns] = word[i]
        from[columns] = word[i + 1]
    }
    compared = "maps_compared diff:maps_compared:value map_correlation diff:map_correlation_median:value maps_moved diff:maps_moved:value"
    after = split(compared, moved, " ")
}

FNR == 1 {
    split("", c)
    for (i = 1; i <= NF; i++)
        c[$i] = i
    next
}

kind == "models" {
    name[++models] = $c["model"]
    path[models] = $c["checkpoint"]
    status[models] = $c["status"]
    next
}

# The layer of the maps comes first, and what knows nothing of the network last.
kind == "faithfulness" {
    if (!(model in layer)) {
        layer[model] = $c["layer"]
        method[model] = $c["method"]
    }
    if ($c["layer"] == layer[model] && $c["method"] == method[model]) {
        if (!($c["metric"] in metrics)) {
            metrics[$c["metric"]]
            metric[++measured] = $c["metric"]
        }
        for (i = split("mean low high", part, " "); i > 0; i--)
            value[model, kind ":" $c["metric"] ":" part[i]] = $c[part[i]]
    }
    next
}

{
    key = kind ":" $(kind == "summary" || kind == "calibration" || kind == "diff" ? c["measure"] : c["name"])
    for (i in c)
        if (!((model, key ":" i) in value))
            value[model, key ":" i] = $c[i]
}

function known(i, what) {
    return (i, what) in value ? value[i, what] : "NA"
}

# Holm's correction: each p times the number of hypotheses that are not yet rejected, never falling.
function adjust(    i, j, k, m, order, t, last) {
    for (i = 1; i <= models; i++)
        if (!status[i] && i != base)
            order[++m] = i
    for (i = 1; i <= m; i++)
        for (j = i + 1; j <= m; j++)
            if (p(order[j]) < p(order[i])) {
                t = order[i]
                order[i] = order[j]
                order[j] = t
            }
    for (k = 1; k <= m; k++) {
        t = p(order[k]) * (m - k + 1)
        last = t > last ? t : last
        adjusted[order[k]] = last < 1 ? last + 0 : 1
    }
}
# Where nothing changed nothing tells the two apart.
function p(i) {
    return known(i, "diff:mcnemar_p:value") == "NA" ? 1 : known(i, "diff:mcnemar_p:value") + 0
}

END {
    for (i = models; i > 0; i--)
        if (!status[i])
            base = i
    adjust()
    printf "model\tcheckpoint\tcheckpoint_sha256\tstatus\tagainst"
    for (k = 1; k <= columns; k++)
        printf "\t%s", column[k]
    printf "\tp_adjusted"
    for (k = 1; k <= after; k += 2)
        printf "\t%s", moved[k]
    for (k = 1; k <= measured; k++)
        printf "\t%s\t%s_low\t%s_high", metric[k], metric[k], metric[k]
    print ""
    for (i = 1; i <= models; i++) {
        printf "%s\t%s\t%s\t%d\t%s", name[i], path[i], known(i, "run:checkpoint_sha256:value"), status[i], name[base]
        for (k = 1; k <= columns; k++)
            printf "\t%s", known(i, from[k])
        if (known(i, "diff:mcnemar_p:value") == "NA")
            printf "\tNA"
        else
            printf "\t%.9g", adjusted[i]
        for (k = 1; k <= after; k += 2)
            printf "\t%s", known(i, moved[k + 1])
        for (k = 1; k <= measured; k++)
            printf "\t%s\t%s\t%s", known(i, "faithfulness:" metric[k] ":mean"), known(i, "faithfulness:" metric[k] ":low"), \
                known(i, "faithfulness:" metric[k] ":high")
        print ""
    }
}
