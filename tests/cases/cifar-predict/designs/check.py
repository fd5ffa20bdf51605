"""Networks that are not plain residual ones, by their keys: logits and maps of a layer inside
within 1e-4 of PyTorch's, relative to the largest number of the image, and batch norms that the
images fit of which they recorded the statistics. Columns: the network; what model-info calls its
family; on which devices logits and maps are right; how the norms fit, if there are any; where the
keys alone are not enough, "told" if the norms tell the options.

nets.tsv: network, family, layer of the maps, options where PyTorch's is not what the keys alone would make of it.
tests/golden/designs/make.py writes it.
"""
import csv
import os
import subprocess
import sys

ROOT, HERE = os.environ["ROOT"], os.environ["T"]
DESIGNS, FAMILIES = ROOT + "/tests/golden/designs", ROOT + "/tests/golden/families"
sys.path[:0] = [ROOT + "/tests/golden/cam", DESIGNS]
import npy  # noqa: E402
import weights  # noqa: E402

PIXELS = ["--mean", ".5071,.4867,.4409", "--std", ".2673,.2564,.2762"]
DEVICES = {"ref": ["--device", "ref"], "cpu": ["--device", "cpu"],
           "exact": ["--device", "cpu", "--exact"]}


def run(*words):
    return subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          check=False)


def predict(file, data, *options):
    return run("cifar-predict", "--model", file, "--data", f"{FAMILIES}/{data}.npy", *PIXELS,
               *options)


def family(file):
    done = run("model-info", file)
    line = next(s for s in done.stdout.splitlines() if s.startswith("family"))
    return line.split(None, 1)[1].split(",")[0]


def maps(file, layer, *options):
    """Of the first two of the rows in rows.tsv, as a tensor of (2, h, w)."""
    with open("rows.tsv", encoding="utf-8") as f:
        rows = "".join(f.readlines()[:3])
    done = subprocess.run(
        ["cam-compute", "--model", file, "--data", FAMILIES + "/images.npy", *PIXELS, "--layer",
         layer, "--target", "pred", "--size", "layer", "--scale", "none", *options],
        input=rows.encode(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    with open("maps.npy", "wb") as f:
        f.write(done.stdout)
    if done.returncode == 0:
        shape, values = npy.load("maps.npy")
        npy.write("maps.npy", "<f4", "f", (shape[0], *shape[2:]), values)
    return done.stderr.decode().strip()


def right(name, file, layer, options):
    done = predict(file, "images", "--logits", "logits.npy", *options)
    with open("rows.tsv", "w", encoding="utf-8") as f:
        f.write(done.stdout)
    wrong = done.stderr.strip() or maps(file, layer, *options)
    try:
        if not wrong:
            npy.relative("logits.npy", f"{DESIGNS}/logits/{name}.npy", 1e-4)
            npy.relative("maps.npy", f"{DESIGNS}/maps/{name}.npy", 1e-4)
    except SystemExit as e:
        wrong = e.code
    if wrong:
        print(f"{name}: {' '.join(options)}: {wrong}", file=sys.stderr)
    return not wrong


def told(file, options):
    """Whether the program asks for just these options where they are not given."""
    return predict(file, "probe").stderr.rstrip().endswith(": give " + " ".join(options))


def fit(file, options):
    done = predict(file, "probe", "--run", "run.tsv", *options)
    print(done.stderr, end="", file=sys.stderr)
    with open("run.tsv", encoding="utf-8") as f:
        return next((s.split("\t")[1].split()[0].strip(",;:") for s in f if s.startswith("fit\t")),
                    "unknown")


def main():
    with open(HERE + "/nets.tsv", newline="", encoding="ascii") as f:
        rows = list(csv.DictReader(f, delimiter="\t"))
    for i, row in enumerate(rows):
        name = row["net"]
        options = [] if row["options"] == "-" else row["options"].split()
        weights.write(name, "net.safetensors", ["", "module.", "_orig_mod.module."][i % 3])
        good = [d for d, words in DEVICES.items()
                if right(name, "net.safetensors", row["layer"], words + options)]
        print(name, found := family("net.safetensors"), *good, fit("net.safetensors", options),
              *["told"] * (bool(options) and told("net.safetensors", options)))
        if found != row["family"]:
            print(f"{name}: expected {row['family']}", file=sys.stderr)


main()
