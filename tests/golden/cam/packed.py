#!/usr/bin/env python3
"""Compares maps with a golden file of methods/, with the standard library alone.

    packed.py MAPS GOLDEN TOLERANCE [LAYER SCORE | INDEX]    exit status 1 where they differ; NaN
                                                             differs

LAYER and SCORE, or INDEX, choose among those of a file that holds several; maps.py writes the
former, programs/methods.py the latter.
"""
import array
import ast
import sys

LAYERS, SCORES = ["layer2", "layer3", "layer4"], ["logit", "logprob"]


def load(path):
    with open(path, "rb") as f:
        data = f.read()
    end = 10 + int.from_bytes(data[8:10], "little")
    head = ast.literal_eval(data[10:end].decode())
    values = array.array({"<f4": "f", "<u2": "H"}[head["descr"]])
    values.frombytes(data[end:])
    return head["shape"], values


def main(maps, golden, tolerance, layer=None, score=None):
    (n, planes, h, w), values = load(maps)
    shape, want = load(golden)
    if shape[-4:] != (n, planes, h // 2, w // 2):
        sys.exit(f"{maps} has shape {(n, planes, h, w)}, {golden} {shape}")
    at = 0
    each = n * planes * (h // 2) * (w // 2)
    if score:
        at = (LAYERS.index(layer) * len(SCORES) + SCORES.index(score)) * each
    elif layer:
        at = int(layer) * each
    for plane in range(n * planes):
        for y in range(0, h, 2):
            for x in range(0, w, 2):
                value, other = values[(plane * h + y) * w + x], want[at] / 65535
                # Half a step of what is stored.
                if not abs(value - other) <= tolerance + 1 / 131070:
                    sys.exit(f"{maps}, {golden}: plane {plane}, cell {y},{x}: {value} and {other}")
                at += 1


if __name__ == "__main__":
    if len(sys.argv) not in (4, 5, 6):
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]), *sys.argv[4:])
