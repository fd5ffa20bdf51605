#include "pieces/placing.h"

#include "base/mem.h"
#include "rows/predictions.h"
#include "stream/tsv.h"

#include <stdlib.h>
#include <string.h>

/* An image that is shown first, and when. */
struct chosen {
    int64_t id;
    int32_t when;
};

struct chosen_list {
    struct chosen *at;
    size_t n;
};

static int by_id(const void *a, const void *b)
{
    const struct chosen *x = a, *y = b;
    if (x->id != y->id)
        return x->id < y->id ? -1 : 1;
    return (x->when > y->when) - (x->when < y->when);
}

static int read_chosen(struct chosen_list *l, const char *file, struct err *e)
{
    struct tsv_in *t;
    if (!file)
        return 0;
    if (tsv_open(&t, file, e) != 0)
        return -1;
    int id = tsv_need(t, "id", e), r = id < 0 ? -1 : 1;
    while (r > 0 && (r = tsv_next(t, e)) > 0) {
        l->at = mem_extend(l->at, l->n, l->n + 1, sizeof *l->at);
        l->at[l->n].when = (int32_t)l->n;
        if (tsv_int(t, id, 0, INT64_MAX, &l->at[l->n].id, e) != 0)
            r = -1;
        else
            l->n++;
    }
    tsv_close(t);
    return r;
}

/* When an image is shown, or -1. */
static int32_t find_chosen(const struct chosen_list *l, int64_t id)
{
    size_t low = 0, high = l->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (l->at[mid].id < id)
            low = mid + 1;
        else
            high = mid;
    }
    return low < l->n && l->at[low].id == id ? l->at[low].when : -1;
}

/* --- order --- */

/* Rows that go together, in the order of the groups: a chosen image, a class, no label. */
static int32_t group_of(const struct chosen_list *l, int32_t when, int truth)
{
    return when >= 0 ? when : (int32_t)l->n + (truth < 0 ? STATS_CLASSES : truth);
}

/* From the groups of the rows in p->slot to their slots, those of a group in the order of rows. */
static void store(struct placing *p, const struct chosen_list *l)
{
    size_t n = (size_t)p->n, groups = l->n + STATS_CLASSES + 1;
    int64_t *next = mem_zero(groups + 1, sizeof *next);
    p->id = mem_grow(p->id, n + 1, sizeof *p->id);
    p->slot = mem_grow(p->slot, n + 1, sizeof *p->slot);
    p->stored = mem_alloc(n + 1, sizeof *p->stored);
    for (size_t r = 0; r < n; r++)
        next[p->slot[r] + 1]++;
    for (size_t g = 0; g < groups; g++)
        next[g + 1] += next[g];
    p->first = next[l->n];
    for (size_t r = 0; r < n; r++) {
        p->slot[r] = (int32_t)next[p->slot[r]]++;
        p->stored[p->slot[r]] = p->id[r];
    }
    free(next);
}

struct names_at {
    int true_name, true_group, pred_name, pred_group;
};

static int learn(struct naming *naming, const struct tsv_in *t, const struct names_at *at,
                 const struct prediction *a, struct err *e)
{
    if (a->truth >= 0 && naming_learn(naming, t, a->truth, at->true_name, at->true_group, e) != 0)
        return -1;
    return naming_learn(naming, t, a->pred, at->pred_name, at->pred_group, e);
}

static int read_rows(struct placing *p, struct tsv_in *t, const struct chosen_list *chosen,
                     bool only, struct naming *naming, struct err *e)
{
    struct prediction_cols cols = {.classes = STATS_CLASSES, .all = true};
    const unsigned need = 1u << PREDICTION_ID | 1u << PREDICTION_PRED;
    const struct names_at at = {tsv_find(t, "true_name"), tsv_find(t, "true_group"),
                                tsv_find(t, "pred_name"), tsv_find(t, "pred_group")};
    struct prediction a;
    int r;
    if (prediction_find(&cols, t, need, 1u << PREDICTION_TRUE, e) != 0)
        return -1;
    while ((r = prediction_next(&cols, t, &a, e)) > 0) {
        int most = a.truth > a.pred ? a.truth : a.pred;
        p->classes = most >= p->classes ? most + 1 : p->classes;
        p->labelled += a.truth >= 0;
        if (learn(naming, t, &at, &a, e) != 0)
            return -1;
        int32_t when = find_chosen(chosen, a.id);
        if (only && when < 0)
            continue;
        if (p->n == INT32_MAX)
            return tsv_error(t, e, "expected at most %d rows, found more", INT32_MAX);
        size_t rows = (size_t)p->n;
        p->id = mem_extend(p->id, rows, rows + 1, sizeof *p->id);
        p->slot = mem_extend(p->slot, rows, rows + 1, sizeof *p->slot);
        p->id[p->n] = a.id;
        p->slot[p->n++] = group_of(chosen, when, a.truth);
    }
    return r;
}

int placing_read(struct placing *p, const char *predictions, const char *const *chosen, int n,
                 bool only, struct naming *naming, struct err *e)
{
    struct chosen_list list = {0};
    struct tsv_in *t = NULL;
    int r = 0;
    *p = (struct placing){0};
    for (int i = 0; r == 0 && i < n; i++)
        r = read_chosen(&list, chosen[i], e);
    if (list.n > 0)
        qsort(list.at, list.n, sizeof *list.at, by_id);
    if (r == 0)
        r = tsv_open(&t, predictions, e);
    if (r == 0) {
        r = read_rows(p, t, &list, only, naming, e);
        tsv_close(t);
    }
    if (r == 0)
        store(p, &list);
    free(list.at);
    return r;
}

void placing_cut(struct placing *p, int64_t slots)
{
    int64_t kept = 0;
    for (int64_t r = 0; r < p->n; r++) {
        if (p->slot[r] >= slots)
            continue;
        p->id[kept] = p->id[r];
        p->slot[kept++] = p->slot[r];
    }
    p->n = kept;
    p->first = p->first < slots ? p->first : slots;
}

static int rising(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

int64_t *placing_ids(const struct placing *p)
{
    int64_t *id = mem_alloc((size_t)p->n + 1, sizeof *id);
    if (p->n > 0) {
        memcpy(id, p->id, (size_t)p->n * sizeof *id);
        qsort(id, (size_t)p->n, sizeof *id, rising);
    }
    return id;
}

void placing_free(struct placing *p)
{
    free(p->id);
    free(p->stored);
    free(p->slot);
    *p = (struct placing){0};
}
