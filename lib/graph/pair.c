/* Two values element by element, one of which may have a single cell or channel for many. */
#include "graph/kinds.h"

/* How far apart, in an input, the elements are that belong to neighbours in the result: 0 along a
 * side of 1. */
struct steps {
    size_t c, h, w;
};

static struct steps steps_of(const struct graph_value *v)
{
    const size_t row = (size_t)v->w, plane = row * (size_t)v->h;
    return (struct steps){v->c > 1 ? plane : 0, v->h > 1 ? row : 0, v->w > 1 ? 1 : 0};
}

static size_t place(const struct steps *s, int c, int y, int x)
{
    return (size_t)c * s->c + (size_t)y * s->h + (size_t)x * s->w;
}

/* What one element of the result and its gradient are to do with its two operands. */
typedef void pair_each(const struct graph_op *op, const struct graph_image *image, size_t out,
                       size_t a, size_t b, int input);

static void each(const struct graph *g, const struct graph_op *op, const struct graph_image *image,
                 int input, pair_each *todo)
{
    const struct graph_value *to = &g->value[op->out];
    const struct steps a = steps_of(&g->value[op->in[0]]), b = steps_of(&g->value[op->in[1]]);
    size_t out = 0;
    for (int c = 0; c < to->c; c++)
        for (int y = 0; y < to->h; y++)
            for (int x = 0; x < to->w; x++, out++)
                todo(op, image, out, place(&a, c, y, x), place(&b, c, y, x), input);
}

static void add_one(const struct graph_op *op, const struct graph_image *image, size_t out,
                    size_t a, size_t b, int input)
{
    (void)input;
    image->value[op->out][out] =
        kind_finish(op, (double)image->value[op->in[0]][a] + image->value[op->in[1]][b]);
}

static void add_back(const struct graph_op *op, const struct graph_image *image, size_t out,
                     size_t a, size_t b, int input)
{
    image->grad[op->in[input]][input == 0 ? a : b] += image->grad[op->out][out];
}

void kind_add_forward(const struct graph *g, const struct graph_op *op,
                      const struct graph_image *image)
{
    each(g, op, image, 0, add_one);
}

void kind_add_backward(const struct graph *g, const struct graph_op *op,
                       const struct graph_image *image, int input)
{
    each(g, op, image, input, add_back);
}

static void multiply_one(const struct graph_op *op, const struct graph_image *image, size_t out,
                         size_t a, size_t b, int input)
{
    (void)input;
    image->value[op->out][out] = image->value[op->in[0]][a] * image->value[op->in[1]][b];
}

static void multiply_back(const struct graph_op *op, const struct graph_image *image, size_t out,
                          size_t a, size_t b, int input)
{
    const float other = image->value[op->in[!input]][input == 0 ? b : a];
    image->grad[op->in[input]][input == 0 ? a : b] += image->grad[op->out][out] * other;
}

void kind_multiply_forward(const struct graph *g, const struct graph_op *op,
                           const struct graph_image *image)
{
    each(g, op, image, 0, multiply_one);
}

void kind_multiply_backward(const struct graph *g, const struct graph_op *op,
                            const struct graph_image *image, int input)
{
    each(g, op, image, input, multiply_back);
}
