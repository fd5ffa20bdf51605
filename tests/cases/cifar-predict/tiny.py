"""Writes a tiny random checkpoint as torch.save does, with the standard library.

tiny.py FILE [classes=N] [widths=A,B] [stem=SIDE] [EDIT ...], an EDIT being
  drop=KEY  add=KEY  shape=KEY:2,3  nan=KEY  set=KEY:VALUE  large=FACTOR
  buffer=KEY:0.5,0.5,0.5  config=KEY:0.5,0.5,0.5 (in a dict "pretrained_cfg" beside the state dict)
  beside=PATH:0.5,0.5,0.5 (a tensor beside the state dict; "config.mean": in a dict "config")
  untrained=1 (running statistics as a batch norm begins)
  form=bare|state_dict|model_state_dict|unknown|system  prefix=PREFIX
"""

import array
import io
import pickle
import random
import sys
import types
import zipfile
from collections import OrderedDict

torch = types.ModuleType("torch")
utils = types.ModuleType("torch._utils")
training = types.ModuleType("training")


class FloatStorage:
    pass


def _rebuild_tensor_v2(*args):
    raise NotImplementedError


class Config:
    def __init__(self):
        self.epochs = 3


FloatStorage.__module__ = "torch"
_rebuild_tensor_v2.__module__ = "torch._utils"
Config.__module__ = "training"
torch.FloatStorage, utils._rebuild_tensor_v2, training.Config = (
    FloatStorage, _rebuild_tensor_v2, Config)
sys.modules.update({"torch": torch, "torch._utils": utils, "training": training})


class Storage:
    def __init__(self, values):
        self.values = array.array("f", values)


class Tensor:
    def __init__(self, shape, values):
        self.shape, self.storage = shape, Storage(values)

    def __reduce__(self):
        strides, n = [], 1
        for d in reversed(self.shape):
            strides.insert(0, n)
            n *= d
        return _rebuild_tensor_v2, (self.storage, 0, tuple(self.shape), tuple(strides), False,
                                    OrderedDict())


class System:
    def __reduce__(self):
        import os
        return os.system, ("touch pwned",)


class Pickler(pickle.Pickler):
    def __init__(self, f):
        super().__init__(f, 2)
        self.storages = []

    def persistent_id(self, obj):
        if not isinstance(obj, Storage):
            return None
        self.storages.append(obj)
        return "storage", FloatStorage, str(len(self.storages) - 1), "cpu", len(obj.values)


def product(shape):
    n = 1
    for d in shape:
        n *= d
    return n


def state_dict(widths, classes, stem):
    rnd = random.Random(7)
    d = OrderedDict()

    def put(key, shape, deviation=0.0, mean=0.0):
        d[key] = Tensor(shape, [rnd.gauss(mean, deviation) for _ in range(product(shape))])

    def bn(key, n):
        put(key + ".weight", [n], 0.1, 1.0)
        put(key + ".bias", [n], 0.1)
        put(key + ".running_mean", [n], 0.1)
        put(key + ".running_var", [n], 0.05, 1.0)

    def conv(key, norm, oc, ic, k):
        put(key + ".weight", [oc, ic, k, k], (2.0 / (ic * k * k)) ** 0.5)
        bn(norm, oc)

    conv("conv1", "bn1", widths[0], 3, stem)
    c = widths[0]
    for s, w in enumerate(widths, 1):
        p = f"layer{s}.0."
        conv(p + "conv1", p + "bn1", w, c, 3)
        conv(p + "conv2", p + "bn2", w, w, 3)
        if s > 1 or w != c:
            conv(p + "downsample.0", p + "downsample.1", w, c, 1)
        c = w
    put("fc.weight", [classes, c], 1.0)
    put("fc.bias", [classes], 0.1)
    return d


def main():
    path, opts = sys.argv[1], [a.split("=", 1) for a in sys.argv[2:]]
    get = dict(opts).get
    widths = [int(w) for w in get("widths", "4,8").split(",")]
    d = state_dict(widths, int(get("classes", "100")), int(get("stem", "3")))
    for what, arg in opts:
        key, _, more = arg.partition(":")
        if what == "drop":
            del d[key]
        elif what == "add":
            d[key] = Tensor([2, 3], [0.0] * 6)
        elif what == "shape":
            shape = [int(n) for n in more.split(",")]
            d[key] = Tensor(shape, [0.0] * product(shape))
        elif what == "nan":
            d[key].storage.values[1] = float("nan")
        elif what == "set":
            d[key].storage.values[1] = float(more)
        elif what == "buffer":
            values = [float(n) for n in more.split(",")]
            d[key] = Tensor([len(values)], values)
        elif what == "untrained":
            for k, t in d.items():
                if ".running_" in k:
                    t.storage.values = array.array("f", [k.endswith("var")] * t.shape[0])
        elif what == "large":
            for i, v in enumerate(d["fc.weight"].storage.values):
                d["fc.weight"].storage.values[i] = v * float(arg)
    prefix = get("prefix", "")
    d = OrderedDict((prefix + k, v) for k, v in d.items())
    form = get("form", "model_state_dict")
    if form == "bare":
        whole = d
    elif form == "system":
        whole = {"model_state_dict": d, "config": System()}
    elif form == "unknown":
        whole = {"model_state_dict": d, "config": Config(), "metrics": {"accuracy": 0.5}}
    else:
        whole = {form: d}
    config = [arg.partition(":") for what, arg in opts if what == "config"]
    if config:
        whole["pretrained_cfg"] = {k: [float(n) for n in v.split(",")] for k, _, v in config}
    for place, _, text in (arg.partition(":") for what, arg in opts if what == "beside"):
        *folders, last = place.split(".")
        at = whole
        for key in folders:
            at = at.setdefault(key, {})
        values = [float(n) for n in text.split(",")]
        at[last] = Tensor([len(values)], values)

    f = io.BytesIO()
    p = Pickler(f)
    p.dump(whole)
    with zipfile.ZipFile(path, "w") as z:
        def put(name, data):
            z.writestr(zipfile.ZipInfo("model/" + name), data)
        put("data.pkl", f.getvalue())
        put("byteorder", b"little")
        for i, s in enumerate(p.storages):
            put(f"data/{i}", s.values.tobytes())
        put("version", b"3\n")


main()
