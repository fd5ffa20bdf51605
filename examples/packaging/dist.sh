#!/usr/bin/env bash
# The tarball of the commit that is checked out: dist.sh NAME FILE. Its bytes follow from the
# commit alone: clock, time zone, umask, user, locale and git's settings have no part in them.
set -eu -o pipefail
export LC_ALL=C
unset GZIP

name=$1 file=$2
here=$(cd "$(dirname "$0")/../.." && pwd -P)
# Whoever owns the checkout; no words of the user's settings change the files.
git() { command git -c safe.directory='*' -c core.autocrlf=false -c core.attributesFile=/dev/null -c tar.umask=0022 -C "$here" "$@"; }

top=$(git rev-parse --show-toplevel 2>/dev/null) || top=
if [ "$top" != "$here" ]; then
    echo "dist: expected a checkout of git: a tarball is made of a commit" >&2
    exit 1
fi
[ -z "$(git status --porcelain --untracked-files=no)" ] || echo "dist: changes that are not committed are left out" >&2
commit=$(git rev-parse HEAD)
mkdir -p "$(dirname "$file")"
trap 'rm -f "$file.new"' EXIT
# Without git, the programs know by this file which commit they are of; cmd/git-state.sh reads it.
git archive --format=tar --prefix="$name/" --add-virtual-file="$name/.commit:${commit:0:10}"$'\n' HEAD | gzip -9n >"$file.new"
mv "$file.new" "$file"
echo "$file"
