#include "facts.h"

#include "base/mem.h"
#include "stats/prediction.h"
#include "stream/tsv.h"

#include <inttypes.h>
#include <stdlib.h>

struct facts {
    struct class_fact class[STATS_CLASSES];
    int pairs, room;
    struct pair_fact *pair;
};

static int need_all(const struct tsv_in *t, const char *const *names, int n, int *col,
                    struct err *e)
{
    for (int i = 0; i < n; i++) {
        col[i] = tsv_need(t, names[i], e);
        if (col[i] < 0)
            return -1;
    }
    return 0;
}

static int load_classes(struct facts *f, struct tsv_in *t, struct err *e)
{
    static const char *const names[] = {"class", "total", "correct", "accuracy"};
    int col[4], r;
    if (need_all(t, names, 4, col, e) != 0)
        return -1;
    int wrong = tsv_find(t, "top_wrong_name"), count = tsv_find(t, "top_wrong_count");
    while ((r = tsv_next(t, e)) > 0) {
        int64_t cls;
        if (tsv_int(t, col[0], 0, STATS_CLASSES - 1, &cls, e) != 0)
            return -1;
        struct class_fact *c = &f->class[cls];
        if (c->known)
            return tsv_error(t, e, "expected each class once, found class %" PRId64 " again", cls);
        c->known = true;
        if (tsv_int(t, col[1], 0, INT64_MAX, &c->total, e) != 0 ||
            tsv_int(t, col[2], 0, c->total, &c->correct, e) != 0 ||
            tsv_real_na(t, col[3], &c->accuracy, e) != 0)
            return -1;
        if (c->accuracy < 0 || c->accuracy > 1)
            return tsv_error(t, e, "column 'accuracy': expected a share from 0 to 1, found %g",
                             c->accuracy);
        if (wrong < 0 || count < 0 || tsv_is_na(t, wrong) || tsv_is_na(t, count))
            continue;
        if (tsv_int(t, count, 0, INT64_MAX, &c->wrong_count, e) != 0)
            return -1;
        c->wrong = tsv_string(t, wrong);
    }
    return r;
}

static int load_pairs(struct facts *f, struct tsv_in *t, struct err *e)
{
    static const char *const names[] = {"true", "pred", "count", "rate", "reverse_count"};
    int col[5], r;
    if (need_all(t, names, 5, col, e) != 0)
        return -1;
    int same = tsv_find(t, "same_group");
    while ((r = tsv_next(t, e)) > 0) {
        struct pair_fact p = {.same = -1};
        if (tsv_int(t, col[0], 0, STATS_CLASSES - 1, &p.truth, e) != 0 ||
            tsv_int(t, col[1], 0, STATS_CLASSES - 1, &p.pred, e) != 0 ||
            tsv_int(t, col[2], 0, INT64_MAX, &p.count, e) != 0 ||
            tsv_real_na(t, col[3], &p.rate, e) != 0 ||
            tsv_int(t, col[4], 0, INT64_MAX, &p.reverse, e) != 0)
            return -1;
        int64_t yes;
        if (same >= 0 && !tsv_is_na(t, same)) {
            if (tsv_int(t, same, 0, 1, &yes, e) != 0)
                return -1;
            p.same = (int)yes;
        }
        if (f->pairs == f->room) {
            f->room = f->room ? 2 * f->room : 64;
            f->pair = mem_grow(f->pair, (size_t)f->room, sizeof *f->pair);
        }
        f->pair[f->pairs++] = p;
    }
    return r;
}

static int load(struct facts *f, const char *path,
                int (*rows)(struct facts *, struct tsv_in *, struct err *), struct err *e)
{
    struct tsv_in *t;
    if (!path)
        return 0;
    if (tsv_open(&t, path, e) != 0)
        return -1;
    int r = rows(f, t, e);
    tsv_close(t);
    return r;
}

int facts_load(struct facts **f, const char *classes, const char *pairs, struct err *e)
{
    *f = mem_zero(1, sizeof **f);
    return load(*f, classes, load_classes, e) != 0 ? -1 : load(*f, pairs, load_pairs, e);
}

void facts_free(struct facts *f)
{
    if (!f)
        return;
    for (int i = 0; i < STATS_CLASSES; i++)
        free(f->class[i].wrong);
    free(f->pair);
    free(f);
}

const struct pair_fact *facts_pair(const struct facts *f, int truth, int pred)
{
    for (int i = 0; i < f->pairs; i++)
        if (f->pair[i].truth == truth && f->pair[i].pred == pred)
            return &f->pair[i];
    return NULL;
}

const struct class_fact *facts_class(const struct facts *f, int cls)
{
    return &f->class[cls];
}
