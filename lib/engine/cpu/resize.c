#include "engine/cpu/resize.h"

#include "engine/cpu/bf16.h"

#include <string.h>

/* Channels of all images of a cell, those that pad among them. */
static size_t numbers(const struct layout *l)
{
    return (size_t)l->n * (size_t)l->pitch;
}

size_t resize_scratch(const struct resize *r)
{
    return numbers(&r->out) * sizeof(float);
}

/* y += f x */
static void add(float f, const float *restrict x, size_t n, float *restrict y)
{
    for (size_t i = 0; i < n; i++)
        y[i] += f * x[i];
}

static void add_half(float f, const uint16_t *restrict x, size_t n, float *restrict y)
{
    for (size_t i = 0; i < n; i++)
        y[i] += f * bf16_widen(x[i]);
}

/* What a cell of the result has of the input: the k-th cell in row i of those that it is made of,
 * how far behind the first of a microbatch, and its weight. */
static ptrdiff_t share(const struct resize *r, int oy, int ox, int i, int k, float *f)
{
    const ptrdiff_t row = r->rows.first[oy] + i, column = r->columns.first[ox] + k;
    *f = r->rows.w[(ptrdiff_t)oy * r->rows.each + i] *
         r->columns.w[(ptrdiff_t)ox * r->columns.each + k];
    return (row * r->w + column) * r->in.cell;
}

void resize_forward(const struct resize *r, const void *x, void *y, int microbatches, void *scratch)
{
    const size_t n = numbers(&r->out);
    float *sum = scratch, f;
    ptrdiff_t to = 0;
    for (int m = 0; m < microbatches; m++)
        for (int o = 0; o < r->out.cells; o++, to += r->out.cell) {
            memset(sum, 0, n * sizeof *sum);
            for (int i = 0; i < r->rows.each; i++)
                for (int k = 0; k < r->columns.each; k++) {
                    const ptrdiff_t at =
                        (ptrdiff_t)m * r->in.cells * r->in.cell +
                        share(r, o / r->columns.cells, o % r->columns.cells, i, k, &f);
                    if (r->in.bf16)
                        add_half(f, (const uint16_t *)x + at, n, sum);
                    else
                        add(f, (const float *)x + at, n, sum);
                }
            if (!r->out.bf16)
                memcpy((float *)y + to, sum, n * sizeof *sum);
            for (size_t i = 0; i < n && r->out.bf16; i++)
                ((uint16_t *)y)[to + (ptrdiff_t)i] = bf16_round(sum[i]);
        }
}

void resize_back(const struct resize *r, const float *dy, float *dx, int microbatches)
{
    float f;
    for (int m = 0; m < microbatches; m++)
        for (int o = 0; o < r->out.cells; o++, dy += r->out.cell)
            for (int i = 0; i < r->rows.each; i++)
                for (int k = 0; k < r->columns.each; k++) {
                    const ptrdiff_t at =
                        (ptrdiff_t)m * r->in.cells * r->in.cell +
                        share(r, o / r->columns.cells, o % r->columns.cells, i, k, &f);
                    add(f, dy, numbers(&r->out), dx + at);
                }
}
