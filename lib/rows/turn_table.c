#include "rows/tables.h"

#include "rows/fields.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { ID, MAP, COLUMNS };

/* In what order cells were deleted. */
enum { MARGIN, RANDOM, CENTER, ORDERS };

/* The column of about a quarter of the cells: those of the table are powers of two up to a half. */
static int find_quarter(const struct tsv_in *t, int *cells)
{
    char name[32];
    int col = -1, next;
    *cells = 0;
    for (int n = 1;; n *= 2) {
        snprintf(name, sizeof name, "turned_%d", 2 * n);
        next = tsv_find(t, name);
        if (next < 0 && col >= 0)
            return col;
        snprintf(name, sizeof name, "turned_%d", n);
        col = tsv_find(t, name);
        if (col < 0)
            return -1;
        *cells = n;
    }
}

static int order_of(struct tsv_field f)
{
    static const char *const word[ORDERS] = {"margin", "random", "center"};
    for (int i = 0; i < ORDERS; i++)
        if (tsv_is(f, word[i]))
            return i;
    return -1;
}

static int read_row(struct turned *r, int64_t n[ORDERS], const struct tsv_in *t, const int *col,
                    int quarter, struct err *e)
{
    const int order = order_of(tsv_get(t, col[MAP]));
    int64_t id;
    double turned;
    if (order < 0)
        return 0;
    if (field_whole(t, col[ID], INT64_MAX, &id, e) != 0 ||
        field_probability(t, quarter, &turned, e) != 0)
        return -1;
    n[order]++;
    if (order == RANDOM) {
        r->random += turned;
    } else if (order == CENTER) {
        r->center += turned;
    } else if (turned >= 0.5) {
        r->margin++;
        /* Such tables have no confidences: the first images. */
        examples_add(&r->examples, id, NAN);
    }
    return 0;
}

static int read_rows(struct turned *r, int64_t n[ORDERS], struct tsv_in *t, const int *col,
                     struct err *e)
{
    const int quarter = find_quarter(t, &r->cells);
    int got;
    if (quarter < 0)
        return err_set(e, "%s: expected a column turned_1, found none", tsv_name(t));
    while ((got = tsv_next_shown(t, e)) > 0)
        if (read_row(r, n, t, col, quarter, e) != 0)
            return -1;
    return got;
}

int turned_read(struct turned *r, const char *file, const struct classes *known, struct err *e)
{
    static const char *const need[] = {"id", "map", NULL};
    const int64_t errors = known->total - known->correct;
    struct tsv_in *t;
    int col[COLUMNS];
    int64_t n[ORDERS] = {0};
    *r = (struct turned){.known = false};
    if (!file)
        return 0;
    if (fields_open_at(&t, file, need, col, e) != 0)
        return -1;
    int got = read_rows(r, n, t, col, e);
    tsv_close(t);
    for (int i = 0; got == 0 && i < ORDERS; i++)
        if (n[i] != errors)
            return err_set(e,
                           "%s: expected %" PRId64 " errors in each order of the cells, as in %s, "
                           "found %" PRId64 ": is the table whole and of the same run?",
                           file, errors, known->file, n[i]);
    r->known = got == 0;
    r->errors = errors;
    return got;
}
