#!/usr/bin/env bash
# Makes explorers of runs that have little in common with ordinary ones, and prints their folders.
set -eu
make_run() { "${BASH_SOURCE%/*}/make_run.sh" "$@" && echo "$1"; }
make_run one 5 1
make_run two 40 2
make_run thousand 1500 1000
make_run right 60 10 right
make_run wrong 60 10 wrong
make_run nolabel 60 10 unlabelled
make_run tall 90 10 tall
make_run names 120 12 names xy
make_run nomaps 30 3 nomaps
make_run mapsonly 30 3 noimages
make_run tables 30 3 nomaps noimages
