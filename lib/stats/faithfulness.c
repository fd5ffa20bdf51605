#include "stats/faithfulness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool better(const struct faith_metric *m, double a, double b)
{
    return m->higher ? a > b : a < b;
}

/* A map that a method made from the network. */
static bool informed(const struct faith_map *m)
{
    return m->layer && strcmp(m->method, "random") != 0;
}

static bool overlap(const struct faith_value *a, const struct faith_value *b)
{
    return a->low <= b->high && b->low <= a->high;
}

/* Among the maps of methods: the best, and at which place each stands; equal ones share the mean of
 * theirs. */
static void rank_maps(struct faithfulness *f, int metric)
{
    struct faith_metric *m = &f->metric[metric];
    m->best = -1;
    for (int i = 0; i < f->maps; i++) {
        struct faith_map *map = &f->map[i];
        const double mine = map->value[metric].mean;
        if (!informed(map))
            continue;
        if (m->best < 0 || better(m, mine, f->map[m->best].value[metric].mean))
            m->best = i;
        double place = 1;
        for (int k = 0; k < f->maps; k++) {
            const double other = f->map[k].value[metric].mean;
            if (k != i && informed(&f->map[k]))
                place += better(m, other, mine) ? 1 : other == mine ? .5 : 0;
        }
        map->mean_rank += place / f->metrics;
    }
}

static void compare(struct faithfulness *f, int metric)
{
    struct faith_metric *m = &f->metric[metric];
    const struct faith_value *best = &f->map[m->best].value[metric];
    for (int i = 0; i < f->maps; i++) {
        if (!informed(&f->map[i]) || !overlap(best, &f->map[i].value[metric]))
            continue;
        f->map[i].within++;
        m->within += i != m->best;
    }
    m->ahead = best->ahead;
    f->beaten += m->ahead;
}

static void free_map(struct faith_map *m)
{
    free(m->layer);
    free(m->method);
    free(m->value);
}

/* Whether all metrics have a value on some image; else the map has no order, or is nowhere above
 * 0. `part`: on some images alone. */
static bool has_values(const struct faithfulness *f, const struct faith_map *m, bool *part)
{
    *part = false;
    for (int k = 0; k < f->metrics; k++) {
        if (isnan(m->value[k].mean))
            return false;
        *part = *part || m->value[k].images < f->images;
    }
    return true;
}

static void drop_blank(struct faithfulness *f)
{
    int n = 0;
    f->part = 0;
    for (int i = 0; i < f->maps; i++) {
        bool part;
        if (!has_values(f, &f->map[i], &part) && informed(&f->map[i]))
            continue;
        f->part += part && informed(&f->map[i]);
        struct faith_map kept = f->map[i];
        f->map[i] = f->map[n];
        f->map[n++] = kept;
    }
    f->blank = f->maps - n;
    while (f->maps > n)
        free_map(&f->map[--f->maps]);
}

void faithfulness_compute(struct faithfulness *f)
{
    f->methods = f->winners = f->beaten = f->equal = 0;
    f->first = -1;
    drop_blank(f);
    f->base[FAITH_CENTER] = faithfulness_find(f, NULL, "center");
    f->base[FAITH_RANDOM] = faithfulness_find(f, NULL, "random_blurred");
    for (int i = 0; i < f->maps; i++) {
        f->methods += informed(&f->map[i]);
        f->equal += f->map[i].equal / f->metrics;
    }
    if (f->methods == 0)
        return;
    for (int k = 0; k < f->metrics; k++) {
        rank_maps(f, k);
        compare(f, k);
    }
    for (int i = 0; i < f->maps; i++) {
        bool wins = false;
        for (int k = 0; k < f->metrics; k++)
            wins = wins || f->metric[k].best == i;
        f->winners += wins;
        if (informed(&f->map[i]) &&
            (f->first < 0 || f->map[i].mean_rank < f->map[f->first].mean_rank))
            f->first = i;
    }
}

int faithfulness_find(const struct faithfulness *f, const char *layer, const char *method)
{
    for (int i = 0; i < f->maps; i++) {
        const struct faith_map *m = &f->map[i];
        if (strcmp(m->method, method) == 0 && !m->layer == !layer &&
            (!layer || strcmp(m->layer, layer) == 0))
            return i;
    }
    return -1;
}

void faithfulness_free(struct faithfulness *f)
{
    for (int i = 0; i < f->maps; i++)
        free_map(&f->map[i]);
    for (int k = 0; k < f->metrics; k++)
        free(f->metric[k].word);
    free(f->map);
    free(f->metric);
}
