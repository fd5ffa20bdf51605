#!/usr/bin/env python3
"""Makes the files of this folder: OpenCV's JET table, and overlays by
pytorch-grad-cam's show_cam_on_image. Needs opencv-python, numpy and grad-cam.

    tests/golden/draw/make.py
"""
import pathlib

import cv2
import numpy as np
from pytorch_grad_cam.utils.image import show_cam_on_image

HERE = pathlib.Path(__file__).parent
SIDE, COUNT = 12, 5
WEIGHTS = (0.5, 0.7, 0.0, 1.0)

rng = np.random.default_rng(3)
images = rng.integers(0, 256, (COUNT, SIDE, SIDE, 3), np.uint8)
masks = rng.random((COUNT, SIDE, SIDE), np.float32)
images[1] //= 3        # a dark image is brightened by the division by the maximum
images[2] = 0
masks[3] = 0           # a blank map
masks[4] = np.linspace(0, 1, SIDE * SIDE, dtype=np.float32).reshape(SIDE, SIDE)
images[4, :, :, :2] = 255

overlays = np.array([[show_cam_on_image(np.float32(i) / 255, m, use_rgb=True,
                                        colormap=cv2.COLORMAP_JET, image_weight=w)
                      if w < 1 or i.any() else np.zeros_like(i)
                      for i, m in zip(images, masks)] for w in WEIGHTS])
jet = cv2.applyColorMap(np.arange(256, dtype=np.uint8)[None], cv2.COLORMAP_JET)[0, :, ::-1]

np.save(HERE / "images.npy", images)
np.save(HERE / "masks.npy", masks)
np.save(HERE / "overlays.npy", overlays)
np.save(HERE / "jet.npy", np.ascontiguousarray(jet))
