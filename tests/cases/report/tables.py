"""The tables of a run, made from a few lines on standard input:

    class NAME [SUPERCLASS]             in the order of their numbers
    TRUE PRED CONF COUNT [FIGURE=VALUE ...]

COUNT images of class TRUE predicted as PRED; the figures are those of their maps, with
`true_` before one of the true class's map. Nothing here is shared with the programs.
"""
import math
import sys

MAP = dict(zero_share=0, blank=0, entropy=.7, center_x=.5, center_y=.5, border_share=.5, overlap=.6)


def text(v):
    return 'NA' if v is None else '%.9g' % v if isinstance(v, float) else str(v)


def table(name, header, rows):
    with open(name, 'w', newline='\n') as f:
        for row in [header.split()] + rows:
            f.write('\t'.join(map(text, row)) + '\n')


def mean(v):
    return sum(v) / len(v) if v else None


def read(lines):
    names, groups, images = [], [], []
    for line in lines:
        word = line.split()
        if not word or word[0] == '#':
            continue
        if word[0] == 'class':
            names.append(word[1])
            groups.append(word[2] if len(word) > 2 else None)
            continue
        true, pred = names.index(word[0]), names.index(word[1])
        figures = {k: None if v == 'NA' else float(v) for k, v in (w.split('=') for w in word[4:])}
        images += [(true, pred, float(word[2]), figures)] * int(word[3])
    return names, groups, images


def main():
    names, groups, images = read(sys.stdin)
    kinds = sorted({g for g in groups if g})
    number = [kinds.index(g) if g else None for g in groups]
    n = len(names)
    count = [[0] * n for _ in names]
    for true, pred, _, _ in images:
        count[true][pred] += 1

    table('predictions.tsv', 'id true pred correct conf true_name pred_name',
          [[i, t, p, int(t == p), c, names[t], names[p]] for i, (t, p, c, _) in enumerate(images)])

    classes = []
    for k in range(n):
        total, right, said = sum(count[k]), count[k][k], sum(row[k] for row in count)
        wrong = max((c, -j) for j, c in enumerate(count[k]) if j != k) if n > 1 else (0, 0)
        top = -wrong[1] if wrong[0] else None
        classes.append([k, names[k], number[k], groups[k], total, right, right / total if total else None,
                        right / said if said else None, right / total if total else None,
                        2 * right / (total + said) if total + said else None, said,
                        mean([c for t, _, c, _ in images if t == k]), top,
                        names[top] if wrong[0] else None, wrong[0]])
    table('classes.tsv', 'class name group group_name total correct accuracy precision recall f1 predicted'
          ' mean_conf top_wrong top_wrong_name top_wrong_count', classes)

    def same(a, b):
        return None if number[a] is None or number[b] is None else int(number[a] == number[b])

    pairs = sorted((-count[a][b], a, b) for a in range(n) for b in range(n) if a != b and count[a][b])
    table('pairs.tsv', 'true pred count true_name pred_name rate reverse_count both_count same_group',
          [[a, b, -c, names[a], names[b], -c / sum(count[a]), count[b][a], count[b][a] - c, same(a, b)]
           for c, a, b in pairs])

    grouped = [[0] * len(kinds) for _ in kinds]
    for true, pred, _, _ in images:
        if number[true] is not None and number[pred] is not None:
            grouped[number[true]][number[pred]] += 1
    table('groups.tsv', ' '.join(['true_group', 'true_group_name'] + ['p%d' % g for g in range(len(kinds))]),
          [[g, name] + grouped[g] for g, name in enumerate(kinds)])

    right = [c for t, p, c, _ in images if t == p]
    wrong = [c for t, p, c, _ in images if t != p]
    bins = {}
    for t, p, c, _ in images:
        bins.setdefault(max(math.ceil(c * 15), 1), []).append((t == p, c))
    ece = sum(abs(sum(a for a, _ in b) - sum(c for _, c in b)) for b in bins.values())
    inside = sum(same(t, p) or 0 for t, p, _, _ in images if t != p) if kinds else None
    summary = dict(
        images=len(images), correct=len(right), errors=len(wrong),
        accuracy=len(right) / len(images) if images else None, top5_accuracy=None,
        group_accuracy=(len(right) + inside) / len(images) if kinds and images else None,
        errors_same_group=inside, mean_conf=mean(right + wrong), mean_conf_correct=mean(right),
        mean_conf_wrong=mean(wrong), errors_conf_90=sum(c > .9 for c in wrong),
        errors_conf_70=sum(c > .7 for c in wrong), correct_conf_50=sum(c <= .5 for c in right),
        ece=ece / len(images) if images else None)
    table('summary.tsv', 'measure value', [[k, v] for k, v in summary.items()])

    rows = []
    for i, (t, p, c, figures) in enumerate(images):
        for target, cls in ('true', t), ('pred', p), ('margin', t):
            f = {k: figures.get('true_' + k if target == 'true' and t != p and 'true_' + k in figures else k, v)
                 for k, v in MAP.items()}
            if t == p:
                f['overlap'] = 1.0
            rows.append([i, target, cls, 1.0, 0.0, 2.0, None, f['zero_share'], int(f['blank']),
                         1 - c if target == 'pred' else .5, f['entropy'], f['center_x'], f['center_y'],
                         f['border_share'], f['overlap']])
    table('cam.tsv', 'id target class raw_max raw_min sum bias zero_share blank saturation entropy center_x'
          ' center_y border_share overlap', rows)


main()
