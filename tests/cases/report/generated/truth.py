"""What a generated run shows, counted from its rows and maps another way than report does:
the findings of report(1) with their conditions."""
import bisect
import math

from make import overlap, measure

NAN = float('nan')
LEVEL = .01
ELSEWHERE = ('slices columns_with_errors columns_with_class duplicates accuracy_without_duplicates duplicates_two_labels '
             'training_images accuracy_without_training_images').split()


def log_choose(n, k):
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def tail(k, n, q):
    """Probability of at least k of n."""
    if k <= 0 or q >= 1:
        return 1.
    if q <= 0:
        return 0.
    at_least = [math.exp(log_choose(n, i) + i * math.log(q) + (n - i) * math.log1p(-q)) for i in range(k, n + 1)]
    return min(math.fsum(at_least), 1)


def holm(p):
    order, most, out = sorted(range(len(p)), key=lambda i: p[i]), 0, [0] * len(p)
    for i, at in enumerate(order):
        most = max(most, min((len(p) - i) * p[at], 1))
        out[at] = most
    return out


def upper(z):
    return math.erfc(z / math.sqrt(2)) / 2


def wilson(k, n):
    if n == 0:
        return 0, 1
    z = 1.959963984540054
    centre, half = (k + z * z / 2) / (n + z * z), z / (n + z * z) * math.sqrt(k * (n - k) / n + z * z / 4)
    return max(centre - half, 0), min(centre + half, 1)


def larger_share(k1, n1, k2, n2):
    pooled = (k1 + k2) / (n1 + n2)
    sd = math.sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n2))
    return upper((k1 / n1 - k2 / n2) / sd) if sd > 0 else 1


def chi_square(x, df):
    if x <= 0:
        return 1
    return upper(((x / df) ** (1 / 3) - (1 - 2 / 9 / df)) / math.sqrt(2 / 9 / df))


def rank_test(a, b):
    """Probability that a value of b is the larger, and p: values in steps of 0.0001."""
    a, b = sorted(round(v * 1e4) for v in a), sorted(round(v * 1e4) for v in b)
    u = sum(bisect.bisect_left(a, v) + bisect.bisect_right(a, v) for v in b) / 2
    ties = {}
    for v in a + b:
        ties[v] = ties.get(v, 0) + 1
    n, m = len(a), len(b)
    total = n + m
    variance = n * m / 12 * (total + 1 - sum(t ** 3 - t for t in ties.values()) / (total * (total - 1)))
    away = max(abs(u - n * m / 2) - .5, 0)
    return u / (n * m), 2 * upper(away / math.sqrt(variance)) if variance > 0 else 1


def median(v):
    v = sorted(round(x * 1e4) for x in v)
    return (v[(len(v) - 1) // 2] + v[len(v) // 2]) / 2e4 if v else NAN


def first_half(i):
    mask = (1 << 64) - 1
    x = (i + 0x9e3779b97f4a7c15) & mask
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9 & mask
    x = (x ^ x >> 27) * 0x94d049bb133111eb & mask
    return (x ^ x >> 31) & 1


def yes(holds):
    return 'yes' if holds else 'no'


class Truth:
    def __init__(self, run):
        self.run, self.rows, self.k, self.n = run, run.rows, run.classes, len(run.rows)
        self.count = {}
        for t, p, _ in self.rows:
            self.count[t, p] = self.count.get((t, p), 0) + 1
        self.total, self.predicted, self.correct_of = [0] * self.k, [0] * self.k, [0] * self.k
        for (t, p), n in self.count.items():
            self.total[t] += n
            self.predicted[p] += n
            self.correct_of[t] += n if t == p else 0
        self.correct = sum(self.correct_of)
        self.errors = self.n - self.correct
        self.accuracy = self.correct / self.n
        self.with_images = sum(n > 0 for n in self.total)
        self.pairs = sorted(((n, t, p) for (t, p), n in self.count.items() if t != p),
                            key=lambda x: (-x[0], x[1], x[2]))
        self.top = [p for p in self.pairs if p[0] > 1][:15]
        groups = run.groups
        sizes = {g: groups.count(g) for g in groups}
        self.superclasses = None not in sizes and len(sizes) > 1 and max(sizes.values()) > 1
        self.found, self.items = {}, {}
        for find in (self.find_accuracy, self.find_order, self.find_classes, self.find_superclasses, self.find_pairs,
                     self.find_confidence, self.find_labels, self.find_elsewhere, self.find_maps):
            find()
        self.find_examples()
        f = self.found
        ordered = f['class_order']['verdict'] == 'yes' and 2 * f['class_order']['count'] >= self.errors
        self.find('works', 'no' if ordered else f['accuracy']['verdict'])
        self.works = self.verdict('works') == 'yes' and not run.options
        # The most frequent wrong predictions of each class.
        self.wrong_of = [[(n, p) for n, t, p in self.pairs if t == c] for c in range(self.k)]
        self.wrong_of = [[p for n, p in w if n == w[0][0] > 1] for w in self.wrong_of]

    def find(self, name, verdict=None, **values):
        self.found[name] = dict(verdict=verdict, **values)

    def verdict(self, name):
        return self.found[name]['verdict']

    def find_elsewhere(self):
        """What needs tables that these runs do not have."""
        for name in ELSEWHERE:
            self.find(name)

    def find_labels(self):
        flagged = self.run.flagged
        self.highest_flagged = sum(a != b and c > .9 for a, b, c in (self.rows[i] for i in flagged or []))
        if flagged is None:
            self.find('flagged_labels')
            return self.find('accuracy_unflagged')
        k, p = len(flagged), tail(len(flagged), self.n, float('%.9g' % self.run.p_flagged))
        self.find('flagged_labels', 'few' if self.n < 20 else yes(k > 0 and p < LEVEL), value=k / self.n, count=k, of=self.n,
                  baseline=self.run.p_flagged, p=p)
        left = self.n - k
        self.find('accuracy_unflagged', value=self.correct / left if left else None, count=self.correct, of=left, baseline=self.accuracy)

    def find_accuracy(self):
        if self.k == 1:
            return self.find('accuracy', count=self.correct, of=self.n)
        chance = sum(t * p for t, p in zip(self.total, self.predicted)) / self.n ** 2
        if self.with_images == 1:
            chance = 1 / self.k
        p, enough = tail(self.correct, self.n, chance), chance + .1 * (1 - chance)
        if p < LEVEL:
            verdict = yes(self.accuracy >= enough)
        else:
            verdict = 'few' if wilson(self.correct, self.n)[1] > enough else 'no'
        self.find('accuracy', verdict, value=self.accuracy, count=self.correct, of=self.n, baseline=chance, p=p)

    def by_chance(self, cls, errors, images):
        share = self.predicted[cls] / self.n
        return max(share, errors / images / (self.k - 1)) if self.k > 2 else share

    def find_order(self):
        self.offset, self.moved = 0, {}
        if self.k == 1 or self.with_images < 2 or self.errors == 0:
            return self.find('class_order')
        best = {}
        for n, t, p in self.pairs:
            best.setdefault(t, (p, n))
        wrong = {t: self.total[t] - self.correct_of[t] for t in best}
        p = dict(zip(best, holm([min((self.k - 1) * tail(n, self.total[t], self.by_chance(c, wrong[t], self.total[t])), 1)
                                 for t, (c, n) in best.items()])))
        to = {t: c for t, (c, n) in best.items() if 2 * n > self.total[t]}
        moved = {t: c for t, c in to.items() if p[t] < LEVEL and list(to.values()).count(c) == 1
                 and 2 * self.correct_of[c] <= self.total[c]}
        if 2 * len(moved) < self.with_images:
            while any(c not in moved for c in moved.values()):
                moved = {t: c for t, c in moved.items() if c in moved}
        if len(moved) >= 2:
            self.moved = moved
            count = sum(best[t][1] for t in moved)
            stay = sum(n for t, n in enumerate(self.correct_of) if t not in moved)
            offsets = {(c - t) % self.k for t, c in moved.items()}
            self.offset = offsets.pop() if len(offsets) == 1 else 0
            return self.find('class_order', 'yes', count=count, of=self.n, value=(count + stay) / self.n,
                             baseline=self.accuracy, p=max(p[t] for t in moved))
        offsets = [0] * self.k
        for n, t, c in self.pairs:
            offsets[(c - t) % self.k] += n
        d = max(range(self.k), key=lambda i: (offsets[i], -i))
        chance = sum(self.total[i] / self.n * self.by_chance((i + d) % self.k, self.errors, self.n) for i in range(self.k))
        q = (self.k - 1) * tail(offsets[d], self.n, chance)
        mean = sum(self.count.get((t, (t + d) % self.k), 0) / n for t, n in enumerate(self.total) if n) / self.with_images
        if 2 * offsets[d] > self.n and 2 * mean > 1 and q < LEVEL:
            self.offset = d
            return self.find('class_order', 'yes', count=offsets[d], of=self.n, value=offsets[d] / self.n,
                             baseline=self.accuracy, p=q)
        self.find('class_order', 'no')

    def find_classes(self):
        with_images = [c for c in range(self.k) if self.total[c]]
        self.below_half = sum(2 * self.correct_of[c] < self.total[c] for c in with_images if c not in self.moved)
        self.weak, self.over = [], []
        if len(with_images) < 2:
            self.find('classes_differ')
            self.find('weak_classes')
        else:
            a = self.accuracy
            b, p = a * (1 - a), 1
            if b > 0:
                x = sum((self.correct_of[c] - self.total[c] * a) ** 2 / (self.total[c] * b) for c in with_images)
                var = sum(2 + (1 - 6 * b) / (self.total[c] * b) for c in with_images)
                df = len(with_images) - 1
                p = chi_square(x * 2 * df / var, 2 * df * df / var) if var > 0 else 1
            self.find('classes_differ', yes(p < LEVEL), of=len(with_images), p=p)
            tested = [c for c in with_images if c not in self.moved]
            p = holm([1 - tail(self.correct_of[c] + 1, self.total[c],
                               (self.correct - self.correct_of[c]) / (self.n - self.total[c])) for c in tested])
            self.weak = [c for c, q in zip(tested, p) if 2 * self.correct_of[c] < self.total[c] and q < LEVEL]
            self.classes_tested = len(tested)
            named = 'few' if self.below_half and not self.weak and self.verdict('classes_differ') == 'yes' else yes(self.weak)
            self.find('weak_classes', named, of=self.errors,
                      count=sum(self.total[c] - self.correct_of[c] for c in self.weak))
        if self.k < 2:
            return self.find('overpredicted')
        tested = [c for c in range(self.k) if self.predicted[c] + self.total[c] > 2 * self.correct_of[c]]
        wrong, missed = [[v[c] - self.correct_of[c] for c in tested] for v in (self.predicted, self.total)]
        p = holm([tail(w, w + m, .5) for w, m in zip(wrong, missed)])
        self.over = [c for c, q in zip(tested, p) if q < LEVEL and self.predicted[c] >= 1.25 * self.total[c]]
        self.over.sort(key=lambda c: (self.total[c] - self.predicted[c], c))
        self.find('overpredicted', yes(self.over), count=len(self.over), of=self.k)

    def find_superclasses(self):
        groups = self.run.groups
        if not self.superclasses:
            self.find('superclass')
            return self.find('same_superclass')
        inside = sum(n for n, t, p in self.pairs if groups[t] == groups[p])
        self.find('superclass', count=self.correct + inside, of=self.n)
        chance = sum((self.total[c] - self.correct_of[c]) * (groups.count(groups[c]) - 1) for c in range(self.k))
        if chance == 0:
            return self.find('same_superclass')
        chance /= (self.k - 1) * self.errors
        share, p = inside / self.errors, tail(inside, self.errors, chance)
        odds = share * (1 - chance) >= 2 * chance * (1 - share)
        self.find('same_superclass', yes(p < LEVEL and share >= .1 and odds), count=inside, of=self.errors,
                  baseline=chance, p=p)

    def find_pairs(self):
        self.one_way, possible = [], self.with_images * (self.k - 1)
        if self.k < 3:
            self.find('one_way')
            return self.find('few_pairs')
        if self.errors == 0:
            self.find('few_pairs')
        else:
            # The pair that the median error is in, and those half as frequent.
            each = [n for n, *_ in self.pairs for _ in range(n)]
            last = each[(self.errors - 1) // 2]
            self.few_pairs = [p for p in self.top if p[0] / last > .6666]
            self.few_errors = sum(n for n, *_ in self.few_pairs)
            top, m = len(self.few_pairs), len(self.pairs)
            half = [{}, {}]
            for i, (t, p, _) in enumerate(self.rows):
                if t != p:
                    side = half[first_half(i)]
                    side[t, p] = side.get((t, p), 0) + 1
            held, p = 0, 0
            for chosen, other in half, half[::-1]:
                best = sorted(chosen, key=lambda q: (-chosen[q], q))[:top]
                again = sum(other.get(q, 0) for q in best)
                held, p = held + again, max(p, tail(again, sum(other.values()), top / possible))
            share = held / self.errors
            def odds(s):
                return s / (1 - s) if s < 1 else math.inf

            verdict = yes(share >= .25 and all(
                n >= 2 * top and odds(share) >= 2 * odds(top / n) for n in ([possible, m] if top > 5 else [possible])))
            if self.errors < 20 or not all(half) or (verdict == 'yes' and p >= LEVEL):
                verdict = 'few'
            self.possible = possible
            self.find('few_pairs', verdict, count=held, of=self.errors, baseline=top / possible, p=p)
        tests = {}
        for n, t, c in self.top:
            back = self.count.get((c, t), 0)
            if self.total[c] == 0:
                continue
            if n * self.total[c] < back * self.total[t]:
                n, back, t, c = back, n, c, t
            q = self.total[t] / (self.total[t] + self.total[c])
            both = n + back
            tests[t, c] = (min(2 * min(tail(n, both, q), 1 - tail(n + 1, both, q)), 1), n / both > q, n)
        p = holm([v[0] for v in tests.values()])
        self.one_way = [(v[2], *q) for (q, v), r in zip(tests.items(), p) if r < LEVEL and v[1]]
        self.pairs_tested = len(tests)
        if tests:
            self.find('one_way', yes(self.one_way), count=len(self.one_way), of=len(tests))
        else:
            self.find('one_way')

    def find_confidence(self):
        for name in 'calibration overconfident underconfident temperature temperature_ece highest_errors reject_low top5'.split():
            self.find(name)
        if self.k == 1:
            return
        if self.k >= 6:
            n = sum(1 for i, (t, p, _) in enumerate(self.rows) if t == p or 2 + i % (self.k - 1) <= 5)
            q = tail(n, self.n, 5 / self.k)
            self.find('top5', yes(q < LEVEL), count=n, of=self.n, baseline=5 / self.k, p=q)
        bins = {}
        for t, p, c in self.rows:
            bins.setdefault(min(max(math.ceil(c * 15), 1), 15), []).append((c, t == p))
        self.bins = bins
        gaps = [(sum(c for c, _ in b) - sum(r for _, r in b), sum(c * (1 - c) for c, _ in b)) for b in bins.values()]
        over, under = sum(max(g, 0) for g, _ in gaps), sum(max(-g, 0) for g, _ in gaps)
        mean = sum(math.sqrt(2 * v / math.pi) for _, v in gaps)
        var = sum(v for _, v in gaps)

        def p_of(value, mean, var):
            return upper((value - mean) / math.sqrt(var)) if var > 0 else float(value <= mean)

        ece, p = (over + under) / self.n, p_of(over + under, mean, var * (1 - 2 / math.pi))
        verdict = 'few' if self.n < 20 else yes(p < LEVEL and ece >= .02)
        self.find('calibration', verdict, value=ece, baseline=mean / self.n, p=p)
        if self.run.mends not in (None, 'none'):
            helps = verdict if verdict == 'few' else yes(self.run.mends == 'helps')
            low, high = self.run.spread
            self.find('temperature', helps, value=self.run.temperature, low=low, high=high)
            self.find('temperature_ece', helps, value=self.run.ece_after, baseline=ece, low=0, high=1)
        sides = holm([p_of(v, mean / 2, var * (.5 - 1 / math.pi / 2)) for v in (over, under)])
        for name, value, other, q in ('overconfident', over, under, sides[0]), ('underconfident', under, over, sides[1]):
            larger = value >= other if name[0] == 'o' else value > other
            there = larger or (q < LEVEL and value / self.n >= .01)
            self.find(name, yes(there) if verdict == 'yes' else verdict, value=value / self.n)
        self.mean_conf = sum(c for _, _, c in self.rows) / self.n
        self.band = {False: [0] * 4, True: [0] * 4}
        for t, p, c in self.rows:
            self.band[t == p][(c > .5) + (c > .7) + (c > .9)] += 1
        if self.errors:
            doubt, wrong = [1 - c for _, _, c in self.rows if c > .9], self.band[False][3]
            p = tail(wrong, len(doubt), sum(doubt) / len(doubt)) if doubt else 1
            self.find('highest_errors', yes(p < LEVEL), count=wrong, of=self.errors, baseline=sum(doubt) / self.errors, p=p)
        if self.k > 2:
            right, wrong = self.band[True][0], self.band[False][0]
            kept, kept_right, low = self.n - right - wrong, self.correct - right, right + wrong
            if low and kept:
                q = larger_share(kept_right, kept, right, low)
                self.find('reject_low', yes(q < LEVEL and kept_right / kept - self.accuracy >= .01),
                          count=kept_right, of=kept, baseline=self.accuracy, p=q)
            else:
                self.find('reject_low', count=kept_right, of=kept)

    def find_maps(self):
        names = 'zero_true unstable at_border border entropy off_center overlap_high overlap_low overlap_confident overlap_chance turned'.split()
        for name in names:
            self.find(name)
        run = self.run
        measures = [[measure(m, *run.grid) for m in maps] for maps in run.maps]
        wrong = [t != p for t, p, _ in self.rows]
        blank = sum(m[1]['blank'] for m in measures)
        true_blank = sum(m[0]['blank'] for m, w in zip(measures, wrong) if w)
        self.find('blank', yes(blank), count=blank, of=self.n)
        self.find('blank_true', yes(true_blank) if self.errors else None, count=true_blank, of=self.errors)
        coarse = min(run.grid) < 4
        self.one_cell = coarse and blank == self.n
        self.find('places', None if blank == self.n and not coarse else yes(not coarse), count=0 if coarse else self.n - blank,
                  of=self.n - blank)
        if self.verdict('places') != 'yes':
            return
        even = sum(y in (0, run.grid[0] - 1) or x in (0, run.grid[1] - 1) for y in range(run.grid[0])
                   for x in range(run.grid[1])) / (run.grid[0] * run.grid[1])
        self.at_border = [[not m['blank'] and m['border'] > even + 1e-6 for (_, m), w in zip(measures, wrong) if w == side and not m['blank']]
                          for side in (False, True)]
        known = [(i, min(a, b)) for i, a, b in run.stability or [] if a is not None]
        if known:
            self.unstable = [i for i, least in known if least < .5]
            self.find('unstable', 'few' if len(known) < 20 else yes(self.unstable), count=len(self.unstable), of=len(known))
        self.find('at_border', yes(any(map(any, self.at_border))), count=sum(map(sum, self.at_border)), of=self.n - blank)
        self.median, p, tested = {}, [], []
        for name, key in ('border', 'border'), ('entropy', 'entropy'), ('off_center', None):
            sides = [[], []]
            for (_, m), w in zip(measures, wrong):
                if not m['blank']:
                    sides[w].append(m[key] if key else math.hypot(m['x'] - .5, m['y'] - .5))
            self.median[name] = [median(s) for s in sides]
            if not sides[0] or not sides[1]:
                continue
            larger, q = rank_test(*sides)
            few = min(map(len, sides)) < 20
            self.find(name, 'few', value=larger, count=len(sides[1]), of=len(sides[0]) + len(sides[1]))
            if not few:
                tested.append((name, larger))
                p.append(q)
        for (name, larger), q in zip(tested, holm(p)):
            self.found[name]['verdict'] = yes(q < LEVEL and max(larger, 1 - larger) >= .56)
            self.found[name]['p'] = q
        if run.turned:
            margin, chance, center = (sum(column) for column in zip(*run.turned))
            n = len(run.turned)
            base, share = chance / n, margin / n
            p = tail(margin, n, base)
            self.turned_center = center / n
            self.find('turned', 'few' if n < 20 else yes(p < LEVEL and share * (1 - base) >= 2 * base * (1 - share)), count=margin, of=n,
                      baseline=base, p=p)
        if self.k < 3:
            return
        self.chance = [median([c for c, w in zip(run.chance, wrong) if w == side and c is not None]) for side in (False, True)]
        pairs = [(overlap(*m), c) for m, c, w in zip(run.maps, run.chance, wrong) if w]
        larger, smaller = [sum(None not in p and test(*p) for p in pairs) for test in (lambda o, c: o > c, lambda o, c: o < c)]
        if larger + smaller:
            n = larger + smaller
            p = min(1, 2 * min(tail(larger, n, .5), tail(smaller, n, .5)))
            self.find('overlap_chance', 'few' if n < 20 else yes(p < LEVEL and max(larger, smaller) / n >= .56), count=larger, of=n,
                      baseline=.5, p=p)
        both = [(overlap(*m), c) for m, w, (_, _, c) in zip(run.maps, wrong, self.rows) if w]
        both = [(o, c) for o, c in both if o is not None]
        if both:
            self.overlap_median = median([o for o, _ in both])
            high, low = sum(o > .5 for o, _ in both), sum(o < .2 for o, _ in both)
            n = len(both)
            for name, k, bound in ('overlap_high', high, .5), ('overlap_low', low, .25):
                p = tail(k, n, bound)
                by_chance = [c > .5 for o, c in pairs if None not in (o, c)]
                if name == 'overlap_high' and len(by_chance) >= 20 and 2 * sum(by_chance) > len(by_chance):
                    bound = sum(by_chance) / len(by_chance)
                    p = larger_share(k, n, sum(by_chance), len(by_chance))
                self.find(name, 'few' if n < 20 else yes(p < LEVEL), count=k, of=n, baseline=bound, p=p)
            if run.layer != 'last stage':
                self.found['overlap_low']['verdict'] = None
            sides = [o for o, c in both if c <= .9], [o for o, c in both if c > .9]
            if sides[0] and sides[1]:
                larger, q = rank_test(*sides)
                few = min(map(len, sides)) < 20
                self.find('overlap_confident',
                          'few' if few else yes(q < LEVEL and max(larger, 1 - larger) >= .56), value=larger)
        if self.errors:
            zero = [[m[side]['zero_share'] > .5 for m, w in zip(measures, wrong) if w == (side == 0)] for side in (0, 1)]
            few = min(map(len, zero)) < 20
            base = larger = None
            if zero[1]:
                base, larger = sum(zero[1]) / len(zero[1]), larger_share(sum(zero[0]), len(zero[0]), sum(zero[1]), len(zero[1]))
            share = sum(zero[0]) / len(zero[0]) if zero[0] else 0
            odds = base is not None and share * (1 - base) >= 2 * base * (1 - share)
            self.find('zero_true', 'few' if few else yes(larger < LEVEL and share >= .1 and odds),
                      count=sum(zero[0]), of=len(zero[0]), baseline=base)

    # --- images to look at ---

    def first_of(self, holds):
        """The five of the highest confidence, of the images for which it holds."""
        ids = [i for i, row in enumerate(self.rows) if holds(i, *row)]
        return sorted(ids, key=lambda i: (-self.rows[i][2], i))[:5]

    def of_pairs(self, pairs):
        return self.first_of(lambda i, t, p, c: (t, p) in pairs)

    def find_examples(self):
        """Of the findings that have a verdict; of the rows of a list by (name, class, to)."""
        groups = self.run.groups

        def wrong(holds):
            return self.first_of(lambda i, t, p, c: t != p and holds(i, t, p, c))

        measures = [[measure(m, *self.run.grid) for m in maps] for maps in self.run.maps]
        both = [overlap(*maps) for maps in self.run.maps]
        found = dict(
            highest_errors=wrong(lambda i, t, p, c: c > .9),
            same_superclass=wrong(lambda i, t, p, c: groups[t] == groups[p]),
            few_pairs=self.of_pairs({q[1:] for q in getattr(self, 'few_pairs', [])}),
            weak_classes=wrong(lambda i, t, p, c: t in self.weak),
            overpredicted=wrong(lambda i, t, p, c: p in self.over),
            one_way=self.of_pairs({q[1:] for q in self.one_way}),
            class_order=self.of_pairs(set(self.moved.items())),
            blank=self.first_of(lambda i, *row: measures[i][1]['blank']),
            blank_true=wrong(lambda i, t, p, c: measures[i][0]['blank']),
            unstable=getattr(self, 'unstable', [])[:5],
            turned=[] if not self.run.turned else [
                i for i, v in zip([i for i, (t, p, _) in enumerate(self.rows) if t != p], self.run.turned) if v[0]][:5],
            zero_true=wrong(lambda i, t, p, c: measures[i][0]['zero_share'] > .5),
            overlap_high=wrong(lambda i, t, p, c: both[i] is not None and both[i] > .5),
            overlap_low=wrong(lambda i, t, p, c: both[i] is not None and both[i] < .2))
        if self.offset and not self.moved:
            # Examples are kept of the first pair of each class, and of the most frequent both ways.
            kept = set(self.pairs[i][1:] for i in range(min(15, len(self.pairs))))
            kept |= {(p, t) for t, p in kept}
            first = {}
            for _, t, p in self.pairs:
                first.setdefault(t, p)
            kept |= set(first.items())
            found['class_order'] = self.of_pairs({(t, p) for t, p in kept if (p - t) % self.k == self.offset})
        self.examples = {name: ids for name, ids in found.items() if self.verdict(name)}
        self.examples['flagged_labels'] = (self.run.flagged or [])[:5]
        self.list_examples = {}
        for c in self.weak:
            self.list_examples['weak_classes', c, 'NA'] = wrong(lambda i, t, p, _: t == c)
        for c in self.over:
            self.list_examples['overpredicted', c, 'NA'] = wrong(lambda i, t, p, _: p == c)
        for t, c in [*self.moved.items()]:
            self.list_examples['class_order', t, str(c)] = self.of_pairs({(t, c)})
        for _, t, c in self.one_way:
            self.list_examples['one_way', t, str(c)] = self.of_pairs({(t, c)})
