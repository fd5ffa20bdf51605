#include "cam/method.h"

#include "base/mem.h"
#include "base/random.h"
#include "cam/component.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

/* pytorch-grad-cam's guards against division by zero. They are in the units of the score, so that
 * they change the maps of small gradients: only how->compat takes them. */
static const double EPSILON_PP = 1e-6, EPSILON_X = 1e-7;

static const float *plane(const struct method_item *x, const float *of, int k)
{
    return of + (size_t)k * (size_t)x->cells;
}

/* --- weights of channels --- */

static void weights_gradcam(const struct method_how *how, const struct method_item *x,
                            float *weight)
{
    (void)how;
    for (int k = 0; k < x->channels; k++)
        weight[k] = (float)(cam_sum(plane(x, x->grads, k), x->cells) / x->cells);
}

static void weights_xgradcam(const struct method_how *how, const struct method_item *x,
                             float *weight)
{
    for (int k = 0; k < x->channels; k++) {
        const float *a = plane(x, x->acts, k), *g = plane(x, x->grads, k);
        double sum = 0, all = cam_sum(a, x->cells) + (how->compat ? EPSILON_X : 0);
        for (int i = 0; i < x->cells; i++)
            sum += (double)a[i] * g[i];
        weight[k] = all != 0 ? (float)(sum / all) : 0;
    }
}

static void weights_gradcam_pp(const struct method_how *how, const struct method_item *x,
                               float *weight)
{
    for (int k = 0; k < x->channels; k++) {
        const float *g = plane(x, x->grads, k);
        double all = cam_sum(plane(x, x->acts, k), x->cells), sum = 0;
        for (int i = 0; i < x->cells; i++) {
            double g2 = (double)g[i] * g[i], below = 2 + all * g[i];
            if (how->compat)
                below = (2 * g2 + all * g2 * g[i] + EPSILON_PP) / g2;
            if (g[i] > 0 && below != 0)
                sum += g[i] / below;
        }
        weight[k] = (float)sum;
    }
}

/* Of an image, whatever order images come in. */
static void weights_random(const struct method_how *how, const struct method_item *x, float *weight)
{
    uint64_t state = how->seed;
    state = random_next(&state) ^ (uint64_t)x->id;
    state = random_next(&state);
    for (int k = 0; k < x->channels; k++)
        weight[k] = (float)(2 * random_unit(&state) - 1);
}

/* --- shares of cells --- */

static double cell_product(float a, float g)
{
    return (double)a * g;
}

static double cell_positive_product(float a, float g)
{
    double x = (double)a * g;

    return x > 0 ? x : 0;
}

static double cell_positive_gradient(float a, float g)
{
    return g > 0 ? (double)a * g : 0;
}

/* --- whole maps --- */

static void whole_eigencam(const struct method_item *x, float *map)
{
    cam_component(x->acts, x->channels, x->cells, map);
}

static void whole_eigengradcam(const struct method_item *x, float *map)
{
    const size_t n = (size_t)x->channels * (size_t)x->cells;
    float *product = mem_alloc(n, sizeof *product);

    for (size_t i = 0; i < n; i++)
        product[i] = x->acts[i] * x->grads[i];
    cam_component(product, x->channels, x->cells, map);
    free(product);
}

static void whole_kpcacam(const struct method_item *x, float *map)
{
    cam_kernel_component(x->acts, x->channels, x->cells, map);
}

static void whole_fem(const struct method_item *x, float *map)
{
    for (int k = 0; k < x->channels; k++) {
        const float *a = plane(x, x->acts, k);
        double mean = cam_sum(a, x->cells) / x->cells, squares = 0;
        int above = 0;
        for (int i = 0; i < x->cells; i++)
            squares += (a[i] - mean) * (a[i] - mean);
        for (int i = 0; i < x->cells; i++)
            above += a[i] > mean + 2 * sqrt(squares / x->cells);
        x->weight[k] = (float)above / (float)x->cells;
    }
    cam_combine(x->weight, x->acts, x->channels, x->cells, map);
}

/* --- maps --- */

static double share(const struct method *m, const struct method_item *x, const float *weight, int k,
                    int i)
{
    const float a = plane(x, x->acts, k)[i];

    return weight ? (double)weight[k] * a : m->cell(a, plane(x, x->grads, k)[i]);
}

/* The first principal component of the channels' shares. */
static void component(const struct method *m, const struct method_item *x, const float *weight,
                      float *map)
{
    float *all = mem_alloc((size_t)x->channels * (size_t)x->cells, sizeof *all), *to = all;

    for (int k = 0; k < x->channels; k++)
        for (int i = 0; i < x->cells; i++)
            *to++ = (float)share(m, x, weight, k, i);
    cam_component(all, x->channels, x->cells, map);
    free(all);
}

static void sum_cells(const struct method *m, const struct method_item *x, float *map)
{
    for (int i = 0; i < x->cells; i++) {
        double sum = 0;
        for (int k = 0; k < x->channels; k++)
            sum += share(m, x, NULL, k, i);
        map[i] = (float)sum;
    }
}

void method_weighted(const struct method_how *how, const struct method_item *x, const float *weight,
                     float *map)
{
    if (how->eigen)
        component(how->method, x, weight, map);
    else
        cam_combine(weight, x->acts, x->channels, x->cells, map);
}

void method_map(const struct method_how *how, const struct method_item *x, float *map)
{
    const struct method *m = how->method;

    if (m->whole) {
        m->whole(x, map);
    } else if (m->weights) {
        m->weights(how, x, x->weight);
        method_weighted(how, x, x->weight, map);
    } else if (how->eigen) {
        component(m, x, NULL, map);
    } else {
        sum_cells(m, x, map);
    }
}

/* --- the table --- */

#define METHOD_WEIGHTS(name) .weights = weights_##name
#define METHOD_CELLS(name) .cell = cell_##name
#define METHOD_WHOLE(name) .whole = whole_##name
#define METHOD_ALONE(name) .passes = METHOD_NO_PASSES
#define METHOD_PASSES(name) .passes = METHOD_##name

static const struct method methods[METHOD_COUNT] = {
#define METHOD_ROW(id, word, kind, name, formula, paper, needs, closed)                            \
    {word, formula, paper, needs, closed, METHOD_##kind(name)},
    METHODS(METHOD_ROW)
#undef METHOD_ROW
};

const struct method *method_at(int i)
{
    return &methods[i];
}

bool method_combines(const struct method_how *how)
{
    const enum method_closed closed = how->method->closed;

    return (closed == METHOD_CAM || closed == METHOD_CLASS_MAPS) && !how->eigen;
}

bool method_adds_up(const struct method_how *how)
{
    /* With the second derivative of a logit, which is 0, it is gradcam. */
    bool gradcam = (how->method->needs & METHOD_SECOND) && how->score == CAM_LOGIT;

    return !how->eigen && (how->method->closed == METHOD_CAM || gradcam);
}

bool method_needs_logits(const struct method_how *how)
{
    return how->score != CAM_LOGIT || (how->method->needs & METHOD_LOGITS) ||
           how->method->passes == METHOD_ABLATES;
}

const char *method_same(const struct method_how *how, bool closed, bool rectified)
{
    const struct method *m = how->method;

    if ((m->needs & METHOD_SECOND) && how->score == CAM_LOGIT)
        return "gradcam: a logit has no second derivative";
    if (m == method_at(METHOD_HIRESCAM) || m == method_at(METHOD_XGRADCAM))
        return closed ? "gradcam: there the gradient is the same in all cells" : NULL;
    if (m == method_at(METHOD_ELEMENTWISE) && rectified)
        return "layercam: no activation is negative";
    if (m == method_at(METHOD_LAYERCAM) && rectified)
        return "elementwise: no activation is negative";
    return NULL;
}

bool method_asks_class(const struct method *m)
{
    return m->needs || m->passes;
}

bool method_sums(const struct method *m)
{
    return !m->whole && !(m->needs & METHOD_BIASES);
}

void method_list(void)
{
    for (int i = 0; i < METHOD_COUNT; i++)
        printf("%-12s %s\n%-12s %s\n", methods[i].word, methods[i].paper, "", methods[i].formula);
}
