#!/usr/bin/env python3
"""Times cifar-predict and PyTorch on one GPU, on the same images, in turns.

For heatpipe: the whole program, its start alone (no image), and the difference, which
is compared with PyTorch's passes through the network from bytes on the host to logits
on the host. Peers that are not there are left out.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

PEERS = {"PyTorch f32": ("float32", False), "PyTorch f16 channels_last": ("float16", True)}


def options():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--program", default="build/bin/cifar-predict")
    p.add_argument("--model", default="examples/shapes100/model.pth")
    p.add_argument("--data", default="examples/shapes100")
    p.add_argument("--device", default="cuda")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--batch", type=int, default=512, help="of PyTorch")
    p.add_argument("--peer", choices=PEERS, help=argparse.SUPPRESS)
    return p.parse_args()


def test_bin(data):
    path = Path(data)
    return path / "test.bin" if path.is_dir() else path


def peer(o):
    """Answers each line on stdin with the seconds of a run."""
    import torch
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "golden/engine"))
    import make
    kind, last = PEERS[o.peer]
    dtype, device = getattr(torch, kind), torch.device(o.device)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = True
    form = torch.channels_last if last else torch.contiguous_format
    net = make.load(o.model).to(device, dtype, memory_format=form)
    x = make.images(test_bin(o.data), test_bin(o.data).stat().st_size // 3074).pin_memory()

    def go():
        with torch.no_grad():
            for i in range(0, len(x), o.batch):
                part = x[i:i + o.batch].to(device, dtype, non_blocking=True, memory_format=form)
                net(part).float().cpu()
        torch.cuda.synchronize()

    go()
    print("ready", flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        go()
        print(time.perf_counter() - start, flush=True)


class Torch:
    def __init__(self, name):
        self.process = subprocess.Popen(
            [sys.executable, __file__, *sys.argv[1:], "--peer", name], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.good = self.process.stdout.readline().startswith("ready")

    def run(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline()), 0.0


class Heatpipe:
    def __init__(self, o, precision):
        self.command = [o.program, "--model", o.model, "--data", o.data, "--device", o.device,
                        "--precision", precision]
        self.good = self.time("--limit", "0") is not None

    def time(self, *more):
        start = time.perf_counter()
        done = subprocess.run([*self.command, *more], stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            self.why = done.stderr.strip()
            return None
        return time.perf_counter() - start

    def run(self):
        start = self.time("--limit", "0")
        return self.time() - start, start


def main():
    o = options()
    if o.peer:
        return peer(o)
    images = test_bin(o.data).stat().st_size // 3074
    runners = {f"heatpipe {p}": Heatpipe(o, p) for p in ("f32", "f16", "bf16")}
    runners |= {name: Torch(name) for name in PEERS}
    for name in [n for n, r in runners.items() if not r.good]:
        print(f"{name}: not available here {getattr(runners[name], 'why', '')}")
        del runners[name]
    if not any(n.startswith("heatpipe") for n in runners):
        return 1
    times = {name: [] for name in runners}
    for _ in range(o.rounds):
        for name, r in runners.items():
            times[name].append(r.run())
    base = min(t[0] for t in next(iter(times.values())))
    print(f"{images} images, {o.device}; best, and slowest, of {o.rounds} rounds in turns")
    print(f"{'':28}{'s':>8}{'to':>8}{'images/s':>10}{'start s':>9}{'ratio':>8}")
    for name, t in times.items():
        run = [v[0] for v in t]
        start = min(v[1] for v in t)
        print(f"{name:28}{min(run):8.3f}{max(run):8.3f}{images / min(run):10.0f}"
              f"{start:9.2f}{min(run) / base:8.2f}")
    return 0


sys.exit(main())
