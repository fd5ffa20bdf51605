"""Makes networks whose batch norms recorded the bundled example's images, under constants,
an order of channels, strides and pooling that are not what heatpipe assumes for their names.

    make.py            needs PyTorch and NumPy

Weights are random: what is compared is what enters the batch norms. The statistics are those
of all 1,000 images, not moved and not mirrored.
"""
import json
import pathlib
import struct
import sys

import numpy as np
import torch

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "families"))
from nets import Plain  # noqa: E402

IMAGENET = (.485, .456, .406), (.229, .224, .225)
KUANGLIU = (.4914, .4822, .4465), (.2023, .1994, .2010)
CIFAR100 = (.5071, .4867, .4409), (.2673, .2564, .2762)

# name, network, constants, order of the channels
NETS = [
    ("imagenet", lambda: Plain((4, 8), (1, 1), 100), IMAGENET, "rgb"),
    ("bytes", lambda: Plain((4, 8), (1, 1), 100), ((0, 0, 0), (1 / 255,) * 3), "rgb"),
    ("own", lambda: Plain((4, 8), (1, 1), 100), None, "rgb"),
    ("bgr", lambda: Plain((4, 8), (1, 1), 100), CIFAR100, "bgr"),
    ("stem", lambda: Plain((4, 8), (1, 1), 100, kernel=7, stride=1), IMAGENET, "rgb"),
    ("pool", lambda: Plain((4, 8), (1, 1), 100, pool=True), CIFAR100, "rgb"),
    ("preact", lambda: Plain((4, 8), (1, 1), 100, shortcut="shortcut", pre=True, normed=False,
                             active=True, head="linear"), KUANGLIU, "rgb"),
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


def main():
    x = images().double() / 255
    for seed, (name, make, constants, order) in enumerate(NETS):
        torch.manual_seed(seed)
        net = make().double()
        mean, std = constants or (x.mean((0, 2, 3)).tolist(), x.std((0, 2, 3)).tolist())
        y = (x - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)
        for m in net.modules():
            if isinstance(m, torch.nn.BatchNorm2d):
                torch.nn.init.uniform_(m.weight, .5, 1.5)
                torch.nn.init.normal_(m.bias, 0, .2)
                m.momentum = None
        with torch.no_grad():
            net.train()(y.flip(1) if order == "bgr" else y)
        save(HERE / (name + ".safetensors"), {
            k: v for k, v in net.state_dict().items() if not k.endswith("num_batches_tracked")})


main()
