#include "stats/confidence.h"

#include "base/mem.h"
#include "base/random.h"
#include "stats/sparse.h"

#include <stdlib.h>

/* The pair's row, or NULL. */
static struct pair_row *pair_of(const struct confidence *a, int truth, int pred)
{
    int64_t at = sparse_get(a->index, truth, pred);
    return at > 0 ? &a->pairs->row[at - 1] : NULL;
}

static void keep_examples(struct pair_row *p)
{
    if (p && !p->examples)
        p->examples = mem_zero(1, sizeof *p->examples);
}

void confidence_begin(struct confidence *a, struct classes *c, struct pairs *p, bool ids)
{
    *a = (struct confidence){
        .known = true, .highest_flagged = -1, .ids = ids, .classes = c, .pairs = p};
    /* There is room for all. */
    struct err none;
    a->index = sparse_new(p->n);
    for (size_t i = 0; i < p->n; i++)
        *sparse_at(a->index, p->row[i].truth, p->row[i].pred, &none) = (int64_t)i + 1;
    bool *seen = mem_zero((size_t)c->n + 1, sizeof *seen);
    for (size_t i = 0; i < p->n && ids; i++) {
        struct pair_row *row = &p->row[i];
        if (i < PAIRS_TOP || !seen[row->truth])
            keep_examples(row);
        if (i < PAIRS_TOP)
            keep_examples(pair_of(a, row->pred, row->truth));
        seen[row->truth] = true;
    }
    free(seen);
}

/* Which half of the images an id is in: a bit that neighbours, and ids of one class in data
 * that are ordered by class, do not share. */
static bool in_first_half(uint64_t id)
{
    return random_next(&id) & 1;
}

bool confidence_highest_error(const struct prediction *row)
{
    return row->truth != row->pred && band_of(row->conf) == BAND_HIGHEST;
}

static void add_examples(struct confidence *a, struct pair_row *pair, const struct prediction *row)
{
    struct class_row *truth = &a->classes->row[row->truth], *pred = &a->classes->row[row->pred];
    examples_add(&truth->errors, row->id, row->conf);
    examples_add(&pred->wrongly, row->id, row->conf);
    if (pair && pair->examples)
        examples_add(pair->examples, row->id, row->conf);
    if (truth->superclass >= 0 && truth->superclass == pred->superclass)
        examples_add(&a->same_superclass, row->id, row->conf);
    if (confidence_highest_error(row))
        examples_add(&a->highest_errors, row->id, row->conf);
}

void confidence_add(struct confidence *a, const struct prediction *row)
{
    struct class_row *truth = &a->classes->row[row->truth];
    enum band band = band_of(row->conf);
    bool correct = row->truth == row->pred;
    a->images++;
    a->correct_all += correct;
    (correct ? a->correct : a->wrong)[band]++;
    calibration_add(&a->calibration, row->conf, correct);
    sum_add(&a->conf[correct], row->conf);
    if (band == BAND_HIGHEST)
        sum_add(&a->highest_doubt, 1 - row->conf);
    truth->low_correct += correct && band == BAND_LOW;
    truth->highest_wrong += confidence_highest_error(row);
    if (correct)
        return;
    struct pair_row *pair = pair_of(a, row->truth, row->pred);
    a->strange += !pair;
    if (pair && in_first_half((uint64_t)row->id))
        pair->first_half++;
    if (a->ids)
        add_examples(a, pair, row);
}

void confidence_end(struct confidence *a)
{
    double n = (double)a->images, correct = (double)a->correct_all;
    struct sum all = a->conf[0];
    a->mean_correct = sum_value(&a->conf[1]) / correct;
    a->mean_wrong = sum_value(&a->conf[0]) / (n - correct);
    sum_join(&all, &a->conf[1]);
    a->mean = sum_value(&all) / n;
    sparse_free(a->index);
    a->index = NULL;
}
