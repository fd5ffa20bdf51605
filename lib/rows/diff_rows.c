#include "rows/diff_rows.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/real.h"
#include "cam/stored.h"
#include "rows/predictions.h"
#include "rows/target.h"
#include "stats/rank_correlation.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- files --- */

static char *inside(const char *folder, const char *file)
{
    return mem_printf("%s/data/%s", folder, file);
}

/* The same where it exists, else NULL. */
static char *found_inside(const char *folder, const char *file)
{
    char *path = inside(folder, file);
    if (access(path, F_OK) == 0)
        return path;
    free(path);
    return NULL;
}

void diff_files_find(struct diff_files *f, const char *path)
{
    struct stat st;
    *f = (struct diff_files){0};
    if (strcmp(path, "-") == 0 || stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) {
        f->predictions = mem_dup(path);
        return;
    }
    f->predictions = inside(path, "predictions.tsv");
    f->classes = found_inside(path, "classes.tsv");
    f->ids = found_inside(path, "ids.npy");
    f->maps = found_inside(path, "class_maps.npy");
    if (f->maps)
        return;
    f->maps = found_inside(path, "cams.npy");
    /* As pipelines/gradcam.mk asks for them. */
    f->planes = f->maps ? mem_dup("true,pred,margin") : NULL;
}

static char *copy(const char *s)
{
    return s ? mem_dup(s) : NULL;
}

void diff_files_set_maps(struct diff_files *f, const char *maps, const char *ids,
                         const char *planes)
{
    free(f->maps);
    free(f->planes);
    free(f->ids);
    f->maps = copy(maps);
    f->ids = copy(ids);
    f->planes = copy(maps ? planes : NULL);
}

void diff_files_free(struct diff_files *f)
{
    free(f->predictions);
    free(f->classes);
    free(f->maps);
    free(f->planes);
    free(f->ids);
}

/* --- joining --- */

enum { FIRST_BITS = 12, ABSENT = -1 };

struct join {
    struct diff *diff;
    uint32_t *slot; /* of an id: the image's index plus 1, or 0 */
    int bits;       /* there are 1 << bits slots */
    const struct diff_files *run;
    int64_t rows[2], repeats;
    char *repeat; /* the first: "b.tsv:7: image 3" */
};

static uint32_t *find(const struct join *j, int64_t id)
{
    size_t mask = ((size_t)1 << j->bits) - 1;
    size_t at = (size_t)((uint64_t)id * UINT64_C(0x9e3779b97f4a7c15) >> (64 - j->bits));
    while (j->slot[at] != 0 && j->diff->image[j->slot[at] - 1].id != id)
        at = (at + 1) & mask;
    return &j->slot[at];
}

static void grow(struct join *j)
{
    free(j->slot);
    j->bits++;
    j->slot = mem_zero((size_t)1 << j->bits, sizeof *j->slot);
    for (size_t i = 0; i < j->diff->n; i++)
        *find(j, j->diff->image[i].id) = (uint32_t)i + 1;
}

static int add_image(struct join *j, int64_t id, struct diff_image **image, struct err *e)
{
    struct diff *d = j->diff;
    uint32_t *slot = find(j, id);
    if (*slot == 0) {
        if (d->n >= UINT32_MAX - 1)
            return err_set(e, "expected at most %" PRIu32 " images, found more", UINT32_MAX - 1);
        if (d->n >= (size_t)3 << (j->bits - 2)) { /* at most three quarters are in use */
            grow(j);
            slot = find(j, id);
        }
        d->image = mem_extend(d->image, d->n, d->n + 1, sizeof *d->image);
        d->image[d->n++] = (struct diff_image){
            .id = id, .loss = {NAN, NAN}, .map = NAN, .truth = -1, .pred = {ABSENT, ABSENT}};
        *slot = (uint32_t)d->n;
    }
    *image = &d->image[*slot - 1];
    return 0;
}

static int add_row(struct join *j, int run, const struct tsv_in *t, const struct prediction *a,
                   struct err *e)
{
    struct diff_image *i;
    struct err inner;
    if (add_image(j, a->id, &i, &inner) != 0)
        return tsv_error(t, e, "%s", inner.msg);
    j->rows[run]++;
    if (i->truth >= 0 && a->truth >= 0 && i->truth != a->truth)
        return tsv_error(t, e,
                         "image %" PRId64 ": expected the label %d, as %s, found %d: are both "
                         "tables of the same data set?",
                         a->id, i->truth,
                         i->pred[run] == ABSENT ? io_name(j->run[1 - run].predictions) : "before",
                         a->truth);
    if (a->truth >= 0)
        i->truth = a->truth;
    if (i->pred[run] == ABSENT) {
        i->pred[run] = a->pred;
        i->conf[run] = a->conf;
        i->loss[run] = a->loss;
        return 0;
    }
    if (i->pred[run] != a->pred || i->conf[run] != a->conf)
        return tsv_error(t, e,
                         "expected one row for each image, found image %" PRId64
                         " again, with another prediction or confidence",
                         a->id);
    if (j->repeats++ == 0)
        j->repeat = mem_printf("%s:%" PRId64 ": image %" PRId64, tsv_name(t), tsv_line(t), a->id);
    return 0;
}

static int read_rows(struct join *j, int run, struct tsv_in *t, struct naming *naming,
                     struct err *e)
{
    struct prediction_cols cols = {.classes = STATS_CLASSES, .all = true};
    if (prediction_find(&cols, t,
                        1u << PREDICTION_ID | 1u << PREDICTION_PRED | 1u << PREDICTION_CONF,
                        1u << PREDICTION_TRUE | 1u << PREDICTION_LOSS, e) != 0)
        return -1;
    int true_name = tsv_find(t, "true_name"), pred_name = tsv_find(t, "pred_name");
    int true_superclass = tsv_find(t, "true_group"), pred_superclass = tsv_find(t, "pred_group");
    struct prediction a;
    int r;
    while ((r = prediction_next(&cols, t, &a, e)) > 0)
        if (naming_learn(naming, t, a.pred, pred_name, pred_superclass, e) != 0 ||
            (a.truth >= 0 &&
             naming_learn(naming, t, a.truth, true_name, true_superclass, e) != 0) ||
            add_row(j, run, t, &a, e) != 0)
            return -1;
    if (r == 0 && j->rows[run] == 0)
        return err_set(e, "%s: expected rows of predictions, found none", tsv_name(t));
    return r;
}

static int by_id(const void *a, const void *b)
{
    const struct diff_image *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

static void sort(struct diff *d)
{
    for (size_t i = 1; i < d->n; i++)
        if (d->image[i - 1].id > d->image[i].id) {
            qsort(d->image, d->n, sizeof *d->image, by_id);
            return;
        }
}

/* Drops the images that one run lacks. */
static int keep_common(struct join *j, bool common, struct err *e)
{
    struct diff *d = j->diff;
    int64_t first[2] = {-1, -1};
    size_t kept = 0, all = d->n;
    for (size_t i = 0; i < all; i++) {
        const struct diff_image *x = &d->image[i];
        if (x->pred[0] != ABSENT && x->pred[1] != ABSENT) {
            d->image[kept++] = *x;
            continue;
        }
        int has = x->pred[0] != ABSENT ? 0 : 1;
        if (d->only[has]++ == 0)
            first[has] = x->id;
    }
    d->n = kept;
    int has = d->only[0] > 0 ? 0 : 1;
    const char *name = io_name(j->run[has].predictions);
    const char *other = io_name(j->run[1 - has].predictions);
    if (!common && kept < all)
        return err_set(e,
                       "%s: expected all images of %s, found %" PRId64
                       " missing, the first with id %" PRId64 " (--common compares those of both)",
                       other, name, d->only[has], first[has]);
    if (kept == 0)
        return err_set(e, "%s: expected images of %s, found none", other, name);
    return 0;
}

/* The tables of classes name as many. */
static int check_classes(const struct diff_files run[2], struct err *e)
{
    int classes[2];
    for (int i = 0; i < 2; i++) {
        struct names *n;
        if (!run[i].classes)
            return 0;
        if (names_load(&n, run[i].classes, NULL, e) != 0)
            return -1;
        classes[i] = n->classes;
        names_free(n);
    }
    return classes[0] == classes[1]
               ? 0
               : err_set(e, "%s: expected the %d classes of %s, found %d", run[1].classes,
                         classes[0], run[0].classes, classes[1]);
}

int diff_read(struct diff *d, const struct diff_files run[2], struct naming *naming, bool common,
              void (*say)(const char *fmt, ...), struct err *e)
{
    struct join j = {.diff = d, .bits = FIRST_BITS, .run = run};
    *d = (struct diff){0};
    int r = check_classes(run, e);
    j.slot = mem_zero((size_t)1 << j.bits, sizeof *j.slot);
    for (int i = 0; i < 2 && r == 0; i++) {
        struct tsv_in *t;
        r = tsv_open(&t, run[i].predictions, e);
        if (r != 0)
            break;
        r = read_rows(&j, i, t, naming, e);
        tsv_close(t);
    }
    free(j.slot);
    if (r == 0) {
        sort(d);
        r = keep_common(&j, common, e);
    }
    if (r == 0 && j.repeats > 0)
        say("%s: this prediction came before, as %" PRId64 " of %" PRId64
            " rows did: each image counts once",
            j.repeat, j.repeats, j.rows[0] + j.rows[1]);
    free(j.repeat);
    return r;
}

/* --- maps --- */

struct side {
    struct stored_opts opts;
    struct stored *stored;
    int plane; /* of the predicted class, or -1: planes are classes */
    int h, w;
    float *map;
};

static int find_plane(struct side *s, const char *planes, struct err *e)
{
    struct targets *made;
    s->plane = -1;
    if (!planes)
        return 0;
    if (targets_parse(&made, planes, e) != 0)
        return -1;
    int classes = targets_classes(made, stored_planes(s->stored), STATS_CLASSES), r = 0;
    if (classes < 0)
        r = err_set(e, "%s: expected a plane for each word of --planes (%s), found %d planes",
                    stored_name(s->stored), planes, stored_planes(s->stored));
    else if (targets_lay_out(made, classes, e) != 0)
        r = -1;
    else if ((s->plane = targets_find(made, "pred")) < 0)
        r = err_set(e, "--planes: expected the word 'pred', found none in '%s'", planes);
    targets_free(made);
    return r;
}

static int side_open(struct side *s, const struct diff_files *f, struct err *e)
{
    s->opts = (struct stored_opts){.class_maps = f->planes ? NULL : f->maps,
                                   .cams = f->planes ? f->maps : NULL,
                                   .ids = f->ids,
                                   .how = {.method = method_at(METHOD_GRADCAM)},
                                   .most_classes = STATS_CLASSES};
    if (stored_open(&s->stored, &s->opts, e) != 0 || find_plane(s, f->planes, e) != 0)
        return -1;
    stored_grid(s->stored, &s->h, &s->w);
    s->map = mem_alloc((size_t)s->h * (size_t)s->w, sizeof *s->map);
    return 0;
}

static void side_close(struct side *s)
{
    stored_close(s->stored);
    free(s->map);
}

static int side_read(struct side *s, int64_t id, int pred, struct err *e)
{
    struct stored_more more;
    struct err why;
    size_t cells = (size_t)s->h * (size_t)s->w;
    if (s->plane < 0 && pred >= stored_planes(s->stored))
        return err_set(e, "%s: expected a map of class %d, found %d", stored_name(s->stored), pred,
                       stored_planes(s->stored));
    int r = s->plane < 0
                ? stored_maps(s->stored, id, &(struct aim){pred, -1}, 1, s->map, &more, &why)
                : stored_copy(s->stored, id, &s->plane, 1, s->map, &more, &why);
    if (r != 0)
        return err_set(e, "image %" PRId64 ": %s", id, why.msg);
    if (!real_finite(s->map, cells))
        return err_set(e,
                       "%s: image %" PRId64 ": expected a map of the predicted class, found none",
                       stored_name(s->stored), id);
    return 0;
}

static int compare_maps(struct diff *d, struct side side[2], struct err *e)
{
    size_t cells = (size_t)side[0].h * (size_t)side[0].w;
    struct rank_room *room = rank_room_new(cells);
    int r = 1;
    for (size_t k = 0; k < d->n && r == 1; k++) {
        struct diff_image *i = &d->image[k];
        for (int run = 0; run < 2 && r == 1; run++)
            if (side_read(&side[run], i->id, i->pred[run], e) != 0)
                r = -1;
        if (r == 1)
            i->map = rank_correlation(room, side[0].map, side[1].map, cells);
    }
    free(room);
    for (int run = 0; run < 2 && r == 1; run++)
        if (stored_end(side[run].stored, e) != 0)
            r = -1;
    return r;
}

int diff_read_maps(struct diff *d, const struct diff_files run[2], struct err *e)
{
    struct side side[2] = {0};
    int r = 1;
    for (int i = 0; i < 2 && r == 1; i++)
        if (side_open(&side[i], &run[i], e) != 0)
            r = -1;
    if (r == 1 && (side[0].h != side[1].h || side[0].w != side[1].w)) {
        err_record(e, "%s: expected maps of %dx%d cells, as in %s, found %dx%d", run[1].maps,
                   side[0].h, side[0].w, run[0].maps, side[1].h, side[1].w);
        r = 0;
    }
    if (r == 1)
        r = compare_maps(d, side, e);
    side_close(&side[0]);
    side_close(&side[1]);
    return r;
}
