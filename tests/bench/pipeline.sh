#!/usr/bin/env bash
# Wall time of the predictions and of everything after them, with the peak memory of any
# program in it. A table goes to $BUILD/bench/pipeline.tsv.
#   HEATPIPE_MODEL, HEATPIPE_DATA: a checkpoint and a data set (default: the bundled
#   example)
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "$root" && cd "${BUILD:-build}" && pwd)
model=${HEATPIPE_MODEL:-$root/examples/shapes100/model.pth}
data=${HEATPIPE_DATA:-$root/examples/shapes100}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
mkdir -p "$build/bench"
table=$build/bench/pipeline.tsv
printf 'part\tseconds\tpeak_mib\n' >"$table"

# Prints seconds and MiB.
timed=$(
    cat <<'END'
import resource, subprocess, sys, time
begin = time.perf_counter()
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
took = time.perf_counter() - begin
if done.returncode:
    sys.stderr.buffer.write(done.stderr)
    sys.exit(done.returncode)
print(f"{took:.3f} {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024:.0f}")
END
)

run() { # label, targets
    local label=$1 said seconds mib
    shift
    said=$(python3 -c "$timed" "$build/bin/heatpipe" --model "$model" --data "$data" --out "$out/results" "$@")
    read -r seconds mib <<<"$said"
    printf '%-34s %8.2f s %6d MiB\n' "$label" "$seconds" "$mib"
    printf '%s\t%s\t%s\n' "$label" "$seconds" "$mib" >>"$table"
}

run "predictions" data/predictions.tsv
run "everything after the predictions"
run "a second run, which does nothing"
