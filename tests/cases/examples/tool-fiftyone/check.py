"""check.py RESULTS DATASET: compares a data set of FiftyOne with the analysis it was made of."""
import ast
import base64
import csv
import json
import struct
import sys
import zlib
from pathlib import Path

results, made = map(Path, sys.argv[1:])


def tensor(path):
    data = path.read_bytes()
    return ast.literal_eval(data[10:128].decode())["shape"], data[128:]


def array(field):
    data = zlib.decompress(base64.b64decode(field["$binary"]["base64"]))
    return ast.literal_eval(data[10:128].decode())["shape"], data[128:]


def part(whole, item, *of):
    """Item `item` of a tensor, and of this the part `of`."""
    (_, *shape), data = whole
    size = 4
    for n in shape[len(of):]:
        size *= n
    at = item * (shape[0] if of else 1) + (of[0] if of else 0)
    return tuple(shape[len(of):]), data[at * size:(at + 1) * size]


tables = results / "data"
rows = list(csv.DictReader(open(tables / "predictions.tsv", encoding="utf-8"), delimiter="\t", quoting=csv.QUOTE_NONE))
flagged = (tables / "label_check.tsv").exists() and {
    r["id"] for r in csv.DictReader(open(tables / "label_check.tsv"), delimiter="\t") if r["flagged"] == "1"} or set()
logits = tensor(tables / "logits.npy")
whole = (tables / "class_maps.npy").exists()
maps = tensor(tables / ("class_maps.npy" if whole else "cams.npy"))
samples = json.loads((made / "samples.json").read_text())["samples"]
dataset = json.loads((made / "metadata.json").read_text())
assert len(samples) == len(rows)
assert dataset["default_classes"][6] == "basketball" and dataset["info"]["images"] == "40"
ids = []
for i, (s, r) in enumerate(zip(samples, rows)):
    assert s["heatpipe_id"] == int(r["id"]) and (made / s["filepath"]).read_bytes()[1:4] == b"PNG"
    assert s["ground_truth"]["label"] == r["true_name"] and s["predictions"]["label"] == r["pred_name"]
    assert s["predictions"]["confidence"] == float(r["conf"]) and s["loss"] == float(r["loss"])
    assert array(s["predictions"]["logits"]) == part(logits, i)
    for name, plane in ("map_pred", int(r["pred"]) if whole else 1), ("map_true", int(r["true"]) if whole else 0):
        shape, data = array(s[name]["map"])
        assert (shape, data) == part(maps, i, plane)
        low, high = s[name]["range"]
        assert low == 0 and high == max(*struct.unpack(f"<{len(data) // 4}f", data), 1e-30)
    assert set(s["tags"]) == {t for t, on in (("error", r["correct"] == "0"), ("flagged", r["id"] in flagged)) if on}
    ids += [s["_id"]["$oid"], *(v["_id"]["$oid"] for v in s.values() if isinstance(v, dict) and "_id" in v)]
known = {f["db_field"] for f in dataset["sample_fields"]} | {"_media_type", "_rand"}
assert all(set(s) <= known for s in samples)
assert len(set(ids)) == len(ids) and all(len(v) == 24 for v in ids)
print(len(samples), "samples as in the analysis;", sum("error" in s["tags"] for s in samples), "errors,",
      sum("flagged" in s["tags"] for s in samples), "flagged")
