#include "fit/check.h"

#include "base/mem.h"
#include "base/prog.h"
#include "base/text.h"
#include "fit/ends.h"
#include "fit/moved.h"
#include "fit/variants.h"
#include "model/normal.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Pixels of all images that are looked at, and multiply-accumulates of those that pass the
 * network: each takes some tenths of a second; of the first ones, which pass many networks, less;
 * of many images, where few do not tell, seconds. */
static const double PIXELS = 8 << 20, FIRST_MACS = 8e9, MACS = 40e9, MANY_MACS = 500e9;

/* Images that pass the network; many interpretations are compared on fewer first, what few do not
 * tell at last on MANY_FACTOR times as many, but of a program, which may be a fast one, within
 * MACS; other functions than ReLU are tried with the best ACTED wirings. */
enum {
    DEEP_FIRST = 8,
    DEEP_LEAST = 32,
    DEEP_MOST = 64,
    MANY_FACTOR = 12,
    ACTED = 3,
    CANDIDATES = 32
};

/* What it takes to claim something. Right interpretations of trained networks have up to .002
 * nats at the first norm and .02 over all of them, the nearest wrong constants four times as
 * much as the right ones at the first norm, wrong strides and pooling above .02 over all. The
 * wrong order of the colours had .9 to 2.5 times as much over all as the right one on the same
 * 34 or 64 images, so that more images decide; the first norm alone does not tell them apart.
 * Augmentation that is not imitated (mixing of images, cut-outs) changes the variance as other
 * constants do, but nothing fits closely then. */
static const double CLEAR_RATIO = 4, CLEAR_DEVIATIONS = 4, ORDER_NEAR = 1.25, ORDER_DEVIATIONS = 2,
                    CLOSE = .002, FAR_RATIO = 8, STEM_GOOD = .1, OWN_GOOD = .004,
                    DEEP_SUSPICIOUS = .012, DEEP_GOOD = .1, DEEP_RATIO = 3, DEEP_WORSE = 1.5,
                    DEEP_DOUBTFUL = .02, DEEP_NONE = .3;

/* A candidate for the pixels. */
struct candidate {
    const char *name;
    struct fit_pixels pixels;
    bool own;          /* of these images: many constants fit them as well */
    double divergence; /* at the first norm */
    enum fit_frame frame;
};

/* An interpretation, and how it fits over all norms. */
struct interpretation {
    struct assume assume;
    struct fit_pixels pixels;
    struct fit_figures fit;
    struct assume assumed; /* of the model that was built */
};

struct check {
    const struct fit_use *use;
    const struct fit_images *images;
    struct candidate candidate[CANDIDATES];
    int candidates;
    bool program; /* says itself what it computes */
    bool wired;   /* so it does, or a proof has compared the networks that keys leave open */
    /* of passes through the network */
    bool stem;     /* the first norm tells the constants */
    int64_t first; /* images on which many interpretations are compared */
    int64_t deep;  /* images on which the best of them are */
    int64_t many;  /* images on which those are that few do not tell apart */
    struct model_dropout dropout;
    struct fit_moved moved;
    struct engine_kept *kept; /* most networks have the same numbers */
    int64_t tried;            /* networks that were measured, for progress */
};

int64_t fit_wanted(int64_t count, int h, int w)
{
    const int64_t n = fit_count(PIXELS, (double)h * w, FIT_LEAST, FIT_MOST);
    return count >= 0 && count < n ? count : n;
}

/* --- the first norm --- */

static void add(struct check *c, const char *name, const float mean[3], const float std[3],
                bool own)
{
    for (int bgr = 0; bgr < (c->use->channels == 3 ? 2 : 1); bgr++) {
        struct candidate *k = &c->candidate[c->candidates++];
        *k = (struct candidate){.name = name, .pixels.bgr = bgr, .own = own};
        memcpy(k->pixels.mean, mean, sizeof k->pixels.mean);
        memcpy(k->pixels.std, std, sizeof k->pixels.std);
    }
}

/* To four digits, as one writes them down. */
static void round_three(float v[3])
{
    for (int i = 0; i < 3; i++)
        v[i] = roundf(v[i] * 1e4F) / 1e4F;
}

/* The interpretation in use is the first. */
static void list_candidates(struct check *c, const struct fit_stem *s)
{
    int constants;
    const struct normal *k = normal_all(c->use->channels, &constants);
    add(c, "those in use", c->use->mean, c->use->std, false);
    if (c->use->assume->bgr) {
        c->candidate[0].pixels.bgr = true;
        c->candidate[1].pixels.bgr = false;
    }
    for (int i = 0; i < constants; i++)
        add(c, k[i].name, k[i].mean, k[i].std, false);
    if (s && c->use->usual) {
        float mean[3], std[3], each[3];
        fit_stem_pixels(s, mean, std, each);
        round_three(mean);
        round_three(std);
        round_three(each);
        if (std[0] > 0 && std[1] > 0 && std[2] > 0 && each[0] > 0 && each[1] > 0 && each[2] > 0) {
            add(c, "these images", mean, std, true);
            add(c, "these images", mean, each, true);
        }
    }
}

/* By how many standard deviations `a` is more than `b`. */
static double deviations(const struct fit_stem *s, const struct candidate *a,
                         const struct candidate *b)
{
    double d[FIT_PARTS];
    for (int i = 0; i < FIT_PARTS; i++)
        d[i] = fit_stem_divergence(s, &a->pixels, i, NULL) -
               fit_stem_divergence(s, &b->pixels, i, NULL);
    return fit_deviations(a->divergence - b->divergence, d);
}

/* The candidate that fits clearly better than the one in use, or the latter. */
static const struct candidate *choose_pixels(struct check *c, const struct fit_stem *s)
{
    struct candidate *use = &c->candidate[0], *best = NULL, *own = NULL;
    for (int i = 0; i < c->candidates; i++) {
        struct candidate *k = &c->candidate[i], **of = k->own ? &own : &best;
        k->divergence = fit_stem_divergence(s, &k->pixels, -1, &k->frame);
        if (i > 0 && k->divergence <= (k->own ? OWN_GOOD : STEM_GOOD) &&
            (!*of || k->divergence < (*of)->divergence))
            *of = k;
    }
    if (own && (!best || CLEAR_RATIO * own->divergence < best->divergence))
        best = own;
    double ratio = best && best->divergence <= CLOSE ? CLEAR_RATIO : FAR_RATIO;
    if (!best || use->divergence < ratio * best->divergence ||
        (isfinite(use->divergence) && deviations(s, use, best) < CLEAR_DEVIATIONS))
        return use;
    return best;
}

/* --- all norms --- */

static struct interpretation in_use(const struct fit_use *u)
{
    struct interpretation x = {.assume = *u->assume, .pixels.bgr = u->assume->bgr};
    memcpy(x.pixels.mean, u->mean, sizeof u->mean);
    memcpy(x.pixels.std, u->std, sizeof u->std);
    return x;
}

int fit_open(struct model **m, const struct fit_use *u, const struct fit_images *images,
             const struct assume *of, const struct fit_pixels *pixels, struct model_dropout dropout,
             bool unfolded, struct err *e)
{
    struct assume assume = *of;
    assume.bgr = pixels->bgr;
    struct model_opts o = {.h = images->h,
                           .w = images->w,
                           .assume = &assume,
                           .unfolded = unfolded,
                           .dropout = dropout,
                           .unproved = true,
                           .again = true};
    memcpy(o.mean, pixels->mean, sizeof o.mean);
    memcpy(o.std, pixels->std, sizeof o.std);
    return model_open(m, u->ckpt, &o, e);
}

static int build(struct model **m, const struct check *c, const struct interpretation *x,
                 struct err *e)
{
    return fit_open(m, c->use, c->images, &x->assume, &x->pixels, c->dropout, true, e);
}

static bool same(const struct interpretation *a, const struct interpretation *b)
{
    const struct fit_pixels *p = &a->pixels, *q = &b->pixels;
    return assume_same(&a->assumed, &b->assumed) && p->bgr == q->bgr &&
           normal_same(p->mean, p->std, q->mean, q->std);
}

static int measure(struct check *c, const struct model *m, int64_t images, struct interpretation *x,
                   struct err *e)
{
    c->moved.count = images;
    const struct fit_images some = fit_moved_images(&c->moved, x->pixels.mean);
    x->assumed = m->assumed;
    if (c->use->shown)
        prog_progress("networks tried", c->tried++, 0);
    return fit_measure(&x->fit, m, &some, INFINITY,
                       &(struct fit_device){c->use->device, c->use->threads, c->kept}, e);
}

/* On so many images. One that may not be built for them fits infinitely badly. */
static int try_one(struct check *c, int64_t images, struct interpretation *x, struct err *e)
{
    struct model *m;
    struct err ignored;
    x->fit.divergence = INFINITY;
    if (build(&m, c, x, &ignored) != 0)
        return 0;
    int r = measure(c, m, images, x, e);
    model_close(m);
    return r;
}

/* The interpretation in use after another look, which was at itself or at another one. */
static int follow(struct check *c, int64_t images, const struct interpretation *seen, bool itself,
                  struct interpretation *use, struct err *e)
{
    if (!itself)
        return try_one(c, images, use, e);
    *use = *seen;
    return 0;
}

/* Whether dropout in training explains that an interpretation fits badly: all are measured with it
 * then, and `x` is anew. The usual rate in every place first, other rates in the place where it
 * fits better than none. */
static int try_dropout(struct check *c, struct interpretation *x, struct err *e)
{
    const struct model_dropout none = c->dropout;
    struct model_dropout list[FIT_DROPOUTS], found = none;
    struct interpretation y = {.assume = x->assume, .pixels = x->pixels};
    int r = try_one(c, c->first, &y, e);
    double least = y.fit.divergence;
    for (int round = 0; round < 2 && r == 0; round++) {
        const int count = round > 0 && found.place == none.place ? 0 : fit_dropouts(&found, list);
        for (int i = 0; i < count && r == 0; i++) {
            c->dropout = list[i];
            r = try_one(c, c->first, &y, e);
            if (r == 0 && y.fit.divergence < least) {
                least = y.fit.divergence;
                found = list[i];
            }
        }
    }
    c->dropout = found;
    if (r == 0 && found.place != none.place)
        r = try_one(c, c->deep, &y, e);
    if (found.place != none.place && DEEP_RATIO * y.fit.divergence < x->fit.divergence)
        *x = y;
    else
        c->dropout = none;
    return r;
}

/* Whether one fits far better on the same images, or surely so. */
static bool is_better(const struct fit_figures *f, const struct fit_figures *than)
{
    return DEEP_RATIO * f->divergence < than->divergence ||
           (DEEP_WORSE * f->divergence < than->divergence && fit_less(than, f) >= CLEAR_DEVIATIONS);
}

/* Whether an interpretation that was looked for, since `than` is far off, is taken. */
static bool is_clear(const struct interpretation *x, const struct interpretation *than)
{
    return x->fit.divergence < DEEP_GOOD && DEEP_RATIO * x->fit.divergence < than->fit.divergence;
}

/* Other functions in the place of ReLU with those wirings that fit not far less than the best: the
 * best of them on few images replaces `best` where it fits better on more, far better or surely so
 * than ReLU in its wiring. */
static int try_acts(struct check *c, const struct interpretation *wiring, int wirings,
                    struct interpretation *best, struct err *e)
{
    struct assume list[FIT_ACTS];
    struct interpretation found = {.fit.divergence = INFINITY}, relu = found;
    double least = DBL_MAX / DEEP_RATIO;
    int r = 0;
    for (int w = 0; w < wirings; w++)
        least = fmin(least, wiring[w].fit.divergence);
    for (int w = 0; w < wirings; w++) {
        const int count = wiring[w].fit.divergence <= DEEP_RATIO * least
                              ? fit_acts(&wiring[w].assumed, &wiring[w].assume, list)
                              : 0;
        for (int i = 0; i < count && r == 0; i++) {
            struct interpretation x = {.assume = list[i], .pixels = wiring[w].pixels};
            r = try_one(c, c->first, &x, e);
            if (r == 0 && x.fit.divergence < found.fit.divergence) {
                found = x;
                relu = wiring[w];
            }
        }
    }
    if (r != 0 || !(found.fit.divergence < relu.fit.divergence))
        return r;
    r = try_one(c, c->deep, &found, e) == 0 ? try_one(c, c->deep, &relu, e) : -1;
    if (r == 0 && is_better(&found.fit, &relu.fit) && found.fit.divergence < best->fit.divergence)
        *best = found;
    return r;
}

/* Keeps the best of what was tried, by falling fit. */
static void keep_best(struct interpretation *kept, const struct interpretation *x)
{
    int i = ACTED;
    while (i > 0 && x->fit.divergence < kept[i - 1].fit.divergence)
        i--;
    if (i == ACTED)
        return;
    memmove(kept + i + 1, kept + i, (size_t)(ACTED - 1 - i) * sizeof *kept);
    kept[i] = *x;
}

/* The wiring that fits best in place of `best`, which is replaced; where none fits closely, other
 * functions in the place of ReLU with the best few and with that of `best`. */
static int try_wirings(struct check *c, const struct assume *assumed,
                       const int others[ASSUME_STAGES], struct interpretation *best, struct err *e)
{
    struct assume list[FIT_VARIANTS + ASSUME_STAGES];
    struct interpretation kept[ACTED + 1], *own = &kept[ACTED], found = *best;
    int count = fit_variants(assumed, others, c->use->assume, list), r = 0;
    count += fit_strides(assumed, c->use->assume, list + count);
    for (int i = 0; i <= ACTED; i++)
        kept[i].fit.divergence = INFINITY;
    for (int i = 0; i < count && r == 0; i++) {
        struct interpretation x = {.assume = list[i], .pixels = best->pixels};
        r = try_one(c, c->first, &x, e);
        if (r == 0 && isfinite(x.fit.divergence) && same(&x, best))
            *own = x;
        else if (r == 0)
            keep_best(kept, &x);
    }
    if (r == 0 && kept->fit.divergence < own->fit.divergence) {
        found = *kept;
        r = try_one(c, c->deep, &found, e);
    }
    if (r == 0 && !c->use->assume->act &&
        !(found.fit.divergence < DEEP_SUSPICIOUS && is_clear(&found, best)))
        r = try_acts(c, kept, ACTED + 1, &found, e);
    if (r == 0 && found.fit.divergence < best->fit.divergence)
        *best = found;
    return r;
}

/* The same for the pixels, where the first norm does not tell. */
static int try_pixels(struct check *c, struct interpretation *best, const struct candidate **pixels,
                      struct err *e)
{
    struct interpretation found;
    const struct candidate *of = NULL;
    int r = 0;
    found.fit.divergence = INFINITY;
    for (int i = 1; i < c->candidates && r == 0; i++) {
        struct interpretation x = {.assume = best->assume, .pixels = c->candidate[i].pixels};
        r = try_one(c, c->first, &x, e);
        if (r == 0 && x.fit.divergence < found.fit.divergence) {
            found = x;
            of = &c->candidate[i];
        }
    }
    if (r == 0 && of)
        r = try_one(c, c->deep, &found, e);
    if (r == 0 && found.fit.divergence < best->fit.divergence) {
        *best = found;
        *pixels = of;
    }
    return r;
}

/* The other order of the colours in place of `best`, which is replaced. Unless it fits less,
 * more images say which is right; they are those of `use`, too, then. */
static int try_order(struct check *c, struct interpretation *best, struct interpretation *use,
                     struct err *e)
{
    struct interpretation x = {.assume = best->assume, .pixels = best->pixels}, than = *best;
    bool in_use = same(best, use);
    x.pixels.bgr = !x.pixels.bgr;
    if (try_one(c, c->deep, &x, e) != 0)
        return -1;
    if (!(x.fit.divergence < ORDER_NEAR * best->fit.divergence))
        return 0;
    int r = 0;
    if (c->many > c->deep)
        r = try_one(c, c->many, &x, e) == 0 ? try_one(c, c->many, &than, e) : -1;
    if (r == 0 && fit_less(&than.fit, &x.fit) >= ORDER_DEVIATIONS) {
        *best = x;
        r = follow(c, c->many, &than, in_use, use, e);
    }
    return r;
}

/* The stride of one stage changed in place of `best`, which is replaced. Small networks fit nearly
 * as well with it, so that few images say whether it is worth many; `use` as in try_order(). */
static int try_strides(struct check *c, struct interpretation *best, struct interpretation *use,
                       struct err *e)
{
    struct assume list[ASSUME_STAGES];
    struct interpretation tried[ASSUME_STAGES], than = *best, few = *best, *first = NULL;
    const int count = fit_strides(&best->assumed, &best->assume, list);
    const bool in_use = same(best, use);
    bool near = false;
    int r = count > 0 ? try_one(c, DEEP_FIRST, &few, e) : 0;
    for (int i = 0; i < count && r == 0; i++) {
        tried[i] = (struct interpretation){.assume = list[i], .pixels = best->pixels};
        r = try_one(c, DEEP_FIRST, &tried[i], e);
    }
    for (int i = 0; i < count && r == 0; i++) {
        if (!(tried[i].fit.divergence < ORDER_NEAR * few.fit.divergence))
            continue;
        r = near ? 0 : try_one(c, c->many, &than, e);
        near = true;
        if (r == 0)
            r = try_one(c, c->many, &tried[i], e);
        if (!first || tried[i].fit.divergence < first->fit.divergence)
            first = &tried[i];
    }
    if (r == 0 && first && DEEP_RATIO * first->fit.divergence < than.fit.divergence &&
        fit_less(&than.fit, &first->fit) >= CLEAR_DEVIATIONS) {
        *best = *first;
        r = follow(c, c->many, &than, in_use, use, e);
    }
    return r;
}

/* --- the verdict --- */

/* Whether one of the words of --assume in `list` begins with word[n]. */
static bool has_word(const char *list, const char *word, size_t n)
{
    for (const char *p = list; *p; p += strcspn(p, ","), p += *p == ',')
        if (strncmp(p, word, n) == 0)
            return true;
    return false;
}

/* Appends the words of `list` that `less` does not have: the whole word or, with `keys`, only
 * its key. */
static void put_words(char *out, size_t room, const char *list, const char *less, bool keys)
{
    size_t at = strlen(out);
    for (const char *p = list; *p && at < room;) {
        size_t n = strcspn(p, ","), key = strcspn(p, "=") + 1;
        if (!has_word(less, p, keys && key < n ? key : n))
            at += (size_t)snprintf(out + at, room - at, "%s%.*s", at ? "," : "", (int)n, p);
        p += n + (p[n] == ',');
    }
}

/* "--mean ... --std ... --assume ...": what makes the programs run `x`. */
static void put_options(char *out, size_t room, const struct fit_use *u,
                        const struct interpretation *x, const struct interpretation *use)
{
    const float *m = x->pixels.mean, *s = x->pixels.std;
    char words[ASSUME_WORDS] = "", other[ASSUME_WORDS] = "";
    char now[ASSUME_WORDS], then[ASSUME_WORDS];
    char mean[NORMAL_TEXT], std[NORMAL_TEXT];
    size_t at = 0;
    *out = '\0';
    if (!normal_same(m, s, use->pixels.mean, use->pixels.std))
        at = (size_t)snprintf(out, room, "--mean %s --std %s",
                              normal_text(mean, "%.6g", m, u->channels),
                              normal_text(std, "%.6g", s, u->channels));
    assume_write(now, &use->assumed);
    assume_write(then, &x->assumed);
    put_words(other, sizeof other, then, now, false);
    if (*other == '\0')
        return;
    if (u->assume_text)
        put_words(words, sizeof words, u->assume_text, other, true);
    put_words(words, sizeof words, other, "", false);
    char *quoted = text_shell(words);
    if (at < room)
        snprintf(out + at, room - at, "%s--assume %s", at ? " " : "", quoted);
    free(quoted);
}

/* Whether so much is left that it has to be said. A program is wired as it says: what is left may
 * be of the training, which a net with stochastic depth and erased parts of images kept .045 of
 * where .004 were left at the first norm. */
static bool is_off(const struct check *c, const struct fit_figures *f)
{
    if (!c->program)
        return !(f->divergence <= DEEP_DOUBTFUL);
    return !(f->divergence <=
             (c->stem && c->candidate[0].divergence <= DEEP_DOUBTFUL ? DEEP_NONE : DEEP_GOOD));
}

enum { GUESS = 2 * NORMAL_TEXT + 40 };

/* Which of the constants are a guess, a sign before each, with their values or without. */
static const char *list_guess(char out[GUESS], const struct fit_use *u, const char *sign,
                              bool values)
{
    char text[NORMAL_TEXT];
    const float *constant[] = {u->guess_mean ? u->mean : NULL, u->guess_std ? u->std : NULL};
    int at = 0;
    for (int i = 0; i < 2; i++)
        if (constant[i])
            at += snprintf(out + at, (size_t)(GUESS - at), "%s%s%s%s%s", at ? " and " : "", sign,
                           i ? "std" : "mean", values ? " " : "",
                           values ? normal_text(text, "%.6g", constant[i], u->channels) : "");
    return out;
}

static const char *is_or_are(const struct fit_use *u)
{
    return u->guess_mean && u->guess_std ? "are" : "is";
}

static void conclude(struct fit_verdict *v, const struct check *c, const struct interpretation *use,
                     const struct interpretation *best, const struct candidate *pixels)
{
    const char *options = v->options;
    const struct candidate *first = &c->candidate[0];
    bool wired = !assume_same(&best->assumed, &use->assumed) && best->pixels.bgr == use->pixels.bgr;
    v->use = use->fit;
    put_options(v->options, sizeof v->options, c->use, best, use);
    if (*options) {
        const char *name = pixels->name;
        const bool none = strcmp(name, "none") == 0, bytes = strcmp(name, "bytes") == 0;
        /* Constants alone are compared at the first norm, where they can be told apart. */
        bool stem = c->stem && pixels != first && !wired,
             other = pixels != first && strstr(options, "--mean") != NULL;
        snprintf(v->text, sizeof v->text,
                 "%s: the BatchNorm running statistics match another interpretation%s%s%s%s much "
                 "better: KL divergence %.2g nats instead of %.2g %s, over %lld images: give %s",
                 ckpt_name(c->use->ckpt), other ? " (" : "",
                 !other          ? ""
                 : none || bytes ? "pixels that are not normalised, "
                                 : "mean and std of ",
                 !other  ? ""
                 : none  ? "from 0 to 1"
                 : bytes ? "from 0 to 255"
                         : name,
                 other ? ")" : "", stem ? pixels->divergence : best->fit.divergence,
                 stem ? first->divergence : use->fit.divergence,
                 stem ? "at the first BatchNorm" : "over all BatchNorm layers",
                 (long long)(stem ? c->images->count : use->fit.images), options);
        v->outcome = FIT_OTHER;
        return;
    }
    v->outcome = FIT_GOOD;
    if (!is_off(c, &use->fit) || c->use->proof_images > 0)
        return;
    bool none = !(use->fit.divergence <= DEEP_NONE);
    char than[80] = "", list[GUESS], guess[GUESS + 20] = "";
    if (c->use->guess_mean || c->use->guess_std)
        snprintf(guess, sizeof guess, ", and the %s %s a guess",
                 list_guess(list, c->use, "", false), is_or_are(c->use));
    if (none)
        v->outcome = FIT_NONE;
    else if (!c->program)
        snprintf(than, sizeof than, ", where right interpretations have at most %g", DEEP_DOUBTFUL);
    snprintf(
        v->text, sizeof v->text,
        "%s: no %sinterpretation matches the BatchNorm running statistics%s%s: KL divergence "
        "%.2g nats over %d BatchNorm layers and %lld images%s: the model may have been trained "
        "on other images, or %s",
        ckpt_name(c->use->ckpt), none ? "" : "usual ", none ? "" : " clearly better", guess,
        use->fit.divergence, use->fit.norms, (long long)use->fit.images, than,
        c->program ? "with another mean and std" : "may be another network");
}

/* What the first norm says of the constants: the candidate for the pixels, the first one
 * being that in use. Without a first norm behind the first convolution it says nothing. */
static int look_at_pixels(struct check *c, const struct model *m, const struct candidate **pixels,
                          struct err *e)
{
    struct fit_stem *s;
    if (fit_stem_new(&s, m, c->images, e) != 0)
        return -1;
    list_candidates(c, s);
    *pixels = &c->candidate[0];
    c->stem = s != NULL;
    if (s) {
        *pixels = choose_pixels(c, s);
        c->moved.frame = (*pixels)->frame;
    }
    fit_stem_free(s);
    return 0;
}

/* Whether an interpretation that was looked for is taken. One with another function than ReLU has
 * less noise of few images where that bounds what it passes on: more of them decide. 1, 0, or -1.
 */
static int is_confirmed(struct check *c, const struct interpretation *x,
                        const struct interpretation *than, struct err *e)
{
    struct interpretation a = *x, b = *than;
    if (!is_clear(x, than) || x->assumed.act <= ASSUME_ACT_RELU ||
        than->assumed.act == x->assumed.act || c->many <= c->deep)
        return is_clear(x, than);
    if (try_one(c, c->many, &a, e) != 0 || try_one(c, c->many, &b, e) != 0)
        return -1;
    return is_clear(&a, &b);
}

/* Before it is said that nothing fits closely: small networks have more than that of few images. */
static int look_again(struct check *c, struct interpretation *use, struct err *e)
{
    if (use->fit.divergence > DEEP_DOUBTFUL && use->fit.divergence < DEEP_NONE &&
        use->fit.images < c->many)
        return try_one(c, c->many, use, e);
    return 0;
}

/* Where few images leave `best` in doubt, a proved network on as many as proved it, another one
 * that may well be right on many; `use` as well, and all else from then on. */
static int look_longer(struct check *c, struct interpretation *best, struct interpretation *use,
                       struct err *e)
{
    const bool in_use = same(best, use), proved = c->use->proof_images > 0;
    int64_t more = proved ? c->use->proof_images : c->many;
    more = more < c->images->count ? more : c->images->count;
    if (best->fit.divergence < DEEP_SUSPICIOUS || more <= c->deep ||
        (!proved && !(best->fit.divergence <= DEEP_DOUBTFUL)))
        return 0;
    c->deep = more;
    c->many = c->many > more ? c->many : more;
    if (try_one(c, c->deep, best, e) != 0)
        return -1;
    return follow(c, c->deep, best, in_use, use, e);
}

/* Frees the network, before others are built: each takes much memory, with its engine. */
static int compare(struct fit_verdict *v, struct check *c, struct model *m, struct err *e)
{
    struct interpretation use = in_use(c->use), best;
    const struct candidate *pixels;
    const struct assume assumed = m->assumed;
    int others[ASSUME_STAGES];
    memcpy(others, m->others, sizeof others);
    int r = look_at_pixels(c, m, &pixels, e);
    if (r == 0)
        r = measure(c, m, c->deep, &use, e);
    model_close(m);
    if (r != 0)
        return -1;
    best = use;
    if (pixels != &c->candidate[0]) {
        struct interpretation x = {.assume = use.assume, .pixels = pixels->pixels};
        if (try_one(c, c->deep, &x, e) != 0)
            return -1;
        /* Few images tell near constants apart at the first norm only. */
        if (x.fit.divergence < DEEP_WORSE * use.fit.divergence)
            best = x;
    }
    if (look_longer(c, &best, &use, e) != 0)
        return -1;
    if (!(best.fit.divergence < DEEP_SUSPICIOUS) && !c->wired) {
        const bool in_use = same(&best, &use);
        if (try_dropout(c, &best, e) != 0)
            return -1;
        if (c->dropout.place != MODEL_DROPPED_NONE &&
            follow(c, c->deep, &best, in_use, &use, e) != 0)
            return -1;
    }
    if (!(best.fit.divergence < DEEP_SUSPICIOUS)) {
        struct interpretation x = best;
        if ((!c->wired && try_wirings(c, &assumed, others, &x, e) != 0) ||
            (!c->stem && try_pixels(c, &x, &pixels, e) != 0))
            return -1;
        const int confirmed = is_confirmed(c, &x, &best, e);
        if (confirmed < 0)
            return -1;
        if (confirmed)
            best = x;
    }
    if (best.fit.divergence < DEEP_NONE && c->use->channels == 3 &&
        try_order(c, &best, &use, e) != 0)
        return -1;
    if (!c->wired && best.fit.divergence > CLOSE && best.fit.divergence < DEEP_SUSPICIOUS &&
        try_strides(c, &best, &use, e) != 0)
        return -1;
    /* Constants may fit the first norm by chance where nothing fits the others. */
    if (!(best.fit.divergence < DEEP_NONE))
        best = use;
    if (same(&best, &use)) {
        if (look_again(c, &use, e) != 0)
            return -1;
        best = use;
    }
    conclude(v, c, &use, &best, pixels);
    return 0;
}

/* What is behind the last norm of a network that fits: labels may say that it is run otherwise than
 * it was trained. */
static int look_at_end(struct fit_verdict *v, const struct check *c, struct err *e)
{
    struct interpretation use = in_use(c->use), other = use;
    struct fit_end x;
    if (v->outcome != FIT_GOOD || c->program || c->use->proof_images > 0)
        return 0;
    if (fit_ends(&x, c->use, c->images, e) != 0)
        return -1;
    if (!x.largest)
        return 0;
    use.assumed = *c->use->assume;
    other.assumed = use.assumed;
    other.assumed.end = ASSUME_END_MAX;
    put_options(v->options, sizeof v->options, c->use, &other, &use);
    snprintf(v->text, sizeof v->text,
             "%s: labels are likelier if the largest of all cells goes to the linear layer, not "
             "their mean: cross entropy %.2g instead of %.2g of %lld images: give %s",
             ckpt_name(c->use->ckpt), x.least, x.next, (long long)x.count, v->options);
    return 0;
}

static bool is_doubtful(const struct fit_verdict *v)
{
    return !(v->use.divergence < DEEP_SUSPICIOUS) && !v->proved;
}

const char *fit_word(const struct fit_verdict *v)
{
    return v->outcome == FIT_OTHER || v->outcome == FIT_NONE ? "bad"
           : is_doubtful(v)                                  ? "doubtful"
                                                             : "good";
}

bool fit_confirms(const struct fit_verdict *v)
{
    return v->outcome == FIT_GOOD && !is_doubtful(v);
}

static void tell_guess(struct fit_verdict *v, const struct fit_use *u, const char *why)
{
    char of[GUESS], options[GUESS];
    if (u->proof_images == 0 && (u->guess_mean || u->guess_std))
        snprintf(v->text, sizeof v->text, "%s: the %s of the pixels %s a guess that %s: give %s",
                 ckpt_name(u->ckpt), list_guess(of, u, "", true), is_or_are(u), why,
                 list_guess(options, u, "--", false));
}

/* Of a network with norms that training left its traces in, and enough images. */
static int check_norms(struct fit_verdict *v, struct check *c, struct model *m, struct err *e)
{
    const double macs = (double)graph_macs(m->graph) + 1;
    c->program = m->program;
    c->wired = m->program || c->use->proof_images > 0;
    c->first = fit_count(FIRST_MACS, macs, DEEP_FIRST, DEEP_MOST);
    c->deep = fit_count(MACS, macs, DEEP_LEAST, DEEP_MOST);
    c->many = fit_count(c->program ? MACS : MANY_MACS, macs, c->deep, MANY_FACTOR * c->deep);
    if (c->many > c->images->count)
        c->many = c->images->count;
    fit_moved_open(&c->moved, c->images);
    c->kept = engine_keep();
    if (c->use->shown)
        prog_progress_end();
    int r = compare(v, c, m, e);
    engine_keep_end(c->kept);
    if (r == 0)
        r = look_at_end(v, c, e);
    if (c->use->shown)
        prog_progress_end();
    fit_moved_close(&c->moved);
    return r;
}

int fit_check(struct fit_verdict *v, const struct fit_use *u, const struct fit_images *images,
              struct err *e)
{
    struct check c = {.use = u, .images = images, .dropout = u->dropout};
    const struct interpretation use = in_use(u);
    struct model *m;
    char few[80];
    *v = (struct fit_verdict){.outcome = FIT_UNKNOWN, .proved = u->proof_images > 0};
    if (build(&m, &c, &use, e) != 0)
        return -1;
    const bool trained = fit_is_trained(m);
    if (trained && images->count >= FIT_LEAST)
        return check_norms(v, &c, m, e);
    v->unknown = trained        ? "the images are too few"
                 : m->norms > 0 ? "training left no BatchNorm running statistics"
                                : "the file holds no BatchNorm running statistics";
    snprintf(few, sizeof few, "fewer than %d images cannot confirm", FIT_LEAST);
    tell_guess(v, u, trained ? few : "no BatchNorm running statistics confirm");
    model_close(m);
    return 0;
}
