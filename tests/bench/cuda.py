#!/usr/bin/env python3
"""Times cifar-predict and PyTorch on one GPU, on the same images, in turns.

    predict      logits of every image
    class-maps   and the maps of all classes at the last stage, on the host
    layer3       and Grad-CAM of the predicted class at layer3, by a pass backward

For heatpipe: the time from the first image read to the last row written, and that
before it, both as the program says them with -v. For PyTorch: from bytes on the host,
normalised on the GPU, to results on the host. The data set is repeated so that there
are enough images. Peers that are not there are left out.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# dtype, channels last, TF32
PEERS = {"PyTorch f32": ("float32", False, False),
         "PyTorch f32 as tf32": ("float32", True, True),
         "PyTorch f16 channels_last": ("float16", True, False),
         "PyTorch bf16 channels_last": ("bfloat16", True, False)}
TASKS = {"predict": [], "class-maps": ["--class-maps"], "layer3": ["--layer", "layer3", "--cams"]}
RECORD = 2 + 3 * 32 * 32


def options():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--program", default="build/bin/cifar-predict")
    p.add_argument("--model", default="examples/shapes100/model.pth")
    p.add_argument("--data", default="examples/shapes100")
    p.add_argument("--device", default="cuda")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--images", type=int, default=50000, help="at least")
    p.add_argument("--batch", type=int, default=512, help="of PyTorch")
    p.add_argument("--tasks", default=",".join(TASKS), help="which, separated by commas")
    p.add_argument("--peer", action="store_true", help=argparse.SUPPRESS)
    return p.parse_args()


def test_bin(data):
    path = Path(data)
    return path / "test.bin" if path.is_dir() else path


class Peer:
    """A network as one of PEERS has it, and what tasks do with a batch."""

    def __init__(self, o, name):
        import make
        import torch
        kind, last, self.tf32 = PEERS[name]
        self.dtype, self.device = getattr(torch, kind), torch.device(o.device)
        self.form = torch.channels_last if last else torch.contiguous_format
        self.net = make.load(o.model).to(self.device, self.dtype, memory_format=self.form)
        self.net.requires_grad_(False)
        self.mean = torch.tensor([.5071, .4867, .4409], device=self.device).view(1, 3, 1, 1) * 255
        self.std = torch.tensor([.2673, .2564, .2762], device=self.device).view(1, 3, 1, 1) * 255

    def batch(self, x):
        part = (x.to(self.device, non_blocking=True).float() - self.mean) / self.std
        return part.to(self.dtype, memory_format=self.form)

    def kept(self, layer, x):
        """The activations of a layer, and the logits."""
        kept = []
        hook = self.net.get_submodule(layer).register_forward_hook(lambda m, i, y: kept.append(y))
        logits = self.net(x)
        hook.remove()
        return kept[0], logits

    def predict(self, x):
        return [self.net(x)]

    def class_maps(self, x):
        import torch
        last, logits = self.kept(self.net.stages[-1], x)
        linear = self.net.get_submodule("fc").weight
        return [logits, torch.einsum("nchw,kc->nkhw", last.float(), linear.float())]

    def layer3(self, x):
        import torch
        with torch.enable_grad():
            # Nothing before the layer needs a gradient.
            hook = self.net.layer3.register_forward_hook(lambda m, i, y: y.requires_grad_())
            last, logits = self.kept("layer3", x)
            hook.remove()
            grad, = torch.autograd.grad(logits.max(1).values.sum(), last)
        weight = grad.float().mean((2, 3), keepdim=True)
        return [logits, (weight * last.float()).sum(1)]


def peer(o):
    """For each line on stdin, PEER and TASK, the seconds of a run or why there is none."""
    # Not this folder: this file would hide a package of its name.
    sys.path[0] = str(Path(__file__).resolve().parents[1] / "golden/engine")
    import numpy as np
    import torch
    torch.backends.cudnn.benchmark = True
    data = np.fromfile(o.data, np.uint8).reshape(-1, RECORD)[:, 2:].reshape(-1, 3, 32, 32)
    x = torch.from_numpy(data.copy())
    x = x.pin_memory() if o.device != "cpu" else x
    peers, warm = {}, set()

    def go(p, task):
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = p.tf32
        work = getattr(p, task.replace("-", "_"))
        with torch.no_grad():
            for i in range(0, len(x), o.batch):
                for y in work(p.batch(x[i:i + o.batch])):
                    y.float().cpu()

    print("ready", flush=True)
    for line in sys.stdin:
        name, task = line.rstrip("\n").split("\t")
        try:
            p = peers.setdefault(name, None) or Peer(o, name)
            peers[name] = p
            if (name, task) not in warm:
                go(p, task)
                warm.add((name, task))
            start = time.perf_counter()
            go(p, task)
            print(time.perf_counter() - start, flush=True)
        except Exception as e:  # whatever a peer cannot do here is said, and left out
            print(f"{type(e).__name__}: {e}".splitlines()[0], flush=True)


class Torch:
    """All peers are in one process, since each start takes seconds."""
    process = None

    def __init__(self, o, name, task):
        self.line = f"{name}\t{task}\n"
        if not Torch.process:
            Torch.process = subprocess.Popen(
                [sys.executable, __file__, "--model", o.model, "--data", o.data, "--device",
                 o.device, "--batch", str(o.batch), "--peer"], stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            Torch.why = ""
            if not Torch.process.stdout.readline().startswith("ready"):
                Torch.why = (Torch.process.stderr.read().strip().splitlines() or ["it ended"])[-1]
        self.why = Torch.why
        self.good = not self.why and self.run() is not None

    def run(self):
        Torch.process.stdin.write(self.line)
        Torch.process.stdin.flush()
        said = Torch.process.stdout.readline().strip()
        try:
            return float(said), 0.0
        except ValueError:
            self.why = said or "it ended"
            return None


class Heatpipe:
    def __init__(self, o, precision, task):
        more = TASKS[task]
        self.command = [o.program, "-v", "--model", o.model, "--data", o.data, "--device",
                        o.device, "--precision", precision, *more, *([o.tensor] if more else [])]
        self.why = ""
        self.good = self.run("--limit", "1") is not None

    def run(self, *more):
        start = time.perf_counter()
        done = subprocess.run([*self.command, *more], stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True, check=False)
        whole = time.perf_counter() - start
        said = re.search(r"images in ([0-9.]+) s", done.stderr)
        if done.returncode != 0 or not said:
            self.why = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
            return None
        run = float(said[1])
        return run, whole - run


def compare(o, task):
    images = Path(o.data).stat().st_size // RECORD
    runners = {f"heatpipe {p}": Heatpipe(o, p, task) for p in ("f32", "f16", "bf16")}
    if not any(r.good for r in runners.values()):
        print(next(iter(runners.values())).why)
        return 1
    runners |= {name: Torch(o, name, task) for name in PEERS}
    for name in [n for n, r in runners.items() if not r.good]:
        print(f"{name}: not available here: {runners[name].why}")
        del runners[name]
    times = {name: [] for name in runners}
    for _ in range(o.rounds):
        for name, r in runners.items():
            times[name].append(r.run() or (float("inf"), 0.0))
    best = {name: min(t)[0] for name, t in times.items()}
    print(f"{task}, {images} images, {o.device}: best, and slowest, of {o.rounds} rounds in turns; "
          "ratio to heatpipe in the same precision")
    print(f"{'':28}{'s':>8}{'to':>8}{'images/s':>10}{'start s':>9}{'ratio':>8}")
    for name, t in times.items():
        base = best.get("heatpipe " + name.split()[1], best[name])
        print(f"{name:28}{best[name]:8.3f}{max(t)[0]:8.3f}{images / best[name]:10.0f}"
              f"{min(v[1] for v in t):9.2f}{best[name] / base:8.2f}", flush=True)
    return 0


def main():
    o = options()
    if o.peer:
        return peer(o)
    data = test_bin(o.data).read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        o.data, o.tensor = folder + "/images.bin", folder + "/tensor.npy"
        with open(o.data, "wb") as f:
            for _ in range(-(-o.images * RECORD // len(data))):
                f.write(data)
        return max(compare(o, task) for task in o.tasks.split(","))


sys.exit(main())
