#!/usr/bin/env python3
"""Tensors for tests, with the standard library alone.

    npy.py write FILE SHAPE VALUE ...    float32; SHAPE as 2,3,4; one value fills
    npy.py ids FILE VALUE ...            int64
    npy.py show [FILE]                   shape of each record, an item's planes a line
    npy.py compare A B TOLERANCE         exit status 1 where they differ; NaN differs
    npy.py relative A B TOLERANCE        the same, of the largest number of B's item
"""
import array
import ast
import math
import struct
import sys


def write(path, descr, code, shape, values):
    count = math.prod(shape)
    if len(values) == 1:
        values = values * count
    assert len(values) == count, (shape, len(values))
    header = repr({"descr": descr, "fortran_order": False, "shape": tuple(shape)})
    with open(path, "wb") as f:
        f.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", 118) + header.ljust(117).encode() + b"\n")
        f.write(array.array(code, values).tobytes())


def records(f):
    while magic := f.read(10):
        length = struct.unpack("<H", magic[8:])[0]
        head = ast.literal_eval(f.read(length).decode())
        code = {"<f4": "f", "<i8": "q", "|u1": "B"}[head["descr"]]
        values = array.array(code)
        values.frombytes(f.read(math.prod(head["shape"]) * values.itemsize))
        assert len(values) == math.prod(head["shape"]), "short record"
        yield head["shape"], values


def load(path):
    shape, values = (0,), array.array("f")
    with open(path, "rb") as f:
        for s, v in records(f):
            shape = (shape[0] + s[0], *s[1:])
            values += v
    return shape, values


def show(f):
    for shape, values in records(f):
        print(*shape)
        cells = math.prod(shape[2:])
        for at in range(0, len(values), cells):
            print(*(f"{v:.4g}" for v in values[at : at + cells]))


def compare(a, b, tolerance):
    (shape_a, va), (shape_b, vb) = load(a), load(b)
    if shape_a != shape_b:
        sys.exit(f"{a} has shape {shape_a}, {b} {shape_b}")
    if not va:
        sys.exit(f"{a}, {b}: empty")
    worst = 0.0
    for i, (x, y) in enumerate(zip(va, vb)):
        if not abs(x - y) <= tolerance:
            sys.exit(f"{a}, {b}: element {i} of {shape_a}: {x} and {y}")
        worst = max(worst, abs(x - y))
    return worst


def relative(a, b, tolerance):
    """The same, with the tolerance times the largest magnitude in each item of `b`."""
    (shape_a, va), (shape_b, vb) = load(a), load(b)
    if shape_a != shape_b:
        sys.exit(f"{a} has shape {shape_a}, {b} {shape_b}")
    if not va:
        sys.exit(f"{a}, {b}: empty")
    each, worst = math.prod(shape_a[1:]), 0.0
    for item in range(shape_a[0]):
        x, y = (v[item * each : (item + 1) * each] for v in (va, vb))
        most = max(map(abs, y))
        for i in range(each):
            if not abs(x[i] - y[i]) <= tolerance * most:
                sys.exit(f"{a}, {b}: number {i} of item {item}: {x[i]} and {y[i]}, largest {most}")
            worst = max(worst, abs(x[i] - y[i]) / most if most else 0.0)
    return worst


if __name__ == "__main__":
    what, *args = sys.argv[1:]
    if what == "write":
        write(args[0], "<f4", "f", [int(n) for n in args[1].split(",")], [float(v) for v in args[2:]])
    elif what == "ids":
        write(args[0], "<i8", "q", [len(args) - 1], [int(v) for v in args[1:]])
    elif what == "show":
        show(open(args[0], "rb") if args else sys.stdin.buffer)
    elif what == "compare":
        compare(args[0], args[1], float(args[2]))
    elif what == "relative":
        relative(args[0], args[1], float(args[2]))
    else:
        sys.exit(__doc__)
