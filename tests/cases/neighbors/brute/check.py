import math
import sys

from vectors import read

queries, among, metric, rows = sys.argv[1:]
same = queries == among
(n, length), q = read(queries)
(m, _), s = read(among)
q = [list(q[i * length:(i + 1) * length]) for i in range(n)]
s = [list(s[i * length:(i + 1) * length]) for i in range(m)]


def dot(a, b):
    return sum(x * y for x, y in zip(a, b))


def distance(a, b):
    if metric == "euclidean":
        return math.dist(a, b)
    norms = math.sqrt(dot(a, a) * dot(b, b))
    return 1 - dot(a, b) / norms if norms else 1.0


table = [line.split("\t") for line in open(rows)][1:]
k = len(table) // n
# All of the queries where there are few, else some.
for i in range(0, n, 1 if n * m < 100000 else 97):
    d = [(distance(q[i], s[j]), j) for j in range(m) if not (same and i == j)]
    want = sorted(d)[:k]
    got = [(float(r[3]), int(r[2])) for r in table[i * k:(i + 1) * k]]
    assert [int(r[1]) for r in table[i * k:(i + 1) * k]] == list(range(1, k + 1))
    assert all(int(r[0]) == i for r in table[i * k:(i + 1) * k])
    of = dict((j, x) for x, j in d)
    for (a, j), (b, _) in zip(got, want):
        # Items may swap where the nine digits of a row do not tell them apart.
        assert abs(a - b) < 1e-8 * (1 + b) and abs(of[j] - a) < 1e-8 * (1 + a), (i, a, b, j)
    assert len({j for _, j in got}) == k
    assert [a for a, _ in got] == sorted(a for a, _ in got)
