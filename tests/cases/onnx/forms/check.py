"""The same network, written in every form that a tensor, an attribute or an operation may have: all
give the same logits. Then what sizes a file says."""

import math
import os
import struct
import subprocess
import sys

ROOT = os.environ["ROOT"]
sys.path[:0] = [ROOT + "/tests/cases/onnx", ROOT + "/tests/golden/cam"]
import npy  # noqa: E402
from proto import *  # noqa: E402,F403

IMAGES = ROOT + "/tests/golden/onnx/images.npy"
VALUES = [k / 8 - 0.5 for k in range(12)]
BIAS = tensor("b", [4], raw=floats(0, 1, 2, 3))


def predict(data, name, *options, images=IMAGES):
    with open("m.onnx", "wb") as f:
        f.write(data)
    done = subprocess.run(["cifar-predict", "--model", "m.onnx", "--data", images, "--mean", ".5,.5,.5", "--std",
                           ".25,.25,.25", "--device", "ref", "--logits", name, *options],
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    return done.stderr if done.returncode else ""


def same(what, data, want="want.npy"):
    said = predict(data, "got.npy")
    try:
        if not said:
            npy.relative("got.npy", want, 1e-6)
    except SystemExit as e:
        said = str(e.code)
    print(f"{what}: {said or 'the same'}")


def half(v):
    return struct.unpack("<H", struct.pack("<e", v))[0]


def brain(v):
    return struct.unpack("<I", struct.pack("<f", v))[0] >> 16


def packed(field, kind, *values):
    return block(field, b"".join(map(varint, values)) if kind == "v" else struct.pack(f"<{len(values)}{kind}", *values))


def weights(kind, raw=None, more=b""):
    return network(weights=tensor("w", [4, 3], kind, raw, more))


predict(network(), "want.npy")
same("float_data, packed", weights(FLOAT, more=block(4, floats(*VALUES))))
same("float_data, each alone", weights(FLOAT, more=b"".join(fixed(4, v) for v in VALUES)))
same("float_data, in two", weights(FLOAT, more=block(4, floats(*VALUES[:5])) + block(4, floats(*VALUES[5:]))))
same("double", weights(DOUBLE, struct.pack("<12d", *VALUES)))
same("double_data", weights(DOUBLE, more=packed(10, "d", *VALUES)))
same("float16", weights(FLOAT16, struct.pack("<12e", *VALUES)))
same("float16 in int32_data", weights(FLOAT16, more=packed(5, "v", *map(half, VALUES))))
same("bfloat16", weights(BFLOAT16, struct.pack("<12H", *map(brain, VALUES))))
same("bfloat16 in int32_data", weights(BFLOAT16, more=packed(5, "v", *map(brain, VALUES))))
same("dims, packed", network(weights=block(1, varint(4) + varint(3)) + number(2, 1) + block(8, "w") + block(9, WEIGHTS)))
with open("w.bin", "wb") as f:
    f.write(b"\0" * 4096 + WEIGHTS)
pairs = [("location", "w.bin"), ("offset", "4096")]
same("beside", network(weights=external("w", [4, 3], pairs)))
same("beside, with a length", network(weights=external("w", [4, 3], [*pairs, ("length", "48"), ("checksum", "?")])))
same("fields that are not known", network() + block(300, "text") + number(301, 7) + fixed(302, 1.0) +
     varint(303 << 3 | 1) + b"\0" * 8 + varint(304 << 3 | 3) + number(5, 1) + varint(304 << 3 | 4))

# --- operations ---

G, F = node("GlobalAveragePool", ["x"], ["a"]), node("Flatten", ["a"], ["f"])
ROWS = tensor("w", [4, 3], raw=WEIGHTS)
COLUMNS = tensor("w", [3, 4], raw=floats(*(VALUES[3 * c + r] for r in range(3) for c in range(4))))


def of(nodes, *tensors, **more):
    return model(graph(nodes, list(tensors), **{k: v for k, v in more.items() if k in ("ins", "outs")}),
                 opset=more.get("opset", 17))


GEMM = node("Gemm", ["f", "w", "b"], ["y"], transB=1)
same("Gemm, not transposed", of([G, F, node("Gemm", ["f", "w", "b"], ["y"])], COLUMNS, BIAS))
same("MatMul and Add", of([G, F, node("MatMul", ["f", "w"], ["m"]), node("Add", ["b", "m"], ["y"])], COLUMNS, BIAS))
same("Gemm with a factor", of([G, F, node("Gemm", ["f", "w", "b"], ["y"], transB=1, alpha=2.0)],
                              tensor("w", [4, 3], raw=floats(*(v / 2 for v in VALUES))), BIAS))
same("Transpose of the weights", of([G, F, node("Transpose", ["w"], ["t"], perm=[1, 0]),
                                     node("Gemm", ["f", "t", "b"], ["y"])], ROWS, BIAS))
same("the mean by axes", of([node("ReduceMean", ["x"], ["f"], axes=[2, 3], keepdims=0), GEMM], ROWS, BIAS))
same("the mean by an input", of([node("ReduceMean", ["x", "s"], ["f"], keepdims=0), GEMM], ROWS, BIAS,
                                shape(-2, -1, name="s"), opset=18))
same("two means", of([node("ReduceMean", ["x"], ["a"], axes=[3]), node("ReduceMean", ["a"], ["c"], axes=[2]),
                      node("Flatten", ["c"], ["f"]), GEMM], ROWS, BIAS))
same("Reshape by a shape", of([G, node("Shape", ["a"], ["s"]), node("Slice", ["s", "from", "to"], ["n"]),
                               node("Concat", ["n", "rest"], ["k"], axis=0), node("Reshape", ["a", "k"], ["f"]),
                               GEMM], ROWS, BIAS, shape(0, name="from"), shape(1, name="to"), shape(-1, name="rest")))
same("Squeeze", of([G, node("Squeeze", ["a"], ["f"], axes=[2, -1]), GEMM], ROWS, BIAS, opset=11))
same("Unsqueeze and back", of([G, F, node("Unsqueeze", ["f"], ["u"], axes=[1, -1]),
                               node("Squeeze", ["u", "s"], ["v"]),
                               node("Gemm", ["v", "w", "b"], ["y"], transB=1)], ROWS, BIAS, shape(1, -1, name="s")))
same("Softmax at the end", of([G, F, node("Gemm", ["f", "w", "b"], ["l"], transB=1), node("Softmax", ["l"], ["y"])],
                              ROWS, BIAS))
same("Split and Concat", of([node("Split", ["x", "s"], ["p", "q"], axis=1),
                             node("Concat", ["p", "q"], ["z"], axis=1), node("GlobalAveragePool", ["z"], ["a"]), F,
                             GEMM], ROWS, BIAS, shape(1, 2, name="s")))
same("Gather of all", of([node("Gather", ["x", "s"], ["z"], axis=1), node("GlobalAveragePool", ["z"], ["a"]), F, GEMM],
                         ROWS, BIAS, shape(0, 1, -1, name="s")))
same("Sub, Neg, Div, Mul", of([node("Sub", ["two", "x"], ["p"]), node("Neg", ["p"], ["q"]),
                               node("Div", ["q", "half"], ["r"]), node("Mul", ["half", "r"], ["s"]),
                               node("Sum", ["s", "two"], ["z"]), node("GlobalAveragePool", ["z"], ["a"]), F, GEMM],
                              ROWS, BIAS, tensor("two", [1], raw=floats(2)), tensor("half", [], raw=floats(.5))))
MEAN = [node("GlobalAveragePool", ["z"], ["a"]), F, GEMM]
PLANES = shape(1, 3, 1, 1, name="planes")
AT = 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0
same("Sqrt, Reciprocal, Pow", of([node("Mul", ["x", "x"], ["p"]), node("Add", ["p", "two"], ["q"]),
                                  node("Sqrt", ["q"], ["r"]), node("Reciprocal", ["r"], ["s"]),
                                  node("Pow", ["q", "half"], ["t"]), node("Mul", ["s", "x"], ["u"]),
                                  node("Mul", ["t", "u"], ["z"]), *MEAN], ROWS, BIAS,
                                 tensor("two", [], raw=floats(2)), tensor("half", [], raw=floats(.5))))
same("ReduceL2 and a quotient", of([node("Add", ["x", "far"], ["c"]), node("ReduceL2", ["c"], ["p"], axes=[1]),
                                    node("Div", ["x", "p"], ["q"]), node("Mul", ["p", "q"], ["z"]), *MEAN],
                                   ROWS, BIAS, tensor("far", [], raw=floats(8))))
same("ScatterND of numbers of a shape", of([node("ConstantOfShape", ["planes"], ["k"]), node("Shape", ["b"], ["n"]),
                                            node("Div", ["n", "n"], ["o"]), node("Concat", ["o", "o", "o"], ["p"], axis=0),
                                            node("Cast", ["p"], ["f1"], to=1),
                                            node("ScatterND", ["k", "at", "f1"], ["m"]), node("Mul", ["x", "m"], ["z"]),
                                            *MEAN], ROWS, BIAS, PLANES,
                                           tensor("at", [3, 4], INT64, struct.pack("<12q", *AT))))
WIDE = {"ins": (("x", (None, 32, 32, 3)),)}
same("rows of pixels", of([node("Transpose", ["x"], ["z"], perm=[0, 3, 1, 2]), *MEAN], ROWS, BIAS, **WIDE))
same("the mean of rows of pixels", of([node("ReduceMean", ["x"], ["f"], axes=[1, 2], keepdims=0), GEMM], ROWS, BIAS, **WIDE))
BOUNDS = [node("Clip", ["x", "low", "high"], ["z"]), node("GlobalAveragePool", ["z"], ["a"]), F, GEMM]
predict(of(BOUNDS, ROWS, BIAS, tensor("low", [], raw=floats(.25)), tensor("high", [], raw=floats(.25))), "clip.npy")
same("Clip whose bounds cross", of(BOUNDS, ROWS, BIAS, tensor("low", [], raw=floats(1)),
                                   tensor("high", [], raw=floats(.25))), "clip.npy")
FEATURES = (("a", (None, 3, 1, 1)), ("y", (None, 4)))
same("the second of two results", network(outs=FEATURES))
same("CastLike", of([node("Constant", [], ["two"], value=shape(2, name="t", scalar=True)),
                     node("CastLike", ["two", "x"], ["p"]), node("Mul", ["x", "p"], ["q"]),
                     node("CastLike", ["x", "b"], ["s"]), node("Sub", ["q", "s"], ["z"]), *MEAN], ROWS, BIAS))
HALF = tensor("half", [], raw=floats(.5))
same("Cast to truths", of([node("Cast", ["half"], ["t"], to=9), node("Cast", ["t"], ["o"], to=1),
                           node("Mul", ["x", "o"], ["z"]), *MEAN], ROWS, BIAS, HALF))
same("Div of whole numbers", of([node("Cast", ["r"], ["i"], to=7), node("Div", ["i", "two"], ["q"]),
                                 node("Cast", ["q"], ["o"], to=1), node("Mul", ["x", "o"], ["z"]), *MEAN],
                                ROWS, BIAS, tensor("r", [3, 1, 1], raw=floats(3.5, 2.5, 3.25)),
                                shape(2, name="two", scalar=True)))
FEWER = node("Resize", ["x", "", "", "s"], ["z"], axes=[2, 3])
predict(of([FEWER, *MEAN], ROWS, BIAS, shape(5, 7, name="s"), opset=18), "fewer.npy")
same("sizes that are computed", of([node("Cast", ["r"], ["s"], to=7), FEWER, *MEAN], ROWS, BIAS,
                                   tensor("r", [2], raw=floats(5.5, 7.25)), opset=18), "fewer.npy")
same("what no image needs", of([node("LSTM", ["x"], ["other"]), G, F, GEMM], ROWS, BIAS))
same("the newest version", number(1, 14) + network()[2:])
same("a fixed number of images", network(ins=(("x", (7, 3, 32, 32)),), outs=(("y", (7, 4)),)))
same("tensors among the inputs", network(ins=(("x", (None, 3, 32, 32)), ("w", (4, 3)), ("b", (4,)))))
ONES = tensor("k", [3, 1, 2, 2], raw=floats(*[1] * 12))
PADS = {"auto_pad": "SAME_UPPER"}, {"pads": [0, 0, 1, 1]}


def windows(op, **attributes):
    return of([node(op, ["x"] + ["k"] * (op == "Conv"), ["z"], **attributes), node("GlobalAveragePool", ["z"], ["a"]),
               F, GEMM], ROWS, BIAS, ONES)


predict(windows("Conv", group=3, pads=[0, 0, 1, 1]), "conv.npy")
same("Conv, SAME_UPPER", windows("Conv", group=3, auto_pad="SAME_UPPER"), "conv.npy")
predict(windows("Conv", group=3, pads=[1, 1, 0, 0]), "conv.npy")
same("Conv, SAME_LOWER", windows("Conv", group=3, auto_pad="SAME_LOWER"), "conv.npy")
predict(windows("MaxPool", kernel_shape=[3, 3], strides=[2, 2], pads=[0, 0, 1, 1]), "pool.npy")
same("MaxPool, SAME_UPPER", windows("MaxPool", kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_UPPER"), "pool.npy")
same("MaxPool, ceil_mode", windows("MaxPool", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1), "pool.npy")

# --- cells by indices ---

ROW, COLUMN = (3, 0, 31, 31), (5, 5, 30)
INDEX = [i for r in ROW for c in COLUMN for i in (r, c)]
TURNED = node("Transpose", ["x"], ["t"], perm=[2, 3, 0, 1])
BACK = node("Transpose", ["p"], ["q"], perm=[2, 3, 0, 1])
CORNER = [node("Slice", ["q", "from", "to", "axes"], ["z"]), *MEAN]
PLACE = shape(1, 0, name="from"), shape(3, 2, name="to"), shape(2, 3, name="axes")
predict(of([node("Gather", ["x", "rows"], ["r"], axis=2), node("Gather", ["r", "columns"], ["q"], axis=3), *CORNER],
           ROWS, BIAS, shape(*ROW, name="rows"), shape(*COLUMN, name="columns"), *PLACE), "cells.npy")
same("GatherND of cells", of([TURNED, node("GatherND", ["t", "i"], ["p"]), BACK, *CORNER], ROWS, BIAS,
                             tensor("i", [4, 3, 2], INT64, struct.pack("<24q", *INDEX)), *PLACE), "cells.npy")
same("GatherND of channels", of([node("Transpose", ["x"], ["t"], perm=[1, 0, 2, 3]), node("GatherND", ["t", "i"], ["p"]),
                                 node("Transpose", ["p"], ["z"], perm=[1, 0, 2, 3]), *MEAN], ROWS, BIAS,
                                tensor("i", [3, 1], INT64, struct.pack("<3q", 0, 1, 2))))
same("Gather by a table", of([node("Gather", ["x", "i"], ["r"], axis=3), node("ReduceMean", ["r"], ["z"], axes=[4], keepdims=0),
                              *MEAN], ROWS, BIAS, tensor("i", [16, 2], INT64, struct.pack("<32q", *range(32)))))
predict(of([node("Slice", ["x", "from", "to", "axes"], ["s"]), node("Pad", ["s", "pads"], ["z"]), *MEAN], ROWS, BIAS,
           shape(20, name="from"), shape(32, name="to"), shape(3, name="axes"), shape(0, 0, 0, 20, 0, 0, 0, 0, name="pads")),
        "right.npy")
MASK = tensor("m", [32], BOOL, bytes(k < 20 for k in range(32))), tensor("zero", [], raw=floats(0))
same("Where with zeros", of([node("Where", ["m", "zero", "x"], ["z"]), *MEAN], ROWS, BIAS, *MASK), "right.npy")
same("Where of two", of([node("Sub", ["x", "x"], ["o"]), node("Where", ["m", "o", "x"], ["z"]), *MEAN], ROWS, BIAS, *MASK),
     "right.npy")
REVERSED = [node("Slice", ["x", "from", "to", "axes", "steps"], ["r"]), node("Slice", ["r", "zero", "two", "last"], ["z"]), *MEAN]
for what, start, end, step, index in (("all", -1, -1 << 63, -1, (31, 30)), ("every third", 99, 5, -3, (31, 28)),
                                      ("one", 3, 2, -9, (3,))):
    predict(of([node("Gather", ["x", "i"], ["z"], axis=3), *MEAN], ROWS, BIAS, shape(*index, name="i")), "back.npy")
    same(f"Slice from behind, {what}",
         of(REVERSED, ROWS, BIAS, shape(start, name="from"), shape(end, name="to"), shape(-1, name="axes"),
            shape(step, name="steps"), shape(0, name="zero"), shape(2, name="two"), shape(3, name="last")), "back.npy")

# --- older and newer sets of operations ---

NORM = [tensor(n, [3], raw=floats(*v)) for n, v in (("g", (2, 1, 1)), ("h", (0, 0, 1)), ("m", (0, 0, 1)), ("v", (4, 1, 1)))]
for opset, more in ((7, {"spatial": 1}), (8, {"spatial": 1}), (9, {})):
    same(f"a norm of set {opset}", of([node("BatchNormalization", ["x", "g", "h", "m", "v"], ["z"], epsilon=1e-12, **more), *MEAN],
                                      *NORM, ROWS, BIAS, opset=opset))
same("Upsample of set 7", of([node("Upsample", ["x"], ["z"], more=block(5, block(1, "scales") + b"".join(
    fixed(7, v) for v in (1, 1, 2, 3)) + number(20, 6))), *MEAN], ROWS, BIAS, opset=7))
same("Upsample of set 9", of([node("Upsample", ["x", "s"], ["z"], mode="nearest"), *MEAN], ROWS, BIAS,
                             tensor("s", [4], raw=floats(1, 1, 2, 3)), opset=9))
same("Resize of set 10", of([node("Resize", ["x", "s"], ["z"]), *MEAN], ROWS, BIAS,
                            tensor("s", [4], raw=floats(1, 1, 2, 3)), opset=10))
# Half as many columns: the filter is twice as wide, and what lies outside is the edge or nothing.
for exclude in 0, 1:
    share = [[0.0] * 16 for _ in range(32)]
    for o in range(16):
        all_of = [(2 * o + d, w) for d, w in ((-1, .25), (0, .75), (1, .75), (2, .25)) if not exclude or 0 <= 2 * o + d < 32]
        for i, w in all_of:
            share[min(max(i, 0), 31)][o] += w / sum(w for _, w in all_of)
    predict(of([node("MatMul", ["x", "k"], ["z"]), *MEAN], ROWS, BIAS,
               tensor("k", [32, 16], raw=floats(*(w for row in share for w in row)))), "half.npy")
    same(f"Resize with antialiasing, exclude_outside {exclude}",
         of([node("Resize", ["x", "", "s"], ["z"], mode="linear", antialias=1, exclude_outside=exclude), *MEAN],
            ROWS, BIAS, tensor("s", [4], raw=floats(1, 1, 1, .5)), opset=18), "half.npy")
# In float32 the quotient of 17 and 1.7 is 10; that of 17 and the float next to 1.7 is less.
FACTOR = struct.unpack("<f", struct.pack("<f", 1.7))[0]
CELLS = [int(struct.unpack("<f", struct.pack("<f", k / FACTOR))[0]) for k in range(54)]
predict(of([node("Gather", ["x", "i"], ["r"], axis=3), node("ReduceMean", ["r"], ["z"], axes=[4], keepdims=0), *MEAN], ROWS, BIAS,
           tensor("i", [54, 1], INT64, struct.pack("<54q", *CELLS))), "nearest.npy")
same("Resize to nearest cells by 1.7", of([node("Resize", ["x", "", "s"], ["z"], coordinate_transformation_mode="asymmetric",
                                                nearest_mode="floor"), *MEAN],
                                          ROWS, BIAS, tensor("s", [4], raw=floats(1, 1, 1, 1.7)), opset=18), "nearest.npy")
# --- choices by activations, and branches ---

NUMBERS = [tensor(n, [], raw=floats(v)) for n, v in (("half", .5), ("two", 2), ("quarter", .25))]


def alike(what, nodes, others, *tensors, opset=20):
    print(predict(of([*others, *MEAN], ROWS, BIAS, *NUMBERS, *tensors, opset=opset), "other.npy"), end="")
    same(what, of([*nodes, *MEAN], ROWS, BIAS, *NUMBERS, *tensors, opset=opset), "other.npy")


MINUS = node("Neg", ["x"], ["n"])
BOTH = [MINUS, node("Relu", ["x"], ["p"]), node("Relu", ["n"], ["q"])]
ABOVE = node("Greater", ["x", "half"], ["g"]), node("Cast", ["g"], ["up"], to=1)
BELOW = node("Less", ["x", "half"], ["l"])
alike("Abs", [node("Abs", ["x"], ["z"])], [*BOTH, node("Add", ["p", "q"], ["z"])])
alike("Softsign", [node("Softsign", ["x"], ["z"])],
      [*BOTH, node("Sum", ["p", "q", "two", "two", "two"], ["s"]), node("Sub", ["s", "two"], ["t"]), node("Sub", ["t", "two"], ["u"]),
       node("Sub", ["u", "half"], ["v"]), node("Sub", ["v", "half"], ["r"]), node("Div", ["x", "r"], ["z"])])
alike("Shrink", [node("Shrink", ["x"], ["z"], lambd=.5, bias=.5)],
      [MINUS, node("Sub", ["x", "half"], ["p"]), node("Sub", ["n", "half"], ["q"]), node("Relu", ["p"], ["r"]),
       node("Relu", ["q"], ["s"]), node("Sub", ["r", "s"], ["z"])])
alike("ThresholdedRelu", [node("ThresholdedRelu", ["x"], ["z"], alpha=.5)], [*ABOVE, node("Mul", ["x", "up"], ["z"])])
alike("Sign", [node("Sub", ["x", "half"], ["m"]), node("Sign", ["m"], ["z"])],
      [*ABOVE, BELOW, node("Cast", ["l"], ["k"], to=1), node("Sub", ["up", "k"], ["z"])])
alike("Swish", [node("Swish", ["x"], ["z"], alpha=2.0)],
      [node("Mul", ["x", "two"], ["m"]), node("Sigmoid", ["m"], ["s"]), node("Mul", ["x", "s"], ["z"])], opset=24)
alike("Log of Sigmoid", [node("Sigmoid", ["x"], ["s"]), node("Log", ["s"], ["z"])],
      [MINUS, node("Softplus", ["n"], ["s"]), node("Neg", ["s"], ["z"])])
alike("Max of three", [MINUS, node("Max", ["quarter", "x", "n"], ["z"])],
      [*BOTH, node("Max", ["p", "q"], ["m"]), node("Max", ["m", "quarter"], ["z"])])
alike("Min", [MINUS, node("Min", ["x", "n"], ["z"])], [*BOTH, node("Add", ["p", "q"], ["m"]), node("Neg", ["m"], ["z"])])
alike("ReduceMin", [node("ReduceMin", ["x"], ["z"], axes=[3])],
      [MINUS, node("ReduceMax", ["n"], ["m"], axes=[3]), node("Neg", ["m"], ["z"])], opset=17)
alike("masks", [ABOVE[0], BELOW, node("Not", ["l"], ["o"]), node("And", ["o", "g"], ["c"]), node("Or", ["c", "l"], ["d"]),
                node("Where", ["d", "x", "two"], ["z"])], [node("Identity", ["x"], ["z"])])
SIZE = [node("Shape", ["x"], ["s"]), node("Gather", ["s", "one"], ["i"]), node("Equal", ["i", "one"], ["c"]), node("Not", ["c"], ["d"])]
INNER = branch("d", ([node("Relu", ["x"], ["r"])], ["r"]), ([node("Squeeze", ["x", "one"], ["u"])], ["u"]), ["v"], "inner")
alike("branches", [*SIZE, branch("c", ([node("Squeeze", ["x", "one"], ["t"])], ["t"]), ([INNER], ["v"]), ["z"])],
      [node("Relu", ["x"], ["z"])], shape(1, name="one"))
SHAPE = [node("Shape", ["x"], ["s"]), node("Gather", ["s", "one"], ["i"]), node("Equal", ["i", "one"], ["c"])]
HALVES = [node("Mul", ["x", "half"], ["t"]), node("Relu", ["t"], ["r"])], [node("Add", ["x", "half"], ["t"]), node("Relu", ["t"], ["r"])]
DEEPER = [node("Mul", ["x", "half"], ["m"]), node("Relu", ["m"], ["n"])], [node("Add", ["x", "half"], ["m"]), node("Relu", ["m"], ["n"])]
alike("branches of the same names",
      [*SHAPE, branch("c", (HALVES[0], ["r"]), ([*HALVES[1], branch("c", (DEEPER[0], ["n"]), (DEEPER[1], ["n"]), ["q"], "inner"),
                                                 node("Add", ["q", "t"], ["u"])], ["u"]), ["v"]),
       node("Identity", ["v"], ["z"])],
      [*HALVES[1], node("Add", ["r", "t"], ["z"])], shape(1, name="one"))
CHANNELS = [node("Shape", ["x"], ["s"]), node("Gather", ["s", "one"], ["i"])]
alike("Clip of a size", [*CHANNELS, node("Clip", ["i", "four"], ["low"]), node("Clip", ["low", "", "one"], ["high"]),
                         node("Add", ["low", "high"], ["both"]), node("Cast", ["both"], ["d"], to=1), node("Clip", ["d", "six", "seven"], ["e"]),
                         node("Mul", ["x", "e"], ["z"])],
      [node("Mul", ["x", "six"], ["z"])], shape(1, name="one"), shape(4, name="four"), tensor("six", [], raw=floats(6)),
      tensor("seven", [], raw=floats(7)))
alike("Clip of a size by attributes", [*CHANNELS, node("Cast", ["i"], ["d"], to=1), node("Clip", ["d"], ["e"], min=1.0, max=2.5),
                                       node("Mul", ["x", "e"], ["z"])],
      [node("Mul", ["x", "more"], ["z"])], shape(1, name="one"), tensor("more", [], raw=floats(2.5)), opset=10)
RELU, ROOT2 = node("Relu", ["x"], ["r"]), tensor("root2", [], raw=floats(2**.5))
alike("half of GELU", [node("Erf", ["x"], ["e"]), node("Mul", ["x", "e"], ["z"])],
      [node("Mul", ["x", "root2"], ["u"]), node("Gelu", ["u"], ["g"]), node("Mul", ["g", "root2"], ["h"]), node("Sub", ["h", "x"], ["z"])], ROOT2)
alike("ReduceLogSumExp", [node("ReduceLogSumExp", ["x"], ["z"], axes=[2], keepdims=1)],
      [node("Exp", ["x"], ["e"]), node("ReduceSum", ["e", "rows"], ["q"], keepdims=1), node("Log", ["q"], ["z"])],
      tensor("rows", [1], INT64, struct.pack("<q", 2)), opset=17)
alike("Pow", [RELU, node("Pow", ["r", "power"], ["z"])], [RELU, node("Sqrt", ["r"], ["q"]), node("Mul", ["q", "r"], ["z"])],
      tensor("power", [], raw=floats(1.5)))
alike("Pow of channels", [RELU, node("Pow", ["r", "power"], ["z"])], [RELU, node("Identity", ["r"], ["z"])],
      tensor("power", [3, 1, 1], raw=floats(1, 1, 1)))
alike("Pow of a number", [node("Pow", ["two", "x"], ["z"])], [node("Mul", ["x", "log2"], ["l"]), node("Exp", ["l"], ["z"])],
      tensor("log2", [], raw=floats(0.6931471805599453)))
alike("Pow of whole numbers", [node("Pow", ["whole", "power"], ["p"]), node("Cast", ["p"], ["q"], to=1), node("Mul", ["x", "q"], ["z"])],
      [node("Mul", ["x", "v"], ["z"])], tensor("whole", [1, 3, 1, 1], INT64, struct.pack("<3q", 2, 3, 4)), tensor("power", [], raw=floats(1.5)),
      tensor("v", [1, 3, 1, 1], raw=floats(2, 5, 8)))
alike("Pow of few whole numbers", [node("Pow", ["few", "power"], ["p"]), node("Pow", ["p", "few"], ["s"]), node("Reshape", ["s", "to"], ["t"]), node("Cast", ["t"], ["q"], to=1),
                                   node("Mul", ["x", "q"], ["z"])],
      [node("Mul", ["x", "v"], ["z"])], tensor("few", [3], INT64, struct.pack("<3q", 2, 3, 1)), tensor("power", [], raw=floats(1.5)),
      tensor("to", [4], INT64, struct.pack("<4q", 1, 3, 1, 1)), tensor("v", [1, 3, 1, 1], raw=floats(4, 125, 1)))
alike("AveragePool of rows", [node("Reshape", ["x", "rows"], ["q"]), node("AveragePool", ["q"], ["p"], kernel_shape=[4], strides=[4]),
                              node("Reshape", ["p", "back"], ["z"])],
      [node("AveragePool", ["x"], ["z"], kernel_shape=[1, 4], strides=[1, 4])],
      tensor("rows", [3], INT64, struct.pack("<3q", 0, 3, -1)), tensor("back", [4], INT64, struct.pack("<4q", 0, 3, 32, 8)))
STEPS, WAVES = tensor("r", [1, 1, 1, 4], raw=floats(.25, .25, .5, 1)), (.25, .5, 1, 2)
ALONG = [tensor("axis", [], INT64, struct.pack("<q", -1)), shape(1, 1, 1, 8, name="times")]
alike("constants as waves",
      [node("CumSum", ["r", "axis"], ["c"]), node("Sin", ["c"], ["s"]), node("Cos", ["c"], ["k"]), node("Mul", ["k", "two"], ["m"]),
       node("Add", ["s", "m"], ["sum"]), node("Tile", ["sum", "times"], ["all"]), node("Mul", ["x", "all"], ["z"])],
      [node("Mul", ["x", "v"], ["z"])], STEPS, *ALONG,
      tensor("v", [1, 1, 1, 32], raw=floats(*(math.sin(v) + 2 * math.cos(v) for v in WAVES * 8))))
for what, nodes in (("sums from behind", [node("CumSum", ["r", "axis"], ["c"], reverse=1), node("Mul", ["x", "c"], ["z"])]),
                    ("the sine of activations", [node("Sin", ["x"], ["z"])]),
                    ("too few repetitions", [node("Tile", ["x", "axis"], ["z"])])):
    print(f"{what}: {predict(of([*nodes, *MEAN], ROWS, BIAS, STEPS, *ALONG, opset=20), 'got.npy').strip()}")
for opset in 24, 25:
    same(f"set {opset}", network(opset=opset))

# --- sizes ---


def sizes(what, *image):
    print(f"{what}: {predict(network(ins=(('x', image),)), 'got.npy') or 'read'}".rstrip())


sizes("open sizes", None, 3, None, None)
sizes("16 by 16", None, 3, 16, 16)
sizes("a height that is open", None, 3, None, 32)
