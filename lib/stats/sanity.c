#include "stats/sanity.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static int find(const struct sanity *s, const char *changed)
{
    for (int i = 0; i < s->checks; i++)
        if (strcmp(s->check[i].changed, changed) == 0)
            return i;
    return -1;
}

static bool of_mosaic(const char *changed)
{
    return strcmp(changed, "mosaic") == 0;
}

static struct sanity_check *check_of(struct sanity *s, const char *changed)
{
    const int at = find(s, changed);
    if (at >= 0)
        return &s->check[at];
    const size_t n = (size_t)s->checks;
    s->check = mem_extend(s->check, n, n + 1, sizeof *s->check);
    s->check[n] = (struct sanity_check){.changed = mem_dup(changed)};
    s->checks++;
    return &s->check[n];
}

static void set_map(struct sanity_map *m, const char *name, double mean, double low, double high)
{
    free(m->name);
    *m = (struct sanity_map){mem_dup(name), mean, low, high};
}

void sanity_add(struct sanity *s, const char *changed, const char *name, double mean, double low,
                double high, int64_t images)
{
    struct sanity_check *c = check_of(s, changed);
    c->maps++;
    c->images = images > c->images ? images : c->images;
    c->above += low > (of_mosaic(changed) ? SANITY_CHANCE : SANITY_ALIKE);
    if (!c->lowest.name || mean < c->lowest.mean)
        set_map(&c->lowest, name, mean, low, high);
    if (!c->highest.name || mean > c->highest.mean)
        set_map(&c->highest, name, mean, low, high);
}

int sanity_maps(const struct sanity *s)
{
    int most = 0;
    for (int i = 0; i < s->checks; i++)
        most = s->check[i].maps > most ? s->check[i].maps : most;
    return most;
}

const struct sanity_check *sanity_find(const struct sanity *s, const char *changed)
{
    const int at = find(s, changed);
    return at >= 0 ? &s->check[at] : NULL;
}

const struct sanity_check *sanity_deepest(const struct sanity *s)
{
    for (int i = s->checks; i-- > 0;)
        if (!of_mosaic(s->check[i].changed) && strcmp(s->check[i].changed, "logit") != 0)
            return &s->check[i];
    return NULL;
}

void sanity_free(struct sanity *s)
{
    for (int i = 0; i < s->checks; i++) {
        free(s->check[i].changed);
        free(s->check[i].lowest.name);
        free(s->check[i].highest.name);
    }
    free(s->check);
}
