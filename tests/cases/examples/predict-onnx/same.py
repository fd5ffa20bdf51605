"""What the tensors and rows of both programs, *.a and *.b, have in common."""
import csv
import os

import numpy as np

said = []
for name in "logits", "embeddings", "weights", "biases", "maps":
    a, b = (np.load(f"{name}.{k}") if os.path.exists(f"{name}.{k}") else None for k in "ab")
    if a is None or b is None:
        said.append(f"no {name}" if b is None and a is None else f"{name} of {'cifar-predict' if a is None else 'ONNX Runtime'} alone")
    else:
        near = a.shape == b.shape and np.abs(a - b).max() <= 1e-4 * max(1, np.abs(b).max())
        said.append(name if near else f"OTHER {name} {a.shape} {b.shape}")
a, b = (list(csv.reader(open(f"rows.{k}"), delimiter="\t")) for k in "ab")
assert len(a) == len(b)
for x, y in zip(a, b):
    assert all(u == v or abs(float(u) - float(v)) < 1e-3 for u, v in zip(x, y)), (x, y)
print("rows,", ", ".join(said))
