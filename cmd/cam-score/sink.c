#include "sink.h"

#include "base/mem.h"
#include "faith/order.h"
#include "faith/summary.h"
#include "rows/put.h"
#include "stream/tsv.h"

#include <stdlib.h>

struct sink {
    const struct sink_opts *opts;
    struct out *out;
    struct tsv_out *rows;
    int classes;
    struct summary_table table;
};

static int columns_of(const char *words)
{
    int count = 1;

    for (; *words; words++)
        count += *words == ' ';
    return count;
}

int sink_open(struct sink **out, const struct sink_opts *o, struct err *e)
{
    struct sink *s = mem_zero(1, sizeof *s);

    s->opts = o;
    s->classes = columns_of(o->classes);
    s->table.maps = o->maps;
    s->table.metrics = o->metrics;
    if (out_open(&s->out, "-", e) != 0) {
        free(s);
        return -1;
    }
    char *columns = mem_printf("id map %s", o->classes);
    for (int i = 0; i < o->metrics; i++) {
        char *longer = mem_printf("%s %s", columns, o->metric[i].word);
        free(columns);
        columns = longer;
    }
    s->rows = tsv_begin(s->out, columns);
    free(columns);
    *out = s;
    return 0;
}

int sink_put(struct sink *s, int64_t id, const int *cls, const double *value, struct err *e)
{
    const struct sink_opts *o = s->opts;

    for (int m = 0; m < o->maps; m++) {
        tsv_put_int(s->rows, id);
        tsv_put_string(s->rows, o->map[m]);
        for (int i = 0; i < s->classes; i++)
            put_class(s->rows, cls[i]);
        for (int i = 0; i < o->metrics; i++)
            tsv_put_real(s->rows, value[m * o->metrics + i]);
        if (tsv_end(s->rows, e) != 0)
            return -1;
    }
    if (o->summary)
        summary_add(&s->table, value);
    return 0;
}

static int write_summary(const struct sink *s, struct out *out, struct err *e)
{
    const struct sink_opts *o = s->opts;
    struct summary_row *row = mem_alloc((size_t)o->maps * (size_t)o->metrics, sizeof *row);
    struct tsv_out *t = tsv_begin(out, "map metric better mean low high images difference "
                                       "difference_low difference_high");
    int r = 0;

    summary_make(&s->table, o->baseline, o->resamples,
                 order_state((uint64_t)o->seed, 0, ORDER_SUMMARY), row);
    for (int i = 0; i < o->maps * o->metrics && r == 0; i++) {
        const struct summary_row *v = &row[i];
        const struct sink_metric *m = &o->metric[i % o->metrics];
        tsv_put_string(t, o->map[i / o->metrics]);
        tsv_put_string(t, m->word);
        tsv_put_string(t, m->higher ? "higher" : "lower");
        tsv_put_real(t, v->mean);
        tsv_put_real(t, v->low);
        tsv_put_real(t, v->high);
        tsv_put_int(t, v->images);
        tsv_put_real(t, v->difference);
        tsv_put_real(t, v->difference_low);
        tsv_put_real(t, v->difference_high);
        r = tsv_end(t, e);
    }
    tsv_free(t);
    free(row);
    return r;
}

int sink_close(struct sink *s, struct out *more, struct err *e)
{
    struct out *all[3] = {NULL, NULL, more};

    if (s->opts->summary &&
        (out_open(&all[1], s->opts->summary, e) != 0 || write_summary(s, all[1], e) != 0)) {
        out_abort(all[1]);
        out_abort(more);
        sink_abort(s);
        return -1;
    }
    all[0] = s->out;
    s->out = NULL;
    sink_abort(s);
    return out_close_all(all, 3, e);
}

void sink_abort(struct sink *s)
{
    if (!s)
        return;
    out_abort(s->out);
    tsv_free(s->rows);
    summary_free(&s->table);
    free(s);
}
