"""Nearest neighbours beside NumPy's matrix product, which is the least that has to be done, in turns:
10,000 embeddings of 512 elements among themselves and among 50,000, and the plane of 10,000.

    neighbors.py --build DIR --work DIR [--rounds N]
"""
import argparse
import os
import resource
import statistics
import subprocess
import time

import numpy as np


def timed(command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.perf_counter() - start, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def product(a, b):
    """Blocks of the product, and the candidates of each row."""
    start = time.perf_counter()
    for at in range(0, len(a), 1000):
        np.argpartition(-(a[at:at + 1000] @ b.T), 10, axis=1)
    return time.perf_counter() - start


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--build", required=True)
    ap.add_argument("--work", required=True)
    ap.add_argument("--rounds", type=int, default=3)
    args = ap.parse_args()
    program = os.path.join(args.build, "bin/neighbors")
    rnd = np.random.default_rng(1)
    centers = rnd.normal(size=(100, 512))
    paths = {}
    for name, n in ("test", 10000), ("train", 50000):
        v = (centers[rnd.integers(100, size=n)] + rnd.normal(size=(n, 512))).astype(np.float32)
        paths[name] = os.path.join(args.work, name + ".npy"), v
        np.save(paths[name][0], v)
    unit = {k: v / np.linalg.norm(v, axis=1, keepdims=True) for k, (_, v) in paths.items()}
    test, train = paths["test"][0], paths["train"][0]
    for what, command, other in (("among themselves", [program, test], unit["test"]),
                                 ("among 50,000", [program, "--among", train, test], unit["train"]),
                                 ("a plane", [program, "--project", "x,y", test], None)):
        ours, floor = [], []
        for _ in range(args.rounds):
            ours.append(timed(command))
            if other is not None:
                floor.append(product(unit["test"], other))
        wall, used = (statistics.median(x) for x in zip(*ours))
        beside = f"; NumPy's product and candidates {statistics.median(floor):.2f} s, ratio {statistics.median(floor) / wall:.2f}" if floor else ""
        print(f"10,000 of 512, {what}: {wall:.2f} s, {used:.2f} s of processors{beside}")


if __name__ == "__main__":
    main()
