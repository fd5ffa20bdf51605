"""make DATA N: each of the first images as it is, mirrored, and shifted to each side, as rows and
images; and one small image. compare STATS: the columns from the maps of these."""
import csv
import math
import sys

import npy

SIDE, VIEWS = 32, 6
# Where pixel (y, x) of a view comes from.
MOVES = [lambda y, x: (y, x), lambda y, x: (y, SIDE - 1 - x), lambda y, x: (y - 1, x),
         lambda y, x: (y + 1, x), lambda y, x: (y, x - 1), lambda y, x: (y, x + 1)]


def inside(v):
    return min(max(v, 0), SIDE - 1)


def images(path, shape, body):
    npy.write(path, "|u1", "B", shape, body)


def make(path, n):
    data = open(path, "rb").read()
    body, small = [], []
    for i in range(n):
        image = data[i * 3074 + 2:(i + 1) * 3074]
        for move in MOVES:
            for c in range(3):
                for y in range(SIDE):
                    for x in range(SIDE):
                        from_y, from_x = move(y, x)
                        body.append(image[c * SIDE * SIDE + inside(from_y) * SIDE + inside(from_x)])
    for c in range(3):
        small += [data[2 + c * SIDE * SIDE + y * SIDE + x] for y in range(8) for x in range(8)]
    images("moved.npy", (n * VIEWS, 3, SIDE, SIDE), body)
    images("small.npy", (1, 3, 8, 8), small)
    rows = list(csv.DictReader(open("rows.tsv", encoding="ascii"), delimiter="\t"))
    with open("moved.tsv", "w", encoding="ascii") as f:
        f.write("id\ttrue\tpred\n")
        for i, row in enumerate(rows):
            for v in range(VIEWS):
                f.write(f"{i * VIEWS + v}\t{row['true']}\t{row['pred']}\n")


def resize(cells, h, w):
    def places(n):
        at = [(i + 0.5) * n / SIDE - 0.5 for i in range(SIDE)]
        return [(min(max(math.floor(a), 0), n - 1), min(max(math.floor(a) + 1, 0), n - 1),
                 a - math.floor(a)) for a in at]
    return [[(cells[y0 * w + x0] * (1 - fx) + cells[y0 * w + x1] * fx) * (1 - fy) +
             (cells[y1 * w + x0] * (1 - fx) + cells[y1 * w + x1] * fx) * fy
             for x0, x1, fx in places(w)] for y0, y1, fy in places(h)]


def ranks(values):
    order = sorted(range(len(values)), key=values.__getitem__)
    out = [0.0] * len(values)
    start = 0
    while start < len(order):
        end = start
        while end < len(order) and values[order[end]] == values[order[start]]:
            end += 1
        for i in order[start:end]:
            out[i] = (start + end + 1) / 2
        start = end
    return out


def correlation(a, b):
    ra, rb = ranks(a), ranks(b)
    middle = (len(a) + 1) / 2
    ab = sum((x - middle) * (y - middle) for x, y in zip(ra, rb))
    return ab / math.sqrt(sum((x - middle) ** 2 for x in ra) * sum((y - middle) ** 2 for y in rb))


def moved_back(base, view, move):
    a, b = [], []
    for y in range(SIDE):
        for x in range(SIDE):
            from_y, from_x = move(y, x)
            if inside(from_y) == from_y and inside(from_x) == from_x:
                a.append(base[from_y][from_x])
                b.append(view[y][x])
    return correlation(a, b)


def compare(stats):
    (_, planes, h, w), values = npy.load("maps.npy")
    cells = h * w
    rows = list(csv.DictReader(open(stats, encoding="ascii"), delimiter="\t"))
    worst, unlike = 0, 0
    for i in range(len(rows) // planes):
        for p in range(planes):
            maps = []
            for v in range(VIEWS):
                at = ((i * VIEWS + v) * planes + p) * cells
                maps.append(resize(values[at:at + cells], h, w))
            same = [moved_back(maps[0], maps[v], MOVES[v]) for v in range(1, VIEWS)]
            row = rows[i * planes + p]
            worst = max(worst, abs(float(row["mirror_corr"]) - same[0]),
                        abs(float(row["shift_corr"]) - sum(same[1:]) / 4))
            unlike += float(row["mirror_corr"]) < 0.9
    # A rounding may change the order of two pixels.
    print(f"{stats}: {len(rows)} maps, as computed here: {worst < 1e-3}; not all alike: {unlike > 0}")


make(sys.argv[2], int(sys.argv[3])) if sys.argv[1] == "make" else compare(sys.argv[2])
