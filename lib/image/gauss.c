#include "image/gauss.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>

/* One line of n values, `step` apart; weight[2 * reach + 1]. */
static void blur_line(const float *in, float *out, int n, int step, const double *weight, int reach)
{
    for (int i = 0; i < n; i++) {
        double sum = 0;
        for (int k = -reach; k <= reach; k++) {
            int at = i + k < 0 ? 0 : i + k >= n ? n - 1 : i + k;
            sum += weight[k + reach] * in[(size_t)at * (size_t)step];
        }
        out[(size_t)i * (size_t)step] = (float)sum;
    }
}

void gauss_blur(float *plane, float *room, int h, int w, double sigma)
{
    const int reach = (int)(4 * sigma + .5);
    double *weight = mem_alloc(2 * (size_t)reach + 1, sizeof *weight), sum = 0;

    for (int k = -reach; k <= reach; k++)
        sum += weight[k + reach] = exp(-k * k / (2 * sigma * sigma));
    for (int k = 0; k <= 2 * reach; k++)
        weight[k] /= sum;
    for (int y = 0; y < h; y++)
        blur_line(plane + (size_t)y * (size_t)w, room + (size_t)y * (size_t)w, w, 1, weight, reach);
    for (int x = 0; x < w; x++)
        blur_line(room + x, plane + x, h, w, weight, reach);
    free(weight);
}
