#include "faith/turn.h"

#include "base/mem.h"
#include "stats/random.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct cell {
    float key;
    int at;
};

struct turn {
    int classes, cells;
    struct turn_image image;
    uint64_t seed;
    struct cell *order; /* [cells] by falling key */
    int *chosen;        /* [cells] */
    int *pool;          /* [cells] those of equal rank, in the order drawn */
    double *left;       /* [classes] logits without the cells that go in every choice */
    double *lead;       /* [cells] by how much a cell's deletion favours the true class over the
                           predicted one */
};

struct turn *turn_new(int classes, int cells)
{
    struct turn *t = mem_zero(1, sizeof *t);

    t->classes = classes;
    t->cells = cells;
    t->order = mem_alloc((size_t)cells, sizeof *t->order);
    t->chosen = mem_alloc((size_t)cells, sizeof *t->chosen);
    t->pool = mem_alloc((size_t)cells, sizeof *t->pool);
    t->left = mem_alloc((size_t)classes, sizeof *t->left);
    t->lead = mem_alloc((size_t)cells, sizeof *t->lead);
    return t;
}

void turn_free(struct turn *t)
{
    if (!t)
        return;
    free(t->order);
    free(t->chosen);
    free(t->pool);
    free(t->left);
    free(t->lead);
    free(t);
}

/* Equal keys by place, so that draws are the same everywhere. */
static int by_key(const void *a, const void *b)
{
    const struct cell *x = a, *y = b;

    return x->key != y->key ? (x->key < y->key) - (x->key > y->key) : x->at - y->at;
}

static const float *map_of(const struct turn *t, int cls)
{
    return t->image.maps + (size_t)cls * (size_t)t->cells;
}

void turn_begin(struct turn *t, const struct turn_image *image, const float *key, uint64_t seed)
{
    t->image = *image;
    t->seed = seed;
    for (int i = 0; i < t->cells; i++) {
        t->order[i] = (struct cell){key[i], i};
        t->lead[i] = (double)map_of(t, image->pred)[i] - map_of(t, image->truth)[i];
    }
    qsort(t->order, (size_t)t->cells, sizeof *t->order, by_key);
}

/* Whether the true class is predicted when chosen[n] go as well. */
static bool turned(const struct turn *t, const int *chosen, int n)
{
    const int truth = t->image.truth;
    double lead = t->left[truth] - t->left[t->image.pred];

    /* Most choices fail here, at a hundredth of the work. */
    for (int i = 0; i < n; i++)
        lead += t->lead[chosen[i]];
    if (lead < 0)
        return false;
    double top = t->left[truth];
    for (int i = 0; i < n; i++)
        top -= map_of(t, truth)[chosen[i]];
    for (int c = 0; c < t->classes; c++) {
        const float *map = map_of(t, c);
        double z = t->left[c];
        for (int i = 0; i < n; i++)
            z -= map[chosen[i]];
        if (c < truth ? z >= top : z > top)
            return false;
    }
    return true;
}

/* The number of choices of n of `all`, or TURN_CHOICES + 1 where there are more than that. */
static int64_t choices(int all, int n)
{
    int64_t count = 1;

    n = n < all - n ? n : all - n;
    for (int i = 1; i <= n && count <= TURN_CHOICES; i++)
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
    int at[TURN_CHOICES]; /* n is at most `all`, and that at most the number of choices */

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

static double share_of_drawn(struct turn *t, int n, int all)
{
    uint64_t state = t->seed + (uint64_t)n;
    int hits = 0;

    for (int draw = 0; draw < TURN_CHOICES; draw++) {
        for (int i = 0; i < n; i++) {
            int j = i + (int)random_below(random_next(&state), (uint32_t)(all - i));
            int cell = t->pool[j];
            t->pool[j] = t->pool[i];
            t->pool[i] = cell;
        }
        hits += turned(t, t->pool, n);
    }
    return (double)hits / TURN_CHOICES;
}

double turn_share(struct turn *t, int n)
{
    int from = n, to = n; /* those among which some have to be chosen */

    if (n > 0 && n < t->cells && t->order[n].key == t->order[n - 1].key) {
        float key = t->order[n].key;
        while (from > 0 && t->order[from - 1].key == key)
            from--;
        while (to < t->cells && t->order[to].key == key)
            to++;
    }
    for (int c = 0; c < t->classes; c++) {
        t->left[c] = t->image.logits[c];
        for (int i = 0; i < from; i++)
            t->left[c] -= map_of(t, c)[t->order[i].at];
    }
    int all = to - from;
    for (int i = 0; i < all; i++)
        t->pool[i] = t->order[from + i].at;
    n -= from;
    return n == 0                            ? (double)turned(t, NULL, 0)
           : choices(all, n) <= TURN_CHOICES ? share_of_all(t, n, all)
                                             : share_of_drawn(t, n, all);
}

int turn_cells(struct turn *t)
{
    for (int n = 1; n <= t->cells; n++)
        if (turn_share(t, n) >= 0.5)
            return n;
    return 0;
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
