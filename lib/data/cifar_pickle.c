/* The Python pickles of CIFAR-10 and CIFAR-100: a dict with `data`, uint8 (n, 3072),
 * and lists of labels. */
#include "data/source.h"

#include "base/mem.h"
#include "base/map.h"
#include "data/names_file.h"
#include "pickle/numpy.h"
#include "pickle/pickle.h"

#include <stdlib.h>
#include <string.h>

enum {
    SIDE = 32,
    PIXELS = 3 * SIDE * SIDE,
    CIFAR10_CLASSES = 10,
    CIFAR100_CLASSES = 100,
    CIFAR100_SUPERCLASSES = 20
};

static const size_t pickle_limit = (size_t)1 << 32;

struct pickled {
    struct source base;
    struct map map;              /* of a stream */
    struct pickle *pickle;       /* where `pixels` points into it */
    const unsigned char *pixels; /* NULL: they lie in the file at `offset` */
    int64_t offset, rows;
    int *label, *superclass; /* [rows]; superclass may be NULL */
};

static int pickled_at(const struct source *s, int64_t id, uint8_t *pixels, struct data_item *item,
                      struct err *e)
{
    const struct pickled *p = (const struct pickled *)s;
    item->label = p->label[id];
    item->superclass = p->superclass ? p->superclass[id] : -1;
    if (!pixels)
        return 0;
    if (!p->pixels)
        return in_at(s->in, pixels, PIXELS, p->offset + id * PIXELS, e);
    memcpy(pixels, p->pixels + id * PIXELS, PIXELS);
    return 0;
}

static int pickled_next(struct source *s, int64_t id, uint8_t *pixels, struct data_item *item,
                        struct err *e)
{
    const struct pickled *p = (const struct pickled *)s;
    if (id >= p->rows)
        return 0;
    return pickled_at(s, id, pixels, item, e) == 0 ? 1 : -1;
}

static void pickled_close(struct source *s)
{
    struct pickled *p = (struct pickled *)s;
    in_close(s->in);
    pickle_free(p->pickle);
    map_close(&p->map);
    free(p->label);
    free(p->superclass);
    free(p);
}

static int labels_of(int **label, const struct pickle_value *v, int64_t rows, const char *key,
                     const char *file, struct err *e)
{
    struct numpy_array a = {0};
    const struct pickle_seq *list = pickle_list(v);
    if (!list && (numpy_array(v, &a) || a.ndim != 1 || (a.kind != 'i' && a.kind != 'u')))
        return err_set(e, "%s: %s: expected a list of integers, found another value", file, key);
    int64_t n = list ? (int64_t)list->n : a.count;
    if (n != rows)
        return err_set(e, "%s: %s: expected %lld labels, one for each row of data, found %lld",
                       file, key, (long long)rows, (long long)n);
    *label = mem_alloc((size_t)rows, sizeof **label);
    for (int64_t i = 0; i < rows; i++) {
        if (list && list->item[i]->kind != PICKLE_INT)
            return err_set(e, "%s: record %lld: expected an integer in %s, found another value",
                           file, (long long)i, key);
        int64_t x = list ? list->item[i]->i : numpy_int(&a, i);
        if (x < 0 || x >= NAMES_CLASSES)
            return err_set(e, "%s: record %lld: expected a number from 0 to %d in %s, found %lld",
                           file, (long long)i, NAMES_CLASSES - 1, key, (long long)x);
        (*label)[i] = (int)x;
    }
    return 0;
}

static int rows_of(struct numpy_array *a, const struct pickle_value *v, const char *file,
                   struct err *e)
{
    const char *found = numpy_array(v, a);
    if (!found && (a->kind != 'u' || a->size != 1))
        found = "an array of another type";
    bool flat = !found && a->ndim == 2 && a->shape[1] == PIXELS;
    bool planes =
        !found && a->ndim == 4 && a->shape[1] == 3 && a->shape[2] == SIDE && a->shape[3] == SIDE;
    if (flat || planes)
        return 0;
    return err_set(e, "%s: data: expected a numpy array uint8 (n,%d), found %s", file, PIXELS,
                   found ? found : "an array of another shape");
}

/* Fills in `p` from its pickle. */
static int parse(struct pickled *p, const struct pickle_value *root, const char *file,
                 struct err *e)
{
    const struct pickle_value *data = pickle_get(root, "data");
    const struct pickle_value *fine = pickle_get(root, "fine_labels");
    const struct pickle_value *coarse = pickle_get(root, "coarse_labels");
    const struct pickle_value *plain = pickle_get(root, "labels");
    if (!data || (!fine && !plain))
        return err_set(e,
                       "%s: expected a pickled dict with data and labels or fine_labels, found %s",
                       file, pickle_items(root) ? "other keys" : "another value");
    struct numpy_array a;
    if (rows_of(&a, data, file, e) != 0)
        return -1;
    p->rows = a.shape[0];
    p->pixels = a.p;
    p->base.kind = fine ? "cifar100" : "cifar10";
    p->base.classes = fine ? CIFAR100_CLASSES : CIFAR10_CLASSES;
    p->base.superclasses = fine ? CIFAR100_SUPERCLASSES : 0;
    if (labels_of(&p->label, fine ? fine : plain, p->rows, fine ? "fine_labels" : "labels", file,
                  e) != 0)
        return -1;
    if (fine && coarse)
        return labels_of(&p->superclass, coarse, p->rows, "coarse_labels", file, e);
    return 0;
}

int source_pickle(struct source **out, struct in **in_taken, bool stream, struct err *e)
{
    struct in *in = *in_taken;
    const unsigned char *start;
    int64_t peeked = in_peek(in, &start, 3, e);
    if (peeked < 0)
        return -1;
    if (!pickle_starts(start, (size_t)peeked))
        return 0;
    struct pickled *p = mem_zero(1, sizeof *p);
    p->base = (struct source){
        .h = SIDE,
        .w = SIDE,
        .count = -1,
        .fixed_classes = true,
        .pickled = true,
        .at = pickled_at,
        .next = pickled_next,
        .close = pickled_close,
    };
    const char *file = in_name(in);
    if ((stream ? map_rest(&p->map, in, pickle_limit, e)
                : map_open(&p->map, file, pickle_limit, e)) != 0 ||
        pickle_read(&p->pickle, p->map.p, p->map.n, file, NULL, e) != 0 ||
        parse(p, pickle_root(p->pickle), file, e) != 0) {
        pickled_close(&p->base);
        return -1;
    }
    if (!stream) {
        p->base.count = p->rows;
        /* Pixels that stand in the file as they are stay there. */
        if (p->pixels >= p->map.p && p->pixels < p->map.p + p->map.n) {
            p->offset = p->pixels - p->map.p;
            p->pixels = NULL;
            pickle_free(p->pickle);
            p->pickle = NULL;
        }
        map_close(&p->map);
    }
    *in_taken = NULL;
    p->base.in = in;
    *out = &p->base;
    return 1;
}
