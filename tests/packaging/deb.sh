#!/usr/bin/env bash
# The packages in the folder $1 are installed in a bare system of Debian, run there by a user
# who is nobody, and removed again.
set -eu
# shellcheck source=tests/packaging/root.sh
. "$(dirname "$0")/root.sh"

release=$(. /etc/os-release && echo "$VERSION_CODENAME")
packages=("$1"/heatpipe_*.deb)
for p in "$1"/heatpipe-cuda_*.deb; do [ ! -e "$p" ] || packages+=("$p"); done
new_root bare "$release"
mkdir "$roots/bare/packages"
cp "${packages[@]}" "$roots/bare/packages"
quiet within bare apt-get update
# cuDNN is NVIDIA's: without it, too, everything can be installed.
quiet within bare sh -c 'apt-get install -y --no-install-recommends /packages/*.deb'
within bare dpkg -L heatpipe >"$roots/files"

user() { within bare setpriv --reuid=65534 --regid=65534 --clear-groups env HOME=/tmp "$@"; }
quiet user sh -c 'cd /tmp && heatpipe demo --out /tmp/results'
for f in analysis_summary.txt explorer.html data/summary.tsv worst_predictions; do
    [ -e "$roots/bare/tmp/results/$f" ] || { echo "FAIL: the demo left no $f" >&2 && exit 1; }
done
quiet user heatpipe --version
quiet user heatpipe-report --version
# shellcheck disable=SC2016
quiet user sh -c 'PATH=$(heatpipe --bin):$PATH && report --version'
if [ ${#packages[@]} -gt 1 ]; then
    # The object is found; what it needs is not here.
    status=0
    user sh -c 'cd /usr/share/heatpipe/examples && cifar-predict --device cuda --model shapes100/model.pth --data shapes100' \
        >/dev/null 2>"$roots/log" || status=$?
    if [ $status -ne 3 ] || ! grep -q cudnn "$roots/log"; then
        cat "$roots/log" >&2
        echo 'FAIL: cuDNN is not asked for' >&2
        exit 1
    fi
fi

quiet within bare sh -c 'apt-get purge -y "heatpipe*"'
rm -r "$roots/bare/packages" "$roots/bare/tmp/results"
left=$(while IFS= read -r f; do
    [ -d "$roots/bare$f" ] || [ ! -e "$roots/bare$f" ] || echo "$f"
done <"$roots/files"
    within bare find / -xdev -name '*heatpipe*')
[ -z "$left" ] || { echo "$left" >&2 && echo 'FAIL: this stays where the package is removed' >&2 && exit 1; }
echo "packages: installed, ran the demo, removed (Debian $release)"
