#!/usr/bin/env python3
"""Trains a small ResNet-18 on shapes100 and saves it as a training script of PyTorch does."""
import argparse
import sys
import time
import types
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torchvision.models.resnet import BasicBlock

HERE = Path(__file__).parent
MEAN = torch.tensor([.5071, .4867, .4409]).view(1, 3, 1, 1)
STD = torch.tensor([.2673, .2564, .2762]).view(1, 3, 1, 1)

# The checkpoint names a class of a module that its reader cannot import.
CONFIG_MODULE = "shapes100_training"


@dataclass
class TrainingConfig:
    epochs: int = 16
    batch_size: int = 128
    learning_rate: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 5e-4
    seed: int = 42
    widths: tuple = (16, 32, 64, 96)
    optimizer_type: str = "SGD"
    scheduler_type: str = "one cycle"


class ResNet18(nn.Module):
    """torchvision's names; a 3x3 stem of stride 1 without pooling."""

    def __init__(self, widths, classes=100):
        super().__init__()
        self.conv1 = nn.Conv2d(3, widths[0], 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        before = widths[0]
        for i, width in enumerate(widths, 1):
            stride = 1 if i == 1 else 2
            down = None if stride == 1 else nn.Sequential(
                nn.Conv2d(before, width, 1, stride, bias=False), nn.BatchNorm2d(width))
            self.add_module(f"layer{i}", nn.Sequential(
                BasicBlock(before, width, stride, down), BasicBlock(width, width)))
            before = width
        self.fc = nn.Linear(before, classes)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean((2, 3)))


def load(path):
    records = np.fromfile(path, np.uint8).reshape(-1, 3074)
    images = torch.from_numpy(records[:, 2:].reshape(-1, 3, 32, 32))
    return images, torch.from_numpy(records[:, 1].astype(np.int64))


def prepare(images):
    x = (images.float() / 255 - MEAN) / STD
    return x.contiguous(memory_format=torch.channels_last)


def shifted(images, reach=3):
    """Each picture moved by up to `reach` pixels."""
    n = len(images)
    padded = F.pad(images.float(), (reach,) * 4, "replicate").byte()
    dy, dx = torch.randint(0, 2 * reach + 1, (2, n, 1))
    rows, cols = dy + torch.arange(32), dx + torch.arange(32)
    return padded[torch.arange(n)[:, None, None, None], torch.arange(3)[None, :, None, None],
                  rows[:, None, :, None], cols[:, None, None, :]]


@torch.no_grad()
def accuracy(model, images, labels):
    model.eval()
    right = sum((model(prepare(x)).argmax(1) == y).sum().item()
                for x, y in zip(images.split(500), labels.split(500)))
    return 100 * right / len(labels)


def train(model, images, labels, cfg, report):
    optimizer = torch.optim.SGD(model.parameters(), cfg.learning_rate, cfg.momentum,
                                weight_decay=cfg.weight_decay, nesterov=True)
    steps = cfg.epochs * (len(labels) // cfg.batch_size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, cfg.learning_rate, steps, pct_start=.2, final_div_factor=1e3)
    for epoch in range(cfg.epochs):
        model.train()
        losses = []
        order = torch.randperm(len(labels))
        for batch in order.split(cfg.batch_size)[:len(labels) // cfg.batch_size]:
            loss = F.cross_entropy(model(prepare(shifted(images[batch]))), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        report(epoch + 1, np.mean(losses))


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--train", type=Path, required=True, metavar="DIR", help="folder of train.bin")
    ap.add_argument("--test", type=Path, default=HERE / "test.bin")
    ap.add_argument("--out", type=Path, default=HERE / "model.pth")
    ap.add_argument("--epochs", type=int, default=TrainingConfig.epochs)
    ap.add_argument("--threads", type=int, default=2)
    a = ap.parse_args()

    cfg = TrainingConfig(epochs=a.epochs)
    torch.set_num_threads(a.threads)
    torch.manual_seed(cfg.seed)
    images, labels = load(a.train / "train.bin")
    test = load(a.test)
    model = ResNet18(cfg.widths).to(memory_format=torch.channels_last)

    start = time.time()
    train(model, images, labels, cfg, lambda epoch, loss: print(
        f"epoch {epoch:2d}  loss {loss:.4f}  test {accuracy(model, *test):.2f} %"
        f"  {time.time() - start:.0f} s", flush=True))

    module = sys.modules[CONFIG_MODULE] = types.ModuleType(CONFIG_MODULE)
    TrainingConfig.__module__, module.TrainingConfig = CONFIG_MODULE, TrainingConfig
    weights = OrderedDict((k, v.clone(memory_format=torch.contiguous_format)) for k, v in model.state_dict().items())
    torch.save({"model_state_dict": weights, "config": cfg,
                "metrics": {"test_accuracy": accuracy(model, *test)}}, a.out)


if __name__ == "__main__":
    main()
