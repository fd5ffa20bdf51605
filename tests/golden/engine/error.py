#!/usr/bin/env python3
"""How far cifar-predict's f32 is from PyTorch's f64, after every block and in the logits,
with Winograd, with --exact, and in bf16.

    error.py CIFAR_PREDICT MODEL TEST_BIN [IMAGES]

Of each layer: root mean square of the difference over that of f64, and the largest
difference. Of the logits: the largest difference, and the predictions that differ with the
gap of the two best logits of f64 there.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

import make

RUNS = {"winograd": (), "exact": ("--exact",), "bf16": ("--precision", "bf16")}


def predict(program, model, data, count, path, *options):
    subprocess.run([program, "--model", model, "--data", data, "--limit", str(count),
                    "--device", "cpu", *options], stdout=subprocess.DEVNULL, check=True)
    return np.load(path)


def layers(net, x):
    """The values after each block, in f64, by name."""
    x = torch.relu(net.bn1(net.conv1(x)))
    yield "conv1", x
    for stage in net.stages:
        for i, block in enumerate(getattr(net, stage)):
            x = block(x)
            yield f"{stage}.{i}", x
    yield "logits", net.fc(x.mean((2, 3)))


def main():
    program, model, data, *rest = sys.argv[1:]
    count = int(rest[0]) if rest else 64
    net = make.load(model).double()
    x = make.images(Path(data), count).double()
    names, values = [], {}
    with torch.no_grad():
        for i in range(0, count, 64):
            for name, v in layers(net, x[i:i + 64]):
                if name not in values:
                    names.append(name)
                    values[name] = []
                values[name].append(v.numpy())
    print("layer\t" + "\t".join(f"{r}_rms\t{r}_max" for r in RUNS))
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder) / "x.npy")
        for name in names:
            want = np.concatenate(values[name])
            row = [name]
            for run, options in RUNS.items():
                what = ("--logits", out) if name == "logits" else ("--features", out, "--layer",
                                                                   name)
                got = predict(program, model, data, count, out, *what, *options).astype(np.float64)
                far = np.abs(got - want)
                row += [f"{np.sqrt((far ** 2).mean() / (want ** 2).mean()):.2g}", f"{far.max():.2g}"]
                if name == "logits":
                    flips = np.flatnonzero(got.argmax(1) != want.argmax(1))
                    two = np.sort(want[flips], 1)[:, -2:]
                    gap = (two[:, 1] - two[:, 0]).max() if len(flips) else 0
                    row[-1] += f" ({len(flips)} predictions differ, gap at most {gap:.2g})"
            print("\t".join(row), flush=True)


if __name__ == "__main__":
    main()
