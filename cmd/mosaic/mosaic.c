/* mosaic: images of two by two others, to ask maps for the right ones. See mosaic(1). */
#include "base/io.h"
#include "base/mem.h"
#include "base/prog.h"
#include "data/data.h"
#include "faith/mosaic.h"
#include "faith/order.h"
#include "rows/predictions.h"
#include "stream/npy.h"
#include "stream/tsv.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH_BYTES = 1 << 20 }; /* of mosaics that make a record in a pipe */

static struct geometry_opts size_words;
static const char *table = "-", *rows_path, *tiles_path;
static int64_t count, seed;
static struct data_opts opts = {.note = prog_note, .warn = prog_note};

static const struct opt options[] = {
    {"rows-out", 0, OPT_STRING, &rows_path, "FILE",
     "Write a row for each mosaic: its class, and the images on its tiles.", 0, 0},
    {"tiles-out", 0, OPT_STRING, &tiles_path, "FILE",
     "Write a mask for each mosaic: 1 on the tiles with its class. cam-score --masks reads them.",
     0, 0},
    {"table", 0, OPT_STRING, &table, "FILE",
     "The rows; - for standard input, which is the default.", 0, 0},
    {"count", 'n', OPT_INT, &count, "N",
     "Make mosaics of N of the rows by chance. Default: 0, which takes all.", 0, INT64_MAX},
    GEOMETRY_OPTS(size_words, GEOMETRY_HELP),
    {"seed", 0, OPT_INT, &seed, "N", "Of what is by chance. Default: 0.", 0, INT64_MAX},
    {NULL, 0, OPT_FLAG, NULL, NULL, NULL, 0, 0},
};

static const char *const examples[] = {
    "mosaic --rows-out mosaics.tsv --tiles-out tiles.npy test.bin < rows.tsv > mosaics.npy",
    NULL,
};

static const struct prog_lack lacks[] = {
    {"shard", "a mosaic is made of images of all rows, so that one run takes all images"},
    {NULL, NULL},
};

static const struct prog prog = {
    .name = "mosaic",
    .brief = "Put four images together, two of them of one class",
    .operands = "DATA",
    .opts = options,
    .examples = examples,
    .general = true,
    .lacks = lacks,
};

struct job {
    struct data *data;
    struct tsv_in *in;
    int64_t *id; /* [n] of the rows, with their classes */
    int *cls;
    size_t n;
    int classes;
    struct mosaics *mosaics;
    uint8_t *tile;
    uint8_t *pixels,
        *mask; /* of mosaics that wait to be written: (room, 3, 2h, 2w), (room, 2h, 2w) */
    int held, room;
    struct npy_out *images, *tiles; /* tiles: or NULL */
    struct out *out;                /* of the rows, or NULL */
    struct tsv_out *rows;
    int64_t made, failed;
};

/* --- reading --- */

static int read_rows(struct job *j, struct err *e)
{
    const unsigned need = 1u << PREDICTION_ID | 1u << PREDICTION_TRUE | 1u << PREDICTION_PRED;
    const int64_t images = data_count(j->data);
    struct prediction_cols cols = {.classes = STATS_CLASSES};
    struct prediction a;
    int64_t again = 0;
    int got = tsv_open(&j->in, table, e);
    if (got == 0)
        got = prediction_find(&cols, j->in, need, 0, e);
    /* An image stands on one tile of a mosaic. */
    bool *seen = mem_zero((size_t)images + 1, sizeof *seen);
    while (got == 0 && (got = prediction_next(&cols, j->in, &a, e)) > 0) {
        got = 0;
        if (a.id >= images) {
            got = tsv_error(j->in, e,
                            "expected an id below %" PRId64 ", the number of images, found "
                            "%" PRId64,
                            images, a.id);
            break;
        }
        again += seen[a.id];
        if (a.truth < 0 || seen[a.id])
            continue;
        seen[a.id] = true;
        j->id = mem_extend(j->id, j->n, j->n + 1, sizeof *j->id);
        j->cls = mem_extend(j->cls, j->n, j->n + 1, sizeof *j->cls);
        j->id[j->n] = a.id;
        j->cls[j->n++] = a.truth;
        j->classes = a.truth < j->classes ? j->classes : a.truth + 1;
    }
    free(seen);
    if (again > 0)
        prog_say("%s: rows of an image that came before: %" PRId64 ": the first one counts",
                 tsv_name(j->in), again);
    return got;
}

/* --- writing --- */

static int put_row(const struct job *j, size_t i, const struct mosaic *m, struct err *e)
{
    if (!j->rows)
        return 0;
    tsv_put_int(j->rows, j->made);
    tsv_put_int(j->rows, j->cls[i]);
    tsv_put_int(j->rows, j->id[i]);
    for (int k = 0; k < 4; k++)
        tsv_put_int(j->rows, j->id[m->image[k]]);
    return tsv_end(j->rows, e);
}

static void mark_tiles(int h, int w, unsigned own, uint8_t *mask)
{
    for (int y = 0; y < 2 * h; y++)
        for (int x = 0; x < 2 * w; x++)
            *mask++ = own >> (y / h * 2 + x / w) & 1;
}

static int flush(struct job *j, struct err *e)
{
    const int n = j->held;
    j->held = 0;
    if (n > 0 && npy_write(j->images, j->pixels, n, e) != 0)
        return -1;
    return n > 0 && j->tiles ? npy_write(j->tiles, j->mask, n, e) : 0;
}

static int put_mosaic(struct job *j, size_t i, const struct mosaic *m, struct err *e)
{
    const int h = data_h(j->data), w = data_w(j->data);
    const size_t plane = 4 * (size_t)h * (size_t)w, at = (size_t)j->held * plane;
    struct data_item item;
    for (int k = 0; k < 4; k++) {
        if (data_at(j->data, j->id[m->image[k]], j->tile, &item, e) != 0)
            return -1;
        mosaic_put(j->tile, k, h, w, j->pixels + 3 * at);
    }
    mark_tiles(h, w, m->own, j->mask + at);
    j->held++;
    if (put_row(j, i, m, e) != 0)
        return -1;
    j->made++;
    return j->held == j->room ? flush(j, e) : 0;
}

static int put_all(struct job *j, struct err *e)
{
    bool *taken = mem_alloc(j->n + 1, sizeof *taken);
    const size_t all = order_sample((uint64_t)seed, j->id, j->n, count, taken);
    struct mosaic m;
    int r = 0;
    for (size_t i = 0; i < j->n && r == 0; i++) {
        if (!taken[i])
            continue;
        if (mosaics_choose(j->mosaics, (int)i, order_state((uint64_t)seed, j->id[i], ORDER_MOSAICS),
                           &m))
            r = put_mosaic(j, i, &m, e);
        else
            j->failed++;
        prog_progress("mosaics", j->made, (int64_t)all);
    }
    prog_progress_end();
    free(taken);
    return r == 0 ? flush(j, e) : r;
}

/* --- running --- */

static int open_outputs(struct job *j, struct err *e)
{
    const int h = data_h(j->data), w = data_w(j->data);
    const int64_t image[] = {3, 2 * h, 2 * w};
    const size_t plane = (size_t)h * (size_t)w;
    if (npy_create(&j->images, "-", NPY_U8, 3, image, e) != 0 ||
        (tiles_path && npy_create(&j->tiles, tiles_path, NPY_U8, 2, image + 1, e) != 0) ||
        (rows_path && out_open(&j->out, rows_path, e) != 0))
        return -1;
    if (j->out)
        j->rows = tsv_begin(j->out, "id true image upper_left upper_right lower_left lower_right");
    j->room = (int)(BATCH_BYTES / (12 * plane)) + 1;
    j->tile = mem_alloc(3 * plane, 1);
    j->pixels = mem_alloc((size_t)j->room, 12 * plane);
    j->mask = mem_alloc((size_t)j->room, 4 * plane);
    return 0;
}

static int run(struct job *j, const char *path, struct err *e)
{
    struct out *all[3] = {NULL};
    if (data_open(&j->data, path, &opts, e) != 0 || data_by_id(j->data, e) != 0 ||
        read_rows(j, e) != 0)
        return -1;
    if (j->n > INT32_MAX)
        return err_set(e, "%s: expected at most %d rows", tsv_name(j->in), INT32_MAX);
    j->mosaics = mosaics_new(j->cls, (int)j->n, j->classes);
    if (open_outputs(j, e) != 0 || put_all(j, e) != 0)
        return -1;
    if (j->failed > 0)
        prog_say("%s: rows without a mosaic: %" PRId64 ": the table has no other image of their "
                 "class, or too few other classes",
                 tsv_name(j->in), j->failed);
    else if (j->made == 0)
        prog_no_rows(tsv_name(j->in), "no mosaics made of images with a label");
    all[0] = npy_end(j->images, e);
    all[1] = j->tiles && all[0] ? npy_end(j->tiles, e) : NULL;
    all[2] = j->out;
    if (!all[0] || (j->tiles && !all[1]))
        return -1;
    return out_close_all(all, 3, e);
}

static void check_options(const char *data)
{
    const char *const path[] = {rows_path, tiles_path}, *const input[] = {table, data};
    const char *const option[] = {"rows-out", "tiles-out"};
    for (int i = 0; i < 2; i++) {
        prog_check_output(option[i], path[i]);
        if (path[i] && strcmp(path[i], "-") == 0)
            prog_usage("--%s: expected a file, found '-': standard output carries the images",
                       option[i]);
        if (io_same_file(path[i], data))
            prog_usage("--%s: expected a file that is not read, found '%s'", option[i], path[i]);
    }
    prog_check_inputs(input, 2);
    opts.size = geometry_given(&size_words);
}

int main(int argc, char **argv)
{
    struct job j = {0};
    struct err e = {0};
    const int first = prog_start(&prog, argc, argv);
    if (argc - first != 1)
        prog_usage("expected one DATA, found %d", argc - first);
    check_options(argv[first]);
    if (run(&j, argv[first], &e) != 0)
        prog_fail(&e);
    tsv_free(j.rows);
    tsv_close(j.in);
    mosaics_free(j.mosaics);
    data_close(j.data);
    free(j.id);
    free(j.cls);
    free(j.tile);
    free(j.pixels);
    free(j.mask);
    return PROG_OK;
}
