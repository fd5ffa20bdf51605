#include "faith/turn.h"

#include "base/mem.h"
#include "base/random.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

struct cell {
    float key;
    int at;
};

/* A class that may be predicted instead of the true one. */
struct rival {
    double ahead;        /* the logit of the true class less its, of what is left */
    bool wins_ties;      /* the lower class does */
    const double *gains; /* [cells] what deleting a cell adds to `ahead` */
};

/* Of one class, kept from one number of cells to the next. */
struct known {
    double ahead;        /* of what the first `from` cells of the order leave */
    double low, high;    /* of the pool: the least and the most that a cell gains */
    double losses, wins; /* and the sums of those below and above 0 */
};

struct turn {
    int classes, cells;
    struct turn_image image;
    uint64_t seed;
    struct cell *order;  /* [cells] by falling key */
    double *gains;       /* (classes, cells) */
    struct rival *rival; /* [rivals] those that some choices put before the true class */
    int rivals;
    struct known *known; /* [classes] */
    int from;            /* cells of the order that are in `ahead` */
    int pool_from, all;  /* the pool that the rest is of; all: 0 where it is of none */
    int *pool;           /* [cells] those of equal rank */
    int *at;             /* [cells] places in the pool of those that are chosen */
    int *chosen;         /* [cells] */
};

struct turn *turn_new(int classes, int cells)
{
    struct turn *t = mem_zero(1, sizeof *t);
    const size_t n = (size_t)cells;

    t->classes = classes;
    t->cells = cells;
    t->order = mem_alloc(n, sizeof *t->order);
    t->gains = mem_alloc((size_t)classes * n, sizeof *t->gains);
    t->rival = mem_alloc((size_t)classes, sizeof *t->rival);
    t->known = mem_alloc((size_t)classes, sizeof *t->known);
    t->pool = mem_alloc(n, sizeof *t->pool);
    t->at = mem_alloc(n, sizeof *t->at);
    t->chosen = mem_alloc(n, sizeof *t->chosen);
    return t;
}

void turn_free(struct turn *t)
{
    if (!t)
        return;
    free(t->order);
    free(t->gains);
    free(t->rival);
    free(t->known);
    free(t->pool);
    free(t->at);
    free(t->chosen);
    free(t);
}

/* Equal keys by place, so that draws are the same everywhere. */
static int by_key(const void *a, const void *b)
{
    const struct cell *x = a, *y = b;

    return x->key != y->key ? (x->key < y->key) - (x->key > y->key) : x->at - y->at;
}

static void know_none(struct turn *t)
{
    for (int c = 0; c < t->classes; c++)
        t->known[c].ahead = (double)t->image.logits[t->image.truth] - t->image.logits[c];
    t->from = 0;
    t->all = 0;
}

void turn_begin(struct turn *t, const struct turn_image *image, const float *key, uint64_t seed)
{
    const size_t n = (size_t)t->cells;
    const float *truth = image->maps + (size_t)image->truth * n, *map = image->maps;
    double *gains = t->gains;

    t->image = *image;
    t->seed = seed;
    know_none(t);
    for (int i = 0; i < t->cells; i++)
        t->order[i] = (struct cell){key[i], i};
    qsort(t->order, n, sizeof *t->order, by_key);
    for (int c = 0; c < t->classes; c++)
        for (size_t i = 0; i < n; i++)
            *gains++ = (double)*map++ - truth[i];
}

/* Whether the true class stands before a rival. */
static bool leads(double ahead, const struct rival *r)
{
    return r->wins_ties ? ahead > 0 : ahead >= 0;
}

static const double *gains_of(const struct turn *t, int cls)
{
    return t->gains + (size_t)cls * (size_t)t->cells;
}

/* What the first `from` cells leave, and what those of the pool gain, of all classes. */
static void know(struct turn *t, int from, int all)
{
    if (from < t->from)
        know_none(t);
    for (int c = 0; c < t->classes; c++)
        for (int i = t->from; i < from; i++)
            t->known[c].ahead += gains_of(t, c)[t->order[i].at];
    t->from = from;
    if (t->all == all && t->pool_from == from)
        return;
    t->pool_from = from;
    t->all = all;
    for (int c = 0; c < t->classes; c++) {
        struct known *k = &t->known[c];
        k->low = k->high = k->losses = k->wins = 0;
        for (int i = 0; i < all; i++) {
            double gain = gains_of(t, c)[t->pool[i]];
            k->low = i == 0 || gain < k->low ? gain : k->low;
            k->high = i == 0 || gain > k->high ? gain : k->high;
            *(gain < 0 ? &k->losses : &k->wins) += gain;
        }
    }
}

/* Bounds of what n of the pool's cells gain of a class: so many times the least and the most, or
 * all losses and all gains. */
static void bounds(const struct known *k, int n, double *least, double *most)
{
    *least = fmax(n * k->low, k->losses);
    *most = fmin(n * k->high, k->wins);
}

static void add_rival(struct turn *t, int cls)
{
    t->rival[t->rivals++] =
        (struct rival){t->known[cls].ahead, cls < t->image.truth, gains_of(t, cls)};
}

/* Lists the rivals when the first `from` cells of the order and n of the pool's `all` go: the
 * predicted class, then those that some choice could put first. False where some rival stays
 * first whatever is chosen. */
static bool find_rivals(struct turn *t, int from, int n, int all)
{
    know(t, from, all);
    t->rivals = 0;
    add_rival(t, t->image.pred);
    for (int c = 0; c < t->classes; c++) {
        double least, most;
        if (c == t->image.truth)
            continue;
        const double ahead = t->known[c].ahead;
        bounds(&t->known[c], n, &least, &most);
        /* Sums in another order may be rounded otherwise. */
        const double slack = 1e-9 * (1 + fabs(ahead));
        if (ahead + most < -slack)
            return false;
        if (ahead + least <= slack && c != t->image.pred)
            add_rival(t, c);
    }
    return true;
}

/* Whether the true class is predicted when chosen[n] go as well. */
static bool turned(const struct turn *t, const int *chosen, int n)
{
    for (const struct rival *r = t->rival; r < t->rival + t->rivals; r++) {
        double ahead = r->ahead;
        for (int i = 0; i < n; i++)
            ahead += r->gains[chosen[i]];
        if (!leads(ahead, r))
            return false;
    }
    return true;
}

/* The number of choices of n of `all`, or a number above `most` where there are more. */
static int64_t choices(int all, int n, int most)
{
    int64_t count = 1;

    n = n < all - n ? n : all - n;
    for (int i = 1; i <= n && count <= most; i++)
        count = count * (all - n + i) / i;
    return count;
}

/* Steps to the next choice of n of `all` in lexicographic order; false after the last one. */
static bool next_choice(int *at, int n, int all)
{
    int i = n - 1;

    while (i >= 0 && at[i] == all - n + i)
        i--;
    if (i < 0)
        return false;
    at[i]++;
    for (int j = i + 1; j < n; j++)
        at[j] = at[j - 1] + 1;
    return true;
}

static double share_of_all(struct turn *t, int n, int all)
{
    int64_t count = 0, hits = 0;
    int *at = t->at;

    for (int i = 0; i < n; i++)
        at[i] = i;
    do {
        for (int i = 0; i < n; i++)
            t->chosen[i] = t->pool[at[i]];
        hits += turned(t, t->chosen, n);
        count++;
    } while (next_choice(at, n, all));
    return (double)hits / (double)count;
}

/* Draws n of the pool's `all` cells to its beginning: Fisher and Yates 1938. */
static void draw(struct turn *t, int n, int all, uint64_t *state)
{
    for (int i = 0; i < n; i++) {
        int j = i + (int)random_below(random_next(state), (uint32_t)(all - i));
        int cell = t->pool[j];
        t->pool[j] = t->pool[i];
        t->pool[i] = cell;
    }
}

/* `half`: it matters only whether it is at least one half, so that most draws may not be needed. */
static double share_of_drawn(struct turn *t, int n, int all, int draws, bool half)
{
    uint64_t state = t->seed + (uint64_t)n;
    int hits = 0;

    for (int i = 0; i < draws; i++) {
        draw(t, n, all, &state);
        hits += turned(t, t->pool, n);
        if (half && (2 * hits >= draws || 2 * (i + 1 - hits) > draws))
            break;
    }
    return (double)hits / draws;
}

/* Fills the pool with the cells of which some, but not all, are among the first n of the order:
 * their count, and in *from that of the cells before them. */
static int fill_pool(struct turn *t, int n, int *from)
{
    int to = n;

    *from = n;
    if (n > 0 && n < t->cells && t->order[n].key == t->order[n - 1].key) {
        float key = t->order[n].key;
        while (*from > 0 && t->order[*from - 1].key == key)
            --*from;
        while (to < t->cells && t->order[to].key == key)
            to++;
    }
    for (int i = *from; i < to; i++)
        t->pool[i - *from] = t->order[i].at;
    return to - *from;
}

/* Over all choices where there are at most so many, or over as many that are drawn; `half` as
 * there. */
static double share_of(struct turn *t, int n, int most, bool half)
{
    int from, all = fill_pool(t, n, &from);

    n -= from;
    if (!find_rivals(t, from, n, all))
        return 0;
    if (n == 0)
        return turned(t, NULL, 0);
    return choices(all, n, most) <= most ? share_of_all(t, n, all)
                                         : share_of_drawn(t, n, all, most, half);
}

double turn_share(struct turn *t, int n)
{
    return share_of(t, n, TURN_CHOICES, false);
}

int turn_cells(struct turn *t)
{
    for (int n = 1; n <= t->cells; n++)
        if (share_of(t, n, TURN_CELLS_CHOICES, true) >= 0.5)
            return n;
    return 0;
}

void turn_choose(struct turn *t, int n, bool *gone)
{
    uint64_t state = t->seed + (uint64_t)n;
    int from, all = fill_pool(t, n, &from);

    for (int i = 0; i < t->cells; i++)
        gone[i] = false;
    for (int i = 0; i < from; i++)
        gone[t->order[i].at] = true;
    draw(t, n - from, all, &state);
    for (int i = 0; i < n - from; i++)
        gone[t->pool[i]] = true;
}

void turn_center(int h, int w, float *key)
{
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            /* Twice the distance in cells: whole numbers, so that equal ones are equal. */
            float dy = (float)(2 * y - h + 1), dx = (float)(2 * x - w + 1);
            *key++ = -(dy * dy + dx * dx);
        }
}
