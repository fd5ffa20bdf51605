#include "fit/labels.h"

#include "base/mem.h"
#include "engine/engine.h"

#include <math.h>
#include <stdlib.h>

/* Multiply-accumulates; labelled images within these, of what those leave open TIMES as many; and
 * by how many standard deviations labels have to be likelier. */
static const double MACS = 20e9, CLEAR = 4;
enum { LEAST = 64, MOST = 512, TIMES = 8 };

struct judge {
    const struct fit_images *images;
    size_t image; /* bytes */
    int64_t next, count, done;
    int classes;
    double *loss; /* [count] */
};

static int read_images(void *ctx, struct engine_batch *b, int max, struct err *e)
{
    struct judge *j = ctx;
    const struct fit_images *of = j->images;
    int n = 0;
    for (; n < max && j->next < j->count; n++, j->next++)
        if (of->at(of->ctx, j->next * of->count / j->count, b->pixels + (size_t)n * j->image, e) !=
            0)
            return -1;
    return n;
}

/* Cross entropy; NaN without a label. */
static int add_losses(void *ctx, const struct engine_batch *b, struct err *e)
{
    struct judge *j = ctx;
    (void)e;
    for (int i = 0; i < b->n; i++, j->done++) {
        const float *x = b->logits + (size_t)i * (size_t)j->classes;
        const int label = j->images->label[j->done * j->images->count / j->count];
        double most = x[0], sum = 0;
        for (int k = 1; k < j->classes; k++)
            most = fmax(most, x[k]);
        for (int k = 0; k < j->classes; k++)
            sum += exp(x[k] - most);
        j->loss[j->done] = label < 0 || label >= j->classes ? NAN : most + log(sum) - x[label];
    }
    return 0;
}

static struct judge judge_of(const struct trial *p, int64_t count)
{
    const struct fit_images *of = p->images;
    return (struct judge){.images = of,
                          .image = 3 * (size_t)of->h * (size_t)of->w,
                          .count = count < of->count ? count : of->count,
                          .classes = p->classes};
}

static int judge(struct judge *j, const struct trial *p, const struct graph *g, struct err *e)
{
    const struct engine_opts o = {
        .device = p->use->device, .threads = p->use->threads, .few = j->count};
    const struct engine_calls calls = {.ctx = j, .read = read_images, .write = add_losses};
    j->next = j->done = 0;
    return fit_run(g, &o, &calls, e);
}

static int judge_one(struct judge *j, const struct trial *p, const struct candidate *c,
                     struct err *e)
{
    struct model *m;
    if (trial_open(&m, p, c, false, e) != 0)
        return -1;
    const int r = judge(j, p, m->graph, e);
    model_close(m);
    return r;
}

/* Mean of the losses that there are, of n, and by how many standard deviations `b` is more. */
static double mean_loss(const double *a, const double *b, int64_t n, double *more, int64_t *count)
{
    double sum = 0, difference = 0, square = 0;
    *count = 0;
    for (int64_t i = 0; i < n; i++) {
        if (isnan(a[i]) || isnan(b[i]))
            continue;
        const double d = b[i] - a[i];
        sum += a[i];
        difference += d;
        square += d * d;
        ++*count;
    }
    const double k = (double)(*count > 1 ? *count : 2), mean = difference / k;
    *more = mean / sqrt(fmax(square / k - mean * mean, 1e-12) / k);
    return sum / k;
}

/* Judges the networks that are open, and closes those that are clearly less likely than the best
 * one. */
static int judge_open(struct labels_verdict *v, struct judge *j, const struct trial *p, bool *open,
                      struct err *e)
{
    double *loss = mem_zero((size_t)p->count * (size_t)j->count, sizeof *loss), more;
    int r = 0;
    *v = (struct labels_verdict){.least = INFINITY, .next = INFINITY};
    for (int i = 0; i < p->count && r == 0; i++) {
        if (!open[i])
            continue;
        j->loss = loss + (size_t)i * (size_t)j->count;
        r = judge_one(j, p, &p->list[i], e);
        const double mean = mean_loss(j->loss, j->loss, j->count, &more, &v->count);
        if (mean < v->least) {
            v->least = mean;
            v->best = i;
        }
    }
    for (int i = 0; i < p->count && r == 0; i++) {
        const double *a = loss + (size_t)v->best * (size_t)j->count,
                     *b = loss + (size_t)i * (size_t)j->count;
        if (!open[i] || i == v->best)
            continue;
        v->next = fmin(v->next, mean_loss(b, b, j->count, &more, &v->count));
        mean_loss(a, b, j->count, &more, &v->count);
        open[i] = more < CLEAR;
        v->left += open[i];
    }
    free(loss);
    return r;
}

int labels_loss(double *loss, const struct trial *p, const struct graph *g, int64_t count,
                struct err *e)
{
    struct judge j = judge_of(p, count);
    double more;
    int64_t labelled;
    j.loss = mem_zero((size_t)j.count, sizeof *j.loss);
    const int r = judge(&j, p, g, e);
    *loss = mean_loss(j.loss, j.loss, j.count, &more, &labelled);
    *loss = labelled > 0 ? *loss : INFINITY;
    free(j.loss);
    return r;
}

int labels_judge(struct labels_verdict *v, const struct trial *p, bool *open, struct err *e)
{
    struct judge j = judge_of(p, fit_count(MACS, p->macs, LEAST, MOST));
    const int64_t all = MOST < p->images->count ? MOST : p->images->count;
    int r = 0;
    do {
        j.count = j.count < all ? j.count : all;
        r = judge_open(v, &j, p, open, e);
        j.count *= TIMES;
    } while (r == 0 && v->left > 0 && v->count >= LEAST && j.count / TIMES < all);
    return r;
}

/* Whether network i of the list is one of the first `same`, or norms leave it open beside them. */
static bool is_judged(const struct trial *p, int i, int same)
{
    return i < same || trial_rivals(p, i);
}

int labels_judge_rivals(struct labels_verdict *v, const struct trial *p, int same, struct err *e)
{
    bool *open = mem_zero((size_t)p->count, sizeof *open);
    for (int i = 0; i < p->count; i++)
        open[i] = is_judged(p, i, same);
    const int r = labels_judge(v, p, open, e);
    free(open);
    return r;
}

void labels_take(struct trial *p, int best, int same)
{
    const struct candidate found = p->list[best];
    int kept = 1;
    for (int i = same; i < p->count; i++)
        if (!is_judged(p, i, same))
            p->list[kept++] = p->list[i];
    p->list[0] = found;
    p->count = kept;
}

bool labels_tell(const struct labels_verdict *v, int classes)
{
    return v->left == 0 && v->count >= LEAST && v->least < log(classes);
}
