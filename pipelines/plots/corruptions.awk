# Prepares corruptions.gp: a block for each kind, which begins with its name and the clean images.

BEGIN {
    FS = OFS = "\t"
    chart = "corruptions"
}

# Not known: outside of the axes.
function number(name,    v) {
    v = field(name)
    return v == "NA" ? -9 : v
}

row() {
    line = field("severity") OFS number("accuracy") OFS number("accuracy_low") OFS number("accuracy_high") OFS \
        number("ece") OFS number("map_correlation") OFS field("images")
    if (field("kind") == "none")
        clean = line
    else {
        if (!(field("kind") in rows))
            name[kinds++] = field("kind")
        rows[field("kind")] = rows[field("kind")] line "\n"
    }
}

END {
    if (failed)
        exit 1
    for (i = 0; i < kinds; i++) {
        label = name[i]
        gsub(/_/, " ", label)
        printf "%s%s\n%s\n%s", i ? "\n\n" : "", shown(label), clean, rows[name[i]]
    }
}
