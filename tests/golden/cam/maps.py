#!/usr/bin/env python3
"""Writes the golden maps: what pytorch-grad-cam computes on a small network with
random weights and on the bundled example.

Needs torch, torchvision, opencv-python-headless and grad-cam 1.5.7. Beside this file:
    random.pth, images.npy, random.tsv   the network, its images, the rows
    shapes.tsv                           rows of examples/shapes100
    random-LAYER-METHOD-SCORE.npy        maps (n, 2, h, w) for the columns pred, true
    methods/METHOD.npy                   uint16 (layers, scores, n, 2, 16, 16): every second cell, from
                                         0 on, of the maps of examples/shapes100, 65535 for 1
    methods/LAYERS-METHOD-SCORE-SMOOTH.npy
                                         the same of several layers or smoothed (n, 2, 16, 16), with +
                                         for the commas of lists
"""
import contextlib
import io
import pathlib
import sys
import types

import numpy as np
import torch
import pytorch_grad_cam
from pytorch_grad_cam import (FEM, AblationCAM, EigenCAM, EigenGradCAM, FinerCAM, FullGrad, GradCAM,
                              GradCAMElementWise, GradCAMPlusPlus, HiResCAM, KPCA_CAM, LayerCAM,
                              RandomCAM, ScoreCAM, ShapleyCAM, XGradCAM)
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import nn
from torchvision.models.resnet import BasicBlock

HERE = pathlib.Path(__file__).parent
EXAMPLE = HERE.parents[2] / "examples" / "shapes100"
METHODS = {
    "gradcam": GradCAM, "hirescam": HiResCAM, "xgradcam": XGradCAM, "gradcam++": GradCAMPlusPlus,
    "elementwise": GradCAMElementWise, "layercam": LayerCAM, "eigencam": EigenCAM,
    "eigengradcam": EigenGradCAM, "fem": FEM, "kpcacam": KPCA_CAM, "scorecam": ScoreCAM,
    "ablationcam": AblationCAM, "fullgrad": FullGrad, "finercam": FinerCAM,
    "shapleycam": ShapleyCAM, "random": RandomCAM,
}
LAYERS = ["layer2", "layer3", "layer4"]
SEED = 7
SCORES = {
    "logit": nn.Identity(),
    "logprob": nn.LogSoftmax(dim=1),
    "prob": nn.Softmax(dim=1),
}
MEAN = torch.tensor([0.5071, 0.4867, 0.4409]).view(1, 3, 1, 1)
STD = torch.tensor([0.2673, 0.2564, 0.2762]).view(1, 3, 1, 1)


def with_sign(projection):
    """The library's projection, whose sign is arbitrary, in agreement with the sum of channels."""

    def project(batch):
        maps, total = projection(batch), batch.sum(1)
        sign = np.where((maps * total).sum((1, 2)) < 0, -1, 1)
        return np.float32(maps * sign[:, None, None])

    return project


for module in vars(pytorch_grad_cam).values():
    if isinstance(module, types.ModuleType) and hasattr(module, "get_2d_projection"):
        module.get_2d_projection = with_sign(module.get_2d_projection)


class ResNet(nn.Module):
    def __init__(self, blocks, widths, classes):
        super().__init__()
        self.conv1 = nn.Conv2d(3, widths[0], 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        before = widths[0]
        for i, (n, width) in enumerate(zip(blocks, widths), 1):
            stage = []
            for block in range(n):
                stride = 2 if block == 0 and i > 1 else 1
                down = None
                if stride != 1 or before != width:
                    down = nn.Sequential(nn.Conv2d(before, width, 1, stride, bias=False), nn.BatchNorm2d(width))
                stage.append(BasicBlock(before, width, stride, down))
                before = width
            self.add_module(f"layer{i}", nn.Sequential(*stage))
        self.fc = nn.Linear(before, classes)

    def forward(self, x):
        x = torch.relu(self.bn1(self.conv1(x)))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean((2, 3)))


def from_state(state):
    """The network that a state dict's names and shapes describe."""
    blocks = [len({k.split(".")[1] for k in state if k.startswith(f"layer{i}.")}) for i in range(1, 5)]
    widths = [state[f"layer{i}.0.conv1.weight"].shape[0] for i in range(1, 5)]
    net = ResNet(blocks, widths, state["fc.bias"].shape[0])
    net.load_state_dict(state)
    return net.eval()


def load(path):
    """A checkpoint whose classes exist nowhere."""

    class Opaque:
        def __setstate__(self, state):
            pass

    class Module(types.ModuleType):
        def __getattr__(self, name):
            return Opaque

    for name in ("shapes100_training", "cifar100_training"):
        sys.modules.setdefault(name, Module(name))
    checkpoint = torch.load(path, map_location="cpu", weights_only=False)
    return from_state(checkpoint.get("model_state_dict", checkpoint))


def prepare(pixels):
    """uint8 (n, 3, h, w) to the network's input."""
    return (torch.from_numpy(pixels).float() / 255 - MEAN) / STD


def layer_of(net, name):
    module = net
    for part in name.split("."):
        module = module[int(part)] if part.isdigit() else getattr(module, part)
    return module


def splitmix(state):
    state = (state + 0x9e3779b97f4a7c15) % 2**64
    x = (state ^ state >> 30) * 0xbf58476d1ce4e5b9 % 2**64
    x = (x ^ x >> 27) * 0x94d049bb133111eb % 2**64
    return state, x ^ x >> 31


def random_weights(image, channels):
    """The weights of --method random, from -1 to 1."""
    state = splitmix(splitmix(SEED)[1] ^ image)[1]
    weights = []
    for _ in range(channels):
        state, bits = splitmix(state)
        weights.append((bits >> 11) * 2.0**-52 - 1)
    return weights


def cams(net, pixels, layers, method, score, targets, ids=(), **options):
    """(n, targets, h, w); `targets` is a list of class arrays."""
    wrapped = nn.Sequential(net, SCORES[score])
    x = prepare(pixels)
    planes = []
    # Its random numbers become those of --method random.
    np.random.uniform = lambda low, high, size: np.array([random_weights(int(i), size[1]) for i in ids])
    layers = [layer_of(net, name) for name in layers.split(",")]
    with METHODS[method](model=wrapped, target_layers=layers) as cam, \
            contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        for t in targets:
            if method == "finercam":  # its target is one class for all images
                maps = [cam(x[i:i + 1], target_idx=int(c), **options)[0] for i, c in enumerate(t)]
            else:
                maps = cam(x, [ClassifierOutputTarget(int(c)) for c in t], **options)
            planes.append(np.stack(maps))
    return np.stack(planes, axis=1)


def random_network():
    torch.manual_seed(5)
    net = ResNet([2, 1, 1, 1], [6, 8, 10, 12], 5)
    for m in net.modules():
        if isinstance(m, nn.BatchNorm2d):
            m.momentum = None
            nn.init.uniform_(m.weight, 0.5, 1.5)
            nn.init.normal_(m.bias, 0, 0.2)
    nn.init.normal_(net.fc.weight, 0, 0.6)
    rng = np.random.default_rng(5)
    # Soft blobs, so that images differ in the large.
    small = rng.integers(0, 256, (64, 3, 4, 3)).astype(np.float32)
    pixels = np.kron(small, np.ones((1, 1, 6, 6), np.float32))[:, :, :, :16]
    pixels = np.clip(pixels + rng.normal(0, 20, pixels.shape), 0, 255).astype(np.uint8)
    with torch.no_grad():
        net.train()(prepare(pixels))
    return net.eval(), pixels[:3]


def write(name, net, ids, pixels, truth, combinations):
    with torch.no_grad():
        p = torch.softmax(net(prepare(pixels)), 1)
    pred = p.argmax(1).numpy()
    with open(HERE / f"{name}.tsv", "w", encoding="ascii") as f:
        f.write("id\ttrue\tpred\n")
        for row in zip(ids, truth, pred):
            f.write("\t".join(map(str, map(int, row))) + "\n")
    for layer, method, score in combinations:
        maps = cams(net, pixels, layer, method, score, [pred, truth], ids)
        blank = int((maps.max((2, 3)) == 0).sum())
        print(name, layer, method, score, "blank:", blank, "conf:", p.max(1).values.numpy().round(3))
        np.save(HERE / f"{name}-{layer}-{method}-{score}.npy", maps.astype(np.float32))


def packed(maps):
    return np.round(maps[..., ::2, ::2].astype(np.float64) * 65535).astype(np.uint16)


def every_method(net, ids, pixels, targets):
    for method in METHODS:
        maps = [[packed(cams(net, pixels, layer, method, score, targets, ids)) for score in ("logit", "logprob")]
                for layer in LAYERS]
        np.save(HERE / "methods" / f"{method}.npy", np.array(maps))
    for layers, method, score, smooth in [
            ("layer3,layer4", "gradcam", "logit", ""),
            ("layer2,layer3,layer4", "layercam", "logprob", ""),
            ("layer3,layer4", "eigencam", "logit", ""),
            ("layer4", "gradcam", "logit", "aug"),
            ("layer3", "hirescam", "logprob", "aug"),
            ("layer3,layer4", "gradcam++", "logprob", "aug"),
            ("layer3", "gradcam", "logit", "eigen"),
            ("layer2", "layercam", "logprob", "eigen"),
            ("layer4", "xgradcam", "logprob", "eigen"),
            ("layer3", "hirescam", "logit", "aug,eigen"),
            ("layer4", "fullgrad", "logit", "aug")]:
        options = {f"{word}_smooth": True for word in smooth.split(",") if word}
        maps = cams(net, pixels, layers, method, score, targets, ids, **options)
        name = f"{layers}-{method}-{score}-{smooth or 'none'}".replace(",", "+")
        np.save(HERE / "methods" / f"{name}.npy", packed(maps))


def main():
    net, pixels = random_network()
    torch.save(net.state_dict(), HERE / "random.pth")
    np.save(HERE / "images.npy", pixels)
    write("random", net, [0, 1, 2], pixels, np.array([0, 3, 4]), [
        ("layer4", "gradcam", "logit"),
        ("layer4", "hirescam", "logprob"),
        ("layer4", "xgradcam", "prob"),
        ("layer3", "gradcam", "logprob"),
        ("layer3", "hirescam", "logit"),
        ("layer3", "xgradcam", "prob"),
        ("layer2", "gradcam", "prob"),
        ("layer1.0", "hirescam", "logprob"),
        ("layer1", "xgradcam", "logit"),
        ("layer4", "gradcam++", "logit"),
        ("layer3", "gradcam++", "logprob"),
        ("layer4", "elementwise", "logprob"),
        ("layer2", "elementwise", "logit"),
        ("layer4", "layercam", "logit"),
        ("layer3", "layercam", "prob"),
        ("layer4", "eigencam", "logit"),
        ("layer1", "eigencam", "logit"),
        ("layer4", "eigengradcam", "logit"),
        ("layer3", "eigengradcam", "logprob"),
        ("layer4", "fem", "logit"),
        ("layer2", "fem", "logit"),
    ])
    records = np.fromfile(EXAMPLE / "test.bin", np.uint8).reshape(-1, 3074)
    net = load(EXAMPLE / "model.pth")
    images = np.ascontiguousarray(records[:, 2:].reshape(-1, 3, 32, 32))
    with torch.no_grad():
        conf, pred = torch.softmax(net(prepare(images)), 1).max(1)
    unsure = np.flatnonzero((pred.numpy() != records[:, 1]) & (conf.numpy() < 0.99))[:2]
    write("shapes", net, unsure, images[unsure], records[unsure, 1].astype(int), [])
    every_method(net, unsure, images[unsure], [pred.numpy()[unsure], records[unsure, 1].astype(int)])


if __name__ == "__main__":
    main()
