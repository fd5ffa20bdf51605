# shellcheck shell=bash disable=SC2153
# Shards of the images; sourced by heatpipe, gather.sh and the jobs of slurm/.
#
# Shard I of N is an analysis of its own in OUT/data/shards/I-of-N, which ends with the predictions
# and the image statistics. It is there when the records of both are, which are renamed into place
# last.

shards_made=(predictions.tsv image_stats.tsv)

# Each is a folder, and each stage that gathers names the files of all.
shards_most=1000000

# The numbers of the shards that are missing, in `missing`. For jobs of Slurm a shard is there when
# its file `done` says what `key` does: what it was made of when it was found to be up to date.
shards_missing() { # folder of shards, how many, key or nothing
    local i folder
    missing=()
    for ((i = 0; i < $2; i++)); do
        folder=$1/$i-of-$2
        if [ -n "${3-}" ]; then
            { [ -f "$folder/done" ] && [ "$(<"$folder/done")" = "$3" ]; } || missing+=("$i")
        else
            { [ -f "$folder/data/made/${shards_made[0]}" ] && [ -f "$folder/data/made/${shards_made[1]}" ]; } || missing+=("$i")
        fi
    done
}

# "3, 5 and 7", of many the first.
shards_list() { # number ...
    local said=$1 i
    for ((i = 2; i <= $#; i++)); do
        if [ "$i" -gt 20 ]; then
            said+=" and $(($# - 20)) more"
            break
        elif [ "$i" -eq $# ]; then
            said+=" and ${!i}"
        else
            said+=", ${!i}"
        fi
    done
    echo "$said"
}

# What the model and the images are is found once for all shards.
shards_inputs() {
    local name words=()
    for name in "${!given[@]}"; do
        case $name in
        SHARD | SHARDS) ;;
        *) words+=("$name=${given[$name]}") ;;
        esac
    done
    run_child "$HEATPIPE_BIN/heatpipe" "${words[@]}" data/inputs/model data/inputs/images
    [ -z "$signalled" ] || kill "-$signalled" $$
    [ "$status" -eq 0 ] || exit "$status"
}

# Goes on as the analysis of one shard.
shard_begin() {
    local whole=$OUT f
    [[ $SHARD =~ ^(0|[1-9][0-9]{0,8})/([1-9][0-9]{0,8})$ && ${BASH_REMATCH[1]} -lt ${BASH_REMATCH[2]} ]] ||
        usage_error "SHARD: expected I/N with I from 0 to N-1, found '$SHARD'"
    [ "${SHARD#*/}" -le "$shards_most" ] || usage_error "SHARD: expected at most $shards_most shards, found ${SHARD#*/}"
    [ -z "$SHARDS" ] || usage_error 'SHARD and SHARDS exclude each other'
    [ ${#goals[@]} -eq 0 ] || usage_error "SHARD: expected no file to make, found '${goals[0]}'"
    { [ -e "$D/inputs/model" ] && [ -e "$D/inputs/images" ]; } || shards_inputs
    OUT=$whole/data/shards/${SHARD/\//-of-}
    D=$OUT/data
    lock_results
    writing_all mkdir -p -- "$D/inputs"
    for f in model images; do
        cmp -s -- "$whole/data/inputs/$f" "$D/inputs/$f" ||
            writing_all cp -- "$whole/data/inputs/$f" "$D/inputs/$f"
    done
    goals=("${shards_made[@]/#/data/}")
}

# Of each missing shard what its log ends with.
shards_report() { # folder of shards, how many, missing shard ...
    local folder=$1 n=$2 i last
    shift 2
    for i in "$@"; do
        if [ ! -e "$folder/log/$i.log" ]; then
            say "shard $i of $n did not run"
            continue
        fi
        last=$(tail -n 1 -- "$folder/log/$i.log" 2>/dev/null | tr -d '\0')
        case $last in
        "shard $i of $n ended with status "*)
            say "$last: $(tail -n 2 -- "$folder/log/$i.log" | head -n 1 | tr -d '\0')"
            ;;
        *) say "shard $i of $n was stopped from outside: its task was killed, or its node was lost" ;;
        esac
    done
}
