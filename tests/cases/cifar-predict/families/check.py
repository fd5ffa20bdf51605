"""Logits of every row of families.tsv within 1e-4 of PyTorch's, relative to the largest
logit of the image, and what refused.tsv lists refused with words that say why.

families.tsv: golden logits, checkpoint, the family that its keys show, options where
PyTorch's network is not what the keys alone would make of it. tests/golden/families/make.py
writes both tables.
"""
import csv
import os
import subprocess
import sys

ROOT, HERE = os.environ["ROOT"], os.environ["T"]
GOLDEN = ROOT + "/tests/golden/families/"
sys.path.insert(0, ROOT + "/tests/golden/cam")
import npy  # noqa: E402

RUNS = {"ref": ["--device", "ref"], "cpu": ["--device", "cpu"],
        "exact": ["--device", "cpu", "--exact"]}


def table(name):
    with open(f"{HERE}/{name}", newline="", encoding="ascii") as f:
        return list(csv.DictReader(f, delimiter="\t"))


def predict(file, *options):
    if os.path.exists("logits.npy"):
        os.remove("logits.npy")
    return subprocess.run(["cifar-predict", "--model", GOLDEN + file, "--data",
                           GOLDEN + "images.npy", "--logits", "logits.npy", *options],
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)


def family(file):
    """What model-info takes a file for."""
    done = subprocess.run(["model-info", GOLDEN + file], stdout=subprocess.PIPE, text=True,
                          check=True)
    line = next(s for s in done.stdout.splitlines() if s.startswith("family"))
    return line.split(None, 1)[1].split(",")[0]


def near(a, b):
    """What keeps a from being b, or None."""
    try:
        npy.relative(a, b, 1e-4)
    except SystemExit as e:
        return e.code
    return None


def check_comparison():
    def write(path, *values):
        npy.write(path, "<f4", "f", (2, 2), values)

    write("want.npy", 1000, 1, 1, -2)
    write("same.npy", 1000.09, 1.09, 1.0001, -2)
    assert near("same.npy", "want.npy") is None
    nan = float("nan")
    for other in (1000, 1, 1.0003, -2), (1000, 1.2, 1, -2), (1000, 1, nan, -2), (0, 0, 0, 0):
        write("other.npy", *other)
        assert near("other.npy", "want.npy"), other
    npy.write("short.npy", "<f4", "f", (1, 2), (1000, 1))
    assert near("short.npy", "want.npy")


def main():
    check_comparison()
    for row in table("families.tsv"):
        options = [] if row["options"] == "-" else row["options"].split()
        good = []
        for run, device in RUNS.items():
            done = predict(row["file"], *device, *options)
            wrong = done.stderr if done.returncode else near(
                "logits.npy", f"{GOLDEN}logits/{row['logits']}.npy")
            if wrong:
                print(f"{run}: {wrong.strip()}", file=sys.stderr)
            else:
                good.append(run)
        found = family(row["file"])
        if found != row["family"]:
            print(f"{row['file']}: inferred architecture {found}", file=sys.stderr)
        print(row["file"], row["options"], *good)
    for row in table("refused.tsv"):
        done = predict(row["file"])
        if done.returncode == 1 and row["says"] in done.stderr:
            print(row["file"], "refused")
        else:
            print(f"{row['file']}: status {done.returncode}: {done.stderr}", file=sys.stderr)


main()
