#!/usr/bin/env bash
# Debian packages of this tree: deb.sh NAME BUILD CUDA. They are in BUILD/deb; CUDA is 1 where
# heatpipe-cuda is made, too. The tree is read only: the build has links to it.
set -eu
export LC_ALL=C.UTF-8
# Modes of files that are copied.
umask 022

for p in dpkg-buildpackage dh; do
    command -v $p >/dev/null || { echo "deb: expected $p, found none: run 'make setup-deb'" >&2 && exit 1; }
done
name=$1 cuda=$3
here=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$2"
to=$(cd "$2" && pwd)/deb
rm -rf "$to"
mkdir -p "$to/$name"
# What the packages hold as it is must be no link.
cp "$here"/{CHANGELOG.md,LICENSE,Makefile,README.md} "$to/$name"
for f in cmd examples lib pipelines tests; do ln -s "$here/$f" "$to/$name/$f"; done
cd "$to/$name"
cp -r examples/packaging/debian .
# Who answers for the packages, as Debian's tools are told. The domain cannot exist.
if [ -n "${DEBEMAIL:-}" ]; then
    maintainer="${DEBFULLNAME:-$DEBEMAIL} <$DEBEMAIL>"
else
    maintainer='local build of heatpipe <nobody@heatpipe.invalid>'
    echo 'deb: the packages have no maintainer: DEBFULLNAME and DEBEMAIL name one' >&2
fi
maintainer=$maintainer awk '$1 == "Maintainer:" { $0 = $1 " " ENVIRON["maintainer"] } { print }' examples/packaging/debian/control >debian/control
(cd "$here" && cmd/git-state.sh) >.commit

# When the sources are from, not when they are built.
: "${SOURCE_DATE_EPOCH:=$(git -c safe.directory='*' -C "$here" log -1 --format=%ct 2>/dev/null || stat -c %Y CHANGELOG.md)}"
export SOURCE_DATE_EPOCH
awk -v version="${name##*-}" -v date="$(date -Rud "@$SOURCE_DATE_EPOCH")" \
    -v maintainer="$maintainer" -f examples/packaging/changelog.awk CHANGELOG.md >debian/changelog

# `make test` tests the tree, and symbols for debuggers are for an archive. What make was told is meant for the tree's own build.
: "${DEB_BUILD_OPTIONS:=nocheck noautodbgsym parallel=$(nproc)}"
export DEB_BUILD_OPTIONS
profiles=()
[ -z "$cuda" ] || profiles=(--build-profiles=pkg.heatpipe.cuda)
env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u BUILD dpkg-buildpackage -b -us -uc "${profiles[@]}" >../build.log 2>&1 ||
    { tail -n 40 ../build.log >&2 && echo "deb: the packages are not built: see $to/build.log" >&2 && exit 1; }
cd ..
if command -v lintian >/dev/null; then
    lintian --allow-root --fail-on error -- *.changes
else
    echo "deb: no lintian here: the packages are not checked" >&2
fi
printf '%s\n' "$to"/*.deb
