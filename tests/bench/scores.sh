#!/usr/bin/env bash
# What the metrics of cam-score cost: forward passes and processor time per map, and maps per second,
# of a map of each of three methods and the baselines.
#   HEATPIPE_MODEL, HEATPIPE_IMAGES: a checkpoint and its images (default: the bundled example)
#   HEATPIPE_LAYER: the layer of the maps (default: layer3); HEATPIPE_COUNT: images (default: 20)
#   HEATPIPE_STEPS: --steps (default: 16)
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "$root" && cd "${BUILD:-build}" && pwd)
model=${HEATPIPE_MODEL:-$root/examples/shapes100/model.pth}
data=${HEATPIPE_IMAGES:-$root/examples/shapes100/test.bin}
count=${HEATPIPE_COUNT:-20}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
PATH=$build/bin:$PATH
cifar-predict --model "$model" --data "$data" --limit "$count" >"$work/rows.tsv"
for method in gradcam layercam eigencam; do
    cam-compute --model "$model" --data "$data" --layer "${HEATPIPE_LAYER:-layer3}" --method $method --size layer \
        <"$work/rows.tsv" >"$work/$method.npy"
done
maps=$((count * 7))
TIMEFORMAT='%R %U %S'
printf 'metrics\tforwards_per_map\tcpu_ms_per_map\tmaps_per_second\n'
for metrics in deletion_grey insertion_blur road irof drop usual all; do
    list=(--metrics "$metrics")
    [ $metrics != usual ] || list=()
    { time cam-score -v --model "$model" --data "$data" --steps "${HEATPIPE_STEPS:-16}" "${list[@]}" \
        "$work"/*.npy <"$work/rows.tsv" 2>"$work/words" >/dev/null; } 2>"$work/time"
    read -r real user system <"$work/time"
    passed=$(sed -n 's/.*forward passes: \([0-9]*\),.*/\1/p' "$work/words")
    awk -v m=$metrics -v n=$maps -v p="$passed" -v r="$real" -v u="$user" -v s="$system" \
        'BEGIN { printf "%s\t%.1f\t%.1f\t%.1f\n", m, p / n, 1000 * (u + s) / n, n / r }'
done
