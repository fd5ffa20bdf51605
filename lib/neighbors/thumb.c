#include "neighbors/thumb.h"

#include "image/resample.h"

#include <math.h>
#include <string.h>

enum {
    SIDE = THUMB_SIDE,
    PLANE = SIDE * SIDE,
    AROUND = THUMB_AROUND,
    SQUARE = 2 * AROUND + 1,
    INNER = THUMB_INNER,
    REACH = THUMB_SHIFT,
    PERIODS = THUMB_PERIODS,
    /* Rows that the compiler multiplies eight values at a time. */
    ROW = 32,
    WIDE = ROW + 2 * REACH
};

/* --- the spectrum --- */

void thumb_waves(struct thumb_waves *w)
{
    const double turn = 2 * 3.14159265358979323846;

    for (int i = 0; i < SIDE; i++)
        w->weight[i] = (float)(.5 - .5 * cos(turn * (i + 1) / (SIDE + 1)));
    for (int k = 0; k <= PERIODS; k++)
        for (int i = 0; i < SIDE; i++) {
            w->cosine[k][i] = (float)cos(turn * k * i / SIDE);
            w->sine[k][i] = (float)sin(turn * k * i / SIDE);
        }
}

/* The luma less its mean, both under a window that falls to the border, so that what a shift
 * brings in or takes away counts little. */
static void window(const uint8_t *gray, const float *weight, float out[SIDE][SIDE])
{
    double sum = 0, weights = 0;

    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            double w = (double)weight[y] * weight[x];
            sum += w * gray[y * SIDE + x];
            weights += w;
        }
    const float mean = (float)(sum / weights);
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++)
            out[y][x] = weight[y] * weight[x] * ((float)gray[y * SIDE + x] - mean);
}

/* The transform along the rows. */
static void transform_rows(float in[SIDE][SIDE], const struct thumb_waves *wave,
                           float re[PERIODS + 1][SIDE], float im[PERIODS + 1][SIDE])
{
    for (int k = 0; k <= PERIODS; k++)
        for (int y = 0; y < SIDE; y++) {
            float a = 0, b = 0;
            for (int x = 0; x < SIDE; x++) {
                a += in[y][x] * wave->cosine[k][x];
                b -= in[y][x] * wave->sine[k][x];
            }
            re[k][y] = a;
            im[k][y] = b;
        }
}

static void measure_spectrum(const uint8_t *gray, float *spectrum, const struct thumb_waves *wave)
{
    float in[SIDE][SIDE], re[PERIODS + 1][SIDE], im[PERIODS + 1][SIDE];
    int n = 0;

    window(gray, wave->weight, in);
    transform_rows(in, wave, re, im);
    for (int ky = -PERIODS; ky <= PERIODS; ky++)
        for (int kx = 0; kx <= PERIODS; kx++) {
            if (ky * ky + kx * kx > PERIODS * PERIODS + 1 || (kx == 0 && ky <= 0))
                continue; /* beyond the circle, or the same as its mirror image */
            const float *c = wave->cosine[ky < 0 ? -ky : ky], *s = wave->sine[ky < 0 ? -ky : ky];
            const float sign = ky < 0 ? -1 : 1;
            float a = 0, b = 0;
            for (int y = 0; y < SIDE; y++) {
                a += re[kx][y] * c[y] + sign * im[kx][y] * s[y];
                b += im[kx][y] * c[y] - sign * re[kx][y] * s[y];
            }
            spectrum[n++] = sqrtf(sqrtf(a * a + b * b));
        }
}

/* --- making --- */

static void measure_detail(struct thumb *t, const uint8_t *plane)
{
    int column[SIDE]; /* sums of SQUARE rows */

    for (int x = 0; x < SIDE; x++) {
        column[x] = 0;
        for (int y = 0; y < SQUARE - 1; y++)
            column[x] += plane[y * SIDE + x];
    }
    for (int y = 0; y < INNER; y++) {
        int sum = 0;
        for (int x = 0; x < SIDE; x++)
            column[x] += plane[(y + SQUARE - 1) * SIDE + x];
        for (int x = 0; x < SQUARE - 1; x++)
            sum += column[x];
        for (int x = 0; x < INNER; x++) {
            sum += column[x + SQUARE - 1];
            int detail = SQUARE * SQUARE * plane[(y + AROUND) * SIDE + x + AROUND] - sum;
            t->detail[y * INNER + x] = (int16_t)(detail / 8);
            sum -= column[x];
        }
        for (int x = 0; x < SIDE; x++)
            column[x] -= plane[y * SIDE + x];
    }
}

static void make_planes(uint8_t *planes, const uint8_t *pixels, int h, int w)
{
    if (h == SIDE && w == SIDE)
        memcpy(planes, pixels, 3 * PLANE);
    else
        resample(pixels, h, w, planes, SIDE, SIDE);
}

void thumb_make(struct thumb *t, float *spectrum, const uint8_t *pixels, int h, int w,
                const struct thumb_waves *waves)
{
    uint8_t planes[3 * PLANE], gray[PLANE];

    make_planes(planes, pixels, h, w);
    for (int i = 0; i < PLANE; i++)
        gray[i] = (uint8_t)((77 * planes[i] + 150 * planes[PLANE + i] + 29 * planes[2 * PLANE + i] +
                             128) >>
                            8);
    measure_detail(t, gray);
    measure_spectrum(gray, spectrum, waves);
}

void thumb_make_color(struct thumb t[3], const uint8_t *pixels, int h, int w)
{
    uint8_t planes[3 * PLANE];

    make_planes(planes, pixels, h, w);
    for (int c = 0; c < 3; c++)
        measure_detail(&t[c], planes + c * PLANE);
}

/* --- comparing --- */

/* Sums of the values and of their squares over all rectangles from the first one. */
struct sums {
    int32_t value[INNER + 1][INNER + 1], square[INNER + 1][INNER + 1];
};

static void sum_up(const struct thumb *t, struct sums *s)
{
    memset(s, 0, sizeof *s);
    for (int y = 0; y < INNER; y++) {
        int32_t value = 0, square = 0;
        for (int x = 0; x < INNER; x++) {
            int v = t->detail[y * INNER + x];
            value += v;
            square += v * v;
            s->value[y + 1][x + 1] = s->value[y][x + 1] + value;
            s->square[y + 1][x + 1] = s->square[y][x + 1] + square;
        }
    }
}

static double inside(int32_t sum[INNER + 1][INNER + 1], int y, int x, int h, int w)
{
    return (double)sum[y + h][x + w] - sum[y][x + w] - sum[y + h][x] + sum[y][x];
}

/* n times the sums of products of what is centred: of a and a, b and b, a and b. */
struct moments {
    double aa, bb, ab;
};

static void add(struct moments *m, double n, double a, double b, double aa, double bb, double ab)
{
    m->aa += n * aa - a * a;
    m->bb += n * bb - b * b;
    m->ab += n * ab - a * b;
}

static double correlation(const struct moments *m)
{
    return m->aa > 0 && m->bb > 0 ? m->ab / sqrt(m->aa * m->bb) : -1;
}

/* Sum of the products: what one does not show is 0 in `wide`. */
static int32_t multiply(const int16_t *restrict a, const int16_t *restrict wide)
{
    int32_t sum = 0;

    for (int y = 0; y < INNER; y++)
        for (int x = 0; x < ROW; x++)
            sum += a[y * ROW + x] * wide[y * WIDE + x];
    return sum;
}

struct thumb_fit thumb_compare(const struct thumb *a, const struct thumb *b)
{
    int16_t at[INNER * ROW] = {0}, wide[(INNER + 2 * REACH) * WIDE] = {0};
    struct sums sa, sb;
    struct thumb_fit best = {.correlation = -2};

    for (int y = 0; y < INNER; y++)
        for (int x = 0; x < INNER; x++) {
            at[y * ROW + x] = a->detail[y * INNER + x];
            wide[(y + REACH) * WIDE + x + REACH] = b->detail[y * INNER + x];
        }
    sum_up(a, &sa);
    sum_up(b, &sb);
    for (int dy = -REACH; dy <= REACH; dy++)
        for (int dx = -REACH; dx <= REACH; dx++) {
            const int h = INNER - (dy < 0 ? -dy : dy), w = INNER - (dx < 0 ? -dx : dx);
            const int ya = dy < 0 ? -dy : 0, xa = dx < 0 ? -dx : 0;
            struct moments m = {0};
            add(&m, (double)h * w, inside(sa.value, ya, xa, h, w),
                inside(sb.value, ya + dy, xa + dx, h, w), inside(sa.square, ya, xa, h, w),
                inside(sb.square, ya + dy, xa + dx, h, w),
                multiply(at, wide + (REACH + dy) * WIDE + REACH + dx));
            const double r = correlation(&m);
            if (r > best.correlation || (r == best.correlation &&
                                         dy * dy + dx * dx < best.dy * best.dy + best.dx * best.dx))
                best = (struct thumb_fit){r, dy, dx};
        }
    return best;
}

double thumb_correlate(const struct thumb a[3], const struct thumb b[3], int dy, int dx)
{
    struct moments m = {0};

    for (int c = 0; c < 3; c++) {
        int32_t n = 0, sa = 0, sb = 0, aa = 0, bb = 0, ab = 0;
        for (int y = dy < 0 ? -dy : 0; y < INNER && y + dy < INNER; y++)
            for (int x = dx < 0 ? -dx : 0; x < INNER && x + dx < INNER; x++) {
                int p = a[c].detail[y * INNER + x], q = b[c].detail[(y + dy) * INNER + x + dx];
                n++;
                sa += p;
                sb += q;
                aa += p * p;
                bb += q * q;
                ab += p * q;
            }
        add(&m, n, sa, sb, aa, bb, ab);
    }
    return correlation(&m);
}
