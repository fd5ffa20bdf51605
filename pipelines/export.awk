# The misclassified images of a table of predictions, each twice: as one that its class misses,
# and as a false positive of the predicted class. Adds the columns class_folder, side and picture,
# the place of the picture.
BEGIN { FS = OFS = "\t" }
function folder(class, name) {
    name = tolower(name)
    gsub(/[^a-z0-9_-]/, "_", name)
    return sprintf("class_%03d_%s", class, substr(name, 1, 60))
}
function name_of(column, class) {
    return column in at && $at[column] != "NA" ? $at[column] : class
}
function row(class, name, kind) {
    print $0, folder(class, name), kind, folder(class, name) "/" kind "/" $at["id"] ".png"
}
NR == 1 {
    for (i = NF; i > 0; i--) at[$i] = i
    print $0, "class_folder", "side", "picture"
    next
}
$at["true"] != "NA" && $at["true"] != $at["pred"] {
    row($at["true"], name_of("true_name", $at["true"]), "missed")
    row($at["pred"], name_of("pred_name", $at["pred"]), "false_positives")
}
