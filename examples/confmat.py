#!/usr/bin/env python3
"""A confmat: prediction rows on standard input, the wide matrix on standard output."""
import signal
import sys
from collections import Counter

signal.signal(signal.SIGPIPE, signal.SIG_DFL)


def rows():
    """The fields of each line, which is whole: a table that was cut off has no right figures."""
    header = None
    for number, line in enumerate(sys.stdin, 1):
        row = line.rstrip("\n").split("\t")
        header = header or row
        if not line.endswith("\n"):
            sys.exit(f"confmat.py: line {number}: expected a line feed at its end, found none")
        if len(row) != len(header):
            sys.exit(f"confmat.py: line {number}: expected {len(header)} fields, found {len(row)}")
        yield number, row


lines = rows()
_, header = next(lines, (1, []))
if not {"true", "pred"} <= set(header):
    sys.exit("confmat.py: line 1: expected the columns 'true' and 'pred'")

count, name = Counter(), {}
for number, row in lines:
    if row == header:
        continue
    field = dict(zip(header, row))
    for column in "true", "pred":
        if field[column] == "NA":
            continue
        if not field[column].isdecimal():
            sys.exit(f"confmat.py: line {number}: column '{column}': expected a class, found '{field[column]}'")
        name[int(field[column])] = field.get(column + "_name", "NA")
    if "NA" not in (field["true"], field["pred"]):
        count[int(field["true"]), int(field["pred"])] += 1

classes = range(max(name, default=-1) + 1)
print("true", "true_name", *(f"p{c}" for c in classes), sep="\t")
for true in classes:
    print(true, name.get(true, "NA"), *(count[true, pred] for pred in classes), sep="\t")
