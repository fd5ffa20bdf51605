#include "stats/choice.h"

#include "base/mem.h"
#include "stats/sparse.h"
#include "stats/pairs.h"

#include <stdlib.h>
#include <string.h>

struct lists {
    struct ranked best, worst;
};

struct pair {
    int truth, pred;
    int64_t count;
    struct ranked list;
};

struct choice {
    struct choice_opts o;
    struct lists *group; /* by class, or one for all */
    int groups;
    struct sparse *index; /* of a pair in `pair`, plus 1 */
    struct pair *pair;
    size_t pairs;
};

static const char *const words[CHOSEN_KINDS] = {
    [CHOSEN_BEST] = "best",   [CHOSEN_WORST] = "worst", [CHOSEN_PAIR] = "pair",
    [CHOSEN_HIGH] = "high",   [CHOSEN_LOW] = "low",     [CHOSEN_CORRECT] = "correct",
    [CHOSEN_ERROR] = "error",
};

const char *chosen_word(enum chosen_kind kind)
{
    return words[kind];
}

enum chosen_kind chosen_find(const char *p, size_t n)
{
    for (int i = CHOSEN_NONE + 1; i < CHOSEN_KINDS; i++)
        if (strlen(words[i]) == n && memcmp(words[i], p, n) == 0)
            return (enum chosen_kind)i;
    return CHOSEN_NONE;
}

struct choice *choice_new(const struct choice_opts *o)
{
    struct choice *c = mem_zero(1, sizeof *c);
    c->o = *o;
    if (o->by == CHOICE_PAIR)
        c->index = sparse_new(CHOICE_PAIRS);
    return c;
}

void choice_free(struct choice *c)
{
    if (!c)
        return;
    for (int i = 0; i < c->groups; i++) {
        ranked_free(&c->group[i].best);
        ranked_free(&c->group[i].worst);
    }
    for (size_t i = 0; i < c->pairs; i++)
        ranked_free(&c->pair[i].list);
    sparse_free(c->index);
    free(c->group);
    free(c->pair);
    free(c);
}

static struct lists *lists_at(struct choice *c, int group)
{
    if (group >= c->groups) {
        c->group = mem_extend(c->group, (size_t)c->groups, (size_t)group + 1, sizeof *c->group);
        for (; c->groups <= group; c->groups++)
            c->group[c->groups] =
                (struct lists){.best.limit = c->o.count, .worst.limit = c->o.count};
    }
    return &c->group[group];
}

static struct pair *pair_at(struct choice *c, const struct prediction *a, struct err *e)
{
    int64_t *index = sparse_at(c->index, a->truth, a->pred, e);
    if (!index)
        return NULL;
    if (*index == 0) {
        c->pair = mem_extend(c->pair, c->pairs, c->pairs + 1, sizeof *c->pair);
        c->pair[c->pairs++] =
            (struct pair){.truth = a->truth, .pred = a->pred, .list.limit = c->o.count};
        *index = (int64_t)c->pairs;
    }
    return &c->pair[*index - 1];
}

static int offer_to(struct ranked *list, struct rank rank, struct offer *offer)
{
    *offer = (struct offer){list, rank};
    return ranked_wants(list, &rank);
}

int choice_offer(struct choice *c, const struct prediction *a, struct offer offer[2], struct err *e)
{
    bool wrong = a->truth != a->pred;
    const struct rank falling = {0, -a->conf, a->id, false};
    if (c->o.by == CHOICE_PAIR) {
        if (!wrong)
            return 0;
        struct pair *p = pair_at(c, a, e);
        if (!p)
            return -1;
        p->count++;
        return offer_to(&p->list, falling, offer);
    }
    int group = c->o.by == CHOICE_ALL ? 0 : c->o.by == CHOICE_PRED ? a->pred : a->truth;
    bool error = wrong && c->o.by != CHOICE_PRED;
    struct lists *l = lists_at(c, group);
    int n = 0;
    if (c->o.best && !error)
        n += offer_to(&l->best, falling, offer);
    if (c->o.worst) /* errors of high confidence, then what would be best last */
        n += offer_to(&l->worst, error ? falling : rank_back(falling, 1), offer + n);
    return n;
}

static int by_count(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    return x->truth != y->truth ? x->truth - y->truth : x->pred - y->pred;
}

static void finish(struct ranked *list, int group, enum chosen_kind kind, struct chosen *out,
                   size_t *n)
{
    ranked_done(list);
    if (list->n > 0)
        out[(*n)++] = (struct chosen){group, kind, list};
}

/* Where there are few rows, the worst reach up to the best: none is chosen twice. */
static void drop_best(struct lists *l)
{
    struct ranked *worst = &l->worst;
    ranked_done(&l->best);
    ranked_done(worst);
    size_t kept = 0;
    for (size_t i = 0; i < worst->n; i++) {
        struct ranked_row row = worst->row[i];
        row.rank = rank_back(row.rank, 0);
        if (worst->row[i].rank.back && ranked_has(&l->best, &row))
            free(worst->row[i].text);
        else
            worst->row[kept++] = worst->row[i];
    }
    worst->n = kept;
}

struct chosen *choice_done(struct choice *c, size_t *n)
{
    struct chosen *out = mem_alloc(2 * (size_t)c->groups + c->pairs + 1, sizeof *out);
    *n = 0;
    for (int i = 0; i < c->groups; i++) {
        int group = c->o.by == CHOICE_ALL ? -1 : i;
        if (c->o.best)
            drop_best(&c->group[i]);
        finish(&c->group[i].best, group, c->o.by == CHOICE_PRED ? CHOSEN_HIGH : CHOSEN_BEST, out,
               n);
        finish(&c->group[i].worst, group, c->o.by == CHOICE_PRED ? CHOSEN_LOW : CHOSEN_WORST, out,
               n);
    }
    if (c->pairs > 0)
        qsort(c->pair, c->pairs, sizeof *c->pair, by_count);
    for (size_t i = 0; i < c->pairs && i < c->o.pairs && c->pair[i].count >= PAIRS_OFTEN; i++)
        finish(&c->pair[i].list, (int)i + 1, CHOSEN_PAIR, out, n);
    return out;
}
