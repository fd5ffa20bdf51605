"""Predictions, embeddings and a linear layer with a slice planted in them.

Four classes on four channels; two more tell a property that the layer does not read. Of class 0
the images that have it (channel 4) look like class 1: most are errors. Other errors are spread
over all classes."""
import random
import struct


def write(path, shape, values, kind="f"):
    head = f"{{'descr': '<{kind}{8 if kind == 'q' else 4}', 'fortran_order': False, 'shape': {shape}, }}"
    head = head.replace("<f4", "<f4").replace("<q8", "<i8")
    with open(path, "wb") as f:
        f.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", 118) + head.ljust(117).encode() + b"\n")
        f.write(struct.pack(f"<{len(values)}{kind}", *values))


def make(n=1200, seed=1, slice_rate=.8):
    rng = random.Random(seed)
    x, true, pred, inside = [], [], [], []
    for i in range(n):
        label = i % 4
        planted = label == 0 and rng.random() < .2
        # Away from the boundary, so that rounding decides nothing.
        wrong = rng.random() < (slice_rate if planted else .06)
        other = 1 if planted else rng.choice([c for c in range(4) if c != label])
        p = other if wrong else label
        row = [rng.gauss(0, .15) for _ in range(6)]
        row[p] += 3
        row[label] += 0 if p == label else 1
        row[4] += 3 if planted else 0
        x += row
        true.append(label)
        pred.append(p)
        inside.append(planted)
    return x, true, pred, inside


def write_all(x, true, pred, group=True):
    write("e.npy", (len(true), 6), x)
    write("w.npy", (4, 6), [float(k == c) for c in range(4) for k in range(6)])
    write("b.npy", (4,), [0.0] * 4)
    names = ["cat", "dog", "car", "bus"]
    with open("p.tsv", "w") as f:
        f.write("id\ttrue\tpred\ttrue_name\tpred_name" + ("\ttrue_group\tpred_group" if group else "") + "\n")
        for i, (a, b) in enumerate(zip(true, pred)):
            more = f"\t{['animal', 'vehicle'][a // 2]}\t{['animal', 'vehicle'][b // 2]}" if group else ""
            f.write(f"{i}\t{a}\t{b}\t{names[a]}\t{names[b]}{more}\n")
