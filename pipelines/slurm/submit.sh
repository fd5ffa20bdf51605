# shellcheck shell=bash disable=SC2153
# The analysis as jobs of Slurm: an array job for the shards, and one that depends on it for their
# merge and everything else; sourced by heatpipe, whose variables and functions it uses.
#
# OUT/data/shards holds what the jobs read: `words`, those of heatpipe, each ended by a zero byte;
# `key`, a checksum of what the shards are made of, which a shard that is finished gets as its file
# `done`; `jobs`, the ids of the jobs that were submitted last; and the folder `log`.

# What every job asks for.
slurm_options() {
    options=(--parsable "--chdir=$PWD" --export=ALL
        ${PARTITION:+"--partition=$PARTITION"} ${ACCOUNT:+"--account=$ACCOUNT"} ${TIME:+"--time=$TIME"}
        ${MEMORY:+"--mem=$MEMORY"} ${CPUS:+"--cpus-per-task=$CPUS"})
    [[ $DEVICE != cuda* ]] || options+=(--gres=gpu:1)
}

# The words of the same analysis in a job, and what its shards are made of.
slurm_words() {
    local name
    for name in "${names[@]}"; do
        case $name in
        SHARD | SHARDS | PARTITION | ACCOUNT | TIME | MEMORY | CPUS | SBATCH_FLAGS) ;;
        *) [ -z "${given[$name]-}" ] || printf '%s=%s\0' "$name" "${given[$name]}" ;;
        esac
    done
}
slurm_key() {
    local words word
    # Words for programs, split as the shell does it: heatpipe has checked that they are no more.
    eval "words=($PREDICT $MODEL_FLAGS $DATA_FLAGS $PREDICT_FLAGS)"
    {
        "$HEATPIPE_BIN/cifar-predict" --version | sed 1q
        cat -- "$shards/words" "$D/inputs/model" "$D/inputs/images"
        # The content of files that the commands of the shards name.
        for word in "$(type -P -- "${words[0]}")" "${words[@]:1}" "$RENAME"; do
            word=${word#--*=}
            [ ! -f "$word" ] || sha256sum <"$word"
        done
    } | sha256sum | cut -d ' ' -f 1
}

# A new file, whole or not at all.
slurm_put() { # file, function
    "$2" >"$1.new" && mv -f -- "$1.new" "$1"
}

# Jobs of before that have not ended.
slurm_waiting() {
    local ids
    [ -s "$shards/jobs" ] || return 0
    ids=$(paste -sd , "$shards/jobs")
    # Ids that Slurm has forgotten are an error to it.
    squeue -h -o '%A' -j "$ids" 2>/dev/null | LC_ALL=C sort -un | paste -sd ' '
}

# Each task of the array makes the shards that are equal modulo the number of tasks, one where Slurm
# takes as many tasks as there are shards.
slurm_array() { # missing shards
    local most i from='' to=''
    most=$(scontrol show config 2>/dev/null | sed -n 's/^MaxArraySize *= *\([0-9]*\)$/\1/p')
    most=${most:-1001} tasks=$SHARDS
    [ "$most" -gt 1 ] || die 1 "expected job arrays, found a Slurm without them: MaxArraySize is $most"
    [ "$SHARDS" -lt "$most" ] || tasks=$((most - 1))
    array=
    while read -r i; do
        if [ -n "$to" ] && [ "$i" -eq $((to + 1)) ]; then
            to=$i
        else
            [ -z "$from" ] || array+=,$from$([ "$from" -eq "$to" ] || echo "-$to")
            from=$i to=$i
        fi
    done < <(for i in "$@"; do echo $((i % tasks)); done | sort -nu)
    array+=,$from$([ "$from" -eq "$to" ] || echo "-$to")
    array=${array#,}
}

# The user's options come last, so that they hold. They are words as the shell splits them: heatpipe
# has checked that they are no more.
slurm_submit() { # option ... -- script argument ...
    local id more=() words
    while [ "$1" != -- ]; do
        more+=("$1")
        shift
    done
    shift
    eval "words=($SBATCH_FLAGS)"
    id=$(sbatch "${options[@]}" "${more[@]}" "${words[@]}" "$@") || die 1 'sbatch refused the job'
    # With the name of the cluster behind a semicolon where there are several.
    job=${id%%;*}
    [[ $job =~ ^[0-9]+$ ]] || die 1 "sbatch: expected the id of a job, found '$id'"
    echo "$job" >>"$shards/jobs" || die 1 "$shards/jobs: cannot write this file"
}

slurm_run() {
    local shards=$D/shards waiting before='' i missing=() options array tasks job depends=() said shards_path log
    [ ${#goals[@]} -eq 0 ] || usage_error "--slurm: expected options alone, found '${goals[0]}'"
    [ -n "$SHARDS" ] || usage_error "--slurm: expected a number of shards, e.g. $([ -n "$from_make" ] && echo SHARDS=8 || echo --shards 8), found none"
    [ -z "$SHARD" ] || usage_error 'SHARD and --slurm exclude each other'
    type -P sbatch squeue scontrol >/dev/null || die 1 'sbatch: command not found: --slurm is for a machine from which jobs are submitted to Slurm'
    writing_all mkdir -p -- "$shards/log"
    waiting=$(slurm_waiting)
    [ -z "$waiting" ] || die 1 "jobs of $OUT are still in the queue: $waiting: wait for them, or end them with scancel"
    shards_inputs
    writing_all slurm_put "$shards/words" slurm_words
    [ ! -s "$shards/key" ] || before=$(<"$shards/key")
    writing_all slurm_put "$shards/key" slurm_key
    shards_missing "$shards" "$SHARDS" "$(<"$shards/key")"
    # What failed before, unless other shards were asked for.
    [ "$before" != "$(<"$shards/key")" ] || shards_report "$shards" "$SHARDS" "${missing[@]}"
    for i in "${missing[@]}"; do printf '%s\0' "$shards/log/$i.log"; done | xargs -0 rm -f -- ||
        die 1 "$shards/log: cannot write in this folder"
    writing_all rm -f -- "$shards/jobs"
    shards_path=$(realpath -- "$shards")
    # To sbatch a % begins a pattern.
    log=${shards_path//%/%%}/log
    slurm_options
    said="all $SHARDS shards are there"
    if [ ${#missing[@]} -gt 0 ]; then
        slurm_array "${missing[@]}"
        slurm_submit --job-name=heatpipe-shards "--array=$array" --requeue "--output=$log/task-%a.log" --open-mode=truncate -- \
            "$HEATPIPE_SHARE/slurm/shard.sh" "$HEATPIPE_BIN" "$shards_path" "$SHARDS" "$tasks"
        depends=("--dependency=afterany:$job")
        said="job $job makes ${#missing[@]} of $SHARDS shards"
    fi
    slurm_submit --job-name=heatpipe-merge "${depends[@]}" --requeue "--output=$log/merge.log" --open-mode=truncate -- \
        "$HEATPIPE_SHARE/slurm/merge.sh" "$HEATPIPE_BIN" "$shards_path" "$SHARDS" "${CPUS:-2}"
    [ -n "$closed" ] || show "$(tell "$said; job $job merges them and makes the results in $OUT; what they say is in $shards/log")"
    exit 0
}
