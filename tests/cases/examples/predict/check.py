"""Holds what predict.py wrote against PyTorch: check.py NET CLASS_MAPS LOGITS ROWS."""
import csv
import sys
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent))
import nets  # noqa: E402

name, maps, logits, rows = sys.argv[1:]
logits = np.load(logits)
net = nets.NETS[name]().eval()
state = torch.load(f"{name}.pth")["state_dict"]
net.load_state_dict({k[len("module."):]: v for k, v in state.items()})
records = np.fromfile(Path(sys.argv[0]).parents[4] / "examples/shapes100/test.bin", np.uint8)
images = torch.from_numpy(records.reshape(-1, 3074)[:len(logits), 2:].reshape(-1, 3, 32, 32))
mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in ((.5071, .4867, .4409), (.2673, .2564, .2762)))
x = (images.float() / 255 - mean) / std

layer = {"plain": "8", "vgg": "features", "mobilenet": "features"}.get(name)
if layer:
    kept = {}

    def keep(module, inputs, out):
        kept["a"] = out
        out.retain_grad()

    layers = dict(net.named_modules())
    layers[layer].register_forward_hook(keep)
z = net(x)
assert np.abs(z.detach().numpy() - logits).max() < 1e-4, "logits"

for row, p, t in zip(csv.DictReader(open(rows), delimiter="\t"), torch.softmax(z.double(), 1), records[1::3074]):
    assert int(row["pred"]) == int(p.argmax()) and int(row["true"]) == t
    assert abs(float(row["conf"]) - p.max().item()) < 1e-5
    assert abs(float(row["p_true"]) - p[t].item()) < 1e-5
    assert int(row["rank_true"]) == 1 + int((p > p[t]).sum())

if not layer:
    assert not Path(maps).exists(), "a file of maps of a network without"
    print(f"{name}: rows and logits, no maps")
    sys.exit()
maps = np.load(maps)
for c in (0, 7, 99):
    net.zero_grad()
    g, = torch.autograd.grad(z[:, c].sum(), kept["a"], retain_graph=True)
    want = (g.mean((2, 3))[:, :, None, None] * kept["a"]).sum(1).detach().numpy()
    assert np.abs(want - maps[:, c]).max() < 1e-4 * max(1, np.abs(want).max()), f"Grad-CAM of class {c}"
print(f"{name}: rows and maps {maps.shape[2]}x{maps.shape[3]} as PyTorch's own gradients make them")
