#include "maps.h"

#include "rows.h"

#include "base/prog.h"
#include "stats/prediction.h"
#include "stream/tsv.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { TARGET_TRUE, TARGET_PRED, TARGETS };

enum col {
    COL_ID,
    COL_TARGET,
    COL_CLASS,
    COL_ZERO,
    COL_BLANK,
    COL_SATURATION,
    COL_ENTROPY,
    COL_X,
    COL_Y,
    COL_BORDER,
    COL_OVERLAP,
    COLS
};

static const char *const column[COLS] = {
    [COL_ID] = "id",           [COL_TARGET] = "target",
    [COL_CLASS] = "class",     [COL_ZERO] = "zero_share",
    [COL_BLANK] = "blank",     [COL_SATURATION] = "saturation",
    [COL_ENTROPY] = "entropy", [COL_X] = "center_x",
    [COL_Y] = "center_y",      [COL_BORDER] = "border_share",
    [COL_OVERLAP] = "overlap",
};

struct map_row {
    bool present;
    int64_t cls, blank;
    double stat[COLS]; /* those that are shares; NaN where NA */
};

struct image {
    int64_t id, line;
    struct map_row row[TARGETS];
};

static double share(const struct tsv_in *t, int col)
{
    struct err e;
    double v;
    if (tsv_real_na(t, col, &v, &e) != 0)
        prog_fail(&e);
    if (v < -1e-6 || v > 1 + 1e-6) {
        struct tsv_field name = tsv_header(t, col), f = tsv_get(t, col);
        tsv_record(t, &e, "column '%.*s': expected a number from 0 to 1, found '%.*s'", (int)name.n,
                   name.p, (int)f.n, f.p);
        prog_fail(&e);
    }
    return v;
}

static int target_of(struct tsv_field f)
{
    if (f.n == 4 && memcmp(f.p, "true", 4) == 0)
        return TARGET_TRUE;
    if (f.n == 4 && memcmp(f.p, "pred", 4) == 0)
        return TARGET_PRED;
    return -1;
}

static void row_add(struct image *image, const struct tsv_in *t, const int *col)
{
    int target = target_of(tsv_get(t, col[COL_TARGET]));
    if (target < 0)
        return;
    struct map_row *r = &image->row[target];
    if (r->present) {
        struct err e;
        tsv_record(t, &e, "expected one map of each target for image %" PRId64 ", found two of %s",
                   image->id, target == TARGET_TRUE ? "true" : "pred");
        prog_fail(&e);
    }
    r->present = true;
    r->cls = rows_whole(t, col[COL_CLASS], STATS_CLASSES - 1);
    r->blank = rows_whole(t, col[COL_BLANK], 1);
    static const enum col shares[] = {COL_ZERO, COL_SATURATION, COL_ENTROPY, COL_X,
                                      COL_Y,    COL_BORDER,     COL_OVERLAP};
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++)
        r->stat[shares[i]] = share(t, col[shares[i]]);
}

/* A blank map is zero in all cells, whether the table counts them or not. */
static bool mostly_zero(const struct map_row *row)
{
    return row->blank || row->stat[COL_ZERO] > 0.5;
}

static void image_wrong(struct maps *m, const struct image *image)
{
    const struct map_row *truth = &image->row[TARGET_TRUE], *pred = &image->row[TARGET_PRED];
    m->true_blank += truth->blank;
    if (!isnan(truth->stat[COL_ZERO])) {
        m->true_measured++;
        m->true_zero += mostly_zero(truth);
    }
    double overlap = truth->stat[COL_OVERLAP];
    if (isnan(overlap))
        return;
    spread_add(&m->overlap, overlap);
    m->overlap_high += overlap > 0.5;
    m->overlap_low += overlap < 0.2;
    /* The saturation of a map is one less the probability of its class. */
    double doubt = pred->stat[COL_SATURATION];
    if (!isnan(doubt))
        spread_add(band_of(1 - doubt) == BAND_HIGHEST ? &m->overlap_highest : &m->overlap_other,
                   overlap);
}

static void image_add(struct maps *m, const struct image *image, const char *file)
{
    if (image->id < 0)
        return;
    for (int i = 0; i < TARGETS; i++)
        if (!image->row[i].present)
            prog_die(PROG_ERROR,
                     "%s:%" PRId64 ": expected the maps of the targets true and pred of image "
                     "%" PRId64 " in rows that follow each other, found none of %s",
                     file, image->line, image->id, i == TARGET_TRUE ? "true" : "pred");
    const struct map_row *pred = &image->row[TARGET_PRED];
    bool wrong = pred->cls != image->row[TARGET_TRUE].cls;
    struct map_statistics *f = &m->of[wrong ? MAPS_WRONG : MAPS_CORRECT];
    f->images++;
    f->blank += pred->blank;
    if (!isnan(pred->stat[COL_ZERO])) {
        f->measured++;
        f->zero += mostly_zero(pred);
    }
    m->with_places += !isnan(pred->stat[COL_BORDER]);
    spread_add(&f->border, pred->stat[COL_BORDER]);
    spread_add(&f->entropy, pred->stat[COL_ENTROPY]);
    f->diffuse += pred->stat[COL_ENTROPY] > MAPS_DIFFUSE;
    f->concentrated += pred->stat[COL_ENTROPY] < MAPS_CONCENTRATED;
    spread_add(&f->off_center, hypot(pred->stat[COL_X] - 0.5, pred->stat[COL_Y] - 0.5));
    if (wrong)
        image_wrong(m, image);
}

void maps_read(struct maps *m, const char *file, const struct classes *known)
{
    int col[COLS];
    *m = (struct maps){.known = true};
    struct tsv_in *t = rows_open(file);
    for (int i = 0; i < COLS; i++)
        col[i] = rows_need(t, column[i]);
    struct image image = {.id = -1};
    while (rows_next(t)) {
        int64_t id = rows_whole(t, col[COL_ID], INT64_MAX);
        if (id != image.id) {
            image_add(m, &image, tsv_name(t));
            image = (struct image){.id = id};
        }
        image.line = tsv_line(t);
        row_add(&image, t, col);
    }
    image_add(m, &image, tsv_name(t));
    int64_t images = m->of[MAPS_CORRECT].images + m->of[MAPS_WRONG].images;
    if (images != known->total || m->of[MAPS_CORRECT].images != known->correct)
        prog_die(PROG_ERROR,
                 "%s: expected maps of %" PRId64 " images, %" PRId64
                 " of them predicted correctly, as in "
                 "%s, found %" PRId64 " and %" PRId64 ": is the table whole and of the same run?",
                 tsv_name(t), known->total, known->correct, known->file, images,
                 m->of[MAPS_CORRECT].images);
    tsv_close(t);
}
