#!/usr/bin/env bash
# The manual as HTML.
#
#   cmd/man/html/build.sh OUT MAN PICTURES PAGE ...
#
# The PAGEs in the folder MAN are finished manual pages, and are listed in this order. OUT is replaced
# when all are made. Needs mandoc.
set -euo pipefail
export LC_ALL=C.UTF-8
here=$(cd "$(dirname "$0")" && pwd)
out=$1 man=$(cd "$2" && pwd) pictures=$3
shift 3
command -v mandoc >/dev/null || { echo "docs: expected mandoc, found none: run 'make setup-lint'" >&2; exit 1; }

new=$out.unfinished
rm -rf "$new"
mkdir -p "$new/pictures"
cp "$here/manual.css" "$new"
cp "$pictures"/*.png "$new/pictures"
new=$(cd "$new" && pwd)
out=$(cd "$(dirname "$out")" && pwd)/$(basename "$out")
places=$new/places
cd "$man"

# The description of a page, without the few marks that its line may hold.
about() {
    sed -n '/^\.Nd /{s///;s/\\(dq/"/g;s/&/\&amp;/g;s/</\&lt;/g;p;q;}' "$1"
}
item() { # FILE WORDS [DESCRIPTION]
    echo "<li><a href=\"$1.html\">$2</a>${3:+<span>$3</span>}</li>"
}
# The three lists of pages; "long" has the descriptions.
lists() {
    local page words
    echo '<h2>Guides</h2><ul>'
    for page in "${guides[@]}"; do
        words=$(about "$page")
        item "$page" "${words^}"
    done
    echo '</ul><h2>Programs</h2><ul>'
    for page in "${programs[@]}"; do
        item "$page" "${page%.1}" "${1:+$(about "$page")}"
    done
    echo '</ul><h2>Formats</h2><ul>'
    for page in "${formats[@]}"; do
        item "$page" "${page%.5}" "${1:+$(about "$page")}"
    done
    echo '</ul>'
}

guides=() programs=() formats=()
for page in "$@"; do
    case $page in
    *.7) guides+=("$page") ;;
    *.5) formats+=("$page") ;;
    *) programs+=("$page") ;;
    esac
done
lists >"$places"
for page in "$@"; do
    title=$(about "$page") subtitle=
    if [[ $page == *.7 ]]; then
        title=${title^}
    else
        subtitle=$title title=${page%.*}
    fi
    mandoc -Thtml -O 'fragment,man=%N.%S.html;https://manpages.debian.org/%N.%S' "$page" |
        awk -v file="$page" -v title="$title" -v subtitle="$subtitle" -v places="$places" -f "$here/page.awk" >"$new/$page.html"
done
{ cat "$here/index.html" && echo '<div class="lists">' && lists long && echo '</div>'; } |
    awk -v file=index -v title='The manual of heatpipe' -v places="$places" -f "$here/page.awk" >"$new/index.html"
rm "$places"
rm -rf "$out"
mv "$new" "$out"
