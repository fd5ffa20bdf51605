#!/usr/bin/env python3
"""Times cifar-predict, ONNX Runtime and OpenVINO on networks of many families, in turns, in f32
on the same threads of the CPU.

PyTorch makes the networks here, with random numbers: those of CIFAR for 32 by 32 pixels, and
torchvision's and others for 224 by 224. Each is saved once as a program of torch.export, which
cifar-predict reads, and converted for the two others from the same module. Images are noise.

Rates are images per second; with --processor-time, of the threads' own time, which depends less on
what else the machine runs: with --threads 1, as threads that wait for others may spin.
cifar-predict's is that of a whole program, from files to rows, less what one takes that reads half
of the images, the median of several rounds: both start, and both compare some images with what
batch norms recorded. The others' are of the passes alone, from normalised images in memory to
logits, the best of the rounds. The ratio is to the faster of the two. Beside it stands the largest
difference of logits from PyTorch's, over the largest logit, of each: a run whose logits differ by
more than 1e-3 ends with status 1.

Where something is not installed, a line says so and nothing is measured. The table goes to
zoo.tsv in a folder.
"""

import argparse
import importlib
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

NEEDS = ("torch", "torchvision", "numpy", "onnx", "onnxscript", "onnxruntime", "openvino")
MEAN, STD = 0.5, 0.25
MOST = 1e-3  # difference of logits
OPENVINO_BATCH = 64
BATCH = 64  # images that a thread of cifar-predict takes at most at a time


def options():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--program", default="build/bin/cifar-predict")
    p.add_argument("--out", help="folder of the table (default: bench beside the program's)")
    p.add_argument("--seconds", type=float, default=3, help="of a run, about (default: 3)")
    p.add_argument("--rounds", type=int, default=3, help="(default: 3)")
    p.add_argument("--threads", type=int, default=2, help="(default: 2)")
    p.add_argument("--processor-time", action="store_true", help="instead of the clock's")
    p.add_argument("--batch", type=int, default=64, help="of the two others (default: 64)")
    p.add_argument("--side", type=int, choices=(32, 224), action="append",
                   help="only networks for images of this size; may be given again")
    p.add_argument("--only", metavar="WORD", action="append",
                   help="only networks whose names hold this; may be given again")
    return p.parse_args()


# --- networks ---

def nets():
    """By size and name: functions that make them."""
    import torch
    import torchvision
    from torch import nn
    models = torchvision.models

    def block(i, o, k=3, stride=1, groups=1, act=nn.ReLU):
        layers = [nn.Conv2d(i, o, k, stride, k // 2, groups=groups, bias=False), nn.BatchNorm2d(o)]
        return nn.Sequential(*layers, *([act()] if act else []))

    def vgg16_bn():
        layers, i = [], 3
        for o in (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0):
            layers += [block(i, o)] if o else [nn.MaxPool2d(2)]
            i = o or i
        return nn.Sequential(*layers, nn.Flatten(), nn.Linear(512, 512), nn.ReLU(),
                             nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 100))

    class Sum(nn.Module):
        """What two branches make, added, with a ReLU or without."""

        def __init__(self, a, b, relu=False):
            super().__init__()
            self.a, self.b, self.relu = a, b, relu

        def forward(self, x):
            y = self.a(x) + self.b(x)
            return torch.relu(y) if self.relu else y

    def resnet56():
        layers, i = [block(3, 16)], 16
        for o in (16, 32, 64):
            for k in range(9):
                stride = 2 if i != o else 1
                short = nn.Identity() if i == o else block(i, o, 1, 2, act=None)
                layers.append(Sum(nn.Sequential(block(i, o, stride=stride), block(o, o, act=None)),
                                  short, relu=True))
                i = o
        return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 100))

    def mobilenetv2():
        layers, i = [block(3, 32, act=nn.ReLU6)], 32
        for t, o, n, s in ((1, 16, 1, 1), (6, 24, 2, 1), (6, 32, 3, 2), (6, 64, 4, 2),
                           (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)):
            for k in range(n):
                stride, wide = s if k == 0 else 1, i * t
                body = nn.Sequential(*([block(i, wide, 1, act=nn.ReLU6)] if t > 1 else []),
                                     block(wide, wide, 3, stride, wide, nn.ReLU6),
                                     block(wide, o, 1, act=None))
                layers.append(Sum(body, nn.Identity()) if stride == 1 and i == o else body)
                i = o
        return nn.Sequential(*layers, block(i, 1280, 1, act=nn.ReLU6), nn.AdaptiveAvgPool2d(1),
                             nn.Flatten(), nn.Linear(1280, 100))

    def shufflenetv2():
        net = models.shufflenet_v2_x1_0(num_classes=100)
        net.conv1[0].stride, net.maxpool = (1, 1), nn.Identity()
        return net

    def repvgg_a0(stem):
        """As it is run: its branches merged into 3 by 3 convolutions with biases."""
        layers, i = [], 3
        for o, n, s in ((48, 1, stem), (48, 2, 2), (96, 4, 2), (192, 14, 2 if stem > 1 else 1),
                        (1280, 1, 2)):
            for k in range(n):
                layers += [nn.Conv2d(i, o, 3, s if k == 0 else 1, 1), nn.ReLU()]
                i = o
        return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(i, 100))

    def vit_small(side, patch):
        net = models.VisionTransformer(side, patch, 12, 6, 384, 1536, num_classes=100)
        nn.init.normal_(net.heads.head.weight, std=0.05)  # zeros, which make no logits
        return net

    return {
        32: {
            "vgg16_bn": vgg16_bn, "repvgg_a0": lambda: repvgg_a0(1), "resnet56": resnet56,
            "mobilenetv2_x1_0": mobilenetv2, "shufflenetv2_x1_0": shufflenetv2,
            "densenet121": lambda: models.densenet121(num_classes=100),
            "resnext50_32x4d": lambda: models.resnext50_32x4d(num_classes=100),
            "efficientnet_b0": lambda: models.efficientnet_b0(num_classes=100),
            "vit_small_4": lambda: vit_small(32, 4),
        },
        224: {
            "vgg16_bn": lambda: models.vgg16_bn(num_classes=100),
            "repvgg_a0": lambda: repvgg_a0(2),
            "resnet50": lambda: models.resnet50(num_classes=100),
            "mobilenet_v2": lambda: models.mobilenet_v2(num_classes=100),
            "shufflenet_v2_x1_0": lambda: models.shufflenet_v2_x1_0(num_classes=100),
            "densenet121": lambda: models.densenet121(num_classes=100),
            "resnext50_32x4d": lambda: models.resnext50_32x4d(num_classes=100),
            "efficientnet_b0": lambda: models.efficientnet_b0(num_classes=100),
            "vit_small_16": lambda: vit_small(224, 16),
        },
    }


def settle(net, x):
    """Statistics of batch norms as if it had been trained: those of the images at hand, without
    which logits of deep networks vanish or grow."""
    import torch
    norms = [m for m in net.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    net.eval()
    for m in norms:
        m.train()
        m.momentum = None
    if norms:
        net(x)
    return net.eval()


# --- who computes ---

def clock(o, children):
    """Seconds: of the clock, or of the threads of this process or of those it has waited for."""
    if not o.processor_time:
        return time.perf_counter
    if not children:
        return lambda: time.process_time() / o.threads

    def spent():
        use = resource.getrusage(resource.RUSAGE_CHILDREN)
        return (use.ru_utime + use.ru_stime) / o.threads
    return spent


class Ours:
    """cifar-predict, on as many images as take the wanted time."""

    def __init__(self, o, model, images, folder):
        import numpy as np
        self.clock = clock(o, True)
        self.few, self.many = f"{folder}/few.npy", f"{folder}/many.npy"
        np.save(self.few, images)
        self.images, self.count, self.threads = images, 0, o.threads
        self.took = []
        self.command = [o.program, "-m", model, "--device", "cpu", "--threads", str(o.threads),
                        "--mean", f"{MEAN},{MEAN},{MEAN}", "--std", f"{STD},{STD},{STD}"]

    def run(self, *more):
        began = self.clock()
        done = subprocess.run([*self.command, *more], stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr.strip())
        return self.clock() - began

    def logits(self, path):
        import numpy as np
        self.run("-d", self.few, "--logits", path)
        return np.load(path)

    def take(self):
        """The times of a run of `count` images and of a run of twice as many."""
        import numpy as np
        times = -(-2 * self.count // len(self.images))
        np.save(self.many, np.tile(self.images, (times, 1, 1, 1))[:2 * self.count])
        return self.halves()

    def halves(self):
        half = self.run("-d", self.many, "--limit", str(self.count))
        return half, self.run("-d", self.many)

    def fit(self, seconds):
        """So many images that their time is no small part of what starting takes, and that all
        threads have as many batches."""
        unit = BATCH * self.threads
        self.count = unit
        while True:
            half, whole = self.take()
            took, start = whole - half, 2 * half - whole
            wanted = max(seconds, start)
            if took >= wanted / 2:
                return
            more = min(8, max(2, wanted / max(took, 1e-3)))
            self.count = unit * round(self.count * more / unit)

    def go_round(self):
        half, whole = self.halves()
        self.took.append(whole - half)

    def rate(self):
        """By the median, as the least difference is that of a slow start and a quick one."""
        return self.count / statistics.median(self.took)


class Passes:
    """Passes over the same images in batches, again and again for the wanted time."""

    def fit(self, seconds):
        self.seconds, self.best = seconds, 0
        self.go()

    def rate(self):
        return self.best

    def go_round(self):
        began, images = self.clock(), 0
        while self.clock() - began < self.seconds:
            self.go()
            images += self.count
        self.best = max(self.best, images / (self.clock() - began))


class OnnxRuntime(Passes):
    def __init__(self, o, net, x, folder):
        import onnxruntime
        import torch
        self.clock = clock(o, False)
        path = f"{folder}/net.onnx"
        torch.onnx.export(net, (x[:2],), path, input_names=["x"], dynamo=True, verbose=False,
                          dynamic_shapes=({0: torch.export.Dim("n")},))
        so = onnxruntime.SessionOptions()
        so.intra_op_num_threads, so.inter_op_num_threads = o.threads, 1
        self.session = onnxruntime.InferenceSession(path, so, providers=["CPUExecutionProvider"])
        x = x.numpy()
        self.batches = [x[i:i + o.batch] for i in range(0, len(x), o.batch)]
        self.count = len(x)

    def go(self):
        return [self.session.run(None, {"x": b})[0] for b in self.batches]


class OpenVino(Passes):
    def __init__(self, o, net, x, folder):
        import openvino as ov
        self.clock = clock(o, False)
        model = ov.convert_model(net, example_input=x[:1])
        x = x.numpy()
        model.reshape([min(o.batch, len(x)), *x.shape[1:]])
        compiled = ov.Core().compile_model(model, "CPU", {
            "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32",
            "INFERENCE_NUM_THREADS": o.threads})
        self.queue = ov.AsyncInferQueue(compiled)
        self.batches = [x[i:i + o.batch] for i in range(0, len(x), o.batch)]
        self.count, self.result = len(x), [None] * len(self.batches)
        self.queue.set_callback(self.keep)

    def keep(self, request, i):
        self.result[i] = request.get_output_tensor(0).data.copy()

    def go(self):
        for i, b in enumerate(self.batches):
            self.queue.start_async(b, i)
        self.queue.wait_all()
        return self.result


# --- measuring ---

def difference(got, want):
    import numpy as np
    gap = np.abs(got - want).max() / np.abs(want).max()
    return float(gap) if np.isfinite(gap) else float("inf")


def measure(o, side, make, folder):
    """Rates and differences, each as (ours, ONNX Runtime, OpenVINO)."""
    import numpy as np
    import torch
    torch.manual_seed(side)
    torch.set_num_threads(o.threads)
    count = o.batch * (4 if side == 32 else 1)
    images = np.random.default_rng(side).integers(0, 256, (count, side, side, 3), dtype=np.uint8)
    images[..., 1:] //= 2  # colours that differ, as those of photographs do
    x = ((torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255 - MEAN) / STD).contiguous()
    with torch.no_grad():
        net = settle(make(), x[:o.batch])
        want = torch.cat([net(x[i:i + o.batch]) for i in range(0, count, o.batch)]).numpy()
        program = torch.export.export(net, (x[:2],), dynamic_shapes=({0: torch.export.Dim("n")},))
        torch.export.save(program, f"{folder}/net.pt2")
        all_ = [Ours(o, f"{folder}/net.pt2", images, folder), OnnxRuntime(o, net, x, folder),
                OpenVino(o, net, x, folder)]
    gaps = [difference(all_[0].logits(f"{folder}/logits.npy"), want),
            *(difference(np.concatenate(p.go()), want) for p in all_[1:])]
    for p in all_:
        p.fit(o.seconds)
    for _ in range(o.rounds):
        for p in all_:
            p.go_round()
    return [p.rate() for p in all_], gaps


def main():
    o = options()
    del sys.path[0]  # this folder, whose cuda.py would hide a package of that name
    missing = []
    for name in NEEDS:
        try:
            importlib.import_module(name)
        except ImportError:
            missing.append(name)
    if missing:
        print(f"zoo: left out: not installed: {', '.join(missing)}", file=sys.stderr)
        return 0
    import onnxruntime
    import openvino
    import torch
    print(f"PyTorch {torch.__version__}, ONNX Runtime {onnxruntime.__version__}, "
          f"OpenVINO {openvino.__version__}; f32, {o.threads} threads"
          + (", processor time" if o.processor_time else ""))
    out = Path(o.out or Path(o.program).resolve().parents[1] / "bench")
    out.mkdir(parents=True, exist_ok=True)
    columns = ("side", "net", "heatpipe", "onnxruntime", "openvino", "ratio", "heatpipe_difference",
               "onnxruntime_difference", "openvino_difference")
    wrong = []
    print(f"{'side':>4} {'network':20} {'heatpipe':>9} {'ONNX RT':>9} {'OpenVINO':>9} {'ratio':>6}"
          f" {'differences of logits':>28}")
    with open(out / "zoo.tsv", "w", encoding="utf-8") as table:
        print(*columns, sep="\t", file=table)
        for side, names in nets().items():
            for name, make in names.items():
                if o.side and side not in o.side:
                    continue
                if o.only and not any(w in name for w in o.only):
                    continue
                with tempfile.TemporaryDirectory() as folder:
                    try:
                        rates, gaps = measure(o, side, make, folder)
                    except RuntimeError as e:
                        print(f"{side:4} {name:20} {(str(e).splitlines() or [''])[0]}", flush=True)
                        wrong.append(f"{name} ({side})")
                        continue
                ratio = rates[0] / max(rates[1:])
                if not max(gaps) <= MOST:
                    wrong.append(f"{name} ({side})")
                print(f"{side:4} {name:20} {rates[0]:9.1f} {rates[1]:9.1f} {rates[2]:9.1f} "
                      f"{ratio:6.2f} " + " ".join(f"{g:9.1e}" for g in gaps), flush=True)
                print(side, name, *(f"{r:.9g}" for r in (*rates, ratio, *gaps)), sep="\t",
                      file=table, flush=True)
    if wrong:
        print(f"zoo: not computed, or logits that differ by more than {MOST}: {', '.join(wrong)}",
              file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    # Libraries warn while they convert.
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    warnings.filterwarnings("ignore")
    sys.exit(main())
