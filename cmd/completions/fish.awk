# Completions for fish from rows of program, option, letter, kind, argument, help: a file for each
# command in the folder `out`. `general` are the programs that are installed as heatpipe-NAME.
BEGIN {
    FS = "\t"
    n = split(general, word, " ")
    for (i = 1; i <= n; i++) is_general[word[i]] = 1
}
$1 != program {
    program = $1
    command = (program in is_general ? "heatpipe-" : "") program
    file = out "/" command ".fish"
    print "# Completions of " command ", made from its table of options." > file
    if (program == "heatpipe") own = " -n 'not __heatpipe_program'"
    else own = ""
}
$4 == "operands" {
    if (program == "heatpipe") heatpipe($5)
    else if (index($5, "|")) print "complete -c " command " -n 'test (count (commandline -opc)) -eq 1' -a '" words($5) "'" > file
    next
}
{
    line = "complete -c " command own " -l " $2
    if ($3 != "NA") line = line " -s " $3
    if ($5 ~ /\|/) line = line " -x -a '" words($5) "'"
    else if ($5 == "DIR") line = line " -x -a '(__fish_complete_directories)'"
    else if ($5 ~ /^(FILES?|PATH)$/) line = line " -r -F"
    else if ($5 != "NA") line = line " -x"
    print line " -d '" quoted(sentence($6)) "'" > file
    if ((name = variable()) != "") {
        variables = variables " " name "="
        if ($5 ~ /\|/) {
            k = split(words($5), value, " ")
            for (i = 1; i <= k; i++) variables = variables " " name "=" value[i]
        }
    }
}

# The first word may be a program, whose completions follow then.
function heatpipe(operands) {
    print "function __heatpipe_program" > file
    print "    set -l words (commandline -opc)" > file
    print "    test (count $words) -gt 1; and contains -- $words[2] $__heatpipe_programs" > file
    print "end" > file
    print "function __heatpipe_arguments" > file
    print "    set -l words (commandline -opc)" > file
    print "    set -l name $words[2]" > file
    print "    contains -- $name " general "; and set name heatpipe-$name" > file
    print "    complete -C (string join -- ' ' $name (string escape -- $words[3..-1]) (commandline -ct))" > file
    print "end" > file
    names = operands
    gsub(/\|/, " ", names)
    print "set -g __heatpipe_programs " programs(names) > file
    print "complete -c heatpipe -n __heatpipe_program -f -a '(__heatpipe_arguments)'" > file
    print "complete -c heatpipe -n 'test (count (commandline -opc)) -eq 1' -a '" names "'" > file
    print "complete -c heatpipe -n 'not __heatpipe_program' -a '" substr(variables, 2) "'" > file
}

# Those after the tasks, which end with verify.
function programs(names) {
    sub(/.* verify /, "", names)
    return names
}

function quoted(text) {
    gsub(/\\/, "\\\\", text)
    gsub(/'/, "\\'", text)
    return text
}
