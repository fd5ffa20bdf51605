#!/usr/bin/env python3
"""Writes the goldens of tests/engine/golden.c with PyTorch (2.x) and numpy.

    make.py          in this folder: the first images of examples/shapes100
    make.py MODEL TEST_BIN COUNT OUT    the same for any ResNet of basic blocks

logits.npy (n, classes); logits64.npy, the same computed in f64; for each layer of
LAYERS, of the first GRADS images, features and the gradient of the best logit:
LAYER.npy (2, n, c, h, w).
"""

import pickle
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

HERE = Path(__file__).resolve().parent
LAYERS = ("layer2", "layer3.0", "layer4")
GRADS = 1
MEAN = torch.tensor([0.5071, 0.4867, 0.4409]).view(1, 3, 1, 1)
STD = torch.tensor([0.2673, 0.2564, 0.2762]).view(1, 3, 1, 1)


class Block(nn.Module):
    def __init__(self, ic, oc, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(ic, oc, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(oc)
        self.conv2 = nn.Conv2d(oc, oc, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(oc)
        self.downsample = None
        if stride != 1 or ic != oc:
            self.downsample = nn.Sequential(nn.Conv2d(ic, oc, 1, stride, bias=False),
                                            nn.BatchNorm2d(oc))

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class Net(nn.Module):
    def __init__(self, state):
        super().__init__()
        c = state["conv1.weight"].shape[0]
        self.conv1, self.bn1 = nn.Conv2d(3, c, 3, 1, 1, bias=False), nn.BatchNorm2d(c)
        self.stages, s = [], 1
        while f"layer{s}.0.conv1.weight" in state:
            blocks = []
            while (key := f"layer{s}.{len(blocks)}.conv1.weight") in state:
                oc = state[key].shape[0]
                blocks.append(Block(c, oc, 2 if s > 1 and not blocks else 1))
                c = oc
            self.add_module(f"layer{s}", nn.Sequential(*blocks))
            self.stages.append(f"layer{s}")
            s += 1
        self.fc = nn.Linear(c, state["fc.weight"].shape[0])
        self.load_state_dict(state)
        self.eval()

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        for s in self.stages:
            x = getattr(self, s)(x)
        return self.fc(x.mean((2, 3)))


class Unpickler(pickle.Unpickler):
    """A class that is not there is a plain namespace."""

    def find_class(self, module, name):
        try:
            return super().find_class(module, name)
        except (ImportError, AttributeError):
            return SimpleNamespace


def load(path):
    module = SimpleNamespace(__name__="pickle", Unpickler=Unpickler, load=None)
    state = torch.load(path, map_location="cpu", weights_only=False, pickle_module=module)
    return Net(state.get("model_state_dict", state))


def images(path, n, dtype=torch.float):
    records = np.fromfile(path, np.uint8).reshape(-1, 3074)[:n]
    x = torch.from_numpy(records[:, 2:].reshape(-1, 3, 32, 32).copy())
    return (x.to(dtype) / 255 - MEAN) / STD


def gradients(net, x, name):
    layer, kept = net.get_submodule(name), []
    hook = layer.register_forward_hook(lambda m, i, o: kept.append(o))
    logits = net(x)
    hook.remove()
    best = logits.max(1).values.sum()
    return np.stack([kept[0].detach().numpy(), torch.autograd.grad(best, kept[0])[0].numpy()])


def main(model, data, n, out):
    net, x = load(model), images(data, n)
    exact = load(model).double()
    with torch.no_grad():
        np.save(out / "logits.npy", net(x).numpy())
        np.save(out / "logits64.npy", exact(images(data, n, torch.double)).float().numpy())
    for name in LAYERS:
        np.save(out / f"{name}.npy", gradients(net, x[:GRADS], name))


if __name__ == "__main__":
    if len(sys.argv) == 5:
        GRADS = int(sys.argv[3])
        main(sys.argv[1], sys.argv[2], GRADS, Path(sys.argv[4]))
    else:
        examples = HERE.parents[2] / "examples/shapes100"
        main(examples / "model.pth", examples / "test.bin", 20, HERE)
