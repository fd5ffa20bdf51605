"""Writes five smooth colored images of 32 by 32 pixels, of which one is of one color."""
import math
import struct
import sys

SIDE, COUNT = 32, 5
head = f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({COUNT}, {SIDE}, {SIDE}, 3), }}"
with open(sys.argv[1], "wb") as f:
    f.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", 118) + head.ljust(117).encode() + b"\n")
    for i in range(COUNT):
        f.write(bytes(round(127 + (i > 0) * 90 * math.sin(0.2 * (c + 1) * x + 0.15 * i * y + c))
                      for y in range(SIDE) for x in range(SIDE) for c in range(3)))
