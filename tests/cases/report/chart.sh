#!/bin/sh
# chart.sh NAME TABLE ...: a chart as the pipeline makes it, on standard output.
set -eu
name=$1
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
plots=$ROOT/pipelines/plots
LC_ALL=C awk -f "$plots/tables.awk" -f "$plots/$name.awk" "$@" >"$work/chart"
LC_ALL=C.UTF-8 gnuplot -c "$plots/$name.gp" "$work/chart" "$work/png"
cat "$work/png"
