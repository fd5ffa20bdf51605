"""The images of a file in CIFAR-100's layout without their labels: uint8 (64, 32, 32, 3)."""
import struct
import sys

with open(sys.argv[1], "rb") as f:
    rows = [f.read(3074)[2:] for _ in range(64)]
out = bytearray(64 * 3072)
for i, row in enumerate(rows):
    for c in range(3):
        out[i * 3072 + c:(i + 1) * 3072:3] = row[c * 1024:(c + 1) * 1024]
head = "{'descr': '|u1', 'fortran_order': False, 'shape': (64, 32, 32, 3), }"
head += " " * (117 - len(head)) + "\n"
with open(sys.argv[2], "wb") as f:
    f.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() + out)
