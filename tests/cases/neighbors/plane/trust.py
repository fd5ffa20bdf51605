import math
import re
import sys

from vectors import read

path, metric = sys.argv[1:]
(n, length), v = read("a.npy")
v = [list(v[i * length:(i + 1) * length]) for i in range(n)]
rows = [line.split("\t") for line in open(path)]
assert rows[0] == ["id", "x", "y\n"] and [int(r[0]) for r in rows[1:]] == list(range(n))
p = [(float(r[1]), float(r[2])) for r in rows[1:]]
K = 15


def dot(a, b):
    return sum(x * y for x, y in zip(a, b))


def distance(a, b):
    if metric == "euclidean":
        return math.dist(a, b)
    norms = math.sqrt(dot(a, a) * dot(b, b))
    return 1 - dot(a, b) / norms if norms else 1.0


lost = 0
for i in range(n):
    d = sorted(distance(v[i], v[j]) for j in range(n) if j != i)
    near = sorted((math.dist(p[i], p[j]), j) for j in range(n) if j != i)[:K]
    for _, j in near:
        lost += max(0, sum(x < distance(v[i], v[j]) - 1e-6 for x in d) + 1 - K)
trust = 1 - 2 * lost / (n * K * (2 * n - 3 * K - 1))
said = re.fullmatch(r"neighbors: trustworthiness (\S+): 15 neighbors of 200 of 200 images\n",
                    sys.stdin.read())
assert abs(float(said[1]) - trust) < 2e-3, (said[1], trust)
assert trust > 0.75, trust
