# The attacks of attack.py, and what a program says to each.
# shellcheck shell=bash
attack() { python3 "$ROOT/tests/cases/hostile/attack.py" "$@"; }

# A checkpoint of every name: its status and message when all of it is read. A program
# that only looks for a network gives none, either.
checkpoints() {
    local name status
    for name in "$@"; do
        attack "$name" m
        model-info --check m >rows 2>message
        status=$?
        echo "$name: $status $(head -n 1 message)"
        cifar-predict --model m --data "$EX" >>rows 2>message
        [ $? -eq 1 ] || echo "$name: read as a network"
        [ ! -s rows ] || echo "$name: $(cat rows)"
    done
    rm -f m rows message
}

# A program on a file of that name within the limits of time and memory; the rest are
# the program and its arguments, '@' among them the file.
within_limits() {
    local name=$1 status
    shift
    [ -e "$name" ] || attack "$name" "$name"
    # A sanitizer needs time and memory of its own.
    if grep -q fsanitize "$BUILD/flags"; then
        export LIMIT_S=300 LIMIT_MB=4096
    fi
    python3 "$ROOT/tests/cases/hostile/measure.py" "$name" "$@" 2>message
    status=$?
    echo "$status $(cat message)"
    rm -f "$name" message
}
