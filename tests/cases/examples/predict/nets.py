"""Networks that cifar-predict refuses, small and with random weights, and one that it reads."""
import torch
from torch import nn


def conv(i, o, stride=1, groups=1, k=3):
    return [nn.Conv2d(i, o, k, stride, k // 2, groups=groups, bias=False), nn.BatchNorm2d(o)]


def plain():
    """Convolutions, an average and a linear layer."""
    return nn.Sequential(*conv(3, 16), nn.ReLU(True), *conv(16, 24, 2), nn.ReLU(True), *conv(24, 32, 2),
                         nn.ReLU(True), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 100))


class Vgg(nn.Module):
    """Two linear layers behind the last convolutions."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(*conv(3, 16), nn.ReLU(True), nn.MaxPool2d(2), *conv(16, 24),
                                      nn.ReLU(True), nn.MaxPool2d(2), *conv(24, 32), nn.ReLU(True),
                                      nn.MaxPool2d(2))
        self.classifier = nn.Sequential(nn.Linear(32 * 16, 64), nn.ReLU(True), nn.Dropout(),
                                        nn.Linear(64, 100))

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


class Inverted(nn.Module):
    def __init__(self, i, o, stride):
        super().__init__()
        self.conv = nn.Sequential(*conv(i, 4 * i, k=1), nn.ReLU6(True), *conv(4 * i, 4 * i, stride, 4 * i),
                                  nn.ReLU6(True), *conv(4 * i, o, k=1))
        self.same = stride == 1 and i == o

    def forward(self, x):
        return x + self.conv(x) if self.same else self.conv(x)


class MobileNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Sequential(*conv(3, 8), nn.ReLU6(True)), Inverted(8, 8, 1),
                                      Inverted(8, 12, 2), Inverted(12, 16, 2), Inverted(16, 16, 1),
                                      nn.Sequential(*conv(16, 48, k=1), nn.ReLU6(True)))
        self.classifier = nn.Sequential(nn.Dropout(.2), nn.Linear(48, 100))

    def forward(self, x):
        return self.classifier(self.features(x).mean((2, 3)))


class Vit(nn.Module):
    """Patches, tokens, attention: no layer with maps."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 32, 8, 8)
        self.place = nn.Parameter(torch.zeros(1, 16, 32))
        self.blocks = nn.TransformerEncoder(nn.TransformerEncoderLayer(32, 2, 64, 0., batch_first=True), 1,
                                            enable_nested_tensor=False)
        self.head = nn.Linear(32, 100)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2) + self.place
        return self.head(self.blocks(x).mean(1))


class Block(nn.Module):
    """torchvision's basic block."""

    def __init__(self, i, o, stride):
        super().__init__()
        self.conv1, self.bn1 = conv(i, o, stride)
        self.conv2, self.bn2 = conv(o, o)
        self.downsample = None if stride == 1 else nn.Sequential(*conv(i, o, stride, k=1))

    def forward(self, x):
        y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(y + (x if self.downsample is None else self.downsample(x)))


class Example(nn.Module):
    """The bundled model."""

    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = conv(3, 16)
        for k, (i, o) in enumerate(((16, 16), (16, 32), (32, 64), (64, 96)), 1):
            self.add_module(f"layer{k}", nn.Sequential(Block(i, o, 1 if k == 1 else 2), Block(o, o, 1)))
        self.fc = nn.Linear(96, 100)

    def forward(self, x):
        x = torch.relu(self.bn1(self.conv1(x)))
        return self.fc(self.layer4(self.layer3(self.layer2(self.layer1(x)))).mean((2, 3)))


class Own(nn.Module):
    """A network that normalises its pixels itself."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.tensor([.5, .4, .3]).view(3, 1, 1))
        self.register_buffer("std", torch.tensor([.2, .25, .3]).view(3, 1, 1))
        self.net = Vgg()

    def forward(self, x):
        return self.net((x - self.mean) / self.std)


def ten(channels):
    """Ten classes, of images of any size."""
    return nn.Sequential(*conv(channels, 8, 2), nn.ReLU(True), *conv(8, 16, 2), nn.ReLU(True), nn.AdaptiveAvgPool2d(1),
                         nn.Flatten(), nn.Linear(16, 10))


def ten_grey():
    return ten(1)


def ten_colour():
    return ten(3)


NETS = {"plain": plain, "vgg": Vgg, "mobilenet": MobileNet, "vit": Vit}
vgg, mobilenet, vit, example, own = Vgg, MobileNet, Vit, Example, Own


def build():
    torch.manual_seed(1)
    return vgg()


if __name__ == "__main__":
    import nets  # so that what is pickled has a name that can be imported

    for i, name in enumerate(NETS):
        torch.manual_seed(i)
        net = nets.NETS[name]()
        for m in net.modules():  # running statistics as if trained
            if isinstance(m, nn.BatchNorm2d):
                nn.init.uniform_(m.running_var, .5, 1.5)
                nn.init.normal_(m.running_mean, 0, .1)
        torch.save({"state_dict": {"module." + k: v for k, v in net.state_dict().items()}}, f"{name}.pth")
        torch.save(net, f"{name}.whole.pth")
        if name == "vgg":
            torch.save({"state_dict": net.state_dict(), "config": {"mean": [.5, .4, .3], "std": (.2, .25, .3)}},
                       "config.pth")
            holder = Own()
            holder.net.load_state_dict(net.state_dict())
            torch.save(holder.state_dict(), "own.pth")
