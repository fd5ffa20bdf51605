/* Structural similarity; values of skimage.metrics.structural_similarity(a, b, data_range=1). */
#include "check.h"

#include "faith/ssim.h"

#include <stdint.h>

enum { H = 9, W = 12 };

static void numbers(float *v, uint32_t state)
{
    for (int i = 0; i < H * W; i++) {
        state = (state * 1103515245u + 12345u) & 0x7fffffffu;
        v[i] = (float)(state >> 16) / 32768;
    }
}

int main(void)
{
    float a[H * W], b[H * W], mixed[H * W], corner[2][49];

    numbers(a, 1);
    numbers(b, 2);
    for (int i = 0; i < H * W; i++)
        mixed[i] = a[i] * 0.5f + 0.25f * b[i];
    for (int i = 0; i < 49; i++) {
        corner[0][i] = a[i / 7 * W + i % 7];
        corner[1][i] = b[i / 7 * W + i % 7];
    }
    CHECK_NEAR(ssim(a, b, H, W), 0.075625490, 1e-7);
    CHECK_NEAR(ssim(a, mixed, H, W), 0.739596258, 1e-7);
    CHECK_NEAR(ssim(corner[0], corner[1], 7, 7), 0.040731217, 1e-7);
    CHECK_NEAR(ssim(a, a, H, W), 1, 1e-12);
    CHECK(isnan(ssim(a, b, 6, W)));
    return CHECK_DONE();
}
