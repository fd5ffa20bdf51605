#!/usr/bin/env bash
# Takes the commands that build, install and test out of each recipe under examples/packaging
# and runs them on the tarball $1: recipes.sh TARBALL [BUILT]. With BUILT, a folder that `make`
# has built of the same sources, they find everything built.
set -eu
# The folder of another build is not meant.
unset BUILD MAKEFLAGS MFLAGS MAKELEVEL

tarball=$1 built=${2-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tar -xzf "$tarball" -C "$work"
version=$(cd "$work" && echo heatpipe-*)
version=${version#*-}
mv "$work/heatpipe-$version" "$work/source"
recipes=$work/source/examples/packaging

# A line of a formula as a command of the shell.
ruby_commands() { # method
    sed -n "/^  \(def $1\|$1 do\)\$/,/^  end\$/s/^    system //p" "$recipes/heatpipe.rb" |
        sed "s/\", \"/\" \"/g; s/#{ENV.make_jobs}/\$JOBS/g; s/#{prefix}/\$PREFIX/g; s/#{bin}/\$PREFIX\/bin/g"
}
nix_commands() { # phase
    sed -n "/^ *$1 = ''\$/,/^ *'';\$/p" "$recipes/flake.nix" | sed '1d;$d'
}
conda_tests() {
    sed -n '/^  commands:$/,/^$/s/^    - //p' "$recipes/conda/meta.yaml"
}

try() { # recipe, commands that build and install, commands that test
    local to=$work/$1
    rm -rf "$work/source/build"
    mkdir "$to.bin"
    if [ -n "$built" ]; then
        ln -s "$built" "$work/source/build"
        printf '#!/bin/sh\nexec %q -o all "$@"\n' "$(command -v make)" >"$to.bin/make"
        chmod +x "$to.bin/make"
    fi
    (
        export PATH=$to.bin:$PATH JOBS CPU_COUNT NIX_BUILD_CORES PREFIX=$to.out out=$to.out
        JOBS=$(nproc) CPU_COUNT=$JOBS NIX_BUILD_CORES=$JOBS
        cd "$work/source"
        eval "set -eu; $2"
        cd /
        PATH=$PREFIX/bin:$PATH
        eval "set -eu; $3"
    ) >"$work/log" 2>&1 || { tail -n 30 "$work/log" >&2 && echo "FAIL: the commands of $1" >&2 && exit 1; }
    [ -x "$to.out/bin/heatpipe" ] || { echo "FAIL: $1 installs no heatpipe" >&2 && exit 1; }
    echo "$1: $(grep -c . <<<"$2") commands"
}

for f in flake.nix heatpipe.rb conda/meta.yaml; do
    grep -q "[\"-]$version\b" "$recipes/$f" || { echo "FAIL: $f is not of version $version" >&2 && exit 1; }
done
# heatpipe has no public address: a recipe that names one could only have made it up.
! grep -rnE 'https?://|[0-9a-f]{64}' "$recipes"/{heatpipe.rb,conda,debian/control,flake.nix,Containerfile} || { echo 'FAIL: addresses in recipes' >&2 && exit 1; }
# The formula takes the tarball that is named, and asks where none is.
if command -v ruby >/dev/null; then
    formula() { # of env
        env "$@" ruby -e 'class Formula
            def self.test = nil
            def self.method_missing(*words) = words[0] == :url && puts(words[1])
        end
        load ARGV[0]' "$recipes/heatpipe.rb" 2>&1 || true
    }
    { [ "$(formula HOMEBREW_HEATPIPE_TARBALL=/t.tar.gz)" = file:///t.tar.gz ] &&
        formula -u HOMEBREW_HEATPIPE_TARBALL | grep -q 'expected the path of the tarball'; } || { echo 'FAIL: the formula' >&2 && exit 1; }
fi
try nix "$(nix_commands buildPhase && nix_commands installPhase)" "confmat --version"
try homebrew "$(ruby_commands install)" "$(ruby_commands test)"
try conda "$(grep '^make' "$recipes/conda/build.sh")" "$(conda_tests)"
