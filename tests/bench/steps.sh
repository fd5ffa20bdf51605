#!/usr/bin/env bash
# Times of the steps of a network on the CPU and their shares of the multiply-accumulate peak:
# forward on one thread, and backward to layers 1 to 3 for two scores. Tables go to
# $BUILD/bench/steps-*.tsv.
#   HEATPIPE_MODEL: a checkpoint (default: the bundled example); further options as those
#   of $BUILD/tests/bench/steps
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "$root" && cd "${BUILD:-build}" && pwd)
model=${HEATPIPE_MODEL:-$root/examples/shapes100/model.pth}
out=$build/bench
mkdir -p "$out"

measure() { # name, options
    local name=$1
    shift
    echo "-- $name"
    "$build/tests/bench/steps" --model "$model" --device cpu --totals "$out/steps-$name-totals.tsv" \
        "$@" 2>&1 >"$out/steps-$name.tsv" | sed 's/^steps: //'
}

measure one-thread --threads 1 --images 512 "$@"
for layer in layer3 layer2 layer1; do
    measure backward-$layer --layer $layer --gradients 2 --images 256 "$@"
done
column -t -s $'\t' <"$out/steps-one-thread.tsv"
echo "tables: $out/steps-*.tsv"
