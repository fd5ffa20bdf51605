#include "cams.h"

#include "base/mem.h"
#include "base/real.h"
#include "cam/about.h"
#include "cam/layer.h"
#include "rows/target.h"
#include "data/data.h"
#include "model/score.h"
#include "stream/npy.h"

#include <stdlib.h>
#include <string.h>

enum {
    GRADIENTS = 16,         /* score vectors of an image that go backward together */
    ITEM_BYTES = 1 << 28,   /* the maps of an image */
    RECORD_BYTES = 1 << 22, /* written at a time, but for one image */
    COLUMNS = SCORE_TOP + 1 /* that hold a class */
};

/* The columns of the rows that hold a class, as targets_aims wants them. */
static const char *const column[] = {"pred", "true", "pred2", "pred3", "pred4", "pred5", NULL};

struct cams {
    struct targets *targets;
    struct layer *layer;
    const struct graph *graph;
    struct npy_out *npy;
    int planes, cells;
    float *items; /* (room, planes, cells) */
    int room;
};

int cams_new(struct cams **out, const char *targets, struct err *e)
{
    struct targets *t;
    if (targets_parse(&t, targets, e) != 0)
        return -1;
    struct cams *c = mem_zero(1, sizeof *c);
    c->targets = t;
    *out = c;
    return 0;
}

void cams_free(struct cams *c)
{
    if (!c)
        return;
    targets_free(c->targets);
    layer_close(c->layer);
    npy_abort(c->npy);
    free(c->items);
    free(c);
}

int cams_open(struct cams *c, const char *path, const struct graph *g, const char *layers,
              const struct method_how *how, const struct engine_opts *passes, struct err *e)
{
    const struct layer_opts o = {.names = layers, .how = *how, .passes = passes};
    int h, w;
    if (targets_begin(c->targets, column, graph_classes(g), e) != 0 ||
        layer_open(&c->layer, g, &o, e) != 0)
        return -1;
    if (layer_finished(c->layer) && targets_find(c->targets, "margin") >= 0)
        return err_set(e,
                       "--target margin: expected one layer, found '%s': maps of several layers "
                       "have no sign",
                       layers);
    layer_grid(c->layer, &h, &w);
    about_say(how, layer_closed(c->layer), layer_rectified(c->layer));
    c->graph = g;
    c->planes = targets_planes(c->targets);
    c->cells = h * w;
    if (layer_gradients(c->layer) && c->planes > GRADIENTS)
        return err_set(e,
                       "--target: expected at most %d maps of a layer before the last stage, found "
                       "%d: cam-compute makes any number",
                       GRADIENTS, c->planes);
    size_t item = (size_t)c->planes * (size_t)c->cells, bytes = item * sizeof *c->items;
    if (bytes > ITEM_BYTES)
        return err_set(e, "--target: expected maps of at most %d bytes for an image, found %zu",
                       ITEM_BYTES, bytes);
    c->room = bytes < RECORD_BYTES ? (int)(RECORD_BYTES / bytes) : 1;
    c->items = mem_alloc((size_t)c->room * item, sizeof *c->items);
    const int64_t shape[] = {c->planes, h, w};
    return npy_create(&c->npy, path, NPY_F32, 3, shape, e);
}

int cams_wants(const struct cams *c)
{
    return layer_wants(c->layer);
}

int cams_want(struct cams *c, struct engine_want *list, int *count)
{
    return layer_want(c->layer, c->planes, list, count);
}

/* The aim of each plane of an image. */
static void aims_of(const struct cams *c, const float *logits, int label, struct aim *aim)
{
    struct aim *word = mem_alloc((size_t)targets_words(c->targets), sizeof *word);
    struct score s;
    int cls[COLUMNS] = {-1, label, -1, -1, -1, -1};
    score_logits(&s, logits, graph_classes(c->graph), -1, 1);
    cls[0] = s.top[0];
    for (int i = 1; i < s.tops; i++)
        cls[i + 1] = s.top[i];
    targets_aims(c->targets, cls, word);
    for (int i = 0; i < c->planes; i++)
        aim[i] = targets_aim(c->targets, word, i);
    free(word);
}

void cams_seed(const struct cams *c, struct engine_batch *b)
{
    const struct data_item *image = b->tag;
    const size_t classes = (size_t)graph_classes(c->graph);
    struct aim aim[GRADIENTS];
    for (int i = 0; i < b->n; i++) {
        const float *logits = b->logits + (size_t)i * classes;
        /* Logits that are not finite end the run when the rows are written. */
        if (!real_finite(logits, classes))
            continue;
        aims_of(c, logits, image[i].label, aim);
        layer_seed(c->layer, b, i, aim, c->planes);
    }
}

/* A batch whose maps come in. */
struct batch {
    struct cams *cams;
    const struct engine_batch *of;
    const struct aim *aim;
    int held;
};

/* All planes of image `i`. */
static int take_maps(void *ctx, int i, const struct layer_maps *m, struct err *e)
{
    struct batch *b = ctx;
    struct cams *c = b->cams;
    const struct data_item *image = b->of->tag;
    const size_t cells = (size_t)c->cells, item = (size_t)c->planes * cells;
    const struct aim *aim = b->aim + (size_t)i * (size_t)c->planes;

    for (int k = 0; k < c->planes; k++)
        if (aim[k].cls >= 0 && !real_finite(m->raw + (size_t)k * cells, cells))
            return err_set(e, "image %lld: expected a finite map, found an overflow",
                           (long long)image[i].id);
    memcpy(c->items + (size_t)b->held++ * item, m->raw, item * sizeof *m->raw);
    if (b->held < c->room && i + 1 < b->of->n)
        return 0;
    int held = b->held;
    b->held = 0;
    return npy_write(c->npy, c->items, held, e);
}

int cams_put(struct cams *c, const struct engine_batch *b, struct err *e)
{
    const struct data_item *image = b->tag;
    const size_t planes = (size_t)c->planes, classes = (size_t)graph_classes(c->graph);
    struct aim *aim = mem_alloc((size_t)b->n * planes, sizeof *aim);
    int64_t *id = mem_alloc((size_t)b->n, sizeof *id);
    struct batch batch = {c, b, aim, 0};
    for (int i = 0; i < b->n; i++) {
        id[i] = image[i].id;
        aims_of(c, b->logits + (size_t)i * classes, image[i].label, aim + (size_t)i * planes);
    }
    int r = layer_run(c->layer, b, id, aim, c->planes, take_maps, &batch, e);
    free(aim);
    free(id);
    return r;
}

void cams_about(const struct cams *c, struct run *r)
{
    layer_about(c->layer, r);
}

struct out *cams_end(struct cams *c, struct err *e)
{
    struct npy_out *npy = c->npy;
    c->npy = NULL;
    return npy_end(npy, e);
}
