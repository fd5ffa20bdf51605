#!/bin/bash
# The job that submit.sh submits behind the array job: names the shards that failed, or puts all
# together and makes the rest of the analysis.
#
#   merge.sh BIN SHARDS N JOBS
#
# As for shard.sh; JOBS is the number of stages that run at a time.
set -u

bin=$1 shards=$2 n=$3 jobs=$4
mapfile -d '' -t words <"$shards/words" || exit 1
share=$(cd -- "$bin/../share/heatpipe" && pwd) || exit 1
# shellcheck source=pipelines/common.sh
. "$share/common.sh"
# shellcheck source=pipelines/shards.sh
. "$share/shards.sh"
shards_missing "$shards" "$n" "$(<"$shards/key")"
if [ ${#missing[@]} -gt 0 ]; then
    shards_report "$shards" "$n" "${missing[@]}"
    say "${#missing[@]} of $n shards are missing: submit again to make them"
    exit 1
fi
exec "$bin/heatpipe" "${words[@]}" "SHARDS=$n" -j "$jobs"
