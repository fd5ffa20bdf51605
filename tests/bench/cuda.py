#!/usr/bin/env python3
"""Times cifar-predict and PyTorch on one GPU, on the same images, in turns.

For heatpipe: the time from the first image read to the last row written, and that
before it, both as the program says them with -v. For PyTorch: from bytes on the host,
normalised on the GPU, to logits on the host. The data set is repeated so that there
are enough images. Peers that are not there are left out.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PEERS = {"PyTorch f32": ("float32", False), "PyTorch f16 channels_last": ("float16", True)}
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
    p.add_argument("--peer", choices=PEERS, help=argparse.SUPPRESS)
    return p.parse_args()


def test_bin(data):
    path = Path(data)
    return path / "test.bin" if path.is_dir() else path


def peer(o):
    """Predictions each line on stdin with the seconds of a run."""
    # Not this folder: this file would hide a package of its name.
    sys.path[0] = str(Path(__file__).resolve().parents[1] / "golden/engine")
    import make
    import numpy as np
    import torch
    kind, last = PEERS[o.peer]
    dtype, device = getattr(torch, kind), torch.device(o.device)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = True
    form = torch.channels_last if last else torch.contiguous_format
    net = make.load(o.model).to(device, dtype, memory_format=form)
    data = np.fromfile(o.data, np.uint8).reshape(-1, RECORD)[:, 2:].reshape(-1, 3, 32, 32)
    x = torch.from_numpy(data.copy()).pin_memory()
    mean = torch.tensor([.5071, .4867, .4409], device=device).view(1, 3, 1, 1) * 255
    std = torch.tensor([.2673, .2564, .2762], device=device).view(1, 3, 1, 1) * 255

    def go():
        with torch.no_grad():
            for i in range(0, len(x), o.batch):
                part = (x[i:i + o.batch].to(device, non_blocking=True).float() - mean) / std
                net(part.to(dtype, memory_format=form)).float().cpu()
        torch.cuda.synchronize()

    go()
    print("ready", flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        go()
        print(time.perf_counter() - start, flush=True)


class Torch:
    def __init__(self, o, name):
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--model", o.model, "--data", o.data, "--device", o.device,
             "--batch", str(o.batch), "--peer", name], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.good = self.process.stdout.readline().startswith("ready")
        self.why = "" if self.good else (self.process.stderr.read().strip().splitlines() or [""])[-1]

    def run(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline()), 0.0


class Heatpipe:
    def __init__(self, o, precision):
        self.command = [o.program, "-v", "--model", o.model, "--data", o.data, "--device",
                        o.device, "--precision", precision]
        self.why = ""
        self.good = self.run("--limit", "1") is not None

    def run(self, *more):
        start = time.perf_counter()
        done = subprocess.run([*self.command, *more], stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True, check=False)
        whole = time.perf_counter() - start
        said = re.search(r"images in ([0-9.]+) s", done.stderr)
        if done.returncode != 0 or not said:
            self.why = done.stderr.strip().splitlines()[-1]
            return None
        run = float(said[1])
        return run, whole - run


def compare(o):
    images = Path(o.data).stat().st_size // RECORD
    runners = {f"heatpipe {p}": Heatpipe(o, p) for p in ("f32", "f16", "bf16")}
    if not any(r.good for r in runners.values()):
        print(next(iter(runners.values())).why)
        return 1
    runners |= {name: Torch(o, name) for name in PEERS}
    for name in [n for n, r in runners.items() if not r.good]:
        print(f"{name}: not available here: {runners[name].why}")
        del runners[name]
    times = {name: [] for name in runners}
    for _ in range(o.rounds):
        for name, r in runners.items():
            times[name].append(r.run())
    best = {name: min(t)[0] for name, t in times.items()}
    print(f"{images} images, {o.device}: best, and slowest, of {o.rounds} rounds in turns; ratio to "
          "heatpipe in the same precision")
    print(f"{'':28}{'s':>8}{'to':>8}{'images/s':>10}{'start s':>9}{'ratio':>8}")
    for name, t in times.items():
        base = best.get("heatpipe " + name.split()[1], best[name])
        print(f"{name:28}{best[name]:8.3f}{max(t)[0]:8.3f}{images / best[name]:10.0f}"
              f"{min(v[1] for v in t):9.2f}{best[name] / base:8.2f}")
    return 0


def main():
    o = options()
    if o.peer:
        return peer(o)
    data = test_bin(o.data).read_bytes()
    with tempfile.NamedTemporaryFile(suffix=".bin") as f:
        for _ in range(-(-o.images * RECORD // len(data))):
            f.write(data)
        f.flush()
        o.data = f.name
        return compare(o)


sys.exit(main())
