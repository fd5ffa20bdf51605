#include "stats/labels.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>

/* Cleanlab's: a threshold is reached where it is missed by less, and none is lower than twice
 * that. */
static const double NEARLY = 1e-6;

const char *labels_reason_word(enum labels_reason r)
{
    static const char *const words[] = {"agrees", "likelier", "confident"};

    return words[r];
}

void labels_open(struct labels *l, int classes, enum labels_method method, double temperature)
{
    const size_t n = (size_t)classes;

    *l = (struct labels){.classes = classes, .method = method, .temperature = temperature};
    l->usual = mem_zero(n, sizeof *l->usual);
    l->count = mem_zero(n, sizeof *l->count);
    l->p = mem_alloc(n, sizeof *l->p);
}

void labels_close(struct labels *l)
{
    free(l->label);
    free(l->usual);
    free(l->count);
    free(l->p);
}

/* Probabilities into l->p; returns the most probable class but `without`. */
static int probabilities(const struct labels *l, const float *logits, double temperature,
                         int without)
{
    double most = logits[0], sum = 0;
    int best = -1;

    for (int k = 0; k < l->classes; k++) {
        most = logits[k] > most ? logits[k] : most;
        if (k != without && (best < 0 || logits[k] > logits[best]))
            best = k;
    }
    for (int k = 0; k < l->classes; k++)
        sum += l->p[k] = exp((logits[k] - most) / temperature);
    for (int k = 0; k < l->classes; k++)
        l->p[k] /= sum;
    return best;
}

static void judge(const struct labels *l, struct label *a, const float *logits, int views)
{
    a->views = views;
    a->suggested = probabilities(l, logits, 1, a->given);
    a->p_given = l->p[a->given];
    a->p_suggested = l->p[a->suggested];
    if (l->method == LABELS_SOFT_MARGIN)
        probabilities(l, logits, l->temperature, a->given);
    if (l->method == LABELS_SOFT_MARGIN || l->method == LABELS_MARGIN)
        a->score = (1 - l->p[a->given] + l->p[a->suggested]) / 2;
    else
        a->score = 1 - a->p_given;
}

void labels_add(struct labels *l, int64_t id, int given, const float *logits)
{
    struct label a = {.id = id, .given = given};

    judge(l, &a, logits, 1);
    l->usual[given] += a.p_given;
    l->count[given]++;
    l->label = mem_extend(l->label, (size_t)l->n, (size_t)l->n + 1, sizeof *l->label);
    l->label[l->n++] = a;
}

void labels_settle(struct labels *l)
{
    for (int k = 0; k < l->classes; k++)
        l->usual[k] = l->count[k] ? fmax(l->usual[k] / (double)l->count[k], 2 * NEARLY) : 2;
}

void labels_flag(struct labels *l, int64_t i, const float *logits)
{
    struct label *a = &l->label[i];
    int best = probabilities(l, logits, 1, -1), confident = 0, first = -1;

    for (int k = 0; k < l->classes; k++)
        if (l->p[k] >= l->usual[k] - NEARLY) {
            confident++;
            first = first < 0 ? k : first;
        }
    int guess = confident > 1 ? best : first;
    a->flagged = guess >= 0 && guess != a->given && best != a->given;
    /* Any label but the guess and the prediction would be. */
    a->p_flagged = guess < 0 ? 0 : fmax(0, 1 - l->p[best] - (guess == best ? 0 : l->p[guess]));
    a->reason = a->flagged ? LABELS_CONFIDENT : best == a->given ? LABELS_AGREES : LABELS_LIKELIER;
    l->flagged += a->flagged;
}

static struct labels_share share_of(int64_t correct, int64_t images)
{
    return (struct labels_share){correct, images,
                                 images > 0 ? (double)correct / (double)images : NAN};
}

void labels_accuracy(const struct labels *l, struct labels_share *all, struct labels_share *rest,
                     struct labels_share *flagged)
{
    int64_t correct = 0, kept = 0;
    for (int64_t i = 0; i < l->n; i++) {
        bool agrees = l->label[i].reason == LABELS_AGREES;
        correct += agrees;
        kept += agrees && !l->label[i].flagged;
    }
    *all = share_of(correct, l->n);
    *rest = share_of(kept, l->n - l->flagged);
    *flagged = share_of(l->flagged, l->n);
}

static int by_score(const void *a, const void *b)
{
    const struct label *x = a, *y = b;

    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

static int by_flag(const void *a, const void *b)
{
    const struct label *x = a, *y = b;

    return x->flagged != y->flagged ? y->flagged - x->flagged : by_score(a, b);
}

void labels_rank(struct labels *l)
{
    if (l->n > 0)
        qsort(l->label, (size_t)l->n, sizeof *l->label,
              l->method == LABELS_LEARNING ? by_flag : by_score);
}

void labels_see(struct labels *l, int64_t i, const float *logits, int views)
{
    judge(l, &l->label[i], logits, views);
}
