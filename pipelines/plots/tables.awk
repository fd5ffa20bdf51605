# What the charts' scripts share: rows of heatpipe tables, found by name.

function fail(text,    file) {
    file = FILENAME
    sub(/^\.\//, "", file)
    gsub(/[^ -~]/, "?", text) # a terminal would obey some
    printf "%s: %s:%d: %s\n", chart, file, FNR, text > "/dev/stderr"
    failed = 1
    exit 1
}

# Reads a header, and skips it where a concatenated table repeats it. True on rows.
function row(    i) {
    if (FNR == 1) {
        header = $0
        columns = NF
        split("", at)
        for (i = 1; i <= NF; i++)
            at[$i] = i
        return 0
    }
    if ($0 == header)
        return 0
    if (NF != columns)
        fail("expected " columns " fields, found " NF)
    return 1
}

function need(name) {
    if (!(name in at))
        fail("expected a column '" name "', found none")
    return at[name]
}

function field(name) {
    return $(need(name))
}

function optional(name) {
    return name in at ? $(at[name]) : "NA"
}

function whole(name,    v) {
    v = field(name)
    if (v !~ /^[0-9]+$/)
        fail("column '" name "': expected a whole number, found '" v "'")
    return v + 0
}

# A name to show, or what stands for one that is not known.
function shown_or(name, other) {
    return name == "NA" ? other : shown(name)
}

# A name as gnuplot may print it: a quote would join fields, a backslash be taken for an
# escape (another sign that looks like it stands for it), and bytes that are no UTF-8 end
# the drawing. Control characters, and those that break a line or turn its order, become
# question marks. Letters beyond those of the chart's font, which gnuplot 5.4 draws
# enormous where no other font has them, become squares. The middle of a long name is left
# out: names often differ at their ends.
function shown(name,    part, out, n, i, bytes, c) {
    gsub(/\\\\/, "\001", name)
    gsub(/\\[tn]/, " ", name)
    gsub(/\\/, "", name)
    gsub(/\001/, "∖", name)
    gsub(/"/, "''", name)
    gsub(/[\001-\037\177]/, "?", name)
    for (n = 0; name != ""; n++) {
        bytes = 1
        if (name ~ /^[\302-\337][\200-\277]/)
            bytes = 2
        else if (name ~ /^[\340-\357][\200-\277][\200-\277]/)
            bytes = 3
        else if (name ~ /^[\360-\364][\200-\277][\200-\277][\200-\277]/)
            bytes = 4
        c = substr(name, 1, bytes)
        if (bytes == 1 && c ~ /[\200-\377]/)
            c = "?"
        else if (c ~ /^\302[\200-\237]/ || c ~ /^\342\200[\250-\256]/ || c ~ /^\342\201[\246-\251]/)
            c = "?"
        else if (c ~ /^[\334-\337]/ || (bytes > 2 && c !~ /^\342[\200-\257]/))
            c = "□"
        part[n] = c
        name = substr(name, bytes + 1)
    }
    out = ""
    for (i = 0; i < n; i++) {
        if (n > 40 && i == 25) {
            out = out "…"
            i = n - 14
        }
        out = out part[i]
    }
    return out
}

# A name that may be written from right to left, between isolates, so that the order of
# what is around it stays.
function isolated(name) {
    return name ~ /[\326-\333][\200-\277]/ ? "\342\201\250" name "\342\201\251" : name
}

# Characters, not bytes: those of UTF-8 that go on with one are not counted.
function width(name) {
    gsub(/[\200-\277]/, "", name)
    return length(name)
}
