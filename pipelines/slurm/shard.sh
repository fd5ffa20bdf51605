#!/bin/bash
# One task of the array job that submit.sh submits.
#
#   shard.sh BIN SHARDS N TASKS
#
# BIN holds the programs; SHARDS is OUT/data/shards, N the number of shards, TASKS the number of
# tasks, of which each makes the shards that are equal to its number modulo TASKS.
set -u

bin=$1 shards=$2 n=$3 tasks=$4
mapfile -d '' -t words <"$shards/words" || exit 1
failed=0
for ((i = SLURM_ARRAY_TASK_ID; i < n; i += tasks)); do
    log=$shards/log/$i.log
    "$bin/heatpipe" "${words[@]}" "SHARD=$i/$n" >"$log" 2>&1
    status=$?
    if [ "$status" -eq 0 ]; then
        folder=$shards/$i-of-$n
        cp -- "$shards/key" "$folder/done.new" && mv -f -- "$folder/done.new" "$folder/done" && continue
        status=1
    fi
    echo "shard $i of $n ended with status $status" >>"$log"
    failed=1
done
exit "$failed"
