#!/usr/bin/env python3
"""Makes sizes.tsv: what torchvision's Resize and CenterCrop make of images of Pillow, bilinear or
bicubic and with antialiasing, as sizes and checksums. Needs Pillow, torchvision and numpy.

The image of a line is of the numbers that tests/unit/image_geometry.c draws, in planes R, G, B; one
of `grey` has the same plane three times and is of Pillow's mode L here.
"""
import os
import random
import zlib

import numpy as np
from PIL import Image
from torchvision.transforms import CenterCrop, InterpolationMode, Resize


def numbers(n):
    state, out = 1, bytearray()
    for _ in range(n):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        out.append(state >> 24)
    return np.frombuffer(bytes(out), np.uint8)


def sides(text):
    return tuple(map(int, text.split("x"))) if "x" in text else int(text)


def line(h, w, grey, resize, crop):
    if grey:
        image = Image.fromarray(numbers(h * w).reshape(h, w))
    else:
        image = Image.fromarray(np.ascontiguousarray(numbers(3 * h * w).reshape(3, h, w).transpose(1, 2, 0)))
    if resize != "-":
        size, _, filter_ = resize.partition(":")
        image = Resize(sides(size), InterpolationMode(filter_ or "bilinear"))(image)
    if crop != "-":
        image = CenterCrop(sides(crop))(image)
    got = np.asarray(image)
    planes = np.stack([got] * 3) if grey else got.transpose(2, 0, 1)
    sum_ = zlib.crc32(np.ascontiguousarray(planes).tobytes())
    return f"{h}\t{w}\t{int(grey)}\t{resize}\t{crop}\t{planes.shape[1]}\t{planes.shape[2]}\t{sum_:08x}\n"


cases = [(375, 500, "256", "224"), (500, 333, "256", "224"), (28, 28, "32x32", "-"), (28, 28, "32", "28"),
         (96, 96, "64x64", "-"), (64, 64, "224x224", "-"), (64, 64, "256", "224"), (1, 1, "5x7", "-"),
         (1, 40, "3", "-"), (40, 1, "3", "2x9"), (1, 300, "8x8", "-"), (300, 1, "8x8", "-"),
         (7, 9, "-", "4"), (7, 9, "-", "5x4"), (8, 9, "-", "4"), (3, 5, "-", "8"), (3, 5, "-", "9x4"),
         (4, 20, "-", "9x8"), (13, 6, "-", "3x7"), (32, 32, "32", "32"), (33, 31, "32", "32x33"),
         (10, 10, "10x10", "-"), (2000, 3, "4x2", "-"), (3, 2000, "2x4", "-"), (9, 2000, "64", "48")]
draw = random.Random(1)
for _ in range(60):
    h, w = draw.randint(1, 60), draw.randint(1, 60)
    resize = draw.choice(["-", str(draw.randint(1, 40)), f"{draw.randint(1, 80)}x{draw.randint(1, 80)}"])
    crop = draw.choice(["-", str(draw.randint(1, 40)), f"{draw.randint(1, 50)}x{draw.randint(1, 50)}"])
    cases.append((h, w, resize, crop))
for h, w in [(375, 500), (500, 333), (28, 28), (96, 96), (64, 64), (1, 1), (1, 40), (300, 1), (2000, 3), (9, 2000)]:
    for resize in ["232:bicubic", "32x32:bicubic", "5x7:bicubic", "3:bicubic"]:
        cases.append((h, w, resize, draw.choice(["-", "3", "9x4", "224"])))
os.chdir(os.path.dirname(os.path.abspath(__file__)))
with open("sizes.tsv", "w", encoding="ascii", newline="\n") as f:
    f.write("h\tw\tgrey\tresize\tcrop\tto_h\tto_w\tcrc32\n")
    for i, (h, w, resize, crop) in enumerate(cases):
        f.write(line(h, w, i % 3 == 2, resize, crop))
