"""Logits in NumPy, with their rows: python3 examples/tools/logits_numpy.py p.tsv logits.npy

Item i of a tensor belongs to row i of its table. numpy.load reads the first record of a file,
and what heatpipe writes into a file is one; join_npy.py makes one of a stream of several.
"""
import csv
import sys

import numpy as np

with open(sys.argv[1], encoding="utf-8", newline="\n") as f:
    rows = list(csv.DictReader(f, delimiter="\t", quoting=csv.QUOTE_NONE))
logits = np.load(sys.argv[2], mmap_mode="r")

known = np.flatnonzero([r["true"] != "NA" for r in rows])
true = np.array([int(rows[i]["true"]) for i in known])
z = logits[known].astype(np.float64)


def loss(temperature):
    """Mean negative log-likelihood of the labels."""
    scaled = z / temperature
    top = scaled.max(1)
    return np.mean(top + np.log(np.exp(scaled - top[:, None]).sum(1)) - scaled[np.arange(len(true)), true])


temperature = min(np.linspace(.5, 4, 351), key=loss)
print(f"temperature {temperature:.2f}: loss {loss(1):.3f} before, {loss(temperature):.3f} after")

# What is likely to be of another kind than the training images has little energy (Liu et al., 2020).
energy = np.log(np.exp(logits[:]).sum(1))
print("least energy: images", *(rows[i]["id"] for i in np.argsort(energy, kind="stable")[:5]))
