#!/usr/bin/env python3
"""A class-activation scheme of one's own: where the last stage is active, times the confidence.

    own_cam.py features.npy logits.npy > maps.npy

The map of an image is sqrt(sum_k A_k^2), scaled to a maximum of 1, times the
largest softmax probability: (n, 1, h, w) float32, a record for each batch.
"""
import sys

import numpy as np

from read_npy_pipe import records


def maps(features, logits):
    energy = np.sqrt((features ** 2).sum(axis=1))
    energy /= np.maximum(energy.max(axis=(1, 2), keepdims=True), 1e-12)
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    confidence = p.max(axis=1) / p.sum(axis=1)
    return (energy * confidence[:, None, None])[:, None].astype("<f4")


if len(sys.argv) != 3:
    sys.exit("usage: own_cam.py FEATURES LOGITS > MAPS")
with open(sys.argv[1], "rb") as features, open(sys.argv[2], "rb") as logits:
    for batch in zip(records(features), records(logits), strict=True):
        np.save(sys.stdout.buffer, maps(*batch))
