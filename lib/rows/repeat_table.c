#include "rows/tables.h"

#include "base/io.h"
#include "rows/fields.h"

#include <math.h>
#include <string.h>

enum {
    ACCURACY,
    INSIDE,
    NEAR_INSIDE,
    WITHOUT_INSIDE,
    LABELS_INSIDE,
    AGAINST,
    NEAR_AGAINST,
    WITHOUT_AGAINST,
    MEASURES
};

static const char *const measure[MEASURES] = {"accuracy",
                                              "duplicates_inside",
                                              "near_inside",
                                              "accuracy_without_inside",
                                              "different_labels_inside",
                                              "duplicates_against",
                                              "near_against",
                                              "accuracy_without_against"};

static int read_rows(struct tsv_in *t, struct repeat_share share[MEASURES], struct err *e)
{
    const int name = tsv_find(t, "name"), count = tsv_find(t, "count"), of = tsv_find(t, "of");
    int r;
    while ((r = tsv_next_shown(t, e)) > 0) {
        struct tsv_field f = tsv_get(t, name);
        for (int i = 0; i < MEASURES; i++) {
            if (strlen(measure[i]) != f.n || memcmp(measure[i], f.p, f.n) != 0)
                continue;
            if (field_whole(t, of, FIELD_COUNT_MAX, &share[i].of, e) != 0 ||
                field_whole(t, count, share[i].of, &share[i].count, e) != 0)
                return -1;
            share[i].known = true;
        }
    }
    return r;
}

int repeats_read(struct repeats *d, const char *file, const struct classes *known, struct err *e)
{
    static const char *const need[] = {"name", "count", "of", NULL};
    struct repeat_share share[MEASURES] = {{.known = false}};
    struct tsv_in *t;
    *d = (struct repeats){.known = false};
    if (!file)
        return 0;
    if (fields_open(&t, file, need, e) != 0)
        return -1;
    int r = read_rows(t, share, e);
    tsv_close(t);
    if (r != 0)
        return -1;
    if (!share[ACCURACY].known || share[ACCURACY].of != known->total ||
        share[ACCURACY].count != known->correct)
        return err_set(
            e,
            "%s: expected an accuracy of %lld of %lld, as in %s, found %lld of %lld: are "
            "both of the same run?",
            io_name(file), (long long)known->correct, (long long)known->total, known->file,
            (long long)share[ACCURACY].count, (long long)share[ACCURACY].of);
    *d = (struct repeats){.known = true,
                          .inside = share[INSIDE],
                          .labels = share[LABELS_INSIDE],
                          .against = share[AGAINST],
                          .near_inside = share[NEAR_INSIDE],
                          .near_against = share[NEAR_AGAINST],
                          .without_inside = share[WITHOUT_INSIDE],
                          .without_against = share[WITHOUT_AGAINST]};
    return 0;
}
