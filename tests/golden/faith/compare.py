#!/usr/bin/env python3
"""compare.py FOUND EXPECTED TOLERANCE: two tables with the columns id and map, with the standard
library alone. Each value that EXPECTED knows has to be in FOUND, that close, in parts of it where it
is above 1; `never` stands for NA there. Prints how many values were compared."""
import csv
import sys

PERCENT = {"drop", "increase", "gain", "drop_deleted"}


def rows(path):
    with open(path, encoding="ascii", newline="") as f:
        return {(r["id"], r["map"]): r for r in csv.DictReader(f, delimiter="\t", quoting=csv.QUOTE_NONE)}


def main():
    found, expected, tolerance = rows(sys.argv[1]), rows(sys.argv[2]), float(sys.argv[3])
    count = 0
    for key, row in expected.items():
        for column, value in row.items():
            if column in ("id", "map") or value == "NA":
                continue
            got = found[key][column]
            count += 1
            if value == "never":
                same = got == "NA"
            else:
                unit = 100 if column in PERCENT else max(1, abs(float(value)))
                same = got != "NA" and abs(float(got) - float(value)) <= tolerance * unit
            if not same:
                sys.exit(f"{' '.join(key)}, {column}: expected {value}, found {got}")
    print(count, "values agree")


if __name__ == "__main__":
    main()
