# shellcheck shell=bash disable=SC2154
# What the example reads of an analysis, and the data set it makes of it; to be sourced.
mkdir -p results/data
cifar-predict -m "$EX/model.pth" -d "$EX" -n 40 --logits results/data/logits.npy --class-maps results/data/class_maps.npy \
    --classes results/data/classes.tsv --run results/data/run.tsv >results/data/predictions.tsv
label-check --logits results/data/logits.npy results/data/predictions.tsv >results/data/label_check.tsv
python3 "$tools/fiftyone_dataset.py" results "$EX" fifty
