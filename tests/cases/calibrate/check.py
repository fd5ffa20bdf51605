"""Calibration counted a second way, with the standard library alone.

check.py ROWS [LOGITS IDS TEMPERATURE]
compares summary.tsv (of --resamples 30 --seed 7), reliability.tsv, classes.tsv and risk.tsv of
calibrate with what the rows and the logits give.
"""
import ast
import csv
import math
import struct
import sys

Z = 1.959963984540054
BINS = 15
MASK = 2**64 - 1


def table(path):
    with open(path, newline='') as f:
        return list(csv.DictReader(f, delimiter='\t', quoting=csv.QUOTE_NONE))


def tensor(path, code):
    with open(path, 'rb') as f:
        data = f.read()
    start = 10 + struct.unpack('<H', data[8:10])[0]
    shape = ast.literal_eval(data[10:start].decode())['shape']
    return shape, struct.unpack(f'<{math.prod(shape)}{code}', data[start:])


def near(what, found, wanted):
    wrong = found != 'NA' if wanted is None or math.isnan(wanted) else \
        found == 'NA' or abs(float(found) - wanted) > 1e-6
    if wrong:
        print(f'{what}: expected {wanted}, found {found}')


class Random:
    def __init__(self, seed):
        self.state = seed

    def next(self):
        self.state = (self.state + 0x9e3779b97f4a7c15) & MASK
        x = self.state
        x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9 & MASK
        x = (x ^ x >> 27) * 0x94d049bb133111eb & MASK
        return x ^ x >> 31

    def below(self, n):
        return (self.next() >> 32) * n >> 32


def wilson(k, n):
    if n == 0:
        return 0, 1
    middle, half = k / n + Z * Z / (2 * n), Z * math.sqrt(k / n * (1 - k / n) / n + Z * Z / (4 * n * n))
    return (middle - half) / (1 + Z * Z / n), (middle + half) / (1 + Z * Z / n)


def width_bin(conf):
    return max(math.ceil(conf * BINS) - 1, 0)


def edges(confs):
    """The quantiles as numpy gives them."""
    s = sorted(confs)
    out = []
    for i in range(1, BINS):
        at, part = divmod((len(s) - 1) * i, BINS)
        out.append(s[at] + ((s[at + 1] - s[at]) * part / BINS if part else 0))
    return out


def binned(images, kind):
    """Lists of (confidence, correct) by bin."""
    inner = edges([c for c, _ in images]) if kind == 'mass' else None
    bins = {}
    for c, ok in images:
        bins.setdefault(sum(c > e for e in inner) if inner else width_bin(c), []).append((c, ok))
    return bins


def ece(images, kind):
    return sum(abs(sum(ok - c for c, ok in b)) for b in binned(images, kind).values()) / len(images)


def parts(images, kind):
    n, bins = len(images), binned(images, kind).values()
    gaps = [sum(c - ok for c, ok in b) for b in bins]
    var = [sum(c * (1 - c) for c, _ in b) for b in bins]
    mean, spread = sum(math.sqrt(2 / math.pi * v) for v in var), sum((1 - 2 / math.pi) * v for v in var)
    size = sum(abs(g) for g in gaps)
    return dict(over=sum(g for g in gaps if g > 0) / n, under=-sum(g for g in gaps if g < 0) / n,
                mce=max(abs(g) / len(b) for g, b in zip(gaps, bins)), chance=mean / n,
                p=math.erfc((size - mean) / math.sqrt(2 * spread)) / 2)


def area(images):
    """Mean risk; in a group of equal confidence every image is as wrong as the group."""
    groups = {}
    for c, ok in images:
        groups.setdefault(c, []).append(ok)
    errors = before = total = 0
    for c in sorted(groups, reverse=True):
        n, wrong = len(groups[c]), groups[c].count(False)
        total += sum((errors + wrong * k / n) / (before + k) for k in range(1, n + 1))
        errors, before = errors + wrong, before + n
    return total / len(images)


def quantile(values, share):
    values = sorted(values)
    at = share * (len(values) - 1)
    i = int(at)
    return values[i] + (at - i) * (values[min(i + 1, len(values) - 1)] - values[i])


def interval(values, estimate):
    mean = sum(values) / len(values)
    return estimate - quantile(values, .975) + mean, estimate - quantile(values, .025) + mean


def softmax(z, t):
    m = max(z)
    p = [math.exp((v - m) / t) for v in z]
    s = sum(p)
    return [v / s for v in p], math.log(s)


def slopes(z, truth, b):
    m = max(z)
    d = [v - m for v in z]
    p = [math.exp(b * v) for v in d]
    s = sum(p)
    mean = sum(x * y for x, y in zip(p, d)) / s
    return mean - d[truth], sum(x * y * y for x, y in zip(p, d)) / s - mean * mean


def fit(logits, truths):
    b = 1.0
    for _ in range(50):
        both = [slopes(z, y, b) for z, y in zip(logits, truths)]
        first, second = math.fsum(f for f, _ in both), math.fsum(s for _, s in both)
        b -= first / second
        if abs(first / second) < 1e-10:
            break
    spread = Z * math.sqrt(math.fsum(f * f for f, _ in both)) / second
    return 1 / b, 1 / (b + spread), 1 / (b - spread)


class Confidences:
    def __init__(self, conf, right, loss):
        self.images, self.loss = list(zip(conf, right)), loss

    def ece(self, kind, order=None):
        return ece(self.images if order is None else [self.images[i] for i in order], kind)

    def nll(self, order=None):
        return sum(self.loss if order is None else [self.loss[i] for i in order]) / len(self.loss)


def main():
    rows = table(sys.argv[1])
    truth, pred = [int(r['true']) for r in rows], [int(r['pred']) for r in rows]
    conf, right = [float(r['conf']) for r in rows], [r['true'] == r['pred'] for r in rows]
    n, k = len(rows), sum(r['true'] == r['pred'] for r in rows)
    now = Confidences(conf, right, [float(r['loss']) for r in rows])
    want = dict(images=n, unlabelled=0, errors=n - k, accuracy=k / n, mean_conf=sum(conf) / n,
                over_confidence=sum(conf) / n - k / n, risk_area=area(now.images),
                risk_area_best=sum(i / (k + i) for i in range(1, n - k + 1)) / n, nll=now.nll())
    ends = {'accuracy': wilson(k, n)}
    ends['over_confidence'] = [sum(conf) / n - a for a in reversed(ends['accuracy'])]
    for kind, name in (('width', 'ece'), ('mass', 'ece_mass')):
        p = parts(now.images, kind)
        want |= {name: now.ece(kind), name + '_chance': p['chance'], name + '_p': p['p']}
        if kind == 'width':
            want |= dict(ece_over=p['over'], ece_under=p['under'], mce=p['mce'])
    after = None
    if len(sys.argv) > 2:
        (items, classes), flat = tensor(sys.argv[2], 'f')
        item = {id_: i for i, id_ in enumerate(tensor(sys.argv[3], 'q')[1])}
        z = [flat[i * classes:(i + 1) * classes] for i in (item[int(r['id'])] for r in rows)]
        for row, c in zip(z, conf):
            assert abs(max(softmax(row, float(sys.argv[4]))[0]) - c) < 1e-6
        t, low, high = fit(z, truth)
        want['temperature'], ends['temperature'] = t, (low, high)
        fold = [Random(int(r['id'])).below(5) for r in rows]
        of_fold = [fit([q for q, f in zip(z, fold) if f != i], [y for y, f in zip(truth, fold) if f != i])[0]
                   for i in range(5)]
        new = [softmax(q, of_fold[f])[0] for q, f in zip(z, fold)]
        after = Confidences([p[c] for p, c in zip(new, pred)], right, [-math.log(p[y]) for p, y in zip(new, truth)])
        want |= dict(mean_conf_after=sum(c for c, _ in after.images) / n,
                     ece_after=after.ece('width'), ece_mass_after=after.ece('mass'), nll_after=after.nll(),
                     ece_change=after.ece('width') - now.ece('width'),
                     ece_mass_change=after.ece('mass') - now.ece('mass'), nll_change=after.nll() - now.nll())

    draw, samples = Random(7), {}
    for _ in range(30):
        order = [draw.below(n) for _ in range(n)]
        samples.setdefault('risk_area', []).append(area([now.images[i] for i in order]))
        for c, end in ((now, ''), (after, '_after')) if after else ((now, ''),):
            samples.setdefault('ece' + end, []).append(c.ece('width', order))
            samples.setdefault('ece_mass' + end, []).append(c.ece('mass', order))
            samples.setdefault('nll' + end, []).append(c.nll(order))
    for name in ('ece', 'ece_mass', 'nll') if after else ():
        samples[name + '_change'] = [a - b for a, b in zip(samples[name + '_after'], samples[name])]
    for name, values in samples.items():
        low, high = interval(values, want[name])
        if name.startswith('ece') and not name.endswith('change'):
            side = after if name.endswith('after') else now
            low = max(low - parts(side.images, 'mass' if 'mass' in name else 'width')['chance'], 0)
        ends[name] = low, high

    for row in table('summary.tsv'):
        name = row['measure']
        near(name, row['value'], want.get(name))
        for end, value in zip(('low', 'high'), ends.get(name, (None, None))):
            near(f'{name} {end}', row[end], value)
    assert set(want) <= {r['measure'] for r in table('summary.tsv')}

    bins = {(w, kind): binned(c.images, kind) for w, c in (('now', now), ('after', after)) if c
            for kind in ('width', 'mass')}
    found = table('reliability.tsv')
    assert len(found) == sum(len(b) for b in bins.values()), len(found)
    for r in found:
        i = int(r['bin']) - 1
        b = bins[r['confidences'], r['bins']][i]
        what = ' '.join((r['confidences'], r['bins'], r['bin']))
        ok, confs = sum(ok for _, ok in b), [c for c, _ in b]
        sides = (i / BINS, (i + 1) / BINS) if r['bins'] == 'width' else (min(confs), max(confs))
        low, high = wilson(ok, len(b))
        for name, value in zip('from to images correct accuracy accuracy_low accuracy_high mean_conf'.split(),
                               (*sides, len(b), ok, ok / len(b), low, high, sum(confs) / len(b))):
            near(f'{what} {name}', r[name], value)

    for r in table('classes.tsv'):
        c = int(r['class'])
        for names, column in (('total accuracy mean_conf over_confidence over_low over_high', truth),
                              ('predicted precision pred_conf pred_over pred_over_low pred_over_high', pred)):
            of = [(x, ok) for x, ok, y in zip(conf, right, column) if y == c]
            m, ok = len(of), sum(ok for _, ok in of)
            values = [m] + [None] * 5
            if m:
                mean, (low, high) = sum(x for x, _ in of) / m, wilson(ok, m)
                values = m, ok / m, mean, mean - ok / m, mean - high, mean - low
            for name, value in zip(names.split(), values):
                near(f'class {c} {name}', r[name], value)

    points = []
    for percent in range(1, 101):
        least = sorted(conf, reverse=True)[math.ceil(n * percent / 100) - 1]
        if not points or points[-1][0] != least:
            points.append((least, [ok for c, ok in now.images if c >= least]))
    risk = table('risk.tsv')
    assert len(risk) == len(points)
    for r, (least, of) in zip(risk, points):
        m, wrong = len(of), of.count(False)
        for name, value in zip('coverage images threshold errors risk risk_low risk_high'.split(),
                               (m / n, m, least, wrong, wrong / m, *wilson(wrong, m))):
            near(f'risk at {least} {name}', r[name], value)


main()
