#!/usr/bin/env python3
"""Writes functions.txt: what OpenCV and pytorch-grad-cam make of small planes.

Needs numpy, opencv-python-headless and grad-cam. A line is
    kind sh sw dh dw values... -> values...
"""
import pathlib

import cv2
import numpy as np
from pytorch_grad_cam.utils.image import scale_cam_image

rng = np.random.default_rng(3)


def line(kind, src, dst):
    text = " ".join(f"{v:.9g}" for v in np.ravel(src))
    result = " ".join(f"{v:.9g}" for v in np.ravel(dst))
    return f"{kind} {src.shape[0]} {src.shape[1]} {dst.shape[0]} {dst.shape[1]} {text} -> {result}\n"


def finish(raw, size):
    cam = scale_cam_image(np.maximum(raw[None], 0), size)
    return scale_cam_image(np.maximum(cam, 0))[0]


with open(pathlib.Path(__file__).parent / "functions.txt", "w") as f:
    for sh, sw, dh, dw in [(4, 4, 16, 16), (2, 3, 7, 5), (1, 1, 3, 2), (1, 4, 4, 8), (8, 6, 4, 3), (7, 5, 3, 4)]:
        src = rng.standard_normal((sh, sw)).astype(np.float32)
        f.write(line("resize", src, cv2.resize(src, (dw, dh))))
    # Down to the size where the guard against division by zero is felt.
    for scale in (1e3, 1, 1e-5, 1e-7):
        src = (scale * rng.standard_normal((4, 4))).astype(np.float32)
        f.write(line("finish", src, finish(src, (8, 8))))
    for src in (-np.ones((2, 2)), np.zeros((2, 2)), np.ones((2, 2))):
        f.write(line("finish", src.astype(np.float32), finish(src.astype(np.float32), (4, 4))))
