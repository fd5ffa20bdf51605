# A manual page as it is installed. Programs with general names, listed in `general`, are called
# heatpipe-NAME there: in the page itself, which is `page`, and in references to it. SEE ALSO is
# in order by section and name, as mandoc(1) wants it.
BEGIN {
    n = split(general, word, " ")
    for (i = 1; i <= n; i++) renamed[word[i]] = 1
}
$1 == ".Dt" && page ~ /^heatpipe-.*\.1$/ { $2 = "HEATPIPE-" $2 }
$1 == ".Sh" { flush_references(); section = $0 }
$1 == ".Nm" && section == ".Sh NAME" && page ~ /^heatpipe-.*\.1$/ { $2 = "heatpipe-" $2 }
/^\..*Xr / {
    for (i = 1; i + 2 <= NF; i++)
        if ($i ~ /^\.?Xr$/ && $(i + 1) in renamed && $(i + 2) == 1) $(i + 1) = "heatpipe-" $(i + 1)
}
$1 == ".Xr" && section == ".Sh SEE ALSO" {
    for (i = references++; i > 0 && reference[i - 1] > $3 " " $2; i--) reference[i] = reference[i - 1]
    reference[i] = $3 " " $2
    next
}
references { flush_references() }
{ print }
END { flush_references() }

function flush_references(    i, f) {
    for (i = 0; i < references; i++) {
        split(reference[i], f, " ")
        print ".Xr " f[2], f[1] (i + 1 < references ? " ," : "")
    }
    references = 0
}
