"""The ResNets that people train on CIFAR, under the names, with the strides and in the
order of operations of the places that they come from:

    Plain      torchvision, timm, chenyaofo/pytorch-cifar-models, bearpaw/pytorch-classification
               (models/cifar/resnet.py, preresnet.py), kuangliu/pytorch-cifar (resnet.py,
               preact_resnet.py), akamaster/pytorch_resnet_cifar10, xternalz/WideResNet-pytorch
    Listed     weiaicunzai/pytorch-cifar100 (models/resnet.py, preactresnet.py)
    Staged     transformers' ResNetForImageClassification
    TimmV2     timm's ResNetV2 with batch norm

`widths` are those of the 3x3 convolutions of each stage, `blocks` how many each has.
"""
from collections import OrderedDict

import torch
from torch import nn
from torch.nn.functional import pad


def conv(cin, cout, kernel, stride=1, bias=False):
    return nn.Conv2d(cin, cout, kernel, stride, kernel // 2, bias=bias)


def named(**modules):
    return nn.Sequential(OrderedDict(modules))


def path(cin, width, stride, bottleneck, at):
    """(in, out, kernel, stride) of a block's convolutions; the at-th of three has the stride."""
    if not bottleneck:
        return [(cin, width, 3, stride), (width, width, 3, 1)]
    s = [stride if i == at else 1 for i in (1, 2, 3)]
    return [(cin, width, 1, s[0]), (width, width, 3, s[1]), (width, 4 * width, 1, s[2])]


def stages(make, cin, widths, blocks, bottleneck, strides=None):
    """The blocks of each stage; make(cin, width, stride, first) makes one."""
    strides = strides or [1] + [2] * (len(widths) - 1)
    for s, (width, count) in enumerate(zip(widths, blocks)):
        stage = []
        for i in range(count):
            stage.append(make(cin, width, strides[s] if i == 0 else 1, i == 0))
            cin = width * (4 if bottleneck else 1)
        yield nn.Sequential(*stage)


def maximum(pool):
    return nn.MaxPool2d(3, 2, 1) if pool else nn.Identity()


class Padded(nn.Module):
    """Every second pixel, with channels of zeros before and after, or after: option A."""

    def __init__(self, width, both):
        super().__init__()
        self.more = (width // 4, width // 4) if both else (0, width // 2)

    def forward(self, x):
        return pad(x[:, :, ::2, ::2], (0, 0, 0, 0, *self.more))


class Block(nn.Module):
    """conv1, bn1, ..., and a shortcut under the name `shortcut` where shapes change.

    `pre`: batch norm and ReLU before each convolution. `normed`: batch norm in the
    shortcut. `start`: the shortcut starts "before" the first batch norm and ReLU or "after"
    them; "mixed": after them where it has a convolution. `side`: of that one's window.
    """

    def __init__(self, cin, width, stride, bottleneck, at, shortcut, pre, normed, start, side):
        super().__init__()
        convs = path(cin, width, stride, bottleneck, at)
        for i, (a, b, kernel, s) in enumerate(convs, 1):
            parts = [(f"conv{i}", conv(a, b, kernel, s)),
                     (f"bn{i}", nn.BatchNorm2d(a if pre else b))]
            for name, part in reversed(parts) if pre else parts:
                self.add_module(name, part)
        self.depth, self.pre, self.start, self.name = len(convs), pre, start, shortcut
        cout = convs[-1][1]
        if stride == 1 and cin == cout:
            self.name = None
        elif shortcut in ("pad", "pad-end"):
            self.name = "shortcut"
            self.shortcut = Padded(width, shortcut == "pad")
        elif shortcut == "convShortcut":
            self.convShortcut = conv(cin, cout, 1, stride)
        else:
            parts = [conv(cin, cout, side, stride)] + ([nn.BatchNorm2d(cout)] if normed else [])
            self.add_module(shortcut, nn.Sequential(*parts))

    def forward(self, x):
        y = x
        for i in range(1, self.depth + 1):
            c, bn = getattr(self, f"conv{i}"), getattr(self, f"bn{i}")
            if self.pre:
                y = torch.relu(bn(y))
                if i == 1 and (self.start == "after" or self.start == "mixed" and self.name):
                    x = y
                y = c(y)
            else:
                y = bn(c(y))
                if i < self.depth:
                    y = torch.relu(y)
        y = y + (getattr(self, self.name)(x) if self.name else x)
        return y if self.pre else torch.relu(y)


class Plain(nn.Module):
    """conv1 [bn1] [pool], stages, [a last batch norm `final`], mean, `head`.

    `deep`: widths of two convolutions before the stem's last. `strides`: of the stages, where
    they are not 1, 2, 2, ...
    """

    def __init__(self, widths, blocks, classes, bottleneck=False, at=2, shortcut="downsample",
                 pre=False, normed=True, start="before", kernel=3, stride=1, pool=False,
                 stage="layer{}", final=None, head="fc", stem=None, deep=None, strides=None, side=1):
        super().__init__()
        stem = stem or widths[0]
        if deep:
            a, b = deep
            self.conv1 = nn.Sequential(
                conv(3, a, 3, stride), nn.BatchNorm2d(a), nn.ReLU(),
                conv(a, b, 3), nn.BatchNorm2d(b), nn.ReLU(), conv(b, stem, 3))
        else:
            self.conv1 = conv(3, stem, kernel, stride)
        if not pre:
            self.bn1 = nn.BatchNorm2d(stem)
        self.maxpool = maximum(pool)
        self.stages, self.pre, self.final, self.head = [], pre, final, head

        def make(cin, width, stride, first):
            return Block(cin, width, stride, bottleneck, at, shortcut, pre, normed, start, side)

        for s, blocks_ in enumerate(stages(make, stem, widths, blocks, bottleneck, strides), 1):
            name = stage.format(s)
            self.add_module(name, named(layer=blocks_) if stage.startswith("block") else blocks_)
            self.stages.append(name)
        last = widths[-1] * (4 if bottleneck else 1)
        if final:
            self.add_module(final, nn.BatchNorm2d(last))
        self.add_module(head, nn.Linear(last, classes))

    def forward(self, x):
        x = self.conv1(x)
        if not self.pre:
            x = torch.relu(self.bn1(x))
        x = self.maxpool(x)
        for name in self.stages:
            x = getattr(self, name)(x)
        if self.final:
            x = torch.relu(getattr(self, self.final)(x))
        return getattr(self, self.head)(x.mean((2, 3)))


class ListedBlock(nn.Module):
    def __init__(self, cin, width, stride, bottleneck, pre):
        super().__init__()
        parts = []
        # With pre-activation the first convolution has the stride.
        for a, b, kernel, s in path(cin, width, stride, bottleneck, 1 if pre else 2):
            norm = [nn.BatchNorm2d(a if pre else b), nn.ReLU()]
            c = [conv(a, b, kernel, s, bias=pre)]
            parts += norm + c if pre else c + norm
        self.pre = pre
        self.name = "residual" if pre else "residual_function"
        self.add_module(self.name, nn.Sequential(*(parts if pre else parts[:-1])))
        self.shortcut = nn.Sequential()
        if stride != 1 or cin != b:
            c = conv(cin, b, 1, stride, bias=pre)
            self.shortcut = c if pre else nn.Sequential(c, nn.BatchNorm2d(b))

    def forward(self, x):
        y = getattr(self, self.name)(x) + self.shortcut(x)
        return y if self.pre else torch.relu(y)


class Listed(nn.Module):
    """No last batch norm; with pre-activation every convolution has a bias."""

    def __init__(self, widths, blocks, classes, bottleneck=False, pre=False):
        super().__init__()
        stem = nn.Sequential(conv(3, widths[0], 3, bias=pre), nn.BatchNorm2d(widths[0]), nn.ReLU())
        self.names = ["pre" if pre else "conv1"]
        self.add_module(self.names[0], stem)

        def make(cin, width, stride, first):
            return ListedBlock(cin, width, stride, bottleneck, pre)

        for s, stage in enumerate(stages(make, widths[0], widths, blocks, bottleneck), 1):
            self.names.append(f"stage{s}" if pre else f"conv{s + 1}_x")
            self.add_module(self.names[-1], stage)
        self.head = "linear" if pre else "fc"
        self.add_module(self.head, nn.Linear(widths[-1] * (4 if bottleneck else 1), classes))

    def forward(self, x):
        for name in self.names:
            x = getattr(self, name)(x)
        return getattr(self, self.head)(x.mean((2, 3)))


class StagedBlock(nn.Module):
    def __init__(self, cin, width, stride, bottleneck, at):
        super().__init__()
        convs = path(cin, width, stride, bottleneck, at)
        cout = convs[-1][1]
        self.shortcut = nn.Identity()
        if stride != 1 or cin != cout:
            self.shortcut = named(convolution=conv(cin, cout, 1, stride),
                                  normalization=nn.BatchNorm2d(cout))
        self.layer = nn.Sequential(*(
            named(convolution=conv(a, b, kernel, s), normalization=nn.BatchNorm2d(b),
                  activation=nn.ReLU() if i < len(convs) else nn.Identity())
            for i, (a, b, kernel, s) in enumerate(convs, 1)))

    def forward(self, x):
        return torch.relu(self.layer(x) + self.shortcut(x))


class Staged(nn.Module):
    def __init__(self, widths, blocks, classes, bottleneck=False, at=2, stem=4):
        super().__init__()

        def make(cin, width, stride, first):
            return StagedBlock(cin, width, stride, bottleneck, at)

        parts = stages(make, stem, widths, blocks, bottleneck)
        self.resnet = named(
            embedder=named(embedder=named(convolution=conv(3, stem, 7, 2),
                                          normalization=nn.BatchNorm2d(stem), activation=nn.ReLU()),
                           pooler=maximum(True)),
            encoder=named(stages=nn.Sequential(*(named(layers=p) for p in parts))),
            pooler=nn.AdaptiveAvgPool2d(1))
        self.classifier = nn.Sequential(
            nn.Flatten(), nn.Linear(widths[-1] * (4 if bottleneck else 1), classes))

    def forward(self, x):
        return self.classifier(self.resnet(x))


class TimmV2Block(nn.Module):
    """The shortcut starts after the first batch norm and ReLU. A stage of bottlenecks has
    one in its first block even where shapes stay."""

    def __init__(self, cin, width, stride, bottleneck, first):
        super().__init__()
        convs = path(cin, width, stride, bottleneck, 2)
        cout = convs[-1][1]
        self.downsample = None
        if first and bottleneck or stride != 1 or cin != cout:
            self.downsample = named(conv=conv(cin, cout, 1, stride), norm=nn.Identity())
        for i, (a, b, kernel, s) in enumerate(convs, 1):
            self.add_module(f"norm{i}", nn.BatchNorm2d(a))
            self.add_module(f"conv{i}", conv(a, b, kernel, s))
        self.depth = len(convs)

    def forward(self, x):
        y = torch.relu(self.norm1(x))
        if self.downsample:
            x = self.downsample(y)
        y = self.conv1(y)
        for i in range(2, self.depth + 1):
            y = getattr(self, f"conv{i}")(torch.relu(getattr(self, f"norm{i}")(y)))
        return x + y


class TimmV2(nn.Module):
    """The stem has no batch norm; the last layer is a 1x1 convolution."""

    def __init__(self, widths, blocks, classes, bottleneck=False, stem=8):
        super().__init__()
        self.stem = named(conv=conv(3, stem, 7, 2), pool=maximum(True))

        def make(cin, width, stride, first):
            return TimmV2Block(cin, width, stride, bottleneck, first)

        parts = stages(make, stem, widths, blocks, bottleneck)
        self.stages = nn.Sequential(*(named(blocks=p) for p in parts))
        cout = widths[-1] * (4 if bottleneck else 1)
        self.norm = nn.BatchNorm2d(cout)
        self.head = named(global_pool=nn.AdaptiveAvgPool2d(1), fc=conv(cout, classes, 1, bias=True),
                          flatten=nn.Flatten())

    def forward(self, x):
        return self.head(torch.relu(self.norm(self.stages(self.stem(x)))))
