#!/bin/sh
# check.sh PAGE SCRIPT: opens a page in a headless browser without a network, runs the
# checks and prints what they say. Status 77 where there is no browser. WIDTH is that of
# the window in pixels.
#
# A check is expect(what, found, expected); say(text) prints. Errors of the page are
# printed as well.
set -eu

browser=
for name in chromium chromium-browser google-chrome; do
    if command -v "$name" >/dev/null; then
        browser=$name
        break
    fi
done
if [ -z "$browser" ]; then
    echo "no headless browser (chromium)" >&2
    exit 77
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

{
    # Before the page's own script, so that its errors are seen.
    sed '/<body>/q' "$1"
    cat <<'EOF'
<script>
const said = [];
const say = (text) => said.push(text);
const expect = (what, found, expected) => {
    const f = JSON.stringify(found), e = JSON.stringify(expected);
    say(f === e ? `ok: ${what}` : `${what}: expected ${e}, found ${f}`);
};
window.addEventListener("error", (e) => say(`error: ${e.message}`));
document.addEventListener("securitypolicyviolation", (e) => say(`refused: ${e.blockedURI}`));
</script>
EOF
    sed '1,/<body>/d; /<\/body>/,$d' "$1"
    echo '<script>'
    cat "$2"
    cat <<'EOF'
</script>
<script>
const report = document.createElement("pre");
report.id = "said";
report.textContent = said.join("\n");
document.body.replaceChildren(report);
</script>
</body>
</html>
EOF
} >"$work/page.html"

timeout 600 "$browser" --headless --no-sandbox --disable-gpu --disable-dev-shm-usage \
    --user-data-dir="$work/profile" --host-resolver-rules='MAP * ~NOTFOUND' \
    --window-size="${WIDTH:-1200}",900 --dump-dom "file://$work/page.html" >"$work/dom" 2>"$work/log" ||
    { cat "$work/log" >&2; exit 1; }
sed -n '/<pre id="said">/,/<\/pre>/p' "$work/dom" | sed 's/.*<pre id="said">//; s/<\/pre>.*//'
