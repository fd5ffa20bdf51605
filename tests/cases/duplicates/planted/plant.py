"""plant.py IMAGES SET TRAIN: a set of 60 images with copies of some, and a training set."""
import sys

SIZE, SIDE = 3074, 32
data = open(sys.argv[1], "rb").read()
record = [data[i : i + SIZE] for i in range(0, len(data), SIZE)]


def change(r, other=False, dy=0, dx=0, gain=1.0, offset=0):
    """Moved, with the border repeated; brighter; under another label."""
    out = bytearray(r)
    if other:
        out[:2] = next(q for q in record if q[1] != r[1])[:2]
    clip = lambda v: min(max(v, 0), SIDE - 1)
    for c in range(3):
        for y in range(SIDE):
            for x in range(SIDE):
                v = r[2 + c * 1024 + clip(y + dy) * SIDE + clip(x + dx)]
                out[2 + c * 1024 + y * SIDE + x] = min(max(round(gain * v + offset), 0), 255)
    return bytes(out)


images = record[:50]
images += [record[3], record[3], change(record[4], other=True), change(record[5], dy=2, dx=-3)]
images += [change(record[6], gain=0.8, offset=20), change(record[7], dy=-4, gain=1.1, offset=-5)]
images += record[50:54]
train = record[200:260] + [record[10], change(record[11], dx=3), change(record[12], other=True, dy=1)]
open(sys.argv[2], "wb").write(b"".join(images))
open(sys.argv[3], "wb").write(b"".join(train))
