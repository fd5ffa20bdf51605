"""Spearman's rank correlation, with mean ranks, of the maps by two scores."""
import csv
import math

import npy


def ranks(values):
    return [sum(b < a for b in values) + (sum(b == a for b in values) + 1) / 2 for a in values]


def correlation(a, b):
    ra, rb = ranks(a), ranks(b)
    middle = (len(a) + 1) / 2
    ab = sum((x - middle) * (y - middle) for x, y in zip(ra, rb))
    aa, bb = (sum((x - middle) ** 2 for x in r) for r in (ra, rb))
    return ab / math.sqrt(aa * bb) if aa and bb else None


def column(name):
    with open(f"{name}.tsv", encoding="ascii") as f:
        return [None if r["agreement"] == "NA" else float(r["agreement"])
                for r in csv.DictReader(f, delimiter="\t")]


def near(a, b, tolerance):
    return all(x is y if x is None or y is None else abs(x - y) <= tolerance for x, y in zip(a, b))


(n, planes, h, w), logit = npy.load("logit.npy")
_, logprob = npy.load("log.npy")
cells = h * w
want = [correlation(logit[i:i + cells], logprob[i:i + cells]) for i in range(0, len(logit), cells)]
have = column("logit")
print(f"{len(have)} maps, {have.count(None)} without: they have no margin")
print("as computed here:", len(have) == n * planes and near(have, want, 1e-8))
print("margins:", {h for h in have[2::3] if h is not None})
print("some differ:", min(h for h in have if h is not None) < 0.9)
# A rounding may change the order of two cells. Margins of probabilities are none of logits.
for other, tolerance in (("log", 1e-8), ("activations", 0.02), ("network", 0.02)):
    print(f"{other}:", near(have, column(other), tolerance))
single = [i for i in range(len(have)) if i % 3 != 2]
print("probability:", near([have[i] for i in single], [column("probability")[i] for i in single], 0.02))
print("before the last stage, and without probabilities:", set(column("layer3") + column("alone")))
