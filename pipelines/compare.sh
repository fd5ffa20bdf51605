# shellcheck shell=bash
# Two finished results, or two tables of predictions, compared; sourced by heatpipe, whose
# variables and functions it uses.

# What OUT/data gets, each from run-diff with this option.
compare_tables=(diff_summary: diff_images:--images diff_classes:--classes diff_groups:--groups
    diff_pairs:--pairs diff_moved:--moved)
# Pictures of each kind: as many as report shows.
compare_shown=24

# run-diff with the options that the user adds. Its verdict, status 4, is kept in `verdict`.
compare_write() { # what to call the table, option or nothing
    local words status
    # Words for a program, split as the shell does it: heatpipe has checked that they are no more.
    eval "words=($DIFF_FLAGS)"
    "$HEATPIPE_BIN/run-diff" ${2:+"$2"} "${words[@]}" -- "$a" "$b" >"$part/$1.tsv" 2>"$part/words"
    status=$?
    # The same words come from every call.
    if [ "$1" = diff_summary ] || [ $status -eq 1 ]; then cat "$part/words" >&2; fi
    [ $status -eq 0 ] || [ $status -eq 4 ] || exit $status
    [ $status -ne 4 ] || verdict=4
}

# Rows of predictions of one run for the images that are shown, from the tables of both.
compare_rows() { # a or b
    LC_ALL=C awk -F '\t' -v OFS='\t' -v run="$1" -v most=$compare_shown '
        FNR == 1 {
            delete c
            for (i = 1; i <= NF; i++) c[$i] = i
            moved = "pred" in c
            pred = moved ? "pred" : "pred_" run
            if (NR == 1) print "id", "true", "pred", "conf", "true_name", "pred_name"
            next
        }
        (moved || $c["kind"] != "wrong_other") && n[moved, moved ? "" : $c["kind"]]++ < most && !seen[$c["id"]]++ {
            print $c["id"], $c["true"], $c[pred], $c["conf_" run], $c["true_name"], $c[pred "_name"]
        }' "$part/ranked.tsv" "${@:2}"
}

# The maps of the shown images over the images, one picture for each and each run.
compare_draw() {
    local run folder sized
    # The order of report: by falling confidence in B, then by id.
    {
        head -n 1 "$part/diff_images.tsv"
        tail -n +2 "$part/diff_images.tsv" | LC_ALL=C sort -t $'\t' -k 6,6gr -k 1,1n
    } >"$part/ranked.tsv"
    # Without options, as large as in the runs.
    sized=(${RESIZE:+--resize "$RESIZE"} ${CROP:+--crop "$CROP"})
    if [ ${#sized[@]} -eq 0 ] && [ -e "$a/data/run.tsv" ]; then
        IFS=' ' read -r -a sized < <(LC_ALL=C sed -n \
            's/^image_options\t\(\(--resize [0-9x]*\)\{0,1\}\( \{0,1\}--crop [0-9x]*\)\{0,1\}\)$/\1/p' "$a/data/run.tsv")
    fi
    for run in a b; do
        folder=${!run}
        maps=(--cams "$folder/data/cams.npy" --planes 'true,pred,margin')
        [ ! -e "$folder/data/class_maps.npy" ] || maps=(--class-maps "$folder/data/class_maps.npy")
        [ ! -e "$folder/data/ids.npy" ] || maps+=(--ids "$folder/data/ids.npy")
        compare_rows $run "$part/diff_moved.tsv" >"$part/rows.tsv"
        [ "$(wc -l <"$part/rows.tsv")" -gt 1 ] || return 0
        "$HEATPIPE_BIN/cam-compute" "${maps[@]}" --target pred --size layer --table "$part/rows.tsv" \
            >"$part/maps.npy" || exit $?
        "$HEATPIPE_BIN/cam-overlay" --table "$part/rows.tsv" --maps "$part/maps.npy" --target pred \
            --data "$DATA" "${sized[@]}" --cmap "$CMAP" --show side-by-side \
            --each "$part/compared" --name "{id}_$run.png" || exit $?
    done
}

has_maps() { # folder
    [ -e "$1/data/class_maps.npy" ] || [ -e "$1/data/cams.npy" ]
}

compare_runs() { # A, B
    local a=${1-} b=${2-} verdict=0 i name run why tables=()
    if [ $# -ne 2 ] || [ -z "$a" ] || [ -z "$b" ]; then
        [ -z "$from_make" ] || usage_error 'compare: expected two results, e.g. A=results/before B=results/after'
        usage_error "--compare: expected two results, e.g. results/before results/after, found $#"
    fi
    for i in a b; do
        [ -e "${!i}" ] || die 1 "${!i}: No such file or directory"
        # It is read more than once.
        [ -f "${!i}" ] || [ -d "${!i}" ] ||
            die 1 "${!i}: expected a table or a folder, found $(found_kind "${!i}")"
        # Not what run-diff would read as standard input.
        [ "${!i}" != - ] || printf -v $i ./-
    done
    [ -z "$DATA" ] || [ -e "$DATA" ] || die 1 "DATA: $DATA: No such file or directory"
    if ! { why=$(mkdir -p -- "$D" 2>&1) && why=$(mktemp -d -- "$D/compare.XXXXXX" 2>&1); }; then
        die 1 "$OUT: cannot write in this folder:${why##*:}"
    fi
    part=$why
    trap 'rm -rf -- "$part"' EXIT
    export HEATPIPE_STAGE=1
    for name in "${compare_tables[@]}"; do
        if [ "$name" = diff_moved:--moved ]; then
            { has_maps "$a" && has_maps "$b" && ! grep -q "^maps_compared$(printf '\t')NA" "$part/diff_summary.tsv"; } || continue
        fi
        compare_write "${name%:*}" "${name#*:}"
    done
    [ -z "$DATA" ] || [ ! -e "$part/diff_moved.tsv" ] || compare_draw
    rm -f -- "$part/words" "$part/rows.tsv" "$part/maps.npy" "$part/ranked.tsv"
    for name in "${compare_tables[@]}"; do
        i=${name#*:}
        [ ! -e "$part/${name%:*}.tsv" ] || tables+=("${i:---summary}" "$part/${name%:*}.tsv")
    done
    for run in a b; do
        [ ! -e "${!run}/data/run.tsv" ] || tables+=("--run-$run" "${!run}/data/run.tsv")
    done
    "$HEATPIPE_BIN/report" diff "${tables[@]}" >"$part/comparison.txt" || exit $?
    {
        printf 'file\ncomparison.txt\n'
        [ ! -d "$part/compared" ] || find "$part/compared" -type f -printf 'compared/%f\n' | LC_ALL=C sort
    } >"$part/diff_files.tsv"
    "$HEATPIPE_BIN/report" diff-page "${tables[@]}" --files "$part/diff_files.tsv" \
        >"$part/comparison.html" || exit $?
    compare_place
    [ -n "$closed" ] || show "$(tell "the comparison is in $OUT: begin with $OUT/comparison.txt or $OUT/comparison.html")"
    exit $verdict
}

# Gives everything its final name; what an earlier comparison left goes.
compare_place() {
    local f why
    why=$({
        rm -rf -- "$OUT/compared" "$D/diff_moved.tsv" "$D/diff_groups.tsv" &&
            for f in "$part"/*; do
                case $f in
                *.tsv) mv -f -- "$f" "$D" ;;
                *) mv -f -- "$f" "$OUT" ;;
                esac || exit 1
            done
    } 2>&1) || die 1 "$OUT: cannot write in this folder:${why##*:}"
}
