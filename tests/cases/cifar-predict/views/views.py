"""make: each view of the images as a file of its own. check: what the runs on them give."""

import array
import ast
import math
import sys

SIDE, HEAD = 32, 2
VIEWS = {"same": lambda x, y: (x, y), "mirror": lambda x, y: (SIDE - 1 - x, y),
         "up": lambda x, y: (x, max(y - 1, 0)), "down": lambda x, y: (x, min(y + 1, SIDE - 1)),
         "left": lambda x, y: (max(x - 1, 0), y), "right": lambda x, y: (min(x + 1, SIDE - 1), y)}
SETS = {"mirror": ("same", "mirror"), "shifts": ("same", "up", "down", "left", "right")}


def make():
    size = HEAD + 3 * SIDE * SIDE
    data = open("test.bin", "rb").read()
    for name, source in VIEWS.items():
        at = [(x, y) for y in range(SIDE) for x in range(SIDE)]
        order = [c * SIDE * SIDE + y * SIDE + x
                 for c in range(3) for x, y in (source(*p) for p in at)]
        with open(f"view.{name}.bin", "wb") as f:
            for i in range(0, len(data), size):
                pixels = data[i + HEAD:i + size]
                f.write(data[i:i + HEAD] + bytes(pixels[j] for j in order))


def load(path):
    data = open(path, "rb").read()
    head = ast.literal_eval(data[10:128].decode())
    return head["shape"], array.array("f", data[128:])


def table(path):
    rows = [line.rstrip("\n").split("\t") for line in open(path)]
    return [dict(zip(rows[0], row)) for row in rows[1:]]


def softmax(z):
    e = [math.exp(v - max(z)) for v in z]
    return [v / sum(e) for v in e]


def close(a, b):
    return abs(a - b) <= 1e-4 * max(1, abs(b))


def check():
    each = {}
    for name in VIEWS:
        (n, classes), z = load(f"view.{name}.bin.logits")
        each[name] = [z[i * classes:(i + 1) * classes] for i in range(n)]
    for views, names in SETS.items():
        for device in ("cpu", "ref"):
            shape, z = load(f"{views}.{device}")
            assert shape == (n if device == "cpu" else 11, classes)
            for i, row in enumerate(table(f"rows.{views}.{device}")):
                mean = [sum(each[v][i][c] for v in names) / len(names) for c in range(classes)]
                got = z[i * classes:(i + 1) * classes]
                assert all(map(close, got, mean)), (views, i)
                pred = int(row["pred"])
                assert pred == max(range(classes), key=got.__getitem__)
                assert close(float(row["conf"]), softmax(mean)[pred])
                own = [max(range(classes), key=each[v][i].__getitem__) for v in names]
                assert close(float(row["views_agree"]), own.count(pred) / len(names))
                least = min(softmax(each[v][i])[pred] for v in names)
                assert close(float(row["views_conf_min"]), least)
    agree = [float(r["views_agree"]) for r in table("rows.shifts.cpu")]
    assert min(agree) < 1 and max(agree) == 1, "the views of some images disagree"
    for device in ("cpu", "ref"):
        (count, c, h, w), f = load(f"features.none.{device}")
        shape, e = load(f"embeddings.none.{device}")
        assert shape == (count, c)
        cells = h * w
        assert all(close(e[k], sum(f[k * cells:(k + 1) * cells]) / cells) for k in range(count * c))
    assert "views_agree" not in table("rows.none.cpu")[0]


{"make": make, "check": check}[sys.argv[1]]()
