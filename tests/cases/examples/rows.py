#!/usr/bin/env python3
"""Prediction rows with all that is awkward in a table: rows.py > p.tsv

Names with quotes, escapes and words that mean a missing value elsewhere, labels that are missing, and
probabilities that are whole numbers in more rows than tools look at to find a type.
"""
COLUMNS = "id true pred correct conf entropy true_name pred_name true_group pred_group"
NAMES = ['say "hi"', r"\NA", r'\"quoted', r"\#5", r"a\tb\\c", "caf\u00e9's", "null", "maple, red"]
GROUPS = ["words", "words", "marks", "marks", "marks", "TRUE", "TRUE", "trees"]
SURE, ROWS = 150, 640  # the first rows have a probability of 1


def fields(i):
    true = i * 7 % 8
    pred = true if i < SURE or i * 11 % 16 < 9 else (true ^ (1 + i * 5 % 3))
    known = i % 40 != 39
    # Exact in binary, and of errors different.
    conf = 1 if i < SURE else (1 + i * 37 % 512) / 512
    return [i, true if known else "NA", pred, int(true == pred) if known else "NA", "%.9g" % conf,
            "%.9g" % ((1 - conf) * 2 + i % 4 / 64), NAMES[true] if known else "NA", NAMES[pred],
            GROUPS[true] if known else "NA", GROUPS[pred]]


print(*COLUMNS.split(), sep="\t")
for i in range(ROWS):
    print(*fields(i), sep="\t")
