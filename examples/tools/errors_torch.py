"""A Dataset of the errors, in PyTorch: examples/tools/errors_torch.py p.tsv DATA logits.npy class_maps.npy

Each item is an image, its label, its logits and the map of its prediction: what is needed to train
on errors again, or to look at them in a notebook. The images are those of CIFAR-100's test.bin.
"""
import csv
import sys

import numpy as np
import torch
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset


class Errors(Dataset):
    """The images that the model gets wrong, the most confident errors first."""

    def __init__(self, rows, data, logits, class_maps):
        with open(rows, encoding="utf-8", newline="\n") as f:
            wrong = [(i, r) for i, r in enumerate(csv.DictReader(f, delimiter="\t", quoting=csv.QUOTE_NONE))
                     if r["correct"] == "0"]
        # Item i of a tensor belongs to row i, and an image of the data set to `id`.
        self.rows = sorted(wrong, key=lambda row: -float(row[1]["conf"]))
        self.images = np.memmap(data, np.uint8, "r").reshape(-1, 3074)[:, 2:].reshape(-1, 3, 32, 32)
        self.logits = np.load(logits, mmap_mode="r")
        self.class_maps = np.load(class_maps, mmap_mode="r")

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, at):
        i, row = self.rows[at]
        return {
            "id": int(row["id"]),
            "image": torch.from_numpy(self.images[int(row["id"])].astype(np.float32) / 255),
            "true": int(row["true"]),
            "logits": torch.from_numpy(self.logits[i].copy()),
            "map": torch.from_numpy(self.class_maps[i, int(row["pred"])].copy()),
        }


if __name__ == "__main__":
    errors = Errors(*sys.argv[1:])
    total = 0.
    for batch in DataLoader(errors, batch_size=64):
        maps = F.interpolate(batch["map"].relu()[:, None], batch["image"].shape[2:], mode="bilinear")
        total += F.cross_entropy(batch["logits"], batch["true"], reduction="sum").item()
    print(f"{len(errors)} errors, mean loss {total / len(errors):.4f}; the last batch: images "
          f"{tuple(batch['image'].shape)}, maps {tuple(maps.shape)}")
