"""Compares two tables: words exactly, numbers to 1e-6 of their size."""
import sys

a, b = ([line.rstrip("\n").split("\t") for line in open(f)] for f in sys.argv[1:])
assert len(a) == len(b), (len(a), len(b))
for x, y in zip(a, b):
    assert len(x) == len(y), x
    for p, q in zip(x, y):
        if p != q and not abs(float(p) - float(q)) <= 1e-6 * abs(float(q)):
            print(x[0], p, "expected", q)
