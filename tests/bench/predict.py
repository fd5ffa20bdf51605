#!/usr/bin/env python3
"""Times cifar-predict and PyTorch on the same images, in turns, on the same threads.

cifar-predict is timed as a whole, with its start, reading the checkpoint, planning
and writing rows; PyTorch without its start, loading and compiling: only the passes
through the network. Peers that are not installed are left out. Both wall time and
processor time are shown, the latter because it does not depend on what else runs.
"""

import argparse
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

PEERS = ("eager", "channels_last", "compiled", "bf16", "compiled_bf16")


def options():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--program", default="build/bin/cifar-predict")
    p.add_argument("--model", default="examples/shapes100/model.pth")
    p.add_argument("--data", default="examples/shapes100")
    p.add_argument("--images", type=int, default=1000)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    p.add_argument("--batch", type=int, default=128, help="of PyTorch")
    p.add_argument("--bf16", action="store_true", help="also compare in bf16")
    p.add_argument("--peer", choices=PEERS, help=argparse.SUPPRESS)
    return p.parse_args()


def test_bin(data):
    path = Path(data)
    return path / "test.bin" if path.is_dir() else path


def peer(o):
    """Answers each line on stdin with the wall and processor time of a run."""
    import numpy as np
    import torch
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "golden/engine"))
    import make
    torch.set_num_threads(o.threads)
    net, x = make.load(o.model), make.images(test_bin(o.data), o.images)
    if o.peer != "eager":
        net, x = net.to(memory_format=torch.channels_last), x.contiguous(
            memory_format=torch.channels_last)
    run = net
    if o.peer.startswith("compiled"):
        import torch._inductor.config
        torch._inductor.config.freezing = True
        run = torch.compile(net)
    whole = len(x) // o.batch * o.batch or len(x)

    def go(n):
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, "bf16" in o.peer):
            for i in range(0, n, o.batch):
                run(x[i:i + o.batch])

    go(min(o.batch, whole))  # compiles
    if whole < len(x):       # and the last, shorter batch
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, "bf16" in o.peer):
            run(x[whole:])
    print("ready", len(np.atleast_1d(x)), flush=True)
    for _ in sys.stdin:
        wall, cpu = time.perf_counter(), time.process_time()
        go(len(x))
        print(time.perf_counter() - wall, time.process_time() - cpu, flush=True)


class Torch:
    def __init__(self, name):
        self.process = subprocess.Popen(
            [sys.executable, __file__, *sys.argv[1:], "--peer", name], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.good = self.process.stdout.readline().startswith("ready")

    def run(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return tuple(map(float, self.process.stdout.readline().split()))


class Heatpipe:
    def __init__(self, o, precision):
        self.command = [o.program, "--model", o.model, "--data", o.data, "--limit", str(o.images),
                        "--threads", str(o.threads), "--precision", precision]
        self.good = subprocess.run([*self.command, "--limit", "0"], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL).returncode == 0

    def run(self):
        def used():
            u = resource.getrusage(resource.RUSAGE_CHILDREN)
            return u.ru_utime + u.ru_stime
        cpu, wall = used(), time.perf_counter()
        subprocess.run(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       check=True)
        return time.perf_counter() - wall, used() - cpu


def has_torch():
    return subprocess.run([sys.executable, "-c", "import torch"], stderr=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL).returncode == 0


def main():
    o = options()
    if o.peer:
        return peer(o)
    o.images = min(o.images, test_bin(o.data).stat().st_size // 3074)
    runners = {"heatpipe f32": Heatpipe(o, "f32")}
    if o.bf16:
        runners["heatpipe bf16"] = Heatpipe(o, "bf16")
    if has_torch():
        for name in PEERS:
            if o.bf16 or "bf16" not in name:
                runners["PyTorch " + name.replace("_", " ")] = Torch(name)
    else:
        print("PyTorch is not installed: no comparison")
    for name in [n for n, r in runners.items() if not r.good]:
        print(f"{name}: not available here")
        del runners[name]
    times = {name: [] for name in runners}
    for _ in range(o.rounds):
        for name, r in runners.items():
            times[name].append(r.run())
    print(f"{o.images} images, {o.threads} threads, best of {o.rounds} rounds in turns; "
          "ratios to heatpipe f32")
    print(f"{'':24}{'wall s':>9}{'cpu s':>9}{'images/s':>10}{'wall':>8}{'cpu':>8}")
    base = None
    for name, t in times.items():
        best = tuple(min(v) for v in zip(*t))
        base = base or best
        print(f"{name:24}{best[0]:9.2f}{best[1]:9.2f}{o.images / best[0]:10.0f}"
              f"{best[0] / base[0]:8.2f}{best[1] / base[1]:8.2f}")


main()
