/* cuDNN's plans for described devices, without one: every convolution of ResNet-18 and
 * -34, of the bundled model, with a stem for larger images and with ReLUs before
 * convolutions, in every precision and at the batch sizes in use, has an
 * engine of the kind wanted, precompiled, repeatable and with a small workspace. */
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

static void check_conv(const struct device *on, struct dnn *d, const struct dnn_shape *s,
                       enum kernel_type t, const struct graph_op *op, bool back)
{
    static const char *const type[] = {"f32", "f16", "bf16"};
    struct err e = {0};
    struct dnn_conv *c = NULL;
    bool cores = t != KERNEL_F32;
    int r = back ? dnn_backward(&c, d, s, cores ? DNN_ANY : DNN_NO_CORES, &e)
                 : dnn_forward(&c, d, s, t, graph_addend(op) >= 0, op->act == GRAPH_RELU,
                               cores ? DNN_CORES : DNN_NO_CORES, &e);
    CHECK(r == 0);
    if (r != 0) {
        fprintf(stderr, "  %s: %s\n", on->name, e.msg);
        return;
    }
    struct dnn_engine g = dnn_engine(c);
    /* Gradients are f32, which 7.5 has no tensor cores for. */
    bool want = cores && !(back && on->capability < 80);
    bool right =
        g.cores == want && !g.compiles && g.deterministic && dnn_workspace(c) <= DNN_WORKSPACE_MOST;
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
            n->value[a->in[0]].w == n->value[b->in[0]].w && a->kind == b->kind && a->k == b->k &&
            a->stride == b->stride && a->act == b->act && a->ins == b->ins)
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
    struct err e = {0};
    const struct plan_layout layout = {.multiple = t == KERNEL_F32 ? 4 : 8};
    plan_open(&p, n, &o, &layout);
    for (size_t b = 0; b < sizeof batches / sizeof *batches; b++)
        for (int i = 0; i < p.steps; i++) {
            const struct graph_op *op = p.step[i].op;
            const struct graph_value *x = &n->value[op->in[0]], *y = &n->value[op->out];
            const struct dnn_shape s = {
                batches[b], p.pad[op->in[0]], x->h,         x->w,        p.pad[op->out], y->h,
                y->w,       op->y.k,          op->y.stride, op->y.before};
            if (op->kind != GRAPH_CONV || seen(&p, i))
                continue;
            check_conv(on, d, &s, t, op, false);
            /* Results of a large layer keep batches of gradients small (RESULTS in memory.c). */
            if ((size_t)s.n * plan_size(&p, op->in[0]) * 2 * sizeof(float) <= 64 << 20)
                check_conv(on, d, &s, t, op, true);
        }
    plan_close(&p);
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
            check_net(&devices[i], d, nets[k], KERNEL_F32);
            check_net(&devices[i], d, nets[k], KERNEL_F16);
            if (devices[i].capability >= 80) /* as cuda.c asks */
                check_net(&devices[i], d, nets[k], KERNEL_BF16);
        }
        dnn_close(d);
    }
    for (size_t k = 0; k < NETS; k++)
        graph_free(nets[k]);
    printf("%d plans, %d of them with a workspace above %d MiB\n", plans, large,
           DNN_WORKSPACE >> 20);
    return CHECK_DONE();
}
