"""Networks that people train on CIFAR and ImageNet beside plain ResNets, narrow, under the names
and in the order of operations of the places that they come from: torchvision (its own classes
where they take widths), chenyaofo/pytorch-cifar-models, weiaicunzai/pytorch-cifar100,
kuangliu/pytorch-cifar.
"""
from collections import OrderedDict

import torch
from torch import nn
from torch.nn.functional import adaptive_avg_pool2d, relu
from torchvision.models.densenet import DenseNet
from torchvision.models.googlenet import BasicConv2d, Inception
from torchvision.models.mobilenetv2 import MobileNetV2
from torchvision.models.shufflenetv2 import ShuffleNetV2

CLASSES = 10


def conv(cin, cout, kernel, stride=1, bias=True, **k):
    return nn.Conv2d(cin, cout, kernel, stride, k.pop("padding", kernel // 2), bias=bias, **k)


def normed(*layers, act=nn.ReLU):
    """Convolutions with a norm and an activation behind each."""
    out = []
    for c in layers:
        out += [c, nn.BatchNorm2d(c.out_channels), act(inplace=True)]
    return out


def mean(x):
    return adaptive_avg_pool2d(x, 1).flatten(1)


class Row(nn.Sequential):
    """Modules one after the other, then the mean over all cells and a linear layer."""

    def __init__(self, modules, head, cin):
        super().__init__(OrderedDict(modules))
        self.head = head
        self.add_module(head, nn.Linear(cin, CLASSES))

    def forward(self, x):
        for name, m in self.named_children():
            x = m(mean(x)) if name == self.head else m(x)
        return x


# --- VGG ---

class Vgg(nn.Module):
    def __init__(self, rows, norm, grid, hidden):
        super().__init__()
        features, cin = [], 3
        for width in rows:
            if width == "M":
                features.append(nn.MaxPool2d(2, 2))
                continue
            layers = normed(conv(cin, width, 3))
            features += layers if norm else [layers[0], layers[2]]
            cin = width
        self.features = nn.Sequential(*features)
        self.pool = nn.AdaptiveAvgPool2d(grid) if grid > 1 else nn.Identity()
        sizes = [cin * grid * grid, *hidden]
        linear = []
        for a, b in zip(sizes, sizes[1:]):
            linear += [nn.Linear(a, b), nn.ReLU(), nn.Dropout()]
        linear.append(nn.Linear(sizes[-1], CLASSES))
        self.classifier = nn.Sequential(*linear) if hidden else linear[0]

    def forward(self, x):
        return self.classifier(self.pool(self.features(x)).flatten(1))


# --- DenseNet ---

class Dense(nn.Module):
    def __init__(self, cin, growth):
        super().__init__()
        self.bottle_neck = nn.Sequential(
            nn.BatchNorm2d(cin), nn.ReLU(), conv(cin, 4 * growth, 1, bias=False),
            nn.BatchNorm2d(4 * growth), nn.ReLU(), conv(4 * growth, growth, 3, bias=False))

    def forward(self, x):
        return torch.cat([x, self.bottle_neck(x)], 1)


class Transition(nn.Module):
    def __init__(self, cin, cout):
        super().__init__()
        self.down_sample = nn.Sequential(nn.BatchNorm2d(cin), conv(cin, cout, 1, bias=False),
                                         nn.AvgPool2d(2, 2))

    def forward(self, x):
        return self.down_sample(x)


def dense(blocks, growth):
    c = 2 * growth
    features, stem = OrderedDict(), conv(3, c, 3, bias=False)
    for i, n in enumerate(blocks):
        last = i == len(blocks) - 1
        features[f"dense_block{i}" if last else f"dense_block_layer_{i}"] = nn.Sequential(
            OrderedDict((f"bottle_neck_layer_{k}", Dense(c + k * growth, growth))
                        for k in range(n)))
        c += n * growth
        if not last:
            features[f"transition_layer_{i}"] = Transition(c, c // 2)
            c //= 2
    features["bn"], features["relu"] = nn.BatchNorm2d(c), nn.ReLU()
    return Row([("conv1", stem), ("features", nn.Sequential(features))], "linear", c)


def dense_torchvision():
    return DenseNet(growth_rate=4, block_config=(2, 2, 1), num_init_features=6, bn_size=2,
                    num_classes=CLASSES)


# --- MobileNetV2 ---

# Expansion, width, blocks, stride.
MOBILE = [[1, 4, 1, 1], [2, 6, 2, 2], [2, 8, 1, 2], [3, 12, 2, 2], [2, 16, 1, 1], [2, 20, 2, 2],
          [2, 24, 1, 1]]


def mobile_torchvision(small):
    setting = [list(row) for row in MOBILE]
    if small:
        setting[1][3] = 1
    net = MobileNetV2(num_classes=CLASSES, inverted_residual_setting=setting,
                      round_nearest=2)
    cin = net.features[-2].out_channels
    net.features[-1][0] = conv(cin, 32, 1, bias=False)
    net.features[-1][1] = nn.BatchNorm2d(32)
    net.classifier[1] = nn.Linear(32, CLASSES)
    if small:
        net.features[0][0].stride = 1, 1
    return net


class Inverted(nn.Module):
    def __init__(self, cin, cout, stride, t):
        super().__init__()
        c = cin * t
        self.residual = nn.Sequential(*normed(conv(cin, c, 1), conv(c, c, 3, stride, groups=c),
                                              conv(c, cout, 1), act=nn.ReLU6)[:-1])
        self.add = stride == 1 and cin == cout

    def forward(self, x):
        return self.residual(x) + x if self.add else self.residual(x)


class Mobile(nn.Module):
    def __init__(self):
        super().__init__()
        self.pre = nn.Sequential(*normed(conv(3, 6, 1, padding=1), act=nn.ReLU6))
        self.stage1 = Inverted(6, 4, 1, 1)
        cin = 4
        for i, (n, width, stride) in enumerate([(2, 6, 2), (2, 8, 2), (1, 8, 2), (2, 10, 1),
                                                (1, 12, 1)]):
            blocks = [Inverted(cin if k == 0 else width, width, stride if k == 0 else 1, 3)
                      for k in range(n)]
            setattr(self, f"stage{i + 2}", nn.Sequential(*blocks))
            cin = width
        self.stage7 = Inverted(cin, 16, 1, 3)
        self.conv1 = nn.Sequential(*normed(conv(16, 24, 1), act=nn.ReLU6))
        self.conv2 = conv(24, CLASSES, 1)

    def forward(self, x):
        x = self.stage1(self.pre(x))
        for i in range(2, 8):
            x = getattr(self, f"stage{i}")(x)
        return self.conv2(adaptive_avg_pool2d(self.conv1(x), 1)).flatten(1)


# --- ShuffleNetV2 ---

def shuffle_torchvision(small):
    net = ShuffleNetV2([2, 3, 1], [8, 12, 16, 24, 32], num_classes=CLASSES)
    if small:
        net.conv1[0].stride = 1, 1
        net.maxpool = nn.Identity()
    return net


class Unit(nn.Module):
    def __init__(self, cin, cout, stride):
        super().__init__()
        self.whole = stride != 1 or cin != cout
        c = cin if self.whole else cin // 2
        self.residual = nn.Sequential(
            *normed(conv(c, c, 1)), conv(c, c, 3, stride, groups=c), nn.BatchNorm2d(c),
            *normed(conv(c, cout // 2, 1)))
        self.shortcut = nn.Sequential()
        if self.whole:
            self.shortcut = nn.Sequential(conv(c, c, 3, stride, groups=c), nn.BatchNorm2d(c),
                                          *normed(conv(c, cout // 2, 1)))

    def forward(self, x):
        a, b = (x, x) if self.whole else x.chunk(2, 1)
        y = torch.cat([self.shortcut(a), self.residual(b)], 1)
        return y.view(len(y), 2, -1, *y.shape[2:]).transpose(1, 2).reshape(y.shape)


def shuffle():
    modules, cin = [("pre", nn.Sequential(conv(3, 8, 3), nn.BatchNorm2d(8)))], 8
    for i, (n, width) in enumerate([(2, 12), (3, 16), (1, 20)]):
        modules.append((f"stage{i + 2}", nn.Sequential(
            *(Unit(cin if k == 0 else width, width, 2 if k == 0 else 1) for k in range(n)))))
        cin = width
    modules.append(("conv5", nn.Sequential(*normed(conv(cin, 24, 1)))))
    return Row(modules, "fc", 24)


# --- RepVGG ---

class Branches(nn.Module):
    def __init__(self, cin, cout, stride, groups=1):
        super().__init__()
        if cin == cout and stride == 1:
            self.rbr_identity = nn.BatchNorm2d(cin)
        for name, k in ("rbr_dense", 3), ("rbr_1x1", 1):
            setattr(self, name, nn.Sequential(OrderedDict(
                conv=conv(cin, cout, k, stride, bias=False, groups=groups),
                bn=nn.BatchNorm2d(cout))))

    def forward(self, x):
        same = self.rbr_identity(x) if hasattr(self, "rbr_identity") else 0
        return relu(self.rbr_dense(x) + self.rbr_1x1(x) + same)


class Merged(nn.Module):
    def __init__(self, cin, cout, stride, groups=1):
        super().__init__()
        self.rbr_reparam = conv(cin, cout, 3, stride, groups=groups)

    def forward(self, x):
        return relu(self.rbr_reparam(x))


def rep(block, first):
    """`first`: the strides of stages 0 and 1, which are 1 for CIFAR and 2 for ImageNet."""
    modules, cin = [("stage0", block(3, 6, first))], 6
    for s, (n, width) in enumerate([(2, 6), (2, 8), (3, 12), (1, 16)]):
        stage = []
        for k in range(n):
            stride = (first if s == 0 else 2) if k == 0 else 1
            stage.append(block(cin, width, stride, groups=2 if s == 2 and k == 1 else 1))
            cin = width
        modules.append((f"stage{s + 1}", nn.Sequential(*stage)))
    return Row(modules, "linear", cin)


# --- residual networks with groups, or with squeeze and excitation ---

class Residual(nn.Module):
    """`path`: the name of the module with the convolutions; `wide` is the width between them."""

    def __init__(self, cin, cout, stride, path, convs, bias=False, excite=False):
        super().__init__()
        layers = normed(*convs)
        setattr(self, path, nn.Sequential(*(layers if excite else layers[:-1])))
        self.path = path
        self.shortcut = nn.Sequential()
        if stride != 1 or cin != cout:
            self.shortcut = nn.Sequential(conv(cin, cout, 1, stride, bias=bias),
                                          nn.BatchNorm2d(cout))
        self.excite = excite
        if excite:
            self.excitation = nn.Sequential(nn.Linear(cout, cout // 2), nn.ReLU(),
                                            nn.Linear(cout // 2, cout), nn.Sigmoid())

    def forward(self, x):
        y = getattr(self, self.path)(x)
        if self.excite:
            y = y * self.excitation(mean(y))[:, :, None, None]
        return relu(y + self.shortcut(x))


def staged(stem, block, names, head, cin, widths=(6, 8, 12, 16), blocks=(1, 2, 1, 1), times=1):
    modules = [stem]
    for s, (n, width) in enumerate(zip(blocks, widths)):
        stage = []
        for k in range(n):
            stage.append(block(cin, width, 2 if s > 0 and k == 0 else 1))
            cin = width * times
        modules.append((names[s], nn.Sequential(*stage)))
    return Row(modules, head, cin)


def resnext():
    def block(cin, width, stride):
        c = width * 2
        return Residual(cin, width * 4, stride, "split_transforms", [
            conv(cin, c, 1, bias=False, groups=2), conv(c, c, 3, stride, bias=False, groups=2),
            conv(c, width * 4, 1, bias=False)])
    return staged(("conv1", nn.Sequential(*normed(conv(3, 4, 3, bias=False)))), block,
                  ["conv2", "conv3", "conv4", "conv5"], "fc", 4, (2, 3, 4, 5), times=4)


def seresnet(bottleneck):
    def block(cin, width, stride):
        convs = ([conv(cin, width, 1), conv(width, width, 3, stride), conv(width, 4 * width, 1)]
                 if bottleneck else [conv(cin, width, 3, stride), conv(width, width, 3)])
        return Residual(cin, width * (4 if bottleneck else 1), stride, "residual", convs, True,
                        True)
    return staged(("pre", nn.Sequential(*normed(conv(3, 6, 3)))), block,
                  ["stage1", "stage2", "stage3", "stage4"], "linear", 6,
                  (2, 3, 4, 5) if bottleneck else (6, 8, 12, 16), times=4 if bottleneck else 1)


class Bottleneck(nn.Module):
    """torchvision's, with a free width of the convolution in groups."""

    def __init__(self, cin, width, stride, groups):
        super().__init__()
        c = 2 * width
        self.conv1, self.bn1 = conv(cin, c, 1, bias=False), nn.BatchNorm2d(c)
        self.conv2 = conv(c, c, 3, stride, bias=False, groups=groups)
        self.bn2 = nn.BatchNorm2d(c)
        self.conv3, self.bn3 = conv(c, 4 * width, 1, bias=False), nn.BatchNorm2d(4 * width)
        if stride != 1 or cin != 4 * width:
            self.downsample = nn.Sequential(conv(cin, 4 * width, 1, stride, bias=False),
                                            nn.BatchNorm2d(4 * width))

    def forward(self, x):
        y = relu(self.bn1(self.conv1(x)))
        y = self.bn3(self.conv3(relu(self.bn2(self.conv2(y)))))
        return relu(y + (self.downsample(x) if hasattr(self, "downsample") else x))


def resnext_torchvision():
    net = staged(("conv1", conv(3, 6, 7, 2, bias=False)),
                 lambda cin, width, stride: Bottleneck(cin, width, stride, 2),
                 ["layer1", "layer2", "layer3", "layer4"], "fc", 6, (2, 3, 4, 5), times=4)
    modules = list(net.named_children())
    modules[1:1] = [("bn1", nn.BatchNorm2d(6)), ("relu", nn.ReLU()),
                    ("maxpool", nn.MaxPool2d(3, 2, 1))]
    return Row(modules[:-1], "fc", 20)


# --- Wide ResNet ---

class Wide(nn.Module):
    def __init__(self, cin, cout, stride):
        super().__init__()
        self.residual = nn.Sequential(
            nn.BatchNorm2d(cin), nn.ReLU(), conv(cin, cout, 3, stride), nn.BatchNorm2d(cout),
            nn.ReLU(), nn.Dropout(), conv(cout, cout, 3))
        self.shortcut = nn.Sequential()
        if cin != cout or stride != 1:
            self.shortcut = nn.Sequential(conv(cin, cout, 1, stride))

    def forward(self, x):
        return self.residual(x) + self.shortcut(x)


def wide():
    net = staged(("init_conv", conv(3, 4, 3)), Wide, ["conv2", "conv3", "conv4"], "linear", 4,
                 (6, 10, 14), (2, 1, 2))
    modules = list(net.named_children())[:-1]
    return Row(modules + [("bn", nn.BatchNorm2d(14)), ("relu", nn.ReLU())], "linear", 14)


# --- GoogLeNet ---

# Widths of the branches of each module: 1x1, 3x3 after 1x1, 5x5 after 1x1, 1x1 after pooling.
MODULES = [(3, 3, 4, 2, 3, 2), (4, 2, 4, 2, 2, 2), (4, 3, 5, 2, 3, 2), (3, 3, 4, 2, 3, 2),
           (3, 2, 4, 2, 3, 2), (4, 3, 4, 2, 3, 3), (4, 3, 4, 2, 3, 3), (4, 3, 5, 2, 4, 3),
           (5, 3, 5, 2, 4, 4)]
LETTERS = ["a3", "b3", "a4", "b4", "c4", "d4", "e4", "a5", "b5"]


def total(m):
    return m[0] + m[2] + m[4] + m[5]


class GoogTorchvision(nn.Module):
    """torchvision's, of its modules, with a head beside the true one that keys may hold."""

    def __init__(self):
        super().__init__()
        self.conv1 = BasicConv2d(3, 6, kernel_size=7, stride=2, padding=3)
        self.conv2 = BasicConv2d(6, 6, kernel_size=1)
        self.conv3 = BasicConv2d(6, 8, kernel_size=3, padding=1)
        self.pool = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.last_pool = nn.MaxPool2d(2, 2, ceil_mode=True)
        cin = 8
        for name, m in zip(LETTERS, MODULES):
            setattr(self, f"inception{name[1]}{name[0]}", Inception(cin, *m))
            cin = total(m)
        self.aux1 = nn.Sequential(OrderedDict(fc1=nn.Linear(4, CLASSES)))
        self.fc = nn.Linear(cin, CLASSES)

    def forward(self, x):
        x = self.pool(self.conv3(self.conv2(self.pool(self.conv1(x)))))
        for name in LETTERS:
            x = getattr(self, f"inception{name[1]}{name[0]}")(x)
            if name in ("b3", "e4"):
                x = (self.pool if name == "b3" else self.last_pool)(x)
        return self.fc(mean(x))


class Goog(nn.Module):
    """weiaicunzai's. The norm in the middle of the third branch was given its width as eps."""

    def __init__(self, cin, a, b, bb, c, cc, d):
        super().__init__()
        self.b1 = nn.Sequential(*normed(conv(cin, a, 1)))
        self.b2 = nn.Sequential(*normed(conv(cin, b, 1), conv(b, bb, 3)))
        self.b3 = nn.Sequential(*normed(conv(cin, c, 1), conv(c, cc, 3), conv(cc, cc, 3)))
        self.b3[4] = nn.BatchNorm2d(cc, cc)
        self.b4 = nn.Sequential(nn.MaxPool2d(3, 1, 1), *normed(conv(cin, d, 1)))

    def forward(self, x):
        return torch.cat([self.b1(x), self.b2(x), self.b3(x), self.b4(x)], 1)


def goog(three):
    """With three convolutions before the modules and pooling behind them, or with one."""
    convs = [conv(3, 4, 3, bias=False), conv(4, 4, 3, bias=False), conv(4, 8, 3, bias=False)]
    modules, cin = [("prelayer", nn.Sequential(*normed(*(convs if three else
                                                         [conv(3, 8, 3, bias=False)]))))], 8
    if three:
        modules.append(("pool", nn.MaxPool2d(3, 2, 1)))
    for name, m in zip(LETTERS, MODULES):
        modules.append((name, Goog(cin, *m)))
        cin = total(m)
        if name in ("b3", "e4"):
            modules.append(("pool" + name, nn.MaxPool2d(3, 2, 1)))
    return Row(modules, "linear", cin)


# --- MobileNet and SqueezeNet of weiaicunzai ---

class Separable(nn.Module):
    def __init__(self, cin, cout, stride):
        super().__init__()
        self.depthwise = nn.Sequential(*normed(conv(cin, cin, 3, stride, bias=False, groups=cin)))
        self.pointwise = nn.Sequential(*normed(conv(cin, cout, 1)))

    def forward(self, x):
        return self.pointwise(self.depthwise(x))


def mobile():
    stem = BasicConv2d(3, 4, kernel_size=3, padding=1)
    stem.bn.eps = 1e-5
    modules, cin = [("stem", nn.Sequential(stem, Separable(4, 6, 1)))], 6
    for i, (n, width) in enumerate([(2, 8), (1, 12), (2, 16), (1, 20)]):
        modules.append((f"conv{i + 1}", nn.Sequential(
            *(Separable(cin if k == 0 else width, width, 2 if k == 0 else 1) for k in range(n)))))
        cin = width
    return Row(modules, "fc", cin)


class Fire(nn.Module):
    def __init__(self, cin, cout, width, bypass):
        super().__init__()
        self.squeeze = nn.Sequential(*normed(conv(cin, width, 1)))
        self.expand_1x1 = nn.Sequential(*normed(conv(width, cout // 2, 1)))
        self.expand_3x3 = nn.Sequential(*normed(conv(width, cout // 2, 3)))
        self.bypass = bypass

    def forward(self, x):
        y = self.squeeze(x)
        y = torch.cat([self.expand_1x1(y), self.expand_3x3(y)], 1)
        return y + x if self.bypass else y


class Squeeze(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(*normed(conv(3, 6, 3)), nn.MaxPool2d(2))
        cin = 6
        for i, width in enumerate([8, 8, 12, 12, 16, 16, 20, 20]):
            setattr(self, f"fire{i + 2}", Fire(cin, width, width // 3, i in (1, 3, 5)))
            cin = width
        self.conv10 = conv(cin, CLASSES, 1)
        self.pool = nn.MaxPool2d(2)

    def forward(self, x):
        x = self.stem(x)
        for i in range(2, 10):
            x = getattr(self, f"fire{i}")(x)
            if i in (4, 8):
                x = self.pool(x)
        return mean(self.conv10(x))


# --- kuangliu: convolutions and norms called conv1, bn1, conv2, ... in every module ---

class Numbered(nn.Module):
    """Modules with convolutions conv1, conv2, ... and the norms bn1, bn2, ...: of what they put
    out or, `before`, of what they read."""

    def __init__(self, *convs, before=False):
        super().__init__()
        for i, c in enumerate(convs):
            norm = nn.BatchNorm2d(c.in_channels if before else c.out_channels)
            names = [(f"bn{i + 1}", norm), (f"conv{i + 1}", c)]
            for name, m in names if before else names[::-1]:
                self.add_module(name, m)

    def step(self, i, x):
        return getattr(self, f"bn{i}")(getattr(self, f"conv{i}")(x))


def plain(cin, cout, kernel, stride=1, groups=1):
    return conv(cin, cout, kernel, stride, bias=False, groups=groups)


def beside(cin, cout, stride=1, norm=True):
    return nn.Sequential(plain(cin, cout, 1, stride), *([nn.BatchNorm2d(cout)] if norm else []))


class KuangliuDense(nn.Module):
    def __init__(self, cin, growth):
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(cin), plain(cin, 4 * growth, 1)
        self.bn2, self.conv2 = nn.BatchNorm2d(4 * growth), plain(4 * growth, growth, 3)

    def forward(self, x):
        y = self.conv2(relu(self.bn2(self.conv1(relu(self.bn1(x))))))
        return torch.cat([y, x], 1)


def kuangliu_dense():
    cin = 8
    modules = [("conv1", plain(3, cin, 3))]
    for s, n in enumerate((2, 1, 2)):
        modules.append((f"dense{s + 1}", nn.Sequential(
            *(KuangliuDense(cin + 4 * k, 4) for k in range(n)))))
        cin += 4 * n
        if s < 2:
            modules.append((f"trans{s + 1}", nn.Sequential(OrderedDict(
                bn=nn.BatchNorm2d(cin), relu=nn.ReLU(), conv=plain(cin, cin // 2, 1),
                pool=nn.AvgPool2d(2)))))
            cin //= 2
    return Row(modules + [("bn", nn.BatchNorm2d(cin)), ("relu", nn.ReLU())], "linear", cin)


def kuangliu_goog():
    modules, cin = [("pre_layers", nn.Sequential(*normed(conv(3, 8, 3))))], 8
    for name, m in zip(LETTERS, MODULES):
        module = Goog(cin, *m)
        module.b3[4].eps = 1e-5
        modules.append((name, module))
        cin = total(m)
        if name in ("b3", "e4"):
            modules.append(("pool" + name, nn.MaxPool2d(3, 2, 1)))
    return Row(modules, "linear", cin)


class KuangliuInverted(Numbered):
    def __init__(self, cin, cout, t, stride):
        c = t * cin
        super().__init__(plain(cin, c, 1), plain(c, c, 3, stride, c), plain(c, cout, 1))
        self.stride, self.shortcut = stride, nn.Sequential()
        if stride == 1 and cin != cout:
            self.shortcut = beside(cin, cout)

    def forward(self, x):
        y = self.step(3, relu(self.step(2, relu(self.step(1, x)))))
        return y + self.shortcut(x) if self.stride == 1 else y


def kuangliu_row(cin, blocks, last):
    """A stem, a row of blocks called layers, `last` or no convolution, and the head."""
    modules = [("conv1", plain(3, cin, 3)), ("bn1", nn.BatchNorm2d(cin)), ("relu1", nn.ReLU()),
               ("layers", nn.Sequential(*blocks))]
    if last:
        modules += [("conv2", plain(*last, 1)), ("bn2", nn.BatchNorm2d(last[1])),
                    ("relu2", nn.ReLU())]
    return modules


def kuangliu_mobile2():
    blocks, cin = [], 6
    for t, width, n, stride in [(1, 4, 1, 1), (2, 6, 2, 1), (2, 8, 2, 2), (3, 12, 1, 1),
                                (2, 16, 2, 2)]:
        for k in range(n):
            blocks.append(KuangliuInverted(cin, width, t, stride if k == 0 else 1))
            cin = width
    return Row(kuangliu_row(6, blocks, (16, 24)), "linear", 24)


class KuangliuSeparable(Numbered):
    def __init__(self, cin, cout, stride):
        super().__init__(plain(cin, cin, 3, stride, cin), plain(cin, cout, 1))

    def forward(self, x):
        return relu(self.step(2, relu(self.step(1, x))))


def kuangliu_mobile():
    blocks, cin = [], 4
    for width, stride in (6, 1), (8, 2), (8, 1), (12, 2), (16, 2), (16, 1), (20, 2):
        blocks.append(KuangliuSeparable(cin, width, stride))
        cin = width
    return Row(kuangliu_row(4, blocks, None), "linear", cin)


def interleave(a, b):
    y = torch.stack([a, b], 2)
    return y.flatten(1, 2)


class KuangliuDown(Numbered):
    def __init__(self, cin, cout):
        c = cout // 2
        super().__init__(plain(cin, cin, 3, 2, cin), plain(cin, c, 1), plain(cin, c, 1),
                         plain(c, c, 3, 2, c), plain(c, c, 1))

    def forward(self, x):
        return interleave(relu(self.step(2, self.step(1, x))),
                          relu(self.step(5, self.step(4, relu(self.step(3, x))))))


class KuangliuHalf(Numbered):
    def __init__(self, width):
        c = width // 2
        super().__init__(plain(c, c, 1), plain(c, c, 3, 1, c), plain(c, c, 1))

    def forward(self, x):
        a, b = x.chunk(2, 1)
        return interleave(a, relu(self.step(3, self.step(2, relu(self.step(1, b))))))


def kuangliu_staged(cin, block, rows, last=None):
    """`rows`: blocks, width and stride of each stage."""
    modules, width = kuangliu_row(cin, [], last), cin
    stages = []
    for s, (n, cout, stride) in enumerate(rows):
        stage = []
        for k in range(n):
            stage.append(block(width, cout, stride if k == 0 else 1))
            width = cout
        stages.append((f"layer{s + 1}", nn.Sequential(*stage)))
    modules[3:4] = stages
    return Row(modules, "linear", last[1] if last else width)


def kuangliu_shuffle():
    return kuangliu_staged(
        8, lambda cin, cout, stride: KuangliuDown(cin, cout) if stride > 1 else KuangliuHalf(cout),
        [(2, 12, 2), (3, 16, 2), (2, 20, 2)], (20, 24))


class KuangliuSqueezed(Numbered):
    def __init__(self, cin, cout, stride, before):
        super().__init__(plain(cin, cout, 3, stride), plain(cout, cout, 3), before=before)
        self.before, self.shortcut = before, nn.Sequential()
        if stride != 1 or cin != cout:
            self.shortcut = beside(cin, cout, stride, not before)
        self.fc1, self.fc2 = conv(cout, cout // 4, 1), conv(cout // 4, cout, 1)

    def weighed(self, y):
        return y * torch.sigmoid(self.fc2(relu(self.fc1(adaptive_avg_pool2d(y, 1)))))

    def forward(self, x):
        if not self.before:
            return relu(self.weighed(self.step(2, relu(self.step(1, x)))) + self.shortcut(x))
        y = relu(self.bn1(x))
        beside_it = self.shortcut(y) if len(self.shortcut) else x
        return self.weighed(self.conv2(relu(self.bn2(self.conv1(y))))) + beside_it


def kuangliu_senet(before):
    return kuangliu_staged(
        6, lambda cin, cout, stride: KuangliuSqueezed(cin, cout, stride, before),
        [(1, 6, 1), (2, 8, 2), (1, 12, 2), (1, 16, 2)])


class KuangliuReg(Numbered):
    def __init__(self, cin, cout, stride, excite):
        super().__init__(plain(cin, cout, 1), plain(cout, cout, 3, stride, cout // 4),
                         plain(cout, cout, 1))
        self.shortcut = nn.Sequential()
        if stride != 1 or cin != cout:
            self.shortcut = beside(cin, cout, stride)
        if excite:
            c = max(1, cin // 4)
            self.se = nn.Sequential(OrderedDict(se1=conv(cout, c, 1), se2=conv(c, cout, 1)))

    def forward(self, x):
        y = relu(self.step(2, relu(self.step(1, x))))
        if hasattr(self, "se"):
            y = y * torch.sigmoid(self.se.se2(relu(self.se.se1(adaptive_avg_pool2d(y, 1)))))
        return relu(self.step(3, y) + self.shortcut(x))


def kuangliu_regnet(excite):
    return kuangliu_staged(
        6, lambda cin, cout, stride: KuangliuReg(cin, cout, stride, excite),
        [(1, 8, 1), (2, 12, 1), (2, 16, 2), (1, 20, 2)])
