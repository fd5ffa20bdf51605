#!/usr/bin/env python3
"""A confmat: prediction rows on standard input, the wide matrix on standard output."""
import signal
import sys
from collections import Counter

signal.signal(signal.SIGPIPE, signal.SIG_DFL)

lines = (line.rstrip("\n").split("\t") for line in sys.stdin)
header = next(lines, None)
if header is None or not {"true", "pred"} <= set(header):
    sys.exit("confmat.py: expected a table with the columns 'true' and 'pred'")

count, name = Counter(), {}
for row in lines:
    if row == header:
        continue
    field = dict(zip(header, row))
    for column in "true", "pred":
        if field[column] != "NA":
            name[int(field[column])] = field.get(column + "_name", "NA")
    if "NA" not in (field["true"], field["pred"]):
        count[int(field["true"]), int(field["pred"])] += 1

classes = range(max(name, default=-1) + 1)
print("true", "true_name", *(f"p{c}" for c in classes), sep="\t")
for true in classes:
    print(true, name.get(true, "NA"), *(count[true, pred] for pred in classes), sep="\t")
