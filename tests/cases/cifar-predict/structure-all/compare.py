"""Whether two arrays of floats agree within 1e-4."""
import struct
import sys


def read(path):
    with open(path, "rb") as f:
        data = f.read()
    start = 10 + struct.unpack("<H", data[8:10])[0]
    return struct.unpack(f"<{(len(data) - start) // 4}f", data[start:])


a, b = read(sys.argv[1]), read(sys.argv[2])
print("as PyTorch" if len(a) == len(b) and all(abs(x - y) <= 1e-4 * max(1, abs(y)) for x, y in zip(a, b))
      else f"of {len(a)} and {len(b)} numbers, other than PyTorch")
