/* Which interpretation of a checkpoint fits: what enters each batch norm, against the mean and
 * the variance that the norm recorded in training. */
#include "info.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/prog.h"
#include "data/data.h"
#include "fit/measure.h"
#include "fit/variants.h"
#include "net/normal.h"
#include "stream/tsv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INTERPRETATIONS = 128 };

/* A way to read the checkpoint, and how well it fits. */
struct interpretation {
    struct net_assume assume;
    struct normal pixels;
    bool plain; /* what the programs do without options */
    char text[160];
    struct fit_figures fit;
};

struct probe {
    const struct info *info;
    struct ckpt *ckpt;
    struct data *data;
    struct interpretation list[INTERPRETATIONS];
    int count;
    int64_t images; /* of a run */
};

static int read_image(void *ctx, int64_t i, uint8_t *pixels, struct err *e)
{
    const struct probe *p = ctx;
    struct data_item item;
    /* Spread over the whole set, which may be in the order of classes. */
    return data_at(p->data, i * data_count(p->data) / p->images, pixels, &item, e);
}

static int try_one(struct probe *p, struct interpretation *r, int64_t images, struct err *e)
{
    struct net *n;
    struct net_opts o = {
        .h = data_h(p->data), .w = data_w(p->data), .assume = &r->assume, .unfolded = true};
    memcpy(o.mean, r->pixels.mean, sizeof o.mean);
    memcpy(o.std, r->pixels.std, sizeof o.std);
    if (net_build(&n, p->ckpt, &o, e) != 0) {
        /* Another interpretation may still be one. */
        r->fit.divergence = INFINITY;
        return r->plain ? -1 : 0;
    }
    snprintf(r->text, sizeof r->text, "%s", n->assumptions);
    p->images = images;
    const struct fit_images of = {.count = images, .h = o.h, .w = o.w, .at = read_image, .ctx = p};
    int result = n->norms == 0
                     ? err_set(e,
                               "%s: expected batch norms to compare with, found none: they are "
                               "folded",
                               ckpt_name(p->ckpt))
                     : fit_measure(&r->fit, n, &of, p->info->threads, e);
    net_free(n);
    return result;
}

/* --- the interpretations --- */

static void add(struct probe *p, const struct net_assume *a, const struct normal *k)
{
    if (p->count < INTERPRETATIONS)
        p->list[p->count++] = (struct interpretation){.assume = *a, .pixels = *k};
}

/* Everything that could be meant, the programs' own first. */
static void list_all(struct probe *p, const struct net *n)
{
    int constants;
    const struct normal *k = normal_all(&constants);
    struct normal_use u;
    normal_choose(&u, n, p->ckpt, data_kind(p->data), p->info->mean, p->info->std, prog_say);
    struct normal own = {.name = u.name};
    memcpy(own.mean, u.mean, sizeof own.mean);
    memcpy(own.std, u.std, sizeof own.std);
    bool listed = false;
    for (int i = 0; i < constants; i++)
        listed = listed || strcmp(k[i].name, own.name) == 0;
    add(p, &p->info->assume, &own);
    p->list[0].plain = true;
    struct net_assume variant[FIT_VARIANTS];
    int variants = fit_variants(n, &p->info->assume, variant);
    for (int i = listed ? 0 : -1; i < constants; i++)
        for (int v = 0; v < variants; v++)
            add(p, &variant[v], i < 0 ? &own : &k[i]);
}

static int compare(const void *a, const void *b)
{
    const struct interpretation *x = a, *y = b;
    return x->fit.divergence != y->fit.divergence
               ? (x->fit.divergence > y->fit.divergence) - (x->fit.divergence < y->fit.divergence)
               : y->plain - x->plain;
}

/* The programs' own comes twice. */
static void drop_twin(struct probe *p)
{
    for (int i = 1; i < p->count; i++)
        if (strcmp(p->list[i].text, p->list[0].text) == 0 &&
            strcmp(p->list[i].pixels.name, p->list[0].pixels.name) == 0) {
            memmove(&p->list[i], &p->list[i + 1], (size_t)(p->count - i - 1) * sizeof *p->list);
            p->count--;
            return;
        }
}

/* All on some of the images; the best, and the programs' own, on all of them. */
static int try_all(struct probe *p, struct err *e)
{
    enum { FIRST = 64, BEST = 5 };
    int64_t all = data_count(p->data) < p->info->images ? data_count(p->data) : p->info->images;
    int64_t some = all < FIRST ? all : FIRST;
    for (int i = 0; i < p->count; i++) {
        if (try_one(p, &p->list[i], some, e) != 0)
            return -1;
        prog_progress("interpretations", i + 1, p->count);
    }
    prog_progress_end();
    drop_twin(p);
    qsort(p->list, (size_t)p->count, sizeof *p->list, compare);
    for (int i = 0; i < p->count && all > some; i++)
        if ((i < BEST || p->list[i].plain) && try_one(p, &p->list[i], all, e) != 0)
            return -1;
    qsort(p->list, (size_t)p->count, sizeof *p->list, compare);
    if (!isfinite(p->list[0].fit.divergence))
        return err_set(e, "%s: expected values that are finite in some interpretation, found none",
                       ckpt_name(p->ckpt));
    return 0;
}

/* --- output --- */

static int put(struct tsv_out *t, const struct interpretation *r, int rank, struct err *e)
{
    const float *m = r->pixels.mean, *s = r->pixels.std;
    char text[64];
    tsv_put_int(t, rank);
    tsv_put_real(t, r->fit.divergence);
    tsv_put_real(t, r->fit.shift);
    tsv_put_real(t, r->fit.ratio);
    tsv_put_real(t, r->fit.worst_divergence);
    tsv_put_string(t, r->fit.worst);
    tsv_put_string(t, r->pixels.name);
    snprintf(text, sizeof text, "%g,%g,%g", (double)m[0], (double)m[1], (double)m[2]);
    tsv_put_string(t, text);
    snprintf(text, sizeof text, "%g,%g,%g", (double)s[0], (double)s[1], (double)s[2]);
    tsv_put_string(t, text);
    tsv_put_string(t, r->text);
    tsv_put_int(t, r->plain);
    tsv_put_int(t, r->fit.norms);
    tsv_put_int(t, r->fit.images);
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
    for (int i = 0; i < p->count && r == 0; i++)
        r = put(t, &p->list[i], i + 1, e);
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
    const struct interpretation *best = &p->list[0], *plain = best;
    const float *m = best->pixels.mean, *s = best->pixels.std;
    for (int i = 0; i < p->count; i++)
        if (p->list[i].plain)
            plain = &p->list[i];
    if (plain == best || plain->fit.divergence <= same * best->fit.divergence + 1e-4)
        prog_say("%s: what is assumed without options fits best: divergence %.3g nats over %d "
                 "batch norms and %lld images, the next interpretation %.3g",
                 ckpt_name(p->ckpt), plain->fit.divergence, plain->fit.norms,
                 (long long)plain->fit.images, p->list[plain == best ? 1 : 0].fit.divergence);
    else
        prog_say("%s: fits best: --assume %s --mean %g,%g,%g --std %g,%g,%g: divergence %.3g nats, "
                 "%.3g without options, over %d batch norms and %lld images",
                 ckpt_name(p->ckpt), best->text, (double)m[0], (double)m[1], (double)m[2],
                 (double)s[0], (double)s[1], (double)s[2], best->fit.divergence,
                 plain->fit.divergence, best->fit.norms, (long long)best->fit.images);
    if (p->info->resize_h > 0)
        prog_say("%s: resizing changes what a network sees: constants that are near each other "
                 "are not told apart by resized images",
                 ckpt_name(p->ckpt));
    if (best->fit.divergence > good)
        prog_say(
            "%s: no interpretation fits well: other images, or another network than was trained",
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
        list_all(p, n);
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
