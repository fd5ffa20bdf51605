# Sourced by the cases with the folder of a case as $T.
input() {
    python3 "$T/../input.py" "$@"
}

# Runs a command, then prints its status to stderr.
try() {
    "$@"
    echo "status $?" >&2
}

input make
