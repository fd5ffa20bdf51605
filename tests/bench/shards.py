#!/usr/bin/env python3
"""How the merge of an analysis in shards grows: N shards of synthetic predictions, made from the
first images of the example, are put together by gather and by the stage of the pipeline, and
counted where they lie by confmat and worst-k. Seconds of the clock and of the processor, images and MB
per second of the processor and peak memory go to shards.tsv.
"""

import argparse
import os
import shutil
import struct
import subprocess
import tempfile
import time
from pathlib import Path

TENSORS = ("logits.npy", "embeddings.npy")


def options():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--bin", default="build/bin")
    p.add_argument("--example", default="examples/shapes100")
    p.add_argument("--out", help="folder of the table (default: bench beside the programs)")
    p.add_argument("--shards", type=int, default=10000)
    p.add_argument("--images", type=int, default=100, help="of each shard (default: 100)")
    p.add_argument("--stage", type=int, default=1, help="0 leaves out the stage of the pipeline")
    return p.parse_args()


def npy(kind, shape):
    shape = "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"
    head = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", 118) + head.ljust(117).encode() + b"\n"


def template(o, folder):
    """One real shard, whose files and records the others vary."""
    subprocess.run([f"{o.bin}/heatpipe", "--model", f"{o.example}/model.pth", "--data", o.example, "--out", folder,
                    "--shard", f"0/{o.shards}"], check=True, stderr=subprocess.DEVNULL)
    rows = subprocess.run([f"{o.bin}/cifar-predict", "--model", f"{o.example}/model.pth", "--data", o.example],
                          check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout.splitlines()
    return folder / f"data/shards/0-of-{o.shards}", rows[0], [r.split("\t", 1)[1] for r in rows[1:]]


def make(o, folder):
    first, header, rows = template(o, folder)
    n = len(rows)
    record = (first / "data/made/predictions.tsv").read_text()
    run = (first / "data/predict_run.tsv").read_text()
    tensors = {}
    for name in TENSORS:
        whole = (first / "data" / name).read_bytes()
        width = int(whole[:128].decode("latin1").split("'shape': (")[1].split(")")[0].split(",")[1])
        item = whole[128 : 128 + 4 * width]
        tensors[name] = npy("<f4", (o.images, width)) + item * o.images
    for i in range(o.shards):
        shard = folder / f"data/shards/{i}-of-{o.shards}"
        (shard / "data/made").mkdir(parents=True, exist_ok=True)
        ids = range(i, i + o.images * o.shards, o.shards)
        text = [header] + [f"{k}\t{rows[k % n]}" for k in ids]
        (shard / "data/predictions.tsv").write_text("\n".join(text) + "\n")
        (shard / "data/ids.npy").write_bytes(npy("<i8", (o.images,)) + struct.pack(f"<{o.images}q", *ids))
        for name in TENSORS:
            (shard / "data" / name).write_bytes(tensors[name])
        (shard / "data/predict_run.tsv").write_text(
            "\n".join(f"images\t{o.images}" if line.startswith("images\t") else
                      f"shard\t{i}/{o.shards}" if line.startswith("shard\t") else line
                      for line in run.splitlines()) + "\n")
        (shard / "data/made/predictions.tsv").write_text(
            record.replace(f"word 0/{o.shards}\n", f"word {i}/{o.shards}\n").replace("made data/class_maps.npy\n", ""))
        for name in ("data/classes.tsv", "data/image_stats.tsv", "data/made/image_stats.tsv"):
            if not (shard / name).exists():
                shutil.copy(first / name, shard / name)


def measure(command, cwd, stdin=None):
    """Seconds of the clock and of processors, peak resident memory in MiB and bytes of output."""
    wall = time.perf_counter()
    p = subprocess.Popen(command, cwd=cwd, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    size = 0
    while piece := p.stdout.read(1 << 20):
        size += len(piece)
    p.stdout.close()
    _, status, used = os.wait4(p.pid, 0)
    p.returncode = os.waitstatus_to_exitcode(status)
    if p.returncode:
        raise subprocess.CalledProcessError(p.returncode, command)
    return time.perf_counter() - wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, size


def main():
    o = options()
    o.bin = os.path.abspath(o.bin)
    out = Path(o.out or Path(o.bin).parent / "bench")
    out.mkdir(parents=True, exist_ok=True)
    lines = []

    def tell(what, wall, seconds, memory, size):
        all_images = o.shards * o.images
        lines.append(f"{what}\t{o.shards}\t{all_images}\t{wall:.2f}\t{seconds:.2f}\t{all_images / seconds:.0f}\t"
                     f"{size / 1e6 / seconds:.0f}\t{memory:.0f}")
        print(f"{what:12}  {wall:8.2f} s, of a processor {seconds:8.2f} s: {all_images / seconds:10.0f} images/s  "
              f"{size / 1e6 / seconds:6.0f} MB/s  {memory:6.0f} MiB", flush=True)

    with tempfile.TemporaryDirectory() as work:
        folder = Path(work) / "run"
        make(o, folder)
        shards = folder / "data/shards"

        def files(name):
            return [f"{i}-of-{o.shards}/data/{name}" for i in range(o.shards)]

        ids = subprocess.run(["xargs", "-0", "cat"], cwd=shards, input="\0".join(files("ids.npy")).encode(),
                             check=True, stdout=subprocess.PIPE).stdout
        (Path(work) / "ids.npy").write_bytes(ids)
        print(f"{o.shards} shards of {o.images} images", flush=True)
        tell("rows", *measure([f"{o.bin}/gather", *files("predictions.tsv")], shards))
        for name in TENSORS:
            tell(name.split(".")[0], *measure([f"{o.bin}/gather", "--ids", f"{work}/ids.npy", *files(name)], shards))
        size = sum((shards / f).stat().st_size for f in files("predictions.tsv"))
        for name, command in (("summary", ["confmat", "--summary"]), ("pairs", ["confmat", "--pairs"]), ("worst-k", ["worst-k"])):
            used = measure([f"{o.bin}/{command[0]}", *command[1:], *files("predictions.tsv")], shards)
            tell(name, *used[:3], size)
        if o.stage:
            used = measure([f"{o.bin}/heatpipe", "--model", f"{o.example}/model.pth", "--data", o.example, "--out",
                                          str(folder), "--shards", str(o.shards), "data/predictions.tsv"], work)
            size = sum((folder / "data" / name).stat().st_size for name in ("predictions.tsv", "ids.npy", *TENSORS))
            tell("stage", *used[:3], size)
    (out / "shards.tsv").write_text("what\tshards\timages\tseconds\tcpu_seconds\timages_per_s\tmb_per_s\tmib\n" + "\n".join(lines) + "\n")


main()
