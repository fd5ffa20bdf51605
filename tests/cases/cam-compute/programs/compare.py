"""compare.py LOGITS WANT MAPS WANT: the first columns, and every second cell, within 1e-4."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[3] / "golden" / "cam"))
import npy

(items, classes), logits = npy.load(sys.argv[1])
(_, columns), want = npy.load(sys.argv[2])
for i in range(items):
    for k in range(classes):
        a, b = logits[i * classes + k], want[i * columns + k]
        if not abs(a - b) <= 1e-4 * max(1, abs(b)):
            sys.exit(f"logit {k} of image {i} is {a}, expected {b}")
(_, _, h, w), maps = npy.load(sys.argv[3])
(_, _, rows, cells), want = npy.load(sys.argv[4])
for y in range(rows):
    for x in range(cells):
        a, b = maps[2 * y * w + 2 * x], want[y * cells + x]
        if not abs(a - b) <= 1e-4:
            sys.exit(f"the map is {a} at {2 * y}, {2 * x}, expected {b}")
