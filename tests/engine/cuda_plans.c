/* cuDNN's plans for described devices, without one: every convolution of ResNet-18 and
 * -34, of the bundled model, with a stem for larger images and with ReLUs before
 * convolutions, and those of other families, in groups, dilated, with windows that are not
 * square, and their linear layers, in f16 and bf16 and at the batch sizes in use, has an engine of
 * the kind wanted, precompiled, repeatable and with a small workspace. */
#include "../unit/check.h"
#include "base/mem.h"
#include "ckpt/ckpt.h"
#include "engine/cuda/dnn.h"
#include "engine/plan.h"
#include "model/model.h"
#include "random_net.h"

static char *slurp(const char *path)
{
    FILE *f = fopen(path, "r");
    char *text = mem_zero(1, 1 << 16);
    size_t n = f ? fread(text, 1, (1 << 16) - 1, f) : 0;
    while (n > 0 && text[n - 1] == '\n')
        text[--n] = '\0';
    if (f)
        fclose(f);
    return text;
}

struct device {
    const char *name;
    int capability;
};

static const struct device devices[] = {
    {"7.5", 75}, {"8.0", 80}, {"8.6", 86}, {"8.9", 89}, {"9.0", 90}, {"10.0", 100}, {"12.0", 120},
};

static int plans, large;

/* `usual`: has to be done by tensor cores where there are such. */
static void check_conv(const struct device *on, struct dnn *d, const struct dnn_shape *s,
                       enum kernel_type t, bool res, bool relu, bool back, bool usual)
{
    static const char *const type[] = {"f32", "f16", "bf16"};
    struct err e = {0};
    struct dnn_conv *c = NULL;
    int r = back ? dnn_backward(&c, d, s, &e) : dnn_forward(&c, d, s, t, res, relu, &e);
    CHECK(r == 0 && c != NULL);
    if (!c) {
        fprintf(stderr, "  %s: %s %dx%d in %d groups: %s\n", on->name, back ? "backward" : type[t],
                s->y.k, s->x.k, s->groups, r == 0 ? "no engine" : e.msg);
        return;
    }
    struct dnn_engine g = dnn_engine(c);
    /* Gradients are f32, which 7.5 has no tensor cores for. */
    bool want = !(back && on->capability < 80);
    bool right = (!usual || g.cores == want) && !g.compiles && g.deterministic &&
                 dnn_workspace(c) <= DNN_WORKSPACE_MOST;
    large += dnn_workspace(c) > DNN_WORKSPACE;
    CHECK(right);
    if (!right)
        fprintf(stderr, "  %s %s%s, %d to %d channels: engine %d, %s tensor cores, %zu bytes\n",
                on->name, back ? "backward beside " : "", type[t], s->ic, s->oc, (int)g.index,
                g.cores ? "with" : "without", dnn_workspace(c));
    dnn_conv_free(c);
    plans++;
}

/* Whether an operation like it came before. */
static bool seen(const struct plan *p, int at)
{
    const struct graph *n = p->graph;
    const struct graph_op *a = p->step[at].op;
    for (int i = 0; i < at; i++) {
        const struct graph_op *b = p->step[i].op;
        if (p->pad[a->in[0]] == p->pad[b->in[0]] && p->pad[a->out] == p->pad[b->out] &&
            n->value[a->in[0]].h == n->value[b->in[0]].h &&
            n->value[a->in[0]].w == n->value[b->in[0]].w && a->kind == b->kind &&
            a->y.k == b->y.k && a->y.stride == b->y.stride && a->act == b->act && a->ins == b->ins)
            return true;
    }
    return false;
}

static void check_net(const struct device *on, struct dnn *d, const struct graph *n,
                      enum kernel_type t)
{
    static const int batches[] = {512, 256, 128, 64, 32, 16, 8, 4, 2, 1};
    const struct engine_opts o = {.device = "cuda"};
    struct plan p;
    const struct plan_layout layout = {.multiple = 8};
    plan_open(&p, n, &o, &layout);
    for (size_t b = 0; b < sizeof batches / sizeof *batches; b++)
        for (int i = 0; i < p.steps; i++) {
            const struct graph_op *op = p.step[i].op;
            const struct graph_value *x = &n->value[op->in[0]], *y = &n->value[op->out];
            const struct dnn_shape s = {
                batches[b], p.pad[op->in[0]], x->h, x->w, p.pad[op->out], y->h, y->w, 1, op->y,
                op->x};
            if (op->kind != GRAPH_CONV || seen(&p, i))
                continue;
            check_conv(on, d, &s, t, graph_addend(op) >= 0, op->act == GRAPH_RELU, false, true);
            /* Results of a large layer keep batches of gradients small (RESULTS in memory.c). */
            if ((size_t)s.n * plan_size(&p, op->in[0]) * 2 * sizeof(float) <= 64 << 20)
                check_conv(on, d, &s, t, false, false, true, true);
        }
    plan_close(&p);
}

/* A convolution of `n` images, with both axes' windows, that keeps the size but for the stride. */
static struct dnn_shape like(int n, int ic, int oc, int side, int groups, struct graph_axis y,
                             struct graph_axis x)
{
    const int span_y = (y.k - 1) * (y.gap + 1) + 1, span_x = (x.k - 1) * (x.gap + 1) + 1;
    return (struct dnn_shape){n,
                              ic,
                              side,
                              side,
                              oc,
                              (side + y.before + y.after - span_y) / y.stride + 1,
                              (side + x.before + x.after - span_x) / x.stride + 1,
                              groups,
                              y,
                              x};
}

/* What other families have beside that. */
static void check_others(const struct device *on, struct dnn *d, enum kernel_type t)
{
    static const int batches[] = {128, 8, 1};
    const struct graph_axis one = graph_windows(1, 1, 0), three = graph_windows(3, 1, 1),
                            two = graph_windows(3, 2, 1),
                            wide = {.k = 3, .stride = 1, .before = 2, .after = 2, .gap = 1},
                            uneven = {.k = 3, .stride = 2, .before = 0, .after = 1},
                            seven = graph_windows(7, 1, 3), patch = graph_windows(16, 16, 0);
    for (size_t b = 0; b < sizeof batches / sizeof *batches; b++) {
        const int n = batches[b];
        const struct dnn_shape s[] = {
            /* ResNeXt 32x4d and 32x8d, at both strides */
            like(n, 128, 128, 32, 32, three, three),
            like(n, 256, 256, 32, 32, two, two),
            like(n, 1024, 1024, 7, 32, three, three),
            /* ShuffleNet's 1 by 1 in groups */
            like(n, 240, 240, 28, 3, one, one),
            /* dilated, uneven padding, one row or column */
            like(n, 64, 64, 32, 1, wide, wide),
            like(n, 64, 128, 32, 1, uneven, uneven),
            like(n, 64, 64, 17, 1, one, seven),
            like(n, 64, 64, 17, 1, seven, one),
            /* EfficientNet's and MobileNet's, DenseNet's */
            like(n, 16, 96, 112, 1, one, one),
            like(n, 320, 1280, 7, 1, one, one),
            like(n, 992, 128, 14, 1, one, one),
            /* VGG's linear layers, those of squeeze and excitation, ViT's */
            like(n, 25088, 4096, 1, 1, one, one),
            like(n, 512, 512, 1, 1, one, one),
            like(n, 96, 8, 1, 1, one, one),
            like(n, 8, 384, 32, 1, patch, patch),
            {n, 384, 197, 1, 1536, 197, 1, 1, one, one},
        };
        for (size_t i = 0; i < sizeof s / sizeof *s; i++) {
            check_conv(on, d, &s[i], t, i % 2, i % 3 != 0, false, false);
            check_conv(on, d, &s[i], t, false, false, true, false);
        }
    }
}

static struct graph *bundled(void)
{
    struct err e = {0};
    struct ckpt *c;
    struct model *m = NULL;
    const struct model_opts o = {
        .h = 32, .w = 32, .mean = {.5F, .5F, .5F}, .std = {.25F, .25F, .25F}};
    CHECK(ckpt_open(&c, "examples/shapes100/model.pth", NULL, &e) == 0 &&
          model_open(&m, c, &o, &e) == 0);
    ckpt_close(c);
    if (!m)
        return NULL;
    struct graph *n = m->graph;
    m->graph = NULL;
    model_close(m);
    return n;
}

int main(void)
{
    /* ResNet-18 and -34 differ in the number of blocks, not in their shapes. */
    enum { NETS = 4 };
    const int widths[] = {64, 128, 256, 512, 0};
    struct graph *nets[NETS] = {net_random(32, 32, widths, 2, 100), bundled(),
                                net_preact(32, 32, widths, 1, 100, false),
                                net_large_stem(64, 64, widths, 1, 100)};
    for (size_t i = 0; i < sizeof devices / sizeof *devices; i++) {
        char path[64];
        struct dnn *d;
        struct err e = {0};
        snprintf(path, sizeof path, "tests/cuda/devices/%s.json", devices[i].name);
        char *json = slurp(path);
        int r = dnn_open(&d, json, devices[i].name, &e);
        free(json);
        CHECK(r == 0);
        if (r != 0) {
            fprintf(stderr, "  %s: %s\n", path, e.msg);
            dnn_close(d);
            continue;
        }
        for (size_t k = 0; k < NETS; k++) {
            check_net(&devices[i], d, nets[k], KERNEL_F16);
            if (devices[i].capability >= 80) /* as cuda.c asks */
                check_net(&devices[i], d, nets[k], KERNEL_BF16);
        }
        check_others(&devices[i], d, KERNEL_F16);
        if (devices[i].capability >= 80)
            check_others(&devices[i], d, KERNEL_BF16);
        dnn_close(d);
    }
    for (size_t k = 0; k < NETS; k++)
        graph_free(nets[k]);
    printf("%d plans, %d of them with a workspace above %d MiB\n", plans, large,
           DNN_WORKSPACE >> 20);
    return CHECK_DONE();
}
