# Prepares sweep.gp: a row for each checkpoint with its name and what is drawn of it.

BEGIN {
    FS = OFS = "\t"
    chart = "sweep"
}

# Not known: outside of the axes.
function number(name,    v) {
    v = field(name)
    return v == "NA" ? -9 : v
}

row() {
    models++
    line[models] = models OFS number("accuracy") OFS number("accuracy_low") OFS number("accuracy_high") OFS \
        number("ece") OFS number("ece_low") OFS number("ece_high") OFS number("ece_chance") OFS \
        number("blank") OFS number("blank_low") OFS number("blank_high") OFS \
        number("overlap") OFS number("overlap_low") OFS number("overlap_high") OFS \
        (field("p_adjusted") != "NA" && field("p_adjusted") < 0.01)
    name[models] = shown(field("model")) (field("status") ? " (failed)" : "")
    if (field("images") != "NA")
        images = field("images")
}

END {
    if (failed)
        exit 1
    for (i = 1; i <= models; i++)
        longest = width(name[i]) > longest ? width(name[i]) : longest
    print models OFS images OFS longest
    # Where there are many, every other is named, or fewer.
    every = int((models + 39) / 40)
    for (i = 1; i <= models; i++)
        print ((i - 1) % every ? "" : name[i]) OFS line[i]
}
