/* Networks of every family as exporters write them against PyTorch: logits, gradients with respect
 * to the image, and a layer's activations and gradients (tests/golden/programs/make.py). */
#include "../unit/check.h"
#include "base/mem.h"
#include "ckpt/ckpt.h"
#include "engine/engine.h"
#include "model/model.h"
#include "stream/npy.h"

#include <math.h>
#include <stdlib.h>

#define FOLDER "tests/golden/programs/"

enum { IMAGES = 2, SIDE = 32, CLASSES = 5, BLOCK = 8, SUMS = 5, WANTS = 3 };

static int64_t load(const char *path, void *to, int64_t room)
{
    struct err e = {0};
    struct npy_in *in;
    if (npy_open(&in, path, &e) != 1) {
        fprintf(stderr, "%s\n", e.msg);
        exit(1);
    }
    const int64_t each = npy_item(in)->count;
    CHECK(IMAGES * each <= room);
    CHECK(npy_read(in, to, IMAGES, &e) == IMAGES);
    npy_close(in);
    return each;
}

/* Pixels as bytes (n, h, w, 3) become (n, 3, h, w). */
static void load_images(uint8_t *pixels)
{
    static uint8_t packed[IMAGES * SIDE * SIDE * 3];
    load(FOLDER "images.npy", packed, sizeof packed);
    for (size_t i = 0; i < sizeof packed; i++) {
        const size_t image = i / (SIDE * SIDE * 3), cell = i % (SIDE * SIDE * 3) / 3;
        pixels[(image * 3 + i % 3) * SIDE * SIDE + cell] = packed[i];
    }
}

static int best(const float *logits)
{
    int k = 0;
    for (int i = 1; i < CLASSES; i++)
        k = logits[i] > logits[k] ? i : k;
    return k;
}

/* The numbers of make.py: 1e-4 of the largest of their kind. */
static void compare(const char *what, const double *found, const float *want, int n)
{
    double most = 0, far = 0;
    for (int i = 0; i < n; i++) {
        most = fmax(most, fabs((double)want[i]));
        far = fmax(far, fabs(found[i] - (double)want[i]));
    }
    if (!(far <= 1e-4 * fmax(most, 1e-3)))
        fprintf(stderr, "  %s: %g of %g\n", what, far, most);
    CHECK(far <= 1e-4 * fmax(most, 1e-3));
}

static void sums_of(const float *a, const float *g, size_t n, double sums[SUMS])
{
    memset(sums, 0, SUMS * sizeof *sums);
    for (size_t i = 0; i < n; i++) {
        sums[0] += fabs((double)a[i]);
        sums[1] += fabs((double)g[i]);
        sums[2] += (double)a[i] * g[i];
        sums[3] += a[i];
        sums[4] += g[i];
    }
}

static void blocks_of(const float *g, double *blocks)
{
    const size_t side = SIDE / BLOCK;
    memset(blocks, 0, 3 * side * side * sizeof *blocks);
    for (size_t i = 0; i < 3 * SIDE * SIDE; i++) {
        const size_t c = i / (SIDE * SIDE), y = i / SIDE % SIDE, x = i % SIDE;
        blocks[(c * side + y / BLOCK) * side + x / BLOCK] += g[i];
    }
}

static void check_image(const char *name, const struct graph *g, int layer,
                        const struct engine_batch *b, int i, const float *want)
{
    const size_t size = graph_size(g, layer), input = (size_t)3 * SIDE * SIDE;
    double logits[CLASSES], blocks[3 * (SIDE / BLOCK) * (SIDE / BLOCK)], sums[SUMS];
    char what[128];
    for (int k = 0; k < CLASSES; k++)
        logits[k] = b->logits[i * CLASSES + k];
    blocks_of(b->results[0].values + (size_t)i * input, blocks);
    sums_of(b->results[1].values + (size_t)i * size, b->results[2].values + (size_t)i * size, size,
            sums);
    snprintf(what, sizeof what, "%s logits", name);
    compare(what, logits, want, CLASSES);
    snprintf(what, sizeof what, "%s gradient", name);
    compare(what, blocks, want + CLASSES, sizeof blocks / sizeof *blocks);
    for (int k = 0; k < SUMS; k++) {
        snprintf(what, sizeof what, "%s layer, sum %d", name, k);
        /* Signed sums cancel: what they are of says how large a difference is. */
        const double scale = k == 0 || k == 3   ? sums[0]
                             : k == 1 || k == 4 ? sums[1]
                                                : sums[0] * sums[1] / (double)size;
        const double far = fabs(sums[k] - (double)want[CLASSES + 48 + k]);
        if (!(far <= 1e-4 * scale))
            fprintf(stderr, "  %s: %g of %g\n", what, far, scale);
        CHECK(far <= 1e-4 * scale);
    }
}

static void run(const char *name, const struct graph *g, int layer, const char *device,
                const uint8_t *pixels, const float *want, int64_t each)
{
    const struct engine_want wants[WANTS] = {
        {0, ENGINE_GRADIENT}, {layer, ENGINE_ACTIVATION}, {layer, ENGINE_GRADIENT}};
    const struct engine_opts o = {
        .device = device, .threads = 1, .wants = wants, .want_count = WANTS, .vectors = 1};
    struct engine *engine;
    struct err e = {0};
    union engine_result results[WANTS];
    float logits[IMAGES * CLASSES], seeds[IMAGES * CLASSES] = {0};
    if (engine_open(&engine, g, &o, &e) != 0) {
        fprintf(stderr, "  %s %s: %s\n", name, device, e.msg);
        CHECK(false);
        return;
    }
    for (int k = 0; k < WANTS; k++)
        results[k].values = mem_zero(IMAGES * engine_result_size(g, &o, k), sizeof(float));
    for (int i = 0; i < IMAGES; i++)
        seeds[i * CLASSES + best(want + (size_t)i * (size_t)each)] = 1;
    const struct engine_batch b = {.n = IMAGES,
                                   .pixels = (uint8_t *)pixels,
                                   .logits = logits,
                                   .seeds = seeds,
                                   .results = results};
    CHECK(engine_forward(engine, &b, &e) == 0);
    for (int i = 0; i < IMAGES; i++)
        check_image(name, g, layer, &b, i, want + (size_t)i * (size_t)each);
    for (int k = 0; k < WANTS; k++)
        free(results[k].values);
    engine_close(engine);
}

/* The network of a file, whose sizes it says itself or has to be told. */
static void check_file(const char *name, const char *end, const char *layer, const uint8_t *pixels,
                       const char *const *devices)
{
    struct err e = {0};
    struct ckpt *c;
    struct model *m;
    float want[IMAGES * 256];
    const struct model_opts o = {
        .h = SIDE, .w = SIDE, .mean = {.5F, .5F, .5F}, .std = {.25F, .25F, .25F}};
    char *path = mem_printf(FOLDER "%s.%s", name, end);
    char *golden = mem_printf(FOLDER "%s.npy", name);
    FILE *there = fopen(path, "rb");
    if (!there) {
        free(path);
        free(golden);
        return;
    }
    fclose(there);
    const int64_t each = load(golden, want, sizeof want / sizeof *want);
    if (ckpt_open(&c, path, NULL, &e) != 0 || model_open(&m, c, &o, &e) != 0) {
        fprintf(stderr, "%s\n", e.msg);
        exit(1);
    }
    ckpt_close(c);
    const int value = graph_layer(m->graph, layer, &e);
    if (value < 0)
        fprintf(stderr, "  %s: %s\n", path, e.msg);
    CHECK(value > 0 && graph_classes(m->graph) == CLASSES);
    for (size_t d = 0; devices[d] && value > 0; d++)
        run(path, m->graph, value, devices[d], pixels, want, each);
    model_close(m);
    free(path);
    free(golden);
}

/* programs [DEVICE] */
int main(int argc, char **argv)
{
    const char *const devices[] = {argc > 1 ? argv[1] : "ref", argc > 1 ? NULL : "auto", NULL};
    static uint8_t pixels[IMAGES * SIDE * SIDE * 3];
    char name[64], layer[64];
    int files = 0;
    FILE *list = fopen(FOLDER "list.tsv", "r");
    load_images(pixels);
    CHECK(list && fscanf(list, "%63s %63s", name, layer) == 2);
    while (list && fscanf(list, "%63s %63s", name, layer) == 2) {
        check_file(name, "pt2", layer, pixels, devices);
        check_file(name, "core.pt2", layer, pixels, devices);
        check_file(name, "onnx", layer, pixels, devices);
        files++;
    }
    CHECK(files == 39);
    if (list)
        fclose(list);
    return CHECK_DONE();
}
