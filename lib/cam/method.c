#include "cam/method.h"

#include "base/mem.h"
#include "cam/cam.h"
#include "cam/component.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

static void method_gradcam(const float *acts, const float *grads, int channels, int cells,
                           float *weight, float *map)
{
    for (int k = 0; k < channels; k++)
        weight[k] = (float)(cam_sum(grads + (size_t)k * (size_t)cells, cells) / cells);
    cam_combine(weight, acts, channels, cells, map);
}

/* The others write weights. */
static void method_hirescam(const float *acts, const float *grads, int channels, int cells,
                            float *weight, /* NOLINT(readability-non-const-parameter) */
                            float *map)
{
    enum { BLOCK = 64 }; /* cells summed in one go, in double, on the stack */

    (void)weight;
    for (int at = 0; at < cells; at += BLOCK) {
        int m = cells - at < BLOCK ? cells - at : BLOCK;
        double sum[BLOCK] = {0};
        for (int k = 0; k < channels; k++) {
            size_t from = (size_t)k * (size_t)cells + (size_t)at;
            for (int j = 0; j < m; j++)
                sum[j] += (double)acts[from + (size_t)j] * grads[from + (size_t)j];
        }
        for (int j = 0; j < m; j++)
            map[at + j] = (float)sum[j];
    }
}

static void method_xgradcam(const float *acts, const float *grads, int channels, int cells,
                            float *weight, float *map)
{
    for (int k = 0; k < channels; k++) {
        const float *a = acts + (size_t)k * (size_t)cells;
        const float *g = grads + (size_t)k * (size_t)cells;
        double sum = 0;
        for (int i = 0; i < cells; i++)
            sum += (double)a[i] * g[i];
        weight[k] = (float)(sum / (cam_sum(a, cells) + (double)CAM_EPSILON));
    }
    cam_combine(weight, acts, channels, cells, map);
}

static void method_gradcam_pp(const float *acts, const float *grads, int channels, int cells,
                              float *weight, float *map)
{
    const double epsilon = 1e-6; /* pytorch-grad-cam's */

    for (int k = 0; k < channels; k++) {
        const float *g = grads + (size_t)k * (size_t)cells;
        double all = cam_sum(acts + (size_t)k * (size_t)cells, cells), sum = 0;
        for (int i = 0; i < cells; i++) {
            double g2 = (double)g[i] * g[i];
            if (g[i] > 0)
                sum += g[i] * g2 / (2 * g2 + all * g2 * g[i] + epsilon);
        }
        weight[k] = (float)sum;
    }
    cam_combine(weight, acts, channels, cells, map);
}

/* map[i] = sum over k of what `of` makes of activation and gradient. */
static void sum_cells(const float *acts, const float *grads, int channels, int cells, float *map,
                      double (*of)(float a, float g))
{
    for (int i = 0; i < cells; i++) {
        double sum = 0;
        for (int k = 0; k < channels; k++) {
            size_t at = (size_t)k * (size_t)cells + (size_t)i;
            sum += of(acts[at], grads[at]);
        }
        map[i] = (float)sum;
    }
}

static double positive_product(float a, float g)
{
    double x = (double)a * g;

    return x > 0 ? x : 0;
}

static double positive_gradient(float a, float g)
{
    return g > 0 ? (double)a * g : 0;
}

static void method_elementwise(const float *acts, const float *grads, int channels, int cells,
                               float *weight, /* NOLINT(readability-non-const-parameter) */
                               float *map)
{
    (void)weight;
    sum_cells(acts, grads, channels, cells, map, positive_product);
}

static void method_layercam(const float *acts, const float *grads, int channels, int cells,
                            float *weight, /* NOLINT(readability-non-const-parameter) */
                            float *map)
{
    (void)weight;
    sum_cells(acts, grads, channels, cells, map, positive_gradient);
}

static void method_eigencam(const float *acts, const float *grads, int channels, int cells,
                            float *weight, /* NOLINT(readability-non-const-parameter) */
                            float *map)
{
    (void)grads;
    (void)weight;
    cam_component(acts, channels, cells, map);
}

static void method_eigengradcam(const float *acts, const float *grads, int channels, int cells,
                                float *weight, /* NOLINT(readability-non-const-parameter) */
                                float *map)
{
    const size_t n = (size_t)channels * (size_t)cells;
    float *product = mem_alloc(n, sizeof *product);

    (void)weight;
    for (size_t i = 0; i < n; i++)
        product[i] = acts[i] * grads[i];
    cam_component(product, channels, cells, map);
    free(product);
}

static void method_fem(const float *acts, const float *grads, int channels, int cells,
                       float *weight, float *map)
{
    (void)grads;
    for (int k = 0; k < channels; k++) {
        const float *a = acts + (size_t)k * (size_t)cells;
        double mean = cam_sum(a, cells) / cells, squares = 0;
        int above = 0;
        for (int i = 0; i < cells; i++)
            squares += (a[i] - mean) * (a[i] - mean);
        for (int i = 0; i < cells; i++)
            above += a[i] > mean + 2 * sqrt(squares / cells);
        weight[k] = (float)above / (float)cells;
    }
    cam_combine(weight, acts, channels, cells, map);
}

static const struct method methods[METHOD_COUNT] = {
#define METHOD_ROW(id, word, name, formula, paper, needs, pooled)                                  \
    {word, formula, paper, needs, pooled, method_##name},
    METHODS(METHOD_ROW)
#undef METHOD_ROW
};

const struct method *method_at(int i)
{
    return &methods[i];
}

void method_list(void)
{
    for (int i = 0; i < METHOD_COUNT; i++)
        printf("%-12s %s\n%-12s %s\n", methods[i].word, methods[i].paper, "", methods[i].formula);
}
