/* Between NCHW and the CPU's values: everything read and written, and nothing else. */
#include "../unit/check.h"
#include "engine/cpu/conv.h"
#include "engine/cpu/bf16.h"
#include "engine/cpu/layout.h"
#include "random_net.h"

static const uint32_t canary = 0xffa5ffa5; /* NaN, also as two of bf16 */

static void *fresh(const struct layout *l)
{
    size_t words = (size_t)l->cells * (size_t)l->cell;
    uint32_t *p = mem_alloc(words, sizeof *p);
    for (size_t i = 0; i < words; i++)
        p[i] = canary;
    return p;
}

static float get(const struct layout *l, const void *x, ptrdiff_t at)
{
    return l->bf16 ? bf16_widen(((const uint16_t *)x)[at]) : ((const float *)x)[at];
}

static bool alike(float a, float b)
{
    return isnan(a) ? isnan(b) : a == b;
}

/* Whether the gaps are as they were. */
static bool clean(const struct layout *l, const void *x)
{
    size_t size = l->bf16 ? sizeof(uint16_t) : sizeof(float);
    for (int p = 0; p < l->cells; p++)
        for (ptrdiff_t i = (ptrdiff_t)l->n * l->pitch; i < l->cell; i++) {
            size_t at = (size_t)(p * l->cell + i) * size;
            if (memcmp((const char *)x + at, (const char *)&canary + at % sizeof canary, size) != 0)
                return false;
        }
    return true;
}

static void check_pixels(const struct layout *l)
{
    static const float mean[] = {.5F, .4F, .6F}, std[] = {.25F, .2F, .3F};
    struct layout_table t;
    layout_table(&t, mean, std);
    size_t count = (size_t)l->n * (size_t)l->c * (size_t)l->cells;
    uint8_t *pixels = mem_alloc(count, 1);
    for (size_t i = 0; i < count; i++)
        pixels[i] = (uint8_t)random_bits();
    void *x = fresh(l);
    float *back = mem_alloc(count, sizeof *back);
    layout_pixels(&t, pixels, l, 0, l->cells, x);
    CHECK(clean(l, x));
    for (int p = 0; p < l->cells; p++)
        for (int n = 0; n < l->n; n++)
            for (int c = l->c; c < l->pitch; c++)
                CHECK(get(l, x, p * l->cell + (ptrdiff_t)n * l->pitch + c) == 0);
    layout_nchw(l, x, l->n, back);
    for (size_t i = 0; i < count; i++) {
        size_t c = i / (size_t)l->cells % (size_t)l->c;
        double want = (pixels[i] / 255.0 - (double)mean[c]) / (double)std[c];
        CHECK_NEAR((double)back[i], want, l->bf16 ? fabs(want) / 256 : 1e-6);
    }
    free(back);
    free(x);
    free(pixels);
}

/* Random values, 0 where they pad, some that are special. */
static void *random_values(const struct layout *l)
{
    static const float special[] = {NAN, INFINITY, -INFINITY, 0.0F, -0.0F};
    void *x = fresh(l);
    for (int p = 0; p < l->cells; p++)
        for (int i = 0; i < l->n * l->pitch; i++) {
            ptrdiff_t at = p * l->cell + i;
            float f = i % l->pitch < l->c ? random_real(1) : 0;
            if (p == 0 && i < 5)
                f = special[i];
            if (l->bf16)
                ((uint16_t *)x)[at] = bf16_round(f);
            else
                ((float *)x)[at] = f;
        }
    return x;
}

static void check_values(const struct layout *l)
{
    struct layout wide = *l;
    wide.bf16 = false;
    void *x = random_values(l);
    float *g = random_values(&wide), *was = mem_alloc((size_t)(l->cells * l->cell), sizeof *was);
    for (int i = 0; i < 5; i++)
        g[i] = 1;
    memcpy(was, g, (size_t)(l->cells * l->cell) * sizeof *g);

    for (int few = 1; few <= l->n; few += l->n > 1 ? l->n - 1 : 1) {
        size_t each = (size_t)l->c * (size_t)l->cells;
        float *y = mem_alloc((size_t)few * each, sizeof *y);
        layout_nchw(l, x, few, y);
        for (int n = 0; n < few; n++)
            for (int c = 0; c < l->c; c++)
                for (int p = 0; p < l->cells; p++) {
                    float want = get(l, x, p * l->cell + (ptrdiff_t)n * l->pitch + c);
                    CHECK(alike(y[(size_t)n * each + (size_t)(c * l->cells + p)], want));
                }
        free(y);
    }

    if (l->bf16) {
        float *y = fresh(&wide);
        layout_cast(l, x, y);
        for (int p = 0; p < l->cells; p++)
            for (int i = 0; i < l->n * l->pitch; i++) {
                float want = get(l, x, p * l->cell + i);
                CHECK(alike(y[p * l->cell + i], want));
            }
        free(y);
    }

    layout_mask(l, x, g);
    for (int p = 0; p < l->cells; p++)
        for (int i = 0; i < l->n * l->pitch; i++) {
            ptrdiff_t at = p * l->cell + i;
            float want = get(l, x, at) > 0 ? was[at] : 0;
            CHECK(alike(g[at], want));
        }

    size_t each = (size_t)l->n * (size_t)l->pitch;
    float *mean = mem_alloc(each, sizeof *mean), *y = fresh(&wide);
    layout_mean(l, x, mean);
    for (int i = 0; i < (int)each; i++) {
        double sum = 0, size = 0;
        for (int p = 0; p < l->cells; p++) {
            sum += (double)get(l, x, p * l->cell + i);
            size += fabs((double)get(l, x, p * l->cell + i));
        }
        if (isfinite(sum))
            CHECK_NEAR((double)mean[i], sum / l->cells, 1e-6 * size);
        else
            CHECK(!isfinite(mean[i]));
    }
    layout_spread(l, mean, y);
    CHECK(clean(&wide, y));
    for (int p = 0; p < l->cells; p++)
        CHECK(memcmp(y + p * l->cell, mean, each * sizeof *mean) == 0);
    free(mean);
    free(y);
    free(was);
    free(g);
    free(x);
}

int main(void)
{
    static const int shape[][5] = {/* cells, n, c, pitch, gap */
                                   {1, 1, 3, 16, 16},     {35, 2, 3, 16, 16},  {64, 16, 3, 32, 32},
                                   {1, 16, 100, 112, 16}, {49, 3, 70, 80, 16}, {17, 16, 16, 16, 0},
                                   {400, 1, 33, 64, 32}};
    for (size_t i = 0; i < sizeof shape / sizeof *shape; i++)
        for (int bf16 = 0; bf16 < 2; bf16++) {
            const int *s = shape[i];
            const struct layout l = {.cells = s[0],
                                     .n = s[1],
                                     .c = s[2],
                                     .pitch = s[3],
                                     .cell = (ptrdiff_t)s[1] * s[3] + s[4],
                                     .bf16 = bf16};
            if (l.c == 3 || l.c == 1)
                check_pixels(&l);
            check_values(&l);
        }
    float x[3] = {1, 2, 3}, y[4] = {1, 1, 1, 1};
    layout_add(x, 3, y);
    CHECK(y[0] == 2 && y[1] == 3 && y[2] == 4 && y[3] == 1);
    return CHECK_DONE();
}
