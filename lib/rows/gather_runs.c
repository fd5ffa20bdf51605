#include "rows/gather_runs.h"

#include "base/io.h"
#include "base/mem.h"
#include "data/counts.h"
#include "data/shard.h"
#include "stream/run.h"
#include "stream/shards.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* All tables together. */
struct all {
    struct run rows; /* without those that stand for warnings */
    struct counts counts;
    int64_t images;
    int64_t count;         /* of shards, 0 while it is not known */
    const char *counted;   /* the file that says so, NULL: the user */
    struct shards *shards; /* if all have to be there */
    struct own *own;       /* of each table */
    const char *first;     /* the file of the first table */
};

/* The shard of a table; -1: it does not say. */
struct own {
    int64_t index;
    const char *path;
};

static bool is(const struct run_row *row, const char *name)
{
    return strcmp(row->name, name) == 0;
}

static int add_images(struct all *a, const struct run_row *row, const char *path, struct err *e)
{
    char *end = NULL;
    errno = 0;
    const long long n = row->value ? strtoll(row->value, &end, 10) : -1;
    if (n < 0 || errno != 0 || *end != '\0' || n > INT64_MAX - a->images)
        return err_set(e, "%s: row 'images': expected a number of images, found '%s'", path,
                       row->value ? row->value : "NA");
    a->images += n;
    return 0;
}

/* Among values that are separated by semicolons, in the order of their bytes. */
static void add_value(struct run *r, int at, const char *value)
{
    const char *old = r->row[at].value;
    const size_t n = strlen(value);
    for (const char *p = old; *p;) {
        const size_t w = strcspn(p, ";");
        const int order = strncmp(p, value, w > n ? w : n);
        if (order == 0)
            return;
        if (order > 0) {
            run_set(r, at, "%.*s%s; %s", (int)(p - old), old, value, p);
            return;
        }
        p += w;
        p += strspn(p, "; ");
    }
    run_set(r, at, "%s; %s", old, value);
}

/* A row of another table, which stands at `at` of the rows of all. */
static int join(struct all *a, int at, const struct run_row *row, const char *path, struct err *e)
{
    const struct run_row *have = &a->rows.row[at];
    const char *old = have->value, *new = row->value;
    if (at < a->rows.rows && is(have, row->name)) {
        if (is(row, "images") || (!old && !new) || (old && new &&strcmp(old, new) == 0))
            return 0;
        if (old && new &&is(row, "date")) {
            if (strcmp(new, old) > 0)
                run_set(&a->rows, at, "%s", new);
            return 0;
        }
        if (old && new &&is(row, "device")) {
            add_value(&a->rows, at, new);
            return 0;
        }
    }
    return err_set(e, "%s: row %d: expected %s '%s', as in %s, found %s '%s'", path, at + 2,
                   at < a->rows.rows ? have->name : "the end of",
                   at < a->rows.rows && old ? old : "", a->first, row->name, new ? new : "NA");
}

static int see_shard(struct all *a, int file, const struct run_row *row, const char *path,
                     struct err *e)
{
    struct shard s;
    struct err why;
    if (shard_parse(&s, row->value ? row->value : "", &why) != 0)
        return err_set(e, "%s: row 'shard': %s", path, why.msg);
    if (a->count == 0) {
        a->count = s.count;
        a->counted = path;
    }
    if (s.count != a->count)
        return err_set(e, "%s: row 'shard': expected one of %" PRId64 " shards%s%s, found '%s'",
                       path, a->count, a->counted ? ", as in " : "", a->counted ? a->counted : "",
                       row->value);
    a->own[file].index = s.index;
    return shards_see(a->shards, file, s.index, path, e);
}

static int add(struct all *a, const struct run *r, int file, const char *path, struct err *e)
{
    int at = 0;
    for (int i = 0; i < r->rows; i++) {
        const struct run_row *row = &r->row[i];
        struct err why;
        const int counted = counts_take(&a->counts, row, &why);
        if (counted < 0)
            return err_set(e, "%s: %s", path, why.msg);
        if (counted > 0)
            continue;
        if (is(row, "shard")) {
            if (see_shard(a, file, row, path, e) != 0)
                return -1;
            continue;
        }
        if (is(row, "images") && add_images(a, row, path, e) != 0)
            return -1;
        if (file == 0)
            run_put(&a->rows, row->name, row->value ? "%s" : NULL, row->value);
        else if (join(a, at, row, path, e) != 0)
            return -1;
        at++;
    }
    return file == 0 || at == a->rows.rows
               ? 0
               : err_set(e, "%s: expected %d rows beside those of its shard, as in %s, found %d",
                         path, a->rows.rows, a->first, at);
}

static struct run *told; /* gets what put_warning is told */

static void put_warning(const char *text)
{
    run_put(told, "warning", "%s", text);
}

static void put_rows(struct all *a, struct run *to)
{
    const char *data = run_get(&a->rows, "data");
    bool behind = false;
    told = to;
    a->counts.read = a->images;
    for (int i = 0; i <= a->rows.rows; i++) {
        /* cifar-predict puts them before the arithmetic. */
        if (!behind && (i == a->rows.rows || is(&a->rows.row[i], "precision"))) {
            counts_warn(&a->counts, data ? data : "the images", put_warning);
            behind = true;
        }
        if (i == a->rows.rows)
            break;
        const struct run_row *row = &a->rows.row[i];
        if (is(row, "images"))
            run_put(to, row->name, "%" PRId64, a->images);
        else
            run_put(to, row->name, row->value ? "%s" : NULL, row->value);
    }
}

static int write_rows(struct all *a, struct err *e)
{
    struct run to = {.row = NULL};
    struct out *out;
    if (out_open(&out, "-", e) != 0)
        return -1;
    put_rows(a, &to);
    const int r = run_write(&to, out, e);
    run_free(&to);
    if (r == 0)
        return out_close(out, e);
    out_abort(out);
    return -1;
}

static int by_index(const void *a, const void *b)
{
    const struct own *x = a, *y = b;
    return x->index != y->index ? (x->index > y->index) - (x->index < y->index)
                                : strcmp(x->path, y->path);
}

/* Each image counts once. Tables of a predictor that writes no row 'shard' are taken as they
 * are. */
static int check_own(struct all *a, int n, struct err *e)
{
    qsort(a->own, (size_t)n, sizeof *a->own, by_index);
    if (a->own[0].index < 0 && a->own[n - 1].index >= 0)
        return err_set(e, "%s: expected a row 'shard', as %s has, found none", a->own[0].path,
                       a->own[n - 1].path);
    for (int i = 1; i < n; i++)
        if (a->own[i].index >= 0 && a->own[i].index == a->own[i - 1].index)
            return err_set(e,
                           "%s: expected another shard in each file, found shard %" PRId64
                           "/%" PRId64 ", which %s has",
                           a->own[i].path, a->own[i].index, a->count, a->own[i - 1].path);
    return 0;
}

int gather_runs(const char *const *path, int n, int64_t shards, struct err *e)
{
    struct all a = {.count = shards, .shards = shards_new(shards, n), .first = io_name(path[0])};
    int r = 0;
    a.own = mem_alloc((size_t)n, sizeof *a.own);
    for (int i = 0; i < n; i++)
        a.own[i] = (struct own){-1, io_name(path[i])};
    for (int i = 0; i < n && r == 0; i++) {
        struct run one = {.row = NULL};
        r = run_read(&one, path[i], e);
        if (r == 0)
            r = add(&a, &one, i, io_name(path[i]), e);
        run_free(&one);
    }
    if (r == 0)
        r = check_own(&a, n, e);
    if (r == 0)
        r = shards_check(a.shards, e);
    if (r == 0)
        r = write_rows(&a, e);
    run_free(&a.rows);
    counts_free(&a.counts);
    shards_free(a.shards);
    free(a.own);
    return r;
}
