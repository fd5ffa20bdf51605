#!/usr/bin/env bash
# `make check-recipes` runs these commands on the tarball. conda-build itself has not run them.
set -eu
make -j"$CPU_COUNT" CUDA=0
make install CUDA=0 PREFIX="$PREFIX"
