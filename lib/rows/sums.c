#include "rows/sums.h"

#include "rows/fields.h"
#include "rows/put.h"
#include "stats/prediction.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A number of all images, of a class or of a bin of confidence. */
enum of { OF_ALL, OF_BIN, OF_CLASS };

struct measure {
    const char *name;
    enum of of;
    bool sum;
    size_t at; /* in struct metrics, or in its bin */
};

#define ALL(name, member, is_sum)                                                                  \
    {                                                                                              \
        name, OF_ALL, is_sum, offsetof(struct metrics, member)                                     \
    }
#define BIN(name, member, is_sum)                                                                  \
    {                                                                                              \
        name, OF_BIN, is_sum, offsetof(struct calibration_bin, member)                             \
    }
static const struct measure measures[] = {
    ALL("with_conf", with_conf, false),
    ALL("with_rank", with_rank, false),
    ALL("with_loss", with_loss, false),
    ALL("with_entropy", with_entropy, false),
    ALL("top5", top5, false),
    ALL("errors_conf_90", errors_conf_90, false),
    ALL("errors_conf_70", errors_conf_70, false),
    ALL("correct_conf_50", correct_conf_50, false),
    ALL("conf_wrong", conf[0], true),
    ALL("conf_correct", conf[1], true),
    ALL("loss", loss, true),
    ALL("entropy", entropy, true),
    BIN("bin_images", images, false),
    BIN("bin_correct", correct, false),
    BIN("bin_conf", conf, true),
    BIN("bin_variance", variance, true),
    {"class_conf", OF_CLASS, true, 0},
};
enum { MEASURES = sizeof measures / sizeof *measures };

/* --- sums as text --- */

const char *sum_write(const struct sum *s, char buf[SUM_TEXT])
{
    struct sum a = *s;
    size_t n = 0;
    int top = SUM_DIGITS - 1;
    sum_carry(&a);
    if (a.digit[top] < 0) {
        for (int i = 0; i < SUM_DIGITS; i++)
            a.digit[i] = -a.digit[i];
        sum_carry(&a);
        buf[n++] = '-';
    }
    while (top > 0 && a.digit[top] == 0)
        top--;
    n += (size_t)snprintf(buf + n, SUM_TEXT - n, "%" PRIx64, a.digit[top]);
    while (--top >= 0)
        n += (size_t)snprintf(buf + n, SUM_TEXT - n, "%08" PRIx64, a.digit[top]);
    if (a.huge != 0)
        snprintf(buf + n, SUM_TEXT - n, ":%.17g", a.huge);
    return buf;
}

static int hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool sum_parse(struct sum *s, struct tsv_field f)
{
    enum { NIBBLES = 8, MOST = NIBBLES * SUM_DIGITS };
    const char *p = f.p, *end = f.p + f.n;
    const bool negative = p < end && *p == '-';
    p += negative;
    const char *colon = memchr(p, ':', (size_t)(end - p)), *to = colon ? colon : end;
    *s = (struct sum){0};
    if (to == p || to - p > MOST)
        return false;
    for (int k = 0; to > p; k++) {
        const int digit = hex(*--to);
        if (digit < 0)
            return false;
        s->digit[k / NIBBLES] |= (int64_t)digit << 4 * (k % NIBBLES);
    }
    /* So that as many as there may be can be added. */
    if (s->digit[SUM_DIGITS - 1] >= INT64_C(1) << 31)
        return false;
    for (int i = 0; negative && i < SUM_DIGITS; i++)
        s->digit[i] = -s->digit[i];
    return !colon || tsv_number((struct tsv_field){colon + 1, (size_t)(end - colon - 1)}, &s->huge);
}

/* --- writing --- */

static void put_key(struct tsv_out *t, const char *measure, int truth, int pred, int bin)
{
    tsv_put_string(t, measure);
    put_class(t, truth);
    put_class(t, pred);
    put_class(t, bin);
}

static int end_row(struct tsv_out *t, struct err *e)
{
    for (int i = 0; i < 4; i++)
        tsv_put_string(t, NULL);
    return tsv_end(t, e);
}

static int put_sum(struct tsv_out *t, const struct sum *s, struct err *e)
{
    char text[SUM_TEXT];
    tsv_put_string(t, sum_write(s, text));
    return end_row(t, e);
}

static int superclass_of(const struct names *names, int cls)
{
    return cls < names->classes ? names->superclass[cls] : -1;
}

static int put_counts(struct tsv_out *t, const struct confusion *m, const struct names *names,
                      struct err *e)
{
    size_t n;
    const struct sparse_entry *entry = confusion_entries(m, &n);
    for (size_t i = 0; i < n; i++) {
        put_key(t, "count", entry[i].row, entry[i].col, -1);
        tsv_put_int(t, entry[i].value);
        put_class_name(t, names, entry[i].row);
        put_class_name(t, names, entry[i].col);
        put_superclass_name(t, names, superclass_of(names, entry[i].row));
        put_superclass_name(t, names, superclass_of(names, entry[i].col));
        if (tsv_end(t, e) != 0)
            return -1;
    }
    return 0;
}

static int put_measure(struct tsv_out *t, const struct measure *m, const void *from, int bin,
                       struct err *e)
{
    const void *at = (const char *)from + m->at;
    put_key(t, m->name, -1, -1, bin);
    if (m->sum)
        return put_sum(t, at, e);
    tsv_put_int(t, *(const int64_t *)at);
    return end_row(t, e);
}

static int put_measures(struct tsv_out *t, const struct confusion *m, struct err *e)
{
    const struct metrics *all = confusion_metrics(m);
    int r = 0;
    for (int i = 0; i < MEASURES && r == 0; i++) {
        const struct measure *x = &measures[i];
        if (x->of == OF_ALL)
            r = put_measure(t, x, all, -1, e);
        for (int k = 0; x->of == OF_BIN && k < CALIBRATION_BINS && r == 0; k++)
            if (all->calibration.bin[k].images > 0)
                r = put_measure(t, x, &all->calibration.bin[k], k, e);
        for (int k = 0; x->of == OF_CLASS && k < confusion_classes(m) && r == 0; k++) {
            const struct sum *s = confusion_conf(m, k);
            if (!s)
                break;
            put_key(t, x->name, k, -1, -1);
            r = put_sum(t, s, e);
        }
    }
    return r;
}

static int put_ids(struct tsv_out *t, const struct ids *ids, struct err *e)
{
    char digest[17];
    snprintf(digest, sizeof digest, "%016" PRIx64, ids->digest);
    put_key(t, "ids", -1, -1, -1);
    tsv_put_string(t, ids->unknown ? NULL : digest);
    if (end_row(t, e) != 0)
        return -1;
    if (ids->unknown || ids->n == 0)
        return 0;
    put_key(t, "id_first", -1, -1, -1);
    tsv_put_int(t, ids->first);
    if (end_row(t, e) != 0)
        return -1;
    put_key(t, "id_last", -1, -1, -1);
    tsv_put_int(t, ids->last);
    return end_row(t, e);
}

int sums_write(const struct confusion *m, const struct names *names, int64_t unlabelled,
               const struct ids *ids, struct out *o, struct err *e)
{
    struct tsv_out *t =
        tsv_begin(o, "measure true pred bin value true_name pred_name true_group pred_group");
    int r = put_counts(t, m, names, e);
    if (r == 0)
        r = put_measures(t, m, e);
    if (r == 0)
        r = put_ids(t, ids, e);
    if (r == 0) {
        put_key(t, "unlabelled", -1, -1, -1);
        tsv_put_int(t, unlabelled);
        r = end_row(t, e);
    }
    tsv_free(t);
    return r;
}

/* --- reading --- */

bool sums_are(const struct tsv_in *t)
{
    return tsv_find(t, "measure") >= 0 && tsv_find(t, "bin") >= 0;
}

int sums_find(struct sums_cols *c, const struct tsv_in *t, struct err *e)
{
    return (c->measure = tsv_need(t, "measure", e)) < 0 ||
                   (c->truth = tsv_need(t, "true", e)) < 0 ||
                   (c->pred = tsv_need(t, "pred", e)) < 0 || (c->bin = tsv_need(t, "bin", e)) < 0 ||
                   (c->value = tsv_need(t, "value", e)) < 0
               ? -1
               : 0;
}

static int add_count(const struct sums_cols *c, const struct tsv_in *t, int64_t *to, struct err *e)
{
    int64_t n;
    if (tsv_int(t, c->value, 0, INT64_MAX, &n, e) != 0)
        return -1;
    if (n > INT64_MAX - *to)
        return tsv_error(t, e, "expected fewer than 2^63 images in all, found more");
    *to += n;
    return 0;
}

static int add_sum(const struct sums_cols *c, const struct tsv_in *t, struct sum *to, struct err *e)
{
    struct sum s;
    if (!sum_parse(&s, tsv_get(t, c->value)))
        return tsv_error(t, e, "column 'value': expected a sum as confmat --sums writes it");
    sum_join(to, &s);
    return 0;
}

static int read_digest(struct sums_cols *c, const struct tsv_in *t, struct err *e)
{
    enum { NIBBLES = 16 };
    const struct tsv_field f = tsv_get(t, c->value);
    c->has_ids = true;
    c->ids.digest = 0;
    if (tsv_is_na(t, c->value)) {
        c->ids.unknown = true;
        return 0;
    }
    bool digits = f.n == NIBBLES;
    for (size_t i = 0; i < f.n && digits; i++) {
        digits = hex(f.p[i]) >= 0;
        c->ids.digest = c->ids.digest << 4 | (uint64_t)hex(f.p[i]);
    }
    return digits ? 0
                  : tsv_error(t, e,
                              "column 'value': expected a digest of ids as confmat --sums "
                              "writes it");
}

int sums_add(struct sums_cols *c, const struct tsv_in *t, int classes, struct confusion *m,
             int64_t *unlabelled, struct err *e)
{
    const struct tsv_field name = tsv_get(t, c->measure);
    if (tsv_is(name, "count")) {
        c->ended = false;
        return 1;
    }
    if (tsv_is(name, "unlabelled")) {
        c->ended = true;
        return add_count(c, t, unlabelled, e);
    }
    c->ended = false;
    if (tsv_is(name, "ids"))
        return read_digest(c, t, e);
    if (tsv_is(name, "id_first"))
        return tsv_int(t, c->value, 0, INT64_MAX, &c->ids.first, e);
    if (tsv_is(name, "id_last"))
        return tsv_int(t, c->value, 0, INT64_MAX, &c->ids.last, e);
    for (int i = 0; i < MEASURES; i++) {
        const struct measure *x = &measures[i];
        int64_t at = 0;
        if (!tsv_is(name, x->name))
            continue;
        if (x->of != OF_ALL &&
            tsv_int(t, x->of == OF_BIN ? c->bin : c->truth, 0,
                    (x->of == OF_BIN ? CALIBRATION_BINS : classes) - 1, &at, e) != 0)
            return -1;
        struct metrics *all = confusion_more(m);
        void *to = x->of == OF_CLASS ? (void *)confusion_more_conf(m, (int)at)
                                     : (char *)(x->of == OF_BIN ? (void *)&all->calibration.bin[at]
                                                                : (void *)all) +
                                           x->at;
        return x->sum ? add_sum(c, t, to, e) : add_count(c, t, to, e);
    }
    return tsv_error(t, e, "column 'measure': expected a measure of confmat --sums, found '%.*s'",
                     name.n > 60 ? 60 : (int)name.n, name.p);
}
