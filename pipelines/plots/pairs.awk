# Prepares pairs.gp: the 15 most frequent rows of confmat --pairs as one block, of those that
# count more than once: which of the others comes first, only the numbers of the classes tell.

BEGIN {
    FS = OFS = "\t"
    chart = "pairs"
    top = 15
    n = longest = 0
}

row() {
    count = whole("count")
    from = whole("true")
    to = whole("pred")
    if (count == 0)
        next
    confused = 1
    if (count == 1)
        next
    as_frequent[count]++
    # In order: by falling count, then by the classes. What falls out is the last.
    for (i = n; i > 0 && before(count, from, to, i - 1); i--)
        move(i - 1, i)
    if (i >= top)
        next
    if (n < top)
        n++
    c[i] = count
    f[i] = from
    t[i] = to
    a[i] = label("true_name", from)
    b[i] = label("pred_name", to)
    if (a[i] == b[i]) { # they differ in what was left out
        a[i] = a[i] " (" from ")"
        b[i] = b[i] " (" to ")"
    }
    rate[i] = optional("rate")
    reverse[i] = optional("reverse_count")
    same[i] = optional("same_group")
}

function label(column, class) {
    return shown_or(field(column), class)
}

function before(count, from, to, i) {
    return count != c[i] ? count > c[i] : from != f[i] ? from < f[i] : to < t[i]
}

function move(i, j) {
    c[j] = c[i]
    f[j] = f[i]
    t[j] = t[i]
    a[j] = a[i]
    b[j] = b[i]
    rate[j] = rate[i]
    reverse[j] = reverse[i]
    same[j] = same[i]
}

END {
    if (failed)
        exit 1
    if (!columns) {
        FNR = 1
        fail("expected a header line, found nothing")
    }
    for (i = 0; i < n; i++) {
        w = width(a[i] b[i])
        longest = w > longest ? w : longest
        kind[i] = same[i] == "NA" ? 2 : same[i] + 0
        kinds[kind[i]]++
        listed_last += c[i] == c[n - 1]
    }
    print n
    print longest
    print n ? c[0] : 0
    for (i = 0; i < 3; i++)
        print kinds[i] + 0
    print n ? as_frequent[c[n - 1]] - listed_last : 0
    print confused + 0
    print "\n"
    # Place, kind (0 other superclass, 1 same, 2 not known), count, names, figures.
    # A row of -1 keeps the block from being empty.
    print -1, 0, 0, " ", " "
    for (i = 0; i < n; i++) {
        note = rate[i] == "NA" ? "" : sprintf("%.1f %% of the class", 100 * rate[i])
        if (reverse[i] != "NA")
            note = note (note == "" ? "" : ", ") "reverse " reverse[i]
        print i, kind[i], c[i], pair(a[i], b[i]), note == "" ? " " : note
    }
}

# From left to right, in whatever direction the names run: a left-to-right mark first.
function pair(from, to,    mark) {
    from = isolated(from)
    to = isolated(to)
    mark = (from to) ~ /\342\201\250/ ? "\342\200\216" : ""
    return mark from " → " to
}
