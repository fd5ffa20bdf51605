"""Writes programs of torch.export that attack, made of golden ones, with the standard library,
into the folder that stands here. Prints their names."""
import json
import pathlib
import zipfile

GOLDEN = pathlib.Path(__file__).parents[3] / "golden" / "programs"
ATTACKS = {}


def attack(name, of="repvgg"):
    """The function changes the program's JSON, that of its tensors, or returns text for the first."""

    def keep(f):
        ATTACKS[name] = of, f
        return f

    return keep


class Program:
    def __init__(self, model, weights):
        self.model, self.weights = model, weights["config"]
        self.graph = model["graph_module"]["graph"]
        self.nodes = self.graph["nodes"]
        self.specs = model["graph_module"]["signature"]["input_specs"]

    def node(self, op):
        return next(n for n in self.nodes if n["target"].split(".")[-2].rstrip("_") == op)

    def argument(self, op, name):
        return next(i for i in self.node(op)["inputs"] if i["name"] == name)["arg"]

    def tensor(self, end):
        return next(t for k, t in self.weights.items() if k.endswith(end))

    def image(self):
        return self.graph["tensor_values"][self.input()]

    def input(self):
        return next(s["user_input"]["arg"]["as_tensor"]["name"] for s in self.specs if "user_input" in s)

    def add(self, target, out, *inputs, at=0):
        """A node in front of the others, of (name, argument)."""
        self.graph["tensor_values"][out] = {}
        self.nodes.insert(at, {"name": out, "target": target, "metadata": {},
                               "inputs": [{"name": n, "arg": a, "kind": 1} for n, a in inputs],
                               "outputs": [{"as_tensor": {"name": out}}]})


def tensor(name):
    return {"as_tensor": {"name": name}}


def rename(p, old, new):
    """What the nodes read, but for the first ones."""
    for n in p.nodes:
        for i in n["inputs"]:
            if i["arg"] == tensor(old) and n["name"] != new:
                i["arg"] = tensor(new)


@attack("json-deep")
def _(p):
    return "[" * 200000


@attack("json-cut")
def _(p):
    return json.dumps(p.model)[:5000]


@attack("json-nan")
def _(p):
    return json.dumps(p.model).replace('"as_int": 1}', '"as_int": NaN}', 1)


@attack("json-twice")
def _(p):
    return json.dumps(p.model).replace('"nodes":', '"nodes": [], "nodes":', 1)


@attack("json-list")
def _(p):
    return "[]"


@attack("schema-old")
def _(p):
    p.model["schema_version"]["major"] = 7


@attack("schema-new")
def _(p):
    p.model["schema_version"]["major"] = 9


@attack("nodes-object")
def _(p):
    p.graph["nodes"] = {}


@attack("nodes-many")
def _(p):
    p.graph["nodes"] = p.nodes * 1000


@attack("nodes-none")
def _(p):
    p.graph["nodes"] = []


@attack("node-text")
def _(p):
    p.nodes[1] = "conv2d"


@attack("inputs-number")
def _(p):
    p.node("conv2d")["inputs"] = 7


@attack("name-number")
def _(p):
    p.argument("conv2d", "input")["as_tensor"]["name"] = 7


@attack("name-unknown")
def _(p):
    p.argument("conv2d", "input")["as_tensor"]["name"] = "nowhere"


@attack("name-own")
def _(p):
    p.argument("relu", "self")["as_tensor"]["name"] = p.node("relu")["outputs"][0]["as_tensor"]["name"]


@attack("name-later")
def _(p):
    p.argument("conv2d", "input")["as_tensor"]["name"] = p.node("linear")["outputs"][0]["as_tensor"]["name"]


@attack("name-weight")
def _(p):
    p.node("relu")["outputs"][0]["as_tensor"]["name"] = p.argument("linear", "weight")["as_tensor"]["name"]


@attack("name-both")
def _(p):
    p.graph["sym_int_values"][p.input()] = {}


@attack("weight-size")
def _(p):
    p.tensor("linear.weight")["tensor_meta"]["sizes"][1]["as_int"] = 1 << 40


@attack("weight-negative")
def _(p):
    p.tensor("linear.weight")["tensor_meta"]["sizes"][1]["as_int"] = -8


@attack("weight-stride")
def _(p):
    p.tensor("linear.weight")["tensor_meta"]["strides"][0]["as_int"] = 1 << 60


@attack("weight-offset")
def _(p):
    p.tensor("linear.weight")["tensor_meta"]["storage_offset"]["as_int"] = 1


@attack("weight-axes")
def _(p):
    meta = p.tensor("linear.weight")["tensor_meta"]
    meta["sizes"], meta["strides"] = [{"as_int": 1}] * 9, [{"as_int": 0}] * 9


@attack("weight-type")
def _(p):
    p.tensor("linear.weight")["tensor_meta"]["dtype"] = 4


@attack("weight-strange")
def _(p):
    p.tensor("linear.weight")["tensor_meta"]["dtype"] = 99


@attack("weight-double")
def _(p):
    p.tensor("linear.weight")["tensor_meta"]["dtype"] = 8


@attack("weight-shape")
def _(p):
    meta = p.tensor("three.0.weight")["tensor_meta"]
    meta["sizes"][2], meta["sizes"][3] = {"as_int": 9}, {"as_int": 1}


@attack("weight-gone")
def _(p):
    del p.weights["linear.weight"]


@attack("weight-pickled")
def _(p):
    p.tensor("linear.weight")["use_pickle"] = True


@attack("path-above")
def _(p):
    p.tensor("linear.weight")["path_name"] = "../../../etc/passwd"


@attack("path-whole")
def _(p):
    p.tensor("linear.weight")["path_name"] = "/etc/passwd"


@attack("path-number")
def _(p):
    p.tensor("linear.weight")["path_name"] = 7


@attack("image-none")
def _(p):
    p.specs[:] = [s for s in p.specs if "user_input" not in s]


@attack("image-two")
def _(p):
    p.specs.append(p.specs[-1])


@attack("image-channels")
def _(p):
    p.image()["sizes"][1]["as_int"] = 4


@attack("image-huge")
def _(p):
    p.image()["sizes"][2]["as_int"] = p.image()["sizes"][3]["as_int"] = 1 << 31


@attack("image-zero")
def _(p):
    p.image()["sizes"][2]["as_int"] = 0


@attack("image-half")
def _(p):
    p.image()["dtype"] = 6


@attack("image-whole")
def _(p):
    p.image()["dtype"] = 5


@attack("operation-unknown")
def _(p):
    p.node("relu")["target"] = "torch.ops.aten.fft_rfft2.default"


@attack("operation-long")
def _(p):
    p.node("relu")["target"] = "torch.ops.aten." + "a" * 4000


@attack("operation-else")
def _(p):
    p.node("relu")["target"] = "torch.ops.mine.relu.default"


@attack("operation-python")
def _(p):
    p.node("relu")["target"] = "os.system"


@attack("norm-training")
def _(p):
    p.argument("batch_norm", "training")["as_bool"] = True


@attack("groups-zero")
def _(p):
    p.node("conv2d")["inputs"].append({"name": "groups", "arg": {"as_int": 0}})


@attack("stride-zero")
def _(p):
    p.argument("conv2d", "stride")["as_ints"] = [0, 0]


@attack("stride-huge")
def _(p):
    p.argument("conv2d", "stride")["as_ints"] = [1 << 62, 1]


@attack("padding-huge")
def _(p):
    p.argument("conv2d", "padding")["as_ints"] = [1 << 20, 1 << 20]


@attack("grid-huge")
def _(p):
    p.argument("adaptive_avg_pool2d", "output_size")["as_ints"] = [1 << 30, 1 << 30]


@attack("window-huge")
def _(p):
    p.tensor("three.0.weight")["tensor_meta"]["sizes"] = [{"as_int": n} for n in (1, 3, 1, 72)]
    p.tensor("three.0.weight")["tensor_meta"]["strides"] = [{"as_int": n} for n in (216, 72, 72, 1)]


@attack("view-huge")
def _(p):
    p.argument("view", "size")["as_ints"] = [1 << 40, 1 << 40, -1]


@attack("view-axes")
def _(p):
    p.argument("view", "size")["as_ints"] = [1] * 4000


@attack("view-images")
def _(p):
    p.argument("view", "size")["as_ints"] = [8, -1]


@attack("operand-gone", "google")
def _(p):
    p.argument("mul", "self")["as_tensor"]["name"] = "nowhere"


@attack("number-less-nothing", "further.core")
def _(p):
    p.argument("sub", "other")["as_tensor"]["name"] = "nowhere"


@attack("number-less-number", "further.core")
def _(p):
    p.argument("sub", "other").clear()
    p.argument("sub", "other")["as_int"] = 2


@attack("shape-taken", "efficientnet")
def _(p):
    """No attack: a factor gets the shape of the other."""
    y, x = (dict(p.argument("mul", n)) for n in ("self", "other"))
    at = p.nodes.index(p.node("mul"))
    p.add("torch.ops.aten.expand_as.default", "wide", ("self", y), ("other", x), at=at)
    p.add("torch.ops.aten.view_as.default", "wider", ("self", tensor("wide")), ("other", x), at=at + 1)
    next(i for i in p.node("mul")["inputs"] if i["name"] == "self")["arg"] = tensor("wider")


@attack("shape-none", "efficientnet")
def _(p):
    at = p.nodes.index(p.node("mul"))
    p.add("torch.ops.aten.expand_as.default", "wide", ("self", p.argument("mul", "other")),
          ("other", {"as_int": 7}), at=at)
    p.graph["outputs"] = [tensor("wide")]


@attack("in-place")
def _(p):
    """A view of what is changed in place is read later."""
    x = p.argument("conv2d", "input")["as_tensor"]["name"]
    p.add("torch.ops.aten.alias.default", "other", ("self", tensor(x)))
    p.add("torch.ops.aten.relu_.default", "changed", ("self", tensor(x)), at=1)
    rename(p, x, "other")
    p.nodes[1]["inputs"][0]["arg"] = tensor(x)


@attack("in-place-copy")
def _(p):
    """What may be a copy of a constant that is changed in part is read later."""
    aten = "torch.ops.aten."
    rename(p, p.input(), "n")
    p.add(aten + "full.default", "f", ("size", ints(32)), ("fill_value", {"as_float": 0.5}))
    p.add(aten + "type_as.default", "g", ("self", tensor("f")), ("other", tensor("f")), at=1)
    p.add(aten + "slice.Tensor", "s", ("self", tensor("f")), ("dim", {"as_int": 0}), ("end", {"as_int": 4}), at=2)
    p.add(aten + "add_.Scalar", "a", ("self", tensor("s")), ("other", {"as_int": 1}), at=3)
    p.add(aten + "mul.Tensor", "h", ("self", tensor("f")), ("other", tensor("g")), at=4)
    p.add(aten + "mul.Tensor", "n", ("self", tensor(p.input())), ("other", tensor("h")), at=5)


@attack("set-activations")
def _(p):
    x = tensor(p.input())
    p.add("torch.ops.aten.full.default", "f", ("size", ints(32)), ("fill_value", {"as_float": 0.5}))
    p.add("torch.ops.aten.copy_.default", "n", ("self", x), ("src", tensor("f")))


@attack("scatter-far")
def _(p):
    p.add("torch.ops.aten.full.default", "f", ("size", ints(32)), ("fill_value", {"as_float": 0.5}))
    p.add("torch.ops.aten.select_scatter.default", "s", ("self", tensor("f")), ("src", tensor("f")),
          ("dim", {"as_int": 0}), ("index", {"as_int": 32}), at=1)
    rename(p, p.input(), "s")


@attack("grid-of-images")
def _(p):
    x = {"name": p.input()}
    rename(p, p.input(), "n")
    p.add("torch.ops.aten.meshgrid.indexing", "n", ("tensors", {"as_tensors": [x]}), ("indexing", {"as_string": "xy"}))


@attack("doubling")
def _(p):
    """Channels twice as many again and again."""
    x = p.input()
    for i in range(30):
        p.add("torch.ops.aten.cat.default", f"x{i}", ("tensors", {"as_tensors": [{"name": x}] * 2}),
              ("dim", {"as_int": 1}), at=i)
        x = f"x{i}"
    p.graph["outputs"] = [tensor(x)]


@attack("joining")
def _(p):
    p.add("torch.ops.aten.cat.default", "many", ("tensors", {"as_tensors": [{"name": p.input()}] * 300000}),
          ("dim", {"as_int": 1}))


@attack("repeating")
def _(p):
    """Large activations that are moved, thousands of them."""
    x = p.input()
    for i in range(1500):
        p.add("torch.ops.aten.permute.default", f"p{i}", ("self", tensor(x)), ("dims", {"as_ints": [0, 1, 3, 2]}),
              at=3 * i)
        p.add("torch.ops.aten.pad.default", f"q{i}", ("self", tensor(f"p{i}")),
              ("pad", {"as_ints": [400, 400, 400, 400] if i == 0 else [1, -1]}), at=3 * i + 1)
        p.add("torch.ops.aten.silu.default", f"r{i}", ("self", tensor(f"q{i}")), at=3 * i + 2)
        x = f"r{i}"
    p.graph["outputs"] = [tensor(x)]


@attack("modules")
def _(p):
    for i, n in enumerate(p.nodes):
        n["metadata"]["nn_module_stack"] = ";".join(f"k,m{i}.{j},t" for j in range(20000))


@attack("results-two")
def _(p):
    p.graph["outputs"] *= 2


@attack("results-maps")
def _(p):
    """No attack: maps and what is not computed here beside the logits, and a buffer that is counted up."""
    maps = p.node("relu")["outputs"][0]
    p.add("torch.ops.aten.sort.stable", "s", ("self", maps), at=len(p.nodes))
    p.graph["outputs"] = [maps, maps, tensor("s"), *p.graph["outputs"]]
    specs = p.model["graph_module"]["signature"]["output_specs"]
    specs[:0] = [{"buffer_mutation": {"arg": maps, "buffer_name": "n"}}] + specs * 2


@attack("results-named")
def _(p):
    """No attack: a dictionary calls the second result so, and a buffer stands in front of both."""
    signature = p.model["graph_module"]["signature"]
    p.graph["outputs"] = [tensor(p.input()), p.node("relu")["outputs"][0], *p.graph["outputs"]]
    spec = {"buffer_mutation": {"arg": tensor(p.input()), "buffer_name": "n"}}
    signature["output_specs"] = [spec, *signature["output_specs"] * 2]
    leaf = {"type": None, "context": None, "children_spec": []}
    tree = {"type": "builtins.dict", "context": '["maps", "logits"]', "children_spec": [leaf, leaf]}
    p.model["graph_module"]["module_call_graph"] = [{"signature": {"out_spec": json.dumps([1, tree])}}]


@attack("results-probable")
def _(p):
    """No attack: a softmax that is not left out, as something is computed behind it."""
    p.add("torch.ops.aten.softmax.int", "s", ("self", p.graph["outputs"][0]), ("dim", {"as_int": 1}), at=len(p.nodes))
    p.add("torch.ops.aten.clamp.default", "c", ("self", tensor("s")), ("min", {"as_float": 1e-7}),
          ("max", {"as_float": 1.0}), at=len(p.nodes))
    p.graph["outputs"] = [tensor("c")]


@attack("results-sigmoid")
def _(p):
    p.add("torch.ops.aten.sigmoid.default", "s", ("self", p.graph["outputs"][0]), at=len(p.nodes))
    p.graph["outputs"] = [tensor("s")]


@attack("result-early")
def _(p):
    p.graph["outputs"] = [p.node("relu")["outputs"][0]]


@attack("result-image")
def _(p):
    p.graph["outputs"] = [tensor(p.input())]


@attack("softmax-images", "preact")
def _(p):
    p.argument("softmax", "dim")["as_int"] = 0


@attack("attention-mask", "vit")
def _(p):
    n = p.node("scaled_dot_product_attention")
    n["inputs"].append({"name": "attn_mask", "arg": n["inputs"][0]["arg"]})


@attack("attention-keys", "vit")
def _(p):
    n = p.node("scaled_dot_product_attention")
    n["inputs"][1]["arg"] = tensor(p.input())


@attack("attention-turned", "vit_written")
def _(p):
    """Queries and keys change places behind the softmax."""
    made = p.node("softmax")["outputs"][0]["as_tensor"]["name"]
    at = p.nodes.index(p.node("softmax"))
    p.add("torch.ops.aten.transpose.int", "turned", ("self", tensor(made)), ("dim0", {"as_int": -2}),
          ("dim1", {"as_int": -1}), at=at + 1)
    rename(p, made, "turned")


@attack("attention-cut", "vit_written")
def _(p):
    """Only some of the queries go on."""
    made = p.node("softmax")["outputs"][0]["as_tensor"]["name"]
    at = p.nodes.index(p.node("softmax"))
    p.add("torch.ops.aten.slice.Tensor", "cut", ("self", tensor(made)), ("dim", {"as_int": -2}),
          ("start", {"as_int": 1}), at=at + 1)
    rename(p, made, "cut")


@attack("softplus-threshold", "functions")
def _(p):
    p.node("softplus")["inputs"] = [i for i in p.node("softplus")["inputs"] if i["name"] == "self"] + [
        {"name": "threshold", "arg": {"as_float": 0.5}, "kind": 1}]


@attack("axis-far", "vit")
def _(p):
    p.argument("select", "dim")["as_int"] = -(1 << 63)


@attack("place-far", "vit")
def _(p):
    p.argument("select", "index")["as_int"] = 1 << 62


@attack("order-twice", "vit")
def _(p):
    p.argument("permute", "dims")["as_ints"] = [0, 1, 1]


@attack("joined-else", "vit")
def _(p):
    p.argument("cat", "dim")["as_int"] = 0


@attack("split-zero", "vit")
def _(p):
    p.argument("unflatten", "sizes")["as_ints"] = [0, -1]


@attack("gelu-word", "functions")
def _(p):
    p.argument("gelu", "approximate")["as_string"] = "tan"


@attack("padding-word", "functions")
def _(p):
    node = next(n for n in p.nodes if n["target"].endswith("conv2d.padding"))
    next(i["arg"] for i in node["inputs"] if i["name"] == "padding")["as_string"] = ""


@attack("window-none", "functions")
def _(p):
    p.argument("max_pool2d", "kernel_size")["as_ints"] = []


@attack("stride-none")
def _(p):
    p.argument("conv2d", "stride")["as_ints"] = []


@attack("padding-wide", "functions")
def _(p):
    p.argument("max_pool2d", "padding")["as_ints"] = [2, 2]


@attack("grid-one")
def _(p):
    p.argument("adaptive_avg_pool2d", "output_size")["as_ints"] = [1]


@attack("axes-twice", "preact")
def _(p):
    p.argument("mean", "dim")["as_ints"] = [2, -2]


@attack("dropout-share", "google")
def _(p):
    p.argument("dropout", "p")["as_float"] = 1.5


@attack("resize-zero", "resized")
def _(p):
    p.argument("upsample_bilinear2d", "output_size")["as_ints"] = [0, 5]


@attack("resize-huge", "resized")
def _(p):
    p.argument("upsample_bilinear2d", "output_size")["as_ints"] = [1 << 40, 5]


@attack("resize-large", "resized")
def _(p):
    p.argument("upsample_bilinear2d", "output_size")["as_ints"] = [1 << 21, 1 << 21]


@attack("resize-factor", "resized")
def _(p):
    p.argument("upsample_bicubic2d", "scale_factors")["as_floats"] = [1e300, 1.3]


@attack("resize-tiny", "resized")
def _(p):
    p.argument("upsample_bicubic2d", "scale_factors")["as_floats"] = [1e-300, 1.3]


@attack("resize-smooth", "folded")
def _(p):
    p.argument("_upsample_bicubic2d_aa", "output_size")["as_ints"] = [1, 1 << 22]


@attack("fold-size", "folded")
def _(p):
    p.argument("col2im", "output_size")["as_ints"] = [8, 1 << 40]


@attack("fold-windows", "folded")
def _(p):
    p.argument("col2im", "kernel_size")["as_ints"] = [1 << 28, 1 << 28]


@attack("unfold-stride", "folded")
def _(p):
    p.argument("im2col", "stride")["as_ints"] = [0, 1]


@attack("unfold-reach", "folded")
def _(p):
    p.argument("im2col", "dilation")["as_ints"] = [1 << 28, 0]


@attack("back-stride", "folded")
def _(p):
    p.argument("conv_transpose2d", "stride")["as_ints"] = [1 << 28, 2]


@attack("back-groups", "folded")
def _(p):
    p.argument("conv_transpose2d", "groups")["as_int"] = 4


@attack("back-padding", "folded")
def _(p):
    p.argument("conv_transpose2d", "output_padding")["as_ints"] = [-5, 1 << 28]


@attack("shuffle-factor", "folded")
def _(p):
    p.argument("pixel_shuffle", "upscale_factor")["as_int"] = 1 << 62


def chain(p, *nodes):
    """The network is these nodes instead, each of the one before: (operation, argument, ...)."""
    x = p.input()
    for i, (op, *more) in enumerate(nodes):
        p.add(f"torch.ops.aten.{op}", f"n{i}", ("self", tensor(x)), *more, at=i)
        x = f"n{i}"
    p.graph["outputs"] = [tensor(x)]


def ints(*v):
    return {"as_ints": list(v)}


@attack("fold-none", "folded")
def _(p):
    p.argument("col2im", "kernel_size")["as_ints"] = [0, 1]


@attack("fold-many")
def _(p):
    """As many windows as channels: their weights would take 32 GB."""
    chain(p, ("upsample_nearest2d.default", ("output_size", ints(1, 1))),
          ("expand.default", ("size", ints(-1, 3, 21845, 1))), ("reshape.default", ("shape", ints(-1, 65535, 1))),
          ("col2im.default", ("output_size", ints(257, 255)), ("kernel_size", ints(257, 255))))


@attack("unfold-many")
def _(p):
    chain(p, ("upsample_nearest2d.default", ("output_size", ints(1800, 700))),
          ("im2col.default", ("kernel_size", ints(900, 350)), ("stride", ints(1, 1))))


@attack("expand-wraps")
def _(p):
    chain(p, ("upsample_nearest2d.default", ("output_size", ints(1, 1))),
          ("expand.default", ("size", ints(-1, 3, 1 << 32, 1 << 32))), ("reshape.default", ("shape", ints(7, -1))))


@attack("repeat-wraps")
def _(p):
    chain(p, ("repeat.default", ("repeats", ints(1, 1, 1, -(1 << 63) + 1))))


@attack("numbers-repeated")
def _(p):
    chain(p, ("sym_size.int", ("dim", {"as_int": 2})), ("expand.default", ("size", ints(1 << 27))),
          ("select.int", ("dim", {"as_int": 0}), ("index", {"as_int": (1 << 27) - 1})))


@attack("bits-whole")
def _(p):
    p.add("torch.ops.aten.arange.start_step", "r", ("start", {"as_int": 0}), ("end", {"as_int": 32}))
    p.add("torch.ops.aten.bitwise_and.Tensor", "b", ("self", tensor("r")), ("other", tensor("r")), at=1)
    p.add("torch.ops.aten.mul.Tensor", "m", ("self", tensor(p.input())), ("other", tensor("b")), at=2)
    rename(p, p.input(), "m")


@attack("truths")
def _(p):
    """No attack: a mask of two, of which a sum has the type of truths again, and whole numbers by a type."""
    p.add("torch.ops.aten.arange.start_step", "r", ("start", {"as_int": 0}), ("end", {"as_int": 32}))
    p.add("torch.ops.aten.ge.Scalar", "t", ("self", tensor("r")), ("other", {"as_int": 0}), at=1)
    p.add("torch.ops.aten.__and__.Tensor", "b", ("self", tensor("t")), ("other", tensor("t")), at=2)
    p.add("torch.ops.aten.add.Tensor", "s", ("self", tensor("b")), ("other", tensor("t")), at=3)
    p.add("torch.ops.aten.full.default", "f", ("size", ints(32)), ("fill_value", {"as_float": 1.7}), at=4)
    p.graph["tensor_values"]["s"]["dtype"], p.graph["tensor_values"]["f"]["dtype"] = 12, 5
    p.add("torch.ops.aten.mul.Tensor", "m", ("self", tensor("s")), ("other", tensor("f")), at=5)
    p.add("torch.ops.aten.mul.Tensor", "n", ("self", tensor(p.input())), ("other", tensor("m")), at=6)
    for other in p.nodes[7:]:
        for i in other["inputs"]:
            if i["arg"] == tensor(p.input()):
                i["arg"] = tensor("n")


@attack("resize-far")
def _(p):
    """A thousand filters that reach far beyond the image."""
    chain(p, *[("_upsample_bicubic2d_aa.default", ("output_size", ints(32, 32)), ("scales_h", {"as_float": 2e-6}),
                ("scales_w", {"as_float": 2e-6}))] * 1000)


# Operations that mix the images of a batch, and constants and numbers that say how many there are.
ZERO = {"as_int": 0}
MIXING = {
    "amax": ("amax.default", ("dim", ints(0))),
    "flip": ("flip.default", ("dims", ints(0))),
    "mean": ("mean.dim", ("dim", ints(0)), ("keepdim", {"as_bool": True})),
    "norm": ("linalg_vector_norm.default", ("ord", {"as_float": 2.0}), ("dim", ints(0)), ("keepdim", {"as_bool": True})),
    "roll": ("roll.default", ("shifts", ints(1)), ("dims", ints(0))),
    "select": ("select.int", ("dim", ZERO), ("index", ZERO)),
    "slice": ("slice.Tensor", ("dim", ZERO), ("start", ZERO), ("end", {"as_int": 1})),
    "softmax": ("softmax.int", ("dim", ZERO)),
    "sum": ("sum.default",),
    "var": ("var.correction", ("dim", ints(0)), ("keepdim", {"as_bool": True})),
}
for mixing, operation in MIXING.items():
    attack(f"images-{mixing}")(lambda p, operation=operation: chain(p, operation))


def of_images(p, *nodes):
    """The image times what is made of its number, ones like it or the image itself."""
    rename(p, p.input(), "m")
    p.add("torch.ops.aten.ones_like.default", "o", ("self", tensor(p.input())))
    p.graph["sym_int_values"]["n"] = {}
    p.nodes.insert(1, {"name": "n", "target": "torch.ops.aten.sym_size.int", "metadata": {},
                       "inputs": [{"name": "self", "arg": tensor(p.input()), "kind": 1},
                                  {"name": "dim", "arg": ZERO, "kind": 1}],
                       "outputs": [{"as_sym_int": {"as_name": "n"}}]})
    for i, (op, out, *more) in enumerate(nodes):
        p.add(f"torch.ops.aten.{op}", out, *more, at=2 + i)
    p.add("torch.ops.aten.mul.Tensor", "m", ("self", tensor(p.input())), ("other", tensor(nodes[-1][1])),
          at=2 + len(nodes))


@attack("images-counted")
def _(p):
    of_images(p, ("mul.Tensor", "c", ("self", tensor(p.input())), ("other", {"as_sym_int": {"as_name": "n"}})))


@attack("images-part")
def _(p):
    """A thousandth of them."""
    x = tensor(p.input())
    p.graph["sym_int_values"] |= {"n": {}, "part": {}}
    for i, (target, out, *inputs) in enumerate((
            ("torch.ops.aten.sym_size.int", "n", ("self", x), ("dim", {"as_int": 0})),
            ("_operator.floordiv", "part", ("a", {"as_sym_int": {"as_name": "n"}}), ("b", {"as_sym_int": {"as_int": 1000}})))):
        p.nodes.insert(i, {"name": out, "target": target, "metadata": {},
                           "inputs": [{"name": n, "arg": a, "kind": 1} for n, a in inputs],
                           "outputs": [{"as_sym_int": {"as_name": out}}]})
    p.add("torch.ops.aten.mul.Tensor", "y", ("self", x), ("other", {"as_sym_int": {"as_name": "part"}}), at=2)
    p.graph["outputs"] = [tensor("y")]


@attack("images-ones-cumsum")
def _(p):
    of_images(p, ("cumsum.default", "c", ("self", tensor("o")), ("dim", ZERO)))


@attack("images-ones-sum")
def _(p):
    of_images(p, ("sum.dim_IntList", "c", ("self", tensor("o")), ("dim", ints(0)), ("keepdim", {"as_bool": True})))


@attack("images-ones-set")
def _(p):
    of_images(p, ("select.int", "s", ("self", tensor("o")), ("dim", ZERO), ("index", ZERO)),
              ("fill_.Scalar", "f", ("self", tensor("s")), ("value", {"as_int": 2})),
              ("relu.default", "c", ("self", tensor("o"))))


@attack("images-matmul")
def _(p):
    x = tensor(p.input())
    of_images(p, ("flatten.using_ints", "a", ("self", x), ("start_dim", {"as_int": 1})),
              ("t.default", "b", ("self", tensor("a"))),
              ("matmul.default", "c", ("self", tensor("a")), ("other", tensor("b"))))


@attack("pool-far")
def _(p):
    """Maxima of windows of 500 by 500, of which there are 360,000 for each colour."""
    size = ints(1100, 1100)
    chain(p, ("upsample_nearest2d.default", ("output_size", size)),
          ("max_pool2d.default", ("kernel_size", ints(500, 500)), ("stride", ints(1, 1))))


def wrap(p, times=1, **change):
    """The first convolution in a graph of its own, of which something is changed."""
    at = next(i for i, n in enumerate(p.nodes) if "conv2d" in n["target"])
    node, x = p.nodes[at], p.input()
    inside = {"inputs": [tensor(x)], "outputs": node["outputs"], "nodes": [node],
              "tensor_values": {**p.graph["tensor_values"]}, "sym_int_values": {}} | change
    names = [i["arg"]["as_tensor"]["name"] for i in node["inputs"] if "as_tensor" in i["arg"]]
    inside["inputs"] = change.get("inputs", [tensor(n) for n in names])
    inside["tensor_values"] = change.get("tensor_values", {n: {} for n in (*names, node["outputs"][0]["as_tensor"]["name"])})
    for _ in range(times):
        given = {"as_bool": True}, {"as_graph": {"name": "g", "graph": inside}}, *map(tensor, names)
        p.nodes[at] = {"name": change.get("name", "part"), "metadata": {}, "outputs": node["outputs"],
                       "target": "torch.ops.higher_order.wrap_with_set_grad_enabled",
                       "inputs": [{"name": "", "arg": a, "kind": 1} for a in given]}
        inside = {**inside, "nodes": [p.nodes[at]]}


@attack("inside-inputs")
def _(p):
    wrap(p, inputs=[])


@attack("inside-outputs")
def _(p):
    wrap(p, outputs=[])


@attack("inside-nowhere")
def _(p):
    wrap(p, nodes=[])


@attack("inside-long")
def _(p):
    wrap(p, name="n" * 300)


@attack("inside-deep")
def _(p):
    wrap(p, 20)


@attack("mask-numbers")
def _(p):
    """Activations as a mask."""
    chain(p, ("where.self", ("condition", tensor(p.input())), ("other", {"as_float": 0.5})))


@attack("mask-sum")
def _(p):
    """The sum of truths is a truth."""
    chain(p, ("gt.Scalar", ("other", {"as_float": 0.5})))
    last = p.nodes[0]["outputs"][0]["as_tensor"]["name"]
    p.graph["tensor_values"][last] = {"dtype": 12}
    p.add("torch.ops.aten.add.Tensor", "twice", ("self", tensor(last)), ("other", tensor(last)), at=1)
    p.graph["tensor_values"]["twice"] = {"dtype": 12}
    p.graph["outputs"] = [tensor("twice")]


@attack("specs-deep")
def _(p):
    p.model["graph_module"]["module_call_graph"] = [{"signature": {"out_spec": "[" * 100000}}]


def write(name, path):
    of, change = ATTACKS[name]
    with zipfile.ZipFile(GOLDEN / f"{of}.pt2") as old:
        records = {r: old.read(r) for r in old.namelist()}
    model = next(r for r in records if r.endswith("models/model.json"))
    weights = next(r for r in records if r.endswith("model_weights_config.json"))
    p = Program(json.loads(records[model]), config := json.loads(records[weights]))
    text = change(p)
    records[model] = (text or json.dumps(p.model)).encode()
    records[weights] = json.dumps(config).encode()
    with zipfile.ZipFile(path, "w") as new:
        for r, body in records.items():
            new.writestr(zipfile.ZipInfo(r), body)


for attack_name in ATTACKS:
    write(attack_name, attack_name)
    print(attack_name)
