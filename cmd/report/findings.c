#include "findings.h"

#include "base/mem.h"
#include "stats/prediction.h"
#include "words.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct top_pairs top_pairs_of(const struct run *r)
{
    struct top_pairs top = {0};
    const struct pair_row *p = r->pairs.row;
    top.n = r->pairs.n < TOP_PAIRS ? (int)r->pairs.n : TOP_PAIRS;
    for (int i = 0; i < top.n; i++) {
        top.errors += p[i].count;
        top.same += p[i].same_group == 1;
        top.across += p[i].same_group == 0;
        top.reverse_known += p[i].reverse >= 0;
        top.mutual += p[i].reverse >= 0 && 2 * p[i].reverse >= p[i].count;
    }
    for (size_t i = (size_t)top.n; i < r->pairs.n && p[i].count == p[top.n - 1].count; i++)
        top.tied++;
    return top;
}

double chance_same_group(const struct run *r)
{
    const struct classes *c = &r->classes;
    int *size = mem_zero(STATS_CLASSES, sizeof *size);
    double same = 0, all = 0;
    for (int i = 0; i < c->n; i++)
        if (c->row[i].present && c->row[i].group >= 0)
            size[c->row[i].group]++;
    for (int i = 0; i < c->n; i++) {
        if (!c->row[i].present)
            continue;
        double errors = (double)(c->row[i].total - c->row[i].correct);
        all += errors;
        same += c->row[i].group < 0 ? NAN : errors * (size[c->row[i].group] - 1);
    }
    free(size);
    return all > 0 && c->present > 1 ? same / (all * (c->present - 1)) : NAN;
}

struct difference difference_of(const struct spread *a, const struct spread *b)
{
    struct difference d = {
        .n = {a->n, b->n},
        .median = {spread_median(a), spread_median(b)},
        .test = spread_compare(a, b),
    };
    double larger = fmax(d.test.larger, 1 - d.test.larger);
    if (a->n < DIFFERENCE_FEW || b->n < DIFFERENCE_FEW)
        d.verdict = VERDICT_FEW;
    else if (d.test.p >= DIFFERENCE_P)
        d.verdict = VERDICT_CHANCE;
    else if (larger < DIFFERENCE_SMALL)
        d.verdict = VERDICT_SLIGHT;
    else
        d.verdict = d.test.larger > 0.5 ? VERDICT_LARGER : VERDICT_SMALLER;
    return d;
}

void difference_say(char *s, size_t size, const struct difference *d, const char *what)
{
    double larger = 100 * d->test.larger, strength = fmax(d->test.larger, 1 - d->test.larger);
    const char *much = strength >= DIFFERENCE_LARGE    ? "large"
                       : strength >= DIFFERENCE_MEDIUM ? "medium"
                                                       : "small";
    char p[32];
    if (d->test.p < DIFFERENCE_P)
        snprintf(p, sizeof p, "p" WORDS_NB "<" WORDS_NB "%.3f", DIFFERENCE_P);
    else
        snprintf(p, sizeof p, "p" WORDS_NB "=" WORDS_NB "%.3f", d->test.p);
    switch (d->verdict) {
    case VERDICT_FEW:
        snprintf(s, size, "Too few to compare: %d of each are needed.", DIFFERENCE_FEW);
        break;
    case VERDICT_CHANCE:
        snprintf(s, size, "No difference that can be told from chance (%s).", p);
        break;
    case VERDICT_SLIGHT:
        snprintf(s, size,
                 "A difference too small to matter: %s is the larger in %.1f" WORDS_NB
                 "%% of comparisons, and 50" WORDS_NB "%% would be none (%s).",
                 what, larger, p);
        break;
    case VERDICT_LARGER:
    case VERDICT_SMALLER:
        snprintf(s, size,
                 "A %s difference: %s is the larger in %.1f" WORDS_NB "%% of comparisons (%s).",
                 much, what, larger, p);
        break;
    }
}
