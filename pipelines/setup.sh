#!/usr/bin/env bash
# Installs the Debian packages named as arguments; leaves a machine that has
# them alone. Uses sudo where the user is not root.
set -eu

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echo "setup: this is not a Debian system; install what these packages hold: $*" >&2
    exit 1
fi

missing=()
for p in "$@"; do
    state=$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null) || state=none
    [ "$state" = installed ] || missing+=("$p")
done
if [ ${#missing[@]} -eq 0 ]; then
    echo "setup: all packages are installed"
    exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "setup: run as root, or install sudo; missing: ${missing[*]}" >&2
        exit 1
    fi
    as_root=(sudo)
fi
apt() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q "$@"; }

# A fresh container has no lists of packages; old ones name files that are gone.
compgen -G '/var/lib/apt/lists/*Packages*' >/dev/null || apt update
echo "setup: installing ${missing[*]}"
apt install -y --no-install-recommends "${missing[@]}" || {
    apt update
    apt install -y --no-install-recommends "${missing[@]}"
}
