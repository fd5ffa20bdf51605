# Completions for bash: what the functions of functions.bash look up, from rows of
# program, option, letter, kind, argument, help.
BEGIN { FS = "\t" }
$4 == "operands" {
    operands[$1] = $5
    next
}
{
    options[$1] = options[$1] " --" $2
    gsub(/\[:[^]]*\]/, "", $5)
    if ($5 != "NA") {
        argument[$1 " --" $2] = $5
        if ($3 != "NA") argument[$1 " -" $3] = $5
    }
    if ((name = variable()) != "") {
        variables = variables " " name "="
        argument["heatpipe " name "="] = $5
    }
}
END {
    print "# Completions of heatpipe's programs for bash, made from their tables of options."
    put("options", options)
    put("argument", argument)
    put("operands", operands)
    printf "_heatpipe_variables='%s'\n", substr(variables, 2)
}

function put(name, table,    key, n, i, keys) {
    print "declare -gA _heatpipe_" name "=("
    for (key in table) keys[++n] = key
    sort(keys, n)
    for (i = 1; i <= n; i++) print "    ['" keys[i] "']='" table[keys[i]] "'"
    print ")"
}

function sort(list, n,    i, k, x) {
    for (i = 2; i <= n; i++) {
        x = list[i]
        for (k = i; k > 1 && list[k - 1] > x; k--) list[k] = list[k - 1]
        list[k] = x
    }
}
