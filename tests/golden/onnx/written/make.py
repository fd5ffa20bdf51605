#!/usr/bin/env python3
"""What PyTorch's exporters do not write: functions of the file, whose nodes refer to attributes of the
call, local response norms, weights of whole numbers. NET.onnx, and NET.npy: what ONNX Runtime makes of
../images.npy, (4, classes).

make.py     with numpy, onnx and onnxruntime"""

import os

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

os.chdir(os.path.dirname(os.path.abspath(__file__)))
R = np.random.RandomState(2)
PIXELS = (np.load("../images.npy").transpose(0, 3, 1, 2).astype(np.float32) / 255 - .5) / .25
SIDE, CLASSES, OPSET = 32, 5, 18
OWN, MINE = helper.make_opsetid("", OPSET), helper.make_opsetid("mine", 1)


def real(name, *shape):
    return numpy_helper.from_array((R.randn(*shape) / np.sqrt(np.prod(shape[1:]))).astype(np.float32), name)


def whole(name, kind, *shape):
    return numpy_helper.from_array(R.randint(np.iinfo(kind).min, np.iinfo(kind).max, shape).astype(kind), name)


def scales(name, *shape):
    return numpy_helper.from_array(np.asarray(R.uniform(.001, .003, shape), np.float32), name)


def refer(node, **names):
    """Attributes of the node that are those of the call."""
    for name, outer in names.items():
        kind = onnx.AttributeProto.INTS if name in ("pads", "strides") else onnx.AttributeProto.FLOAT
        node.attribute.add(name=name, ref_attr_name=outer, type=kind)
    return node


def call(op, ins, outs, **attributes):
    return helper.make_node(op, ins, outs, name=outs[0], domain="mine", **attributes)


def write(name, nodes, tensors, channels, functions=()):
    head = [helper.make_node("GlobalAveragePool", ["z"], ["p"]), helper.make_node("Flatten", ["p"], ["f"]),
            helper.make_node("Gemm", ["f", "head", "bias"], ["y"], transB=1)]
    values = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in
              (("x", ["n", 3, SIDE, SIDE]), ("y", ["n", CLASSES]))]
    graph = helper.make_graph([*nodes, *head], name, values[:1], values[1:],
                              [*tensors, real("head", CLASSES, channels), real("bias", CLASSES)])
    m = helper.make_model(graph, opset_imports=[OWN, MINE], functions=functions, ir_version=9, producer_name="make.py")
    onnx.checker.check_model(m)
    path = name + ".onnx"
    onnx.save(m, path)
    options = onnxruntime.SessionOptions()  # optimised, it multiplies whole numbers and rounds activations to such
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    np.save(name + ".npy", session.run(None, {"x": PIXELS})[0])
    print(path, os.path.getsize(path))


# A block with a default and without one, called by another twice, in which names are the same again.
BLOCK = helper.make_function(
    "mine", "Block", ["x", "w", "b"], ["y"],
    [refer(helper.make_node("Conv", ["x", "w", "b"], ["c"], name="conv"), pads="pads", strides="strides"),
     refer(helper.make_node("LeakyRelu", ["c"], ["r"], name="relu"), alpha="slope"),
     helper.make_node("Constant", [], ["k"], value=numpy_helper.from_array(np.float32([1.5]))),
     helper.make_node("Mul", ["r", "k"], ["y"])],
    [OWN], attributes=["slope", "strides"],
    attribute_protos=[helper.make_attribute("pads", [1, 1, 1, 1])])
TWO = helper.make_function(
    "mine", "Two", ["x", "v", "w", "b"], ["y"],
    [refer(call("Block", ["x", "v", "b"], ["c"], strides=[2, 2]), slope="slope"),
     refer(call("Block", ["c", "w"], ["d"], slope=.4), strides="none"), helper.make_node("Add", ["c", "d"], ["y"])],
    [OWN, MINE], attributes=["slope", "none"])
write("functions",
      [call("Two", ["x", "v", "w", "b"], ["one"], slope=.1), call("Two", ["one", "w", "w"], ["two"], slope=-.5),
       call("Block", ["two", "w"], ["z"], pads=[2, 0, 0, 2])],
      [real("v", 6, 3, 3, 3), real("w", 6, 6, 3, 3), real("b", 6)], 6, [BLOCK, TWO])

write("local",
      [helper.make_node("Conv", ["x", "w"], ["c"], strides=[2, 2]),
       helper.make_node("LRN", ["c"], ["n"], size=5, alpha=.5, beta=.75, bias=2.0), helper.make_node("Relu", ["n"], ["r"]),
       helper.make_node("Conv", ["r", "v"], ["d"]), helper.make_node("LRN", ["d"], ["z"], size=3, alpha=3.0, beta=.5)],
      [real("w", 7, 3, 3, 3), real("v", 6, 7, 3, 3)], 6)

BY = [("a", np.int8, (6, 3, 3, 3), (6,), 0, True), ("b", np.uint8, (6, 6, 1, 1), (), None, True),
      ("c", np.int8, (6, 8), (8,), 1, False)]
write("whole",
      [*(helper.make_node("DequantizeLinear", [n, n + "_scale"] + [n + "_zero"] * zero, [n + "_real"],
                          **({} if axis is None else {"axis": axis})) for n, _, _, _, axis, zero in BY),
       helper.make_node("Conv", ["x", "a_real"], ["h"], strides=[2, 2]), helper.make_node("Relu", ["h"], ["i"]),
       helper.make_node("Conv", ["i", "b_real"], ["j"]), helper.make_node("Transpose", ["j"], ["k"], perm=[0, 2, 3, 1]),
       helper.make_node("MatMul", ["k", "c_real"], ["l"]), helper.make_node("Transpose", ["l"], ["z"], perm=[0, 3, 1, 2])],
      [t for n, kind, shape, per, _, zero in BY for t in
       [whole(n, kind, *shape), scales(n + "_scale", *per)] + [whole(n + "_zero", kind, *per)] * zero], 8)
