"""Runs of a classifier as its programs would write them, from a seed and a kind.

Each kind is one way in which a text can go wrong. Rows follow cifar-predict, statistics of
maps cam-compute, as heatpipe-tsv(5) and their pages define them; nothing is shared with the
programs. confmat and worst-k make the other tables.
"""
import math
import random

PREDICTIONS = ('id true pred correct conf p_true rank_true margin entropy loss true_name pred_name '
               'true_group pred_group').split()
STATS = ('id target class raw_max raw_min sum bias zero_share blank saturation entropy center_x center_y '
         'border_share overlap overlap_chance').split()


class Run:
    """Classes, rows (id, true, pred, conf) and maps of a run."""

    def __init__(self, kind, classes, seed):
        self.kind, self.classes = kind, classes
        self.random = random.Random(f'{kind} {classes} {seed}')
        self.names = [f'class {i} of a data set with long names, the {i}th' if classes == 1000 else f'c{i}'
                      for i in range(classes)]
        size = 5 if classes >= 10 else 2
        self.groups = [i // size for i in range(classes)] if classes >= 3 else [None] * classes
        self.unlabelled = 0
        self.score, self.grid, self.finer, self.layer, self.options = 'logit', (4, 4), None, 'last stage', None
        self.last = None
        self.fit = self.random.choice([None, 'good: KL divergence 0.0075 nats', 'doubtful: KL divergence 0.8 nats', 'bad: KL divergence 0.8 nats'])
        self.rows = []
        getattr(self, kind)()
        self.maps = [self.draw(row) for row in self.rows]
        self.chance = self.cross()

    # --- kinds ---

    def fill(self, counts, predict, confidence):
        for true, n in enumerate(counts):
            for _ in range(n):
                pred = predict(true)
                self.rows.append((true, pred, confidence(true == pred)))
        self.random.shuffle(self.rows)

    def even(self):
        per_class = {1: 60, 2: 200, 3: 150, 5: 120, 10: 60, 100: 20, 1000: 3}[self.classes]
        return [per_class] * self.classes

    def other(self, true):
        return (true + self.random.randrange(1, self.classes)) % self.classes if self.classes > 1 else true

    def near(self, true):
        """Another class, of the same superclass in most cases."""
        group = [c for c, g in enumerate(self.groups) if g == self.groups[true] and c != true]
        return self.random.choice(group) if group and self.random.random() < .7 else self.other(true)

    def mostly(self, accuracy):
        return lambda true: true if self.random.random() < accuracy else self.near(true)

    def floor(self):
        """The most confident class has at least 1 / classes."""
        return 1 / self.classes

    def conf(self, low, high):
        """From low to high, as far as the number of classes allows."""
        low, high = max(low, self.floor()), max(high, self.floor())
        return lambda correct: round(self.random.uniform(low, high), 6)

    def calibrated(self, counts, accuracy_of=lambda conf: conf, low=.3):
        """Predictions that are correct as often as a function of the confidence says."""
        for true, n in enumerate(counts):
            for _ in range(n):
                conf = self.conf(low, 1)(True) if self.classes > 1 else 1.
                correct = self.classes == 1 or self.random.random() < accuracy_of(conf)
                self.rows.append((true, true if correct else self.near(true), conf))
        self.random.shuffle(self.rows)

    def working(self):
        self.calibrated(self.even())

    def chance(self):
        self.fill(self.even(), lambda true: self.random.randrange(self.classes), self.conf(.5, 1))

    def constant(self):
        self.fill(self.even(), lambda true: self.classes - 1, self.conf(.9, 1))

    def no_error(self):
        self.fill(self.even(), lambda true: true, self.conf(.97, 1))

    def no_error_under(self):
        self.fill(self.even(), lambda true: true, self.conf(.75, .95))

    def all_errors(self):
        self.fill(self.even(), self.other, self.conf(.4, 1))

    def permuted(self):
        self.fill(self.even(), lambda true: (true + 1) % self.classes if self.random.random() < .9 else self.other(true),
                  self.conf(.6, 1))

    def shuffled(self):
        to = list(range(self.classes))
        while self.classes > 2 and any(a == b for a, b in enumerate(to)):
            self.random.shuffle(to)
        self.fill(self.even(), lambda true: to[true] if self.random.random() < .9 else self.other(true), self.conf(.6, 1))

    def swapped(self):
        """Two of the classes change places."""
        swap = {0: 1, 1: 0} if self.classes > 1 else {}
        self.fill(self.even(), lambda true: swap.get(true, true) if self.random.random() < .9 else self.other(true),
                  self.conf(.6, 1))

    def empty(self):
        """Every other class has no image, one of these is predicted for four in ten."""
        counts = [n if i % 2 == 0 else 0 for i, n in enumerate(self.even())]
        ghost = 1 % self.classes
        self.fill(counts, lambda true: ghost if self.random.random() < .43 else self.mostly(.9)(true), self.conf(.4, 1))

    def single(self):
        self.fill([1] * self.classes, self.mostly(.7), self.conf(.4, 1))

    def single_permuted(self):
        self.fill([1] * self.classes, lambda true: (true + 1) % self.classes, self.conf(.4, 1))

    def unbalanced(self):
        """The first class has most of the images, and all rates of confusion are alike."""
        counts = [max(n // (i + 1), 2) for i, n in enumerate(self.even())]
        counts[0] *= 8
        self.fill(counts, self.mostly(.8), self.conf(.5, 1))

    def pair(self):
        """One pair holds nearly all errors."""
        self.calibrated(self.even())
        self.rows = [(t, t, c) for t, _, c in self.rows]
        if self.classes > 1:
            n = sum(self.even()) // self.classes
            self.rows += [(0, 1, round(max(self.random.uniform(.4, 1), self.floor()), 6)) for _ in range(n)]
            self.rows += [(self.random.randrange(self.classes), None, .6) for _ in range(15)]
            self.rows = [(t, self.other(t) if p is None else p, max(c, self.floor())) for t, p, c in self.rows]

    def in_pairs(self, counts):
        """These errors in as many pairs, of all true and predicted classes; the rest is correct."""
        pairs = [(t, p) for t in range(self.classes) for p in range(self.classes) if t != p]
        self.random.shuffle(pairs)
        self.fill(self.even(), lambda true: true, self.conf(.5, 1))
        for n, (t, p) in zip(counts, pairs):
            self.rows += [(t, p, self.conf(.4, .95)(False)) for _ in range(n)]
        self.random.shuffle(self.rows)

    def dominant(self):
        self.in_pairs([1000] + 15 * [1])

    def dominant_two(self):
        self.in_pairs([510, 490] + 15 * [1])

    def all_in_one(self):
        self.in_pairs([40])

    def all_in_five(self):
        self.in_pairs([30, 29, 28, 27, 26])

    def even_pairs(self):
        self.in_pairs(16 * [30])

    def six_pairs(self):
        self.in_pairs(6 * [30])

    def quarter(self):
        """Fifteen pairs hold a little more than a quarter."""
        self.in_pairs(15 * [10] + 400 * [1])

    def some_pairs(self):
        """Eight of twenty, as frequent as each other."""
        self.in_pairs(8 * [40] + 12 * [5])

    def sparse(self):
        self.in_pairs([2] + 24 * [1])

    def scattered(self):
        self.in_pairs(24 * [1])

    def doubles(self):
        """More frequent in these images, but not in each half of them."""
        self.in_pairs(12 * [2] + 2 * [1])

    def nine(self):
        self.in_pairs([9] + 13 * [1])

    def most_pairs(self):
        """Four of six: they hold nearly all errors, but are not few."""
        self.in_pairs([40, 38, 36, 34, 3, 3])

    def doubtful(self):
        """Half of the errors in one pair, and too few of them."""
        self.in_pairs([11, 3, 3, 2, 2, 1])

    def one_error(self):
        self.in_pairs([1])

    def two_errors(self):
        self.in_pairs([2])

    def over(self):
        self.calibrated(self.even(), lambda conf: .5 + .3 * conf, .9)

    def under(self):
        self.calibrated(self.even(), lambda conf: .95, .5)

    def both(self):
        """Too confident where it is confident, too little where it is not: the mean is right."""
        self.calibrated(self.even(), lambda conf: .65 + (.33 if conf < .6 else -.33), .3)

    def weak(self):
        """The last class is hardly ever recognised."""
        last = self.classes - 1
        self.fill(self.even(), lambda true: self.mostly(.1 if true == last else .9)(true), self.conf(.5, 1))

    def coarse(self):
        self.grid, self.finer = self.random.choice([(1, 1), (2, 2), (3, 3), (2, 7)]), 'layer3'
        self.calibrated(self.even())

    def blank(self):
        self.score = 'prob'
        self.calibrated(self.even())

    def diffuse(self):
        self.calibrated(self.even())

    def apart(self):
        self.calibrated(self.even())

    def earlier(self):
        """Maps of an earlier layer lie apart, whatever the images show."""
        self.layer, self.last = 'layer1', self.random.choice([None, '2x2'])
        self.calibrated(self.even())

    def better(self):
        """The checkpoint fits with other options: errors say nothing of the model."""
        self.options = '--mean 0.5,0.5,0.5 --std 0.2,0.2,0.2'
        self.calibrated(self.even())

    def doubtless(self):
        """A hundred errors of highest confidence among few."""
        self.fill(self.even(), self.mostly(.6), self.conf(.9, 1))

    def alike(self):
        self.fill(self.even(), self.mostly(.6), self.conf(.5, 1))

    def few(self):
        self.fill([3 if i == 0 else 0 for i in range(self.classes)], self.mostly(.6), self.conf(.4, 1))

    def partly(self):
        """Some images have no label."""
        self.calibrated(self.even())
        self.unlabelled = 17

    # --- maps ---

    def one_map(self, spots):
        h, w = self.grid
        cells = [self.random.uniform(-.6, .4) for _ in range(h * w)]
        for y, x in spots:
            cells[y % h * w + x % w] += 2 * self.random.random()
        if self.kind == 'blank' or self.random.random() < .02:
            cells = [-abs(c) for c in cells]
        return cells

    def draw(self, row):
        """The maps of the true and of the predicted class."""
        true, pred, conf = row
        if self.kind == 'diffuse':
            return [[self.random.uniform(.8, 1) for _ in range(16)] for _ in range(2)]
        if self.kind in ('apart', 'earlier'):
            # Of errors in two corners, the true class's map with few cells; of others in all rows.
            corners = [[max(self.random.gauss(0, 1), 0) * (y == at) for y in range(4) for _ in range(4)] for at in (0, 3)]
            return corners if true != pred else [[self.random.random() + .1 for _ in range(16)]] * 2
        if self.kind == 'alike':
            # The more confident, the more alike.
            one = [self.random.random() ** 4 for _ in range(16)]
            return [[c + (1.2 - conf) * self.random.random() ** 4 for c in one] if true != pred else one, one]
        spot = [(self.random.randrange(1, 3), self.random.randrange(1, 3)) for _ in range(3)]
        if true == pred:
            one = self.one_map(spot)
            return one, one
        edge = [(0, self.random.randrange(4)), (3, self.random.randrange(4))]
        return self.one_map(spot), self.one_map(spot + edge)

    def cross(self):
        """The overlap of the map of the true class and that of the predicted class of another image,
        which was predicted as correctly: the next one in a random order."""
        chance = [None] * len(self.rows)
        for correct in (False, True):
            ids = [i for i, (t, p, _) in enumerate(self.rows) if (t == p) == correct]
            random.Random(len(ids)).shuffle(ids)
            for i, j in zip(ids, ids[1:]):
                chance[i] = overlap(self.maps[i][0], self.maps[j][1])
        return chance

    # --- tables ---

    def write(self):
        table('classes.tsv', 'class name group group_name'.split(),
              [[i, name, g, None if g is None else f'group {g}']
               for i, (name, g) in enumerate(zip(self.names, self.groups))])
        table('predictions.tsv', PREDICTIONS,
              [self.prediction(i, *row) for i, row in enumerate(self.rows)] +
              [self.prediction(len(self.rows) + i, None, 0, 1.) for i in range(self.unlabelled)])
        self.write_calibration()
        self.write_labels()
        table('cam_stats.tsv', STATS, [s for i in range(len(self.rows)) for s in self.statistics(i)])
        self.write_turned()
        self.write_stability()
        facts = dict(version='1', date='2026-01-01T00:00:00Z', checkpoint='model.pth', architecture='ResNet-34',
                     layer=self.layer, method='gradcam', score=self.score, map_size='%dx%d' % self.grid,
                     finer_layer=self.finer, last_stage_size=self.last, better_fit=self.options, fit=self.fit)
        rows = list(facts.items())
        if self.kind == 'working':
            rows.append(('warning', 'The pixel constants do not fit: .02 nats where .004 is usual. Try --mean 0,0,0.'))
        table('run.tsv', ['name', 'value'], rows)

    def write_stability(self):
        """What cam-compute --stability would tell of some images: two correlations, or none of a blank map."""
        draw = random.Random(f'stability {self.kind} {self.classes} {len(self.rows)}')
        ids = [i for i in range(len(self.rows)) if draw.random() < draw.choice([.05, .3])]
        low = draw.choice([.4, .6])
        self.stability = None if draw.random() < .3 or min(self.grid) < 4 else [
            (i, None, None) if draw.random() < .1 else (i, draw.uniform(low, 1), draw.uniform(low, 1)) for i in ids]
        if self.stability is not None:
            table('stability.tsv', 'id target mirror_corr shift_corr'.split(), [[i, 'pred', a, b] for i, a, b in self.stability])

    def write_turned(self):
        """What cam-score --errors would tell: errors that turn often, as by chance, hardly, or nothing."""
        draw = random.Random(f'turned {self.kind} {self.classes} {len(self.rows)}')
        share = draw.choice([None, .5, .15, .1, 0])
        self.turned = None
        if share is None or min(self.grid) < 4:
            return
        self.turned = [[int(draw.random() < share), draw.choice([0, .05, .2]), draw.choice([0, .1])] for t, p, _ in self.rows if t != p]
        ids = [i for i, (t, p, _) in enumerate(self.rows) if t != p]
        table('turned.tsv', 'id map true pred turned_1 turned_2 turned_4 turned_8 turned cells'.split(),
              [[i, word, *self.rows[i][:2], 0, 0, v, 1, 1, None] for i, values in zip(ids, self.turned)
               for word, v in zip(('margin', 'random', 'center'), values)])

    def write_labels(self):
        """What label-check would tell of runs with logits: many, some or no flags, each image flagged by
        the same chance."""
        draw = random.Random(f'labels {self.kind} {self.classes} {len(self.rows)}')
        flags = draw.choice([None, 'many', 'some', 'none']) if self.classes > 1 and self.rows else None
        self.flagged = None
        if not flags:
            return
        share = dict(many=.6, some=.3, none=0.)[flags]
        errors = [i for i, (t, p, _) in enumerate(self.rows) if t != p]
        flagged = {i for i in errors if draw.random() < share}
        self.p_flagged = dict(many=.3137, some=1., none=.1)[flags] * len(flagged) / len(self.rows)
        ranked = list(range(len(self.rows)))
        draw.shuffle(ranked)
        ranked.sort(key=lambda i: i not in errors)
        self.flagged = [i for i in ranked if i in flagged]
        table('label_check.tsv', 'rank id true suggested score flagged reason p_true p_suggested p_flagged true_name suggested_name'.split(),
              [[rank, i, self.rows[i][0], self.rows[i][1] if i in errors else (self.rows[i][0] + 1) % self.classes, 1 - rank / 1e5, int(i in flagged),
                'confident' if i in flagged else 'likelier' if i in errors else 'agrees', .1, .8, self.p_flagged, 'a', 'b']
               for rank, i in enumerate(ranked, 1)])

    def write_calibration(self):
        """What calibrate would tell, of runs with logits: a temperature that helps, one that does
        not, one that chance explains, or none."""
        draw = random.Random(f'temperature {self.kind} {self.classes} {len(self.rows)}')
        self.mends = draw.choice([None, 'helps', 'harms', 'chance', 'none']) if self.rows else None
        if not self.mends:
            return
        bins = {}
        for true, pred, conf in self.rows:
            bins.setdefault(max(math.ceil(conf * 15), 1), []).append(conf - (true == pred))
        n, ece = len(self.rows), sum(abs(sum(b)) for b in bins.values()) / len(self.rows)
        t = None if self.mends == 'none' else draw.uniform(.4, 3)
        after = None if t is None else ece * {'helps': .3, 'harms': 1.4, 'chance': .9}[self.mends]
        change = None if t is None else after - ece
        self.temperature, self.ece_after = t, after
        high = None if t is None else {'helps': change / 2, 'harms': .02, 'chance': .01}[self.mends]
        spread = [None, None] if t is None else [t - .1, None if draw.random() < .3 else t + .2]
        self.spread = spread
        table('calibration.tsv', 'measure value low high'.split(), [
            ['images', n, None, None], ['errors', sum(t != p for t, p, _ in self.rows), None, None],
            ['ece', ece, 0., 1.], ['temperature', t] + spread, ['ece_after', after] + ([None] * 2 if t is None else [0., 1.]),
            ['ece_change', change, None if t is None else change - .1, high],
            ['nll_change', None if t is None else -.1, None if t is None else -.2, None if t is None else 0.]])

    def prediction(self, i, true, pred, conf):
        rest = (1 - conf) / max(self.classes - 1, 1)
        correct = true == pred
        group = self.groups[pred]
        entropy = -sum(p * math.log(p) * n for p, n in ((conf, 1), (rest, self.classes - 1)) if p > 0)
        if true is None:
            return [i, None, pred, None, conf, None, None, conf - rest, entropy, None, None, self.names[pred], None,
                    group]
        p_true = conf if correct else rest
        rank = 1 if correct else 2 + i % max(self.classes - 1, 1)
        return [i, true, pred, int(correct), conf, p_true, rank, conf - rest, entropy,
                -math.log(p_true) if p_true > 0 else 100., self.names[true], self.names[pred], self.groups[true], group]

    def statistics(self, i):
        true, pred, conf = self.rows[i]
        maps = self.maps[i]
        both = overlap(*maps)
        coarse = min(self.grid) < 4
        for target, cls, cells, p in (('true', true, maps[0], None), ('pred', pred, maps[1], conf)):
            m = measure(cells, *self.grid)
            places = [m['zero_share'], m['blank'], None if p is None else 1 - p, m['entropy'], m['x'], m['y'],
                      m['border'], both, self.chance[i]]
            if coarse:
                places = [None, m['blank'], places[2]] + 6 * [None]
            if p is None:
                places[2] = conf if true != pred else 1 - conf
            yield [i, target, cls, max(cells), min(cells), sum(cells), None] + places


def measure(cells, h, w):
    kept = [max(c, 0) for c in cells]
    mass = sum(kept)
    m = dict(zero_share=sum(c == 0 for c in kept) / len(kept), blank=int(mass == 0 or len(set(cells)) == 1), entropy=None, x=None, y=None,
             border=None)
    if m['blank']:
        return m
    q = [c / mass for c in kept]
    m['x'] = sum(v * (i % w + .5) for i, v in enumerate(q)) / w
    m['y'] = sum(v * (i // w + .5) for i, v in enumerate(q)) / h
    m['border'] = sum(v for i, v in enumerate(q) if i % w in (0, w - 1) or i // w in (0, h - 1))
    if len(q) > 1:
        m['entropy'] = max(0, -sum(v * math.log(v) for v in q if v > 0)) / math.log(len(q))
    return m


def overlap(a, b):
    a, b = [max(c, 0) for c in a], [max(c, 0) for c in b]
    if sum(a) == 0 or sum(b) == 0:
        return None
    return sum(min(x / sum(a), y / sum(b)) for x, y in zip(a, b))


def text(v):
    return 'NA' if v is None else '%.9g' % v if isinstance(v, float) else str(v)


def table(name, header, rows):
    with open(name, 'w', newline='\n') as f:
        for row in [header] + rows:
            f.write('\t'.join(map(text, row)) + '\n')


KINDS = [name for name in ('working chance constant no_error no_error_under all_errors permuted shuffled swapped empty '
                           'single single_permuted unbalanced pair over under both weak coarse blank few '
                           'diffuse apart earlier better doubtless alike partly dominant dominant_two all_in_one all_in_five even_pairs one_error two_errors').split()]
