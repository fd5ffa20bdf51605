"""Generated runs: the findings against ones counted another way, and the texts against
the findings. A sentence that no pattern below knows, or whose condition does not hold,
is a failure."""
import json
import math
import os
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
import make
from truth import ELSEWHERE, Truth, wilson

KINDS = {
    1: 'working single no_error coarse blank',
    2: 'working chance constant no_error no_error_under all_errors permuted empty single unbalanced over under both weak '
       'coarse blank partly',
    3: 'working chance no_error_under all_errors permuted swapped empty single unbalanced pair both coarse few all_in_one '
       'most_pairs doubtful one_error two_errors',
    5: ' '.join(make.KINDS),
    10: ' '.join(make.KINDS) + ' some_pairs six_pairs sparse scattered doubles nine',
    100: 'quarter dominant sparse some_pairs '
         'working chance no_error all_errors permuted shuffled swapped empty single single_permuted unbalanced pair both weak '
         'blank',
    1000: 'working single_permuted permuted empty',
}
# What must be said of the pairs, whatever the rule: the verdict, and of how many pairs.
PAIRS = dict(dominant=('yes', 1), dominant_two=('yes', 2), all_in_one=('yes', 1), all_in_five=('yes', 5), nine=('yes', 1),
             quarter=('yes', 15), pair=('yes', 1), even_pairs=('no',), six_pairs=('no',), most_pairs=('no',), sparse=('no',),
             scattered=('no',), doubles=('no',), chance=('no',), all_errors=('no',), doubtful=('few',), one_error=('few',),
             two_errors=('few',))
FILES = ['review_labels.tsv', 'review_labels.png', 'review_labels_p2.png', 'data/cam_stats.tsv', 'data/calibration.tsv', 'explorer.html', 'analysis_summary.txt', 'recommendations.txt', 'per_class_accuracy.csv', 'data/run.tsv',
         'data/findings.tsv', 'data/predictions.tsv', 'most_confused_pairs.csv', 'confused_pair_1_c0_to_c1.png',
         'confident_errors.csv', 'confident_errors.png', 'confident_errors_p2.png', 'confident_errors_p3.png', 'worst_predictions/class_000_c0.png', 'worst_predictions/class_001_c1.png']


def run(*command):
    r = subprocess.run(command, capture_output=True, text=True)
    if r.returncode or r.stderr:
        raise SystemExit(f'{" ".join(command)}: status {r.returncode}: {r.stderr}')
    return r.stdout


def compare_examples(name, got, want):
    want = ','.join(map(str, want)) or 'NA'
    if got['examples'] != want:
        yield f'{name}: expected the examples {want}, found {got["examples"]}'


def compare(truth, table):
    """The rows on the whole run, and the classes of the lists."""
    header, *rows = [line.split('\t') for line in table.splitlines()]
    rows = [dict(zip(header, row)) for row in rows]
    whole = {r['name']: r for r in rows if r['class'] == 'NA'}
    for name, want in truth.found.items():
        got = whole.pop(name)
        if got['verdict'] != (want['verdict'] or 'NA'):
            yield f'{name}: expected the verdict {want["verdict"]}, found {got}'
        for key, value in want.items():
            if key == 'verdict' or value is None:
                continue
            if got[key] == 'NA' or abs(float(got[key]) - value) > 1e-6 + 1e-5 * abs(value):
                yield f'{name}: expected {key} {value}, found {got[key]}'
        yield from compare_examples(name, got, truth.examples.get(name, []))
    if whole:
        yield f'unknown findings: {list(whole)}'
    lists = {name: [(int(r['class']), r['to']) for r in rows if r['name'] == name and r['class'] != 'NA']
             for name in truth.found}
    for name, want in dict(
            class_order=sorted((t, str(c)) for t, c in truth.moved.items()),
            weak_classes=[(c, 'NA') for c in sorted(truth.weak, key=lambda c: (truth.correct_of[c] / truth.total[c], c))],
            overpredicted=[(c, 'NA') for c in truth.over],
            one_way=[(t, str(c)) for _, t, c in sorted(truth.one_way, key=lambda x: (-x[0], x[1:]))]).items():
        if lists[name] != want:
            yield f'{name}: expected the list {want}, found {lists[name]}'
    for row in rows:
        if row['class'] != 'NA':
            key = row['name'], int(row['class']), row['to']
            yield from compare_examples(key, row, truth.list_examples.get(key, []))


# --- texts ---

DRAWN = 5  # errors of highest confidence with maps
NUMBER = r'(-?\d+(?:\.\d+)?)'
PERCENT = NUMBER + ' %'
NAME = r'(?:c\d+|class \d+ of a data set with long names, the \d+th|group \d+)'


def numbers(text):
    """Numbers that are none, and nouns that do not agree with theirs."""
    for m in re.finditer(r'\b(nan|inf)\b|-0\.0', text):
        yield f'a number that is none: {m.group()}'
    for m in re.finditer(r'(?<![\w.])(\d+)\s+((?:error|image|pair|class|prediction|label|map)(s|es)?)\b(?! \d)', text):
        if (m.group(1) == '1') == bool(m.group(3)):
            yield f'does not agree: {m.group()}'


class Text:
    """A text without its line breaks, from which sentences are taken as they are found."""

    def __init__(self, text, truth):
        self.all = text
        self.rest = re.sub(r'-{3,}|={3,}', ' ', text)
        self.rest = re.sub(r'\s+', ' ', self.rest)
        self.truth, self.faults = truth, []

    def take(self, pattern, condition, *values, must=True):
        """Sentences of a pattern: there where, and only where, the condition holds, with these
        numbers. `must` is False where the condition is only necessary."""
        found = list(re.finditer(pattern, self.rest))
        if found and not condition:
            self.faults.append(f'does not hold: {found[0].group()}')
        if not found and condition and must:
            self.faults.append(f'missing: {pattern}')
        for m in found:
            for got, want in zip(m.groups(), values):
                if got is None or want is None:
                    continue
                digits = len(got.partition('.')[2])
                if abs(float(got) - want) > .500001 * 10 ** -digits:
                    self.faults.append(f'expected {want}, found {got}: {m.group()}')
        self.rest = re.sub(pattern, ' ', self.rest)
        return found

    def end(self):
        left = re.sub(r'[\s-]+', ' ', self.rest).strip()
        if left:
            self.faults.append(f'unknown sentence: {left[:300]}')
        self.faults += numbers(self.all)
        for name in re.findall(r'[\w./-]+\.(?:png|csv|html|txt|tsv)\b', self.all):
            if name not in FILES:
                self.faults.append(f'names a file that is not there: {name}')
        return self.faults


def ring(h, w):
    return sum(y in (0, h - 1) or x in (0, w - 1) for y in range(h) for x in range(w)) / (h * w)


def percent(finding, key='value'):
    if key == 'value' and 'value' not in finding and finding.get('of'):
        return 100 * finding['count'] / finding['of']
    return 100 * finding[key] if finding.get(key) is not None else None


def unstable(finding):
    """Whether most maps are, so that no training follows from them."""
    return finding['verdict'] == 'yes' and 2 * finding['count'] > finding['of']


def difference(x, what='the wrong one'):
    """What is said of a difference that was tested."""
    if x['p'] >= .01:
        return r'The difference could be chance \(p = ' + NUMBER + r'\)\.'
    size = 'too small to matter' if x['verdict'] == 'no' else '(?:small|medium|large)'
    return rf'The difference is {size}: in [\d.]+ % of comparisons {what} has the larger value \(p < 0\.01\)\.'


def doubt(t, text):
    """What the summary and the pages begin with."""
    f, v = t.found, t.verdict
    order = v('class_order') == 'yes'
    accuracy, chance = percent(f['accuracy']), percent(f['accuracy'], 'baseline')
    text.take(r'The model and the labels seem to order the classes differently: with the classes renamed accordingly, ' + PERCENT +
              r' of the predictions would be correct instead of ' + PERCENT + r'\. All that follows counts the classes as they '
              r'are\.', order, percent(f['class_order']), accuracy)
    said = r'The accuracy \(' + PERCENT + r'\) @ chance \(' + PERCENT + r'\): what follows says little about the model\.'
    text.take(said.replace('@', 'cannot be told, on so few images, from'), v('accuracy') == 'few' and not order, accuracy, chance)
    text.take(said.replace('@', 'is hardly better than'), v('accuracy') == 'no' and not order and accuracy > chance, accuracy, chance)
    text.take(said.replace('@', 'is not better than'), v('accuracy') == 'no' and not order and accuracy <= chance, accuracy, chance)


def top_wrong(t, cls):
    """The most frequent wrong prediction of a class, where one occurs more than once."""
    wrong = t.wrong_of[cls]
    if not wrong:
        return ''
    name, count = t.run.names[wrong[0]], t.count[cls, wrong[0]]
    return f'{name} ({count})' if len(wrong) == 1 else f'{name} and {len(wrong) - 1} more ({count} each)'


def frame(t, text):
    """What all texts have."""
    text.take(r'About this run .*?Cells of a map \d+x\d+( Finer layer layer3)?( Cells of the last stage 2x2)?( Better fit with --mean [\d.,]+ --std [\d.,]+)?( Fit of BatchNorm statistics \w+: KL divergence [\d.]+ nats)?', True)
    text.take(r'Warning: The pixel constants do not fit: .02 nats where .004 is usual. Try --mean 0,0,0\.',
              t.run.kind == 'working')


def coarse(t, text, words):
    f = t.found
    text.take(r'The grid of these maps is (\d+)x(\d+) cells, below 4 by 4: too coarse to show where the model looks\. '
              r'Border share, entropy and overlap are not measured\. Take a finer layer: LAYER=layer3\.',
              words and t.verdict('places') == 'no', *t.run.grid)


def blank(t, text, said):
    b, bt = t.found['blank'], t.found['blank_true']
    truth = r'; of the true class, in errors: (\d+) of (\d+) \(' + PERCENT + r'\)' if t.errors else ''
    text.take(r'Blank maps of the predicted class: (\d+) of (\d+) \(' + PERCENT + r'\)' + truth + r'\.', said and not t.one_cell, b['count'], t.n,
              100 * b['count'] / t.n, bt['count'], t.errors)


def by_chance(t):
    """Whether the two maps of errors overlap, but no more than one and the mirror image of the other."""
    c = t.found['overlap_chance']
    return (getattr(t, 'overlap_median', 0) > .5 and c['verdict'] is not None and
            not (c['verdict'] == 'yes' and c['count'] > c['of'] / 2))


def few_pairs(t, text, said, spread):
    """What both texts say of them, in the same words."""
    pairs = getattr(t, 'few_pairs', [])
    every = len(pairs) == len(t.pairs)
    holds = 'most frequent pair holds' if len(pairs) == 1 else f'{len(pairs)} most frequent pairs hold'
    text.take(rf'The {holds} (\d+) of (\d+) errors \(' + PERCENT + r'\)\.', said and not every,
              *(t.few_errors, t.errors, 100 * t.few_errors / t.errors) if pairs else ())
    text.take(r'All (\d+) errors are in (\d+) pairs?\.', said and every, t.errors, len(pairs))
    text.take(r'The errors are spread over (\d+) pairs, none of which holds more than ' + PERCENT + r' of them\.', spread,
              len(t.pairs), 100 * t.pairs[0][0] / t.errors if t.pairs else None)


def summary(t, out):
    text, f, n = Text(out, t), t.found, t.n
    v = t.verdict
    many = t.k > 1
    text.take(r'Analysis of a classifier by its errors and its Grad-CAM maps', True)
    frame(t, text)
    text.take(r'Files explorer.html .*most_confused_pairs.csv .*?worst_predictions/class_000_c0.png and 1 more: best and worst '
              r'predictions of a class confused_pair_1_c0_to_c1.png: examples of a confused pair confident_errors_p2.png and 1 more: '
              r'further errors of highest confidence with their maps review_labels_p2.png: further labels to review', True)
    accuracy, chance = percent(f['accuracy']), percent(f['accuracy'], 'baseline')
    doubt(t, text)

    text.take(r'Overall performance Classes (\d+)(?: with images (\d+))? Images (\d+)(?: Ignored, without a label (\d+))?',
              True, t.k, t.with_images, n, t.run.unlabelled)
    text.take(r'There is one class, so every prediction is correct by construction: accuracy, confusions and confidence say '
              r'nothing\.', not many)
    text.take(r'Correct predictions \(accuracy\) (\d+) ' + PERCENT, many, t.correct, accuracy)
    text.take(r'Wrong predictions \(error rate\) (\d+) ' + PERCENT, many, t.errors, 100 * t.errors / n)
    text.take(r'Accuracy by chance ' + PERCENT, many, chance)
    text.take(r'True class in the top-5 (\d+) ' + PERCENT + r' by chance ' + PERCENT, t.k >= 6,
              f['top5'].get('count'), percent(f['top5']), percent(f['top5'], 'baseline'))
    text.take(r'Superclass correct (\d+) ' + PERCENT, t.superclasses, f['superclass'].get('count'), percent(f['superclass']))
    wrong = [c for a, b, c in t.rows if a != b]
    right = [c for a, b, c in t.rows if a == b]
    text.take(r'Mean confidence ' + PERCENT, many, 100 * t.mean_conf if many else None)
    text.take(r'of correct predictions ' + PERCENT, many and right, 100 * sum(right) / len(right) if right else None)
    text.take(r'of wrong predictions ' + PERCENT, many and wrong, 100 * sum(wrong) / len(wrong) if wrong else None)
    text.take(r'Calibration error \(ECE\) ' + PERCENT, many, percent(f['calibration']))
    text.take(r'The 95 % interval of the accuracy is ' + NUMBER + ' to ' + PERCENT + r'\.', many)
    text.take(r'Chance is the accuracy of predictions that do not depend on the image(, with the same number of predictions of '
              r'each class)?\.', many)
    text.take(r'All (\d+) images are predicted as ' + NAME + r'\.', many and max(t.predicted) == n, n)
    text.take(r'The calibration error is the mean distance between confidence and accuracy over equal-width bins of '
              r'confidence; chance alone gives about ' + PERCENT + r' on as many images\.', many,
              percent(f['calibration'], 'baseline'))
    flags, left = f['flagged_labels'], f['accuracy_unflagged']
    judged = flags['verdict'] and v('works') == 'yes'
    text.take(r'label-check flags no label\.', judged and not flags['count'])
    text.take(r'Without the (\d+) images? whose labels? (?:is|are) flagged by label-check \(' + PERCENT + r'\), the accuracy is ' + PERCENT +
              r' \(95 % interval ' + NUMBER + ' to ' + PERCENT + r'\), assuming that all flagged labels are wrong; it cannot be lower than '
              r'with them, since every flagged image is a wrong prediction\.', judged and flags['count'], flags.get('count'),
              percent(flags), percent(left) if flags.get('count') else None,
              *([100 * x for x in wilson(left['count'], left['of'])] if flags.get('count') else []))
    over, under, cal = v('overconfident') == 'yes', v('underconfident') == 'yes', f['calibration']
    judged = v('class_order') != 'yes'
    text.take(r'These images are too few to judge it\.', judged and cal['verdict'] == 'few')
    text.take(r'The model is over-confident in some bins and under-confident in others\.', judged and over and under)
    text.take(r'The model is over-confident\.', judged and over and not under)
    text.take(r'The model is under-confident\.', judged and under and not over)
    text.take(r'It is too small to matter\.', judged and cal['verdict'] == 'no' and cal['p'] < .01)
    text.take(r'It cannot be told from chance\.', judged and cal['verdict'] == 'no' and cal['p'] >= .01)

    # Classes.
    differ = v('classes_differ') == 'yes'
    ranked = differ and t.with_images > 20
    rank = sorted((t.correct_of[c] / t.total[c], c) for c in range(t.k) if t.total[c])
    worst = [c for a, c in rank if a < t.accuracy][:10] if ranked else []
    best = [c for a, c in sorted(rank, key=lambda x: (-x[0], x[1])) if a > t.accuracy][:10] if ranked else []
    for word, classes in ('Worst', worst), ('Best', best):
        title = f'{word} {len(classes)} classes' if len(classes) > 1 else f'{word} class'
        text.take(title, bool(classes))
    text.take(r'Accuracy of the classes', many and not ranked)
    listed = len(worst) + len(best) if ranked else t.with_images if t.with_images <= 20 and many else 0
    text.take(r'Accuracy, correct predictions, 95 % interval, and the most frequent wrong prediction with its count, where '
              r'one occurs more than once:', listed > 0)
    lines = text.take(r'\d+\. (' + NAME + r') +(\d+\.\d) % (\d+) of (\d+) (\d+) to (\d+) %((?: ' + NAME +
                      r'(?: and \d+ more)? \(\d+(?: each)?\))?)', listed > 0)
    if len(lines) != listed:
        text.faults.append(f'expected {listed} classes, found {len(lines)}')
    for m in lines:
        want = top_wrong(t, t.run.names.index(m.group(1)))
        if m.group(7).strip() != want:
            text.faults.append(f'expected the wrong prediction {want!r}, found {m.group()}')
    text.take(r'\d+ more (class has|classes have) the same accuracy as the last\.', listed > 0, must=False)
    text.take(r'The (\d+) classes with images do not differ in accuracy by more than chance\.',
              many and t.with_images > 1 and not differ, t.with_images)
    text.take(r'(\d+) class(?: has|es have) no images\.', many and t.with_images < t.k, t.k - t.with_images)

    # Confusions.
    errors = many and t.errors > 0
    text.take(r'Confusions (\d+) errors? in (\d+) pairs? of a true and a predicted class\.', errors, t.errors, len(t.pairs))
    text.take(r'No pair occurs more than once\.', errors and not t.top)
    text.take(r'The 15 most frequent \(true -> predicted\):', errors and len(t.top) == 15 < len(t.pairs))
    text.take(r'Those that occur more than once \(true -> predicted\):', errors and 0 < len(t.top) < 15 and len(t.top) < len(t.pairs))
    pairs = text.take(r'\d+\. ' + NAME + ' -> ' + NAME + r' (\d+) \(\d+\.\d % of the class\), reverse \d+( same superclass| across)?',
                      errors and bool(t.top))
    if len(pairs) != len(t.top):
        text.faults.append(f'expected {len(t.top)} pairs, found {len(pairs)}')
    meaning = errors and t.k > 2 and len(t.top) > 1
    held = sum(p[0] for p in t.top)
    few = v('few_pairs')
    moved = v('class_order') == 'yes'
    few_pairs(t, text, not moved and few == 'yes' and len(t.few_pairs) < len(t.pairs), not moved and few == 'no' and t.top)
    text.take(r'These (\d+) pairs hold (\d+) of (\d+) errors \(' + PERCENT + r'\)\.', meaning and few != 'yes' and 2 * len(t.top) <= len(t.pairs),
              len(t.top), held, t.errors, 100 * held / t.errors if errors else None)
    groups = t.run.groups
    same = sum(groups[a] == groups[b] for _, a, b in t.top)
    text.take(r'Listed pairs inside one superclass: (\d+) of (\d+) \(' + PERCENT + r'\); across superclasses: (\d+) of (\d+) \(' +
              PERCENT + r'\)\.', meaning and t.superclasses, same, len(t.top), None, len(t.top) - same)
    mutual = sum(2 * t.count.get((b, a), 0) >= c for c, a, b in t.top)
    text.take(r'Listed pairs whose reverse is at least half as frequent: (\d+) of (\d+) \(' + PERCENT + r'\)\.', meaning, mutual,
              len(t.top))
    s = f['same_superclass']
    text.take(r'Errors inside the superclass of the true class: (\d+) of (\d+) \(' + PERCENT + r'\); an even spread of the errors '
              r'of each class over the other classes gives ' + PERCENT + r'\.', s['verdict'] is not None,
              s.get('count'), t.errors, percent(s), percent(s, 'baseline'))
    across = {}
    for k, a, b in t.pairs if s['verdict'] and len(set(groups)) > 2 else []:
        if groups[a] != groups[b]:
            across[groups[a], groups[b]] = across.get((groups[a], groups[b]), 0) + k
    often = sorted(((k, a, b) for (a, b), k in across.items() if k > 1), key=lambda x: (-x[0], x[1:]))
    lines = ''.join(f' {k} group {a} -> group {b}' for k, a, b in often[:5])
    tied = sum(x[0] == often[4][0] for x in often[5:]) if len(often) > 5 else 0
    if tied:
        lines += f' {tied} more pair{"s have" if tied > 1 else " has"} the same count as the last\\.'
    text.take(r'Superclasses that are confused most often \(true -> predicted\):' + lines, bool(often))
    tied = sum(p[0] == t.top[-1][0] for p in t.pairs[len(t.top):]) if t.top else 0
    text.take(r'(\d+) more pairs? ha(?:s|ve) the same count as the last\.', tied, tied)

    # Confidence.
    if text.take(r'Confidence of the errors', errors):
        low = t.band[True][0] + t.band[False][0] > 0
        names = [('Highest (above 90 %)', 3), ('High (above 70 to 90 %)', 2), ('Moderate (above 50 to 70 %)', 1), ('Low (up to 50 %)', 0)]
        for name, band in names:
            k = t.band[False][band]
            text.take(re.escape(name) + r' (\d+) ' + PERCENT, t.k > 2 or band > 0 or low, k, 100 * k / t.errors)
    h = f['highest_errors']
    text.take(r'If the confidences were right, about ' + NUMBER + r' predictions of highest confidence would be wrong\.', errors and t.band[True][3] + t.band[False][3] > 0,
              h['baseline'] * t.errors if errors else None)
    text.take(r'No prediction has the highest confidence\.', errors and t.band[True][3] + t.band[False][3] == 0)
    text.take(r'Correct predictions of low confidence: (\d+) of (\d+) \(' + PERCENT + r'\)\.', errors and (t.k > 2 or t.band[True][0] + t.band[False][0] > 0) and t.correct,
              t.band[True][0] if many else None, t.correct)

    # Maps.
    text.take(r'Grad-CAM maps From the maps of (\d+) images?: (\d+) predicted correctly, (\d+) wrongly\. Where not said '
              r'otherwise, the map is that of the predicted class\.', True, n, t.correct, t.errors)
    blank(t, text, True)
    text.take(r'The comparisons below ignore blank maps\.',
              f['blank']['count'] + f['blank_true']['count'] > 0 and v('places') == 'yes')
    coarse(t, text, True)
    coarse_last = t.run.layer != 'last stage' and t.run.last
    text.take(r'The maps are of layer1, ' + (r'with 4x4 cells, because the last stage has 2x2' if coarse_last else 'a layer before the last stage') +
              r'\. Before the last stage the cells of a margin map do not add up to the difference of the two logits, and maps of two '
              r'classes may lie apart whatever the image shows\.', t.run.layer != 'last stage')
    text.take(r'Fewer than 4 by 4 cells do not show where the model looks; layer1 is the last layer that has as many\. LAYER takes '
              r'another one\.', coarse_last)
    us = f['unstable']
    said = us['verdict'] is not None
    text.take(r'Unstable maps, whose order of cells changes when the image is mirrored or shifted by one pixel \(rank correlation below 0\.5 '
              r'with the map moved back\): (\d+) of (\d+) images?, chosen evenly \(' + PERCENT + '; 95 % interval ' + NUMBER + ' to ' + PERCENT +
              r'\)\.', said, *[us['count'], us['of'], percent(us)] + [100 * x for x in wilson(us['count'], us['of'])] if said else [])
    text.take(r'These are few\.', us['verdict'] == 'few')
    ab = f['at_border']
    text.take(r'Maps at the border, whose outermost ring of cells holds more than the ' + PERCENT + r' of an even map: (\d+) of '
              r'(\d+) \(' + PERCENT + r'\)\.', ab['verdict'] is not None, 100 * ring(*t.run.grid), ab.get('count'), ab.get('of'), percent(ab))
    sides = getattr(t, 'at_border', [[], []])
    text.take(r'Among correct predictions (\d+) of (\d+) \(' + PERCENT + r'\), among wrong ones (\d+) of (\d+) \(' + PERCENT + r'\)\.',
              all(sides) and ab['count'] > 0, *[x for s in sides for x in (sum(s), len(s), 100 * sum(s) / len(s))] if all(sides) else [])
    compared = v('border') is not None
    tested = 0
    for name, head, scale, unit in (('border', r'Border share, the part of the map on its outermost ring of cells \(even map: '
                                     rf'{100 * ring(*t.run.grid):.1f} %\)', 100, ' %'),
                                    ('entropy', r'Entropy \(0: one cell, 1: even over the image\)', 1, ''),
                                    ('off_center', "Distance of the centre of mass from the image's centre, in image sides", 1, '')):
        medians = [scale * m for m in t.median[name]] if compared else [None, None]
        x = f[name]
        text.take(head + ': median ' + NUMBER + unit + r' in correct predictions \((\d+)\), ' + NUMBER + unit +
                  r' in wrong ones \((\d+)\)\.', compared, medians[0], None if not compared else x['of'] - x['count'],
                  medians[1], x.get('count'))
    text.take(r'Diffuse maps \(entropy above 0.9\): \d+ of \d+ correct predictions \([\d.]+ %\), \d+ of \d+ wrong ones '
              r'\([\d.]+ %\)\. Concentrated maps \(entropy below 0.5\): \d+ of \d+ \([\d.]+ %\) and \d+ of \d+ \([\d.]+ %\)\.',
              compared)
    o = f['overlap_high']
    text.take(r'Overlap of the maps of the true and the predicted class in (\d+) errors? \(1: equal, 0: no common cell\): median '
              + NUMBER + r'\. Above 0\.5: (\d+) \(' + PERCENT + r'\)\. Below 0\.2: (\d+) \(' + PERCENT + r'\)\.',
              o['verdict'] is not None, o.get('of'), getattr(t, 'overlap_median', None), o.get('count'), None,
              f['overlap_low'].get('count'))
    ch = f['overlap_chance']
    said = ch['verdict'] is not None
    more = said and ch['count'] > ch['of'] / 2
    text.take(r'Maps overlap by chance, too, where they are spread out or lie in the middle\. To see by how much, the map of the '
              r'predicted class is mirrored, left to right: then the median is ' +
              NUMBER + r'\. As they are, the two maps overlap more than with the one mirrored in (\d+) of (\d+) errors? \(' + PERCENT +
              '; 95 % interval ' + NUMBER + ' to ' + PERCENT + r'\)\.', said,
              *[t.chance[1], ch['count'], ch['of'], percent(ch)] + [100 * x for x in wilson(ch['count'], ch['of'])] if said else [])
    text.take(r'That is too few to compare: 20 are needed\.', ch['verdict'] == 'few')
    text.take(r'That is more than by chance\.', ch['verdict'] == 'yes' and more)
    text.take(r'That is less than by chance\.', ch['verdict'] == 'yes' and not more)
    chances = ch['verdict'] == 'no'
    text.take(r'The map of a correct prediction overlaps its own mirror image by a median of ' +
              NUMBER + r'\.', said and t.chance[0] == t.chance[0], t.chance[0] if said else None)
    text.take(r'Median overlap in errors of highest confidence \((\d+)\): ' + NUMBER + r', in the others \((\d+)\): ' + NUMBER +
              r'\.', v('overlap_confident') is not None)
    kinds = [f[x] for x in ('border', 'entropy', 'off_center', 'overlap_confident') if v(x) is not None]
    # The overlap beside chance is judged in the same words where it is no finding.
    text.take(r'The difference is too small to matter\.', chances and ch['p'] < .01)
    alone = [ch] if chances and ch['p'] >= .01 else []
    for words, condition in (
            (r'Too few to compare: 20 of each are needed\.', lambda x: x['verdict'] == 'few'),
            (r'The difference could be chance \(p = [\d.]+\)\.', None),
            (r'The difference is (too small to matter|small|medium|large): in [\d.]+ % of comparisons the (wrong one|error of '
             r'highest confidence) has the larger value \(p < 0\.01\)\.', None)):
        found = text.take(words, bool(kinds or alone), must=False)
        if condition and len(found) != sum(map(condition, kinds)):
            text.faults.append(f'{words}: {len(found)} times')
        tested += len(found)
        if 'could be' in words:
            tested -= len(alone)
        if 'is (too' in words:
            large = sum(m.group(1) != 'too small to matter' for m in found)
            if large != sum(x['verdict'] == 'yes' for x in kinds):
                text.faults.append(f'differences: {large} are said to matter')
    if tested != len(kinds):
        text.faults.append(f'expected {len(kinds)} sentences on differences, found {tested}')
    z = f['zero_true']
    text.take(r'Maps of the true class that are mostly zero, in more than half of their cells: (\d+) of (\d+) in errors \(' +
              PERCENT + r'\)' + ('' if z.get('baseline') is None else '; of the predicted class in correct predictions: ' + PERCENT) +
              r'\.', z['verdict'] is not None, z.get('count'), z.get('of'), None, percent(z, 'baseline'))
    tu = f['turned']
    said = tu['verdict'] is not None
    text.take(r'Check of the margin maps: when the 4 cells of the last stage that favour the wrong class most are deleted, (\d+) of (\d+) errors? \(' + PERCENT +
              '; 95 % interval ' + NUMBER + ' to ' + PERCENT + r'\) turns? to the true class; with as many by chance ' + PERCENT +
              ', with those nearest the centre ' + PERCENT + r'\. A cell is deleted by setting its features to 0\.', said,
              *[tu['count'], tu['of'], percent(tu)] + [100 * x for x in wilson(tu['count'], tu['of'])] +
              [percent(tu, 'baseline'), 100 * t.turned_center] if said else [])
    text.take(r'That is too few to judge: 20 errors are needed\.', tu['verdict'] == 'few')
    text.take(r'That is more than by chance: many of these errors depend on these cells\. A cell of the last stage sees far beyond its place in the '
              r'image, so the place alone need not be the cause\.', tu['verdict'] == 'yes')
    told = tu['verdict'] == 'no' and tu['p'] < .01
    text.take(r'That is more than by chance, but less than twice its odds\.', told)
    text.take(r'That could be chance \(p = ' + NUMBER + r'(?:e-?\d+)?\)\.', tu['verdict'] == 'no' and not told, tu.get('p'))
    text.take(r"Differences are judged by the rank test of Mann and Whitney \(level 0\.01, corrected by Holm's method\) and by the "
              r'share of comparisons in which the one value is larger: .*?\(Vargha and Delaney\)\.',
              any(x['verdict'] in ('yes', 'no') for x in kinds))
    return text.end()


# What a recommendation measured: what it counts, and its baseline.
MEASURED = dict(
    accuracy=('predictions (?:is|are) correct', 'chance:'), class_order=('images (?:is|are) predicted as another order of the classes says', None),
    same_superclass=('errors (?:is|are) inside superclasses', 'an even spread:'), weak_classes=('errors (?:is|are) in these classes', None),
    few_pairs=('errors (?:is|are) in pairs that were chosen on other images', 'an even spread:'), one_way=('tested pairs of classes', None),
    overpredicted=('classes', None), calibration=('calibration error', 'chance alone:'),
    temperature_ece=('calibration error with the temperature', 'without it:'),
    flagged_labels=('labels (?:is|are) flagged', 'expected if the confidences are right:'),
    highest_errors=('errors (?:has|have) the highest confidence', 'expected if the confidences are right:'),
    reject_low=('remaining predictions (?:is|are) correct', 'of all predictions:'),
    border=('of comparisons in which the wrong prediction has the larger border share', 'without a difference:'),
    entropy=('of comparisons in which the wrong prediction has the larger entropy', 'without a difference:'),
    overlap_high=('errors (?:has|have) maps that overlap by more than half', 'tested against:'),
    overlap_low=('errors (?:has|have) maps that lie apart', 'tested against:'))
COUNTED = ('accuracy class_order same_superclass weak_classes few_pairs one_way overpredicted flagged_labels highest_errors reject_low '
           'overlap_high overlap_low').split()


def about(number):
    """A number to expect, in words; halves round either way."""
    return 'less than 1' if number < 1 else 'about (?:%s)' % '|'.join(sorted({str(math.floor(number + .5 + d)) for d in (-1e-6, 1e-6)}))


def measured(t, name):
    """The sentence on what was measured, and its numbers."""
    f, (what, baseline) = t.found[name], MEASURED[name]
    base = f.get('baseline', dict(overlap_low=.25).get(name, .5)) if baseline else None
    base_words = [baseline + ' ' + PERCENT] if base is not None else []
    if name not in COUNTED:
        value, interval = f['value'], [r'95 % interval [\d.]+ to [\d.]+ %'] if name == 'temperature_ece' else []
        rest = '; '.join(interval + base_words)
        return PERCENT + ' ' + what + rf' \({rest}\)\.', [100 * value] + ([100 * base] if base is not None else [])
    values, interval = [f['count'], f['of']], []
    if name in ('one_way', 'overpredicted'):
        return rf'(\d+) of (\d+) {what}\.', values
    if name == 'class_order' and abs(f['value'] - f['count'] / f['of']) > 1e-12:
        interval = [r'95 % interval ' + NUMBER + ' to ' + PERCENT]
    else:
        interval = [PERCENT + r', 95 % interval ' + NUMBER + ' to ' + PERCENT]
        values.append(100 * f['count'] / f['of'])
    values += [100 * x for x in wilson(f['count'], f['of'])]
    rest = '; '.join(interval + base_words)
    return rf'(\d+) of (\d+) {what} \({rest}\)\.', values + ([100 * base] if base is not None else [])


def what_to_do(t, text, order, broken, few_images, doubtful):
    """Only what a finding of this text asks for, by errors: (errors, finding, lists, what to do, when it worked, numbers)."""
    f, v, n = t.found, t.verdict, t.n
    if t.k == 1:
        return
    asks = []

    def ask(condition, errors, finding, lists, do, worked, *values):
        if condition:
            asks.append((errors, len(asks), finding, lists, do, worked, values))

    def fewer(name):
        return math.floor(wilson(f[name]['count'], f[name]['of'])[0] * f[name]['of'])

    errors, accuracy = t.errors, 100 * t.accuracy
    if t.run.options:
        ask(True, 1e9, 'accuracy', ['data/run.tsv'], r'Run the model again with --mean [\d.,]+ --std [\d.,]+\.',
            'the accuracy rises above ' + PERCENT + r', the upper end of its interval\.', 100 * wilson(t.correct, n)[1])
    elif order:
        ask(True, f['class_order']['count'], 'class_order', ['most_confused_pairs.csv', 'per_class_accuracy.csv'], r'Correct the class order\.',
            'about ' + PERCENT + r' of the predictions are correct, instead of ' + PERCENT + r'\.', percent(f['class_order']), accuracy)
    elif broken and few_images:
        ask(True, 1e9, 'accuracy', [], r'Use more images\.', r'the accuracy can be told from chance\.')
    elif broken:
        chance = f['accuracy']['baseline']
        ask(True, 1e9, 'accuracy', ['data/run.tsv'],
            r'Check the labels, the class order and that the last layer is trained\.' if t.run.fit and t.run.fit[0] == 'g' else
            r'Check how the network is read: its constants, its architecture, the class order\.',
            'the accuracy is above ' + PERCENT + r'\.', 100 * (chance + .1 * (1 - chance)))
    elif doubtful:
        ask(True, 1e9, 'accuracy', ['data/run.tsv'], r'Check that the images are prepared as in the training\.',
            'the fit is good and the accuracy rises above ' + PERCENT + r', the upper end of its interval\.', 100 * wilson(t.correct, n)[1])
    if t.works:
        s, h, oh, ol, c = f['same_superclass'], f['highest_errors'], f['overlap_high'], f['overlap_low'], f['calibration']
        ask(s['verdict'] == 'yes', s.get('count'), 'same_superclass', ['most_confused_pairs.csv'], r'Train with the superclass in the loss\.',
            r'fewer than (\d+) errors are inside superclasses \(now (\d+); the limit is the lower end of the 95 % interval\) and the accuracy is not lower\.',
            *([fewer('same_superclass'), s['count']] if s['verdict'] == 'yes' else []))
        flags = f['flagged_labels']
        if flags['verdict'] == 'yes':
            ask(True, flags['count'] - round(flags['baseline'] * n), 'flagged_labels', ['review_labels.tsv', 'review_labels.png'],
                r'Review the flagged labels from the first on, and stop where hardly any is wrong\.',
                r'clearly more labels are wrong among the first of the list than among as many images drawn at random\.')
        left = h.get('count', 0) - t.highest_flagged
        apart = t.highest_flagged > 0 and flags['verdict'] == 'yes'
        one = (left if apart else h.get('count')) == 1
        do = (r'Review the error of highest confidence whose label is not flagged: why is the model so confident\?' if one else
              r'Look for what the errors of highest confidence whose labels are not flagged have in common\.') if apart else \
            'Review the ' + ('error' if one else 'errors') + r' of highest confidence: is the label wrong, or the model\?'
        ask(h['verdict'] == 'yes' and not (apart and left == 0), left if apart else h.get('count'), 'highest_errors',
            ['confident_errors.csv', 'confident_errors.png'], do,
            'after the correction of labels or model ' + (about(h['baseline'] * errors) if h['verdict'] else '') +
            r' of the errors have the highest confidence, as the confidences say\.')
        over, under = v('overconfident') == 'yes', v('underconfident') == 'yes'
        warm = v('temperature') if over or under else None
        mean = percent(c)
        ask(over != under and not warm, 0, 'calibration', [], r'Fit a temperature to held-out images: heatpipe calibrate --logits\.',
            'the calibration error of other images is below ' + PERCENT + r', and no prediction changes\.', mean)
        if warm == 'yes':
            ask(True, 0, 'temperature_ece', ['data/calibration.tsv'],
                rf'Divide the logits by the temperature {t.run.temperature:.3f}: cifar-predict --temperature {t.run.temperature:.3f}, or '
                rf'heatpipe --temperature {t.run.temperature:.3f} for the whole analysis\.', 'the calibration error of other images is about ' + PERCENT +
                ' instead of ' + PERCENT + r', and no prediction changes\.', 100 * t.run.ece_after, mean)
        k = f['reject_low']
        ask(k['verdict'] == 'yes', 0, 'reject_low', ['data/findings.tsv'],
            r'Reject predictions of low confidence \(up to 50 %\) where an error costs more than no prediction\.',
            'of other images, too, about ' + PERCENT + r' of the predictions that remain are correct\.',
            *([100 * k['count'] / k['of']] if k['verdict'] else []))
        places = v('places') == 'yes' and errors > 0
        compared = places and v('border') in ('yes', 'no')
        d, e = f['border'], f['entropy']
        median = t.median if compared else None
        if compared and d['verdict'] == 'yes' and d['value'] > .5 and not unstable(f['unstable']):
            ask(True, -1, 'border', ['data/cam_stats.tsv'], r'Train with stronger crops\.', 'the median border share of wrong predictions, '
                'now ' + PERCENT + ', is that of correct ones, ' + PERCENT + r'\.', 100 * median['border'][1], 100 * median['border'][0])
        if compared and e['verdict'] == 'yes' and not unstable(f['unstable']):
            ask(True, -1, 'entropy', ['data/cam_stats.tsv'],
                r'Train with a larger input or a last stage of higher resolution\.' if e['value'] > .5 else r'Train with random erasing or cutout\.',
                'the median entropy of the maps of wrong predictions, now ' + NUMBER + ', is that of correct ones, ' + NUMBER + r'\.',
                median['entropy'][1], median['entropy'][0])
        blunt = places and by_chance(t)
        if oh['verdict'] == 'yes' and not blunt and not unstable(f['unstable']):
            ask(True, oh['count'], 'overlap_high', ['data/cam_stats.tsv'], r'Train for finer features: a larger input, a last stage of higher '
                r'resolution, or longer\.', r'fewer than (\d+) errors have maps that overlap by more than half \(now (\d+); the limit is the lower end of the 95 % interval\)\.',
                fewer('overlap_high'), oh['count'])
        ask(ol['verdict'] == 'yes', ol.get('count'), 'overlap_low', ['data/cam_stats.tsv'], r'Count the images with several objects among '
            r'the \d+ errors? whose two maps lie apart\.', r'most of them have several objects: then give them several labels, or count '
            r'any of these as correct\.')
        if t.weak:
            one = len(t.weak) == 1
            ask(True, f['weak_classes']['count'], 'weak_classes', ['per_class_accuracy.csv'],
                r'Give more weight or images to the ' + ('class' if one else rf'{len(t.weak)} classes') + r' below 50 %\.',
                ('it has' if one else 'they have') + r' fewer than (\d+) errors \(now (\d+); the limit is the lower end of the 95 % interval\) and the other classes lose less than ' +
                ('it wins' if one else 'they win') + r'\.', fewer('weak_classes'), f['weak_classes']['count'])
        if v('few_pairs') == 'yes':
            one, pairs = len(t.few_pairs) == 1, len(t.few_pairs)
            do = (rf'Correct the pair {NAME} -> {NAME} with more images of both classes\.' if one else rf'Correct the {pairs} ' +
                  ('confused' if pairs == len(t.pairs) else 'most frequent') + r' pairs with more images of their classes\.')
            ask(True, t.few_errors, 'few_pairs', ['most_confused_pairs.csv'], do, ('it has' if one else 'they have') +
                r' fewer than (\d+) errors \(now (\d+); the limit is the lower end of the 95 % interval\) and the accuracy is not lower\.',
                math.floor(wilson(t.few_errors, errors)[0] * errors), t.few_errors)
        if v('one_way') == 'yes' and errors:
            ask(True, sum(x[0] for x in t.one_way), 'one_way', ['most_confused_pairs.csv'], r'Compare the training images of both classes of '
                r'the pairs that are confused in one direction, and even out what differs\.',
                r'the rates of both directions no longer differ by more than chance\.')
        if t.over and errors:
            wrong, one = sum(t.predicted[c] - t.correct_of[c] for c in t.over), len(t.over) == 1
            ask(True, wrong, 'overpredicted', ['per_class_accuracy.csv'], r'Lower the prior of the ' +
                ('over-predicted class' if one else rf'{len(t.over)} over-predicted classes') + r'\.', ('its' if one else 'their') +
                r' wrong predictions, now (\d+), fall by more than the errors of the other classes rise\.', wrong)

    text.take(r'What to do(?: By the number of errors that they are about or, where it is given, of those beyond what is expected; '
              r'an error may be counted in several\. Change one thing at a time\.)?' + (r' No recommendation follows from these measurements\.' if not asks else ''), True)
    for number, (errors, _, finding, lists, do, worked, values) in enumerate(sorted(asks, key=lambda x: (-x[0], x[1])), 1):
        said, numbers_of = measured(t, finding)
        group = 'Confidences only' if errors == 0 and finding in ('calibration', 'temperature_ece', 'reject_low') else \
            'Before all else' if errors == 1e9 else 'Errors not counted' if errors < 0 else \
            rf"{f['flagged_labels']['count']} errors? \({errors} more than expected\)" if finding == 'flagged_labels' else rf'{errors} errors?'
        if finding == 'highest_errors' and t.run.flagged is not None:
            left = f[finding]['count'] - t.highest_flagged
            said += (rf" label-check flags {'none' if left else 'all'} of these {f[finding]['count']}\."
                     if f[finding]['count'] > 1 and (left == 0 or t.highest_flagged == 0) else
                     rf" label-check does not flag {left} of these {f[finding]['count']}\.")
        lists = [name for name in lists if name in FILES]
        text.take(rf'{number}\. {group}: {do} Measured: {said}' + (f' List: {re.escape(", ".join(lists))}' if lists else '') +
                  ' It worked if ' + worked, True, *numbers_of, *values)
    if len(re.findall(r'It worked if', text.all)) != len(asks):
        text.faults.append(f'expected {len(asks)} recommendations')
    text.take(r'The 95 % interval of the accuracy is ' + NUMBER + r' points wide on (\d+) images?: on another set of images, a smaller '
              r'gain could be luck\.', t.works, None, n)


def recommendations(t, out):
    text, f, n, v = Text(out, t), t.found, t.n, t.verdict
    many = t.k > 1
    works = t.works
    errors = works and t.errors > 0
    frame(t, text)
    text.take(r'^ ?Recommendations', True)
    text.take(r'There is one class, so every prediction is correct by construction: nothing can be recommended\.', not many)
    accuracy, chance = percent(f['accuracy']), percent(f['accuracy'], 'baseline')
    text.take(r'From (\d+) images? with (\d+) errors? \(accuracy ' + PERCENT + r'\)\. Each recommendation rests on the measurement '
              r'that it names\.', many, n, t.errors, accuracy)
    text.take(r"What could be chance is no finding: tests have the level 0\.01, corrected for their number by Holm's method\.",
              works)
    text.take(r'A ceiling is the gain in accuracy if all of its errors went away and no other came\.', errors)

    # The model does not work.
    order = v('class_order') == 'yes' and not t.run.options
    text.take(r'\d+\. Class order', order)
    text.take(r'The model and the labels order the classes differently: in (\d+) of (\d+) classes with images most images are '
              r'predicted as one other class, a different one for each\.', order and t.moved, len(t.moved),
              t.with_images)
    text.take(r'The model and the labels order the classes differently: (\d+) of (\d+) images \(' + PERCENT + r'\) are predicted '
              r'as the class at the same distance from theirs\.', order and not t.moved, f['class_order'].get('count'), n)
    minus = 2 * t.offset > t.k
    text.take(rf'The predicted class ID is the true one {"minus" if minus else "plus"} (\d+), modulo (\d+)\.', order and t.offset,
              t.k - t.offset if minus else t.offset, t.k)
    text.take(r'With the classes renamed accordingly, ' + PERCENT + r' of the predictions would be correct instead of ' + PERCENT + r'\.', order,
              percent(f['class_order']), accuracy)
    moves = text.take(r'(' + NAME + ') -> (' + NAME + r'): (\d+) of (\d+)(?: and (\d+) more)?', bool(t.moved))
    if len(t.moved) > 10 and moves[-1].group(5) != str(len(t.moved) - 10):
        text.faults.append(f'of {len(t.moved)} moved classes: {moves[-1].group()}')
    for m, (a, b) in zip(moves, sorted(t.moved.items())):
        if [m.group(1), m.group(2)] != [t.run.names[a], t.run.names[b]]:
            text.faults.append(f'expected {a} -> {b}, found {m.group()}')
    if len(moves) != min(len(t.moved), 10):
        text.faults.append(f'{len(moves)} of {len(t.moved)} moved classes')
    text.take(r'Give the names in the order in which the model was trained \(--names of cifar-predict\), and check that the labels '
              r'count the classes from the same number in the same order \(--labels\)\.', order)
    text.take(r'\d+\. Mean, std and architecture - The model is run in another way than it was trained, as far as its BatchNorm '
              r'running statistics tell\. Run it again with --mean [\d.,]+ --std [\d.,]+\.', many and t.run.options)
    broken = many and v('works') != 'yes' and not order and not t.run.options
    few = v('accuracy') == 'few'
    text.take(r'\d\. More images', broken and few)
    right = bool(t.run.fit) and t.run.fit[0] == 'g'
    text.take(r'\d\. Labels and class order', broken and not few and right)
    text.take(r'\d\. The network and its constants', broken and not few and not right)
    head = r'The accuracy, ' + PERCENT + r' \((\d+) of (\d+)\), @ chance \(' + PERCENT + r'; exact binomial test, p (?:= [\d.]+|< 0\.0001)\)\.'
    for words, condition in (('cannot be told, on so few images, from', few),
                             ('is hardly better than', not few and many and accuracy > chance),
                             ('is not better than', not few and many and accuracy <= chance)):
        text.take(head.replace('@', words), broken and condition, accuracy, t.correct, n, chance)
    text.take(r'All (\d+) images are predicted as ' + NAME + r'\.', broken and n > 1 and max(t.predicted) == n, n)
    misread, fit = broken and not few, t.run.fit
    text.take(r'The network or its constants are probably misread\.', misread and not right)
    text.take(r'Nothing was measured that could speak for or against this: the images were not compared with BatchNorm statistics\.',
              misread and not fit)
    text.take(r'The labels, the class order or the last layer are probably not those of the training\. The network and its constants '
              r'seem right: the images fit the BatchNorm statistics of the training \(good: KL divergence 0.0075 nats\)\.', misread and right)
    text.take(r'The probe speaks for this: the images do not fit the BatchNorm statistics of the training \((?:bad|doubtful): KL '
              r'divergence 0.8 nats\)\.', misread and fit and not right)
    low = broken and (not few or accuracy <= chance)
    text.take(r'Check, in this order:', low and not few)
    text.take(r'If the accuracy stays so low, check in this order:', low and few)
    reading = (r'the mean and std of the pixels: --mean and --std must be those of the training; - of a state dict, the inferred '
               r'architecture, above all the stem: model-info --probe DATA compares the interpretations, --assume sets one')
    labels = (r'the class order: --names and --labels must be those of the training; - that the checkpoint is of a trained model and '
              r'for these classes')
    text.take(labels + '; - ' + reading + r'\.', low and right)
    text.take(reading + '; - ' + labels + r'\.', low and not right)
    doubtful = works and not order and fit and fit.startswith('bad')
    text.take(r'\d\. Mean, std and architecture - The images do not fit the BatchNorm statistics of the training \(bad: KL divergence '
              r'0.8 nats\), and no other interpretation that was tried fits better\. What follows holds for the model as it was run '
              r'here\. Check how the images were resized, cropped and normalised in the training; model-info --probe DATA shows which '
              r'layers differ\.', doubtful)
    what_to_do(t, text, order, broken, few, doubtful)
    text.take(r'Nothing else is recommended until this is settled: every other measurement depends on it\.', many and not works)
    if not works:
        return text.end()

    text.take(r'There is no error among (\d+) images: the 95 % interval of the accuracy begins at ' + PERCENT + r'\. To learn from '
              r'errors, use more images, or harder ones\.', not t.errors, n)

    # Similar classes.
    s = f['same_superclass']
    text.take(r'\d+\. Similar classes', s['verdict'] is not None)
    text.take(r'No finding\. Errors inside the superclass of the true class: (\d+) of (\d+) \(' + PERCENT + r'\); an even spread '
              r'gives ' + PERCENT + r'\.', s['verdict'] == 'no', s.get('count'), t.errors, None, percent(s, 'baseline'))
    same = s['verdict'] == 'yes'
    text.take(r'(\d+) of (\d+) errors \(' + PERCENT + r'\) stay inside the superclass of the true class; an even spread '
              r'gives ' + PERCENT + r'\. In these the model finds the superclass and misses the class\.', same, s.get('count'), t.errors,
              percent(s), percent(s, 'baseline'))
    text.take(r'Try a second output or a loss for the superclass, hard negatives from the same superclass, or a last stage of '
              r'higher resolution\.' + (r' The margin maps on the sheets show which part of the image decides between two classes\.'
                                        if t.run.layer == 'last stage' else '') + r' Ceiling: ' + NUMBER + r' points\.', same,
              100 * s['count'] / n if same else None)
    text.take(r'Most confused inside superclasses, both ways together:( \d+ ' + NAME + ' and ' + NAME + r' \(\d+ \+ \d+\))+', same)

    # Labels.
    flags = f['flagged_labels']
    text.take(r'\d+\. Labels\b', flags['verdict'])
    text.take(r'Flagged labels: too few images, (\d+) where 20 are needed\.', flags['verdict'] == 'few', n)
    expected = flags['baseline'] * n if flags['verdict'] else None
    text.take(r'No finding: label-check flags (\d+) of (\d+) labels?\. If the confidences are right, ' + (about(expected) if flags['verdict'] else '') +
              r' are to be expected: no more than chance\.', flags['verdict'] == 'no', flags.get('count'), n)
    text.take(r'label-check flags (\d+) of (\d+) labels \(' + PERCENT + r'\): the model gives another class at least the probability that images with its label have on average\. If the confidences are '
              r'right, about (\d+) are to be expected; the other (\d+) are wrong labels, or errors of which the model is too confident\. '
              r'Without these images the accuracy is ' + PERCENT + r', if all of these labels are wrong\.', flags['verdict'] == 'yes',
              flags.get('count'), n, percent(flags), expected and round(expected), expected and flags['count'] - round(expected),
              percent(f['accuracy_unflagged']) if flags['verdict'] else None)
    text.take(r'Listed in review_labels\.tsv, the most suspicious first; up to 100 are drawn in review_labels\.png and review_labels_p2\.png\. '
              r'The list ends with the last flagged label\.',
              flags['verdict'] in ('yes', 'no') and flags['count'])
    given = [t.rows[i][0] for i in t.run.flagged or []]
    often = sorted(((k, a) for a in set(given) for k in [given.count(a)] if k > 1), key=lambda x: (-x[0], x[1]))
    lines = ''.join(f' {k} {t.run.names[a]}' for k, a in often[:5]) + (f' and {len(often) - 5} more' if len(often) > 5 else '')
    text.take(r'Labels of which more than one is flagged:' + lines, flags['verdict'] == 'yes' and often)

    # Confidence.
    text.take(r'\d+\. Confidence\b', True)
    h = f['highest_errors']
    text.take(r'Errors of highest confidence \(above 90 %\): none of (\d+) errors?\.', h['verdict'] and not h['count'] and t.band[True][3], t.errors)
    text.take(r'No prediction has the highest confidence \(above 90 %\)\.', h['verdict'] and not h['count'] and not t.band[True][3])
    text.take(r'Errors of highest confidence \(above 90 %\), no finding: (\d+) of (\d+) errors?\. If the confidences were right, ' +
              (about(h['baseline'] * t.errors) if h['verdict'] else '') + r' would be: no more than chance\.',
              h['verdict'] == 'no' and h['count'], h.get('count'), t.errors)
    high = h['verdict'] == 'yes'
    one = high and h['count'] == 1
    text.take(r'(\d+) of (\d+) errors? \(' + PERCENT + r'\) ' + ('has' if one else 'have') + r' the highest confidence \(above 90 '
              r'%\), by more than chance: if the confidences were right, ' + (about(h['baseline'] * t.errors) if high else '') +
              r' would\. Look at ' + ('it' if one else 'each') + r': is the label wrong, or the model\?' +
              ('' if t.run.flagged is None else ' label-check ' + ('flags' if t.highest_flagged else 'does not flag') + r' it\.' if one else
               rf' label-check flags {t.highest_flagged} of them\.'), high, h.get('count'), t.errors, percent(h))
    text.take(r'Ceiling: ' + NUMBER + r' points, whether labels or predictions are corrected\.', high,
              100 * h['count'] / n if high else None)
    listed, drawn = h.get('count', 0), min(h.get('count', 0), DRAWN)
    text.take(r'Listed in confident_errors\.csv' + (rf', the first {drawn} with' if drawn < listed else ', with') +
              (r' its map' if listed == 1 else r' their maps') + r' in confident_errors\.png and confident_errors_p2\.png to '
              r'confident_errors_p3\.png\.', listed > 0)
    highest = [a for a, b, c in t.rows if a != b and c > .9]
    often = {a: highest.count(a) for a in set(highest) if highest.count(a) > 1}
    found = text.take(r'True classes with more than one of them:((?: \d+ ' + NAME + r')+)(?: and (\d+) more)?', high and often)
    for m in found:
        listed = re.findall(r'(\d+) (' + NAME + ')', m.group(1))
        want = [(str(k), t.run.names[a]) for a, k in sorted(often.items(), key=lambda x: (-x[1], x[0]))]
        if listed != want[:5] or (m.group(2) or '0') != str(len(want) - len(listed)):
            text.faults.append(f'expected {want}, found {m.group()}')
    c = f['calibration']
    over, under = v('overconfident') == 'yes', v('underconfident') == 'yes'
    text.take(r'Calibration: too few images, (\d+) where 20 are needed\.', c['verdict'] == 'few', n)
    for words, condition in ('is too small to matter', c['p'] < .01), ('could be chance', c['p'] >= .01):
        text.take(r'Calibration, no finding: the calibration error is ' + PERCENT + r', where chance alone gives about ' + PERCENT +
                  r' on as many images: it ' + words + r'\.', c['verdict'] == 'no' and condition, percent(c), percent(c, 'baseline'))
    tail = r': the calibration error is ' + PERCENT + r', chance alone gives about ' + PERCENT + r' \(mean confidence ' + PERCENT + \
        r', accuracy ' + PERCENT + r'\)\.'
    for words, condition in (('over-confident in some bins of confidence and under-confident in others', over and under),
                             ('over-confident', over and not under), ('under-confident', under and not over)):
        text.take(r'The model is ' + words + tail, condition, percent(c), percent(c, 'baseline'), 100 * t.mean_conf, accuracy)
    for side, condition, sign in ('over', over, 1), ('under', under, -1):
        if not condition:
            continue
        bins = [(sum(sign * (c - r) for c, r in b), i, b) for i, b in t.bins.items()]
        bins = [(d, i, b) for d, i, b in bins if d > 0]
        part = max(bins, key=lambda x: (x[0], -x[1]), default=None)
        gap = max((x for x in bins if len(x[2]) >= 20), key=lambda x: (x[0] / len(x[2]), -x[1]), default=None)
        of = rf', {side}-confident' if over and under else ''
        for words, at in ([(rf'Largest part and largest gap of the calibration error{of}', part)] if part and gap == part else
                          [(rf'Largest part of the calibration error{of}', part), (rf'Largest gap in a bin of at least 20 images{of}', gap)]):
            b = at[2] if at else [(0, 0)]
            text.take(words + r': (\d+) to (\d+) % \((\d+) images?, confidence ' + PERCENT + ', accuracy ' + PERCENT + r'\)', at,
                      *((at[1] - 1) * 100 / 15, at[1] * 100 / 15) if at else (None, None), len(b),
                      100 * sum(c for c, _ in b) / len(b), 100 * sum(r for _, r in b) / len(b))
    warm = v('temperature') if over or under else None
    text.take(r'One temperature lowers or raises all confidences: it cannot correct both\.', over and under and not warm)
    after = t.run.ece_after * 100 if warm else None
    text.take(r'Divide the logits by one temperature, fitted on held-out images \(Guo et al\., 2017\)\. It changes confidences, not '
              r'predictions\.', over != under and not warm)
    ends = [end for end in t.run.spread if None not in t.run.spread] if warm else []
    for interval, there in ((r'95 % interval (\d\.\d\d\d) to (\d\.\d\d\d); ', ends), ('', not ends)):
        text.take(r'Divide the logits by the temperature (\d\.\d\d\d) \(' + interval + r'Guo et al\., 2017\)\. On images that it was not '
                  r'fitted to, the calibration error is then ' + PERCENT + r'\. It changes confidences, not predictions\.',
                  warm == 'yes' and there, t.run.temperature if warm else None, *(ends if interval else []), after)
    text.take(r'One temperature does not help: at the most likely one, (\d\.\d\d\d), the calibration error is ' + PERCENT + r' on images '
              r'that it was not fitted to\.',
              warm == 'no', t.run.temperature if warm else None, after)
    k = f['reject_low']
    kept = 100 * k['count'] / k['of'] if k['verdict'] else None
    text.take(r'Where an error costs more than no prediction, reject those of low confidence \(up to 50 %\): (\d+) of (\d+) '
              r'predictions remain \(' + PERCENT + r'\), and ' + PERCENT + r' of them are correct instead of ' + PERCENT + r'\. '
              r'In data/findings\.tsv these numbers are the row reject_low\.', k['verdict'] == 'yes', k.get('of'), n, None, kept, accuracy)
    worse = k['verdict'] == 'no' and kept <= accuracy
    text.take(r'Rejecting predictions of low confidence, no finding: it does not raise the accuracy here\. ' + PERCENT +
              r' of the others are correct, of all ' + PERCENT + r'\.', worse, kept, accuracy)
    for words, condition in ('is too small to matter', k.get('p', 1) < .01 and not worse), ('could be chance', k.get('p', 1) >= .01 and not worse):
        text.take(r'Rejecting predictions of low confidence, no finding: ' + PERCENT + r' of the others are correct instead of ' +
                  PERCENT + r', a difference that ' + words + r'\.', k['verdict'] == 'no' and condition, kept, accuracy)

    # Attention.
    text.take(r'\d+\. Attention', True)
    b, bt = f['blank'], f['blank_true']
    some = b['count'] > 0 or bt['count'] > 0
    some = some and not t.one_cell
    text.take(r'Blank maps, no finding: none for (\d+) images?\.', not some and not t.one_cell, n)
    blank(t, text, some)
    text.take(r'A blank map does not show where the model looks\. The margin map may: it is not cut off at zero\.',
              some and v('places') != 'no')
    text.take(r'This run used SCORE=prob: SCORE=logit may leave fewer blank\.', some and t.run.score == 'prob')
    coarse(t, text, True)
    places = v('places') == 'yes' and t.errors > 0
    compared = places and v('border') in ('yes', 'no')
    us = f['unstable']
    text.take(r"In (\d+) of (\d+) images \(" + PERCENT + r"\) the order of the map's cells changes when the image is mirrored or shifted by "
              r"one pixel\. Such maps are no reason to train in another way\.", places and unstable(us), us.get('count'), us.get('of'), percent(us))
    text.take(r'Correct and wrong predictions are not compared: 20 maps of each that are not blank are needed, found (\d+) '
              r'and (\d+)\.', places and not compared)
    d, e = f['border'], f['entropy']
    more = compared and d['verdict'] == 'yes' and d['value'] > .5
    text.take(r'The maps of wrong predictions lie more on the border of the image \(median ' + PERCENT + ' against ' + PERCENT +
              r' in correct ones\)\.' + ('' if unstable(us) else r' Try stronger crops and shifts, or paste objects on other backgrounds\.'), more,
              100 * t.median['border'][1] if more else None, 100 * t.median['border'][0] if more else None)
    less = compared and d['verdict'] == 'yes' and not more
    text.take(r'Border, no finding: the maps of wrong predictions ' + ('lie less on it' if less else 'are not shown to lie more on it') +
              r' \(median ' + PERCENT + ' against ' + PERCENT + r' in correct ones\)\. ' + (difference(d) if compared else ''),
              compared and not more, None, None, d['p'] if compared and d['p'] >= .01 else None)
    wide = compared and e['verdict'] == 'yes'
    text.take(r'The maps of wrong predictions are more diffuse \(median entropy ' + NUMBER + ' against ' + NUMBER + r'\): more of '
              r'the image contributes\.' + ('' if unstable(us) else r' Try a larger input or a last stage of higher resolution\.'), wide and e['value'] > .5)
    text.take(r'The maps of wrong predictions are more concentrated \(median entropy ' + NUMBER + ' against ' + NUMBER + r'\): fewer '
              r'cells decide\.' + ('' if unstable(us) else r' Try random erasing or cutout\.'), wide and e['value'] < .5)
    text.take(r'Entropy, no finding: the maps of wrong predictions are not shown to be more diffuse or more concentrated \(median '
              r'entropy ' + NUMBER + ' against ' + NUMBER + r' in correct ones\)\. ' + (difference(e) if compared else ''),
              compared and not wide, None, None, e['p'] if compared and e['p'] >= .01 else None)
    oh, ol = f['overlap_high'], f['overlap_low']
    blunt = places and by_chance(t)
    text.take(r'Overlap: too few errors whose two maps are not blank, (\d+) where 20 are needed\.', oh['verdict'] == 'few',
              oh.get('of'))
    start = r'In (\d+) of (\d+) errors \(' + PERCENT + r'\) '
    text.take(start + r'the maps of the true and the predicted class overlap by more than half, but no more than with '
              r'one of them mirrored, left to right \(median ' + NUMBER + r'\): that says nothing about the image\. The maps of an earlier stage, which has more cells, '
              r'may tell more' + (r' \(LAYER=layer3\)\.' if t.run.layer == 'last stage' else r'\.'), oh['verdict'] in ('yes', 'no') and blunt,
              oh.get('count'), oh.get('of'), percent(oh), t.chance[1] if blunt else None)
    text.take(start + r'the maps of the true and the predicted class overlap by more than half: the model looks at the same part of '
              r'the image for both\.' + ('' if unstable(us) else r' Features that tell the classes apart may help these, crops will hardly\.'),
              oh['verdict'] == 'yes' and not blunt, oh.get('count'), oh.get('of'))
    text.take(start + r'the two maps lie apart \(overlap below 0\.2\)\. Look there for images with several objects, of which the '
              r'label names one\.', ol['verdict'] == 'yes', ol.get('count'), ol.get('of'))
    text.take(r'Several objects, no finding: in (\d+) of (\d+) errors \(' + PERCENT + r'\) the two maps lie apart \(overlap below '
              r'0\.2\); more than 25 % would be a reason\.', ol['verdict'] == 'no', ol.get('count'), ol.get('of'))
    text.take(r'Several objects, not judged: at a layer before the last stage the maps of two classes may lie apart whatever the '
              r'image shows\.', t.run.layer != 'last stage' and oh['verdict'] in ('yes', 'no'))
    z = f['zero_true']
    text.take(start + r'the map of the true class is mostly zero; that of the predicted class is in ' + PERCENT + r' of the correct '
              r'predictions\. The model finds little that supports the true class\.', z['verdict'] == 'yes', z.get('count'),
              z.get('of'))

    # Classes.
    weak = errors and t.with_images > 1
    text.take(r'\d+\. Worst classes', weak)
    text.take(r'No finding: no class with images has an accuracy below 50 %\.', weak and not t.weak and not t.below_half)
    few = v('weak_classes') == 'few'
    text.take(r'No finding: (\d+) class(?: has|es have) an accuracy below 50 %, but the classes do not differ by more than chance\.',
              weak and not t.weak and t.below_half and not few, t.below_half)
    below = [c for c in range(t.k) if c not in t.moved and 2 * t.correct_of[c] < t.total[c]]
    text.take(r'The classes differ in accuracy by more than chance \(p < 0\.01\), and (\d+) class(?: has|es have) an accuracy below 50 '
              r'%\. At ' + NUMBER + r' images each on average no single one can be named: none differs from the other classes after '
              r'correction for (\d+) tests?\.', few, t.below_half, sum(t.total[c] for c in below) / max(len(below), 1),
              getattr(t, 'classes_tested', 0))
    text.take(r'(\d+) class(?: has|es have) an accuracy below 50 % and, by more than chance, below that of the other classes; (?:it '
              r'has|they have) (\d+) errors?:', weak and t.weak, len(t.weak), f['weak_classes'].get('count'))
    lines = text.take(NUMBER + ' % (' + NAME + ')(?:, most frequent wrong prediction: (' + NAME +
                      r'(?: and \d+ more)? \(\d+(?: each)?\)))?( and \d+ more)?', bool(t.weak), must=False)
    if len(lines) != min(len(t.weak), 10):
        text.faults.append(f'{len(lines)} of {len(t.weak)} weak classes')
    for m in lines:
        want = top_wrong(t, t.run.names.index(m.group(2)))
        if (m.group(3) or '') != want:
            text.faults.append(f'expected the wrong prediction {want!r}, found {m.group()}')
    rest = [c for c in range(t.k) if c not in t.weak]
    others = sum(t.correct_of[c] for c in rest) / max(sum(t.total[c] for c in rest), 1)
    text.take(r'Give ' + ('this class' if len(t.weak) == 1 else 'these classes') + r' more or better images, or more weight in the '
              r'loss\. At the accuracy of the other classes \(' + PERCENT + r'\) ' + ('it' if len(t.weak) == 1 else 'they') +
              r' would add ' + NUMBER + r' points\.', weak and t.weak, 100 * others,
              100 * sum(others * t.total[c] - t.correct_of[c] for c in t.weak) / n)

    # Patterns.
    text.take(r'\d+\. Patterns', errors)
    p = f['few_pairs']
    few = p['verdict']
    text.take(r'Pairs: too few errors \((\d+)\) to tell whether a few pairs hold most of them\.', few == 'few', t.errors)
    few_pairs(t, text, few == 'yes', few == 'no')
    text.take(r'Correcting pair by pair gains little\.', few == 'no' and 10 * t.pairs[0][0] < t.errors)
    named = t.few_pairs if few == 'yes' else []
    it, them = ('it holds', 'it') if len(named) == 1 else ('they hold', 'them')
    lists = ' '.join(rf'{k} {t.run.names[a]} -> {t.run.names[b]}' for k, a, b in named[:10])
    lists += f' and {len(named) - 10} more' if len(named) > 10 else ''
    text.take(r'Chosen on one half of the images, ' + it + ' ' + PERCENT + r' of the errors of the other half; an even spread over the '
              r'(\d+) possible pairs gives ' + PERCENT + r'\. Correct ' + them + ' first: ' + lists, few == 'yes',
              100 * p['count'] / p['of'] if few else None, getattr(t, 'possible', None), percent(p, 'baseline') if few else None)
    text.take(r'Ceiling: ' + NUMBER + r' points\.', few == 'yes', 100 * t.few_errors / n if named else None)
    w = f['one_way']
    none = 'the one pair of classes tested is not' if w.get('of') == 1 else r'none of the (\d+) pairs of classes tested is'
    text.take(r'One-way confusions, no finding: ' + none + r' confused more often in one direction than in the other by more than '
              r'chance\.', errors and w['verdict'] == 'no', w.get('of'))
    found = text.take(r'One-way confusions: of these pairs of classes, one direction has a higher rate than the other by more than '
                      r'chance\. Compare how many training images the two classes have, and how varied they are:((?: \d+, reverse \d+: ' + NAME + ' -> ' + NAME + r')+)',
                      errors and w['verdict'] == 'yes')
    if found and len(re.findall('reverse', found[0].group())) != len(t.one_way):
        text.faults.append('one-way confusions are missing')
    text.take(r'Over-predicted classes, no finding: no class is predicted at least 1\.25 times as often as it occurs and by '
              r'more than chance\.', errors and not t.over)
    text.take(r'Over-predicted classes, by more than chance and at least 1\.25 times as often as they occur\. A lower prior or '
              r'fewer repeats in training would help the other classes; a class that does not occur can be excluded:', t.over)
    lines = text.take(NAME + r': (\d+) predictions? for (\d+) images?, (\d+) wrong( and \d+ more)?', bool(t.over))
    if [int(m.group(1)) for m in lines] != [t.predicted[c] for c in t.over][:10]:
        text.faults.append('over-predicted classes differ')
    return text.end()


def sentences(text):
    """The words of a text, of its plain form or its Markdown, without layout."""
    text = re.sub(r'<!-- -->', '', text).replace('&lt;', '<').replace('&gt;', '>').replace('&amp;', '&')
    text = re.sub(r'\\([\\`*_\[\]|~$^{}.)+=-])', r'\1', text)
    text = re.sub(r'^ *(#+ |-{3,}$|={3,}$|`{3,}$)', '', text, flags=re.M)
    return re.sub(r'\s+', ' ', text).strip()


def value(field):
    return None if field == 'NA' else float(field)


def other_forms(summary_text, advice_text, findings_table, markdown, out):
    """What Markdown and JSON hold is what the texts and the table of findings hold."""
    about = summary_text.index('\nAbout this run')
    whole = summary_text[:about] + '\n' + advice_text[:advice_text.index('\nAbout this run')] + summary_text[about:]
    if sentences(markdown) != sentences(whole):
        yield 'Markdown holds other words than the texts'
    if markdown.count('```') % 2:
        yield 'Markdown: a fence is open'
    data = json.loads(out, parse_constant=lambda c: 1 / 0)
    header, *rows = [line.split('\t') for line in findings_table.splitlines()]
    seen = {}
    for row in (dict(zip(header, r)) for r in rows):
        name = row['name']
        if row['class'] == 'NA':
            got = data['findings'][name]
        else:
            got = data['findings'][name]['items'][seen.get(name, 0)]
            seen[name] = seen.get(name, 0) + 1
            if str(got['class']) != row['class'] or str(got.get('to', 'NA')) != row['to']:
                yield f'JSON: {name}: another class than {row}'
        for key in ('value', 'count', 'of', 'low', 'high', 'baseline', 'p'):
            if got[key] != value(row[key]):
                yield f'JSON: {name}: {key} is {got[key]}, in the table {row[key]}'
        if (got['verdict'] or 'NA') != row['verdict'] or (','.join(map(str, got['examples'])) or 'NA') != row['examples']:
            yield f'JSON: {name}: {got}, in the table {row}'
    words = sentences(advice_text)
    for i, r in enumerate(data['recommendations'], 1):
        said = f'{r["do"]} Measured: {r["measured"]}' + (f' List: {", ".join(r["list"])}' if r['list'] else '') + f' It worked if {r["it_worked_if"]}'
        if f'{i}. ' not in words or said not in words:
            yield f'JSON: a recommendation that the text does not have: {said}'
        if data['findings'][r['finding']]['verdict'] not in ('yes', 'no', 'few'):
            yield f'JSON: a recommendation without a finding: {r}'
    if len(data['recommendations']) != words.count('It worked if'):
        yield 'JSON: recommendations are missing'
    for part, text in (('summary', sentences(summary_text)), ('sections', words)):
        for section in data[part]:
            for line in section['text'] + [section['title'] or '']:
                if line not in text:
                    yield f'JSON: {part}: a sentence that the text does not have: {line}'


def pages(t, bars, explorer):
    for page, html in ('bars', bars), ('explorer', explorer):
        plain = re.sub(r'<(script|style).*?</\1>|<[^>]*>', ' | ', html, flags=re.S)
        yield from (f'{page}: {fault}' for fault in numbers(plain))
        for name in re.findall(r'(?:href|src)="([^"#]+)"', html):
            if name not in FILES:
                yield f'{page}: links a file that is not there: {name}'
        if ('top-5' in html) != (t.k >= 6):
            yield f'{page}: top-5 of {t.k} classes'
        if 'About this run' not in html:
            yield f'{page}: where the run comes from'
        boxes = re.findall('<p class="warning"><b>Warning:</b> (.*?)</p>', html)
        text = Text(' '.join(boxes).replace('&nbsp;', ' '), t)
        text.take(r'The pixel constants do not fit: .*? Try --mean 0,0,0\.', t.run.kind == 'working')
        doubt(t, text)
        yield from (f'{page}: {fault}' for fault in text.end())


def one(kind, classes, verdicts):
    r = make.Run(kind, classes, 1)
    r.write()
    make.table('files.tsv', ['file'], [[name] for name in FILES])
    for name in 'summary', 'classes', 'pairs', 'groups':
        with open(f'{name}_table.tsv', 'w') as f:
            f.write(run('confmat', '--names', 'classes.tsv', f'--{name}', 'predictions.tsv'))
    tables = [w for name in ('summary', 'classes', 'pairs', 'groups') for w in (f'--{name}', f'{name}_table.tsv')]
    tables += '--predictions predictions.tsv --cam cam_stats.tsv --run run.tsv --files files.tsv --errors drawn.tsv'.split()
    with open('drawn.tsv', 'w') as f:
        f.write(run('worst-k', '--by', 'all', '--errors', 'highest', '--count', str(DRAWN), 'predictions.tsv'))
    if r.mends:
        tables += ['--calibration', 'calibration.tsv']
    if r.flagged is not None:
        tables += ['--label-check', 'label_check.tsv']
    if r.stability is not None:
        tables += ['--stability', 'stability.tsv']
    if r.turned is not None:
        tables += ['--turned', 'turned.tsv']
    truth = Truth(r)
    for name, finding in truth.found.items():
        verdicts.setdefault(name, set()).add(finding['verdict'])
    few = truth.found['few_pairs']['verdict'], len(getattr(truth, 'few_pairs', []))
    if kind in PAIRS and few[0] and few[:len(PAIRS[kind])] != PAIRS[kind]:
        yield f'few_pairs: expected {PAIRS[kind]}, found {few}'
    if kind in PAIRS and kind.startswith(('dominant', 'all_in')) and truth.found['class_order']['verdict'] != 'no':
        yield 'class_order: expected the verdict no: one or a few pairs are no order'
    findings, text, advice, markdown, data = (run('report', form, *tables) for form in
                                              ('findings', 'summary', 'recommendations', 'markdown', 'json'))
    yield from compare(truth, findings)
    yield from (f'summary: {x}' for x in summary(truth, text))
    yield from (f'recommendations: {x}' for x in recommendations(truth, advice))
    yield from other_forms(text, advice, findings, markdown, data)
    run('report', 'explorer', '--out', 'page.html', *tables)
    with open('page.html') as f:
        yield from pages(truth, run('report', 'bars', *tables), f.read())


def main():
    """Besides: every finding has to have been found, and not, and a sentence said, in some run."""
    verdicts, folder = {}, os.getcwd()
    for classes, kinds in KINDS.items():
        for kind in kinds.split():
            with tempfile.TemporaryDirectory(dir=folder) as work:
                os.chdir(work)
                for fault in one(kind, classes, verdicts):
                    print(f'{kind}, {classes} classes: {fault}')
                os.chdir(folder)
    for name, found in sorted(verdicts.items()):
        for verdict in ('yes', 'no'):
            if verdict not in found and name not in ['superclass', 'accuracy_unflagged'] + ELSEWHERE:
                print(f'no run has the verdict {verdict} for {name}')


if __name__ == '__main__':
    main()
