"""compare.py rows A.tsv B.tsv TOLERANCE GAP | tensor A.npy B.npy TOLERANCE

Rows: the same columns and ids; numbers within the tolerance; another answer only where
the two best logits of A are at most GAP apart.
Tensors: the same items; root mean square of the difference over that of A."""
import array
import ast
import math
import sys

ANSWER = {"pred", "correct", "conf", "pred_name", "pred_group", "rank_true"}


def tensor(path):
    data, values, at, items = open(path, "rb").read(), array.array("f"), 0, None
    while at < len(data):
        end = at + 10 + int.from_bytes(data[at + 8:at + 10], "little")
        shape = ast.literal_eval(data[at + 10:end].decode())["shape"]
        count = math.prod(shape)
        values.frombytes(data[end:end + 4 * count])
        items, at = shape[1:], end + 4 * count
    return items, values


def tensors(a, b, tolerance):
    (shape, x), (other, y) = tensor(a), tensor(b)
    if shape != other or len(x) != len(y):
        return f"shapes {shape} * {len(x)}, {other} * {len(y)}"
    square = sum((p - q) ** 2 for p, q in zip(x, y))
    error = math.sqrt(square / sum(p * p for p in x))
    return "alike" if error <= tolerance else f"differ by {error:.3g}"


def rows(a, b, tolerance, gap=0.0):
    x, y = ([line.rstrip("\n").split("\t") for line in open(p)] for p in (a, b))
    if x[0] != y[0] or [r[0] for r in x] != [r[0] for r in y]:
        return "other columns or ids"
    for p, q in zip(x[1:], y[1:]):
        row = dict(zip(x[0], p))
        flip = "pred" in row and row["pred"] != q[x[0].index("pred")]
        if flip and math.log(float(row["conf"]) / float(row["conf2"])) > gap:
            return f"row {p[0]}: another answer"
        for name, u, v in zip(x[0], p, q):
            if u == v or flip and name in ANSWER or name.startswith(("pred", "rank")):
                continue
            if not abs(float(u) - float(v)) <= tolerance * max(1, abs(float(u))):
                return f"row {p[0]}: {name} {u}, {v}"
    return "alike"


kind, a, b, *limits = sys.argv[1:]
print({"rows": rows, "tensor": tensors}[kind](a, b, *map(float, limits)))
