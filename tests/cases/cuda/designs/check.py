"""Networks of other families on the device: logits within 1e-4 of PyTorch's in f32 and within 0.1
in f16, relative to the largest logit of the image. tests/cases/cifar-predict/designs has all of
them on the CPU; here is one of each, since kernels are slow on the stand-in. And images of one
channel (tests/golden/inputs)."""
import os
import subprocess
import sys

ROOT = os.environ["ROOT"]
DESIGNS, FAMILIES = ROOT + "/tests/golden/designs", ROOT + "/tests/golden/families"
INPUTS = ROOT + "/tests/golden/inputs/"
sys.path[:0] = [ROOT + "/tests/golden/cam", DESIGNS]
import npy  # noqa: E402
import weights  # noqa: E402

NETS = ("vgg-torchvision", "densenet-torchvision", "mobilenetv2-weiaicunzai",
        "shufflenetv2-chenyaofo", "repvgg-deploy", "resnext-weiaicunzai", "seresnet-basic",
        "googlenet-one")
PIXELS = ["--mean", ".5071,.4867,.4409", "--std", ".2673,.2564,.2762"]


def logits(file, data, precision, *options):
    done = subprocess.run(
        ["cifar-predict", "--model", file, "--data", data, "--device", "cuda", "--precision",
         precision, "--logits", "logits.npy", *options],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode == 3:
        sys.exit(77)  # a GPU without this type
    if done.returncode:
        sys.exit(done.stderr.strip())


def check(name, golden, *run):
    right = []
    for precision, tolerance in ("f32", 1e-4), ("f16", 0.1):
        logits(*run[:2], precision, *run[2:])
        try:
            npy.relative("logits.npy", golden, tolerance)
            right.append(precision)
        except SystemExit as e:
            print(f"{name}: {precision}: {e.code}", file=sys.stderr)
    print(name, *right)


def main():
    for name in NETS:
        weights.write(name, "net.safetensors", "")
        check(name, f"{DESIGNS}/logits/{name}.npy", "net.safetensors", FAMILIES + "/images.npy",
              *PIXELS)
    check("grey", INPUTS + "grey-digits.logits.npy", INPUTS + "grey.pt2",
          INPUTS + "t10k-images-idx3-ubyte")


main()
