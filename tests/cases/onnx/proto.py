"""ONNX files written by the standard library alone: messages of protocol buffers, field by field.
https://github.com/onnx/onnx/blob/main/onnx/onnx.proto has the numbers of the fields."""

import struct

FLOAT, UINT8, INT32, STRING, INT64, BOOL, FLOAT16, DOUBLE, BFLOAT16 = 1, 2, 6, 8, 7, 9, 10, 11, 16


def varint(n):
    n &= (1 << 64) - 1
    out = b""
    while n > 0x7F:
        out += bytes([n & 0x7F | 0x80])
        n >>= 7
    return out + bytes([n])


def number(field, n):
    return varint(field << 3) + varint(n)


def block(field, value):
    value = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(value)) + value


def fixed(field, value):
    return varint(field << 3 | 5) + struct.pack("<f", value)


def floats(*values):
    return struct.pack(f"<{len(values)}f", *values)


def tensor(name, dims, kind=FLOAT, raw=None, more=b""):
    """TensorProto; `more`: further fields, such as elements that are not raw."""
    return (b"".join(number(1, d) for d in dims) + number(2, kind) + block(8, name) +
            (b"" if raw is None else block(9, raw)) + more)


def external(name, dims, pairs, kind=FLOAT, location=1):
    """A tensor in another file: pairs of key and value."""
    return tensor(name, dims, kind, more=number(14, location) + b"".join(
        block(13, block(1, k) + block(2, v)) for k, v in pairs))


def shape(*values, name="shape", scalar=False):
    return tensor(name, [] if scalar else [len(values)], INT64, struct.pack(f"<{len(values)}q", *values))


def attribute(name, value):
    head = block(1, name)
    if isinstance(value, float):
        return head + fixed(2, value) + number(20, 1)
    if isinstance(value, int):
        return head + number(3, value) + number(20, 2)
    if isinstance(value, str):
        return head + block(4, value) + number(20, 3)
    if isinstance(value, bytes):  # a TensorProto
        return head + block(5, value) + number(20, 4)
    return head + b"".join(number(8, v) for v in value) + number(20, 7)


def node(op, ins, outs, name=None, domain="", more=b"", **attributes):
    return (b"".join(block(1, i) for i in ins) + b"".join(block(2, o) for o in outs) +
            block(3, op.lower() + "_1" if name is None else name) + block(4, op) +
            b"".join(block(5, attribute(k, v)) for k, v in attributes.items()) +
            (block(7, domain) if domain else b"") + more)


def branch(when, yes, no, outs, name=None):
    """An If: nodes of both branches and the names of their results."""
    def attribute_of(word, nodes, results):
        return block(5, block(1, word) + block(6, graph(nodes, [], (), [(r, ()) for r in results])) + number(20, 5))
    return node("If", [when], outs, name, more=attribute_of("then_branch", *yes) + attribute_of("else_branch", *no))


def function(name, ins, outs, nodes, attributes=(), more=b"", domain="my"):
    """FunctionProto of a model, with the names of attributes that have no default."""
    return block(25, block(1, name) + b"".join(block(4, i) for i in ins) + b"".join(block(5, o) for o in outs) +
                 b"".join(block(6, a) for a in attributes) + b"".join(block(7, n) for n in nodes) +
                 block(10, domain) + more)


def refer(name, outer, kind):
    """The attribute of a node in a function that is the call's."""
    return block(5, block(1, name) + block(21, outer) + number(20, kind))


def value(name, sizes, kind=FLOAT):
    """ValueInfoProto: None for a size that is open."""
    dims = b"".join(block(1, block(2, "n") if s is None else number(1, s)) for s in sizes)
    return block(1, name) + block(2, block(1, number(1, kind) + block(2, dims)))


def graph(nodes, tensors, ins=(("x", (None, 3, 32, 32)),), outs=(("y", (None, 4)),)):
    return (b"".join(block(1, n) for n in nodes) + block(2, "g") +
            b"".join(block(5, t) for t in tensors) + b"".join(block(11, value(*i)) for i in ins) +
            b"".join(block(12, value(*o)) for o in outs))


def model(g, ir=8, opset=17):
    return (number(1, ir) + block(2, "by hand") + block(7, g) +
            (b"" if opset is None else block(8, block(1, "") + number(2, opset))))


# --- a network with an average and a linear layer of four classes, behind other nodes ---

CLASSES = 4
WEIGHTS = floats(*(k / 8 - 0.5 for k in range(3 * CLASSES)))


def head(x="x", weights=None, classes=CLASSES):
    """Nodes and tensors from an image to y."""
    if not weights:
        weights = tensor("w", [classes, 3], raw=floats(*(k / 8 - 0.5 for k in range(3 * classes))))
    return ([node("GlobalAveragePool", [x], ["a"]), node("Flatten", ["a"], ["f"], axis=1),
             node("Gemm", ["f", "w", "b"], ["y"], transB=1)],
            [weights, tensor("b", [classes], raw=floats(*range(classes)))])


def network(nodes=(), tensors=(), x="x", weights=None, classes=CLASSES, opset=17, **more):
    n, t = head(x, weights, classes)
    return model(graph(list(nodes) + n, list(tensors) + t, **more), opset=opset)
