/* The kernels one by one, on the stand-in, against plain loops: sizes that are no
 * multiple of a block, padding, NaN and infinity. */
#include "../unit/check.h"
#include "engine/cuda/kernels.h"
#include "random_net.h"

static const enum kernel_type types[] = {KERNEL_F32, KERNEL_F16, KERNEL_BF16};

/* Relative: half a unit in the last place. */
static double rounding(enum kernel_type t)
{
    return t == KERNEL_F32 ? 1e-6 : t == KERNEL_F16 ? 4.9e-4 : 4e-3;
}

static size_t size_of(enum kernel_type t)
{
    return t == KERNEL_F32 ? 4 : 2;
}

static void *device(size_t bytes)
{
    void *p = NULL;
    CHECK(cudaMalloc(&p, bytes) == cudaSuccess);
    return p;
}

static void *upload(const void *from, size_t bytes)
{
    void *p = device(bytes);
    CHECK(cudaMemcpy(p, from, bytes, cudaMemcpyHostToDevice) == cudaSuccess);
    return p;
}

/* Floats that were computed on the device; frees `p`. */
static float *fetch(void *p, size_t n)
{
    void *pinned;
    cudaStream_t s;
    float *v = mem_alloc(n, sizeof *v);
    CHECK(cudaDeviceSynchronize() == cudaSuccess);
    CHECK(cudaStreamCreateWithFlags(&s, cudaStreamNonBlocking) == cudaSuccess);
    CHECK(cudaHostAlloc(&pinned, n * sizeof *v, cudaHostAllocPortable) == cudaSuccess);
    CHECK(cudaMemcpyAsync(pinned, p, n * sizeof *v, cudaMemcpyDeviceToHost, s) == cudaSuccess);
    CHECK(cudaStreamSynchronize(s) == cudaSuccess);
    memcpy(v, pinned, n * sizeof *v);
    cudaFreeHost(pinned);
    cudaStreamDestroy(s);
    cudaFree(p);
    return v;
}

/* (n, cells, pad) of type t on the device from v (n, c, cells): what packing does to
 * weights (n, c, taps). */
static void *stored(enum kernel_type t, const float *v, int n, int c, int cells, int pad)
{
    float *from = upload(v, (size_t)n * (size_t)c * (size_t)cells * sizeof *v);
    void *to = device((size_t)n * (size_t)pad * (size_t)cells * size_of(t));
    CHECK(kernel_pack(t, from, n, c, cells, n, pad, to, NULL) == cudaSuccess);
    CHECK(cudaDeviceSynchronize() == cudaSuccess);
    cudaFree(from);
    return to;
}

/* v (n, c, cells) back from there. */
static float *plain(enum kernel_type t, void *x, int n, int c, int cells, int pad)
{
    size_t count = (size_t)n * (size_t)c * (size_t)cells;
    float *y = device(count * sizeof *y);
    CHECK(kernel_nchw(t, x, n, cells, pad, c, y, (size_t)c * (size_t)cells, NULL) == cudaSuccess);
    float *v = fetch(y, count);
    cudaFree(x);
    return v;
}

static bool close_to(const float *a, const float *b, size_t n, double tolerance)
{
    for (size_t i = 0; i < n; i++) {
        if (isnan(b[i]) ? isnan(a[i]) : a[i] == b[i])
            continue;
        if (!(fabs((double)a[i] - b[i]) <= tolerance * (fabs((double)b[i]) + 1e-3)))
            return false;
    }
    return true;
}

static void check_layout(enum kernel_type t)
{
    for (int round = 0; round < 12; round++) {
        int n = random_int(1, 5), c = random_int(1, 70), cells = random_int(1, 80);
        int pad = (c + 7) / 8 * 8;
        size_t count = (size_t)n * (size_t)c * (size_t)cells;
        float *v = random_reals(count, 1);
        v[0] = INFINITY;
        v[count - 1] = NAN;
        float *back = plain(t, stored(t, v, n, c, cells, pad), n, c, cells, pad);
        CHECK(close_to(back, v, count, rounding(t)));
        free(back);
        free(v);
    }
}

static void check_input(enum kernel_type t)
{
    enum { N = 3, CELLS = 37 };
    uint8_t pixels[N * 3 * CELLS];
    float table[3 * 256], want[N * 3 * CELLS];
    for (int i = 0; i < 3 * 256; i++)
        table[i] = random_real(1);
    for (int i = 0; i < N * 3 * CELLS; i++) {
        pixels[i] = (uint8_t)random_bits();
        want[i] = table[i / CELLS % 3 * 256 + pixels[i]];
    }
    for (int pad = 4; pad <= 8; pad += 4) {
        void *x = upload(pixels, sizeof pixels),
             *y = device((size_t)N * CELLS * (size_t)pad * size_of(t));
        float *on = upload(table, sizeof table);
        CHECK(kernel_input(t, x, on, N, CELLS, pad, y, NULL) == cudaSuccess);
        /* All stored channels: those beyond the third are 0. */
        float all[N * 8 * CELLS] = {0};
        for (int i = 0; i < N; i++)
            memcpy(all + (size_t)i * (size_t)pad * CELLS, want + (size_t)i * 3 * CELLS,
                   3 * CELLS * sizeof(float));
        float *got = plain(t, y, N, pad, CELLS, pad);
        CHECK(close_to(got, all, (size_t)N * (size_t)pad * CELLS, rounding(t)));
        free(got);
        cudaFree(x);
        cudaFree(on);
    }
}

/* Values as they are, rounded, and zeros in the channels that pad. */
static void check_images(enum kernel_type t)
{
    enum { N = 3, C = 3, CELLS = 71, PAD = 8 };
    float *v = random_reals((size_t)N * C * CELLS, 2);
    float *from = upload(v, (size_t)N * C * CELLS * sizeof *v);
    void *x = device((size_t)N * CELLS * PAD * size_of(t));
    CHECK(kernel_images(t, from, N, CELLS, PAD, C, x, NULL) == cudaSuccess);
    CHECK(cudaDeviceSynchronize() == cudaSuccess);
    float *all = plain(t, x, N, PAD, CELLS, PAD);
    for (size_t i = 0; i < N; i++) {
        CHECK(close_to(all + i * PAD * CELLS, v + i * C * CELLS, C * CELLS, rounding(t)));
        for (size_t k = C * CELLS; k < PAD * CELLS; k++)
            CHECK(all[i * PAD * CELLS + k] == 0);
    }
    cudaFree(from);
    free(all);
    free(v);
}

static void check_mean(enum kernel_type t)
{
    for (int round = 0; round < 6; round++) {
        int n = random_int(1, 5), c = random_int(1, 40), cells = random_int(1, 70);
        int pad = (c + 3) / 4 * 4;
        size_t count = (size_t)n * (size_t)c;
        float *v = random_reals(count * (size_t)cells, 1), *want = mem_alloc(count, sizeof *want);
        for (size_t i = 0; i < count; i++) {
            double sum = 0;
            for (int j = 0; j < cells; j++)
                sum += v[i * (size_t)cells + (size_t)j] = fabsf(v[i * (size_t)cells + (size_t)j]);
            want[i] = (float)(sum / cells);
        }
        void *x = stored(t, v, n, c, cells, pad);
        float *y = device(count * sizeof *y);
        CHECK(kernel_mean(t, x, n, cells, pad, c, y, NULL) == cudaSuccess);
        float *got = fetch(y, count);
        CHECK(close_to(got, want, count, 2 * rounding(t)));
        free(got);
        free(want);
        free(v);
        cudaFree(x);
    }
}

static void check_product(enum kernel_type t)
{
    for (int round = 0; round < 10; round++) {
        int images = random_int(1, 9), cells = random_int(1, 17), n = random_int(1, 140);
        int k = random_int(1, 70), pad = (k + 7) / 8 * 8;
        bool biased = round % 2;
        size_t count = (size_t)images * (size_t)n * (size_t)cells;
        float *a = random_reals((size_t)images * (size_t)k * (size_t)cells, 1);
        float *b = random_reals((size_t)n * (size_t)k, 1), *bias = random_reals((size_t)n, 1);
        float *want = mem_alloc(count, sizeof *want);
        double most = 0;
        for (int i = 0; i < images; i++)
            for (int j = 0; j < n; j++)
                for (int p = 0; p < cells; p++) {
                    double sum = 0;
                    for (int q = 0; q < k; q++)
                        sum += (double)a[(i * k + q) * cells + p] * b[j * k + q];
                    sum = 0.25 * sum + (biased ? bias[j] : 0);
                    want[(i * n + j) * cells + p] = (float)sum;
                    most = fabs(sum) > most ? fabs(sum) : most;
                }
        void *x = stored(t, a, images, k, cells, pad);
        float *w = upload(b, (size_t)n * (size_t)k * sizeof *b);
        float *z = upload(bias, (size_t)n * sizeof *bias), *y = device(count * sizeof *y);
        CHECK(kernel_product(t, x, pad, w, biased ? z : NULL, 0.25F, images * cells, n, k, cells, y,
                             NULL) == cudaSuccess);
        float *got = fetch(y, count);
        CHECK(difference(got, want, count) <= 2 * rounding(t));
        free(got);
        free(want);
        free(a);
        free(b);
        free(bias);
        cudaFree(x);
        cudaFree(w);
        cudaFree(z);
    }
}

/* Largest in each window, and where the gradients go, as PyTorch's max_pool2d. */
static void window(const float *x, struct kernel_window v, const float *dy, float *y, float *dx)
{
    for (int i = 0; i < v.h * v.w; i++)
        dx[i] = 0;
    for (int oy = 0; oy < v.oh; oy++)
        for (int ox = 0; ox < v.ow; ox++) {
            int at = -1;
            for (int iy = oy * v.stride - v.pad; iy < oy * v.stride - v.pad + v.k; iy++)
                for (int ix = ox * v.stride - v.pad; ix < ox * v.stride - v.pad + v.k; ix++)
                    if (iy >= 0 && iy < v.h && ix >= 0 && ix < v.w &&
                        (at < 0 || x[iy * v.w + ix] > x[at] ||
                         (isnan(x[iy * v.w + ix]) && !isnan(x[at]))))
                        at = iy * v.w + ix;
            y[oy * v.ow + ox] = x[at];
            dx[at] += dy[oy * v.ow + ox];
        }
}

static void check_max(enum kernel_type t)
{
    static const int shape[][3] = {{3, 2, 1}, {2, 2, 0}, {3, 1, 1}, {2, 1, 0}, {3, 3, 1}};
    for (int round = 0; round < 10; round++) {
        const int *s = shape[round % 5];
        int n = random_int(1, 3), c = random_int(1, 9) * 4, h = random_int(3, 9),
            w = random_int(3, 9);
        struct kernel_window v = {.h = h, .w = w, .k = s[0], .stride = s[1], .pad = s[2]};
        v.oh = (h + 2 * v.pad - v.k) / v.stride + 1;
        v.ow = (w + 2 * v.pad - v.k) / v.stride + 1;
        size_t in = (size_t)h * (size_t)w, out = (size_t)v.oh * (size_t)v.ow;
        size_t planes = (size_t)n * (size_t)c;
        float *x = mem_alloc(planes * in, sizeof *x), *dy = random_reals(planes * out, 1);
        float *y = mem_alloc(planes * out, sizeof *y), *dx = mem_alloc(planes * in, sizeof *dx);
        /* Small whole numbers: exact in every type, and often equal. */
        for (size_t i = 0; i < planes * in; i++)
            x[i] = (float)random_int(-4, 4);
        x[random_bits() % in] = NAN;
        x[in] = -INFINITY;
        for (size_t i = 0; i < planes; i++)
            window(x + i * in, v, dy + i * out, y + i * out, dx + i * in);
        void *on = stored(t, x, n, c, h * w, c);
        void *to = device(planes * out * size_of(t));
        CHECK(kernel_max(t, on, n, c, v, to, NULL) == cudaSuccess);
        float *got = plain(t, to, n, c, v.oh * v.ow, c);
        CHECK(close_to(got, y, planes * out, 0));
        free(got);

        float *grad = stored(KERNEL_F32, dy, n, c, v.oh * v.ow, c);
        float *back = device(planes * in * sizeof *back);
        CHECK(kernel_max_back(t, on, grad, n, c, v, back, NULL) == cudaSuccess);
        got = plain(KERNEL_F32, back, n, c, h * w, c);
        CHECK(close_to(got, dx, planes * in, 1e-5));
        free(got);
        free(x);
        free(dy);
        free(y);
        free(dx);
        cudaFree(on);
        cudaFree(grad);
    }
}

static void check_scale(enum kernel_type t)
{
    for (int round = 0; round < 16; round++) {
        int n = random_int(1, 5), c = random_int(1, 40), cells = random_int(1, 70);
        int pad = (c + 7) / 8 * 8;
        bool biased = round % 2, relu = round / 2 % 2;
        int add = round / 4; /* nothing, a value, or what is written over; 3: in place */
        size_t count = (size_t)n * (size_t)c * (size_t)cells;
        size_t bytes = (size_t)n * (size_t)pad * (size_t)cells * size_of(t);
        float *v = random_reals(count, 1), *r = random_reals(count, 1);
        float *w = random_reals((size_t)pad, 1), *b = random_reals((size_t)pad, 1);
        float *want = mem_alloc(count, sizeof *want);
        for (size_t i = 0; i < count; i++) {
            size_t k = i / (size_t)cells % (size_t)c;
            /* Whole numbers: exact in every type. */
            v[i] = roundf(4 * v[i]);
            r[i] = roundf(4 * r[i]);
            float y = w[k] * v[i] + (biased ? b[k] : 0) + (add == 1 || add == 2 ? r[i] : 0);
            want[i] = relu && y < 0 ? 0 : y;
        }
        v[0] = want[0] = NAN;
        void *x = stored(t, v, n, c, cells, pad), *res = stored(t, r, n, c, cells, pad);
        float *dw = upload(w, (size_t)pad * sizeof *w), *db = upload(b, (size_t)pad * sizeof *b);
        void *y = add == 3 ? x : add == 2 ? res : device(bytes);
        CHECK(kernel_scale(t, x, dw, biased ? db : NULL, add == 1 || add == 2 ? res : NULL, relu,
                           (size_t)n * (size_t)cells, pad, y, NULL) == cudaSuccess);
        float *got = plain(t, y, n, c, cells, pad);
        CHECK(close_to(got, want, count, 2 * rounding(t)));
        free(got);
        free(want);
        free(v);
        free(r);
        free(w);
        free(b);
        if (add != 3)
            cudaFree(x);
        if (add != 2)
            cudaFree(res);
        cudaFree(dw);
        cudaFree(db);
    }
}

static void check_gradients(enum kernel_type t)
{
    enum { N = 5000 };
    float x[N], g[N], want[N], other[N];
    for (int i = 0; i < N; i++) {
        x[i] = i % 3 ? random_real(1) : 0;
        g[i] = random_real(1);
        other[i] = random_real(1);
        want[i] = (x[i] > 0 ? g[i] : 0) + other[i];
    }
    void *on = stored(t, x, 1, N, 1, N);
    float *to = upload(g, sizeof g), *from = upload(other, sizeof other);
    CHECK(kernel_mask(t, on, to, N, NULL) == cudaSuccess);
    CHECK(kernel_add(from, to, N, NULL) == cudaSuccess);
    float *got = fetch(to, N);
    CHECK(close_to(got, want, N, 1e-6));
    free(got);
    cudaFree(on);
    cudaFree(from);

    enum { C = 5, PAD = 8, CELLS = 7, IMAGES = 3 };
    float *few = upload(g, IMAGES * C * sizeof *g);
    float *wide = device((size_t)IMAGES * CELLS * PAD * sizeof *wide);
    CHECK(kernel_spread(few, IMAGES, CELLS, PAD, C, wide, NULL) == cudaSuccess);
    got = fetch(wide, (size_t)IMAGES * CELLS * PAD);
    for (int i = 0; i < IMAGES * CELLS * PAD; i++)
        CHECK(got[i] == (i % PAD < C ? g[i / PAD / CELLS * C + i % PAD] : 0));
    free(got);
    cudaFree(few);
}

int main(void)
{
    random_state = 5;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        check_layout(types[i]);
        check_input(types[i]);
        check_images(types[i]);
        check_mean(types[i]);
        check_product(types[i]);
        check_max(types[i]);
        check_scale(types[i]);
        check_gradients(types[i]);
    }
    return CHECK_DONE();
}
