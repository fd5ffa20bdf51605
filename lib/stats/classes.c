#include "stats/classes.h"

#include "base/mem.h"
#include "stats/prediction.h"
#include "stats/share.h"

#include <math.h>
#include <stdlib.h>

void classes_free(struct classes *c)
{
    for (int i = 0; i < c->n; i++) {
        struct class_row *r = &c->row[i];
        free(r->name);
        free(r->shown);
        free(r->text);
        free(r->superclass_name);
        free(r->superclass_shown);
        free(r->top_wrong_name);
        free(r->top_wrong_text);
    }
    free(c->row);
}

const struct class_row *classes_find(const struct classes *c, int cls)
{
    return cls >= 0 && cls < c->n && c->row[cls].present ? &c->row[cls] : NULL;
}

int classes_count_superclasses(const struct classes *c)
{
    bool *seen = mem_zero(STATS_CLASSES, sizeof *seen);
    int n = 0;
    for (int i = 0; i < c->n; i++) {
        int g = c->row[i].superclass;
        if (g >= 0 && !seen[g]) {
            seen[g] = true;
            n++;
        }
    }
    free(seen);
    return n;
}

double class_accuracy(const struct class_row *c)
{
    return share_of(c->correct, c->total);
}

double class_over_confidence(const struct class_row *c)
{
    return c->mean_conf - class_accuracy(c);
}

double classes_accuracy(const struct classes *c)
{
    return share_of(c->correct, c->total);
}

void class_interval(const struct class_row *c, double *low, double *high)
{
    share_interval(c->correct, c->total, low, high);
}

enum accuracy_band class_band(const struct class_row *c)
{
    double accuracy = class_accuracy(c);
    return isnan(accuracy)            ? ACCURACY_BAND_NONE
           : accuracy < ACCURACY_MID  ? ACCURACY_BAND_LOW
           : accuracy < ACCURACY_HIGH ? ACCURACY_BAND_MID
                                      : ACCURACY_BAND_HIGH;
}

void classes_count_bands(const struct classes *c, int64_t count[ACCURACY_BANDS])
{
    for (int i = 0; i < ACCURACY_BANDS; i++)
        count[i] = 0;
    for (int i = 0; i < c->n; i++)
        if (c->row[i].present)
            count[class_band(&c->row[i])]++;
}

/* --- orders --- */

struct place {
    int cls;
    double by;
};

/* NaN is behind all. */
static int by_rising(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    if (isnan(x->by) != isnan(y->by))
        return isnan(x->by) ? 1 : -1;
    if (x->by < y->by || x->by > y->by)
        return x->by < y->by ? -1 : 1;
    return (x->cls > y->cls) - (x->cls < y->cls);
}

/* Sorts and frees the places. */
static struct class_list sorted(struct place *place, int n)
{
    struct class_list l = {.n = n, .cls = mem_alloc((size_t)n + 1, sizeof *l.cls), .listed = n};
    qsort(place, (size_t)n, sizeof *place, by_rising);
    for (int i = 0; i < n; i++)
        l.cls[i] = place[i].cls;
    free(place);
    return l;
}

struct class_list classes_ranked(const struct classes *c, enum class_order order)
{
    struct place *place = mem_alloc((size_t)c->n + 1, sizeof *place);
    int n = 0;
    for (int i = 0; i < c->n; i++) {
        if (!c->row[i].present || (c->row[i].total == 0 && order != CLASSES_WITH_EMPTY))
            continue;
        double accuracy = class_accuracy(&c->row[i]);
        place[n++] = (struct place){i, order == CLASSES_BEST_FIRST ? -accuracy : accuracy};
    }
    return sorted(place, n);
}

struct class_list classes_extreme(const struct classes *c, enum class_order order, int most)
{
    struct class_list l = classes_ranked(c, order);
    double whole = classes_accuracy(c);
    for (l.listed = 0; l.listed < l.n && l.listed < most; l.listed++) {
        double a = class_accuracy(&c->row[l.cls[l.listed]]);
        if (order == CLASSES_BEST_FIRST ? a <= whole : a >= whole)
            break;
    }
    if (l.listed == 0)
        return l;
    double last = class_accuracy(&c->row[l.cls[l.listed - 1]]);
    while (l.listed + l.tied < l.n && class_accuracy(&c->row[l.cls[l.listed + l.tied]]) == last)
        l.tied++;
    return l;
}

int64_t class_errors_of(const struct class_row *row, enum class_error kind)
{
    return kind == CLASS_FLAGGED ? row->flagged : row->highest_wrong;
}

struct class_list classes_by_errors(const struct classes *c, enum class_error kind)
{
    struct place *place = mem_alloc((size_t)c->n + 1, sizeof *place);
    int n = 0;
    for (int i = 0; i < c->n; i++) {
        int64_t errors = class_errors_of(&c->row[i], kind);
        if (errors > 1)
            place[n++] = (struct place){i, -(double)errors};
    }
    return sorted(place, n);
}
