#!/usr/bin/env python3
"""A predictor for the pipeline in Python's standard library: 60 images, 5 classes.

    standin.py MAPS -- --model FILE --data PATH [--logits FILE] [--class-maps FILE] ...

MAPS is `class-maps`, `cams` or `none`: what this model is able to write. It takes the options
of cifar-predict that the pipeline gives and writes what these name.
"""
import math
import struct
import sys

N, CLASSES, SIDE = 60, 5, 4


def npy(path, shape, values):
    head = ("{'descr': '<f4', 'fortran_order': False, 'shape': %r, }" % (shape,)).ljust(117).encode()
    with open(path, "wb") as f:
        f.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", 118) + head + b"\n")
        f.write(struct.pack("<%df" % len(values), *values))


def number(*at):
    """Something between -1 and 1."""
    return math.sin(sum((k + 1.7) * (i + 3.1) ** 2 for k, i in enumerate(at)))


able, dashes, *words = sys.argv[1:]
assert dashes == "--" and able in ("class-maps", "cams", "none")
given = dict(zip(words[::2], words[1::2]))
assert set(given) <= {"--model", "--data", "--device", "--precision", "--logits", "--class-maps", "--classes",
                      "--run", "--ids", "--embeddings", "--linear-weights", "--linear-biases", "--layer", "--cams", "--target", "--score"}, sorted(given)
maps = [[[number(i, c, k) for k in range(SIDE * SIDE)] for c in range(CLASSES)] for i in range(N)]
logits = [[sum(m) for m in image] for image in maps]
print("\t".join("id true pred correct conf p_true rank_true margin entropy loss true_name pred_name true_group "
                "pred_group pred2 pred3 pred4 pred5 conf2 conf3 conf4 conf5".split()))
pred = [max(range(CLASSES), key=lambda c: z[c]) for z in logits]
true = [pred[i] if i % 3 else i % CLASSES for i in range(N)]
for i, z in enumerate(logits):
    total = sum(map(math.exp, z))
    p = [math.exp(v) / total for v in z]
    order = sorted(range(CLASSES), key=lambda c: -z[c])
    t, a = true[i], pred[i]
    margin = z[t] - max(v for c, v in enumerate(z) if c != t)
    row = [i, t, a, int(t == a), p[a], p[t], order.index(t) + 1, margin, -sum(q * math.log(q) for q in p),
           -math.log(p[t]), f"kind {t}", f"kind {a}", "NA", "NA", *order[1:], *(p[c] for c in order[1:])]
    print("\t".join("%.9g" % v if isinstance(v, float) else str(v) for v in row))
with open(given["--classes"], "w") as f:
    f.write("class\tname\tgroup\tgroup_name\n" + "".join(f"{c}\tkind {c}\tNA\tNA\n" for c in range(CLASSES)))
npy(given["--logits"], (N, CLASSES), [v for z in logits for v in z])
with open(given["--run"], "w") as f:
    f.write("name\tvalue\nversion\tstand-in\nwarning\tThe first.\nwarning\tThe second.\n")
    if able == "class-maps":
        f.write(f"layer\tconv5\nmethod\tgradcam\nscore\tlogit\nmap_size\t{SIDE}x{SIDE}\nfiner_layer\tNA\n")
flat = SIDE * SIDE
if able == "class-maps" and "--class-maps" in given:
    npy(given["--class-maps"], (N, CLASSES, SIDE, SIDE), [v for image in maps for m in image for v in m])
if able == "cams" and "--cams" in given:
    planes = []
    for word in given["--target"].split(","):
        assert word in ("true", "pred", "margin")
    for i, image in enumerate(maps):
        of = {"true": image[true[i]], "pred": image[pred[i]]}
        of["margin"] = [a - b for a, b in zip(of["pred"], of["true"])]
        planes += [v for word in given["--target"].split(",") for v in of[word]]
    npy(given["--cams"], (N, 3, SIDE, SIDE), planes)
