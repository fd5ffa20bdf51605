# shellcheck shell=bash disable=SC2034,SC2153
# The same model over images that are made worse, by kind and severity; sourced by heatpipe, whose
# variables and functions it uses.

# Files of CORRUPTED hold five severities one after the other, as those of CIFAR-100-C do.
corruptions_severities=5

# Which kinds and severities, in `kinds` and `severities`.
corruptions_choose() {
    local all word
    if [ -n "$CORRUPTED" ]; then
        mapfile -d '' -t kinds < <(cd -- "$CORRUPTED" && find . -maxdepth 1 -name '*.npy' ! -name labels.npy -printf '%f\0' |
            LC_ALL=C sort -z)
        kinds=("${kinds[@]%.npy}")
        [ ${#kinds[@]} -gt 0 ] || die 1 "CORRUPTED: $CORRUPTED: expected files such as fog.npy, found none"
        # They name runs, files and curves.
        for word in "${kinds[@]}"; do
            [[ $word =~ ^[A-Za-z0-9_.-]+$ ]] || die 1 "CORRUPTED: $CORRUPTED: expected names of letters, digits, _, . and -, found '$word.npy'"
        done
    else
        all=$("$HEATPIPE_BIN/corrupt" --help | sed -n 's/^ *-k, --kind \([^ ]*\).*/\1/p')
        IFS='|' read -ra kinds <<<"$all"
    fi
    if [ -n "$KINDS" ]; then
        all=("${kinds[@]}")
        IFS=, read -ra kinds <<<"$KINDS"
        for word in "${kinds[@]}"; do
            [[ $word != *[[:space:]]* && " ${all[*]} " == *" $word "* ]] ||
                usage_word "KINDS: expected some of ${all[*]}, separated by commas, found '$word'" '' "$word" "${all[@]}"
        done
    fi
    [[ $SEVERITIES =~ ^[1-5](,[1-5])*$ ]] ||
        usage_error "SEVERITIES: expected numbers from 1 to 5, separated by commas, found '$SEVERITIES'"
    IFS=, read -ra severities <<<"$SEVERITIES"
    [[ $LIMIT =~ ^([1-9][0-9]{0,8})?$ ]] || usage_error "LIMIT: expected a whole number from 1 to 999999999, found '$LIMIT'"
}

# The type, the shape and the number of bytes before the first element of an .npy file.
corruptions_head() { # file
    local head text
    read -ra head < <(od -An -v -tu1 -w10 -N 10 -- "$1" 2>/dev/null)
    [ "${head[*]:0:7}" = '147 78 85 77 80 89 1' ] || die 1 "$1: expected an .npy file, found something else"
    start=$((10 + head[8] + 256 * head[9]))
    text=$(tail -c +11 -- "$1" | head -c $((start - 10)) | tr -d '\0\n')
    [[ $text =~ "'descr': '"([^\']*)"'" ]] && type=${BASH_REMATCH[1]}
    [[ $text =~ "'shape': ("([0-9, ]*)")" ]] && shape=${BASH_REMATCH[1]// /}
    shape=${shape%,}
}

# How many images of each severity there are in a file of CORRUPTED.
corruptions_check() { # kind
    local file=$CORRUPTED/$1.npy type='' shape='' start
    corruptions_head "$file"
    [[ $type == '|u1' && $shape =~ ^([0-9]{1,8}),[0-9]+,[0-9]+,3$ && $((10#${BASH_REMATCH[1]} % corruptions_severities)) -eq 0 ]] ||
        die 1 "$file: expected bytes (n,h,w,3), of $corruptions_severities severities, found $type ($shape)"
    each=$((10#${BASH_REMATCH[1]} / corruptions_severities))
    [ "$each" -eq "$images" ] || { [ -n "$LIMIT" ] && [ "$each" -ge "$images" ]; } ||
        die 1 "$file: expected $images images of each severity, as there are in $DATA, found $each"
}

# Labels beside the files are those of DATA, or the images are others.
corruptions_labels() {
    local type='' shape='' start size
    [ -e "$CORRUPTED/labels.npy" ] || return 0
    corruptions_head "$CORRUPTED/labels.npy"
    case $type in '|u1') size=1 ;; '<i4') size=4 ;; '<i8') size=8 ;; *) size= ;; esac
    [ -n "$size" ] || die 1 "$CORRUPTED/labels.npy: expected whole numbers, found $type ($shape)"
    cmp -s <(tail -c +$((start + 1)) -- "$CORRUPTED/labels.npy" | od -An -v -td$size -w$size -N $((images * size)) |
        if [ $size -eq 1 ]; then awk '{ print ($1 + 256) % 256 }'; else awk '{ print $1 }'; fi) \
        <(cut -f 2 -- "$clean/data/predictions.tsv" | tail -n +2) ||
        die 1 "$CORRUPTED/labels.npy: expected the labels of $DATA, found others: are these its images?"
}

# The images of one run to standard output.
corruptions_images() { # kind, severity
    local type='' shape='' start item
    if [ -z "$CORRUPTED" ]; then
        "$HEATPIPE_BIN/corrupt" --kind "$1" --severity "$2" "${reading[@]}" -- "$DATA"
        return
    fi
    corruptions_head "$CORRUPTED/$1.npy"
    IFS=, read -r _ h w _ <<<"$shape"
    item=$((h * w * 3))
    printf '\x93NUMPY\x01\x00v\x00%-117s\n' "{'descr': '|u1', 'fortran_order': False, 'shape': ($images, $h, $w, 3), }"
    tail -c +$((start + 1 + ($2 - 1) * each * item)) -- "$CORRUPTED/$1.npy" | head -c $((images * item))
}

# What a run is made of.
corruptions_record() { # more lines
    printf '%s\n' "$("$HEATPIPE_BIN/cifar-predict" --version)" "$sums" "${network[*]@Q}" "limit $LIMIT" "$@"
}

corruptions_is_made() { # file
    [ -e "$1.made" ] && [ "$(<"$1.made")" = "$made" ]
}

corruptions_predict() { # folder, more options
    "$HEATPIPE_BIN/cifar-predict" "${network[@]}" "${@:2}" --class-maps "$1/class_maps.npy" >"$1/predictions.tsv"
}

# The clean images, with which all others are compared.
corruptions_clean() {
    local made
    made=$(corruptions_record "${reading[*]@Q}" "${labels[*]@Q}")
    corruptions_is_made "$clean" && return
    say 'clean images'
    rm -rf -- "$D/runs" "$clean" "$clean.made"
    writing_all mkdir -p -- "$part/clean/data"
    corruptions_predict "$part/clean/data" --data "$DATA" "${reading[@]}" "${labels[@]}" \
        --classes "$part/clean/data/classes.tsv" || exit $?
    cut -f 2 -- "$part/clean/data/predictions.tsv" | grep -qx '[0-9]*' ||
        die 1 "$DATA: expected labels, found none"
    writing_all mv -T -- "$part/clean" "$clean"
    printf '%s\n' "$made" >"$clean.made"
}

# One row of the table, of a run that is compared with the clean images.
corruptions_row() { # kind, severity, folder
    "$HEATPIPE_BIN/run-diff" -- "$clean" "$3" >"$part/diff.tsv" || exit $?
    LC_ALL=C awk -F '\t' -v OFS='\t' -v kind="$1" -v severity="$2" '
        { value[$1] = $2 }
        END {
            print kind, severity, value["images"], value["accuracy_b"], value["accuracy_b_low"],
                value["accuracy_b_high"], value["difference"], value["difference_low"], value["difference_high"],
                value["ece_b"], value["ece_chance_b"], value["mean_conf_b"], value["nll_b"], value["broken"],
                value["fixed"], value["maps_compared"], value["map_correlation_median"], value["maps_moved"]
        }' "$part/diff.tsv"
}

corruptions_one() { # kind, severity
    local made file=$D/runs/$1-$2.tsv path sum
    path=("$clean/data/predictions.tsv" ${CORRUPTED:+"$CORRUPTED/$1.npy"})
    checksums "$D/made/checksums" 2 || exit 1
    made=$(corruptions_record "${sum[@]}")
    corruptions_is_made "$file" && [ -e "$file" ] && return
    say "$1, severity $2"
    rm -rf -- "$part/run"
    writing_all mkdir -p -- "$part/run/data" "$D/runs"
    # Their words are those of the clean images again, unless one fails.
    corruptions_images "$1" "$2" 2>"$part/words" |
        corruptions_predict "$part/run/data" --data - --labels "$clean/data/predictions.tsv" \
            --names "$clean/data/classes.tsv" 2>>"$part/words"
    local ended=("${PIPESTATUS[@]}")
    if [ "${ended[1]}" -ne 0 ] || [ "${ended[0]}" -ne 0 ]; then
        cat -- "$part/words" >&2
        exit $((ended[1] ? ended[1] : ended[0]))
    fi
    corruptions_row "$1" "$2" "$part/run" >"$part/row" || exit $?
    rm -f -- "$file.made"
    writing_all mv -T -- "$part/row" "$file"
    printf '%s\n' "$made" >"$file.made"
}

# The table of all runs and its chart.
corruptions_table() {
    local kind severity gnuplot
    {
        printf '%s\t' kind severity images accuracy accuracy_low accuracy_high difference difference_low difference_high \
            ece ece_chance mean_conf nll broken fixed maps_compared map_correlation
        echo maps_moved
        corruptions_row none 0 "$clean"
        for kind in "${kinds[@]}"; do
            for severity in "${severities[@]}"; do cat -- "$D/runs/$kind-$severity.tsv"; done
        done
    } >"$part/corruptions.tsv" || exit 1
    LC_ALL=C awk -f "$HEATPIPE_SHARE/plots/tables.awk" -f "$HEATPIPE_SHARE/plots/corruptions.awk" "$part/corruptions.tsv" \
        >"$part/corruptions.chart" || exit 1
    unset GNUTERM GNUPLOT_LIB GNUPLOT_PS_DIR GNUPLOT_DRIVER_DIR GDFONTPATH GNUPLOT_FONTPATH FIT_LOG FIT_SCRIPT
    eval "gnuplot=($GNUPLOT)"
    LC_ALL=C.UTF-8 "${gnuplot[@]}" -d -c "$HEATPIPE_SHARE/plots/corruptions.gp" "$part/corruptions.chart" \
        "$part/corruptions.png" || die 1 "corruptions.png: '$GNUPLOT' ended with status $?"
    writing_all mv -f -- "$part/corruptions.tsv" "$part/corruptions.png" "$OUT"
}

# Runs what makes, moves or removes files of OUT, or ends with the reason of the system.
writing_all() { # command ...
    local why
    why=$("$@" 2>&1) || die 1 "$OUT: cannot write in this folder:${why##*:}"
}

corruptions_run() {
    local kinds severities kind severity part sums images each clean=$D/clean network reading labels words list i path sum
    [ -z "$SKIP_DAMAGED" ] || usage_error 'SKIP_DAMAGED and --corruptions exclude each other'
    corruptions_choose
    # Words for programs, split as the shell does it: heatpipe has checked that they are no more.
    eval "words=($MODEL_FLAGS)"
    network=(--model "$MODEL" --device "$DEVICE" --precision "$PRECISION" ${EXACT:+--exact} ${ASSUME:+--assume "$ASSUME"}
        ${MEAN:+--mean "$MEAN"} ${STD:+--std "$STD"} ${TEMPERATURE:+--temperature "$TEMPERATURE"} "${words[@]}")
    eval "words=($DATA_FLAGS)"
    reading=(${RESIZE:+--resize "$RESIZE"} ${LIMIT:+--limit "$LIMIT"} "${words[@]}")
    labels=(${NAMES:+--names "$NAMES"} ${LABELS:+--labels "$LABELS"})
    list=$(HEATPIPE_STAGE=1 "$HEATPIPE_BIN/cifar-predict" --list-inputs --model "$MODEL" --data "$DATA" "${labels[@]}" \
        ${RESIZE:+--resize "$RESIZE"}) || exit $?
    mapfile -t words < <(cut -f 1 <<<"$list" | sed 1d)
    for i in "${!words[@]}"; do [[ ${words[i]} != *\\* ]] || printf -v words[i] %b "${words[i]}"; done
    path=("${words[@]}")
    checksums "$D/made/checksums" 2 || exit 1
    sums=${sum[*]}
    part=$D/unfinished
    trap 'rm -rf -- "$D/unfinished"' EXIT
    export HEATPIPE_STAGE=1
    corruptions_clean
    images=$(($(wc -l <"$clean/data/predictions.tsv") - 1))
    if [ -n "$CORRUPTED" ]; then
        for kind in "${kinds[@]}"; do corruptions_check "$kind"; done
        corruptions_labels
    fi
    for kind in "${kinds[@]}"; do
        for severity in "${severities[@]}"; do corruptions_one "$kind" "$severity"; done
    done
    corruptions_table
    [ -n "$closed" ] || show "$(tell "the results are in $OUT: begin with $OUT/corruptions.png or $OUT/corruptions.tsv")"
    exit 0
}
