# Why the results of a run say little of the model, in words, or nothing: from its tables
# findings.tsv and run.tsv, with tabs between fields.

FNR == 1 {
    tables++
    for (i = 1; i <= NF; i++)
        column[tables, $i] = i
    next
}

tables == 1 { verdict[$column[1, "name"]] = $column[1, "verdict"] }

tables == 2 && $column[2, "name"] == "better_fit" && $column[2, "value"] != "NA" { better = 1 }

END {
    if (better)
        print "another interpretation of the checkpoint fits much better"
    else if (verdict["class_order"] == "yes")
        print "the model and the labels seem to order the classes differently"
    else if (verdict["works"] == "yes" || verdict["works"] == "NA")
        exit
    else if (verdict["works"] == "few")
        print "the images are too few to tell the accuracy from chance"
    else
        print "the accuracy is low, or no better than chance"
}
