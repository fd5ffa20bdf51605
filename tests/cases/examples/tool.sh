# shellcheck shell=bash disable=SC2034
# What the tests of other tools share; to be sourced. Makes p.tsv.

tools=$ROOT/examples/tools
need() { # command
    command -v "$1" >/dev/null || { echo "$1 is not installed" >&2 && exit 77; }
}
need_python() { # module ...
    python=${HEATPIPE_PYTHON:-python3}
    "$python" -c "import ${*/%/,} sys" 2>/dev/null || { echo "Python has no ${*}" >&2 && exit 77; }
    export PYTHONDONTWRITEBYTECODE=1
}

# The lines that heatpipe-tsv(5) gives for a tool.
page() { # tool
    awk -v "tool=$1" '/^\.(It|El)/ { mine = $2 == tool } /^\.Ed/ { inside = 0 } mine && inside
        mine && /^\.Bd/ { inside = 1 }' "$ROOT/cmd/man/heatpipe-tsv.5" | sed 's/\\e/\\/g'
}

# Tables alike whatever a version draws between columns.
words() {
    tr -s ' |-' ' ' | sed 's/ $//'
}

PYTHONIOENCODING=utf-8 python3 "$ROOT/tests/cases/examples/rows.py" >p.tsv
