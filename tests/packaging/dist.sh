#!/usr/bin/env bash
# Builds and tests the tarball $1 as somebody does who has nothing else: no git, no network, and
# a source that is read only. TESTS: names of tests; all without it.
set -eu

if [ -z "${OWN_MOUNTS:-}" ]; then
    unshare --mount --net true 2>/dev/null || { echo 'SKIP: no namespaces of my own: they need root' && exit 0; }
    export OWN_MOUNTS=1
    exec unshare --mount --net "$0" "$@"
fi
work=$(mktemp -d)
trap 'umount -lq "$work/source" || true; rm -rf --one-file-system "$work"' EXIT
ip link set lo up 2>/dev/null || true
tar -xzf "$1" -C "$work"
mv "$work"/heatpipe-* "$work/unpacked"
mkdir "$work/source" "$work/bin" "$work/build"
mount --bind "$work/unpacked" "$work/source"
mount -o remount,bind,ro "$work/source"
printf '#!/bin/sh\necho "git is not here" >&2\nexit 127\n' >"$work/bin/git"
chmod +x "$work/bin/git"
export PATH=$work/bin:$PATH BUILD=$work/build TMPDIR=$work
cd "$work/source"
quiet() { # command ...
    "$@" >"$work/log" 2>&1 || { tail -n 40 "$work/log" >&2 && echo "FAIL: $*" >&2 && exit 1; }
}
built=(CUDA=0 CC="${CC:-cc}" BUILD="$BUILD")
quiet make -j"$(nproc)" "${built[@]}" all tests
# Installed without compiling anything again, whatever make is told, and away without a trace.
quiet env MAKEFLAGS=-j make "${built[@]}" DESTDIR="$work/installed" PREFIX=/usr install
! grep -E '^  (CC|AR|LINK) ' "$work/log" || { echo 'FAIL: install compiles' >&2 && exit 1; }
(cd "$work" && quiet "$work/installed/usr/bin/heatpipe" demo --out "$work/results" && [ -s results/explorer.html ])
quiet env MAKEFLAGS=-j make "${built[@]}" DESTDIR="$work/installed" PREFIX=/usr uninstall
[ ! -e "$work/installed" ] || { find "$work/installed" >&2 && echo 'FAIL: this stays where heatpipe is uninstalled' >&2 && exit 1; }
# shellcheck disable=SC2086
tests/run.sh ${TESTS:-}
