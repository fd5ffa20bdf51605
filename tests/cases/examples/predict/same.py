"""Whether predict.py (a) and cifar-predict (b) wrote the same of the bundled example."""
import csv

import numpy as np

for name in "logits", "class_maps", "features", "embeddings", "lw", "lb":
    a, b = (np.load(f"{name}.{k}.npy") for k in "ab")
    assert a.shape == b.shape and np.abs(a - b).max() < 1e-3, name
a, b = (list(csv.reader(open(f"rows.{k}.tsv"), delimiter="\t")) for k in "ab")
assert a[0] == b[0] and len(a) == len(b)
for x, y in zip(a[1:], b[1:]):
    for u, v in zip(x, y):
        assert u == v or abs(float(u) - float(v)) < 1e-3 * max(1, abs(float(v))), (x, y)
print("rows, logits, class maps, features, embeddings and linear layer of the example: as cifar-predict writes them")
