#include "engine/cpu/moves.h"

#include "base/mem.h"
#include "engine/cpu/bf16.h"

#include <stdlib.h>
#include <string.h>

static size_t element(const struct layout *l)
{
    return l->bf16 ? sizeof(uint16_t) : sizeof(float);
}

/* --- joined channels --- */

void join_put(const struct join *j, const void *part, void *whole, int microbatches)
{
    const size_t size = element(&j->whole), bytes = (size_t)j->part.c * size;
    const size_t pads = j->last ? (size_t)(j->whole.pitch - j->at - j->part.c) * size : 0;
    for (ptrdiff_t cell = 0; cell < (ptrdiff_t)j->whole.cells * microbatches; cell++)
        for (int i = 0; i < j->whole.n; i++) {
            const char *from = (const char *)part +
                               (size_t)(cell * j->part.cell + (ptrdiff_t)i * j->part.pitch) * size;
            char *to =
                (char *)whole +
                (size_t)(cell * j->whole.cell + (ptrdiff_t)i * j->whole.pitch + j->at) * size;
            memcpy(to, from, bytes);
            memset(to + bytes, 0, pads);
        }
}

void join_back(const struct join *j, const float *dy, float *dx, bool add, int microbatches)
{
    for (ptrdiff_t cell = 0; cell < (ptrdiff_t)j->whole.cells * microbatches; cell++)
        for (int i = 0; i < j->whole.n; i++) {
            const float *from = dy + cell * j->whole.cell + (ptrdiff_t)i * j->whole.pitch + j->at;
            float *to = dx + cell * j->part.cell + (ptrdiff_t)i * j->part.pitch;
            for (int c = 0; c < j->part.c; c++)
                to[c] = add ? to[c] + from[c] : from[c];
        }
}

/* --- chosen elements --- */

void choice_open(struct choice *c, const struct layout *in, const struct layout *out,
                 const int *list)
{
    *c = (struct choice){.in = *in, .out = *out};
    c->from = mem_alloc((size_t)out->cells * (size_t)out->c, sizeof *c->from);
    for (int k = 0; k < out->c; k++)
        for (int p = 0; p < out->cells; p++) {
            const int at = k * out->cells + p, from = list ? list[at] : at;
            c->from[p * out->c + k] =
                from < 0 ? -1 : from % in->cells * (int)in->cell + from / in->cells;
        }
}

void choice_open_channels(struct choice *c, const struct layout *in, const struct layout *out,
                          const int *channel)
{
    *c = (struct choice){
        .in = *in, .out = *out, .same = true, .row = true, .pairs = out->c % 2 == 0};
    c->from = mem_alloc((size_t)out->c, sizeof *c->from);
    for (int k = 0; k < out->c; k++) {
        c->from[k] = channel[k];
        c->row = c->row && channel[k] == channel[0] + k;
        c->pairs = c->pairs && channel[k] == channel[k % 2] + k / 2;
    }
}

void choice_close(struct choice *c)
{
    free(c->from);
}

/* Channels that follow one another. */
static void take_row(const float *x, int n, int padded, float *y)
{
    memcpy(y, x, (size_t)n * sizeof *y);
    memset(y + n, 0, (size_t)(padded - n) * sizeof *y);
}

/* Channels of two rows in turns, as a shuffle of two groups leaves them. */
static void take_pairs(const float *a, const float *b, int n, int padded, float *y)
{
    typedef float four __attribute__((vector_size(16)));
    int i = 0;
    for (; i + 4 <= n / 2; i += 4) {
        four u, v;
        memcpy(&u, a + i, sizeof u);
        memcpy(&v, b + i, sizeof v);
        const four both[2] = {__builtin_shufflevector(u, v, 0, 4, 1, 5),
                              __builtin_shufflevector(u, v, 2, 6, 3, 7)};
        memcpy(y + (ptrdiff_t)2 * i, both, sizeof both);
    }
    for (; i < n / 2; i++) {
        y[2 * i] = a[i];
        y[2 * i + 1] = b[i];
    }
    memset(y + n, 0, (size_t)(padded - n) * sizeof *y);
}

static ptrdiff_t to_of(const struct choice *c, int m, int image, int cell)
{
    return ((ptrdiff_t)m * c->out.cells + cell) * c->out.cell + (ptrdiff_t)image * c->out.pitch;
}

/* Where an image of a microbatch begins. */
static ptrdiff_t image_of(const struct choice *c, int m, int image)
{
    return (ptrdiff_t)m * c->in.cells * c->in.cell + (ptrdiff_t)image * c->in.pitch;
}

/* y[i] = x[from[i]], or 0 where that is negative. */
static void take_f32(const float *x, const int *from, int n, int padded, float *y)
{
    for (int i = 0; i < n; i++)
        y[i] = from[i] < 0 ? 0 : x[from[i]];
    memset(y + n, 0, (size_t)(padded - n) * sizeof *y);
}

static void take_bf16(const uint16_t *x, const int *from, int n, int padded, uint16_t *y)
{
    for (int i = 0; i < n; i++)
        y[i] = from[i] < 0 ? 0 : x[from[i]];
    memset(y + n, 0, (size_t)(padded - n) * sizeof *y);
}

void choice_take(const struct choice *c, const void *x, void *y, int microbatches)
{
    const struct layout *l = &c->out;
    for (int m = 0; m < microbatches; m++)
        for (int p = 0; p < l->cells; p++)
            for (int image = 0; image < l->n; image++) {
                const ptrdiff_t to = to_of(c, m, image, p);
                const ptrdiff_t at = image_of(c, m, image) + (c->same ? p * c->in.cell : 0);
                const int *from = c->from + (c->same ? 0 : (ptrdiff_t)p * l->c);
                if (l->bf16)
                    take_bf16((const uint16_t *)x + at, from, l->c, l->pitch, (uint16_t *)y + to);
                else if (c->row)
                    take_row((const float *)x + at + from[0], l->c, l->pitch, (float *)y + to);
                else if (c->pairs)
                    take_pairs((const float *)x + at + from[0], (const float *)x + at + from[1],
                               l->c, l->pitch, (float *)y + to);
                else
                    take_f32((const float *)x + at, from, l->c, l->pitch, (float *)y + to);
            }
}

void choice_back(const struct choice *c, const float *dy, float *dx, int microbatches)
{
    const struct layout *l = &c->out;
    for (int m = 0; m < microbatches; m++)
        for (int p = 0; p < l->cells; p++)
            for (int image = 0; image < l->n; image++) {
                const float *y = dy + to_of(c, m, image, p);
                float *x = dx + image_of(c, m, image) + (c->same ? p * c->in.cell : 0);
                const int *from = c->from + (c->same ? 0 : (ptrdiff_t)p * l->c);
                for (int k = 0; k < l->c; k++)
                    if (from[k] >= 0)
                        x[from[k]] += y[k];
            }
}
