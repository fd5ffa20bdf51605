#include "input.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/prog.h"
#include "base/real.h"
#include "faith/baseline.h"
#include "faith/order.h"
#include "rows/aims.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct tensor {
    char *name;
    const char *path;
    struct items *items;
    int planes, h, w;
};

struct row {
    int64_t id, index;
    struct aim aim;
};

struct input {
    struct input_opts opts;
    struct tensor tensor[FAITH_MAPS];
    int tensors;
    struct aims *aims;
    struct row *row; /* [rows] that were taken */
    size_t rows;
    int64_t all; /* rows of the table */
    int64_t images;
    int classes;
    const struct ids *ids;
    struct targets *made; /* what --planes says, or NULL */
    int plane;            /* of these; -1: that of the class */
};

/* --- options --- */

/* "NAME=PATH"; of a path alone, its last part without ".npy". A name holds no slash. */
static void parse_operand(struct tensor *t, const char *text)
{
    const char *equals = strchr(text, '='), *slash = strchr(text, '/');
    const bool named = equals && equals > text && (!slash || equals < slash);
    const char *last = strrchr(text, '/');
    t->path = named ? equals + 1 : text;
    if (named) {
        t->name = mem_printf("%.*s", (int)(equals - text), text);
        return;
    }
    last = last ? last + 1 : text;
    const size_t n = strlen(last), end = strlen(".npy");
    const bool npy = n > end && strcmp(last + n - end, ".npy") == 0;
    t->name = mem_printf("%.*s", (int)(npy ? n - end : n), last);
}

static void check_name(const struct input *in, int m)
{
    const char *name = in->tensor[m].name;
    for (int b = 0; b < BASELINE_COUNT; b++)
        if (strcmp(name, baseline_word((enum baseline)b)) == 0)
            prog_usage("expected a name that no baseline has, found '%s': NAME=FILE gives another",
                       name);
    for (int i = 0; i < m; i++)
        if (strcmp(name, in->tensor[i].name) == 0)
            prog_usage(
                "expected maps of different names, found '%s' twice: NAME=FILE gives another",
                name);
}

/* What is wrong with words of targets, whichever option has them. */
static const char *behind_option(const struct err *e)
{
    static const char option[] = "--target: ";
    const size_t n = sizeof option - 1;
    return strncmp(e->msg, option, n) == 0 ? e->msg + n : e->msg;
}

void input_parse(struct input **out, const struct input_opts *o, char *const *operand, int n)
{
    struct err e;
    if (n < 1 || n > FAITH_MAPS - BASELINE_COUNT)
        prog_usage("expected 1 to %d MAPS, found %d", FAITH_MAPS - BASELINE_COUNT, n);
    if (strchr(o->target, ',') || strcmp(o->target, "all") == 0)
        prog_usage("--target: expected one column that holds a class (pred, true, ...), margin or "
                   "class:N, found '%s'",
                   o->target);
    struct input *in = mem_zero(1, sizeof *in);
    in->opts = *o;
    for (; in->tensors < n; in->tensors++) {
        parse_operand(&in->tensor[in->tensors], operand[in->tensors]);
        if (!*in->tensor[in->tensors].path)
            prog_usage("expected NAME=FILE, found '%s'", operand[in->tensors]);
        check_name(in, in->tensors);
    }
    if (aims_new(&in->aims, o->target, &e) != 0)
        prog_usage("%s", e.msg);
    aims_shard(in->aims, o->shard);
    if (o->planes && targets_parse(&in->made, o->planes, &e) != 0)
        prog_usage("--planes: %s", behind_option(&e));
    *out = in;
}

/* --- rows --- */

/* Before anything is computed: each row has an image, and a map. */
static int check_row(const struct input *in, const struct aims_row *row, struct err *e)
{
    if (row->id >= in->images)
        return aims_error(in->aims, row, e,
                          "expected an id below %" PRId64 ", the number of images, found %" PRId64,
                          in->images, row->id);
    if (in->ids && ids_find(in->ids, row->id) < 0)
        return aims_error(in->aims, row, e, "expected an id of %s, found %" PRId64,
                          io_name(in->opts.ids), row->id);
    return 0;
}

static int read_rows(struct input *in, uint64_t seed, struct err *e)
{
    struct aims_row *row;
    int r;
    if (aims_open(in->aims, in->opts.table, in->classes, false, e) != 0)
        return -1;
    row = mem_zero(1, aims_bytes(in->aims));
    while ((r = aims_next(in->aims, row, e)) > 0 && (r = check_row(in, row, e)) == 0) {
        in->row = mem_extend(in->row, in->rows, in->rows + 1, sizeof *in->row);
        in->row[in->rows++] = (struct row){row->id, in->all++, row->aim[0]};
    }
    free(row);
    in->rows = order_keep(seed, in->row, in->rows, sizeof *in->row, in->opts.count);
    return r;
}

/* --- maps --- */

static int find_plane(struct input *in, struct err *e)
{
    if (!in->made)
        return 0;
    struct err why;
    if (targets_lay_out(in->made, in->classes, &why) != 0)
        return err_set(e, "--planes: %s", behind_option(&why));
    in->plane = targets_find(in->made, in->opts.target);
    if (in->plane < 0 && strcmp(in->opts.target, "margin") != 0 &&
        targets_find(in->made, "all") == 0 && targets_words(in->made) == 1)
        return 0;
    if (in->plane < 0)
        return err_set(e, "--target: expected a word of --planes (%s), found '%s'", in->opts.planes,
                       in->opts.target);
    return 0;
}

static int check_planes(const struct input *in, const struct tensor *t, struct err *e)
{
    const int expected = in->made ? targets_planes(in->made) : 1;
    if (t->planes == 1 || t->planes == expected)
        return 0;
    if (in->made)
        return err_set(e, "%s: expected %d planes, as --planes %s makes, found %d",
                       items_name(t->items), expected, in->opts.planes, t->planes);
    return err_set(e, "%s: expected maps of one plane, found %d: --planes says what they are",
                   items_name(t->items), t->planes);
}

static int open_tensor(struct input *in, struct tensor *t, struct faith_size image, struct err *e)
{
    if (items_open(&t->items, t->path, -1, NULL, e) != 0)
        return -1;
    const struct npy_item *item = items_item(t->items);
    const int64_t *side = item->shape + item->ndim - 2;
    if (item->ndim != 2 && item->ndim != 3)
        return err_set(e, "%s: expected maps (n, h, w) or (n, planes, h, w), found %d axes",
                       items_name(t->items), item->ndim + 1);
    if (side[0] < 1 || side[1] < 1 || side[0] > image.h || side[1] > image.w)
        return err_set(e,
                       "%s: expected maps of 1x1 to %dx%d, the size of the images, found "
                       "%" PRId64 "x%" PRId64,
                       items_name(t->items), image.h, image.w, side[0], side[1]);
    if (item->count > INT32_MAX)
        return err_set(e, "%s: expected fewer planes", items_name(t->items));
    t->h = (int)side[0];
    t->w = (int)side[1];
    t->planes = item->ndim == 3 ? (int)item->shape[0] : 1;
    return check_planes(in, t, e);
}

/* Without ids the maps are those of the rows, one by one. */
static int check_count(const struct input *in, const struct tensor *t, struct err *e)
{
    const int64_t count = items_count(t->items);
    const int64_t expected = in->ids ? ids_count(in->ids) : in->all;
    if (count < 0 || count == expected)
        return 0;
    if (in->ids)
        return err_set(e, "%s: expected %" PRId64 " ids, one for each map of %s, found %" PRId64,
                       io_name(in->opts.ids), count, items_name(t->items), expected);
    return err_set(e,
                   "%s: expected %" PRId64 " maps, one for each row of %s, found %" PRId64
                   ": --ids FILE tells which id each map has",
                   items_name(t->items), expected, io_name(in->opts.table), count);
}

int input_open(struct input *in, const struct ids *ids, int classes, int64_t images,
               struct faith_size image, uint64_t seed, struct err *e)
{
    in->classes = classes;
    in->images = images;
    in->ids = ids;
    if (find_plane(in, e) != 0)
        return -1;
    for (int m = 0; m < in->tensors; m++)
        if (open_tensor(in, &in->tensor[m], image, e) != 0)
            return -1;
    if (read_rows(in, seed, e) != 0)
        return -1;
    for (int m = 0; m < in->tensors; m++)
        if (check_count(in, &in->tensor[m], e) != 0)
            return -1;
    return 0;
}

void input_close(struct input *in)
{
    if (!in)
        return;
    for (int m = 0; m < in->tensors; m++) {
        free(in->tensor[m].name);
        items_close(in->tensor[m].items);
    }
    aims_close(in->aims);
    targets_free(in->made);
    free(in->row);
    free(in);
}

int input_maps(const struct input *in)
{
    return in->tensors;
}

const char *input_name(const struct input *in, int map)
{
    return in->tensor[map].name;
}

const char *input_path(const struct input *in, int map)
{
    return in->tensor[map].path;
}

struct faith_size input_size(const struct input *in, int map)
{
    return (struct faith_size){in->tensor[map].h, in->tensor[map].w};
}

int64_t input_rows(const struct input *in)
{
    return (int64_t)in->rows;
}

static int read_map(struct input *in, const struct tensor *t, const struct row *row, int64_t item,
                    const float **map, struct err *e)
{
    const size_t cells = (size_t)t->h * (size_t)t->w;
    const int plane = t->planes == 1 ? 0 : in->plane < 0 ? row->aim.cls : in->plane;
    const float *v = items_get_any(t->items, item, e);
    if (!v)
        return -1;
    *map = v + (size_t)plane * cells;
    if (real_finite(*map, cells))
        return 0;
    return err_set(
        e, "%s: item %" PRId64 ", id %" PRId64 ": expected a finite map, found a value that is not",
        items_name(t->items), item, row->id);
}

int input_row(struct input *in, int64_t i, int64_t *id, struct aim *aim, const float **map,
              struct err *e)
{
    const struct row *row = &in->row[i];
    const int64_t item = in->ids ? ids_find(in->ids, row->id) : row->index;
    *id = row->id;
    *aim = row->aim;
    for (int m = 0; m < in->tensors; m++)
        if (read_map(in, &in->tensor[m], row, item, &map[m], e) != 0)
            return -1;
    return 0;
}

int input_end(struct input *in, struct err *e)
{
    if (in->all == 0)
        prog_no_rows(io_name(in->opts.table), "nothing scored");
    for (int m = 0; m < in->tensors; m++)
        if (items_drain(in->tensor[m].items, e) != 0 || check_count(in, &in->tensor[m], e) != 0)
            return -1;
    return 0;
}
