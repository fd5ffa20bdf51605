#!/usr/bin/env python3
"""How cifar-predict grows: images per second and peak memory for few images and for many
(the data set over and over through a pipe), with one thread and with all; and how long it
takes to start. Tables go to a folder as TSV: growth.tsv, start.tsv.
"""

import argparse
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

RECORD = 2 + 3 * 32 * 32


def options():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--program", default="build/bin/cifar-predict")
    p.add_argument("--out", help="folder of the tables (default: bench beside the program's)")
    p.add_argument("--model", default="examples/shapes100/model.pth")
    p.add_argument("--data", default="examples/shapes100")
    p.add_argument("--device", default="cpu")
    p.add_argument("--precision", default="f32")
    p.add_argument("--few", type=int, default=1000, help="images (default: 1000)")
    p.add_argument("--many", type=int, default=10000, help="images (default: 10000)")
    p.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)),
                   help="most (default: one per core)")
    p.add_argument("--rounds", type=int, default=1, help="of what grows (default: 1)")
    p.add_argument("--runs", type=int, default=5, help="of what starts (default: 5)")
    return p.parse_args()


def feed(pipe, data, images):
    left = images * RECORD
    try:
        while left > 0:
            left -= pipe.write(data[:left])
        pipe.close()
    except BrokenPipeError:
        pass  # the program's status says why


def run(command, data=None, images=0):
    """Wall and processor seconds, and peak resident memory in MiB."""
    wall = time.perf_counter()
    p = subprocess.Popen(command, stdin=subprocess.PIPE if data else subprocess.DEVNULL,
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if data:
        threading.Thread(target=feed, args=(p.stdin, data, images), daemon=True).start()
    _, status, used = os.wait4(p.pid, 0)
    wall = time.perf_counter() - wall
    p.returncode = os.waitstatus_to_exitcode(status)
    if p.returncode:
        raise subprocess.CalledProcessError(p.returncode, command)
    return wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def write(folder, name, head, rows):
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / f"{name}.tsv", "w", encoding="ascii") as f:
        for row in [head, *rows]:
            f.write("\t".join(f"{v:.6g}" if isinstance(v, float) else str(v) for v in row) + "\n")


def show_growth(o, command, data, folder):
    """The best of the rounds, which take turns."""
    cases = [(n, t) for n in sorted({o.few, o.many}) for t in sorted({1, o.threads})]
    runs = {c: [] for c in cases}
    for _ in range(o.rounds):
        for n, t in cases:
            runs[n, t].append(run([*command, "--data", "-", "--threads", str(t)], data, n))
    print(f"{'images':>8}{'threads':>9}{'wall s':>9}{'to':>8}{'cpu s':>9}{'images/s':>10}"
          f"{'over 1':>8}{'MiB':>8}")
    rows = []
    for n, t in cases:
        wall, cpu, mib = zip(*runs[n, t])
        one = min(r[0] for r in runs[n, 1])
        rows.append((n, t, min(wall), max(wall), min(cpu), n / min(wall), one / min(wall),
                     max(mib)))
        print("{:8}{:9}{:9.2f}{:8.2f}{:9.2f}{:10.1f}{:8.2f}{:8.0f}".format(*rows[-1]))
    write(folder, "growth", ("images", "threads", "wall_s", "wall_s_most", "cpu_s", "images_per_s",
                             "over_one_thread", "peak_mib"), rows)


def show_start(o, command, path, folder):
    """The network is ready, and nothing computed, with --limit 0."""
    full = [*command, "--data", str(path), "--threads", str(o.threads)]
    rows = []
    for what, c in (("--help", [o.program, "--help"]), ("--limit 0", [*full, "--limit", "0"]),
                    ("--limit 1", [*full, "--limit", "1"])):
        times = sorted(run(c)[0] for _ in range(o.runs))
        rows.append((what, times[0], times[len(times) // 2], times[-1]))
        print("{:12} {:8.1f} ms, median {:.1f}, to {:.1f}".format(
            what, *(t * 1e3 for t in rows[-1][1:])))
    write(folder, "start", ("options", "best_s", "median_s", "most_s"), rows)


def main():
    o = options()
    folder = Path(o.out or Path(o.program).resolve().parents[1] / "bench")
    path = Path(o.data) / "test.bin" if Path(o.data).is_dir() else Path(o.data)
    command = [o.program, "--model", o.model, "--device", o.device, "--precision", o.precision]
    print("from the start of the program to a network that is ready (--limit 0), and the rows of "
          "one image:")
    show_start(o, command, path, folder)
    print()
    show_growth(o, command, path.read_bytes(), folder)
    print(f"\ntables: {folder}/growth.tsv, {folder}/start.tsv")


sys.exit(main())
