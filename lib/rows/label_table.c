#include "rows/tables.h"

#include "base/io.h"
#include "rows/fields.h"

#include <string.h>

enum { ID, TRUE, FLAGGED, REASON, P_FLAGGED, COLUMNS };

struct reading {
    struct label_flags *flags;
    struct classes *known;
    struct skipped *ids;
};

static int read_row(void *to, const struct tsv_in *t, const int *col, struct err *e)
{
    const struct reading *in = to;
    struct label_flags *l = in->flags;
    struct classes *known = in->known;
    struct skipped *ids = in->ids;
    int64_t id, flagged;
    double p;
    int truth;
    if (field_whole(t, col[ID], INT64_MAX, &id, e) != 0 ||
        field_class(t, col[TRUE], &truth, e) != 0 ||
        field_whole(t, col[FLAGGED], 1, &flagged, e) != 0 ||
        field_probability(t, col[P_FLAGGED], &p, e) != 0)
        return -1;
    if (truth >= known->n)
        return tsv_error(t, e, "expected a class of %s, found %d", known->file, truth);
    struct tsv_field reason = tsv_get(t, col[REASON]);
    bool correct = reason.n == strlen("agrees") && memcmp(reason.p, "agrees", reason.n) == 0;
    l->images++;
    l->correct += correct;
    sum_add(&l->expected, p);
    sum_add(&l->squares, p * p);
    if (!flagged)
        return 0;
    l->flagged++;
    l->flagged_correct += correct;
    known->row[truth].flagged++;
    skipped_add(ids, id);
    /* The table is ranked: its first are the most suspicious. */
    if (l->first.n < EXAMPLES)
        l->first.id[l->first.n++] = id;
    return 0;
}

static int check(const struct label_flags *l, const char *name, const struct classes *known,
                 struct err *e)
{
    if (l->images == known->total && l->correct == known->correct)
        return 0;
    return err_set(e,
                   "%s: expected %lld labels, %lld of which the model agrees with, as in %s, found "
                   "%lld and %lld: are both of the same run?",
                   name, (long long)known->total, (long long)known->correct, known->file,
                   (long long)l->images, (long long)l->correct);
}

int label_flags_read(struct label_flags *l, const char *file, struct classes *known,
                     struct skipped *flagged, struct err *e)
{
    static const char *const need[] = {"id", "true", "flagged", "reason", "p_flagged", NULL};
    struct reading in = {l, known, flagged};
    int col[COLUMNS];
    *l = (struct label_flags){.known = false};
    if (!file)
        return 0;
    const int r = fields_each(file, need, col, read_row, &in, e);
    skipped_order(flagged);
    if (r != 0 || check(l, io_name(file), known, e) != 0)
        return -1;
    l->known = true;
    return 0;
}
