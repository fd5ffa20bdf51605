#!/usr/bin/env python3
"""Makes the files of this folder: a small table of predictions, and what
scikit-learn says of it. Needs scikit-learn and numpy.

    tests/golden/stats/make.py

The expected calibration error follows the code of Guo et al. (temperature_scaling.py,
class _ECELoss), which counts a confidence in the bin whose upper bound it does not exceed.
"""
import pathlib
import warnings

import numpy as np
from sklearn import metrics

HERE = pathlib.Path(__file__).parent
CLASSES, ROWS = 12, 400
EMPTY, NEVER = 7, 9  # a class without images, a class that is never the prediction
GROUPS = ["birds", "fish", "trees"]


def text(x):
    return "NA" if np.isnan(x) else "%.9g" % x


def name(c):
    return f"class_{c}"


def group(c):
    return GROUPS[c % 3]


def table(path, header, rows):
    path.write_text("".join("\t".join(map(str, r)) + "\n" for r in [header, *rows]))


def predictions():
    """Softmax over random logits of which the true class's is raised."""
    rng = np.random.default_rng(21)
    truth = rng.integers(0, CLASSES, ROWS)
    truth[truth == EMPTY] = 0
    logits = rng.normal(0, 1.5, (ROWS, CLASSES))
    logits[np.arange(ROWS), truth] += 2.5
    logits[:, NEVER] -= 20
    p = np.exp(logits - logits.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    pred = p.argmax(1)
    rank = (p > p[np.arange(ROWS), truth][:, None]).sum(1) + 1
    entropy = -(p * np.log(p)).sum(1)
    return truth, pred, p.max(1), p[np.arange(ROWS), truth], rank, entropy


def ece(conf, right, bins=15):
    edges = np.linspace(0, 1, bins + 1)
    total, worst = 0.0, 0.0
    for low, high in zip(edges[:-1], edges[1:]):
        inside = (conf > low) & (conf <= high)
        if inside.any():
            gap = abs(conf[inside].mean() - right[inside].mean())
            total += gap * inside.mean()
            worst = max(worst, gap)
    return total, worst


def main():
    truth, pred, conf, p_true, rank, entropy = predictions()
    # The figures are those of the numbers as written.
    conf, p_true, entropy = (np.array([float(text(x)) for x in a]) for a in (conf, p_true, entropy))
    loss = np.array([float(text(x)) for x in -np.log(p_true)])
    right = truth == pred
    table(
        HERE / "predictions.tsv",
        "id true pred correct conf p_true rank_true entropy loss true_name pred_name "
        "true_group pred_group".split(),
        [
            [i, t, q, int(t == q), text(c), text(pt), r, text(h), text(l), name(t), name(q),
             group(t), group(q)]
            for i, (t, q, c, pt, r, h, l) in enumerate(
                zip(truth, pred, conf, p_true, rank, entropy, loss))
        ],
    )

    labels = list(range(CLASSES))
    matrix = metrics.confusion_matrix(truth, pred, labels=labels)
    # The table knows the names of the classes that occur in it.
    known = lambda c: name(c) if c in truth or c in pred else "NA"
    table(
        HERE / "matrix.tsv",
        ["true", "true_name"] + [f"p{c}" for c in labels],
        [[c, known(c), *matrix[c]] for c in labels],
    )

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        per_class = metrics.precision_recall_fscore_support(
            truth, pred, labels=labels, zero_division=np.nan)
        macro = metrics.precision_recall_fscore_support(
            truth, pred, labels=labels, zero_division=np.nan, average="macro")
    table(
        HERE / "classes.tsv",
        ["class", "total", "precision", "recall", "f1"],
        [[c, n, text(p), text(r), text(f)] for c, (p, r, f, n) in enumerate(zip(*per_class))],
    )

    calibration, worst = ece(conf, right)
    groups = [group(t) for t in truth], [group(q) for q in pred]
    table(
        HERE / "summary.tsv",
        ["measure", "value"],
        [
            ["images", ROWS],
            ["correct", int(metrics.accuracy_score(truth, pred, normalize=False))],
            ["accuracy", text(metrics.accuracy_score(truth, pred))],
            ["top5_accuracy", text((rank <= 5).mean())],
            ["group_accuracy", text(metrics.accuracy_score(*groups))],
            ["mean_class_accuracy", text(macro[1])],
            ["macro_precision", text(macro[0])],
            ["macro_f1", text(macro[2])],
            ["mean_conf", text(conf.mean())],
            ["mean_conf_correct", text(conf[right].mean())],
            ["mean_conf_wrong", text(conf[~right].mean())],
            ["errors_conf_90", (conf[~right] > 0.9).sum()],
            ["errors_conf_70", (conf[~right] > 0.7).sum()],
            ["correct_conf_50", (conf[right] <= 0.5).sum()],
            ["ece", text(calibration)],
            ["mce", text(worst)],
            ["nll", text(loss.mean())],
            ["mean_entropy", text(entropy.mean())],
        ],
    )


main()
