"""Rank correlations counted again: A/data, B/data, images, moved, summary."""
import array
import ast
import csv
import math
import struct
import sys

BELOW = 0.97


def rows(path):
    return list(csv.DictReader(open(path, newline=""), delimiter="\t", quoting=csv.QUOTE_NONE))


def tensor(path):
    data = open(path, "rb").read()
    n = struct.unpack("<H", data[8:10])[0]
    shape = ast.literal_eval(data[10:10 + n].decode())["shape"]
    values = array.array("f")
    values.frombytes(data[10 + n:])
    return shape, values


def ranks(v):
    order, out = sorted(v), []
    for x in v:
        at = [i for i, y in enumerate(order) if y == x]
        out.append(sum(at) / len(at))
    return out


def correlation(a, b):
    a, b = ranks(a), ranks(b)
    ma, mb = sum(a) / len(a), sum(b) / len(b)
    ab = sum((x - ma) * (y - mb) for x, y in zip(a, b))
    return ab / math.sqrt(sum((x - ma) ** 2 for x in a) * sum((y - mb) ** 2 for y in b))


runs = [(rows(f"{d}/predictions.tsv"), *tensor(f"{d}/class_maps.npy")) for d in sys.argv[1:3]]
want = {}
for i in range(len(runs[0][0])):
    maps = []
    for table, (n, classes, h, w), values in runs:
        at = (i * classes + int(table[i]["pred"])) * h * w
        maps.append(values[at:at + h * w])
    want[i] = correlation(*maps)
stayed = {i: c for i, c in want.items() if runs[0][0][i]["pred"] == runs[1][0][i]["pred"]}
moved = sorted((c, i) for i, c in stayed.items() if c < BELOW)
got = [(float(r["map_correlation"]), int(r["id"])) for r in rows(sys.argv[4])]
changed = [(float(r["map_correlation"]), int(r["id"])) for r in rows(sys.argv[3])]
assert len(got) == len(moved) and {i for _, i in got} == {i for _, i in moved}, (got, moved)
assert len(changed) == len(want) - len(stayed)
for c, i in got + changed:
    assert abs(c - want[i]) < 1e-8, (i, c, want[i])
middle = sorted(stayed.values())
median = (middle[(len(middle) - 1) // 2] + middle[len(middle) // 2]) / 2
lines = dict(line.rstrip("\n").split("\t") for line in open(sys.argv[5]))
assert lines["maps_compared"] == str(len(stayed)) and lines["maps_moved"] == str(len(moved))
assert abs(float(lines["map_correlation_median"]) - median) < 1e-8
