#include "faith/ssim.h"

#include <math.h>

/* That of one window whose rows are w apart. */
static double window(const float *a, const float *b, int w)
{
    const double n = SSIM_WINDOW * SSIM_WINDOW, c1 = 0.01 * 0.01, c2 = 0.03 * 0.03;
    double sa = 0, sb = 0, saa = 0, sbb = 0, sab = 0;

    for (int y = 0; y < SSIM_WINDOW; y++)
        for (int x = 0; x < SSIM_WINDOW; x++) {
            double p = a[y * w + x], q = b[y * w + x];
            sa += p;
            sb += q;
            saa += p * p;
            sbb += q * q;
            sab += p * q;
        }
    sa /= n;
    sb /= n;
    double va = (saa - n * sa * sa) / (n - 1), vb = (sbb - n * sb * sb) / (n - 1);
    double vab = (sab - n * sa * sb) / (n - 1);
    return (2 * sa * sb + c1) * (2 * vab + c2) / ((sa * sa + sb * sb + c1) * (va + vb + c2));
}

double ssim(const float *a, const float *b, int h, int w)
{
    double sum = 0;
    int windows = 0;

    for (int y = 0; y + SSIM_WINDOW <= h; y++)
        for (int x = 0; x + SSIM_WINDOW <= w; x++, windows++)
            sum += window(a + y * w + x, b + y * w + x, w);
    return windows > 0 ? sum / windows : NAN;
}
