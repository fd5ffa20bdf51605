#!/usr/bin/env python3
"""Makes the files of this folder: predictions, numbers of their images, and what covariates(1)
has to say of them by scipy. Needs scipy and numpy.

    tests/golden/covariates/make.py
"""
import pathlib

import numpy as np
from scipy import optimize, stats

HERE = pathlib.Path(__file__).parent
ROWS, CLASSES = 600, 6
MASK = (1 << 64) - 1


def text(x):
    return "NA" if np.isnan(x) else "%.9g" % x


def table(name, header, rows):
    (HERE / name).write_text("".join("\t".join(map(str, r)) + "\n" for r in [header, *rows]))


def half(i):
    """The lowest bit of splitmix64's first number."""
    x = (int(i) + 0x9E3779B97F4A7C15) & MASK
    x = ((x ^ x >> 30) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ x >> 27) * 0x94D049BB133111EB) & MASK
    return (x ^ x >> 31) & 1


def newcombe(auc, wrong, correct, side):
    def far(t):
        v = t * (1 - t) * (1 + ((wrong + correct) / 2 - 1) * ((1 - t) / (2 - t) + t / (1 + t)))
        return abs(t - auc) - stats.norm.ppf(0.975) * np.sqrt(v / wrong / correct)

    if auc == side:
        return side
    # At an estimate of 0 or 1 there is no distance and no spread: the other root is meant.
    return optimize.brentq(far, min(max(auc, 1e-9), 1 - 1e-9), side, xtol=1e-14)


def within(value, truth, wrong):
    """Linear rank statistics of the strata, weighted by 1 / (N + 1)."""
    s = v = w = 0
    for k in np.unique(truth):
        x, e = value[truth == k], wrong[truth == k]
        n, m = len(x), e.sum()
        if m == 0 or m == n:
            continue
        ranks = stats.rankdata(x)
        s += (ranks[e].sum() - m * (n + 1) / 2) / (n + 1)
        v += m * (n - m) / (n - 1) * ranks.var() / (n + 1) ** 2
        w += m * (n - m) / (n + 1)
    return 0.5 + s / w, 2 * stats.norm.sf(abs(s) / np.sqrt(v)) if v > 0 else np.nan


def guesses(ids, value, truth):
    side = np.array([half(i) for i in ids])
    chance = np.bincount(truth).max() / len(truth)
    correct, p = 0, 1
    for h in (0, 1):
        learn, test = side != h, side == h
        groups = min(20, max(1, learn.sum() // 10))
        # The lower of the two values that a quantile lies between: the edge belongs to its group.
        low = np.sort(value[learn])
        edges = low[(len(low) - 1) * np.arange(1, groups) // groups]
        a, b = (np.searchsorted(np.unique(edges), value[s], side="left") for s in (learn, test))
        right = 0
        for g in np.unique(a):
            most = np.bincount(truth[learn][a == g]).argmax()
            right += (truth[test][b == g] == most).sum()
        correct += right
        p = min(p, 2 * stats.binom.sf(right - 1, test.sum(), chance))
    return correct, chance, p


def wilson(k, n):
    r = stats.binomtest(int(k), int(n)).proportion_ci(method="wilson")
    return r.low, r.high


def main():
    rng = np.random.default_rng(16)
    truth = np.minimum(rng.integers(0, CLASSES + 2, ROWS), CLASSES - 1)
    wrong = rng.random(ROWS) < 0.25 + 0.05 * truth
    pred = np.where(wrong, (truth + 1) % CLASSES, truth)
    ids = rng.permutation(5 * ROWS)[:ROWS]
    columns = {
        "noise": rng.normal(size=ROWS),
        "higher": rng.normal(size=ROWS) + wrong,
        "whole": rng.integers(0, 4, ROWS) - wrong,
        "class": truth + 0.1 * rng.normal(size=ROWS),
        "class_often": np.where(rng.random(ROWS) < 0.3, truth, rng.integers(0, CLASSES, ROWS)) * 1.0,
        "same": np.full(ROWS, 0.25),
        "apart": rng.random(ROWS) + 2 * wrong,
        "gaps": np.where(rng.random(ROWS) < 0.2, np.nan, rng.normal(size=ROWS) * (1 + wrong)),
    }
    columns = {k: np.array([float(text(x)) if not np.isnan(x) else x for x in v]) for k, v in columns.items()}
    table("rows.tsv", ["id", "true", "pred"], zip(ids, truth, pred))
    order = rng.permutation(ROWS)
    table("numbers.tsv", ["id", *columns], [[ids[i], *(text(v[i]) for v in columns.values())] for i in order])

    rows, ps = [], []
    for name, v in columns.items():
        there = ~np.isnan(v)
        x, e, t, i = v[there], wrong[there], truth[there], ids[there]
        u = stats.mannwhitneyu(x[e], x[~e], method="asymptotic")
        auc = u.statistic / e.sum() / (~e).sum()
        p = np.nan if len(np.unique(x)) == 1 else u.pvalue
        inner, inner_p = within(x, t, e)
        k, chance, class_p = guesses(i, x, t)
        rows.append([len(x), (~there).sum(), e.sum(), np.median(x[~e]), np.median(x[e]), auc,
                     newcombe(auc, e.sum(), (~e).sum(), 0), newcombe(auc, e.sum(), (~e).sum(), 1), p, None,
                     inner, inner_p, None, k / len(x), *wilson(k, len(x)), chance, class_p, None])
        ps.append([p, inner_p, class_p])
    for test, at in enumerate((9, 12, 18)):
        p = np.array([q[test] for q in ps])
        order, most = np.argsort(p[~np.isnan(p)]), 0
        adjusted, known = np.full(len(p), np.nan), np.flatnonzero(~np.isnan(p))
        for rank, j in enumerate(order):
            most = max(most, min(1, (len(known) - rank) * p[known[j]]))
            adjusted[known[j]] = most
        for r, a in zip(rows, adjusted):
            r[at] = a
    header = ("column images missing errors median_correct median_wrong auc auc_low auc_high p p_adjusted "
              "within_auc within_p within_p_adjusted class_accuracy class_low class_high class_chance class_p "
              "class_p_adjusted")
    table("expected.tsv", header.split(), [[n, *(text(float(x)) for x in r)] for n, r in zip(columns, rows)])


main()
