"""check.py A B TOLERANCE: whether two tensors differ by at most TOLERANCE of A's largest."""

import array
import ast
import sys


def load(path):
    data = open(path, "rb").read()
    head = ast.literal_eval(data[10:128].decode())
    assert head["descr"] == "<f4", head
    return head["shape"], array.array("f", data[128:])


(shape, a), (other, b) = load(sys.argv[1]), load(sys.argv[2])
most = max(map(abs, a))
far = [abs(x - y) / most for x, y in zip(a, b)]
if shape != other or not all(f <= float(sys.argv[3]) for f in far):
    sys.exit(f"{sys.argv[1]} {shape} and {sys.argv[2]} {other} differ by {max(far):.2g}")
