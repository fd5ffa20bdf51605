"""Checks the corrupted images in this folder against the definitions in corrupt(1)."""
import math
import re

NAMES = ("noise", "blur", "fog", "jpeg", "contrast", "shift")


def load(name):
    """[image][channel][y][x], bytes."""
    data = open(name, "rb").read()
    n, h, w, _ = map(int, re.search(rb"\((\d+), (\d+), (\d+), (3)\)", data[:128]).groups())
    return [[[[data[128 + ((i * h + y) * w + x) * 3 + c] for x in range(w)] for y in range(h)] for c in range(3)]
            for i in range(n)]


def byte(v):
    return math.floor(min(max(v, 0), 1) * 255 + 0.5)


def flat(image):
    return [v for plane in image for row in plane for v in row]


def differ(name, got, want, most=0):
    worst = max(abs(a - b) for a, b in zip(flat(got), flat(want)))
    if worst > most:
        print(name, "differs by", worst)


def blurred(image, sigma):
    reach = int(4 * sigma + 0.5)
    weight = [math.exp(-k * k / 2 / sigma / sigma) for k in range(-reach, reach + 1)]
    weight = [v / sum(weight) for v in weight]
    clip = lambda v, n: min(max(v, 0), n - 1)
    line = lambda r: [sum(weight[k + reach] * r[clip(i + k, len(r))] for k in range(-reach, reach + 1))
                      for i in range(len(r))]
    turn = lambda p: list(map(list, zip(*p)))
    return [[[byte(v / 255) for v in r] for r in turn(map(line, turn(map(line, plane))))] for plane in image]


def shifted(image, dy, dx):
    h, w = len(image[0]), len(image[0][0])

    def mirror(i, n):
        i = abs(i) % (2 * n - 2)
        return min(i, 2 * n - 2 - i)

    return [[[p[mirror(y + dy, h)][mirror(x + dx, w)] for x in range(w)] for y in range(h)] for p in image]


clean, wide = load("smooth.npy"), load("wide.npy")
for s in range(5):
    got = {k: load(f"{k}{s + 1}.npy") for k in NAMES}
    for i, image in enumerate(clean):
        differ(f"blur {s + 1}", got["blur"][i], blurred(image, (0.4, 0.6, 0.7, 0.8, 1)[s]), 1)
        c = (0.75, 0.5, 0.4, 0.3, 0.15)[s]
        means = [sum(map(sum, p)) / 1024 for p in image]
        differ(f"contrast {s + 1}", got["contrast"][i],
               [[[byte((m + c * (v - m)) / 255) for v in r] for r in p] for m, p in zip(means, image)])
        step = (1, 2, 3, 4, 6)[s]
        if got["shift"][i] not in [shifted(image, a * step, b * step) for a in (1, -1) for b in (1, -1)]:
            print("shift", s + 1, "is none of the four")
        error = math.sqrt(sum((a - b) ** 2 for a, b in zip(flat(got["jpeg"][i]), flat(image))) / 3072)
        if not (error < 3 if i == 0 else 0.5 < error < 40):
            print("jpeg", s + 1, "image", i, "deviates by", error)
    # Of values far from black and white, the noise is normal.
    sigma = (0.04, 0.06, 0.08, 0.09, 0.10)[s] * 255
    noise = [a - b for g, x in zip(got["noise"], clean) for a, b in zip(flat(g), flat(x)) if 90 < b < 165]
    mean = sum(noise) / len(noise)
    deviation = math.sqrt(sum((v - mean) ** 2 for v in noise) / len(noise))
    kurtosis = sum((v - mean) ** 4 for v in noise) / len(noise) / deviation**4
    if abs(mean) > 5 * sigma / math.sqrt(len(noise)) or abs(deviation / sigma - 1) > 0.05 or abs(kurtosis - 3) > 0.5:
        print("noise", s + 1, mean, deviation / sigma, kurtosis)
    # Fog is one field, from 0 to 1, for all three channels.
    a = (0.2, 0.5, 0.75, 1, 1.5)[s]
    for g, x in zip(got["fog"], clean):
        m = max(flat(x)) / 255
        field = [[[v * (m + a) / m / 255 / a - u / 255 / a for v, u in zip(r, q)] for r, q in zip(p, o)]
                 for p, o in zip(g, x)]
        rounding = 0.51 * (m + a) / m / 255 / a
        low, high = min(flat(field)), max(flat(field))
        if abs(low) > rounding or abs(high - 1) > rounding:
            print("fog", s + 1, "from", low, "to", high)
        if max(abs(u - v) for u, v in zip(flat(field[:1]), flat(field[1:2]))) > 2 * rounding:
            print("fog", s + 1, "differs between channels")
for i, image in enumerate(wide):
    differ("wide blur", load("wideblur.npy")[i], blurred(image, 40 / 32), 1)
    # 2 pixels of 32 are 2.5 of 40.
    if load("wideshift.npy")[i] not in [shifted(image, a * 3, b * 3) for a in (1, -1) for b in (1, -1)]:
        print("wide shift is none of the four")
