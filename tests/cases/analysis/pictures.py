"""Makes PNG images of CIFAR-100 records, with the standard library.

pictures.py BIN COUNT classes NAMES   class folders in pictures/, and the same images
                                      in their order as records in same.bin
pictures.py BIN COUNT flat            images alone in pictures/
"""
import os
import struct
import sys
import zlib

path, count, form = sys.argv[1], int(sys.argv[2]), sys.argv[3]
names = open(sys.argv[4]).read().split("\n") if form == "classes" else None


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(pixels):
    rows = b"".join(
        b"\0" + bytes(pixels[1024 * c + 32 * y + x] for x in range(32) for c in range(3))
        for y in range(32))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 32, 32, 8, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


made = []
with open(path, "rb") as f:
    for i in range(count):
        record = f.read(3074)
        folder = os.path.join("pictures", names[record[1]] if names else "")
        os.makedirs(folder, exist_ok=True)
        made.append((folder, f"{i:05}.png", record))
        with open(os.path.join(folder, f"{i:05}.png"), "wb") as out:
            out.write(png(record[2:]))
with open("same.bin", "wb") as out:
    for _, _, record in sorted(made):
        out.write(record)
