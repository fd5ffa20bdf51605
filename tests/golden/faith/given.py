#!/usr/bin/env python3
"""Writes given.tsv: metrics of maps on the bundled example that need no changed images. Pointing game
and relevance mass accuracy are those of Quantus; completeness and sensitivity-n are computed by
PyTorch from their definitions, with the features of deleted cells set to 0; rank correlation and
structural similarity, with the map of gradcam, are those of SciPy and scikit-image.

Needs what ../cam/maps.py needs, quantus 0.6, scipy and scikit-image.
"""
import itertools
import pathlib
import sys

import cv2
import numpy as np
import torch
from quantus.metrics.localisation.pointing_game import PointingGame
from quantus.metrics.localisation.relevance_mass_accuracy import RelevanceMassAccuracy
from scipy.stats import spearmanr
from skimage.metrics import structural_similarity

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "cam"))
import maps  # noqa: E402

IMAGES = 20
N = 3


def unit(m):
    """As pytorch-grad-cam shows a map."""
    for _ in range(2):
        m = np.maximum(m, 0)
        m = m - m.min()
        m = cv2.resize((m / (1e-7 + m.max())).astype(np.float32), (32, 32))
    return m


def main():
    records = np.fromfile(maps.EXAMPLE / "test.bin", np.uint8).reshape(-1, 3074)[:IMAGES]
    masks = np.load(maps.EXAMPLE / "masks.npy")[:IMAGES]
    net = maps.load(maps.EXAMPLE / "model.pth")
    x = maps.prepare(np.ascontiguousarray(records[:, 2:].reshape(-1, 3, 32, 32)))
    kept = []
    net.layer4.register_forward_hook(lambda module, args, out: kept.append(out))
    with torch.no_grad():
        logits = net(x)
        features = kept.pop().flatten(2).double()  # (n, channels, cells)
        head = net.fc.double()
        pred = logits.argmax(1)
        cells = features.shape[2]
        sets = [list(s) for s in itertools.combinations(range(cells), N)]
        weights = {"gradcam": head.weight, "layercam": torch.relu(head.weight)}
        rows, raws = [], {}
        for name, w in weights.items():
            raw = torch.einsum("nk,nkc->nc", w[pred], features) / cells
            resized = np.stack([cv2.resize(m.numpy().reshape(4, 4).astype(np.float32), (32, 32),
                                           interpolation=cv2.INTER_LINEAR) for m in raw])
            raws[name] = raw.numpy()
            positive = np.clip(resized, 0, None).astype(np.float64)
            pointing = PointingGame(disable_warnings=True).evaluate_batch(a_batch=positive, s_batch=masks)
            inside = RelevanceMassAccuracy(disable_warnings=True).evaluate_batch(a_batch=positive, s_batch=masks)
            for i in range(IMAGES):
                def lost(deleted):
                    left = features[i].repeat(len(deleted), 1, 1)
                    for k, s in enumerate(deleted):
                        left[k][:, s] = 0
                    whole = head(features[i].mean(1))[pred[i]]
                    return (whole - head(left.mean(2))[:, pred[i]]).numpy()

                everything = lost([list(range(cells))])[0]
                completeness = abs(raw[i].sum().item() - everything) / abs(everything)
                sums = np.array([raw[i][s].sum().item() for s in sets])
                sensitivity = np.corrcoef(sums, lost(sets))[0, 1]
                correlation = spearmanr(raws[name][i], raws["gradcam"][i])[0]
                similarity = structural_similarity(unit(raws[name][i].reshape(4, 4)),
                                                   unit(raws["gradcam"][i].reshape(4, 4)), data_range=1)
                rows.append((i, name, float(pointing[i]), inside[i], completeness, sensitivity, correlation,
                             similarity))
    with open(HERE / "given.tsv", "w", encoding="ascii") as f:
        f.write("id\tmap\tpointing\tmass_inside\tcompleteness\tsensitivity_n\trank_correlation\tssim\n")
        for row in sorted(rows):
            f.write("\t".join([str(row[0]), row[1]] + [f"{v:.9g}" for v in row[2:]]) + "\n")


if __name__ == "__main__":
    main()
