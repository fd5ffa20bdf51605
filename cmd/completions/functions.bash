
# Replies with the words that begin as `cur` does.
_heatpipe_reply() { # words
    mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur")
}

# Replies for a value whose name in the help is $1.
_heatpipe_value() {
    case $1 in
    *'|'*) _heatpipe_reply "${1//|/ }" ;;
    FILE | FILES | PATH | *' FILE'* | '[FILE'*)
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        compopt -o filenames 2>/dev/null
        ;;
    DIR)
        mapfile -t COMPREPLY < <(compgen -d -- "$cur")
        compopt -o filenames 2>/dev/null
        ;;
    esac
}

# One program, whose name is word $2 of the line.
_heatpipe_program() { # program, index of its name
    local option='' value=''
    # readline takes = for a word of its own, or not, as COMP_WORDBREAKS has it.
    if [ "$cur" = = ]; then
        option=${COMP_WORDS[COMP_CWORD - 1]}= cur=
    elif [ "${COMP_WORDS[COMP_CWORD - 1]}" = = ] && [ "$COMP_CWORD" -gt $(($2 + 2)) ]; then
        option=${COMP_WORDS[COMP_CWORD - 2]}=
    elif [[ $cur == *=* ]]; then
        option=${cur%%=*}= value=$option cur=${cur#*=}
    elif [ "$COMP_CWORD" -gt $(($2 + 1)) ]; then
        option=${COMP_WORDS[COMP_CWORD - 1]}
    fi
    # Of an option the = is no part, of a variable it is.
    [[ $option != -* ]] || option=${option%=}
    option=${option:+${_heatpipe_argument["$1 $option"]-}}
    if [ -n "$option" ]; then
        _heatpipe_value "$option"
        COMPREPLY=("${COMPREPLY[@]/#/$value}")
    elif [[ $cur == -* ]]; then
        _heatpipe_reply "${_heatpipe_options[$1]}"
    elif [ "$1" = heatpipe ]; then
        if [ "$COMP_CWORD" -eq 1 ]; then _heatpipe_reply "${_heatpipe_operands[$1]//|/ } $_heatpipe_variables"; else _heatpipe_reply "$_heatpipe_variables"; fi
        if [ ${#COMPREPLY[@]} -eq 0 ]; then
            _heatpipe_value FILE
        elif [[ ${COMPREPLY[0]} == *= ]]; then
            compopt -o nospace 2>/dev/null
        fi
    else
        _heatpipe_value "${_heatpipe_operands[$1]}"
        [ "$COMP_CWORD" -eq $(($2 + 1)) ] || [ ${#COMPREPLY[@]} -gt 0 ] || _heatpipe_value FILE
    fi
}

_heatpipe() {
    local name=${COMP_WORDS[0]##*/} cur=${COMP_WORDS[COMP_CWORD]} at=0
    COMPREPLY=()
    name=${name#heatpipe-}
    if [ "$name" = heatpipe ] && [ "$COMP_CWORD" -gt 1 ] && [ -n "${_heatpipe_options[${COMP_WORDS[1]:-none}]-}" ]; then
        name=${COMP_WORDS[1]} at=1
    fi
    _heatpipe_program "$name" "$at"
}
