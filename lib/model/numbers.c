/* The numbers of the operations: read, folded, put in order. */
#include "model/build.h"

#include "graph/rules.h"

#include "base/mem.h"

#include <glib.h>
#include <math.h>
#include <stdlib.h>

double build_eps(const struct build *b, const struct origin *from)
{
    return from->eps > 0 ? from->eps : b->assume.eps;
}

/* Weights and biases with the norm taken in: w' = w * gamma / sqrt(var + eps),
 * b' = beta + (b - mean) * gamma / sqrt(var + eps). Without a convolution w is 1. */
static int fold(struct build *b, const struct origin *s, float *w, int64_t each, float *bias,
                int64_t channels, struct err *e)
{
    const double eps = build_eps(b, s);
    float *part[NORM_TENSORS];
    bool finite = true;
    int r = 0;
    for (int i = 0; i < NORM_TENSORS; i++) {
        part[i] = mem_alloc((size_t)channels, sizeof(float));
        for (int64_t k = 0; k < channels && !s->norm.t[i]; k++)
            part[i][k] = i == NORM_WEIGHT ? 1 : 0;
        if (r == 0 && s->norm.t[i])
            r = ckpt_read(b->ckpt, s->norm.t[i], part[i], e);
    }
    for (int64_t k = 0; k < channels && r == 0; k++) {
        if (part[NORM_VAR][k] < 0) {
            r = err_set(e, "%s: key '%s': value %lld is %.9g, a variance cannot be negative",
                        ckpt_name(b->ckpt), s->norm.t[NORM_VAR]->name, (long long)k,
                        (double)part[NORM_VAR][k]);
            break;
        }
        double scale = part[NORM_WEIGHT][k] / sqrt(part[NORM_VAR][k] + eps);
        bias[k] = (float)(part[NORM_BIAS][k] + (bias[k] - (double)part[NORM_MEAN][k]) * scale);
        finite = finite && isfinite(bias[k]);
        for (int64_t j = k * each; j < (k + 1) * each; j++) {
            w[j] = (float)(w[j] * scale);
            finite = finite && isfinite(w[j]);
        }
    }
    for (int i = 0; i < NORM_TENSORS; i++)
        free(part[i]);
    if (r == 0 && !finite)
        return err_set(e, "%s: weights too large: '%s' with what it norms leaves the range of f32",
                       ckpt_name(b->ckpt),
                       s->norm.t[s->norm.t[NORM_WEIGHT] ? NORM_WEIGHT : NORM_VAR]->name);
    return r;
}

/* Images come in the order R, G, B: weights for another order are put in this one. */
static void swap_channels(float *w, int out, int in, int window)
{
    const size_t channel = (size_t)window, item = (size_t)in * channel;
    for (int k = 0; k < out; k++)
        for (size_t i = 0; i < channel; i++) {
            float *first = w + (size_t)k * item + i, *last = first + item - channel, t = *first;
            *first = *last;
            *last = t;
        }
}

/* Where no tensor gives them: the zeros and ones of a shortcut that pads, or of a norm alone. */
static void fill(const struct graph *g, const struct graph_op *op, const struct origin *from,
                 float *w, int64_t count)
{
    const int in = g->value[op->in[0]].c;
    const bool norm = op->kind == GRAPH_NORM || op->kind == GRAPH_LAYER_NORM;
    for (int c = 0; c < in && from->pad_from > 0; c++)
        w[(int64_t)(c + from->pad_before) * in + c] = 1;
    for (int64_t k = 0; k < count && (norm || from->constant); k++)
        w[k] = from->constant ? from->factor : 1;
}

/* The weights of an offset (c, cells): tensors (c, n) added to n cells each. */
static int load_pieces(struct build *b, const struct origin *from, float *w, int64_t channels,
                       int64_t cells, struct err *e)
{
    for (int i = 0; i < BUILD_PIECES && from->piece[i].tensor; i++) {
        const struct piece *p = &from->piece[i];
        const int64_t n = p->tensor->count / channels;
        float *part = mem_alloc((size_t)p->tensor->count, sizeof *part);
        const int r = ckpt_read(b->ckpt, p->tensor, part, e);
        for (int64_t k = 0; k < p->tensor->count && r == 0; k++)
            w[k / n * cells + p->from + k % n] += part[k];
        free(part);
        if (r != 0)
            return -1;
    }
    return 0;
}

static int invert(const struct build *b, const char *key, float *w, int64_t count, struct err *e)
{
    for (int64_t k = 0; k < count; k++) {
        w[k] = 1 / w[k];
        if (!isfinite(w[k]))
            return err_set(e, "%s: key '%s': expected divisors other than 0, found one",
                           ckpt_name(b->ckpt), key);
    }
    return 0;
}

static int load_op(struct build *b, int i, struct err *e)
{
    struct graph_op *op = &b->graph->op[i];
    const struct origin *from = &b->origin[i];
    int64_t count = graph_op_weights(b->graph, op), channels = b->graph->value[op->out].c;
    if (count == 0)
        return 0;
    float *w = mem_zero((size_t)count, sizeof *w), *bias;
    op->w = w;
    if (op->kind == GRAPH_OFFSET)
        return load_pieces(b, from, w, channels, count / channels, e);
    if (op->kind == GRAPH_ATTENTION)
        return ckpt_read(b->ckpt, from->w, w, e);
    op->b = bias = mem_zero((size_t)channels, sizeof *bias);
    fill(b->graph, op, from, w, count);
    for (int64_t k = 0; k < channels && from->constant; k++)
        bias[k] = from->offset;
    if ((from->w && ckpt_read(b->ckpt, from->w, w, e) != 0) ||
        (from->b && ckpt_read(b->ckpt, from->b, bias, e) != 0))
        return -1;
    if (from->w && from->inverse && invert(b, from->w->name, w, count, e) != 0)
        return -1;
    for (int64_t k = 0; k < count && from->w && from->factor > 0; k++)
        w[k] *= from->factor;
    for (int64_t k = 0; k < channels && from->w && from->factor > 0; k++)
        bias[k] *= from->factor;
    if (op->in[0] == 0 && b->assume.bgr)
        swap_channels(w, (int)channels, b->graph->value[0].c, op->y.k * op->x.k);
    return norm_is_there(&from->norm) ? fold(b, from, w, count / channels, bias, channels, e) : 0;
}

/* What the checkpoint says of the input of a norm that is not folded. */
static int load_norm(struct build *b, int i, struct err *e)
{
    struct model *m = b->model;
    const struct graph_op *op = &b->graph->op[i];
    const struct origin *from = &b->origin[i];
    const size_t channels = (size_t)b->graph->value[op->in[0]].c;
    m->norm = mem_extend(m->norm, (size_t)m->norms, (size_t)m->norms + 1, sizeof *m->norm);
    struct model_norm *norm = &m->norm[m->norms++];
    *norm = (struct model_norm){.key = mem_dup(op->key),
                                .value = op->in[0],
                                .eps = build_eps(b, from),
                                .mean = mem_alloc(channels, sizeof(float)),
                                .var = mem_alloc(channels, sizeof(float))};
    return ckpt_read(b->ckpt, from->norm.t[NORM_MEAN], norm->mean, e) != 0 ||
                   ckpt_read(b->ckpt, from->norm.t[NORM_VAR], norm->var, e) != 0
               ? -1
               : 0;
}

/* Those of one place of the network each: a norm that is run twice has recorded both. */
static int load_norms(struct build *b, struct err *e)
{
    GHashTable *seen = g_hash_table_new(NULL, NULL);
    int r = 0;
    for (int i = 0; i < b->graph->ops; i++) {
        gpointer var = (gpointer)b->origin[i].norm.t[NORM_VAR];
        if (var)
            g_hash_table_insert(seen, var, g_hash_table_contains(seen, var) ? seen : NULL);
    }
    for (int i = 0; i < b->graph->ops && r == 0; i++) {
        gconstpointer var = b->origin[i].norm.t[NORM_VAR];
        if (var && !g_hash_table_lookup(seen, var))
            r = load_norm(b, i, e);
    }
    g_hash_table_destroy(seen);
    return r;
}

int build_load(struct build *b, struct err *e)
{
    const struct graph *g = b->graph;
    ckpt_pass(b->ckpt);
    /* Keys that share their numbers could make a network of any size. */
    if ((uint64_t)b->numbers * sizeof(float) > ckpt_limit(b->ckpt))
        return err_set(
            e,
            "%s: expected a network in keeping with the file, found one of %lld elements "
            "in %llu bytes",
            ckpt_name(b->ckpt), (long long)b->numbers, (unsigned long long)ckpt_stored(b->ckpt));
    for (int i = 0; i < g->ops; i++) {
        if (load_op(b, i, e) != 0)
            return -1;
        b->model->statistics = b->model->statistics || norm_is_there(&b->origin[i].norm);
    }
    if (b->opts->unfolded)
        return load_norms(b, e);
    graph_merge(b->graph);
    return 0;
}
