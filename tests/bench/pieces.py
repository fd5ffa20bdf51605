#!/usr/bin/env python3
"""What `report explorer` costs. Rows that are made: seconds and peak memory, with images and maps
and without. A finished analysis: bytes of the page, of what its overview may load, of everything,
and of the single file. Ends with status 1 where something is more than it may be."""

import argparse
import os
import random
import struct
import subprocess
import sys
import time
from pathlib import Path

MB = 1 << 20
CLASSES, PLANES, SIDE, GRID = 100, 100, 32, 4


def options():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--build", default="build")
    p.add_argument("--results", required=True)
    p.add_argument("--data", required=True)
    p.add_argument("--work", required=True)
    p.add_argument("--rows", type=int, nargs="*", default=[10000, 100000],
                   help="with images and maps (default: 10000 100000)")
    p.add_argument("--bare", type=int, nargs="*", default=[1000000],
                   help="without them (default: 1000000)")
    p.add_argument("--memory", type=int, default=300, help="most MiB (default: 300)")
    return p.parse_args()


class Bench:
    def __init__(self, o):
        self.bin, self.work, self.results = Path(o.build, "bin"), Path(o.work), Path(o.results)
        self.bad = 0

    def run(self, *command, **files):
        """Wall and processor seconds, and peak resident memory in MiB."""
        begin = time.perf_counter()
        p = subprocess.Popen([str(self.bin / command[0]), *map(str, command[1:])], **files)
        _, status, used = os.wait4(p.pid, 0)
        p.returncode = os.waitstatus_to_exitcode(status)
        if p.returncode:
            sys.exit(f"{command[0]}: status {p.returncode}")
        return time.perf_counter() - begin, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024

    def say(self, what, value, unit, most=None):
        over = most is not None and value > most
        self.bad += over
        limit = "" if most is None else f", at most {most:g}" + (": TOO MUCH" if over else "")
        print(f"{what:52} {value:9.2f} {unit}{limit}", flush=True)


def header(kind, shape):
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", 118) + text.ljust(117).encode() + b"\n"


def make(b, rows, tensors):
    """Tables of so many rows and, with `tensors`, images and maps, in the folder `work`."""
    rng = random.Random(1)
    with open(b.work / "p.tsv", "w") as f:
        f.write("id\ttrue\tpred\tcorrect\tconf\tp_true\trank_true\tmargin\tentropy\tloss\ttrue_name\tpred_name\n")
        for i in range(rows):
            t = i % CLASSES
            p = t if rng.random() < 0.8 else rng.randrange(CLASSES)
            conf = rng.random()
            f.write(f"{i}\t{t}\t{p}\t{int(t == p)}\t{conf:.9g}\t{conf / 2:.9g}\t{1 + (t != p)}\t{conf * 3:.9g}\t"
                    f"{1 - conf:.9g}\t{conf * 1.7:.9g}\tclass {t}\tclass {p}\n")
    for table in ("classes", "pairs"):
        with open(b.work / f"{table}.tsv", "w") as f:
            b.run("confmat", f"--{table}", b.work / "p.tsv", stdout=f)
    if not tensors:
        return []
    # A few that come again and again: what counts is how many there are.
    image = bytes(min(255, max(0, int(128 + 40 * rng.gauss(0, 1)))) for _ in range(64 * 3 * SIDE * SIDE))
    maps = struct.pack(f"<{64 * PLANES * GRID * GRID}f", *(rng.gauss(0, 1) for _ in range(64 * PLANES * GRID * GRID)))
    for path, kind, shape, block in (("images.npy", "|u1", (rows, SIDE, SIDE, 3), image),
                                     ("maps.npy", "<f4", (rows, PLANES, GRID, GRID), maps)):
        with open(b.work / path, "wb") as f:
            f.write(header(kind, shape))
            left, item = rows, len(block) // 64
            while left > 0:
                f.write(block[:min(left, 64) * item])
                left -= 64
    return ["--data", b.work / "images.npy", "--class-maps", b.work / "maps.npy"]


def growth(b, rows, tensors, most):
    more = make(b, rows, tensors)
    wall, used, mib = b.run("report", "explorer", "--predictions", b.work / "p.tsv", "--classes",
                            b.work / "classes.tsv", "--pairs", b.work / "pairs.tsv", *more, "--out",
                            b.work / "page.html")
    what = f"{rows} rows" + (" with images and maps" if tensors else "")
    b.say(f"{what}: wall time", wall, "s")
    b.say(f"{what}: processor time", used, "s")
    b.say(f"{what}: memory", mib, "MiB", most)


def size(paths):
    return sum(p.stat().st_size for p in paths) / MB


def bytes_of(b, data):
    """Of the finished analysis."""
    page, folder, d = b.results / "explorer.html", b.results / "explorer", b.results / "data"
    pieces = list(folder.iterdir())
    # At the most: the overview shows pictures of few images, and few columns.
    first = [p for p in pieces if not p.name.startswith(("images.", "maps."))]
    b.say("page", size([page]), "MB")
    b.say("page and all columns of all tables", size([page, *first]), "MB")
    own = [p for p in first if p.name.startswith(("t0.", "slots", "confusion"))]
    b.say("page, rows and matrix: the first view", size([page, *own]), "MB", 3)
    b.say("everything", size([page, *pieces]), "MB", 45)
    tables = []
    for option, file in (("classes", "per_class"), ("pairs", "pairs"), ("summary", "summary"), ("selected", "selected"),
                         ("pair-rows", "pair_rows"), ("errors", "confident_rows"), ("names", "classes"), ("run", "run"),
                         ("files", "files")):
        tables += [f"--{option}", d / f"{file}.tsv"]
    _, _, mib = b.run("report", "explorer", "--predictions", d / "predictions.tsv", *tables, "--data", data,
                      "--class-maps", d / "class_maps.npy", "--ids", d / "ids.npy", "--join", d / "cam_stats.tsv",
                      "--single-file", "--out", b.work / "single.html")
    b.say("single file", size([b.work / "single.html"]), "MB", 8)
    b.say("single file: memory", mib, "MiB", 300)


def main():
    o = options()
    b = Bench(o)
    bytes_of(b, o.data)
    for rows in o.rows:
        growth(b, rows, True, o.memory)
    for rows in o.bare:
        growth(b, rows, False, o.memory)
    sys.exit(b.bad > 0)


main()
