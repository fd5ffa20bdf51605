"""The first images of the example as .npy, as a folder of files of several sizes and kinds, and
as pickles: layouts.py EXAMPLE."""
import gzip
import os
import pickle
import sys
from pathlib import Path

import numpy as np
from PIL import Image

records = np.fromfile(Path(sys.argv[1]) / "test.bin", np.uint8).reshape(-1, 3074)[:60]
names, groups = ((Path(sys.argv[1]) / f"{kind}_label_names.txt").read_text().split() for kind in ("fine", "coarse"))
images = records[:, 2:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
np.save("i.npy", images)
Path("labels.txt").write_text("".join(f"{v}\n" if i % 4 else "NA\n" for i, v in enumerate(records[:, 1])))
for i, image in enumerate(images):
    folder = Path("folder", names[records[i, 1]], *(["inner"] if i % 4 == 0 else []))
    os.makedirs(folder, exist_ok=True)
    picture = Image.fromarray(image)
    (picture.resize((45, 37)) if i % 5 == 0 else picture).save(folder / f"p{i}.{('png', 'jpg', 'bmp')[i % 3]}")
os.makedirs("pickles", exist_ok=True)
for name, content in (("test", {b"data": records[:, 2:].copy(), b"fine_labels": records[:, 1].tolist(),
                                b"coarse_labels": records[:, 0].tolist()}),
                      ("meta", {"fine_label_names": names, "coarse_label_names": groups})):
    with open(Path("pickles", name), "wb") as f:
        pickle.dump(content, f, protocol=2)

# The data sets beside CIFAR, of the same pixels.
grey = records[:, 2:2 + 28 * 28].reshape(-1, 28, 28)
digits = (records[:, 1] % 10).astype(np.uint8)
for folder, pack in (("MNIST/raw", lambda b: b), ("FashionMNIST/raw", gzip.compress)):
    os.makedirs(folder, exist_ok=True)
    end = ".gz" if pack is gzip.compress else ""
    Path(folder, "t10k-images-idx3-ubyte" + end).write_bytes(
        pack(b"\0\0\x08\x03" + np.array(grey.shape, ">u4").tobytes() + grey.tobytes()))
    Path(folder, "t10k-labels-idx1-ubyte" + end).write_bytes(
        pack(b"\0\0\x08\x01" + np.array(digits.shape, ">u4").tobytes() + digits.tobytes()))
large = np.stack([np.asarray(Image.fromarray(i).resize((96, 96))) for i in images[:20]])
os.makedirs("stl10_binary", exist_ok=True)
large.transpose(0, 3, 2, 1).tofile("stl10_binary/test_X.bin")
(digits[:20] + 1).tofile("stl10_binary/test_y.bin")
tiny = Path("tiny-imagenet-200")
for folder in ("val/images", "train", "test/images"):
    os.makedirs(tiny / folder, exist_ok=True)
ids = [f"n{(k * 7 % 10):08}" for k in range(10)]
(tiny / "wnids.txt").write_text("".join(f"{c}\n" for c in ids))
words = {c: w for c, w in zip(ids, ("goldfish, Carassius", "ladle", "crane, bird", "crane", "brain coral", "sock"))}
(tiny / "words.txt").write_text("".join(f"{c}\t{w}\n" for c, w in words.items()))
with open(tiny / "val/val_annotations.txt", "w") as f:
    for i, image in enumerate(images[:20]):
        Image.fromarray(image).resize((64, 64)).save(tiny / f"val/images/val_{19 - i}.png")
        f.write(f"val_{19 - i}.png\t{ids[i * 3 % 10]}\t0\t0\t63\t63\n")
try:
    from scipy.io import savemat
    os.makedirs("svhn", exist_ok=True)
    savemat("svhn/test_32x32.mat", {"X": images.transpose(1, 2, 3, 0), "y": digits[:, None] + (digits[:, None] == 0) * 10},
            do_compression=True)
except ImportError:
    pass  # predict.py needs it, too
