"""The first images of the example as .npy, as a folder of files of several sizes and kinds, and
as pickles: layouts.py EXAMPLE."""
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
