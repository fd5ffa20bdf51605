"""Counts again, from the two tables, what run-diff says of them; standard library alone.

    check.py A B SUMMARY IMAGES CLASSES GROUPS PAIRS
"""
import csv
import math
import random
import sys
from collections import Counter, defaultdict
from fractions import Fraction

BINS, DRAWS = 15, 1000


def rows(path):
    return list(csv.DictReader(open(path, newline=""), delimiter="\t", quoting=csv.QUOTE_NONE))


def same(what, got, want, tolerance=1e-7):
    if want is None:
        ok = got == "NA"
    elif isinstance(want, (str, int)):
        ok = got == str(want)
    else:
        ok = got != "NA" and abs(float(got) - want) <= tolerance * max(1, abs(want))
    if not ok:
        print(f"{' '.join(sys.argv[1:3])}: {what}: expected {want}, found {got}")


def mcnemar(fixed, broken):
    n = fixed + broken
    if n == 0:
        return None
    tail = sum(math.comb(n, k) for k in range(min(fixed, broken) + 1))
    return float(min(Fraction(2 * tail, 2**n), 1))


def worse(fixed, broken):
    n = fixed + broken
    return float(Fraction(sum(math.comb(n, k) for k in range(broken, n + 1)), 2**n))


def holm(tests):
    order = sorted((p, i) for i, p in enumerate(tests) if p is not None)
    out, most = [None] * len(tests), 0.0
    for place, (p, i) in enumerate(order):
        most = max(most, min(1.0, (len(order) - place) * p))
        out[i] = most
    return out


def wilson(k, n):
    z = 1.959963984540054
    share = k / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return middle - half, middle + half


def drawn_interval(gains):
    """The paired bootstrap as it is usually done: images drawn with replacement."""
    rng = random.Random(1)
    sums = sorted(sum(rng.choices(gains, k=len(gains))) for _ in range(DRAWS))
    return sums[int(0.025 * DRAWS)] / len(gains), sums[int(0.975 * DRAWS)] / len(gains)


def exact_interval(fixed, broken, n):
    """The same over all resamples, in whole numbers: fixed, broken and other of n^n."""
    rest, weight = n - fixed - broken, Counter()
    for f in range(n + 1 if fixed else 1):
        for b in range(n - f + 1 if broken else 1):
            ways = math.comb(n, f) * math.comb(n - f, b)
            weight[f - b] += ways * fixed**f * broken**b * rest ** (n - f - b)
    assert sum(weight.values()) == n**n
    ends, total = [], 0
    for d in sorted(weight):
        before, total = total, total + weight[d]
        for share in (Fraction(25, 1000), Fraction(975, 1000)):
            if before < share * n**n <= total:
                ends.append(d / n)
    return ends


def calibration(of):
    bins = defaultdict(list)
    for conf, correct in of:
        bins[max(0, min(BINS - 1, math.ceil(conf * BINS) - 1))].append((conf, correct))
    gaps = [(abs(sum(c for c, _ in b) - sum(k for _, k in b)), len(b)) for b in bins.values()]
    return sum(g for g, _ in gaps) / len(of), max(g / n for g, n in gaps)


def part(row, images, what, p, adjusted):
    n = len(images)
    a, b = (sum(x["ok"][r] for x in images) for r in (0, 1))
    fixed = sum(not x["ok"][0] and x["ok"][1] for x in images)
    same(what, [row["total"], row["correct_a"], row["correct_b"], row["fixed"], row["broken"]].__str__(),
         [str(v) for v in (n, a, b, fixed, fixed - b + a)].__str__())
    for name, value in (("accuracy_a", a), ("accuracy_b", b), ("difference", b - a)):
        same(f"{what}: {name}", row[name], value / n if n else None)
    same(f"{what}: p", row["p"], p)
    same(f"{what}: adjusted", row["p_adjusted"], adjusted)


def parts(path, key, label, images):
    table = rows(path)
    of = defaultdict(list)
    for x in images:
        of[label(x)].append(x)
    p = []
    for row in table:
        mine = of.pop(row[key], [])
        row["mine"] = mine
        p.append(mcnemar(sum(not x["ok"][0] and x["ok"][1] for x in mine),
                         sum(x["ok"][0] and not x["ok"][1] for x in mine)))
    same(f"{key} that the table lacks", str(len(of)), 0)
    for row, one, adjusted in zip(table, p, holm(p)):
        part(row, row["mine"], f"{key} {row[key]}", one, adjusted)


def main(a, b, summary, changed, classes, groups, pairs):
    runs = [{r["id"]: r for r in rows(path)} for path in (a, b)]
    images = []
    for id, r in sorted(runs[0].items(), key=lambda x: int(x[0])):
        both = [r, runs[1][id]]
        images.append({
            "id": id, "true": r["true"], "group": r["true_group"],
            "pred": [x["pred"] for x in both], "conf": [x["conf"] for x in both],
            "loss": [float(x["loss"]) for x in both],
            "ok": [x["pred"] == x["true"] for x in both]})
    n = len(images)
    got = {r["measure"]: r["value"] for r in rows(summary)}
    kind = Counter()
    for x in images:
        moved = x["pred"][0] != x["pred"][1]
        x["kind"] = ("both_correct" if all(x["ok"]) else "fixed" if x["ok"][1] else "broken" if x["ok"][0]
                     else "wrong_other" if moved else "wrong_same")
        kind[x["kind"]] += 1
    fixed, broken = kind["fixed"], kind["broken"]
    same("images", got["images"], n)
    for k in ("both_correct", "fixed", "broken", "wrong_same", "wrong_other"):
        same(k, got[k], kind[k])
    same("changed", got["changed_prediction"], sum(x["pred"][0] != x["pred"][1] for x in images))
    for r, side in enumerate("ab"):
        correct = sum(x["ok"][r] for x in images)
        low, high = wilson(correct, n)
        ece, mce = calibration([(float(x["conf"][r]), x["ok"][r]) for x in images])
        for name, want in (("correct", correct), ("accuracy", correct / n), ("ece", ece), ("mce", mce),
                           ("nll", math.fsum(x["loss"][r] for x in images) / n),
                           ("mean_conf", math.fsum(float(x["conf"][r]) for x in images) / n)):
            same(f"{name}_{side}", got[f"{name}_{side}"], want, 1e-6)
        same("low", got[f"accuracy_{side}_low"], low)
        same("high", got[f"accuracy_{side}_high"], high)
    same("difference", got["difference"], (fixed - broken) / n)
    same("mcnemar_p", got["mcnemar_p"], mcnemar(fixed, broken))
    same("worse_p", got["worse_p"], worse(fixed, broken))
    low, high = drawn_interval([int(x["ok"][1]) - int(x["ok"][0]) for x in images])
    # 1000 draws know a quantile to about a sixth of the interval's half.
    near = (high - low) / 8 + 1 / n
    same("drawn low", got["difference_low"], low, near)
    same("drawn high", got["difference_high"], high, near)
    if n <= 300:
        low, high = exact_interval(fixed, broken, n)
        same("exact low", got["difference_low"], low)
        same("exact high", got["difference_high"], high)

    listed = [(r["id"], r["true"], r["pred_a"], r["pred_b"], r["conf_a"], r["conf_b"], r["kind"])
              for r in rows(changed)]
    want = [(x["id"], x["true"], *x["pred"], *x["conf"], x["kind"]) for x in images
            if x["pred"][0] != x["pred"][1]]
    same("images that changed", str(listed), str(want))
    parts(classes, "class", lambda x: x["true"], images)
    numbers = {r["group_name"]: r["group"] for r in rows(groups)}
    parts(groups, "group", lambda x: numbers[x["group"]], images)

    count = [Counter(), Counter()]
    more, fewer = Counter(), Counter()
    for x in images:
        for r in (0, 1):
            if not x["ok"][r]:
                pair = (x["true"], x["pred"][r])
                count[r][pair] += 1
                if x["pred"][0] != x["pred"][1]:
                    (fewer, more)[r][pair] += 1
    order = sorted(set(more) | set(fewer), key=lambda p: (
        -abs(count[1][p] - count[0][p]), -(count[1][p] + count[0][p]), int(p[0]), int(p[1])))
    table = rows(pairs)
    same("pairs", str([(r["true"], r["pred"]) for r in table]), str(order))
    tests = [mcnemar(fewer[p], more[p]) for p in order]
    for row, p, one, adjusted in zip(table, order, tests, holm(tests)):
        same(f"pair {p}", str([row[k] for k in ("count_a", "count_b", "difference", "more", "fewer")]),
             str([str(v) for v in (count[0][p], count[1][p], count[1][p] - count[0][p], more[p], fewer[p])]))
        same(f"pair {p}: p", row["p"], one)
        same(f"pair {p}: adjusted", row["p_adjusted"], adjusted)


main(*sys.argv[1:])
