"""Writes images for tests, with the standard library.

images.py FILE bin COUNT [LABEL ...]    CIFAR-100 records (superclass label / 5)
images.py FILE bin10 COUNT [LABEL ...]  CIFAR-10 records
images.py FILE npy COUNT H W            .npy (n, h, w, 3)
Without labels they count up.
"""

import random
import struct
import sys

path, form, count, *rest = sys.argv[1], sys.argv[2], int(sys.argv[3]), *map(int, sys.argv[4:])
rnd = random.Random(3)
with open(path, "wb") as f:
    if form == "npy":
        h, w = rest
        head = f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({count}, {h}, {w}, 3), }}"
        f.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", 118) + head.ljust(117).encode() + b"\n")
        f.write(rnd.randbytes(count * h * w * 3))
    else:
        for i in range(count):
            label = rest[i] if i < len(rest) else i
            f.write(bytes([label // 5, label] if form == "bin" else [label]))
            f.write(rnd.randbytes(3072))
