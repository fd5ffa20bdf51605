#!/usr/bin/env python3
"""Makes images/: drawn pictures in every form of PNG, JPEG, WebP and BMP that is read, and what
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



def webp(name, image, **options):
    image.save(name, "WEBP", **options)
    made.append(name)


def rgba(h, w, seed=0):
    return Image.fromarray(draw(h, w, 4, seed=seed).astype(np.uint8), "RGBA")


webp("lossy.webp", rgb(19, 29), quality=60)
webp("lossless.webp", rgb(19, 29), lossless=True)
webp("lossy_alpha.webp", rgba(19, 29), quality=60, exact=True)
webp("lossless_alpha.webp", rgba(19, 29), lossless=True, exact=True)
webp("profile.webp", rgb(9, 13), lossless=True, icc_profile=b"none", xmp=b"<x/>")
webp("animated.webp", rgb(19, 29), save_all=True, append_images=[rgba(19, 29, 1)], lossless=True)
webp("animated_lossy.webp", rgba(19, 29), save_all=True, append_images=[rgb(19, 29)], quality=50)
webp("one.webp", rgb(1, 1))


def riff(*chunks):
    body = b"".join(k + struct.pack("<I", len(d)) + d + b"\0" * (len(d) % 2) for k, d in chunks)
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def part_frame(name):
    """An animation whose first frame fills a part of the picture."""
    whole = open("lossless.webp", "rb").read()[12:]
    where = b"".join(struct.pack("<I", v)[:3] for v in (2, 3, 28, 18, 100)) + b"\0"
    with open(name, "wb") as f:
        f.write(riff((b"VP8X", b"\2\0\0\0" + struct.pack("<I", 39)[:3] + struct.pack("<I", 29)[:3]),
                     (b"ANIM", b"\xff" * 4 + b"\0\0"), (b"ANMF", where + whole)))
    made.append(name)


part_frame("animated_part.webp")


def bmp(name, w, h, bits, pixels, header=40, compression=0, masks=(), palette=b"", colors=0):
    """A bitmap with the rows of `pixels` as they stand in it."""
    if header == 12:
        head = struct.pack("<IHHHH", 12, w, h, 1, bits)
    else:
        head = struct.pack("<IiiHHIIiiII", header, w, h, 1, bits, compression, len(pixels), 0, 0,
                           colors, 0)
        fields = b"".join(struct.pack("<I", m) for m in masks)
        head = head + fields if header == 40 else (head + fields).ljust(header, b"\0")
    head += palette
    with open(name, "wb") as f:
        f.write(b"BM" + struct.pack("<IHHI", 14 + len(head) + len(pixels), 0, 0, 14 + len(head)) +
                head + pixels)
    made.append(name)


def bmp_rows(p, bits):
    """Of values (h, w), the last row first, each filled up to four bytes."""
    def packed(row):
        if bits < 8:
            return pack(row, bits)
        return b"".join(int(v).to_bytes(bits // 8, "little") for v in row)
    return b"".join(r + b"\0" * (-len(r) % 4) for r in map(packed, p[::-1]))


def values(h, w, bits):
    return np.random.default_rng(bits).integers(0, 1 << bits, (h, w))


def colours(n, step=4):
    return b"".join(bytes([i * 37 % 256, i * 91 % 256, i * 53 % 256, 0][:step]) for i in range(n))


for bits in 1, 4, 8:
    p = values(7, 13, bits)
    bmp(f"palette{bits}.bmp", 13, 7, bits, bmp_rows(p, bits), palette=colours(1 << bits))
    bmp(f"core{bits}.bmp", 13, 7, bits, bmp_rows(p, bits), 12, palette=colours(1 << bits, 3))
for bits in 16, 24, 32:
    bmp(f"plain{bits}.bmp", 13, 7, bits, bmp_rows(values(7, 13, bits), bits))
bmp("down.bmp", 13, -7, 24, bmp_rows(values(7, 13, 24), 24))
bmp("down1.bmp", 13, -7, 1, bmp_rows(values(7, 13, 1), 1), palette=colours(2))
bmp("core24.bmp", 13, 7, 24, bmp_rows(values(7, 13, 24), 24), 12)
bmp("few_colours.bmp", 13, 7, 8, bmp_rows(values(7, 13, 5), 8), palette=colours(20), colors=20)
bmp("greys.bmp", 13, 7, 8, bmp_rows(values(7, 13, 8), 8),
    palette=bytes(v for i in range(256) for v in (i, i, i, 0)))
bmp("black_white.bmp", 13, 7, 1, bmp_rows(values(7, 13, 1), 1), palette=b"\0\0\0\0\xff\xff\xff\0")
bmp("white_black.bmp", 13, 7, 1, bmp_rows(values(7, 13, 1), 1), palette=b"\xff\xff\xff\0\0\0\0\0")
for name, bits, header, masks in (
        ("565", 16, 40, (0xf800, 0x7e0, 0x1f)), ("555", 16, 40, (0x7c00, 0x3e0, 0x1f)),
        ("bgrx", 32, 40, (0xff0000, 0xff00, 0xff)), ("xbgr", 32, 52, (0xff000000, 0xff0000, 0xff00)),
        ("bgxr", 32, 40, (0xff000000, 0xff00, 0xff)), ("24", 24, 40, (0xff0000, 0xff00, 0xff)),
        ("rgba", 32, 124, (0xff, 0xff00, 0xff0000, 0xff000000)),
        ("bgra", 32, 108, (0xff0000, 0xff00, 0xff, 0xff000000)),
        ("abgr", 32, 56, (0xff000000, 0xff0000, 0xff00, 0xff)),
        ("565_5", 16, 124, (0xf800, 0x7e0, 0x1f, 0)), ("none", 32, 108, (0, 0, 0, 0))):
    bmp(f"masks_{name}.bmp", 13, 7, bits, bmp_rows(values(7, 13, bits), bits), header, 3, masks)

# A row of runs, one of single pixels, jumps, and rows that end early.
bmp("rle8.bmp", 13, 6, 8, bytes(
    [13, 7, 0, 0, 0, 13] + list(range(20, 33)) + [0, 0, 0, 0, 5, 1, 2, 3, 4, 5, 0, 4, 99, 0, 0,
     2, 50, 0, 2, 3, 1, 1, 60, 0, 0, 0, 4, 8, 9, 10, 11, 9, 12, 0, 1]), compression=1,
    palette=colours(256))
bmp("rle4.bmp", 13, 4, 4, bytes(
    [13, 0x37, 0, 0, 0, 13, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xd0, 0, 0, 0, 0, 3, 0xde, 0xf0, 4, 0x5a,
     0, 2, 2, 1, 4, 0xcd, 0, 1]), compression=2, palette=colours(16))
for form, bits in (("1", 1), ("L", 8), ("P", 8), ("RGB", 24), ("RGBA", 32)):
    rgba(9, 15).convert(form).save(f"pillow_{form}.bmp")
    made.append(f"pillow_{form}.bmp")

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
