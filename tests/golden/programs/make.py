#!/usr/bin/env python3
"""Writes the golden programs: small networks of each family with random weights, as
torch.export.save and both exporters of ONNX write them, and what PyTorch and pytorch-grad-cam
make of them.

Needs torch 2.9 or later, torchvision, onnx, onnxscript and grad-cam 1.5.7. Beside this file:
    images.npy     uint8 (2, 32, 32, 3)
    list.tsv       name, layer of the maps
    NAME.pt2       the program, whose records are packed and whose JSON has lost the traces of
                   stacks, which say where Python called what
    NAME.core.pt2  the same program by the operations of core ATen alone
    older.pt2      repvgg.pt2 as PyTorch 2.8 wrote it, by the source of that version
    NAME.onnx      the same network by one of the exporters of ONNX, as ONNX says
    NAME.npy       float32 (2, 5 + 48 + 5): of each image the logits; of the predicted class' logit
                   the gradient with respect to the normalised image, summed over blocks of 8 by
                   8 pixels; of the layer's activations a and gradient g the sums of |a|, |g|, a g,
                   a and g
    NAME.cam.npy   float32 (1, 1, 16, 16): the first image's map of Grad-CAM for its predicted class,
                   every second cell
"""
import contextlib
import io
import json
import logging
import math
import pathlib
import sys
import warnings
import zipfile
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import nn
from torchvision import models
from torchvision.models.convnext import CNBlockConfig
from torchvision.models.efficientnet import MBConvConfig
from torchvision.models.mobilenetv3 import InvertedResidualConfig
from torchvision.models.resnet import BasicBlock, Bottleneck

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "onnx"))
from strip import strip  # noqa: E402

CLASSES = 5
warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)


def conv(i, o, k=3, **more):
    return nn.Sequential(nn.Conv2d(i, o, k, bias=False, **more), nn.BatchNorm2d(o), nn.ReLU(inplace=True))


def vgg():
    m = models.VGG(models.vgg.make_layers([8, "M", 8, 16, "M"], batch_norm=True), CLASSES)
    m.avgpool = nn.AdaptiveAvgPool2d((2, 2))
    m.classifier = nn.Sequential(nn.Linear(64, 16), nn.ReLU(True), nn.Dropout(), nn.Linear(16, 12),
                                 nn.ReLU(True), nn.Dropout(), nn.Linear(12, CLASSES))
    return m


class Inception(nn.Module):
    def __init__(self, i):
        super().__init__()
        self.a, self.b = conv(i, 4, 1), nn.Sequential(conv(i, 4, 1), conv(4, 6, 3, padding=1))
        self.c = nn.Sequential(nn.MaxPool2d(3, 1, 1, ceil_mode=True), conv(i, 4, 1))

    def forward(self, x):
        return torch.cat([self.a(x), self.b(x), self.c(x)], 1)


class Google(nn.Module):
    """Blocks of GoogLeNet, with its uneven pools and its normalisation of the input."""

    def __init__(self):
        super().__init__()
        self.stem = conv(3, 8, 5, stride=2, padding=2)
        self.pool = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.inception = nn.Sequential(Inception(8), Inception(14))
        self.dropout, self.fc = nn.Dropout(0.2), nn.Linear(14, CLASSES)

    def forward(self, x):
        r = torch.unsqueeze(x[:, 0], 1) * (0.229 / 0.5) + (0.485 - 0.5) / 0.5
        g = torch.unsqueeze(x[:, 1], 1) * (0.224 / 0.5) + (0.456 - 0.5) / 0.5
        b = torch.unsqueeze(x[:, 2], 1) * (0.225 / 0.5) + (0.406 - 0.5) / 0.5
        x = self.inception(self.pool(self.stem(torch.cat((r, g, b), 1))))
        return self.fc(self.dropout(torch.flatten(F.adaptive_avg_pool2d(x, 1), 1)))


class Fire(nn.Module):
    def __init__(self, i):
        super().__init__()
        self.squeeze, self.one, self.three = nn.Conv2d(i, 4, 1), nn.Conv2d(4, 6, 1), nn.Conv2d(4, 6, 3, padding=1)

    def forward(self, x):
        x = F.relu(self.squeeze(x))
        return torch.cat([F.relu(self.one(x)), F.relu(self.three(x))], 1)


def squeezenet():
    return nn.Sequential(nn.Conv2d(3, 8, 3, 2), nn.ReLU(True), nn.MaxPool2d(3, 2, ceil_mode=True), Fire(8),
                         Fire(12), nn.Dropout(), nn.Conv2d(12, CLASSES, 1), nn.ReLU(True),
                         nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten())


class Thin(nn.Module):
    """A residual network for CIFAR whose shortcut takes every second pixel and pads channels."""

    class Block(nn.Module):
        def __init__(self, i, o, stride):
            super().__init__()
            self.conv1, self.bn1 = nn.Conv2d(i, o, 3, stride, 1, bias=False), nn.BatchNorm2d(o)
            self.conv2, self.bn2 = nn.Conv2d(o, o, 3, 1, 1, bias=False), nn.BatchNorm2d(o)
            self.more = o - i

        def forward(self, x):
            y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
            if self.more:
                x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.more // 2, self.more // 2))
            return F.relu(y + x)

    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 8, 3, 1, 1, bias=False), nn.BatchNorm2d(8)
        self.layer1, self.layer2 = self.Block(8, 8, 1), self.Block(8, 16, 2)
        self.linear = nn.Linear(16, CLASSES)

    def forward(self, x):
        x = self.layer2(self.layer1(F.relu(self.bn1(self.conv1(x)))))
        x = F.avg_pool2d(x, x.size()[3])
        return F.log_softmax(self.linear(x.view(x.size(0), -1)), dim=1)


class PreAct(nn.Module):
    """Norms in front of convolutions, squeeze and excitation, a softmax at the end."""

    class Block(nn.Module):
        def __init__(self, i, o, stride):
            super().__init__()
            self.bn1, self.conv1 = nn.BatchNorm2d(i), nn.Conv2d(i, o, 3, stride, 1, bias=False)
            self.bn2, self.conv2 = nn.BatchNorm2d(o), nn.Conv2d(o, o, 3, 1, 1, bias=False)
            self.fc1, self.fc2 = nn.Linear(o, 4), nn.Linear(4, o)
            self.shortcut = nn.Conv2d(i, o, 1, stride, bias=False)

        def forward(self, x):
            x = F.relu(self.bn1(x))
            y = self.conv2(F.relu(self.bn2(self.conv1(x))))
            s = torch.sigmoid(self.fc2(F.relu(self.fc1(y.mean((2, 3))))))
            y = y * s[:, :, None, None]
            y += self.shortcut(x)
            return y

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.layer1, self.layer2 = self.Block(8, 8, 1), self.Block(8, 12, 2)
        self.bn, self.linear = nn.BatchNorm2d(12), nn.Linear(12, CLASSES)

    def forward(self, x):
        x = F.relu(self.bn(self.layer2(self.layer1(self.conv(x)))))
        return F.softmax(self.linear(F.adaptive_avg_pool2d(x, 1).flatten(1)), 1)


class Wide(nn.Module):
    """A wide residual network, whose first shortcut of a stage comes before the first norm."""

    class Block(nn.Module):
        def __init__(self, i, o, stride):
            super().__init__()
            self.residual = nn.Sequential(nn.BatchNorm2d(i), nn.ReLU(inplace=True), nn.Conv2d(i, o, 3, stride, 1),
                                          nn.BatchNorm2d(o), nn.ReLU(inplace=True), nn.Dropout(),
                                          nn.Conv2d(o, o, 3, 1, 1))
            self.shortcut = nn.Conv2d(i, o, 1, stride) if i != o else nn.Identity()

        def forward(self, x):
            return self.shortcut(x) + self.residual(x.clone())

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 4, 3, 1, 1)
        self.conv2 = nn.Sequential(self.Block(4, 8, 1), self.Block(8, 8, 1))
        self.conv3, self.bn = nn.Sequential(self.Block(8, 12, 2)), nn.BatchNorm2d(12)
        self.linear = nn.Linear(12, CLASSES)

    def forward(self, x):
        x = F.relu(self.bn(self.conv3(self.conv2(self.conv1(x)))))
        return self.linear(F.avg_pool2d(x, 16).view(x.size(0), -1))


class RepVGG(nn.Module):
    """The form that is trained: three branches for each layer."""

    class Block(nn.Module):
        def __init__(self, i, o, stride):
            super().__init__()
            self.three = nn.Sequential(nn.Conv2d(i, o, 3, stride, 1, bias=False), nn.BatchNorm2d(o))
            self.one = nn.Sequential(nn.Conv2d(i, o, 1, stride, bias=False), nn.BatchNorm2d(o))
            self.same = nn.BatchNorm2d(i) if i == o and stride == 1 else None

        def forward(self, x):
            y = self.three(x) + self.one(x)
            return F.relu(y + self.same(x) if self.same else y)

    def __init__(self):
        super().__init__()
        self.stage1, self.stage2 = self.Block(3, 8, 2), self.Block(8, 8, 1)
        self.gap, self.linear = nn.AdaptiveAvgPool2d(1), nn.Linear(8, CLASSES)

    def forward(self, x):
        return self.linear(self.gap(self.stage2(self.stage1(x))).view(x.size(0), -1))


class Functions(nn.Module):
    """Functions and windows that no family above has, and a linear layer over a grid."""

    def __init__(self):
        super().__init__()
        self.pad = nn.ZeroPad2d((0, 1, 0, 1))
        self.conv1, self.prelu = nn.Conv2d(3, 6, 3, 2), nn.PReLU(6)
        self.conv2 = nn.Conv2d(6, 8, (3, 1), padding="same", dilation=2, groups=2)
        self.conv3 = nn.Conv2d(8, 8, 3, padding=1)
        self.norm = nn.BatchNorm1d(10)
        self.fc1, self.fc2 = nn.Linear(8 * 16, 10), nn.Linear(10, CLASSES)

    def forward(self, x):
        x = self.prelu(self.conv1(self.pad(x)))
        x = F.leaky_relu(self.conv2(x), 0.2)
        x = F.avg_pool2d(x, 3, 2, 1, count_include_pad=False)
        x = F.elu(self.conv3(x)) - 0.25 * torch.tanh(x) * F.softplus(x)
        x = F.mish(F.max_pool2d(x, (2, 3), (2, 3), ceil_mode=True))
        x = F.adaptive_avg_pool2d(x, 4).permute(0, 2, 3, 1).contiguous()
        x = F.gelu(self.fc1(x.reshape(-1, 8 * 16)), approximate="tanh")
        return self.fc2(F.selu(self.norm(x)))


class Attention(nn.Module):
    """timm's, by the one function or written out."""

    def __init__(self, dim, heads, fused):
        super().__init__()
        self.heads, self.fused, self.scale = heads, fused, (dim // heads) ** -0.5
        self.qkv, self.proj = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)

    def forward(self, x):
        B, N, C = x.shape
        q, k, v = self.qkv(x).reshape(B, N, 3, self.heads, C // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        if self.fused:
            x = F.scaled_dot_product_attention(q, k, v)
        else:
            x = (q * self.scale @ k.transpose(-2, -1)).softmax(dim=-1) @ v
        return self.proj(x.transpose(1, 2).reshape(B, N, C))


class Vit(nn.Module):
    class Block(nn.Module):
        def __init__(self, dim, heads, fused):
            super().__init__()
            self.norm1, self.attn = nn.LayerNorm(dim, eps=1e-6), Attention(dim, heads, fused)
            self.norm2, self.gamma = nn.LayerNorm(dim, eps=1e-6), nn.Parameter(torch.zeros(dim))
            self.mlp = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))

        def forward(self, x):
            x = x + self.gamma * self.attn(self.norm1(x))
            return x + self.mlp(self.norm2(x))

    def __init__(self, fused, token):
        super().__init__()
        self.patch = nn.Conv2d(3, 12, 8, 8)
        self.token = nn.Parameter(torch.zeros(1, 1, 12)) if token else None
        self.pos = nn.Parameter(torch.zeros(1, 16 + token, 12))
        self.blocks = nn.Sequential(self.Block(12, 2, fused), self.Block(12, 3, fused))
        self.norm, self.head = nn.LayerNorm(12), nn.Linear(12, CLASSES)

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        if self.token is not None:
            x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], dim=1)
        x = self.norm(self.blocks(x + self.pos))
        return self.head(x[:, 0] if self.token is not None else x.mean(1))


def densenet():
    return models.DenseNet(4, (2, 2), 8, bn_size=2, num_classes=CLASSES)


def mobilenet_v2():
    m = models.MobileNetV2(CLASSES, inverted_residual_setting=[[1, 8, 1, 1], [2, 8, 2, 2]])
    m.features[-1], m.classifier = conv(8, 16, 1), nn.Sequential(nn.Dropout(), nn.Linear(16, CLASSES))
    m.features[0] = conv(3, 8, 3, stride=2, padding=1)
    m.features[1] = models.mobilenetv2.InvertedResidual(8, 8, 1, 1)
    return m


def mobilenet_v3():
    setting = [InvertedResidualConfig(8, 3, 8, 8, True, "RE", 2, 1, 1),
               InvertedResidualConfig(8, 5, 16, 8, True, "HS", 1, 1, 1)]
    return models.MobileNetV3(setting, 16, CLASSES)


def shufflenet():
    m = models.ShuffleNetV2([2, 1, 1], [8, 12, 12, 12, 16], CLASSES)
    m.maxpool = m.stage4 = nn.Identity()
    return m


def efficientnet():
    setting = [MBConvConfig(1, 3, 1, 8, 8, 1, 1.0, 1.0), MBConvConfig(2, 5, 2, 8, 12, 1, 1.0, 1.0)]
    return models.EfficientNet(setting, 0.2, last_channel=16, num_classes=CLASSES)


def regnet():
    blocks = models.regnet.BlockParams.from_init_params(depth=3, w_0=8, w_a=8, w_m=2, group_width=4, se_ratio=0.25)
    return models.RegNet(blocks, CLASSES, stem_width=8)


def mnasnet():
    stack = partial(models.mnasnet._stack, bn_momentum=0.1)
    return nn.Sequential(conv(3, 8, stride=2, padding=1), stack(8, 12, 3, 2, 3, 2), stack(12, 12, 5, 1, 2, 1),
                         conv(12, 16, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, CLASSES))


class Narrow(models.ResNet):
    """torchvision's ResNet of 8 channels rather than 64."""

    def __init__(self, block, groups, width):
        nn.Module.__init__(self)
        self._norm_layer, self.inplanes, self.dilation = nn.BatchNorm2d, 8, 1
        self.groups, self.base_width = groups, width
        self.conv1, self.bn1 = nn.Conv2d(3, 8, 3, 1, 1, bias=False), nn.BatchNorm2d(8)
        self.relu, self.maxpool = nn.ReLU(inplace=True), nn.Identity()
        self.layer1, self.layer2 = self._make_layer(block, 4, 1), self._make_layer(block, 8, 1, stride=2)
        self.layer3 = self.layer4 = nn.Identity()
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(8 * block.expansion, CLASSES)


def resnext():
    return Narrow(Bottleneck, 2, 32)


def convnext():
    return models.ConvNeXt([CNBlockConfig(8, 12, 1), CNBlockConfig(12, None, 1)], num_classes=CLASSES)


def vit():
    return models.VisionTransformer(32, 8, 2, 2, 12, 24, num_classes=CLASSES)


def swin():
    return models.SwinTransformer([2, 2], 8, [2, 2], [1, 2], [4, 4], num_classes=CLASSES)


def maxvit():
    return models.MaxVit((32, 32), 8, 4, [8], [1], 4, 0.0, num_classes=CLASSES)


class Grouped(nn.Module):
    """Group and instance norms, a shuffle by one operation, uneven maxima, means of padding that is not
    whole, sums, squares, stacks, and features as a further result."""

    def __init__(self):
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(3, 8, 3, 2, 1), nn.GroupNorm(2, 8)
        self.conv2, self.norm2 = nn.Conv2d(8, 8, 3, 1, 1), nn.InstanceNorm2d(8, affine=True)
        self.pool, self.shuffle = nn.AvgPool2d(3, 2, 1, ceil_mode=True), nn.ChannelShuffle(4)
        self.fc, self.both = nn.Linear(16, CLASSES), False

    def forward(self, x):
        x = self.shuffle(F.relu(self.norm1(self.conv1(x))))
        x = self.pool(F.silu(self.norm2(self.conv2(x))))
        x = torch.stack([x, 0.125 * x.pow(2)], 2).flatten(1, 2)
        x = torch.roll(F.adaptive_max_pool2d(x, (4, 5)), (1, -2), (2, 3))
        features = x.max(3).values.sum(2) / 4
        return (self.fc(features), features.softmax(1)) if self.both else self.fc(features)


class Elements(nn.Module):
    """Constants for each element: norms over channels and cells, and over cells; factors of a plane and
    of rows. Sums of windows over a divisor of their own."""

    def __init__(self):
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(3, 6, 3, 2, 1), nn.LayerNorm([6, 16, 16])
        self.plane, self.rows = nn.Parameter(torch.ones(16, 16)), nn.Parameter(torch.ones(1, 6, 16, 1))
        self.pool, self.norm2 = nn.AvgPool2d((3, 2), 2, (1, 0), divisor_override=5), nn.LayerNorm([8, 8])
        self.conv2, self.fc = nn.Conv2d(6, 8, 3, padding=1), nn.Linear(8, CLASSES)

    def forward(self, x):
        x = torch.tanh(self.norm1(self.conv1(x)))
        x = self.pool(x * self.plane + x * 0.5 * self.rows)
        return self.fc(F.silu(self.conv2(self.norm2(x))).mean((2, 3)))


class Masked(nn.Module):
    """A mask of a branch at half the size, enlarged by nearest cells, by a size and by a factor; padding that
    cuts; windows that are longer than they are high."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 6, 3, 2, 1), nn.Conv2d(6, 6, (1, 5), 1, (0, 2))
        self.down1, self.down2 = nn.Conv2d(6, 6, 3, 1, 1), nn.Conv2d(6, 6, 1)
        self.twice, self.cut, self.fc = nn.Upsample(scale_factor=2), nn.ConstantPad2d((-1, 0, 1, -2), 0), nn.Linear(6, CLASSES)

    def forward(self, x):
        x = F.silu(self.conv1(x))
        y = self.down1(F.max_pool2d(x, 3, 2, 1))
        z = F.interpolate(self.down2(F.avg_pool2d(y, 2)), size=(y.size(2), y.size(3))) + y
        x = (1 + torch.sigmoid(self.twice(z))) * self.conv2(x)
        return self.fc(F.silu(self.cut(x)).mean((2, 3)))


class Standard(nn.Conv2d):
    """A convolution of weights that are standardised first."""

    def forward(self, x):
        w = F.batch_norm(self.weight.reshape(1, len(self.weight), -1), None, None, training=True, momentum=0.0)
        return F.conv2d(x, w.reshape_as(self.weight), self.bias, self.stride, self.padding)


class Products(nn.Module):
    """Weight standardisation, ECA's convolution over channels, ConvNeXt V2's normalisation of responses,
    cosine attention to fewer tokens with a factor for each head, heads that are mixed, and cells that are
    repeated. Of images that are rows of pixels, where it is exported."""

    def __init__(self):
        super().__init__()
        self.conv = Standard(3, 8, 3, 2, 1)
        self.eca, self.mixed = nn.Conv1d(1, 1, 3, padding=1, bias=False), nn.Conv2d(8, 8, 3, 2, 1)
        self.gamma, self.factor = nn.Parameter(torch.ones(8)), nn.Parameter(torch.ones(2, 1, 1))
        self.q, self.kv, self.heads = nn.Linear(8, 8), nn.Linear(8, 16), nn.Linear(2, 2)
        self.last, self.fc = nn.Conv2d(8, 12, 3, padding=1), nn.Linear(12, CLASSES)

    def forward(self, x):
        x = F.gelu(self.conv(x if x.size(1) == 3 else x.permute(0, 3, 1, 2)))
        weights = self.eca(x.mean((2, 3)).unsqueeze(1)).transpose(1, 2).unsqueeze(-1)
        x = (self.mixed(x * torch.sigmoid(weights)) + 0.25).permute(0, 2, 3, 1)
        length = torch.linalg.vector_norm(x, dim=(1, 2), keepdim=True)
        x = x + self.gamma * (x * (length / (length.mean(-1, keepdim=True) + 1e-6)))
        few = F.avg_pool2d(x.permute(0, 3, 1, 2), 2).flatten(2).transpose(1, 2)
        B, H, W, C = x.shape
        q = self.q(x).reshape(B, H * W, 2, 4).transpose(1, 2)
        k, v = self.kv(few).reshape(B, -1, 2, 2, 4).permute(2, 0, 3, 1, 4).unbind(0)
        y = F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).transpose(-2, -1) * self.factor.exp()
        y = self.heads(y.permute(0, 2, 3, 1)).permute(0, 3, 1, 2).softmax(-1) @ v
        y = F.interpolate(y.transpose(1, 2).reshape(B, H, W, C).permute(0, 3, 1, 2), scale_factor=2)
        return self.fc(F.silu(self.last(y)).mean((2, 3)))


class Uneven(nn.Module):
    """Adaptive averages whose windows differ, channels and cells by indices, some of them twice, and a choice
    by a mask: the newer exporter of ONNX writes the first by the others."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 6, 3, 2, 1), nn.Conv2d(6, 6, 3, padding=1)
        self.register_buffer("channels", torch.tensor([5, 0, 1, 1, 3, 2, 4, 0]))
        self.register_buffer("rows", torch.tensor([4, 0, 1, 3, 3, 2]))
        self.register_buffer("mask", torch.arange(42).reshape(6, 7) % 5 == 2)
        self.last, self.fc = nn.Conv2d(8, 8, 3, padding=1), nn.Linear(8 * 4, CLASSES)

    def forward(self, x):
        x = F.adaptive_avg_pool2d(F.silu(self.conv2(F.silu(self.conv1(x)))), (5, 7))
        x = x[:, self.channels][:, :, self.rows]
        x = torch.where(self.mask, x, torch.tanh(x)).masked_fill(self.mask.flip(0), 0.5)
        return self.fc(F.adaptive_avg_pool2d(F.silu(self.last(x)), 2).flatten(1))


class Resized(nn.Module):
    """Interpolation of each kind, larger and smaller, by sizes and by factors that are not whole; of a table of
    positions, too."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 6, 3, 2, 1), nn.Conv2d(6, 6, 3, padding=1)
        self.pos = nn.Parameter(torch.zeros(1, 6, 5, 4))
        self.last, self.fc = nn.Conv2d(6, 8, 3, padding=1), nn.Linear(8, CLASSES)

    def forward(self, x):
        x = F.silu(self.conv1(x))
        y = self.conv2(F.interpolate(x, (11, 13), mode="bilinear"))
        y = F.interpolate(y, scale_factor=1.3, mode="bicubic")
        x = x + torch.sigmoid(F.interpolate(y, (16, 16), mode="bilinear", align_corners=True))
        z = F.interpolate(x, (10, 7), mode="nearest") + F.interpolate(self.pos, (10, 7), mode="bicubic")
        z = F.interpolate(z, scale_factor=(1.5, 2), mode="bicubic", align_corners=True)
        return self.fc(F.silu(self.last(z)).mean((2, 3)))


class Folded(nn.Module):
    """Windows that are taken apart and summed up again, as VOLO has them, transposed convolutions, squares of
    channels as cells, attention to what came before, a non-local block, functions that no net above has, and
    interpolation that the exporters of ONNX take apart: with antialiasing, and by the cells in the middle."""

    def __init__(self):
        super().__init__()
        self.conv1, self.attn = nn.Conv2d(3, 6, 4, 4), nn.Linear(6, 9)
        self.back1 = nn.ConvTranspose2d(6, 8, (3, 2), 2, 1, output_padding=(1, 0), groups=2)
        self.back2 = nn.ConvTranspose2d(4, 5, 2, padding=2, dilation=3, bias=False)
        self.qkv, self.tokens = nn.Conv2d(5, 15, 1), nn.Linear(5, 5)
        self.last, self.fc = nn.Conv2d(5, 12, 3, padding=1), nn.Linear(12, CLASSES)

    def forward(self, x):
        x = F.celu(self.conv1(x), 0.75)
        w = self.attn(x.permute(0, 2, 3, 1)).softmax(-1).permute(0, 3, 1, 2)
        y = F.unfold(x, 3, padding=1, stride=1).reshape(-1, 6, 9, 8, 8) * w.unsqueeze(1)
        x = x + F.fold(y.flatten(1, 2).flatten(2), (8, 8), 3, padding=1)
        y = F.fold(F.unfold(x, (2, 3), padding=(0, 1), stride=2), (8, 8), (2, 3), padding=(0, 1), stride=2)
        x = F.glu(self.back1(x - 0.5 * y), 1)
        x = self.back2(F.logsigmoid(x) + F.softplus(x, beta=2))
        y = F.interpolate(x, (7, 6), mode="bilinear", antialias=True)
        y = y * torch.sigmoid(F.interpolate(x, (7, 6), mode="bicubic", antialias=True))
        y = y - 0.5 * F.interpolate(x, scale_factor=(0.5, 0.48), mode="nearest-exact")
        x = F.pixel_unshuffle(F.pixel_shuffle(x[:, :4, :14, :12], 2), 4)[:, 1:6] + y
        B, C, H, W = x.shape
        q, k, v = self.qkv(x).flatten(2).chunk(3, 1)
        x = x + (v @ (q.transpose(1, 2) @ k).softmax(-1).transpose(1, 2)).reshape(B, C, H, W)
        t = self.tokens(x.flatten(2).transpose(1, 2)).unsqueeze(1)
        t = F.scaled_dot_product_attention(t, t, t, is_causal=True)[:, 0]
        return self.fc(F.silu(self.last(t.transpose(1, 2).reshape(B, C, H, W))).mean((2, 3)))


class Learnt(nn.Module):
    """Constants that are computed, or the same for each image: positions as waves, as XCiT and EdgeNeXt have them,
    and as a grid that is changed in parts, as BEiT has it,
    a class token that joins late, and a pool by the attention of a query that was learnt."""

    def __init__(self):
        super().__init__()
        self.conv, self.mix = nn.Conv2d(3, 8, 4, 4), nn.Conv2d(8, 8, 1)
        self.token, self.query = nn.Parameter(torch.zeros(1, 1, 8)), nn.Parameter(torch.zeros(1, 1, 8))
        self.gamma, self.qkv = nn.Parameter(torch.ones(8)), nn.Linear(8, 24)
        self.q, self.kv, self.norm = nn.Linear(8, 8), nn.Linear(8, 16), nn.LayerNorm(8)
        self.heads, self.pool, self.fc = nn.Linear(2, 2), nn.AvgPool2d(8, ceil_mode=True), nn.Linear(12, CLASSES)

    def forward(self, x):
        x = F.silu(self.conv(x))
        B, C, H, W = x.shape
        there = ~torch.zeros((B, H, W)).to(torch.bool)
        y, z = there.cumsum(1, dtype=torch.float32), there.cumsum(2, dtype=torch.float32)
        y, z = y / (y[:, -1:] + 1e-6) * math.pi, z / (z[:, :, -1:] + 1e-6) * math.pi
        waves = 10 ** (2 * torch.div(torch.arange(4), 2, rounding_mode="floor") / 4)
        y, z = (torch.stack(((a[..., None] / waves)[..., 0::2].sin(), (a[..., None] / waves)[..., 1::2].cos()), 4)
                for a in (y, z))
        row, column = torch.meshgrid(torch.arange(-0.5, H - 1, dtype=torch.int64), torch.arange(W), indexing="ij")
        far, near = torch.meshgrid(torch.arange(0.5, W), torch.arange(H, 0.0, -1), indexing="xy")
        steps = torch.stack((row, column), 0).permute(1, 2, 0).contiguous()
        steps[:, :, 0] += 2
        steps[:, 1:, 1] *= 3
        half = steps.to(x.dtype)
        half[..., 0].mul_(0.5)
        x = x + 0.02 * (steps.sum(-1) - half[..., 1] * column / 4 + half.reshape(16, 8).flip(0)[::2] * row - far * near)
        x = x + self.mix(torch.cat((y.flatten(3), z.flatten(3)), 3).permute(0, 3, 1, 2).to(x.dtype))
        t = torch.cat((self.token.expand(B, -1, -1), self.norm(x.flatten(2).transpose(1, 2))), 1)
        q, k, v = self.qkv(t).reshape(B, -1, 3, 2, 4).permute(2, 0, 3, 1, 4).unbind(0)
        a = self.heads((q @ k.transpose(-2, -1)).permute(0, 2, 3, 1)).permute(0, 3, 1, 2).softmax(-1) @ v
        t = self.token.expand(B, -1, -1) + self.gamma * a.transpose(1, 2).flatten(2)[:, :1] + t[:, 1:]
        q = self.q(self.query.expand(B, -1, -1)).reshape(B, 1, 2, 4).transpose(1, 2)
        k, v = self.kv(t).reshape(B, -1, 2, 2, 4).permute(2, 0, 3, 1, 4).unbind(0)
        p = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(B, 1, 8)
        p = torch.cat((p, p.repeat_interleave(2, 1)), 1).flatten(1)[:, :4] * 0.5
        return self.fc(torch.cat((p, self.pool(x).flatten(1)), 1))


class Known(nn.Module):
    """Constants that are made of constants, truths among them, names of operations that PyTorch gives by itself
    alone, and padding by numbers and by the image's own cells."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 6, 4, 4), nn.Conv2d(6, 8, 3, padding=1)
        self.table, self.norm = nn.Embedding(8, 6), nn.BatchNorm2d(6)
        self.gain, self.mix, self.fc = nn.Parameter(torch.ones(6, 1, 1)), nn.Linear(8, 8), nn.Linear(8, CLASSES)

    def forward(self, x):
        a, i, n = torch.ops.aten, torch.arange(8), self.norm
        x = F.silu(self.conv1(x))
        k = (i >= 2) & (i < 6) | (i > 6)
        k = torch.bitwise_or(torch.bitwise_and(i <= 4, k), torch.logical_and(torch.logical_or(i >= 1, k), i.fmod(3) > 0))
        e = self.table(i) * torch.log(x.new_full((8, 1), 2.5)) + x.new_ones(8, 1)
        e = e + torch.ones(1, 6) * torch.scalar_tensor(0.5) + torch.zeros_like(e) + torch.tensor([1, 0, 2, 0, -1, 0.5])
        e = e * e.softmax(0) * k.to(x.dtype)[:, None] + x.new_empty(6).zero_()
        x = x * self.gain.detach() + e.t()[:, :, None]
        y = a.native_batch_norm(x, n.weight, n.bias, n.running_mean, n.running_var, False, 0.1, n.eps)[0]
        y = a.native_dropout(a.alias(y), 0.5, False)[0]
        y = a.replication_pad2d(a.reflection_pad2d(y, (2, 1, 0, 3)), (0, 2, 1, 0))
        y = F.pad(F.pad(y, (1, 3, 2, 0), mode="circular"), (1, 0, 2, 1), value=1.5)
        y = F.max_pool2d(F.pad(self.conv2(y), (0, 1, 1, 0), value=float("-inf")), 3, 2)
        p = a._adaptive_avg_pool2d(a.log_sigmoid_forward(y)[0], (1, 1)).flatten(1)
        p = a.mm(p / a.norm.ScalarOpt_dim(p, 2, [1], True).repeat(1, 8), self.mix.weight.t())
        return self.fc(a._unsafe_view(p, (x.shape[0], 8)) + self.mix.bias)


class Further(nn.Module):
    """Operations that no net above has: other names of the same, and what the core of ATen has for them."""

    def __init__(self):
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8)
        self.conv2, self.norm2 = nn.Conv2d(8, 8, 3, padding=1, groups=2), nn.GroupNorm(4, 8)
        self.drop1, self.drop2 = nn.Dropout2d(), nn.AlphaDropout()
        self.scale, self.last = nn.Parameter(torch.ones(8, 1, 1)), nn.Conv2d(8, 12, 3, padding=1)
        self.register_buffer("order", torch.tensor([3, 0, 7, 6, 1, 2, 5, 4]))
        self.fc = nn.Linear(12, CLASSES)

    def forward(self, x):
        x = F.max_pool2d(F.relu6(self.norm1(self.conv1(x))), 3, 2, 1)
        a, b = torch.split(x, [3, 5], 1)
        c, d = torch.split(x, 4, 2)
        x = torch.cat([b.clamp(0.125, 3.5), -a], 1)
        x = x * torch.rsqrt(x.square().mean(1, keepdim=True) + 0.25)
        x = torch.addcmul(x, x, self.scale, value=0.5)
        x = self.drop1(self.norm2(self.conv2(x)))
        x = 1 - torch.reciprocal(1 + torch.sqrt(x * x + 1)) * x.clamp_max(2.0)
        x = x - 0.25 * x.amax((2, 3), keepdim=True)
        x = x / torch.sqrt(x.var(1, keepdim=True, unbiased=False) + 0.5)
        x = torch.cat([d, c], 2) + x.swapdims(2, 3) * torch.ones_like(x)
        x = F.pad(x.index_select(1, self.order), (1, 0, 0, 1)).type_as(x)
        x = torch.tanh(self.last(self.drop2(x)))
        x = F.adaptive_avg_pool1d(x.flatten(2), 1).view_as(x[:, :, :1, 0])
        return F.log_softmax(self.fc(x[:, :, 0]), 1)


class Local(nn.Module):
    """AlexNet's normalisation of responses, by an odd and an even number of channels, slopes for each channel, and
    axes that go where they have size 1: the older exporter of ONNX writes branches for that. A part that is kept
    from autocast, and products of matrices that are joined."""

    def __init__(self):
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(3, 8, 3, 2, 1), nn.LocalResponseNorm(5, 0.5, 0.75, 2.0)
        self.conv2, self.norm2 = nn.Conv2d(8, 12, 3, padding=1), nn.LocalResponseNorm(4, 2.0, 0.5)
        self.prelu, self.rrelu, self.pool = nn.PReLU(12), nn.RReLU(), nn.MaxPool2d(3, 2)
        self.fc = nn.Linear(12, CLASSES)

    def forward(self, x):
        x = self.rrelu(self.conv1(x))
        with torch.autocast("cpu", enabled=False):
            x = self.pool(self.norm1(x))
        x = self.norm2(self.prelu(self.conv2(x)))
        p, t = F.adaptive_avg_pool2d(x, 1).squeeze(-1).squeeze(-1), x.flatten(2)
        return self.fc(p + torch.cat([t @ t.transpose(1, 2) / 49, p[:, :, None]], 2).mean(2))


class Chosen(nn.Module):
    """Activations that are compared with numbers and with each other: MaxOut, FReLU, shrinkage, thresholds, masks;
    and pools of three axes. What core ATen has as indices: cells of the edge, and those in the middle."""

    def __init__(self):
        super().__init__()
        self.conv1, self.near = nn.Conv2d(3, 12, 3, 2, 1), nn.Conv2d(6, 6, 3, padding=1, groups=6)
        self.prelu, self.one = nn.PReLU(6), nn.PReLU()
        self.register_buffer("least", torch.tensor(-1.5))
        self.last, self.fc = nn.Conv2d(6, 12, 3, padding=1), nn.Linear(15, CLASSES)

    def forward(self, x):
        x = self.conv1(x)
        x = torch.max(x[:, :6], x[:, 6:])
        x = self.prelu(torch.maximum(x, self.near(x)))
        x = F.softsign(x) - 0.5 * F.hardshrink(x, 0.3) + F.softshrink(x, 0.2)
        x = F.threshold(x, 0.1, -0.2) + torch.min(x * (x < 1.5), 1.25 * x.flip(2)) * 0.5
        y = F.max_pool3d(x.unsqueeze(1), (2, 3, 3), (2, 2, 2), (1, 1, 1)).squeeze(1)
        y = F.avg_pool3d(y.unsqueeze(1), (2, 3, 2), (1, 2, 1), (0, 1, 0), True, False).squeeze(1)
        y = F.interpolate(F.pad(y, (1, 0, 1, 2), mode="replicate"), (9, 6), mode="nearest-exact")
        x = torch.where((x > 0.75) | ~(x >= -0.5) & (x <= 2), x.abs(), -0.5 * x)
        x = self.one(x - 0.25 * torch.sign(x - 0.125)).masked_fill(x == x.flip(1), 0.25)
        x = torch.minimum(x.clamp(self.least), torch.abs(self.last(x)[:, :6]) + 0.5)
        low = y.amin((2, 3)) + torch.min(y, 1).values.mean((1, 2))[:, None]
        return self.fc(torch.cat([self.last(x).mean((2, 3)), low], 1))


class Ties(nn.Module):
    """The larger of two that are always equal: each has half of the gradient."""

    def __init__(self):
        super().__init__()
        self.one, self.two, self.fc = nn.Conv2d(3, 4, 3, 4), nn.Conv2d(3, 4, 3, 4), nn.Linear(4, CLASSES)
        self.two.weight, self.two.bias = self.one.weight, self.one.bias

    def forward(self, x):
        return self.fc(torch.maximum(self.one(x), self.two(x)).sigmoid().mean((2, 3)))


class Windows(nn.Module):
    """Attention in windows as Hugging Face's Swin has it: the windows of all images are one axis, along which masks
    are repeated and to which places are added first; or written out and changed in place, with places that are
    tiled."""

    def __init__(self, tiled):
        super().__init__()
        self.tiled, self.conv, self.places = tiled, nn.Conv2d(3, 8, 4, 4), nn.Parameter(torch.zeros(1, 8, 4, 2))
        self.qkv, self.table, self.proj = nn.Linear(8, 24), nn.Parameter(torch.zeros(16, 16, 2)), nn.Linear(8, 8)
        self.last, self.fc = nn.Conv2d(8, 8, 1), nn.Linear(8, CLASSES)

    def forward(self, x):
        x = self.conv(x) + (self.places.tile((2, 4)) if self.tiled else self.places[:, :, :1, :1])
        B = x.shape[0]
        t = x.view(B, 8, 2, 4, 2, 4).permute(0, 2, 4, 3, 5, 1).reshape(-1, 16, 8)
        q, k, v = (a.view(B * 4, 16, -1, 4).transpose(1, 2) for a in self.qkv(t).chunk(3, -1))
        side = torch.zeros(4, 16)
        side[1:, 4:11] = 1
        side[2:, 9:] = 2
        mask = side.unsqueeze(1) - side.unsqueeze(2)
        mask = mask.masked_fill(mask != 0, -100.0).masked_fill(mask == 0, 0.0).unsqueeze(1).unsqueeze(0)
        mask = mask.expand(B, -1, -1, -1, -1).reshape(-1, 1, 16, 16)
        mask = self.table.permute(2, 0, 1).unsqueeze(0) + mask
        if self.tiled:
            a = (q @ k.transpose(-2, -1)).mul_(0.5).add_(mask)
            t = F.dropout(a.softmax(-1), 0.1, self.training, True) @ v
            t[:, :, 0:] = t + 0.25 * F.relu(t)
        else:
            t = F.scaled_dot_product_attention(q, k, v, mask)
        t = self.proj(t.transpose(1, 2).reshape(B * 4, 16, 8)).view(B, 2, 2, 4, 4, 8).permute(0, 5, 1, 3, 2, 4)
        return self.fc(F.silu(self.last(x + t.reshape(B, 8, 8, 8))).mean((2, 3)))


class Parts(nn.Module):
    """Convolutions and norms of windows that stand along the axis of the images, and a class token that is computed
    and joined to the cells, as EfficientViT and PiT have them; masks of infinite numbers that the file holds."""

    def __init__(self):
        super().__init__()
        self.conv, self.deep, self.norm = nn.Conv2d(3, 8, 4, 4), nn.Conv2d(8, 16, 3, 1, 1, groups=4), nn.BatchNorm2d(16)
        self.point, self.last, self.pool = nn.Conv2d(16, 8, 1), nn.Conv2d(8, 8, 2, 2), nn.Linear(8, 8)
        self.norm1, self.norm2, self.qkv, self.fc = nn.LayerNorm(8), nn.LayerNorm(8), nn.Linear(8, 24), nn.Linear(8, CLASSES)
        mask = torch.zeros(2, 17, 17)
        mask[:, 3, 1::3] = mask[1, 5:, 7] = -math.inf
        self.register_buffer("mask", mask, persistent=False)

    def forward(self, x):
        x = self.conv(x)
        B = x.shape[0]
        p = x.view(B, 8, 2, 4, 2, 4).permute(0, 2, 4, 1, 3, 5).reshape(B * 4, 8, 4, 4)
        p = self.point(F.relu(self.norm(self.deep(p))))
        x = x + p.view(B, 2, 2, 8, 4, 4).permute(0, 3, 1, 4, 2, 5).reshape(B, 8, 8, 8)
        t = torch.cat([self.pool(x.mean((2, 3)))[:, None], self.last(x).flatten(2).transpose(1, 2)], 1)
        q, k, v = self.qkv(self.norm1(t)).view(B, 17, 3, 2, 4).permute(2, 0, 3, 1, 4)
        a = (q @ k.transpose(-2, -1) * 0.5 + self.mask).softmax(-1).masked_fill(self.mask == -math.inf, 0.0)
        t = self.norm2(t + (a @ v).transpose(1, 2).reshape(B, 17, 8))
        return self.fc(t[:, 0])


class GeM(nn.Module):
    """Generalised means, by one power or one for each channel."""

    def __init__(self, n):
        super().__init__()
        self.power = nn.Parameter(torch.full((n, 1, 1), 3.0) if n > 1 else torch.full((1,), 3.0))

    def forward(self, x):
        x, p = x.clamp(min=1e-6).pow(self.power), self.power.flatten()
        return F.avg_pool2d(x, (x.size(-2), x.size(-1))).flatten(1).pow(1.0 / p)


class Raised(nn.Module):
    """Powers, exponentials and logarithms of activations, also where masks hide them; weights that are normalised as
    they are read; products by an equation; windows along one axis."""

    def __init__(self):
        super().__init__()
        norm = nn.utils.parametrizations
        self.conv1 = norm.weight_norm(nn.Conv2d(3, 8, 3, 2, 1))
        self.conv2 = norm.spectral_norm(nn.Conv2d(8, 8, 3, padding=1))
        self.last = norm.weight_norm(nn.Conv2d(8, 8, 3, 2, 1), dim=1)
        self.heads, self.rows = nn.Parameter(torch.zeros(2, 4, 3)), nn.Parameter(torch.zeros(16, 3, 4))
        self.one, self.each = GeM(1), GeM(8)
        self.fc = norm.weight_norm(nn.Linear(31, CLASSES))

    def forward(self, x):
        x = self.conv1(x)
        x = torch.where(x > 0.25, torch.log(x), 0.0) + torch.where(x > 0, torch.sqrt(x), 0.25 * x)
        x = x + torch.log1p(F.relu(x)) - 0.5 * torch.expm1(0.25 * x) + (F.relu(x) + 0.5) ** -0.7
        x = self.conv2(x)
        x = torch.exp(-x * x) + 0.5 * torch.erf(x) + 0.25 * 1.5**x + 0.5 * F.relu(x) ** 1.5 + 0.125 * torch.tanh(x) ** 5
        x = x * torch.arange(0.5, 2.5, 0.125) + torch.arange(4.0).repeat(4)[:, None] * 0.125
        h = torch.einsum("bgchw,gck->bgkhw", x.unflatten(1, (2, 4)), self.heads).flatten(1, 2)
        r = torch.einsum("bchw,hck->bwhk", h[:, :3], self.rows)
        g = torch.einsum("bchw,bdhw->bcd", h, torch.sigmoid(h)).flatten(1)[:, :6] / 64
        x = self.last(x) + (x[:, :, ::2, ::2].transpose(1, 3) @ self.heads[0].new_ones(8, 8)).transpose(1, 3) * 0.125
        t = F.max_pool1d(F.avg_pool1d(x.flatten(2), 5, 3, 1, True, False), 4)
        p = torch.cat([self.one(x), self.each(x)], 1)
        s = torch.logsumexp(x.flatten(2)[:, :4], 2) - x.amin((2, 3))[:, :4] * 0.25
        v = torch.cat([p, s, g, t.mean(2)[:, :1], r.mean((1, 2))], 1)
        return self.fc(v)


NETS = {
    "vgg": (vgg, "features.9"),
    "resnext": (resnext, "layer2.0"),
    "preact": (PreAct, "layer2"),
    "thin": (Thin, "layer2"),
    "densenet": (densenet, "features.denseblock2"),
    "mobilenet_v2": (mobilenet_v2, "features.4"),
    "mobilenet_v3": (mobilenet_v3, "features.3"),
    "efficientnet": (efficientnet, "features.3"),
    "shufflenet": (shufflenet, "stage3"),
    "google": (Google, "inception.1"),
    "squeezenet": (squeezenet, "4"),
    "repvgg": (RepVGG, "stage2"),
    "convnext": (convnext, "features.3"),
    "functions": (Functions, "conv3"),
    "vit": (vit, "encoder.layers.encoder_layer_1.ln_1"),
    "vit_written": (partial(Vit, False, True), "blocks.1.norm1"),
    "vit_mean": (partial(Vit, True, False), "blocks.1.norm1"),
    "swin": (swin, "norm"),
    "maxvit": (maxvit, "blocks.0"),
    "grouped": (Grouped, "norm2"),
    "wideresnet": (Wide, "conv3"),
    "elements": (Elements, "conv2"),
    "masked": (Masked, "down1"),
    "products": (Products, "last"),
    "resized": (Resized, "last"),
    "folded": (Folded, "last"),
    "learnt": (Learnt, "conv"),
    "uneven": (Uneven, "conv2"),
    "regnet": (regnet, "trunk_output.block2"),
    "mnasnet": (mnasnet, "2"),
    "further": (Further, "conv2"),
    "known": (Known, "conv2"),
    "local": (Local, "conv2"),
    "chosen": (Chosen, "near"),
    "ties": (Ties, "one"),
    "windows": (partial(Windows, False), "last"),
    "windows_two": (partial(Windows, True), "last"),
    "raised": (Raised, "last"),
    "parts": (Parts, "norm1"),
}
# The set of operations of the ONNX file, where there is one, by the older exporter (TorchScript) where it is negative.
ONNX = {
    "vgg": -17, "resnext": 18, "preact": -11, "thin": -10, "densenet": 20, "mobilenet_v2": -13, "mobilenet_v3": 21,
    "efficientnet": 22, "shufflenet": -14, "google": -15, "squeezenet": 19, "repvgg": -9, "convnext": 23,
    "vit": 20, "vit_written": -12, "wideresnet": -16,
    "masked": 18, "products": 20, "resized": 18,
    "uneven": 20, "regnet": -17, "mnasnet": 18, "local": -17, "chosen": 20, "windows": -17, "raised": 20, "parts": -17,
}
# Those that end in a softmax or its logarithm.
SOFTMAX = {"thin", "preact", "further"}
# Those that are there as NAME.core.pt2, too.
CORE = {"vit", "convnext", "learnt", "further", "chosen"}
# Those whose channels are the last axis.
LAST = {"swin"}
# Those whose images are rows of pixels.
ROWS = {"products"}
# Those whose number of images is fixed.
FIXED = {"vgg": 1, "functions": 2, "vit_mean": 1, "vit_written": 3, "windows_two": 2}


def randomise(m, seed):
    """Weights in 16ths and 64ths, which pack well, and statistics that no norm begins with."""
    g = torch.Generator().manual_seed(seed)
    for name, t in m.state_dict().items():
        if not t.is_floating_point():
            continue
        noise = torch.randn(t.shape, generator=g)
        if "running_var" in name:
            t.copy_(0.5 + (noise.abs() * 16).round() / 16)
        elif t.dim() == 1 and name.endswith("weight"):
            t.copy_(1 + (noise * 4).round().clamp(-12, 12) / 16)
        elif t.dim() < 2 or "pos" in name or "token" in name:
            t.copy_((noise * 4).round() / 16)
        else:
            t.copy_((noise * 24 / math.sqrt(t[0].numel())).round() / 16)
    return m.eval()


def without_traces(graph):
    """Of graphs inside the graph, too."""
    for node in graph["nodes"]:
        node["metadata"] = {k: v for k, v in node["metadata"].items() if k == "nn_module_stack"}
        for given in node["inputs"]:
            if "as_graph" in given["arg"]:
                without_traces(given["arg"]["as_graph"]["graph"])


def shrink(data):
    """The same program, packed and without traces of stacks."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as new:
        for record in old.namelist():
            body = old.read(record)
            if record.endswith("model.json"):
                program = json.loads(body)
                without_traces(program["graph_module"]["graph"])
                body = json.dumps(program, separators=(",", ":")).encode()
            if not record.endswith("sample_inputs/model.pt"):
                new.writestr(zipfile.ZipInfo(record), body, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def older(data, state):
    """The same program as PyTorch 2.8 packed it: the tensors in files of torch.save."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        program = json.loads(old.read("archive/models/model.json"))
        program["schema_version"]["minor"] = 8
        records = {"models/model.json": json.dumps(program, separators=(",", ":")).encode(),
                   "archive_format": b"pt2", "byteorder": b"little", "archive_version": b"0"}
        for folder, tensors in ("weights", state), ("constants", {}):
            file = io.BytesIO()
            torch.save(tensors, file, pickle_protocol=2)
            records[f"data/{folder}/model.pt"] = file.getvalue()
        for name, body in records.items():
            packed = zipfile.ZIP_STORED if name.endswith(".pt") else zipfile.ZIP_DEFLATED
            new.writestr(zipfile.ZipInfo("archive/" + name), body, packed, 9)
    return out.getvalue()


def example(name):
    """Of two images, or of as many as are fixed."""
    x = torch.zeros(FIXED.get(name, 2), 3, 32, 32)
    return x.permute(0, 2, 3, 1).contiguous() if name in ROWS else x


def export_onnx(m, name, opset, path):
    x, n, shape = example(name), FIXED.get(name), {0: "n"}
    with contextlib.redirect_stdout(io.StringIO()):
        if opset < 0:
            torch.onnx.export(m, (x,), path, dynamo=False, opset_version=-opset, input_names=["x"], output_names=["y"],
                              dynamic_axes=None if n else {"x": shape, "y": shape})
        else:
            torch.onnx.export(m, (x,), path, dynamo=True, opset_version=opset, external_data=False, verbose=False,
                              dynamic_shapes=None if n else ({0: torch.export.Dim("n")},))
    strip(path)


def without_softmax(gone):
    """A softmax at the end goes, so that results are logits. Returns what stood there."""
    kept = F.softmax, F.log_softmax
    if gone:
        F.softmax = F.log_softmax = lambda x, *a, **k: x
    return kept


def activations(m, layer, x):
    kept = {}
    hook = m.get_submodule(layer).register_forward_hook(lambda _m, _i, out: kept.update(out=out))
    m.logits = m(x)
    hook.remove()
    return kept["out"]


def results(m, layer, x):
    """The numbers of NAME.npy, and the predicted classes."""
    image = x.clone().requires_grad_()
    act = activations(m, layer, image)
    logits = m.logits
    pred = logits.argmax(1)
    grads = torch.autograd.grad(logits.gather(1, pred[:, None]).sum(), [image, act])
    blocks = F.avg_pool2d(grads[0], 8) * 64
    sums = []
    for a, g in zip(act.detach().flatten(1), grads[1].flatten(1)):
        sums.append(torch.stack([a.abs().sum(), g.abs().sum(), (a * g).sum(), a.sum(), g.sum()]))
    return torch.cat([logits.detach(), blocks.flatten(1), torch.stack(sums)], 1), pred


def choose(make, layer, softmax, x, seed):
    """The first network no unit of which is so near to the edge of a ReLU, and no two of a maximum so
    near each other, that rounding decides where gradients go."""
    kept = without_softmax(softmax)
    while True:
        torch.manual_seed(seed)
        m = randomise(make(), seed).double()
        want, pred = results(m, layer, x.double())
        far = 0
        for _ in range(8):
            near, _ = results(m, layer, x.double() + 1e-6 * torch.randn(x.shape, dtype=torch.float64))
            far = max(far, *((want - near)[:, part].abs().max() / want[:, part].abs().max()
                             for part in (slice(0, CLASSES), slice(CLASSES, CLASSES + 48))))
        if far < 3e-5:
            F.softmax, F.log_softmax = kept
            return m.float(), want, pred
        seed += 1


def main():
    only = sys.argv[1:]
    rng = np.random.RandomState(0)
    images = rng.randint(0, 256, (2, 32, 32, 3)).astype(np.uint8)
    images[1, 8:24, 8:20] = 255 - images[1, 8:24, 8:20] // 4
    np.save(HERE / "images.npy", images)
    x = (torch.tensor(images).permute(0, 3, 1, 2).float() / 255 - 0.5) / 0.25
    rows = ["name\tlayer\n"]
    for seed, (name, (make, layer)) in enumerate(NETS.items()):
        rows.append(f"{name}\t{layer}\n")
        if only and name not in only:
            continue
        m, result, pred = choose(make, layer, name in SOFTMAX, x, 100 * seed)
        n = FIXED.get(name)
        m.both = True
        program = torch.export.export(m, (example(name),),
                                      dynamic_shapes=None if n else ({0: torch.export.Dim("n")},))
        m.both = False
        file = io.BytesIO()
        torch.export.save(program, file)
        (HERE / f"{name}.pt2").write_bytes(shrink(file.getvalue()))
        if name in CORE:
            file = io.BytesIO()
            torch.export.save(program.run_decompositions(), file)
            (HERE / f"{name}.core.pt2").write_bytes(shrink(file.getvalue()))
        if name == "repvgg":
            (HERE / "older.pt2").write_bytes(older(shrink(file.getvalue()), program.state_dict))
        if name in ONNX:
            export_onnx(m, name, ONNX[name], str(HERE / f"{name}.onnx"))

        np.save(HERE / f"{name}.npy", result.numpy().astype(np.float32))
        target = m.get_submodule(layer)
        act = activations(m, layer, x)
        tokens = act.dim() == 3
        extra = act.shape[1] - 16 if tokens else 0

        def reshape(t):
            if not tokens:
                return t.permute(0, 3, 1, 2)
            return t[:, extra:].transpose(1, 2).reshape(t.shape[0], t.shape[2], 4, 4)

        softmax = without_softmax(name in SOFTMAX)
        with GradCAM(model=m, target_layers=[target], reshape_transform=reshape if tokens or name in LAST else None) as cam:
            maps = cam(input_tensor=x[:1], targets=[ClassifierOutputTarget(int(pred[0]))])
        F.softmax, F.log_softmax = softmax
        np.save(HERE / f"{name}.cam.npy", np.float32(maps[:, None, ::2, ::2]))
        size = (HERE / f"{name}.pt2").stat().st_size
        print(name, size, pred.tolist(), "logits", result[:, :CLASSES].abs().max().item(), "map", maps.mean())
    (HERE / "list.tsv").write_text("".join(rows))


if __name__ == "__main__":
    main()
