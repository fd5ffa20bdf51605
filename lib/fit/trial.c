#include "fit/trial.h"

#include "base/mem.h"
#include "base/prog.h"
#include "model/normal.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How many times, and by how much more, a network's first images may fit less than the best one's,
 * before the others are not looked at. */
static const double BEGUN_NEAR = 4, BEGUN_MORE = .1;

/* Multiply-accumulates that one of many candidates may take, a tenth of a second, and images within
 * these. */
static const double FIRST_MACS = 8e9;
enum { FIRST_LEAST = 16, FIRST_MOST = 128 };

void trial_scale(struct trial *p, double macs)
{
    p->macs = macs + 1;
    p->moved.count = fit_count(FIRST_MACS, p->macs, FIRST_LEAST, FIRST_MOST);
}

int trial_open(struct model **m, const struct trial *p, const struct candidate *c, bool unfolded,
               struct err *e)
{
    return fit_open(m, p->use, p->images, &c->given, &c->pixels, c->dropout, unfolded, e);
}

/* Whether what a user said is kept: variants set some of it anew. */
static bool is_allowed(const struct assume *v, const struct assume *given)
{
    bool allowed = (!given->stem_stride || v->stem_stride == given->stem_stride) &&
                   (!given->pool || v->pool == given->pool) &&
                   (!given->stride_at || v->stride_at == given->stride_at) &&
                   (!given->preact || v->preact == given->preact) &&
                   (!given->shortcut || v->shortcut == given->shortcut) &&
                   (!given->relu || v->relu == given->relu) &&
                   (!given->act || v->act == given->act) &&
                   (!given->padding || v->padding == given->padding) &&
                   (!*given->chain || strcmp(v->chain, given->chain) == 0) &&
                   (!given->stages || v->stages == given->stages);
    for (int s = 0; allowed && s < given->stages; s++)
        allowed = v->strides[s] == given->strides[s];
    return allowed;
}

static bool is_known(const struct trial *p, const struct candidate *c)
{
    for (int i = 0; i < p->count; i++)
        if (assume_same(&p->list[i].assumed, &c->assumed) &&
            p->list[i].dropout.place == c->dropout.place &&
            !(fabsf(p->list[i].dropout.rate - c->dropout.rate) > 0) &&
            normal_same(p->list[i].pixels.mean, p->list[i].pixels.std, c->pixels.mean,
                        c->pixels.std))
            return true;
    return false;
}

/* How much of a network is rare among those of such keys. */
static int count_odd(const struct model *m)
{
    const struct assume *a = &m->assumed;
    const unsigned relu = a->relu & (ASSUME_RELU_LAST | ASSUME_RELU_SHORTCUT);
    int odd = (m->side == 32 ? a->stem_stride > 1 : a->stem_stride == 1) +
              (m->side == 32 ? a->pool >= ASSUME_POOL_MAX : a->pool == ASSUME_POOL_NONE) +
              (a->pool > ASSUME_POOL_MAX) + (a->padding == ASSUME_PADDING_SAME) +
              (a->preact == ASSUME_PREACT_FIRST) + (relu != 0) + (a->reading > 1) +
              (m->bottleneck ? a->stride_at == 1 : a->stride_at > 1);
    if (a->shortcut == ASSUME_SHORT_CONV || a->shortcut == ASSUME_SHORT_AVERAGE)
        odd += (a->shortcut == ASSUME_SHORT_AVERAGE) != m->led;
    else
        odd += a->shortcut > ASSUME_SHORT_AVERAGE;
    for (int s = 0; s < a->stages; s++)
        odd += a->strides[s] != (s > 0) + 1;
    return odd;
}

/* Cells of what is pooled at last. */
static int last_cells(const struct graph *g)
{
    for (int i = 0; i < g->ops; i++) {
        const char *name = g->value[g->op[i].out].name;
        if (name && strcmp(name, "pool") == 0)
            return g->value[g->op[i].in[0]].h * g->value[g->op[i].in[0]].w;
    }
    return 0;
}

int trial_measure(struct fit_figures *f, struct trial *p, const struct model *m,
                  const float mean[3], double most, struct err *e)
{
    const struct fit_images some = fit_moved_images(&p->moved, mean);
    prog_progress("networks tried", p->tried++, 0);
    return fit_measure(f, m, &some, most,
                       &(struct fit_device){p->use->device, p->use->threads, p->kept}, e);
}

/* Measures a candidate on the first images and keeps it. One that cannot be built for these images,
 * or is there already, is none. */
int trial_one(struct trial *p, const struct assume *given, const struct fit_pixels *pixels,
              const char *name, struct err *e)
{
    struct candidate c = {.given = *given, .pixels = *pixels, .name = name, .dropout = p->dropout};
    struct model *m;
    struct err ignored;
    if (!is_allowed(given, p->use->assume) || trial_open(&m, p, &c, true, &ignored) != 0)
        return 0;
    c.assumed = m->assumed;
    c.odd = count_odd(m);
    c.classes = graph_classes(m->graph);
    c.stacked = m->stacked;
    const struct graph_op *last = &m->graph->op[m->graph->ops - 1];
    snprintf(c.head, sizeof c.head, "%s", last->key);
    for (int i = 0; i < c.classes; i++)
        c.biased = c.biased || last->b[i] != 0;
    c.cells = last_cells(m->graph);
    int r = 0;
    if (!is_known(p, &c)) {
        const double most = p->begun > 0 ? BEGUN_NEAR * p->begun + BEGUN_MORE : DBL_MAX;
        r = trial_measure(&c.fit, p, m, pixels->mean, most, e);
        if (r == 0 && isfinite(c.fit.begun) && (p->begun <= 0 || c.fit.begun < p->begun))
            p->begun = c.fit.begun;
        p->list = mem_extend(p->list, (size_t)p->count, (size_t)p->count + 1, sizeof *p->list);
        p->list[p->count++] = c;
    }
    model_close(m);
    return r;
}

const struct fit_figures *trial_more(struct trial *p, struct candidate *c, int64_t images,
                                     struct err *e)
{
    const int64_t all = p->moved.count;
    struct fit_figures *to = c->more;
    struct model *m;
    for (int i = 0; i < TRIAL_MORE; i++) {
        if (c->more[i].images == images)
            return &c->more[i];
        if (c->more[i].images == 0)
            to = &c->more[i];
    }
    if (trial_open(&m, p, c, true, e) != 0)
        return NULL;
    p->moved.count = images;
    const int r = trial_measure(to, p, m, c->pixels.mean, INFINITY, e);
    p->moved.count = all;
    model_close(m);
    return r == 0 ? to : NULL;
}

/* Another function than ReLU, which few networks have and of which some are near it, counts as one
 * that fits half as well, and at most half as well as the closest fits do by chance. */
static double rank_of(const struct candidate *c)
{
    const double fit = c->fit.divergence;
    return c->assumed.act > ASSUME_ACT_RELU ? TRIAL_CLEAR_RATIO * fmax(fit, TRIAL_CHANCE) : fit;
}

/* By falling fit. */
int trial_compare(const void *a, const void *b)
{
    const double first = rank_of(a), second = rank_of(b);
    return (first > second) - (first < second);
}

bool trial_told(const struct trial *p, int i)
{
    /* Standard deviations. */
    const double clear = 2;
    const struct candidate *best = p->list, *c = &p->list[i];
    const double ratio = c->assumed.act != best->assumed.act ? TRIAL_CLEAR_RATIO : TRIAL_FAR_RATIO;
    return fit_less(&c->fit, &best->fit) >= clear ||
           c->fit.divergence >= ratio * best->fit.divergence;
}

bool trial_rivals(const struct trial *p, int i)
{
    return p->list[i].assumed.act == p->list->assumed.act && !trial_told(p, i);
}

struct candidate *trial_best(const struct trial *p)
{
    struct candidate *best = p->list;
    for (int i = 1; i < p->count; i++)
        if (best->beaten || (!p->list[i].beaten && trial_compare(&p->list[i], best) < 0))
            best = &p->list[i];
    return best;
}
