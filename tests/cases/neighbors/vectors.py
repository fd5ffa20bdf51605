"""Embeddings for tests: vectors.py FILE COUNT LENGTH SEED [like FILE]. Some vectors come twice,
one is zero; `like` copies the first vectors of another file into the middle."""

import array
import random
import struct
import sys


def write(path, shape, values, code="f"):
    kind = {"f": "<f4", "q": "<i8"}[code]
    shape = "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"
    head = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}"
    with open(path, "wb") as f:
        f.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", 118) + head.ljust(117).encode() + b"\n")
        f.write(array.array(code, values).tobytes())


def read(path):
    data = open(path, "rb").read()
    head = eval(data[10:128])
    values = array.array({"<f4": "f", "<i8": "q"}[head["descr"]], data[128:])
    return head["shape"], values


if __name__ == "__main__":
    path, count, length, seed = sys.argv[1], *map(int, sys.argv[2:5])
    rnd = random.Random(seed)
    rows = [[rnd.gauss(0, 1) + (i % 7 == k) * 3 for k in range(length)] for i in range(count)]
    for i in range(10, count, 10):
        rows[i] = rows[i // 3][:]
    if count > 5:
        rows[5] = [0.0] * length
    if len(sys.argv) > 5:
        (_, width), other = read(sys.argv[6])
        for i in range(8):
            rows[count // 2 + i] = list(other[i * width:(i + 1) * width])
    write(path, (count, length), [v for r in rows for v in r])
