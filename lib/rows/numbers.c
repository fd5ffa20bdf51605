#include "rows/numbers.h"

#include "base/mem.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Never taken unless wanted: what image it is, its classes, and of rows of predictions what
 * cifar-predict computes from the logits, which goes with errors anyway. */
static const char named[] = "id,true,pred,correct,true_group,pred_group";
static const char computed[] = "conf,p_true,rank_true,margin,entropy,loss,pred2,conf2,pred3,conf3,"
                               "pred4,conf4,pred5,conf5,views_agree,views_conf_min";

/* Whether a list separated by commas holds a word. */
static bool holds(const char *list, struct tsv_field f)
{
    for (const char *p = list;; p++) {
        size_t n = strcspn(p, ",");
        if (n == f.n && memcmp(p, f.p, n) == 0)
            return true;
        p += n;
        if (!*p)
            return false;
    }
}

static void drop(struct number_column *c)
{
    free(c->name);
    free(c->table);
    free(c->value);
}

/* Makes room for a column of another table: 0 where there is one already that stays. */
static bool make_way(struct numbers *s, struct tsv_field name, size_t columns, const char **table)
{
    for (size_t i = 0; i < columns; i++) {
        struct number_column *c = &s->column[i];
        if (!c->name || !tsv_is(name, c->name))
            continue;
        *table = c->table;
        if (!c->of_rows)
            return false;
        free(c->name);
        c->name = NULL;
    }
    return true;
}

int numbers_table(struct numbers *s, const struct tsv_in *t, bool rows, struct err *e)
{
    const size_t before = s->n;
    const char *other;
    for (int at = 0; at < tsv_columns(t); at++) {
        struct tsv_field f = tsv_header(t, at);
        if (s->wanted ? !holds(s->wanted, f) : holds(named, f) || (rows && holds(computed, f)))
            continue;
        if (!make_way(s, f, before, &other))
            return err_set(e, "%s:1: expected other columns than %s has, found '%.*s'", tsv_name(t),
                           other, (int)(f.n > 60 ? 60 : f.n), f.p);
        s->column = mem_extend(s->column, s->n, s->n + 1, sizeof *s->column);
        s->column[s->n++] = (struct number_column){.name = mem_printf("%.*s", (int)f.n, f.p),
                                                   .table = mem_dup(tsv_name(t)),
                                                   .of_rows = rows,
                                                   .at = at};
    }
    return 0;
}

static void set(struct number_column *c, size_t i, double value)
{
    if (i >= c->room) {
        size_t room = i < 512 ? 1024 : 2 * i;
        c->value = mem_grow(c->value, room, sizeof *c->value);
        while (c->room < room)
            c->value[c->room++] = NAN;
    }
    c->value[i] = value;
}

int numbers_row(struct numbers *s, const struct tsv_in *t, size_t i, struct err *e)
{
    for (size_t k = 0; k < s->n; k++) {
        struct number_column *c = &s->column[k];
        double value = NAN;
        if (c->at < 0 || tsv_is_na(t, c->at))
            continue;
        if (s->wanted ? tsv_real(t, c->at, &value, e) != 0
                      : !tsv_number(tsv_get(t, c->at), &value)) {
            if (s->wanted)
                return -1;
            /* Words: the column is dropped at the end of the table. */
            free(c->name);
            c->name = NULL;
            c->at = -1;
            continue;
        }
        set(c, i, value);
    }
    return 0;
}

void numbers_end(struct numbers *s)
{
    size_t left = 0;
    for (size_t k = 0; k < s->n; k++) {
        s->column[k].at = -1;
        if (s->column[k].name)
            s->column[left++] = s->column[k];
        else
            drop(&s->column[k]);
    }
    s->n = left;
}

/* --- joining --- */

struct place {
    int64_t id;
    size_t image;
    bool taken;
};

static int by_id(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

static int join_rows(struct numbers *s, struct tsv_in *t, struct place *place, size_t n,
                     struct err *e)
{
    int col = tsv_need(t, "id", e), got;
    int64_t rows = 0, found = 0;
    if (col < 0 || numbers_table(s, t, false, e) != 0)
        return -1;
    while ((got = tsv_next(t, e)) > 0) {
        struct place key = {.id = 0};
        if (tsv_int(t, col, 0, INT64_MAX, &key.id, e) != 0)
            return -1;
        rows++;
        struct place *at = n > 0 ? bsearch(&key, place, n, sizeof *place, by_id) : NULL;
        if (!at)
            continue;
        if (at->taken)
            return tsv_error(t, e, "expected each id once, found %" PRId64 " again", key.id);
        at->taken = true;
        found++;
        if (numbers_row(s, t, at->image, e) != 0)
            return -1;
    }
    if (got == 0 && rows > 0 && found == 0 && n > 0)
        return err_set(e,
                       "%s: expected ids of the predictions, found none of %zu in %" PRId64 " rows",
                       tsv_name(t), n, rows);
    return got;
}

int numbers_join(struct numbers *s, const char *path, const int64_t *id, size_t n, struct err *e)
{
    struct tsv_in *t;
    if (tsv_open(&t, path, e) != 0)
        return -1;
    struct place *place = mem_alloc(n + 1, sizeof *place);
    for (size_t i = 0; i < n; i++)
        place[i] = (struct place){.id = id[i], .image = i};
    qsort(place, n, sizeof *place, by_id);
    int r = join_rows(s, t, place, n, e);
    numbers_end(s);
    free(place);
    tsv_close(t);
    return r;
}

/* --- the end --- */

static bool found(const struct numbers *s, struct tsv_field name)
{
    for (size_t k = 0; k < s->n; k++)
        if (tsv_is(name, s->column[k].name))
            return true;
    return false;
}

int numbers_done(struct numbers *s, size_t n, struct err *e)
{
    for (const char *p = s->wanted; p; p = *p ? p + 1 : NULL) {
        struct tsv_field name = {p, strcspn(p, ",")};
        if (!found(s, name))
            return err_set(e, "expected a column '%.*s' in some table, found none",
                           (int)(name.n > 60 ? 60 : name.n), p);
        p += name.n;
    }
    for (size_t k = 0; k < s->n && n > 0; k++)
        if (s->column[k].room < n)
            set(&s->column[k], n - 1, NAN);
    return 0;
}

void numbers_free(struct numbers *s)
{
    for (size_t k = 0; k < s->n; k++)
        drop(&s->column[k]);
    free(s->column);
}
