/* The findings as a table: a row each, then those of single classes and pairs. */
#include "report.h"

#include "base/io.h"
#include "base/prog.h"
#include "stream/tsv.h"

#include <inttypes.h>
#include <stdio.h>

static void put_count(struct tsv_out *t, int64_t n)
{
    if (n < 0)
        tsv_put_string(t, NULL);
    else
        tsv_put_int(t, n);
}

static void put_examples(struct tsv_out *t, const struct examples *x)
{
    char ids[EXAMPLES * 21 + 1] = "", *at = ids;
    for (int i = 0; i < x->n; i++)
        at += sprintf(at, "%s%" PRId64, i > 0 ? "," : "", x->id[i]);
    tsv_put_string(t, x->n > 0 ? ids : NULL);
}

static void put(struct tsv_out *t, const char *what, int cls, int to, const struct finding *f)
{
    struct err e;
    tsv_put_string(t, what);
    put_count(t, cls);
    put_count(t, to);
    tsv_put_real(t, f->value);
    put_count(t, f->count);
    put_count(t, f->of);
    tsv_put_real(t, f->low);
    tsv_put_real(t, f->high);
    tsv_put_real(t, f->baseline);
    tsv_put_real(t, f->p);
    tsv_put_string(t, finding_verdict(f));
    put_examples(t, &f->examples);
    if (tsv_end(t, &e) != 0)
        prog_fail(&e);
}

static void put_items(struct tsv_out *t, enum finding_id id, const struct found_list *items)
{
    for (int i = 0; i < items->n; i++)
        put(t, finding_name(id), items->at[i].cls, items->at[i].to, &items->at[i].f);
}

void findings_write(const struct findings *f)
{
    struct err e;
    struct out *o;
    if (out_open(&o, "-", &e) != 0)
        prog_fail(&e);
    struct tsv_out *t = tsv_begin(o, "name class to value count of low high baseline p verdict "
                                     "examples");
    for (int i = 0; i < FINDINGS; i++)
        put(t, finding_name((enum finding_id)i), -1, -1, &f->of[i]);
    put_items(t, FIND_CLASS_ORDER, &f->moved);
    put_items(t, FIND_WEAK_CLASSES, &f->weak);
    put_items(t, FIND_ONE_WAY, &f->one_way);
    put_items(t, FIND_OVERPREDICTED, &f->overpredicted);
    put_items(t, FIND_SLICES, &f->slices);
    tsv_free(t);
    if (out_close(o, &e) != 0)
        prog_fail(&e);
}
