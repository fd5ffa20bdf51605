# Completions for zsh from rows of program, option, letter, kind, argument, help; `commands` are
# the names that programs are installed under.
BEGIN {
    FS = "\t"
    print "#compdef " commands
    print "# Completions of heatpipe's programs, made from their tables of options."
    print "_heatpipe_program() {"
    print "    case $1 in"
}
$1 != program {
    if (program != "") finish()
    program = $1
    print "    " program ")"
    printf "        _arguments -s -S"
}
$4 == "operands" {
    operands = $5
    next
}
{
    value = $5 == "NA" ? "" : ":" quoted($5) ":" action($5)
    text = "[" quoted(sentence($6)) "]"
    if ($3 != "NA")
        printf " \\\n            {-%s%s,--%s%s}'%s%s'", $3, value == "" ? "" : "+", $2, value == "" ? "" : "=", text, value
    else
        printf " \\\n            '--%s%s%s%s'", $2, value == "" ? "" : "=", text, value
    if ((name = variable()) != "") {
        variables = variables " " name "="
        if (action($5) != " ") values = values "        " name "=) _alternative '" name ":" name ":" action($5) "' ;;\n"
    }
}
END {
    finish()
    print "    esac"
    print "}"
    print "_heatpipe_variable() {"
    print "    local name"
    print "    if [[ $PREFIX == [A-Z_]##=* ]]; then"
    print "        name=${PREFIX%%=*}="
    print "        compset -P '*='"
    print "        case $name in"
    printf "%s", values
    print "        esac"
    print "    else"
    print "        compadd -S '' --" variables
    print "        _files"
    print "    fi"
    print "}"
    print "_heatpipe() {"
    print "    setopt localoptions extendedglob"
    print "    local name=${${service:-$words[1]}#heatpipe-}"
    print "    local -a programs=(" programs ")"
    print "    if [[ $name == heatpipe && $CURRENT -gt 2 && -n ${programs[(r)$words[2]]} ]]; then"
    print "        name=$words[2]"
    print "        shift words"
    print "        (( CURRENT-- ))"
    print "    fi"
    print "    _heatpipe_program $name"
    print "}"
    print "_heatpipe \"$@\""
}

function finish() {
    if (program == "heatpipe") {
        gsub(/\|/, " ", operands)
        printf " \\\n            '1: :{ compadd -- %s; _heatpipe_variable }' '*: :_heatpipe_variable'\n", operands
    } else {
        programs = programs (programs == "" ? "" : " ") program
        if (index(operands, "|")) {
            gsub(/\|/, " ", operands)
            printf " \\\n            '1: :(%s)' '*:FILE:_files'\n", operands
        } else
            printf "%s\n", operands == "NA" ? "" : " \\\n            '*:FILE:_files'"
    }
    print "        ;;"
}

function action(argument) {
    if (index(argument, "|"))
        return "(" words(argument) ")"
    return argument ~ /^(FILES?|PATH)$/ ? "_files" : argument == "DIR" ? "_files -/" : " "
}

function quoted(text) {
    gsub(/\\|:|\[|\]/, "\\\\&", text)
    gsub(/'/, "'\\''", text)
    return text
}
