"""An analysis whose names would be something else than names, had anyone read them so.

    run.py make     names.tsv images.npy labels.txt model.pth in the working folder
    run.py titles F ...  the titles of sheets
    run.py check R  the results of the analysis in R: CSV, texts, file names
"""
import csv
import os
import re
import struct
import subprocess
import sys

ROOT = os.environ["ROOT"]
NAMES = [
    b"</script><script>pwned=1</script>",
    b'"><img src=x onerror=pwned=1>',
    b"${pwned=1}`touch pwned`$(touch pwned)",
    b"javascript:pwned=1",
    "line\u2028paragraph\u2029end".encode(),
    "0;pwned 31mred \u2066isolated\u2069".encode(),
    b"<b>bold</b> &amp; <span foreground='red'>",
    b"{/Bold x}^2_1 \"quoted\" 'single' @@ %s%n",
    b"../../escape",
    b"=cmd|' /C calc'!A0",
    b'x=1;system("touch pwned")',
    "31m, rtl \u202e end".encode(),
]
GROUPS = [b"<script>pwned=1</script>", b"--><img/src/onerror=pwned=1>\xe2\x80\xae2J"]


def field(name):
    return (b"\\" if name[:1] in b'"#' else b"") + name.replace(b"\\", b"\\\\")


def make():
    n = len(NAMES)
    with open("names.tsv", "wb") as f:
        f.write(b"class\tname\tgroup\tgroup_name\n")
        for i, name in enumerate(NAMES):
            f.write(b"%d\t%s\t%d\t%s\n" % (i, field(name), i % 2, field(GROUPS[i % 2])))
    tests = ROOT + "/tests/cases/cifar-predict/"
    subprocess.run([sys.executable, tests + "tiny.py", "model.pth", "classes=%d" % n], check=True)
    subprocess.run([sys.executable, tests + "images.py", "images.npy", "npy", str(4 * n), "8", "8"], check=True)
    with open("labels.txt", "w") as f:
        f.write("".join("%d\n" % (i % n) for i in range(4 * n)))


def check(folder):
    with open(folder + "/per_class_accuracy.csv", "rb") as f:
        text = f.read().decode("latin-1")
    rows = list(csv.reader(text.split("\n")[:-1], strict=True))
    widths = {len(r) for r in rows}
    found = {int(r[0]): r[1].encode("latin-1") for r in rows[1:]}
    groups = {r[5].encode("latin-1") for r in rows[1:]}
    print("CSV: rows of one width:", len(widths) == 1, "- the names:",
          [found[i] for i in sorted(found)] == NAMES, "- the superclasses:", groups == set(GROUPS))
    for at, _, names in os.walk(folder):
        for name in sorted(names):
            if not re.fullmatch(r"[A-Za-z0-9_.-]+", name):
                print("a file name:", repr(os.path.join(at, name)))
    for name in ("analysis_summary.txt", "recommendations.txt", "explorer.html",
                 "per_class_accuracy_interactive.html"):
        with open(os.path.join(folder, name), "rb") as f:
            b = f.read()
        bad = set(re.findall(rb"[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]", b))
        b.decode()
        print("%s: control characters: %s" % (name, sorted(bad) or "none"))
        for mark in (b"<script>pwned", b"<img src=x", b"<img/src", b"<b>bold"):
            if name.endswith("html") and mark in b:
                print("%s: %r stands in it" % (name, mark))


def words(path):
    """What is written on a sheet: its Title."""
    with open(path, "rb") as f:
        b = f.read()
    at = 8
    while at < len(b):
        n, kind = struct.unpack(">I4s", b[at:at + 8])
        data = b[at + 8:at + 8 + n]
        if kind == b"iTXt" and data.startswith(b"Title\0"):
            return data[10:].decode()
        at += n + 12
    return None


if sys.argv[1] == "make":
    make()
elif sys.argv[1] == "check":
    check(sys.argv[2])
else:
    for file in sys.argv[2:]:
        print(ascii(words(file)))
