#include "fit/chain.h"

#include "base/mem.h"
#include "fit/labels.h"
#include "fit/prove.h"
#include "model/chain.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Up to STEP_GOOD the norm behind it shows that a step is right, as far as few images tell, and
 * others than the usual ones are not tried: up to STEP_FAIR STEP_TIMES as many may; above STEP_BAD
 * there is no use in going on. Paths that fit STEP_NEAR times less than the best, or by STEP_MORE,
 * are given up. */
static const double STEP_GOOD = .015, STEP_BAD = .4, STEP_NEAR = 3, STEP_MORE = .01,
                    STEP_FAIR = .15, STEP_CLEAR = 4;

/* On more images those are compared that fit at most so many times less, and by that, on few; there
 * it is less by which paths are given up. */
static const double SURE_GOOD = .006, SURE_NEAR = 2, SURE_MORE = .005, SURE_LEFT = .003;

/* A path is given up whose norms have so many times what all norms of a proof may have. */
static const double SPENT = 2;

/* Multiply-accumulates of a step's network; images within these. */
static const double STEP_MACS = 8e9;
enum {
    PATHS = 3,
    KEPT = 6,
    LONGEST = 3,
    END_IMAGES = 1,
    STEP_LEAST = 16,
    STEP_MOST = 64,
    STEP_TIMES = 8
};

struct path {
    char text[ASSUME_TEXT];
    double divergence, last;
    double without[FIT_PARTS]; /* the former without some images, for fit_deviations() */
    double sure; /* the divergence on more images, INFINITY where it was not measured */
    double sure_last;
};

struct search {
    struct trial *p;
    int reading, units;
    enum assume_act act;
    bool before; /* the function stands in front of norms */
    struct path from[PATHS], to[KEPT];
    int froms, tos;
    int64_t images; /* of a step: what is compared has the same ones */
};

/* --- a step --- */

/* Measures a network that ends with the last unit of a text: 1, or 0 where it cannot be built. Of
 * `times` as many images as usual. */
static int measure_text(struct path *path, struct search *s, const char *text, int times,
                        struct err *e)
{
    struct trial *p = s->p;
    struct candidate c = {.given = *p->use->assume, .pixels = p->pixels};
    struct model *m;
    struct err ignored;
    c.given.reading = s->reading;
    if (!c.given.act)
        c.given.act = s->act;
    if ((size_t)snprintf(c.given.chain, ASSUME_TEXT, "%s", text) >= ASSUME_TEXT ||
        trial_open(&m, p, &c, true, &ignored) != 0)
        return 0;
    const int64_t all = p->moved.count;
    if (s->images == 0)
        s->images = fit_count(STEP_MACS, (double)graph_macs(m->graph) + 1, STEP_LEAST, STEP_MOST);
    p->moved.count = s->images * times;
    if (p->moved.count > p->images->count)
        p->moved.count = p->images->count;
    const int r = trial_measure(&c.fit, p, m, c.pixels.mean, INFINITY, e);
    p->moved.count = all;
    model_close(m);
    if (r != 0)
        return -1;
    snprintf(path->text, sizeof path->text, "%s", text);
    path->divergence = c.fit.divergence;
    path->last = c.fit.last_divergence;
    memcpy(path->without, c.fit.without, sizeof path->without);
    path->sure = INFINITY;
    return 1;
}

/* Measures a network and keeps it if it is among the best. */
static int try_text(struct search *s, const char *text, struct err *e)
{
    struct path path;
    const int r = measure_text(&path, s, text, 1, e);
    if (r <= 0)
        return r;
    int at = s->tos < KEPT ? s->tos++ : KEPT;
    for (; at > 0 && path.divergence < s->to[at - 1].divergence; at--)
        if (at < KEPT)
            s->to[at] = s->to[at - 1];
    if (at < KEPT)
        s->to[at] = path;
    return 0;
}

/* Where the unit begins that is `back` before the end of a text of `units`, or NULL. */
static const char *unit_at(const char *text, int units, int back)
{
    struct chain_unit u;
    for (int i = 0; i < units - back; i++)
        if (chain_next(&text, &u) <= 0)
            return NULL;
    return units > back ? text : NULL;
}

/* Whether what begins there is free of sums and of whatever changes how many cells there are. */
static bool is_even(const char *text)
{
    struct chain_unit u;
    while (chain_next(&text, &u) > 0)
        if (u.opens || u.close || u.pool || u.inner || u.conv != 'c')
            return false;
    return true;
}

struct step {
    const char *const *pools; /* behind the last unit; "s" for a stride of it, which its own norm
                                 does not show */
    const char *const *own;
    bool dropped; /* with dropout */
};

/* Gives the last unit a stride; false where it has one, or a sum is behind it. */
static bool stride_last(char *text)
{
    struct chain_unit u = {.close = 0};
    char *last = text;
    for (const char *at = text, *from = text; chain_next(&at, &u) > 0; from = at)
        last = text + (from - text);
    last = u.conv == 'c' && !u.close && !u.opens ? strchr(last, 'c') : NULL;
    if (last)
        *last = 's';
    return last != NULL;
}

/* A text with one of the pools and dropouts of a step, and each unit that it may go on with. */
static int try_own(struct search *s, const char *text, const struct step *t, struct err *e)
{
    static const char *const dropouts[] = {"", "d20", "d30", "d25", "d10", "d40", "d50"},
                             *const none[] = {"", NULL};
    char next[2 * ASSUME_TEXT];
    const int drops = t->dropped && *text ? 7 : 1;
    int r = 0;
    for (const char *const *pool = *text ? t->pools : none; *pool && r == 0; pool++)
        for (int d = 0; d < drops && r == 0; d++)
            for (int i = 0; t->own[i] && r == 0; i++) {
                const bool strides = strcmp(*pool, "s") == 0;
                int n = snprintf(next, sizeof next, "%s", text);
                if (strides && !stride_last(next))
                    continue;
                snprintf(next + n, sizeof next - (size_t)n, "%s%s%c%s%s", strides ? "" : *pool,
                         dropouts[d], t->own[i][0], s->before ? "b" : "", t->own[i] + 1);
                r = try_text(s, next, e);
            }
    return r;
}

/* All paths without a sum behind the last unit, or with one. */
static int try_step(struct search *s, int unit, const struct step *t, bool sums, struct err *e)
{
    int r = 0;
    for (int k = 0; k < s->froms && r == 0; k++) {
        const char *text = s->from[k].text;
        if (!sums)
            r = try_own(s, text, t, e);
        for (int back = 1; sums && back <= LONGEST && back < unit && r == 0; back++) {
            const char *at = unit_at(text, unit, back);
            for (const char *close = ")]}"; *close && at && is_even(at) && r == 0; close++) {
                char next[2 * ASSUME_TEXT];
                snprintf(next, sizeof next, "%.*s(%s%c", (int)(at - text), text, at, *close);
                r = try_own(s, next, t, e);
            }
        }
    }
    return r;
}

/* Whether few images leave a path open beside the best one: as they do where some of them have far
 * larger values than the others. */
static bool is_open(const struct path *x, const struct path *best)
{
    double d[FIT_PARTS];
    if (x->divergence > SURE_NEAR * best->divergence + SURE_MORE)
        return false;
    for (int i = 0; i < FIT_PARTS; i++)
        d[i] = x->without[i] - best->without[i];
    return fit_deviations(x->divergence - best->divergence, d) < STEP_CLEAR;
}

/* Whether the best one is right, as far as the norm tells: 1 or 0. On few images a deep one may
 * fit less for want of cells, and less than a wrong one: more of them decide among the best. */
static int is_good(struct search *s, struct err *e)
{
    double least = INFINITY, last = INFINITY;
    bool sure = false, fits = s->tos > 0 && s->to[0].last <= STEP_GOOD, open = false;
    for (int i = 0; i < s->tos; i++) {
        sure = sure || isfinite(s->to[i].sure);
        open = open || (i > 0 && is_open(&s->to[i], &s->to[0]));
    }
    if (s->tos == 0 || s->to[0].last > STEP_FAIR)
        return 0;
    if (fits && !sure && !open)
        return 1;
    for (int i = 0; i < s->tos; i++) {
        struct path *x = &s->to[i], more = {.divergence = INFINITY, .last = INFINITY};
        if (x->divergence > SURE_NEAR * s->to[0].divergence + SURE_MORE)
            break;
        if (i > 0 && fits && !sure && !is_open(x, &s->to[0]))
            continue;
        if (!isfinite(x->sure)) {
            if (measure_text(&more, s, x->text, STEP_TIMES, e) < 0)
                return -1;
            x->sure = more.divergence;
            x->sure_last = more.last;
        }
        if (x->sure < least) {
            least = x->sure;
            last = x->sure_last;
        }
    }
    return last <= SURE_GOOD;
}

/* The function whose path fits best, on more images where few leave several open; or -1. */
static int best_function(struct search *s, const struct path *of, struct err *e)
{
    int best = ASSUME_ACT_RELU, rivals = 0;
    for (int act = ASSUME_ACT_RELU + 1; act <= ASSUME_ACT_LAST; act++)
        if (of[act].divergence < of[best].divergence)
            best = act;
    for (int act = ASSUME_ACT_RELU; act <= ASSUME_ACT_LAST; act++)
        rivals += isfinite(of[act].divergence) && is_open(&of[act], &of[best]);
    const struct path *first = &of[best];
    double least = INFINITY;
    for (int act = ASSUME_ACT_RELU; act <= ASSUME_ACT_LAST && rivals > 1; act++) {
        struct path more = {.divergence = INFINITY};
        if (!isfinite(of[act].divergence) || !is_open(&of[act], first))
            continue;
        s->act = (enum assume_act)act;
        if (measure_text(&more, s, of[act].text, STEP_TIMES, e) < 0)
            return -1;
        if (more.divergence < least) {
            least = more.divergence;
            best = act;
        }
    }
    return best;
}

/* The same with each other function in the place of ReLU, which the second norm shows; of the one
 * that fits best, and clearly better than the present one, the usual step, too. */
static int try_functions(struct search *s, int unit, const struct step *t, const struct step *near,
                         struct err *e)
{
    const enum assume_act before = s->act, now = before ? before : ASSUME_ACT_RELU;
    const struct path none = {.divergence = INFINITY};
    struct path of[ASSUME_ACT_LAST + 1];
    int r = 0;
    of[now] = s->tos > 0 ? s->to[0] : none;
    for (int act = ASSUME_ACT_RELU; act <= ASSUME_ACT_LAST && r == 0; act++) {
        if (act == (int)now)
            continue;
        s->act = (enum assume_act)act;
        s->tos = 0;
        r = try_step(s, unit, t, false, e);
        of[act] = s->tos > 0 ? s->to[0] : none;
    }
    const int best = r == 0 ? best_function(s, of, e) : -1;
    if (best < 0)
        return -1;
    s->act = of[best].divergence * TRIAL_CLEAR_RATIO < of[now].divergence ? (enum assume_act)best
                                                                          : before;
    s->tos = 0;
    r = try_step(s, unit, near, false, e);
    return r == 0 && t != near ? try_step(s, unit, t, false, e) : r;
}

/* By falling fit on more images, then on few, for qsort. */
static int compare_paths(const void *a, const void *b)
{
    const struct path *p = a, *q = b;
    if (isfinite(p->sure) || isfinite(q->sure))
        return (p->sure > q->sure) - (p->sure < q->sure);
    return (p->divergence > q->divergence) - (p->divergence < q->divergence);
}

/* The best paths, from which the next step goes on. */
static void keep_paths(struct search *s)
{
    qsort(s->to, (size_t)s->tos, sizeof *s->to, compare_paths);
    const struct path *best = &s->to[0];
    const bool sure = s->tos > 0 && isfinite(best->sure);
    s->froms = 0;
    for (int i = 0; i < s->tos && s->froms < PATHS; i++) {
        const struct path *x = &s->to[i];
        const bool near = sure ? x->sure <= STEP_NEAR * best->sure + SURE_LEFT
                               : x->divergence <= STEP_NEAR * best->divergence + STEP_MORE;
        if (near && (strchr(x->text, 'b') != NULL) == s->before)
            s->from[s->froms++] = *x;
    }
}

/* What stands between a convolution and the one before it: the usual first. */
static int find_step(struct search *s, int unit, struct err *e)
{
    static const char *const usual[] = {"c", NULL}, *const rare[] = {"v", "cM", "cA", NULL},
                             *const first[] = {"v", "cM", "cb", "vb", NULL};
    static const char *const pools[] = {"", "m", "a", "s", "m4", "a4", NULL},
                             *const all[] = {"", "m", "a", "s", "p", NULL},
                             *const few[] = {"", "m", "a", "s", NULL};
    const struct step near = {pools, usual, false}, far = {all, unit > 0 ? rare : first, false},
                      dropped = {few, usual, true};
    const bool open = s->p->use->assume->act == ASSUME_ACT_USUAL && unit == 1;
    s->tos = 0;
    const struct step *const more[] = {&near, &near, &far, &far, &dropped, &dropped};
    int good = 0;
    s->images = 0;
    for (int i = 0; i < 6 && good == 0; i++) {
        if (try_step(s, unit, more[i], i % 2 == 1, e) != 0)
            return -1;
        good = is_good(s, e);
        if (good == 0 && open && (i == 0 || i == 2)) {
            if (try_functions(s, unit, more[i], &near, e) != 0)
                return -1;
            good = is_good(s, e);
        }
    }
    if (good < 0)
        return -1;
    if (unit == 0 && s->tos > 0 && strchr(s->to[0].text, 'b'))
        s->before = true;
    keep_paths(s);
    return 0;
}

/* Whether the best path's norms so far leave no proof: 1 or 0. Few images say so of deep networks,
 * too. */
static int is_spent(struct search *s, int unit, struct err *e)
{
    const double most = SPENT * FIT_PROOF_MAX * s->units / (unit + 1);
    const struct path *best = &s->to[0];
    struct path more = {.divergence = INFINITY};
    if (isfinite(best->sure) || best->divergence <= most)
        return isfinite(best->sure) && best->sure > most;
    return measure_text(&more, s, best->text, STEP_TIMES, e) < 0 ? -1 : more.divergence > most;
}

/* --- ends --- */

/* A network with all that follows its last norm. Returns how many cells are pooled at last, 0 where
 * it cannot be built, or -1. */
static int try_end(struct search *s, const char *text, const char *end, struct err *e)
{
    struct trial *p = s->p;
    struct assume given = *p->use->assume;
    const int before = p->count;
    given.reading = s->reading;
    if (!given.act)
        given.act = s->act;
    if ((size_t)snprintf(given.chain, ASSUME_TEXT, "%s%s", text, end) >= ASSUME_TEXT)
        return 0;
    if (trial_one(p, &given, &p->pixels, p->name, e) != 0)
        return -1;
    return p->count > before ? p->list[p->count - 1].cells : 0;
}

/* The same where that many cells at least are pooled; and without a bias of the linear layer, with
 * the factor of the logits that code of nets with sums has: David Page's, and that of ffcv, whose
 * last convolution has no padding. */
static int try_scaled(struct search *s, const char *text, const char *end, int least, struct err *e)
{
    struct trial *p = s->p;
    const int before = p->count, cells = try_end(s, text, end, e);
    if (cells < 0)
        return -1;
    if (cells > 0 && cells < least)
        p->count = before;
    if (p->count == before || p->list[before].biased || !strchr(text, '('))
        return p->count > before;
    char scaled[64];
    snprintf(scaled, sizeof scaled, "%s%s", end, strchr(text, 'v') ? "*0.2" : "*0.125");
    return try_end(s, text, scaled, e) < 0 ? -1 : 1;
}

/* All ends of a text that are different. */
static int try_ends(struct search *s, const char *text, struct err *e)
{
    static const struct {
        const char *end;
        int least;
        bool last; /* where it can be, no more are tried */
    } ends[] = {{"/flat", 1, true},     {"m/flat", 2, false}, {"a/flat", 2, true},
                {"/average", 1, false}, {"/max", 1, false},   {"m/average", 2, true}};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        const int r = try_scaled(s, text, ends[i].end, ends[i].least, e);
        if (r < 0)
            return -1;
        if (r > 0 && ends[i].last)
            break;
    }
    return 0;
}

/* With a sum behind the last unit as there are others, or none. */
static int try_last_sums(struct search *s, const char *text, struct err *e)
{
    if (try_ends(s, text, e) != 0)
        return -1;
    const char *unit = text;
    struct chain_unit u;
    bool seen[LONGEST + 1][3] = {{false}};
    int length = 0, r = 0;
    while (chain_next(&unit, &u) > 0) {
        length = u.opens ? 1 : length + (length > 0);
        if (u.close && length <= LONGEST)
            seen[length][strchr(")]}", u.close) - ")]}"] = true;
        length = u.close ? 0 : length;
    }
    for (int back = 1; back <= LONGEST && r == 0; back++)
        for (int k = 0; k < 3 && r == 0; k++) {
            const char *at = seen[back][k] ? unit_at(text, s->units, back) : NULL;
            char next[ASSUME_TEXT];
            if (at && is_even(at) &&
                (size_t)snprintf(next, sizeof next, "%.*s(%s%c", (int)(at - text), text, at,
                                 ")]}"[k]) < sizeof next)
                r = try_ends(s, next, e);
        }
    return r;
}

/* One end that can be. */
static int try_any_end(struct search *s, const char *text, struct err *e)
{
    static const char *const ends[] = {"/flat", "m/flat", "a/flat", "/average"};
    int cells = 0;
    for (int i = 0; i < 4 && cells == 0; i++)
        cells = try_end(s, text, ends[i], e);
    return cells < 0 ? -1 : 0;
}

/* Nothing more is tried: says how far it went. */
static int stop(struct search *s, int unit)
{
    const struct path *best = &s->to[0];
    struct stopped *to = &s->p->stopped;
    memcpy(to->text, best->text, sizeof to->text);
    to->divergence = isfinite(best->sure) ? best->sure : best->divergence;
    to->norms = unit + 1;
    to->units = s->units;
    return 0;
}

/* The network that was found takes less than the one without pooling that keys alone tell. */
static int scale(struct search *s, struct err *e)
{
    struct candidate c = {.given = *s->p->use->assume, .pixels = s->p->pixels};
    struct model *m;
    c.given.reading = s->reading;
    memcpy(c.given.chain, s->from[0].text, sizeof c.given.chain);
    if (trial_open(&m, s->p, &c, true, e) != 0)
        return -1;
    trial_scale(s->p, (double)graph_macs(m->graph));
    model_close(m);
    return 0;
}

int fit_chain(struct trial *p, int reading, int units, struct err *e)
{
    struct search s = {.p = p, .reading = reading, .units = units, .froms = 1};
    const struct assume *given = p->use->assume;
    if (*given->chain) {
        struct assume one = *given;
        one.reading = reading;
        return trial_one(p, &one, &p->pixels, p->name, e);
    }
    for (int unit = 0; unit < units; unit++) {
        if (find_step(&s, unit, e) != 0)
            return -1;
        if (s.tos == 0)
            return 0;
        const int spent = is_spent(&s, unit, e);
        if (spent < 0)
            return -1;
        if (spent || s.to[0].last > STEP_BAD)
            return stop(&s, unit);
    }
    if (s.froms > 0 && scale(&s, e) != 0)
        return -1;
    for (int i = 0; i < s.froms; i++) {
        const int before = p->count;
        if (try_any_end(&s, s.from[i].text, e) != 0 ||
            (p->count > before && p->list[before].fit.norms > units &&
             try_last_sums(&s, s.from[i].text, e) != 0))
            return -1;
    }
    return 0;
}

/* --- labels --- */

/* A text without what is behind the last norm: a sum, pooling, and the end. */
static void strip_end(char to[ASSUME_TEXT], const char *text)
{
    struct chain_unit u = {.close = 0};
    const char *from = text, *last = text, *open = NULL;
    size_t n = 0;
    for (const char *at = text; chain_next(&at, &u) > 0; from = at) {
        last = from;
        open = u.opens ? from : open;
    }
    for (const char *p = text; p < last; p++)
        if (!(u.close && p == open))
            to[n++] = *p;
    to[n++] = u.conv;
    if (u.before)
        to[n++] = 'b';
    if (u.inner)
        to[n++] = u.inner;
    to[n] = '\0';
}

/* All networks that differ from the first behind its last norm alone, in its place. Returns how
 * many there are, or -1. */
static int add_ends(struct trial *p, struct err *e)
{
    struct trial t = *p;
    const struct candidate *first = &p->list[0];
    struct search s = {.p = &t,
                       .reading = first->assumed.reading,
                       .units = chain_units(first->assumed.chain),
                       .act = first->assumed.act};
    char text[ASSUME_TEXT];
    strip_end(text, first->assumed.chain);
    t.list = NULL;
    t.count = 0;
    t.dropout = first->dropout;
    t.pixels = first->pixels;
    t.moved.count = END_IMAGES;
    const int r = try_last_sums(&s, text, e);
    for (int i = 0; i < t.count; i++) {
        t.list[i].name = first->name;
        t.list[i].fit = first->fit;
        t.list[i].odd = first->odd;
    }
    if (r == 0 && t.count > 0) {
        p->list = mem_grow(p->list, (size_t)p->count + (size_t)t.count, sizeof *p->list);
        memmove(p->list + t.count, p->list + 1, (size_t)(p->count - 1) * sizeof *p->list);
        memcpy(p->list, t.list, (size_t)t.count * sizeof *p->list);
        p->count += t.count - 1;
    }
    p->tried = t.tried;
    free(t.list);
    return r != 0 ? -1 : t.count;
}

int fit_chain_ends(struct trial *p, char text[FIT_CHAIN_TEXT], struct err *e)
{
    *text = '\0';
    if (p->count == 0 || !*p->list[0].assumed.chain || *p->use->assume->chain ||
        p->list[0].fit.norms > chain_units(p->list[0].assumed.chain))
        return 0;
    const int same = add_ends(p, e);
    struct labels_verdict v;
    if (same < 2 || !p->images->label || p->classes != p->list[0].classes)
        return same < 0 ? -1 : 0;
    /* These differ behind the last norm, and norms may leave more open. */
    if (labels_judge_rivals(&v, p, same, e) != 0)
        return -1;
    if (v.best < same && labels_tell(&v, p->classes)) {
        snprintf(text, FIT_CHAIN_TEXT,
                 ", and what is behind its last norm by the labels of %lld images: cross entropy "
                 "%.2g, of the next %.2g",
                 (long long)v.count, v.least, v.next);
        labels_take(p, v.best, same);
    }
    return 0;
}
