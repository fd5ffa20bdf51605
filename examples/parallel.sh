#!/usr/bin/env bash
# One analysis in shards by GNU parallel: on this machine, or on those that HOSTS lists.
#
#   parallel.sh N OUT OPTION ...
#
#   N       the number of shards
#   OUT     the folder for the results
#   OPTION  those of heatpipe, such as --model model.pth --data cifar-100-python
#
# Variables of the environment: JOBS, how many shards run at a time on each machine (1: every shard
# uses all processors); HOSTS, a file that parallel reads by --sshloginfile, a machine a line. These
# machines have heatpipe and see this folder under the same name. After an interruption the same
# command makes what is missing: OUT/shards.log is the list of what is done.
set -eu

usage() {
    echo "parallel.sh: $1: see the lines at its beginning" >&2
    exit 2
}
[ $# -ge 2 ] || usage 'expected N OUT OPTION ...'
n=$1 out=$2
shift 2
[[ $n =~ ^[1-9][0-9]{0,5}$ ]] || usage "expected a number of shards, found '$n'"
# parallel would put something else there, and an option does not stop it.
for word in "$out" "$@"; do
    [[ $word != *'{'* ]] || usage "expected words without braces, found '$word'"
done
mkdir -p -- "$out"
hosts=()
[ -z "${HOSTS-}" ] || hosts=(--sshloginfile "$HOSTS" --workdir "$PWD")

# What the model and the images are is found before, once for all shards.
heatpipe "$@" --out "$out" data/inputs/model data/inputs/images
# parallel knows what is done by its number alone: the list is that of the same shards, or begins anew.
key=$({ heatpipe --version && printf '%s\0' "$n" "$@" && cat -- "$out/data/inputs/model" "$out/data/inputs/images"; } | sha256sum)
if [ "$(cat -- "$out/shards.key" 2>/dev/null)" != "$key" ]; then
    rm -f -- "$out/shards.log"
    printf '%s\n' "$key" >"$out/shards.key"
fi
seq 0 $((n - 1)) | parallel --will-cite --joblog "$out/shards.log" --resume --resume-failed --jobs "${JOBS:-1}" "${hosts[@]}" --quote \
    heatpipe "$@" --out "$out" --shard "{}/$n" || exit 1
heatpipe "$@" --out "$out" --shards "$n"
