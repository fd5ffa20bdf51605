#!/usr/bin/env bash
# Makes the files of one stage when what they are made of has changed: all of them or none.
#
#   stage.sh FILE [OPTION ...] -- COMMAND [ARG ...]
#
#   FILE            what the stage makes, named from OUT
#   --from FILE     what it is made from, named from OUT
#   --stdout        the command writes FILE to standard output
#   --also FILE     the command writes this file, too
#   --may FILE      the same for a file that not every command writes
#   --sheets GLOB   the command writes PNG files into the folder `sheets`; they become
#                   OUT/GLOB, and FILE is the list of their names
#   --folder NAME   the command writes this folder of files, too; it replaces OUT/NAME
#   --fonts         the command writes letters
#   --shards N      the files are put together from N shards, which the command has made before
#   --say WORDS     what to tell when the stage runs
#
# The command writes into the folder OUT/data/unfinished/NAME, NAME being FILE without its
# folder. When it has succeeded and what it wrote is whole, all is renamed into place. Then
# OUT/data/made/NAME records what it was made of: the command's words, the version of a
# program of heatpipe or the content of any other, and the content of every file that the
# command names or reads. Neither times nor places count: touched files, a copy of OUT or
# programs in another folder are no reason to make anything again.
set -u
# make's standard error is not for the user; that of a stage is.
exec 2>&8 8>&-
# shellcheck source=pipelines/common.sh
. "$HEATPIPE_SHARE/common.sh"

file=$1 say='' shards='' stdout='' sheets='' folder='' fonts='' from=() also=() may=()
while shift && [ "$1" != -- ]; do
    case $1 in
    --stdout | --fonts) declare "${1#--}=1" ;;
    --shards) shards=$2 && shift ;;
    --say) say=$2 && shift ;;
    --sheets) sheets=$2 && shift ;;
    --folder) folder=$2 && shift ;;
    --from) from+=("$2") && shift ;;
    --also) also+=("$2") && shift ;;
    --may) may+=("$2") && shift ;;
    *) fail "stage.sh: unknown option '$1'" 2 ;;
    esac
done
shift
name=${file##*/}
part=$D/unfinished/$name
record=$D/made/$name
own=
[ "${1%/*}" != "$HEATPIPE_BIN" ] || own=1

# --- what it is made of ---

# What a word of the command says whatever the folders are called, as `says`. The files that
# the model and the images are read from stand in OUT/data/inputs.
meaning() { # the word before it, the word
    local option=${1#--}
    option=${option^^}
    case $option in
    MODEL | DATA | NAMES | LABELS)
        if [ "$2" = "${!option}" ] && [ -e "$2" ]; then
            says=$option
            return
        fi
        ;;
    esac
    case $2 in
    "$OUT") says=OUT ;;
    "$OUT"/*) printf -v says 'OUT/%q' "${2#"$OUT"/}" ;;
    "$HEATPIPE_SHARE"/*) printf -v says 'SHARE/%q' "${2#"$HEATPIPE_SHARE"/}" ;;
    *) printf -v says '%q' "$2" ;;
    esac
}

# A line for the program, each word and each input, as `made`.
contents() {
    local line=() of=() path=() sum f word before='' says
    # $1: the line, $2: the file whose content belongs to it
    with() {
        of+=("${#line[@]}")
        path+=("$2")
        line+=("$1")
    }
    if [ -n "$own" ]; then
        # Asked once in a run.
        f=$D/unfinished/version.${1##*/}
        { IFS= read -r says <"$f"; } 2>/dev/null || { IFS= read -r says < <("$1" --version) && echo "$says" >"$f"; } 2>/dev/null
        line+=("program $says")
    elif f=$(type -P -- "$1"); then
        with 'program' "$f"
    else
        fail "$file: $1: command not found"
    fi
    for word in "${@:2}"; do
        f=${word#--*=}
        # As FILE:NAME, too.
        [ -f "$f" ] || [ ! -f "${f%%:*}" ] || f=${f%%:*}
        meaning "$before" "$word"
        before=$word
        case $says in
        MODEL | DATA | NAMES | LABELS | OUT/*) line+=("word $says") ;;
        *) if [ -f "$f" ]; then with "word $says" "$f"; else line+=("word $says"); fi ;;
        esac
    done
    for f in "${from[@]}"; do
        if [ -f "$OUT/$f" ]; then with "input $f" "$OUT/$f"; else line+=("input $f: none"); fi
    done
    checksums "$D/made/checksums" 0 || fail ''
    for f in "${!of[@]}"; do line[of[f]]+=" ${sum[f]}"; done
    printf -v made '%s\n' "${line[@]}"
}

# Whether the record says that all was made of the same, and all of it is still there.
up_to_date() {
    local line before='' files=() f
    [ -f "$record" ] || return 1
    while IFS= read -r line; do
        if [[ $line == 'made '* ]]; then files+=("${line#made }"); else before+=$line$'\n'; fi
    done <"$record"
    [ "$before" = "$made" ] || return 1
    [ -z "$sheets" ] || [ ! -r "$OUT/$file" ] || mapfile -t -O ${#files[@]} files <"$OUT/$file"
    for f in "${files[@]}"; do
        [ -e "$OUT/$f" ] || return 1
    done
}

# --- running the command ---

run() {
    run_child "$@"
    if [ -n "$signalled" ]; then
        rm -rf -- "$part"
        kill "-$signalled" $$
    fi
    [ "$status" -ne 0 ] || return 0
    # heatpipe's programs say why they fail.
    if [ "$status" -gt 128 ]; then
        fail "$file: '$command' was ended by signal $((status - 128)) ($(kill -l $((status - 128))))"
    elif [ -z "$own" ]; then
        fail "$file: '$command' ended with status $status" "$status"
    fi
    fail '' "$status"
}

# --- whether what was written is whole ---

damaged() { # file, what was expected, what was found
    fail "$1: expected $2, found $3 (written by '$command')"
}

# The columns that later stages look for.
columns() {
    case $1 in
    predictions.tsv) echo id true pred correct conf ;;
    classes.tsv) echo class name group group_name ;;
    layers.tsv) echo layer last_stage auto ;;
    confusion.tsv) echo true true_name ;;
    confusion_long.tsv) echo true pred count ;;
    per_class.tsv) echo class name total correct accuracy ;;
    pairs.tsv) echo true pred count true_name pred_name ;;
    summary.tsv) echo measure value ;;
    calibration.tsv) echo measure value low high ;;
    reliability.tsv) echo confidences bins from to images accuracy mean_conf ;;
    risk.tsv) echo coverage risk ;;
    label_check.tsv) echo rank id true suggested score flagged reason p_true p_suggested p_flagged views true_name suggested_name ;;
    selected.tsv | pair_rows.tsv | confident_rows.tsv | slice_choice.tsv) echo id true pred group kind ;;
    run.tsv | predict_run.tsv | cam_run.tsv) echo name value ;;
    files.tsv) echo file ;;
    cam_stats.tsv | selected_stats.tsv | pair_stats.tsv | confident_stats.tsv | slice_stats.tsv) echo id target class ;;
    faithfulness.tsv) echo layer method metric better mean low high images same_as ;;
    sanity.tsv) echo layer method changed metric mean low high images ;;
    faith_rows.tsv | stability_rows.tsv) echo id true pred ;;
    stability.tsv) echo id target mirror_corr shift_corr ;;
    turned.tsv) echo id map turned ;;
    points.tsv) echo id x y ;;
    points_run.tsv) echo name value ;;
    image_stats.tsv) echo id ;;
    slices.tsv) echo slice among images errors ids p_adjusted confirmed ;;
    slice_rows.tsv) echo id slice membership rank half ;;
    duplicates.tsv) echo id other set kind ;;
    duplicates_summary.tsv) echo name value count of low high ;;
    image_stats_errors.tsv) echo column images auc p_adjusted ;;
    esac
}

# Each takes the path and what to call it.
check_table() {
    local wrong
    wrong=$(LC_ALL=C awk -F '\t' -v need="$(columns "${2##*/}")" '
        NR == 1 {
            header = $0
            columns = NF
            for (i = 1; i <= NF; i++) {
                if ($i !~ /^[a-z0-9_]+$/) { print "column names in [a-z0-9_]|others"; exit }
                seen[$i] = 1
            }
            n = split(need, name, " ")
            for (i = 1; i <= n; i++)
                if (!(name[i] in seen)) { print "a column " name[i] "|none"; exit }
        }
        NF != columns { print columns " fields in line " NR "|" NF; exit }
        END { if (NR == 0) print "a header line|nothing" }' <"$1")
    [ -z "$wrong" ] || damaged "$2" "${wrong%|*}" "${wrong##*|}"
}

bytes() { # file, where, how many: these as decimal numbers
    od -An -v -tu1 -w"$3" -j "$2" -N "$3" -- "$1" 2>/dev/null
}

# One or more records, of which none is cut.
check_tensor() {
    local size at=0 head text item n
    size=$(stat -c %s -- "$1")
    while [ "$at" -lt "$size" ]; do
        read -ra head < <(bytes "$1" "$at" 10)
        [ "${head[*]:0:7}" = '147 78 85 77 80 89 1' ] || damaged "$2" "an .npy record at byte $at" "something else"
        n=$((head[8] + 256 * head[9]))
        text=$(tail -c +$((at + 11)) -- "$1" | head -c "$n" | tr -d '\0\n')
        [[ $text =~ "'descr': '"[\<\|][a-z]([0-9]+)"'" ]] || damaged "$2" "a little-endian type at byte $at" "none"
        item=${BASH_REMATCH[1]}
        [[ $text =~ "'shape': ("([0-9, ]*)")" ]] || damaged "$2" "a shape at byte $at" "none"
        for n in ${BASH_REMATCH[1]//,/ }; do item=$((item * n)); done
        at=$((at + 10 + head[8] + 256 * head[9] + item))
    done
    { [ "$at" -eq "$size" ] && [ "$at" -gt 0 ]; } || damaged "$2" "$at bytes" "$size"
}

# From the signature by each chunk to IEND, which ends the file.
check_picture() {
    local size at=8 head
    size=$(stat -c %s -- "$1")
    read -ra head < <(bytes "$1" 0 8)
    [ "${head[*]-}" = '137 80 78 71 13 10 26 10' ] || damaged "$2" "a PNG file" "something else"
    while read -ra head < <(bytes "$1" "$at" 8) && [ ${#head[@]} -eq 8 ]; do
        at=$((at + 12 + (head[0] << 24) + (head[1] << 16) + (head[2] << 8) + head[3]))
        [ "${head[*]:4}" != '73 69 78 68' ] || break
    done
    { [ "${head[*]:4}" = '73 69 78 68' ] && [ "$at" -eq "$size" ]; } ||
        damaged "$2" "a whole PNG file" "the first $size bytes of one"
}

check_text() {
    { [ -s "$1" ] && [ -z "$(tail -c 1 -- "$1")" ]; } || damaged "$2" "whole lines" "others"
    [[ $2 != *.html ]] || [[ $(tail -n 1 -- "$1") == *'</html>' ]] || damaged "$2" "a whole page" "less"
}

check() { # file
    local at=$part/${1##*/}
    [ -f "$at" ] || damaged "$1" "this file" "none"
    [ -z "$own" ] || return 0
    case $1 in
    *.tsv) check_table "$at" "$1" && check_text "$at" "$1" ;;
    *.npy) check_tensor "$at" "$1" ;;
    *.png) check_picture "$at" "$1" ;;
    *) check_text "$at" "$1" ;;
    esac
}

check_sheets() {
    local f
    for f in "$part/sheets/"*; do
        [ -n "$own" ] || [ ! -e "$f" ] || check_picture "$f" "${f##*/}"
    done
    # Where there are rows there are sheets.
    [ -e "$f" ] || [ "$(wc -l <"$OUT/${from[0]}")" -le 1 ] || damaged "$file" "sheets" "none"
}

# One font that has letters and an arrow will do: others lend what it lacks.
check_fonts() {
    type fc-list >/dev/null 2>&1 ||
        fail "$file: expected fc-list, which lists fonts, found none: install the package fontconfig"
    [ -n "$(fc-list ':charset=41 61 2192' family)" ] ||
        fail "$file: expected a font that has letters, found none: install the package fonts-dejavu-core"
}

# --- all or nothing ---

list_sheets() {
    local f
    for f in "$part/sheets/"*; do
        [ ! -e "$f" ] || echo "${sheets%"${sheets##*/}"}${f##*/}"
    done >"$part/$name"
}

# What the shards must be made of.
write_wanted() {
    printf '%s' "$made" >"$part/wanted"
}

write_record() {
    {
        printf '%s' "$made"
        printf '%s\n' "${whole[@]/#/made }"
        [ -z "$folder" ] || (cd -- "$part" && find "$folder" -type f -printf 'made %p\n')
    } >"$part/record"
}

# The old folder goes at once: between the two there is none, but never a mixture.
replace_folder() {
    if [ -e "$OUT/$folder" ]; then
        writing mv -T -- "$OUT/$folder" "$part/replaced"
    fi
    writing mv -T -- "$part/$folder" "$OUT/$folder"
}

replace_sheets() {
    local folder=$OUT new=() old=() f
    local -A named=()
    [[ $sheets != */* ]] || folder+=/${sheets%/*}
    [ -d "$folder" ] || writing mkdir -p -- "$folder"
    for f in "$part/sheets/"*; do
        [ ! -e "$f" ] || new+=("$f")
    done
    [ ${#new[@]} -eq 0 ] || writing move_all "$folder" "${new[@]}"
    # What an earlier run called otherwise.
    for f in "${new[@]}"; do named[${f##*/}]=1; done
    for f in "$OUT/"$sheets; do
        [ -n "${named[${f##*/}]-}" ] || [ ! -e "$f" ] || old+=("$f")
    done
    [ ${#old[@]} -eq 0 ] || writing rm -f -- "${old[@]}"
}

# All that are still there, so that it may be tried again.
move_all() { # folder, files
    local folder=$1 f left=()
    for f in "${@:2}"; do
        [ ! -e "$f" ] || left+=("$f")
    done
    [ ${#left[@]} -eq 0 ] || printf '%s\0' "${left[@]}" | xargs -0 mv -f -t "$folder" --
}

made=
contents "$@"
! up_to_date || exit 0

[ -z "$say" ] || say "$say${shards:+ of $shards shards}"
[ -z "$fonts" ] || check_fonts
trap 'rm -rf -- "$part"' EXIT
[ ! -e "$part" ] || rm -rf -- "$part"
writing mkdir -p -- "$part${sheets:+/sheets}"
printf -v command '%s ' "$@"
[ ${#command} -le 61 ] || command="${command:0:57}... "
command=${command% }
# What runs inside of a command is on its own.
export -n HEATPIPE_BIN HEATPIPE_SHARE HEATPIPE_GOALS HEATPIPE_OWN_PREDICT LABELLED
unset MAKEFLAGS MFLAGS MAKELEVEL
# heatpipe's programs then call options as the user gives them to the analysis.
[ -z "$own" ] || export HEATPIPE_STAGE=1
words=("$1")
[ -z "$VERBOSE" ] || [ -z "$own" ] || words+=(-v)
words+=("${@:2}")
if [ -n "$shards" ]; then
    writing write_wanted
    words=(bash "$HEATPIPE_SHARE/gather.sh" "$file" "$shards" "$part")
    export HEATPIPE_BIN HEATPIPE_SHARE
    own=1 stdout=''
fi
if [ -n "$stdout" ]; then
    writing create "$part/$name"
    run "${words[@]}" >"$part/$name"
else
    run "${words[@]}" >/dev/null
fi

if [ -n "$sheets" ]; then
    check_sheets
    writing list_sheets
else
    check "$file"
fi
whole=("$file")
gone=()
[ -z "$folder" ] || [ -d "$part/$folder" ] || damaged "$folder" "this folder" "none"
for f in "${also[@]}"; do
    check "$f"
    whole+=("$f")
done
for f in "${may[@]}"; do
    if [ -e "$part/${f##*/}" ]; then
        check "$f"
        whole+=("$f")
    else
        gone+=("$f")
    fi
done
writing write_record

# What is left cannot fail for want of room. A kill among it leaves no record, so that the
# stage runs again.
[ ! -e "$record" ] || writing rm -f -- "$record"
[ -z "$sheets" ] || replace_sheets
[ -z "$folder" ] || replace_folder
for f in "${whole[@]}"; do
    to=$OUT/$f
    [ -d "${to%/*}" ] || writing mkdir -p -- "${to%/*}"
    writing mv -fT -- "$part/${f##*/}" "$to"
done
for f in "${gone[@]}"; do [ ! -e "$OUT/$f" ] || rm -f -- "$OUT/$f"; done
# Later stages ask for these checksums, several at a time.
path=("${whole[@]/#/"$OUT"/}")
checksums "$D/made/checksums" 0 new
writing mv -fT -- "$part/record" "$record"
# Nothing is left there of a stage of files alone, and heatpipe removes the folder.
[ -n "$sheets$folder" ] || trap - EXIT
