#include "source.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/prog.h"
#include "cam/cam.h"
#include "draw/color.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    SIDE_MAX = 8192,
    PLANES_MAX = 65536,
    GROUP_MAX = 1 << 20, /* as many as worst-k keeps apart */
    BUFFER_ITEMS = 64,
    BUFFER_BYTES = 1 << 22
};

static const int64_t ITEM_MAX = (int64_t)1 << 28;

/* --- the planes and what they stand for --- */

static int parse_targets(struct source *s, struct err *e)
{
    static const char *const words[ROLES] = {"true", "pred", "margin"};
    static const char *const by_count[] = {"pred", "true,pred", "true,pred,margin"};
    const char *list = s->targets;
    if (!list && s->planes <= 3)
        list = by_count[s->planes - 1];
    for (int i = 0; i < ROLES; i++)
        s->role[i] = -1;
    s->margin = mem_zero((size_t)s->planes, sizeof *s->margin);
    if (!list && s->plain)
        return 0;
    if (!list)
        return err_set(e, "%s: expected 1 to 3 planes where --target does not name them, found %d",
                       npy_name(s->maps), s->planes);
    int n = 0;
    for (const char *w = list;; n++) {
        size_t len = strcspn(w, ",");
        for (int i = 0; i < ROLES && n < s->planes; i++) {
            if (strlen(words[i]) == len && memcmp(words[i], w, len) == 0 && s->role[i] < 0) {
                s->role[i] = n;
                s->margin[n] = i == ROLE_MARGIN;
            }
        }
        w += len;
        if (!*w++)
            break;
    }
    if (n + 1 != s->planes)
        return err_set(e, "%s: expected a plane for each of %s, found %d", npy_name(s->maps), list,
                       s->planes);
    if (!s->plain && s->role[ROLE_TRUE] < 0 && s->role[ROLE_PRED] < 0)
        return err_set(e, "%s: expected a plane for true or pred among %s", npy_name(s->maps),
                       list);
    return 0;
}

static int open_maps(struct source *s, struct err *e)
{
    int r = npy_open(&s->maps, s->maps_path, e);
    if (r <= 0) {
        s->maps = NULL;
        return r;
    }
    const int64_t any[] = {-1, -1, -1};
    if (npy_expect(s->maps, NPY_F32, 3, any, e) != 0)
        return -1;
    const struct npy_item *item = npy_item(s->maps);
    const int64_t *n = item->shape;
    if (n[0] < 1 || n[0] > PLANES_MAX || n[1] < 1 || n[1] > SIDE_MAX || n[2] < 1 ||
        n[2] > SIDE_MAX || item->bytes > ITEM_MAX)
        return err_set(e,
                       "%s: expected planes of 1 to %d cells a side, at most %" PRId64
                       " bytes an item, found shape (%" PRId64 ", %" PRId64 ", %" PRId64 ")",
                       npy_name(s->maps), SIDE_MAX, ITEM_MAX, n[0], n[1], n[2]);
    s->planes = (int)n[0];
    s->map_h = (int)n[1];
    s->map_w = (int)n[2];
    s->cells = s->map_h * s->map_w;
    s->cells_w = s->map_w;
    s->room = BUFFER_BYTES / item->bytes;
    s->room = s->room > BUFFER_ITEMS ? BUFFER_ITEMS : s->room < 1 ? 1 : s->room;
    s->buf = mem_alloc((size_t)s->room, (size_t)item->bytes);
    s->scratch = mem_alloc((size_t)s->cells, sizeof *s->scratch);
    if (parse_targets(s, e) != 0)
        return -1;
    if (s->grid || (s->map_h == s->h && s->map_w == s->w))
        return 0;
    s->resize = resize_new(s->map_h, s->map_w, s->h, s->w);
    s->map_h = s->h;
    s->map_w = s->w;
    return 0;
}

static int open_table(struct source *s, struct err *e)
{
    if (tsv_open(&s->table, s->table_path, e) != 0)
        return -1;
    unsigned id = 1U << PREDICTION_ID;
    unsigned prediction =
        id | 1U << PREDICTION_TRUE | 1U << PREDICTION_PRED | 1U << PREDICTION_CONF;
    s->cols.classes = STATS_CLASSES;
    s->cols.all = true;
    if (prediction_find(&s->cols, s->table, s->plain ? id : prediction, 0, e) != 0)
        return -1;
    if (s->plain)
        return 0;
    s->group = tsv_need(s->table, "group", e);
    if (s->group < 0)
        return -1;
    s->kind = tsv_need(s->table, "kind", e);
    if (s->kind < 0)
        return -1;
    s->rank = tsv_need(s->table, "rank", e);
    if (s->rank < 0)
        return -1;
    s->p_true = tsv_find(s->table, "p_true");
    s->true_name = tsv_find(s->table, "true_name");
    s->pred_name = tsv_find(s->table, "pred_name");
    s->true_group = tsv_find(s->table, "true_group");
    return 0;
}

int source_open(struct source *s, struct err *e)
{
    if (data_open(&s->data, s->data_path, &s->data_opts, e) != 0)
        return -1;
    if (data_count(s->data) < 0)
        return err_set(e, "%s: expected a file or a folder, found a stream", data_name(s->data));
    s->h = data_h(s->data);
    s->w = data_w(s->data);
    if (s->h > SIDE_MAX || s->w > SIDE_MAX)
        return err_set(e, "%s: expected images of at most %d pixels a side, found %d by %d",
                       data_name(s->data), SIDE_MAX, s->h, s->w);
    s->pixels = mem_alloc((size_t)s->h * (size_t)s->w, 3);
    if (open_table(s, e) != 0)
        return -1;
    return open_maps(s, e);
}

void source_close(struct source *s)
{
    tsv_close(s->table);
    npy_close(s->maps);
    data_close(s->data);
    resize_free(s->resize);
    free(s->margin);
    free(s->buf);
    free(s->scratch);
    free(s->pixels);
}

/* --- rows --- */

int source_error(const struct source *s, struct err *e, const char *what)
{
    return tsv_error(s->table, e, "%s", what);
}

static int read_kind(const struct source *s, enum row_kind *kind, struct err *e)
{
    static const char *const words[KINDS] = {[KIND_BEST] = "best",
                                             [KIND_WORST] = "worst",
                                             [KIND_PAIR] = "pair",
                                             [KIND_HIGH] = "high",
                                             [KIND_LOW] = "low"};
    struct tsv_field f = tsv_get(s->table, s->kind);
    for (int i = 0; i < KINDS; i++) {
        if (f.n == strlen(words[i]) && memcmp(f.p, words[i], f.n) == 0) {
            *kind = (enum row_kind)i;
            return 0;
        }
    }
    return tsv_error(s->table, e,
                     "column 'kind': expected best, worst, pair, high or low, found '%.*s'",
                     (int)(f.n > 60 ? 60 : f.n), f.p);
}

/* The row's own name for a class, else the data set's, else its number. */
static char *class_name(const struct source *s, int col, int cls)
{
    if (col >= 0 && !tsv_is_na(s->table, col))
        return tsv_string(s->table, col);
    const struct names *names = data_names(s->data);
    if (cls < names->classes && names->name[cls])
        return mem_dup(names->name[cls]);
    return mem_printf("class %d", cls);
}

static int read_prediction(const struct source *s, struct example *x, struct err *e)
{
    struct prediction a;
    if (prediction_read(&s->cols, s->table, &a, e) != 0)
        return -1;
    if (tsv_int(s->table, s->group, 0, GROUP_MAX - 1, &x->group, e) != 0 ||
        tsv_int(s->table, s->rank, 1, INT32_MAX, &x->rank, e) != 0 ||
        read_kind(s, &x->kind, e) != 0)
        return -1;
    if (a.truth < 0 && example_family(x) != FAMILY_PRED)
        return tsv_error(
            s->table, e,
            "column 'true': expected a class, found NA: rows of worst-k --by pred need "
            "none");
    if (a.truth < 0 && s->role[ROLE_PRED] < 0)
        return tsv_error(s->table, e,
                         "column 'true': expected a class, found NA, and %s has no plane for pred",
                         npy_name(s->maps));
    if (s->p_true >= 0 && tsv_real_na(s->table, s->p_true, &x->p_true, e) != 0)
        return -1;
    if (x->p_true < 0 || x->p_true > 1)
        return tsv_error(s->table, e,
                         "column 'p_true': expected a probability from 0 to 1, found %g",
                         x->p_true);
    x->id = a.id;
    x->truth = a.truth;
    x->pred = a.pred;
    x->conf = a.conf;
    x->true_name = a.truth < 0 ? mem_dup("not known") : class_name(s, s->true_name, a.truth);
    x->pred_name = class_name(s, s->pred_name, a.pred);
    if (s->true_group >= 0 && !tsv_is_na(s->table, s->true_group))
        x->superclass = tsv_string(s->table, s->true_group);
    return 0;
}

/* --- maps --- */

/* Items for the next row: 1, 0 at the end, -1. */
static int fill(struct source *s, struct err *e)
{
    if (s->pos < s->have)
        return 1;
    s->pos = s->have = 0;
    if (!s->maps)
        return 0;
    s->have = npy_read(s->maps, s->buf, s->room, e);
    return s->have > 0 ? 1 : (int)s->have;
}

enum row_family example_family(const struct example *x)
{
    if (x->kind == KIND_PAIR)
        return FAMILY_PAIR;
    return x->kind == KIND_BEST || x->kind == KIND_WORST ? FAMILY_CLASS : FAMILY_PRED;
}

bool source_ready(const struct source *s)
{
    return s->pos < s->have;
}

/* Whether cam-compute or grad-cam has stretched this map already. */
static bool stretched(const float *map, int n)
{
    float min = map[0], max = map[0];
    for (int i = 1; i < n; i++) {
        min = map[i] < min ? map[i] : min;
        max = map[i] > max ? map[i] : max;
    }
    return min >= 0 && min < 1e-3F && max > 1 - 1e-3F && max <= 1;
}

static void finish_heat(struct source *s, const float *map, float *out, bool *blank)
{
    int n = s->map_h * s->map_w;
    if (s->resize) {
        memcpy(s->scratch, map, (size_t)s->cells * sizeof *map);
        cam_finish(s->scratch, s->cells, s->resize, out, n);
    } else {
        memcpy(out, map, (size_t)n * sizeof *map);
        if (!stretched(out, n)) {
            cam_rectify(out, n);
            cam_stretch(out, n);
        }
    }
    *blank = true;
    for (int i = 0; i < n && *blank; i++)
        *blank = out[i] == 0;
}

static void finish_margin(struct source *s, const float *map, float *out, float *limit)
{
    for (int i = 0; i < s->cells; i++)
        *limit = fabsf(map[i]) > *limit ? fabsf(map[i]) : *limit;
    if (s->resize)
        resize_run(s->resize, map, out);
    else
        memcpy(out, map, (size_t)s->cells * sizeof *map);
}

static int finish(struct source *s, struct example *x, struct err *e)
{
    size_t planes = (size_t)s->planes, n = (size_t)s->map_h * (size_t)s->map_w;
    const float *item = s->buf + (size_t)s->pos * planes * (size_t)s->cells;
    x->maps = mem_alloc(planes * n, sizeof *x->maps);
    x->blank = mem_zero(planes, sizeof *x->blank);
    for (int p = 0; p < s->planes; p++) {
        const float *map = item + (size_t)p * (size_t)s->cells;
        for (int i = 0; i < s->cells; i++)
            if (!isfinite(map[i]))
                return err_set(e,
                               "%s: item %" PRId64 ", plane %d, row %d, column %d: expected a "
                               "finite number, found %s",
                               npy_name(s->maps), s->rows, p, i / s->cells_w, i % s->cells_w,
                               isnan(map[i]) ? "NaN" : "infinity");
        float *out = x->maps + (size_t)p * n;
        if (s->margin[p])
            finish_margin(s, map, out, &x->limit);
        else
            finish_heat(s, map, out, &x->blank[p]);
    }
    return 0;
}

static int read_image(struct source *s, struct example *x, struct err *e)
{
    struct data_item item;
    struct err inner = {0};
    if (data_at(s->data, x->id, s->pixels, &item, &inner) != 0)
        return tsv_error(s->table, e, "%s", inner.msg);
    size_t n = (size_t)s->h * (size_t)s->w;
    x->image = mem_alloc(n, 3);
    color_pack(s->pixels, n, x->image);
    return 0;
}

int source_next(struct source *s, struct example *x, struct err *e)
{
    *x = (struct example){.p_true = NAN};
    int r = tsv_next(s->table, e);
    if (r < 0)
        return -1;
    if (r == 0) {
        r = fill(s, e);
        if (r > 0)
            return err_set(e, "%s: expected %" PRId64 " items, one for each row of %s, found more",
                           npy_name(s->maps), s->rows, tsv_name(s->table));
        return r;
    }
    int read = s->plain ? tsv_int(s->table, s->cols.col[PREDICTION_ID], 0, INT64_MAX, &x->id, e)
                        : read_prediction(s, x, e);
    if (read != 0)
        return -1;
    r = fill(s, e);
    if (r < 0)
        return -1;
    if (r == 0)
        return tsv_error(s->table, e,
                         "expected maps for this row, found the end of %s after %" PRId64 " items",
                         s->maps ? npy_name(s->maps) : io_name(s->maps_path), s->rows);
    if (read_image(s, x, e) != 0 || finish(s, x, e) != 0)
        return -1;
    s->pos++;
    s->rows++;
    return 1;
}

void example_clear(struct example *x)
{
    free(x->true_name);
    free(x->pred_name);
    free(x->superclass);
    free(x->image);
    free(x->maps);
    free(x->blank);
    *x = (struct example){0};
}
