/* The findings as a table: a row each, then those of single classes and pairs. */
#include "findings.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/prog.h"
#include "stream/tsv.h"

#include <math.h>
#include <stdlib.h>

static const char *const name[FINDINGS] = {
    [FIND_ACCURACY] = "accuracy",
    [FIND_CLASS_ORDER] = "class_order",
    [FIND_TOP5] = "top5",
    [FIND_SUPERCLASS] = "superclass",
    [FIND_CLASSES_DIFFER] = "classes_differ",
    [FIND_WEAK_CLASSES] = "weak_classes",
    [FIND_SAME_SUPERCLASS] = "same_superclass",
    [FIND_FEW_PAIRS] = "few_pairs",
    [FIND_ONE_WAY] = "one_way",
    [FIND_OVERPREDICTED] = "overpredicted",
    [FIND_CALIBRATION] = "calibration",
    [FIND_OVERCONFIDENT] = "overconfident",
    [FIND_UNDERCONFIDENT] = "underconfident",
    [FIND_HIGHEST_ERRORS] = "highest_errors",
    [FIND_REJECT_LOW] = "reject_low",
    [FIND_BLANK] = "blank",
    [FIND_BLANK_TRUE] = "blank_true",
    [FIND_PLACES] = "places",
    [FIND_ZERO_TRUE] = "zero_true",
    [FIND_BORDER] = "border",
    [FIND_ENTROPY] = "entropy",
    [FIND_OFF_CENTER] = "off_center",
    [FIND_OVERLAP_HIGH] = "overlap_high",
    [FIND_OVERLAP_LOW] = "overlap_low",
    [FIND_OVERLAP_CONFIDENT] = "overlap_confident",
};

static void put_count(struct tsv_out *t, int64_t n)
{
    if (n < 0)
        tsv_put_string(t, NULL);
    else
        tsv_put_int(t, n);
}

static void put(struct tsv_out *t, const char *what, int cls, int to, const struct finding *f)
{
    static const char *const verdict[] = {
        [VERDICT_NONE] = NULL, [VERDICT_FEW] = "few", [VERDICT_NO] = "no", [VERDICT_YES] = "yes"};
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
    tsv_put_string(t, verdict[f->verdict]);
    if (tsv_end(t, &e) != 0)
        prog_fail(&e);
}

static void put_items(struct tsv_out *t, enum finding_id id, const struct items *items)
{
    for (int i = 0; i < items->n; i++)
        put(t, name[id], items->at[i].cls, items->at[i].to, &items->at[i].f);
}

void findings_write(const struct findings *f)
{
    struct err e;
    struct out *o;
    if (out_open(&o, "-", &e) != 0)
        prog_fail(&e);
    struct tsv_out *t = tsv_begin(o, "name class to value count of low high baseline p verdict");
    for (int i = 0; i < FINDINGS; i++)
        put(t, name[i], -1, -1, &f->of[i]);
    put_items(t, FIND_CLASS_ORDER, &f->moved);
    put_items(t, FIND_WEAK_CLASSES, &f->weak);
    put_items(t, FIND_ONE_WAY, &f->one_way);
    put_items(t, FIND_OVERPREDICTED, &f->overpredicted);
    tsv_free(t);
    if (out_close(o, &e) != 0)
        prog_fail(&e);
}
