#!/usr/bin/env python3
"""Any ONNX classifier in the place of cifar-predict, run by ONNX Runtime.

    predict_onnx.py --model net.onnx --data PATH [OPTION ...] > rows.tsv
    make analysis MODEL=net.onnx DATA=... PREDICT='python3 examples/predict_onnx.py'

Where an average and one linear layer (GlobalAveragePool or ReduceMean, then Gemm or MatMul) end the
graph, what is averaged becomes a second output: class maps are the unnormalised CAMs
sum_k W[c,k] A_k / (h w), and the average is the embedding. Elsewhere, as for a transformer, only rows
and logits are written, and the analysis has tables and texts but no sheets of maps. There are no
gradients, so --layer takes no other layer, and --cams is made from the class maps.

Names of images, options and constants of pixels are those of predict.py; the rest is in predictor.py,
which lies beside this file. Needs onnxruntime, onnx, NumPy and Pillow.
"""
import numpy as np
import onnx
import onnxruntime as ort
from onnx import numpy_helper

import predictor
from predictor import GRID, Failure, own_words


class Network(predictor.Network):
    """A session that also gives what is averaged at the end."""

    def __init__(self, a):
        if a.layer is not None:
            raise Failure("--layer: expected none: maps of a graph are those before its last average")
        if a.precision != "f32":
            raise Failure(f"--precision {a.precision}: expected f32: a graph says itself how it is computed")
        try:
            self.graph = onnx.load(a.model)
        except OSError:
            raise
        except Exception as e:
            raise Failure(f"{a.model}: expected an ONNX model, found something else ({own_words(e)})") from e
        g = self.graph.graph
        self.maker = {name: n for n in g.node for name in n.output}
        self.constant = {t.name: t for t in g.initializer}
        self.find_end(g.output[0].name)
        self.wanted = [self.logits, *(name for name in (self.acts, self.pooled) if name)]
        known = {o.name for o in g.output}
        g.output.extend(onnx.helper.make_empty_tensor_value_info(n) for n in self.wanted if n not in known)
        self.session = self.open(a)
        image = self.session.get_inputs()[0]
        n, channels, *side = image.shape
        self.input, self.fixed = image.name, n if isinstance(n, int) else None
        self.channels = 1 if channels == 1 else 3
        self.side = tuple(side) if all(isinstance(v, int) for v in side) else None
        self.words = {"architecture": f"ONNX graph of {len(g.node)} nodes",
                      "device": f"ONNX Runtime {ort.__version__}, {self.session.get_providers()[0]}"}

    def open(self, a):
        how = ort.SessionOptions()
        how.intra_op_num_threads = a.threads
        how.log_severity_level = 3
        wish = {"auto": ["CUDA", "CPU"], "cpu": ["CPU"]}.get(a.device, ["CUDA"])
        there = [p for p in (f"{w}ExecutionProvider" for w in wish) if p in ort.get_available_providers()]
        if not there:
            missing = Failure(f"--device {a.device}: no usable device of this kind")
            missing.status = 3
            raise missing
        try:
            return ort.InferenceSession(self.graph.SerializeToString(), how, there)
        except Exception as e:
            raise Failure(f"{a.model}: expected a graph that ONNX Runtime takes: {own_words(e)}") from e

    def find_end(self, out):
        """The names of the logits, of the last linear layer's input, and of what is averaged for it."""
        self.acts = self.pooled = biases = None
        node = self.maker.get(out)
        while node is not None and node.op_type in ("Softmax", "LogSoftmax", "Identity"):
            out = node.input[0]
            node = self.maker.get(out)
        self.logits = out
        if node is not None and node.op_type == "Add":  # of the biases
            biases = next((v for v in map(self.value, node.input) if v is not None), None)
            node = next((self.maker[n] for n in node.input if n in self.maker and self.maker[n].op_type == "MatMul"), None)
        if node is None or node.op_type not in ("Gemm", "MatMul"):
            return
        weights = self.value(node.input[1])
        flag = {x.name: onnx.helper.get_attribute_value(x) for x in node.attribute}
        if weights is None or weights.ndim != 2 or flag.get("alpha", 1) != 1 or flag.get("beta", 1) != 1 or \
                flag.get("transA", 0):
            return
        weights = weights if flag.get("transB", 0) else weights.T
        if node.op_type == "Gemm" and len(node.input) > 2:
            biases = self.value(node.input[2])
        biases = np.zeros(len(weights)) if biases is None else np.broadcast_to(biases.ravel(), len(weights))
        self.linear = weights.astype(np.float32), biases.astype(np.float32)
        self.pooled = node.input[0]
        mean = self.maker.get(self.pooled)
        while mean is not None and mean.op_type in ("Flatten", "Reshape", "Squeeze", "Identity", "Dropout"):
            mean = self.maker.get(mean.input[0])
        if mean is not None and mean.op_type in ("GlobalAveragePool", "ReduceMean"):
            self.acts = mean.input[0]

    def value(self, name):
        """A constant, or None."""
        made = self.maker.get(name)
        if name in self.constant:
            return numpy_helper.to_array(self.constant[name])
        if made is None or made.op_type not in ("Constant", "Identity"):
            return None
        return self.value(made.input[0]) if made.op_type == "Identity" else numpy_helper.to_array(made.attribute[0].t)

    def compute(self, x):
        """What is wanted of a batch; a graph of a fixed batch gets it in parts."""
        n = self.fixed or len(x)
        parts = []
        for at in range(0, len(x), n):
            part = x[at:at + n]
            full = np.concatenate([part, np.repeat(part[-1:], n - len(part), 0)])
            parts.append([v[:len(part)] for v in self.session.run(self.wanted, {self.input: full})])
        self.got = {name: np.concatenate(v) for name, v in zip(self.wanted, zip(*parts))}

    def look(self, x):
        self.compute(x)
        z, acts = self.got[self.logits], self.got.get(self.acts)
        if z.ndim != 2:
            raise Failure(f"expected logits (n, classes) from the graph, found {z.shape}")
        predictor.check_finite(z, "the first images")
        self.classes, self.item = z.shape[1], {}
        if not self.pooled or self.got[self.pooled].ndim != 2:
            self.linear = None
            return
        self.item["embeddings"] = self.got[self.pooled].shape[1:]
        weights, biases = self.linear
        if acts is None or acts.ndim != 4 or acts.shape[1] != weights.shape[1]:
            return
        if np.allclose(acts.mean((2, 3)) @ weights.T + biases, z, rtol=1e-3, atol=1e-3 * np.abs(z).max()):
            self.layer, self.size, self.exact = self.acts, acts.shape[2:], True
            self.item["features"] = acts.shape[1:]
            self.finer = None if min(self.size) >= GRID else "none"

    def forward(self, x):
        self.compute(x)
        return self.got[self.logits]

    def features(self):
        return self.got[self.acts]

    def embeddings(self):
        return self.got[self.pooled]

    def class_maps(self):
        acts = self.features()
        return np.einsum("ck,nkhw->nchw", self.linear[0], acts, optimize=True) / np.float32(np.prod(acts.shape[2:]))

    def cams(self, seeds):
        return np.einsum("nc,nchw->nhw", seeds, self.class_maps(), optimize=True)


if __name__ == "__main__":
    predictor.main("predict_onnx.py", __doc__, lambda p: None, Network)
