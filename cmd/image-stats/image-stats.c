/* image-stats: statistics of the pixels of each image. See image-stats(1). */
#include "base/io.h"
#include "base/mem.h"
#include "base/prog.h"
#include "data/data.h"
#include "stats/image.h"
#include "stream/tsv.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static struct geometry_opts size_words;
static struct subset_opts subset_words = {.limit = INT64_MAX};
static struct subset subset;
static bool skip_damaged;
static struct data_opts opts = {.note = prog_note, .warn = prog_note};

static const struct opt options[] = {
    GEOMETRY_OPTS(size_words, GEOMETRY_HELP),
    {"skip-damaged", 0, OPT_FLAG, &skip_damaged, NULL,
     "Leave out images whose file cannot be read. Default: the first one is an error.", 0, 0},
    SUBSET_OPTS(subset_words),
    {NULL, 0, OPT_FLAG, NULL, NULL, NULL, 0, 0},
};

static const char *const examples[] = {
    "image-stats cifar-100-python > stats.tsv",
    "image-stats test.bin | cut -f 8 | sort | uniq -d",
    NULL,
};

static const struct prog prog = {
    .name = "image-stats",
    .brief = "Measure the pixels of each image",
    .operands = "FILE",
    .opts = options,
    .examples = examples,
};

static int put_row(struct tsv_out *t, int64_t id, const struct image_stats *s, struct err *e)
{
    char hash[17];
    snprintf(hash, sizeof hash, "%016" PRIx64, s->hash);
    tsv_put_int(t, id);
    tsv_put_real(t, s->brightness);
    tsv_put_real(t, s->contrast);
    tsv_put_real(t, s->sharpness);
    tsv_put_real(t, s->colorfulness);
    tsv_put_real(t, s->entropy);
    tsv_put_real(t, s->border);
    tsv_put_string(t, hash);
    return tsv_end(t, e);
}

/* The next image that can be read: as data_next, without DATA_DAMAGED. */
static int next_image(struct data *d, uint8_t *pixels, struct data_item *item, struct err *e)
{
    int r;
    while ((r = data_next(d, pixels, item, e)) == DATA_DAMAGED && skip_damaged)
        prog_note(e->msg);
    return r == DATA_DAMAGED ? -1 : r;
}

static int put_images(struct data *d, struct tsv_out *t, struct err *e)
{
    const int h = data_h(d), w = data_w(d);
    const int64_t total = data_subset(d);
    uint8_t *pixels = mem_alloc(3 * (size_t)h * (size_t)w, 1);
    struct data_item item;
    int64_t done = 0;
    int r = 1;
    while ((r = next_image(d, pixels, &item, e)) == 1) {
        struct image_stats s;
        image_measure(pixels, h, w, &s);
        if (put_row(t, item.id, &s, e) != 0) {
            r = -1;
            break;
        }
        prog_progress("images", ++done, total > 0 ? total : 0);
    }
    prog_progress_end();
    free(pixels);
    return r < 0 ? -1 : 0;
}

static int run(const char *path, struct err *e)
{
    struct data *d;
    struct out *o;
    if (data_open(&d, path, &opts, e) != 0)
        return -1;
    if (out_open(&o, "-", e) != 0)
        return -1;
    struct tsv_out *t =
        tsv_begin(o, "id brightness contrast sharpness colorfulness entropy border hash");
    int r = put_images(d, t, e);
    tsv_free(t);
    data_close(d);
    if (r != 0) {
        struct err ignored;
        if (!e->closed)
            err_ignore(out_flush(o, &ignored)); /* the rows before the one that failed */
        out_abort(o);
        return -1;
    }
    return out_close(o, e);
}

int main(int argc, char **argv)
{
    struct err e = {0};
    int first = prog_start(&prog, argc, argv);
    if (argc - first != 1)
        prog_usage("expected one FILE, found %d", argc - first);
    opts.size = geometry_given(&size_words);
    subset = subset_given(&subset_words);
    opts.subset = &subset;
    if (run(argv[first], &e) != 0)
        prog_fail(&e);
    return PROG_OK;
}
