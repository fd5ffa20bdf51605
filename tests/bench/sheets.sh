#!/usr/bin/env bash
# Time to draw 100 class sheets and 5 pair sheets of random maps over images of
# the bundled example, best of three runs, with one thread and with two.
#
#   BUILD=build tests/bench/sheets.sh
set -euo pipefail
export LC_ALL=C

root=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "$root" && cd "${BUILD:-build}" && pwd)
data=$root/examples/shapes100
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# Three best and three worst rows for each class, three for each pair.
python3 - <<'EOF'
import random
import struct

random.seed(1)


def table(path, rows):
    with open(path + ".tsv", "w") as f:
        f.write("id\ttrue\tpred\tconf\tp_true\tgroup\tkind\trank\n")
        for row in rows:
            f.write("\t".join(map(str, row)) + "\n")
    head = "{'descr': '<f4', 'fortran_order': False, 'shape': (%d, 3, 4, 4), }" % len(rows)
    with open(path + ".npy", "wb") as f:
        f.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", 118) + head.ljust(117).encode() + b"\n")
        for _ in rows:
            for plane in range(3):
                v = [random.gauss(0, 1) for _ in range(16)]
                if plane < 2:
                    top = max(v)
                    v = [max(x, 0) / top for x in v]
                f.write(struct.pack("<16f", *v))


def row(true, wrong, group, kind, rank):
    pred = (true + rank) % 100 if wrong else true
    conf = random.uniform(0.4, 1)
    return [random.randrange(1000), true, pred, conf, 1 - conf if wrong else conf, group, kind, rank]


table("classes", [row(c, kind == "worst" and k < 3, c, kind, k)
                  for c in range(100) for kind in ("best", "worst") for k in (1, 2, 3)])
pairs = [row(c, True, c + 1, "pair", 1) for c in range(5) for k in range(3)]
for i, p in enumerate(pairs):
    p[7] = i % 3 + 1
table("pairs", pairs)
EOF

draw() { # threads
    local t
    for t in classes pairs; do
        "$build/bin/cam-overlay" --table $t.tsv --maps $t.npy --target true,pred,margin --data "$data" \
            --out sheets --threads "$1"
    done
}

for threads in 1 2; do
    best=
    for _ in 1 2 3; do
        rm -rf sheets
        begin=$(date +%s.%N)
        draw $threads
        end=$(date +%s.%N)
        best=$(awk -v a="$begin" -v b="$end" -v t="$best" \
            'BEGIN { d = b - a; printf "%.3f", t == "" || d < t ? d : t }')
    done
    count=(sheets/*.png)
    printf '%d sheets, %d thread(s) %8s s, %s\n' "${#count[@]}" $threads "$best" \
        "$(du -sh sheets | cut -f 1)"
done
