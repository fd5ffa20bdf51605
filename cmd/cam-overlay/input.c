#include "input.h"
#include "stats.h"

#include "base/io.h"
#include "base/mem.h"
#include "cam/cam.h"
#include "cam/shown.h"
#include "draw/color.h"
#include "rows/fields.h"
#include "stats/prediction.h"

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

/* --- opening --- */

/* Gives the planes the words of --target. */
static int name_planes(struct input *s, struct err *e)
{
    s->sign = mem_zero((size_t)s->planes, sizeof *s->sign);
    if (!s->targets)
        return 0;
    int classes = targets_classes(s->targets, s->planes, STATS_CLASSES);
    if (classes < 0)
        return err_set(e, "%s: expected the planes of --target %s, found %d", npy_name(s->maps),
                       s->target_list, s->planes);
    /* For pixels alone rows need no classes. */
    if (targets_open(s->targets, s->plain ? NULL : s->table, classes, e) != 0)
        return -1;
    s->aim = mem_alloc((size_t)targets_words(s->targets), sizeof *s->aim);
    for (int p = 0; p < s->planes; p++)
        s->sign[p] = strcmp(targets_word(s->targets, p), "margin") == 0;
    return 0;
}

static int open_maps(struct input *s, struct err *e)
{
    s->map_h = s->h;
    s->map_w = s->w;
    if (!s->maps_path)
        return 0;
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
    s->cells_h = (int)n[1];
    s->cells_w = (int)n[2];
    if (!s->layer_h || !s->layer_w || s->cells_h * s->cells_w < s->layer_h * s->layer_w) {
        s->layer_h = s->cells_h;
        s->layer_w = s->cells_w;
    }
    s->room = BUFFER_BYTES / item->bytes;
    s->room = s->room > BUFFER_ITEMS ? BUFFER_ITEMS : s->room < 1 ? 1 : s->room;
    s->buf = mem_alloc((size_t)s->room, (size_t)item->bytes);
    s->scratch = mem_alloc((size_t)s->cells_h * (size_t)s->cells_w, sizeof *s->scratch);
    if (name_planes(s, e) != 0)
        return -1;
    if (s->grid) {
        s->map_h = s->cells_h;
        s->map_w = s->cells_w;
    } else if (s->cells_h != s->h || s->cells_w != s->w) {
        s->resize = resize_new(s->cells_h, s->cells_w, s->h, s->w);
    }
    return 0;
}

static int open_table(struct input *s, struct err *e)
{
    static const char *const name[COLS] = {
        [COL_ID] = "id",
        [COL_TRUE] = "true",
        [COL_PRED] = "pred",
        [COL_CONF] = "conf",
        [COL_P_TRUE] = "p_true",
        [COL_TRUE_NAME] = "true_name",
        [COL_PRED_NAME] = "pred_name",
        [COL_TRUE_SUPERCLASS] = "true_group",
        [COL_FILE] = "file",
        [COL_GROUP] = "group",
        [COL_KIND] = "kind",
        [COL_RANK] = "rank",
        [COL_SUGGESTED_NAME] = "suggested_name",
        [COL_P_SUGGESTED] = "p_suggested",
    };
    if (tsv_open(&s->table, s->table_path, e) != 0)
        return -1;
    for (int i = 0; i < COL_PRED2; i++)
        s->col[i] = tsv_find(s->table, name[i]);
    for (int i = 0; i < 4; i++) {
        char pred[] = {'p', 'r', 'e', 'd', (char)('2' + i), '\0'};
        char conf[] = {'c', 'o', 'n', 'f', (char)('2' + i), '\0'};
        s->col[COL_PRED2 + i] = tsv_find(s->table, pred);
        s->col[COL_CONF2 + i] = tsv_find(s->table, conf);
    }
    s->col[COL_ID] = tsv_need(s->table, "id", e);
    return s->col[COL_ID] < 0 ? -1 : 0;
}

int input_open(struct input *s, struct err *e)
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
    if (s->names_path && names_load(&s->names, s->names_path, NULL, e) != 0)
        return -1;
    if (s->stats_path && stats_open(&s->stats, s->stats_path, e) != 0)
        return -1;
    if (s->flags_path && skipped_read(&s->flags, s->flags_path, e) != 0)
        return -1;
    if (open_table(s, e) != 0)
        return -1;
    return open_maps(s, e);
}

void input_close(struct input *s)
{
    tsv_close(s->table);
    npy_close(s->maps);
    data_close(s->data);
    names_free(s->names);
    skipped_free(&s->flags);
    stats_close(s->stats);
    resize_free(s->resize);
    free(s->sign);
    free(s->aim);
    free(s->buf);
    free(s->scratch);
    free(s->pixels);
}

/* --- rows --- */

int input_error(const struct input *s, struct err *e, const char *what)
{
    return tsv_error(s->table, e, "%s", what);
}

static bool known(const struct input *s, enum column c)
{
    return s->col[c] >= 0 && !tsv_is_na(s->table, s->col[c]);
}

static char *read_string(const struct input *s, enum column c)
{
    return known(s, c) ? tsv_string(s->table, s->col[c]) : NULL;
}

static int read_class(const struct input *s, enum column c, int *cls, struct err *e)
{
    *cls = -1;
    return known(s, c) ? target_class(s->table, s->col[c], STATS_CLASSES, cls, e) : 0;
}

static int read_probability(const struct input *s, enum column c, double *p, struct err *e)
{
    return field_probability_na(s->table, s->col[c], p, e);
}

static int read_kind(const struct input *s, enum chosen_kind *kind, struct err *e)
{
    struct tsv_field f = tsv_get(s->table, s->col[COL_KIND]);
    *kind = chosen_find(f.p, f.n);
    if (*kind != CHOSEN_NONE)
        return 0;
    return tsv_error(s->table, e, "column 'kind': expected " CHOSEN_WORDS ", found '%.*s'",
                     (int)(f.n > 60 ? 60 : f.n), f.p);
}

/* Which rows it stands with. */
static int read_group(const struct input *s, struct example *x, struct err *e)
{
    x->group = -1;
    if (known(s, COL_RANK) && tsv_int(s->table, s->col[COL_RANK], 1, INT32_MAX, &x->rank, e) != 0)
        return -1;
    if (known(s, COL_GROUP) &&
        tsv_int(s->table, s->col[COL_GROUP], 0, GROUP_MAX - 1, &x->group, e) != 0)
        return -1;
    if (known(s, COL_KIND) && read_kind(s, &x->kind, e) != 0)
        return -1;
    /* Pairs without their number may be any. */
    if (x->kind == CHOSEN_PAIR && x->group < 0)
        x->kind = CHOSEN_NONE;
    return 0;
}

enum row_family example_family(const struct example *x)
{
    static const enum row_family family[CHOSEN_KINDS] = {
        [CHOSEN_NONE] = FAMILY_PLAIN,    [CHOSEN_BEST] = FAMILY_CLASS,
        [CHOSEN_WORST] = FAMILY_CLASS,   [CHOSEN_PAIR] = FAMILY_PAIR,
        [CHOSEN_HIGH] = FAMILY_PRED,     [CHOSEN_LOW] = FAMILY_PRED,
        [CHOSEN_CORRECT] = FAMILY_SLICE, [CHOSEN_ERROR] = FAMILY_SLICE};
    return family[x->kind];
}

static int check_classes(const struct input *s, const struct example *x, struct err *e)
{
    enum row_family f = example_family(x);
    bool truth = f == FAMILY_CLASS || f == FAMILY_PAIR, pred = f == FAMILY_PRED || f == FAMILY_PAIR;
    if (x->group >= 0 && ((truth && x->truth < 0) || (pred && x->pred < 0)))
        return tsv_error(s->table, e, "expected a %s class in a row of this kind, found none",
                         truth && x->truth < 0 ? "true" : "predicted");
    return 0;
}

static const char *listed(const struct names *n, int cls)
{
    return n && cls < n->classes ? n->name[cls] : NULL;
}

/* The name of a class: as the row calls it, as --names does, as the data set does where
 * it agrees with the rows, or the number. Caller frees. */
static char *class_name(const struct input *s, const struct example *x, int cls)
{
    const char *name = cls == x->truth ? x->true_name : cls == x->pred ? x->pred_name : NULL;
    if (!name)
        name = listed(s->names, cls);
    if (!name && !s->strange)
        name = listed(data_names(s->data), cls);
    return name ? mem_dup(name) : mem_printf("class %d", cls);
}

/* The row's own name of a class, which may show that the data set's names are others. */
static char *own_name(struct input *s, enum column c, int cls)
{
    char *name = cls >= 0 ? read_string(s, c) : NULL;
    const char *other = name ? listed(data_names(s->data), cls) : NULL;
    if (other && strcmp(name, other) != 0)
        s->strange = true;
    return name;
}

static int read_row(struct input *s, struct example *x, struct err *e)
{
    if (read_class(s, COL_TRUE, &x->truth, e) != 0 || read_class(s, COL_PRED, &x->pred, e) != 0 ||
        read_probability(s, COL_CONF, &x->conf, e) != 0 ||
        read_probability(s, COL_P_TRUE, &x->p_true, e) != 0 ||
        read_probability(s, COL_P_SUGGESTED, &x->p_suggested, e) != 0 || read_group(s, x, e) != 0 ||
        check_classes(s, x, e) != 0)
        return -1;
    x->true_name = own_name(s, COL_TRUE_NAME, x->truth);
    x->pred_name = own_name(s, COL_PRED_NAME, x->pred);
    if (x->truth >= 0 && !x->true_name)
        x->true_name = class_name(s, x, x->truth);
    if (x->pred >= 0 && !x->pred_name)
        x->pred_name = class_name(s, x, x->pred);
    x->superclass = read_string(s, COL_TRUE_SUPERCLASS);
    x->suggested = read_string(s, COL_SUGGESTED_NAME);
    x->flagged = skipped_has(&s->flags, x->id);
    x->file = read_string(s, COL_FILE);
    if (!x->file && data_has_files(s->data) && x->id < data_count(s->data))
        x->file = data_file(s->data, x->id);
    return 0;
}

/* The probability of a class where the row holds it. */
static int find_probability(const struct input *s, const struct example *x, int cls, double *p,
                            struct err *e)
{
    *p = cls == x->pred ? x->conf : cls == x->truth ? x->p_true : NAN;
    for (int i = 0; i < 4 && isnan(*p); i++) {
        int other;
        if (read_class(s, COL_PRED2 + i, &other, e) != 0)
            return -1;
        if (other == cls && read_probability(s, COL_CONF2 + i, p, e) != 0)
            return -1;
    }
    return 0;
}

/* What the maps of the current row explain. */
static int read_planes(const struct input *s, struct example *x, struct err *e)
{
    x->plane = mem_zero((size_t)s->planes, sizeof *x->plane);
    if (s->targets && !s->plain && targets_read(s->targets, s->table, s->aim, e) != 0)
        return -1;
    for (int i = 0; i < s->planes; i++) {
        struct plane *p = &x->plane[i];
        p->aim = (struct aim){-1, -1};
        p->p = p->border_share = p->saturation = NAN;
        if (!s->targets || s->plain)
            continue;
        p->aim = targets_aim(s->targets, s->aim, i);
        p->name = class_name(s, x, p->aim.cls);
        if (!s->sign[i] && find_probability(s, x, p->aim.cls, &p->p, e) != 0)
            return -1;
    }
    return 0;
}

/* --- maps --- */

/* Items for the next row: 1, 0 at the end, -1. */
static int fill(struct input *s, struct err *e)
{
    if (s->pos < s->have)
        return 1;
    s->pos = s->have = 0;
    if (!s->maps)
        return 0;
    s->have = npy_read(s->maps, s->buf, s->room, e);
    return s->have > 0 ? 1 : (int)s->have;
}

bool input_ready(const struct input *s)
{
    return s->pos < s->have;
}

static int finish(struct input *s, struct example *x, struct err *e)
{
    size_t planes = (size_t)s->planes, n = (size_t)s->map_h * (size_t)s->map_w;
    int cells = s->cells_h * s->cells_w;
    const float *item = s->buf + (size_t)s->pos * planes * (size_t)cells;
    x->maps = mem_alloc(planes * n, sizeof *x->maps);
    for (int p = 0; p < s->planes; p++) {
        const float *map = item + (size_t)p * (size_t)cells;
        int broken = shown_broken(map, cells);
        if (broken >= 0)
            return err_set(e,
                           "%s: item %" PRId64 ", plane %d, row %d, column %d: expected a "
                           "finite number, found %s",
                           npy_name(s->maps), s->rows, p, broken / s->cells_w, broken % s->cells_w,
                           isnan(map[broken]) ? "NaN" : "infinity");
        float *out = x->maps + (size_t)p * n;
        x->plane[p].blank = cam_blank(map, cells);
        if (s->sign[p]) {
            shown_signed(map, cells, s->resize, out);
            x->limit = shown_limit(map, cells, x->limit);
        } else {
            shown_heat(map, cells, s->resize, s->scratch, out, (int)n);
        }
    }
    return 0;
}

static int read_image(struct input *s, struct example *x, struct err *e)
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

/* The map of the current row: 0, or -1 where there is none. */
static int next_item(struct input *s, struct err *e)
{
    int r = fill(s, e);
    if (r == 0)
        return tsv_error(s->table, e,
                         "expected maps for this row, found the end of %s after %" PRId64 " items",
                         s->maps ? npy_name(s->maps) : io_name(s->maps_path), s->rows);
    return r > 0 ? 0 : -1;
}

static int read_stats(const struct input *s, struct example *x, struct err *e)
{
    for (int i = 0; s->stats && i < s->planes; i++)
        if (stats_next(s->stats, x->id, s->targets ? targets_word(s->targets, i) : NULL,
                       &x->plane[i], e) != 0)
            return -1;
    return 0;
}

int input_next(struct input *s, struct example *x, struct err *e)
{
    *x = (struct example){.truth = -1, .pred = -1, .conf = NAN, .p_true = NAN};
    int r = tsv_next(s->table, e);
    if (r < 0)
        return -1;
    if (r == 0) {
        r = fill(s, e);
        if (r > 0)
            return err_set(e, "%s: expected %" PRId64 " items, one for each row of %s, found more",
                           npy_name(s->maps), s->rows, tsv_name(s->table));
        return r == 0 && s->stats ? stats_end(s->stats, e) : r;
    }
    if (tsv_int(s->table, s->col[COL_ID], 0, INT64_MAX, &x->id, e) != 0 ||
        (!s->plain && read_row(s, x, e) != 0) || read_image(s, x, e) != 0)
        return -1;
    if (s->maps_path && (next_item(s, e) != 0 || read_planes(s, x, e) != 0 ||
                         finish(s, x, e) != 0 || read_stats(s, x, e) != 0))
        return -1;
    s->pos++;
    s->rows++;
    return 1;
}

void example_clear(struct example *x, int planes)
{
    for (int i = 0; i < planes && x->plane; i++)
        free(x->plane[i].name);
    free(x->plane);
    free(x->true_name);
    free(x->pred_name);
    free(x->superclass);
    free(x->suggested);
    free(x->file);
    free(x->image);
    free(x->maps);
    *x = (struct example){0};
}
