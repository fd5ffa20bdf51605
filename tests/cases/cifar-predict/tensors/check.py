"""Shapes, cpu against ref, and that a map's sum plus the bias is the logit."""

import array
import ast
import math


def load(path):
    data = open(path, "rb").read()
    head = ast.literal_eval(data[10:128].decode())
    return head["shape"], array.array({"<f4": "f", "<i8": "q"}[head["descr"]], data[128:])


for name in ("logits", "features", "maps", "ids", "embeddings", "weights", "biases"):
    shape, cpu = load(f"{name}.cpu")
    same, ref = load(f"{name}.ref")
    print(name, shape, shape == same and len(cpu) == math.prod(shape) == len(ref))
    most = max(map(abs, ref))
    assert all(abs(a - b) <= 1e-4 * most for a, b in zip(cpu, ref)), name

_, logits = load("logits.cpu")
(n, classes, h, w), maps = load("maps.cpu")
bias = [[logits[i * classes + c] - sum(maps[(i * classes + c) * h * w:][:h * w])
         for c in range(classes)] for i in range(n)]
assert all(abs(a - b) <= 1e-4 for row in bias for a, b in zip(row, bias[0]))
assert list(load("ids.cpu")[1]) == list(range(n))

# The linear layer makes logits of embeddings.
(_, c), x = load("embeddings.cpu")
w, b = load("weights.cpu")[1], load("biases.cpu")[1]
for i in range(n):
    for k in range(classes):
        z = sum(x[i * c + j] * w[k * c + j] for j in range(c)) + b[k]
        assert abs(z - logits[i * classes + k]) <= 1e-4 * max(1, abs(z)), (i, k)
