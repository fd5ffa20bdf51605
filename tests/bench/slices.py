#!/usr/bin/env python3
"""How many planted slices slices(1) finds, beside simpler methods.

    tests/bench/slices.py --train DIR [--data DIR] [--plants 100] [--build build]

The bundled network gives the embeddings; its linear layer is trained anew for the 20 superclasses
on pictures that examples/shapes100/draw.py --train DIR draws. Planted are, --plants times each:

  rare        a class whose pictures the layer sees 2 % of: errors of its class
  correlated  two superclasses that in training, but for 2 %, a property tells apart, which is the
              sign of a random direction among the embeddings: pictures where it tells otherwise
  mislabelled 60 % of the pictures of a class get the label of another superclass

A method gives lists of errors. Of the one that suits best: the share of planted errors among its
first 10 and 25 (or as many as there are), and in how many plants that of the first 10 is .8 or
more. Needs NumPy."""
import argparse
import csv
import subprocess
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
TRAINING = 3000  # pictures, of those that are drawn
KINDS = "rare", "correlated", "mislabelled"


def table(path):
    with open(path) as f:
        return list(csv.DictReader(f, delimiter="\t"))


def embed(build, data, out):
    """Embeddings, classes and superclasses of a folder's pictures."""
    with open(out / "rows.tsv", "w") as rows:
        subprocess.run([build / "bin/cifar-predict", "-m", ROOT / "examples/shapes100/model.pth", "-d", data,
                        "--names", ROOT / "examples/shapes100", "--embeddings", out / "embeddings.npy"],
                       stdout=rows, check=True)
    rows = table(out / "rows.tsv")
    groups = sorted({r["true_group"] for r in rows})
    return (np.load(out / "embeddings.npy").astype(float), np.array([int(r["true"]) for r in rows]),
            np.array([groups.index(r["true_group"]) for r in rows]))


def train(x, y, classes, steps, start=None):
    """A linear layer with softmax, by Nesterov's accelerated descent."""
    target = np.eye(classes)[y]
    rate = 2 / np.linalg.eigvalsh(x.T @ x / len(x))[-1]
    w = np.zeros((classes, x.shape[1])) if start is None else start.copy()
    before = w
    for i in range(steps):
        ahead = w + i / (i + 3) * (w - before)
        z = x @ ahead.T
        z = np.exp(z - z.max(1, keepdims=True))
        slope = (z / z.sum(1, keepdims=True) - target).T @ x / len(x) + 1e-3 * ahead
        before, w = w, ahead - rate * slope
    return w


class World:
    def __init__(self, build, data, training, folder):
        for name, path in ("test", data), ("train", training):
            (folder / name).mkdir()
            setattr(self, name, embed(build, path, folder / name))
        self.train = tuple(v[:TRAINING] for v in self.train)
        x, _, group = self.train
        self.classes = int(self.test[1].max()) + 1
        self.groups = int(group.max()) + 1
        self.mean, self.sd = x.mean(0), x.std(0) + 1e-6
        inner = x - np.array([x[group == g].mean(0) for g in range(self.groups)])[group]
        _, _, axes = np.linalg.svd(inner, full_matrices=False)
        self.axes = (axes[:8] / (inner @ axes[:8].T).std(0)[:, None]).T
        self.middle = x.mean(0)
        self.layer = train(self.scaled(x), group, self.groups, 200)

    def scaled(self, x):
        return np.c_[(x - self.mean) / self.sd, np.ones(len(x))]

    def raw(self, w):
        """Weights and biases for embeddings as they are."""
        return w[:, :-1] / self.sd, w[:, -1] - w[:, :-1] @ (self.mean / self.sd)


def plant(world, kind, rng):
    x, cls, group = world.train
    test_x, test_cls, label = world.test[0], world.test[1], world.test[2].copy()
    keep = np.ones(len(x), bool)
    if kind == "rare":
        c = rng.integers(world.classes)
        keep = (cls != c) | (rng.random(len(x)) < .02)
        planted = test_cls == c
    elif kind == "correlated":
        a, b = rng.choice(world.groups, 2, replace=False)
        turn = world.axes @ rng.standard_normal(8)
        high, test_high = (x - world.middle) @ turn > 0, (test_x - world.middle) @ turn > 0
        keep = ~((group == a) & high | (group == b) & ~high) | (rng.random(len(x)) < .02)
        planted = (label == a) & test_high | (label == b) & ~test_high
    else:
        c = rng.integers(world.classes)
        planted = (test_cls == c) & (rng.random(len(label)) < .6)
        label[planted] = rng.choice([g for g in range(world.groups) if g != group[cls == c][0]])
    w = world.layer if keep.all() else train(world.scaled(x[keep]), group[keep], world.groups, 100, world.layer)
    w, b = world.raw(w)
    pred = (test_x @ w.T + b).argmax(1)
    wrong = pred != label
    return dict(x=test_x, label=label, pred=pred, w=w, b=b, wrong=wrong, planted=planted & wrong,
                share=wrong[planted].mean() if planted.any() else 0)


def cells(p):
    found = {}
    for i in np.flatnonzero(p["wrong"]):
        found.setdefault((p["label"][i], p["pred"][i]), []).append(i)
    return found


def kmeans(p, rng):
    errors = np.flatnonzero(p["wrong"])
    x = p["x"][errors]
    k = max(1, min(25, len(errors) // 8))
    centre = x[rng.choice(len(x), k, replace=False)]
    for _ in range(50):
        far = ((x[:, None] - centre[None]) ** 2).sum(2)
        near = far.argmin(1)
        centre = np.array([x[near == c].mean(0) if (near == c).any() else centre[c] for c in range(k)])
    return [errors[o[np.argsort(far[o, c])]] for c in range(k) for o in [np.flatnonzero(near == c)]]


def slices(build, folder, options):
    rows, out = folder / "members.tsv", folder / "slices.tsv"
    with open(out, "w") as f:
        subprocess.run([build / "bin/slices", "-e", folder / "e.npy", "--weights", folder / "w.npy", "--biases",
                        folder / "b.npy", "--rows", rows, *options, folder / "p.tsv"],
                       stdout=f, stderr=subprocess.DEVNULL, check=True)
    errors = {r["slice"]: int(r["errors"]) for r in table(out)}
    lists = {s: [] for s in errors}
    for r in table(rows):
        if int(r["rank"]) <= errors[r["slice"]]:
            lists[r["slice"]].append(int(r["id"]))
    return list(lists.values())


def methods(p, build, folder, rng):
    np.save(folder / "e.npy", p["x"].astype("<f4"))
    np.save(folder / "w.npy", np.ascontiguousarray(p["w"]).astype("<f4"))
    np.save(folder / "b.npy", p["b"].astype("<f4"))
    with open(folder / "p.tsv", "w") as f:
        f.write("id\ttrue\tpred\n")
        f.writelines(f"{i}\t{a}\t{b}\n" for i, (a, b) in enumerate(zip(p["label"], p["pred"])))
    yield "slices", slices(build, folder, [])
    yield "slices --all", slices(build, folder, ["--all"])
    yield "slices --on margin", slices(build, folder, ["--on", "margin"])
    yield "slices --on both", slices(build, folder, ["--on", "both"])
    yield "k-means of errors", kmeans(p, rng)
    cell = cells(p)
    yield "confusion cells", [rng.permutation(v) for v in cell.values()]
    most = max(cell.values(), key=lambda v: p["planted"][v].sum())
    yield "errors of its pair", [rng.permutation(most)]


def share(p, errors, k):
    k = min(k, int(p["planted"].sum()))
    return p["planted"][np.array(errors[:k], int)].sum() / k


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--train", type=Path, required=True, help="folder of drawn training pictures")
    ap.add_argument("--data", type=Path, default=ROOT / "examples/shapes100")
    ap.add_argument("--build", type=Path, default=ROOT / "build")
    ap.add_argument("--plants", type=int, default=100)
    a = ap.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        world = World(a.build, a.data, a.train, folder)
        for kind in KINDS:
            score, sizes = {}, []
            seed = 0
            while len(sizes) < a.plants:
                rng = np.random.default_rng([KINDS.index(kind), seed])
                seed += 1
                p = plant(world, kind, rng)
                if p["planted"].sum() < 5 or p["share"] < .3:
                    continue
                sizes.append(p["planted"].sum())
                for name, lists in methods(p, a.build, folder, rng):
                    best = [max([share(p, e, k) for e in lists], default=0) for k in (10, 25)]
                    score.setdefault(name, []).append((*best, best[0] >= .8, len(lists)))
            print(f"{kind}: {len(sizes)} of {seed} plants, {np.mean(sizes):.0f} planted errors on average")
            for name, s in score.items():
                print("  {:20} first 10 {:.2f}  first 25 {:.2f}  found {:.2f}  lists {:.1f}".format(
                    name, *np.mean(s, 0)), flush=True)


if __name__ == "__main__":
    main()
