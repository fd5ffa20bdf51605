#include "rows/tables.h"

#include "base/io.h"
#include "rows/fields.h"
#include "stats/calibration.h"

#include <math.h>
#include <string.h>

enum { IMAGES, ERRORS, ECE, TEMPERATURE, ECE_AFTER, ECE_CHANGE, NLL_CHANGE, MEASURES };

static const char *const measure[MEASURES] = {"images",    "errors",     "ece",       "temperature",
                                              "ece_after", "ece_change", "nll_change"};

struct row {
    double value, low, high;
};

static int read_rows(struct tsv_in *t, struct row row[MEASURES], struct err *e)
{
    const int name = tsv_find(t, "measure"), value = tsv_find(t, "value"), low = tsv_find(t, "low"),
              high = tsv_find(t, "high");
    int r;
    while ((r = tsv_next_shown(t, e)) > 0) {
        struct tsv_field f = tsv_get(t, name);
        for (int i = 0; i < MEASURES; i++)
            if (strlen(measure[i]) == f.n && memcmp(measure[i], f.p, f.n) == 0 &&
                (field_real_na(t, value, &row[i].value, e) != 0 ||
                 field_real_na(t, low, &row[i].low, e) != 0 ||
                 field_real_na(t, high, &row[i].high, e) != 0))
                return -1;
    }
    for (int i = IMAGES; i <= ECE && r == 0; i++)
        if (isnan(row[i].value))
            return tsv_error(t, e, "expected a measure '%s', found none", measure[i]);
    return r;
}

static int check(const struct row row[MEASURES], const char *name, const struct classes *known,
                 const struct confidence *confidence, struct err *e)
{
    const double images = (double)known->total, errors = images - (double)known->correct;
    if (row[IMAGES].value != images || row[ERRORS].value != errors)
        return err_set(e,
                       "%s: expected %.0f images and %.0f errors, as in %s, found %.0f and %.0f: "
                       "are both of the same run?",
                       name, images, errors, known->file, row[IMAGES].value, row[ERRORS].value);
    double ece = confidence->known ? calibration_error(&confidence->calibration).ece : NAN;
    if (!isnan(ece) && !(fabs(row[ECE].value - ece) <= 1e-6))
        return err_set(e,
                       "%s: expected an ece of %.9g, as the predictions give, found %.9g: are both "
                       "of the same run?",
                       name, ece, row[ECE].value);
    return 0;
}

int mending_read(struct mending *m, const char *file, const struct classes *known,
                 const struct confidence *confidence, struct err *e)
{
    static const char *const need[] = {"measure", "value", "low", "high", NULL};
    struct row row[MEASURES];
    struct tsv_in *t;
    *m = (struct mending){.known = false};
    if (!file)
        return 0;
    for (int i = 0; i < MEASURES; i++)
        row[i] = (struct row){NAN, NAN, NAN};
    if (fields_open(&t, file, need, e) != 0)
        return -1;
    int r = read_rows(t, row, e);
    tsv_close(t);
    if (r != 0 || check(row, io_name(file), known, confidence, e) != 0)
        return -1;
    *m = (struct mending){.known = !isnan(row[TEMPERATURE].value) && !isnan(row[ECE_AFTER].value),
                          .temperature = row[TEMPERATURE].value,
                          .low = row[TEMPERATURE].low,
                          .high = row[TEMPERATURE].high,
                          .ece_after = row[ECE_AFTER].value,
                          .after_low = row[ECE_AFTER].low,
                          .after_high = row[ECE_AFTER].high,
                          .ece_change_high = row[ECE_CHANGE].high,
                          .nll_change = row[NLL_CHANGE].value};
    return 0;
}
