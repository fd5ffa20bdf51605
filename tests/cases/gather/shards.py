"""shards.py IMAGES N: p.tsv, f.npy, x.npy, ids.npy and run.tsv of one run, from which every
seventh image is missing, and the same of each of N shards in s0, s1, ...; their names in the files
`rows` and, in another order, `shuffled`.
shards.py same A B: whether two streams of records hold the same items."""

import os
import random
import struct
import sys


def npy(descr, shape, data):
    head = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': ({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''}), }}"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", 118) + head.ljust(117).encode() + b"\n" + data


def items(path):
    raw, out = open(path, "rb").read(), b""
    while raw:
        text = raw[10:128].decode()
        n = 1
        for d in text[text.index("(") + 1:text.index(")")].split(","):
            n *= int(d) if d.strip() else 1
        n *= int(text[text.index("<f") + 2])
        out, raw = out + raw[128:128 + n], raw[128 + n:]
    return out


def write(folder, ids, lines):
    os.makedirs(folder, exist_ok=True)
    put = lambda name, data: open(os.path.join(folder, name), "wb").write(data)
    rows = "".join(f"{i}\t{i * 37 % 5}\t{'long name ' * (i % 4)}\n" for i in ids)
    put("p.tsv", f"id\tpred\tpred_name\n{rows}".encode())
    put("f.npy", npy("<f4", (len(ids), 3, 2), b"".join(struct.pack("<6f", *[i + k / 8 for k in range(6)]) for i in ids)))
    put("x.npy", npy("<f8", (len(ids),), b"".join(struct.pack("<d", i / 3) for i in ids)))
    put("ids.npy", npy("<i8", (len(ids),), struct.pack(f"<{len(ids)}q", *ids)))
    put("run.tsv", "".join(line + "\n" for line in lines).encode())


if sys.argv[1] == "same":
    print(items(sys.argv[2]) == items(sys.argv[3]))
    sys.exit()
images, shards = map(int, sys.argv[1:])
ids = [i for i in range(images) if i % 7 or i == 0]
missing = lambda some: len([i for i in some if i % 7 == 0 and i])
warning = "warning\timages: files that cannot be read: {} of {} images are missing in the results; d.tsv lists them"
run = lambda n, *more: ["name\tvalue", "date\t2026", "data\timages", f"images\t{n}", *more, "precision\tf32"]
lost = missing(range(images))
write(".", ids, run(len(ids), *[warning.format(lost, images)] if lost else []))
for s in range(shards):
    own = [i for i in ids if i % shards == s]
    lost = missing(range(s, images, shards))
    write(f"s{s}", own, run(len(own), f"shard\t{s}/{shards}", *[f"shard_damaged\t{lost} d.tsv"] if lost else []))
names = [f"s{i}" for i in range(shards)]
open("rows", "w").write("\n".join(names) + "\n")
random.Random(1).shuffle(names)
open("shuffled", "w").write("\n".join(names) + "\n")
