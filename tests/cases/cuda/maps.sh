# maps LAYER PRECISION TOLERANCE: maps by gradients (or of the last stage) on the device,
# compared with the CPU, without Winograd on the CPU: at inner layers the rounding of it
# moves a few ReLUs.
export HEATPIPE_CUDA=${CUDA_UNDER_TEST:-$BUILD/tests/cuda/standin.so}
export CUDA_STANDIN=memory=155000000 # small batches

run() { # device, precision, layer
    cam-compute -m "$EX/model.pth" -d "$EX" --exact --target pred,true,margin --device "$1" --precision "$2" \
        --layer "$3" --scale none --size layer --stats "$1.tsv" < p.tsv > "$1.npy"
    local r=$?
    [ $r -ne 3 ] || exit 77 # a GPU without this type
    return $r
}

maps() {
    [ -f p.tsv ] || cifar-predict -m "$EX/model.pth" -d "$EX" --device cpu --limit 100 > p.tsv
    run cpu f32 "$1"
    run cuda "$2" "$1"
    echo "$1 $2: $(python3 "$T/../compare.py" tensor cpu.npy cuda.npy "$3")"
    [ "$2" != f32 ] || echo "$1: figures $(python3 "$T/../compare.py" rows cpu.tsv cuda.tsv 5e-3)"
}
