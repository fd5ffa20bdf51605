#include "corrupt/corrupt.h"

#include "base/mem.h"
#include "image/gauss.h"
#include "image/image.h"
#include "image/jpeg_write.h"
#include "base/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { UNIT = 32 }; /* the side of CIFAR's images */

struct job {
    uint8_t *pixels; /* (3, h, w) */
    int h, w;
    int severity; /* from 0 */
    uint64_t state;
};

static uint8_t to_byte(double v)
{
    return (uint8_t)(fmin(fmax(v, 0), 1) * 255 + .5);
}

/* A size that is given for a side of UNIT pixels. */
static double scaled(const struct job *j, double size)
{
    const int side = j->h < j->w ? j->h : j->w;
    return size * (side > UNIT ? (double)side / UNIT : 1);
}

/* --- noise --- */

static void add_noise(struct job *j)
{
    static const double deviation[] = {.04, .06, .08, .09, .10};
    const size_t n = 3 * (size_t)j->h * (size_t)j->w;

    for (size_t i = 0; i < n; i += 2) {
        double pair[2];
        random_normal(&j->state, pair);
        for (size_t k = 0; k < 2 && i + k < n; k++)
            j->pixels[i + k] = to_byte(j->pixels[i + k] / 255.0 + deviation[j->severity] * pair[k]);
    }
}

/* --- blur --- */

static void blur(struct job *j)
{
    static const double sigmas[] = {.4, .6, .7, .8, 1};
    const size_t plane = (size_t)j->h * (size_t)j->w;
    float *values = mem_alloc(2 * plane, sizeof *values);

    for (int c = 0; c < 3; c++) {
        uint8_t *p = j->pixels + (size_t)c * plane;
        for (size_t i = 0; i < plane; i++)
            values[i] = (float)p[i] / 255;
        gauss_blur(values, values + plane, j->h, j->w, scaled(j, sigmas[j->severity]));
        for (size_t i = 0; i < plane; i++)
            p[i] = to_byte(values[i]);
    }
    free(values);
}

/* --- fog: the diamond-square algorithm on a torus (Fournier, Fussell and Carpenter 1982) --- */

struct plasma {
    int side; /* a power of two */
    double *at;
};

static double *cell(const struct plasma *p, int y, int x)
{
    const int mask = p->side - 1;
    return &p->at[(size_t)(y & mask) * (size_t)p->side + (size_t)(x & mask)];
}

static void make_plasma(struct job *j, struct plasma *p, double decay)
{
    double amplitude = 1;

    *cell(p, 0, 0) = 0;
    for (int step = p->side; step >= 2; step /= 2, amplitude /= decay * decay) {
        const int half = step / 2;
        for (int y = half; y < p->side; y += step)
            for (int x = half; x < p->side; x += step)
                *cell(p, y, x) = (*cell(p, y - half, x - half) + *cell(p, y - half, x + half) +
                                  *cell(p, y + half, x - half) + *cell(p, y + half, x + half)) /
                                     4 +
                                 amplitude * (2 * random_unit(&j->state) - 1);
        for (int y = 0; y < p->side; y += half)
            for (int x = y % step ? 0 : half; x < p->side; x += step)
                *cell(p, y, x) = (*cell(p, y - half, x) + *cell(p, y + half, x) +
                                  *cell(p, y, x - half) + *cell(p, y, x + half)) /
                                     4 +
                                 amplitude * (2 * random_unit(&j->state) - 1);
    }
}

static void add_fog(struct job *j)
{
    static const double amounts[] = {.2, .5, .75, 1, 1.5}, decays[] = {3, 3, 2.5, 2, 1.75};
    const size_t plane = (size_t)j->h * (size_t)j->w;
    const double amount = amounts[j->severity];
    struct plasma p = {.side = 2};
    double least = INFINITY, most = -INFINITY;
    int brightest = 0;

    while (p.side < j->h || p.side < j->w)
        p.side *= 2;
    const size_t cells = (size_t)p.side * (size_t)p.side;
    p.at = mem_alloc(cells, sizeof *p.at);
    make_plasma(j, &p, decays[j->severity]);
    for (size_t i = 0; i < cells; i++) {
        least = fmin(least, p.at[i]);
        most = fmax(most, p.at[i]);
    }
    for (size_t i = 0; i < 3 * plane; i++)
        brightest = j->pixels[i] > brightest ? j->pixels[i] : brightest;
    const double top = brightest / 255.0, range = most > least ? most - least : 1;
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < j->h; y++)
            for (int x = 0; x < j->w; x++) {
                uint8_t *v = &j->pixels[(size_t)c * plane + (size_t)y * (size_t)j->w + (size_t)x];
                double fog = amount * (*cell(&p, y, x) - least) / range;
                *v = to_byte((*v / 255.0 + fog) * top / (top + amount));
            }
    free(p.at);
}

/* --- the others --- */

static int compress(struct job *j, struct err *e)
{
    static const int quality[] = {80, 65, 58, 50, 40};
    unsigned char *bytes;
    size_t n;
    struct image im;

    if (image_jpeg_write(j->pixels, j->h, j->w, quality[j->severity], &bytes, &n, e) != 0)
        return -1;
    int r = image_decode(&im, bytes, n, "compressed image", e);
    free(bytes);
    if (r != 0)
        return -1;
    memcpy(j->pixels, im.pixels, 3 * (size_t)j->h * (size_t)j->w);
    image_free(&im);
    return 0;
}

static void lower_contrast(struct job *j)
{
    static const double contrast[] = {.75, .5, .4, .3, .15};
    const size_t plane = (size_t)j->h * (size_t)j->w;

    for (int c = 0; c < 3; c++) {
        uint8_t *p = j->pixels + (size_t)c * plane;
        int64_t sum = 0;
        for (size_t i = 0; i < plane; i++)
            sum += p[i];
        const double mean = (double)sum / (double)plane / 255;
        for (size_t i = 0; i < plane; i++)
            p[i] = to_byte(mean + contrast[j->severity] * (p[i] / 255.0 - mean));
    }
}

/* The place within n that an edge reflects `at` to, not repeating the edge itself. */
static int reflect(int at, int n)
{
    if (n == 1)
        return 0;
    const int period = 2 * (n - 1);
    at = (at % period + period) % period;
    return at < n ? at : period - at;
}

static void shift(struct job *j)
{
    static const int steps[] = {1, 2, 3, 4, 6};
    const int step = (int)(scaled(j, steps[j->severity]) + .5);
    const size_t plane = (size_t)j->h * (size_t)j->w;
    const uint64_t side = random_next(&j->state);
    const int dy = side & 1 ? step : -step, dx = side & 2 ? step : -step;
    uint8_t *in = mem_alloc(plane, 1);

    for (int c = 0; c < 3; c++) {
        uint8_t *p = j->pixels + (size_t)c * plane;
        memcpy(in, p, plane);
        for (int y = 0; y < j->h; y++)
            for (int x = 0; x < j->w; x++)
                p[y * j->w + x] = in[reflect(y + dy, j->h) * j->w + reflect(x + dx, j->w)];
    }
    free(in);
}

int corrupt(uint8_t *pixels, int h, int w, enum corrupt_kind kind, int severity, uint64_t seed,
            int64_t id, struct err *e)
{
    struct job j = {.h = h, .w = w, .severity = severity - 1, .state = seed};

    j.pixels = pixels;
    /* A stream of its own for each kind and image. */
    j.state = random_next(&j.state) + (uint64_t)kind;
    j.state = random_next(&j.state) + (uint64_t)id;
    j.state = random_next(&j.state);
    switch (kind) {
    case CORRUPT_NOISE:
        add_noise(&j);
        break;
    case CORRUPT_BLUR:
        blur(&j);
        break;
    case CORRUPT_FOG:
        add_fog(&j);
        break;
    case CORRUPT_JPEG:
        return compress(&j, e);
    case CORRUPT_CONTRAST:
        lower_contrast(&j);
        break;
    default:
        shift(&j);
    }
    return 0;
}
