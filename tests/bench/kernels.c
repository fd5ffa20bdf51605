/* Times the CUDA backend's own kernels on a GPU, at sizes of networks for small images, as TSV:
 * what each has to move at least, and how that compares with a copy on the device. */
#include "engine/cuda/kernels.h"
#include "graph/graph.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Images; sides, channels of a value; and those of a late one. */
enum {
    N = 512,
    SIDE = 32,
    CELLS = SIDE * SIDE,
    C = 64,
    LATE_CELLS = 16,
    LATE = 512,
    CLASSES = 100
};
enum { WARM = 3, RUNS = 10, ELEMENTS = N * CELLS * C };

static void *x, *y, *z;
static float *w, *b, *dx, *dy;
static int *list;
static cudaStream_t stream;
static cudaEvent_t event[2];
static double copied; /* bytes a second */

static void must(cudaError_t s, const char *what)
{
    if (s == cudaSuccess)
        return;
    fprintf(stderr, "kernels: %s: %s\n", what, cudaGetErrorString(s));
    exit(1);
}

/* Of RUNS launches; a macro, since each has arguments of its own. */
#define TIME(ms, name, call)                                                                       \
    do {                                                                                           \
        for (int i_ = 0; i_ < WARM + RUNS; i_++) {                                                 \
            if (i_ == WARM)                                                                        \
                must(cudaEventRecord(event[0], stream), name);                                     \
            must(call, name);                                                                      \
        }                                                                                          \
        must(cudaEventRecord(event[1], stream), name);                                             \
        must(cudaStreamSynchronize(stream), name);                                                 \
        must(cudaEventElapsedTime(&(ms), event[0], event[1]), name);                               \
        (ms) /= RUNS;                                                                              \
    } while (0)

/* A row: `bytes` to move, `macs` to compute. */
#define ROW(name, bytes, macs, call)                                                               \
    do {                                                                                           \
        float ms_;                                                                                 \
        TIME(ms_, name, call);                                                                     \
        double s_ = (double)ms_ / 1e3, bytes_ = (double)(bytes);                                   \
        printf("%s\t%s\t%.4f\t%.0f\t%.0f\t%.2f\n", name, type_name[t], (double)ms_,                \
               bytes_ / s_ / 1e9, 100 * bytes_ / s_ / copied, 2 * (double)(macs) / s_ / 1e12);     \
    } while (0)

static const char *const type_name[] = {"f32", "f16", "bf16"};

static struct kernel_window window(int k, int stride, enum kernel_areas areas)
{
    const struct kernel_axis a = {SIDE, SIDE / stride, k, stride, k > 2 ? k / 2 : 0, 0};
    return (struct kernel_window){a, a, areas};
}

static void forward(enum kernel_type t)
{
    const double all = (double)ELEMENTS * (t == KERNEL_F32 ? 4 : 2);
    const size_t cells = (size_t)N * CELLS;
    const struct kernel_window pool = window(2, 2, KERNEL_WHOLE),
                               three = window(3, 1, KERNEL_WHOLE);
    const struct kernel_groups each = {C, C, C, 1, 1}, grouped = {C, C, C, 8, 8},
                               whole = {C, C, C, C, C}, late = {LATE, LATE, LATE, LATE, LATE};
    const struct kernel_axis four = {4, 4, 3, 1, 1, 0};
    const struct kernel_window last = {four, four, KERNEL_WHOLE};
    const struct kernel_operand full = {SIDE, SIDE, C, C}, one = {1, 1, C, C};
    const struct kernel_attention heads = {N, 65, 4, 64, 768, 256, .125F};
    const double tokens = N * 65.0 * (all / ELEMENTS);
    ROW("input", N * CELLS * 3 + all / C * 8, 0,
        kernel_input(t, x, w, N, CELLS, t == KERNEL_F32 ? 4 : 8, 3, y, stream));
    ROW("scale, addend, ReLU", 3 * all, 0, kernel_scale(t, x, w, b, z, true, cells, C, y, stream));
    ROW("max 2x2", 1.25 * all, 0, kernel_max(t, x, N, C, pool, y, stream));
    ROW("means 3x3", 2 * all, 9.0 * ELEMENTS, kernel_means(t, x, N, C, three, y, stream));
    ROW("conv 3x3, groups of 1", 2 * all, 9.0 * ELEMENTS,
        kernel_conv(t, x, w, b, NULL, true, N, each, three, y, stream));
    ROW("conv 3x3, groups of 8", 2 * all, 72.0 * ELEMENTS,
        kernel_conv(t, x, w, b, NULL, true, N, grouped, three, y, stream));
    ROW("conv 3x3, 64 to 64", 2 * all, 9.0 * 64 * ELEMENTS,
        kernel_conv(t, x, w, b, NULL, true, N, whole, three, y, stream));
    ROW("conv 3x3, 512 to 512", 2 * all / 8, 9.0 * 512 * ELEMENTS / 8,
        kernel_conv(t, x, w, b, NULL, true, N, late, last, y, stream));
    ROW("SiLU", 2 * all, 0, kernel_function(t, GRAPH_SILU, 0, 0, x, cells, C, C, y, stream));
    ROW("a + b", 3 * all, 0, kernel_pair(t, false, false, x, full, z, full, N, full, y, stream));
    ROW("a * b of 1x1", 2 * all, 0,
        kernel_pair(t, true, false, x, full, z, one, N, full, y, stream));
    ROW("concat", all, 0,
        kernel_concat(t, x, C / 4, C / 4, z, C / 4, C / 4, cells, C / 2, y, stream));
    ROW("shuffle", 2 * all, 0, kernel_pick(t, x, C, list, cells, C, C, y, stream));
    ROW("flatten", 2 * all, 0,
        kernel_flatten(t, x, ELEMENTS / (LATE * LATE_CELLS), LATE_CELLS, LATE, LATE,
                       LATE * LATE_CELLS, y, stream));
    ROW("softmax of 64", 2 * all, 0, kernel_softmax(t, x, cells, C, C, y, stream));
    ROW("layer norm of 256", 2 * all, 0,
        kernel_layer_norm(t, x, w, b, 1e-5F, cells / 4, 4 * C, 4 * C, y, stream));
    ROW("attention, 65 cells", tokens * 4 * 256, N * 4.0 * 65 * 65 * 64 * 2,
        kernel_attention(t, x, heads, y, stream));
    const struct kernel_attention large = {N / 8, 197, 4, 64, 768, 256, .125F};
    ROW("attention, 197 cells", N / 8. * 197 * (all / ELEMENTS) * 4 * 256,
        N / 8. * 4 * 197 * 197 * 64 * 2, kernel_attention(t, x, large, y, stream));
    ROW("mean of 16 cells", all, 0,
        kernel_mean(t, x, ELEMENTS / (LATE * LATE_CELLS), LATE_CELLS, LATE, LATE, dx, stream));
    ROW("logits", N * LATE * 4.0, (double)N * LATE * CLASSES,
        kernel_product(t, x, LATE, w, b, 1, N, CLASSES, LATE, 1, dx, stream));
    ROW("class maps", all / ELEMENTS * N * LATE_CELLS * LATE + 4.0 * N * LATE_CELLS * CLASSES,
        (double)N * LATE_CELLS * LATE * CLASSES,
        kernel_product(t, x, LATE, w, NULL, 1, N * LATE_CELLS, CLASSES, LATE, LATE_CELLS, dx,
                       stream));
    ROW("to NCHW", all + 4.0 * ELEMENTS, 0,
        kernel_nchw(t, x, N, CELLS, C, C, dx, (size_t)CELLS * C, stream));
}

static void backward(enum kernel_type t)
{
    const double all = 4.0 * ELEMENTS, own = (double)ELEMENTS * (t == KERNEL_F32 ? 4 : 2);
    const size_t cells = (size_t)N * CELLS;
    const struct kernel_window pool = window(2, 2, KERNEL_WHOLE),
                               three = window(3, 1, KERNEL_WHOLE);
    const struct kernel_groups each = {C, C, C, 1, 1}, whole = {C, C, C, C, C};
    const struct kernel_operand full = {SIDE, SIDE, C, C}, one = {1, 1, C, C};
    const struct kernel_attention heads = {N, 65, 4, 64, 768, 256, .125F};
    ROW("ReLU back", own + 2 * all, 0, kernel_mask(t, x, dx, ELEMENTS, stream));
    ROW("max 2x2 back", own + 1.25 * all, 0,
        kernel_max_back(t, x, dy, N, C, pool, false, dx, stream));
    ROW("SiLU back", own + 2 * all, 0,
        kernel_function_back(t, GRAPH_SILU, 0, 0, x, dy, cells, C, C, false, dx, stream));
    ROW("a * b back, to 1x1", own + all, 0,
        kernel_pair_back(t, x, full, dy, full, N, one, false, dx, stream));
    ROW("layer norm of 256 back", own + 2 * all, 0,
        kernel_layer_norm_back(t, x, w, 1e-5F, dy, cells / 4, 4 * C, 4 * C, false, dx, stream));
    ROW("attention back", N * 65 * 768 * 8.0, N * 4.0 * 65 * 65 * 64 * 5,
        kernel_attention_back(t, x, dy, heads, b, false, dx, stream));
    if (t != KERNEL_F32)
        return;
    ROW("sum of gradients", 3 * all, 0, kernel_add(dy, dx, ELEMENTS, stream));
    ROW("spread", all, 0, kernel_spread(dy, C, N, CELLS, C, C, dx, stream));
    ROW("means 3x3 back", 2 * all, 9.0 * ELEMENTS,
        kernel_means_back(dy, N, C, three, false, dx, stream));
    ROW("conv 3x3 back, 64 to 64", 2 * all, 9.0 * 64 * ELEMENTS,
        kernel_conv_back(dy, w, N, whole, three, false, dx, stream));
    ROW("conv 3x3 back, groups of 1", 2 * all, 9.0 * ELEMENTS,
        kernel_conv_back(dy, w, N, each, three, false, dx, stream));
}

static void *room(size_t bytes)
{
    void *p;
    must(cudaMalloc(&p, bytes), "cudaMalloc");
    return p;
}

/* Noise: zeros are faster than what networks compute. Halves of a float are small f16 and bf16. */
static void *noise(size_t floats)
{
    void *p = room(floats * sizeof(float));
    float *v = malloc(floats * sizeof *v);
    uint32_t state = 1;
    for (size_t i = 0; v && i < floats; i++) {
        state = state * 1664525 + 1013904223;
        uint32_t bits = (state >> 8 & 0x83FF83FF) | 0x3C003C00;
        memcpy(&v[i], &bits, sizeof bits);
    }
    must(v ? cudaMemcpy(p, v, floats * sizeof *v, cudaMemcpyHostToDevice)
           : cudaErrorMemoryAllocation,
         "cudaMemcpy");
    free(v);
    return p;
}

int main(void)
{
    int shuffle[C];
    must(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
    for (int i = 0; i < 2; i++)
        must(cudaEventCreate(&event[i]), "cudaEventCreate");
    x = noise(ELEMENTS);
    z = noise(ELEMENTS);
    dy = noise(ELEMENTS);
    y = room(ELEMENTS * sizeof(float));
    dx = room(ELEMENTS * sizeof(float));
    w = noise(1 << 22);
    b = noise(1 << 22);
    list = room(sizeof shuffle);
    for (int i = 0; i < C; i++)
        shuffle[i] = i % 2 * (C / 2) + i / 2;
    must(cudaMemcpy(list, shuffle, sizeof shuffle, cudaMemcpyHostToDevice), "cudaMemcpy");

    float ms;
    TIME(ms, "copy",
         cudaMemcpyAsync(dx, x, ELEMENTS * sizeof(float), cudaMemcpyDeviceToDevice, stream));
    copied = 2.0 * ELEMENTS * sizeof(float) / ((double)ms / 1e3);
    printf("kernel\ttype\tms\tGB/s\t%% of a copy\tTFLOP/s\n");
    printf("copy\t\t%.4f\t%.0f\t100\t0\n", (double)ms, copied / 1e9);
    for (enum kernel_type t = KERNEL_F32; t <= KERNEL_F16; t++) {
        forward(t);
        backward(t);
    }
    return 0;
}
