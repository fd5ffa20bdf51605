/* A block of vectors is the weights of a convolution of one by one, the others are images of
 * one cell. */
#include "engine/products.h"

#include "base/mem.h"
#include "base/pool.h"
#include "engine/cpu/conv.h"
#include "engine/cpu/isa.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { IMAGES = 64 }; /* vectors multiplied together */

struct products {
    int length, threads;
    const struct conv_kernels *kernels;
    struct conv conv;
    bool open; /* conv is */
    int n;     /* vectors of the block */
};

/* What threads share. */
struct run {
    const struct products *p;
    const float *x;
    int64_t count;
    void (*take)(void *ctx, int64_t i, const float *products);
    void *ctx;
    atomic_llong next;
};

static int pad(int n)
{
    return (n + CONV_PITCH - 1) / CONV_PITCH * CONV_PITCH;
}

int products_open(struct products **out, int length, int threads, struct err *e)
{
    const struct conv_kernels *kernels, *tiles;
    if (isa_kernels(&kernels, &tiles, e) != 0)
        return -1;
    struct products *p = mem_zero(1, sizeof *p);
    p->length = length;
    p->threads = threads > 0 ? threads : pool_cores();
    p->kernels = kernels;
    *out = p;
    return 0;
}

void products_close(struct products *p)
{
    if (!p)
        return;
    if (p->open)
        conv_close(&p->conv);
    free(p);
}

static void *pack_some(void *arg)
{
    struct run *r = arg;
    const struct conv *c = &r->p->conv;
    int64_t span;
    while ((span = atomic_fetch_add(&r->next, 1)) < conv_spans(c))
        conv_pack(c, (int)span);
    return NULL;
}

void products_set(struct products *p, const float *rows, int n)
{
    const struct conv_spec spec = {
        .ih = 1,
        .iw = 1,
        .ic = p->length,
        .oh = 1,
        .ow = 1,
        .oc = n,
        .ip = pad(p->length),
        .op = pad(n),
        .igap = CONV_GAP,
        .ogap = CONV_GAP,
        .y = graph_windows(1, 1, 0),
        .x = graph_windows(1, 1, 0),
        .exact = true,
        .n = IMAGES,
        .microbatches = 1,
        .w = rows,
        .scale = 1,
    };
    struct run r = {.p = p};
    if (p->open)
        conv_close(&p->conv);
    conv_open(&p->conv, &spec, p->kernels);
    p->open = true;
    p->n = n;
    pool_parts(p->threads, pack_some, &r);
}

static void *multiply_some(void *arg)
{
    struct run *r = arg;
    const struct products *p = r->p;
    const struct conv *c = &p->conv;
    const size_t length = (size_t)p->length, in = (size_t)c->spec.ip, out = (size_t)c->spec.op;
    float *x = mem_aligned(IMAGES * in, sizeof *x), *y = mem_aligned(IMAGES * out, sizeof *y);
    void *scratch = mem_aligned(c->scratch + 1, 1);
    const struct conv_call call = {.x = x, .y = y, .microbatches = 1};
    long long at;
    isa_thread();
    while ((at = atomic_fetch_add(&r->next, IMAGES)) < r->count) {
        int64_t left = r->count - at;
        int n = left < IMAGES ? (int)left : IMAGES;
        for (int i = 0; i < n; i++)
            memcpy(x + (size_t)i * in, r->x + ((size_t)at + (size_t)i) * length,
                   length * sizeof *x);
        conv_run(c, &call, scratch);
        for (int i = 0; i < n; i++)
            r->take(r->ctx, at + i, y + (size_t)i * out);
    }
    free(x);
    free(y);
    free(scratch);
    return NULL;
}

void products_run(struct products *p, const float *x, int64_t count,
                  void (*take)(void *ctx, int64_t i, const float *products), void *ctx)
{
    struct run r = {.p = p, .x = x, .count = count, .take = take, .ctx = ctx};
    pool_parts(p->threads, multiply_some, &r);
}
