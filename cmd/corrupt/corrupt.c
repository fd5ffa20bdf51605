/* corrupt: images made worse on purpose. See corrupt(1). */
#include "corrupt/corrupt.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/prog.h"
#include "data/data.h"
#include "stream/npy.h"
#include "stream/tsv.h"

#include <stdlib.h>
#include <string.h>

enum { BATCH_BYTES = 1 << 20 }; /* of images that make a record in a pipe */

static int kind = -1;
static int64_t severity, seed;
static struct subset_opts subset_words = {.limit = INT64_MAX};
static struct subset subset;
static const char *labels_out;
static struct geometry_opts size_words;
static struct data_opts opts = {.note = prog_note, .warn = prog_note};

static const struct opt options[] = {
    {"kind", 'k', OPT_CHOICE, &kind, CORRUPT_WORDS, "What is done to the images.", 0, 0},
    {"severity", 0, OPT_INT, &severity, "N", "How bad: 1 to 5.", 1, CORRUPT_SEVERITIES},
    {"labels-out", 0, OPT_STRING, &labels_out, "FILE",
     "Write a table with the label of each image, which cifar-predict --labels reads.", 0, 0},
    {"labels", 0, OPT_STRING, &opts.labels, "FILE",
     "Labels of images in .npy or in a folder without class folders.", 0, 0},
    {"names", 0, OPT_STRING, &opts.names, "PATH", "Class names, as for cifar-predict.", 0, 0},
    GEOMETRY_OPTS(size_words, GEOMETRY_HELP),
    {"seed", 0, OPT_INT, &seed, "N", "Of what is by chance. Default: 0.", 0, INT64_MAX},
    SUBSET_OPTS(subset_words),
    {NULL, 0, OPT_FLAG, NULL, NULL, NULL, 0, 0},
};

static const char *const examples[] = {
    "corrupt --kind blur --severity 3 test.bin > blurred.npy",
    "corrupt -k fog --severity 2 --labels-out labels.tsv test.bin | cifar-predict -m m.pth -d - "
    "--labels labels.tsv",
    NULL,
};

static const struct prog prog = {
    .name = "corrupt",
    .brief = "Make images worse, to test a model",
    .operands = "DATA",
    .opts = options,
    .examples = examples,
    .general = true,
};

struct job {
    struct data *data;
    struct npy_out *images;
    struct out *out; /* of the labels, or NULL */
    struct tsv_out *labels;
};

static int put_label(const struct job *j, const struct data_item *item, struct err *e)
{
    tsv_put_int(j->labels, item->id);
    if (item->label < 0)
        tsv_put_string(j->labels, NULL);
    else
        tsv_put_int(j->labels, item->label);
    return tsv_end(j->labels, e);
}

/* (3, h, w) to (h, w, 3). */
static void interleave(uint8_t *out, const uint8_t *planes, size_t plane)
{
    for (size_t i = 0; i < plane; i++)
        for (size_t c = 0; c < 3; c++)
            out[3 * i + c] = planes[c * plane + i];
}

/* Up to `most` images: their count, 0 at the end, -1. */
static int64_t next_batch(const struct job *j, int64_t most, uint8_t *planes, uint8_t *batch,
                          struct err *e)
{
    const int h = data_h(j->data), w = data_w(j->data);
    const size_t plane = (size_t)h * (size_t)w;
    struct data_item item;
    int64_t n = 0;
    int r = 1;
    while (n < most && (r = data_next(j->data, planes, &item, e)) == 1) {
        if (corrupt(planes, h, w, (enum corrupt_kind)kind, (int)severity, (uint64_t)seed, item.id,
                    e) != 0 ||
            (j->labels && put_label(j, &item, e) != 0))
            return -1;
        interleave(batch + 3 * plane * (size_t)n++, planes, plane);
    }
    return r < 0 || r == DATA_DAMAGED ? -1 : n;
}

static int put_images(const struct job *j, struct err *e)
{
    const size_t image = 3 * (size_t)data_h(j->data) * (size_t)data_w(j->data);
    const int64_t total = data_subset(j->data);
    const int64_t most = (int64_t)(BATCH_BYTES / image) + 1;
    uint8_t *planes = mem_alloc(((size_t)most + 1) * image, 1), *batch = planes + image;
    int64_t done = 0, n = 0;
    int r = 0;
    while (r == 0 && (n = next_batch(j, most, planes, batch, e)) > 0) {
        r = npy_write(j->images, batch, n, e);
        prog_progress("images", done += n, total > 0 ? total : 0);
    }
    prog_progress_end();
    free(planes);
    return n < 0 ? -1 : r;
}

static int run(struct job *j, const char *path, struct err *e)
{
    struct out *all[2] = {NULL};
    if (data_open(&j->data, path, &opts, e) != 0)
        return -1;
    const int64_t shape[] = {data_h(j->data), data_w(j->data), 3};
    if (npy_create(&j->images, "-", NPY_U8, 3, shape, e) != 0)
        return -1;
    if (labels_out) {
        if (out_open(&j->out, labels_out, e) != 0)
            return -1;
        j->labels = tsv_begin(j->out, "id label");
    }
    if (put_images(j, e) != 0)
        return -1;
    tsv_free(j->labels);
    data_close(j->data);
    all[0] = npy_end(j->images, e);
    all[1] = j->out;
    return all[0] ? out_close_all(all, 2, e) : -1;
}

int main(int argc, char **argv)
{
    struct job j = {0};
    struct err e = {0};
    int first = prog_start(&prog, argc, argv);
    if (argc - first != 1)
        prog_usage("expected one DATA, found %d", argc - first);
    if (kind < 0)
        prog_usage("expected --kind %s", CORRUPT_WORDS);
    if (severity == 0)
        prog_usage("expected --severity N, from 1 to %d", CORRUPT_SEVERITIES);
    opts.size = geometry_given(&size_words);
    subset = subset_given(&subset_words);
    opts.subset = &subset;
    if (labels_out && strcmp(labels_out, "-") == 0)
        prog_usage("--labels-out: expected a file, found '-': standard output carries the images");
    if (io_same_file(labels_out, argv[first]) || io_same_file(labels_out, opts.labels))
        prog_usage("--labels-out: expected a file that is not read, found '%s'", labels_out);
    if (run(&j, argv[first], &e) != 0)
        prog_fail(&e);
    return PROG_OK;
}
