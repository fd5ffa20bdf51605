"""The checkpoints of this folder, made of what is kept of them: names and shapes (NAME.keys) and
the statistics of the batch norms (NAME.npy). All other numbers are random, the same wherever
Python runs. Needs the standard library alone.

    weights.py NAME FILE [PREFIX]    writes NAME as .safetensors, with a prefix before each key
"""
import array
import ast
import json
import math
import pathlib
import random
import struct
import sys

HERE = pathlib.Path(__file__).resolve().parent


def keys(name):
    """(key, shape) of every tensor."""
    for line in (HERE / (name + ".keys")).read_text(encoding="ascii").splitlines():
        key, shape = line.split("\t")
        yield key, tuple(map(int, shape.split("x")))


def is_statistic(key):
    return key.endswith((".running_mean", ".running_var"))


def numbers(name, key, shape):
    """Those of a tensor that is no statistic: weights of layers keep the size of what they read,
    norms stay near 1."""
    draw = random.Random(name + "/" + key).random
    low, high = (-.2, .2) if key.endswith("bias") else (.6, 1.4)
    if len(shape) > 1:
        high = math.sqrt(6 / math.prod(shape[1:]))
        low = -high
    return array.array("f", (low + (high - low) * draw() for _ in range(math.prod(shape))))


def statistics(name):
    """All of them, in the order of their keys."""
    with open(HERE / (name + ".npy"), "rb") as f:
        assert f.read(8) == b"\x93NUMPY\x01\x00"
        header = ast.literal_eval(f.read(struct.unpack("<H", f.read(2))[0]).decode())
        assert header["descr"] == "<f4"
        values = array.array("f")
        values.frombytes(f.read())
    return values


def tensors(name):
    """(key, shape, numbers) of every tensor."""
    left, at = statistics(name), 0
    for key, shape in keys(name):
        if is_statistic(key):
            yield key, shape, left[at:at + shape[0]]
            at += shape[0]
        else:
            yield key, shape, numbers(name, key, shape)
    assert at == len(left)


def write(name, path, prefix=""):
    head, data = {}, b""
    for key, shape, values in tensors(name):
        more = values.tobytes()
        head[prefix + key] = {"dtype": "F32", "shape": shape,
                              "data_offsets": [len(data), len(data) + len(more)]}
        data += more
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 8)
    pathlib.Path(path).write_bytes(struct.pack("<Q", len(text)) + text + data)


if __name__ == "__main__":
    write(*sys.argv[1:])
