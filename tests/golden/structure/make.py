#!/usr/bin/env python3
"""Writes the residual networks of this folder, whose key names are of no known family, with random
weights and with batch norms that hold the statistics of images; and what PyTorch computes from them.

    make.py IMAGES [NAME...]     IMAGES: the bundled test.bin of examples/shapes100

    NAME.pth           a state dict, in the older format, which is smaller
    NAME.npy           (4, classes): the logits of the first four images, from double precision

Several of them have the same keys and shapes and differ in what is computed. The linear layers of plain nets
are fitted to the labels, as these tell what is behind the last norm. Needs torch and numpy.
"""
import pathlib
import re
import sys

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn import functional as F

HERE = pathlib.Path(__file__).parent
# Small and few, so that the tests that prove them are cheap; all for plain nets, as their linear layers
# would learn the labels of a few by heart.
SIDE, FEW = 16, 64
MEAN, STD = (0.5071, 0.4867, 0.4409), (0.2673, 0.2564, 0.2762)


def conv(i, o, k=3, s=1, groups=1):
    return nn.Conv2d(i, o, k, s, k // 2, groups=groups, bias=False)


def same(x, module):
    """TensorFlow's padding of a convolution of 3 by 3 with stride 2."""
    return F.conv2d(F.pad(x, (0, 1, 0, 1)), module.weight, stride=2)


def put(to, path, module):
    """Registers a module under a dotted name, in the order of the calls."""
    *containers, last = path.split(".")
    for name in containers:
        if name not in to._modules:
            to.add_module(name, nn.Module())
        to = to._modules[name]
    to.add_module(last, module)
    return module


def act(net, x):
    if net.get("mish"):
        return F.mish(x)
    return F.relu6(x) if net.get("six") else F.leaky_relu(x, net.get("slope", 0))


class Block(nn.Module):
    def __init__(self, net, i, o, s):
        super().__init__()
        widths = [(i, o, 3, 1), (o, o, 3, s)] if net.get("second") else [(i, o, 3, s), (o, o, 3, 1)]
        if net.get("bottleneck"):
            widths = [(i, o // 4, 1, 1), (o // 4, o // 4, 3, s), (o // 4, o, 1, 1)]
        hold = self.__dict__  # not as modules once more
        hold.update(net=net, i=i, o=o, s=s, convs=[], norms=[], way=[], excite=[])
        if net.get("shortcut_first"):
            self.put_shortcut()
        for k, (a, b, side, stride) in enumerate(widths):
            groups = net.get("groups", 1) if k == 1 else 1
            if net.get("pre") or net.get("norms_first"):
                self.norms.append(put(self, net["norm"][k], nn.BatchNorm2d(a if net.get("pre") else b)))
            self.convs.append(put(self, net["conv"][k], conv(a, b, side, stride, groups)))
            if not net.get("pre") and not net.get("norms_first"):
                self.norms.append(put(self, net["norm"][k], nn.BatchNorm2d(b)))
        if "end" in net:
            self.norms.append(put(self, net["end"], nn.BatchNorm2d(o)))
        for name, (a, b) in zip(net.get("excite", ()), ((o, o // 2), (o // 2, o))):
            self.excite.append(put(self, name, nn.Conv2d(a, b, 1)))
        if not net.get("shortcut_first"):
            self.put_shortcut()

    def put_shortcut(self):
        net = self.net
        if "shortcut" not in net or (self.s == 1 and self.i == self.o):
            return
        names = net["shortcut"]
        average = net.get("average") and self.s > 1
        if net.get("shortcut_normed"):
            self.way += [put(self, names[1], nn.BatchNorm2d(self.i)), nn.ReLU()]
            self.way.append(put(self, names[0], conv(self.i, self.o, 1, self.s)))
            return
        self.way.append(put(self, names[0], conv(self.i, self.o, net.get("side", 1), 1 if average else self.s)))
        if len(names) > 1:
            self.way.append(put(self, names[1], nn.BatchNorm2d(self.o)))

    def shortcut(self, x):
        if self.way:
            if self.net.get("average") and self.s > 1:
                x = F.avg_pool2d(x, 2)
            for module in self.way:
                x = module(x)
            return F.relu(x) if self.net.get("relu_shortcut") else x
        if self.s > 1 or self.i != self.o:
            more = self.o - self.i
            front = more // 2 if self.net["zeros"] == "both" else 0
            if "pool" in self.net and self.s > 1:
                x = self.net["pool"](x, 2)
            else:
                x = x[:, :, :: self.s, :: self.s]
            x = F.pad(x, (0, 0, 0, 0, front, more - front))
        return x

    def forward(self, x):
        net, y, begin = self.net, x, x
        for k, (c, n) in enumerate(zip(self.convs, self.norms)):
            if net.get("pre"):
                y = n(y) if k == 0 and "end" in net else F.relu(n(y))
                if k == 1 and net.get("dropout"):
                    y = F.dropout(y, net["dropout"], self.training)
                if k == 0 and self.way and (net["pre"] == "mixed" or (net["pre"] == "first" and self.s == 1)):
                    begin = y
                y = same(y, c) if net.get("same") and c.stride[0] > 1 else c(y)
            else:
                y = n(c(y))
                y = act(net, y) if k + 1 < len(self.convs) or net.get("relu_last") else y
        if "end" in net:
            y = self.norms[-1](y)
        if self.excite:
            y = y * torch.sigmoid(self.excite[1](F.relu(self.excite[0](y.mean((2, 3), keepdim=True)))))
        if net.get("plain"):
            return F.relu(y)
        y = y + self.shortcut(begin)
        return y if net.get("pre") else act(net, y)


class Net(nn.Module):
    def __init__(self, net):
        super().__init__()
        self.__dict__.update(net=net, front=[], blocks_=[], last=[], flat=[])
        i = net.get("first", net["widths"][0] // (4 if net.get("bottleneck") else 1))
        self.front.append(put(self, net["stem"][0], conv(3, i)))
        if len(net["stem"]) > 1:
            self.front.append(put(self, net["stem"][1], nn.BatchNorm2d(i)))
        for stage, o in enumerate(net["widths"]):
            for number in range(2):
                if "grow" in net:
                    o = i + net["grow"]
                block = Block(net, i, o, 2 if stage > 0 and number == 0 else 1)
                self.blocks_.append(put(self, net["block"](stage, number), block))
                i = o
            if net.get("idle") and stage == 0:
                put(self, net["idle"], Block(net, net["widths"][0], o, 1))
        if "last" in net:
            self.last.append(put(self, net["last"], nn.BatchNorm2d(i)))
        if net.get("auxiliary"):
            put(self, "side.conv", conv(net["widths"][0], 6))
            put(self, "side.norm", nn.BatchNorm2d(6))
            put(self, "side.out", nn.Linear(6, 10))
        if "neck" in net:
            self.flat += [put(self, net["neck"], nn.BatchNorm1d(i)), put(self, net["hidden"][0], nn.Linear(i, 6))]
            self.flat += [put(self, net["hidden"][1], nn.BatchNorm1d(6)), nn.ReLU()]
            i = 6
        self.__dict__["head_"] = put(self, net["head"], nn.Linear(i, 100))
        if net.get("again"):
            put(self, net["again"], self.head_)

    def features(self, x):
        for module in self.front:
            x = module(x)
        x = act(self.net, x) if len(self.front) > 1 and not self.net.get("linear_stem") else x
        x = F.max_pool2d(x, *self.net["stem_pool"]) if "stem_pool" in self.net else x
        for block in self.blocks_:
            x = block(x)
        for module in self.last:
            x = F.relu(module(x))
        x = x.amax((2, 3)) if self.net.get("largest") else x.mean((2, 3))
        for module in self.flat:
            x = module(x)
        return x

    def forward(self, x):
        return self.head_(self.features(x))


class Plain(nn.Module):
    """Convolutions that follow each other: (name, width) with marks: side, stride, bare (no padding), pool
    behind or first (in front of the norm), four (means of 4 by 4 behind), begin and end of a sum, dropout."""

    def __init__(self, net):
        super().__init__()
        self.__dict__.update(net=net, parts=[])
        i = 3
        for (conv_name, norm_name), o, marks in net["row"]:
            side = marks.get("side", 3)
            padding = 0 if marks.get("bare") else side // 2
            c = put(self, conv_name, nn.Conv2d(i, o, side, marks.get("stride", 1), padding, bias=net.get("bias", False)))
            self.parts.append((c, put(self, norm_name, nn.BatchNorm2d(o)), marks))
            i = o
        self.__dict__["head_"] = put(self, net["head"], nn.Linear(i, 100, bias=net.get("bias", False)))

    def features(self, x):
        begin = x
        for c, n, marks in self.parts:
            begin = x if marks.get("begin") else begin
            x = c(x)
            x = F.max_pool2d(x, 2) if marks.get("first") else x
            x = act(self.net, n(x))
            x = x + begin if marks.get("end") else x
            x = F.max_pool2d(x, 2) if marks.get("pool") else x
            x = F.avg_pool2d(x, 4) if marks.get("four") else x
            if marks.get("dropout"):
                x = F.dropout(x, marks["dropout"], self.training)
        return x.amax((2, 3)) if self.net["last"] == "max" else x.mean((2, 3))

    def forward(self, x):
        return self.net.get("factor", 1) * self.head_(self.features(x))


def fit(model, x, labels):
    """The linear layer, so that labels are likely."""
    seen = model.features(x).detach()
    optimizer = torch.optim.LBFGS(model.head_.parameters(), max_iter=200)

    def loss():
        optimizer.zero_grad()
        value = F.cross_entropy(model.net.get("factor", 1) * model.head_(seen), labels)
        value.backward()
        return value

    with torch.enable_grad():
        optimizer.step(loss)


SEQUENTIAL = dict(
    widths=(4, 8), stem=("conv_bn_relu.0", "conv_bn_relu.1"), block=lambda s, n: f"layer{s + 1}.{n}",
    conv=("conv_bn_relu1.0", "conv_bn_relu2.0"), norm=("conv_bn_relu1.1", "conv_bn_relu2.1"),
    shortcut=("down_sampler.0", "down_sampler.1"), head="classifier")
MULTIPLES = dict(
    widths=(4, 8), stem=("conv1", "bn1"), block=lambda s, n: f"layers_{2 * s + 2}n.{n}",
    conv=("conv1", "conv2"), norm=("bn1", "bn2"), head="fc_out")
PRE = dict(
    widths=(4, 8), stem=("start",), block=lambda s, n: f"part{s}.{n}", conv=("cv1", "cv2"),
    norm=("nm1", "nm2"), shortcut=("match",), last="final_norm", head="end")
FIRST = dict(
    all=True, widths=(4, 8), stem=("first.conv", "first.norm"), block=lambda s, n: f"body.group{s}.{n}",
    conv=("a", "b"), norm=("an", "bn"), shortcut=("skip.0", "skip.1"), side=3,
    shortcut_first=True, head="head.1")
NETS = {
    "sequential": SEQUENTIAL,
    "sequential-relu": dict(SEQUENTIAL, relu_shortcut=True),
    "sequential-last": dict(SEQUENTIAL, relu_last=True),
    "average": dict(SEQUENTIAL, average=True),
    "multiples-behind": dict(MULTIPLES, zeros="behind"),
    "multiples-plain": dict(MULTIPLES, plain=True),
    "pre-mixed": dict(PRE, pre="mixed"),
    "pre-before": dict(PRE, pre="before"),
    "first": FIRST,
    "bottleneck": dict(
        widths=(8, 16), bottleneck=True, stem=("whole.input.conv", "whole.input.norm"),
        block=lambda s, n: f"whole.s{s}.u{n}", conv=("x1", "x2", "x3"), norm=("y1", "y2", "y3"),
        shortcut=("z.conv", "z.norm"), head="whole.out"),
    "auxiliary": dict(
        widths=(4, 8), stem=("conv_0", "norm_0"), block=lambda s, n: f"blocks.{2 * s + n}",
        conv=("c.0", "c.3"), norm=("c.1", "c.4"), shortcut=("p.0", "p.1"), head="logits",
        auxiliary=True),
    "sequential-leaky": dict(SEQUENTIAL, slope=0.2),
    "multiples-average": dict(MULTIPLES, zeros="both", pool=F.avg_pool2d),
    "multiples-max": dict(MULTIPLES, zeros="behind", pool=F.max_pool2d),
    "pre-second": dict(PRE, pre="before", second=True),
    # Weights of norms up to 4, as ReLU6 is ReLU otherwise.
    "sequential-relu6": dict(SEQUENTIAL, six=True, most=4),
    # Norms defined before their convolutions, groups, squeeze and excitation.
    "grouped": dict(
        widths=(8, 16), bottleneck=True, groups=2, stem=("enter.c", "enter.n"),
        block=lambda s, n: f"part{s}.{n}", conv=("w1", "w2", "w3"), norm=("v1", "v2", "v3"), norms_first=True,
        shortcut=("short.c", "short.n"), excite=("down", "up"), head="leave"),
    "heads": dict(SEQUENTIAL, neck="top.0", hidden=("top.1", "top.2"), head="top.5"),
    "pre-normed": dict(PRE, pre="before", shortcut=("match.2", "match.0"), shortcut_normed=True, same=True),
    "pyramid": dict(
        widths=(4, 4), grow=2, linear_stem=True, stem=("c0", "n0"), block=lambda s, n: f"stage{s}.{n}",
        conv=("c1", "c2"), norm=("n1", "n2"), end="n3", pre="before", zeros="behind", pool=F.avg_pool2d,
        last="n_last", head="out"),
    # Weights whose keys end with the module's name; a part that never ran and a second name.
    "bare": dict(
        widths=(4, 8), first=2, stem=("conv0",), block=lambda s, n: f"group{s}.block{n}", conv=("conv0", "conv1"),
        norm=("bn0", "bn1"), shortcut=("convdim",), pre="first", last="bn", head="fc", bare=True, idle="spare.block0",
        again="second"),
    # Whether shortcuts begin before the first norm or after it makes no difference.
    "tied": dict(PRE, pre="mixed", empty=True),
    "pre-dropout": dict(PRE, seed=21, pre="mixed", dropout=0.3),
    # The largest of all cells in the place of their mean. Shortcuts without a norm, defined in front of the
    # container of their block, and no ReLU behind the stem.
    "largest": dict(FIRST, seed=26, largest=True),
    "led": dict(
        all=True, seed=27, widths=(4, 8), linear_stem=True, stem=("enter.0", "enter.1"),
        block=lambda s, n: f"part{s}.{n}", conv=("0", "3"), norm=("1", "4"), shortcut=("skip",), side=3, shortcut_first=True, apart=True,
        head="leave"),
    # ResNet-9; a VGG with pooling in its code, and dropout; ffcv's; pooling in front of norms.
    "nine": dict(
        seed=22, bias=True, last="max", head="out.3", row=[
            (("c1.0", "c1.1"), 6, {}), (("c2.0", "c2.1"), 8, dict(pool=True)),
            (("r1.0.0", "r1.0.1"), 8, dict(begin=True)), (("r1.1.0", "r1.1.1"), 8, dict(end=True)),
            (("c3.0", "c3.1"), 10, dict(pool=True)), (("c4.0", "c4.1"), 12, dict(pool=True)),
            (("r2.0.0", "r2.0.1"), 12, dict(begin=True)), (("r2.1.0", "r2.1.1"), 12, dict(end=True))]),
    "rows": dict(
        seed=23, bias=True, last="mean", head="classes", row=[
            (("row0.0", "row0.1"), 6, dict(pool=True)), (("row1.0", "row1.1"), 8, dict(pool=True, dropout=0.3)),
            (("row2.0", "row2.1"), 10, dict(pool=True)), (("row3.0", "row3.1"), 12, {}),
            (("row4.0", "row4.1"), 12, {})]),
    "scaled": dict(
        seed=24, last="max", head="9", factor=0.2, row=[
            (("0.0", "0.1"), 6, {}), (("1.0", "1.1"), 8, dict(side=5, stride=2)),
            (("2.module.0.0", "2.module.0.1"), 8, dict(begin=True)),
            (("2.module.1.0", "2.module.1.1"), 8, dict(end=True)), (("3.0", "3.1"), 10, dict(pool=True)),
            (("5.module.0.0", "5.module.0.1"), 10, dict(begin=True)),
            (("5.module.1.0", "5.module.1.1"), 10, dict(end=True)), (("6.0", "6.1"), 12, dict(bare=True))]),
    "inner": dict(
        seed=25, bias=True, last="mean", head="top", row=[
            (("a.conv", "a.norm"), 6, {}), (("b.conv", "b.norm"), 8, dict(first=True)),
            (("c.conv", "c.norm"), 10, dict(first=True)), (("d.conv", "d.norm"), 12, {})]),
    "sequential-mish": dict(SEQUENTIAL, seed=28, mish=True),
    "stem-small": dict(SEQUENTIAL, seed=30, stem_pool=(2,)),
    "stem-dense": dict(SEQUENTIAL, seed=31, stem_pool=(3, 1, 1)),
    "four": dict(
        seed=29, mish=True, bias=True, last="mean", head="top", row=[
            (("a.conv", "a.norm"), 6, {}), (("b.conv", "b.norm"), 8, dict(four=True)),
            (("c.conv", "c.norm"), 10, {}), (("d.conv", "d.norm"), 12, {})]),
}


def main():
    raw = np.fromfile(sys.argv[1], dtype=np.uint8).reshape(-1, 3074)
    labels = torch.from_numpy(raw[:, 1].astype(np.int64))
    small = [Image.fromarray(i).resize((SIDE, SIDE), Image.BILINEAR)
             for i in raw[:, 2:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)]
    images = torch.from_numpy(np.stack(small).transpose(0, 3, 1, 2).copy()).double() / 255
    x = (images - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)
    for number, (name, net) in enumerate(NETS.items()):
        if sys.argv[2:] and name not in sys.argv[2:]:
            continue
        torch.manual_seed(net.get("seed", number))
        model = (Plain if "row" in net else Net)(net).double()
        for m in model.modules():
            if isinstance(m, (nn.BatchNorm1d, nn.BatchNorm2d)):
                m.weight.data.uniform_(0.5, net.get("most", 1.5))
                m.bias.data.normal_(0, 0.3)
                m.momentum = None
            elif isinstance(m, (nn.Conv2d, nn.Linear)):
                nn.init.kaiming_normal_(m.weight)
        if net.get("empty"):
            for block in model.blocks_:
                for m in block.way:
                    nn.init.zeros_(m.weight)
        with torch.no_grad():
            model(x if "row" in net or net.get("all") else x[:FEW])
            model.eval()
            if "row" in net or net.get("largest"):
                fit(model, x, labels)
            # Double precision that several names share stays shared.
            floats, state = {}, {}
            for k, v in model.state_dict().items():
                if net.get("bare") and v.ndim == 4:
                    k = k.removesuffix(".weight")
                if net.get("apart"):
                    k = re.sub(r"^part(\d)\.0\.skip\.", r"skip\1.", k)
                if v.is_floating_point():
                    v = floats.setdefault(v.data_ptr(), v.float())
                state[k] = v
            torch.save(state, HERE / f"{name}.pth", _use_new_zipfile_serialization=False)
            np.save(HERE / f"{name}.npy", model(x[:4]).float().numpy())


main()
