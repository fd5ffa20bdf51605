"""Logits and maps of tests/golden/inputs within 1e-4 of PyTorch's."""
import os
import subprocess
import sys

ROOT = os.environ["ROOT"]
GOLDEN = ROOT + "/tests/golden/inputs/"
sys.path.insert(0, ROOT + "/tests/golden/cam")
import npy  # noqa: E402

DIGITS, PICTURES = "t10k-images-idx3-ubyte", "pictures"
GIVEN = ["--mean", ".5,.4,.3", "--std", ".2,.25,.3"]
RUNS = (("grey-digits", "grey.pth", DIGITS, []),
        ("grey-digits", "grey.pt2", DIGITS, []),
        ("grey-digits", "grey.pt2", DIGITS, ["--mean", ".1307", "--std", ".3081"]),
        ("grey-pictures", "grey.pt2", PICTURES, []),
        ("grey-pictures", "grey.pth", PICTURES, ["--resize", "28x28"]),
        ("color-pictures", "color.pt2", PICTURES, GIVEN + ["--resize", "26", "--crop", "24"]),
        ("color-digits", "color.pt2", DIGITS, GIVEN))

for name, model, data, options in RUNS:
    for device in "ref", "cpu":
        subprocess.run(["cifar-predict", "--model", model, "--data", GOLDEN + data,
                        "--device", device, "--logits", "logits.npy", "--class-maps", "maps.npy",
                        *options], stdout=subprocess.DEVNULL, check=True)
        for what in "logits", "maps":
            npy.relative(f"{what}.npy", f"{GOLDEN}{name}.{what}.npy", 1e-4)
        print(name, model, device)
