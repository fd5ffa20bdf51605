#!/bin/sh
# embed.sh FILE ...: C source on standard output that holds each file as a string,
# named after it: cmd/report/bars.html as asset_bars_html.
set -eu

echo '#include "assets.h"'
for file in "$@"; do
    name=$(basename "$file" | tr -c 'A-Za-z0-9\n' _)
    printf '\nconst char asset_%s[] = {\n' "$name"
    od -An -v -td1 "$file" | sed 's/-*[0-9][0-9]*/&,/g'
    echo '0};'
done
