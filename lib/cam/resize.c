#include "cam/resize.h"

#include "base/mem.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

/* Where one row or column of the result comes from: a * s[lo] + b * s[hi]. */
struct blend {
    int lo, hi;
    float a, b;
};

struct resize {
    int sw, dh, dw;
    struct blend *row, *col; /* [dh], [dw] */
};

static int clip(int i, int n)
{
    return i < 0 ? 0 : i < n ? i : n - 1;
}

static struct blend *blends(int src, int dst, bool aligned)
{
    struct blend *t = mem_alloc((size_t)dst, sizeof *t);
    double scale = 1 / ((double)dst / src), step = dst > 1 ? (src - 1.0) / (dst - 1.0) : 0;

    for (int i = 0; i < dst; i++) {
        float f = (float)(aligned ? i * step : (i + 0.5) * scale - 0.5);
        int lo = (int)floorf(f);
        t[i].b = f - (float)lo;
        t[i].a = 1.0f - t[i].b;
        t[i].lo = clip(lo, src);
        t[i].hi = clip(lo + 1, src);
    }
    return t;
}

static struct resize *make(int sh, int sw, int dh, int dw, bool aligned)
{
    struct resize *r = mem_alloc(1, sizeof *r);

    r->sw = sw;
    r->dh = dh;
    r->dw = dw;
    r->row = blends(sh, dh, aligned);
    r->col = blends(sw, dw, aligned);
    /* OpenCV repeats the edge with weight 1 sideways, but blends it with itself
     * downwards; the two differ by a rounding. */
    for (int x = 0; x < dw; x++) {
        struct blend *c = &r->col[x];
        if (c->lo == c->hi) {
            c->a = 1;
            c->b = 0;
        }
    }
    return r;
}

struct resize *resize_new(int sh, int sw, int dh, int dw)
{
    return make(sh, sw, dh, dw, false);
}

struct resize *resize_aligned(int sh, int sw, int dh, int dw)
{
    return make(sh, sw, dh, dw, true);
}

void resize_free(struct resize *r)
{
    if (!r)
        return;
    free(r->row);
    free(r->col);
    free(r);
}

void resize_run(const struct resize *r, const float *src, float *dst)
{
    for (int y = 0; y < r->dh; y++) {
        const struct blend v = r->row[y];
        const float *lo = src + (size_t)v.lo * (size_t)r->sw;
        const float *hi = src + (size_t)v.hi * (size_t)r->sw;
        for (int x = 0; x < r->dw; x++) {
            const struct blend h = r->col[x];
            float top = lo[h.lo] * h.a + lo[h.hi] * h.b;
            float bottom = hi[h.lo] * h.a + hi[h.hi] * h.b;
            *dst++ = top * v.a + bottom * v.b;
        }
    }
}
