#!/usr/bin/env bash
# How confmat and worst-k read very many rows: rows per second and the most memory that the program
# held; and the merge of many shards by gather. Fails where a program held more than 100 MB.
#
#   BUILD=build tests/bench/rows.sh [ROWS]      default: 10000000; 100000000 takes some minutes
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "$root" && cd "${BUILD:-build}" && pwd)
rows=${1:-10000000}
PATH=$build/bin:$build/tests/bench:$PATH
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

measure() { # label, rows, command
    local label=$1 count=$2
    shift 2
    python3 - "$label" "$count" "$@" <<'END'
import os, subprocess, sys, time
label, count, command = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
source = None
if "|" in command:
    at = command.index("|")
    source = subprocess.Popen(command[:at], stdout=subprocess.PIPE)
    command = command[at + 1:]
start = time.monotonic()
child = subprocess.Popen(command, stdin=source.stdout if source else None, stdout=subprocess.DEVNULL)
if source:
    source.stdout.close()
_, status, used = os.wait4(child.pid, 0)
took = time.monotonic() - start
if status != 0:
    sys.exit(f"{label}: status {status}")
cpu = used.ru_utime + used.ru_stime
held = used.ru_maxrss / 1000
print(f"{label:28} {count / cpu / 1e6:6.2f} million rows/s of one core, {count / took / 1e6:6.2f} in all, {held:6.1f} MB")
if held > 100:
    sys.exit(f"{label}: held {held:.1f} MB, expected at most 100")
END
}

echo "$rows rows"
for mode in --summary --pairs --classes; do
    measure "confmat $mode" "$rows" rows "$rows" '|' confmat "$mode"
done
for by in class pair all; do
    measure "worst-k --by $by" "$rows" rows "$rows" '|' worst-k --by "$by"
done
# Of the ids of a data set of a hundred times as many images.
measure "confmat, ids far apart" "$rows" rows "$rows" 3 100 '|' confmat --summary
measure "worst-k, ids far apart" "$rows" rows "$rows" 3 100 '|' worst-k --by class

shards=1000 each=$((rows / 100000 + 1))
for ((i = 0; i < shards; i++)); do rows "$each" "$i" "$shards" >"$work/$i.tsv"; done
measure "gather, $shards shards" "$((shards * each))" gather "$work"/*.tsv
