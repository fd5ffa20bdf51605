"""Writes each hostile ONNX file into a folder of its name, with what lies beside it.

attacks.py files | graphs | growth     one kind; prints the names in order

`files`: what was published against readers of external data and tensors, and what is like it;
`graphs`: networks that are none; `growth`: small files that ask for much."""

import os
import socket
import struct
import sys

sys.path.insert(0, os.environ["ROOT"] + "/tests/cases/onnx")
from proto import *  # noqa: E402,F403

SECRET = b"secret" * 8  # the bytes of a tensor, as they lie elsewhere


def put(path, data):
    with open(path, "wb") as f:
        f.write(data)


def outside(*pairs):
    """A network whose weights are in another file."""
    return network(weights=external("w", [4, 3], pairs))


def at(location, *more):
    return outside(("location", location), *more)


def raw(n):
    return b"\0" * n


def constant(value):
    """A network that adds a constant, by the attribute that holds it."""
    return network([node("Constant", [], ["k"], more=block(5, value)), node("Add", ["x", "k"], ["z"])], x="z")


ADDRESS = "*/_ORT_MEM_ADDR_/*", ("offset", "140737488289792"), ("length", "48")
SPARSE = (block(1, external("s", [1], [("location", "../secret")])) + block(2, shape(0, name="i")) +
          b"".join(number(3, n) for n in (4, 3)))


# --- files: name, what published it, the model, what lies beside it ---

def link(_):
    os.symlink("../secret", "w.bin")


def folder_link(_):
    os.symlink("..", "sub")


def hard(_):
    os.link("../secret", "w.bin")


def pipe(_):
    os.mkfifo("w.bin")


def sock(_):
    s = socket.socket(socket.AF_UNIX)
    s.bind("w.bin")
    s.close()


def folder(_):
    os.mkdir("w.bin")


def plain(_):
    put("w.bin", SECRET)


def two(_):
    plain(_)
    put("v.bin", SECRET)


FILES = {
    # CVE-2022-25882: out of the folder
    "cve-2022-25882": (at("../secret"), None),
    "cve-2022-25882-deep": (at("../../../../../../../../etc/passwd"), None),
    # CVE-2024-27318: what a cleaning of the path leaves
    "cve-2024-27318": (at("sub/../../secret"), None),
    "cve-2024-27318-dots": (at("....//secret"), None),
    "cve-2024-27318-slashes": (at("..//secret"), None),
    "absolute": (at("/etc/passwd"), None),
    "absolute-slashes": (at("//etc/passwd"), None),
    "url": (at("file:///etc/passwd"), None),
    "dot": (at("."), None),
    "dots": (at(".."), None),
    "empty": (at(""), None),
    # CVE-2024-27319 read beyond a long name when it complained
    "cve-2024-27319": (at("w" * 255), None),
    "long": (at("w" * 256), None),
    "long-name": (network(weights=tensor("w" * 600, [4, 3], raw=WEIGHTS)), None),
    # CVE-2026-27489 and CVE-2026-34447: symbolic links, of the file and of a folder
    "cve-2026-27489": (at("w.bin"), link),
    "cve-2026-27489-folder": (at("sub/secret"), folder_link),
    # CVE-2026-34446: hard links
    "cve-2026-34446": (at("w.bin"), hard),
    # CVE-2026-34445: keys of external_data that are none
    "cve-2026-34445": (outside(("location", "w.bin"), ("__class__", "x"), ("basepath", "/etc"),
                               ("checksum", "0" * 40)), plain),
    "cve-2026-34445-length": (at("w.bin", ("length", str((1 << 63) - 1))), plain),
    "pipe": (at("w.bin"), pipe),
    "socket": (at("w.bin"), sock),
    "folder": (at("w.bin"), folder),
    "missing": (at("w.bin"), None),
    "itself": (at("m.onnx"), None),
    "control": (at("w.bin\0/../../secret"), plain),
    "lines": (at("w\n.bin"), None),
    "right-to-left": (at("w‮nib.bin"), None),
    "no-location": (outside(("offset", "0")), None),
    "two-locations": (at("w.bin", ("location", "../secret")), plain),
    "two-files": (network([node("Identity", ["v"], ["u"])],
                          [external("v", [4, 3], [("location", "v.bin")])],
                          weights=external("w", [4, 3], [("location", "w.bin")])), two),
    "offset": (at("w.bin", ("offset", "1")), plain),
    "offset-end": (at("w.bin", ("offset", "48"), ("length", "0")), plain),
    "offset-beyond": (at("w.bin", ("offset", "4096")), plain),
    "offset-negative": (at("w.bin", ("offset", "-1")), plain),
    "offset-wraps": (at("w.bin", ("offset", str((1 << 64) - 8))), plain),
    "offset-hex": (at("w.bin", ("offset", "0x10")), plain),
    "offset-space": (at("w.bin", ("offset", " 0")), plain),
    "offset-twice": (at("w.bin", ("offset", "0"), ("offset", "0")), plain),
    "length-short": (at("w.bin", ("length", "44")), plain),
    "length-long": (at("w.bin", ("length", "49")), plain),
    "both": (network(weights=external("w", [4, 3], [("location", "w.bin")]) + block(9, WEIGHTS)), plain),
    # Tensors of attributes are tensors, too.
    "attribute": (constant(attribute("value", external("k", [4], [("location", "../secret")]))), None),
    # ONNX Runtime's mark of tensors that lie in memory, at the address that is the offset
    "address": (at(*ADDRESS), None),
    "address-attribute": (constant(attribute("value", external(
        "k", [3, 1, 1], (("location", ADDRESS[0]), *ADDRESS[1:])))), None),
    # ONNX Runtime looked at the files of dense tensors alone.
    "sparse-outside": (model(graph(*head()) + block(15, SPARSE)), None),
    "sparse-attribute": (constant(block(1, "sparse_value") + block(22, SPARSE) + number(20, 11)), None),
    "backslashes": (at("..\\secret"), None),
    # Elements that are fewer or more than the shape has.
    "raw-short": (network(weights=tensor("w", [4, 3], raw=raw(44))), None),
    "raw-long": (network(weights=tensor("w", [4, 3], raw=raw(52))), None),
    "raw-none": (network(weights=tensor("w", [4, 3])), None),
    "floats-short": (network(weights=tensor("w", [4, 3], more=block(4, raw(44)))), None),
    "floats-long": (network(weights=tensor("w", [4, 3], more=block(4, raw(52)))), None),
    "floats-torn": (network(weights=tensor("w", [4, 3], more=block(4, raw(47)))), None),
    "wrong-field": (network(weights=tensor("w", [4, 3], more=block(7, b"\0" * 12))), None),
    "two-fields": (network(weights=tensor("w", [4, 3], raw=raw(48), more=block(4, raw(48)))), None),
    "dims-negative": (network(weights=tensor("w", [-4, -3], raw=raw(48))), None),
    "dims-wrap": (network(weights=tensor("w", [1 << 32, 1 << 32, 12], raw=raw(48))), None),
    "dims-bytes-wrap": (network(weights=tensor("w", [1 << 62], raw=raw(48))), None),
    "dims-many": (network(weights=tensor("w", [1] * 9, raw=raw(4))), None),
    "type-none": (network(weights=tensor("w", [4, 3], 0, raw=raw(48))), None),
    "type-text": (network(weights=tensor("w", [4, 3], STRING, raw=raw(48))), None),
    "type-999": (network(weights=tensor("w", [4, 3], 999, raw=raw(48))), None),
    "type-4-bits": (network(weights=tensor("w", [4, 3], 22, raw=raw(6))), None),
    "segment": (network(weights=tensor("w", [4, 3], raw=raw(48), more=block(3, number(1, 0)))), None),
    "not-finite": (network(weights=tensor("w", [4, 3], raw=floats(*[float("nan")] * 12))), None),
    "nameless": (network(weights=number(1, 4) + number(1, 3) + number(2, 1) + block(9, raw(48))), None),
    "names-twice": (network(tensors=[tensor("w", [4, 3], raw=WEIGHTS)]), None),
    "sparse": (model(graph(*head()) + block(15, b"")), None),
}

# --- graphs ---

G = head()


def around(*nodes, tensors=(), x="z", **more):
    """Nodes from x to z before the head."""
    return network(nodes, tensors, x, **more)


def masked(rows):
    """A softmax along rows of 32 cells, of those that `rows` leaves."""
    return around(node("Where", ["m", "far", "x"], ["t"]), node("Softmax", ["t"], ["z"], axis=-1),
                  tensors=[tensor("m", [32, 32], BOOL, rows), tensor("far", [], raw=floats(float("-inf")))])


MY = node("F", ["x"], ["z"], domain="my")
PASS = function("F", ["a"], ["b"], [node("Relu", ["a"], ["b"])])

GRAPHS = {
    "no-nodes": model(graph([], [tensor("w", [1], raw=raw(4))])),
    "no-tensors": model(graph([node("Relu", ["x"], ["y"])], [])),
    "two-graphs": model(graph(*G)) + block(7, graph(*G)),
    "no-opset": network() [: -len(block(8, block(1, "") + number(2, 17)))],
    "opset-two": network() + block(8, block(1, "ai.onnx") + number(2, 11)),
    "opset-same": network() + block(8, block(1, "ai.onnx") + number(2, 17)),
    "opset-6": model(graph(*G), opset=6),
    "opset-26": model(graph(*G), opset=26),
    "ir-2": model(graph(*G), ir=2),
    "ir-15": model(graph(*G), ir=15),
    "no-input": network(ins=()),
    "two-inputs": network(ins=(("x", (None, 3, 32, 32)), ("mask", (None, 3)))),
    "two-results": network(outs=(("y", (None, 4)), ("f", (None, 3)))),
    "result-nowhere": network(outs=(("q", (None, 4)),)),
    "result-input": network(outs=(("x", (None, 4)),)),
    "channels": network(ins=(("x", (None, 4, 32, 32)),)),
    "bytes": network(ins=(("x", (None, 3, 32, 32), UINT8),)),
    "flat-input": network(ins=(("x", (None, 3072)),)),
    "unknown": around(node("LSTM", ["x"], ["z"], "the one")),
    "domain": around(node("Relu", ["x"], ["z"], domain="com.microsoft")),
    "domain-shape": around(node("Shape", ["x"], ["s"]), node("Add", ["s", "s"], ["t"], domain="my"),
                           node("Reshape", ["x", "t"], ["z"])),
    "function": around(node("Twice", ["x"], ["z"], domain="my")) + block(25, b""),
    "quantised": around(node("QuantizeLinear", ["x", "s"], ["z"]), tensors=[tensor("s", [], raw=floats(1))]),
    "branch": around(node("If", ["x"], ["z"], more=block(5, block(1, "then_branch") + block(6, graph(*G)) +
                                                            number(20, 5)))),
    "branch-open": around(branch("x", ([node("Relu", ["x"], ["r"])], ["r"]), ([node("Tanh", ["x"], ["t"])], ["t"]), ["z"])),
    "branch-results": around(branch("c", ([node("Relu", ["x"], ["r"])], ["r"]), ([node("Tanh", ["x"], ["t"])], ["t", "t"]), ["z"]),
                             tensors=[tensor("c", [], BOOL, b"\1")]),
    "branch-inside": around(branch("c", ([node("Relu", ["x"], ["r"])], ["r"]), ([node("Tanh", ["x"], ["t"])], ["t"]), ["q"]),
                            node("Relu", ["t"], ["z"]), tensors=[tensor("c", [], BOOL, b"\1")]),
    "branch-itself": around(branch("z", ([node("Relu", ["x"], ["r"])], ["r"]), ([node("Tanh", ["x"], ["t"])], ["t"]), ["z"])),
    "itself": around(node("Add", ["x", "z"], ["z"])),
    "order": around(node("Relu", ["later"], ["z"]), node("Relu", ["x"], ["later"])),
    "made-twice": around(node("Relu", ["x"], ["z"]), node("Tanh", ["x"], ["z"])),
    "made-input": around(node("Relu", ["x"], ["x"]), x="x"),
    "nowhere": around(node("Relu", ["elsewhere"], ["z"])),
    "no-inputs": around(node("Relu", [], ["z"])),
    # CVE-2026-44512, and what is like it: nodes that lack what converters and readers took for granted
    "cve-2026-44512": around(node("Upsample", [], ["z"], width_scale=2.0, height_scale=2.0), opset=7),
    "cast-nothing": around(node("Cast", [], ["z"], to=1)),
    "gemm-vectors": around(node("GlobalAveragePool", ["x"], ["p"]), node("Flatten", ["p"], ["q"]),
                           node("Gemm", ["q", "v"], ["z"]), tensors=[tensor("v", [3], raw=raw(12))]),
    "matrix-empty": around(node("MatMul", ["x", "v"], ["z"]), tensors=[tensor("v", [32, 0], raw=b"")]),
    "conv-scalar": around(node("Conv", ["x", "k"], ["z"]), tensors=[tensor("k", [], raw=raw(4))]),
    "clip-empty": around(node("Clip", ["x", "low"], ["z"]), tensors=[tensor("low", [0], raw=b"")]),
    "group-norm-short": around(node("GroupNormalization", ["x", "g", "g"], ["z"], num_groups=3),
                               tensors=[tensor("g", [2], raw=raw(8))], opset=21),
    "slice-type": around(node("Slice", ["x"], ["z"], axes=[2], starts="0", ends=[9]), opset=9),
    "antialias-corners": around(node("Resize", ["x", "", "s"], ["z"], mode="linear", antialias=1,
                                     coordinate_transformation_mode="align_corners"),
                                tensors=[tensor("s", [4], raw=floats(1, 1, 1, .5))], opset=18),
    "gather-before": around(node("Gather", ["x", "i"], ["z"], axis=2), tensors=[shape(-33, name="i")]),
    "no-results": around(node("Relu", ["x"], [])),
    "weights": around(node("Conv", ["x", "w"], ["z"]), tensors=[], x="z"),
    "window": around(node("Conv", ["x", "k"], ["z"]), tensors=[tensor("k", [3, 3, 99, 1], raw=raw(9 * 99 * 4))]),
    "groups": around(node("Conv", ["x", "k"], ["z"], group=0), tensors=[tensor("k", [3, 3, 1, 1], raw=raw(36))]),
    "groups-many": around(node("Conv", ["x", "k"], ["z"], group=1 << 40),
                          tensors=[tensor("k", [3, 3, 1, 1], raw=raw(36))]),
    "stride-0": around(node("MaxPool", ["x"], ["z"], kernel_shape=[2, 2], strides=[0, 0])),
    "pads-negative": around(node("MaxPool", ["x"], ["z"], kernel_shape=[2, 2], pads=[-9, 0, 0, 0])),
    "pads-huge": around(node("MaxPool", ["x"], ["z"], kernel_shape=[2, 2], pads=[1 << 30] * 4)),
    "window-huge": around(node("MaxPool", ["x"], ["z"], kernel_shape=[1 << 30, 1 << 30])),
    "dilation-huge": around(node("MaxPool", ["x"], ["z"], kernel_shape=[9, 9], dilations=[1 << 28] * 2)),
    "window-else": around(node("Conv", ["x", "k"], ["z"], kernel_shape=[3, 1]),
                          tensors=[tensor("k", [3, 3, 1, 1], raw=raw(36))]),
    "window-row": around(node("Reshape", ["x", "s"], ["r"]), node("Conv", ["r", "k"], ["z"], kernel_shape=[2]),
                         tensors=[tensor("k", [3, 3, 1], raw=raw(36)), shape(0, 3, -1, name="s")]),
    "softmax-axis": around(node("Softmax", ["x"], ["z"], axis=-1 << 63)),
    "gelu-word": around(node("Gelu", ["x"], ["z"], approximate="tan")),
    "auto-pad": around(node("MaxPool", ["x"], ["z"], kernel_shape=[2, 2], auto_pad="SOMEHOW")),
    "reshape": around(node("Reshape", ["x", "s"], ["z"]), tensors=[shape(5, -1, 7, name="s")]),
    "reshape-two-open": around(node("Reshape", ["x", "s"], ["z"]), tensors=[shape(-1, -1, name="s")]),
    "reshape-wraps": around(node("Reshape", ["x", "s"], ["z"]),
                            tensors=[shape(1 << 62, 1 << 62, 3, 4, name="s")]),
    "reshape-many": around(node("Reshape", ["x", "s"], ["z"]), tensors=[shape(*[1] * 40, name="s")]),
    "transpose": around(node("Transpose", ["x"], ["z"], perm=[0, 0, 1, 2])),
    "transpose-negative": around(node("Transpose", ["x"], ["z"], perm=[0, 1, 2, -1])),
    "transpose-axis": around(node("Transpose", ["x"], ["z"], perm=[0, 1, 2, 9])),
    "flatten-axis": around(node("Flatten", ["x"], ["z"], axis=99)),
    "slice-steps": around(node("Slice", ["x", "from", "to", "axis", "step"], ["z"]),
                          tensors=[shape(0, name="from"), shape(9, name="to"), shape(2, name="axis"),
                                   shape(0, name="step")]),
    "gather": around(node("Gather", ["x", "i"], ["z"], axis=2), tensors=[shape(99, name="i", scalar=True)]),
    "gather-axis": around(node("Gather", ["x", "i"], ["z"], axis=-9), tensors=[shape(0, name="i")]),
    "gather-images": around(node("Gather", ["x", "i"], ["z"]), tensors=[shape(0, name="i")]),
    "split": around(node("Split", ["x", "s"], ["z", "q"], axis=1), tensors=[shape(5, -2, name="s")]),
    "split-wraps": around(node("Split", ["x", "s"], ["z", "q"], axis=1),
                          tensors=[shape((1 << 63) - 1, (1 << 63) - 1, name="s")]),
    "concat-axis": around(node("Concat", ["x", "x"], ["z"], axis=7)),
    "concat-missing": around(node("Concat", ["s", ""], ["t"], axis=0), node("Reshape", ["x", "t"], ["z"]),
                             tensors=[shape(1, name="s")]),
    "division": around(node("Shape", ["x"], ["s"]), node("Div", ["s", "o"], ["t"]),
                       node("Reshape", ["x", "t"], ["z"]), tensors=[shape(0, name="o", scalar=True)]),
    "division-wraps": around(node("Div", ["m", "o"], ["t"]), node("Reshape", ["x", "t"], ["z"]),
                             tensors=[shape(-1 << 63, name="m"), shape(-1, name="o")]),
    "product-wraps": around(node("Mul", ["m", "m"], ["t"]), node("Reshape", ["x", "t"], ["z"]),
                            tensors=[shape(1 << 40, name="m")]),
    "scale-infinite": around(node("Div", ["x", "o"], ["z"]), tensors=[tensor("o", [], raw=floats(0))]),
    "power-0": around(node("Pow", ["x", "p"], ["z"]), tensors=[tensor("p", [], raw=floats(0))]),
    "power-whole": around(node("Pow", ["x", "p"], ["z"]), tensors=[tensor("p", [], raw=floats(1025))]),
    "power-nan": around(node("Pow", ["x", "p"], ["z"]), tensors=[tensor("p", [], raw=floats(float("nan")))]),
    "powers": around(node("Pow", ["x", "p"], ["z"]), tensors=[tensor("p", [3, 1, 1], raw=floats(1, 2, 3))]),
    "powers-open": around(node("Pow", ["x", "x"], ["z"])),
    "raised": around(node("Pow", ["p", "x"], ["z"]), tensors=[tensor("p", [], raw=floats(-2))]),
    "log-of-log": around(node("Softmax", ["x"], ["s"], axis=1), node("Log", ["s"], ["l"]), node("Relu", ["l"], ["z"])),
    "einsum-twice": around(node("Einsum", ["x", "x"], ["z"], equation="abcc,abcd->abcd")),
    "einsum-sizes": around(node("Einsum", ["x", "p"], ["z"], equation="abcd,eb->aecd"), tensors=[tensor("p", [2, 2], raw=floats(1, 2, 3, 4))]),
    "einsum-letters": around(node("Einsum", ["x", "x"], ["z"], equation="ab,abcd->abcd")),
    "einsum-lost": around(node("Einsum", ["x", "x"], ["z"], equation="abcd,abce->abc")),
    "einsum-images": around(node("Einsum", ["x", "p"], ["z"], equation="abcd,ae->ebcd"), tensors=[tensor("p", [2, 2], raw=floats(1, 2, 3, 4))]),
    "einsum-long": around(node("Einsum", ["x", "x"], ["z"], equation="abcd,efgh->abcdefghijkl")),
    "branch-outside": around(node("Equal", ["one", "one"], ["c"]),
                             branch("c", ([node("Relu", ["x"], ["r"])], ["r"]), ([node("Tanh", ["x"], ["r"])], ["r"]), ["v"]),
                             node("Relu", ["r"], ["z"]), tensors=[shape(1, name="one")]),
    # Names of branches that stand for values outside, too, which ONNX forbids
    "branch-shadows": around(node("Relu", ["x"], ["r"]),
                             branch("c", ([node("Tanh", ["x"], ["r"])], ["r"]), ([node("Sigmoid", ["r"], ["t"])], ["t"]), ["z"]),
                             tensors=[tensor("c", [], BOOL, b"\1")]),
    "branch-shadows-image": around(branch("c", ([node("Relu", ["w"], ["x"])], ["x"]), ([node("Tanh", ["x"], ["t"])], ["t"]), ["z"]),
                                   tensors=[tensor("c", [], BOOL, b"\1")]),
    "branch-shadows-tensor": around(branch("c", ([node("Relu", ["x"], ["c"])], ["c"]), ([node("Tanh", ["x"], ["t"])], ["t"]), ["z"]),
                                    tensors=[tensor("c", [], BOOL, b"\1")]),
    "branch-shadows-branch": around(
        branch("c", ([node("Relu", ["x"], ["r"]),
                      branch("c", ([node("Tanh", ["r"], ["r"])], ["r"]), ([node("Relu", ["r"], ["q"])], ["q"]), ["s"])], ["s"]),
               ([node("Tanh", ["x"], ["t"])], ["t"]), ["z"]), tensors=[tensor("c", [], BOOL, b"\1")]),
    "branch-shadows-call": around(node("F", ["x"], ["z"], domain="my"), tensors=[tensor("c", [], BOOL, b"\1")]) +
                           function("F", ["a"], ["b"], [
                               node("Constant", [], ["when"], more=block(5, attribute("value", tensor("when", [], BOOL, b"\1")))),
                               branch("when", ([node("Tanh", ["a"], ["a"])], ["a"]), ([node("Relu", ["a"], ["q"])], ["q"]), ["b"])]),
    "branch-before": around(branch("c", ([node("Relu", ["x"], ["r"])], ["r"]), ([node("Tanh", ["x"], ["r"])], ["r"]), ["v"]),
                            node("Relu", ["v"], ["r"]), node("Relu", ["r"], ["z"]), tensors=[tensor("c", [], BOOL, b"\1")]),
    "mean": around(node("ReduceMean", ["x"], ["z"])),
    "mean-images": around(node("ReduceMean", ["x"], ["z"], axes=[0])),
    "norm-training": around(node("BatchNormalization", ["x", "n", "n", "n", "n"], ["z"], training_mode=1),
                            tensors=[tensor("n", [3], raw=floats(1, 1, 1))]),
    "norm-results": around(node("BatchNormalization", ["x", "n", "n", "n", "n"], ["z", "m"]),
                           tensors=[tensor("n", [3], raw=floats(1, 1, 1))], opset=9),
    "norm-elements": around(node("BatchNormalization", ["x", "n", "n", "n", "n"], ["z"], spatial=0),
                            tensors=[tensor("n", [3], raw=floats(1, 1, 1))], opset=8),
    "flag-2": around(node("MaxPool", ["x"], ["z"], kernel_shape=[2, 2], ceil_mode=2)),
    "flag-negative": around(node("ReduceMean", ["x"], ["z"], axes=[3], keepdims=-1)),
    "flag-shape": around(node("Reshape", ["x", "s"], ["z"], allowzero=2), tensors=[shape(0, 3, 32, 32, name="s")]),
    "flag-order": around(node("MaxPool", ["x"], ["z"], kernel_shape=[2, 2], storage_order=-1)),
    "flag-resize": around(node("Resize", ["x", "", "s"], ["z"], antialias=2),
                          tensors=[tensor("s", [4], raw=floats(1, 1, 2, 2))]),
    "type-else": around(node("MaxPool", ["x"], ["z"], kernel_shape=[2, 2], strides=2.0)),
    "transpose-known": around(node("Transpose", ["s"], ["t"], perm=[1, 16]), node("Reshape", ["t", "flat"], ["u"]), node("Reshape", ["x", "u"], ["z"]),
                              tensors=[tensor("s", [2, 2], INT64, struct.pack("<4q", 0, 4, 3, 8)), shape(4, name="flat")]),
    "cells-beyond": around(node("Transpose", ["x"], ["t"], perm=[2, 3, 0, 1]), node("GatherND", ["t", "i"], ["z"]),
                           tensors=[tensor("i", [1, 2], INT64, struct.pack("<2q", 32, 0))]),
    "cells-images": around(node("GatherND", ["x", "i"], ["z"]), tensors=[tensor("i", [1, 1], INT64, raw(8))]),
    "cells-none": around(node("GatherND", ["x", "i"], ["z"]), tensors=[tensor("i", [0, 1], INT64, b"")]),
    "cells-axes": around(node("GatherND", ["x", "i"], ["z"]), tensors=[tensor("i", [1, 9], INT64, raw(72))]),
    "table-axis": around(node("Gather", ["x", "i"], ["z"], axis=4), tensors=[tensor("i", [1, 1], INT64, raw(8))]),
    "table-axes": around(node("Gather", ["x", "i"], ["z"], axis=3), tensors=[tensor("i", [1] * 8, INT64, raw(8))]),
    # A table of which there is one for each image
    "scatter-images": around(node("Expand", ["k", "s"], ["e"]), node("ScatterND", ["e", "i", "k"], ["t"]),
                             node("Add", ["x", "t"], ["z"]),
                             tensors=[tensor("k", [1, 3, 1, 1], raw=floats(1, 2, 3)),
                                      shape(1000000007, 3, 1, 1, name="s"),
                                      tensor("i", [1, 1], INT64, struct.pack("<q", 100000000))]),
    # The number of images as a factor
    "images-counted": around(node("Shape", ["x"], ["s"], start=0, end=1), node("Cast", ["s"], ["n"], to=1),
                             node("Mul", ["x", "n"], ["z"])),
    "images-branch": around(node("Shape", ["x"], ["s"], start=0, end=1), node("Greater", ["s", "n"], ["g"]), node("Not", ["g"], ["c"]),
                            branch("c", ([node("Relu", ["x"], ["r"])], ["r"]), ([node("Tanh", ["x"], ["t"])], ["t"]), ["z"]),
                            tensors=[shape(8, name="n")]),
    "images-odd": around(node("Shape", ["x"], ["s"], start=0, end=1), node("Mod", ["s", "n"], ["m"]), node("Cast", ["m"], ["c"], to=9),
                         branch("c", ([node("Relu", ["x"], ["r"])], ["r"]), ([node("Tanh", ["x"], ["t"])], ["t"]), ["z"]),
                         tensors=[shape(2, name="n")]),
    "images-one": around(node("Shape", ["x"], ["s"], start=0, end=1), node("Equal", ["s", "n"], ["c"]),
                         branch("c", ([node("Softmax", ["x"], ["r"], axis=0)], ["r"]), ([node("Tanh", ["x"], ["t"])], ["t"]), ["z"]),
                         tensors=[shape(1, name="n")]),
    "images-part": around(node("Shape", ["x"], ["s"], start=0, end=1), node("Div", ["s", "k"], ["p"]),
                          node("Cast", ["p"], ["n"], to=1), node("Mul", ["x", "n"], ["z"]), tensors=[shape(1000, name="k")]),
    "images-left": around(node("Shape", ["x"], ["s"], start=0, end=1), node("Mod", ["s", "k"], ["p"]),
                          node("Cast", ["p"], ["n"], to=1), node("Mul", ["x", "n"], ["z"]), tensors=[shape(1000, name="k")]),
    "images-mean": around(node("ReduceMean", ["x"], ["m"], axes=[0]), node("Sub", ["x", "m"], ["z"])),
    "expand-wraps": around(node("Expand", ["k", "s"], ["e"]), node("Reshape", ["e", "r"], ["t"]),
                           node("Add", ["x", "t"], ["z"]),
                           tensors=[tensor("k", [1, 1], raw=floats(1)), shape(1 << 32, 1 << 32, name="s"),
                                    shape(7, -1, name="r")]),
    "cast-range": around(node("Cast", ["k"], ["i"], to=2), node("Cast", ["i"], ["f1"], to=1),
                         node("Mul", ["x", "f1"], ["z"]), tensors=[tensor("k", [3, 1, 1], raw=floats(1, 2, 300))]),
    "where-mask": around(node("Where", ["x", "x", "x"], ["z"])),
    "norm-channels": around(node("BatchNormalization", ["x", "n", "n", "n", "n"], ["z"]),
                            tensors=[tensor("n", [2], raw=floats(1, 1))]),
    "norm-negative": around(node("BatchNormalization", ["x", "n", "n", "n", "v"], ["z"]),
                            tensors=[tensor("n", [3], raw=floats(1, 1, 1)),
                                     tensor("v", [3], raw=floats(1, -1, 1))]),
    # What an operation does not have
    "attribute-unknown": around(node("Relu", ["x"], ["z"], alpha=1.0)),
    "attribute-other": around(node("MaxPool", ["x"], ["z"], kernel_shape=[2, 2], stride=[2, 2])),
    "attribute-part": around(node("Softmax", ["x"], ["z"], axi=3)),
    "attribute-nameless": around(node("LeakyRelu", ["x"], ["z"], more=block(5, attribute("", .5)))),
    "attribute-twice": around(node("LeakyRelu", ["x"], ["z"], alpha=.5, more=block(5, attribute("alpha", .25)))),
    "attribute-and-input": around(node("Clip", ["x", "low"], ["z"], min=.5), tensors=[tensor("low", [], raw=raw(4))]),
    "attribute-and-list": around(node("ReduceMean", ["x", "at"], ["z"], axes=[2]), tensors=[shape(3, name="at")], opset=18),
    "pad-type": around(node("Pad", ["x", "p"], ["z"], value="1"), tensors=[shape(*[0] * 8, name="p")]),
    "split-number": around(node("Split", ["x"], ["z", "q"], axis=2, num_outputs=4), opset=18),
    "two-values": around(node("Constant", [], ["k"], value_float=1.0, value_int=2), node("Add", ["x", "k"], ["z"])),
    "modulo": around(node("Mod", ["m", "o"], ["t"], fmod=1), node("Reshape", ["x", "t"], ["z"]),
                     tensors=[shape(-7, name="m"), shape(3, name="o")]),
    # Functions of the file
    "function-itself": around(MY) + function("F", ["a"], ["b"], [node("F", ["a"], ["b"], domain="my")]),
    "function-circle": around(MY) + function("F", ["a"], ["b"], [node("G", ["a"], ["b"], domain="my")]) +
                       function("G", ["a"], ["b"], [node("F", ["a"], ["b"], domain="my")]),
    "function-twice": around(MY) + PASS + PASS,
    "function-own": around(node("Relu", ["x"], ["z"])) + function("Relu", ["a"], ["b"], [node("Tanh", ["a"], ["b"])], domain=""),
    "function-inputs": around(node("F", ["x", "x"], ["z"], domain="my")) + PASS,
    "function-same-names": around(MY) + function("F", ["a"], ["a"], []),
    "function-no-nodes": around(MY) + function("F", ["a"], ["b"], []),
    "function-outer-value": around(node("Tanh", ["x"], ["v"]), MY) +
                            function("F", ["a"], ["b"], [node("Add", ["a", "v"], ["b"])]),
    "function-no-input": around(node("F", [], ["z"], domain="my")) + PASS,
    "function-set": around(MY) + function("F", ["a"], ["b"], [node("Relu", ["a"], ["b"])],
                                          more=block(9, block(1, "") + number(2, 99))),
    "function-defaults": around(MY) + function("F", ["a"], ["b"], [], ["k"], more=block(11, attribute("k", 1))),
    "function-attribute-twice": around(node("F", ["x"], ["z"], domain="my", k=1, more=block(5, attribute("k", 2)))) +
                                function("F", ["a"], ["b"], [node("Relu", ["a"], ["b"])], ["k"]),
    "function-type": around(node("F", ["x"], ["z"], domain="my", k=1)) +
                     function("F", ["a"], ["b"], [node("LeakyRelu", ["a"], ["b"], more=refer("alpha", "k", 1))], ["k"]),
    "reference-outside": around(node("LeakyRelu", ["x"], ["z"], more=refer("alpha", "k", 1))),
    "reference-nowhere": around(MY) +
                         function("F", ["a"], ["b"], [node("LeakyRelu", ["a"], ["b"], more=refer("alpha", "k", 1))]),
    "local-none": around(node("LRN", ["x"], ["z"])),
    "local-size": around(node("LRN", ["x"], ["z"], size=1 << 40)),
    "local-power": around(node("LRN", ["x"], ["z"], size=3, beta=1025.0)),
    "whole-activations": around(node("DequantizeLinear", ["x", "s"], ["z"]), tensors=[tensor("s", [], raw=floats(1))]),
    "whole-scales": around(node("DequantizeLinear", ["k", "s"], ["l"], axis=0), node("Conv", ["x", "l"], ["z"]),
                           tensors=[tensor("k", [3, 3, 1, 1], UINT8, raw(9)), tensor("s", [2], raw=raw(8))]),
    "whole-axis": around(node("DequantizeLinear", ["k", "s"], ["l"], axis=4), node("Conv", ["x", "l"], ["z"]),
                         tensors=[tensor("k", [3, 3, 1, 1], UINT8, raw(9)), tensor("s", [3], raw=raw(12))]),
    "whole-blocks": around(node("DequantizeLinear", ["k", "s"], ["l"], axis=1, block_size=3), node("Conv", ["x", "l"], ["z"]),
                           tensors=[tensor("k", [3, 3, 1, 1], UINT8, raw(9)), tensor("s", [3, 1, 1, 1], raw=raw(12))]),
    "whole-real": around(node("DequantizeLinear", ["k", "s"], ["l"]), node("Conv", ["x", "l"], ["z"]),
                         tensors=[tensor("k", [3, 3, 1, 1], raw=raw(36)), tensor("s", [], raw=raw(4))]),
    "matrix-of-two": around(node("MatMul", ["x", "x"], ["z"])),
    # A softmax of nothing, which PyTorch makes NaN of
    "mask-all": masked(raw(3 * 32) + b"\1" * 32 + raw(28 * 32)),
    "mask-most": masked(raw(3 * 32) + b"\1" * 31 + raw(1 + 28 * 32)),
    "softmax-images": around(node("Softmax", ["x"], ["z"], axis=0)),
}

# --- growth ---


def grown(*nodes, tensors=(), x="z", **more):
    """Nodes before a head for the classes of the example."""
    return network(nodes, tensors, x, classes=100, **more)


def doubling(n):
    names = ["x"] + [f"d{i}" for i in range(n)]
    return grown(*(node("Concat", [names[i], names[i]], [names[i + 1]], axis=1) for i in range(n)), x=names[-1])


def packed(field, n):
    return varint(field << 3 | 2) + varint(n) + b"\0" * n


def calls(n, *last):
    """Functions that call the next one twice."""
    return b"".join(function(f"F{i}", ["a"], ["b"], [node(f"F{i + 1}", [a], [b], domain="my") for a, b in ("ac", "cb")])
                    for i in range(n)) + function(f"F{n}", ["a"], ["b"], last)


FIRST = node("F0", ["x"], ["z"], domain="my")

GROWTH = {
    "doubling": doubling(40),
    "expand": grown(node("Expand", ["x", "s"], ["z"]), tensors=[shape(1, 3, 1 << 20, 1 << 20, name="s")]),
    "cells": grown(node("Gather", ["x", "i"], ["p"], axis=3), node("Gather", ["p", "i"], ["z"], axis=2),
                   tensors=[tensor("i", [1 << 16, 1], INT64, raw(8 << 16))]),
    "expand-one": grown(node("Reshape", ["x", "r"], ["q"]), node("Expand", ["q", "s"], ["z"]),
                         tensors=[shape(0, 3072, 1, 1, name="r"), shape(1, 1, 4096, 4096, name="s")]),
    "pad": grown(node("Pad", ["x", "p"], ["z"]), tensors=[shape(0, 0, 1 << 20, 1 << 20, 0, 0, 1 << 20, 1 << 20, name="p")]),
    "conv-pad": grown(node("Conv", ["x", "k"], ["z"], pads=[1 << 20] * 4),
                       tensors=[tensor("k", [3, 3, 1, 1], raw=raw(36))]),
    "fill": grown(node("ConstantOfShape", ["s"], ["c"]), node("Add", ["x", "c"], ["z"]),
                   tensors=[shape(1 << 30, 1 << 30, name="s")]),
    "range": grown(node("Range", ["from", "to", "step"], ["r"]), node("Reshape", ["x", "r"], ["z"]),
                    tensors=[shape(n, name=k, scalar=True) for k, n in (("from", 0), ("to", 1 << 62), ("step", 1))]),
    "nodes": grown(*(node("Relu", ["x" if i == 0 else f"v{i - 1}"], [f"v{i}"]) for i in range(33000)), x="v32999"),
    "long-chain": grown(*(node("Tanh", ["x" if i == 0 else f"v{i - 1}"], [f"v{i}"], name=f"/a{i}/b{i}/Tanh")
                           for i in range(30000)), x="v29999"),
    "names": grown(node("Concat", ["x"] * 300000, ["z"], axis=1)),
    "empty-names": grown(node("Concat", [""] * 1000000, ["z"], axis=1)),
    "attributes": grown(node("Relu", ["x"], ["z"], more=block(5, block(1, "a") + number(20, 2)) * 300000)),
    "ints": grown(node("Relu", ["x"], ["z"], more=block(5, block(1, "a") + number(20, 7) + packed(8, 2000000)))),
    "int-data": grown(x="x", tensors=[tensor("i", [2000000], INT64, more=packed(7, 2000000))]),
    "int-data-many": grown(x="x", tensors=[tensor(f"i{k}", [40000], INT64, more=packed(7, 40000)) for k in range(100)]),
    "empty-tensors": grown(x="x", tensors=[tensor(f"t{k}", [0], raw=b"") for k in range(70000)]),
    "groups": number(1, 8) + block(2, "by hand") + b"\x1b" * 100000 + grown(x="x")[2:],
    "messages": grown(x="x", ins=(("x", (None, 3, 32, 32)),) * 20000),
    "functions": grown(FIRST) + calls(40, node("Relu", ["a"], ["b"])),
    "functions-empty": grown(FIRST) + calls(40),
    "functions-deep": grown(FIRST) + b"".join(
        function(f"F{i}", ["a"], ["b"], [node(f"F{i + 1}", ["a"], ["b"], domain="my")]) for i in range(1000)),
    "functions-names": grown(FIRST) + calls(12, *(node("Relu", ["a"], ["v" * 4000 + str(i)]) for i in range(20))),
    "functions-bytes": grown(FIRST) + calls(14, node("Relu", ["a"], ["b"]), node("Relu", ["a"], ["c"], more=block(6, "d") * 50000)),
    "deep": None,
}


def deep():
    """Graphs in attributes of nodes in graphs."""
    nodes = []
    for _ in range(200):
        nodes = [branch("x", (nodes, ["q"]), ([], ["x"]), ["q"])]
    return grown(*nodes, x="x")


def main(kind):
    if kind == "growth":
        GROWTH["deep"] = deep()
    put("secret", SECRET)
    for name, what in {"files": FILES, "graphs": GRAPHS, "growth": GROWTH}[kind].items():
        data, beside = what if isinstance(what, tuple) else (what, None)
        os.mkdir(name)
        os.chdir(name)
        put("m.onnx", data)
        if beside:
            beside(name)
        os.chdir("..")
        print(name)


main(sys.argv[1])
