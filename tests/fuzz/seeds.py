#!/usr/bin/env python3
"""Writes the inputs that fuzzing begins with, from the golden files and by hand.

seeds.py FOLDER   (from the project's root; FOLDER/TARGET/... is written)
"""

import array
import io
import json
import pathlib
import pickle
import pickletools
import random
import struct
import sys
import types
import zipfile
import zlib
from collections import OrderedDict, defaultdict

GOLDEN = pathlib.Path("tests/golden")
OUT = pathlib.Path(sys.argv[1])


def put(target, name, data):
    folder = OUT / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


# --- ONNX ---

sys.path.insert(0, "tests/cases/onnx")
import proto  # noqa: E402

for path in sorted((GOLDEN / "onnx").rglob("*.onnx")):
    put("onnx", path.name, path.read_bytes())
put("onnx", "small", proto.network([proto.node("Relu", ["x"], ["z"])], x="z"))
put("onnx", "forms", proto.network(
    [proto.node("Add", ["x", "i"], ["z"])],
    [proto.tensor("i", [3, 1, 1], proto.FLOAT16, more=proto.block(5, b"\1\2\3"))], x="z"))
for i in range(32):
    put("onnx_graph", str(i), random.Random(i).randbytes(600))

# --- pickles ---

torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")


class FloatStorage:
    pass


class HalfStorage:
    pass


def _rebuild_tensor_v2(*args):
    raise NotImplementedError


def _rebuild_parameter(*args):
    raise NotImplementedError


for thing, module in ((FloatStorage, torch), (HalfStorage, torch), (_rebuild_tensor_v2, utils),
                      (_rebuild_parameter, utils)):
    thing.__module__ = module.__name__
    setattr(module, thing.__name__, thing)
sys.modules.update({"torch": torch, "torch._utils": utils})


class Storage:
    def __init__(self, key, count, cls=FloatStorage):
        self.id = ("storage", cls, key, "cpu", count)


class Tensor:
    def __init__(self, storage, shape, offset=0, parameter=False):
        self.storage, self.shape, self.offset, self.parameter = storage, shape, offset, parameter

    def __reduce__(self):
        if self.parameter:
            return _rebuild_parameter, (Tensor(self.storage, self.shape), True, OrderedDict())
        strides, n = [], 1
        for d in reversed(self.shape):
            strides.insert(0, n)
            n *= d
        return _rebuild_tensor_v2, (self.storage, self.offset, tuple(self.shape), tuple(strides),
                                    False, OrderedDict())


class Pickler(pickle.Pickler):
    def persistent_id(self, obj):
        return obj.id if isinstance(obj, Storage) else None


def dumps(value, protocol):
    f = io.BytesIO()
    Pickler(f, protocol).dump(value)
    return f.getvalue()


def network(storages):
    """A residual network of one block and two classes whose tensors share storages."""
    d = OrderedDict()

    def one(key, shape, storage=0):
        d[key] = Tensor(storages[storage], shape)

    def norm(key, n):
        for part in ("weight", "bias", "running_mean", "running_var"):
            one(f"{key}.{part}", [n], 1)

    one("conv1.weight", [2, 3, 3, 3])
    norm("bn1", 2)
    for conv in "12":
        one(f"layer1.0.conv{conv}.weight", [2, 2, 3, 3])
        norm(f"layer1.0.bn{conv}", 2)
    one("layer2.0.conv1.weight", [3, 2, 3, 3], 2)
    norm("layer2.0.bn1", 3)
    one("layer2.0.conv2.weight", [3, 3, 3, 3], 2)
    norm("layer2.0.bn2", 3)
    one("layer2.0.downsample.0.weight", [3, 2, 1, 1], 3)
    norm("layer2.0.downsample.1", 3)
    one("fc.weight", [2, 3], 3)
    one("fc.bias", [2], 3)
    return d


def values():
    shared = [1, 2]
    yield {"a": 1, "b": [1, -2, 300, 70000, 1 << 40, -(1 << 70)], "c": (1.5, None, True, False)}
    yield [b"bytes", bytearray(b"array"), "text", "\u00fc\u20ac\U0001f600", "x" * 300, shared, shared]
    yield {(): frozenset([1]), "s": {1, 2}, "o": OrderedDict([("a", 1)]), "d": defaultdict(list)}
    yield complex(1, 2), range(3), slice(1, 2, 3)
    yield types.SimpleNamespace(a=1, b=[types.SimpleNamespace(c=2)])


def pickles():
    number = 0
    for v in values():
        for protocol in range(6):
            yield f"values{number}_{protocol}", pickle.dumps(v, protocol)
        number += 1
    yield "python2", b"(dp1\nS'data'\np2\n(lp3\nI01\naL5L\naF1.5\naV\\u20ac\np4\naNasS'x\\x00\\n'\n(I1\nI2\ntp5\ns."
    yield "instance", b"(itraining\nConfig\np1\n(dp2\nS'a'\nI1\nsb."
    yield "object", b"(ctraining\nConfig\nK\x01o}b."
    yield "persistent", b"(lP12\na(K\x01tQa."
    yield "itself", b"]q\x00h\x00a."
    yield "extras", b"\x80\x05(K\x01(11K\x022a0N."


def part_pickles(path):
    """The pickles at the start of a legacy file, and what follows them."""
    data = path.read_bytes()
    f, parts = io.BytesIO(data), []
    for _ in range(5):
        start = f.tell()
        for _op, _arg, _pos in pickletools.genops(f):
            pass
        parts.append(data[start:f.tell()])
    return parts, data[f.tell():]


def seed_pickles():
    for name, data in pickles():
        put("pickle", name, data)
    for path in sorted((GOLDEN / "ckpt").glob("*.pt*")):
        if path.stem == "unsummed":
            continue  # zipfile insists on sums
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as z:
                for entry in z.namelist():
                    if entry.endswith("data.pkl"):
                        put("pickle", path.name, z.read(entry))
                        put("torch_pickle", path.name, z.read(entry))
        else:
            parts, rest = part_pickles(path)
            put("pickle", path.name, parts[3])
            put("legacy", path.name, b"".join(parts[2:]) + rest)
    storages = [Storage(f"{i:03}", 1024) for i in range(4)]
    for protocol in (2, 4, 5):
        put("torch_pickle", f"network{protocol}", dumps(network(storages), protocol))
    wrapped = {"model_state_dict": network(storages), "epoch": 3, "args": {"lr": 0.1}}
    put("torch_pickle", "wrapped", dumps(wrapped, 2))
    half = Storage("001", 2048, HalfStorage)
    put("torch_pickle", "kinds", dumps({"state_dict": OrderedDict(
        [("module.a", Tensor(half, [2, 3], 5)), ("_orig_mod.b", Tensor(storages[0], [4], 1, True)),
         ("c", Tensor(storages[1], [0, 3])), ("d", Tensor(storages[2], []))])}, 2))
    keys = [s.id[2] for s in storages]
    numbers = array.array("f", [i / 100 for i in range(1024)]).tobytes()
    body = dumps({}, 2) + dumps(network(storages), 2) + pickle.dumps(keys, 2)
    put("legacy", "network", body + 4 * (struct.pack("<q", 1024) + numbers))


# --- archives ---

def seed_archives():
    for path in sorted((GOLDEN / "ckpt").glob("*.pt*")):
        if zipfile.is_zipfile(path):
            for target in ("zip", "torch_zip"):
                put(target, path.name, path.read_bytes())
    made = {"stored": (zipfile.ZIP_STORED, b""), "deflated": (zipfile.ZIP_DEFLATED, b""),
            "comment": (zipfile.ZIP_STORED, b"c" * 9)}
    storages = [Storage(str(i), 128) for i in range(4)]
    numbers = array.array("f", [i / 100 for i in range(128)]).tobytes()
    for name, (method, comment) in made.items():
        f = io.BytesIO()
        with zipfile.ZipFile(f, "w", method) as z:
            z.comment = comment
            z.writestr("m/data.pkl", dumps(network(storages), 2))
            z.writestr("m/version", b"3\n")
            for i in range(4):
                z.writestr(f"m/data/{i}", numbers)
        for target in ("zip", "torch_zip"):
            put(target, name, f.getvalue())
    f, inner = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(inner, "w") as z:
        z.writestr("c/data.pkl", dumps({"c": Tensor(storages[0], [2, 3], 5)}, 2))
        z.writestr("c/data/0", numbers)
    with zipfile.ZipFile(f, "w") as z:
        z.writestr("m/models/model.json", b"{}")
        z.writestr("m/data/weights/model.pt", (OUT / "torch_zip" / "stored").read_bytes())
        z.writestr("m/data/constants/model.pt", inner.getvalue())
    put("torch_zip", "archives_inside", f.getvalue())
    f = io.BytesIO()
    with zipfile.ZipFile(f, "w") as z:
        with z.open("m/data.pkl", "w", force_zip64=True) as r:
            r.write(b"}.")
    put("zip", "zip64_local", f.getvalue())


# --- safetensors ---

def header(tensors, metadata=None):
    h, at = {}, 0
    if metadata:
        h["__metadata__"] = metadata
    for name, dtype, width, shape in tensors:
        n = width
        for d in shape:
            n *= d
        h[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + n]}
        at += n
    return json.dumps(h, separators=(",", ":")).encode(), at


def seed_safetensors():
    plain = (GOLDEN / "ckpt" / "plain.safetensors").read_bytes()
    put("safetensors", "plain", plain)
    put("json", "plain", plain[8:8 + struct.unpack("<Q", plain[:8])[0]])
    kinds = {
        "floats": ([("a", "F32", 4, [2, 3]), ("b", "F16", 2, [4]), ("c", "BF16", 2, [2, 2]),
                    ("d", "F64", 8, [])], {"format": "pt"}),
        "integers": ([("n", "I64", 8, []), ("w", "F32", 4, [2]), ("m", "BOOL", 1, [3])], None),
        "empty": ([("a", "F32", 4, [0, 4]), ("b", "F32", 4, [1])], None),
    }
    for name, (tensors, metadata) in kinds.items():
        h, n = header(tensors, metadata)
        put("json", name, h)
        put("safetensors", name, struct.pack("<Q", len(h)) + h + bytes(n))
    put("json", "escapes", b'{"\\u00e9\\n\\"":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}, '
        b'"b" : {"shape":[],"data_offsets":[ 4 , 8 ],"dtype":"F32"}}')


# --- tensors and images ---

def npy(descr, shape, data, version=1, extra=""):
    text = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, {extra}}}".encode()
    width = 2 if version == 1 else 4
    text += b" " * (-(8 + width + len(text) + 1) % 64) + b"\n"
    return (b"\x93NUMPY" + bytes([version, 0]) + len(text).to_bytes(width, "little") + text + data)


def seed_tensors():
    for descr, width in (("<f4", 4), ("<f8", 8), ("<f2", 2), ("|u1", 1), ("|b1", 1), ("<i4", 4),
                         ("<i8", 8)):
        put("npy", descr[1:], npy(descr, "(2, 3)", bytes(range(6 * width))))
    two = npy("<f4", "(2, 1, 2, 2)", bytes(32)) + npy("<f4", "(1, 1, 2, 2)", bytes(16), 2)
    put("npy", "two", two + npy("<f4", "(0, 1, 2, 2)", b"", 3))
    put("npy", "scalar", npy("<f4", "()", bytes(4)))
    put("npy", "flat", npy("<i8", "(3L,)", bytes(24)))
    put("npy", "many", npy("|u1", "(1, 1, 1, 1, 1, 1, 1, 1)", b"x"))
    labels = {"none": b"", "text": b"1\nNA\n", "table": b"id\ttrue\n0\t1\n1\tNA\n",
              "npy": npy("|u1", "(2,)", b"\1\2")}
    pixels = bytes(range(36))
    for name, l in labels.items():
        n = len(l).to_bytes(2, "little")
        put("images", "last_" + name, n + l + npy("|u1", "(2, 2, 3, 3)", pixels))
        put("images", "planes_" + name, n + l + npy("|u1", "(2, 3, 2, 3)", pixels))
        if l:
            put("labels", name, l)
    put("labels", "i4", npy("<i4", "(3,)", struct.pack("<3i", 0, -1, 7)))
    put("labels", "i8", npy("<i8", "(2,)", struct.pack("<2q", 1, 2)) + npy("<i8", "(1,)", bytes(8)))
    put("labels", "crlf", b"1\r\n2\r\n65535")


def seed_cifar():
    rnd = random.Random(1)
    for labels in (1, 2):
        for count in (1, 3):
            data = b"".join(bytes([3, 7][-labels:]) + rnd.randbytes(3072) for _ in range(count))
            put("cifar_binary", f"labels{labels}_{count}", data)
            put("cifar_binary", f"labels{labels}_{count}_cut", data[:-1])
            flat = b"".join(bytes([3, 7][-labels:]) + bytes([count]) * 3072 for _ in range(count))
            put("cifar_binary", f"flat{labels}_{count}", flat)
    for path in sorted((GOLDEN / "data").glob("cifar*")):
        put("cifar_pickle", path.name, path.read_bytes())


def matrix(name, kind, dims, number, data):
    def element(code, body):
        if len(body) <= 4:
            return struct.pack("<HH", code, len(body)) + body.ljust(4, b"\0")
        return struct.pack("<II", code, len(body)) + body + bytes(-len(body) % 8)

    return element(14, element(6, struct.pack("<II", kind, 0)) +
                   element(5, struct.pack(f"<{len(dims)}i", *dims)) + element(1, name) +
                   element(number, data))


def seed_layouts():
    images = struct.pack(">IIII", 0x803, 3, 2, 5) + bytes(range(30))
    labels = struct.pack(">II", 0x801, 3) + bytes((3, 0, 7))

    def packed(data):
        z = zlib.compressobj(9, zlib.DEFLATED, 31)
        return z.compress(data) + z.flush()

    put("idx", "plain", images)
    put("idx", "packed", packed(images))
    put("idx", "cut", packed(images)[:-4])
    put("idx", "more", packed(images + b"x"))
    put("idx", "labels", labels)
    put("labels", "idx", labels)
    put("labels", "idx_packed", packed(labels))
    header = b"MATLAB 5.0 MAT-file".ljust(124) + b"\0\1IM"
    x = matrix(b"X", 9, (2, 3, 3, 2), 2, bytes(range(36)))
    y = matrix(b"y", 6, (2, 1), 9, struct.pack("<dd", 10, 3))
    squeeze = [struct.pack("<II", 15, len(zlib.compress(m))) + zlib.compress(m) for m in (y, x)]
    put("mat", "plain", header + x + y)
    put("mat", "packed", header + b"".join(squeeze))
    put("mat", "bytes", header + x + matrix(b"y", 9, (2, 1), 2, bytes((10, 1))))
    put("mat", "other", header + matrix(b"meta", 6, (1, 1), 9, bytes(8)) + squeeze[1])
    put("mat", "new", b"MATLAB 7.3 MAT-file".ljust(128))
    notes = b"val_0.JPEG\tn2\t0\t0\t9\t9\nval_1.JPEG\tn1\nval_2.JPEG\tn2\n"
    put("annotations", "all", b"|" + notes + b"|n3\nn1\nn2\n|n3\tcar, auto\nn1\tcar, coach\nn2\tegg\n")
    put("annotations", "alone", b"|" + notes)
    put("annotations", "crlf", b"|" + notes.replace(b"\n", b"\r\n") + b"|n1\r\nn2")
    put("annotations", "path", b"|../x.png\tn1\n")


def seed_names():
    put("names", "text", b"apple\nbaby\nma\xc3\xafs\n")
    put("names", "crlf", b"apple\r\nbaby")
    put("names", "table", b"class\tname\tgroup\tgroup_name\n0\tapple\t4\tfruit\n2\tNA\tNA\tNA\n"
        b"1\tbe\\te\t4\tfruit\n")
    put("names", "shapes", (pathlib.Path("examples/shapes100/fine_label_names.txt")).read_bytes())
    meta = {"fine_label_names": ["a", "b"], "coarse_label_names": ["c"]}
    for protocol in (0, 2, 4):
        put("names", f"meta{protocol}", pickle.dumps(meta, protocol))
        ten = {b"label_names": [b"cat", b"dog"], b"num_vis": 3072}
        put("names", f"ten{protocol}", pickle.dumps(ten, protocol))


def seed_tables():
    for path in sorted((GOLDEN / "stats").glob("*.tsv")):
        put("tsv", path.name, b"".join(path.read_bytes().splitlines(True)[:6]))
    put("tsv", "kinds", b"id\ttrue\tconf\tname\n0\t1\t0.5\ta\\tb\\\\c\\n\n1\tNA\t-1e-3\t\n"
        b"id\ttrue\tconf\tname\n2\t-17\t123456789012345678\t\\x\n3\t0\t1e400\tx\\\n"
        b"4\t999999999999999999\t.5E+22\tnan\n")
    put("tsv", "crlf", b"id\ttrue\r\n0\t1\r\n")
    put("tsv", "crlf_row", b"id\ttrue\n0\t1\r\n")
    put("tsv", "cut", b"id\ttrue\n0\t1")
    put("tsv", "twice", b"id\tid\n")


# --- shards ---

def seed_shards():
    def both(first, second, mode):
        return bytes([mode]) + len(first).to_bytes(2, "little") + first + second

    head = b"id\ttrue\tpred\n"
    put("gather", "rows", both(head + b"0\t1\t1\n2\t1\t0\n2\t1\t1\n", head + b"1\tNA\t0\n3\t1\t0\n", 5))
    put("gather", "none", both(head, head + b"1\t0\t0\n", 1))
    put("gather", "twice", both(head + b"1\t0\t0\n", head + b"1\t0\t0\n", 1))
    put("gather", "columns", both(head + b"1\t0\t0\n", b"id\ttrue\n2\t0\n", 1))
    items = npy("<f4", "(3, 2)", bytes(range(24))) + npy("<f4", "(1, 2)", bytes(8))
    for name, ids in ("items", (4, 0, 2, 1)), ("again", (0, 1, 1, 2)), ("few", (0, 1, 2)):
        put("gather", name, both(npy("<i8", f"({len(ids)},)", struct.pack(f"<{len(ids)}q", *ids)), items, 0))


# --- programs of torch.export ---

def slim(program, config):
    """What the reader reads of them; every tensor lies at the beginning of the one record."""
    graph = program["graph_module"]["graph"]
    specs = program["graph_module"]["signature"]["input_specs"]
    image = next(s["user_input"]["arg"]["as_tensor"]["name"] for s in specs if "user_input" in s)
    kept = {name: {} for name in graph["tensor_values"]}
    sizes = graph["tensor_values"][image]["sizes"]
    kept[image] = {"dtype": 7, "sizes": sizes}
    nodes = [{"name": n.get("name"), "target": n["target"], "outputs": n["outputs"],
              "inputs": [{"name": i["name"], "arg": i["arg"]} for i in n["inputs"]]} for n in graph["nodes"]]
    tensors = {}
    for key, t in config["config"].items():
        meta = {k: t["tensor_meta"][k] for k in ("dtype", "sizes", "strides", "storage_offset")}
        tensors[key] = {"path_name": "weight_0", "tensor_meta": meta}
    body = {"schema_version": {"major": 8}, "graph_module": {"signature": {"input_specs": specs}, "graph": {
        "nodes": nodes, "outputs": graph["outputs"], "tensor_values": kept,
        "sym_int_values": dict.fromkeys(graph["sym_int_values"])}}}
    return b"\0".join(json.dumps(part, separators=(",", ":")).encode() for part in (body, {"config": tensors}))


def seed_programs():
    for path in sorted((GOLDEN / "programs").glob("*.pt2")):
        if path.stem == "older":
            continue  # repvgg with its tensors in another form, of which archives_inside is
        with zipfile.ZipFile(path) as z:
            top = z.namelist()[0].split("/")[0]
            program = json.loads(z.read(f"{top}/models/model.json"))
            config = json.loads(z.read(f"{top}/data/weights/model_weights_config.json"))
        put("program", path.stem, slim(program, config))


# --- pictures ---

def png(w, h, depth, color, rows, interlace=0, chunks=()):
    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    out = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, depth, color, 0, 0,
                                                             interlace))
    for kind, data in chunks:
        out += chunk(kind, data)
    return out + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def seed_pictures():
    put("png", "rgb", png(3, 2, 8, 2, b"".join(bytes([f]) + bytes(range(9)) for f in (0, 4))))
    put("png", "rgba", png(2, 3, 8, 6, b"".join(bytes([f]) + bytes(range(8)) for f in (1, 2, 3))))
    put("png", "gray", png(9, 1, 1, 0, bytes([0, 0xaa, 0x80])))
    put("png", "gray16", png(2, 1, 16, 0, bytes([0, 1, 2, 3, 4])))
    put("png", "gray_alpha", png(2, 1, 8, 4, bytes([0, 1, 2, 3, 4])))
    put("png", "palette", png(4, 1, 2, 3, bytes([0, 0x1b]), chunks=[(b"PLTE", bytes(range(12))),
                                                                    (b"tRNS", bytes([0, 128]))]))
    put("png", "interlaced", png(2, 2, 8, 2, bytes([0, 1, 2, 3, 0, 4, 5, 6, 0, 7, 8, 9, 10, 11, 12]),
                                 interlace=1))
    for kind, ending in (("png", "png"), ("jpeg", "jpg"), ("webp", "webp"), ("bmp", "bmp")):
        for path in sorted((GOLDEN / "data" / "images").glob("*." + ending)):
            put(kind, path.name, path.read_bytes())


seed_pickles()
seed_archives()
seed_safetensors()
seed_tensors()
seed_cifar()
seed_layouts()
seed_names()
seed_tables()
seed_shards()
seed_programs()
seed_pictures()
