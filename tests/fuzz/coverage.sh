#!/usr/bin/env bash
# Prints the lines of the readers that a target's corpus reaches, each with the files
# it is aimed at. BUILD holds drivers built by `make fuzz-coverage`.
#
#   BUILD=build/coverage tests/fuzz/coverage.sh TARGET...
set -eu

build=${BUILD:-build/coverage}
tool() { command -v "$1" || compgen -c "$1-" | grep -E "^$1-[0-9]+$" | sort -V | tail -1; }
cov=$(tool llvm-cov) profdata=$(tool llvm-profdata)
if [ -z "$cov" ] || [ -z "$profdata" ]; then
    echo "fuzz: expected llvm-cov and llvm-profdata, found none: run 'make setup-fuzz'" >&2
    exit 1
fi

declare -A aim=([pickle]="pickle/pickle.c pickle/calls.c pickle/numpy.c" [zip]="ckpt/zip.c"
    [torch_zip]="ckpt/zip.c ckpt/torch_zip.c ckpt/state.c" [torch_pickle]="ckpt/state.c ckpt/store.c ckpt/extras.c model/family.c model/keys.c"
    [legacy]="ckpt/torch_legacy.c ckpt/state.c" [safetensors]="ckpt/safetensors.c ckpt/store.c"
    [json]="ckpt/safetensors.c" [npy]="stream/npy.c" [images]="data/npy_images.c data/labels_file.c stream/npy.c"
    [tsv]="stream/tsv.c" [labels]="data/labels_file.c" [names]="data/names.c data/names_file.c"
    [cifar_binary]="data/binary.c data/data.c" [cifar_pickle]="data/cifar_pickle.c pickle/numpy.c"
    [png]="image/image.c image/png.c" [jpeg]="image/image.c image/jpeg.c"
    [webp]="image/image.c image/webp.c" [bmp]="image/image.c image/bmp.c")

for t in "$@"; do
    files=()
    for f in ${aim[$t]}; do files+=("lib/$f"); done
    profile=$build/profile/$t
    rm -rf "$profile"
    mkdir -p "$profile"
    LLVM_PROFILE_FILE=$profile/%4m.raw "$build/tests/fuzz/$t"
    "$profdata" merge -o "$profile/merged" "$profile"/*.raw
    "$cov" export -summary-only -instr-profile="$profile/merged" "$build/tests/fuzz/$t" "${files[@]}" |
        python3 -c '
import json, os, sys
for f in json.load(sys.stdin)["data"][0]["files"]:
    l, b = f["summary"]["lines"], f["summary"]["branches"]
    print("%-13s %-26s %4d of %4d lines, %5.1f %%; %4d of %4d branches" % (
        sys.argv[1], os.path.relpath(f["filename"]), l["covered"], l["count"], l["percent"], b["covered"], b["count"]))
' "$t"
done
