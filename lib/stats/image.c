#include "stats/image.h"

#include "image/hash.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

enum { VALUES = 256 };

struct image {
    const uint8_t *r, *g, *b;
    int h, w;
};

static double luma(const struct image *m, int i)
{
    return .299 * m->r[i] + .587 * m->g[i] + .114 * m->b[i];
}

/* Mean and standard deviation of what was added: sums of the distances from the first value, so
 * that equal values deviate by exactly 0. */
struct moments {
    double first;
    double sum, squares;
    int64_t n;
};

static void add(struct moments *m, double x)
{
    if (m->n++ == 0)
        m->first = x;
    m->sum += x - m->first;
    m->squares += (x - m->first) * (x - m->first);
}

static double mean(const struct moments *m)
{
    return m->first + m->sum / (double)m->n;
}

static double deviation(const struct moments *m)
{
    double shift = m->sum / (double)m->n, variance = m->squares / (double)m->n - shift * shift;

    return variance > 0 ? sqrt(variance) : 0;
}

static void measure_light(const struct image *m, struct image_stats *s)
{
    int64_t count[VALUES] = {0};
    struct moments y = {0}, rg = {0}, yb = {0};
    const int pixels = m->h * m->w;

    for (int i = 0; i < pixels; i++) {
        double v = luma(m, i);
        count[(int)(v + .5)]++;
        add(&y, v / 255);
        add(&rg, (double)m->r[i] - m->g[i]);
        add(&yb, .5 * ((double)m->r[i] + m->g[i]) - m->b[i]);
    }
    s->brightness = mean(&y);
    s->contrast = deviation(&y);
    s->colorfulness = hypot(deviation(&rg), deviation(&yb)) + .3 * hypot(mean(&rg), mean(&yb));
    s->entropy = 0;
    for (int v = 0; v < VALUES; v++)
        if (count[v] > 0)
            s->entropy -= (double)count[v] / pixels * log2((double)count[v] / pixels);
}

static double sharpness(const struct image *m)
{
    struct moments edge = {0};

    for (int y = 1; y + 1 < m->h; y++)
        for (int x = 1; x + 1 < m->w; x++) {
            int i = y * m->w + x;
            add(&edge, (4 * luma(m, i) - luma(m, i - 1) - luma(m, i + 1) - luma(m, i - m->w) -
                        luma(m, i + m->w)) /
                           255);
        }
    return edge.n > 0 ? deviation(&edge) : NAN;
}

/* Whether `n` pixels from `at` on, `step` apart, have the colour of pixel `as`. */
static bool alike(const struct image *m, int at, int step, int n, int as)
{
    for (int k = 0; k < n; k++, at += step)
        if (m->r[at] != m->r[as] || m->g[at] != m->g[as] || m->b[at] != m->b[as])
            return false;
    return true;
}

/* Rows or columns of the border: those from one side on that are of its corner's colour. */
struct frame {
    int top, bottom, left, right;
};

static double border(const struct image *m)
{
    const int h = m->h, w = m->w, last = h * w - 1;
    struct frame f = {0};

    while (f.top < h && alike(m, f.top * w, 1, w, 0))
        f.top++;
    if (f.top == h)
        return 1;
    while (alike(m, (h - 1 - f.bottom) * w, 1, w, last))
        f.bottom++;
    while (alike(m, f.left, w, h, 0))
        f.left++;
    while (alike(m, w - 1 - f.right, w, h, last))
        f.right++;
    /* One side alone may be sky or floor. */
    int down = f.top && f.bottom ? h - f.top - f.bottom : h,
        across = f.left && f.right ? w - f.left - f.right : w;
    return 1 - (double)down * across / ((double)h * w);
}

void image_measure(const uint8_t *pixels, int h, int w, struct image_stats *s)
{
    const size_t plane = (size_t)h * (size_t)w;
    const struct image m = {
        .r = pixels, .g = pixels + plane, .b = pixels + 2 * plane, .h = h, .w = w};

    measure_light(&m, s);
    s->sharpness = sharpness(&m);
    s->border = border(&m);
    s->hash = image_hash(pixels, h, w);
}
