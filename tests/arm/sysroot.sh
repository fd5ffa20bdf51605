#!/usr/bin/env bash
# The libraries of 64-bit ARM that the programs link, unpacked into a folder of their own:
#
#   tests/arm/sysroot.sh FOLDER PACKAGE ...
#
# apt works on lists of its own in that folder, so that the system learns of no other architecture
# and nothing is installed.
set -eu
root=$(mkdir -p "$1" && cd "$1" && pwd)
shift
[ "$(cat "$root/.packages" 2>/dev/null)" = "$*" ] && exit

apt=$root/.apt
mkdir -p "$apt/lists/partial" "$apt/archives/partial"
: >"$apt/status"
cat >"$apt/conf" <<END
APT::Architecture "arm64";
APT::Architectures { "arm64"; };
APT::Install-Recommends "false";
APT::Sandbox::User "root";
Dir::State "$apt";
Dir::State::lists "$apt/lists";
Dir::State::status "$apt/status";
Dir::Cache "$apt";
Dir::Cache::archives "$apt/archives";
Debug::NoLocking "true";
END
export APT_CONFIG=$apt/conf
apt-get -qq update
apt-get -qq -y --download-only install "$@" >/dev/null
for package in "$apt"/archives/*.deb; do
    dpkg-deb -x "$package" "$root"
done
# What they link absolutely is meant to be inside.
find "$root" -type l -lname '/*' -printf '%p\0%l\0' | while IFS= read -r -d '' link && IFS= read -r -d '' to; do
    ln -sfn "$root$to" "$link"
done
rm -r "$apt"
echo "$*" >"$root/.packages"
