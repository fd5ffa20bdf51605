#!/usr/bin/env bash
# Runs the unit tests and the cases, as many at a time as there are cores.
#
#   tests/run.sh [--accept] [--times] [NAME ...]
#
# NAME selects tests whose name contains it. --accept writes what a case printed
# as its expected output: look at the difference before you keep it. --times ends with the
# processor time, in seconds, of all tests and of those that took the most.
#
# A case is a folder with `cmd`, a bash script that runs in an empty folder, and
# the exact `out`, `err` (default: empty) and `status` (default: 0) expected of
# it. In `cmd`, $T is the case's folder, $ROOT the project, $EX the bundled
# example; PATH holds the programs. Status 77 skips, with the reason on stderr.
set -u

# Of the caller's environment tests see only this: any other variable may be one of the
# analysis (LAYER), of make, gnuplot or Fontconfig, or a locale or a time zone.
keep=(PATH HOME TMPDIR BUILD CC CI SANITIZE LD_LIBRARY_PATH CUDA_UNDER_TEST FAULT_SO "${!HEATPIPE_@}"
    "${!ASAN_@}" "${!UBSAN_@}" "${!CCACHE_@}")
if [ -z "${TESTS_SETTLED:-}" ]; then
    settled=(TESTS_SETTLED=1 LC_ALL=C TZ=UTC)
    for name in "${keep[@]}"; do
        [ -n "${!name+set}" ] && settled+=("$name=${!name}")
    done
    exec env -i "${settled[@]}" bash "$0" "$@"
fi
umask 022

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root" || exit 1
build=${BUILD:-build}
case $build in /*) ;; *) build=$root/$build ;; esac
export ROOT=$root EX=$root/examples/shapes100 BUILD=$build
export PATH=$build/bin:$PATH
# Tests run on the CPU unless they name the stand-in of a GPU, $BUILD/tests/cuda/standin.so.
export HEATPIPE_CUDA=none
# Fontconfig keeps what it has read until the process ends.
export LSAN_OPTIONS=suppressions=$root/tests/lsan.supp:print_suppressions=0

fail() { # name, reason
    echo "FAIL $1: $2"
    echo fail >"$result"
}

# A test that writes to a full disk needs the device; as root, a program that is not right
# could put a file in its place.
without_full() { # source of a test
    [ ! -c /dev/full ] && grep -qs /dev/full "$1"
}

run_unit() { # binary
    local name=${1#"$build/tests/"} log
    if [ "$name" = engine/cuda_plans ] && [ ! -e "$1" ]; then
        echo "SKIP $name: built without CUDA" && echo skip >"$result"
        return
    fi
    if without_full "$root/${1#"$build/"}.c"; then
        echo "SKIP $name: no usable /dev/full" && echo skip >"$result"
        return
    fi
    log=$(TMPDIR=$work "$1" 2>&1)
    case $? in
    0) echo pass >"$result" ;;
    77) echo "SKIP $name: $log" && echo skip >"$result" ;;
    *) fail "$name" "$log" ;;
    esac
}

run_case() { # folder
    local name=${1#"$root/tests/cases/"} want=0 got
    [ -f "$1/status" ] && want=$(<"$1/status")
    if without_full "$1/cmd"; then
        echo "SKIP $name: no usable /dev/full" && echo skip >"$result"
        return
    fi
    (cd "$work" && T=$1 TMPDIR=$work env --default-signal=HUP,INT,QUIT,PIPE,TERM bash "$1/cmd" >"$result.out" 2>"$result.err" </dev/null)
    got=$?
    if [ $got -eq 77 ]; then
        echo "SKIP $name: $(cat "$result.err")"
        echo skip >"$result"
        return
    fi
    if without_full "$1/cmd"; then
        fail "$name" "it replaced /dev/full, which is no device any more"
        return
    fi
    if [ -n "${ACCEPT:-}" ]; then
        local f
        for f in out err; do
            if [ -s "$result.$f" ]; then cp "$result.$f" "$1/$f"; else rm -f "$1/$f"; fi
        done
        if [ $got -ne 0 ]; then echo $got >"$1/status"; else rm -f "$1/status"; fi
    fi
    local diff=
    [ "$got" = "$want" ] || [ -n "${ACCEPT:-}" ] || diff="status $got, expected $want"$'\n'
    diff+=$(diff -u --label expected "$(expected "$1/out")" --label stdout "$result.out" | head -40)
    diff+=$(diff -u --label expected "$(expected "$1/err")" --label stderr "$result.err" | head -40)
    if [ -z "$diff" ]; then echo pass >"$result"; else fail "$name" "$diff"; fi
}

expected() {
    if [ -f "$1" ]; then echo "$1"; else echo /dev/null; fi
}

if [ "${1:-}" = --one ]; then
    result=$RESULTS/$(echo "$2" | tr / _)
    work=$(mktemp -d "$RESULTS/work.XXXXXX")
    if [ -d "$2" ]; then run_case "$2"; else run_unit "$2"; fi
    { echo "${2#"$root/"}" && times; } >"$result.times"
    chmod -R u+rwX "$work"
    rm -rf "$work"
    exit 0
fi

show_times=
while :; do
    case ${1:-} in
    --accept) export ACCEPT=1 ;;
    --times) show_times=1 ;;
    *) break ;;
    esac
    shift
done

RESULTS=$(mktemp -d) || exit 1
export RESULTS
trap 'rm -rf "$RESULTS"' EXIT

{
    for f in tests/unit/*.c tests/engine/*.c tests/fuzz/*.c; do
        [ -f "$f" ] && [ "$f" != tests/fuzz/driver.c ] && echo "$build/${f%.c}"
    done
    for f in tests/cases/*/*/cmd; do
        [ -f "$f" ] && echo "$root/${f%/cmd}"
    done
} | if [ $# -gt 0 ]; then grep -F "$(printf '%s\n' "$@")"; else cat; fi >"$RESULTS/list"
sanitize=${SANITIZE:-}
unset SANITIZE # tests run make, too
if [ -n "$sanitize" ] && [ $# -eq 0 ]; then
    sed -n "s#^\([^#]*\)\t.*#$root/tests/cases/\1#p" tests/plain_only >"$RESULTS/plain"
    grep -Fxf "$RESULTS/plain" "$RESULTS/list" | sed 's#.*/cases/#not under the sanitizers: #'
    grep -vFxf "$RESULTS/plain" "$RESULTS/list" >"$RESULTS/rest"
    mv "$RESULTS/rest" "$RESULTS/list"
fi

xargs -d '\n' -P "$(nproc)" -n 1 tests/run.sh --one <"$RESULTS/list"

# The third line of each file has what the test's processes took: user's and system's.
if [ -n "$show_times" ]; then
    find "$RESULTS" -maxdepth 1 -name '_*.times' -exec awk 'FNR == 1 { name = $0 }
        FNR == 3 { split($0, t, /[ms ]+/); printf "%.1f %s\n", 60 * (t[1] + t[3]) + t[2] + t[4], name }' {} + |
        sort -k 1,1nr -k 2 | awk '{ sum += $1 } NR <= 30 { line[NR] = $0 }
        END { for (i = 1; i in line; i++) print line[i]; printf "%.1f all\n", sum }'
fi

# Verdicts alone: what a case printed may end without a line feed.
count() { find "$RESULTS" -maxdepth 1 -name '_*' ! -name '*.out' ! -name '*.err' ! -name '*.times' -exec cat {} + | grep -cx "$1"; }
passed=$(count pass) failed=$(count fail) skipped=$(count skip)
total=$(wc -l <"$RESULTS/list")
# A test that vanished without a verdict has failed.
failed=$((failed + total - passed - failed - skipped))
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
