#!/bin/sh
# chart.sh NAME TABLE ...: the chart NAME (confusion, pairs) of tables, as PNG on
# standard output. NAME.awk prepares the numbers, NAME.gp draws them; GNUPLOT names
# another gnuplot.
set -eu

name=$1
shift
here=$(dirname "$0")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# awk would take a file named a=b for an assignment.
n=$#
while [ "$n" -gt 0 ]; do
    case $1 in
    /*) set -- "$@" "$1" ;;
    *) set -- "$@" "./$1" ;;
    esac
    shift
    n=$((n - 1))
done

LC_ALL=C awk -f "$here/tables.awk" -f "$here/$name.awk" "$@" >"$work/data"
LC_ALL=C.UTF-8 "${GNUPLOT:-gnuplot}" -c "$here/$name.gp" "$work/data" "$work/png"
cat "$work/png"
