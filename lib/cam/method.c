#include "cam/method.h"

#include "cam/cam.h"

#include <stddef.h>
#include <stdio.h>

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

static const struct method methods[METHOD_COUNT] = {
#define METHOD_ROW(id, word, formula, paper, needs, pooled)                                        \
    {#word, formula, paper, needs, pooled, method_##word},
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
        printf("%-10s %s\n", methods[i].word, methods[i].formula);
}
