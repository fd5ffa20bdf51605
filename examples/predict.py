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

Outputs, names and labels follow cifar-predict(1): a file gets its name when it is complete, a
device or a pipe is written directly, and a file that is read cannot be an output. Status is 1 for
data that cannot be read or written and for errors of the network's own code (-v shows the calls),
2 for the command line and 3 for a device that is missing.
"""
import argparse
import ast
import hashlib
import importlib
import importlib.util
import json
import os
import pickle
import re
import signal
import stat
import sys
import time
import traceback
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

VERSION = "0.1.0 (predict.py)"  # of heatpipe
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


NAME_BYTES, CLASSES = 65536, 65536  # the limits of heatpipe-input(5)
GRID = 4  # cells on a side: maps of fewer show no places
OUTPUTS = "logits features class_maps cams ids classes run weights biases".split()


class Failure(Exception):
    """What was expected and what was found, for people."""

    status = 1


class Usage(Failure):
    """The same of the command line."""

    status = 2


# --- tables and tensors: heatpipe-tsv(5), heatpipe-npy(5) ---

def text(value):
    """A field of a row."""
    if value is None or (isinstance(value, float) and value != value):
        return "NA"
    if isinstance(value, float):
        return "%.9g" % value
    if not isinstance(value, str):
        return str(value)
    field = value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")
    return "\\" + field if value[:1] in ('"', "#") or value == "NA" else field


def line(fields):
    """A row; paths may be any bytes."""
    return ("\t".join(map(text, fields)) + "\n").encode("utf-8", "surrogateescape")


def untext(field):
    """The text that a field stands for."""
    plain = re.sub(r"\\(.)", lambda m: {"t": "\t", "n": "\n"}.get(m[1], m[1]), field)
    return None if field == "NA" else plain


def identity(path):
    """The same for all names of one regular file, there or yet to be made; else None."""
    try:
        st = os.stat(path)
    except FileNotFoundError:
        return os.path.realpath(path)
    return (st.st_dev, st.st_ino) if stat.S_ISREG(st.st_mode) else None


class Output:
    """A file that gets its name when it is complete; a device or a pipe is written directly."""

    open_files = []

    def __init__(self, path):
        self.name, self.path, self.part = path, path, None
        if os.path.isfile(path) or not os.path.exists(path):
            # A link keeps pointing: what it names is replaced, not the link.
            self.path = os.path.realpath(path)
            self.part = f"{self.path}.tmp-{os.getpid()}"
        self.open(self.part or path)

    def open(self, where, **how):
        try:
            self.file = open(where, "wb", **how)
        except OSError as e:
            raise Failure(f"{self.name}: {e.strerror}") from e
        Output.open_files.append(self)

    def checked(self, what, *values):
        try:
            return what(*values)
        except BrokenPipeError:
            raise
        except OSError as e:
            raise Failure(f"{self.name}: write: {e.strerror}") from e

    def write(self, data):
        self.checked(self.file.write, data)

    def flush(self):
        self.checked(self.file.flush)

    def finish(self):
        self.checked(self.file.close)

    @classmethod
    def name_all(cls):
        for o in cls.open_files:
            o.finish()
        while cls.open_files:
            o = cls.open_files.pop()
            if o.part:
                os.replace(o.part, o.path)

    @classmethod
    def drop_all(cls):
        for o in cls.open_files:
            try:
                o.file.close()
            except OSError:
                pass  # what could not be written before
            if o.part and os.path.exists(o.part):
                os.unlink(o.part)


class Standard(Output):
    """Standard output."""

    def __init__(self):
        self.name, self.part = "standard output", None
        self.open(1, closefd=False)


class Tensor(Output):
    """One .npy record, whose number of items is filled in at the end; where that cannot be, one for each batch."""

    def __init__(self, path, dtype, item):
        super().__init__(path)
        self.dtype, self.item, self.count = np.dtype(dtype), tuple(item), 0
        if self.part:
            self.write(self.header(0))

    def header(self, count):
        shape = (count, *self.item)
        head = "{'descr': '%s', 'fortran_order': False, 'shape': %r, }" % (self.dtype.str, shape)
        return b"\x93NUMPY\x01\x00" + (118).to_bytes(2, "little") + head.ljust(117).encode() + b"\n"

    def put(self, items):
        items = np.ascontiguousarray(items, self.dtype)
        assert items.shape[1:] == self.item
        if not self.part:
            self.write(self.header(len(items)))
        self.count += len(items)
        self.write(items.tobytes())

    def finish(self):
        if self.part:
            self.checked(self.file.seek, 0)
        if self.part or not self.count:
            self.write(self.header(self.count))
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
        self.size, self.crop = a.resize, a.crop
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
        fine, coarse, meta, fine_key, coarse_key = \
            ("fine_label_names.txt", "coarse_label_names.txt", "meta", "fine_label_names", "coarse_label_names") \
            if self.groups else ("batches.meta.txt", None, "batches.meta", "label_names", None)
        if (folder / fine).is_file():
            self.inputs.append(folder / fine)
            self.names = names_of_text(folder / fine)
            if coarse and (folder / coarse).is_file():
                self.inputs.append(folder / coarse)
                self.group_names = names_of_text(folder / coarse)
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
            self.names = [shown(c.name) for c in classes]
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
        return None if g is None else self.group_name(g) or str(g)

    def group_name(self, group):
        return self.group_names[group] if group < len(self.group_names) else None

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
        return np.asarray(cropped(resized(picture, self.size), self.crop))


def resized(picture, size):
    """As torchvision's Resize."""
    if not size:
        return picture
    w, h = picture.size
    if len(size) == 1:
        n = size[0]
        size = (n * h // w, n) if w <= h else (n, n * w // h)
    return picture if (h, w) == size else picture.resize(size[::-1], Image.BILINEAR)


def cropped(picture, size):
    """As torchvision's CenterCrop."""
    if not size:
        return picture
    h, w = size if len(size) == 2 else size * 2

    def begins(n, side):
        return round((n - side) / 2) if n >= side else -((side - n) // 2)
    x, y = begins(picture.width, w), begins(picture.height, h)
    return picture.crop((x, y, x + w, y + h))


def shown(name):
    """The name of a file as text: what is none becomes \\xHH."""
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\udc80-\udcff]",
                  lambda m: "".join("\\x%02X" % b for b in os.fsencode(m[0])), name)


def lines_of(path):
    """The lines of a text, which only a line feed ends, with a carriage return or without."""
    try:
        lines = Path(path).read_bytes().decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as e:
        raise Failure(f"{path}: expected text in UTF-8, found other bytes at byte {e.start}") from e
    if not lines[-1]:
        lines.pop()
    return [ln.removesuffix("\r") for ln in lines]


def named(path, number, name):
    """A name in line `number`."""
    found = "an empty text" if not name else "a longer text" if len(name.encode()) > NAME_BYTES else \
        "a control character" if re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", name) else None
    if found:
        raise Failure(f"{path}:{number}: expected a name of 1 to {NAME_BYTES} bytes, found {found}")
    return name


def names_of_text(path):
    names = lines_of(path)
    while names and not names[-1]:
        names.pop()
    if not names:
        raise Failure(f"{path}: expected names, found none")
    names = [named(path, i, n) for i, n in enumerate(names, 1)]
    # CIFAR-100's text file calls five trees by shorter names than its pickle.
    trees = {47: "maple", 52: "oak", 56: "palm", 59: "pine", 96: "willow"}
    if len(names) == 100 and all(names[c] == t for c, t in trees.items()):
        names = [n + "_tree" if i in trees else n for i, n in enumerate(names)]
    return names


def class_id(path, number, field):
    """A class in line `number`; -1 for NA."""
    if field == "NA":
        return -1
    if not re.fullmatch(r"[0-9]{1,5}", field) or int(field) >= CLASSES:
        raise Failure(f"{path}:{number}: expected a class from 0 to {CLASSES - 1}, or NA, found '{field[:40]}'")
    return int(field)


def table(path, lines):
    """The rows of a table by their line number, as dictionaries."""
    head = lines[0].split("\t")
    for number, ln in enumerate(lines[1:], 2):
        fields = ln.split("\t")
        if len(fields) != len(head):
            raise Failure(f"{path}:{number}: expected {len(head)} fields, found {len(fields)}")
        yield number, dict(zip(head, fields))


def read_labels(path):
    if open(path, "rb").read(6) == b"\x93NUMPY":
        labels = np.load(path, allow_pickle=False)
        if labels.ndim != 1 or labels.dtype not in (np.uint8, np.int32, np.int64):
            raise Failure(f"{path}: expected int64 (n), found {labels.dtype} {labels.shape}")
        for i in np.flatnonzero((labels < -1) | (labels >= CLASSES))[:1]:
            raise Failure(f"{path}: item {i}: expected a class from 0 to {CLASSES - 1}, or -1, found {labels[i]}")
        return labels.tolist()
    lines = lines_of(path)
    if not lines or not re.match("[a-z]", lines[0]):
        return [class_id(path, i, v) for i, v in enumerate(lines, 1)]
    head = lines[0].split("\t")
    column = next((c for c in ("label", "true", "class") if c in head), None)
    if column is None:
        raise Failure(f"{path}:1: expected a column 'label', 'true' or 'class', found none")
    labels = []
    for number, row in table(path, lines):
        if row.get("id", str(len(labels))) != str(len(labels)):
            raise Failure(f"{path}:{number}: expected ids from 0 upwards, {len(labels)} here, found {row['id']}")
        labels.append(class_id(path, number, row[column]))
    return labels


def read_names(path):
    """Names, the superclass of each class, and the names of these."""
    lines = lines_of(path)
    if not lines:
        raise Failure(f"{path}: expected names, found an empty file")
    if "\t" not in lines[0]:
        return names_of_text(path), {}, []
    for column in ("class", "name"):
        if column not in lines[0].split("\t"):
            raise Failure(f"{path}:1: expected a column '{column}', found none")
    names, group_of, group_names = {}, {}, {}
    for number, row in table(path, lines):
        cls, group = (class_id(path, number, row.get(c, "NA")) for c in ("class", "group"))
        if cls < 0 or cls in names:
            raise Failure(f"{path}:{number}: expected each class once, found {row['class']}")
        name, group_name = (n and named(path, number, n) for n in
                            (untext(row["name"]), untext(row.get("group_name", "NA"))))
        names[cls] = name
        if group >= 0:
            group_of[cls] = group
            group_names[group] = group_names.get(group) or group_name
    every = range(max(names, default=-1) + 1)
    return [names.get(c) for c in every], group_of, \
        [group_names.get(g) for g in range(max(group_names, default=-1) + 1)]


# --- the network ---

def load_module(spec):
    """The network that FILE.py:NAME(ARGUMENTS) or PACKAGE:NAME(ARGUMENTS) stands for."""
    m = re.fullmatch(r"([^:]+):(\w+)(\(.*\))?", spec)
    if not m:
        raise Usage(f"--module: expected FILE.py:NAME or PACKAGE:NAME, found '{spec}'")
    where, name, arguments = m.groups()
    if where.endswith(".py"):
        if not os.path.isfile(where):
            raise Failure(f"--module: {where}: expected a file of Python, found none")
        sys.path.insert(0, os.path.dirname(os.path.abspath(where)))
        of = importlib.util.spec_from_file_location(Path(where).stem, where)
        module = importlib.util.module_from_spec(of)
        sys.modules[of.name] = module
        try:
            of.loader.exec_module(module)
        except SyntaxError as e:
            raise Failure(f"--module: {where}:{e.lineno}: expected Python, found an error: {e.msg}") from e
        except ImportError as e:
            raise Failure(f"--module: {where}: {e}") from e
    else:
        sys.path.insert(0, os.getcwd())
        try:
            module = importlib.import_module(where)
        except ImportError as e:
            raise Failure(f"--module: {where}: {e}") from e
    if not hasattr(module, name):
        raise Failure(f"--module: {where}: expected a function or a class '{name}', found none")
    try:
        call = ast.parse("f" + (arguments or "()"), mode="eval").body
        values = [ast.literal_eval(v) for v in call.args]
        named_values = {k.arg: ast.literal_eval(k.value) for k in call.keywords}
    except (SyntaxError, ValueError, AttributeError) as e:
        raise Usage(f"--module: expected arguments of plain values, such as (10, wide=True), found '{arguments}'") \
            from e
    try:
        net = getattr(module, name)(*values, **named_values)
    except Exception as e:
        raise Failure(f"--module: {name}{arguments or '()'}: {own_words(e)}") from e
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


def load(path, **how):
    """What torch.save wrote."""
    try:
        return torch.load(path, map_location="cpu", **how)
    except OSError:
        raise
    except Exception as e:
        if isinstance(e, pickle.UnpicklingError) and re.search("[Uu]nsupported (global|class)|GLOBAL", str(e)):
            raise Failure(f"{path}: expected weights alone, found other objects: --pickle takes a whole network, "
                          "and runs the code in the file") from e
        why = str(e).rpartition("WeightsUnpickler error: ")[2].strip().split("\n")[0]
        found = "an empty file" if os.path.getsize(path) == 0 else f"something else ({why[:200]})"
        raise Failure(f"{path}: expected a file of torch.save, found {found}") from e


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
        try:
            return read_safetensors(path), None
        except (AttributeError, KeyError, RuntimeError, TypeError, ValueError) as e:
            raise Failure(f"{path}: expected a file of safetensors, found something else ({own_words(e)})") from e
    state, stored = load(path, weights_only=True), None
    if not isinstance(state, dict):
        raise Failure(f"{path}: expected weights by name, found {type(state).__name__}")
    for key in ("state_dict", "model_state_dict", "model", "net", "weights", "params"):
        if isinstance(state.get(key), dict):
            stored = stored_constants(beside({k: v for k, v in state.items() if k != key}))
            state = state[key]
            break
    if not all(isinstance(k, str) for k in state):
        raise Failure(f"{path}: expected weights by name, found other keys")
    for prefix in ("module.", "_orig_mod."):
        if state and all(k.startswith(prefix) for k in state):
            state = {k[len(prefix):]: v for k, v in state.items()}
    return state, stored


def load_network(a):
    """The network, and constants of pixels that lie beside its weights, or None."""
    own = a.model.endswith(".py")
    if a.pickle:
        net = load(a.model, weights_only=False)
        if not isinstance(net, nn.Module):
            raise Failure(f"{a.model}: --pickle: expected a whole network, found {type(net).__name__}: "
                          "--module says how it is built")
        return net, None
    if not a.module and not own:
        raise Usage("expected --module FILE.py:NAME, --pickle, or --model FILE.py")
    net, stored = load_module(a.module or a.model + ":build"), None
    if not own:
        state, stored = state_dict(a.model)
        try:
            net.load_state_dict(state)
        except RuntimeError as e:
            raise Failure(f"{a.model}: expected the weights of {type(net).__name__}, found others: "
                          f"{' '.join(str(e).splitlines()[1:2]).strip() or own_words(e)}") from e
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


def check_finite(logits, of):
    if not logits.isfinite().all():
        raise Failure(f"{of}: expected finite logits, found others")


def planes(out):
    return isinstance(out, torch.Tensor) and out.ndim == 4 and out.is_floating_point()


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
        check_finite(logits, "the first images")
        self.net, self.classes = net, logits.shape[1]
        self.name, acts, after = self.choose(seen, name)
        self.head = None  # the linear layer, where only an average lies before it
        if self.name is None:
            return
        self.size = tuple(acts.shape[2:])
        self.finer = None if min(self.size) >= GRID else self.finer_layer(seen[:len(seen) - len(after)])
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
    def finer_layer(seen):
        """The deepest layer whose grid shows places."""
        return next((n for n, _, out in reversed(seen) if planes(out) and min(out.shape[2:]) >= GRID), "none")

    @staticmethod
    def choose(seen, name):
        """The last output (n, channels, h, w) that has cells, and what was computed after it."""
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
    if not re.fullmatch(r"[1-9][0-9]{0,3}(x[1-9][0-9]{0,3})?", s):
        raise argparse.ArgumentTypeError(f"expected HxW or N, found '{s}'")
    return tuple(map(int, s.split("x")))


def whole(least):
    def read(s):
        if not re.fullmatch(r"[0-9]{1,18}", s) or int(s) < least:
            raise argparse.ArgumentTypeError(f"expected a whole number of at least {least}, found '{s}'")
        return int(s)
    return read


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
    p.add_argument("--batch", type=whole(1), default=100, metavar="N", help="images at a time")
    p.add_argument("--weights", metavar="FILE", help="write what weighs the channels of --features")
    p.add_argument("--biases", metavar="FILE", help="write the biases of the linear layer")
    same = p.add_argument_group("as cifar-predict")
    same.add_argument("-m", "--model", metavar="FILE")
    same.add_argument("-d", "--data", metavar="PATH")
    same.add_argument("--names", metavar="PATH")
    same.add_argument("--labels", metavar="FILE")
    same.add_argument("--resize", type=size, metavar="HxW")
    same.add_argument("--crop", type=size, metavar="HxW")
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
    same.add_argument("-t", "--threads", type=whole(0), default=0, metavar="N")
    same.add_argument("-n", "--limit", type=whole(0), metavar="N")
    same.add_argument("-v", "--verbose", action="store_true")
    # A make variable ends with it, so that this program's own options come first.
    a = p.parse_args([w for w in argv if w != "--"])
    if not a.list_inputs and not (a.model and a.data):
        p.error("expected --model FILE and --data PATH")
    return a


def all_inputs(a, data):
    files = ([Path(a.model)] if a.model else []) + (data.inputs if data else [])
    where = (a.module or "").partition(":")[0]
    return files + [Path(where)] if where.endswith(".py") else files


def list_inputs(files):
    out = Standard()
    out.write(line(["path", "size", "mtime", "inode", "ctime"]))
    for f in sorted(set(files), key=os.fsencode):
        st = f.stat()
        mtime, ctime = ("%d.%09d" % divmod(t, 10 ** 9) for t in (st.st_mtime_ns, st.st_ctime_ns))
        out.write(line([str(f), st.st_size, mtime, st.st_ino, ctime]))
    Output.name_all()


def check_outputs(a, inputs):
    """Two outputs to one file, or one to what is read, would destroy each other."""
    taken = {}
    for name in OUTPUTS:
        path, option = getattr(a, name), "--" + name.replace("_", "-")
        if path == "-":
            raise Usage(f"{option}: expected a file, found '-': standard output carries the rows")
        this = path and identity(path)
        if not this:
            continue
        if this in taken:
            raise Usage(f"{option}: expected a file of its own for each output, found that of {taken[this]}")
        taken[this] = option
    for f in inputs if taken else []:
        option = taken.get(identity(f))
        if option:
            raise Usage(f"{option}: expected a file that is not read, found '{f}'")


def device_of(name):
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as e:
        raise Usage(f"--device: expected auto, cpu, cuda or another device of PyTorch's, found '{name}'") from e
    try:
        torch.empty(0, device=device)
    except (AssertionError, RuntimeError, NotImplementedError) as e:
        missing = Failure(f"--device {name}: no usable device of this kind")
        missing.status = 3
        raise missing from e
    return device


def own_words(e):
    """An error of Python's in one line."""
    words = " ".join(str(e).split())
    return f"{type(e).__name__}: {words[:200]}" if words else type(e).__name__


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
        (mean, std), where = USUAL[data.kind], f"{data.kind}, the default for {data.kind} data"
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


def write_run(a, data, images, net, maps, device, mean, std, constants_from, guess):
    rows = {"version": VERSION, "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "checkpoint": a.model, "checkpoint_bytes": os.path.getsize(a.model),
            "checkpoint_sha256": hashlib.sha256(Path(a.model).read_bytes()).hexdigest(),
            "architecture": f"{type(net).__name__}, {sum(p.numel() for p in net.parameters())} parameters",
            "assumptions": None, "data": str(data.path), "images": images,
            "classes": maps.classes, "mean": numbers(mean), "std": numbers(std),
            "constants_from": constants_from,
            "precision": a.precision, "device": f"PyTorch {torch.__version__}, {device}"}
    if maps.name is not None and (a.class_maps or a.cams):
        rows |= {"layer": maps.name, "method": "gradcam", "score": a.score if a.cams else "logit",
                 "map_size": "%dx%d" % maps.size, "finer_layer": maps.finer}
    if guess:
        rows["warning"] = f"The constants of the pixels, mean {numbers(mean)} and standard deviation {numbers(std)}, " \
            "are a guess: --mean and --std give those that the network was trained with."
    out = Output(a.run)
    out.write(line(["name", "value"]))
    for name, value in rows.items():
        out.write(line([name, value]))


def check_labels(a, data, classes):
    if data.ordered and len(data.names) != classes:
        raise Failure(f"{data.path}: expected {classes} class folders, one for each class of {a.model}, found "
                      f"{len(data.names)}: --names with the names of the model's classes says which these are")
    worst = max(data.labels, default=-1) if data.labels is not None else -1
    if worst >= classes:
        raise Failure(f"{data.path}: expected labels below {classes}, found {worst}")
    if a.names and len(data.names) != classes:
        raise Failure(f"{a.names}: expected names of {classes} classes, as {a.model} has, found {len(data.names)}")
    if data.names and len(data.names) != classes:
        say(f"{data.path}: names of {len(data.names)} classes ignored: {a.model} has {classes}")
        data.names, data.group_names, data.group_of = [], [], {}


def write_classes(a, data, classes):
    out = Output(a.classes)
    out.write(line(["class", "name", "group", "group_name"]))
    for c in range(classes):
        g = data.group_of.get(c)
        out.write(line([c, data.name(c), g, None if g is None else data.group_name(g)]))


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
    inputs = all_inputs(a, data)
    if a.list_inputs:
        list_inputs(inputs)
        return
    check_outputs(a, inputs)
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

    total = len(data) if a.limit is None else min(len(data), a.limit)
    first = pixels(range(min(2, len(data))))
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
        write_run(a, data, total, net, maps, device, *pixel_constants)
    put_linear(a, maps)
    tensors = open_tensors(a, maps, words)
    out = Standard()
    out.write(line(COLUMNS + ["file"] if data.files else COLUMNS))
    out.flush()
    progress = Progress(total, a.verbose)
    for at in range(0, total, a.batch):
        ids = range(at, min(at + a.batch, total))
        logits = maps.forward(pixels(ids))
        check_finite(logits, f"images {ids[0]} to {ids[-1]}")
        z = logits.detach().float().cpu().numpy()
        rows = Rows(z, [data.label(i) for i in ids])
        out.write(b"".join(line(rows.fields(k, i, data)) for k, i in enumerate(ids)))
        out.flush()
        put = {"logits": lambda: z, "ids": lambda: np.asarray(ids),
               "features": lambda: maps.acts.detach().float().cpu().numpy(),
               "weights": lambda: maps.weights(logits).cpu().numpy(),
               "class_maps": lambda: maps.class_maps(logits),
               "cams": lambda: np.stack([cam(maps, logits, seeds(w, rows, z, a.score)) for w in words], 1)}
        for name, tensor in tensors.items():
            tensor.put(put[name]())
        progress.show(ids[-1] + 1)
    progress.end()
    Output.name_all()


def cam(maps, logits, seed):
    """The maps of one target; NaN where an image has no such class."""
    known = np.isfinite(seed).all(1)
    given = torch.from_numpy(np.where(known[:, None], seed, 0)).float().to(logits.device)
    m = maps.gradcam(logits, given)
    m[~known] = np.nan
    return m


def end_by(sig):
    """As a program that does not catch the signal."""
    signal.signal(sig, signal.SIG_DFL)
    os.kill(os.getpid(), sig)


def main():
    try:
        os.fstat(1)
    except OSError:
        # No file that is opened later may stand for a closed standard output.
        os.dup2(os.open(os.devnull, os.O_RDONLY), 1)
    a = options(sys.argv[1:])
    status = 1
    try:
        run(a)
        return
    except BrokenPipeError:
        Output.drop_all()
        end_by(signal.SIGPIPE)
    except KeyboardInterrupt:
        Output.drop_all()
        end_by(signal.SIGINT)
    except Failure as e:
        status, why = e.status, str(e)
    except OSError as e:
        why = f"{e.filename}: {e.strerror}" if e.filename else e.strerror or str(e)
    except Exception as e:
        # The code of a network may fail in any way.
        last = traceback.extract_tb(e.__traceback__)[-1]
        why = f"{own_words(e)} ({last.filename}:{last.lineno}; -v shows the calls)"
        if a.verbose:
            traceback.print_exc()
    Output.drop_all()
    say(why)
    sys.exit(status)


if __name__ == "__main__":
    main()
