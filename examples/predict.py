#!/usr/bin/env python3
"""Any PyTorch classifier in the place of cifar-predict: the same rows, tensors and tables.

    predict.py --module FILE.py:NAME --model weights.pth --data PATH [OPTION ...] > rows.tsv
    make analysis MODEL=weights.pth DATA=... PREDICT='python3 examples/predict.py --module net.py:build --'

NAME is a class or a function that returns the network, torch.nn.Module; FILE.py may also be
the name of an installed package, and arguments may follow: 'torchvision.models:vgg11(num_classes=10)'.
The weights of --model are loaded into it. --pickle instead takes a whole network that torch.save
wrote: reading one runs whatever code is in it. A --model that ends in .py needs neither; its
function `build` returns the network with its weights:

    make analysis MODEL=net.py DATA=... PREDICT='python3 examples/predict.py'

Class maps come from the last layer whose output is (n, channels, h, w), or from --layer, a name
of named_modules(). If only an average and one linear layer follow, they are unnormalised CAMs:
sum_k W[c,k] A_k / (h w). Else they are Grad-CAM by gradients, sum_k mean(dz_c / dA_k) A_k, and
do not sum to the logit. A network without such a layer, such as a transformer, has no maps: then
their files are not written, and the analysis has tables and texts but no sheets. Embeddings are
the input of the last linear layer.

--features and --weights write what the class maps are made of: the activations A, and W, which is
(classes, channels) for such a linear layer and else (n, classes, channels), the gradients summed
over the cells of each image. `cam-compute --features --weights` takes both. They are several times
larger than class maps, which hold as much for every target and score; so the analysis takes those.

Pixels are scaled to [0,1] and normalised by --mean and --std. Without these the constants are those
that the network or its checkpoint holds, else the usual ones of the data set and, as a guess,
CIFAR-100's for other images. A network trained on ImageNet needs
--mean .485,.456,.406 --std .229,.224,.225. One whose first layer takes one channel sees images in
grey. predictor.py, which lies beside this file, has the rest: images, rows, tensors and options.
"""
import ast
import importlib
import importlib.util
import json
import os
import pickle
import re
import sys
from pathlib import Path

import torch
from torch import nn

import predictor
from predictor import GRID, Failure, Usage, own_words, scaled

# How modules and configurations call constants of pixels.
PAIRS = (("mean", "std"), ("means", "stds"), ("_mean", "_std"), ("mean_", "std_"), ("mu", "sigma"), ("mu", "std"),
         *((f"{of}_mean", f"{of}_std") for of in (
             "new", "pixel", "image", "img", "data", "dataset", "norm", "normalize", "train", "channel", "rgb",
             "input", "cifar10", "cifar100")))


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


def logits_of(out):
    out = getattr(out, "logits", out)
    if isinstance(out, dict):
        out = out["logits"]
    if isinstance(out, (tuple, list)):
        out = out[0]
    if not isinstance(out, torch.Tensor) or out.ndim != 2:
        raise Failure("expected logits (n, classes) from the network, found something else")
    return out


def planes(out):
    return isinstance(out, torch.Tensor) and out.ndim == 4 and out.is_floating_point()


def array(t):
    return t.detach().float().cpu().numpy()


class Network(predictor.Network):
    """A module whose layers are looked at by hooks."""

    remedy = "; --layer names one"

    def __init__(self, a):
        self.net, self.stored = load_network(a)
        self.asked = a.layer
        self.dtype = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}[a.precision]
        self.device = device_of(a.device)
        if a.threads:
            torch.set_num_threads(a.threads)
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
        inside = stored_constants(self.net.state_dict())
        self.normalises = inside and inside[2]
        self.stored = self.stored or stored_constants(getattr(self.net, "pretrained_cfg", None) or {})  # timm's
        first = next((m for m in self.net.modules() if isinstance(m, nn.Conv2d)), None)
        self.channels = 1 if first is not None and first.in_channels == 1 else 3
        self.net = self.net.to(self.device, self.dtype).eval()
        # Parameters need no gradients: they begin at the layer.
        for p in self.net.parameters():
            p.requires_grad_(False)
        self.words = {
            "architecture": f"{type(self.net).__name__}, {sum(p.numel() for p in self.net.parameters())} parameters",
            "device": f"PyTorch {torch.__version__}, {self.device}"}

    def look(self, x):
        x = torch.from_numpy(x).to(self.device, self.dtype)
        modules = dict(self.net.named_modules())
        if self.asked is not None and self.asked not in modules:
            names = [n for n, m in modules.items() if n and not list(m.children())]
            raise Failure(f"--layer: expected a layer such as {', '.join(names[-3:])}, found '{self.asked}'")
        seen, hooks = [], []
        for n, m in modules.items():
            hooks.append(m.register_forward_hook(lambda m, given, out, n=n: seen.append((n, m, given, out))))
        with torch.no_grad():
            logits = logits_of(self.net(x)).float()
        for h in hooks:
            h.remove()
        predictor.check_finite(array(logits), "the first images")
        self.classes = logits.shape[1]
        self.find_linear(seen, logits)
        layer, acts, after = self.choose(seen)
        if layer is None:
            return
        self.layer, self.size = layer, tuple(acts.shape[2:])
        self.item |= {"features": tuple(acts.shape[1:]), "weights": (self.classes, acts.shape[1])}
        self.finer = None if min(self.size) >= GRID else self.finer_layer(seen[:len(seen) - len(after)])
        linear = [m for _, m, _, _ in after if isinstance(m, nn.Linear)]
        self.end = f"{len(linear)} linear layers" if len(linear) > 1 else \
            "a linear layer without an average before it" if linear else "a layer that is not linear"
        self.head = None
        if linear and linear[-1].weight.shape == (self.classes, acts.shape[1]):
            z = linear[-1](acts.float().mean((2, 3)).to(acts.dtype)).float()
            if torch.allclose(z, logits, rtol=1e-3, atol=1e-3 * logits.abs().max().item()):
                self.head = linear[-1]
        self.exact = self.head is not None
        modules[layer].register_forward_hook(self.keep)

    def find_linear(self, seen, logits):
        """The last linear layer, if it makes the logits: its input is the embedding of an image."""
        self.item = {}
        last = next(((m, given, out) for _, m, given, out in reversed(seen) if isinstance(m, nn.Linear)), None)
        if last is None or last[2].shape != logits.shape or not torch.equal(last[2].float(), logits):
            return
        layer, given, _ = last
        bias = torch.zeros(self.classes) if layer.bias is None else layer.bias
        self.linear = array(layer.weight), array(bias)
        self.item["embeddings"] = tuple(given[0].shape[1:])
        layer.register_forward_pre_hook(lambda m, given: setattr(self, "embedding", given[0].detach()))

    @staticmethod
    def finer_layer(seen):
        """The deepest layer whose grid shows places."""
        return next((n for n, _, _, out in reversed(seen) if planes(out) and min(out.shape[2:]) >= GRID), "none")

    def choose(self, seen):
        """The last output (n, channels, h, w) that has cells, and what was computed after it."""
        if self.asked is not None:
            at = max((i for i, (n, _, _, _) in enumerate(seen) if n == self.asked), default=None)
            if at is None or not planes(seen[at][3]):
                raise Failure(f"--layer {self.asked}: expected an output (n, channels, h, w), found none")
        else:
            candidates = [i for i, (_, _, _, out) in enumerate(seen) if planes(out)]
            cells = [i for i in candidates if seen[i][3].shape[2:].numel() > 1]
            at = (cells or candidates or [None])[-1]
            # Rows of tokens behind it: what is left of a transformer are its patches.
            if at is None or any(isinstance(o, torch.Tensor) and o.ndim == 3 for _, _, _, o in seen[at + 1:]):
                return None, None, None
        return seen[at][0], seen[at][3], seen[at + 1:]

    def keep(self, module, given, out):
        self.acts = out.detach().requires_grad_()
        # What follows may write into its input.
        return self.acts.clone()

    def forward(self, x):
        self.summed = None
        # A graph from the layer on is kept for gradients.
        with torch.set_grad_enabled(self.layer is not None and not self.exact):
            self.logits = logits_of(self.net(torch.from_numpy(x).to(self.device, self.dtype)))
        return array(self.logits)

    def features(self):
        return array(self.acts)

    def embeddings(self):
        return array(self.embedding)

    def cams(self, seeds):
        """sum_k mean(d(seeds . logits) / dA_k) A_k"""
        acts, seeds = self.acts.detach(), torch.from_numpy(seeds).to(self.device)
        if self.exact:
            weight = seeds.to(acts.dtype) @ self.head.weight / acts.shape[2:].numel()
        else:
            grad, = torch.autograd.grad(self.logits, self.acts, seeds.to(self.logits.dtype), retain_graph=True)
            weight = grad.mean((2, 3))
        return array(torch.einsum("nk,nkhw->nhw", weight.float(), acts.float()))

    def gradients(self):
        """The gradients of all logits summed over the cells: (n, classes, channels)."""
        if self.summed is None:
            one = torch.eye(self.classes, device=self.device, dtype=self.logits.dtype)
            grads = (torch.autograd.grad(self.logits, self.acts, one[c].expand_as(self.logits), retain_graph=True)[0]
                     for c in range(self.classes))
            self.summed = torch.stack([g.float().sum((2, 3)) for g in grads], 1)
        return self.summed

    def weights(self):
        return array(self.gradients())

    def class_maps(self):
        acts = self.acts.detach().float()
        maps = torch.einsum("ck,nkhw->nchw", self.head.weight.float(), acts) if self.exact else \
            torch.einsum("nck,nkhw->nchw", self.gradients(), acts)
        return array(maps / acts.shape[2:].numel())


def add_options(p):
    p.add_argument("--module", metavar="FILE.py:NAME", help="what returns the network")
    p.add_argument("--pickle", action="store_true", help="the checkpoint is a whole network; its code runs")


def all_inputs(a):
    where = (a.module or "").partition(":")[0]
    return [Path(where)] if where.endswith(".py") else []


def main():
    predictor.main("predict.py", __doc__, add_options, Network, all_inputs)


if __name__ == "__main__":
    main()
