# worst-k in POSIX awk: the same rows in, the same choice out.
#
#   awk -f worst-k.awk -- [--count N] [--kind both|best|worst] [FILE ...]
#   awk -f worst-k.awk -- --by pair [--pairs N] [--count N] [FILE ...]
#
# By class: best are the correct predictions by falling confidence, worst the wrong
# ones by falling confidence, then the correct ones in the reverse order; no row is
# both. By pair: the wrong predictions of the most frequent pairs, each by falling
# confidence. Among equals the lower id comes first, in the reverse order the higher
# one. Rows are taken as they come: none is looked up among those before it. The "--"
# keeps awk from taking the options for its own.

function fail(why) {
    print "worst-k.awk: " why > "/dev/stderr"
    failed = 1
    exit 2
}

function number(option, value) {
    if (value !~ /^[1-9][0-9]*$/) fail(option ": expected a number from 1, found '" value "'")
    return value + 0
}

BEGIN {
    FS = OFS = "\t"
    count = 3; kind = "both"; by = "class"; pairs = 5
    for (i = 1; i < ARGC; i++) {
        if (ARGV[i] !~ /^--/) continue
        option = ARGV[i]; value = ARGV[i + 1]
        if (option == "--count") count = number(option, value)
        else if (option == "--pairs") pairs = number(option, value)
        else if (option == "--kind" && value ~ /^(both|best|worst)$/) kind = value
        else if (option == "--by" && value ~ /^(class|pair)$/) by = value
        else fail("unknown option '" option " " value "'")
        ARGV[i] = ARGV[i + 1] = ""
        i++
    }
}

# The `count` rows of least (key, id), in order, in row[list, 1..n[list]].
function put(list, key, id,    i) {
    for (i = n[list] + 0; i && (key < keys[list, i] || key == keys[list, i] && id < ids[list, i]); i--)
        if (i < count) {
            keys[list, i + 1] = keys[list, i]
            ids[list, i + 1] = ids[list, i]
            row[list, i + 1] = row[list, i]
        }
    if (i == count) return
    keys[list, i + 1] = key
    ids[list, i + 1] = id
    row[list, i + 1] = $0
    if (n[list] < count) n[list]++
}

# The rows of a list behind `rank` others, up to the first that was shown before.
function show(list, group, name, rank,    i) {
    for (i = 1; i <= n[list] && rank < count && !(row[list, i] in shown); i++) {
        print row[list, i], group, name, ++rank
        shown[row[list, i]]
    }
    return rank
}

NR == 1 {
    header = $0
    for (i = 1; i <= NF; i++) col[$i] = i
    split("id true pred conf", need, " ")
    for (i = 1; i <= 4; i++) if (!(need[i] in col)) fail("no column '" need[i] "'")
    print $0, "group", "kind", "rank"
    next
}

$0 == header || $col["true"] == "NA" { next }

{
    id = $col["id"] + 0; t = $col["true"] + 0; p = $col["pred"] + 0; conf = $col["conf"] + 0
    if (t > last) last = t
    if (t != p) errors[t, p]++
    if (by == "pair") { if (t != p) put("pair" SUBSEP t SUBSEP p, -conf, id) }
    else if (t != p) put("wrong" SUBSEP t, -conf, id)
    else { put("right" SUBSEP t, -conf, id); put("reverse" SUBSEP t, conf, -id) }
}

END {
    if (failed) exit 2
    if (!NR) fail("no header line")
    if (by == "pair") top_pairs()
    else for (t = 0; t <= last; t++) {
        if (kind != "worst") show("right" SUBSEP t, t, "best", 0)
        if (kind != "best") show("reverse" SUBSEP t, t, "worst", show("wrong" SUBSEP t, t, "worst", 0))
    }
}

function top_pairs(    i, e, a, b) {
    for (i = 1; i <= pairs; i++) {
        best = ""
        for (e in errors) {
            if (errors[e] < 2) continue
            split(e, a, SUBSEP)
            split(best, b, SUBSEP)
            if (best == "" || errors[e] > errors[best] || errors[e] == errors[best] && \
                (a[1] + 0 < b[1] + 0 || a[1] == b[1] && a[2] + 0 < b[2] + 0)) best = e
        }
        if (best == "") break
        show("pair" SUBSEP best, i, "pair", 0)
        delete errors[best]
    }
}
