# Joins the tables of --run into one with one row for each name, the first: a predictor that
# writes class maps knows more of their layer than cam-compute. Where the predictor wrote no
# table, the model is named as far as it is known: by OUT/data/inputs/model, which comes first.

BEGIN {
    FS = OFS = "\t"
    print "name", "value"
}

FNR == 1 { files++ }

files == 1 {
    checksum = $1
    next
}

FNR > 1 && ($1 == "warning" || !seen[$1]++) {
    print
    named = named || $1 == "checkpoint"
}

END {
    if (named)
        exit
    path = ENVIRON["MODEL"]
    gsub(/\\/, "\\\\", path)
    gsub(/\t/, "\\t", path)
    gsub(/\n/, "\\n", path)
    print "checkpoint", path
    if (!("checkpoint_sha256" in seen))
        print "checkpoint_sha256", NR ? checksum : "NA"
}
