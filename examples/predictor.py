"""What a predictor of one's own shares with any other: images, options, rows and tensors.

predict.py and predict_onnx.py put a network behind it. One of your own is a class with what Network
below says, and a call of main(). Outputs, names and labels follow cifar-predict(1): a file gets its
name when it is complete, a device or a pipe is written directly, and a file that is read cannot be an
output. Status is 1 for data that cannot be read or written and for errors of the network's own code
(-v shows the calls), 2 for the command line and 3 for a device that is missing.
"""
import argparse
import gzip
import hashlib
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
from PIL import Image

VERSION = "0.1.0"  # of heatpipe
USUAL = {  # mean and standard deviation of the pixels of each data set
    "cifar10": ((.4914, .4822, .4465), (.2470, .2435, .2616)),
    "cifar100": ((.5071, .4867, .4409), (.2673, .2564, .2762)),
    "svhn": ((.4377, .4438, .4728), (.1980, .2010, .1970)),
    "stl10": ((.4467, .4398, .4066), (.2603, .2566, .2713)),
    "tiny-imagenet": ((.4802, .4481, .3975), (.2770, .2691, .2821)),
    "mnist": ((.1307,) * 3, (.3081,) * 3),
    "fashion-mnist": ((.2860,) * 3, (.3530,) * 3),
}
FASHION = "T-shirt/top Trouser Pullover Dress Coat Sandal Shirt Sneaker Bag".split() + ["Ankle boot"]
STL10 = "airplane bird car cat deer dog horse monkey ship truck".split()
ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".webp")
COLUMNS = ("id true pred correct conf p_true rank_true margin entropy loss true_name pred_name "
           "true_group pred_group pred2 pred3 pred4 pred5 conf2 conf3 conf4 conf5").split()


NAME_BYTES, CLASSES = 65536, 65536  # the limits of heatpipe-input(5)
GRID = 4  # cells on a side: maps of fewer show no places
OUTPUTS = ("logits features class_maps cams embeddings ids classes run weights biases linear_weights linear_biases "
           "skip_damaged").split()
PROGRAM = "predictor.py"  # main() gets its name


class Failure(Exception):
    """What was expected and what was found, for people."""

    status = 1


class Usage(Failure):
    """The same of the command line."""

    status = 2


class Damaged(Failure):
    """An image that cannot be read."""


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
        self.size, self.crop, self.mode = a.resize, a.crop, "RGB"
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
        if self.labels is not None and len(self.labels) != len(self) and not a.labels:
            raise Failure(f"{path}: expected a label for each of {len(self)} images, found {len(self.labels)}")
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
        inner = ["", "cifar-100-binary", "cifar-100-python", "cifar-10-batches-bin", "cifar-10-batches-py",
                 "FashionMNIST/raw", "MNIST/raw", "KMNIST/raw", "raw", "stl10_binary"]
        names = ["test.bin", "test_batch.bin", "test", "test_batch", "t10k-images-idx3-ubyte",
                 "t10k-images-idx3-ubyte.gz", "t10k-images.idx3-ubyte", "test_X.bin", "test_32x32.mat"]
        for file in (path / folder / name for folder in inner for name in names):
            if file.is_file():
                return file
        if (path / "val" / "val_annotations.txt").is_file():
            return path / "val"
        folders = {p.name for p in path.iterdir() if p.is_dir() and not p.name.startswith(".")}
        if folders and folders <= {"train", "test", "val", "valid"} and folders != {"train"}:
            parts = [path / s for s in ("test", "val", "valid") if s in folders]
            return next((p for p in parts if any(q.is_dir() for q in p.iterdir())), parts[0])
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
        elif start[:2] == b"\x1f\x8b" or start[:4] == b"\0\0\x08\x03":
            self.open_mnist(path)
        elif start == b"MATLAB":
            self.open_svhn(path)
        elif path.name.endswith("_X.bin"):
            self.open_stl10(path)
        else:
            self.open_cifar(path, start)

    def open_mnist(self, path):
        real = str(path.resolve()).lower().replace("-", "").replace("_", "")
        self.kind = "fashion-mnist" if "fashionmnist" in real else "mnist"
        self.names = FASHION if self.kind == "fashion-mnist" else []
        self.pixels = read_idx(path)
        labels = re.sub(r"images([-.])idx3-ubyte(\.gz)?$", r"labels\1idx1-ubyte", path.name)
        for beside in (path.parent / labels, path.parent / (labels + ".gz")):
            if beside.is_file() and labels != path.name and self.labels is None:
                self.inputs.append(beside)
                self.labels = read_idx(beside).tolist()

    def open_svhn(self, path):
        self.kind = "svhn"
        try:
            from scipy.io import loadmat
        except ImportError as e:
            raise Failure(f"{path}: expected SciPy for files of MATLAB, found none") from e
        try:
            stored = loadmat(path, variable_names=("X", "y"))
            self.pixels = stored["X"].transpose(3, 0, 1, 2)
            self.labels = (stored["y"].ravel() % 10).tolist()
        except (KeyError, ValueError, TypeError, NotImplementedError) as e:
            raise Failure(f"{path}: expected X (h,w,3,n) and y of SVHN, found others ({own_words(e)})") from e

    def open_stl10(self, path):
        self.kind, self.names = "stl10", STL10
        size = path.stat().st_size
        if size == 0 or size % (3 * 96 * 96):
            raise Failure(f"{path}: expected images of {3 * 96 * 96} bytes, found {size} bytes")
        # Columns, one behind the other.
        self.pixels = np.memmap(path, np.uint8, "r").reshape(-1, 3, 96, 96).transpose(0, 3, 2, 1)
        labels, names = path.with_name(path.name[:-5] + "y.bin"), path.with_name("class_names.txt")
        if labels.is_file():
            self.inputs.append(labels)
            self.labels = (np.fromfile(labels, np.uint8).astype(int) - 1).tolist()
        if names.is_file():
            self.inputs.append(names)
            self.names = names_of_text(names)

    def open_cifar(self, path, start):
        if start[:1] == b"\x80":
            batch = unpickle(path)
            self.labels = batch.get("fine_labels", batch.get("labels"))
            self.groups = batch.get("coarse_labels")
            planes = np.asarray(batch["data"]).reshape(-1, 3, 32, 32)
        else:
            size = path.stat().st_size
            width = 3074 if size % 3074 == 0 else 3073
            if size == 0 or size % width:
                raise Failure(f"{path}: expected records of CIFAR, .npy, a pickle or the files of MNIST, SVHN or "
                              f"STL-10, found {size} bytes of something else")
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

    def open_tiny(self, path):
        """The validation images of Tiny ImageNet as it is packed, in the order of their table."""
        self.kind = "tiny-imagenet"
        notes, wnids, words = path / "val_annotations.txt", path.parent / "wnids.txt", path.parent / "words.txt"
        self.inputs += [p for p in (notes, wnids, words) if p.is_file()]
        found = [ln.split("\t")[:2] for ln in lines_of(notes)]
        ids = sorted({ln.split("\t")[0] for ln in lines_of(wnids)} if wnids.is_file() else {c for _, c in found})
        number = {c: i for i, c in enumerate(ids)}
        for n, (name, c) in enumerate(found, 1):
            if c not in number or "/" in name:
                raise Failure(f"{notes}:{n}: expected an image and the id of a class of wnids.txt, found '{name} {c}'")
        self.labels = [number[c] for _, c in found]
        self.files = [path / "images" / name for name, _ in found]
        self.inputs += self.files
        full = dict(ln.split("\t")[:2] for ln in lines_of(words) if "\t" in ln) if words.is_file() else {}
        full = {c: full[c] for c in ids if c in full}
        # The first name of each, or all where the first is several classes'.
        brief = {c: f.split(",")[0] for c, f in full.items()}
        once = [{v for v in d.values() if list(d.values()).count(v) == 1} for d in (brief, full)]
        self.names = [brief[c] if brief.get(c) in once[0] else full[c] if full.get(c) in once[1] else c for c in ids]

    def open_folder(self, path):
        """Numbered and sorted as torchvision's ImageFolder does it."""
        if (path / "val_annotations.txt").is_file() and (path / "images").is_dir():
            self.open_tiny(path)
            return
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
        """As large as the network takes it, and grey where it takes one channel."""
        if self.files:
            try:
                with Image.open(self.files[i]) as f:
                    picture = f.convert("RGB")
            except (OSError, ValueError, SyntaxError) as e:
                raise Damaged(f"{self.files[i]}: expected an image, found {e}") from e
        else:
            picture = Image.fromarray(np.ascontiguousarray(self.pixels[i])).convert("RGB")
        return np.asarray(cropped(resized(picture, self.size), self.crop).convert(self.mode))


def read_idx(path):
    """Bytes in the layout of MNIST, packed or not."""
    try:
        with (gzip.open if path.read_bytes()[:2] == b"\x1f\x8b" else open)(path, "rb") as f:
            data = f.read()
    except (OSError, EOFError) as e:
        raise Failure(f"{path}: expected what gzip packed, found something else ({own_words(e)})") from e
    axes = data[3] if len(data) > 4 and data[:3] == b"\0\0\x08" else 0
    shape = np.frombuffer(data, ">u4", axes, 4).tolist() if len(data) >= 4 + 4 * axes else []
    if axes not in (1, 3) or len(data) != 4 + 4 * axes + np.prod(shape, dtype=np.int64):
        raise Failure(f"{path}: expected bytes in MNIST's layout, found {len(data)} bytes of something else")
    return np.frombuffer(data, np.uint8, offset=4 + 4 * axes).reshape(shape)


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


# --- rows ---

class Rows:
    """What the logits of a batch say: cifar-predict(1), section Rows."""

    def __init__(self, z, labels, temperature):
        z = z.astype(np.float64)
        n, classes = z.shape
        at, labels = np.arange(n), np.asarray(labels)
        d = (z - z.max(1, keepdims=True)) / temperature
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

class Network:
    """What main() asks of a network. Arrays are NumPy's; n is a batch."""

    model = None           # path of the file
    words = {}             # rows of --run: architecture, device
    classes = 0
    channels = 3           # that it takes, 1 or 3
    side = None            # (h, w) of the images that it takes alone
    normalises = None      # the name of the constants by which it normalises pixels itself
    stored = None          # constants of pixels that its file holds: (mean, std, name)
    layer = None           # of the maps, or None where there are none
    size = (0, 0)          # their cells
    finer = None           # the deepest layer of more cells, where these are few
    end = "other operations"  # what ends the network where its class maps do not add up to logits
    remedy = ""            # what the user can do where there are no maps
    exact = False          # they do: an average and one linear layer end the network
    linear = None          # (weights, biases) of the last linear layer, whose input embeddings are
    inputs = ()            # further files that it is read from
    item = {}              # the shape of an item of features, of weights

    def look(self, x):
        """The first images, (n, channels, h, w) float32: finds the classes and the layer."""

    def forward(self, x):
        """Logits (n, classes). What follows is about these images."""

    def features(self):
        """(n, channels of the layer, h, w)"""

    def embeddings(self):
        """(n, c), or None"""

    def class_maps(self):
        """(n, classes, h, w)"""

    def weights(self):
        """(n, classes, channels of the layer)"""

    def cams(self, seeds):
        """(n, h, w) of the derivative of a score with respect to the logits, (n, classes)"""


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
    if len(v) not in (1, 3) or not np.isfinite(v).all():
        raise argparse.ArgumentTypeError(f"expected three numbers R,G,B or one, found '{s}'")
    return v * 3 if len(v) == 1 else v


def three_positive(s):
    if min(three(s)) <= 0:
        raise argparse.ArgumentTypeError(f"expected three positive numbers R,G,B or one, found '{s}'")
    return three(s)


def temperature(s):
    try:
        v = float(s)
    except ValueError:
        v = 0
    if not .01 <= v <= 100:
        raise argparse.ArgumentTypeError(f"expected a number from 0.01 to 100, found '{s}'")
    return v


def shard(s):
    m = re.fullmatch(r"([0-9]{1,10})/([0-9]{1,10})", s)
    if not m or int(m[1]) >= int(m[2]):
        raise argparse.ArgumentTypeError(f"expected I/N with I from 0 to N-1, found '{s}'")
    return int(m[1]), int(m[2])


def options(doc, add, argv):
    p = argparse.ArgumentParser(prog=PROGRAM, description=doc, allow_abbrev=False,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    add(p)
    p.add_argument("--batch", type=whole(1), default=100, metavar="N", help="images at a time")
    p.add_argument("--weights", metavar="FILE", help="write what weighs the channels of --features")
    p.add_argument("--biases", metavar="FILE", help="write the biases of the linear layer behind them")
    same = p.add_argument_group("as cifar-predict")
    same.add_argument("-m", "--model", metavar="FILE")
    same.add_argument("-d", "--data", metavar="PATH")
    same.add_argument("--names", metavar="PATH")
    same.add_argument("--labels", metavar="FILE")
    same.add_argument("--resize", type=size, metavar="HxW")
    same.add_argument("--crop", type=size, metavar="HxW")
    same.add_argument("--mean", type=three, metavar="R,G,B")
    same.add_argument("--std", type=three_positive, metavar="R,G,B")
    for name in OUTPUTS:
        if name not in ("weights", "biases"):
            same.add_argument("--" + name.replace("_", "-"), metavar="FILE")
    same.add_argument("-l", "--layer", metavar="NAME")
    same.add_argument("--target", default="pred", metavar="LIST")
    same.add_argument("--score", default="logit", choices=("logit", "logprob", "prob"))
    same.add_argument("--temperature", type=temperature, default=1., metavar="T")
    same.add_argument("--max-classes", type=whole(1), metavar="N")
    same.add_argument("--list-inputs", action="store_true")
    same.add_argument("-p", "--precision", default="f32", choices=("f32", "bf16", "f16"))
    same.add_argument("--exact", action="store_true", help="no effect")
    same.add_argument("--device", default="auto", metavar="NAME")
    same.add_argument("-t", "--threads", type=whole(0), default=0, metavar="N")
    same.add_argument("-n", "--limit", type=whole(0), metavar="N")
    same.add_argument("--shard", type=shard, metavar="I/N")
    same.add_argument("-v", "--verbose", action="store_true")
    # A make variable ends with it, so that a program's own options come first.
    a = p.parse_args([w for w in argv if w != "--"])
    if not a.list_inputs and not (a.model and a.data):
        p.error("expected --model FILE and --data PATH")
    return a


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
    if a.skip_damaged and not a.ids and (a.logits or a.features or a.class_maps or a.embeddings or a.cams):
        raise Usage("--skip-damaged: expected --ids FILE with it, because item i of a tensor need not be image i")


def own_words(e):
    """An error of Python's in one line."""
    words = " ".join(str(e).split())
    return f"{type(e).__name__}: {words[:200]}" if words else type(e).__name__


def say(words):
    print(f"{PROGRAM}: {words}", file=sys.stderr)


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
        print(f"{chr(13) if self.terminal else ''}{PROGRAM}: {done}/{self.total} images, {rate:.0f}/s, "
              f"{(self.total - done) / rate:.0f} s left", end="" if self.terminal else "\n",
              file=sys.stderr, flush=True)

    def end(self):
        if self.terminal:
            print("\r\033[K", end="", file=sys.stderr)


def scaled(mean, std):
    """Constants of pixels from 0 to 255 for those from 0 to 1."""
    by = 255 if max(mean + std) > 2 else 1
    return tuple(v / by for v in mean), tuple(v / by for v in std)


def constants(a, data, net):
    """By the rule of cifar-predict(1); where they come from, and whether they are a guess."""
    guess = False
    if net.normalises:
        mean, std, where = (0., 0., 0.), (1., 1., 1.), f"none: the network normalises by its own '{net.normalises}'"
    elif net.stored:
        mean, std, where = net.stored[0], net.stored[1], f"the checkpoint's {net.stored[2]}"
    elif data.kind in USUAL and (net.channels == 3 or "mnist" in data.kind):
        (mean, std), where = USUAL[data.kind], f"{data.kind}, the default for {data.kind} data"
    else:
        word = "cifar100" if net.channels == 3 else "half"
        (mean, std), guess = USUAL.get(word, ((.5,) * 3, (.5,) * 3)), data.kind not in USUAL and not (a.mean and a.std)
        where = f"{word}, a guess: neither the checkpoint nor the images tell" if data.kind not in USUAL else \
            f"{word}, the default for {data.kind} data"
    given = [o for o, v in (("--mean", a.mean), ("--std", a.std)) if v]
    if given:
        where = "options --mean and --std" if len(given) == 2 else f"option {given[0]}; otherwise {where}"
    given_mean, given_std = scaled(a.mean or (0, 0, 0), a.std or (1, 1, 1))
    mean, std = given_mean if a.mean else mean, given_std if a.std else std
    mean, std = mean[:net.channels], std[:net.channels]
    say("pixels: mean %s, standard deviation %s (%s)" % (numbers(mean), numbers(std), where))
    return mean, std, where, guess


def numbers(v):
    return ",".join("%.7g" % x for x in v)


def write_run(a, data, images, net, mean, std, constants_from, guess):
    rows = {"version": f"{VERSION} ({PROGRAM})", "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "checkpoint": a.model, "checkpoint_bytes": os.path.getsize(a.model),
            "checkpoint_sha256": hashlib.sha256(Path(a.model).read_bytes()).hexdigest(),
            "architecture": net.words["architecture"], "assumptions": None, "data": str(data.path), "images": images,
            "shard": a.shard and "%d/%d" % a.shard, "classes": net.classes, "mean": numbers(mean),
            "std": numbers(std), "constants_from": constants_from,
            "temperature": a.temperature if a.temperature != 1 else None,
            "precision": a.precision, "device": net.words["device"]}
    if net.layer is not None and (a.class_maps or a.cams):
        rows |= {"layer": "last stage" if net.exact else net.layer, "method": "gradcam",
                 "score": a.score if a.cams else "logit", "map_size": "%dx%d" % net.size, "finer_layer": net.finer,
                 "network_end": None if net.exact else net.end}
    for name in "shard", "temperature", "network_end":
        if rows.get(name, "") is None:
            del rows[name]
    if guess:
        rows["warning"] = f"The constants of the pixels, mean {numbers(mean)} and standard deviation {numbers(std)}, " \
            "are a guess: --mean and --std give those that the network was trained with."
    out = Output(a.run)
    out.write(line(["name", "value"]))
    for name, value in rows.items():
        out.write(line([name, value]))


def check_labels(a, data, classes):
    if a.max_classes and classes > a.max_classes:
        raise Failure(f"{a.model}: expected at most {a.max_classes} classes (--max-classes), found {classes}")
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


def open_tensors(a, net, words):
    item = {"logits": (net.classes,), "ids": ()}
    if net.layer is not None:
        item |= {"class_maps": (net.classes, *net.size), "cams": (len(words), *net.size),
                 "features": net.item["features"]}
        if not net.exact:
            item["weights"] = net.item["weights"]
    elif a.features or a.weights:
        raise Failure("--features, --weights: expected a layer with an output (n, channels, h, w), found none")
    if "embeddings" in net.item:
        item["embeddings"] = net.item["embeddings"]
    elif a.embeddings:
        say("this network has no embeddings: no linear layer makes its logits")
    return {k: Tensor(getattr(a, k), "<i8" if k == "ids" else "<f4", s) for k, s in item.items()
            if getattr(a, k)}


def put_linear(a, net):
    """The linear layer that makes the logits, which is also what weighs features before an average."""
    if not net.exact and a.biases:
        raise Failure("--biases: expected an average and one linear layer at the end, found others")
    if net.linear is None:
        return
    weights, biases = net.linear
    for path, v in ((a.linear_weights, weights), (a.linear_biases, biases), (net.exact and a.weights, weights),
                    (net.exact and a.biases, biases)):
        if path:
            Tensor(path, "<f4", v.shape[1:]).put(v)


def read_images(a, data, ids, damaged):
    """The ids that can be read, and their images."""
    kept, images = [], []
    for i in ids:
        try:
            images.append(data.image(i))
            kept.append(i)
        except Damaged as e:
            if damaged is None:
                raise
            file, _, reason = str(e).partition(": ")
            damaged.write(line([i, file, reason]))
    for i, im in zip(kept, images):
        if im.shape != images[0].shape:
            raise Failure(f"image {i}: expected {images[0].shape[:2]} pixels, found {im.shape[:2]}: "
                          "--resize HxW makes all images one size")
    return kept, images


def run(a, open_network, all_inputs):
    data = Data(a.data, a) if a.data else None
    inputs = ([Path(a.model)] if a.model else []) + (data.inputs if data else []) + all_inputs(a)
    if a.list_inputs:
        list_inputs(inputs)
        return
    check_outputs(a, inputs)
    net = open_network(a)
    data.mode = "RGB" if net.channels == 3 else "L"
    if net.side and not (data.size or data.crop):
        data.size = net.side
    pixel_constants = constants(a, data, net)
    shift, scale = (np.array(v, np.float32).reshape(1, -1, 1, 1) for v in pixel_constants[:2])
    damaged = Output(a.skip_damaged) if a.skip_damaged else None

    def tensor(images):
        x = np.stack(images).reshape(len(images), *images[0].shape[:2], -1).transpose(0, 3, 1, 2)
        return np.ascontiguousarray((x.astype(np.float32) / np.float32(255) - shift) / scale)

    total = len(data) if a.limit is None else min(len(data), a.limit)
    taken = range(total) if a.shard is None else range(a.shard[0], total, a.shard[1])
    first = read_images(a, data, range(min(2, len(data))), None if damaged is None else Null())[1]
    if not first:
        raise Failure(f"{data.path}: expected images, found none that can be read")
    net.look(tensor(first))
    check_labels(a, data, net.classes)
    words = [w for t in a.target.split(",")
             for w in ([f"class:{c}" for c in range(net.classes)] if t == "all" else [t])]
    if net.layer is None and (a.class_maps or a.cams):
        say("this network has no layer with maps: none are written" + net.remedy)
        a.class_maps = a.cams = None
    elif a.class_maps or a.cams:
        how = "exact, before the average" if net.exact else "Grad-CAM by gradients"
        say(f"maps of layer '{net.layer}', {net.size[0]} by {net.size[1]}: {how}")
    if a.classes:
        write_classes(a, data, net.classes)
    if a.run:
        write_run(a, data, len(taken), net, *pixel_constants)
    put_linear(a, net)
    tensors = open_tensors(a, net, words)
    if damaged:
        damaged.write(line(["id", "file", "reason"]))
    out = Standard()
    out.write(line(COLUMNS + ["file"] if data.files else COLUMNS))
    out.flush()
    progress = Progress(len(taken), a.verbose)
    for at in range(0, len(taken), a.batch):
        ids, images = read_images(a, data, taken[at:at + a.batch], damaged)
        if ids:
            z = net.forward(tensor(images)).astype(np.float32)
            check_finite(z, f"images {ids[0]} to {ids[-1]}")
            rows = Rows(z, [data.label(i) for i in ids], a.temperature)
            out.write(b"".join(line(rows.fields(k, i, data)) for k, i in enumerate(ids)))
            out.flush()
            put = {"logits": lambda: z, "ids": lambda: np.asarray(ids), "features": net.features,
                   "embeddings": net.embeddings, "weights": net.weights, "class_maps": net.class_maps,
                   "cams": lambda: np.stack([cam(net, seeds(w, rows, z, a.score)) for w in words], 1)}
            for name, t in tensors.items():
                t.put(put[name]())
        progress.show(at + a.batch)
    progress.end()
    Output.name_all()


class Null:
    """An output that is dropped."""

    def write(self, data):
        pass


def check_finite(logits, of):
    if not np.isfinite(logits).all():
        raise Failure(f"{of}: expected finite logits, found others")


def cam(net, seed):
    """The maps of one target; NaN where an image has no such class."""
    known = np.isfinite(seed).all(1)
    m = net.cams(np.where(known[:, None], seed, 0).astype(np.float32))
    m[~known] = np.nan
    return m


def end_by(sig):
    """As a program that does not catch the signal."""
    signal.signal(sig, signal.SIG_DFL)
    os.kill(os.getpid(), sig)


def main(program, doc, add_options, open_network, all_inputs=lambda a: []):
    """The program of this name: `add_options` takes an argparse parser, `open_network` the options and returns a Network,
    `all_inputs` lists further files that are read."""
    global PROGRAM
    PROGRAM = program
    try:
        os.fstat(1)
    except OSError:
        # No file that is opened later may stand for a closed standard output.
        os.dup2(os.open(os.devnull, os.O_RDONLY), 1)
    a = options(doc, add_options, sys.argv[1:])
    status = 1
    try:
        run(a, open_network, all_inputs)
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
