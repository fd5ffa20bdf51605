# Inputs of the cases that need no network: 3 images, 3 classes, maps of 2 by 2.
# Sourced with the folder of a case as $T.
npy() {
    python3 "$ROOT/tests/golden/cam/npy.py" "$@"
}

# Runs a command, then prints its status to stderr.
try() {
    "$@" >/dev/null
    echo "status $?" >&2
}

npy write maps.npy 3,3,2,2 \
    1 2 3 4  -1 0 1 -2  0 0 0 0.5 \
    4 0 0 0  2 2 2 2  -1 -1 -1 -1 \
    0 1 0 3  1 1 0 0  -4 8 -4 -4
npy write logits.npy 3,3 10 -2 0.5 4 8 -4 4 2 -4
{
    printf 'id\ttrue\tpred\tconf\tp_true\n'
    printf '0\t0\t0\t0.9\t0.9\n'
    printf '1\t0\t1\t0.75\t0.25\n'
    printf '2\t1\t0\t0.8\t0.125\n'
} >rows.tsv
