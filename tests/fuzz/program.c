/* A program of torch.export: the input becomes its JSON and, behind a byte of 0, that of its
 * tensors, which all lie in one record of numbers. What can be read is run. */
#include "fuzz.h"

#include "ckpt/ckpt.h"
#include "graph/rules.h"
#include "model/model.h"

enum { RECORDS = 3, NUMBERS = 1 << 14, HEADER = 30, ENTRY = 46, END = 22 };

struct record {
    const char *name;
    const uint8_t *p;
    size_t n;
};

static uint8_t *put_bytes(uint8_t *to, const void *from, size_t n)
{
    if (n)
        memcpy(to, from, n);
    return to + n;
}

/* An archive without compression, with sums of 0, which are taken for none. */
static size_t archive(const struct record *r, uint8_t *out)
{
    uint8_t *at = out, *entries;
    size_t place[RECORDS];
    for (int i = 0; i < RECORDS; i++) {
        place[i] = (size_t)(at - out);
        memcpy(at, "PK\3\4", 4);
        fuzz_put(at + 18, r[i].n, 4);
        fuzz_put(at + 22, r[i].n, 4);
        fuzz_put(at + 26, strlen(r[i].name), 2);
        at = put_bytes(at + HEADER, r[i].name, strlen(r[i].name));
        at = put_bytes(at, r[i].p, r[i].n);
    }
    entries = at;
    for (int i = 0; i < RECORDS; i++) {
        memcpy(at, "PK\1\2", 4);
        fuzz_put(at + 20, r[i].n, 4);
        fuzz_put(at + 24, r[i].n, 4);
        fuzz_put(at + 28, strlen(r[i].name), 2);
        fuzz_put(at + 42, place[i], 4);
        at = put_bytes(at + ENTRY, r[i].name, strlen(r[i].name));
    }
    const size_t size = (size_t)(at - entries);
    memcpy(at, "PK\5\6", 4);
    fuzz_put(at + 8, RECORDS, 2);
    fuzz_put(at + 10, RECORDS, 2);
    fuzz_put(at + 12, size, 4);
    fuzz_put(at + 16, (size_t)(entries - out), 4);
    return (size_t)(at - out) + END;
}

/* Computes all values and their gradients, where that is soon done. */
static void run(const struct graph *g)
{
    size_t elements = 0;
    int64_t work = graph_macs(g);
    for (int i = 0; i < g->values; i++)
        elements += graph_size(g, i);
    for (int i = 0; i < g->ops; i++)
        work += (int64_t)graph_size(g, g->op[i].out) * (g->op[i].y.k + 1) * (g->op[i].x.k + 1);
    if (elements > 1 << 18 || work > 1 << 22)
        return;
    struct graph_image x = {.plane = calloc(graph_plane(g), sizeof *x.plane)};
    const size_t values = (size_t)g->values + 1;
    float *value = calloc(2 * elements + 1, sizeof *value), *at = value;
    bool *all = calloc(values, sizeof *all);
    x.value = calloc(values, sizeof(void *));
    x.grad = calloc(values, sizeof(void *));
    if (!x.plane || !value || !all || !x.value || !x.grad)
        abort();
    for (int i = 0; i < g->values; i++) {
        all[i] = true;
        x.value[i] = at;
        x.grad[i] = at + graph_size(g, i);
        at += 2 * graph_size(g, i);
    }
    for (int i = 0; i < g->ops; i++)
        graph_forward(g, &g->op[i], &x);
    for (int i = g->ops - 1; i >= 0; i--)
        graph_backward(g, &g->op[i], &x, all);
    fuzz_touch(value, 2 * elements * sizeof *value);
    free(x.plane);
    free(x.value);
    free(x.grad);
    free(value);
    free(all);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static uint8_t numbers[NUMBERS * sizeof(float)];
    static uint8_t file[sizeof numbers + (1 << 20)];
    const uint8_t *end = memchr(p, 0, n);
    const size_t first = end ? (size_t)(end - p) : n;
    for (size_t i = 0; i < NUMBERS && !numbers[sizeof numbers - 1]; i++)
        fuzz_put(numbers + i * sizeof(float), 0x3e000000 + (i % 7 << 20), 4);
    const struct record records[RECORDS] = {
        {"a/models/model.json", p, first},
        {"a/data/weights/model_weights_config.json", end ? end + 1 : p, end ? n - first - 1 : 0},
        {"a/data/weights/weight_0", numbers, sizeof numbers},
    };
    const struct model_opts opts = {.std = {1, 1, 1}};
    struct err e;
    struct ckpt *c;
    struct model *m;
    if (n > sizeof file - sizeof numbers - 1024)
        return 0;
    memset(file, 0, sizeof file);
    const size_t size = archive(records, file);
    if (ckpt_open_memory(&c, file, size, "fuzz", NULL, &e) != 0)
        return 0;
    if (model_open(&m, c, &opts, &e) == 0) {
        char *found = model_describe(m);
        if (graph_macs(m->graph) < 0 || graph_classes(m->graph) < 1 || !*found)
            abort();
        run(m->graph);
        free(found);
        model_close(m);
    }
    ckpt_close(c);
    return 0;
}
