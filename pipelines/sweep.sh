# shellcheck shell=bash disable=SC2034,SC2153
# Several checkpoints on the same images, such as those of a training run; sourced by heatpipe,
# whose variables and functions it uses.

# What an analysis makes of the images alone.
sweep_shared=(image_stats.tsv duplicates.tsv)

# A name for each model, in `named`: that of its file; where several files are called the same, with
# its ending, as of one network in two formats, or behind that of its folder.
sweep_names() {
    local i base file folder
    local -A count=() same=() taken=()
    named=()
    for i in "${!models[@]}"; do
        base=${models[i]##*/}
        same[$base]=$((${same[$base]-0} + 1))
        [[ $base =~ ^(.+)\.(pth|pt|pt2|onnx|safetensors)$ ]] && base=${BASH_REMATCH[1]}
        named[i]=$base
        count[$base]=$((${count[$base]-0} + 1))
    done
    for i in "${!models[@]}"; do
        base=${named[i]}
        file=${models[i]##*/}
        if [ "${count[$base]}" -gt 1 ] && [ "${same[$file]}" = 1 ]; then
            base=$file
        elif [ "${count[$base]}" -gt 1 ] && [[ ${models[i]} == */* ]]; then
            folder=${models[i]%/*}
            base=${folder##*/}_$base
        fi
        base=${base//[!A-Za-z0-9_.-]/_}
        [[ $base != [.-]* ]] || base=_$base
        folder=$base
        while [ -n "${taken[$folder]-}" ]; do folder=${base}_$((++same[$base])); done
        taken[$folder]=1
        named[i]=$folder
    done
}

# The words of a record, without those that say what was read.
sweep_words() { # record
    LC_ALL=C grep -v -e '^input ' -e '^made ' -- "$1"
}

# What an earlier run has made of the images alone is not made again. The next run takes it only
# if it is what its own command would make: stage.sh compares the records.
sweep_share() { # from, to
    local file from=$1/data to=$2/data
    writing_all mkdir -p -- "$to/made"
    for file in "${sweep_shared[@]}"; do
        { [ -f "$from/$file" ] && [ -f "$from/made/$file" ]; } || continue
        if [ -f "$to/$file" ] && [ -f "$to/made/$file" ]; then
            # Another size of the images makes other words.
            cmp -s "$from/made/$file" "$to/made/$file" && continue
            [ "$(sweep_words "$from/made/$file")" = "$(sweep_words "$to/made/$file")" ] || continue
        fi
        writing_all rm -f -- "$to/made/$file"
        writing_all cp -- "$from/$file" "$to/$file"
        writing_all cp -- "$from/made/$file" "$to/made/$file"
    done
    # Checksums of files that have not changed since.
    for file in images.checksums train.checksums; do
        [ ! -f "$from/made/$file" ] || [ -e "$to/made/$file" ] || writing_all cp -- "$from/made/$file" "$to/made/$file"
    done
}

# The analysis of one model; sets `status`.
sweep_one() { # model, folder
    local name words=("MODEL=$1" "OUT=$2")
    for name in "${!given[@]}"; do
        case $name in
        MODELS | OUT) ;;
        *) words+=("$name=${given[$name]}") ;;
        esac
    done
    [ -z "$FAITHFULNESS" ] || [ -n "$METHODS" ] || words+=(METHODS=gradcam)
    run_child "$HEATPIPE_BIN/heatpipe" -j "$jobs" "${words[@]}" >/dev/null
    [ -z "$signalled" ] || kill "-$signalled" $$
}

# A row for each model and the tests against the first that could be analysed.
sweep_table() {
    local i run words=(kind=models "$part/models.tsv") kind
    for i in "${!models[@]}"; do
        [ "${ended[i]}" -eq 0 ] || continue
        run=$OUT/runs/${named[i]}
        # Other classes are no failure of the model.
        "$HEATPIPE_BIN/run-diff" -- "$OUT/runs/${named[base]}" "$run" >"$part/diff.$i.tsv" ||
            say "${named[i]}: cannot be compared with ${named[base]}"
        words+=("model=$((i + 1))")
        for kind in summary calibration findings run; do words+=("kind=$kind" "$run/data/$kind.tsv"); done
        words+=(kind=diff "$part/diff.$i.tsv")
        [ -z "$FAITHFULNESS" ] || words+=(kind=faithfulness "$run/faithfulness.tsv")
    done
    LC_ALL=C awk -f "$HEATPIPE_SHARE/sweep.awk" "${words[@]}" >"$part/sweep.tsv" || exit 1
}

sweep_draw() {
    LC_ALL=C awk -f "$HEATPIPE_SHARE/plots/tables.awk" -f "$HEATPIPE_SHARE/plots/sweep.awk" "$part/sweep.tsv" \
        >"$part/sweep.chart" || exit 1
    draw_chart sweep.gp "$part/sweep.chart" "$part/sweep.png"
}

sweep_record() {
    local i
    printf 'model\tcheckpoint\tstatus\n'
    for i in "${!models[@]}"; do
        printf '%s\t%s\t%d\n' "${named[i]}" "$(printf '%s' "${models[i]}" | LC_ALL=C sed -z 's/\\/\\\\/g; s/\t/\\t/g; s/\n/\\n/g')" \
            "${ended[i]}"
    done
}

sweep_run() { # model ...
    local models=() named=() ended=() i model base='' failed=0 part gnuplot words run
    # Words for a shell, split as it does it: heatpipe has checked that they are no more.
    eval "words=($MODELS)"
    models=("${words[@]}" "$@")
    if [ ${#models[@]} -eq 0 ]; then
        [ -z "$from_make" ] || usage_error "sweep: expected models, e.g. MODELS='a.pth b.pth', found none"
        usage_error '--sweep: expected models, e.g. a.pth b.pth, found none'
    fi
    for i in "${!models[@]}"; do
        [[ ${models[i]} != [-=]* && ${models[i]} != *=* ]] || [[ ${models[i]} == /* ]] || models[i]=./${models[i]}
    done
    find_gnuplot
    sweep_names
    lock_results
    part=$D/unfinished
    unset MAKEFLAGS MFLAGS MAKELEVEL
    for i in "${!models[@]}"; do
        run=$OUT/runs/${named[i]}
        say "${named[i]} ($((i + 1)) of ${#models[@]})"
        [ -z "$base" ] || sweep_share "$OUT/runs/${named[base]}" "$run"
        sweep_one "${models[i]}" "$run"
        ended[i]=$status
        if [ "$status" -ne 0 ]; then
            say "${named[i]}: ${models[i]}: the analysis ended with status $status; the others go on"
            [ "$failed" -ne 0 ] || failed=$status
        elif [ -z "$base" ]; then
            base=$i
            ! grep -sqx none "$run/data/labels" || die 1 "$DATA: expected labels, found none"
        fi
    done
    [ -n "$base" ] || die "$failed" 'no model could be analysed'
    sweep_record >"$part/models.tsv" || exit 1
    sweep_table
    sweep_draw
    LC_ALL=C awk -f "$HEATPIPE_SHARE/sweep_text.awk" "$part/sweep.tsv" >"$part/sweep.txt" || exit 1
    LC_ALL=C awk -f "$HEATPIPE_SHARE/sweep_text.awk" -v page=1 "$part/sweep.tsv" >"$part/sweep.html" || exit 1
    writing_all mv -f -- "$part/sweep.tsv" "$part/sweep.png" "$part/sweep.txt" "$part/sweep.html" "$OUT"
    [ -n "$closed" ] || show "$(tell "the results are in $OUT: begin with $OUT/sweep.txt or $OUT/sweep.html")"
    exit "$failed"
}
