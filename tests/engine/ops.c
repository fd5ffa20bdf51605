/* The CPU's operations that are no convolutions, by every set of kernels that runs here,
 * against plain loops: NaN, equal values, padding, and nothing written between cells. */
#include "../unit/check.h"
#include "engine/cpu/ops.h"
#include "engine/cpu/bf16.h"
#include "engine/cpu/isa.h"
#include "random_net.h"

enum { MICROBATCHES = 2, GAP = 16 };

static const float canary = 12345; /* rounded in bf16 */

static float canary_of(bool bf16)
{
    return bf16 ? bf16_widen(bf16_round(canary)) : canary;
}

static struct layout random_layout(int cells, bool bf16)
{
    int c = random_int(1, 40), n = random_int(1, 5), pitch = (c + 15) / 16 * 16;
    return (struct layout){cells, n, c, pitch, (ptrdiff_t)n * pitch + GAP, bf16};
}

static float get(const void *x, ptrdiff_t at, bool bf16)
{
    return bf16 ? bf16_widen(((const uint16_t *)x)[at]) : ((const float *)x)[at];
}

static void put(void *x, ptrdiff_t at, bool bf16, float f)
{
    if (bf16)
        ((uint16_t *)x)[at] = bf16_round(f);
    else
        ((float *)x)[at] = f;
}

/* Small whole numbers, exact in bf16 and often equal, with some NaN and infinity; channels
 * that pad are 0, and gaps are marked. */
static void *values(const struct layout *l, bool bf16, bool finite)
{
    void *x = mem_aligned((size_t)(l->cells * l->cell) * MICROBATCHES, bf16 ? 2 : 4);
    for (ptrdiff_t cell = 0; cell < (ptrdiff_t)l->cells * MICROBATCHES; cell++)
        for (ptrdiff_t i = 0; i < l->cell; i++) {
            float f = (float)random_int(-6, 6);
            if (!finite && random_int(0, 40) == 0)
                f = random_int(0, 1) ? NAN : -INFINITY;
            f = i >= (ptrdiff_t)l->n * l->pitch ? canary : i % l->pitch < l->c ? f : 0;
            put(x, cell * l->cell + i, bf16, f);
        }
    return x;
}

static bool equal(float a, float b)
{
    return isnan(a) ? isnan(b) : a == b;
}

/* Whether x is `want` (microbatches, cells, n, pitch), and its gaps are as they were. */
static bool is(const struct layout *l, bool bf16, const void *x, const float *want)
{
    ptrdiff_t row = (ptrdiff_t)l->n * l->pitch;
    for (ptrdiff_t cell = 0; cell < (ptrdiff_t)l->cells * MICROBATCHES; cell++)
        for (ptrdiff_t i = 0; i < l->cell; i++)
            if (!equal(get(x, cell * l->cell + i, bf16),
                       i < row ? want[cell * row + i] : canary_of(bf16)))
                return false;
    return true;
}

static void check_scale(const struct ops_kernels *k, bool bf16)
{
    for (int round = 0; round < 16; round++) {
        const struct layout l = random_layout(random_int(1, 9), bf16);
        float w[40], b[40];
        for (int i = 0; i < l.c; i++) {
            w[i] = (float)random_int(-2, 2);
            b[i] = (float)random_int(-3, 3);
        }
        bool biased = round & 1, relu = round & 2, add = round & 4, masked = round & 8;
        struct scale s;
        scale_open(&s, &l, w, biased ? b : NULL, relu);
        void *x = values(&l, bf16, false), *res = values(&l, bf16, false);
        void *mask = values(&l, true, false);
        ptrdiff_t row = (ptrdiff_t)l.n * l.pitch;
        float *want = mem_zero((size_t)(l.cells * row) * MICROBATCHES, sizeof *want);
        for (ptrdiff_t i = 0; i < l.cells * row * MICROBATCHES; i++) {
            ptrdiff_t at = i / row * l.cell + i % row, c = i % l.pitch;
            if (c >= l.c)
                continue;
            float y = w[c] * get(x, at, bf16) + (biased ? b[c] : 0);
            y += add ? get(res, at, bf16) : 0;
            y = relu && y < 0 ? 0 : y;
            want[i] = masked && !(get(mask, at, true) > 0) ? 0 : y;
        }
        void *y = round % 3 == 0 ? x : add ? res : values(&l, bf16, false);
        k->scale(&s, &(struct conv_call){.x = x,
                                         .add = add ? res : NULL,
                                         .mask = masked ? mask : NULL,
                                         .mask_bf16 = true,
                                         .y = y,
                                         .microbatches = MICROBATCHES});
        CHECK(is(&l, bf16, y, want));
        scale_close(&s);
        if (y != x && y != res)
            free(y);
        free(x);
        free(res);
        free(mask);
        free(want);
    }
}

/* The first cell of the largest value, as a number in the plane whose first cell is x[at]. */
static int largest(const struct pool *m, const void *x, ptrdiff_t at, int o)
{
    int best = -1, y0 = o / m->ow * m->y.stride - m->y.before,
        x0 = o % m->ow * m->x.stride - m->x.before;
    float most = 0;
    for (int p = 0; p < m->h * m->w; p++) {
        int down = p / m->w - y0, across = p % m->w - x0;
        float f = get(x, at + p * m->layout.cell, m->layout.bf16);
        if (down < 0 || down >= m->y.k || across < 0 || across >= m->x.k)
            continue;
        if (best < 0 || f > most || (isnan(f) && !isnan(most))) {
            best = p;
            most = f;
        }
    }
    return best;
}

static void check_max(const struct ops_kernels *k, bool bf16)
{
    for (int round = 0; round < 24; round++) {
        struct pool m = {.kind = GRAPH_MAX_POOL, .h = random_int(5, 9), .w = random_int(5, 9)};
        const int side = random_int(1, 5), stride = random_int(1, 3), pad = random_int(0, side / 2);
        m.y = m.x = graph_windows(side, stride, pad);
        m.oh = (m.h + 2 * pad - side) / stride + 1;
        m.ow = (m.w + 2 * pad - side) / stride + 1;
        const struct layout l = m.layout = random_layout(m.h * m.w, bf16);
        struct layout to = l;
        to.cells = m.oh * m.ow;
        ptrdiff_t row = (ptrdiff_t)l.n * l.pitch;
        void *x = values(&l, bf16, false), *y = values(&to, bf16, false);
        float *dy = values(&to, false, true), *dx = values(&l, false, true);
        float *want = mem_zero((size_t)(to.cells * row) * MICROBATCHES, sizeof *want);
        float *back = mem_zero((size_t)(l.cells * row) * MICROBATCHES, sizeof *back);
        for (ptrdiff_t i = 0; i < l.cells * row * MICROBATCHES; i++)
            back[i] = dx[i / row * l.cell + i % row];
        for (int b = 0; b < MICROBATCHES; b++)
            for (int o = 0; o < to.cells; o++)
                for (ptrdiff_t j = 0; j < row; j++) {
                    ptrdiff_t first = b * l.cells * l.cell + j, from = b * to.cells + o;
                    int p = largest(&m, x, first, o);
                    want[from * row + j] = get(x, first + p * l.cell, bf16);
                    back[((ptrdiff_t)b * l.cells + p) * row + j] += dy[from * l.cell + j];
                }
        k->max(&m, x, y, MICROBATCHES);
        k->max_back(&m, x, dy, dx, MICROBATCHES);
        CHECK(is(&to, bf16, y, want));
        CHECK(is(&l, false, dx, back));
        free(x);
        free(y);
        free(dy);
        free(dx);
        free(want);
        free(back);
    }
}

static void check_sums(const struct ops_kernels *k, bool bf16)
{
    for (int round = 0; round < 6; round++) {
        const struct layout l = random_layout(random_int(1, 30), bf16);
        ptrdiff_t row = (ptrdiff_t)l.n * l.pitch;
        void *x = values(&l, bf16, true);
        double *sums = mem_aligned(2 * (size_t)row, sizeof *sums);
        k->sums(&l, x, sums);
        for (ptrdiff_t i = 0; i < row; i++) {
            double sum = 0, square = 0;
            for (int p = 0; p < l.cells; p++) {
                double v = (double)get(x, p * l.cell + i, bf16);
                sum += v;
                square += v * v;
            }
            CHECK(sums[i] == sum && sums[row + i] == square);
        }
        free(x);
        free(sums);
    }
}

/* Output (y, x) of a channel, of the image whose first input is at[0]. */
static float group_value(const struct depth *d, const float *at, const float *w, int y, int x,
                         int c)
{
    float sum = 0;
    for (int i = 0; i < d->group; i++)
        for (int t = 0; t < 9; t++) {
            const int iy = y * d->y.stride - 1 + t / 3, ix = x * d->x.stride - 1 + t % 3;
            if (iy >= 0 && iy < d->ih && ix >= 0 && ix < d->iw)
                sum += w[(c * d->group + i) * 9 + t] *
                       at[(iy * d->iw + ix) * d->layout.cell + c / d->group * d->group + i];
        }
    return sum;
}

static void check_groups(const struct ops_kernels *k)
{
    for (int round = 0; round < 24; round++) {
        const int stride = 1 + round / 2 % 2;
        struct depth d = {.ih = random_int(1, 9), .iw = random_int(1, 11), .group = 4 << round % 2};
        d.y = d.x = graph_windows(3, stride, 1);
        d.oh = (d.ih - 1) / stride + 1;
        d.ow = (d.iw - 1) / stride + 1;
        struct layout l = random_layout(d.ih * d.iw, false);
        l.c = (l.c + d.group - 1) / d.group * d.group;
        d.layout = l;
        struct layout to = l;
        to.cells = d.oh * d.ow;
        float w[40 * 8 * 9], b[40];
        for (int i = 0; i < l.c * d.group * 9; i++)
            w[i] = (float)random_int(-3, 3);
        for (int i = 0; i < l.c; i++)
            b[i] = (float)random_int(-3, 3);
        depth_open(&d, w, b);
        float *x = values(&l, false, true), *y = values(&to, false, true);
        const ptrdiff_t row = (ptrdiff_t)l.n * l.pitch;
        float *want = mem_zero((size_t)(to.cells * row) * MICROBATCHES, sizeof *want);
        for (ptrdiff_t i = 0; i < to.cells * row * MICROBATCHES; i++) {
            const int o = (int)(i / row % to.cells), c = (int)(i % l.pitch);
            const float *image =
                x + i / row / to.cells * l.cells * l.cell + i % row / l.pitch * l.pitch;
            if (c < l.c)
                want[i] = b[c] + group_value(&d, image, w, o / d.ow, o % d.ow, c);
        }
        k->depth(&d, &(struct conv_call){.x = x, .y = y, .microbatches = MICROBATCHES});
        CHECK(is(&to, false, y, want));
        depth_close(&d);
        free(x);
        free(y);
        free(want);
    }
}

int main(void)
{
    for (int i = 0; i < ISA_SETS; i++) {
        const struct conv_kernels *k, *tiles;
        struct err e = {0};
        setenv("HEATPIPE_CPU", isa_name[i], 1);
        if (isa_kernels(&k, &tiles, &e) != 0)
            continue;
        random_state = 17;
        check_groups(k->ops);
        for (int bf16 = 0; bf16 < 2; bf16++) {
            random_state = 17;
            check_scale(k->ops, bf16);
            check_max(k->ops, bf16);
            check_sums(k->ops, bf16);
        }
    }
    return CHECK_DONE();
}
