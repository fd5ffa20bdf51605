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

static void choice_start(struct choice *c, const struct layout *in, const struct layout *out)
{
    const size_t n = (size_t)out->cells * (size_t)out->c;
    *c = (struct choice){.in = *in, .out = *out};
    c->cell = mem_alloc(n, sizeof *c->cell);
    c->channel = mem_alloc(n, sizeof *c->channel);
}

void choice_open(struct choice *c, const struct layout *in, const struct layout *out,
                 const int *list)
{
    choice_start(c, in, out);
    for (int k = 0; k < out->c; k++)
        for (int p = 0; p < out->cells; p++) {
            const int at = k * out->cells + p, from = list ? list[at] : at, to = p * out->c + k;
            c->cell[to] = from < 0 ? -1 : from % in->cells;
            c->channel[to] = from < 0 ? 0 : from / in->cells;
        }
}

void choice_open_channels(struct choice *c, const struct layout *in, const struct layout *out,
                          const int *channel)
{
    choice_start(c, in, out);
    for (int p = 0; p < out->cells; p++)
        for (int k = 0; k < out->c; k++) {
            c->cell[p * out->c + k] = p;
            c->channel[p * out->c + k] = channel[k];
        }
}

void choice_close(struct choice *c)
{
    free(c->cell);
    free(c->channel);
}

/* Where the element of image `image` of microbatch `m` lies that result `i` is. */
static ptrdiff_t from_of(const struct choice *c, int m, int image, int i)
{
    return ((ptrdiff_t)m * c->in.cells + c->cell[i]) * c->in.cell + (ptrdiff_t)image * c->in.pitch +
           c->channel[i];
}

static ptrdiff_t to_of(const struct choice *c, int m, int image, int cell)
{
    return ((ptrdiff_t)m * c->out.cells + cell) * c->out.cell + (ptrdiff_t)image * c->out.pitch;
}

void choice_take(const struct choice *c, const void *x, void *y, int microbatches)
{
    const struct layout *l = &c->out;
    for (int m = 0; m < microbatches; m++)
        for (int p = 0; p < l->cells; p++)
            for (int image = 0; image < l->n; image++) {
                const ptrdiff_t to = to_of(c, m, image, p);
                for (int k = 0, i = p * l->c; k < l->pitch; k++, i++) {
                    const bool there = k < l->c && c->cell[i] >= 0;
                    const ptrdiff_t from = there ? from_of(c, m, image, i) : 0;
                    if (l->bf16)
                        ((uint16_t *)y)[to + k] = there ? ((const uint16_t *)x)[from] : 0;
                    else
                        ((float *)y)[to + k] = there ? ((const float *)x)[from] : 0;
                }
            }
}

void choice_back(const struct choice *c, const float *dy, float *dx, int microbatches)
{
    const struct layout *l = &c->out;
    for (int m = 0; m < microbatches; m++)
        for (int p = 0; p < l->cells; p++)
            for (int image = 0; image < l->n; image++) {
                const ptrdiff_t to = to_of(c, m, image, p);
                for (int k = 0, i = p * l->c; k < l->c; k++, i++)
                    if (c->cell[i] >= 0)
                        dx[from_of(c, m, image, i)] += dy[to + k];
            }
}
