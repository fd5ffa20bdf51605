/* The kernels one by one, on the stand-in, against plain loops: sizes that are no
 * multiple of a block, padding, NaN and infinity; and those of each kind of operation against its
 * rule. */
#include "../unit/check.h"
#include "any_net.h"
#include "engine/cuda/cuda.h"

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
    static void *pinned; /* kept, since a GPU takes its time to make it */
    static size_t most;
    static cudaStream_t s;
    float *v = mem_alloc(n, sizeof *v);
    if (!s)
        CHECK(cudaStreamCreateWithFlags(&s, cudaStreamNonBlocking) == cudaSuccess);
    if (n > most) {
        cudaFreeHost(pinned);
        most = 2 * n;
        CHECK(cudaHostAlloc(&pinned, most * sizeof *v, cudaHostAllocPortable) == cudaSuccess);
    }
    CHECK(cudaDeviceSynchronize() == cudaSuccess);
    CHECK(cudaMemcpyAsync(pinned, p, n * sizeof *v, cudaMemcpyDeviceToHost, s) == cudaSuccess);
    CHECK(cudaStreamSynchronize(s) == cudaSuccess);
    memcpy(v, pinned, n * sizeof *v);
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
        CHECK(kernel_input(t, x, on, N, CELLS, pad, 3, y, NULL) == cudaSuccess);
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
        int pad = (c + 7) / 8 * 8;
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

/* --- operations --- */

enum { IMAGES = 2 };

/* The last operation of a graph, on the device and by its rule. */
struct one {
    struct cuda cuda;
    const struct graph *g;
    const struct graph_op *op;
    struct graph_image image[IMAGES];
    struct cuda_call call;
};

static float **room_for_all(const struct graph *g)
{
    float **v = mem_alloc((size_t)g->values, sizeof *v);
    for (int i = 0; i < g->values; i++)
        v[i] = mem_zero(graph_size(g, i), sizeof **v);
    return v;
}

static void free_all(const struct graph *g, float **v)
{
    for (int i = 0; i < g->values; i++)
        free(v[i]);
    free(v);
}

/* A value, or its gradient, of all images: (n, c, cells). */
static float *joined(const struct one *o, int value, bool grad)
{
    const size_t n = graph_size(o->g, value);
    float *all = mem_alloc(IMAGES * n, sizeof *all);
    for (size_t i = 0; i < IMAGES; i++)
        memcpy(all + i * n, (grad ? o->image[i].grad : o->image[i].value)[value], n * sizeof *all);
    return all;
}

static void *on_device(const struct one *o, enum kernel_type t, int value, bool grad)
{
    float *all = joined(o, value, grad);
    void *p = stored(t, all, IMAGES, o->g->value[value].c, (int)graph_cells(o->g, value),
                     o->cuda.plan.pad[value]);
    free(all);
    return p;
}

/* In a layer norm of one channel the terms of the gradient cancel, and what is left of rounding
 * counts beside them. */
static double least_of(const struct one *o, bool grad)
{
    if (!grad || o->op->kind != GRAPH_LAYER_NORM || o->g->value[o->op->out].c > 1)
        return 1e-30;
    return fabs((double)o->op->w[0]) / sqrt((double)o->op->p);
}

/* Whether what is on the device, which is freed, is a value of the rule's, with zeros in the
 * channels that pad. */
static void expect(const struct one *o, enum kernel_type t, void *p, int value, bool grad,
                   double tolerance, const char *what)
{
    const int pad = o->cuda.plan.pad[value], c = o->g->value[value].c;
    const size_t cells = graph_cells(o->g, value), n = (size_t)c * cells;
    float *want = joined(o, value, grad), *all = plain(t, p, IMAGES, pad, (int)cells, pad);
    bool right = true;
    for (size_t i = 0; i < IMAGES; i++) {
        float *got = all + i * (size_t)pad * cells;
        memmove(all + i * n, got, n * sizeof *all);
        for (size_t k = n; k < (size_t)pad * cells; k++)
            right = right && (i < IMAGES - 1 || got[k] == 0);
    }
    const double d = difference_beside(all, want, IMAGES * n, least_of(o, grad));
    right = right && d <= tolerance;
    CHECK(right);
    if (!right)
        fprintf(stderr, "  %s of %s, type %d: %.2g\n", what, graph_rules[o->op->kind].name, (int)t,
                d);
    free(all);
    free(want);
}

static void one_open(struct one *o, const struct graph *g, enum kernel_type t)
{
    *o = (struct one){.g = g, .op = &g->op[g->ops - 1]};
    o->cuda.work.graph = o->cuda.plan.graph = g;
    o->cuda.work.batch = IMAGES;
    o->cuda.type = t;
    o->cuda.plan.pad = mem_alloc((size_t)g->values, sizeof *o->cuda.plan.pad);
    for (int v = 0; v < g->values; v++)
        o->cuda.plan.pad[v] = (g->value[v].c + 7) / 8 * 8;
    double *plane = mem_alloc(graph_plane(g), sizeof *plane);
    for (int i = 0; i < IMAGES; i++) {
        o->image[i] = (struct graph_image){room_for_all(g), room_for_all(g), plane};
        /* Exact in every type; some are equal, which maxima have to choose from. */
        for (size_t k = 0; k < graph_size(g, 0); k++)
            o->image[i].value[0][k] = (float)random_int(-8, 8) / 8;
        for (int k = 0; k < g->ops; k++)
            graph_forward(g, &g->op[k], &o->image[i]);
        for (size_t k = 0; k < graph_size(g, o->op->out); k++)
            o->image[i].grad[o->op->out][k] = (float)random_int(-8, 8) / 8;
    }
    o->call = (struct cuda_call){.cuda = &o->cuda, .op = o->op};
    for (int k = 0; k < o->op->ins; k++)
        o->call.in[k] = on_device(o, t, o->op->in[k], false);
}

static void one_close(struct one *o)
{
    free(o->image[0].plane);
    for (int i = 0; i < IMAGES; i++) {
        free_all(o->g, o->image[i].value);
        free_all(o->g, o->image[i].grad);
    }
    for (int k = 0; k < o->op->ins; k++)
        cudaFree((void *)o->call.in[k]);
    free(o->cuda.plan.pad);
}

/* What an operation has on the device in one direction. */
static struct step numbers(const struct one *o, bool back)
{
    struct step s = {0};
    size_t bytes = 0;
    void *w = cuda_numbers(&o->cuda, o->op, back, &bytes);
    float *b = o->op->b ? cuda_channels(&o->cuda, o->op, o->op->b) : NULL;
    if (w)
        s.w = upload(w, bytes);
    if (b)
        s.b = upload(b, (size_t)o->cuda.plan.pad[o->op->out] * sizeof *b);
    free(w);
    free(b);
    return s;
}

static void *room_of(const struct one *o, int value, size_t element)
{
    return device(IMAGES * plan_size(&o->cuda.plan, value) * element);
}

/* The gradient of input k, written and added to what is there. */
static void check_back(struct one *o, enum kernel_type t, int k, bool add)
{
    const int in = o->op->in[k];
    struct graph_op op = *o->op; /* what its activation stops is stopped before */
    op.act = GRAPH_NONE;
    for (int i = 0; i < IMAGES; i++)
        for (size_t p = 0; p < graph_size(o->g, in); p++)
            o->image[i].grad[in][p] = add ? random_real(1) : 0;
    void *dy = on_device(o, KERNEL_F32, op.out, true);
    float *dx = add ? on_device(o, KERNEL_F32, in, true) : room_of(o, in, sizeof *dx);
    float *room = device(cuda_room_back(&o->cuda, &op) + sizeof *room);
    for (int i = 0; i < IMAGES; i++) {
        if (k == 1 && graph_addend(&op) >= 0)
            for (size_t p = 0; p < graph_size(o->g, in); p++)
                o->image[i].grad[in][p] += o->image[i].grad[op.out][p];
        else
            graph_rules[op.kind].backward(o->g, &op, &o->image[i], k);
    }
    const char *name;
    const struct step s = numbers(o, true);
    o->call.step = &s;
    o->call.dy = dy;
    o->call.dx = dx;
    o->call.input = k;
    o->call.add = add;
    o->call.room = room;
    CHECK(cuda_op_backward(&o->call, &name) == cudaSuccess);
    expect(o, KERNEL_F32, dx, in, true, 2 * rounding(t) + 1e-5,
           add ? "gradient added" : "gradient");
    cudaFree(dy);
    cudaFree(room);
    cudaFree(s.w);
    cudaFree(s.b);
}

static void check_operation(const struct graph *g, enum kernel_type t)
{
    struct one o;
    const char *name;
    one_open(&o, g, t);
    const struct step s = numbers(&o, false);
    o.call.step = &s;
    o.call.out = room_of(&o, o.op->out, size_of(t));
    CHECK(cuda_op_forward(&o.call, &name) == cudaSuccess);
    CHECK(strncmp(name, "kernel_", 7) == 0);
    expect(&o, t, o.call.out, o.op->out, false, 4 * rounding(t) + 1e-6, "result");
    o.call.out = on_device(&o, t, o.op->out, false);
    /* In a sum of a value with itself each input has half of what the rule gives it. */
    for (int k = 0; k < o.op->ins && (o.op->ins == 1 || o.op->in[0] != o.op->in[1]); k++)
        for (int add = 0; add < 2; add++)
            check_back(&o, t, k, add);
    cudaFree(o.call.out);
    cudaFree(s.w);
    cudaFree(s.b);
    one_close(&o);
}

/* Convolutions for each of the kernels that compute them: of any number of channels, in groups of
 * one, of a few and of many, with windows that lie in any way. */
static void check_convolutions(enum kernel_type t)
{
    static const struct {
        int from, to, groups, side;
        struct graph_axis y, x;
    } conv[] = {
        {3, 40, 1, 9, {3, 1, 1, 1, 0}, {3, 1, 1, 1, 0}},
        {36, 72, 1, 7, {3, 2, 1, 1, 0}, {3, 2, 0, 1, 0}},
        {40, 136, 1, 6, {1, 1, 0, 0, 0}, {1, 1, 0, 0, 0}},
        {8, 33, 1, 11, {3, 1, 2, 2, 1}, {5, 3, 2, 2, 0}},
        {72, 64, 2, 5, {3, 1, 1, 1, 0}, {2, 2, 0, 1, 0}},
        {16, 16, 16, 9, {3, 1, 1, 1, 0}, {3, 1, 1, 1, 0}},
        {24, 24, 24, 10, {5, 2, 2, 2, 0}, {3, 3, 1, 1, 0}},
        {16, 32, 4, 8, {3, 2, 1, 1, 0}, {3, 1, 1, 1, 0}},
        {21, 14, 7, 6, {3, 1, 1, 1, 0}, {3, 2, 1, 1, 0}},
    };
    for (size_t i = 0; i < sizeof conv / sizeof *conv; i++) {
        struct graph *g = net_empty();
        graph_add_value(g, conv[i].from, conv[i].side, conv[i].side + 1, NULL, NULL);
        struct graph_op op = any_of(GRAPH_CONV, 0);
        op.channels = conv[i].to;
        op.groups = conv[i].groups;
        op.y = conv[i].y;
        op.x = conv[i].x;
        op.act = i % 2 ? GRAPH_RELU : GRAPH_NONE;
        net_add(g, &op, 0.2, 0.2);
        check_operation(g, t);
        graph_free(g);
    }
}

/* Operations of a kind that read an image of any number of channels. */
static void check_kind(enum kernel_type t, enum graph_kind kind)
{
    for (int round = 0; round < 12; round++) {
        struct graph *g = net_empty();
        graph_add_value(g, random_int(1, 20), random_int(1, 8), random_int(1, 8), NULL, NULL);
        if (kind == GRAPH_LINEAR)
            g->value[0].h = g->value[0].w = 1;
        net_add_kind(g, 0, kind, ANY_KINKS);
        const enum graph_kind made = g->op[g->ops - 1].kind;
        CHECK(made == kind || (kind == GRAPH_GRID_POOL && made == GRAPH_RESIZE));
        check_operation(g, t);
        graph_free(g);
    }
}

/* Functions on both sides of their kinks, beyond where they are level, and in bounds; a root from 0
 * on, an inverse away from it, and powers of no large numbers. */
static void check_functions(enum kernel_type t)
{
    for (int f = 0; f < GRAPH_FUNCTIONS; f++)
        for (int bounds = 0; bounds < 2; bounds++) {
            struct graph *g = net_empty();
            graph_add_value(g, 3, 9, 7, NULL, NULL);
            struct graph_op op = any_of(GRAPH_NORM, 0);
            op.in[0] = net_add(g, &op, 0, 0);
            for (int c = 0; c < 3; c++)
                ((float *)g->op[0].w)[c] = c == 2 ? 32 : 4;
            op.kind = GRAPH_FUNCTION;
            if (f >= GRAPH_ROOT && f <= GRAPH_POWER) {
                op.function = GRAPH_CLIP;
                op.p = f == GRAPH_ROOT ? 0 : 0.25F;
                op.q = f == GRAPH_EXP ? 8 : INFINITY;
                op.in[0] = net_add(g, &op, 0, 0);
            }
            op.function = (enum graph_function)f;
            op.p = f == GRAPH_CLIP ? 0 : 0.25F;
            op.q = f == GRAPH_CLIP && bounds ? 6 : f == GRAPH_CLIP ? INFINITY : 0.5F;
            net_add(g, &op, 0, 0);
            check_operation(g, t);
            graph_free(g);
        }
}

/* A NaN is the largest, and padding is not. */
static void check_max_nan(enum kernel_type t)
{
    enum { SIDE = 5, PAD = 8 };
    float x[PAD * SIDE * SIDE], *want = random_reals((size_t)PAD * SIDE * SIDE, 1);
    const struct kernel_axis a = {SIDE, SIDE, 3, 1, 1, 0};
    for (int i = 0; i < PAD * SIDE * SIDE; i++)
        x[i] = i == 12 ? NAN : -INFINITY;
    for (int i = 0; i < PAD * SIDE * SIDE; i++) {
        const int row = i % (SIDE * SIDE) / SIDE, column = i % SIDE;
        const bool near = i < SIDE * SIDE && abs(row - 2) <= 1 && abs(column - 2) <= 1;
        want[i] = near ? NAN : -INFINITY;
    }
    void *on = stored(t, x, 1, PAD, SIDE * SIDE, PAD), *to = device(sizeof x);
    CHECK(kernel_max(t, on, 1, PAD, (struct kernel_window){a, a, KERNEL_GRID}, to, NULL) ==
          cudaSuccess);
    float *got = plain(t, to, 1, PAD, SIDE * SIDE, PAD);
    CHECK(close_to(got, want, (size_t)PAD * SIDE * SIDE, 0));
    free(got);
    free(want);
    cudaFree(on);
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
        /* Exact sums, whether products are rounded before or not; whole numbers are exact in every
         * type. */
        for (int k = 0; k < pad; k++) {
            w[k] = roundf(16 * w[k]) / 16;
            b[k] = roundf(16 * b[k]) / 16;
        }
        for (size_t i = 0; i < count; i++) {
            size_t k = i / (size_t)cells % (size_t)c;
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

    enum { C = 5, PAD = 8, CELLS = 7 };
    float *few = upload(g, IMAGES * C * sizeof *g);
    float *wide = device((size_t)IMAGES * CELLS * PAD * sizeof *wide);
    CHECK(kernel_spread(few, C, IMAGES, CELLS, PAD, C, wide, NULL) == cudaSuccess);
    got = fetch(wide, (size_t)IMAGES * CELLS * PAD);
    for (int i = 0; i < IMAGES * CELLS * PAD; i++)
        CHECK(got[i] == (i % PAD < C ? g[i / PAD / CELLS * C + i % PAD] : 0));
    free(got);
    cudaFree(few);
}

/* kernels [TYPE]: of all types, or of that number. */
int main(int argc, char **argv)
{
    random_state = 5;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (argc > 1 && (size_t)atoi(argv[1]) != i)
            continue;
        check_layout(types[i]);
        check_input(types[i]);
        check_images(types[i]);
        check_mean(types[i]);
        check_product(types[i]);
        check_max_nan(types[i]);
        for (int kind = 0; kind < GRAPH_KINDS; kind++)
            check_kind(types[i], (enum graph_kind)kind);
        check_convolutions(types[i]);
        check_functions(types[i]);
        check_scale(types[i]);
        check_gradients(types[i]);
    }
    return CHECK_DONE();
}
