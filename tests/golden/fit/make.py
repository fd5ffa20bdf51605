"""Makes networks whose batch norms recorded the bundled example's images, under constants,
an order of channels, strides and pooling that are not what heatpipe assumes for their names.

    make.py            needs PyTorch, onnx and NumPy

Weights are random: what is compared is what enters the batch norms. The statistics are those
of all 1,000 images, not moved and not mirrored. Programs are written by torch.export and, with
their norms, as ONNX.
"""
import contextlib
import io
import json
import pathlib
import struct
import sys

import numpy as np
import torch
from torch import nn

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE.parent / folder) for folder in ("programs", "families", "onnx")]
from make import shrink  # noqa: E402
from nets import Plain  # noqa: E402
from strip import strip  # noqa: E402

IMAGENET = (.485, .456, .406), (.229, .224, .225)
KUANGLIU = (.4914, .4822, .4465), (.2023, .1994, .2010)
CIFAR100 = (.5071, .4867, .4409), (.2673, .2564, .2762)


class Mobile(nn.Module):
    """Depthwise convolutions, functions that are no ReLU, a norm that runs twice."""

    def __init__(self):
        super().__init__()
        self.stem = self.conv(3, 8, 3, stride=2)
        self.depthwise, self.point, self.act = self.conv(8, 8, 3, groups=8), self.conv(8, 8, 1), nn.SiLU()
        self.last, self.twice = self.conv(8, 12, 3), nn.BatchNorm2d(12)
        self.fc = nn.Linear(12, 100)

    @staticmethod
    def conv(i, o, k, **more):
        return nn.Sequential(nn.Conv2d(i, o, k, padding=k // 2, bias=False, **more), nn.BatchNorm2d(o))

    def forward(self, x):
        x = self.act(self.stem(x))
        x = x + self.point(self.act(self.depthwise(x)))
        x = torch.relu(self.twice(self.twice(self.act(self.last(x))) * .25))
        return self.fc(x.mean((2, 3)))


class Dense(nn.Module):
    """A norm in front of convolutions, and none behind the first one."""

    def __init__(self):
        super().__init__()
        self.stem, self.norm = nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8)
        self.conv, self.last = nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(16)
        self.fc = nn.Linear(16, 100)

    def forward(self, x):
        x = torch.nn.functional.max_pool2d(torch.relu(self.stem(x)), 2)
        x = torch.cat([x, self.conv(torch.relu(self.norm(x)))], 1)
        return self.fc(torch.relu(self.last(x)).mean((2, 3)))


class Inside(nn.Module):
    """A program that normalises its images itself."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.tensor(IMAGENET[0]).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(IMAGENET[1]).view(1, 3, 1, 1))
        self.net = Mobile()

    def forward(self, x):
        return self.net((x - self.mean) / self.std)


# name, network, constants, order of the channels
PROGRAMS = [
    ("mobile.pt2", Mobile, IMAGENET, "rgb"),
    ("mobile.onnx", Mobile, KUANGLIU, "bgr"),
    ("dense.pt2", Dense, IMAGENET, "bgr"),
    ("inside.pt2", Inside, ((0, 0, 0), (1, 1, 1)), "rgb"),
]

NETS = [
    ("imagenet", lambda: Plain((4, 8), (1, 1), 100), IMAGENET, "rgb"),
    ("bytes", lambda: Plain((4, 8), (1, 1), 100), ((0, 0, 0), (1 / 255,) * 3), "rgb"),
    ("own", lambda: Plain((4, 8), (1, 1), 100), None, "rgb"),
    ("bgr", lambda: Plain((4, 8), (1, 1), 100), CIFAR100, "bgr"),
    ("stem", lambda: Plain((4, 8), (1, 1), 100, kernel=7, stride=1), IMAGENET, "rgb"),
    ("pool", lambda: Plain((4, 8), (1, 1), 100, pool=True), CIFAR100, "rgb"),
    ("preact", lambda: Plain((4, 8), (1, 1), 100, shortcut="shortcut", pre=True, normed=False,
                             start="mixed", head="linear"), KUANGLIU, "rgb"),
]


def images():
    records = np.fromfile(HERE.parents[2] / "examples/shapes100/test.bin", np.uint8)
    return torch.from_numpy(records.reshape(-1, 3074)[:, 2:].reshape(-1, 3, 32, 32).copy())


def save(path, state):
    """As safetensors lays it out."""
    head, raw = {"__metadata__": {"format": "pt"}}, b""
    for key, v in state.items():
        more = v.float().contiguous().numpy().tobytes()
        head[key] = {"dtype": "F32", "shape": list(v.shape),
                     "data_offsets": [len(raw), len(raw) + len(more)]}
        raw += more
    text = json.dumps(head, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + raw)


def recorded(x, make, constants, order):
    """A network whose norms have seen the images."""
    net = make().double()
    mean, std = constants or (x.mean((0, 2, 3)).tolist(), x.std((0, 2, 3)).tolist())
    y = (x - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)
    for m in net.modules():
        if isinstance(m, nn.BatchNorm2d):
            nn.init.uniform_(m.weight, .5, 1.5)
            nn.init.normal_(m.bias, 0, .2)
            m.momentum = None
    with torch.no_grad():
        net.train()(y.flip(1) if order == "bgr" else y)
    return net


def save_program(path, net):
    net, x = net.float().eval(), torch.zeros(2, 3, 32, 32)
    if path.suffix == ".onnx":
        with contextlib.redirect_stdout(io.StringIO()):
            torch.onnx.export(net, (x,), str(path), dynamo=False, training=torch.onnx.TrainingMode.PRESERVE,
                              input_names=["x"], output_names=["y"], dynamic_axes={"x": {0: "n"}, "y": {0: "n"}})
        strip(str(path))
        return
    file = io.BytesIO()
    torch.export.save(torch.export.export(net, (x,), dynamic_shapes=({0: torch.export.Dim("n")},)), file)
    path.write_bytes(shrink(file.getvalue()))


def main():
    x = images().double() / 255
    for seed, (name, make, constants, order) in enumerate(PROGRAMS):
        torch.manual_seed(seed)
        save_program(HERE / name, recorded(x, make, constants, order))
    for seed, (name, make, constants, order) in enumerate(NETS):
        torch.manual_seed(seed)
        net = recorded(x, make, constants, order)
        save(HERE / (name + ".safetensors"), {
            k: v for k, v in net.state_dict().items() if not k.endswith("num_batches_tracked")})


main()
