#!/usr/bin/env bash
# The merge of many shards, of synthetic predictions: rows, tensors, tables, and the whole stage of the
# pipeline; see shards.py, whose options it takes, such as --shards 10000 --images 100.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "$root" && cd "${BUILD:-build}" && pwd)
exec python3 "$root/tests/bench/shards.py" --bin "$build/bin" --example "$root/examples/shapes100" "$@"
