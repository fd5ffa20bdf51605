# Prepares faithfulness.gp: a block for each metric, which begins with its name and which values
# are better, and has a line for each map: its name, mean and interval, and of what it is: the
# number of its layer from 1, or 0 for a map that knows nothing of the network; the number of images,
# the mean of the centre, -99 where there is none, and the number of the line.

BEGIN {
    FS = OFS = "\t"
    chart = "faithfulness"
}

row() {
    if (field("same_as") != "NA" || field("mean") == "NA")
        next
    metric = field("metric")
    layer = field("layer")
    if (!(metric in lines)) {
        name[metrics++] = metric
        better[metric] = field("better")
    }
    if (layer != "NA" && !(layer in number))
        number[layer] = layers++ % 5 + 1
    label = layer == "NA" ? field("method") : layer " " field("method")
    gsub(/_/, " ", label)
    lines[metric] = lines[metric] shown(label) OFS field("mean") OFS field("low") OFS field("high") OFS \
        (layer == "NA" ? 0 : number[layer]) OFS field("images") "\n"
    if (layer == "NA" && field("method") == "center")
        center[metric] = field("mean")
}

END {
    if (failed)
        exit 1
    if (metrics == 0)
        fail("expected rows of metrics, found none")
    for (i = 0; i < metrics; i++) {
        label = name[i]
        gsub(/_/, " ", label)
        printf "%s%s (%s is better)\n", i ? "\n\n" : "", shown(label), better[name[i]]
        n = split(lines[name[i]], line, "\n")
        for (k = 1; k < n; k++)
            print line[k], name[i] in center ? center[name[i]] : -99, k
    }
}
