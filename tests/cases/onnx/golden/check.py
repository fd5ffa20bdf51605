"""Logits and maps of every ONNX file of tests/golden/onnx, within 1e-4 of PyTorch's relative to the
largest of each image. make.py there says what the files are."""

import glob
import os
import subprocess
import sys

ROOT = os.environ["ROOT"]
GOLDEN = ROOT + "/tests/golden/onnx/"
sys.path.insert(0, ROOT + "/tests/golden/cam")
import npy  # noqa: E402

LAYERS = {"residual": "stem", "mobile": "features.3", "shuffle": "stem", "dense": "transition",
          "plain": "a", "next": "stem", "tokens": "patch"}
NET = {"beside": "shuffle"}  # its weights are in a second file


def near(file, what, net):
    try:
        npy.relative(what + ".npy", f"{GOLDEN}{what}/{net}.npy", 1e-4)
    except SystemExit as e:
        print(f"{file}: {what}: {e.code}")


FILES = sorted(glob.glob(GOLDEN + "*.onnx"))
for path, device in ((f, d) for f in FILES for d in ("ref", "cpu")):
    name = os.path.basename(path)[:-5]
    net = NET.get(name, name.split("-")[0])
    done = subprocess.run(["cifar-predict", "--model", path, "--data", GOLDEN + "images.npy", "--mean", ".5,.5,.5",
                           "--std", ".25,.25,.25", "--device", device, "--logits", "logits.npy", "--cams",
                           "maps.npy", "--layer", LAYERS[net], "--target", "pred"],
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        print(f"{name}: {done.returncode} {done.stderr}")
        continue
    near(name, "logits", net)
    near(name, "maps", net)
    print(name, device)
