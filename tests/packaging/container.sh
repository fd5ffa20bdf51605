#!/usr/bin/env bash
# Does what examples/packaging/Containerfile says, in bare systems of Debian in the place of
# images: FROM, RUN, COPY of folders and WORKDIR. Then the demo runs as its entry point.
set -eu
# shellcheck source=tests/packaging/root.sh
. "$(dirname "$0")/root.sh"

here=$(cd "$(dirname "$0")/../.." && pwd)
stage='' folder=/ entry=''
die() {
    echo "FAIL: Containerfile: $1" >&2
    exit 1
}

# Comments go, lines that go on are joined.
sed '/^#/d' "$here/examples/packaging/Containerfile" | sed -e ':a' -e '/\\$/{N;s/\\\n *//;ba' -e '}' >"$roots/steps"
while read -r word rest <&3; do
    case $word in
    '') ;;
    FROM)
        [[ $rest =~ ^debian:([a-z]+)-slim( AS ([a-z]+))?$ ]] || die "expected FROM debian:RELEASE-slim AS NAME, found '$rest'"
        stage=${BASH_REMATCH[3]:-last} folder=/
        new_root "$stage" "${BASH_REMATCH[1]}"
        ;;
    WORKDIR) folder=$rest && mkdir -p "$roots/$stage$folder" ;;
    COPY)
        read -r -a words <<<"$rest"
        case ${words[0]} in
        --from=*) cp -a "$roots/${words[0]#*=}${words[1]}" "$roots/$stage${words[2]}" ;;
        .)
            mkdir -p "$roots/$stage${words[1]}"
            tar -C "$here" --exclude=./build --exclude=./results --exclude=./.git -c . | tar -C "$roots/$stage${words[1]}" -x
            ;;
        *) die "expected COPY . or --from, found '$rest'" ;;
        esac
        ;;
    RUN) quiet within "$stage" sh -c "cd '$folder' && $rest" ;;
    ENTRYPOINT) entry=$(tr -d '[]",' <<<"$rest") ;;
    *) die "expected FROM, COPY, WORKDIR, RUN or ENTRYPOINT, found '$word'" ;;
    esac
done 3<"$roots/steps"
# shellcheck disable=SC2086
quiet within "$stage" sh -c "cd '$folder' && exec $entry demo --out results"
[ -s "$roots/$stage$folder/results/explorer.html" ] || die 'the demo left no explorer.html'
echo "Containerfile: built, ran the demo"
