#!/usr/bin/env python3
"""Makes the checkpoints of this folder, each as small as it can be.

Needs torch, numpy and safetensors. Number k of a tensor that begins at s is
value(s + k), which float16 and bfloat16 hold exactly; tests/unit/ckpt_read.c has
the same formula.
"""
import argparse
import enum
import os
import pathlib
import struct
import sys
import types
import warnings
import zipfile

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

warnings.filterwarnings("ignore")
os.chdir(os.path.dirname(os.path.abspath(__file__)))


def value(k):
    return (k * 7 % 31 - 15) / 8


def tensor(start, *shape):
    n = int(np.prod(shape))
    return torch.tensor([value(start + k) for k in range(n)]).reshape(shape)


def state(dtype=torch.float32):
    s = {
        "conv1.weight": tensor(0, 2, 3, 3, 3),
        "bn1.weight": tensor(5, 2),
        "fc.weight": tensor(11, 3, 2),
        "fc.bias": tensor(17, 3),
    }
    s = {k: v.to(dtype) for k, v in s.items()}
    s["bn1.num_batches_tracked"] = torch.tensor(7)
    return s


def views(dtype):
    """One storage under many tensors, starting at 0."""
    b = tensor(0, 3, 4, 5).to(dtype)
    return {
        "all": b,
        "transposed": b.transpose(0, 2),
        "stepped": b[1:, ::2, 1:4:2],
        "row": b[2, 1],
        "scalar": b[1, 2, 3],
        "empty": b[:0],
    }


def tagged(s):
    """Parameters and buffers with attributes, and with a hook, none of which is a number."""
    s = {k: nn.Buffer(v) if k.startswith("bn") else nn.Parameter(v) for k, v in s.items()}
    for v in s.values():
        v.tag = "kept"
    s["fc.bias"].register_hook(torch.neg)
    return s


def pruned(s, most=1.):
    """Every second number of the convolution masked, as torch.nn.utils.prune keeps it."""
    w = s.pop("conv1.weight")
    mask = torch.tensor([k % 2 * most for k in range(w.numel())]).reshape(w.shape)
    return {"conv1.weight_orig": w} | s | {"conv1.weight_mask": mask}


class Tagged(torch.Tensor):
    """Stands for a class of tensors of the user's own."""


class Mode(enum.Enum):
    FAST = 1


class Unknown:
    """Stands for a class of the user's training script."""


def in_module(cls, module, name):
    cls.__module__, cls.__qualname__, cls.__name__ = module, name, name
    sys.modules.setdefault(module, types.ModuleType(module))
    setattr(sys.modules[module], name, cls)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(tensor(0, 2))


class Call:
    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call


in_module(Tagged, "training", "Tagged")
in_module(Unknown, "training", "Config")
in_module(Net, "training", "Net")
in_module(Mode, "training", "Mode")
config = Unknown()
config.epochs = 3
config.mode = Mode.FAST
config.path = pathlib.PurePosixPath("a/b")
config.options = argparse.Namespace(lr=0.1)
config.best = np.float64(0.5)
config.device = torch.device("cpu")

old = {"_use_new_zipfile_serialization": False}
torch.save({"model_state_dict": state(), "config": config, "metrics": {"acc": 0.5}}, "wrapped.pth")
torch.save(state(), "bare.pth")
torch.save({"epoch": 1, "state_dict": state()}, "state_dict.pth", pickle_protocol=4)
torch.save({"module._orig_mod." + k: v for k, v in state().items()}, "prefixes.pth")
for name in "float16", "bfloat16", "float64":
    torch.save(state(getattr(torch, name)), name + ".pth")
torch.save(views(torch.float32), "views.pth")
torch.save(views(torch.float64), "views_float64.pth")
torch.save({k: nn.Parameter(v) for k, v in state().items() if v.is_floating_point()},
           "parameter.pth")
torch.save(tagged(state()), "tagged.pth")
# Tensors whose storages hold them with the other sign.
pairs = torch.view_as_complex(tensor(3, 2, 2)).clone()
torch.save({"negative": torch._neg_view(tensor(0, 2, 3)), "conjugate": pairs.conj(),
            "both": torch._neg_view(pairs.conj()), "imaginary": pairs.clone().conj().imag,
            "half": torch._neg_view(tensor(5, 4).half()),
            "integer": torch._neg_view(torch.tensor([1, -2, 0, 2**40])),
            "short": torch._neg_view(torch.tensor([1, 2], dtype=torch.uint16))}, "signs.pth")
torch.save(pruned(state()), "pruned.pth")
torch.save(pruned(state(), 0.5), "pruned_weighted.pth")
torch.save(state(), "legacy.pth", **old)
torch.save({"state_dict": state(), "config": config}, "legacy_protocol5.pth", pickle_protocol=5,
           **old)
torch.save(views(torch.float16), "legacy_views.pth", **old)

torch.serialization.set_crc32_options(False)
torch.save(state(), "unsummed.pth")
torch.serialization.set_crc32_options(True)

with zipfile.ZipFile("bare.pth") as z:
    records = {i.filename: z.read(i) for i in z.infolist()}
stamp = (1980, 1, 1, 0, 0, 0)
with zipfile.ZipFile("deflated.pth", "w", zipfile.ZIP_DEFLATED) as z:
    for name, data in records.items():
        z.writestr(zipfile.ZipInfo("packed again/" + name.split("/", 1)[1], stamp), data,
                   zipfile.ZIP_DEFLATED)


def swapped(name, data):
    """As a big-endian machine writes it."""
    if name.endswith("byteorder"):
        return b"big"
    if "/data/" not in name:
        return data
    width = 8 if len(data) == 8 and name.endswith("/4") else 4
    return b"".join(data[i:i + width][::-1] for i in range(0, len(data), width))


with zipfile.ZipFile("big_endian.pth", "w") as z:
    for name, data in records.items():
        z.writestr(zipfile.ZipInfo(name, stamp), swapped(name, data))


def zip64(path, files):
    """All sizes and offsets in zip64 fields, which zipfile writes for large files only."""
    from zlib import crc32
    out, directory = b"", b""
    for name, data in files.items():
        n = name.encode()
        extra = struct.pack("<HHQQ", 1, 16, len(data), len(data))
        head = struct.pack("<HHHHHIIIHH", 45, 0, 0, 0, 33, crc32(data), 2**32 - 1, 2**32 - 1,
                           len(n), len(extra))
        more = struct.pack("<HHQQQ", 1, 24, len(data), len(data), len(out))
        directory += (b"PK\1\2" + struct.pack("<H", 45) + head[:-2] +
                      struct.pack("<HHHHII", len(more), 0, 0, 0, 0, 2**32 - 1) + n + more)
        out += b"PK\3\4" + head + n + extra + data
    at = len(out)
    end = b"PK\6\6" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, len(files), len(files),
                                  len(directory), at)
    locator = b"PK\6\7" + struct.pack("<IQI", 0, at + len(directory), 1)
    tail = b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 2**16 - 1, 2**16 - 1, 2**32 - 1, 2**32 - 1, 0)
    with open(path, "wb") as f:
        f.write(out + directory + end + locator + tail)


zip64("zip64.pth", records)

save_file(dict(state(), half=tensor(3, 2, 2).half(), brain=tensor(3, 4).bfloat16(),
               double=tensor(3, 1, 4).double(), scalar=tensor(9, 1).reshape(()),
               empty=torch.zeros(0, 3)),
          "plain.safetensors", metadata={"format": "pt"})

os.chmod("plain.safetensors", 0o644)

# What is refused.
net = Net()
torch.save({"model_state_dict": state(), "x": Call(os.system, "touch ran")}, "system.pth")
torch.save({"model_state_dict": state(), "x": Call(os.system, "touch ran")}, "system_legacy.pth",
           **old)
torch.save(net, "module.pth")
torch.save({"model_state_dict": net}, "module_legacy.pth", **old)
torch.jit.save(torch.jit.script(nn.Identity()), "script.pt")
w = tensor(0, 2, 2)
for name, t in {"sparse": w.to_sparse(), "sparse_rows": w.to_sparse_csr(),
                "quantized": torch.quantize_per_tensor(w, 0.5, 3, torch.quint8),
                "nested": torch.nested.nested_tensor([w, w[0:1]]), "meta": w.to("meta"),
                "subclass": w.as_subclass(Tagged)}.items():
    torch.save({"w": t}, name + ".pth")
