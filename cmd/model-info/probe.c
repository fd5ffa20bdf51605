/* Which interpretation of a checkpoint fits: what enters each batch norm, against the mean and
 * the variance that the norm recorded in training. */
#include "info.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/prog.h"
#include "base/text.h"
#include "data/data.h"
#include "fit/measure.h"
#include "fit/variants.h"
#include "model/normal.h"
#include "stream/tsv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BEST = 3, INTERPRETATIONS = 1 + FIT_VARIANTS + BEST * (ASSUME_STAGES + 32) };

/* A way to read the checkpoint, and how well it fits. */
struct interpretation {
    struct assume assume;
    struct normal pixels;
    bool plain;            /* what the programs do without options */
    bool built;            /* a network could be */
    struct assume assumed; /* all of it, where one was */
    struct fit_figures fit;
};

struct probe {
    const struct info *info;
    struct ckpt *ckpt;
    struct data *data;
    struct interpretation list[INTERPRETATIONS];
    int count, tried, channels;
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
    struct model *m;
    struct model_opts o = {.h = data_h(p->data),
                           .w = data_w(p->data),
                           .assume = &r->assume,
                           .unfolded = true,
                           .unproved = true,
                           .again = true};
    memcpy(o.mean, r->pixels.mean, sizeof o.mean);
    memcpy(o.std, r->pixels.std, sizeof o.std);
    if (model_open(&m, p->ckpt, &o, e) != 0) {
        /* Another interpretation may still be one. */
        r->fit.divergence = INFINITY;
        return r->plain ? -1 : 0;
    }
    r->built = true;
    r->assumed = m->assumed;
    p->images = images;
    const struct fit_images of = {.count = images, .h = o.h, .w = o.w, .at = read_image, .ctx = p};
    int result =
        m->norms == 0
            ? err_set(e,
                      "%s: expected batch norms to compare with, found none: there are "
                      "none, or they are folded",
                      ckpt_name(p->ckpt))
            : fit_measure(&r->fit, m, &of, INFINITY,
                          &(struct fit_device){"cpu", (int)p->info->session.threads, NULL}, e);
    model_close(m);
    return result;
}

/* --- the interpretations --- */

static void add(struct probe *p, const struct assume *a, const struct normal *k)
{
    for (int i = 0; i < p->count; i++)
        if (assume_same(&p->list[i].assume, a) && strcmp(p->list[i].pixels.name, k->name) == 0)
            return;
    if (p->count < INTERPRETATIONS)
        p->list[p->count++] = (struct interpretation){.assume = *a, .pixels = *k};
}

/* What the programs would do, then all wirings with the same constants. */
static int list_wirings(struct probe *p, const struct model *m, struct err *e)
{
    struct normal_use u;
    if (normal_choose(&u, m, p->ckpt, data_kind(p->data), p->info->session.mean,
                      p->info->session.std, e) != 0)
        return -1;
    if (*u.conflict)
        prog_say("%s", u.conflict);
    struct normal own = {.name = u.name};
    memcpy(own.mean, u.mean, sizeof own.mean);
    memcpy(own.std, u.std, sizeof own.std);
    add(p, &p->info->session.assumed, &own);
    p->list[0].plain = true;
    struct assume variant[FIT_VARIANTS];
    int variants = fit_variants(&m->assumed, m->others, &p->info->session.assumed, variant);
    for (int v = 0; v < variants; v++)
        add(p, &variant[v], &own);
    return 0;
}

/* The stages' strides, of the wirings that fit best. */
static void list_strides(struct probe *p, const struct model *m)
{
    struct assume variant[ASSUME_STAGES];
    int best = p->count < BEST ? p->count : BEST;
    for (int i = 0; i < best; i++) {
        int variants = fit_strides(&m->assumed, &p->list[i].assume, variant);
        for (int v = 0; v < variants; v++)
            add(p, &variant[v], &p->list[i].pixels);
    }
}

/* The constants of the pixels and the order of their channels, of what fits best. */
static void list_pixels(struct probe *p)
{
    int constants, best = p->count < BEST ? p->count : BEST;
    const struct normal *k = normal_all(p->channels, &constants);
    for (int i = 0; i < best; i++) {
        struct assume other = p->list[i].assume;
        other.bgr = !other.bgr;
        for (int c = 0; c < constants; c++) {
            if (strcmp(k[c].name, p->list[i].pixels.name) != 0)
                add(p, &p->list[i].assume, &k[c]);
            if (p->channels == 3)
                add(p, &other, &k[c]);
        }
    }
}

static int compare(const void *a, const void *b)
{
    const struct interpretation *x = a, *y = b;
    int order = fit_compare(&x->fit, &y->fit);
    if (order != 0)
        return order;
    /* Those that could not be built come last. */
    if (x->built != y->built)
        return y->built - x->built;
    return y->plain - x->plain;
}

static bool is_same(const struct interpretation *a, const struct interpretation *b)
{
    return a->built == b->built && assume_same(&a->assumed, &b->assumed) &&
           strcmp(a->pixels.name, b->pixels.name) == 0;
}

/* Those not tried yet on some of the images; then the best come first. */
static int try_rest(struct probe *p, int64_t images, struct err *e)
{
    for (; p->tried < p->count; p->tried++) {
        if (try_one(p, &p->list[p->tried], images, e) != 0)
            return -1;
        prog_progress("interpretations", p->tried + 1, p->count);
    }
    /* The programs' own is a wiring among others, too. */
    for (int i = 1; i < p->count; i++)
        if (p->list[0].plain && is_same(&p->list[0], &p->list[i])) {
            memmove(&p->list[i], &p->list[i + 1], (size_t)(p->count - i - 1) * sizeof *p->list);
            p->tried = --p->count;
            break;
        }
    qsort(p->list, (size_t)p->count, sizeof *p->list, compare);
    return 0;
}

/* Wirings first: a wrong one is farther off than wrong constants. The best, and the programs'
 * own, on all of the images. */
static int try_all(struct probe *p, const struct model *m, struct err *e)
{
    enum { FIRST = 64, ON_ALL = 5 };
    int64_t all = data_count(p->data) < p->info->images ? data_count(p->data) : p->info->images;
    int64_t some = all < FIRST ? all : FIRST;
    p->channels = model_channels(m);
    if (list_wirings(p, m, e) != 0 || try_rest(p, some, e) != 0)
        return -1;
    list_strides(p, m);
    if (try_rest(p, some, e) != 0)
        return -1;
    list_pixels(p);
    if (try_rest(p, some, e) != 0)
        return -1;
    prog_progress_end();
    for (int i = 0; i < p->count && all > some; i++)
        if ((i < ON_ALL || p->list[i].plain) && try_one(p, &p->list[i], all, e) != 0)
            return -1;
    qsort(p->list, (size_t)p->count, sizeof *p->list, compare);
    /* What cannot be built is no interpretation. */
    while (p->count > 0 && !p->list[p->count - 1].built)
        p->count--;
    if (!isfinite(p->list[0].fit.divergence))
        return err_set(e, "%s: expected values that are finite in some interpretation, found none",
                       ckpt_name(p->ckpt));
    return 0;
}

/* --- output --- */

static int put(struct tsv_out *t, const struct interpretation *r, int rank, int channels,
               struct err *e)
{
    char text[NORMAL_TEXT], words[ASSUME_WORDS];
    assume_write(words, &r->assumed);
    tsv_put_int(t, rank);
    tsv_put_real(t, r->fit.divergence);
    tsv_put_real(t, r->fit.shift);
    tsv_put_real(t, r->fit.ratio);
    tsv_put_real(t, r->fit.worst_divergence);
    tsv_put_string(t, r->fit.worst);
    tsv_put_string(t, r->pixels.name);
    tsv_put_string(t, normal_text(text, "%g", r->pixels.mean, channels));
    tsv_put_string(t, normal_text(text, "%g", r->pixels.std, channels));
    tsv_put_string(t, *words ? words : NULL);
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
        r = put(t, &p->list[i], i + 1, p->channels, e);
    tsv_free(t);
    if (r == 0)
        return out_close(o, e);
    out_abort(o);
    return -1;
}

/* The best, unless it is wired otherwise than `plain` and hardly better than the best that is
 * wired as that. */
static const struct interpretation *choose(const struct probe *p,
                                           const struct interpretation *plain)
{
    const struct interpretation *best = p->list;
    while (!assume_same_wiring(&best->assumed, &plain->assumed))
        best++;
    return fit_clearly_better(&p->list[0].fit, &best->fit) ? p->list : best;
}

/* The verdict in words. */
static void conclude(const struct probe *p)
{
    const struct interpretation *plain = p->list;
    while (!plain->plain)
        plain++;
    const struct interpretation *best = choose(p, plain);
    if (!fit_good(&best->fit)) {
        prog_say("%s: no interpretation fits: the least divergence is %.3g nats over %d batch "
                 "norms and %lld images, more than %g: other images than in training, or a network "
                 "that is wired in another way",
                 ckpt_name(p->ckpt), best->fit.divergence, best->fit.norms,
                 (long long)best->fit.images, FIT_GOOD_MAX);
        return;
    }
    if (fit_as_good(&plain->fit, &best->fit)) {
        prog_say("%s: what is assumed without options fits best: divergence %.3g nats over %d "
                 "batch norms and %lld images, the next interpretation %.3g",
                 ckpt_name(p->ckpt), plain->fit.divergence, plain->fit.norms,
                 (long long)plain->fit.images, p->list[plain == p->list ? 1 : 0].fit.divergence);
    } else {
        char assumed[ASSUME_WORDS], mean[NORMAL_TEXT], std[NORMAL_TEXT];
        assume_write(assumed, &best->assumed);
        char *words = text_shell(assumed);
        prog_say("%s: fits best: %s%s%s--mean %s --std %s: divergence %.3g nats, "
                 "%.3g without options, over %d batch norms and %lld images",
                 ckpt_name(p->ckpt), *assumed ? "--assume " : "", *assumed ? words : "",
                 *assumed ? " " : "", normal_text(mean, "%g", best->pixels.mean, p->channels),
                 normal_text(std, "%g", best->pixels.std, p->channels), best->fit.divergence,
                 plain->fit.divergence, best->fit.norms, (long long)best->fit.images);
        free(words);
    }
    if (geometry_any(&p->info->session.size))
        prog_say("%s: resizing changes what a network sees: constants that are near each other "
                 "are not told apart by resized images",
                 ckpt_name(p->ckpt));
}

static int check_data(const struct probe *p, struct err *e)
{
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
    const struct data_opts o = {.note = prog_note};
    struct model *m = NULL;
    p->info = i;
    p->ckpt = c;
    int r = session_network(&p->data, &m, c, &i->session, &o, e);
    if (r == 0)
        r = check_data(p, e);
    if (r == 0)
        r = try_all(p, m, e);
    model_close(m);
    if (r == 0)
        r = put_all(p, e);
    if (r == 0)
        conclude(p);
    data_close(p->data);
    free(p);
    return r;
}
