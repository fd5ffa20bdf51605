#include "fit/stem.h"

#include "base/mem.h"
#include "image/grey.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Multiplications that the moments of one frame may take: some hundredths of a second. Elements of
 * a patch: their products are kept for each part and frame, 330 MB at most. */
enum { BUDGET = 32 << 20, PATCH = 900, BORDER = 4 };

/* Patches z: the bytes under the window, of all channels, then for each place of the window
 * whether it lies within the image: 0 where the convolution pads, since it pads what is
 * normalised. The normalised patch is linear in z. */
struct moments {
    double cells;
    double *sum;     /* [patch] of z */
    double *product; /* [patch][patch], below the diagonal and on it, of z z' */
};

struct fit_stem {
    const struct graph_op *conv;
    const struct model_norm *norm;
    int out, oh, ow; /* what the convolution makes */
    bool bgr;        /* the convolution's weights were put in another order when it was built */
    int channels;    /* 3 or, of grey images, 1 */
    int h, w, window, patch;
    int each;            /* cells taken of an image */
    double colour[3][3]; /* of each: sums over images of the mean, the mean square and the
                            deviation */
    int64_t images;
    struct moments part[FIT_FRAMES][FIT_PARTS], all[FIT_FRAMES];
};

static void moments_new(struct moments *m, int patch)
{
    m->cells = 0;
    m->sum = mem_zero((size_t)patch, sizeof *m->sum);
    m->product = mem_zero((size_t)patch * (size_t)patch, sizeof *m->product);
}

static void moments_add(struct moments *m, const struct moments *of, double sign, int patch)
{
    m->cells += sign * of->cells;
    for (int i = 0; i < patch; i++)
        m->sum[i] += sign * of->sum[i];
    for (int i = 0; i < patch * patch; i++)
        m->product[i] += sign * of->product[i];
}

/* Deterministic: Numerical Recipes' generator. */
static unsigned next(unsigned *seed, unsigned below)
{
    *seed = *seed * 1664525U + 1013904223U;
    return (unsigned)(((uint64_t)*seed * below) >> 32);
}

/* How an image is moved and mirrored. */
struct move {
    int dy, dx;
    bool flip;
};

static struct move next_move(unsigned *seed)
{
    struct move m;
    m.dy = (int)next(seed, 2 * BORDER + 1) - BORDER;
    m.dx = (int)next(seed, 2 * BORDER + 1) - BORDER;
    m.flip = next(seed, 2);
    return m;
}

/* The patch around output cell (y, x) of a moved image. */
static void take_patch(const struct fit_stem *s, const uint8_t *pixels, int y, int x,
                       enum fit_frame frame, struct move m, double *z)
{
    const struct graph_axis *down = &s->conv->y, *along = &s->conv->x;
    const int plane = s->h * s->w;
    for (int ky = 0, at = 0; ky < down->k; ky++)
        for (int kx = 0; kx < along->k; kx++, at++) {
            int iy = y * down->stride - down->before + ky * (down->gap + 1),
                ix = x * along->stride - along->before + kx * (along->gap + 1);
            bool inside = iy >= 0 && iy < s->h && ix >= 0 && ix < s->w;
            iy += m.dy;
            ix += m.dx;
            bool shown = inside && iy >= 0 && iy < s->h && ix >= 0 && ix < s->w;
            int from = iy * s->w + (m.flip ? s->w - 1 - ix : ix);
            for (int c = 0; c < s->channels; c++)
                z[c * s->window + at] = shown ? pixels[c * plane + from] / 255.0 : 0;
            z[s->channels * s->window + at] = frame == FIT_FRAME_ZERO ? shown : inside;
        }
}

static void add_image(struct fit_stem *s, struct moments *m, const uint8_t *pixels,
                      enum fit_frame frame, unsigned *seed, double *z)
{
    const unsigned oh = (unsigned)s->oh, ow = (unsigned)s->ow;
    struct move move = {0, 0, false};
    if (frame != FIT_FRAME_NONE)
        move = next_move(seed);
    bool all = (int64_t)oh * ow <= s->each;
    int cells = all ? (int)(oh * ow) : s->each;
    for (int i = 0; i < cells; i++) {
        unsigned cell = all ? (unsigned)i : next(seed, oh * ow);
        take_patch(s, pixels, (int)(cell / ow), (int)(cell % ow), frame, move, z);
        for (int a = 0; a < s->patch; a++) {
            double *row = m->product + (size_t)a * (size_t)s->patch, za = z[a];
            m->sum[a] += za;
            for (int b = 0; b <= a; b++)
                row[b] += za * z[b];
        }
    }
    m->cells += cells;
}

static void add_colours(struct fit_stem *s, const uint8_t *pixels)
{
    const int plane = s->h * s->w;
    for (int c = 0; c < s->channels; c++) {
        double sum = 0, square = 0;
        for (int i = 0; i < plane; i++) {
            double v = pixels[c * plane + i] / 255.0;
            sum += v;
            square += v * v;
        }
        double mean = sum / plane, var = square / plane - mean * mean;
        s->colour[c][0] += mean;
        s->colour[c][1] += square / plane;
        s->colour[c][2] += sqrt(var > 0 ? var : 0);
    }
    s->images++;
}

/* The convolution of the image that the first norm is behind, or NULL. In a program the first
 * operation puts the colours in the order that is assumed, if that is not their own. */
static const struct graph_op *find_conv(const struct model *m)
{
    const int first = m->program && m->assumed.bgr;
    if (m->norms == 0 || m->graph->ops <= first)
        return NULL;
    const struct graph_op *op = &m->graph->op[first];
    const bool plain = op->kind == GRAPH_CONV && op->in[0] == first && op->groups == 1 &&
                       op->ins == 1 && op->act == GRAPH_NONE && m->norm[0].value == op->out;
    return plain && (model_channels(m) + 1) * op->y.k * op->x.k <= PATCH ? op : NULL;
}

int fit_stem_new(struct fit_stem **out, const struct model *m, const struct fit_images *images,
                 struct err *e)
{
    const struct graph_op *conv = find_conv(m);
    *out = NULL;
    if (!conv)
        return 0;
    struct fit_stem *s = mem_zero(1, sizeof *s);
    const struct graph_value *made = &m->graph->value[conv->out];
    s->conv = conv;
    s->norm = &m->norm[0];
    s->out = made->c;
    s->oh = made->h;
    s->ow = made->w;
    s->bgr = m->assumed.bgr && !m->program;
    s->h = images->h;
    s->w = images->w;
    s->window = s->conv->y.k * s->conv->x.k;
    s->channels = model_channels(m);
    s->patch = (s->channels + 1) * s->window;
    double most = (double)BUDGET / ((double)images->count * s->patch * s->patch / 2);
    s->each = most < 1 ? 1 : most < INT32_MAX ? (int)most : INT32_MAX;
    for (int f = 0; f < FIT_FRAMES; f++) {
        moments_new(&s->all[f], s->patch);
        for (int i = 0; i < FIT_PARTS; i++)
            moments_new(&s->part[f][i], s->patch);
    }
    uint8_t *pixels = mem_alloc(3 * (size_t)s->h, (size_t)s->w);
    double *z = mem_alloc((size_t)s->patch, sizeof *z);
    unsigned seed = 1;
    int r = 0;
    for (int64_t i = 0; i < images->count && r == 0; i++) {
        r = images->at(images->ctx, i, pixels, e);
        if (r == 0 && s->channels == 1)
            image_grey(pixels, (size_t)s->h * (size_t)s->w, pixels);
        if (r == 0)
            add_colours(s, pixels);
        for (int f = 0; f < FIT_FRAMES && r == 0; f++)
            add_image(s, &s->part[f][i * FIT_PARTS / images->count], pixels, (enum fit_frame)f,
                      &seed, z);
    }
    for (int f = 0; f < FIT_FRAMES; f++)
        for (int i = 0; i < FIT_PARTS; i++)
            moments_add(&s->all[f], &s->part[f][i], 1, s->patch);
    free(pixels);
    free(z);
    if (r == 0)
        *out = s;
    else
        fit_stem_free(s);
    return r;
}

void fit_stem_free(struct fit_stem *s)
{
    if (!s)
        return;
    for (int f = 0; f < FIT_FRAMES; f++) {
        free(s->all[f].sum);
        free(s->all[f].product);
        for (int i = 0; i < FIT_PARTS; i++) {
            free(s->part[f][i].sum);
            free(s->part[f][i].product);
        }
    }
    free(s);
}

/* The output channel's weights for z. */
static void weights_for(const struct fit_stem *s, const struct fit_pixels *p, int channel,
                        double *u)
{
    const float *w = s->conv->w + (size_t)channel * (size_t)(s->channels * s->window);
    memset(u, 0, (size_t)s->patch * sizeof *u);
    for (int c = 0; c < s->channels; c++) {
        int colour = s->channels == 3 && p->bgr != s->bgr ? 2 - c : c;
        for (int t = 0; t < s->window; t++) {
            double v = w[c * s->window + t] / (double)p->std[colour];
            u[colour * s->window + t] = v;
            u[s->channels * s->window + t] -= v * (double)p->mean[colour];
        }
    }
}

/* Mean and second moment of u . z. */
static void project(const struct moments *m, const double *u, int patch, double *mean,
                    double *square)
{
    double sum = 0, total = 0;
    for (int a = 0; a < patch; a++) {
        const double *row = m->product + (size_t)a * (size_t)patch;
        double part = u[a] * row[a] / 2;
        for (int b = 0; b < a; b++)
            part += u[b] * row[b];
        total += 2 * u[a] * part;
        sum += u[a] * m->sum[a];
    }
    *mean = sum;
    *square = total;
}

double fit_stem_divergence(const struct fit_stem *s, const struct fit_pixels *p, int without,
                           enum fit_frame *frame)
{
    double *u = mem_alloc((size_t)s->patch, sizeof *u), total[FIT_FRAMES] = {0}, best = INFINITY;
    for (int k = 0; k < s->out; k++) {
        double recorded = (double)s->norm->var[k] + s->norm->eps;
        weights_for(s, p, k, u);
        for (int f = 0; f < FIT_FRAMES; f++) {
            double mean, square, cells = s->all[f].cells;
            project(&s->all[f], u, s->patch, &mean, &square);
            if (without >= 0) {
                double less, less_square;
                project(&s->part[f][without], u, s->patch, &less, &less_square);
                mean -= less;
                square -= less_square;
                cells -= s->part[f][without].cells;
            }
            mean /= cells;
            double var = square / cells - mean * mean;
            total[f] +=
                fit_divergence(mean + (double)s->conv->b[k], (var > 0 ? var : 0) + s->norm->eps,
                               (double)s->norm->mean[k], recorded);
        }
    }
    for (int f = 0; f < FIT_FRAMES; f++)
        if (total[f] / s->out < best) {
            best = total[f] / s->out;
            if (frame)
                *frame = (enum fit_frame)f;
        }
    free(u);
    return best;
}

void fit_stem_pixels(const struct fit_stem *s, float mean[3], float std[3], float each[3])
{
    for (int i = 0; i < 3; i++) {
        const double *colour = s->colour[s->channels == 3 ? i : 0];
        double m = colour[0] / (double)s->images, var = colour[1] / (double)s->images - m * m;
        mean[i] = (float)m;
        std[i] = (float)sqrt(var > 0 ? var : 0);
        each[i] = (float)(colour[2] / (double)s->images);
    }
}

void fit_frame_image(uint8_t *to, const uint8_t *from, int h, int w, const uint8_t fill[3],
                     unsigned seed)
{
    seed *= 2654435761U; /* near seeds would move images alike */
    const struct move m = next_move(&seed);
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++) {
                int iy = y + m.dy, ix = x + m.dx;
                bool shown = iy >= 0 && iy < h && ix >= 0 && ix < w;
                int at = (c * h + iy) * w + (m.flip ? w - 1 - ix : ix);
                to[(c * h + y) * w + x] = shown ? from[at] : fill[c];
            }
}
