#include "fit/prove.h"

#include "base/mem.h"
#include "base/prog.h"
#include "fit/chain.h"
#include "fit/ends.h"
#include "fit/trial.h"
#include "fit/variants.h"
#include "model/normal.h"
#include "model/structure.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Multiply-accumulates that one of the best few candidates may take, images within these, and how
 * often candidates next to the best are tried. */
static const double LAST_MACS = 40e9;
enum {
    LAST_LEAST = 128,
    LAST_MOST = 256,
    MORE = 4,
    MANY = 16,
    ROUNDS = 6,
    FEW = 10,
    FEW_LEAST = 2,
    NEAR = 4,
    DROPPED = 3,
    SHOWN = 3
};

/* Up to so many times two networks fit alike. */
static const double SAME_RATIO = 1.25;

/* Of many networks those that fit less than the best one so many times and by so much more are not
 * among the best few. */
static const double FAR_MORE = .1;

/* At the first norm, for constants of the pixels. */
static const double STEM_FAR = .2;

/* Standard deviations from which few images tell that a network fits better than another. */
static const double SURE = 4;

/* Above this dropout is tried, which has to fit so many times better. */
static const double DISTURBED = .004, HELPED = 2;

/* --- constants of the pixels --- */

static void take(struct trial *p, const char *name, const float mean[3], const float std[3])
{
    memcpy(p->pixels.mean, mean, sizeof p->pixels.mean);
    memcpy(p->pixels.std, std, sizeof p->pixels.std);
    p->name = name;
}

/* Those in use or, unless somebody gave them, those that fit the first norm best. */
static int choose_pixels(struct trial *p, const struct model *m, struct err *e)
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
    /* Something stands between the first convolution and its norm. */
    if (p->told && p->use->usual && least > STEM_FAR) {
        p->told = false;
        take(p, NULL, p->use->mean, p->use->std);
    }
    if (p->told)
        fit_stem_divergence(s, &p->pixels, -1, &p->moved.frame);
    fit_stem_free(s);
    return 0;
}

/* Where the first norm tells nothing of the constants, all norms do. */
static int try_pixels(struct trial *p, struct err *e)
{
    int constants, r = 0;
    const struct normal *all = normal_all(p->use->channels, &constants);
    const struct assume given = trial_best(p)->given;
    for (int i = 0; i < constants && r == 0; i++) {
        struct fit_pixels x = {.bgr = p->pixels.bgr};
        memcpy(x.mean, all[i].mean, sizeof x.mean);
        memcpy(x.std, all[i].std, sizeof x.std);
        r = trial_one(p, &given, &x, all[i].name, e);
    }
    if (r == 0)
        take(p, trial_best(p)->name, trial_best(p)->pixels.mean, trial_best(p)->pixels.std);
    return r;
}

/* --- the search --- */

/* Convolutions of a reading that is a plain net's, 0 of others. */
static int count_units(const struct trial *p, int reading)
{
    struct candidate c = {.given = *p->use->assume, .pixels = p->pixels};
    struct model *m;
    struct err ignored;
    c.given.reading = reading;
    if (trial_open(&m, p, &c, true, &ignored) != 0)
        return 0;
    const int units = m->chain;
    model_close(m);
    return units;
}

/* What shapes leave open most, of one reading; and of the usual wiring every ReLU, as among wrong
 * ReLUs a wrong wiring may fit best. */
static int try_reading(struct trial *p, int reading, struct err *e)
{
    struct assume given = *p->use->assume, list[FIT_VARIANTS + FIT_ACTS + FIT_RELUS];
    struct candidate c = {.pixels = p->pixels};
    struct model *m;
    struct err ignored;
    given.reading = reading;
    c.given = given;
    if (trial_open(&m, p, &c, true, &ignored) != 0)
        return 0;
    int count = fit_variants(&m->assumed, m->others, &given, list);
    count += fit_acts(&m->assumed, &given, list + count);
    count += fit_relus(&m->assumed, &given, list + count);
    model_close(m);
    int r = trial_one(p, &given, &p->pixels, p->name, e);
    for (int i = 0; i < count && r == 0; i++)
        r = trial_one(p, &list[i], &p->pixels, p->name, e);
    return r;
}

/* Images of the last comparison, `times` as many as usual. */
static int64_t last_images(const struct trial *p, int times)
{
    const int64_t count = times * fit_count(LAST_MACS, p->macs, FIT_PROOF_LEAST, LAST_MOST);
    return count < p->images->count ? count : p->images->count;
}

/* Large networks are compared on few images, where a network of larger maps fits better than the
 * right one, as it has more cells to show: what fits better than network `from`, and not clearly,
 * has to do so on the images of the last comparison, too, or is beaten. */
static int settle(struct trial *p, int from, struct err *e)
{
    struct candidate *before = &p->list[from], *best = trial_best(p);
    for (; p->moved.count < LAST_LEAST && best != before && !before->beaten; best = trial_best(p)) {
        struct candidate one = *before, other = *best;
        if (fit_less(&before->fit, &best->fit) >= SURE)
            break;
        const struct fit_figures *a = trial_more(p, before, last_images(p, 1), e),
                                 *b = a ? trial_more(p, best, last_images(p, 1), e) : NULL;
        if (!b)
            return -1;
        one.fit = *a;
        other.fit = *b;
        (trial_compare(&one, &other) < 0 ? best : before)->beaten = true;
    }
    return 0;
}

/* Whether ReLUs, their function, the padding or the stem's pooling are not those that all wirings
 * were tried with. */
static bool is_varied(const struct trial *p, const struct assume *given)
{
    const struct assume *of = p->use->assume;
    return given->relu != of->relu || given->act != of->act || given->padding != of->padding ||
           given->pool > ASSUME_POOL_MAX;
}

/* The usual wiring with the ReLUs and the order of norms of the best network: wrong ones of these
 * may have led away from it. */
static struct assume usual_wiring(const struct trial *p)
{
    const struct assume *best = &trial_best(p)->given;
    struct assume given = *p->use->assume;
    given.reading = best->reading;
    given.relu = best->relu;
    given.act = best->act;
    given.padding = best->padding;
    given.preact = best->preact;
    given.stride_at = best->stride_at;
    return given;
}

/* What differs from the best by one ReLU, one stride, the function in the place of all ReLUs, the
 * padding or, with such a change, its wiring, as long as that leads to a better one. */
static int try_near(struct trial *p, struct err *e)
{
    int r = 0;
    for (int round = 0; round < ROUNDS && r == 0; round++) {
        struct assume list[FIT_RELUS + ASSUME_STAGES + FIT_ACTS + FIT_PLACES + FIT_POOLS + 2];
        const struct candidate *best = trial_best(p);
        const int from = (int)(best - p->list);
        const struct fit_pixels pixels = best->pixels;
        const char *name = best->name;
        int count = fit_relus(&best->assumed, &best->given, list);
        count += fit_strides(&best->assumed, &best->given, list + count);
        count += fit_acts(&best->assumed, &best->given, list + count);
        count += fit_padding(&best->assumed, &best->given, list + count);
        list[count++] = usual_wiring(p);
        count += fit_pools(&best->assumed, &list[count - 1], list + count);
        if (is_varied(p, &best->given))
            count += fit_places(&best->assumed, &best->given, list + count);
        for (int i = 0; i < count && r == 0; i++)
            r = trial_one(p, &list[i], &pixels, name, e);
        if (r == 0)
            r = settle(p, from, e);
        if (trial_best(p) == &p->list[from])
            break;
    }
    return r;
}

/* --- dropout in training --- */

/* Whether it fits as right networks do, whose norms nothing disturbed. */
static bool is_undisturbed(const struct fit_figures *f)
{
    return f->divergence <= DISTURBED && f->worst_divergence <= FIT_PROOF_WORST;
}

/* By falling fit of the least unusual, for qsort. */
static int compare_usual(const void *a, const void *b)
{
    const struct candidate *p = a, *q = b;
    return p->odd != q->odd ? p->odd - q->odd : trial_compare(a, b);
}

/* Networks of the list with ReLU, as another function may make up for variance that is lacking: the
 * first of it. The texts of plain nets say their dropout. */
static int pick(const struct trial *p, struct candidate *to, int most)
{
    int n = 0;
    for (int i = 0; i < p->count && n < most; i++)
        if ((p->list[i].assumed.act <= ASSUME_ACT_RELU || p->use->assume->act) &&
            !*p->list[i].assumed.chain)
            to[n++] = p->list[i];
    return n;
}

/* Some networks with each dropout of a list. */
static int try_dropouts(struct trial *p, const struct candidate *some, int n,
                        const struct model_dropout *list, int count, struct err *e)
{
    int r = 0;
    for (int i = 0; i < n && r == 0; i++)
        for (int k = 0; k < count && r == 0; k++) {
            p->dropout = list[k];
            r = trial_one(p, &some[i].given, &some[i].pixels, some[i].name, e);
        }
    return r;
}

/* The one of those with dropout, of a place unless that is none, that fits best, or NULL. */
static const struct candidate *best_dropped(const struct trial *p, enum model_dropped place)
{
    const struct candidate *best = NULL;
    for (int i = 0; i < p->count; i++)
        if (p->list[i].dropout.place != MODEL_DROPPED_NONE &&
            (place == MODEL_DROPPED_NONE || p->list[i].dropout.place == place) &&
            (!best || trial_compare(&p->list[i], best) < 0))
            best = &p->list[i];
    return best;
}

/* Whether nothing disturbed the best one's norms: 1 or 0. The few images that large networks are
 * compared on do not show it, more do. */
static int find_undisturbed(struct trial *p, struct err *e)
{
    struct candidate *best = trial_best(p);
    if (is_undisturbed(&best->fit) || p->moved.count >= LAST_LEAST)
        return is_undisturbed(&best->fit);
    const int64_t images = LAST_LEAST < p->images->count ? LAST_LEAST : p->images->count;
    const struct fit_figures *f = trial_more(p, best, images, e);
    return f ? is_undisturbed(f) : -1;
}

/* Where no network fits well, dropout may have disturbed what norms recorded: tries the best few
 * with it, other rates with the best of those of each place, and what is near. What helps the best
 * one with ReLU little is noise. */
static int try_dropout(struct trial *p, struct err *e)
{
    const struct model_dropout none = {MODEL_DROPPED_NONE, 0};
    struct model_dropout list[FIT_DROPOUTS];
    struct candidate some[2 * DROPPED];
    const int undisturbed = find_undisturbed(p, e);
    if (undisturbed != 0)
        return undisturbed < 0 ? -1 : 0;
    qsort(p->list, (size_t)p->count, sizeof *p->list, trial_compare);
    int n = pick(p, some, DROPPED);
    if (n == 0)
        return 0;
    const double before = some[0].fit.divergence;
    qsort(p->list, (size_t)p->count, sizeof *p->list, compare_usual);
    n += pick(p, some + n, DROPPED);
    int r = try_dropouts(p, some, n, list, fit_dropouts(&none, list), e);
    /* Of a wrong rate the wrong place may fit better. */
    for (int place = MODEL_DROPPED_CONV; place <= MODEL_DROPPED_NORM && r == 0; place++) {
        const struct candidate *of = best_dropped(p, (enum model_dropped)place);
        some[0] = of ? *of : some[0];
        r = of ? try_dropouts(p, some, 1, list, fit_dropouts(&some[0].dropout, list), e) : 0;
    }
    const struct candidate *found = best_dropped(p, MODEL_DROPPED_NONE);
    p->dropout = none;
    if (r != 0 || !found || found->fit.divergence * HELPED > before)
        return r;
    some[0] = *found;
    p->dropout = some[0].dropout;
    /* Anew, as what fitted best without it is hardly the right one. */
    return try_reading(p, some[0].assumed.reading, e) == 0 ? try_near(p, e) : -1;
}

/* Of the same network with several kinds of dropout, or none, the one that fits best is kept. */
static void drop_repeated(struct trial *p)
{
    int kept = 0;
    qsort(p->list, (size_t)p->count, sizeof *p->list, trial_compare);
    for (int i = 0; i < p->count; i++) {
        bool known = false;
        for (int k = 0; k < kept && !known; k++)
            known = assume_same(&p->list[i].assumed, &p->list[k].assumed) &&
                    normal_same(p->list[i].pixels.mean, p->list[i].pixels.std,
                                p->list[k].pixels.mean, p->list[k].pixels.std);
        if (!known)
            p->list[kept++] = p->list[i];
    }
    p->count = kept;
}

/* --- the best few --- */

/* The nearest network of the same functions that is not told apart from the best one and as usual,
 * or any such one; or NULL. */
static const struct candidate *find_same(const struct trial *p, bool as_usual)
{
    for (int i = 1; i < p->count; i++)
        if (trial_rivals(p, i) && (!as_usual || p->list[i].odd <= p->list->odd))
            return &p->list[i];
    return NULL;
}

/* Of the networks of the same functions that are not told apart from the best one and fit about as
 * well, the one that is least unusual, where there is one of these, becomes the best. */
static void prefer_usual(struct trial *p)
{
    int least = 0, same = 1;
    for (int i = 1; i < p->count; i++) {
        if (!trial_rivals(p, i) || p->list[i].fit.divergence > SAME_RATIO * p->list->fit.divergence)
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
static const struct candidate *find_other(const struct trial *p)
{
    for (int i = 1; i < p->count; i++)
        if (p->list[i].assumed.act != p->list->assumed.act && !trial_told(p, i))
            return &p->list[i];
    return NULL;
}

static bool fits_right(const struct candidate *c)
{
    return c->fit.divergence <= FIT_PROOF_MAX && c->fit.worst_divergence <= FIT_PROOF_WORST;
}

/* Whether the best network fits less than most right ones do. */
static bool is_loose(const struct trial *p)
{
    return p->list->fit.divergence > FIT_PROOF_LOOSE;
}

/* Where the best network has another function than ReLU, which nobody gave: the best one with ReLU
 * that may be right, too. 0 where there is none. */
static int find_relu(const struct trial *p)
{
    for (int i = 1; i < p->count && !p->use->assume->act && p->list->assumed.act > ASSUME_ACT_RELU;
         i++)
        if (p->list[i].assumed.act <= ASSUME_ACT_RELU && fits_right(&p->list[i]))
            return i;
    return 0;
}

/* It becomes the best, unless it is clearly told apart. A function that bounds what it passes on
 * has less noise of few images, above all with dropout, and so may fit better than the right one.
 */
static void prefer_relu(struct trial *p)
{
    const double clear = 4; /* standard deviations */
    const int i = find_relu(p);
    if (i == 0 || fit_less(&p->list[i].fit, &p->list->fit) >= clear)
        return;
    const struct candidate relu = p->list[i];
    memmove(p->list + 1, p->list, (size_t)i * sizeof *p->list);
    p->list[0] = relu;
}

/* Keeps the best network, the next one, those that are not told apart from it and what
 * prefer_relu() compares. */
static void keep_near(struct trial *p)
{
    const int relu = find_relu(p);
    int kept = 1;
    for (int i = 1; i < p->count; i++)
        if (i == relu || (kept < NEAR && (i == 1 || !trial_told(p, i))))
            p->list[kept++] = p->list[i];
    p->count = kept;
}

/* The best few on more images, `times` as many as usual. */
static int try_last(struct trial *p, int times, struct err *e)
{
    qsort(p->list, (size_t)p->count, sizeof *p->list, trial_compare);
    int few = p->count < FEW ? p->count : FEW;
    while (few > FEW_LEAST &&
           p->list[few - 1].fit.divergence > p->list->fit.divergence * TRIAL_FAR_RATIO + FAR_MORE)
        few--;
    p->count = few;
    for (int i = 0; i < p->count; i++) {
        const struct fit_figures *f = trial_more(p, &p->list[i], last_images(p, times), e);
        if (!f)
            return -1;
        p->list[i].fit = *f;
    }
    qsort(p->list, (size_t)p->count, sizeof *p->list, trial_compare);
    return 0;
}

/* --- the verdict --- */

struct words {
    char text[900];
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

static void put_candidates(struct words *w, const struct trial *p)
{
    for (int i = 0; i < p->count && i < SHOWN; i++) {
        char assumed[ASSUME_WORDS];
        assume_write(assumed, &p->list[i].assumed);
        put(w, "%s%.2g nats as %s", i ? ", " : "", p->list[i].fit.divergence, assumed);
    }
}

/* No proof: why, and what else there is to do. */
static int refuse(const struct trial *p, struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static int refuse(const struct trial *p, struct err *e, const char *fmt, ...)
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
static void choose_head(struct trial *p)
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

static int conclude(struct fit_proof *out, const struct trial *p, const char *labelled,
                    struct err *e)
{
    const struct candidate *best = p->list, *next = p->count > 1 ? best + 1 : NULL;
    struct words w = {.at = 0};
    put_candidates(&w, p);
    if (!fits_right(best))
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
    if (find_same(p, true) && *best->assumed.chain)
        return refuse(p, e,
                      "what is behind its last norm no norm shows and labels do not tell, among "
                      "others %s: --assume chooses",
                      w.text);
    if (find_same(p, true))
        return refuse(p, e,
                      "on %lld images several networks match the BatchNorm running statistics: "
                      "%s: --assume chooses",
                      (long long)best->fit.images, w.text);
    out->assume = best->given;
    out->fit = best->fit;
    out->loose = is_loose(p);
    out->dropout = best->dropout;
    out->pixels = best->name;
    memcpy(out->mean, best->pixels.mean, sizeof out->mean);
    memcpy(out->std, best->pixels.std, sizeof out->std);
    w.at = 0;
    put(&w,
        "read by structure, %s by the BatchNorm running statistics: KL divergence %.2g nats over "
        "%d layers and %lld images, %.2g at the worst",
        out->loose ? "not surely proved" : "proved", best->fit.divergence, best->fit.norms,
        (long long)best->fit.images, best->fit.worst_divergence);
    if (out->loose)
        put(&w,
            ", where right readings mostly have at most %g: compare the accuracy with that of the "
            "training",
            FIT_PROOF_LOOSE);
    if (best->dropout.place != MODEL_DROPPED_NONE)
        put(&w, ", with dropout of %g in training", (double)best->dropout.rate);
    put(&w, "%s", labelled);
    if (next)
        put(&w, ", the next network %.2g", next->fit.divergence);
    const struct candidate *like = find_same(p, false);
    if (like) {
        char words[ASSUME_WORDS];
        assume_write_other(words, &like->assumed, &best->assumed);
        put(&w, "; %s fits as well (%.2g nats), but is less usual", words, like->fit.divergence);
    }
    const struct candidate *other = find_other(p);
    if (other)
        put(&w, "; %s in the place of %s fits as well (%.2g nats): --assume act=%s takes it",
            assume_act_word(other->assumed.act), assume_act_word(best->assumed.act),
            other->fit.divergence, assume_act_word(other->assumed.act));
    snprintf(out->text, sizeof out->text, "%s", w.text);
    return 0;
}

/* --- all of it --- */

/* Whether the best one fits as a right network does. */
static bool is_right(const struct trial *p)
{
    return p->count > 0 && fits_right(trial_best(p));
}

/* What is near those that the readings are. */
static int try_around(struct trial *p, struct err *e)
{
    if (p->count == 0)
        return 0;
    choose_head(p);
    return try_near(p, e) != 0 ||
                   (!p->told && p->use->usual && (try_pixels(p, e) != 0 || try_near(p, e) != 0)) ||
                   try_dropout(p, e) != 0
               ? -1
               : 0;
}

/* Residual readings in front of that of a plain net, that one, and others: as long as none fits. */
static int search(struct trial *p, int readings, struct err *e)
{
    const int only = p->use->assume->reading;
    bool plain = false;
    for (int i = 1; i <= readings && !(plain && is_right(p)); i++) {
        if (only > 0 && i != only)
            continue;
        const int units = count_units(p, i);
        if (units > 0 && try_around(p, e) != 0)
            return -1;
        plain = plain || units > 0;
        if (units > 0 && is_right(p))
            break;
        if ((units > 0 ? fit_chain(p, i, units, e) : try_reading(p, i, e)) != 0)
            return -1;
    }
    return try_around(p, e);
}

/* The best few on more images, and which of them is meant. */
static int choose(struct trial *p, char labelled[FIT_ENDS_TEXT], struct err *e)
{
    if (p->count == 0 && *p->stopped.text)
        return refuse(p, e,
                      "of the plain nets that its keys may be none fits: as chain=%s the BatchNorm "
                      "running statistics are %.2g nats over the first %d of %d norms",
                      p->stopped.text, p->stopped.divergence, p->stopped.norms, p->stopped.units);
    if (p->count == 0)
        return refuse(p, e, "none can be built for images of %d by %d pixels", p->images->h,
                      p->images->w);
    drop_repeated(p);
    if (try_last(p, 1, e) != 0)
        return -1;
    const bool few = p->list->fit.images < LAST_LEAST && find_relu(p) > 0;
    if (find_same(p, false) || find_other(p) || few) {
        keep_near(p);
        if (try_last(p, MORE, e) != 0)
            return -1;
    }
    if (is_right(p) && is_loose(p)) {
        keep_near(p);
        if (try_last(p, MANY, e) != 0)
            return -1;
    }
    prefer_relu(p);
    if (!is_right(p))
        return 0;
    return *p->list->assumed.chain ? fit_chain_ends(p, labelled, e)
                                   : fit_ends_proved(p, labelled, e);
}

int fit_prove(struct fit_proof *out, const struct fit_use *u, const struct fit_images *images,
              int classes, struct err *e)
{
    struct trial p = {.use = u, .images = images, .classes = classes};
    struct candidate first = {.given = *u->assume, .pixels.bgr = u->assume->bgr};
    struct model *m;
    char labelled[FIT_ENDS_TEXT] = "";
    memcpy(first.pixels.mean, u->mean, sizeof u->mean);
    memcpy(first.pixels.std, u->std, sizeof u->std);
    if (trial_open(&m, &p, &first, true, e) != 0)
        return -1;
    p.kept = engine_keep();
    int r = 0, readings = m->readings;
    p.misfit = mem_dup(m->misfit);
    if (m->norms == 0 || !fit_is_trained(m))
        r = refuse(&p, e, "it has no BatchNorm running statistics of training");
    else if (images->count < FIT_PROOF_LEAST)
        r = refuse(&p, e, "that takes at least %d images, and there are %lld", FIT_PROOF_LEAST,
                   (long long)images->count);
    fit_moved_open(&p.moved, images);
    trial_scale(&p, (double)graph_macs(m->graph));
    if (r == 0)
        r = choose_pixels(&p, m, e);
    model_close(m);
    if (r == 0)
        r = search(&p, readings, e) == 0 ? choose(&p, labelled, e) : -1;
    if (r == 0) {
        prefer_usual(&p);
        r = conclude(out, &p, labelled, e);
    }
    prog_progress_end();
    fit_moved_close(&p.moved);
    engine_keep_end(p.kept);
    free(p.list);
    free(p.misfit);
    return r;
}
