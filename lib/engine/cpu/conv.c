#include "engine/cpu/conv.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum {
    /* Transformed inputs on their way: what weights do not fill of a cache of 1 MiB
     * while they are small; else enough tiles to pay for reading the weights. */
    CHUNK_BYTES = 512 << 10,
    CHUNK_LEAST = 64,
    CHUNK_MOST = 96,
    /* Weights from which inputs are put side by side, as they are read for each block of outputs;
     * bytes of those inputs, and the least of outputs they are for. */
    GATHER_WEIGHTS = 256 << 10,
    GATHER_BYTES = 256 << 10,
    GATHER_LEAST = 192
};

const struct conv_tile conv_tile[CONV_FORMS] = {
    [CONV_WINO2] = {2, 4, 4, 1},
    [CONV_WINO4] = {4, 6, 6, 1},
    [CONV_WINO4_STRIDE2] = {4, 9, 9, 2},
};

static int ceil_div(int a, int b)
{
    return (a + b - 1) / b;
}

/* Pairs of an output and a tap that meet inside the map, of one dimension. */
static int meetings(const struct graph_axis *a, bool back, int outputs, int inputs)
{
    int n = 0;
    for (int o = 0; o < outputs; o++)
        for (int t = 0; t < a->k; t++)
            n += conv_meet(a, back, o, t, inputs) >= 0;
    return n;
}

static double direct_pairs(const struct conv_spec *s)
{
    return (double)meetings(&s->y, s->back, s->oh, s->ih) * meetings(&s->x, s->back, s->ow, s->iw);
}

static double tiled_products(const struct conv_spec *s, enum conv_form f)
{
    const struct conv_tile *t = &conv_tile[f];
    return (double)ceil_div(s->oh, t->out) * ceil_div(s->ow, t->out) * t->points * t->points;
}

/* Of 3 taps, one of which may reach out at the beginning. */
static bool is_three(const struct graph_axis *a, int stride)
{
    return a->k == 3 && a->before == 1 && a->gap == 0 && a->stride == stride;
}

static bool fits(const struct conv_spec *s, enum conv_form f)
{
    int stride = conv_tile[f].stride;
    return f == CONV_DIRECT || (!s->exact && is_three(&s->y, stride) && is_three(&s->x, stride) &&
                                !(s->back && stride != 1));
}

/* In multiply-accumulates. What the transforms take is measured: for each product about as
 * long as eight multiply-accumulates of a channel, of its input and of its output. */
static double cost(const struct conv_spec *s, enum conv_form f)
{
    if (f == CONV_DIRECT)
        return 1.05 * direct_pairs(s) * s->ic * s->op;
    return tiled_products(s, f) * ((double)s->ic * s->op + 8.0 * (s->ip + s->op));
}

enum conv_form conv_choose(const struct conv_spec *s)
{
    enum conv_form best = CONV_DIRECT;
    if (s->tiles)
        return CONV_TILES;
    for (enum conv_form f = CONV_WINO2; f < CONV_TILES; f++)
        if (fits(s, f) && cost(s, f) < cost(s, best))
            best = f;
    return best;
}

/* Of packed weights. */
static size_t elements(const struct conv_spec *s, enum conv_form f)
{
    int side = conv_tile[f].points, points = side ? side * side : conv_taps(s);
    return (size_t)points * (size_t)(f == CONV_TILES ? s->ip : s->ic) * (size_t)s->op;
}

static size_t element_size(enum conv_form f)
{
    return f == CONV_TILES ? sizeof(uint16_t) : sizeof(float);
}

size_t conv_weights(const struct conv_spec *s)
{
    enum conv_form f = conv_choose(s);
    return elements(s, f) * element_size(f);
}

void conv_open(struct conv *c, const struct conv_spec *s, const struct conv_kernels *k)
{
    *c = (struct conv){
        .spec = *s,
        .form = conv_choose(s),
        .kernels = k,
    };
    c->spec.ipitch = s->ipitch ? s->ipitch : s->ip;
    c->spec.opitch = s->opitch ? s->opitch : s->op;
    c->icell = (ptrdiff_t)s->n * c->spec.ipitch + s->igap;
    c->ocell = (ptrdiff_t)s->n * c->spec.opitch + s->ogap;
    c->gathers = c->form == CONV_DIRECT && !s->back && s->ic <= CONV_GATHERED &&
                 elements(s, c->form) * sizeof(float) >= GATHER_WEIGHTS;
    size_t points = (size_t)conv_points(c);
    if (c->gathers) {
        const int outputs = s->oh * s->ow * s->n,
                  pitch = ceil_div(conv_inputs(c), CONV_PITCH) * CONV_PITCH;
        int most = GATHER_BYTES / (pitch * (int)sizeof(float));
        most = most < GATHER_LEAST ? GATHER_LEAST : most;
        most = most < outputs ? most : outputs;
        c->chunk = most < s->n ? s->n : most;
        c->in_step = (size_t)pitch;
        c->scratch = ((size_t)c->chunk * c->in_step + CONV_GATHERED) * sizeof(float);
    } else if (c->form == CONV_TILES) {
        c->scratch = 2 * 4 * 16 * 16 * sizeof(float); /* of sums */
    } else if (c->form != CONV_DIRECT) {
        const struct conv_tile *t = &conv_tile[c->form];
        c->down = ceil_div(s->oh, t->out);
        c->across = ceil_div(s->ow, t->out);
        int tiles = c->down * c->across * s->n * s->microbatches;
        int most = CHUNK_BYTES / (int)(points * (size_t)s->ip * sizeof(float));
        most = most < CHUNK_LEAST ? CHUNK_LEAST : most > CHUNK_MOST ? CHUNK_MOST : most;
        c->chunk = ceil_div(tiles, ceil_div(tiles, most));
        /* One cache line more, so that products do not share a set where the rest is a
         * power of two. */
        c->in_step = (size_t)c->chunk * (size_t)s->ip + CONV_PITCH;
        c->sum_step = (size_t)c->chunk * CONV_SPAN + CONV_PITCH;
        c->scratch = (c->in_step + c->sum_step) * points * sizeof(float);
    }
    c->u = mem_large(elements(s, c->form), element_size(c->form));
    c->bias = mem_aligned((size_t)s->op, sizeof *c->bias);
    c->zero = mem_aligned((size_t)s->ip, sizeof *c->zero);
    if (s->b)
        memcpy(c->bias, s->b, (size_t)s->oc * sizeof *c->bias);
}

void conv_close(struct conv *c)
{
    free(c->u);
    free(c->bias);
    free(c->zero);
}

int conv_spans(const struct conv *c)
{
    return ceil_div(c->spec.op, CONV_SPAN);
}

void conv_pack(const struct conv *c, int span)
{
    c->kernels->pack(c, span);
}

void conv_run(const struct conv *c, const struct conv_call *k, void *scratch)
{
    c->kernels->run(c, k, scratch);
}

int64_t conv_done(const struct conv *c)
{
    const struct conv_spec *s = &c->spec;
    double each = conv_tile[c->form].points ? tiled_products(s, c->form) : direct_pairs(s);
    return (int64_t)(each * s->ic * s->oc);
}

int64_t conv_macs(const struct conv_spec *s)
{
    int64_t cells = s->back ? (int64_t)s->ih * s->iw : (int64_t)s->oh * s->ow;
    return cells * conv_taps(s) * s->ic * s->oc;
}
