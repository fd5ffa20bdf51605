# Prepares faithfulness.gp: a block for each metric, which begins with its name and which values
# are better, and has a line for each map: its name, mean and interval, and of what it is: the
# number of its layer from 1, or 0 for a map that knows nothing of the network; the number of images,
# the mean of the centre, -99 where there is none, and the number of the map. What maps depend on, a
# second table, has blocks of mosaics, of another class and of the network that has lost most.

BEGIN {
    FS = OFS = "\t"
    chart = "faithfulness"
}

function add(word, which, layer, method,    label) {
    label = layer == "NA" ? method : layer " " method
    gsub(/_/, " ", label)
    if (!("changed" in at) && !(label in place))
        place[label] = ++places
    # One that is blank by the metrics has no line.
    if (!(label in place))
        return
    if (!(word in better)) {
        name[metrics++] = word
        better[word] = which
    }
    if (!((word, label) in line))
        labels[word, ++count[word]] = label
    # Of networks from the top down the last one stays.
    line[word, label] = shown(label) OFS field("mean") OFS field("low") OFS field("high") OFS \
        (layer == "NA" || method == "random" ? 0 : number[layer]) OFS field("images")
}

{ is_row = row() }

is_row && "changed" in at {
    if (field("mean") == "NA")
        next
    if (field("metric") == "focus") {
        add("focus on mosaics", "higher", field("layer"), field("method"))
        center["focus on mosaics"] = 0.5
    } else if (field("metric") == "rank_correlation")
        add(field("changed") == "logit" ? "correlation, other class" : "correlation, random weights", "lower", \
            field("layer"), field("method"))
    next
}

is_row && !("changed" in at) {
    if (field("same_as") != "NA" || field("mean") == "NA")
        next
    layer = field("layer")
    if (layer != "NA" && !(layer in number))
        number[layer] = layers++ % 5 + 1
    add(field("metric"), field("better"), layer, field("method"))
    if (layer == "NA" && field("method") == "center")
        center[field("metric")] = field("mean")
}

END {
    if (failed)
        exit 1
    if (metrics == 0)
        fail("expected rows of metrics, found none")
    for (i = 0; i < metrics; i++) {
        word = name[i]
        label = word
        gsub(/_/, " ", label)
        printf "%s%s (%s is better)\n", i ? "\n\n" : "", shown(label), better[word]
        for (k = 1; k <= count[word]; k++)
            print line[word, labels[word, k]], word in center ? center[word] : -99, place[labels[word, k]]
    }
}
