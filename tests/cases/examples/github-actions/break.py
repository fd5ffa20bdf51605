"""A model that never predicts class 10: the bias of its logit is low."""
import json
import struct
import sys

data = bytearray(open(sys.argv[1], "rb").read())
size, = struct.unpack_from("<Q", data)
tensors = json.loads(data[8:8 + size])
start, _ = next(t["data_offsets"] for t in tensors.values() if t.get("shape") == [100])
struct.pack_into("<f", data, 8 + size + start + 4 * 10, -1000)
open(sys.argv[2], "wb").write(data)
