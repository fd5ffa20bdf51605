"""The bytes of a stream of .npy records with heads of 128 bytes, without the heads."""
import re
import sys

data, at = sys.stdin.buffer.read(), 0
while at < len(data):
    shape = re.search(rb"'shape': \(([0-9, ]*)\)", data[at : at + 128]).group(1)
    n = 1
    for side in shape.split(b","):
        n *= int(side)
    sys.stdout.buffer.write(data[at + 128 : at + 128 + n])
    at += 128 + n
