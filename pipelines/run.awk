# Joins the tables of --run into one. Where the predictor wrote none, the model is named as
# far as it is known: by OUT/data/inputs/model, which comes first.

BEGIN {
    FS = OFS = "\t"
    print "name", "value"
}

FNR == 1 { files++ }

files == 1 {
    sum = $1
    next
}

FNR > 1 {
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
    print "checkpoint_sha256", NR ? sum : "NA"
}
