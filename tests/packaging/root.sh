# shellcheck shell=bash
# Bare systems of Debian to try things in; to be sourced. The names that they are mounted under
# are this process's own, so that nothing of them stays.

[ "$(id -u)" -eq 0 ] || { echo "SKIP: a bare system needs root" && exit 0; }
command -v debootstrap >/dev/null || { echo "SKIP: no debootstrap: run 'make setup-deb'" && exit 0; }
if [ -z "${OWN_MOUNTS:-}" ]; then
    unshare --mount true 2>/dev/null || { echo "SKIP: no mounts of one's own are allowed here" && exit 0; }
    export OWN_MOUNTS=1
    exec unshare --mount "$0" "$@"
fi

roots=$(mktemp -d)
trap 'umount -lq "$roots"/*/proc || true; rm -rf --one-file-system "$roots"' EXIT
trap 'exit 1' HUP INT TERM

# $1: a folder below `roots`; $2: the release, such as bookworm. DEBIAN_BASE may name a folder
# that debootstrap has made of it before, which is copied.
new_root() {
    if [ -n "${DEBIAN_BASE:-}" ]; then
        ln -sfn "$(cd "$DEBIAN_BASE" && pwd)" "$roots/base-$2"
    elif [ ! -e "$roots/base-$2" ]; then
        debootstrap --variant=minbase "$2" "$roots/base-$2" >"$roots/log" 2>&1 || {
            tail -n 5 "$roots/log" >&2
            echo "SKIP: debootstrap makes no $2 here" && exit 0
        }
    fi
    cp -a "$roots/base-$2/." "$roots/$1"
    mount -t proc proc "$roots/$1/proc"
}

# A command in a root, with nothing of this environment but the way to the network.
within() { # root, command ...
    local root=$roots/$1 name settled=()
    shift
    for name in http_proxy https_proxy no_proxy; do
        [ -z "${!name:+set}" ] || settled+=("$name=${!name}")
    done
    env -i PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root DEBIAN_FRONTEND=noninteractive "${settled[@]}" \
        chroot "$root" "$@"
}

quiet() { # command ...
    "$@" >"$roots/log" 2>&1 || { tail -n 40 "$roots/log" >&2 && echo "FAIL: $*" >&2 && exit 1; }
}
