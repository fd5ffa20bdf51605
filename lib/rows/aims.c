#include "rows/aims.h"

#include "base/mem.h"
#include "base/prog.h"
#include "rows/fields.h"
#include "stream/tsv.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct aims {
    struct targets *targets;
    int classes;
    struct tsv_in *in;
    struct shard shard;
    bool any; /* there was a row */
    int id, pred, truth, conf, p_true;
};

int aims_new(struct aims **out, const char *targets, struct err *e)
{
    struct targets *t;

    if (targets_parse(&t, targets, e) != 0)
        return -1;
    struct aims *r = mem_zero(1, sizeof *r);
    r->targets = t;
    *out = r;
    return 0;
}

void aims_close(struct aims *r)
{
    targets_free(r->targets);
    tsv_close(r->in);
    free(r);
}

int aims_open(struct aims *r, const char *path, int classes, bool confidence, struct err *e)
{
    r->classes = classes;
    if (tsv_open(&r->in, path, e) != 0)
        return -1;
    r->id = tsv_need(r->in, "id", e);
    if (r->id < 0 || targets_open(r->targets, r->in, classes, e) != 0)
        return -1;
    r->pred = r->truth = r->conf = r->p_true = -1;
    if (!confidence)
        return 0;
    r->conf = tsv_find(r->in, "conf");
    r->p_true = tsv_find(r->in, "p_true");
    if (r->conf >= 0)
        r->pred = tsv_find(r->in, "pred");
    if (r->p_true >= 0)
        r->truth = tsv_find(r->in, "true");
    return 0;
}

void aims_shard(struct aims *r, struct shard s)
{
    r->shard = s;
}

size_t aims_bytes(const struct aims *r)
{
    return sizeof(struct aims_row) + (size_t)targets_words(r->targets) * sizeof(struct aim);
}

/* A class or NA in a column that may be missing (-1). */
static int read_class_na(const struct aims *r, int col, int *cls, struct err *e)
{
    *cls = -1;
    return col < 0 || tsv_is_na(r->in, col) ? 0 : target_class(r->in, col, r->classes, cls, e);
}

int aims_next(struct aims *r, struct aims_row *row, struct err *e)
{
    int got;

    do
        if ((got = tsv_next(r->in, e)) <= 0 ||
            tsv_int(r->in, r->id, 0, INT64_MAX, &row->id, e) != 0)
            return got <= 0 ? got : -1;
    while (!shard_has(&r->shard, row->id));
    r->any = true;
    row->line = tsv_line(r->in);
    row->expected = tsv_expected(r->in, row->line - 1);
    if (shard_any(&r->shard))
        row->expected /= r->shard.count;
    if (targets_read(r->targets, r->in, row->aim, e) != 0)
        return -1;
    if (read_class_na(r, r->pred, &row->pred, e) != 0 ||
        read_class_na(r, r->truth, &row->truth, e) != 0 ||
        field_probability_na(r->in, r->conf, &row->conf, e) != 0 ||
        field_probability_na(r->in, r->p_true, &row->p_true, e) != 0)
        return -1;
    return 1;
}

void aims_tell_none(const struct aims *r)
{
    if (!r->any)
        prog_no_rows(tsv_name(r->in), "no maps made");
}

bool aims_ready(const struct aims *r)
{
    return tsv_ready(r->in);
}

int aims_planes(const struct aims *r)
{
    return targets_planes(r->targets);
}

const char *aims_word(const struct aims *r, int plane)
{
    return targets_word(r->targets, plane);
}

int aims_offset(const struct aims *r, int plane)
{
    return targets_offset(r->targets, plane);
}

struct aim aims_aim(const struct aims *r, const struct aims_row *row, int plane)
{
    return targets_aim(r->targets, row->aim, plane);
}

double aims_saturation(const struct aims_row *row, struct aim aim, const double *rest)
{
    if (rest)
        return rest[aim.cls];
    if (aim.cls == row->pred && !isnan(row->conf))
        return 1 - row->conf;
    return aim.cls == row->truth ? 1 - row->p_true : NAN;
}

int aims_find(const struct aims *r, const char *word)
{
    return targets_find(r->targets, word);
}

void aims_record(const struct aims *r, const struct aims_row *row, struct err *e, const char *fmt,
                 ...)
{
    char msg[768];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(msg, sizeof msg, fmt, ap);
    va_end(ap);
    err_record(e, "%s:%lld: %s", tsv_name(r->in), (long long)row->line, msg);
}
