# Prepares reliability.gp: the tables of calibrate, its measures, --reliability and --risk, as
# blocks of numbers.

BEGIN {
    FS = OFS = "\t"
    chart = "reliability"
    table = risks = 0
    split("images ece ece_chance temperature ece_after risk_area accuracy", names, " ")
}

FNR == 1 && ++table == 1 { measures = FILENAME }

table == 1 && row() { measure[field("measure")] = field("value") }

table == 2 && row() {
    kind = field("confidences") " " field("bins")
    line = field("mean_conf") OFS field("accuracy") OFS field("accuracy_low") OFS field("accuracy_high") OFS \
        field("from") OFS field("to") OFS field("images")
    bins[kind] = bins[kind] line "\n"
}

table == 3 && row() { risk[risks++] = field("coverage") OFS field("risk") OFS field("risk_low") OFS field("risk_high") }

END {
    if (failed)
        exit 1
    # Measures, one a line, -1 for one that is not known; then bins of equal mass now and after,
    # bins of equal width, and risks. Rows of -1 keep a block from being empty.
    for (i = 1; i in names; i++) {
        if (!(names[i] in measure)) {
            FILENAME = measures
            FNR = 1
            fail("expected a measure '" names[i] "', found none")
        }
        print measure[names[i]] == "NA" ? -1 : measure[names[i]]
    }
    print "\n"
    printf "-1\t-1\t-1\t-1\t-1\t-1\t0\n%s\n\n", bins["now mass"]
    printf "-1\t-1\t-1\t-1\t-1\t-1\t0\n%s\n\n", bins["after mass"]
    printf "-1\t-1\t-1\t-1\t-1\t-1\t0\n%s\n\n", bins["now width"]
    print "-1\t-1\t-1\t-1"
    for (i = 0; i < risks; i++)
        print risk[i]
}
