#!/ usr / bin / env python3
"""Prints tables.c, the colour tables of lib/draw.

jet is OpenCV's; viridis, cividis, inferno and magma are the tables published
with matplotlib (CC0), turbo is Google's (Apache 2.0), all rounded to 8 bits as
OpenCV ships them. The diverging table is made here: two arms that start at
white and darken evenly in CIELAB, blue for negative values, orange for
positive ones, so that equal magnitudes are equally dark.

Needs numpy and cv2.
"""

import cv2
import numpy as np

ARM = 128  # steps from white to each end
WHITE = np.array([0.95047, 1.0, 1.08883])
TO_XYZ = np.array([[0.4124564, 0.3575761, 0.1804375],
                   [0.2126729, 0.7151522, 0.0721750],
                   [0.0193339, 0.1191920, 0.9503041]])


def lab(hexa):
    s = np.array([int(hexa[i:i + 2], 16) for i in (1, 3, 5)]) / 255
    lin = np.where(s <= 0.04045, s / 12.92, ((s + 0.055) / 1.055) ** 2.4)
    t = TO_XYZ @ lin / WHITE
    f = np.where(t > 216 / 24389, np.cbrt(t), (24389 / 27 * t + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def rgb(c):
    fy = (c[0] + 16) / 116
    f = np.array([fy + c[1] / 500, fy, fy - c[2] / 200])
    t = np.where(f ** 3 > 216 / 24389, f ** 3, (116 * f - 16) * 27 / 24389)
    lin = np.linalg.solve(TO_XYZ, t * WHITE)
    s = np.where(lin <= 0.0031308, 12.92 * lin,
                 1.055 * np.maximum(lin, 0) ** (1 / 2.4) - 0.055)
    return np.clip(np.rint(s * 255), 0, 255).astype(int)


def arm(stops):
    """ARM colours after white, through the stops, evenly spaced in lightness."""
    points = np.array([lab(s) for s in ["#ffffff"] + stops])
    ends = np.linspace(100, points[-1, 0], ARM + 1)
    channels = [np.interp(-ends, -points[:, 0], points[:, i]) for i in range(3)]
    table = [rgb(c) for c in np.array(channels).T]
    table[0] = np.array([255, 255, 255])
    return table


def show(name, table):
    print(f"const uint8_t {name}[{len(table)}][3] = {{")
    for i in range(0, len(table), 6):
        row = table[i:i + 6]
        print("    " + " ".join("{%d, %d, %d}," % tuple(c) for c in row))
    print("};\n")


print("/* Made by tables.py; see there for the sources. */")
print('#include "draw/tables.h"\n')
ramp = np.arange(256, dtype=np.uint8)[None]
for name in ("viridis", "cividis", "inferno", "magma", "turbo", "jet"):
    show("table_" + name,
         cv2.applyColorMap(ramp, getattr(cv2, "COLORMAP_" + name.upper()))[0, :, ::-1])
blue = arm(["#c6dcf2", "#6fa8dc", "#2a6fb8", "#123f7d"])
orange = arm(["#fbd9b5", "#f2a04a", "#cf6a0a", "#7a3a05"])
show("table_diverging", blue[:0:-1] + orange)
