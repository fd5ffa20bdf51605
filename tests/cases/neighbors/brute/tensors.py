import sys

from vectors import read

rows = [line.split("\t") for line in open(sys.argv[1])][1:]
shape, items = read("items.npy")
assert shape == (300, 12) and list(items) == [int(r[2]) for r in rows]
shape, distances = read("distances.npy")
assert shape == (300, 12)
assert all(abs(a - float(r[3])) <= 1e-6 for a, r in zip(distances, rows))
