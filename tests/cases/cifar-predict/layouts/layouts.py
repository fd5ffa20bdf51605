"""The same kind of pictures in the layouts of FashionMNIST, SVHN, STL-10, TinyImageNet and of a folder
for each class, and beside each as SET.npy, with its labels in SET.labels."""
import gzip
import os
import struct
import zlib


def picture(k, side, channels):
    """[y][x][c]"""
    return [[[(x * (3 + c + k) + y * (7 - 2 * c) + 40 * k * (x * y % 5 == k)) % 256 for c in range(channels)]
             for x in range(side)] for y in range(side)]


def flat(p):
    return bytes(v for row in p for cell in row for v in cell)


def put(path, data):
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path, "wb") as f:
        f.write(data)


def plain(name, pictures, labels):
    side, grey = len(pictures[0]), len(pictures[0][0][0]) == 1
    head = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {(len(pictures), side, side, 3)}, }}".ljust(117) + "\n"
    cells = bytes(v for p in pictures for v in flat(p) for _ in range(3 if grey else 1))
    put(name + ".npy", b"\x93NUMPY\1\0" + struct.pack("<H", 118) + head.encode() + cells)
    put(name + ".labels", "".join(f"{k}\n" for k in labels).encode())


def png(p):
    side = len(p)
    rows = b"".join(b"\0" + bytes(v for cell in row for v in cell) for row in p)

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)) + \
        chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def element(kind, body):
    return struct.pack("<II", kind, len(body)) + body + bytes(-len(body) % 8)


def matrix(name, kind, number, shape, body):
    inner = element(6, struct.pack("<II", kind, 0)) + element(5, struct.pack(f"<{len(shape)}i", *shape)) + \
        element(1, name) + element(number, body)
    packed = zlib.compress(element(14, inner))
    return struct.pack("<II", 15, len(packed)) + packed


grey, labels = [picture(k, 28, 1) for k in range(4)], [2, 0, 4, 1]
plain("fashion", grey, labels)
put("FashionMNIST/raw/t10k-images-idx3-ubyte.gz", gzip.compress(
    struct.pack(">IIII", 0x803, 4, 28, 28) + b"".join(map(flat, grey))))
put("FashionMNIST/raw/t10k-labels-idx1-ubyte.gz", gzip.compress(struct.pack(">II", 0x801, 4) + bytes(labels)))

small = [picture(k % 3, 32, 3) for k in range(4)] # the last one is the first again
plain("svhn", small, labels)
columns = bytes(p[y][x][c] for p in small for c in range(3) for x in range(32) for y in range(32))
put("svhn/test_32x32.mat", b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack("<H", 0x100) + b"IM" +
    matrix(b"X", 9, 2, (32, 32, 3, 4), columns) +
    matrix(b"y", 6, 9, (4, 1), struct.pack("<4d", *(k or 10 for k in labels))))

large = [picture(k, 96, 3) for k in range(4)]
plain("stl", large, labels)
put("stl10_binary/test_X.bin", bytes(p[y][x][c] for p in large for c in range(3) for x in range(96) for y in range(96)))
put("stl10_binary/test_y.bin", bytes(k + 1 for k in labels))

tiny, words = [picture(k, 64, 3) for k in range(4)], [f"n{9 - k}" for k in range(5)]
plain("tiny", tiny, [4 - k for k in labels])  # classes are in the order of their names
put("tiny-imagenet-200/wnids.txt", "".join(w + "\n" for w in words).encode())
put("tiny-imagenet-200/val/val_annotations.txt",
    "".join(f"val_{i}.png\t{words[k]}\t0\t0\t9\t9\n" for i, k in enumerate(labels)).encode())
for i, p in enumerate(tiny):
    put(f"tiny-imagenet-200/val/images/val_{i}.png", png(p))

several = tiny + [picture(4, 64, 3)]
plain("folder", [several[i] for i in (1, 3, 0, 4, 2)], range(5))
for i, k in enumerate(labels + [3]):
    put(f"folder/class{k}/{i}.png", png(several[i]))
