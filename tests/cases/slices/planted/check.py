"""slices NAME and rows.NAME against what was planted, and against a count of its own."""
import csv
import math
import sys
from fractions import Fraction

name = sys.argv[1]
table = list(csv.DictReader(open(name), delimiter="\t"))
rows = list(csv.DictReader(open("rows." + name), delimiter="\t"))
pred = {r["id"]: r for r in csv.DictReader(open("p.tsv"), delimiter="\t")}
inside = set(open("inside").read().split())
wrong = {i for i, r in pred.items() if r["true"] != r["pred"]}
planted = inside & wrong


def wilson(k, n):
    z = 1.959963984540054
    p = k / n
    middle, width = p + z * z / 2 / n, z * math.sqrt(p * (1 - p) / n + z * z / 4 / n / n)
    return (middle - width) / (1 + z * z / n), (middle + width) / (1 + z * z / n)


def fisher(k1, n1, k2, n2):
    k, n = k1 + k2, n1 + n2
    return float(Fraction(sum(math.comb(n1, i) * math.comb(n2, k - i) for i in range(k1, min(n1, k) + 1)),
                          math.comb(n, k)))


def near(a, b, what):
    if not abs(float(a) - b) <= 1e-6 * abs(b) + 1e-12:
        print(f"{name}: {what}: expected {b}, found {a}")


best = 0
for s in table:
    own = [r for r in rows if r["slice"] == s["slice"]]
    ids = [r["id"] for r in own]
    errors = [i for i in ids if i in wrong]
    if ids[:len(errors)] != errors or [int(r["rank"]) for r in own] != list(range(1, len(own) + 1)):
        print(f"{name}: {s['slice']}: not in order")
    if (len(ids), len(errors)) != (int(s["images"]), int(s["errors"])):
        print(f"{name}: {s['slice']}: images and errors are not those of the rows")
    if s["ids"].split(",") != errors[:10] or s["correct_ids"].split(",") != (ids[len(errors):][:10] or ["NA"]):
        print(f"{name}: {s['slice']}: the ids are not the first of the rows")
    test = [r["id"] for r in own if r["half"] == "test"]
    n1, n2 = len(test), int(s["test_outside"])
    k1, k2 = sum(i not in wrong for i in test), round(float(s["outside_accuracy"]) * n2)
    if n1 != int(s["test_images"]):
        print(f"{name}: {s['slice']}: not as many in the second half as in the rows")
    p1, p2 = k1 / n1, k2 / n2
    (l1, h1), (l2, h2) = wilson(k1, n1), wilson(k2, n2)
    near(s["accuracy"], p1, "accuracy")
    near(s["low"], max(l1, 0), "low")
    near(s["high"], h1, "high")
    near(s["difference"], p1 - p2, "difference")
    near(s["difference_low"], p1 - p2 - math.hypot(p1 - l1, h2 - p2), "difference_low")
    near(s["difference_high"], p1 - p2 + math.hypot(h1 - p1, p2 - l2), "difference_high")
    near(s["p"], fisher(n1 - k1, n1, n2 - k2, n2), "p")
    hits = sum(i in planted for i in errors[:10])
    if hits > best:
        best, found = hits, s
# The layer does not read the channel that tells the planted images, so that margins do not either.
if name != "margin":
    print(name, "first 10 planted:", best >= 9, found["true_name"], found["pred_name"], found["columns"])
