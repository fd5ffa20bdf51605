#include "cam/stored.h"

#include "base/io.h"
#include "base/mem.h"
#include "cam/closed.h"
#include "stream/items.h"

#include <stdlib.h>
#include <string.h>

struct stored {
    const struct stored_opts *opts;
    struct items *items, *logits; /* logits may be NULL */
    struct ids *ids;              /* may be NULL */
    struct items *weights;        /* of each image's channels, or NULL: all have head.w */
    float *w, *b;                 /* of files, which head refers to */
    struct closed_head head;
    struct closed *closed; /* NULL for maps that are made */
    int grid_h, grid_w;
    double *bias; /* [room] */
    float *twins; /* (room, cells), or NULL */
    int room;
    double *p, *rest;  /* [classes] */
    const float *item; /* that stored_maps() took last */
    struct stored_doubt doubt;
};

/* --- opening --- */

/* Weights that each image has of its own: what Grad-CAM makes of gradients. */
static int open_weights(struct stored *s, struct err *e)
{
    const struct stored_opts *o = s->opts;
    const int64_t shape[] = {-1, s->head.channels};
    const char *name = io_name(o->weights);

    if (o->how.method != method_at(METHOD_GRADCAM))
        return err_set(e,
                       "%s: expected the weights of a linear layer for --method %s, found those "
                       "of each image",
                       name, o->how.method->word);
    if (o->biases)
        return err_set(e,
                       "%s: expected the weights of a linear layer for --biases, found those of "
                       "each image",
                       name);
    if (items_open(&s->weights, o->weights, 2, shape, e) != 0 ||
        items_match(s->items, o->weights, items_count(s->weights), e) != 0)
        return -1;
    int64_t classes = items_item(s->weights)->shape[0];
    if (classes > o->most_classes)
        return err_set(e, "%s: expected at most %d classes, found %lld", name, o->most_classes,
                       (long long)classes);
    s->head.classes = (int)classes;
    return 0;
}

/* Without weights the classes are those of the maps. */
static int load_files(struct stored *s, struct err *e)
{
    const struct stored_opts *o = s->opts;
    struct closed_head *h = &s->head;
    int axes = o->weights ? items_axes(o->weights, e) : 0;

    if (axes < 0)
        return -1;
    if (axes == 2)
        return open_weights(s, e);
    h->classes = o->weights ? 0 : h->classes;
    if ((o->weights &&
         items_load_layer(&s->w, o->weights, h->channels, &h->classes, o->most_classes, e) != 0) ||
        (o->biases && items_load_layer(&s->b, o->biases, 0, &h->classes, o->most_classes, e) != 0))
        return -1;
    h->w = s->w;
    h->b = s->b;
    return 0;
}

/* The linear layer that is given: for features, or for its biases alone. */
static int take_linear(struct stored *s, struct err *e)
{
    const struct stored_opts *o = s->opts;
    const struct model_head *l = o->linear;
    struct closed_head *h = &s->head;

    if (o->features && l->channels != h->channels)
        return err_set(e,
                       "%s: expected features of %d channels as the linear layer of %s, found %d",
                       items_name(s->items), l->channels, o->linear_from, h->channels);
    if (!o->features && l->classes != h->classes)
        return err_set(e, "%s: expected maps of %d classes as the linear layer of %s, found %d",
                       items_name(s->items), l->classes, o->linear_from, h->classes);
    h->classes = l->classes;
    h->w = o->features ? l->w : NULL;
    h->b = l->b;
    return 0;
}

static int open_logits(struct stored *s, struct err *e)
{
    /* Made maps may be of any number of classes. */
    int64_t classes = s->opts->cams ? -1 : s->head.classes;

    if (items_open(&s->logits, s->opts->logits, 1, &classes, e) != 0)
        return -1;
    s->head.classes = (int)items_item(s->logits)->shape[0];
    return items_match(s->items, s->opts->logits, items_count(s->logits), e);
}

static int open_all(struct stored *s, struct err *e)
{
    const struct stored_opts *o = s->opts;
    const int64_t any[] = {-1, -1, -1};
    struct closed_head *h = &s->head;

    if (o->class_maps && !method_combines(&o->how))
        return err_set(e, "%s: expected features, which %s needs, found class maps",
                       io_name(o->class_maps), o->how.method->word);
    if (items_open(&s->items,
                   o->features ? o->features
                   : o->cams   ? o->cams
                               : o->class_maps,
                   3, any, e) != 0)
        return -1;
    const int64_t *shape = items_item(s->items)->shape;
    s->grid_h = (int)shape[1];
    s->grid_w = (int)shape[2];
    h->cells = (int)(shape[1] * shape[2]);
    h->channels = o->features ? (int)shape[0] : 0;
    h->classes = o->class_maps ? (int)shape[0] : 0;
    if ((o->linear ? take_linear(s, e) : load_files(s, e)) != 0)
        return -1;
    if (o->ids && (ids_open(&s->ids, o->ids, e) != 0 ||
                   items_match(s->items, o->ids, ids_count(s->ids), e) != 0))
        return -1;
    return o->logits ? open_logits(s, e) : 0;
}

int stored_open(struct stored **out, const struct stored_opts *o, struct err *e)
{
    struct stored *s = mem_zero(1, sizeof *s);

    s->opts = o;
    if (open_all(s, e) != 0) {
        stored_close(s);
        return -1;
    }
    if (!o->cams)
        s->closed = closed_new(&o->how, &s->head);
    s->p = mem_alloc((size_t)s->head.classes, sizeof *s->p);
    s->rest = mem_alloc((size_t)s->head.classes, sizeof *s->rest);
    *out = s;
    return 0;
}

void stored_close(struct stored *s)
{
    if (!s)
        return;
    items_close(s->items);
    items_close(s->logits);
    items_close(s->weights);
    ids_close(s->ids);
    closed_free(s->closed);
    free(s->w);
    free(s->b);
    free(s->bias);
    free(s->twins);
    free(s->p);
    free(s->rest);
    free(s);
}

const char *stored_name(const struct stored *s)
{
    return items_name(s->items);
}

void stored_grid(const struct stored *s, int *h, int *w)
{
    *h = s->grid_h;
    *w = s->grid_w;
}

int stored_planes(const struct stored *s)
{
    return (int)items_item(s->items)->shape[0];
}

int stored_classes(const struct stored *s)
{
    return s->head.classes;
}

bool stored_probabilities(const struct stored *s)
{
    return s->logits || s->head.b;
}

/* --- maps --- */

static bool needs_logits(const struct stored *s)
{
    return s->opts->probabilities || method_needs_logits(&s->opts->how);
}

/* Item `index` of the main tensor; *logits and *w where there are such tensors and they are
 * wanted. */
static const float *get(struct stored *s, int64_t index, bool made, const float **logits,
                        const float **w, struct err *e)
{
    const float *item = (made ? items_get_any : items_get)(s->items, index, e);

    *logits = *w = NULL;
    if (item && s->logits && needs_logits(s) && !(*logits = items_get(s->logits, index, e)))
        return NULL;
    if (item && s->weights && !(*w = items_get(s->weights, index, e)))
        return NULL;
    return item;
}

static int64_t find(const struct stored *s, int64_t id, struct err *e)
{
    int64_t index = ids_find(s->ids, id);

    if (index < 0)
        err_record(e, "expected one of the ids in %s, found none", io_name(s->opts->ids));
    return index;
}

/* What the logits tell: 1 - p of each class. */
static const double *rest_of(struct stored *s, const float *logits)
{
    if (!logits)
        return NULL;
    cam_softmax(logits, s->head.classes, s->p, s->rest);
    return s->rest;
}

int stored_maps(struct stored *s, int64_t id, const struct aim *aim, int planes, float *raw,
                struct stored_more *more, struct err *e)
{
    const float *logits, *w, *item;
    int64_t index = find(s, id, e);

    if (index < 0 || !(item = get(s, index, false, &logits, &w, e)))
        return -1;
    s->item = item;
    if (w)
        closed_weights(s->closed, w);
    if (!logits && needs_logits(s))
        logits = closed_logits(s->closed, item);
    if (planes > s->room) {
        s->room = planes;
        s->bias = mem_grow(s->bias, (size_t)planes, sizeof *s->bias);
        if (s->opts->twins)
            s->twins = mem_grow(s->twins, (size_t)planes * (size_t)s->head.cells, sizeof *s->twins);
    }
    more->rest = rest_of(s, logits);
    const struct seed_scores scores = {
        .classes = s->head.classes, .logits = logits, .p = s->p, .rest = s->rest};
    closed_maps(s->closed, aim, planes, item, id, &scores, raw, s->bias);
    more->bias = s->head.b ? s->bias : NULL;
    more->twins = s->opts->twins && logits ? s->twins : NULL;
    if (more->twins)
        closed_twins(s->closed, aim, planes, item, id, &scores, s->twins);
    return 0;
}

int stored_copy(struct stored *s, int64_t id, const int *plane, int planes, float *raw,
                struct stored_more *more, struct err *e)
{
    const size_t cells = (size_t)s->head.cells;
    const float *logits, *w, *item;
    int64_t index = find(s, id, e);

    if (index < 0 || !(item = get(s, index, true, &logits, &w, e)))
        return -1;
    for (int i = 0; i < planes; i++)
        memcpy(raw + (size_t)i * cells, item + (size_t)plane[i] * cells, cells * sizeof *raw);
    more->rest = rest_of(s, logits);
    more->bias = NULL;
    more->twins = NULL;
    return 0;
}

void stored_look(struct stored *s, int pred)
{
    const size_t cells = (size_t)s->head.cells;
    struct stored_doubt *d = &s->doubt;
    double most = 0;
    int first = -1;

    if (!s->opts->class_maps || s->opts->logits || s->head.b)
        return;
    for (int c = 0; c < s->head.classes; c++) {
        const float *map = s->item + (size_t)c * cells;
        double sum = 0;
        for (size_t i = 0; i < cells; i++) {
            sum += (double)map[i];
            d->below |= map[i] < 0;
        }
        if (first < 0 || sum > most) {
            first = c;
            most = sum;
        }
    }
    d->items++;
    d->told += pred >= 0;
    d->first += pred >= 0 && pred == first;
}

const struct stored_doubt *stored_doubt(const struct stored *s)
{
    return &s->doubt;
}

int stored_end(struct stored *s, struct err *e)
{
    const struct stored_opts *o = s->opts;

    if (items_drain(s->items, e) != 0 || (s->logits && items_drain(s->logits, e) != 0) ||
        (s->ids && items_match(s->items, o->ids, ids_count(s->ids), e) != 0) ||
        (s->logits && items_match(s->items, o->logits, items_count(s->logits), e) != 0) ||
        (s->weights && items_match(s->items, o->weights, items_count(s->weights), e) != 0))
        return -1;
    return 0;
}
