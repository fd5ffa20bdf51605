#!/usr/bin/env bash
# What an analysis reads from outside, by content.
#
#   inputs.sh model|images|train COMMAND [ARG ...]
#
# Writes OUT/data/inputs/model, .../images or .../train: a line for each file with its SHA-256
# checksum and, of a file in the folder DATA or TRAIN, its name there; the rest of the path does
# not count.
# COMMAND prints the table of these files, as `cifar-predict --list-inputs` does. Without
# one a predictor other than heatpipe's is in use: then all files in the folder count.
set -u -o pipefail
exec 2>&8 8>&-
# shellcheck source=pipelines/common.sh
. "$HEATPIPE_SHARE/common.sh"

write_list() {
    local i
    for i in "${!sum[@]}"; do printf '%s\t%q\n' "${sum[i]}" "${name[i]}"; done | LC_ALL=C sort >"$list.new"
}

kind=$1
shift
file=$D/inputs/$kind
writing mkdir -p -- "$D/inputs" "$D/made" "$D/unfinished"
list=$D/unfinished/inputs.$kind
trap 'rm -f -- "$list" "$list.new"' EXIT

writing create "$list"
writing create "$list.new"
if [ $# -gt 0 ]; then
    HEATPIPE_STAGE=1 "$@" >"$list" || fail '' $?
    # Of the columns the first is the path, escaped.
    mapfile -t path < <(cut -f 1 -- "$list" | sed 1d)
    for i in "${!path[@]}"; do
        [[ ${path[i]} != *\\* ]] || printf -v path[i] %b "${path[i]}"
    done
elif [ "$kind" = model ]; then
    mapfile -d '' -t path < <(find -L "$MODEL" -type f -print0 | LC_ALL=C sort -z)
else
    roots=("$DATA")
    # Labels may be a word.
    for f in "$NAMES" "$LABELS"; do [ ! -e "$f" ] || roots+=("$f"); done
    mapfile -d '' -t path < <(find -L "${roots[@]}" -samefile "$OUT" -prune -o -type f -print0 | LC_ALL=C sort -z)
fi
[ ${#path[@]} -gt 0 ] || fail "$([ "$kind" = model ] && echo "$MODEL" || echo "$DATA"): no files in it"

data=$DATA
[ "$kind" != train ] || data=$TRAIN
[ -f "$data" ] || data=${data%/}/
for i in "${!path[@]}"; do
    name[i]=
    [ "$kind" = model ] || [[ ${path[i]} != "$data"* ]] || name[i]=${path[i]#"$data"}
done
checksums "$D/made/$kind.checksums" 2 || fail ''
writing write_list
cmp -s -- "$list.new" "$file" || writing mv -fT -- "$list.new" "$file"
