#!/usr/bin/env python3
"""Makes images/: drawn pictures in every form of PNG and JPEG that is read, and what
Pillow makes of them by Image.open(f).convert("RGB"), as they are and resized as
torchvision's Resize does it. Needs Pillow and numpy.

images/list.txt has a line "FILE HEIGHT WIDTH" for each of the arrays (h, w, 3) that
stand one behind the other in images/pixels.
"""
import os
import struct
import zlib

import numpy as np
from PIL import Image

os.chdir(os.path.dirname(os.path.abspath(__file__)))
os.makedirs("images", exist_ok=True)
os.chdir("images")
made = []


def draw(h, w, channels, top=255, seed=0):
    """Slopes, a disc and some noise."""
    rnd = np.random.default_rng(seed)
    y, x = np.mgrid[:h, :w]
    planes = [(x * (c + 1) * 7 + y * (5 - c) * 3) % (top + 1) for c in range(channels)]
    p = np.stack(planes, -1).astype(np.int64)
    p[(y - h / 2) ** 2 + (x - w / 2) ** 2 < (min(h, w) / 3) ** 2] //= 3
    p[rnd.random((h, w)) < 0.1] = top
    return p


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def pack(row, bits):
    if bits == 16:
        return row.astype(">u2").tobytes()
    if bits == 8:
        return row.astype(np.uint8).tobytes()
    row = row.ravel()
    row = np.concatenate([row, np.zeros(-len(row) % (8 // bits), np.int64)])
    row = row.reshape(-1, 8 // bits)
    return bytes(int(sum(int(v) << (8 - bits * (i + 1)) for i, v in enumerate(r))) for r in row)


def png(name, p, bits, kind, before=b"", interlaced=False):
    def rows(q):
        return b"".join(b"\0" + pack(r, bits) for r in q) if q.size else b""

    h, w = p.shape[:2]
    passes = [(0, 8, 0, 8), (0, 8, 4, 8), (4, 8, 0, 4), (0, 4, 2, 4), (2, 4, 0, 2), (0, 2, 1, 2),
              (1, 2, 0, 1)] if interlaced else [(0, 1, 0, 1)]
    raw = b"".join(rows(p[a::b, c::d]) for a, b, c, d in passes)
    head = struct.pack(">IIBBBBB", w, h, bits, kind, 0, 0, int(interlaced))
    with open(name, "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + before +
                chunk(b"IDAT", zlib.compress(raw, 9)) + chunk(b"IEND", b""))
    made.append(name)


palette = chunk(b"PLTE", bytes((i * 37 + c * 91) % 256 for i in range(16) for c in range(3)))
for bits in 1, 2, 4, 8, 16:
    png(f"grey{bits}.png", draw(9, 13, 1, (1 << min(bits, 9)) - 1, bits), bits, 0)
    if bits <= 8:
        png(f"palette{bits}.png", draw(7, 11, 1, min((1 << bits) - 1, 15), bits), bits, 3, palette)
for bits in 8, 16:
    top = (1 << bits) - 1
    png(f"rgb{bits}.png", draw(9, 13, 3, top, bits), bits, 2)
    png(f"rgba{bits}.png", draw(9, 13, 4, top, bits), bits, 6)
    png(f"greya{bits}.png", draw(9, 13, 2, top, bits), bits, 4)
    png(f"interlaced_rgb{bits}.png", draw(9, 13, 3, top, bits), bits, 2, interlaced=True)
png("interlaced_grey1.png", draw(9, 13, 1, 1), 1, 0, interlaced=True)
png("interlaced_grey16.png", draw(9, 13, 1, 511), 16, 0, interlaced=True)
png("interlaced_palette4.png", draw(9, 13, 1, 15), 4, 3, palette, True)
png("interlaced_tiny.png", draw(1, 2, 3), 8, 2, interlaced=True)
png("beyond_palette.png", draw(7, 11, 1, 40), 8, 3, palette)
png("transparent_palette.png", draw(7, 11, 1, 15), 8, 3, palette + chunk(b"tRNS", b"\0\x80\xff"))
png("transparent_grey.png", draw(7, 11, 1), 8, 0, chunk(b"tRNS", b"\0\7"))
png("transparent_rgb.png", draw(7, 11, 3), 8, 2, chunk(b"tRNS", bytes(6)))
png("gamma.png", draw(7, 11, 3), 8, 2, chunk(b"gAMA", struct.pack(">I", 100000)))
png("one.png", draw(1, 1, 3), 8, 2)


def jpeg(name, image, **options):
    image.save(name, "JPEG", **options)
    made.append(name)


def rgb(h, w):
    return Image.fromarray(draw(h, w, 3).astype(np.uint8), "RGB")


for sampling in "4:4:4", "4:2:2", "4:2:0":
    jpeg(f"rgb{sampling.replace(':', '')}.jpg", rgb(19, 29), quality=80, subsampling=sampling)
    jpeg(f"progressive{sampling.replace(':', '')}.jpg", rgb(19, 29), quality=60,
         subsampling=sampling, progressive=True)
jpeg("grey.jpg", rgb(19, 29).convert("L"))
jpeg("progressive_grey.jpg", rgb(19, 29).convert("L"), progressive=True)
jpeg("restart.jpeg", rgb(40, 40), restart_marker_blocks=2)
jpeg("direct.jpg", rgb(19, 29), keep_rgb=True)
jpeg("cmyk.jpg", Image.fromarray(draw(19, 29, 4).astype(np.uint8), "CMYK"), quality=90)
jpeg("one.jpg", rgb(1, 1))

with open("list.txt", "w") as names, open("pixels", "wb") as f:
    def put(name, image):
        names.write(f"{name} {image.height} {image.width}\n")
        f.write(image.tobytes())

    for name in made:
        put(name, Image.open(name).convert("RGB"))
    for name, sizes in (("rgb8.png", [(32, 32), (9, 5), (3, 13), (4, 4), (1, 1), (10, 14)]),
                        ("rgb444.jpg", [(32, 32), (8, 8), (19, 7), (20, 29), (5, 40), (3, 20)]),
                        ("one.png", [(3, 2)])):
        for h, w in sizes:
            # What torchvision.transforms.Resize((h, w)) asks of Pillow.
            put(name, Image.open(name).convert("RGB").resize((w, h), Image.BILINEAR))
