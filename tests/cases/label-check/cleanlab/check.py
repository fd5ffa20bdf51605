import array
import math
import sys

G = sys.argv[1]
CLASSES = 8


def table(path):
    rows = [line.rstrip("\n").split("\t") for line in open(path)]
    return [dict(zip(rows[0], r)) for r in rows[1:]]


z = array.array("f", open(f"{G}/logits.npy", "rb").read()[128:])
want = {int(r["id"]): r for r in table(f"{G}/cleanlab.tsv")}
label = {int(r["id"]): int(r["true"]) for r in table(f"{G}/rows.tsv")}
assert 10 < sum(r["found"] == "1" for r in want.values()) < 200


def softmax(i, t):
    e = [math.exp(v / t) for v in z[i * CLASSES:(i + 1) * CLASSES]]
    return [v / sum(e) for v in e]


def score(method, i):
    if method in ("self-confidence", "confident-learning"):
        return 1 - float(want[i]["self_confidence"])
    if method == "margin":
        return 1 - float(want[i]["normalized_margin"])
    p = softmax(i, {"soft-margin": 4, "two": 2}[method])
    return (1 - p[label[i]] + max(v for k, v in enumerate(p) if k != label[i])) / 2


for method in ("self-confidence", "margin", "confident-learning", "soft-margin", "two"):
    rows = table(method)
    assert sorted(int(r["id"]) for r in rows) == sorted(want)
    assert [int(r["rank"]) for r in rows] == list(range(1, len(rows) + 1))
    for r in rows:
        i = int(r["id"])
        assert r["flagged"] == want[i]["found"], (method, i)
        assert abs(float(r["score"]) - score(method, i)) < 1e-8, (method, i)
        p = softmax(i, 1)
        others = [k for k in range(CLASSES) if k != label[i]]
        assert int(r["suggested"]) == max(others, key=p.__getitem__) and int(r["true"]) == label[i]
        assert abs(float(r["p_true"]) - p[label[i]]) < 1e-8
        assert abs(float(r["p_suggested"]) - max(p[k] for k in others)) < 1e-8
        agrees = max(range(CLASSES), key=p.__getitem__) == label[i]
        assert r["reason"] == ("confident" if r["flagged"] == "1" else
                               "agrees" if agrees else "likelier")
    order = [(method == "confident-learning" and r["flagged"] == "0", -float(r["score"]))
             for r in rows]
    assert order == sorted(order), method
soft = table("soft-margin")
assert table("flagged") == [r for r in soft if r["flagged"] == "1"]
right = [r["reason"] == "agrees" for r in soft]
kept = [r["reason"] == "agrees" for r in soft if r["flagged"] == "0"]
s = {r["name"]: r for r in table("summary")}
for name, ok, of in (("accuracy", sum(right), len(right)), ("accuracy_unflagged", sum(kept), len(kept)),
                     ("flagged", len(soft) - len(kept), len(soft))):
    assert (int(s[name]["count"]), int(s[name]["of"])) == (ok, of), name
    assert abs(float(s[name]["value"]) - ok / of) < 1e-8
    # Wilson's interval.
    v, h = 1.959963984540054, ok / of
    mid, half = (h + v * v / 2 / of), v * math.sqrt(h * (1 - h) / of + v * v / 4 / of / of)
    assert abs(float(s[name]["low"]) - (mid - half) / (1 + v * v / of)) < 1e-7
    assert abs(float(s[name]["high"]) - (mid + half) / (1 + v * v / of)) < 1e-7
