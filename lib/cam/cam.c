#include "cam/cam.h"

#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Cells summed in one go, in double, on the stack. */
enum { BLOCK = 64 };

const char *cam_score_word(enum cam_score score)
{
#define CAM_SCORE_NAME(id, word) #word,
    static const char *const words[] = {CAM_SCORES(CAM_SCORE_NAME)};
#undef CAM_SCORE_NAME

    return words[score];
}

void cam_softmax(const float *logits, int classes, double *p, double *rest)
{
    double max = logits[0], sum = 0, before = 0, after = 0;

    for (int k = 1; k < classes; k++)
        max = logits[k] > max ? logits[k] : max;
    for (int k = 0; k < classes; k++)
        sum += p[k] = exp(logits[k] - max);
    for (int k = 0; k < classes; k++) {
        p[k] /= sum;
        rest[k] = before;
        before += p[k];
    }
    for (int k = classes - 1; k >= 0; k--) {
        rest[k] += after;
        after += p[k];
    }
}

/* Adds sign times the derivative of one class's score. */
static void add_seed(enum cam_score score, const double *p, const double *rest, int classes,
                     int cls, float sign, float *seed)
{
    if (score == CAM_LOGIT) {
        seed[cls] += sign;
        return;
    }
    double scale = score == CAM_PROB ? sign * p[cls] : sign;
    for (int k = 0; k < classes; k++)
        seed[k] += (float)(scale * (k == cls ? rest[k] : -p[k]));
}

void cam_seed(enum cam_score score, const double *p, const double *rest, int classes, int cls,
              int minus, float *seed)
{
    /* log p_a - log p_b is z_a - z_b; taken so, nothing cancels. */
    if (minus >= 0 && score == CAM_LOGPROB)
        score = CAM_LOGIT;
    for (int k = 0; k < classes; k++)
        seed[k] = 0;
    add_seed(score, p, rest, classes, cls, 1, seed);
    if (minus >= 0)
        add_seed(score, p, rest, classes, minus, -1, seed);
}

static double log_probability(const float *logits, const double *p, const double *rest, int classes,
                              int cls)
{
    int most = 0;

    if (rest[cls] < 0.5)
        return log1p(-rest[cls]);
    if (p[cls] >= DBL_MIN)
        return log(p[cls]);
    for (int k = 1; k < classes; k++)
        most = p[k] > p[most] ? k : most;
    return (double)logits[cls] - logits[most] + log(p[most]);
}

double cam_value(enum cam_score score, const float *logits, const double *p, const double *rest,
                 int classes, int cls, int minus)
{
    const bool margin = minus >= 0;

    if (score == CAM_LOGIT || (score == CAM_LOGPROB && margin))
        return logits[cls] - (margin ? (double)logits[minus] : 0);
    if (score == CAM_LOGPROB)
        return log_probability(logits, p, rest, classes, cls);
    return p[cls] - (margin ? p[minus] : 0);
}

void cam_combine(const float *weight, const float *planes, int n, int cells, float *map)
{
    for (int at = 0; at < cells; at += BLOCK) {
        int m = cells - at < BLOCK ? cells - at : BLOCK;
        double sum[BLOCK] = {0};
        for (int i = 0; i < n; i++) {
            const float *plane = planes + (size_t)i * (size_t)cells + at;
            const double w = weight[i];
            if (w == 0) /* most of a seed */
                continue;
            for (int j = 0; j < m; j++)
                sum[j] += w * plane[j];
        }
        for (int j = 0; j < m; j++)
            map[at + j] = (float)sum[j];
    }
}

/* Two maps together, so that planes are read once for them, in SPAN cells, whose sums stay in
 * registers. */
enum { SETS = 2, SPAN = 4 };

static void combine_span(const float *weight, const double *plane, int n, int cells, float *map)
{
    double a0 = 0, a1 = 0, a2 = 0, a3 = 0, b0 = 0, b1 = 0, b2 = 0, b3 = 0;

    for (int i = 0; i < n; i++, plane += cells) {
        const double a = weight[i], b = weight[n + i];
        a0 += a * plane[0];
        a1 += a * plane[1];
        a2 += a * plane[2];
        a3 += a * plane[3];
        b0 += b * plane[0];
        b1 += b * plane[1];
        b2 += b * plane[2];
        b3 += b * plane[3];
    }
    const float first[SPAN] = {(float)a0, (float)a1, (float)a2, (float)a3};
    const float second[SPAN] = {(float)b0, (float)b1, (float)b2, (float)b3};
    memcpy(map, first, sizeof first);
    memcpy(map + cells, second, sizeof second);
}

static void combine_cell(const float *weight, const double *plane, int n, int cells, float *map)
{
    double sum = 0;

    for (int i = 0; i < n; i++)
        sum += weight[i] * plane[(size_t)i * (size_t)cells];
    *map = (float)sum;
}

void cam_combine_all(const float *weight, const double *planes, int sets, int n, int cells,
                     float *maps)
{
    const int whole_sets = sets - sets % SETS, whole_cells = cells - cells % SPAN;

    for (int s = 0; s < sets; s++) {
        const float *w = weight + (size_t)s * (size_t)n;
        float *map = maps + (size_t)s * (size_t)cells;
        int from = s < whole_sets ? whole_cells : 0;
        for (int at = 0; at < from && s % SETS == 0; at += SPAN)
            combine_span(w, planes + at, n, cells, map + at);
        for (int at = from; at < cells; at++)
            combine_cell(w, planes + at, n, cells, map + at);
    }
}

void cam_weights_linear(const float *seed, const float *w, int classes, int channels, int cells,
                        float *weight)
{
    /* The linear layer's columns are combined as planes of one row each. */
    cam_combine(seed, w, classes, channels, weight);
    for (int k = 0; k < channels; k++)
        weight[k] = (float)(weight[k] / (double)cells);
}

double cam_sum(const float *v, int n)
{
    double sum = 0;

    for (int i = 0; i < n; i++)
        sum += v[i];
    return sum;
}

void cam_logits_features(const float *features, const float *w, const float *b, int classes,
                         int channels, int cells, float *mean, float *logits)
{
    for (int k = 0; k < channels; k++)
        mean[k] = (float)(cam_sum(features + (size_t)k * (size_t)cells, cells) / cells);
    for (int c = 0; c < classes; c++) {
        const float *row = w + (size_t)c * (size_t)channels;
        double z = b[c];
        for (int k = 0; k < channels; k++)
            z += (double)row[k] * mean[k];
        logits[c] = (float)z;
    }
}

void cam_logits_maps(const float *maps, const float *b, int classes, int cells, float *logits)
{
    for (int c = 0; c < classes; c++)
        logits[c] = (float)(b[c] + cam_sum(maps + (size_t)c * (size_t)cells, cells));
}

void cam_rectify(float *map, int cells)
{
    for (int i = 0; i < cells; i++)
        map[i] = map[i] > 0 ? map[i] : 0;
}

void cam_normalise(float *map, int cells, float epsilon)
{
    float min = map[0], max = map[0];

    for (int i = 1; i < cells; i++) {
        min = map[i] < min ? map[i] : min;
        max = map[i] > max ? map[i] : max;
    }
    float range = epsilon + (max - min);
    for (int i = 0; i < cells; i++)
        map[i] = range > 0 ? (map[i] - min) / range : 0;
}

void cam_finish(float *map, int cells, float epsilon, const struct resize *r, float *out,
                int out_cells)
{
    cam_rectify(map, cells);
    cam_normalise(map, cells, epsilon);
    resize_run(r, map, out);
    cam_rectify(out, out_cells);
    cam_normalise(out, out_cells, epsilon);
}

bool cam_blank(const float *map, int cells)
{
    float min = map[0], max = map[0];

    for (int i = 1; i < cells; i++) {
        min = map[i] < min ? map[i] : min;
        max = map[i] > max ? map[i] : max;
    }
    return max <= 0 || min == max;
}

bool cam_has_places(int h, int w)
{
    return h >= CAM_GRID && w >= CAM_GRID;
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;

    return (x > y) - (x < y);
}

/* Of a map that is not blank: the masses in rising order, and what that tells. */
static void measure_order(const float *map, int cells, float *mass, struct cam_stats *f)
{
    double sum = 0, weighted = 0;

    for (int i = 0; i < cells; i++)
        mass[i] = map[i] > 0 ? map[i] : 0;
    qsort(mass, (size_t)cells, sizeof *mass, by_value);
    for (int i = 0; i < cells; i++) {
        sum += mass[i];
        weighted += (2.0 * (i + 1) - cells - 1) * mass[i];
    }
    f->gini = weighted / (cells * sum);
    f->peak_gap = 1 - (double)mass[cells - 2] / mass[cells - 1];
}

void cam_measure(const float *map, int h, int w, float *room, struct cam_stats *f)
{
    double mass = 0, x_sum = 0, y_sum = 0, border = 0, logs = 0;
    int zeros = 0, cells = h * w;

    f->max = f->min = map[0];
    f->sum = 0;
    for (int y = 0, i = 0; y < h; y++) {
        for (int x = 0; x < w; x++, i++) {
            double v = map[i];
            f->sum += v;
            f->max = v > f->max ? v : f->max;
            f->min = v < f->min ? v : f->min;
            if (v <= 0) {
                zeros++;
                continue;
            }
            mass += v;
            x_sum += v * (x + 0.5);
            y_sum += v * (y + 0.5);
            logs += v * log(v);
            if (x == 0 || y == 0 || x == w - 1 || y == h - 1)
                border += v;
        }
    }
    f->blank = cam_blank(map, cells);
    bool places = cam_has_places(h, w), shown = places && !f->blank;
    f->zero_share = places ? (double)zeros / cells : NAN;
    f->center_x = shown ? x_sum / mass / w : NAN;
    f->center_y = shown ? y_sum / mass / h : NAN;
    f->border_share = shown ? border / mass : NAN;
    /* -sum of q log q with q = v / mass */
    f->entropy = shown ? fmax(0, log(mass) - logs / mass) / log(cells) : NAN;
    f->gini = f->peak_gap = NAN;
    if (shown)
        measure_order(map, cells, room, f);
}

static double mass_of(const float *map, int cells)
{
    double mass = 0;

    for (int i = 0; i < cells; i++)
        mass += map[i] > 0 ? map[i] : 0;
    return mass;
}

double cam_even_border(int h, int w)
{
    return 1 - (h - 2.0) * (w - 2.0) / ((double)h * w);
}

static double overlap(const float *a, const float *b, int h, int w, bool mirrored)
{
    const int cells = h * w;
    double sum = 0, mass_a = mass_of(a, cells), mass_b = mass_of(b, cells);

    if (!cam_has_places(h, w) || cam_blank(a, cells) || cam_blank(b, cells))
        return NAN;
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            const int at = y * w + x, beside = mirrored ? y * w + w - 1 - x : at;
            double qa = a[at] / mass_a, qb = b[beside] / mass_b, q = qa < qb ? qa : qb;
            sum += q > 0 ? q : 0;
        }
    return sum;
}

double cam_overlap(const float *a, const float *b, int h, int w)
{
    return overlap(a, b, h, w, false);
}

double cam_overlap_mirrored(const float *a, const float *b, int h, int w)
{
    return overlap(a, b, h, w, true);
}
