# A page of the manual, from what mandoc -Thtml -O fragment makes of it.
#
#   awk -v file=NAME -v title=WORDS -v subtitle=WORDS -v places=FILE -f page.awk FRAGMENT
#
# The title becomes the heading; the sections move one level down and get a table of contents. A
# link to a picture becomes the picture. Tables get a box of their own, which scrolls where the
# window is narrow, and a line of code stays one line. `places` has the links to all pages, in which this one is marked.

function text(s) {
    gsub(/<[^>]*>/, "", s)
    gsub(/[ \n]+/, " ", s)
    return s
}

function attribute(s, name) {
    return match(s, name "=\"[^\"]*\"") ? substr(s, RSTART + length(name) + 2, RLENGTH - length(name) - 3) : ""
}

function put(s) {
    body = body s "\n"
}

# What was begun on this line, up to the line that ends it.
function rest_to(end,    more) {
    while (!index($0, end) && (getline more) > 0)
        $0 = $0 "\n" more
}

/^<table class="(head|foot)">/ {
    rest_to("</table>")
    next
}
/^<section class="Sh">/ {
    section = $0
    getline
    if (/id="NAME"/) {
        rest_to("</section>")
        next
    }
    put(section)
}
/^<h[12] class="S[hs]"/ {
    rest_to(/^<h1/ ? "</h1>" : "</h2>")
    level = /^<h1/ ? 2 : 3
    gsub(/<h[12] /, "<h" level " ")
    gsub(/<\/h[12]>/, "</h" level ">")
    words = text($0)
    if (words == toupper(words) && words !~ /^-/) {
        # Of a guide the first section needs no heading.
        if (file ~ /\.7$/ && words == "DESCRIPTION")
            next
        sentence = toupper(substr(words, 1, 1)) tolower(substr(words, 2))
        sub(/>[^<]*<\/a>/, ">" sentence "</a>")
        words = sentence
    }
    contents = contents "<li class=\"level" level "\"><a href=\"#" attribute($0, "id") "\">" words "</a></li>\n"
    headings++
}
/<a class="Lk" href="[^"]*\.png"/ {
    rest_to("</a>")
    match($0, /<a class="Lk"[^>]*>[^<]*<\/a>/)
    before = substr($0, 1, RSTART - 1)
    link = substr($0, RSTART, RLENGTH)
    after = substr($0, RSTART + RLENGTH)
    picture = attribute(link, "href")
    put(before "<a class=\"picture\" href=\"" picture "\"><img src=\"" picture "\" alt=\"\"><span>" text(link) \
        "</span></a>" after)
    next
}
/^<div class="Bd Bd-indent"><code class="Li">/ {
    rest_to("</code>")
    gsub(/\n */, " ")
}
/^ *<table class="Bl-column/ {
    put("<div class=\"wide\">")
    wide = 1
}
{ put($0) }
wide && /^ *<\/table>/ {
    put("</div>")
    wide = 0
}

END {
    print "<!DOCTYPE html>"
    print "<html lang=\"en\">"
    print "<head>"
    print "<meta charset=\"utf-8\">"
    print "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
    print "<title>" title (file == "index" ? "" : " - heatpipe") "</title>"
    print "<link rel=\"stylesheet\" href=\"manual.css\">"
    print "</head>"
    print "<body>"
    print "<header><a href=\"index.html\">heatpipe</a><a class=\"to-pages\" href=\"#pages\">All pages</a></header>"
    print "<main>"
    print "<h1>" title "</h1>"
    if (subtitle != "")
        print "<p class=\"subtitle\">" subtitle "</p>"
    if (headings > 2)
        print "<nav class=\"contents\" aria-label=\"On this page\">\n<ul>\n" contents "</ul>\n</nav>"
    printf "%s", body
    print "</main>"
    print "<nav id=\"pages\" aria-label=\"All pages\">"
    while ((getline line < places) > 0) {
        if (index(line, "href=\"" file ".html\""))
            sub(/<a /, "<a aria-current=\"page\" ", line)
        print line
    }
    print "</nav>"
    print "</body>"
    print "</html>"
}
