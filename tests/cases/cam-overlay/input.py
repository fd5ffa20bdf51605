"""Inputs of the cases: 12 images of 32 by 32 in 4 classes, rows for class and pair
sheets, maps of 4 by 4. Also reads tensors and PNG files back.

    input.py make                       data/test.bin rows.tsv maps.npy pairs.tsv pair_maps.npy
    input.py npy FILE SHAPE VALUE ...   f32 tensor, the last value repeated
    input.py show FILE                  header and bytes of a u8 tensor stream
    input.py png FILE [X Y] ...         size and pixels of a PNG file
    input.py words FILE                 what is written on a sheet
"""
import re
import struct
import sys
import zlib

NAMES = ["cat", "Sea Lion", "dog", "a/b"]


def npy(path, shape, values):
    n = 1
    for s in shape:
        n *= s
    values += [values[-1]] * (n - len(values))
    head = "{'descr': '<f4', 'fortran_order': False, 'shape': %s, }" % (shape,)
    head = head.ljust(117) + "\n"
    with open(path, "wb") as f:
        f.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode())
        f.write(struct.pack("<%df" % n, *values))


def maps(n):
    """true, pred and margin planes of n items; every fourth true map is blank."""
    v = []
    for i in range(n):
        for p in range(3):
            for c in range(16):
                x = (7 * c + 5 * i + 3 * p) % 11 - 3
                v.append(0 if p == 0 and i % 4 == 3 else x / 7 if p == 2 else max(x, 0) / 7)
    return v


def table(path, rows):
    with open(path, "w") as f:
        f.write("id\ttrue\tpred\tcorrect\tconf\tp_true\ttrue_name\tpred_name\ttrue_group\t"
                "group\tkind\trank\n")
        for i, true, pred, conf, p, group, kind, rank in rows:
            f.write("\t".join(map(str, (i, true, pred, int(true == pred), conf, p, NAMES[true],
                                        NAMES[pred], "g%d" % (true % 2), group, kind, rank))) + "\n")


def make():
    with open("test.bin", "wb") as f:
        for i in range(12):
            f.write(bytes([i % 2, i % 4]))
            f.write(bytes((i * 20 + x * 3 + y * 5 + 40 * p) % 256
                          for p in range(3) for y in range(32) for x in range(32)))
    rows = []
    for c in range(4):
        if c != 2:
            rows += [(c, c, c, 0.99999, 0.99999, c, "best", 1), (c + 4, c, c, 0.95, 0.95, c, "best", 2)]
        if c != 1:
            rows += [(c + 8, c, (c + 1) % 4, 0.9, 0.0001, c, "worst", 1)]
        rows += [(c + 4, c, c, 0.4, 0.4, c, "worst", 2)]
    table("rows.tsv", rows)
    npy("maps.npy", (len(rows), 3, 4, 4), maps(len(rows)))
    pairs = [(g + 4 * k, g, 3, 0.9 - k / 10, 0.05, g + 1, "pair", k + 1)
             for g in range(2) for k in range(3)]
    table("pairs.tsv", pairs)
    npy("pair_maps.npy", (len(pairs), 3, 4, 4), maps(len(pairs)))


def show(path):
    data = open(path, "rb").read()
    while data:
        n = 10 + struct.unpack("<H", data[8:10])[0]
        head = data[10:n].decode()
        size = 1
        for s in re.findall(r"\d+", head[head.index("("):head.index(")")]):
            size *= int(s)
        print(head.strip(), *data[n:n + min(size, 9)], "crc", zlib.crc32(data[n:n + size]))
        data = data[n + size:]


def chunks(path):
    data, at, kind = open(path, "rb").read(), 8, b""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    while at < len(data):
        n, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + n]
        assert zlib.crc32(kind + body) == struct.unpack(">I", data[at + 8 + n:at + 12 + n])[0]
        yield kind, body
        at += 12 + n
    assert kind == b"IEND" and at == len(data)


def words(path):
    for kind, body in chunks(path):
        if kind == b"iTXt":
            key, rest = body.split(b"\0", 1)
            print("%s: %s" % (key.decode(), rest[2:].split(b"\0", 2)[2].decode()))


def png(path, points):
    raw = b""
    for kind, body in chunks(path):
        if kind == b"IHDR":
            w, h, depth, color = struct.unpack(">IIBB", body[:10])
        if kind == b"IDAT":
            raw += body
    assert (depth, color) == (8, 2)
    raw, rows = zlib.decompress(raw), []
    for y in range(h):
        line = raw[y * (3 * w + 1):(y + 1) * (3 * w + 1)]
        up = rows[-1] if rows and line[0] == 2 else bytes(3 * w)
        rows.append(bytes((a + b) & 255 for a, b in zip(line[1:], up)))
    print("%d x %d" % (w, h), *(tuple(rows[y][3 * x:3 * x + 3]) for x, y in points))


if sys.argv[1] == "make":
    make()
elif sys.argv[1] == "npy":
    npy(sys.argv[2], tuple(map(int, sys.argv[3].split(","))), list(map(float, sys.argv[4:])))
elif sys.argv[1] == "show":
    show(sys.argv[2])
elif sys.argv[1] == "words":
    words(sys.argv[2])
else:
    numbers = list(map(int, sys.argv[3:]))
    png(sys.argv[2], list(zip(numbers[::2], numbers[1::2])))
