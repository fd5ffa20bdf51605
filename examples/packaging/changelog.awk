# CHANGELOG.md as Debian's changelog.
#
#   awk -v version=0.1.0 -v date="$(date -R)" -v maintainer='A <a@b.c>' -f changelog.awk CHANGELOG.md
#
# A heading of level 2 that begins with a number is a version, any other the one that is not
# released, which is `version`. All have the date of the build.

function close_entry() {
    if (open)
        printf "\n -- %s  %s\n\n", maintainer, date
    open = 0
}

# A paragraph, folded; the first line begins with `mark`, the others with as many blanks.
function put(    n, i, word, line, indent) {
    if (text == "")
        return
    indent = sprintf("%" length(mark) "s", "")
    line = mark
    n = split(text, word, " ")
    for (i = 1; i <= n; i++) {
        if (length(line) > length(mark) && length(line) + length(word[i]) > 78) {
            print line
            line = indent word[i]
        } else {
            line = line (length(line) > length(mark) ? " " : "") word[i]
        }
    }
    print line
    text = ""
}

/^## / {
    put()
    close_entry()
    printf "heatpipe (%s) unstable; urgency=medium\n\n", $2 ~ /^[0-9]/ ? $2 : version
    open = 1
    gap = ""
    next
}
!open { next }
/^#/ {
    put()
    sub(/^#+ /, "")
    printf "%s  [ %s ]\n", gap, $0
    gap = "\n"
    next
}
/^$/ || /^\|[-|]*\|$/ { put(); next }
/^- / { put(); mark = "  * "; text = substr($0, 3); next }
/^\|/ { put(); mark = "    "; text = $0; next }
text == "" { mark = "    " }
{ text = text " " $0 }
END {
    put()
    close_entry()
}
