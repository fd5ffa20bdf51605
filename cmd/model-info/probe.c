/* Which reading of a checkpoint fits: what enters each batch norm, against the mean and
 * the variance that the norm recorded in training. */
#include "info.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/prog.h"
#include "data/data.h"
#include "engine/engine.h"
#include "net/normal.h"
#include "stream/tsv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { READINGS = 128 };

/* A way to read the checkpoint, and how well it fits. */
struct reading {
    struct net_assume assume;
    struct normal pixels;
    bool plain; /* what the programs do without options */
    char text[160];
    double divergence; /* nats, the mean over norms of the mean over channels */
    double shift;      /* root mean square of (mean - recorded mean) / recorded deviation */
    double ratio;      /* geometric mean of variance / recorded variance */
    char worst[128];   /* the norm that fits least */
    double worst_divergence;
    int norms;
    int64_t images;
};

struct probe {
    const struct info *info;
    struct ckpt *ckpt;
    struct data *data;
    struct reading reading[READINGS];
    int readings;
    /* of a run */
    size_t image; /* bytes */
    int64_t next, limit;
    int channels;
    double *sum; /* [channels][2] */
};

/* --- running images --- */

static int read_images(void *ctx, struct engine_batch *b, int max, struct err *e)
{
    struct probe *p = ctx;
    int n = 0;
    while (n < max && p->next < p->limit) {
        struct data_item item;
        /* Spread over the whole set, which may be in the order of classes. */
        int64_t id = p->next * data_count(p->data) / p->limit;
        if (data_at(p->data, id, b->pixels + (size_t)n * p->image, &item, e) != 0)
            return -1;
        p->next++;
        n++;
    }
    return n;
}

static int add_sums(void *ctx, const struct engine_batch *b, struct err *e)
{
    struct probe *p = ctx;
    (void)e;
    for (int i = 0; i < b->n; i++)
        for (int k = 0; k < 2 * p->channels; k++)
            p->sum[k] += b->sums[(size_t)i * 2 * (size_t)p->channels + (size_t)k];
    return 0;
}

/* Kullback-Leibler divergence of the normal distribution that was measured from the one
 * that was recorded. */
static double divergence(double mean, double var, double recorded_mean, double recorded_var)
{
    double d = mean - recorded_mean;
    return ((var + d * d) / recorded_var - 1 + log(recorded_var / var)) / 2;
}

/* From the sums of all images to the figures of a reading. */
static void measure(const struct probe *p, const struct net *n, struct reading *r)
{
    const double *s = p->sum;
    double total = 0, shift = 0, ratio = 0;
    int64_t channels = 0;
    r->worst_divergence = -1;
    for (int i = 0; i < n->norms; i++) {
        const struct net_norm *m = &n->norm[i];
        const struct net_value *v = &n->value[m->value];
        double cells = (double)v->h * v->w * (double)p->limit, sum = 0;
        for (int c = 0; c < v->c; c++, s += 2) {
            double mean = s[0] / cells, var = s[1] / cells - mean * mean;
            /* As the norm records it. */
            var = (var > 0 ? var : 0) * cells / (cells > 1 ? cells - 1 : 1) + m->eps;
            double recorded = (double)m->var[c] + m->eps, d = mean - m->mean[c];
            sum += divergence(mean, var, m->mean[c], recorded);
            shift += d * d / recorded;
            ratio += log(var / recorded);
        }
        channels += v->c;
        total += sum / v->c;
        if (sum / v->c > r->worst_divergence) {
            r->worst_divergence = sum / v->c;
            snprintf(r->worst, sizeof r->worst, "%s", m->key);
        }
    }
    r->norms = n->norms;
    r->images = p->limit;
    r->divergence = isfinite(total) ? total / n->norms : INFINITY;
    r->shift = sqrt(shift / (double)channels);
    r->ratio = exp(ratio / (double)channels);
}

static int run_network(struct probe *p, const struct net *n, struct err *e)
{
    struct engine *g;
    int *taps = mem_alloc((size_t)n->norms, sizeof *taps);
    p->channels = 0;
    for (int i = 0; i < n->norms; i++) {
        taps[i] = n->norm[i].value;
        p->channels += n->value[taps[i]].c;
    }
    const struct engine_opts o = {.device = "cpu",
                                  .threads = p->info->threads,
                                  .features = -1,
                                  .taps = taps,
                                  .tap_count = n->norms};
    const struct engine_calls calls = {.ctx = p, .read = read_images, .write = add_sums};
    p->sum = mem_zero(2 * (size_t)p->channels, sizeof *p->sum);
    int r = engine_open(&g, n, &o, e);
    if (r == 0) {
        r = engine_run(g, &calls, e);
        engine_close(g);
    }
    free(taps);
    return r;
}

static int try_reading(struct probe *p, struct reading *r, int64_t images, struct err *e)
{
    struct net *n;
    struct net_opts o = {
        .h = data_h(p->data), .w = data_w(p->data), .assume = &r->assume, .unfolded = true};
    memcpy(o.mean, r->pixels.mean, sizeof o.mean);
    memcpy(o.std, r->pixels.std, sizeof o.std);
    if (net_build(&n, p->ckpt, &o, e) != 0) {
        /* Another reading may still be one. */
        r->divergence = INFINITY;
        return r->plain ? -1 : 0;
    }
    snprintf(r->text, sizeof r->text, "%s", n->reading);
    p->next = 0;
    p->limit = images;
    p->image = 3 * (size_t)o.h * (size_t)o.w;
    int result = n->norms == 0
                     ? err_set(e,
                               "%s: expected batch norms to compare with, found none: they are "
                               "folded",
                               ckpt_name(p->ckpt))
                     : run_network(p, n, e);
    if (result == 0)
        measure(p, n, r);
    free(p->sum);
    p->sum = NULL;
    net_free(n);
    return result;
}

/* --- the readings --- */

static void add_reading(struct probe *p, const struct net_assume *a, const struct normal *k)
{
    if (p->readings < READINGS)
        p->reading[p->readings++] = (struct reading){.assume = *a, .pixels = *k};
}

/* Everything that could be meant, the programs' own reading first. */
static void list_readings(struct probe *p, const struct net *n)
{
    bool bottleneck = strstr(n->reading, "stride-at") != NULL;
    int constants;
    const struct normal *k = normal_all(&constants);
    struct normal given = {.name = "given"};
    if (p->info->mean) {
        normal_parse(p->info->mean, false, given.mean);
        normal_parse(p->info->std, true, given.std);
    }
    add_reading(p, &p->info->assume,
                p->info->mean ? &given : normal_usual(n->family, n->stem, data_kind(p->data)));
    p->reading[0].plain = true;
    for (int i = p->info->mean ? -1 : 0; i < constants; i++)
        for (int stride = 1; stride <= 2; stride++)
            for (int pool = NET_POOL_NONE; pool <= NET_POOL_MAX; pool++)
                for (int at = 1; at <= (bottleneck ? 2 : 1); at++) {
                    struct net_assume a = p->info->assume;
                    a.stem_stride = stride;
                    a.pool = pool == NET_POOL_MAX ? NET_POOL_MAX : NET_POOL_NONE;
                    if (bottleneck)
                        a.stride_at = at;
                    add_reading(p, &a, i < 0 ? &given : &k[i]);
                }
}

static int compare(const void *a, const void *b)
{
    const struct reading *x = a, *y = b;
    return x->divergence != y->divergence
               ? (x->divergence > y->divergence) - (x->divergence < y->divergence)
               : y->plain - x->plain;
}

/* The programs' own reading comes twice. */
static void drop_twin(struct probe *p)
{
    for (int i = 1; i < p->readings; i++)
        if (strcmp(p->reading[i].text, p->reading[0].text) == 0 &&
            strcmp(p->reading[i].pixels.name, p->reading[0].pixels.name) == 0) {
            memmove(&p->reading[i], &p->reading[i + 1],
                    (size_t)(p->readings - i - 1) * sizeof *p->reading);
            p->readings--;
            return;
        }
}

/* All on some of the images; the best, and the programs' own, on all of them. */
static int try_all(struct probe *p, struct err *e)
{
    enum { FIRST = 64, BEST = 5 };
    int64_t all = data_count(p->data) < p->info->images ? data_count(p->data) : p->info->images;
    int64_t some = all < FIRST ? all : FIRST;
    for (int i = 0; i < p->readings; i++) {
        if (try_reading(p, &p->reading[i], some, e) != 0)
            return -1;
        prog_progress("readings", i + 1, p->readings);
    }
    prog_progress_end();
    drop_twin(p);
    qsort(p->reading, (size_t)p->readings, sizeof *p->reading, compare);
    for (int i = 0; i < p->readings && all > some; i++)
        if ((i < BEST || p->reading[i].plain) && try_reading(p, &p->reading[i], all, e) != 0)
            return -1;
    qsort(p->reading, (size_t)p->readings, sizeof *p->reading, compare);
    if (!isfinite(p->reading[0].divergence))
        return err_set(e, "%s: expected values that are finite in some reading, found none",
                       ckpt_name(p->ckpt));
    return 0;
}

/* --- output --- */

static int put_reading(struct tsv_out *t, const struct reading *r, int rank, struct err *e)
{
    const float *m = r->pixels.mean, *s = r->pixels.std;
    char text[64];
    tsv_put_int(t, rank);
    tsv_put_real(t, r->divergence);
    tsv_put_real(t, r->shift);
    tsv_put_real(t, r->ratio);
    tsv_put_real(t, r->worst_divergence);
    tsv_put_string(t, r->worst);
    tsv_put_string(t, r->pixels.name);
    snprintf(text, sizeof text, "%g,%g,%g", (double)m[0], (double)m[1], (double)m[2]);
    tsv_put_string(t, text);
    snprintf(text, sizeof text, "%g,%g,%g", (double)s[0], (double)s[1], (double)s[2]);
    tsv_put_string(t, text);
    tsv_put_string(t, r->text);
    tsv_put_int(t, r->plain);
    tsv_put_int(t, r->norms);
    tsv_put_int(t, r->images);
    return tsv_end(t, e);
}

static int put_all(const struct probe *p, struct err *e)
{
    struct out *o;
    if (out_open(&o, "-", e) != 0)
        return -1;
    struct tsv_out *t = tsv_begin(o, "rank divergence shift variance_ratio worst_divergence "
                                     "worst_norm pixels mean std assume default norms images");
    int r = 0;
    for (int i = 0; i < p->readings && r == 0; i++)
        r = put_reading(t, &p->reading[i], i + 1, e);
    tsv_free(t);
    if (r == 0)
        return out_close(o, e);
    out_abort(o);
    return -1;
}

/* The verdict in words. */
static void conclude(const struct probe *p)
{
    /* Augmentation and sampling alone make a few hundredths of a nat. */
    const double good = 0.05, same = 1.05;
    const struct reading *best = &p->reading[0], *plain = best;
    const float *m = best->pixels.mean, *s = best->pixels.std;
    for (int i = 0; i < p->readings; i++)
        if (p->reading[i].plain)
            plain = &p->reading[i];
    if (plain == best || plain->divergence <= same * best->divergence + 1e-4)
        prog_say("%s: what is assumed without options fits best: divergence %.3g nats over %d "
                 "batch norms and %lld images, the next reading %.3g",
                 ckpt_name(p->ckpt), plain->divergence, plain->norms, (long long)plain->images,
                 p->reading[plain == best ? 1 : 0].divergence);
    else
        prog_say("%s: fits best: --assume %s --mean %g,%g,%g --std %g,%g,%g: divergence %.3g nats, "
                 "%.3g without options, over %d batch norms and %lld images",
                 ckpt_name(p->ckpt), best->text, (double)m[0], (double)m[1], (double)m[2],
                 (double)s[0], (double)s[1], (double)s[2], best->divergence, plain->divergence,
                 best->norms, (long long)best->images);
    if (p->info->resize_h > 0)
        prog_say("%s: resizing changes what a network sees: constants that are near each other "
                 "are not told apart by resized images",
                 ckpt_name(p->ckpt));
    if (best->divergence > good)
        prog_say("%s: no reading fits well: other images, or another network than was trained",
                 ckpt_name(p->ckpt));
}

static int open_data(struct probe *p, struct err *e)
{
    const struct data_opts o = {
        .resize_h = p->info->resize_h, .resize_w = p->info->resize_w, .note = prog_note};
    if (data_open(&p->data, p->info->data, &o, e) != 0)
        return -1;
    if (data_count(p->data) < 0)
        return err_set(e,
                       "%s: expected a file or a folder, found a pipe: images are read more "
                       "than once",
                       data_name(p->data));
    if (data_count(p->data) < 2)
        return err_set(e, "%s: expected at least two images, found %lld", data_name(p->data),
                       (long long)data_count(p->data));
    return 0;
}

int probe_print(const struct info *i, struct ckpt *c, struct err *e)
{
    struct probe *p = mem_zero(1, sizeof *p);
    struct net *n;
    p->info = i;
    p->ckpt = c;
    int r = open_data(p, e);
    if (r == 0)
        r = info_network(i, &n, c, e);
    if (r == 0) {
        list_readings(p, n);
        net_free(n);
        r = try_all(p, e);
    }
    if (r == 0)
        r = put_all(p, e);
    if (r == 0)
        conclude(p);
    data_close(p->data);
    free(p);
    return r;
}
