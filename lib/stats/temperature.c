#include "stats/temperature.h"

#include "base/mem.h"
#include "base/random.h"
#include "stats/sum.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

/* Confidences of one run differ from the softmax of its logits by rounding; a predictor of half
 * precision rounds to 3 digits. */
#define SAME_CONF 2e-3

static const double normal_95 = 1.959963984540054;

/* How the loss of an image, -log p of its label at the inverse temperature b, changes with b. */
struct slope {
    double loss, first, second; /* the loss and its derivatives */
    double conf;                /* probability of the prediction */
};

static struct slope slope_at(const float *z, int classes, const struct prediction *a, double b)
{
    double most = z[0], sum = 0, weighted = 0, squares = 0;
    for (int c = 1; c < classes; c++)
        most = z[c] > most ? z[c] : most;
    for (int c = 0; c < classes; c++) {
        double d = z[c] - most, p = exp(b * d);
        sum += p;
        weighted += p * d;
        squares += p * d * d;
    }
    double mean = weighted / sum, truth = z[a->truth] - most;
    return (struct slope){.loss = log(sum) - b * truth,
                          .first = mean - truth,
                          .second = squares / sum - mean * mean,
                          .conf = exp(b * (z[a->pred] - most)) / sum};
}

int temperature_parse(const char *text, double *value, struct err *e)
{
    char *end;
    *value = strtod(text, &end);
    if (end == text || *end || !(*value >= TEMPERATURE_LEAST && *value <= TEMPERATURE_MOST))
        return err_set(e, "expected a temperature from %g to %g, found '%.60s'", TEMPERATURE_LEAST,
                       TEMPERATURE_MOST, text);
    return 0;
}

int temperature_fold(int64_t id, int folds)
{
    uint64_t state = (uint64_t)id;
    return (int)random_below(random_next(&state), (uint32_t)folds);
}

/* The search for one inverse temperature: Newton's method within a bracket of the minimum. */
struct search {
    double at, low, high;
    double step; /* the last one's size */
    struct sum first, second;
    struct sum squares; /* of the images' first derivatives */
    bool done;
};

static void search_begin(struct search *s, double at)
{
    *s = (struct search){
        .at = at, .low = 1 / TEMPERATURE_MOST, .high = 1 / TEMPERATURE_LEAST, .step = INFINITY};
}

static void search_clear(struct search *s)
{
    s->first = s->second = s->squares = (struct sum){0};
}

static void search_add(struct search *s, const struct slope *at)
{
    sum_add(&s->first, at->first);
    sum_add(&s->second, at->second);
    sum_add(&s->squares, at->first * at->first);
}

/* The loss is convex: its derivative tells on which side the minimum is. */
static void search_step(struct search *s)
{
    double first = sum_value(&s->first), second = sum_value(&s->second), from = s->at;
    if (first > 0)
        s->high = from;
    else
        s->low = from;
    double to = second > 0 ? from - first / second : NAN;
    /* Where Newton's steps leave the bracket or do not shrink, it is halved. */
    if (!(to >= s->low && to <= s->high && fabs(to - from) <= s->step / 2))
        to = sqrt(s->low * s->high);
    s->at = to;
    s->step = fabs(to - from);
    /* Newton's error is the square of the step; the bracket closes on a minimum at a limit. */
    s->done = s->step <= 1e-6 * from;
}

/* At the end of a search: whether there is a minimum inside the limits. */
static bool search_found(const struct search *s)
{
    const double edge = 1e-5;
    return sum_value(&s->second) > 0 && s->at > (1 + edge) / TEMPERATURE_MOST &&
           s->at < (1 - edge) / TEMPERATURE_LEAST;
}

/* The searches of all folds at once, each over the images of the others; or one over all images,
 * where `folds` is 0. */
static int search_run(struct search *s, int folds, const struct temperature_data *d, struct err *e)
{
    int classes = (int)items_item(d->logits)->count, searches = folds > 0 ? folds : 1;
    for (bool done = false; !done;) {
        for (int k = 0; k < searches; k++)
            if (!s[k].done)
                search_clear(&s[k]);
        for (size_t i = 0; i < d->n; i++) {
            const float *z = items_get(d->logits, d->item[i], e);
            if (!z)
                return -1;
            int own = folds > 0 ? temperature_fold(d->image[i].id, folds) : -1;
            for (int k = 0; k < searches; k++) {
                if (k == own || s[k].done)
                    continue;
                struct slope at = slope_at(z, classes, &d->image[i], s[k].at);
                search_add(&s[k], &at);
            }
        }
        done = true;
        for (int k = 0; k < searches; k++) {
            if (!s[k].done)
                search_step(&s[k]);
            done = done && s[k].done;
        }
    }
    return 0;
}

/* The losses now, and whether rows and logits belong together. */
static int check(struct temperature *t, const struct temperature_data *d, struct err *e)
{
    int classes = (int)items_item(d->logits)->count;
    for (size_t i = 0; i < d->n; i++) {
        const struct prediction *a = &d->image[i];
        const float *z = items_get(d->logits, d->item[i], e);
        if (!z)
            return -1;
        int most = a->truth > a->pred ? a->truth : a->pred;
        if (most >= classes)
            return err_set(e, "%s: image %lld: expected logits of at least %d classes, found %d",
                           items_name(d->logits), (long long)a->id, most + 1, classes);
        struct slope at = slope_at(z, classes, a, 1 / d->now);
        if (!(fabs(at.conf - a->conf) <= SAME_CONF))
            return err_set(e,
                           "%s: image %lld: expected the logits of its row, whose confidence is "
                           "%.6g, found a confidence of %.6g at temperature %g: are both of the "
                           "same run?",
                           items_name(d->logits), (long long)a->id, a->conf, at.conf, d->now);
        t->loss[i] = at.loss;
    }
    return 0;
}

static int hold_out(struct temperature *t, const struct search *fold,
                    const struct temperature_data *d, struct err *e)
{
    int classes = (int)items_item(d->logits)->count;
    for (size_t i = 0; i < d->n; i++) {
        const float *z = items_get(d->logits, d->item[i], e);
        if (!z)
            return -1;
        double b = fold[temperature_fold(d->image[i].id, d->folds)].at;
        struct slope at = slope_at(z, classes, &d->image[i], b);
        t->loss_after[i] = at.loss;
        t->conf_after[i] = at.conf < 1 ? at.conf : 1;
    }
    return 0;
}

int temperature_fit(struct temperature *t, const struct temperature_data *d, struct err *e)
{
    t->value = t->low = t->high = NAN;
    for (size_t i = 0; i < d->n; i++)
        t->loss_after[i] = t->conf_after[i] = NAN;
    if (check(t, d, e) != 0)
        return -1;
    struct search all, *fold = mem_alloc((size_t)d->folds, sizeof *fold);
    search_begin(&all, 1 / d->now);
    int r = search_run(&all, 0, d, e);
    bool found = r == 0 && search_found(&all);
    if (found) {
        double spread = normal_95 * sqrt(sum_value(&all.squares)) / sum_value(&all.second);
        t->value = 1 / all.at;
        t->low = 1 / (all.at + spread);
        t->high = all.at > spread ? 1 / (all.at - spread) : NAN;
        for (int k = 0; k < d->folds; k++)
            search_begin(&fold[k], all.at);
        r = search_run(fold, d->folds, d, e);
        for (int k = 0; k < d->folds; k++)
            found = found && search_found(&fold[k]);
    }
    if (r == 0 && found)
        r = hold_out(t, fold, d, e);
    free(fold);
    return r;
}
