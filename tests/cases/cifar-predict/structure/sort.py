"""Puts the keys of a safetensors file in the order of bytes."""
import json
import struct
import sys

with open(sys.argv[1], "rb") as f:
    data = f.read()
n = struct.unpack("<Q", data[:8])[0]
head = json.loads(data[8:8 + n])
text = json.dumps(head, sort_keys=True).encode()
with open(sys.argv[1], "wb") as f:
    f.write(struct.pack("<Q", len(text)) + text + data[8 + n:])
