"""Prints for columns of the second table of a page the type of each segment and their first and
last values; without columns, all rows of all tables, sorted.

    pieces.py PAGE FOLDER [COLUMN ...]"""
import base64
import gzip
import json
import re
import struct
import sys

page, folder, *names = sys.argv[1:]
with open(page) as f:
    text = f.read()
index = json.loads(re.search(r'<script[^>]*id="index"[^>]*>(.*?)</script>', text, re.S)[1])
tables = index["tables"]


def piece(name):
    if not folder:
        return gzip.decompress(base64.b64decode(re.search(rf'data-piece="{re.escape(name)}"[^>]*>([^<]*)<', text)[1]))
    with open(f"{folder}/{name}.js", encoding="utf-16") as f:
        _, _, n, data = re.fullmatch(r'heatpipePiece\("(.*?)","(.*?)",(\d+),"(.*)"\);\n', f.read()).groups()
    bits = "".join(f"{ord(c) - 0x3400:015b}" for c in data)
    return gzip.decompress(bytes(int(bits[8 * i:8 * i + 8], 2) for i in range(int(n))))


def values(type, data):
    if type[0] != "w":
        kind = {"u8": "B", "u16": "H", "i32": "i", "f64": "d"}[type]
        return struct.unpack(f"<{len(data) // struct.calcsize(kind)}{kind}", data)
    n = struct.unpack_from("<I", data)[0]
    words = data[4:4 + n].decode().split("\n")
    code = data[4 + (n + 3) // 4 * 4:]
    kind = {"w8": "B", "w16": "H", "w32": "I"}[type]
    return [words[c] for c in struct.unpack(f"<{len(code) // struct.calcsize(kind)}{kind}", code)]


for name in names:
    table = tables[1]
    c = table["columns"].index(name)
    for i, s in enumerate(table["segments"]):
        v = values(s["types"][c], piece(f"t1.{name}.{i}"))
        assert len(v) == s["rows"], (name, i, len(v))
        print(name, i, s["types"][c], *v[:2], "...", v[-1])
for k, table in enumerate([] if names else tables):
    rows = []
    for i, s in enumerate(table["segments"]):
        rows += zip(*(values(s["types"][c], piece(f"t{k}.{name}.{i}")) for c, name in enumerate(table["columns"])))
    print(*table["columns"])
    print("\n".join(sorted(" ".join(map(str, row)) for row in rows)))
