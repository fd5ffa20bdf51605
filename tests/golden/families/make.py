#!/usr/bin/env python3
"""Writes the checkpoints of this folder, small and with random weights, and what PyTorch
computes from them.

    make.py            everything
    make.py --check    compares nets.py with the packages, and says how far apart interpretations are

Needs torch, numpy and safetensors, --check also torchvision, timm and transformers.

    NAME.pth, .safetensors   a network of each family as its place stores it
    forms/                   one network in every form that a checkpoint may have
    images.npy               uint8 (6, 32, 32, 3)
    logits/NAME.npy          (6, classes), from double precision
    maps/NAME-LAYER.npy      Grad-CAM of the predicted class, unscaled and with sign, for
                             the first three images
    trained-*.pth            networks whose batch norms hold the true statistics of probe.npy:
                             3x3 stem; 7x7 stem of stride 2, with pooling; bottlenecks with
                             the stride in conv1; pre-activation with all shortcuts behind
                             the first norm; a last stage of stride 1; zeros behind the channels
    probe.npy                uint8 (64, 32, 32, 3)
    ../../cases/cifar-predict/families/{families,refused}.tsv
                             which options make heatpipe read a file as PyTorch computes it

Runs differ in the order of names in script.pt and metadata.safetensors alone.
"""
import argparse
import os
import pathlib
import re
import sys
import types
import warnings

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn.utils import prune
from torch.nn.utils.fusion import fuse_conv_bn_weights
from torch.optim.swa_utils import AveragedModel

import nets
from nets import Listed, Plain, Staged, TimmV2

warnings.filterwarnings("ignore")
HERE = pathlib.Path(__file__).resolve().parent
CASE = HERE.parents[1] / "cases" / "cifar-predict" / "families"

CIFAR100 = (.5071, .4867, .4409), (.2673, .2564, .2762)
CIFAR10 = (.4914, .4822, .4465), (.2470, .2435, .2616)
IMAGENET = (.485, .456, .406), (.229, .224, .225)
# Widths of basic blocks and of bottlenecks, in networks of four and of three stages.
FOUR, FOUR_B = (4, 4, 6, 8), (3, 4, 5, 6)
THREE, THREE_B = (4, 8, 16), (3, 4, 6)


def wide(**k):
    return Plain(THREE, (1, 2, 1), 10, pre=True, shortcut="convShortcut", stage="block{}",
                 final="bn1", stem=6, **({"start": "mixed"} | k))


def kuangliu(bottleneck, pre, start="mixed"):
    return Plain(FOUR_B if bottleneck else FOUR, (2, 1, 1, 1), 10, bottleneck, pre=pre,
                 shortcut="shortcut", normed=not pre, start=start, head="linear")


def bearpaw(bottleneck, pre, **k):
    return Plain(THREE_B if bottleneck else THREE, (1, 2, 1), 10, bottleneck, pre=pre,
                 normed=not pre, final="bn" if pre else None, **k)


def listed(bottleneck, pre):
    return Listed(FOUR_B if bottleneck else FOUR, (2, 1, 1, 1), 9, bottleneck, pre)


def seven(bottleneck=False, stride=2, pool=True, **k):
    return Plain(FOUR_B if bottleneck else FOUR, (2, 1, 1, 1), 7, bottleneck, kernel=7,
                 stride=stride, pool=pool, **k)


def three(bottleneck=False, **k):
    return Plain(FOUR_B if bottleneck else FOUR, (1, 2, 1, 1), 7, bottleneck, **k)


def padded(head, shortcut="pad"):
    return Plain(THREE, (1, 2, 1), 10, shortcut=shortcut, head=head)


def deep(**k):
    return Plain(FOUR, (1, 1, 2, 1), 7, deep=(3, 5), **({"stride": 2, "pool": True} | k))


def bare_norms(net):
    """Without weights and biases of batch norms: affine=False."""
    for m in net.modules():
        if isinstance(m, nn.BatchNorm2d):
            m.affine, m.weight, m.bias = False, None, None
    return net


def pruned():
    """Four of ten weights of each convolution masked."""
    net, g = fill(three(), 1), torch.Generator().manual_seed(5)
    for m in net.modules():
        if isinstance(m, nn.Conv2d):
            prune.custom_from_mask(m, "weight", torch.rand(m.weight.shape, generator=g) > 0.4)
    return net


def staged(bottleneck, **k):
    return Staged(FOUR_B if bottleneck else FOUR, (1, 2, 1, 1), 7, bottleneck, **k)


# --- containers ---

def bare(net):
    return net.state_dict()


def prefixed(prefix, state):
    return {prefix + k: v for k, v in state.items()}


def of_byrongt(net):
    return {re.sub(r"^(conv|bn)1\.", r"\1.", k): v for k, v in net.state_dict().items()}


def of_ehanw(net):
    return {re.sub(r"^layer", "stage_", re.sub(r"(conv|bn)(\d)\.", r"\1_\2.", k)): v
            for k, v in net.state_dict().items()}


def of_akamaster(net):
    return {"state_dict": prefixed("module.", net.state_dict()), "best_prec1": 91.7}


def of_bearpaw(net):
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    return {"epoch": 3, "state_dict": prefixed("module.", net.state_dict()), "acc": 71.2,
            "best_acc": 72.5, "optimizer": optimizer.state_dict()}


def of_kuangliu(net):
    return {"net": prefixed("module.", net.state_dict()), "acc": 95.2, "epoch": 199}


def of_xternalz(net):
    return {"epoch": 200, "state_dict": net.state_dict(), "best_prec1": torch.tensor(80.1)}


# Name, family by its keys, network, container.
FAMILIES = [
    ("torchvision-basic", "torchvision", lambda: seven(), bare),
    ("torchvision-bottleneck", "torchvision", lambda: seven(True), bare),
    ("torchvision-basic-3x3", "torchvision", lambda: three(), bare),
    ("torchvision-bottleneck-3x3", "torchvision", lambda: three(True), bare),
    # timm stores .safetensors, and calls everything as torchvision does.
    ("timm-basic", "torchvision", lambda: seven(), "safetensors"),
    ("timm-bottleneck", "torchvision", lambda: seven(True), "safetensors"),
    ("timm-v2-basic", "timm-v2", lambda: TimmV2(FOUR, (2, 1, 1, 1), 7, stem=4), "safetensors"),
    ("timm-v2-bottleneck", "timm-v2",
     lambda: TimmV2(FOUR_B, (1, 2, 1, 1), 7, True, stem=12), "safetensors"),
    ("weiaicunzai-basic", "weiaicunzai", lambda: listed(False, False), bare),
    ("weiaicunzai-bottleneck", "weiaicunzai", lambda: listed(True, False), bare),
    ("weiaicunzai-preact-basic", "weiaicunzai-preact",
     lambda: listed(False, True), bare),
    ("weiaicunzai-preact-bottleneck", "weiaicunzai-preact",
     lambda: listed(True, True), bare),
    ("kuangliu-basic", "kuangliu", lambda: kuangliu(False, False), of_kuangliu),
    ("kuangliu-bottleneck", "kuangliu", lambda: kuangliu(True, False), of_kuangliu),
    ("kuangliu-preact-basic", "kuangliu-preact", lambda: kuangliu(False, True), of_kuangliu),
    ("kuangliu-preact-bottleneck", "kuangliu-preact", lambda: kuangliu(True, True), of_kuangliu),
    ("akamaster", "akamaster",
     lambda: padded("linear"), of_akamaster),
    # Only the number of stages tells it from torchvision's, as bearpaw's without pre-activation.
    ("chenyaofo-basic", "torchvision", lambda: Plain(THREE, (1, 2, 1), 10), bare),
    ("bearpaw-basic", "torchvision", lambda: bearpaw(False, False), of_bearpaw),
    ("bearpaw-bottleneck", "torchvision", lambda: bearpaw(True, False), of_bearpaw),
    ("bearpaw-preact-basic", "bearpaw-preact", lambda: bearpaw(False, True), of_bearpaw),
    ("bearpaw-preact-bottleneck", "bearpaw-preact", lambda: bearpaw(True, True), of_bearpaw),
    ("hf-basic", "huggingface", lambda: staged(False), "safetensors"),
    ("hf-bottleneck", "huggingface", lambda: staged(True), "safetensors"),
    ("wide", "xternalz", wide, of_xternalz),
    ("timm-deep", "timm-deep", deep, "safetensors"),
    ("torchvision-pad", "torchvision", lambda: padded("fc"), bare),
    ("torchvision-basic-no-affine", "torchvision", lambda: bare_norms(three()), bare),
    ("torchvision-basic-pruned", "torchvision", pruned, bare),
    ("bessayo", "bessayo", lambda: Plain(THREE, (1, 2, 1), 10, shortcut="shortcut"), bare),
    ("byrongt", "byrongt", lambda: Plain(THREE, (1, 2, 1), 10, side=3), of_byrongt),
    ("ehanw", "ehanw", lambda: Plain(THREE, (1, 2, 1), 10), of_ehanw),
]

# The same files where PyTorch's network is another: name, file's name, options, network.
INTERPRETATIONS = [
    ("torchvision-basic-nopool", "torchvision-basic", "pool=none", lambda: seven(pool=False)),
    ("torchvision-basic-stride1", "torchvision-basic", "stem-stride=1", lambda: seven(stride=1)),
    ("torchvision-basic-stride1-nopool", "torchvision-basic", "stem-stride=1,pool=none",
     lambda: seven(stride=1, pool=False)),
    ("torchvision-basic-3x3-pool", "torchvision-basic-3x3", "pool=max", lambda: three(pool=True)),
    ("torchvision-basic-3x3-stride2", "torchvision-basic-3x3", "stem-stride=2",
     lambda: three(stride=2)),
    ("torchvision-basic-3x3-eps", "torchvision-basic-3x3", "eps=1e-3", lambda: with_eps(three())),
    ("torchvision-bottleneck-stride-at-conv1", "torchvision-bottleneck", "stride-at=conv1",
     lambda: seven(True, at=1)),
    ("torchvision-bottleneck", "torchvision-bottleneck",
     "stem-stride=2,pool=max,stride-at=conv2,eps=1e-5", lambda: seven(True)),
    ("bearpaw-preact-bottleneck-stride-at-conv1", "bearpaw-preact-bottleneck", "stride-at=conv1",
     lambda: bearpaw(True, True, at=1)),
    ("kuangliu-preact-basic-before", "kuangliu-preact-basic", "preact-shortcut=before",
     lambda: kuangliu(False, True, "before")),
    ("kuangliu-preact-basic-after", "kuangliu-preact-basic", "preact-shortcut=after",
     lambda: kuangliu(False, True, "after")),
    ("bearpaw-preact-bottleneck-mixed", "bearpaw-preact-bottleneck", "preact-shortcut=mixed",
     lambda: bearpaw(True, True, start="mixed")),
    ("bearpaw-preact-bottleneck-after", "bearpaw-preact-bottleneck", "preact-shortcut=after",
     lambda: bearpaw(True, True, start="after")),
    ("wide-before", "wide", "preact-shortcut=before", lambda: wide(start="before")),
    ("akamaster-pad-end", "akamaster", "shortcut=pad-end", lambda: padded("linear", "pad-end")),
    ("timm-deep-cifar", "timm-deep", "stem-stride=1,pool=none",
     lambda: deep(stride=1, pool=False)),
    ("torchvision-basic-3x3-strides", "torchvision-basic-3x3", "strides=1:2:1:2",
     lambda: three(strides=(1, 2, 1, 2))),
    # transformers' downsample_in_bottleneck=True.
    ("hf-bottleneck-stride-at-conv1", "hf-bottleneck", "stride-at=conv1",
     lambda: staged(True, at=1)),
]

MAPS = ["kuangliu-preact-basic", "bearpaw-preact-bottleneck", "torchvision-basic"]


def usual(name, family):
    """The constants that are usual where the names, and a stem of 7x7, come from."""
    stem = {"torchvision-basic", "torchvision-bottleneck", "timm-basic", "timm-bottleneck"}
    of_imagenet = {"akamaster", "ehanw", "huggingface", "timm-v2", "timm-deep"}
    return IMAGENET if name in stem or family in of_imagenet else CIFAR100


def with_eps(net):
    for m in net.modules():
        if isinstance(m, nn.BatchNorm2d):
            m.eps = 1e-3
    return net


def fill(net, seed):
    """Every number of the network matters: no gamma 1, no mean 0, no bias 0."""
    g = torch.Generator().manual_seed(seed)

    def normal(p, mean, deviation):
        p.copy_(mean + deviation * torch.randn(p.shape, generator=g))

    def uniform(p, low, high):
        p.copy_(low + (high - low) * torch.rand(p.shape, generator=g))

    with torch.no_grad():
        for m in net.modules():
            if isinstance(m, (nn.Conv2d, nn.Linear)):
                fan = m.weight[0].numel()
                normal(m.weight, 0, (2 / fan) ** 0.5)
                if m.bias is not None:
                    normal(m.bias, 0, 0.3)
            elif isinstance(m, nn.BatchNorm2d):
                if m.affine:
                    uniform(m.weight, 0.6, 1.4)
                    m.weight *= torch.where(torch.rand(m.weight.shape, generator=g) < 0.2, -1., 1.)
                    normal(m.bias, 0, 0.3)
                if m.track_running_stats:
                    normal(m.running_mean, 0, 0.3)
                    uniform(m.running_var, 0.5, 2)
                    m.num_batches_tracked.fill_(1000)
    return net.eval()


def patterns(count, seed):
    """uint8 (count, 32, 32, 3): plane waves and a disk in random colours."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:32, :32] / 32
    out = np.empty((count, 32, 32, 3), np.uint8)
    for i in range(count):
        image = np.full((32, 32, 3), rng.normal(120, 35)) + rng.normal(0, 15, 3)
        for _ in range(3):
            fx, fy = rng.normal(0, 1.2, 2)
            wave = np.cos(2 * np.pi * (fx * x + fy * y + rng.uniform()))
            image += wave[..., None] * (rng.normal(0, 25) + rng.normal(0, 12, 3))
        cx, cy, r = rng.uniform(.2, .8), rng.uniform(.2, .8), rng.uniform(.1, .3)
        disk = 1 / (1 + np.exp((np.hypot(x - cx, y - cy) - r) * 60))
        image += disk[..., None] * rng.normal(0, 60, 3)
        out[i] = np.clip(np.round(image / 4) * 4, 0, 255)
    return out


def normal(pixels, constants):
    mean, std = (torch.tensor(c, dtype=torch.float64).view(1, 3, 1, 1) for c in constants)
    x = torch.from_numpy(pixels).permute(0, 3, 1, 2).double() / 255
    return (x - mean) / std


def logits(net, pixels, constants=CIFAR100):
    with torch.no_grad():
        return net.double()(normal(pixels, constants)).numpy()


def save_tensors(path, state, **metadata):
    save_file({k: v.contiguous() for k, v in state.items()}, path,
              metadata={"format": "pt"} | metadata)
    os.chmod(path, 0o644)


def write_npy(path, a):
    """With the header of 128 bytes that every numpy writes."""
    np.save(path, np.ascontiguousarray(a))


def cam(net, x, layer):
    """(n, 1, h, w): mean of the gradient of the largest logit times activations, summed."""
    kept = []
    hook = net.get_submodule(layer).register_forward_hook(lambda m, i, o: kept.append(o))
    scores = net(x)
    hook.remove()
    gradient, = torch.autograd.grad(scores.max(1).values.sum(), kept)
    return (gradient.mean((2, 3), keepdim=True) * kept[0]).sum(1, keepdim=True).detach().numpy()


def write_families(images):
    rows, made = [], {}
    for i, (name, family, make, container) in enumerate(FAMILIES):
        net = fill(make(), 100 + i)
        file = name + (".safetensors" if container == "safetensors" else ".pth")
        if container == "safetensors":
            save_tensors(HERE / file, net.state_dict())
        else:
            torch.save(container(net), HERE / file)
        made[name] = net, file, family
        write_npy(HERE / "logits" / (name + ".npy"),
                  logits(net, images, usual(name, family)).astype(np.float32))
        rows.append((name, file, family, "-"))
    for name, of, assume, make in INTERPRETATIONS:
        source, file, family = made[of]
        net = make().eval()
        net.load_state_dict(source.float().state_dict())
        write_npy(HERE / "logits" / (name + ".npy"), 
                  logits(net, images, usual(of, family)).astype(np.float32))
        rows.append((name, file, family, "--assume " + assume))
    for name in MAPS:
        net = made[name][0].double()
        x = normal(images[:3], CIFAR100)
        best = net(x).topk(2, 1).values
        assert (best[:, 0] - best[:, 1]).min() > 1e-3, "predictions too close"
        for layer in "layer1", "layer2":
            write_npy(HERE / "maps" / f"{name}-{layer}.npy", cam(net, x, layer).astype(np.float32))
    return rows


# --- forms ---

def small():
    return Plain((4, 6), (1, 1), 5)


def in_module(cls, module, name):
    """As a class of the user's training script."""
    cls.__module__, cls.__qualname__, cls.__name__ = module, name, name
    for m in module.split(".")[0], module:
        sys.modules.setdefault(m, types.ModuleType(m))
    setattr(sys.modules[module], name, cls)


def folded(net):
    """Weights and biases of convolutions that have taken in the batch norms behind them."""
    out = {}
    modules = dict(net.named_modules())
    for name, m in modules.items():
        if isinstance(m, nn.Conv2d):
            head, _, last = name.rpartition(".")
            norm = "1" if last == "0" else last.replace("conv", "bn")
            bn = modules[head + "." + norm if head else norm]
            out[name + ".weight"], out[name + ".bias"] = (p.detach() for p in fuse_conv_bn_weights(
                m.weight, m.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias))
        elif isinstance(m, nn.Linear):
            out[name + ".weight"], out[name + ".bias"] = m.weight.detach(), m.bias.detach()
    return out


def write_forms(images):
    folder = HERE / "forms"
    net, other = fill(small(), 1), fill(small(), 2)
    state = net.state_dict()
    write_npy(HERE / "logits" / "forms.npy", logits(small_copy(net), images).astype(np.float32))
    rows, refused = [], []

    def put(file, what, says=None, **k):
        torch.save(what, folder / file, **k)
        done(file, says)

    def done(file, says=None):
        if says is None:
            rows.append(("forms", "forms/" + file, "torchvision", "-"))
        else:
            refused.append(("forms/" + file, says))

    for prefix in "module._orig_mod.", "_orig_mod.module.", "model.", "net.module.", "backbone.":
        put(prefix.replace(".", "-")[:-1] + ".pth", prefixed(prefix, state))
    put("lightning.ckpt", {
        "epoch": 3, "global_step": 1200, "pytorch-lightning_version": "2.5.0",
        "state_dict": prefixed("model.", state), "loops": {"fit_loop": {"state_dict": {}}},
        "callbacks": {"ModelCheckpoint{'monitor': 'val_acc'}": {
            "best_model_score": torch.tensor(0.7), "best_model_path": "a.ckpt"}},
        "optimizer_states": [stepped(net)], "lr_schedulers": [],
        "hparams_name": "kwargs", "hyper_parameters": {"lr": 0.1, "width": 4}})
    put("net.pth", {"net": state, "acc": 93.1, "epoch": 12})
    put("model-optimizer.pth", {"model": state, "epoch": 5, "args": argparse.Namespace(lr=0.1),
                                "optimizer": stepped(net)})
    put("timm-ema.pth", {"epoch": 3, "arch": "resnet18", "state_dict": state, "version": 2,
                         "state_dict_ema": other.state_dict(), "metric": 71.2})
    average = AveragedModel(other)
    put("ema-beside.pth", prefixed("model.", state) | prefixed("ema_model.", average.state_dict()))
    put("averaged.pth", AveragedModel(net).state_dict())
    put("buffers.pth", prefixed("model.", state) | {
        "criterion.weight": torch.ones(5), "normalize.mean": torch.tensor(CIFAR100[0]),
        "normalize.std": torch.tensor(CIFAR100[1])})
    put("folded.pth", folded(net))
    put("channels-last.pth", {k: v.to(memory_format=torch.channels_last) if v.dim() == 4 else v
                              for k, v in state.items()})
    for protocol in 3, 5:
        put(f"protocol{protocol}.pth", state, pickle_protocol=protocol)
    save_tensors(folder / "metadata.safetensors", state, epoch="12",
                 config='{"width": 4, "note": "a\\\\b"}')
    done("metadata.safetensors")

    g = torch.Generator().manual_seed(3)
    for name, says, other in unread():
        put(name, fill(other, 4).state_dict(), says)
    put("aux.pth", state | {"aux.fc.weight": torch.randn(5, 4, generator=g),
                            "aux.fc.bias": torch.randn(5, generator=g)}, "aux.fc")
    traced = torch.jit.trace(small_copy(net).float(), torch.zeros(1, 3, 32, 32))
    torch.jit.save(traced, folder / "script.pt")
    done("script.pt", "TorchScript")
    for cls, label in (Plain, "ResNet"), (nets.Block, "BasicBlock"):
        in_module(cls, "models.resnet", label)
    put("whole.pth", net, "models.resnet.ResNet")
    put("whole-in-net.pth", {"net": net, "acc": 93.1, "epoch": 12},
        "torch.save(model.state_dict()")
    return rows, refused


def unread():
    """Networks that are not computed, each with what the refusal says."""
    torch.manual_seed(0)  # what `fill` leaves of them
    pairs, grouped, no_statistics, groups, weighted, parametrized, spectral = (
        small() for _ in range(7))
    pairs.conv1 = nn.Conv2d(2, 4, 3, padding=1, bias=False)
    yield "two-channels.pth", "a network for images of other channels", pairs
    grouped.layer2[0].downsample[0] = nn.Conv2d(4, 6, 1, stride=2, groups=2, bias=False)
    yield "grouped.pth", "convolutions in groups", grouped
    for m in no_statistics.modules():
        if isinstance(m, nn.BatchNorm2d):
            m.track_running_stats = False
            m.running_mean = m.running_var = m.num_batches_tracked = None
    yield "no-statistics.pth", "running statistics", no_statistics
    groups.bn1 = nn.GroupNorm(2, 4)
    yield "group-norm.pth", "running statistics", groups
    torch.nn.utils.weight_norm(weighted.conv1)
    yield "weight-norm.pth", "torch.nn.utils.remove_weight_norm", weighted
    torch.nn.utils.parametrizations.weight_norm(parametrized.layer1[0].conv1)
    yield "parametrized.pth", "remove_parametrizations", parametrized
    torch.nn.utils.spectral_norm(spectral.conv1)
    yield "spectral-norm.pth", "torch.nn.utils.remove_spectral_norm", spectral
    averaging = small()
    averaging.layer2[0].downsample = nn.Sequential(nn.AvgPool2d(2), *averaging.layer2[0].downsample)
    averaging.layer2[0].downsample[1].stride = 1
    yield "average-shortcut.pth", "average pooling before it", averaging


def stepped(net):
    """The state of an optimizer that has run a step of a copy: a momentum for each weight."""
    net = small_copy(net).float()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    for p in net.parameters():
        p.grad = torch.ones_like(p)
    optimizer.step()
    return optimizer.state_dict()


def small_copy(net):
    copy = small().eval()
    copy.load_state_dict(net.state_dict())
    return copy


# --- statistics ---

# Name, network, constants, and what else its keys could mean.
TRAINED = [
    ("trained-3x3", lambda **k: Plain(THREE, (1, 1, 1), 10, **k), CIFAR10,
     {"": {}, "pool=max": {"pool": True}, "stem-stride=2": {"stride": 2}}),
    ("trained-7x7", lambda **k: Plain(THREE, (1, 1, 1), 10, kernel=7,
                                      **({"stride": 2, "pool": True} | k)), IMAGENET,
     {"": {}, "pool=none": {"pool": False}, "stem-stride=1": {"stride": 1},
      "stem-stride=1,pool=none": {"stride": 1, "pool": False}}),
    ("trained-conv1", lambda **k: Plain(THREE_B, (1, 1, 1), 10, True, **({"at": 1} | k)),
     CIFAR10, {"": {}, "stride-at=conv2": {"at": 2}}),
    ("trained-preact", lambda **k: Plain(THREE, (1, 2, 1), 10, pre=True, normed=False, final="bn",
                                         **({"start": "after"} | k)),
     CIFAR10, {"": {}, "preact-shortcut=before": {"start": "before"},
               "preact-shortcut=mixed": {"start": "mixed"}}),
    ("trained-strides", lambda **k: Plain(THREE, (1, 1, 1), 10, **({"strides": (1, 2, 1)} | k)),
     CIFAR100, {"": {}, "strides=1:2:2": {"strides": (1, 2, 2)}}),
    ("trained-pad-end", lambda **k: Plain(THREE, (1, 1, 1), 10, head="linear",
                                          **({"shortcut": "pad-end"} | k)),
     CIFAR100, {"": {}, "shortcut=pad": {"shortcut": "pad"}}),
]


def write_trained():
    images = patterns(64, 9)
    write_npy(HERE / "probe.npy", images)
    for i, (name, make, constants, _) in enumerate(TRAINED):
        net = fill(make(), 300 + i)
        for m in net.modules():
            if isinstance(m, nn.BatchNorm2d):
                m.reset_running_stats()
                m.momentum = None
        with torch.no_grad():
            net.train()(normal(images, constants).float())
        torch.save(net.state_dict(), HERE / (name + ".pth"))


# --- checks ---

def discrepancy(net, x):
    """Mean over channels of how far a batch norm's input is from its running statistics."""
    far = []

    def look(m, inputs, output):
        mean, var = inputs[0].mean((0, 2, 3)), inputs[0].var((0, 2, 3))
        far.append(((mean - m.running_mean).abs() / m.running_var.sqrt()
                    + (var / m.running_var).log().abs()).mean().item())

    hooks = [m.register_forward_hook(look) for m in net.modules() if isinstance(m, nn.BatchNorm2d)]
    with torch.no_grad():
        net(x)
    for h in hooks:
        h.remove()
    return np.mean(far)


def same(label, theirs, ours, x, call=lambda net, x: net(x)):
    fill(theirs, 7)
    state = theirs.state_dict()
    assert list(state) == list(ours.state_dict()), label
    ours.eval().load_state_dict(state)
    with torch.no_grad():
        a, b = call(theirs.double(), x), ours.double()(x)
    far = ((a - b).abs().max() / a.abs().max()).item()
    print(f"{label}: {len(state)} keys agree, logits within {far:.1e}")
    assert far < 1e-12, label


def check():
    import timm
    import torchvision
    from transformers import ResNetConfig, ResNetForImageClassification
    x = normal(patterns(2, 5), IMAGENET)
    big = (64, 128, 256, 512)
    for depth, blocks, bottleneck in (18, (2, 2, 2, 2), False), (50, (3, 4, 6, 3), True):
        size, which = (big, blocks, 1000, bottleneck), f"resnet{depth}"
        imagenet = {"kernel": 7, "stride": 2, "pool": True}
        package = getattr(torchvision.models, which)
        same("torchvision " + which, package(), Plain(*size, **imagenet), x)
        changed = package()
        changed.conv1, changed.maxpool = nets.conv(3, 64, 3), nn.Identity()
        same(f"torchvision {which}, 3x3", changed, Plain(*size), x)
        same("timm " + which, timm.create_model(which), Plain(*size, **imagenet), x)
        if bottleneck:
            same(f"timm {which}c", timm.create_model(which + "c"),
                 Plain(*size, deep=(32, 32), stride=2, pool=True), x)
        same(f"timm resnetv2_{depth}", timm.create_model(f"resnetv2_{depth}"),
             TimmV2(*size, stem=64), x)
    for bottleneck, at in (False, 2), (True, 2), (True, 1):
        sizes = [w * (4 if bottleneck else 1) for w in FOUR]
        config = ResNetConfig(embedding_size=4, hidden_sizes=sizes, depths=[1, 2, 1, 1],
                              layer_type="bottleneck" if bottleneck else "basic",
                              downsample_in_bottleneck=at == 1, num_labels=7)
        same(f"transformers bottleneck={bottleneck} stride at conv{at}",
             ResNetForImageClassification(config), Staged(FOUR, (1, 2, 1, 1), 7, bottleneck, at), x,
             lambda net, x: net(x).logits)

    for name, of, _, _ in INTERPRETATIONS:
        a, b = (np.load(HERE / "logits" / (n + ".npy")) for n in (name, of))
        print(f"{name}: {np.abs(a - b).max() / np.abs(a).max():.3f} from {of}")
    for path in sorted((HERE / "logits").glob("*.npy")):
        a = np.load(path)
        spread = np.abs(a - a.mean(0)).max() / np.abs(a).max()
        assert np.isfinite(a).all() and spread > 0.02, (path, spread)
    probe = np.load(HERE / "probe.npy")
    for name, make, _, others in TRAINED:
        for other, k in others.items():
            net = make(**k).eval()
            net.load_state_dict(torch.load(HERE / (name + ".pth")))
            far = [discrepancy(net, normal(probe, c).float())
                   for c in (CIFAR10, CIFAR100, IMAGENET)]
            print(f"{name} {other or 'as usual'}: discrepancy with the constants of CIFAR-10, "
                  f"CIFAR-100, ImageNet {far[0]:.3f} {far[1]:.3f} {far[2]:.3f}")


def main():
    if sys.argv[1:] == ["--check"]:
        return check()
    for folder in HERE / "logits", HERE / "maps", HERE / "forms", CASE:
        folder.mkdir(exist_ok=True)
    images = patterns(6, 4)
    write_npy(HERE / "images.npy", images)
    rows = write_families(images)
    more, refused = write_forms(images)
    with open(CASE / "families.tsv", "w", encoding="ascii") as f:
        f.write("logits\tfile\tfamily\toptions\n")
        for row in rows + more:
            f.write("\t".join(row) + "\n")
    with open(CASE / "refused.tsv", "w", encoding="ascii") as f:
        f.write("file\tsays\n")
        for row in refused:
            f.write("\t".join(row) + "\n")
    write_trained()


if __name__ == "__main__":
    main()
