#!/usr/bin/env python3
"""Writes the golden values of cam-score: its metrics computed a second time, by NumPy, SciPy and
PyTorch in double precision. Where Quantus or pytorch-grad-cam have a metric, or a step of it, the
values are compared with theirs.

Needs what ../cam/maps.py needs, scipy and quantus 0.6.0. Beside this file:
    NAME.tsv                the rows: shapes of examples/shapes100, random of ../cam/images.npy
    NAME-MAP.npy            maps (n, h, w): fine without equal values, coarse with ties when resized
    NAME-TARGET-SCORE.tsv   the values
"""
import pathlib
import sys

import numpy as np
import quantus
import torch
from quantus.functions.perturb_func import noisy_linear_imputation
from quantus.helpers import utils
from scipy import ndimage, sparse
from scipy.sparse.linalg import spsolve

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "cam"))
import maps as cam_maps  # noqa: E402
from pytorch_grad_cam.metrics.cam_mult_image import DropInConfidence, IncreaseInConfidence  # noqa: E402
from pytorch_grad_cam.metrics.road import NoisyLinearImputer  # noqa: E402
from pytorch_grad_cam.utils.image import scale_cam_image  # noqa: E402

STEPS = 16
PERCENT = [20, 40, 60, 80]
SEED = 0
PIXELS, CELLS, SAMPLE, BASELINES = range(4)
COLUMNS = ("deletion_grey deletion_mean deletion_blur insertion_grey insertion_mean insertion_blur road_most "
           "road_least road flipping irof drop increase gain drop_deleted").split()


# --- numbers by chance ---

def draw(state):
    state, bits = cam_maps.splitmix(state)
    return state, bits


def state_of(image, use):
    return draw(draw(draw(SEED)[1] ^ image)[1] ^ use)[1]


def ties_of(image, use, n):
    state, ties = state_of(image, use), []
    for _ in range(n):
        state, bits = draw(state)
        ties.append(bits >> 32)
    return np.array(ties)


def baselines(image, pixels):
    _, h, w = pixels.shape

    def field(h, w):
        state, numbers = state_of(image, BASELINES), []
        for _ in range(h * w):
            state, bits = draw(state)
            numbers.append(((bits >> 11) + 0.5) / 2**53)
        return np.float32(numbers).reshape(h, w)

    sigma = max(h, w) / 8
    rim = int(4 * sigma + 0.5)
    blurred = blur(field(h + 2 * rim, w + 2 * rim), sigma)[rim:-rim, rim:-rim]
    y, x = np.mgrid[:h, :w]
    center = 1 - 2 * (((y + 0.5) / h - 0.5)**2 + ((x + 0.5) / w - 0.5)**2)
    grey = pixels.astype(float).sum(0)
    edge = np.hypot(ndimage.sobel(grey, 0, mode="nearest"), ndimage.sobel(grey, 1, mode="nearest"))
    return {"random": field(h, w), "random_blurred": np.ascontiguousarray(blurred), "center": np.float32(center), "edge": np.float32(edge)}


# --- images ---

def blur(plane, sigma=None):
    # Rounded between the two directions.
    sigma = sigma or max(plane.shape) / 8
    rows = np.float32(ndimage.gaussian_filter1d(plane.astype(float), sigma, axis=1, mode="nearest"))
    return np.float32(ndimage.gaussian_filter1d(rows.astype(float), sigma, axis=0, mode="nearest"))


def impute(x, changed):
    """Each changed pixel is the weighted mean of its neighbours."""
    _, h, w = x.shape
    where = np.flatnonzero(changed)
    number = {at: i for i, at in enumerate(where)}
    a = sparse.lil_matrix((len(where), len(where)))
    b = np.zeros((len(where), len(x)))
    for i, at in enumerate(where):
        y, x0 = divmod(at, w)
        for dy in (-1, 0, 1):
            for dx in (-1, 0, 1):
                if (dy or dx) and 0 <= y + dy < h and 0 <= x0 + dx < w:
                    weight = 1 / 12 if dy and dx else 1 / 6
                    other = (y + dy) * w + x0 + dx
                    a[i, i] += weight
                    if other in number:
                        a[i, number[other]] -= weight
                    else:
                        b[i] += weight * x.reshape(len(x), -1)[:, other]
    out = x.reshape(len(x), -1).copy()
    out[:, where] = spsolve(a.tocsc(), b).reshape(len(where), -1).T
    return out.reshape(x.shape)


class Scorer:
    """The score of a class, or the difference of two, of images in double precision."""

    def __init__(self, net, score):
        self.net = net.double()
        self.score = score

    def logits(self, images):
        with torch.no_grad():
            return self.net(torch.from_numpy(np.stack(images)).double())

    def __call__(self, images, cls, minus):
        z = self.logits(images)
        s = {"prob": z.softmax(1), "logit": z, "logprob": z.log_softmax(1)}[self.score].numpy()
        return s[:, cls] - (s[:, minus] if minus is not None else 0)


# --- the metrics ---

def order(values, ties):
    return np.lexsort((np.arange(values.size), ties, -values.reshape(-1).astype(float)))


def resize(m, h, w):
    import cv2
    return cv2.resize(m, (w, h), interpolation=cv2.INTER_LINEAR) if m.shape != (h, w) else m


def cells_of(m, grid, h, w):
    """The mean of the map over each cell, and each pixel's cell."""
    y, x = np.mgrid[:h, :w]
    cell = (y * grid[0] // h) * grid[1] + x * grid[1] // w
    pixels = m[y * m.shape[0] // h, x * m.shape[1] // w]
    means = np.float32([pixels[cell == c].astype(float).mean() for c in range(grid[0] * grid[1])])
    return means, cell


def area(scores, shares):
    return float(np.trapezoid(scores, shares))


def values(scorer, image, x, m, grid, cls, minus, probability):
    c, h, w = x.shape
    n = h * w
    pixels = order(resize(m, h, w), ties_of(image, PIXELS, n))
    means, cell = cells_of(m, grid, h, w)
    cells = order(means, ties_of(image, CELLS, means.size))
    fills = {"grey": np.zeros_like(x), "mean": np.broadcast_to(x.mean((1, 2), keepdims=True), x.shape),
             "blur": np.stack([blur(np.float32(p)) for p in x])}

    def changed(places):
        mask = np.zeros(n, bool)
        mask[places] = True
        return mask.reshape(h, w)

    def score(images):
        return scorer(images, cls, minus)

    out = {}
    first = float(score([x])[0])
    steps = min(STEPS, n)
    counts = [(2 * i * n + steps) // (2 * steps) for i in range(steps + 1)]
    for word, fill in fills.items():
        out["deletion_" + word] = area(score([np.where(changed(pixels[:k]), fill, x) for k in counts]),
                                       np.array(counts) / n)
        out["insertion_" + word] = area(score([np.where(changed(pixels[:k]), x, fill) for k in counts]),
                                        np.array(counts) / n)
    most = [impute(x, changed(pixels[:n * p // 100])) for p in PERCENT]
    least = [impute(x, changed(pixels[n - n * p // 100:])) for p in PERCENT]
    out["road_most"] = float(score(most).mean())
    out["road_least"] = float(score(least).mean())
    out["road"] = (out["road_least"] - out["road_most"]) / 2
    steps = min(STEPS, means.size)
    counts = [(2 * i * means.size + steps) // (2 * steps) for i in range(steps + 1)]
    series = score([np.where(np.isin(cell, cells[:k]), fills["mean"], x) for k in counts])
    out["flipping"] = float((first - series).mean())
    out["irof"] = 1 - area(series / first, np.array(counts) / means.size) if first > 0 else np.nan
    unit = np.maximum(m, 0)
    unit = scale_cam_image(unit[None], (w, h))[0]
    unit = scale_cam_image(np.maximum(unit, 0)[None])[0].astype(float)
    kept, dropped = score([x * unit, x * (1 - unit)])
    if (m <= 0).all():
        kept = dropped = np.nan
    out["drop"] = 100 * max(first - kept, 0) / first if first > 0 and kept == kept else np.nan
    out["increase"] = 100.0 * (kept > first) if kept == kept else np.nan
    best = {"prob": 1, "logprob": 0 if minus is None else None}.get(probability)
    out["gain"] = 100 * max(kept - first, 0) / (best - first) if best is not None and kept == kept else np.nan
    out["drop_deleted"] = 100 * max(first - dropped, 0) / first if first > 0 and kept == kept else np.nan
    return out


# --- the libraries ---

def agree(what, ours, theirs, tolerance=1e-5):
    ours, theirs = np.asarray(ours, float), np.asarray(theirs, float)
    assert np.allclose(ours, theirs, rtol=0, atol=tolerance), (what, ours, theirs)
    print(what, "agrees within", np.abs(ours - theirs).max())


class Probabilities(torch.nn.Module):
    """Of images in single precision, as Quantus makes them, in double."""

    def __init__(self, net):
        super().__init__()
        self.net = net.double()

    def forward(self, images):
        return self.net(images.double()).softmax(1)


class Regions:
    """Quantus's superpixels are the cells of a grid."""

    def __init__(self, grid):
        self.grid = grid

    def __call__(self, img, segmentation_method):
        h, w = img.shape[:2]
        y, x = np.mgrid[:h, :w]
        return (y * self.grid[0] // h) * self.grid[1] + x * self.grid[1] // w


def compare_quantus(net, x, m, cls, grid, ours):
    """Of one image and a map without equal values."""
    c, h, w = x.shape
    model = Probabilities(net).eval()
    shared = {"normalise": False, "abs": False, "disable_warnings": True, "return_aggregate": False}
    batch = {"model": model, "x_batch": x[None], "y_batch": np.array([cls]), "device": "cpu", "softmax": False}
    first = float(model(torch.from_numpy(x[None]))[0, cls].detach())
    step = h * w // STEPS
    # It changes the channels of a pixel as three values, which are equal and so follow each other:
    # every third of its steps, of as many values as these have pixels, is one of ours.
    for word, sign in (("deletion_grey", 1), ("insertion_grey", -1)):
        flip = quantus.PixelFlipping(features_in_step=step, perturb_baseline=0.0, **shared)
        curve = flip(a_batch=(m if sign > 0 else m.max() + 1 - m)[None, None].astype(float), **batch)[0]
        curve = np.array([first, *curve[2::3]])
        agree("Quantus PixelFlipping, " + word, ours[word], area(curve, np.arange(STEPS + 1) / STEPS))
    calls = []

    def trapezoid(values, dx=1, batched=False):
        calls.append(np.array(values))
        return np.trapezoid(values, dx=dx, axis=1)

    def replace(arr, mask, **kwargs):
        return np.where(mask, x.mean((1, 2))[None, :, None, None], arr)

    saved = utils.get_superpixel_segments, utils.calculate_auc
    utils.get_superpixel_segments, utils.calculate_auc = Regions(grid), trapezoid
    irof = quantus.IROF(perturb_func=replace, **shared)
    their = irof(a_batch=m[None, None].astype(float), **batch)[0]
    utils.get_superpixel_segments, utils.calculate_auc = saved
    ratios = calls[-1].reshape(-1)
    n = ratios.size
    # Theirs leaves out the unchanged image, and is not divided by the number of regions.
    agree("Quantus IROF, its own value", their, n - np.trapezoid(ratios))
    agree("Quantus IROF, irof", ours["irof"], 1 - area(np.array([1, *ratios]), np.arange(n + 1) / n))
    agree("Quantus IROF, flipping", ours["flipping"], first * (1 - np.array([1, *ratios])).mean())
    # Its imputation; its metric counts predictions that stay.
    ranks = np.argsort(-m.reshape(-1))
    most = [noisy_linear_imputation(x, ranks[:h * w * p // 100], noise=0) for p in PERCENT]
    agree("Quantus noisy_linear_imputation, road_most", ours["road_most"],
          model(torch.from_numpy(np.stack(most)))[:, cls].detach().numpy().mean())
    least = [noisy_linear_imputation(x, ranks[h * w - h * w * p // 100:], noise=0) for p in PERCENT]
    agree("Quantus noisy_linear_imputation, road_least", ours["road_least"],
          model(torch.from_numpy(np.stack(least)))[:, cls].detach().numpy().mean())


def compare_grad_cam(net, x, m, cls, ours, first):
    model = Probabilities(net).eval()
    unit = scale_cam_image(np.maximum(m, 0)[None])[0].astype(float)
    images = torch.from_numpy(x[None]).float()
    targets = [lambda p: p[cls]]
    # Its own thresholds may replace another pixel, and more where values are equal.
    _, h, w = x.shape
    ranks = np.argsort(-m.reshape(-1))
    impute_all = NoisyLinearImputer(noise=0)
    changed = [[ranks[:h * w * p // 100] for p in PERCENT], [ranks[h * w - h * w * p // 100:] for p in PERCENT]]
    means = []
    for places in changed:
        filled = []
        for at in places:
            mask = torch.ones(h * w)
            mask[at.copy()] = 0
            filled.append(impute_all(images[0], mask.reshape(h, w)))
        means.append(model(torch.stack(filled))[:, cls].detach().numpy().mean())
    agree("pytorch-grad-cam NoisyLinearImputer, road", ours["road"], (means[1] - means[0]) / 2)
    agree("pytorch-grad-cam DropInConfidence, drop", ours["drop"],
          100 * DropInConfidence()(images, unit[None], targets, model)[0] / first, 1e-4)
    agree("pytorch-grad-cam IncreaseInConfidence, increase", ours["increase"],
          100 * IncreaseInConfidence()(images, unit[None], targets, model)[0])


# --- files ---

def smooth(rng, n, h, w, signed):
    """Maps without equal values."""
    noise = rng.normal(size=(n, h, w))
    maps = np.stack([ndimage.gaussian_filter(p, 2.5) + 0.01 * p for p in noise])
    return np.float32(maps if signed else maps - maps.min((1, 2), keepdims=True) + 0.01)


def write(name, net, ids, pixels, truth, given, targets):
    x = np.stack([((p / 255.0 - cam_maps.MEAN.double().numpy()[0]) / cam_maps.STD.double().numpy()[0])
                  for p in pixels])
    with torch.no_grad():
        pred = net.double()(torch.from_numpy(x)).argmax(1).numpy()
    with open(HERE / f"{name}.tsv", "w", encoding="ascii") as f:
        f.write("id\ttrue\tpred\n")
        for row in zip(ids, truth, pred):
            f.write("\t".join(map(str, map(int, row))) + "\n")
    for word, maps in given.items():
        np.save(HERE / f"{name}-{word}.npy", maps)
    grid = min((m.shape[1:] for m in given.values()), key=lambda s: s[0] * s[1])
    for target, score in targets:
        scorer = Scorer(net, score)
        with open(HERE / f"{name}-{target}-{score}.tsv", "w", encoding="ascii") as f:
            f.write("\t".join(["id", "map", "class", *COLUMNS]) + "\n")
            for i, image in enumerate(ids):
                cls, minus = int(pred[i]), int(truth[i]) if target == "margin" else None
                cls = int(truth[i]) if target == "true" else cls
                every = {word: m[i] for word, m in given.items()}
                every.update(baselines(int(image), pixels[i]))
                for word, m in every.items():
                    void = minus == cls
                    v = values(scorer, int(image), x[i], m, grid, cls, minus, score)
                    row = ["never" if void or v[k] != v[k] else f"{v[k]:.9g}" for k in COLUMNS]
                    f.write("\t".join([str(int(image)), word, str(cls), *row]) + "\n")
                    if word == "fine" and target == "pred" and score == "prob" and name == "shapes" and i < 2:
                        first = float(scorer([x[i]], cls, None)[0])
                        compare_quantus(net, x[i], m, cls, grid, v)
                        compare_grad_cam(net, x[i], m, cls, v, first)
        print(f"{name}-{target}-{score}.tsv")


def main():
    rng = np.random.default_rng(3)
    records = np.fromfile(cam_maps.EXAMPLE / "test.bin", np.uint8).reshape(-1, 3074)
    net = cam_maps.load(cam_maps.EXAMPLE / "model.pth")
    images = np.ascontiguousarray(records[:, 2:].reshape(-1, 3, 32, 32))
    with torch.no_grad():
        conf, pred = torch.softmax(net(cam_maps.prepare(images)), 1).max(1)
    wrong = np.flatnonzero(pred.numpy() != records[:, 1])[:2]
    right = np.flatnonzero((pred.numpy() == records[:, 1]) & (conf.numpy() < 0.95))[:2]
    ids = np.sort(np.concatenate([wrong, right]))
    given = {"fine": smooth(rng, len(ids), 32, 32, False), "coarse": smooth(rng, len(ids), 4, 4, True)}
    given["coarse"][1] = np.maximum(given["coarse"][1], 0)  # as methods with a ReLU leave it
    write("shapes", net, ids, images[ids], records[ids, 1].astype(int), given,
          [("pred", "prob"), ("true", "logprob"), ("margin", "logit")])
    net, pixels = cam_maps.random_network()
    given = {"coarse": smooth(rng, 3, 5, 3, True), "middle": smooth(rng, 3, 9, 7, False)}
    write("random", net, [0, 1, 2], pixels, np.array([0, 3, 4]), given, [("pred", "prob"), ("true", "logit")])


if __name__ == "__main__":
    main()
