#!/usr/bin/env python3
"""Times class activation maps, all on the same threads, with one checkpoint and its images:

    all classes  cam-compute makes the maps of all classes of every image from stored features
    gradcam      cifar-predict with maps of the predicted and the true class, at the last stage in
                 closed form and at layer3 by a pass backward, over cifar-predict alone
    masked       cam-compute with scorecam and ablationcam, at layer3 and at the last stage, beside
                 pytorch-grad-cam: maps of the predicted and the true class of the same images

Programs are timed as a whole, with their start and reading the checkpoint; pytorch-grad-cam without
its start and loading. Both seconds of the wall clock and of the processor are shown: those of the
processor depend less on what else runs, and ratios are of them. Runs that are compared
alternate; the best of the rounds counts.
"""

import argparse
import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Not the folder of this file, whose cuda.py PyTorch takes for the module of this name.
sys.path.pop(0)
TARGETS = "pred,true"
PARTS = ("classes", "gradcam", "masked")
CLASS_MAPS_LIMIT, LAST_LIMIT, LAYER_LIMIT, MASKED_LIMIT = 3.0, 1.03, 1.6, 20.0


def options():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", default=ROOT / "build", type=Path)
    p.add_argument("--model", default=str(ROOT / "examples/shapes100/model.pth"))
    p.add_argument("--data", default=str(ROOT / "examples/shapes100"))
    p.add_argument("--images", type=int, default=10000, help="of the first two (default: 10000)")
    p.add_argument("--masked", type=int, default=24, help="of heatpipe's masked passes (default: 24)")
    p.add_argument("--peer", type=int, default=1, help="of pytorch-grad-cam's (default: 1)")
    p.add_argument("--rounds", type=int, default=3, help="(default: 3)")
    p.add_argument("--threads", type=int, default=2, help="(default: 2)")
    p.add_argument("--only", choices=PARTS, help="this alone")
    p.add_argument("--bf16", action="store_true", help="also masked passes in bf16")
    return p.parse_args()


class Time:
    def __init__(self, wall, cpu):
        self.wall, self.cpu = wall, cpu

    def __str__(self):
        return f"{self.wall:8.2f} s wall {self.cpu:8.2f} s processor"


def run(command, stdin=None, stdout=os.devnull):
    """How long a program takes."""
    with open(stdin or os.devnull, "rb") as source, open(stdout, "wb") as sink:
        start = time.monotonic()
        child = subprocess.Popen(list(map(str, command)), stdin=source, stdout=sink,
                                 stderr=subprocess.PIPE)
        errors = child.stderr.read().decode()
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"maps: {' '.join(map(str, command))}: {errors}")
    return Time(time.monotonic() - start, used.ru_utime + used.ru_stime)


def verdict(value, limit, at_least=False):
    kept = value >= limit if at_least else value <= limit
    return f"{'at least' if at_least else 'at most'} {limit:g}: {'yes' if kept else 'NO'}"


def best(runs):
    return Time(min(r.wall for r in runs), min(r.cpu for r in runs))


def predict(o, work, images, more=()):
    return run([o.build / "bin/cifar-predict", "-m", o.model, "-d", o.data, "--threads", o.threads,
                "--device", "cpu", "--limit", images, *more], stdout=work / "rows.tsv")


def all_classes(o, work):
    predict(o, work, o.images, ["--features", work / "features.npy"])
    compute = [o.build / "bin/cam-compute", "-m", o.model, "--features", work / "features.npy",
               "--target", "all", "--size", "layer", "--scale", "none"]
    rows = work / "rows.tsv"
    count = sum(1 for _ in open(rows, encoding="utf-8")) - 1
    took = best([run(compute, rows, work / "all.npy") for _ in range(o.rounds)])
    print(f"all classes, {count} images     {took}   {verdict(took.cpu, CLASS_MAPS_LIMIT)}")


def gradcam(o, work):
    cams = ["--target", TARGETS, "--cams", work / "cams.npy"]
    forms = {"prediction alone": [], "gradcam, last stage": cams,
             "gradcam, layer3": [*cams, "--layer", "layer3"]}
    runs = {name: [] for name in forms}
    for _ in range(o.rounds):
        for name, more in forms.items():
            runs[name].append(predict(o, work, o.images, more))
    alone = best(runs["prediction alone"])
    for name, limit in (("prediction alone", None), ("gradcam, last stage", LAST_LIMIT),
                        ("gradcam, layer3", LAYER_LIMIT)):
        took = best(runs[name])
        ratio = took.cpu / alone.cpu
        print(f"{name:27} {took}" +
              (f"   {ratio:.3f} times, {verdict(ratio, limit)}" if limit else ""))


def peer_maps(o, net, images, truth, layer, method):
    """Seconds of pytorch-grad-cam for one image and both classes."""
    import torch
    from pytorch_grad_cam import AblationCAM, ScoreCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
    golden = sys.modules["golden_maps"]
    x = golden.prepare(images)
    with torch.no_grad():
        pred = net(x).argmax(1).tolist()
    form = {"scorecam": ScoreCAM, "ablationcam": AblationCAM}[method]
    wall, cpu = time.monotonic(), time.process_time()
    with form(model=net, target_layers=[golden.layer_of(net, layer)]) as cam:
        for classes in (pred, truth):
            cam(x, [ClassifierOutputTarget(int(c)) for c in classes])
    return Time((time.monotonic() - wall) / len(x), (time.process_time() - cpu) / len(x))


def load_peer(o):
    # Threads that wait must not count: on a machine that others use they would wait for long.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("KMP_BLOCKTIME", "0")
    import numpy as np
    import torch
    torch.set_num_threads(o.threads)
    spec = importlib.util.spec_from_file_location("golden_maps", ROOT / "tests/golden/cam/maps.py")
    golden = importlib.util.module_from_spec(spec)
    sys.modules["golden_maps"] = golden
    spec.loader.exec_module(golden)
    path = Path(o.data)
    records = np.fromfile(path / "test.bin" if path.is_dir() else path, np.uint8).reshape(-1, 3074)
    records = records[:o.peer]
    images = np.ascontiguousarray(records[:, 2:].reshape(-1, 3, 32, 32))
    return golden.load(o.model), images, records[:, 1].tolist()


def masked(o, work):
    peer = None
    if all(importlib.util.find_spec(m) for m in ("torch", "torchvision", "pytorch_grad_cam")):
        import tqdm
        tqdm.tqdm = lambda x, **_: x
        peer = load_peer(o)
    else:
        print("masked: torch, torchvision and grad-cam are not installed: alone")
    predict(o, work, o.masked)
    rows = work / "rows.tsv"
    for method in ("scorecam", "ablationcam"):
        for layer in ("layer3", "layer4"):
            theirs = peer_maps(o, *peer, layer, method) if peer else None
            if theirs:
                print(f"{method} {layer} pytorch-grad-cam  {theirs}   an image")
            for precision in ("f32", "bf16") if o.bf16 else ("f32",):
                took = run([o.build / "bin/cam-compute", "-m", o.model, "-d", o.data, "--threads",
                            o.threads, "--device", "cpu", "--layer", layer, "--method", method,
                            "--target", TARGETS, "--precision", precision], rows)
                each = Time(took.wall / o.masked, took.cpu / o.masked)
                line = f"{method} {layer} heatpipe {precision:7} {each}   an image"
                if theirs:
                    ratio = theirs.cpu / each.cpu
                    line += f"   {ratio:.1f} times, {verdict(ratio, MASKED_LIMIT, True)}"
                print(line, flush=True)


def main():
    o = options()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        print(f"{o.model}, {o.threads} threads, load {os.getloadavg()[0]:.1f}")
        for part, run_part in zip(PARTS, (all_classes, gradcam, masked)):
            if o.only in (None, part):
                run_part(o, work)


if __name__ == "__main__":
    main()
