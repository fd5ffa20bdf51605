/* Networks from .safetensors files written here. */
#include "base/mem.h"
#include "check.h"
#include "model/model.h"

#include <math.h>
#include <stdlib.h>

enum { KEYS = 128 };

struct key {
    char name[64];
    int ndim, shape[4];
    float value; /* of all elements */
};

static struct key key[KEYS];
static int keys;

static void put(const char *name, float value, int ndim, int a, int b, int k)
{
    struct key *t = &key[keys++];
    snprintf(t->name, sizeof t->name, "%s", name);
    t->ndim = ndim;
    t->shape[0] = a;
    t->shape[1] = b;
    t->shape[2] = t->shape[3] = k;
    t->value = value;
}

static void put_conv(const char *conv, const char *bn, int oc, int ic, int k)
{
    static const char *const part[] = {"weight", "bias", "running_mean", "running_var"};
    static const float value[] = {2, 0.5F, 0.25F, 4};
    char name[64];
    snprintf(name, sizeof name, "%s.weight", conv);
    put(name, 0.125F, 4, oc, ic, k);
    for (int i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "%s.%s", bn, part[i]);
        put(name, value[i], 1, oc, 0, 0);
    }
}

static void put_block(const char *p, int oc, int ic, bool down)
{
    char conv[64], bn[64];
    for (int i = 1; i <= 2; i++) {
        snprintf(conv, sizeof conv, "%s.conv%d", p, i);
        snprintf(bn, sizeof bn, "%s.bn%d", p, i);
        put_conv(conv, bn, oc, i == 1 ? ic : oc, 3);
    }
    if (!down)
        return;
    snprintf(conv, sizeof conv, "%s.downsample.0", p);
    snprintf(bn, sizeof bn, "%s.downsample.1", p);
    put_conv(conv, bn, oc, ic, 1);
}

/* Three stages of 2, 1 and 1 blocks, widths 4, 6 and 6. */
static void put_all(void)
{
    keys = 0;
    put_conv("conv1", "bn1", 4, 3, 3);
    put_block("layer1.0", 4, 4, false);
    put_block("layer1.1", 4, 4, false);
    put_block("layer2.0", 6, 4, true);
    put_block("layer3.0", 6, 6, true);
    put("fc.weight", 0.5F, 2, 7, 6, 0);
    put("fc.bias", 0.25F, 1, 7, 0, 0);
}

/* A shortcut between equal channels: the first stage has a stride. */
static void put_first_stride(void)
{
    keys = 0;
    put_conv("conv1", "bn1", 4, 3, 3);
    put_block("layer1.0", 4, 4, true);
    put("fc.1.weight", 0.5F, 2, 7, 4, 0);
    put("fc.1.bias", 0.25F, 1, 7, 0, 0);
}

static struct key *find(const char *name)
{
    for (int i = 0; i < keys; i++)
        if (strcmp(key[i].name, name) == 0)
            return &key[i];
    abort();
}

static long count(const struct key *t)
{
    long n = 1;
    for (int i = 0; i < t->ndim; i++)
        n *= t->shape[i];
    return n;
}

static void write_file(const char *path)
{
    static char head[1 << 16];
    size_t at = 1;
    long offset = 0;
    head[0] = '{';
    for (int i = 0; i < keys; i++) {
        const struct key *t = &key[i];
        long end = offset + 4 * count(t);
        at += (size_t)snprintf(head + at, sizeof head - at,
                               "%s\"%s\":{\"dtype\":\"F32\",\"shape\":[", i ? "," : "", t->name);
        for (int d = 0; d < t->ndim; d++)
            at += (size_t)snprintf(head + at, sizeof head - at, "%s%d", d ? "," : "", t->shape[d]);
        at += (size_t)snprintf(head + at, sizeof head - at, "],\"data_offsets\":[%ld,%ld]}", offset,
                               end);
        offset = end;
    }
    head[at++] = '}';
    FILE *f = fopen(path, "wb");
    if (!f)
        abort();
    const unsigned char size[8] = {at & 0xff, at >> 8 & 0xff, at >> 16 & 0xff};
    fwrite(size, 1, 8, f);
    fwrite(head, 1, at, f);
    for (int i = 0; i < keys; i++)
        for (long j = 0; j < count(&key[i]); j++)
            fwrite(&key[i].value, sizeof(float), 1, f);
    if (fclose(f) != 0)
        abort();
}

static int build(struct model **m, int h, int w, struct err *e)
{
    const char *folder = getenv("TMPDIR");
    char *path = mem_printf("%s/net.safetensors", folder ? folder : "/tmp");
    write_file(path);
    struct ckpt *c;
    struct model_opts o = {
        .h = h, .w = w, .mean = {0.5F, 0.5F, 0.5F}, .std = {0.25F, 0.25F, 0.25F}};
    int r = ckpt_open(&c, path, NULL, e);
    if (r == 0) {
        r = model_open(m, c, &o, e);
        ckpt_close(c);
    }
    remove(path);
    free(path);
    return r;
}

/* Nothing is built, and the message ends so. */
static void broken(const char *message)
{
    struct err e = {0};
    struct model *m = NULL;
    CHECK(build(&m, 16, 16, &e) == -1);
    CHECK(m == NULL);
    const char *found = strstr(e.msg, "net.safetensors: ");
    CHECK_STR(found ? found + strlen("net.safetensors: ") : e.msg, message);
}

/* The same of one whose parts have other names: images would have to prove what it is. */
static void renamed(const char *message)
{
    struct err e = {0};
    struct model *m = NULL;
    char *whole =
        mem_printf("net.safetensors: %s, and what the network is by structure (", message);
    CHECK(build(&m, 16, 16, &e) == -1);
    CHECK(strstr(e.msg, whole) != NULL);
    CHECK(strstr(e.msg, "--rename FILE gives keys the names of a family") != NULL);
    free(whole);
}

/* The same of a network that is not computed: the message ends with the way on. */
static void refused(const char *message)
{
    char *whole = mem_printf("%s; torch.export makes a .pt2 file that is read: model-info prints "
                             "the two lines of Python",
                             message);
    broken(whole);
    free(whole);
}

static void check_shapes(void)
{
    struct err e = {0};
    struct model *m = NULL;
    put_all();
    CHECK(build(&m, 15, 8, &e) == 0);
    if (!m)
        return;
    const struct graph *n = m->graph;
    CHECK(graph_classes(n) == 7);
    CHECK(n->ops == 1 + 4 + 3 + 3 + 2);
    CHECK(n->values == n->ops + 1);

    int v = graph_layer(n, "layer2", &e);
    CHECK(v == graph_layer(n, "layer2.0", &e));
    CHECK(n->value[v].c == 6 && n->value[v].h == 8 && n->value[v].w == 4);
    CHECK_STR(n->value[v].name, "layer2.0");
    v = graph_layer(n, "layer3", &e);
    CHECK(v == graph_closed(n).value);
    CHECK(n->value[v].h == 4 && n->value[v].w == 2);
    CHECK(graph_layer(n, "conv1", &e) == 1);
    CHECK(graph_layer(n, "layer1", &e) == graph_layer(n, "layer1.1", &e));
    CHECK(graph_layer(n, "layer4", &e) == -1);
    CHECK_STR(
        e.msg,
        "layer 'layer4' is not one of conv1, layer1, layer1.0, layer1.1, layer2, layer2.0, layer3, "
        "layer3.0");
    CHECK(graph_layer(n, "fc", &e) == -1);
    CHECK(graph_layer(n, "", &e) == -1);
    CHECK(graph_layer(n, "layer", &e) == -1);

    /* Of layer2.0: its convolution of stride 2, its shortcut, the sum of both. */
    const struct graph_op *op = &n->op[5];
    CHECK(op->y.stride == 2 && op->y.k == 3 && op->y.before == 1 && op->act == GRAPH_RELU &&
          graph_addend(op) == -1);
    CHECK(op[1].y.stride == 2 && op[1].y.k == 1 && op[1].y.before == 0 && op[1].act == GRAPH_NONE);
    CHECK(op[1].in[0] == op->in[0] && op[2].in[0] == op->out);
    CHECK(graph_addend(&op[2]) == op[1].out && op[2].act == GRAPH_RELU);
    /* Of layer1.1: the sum with the block's input. */
    CHECK(graph_addend(&n->op[4]) == n->op[3].in[0] && n->op[4].y.stride == 1);

    /* w gamma / sqrt(var + eps) and beta - mean gamma / sqrt(var + eps). */
    double scale = 2 / sqrt(4 + 1e-5);
    CHECK_NEAR(op->w[0], 0.125 * scale, 1e-8);
    CHECK_NEAR(op->b[5], 0.5 - 0.25 * scale, 1e-7);

    int64_t macs = 15 * 8 * (4 * 3 * 9 + 4 * 4 * 4 * 9) + 8 * 4 * (4 * 6 * 9 + 6 * 6 * 9 + 4 * 6) +
                   4 * 2 * (2 * 6 * 6 * 9 + 6 * 6) + 7 * 6;
    CHECK(graph_macs(n) == macs);
    model_close(m);
}

#define UNKNOWN                                                                                    \
    "expected the keys of a known family, such as conv1.weight and layer1.0.conv1.weight "         \
    "(model-info(1) lists the families), found "
#define NO_NET ", and by order and shapes it is neither a residual nor a plain net: "
#define NO_PART ": no part of a residual network of basic blocks as torchvision names them"

/* What is not torchvision's in every detail. */
static void check_variants(void)
{
    char words[ASSUME_WORDS];
    struct err e = {0};
    struct model *m = NULL;
    put_first_stride();
    CHECK(build(&m, 16, 16, &e) == 0);
    if (!m)
        return;
    const struct graph *n = m->graph;
    CHECK(n->value[graph_closed(n).value].h == 8 && n->value[graph_closed(n).value].w == 8);
    assume_write(words, &m->assumed);
    CHECK_STR(words, "channels=rgb,stem-stride=1,pool=none,strides=2,shortcut=conv,eps=1e-05");
    CHECK_STR(n->op[n->ops - 1].key, "fc.1");
    model_close(m);
    /* Two linear layers are another network; a stem of several convolutions, too. */
    put("fc.3.weight", 0.5F, 2, 7, 7, 0);
    renamed("missing key 'fc.weight': expected shape (*, 4), found 'fc.1.bias'");
    put_all();
    snprintf(find("conv1.weight")->name, 64, "conv1.0.weight");
    renamed("missing key 'conv1.weight': expected shape (*, 3, *, *), found 'conv1.0.weight'");
    /* The pixels' mean, as a buffer, is no layer; what is larger may be one. */
    put_all();
    put("normalize.mean", 0.5F, 4, 1, 3, 1);
    CHECK(build(&m, 16, 16, &e) == 0);
    model_close(m);
    m = NULL;
    put("token", 0.5F, 4, 1, 65, 1);
    refused("left-over key 'token'" NO_PART);
}

static void check_refusals(void)
{
    put_all();
    *find("layer1.1.bn2.weight") = key[--keys];
    refused("missing key 'layer1.1.bn2.weight': expected shape (4,)");
    put_all();
    snprintf(find("layer2.0.conv1.weight")->name, 64, "layer2.1.conv1.weight");
    refused("missing key 'layer2.0.conv1.weight': expected shape (*, 4, 3, 3)");
    put_all();
    snprintf(find("layer2.0.downsample.0.weight")->name, 64, "x");
    refused("missing key 'layer2.0.downsample.0.weight': expected shape (6, 4, *, *)");
    put_all();
    keys -= 1;
    renamed("missing key 'fc.bias': expected shape (7,)");
    keys = 0;
    put("weight", 1, 1, 3, 0, 0);
    refused(UNKNOWN "'weight'" NO_NET "'weight' is no part of a convolution, batch norm or linear "
                    "layer");
    keys = 0;
    put_conv("conv1", "bn1", 4, 3, 3);
    refused(UNKNOWN "'conv1.weight', 'bn1.weight', 'bn1.bias', 'bn1.running_mean', ..." NO_NET
                    "'bn1' has no place in it");

    put_all();
    put("layer1.0.conv3.weight", 1, 4, 4, 4, 1);
    refused("left-over key 'layer1.0.conv3.weight'" NO_PART);
    put_all();
    put("head.bias", 1, 1, 4, 0, 0);
    refused("left-over key 'head.bias'" NO_PART);

    put_all();
    find("conv1.weight")->shape[2] = find("conv1.weight")->shape[3] = 4;
    refused("key 'conv1.weight': expected a square window with an odd side of at most 15, found 4 "
            "by 4");
    put_all();
    find("bn1.weight")->shape[0] = 5;
    refused("key 'bn1.weight': expected shape (4,), found (5,)");
    put_all();
    find("fc.weight")->shape[1] = 8;
    refused("key 'fc.weight': expected shape (*, 6), found (7, 8)");
    put_all();
    find("layer2.0.conv2.weight")->shape[0] = 8;
    refused("key 'layer2.0.downsample.0.weight': expected shape (8, 4, *, *), found (6, 4, 1, 1)");
    put_all();
    find("fc.weight")->shape[0] = 0;
    refused("key 'fc.weight': expected shape (*, 6), found (0, 6)");

    put_all();
    find("layer1.0.bn1.running_var")->value = -0.5F;
    broken("key 'layer1.0.bn1.running_var': value 0 is -0.5, a variance cannot be negative");
    put_all();
    find("layer1.0.conv1.weight")->value = 3e38F;
    find("layer1.0.bn1.running_var")->value = 0;
    broken("weights too large: 'layer1.0.bn1.weight' with what it norms leaves the range of f32");

    struct err e = {0};
    struct model *m;
    put_all();
    CHECK(build(&m, 40000, 40000, &e) == -1);
    CHECK(strstr(e.msg, "images of 40000 by 40000 pixels"));
}

int main(void)
{
    check_shapes();
    check_refusals();
    check_variants();
    return CHECK_DONE();
}
