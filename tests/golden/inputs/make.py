#!/usr/bin/env python3
"""Makes networks of one and of three channels, images that are grey, in colour and of several sizes,
and what PyTorch computes with them: logits, and the maps of all classes at the last layer. Needs
PyTorch, torchvision and Pillow.

grey.pth   a state dict of a residual network of one channel
grey.pt2   the same, exported for images of 28 by 28
color.pt2  a network of three channels, exported for images of 24 by 24
pictures/  three images of other sizes, one of them grey
t10k-*     two grey images of 28 by 28 in MNIST's layout, and their labels
"""
import os
import struct

import numpy as np
import torch
from PIL import Image
from torch import nn
from torchvision.transforms import CenterCrop, Resize

CLASSES = 5


class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.conv1 = nn.Conv2d(c, c, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(c)
        self.conv2 = nn.Conv2d(c, c, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(c)

    def forward(self, x):
        y = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(self.bn2(self.conv2(y)) + x)


class Net(nn.Module):
    def __init__(self, channels, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 6, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(6)
        self.layer1 = nn.Sequential(Block(6))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(6, CLASSES)

    def last(self, x):
        return self.layer1(torch.relu(self.bn1(self.conv1(x))))

    def forward(self, x):
        return self.fc(torch.flatten(self.avgpool(self.last(x)), 1))


def net(channels, side, stride):
    n = Net(channels, stride).train()
    for _ in range(20):
        n(torch.randn(8, channels, side, side))
    return n.eval()


def export(n, channels, side, name):
    dynamic = ({0: torch.export.Dim("b")},)
    program = torch.export.export(n, (torch.zeros(2, channels, side, side),), dynamic_shapes=dynamic)
    # They name folders of the machine that ran this.
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)
    torch.export.save(program, name)


def results(name, n, images, grey, mean, std):
    x = np.stack([np.asarray(i.convert("L" if grey else "RGB")) for i in images])
    x = torch.from_numpy(x[:, None] if grey else x.transpose(0, 3, 1, 2).copy()).float() / 255
    x = (x - torch.tensor(mean).view(1, -1, 1, 1)) / torch.tensor(std).view(1, -1, 1, 1)
    with torch.no_grad():
        last = n.last(x)
        maps = torch.einsum("kc,nchw->nkhw", n.fc.weight, last) / last[0, 0].numel()
        np.save(f"{name}.logits.npy", n(x).numpy())
        np.save(f"{name}.maps.npy", maps.numpy())


def draw(rnd, h, w, channels):
    y, x = np.mgrid[:h, :w]
    planes = [(x * (3 + c) + y * (7 - 2 * c)) % 256 for c in range(channels)]
    p = np.stack(planes, -1)
    p[(y - h / 2) ** 2 + (x - w / 3) ** 2 < (min(h, w) / 3) ** 2] = rnd.integers(0, 256, channels)
    return p.astype(np.uint8)


def main():
    os.chdir(os.path.dirname(os.path.abspath(__file__)))
    os.makedirs("pictures", exist_ok=True)
    torch.manual_seed(3)
    rnd = np.random.default_rng(3)
    grey, color = net(1, 28, 1), net(3, 24, 2)
    torch.save(grey.state_dict(), "grey.pth")
    export(grey, 1, 28, "grey.pt2")
    export(color, 3, 24, "color.pt2")
    digits = np.stack([draw(rnd, 28, 28, 1)[..., 0] for _ in range(2)])
    with open("t10k-images-idx3-ubyte", "wb") as f:
        f.write(struct.pack(">IIII", 0x803, 2, 28, 28) + digits.tobytes())
    with open("t10k-labels-idx1-ubyte", "wb") as f:
        f.write(struct.pack(">II", 0x801, 2) + bytes((3, 1)))
    digits = [Image.fromarray(d) for d in digits]
    pictures = []
    for name, h, w, channels in ("a", 30, 40, 3), ("b", 50, 31, 1), ("c", 12, 60, 3):
        p = draw(rnd, h, w, channels)
        image = Image.fromarray(p if channels == 3 else p[..., 0])
        image.save(f"pictures/{name}.png", optimize=True)
        pictures.append(image.convert("RGB"))
    results("grey-digits", grey, digits, True, [.1307], [.3081])
    results("grey-pictures", grey, [Resize((28, 28))(i) for i in pictures], True, [.5], [.5])
    mean, std = [.5, .4, .3], [.2, .25, .3]
    cut = [CenterCrop(24)(Resize(26)(i)) for i in pictures]
    results("color-pictures", color, cut, False, mean, std)
    results("color-digits", color, [Resize((24, 24))(i) for i in digits], False, mean, std)


if __name__ == "__main__":
    main()
