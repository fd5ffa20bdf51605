#!/usr/bin/env python3
"""Small networks of random weights as ONNX files, by both exporters of PyTorch and in several sets
of operations, with what PyTorch makes of images.npy (4, 32, 32, 3): logits/NET.npy, and
maps/NET.npy, (4, 1, h, w): the sum of a layer's activations, each channel times the mean of its gradient
of the largest logit. tests/cases/onnx/golden has the layers.

make.py     with torch, numpy, onnx and onnxscript

A file's name is NET-EXPORTER-OPSET: `ts` is the older exporter, by TorchScript; `dyn` the newer, by
torch.export. What the exporters tell of the machine they ran on is taken out."""

import contextlib
import glob
import io
import logging
import os
import warnings

import numpy as np
import onnx
import torch
from torch import nn
from torch.nn import functional as F

from strip import strip

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)
SIDE = 32


def conv(i, o, k=3, s=1, g=1, norm=True, act=nn.ReLU, p=None):
    parts = [nn.Conv2d(i, o, k, s, k // 2 if p is None else p, groups=g, bias=not norm)]
    if norm:
        parts.append(nn.BatchNorm2d(o))
    if act:
        parts.append(act())
    return nn.Sequential(*parts)


class Residual(nn.Module):
    """Addition, ceil_mode, a norm before a ReLU that no convolution takes in."""
    def __init__(self):
        super().__init__()
        self.stem = conv(3, 8, 5, 2)
        self.pool = nn.MaxPool2d(2, 2, ceil_mode=True)
        self.a, self.b = conv(8, 12, 3, 2), conv(12, 12, act=None)
        self.down = conv(8, 12, 1, 2, act=None)
        self.norm = nn.BatchNorm2d(12)
        self.fc = nn.Linear(12, 5)

    def forward(self, x):
        x = self.pool(self.stem(x))
        x = F.relu(self.b(self.a(x)) + self.down(x))
        x = F.relu(self.norm(x))
        return self.fc(torch.flatten(F.adaptive_avg_pool2d(x, 1), 1))


class Squeeze(nn.Module):
    def __init__(self, c, gate):
        super().__init__()
        self.down, self.up, self.gate = nn.Conv2d(c, 4, 1), nn.Conv2d(4, c, 1), gate()

    def forward(self, x):
        return x * self.gate(self.up(F.relu(self.down(x.mean((2, 3), keepdim=True)))))


class Mobile(nn.Module):
    """Depthwise convolutions, the functions of mobile networks, squeeze and excitation."""
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            conv(3, 8, 3, 2, act=nn.Hardswish), conv(8, 8, g=8, act=nn.ReLU6), Squeeze(8, nn.Hardsigmoid),
            conv(8, 16, 3, 2, g=4, act=nn.SiLU), Squeeze(16, nn.Sigmoid), conv(16, 16, 1, act=None))
        self.classifier = nn.Sequential(nn.Linear(16, 12), nn.Hardswish(), nn.Dropout(.2), nn.Linear(12, 5))

    def forward(self, x):
        return self.classifier(self.features(x).mean([2, 3]))


class Shuffle(nn.Module):
    """Split, concatenation, channel shuffle."""
    def __init__(self):
        super().__init__()
        self.stem = conv(3, 8, 3, 2)
        self.one, self.two = conv(4, 4), conv(4, 4, g=4, act=None)
        self.fc = nn.Linear(8, 5)

    def block(self, x, f):
        a, b = x.chunk(2, dim=1)
        x = torch.cat((a, f(b)), 1)
        n, c, h, w = x.size()
        return x.view(n, 2, c // 2, h, w).transpose(1, 2).contiguous().view(n, c, h, w)

    def forward(self, x):
        return self.fc(self.block(self.block(self.stem(x), self.one), self.two).mean([2, 3]))


class Dense(nn.Module):
    """Norms before convolutions, one value in many joins, averages over windows."""
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 3, 2, 1)
        self.layers = nn.ModuleList(nn.Sequential(nn.BatchNorm2d(6 + 4 * i), nn.ReLU(),
                                                  nn.Conv2d(6 + 4 * i, 4, 3, padding=1)) for i in range(2))
        self.transition = nn.Sequential(nn.BatchNorm2d(14), nn.ReLU(), nn.Conv2d(14, 8, 1), nn.AvgPool2d(2, 2))
        self.end = nn.BatchNorm2d(8)
        self.classifier = nn.Linear(8, 5)

    def forward(self, x):
        x = self.stem(x)
        for layer in self.layers:
            x = torch.cat([x, layer(x)], 1)
        x = F.relu(self.end(self.transition(x)))
        return self.classifier(torch.flatten(F.adaptive_avg_pool2d(x, (1, 1)), 1))


class Plain(nn.Module):
    """Uneven padding, windows of every kind, slopes, several linear layers, no average."""
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 6, 3, 2), nn.Conv2d(6, 8, (3, 1), dilation=(2, 1), bias=False)
        self.c = nn.Conv2d(8, 8, 3, padding=1)
        self.slope = nn.PReLU(6)
        self.fc = nn.Sequential(nn.Flatten(), nn.Linear(8 * 3 * 3, 12), nn.LeakyReLU(.2), nn.Linear(12, 10),
                                nn.ELU(.7), nn.Linear(10, 5))

    def forward(self, x):
        x = self.slope(self.a(F.pad((x - .1) / 1.5, (0, 1, 1, 2))))
        x = F.avg_pool2d(self.b(x), 3, 2, 1)
        x = F.avg_pool2d(torch.clamp(self.c(x), -1.0, .8), 3, 1, 1, count_include_pad=False)
        return self.fc(F.max_pool2d(torch.tanh(x), 3, 2, 1, ceil_mode=True)[:, :, :3, :3])


class Channels(nn.LayerNorm):
    def forward(self, x):
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Next(nn.Module):
    """ConvNeXt: layer norms over channels, GELU, factors of channels."""
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 4, 4), Channels(8, eps=1e-6))
        self.depth, self.norm = nn.Conv2d(8, 8, 7, padding=3, groups=8), nn.LayerNorm(8, eps=1e-6)
        self.up, self.down = nn.Linear(8, 16), nn.Linear(16, 8)
        self.scale = nn.Parameter(torch.rand(8, 1, 1))
        self.end = nn.Sequential(Channels(8, eps=1e-6), nn.Flatten(1), nn.Linear(8, 5))

    def forward(self, x):
        x = self.stem(x)
        y = self.down(F.gelu(self.up(self.norm(self.depth(x).permute(0, 2, 3, 1)))))
        x = x + self.scale * y.permute(0, 3, 1, 2)
        return self.end(F.adaptive_avg_pool2d(x, 1))


class Tokens(nn.Module):
    """A vision transformer of two heads: class token, positions, torch's own attention."""
    def __init__(self):
        super().__init__()
        self.patch = nn.Conv2d(3, 12, 8, 8)
        self.token, self.places = nn.Parameter(torch.randn(1, 1, 12)), nn.Parameter(torch.randn(1, 17, 12))
        self.one, self.two, self.end = (nn.LayerNorm(12, eps=1e-6) for _ in range(3))
        self.attention = nn.MultiheadAttention(12, 2, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(12, 20), nn.GELU(), nn.Linear(20, 12))
        self.head = nn.Linear(12, 5)

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.places
        y = self.one(x)
        x = x + self.attention(y, y, y, need_weights=False)[0]
        return self.head(self.end(x + self.mlp(self.two(x)))[:, 0])


NETS = {
    Residual: ("stem", [("ts", 9), ("dyn", 18)]),
    Mobile: ("features.3", [("ts", 10), ("dyn", 20)]),
    Shuffle: ("stem", [("ts", 11), ("ts", 17), ("dyn", 18)]),
    Dense: ("transition", [("ts", 10), ("dyn", 23)]),
    Plain: ("a", [("ts", 11), ("dyn", 18)]),
    Next: ("stem", [("ts", 13), ("ts", 17), ("dyn", 20)]),
    Tokens: ("patch", [("ts", 17), ("dyn", 18), ("dyn", 23)]),
}


def randomise(net):
    for m in net.modules():
        if isinstance(m, nn.BatchNorm2d):
            m.running_mean.normal_(0, .3)
            m.running_var.uniform_(.5, 1.5)
        if isinstance(m, (nn.BatchNorm2d, nn.LayerNorm)):
            m.weight.data.uniform_(.5, 1.5)
            m.bias.data.normal_(0, .3)


def export(net, how, opset, path):
    images, shape = torch.zeros(2, 3, SIDE, SIDE), {0: "n"}
    with contextlib.redirect_stdout(io.StringIO()):
        if how == "ts":
            # One fixed number of images, of all other files any.
            fixed = opset == 17
            torch.onnx.export(net, (images,), path, dynamo=False, opset_version=opset, input_names=["x"],
                              output_names=["y"], dynamic_axes=None if fixed else {"x": shape, "y": shape})
        else:
            torch.onnx.export(net, (images,), path, dynamo=True, opset_version=opset, external_data=False,
                              verbose=False, dynamic_shapes=({0: torch.export.Dim("n")},))


os.chdir(os.path.dirname(os.path.abspath(__file__)))
os.makedirs("logits", exist_ok=True)
os.makedirs("maps", exist_ok=True)
for old in glob.glob("*.onnx*") + glob.glob("logits/*") + glob.glob("maps/*"):
    os.remove(old)
images = np.random.RandomState(5).randint(0, 256, (4, SIDE, SIDE, 3)).astype(np.uint8)
images[1, 8:24, 8:24] = images[1, :16, :16] // 4 + 160  # not all the same noise
images[2] //= 3
np.save("images.npy", images)
pixels = (torch.tensor(images).permute(0, 3, 1, 2).float() / 255 - .5) / .25
for kind, (layer, files) in NETS.items():
    torch.manual_seed(3)
    net = kind()
    randomise(net)
    net.eval()
    name = kind.__name__.lower()
    kept = []
    hook = net.get_submodule(layer).register_forward_hook(lambda m, i, o: kept.append(o))
    logits = net(pixels)
    hook.remove()
    gradient, = torch.autograd.grad(logits.max(1).values.sum(), kept[0])
    np.save(f"logits/{name}.npy", logits.detach().numpy())
    np.save(f"maps/{name}.npy", (kept[0] * gradient.mean((2, 3), keepdim=True)).sum(1, keepdim=True).detach().numpy())
    for how, opset in files:
        path = f"{name}-{how}-{opset}.onnx"
        export(net, how, opset, path)
        strip(path)
        print(path, os.path.getsize(path), sorted({n.op_type for n in onnx.load(path).graph.node}))
# The weights of one net in a file beside it.
m = onnx.load("shuffle-dyn-18.onnx")
onnx.save(m, "beside.onnx", save_as_external_data=True, location="beside.onnx.data", size_threshold=0)
