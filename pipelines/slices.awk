# The rows of the predictions, which are read first, that are typical of the first slices of a table of
# slices: for each slice its correct predictions, then its errors, as worst-k writes rows that it chose.

BEGIN { FS = OFS = "\t"; SLICES = 8; IMAGES = 6 }

FNR == 1 {
    split("", c)
    for (i = 1; i <= NF; i++) c[$i] = i
    if (++tables == 1) {
        id = c["id"]
        print $0, "group", "kind", "rank"
    }
    next
}

tables == 1 { row[$id] = $0; next }

FNR <= SLICES + 1 {
    put("correct", $c["correct_ids"])
    put("error", $c["ids"])
}

function put(kind, list,    n, i, ids) {
    if (list == "NA") return
    n = split(list, ids, ",")
    for (i = 1; i <= n && i <= IMAGES; i++)
        print row[ids[i]], FNR - 1, kind, i
}
