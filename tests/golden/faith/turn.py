#!/usr/bin/env python3
"""Writes turn.tsv: what becomes of wrong predictions on the bundled example when cells of the
last stage are deleted, by PyTorch, over all choices among cells of equal rank.

Needs what ../cam/maps.py needs. The columns are those of `cam-score --errors`; NA where that draws
choices by chance.
"""
import itertools
import pathlib
import sys

import numpy as np
import torch

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "cam"))
import maps  # noqa: E402

ERRORS = 40
SIDE = 4
COUNTS = [1, 2, 4, 8]


def choices(key, n):
    """All sets of n cells that an order by falling key allows."""
    order = sorted(range(len(key)), key=lambda i: -key[i])
    last = key[order[n - 1]]
    first = [i for i in order if key[i] > last]
    tied = [i for i in order if key[i] == last]
    return [first + list(c) for c in itertools.combinations(tied, n - len(first))]


def main():
    records = np.fromfile(maps.EXAMPLE / "test.bin", np.uint8).reshape(-1, 3074)
    net = maps.load(maps.EXAMPLE / "model.pth")
    x = maps.prepare(np.ascontiguousarray(records[:, 2:].reshape(-1, 3, 32, 32)))
    kept = []
    net.layer4.register_forward_hook(lambda module, args, out: kept.append(out))
    center = [-(2 * y - SIDE + 1) ** 2 - (2 * x - SIDE + 1) ** 2 for y in range(SIDE) for x in range(SIDE)]
    with torch.no_grad():
        pred = net(x).argmax(1)
        features = kept.pop().flatten(2)  # (n, channels, cells)
        wrong = [i for i in range(len(x)) if pred[i] != int(records[i, 1])][:ERRORS]
        with open(HERE / "turn.tsv", "w", encoding="ascii") as f:
            f.write("\t".join(["id", "map", "true", "pred"] + [f"turned_{n}" for n in COUNTS] + ["cells"] +
                              [f"image_turned_{n}" for n in COUNTS]) + "\n")
            for i in wrong:
                p, t = int(pred[i]), int(records[i, 1])
                margin = ((net.fc.weight[p] - net.fc.weight[t]) @ features[i]).tolist()
                for name, key in [("margin", margin), ("random", [0] * len(center)), ("center", center)]:
                    def share(n):
                        sets = choices(key, n)
                        if len(sets) > 2000:
                            return "NA"
                        left = features[i].repeat(len(sets), 1, 1)
                        for k, cells in enumerate(sets):
                            left[k][:, cells] = 0
                        return f"{(net.fc(left.mean(2)).argmax(1) == t).double().mean():.9g}"

                    def image(n):
                        sets = choices(key, n)
                        if len(sets) > 1:
                            return "NA"
                        grey = x[i].clone()
                        for c in sets[0]:
                            y0, x0 = c // SIDE * 8, c % SIDE * 8
                            grey[:, y0:y0 + 8, x0:x0 + 8] = 0
                        return str(int(net(grey[None]).argmax(1) == t))

                    cells = "NA"
                    if name == "margin":
                        cells = next((str(n) for n in range(1, len(key) + 1) if share(n) == "1"), "never")
                    row = [i, name, t, p] + [share(n) for n in COUNTS] + [cells] + [image(n) for n in COUNTS]
                    f.write("\t".join(map(str, row)) + "\n")


if __name__ == "__main__":
    main()
