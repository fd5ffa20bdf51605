#!/usr/bin/env bash
# What was built for 64-bit ARM, run by qemu:
#
#   BUILD=build tests/arm/check.sh BUILT SYSROOT [NAME ...]
#
# the tests whose names contain NAME, and the bundled example's rows and logits, which have to be those of
# this processor's programs in BUILD.
set -eu
cd "$(dirname "$0")/../.."
native=$(cd "${BUILD:?}" && pwd) built=$(cd "$1" && pwd) root=$(cd "$2" && pwd)
shift 2
# Without names: what takes seconds there. Networks and pictures of many images take minutes, as qemu
# computes every float by whole numbers.
[ $# -gt 0 ] || set -- tests/unit/ engine/bits engine/layout engine/ops engine/stream cases/confmat/ cases/worst-k/

# Tests find programs under their names; each is a script that gives its program to qemu, and tells
# it so by EMULATED.
run=$(mktemp -d)
trap 'rm -rf "$run"' EXIT
while IFS= read -r -d '' file; do
    to=$run/${file#"$built/"}
    mkdir -p "${to%/*}"
    if [ "$(head -c 4 "$file")" = $'\x7fELF' ]; then
        cat >"$to" <<END
#!/bin/sh
exec qemu-aarch64 -E EMULATED=1 -L '$root' -0 "\$0" '$file' "\$@"
END
        chmod +x "$to"
    else
        cp -p "$file" "$to"
    fi
done < <(find "$built/bin" "$built/share" "$built/tests" -type f ! -name '*.[od]' -print0)

echo "check-arm: rows and logits of the example"
example=examples/shapes100
for build in "$native" "$run"; do
    HEATPIPE_CUDA=none "$build/bin/cifar-predict" --model $example/model.pth --data $example --limit 24 --logits "$run/logits" >"$run/rows"
    sum=$(cat "$run/rows" "$run/logits" | sha256sum)
    [ "${first:=$sum}" = "$sum" ] || { echo "check-arm: ARM computes others" >&2; exit 1; }
done

BUILD=$run tests/run.sh "$@"
