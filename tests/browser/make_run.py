"""Makes a run that no model made: make_run.py DIR IMAGES CLASSES [WORD ...]

WORD: right (no errors), wrong (all errors), unlabelled, tall (images of 96 by 64), names (with
markup, from right to left, emoji, 10,000 letters), nomaps, noimages, xy (columns x and y).
Writes DIR/data/predictions.tsv, images.npy and class_maps.npy, a block at a time.
"""
import os, random, struct, sys

folder, n, classes, *words = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:]
h, w = (96, 64) if "tall" in words else (32, 32)
rnd = random.Random(1)
NAMES = ["</script><script>pwned=1</script>", "\\\"><img src=x onerror=pwned=1>", "חתול שחור", "قطة -> كلب", "👩‍👩‍👧‍👦 family 🇩🇪", "x" * 10000,
         "a b  c", "it's `a` $(b) \\\\n", "-->", "\\NA", "&lt;b&gt;", "10"]
name = lambda c: NAMES[c] if "names" in words and c < len(NAMES) else f"class_{c}"
os.makedirs(folder + "/data", exist_ok=True)


def npy(path, kind, shape, blocks):
    head = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117).encode() + b"\n"
    with open(path, "wb") as f:
        f.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", 118) + head)
        for b in blocks:
            f.write(b)


# A few images and maps, in other places for each image.
pool = rnd.randbytes(3 * h * w * 8)
npy(folder + "/images.npy", "|u1", (n, h, w, 3), (pool[(i * 97) % (len(pool) - 3 * h * w):][:3 * h * w] for i in range(n)))
if "nomaps" not in words:
    cells = struct.pack(f"<{classes * 16 + 4096}f", *(rnd.gauss(0, 1) for _ in range(classes * 16 + 4096)))
    npy(folder + "/data/class_maps.npy", "<f4", (n, classes, 4, 4), (cells[i * 16 % 16384:][:classes * 64] for i in range(n)))
with open(folder + "/data/predictions.tsv", "w", encoding="utf-8", newline="\n") as f:
    f.write("id\ttrue\tpred\tcorrect\tconf\tp_true\trank_true\tmargin\tentropy\tloss\ttrue_name\tpred_name\ttrue_group\tpred_group" + ("\tx\ty" if "xy" in words else "") + "\n")
    for i in range(n):
        t = i % classes
        p = t if classes == 1 or "right" in words or ("wrong" not in words and rnd.random() < .7) else (t + 1 + rnd.randrange(min(3, classes - 1))) % classes
        c = rnd.random() * .7 + .3
        q = c if t == p else (1 - c) / 2
        true = ["NA"] * 3 if "unlabelled" in words else [t, int(t == p), 1 if t == p else 2]
        row = [i, true[0], p, true[1], f"{c:.9g}", "NA" if true[0] == "NA" else f"{q:.9g}", true[2], f"{rnd.gauss(1, 2):.9g}", f"{rnd.random():.9g}", f"{rnd.random():.9g}",
               "NA" if true[0] == "NA" else name(t), name(p), "NA", "NA"]
        f.write("\t".join(map(str, row + ([f"{rnd.gauss(0, 1):.9g}", f"{rnd.gauss(0, 1):.9g}"] if "xy" in words else []))) + "\n")
