# The labels to review: the flagged rows of the table of label-check, by rank among themselves, with
# the file of the image where the predictions, which are read first, tell one.

BEGIN {
    FS = OFS = "\t"
    n = split("rank id file true true_name suggested suggested_name p_true p_suggested score reason", want, " ")
}

FNR == 1 {
    split("", c)
    for (i = 1; i <= NF; i++) c[$i] = i
    tables++
    if (tables == 2)
        for (i = 1; i <= n; i++) printf "%s%s", want[i], i < n ? OFS : "\n"
    next
}

tables == 1 {
    if ("file" in c) file[$c["id"]] = $c["file"]
    next
}

$c["flagged"] == 1 {
    rank++
    for (i = 1; i <= n; i++) {
        v = want[i] == "rank" ? rank : want[i] == "file" ? file[$c["id"]] : $c[want[i]]
        printf "%s%s", v == "" ? "NA" : v, i < n ? OFS : "\n"
    }
}
