#!/usr/bin/env bash
# The analysis in shards on a Slurm cluster of this machine: eight shards, of which one task is killed
# and one loses its node. After they were submitted again, the results are the bytes of one run that
# nothing disturbed. Installs what it needs; skips where it cannot; leaves no daemon.
set -u

root=$(cd "$(dirname "$0")/../.." && pwd)
build=${BUILD:-build}
[[ $build == /* ]] || build=$root/$build
# shellcheck source=tests/slurm/cluster.sh
. "$root/tests/slurm/cluster.sh"

skip() {
    echo "SKIP check-slurm: $1"
    exit 0
}
fail() {
    echo "FAIL check-slurm: $1" >&2
    tail -n 20 "$work"/out/data/shards/log/*.log "$work"/cluster/*.log >&2 2>/dev/null
    exit 1
}
# Waits for a command to succeed.
until_true() { # seconds, what is waited for, command ...
    local end=$((SECONDS + $1)) what=$2
    shift 2
    until "$@"; do
        [ "$SECONDS" -lt "$end" ] || fail "waited in vain for $what"
        sleep 0.3
    done
}

[ "$(id -u)" -eq 0 ] || skip 'the daemons of Slurm need root'
type -P slurmctld slurmd munged sbatch >/dev/null || "$root/pipelines/setup.sh" slurmctld slurmd slurm-client munge >/dev/null 2>&1 ||
    skip 'the packages slurmctld, slurmd, slurm-client and munge are missing and cannot be installed'
type -P slurmctld slurmd munged sbatch >/dev/null || skip 'slurmctld, slurmd, munged or sbatch was not found'

unset "${!SLURM_@}" "${!SBATCH_@}"
work=$(mktemp -d) || exit 1
# The nodes' user may read it.
chmod 755 "$work"
trap 'cluster_stop; rm -rf -- "$work"' EXIT
trap 'exit 1' HUP INT TERM
cd "$work" || exit 1
cluster_start "$work/cluster" || { tail -n 5 "$work"/cluster/*.log; skip 'no cluster of Slurm can be started here'; }

# The programs with one that waits while the file `hold` is there, in the shards 3 and 5.
mkdir programs
cp -r "$build/bin" "$build/share" programs
mv programs/bin/cifar-predict programs/bin/cifar-predict.one
cat >programs/bin/cifar-predict <<W
#!/usr/bin/env bash
for i in 3 5; do
    if [[ " \$* " == *" --shard \$i/8 "* ]] && [ -e "$work/hold" ]; then
        echo \$\$ >"$work/waits.\$i"
        while [ -e "$work/hold" ]; do sleep 0.2; done
    fi
done
exec -a cifar-predict "$work/programs/bin/cifar-predict.one" "\$@"
W
chmod +x programs/bin/cifar-predict
cp -r "$root/examples/shapes100" data
heatpipe() { "$work/programs/bin/heatpipe" --model data/model.pth --data data --count 1 "$@"; }
submit() { heatpipe --slurm --shards 8 --out out --partition short --time 30 --memory 500M --cpus 1 SBATCH_FLAGS=--no-requeue; }
ended() { [ -z "$(squeue -h)" ]; }
running() { [ "$(squeue -h -o '%t' | grep -c R)" -eq 2 ] && [ -s waits.3 ] && [ -s waits.5 ]; }
of_shard() { squeue -h -r -o "$2" -j "$(head -n 1 out/data/shards/jobs)_$1"; }

heatpipe --out whole >/dev/null 2>&1 || fail 'the analysis in one run'

: >hold
submit || fail 'submitting'
until_true 900 'six shards, and two that wait' running
submit 2>said && fail 'what is in the queue was submitted again'
grep -q 'still in the queue' said || fail "expected to hear of the queue, found $(<said)"

# One task is killed; the node of the other is lost with all that runs on it.
scancel --signal=KILL --full "$(head -n 1 out/data/shards/jobs)_3"
node=$(of_shard 5 %N)
group=$(ps -o pgid= -p "$(<waits.5)" | tr -d ' ')
step=$(ps -o ppid= -p "$group" | tr -d ' ')
kill -KILL "$(<"cluster/pids/$node")" "$step"
kill -KILL -- "-$group"
scontrol update nodename="$node" state=down reason=lost || fail 'taking a node down'
until_true 900 'the jobs to end' ended
log=out/data/shards/log/merge.log
for i in 3 5; do
    grep -q "shard $i of 8 was stopped from outside" "$log" || fail "expected a word of shard $i, found $(<"$log")"
done
grep -q '2 of 8 shards are missing' "$log" || fail "expected two missing shards, found $(<"$log")"
[ ! -e out/analysis_summary.txt ] || fail 'results in spite of missing shards'

# Only what is missing runs again.
rm hold
touch before
submit >said 2>&1 || fail "submitting again: $(<said)"
grep -q 'makes 2 of 8 shards' said || fail "expected two shards, found $(<said)"
until_true 900 'the jobs to end' ended
[ "$(find out/data/shards -newer before -path '*-of-8/data/predictions.tsv' | wc -l)" -eq 2 ] ||
    fail 'expected two shards that were made again'
[ -e out/analysis_summary.txt ] || fail "no results: $(<"$log")"

# The same bytes, after both were given one date. No image passes the network again.
for f in whole out; do
    sed -i 's/^date\t.*/date\t2026-01-01T00:00:00Z/' "$f/data/predict_run.tsv"
    : >hold
    heatpipe --out "$f" >said 2>&1 || fail "going on in $f: $(<said)"
    ! grep -q 'heatpipe: predictions' said || fail "predictions again in $f"
done
diff -rq -x shards -x made -x lock -x inputs whole out || fail 'other results than those of one run'
echo "check-slurm: passed: 8 shards on $cluster_nodes nodes, one task killed, one node lost"
