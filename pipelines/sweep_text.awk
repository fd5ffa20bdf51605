# The table of several checkpoints in words, as text or, with page=1, as a page.

BEGIN {
    FS = "\t"
    # The level of every text, so that a comparison of the same two runs says the same.
    level = 0.01
}

NR == 1 {
    for (i = 1; i <= NF; i++)
        c[$i] = i
    # The metrics of maps are what follows the comparison of maps.
    for (i = c["maps_moved"] + 1; i <= NF; i += 3)
        metric[++metrics] = $i
    next
}

{
    models++
    for (i in c)
        value[models, i] = $c[i]
    if ($c["status"] != 0)
        failed++
}

# A field as it is, without escapes, and without what a terminal would obey.
function text(s,    out, i) {
    gsub(/\\\\/, "\001", s)
    gsub(/\\[tn]/, " ", s)
    gsub(/\001/, "\\", s)
    gsub(/[\001-\037\177]/, "?", s)
    if (page) {
        gsub(/&/, "\\&amp;", s)
        gsub(/</, "\\&lt;", s)
        gsub(/>/, "\\&gt;", s)
        gsub(/"/, "\\&quot;", s)
    }
    return s
}

function percent(i, name, digits) {
    return value[i, name] == "NA" ? "NA" : sprintf("%.*f%s%%", digits, 100 * value[i, name], page ? "&nbsp;" : " ")
}

function number(i, name) {
    return value[i, name] == "NA" ? "NA" : sprintf("%.3f", value[i, name])
}

function points(i) {
    # Adding 0 makes "-0.00" a number without a sign.
    return value[i, "difference"] == "NA" ? "NA" : sprintf("%+.2f", sprintf("%.2f", 100 * value[i, "difference"]) + 0)
}

function p(i,    v) {
    v = value[i, "p_adjusted"]
    return v == "NA" ? "NA" : v < 0.0001 ? (page ? "&lt;" : "<") " 0.0001" : sprintf("%.4f", v)
}

function verdict(i) {
    if (value[i, "status"] != 0)
        return "failed with status " value[i, "status"]
    if (value[i, "model"] == value[i, "against"])
        return "the others are compared with this one"
    if (value[i, "fixed"] == "NA")
        return "cannot be compared with " value[i, "against"]
    if (value[i, "p_adjusted"] == "NA")
        return "correct on the same images as " value[i, "against"]
    if (value[i, "p_adjusted"] >= level)
        return "the difference could be chance"
    return (value[i, "difference"] > 0 ? "better than " : "worse than ") value[i, "against"] " beyond chance"
}

function cell(s) {
    line = page ? line "<td>" s "</td>" : line sprintf("  %" (++columns in width ? width[columns] : 0) "s", s)
}

function heading(s, w) {
    if (page)
        line = line "<th scope=\"col\">" s "</th>"
    else {
        width[++columns] = w
        line = line sprintf("  %" w "s", s)
    }
}

function head(    k) {
    line = page ? "<tr><th scope=\"col\">Checkpoint</th>" : sprintf("%-*s", names, "Checkpoint")
    heading("Accuracy", 8)
    heading("95 % interval", 19)
    heading("ECE", 7)
    heading("Blank", 8)
    heading("Overlap", 8)
    heading("Fixed", 6)
    heading("Broken", 6)
    heading("Points", 7)
    heading("Corrected p", 11)
    for (k = 1; k <= metrics; k++)
        heading(metric[k], length(metric[k]) > 7 ? length(metric[k]) : 7)
    print line (page ? "</tr>" : "")
}

function row(i,    k, name) {
    name = text(value[i, "model"])
    columns = 0
    if (!page)
        line = sprintf("%-*s", names, name)
    else if (value[i, "status"] == 0)
        line = "<tr><th scope=\"row\"><a href=\"runs/" name "/explorer.html\">" name "</a></th>"
    else
        line = "<tr><th scope=\"row\">" name "</th>"
    cell(percent(i, "accuracy", 2))
    cell(value[i, "accuracy_low"] == "NA" ? "NA" : percent(i, "accuracy_low", 2) " - " percent(i, "accuracy_high", 2))
    cell(number(i, "ece"))
    cell(percent(i, "blank", 1))
    cell(percent(i, "overlap", 1))
    cell(value[i, "fixed"])
    cell(value[i, "broken"])
    cell(points(i))
    cell(p(i))
    for (k = 1; k <= metrics; k++)
        cell(number(i, metric[k]))
    print line (page ? "</tr>" : "")
}

END {
    title = models (models == 1 ? " checkpoint" : " checkpoints") " on the same images"
    for (i = 1; i <= models; i++)
        names = length(value[i, "model"]) > names ? length(value[i, "model"]) : names
    names = names > 10 ? names : 10
    if (page) {
        print "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">"
        print "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src 'self' file:; style-src 'unsafe-inline'\">"
        print "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
        # The chart says how many there are, and of how many images.
        print "<title>Checkpoints compared</title>\n<style>"
        print "body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem; color: #30343a; background: #fff }"
        print "img { max-width: 100% } table { border-collapse: collapse } td, th { padding: .2rem .7rem; text-align: right; white-space: nowrap }"
        print "tr:nth-child(even) { background: #f3f5f7 } th:first-child { text-align: left }"
        print "</style>\n</head>\n<body>\n<h1>Checkpoints compared</h1>"
        print "<p><img src=\"sweep.png\" alt=\"Accuracy, calibration error and maps of each checkpoint\"></p>\n<div style=\"overflow-x: auto\"><table>"
    } else {
        print title
        gsub(/./, "=", title)
        print title "\n"
    }
    head()
    for (i = 1; i <= models; i++)
        row(i)
    print page ? "</table></div>\n<ul>" : ""
    for (i = 1; i <= models; i++)
        print (page ? "<li>" : "- ") text(value[i, "model"]) " (" text(value[i, "checkpoint"]) "): " text(verdict(i)) "." (page ? "</li>" : "")
    print page ? "</ul>\n<p>" : ""
    print "Blank: predictions whose map is zero everywhere. Overlap: errors whose maps of the true and of the"
    print "predicted class share more than half of their weight. Points: the accuracy minus that of the first,"
    print "in percentage points. Corrected p: McNemar's exact test, corrected for all checkpoints by Holm's"
    print "method and judged at the level " level ". sweep.tsv has further columns; each checkpoint's analysis"
    print "is in runs/."
    if (page)
        print "</p>\n</body>\n</html>"
}
