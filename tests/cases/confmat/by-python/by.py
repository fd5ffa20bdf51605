"""What confmat --by tells of rows, counted a second way.

by.py rows                 rows with a column of words and one of numbers
by.py values ROWS TABLE    compares the table of --by kind
by.py N ROWS TABLE         compares the table of --by size --quantiles N
"""
import csv
import math
import random
import sys


def rows():
    draw = random.Random(5)
    print(*'id true pred conf rank_true loss entropy kind size'.split(), sep='\t')
    for i in range(700):
        truth, conf = draw.randrange(10), round(draw.random(), 3)
        pred = truth if draw.random() < conf else draw.randrange(10)
        rank = 1 if pred == truth else draw.randrange(2, 11)
        kind = draw.choice(['dark', 'bright', 'NA', 'grey 7'])
        size = 'NA' if draw.random() < .1 else draw.choice([0, 1.5, round(draw.gauss(0, 40), 1)])
        print(i, truth, pred, 1 if draw.random() < .1 else conf, rank, round(draw.expovariate(1), 4),
              round(draw.random(), 4), kind, size, sep='\t')


def wilson(k, n):
    z = 1.959963984540054
    middle, half = k / n + z * z / (2 * n), z * math.sqrt(k / n * (1 - k / n) / n + z * z / (4 * n * n))
    return (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)


def expected(images):
    n = len(images)
    right = [r['true'] == r['pred'] for r in images]
    conf = [float(r['conf']) for r in images]
    bins = {}
    for c, ok in zip(conf, right):
        bins.setdefault(max(math.ceil(c * 15), 1), []).append(ok - c)
    low, high = wilson(sum(right), n)
    over, accuracy = sum(conf) / n - sum(right) / n, sum(right) / n
    return dict(
        images=n, correct=sum(right), errors=n - sum(right), accuracy=accuracy, accuracy_low=low,
        accuracy_high=high, mean_conf=sum(conf) / n, over_confidence=over, over_low=over + accuracy - high,
        over_high=over + accuracy - low, errors_conf_90=sum(c > .9 and not ok for c, ok in zip(conf, right)),
        ece=sum(abs(sum(b)) for b in bins.values()) / n,
        top5_accuracy=sum(int(r['rank_true']) <= 5 for r in images) / n,
        nll=sum(float(r['loss']) for r in images) / n,
        mean_entropy=sum(float(r['entropy']) for r in images) / n)


def quantile_groups(images, n):
    """As numpy's quantile gives the edges."""
    values = sorted(float(r['size']) for r in images)
    groups = {}
    for r in images:
        group, value = 0, float(r['size'])
        for i in range(1, n):
            at, part = divmod((len(values) - 1) * i, n)
            edge = values[at] + ((values[at + 1] - values[at]) * part / n if part else 0)
            group += value > edge
        groups.setdefault(group, []).append(r)
    return [(f'q{g + 1}', groups[g]) for g in sorted(groups)]


def read(path):
    with open(path, newline='') as f:
        return list(csv.DictReader(f, delimiter='\t', quoting=csv.QUOTE_NONE))


def compare(how, images, table):
    column = 'kind' if how == 'values' else 'size'
    known = [r for r in images if r[column] != 'NA']
    if how == 'values':
        want = [(v, [r for r in known if r['kind'] == v]) for v in sorted({r['kind'] for r in known})]
    else:
        want = quantile_groups(known, int(how))
    want.append(('NA', [r for r in images if r[column] == 'NA']))
    assert [g['value'] for g in table] == [v for v, _ in want], (how, [g['value'] for g in table])
    for row, (value, members) in zip(table, want):
        assert row['column'] == column
        ends = [float(r['size']) for r in members] if value[0] == 'q' else []
        for name, end in (('from', min), ('to', max)):
            assert row[name] == 'NA' if not ends else float(row[name]) == end(ends), (value, name)
        for name, number in expected(members).items():
            assert abs(float(row[name]) - number) < 1e-6, (how, value, name, row[name], number)


if sys.argv[1] == 'rows':
    rows()
else:
    compare(sys.argv[1], read(sys.argv[2]), read(sys.argv[3]))
