#include "stats/cluster.h"

#include "base/mem.h"

#include <stdbool.h>
#include <stdlib.h>

/* Rows of neighbours as linked lists, without a direction: a class knows its two neighbours. */
struct seat {
    int next[2]; /* -1: an end */
    int row;     /* representative, by union-find */
    int size;    /* of the representative's row */
};

struct link {
    int a, b; /* a < b */
    int64_t both;
};

static int by_both(const void *x, const void *y)
{
    const struct link *p = x, *q = y;
    if (p->both != q->both)
        return p->both > q->both ? -1 : 1;
    if (p->a != q->a)
        return p->a < q->a ? -1 : 1;
    return (p->b > q->b) - (p->b < q->b);
}

static int row_of(struct seat *s, int cls)
{
    while (s[cls].row != cls)
        cls = s[cls].row = s[s[cls].row].row;
    return cls;
}

/* The end of a class's row that is nearer. */
static int near_end(const struct seat *s, int cls)
{
    int at[2] = {cls, cls}, from[2] = {-1, -1};
    for (int d = 0;; d = !d) {
        int next = from[d] < 0 ? s[cls].next[d] : s[at[d]].next[s[at[d]].next[0] == from[d]];
        if (next < 0)
            return at[d];
        from[d] = at[d];
        at[d] = next;
    }
}

static void join(struct seat *s, int a, int b)
{
    int x = near_end(s, a), y = near_end(s, b);
    s[x].next[s[x].next[0] >= 0] = y;
    s[y].next[s[y].next[0] >= 0] = x;
    int ra = row_of(s, a), rb = row_of(s, b);
    int to = s[ra].size >= s[rb].size ? ra : rb, from = to == ra ? rb : ra;
    s[from].row = to;
    s[to].size += s[from].size;
}

static int by_classes(const void *x, const void *y)
{
    const struct link *p = x, *q = y;
    return p->a != q->a ? p->a - q->a : p->b - q->b;
}

/* The pairs of classes that are confused, both directions as one, the most frequent first. */
static struct link *links(const struct pairs *p, int classes, size_t *n)
{
    struct link *l = mem_alloc(p->n + 1, sizeof *l);
    size_t all = 0;
    for (size_t i = 0; i < p->n; i++) {
        int t = p->row[i].truth, o = p->row[i].pred;
        if (t < classes && o < classes)
            l[all++] = (struct link){t < o ? t : o, t < o ? o : t, p->row[i].count};
    }
    qsort(l, all, sizeof *l, by_classes);
    *n = 0;
    for (size_t i = 0; i < all; i++) {
        if (*n > 0 && by_classes(&l[*n - 1], &l[i]) == 0)
            l[*n - 1].both += l[i].both;
        else
            l[(*n)++] = l[i];
    }
    qsort(l, *n, sizeof *l, by_both);
    return l;
}

void cluster_classes(const struct pairs *p, int classes, int *order)
{
    struct seat *s = mem_alloc((size_t)classes + 1, sizeof *s);
    size_t n;
    struct link *l = links(p, classes, &n);
    for (int i = 0; i < classes; i++)
        s[i] = (struct seat){{-1, -1}, i, 1};
    for (size_t i = 0; i < n; i++)
        if (row_of(s, l[i].a) != row_of(s, l[i].b))
            join(s, l[i].a, l[i].b);
    int placed = 0;
    for (int single = 0; single < 2; single++) {
        for (int c = 0; c < classes; c++) {
            bool alone = s[c].next[0] < 0 && s[c].next[1] < 0;
            bool end = s[c].next[0] < 0 || s[c].next[1] < 0;
            if (s[c].size == 0 || alone != (single == 1) || !end)
                continue;
            for (int at = c, from = -1; at >= 0;) {
                int next = s[at].next[s[at].next[0] == from];
                order[placed++] = at;
                s[at].size = 0;
                from = at;
                at = next;
            }
        }
    }
    free(l);
    free(s);
}
