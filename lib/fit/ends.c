#include "fit/ends.h"

#include "base/mem.h"
#include "fit/labels.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Multiply-accumulates of the first images, whose labels may show that a network is run as it was
 * trained; and the part of the cross entropy of chance that does. */
static const double FIRST_MACS = 10e9, KNOWN = .5;
enum { FIRST_LEAST = 16, FIRST_MOST = 64 };

/* Adds the first network with the largest of all cells to the list; false where it is the same. */
static bool add_largest(struct trial *p)
{
    struct candidate c = p->list[0];
    struct model *m;
    struct err ignored;
    c.given.end = ASSUME_END_MAX;
    if (p->use->assume->end || trial_open(&m, p, &c, true, &ignored) != 0)
        return false;
    c.assumed = m->assumed;
    model_close(m);
    if (c.assumed.end != ASSUME_END_MAX)
        return false;
    p->list = mem_extend(p->list, (size_t)p->count, (size_t)p->count + 1, sizeof *p->list);
    p->list[p->count++] = c;
    return true;
}

/* Whether it is the largest: 1 or 0. */
static int is_largest(struct labels_verdict *v, struct trial *p, struct err *e)
{
    *v = (struct labels_verdict){.count = 0};
    if (!p->images->label || !add_largest(p))
        return 0;
    const int last = p->count - 1;
    bool *open = mem_zero((size_t)p->count, sizeof *open);
    open[0] = open[last] = true;
    const int r = labels_judge(v, p, open, e);
    free(open);
    p->count--;
    return r != 0 ? -1 : labels_tell(v, p->classes) && v->best == last;
}

int fit_ends(struct fit_end *x, const struct fit_use *u, const struct fit_images *images,
             struct err *e)
{
    struct candidate c = {.given = *u->assume, .pixels.bgr = u->assume->bgr};
    struct trial p = {.use = u, .images = images, .list = NULL};
    struct labels_verdict v;
    struct model *m;
    double loss;
    *x = (struct fit_end){.count = 0};
    if (!images->label || u->assume->end)
        return 0;
    memcpy(c.pixels.mean, u->mean, sizeof u->mean);
    memcpy(c.pixels.std, u->std, sizeof u->std);
    if (trial_open(&m, &p, &c, false, e) != 0)
        return -1;
    const bool residual = m->stages > 0 && !m->design && !m->program;
    p.classes = graph_classes(m->graph);
    p.macs = (double)graph_macs(m->graph) + 1;
    const int64_t first = fit_count(FIRST_MACS, p.macs, FIRST_LEAST, FIRST_MOST);
    int r = residual ? labels_loss(&loss, &p, m->graph, first, e) : 0;
    model_close(m);
    if (r != 0 || !residual)
        return r;
    p.list = mem_extend(NULL, 0, 1, sizeof *p.list);
    p.list[p.count++] = c;
    if (!(loss < KNOWN * log(p.classes))) {
        r = is_largest(&v, &p, e);
        *x = (struct fit_end){r > 0, v.least, v.next, v.count};
    }
    free(p.list);
    return r < 0 ? -1 : 0;
}

/* Of those that norms do not tell apart from the first one and have its functions, the one that
 * labels clearly choose becomes the first, and the others go. */
static int choose(struct labels_verdict *v, struct trial *p, struct err *e)
{
    int i = 1;
    while (i < p->count && !trial_rivals(p, i))
        i++;
    if (i == p->count)
        return 0;
    if (labels_judge_rivals(v, p, 1, e) != 0)
        return -1;
    const bool clear = labels_tell(v, p->classes);
    if (clear)
        labels_take(p, v->best, 1);
    return clear;
}

int fit_ends_proved(struct trial *p, char text[FIT_ENDS_TEXT], struct err *e)
{
    struct labels_verdict v;
    int at = 0;
    *text = '\0';
    if (p->count == 0 || *p->list[0].assumed.chain || !p->images->label ||
        p->classes != p->list[0].classes)
        return 0;
    const int largest = is_largest(&v, p, e);
    if (largest < 0)
        return -1;
    for (int i = 0; i < p->count && largest; i++)
        p->list[i].given.end = p->list[i].assumed.end = ASSUME_END_MAX;
    if (largest)
        at = snprintf(text, FIT_ENDS_TEXT,
                      ", and the largest of all cells behind its last norm by the labels of %lld "
                      "images: cross entropy %.2g, of their mean %.2g",
                      (long long)v.count, v.least, v.next);
    /* Norms may not tell others apart from the chosen one. */
    int chosen;
    while ((chosen = choose(&v, p, e)) > 0)
        snprintf(text + at, FIT_ENDS_TEXT - (size_t)at,
                 ", and its wiring by the labels of %lld images: cross entropy %.3g, of the next "
                 "%.3g",
                 (long long)v.count, v.least, v.next);
    return chosen;
}
