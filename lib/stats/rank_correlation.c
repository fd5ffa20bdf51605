#include "stats/rank_correlation.h"

#include "base/mem.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

struct item {
    float value;
    size_t at;
};

struct rank_room {
    struct item *order;
    int64_t *rank[2];
};

struct rank_room *rank_room_new(size_t n)
{
    /* One block, so that free() is enough. */
    struct rank_room *r = mem_alloc(1, sizeof *r + n * (sizeof *r->order + 2 * sizeof **r->rank));
    r->rank[0] = (int64_t *)(r + 1);
    r->rank[1] = r->rank[0] + n;
    r->order = (struct item *)(r->rank[1] + n);
    return r;
}

static int by_value(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    return (x->value > y->value) - (x->value < y->value);
}

/* Ranks that sum to 0: twice the mean rank, which is a whole number, less that of the middle. */
static void rank(struct item *order, const float *v, size_t n, int64_t *out)
{
    for (size_t i = 0; i < n; i++)
        order[i] = (struct item){v[i], i};
    qsort(order, n, sizeof *order, by_value);
    for (size_t from = 0, to; from < n; from = to) {
        for (to = from + 1; to < n && order[to].value == order[from].value;)
            to++;
        for (size_t i = from; i < to; i++)
            out[order[i].at] = (int64_t)(from + to) - (int64_t)n;
    }
}

double rank_correlation(struct rank_room *room, const float *a, const float *b, size_t n)
{
    double aa = 0, bb = 0, ab = 0;
    rank(room->order, a, n, room->rank[0]);
    rank(room->order, b, n, room->rank[1]);
    for (size_t i = 0; i < n; i++) {
        double x = (double)room->rank[0][i], y = (double)room->rank[1][i];
        aa += x * x;
        bb += y * y;
        ab += x * y;
    }
    return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : NAN;
}
