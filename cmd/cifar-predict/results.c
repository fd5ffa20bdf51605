#include "results.h"

#include "base/mem.h"
#include "base/real.h"
#include "cam/cam.h"
#include "model/score.h"
#include "rows/put.h"
#include "stream/npy.h"
#include "stream/tsv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS                                                                                    \
    "id true pred correct conf p_true rank_true margin entropy loss true_name pred_name "          \
    "true_group pred_group pred2 pred3 pred4 pred5 conf2 conf3 conf4 conf5"

enum tensor {
    LOGITS,
    FEATURES,
    CLASS_MAPS,
    EMBEDDINGS,
    IDS,
    LINEAR_WEIGHTS,
    LINEAR_BIASES,
    TENSORS
};

struct results {
    struct results_opts opts;
    int classes;
    /* Of the network, where they are wanted: a value or -1, and its result. */
    int value[TENSORS], result[TENSORS];
    struct graph_grid grid[TENSORS];
    float *item; /* room for one that is not written as it comes */
    struct views_sum views;
    struct out *out;
    struct tsv_out *rows;
    struct npy_out *tensor[TENSORS];
    int64_t images;
    bool others; /* an image had logits that are no probabilities */
    int view;    /* the one that comes next */
};

/* The cells of a value that are written: those that have places; of an embedding one, their
 * mean. */
static struct graph_grid grid_of(const struct graph *g, int value, enum tensor t)
{
    struct graph_grid grid = {1, 1, 0};
    if (t != EMBEDDINGS)
        graph_grid(g, value, &grid);
    return grid;
}

int results_new(struct results **out, const struct results_opts *o, struct err *e)
{
    const int last = graph_last_stage(o->graph), embedding = graph_embedding(o->graph);
    int features = !o->features ? -1 : o->layer ? graph_layer(o->graph, o->layer, e) : last;
    if (o->features && o->layer && features < 0)
        return -1;
    if (o->features && features < 0)
        return err_set(e, "--features: expected --layer, as the network has no last stage that is "
                          "pooled, found none");
    if (o->class_maps && last < 0)
        return err_set(e, "--class-maps: expected a network that ends in pooling over all cells "
                          "and one linear layer, found another: --cams makes maps of any network");
    if (o->embeddings && embedding < 0)
        return err_set(e, "--embeddings: expected a network with a linear layer or a convolution, "
                          "found none");
    if ((o->linear_weights || o->linear_biases) && !o->linear.w)
        return err_set(e,
                       "--linear-%s: expected a network in which a linear layer makes the logits, "
                       "found another",
                       o->linear_weights ? "weights" : "biases");
    struct results *r = mem_zero(1, sizeof *r);
    r->opts = *o;
    r->classes = graph_classes(o->graph);
    for (int t = 0; t < TENSORS; t++)
        r->value[t] = -1;
    r->value[FEATURES] = features;
    r->value[CLASS_MAPS] = o->class_maps ? last : -1;
    r->value[EMBEDDINGS] = o->embeddings ? embedding : -1;
    for (int t = 0; t < TENSORS; t++)
        if (r->value[t] >= 0)
            r->grid[t] = grid_of(o->graph, r->value[t], (enum tensor)t);
    views_open(&r->views, o->views, r->classes);
    *out = r;
    return 0;
}

void results_free(struct results *r)
{
    if (!r)
        return;
    views_close(&r->views);
    free(r->item);
    free(r);
}

int results_wants(const struct results *r)
{
    return TENSORS + (r->opts.cams ? cams_wants(r->opts.cams) : 0);
}

int results_want(struct results *r, struct engine_want *list, int *count)
{
    for (int t = 0; t < TENSORS; t++)
        if (r->value[t] >= 0)
            r->result[t] = engine_add_want(list, count, r->value[t],
                                           t == CLASS_MAPS ? ENGINE_CLASS_MAPS : ENGINE_ACTIVATION);
    return r->opts.cams ? cams_want(r->opts.cams, list, count) : 0;
}

static int open_tensor(struct results *r, enum tensor t, const char *path, enum npy_type type,
                       int axes, int64_t channels, struct err *e)
{
    const int64_t shape[] = {channels, r->grid[t].h, r->grid[t].w};
    return path ? npy_create(&r->tensor[t], path, type, axes, shape, e) : 0;
}

static int channels(const struct results *r, enum tensor t)
{
    return r->value[t] < 0 ? 0 : r->opts.graph->value[r->value[t]].c;
}

/* What the embeddings become logits by is no part of any image. */
static int put_linear(struct results *r, struct err *e)
{
    const struct results_opts *o = &r->opts;
    struct npy_out *const w = r->tensor[LINEAR_WEIGHTS], *const b = r->tensor[LINEAR_BIASES];
    if (w && npy_write(w, o->linear.w, o->linear.classes, e) != 0)
        return -1;
    return b ? npy_write(b, o->linear.b, o->linear.classes, e) : 0;
}

int results_open(struct results *r, struct err *e)
{
    const struct results_opts *o = &r->opts;
    if (open_tensor(r, LOGITS, o->logits, NPY_F32, 1, r->classes, e) != 0 ||
        open_tensor(r, FEATURES, o->features, NPY_F32, 3, channels(r, FEATURES), e) != 0 ||
        open_tensor(r, CLASS_MAPS, o->class_maps, NPY_F32, 3, r->classes, e) != 0 ||
        open_tensor(r, EMBEDDINGS, o->embeddings, NPY_F32, 1, channels(r, EMBEDDINGS), e) != 0 ||
        open_tensor(r, IDS, o->ids, NPY_I64, 0, 0, e) != 0 ||
        open_tensor(r, LINEAR_WEIGHTS, o->linear_weights, NPY_F32, 1, o->linear.channels, e) != 0 ||
        open_tensor(r, LINEAR_BIASES, o->linear_biases, NPY_F32, 0, 0, e) != 0 ||
        put_linear(r, e) != 0 || out_open(&r->out, "-", e) != 0)
        return -1;
    char *names =
        mem_printf("%s%s%s", COLUMNS, o->views == VIEWS_NONE ? "" : " views_agree views_conf_min",
                   data_has_files(o->data) ? " file" : "");
    r->rows = tsv_begin(r->out, names);
    free(names);
    return 0;
}

/* --- rows --- */

static void put_superclass(const struct results *r, int cls)
{
    const struct names *n = r->opts.names;
    bool known = cls >= 0 && cls < n->classes;
    put_superclass_name(r->rows, n, known ? n->superclass[cls] : -1);
}

static void put_views(const struct results *r, int pred)
{
    struct views_agreement a;
    views_agree(&r->views, pred, r->opts.temperature, &a);
    tsv_put_real(r->rows, a.share);
    tsv_put_real(r->rows, a.least);
}

static bool are_probabilities(const float *logits, int n)
{
    double sum = 0;
    for (int c = 0; c < n; c++) {
        if (logits[c] < 0)
            return false;
        sum += (double)logits[c];
    }
    return n > 1 && fabs(sum - 1) < 1e-4;
}

static int put_row(struct results *r, const struct data_item *item, const float *logits,
                   struct err *e)
{
    struct tsv_out *t = r->rows;
    struct score s;
    r->others = r->others || !are_probabilities(logits, r->classes);
    score_logits(&s, logits, r->classes, item->label, r->opts.temperature);
    bool labelled = item->label >= 0;
    tsv_put_int(t, item->id);
    put_class(t, item->label);
    put_class(t, s.top[0]);
    put_class(t, labelled ? s.top[0] == item->label : -1);
    tsv_put_real(t, s.prob[0]);
    tsv_put_real(t, s.p_true);
    put_class(t, labelled ? s.rank_true : -1);
    tsv_put_real(t, s.margin);
    tsv_put_real(t, s.entropy);
    tsv_put_real(t, s.loss);
    put_class_name(t, r->opts.names, item->label);
    put_class_name(t, r->opts.names, s.top[0]);
    put_superclass(r, item->label);
    put_superclass(r, s.top[0]);
    for (int i = 1; i < SCORE_TOP; i++)
        put_class(t, i < s.tops ? s.top[i] : -1);
    for (int i = 1; i < SCORE_TOP; i++)
        tsv_put_real(t, i < s.tops ? s.prob[i] : NAN);
    if (r->opts.views != VIEWS_NONE)
        put_views(r, s.top[0]);
    if (data_has_files(r->opts.data)) {
        char *file = data_file(r->opts.data, item->id);
        tsv_put_string(t, file);
        free(file);
    }
    return tsv_end(t, e);
}

static int check_logits(const struct results *r, const struct data_item *item, const float *logits,
                        struct err *e)
{
    for (int c = 0; c < r->classes; c++)
        if (!isfinite(logits[c]))
            return err_set(e, "%s: image %lld: the logit of class %d is not finite",
                           data_name(r->opts.data), (long long)item->id, c);
    return 0;
}

/* --- batches --- */

static int put_tensor(const struct results *r, enum tensor t, const void *items, int n,
                      struct err *e)
{
    return r->tensor[t] ? npy_write(r->tensor[t], items, n, e) : 0;
}

/* The mean over all cells of each channel, or the cells that have places. */
static const float *part_of(const struct results *r, enum tensor t, const float *item)
{
    const struct graph_grid *grid = &r->grid[t];
    const size_t cells = graph_cells(r->opts.graph, r->value[t]),
                 places = (size_t)grid->h * (size_t)grid->w;
    const int channels = r->opts.graph->value[r->value[t]].c;
    for (int k = 0; k < channels; k++, item += cells)
        if (t == EMBEDDINGS)
            r->item[k] = (float)(cam_sum(item, (int)cells) / (double)cells);
        else
            memcpy(r->item + (size_t)k * places, item + grid->first, places * sizeof *r->item);
    return r->item;
}

static int put_value(struct results *r, enum tensor t, const float *items, int n, struct err *e)
{
    const struct graph *g = r->opts.graph;
    const size_t size = graph_size(g, r->value[t]),
                 places = (size_t)r->grid[t].h * (size_t)r->grid[t].w;
    if (t == CLASS_MAPS || graph_cells(g, r->value[t]) == places)
        return put_tensor(r, t, items, n, e);
    r->item = mem_grow(r->item, size, sizeof *r->item);
    for (int i = 0; i < n; i++)
        if (put_tensor(r, t, part_of(r, t, items + (size_t)i * size), 1, e) != 0)
            return -1;
    return 0;
}

/* Results of `n` images of a batch from image `i` on. */
static int put_values(struct results *r, const struct engine_batch *b, int i, int n, struct err *e)
{
    for (int t = 0; t < TENSORS; t++) {
        if (r->value[t] < 0)
            continue;
        size_t cells = graph_cells(r->opts.graph, r->value[t]),
               planes = (size_t)(t == CLASS_MAPS ? r->classes : channels(r, (enum tensor)t));
        if (put_value(r, (enum tensor)t,
                      b->results[r->result[t]].values + (size_t)i * planes * cells, n, e) != 0)
            return -1;
    }
    return 0;
}

/* The next view of an image: the first one gives its values, the last one its row. */
static int put_view(struct results *r, const struct engine_batch *b, int i, struct err *e)
{
    const struct data_item *item = (const struct data_item *)b->tag + i;
    const float *logits = b->logits + (size_t)i * (size_t)r->classes;
    bool first = r->view == 0;
    r->view = (r->view + 1) % r->views.views;
    if (check_logits(r, item, logits, e) != 0 || (first && put_values(r, b, i, 1, e) != 0))
        return -1;
    if (!views_add(&r->views, logits))
        return 0;
    r->images++;
    if (put_row(r, item, r->views.logits, e) != 0 || put_tensor(r, IDS, &item->id, 1, e) != 0)
        return -1;
    return put_tensor(r, LOGITS, r->views.logits, 1, e);
}

static int put_images(struct results *r, const struct engine_batch *b, struct err *e)
{
    const struct data_item *item = b->tag;
    for (int i = 0; i < b->n; i++) {
        const float *logits = b->logits + (size_t)i * (size_t)r->classes;
        if (check_logits(r, &item[i], logits, e) != 0 || put_row(r, &item[i], logits, e) != 0 ||
            put_tensor(r, IDS, &item[i].id, 1, e) != 0)
            return -1;
    }
    r->images += b->n;
    if (put_tensor(r, LOGITS, b->logits, b->n, e) != 0 || put_values(r, b, 0, b->n, e) != 0)
        return -1;
    return r->opts.cams ? cams_put(r->opts.cams, b, e) : 0;
}

static int put_batch(struct results *r, const struct engine_batch *b, struct err *e)
{
    if (r->opts.views == VIEWS_NONE)
        return put_images(r, b, e);
    for (int i = 0; i < b->n; i++)
        if (put_view(r, b, i, e) != 0)
            return -1;
    return 0;
}

int results_put(struct results *r, const struct engine_batch *b, struct err *e)
{
    struct err ignored = {0};
    if (put_batch(r, b, e) == 0)
        return out_flush(r->out, e);
    if (!e->closed)
        err_ignore(out_flush(r->out, &ignored));
    return -1;
}

int64_t results_images(const struct results *r)
{
    return r->images;
}

bool results_probabilities(const struct results *r)
{
    return r->images > 0 && !r->others;
}

int results_end(struct results *r, struct out **outs, struct err *e)
{
    tsv_free(r->rows);
    if (out_flush(r->out, e) != 0)
        return -1;
    *outs++ = r->out;
    for (int t = 0; t < TENSORS; t++) {
        struct npy_out *npy = r->tensor[t];
        r->tensor[t] = NULL;
        *outs = npy ? npy_end(npy, e) : NULL;
        if (npy && !*outs)
            return -1;
        outs++;
    }
    *outs = NULL;
    return r->opts.cams ? (*outs = cams_end(r->opts.cams, e)) ? 0 : -1 : 0;
}
