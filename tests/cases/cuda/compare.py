"""compare.py rows A.tsv B.tsv TOLERANCE GAP | tensor A.npy B.npy TOLERANCE
    | predictions A.logits B.logits A.maps B.maps

Rows: the same columns and ids; numbers within the tolerance; another prediction only where
the two best logits of A are at most GAP apart.
Predictions: how many differ, and how far the two best logits of A are apart there at most;
the largest difference of a logit; the least correlation of the maps of A's predictions.
Tensors: the same items; root mean square of the difference over that of A."""
import array
import ast
import math
import sys

PREDICTION = {"pred", "correct", "conf", "pred_name", "pred_group", "rank_true"}


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
            return f"row {p[0]}: another prediction"
        for name, u, v in zip(x[0], p, q):
            if u == v or flip and name in PREDICTION or name.startswith(("pred", "rank")):
                continue
            if not abs(float(u) - float(v)) <= tolerance * max(1, abs(float(u))):
                return f"row {p[0]}: {name} {u}, {v}"
    return "alike"


def correlation(x, y):
    mx, my = sum(x) / len(x), sum(y) / len(y)
    xx = sum((p - mx) ** 2 for p in x) * sum((q - my) ** 2 for q in y)
    return sum((p - mx) * (q - my) for p, q in zip(x, y)) / math.sqrt(xx)


def predictions(a, b, maps_a, maps_b):
    ((classes,), x), (_, y) = tensor(a), tensor(b)
    ((_, *size), p), (_, q) = tensor(maps_a), tensor(maps_b)
    cells, images, flips, least = math.prod(size), len(x) // classes, [], 1.0
    for i in range(images):
        u, v = x[i * classes:(i + 1) * classes], y[i * classes:(i + 1) * classes]
        best = u.index(max(u))
        if best != v.index(max(v)):
            flips.append(max(u) - sorted(u)[-2])
        at = (i * classes + best) * cells
        least = min(least, correlation(p[at:at + cells], q[at:at + cells]))
    far = max(abs(u - v) for u, v in zip(x, y))
    gap = f", the two best logits at most {max(flips):.2g} apart" if flips else ""
    return (f"{len(flips)} of {images} predictions differ{gap}; logits by at most {far:.2g}; "
            f"maps correlate by at least {math.floor(least * 1e5) / 1e5:.5f}")


kind, a, b, *limits = sys.argv[1:]
if kind == "predictions":
    print(predictions(a, b, *limits))
else:
    print({"rows": rows, "tensor": tensors}[kind](a, b, *map(float, limits)))
