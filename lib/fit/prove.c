#include "fit/prove.h"

#include "base/mem.h"
#include "base/prog.h"
#include "fit/moved.h"
#include "fit/variants.h"
#include "model/normal.h"
#include "model/structure.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Multiply-accumulates that a candidate may take, of the many and of the best few: a tenth of a
 * second, and some. Images within these, and how often candidates next to the best are tried. */
static const double FIRST_MACS = 8e9, LAST_MACS = 40e9;
enum {
    FIRST_LEAST = 8,
    FIRST_MOST = 128,
    LAST_MOST = 256,
    MORE = 4,
    ROUNDS = 6,
    FEW = 10,
    NEAR = 4,
    SHOWN = 3
};

/* By how many standard deviations the next network has to fit less, or how many times; the latter
 * of one with another function in the place of ReLU. Up to SAME_RATIO two fit alike. */
static const double CLEAR = 2, FAR_RATIO = 8, CLEAR_RATIO = 2, SAME_RATIO = 1.25;

struct candidate {
    struct assume given;   /* what makes it */
    struct assume assumed; /* all of it */
    struct fit_pixels pixels;
    const char *name; /* of the pixels' constants */
    int odd;          /* how much of it is unusual */
    bool stacked;     /* linear layers end it */
    int classes;
    char head[64]; /* key of the linear layer */
    struct fit_figures fit;
};

struct proof {
    const struct fit_use *use;
    const struct fit_images *images;
    int classes;
    struct fit_moved moved;
    struct candidate *list;
    int count;
    struct fit_pixels pixels; /* constants that fit the first norm, where it tells */
    const char *name;
    bool told;
    double macs;
    char *misfit; /* why the network is of no family */
};

/* --- candidates --- */

static int open_one(struct model **m, const struct proof *p, const struct candidate *c,
                    struct err *e)
{
    struct model_opts o = {.h = p->images->h,
                           .w = p->images->w,
                           .assume = &c->given,
                           .unfolded = true,
                           .unproved = true};
    memcpy(o.mean, c->pixels.mean, sizeof o.mean);
    memcpy(o.std, c->pixels.std, sizeof o.std);
    return model_open(m, p->use->ckpt, &o, e);
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
                   (!given->stages || v->stages == given->stages);
    for (int s = 0; allowed && s < given->stages; s++)
        allowed = v->strides[s] == given->strides[s];
    return allowed;
}

static bool is_known(const struct proof *p, const struct candidate *c)
{
    for (int i = 0; i < p->count; i++)
        if (assume_same(&p->list[i].assumed, &c->assumed) &&
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
              (m->side == 32 ? a->pool == ASSUME_POOL_MAX : a->pool == ASSUME_POOL_NONE) +
              (a->padding == ASSUME_PADDING_SAME) + (a->preact == ASSUME_PREACT_FIRST) +
              (relu != 0) + (a->reading > 1) +
              (m->bottleneck ? a->stride_at == 1 : a->stride_at > 1);
    if (a->shortcut == ASSUME_SHORT_CONV || a->shortcut == ASSUME_SHORT_AVERAGE)
        odd += (a->shortcut == ASSUME_SHORT_AVERAGE) != m->led;
    else
        odd += a->shortcut > ASSUME_SHORT_AVERAGE;
    for (int s = 0; s < a->stages; s++)
        odd += a->strides[s] != (s > 0) + 1;
    return odd;
}

/* Measures a candidate on the first images and keeps it. One that cannot be built for these images,
 * or is there already, is none. */
static int try_one(struct proof *p, const struct assume *given, const struct fit_pixels *pixels,
                   const char *name, struct err *e)
{
    struct candidate c = {.given = *given, .pixels = *pixels, .name = name};
    struct model *m;
    struct err ignored;
    if (!is_allowed(given, p->use->assume) || open_one(&m, p, &c, &ignored) != 0)
        return 0;
    c.assumed = m->assumed;
    c.odd = count_odd(m);
    c.classes = graph_classes(m->graph);
    c.stacked = m->stacked;
    snprintf(c.head, sizeof c.head, "%s", m->graph->op[m->graph->ops - 1].key);
    int r = 0;
    if (!is_known(p, &c)) {
        const struct fit_images some = fit_moved_images(&p->moved, pixels->mean);
        r = fit_measure(&c.fit, m, &some, p->use->device, p->use->threads, e);
        p->list = mem_extend(p->list, (size_t)p->count, (size_t)p->count + 1, sizeof *p->list);
        p->list[p->count++] = c;
    }
    model_close(m);
    return r;
}

/* By falling fit. Another function than ReLU, which few networks have and of which some are near
 * it, counts as one that fits half as well. */
static int compare(const void *a, const void *b)
{
    const struct candidate *p = a, *q = b;
    double first = p->fit.divergence * (p->assumed.act > ASSUME_ACT_RELU ? CLEAR_RATIO : 1);
    double second = q->fit.divergence * (q->assumed.act > ASSUME_ACT_RELU ? CLEAR_RATIO : 1);
    return (first > second) - (first < second);
}

static struct candidate *best_of(const struct proof *p)
{
    struct candidate *best = p->list;
    for (int i = 1; i < p->count; i++)
        if (compare(&p->list[i], best) < 0)
            best = &p->list[i];
    return best;
}

/* --- constants of the pixels --- */

static void take(struct proof *p, const char *name, const float mean[3], const float std[3])
{
    memcpy(p->pixels.mean, mean, sizeof p->pixels.mean);
    memcpy(p->pixels.std, std, sizeof p->pixels.std);
    p->name = name;
}

/* Those in use or, unless somebody gave them, those that fit the first norm best. */
static int choose_pixels(struct proof *p, const struct model *m, struct err *e)
{
    struct fit_stem *s;
    int constants;
    const struct normal *all = normal_all(p->use->channels, &constants);
    double least = INFINITY;
    p->pixels.bgr = p->use->assume->bgr;
    take(p, NULL, p->use->mean, p->use->std);
    if (fit_stem_new(&s, m, p->images, e) != 0)
        return -1;
    p->told = s != NULL;
    for (int i = 0; s && p->use->usual && i < constants; i++) {
        struct fit_pixels x = {.bgr = p->use->assume->bgr};
        memcpy(x.mean, all[i].mean, sizeof x.mean);
        memcpy(x.std, all[i].std, sizeof x.std);
        double d = fit_stem_divergence(s, &x, -1, NULL);
        if (d < least) {
            least = d;
            take(p, all[i].name, x.mean, x.std);
        }
    }
    if (s)
        fit_stem_divergence(s, &p->pixels, -1, &p->moved.frame);
    fit_stem_free(s);
    return 0;
}

/* Where the first norm tells nothing of the constants, all norms do. */
static int try_pixels(struct proof *p, struct err *e)
{
    int constants, r = 0;
    const struct normal *all = normal_all(p->use->channels, &constants);
    const struct assume given = best_of(p)->given;
    for (int i = 0; i < constants && r == 0; i++) {
        struct fit_pixels x = {.bgr = p->pixels.bgr};
        memcpy(x.mean, all[i].mean, sizeof x.mean);
        memcpy(x.std, all[i].std, sizeof x.std);
        r = try_one(p, &given, &x, all[i].name, e);
    }
    if (r == 0)
        take(p, best_of(p)->name, best_of(p)->pixels.mean, best_of(p)->pixels.std);
    return r;
}

/* --- the search --- */

/* What shapes leave open most, of one reading. */
static int try_reading(struct proof *p, int reading, struct err *e)
{
    struct assume given = *p->use->assume, list[FIT_VARIANTS + FIT_ACTS];
    struct candidate c = {.pixels = p->pixels};
    struct model *m;
    struct err ignored;
    given.reading = reading;
    c.given = given;
    if (open_one(&m, p, &c, &ignored) != 0)
        return 0;
    int count = fit_variants(&m->assumed, m->others, &given, list);
    count += fit_acts(&m->assumed, &given, list + count);
    model_close(m);
    int r = try_one(p, &given, &p->pixels, p->name, e);
    for (int i = 0; i < count && r == 0; i++)
        r = try_one(p, &list[i], &p->pixels, p->name, e);
    return r;
}

/* What differs from the best by one ReLU, one stride, the function in the place of all ReLUs or the
 * padding, as long as that leads to a better one. */
static int try_near(struct proof *p, struct err *e)
{
    int r = 0;
    for (int round = 0; round < ROUNDS && r == 0; round++) {
        struct assume list[FIT_RELUS + ASSUME_STAGES + FIT_ACTS + 1];
        const struct candidate *best = best_of(p), before = *best;
        const struct fit_pixels pixels = best->pixels;
        const char *name = best->name;
        int count = fit_relus(&best->assumed, &best->given, list);
        count += fit_strides(&best->assumed, &best->given, list + count);
        count += fit_acts(&best->assumed, &best->given, list + count);
        count += fit_padding(&best->assumed, &best->given, list + count);
        for (int i = 0; i < count && r == 0; i++)
            r = try_one(p, &list[i], &pixels, name, e);
        if (compare(best_of(p), &before) >= 0)
            break;
    }
    return r;
}

/* Whether a network of the list is told apart from the best one. */
static bool is_told(const struct proof *p, int i)
{
    const struct candidate *best = p->list, *c = &p->list[i];
    const double ratio = c->assumed.act != best->assumed.act ? CLEAR_RATIO : FAR_RATIO;
    return fit_less(&c->fit, &best->fit) >= CLEAR ||
           c->fit.divergence >= ratio * best->fit.divergence;
}

/* The nearest network of the same functions that is not told apart from the best one and as usual,
 * or any such one; or NULL. */
static const struct candidate *find_same(const struct proof *p, bool as_usual)
{
    for (int i = 1; i < p->count; i++)
        if (p->list[i].assumed.act == p->list->assumed.act && !is_told(p, i) &&
            (!as_usual || p->list[i].odd <= p->list->odd))
            return &p->list[i];
    return NULL;
}

/* Of the networks of the same functions that are not told apart from the best one and fit about as
 * well, the one that is least unusual, where there is one of these, becomes the best. */
static void prefer_usual(struct proof *p)
{
    int least = 0, same = 1;
    for (int i = 1; i < p->count; i++) {
        if (p->list[i].assumed.act != p->list->assumed.act || is_told(p, i) ||
            p->list[i].fit.divergence > SAME_RATIO * p->list->fit.divergence)
            continue;
        same = p->list[i].odd == p->list[least].odd  ? same + 1
               : p->list[i].odd < p->list[least].odd ? 1
                                                     : same;
        least = p->list[i].odd < p->list[least].odd ? i : least;
    }
    if (least == 0 || same > 1)
        return;
    const struct candidate usual = p->list[least];
    memmove(p->list + 1, p->list, (size_t)least * sizeof *p->list);
    p->list[0] = usual;
}

/* The nearest network with other functions that is not told apart from the best one, or NULL. */
static const struct candidate *find_other(const struct proof *p)
{
    for (int i = 1; i < p->count; i++)
        if (p->list[i].assumed.act != p->list->assumed.act && !is_told(p, i))
            return &p->list[i];
    return NULL;
}

/* Keeps the best network, the next one and those that are not told apart from it. */
static void keep_near(struct proof *p)
{
    int kept = 1;
    for (int i = 1; i < p->count && kept < NEAR; i++)
        if (i == 1 || !is_told(p, i))
            p->list[kept++] = p->list[i];
    p->count = kept < p->count ? kept : p->count;
}

/* The best few on more images, `times` as many as usual. */
static int try_last(struct proof *p, int times, struct err *e)
{
    const double most = LAST_MACS / p->macs;
    int64_t count = FIT_PROOF_LEAST;
    int r = 0;
    if (most > FIT_PROOF_LEAST)
        count = most > LAST_MOST ? LAST_MOST : (int64_t)most;
    qsort(p->list, (size_t)p->count, sizeof *p->list, compare);
    count *= times;
    p->moved.count = count < p->images->count ? count : p->images->count;
    p->count = p->count < FEW ? p->count : FEW;
    for (int i = 0; i < p->count && r == 0; i++) {
        struct candidate *c = &p->list[i];
        struct model *m;
        const struct fit_images some = fit_moved_images(&p->moved, c->pixels.mean);
        if (open_one(&m, p, c, e) != 0)
            return -1;
        r = fit_measure(&c->fit, m, &some, p->use->device, p->use->threads, e);
        model_close(m);
    }
    qsort(p->list, (size_t)p->count, sizeof *p->list, compare);
    return r;
}

/* --- the verdict --- */

struct words {
    char text[700];
    size_t at;
};

static void put(struct words *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void put(struct words *w, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    if (w->at < sizeof w->text)
        w->at += (size_t)vsnprintf(w->text + w->at, sizeof w->text - w->at, fmt, ap);
    va_end(ap);
}

static void put_candidates(struct words *w, const struct proof *p)
{
    for (int i = 0; i < p->count && i < SHOWN; i++) {
        char assumed[ASSUME_WORDS];
        assume_write(assumed, &p->list[i].assumed);
        put(w, "%s%.2g nats as %s", i ? ", " : "", p->list[i].fit.divergence, assumed);
    }
}

/* No proof: why, and what else there is to do. */
static int refuse(const struct proof *p, struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static int refuse(const struct proof *p, struct err *e, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *why = mem_vprintf(fmt, ap);
    va_end(ap);
    ckpt_record_unread(e,
                       "%s, and what the network is by structure is not proved: %s; %s gives keys "
                       "the names of a family",
                       p->misfit, why, prog_option("--rename FILE", "RENAME=FILE"));
    free(why);
    return -1;
}

/* Linear layers are beyond all norms: the number of classes may tell which is the head. */
static void choose_head(struct proof *p)
{
    int kept = 0;
    for (int i = 0; i < p->count; i++)
        kept += p->list[i].classes == p->classes;
    if (p->classes == 0 || kept == 0)
        return;
    kept = 0;
    for (int i = 0; i < p->count; i++)
        if (p->list[i].classes == p->classes)
            p->list[kept++] = p->list[i];
    p->count = kept;
}

static int conclude(struct fit_proof *out, const struct proof *p, struct err *e)
{
    const struct candidate *best = p->list, *next = p->count > 1 ? best + 1 : NULL;
    struct words w = {.at = 0};
    put_candidates(&w, p);
    if (!(best->fit.divergence <= FIT_PROOF_MAX && best->fit.worst_divergence <= FIT_PROOF_WORST))
        return refuse(p, e,
                      "on %lld images the BatchNorm running statistics are %s, with %.2g at '%s', "
                      "and right networks have at most %g and %g",
                      (long long)best->fit.images, w.text, best->fit.worst_divergence,
                      best->fit.worst, FIT_PROOF_MAX, FIT_PROOF_WORST);
    if (best->stacked && p->classes > 0 && best->classes != p->classes)
        return refuse(p, e,
                      "several linear layers end it with %d numbers, as a projection has, and the "
                      "images have %d classes",
                      best->classes, p->classes);
    if (next && next->fit.divergence <= best->fit.divergence && strcmp(next->head, best->head) != 0)
        return refuse(p, e,
                      "'%s' of %d classes (--assume reading=%d) and '%s' of %d (reading=%d) are "
                      "linear layers of the same width, between which norms do not tell",
                      best->head, best->classes, best->assumed.reading, next->head, next->classes,
                      next->assumed.reading);
    if (find_same(p, true))
        return refuse(p, e,
                      "on %lld images several networks match the BatchNorm running statistics: "
                      "%s: --assume chooses",
                      (long long)best->fit.images, w.text);
    out->assume = best->given;
    out->fit = best->fit;
    out->pixels = best->name;
    memcpy(out->mean, best->pixels.mean, sizeof out->mean);
    memcpy(out->std, best->pixels.std, sizeof out->std);
    size_t at = (size_t)snprintf(
        out->text, sizeof out->text,
        "read by structure, proved by the BatchNorm running statistics: KL divergence %.2g nats "
        "over %d layers and %lld images, %.2g at the worst",
        best->fit.divergence, best->fit.norms, (long long)best->fit.images,
        best->fit.worst_divergence);
    if (next && at < sizeof out->text)
        at += (size_t)snprintf(out->text + at, sizeof out->text - at, ", the next network %.2g",
                               next->fit.divergence);
    const struct candidate *like = find_same(p, false);
    if (like && at < sizeof out->text) {
        char words[ASSUME_WORDS];
        assume_write_other(words, &like->assumed, &best->assumed);
        at += (size_t)snprintf(out->text + at, sizeof out->text - at,
                               "; %s fits as well (%.2g nats), but is less usual", words,
                               like->fit.divergence);
    }
    const struct candidate *other = find_other(p);
    if (other && at < sizeof out->text)
        snprintf(out->text + at, sizeof out->text - at,
                 "; %s in the place of %s fits as well (%.2g nats): --assume act=%s takes it",
                 assume_act_word(other->assumed.act), assume_act_word(best->assumed.act),
                 other->fit.divergence, assume_act_word(other->assumed.act));
    return 0;
}

/* --- all of it --- */

static int search(struct proof *p, int readings, struct err *e)
{
    const int only = p->use->assume->reading;
    for (int i = 1; i <= readings; i++)
        if ((only == 0 || i == only) && try_reading(p, i, e) != 0)
            return -1;
    choose_head(p);
    if (p->count == 0)
        return refuse(p, e, "none can be built for images of %d by %d pixels", p->images->h,
                      p->images->w);
    if (try_near(p, e) != 0)
        return -1;
    if (!p->told && p->use->usual && (try_pixels(p, e) != 0 || try_near(p, e) != 0))
        return -1;
    choose_head(p);
    if (try_last(p, 1, e) != 0)
        return -1;
    if (!find_same(p, false) && !find_other(p))
        return 0;
    keep_near(p);
    return try_last(p, MORE, e);
}

int fit_prove(struct fit_proof *out, const struct fit_use *u, const struct fit_images *images,
              int classes, struct err *e)
{
    struct proof p = {.use = u, .images = images, .classes = classes};
    struct candidate first = {.given = *u->assume};
    struct model *m;
    memcpy(first.pixels.mean, u->mean, sizeof u->mean);
    memcpy(first.pixels.std, u->std, sizeof u->std);
    if (open_one(&m, &p, &first, e) != 0)
        return -1;
    int r = 0, readings = m->readings;
    p.misfit = mem_dup(m->misfit);
    p.macs = (double)graph_macs(m->graph) + 1;
    double most = FIRST_MACS / p.macs;
    if (m->norms == 0 || !fit_is_trained(m))
        r = refuse(&p, e, "it has no BatchNorm running statistics of training");
    else if (images->count < FIT_PROOF_LEAST)
        r = refuse(&p, e, "that takes at least %d images, and there are %lld", FIT_PROOF_LEAST,
                   (long long)images->count);
    fit_moved_open(&p.moved, images);
    p.moved.count = most < FIRST_LEAST  ? FIRST_LEAST
                    : most < FIRST_MOST ? (int64_t)most
                                        : FIRST_MOST;
    if (r == 0)
        r = choose_pixels(&p, m, e);
    model_close(m);
    if (r == 0)
        r = search(&p, readings, e);
    if (r == 0) {
        prefer_usual(&p);
        r = conclude(out, &p, e);
    }
    fit_moved_close(&p.moved);
    free(p.list);
    free(p.misfit);
    return r;
}
