#!/usr/bin/env bash
# explorer.sh BROWSER: makes the explorer of the bundled example, with a table of our own joined,
# and checks it in a browser. Status 77 where there is none.
set -eu

python3 -c 'import sys; sys.path.insert(0, sys.argv[1]); import drive
sys.exit(0 if drive.find(sys.argv[2]) else 77)' "$ROOT/tests/browser" "$1" ||
    { echo "no $1" >&2 && exit 77; }
heatpipe --model "$EX/model.pth" --data "$EX" --out run >log 2>&1 || { cat log && exit 1; }
# Words and numbers that some of the images have.
awk -v quoted="it's a \"test\"" 'BEGIN { print "id\tnote\tscore"; for (i = 0; i < 1000; i += 3)
    print i "\t" (i % 7 ? "x" : i % 2 ? quoted : "NA") "\t" (i % 5 ? i / 1000 : "NA") }' >run/notes.tsv
# A column of numbers up to a word behind the first piece of a table: its numbers stay as written.
awk 'BEGIN { print "id\tlate"; for (i = 0; i < 70000; i++) print i "\t" (i == 69999 ? "x" : i % 9 ? "7.5" : "7.50") }' >run/late.tsv
# Pairs as duplicates writes them: inside the set, and of the training set.
printf 'id\tother\tset\tkind\n17\t4\tinside\texact\n20\t31\tagainst\tnear\n' >run/twins.tsv
d=run/data
page() {
    report explorer --predictions $d/predictions.tsv --classes $d/per_class.tsv --pairs $d/pairs.tsv \
        --summary $d/summary.tsv --selected $d/selected.tsv --pair-rows $d/pair_rows.tsv \
        --errors $d/confident_rows.tsv --run $d/run.tsv --files $d/files.tsv --names $d/classes.tsv \
        --join $d/cam_stats.tsv --join run/notes.tsv \
        --join $d/label_check.tsv --join $d/points.tsv --join run/twins.tsv --join run/late.tsv --data "$EX" --class-maps $d/class_maps.npy \
        --ids $d/ids.npy --base run "$@"
}
page --out run/explorer.html
page --single-file >run/single.html
python3 "$ROOT/tests/browser/explorer.py" run "$1"
