#!/usr/bin/env bash
# How fast confmat and worst-k read rows of predictions, on one core, in MB/s of
# input; wc and cat show what reading alone costs. Best of five runs.
#
#   BUILD=build tests/bench/tables.sh [MEGABYTES]
set -euo pipefail
export LC_ALL=C

build=${BUILD:-build}
size=${1:-200}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Rows like those of a classifier of 100 classes that is right in 5 of 6 cases.
awk -v bytes="$((size * 1000000))" 'BEGIN {
    OFS = "\t"
    srand(1)
    print "id", "true", "pred", "correct", "conf", "p_true", "rank_true", "margin", "entropy",
        "loss", "true_name", "pred_name", "true_group", "pred_group", "pred2", "pred3", "pred4", "pred5",
        "conf2", "conf3", "conf4", "conf5"
    for (id = 0; n < bytes; id++) {
        t = int(rand() * 100); wrong = rand() < 1 / 6
        p = wrong ? (t + 1 + int(rand() * 99)) % 100 : t
        conf = 1 - rand() ^ 3; p_true = wrong ? (1 - conf) * rand() : conf
        row = id "\t" t "\t" p "\t" !wrong "\t" sprintf("%.9g\t%.9g", conf, p_true) "\t" \
            (wrong ? 2 + int(rand() * 5) : 1) "\t" \
            sprintf("%.9g\t%.9g\t%.9g", 8 * rand() - 2, 2 * rand(), -log(p_true + 1e-12)) "\t" \
            "class_" t "\tclass_" p "\tgroup_" int(t / 5) "\tgroup_" int(p / 5) "\t" \
            (p + 1) % 100 "\t" (p + 2) % 100 "\t" (p + 3) % 100 "\t" (p + 4) % 100 "\t" \
            sprintf("%.9g\t%.9g\t%.9g\t%.9g", rand() / 5, rand() / 9, rand() / 20, rand() / 50)
        n += length(row) + 1
        print row
    }
}' >"$work/rows.tsv"
bytes=$(stat -c %s "$work/rows.tsv")
rows=$(wc -l <"$work/rows.tsv")
echo "$((bytes / 1000000)) MB in $rows rows of $((bytes / rows)) bytes"

pin=()
if command -v taskset >/dev/null; then pin=(taskset -c 0); fi

measure() { # label, command
    local label=$1 best=0 from to
    shift
    for _ in 1 2 3 4 5; do
        from=$(date +%s%N)
        "${pin[@]}" "$@" <"$work/rows.tsv" >/dev/null
        to=$(date +%s%N)
        local speed=$((bytes * 1000 / (to - from)))
        if [ "$speed" -gt "$best" ]; then best=$speed; fi
    done
    printf '%-28s %6d MB/s\n' "$label" "$best"
}

measure 'cat' cat
measure 'wc -l' wc -l
for mode in '' --long --classes --pairs --groups --summary; do
    # shellcheck disable=SC2086 # no mode is no argument
    measure "confmat $mode" "$build/bin/confmat" $mode
done
for mode in class all pair; do
    measure "worst-k --by $mode" "$build/bin/worst-k" --by "$mode"
done
