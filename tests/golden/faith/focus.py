#!/usr/bin/env python3
"""Writes focus.tsv: Focus by Quantus of maps by PyTorch, on the mosaics of the bundled example that
mosaics.tsv lists, which `mosaic` wrote (tests/cases/cam-score/focus).

Needs what ../cam/maps.py needs, and quantus 0.6.
"""
import csv
import pathlib
import sys

import cv2
import numpy as np
import torch
from quantus.metrics.localisation.focus import Focus

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "cam"))
import maps  # noqa: E402

PLACES = ["upper_left", "upper_right", "lower_left", "lower_right"]


def main():
    records = np.fromfile(maps.EXAMPLE / "test.bin", np.uint8).reshape(-1, 3074)
    images, labels = records[:, 2:].reshape(-1, 3, 32, 32), records[:, 1].astype(int)
    with open(HERE / "mosaics.tsv", encoding="ascii", newline="") as f:
        rows = list(csv.DictReader(f, delimiter="\t"))
    tiles = np.array([[int(r[p]) for p in PLACES] for r in rows])
    cls = np.array([int(r["true"]) for r in rows])
    own = (labels[tiles] == cls[:, None]).astype(int)
    assert (own.sum(1) == 2).all()
    pixels = np.concatenate([np.concatenate([images[tiles[:, 0]], images[tiles[:, 1]]], 3),
                             np.concatenate([images[tiles[:, 2]], images[tiles[:, 3]]], 3)], 2)
    net = maps.load(maps.EXAMPLE / "model.pth")
    kept = []
    net.layer4.register_forward_hook(lambda module, args, out: kept.append(out))
    with torch.no_grad():
        net(maps.prepare(np.ascontiguousarray(pixels)))
        features = kept.pop()
        weights = {"gradcam": net.fc.weight, "layercam": torch.relu(net.fc.weight)}
        found = []
        for name, w in weights.items():
            raw = torch.einsum("nk,nkyx->nyx", w[cls], features).numpy()
            resized = np.stack([cv2.resize(m, (64, 64)) for m in raw])[:, None].astype(np.float64)
            focus = Focus(disable_warnings=True).evaluate_batch(a_batch=resized, c_batch=own)
            found += [(i, name, v) for i, v in enumerate(focus)]
    with open(HERE / "focus.tsv", "w", encoding="ascii") as f:
        f.write("id\tmap\tmass_inside\n")
        for row in sorted(found):
            f.write("{}\t{}\t{:.9g}\n".format(*row))


if __name__ == "__main__":
    main()
