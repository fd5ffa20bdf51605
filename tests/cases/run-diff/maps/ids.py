"""Writes the ids 5000, 4999, ... as a tensor: file, how many."""
import struct
import sys

n = int(sys.argv[2])
head = f"{{'descr': '<i8', 'fortran_order': False, 'shape': ({n},), }}".ljust(117) + "\n"
with open(sys.argv[1], "wb") as f:
    f.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode())
    f.write(struct.pack(f"<{n}q", *(5000 - i for i in range(n))))
