"""Compares the figures in report's texts with ones counted straight from random runs."""
import itertools
import random
import re
import statistics
import subprocess
import sys

TABLES = '--summary summary.tsv --classes classes.tsv --pairs pairs.tsv --groups groups.tsv --cam cam.tsv ' \
         '--predictions predictions.tsv'.split()


def report(what):
    out = subprocess.run(['report', what] + TABLES, check=True, capture_output=True, text=True).stdout
    return re.sub(r'\s+', ' ', out)


def expect(text, pattern, *values):
    found = re.search(pattern, text)
    got = [float(v) for v in found.groups()] if found else None
    if got is None or len(got) != len(values) or any(abs(g - v) > t for g, (v, t) in zip(got, values)):
        print(f'{pattern}: expected {values}, found {got}')


def whole(v):
    return v, 0


def percent(part, total, digits=1):
    return 100 * part / total, .5001 * 10 ** -digits


def one(seed):
    r = random.Random(seed)
    n, groups = r.randint(3, 30), r.randint(2, 5)
    group = [r.randrange(groups) for _ in range(n)]
    images = []
    lines = [f'class c{i} g{g}' for i, g in enumerate(group)]
    for _ in range(400):
        true = r.randrange(n)
        pred = true if r.random() < .6 else r.choice([c for c in range(n) if c != true])
        conf, border, entropy = (round(r.random(), 3) for _ in range(3))
        border = round(min(border * .7 + (true != pred) * .3, 1), 3)
        overlap = round(r.random(), 3)
        images.append((true, pred, conf, border, entropy, overlap))
        lines.append(f'c{true} c{pred} {conf} 1 border_share={border} entropy={entropy} overlap={overlap}')
    subprocess.run([sys.executable, sys.argv[1]], input='\n'.join(lines), text=True, check=True)

    right = [i for i in images if i[0] == i[1]]
    wrong = [i for i in images if i[0] != i[1]]
    text = report('summary')
    expect(text, r'Correct predictions \(accuracy\) (\d+) ([\d.]+) %', whole(len(right)), percent(len(right), 400, 2))
    expect(text, r'Wrong predictions \(error rate\) (\d+) ([\d.]+) %', whole(len(wrong)), percent(len(wrong), 400, 2))

    bound = [(.9, 2), (.7, .9), (.5, .7), (-1, .5)]
    for name, (low, high) in zip(('Very sure', 'Sure', 'Moderate', 'Unsure'), bound):
        k = sum(low < i[2] <= high for i in wrong)
        expect(text, name + r' \([^)]*\) (\d+) ([\d.]+) %', whole(k), percent(k, len(wrong), 2))

    pairs = {}
    for i in wrong:
        pairs[i[:2]] = pairs.get(i[:2], 0) + 1
    top = sorted(pairs, key=lambda p: (-pairs[p], p))[:15]
    inside = sum(group[a] == group[b] for a, b in top)
    held = sum(pairs[p] for p in top)
    mutual = sum(2 * pairs.get((b, a), 0) >= pairs[a, b] for a, b in top)
    expect(text, r'(\d+) pairs hold (\d+) of (\d+) errors \(([\d.]+) %\)', whole(len(top)), whole(held),
           whole(len(wrong)), percent(held, len(wrong)))
    expect(text, r'Inside one superclass: (\d+) of (\d+) pairs \(([\d.]+) %\)', whole(inside), whole(len(top)),
           percent(inside, len(top)))
    expect(text, r'half as frequent: (\d+) of (\d+) pairs', whole(mutual), whole(len(top)))
    same = sum(group[i[0]] == group[i[1]] for i in wrong)
    chance = sum(sum(group[c] == group[i[0]] for c in range(n)) - 1 for i in wrong) / (n - 1)
    expect(text, r'Of all errors, (\d+) of (\d+) \([^)]*\) stay inside the superclass of the true class; ([\d.]+) %',
           whole(same), whole(len(wrong)), percent(chance, len(wrong)))

    for place, word, scale in (3, 'Border', 100), (4, 'Width', 1):
        a, b = [i[place] for i in right], [i[place] for i in wrong]
        tolerance = .0501 if scale == 100 else .000501
        expect(text, word + r', .*?: median ([\d.]+)(?: %)? in (\d+) correct predictions, ([\d.]+)(?: %)? in (\d+) wrong',
               (scale * statistics.median(a), tolerance), whole(len(a)),
               (scale * statistics.median(b), tolerance), whole(len(b)))
        larger = sum((y > x) + (y == x) / 2 for x, y in itertools.product(a, b)) / (len(a) * len(b))
        said = re.search(word + r'.*?is the larger in ([\d.]+) % of comp', text.split('Off centre')[0])
        if word == 'Border' and (not said or abs(float(said.group(1)) - 100 * larger) > .0501):
            print(f'{word}: expected {100 * larger} % larger, found {said and said.group(1)}')
    overlap = [i[5] for i in wrong]
    high, low = sum(o > .5 for o in overlap), sum(o < .2 for o in overlap)
    expect(text, r'nowhere both\): median ([\d.]+). Above one half: (\d+) of (\d+) .*? Below one fifth: (\d+) of',
           (statistics.median(overlap), .00501), whole(high), whole(len(wrong)), whole(low))

    text = report('recommendations')
    sure = [i for i in images if i[2] >= .5]
    expect(text, r'(\d+) wrong predictions, accuracy ([\d.]+) %', whole(len(wrong)), percent(len(right), 400, 2))
    kept = sum(i[0] == i[1] for i in sure)
    said = re.search(r'(?:of which ([\d.]+) % are right)|(?:confidence are right in ([\d.]+) %)', text)
    got = float(said.group(1) or said.group(2))
    if abs(got - 100 * kept / len(sure)) > .0501:
        print(f'refused: expected {100 * kept / len(sure)}, found {got}')
    weak = [c for c in range(n) if any(i[0] == c for i in images)
            and 2 * sum(i[0] == c for i in right) < sum(i[0] == c for i in images)]
    if weak:
        expect(text, r'Of \d+ classes, (\d+) (?:is|are) below 50 %', whole(len(weak)))
    elif 'none is below 50' not in text:
        print('expected no class below 50 %')


for seed in range(20):
    one(seed)
