#!/usr/bin/env python3
"""Writes the maps that pytorch-grad-cam makes of the golden programs by each of its methods.

Needs what make.py needs, and the NAME.pt2 that it has written. Beside this file:
    NAME.methods.npy   uint16 (methods, 1, 1, 16, 16): the first image's map for its predicted class,
                       every second cell, 65535 for 1; in the order of METHODS
    methods.tsv        name, layer, and the methods of the file, separated by commas

The methods that are left out: components, whose sign the library leaves to chance; fullgrad of
tokens, and where biases count that the library does not know or counts in two parts: those of a
convolution before a batch norm (vgg, preact), of linear layers (convnext) and of a normalisation of the
input (google); ablationcam where what lies behind the layer reads an earlier one, too; shapleycam
where the network is curved behind the layer; scorecam of networks whose softmax make.py takes off, as
the library uses the same function.
"""
import json
import sys
import zipfile

import numpy as np
import pytorch_grad_cam as cams
import torch
from pytorch_grad_cam.ablation_layer import AblationLayerVit
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch.nn import functional as F

from make import HERE, NETS, activations, without_softmax

METHODS = {
    "gradcam": cams.GradCAM, "gradcam++": cams.GradCAMPlusPlus, "hirescam": cams.HiResCAM,
    "elementwise": cams.GradCAMElementWise, "xgradcam": cams.XGradCAM, "layercam": cams.LayerCAM,
    "fem": cams.FEM, "scorecam": cams.ScoreCAM, "ablationcam": cams.AblationCAM,
    "kpcacam": cams.KPCA_CAM, "finercam": cams.FinerCAM, "shapleycam": cams.ShapleyCAM,
    "fullgrad": cams.FullGrad,
}
TOKENS = {"vit", "vit_written", "vit_mean"}
LEFT = {
    "fullgrad": TOKENS | {"vgg", "preact", "convnext", "google"},
    "ablationcam": TOKENS | {"functions"},
    "shapleycam": TOKENS | {"mobilenet_v3", "efficientnet", "convnext", "functions"},
    "scorecam": {"preact", "thin"},
}


def network(make, name):
    """The network whose weights the program holds."""
    m = make().eval()
    with zipfile.ZipFile(HERE / f"{name}.pt2") as z:
        top = z.namelist()[0].split("/")[0]
        config = json.loads(z.read(f"{top}/data/weights/model_weights_config.json"))["config"]
        for key, t in m.state_dict().items():
            if t.is_floating_point():
                data = np.frombuffer(z.read(f"{top}/data/weights/{config[key]['path_name']}"), np.float32)
                t.copy_(torch.tensor(data).reshape(t.shape))
    for module in m.modules():  # the library keeps what in-place operations write over
        if hasattr(module, "inplace"):
            module.inplace = False
    return m


def main():
    only = sys.argv[1:]
    x = (torch.tensor(np.load(HERE / "images.npy")[:1]).permute(0, 3, 1, 2).float() / 255 - 0.5) / 0.25
    rows = ["name\tlayer\tmethods\n"]
    for name, (make, layer) in NETS.items():
        methods = [m for m in METHODS if name not in LEFT.get(m, ())]
        rows.append(f"{name}\t{layer}\t{','.join(methods)}\n")
        if only and name not in only:
            continue
        m = network(make, name)
        kept = without_softmax(name in ("thin", "preact"))
        act = activations(m, layer, x)
        target = [ClassifierOutputTarget(int(m.logits[0].argmax()))]
        extra = act.shape[1] - 16 if act.dim() == 3 else 0

        def reshape(t):
            return t[:, extra:].transpose(1, 2).reshape(t.shape[0], t.shape[2], 4, 4)

        maps = []
        for method in methods:
            options = {"reshape_transform": reshape} if act.dim() == 3 else {}
            if method == "ablationcam" and act.dim() == 3:
                options["ablation_layer"] = AblationLayerVit()
            layers = [] if method == "fullgrad" else [m.get_submodule(layer)]
            cam = METHODS[method](model=m, target_layers=layers, **options)
            maps.append(cam(input_tensor=x.clone(), targets=None if method == "finercam" else target))
        F.softmax, F.log_softmax = kept
        out = np.stack(maps)[:, :, None, ::2, ::2]
        np.save(HERE / f"{name}.methods.npy", np.round(out * 65535).astype(np.uint16))
        print(name, [f"{v:.2f}" for v in out.mean(axis=(1, 2, 3, 4))])
    (HERE / "methods.tsv").write_text("".join(rows))


if __name__ == "__main__":
    main()
