#include "rows.h"

#include "base/mem.h"
#include "base/prog.h"
#include "stream/tsv.h"

#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum target_kind { TARGET_COLUMN, TARGET_MARGIN, TARGET_CLASS, TARGET_ALL };

struct target {
    enum target_kind kind;
    char *word;
    int cls;   /* of TARGET_CLASS */
    int plane; /* its first */
};

struct rows {
    struct target *target;
    int targets, planes, classes;
    struct tsv_in *in;
    int *column; /* [targets] of TARGET_COLUMN */
    int id, pred, truth, conf, p_true;
};

static struct target target_parse(const char *p, size_t n)
{
    struct target t = {.kind = TARGET_COLUMN, .word = mem_alloc(n + 1, 1)};

    memcpy(t.word, p, n);
    t.word[n] = '\0';
    if (strcmp(t.word, "margin") == 0) {
        t.kind = TARGET_MARGIN;
    } else if (strcmp(t.word, "all") == 0) {
        t.kind = TARGET_ALL;
    } else if (strncmp(t.word, "class:", 6) == 0) {
        const char *digits = t.word + 6;
        size_t length = strlen(digits);
        if (length == 0 || length > 9 || strspn(digits, "0123456789") != length)
            prog_usage("--target: expected a class number after 'class:', found '%s'", t.word);
        t.kind = TARGET_CLASS;
        t.cls = atoi(digits);
    } else if (n == 0) {
        prog_usage("--target: expected words separated by commas, found an empty one");
    }
    return t;
}

struct rows *rows_new(const char *targets)
{
    struct rows *r = mem_zero(1, sizeof *r);

    for (const char *p = targets;; p++) {
        size_t n = strcspn(p, ",");
        r->target = mem_grow(r->target, (size_t)r->targets + 1, sizeof *r->target);
        r->target[r->targets++] = target_parse(p, n);
        p += n;
        if (!*p)
            return r;
    }
}

void rows_close(struct rows *r)
{
    for (int i = 0; i < r->targets; i++)
        free(r->target[i].word);
    free(r->target);
    free(r->column);
    tsv_close(r->in);
    free(r);
}

/* Gives every target its planes. */
static int lay_out(struct rows *r, struct err *e)
{
    for (int i = 0; i < r->targets; i++) {
        struct target *t = &r->target[i];
        int planes = t->kind == TARGET_ALL ? r->classes : 1;
        if (t->kind == TARGET_CLASS && t->cls >= r->classes)
            return err_set(e, "--target: expected a class from 0 to %d, found '%s'", r->classes - 1,
                           t->word);
        t->plane = r->planes;
        if (planes > INT_MAX - r->planes)
            return err_set(e, "--target: expected fewer maps");
        r->planes += planes;
    }
    return 0;
}

int rows_open(struct rows *r, const char *path, int classes, bool confidence, struct err *e)
{
    bool margin = false;

    r->classes = classes;
    if (lay_out(r, e) != 0 || tsv_open(&r->in, path, e) != 0)
        return -1;
    r->id = tsv_need(r->in, "id", e);
    if (r->id < 0)
        return -1;
    r->column = mem_zero((size_t)r->targets, sizeof *r->column);
    for (int i = 0; i < r->targets; i++) {
        margin = margin || r->target[i].kind == TARGET_MARGIN;
        if (r->target[i].kind != TARGET_COLUMN)
            continue;
        r->column[i] = tsv_need(r->in, r->target[i].word, e);
        if (r->column[i] < 0)
            return -1;
    }
    r->pred = r->truth = r->conf = r->p_true = -1;
    if (confidence) {
        r->conf = tsv_find(r->in, "conf");
        r->p_true = tsv_find(r->in, "p_true");
    }
    if (margin || r->conf >= 0)
        r->pred = margin ? tsv_need(r->in, "pred", e) : tsv_find(r->in, "pred");
    if (margin || r->p_true >= 0)
        r->truth = margin ? tsv_need(r->in, "true", e) : tsv_find(r->in, "true");
    return margin && (r->pred < 0 || r->truth < 0) ? -1 : 0;
}

size_t rows_bytes(const struct rows *r)
{
    return sizeof(struct row) + (size_t)r->targets * sizeof(struct aim);
}

/* A class; NA is no class. */
static int read_class(const struct rows *r, int col, int *cls, struct err *e)
{
    int64_t v;

    if (tsv_is_na(r->in, col)) {
        struct tsv_field name = tsv_header(r->in, col);
        return tsv_error(r->in, e,
                         "column '%.*s': expected a class, found NA: leave such rows out, or ask "
                         "for other targets",
                         (int)name.n, name.p);
    }
    if (tsv_int(r->in, col, 0, r->classes - 1, &v, e) != 0)
        return -1;
    *cls = (int)v;
    return 0;
}

/* A class or NA in a column that may be missing (-1). */
static int read_class_na(const struct rows *r, int col, int *cls, struct err *e)
{
    *cls = -1;
    return col < 0 || tsv_is_na(r->in, col) ? 0 : read_class(r, col, cls, e);
}

static int read_probability(const struct rows *r, int col, double *p, struct err *e)
{
    *p = NAN;
    if (col < 0)
        return 0;
    if (tsv_real_na(r->in, col, p, e) != 0)
        return -1;
    if (*p < 0 || *p > 1) {
        struct tsv_field name = tsv_header(r->in, col);
        return tsv_error(r->in, e, "column '%.*s': expected a probability, found %.9g", (int)name.n,
                         name.p, *p);
    }
    return 0;
}

static int read_aim(const struct rows *r, int i, struct aim *aim, struct err *e)
{
    *aim = (struct aim){-1, -1};
    switch (r->target[i].kind) {
    case TARGET_COLUMN:
        return read_class(r, r->column[i], &aim->cls, e);
    case TARGET_MARGIN:
        if (read_class(r, r->pred, &aim->cls, e) != 0)
            return -1;
        return read_class(r, r->truth, &aim->minus, e);
    case TARGET_CLASS:
        aim->cls = r->target[i].cls;
        break;
    case TARGET_ALL:
        break;
    }
    return 0;
}

int rows_next(struct rows *r, struct row *row, struct err *e)
{
    int got = tsv_next(r->in, e);

    if (got <= 0)
        return got;
    row->line = tsv_line(r->in);
    if (tsv_int(r->in, r->id, 0, INT64_MAX, &row->id, e) != 0)
        return -1;
    for (int i = 0; i < r->targets; i++)
        if (read_aim(r, i, &row->aim[i], e) != 0)
            return -1;
    if (read_class_na(r, r->pred, &row->pred, e) != 0 ||
        read_class_na(r, r->truth, &row->truth, e) != 0 ||
        read_probability(r, r->conf, &row->conf, e) != 0 ||
        read_probability(r, r->p_true, &row->p_true, e) != 0)
        return -1;
    return 1;
}

bool rows_ready(const struct rows *r)
{
    return tsv_ready(r->in);
}

int rows_planes(const struct rows *r)
{
    return r->planes;
}

static int target_of(const struct rows *r, int plane)
{
    int i = r->targets - 1;

    while (r->target[i].plane > plane)
        i--;
    return i;
}

const char *rows_word(const struct rows *r, int plane)
{
    return r->target[target_of(r, plane)].word;
}

struct aim rows_aim(const struct rows *r, const struct row *row, int plane)
{
    int i = target_of(r, plane);

    if (r->target[i].kind == TARGET_ALL)
        return (struct aim){plane - r->target[i].plane, -1};
    return row->aim[i];
}

int rows_find(const struct rows *r, const char *word)
{
    for (int i = 0; i < r->targets; i++)
        if (strcmp(r->target[i].word, word) == 0)
            return r->target[i].plane;
    return -1;
}

int rows_error(const struct rows *r, const struct row *row, struct err *e, const char *fmt, ...)
{
    char msg[768];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(msg, sizeof msg, fmt, ap);
    va_end(ap);
    return err_set(e, "%s:%lld: %s", tsv_name(r->in), (long long)row->line, msg);
}
