# Prepares confusion.gp: a wide matrix (confmat --order group) and the table of classes
# (class, group, group_name) as blocks of numbers and names.

BEGIN {
    FS = OFS = "\t"
    chart = "confusion"
    table = n = all = cells = groups = 0
}

FNR == 1 { table++ }

table == 1 && FNR == 1 {
    row()
    need("true")
    need("true_name")
    for (i = 1; i <= NF; i++)
        if ($i ~ /^p[0-9]+$/)
            prediction[i] = substr($i, 2) + 0
    next
}

table == 1 && row() {
    class = whole("true")
    if (class in named)
        fail("expected every class once, found " class " again")
    named[class] = shown_or(field("true_name"), class)
    given[all++] = class
    total[class] = right[class] = 0
    for (i = 1; i <= NF; i++) {
        if (!(i in prediction))
            continue
        count = $i
        if (count !~ /^[0-9]+$/)
            fail("column 'p" prediction[i] "': expected a whole number, found '" count "'")
        total[class] += count
        predicted[prediction[i]] += count
        if (prediction[i] == class)
            right[class] = count
        else if (count > 0) {
            cell_row[cells] = class
            cell_class[cells] = prediction[i]
            cell[cells++] = count
        }
    }
    next
}

table == 2 && FNR == 1 {
    row()
    need("class")
    next
}

table == 2 && row() {
    class = whole("class")
    group[class] = optional("group")
    group_name[class] = shown_or(optional("group_name"), group[class])
}

END {
    if (failed)
        exit 1
    if (!all) {
        FNR = 1
        fail("expected a matrix with a row for each class, found none")
    }

    for (i = 0; i < all; i++) {
        images += total[given[i]]
        correct += right[given[i]]
    }
    # Classes with images or predictions; without any image all are shown.
    for (i = 0; i < all; i++) {
        class = given[i]
        if (images && !total[class] && !predicted[class])
            continue
        longest = width(named[class]) > longest ? width(named[class]) : longest
        order[n] = class
        place[class] = n++
    }
    for (i = 0; i < cells; i++) {
        if (!(cell_class[i] in place))
            fail("expected a row for class " cell_class[i] ", found none")
        most = cell[i] > most ? cell[i] : most
    }

    # A superclass is a run of classes; one class beside the others is none.
    for (i = 0; i < n; i++) {
        g = order[i] in group ? group[order[i]] : "NA"
        if (g == "NA")
            continue
        if (i == 0 || !(order[i - 1] in group) || group[order[i - 1]] != g) {
            first[groups] = i
            title[groups] = group_name[order[i]]
            w = width(title[groups])
            longest_group = w > longest_group ? w : longest_group
            groups++
        }
        last[groups - 1] = i
    }

    # Numbers of the whole; then classes, cells, superclasses. Rows of -1 keep
    # a block from being empty.
    print n
    print all
    print groups
    print images + 0
    print correct + 0
    print most + 0
    print longest + 0
    print longest_group + 0
    print "\n"
    for (i = 0; i < n; i++)
        print i, named[order[i]], total[order[i]], right[order[i]]
    print "\n"
    print -1, -1, 0
    for (i = 0; i < cells; i++)
        print place[cell_row[i]], place[cell_class[i]], cell[i]
    print "\n"
    print -1, -1, " "
    for (i = 0; i < groups; i++)
        print first[i], last[i], title[i]
}
