# shellcheck shell=bash disable=SC2034,SC2153
# The same model over images that are made worse, by kind and severity; sourced by heatpipe, whose
# variables and functions it uses.

# Files of CORRUPTED hold five severities one after the other, as those of CIFAR-100-C do.
corruptions_severities=5

# Which kinds and severities, in `kinds` and `severities`.
corruptions_choose() {
    local all word words why
    if [ -n "$CORRUPTED" ]; then
        [ -d "$CORRUPTED" ] || die 1 "CORRUPTED: $CORRUPTED: expected a folder, found a file"
        why=$(cd -- "$CORRUPTED" 2>&1 && find . -maxdepth 1 2>&1 >/dev/null)
        [ -z "$why" ] || die 1 "CORRUPTED: $CORRUPTED:${why##*:}"
        mapfile -d '' -t kinds < <(cd -- "$CORRUPTED" && find . -maxdepth 1 -name '*.npy' ! -name labels.npy -printf '%f\0' |
            LC_ALL=C sort -z)
        kinds=("${kinds[@]%.npy}")
        [ ${#kinds[@]} -gt 0 ] || die 1 "CORRUPTED: $CORRUPTED: expected files such as fog.npy, found none"
        # They name runs, files and curves.
        for word in "${kinds[@]}"; do
            [[ $word =~ ^[A-Za-z0-9_.-]+$ ]] || die 1 "CORRUPTED: $CORRUPTED: expected names of letters, digits, _, . and -, found '$word.npy'"
            [ "$word" != none ] || die 1 "CORRUPTED: $CORRUPTED: expected another name than 'none.npy': the clean images are of the kind 'none'"
        done
    else
        all=$(option_words corrupt kind)
        IFS='|' read -ra kinds <<<"$all"
    fi
    if [ -n "$KINDS" ]; then
        all=("${kinds[@]}")
        kinds=()
        # A word is between two commas, where there is none, too.
        IFS=, read -r -d '' -a words < <(printf '%s,\0' "$KINDS")
        for word in "${words[@]}"; do
            [[ $word != *[[:space:]]* && " ${all[*]} " == *" $word "* ]] ||
                usage_word "KINDS: expected some of ${all[*]}, separated by commas, found '${word:-$KINDS}'" '' "$word" "${all[@]}"
            [[ " ${kinds[*]} " == *" $word "* ]] || kinds+=("$word")
        done
    fi
    [[ $SEVERITIES =~ ^[1-5](,[1-5])*$ ]] ||
        usage_error "SEVERITIES: expected numbers from 1 to 5, separated by commas, found '$SEVERITIES'"
    # In order, as the lines of the chart need them.
    mapfile -t severities < <(tr , '\n' <<<"$SEVERITIES" | sort -u)
    [[ $LIMIT =~ ^([1-9][0-9]{0,8})?$ ]] || usage_error "LIMIT: expected a whole number from 1 to 999999999, found '$LIMIT'"
}

# The type, the shape and the number of bytes before the first element of an .npy file.
corruptions_head() { # file
    local head text why order
    [ -f "$1" ] || die 1 "$1: expected a file, found $(found_kind "$1")"
    why=$({ : <"$1"; } 2>&1) || die 1 "$1:${why##*:}"
    read -ra head < <(od -An -v -tu1 -w10 -N 10 -- "$1")
    [ "${head[*]:0:6}" = '147 78 85 77 80 89' ] || die 1 "$1: expected an .npy file, found something else"
    [ ${#head[@]} -eq 10 ] || die 1 "$1: expected a header, found the end of the file"
    [ "${head[6]}" -eq 1 ] || die 1 "$1: expected version 1 of .npy, found version ${head[6]}"
    start=$((10 + head[8] + 256 * head[9]))
    text=$(tail -c +11 -- "$1" | head -c $((start - 10)) | tr -d '\0\n' | sed 's/ *$//')
    type='' order='' shape=''
    [[ $text =~ "'descr': '"([^\']*)"'" ]] && type=${BASH_REMATCH[1]}
    [[ $text =~ "'fortran_order': "(True|False) ]] && order=${BASH_REMATCH[1]}
    [[ $text =~ "'shape': ("([0-9, ]+)")" ]] && shape=${BASH_REMATCH[1]// /}
    shape=${shape%,}
    [[ -n $type && -n $order && -n $shape ]] ||
        die 1 "$1: expected a header such as {'descr': '|u1', 'fortran_order': False, 'shape': (50000, 32, 32, 3), }, found ${text:0:120}"
    [ "$order" = False ] || die 1 "$1: expected 'fortran_order': False, found True: the last dimension must be the fastest"
}

corruptions_size() { # file, bytes
    local size
    size=$(stat -L -c %s -- "$1")
    [ "$size" -eq "$2" ] || die 1 "$1: expected $2 bytes, as its header says, found $size"
}

# Whether the files of CORRUPTED hold images that go with DATA, and in `each` how many of each
# severity.
corruptions_check() {
    local file type shape start h w size=''
    if [[ " ${reading[*]}" != *' --resize'* && " ${reading[*]}" != *' --crop'* ]]; then
        "$HEATPIPE_BIN/corrupt" --kind shift --severity 1 "${reading[@]}" --limit 1 -- "$DATA" \
            >"$part/one.npy" || exit $?
        corruptions_head "$part/one.npy"
        size=${shape#*,}
    fi
    for kind in "${kinds[@]}"; do
        file=$CORRUPTED/$kind.npy
        corruptions_head "$file"
        [[ $type == '|u1' && $shape =~ ^([0-9]{1,8}),([1-9][0-9]{0,3}),([1-9][0-9]{0,3}),3$ &&
            $((10#${BASH_REMATCH[1]} % corruptions_severities)) -eq 0 ]] ||
            die 1 "$file: expected bytes (n,h,w,3), of $corruptions_severities severities, found $type ($shape)"
        h=${BASH_REMATCH[2]} w=${BASH_REMATCH[3]}
        corruptions_size "$file" $((start + 10#${BASH_REMATCH[1]} * h * w * 3))
        each[$kind]=$((10#${BASH_REMATCH[1]} / corruptions_severities))
        [ -z "$size" ] || [ "$size" = "$h,$w,3" ] ||
            die 1 "$file: expected images of ${size%,3} pixels, as those of $DATA, found $h,$w: RESIZE makes them one size"
    done
}

# Whether there are as many images as there are in DATA.
corruptions_count() {
    for kind in "${kinds[@]}"; do
        [ "${each[$kind]}" -eq "$images" ] || { [ -n "$LIMIT" ] && [ "${each[$kind]}" -ge "$images" ]; } ||
            die 1 "$CORRUPTED/$kind.npy: expected $images images of each severity, as there are in $DATA, found ${each[$kind]}"
    done
}

# Labels beside the files are those of DATA, at each severity, or the images are others.
corruptions_labels() {
    local file=$CORRUPTED/labels.npy type shape start format size
    [ -e "$file" ] || return 0
    corruptions_head "$file"
    [[ $shape =~ ^[0-9]{1,9}$ && $type =~ ^[|\<]([iu])([1248])$ ]] ||
        die 1 "$file: expected whole numbers (n), found $type ($shape)"
    size=${BASH_REMATCH[2]} format=${BASH_REMATCH[1]/i/d}$size
    corruptions_size "$file" $((start + 10#$shape * size))
    for kind in "${kinds[@]}"; do
        [ $((10#$shape)) -eq $((corruptions_severities * each[$kind])) ] ||
            die 1 "$file: expected $((corruptions_severities * each[$kind])) labels, one for each image of $kind.npy, found $shape"
    done
    cmp -s <(tail -c +$((start + 1)) -- "$file" | od -An -v "-t$format" "-w$size" |
        awk -v each="${each[${kinds[0]}]}" -v images="$images" '(NR - 1) % each < images { print $1 }') \
        <(awk -F '\t' -v times=$corruptions_severities '
            FNR > 1 { label[FNR - 1] = $2 == "NA" ? -1 : $2 }
            END { for (i = 0; i < times; i++) for (j = 1; j < FNR; j++) print label[j] }' "$clean/data/predictions.tsv") ||
        die 1 "$file: expected the labels of $DATA, found others: are these its images?"
}

# The images of one run to standard output.
corruptions_images() { # kind, severity
    local type shape start h w item
    if [ -z "$CORRUPTED" ]; then
        "$HEATPIPE_BIN/corrupt" --kind "$1" --severity "$2" "${reading[@]}" "${limit[@]}" -- "$DATA"
        return
    fi
    corruptions_head "$CORRUPTED/$1.npy"
    IFS=, read -r _ h w _ <<<"$shape"
    item=$((h * w * 3))
    printf '\x93NUMPY\x01\x00v\x00%-117s\n' "{'descr': '|u1', 'fortran_order': False, 'shape': ($images, $h, $w, 3), }"
    tail -c +$((start + 1 + ($2 - 1) * each[$1] * item)) -- "$CORRUPTED/$1.npy" | head -c $((images * item))
}

# What a run is made of.
corruptions_record() { # more lines
    printf '%s\n' "$("$HEATPIPE_BIN/cifar-predict" --version | sed 1q)" "$sums" "${network[*]@Q}" "${reading[*]@Q}" "limit $LIMIT" "$@"
}

# Whether the files are there as they were made, of what the next run would be made of.
corruptions_is_made() { # record, files
    local path=("${@:2}") sum file
    for file in "$@"; do [ -f "$file" ] && [ -r "$file" ] || return 1; done
    checksums "$D/made/checksums" 2 || exit 1
    [ "$(<"$1")" = "$made"$'\n'"${sum[*]}" ]
}

corruptions_keep() { # record, files
    local path=("${@:2}") sum
    checksums "$D/made/checksums" 2 || exit 1
    writing_all corruptions_put "$1" "$made"$'\n'"${sum[*]}"
}
corruptions_put() { # file, text
    printf '%s\n' "$2" >"$1"
}

corruptions_predict() { # folder, more options
    "$HEATPIPE_BIN/cifar-predict" "${network[@]}" "${reading[@]}" "${@:2}" --class-maps "$1/class_maps.npy" >"$1/predictions.tsv"
}

# The clean images, with which all others are compared.
corruptions_clean() {
    local made
    made=$(corruptions_record "${labels[*]@Q}")
    corruptions_is_made "$clean.made" "$clean/data/"* && return
    say 'clean images'
    writing_all mkdir -p -- "$part/clean/data"
    corruptions_predict "$part/clean/data" --data "$DATA" "${limit[@]}" "${labels[@]}" \
        --classes "$part/clean/data/classes.tsv" || exit $?
    cut -f 2 -- "$part/clean/data/predictions.tsv" | grep -qx '[0-9]*' ||
        die 1 "$DATA: expected labels, found none"
    writing_all rm -rf -- "$clean" "$clean.made"
    writing_all mv -T -- "$part/clean" "$clean"
    corruptions_keep "$clean.made" "$clean/data/"*
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
    path=("$clean/data/"* ${CORRUPTED:+"$CORRUPTED/$1.npy"})
    checksums "$D/made/checksums" 2 || exit 1
    made=$(corruptions_record "${sum[@]}")
    corruptions_is_made "$file.made" "$file" && return
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
    writing_all rm -f -- "$file.made"
    writing_all mv -T -- "$part/row" "$file"
    corruptions_keep "$file.made" "$file"
}

# The table of all runs and its chart.
corruptions_table() {
    local kind severity
    {
        printf '%s\t' kind severity images accuracy accuracy_low accuracy_high difference difference_low difference_high \
            ece ece_chance mean_conf nll broken fixed maps_compared map_correlation
        echo maps_moved
        corruptions_row none 0 "$clean"
        for kind in "${kinds[@]}"; do
            for severity in "${severities[@]}"; do cat -- "$D/runs/$kind-$severity.tsv" || exit 1; done
        done
    } >"$part/corruptions.tsv" || exit 1
    LC_ALL=C awk -f "$HEATPIPE_SHARE/plots/tables.awk" -f "$HEATPIPE_SHARE/plots/corruptions.awk" "$part/corruptions.tsv" \
        >"$part/corruptions.chart" || exit 1
    draw_chart corruptions.gp "$part/corruptions.chart" "$part/corruptions.png"
    writing_all mv -f -- "$part/corruptions.tsv" "$part/corruptions.png" "$OUT"
}

corruptions_run() {
    local kinds severities kind severity part sums images clean=$D/clean
    local network reading limit labels words list i path sum gnuplot
    local -A each=()
    [ -z "$SKIP_DAMAGED" ] || usage_error 'SKIP_DAMAGED and --corruptions exclude each other'
    [ -n "$HEATPIPE_OWN_PREDICT" ] || usage_error "PREDICT and --corruptions exclude each other: heatpipe's predictor reads the images from a pipe"
    corruptions_choose
    find_gnuplot
    # Words for programs, split as the shell does it: heatpipe has checked that they are no more.
    eval "words=($MODEL_FLAGS)"
    network=(--model "$MODEL" --device "$DEVICE" --precision "$PRECISION" ${EXACT:+--exact} ${ASSUME:+--assume "$ASSUME"}
        ${RENAME:+--rename "$RENAME"}
        ${MEAN:+--mean "$MEAN"} ${STD:+--std "$STD"} ${TEMPERATURE:+--temperature "$TEMPERATURE"} "${words[@]}")
    eval "words=($DATA_FLAGS)"
    reading=(${RESIZE:+--resize "$RESIZE"} ${CROP:+--crop "$CROP"} "${words[@]}")
    limit=(${LIMIT:+--limit "$LIMIT"})
    labels=(${NAMES:+--names "$NAMES"} ${LABELS:+--labels "$LABELS"})
    list=$(HEATPIPE_STAGE=1 "$HEATPIPE_BIN/cifar-predict" --list-inputs --model "$MODEL" "${reading[@]}" --data "$DATA" \
        "${labels[@]}") || exit $?
    mapfile -t words < <(cut -f 1 <<<"$list" | sed 1d)
    for i in "${!words[@]}"; do [[ ${words[i]} != *\\* ]] || printf -v words[i] %b "${words[i]}"; done
    path=("${words[@]}")
    checksums "$D/made/checksums" 2 || exit 1
    sums=${sum[*]}
    part=$D/unfinished
    export HEATPIPE_STAGE=1
    [ -z "$CORRUPTED" ] || corruptions_check
    corruptions_clean
    images=$(($(wc -l <"$clean/data/predictions.tsv") - 1))
    if [ -n "$CORRUPTED" ]; then
        corruptions_count
        corruptions_labels
    fi
    for kind in "${kinds[@]}"; do
        for severity in "${severities[@]}"; do corruptions_one "$kind" "$severity"; done
    done
    corruptions_table
    [ -n "$closed" ] || show "$(tell "the results are in $OUT: begin with $OUT/corruptions.png or $OUT/corruptions.tsv")"
    exit 0
}
