# shellcheck shell=bash disable=SC2034
# What heatpipe and its stages share; to be sourced.

# One line, of which nothing reaches the terminal as more than text.
tell() {
    local LC_ALL=C.UTF-8
    printf 'heatpipe: %s\n' "${1//[![:print:]]/?}"
}
say() { tell "$1" >&2; }

# Ends a stage with a message or with that of its command. The status of the first that
# fails is what heatpipe ends with; it reads them from descriptor 6.
fail() { # message or nothing, status
    [ -z "$1" ] || say "$1"
    echo "${2:-1}" >&6
    exit "${2:-1}"
}

# Runs what makes, moves or removes files of OUT, or ends the stage with the reason of the
# system alone: the paths are the pipeline's own. What fails runs once more to say why, so
# that what succeeds needs no process for its words.
writing() { # command ...
    local why
    "$@" 2>/dev/null || why=$("$@" 2>&1) || fail "$OUT: cannot write in this folder:${why##*:}"
}
create() { # file
    : >"$1"
}

# Runs a command and waits for it; a signal to this shell ends the command first, by TERM,
# which is what make hands on. Sets `status`, and `signalled` to the signal's name or nothing.
run_child() {
    local signal child
    (
        # A shell lets what it starts with & ignore these two.
        trap : INT QUIT
        trap - INT QUIT
        exec "$@"
    ) <&0 &
    child=$!
    signalled=
    for signal in HUP INT QUIT TERM; do
        # shellcheck disable=SC2064
        trap "signalled=$signal; kill -TERM $child 2>/dev/null" "$signal"
    done
    while :; do
        wait "$child" 2>/dev/null
        status=$?
        { [ $status -gt 128 ] && kill -0 "$child" 2>/dev/null; } || break
    done
    trap - HUP INT QUIT TERM
}

# SHA-256 checksums of files, kept by what stat says of them: device, inode, size and times.
# $1: where they are kept; $2: how many seconds ago a file must have changed for its checksum
# to be kept, since one that changes twice within a tick of the clock looks the same after;
# $3: `new` for files that were just made. The paths are in the array `path`; their checksums
# go into the array `sum`. Says which file cannot be read.
checksums() {
    local kept=$1 settled=$2 made=${3-} key new line i at=$EPOCHSECONDS
    sum=()
    [ ${#path[@]} -gt 0 ] || return 0
    mapfile -t key < <(each_path stat -L --printf='%d:%i:%s:%.9Y:%.9Z\n' -- 2>&1)
    for line in "${key[@]}"; do
        [[ $line != stat:* ]] || { say "${line#stat: }" && return 1; }
    done
    [ ${#key[@]} -eq ${#path[@]} ] || return 1
    if [ -z "$made" ] && [ -s "$kept" ]; then
        # A line that a kill or a full disk cut is none.
        mapfile -t sum < <(printf '%s\n' "${key[@]}" | LC_ALL=C kept=$kept awk '
            BEGIN {
                while ((getline line < ENVIRON["kept"]) > 0)
                    if (split(line, f, " ") == 2 && f[1] ~ /^[0-9]+:[0-9]+:[0-9]+:[0-9.]+:[0-9.]+$/ &&
                        f[2] ~ /^[0-9a-f]+$/ && length(f[2]) == 64)
                        known[f[1]] = f[2]
            }
            { print $1 in known ? known[$1] : "-" }')
        [ ${#sum[@]} -eq ${#path[@]} ] || return 1
    fi
    local unknown=() asked=("${path[@]}")
    for i in "${!path[@]}"; do
        [ "${sum[i]--}" != - ] || unknown+=("$i")
    done
    [ ${#unknown[@]} -gt 0 ] || return 0
    path=()
    for i in "${unknown[@]}"; do path+=("${asked[i]}"); done
    mapfile -t new < <(each_path sha256sum -- 2>&1)
    path=("${asked[@]}")
    for line in "${new[@]}"; do
        [[ $line != sha256sum:* ]] || { say "${line#sha256sum: }" && return 1; }
    done
    [ ${#new[@]} -eq ${#unknown[@]} ] || return 1
    for i in "${!new[@]}"; do
        # A backslash marks a name that sha256sum had to write otherwise.
        line=${new[i]#\\}
        sum[unknown[i]]=${line%% *}
    done
    # One that cannot be kept is computed again next time.
    {
        flock 7
        for i in "${unknown[@]}"; do
            local changed=${key[i]##*:}
            [ $((at - ${changed%.*})) -lt "$settled" ] || echo "${key[i]} ${sum[i]}"
        done >&7
    } 2>/dev/null 7>>"$kept"
    return 0
}

# Runs a command with the paths of the array `path` as its last arguments: as many at a time
# as the system takes.
each_path() { # command ...
    if [ ${#path[@]} -le 64 ]; then
        "$@" "${path[@]}"
    else
        printf '%s\0' "${path[@]}" | xargs -0 "$@"
    fi
}
