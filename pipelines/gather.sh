#!/usr/bin/env bash
# Puts the files of a stage together from those of all shards, in the place of its command.
#
#   gather.sh FILE N PART
#
# FILE is what the stage makes, named from OUT, N the number of shards and PART the folder to write
# into. PART/wanted is what the shards must be made of.
set -u -o pipefail
# shellcheck source=pipelines/common.sh
. "$HEATPIPE_SHARE/common.sh"
# shellcheck source=pipelines/shards.sh
. "$HEATPIPE_SHARE/shards.sh"

file=$1 n=$2 part=$3
name=${file##*/}
folder=$D/shards

# The numbers of shards whose records, without the words that name the shard and without what was
# made, are not as wanted.
others() {
    # shellcheck disable=SC2016
    files_of "made/$name" | LC_ALL=C wanted=$part/wanted n=$n xargs -0 awk '
        function end(    shard) {
            shard = before
            sub(/-of-.*/, "", shard)
            if (text != wanted)
                print shard
            text = ""
        }
        BEGIN {
            while ((getline line < ENVIRON["wanted"]) > 0)
                wanted = wanted line "\n"
        }
        FNR == 1 {
            if (before != "")
                end()
            before = FILENAME
            word = ""
            own = "word " (FILENAME + 0) "/" ENVIRON["n"]
        }
        /^made / { nextfile }
        word == "word --shard" {
            if ($0 != own)
                text = text word "\n" $0 "\n"
            word = ""
            next
        }
        $0 == "word --shard" { word = $0; next }
        { text = text $0 "\n" }
        END { if (before != "") end() }'
}

files_of() { # file
    for ((i = 0; i < n; i++)); do printf '%d-of-%d/data/%s\0' "$i" "$n" "$1"; done
}

# A program with the files of all shards as its operands.
gather_all() { # file, option ...
    local files
    mapfile -d '' -t files < <(files_of "$1")
    HEATPIPE_STAGE=1 "$HEATPIPE_BIN/gather" "${@:2}" -- "${files[@]}"
}

# The path that gather reads is that of the folder of shards.
part=$(realpath -- "$part") || exit 1
folder=$(realpath -m -- "$folder") || exit 1
shards_missing "$folder" "$n"
[ ${#missing[@]} -eq 0 ] ||
    fail "$file: expected $n shards in $D/shards, $(shards_list "${missing[@]}") of them missing: SHARD=${missing[0]}/$n makes the first"
cd -- "$folder" || fail ''
mapfile -t other < <(others)
[ ${#other[@]} -eq 0 ] ||
    fail "$file: expected shards of this model, these images and options, found others, $(shards_list "${other[@]}") of $n: SHARD=${other[0]}/$n makes the first again"
# What one has, all have.
mapfile -t made < <(sed -n 's/^made //p' "$folder/0-of-$n/data/made/$name")
for f in "${made[@]}"; do
    f=${f##*/}
    case $f in
    linear_*.npy | classes.tsv) cat -- "0-of-$n/data/$f" ;;
    *.npy) files_of ids.npy | xargs -0 cat -- | gather_all "$f" --ids - ;;
    *_run.tsv) gather_all "$f" --run ;;
    *) gather_all "$f" ;;
    esac >"$part/$f" || fail ''
done
