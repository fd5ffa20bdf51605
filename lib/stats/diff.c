#include "stats/diff.h"

#include "base/mem.h"
#include "stats/confusion.h"
#include "stats/find.h"
#include "stats/share.h"
#include "stats/sparse.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void diff_free(struct diff *d)
{
    free(d->image);
    *d = (struct diff){0};
}

enum diff_kind diff_kind(const struct diff_image *i)
{
    bool same = i->pred[0] == i->pred[1];
    if (i->truth < 0)
        return same ? DIFF_SAME : DIFF_OTHER;
    if (i->pred[0] == i->truth)
        return same ? DIFF_BOTH_CORRECT : DIFF_BROKEN;
    if (i->pred[1] == i->truth)
        return DIFF_FIXED;
    return same ? DIFF_WRONG_SAME : DIFF_WRONG_OTHER;
}

const char *diff_kind_word(enum diff_kind kind)
{
    static const char *const word[DIFF_KINDS] = {
        [DIFF_BOTH_CORRECT] = "both_correct",
        [DIFF_FIXED] = "fixed",
        [DIFF_BROKEN] = "broken",
        [DIFF_WRONG_SAME] = "wrong_same",
        [DIFF_WRONG_OTHER] = "wrong_other",
        [DIFF_SAME] = "same",
        [DIFF_OTHER] = "other",
    };
    return word[kind];
}

static void count(struct diff_counts *c, const struct diff_image *i)
{
    bool a = i->pred[0] == i->truth, b = i->pred[1] == i->truth;
    c->images++;
    c->correct[0] += a;
    c->correct[1] += b;
    c->fixed += !a && b;
    c->broken += a && !b;
}

static double test(int64_t fewer, int64_t more)
{
    return fewer + more > 0 ? share_test(more, fewer + more, 0.5) : NAN;
}

double diff_test(const struct diff_counts *c)
{
    return test(c->fixed, c->broken);
}

double diff_worse(const struct diff_counts *c)
{
    return c->images > 0 ? share_tail(c->broken, c->fixed + c->broken, 0.5) : NAN;
}

/* --- the whole --- */

static void summarize_run(const struct diff *d, int run, int64_t correct, int64_t images,
                          struct diff_run *r)
{
    struct calibration calibration = {0};
    struct sum conf = {0}, loss = {0};
    for (size_t k = 0; k < d->n; k++) {
        const struct diff_image *i = &d->image[k];
        if (i->truth < 0)
            continue;
        calibration_add(&calibration, i->conf[run], i->pred[run] == i->truth);
        sum_add(&conf, i->conf[run]);
        sum_add(&loss, i->loss[run]);
    }
    double n = (double)images;
    r->accuracy = share_of(correct, images);
    r->low = r->high = NAN;
    if (images > 0)
        share_interval(correct, images, &r->low, &r->high);
    r->mean_conf = images > 0 ? sum_value(&conf) / n : NAN;
    r->nll = images > 0 ? sum_value(&loss) / n : NAN;
    r->calibration = calibration_error(&calibration);
}

static bool has_map(const struct diff_image *i)
{
    return i->pred[0] == i->pred[1] && !isnan(i->map);
}

static int by_double(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void summarize_maps(const struct diff *d, double moved, struct diff_summary *s)
{
    double *map = mem_alloc(d->n + 1, sizeof *map);
    size_t n = 0;
    for (size_t k = 0; k < d->n; k++)
        if (has_map(&d->image[k])) {
            map[n++] = d->image[k].map;
            s->moved += d->image[k].map < moved;
        }
    qsort(map, n, sizeof *map, by_double);
    s->maps = (int64_t)n;
    s->map_median = n > 0 ? (map[(n - 1) / 2] + map[n / 2]) / 2 : NAN;
    free(map);
}

void diff_summarize(const struct diff *d, double moved, struct diff_summary *s)
{
    *s = (struct diff_summary){.images = (int64_t)d->n};
    for (size_t k = 0; k < d->n; k++) {
        const struct diff_image *i = &d->image[k];
        s->of[diff_kind(i)]++;
        s->same += i->pred[0] == i->pred[1];
        if (i->truth >= 0)
            count(&s->counts, i);
    }
    const struct diff_counts *c = &s->counts;
    s->unlabelled = s->images - c->images;
    for (int run = 0; run < 2; run++)
        summarize_run(d, run, c->correct[run], c->images, &s->run[run]);
    s->difference = share_of(c->correct[1] - c->correct[0], c->images);
    s->low = s->high = NAN;
    if (c->images > 0)
        share_paired_interval(c->fixed, c->broken, c->images, &s->low, &s->high);
    summarize_maps(d, moved, s);
}

static const struct {
    const char *word;
    char kind;
} measure[DIFF_MEASURE_COUNT] = {
#define DIFF_MEASURE_ROW(id, kind, word) {#word, #kind[0]},
    DIFF_MEASURES(DIFF_MEASURE_ROW)
#undef DIFF_MEASURE_ROW
};

const char *diff_measure_word(enum diff_measure m)
{
    return measure[m].word;
}

bool diff_measure_is_count(enum diff_measure m)
{
    return measure[m].kind == 'C';
}

void diff_measures(const struct diff *d, const struct diff_summary *s, bool maps,
                   double value[DIFF_MEASURE_COUNT])
{
    const struct diff_run *a = &s->run[0], *b = &s->run[1];
    const struct diff_counts *c = &s->counts;
    const double of[DIFF_MEASURE_COUNT] = {
        [DIFF_MEASURE_IMAGES] = (double)s->images,
        [DIFF_MEASURE_ONLY_A] = (double)d->only[0],
        [DIFF_MEASURE_ONLY_B] = (double)d->only[1],
        [DIFF_MEASURE_UNLABELLED] = (double)s->unlabelled,
        [DIFF_MEASURE_SAME] = (double)s->same,
        [DIFF_MEASURE_CHANGED] = (double)(s->images - s->same),
        [DIFF_MEASURE_BOTH_CORRECT] = (double)s->of[DIFF_BOTH_CORRECT],
        [DIFF_MEASURE_FIXED] = (double)c->fixed,
        [DIFF_MEASURE_BROKEN] = (double)c->broken,
        [DIFF_MEASURE_WRONG_SAME] = (double)s->of[DIFF_WRONG_SAME],
        [DIFF_MEASURE_WRONG_OTHER] = (double)s->of[DIFF_WRONG_OTHER],
        [DIFF_MEASURE_CORRECT_A] = (double)c->correct[0],
        [DIFF_MEASURE_CORRECT_B] = (double)c->correct[1],
        [DIFF_MEASURE_ACCURACY_A] = a->accuracy,
        [DIFF_MEASURE_ACCURACY_A_LOW] = a->low,
        [DIFF_MEASURE_ACCURACY_A_HIGH] = a->high,
        [DIFF_MEASURE_ACCURACY_B] = b->accuracy,
        [DIFF_MEASURE_ACCURACY_B_LOW] = b->low,
        [DIFF_MEASURE_ACCURACY_B_HIGH] = b->high,
        [DIFF_MEASURE_DIFFERENCE] = s->difference,
        [DIFF_MEASURE_DIFFERENCE_LOW] = s->low,
        [DIFF_MEASURE_DIFFERENCE_HIGH] = s->high,
        [DIFF_MEASURE_MCNEMAR_P] = diff_test(c),
        [DIFF_MEASURE_WORSE_P] = diff_worse(c),
        [DIFF_MEASURE_MEAN_CONF_A] = a->mean_conf,
        [DIFF_MEASURE_MEAN_CONF_B] = b->mean_conf,
        [DIFF_MEASURE_ECE_A] = a->calibration.ece,
        [DIFF_MEASURE_ECE_B] = b->calibration.ece,
        [DIFF_MEASURE_ECE_CHANCE_A] = a->calibration.chance,
        [DIFF_MEASURE_ECE_CHANCE_B] = b->calibration.chance,
        [DIFF_MEASURE_MCE_A] = a->calibration.mce,
        [DIFF_MEASURE_MCE_B] = b->calibration.mce,
        [DIFF_MEASURE_NLL_A] = a->nll,
        [DIFF_MEASURE_NLL_B] = b->nll,
        [DIFF_MEASURE_MAPS] = maps ? (double)s->maps : NAN,
        [DIFF_MEASURE_MAPS_MOVED] = maps ? (double)s->moved : NAN,
        [DIFF_MEASURE_MAP_MEDIAN] = s->map_median,
    };
    memcpy(value, of, sizeof of);
}

/* --- by class and superclass --- */

static void test_parts(struct diff_part *part, int n)
{
    double *p = mem_alloc((size_t)n + 1, sizeof *p);
    for (int i = 0; i < n; i++) {
        part[i].part = i;
        const struct diff_counts *c = &part[i].counts;
        double images = c->images > 0 ? (double)c->images : NAN;
        for (int run = 0; run < 2; run++)
            part[i].accuracy[run] = (double)c->correct[run] / images;
        part[i].difference = (double)(c->correct[1] - c->correct[0]) / images;
        p[i] = part[i].p = diff_test(c);
    }
    share_holm(p, (size_t)n);
    for (int i = 0; i < n; i++)
        part[i].adjusted = p[i];
    free(p);
}

struct diff_part *diff_classes(const struct diff *d, int *n)
{
    int classes = 0;
    for (size_t k = 0; k < d->n; k++)
        if (d->image[k].truth >= classes)
            classes = d->image[k].truth + 1;
    struct diff_part *part = mem_zero((size_t)classes + 1, sizeof *part);
    for (size_t k = 0; k < d->n; k++)
        if (d->image[k].truth >= 0)
            count(&part[d->image[k].truth].counts, &d->image[k]);
    test_parts(part, classes);
    *n = classes;
    return part;
}

static int superclass_of(const struct names *names, int cls)
{
    return cls >= 0 && cls < names->classes ? names->superclass[cls] : -1;
}

struct diff_part *diff_superclasses(const struct diff *d, const struct names *names,
                                    int64_t *ignored)
{
    struct diff_part *part = mem_zero((size_t)names->superclasses + 1, sizeof *part);
    *ignored = 0;
    for (size_t k = 0; k < d->n; k++) {
        int at = superclass_of(names, d->image[k].truth);
        if (at >= 0)
            count(&part[at].counts, &d->image[k]);
        else
            *ignored += d->image[k].truth >= 0;
    }
    test_parts(part, names->superclasses);
    return part;
}

/* --- pairs --- */

struct pair_list {
    struct sparse *index; /* of a pair, plus 1 */
    struct diff_pair *pair;
    size_t n;
};

static int add_error(struct pair_list *l, const struct diff_image *i, int run, struct err *e)
{
    int pred = i->pred[run];
    if (i->truth < 0 || pred == i->truth)
        return 0;
    int64_t *at = sparse_at(l->index, i->truth, pred, e);
    if (!at)
        return -1;
    if (!l->pair || *at == 0) {
        l->pair = mem_extend(l->pair, l->n, l->n + 1, sizeof *l->pair);
        l->pair[l->n++] = (struct diff_pair){.truth = i->truth, .pred = pred};
        *at = (int64_t)l->n;
    }
    struct diff_pair *p = &l->pair[*at - 1];
    bool other = i->pred[0] != i->pred[1];
    p->count[run]++;
    p->fewer += other && run == 0;
    p->more += other && run == 1;
    return 0;
}

static int by_change(const void *a, const void *b)
{
    const struct diff_pair *x = a, *y = b;
    int64_t dx = llabs(x->count[1] - x->count[0]), dy = llabs(y->count[1] - y->count[0]);
    int64_t nx = x->count[0] + x->count[1], ny = y->count[0] + y->count[1];
    if (dx != dy)
        return dx > dy ? -1 : 1;
    if (nx != ny)
        return nx > ny ? -1 : 1;
    if (x->truth != y->truth)
        return x->truth < y->truth ? -1 : 1;
    return (x->pred > y->pred) - (x->pred < y->pred);
}

/* Drops the pairs that no image joined or left, and finishes the others. */
static void end_pairs(struct pair_list *l, const struct names *names)
{
    size_t kept = 0;
    for (size_t i = 0; i < l->n; i++)
        if (l->pair[i].fewer + l->pair[i].more > 0)
            l->pair[kept++] = l->pair[i];
    l->n = kept;
    double *p = mem_alloc(kept + 1, sizeof *p);
    for (size_t i = 0; i < kept; i++) {
        struct diff_pair *r = &l->pair[i];
        int a = superclass_of(names, r->truth), b = superclass_of(names, r->pred);
        r->same_superclass = a >= 0 && b >= 0 ? a == b : -1;
        r->difference = r->count[1] - r->count[0];
        p[i] = r->p = test(r->fewer, r->more);
    }
    share_holm(p, kept);
    for (size_t i = 0; i < kept; i++)
        l->pair[i].adjusted = p[i];
    free(p);
    if (kept > 1)
        qsort(l->pair, kept, sizeof *l->pair, by_change);
}

int diff_pairs(const struct diff *d, const struct names *names, struct diff_pair **pair, size_t *n,
               struct err *e)
{
    struct pair_list l = {.index = sparse_new(CONFUSION_ENTRIES)};
    int r = 0;
    for (size_t k = 0; k < d->n && r == 0; k++)
        for (int run = 0; run < 2 && r == 0; run++)
            r = add_error(&l, &d->image[k], run, e);
    sparse_free(l.index);
    if (r != 0) {
        free(l.pair);
        return -1;
    }
    end_pairs(&l, names);
    *pair = l.pair;
    *n = l.n;
    return 0;
}

/* --- maps --- */

static int by_map(const void *a, const void *b)
{
    const struct diff_image *x = a, *y = b;
    if (x->map != y->map)
        return x->map < y->map ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

struct diff_image *diff_moved(const struct diff *d, double moved, size_t *n)
{
    struct diff_image *list = NULL;
    *n = 0;
    for (size_t k = 0; k < d->n; k++)
        if (has_map(&d->image[k]) && d->image[k].map < moved) {
            list = mem_extend(list, *n, *n + 1, sizeof *list);
            list[(*n)++] = d->image[k];
        }
    if (*n > 1)
        qsort(list, *n, sizeof *list, by_map);
    return list;
}

/* --- the verdict --- */

double diff_labelled(const double value[DIFF_MEASURE_COUNT])
{
    return value[DIFF_MEASURE_IMAGES] - value[DIFF_MEASURE_UNLABELLED];
}

enum diff_verdict diff_judge(const double value[DIFF_MEASURE_COUNT])
{
    double fixed = value[DIFF_MEASURE_FIXED], broken = value[DIFF_MEASURE_BROKEN];

    if (diff_labelled(value) == 0)
        return DIFF_UNKNOWN;
    if (fixed + broken == 0)
        return DIFF_EQUAL;
    if (!find_tells(value[DIFF_MEASURE_MCNEMAR_P]))
        return DIFF_CHANCE;
    return broken > fixed ? DIFF_WORSE : DIFF_BETTER;
}
