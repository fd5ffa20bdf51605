#include "rows/tables.h"

#include "base/io.h"
#include "rows/fields.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { TARGET_TRUE, TARGET_PRED, TARGETS };

enum {
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
    COLS,
    COL_CHANCE = COLS, /* not of every program */
    ALL_COLS
};

static const char *const column[COLS + 1] = {
    [COL_ID] = "id",           [COL_TARGET] = "target",
    [COL_CLASS] = "class",     [COL_ZERO] = "zero_share",
    [COL_BLANK] = "blank",     [COL_SATURATION] = "saturation",
    [COL_ENTROPY] = "entropy", [COL_X] = "center_x",
    [COL_Y] = "center_y",      [COL_BORDER] = "border_share",
    [COL_OVERLAP] = "overlap", [COLS] = NULL,
};

/* The image whose rows are being read. */
struct image {
    int64_t id, line;
    bool present[TARGETS];
    struct map_figures figures[TARGETS];
};

/* A share that was rounded, or NA. */
static int read_share(const struct tsv_in *t, int col, double *v, struct err *e)
{
    if (tsv_real_na(t, col, v, e) != 0)
        return -1;
    if (!(*v < -1e-6) && !(*v > 1 + 1e-6))
        return 0;
    struct tsv_field name = tsv_header(t, col), f = tsv_get(t, col);
    return tsv_error(t, e, "column '%.*s': expected a number from 0 to 1, found '%.*s'",
                     (int)name.n, name.p, (int)f.n, f.p);
}

static int target_of(struct tsv_field f)
{
    if (tsv_is(f, "true"))
        return TARGET_TRUE;
    if (tsv_is(f, "pred"))
        return TARGET_PRED;
    return -1;
}

/* The same of a column that may not be there. */
static int read_share_if(const struct tsv_in *t, int col, double *v, struct err *e)
{
    *v = NAN;
    return col < 0 ? 0 : read_share(t, col, v, e);
}

static int read_row(struct image *image, const struct tsv_in *t, const int *col, struct err *e)
{
    int target = target_of(tsv_get(t, col[COL_TARGET]));
    if (target < 0)
        return 0;
    if (image->present[target])
        return tsv_error(t, e,
                         "expected one map of each target for image %" PRId64 ", found two of %s",
                         image->id, target == TARGET_TRUE ? "true" : "pred");
    struct map_figures *f = &image->figures[target];
    int64_t blank;
    image->present[target] = true;
    if (field_class(t, col[COL_CLASS], &f->cls, e) != 0 ||
        field_whole(t, col[COL_BLANK], 1, &blank, e) != 0)
        return -1;
    f->blank = blank;
    return read_share(t, col[COL_ZERO], &f->zero_share, e) != 0 ||
                   read_share(t, col[COL_SATURATION], &f->saturation, e) != 0 ||
                   read_share(t, col[COL_ENTROPY], &f->entropy, e) != 0 ||
                   read_share(t, col[COL_X], &f->center_x, e) != 0 ||
                   read_share(t, col[COL_Y], &f->center_y, e) != 0 ||
                   read_share(t, col[COL_BORDER], &f->border_share, e) != 0 ||
                   read_share(t, col[COL_OVERLAP], &f->overlap, e) != 0 ||
                   read_share_if(t, col[COL_CHANCE], &f->overlap_chance, e) != 0
               ? -1
               : 0;
}

static int add_image(struct maps *m, const struct image *image, const char *name, struct err *e)
{
    if (image->id < 0)
        return 0;
    for (int i = 0; i < TARGETS; i++)
        if (!image->present[i])
            return err_set(e,
                           "%s:%" PRId64
                           ": expected the maps of the targets true and pred of image %" PRId64
                           " in rows that follow each other, found none of %s",
                           name, image->line, image->id, i == TARGET_TRUE ? "true" : "pred");
    maps_add(
        m, &(struct map_pair){image->id, image->figures[TARGET_TRUE], image->figures[TARGET_PRED]});
    return 0;
}

static int read_rows(struct maps *m, struct tsv_in *t, struct err *e)
{
    struct image image = {.id = -1};
    int col[ALL_COLS], r;
    for (int i = 0; i < COLS; i++)
        col[i] = tsv_find(t, column[i]);
    col[COL_CHANCE] = tsv_find(t, "overlap_chance");
    while ((r = tsv_next_shown(t, e)) > 0) {
        int64_t id;
        if (field_whole(t, col[COL_ID], INT64_MAX, &id, e) != 0)
            return -1;
        if (id != image.id) {
            if (add_image(m, &image, tsv_name(t), e) != 0)
                return -1;
            image = (struct image){.id = id};
        }
        image.line = tsv_line(t);
        if (read_row(&image, t, col, e) != 0)
            return -1;
    }
    return r == 0 ? add_image(m, &image, tsv_name(t), e) : -1;
}

int maps_read(struct maps *m, const char *file, const struct classes *known, struct err *e)
{
    struct tsv_in *t;
    m->known = true;
    if (fields_open(&t, file, column, e) != 0)
        return -1;
    int r = read_rows(m, t, e);
    tsv_close(t);
    int64_t images = maps_images(m), correct = m->of[MAPS_CORRECT].images;
    if (r == 0 && (images != known->total || correct != known->correct))
        return err_set(e,
                       "%s: expected maps of %" PRId64 " images, %" PRId64
                       " of them predicted correctly, as in "
                       "%s, found %" PRId64 " and %" PRId64
                       ": is the table whole and of the same run?",
                       io_name(file), known->total, known->correct, known->file, images, correct);
    return r;
}
