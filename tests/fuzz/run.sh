#!/usr/bin/env bash
# Lets one target look for new inputs, for $FUZZ_TIME seconds. What it finds wrong lies
# in $BUILD/found/TARGET afterwards, what it learned in $BUILD/learned/TARGET:
#
#   BUILD=build/fuzz FUZZ_TIME=900 tests/fuzz/run.sh TARGET
#
# With --merge, $BUILD/learned is reduced to what adds coverage and replaces the corpus.
set -eu

merge=
if [ "${1:-}" = --merge ]; then
    merge=1
    shift
fi
target=$1
build=${BUILD:-build/fuzz}
corpus=tests/fuzz/corpus/$target

# Lengths at which everything can be reached; the rest of a picture's record is pixels.
declare -A length=([pickle]=8192 [zip]=8192 [torch_zip]=8192 [torch_pickle]=8192 [legacy]=8192
    [cifar_binary]=12500 [cifar_pickle]=9000 [png]=4096 [jpeg]=4096 [webp]=4096 [bmp]=4096 [program]=32768
    [onnx]=16384)
declare -A dict=([torch_pickle]=pickle [legacy]=pickle [cifar_pickle]=pickle [torch_zip]=zip
    [names]=tsv [labels]=tsv [images]=npy)

mkdir -p "$corpus" "$build/learned/$target" "$build/found/$target"
options=(-max_len="${length[$target]:-2048}" -rss_limit_mb=1024 -malloc_limit_mb=64)
words=tests/fuzz/${dict[$target]:-$target}.dict
[ ! -e "$words" ] || options+=(-dict="$words")
# The engine counts wall time, and other programs run beside it: the limit of 2 s of
# processor time is the driver's, which replays what was slow.
options+=(-timeout="${FUZZ_TIMEOUT:-10}" -report_slow_units=2)
options+=(-artifact_prefix="$build/found/$target/" -print_final_stats=1)

python3 tests/fuzz/seeds.py "$build/seeds"
mkdir -p "$build/seeds/$target"
if [ -n "$merge" ]; then
    new=$(mktemp -d) old=$(mktemp -d)
    # These inputs are large, and what they reach beyond the seeds others reach as well.
    learned=$build/learned/$target
    case $target in torch_zip | cifar_pickle) learned=$build/seeds/$target ;; esac
    # A run that still goes on takes files away.
    cp "$learned"/* "$old"
    "$build/tests/fuzz/$target" "${options[@]}" -set_cover_merge=1 -use_counters=0 "$new" "$corpus" \
        "$old" "$build/seeds/$target"
    # Inputs with a telling name show what was mended; they stay.
    find "$corpus" -type f -regextype posix-extended -regex '.*/[0-9a-f]{40}' -delete
    cp -n "$new"/* "$corpus"
    rm -rf "$new" "$old"
    exit 0
fi
exec "$build/tests/fuzz/$target" "${options[@]}" -max_total_time="${FUZZ_TIME:-900}" \
    "$build/learned/$target" "$corpus" "$build/seeds/$target"
