#!/usr/bin/env python3
"""Writes what the tests keep of the networks of nets.py, and what PyTorch computes from them.

    make.py [NAME ...]    all networks, or those; needs torch, torchvision and numpy

    NAME.keys    names and shapes of the tensors, of which weights.py makes the checkpoint
    NAME.npy     float32: the statistics of all batch norms, which are those of
                 ../families/probe.npy as NAME computes them
    logits/NAME.npy    (6, classes) of ../families/images.npy, from double precision
    maps/NAME.npy      (2, h, w): Grad-CAM of the predicted class at a layer inside the network,
                 unscaled and with sign, of the first two images
    ../../cases/cifar-predict/designs/nets.tsv    which options make heatpipe read NAME as PyTorch
                 computes it, and the layer of the maps
"""
import pathlib
import sys

import numpy as np
import torch
from torch import nn

import nets
import weights

HERE = pathlib.Path(__file__).resolve().parent
FAMILIES = HERE.parent / "families"
CASE = HERE.parents[1] / "cases" / "cifar-predict" / "designs"
CIFAR100 = (.5071, .4867, .4409), (.2673, .2564, .2762)

VGG = [4, "M", 6, "M", 6, 8, "M", 8, "M"]
MOBILE, REP = "stem-stride=2,strides=1:2:2:2:1:2:1", "stem-stride=2,strides=2:2:2:2"

# The layer of the maps: the same module in PyTorch, but for those whose keys name none.
LAYERS = {
    "vgg-torchvision": "features.10", "vgg-chenyaofo": "features.13", "vgg-one": "features.14",
    "vgg-plain": "features.4", "densenet-weiaicunzai": "layer2.0",
    "densenet-torchvision": "layer2.1", "densenet-files": "layer2.1",
    "mobilenetv2-torchvision": "features.4", "mobilenetv2-chenyaofo": "features.9",
    "mobilenetv2-weiaicunzai": "stage3.0", "shufflenetv2-torchvision": "stage3.1",
    "shufflenetv2-chenyaofo": "stage2.0", "shufflenetv2-weiaicunzai": "stage3.1",
    "repvgg-chenyaofo": "stage2.0", "repvgg-imagenet": "stage0", "repvgg-deploy": "stage3.1",
    "resnext-torchvision": "layer2.1", "resnext-weiaicunzai": "conv3.1",
    "seresnet-basic": "stage2.0", "seresnet-bottleneck": "stage2.1",
    "wideresnet-weiaicunzai": "conv3.0", "googlenet-torchvision": "inception4b",
    "googlenet-weiaicunzai": "c4", "googlenet-one": "b3",
    "densenet-kuangliu": "layer2.0", "mobilenetv2-kuangliu": "layers.3",
    "mobilenet-kuangliu": "layers.2", "mobilenet-weiaicunzai": "conv2.0",
    "shufflenetv2-kuangliu": "layer2.1", "googlenet-kuangliu": "d4",
    "senet-kuangliu": "layer3.0", "senet-kuangliu-basic": "layer2.0",
    "regnetx-kuangliu": "layer3.1", "regnety-kuangliu": "layer2.0",
    "squeezenet-weiaicunzai": "fire7",
}
MODULES = {"densenet-kuangliu": "dense2",
           "densenet-weiaicunzai": "features.dense_block_layer_1",
           "densenet-torchvision": "features.denseblock2",
           "densenet-files": "features.denseblock2"}

# Name, network, the family that its keys show, what --assume has to say.
NETS = [
    ("vgg-torchvision", nets.Vgg(VGG, True, 7, (12, 12)), "torchvision-vgg", ""),
    ("vgg-chenyaofo", nets.Vgg([*VGG, 8, "M"], True, 1, (8, 8)), "torchvision-vgg", ""),
    ("vgg-one", nets.Vgg([*VGG, 8, "M"], True, 1, ()), "torchvision-vgg", ""),
    ("vgg-plain", nets.Vgg(VGG[:6] + ["M"], False, 4, (8,)), "torchvision-vgg", ""),
    ("densenet-torchvision", nets.dense_torchvision(), "torchvision-densenet", ""),
    ("densenet-files", nets.dense_torchvision(), "torchvision-densenet-files", ""),
    ("densenet-weiaicunzai", nets.dense((2, 1, 2), 4), "weiaicunzai-densenet", ""),
    ("mobilenetv2-torchvision", nets.mobile_torchvision(False), "torchvision-mobilenetv2", MOBILE),
    ("mobilenetv2-chenyaofo", nets.mobile_torchvision(True), "torchvision-mobilenetv2", ""),
    ("mobilenetv2-weiaicunzai", nets.Mobile(), "weiaicunzai-mobilenetv2", ""),
    ("shufflenetv2-torchvision", nets.shuffle_torchvision(False), "torchvision-shufflenetv2",
     "stem-stride=2,pool=max"),
    ("shufflenetv2-chenyaofo", nets.shuffle_torchvision(True), "torchvision-shufflenetv2", ""),
    ("shufflenetv2-weiaicunzai", nets.shuffle(), "weiaicunzai-shufflenetv2", ""),
    ("repvgg-chenyaofo", nets.rep(nets.Branches, 1), "repvgg", ""),
    ("repvgg-imagenet", nets.rep(nets.Branches, 2), "repvgg", REP),
    ("repvgg-deploy", nets.rep(nets.Merged, 1), "repvgg-deploy", ""),
    ("resnext-torchvision", nets.resnext_torchvision(), "torchvision", ""),
    ("resnext-weiaicunzai", nets.resnext(), "weiaicunzai-resnext", ""),
    ("seresnet-basic", nets.seresnet(False), "weiaicunzai-seresnet", ""),
    ("seresnet-bottleneck", nets.seresnet(True), "weiaicunzai-seresnet", ""),
    ("wideresnet-weiaicunzai", nets.wide(), "weiaicunzai-wideresnet", ""),
    ("googlenet-torchvision", nets.GoogTorchvision(), "torchvision-googlenet", ""),
    ("googlenet-weiaicunzai", nets.goog(True), "weiaicunzai-googlenet", ""),
    ("googlenet-one", nets.goog(False), "weiaicunzai-googlenet", ""),
    ("densenet-kuangliu", nets.kuangliu_dense(), "kuangliu-densenet", ""),
    ("googlenet-kuangliu", nets.kuangliu_goog(), "kuangliu-googlenet", ""),
    ("mobilenetv2-kuangliu", nets.kuangliu_mobile2(), "kuangliu-mobilenetv2", ""),
    ("mobilenet-kuangliu", nets.kuangliu_mobile(), "kuangliu-mobilenet", ""),
    ("mobilenet-weiaicunzai", nets.mobile(), "weiaicunzai-mobilenet", ""),
    ("shufflenetv2-kuangliu", nets.kuangliu_shuffle(), "kuangliu-shufflenetv2", ""),
    ("senet-kuangliu", nets.kuangliu_senet(True), "kuangliu-senet", ""),
    ("senet-kuangliu-basic", nets.kuangliu_senet(False), "kuangliu-senet-basic", ""),
    ("regnetx-kuangliu", nets.kuangliu_regnet(False), "kuangliu", ""),
    ("regnety-kuangliu", nets.kuangliu_regnet(True), "kuangliu-regnet", ""),
    ("squeezenet-weiaicunzai", nets.Squeeze(), "weiaicunzai-squeezenet", ""),
]


def key_of(name, key):
    """As the file of pretrained weights has it."""
    if name == "densenet-files" and "denselayer" in key:
        for part in "norm1", "norm2", "conv1", "conv2":
            key = key.replace(part, part[:-1] + "." + part[-1])
    return key


def normal(pixels):
    mean, std = (torch.tensor(v, dtype=torch.float64)[:, None, None] for v in CIFAR100)
    x = torch.tensor(pixels).permute(0, 3, 1, 2).double() / 255
    return (x - mean) / std


def fill(name, net):
    """The numbers of weights.py; none of statistics."""
    state = net.state_dict()
    with open(HERE / (name + ".keys"), "w", encoding="ascii") as f:
        for key, t in state.items():
            if t.ndim:
                f.write(f"{key_of(name, key)}\t{'x'.join(map(str, t.shape))}\n")
    for key, t in state.items():
        if t.ndim and not weights.is_statistic(key):
            t.copy_(torch.tensor(weights.numbers(name, key_of(name, key), tuple(t.shape)))
                    .view(t.shape))


def learn(net, x):
    """Statistics of the images, of which all norms record the whole."""
    for m in net.modules():
        if isinstance(m, nn.BatchNorm2d):
            m.reset_running_stats()
            m.momentum = None
        if isinstance(m, nn.Dropout):
            m.p = 0
    net.double().train()(x)
    net.eval().float()


def maps(net, module, x):
    """The mean over all cells of the gradient of the predicted class weighs each channel."""
    kept = []

    def keep(_, __, out):
        out.retain_grad()
        kept.append(out)

    for m in net.modules():
        if getattr(m, "inplace", False):
            m.inplace = False
    hook = net.get_submodule(module).register_forward_hook(keep)
    net(x).max(1).values.sum().backward()
    hook.remove()
    a, = kept
    return (a.grad.mean((2, 3), keepdim=True) * a).sum(1).detach().numpy().astype("<f4")


def main():
    torch.manual_seed(0)
    images, probe = (normal(np.load(FAMILIES / f)) for f in ("images.npy", "probe.npy"))
    rows = ["net\tfamily\tlayer\toptions\n"]
    for folder in "logits", "maps":
        (HERE / folder).mkdir(exist_ok=True)
    for name, net, family, assume in NETS:
        rows.append(f"{name}\t{family}\t{LAYERS[name]}\t{'--assume ' + assume if assume else '-'}\n")
        if sys.argv[1:] and name not in sys.argv[1:]:
            continue
        with torch.no_grad():
            fill(name, net)
            learn(net, probe)
            state = net.state_dict()
            statistics = [t.numpy() for k, t in state.items() if weights.is_statistic(k)]
            np.save(HERE / (name + ".npy"),
                    np.concatenate(statistics or [np.zeros(0)]).astype("<f4"))
            for key, (other, shape, values) in zip((k for k, t in state.items() if t.ndim),
                                                   weights.tensors(name)):
                assert key_of(name, key) == other
                assert np.array_equal(state[key].numpy().ravel(), np.array(values)), key
            logits = net.double()(images).numpy().astype("<f4")
        np.save(HERE / "logits" / (name + ".npy"), logits)
        np.save(HERE / "maps" / (name + ".npy"),
                maps(net, MODULES.get(name, LAYERS[name]), images[:2]))
        print(name, sum(t.numel() for t in state.values()), "numbers, logits to",
              f"{np.abs(logits).max():.3g}", file=sys.stderr)
    CASE.mkdir(exist_ok=True)
    (CASE / "nets.tsv").write_text("".join(rows), encoding="ascii")


main()
