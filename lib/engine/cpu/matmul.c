#include "engine/cpu/matmul.h"

#include "engine/cpu/bf16.h"

#include <string.h>

static size_t size_of(const struct layout *l)
{
    return (size_t)l->cells * (size_t)l->c;
}

size_t matmul_scratch(const struct matmul *k)
{
    return (size_of(&k->x) + size_of(&k->m) + size_of(&k->y)) * sizeof(float);
}

/* The first element of an image. */
static ptrdiff_t image_at(const struct layout *l, int microbatch, int image)
{
    return (ptrdiff_t)microbatch * l->cells * l->cell + (ptrdiff_t)image * l->pitch;
}

/* Elements of an image as (cells, c). */
static void take(const struct layout *l, const void *x, ptrdiff_t at, float *to)
{
    for (int p = 0; p < l->cells; p++, at += l->cell, to += l->c) {
        if (!l->bf16)
            memcpy(to, (const float *)x + at, (size_t)l->c * sizeof *to);
        for (int c = 0; c < l->c && l->bf16; c++)
            to[c] = bf16_widen(((const uint16_t *)x)[at + c]);
    }
}

/* The same back, and 0 in the channels that pad. */
static void put(const struct layout *l, const float *from, void *y, ptrdiff_t at)
{
    for (int p = 0; p < l->cells; p++, at += l->cell, from += l->c)
        for (int c = 0; c < l->pitch; c++) {
            const float f = c < l->c ? from[c] : 0;
            if (l->bf16)
                ((uint16_t *)y)[at + c] = bf16_round(f);
            else
                ((float *)y)[at + c] = f;
        }
}

static void add(const struct layout *l, const float *from, float *dx, ptrdiff_t at)
{
    for (int p = 0; p < l->cells; p++, at += l->cell, from += l->c)
        for (int c = 0; c < l->c; c++)
            dx[at + c] += from[c];
}

/* y += f x */
static void add_row(float f, const float *restrict x, int n, float *restrict y)
{
    for (int i = 0; i < n; i++)
        y[i] += f * x[i];
}

static float dot(const float *x, const float *y, int n)
{
    float sum = 0;
    for (int i = 0; i < n; i++)
        sum += x[i] * y[i];
    return sum;
}

/* What goes on in each group at a cell of y: rows of x, y of that cell; m's cells are x's channels.
 */
typedef void at_cell(int in, int out, float *x, float *m, int stride, float *y);

static void make(int in, int out, float *x, float *m, int stride, float *y)
{
    for (int j = 0; j < in; j++)
        add_row(x[j], m + (ptrdiff_t)j * stride, out, y);
}

static void pass_x(int in, int out, float *dx, float *m, int stride, float *dy)
{
    for (int j = 0; j < in; j++)
        dx[j] = dot(m + (ptrdiff_t)j * stride, dy, out);
}

static void pass_m(int in, int out, float *x, float *dm, int stride, float *dy)
{
    for (int j = 0; j < in; j++)
        add_row(x[j], dy, out, dm + (ptrdiff_t)j * stride);
}

static void each(const struct matmul *k, at_cell *todo, float *x, float *m, float *y)
{
    const int in = k->m.cells, out = k->m.c / k->groups;
    for (int p = 0; p < k->y.cells; p++)
        for (int g = 0; g < k->groups; g++)
            todo(in, out, x + (ptrdiff_t)p * k->x.c + (ptrdiff_t)g * in, m + (ptrdiff_t)g * out,
                 k->m.c, y + (ptrdiff_t)p * k->y.c + (ptrdiff_t)g * out);
}

void matmul_forward(const struct matmul *k, const void *x, const void *m, void *y, int microbatches,
                    void *scratch)
{
    float *fx = scratch, *fm = fx + size_of(&k->x), *fy = fm + size_of(&k->m);
    for (int b = 0; b < microbatches; b++)
        for (int i = 0; i < k->y.n; i++) {
            take(&k->x, x, image_at(&k->x, b, i), fx);
            take(&k->m, m, image_at(&k->m, b, i), fm);
            memset(fy, 0, size_of(&k->y) * sizeof *fy);
            each(k, make, fx, fm, fy);
            put(&k->y, fy, y, image_at(&k->y, b, i));
        }
}

void matmul_back(const struct matmul *k, int input, const void *other, const float *dy, float *dx,
                 int microbatches, void *scratch)
{
    float *fx = scratch, *fm = fx + size_of(&k->x), *fy = fm + size_of(&k->m);
    struct layout from = k->y;
    from.bf16 = false;
    for (int b = 0; b < microbatches; b++)
        for (int i = 0; i < k->y.n; i++) {
            take(&from, dy, image_at(&k->y, b, i), fy);
            if (input == 0) {
                take(&k->m, other, image_at(&k->m, b, i), fm);
                each(k, pass_x, fx, fm, fy);
                add(&k->x, fx, dx, image_at(&k->x, b, i));
            } else {
                take(&k->x, other, image_at(&k->x, b, i), fx);
                memset(fm, 0, size_of(&k->m) * sizeof *fm);
                each(k, pass_m, fx, fm, fy);
                add(&k->m, fm, dx, image_at(&k->m, b, i));
            }
        }
}
