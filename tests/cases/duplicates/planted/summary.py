"""summary.py LIST PREDICTIONS SUMMARY"""
import csv
import sys

d, p, s = (list(csv.DictReader(open(f), delimiter="\t")) for f in sys.argv[1:])
right = {r["id"]: r["true"] == r["pred"] for r in p}
want = {"accuracy": (sum(right.values()), len(right))}
for k in ("inside", "against"):
    ids = {r["id"] for r in d if r["set"] == k}
    w = sum(right[i] for i in ids)
    want["duplicates_" + k] = (len(ids), len(right))
    sure = {r["id"] for r in d if r["set"] == k and r["kind"] != "near"}
    want["near_" + k] = (len(ids - sure), len(ids))
    want["accuracy_without_" + k] = (sum(right.values()) - w, len(right) - len(ids))
    want["accuracy_duplicates_" + k] = (w, len(ids))
    pairs = [r for r in d if r["set"] == k]
    want["different_labels_" + k] = (sum(r["same_label"] == "0" for r in pairs), len(pairs))
got = {r["name"]: (int(r["count"]), int(r["of"])) for r in s}
assert got == want, (got, want)
