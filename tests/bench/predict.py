#!/usr/bin/env python3
"""Times cifar-predict, PyTorch, OpenVINO and ONNX Runtime on the same images, in turns,
on the same threads of the CPU.

cifar-predict is timed as a whole, with its start, reading the checkpoint, packing weights
and writing rows; the others without their start, loading and compiling: only the passes
through the network, from normalised images in memory to logits. Both wall time and
processor time are shown, the latter because it depends less on what else runs. Ratios
are of runs of the same round: that of the best runs, and the median, least and greatest
over the rounds. In each round the multiply-accumulate peak of the processor and the times of the
network's steps are measured too. Logits are compared once, outside the times.

What is not installed is left out. bf16 is compared with --bf16 only: the peers it adds
take long to compile. Tables go to a folder as TSV: predict-{times,ratios,peak,layers,
agreement}.tsv.
"""

import argparse
import array
import ast
import importlib.util
import math
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

OPENVINO_BATCH = 64
RECORD = 2 + 3 * 32 * 32
# Predictions may differ where the two best logits are closer than this.
GAP = 1e-3

# What each needs, its precision, and its way.
PEERS = {
    "PyTorch f32 eager": (("torch", "numpy"), "f32", "eager"),
    "PyTorch f32 channels last": (("torch", "numpy"), "f32", "channels_last"),
    "PyTorch f32 compiled": (("torch", "numpy"), "f32", "compiled"),
    "OpenVINO f32 latency": (("torch", "numpy", "openvino"), "f32", "LATENCY"),
    "OpenVINO f32 throughput": (("torch", "numpy", "openvino"), "f32", "THROUGHPUT"),
    "ONNX Runtime f32": (("torch", "numpy", "onnx", "onnxscript", "onnxruntime"), "f32", "onnx"),
    "PyTorch bf16 eager": (("torch", "numpy"), "bf16", "eager"),
    "PyTorch bf16 channels last": (("torch", "numpy"), "bf16", "channels_last"),
    "PyTorch bf16 compiled": (("torch", "numpy"), "bf16", "compiled"),
    "OpenVINO bf16 latency": (("torch", "numpy", "openvino"), "bf16", "LATENCY"),
    "OpenVINO bf16 throughput": (("torch", "numpy", "openvino"), "bf16", "THROUGHPUT"),
}
EAGER = "PyTorch f32 eager"
BASES = {"f32": "heatpipe f32", "bf16": "heatpipe bf16"}


def options():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--program", default="build/bin/cifar-predict")
    p.add_argument("--steps", default="build/tests/bench/steps", help="measures peak and layers")
    p.add_argument("--out", help="folder of the tables (default: bench beside the program's)")
    p.add_argument("--model", default="examples/shapes100/model.pth")
    p.add_argument("--data", default="examples/shapes100")
    p.add_argument("--images", type=int, default=1000, help="at most (default: 1000)")
    p.add_argument("--rounds", type=int, default=3, help="(default: 3)")
    p.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)),
                   help="(default: one per core)")
    p.add_argument("--batch", type=int, default=128, help="of PyTorch and ONNX Runtime (default: "
                   f"128); OpenVINO's is {OPENVINO_BATCH}")
    p.add_argument("--bf16", action="store_true", help="also compare in bf16")
    p.add_argument("--only", metavar="WORD", action="append",
                   help="only peers whose names hold this; may be given again; - for none")
    p.add_argument("--peer", choices=PEERS, help=argparse.SUPPRESS)
    return p.parse_args()


def test_bin(data):
    path = Path(data)
    return path / "test.bin" if path.is_dir() else path


# --- peers: each in a process of its own ---

def parts(n, size):
    return [(i, min(i + size, n)) for i in range(0, n, size)]


def torch_pass(o, net, x, precision, way):
    import torch
    if way != "eager":
        net = net.to(memory_format=torch.channels_last)
        x = x.contiguous(memory_format=torch.channels_last)
    run = net
    if way == "compiled":
        import torch._inductor.config
        torch._inductor.config.freezing = True
        run = torch.compile(net, dynamic=False)

    def go():
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, precision == "bf16"):
            return [run(x[a:b]) for a, b in parts(len(x), o.batch)]
    return go


def openvino_pass(o, net, x, precision, way):
    import openvino as ov
    model, x, core = ov.convert_model(net, example_input=x[:1]), x.numpy(), ov.Core()
    batches = [x[a:b] for a, b in parts(len(x), OPENVINO_BATCH)]
    queues = {}
    for shape in {b.shape for b in batches}:
        fixed = model.clone()
        fixed.reshape(list(shape))
        queues[shape] = ov.AsyncInferQueue(core.compile_model(fixed, "CPU", {
            "PERFORMANCE_HINT": way, "INFERENCE_PRECISION_HINT": precision,
            "INFERENCE_NUM_THREADS": o.threads}))
    logits = [None] * len(batches)

    def keep(request, i):
        logits[i] = request.get_output_tensor(0).data.copy()

    for q in queues.values():
        q.set_callback(keep)

    def go():
        for i, b in enumerate(batches):
            queues[b.shape].start_async(b, i)
        for q in queues.values():
            q.wait_all()
        return logits
    return go


def onnx_pass(o, net, x, precision, way):
    import onnxruntime
    import torch
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/net.onnx"
        torch.onnx.export(net, (x[:2],), path, input_names=["x"], dynamo=True,
                          dynamic_shapes=({0: torch.export.Dim("n")},))
        so = onnxruntime.SessionOptions()
        so.intra_op_num_threads, so.inter_op_num_threads = o.threads, 1
        session = onnxruntime.InferenceSession(path, so, providers=["CPUExecutionProvider"])
    x = x.numpy()
    return lambda: [session.run(None, {"x": x[a:b]})[0] for a, b in parts(len(x), o.batch)]


def prepare(o):
    # Not this folder: its cuda.py would hide a package of that name.
    sys.path[0] = str(Path(__file__).resolve().parents[1] / "golden/engine")
    import make
    import torch
    needs, precision, way = PEERS[o.peer]
    torch.set_num_threads(o.threads)
    with torch.no_grad():
        form = (openvino_pass if "openvino" in needs else
                onnx_pass if "onnxruntime" in needs else torch_pass)
        go = form(o, make.load(o.model), make.images(test_bin(o.data), o.images), precision, way)
        return go, go()  # compiles for all sizes of batches


def peer(o):
    """Says whether it is ready, then predictions each line on stdin: with the wall and
    processor time of a run, or where the line is a path, with the logits in it."""
    predictions = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print
    try:
        go, _ = prepare(o)
    except Exception as e:  # whatever it is, this peer is left out
        said = [s.strip() for s in str(e).splitlines() if s.strip()] or [""]
        print(f"{type(e).__name__}: {said[0]}", file=predictions, flush=True)
        return
    print("ready", file=predictions, flush=True)
    for line in sys.stdin:
        wall, cpu = time.perf_counter(), time.process_time()
        logits = go()
        print(time.perf_counter() - wall, time.process_time() - cpu, file=predictions, flush=True)
        if line.strip():
            import numpy as np
            import torch
            np.save(line.strip(), np.concatenate([torch.as_tensor(v).float().numpy()
                                                  for v in logits]))
            print("written", file=predictions, flush=True)


class Peer:
    def __init__(self, name):
        needs, self.precision, _ = PEERS[name]
        self.name, self.why, self.start, self.process = name, "", None, None
        missing = [m for m in needs if importlib.util.find_spec(m) is None]
        if missing:
            self.why = "not installed: " + ", ".join(missing)
            return
        words = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            [sys.executable, __file__, *sys.argv[1:], "--peer", name], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=words, text=True)
        said = self.process.stdout.readline().strip()
        if said != "ready":
            status = self.process.wait()
            words.seek(0)
            last = ([""] + words.read().strip().splitlines())[-1]
            self.why = said or f"ended with status {status}: {last}"

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        said = self.process.stdout.readline()
        if not said:
            raise SystemExit(f"{self.name} ended with status {self.process.wait()}")
        return tuple(map(float, said.split()))

    def run(self):
        return self.ask("")

    def logits(self, path):
        self.ask(path)
        self.process.stdout.readline()

    def end(self):
        if self.process:
            self.process.stdin.close()
            self.process.wait()


class Heatpipe:
    def __init__(self, o, precision, *more):
        self.precision, self.start = precision, math.inf
        self.command = [o.program, "--model", o.model, "--data", o.data, "--limit", str(o.images),
                        "--threads", str(o.threads), "--device", "cpu", "--precision", precision,
                        *more]
        for _ in range(3):
            wall = time.perf_counter()
            done = subprocess.run([*self.command, "--limit", "0"], stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE, text=True, check=False)
            self.start = min(self.start, time.perf_counter() - wall)
        self.why = done.stderr.strip() if done.returncode else ""

    def run(self):
        def used():
            u = resource.getrusage(resource.RUSAGE_CHILDREN)
            return u.ru_utime + u.ru_stime
        cpu, wall = used(), time.perf_counter()
        subprocess.run(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       check=True)
        return time.perf_counter() - wall, used() - cpu

    def logits(self, path):
        subprocess.run([*self.command, "--logits", path], stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, check=True)

    def end(self):
        pass


# --- the peak and the layers ---

class Steps:
    """Runs the program that times steps; of each run the totals by name and the rows."""

    def __init__(self, o, precision, folder):
        self.totals_path = f"{folder}/totals.tsv"
        self.command = [o.steps, "--model", o.model, "--device", "cpu", "--precision", precision,
                        "--threads", str(o.threads), "--images", str(o.images), "--totals",
                        self.totals_path]
        self.totals, self.rows = [], []

    def run(self):
        done = subprocess.run(self.command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              text=True, check=True)
        self.rows.append([line.split("\t") for line in done.stdout.splitlines()[1:]])
        with open(self.totals_path, encoding="ascii") as f:
            self.totals.append({k: float(v) for k, v in (line.split("\t") for line in f)})

    def all(self, name):
        return [t[name] for t in self.totals]

    def peak(self):
        """Of a thread, in 1e9 operations a second: the median of the rounds."""
        return statistics.median(max(t["peak_before_gflop_per_s"], t["peak_after_gflop_per_s"])
                                 for t in self.totals)


# --- agreement ---

def tensor(path):
    data, values, at, items = Path(path).read_bytes(), array.array("f"), 0, None
    while at < len(data):
        end = at + 10 + int.from_bytes(data[at + 8:at + 10], "little")
        shape = ast.literal_eval(data[at + 10:end].decode())["shape"]
        count = math.prod(shape)
        values.frombytes(data[end:end + 4 * count])
        items, at = shape[1:], end + 4 * count
    return [values[i:i + items[0]] for i in range(0, len(values), items[0])]


def agreement(want, got):
    """Largest difference of a logit; other predictions, and those where none was close."""
    if len(want) != len(got):
        raise ValueError(f"{len(got)} rows of logits, not {len(want)}")
    largest, flips, clear = 0.0, 0, 0
    for w, g in zip(want, got):
        far = max(abs(a - b) for a, b in zip(w, g))
        largest = far if not far <= largest else largest  # NaN stays
        best = max(range(len(w)), key=w.__getitem__)
        if g[best] < max(g):
            flips += 1
            top = sorted(w)
            clear += top[-1] - top[-2] > GAP
    return largest, flips, clear


# --- tables ---

class Tables:
    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)

    def write(self, name, head, rows):
        with open(self.folder / f"predict-{name}.tsv", "w", encoding="utf-8") as f:
            for row in [head, *rows]:
                f.write("\t".join(f"{v:.6g}" if isinstance(v, float) else str(v) for v in row) +
                        "\n")


def spread(values):
    return statistics.median(values), min(values), max(values)


def show_times(o, times, runners, macs, peak, tables):
    width = max(map(len, times)) + 2
    share = f"{'of peak':>9}" if peak else ""
    print(f"\n{'seconds':{width}}{'wall':>8}{'median':>8}{'to':>8}{'cpu':>8}{'median':>8}"
          f"{'images/s':>10}{'start':>7}{share}")
    for name, t in times.items():
        wall, cpu = zip(*t)
        start = runners[name].start
        line = (f"{name:{width}}{min(wall):8.2f}{statistics.median(wall):8.2f}{max(wall):8.2f}"
                f"{min(cpu):8.2f}{statistics.median(cpu):8.2f}{o.images / min(wall):10.1f}"
                f"{'' if start is None else f'{start:.2f}':>7}")
        if peak:
            line += f"{2 * macs * o.images / min(wall) / o.threads / peak:9.2f}"
        print(line)
    if peak:
        print("of peak: the multiply-accumulates of direct convolution in the best run, over the peak")
    tables.write("times", ("name", "round", "wall_s", "cpu_s", "images", "threads"),
                 [(name, i + 1, *v, o.images, o.threads) for name, t in times.items()
                  for i, v in enumerate(t)])


def show_ratios(times, runners, tables):
    rows = []
    for precision, base in BASES.items():
        others = [n for n in times if n != base and
                  (precision == "f32" or runners[n].precision == precision)]
        if base not in times or not others:
            continue
        width = max(map(len, others)) + 2
        print(f"\n{'over ' + base:{width}}{'wall':>8}{'median':>8}{'least':>8}{'most':>8}"
              f"{'cpu':>9}{'median':>8}{'least':>8}{'most':>8}")
        for name in others:
            line = f"{name:{width}}"
            for k, clock in enumerate(("wall", "cpu")):
                ours, theirs = [t[k] for t in times[base]], [t[k] for t in times[name]]
                best = min(theirs) / min(ours)
                row = best, *spread([b / a for a, b in zip(ours, theirs)])
                rows.append((name, base, clock, *row))
                line += (" " if k else "") + "".join(f"{v:8.3f}" for v in row)
            print(line)
    tables.write("ratios", ("name", "over", "clock", "best", "median", "least", "most"), rows)


def show_peak(o, steps, tables):
    peaks = steps.all("peak_before_gflop_per_s") + steps.all("peak_after_gflop_per_s")
    print("\npeak of f32 multiply-accumulates, each of {} threads: {:.1f} GFLOP/s, {:.1f} to {:.1f}"
          .format(o.threads, *spread(peaks)))
    for name, what in (("done", "as computed"),
                       ("stride1", "of F(4x4,3x3) where stride is 1, else direct")):
        for clock, key in (("the steps' time", "over_floor_"),
                           ("processor time", "cpu_over_floor_")):
            print("heatpipe f32, {} over its multiply-accumulates {} at the peak: {:.3f}, {:.3f} to "
                  "{:.3f}".format(clock, what, *spread(steps.all(key + name))))
    tables.write("peak", ("round", *steps.totals[0]),
                 [(i + 1, *t.values()) for i, t in enumerate(steps.totals)])


def show_layers(steps, tables):
    head = ("step", "ms", "share", "gflop", "mb", "ms_least", "ms_most", "of_peak",
            "of_peak_least", "of_peak_most", "of_peak_direct")
    rows = []
    for same in zip(*steps.rows):
        ms = spread([float(r[1]) for r in same])
        share = statistics.median(float(r[2]) for r in same)
        row = [same[0][0], ms[0], share, float(same[0][3]), float(same[0][4]), *ms[1:]]
        if same[0][7]:
            row += [*spread([float(r[7]) for r in same]),
                    statistics.median(float(r[8]) for r in same)]
        rows.append(row + [""] * (len(head) - len(row)))
    width = max(len(r[0]) for r in rows) + 2
    print(f"\n{'heatpipe f32, all threads':{width}}{'ms':>9}{'share':>8}{'of peak':>9}{'least':>8}"
          f"{'most':>8}{'direct':>8}")
    for r in rows:
        print(f"{r[0]:{width}}{r[1]:9.1f}{r[2]:8.3f}" + ("" if r[7] == "" else
              f"{r[7]:9.3f}{r[8]:8.3f}{r[9]:8.3f}{r[10]:8.3f}"))
    tables.write("layers", head, rows)


def show_agreement(runners, folder, tables):
    """With PyTorch, or where it is not there with direct convolution."""
    base = EAGER if EAGER in runners else "heatpipe f32 --exact"
    if base not in runners:
        return
    path, rows = f"{folder}/logits.npy", []
    runners[base].logits(path)
    want = tensor(path)
    width = max(map(len, runners)) + 2
    print(f"\nlogits against {base}\n{'':{width}}{'largest difference':>20}{'other predictions':>16}"
          f"{'of clear ones':>16}")
    for name, r in runners.items():
        if name == base:
            continue
        r.logits(path)
        row = agreement(want, tensor(path))
        rows.append((name, base, *row))
        print(f"{name:{width}}{row[0]:20.3g}{row[1]:16}{row[2]:16}")
    print(f"clear: the two best logits are more than {GAP} apart")
    tables.write("agreement", ("name", "against", "largest_difference", "other_predictions",
                               "other_clear_predictions"), rows)


# --- all of it ---

def wanted(o, name):
    return (o.bf16 or PEERS[name][1] == "f32") and (not o.only or any(w in name for w in o.only))


def open_runners(o):
    runners = {"heatpipe f32": Heatpipe(o, "f32"),
               "heatpipe f32 --exact": Heatpipe(o, "f32", "--exact")}
    if o.bf16:
        runners["heatpipe bf16"] = Heatpipe(o, "bf16")
    runners |= {name: Peer(name) for name in PEERS if wanted(o, name)}
    for name in [n for n, r in runners.items() if r.why]:
        print(f"{name} is left out: {runners[name].why}")
        del runners[name]
    return runners


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        return next((line.split(":", 1)[1].strip() for line in f if line.startswith("model name")),
                    "unknown processor")


def compare(o, folder):
    tables = Tables(o.out or Path(o.program).resolve().parents[1] / "bench")
    runners = open_runners(o)
    if not runners:
        return 1
    steps = Steps(o, "f32", folder) if os.access(o.steps, os.X_OK) else None
    if not steps:
        print(f"peak and layers are left out: {o.steps} is not built")
    times = {name: [] for name in runners}
    names = list(runners)
    for i in range(o.rounds):
        # Every round begins with another.
        for name in names[i % len(names):] + names[:i % len(names)]:
            times[name].append(runners[name].run())
        if steps:
            steps.run()
    print(f"{o.images} images, {o.threads} threads, {o.rounds} rounds in turns, on {processor()}")
    macs, peak = (steps.totals[0]["gmacs_per_image_direct"], steps.peak()) if steps else (0, 0)
    show_times(o, times, runners, macs, peak, tables)
    show_ratios(times, runners, tables)
    show_agreement(runners, folder, tables)
    if steps:
        show_peak(o, steps, tables)
        show_layers(steps, tables)
    for r in runners.values():
        r.end()
    print(f"\ntables: {tables.folder}/predict-*.tsv")
    return 0


def main():
    o = options()
    o.images = min(o.images, test_bin(o.data).stat().st_size // RECORD)
    if o.peer:
        return peer(o)
    with tempfile.TemporaryDirectory() as folder:
        return compare(o, folder)


sys.exit(main())
