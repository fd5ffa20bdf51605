# predict PRECISION ROWS GAP TENSORS: the bundled example on the device, compared with the
# CPU: rows, the gap of logits at which predictions may differ, tensors (see compare.py).
export HEATPIPE_CUDA=${CUDA_UNDER_TEST:-$BUILD/tests/cuda/standin.so}
export CUDA_STANDIN=memory=155000000 # batches of 8: the stand-in computes whole ones, of one image too
images=${CUDA_UNDER_TEST:+1000}

run() { # device, precision
    cifar-predict -m "$EX/model.pth" -d "$EX" --device "$1" -p "$2" --limit "${images:-100}" --logits "$1.logits" \
        --features "$1.features" --layer layer3 --class-maps "$1.maps" > "$1.tsv"
    local r=$?
    [ $r -ne 3 ] || exit 77 # a GPU without this type
    return $r
}

predict() {
    [ -f cpu.tsv ] || run cpu f32
    run cuda "$1"
    echo "$1: rows $(python3 "$T/../compare.py" rows cpu.tsv cuda.tsv "$2" "$3")"
    local t
    for t in logits features maps; do
        echo "$1: $t $(python3 "$T/../compare.py" tensor cpu.$t cuda.$t "$4")"
    done
}
