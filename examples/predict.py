#!/usr/bin/env python3
"""Any PyTorch classifier in the place of cifar-predict: the same rows, tensors and tables.

    predict.py --module FILE.py:NAME --model weights.pth --data PATH [OPTION ...] > rows.tsv
    make analysis MODEL=weights.pth DATA=... PREDICT='python3 examples/predict.py --module net.py:build --'

NAME is a class or a function that returns the network, torch.nn.Module; FILE.py may also be
the name of an installed package, and arguments may follow: 'torchvision.models:vgg11(num_classes=10)'.
The weights of --model are loaded into it. --pickle instead takes a whole network that torch.save
wrote: reading one runs whatever code is in it. A --model that ends in .py needs neither; its
function `build` returns the network with its weights.

Class maps come from the last layer whose output is (n, channels, h, w), or from --layer, a name
of named_modules(). If only an average and one linear layer follow, they are unnormalised CAMs:
sum_k W[c,k] A_k / (h w). Else they are Grad-CAM by gradients, sum_k mean(dz_c / dA_k) A_k, and
do not sum to the logit. A network without such a layer, such as a transformer, has no maps: then
their files are not written, and the analysis has tables and texts but no sheets.

--features and --weights write what the class maps are made of: the activations A, and W, which is
(classes, channels) for such a linear layer and else (n, classes, channels), the gradients summed
over the cells of each image. `cam-compute --features --weights` takes both. They are several times
larger than class maps, which hold as much for every target and score; so the analysis takes those.

Pixels are scaled to [0,1] and normalised by --mean and --std. Without these the constants are those
that the network or its checkpoint holds, else those of CIFAR-10 or CIFAR-100 for their own files
and, as a guess, CIFAR-100's for other images. A network trained on ImageNet needs
--mean .485,.456,.406 --std .229,.224,.225.
"""
import argparse
import ast
import csv
import hashlib
import importlib
import importlib.util
import io
import json
import os
import pickle
import re
import sys
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

VERSION = "predict.py of heatpipe"
USUAL = {  # mean and standard deviation of the pixels
    "cifar10": ((.4914, .4822, .4465), (.2470, .2435, .2616)),
    "cifar100": ((.5071, .4867, .4409), (.2673, .2564, .2762)),
}
# How modules and configurations call them.
PAIRS = (("mean", "std"), ("means", "stds"), ("_mean", "_std"), ("mean_", "std_"), ("mu", "sigma"), ("mu", "std"),
         *((f"{of}_mean", f"{of}_std") for of in (
             "new", "pixel", "image", "img", "data", "dataset", "norm", "normalize", "train", "channel", "rgb",
             "input", "cifar10", "cifar100")))
ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".webp")
COLUMNS = ("id true pred correct conf p_true rank_true margin entropy loss true_name pred_name "
           "true_group pred_group pred2 pred3 pred4 pred5 conf2 conf3 conf4 conf5").split()


class Failure(Exception):
    """What was expected and what was found, for people."""


# --- tables and tensors: heatpipe-tsv(5), heatpipe-npy(5) ---

def text(value):
    """A field of a row."""
    if value is None or (isinstance(value, float) and value != value):
        return "NA"
    if isinstance(value, float):
        return "%.9g" % value
    if not isinstance(value, str):
        return str(value)
    value = value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")
    return "\\" + value if value[:1] in ('"', "#") else value


def line(fields):
    return "\t".join(map(text, fields)) + "\n"


def untext(field):
    """The text that a field stands for."""
    plain = re.sub(r"\\(.)", lambda m: {"t": "\t", "n": "\n"}.get(m[1], m[1]), field)
    return None if field == "NA" else plain


class Output:
    """A file that gets its name when it is complete."""

    open_files = []

    def __init__(self, path):
        self.path, self.part = path, f"{path}.tmp-{os.getpid()}"
        self.file = open(self.part, "wb")
        Output.open_files.append(self)

    def write(self, data):
        self.file.write(data)

    def finish(self):
        self.file.close()

    @classmethod
    def name_all(cls):
        for o in cls.open_files:
            o.finish()
        while cls.open_files:
            o = cls.open_files.pop()
            os.replace(o.part, o.path)

    @classmethod
    def drop_all(cls):
        for o in cls.open_files:
            o.file.close()
            os.unlink(o.part)


class Tensor(Output):
    """One .npy record, whose number of items is filled in at the end."""

    def __init__(self, path, dtype, item):
        super().__init__(path)
        self.dtype, self.item, self.count = np.dtype(dtype), tuple(item), 0
        self.file.write(self.header())

    def header(self):
        shape = (self.count, *self.item)
        head = "{'descr': '%s', 'fortran_order': False, 'shape': %r, }" % (self.dtype.str, shape)
        return b"\x93NUMPY\x01\x00" + (118).to_bytes(2, "little") + head.ljust(117).encode() + b"\n"

    def put(self, items):
        items = np.ascontiguousarray(items, self.dtype)
        assert items.shape[1:] == self.item
        self.count += len(items)
        self.file.write(items.tobytes())

    def finish(self):
        self.file.seek(0)
        self.file.write(self.header())
        super().finish()


# --- images ---

class CifarUnpickler(pickle.Unpickler):
    """Arrays and plain values; no other code is called."""

    allowed = {("numpy.core.multiarray", "_reconstruct"), ("numpy._core.multiarray", "_reconstruct"),
               ("numpy", "ndarray"), ("numpy", "dtype"), ("_codecs", "encode")}

    def find_class(self, module, name):
        if (module, name) in self.allowed:
            return super().find_class(module, name)
        raise Failure(f"expected a pickle of CIFAR, found one that calls {module}.{name}")


def unpickle(path):
    with open(path, "rb") as f:
        return {k.decode() if isinstance(k, bytes) else k: v
                for k, v in CifarUnpickler(f, encoding="bytes").load().items()}


class Data:
    """Images, (h, w, 3) bytes by their number, with their labels and names."""

    def __init__(self, path, a):
        self.size = a.resize
        self.files = self.labels = self.groups = None
        self.names, self.group_names, self.group_of = [], [], {}
        self.ordered = False  # class folders are numbered by their order alone
        self.inputs = []      # every file that is read
        path = self.find(Path(path))
        if path.is_dir():
            self.open_folder(path)
        elif not path.exists():
            raise Failure(f"{path}: expected images, found no such file")
        else:
            self.open_file(path)
        self.path = path
        if a.labels:
            self.inputs.append(Path(a.labels))
            self.labels = read_labels(a.labels)
            if len(self.labels) != len(self):
                raise Failure(f"{a.labels}: expected {len(self)} labels, found {len(self.labels)}")
        if a.names:
            self.inputs.append(Path(a.names))
            self.take_names(a.names)

    def find(self, path):
        if not path.is_dir():
            return path
        inner = ["", "cifar-100-binary", "cifar-100-python", "cifar-10-batches-bin", "cifar-10-batches-py"]
        for folder in inner:
            for name in ("test.bin", "test_batch.bin", "test", "test_batch"):
                if (path / folder / name).is_file():
                    return path / folder / name
        folders = {p.name for p in path.iterdir() if p.is_dir() and not p.name.startswith(".")}
        if folders and folders <= {"train", "test", "val", "valid"} and folders != {"train"}:
            return path / next(s for s in ("test", "val", "valid") if s in folders)
        return path

    def open_file(self, path):
        self.inputs.append(path)
        with open(path, "rb") as f:
            start = f.read(6)
        if start == b"\x93NUMPY":
            self.kind = "npy"
            pixels = np.load(path, mmap_mode="r", allow_pickle=False)
            if pixels.dtype != np.uint8 or pixels.ndim != 4 or 3 not in (pixels.shape[1], pixels.shape[3]):
                raise Failure(f"{path}: expected bytes (n,h,w,3) or (n,3,h,w), found "
                              f"{pixels.dtype} {pixels.shape}")
            self.pixels = pixels if pixels.shape[3] == 3 else pixels.transpose(0, 2, 3, 1)
            return
        if start[:1] == b"\x80":
            batch = unpickle(path)
            self.labels = batch.get("fine_labels", batch.get("labels"))
            self.groups = batch.get("coarse_labels")
            planes = np.asarray(batch["data"]).reshape(-1, 3, 32, 32)
        else:
            size = path.stat().st_size
            width = 3074 if size % 3074 == 0 else 3073
            if size == 0 or size % width:
                raise Failure(f"{path}: expected records of CIFAR, .npy or a pickle, found {size} bytes "
                              "of something else")
            records = np.memmap(path, np.uint8, "r").reshape(-1, width)
            self.labels = records[:, width - 3073].tolist()
            self.groups = records[:, 0].tolist() if width == 3074 else None
            planes = records[:, -3072:].reshape(-1, 3, 32, 32)
        self.kind = "cifar100" if self.groups else "cifar10"
        self.pixels = planes.transpose(0, 2, 3, 1)
        self.names_beside(path.parent)

    def names_beside(self, folder):
        kinds = [("fine_label_names.txt", "coarse_label_names.txt", "meta", "fine_label_names",
                  "coarse_label_names")] if self.groups else \
            [("batches.meta.txt", None, "batches.meta", "label_names", None)]
        for fine, coarse, meta, fine_key, coarse_key in kinds:
            if (folder / fine).is_file():
                self.inputs.append(folder / fine)
                self.names = (folder / fine).read_text().split()
                if coarse and (folder / coarse).is_file():
                    self.inputs.append(folder / coarse)
                    self.group_names = (folder / coarse).read_text().split()
            elif (folder / meta).is_file():
                self.inputs.append(folder / meta)
                known = unpickle(folder / meta)
                self.names, self.group_names = (
                    [n.decode() if isinstance(n, bytes) else n for n in known.get(key, [])]
                    for key in (fine_key, coarse_key))
        if self.groups:
            self.group_of = dict(zip(self.labels, self.groups))

    def open_folder(self, path):
        """Numbered and sorted as torchvision's ImageFolder does it."""
        self.kind = "folder"

        def images(folder):
            return sorted((os.fsencode(p.parent), os.fsencode(p.name), p) for p in folder
                          if p.suffix.lower() in ENDINGS and not p.name.startswith("."))

        classes = sorted((p for p in path.iterdir() if p.is_dir() and not p.name.startswith(".")),
                         key=lambda p: os.fsencode(p.name))
        found = [(p, i) for i, c in enumerate(classes) for _, _, p in images(c.rglob("*"))]
        self.ordered = bool(found)
        if found:
            self.names = [c.name for c in classes]
            self.labels = [i for _, i in found]
        else:
            found = [(p, -1) for _, _, p in images(path.iterdir())]
        if not found:
            raise Failure(f"{path}: expected images ({', '.join(ENDINGS)}), found none")
        self.files = [p for p, _ in found]
        self.inputs += self.files

    def take_names(self, path):
        names, groups, group_names = read_names(path)
        if self.ordered:
            known = {n: i for i, n in enumerate(names)}
            if all(n in known for n in self.names):
                self.labels = [known[self.names[k]] for k in self.labels]
            elif len(names) != len(self.names) or any(n in known for n in self.names):
                raise Failure(f"{path}: expected the names of the class folders, found others")
        self.names, self.ordered = names, False
        if groups:
            self.group_of, self.group_names = groups, group_names

    def __len__(self):
        return len(self.files) if self.files else len(self.pixels)

    def label(self, i):
        return int(self.labels[i]) if self.labels is not None else -1

    def group(self, cls):
        g = self.group_of.get(cls)
        return None if g is None else self.group_names[g] if g < len(self.group_names) else str(g)

    def name(self, cls):
        return self.names[cls] if 0 <= cls < len(self.names) else None

    def image(self, i):
        if self.files:
            try:
                with Image.open(self.files[i]) as f:
                    picture = f.convert("RGB")
            except OSError as e:
                raise Failure(f"{self.files[i]}: expected an image, found {e}") from e
        else:
            picture = Image.fromarray(np.ascontiguousarray(self.pixels[i]))
        if self.size and picture.size != self.size[::-1]:
            picture = picture.resize(self.size[::-1], Image.BILINEAR)
        return np.asarray(picture)


def read_labels(path):
    if open(path, "rb").read(6) == b"\x93NUMPY":
        return np.load(path, allow_pickle=False).tolist()
    lines = Path(path).read_text().splitlines()
    if lines and not re.fullmatch(r"-?\d+|NA", lines[0]):
        head = lines[0].split("\t")
        column = next((head.index(c) for c in ("label", "true", "class") if c in head), None)
        if column is None:
            raise Failure(f"{path}: expected a column label, true or class, found none")
        lines = [row.split("\t")[column] for row in lines[1:]]
    return [-1 if v == "NA" else int(v) for v in lines]


def read_names(path):
    """Names, the superclass of each class, and the names of these."""
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    if "\t" not in lines[0]:
        return lines, {}, []
    rows = list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
    groups = {int(r["class"]): int(r["group"]) for r in rows if r.get("group", "NA") != "NA"}
    group_names = [None] * (max(groups.values(), default=-1) + 1)
    for r in rows:
        if int(r["class"]) in groups:
            group_names[groups[int(r["class"])]] = untext(r["group_name"]) or r["group"]
    return [untext(r["name"]) for r in rows], groups, group_names


# --- the network ---

def load_module(spec):
    """The network that FILE.py:NAME(ARGUMENTS) or PACKAGE:NAME(ARGUMENTS) stands for."""
    m = re.fullmatch(r"([^:]+):(\w+)(\(.*\))?", spec)
    if not m:
        raise Failure(f"--module: expected FILE.py:NAME or PACKAGE:NAME, found '{spec}'")
    where, name, arguments = m.groups()
    if where.endswith(".py"):
        if not os.path.isfile(where):
            raise Failure(f"--module: {where}: expected a file of Python, found none")
        sys.path.insert(0, os.path.dirname(os.path.abspath(where)))
        of = importlib.util.spec_from_file_location(Path(where).stem, where)
        module = importlib.util.module_from_spec(of)
        sys.modules[of.name] = module
        of.loader.exec_module(module)
    else:
        sys.path.insert(0, os.getcwd())
        try:
            module = importlib.import_module(where)
        except ImportError as e:
            raise Failure(f"--module: {where}: {e}") from e
    if not hasattr(module, name):
        raise Failure(f"--module: {where}: expected a function or a class '{name}', found none")
    call = ast.parse("f" + (arguments or "()"), mode="eval").body
    net = getattr(module, name)(*map(ast.literal_eval, call.args),
                                **{k.arg: ast.literal_eval(k.value) for k in call.keywords})
    if not isinstance(net, nn.Module):
        raise Failure(f"--module: expected '{name}' to return a torch.nn.Module, found {type(net).__name__}")
    return net


def read_safetensors(path):
    kinds = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16,
             "I64": torch.int64, "I32": torch.int32, "U8": torch.uint8, "BOOL": torch.bool}
    data = bytearray(Path(path).read_bytes())
    size = int.from_bytes(data[:8], "little")
    tensors = json.loads(data[8:8 + size])
    tensors.pop("__metadata__", None)
    body = memoryview(data)[8 + size:]

    def tensor(t):
        start, end = t["data_offsets"]
        if start == end:
            return torch.zeros(t["shape"], dtype=kinds[t["dtype"]])
        return torch.frombuffer(body[start:end], dtype=torch.uint8).clone().view(kinds[t["dtype"]]).view(t["shape"])

    return {name: tensor(t) for name, t in tensors.items()}


def three_numbers(v):
    if isinstance(v, torch.Tensor) and v.is_floating_point() and v.numel() == 3:
        v = v.flatten().tolist()
    good = isinstance(v, (list, tuple)) and len(v) == 3 and all(isinstance(x, (int, float)) for x in v)
    return tuple(map(float, v)) if good else None


def scaled(mean, std):
    """Constants of pixels from 0 to 255 for those from 0 to 1."""
    by = 255 if max(mean + std) > 2 else 1
    return tuple(v / by for v in mean), tuple(v / by for v in std)


def stored_constants(values):
    """Constants of pixels among named values: (mean, std, name), or None."""
    known = {str(name).lower(): value for name, value in values.items()}
    for name, value in known.items():
        head, _, last = name.rpartition(".")
        for of_mean, of_std in PAIRS:
            std = known.get(f"{head}.{of_std}" if head else of_std)
            if last != of_mean or not three_numbers(value) or not three_numbers(std):
                continue
            m, s = scaled(three_numbers(value), three_numbers(std))
            if all(0 <= v <= 1 for v in m) and all(0 < v <= 1 for v in s):
                return m, s, name
    return None


def beside(state):
    """What a checkpoint holds beside the weights, by its path."""
    flat = {}
    for name, value in state.items():
        if isinstance(value, dict):
            flat |= {f"{name}.{k}": v for k, v in value.items() if three_numbers(v)}
        elif three_numbers(value):
            flat[name] = value
    return flat


def state_dict(path):
    """The weights, and constants of pixels that lie beside them, or None."""
    if path.endswith(".safetensors"):
        return read_safetensors(path), None
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as e:
        raise Failure(f"{path}: expected weights alone, found other objects: --pickle takes a whole network, "
                      "and runs the code in the file") from e
    stored = None
    for key in ("state_dict", "model_state_dict", "model", "net", "weights", "params"):
        if isinstance(state.get(key), dict):
            stored = stored_constants(beside({k: v for k, v in state.items() if k != key}))
            state = state[key]
            break
    for prefix in ("module.", "_orig_mod."):
        if state and all(k.startswith(prefix) for k in state):
            state = {k[len(prefix):]: v for k, v in state.items()}
    return state, stored


def load_network(a):
    """The network, and constants of pixels that lie beside its weights, or None."""
    own = a.model.endswith(".py")
    if a.pickle:
        net = torch.load(a.model, map_location="cpu", weights_only=False)
        if not isinstance(net, nn.Module):
            raise Failure(f"{a.model}: --pickle: expected a whole network, found {type(net).__name__}: "
                          "--module says how it is built")
        return net, None
    if not a.module and not own:
        raise Failure("expected --module FILE.py:NAME, --pickle, or --model FILE.py")
    net, stored = load_module(a.module or a.model + ":build"), None
    if not own:
        state, stored = state_dict(a.model)
        try:
            net.load_state_dict(state)
        except RuntimeError as e:
            raise Failure(f"{a.model}: expected the weights of {type(net).__name__}, found others: "
                          f"{str(e).splitlines()[1].strip()}") from e
    return net, stored


def logits_of(out):
    out = getattr(out, "logits", out)
    if isinstance(out, dict):
        out = out["logits"]
    if isinstance(out, (tuple, list)):
        out = out[0]
    if not isinstance(out, torch.Tensor) or out.ndim != 2:
        raise Failure("expected logits (n, classes) from the network, found something else")
    return out


class Maps:
    """The layer whose activations are looked at, and how they become maps."""

    def __init__(self, net, x, name):
        modules = dict(net.named_modules())
        if name is not None and name not in modules:
            names = [n for n, m in modules.items() if n and not list(m.children())]
            raise Failure(f"--layer: expected a layer such as {', '.join(names[-3:])}, found '{name}'")
        seen, hooks = [], []
        for n, m in modules.items():
            hooks.append(m.register_forward_hook(lambda m, _, out, n=n: seen.append((n, m, out))))
        with torch.no_grad():
            logits = logits_of(net(x)).float()
        for h in hooks:
            h.remove()
        self.net, self.classes = net, logits.shape[1]
        self.name, acts, after = self.choose(seen, name)
        self.head = None  # the linear layer, where only an average lies before it
        if self.name is None:
            return
        self.size = tuple(acts.shape[2:])
        linear = [m for n, m, _ in after if isinstance(m, nn.Linear)]
        if linear and linear[-1].weight.shape == (self.classes, acts.shape[1]):
            z = linear[-1](acts.float().mean((2, 3)).to(acts.dtype)).float()
            if torch.allclose(z, logits, rtol=1e-3, atol=1e-3 * logits.abs().max().item()):
                self.head = linear[-1]
        # Parameters need no gradients: they begin at the layer.
        for p in net.parameters():
            p.requires_grad_(False)
        modules[self.name].register_forward_hook(self.keep)

    @staticmethod
    def choose(seen, name):
        """The last output (n, channels, h, w) that has cells, and what was computed after it."""
        def planes(out):
            return isinstance(out, torch.Tensor) and out.ndim == 4 and out.is_floating_point()

        if name is not None:
            at = max((i for i, (n, _, _) in enumerate(seen) if n == name), default=None)
            if at is None or not planes(seen[at][2]):
                raise Failure(f"--layer {name}: expected an output (n, channels, h, w), found none")
        else:
            candidates = [i for i, (_, _, out) in enumerate(seen) if planes(out)]
            cells = [i for i in candidates if seen[i][2].shape[2:].numel() > 1]
            at = (cells or candidates or [None])[-1]
            # Rows of tokens behind it: what is left of a transformer are its patches.
            if at is None or any(isinstance(o, torch.Tensor) and o.ndim == 3 for _, _, o in seen[at + 1:]):
                return None, None, None
        return seen[at][0], seen[at][2], seen[at + 1:]

    def keep(self, module, inputs, out):
        self.acts = out.detach().requires_grad_()
        # What follows may write into its input.
        return self.acts.clone()

    def forward(self, x):
        """Logits; activations and a graph from there on are kept."""
        self.summed = None
        if self.name is None or self.head is not None:
            with torch.no_grad():
                return logits_of(self.net(x))
        with torch.enable_grad():
            return logits_of(self.net(x))

    def gradcam(self, logits, seeds):
        """sum_k mean(d(seeds . logits) / dA_k) A_k: (n, h, w)."""
        acts = self.acts.detach()
        if self.head is not None:
            weight = seeds.to(acts.dtype) @ self.head.weight / acts.shape[2:].numel()
        else:
            grad, = torch.autograd.grad(logits, self.acts, seeds.to(logits.dtype), retain_graph=True)
            weight = grad.mean((2, 3))
        return torch.einsum("nk,nkhw->nhw", weight.float(), acts.float()).cpu().numpy()

    def weights(self, logits):
        """The gradients of all logits summed over the cells: (n, classes, channels)."""
        if self.summed is None:
            one = torch.eye(self.classes, device=logits.device, dtype=logits.dtype)
            grads = (torch.autograd.grad(logits, self.acts, one[c].expand_as(logits), retain_graph=True)[0]
                     for c in range(self.classes))
            self.summed = torch.stack([g.float().sum((2, 3)) for g in grads], 1)
        return self.summed

    def class_maps(self, logits):
        acts = self.acts.detach().float()
        if self.head is not None:
            maps = torch.einsum("ck,nkhw->nchw", self.head.weight.float(), acts)
        else:
            maps = torch.einsum("nck,nkhw->nchw", self.weights(logits), acts)
        return (maps / acts.shape[2:].numel()).cpu().numpy()


# --- rows ---

class Rows:
    """What the logits of a batch say: cifar-predict(1), section Rows."""

    def __init__(self, z, labels):
        z = z.astype(np.float64)
        n, classes = z.shape
        at, labels = np.arange(n), np.asarray(labels)
        d = z - z.max(1, keepdims=True)
        total = np.exp(d).sum(1)
        self.p = np.exp(d) / total[:, None]
        self.order = np.argsort(-z, axis=1, kind="stable")[:, :5]
        self.labels, self.pred = labels, self.order[:, 0]
        self.entropy = np.log(total) - (np.exp(d) * d).sum(1) / total
        true = np.maximum(labels, 0)
        zt = z[at, true]
        self.p_true, self.loss = self.p[at, true], np.log(total) - d[at, true]
        self.rank = 1 + (z > zt[:, None]).sum(1) + \
            ((z == zt[:, None]) & (np.arange(classes) < true[:, None])).sum(1)
        others = z.copy()
        others[at, true] = -np.inf
        self.margin = zt - others.max(1) if classes > 1 else np.full(n, np.nan)

    def fields(self, i, id, data):
        t, p, order = int(self.labels[i]), int(self.pred[i]), self.order[i]
        known = t >= 0
        best = [int(c) for c in order[1:]] + [None] * (5 - len(order))
        conf = [float(self.p[i, c]) for c in order[1:]] + [None] * (5 - len(order))
        row = [id, t if known else None, p, int(t == p) if known else None, float(self.p[i, p]),
               float(self.p_true[i]) if known else None, int(self.rank[i]) if known else None,
               float(self.margin[i]) if known else None, float(self.entropy[i]),
               float(self.loss[i]) if known else None, data.name(t), data.name(p), data.group(t),
               data.group(p), *best, *conf]
        return row + [str(data.files[id])] if data.files else row


def seeds(word, rows, z, score):
    """The derivative of a target's score with respect to the logits; NaN where it has no class."""
    n, classes = z.shape
    p = rows.p

    def of(cls, score):
        s = np.full((n, classes), np.nan)
        for i in np.flatnonzero(np.asarray(cls) >= 0):
            one = np.eye(classes)[cls[i]]
            s[i] = one if score == "logit" else one - p[i] if score == "logprob" else \
                p[i, cls[i]] * (one - p[i])
        return s

    if word == "margin":
        way = "logit" if score == "logprob" else score
        return of(rows.pred, way) - of(rows.labels, way)
    if word == "pred":
        return of(rows.pred, score)
    if word == "true":
        return of(rows.labels, score)
    k = int(word.partition(":")[2]) if re.fullmatch(r"class:\d{1,9}", word) else classes
    if k >= classes:
        raise Failure(f"--target: expected pred, true, margin, all or class:N below {classes}, found '{word}'")
    return of(np.full(n, k), score)


# --- the whole ---

def size(s):
    m = re.fullmatch(r"(\d+)x(\d+)", s)
    if not m:
        raise argparse.ArgumentTypeError(f"expected HxW, found '{s}'")
    return int(m[1]), int(m[2])


def three(s):
    try:
        v = tuple(map(float, s.split(",")))
    except ValueError:
        v = ()
    if len(v) != 3 or not np.isfinite(v).all():
        raise argparse.ArgumentTypeError(f"expected three numbers R,G,B, found '{s}'")
    return v


def three_positive(s):
    if min(three(s)) <= 0:
        raise argparse.ArgumentTypeError(f"expected three positive numbers R,G,B, found '{s}'")
    return three(s)


def options(argv):
    p = argparse.ArgumentParser(prog="predict.py", description=__doc__, allow_abbrev=False,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--module", metavar="FILE.py:NAME", help="what returns the network")
    p.add_argument("--pickle", action="store_true", help="the checkpoint is a whole network; its code runs")
    p.add_argument("--batch", type=int, default=100, metavar="N", help="images at a time")
    p.add_argument("--weights", metavar="FILE", help="write what weighs the channels of --features")
    p.add_argument("--biases", metavar="FILE", help="write the biases of the linear layer")
    same = p.add_argument_group("as cifar-predict")
    same.add_argument("-m", "--model", metavar="FILE")
    same.add_argument("-d", "--data", metavar="PATH")
    same.add_argument("--names", metavar="PATH")
    same.add_argument("--labels", metavar="FILE")
    same.add_argument("--resize", type=size, metavar="HxW")
    same.add_argument("--mean", type=three, metavar="R,G,B")
    same.add_argument("--std", type=three_positive, metavar="R,G,B")
    for name in ("logits", "features", "class-maps", "cams", "ids", "classes", "run"):
        same.add_argument("--" + name, metavar="FILE")
    same.add_argument("-l", "--layer", metavar="NAME")
    same.add_argument("--target", default="pred", metavar="LIST")
    same.add_argument("--score", default="logit", choices=("logit", "logprob", "prob"))
    same.add_argument("--list-inputs", action="store_true")
    same.add_argument("-p", "--precision", default="f32", choices=("f32", "bf16", "f16"))
    same.add_argument("--exact", action="store_true", help="no effect: PyTorch chooses the kernels")
    same.add_argument("--device", default="auto", metavar="NAME")
    same.add_argument("-t", "--threads", type=int, default=0, metavar="N")
    same.add_argument("-n", "--limit", type=int, metavar="N")
    same.add_argument("-v", "--verbose", action="store_true")
    # A make variable ends with it, so that this program's own options come first.
    a = p.parse_args([w for w in argv if w != "--"])
    if not a.list_inputs and not (a.model and a.data):
        p.error("expected --model FILE and --data PATH")
    return a


def list_inputs(a, data):
    files = ([Path(a.model)] if a.model else []) + (data.inputs if data else [])
    where = (a.module or "").partition(":")[0]
    if where.endswith(".py"):
        files.append(Path(where))
    sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape", newline="\n")
    sys.stdout.write(line(["path", "size", "mtime", "inode", "ctime"]))
    for f in sorted(set(files), key=os.fsencode):
        st = f.stat()
        mtime, ctime = ("%d.%09d" % divmod(t, 10 ** 9) for t in (st.st_mtime_ns, st.st_ctime_ns))
        sys.stdout.write(line([str(f), st.st_size, mtime, st.st_ino, ctime]))


def device_of(name):
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name.startswith("cuda") and not torch.cuda.is_available():
        print("predict.py: no usable GPU", file=sys.stderr)
        sys.exit(3)
    return torch.device(name)


def say(words):
    print("predict.py: " + words, file=sys.stderr)


class Progress:
    """As heatpipe's programs: a line that moves on a terminal, one every ten seconds with -v."""

    def __init__(self, total, verbose):
        self.total, self.start, self.last = total, time.monotonic(), time.monotonic()
        self.terminal = sys.stderr.isatty()
        self.every = .2 if self.terminal else 10 if verbose else float("inf")

    def show(self, done):
        now = time.monotonic()
        if now - self.last < self.every:
            return
        self.last, rate = now, done / (now - self.start)
        print(f"{chr(13) if self.terminal else ''}predict.py: {done}/{self.total} images, {rate:.0f}/s, "
              f"{(self.total - done) / rate:.0f} s left", end="" if self.terminal else "\n",
              file=sys.stderr, flush=True)

    def end(self):
        if self.terminal:
            print("\r\033[K", end="", file=sys.stderr)


def constants(a, data, net, stored):
    """By the rule of cifar-predict(1); where they come from, and whether they are a guess."""
    inside = stored_constants(net.state_dict())
    config = stored_constants(getattr(net, "pretrained_cfg", None) or {})  # timm's
    known = stored or config
    guess = False
    if inside:
        mean, std, where = (0., 0., 0.), (1., 1., 1.), f"none: the network normalises by its own '{inside[2]}'"
    elif known:
        mean, std, where = known[0], known[1], f"the checkpoint's {known[2]}"
    elif data.kind in USUAL:
        (mean, std), where = USUAL[data.kind], f"{data.kind}, usual for {data.kind}"
    else:
        (mean, std), guess = USUAL["cifar100"], not (a.mean and a.std)
        where = "cifar100, a guess: neither the checkpoint nor the images tell"
    options = [o for o, v in (("--mean", a.mean), ("--std", a.std)) if v]
    if options:
        where = "options --mean and --std" if len(options) == 2 else f"option {options[0]}; otherwise {where}"
    given_mean, given_std = scaled(a.mean or (0, 0, 0), a.std or (1, 1, 1))
    mean, std = given_mean if a.mean else mean, given_std if a.std else std
    say("pixels: mean %s, standard deviation %s (%s)" % (numbers(mean), numbers(std), where))
    return mean, std, where, guess


def numbers(v):
    return ",".join("%.7g" % x for x in v)


def write_run(a, data, net, maps, device, mean, std, constants_from, guess):
    rows = {"version": VERSION, "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "checkpoint": a.model, "checkpoint_bytes": os.path.getsize(a.model),
            "checkpoint_sha256": hashlib.sha256(Path(a.model).read_bytes()).hexdigest(),
            "architecture": f"{type(net).__name__}, {sum(p.numel() for p in net.parameters())} parameters",
            "assumptions": None, "data": str(data.path), "images": min(len(data), a.limit or len(data)),
            "classes": maps.classes, "mean": numbers(mean), "std": numbers(std),
            "constants_from": constants_from,
            "precision": a.precision, "device": f"PyTorch {torch.__version__}, {device}"}
    if maps.name is not None and (a.class_maps or a.cams):
        rows |= {"layer": maps.name, "method": "gradcam", "score": a.score if a.cams else "logit",
                 "map_size": "%dx%d" % maps.size, "finer_layer": None}
    if guess:
        rows["warning"] = f"The constants of the pixels, mean {numbers(mean)} and standard deviation {numbers(std)}, " \
            "are a guess: --mean and --std give those that the network was trained with."
    out = Output(a.run)
    out.write(line(["name", "value"]).encode())
    for name, value in rows.items():
        out.write(line([name, value]).encode())


def check_labels(a, data, classes):
    if data.ordered and len(data.names) != classes:
        raise Failure(f"{data.path}: expected {classes} class folders, one for each class of {a.model}, found "
                      f"{len(data.names)}: --names with the names of the model's classes says which these are")
    worst = max(data.labels, default=-1) if data.labels is not None else -1
    if worst >= classes:
        raise Failure(f"{data.path}: expected labels below {classes}, found {worst}")
    if data.names and len(data.names) != classes:
        say(f"{data.path}: names of {len(data.names)} classes ignored: {a.model} has {classes}")
        data.names, data.group_names, data.group_of = [], [], {}


def write_classes(a, data, classes):
    out = Output(a.classes)
    out.write(line(["class", "name", "group", "group_name"]).encode())
    for c in range(classes):
        g = data.group_of.get(c)
        name = data.group_names[g] if g is not None and g < len(data.group_names) else None
        out.write(line([c, data.name(c), g, name]).encode())


def open_tensors(a, maps, words):
    item = {"logits": (maps.classes,), "ids": ()}
    if maps.name is not None:
        item |= {"class_maps": (maps.classes, *maps.size), "cams": (len(words), *maps.size),
                 "features": tuple(maps.acts.shape[1:])}
        if maps.head is None:
            item["weights"] = (maps.classes, maps.acts.shape[1])
    elif a.features or a.weights:
        raise Failure("--features, --weights: expected a layer with an output (n, channels, h, w), found none")
    return {k: Tensor(getattr(a, k), "<i8" if k == "ids" else "<f4", s) for k, s in item.items()
            if getattr(a, k)}


def put_linear(a, maps):
    if maps.head is None:
        if a.biases:
            raise Failure("--biases: expected an average and one linear layer at the end, found others")
        return
    for path, v in ((a.weights, maps.head.weight), (a.biases, maps.head.bias)):
        if path and v is not None:
            v = v.detach().float().cpu().numpy()
            Tensor(path, "<f4", v.shape[1:]).put(v)


def run(a):
    data = Data(a.data, a) if a.data else None
    if a.list_inputs:
        list_inputs(a, data)
        return
    if a.threads:
        torch.set_num_threads(a.threads)
    device = device_of(a.device)
    dtype = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}[a.precision]
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    net, stored = load_network(a)
    pixel_constants = constants(a, data, net, stored)
    mean, std = pixel_constants[:2]
    net = net.to(device, dtype).eval()
    shift, scale = (torch.tensor(v, dtype=torch.float32).view(1, 3, 1, 1) for v in (mean, std))

    def pixels(ids):
        images = [data.image(i) for i in ids]
        for i, im in zip(ids, images):
            if im.shape != images[0].shape:
                raise Failure(f"image {i}: expected {images[0].shape[:2]} pixels, found {im.shape[:2]}: "
                              "--resize HxW makes all images one size")
        x = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float() / 255
        return ((x - shift) / scale).to(device, dtype)

    total = min(len(data), a.limit or len(data))
    first = pixels(range(min(2, total)))
    maps = Maps(net, first, a.layer)
    maps.forward(first)
    check_labels(a, data, maps.classes)
    words = [w for t in a.target.split(",")
             for w in ([f"class:{c}" for c in range(maps.classes)] if t == "all" else [t])]
    if maps.name is None and (a.class_maps or a.cams):
        say("this network has no layer with maps: only rows and logits are written; --layer names one")
        a.class_maps = a.cams = None
    elif a.class_maps or a.cams:
        how = "exact, before the average" if maps.head is not None else "Grad-CAM by gradients"
        say(f"maps of layer '{maps.name}', {maps.size[0]} by {maps.size[1]}: {how}")
    if a.classes:
        write_classes(a, data, maps.classes)
    if a.run:
        write_run(a, data, net, maps, device, *pixel_constants)
    put_linear(a, maps)
    tensors = open_tensors(a, maps, words)
    out = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", newline="\n", write_through=True)
    out.write(line(COLUMNS + ["file"] if data.files else COLUMNS))
    progress = Progress(total, a.verbose)
    for at in range(0, total, a.batch):
        ids = range(at, min(at + a.batch, total))
        logits = maps.forward(pixels(ids))
        z = logits.detach().float().cpu().numpy()
        if not np.isfinite(z).all():
            raise Failure(f"images {ids[0]} to {ids[-1]}: expected finite logits, found others")
        rows = Rows(z, [data.label(i) for i in ids])
        out.write("".join(line(rows.fields(k, i, data)) for k, i in enumerate(ids)))
        put = {"logits": lambda: z, "ids": lambda: np.asarray(ids),
               "features": lambda: maps.acts.detach().float().cpu().numpy(),
               "weights": lambda: maps.weights(logits).cpu().numpy(),
               "class_maps": lambda: maps.class_maps(logits),
               "cams": lambda: np.stack([cam(maps, logits, seeds(w, rows, z, a.score)) for w in words], 1)}
        for name, tensor in tensors.items():
            tensor.put(put[name]())
        progress.show(ids[-1] + 1)
    progress.end()
    out.flush()
    Output.name_all()


def cam(maps, logits, seed):
    """The maps of one target; NaN where an image has no such class."""
    known = np.isfinite(seed).all(1)
    given = torch.from_numpy(np.where(known[:, None], seed, 0)).float().to(logits.device)
    m = maps.gradcam(logits, given)
    m[~known] = np.nan
    return m


def main():
    try:
        run(options(sys.argv[1:]))
    except (Failure, OSError) as e:
        Output.drop_all()
        say(str(e))
        sys.exit(1)
    except BaseException:
        Output.drop_all()
        raise


if __name__ == "__main__":
    main()
