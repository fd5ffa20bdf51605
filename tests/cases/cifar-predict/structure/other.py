"""Gives the keys of a safetensors file names of no family, and writes the rules that lead back."""
import json
import struct
import sys

with open(sys.argv[1], "rb") as f:
    data = f.read()
n = struct.unpack("<Q", data[:8])[0]
head = {k.replace("layer", "deep.part").replace("fc.", "last."): v for k, v in json.loads(data[8:8 + n]).items()}
text = json.dumps(head).encode()
with open(sys.argv[1], "wb") as f:
    f.write(struct.pack("<Q", len(text)) + text + data[8 + n:])
with open(sys.argv[2], "w", encoding="ascii") as f:
    for stage in "1234":
        f.write(f"deep.part{stage}.** layer{stage}.**\n")
    f.write("last.* fc.*\n")
