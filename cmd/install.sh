#!/usr/bin/env bash
# Installs files, and removes all of what an earlier call installed.
#
#   install.sh install [MODE FILE PLACE] ...
#   install.sh uninstall
#
# MODE is that of the copy, such as 644, or `link`: then PLACE becomes a symbolic link to the
# place FILE. A place begins with the name of a variable that holds a folder: LIBDIR/heatpipe/x.
# All stands in the folder DESTDIR, which no link names.
#
# LIBDIR/heatpipe/installed lists the files and, with a slash behind, the folders that were
# not there before, each with a NUL behind and without DESTDIR.
set -eu
# Everybody may read what is installed, whoever installs it.
umask 022

die() {
    echo "install: $1" >&2
    exit 1
}

# The path of a place without DESTDIR, as `path`.
find_place() { # BASE/NAME
    local base=${1%%/*}
    path=${!base}/${1#*/}
    if [[ $path != /* ]]; then
        if [ -n "$DESTDIR" ]; then path=/$path; else path=$PWD/$path; fi
    fi
}

made=() files=()
make_folder() { # path without DESTDIR
    local folder=$1 missing=() i
    while [ ! -d "$DESTDIR$folder" ] && [ ! -L "$DESTDIR$folder" ]; do
        missing+=("$folder/")
        [ -n "$folder" ] || break
        folder=${folder%/*}
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    for ((i = ${#missing[@]} - 1; i >= 0; i--)); do
        mkdir -p -- "$DESTDIR${missing[i]}"
        made+=("${missing[i]}")
    done
}

write_list() { # entries
    printf '%s\0' "$@" | LC_ALL=C sort -zu >"$list.new"
    mv -f -- "$list.new" "$list"
}

# Folders that were made here go once they are empty, the inner ones first.
remove_folders() { # entries
    local entry
    while IFS= read -r -d '' entry; do
        [[ $entry != */ ]] || rmdir -- "$DESTDIR$entry" 2>/dev/null || true
    done < <(printf '%s\0' "$@" | LC_ALL=C sort -zr)
}

find_place LIBDIR/heatpipe/installed
own=$path
list=$DESTDIR$own
old=()
[ ! -e "$list" ] || mapfile -d '' -t old <"$list"

action=$1
shift
case $action in
install)
    plan=("$@")
    for ((i = 0; i < ${#plan[@]}; i += 3)); do
        find_place "${plan[i + 2]}"
        files+=("$path")
        [ ! -d "$DESTDIR$path" ] || [ -L "$DESTDIR$path" ] || die "$DESTDIR$path: expected a file or nothing, found a folder"
        make_folder "${path%/*}"
    done
    # What is cut short can be removed, too.
    write_list "${old[@]}" "${made[@]}" "${files[@]}" "$own"
    for ((i = 0; i < ${#plan[@]}; i += 3)); do
        to=$DESTDIR${files[i / 3]}
        if [ "${plan[i]}" = link ]; then
            find_place "${plan[i + 1]}"
            # From where both stand, so that all of it can be moved.
            ln -srfT -- "$DESTDIR$path" "$to"
        else
            install -m "${plan[i]}" -T -- "${plan[i + 1]}" "$to"
        fi
    done
    # What an earlier version had and this one has not.
    declare -A new=()
    for path in "${files[@]}" "$own"; do new[$path]=1; done
    kept=()
    for path in "${old[@]}"; do
        if [[ $path == */ ]]; then
            kept+=("$path")
        elif [ -z "${new[$path]-}" ]; then
            rm -f -- "$DESTDIR$path"
        fi
    done
    remove_folders "${kept[@]}"
    for i in "${!kept[@]}"; do [ -d "$DESTDIR${kept[i]}" ] || unset "kept[i]"; done
    write_list "${kept[@]}" "${made[@]}" "${files[@]}" "$own"
    ;;
uninstall)
    if [ ${#old[@]} -eq 0 ]; then
        echo "uninstall: nothing is installed here: there is no $list" >&2
        exit 0
    fi
    for path in "${old[@]}"; do
        [[ $path == */ ]] || rm -f -- "$DESTDIR$path"
    done
    remove_folders "${old[@]}"
    ;;
*) die "expected install or uninstall, found '$action'" ;;
esac
