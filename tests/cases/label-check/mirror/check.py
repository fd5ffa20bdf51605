"""Records of the classes that a mirror image keeps, as they are and mirrored; and what a second
look at their labels has to find."""
import csv
import math
import struct
import sys

# Classes of directions, and those that the model takes for others once they are mirrored.
DIRECTED = set("""left_arrow right_arrow three_oclock nine_oclock quarter_past_twelve crescent_moon
    half_moon gibbous_moon full_moon sawtooth sine_wave zigzag spiral parallelogram trapezoid tractor
    van winking_face two_pip_die three_pip_die tricolour_flag checkered_flag hexagon teardrop
    six_point_star""".split())
RECORD = 2 + 3072


def mirrored(record):
    rows = [record[2 + i:2 + i + 32][::-1] for i in range(0, 3072, 32)]
    return record[:2] + b"".join(rows)


def make(source, plain, mirror):
    names = open(source.replace("test.bin", "fine_label_names.txt")).read().split()
    data = open(source, "rb").read()
    records = [data[i:i + RECORD] for i in range(0, len(data), RECORD)]
    keep = [r for r in records if names[r[1]] not in DIRECTED]
    open(plain, "wb").write(b"".join(keep))
    open(mirror, "wb").write(b"".join(map(mirrored, keep)))


def logits(path):
    data = open(path, "rb").read()
    n = (len(data) - 128) // 400
    return [struct.unpack_from("<100f", data, 128 + 400 * i) for i in range(n)]


def score(z, given):
    """The suggested class, both probabilities, and the margin of the softened ones."""

    def softmax(temperature):
        top = max(z)
        p = [math.exp((v - top) / temperature) for v in z]
        return [v / sum(p) for v in p]

    other = max((k for k in range(100) if k != given), key=lambda k: z[k])
    p, soft = softmax(1), softmax(4)
    return other, p[given], p[other], (1 - soft[given] + soft[other]) / 2


def compare(rows, plain, mirror, most, out):
    true = {int(r["id"]): int(r["true"]) for r in csv.DictReader(open(rows), delimiter="\t")}
    one, two = logits(plain), logits(mirror)
    first = {i: (1, *score(one[i], true[i])) for i in true}
    want = dict(first)
    for i in sorted(true, key=lambda i: (-first[i][4], i))[:int(most)]:
        want[i] = (2, *score([(a + b) / 2 for a, b in zip(one[i], two[i])], true[i]))
    found = list(csv.DictReader(open(out), delimiter="\t"))
    assert len(found) == len(want), (len(found), len(want))
    for r in found:
        views, other, p, q, s = want[int(r["id"])]
        assert (int(r["views"]), int(r["suggested"])) == (views, other), r
        for name, value in (("p_true", p), ("p_suggested", q), ("score", s)):
            assert abs(float(r[name]) - value) <= 2e-5, (r, name, value)
    order = [(-float(r["score"]), int(r["id"])) for r in found]
    assert order == sorted(order)
    changed = sum(abs(first[i][4] - want[i][4]) > 1e-3 for i in want)
    print(f"{len(found)} labels, {sum(w[0] == 2 for w in want.values())} of them by two views, "
          f"{'most' if changed > int(most) // 2 else changed} with another score")


{"make": make, "compare": compare}[sys.argv[1]](*sys.argv[2:])
