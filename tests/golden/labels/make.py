"""Logits of a made-up model, labels of which some are wrong, and what Cleanlab 2.9 says of them.

Needs numpy and cleanlab. Writes logits.npy, rows.tsv and cleanlab.tsv beside itself: for each
image whether filter_by="confident_learning" finds its label, and the label quality scores.
Class 7 has no image, so that a class without a threshold is there.
"""

import pathlib
import random

import numpy as np
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores

HERE = pathlib.Path(__file__).parent
IMAGES, CLASSES, WRONG = 400, 8, 0.12

rnd = random.Random(11)
labels, logits = [], []
for i in range(IMAGES):
    true = rnd.randrange(CLASSES - 1)
    z = [rnd.gauss(0, 1.2) for _ in range(CLASSES)]
    z[true] += rnd.choice([0.5, 2, 4])
    z[(true + 1) % CLASSES] += rnd.choice([0, 0, 2])
    logits.append(z)
    labels.append(rnd.randrange(CLASSES - 1) if rnd.random() < WRONG else true)
logits = np.array(logits, dtype="<f4")
labels = np.array(labels)
np.save(HERE / "logits.npy", logits)

p = np.exp(logits.astype("d"))
p /= p.sum(1, keepdims=True)
found = find_label_issues(labels, p, filter_by="confident_learning", n_jobs=1)
own = get_label_quality_scores(labels, p, method="self_confidence", adjust_pred_probs=False)
margin = get_label_quality_scores(labels, p, method="normalized_margin", adjust_pred_probs=False)
with open(HERE / "rows.tsv", "w") as f:
    print("id", "true", "pred", sep="\t", file=f)
    for i in range(IMAGES):
        print(i, labels[i], logits[i].argmax(), sep="\t", file=f)
with open(HERE / "cleanlab.tsv", "w") as f:
    print("id", "found", "self_confidence", "normalized_margin", sep="\t", file=f)
    for i in range(IMAGES):
        print(i, int(found[i]), f"{own[i]:.9g}", f"{margin[i]:.9g}", sep="\t", file=f)
