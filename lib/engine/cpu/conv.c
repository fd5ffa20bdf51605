#include "engine/cpu/conv.h"

#include "base/mem.h"
#include "engine/cpu/kept.h"

#include <stdlib.h>
#include <string.h>

enum {
    /* Transformed inputs on their way: what leaves room for their sums in a cache of 1 MiB; but
     * a tile for so many bytes of weights, to pay for reading them. */
    CHUNK_BYTES = 512 << 10,
    CHUNK_WEIGHTS = 96 << 10,
    CHUNK_LEAST = 16,
    CHUNK_MOST = 84,
    /* Weights from which inputs are put side by side, as they are read for each block of outputs;
     * bytes of those inputs, and the least of outputs they are for. */
    GATHER_WEIGHTS = 256 << 10,
    GATHER_BYTES = 256 << 10,
    GATHER_LEAST = 192
};

/* Multiply-accumulates of a pair of channels that a batch could do, for each image, while one of
 * their weights is read. */
static const double weight_cost = 1;

/* Of the same points, the fewer first, see winograd.inc. */
const struct conv_size *conv_sizes(int stride)
{
    static const struct conv_size size[2][CONV_SIZES] = {
        {{2, 4, 4}, {4, 6, 6}, {5, 7, 7}, {6, 8, 8}},
        {{4, 9, 5}, {7, 15, 8}},
    };
    return size[stride - 1];
}

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

/* --- tiles --- */

/* Of all tiles of one dimension. */
static int products(const struct conv_cut *cut)
{
    int n = 0;
    for (int z = 0; z <= cut->largest; z++) {
        const struct conv_size *size = &conv_sizes(cut->stride)[z];
        n += cut->tiles[z] * (size->points + (cut->stride == 2 ? size->out : 0));
    }
    return n;
}

/* The fewest products with a largest size, of which there is one at least: up to three tiles of
 * each other size make up what is left. */
static struct conv_cut best_cut(int stride, int outputs, int largest)
{
    const struct conv_size *sizes = conv_sizes(stride);
    const int all = outputs > 0 ? ceil_div(outputs, sizes[largest].out) : 1;
    struct conv_cut best = {.stride = stride, .largest = largest, .count = all};
    best.tiles[largest] = all;
    for (int some = 1; some < 1 << 2 * largest; some++) {
        struct conv_cut cut = {.stride = stride, .largest = largest};
        int left = outputs;
        for (int z = 0; z < largest; z++) {
            cut.tiles[z] = some >> 2 * z & 3;
            cut.count += cut.tiles[z];
            left -= cut.tiles[z] * sizes[z].out;
        }
        cut.tiles[largest] = left > 1 ? ceil_div(left, sizes[largest].out) : 1;
        cut.count += cut.tiles[largest];
        if (products(&cut) < products(&best))
            best = cut;
    }
    return best;
}

static double cut_cost(const struct conv_cut *down, const struct conv_cut *across)
{
    return (double)products(down) * products(across) +
           weight_cost * conv_slots(down) * conv_slots(across);
}

void conv_cuts(const struct conv_spec *s, struct conv_cut *down, struct conv_cut *across)
{
    const struct conv_size *sizes = conv_sizes(s->y.stride);
    struct conv_cut y[CONV_SIZES], x[CONV_SIZES];
    int n = 0;
    for (; n < CONV_SIZES && sizes[n].out > 0; n++) {
        y[n] = best_cut(s->y.stride, s->oh, n);
        x[n] = best_cut(s->x.stride, s->ow, n);
    }
    *down = y[0];
    *across = x[0];
    for (int i = 0; i < n; i++)
        for (int k = 0; k < n; k++)
            if (cut_cost(&y[i], &x[k]) <= cut_cost(down, across)) {
                *down = y[i];
                *across = x[k];
            }
}

/* --- forms --- */

/* Of 3 taps, one of which may reach out at the beginning. */
static bool is_three(const struct graph_axis *a, int stride)
{
    return a->k == 3 && a->before == 1 && a->gap == 0 && a->stride == stride;
}

static bool fits(const struct conv_spec *s, enum conv_form f)
{
    const int stride = f == CONV_WINO_STRIDE2 ? 2 : 1;
    return f == CONV_DIRECT || (!s->exact && is_three(&s->y, stride) && is_three(&s->x, stride) &&
                                !(s->back && stride != 1));
}

/* In multiply-accumulates. What the transforms take is measured: for each product about as
 * long as twelve multiply-accumulates of a channel, of its input and of its output. */
static double cost(const struct conv_spec *s, enum conv_form f)
{
    struct conv_cut down, across;
    if (f == CONV_DIRECT)
        return 1.05 * direct_pairs(s) * s->ic * s->op;
    conv_cuts(s, &down, &across);
    return (double)products(&down) * products(&across) *
           ((double)s->ic * s->op + 12.0 * (s->ip + s->op));
}

enum conv_form conv_choose(const struct conv_spec *s)
{
    enum conv_form best = CONV_DIRECT;
    if (s->tiles)
        return CONV_TILES;
    for (enum conv_form f = CONV_WINO; f < CONV_TILES; f++)
        if (fits(s, f) && cost(s, f) < cost(s, best))
            best = f;
    return best;
}

/* Of packed weights. */
static size_t elements(const struct conv_spec *s, enum conv_form f)
{
    struct conv_cut down, across;
    int points = conv_taps(s);
    if (conv_is_winograd(f)) {
        conv_cuts(s, &down, &across);
        points = conv_slots(&down) * conv_slots(&across);
    }
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

/* Rows of a tile that are multiplied by a slot's weights. */
static int slot_rows(const struct conv_cut *cut, int slot)
{
    const bool middle = cut->stride == 2 && slot == conv_slots(cut) - 1;
    return middle ? conv_sizes(cut->stride)[cut->largest].out : 1;
}

static void open_winograd(struct conv *c)
{
    const struct conv_spec *s = &c->spec;
    conv_cuts(s, &c->down, &c->across);
    const int all = c->down.count * c->across.count, tiles = all * s->n * s->microbatches,
              slots = conv_points(c), row = conv_slots(&c->across);
    const int64_t bytes =
        (int64_t)products(&c->down) * products(&c->across) / all * s->ip * (int64_t)sizeof(float);
    const size_t share = elements(s, c->form) * sizeof(float) / CHUNK_WEIGHTS;
    int most = (int)(CHUNK_BYTES / bytes);
    most = (size_t)most < share ? (int)share : most;
    most = most < CHUNK_LEAST ? CHUNK_LEAST : most > CHUNK_MOST ? CHUNK_MOST : most;
    c->chunk = ceil_div(tiles, ceil_div(tiles, most));
    for (int q = 0; q < slots; q++)
        c->row[q + 1] = c->row[q] + (size_t)c->chunk * (size_t)slot_rows(&c->down, q / row) *
                                        (size_t)slot_rows(&c->across, q % row);
    /* Between slots a cache line, so that they do not share a set where the rest is a power of two.
     */
    c->scratch = (c->row[slots] * (size_t)(s->ip + CONV_SPAN) + 2 * (size_t)slots * CONV_PITCH) *
                 sizeof(float);
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
        open_winograd(c);
    }
    c->u = s->kept ? kept_take(s->kept, c, conv_weights(s), &c->packed)
                   : mem_large(elements(s, c->form), element_size(c->form));
    c->bias = mem_aligned((size_t)s->op, sizeof *c->bias);
    c->zero = mem_aligned((size_t)s->ip, sizeof *c->zero);
    if (s->b)
        memcpy(c->bias, s->b, (size_t)s->oc * sizeof *c->bias);
}

void conv_close(struct conv *c)
{
    if (c->spec.kept)
        kept_release(c->spec.kept, c->u);
    else
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
    double each = conv_is_winograd(c->form) ? (double)products(&c->down) * products(&c->across)
                                            : direct_pairs(s);
    return (int64_t)(each * s->ic * s->oc);
}

int64_t conv_macs(const struct conv_spec *s)
{
    int64_t cells = s->back ? (int64_t)s->ih * s->iw : (int64_t)s->oh * s->ow;
    return cells * conv_taps(s) * s->ic * s->oc;
}
