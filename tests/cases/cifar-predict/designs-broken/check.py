"""Networks of known families with a tensor missing, too many, or of another shape: refused by the
key and the shape expected; assumptions that the keys leave no room for; images that are too small.
"""
import json
import os
import struct
import subprocess
import sys

ROOT = os.environ["ROOT"]
DESIGNS, FAMILIES = ROOT + "/tests/golden/designs", ROOT + "/tests/golden/families"
sys.path.append(DESIGNS)
import weights  # noqa: E402


def write(name, change):
    """The network with its shapes changed by change(dict); numbers do not matter."""
    shapes = dict(weights.keys(name))
    change(shapes)
    head, size = {}, 0
    for key, shape in shapes.items():
        n = 4
        for side in shape:
            n *= side
        head[key] = {"dtype": "F32", "shape": shape, "data_offsets": [size, size + n]}
        size += n
    text = json.dumps(head).encode()
    with open("net.safetensors", "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + bytes(size))


def predict(*options):
    return subprocess.run(
        ["cifar-predict", "--model", "net.safetensors", "--data", FAMILIES + "/images.npy",
         "--device", "ref", *options], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        text=True, check=False)


def say(label, *options):
    done = predict(*options)
    words = done.stderr.strip().split("; torch.export makes")[0]
    print(f"{label}: status {done.returncode}: {words}")


def without(key):
    return lambda shapes: shapes.pop(key)


def having(key, *shape):
    return lambda shapes: shapes.update({key: shape})


def same(_):
    pass


CHANGED = [
    ("vgg-torchvision", without("features.1.running_mean")),
    ("vgg-torchvision", without("features.4.weight")),
    ("vgg-torchvision", without("classifier.3.weight")),
    ("vgg-torchvision", having("classifier.3.weight", 12, 13)),
    ("vgg-torchvision", having("features.0.weight", 4, 3, 5, 5)),
    ("vgg-torchvision", without("features.4.bias")),
    ("vgg-torchvision", having("features.30.weight", 4, 3, 3, 3)),
    ("densenet-torchvision", without("features.denseblock2.denselayer1.conv2.weight")),
    ("densenet-torchvision", without("features.transition1.conv.weight")),
    ("densenet-torchvision", having("features.denseblock1.denselayer2.norm1.weight", 11)),
    ("densenet-weiaicunzai", having("features.transition_layer_0.down_sample.1.weight", 8, 4, 1, 1)),
    ("mobilenetv2-torchvision", without("features.4.conv.2.weight")),
    ("mobilenetv2-torchvision", having("features.3.conv.1.0.weight", 12, 5, 3, 3)),
    ("mobilenetv2-weiaicunzai", having("stage3.0.residual.6.weight", 8, 17, 1, 1)),
    ("shufflenetv2-torchvision", without("stage3.0.branch2.0.weight")),
    ("shufflenetv2-torchvision", having("stage2.1.branch2.5.weight", 7, 6, 1, 1)),
    ("repvgg-chenyaofo", without("stage2.0.rbr_1x1.conv.weight")),
    ("repvgg-chenyaofo", having("stage2.0.rbr_identity.weight", 8)),
    ("repvgg-deploy", having("stage3.1.rbr_reparam.weight", 12, 5, 3, 3)),
    ("repvgg-deploy", without("stage3.1.rbr_reparam.bias")),
    ("resnext-weiaicunzai", having("conv3.0.split_transforms.3.weight", 6, 4, 3, 3)),
    ("seresnet-basic", without("stage2.0.excitation.2.bias")),
    ("seresnet-basic", having("stage2.0.excitation.0.weight", 4, 9)),
    ("googlenet-torchvision", without("inception4c.branch3.0.conv.weight")),
    ("googlenet-weiaicunzai", having("a4.b3.4.running_var", 4)),
    ("googlenet-weiaicunzai", having("f4.b1.0.weight", 4, 3, 1, 1)),
    ("densenet-kuangliu", having("dense2.0.conv2.weight", 4, 15, 3, 3)),
    ("mobilenetv2-kuangliu", without("layers.4.conv2.weight")),
    ("mobilenetv2-kuangliu", without("layers.5.shortcut.0.weight")),
    ("mobilenet-kuangliu", having("layers.3.conv1.weight", 8, 3, 3, 3)),
    ("mobilenet-weiaicunzai", having("conv3.1.depthwise.0.weight", 15, 1, 3, 3)),
    ("shufflenetv2-kuangliu", without("layer2.1.conv2.weight")),
    ("senet-kuangliu", without("layer2.0.fc2.weight")),
    ("regnety-kuangliu", having("layer2.1.se.se1.weight", 3, 11, 1, 1)),
    ("squeezenet-weiaicunzai", having("fire7.expand_1x1.0.weight", 9, 5, 1, 1)),
    ("squeezenet-weiaicunzai", without("fire7.expand_1x1.0.bias")),
    ("googlenet-weiaicunzai", without("c4.b3.3.bias")),
    ("mobilenet-weiaicunzai", without("conv3.1.pointwise.0.bias")),
]

ASSUMED = [
    ("vgg-torchvision", "pool=max"),
    ("densenet-torchvision", "strides=1:2:2"),
    ("mobilenetv2-torchvision", "strides=1:2"),
    ("googlenet-torchvision", "stem-stride=1"),
    ("repvgg-deploy", "eps=1e-3"),
    ("shufflenetv2-torchvision", "shortcut=pad"),
    ("mobilenetv2-kuangliu", "strides=1:1:2:1:2"),
    ("squeezenet-weiaicunzai", "pool=max"),
]

for net, alter in CHANGED:
    write(net, alter)
    say(net)
for net, words in ASSUMED:
    write(net, same)
    say(f"{net} {words}", "--assume", words)
for net, size in ("vgg-torchvision", "8x8"), ("densenet-torchvision", "4x4"):
    write(net, same)
    say(f"{net} {size}", "--resize", size)
