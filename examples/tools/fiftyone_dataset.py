"""A finished analysis as a data set of FiftyOne, which need not be installed:

    python3 examples/tools/fiftyone_dataset.py RESULTS DATA OUT

DATA is that of the analysis in RESULTS. In FiftyOne:

    dataset = fiftyone.Dataset.from_dir("OUT", dataset_type=fiftyone.types.FiftyOneDataset)
    dataset.evaluate_classifications("predictions", eval_key="eval")

A sample has its label (ground_truth), the prediction with confidence and logits, the map of the
predicted and of the labelled class, the statistics of its row, and the tags `error` and `flagged`, the
latter for labels that may be wrong.
"""
import ast
import base64
import csv
import json
import mmap
import re
import subprocess
import sys
import zlib
from pathlib import Path

results, data, out = map(Path, sys.argv[1:])
FIELDS = "fiftyone.core.fields."
STATISTICS = "p_true", "margin", "entropy", "loss"


def rows(path):
    with open(path, encoding="utf-8", newline="\n") as f:
        for row in csv.DictReader(f, delimiter="\t", quoting=csv.QUOTE_NONE):
            yield {k: None if v == "NA" else v for k, v in row.items()}


def plain(text):
    """The text that a field of a table stands for."""
    return text and re.sub(r"\\(.)", lambda m: {"t": "\t", "n": "\n"}.get(m[1], m[1]), text)


class Tensor:
    """The vectors or planes of a tensor that heatpipe wrote into a file, as FiftyOne stores arrays."""

    def __init__(self, path, axes):
        with open(path, "rb") as f:
            self.bytes = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ)
        shape = ast.literal_eval(self.bytes[10:128].decode())["shape"]
        self.parts, self.shape, self.size = shape[1:-axes], shape[-axes:], 4
        for n in self.shape:
            self.size *= n
        head = "{'descr': '<f4', 'fortran_order': False, 'shape': %r, }" % (self.shape,)
        self.head = b"\x93NUMPY\x01\x00\x76\x00" + head.ljust(117).encode() + b"\n"

    def array(self, item, part=0):
        """An .npy file, packed; and its largest element."""
        at = 128 + (item * (self.parts[0] if self.parts else 1) + part) * self.size
        body = self.bytes[at:at + self.size]
        packed = base64.b64encode(zlib.compress(self.head + body)).decode()
        return {"$binary": {"base64": packed, "subType": "00"}}, max(memoryview(body).cast("f"))


def label(kind, key, **fields):
    return {"_id": {"$oid": "%024x" % key}, "_cls": kind, "tags": [], **fields}


def field(name, kind, of=None, inner=None, key=None):
    return {"name": name, "ftype": FIELDS + kind, "embedded_doc_type": of, "subfield": inner and FIELDS + inner,
            "fields": [], "db_field": key or name}


tables = results / "data"
flagged = {r["id"] for r in rows(tables / "label_check.tsv") if r["flagged"] == "1"} \
    if (tables / "label_check.tsv").exists() else set()
logits = Tensor(tables / "logits.npy", 1)
# The maps of all classes, or those of another layer for the labelled and the predicted class.
all_classes = (tables / "class_maps.npy").exists()
maps = Tensor(tables / ("class_maps.npy" if all_classes else "cams.npy"), 2) \
    if all_classes or (tables / "cams.npy").exists() else None

out.mkdir(parents=True)
subprocess.run(["cam-overlay", "--table", tables / "predictions.tsv", "--data", data, "--show", "original", "--zoom", "1",
                "--each", out / "data"], check=True)

samples = []
for i, row in enumerate(rows(tables / "predictions.tsv")):
    key, true, pred = 16 * int(row["id"]), row["true"], row["pred"]
    sample = {"_id": {"$oid": "%024x" % key}, "filepath": f"data/{row['id']}.png", "_media_type": "image",
              "_rand": key * 0.6180339887 % 1, "tags": [], "metadata": None, "heatpipe_id": int(row["id"]),
              "superclass": plain(row["true_group"]),
              **{name: row[name] and float(row[name]) for name in STATISTICS}}
    sample["predictions"] = label("Classification", key + 1, label=plain(row["pred_name"]) or pred,
                                  confidence=float(row["conf"]), logits=logits.array(i)[0])
    if true is not None:
        sample["ground_truth"] = label("Classification", key + 2, label=plain(row["true_name"]) or true)
    for name, k, cls, plane in ("map_pred", 3, pred, 1), ("map_true", 4, true, 0):
        if maps and cls is not None:
            plane, top = maps.array(i, int(cls) if all_classes else plane)
            # What speaks against a class is negative and not shown.
            sample[name] = label("Heatmap", key + k, map=plane, range=[0, max(top, 1e-30)])
    if row["correct"] == "0":
        sample["tags"].append("error")
    if row["id"] in flagged:
        sample["tags"].append("flagged")
    samples.append(sample)

names = [plain(r["name"]) or r["class"] for r in rows(tables / "classes.tsv")]
dataset = {
    "name": results.resolve().name, "version": "1.0.0", "media_type": "image", "tags": [],
    "info": {r["name"]: r["value"] for r in rows(tables / "run.tsv")}, "default_classes": names,
    "sample_fields": [
        field("id", "ObjectIdField", key="_id"), field("filepath", "StringField"),
        field("tags", "ListField", inner="StringField"),
        field("metadata", "EmbeddedDocumentField", "fiftyone.core.metadata.ImageMetadata"),
        field("heatpipe_id", "IntField"), field("superclass", "StringField"),
        *(field(name, "FloatField") for name in STATISTICS),
        *(field(name, "EmbeddedDocumentField", "fiftyone.core.labels.Classification")
          for name in ("ground_truth", "predictions")),
        *(field(name, "EmbeddedDocumentField", "fiftyone.core.labels.Heatmap") for name in ("map_pred", "map_true")),
    ],
}
(out / "metadata.json").write_text(json.dumps(dataset), encoding="utf-8")
(out / "samples.json").write_text(json.dumps({"samples": samples}), encoding="utf-8")
