# Compares what the tables of one analysis say of the same things, for heatpipe --verify.
# The first difference ends with status 1 and names both numbers. Files are preceded by
# kind=NAME, `predictions` before `cam_stats`. Columns are found by name.

function bad(what, a, b,    text) {
    text = "heatpipe: " what ": " a " and " b
    gsub(/[^ -~]/, "?", text) # a terminal would obey some
    print text > "/dev/stderr"
    failed = 1
    exit 1
}
function same(what, a, b) {
    if (a + 0 != b + 0) bad(what, a + 0, b + 0)
}

BEGIN { FS = "\t" }

# A record of the CSV goes on where a line ends inside of quotes.
kind == "csv" {
    csv_records += !quoted
    quoted = (quoted + gsub(/"/, "")) % 2
    next
}

FNR == 1 {
    split("", c)
    for (i = 1; i <= NF; i++) c[$i] = i
    next
}

kind == "summary" { v[$c["measure"]] = $c["value"] }

kind == "predictions" {
    if ($c["id"] in seen) bad("rows with id " $c["id"], 1, 2)
    seen[$c["id"]] = 1
    if ($c["true"] == "NA") next
    images++
    right += $c["correct"] == 1
    if ($c["correct"] == 0) gap[$c["id"]] = -$c["margin"]
}

kind == "confusion" {
    for (i = 3; i <= NF; i++) cells += $i
    diagonal += $c["p" $c["true"]]
}

kind == "per_class" {
    class_images += $c["total"]
    class_right += $c["correct"]
    classes++
}

kind == "pairs" { pair_errors += $c["count"] }

# The margin map and the bias difference sum to the gap between the two logits.
kind == "cam_stats" && $c["target"] == "margin" && ($c["id"] in gap) && $c["bias"] != "NA" {
    d = $c["sum"] + $c["bias"] - gap[$c["id"]]
    if (d > 1e-3 || d < -1e-3)
        bad("margin map and logits of image " $c["id"], $c["sum"] + $c["bias"], gap[$c["id"]])
    margins++
}

END {
    if (failed) exit 1
    same("images in the rows and the summary", images, v["images"])
    same("correct predictions in the rows and the summary", right, v["correct"])
    same("errors in the rows and the summary", images - right, v["errors"])
    same("sum of the matrix and images", cells, images)
    same("diagonal of the matrix and correct predictions", diagonal, right)
    same("images of all classes and images", class_images, images)
    same("correct predictions of all classes and of the rows", class_right, right)
    same("errors of all pairs and errors", pair_errors, images - right)
    same("classes in the CSV and in the table", csv_records - 1, classes)
    printf "verify: %d rows, %d classes and %d margin maps agree\n", images, classes, margins
}
