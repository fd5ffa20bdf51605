# What the completions of all shells take from a row of program, option, letter, kind, argument, help.

# Of "a|b[:N]" the words.
function words(argument) {
    gsub(/\[[^]]*\]/, "", argument)
    gsub(/\|/, " ", argument)
    return argument
}

function sentence(text) {
    sub(/^For --[a-z]*: /, "", text)
    sub(/[.:;] .*/, "", text)
    sub(/\.$/, "", text)
    return text
}

# The variable that an option of heatpipe stands for, if it does.
function variable(    name) {
    if ($1 != "heatpipe" || $4 == "task" || $4 == "own")
        return ""
    name = toupper($2)
    gsub(/-/, "_", name)
    return name
}
