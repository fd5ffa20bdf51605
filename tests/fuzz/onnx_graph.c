/* ONNX graphs that are well formed: bytes choose operations, inputs among what is there, and
 * attributes; the file is written around them. */
#include "checkpoint.h"

#include "model/onnx.h"

#include <stdarg.h>

enum { ROOM = 1 << 15, TENSORS = 8, NODES = 24, SIDE = 8, DIMS = 4, LIST = 6 };

static const char *const ops[] = {"Add",
                                  "Attention",
                                  "AveragePool",
                                  "BatchNormalization",
                                  "Cast",
                                  "Clip",
                                  "Concat",
                                  "Constant",
                                  "ConstantOfShape",
                                  "Conv",
                                  "Div",
                                  "Dropout",
                                  "Elu",
                                  "Equal",
                                  "Erf",
                                  "Expand",
                                  "Flatten",
                                  "Floor",
                                  "Gather",
                                  "Gelu",
                                  "Gemm",
                                  "GlobalAveragePool",
                                  "HardSigmoid",
                                  "HardSwish",
                                  "Identity",
                                  "LayerNormalization",
                                  "LeakyRelu",
                                  "LogSoftmax",
                                  "MatMul",
                                  "Max",
                                  "MaxPool",
                                  "Min",
                                  "Mod",
                                  "Mul",
                                  "Neg",
                                  "PRelu",
                                  "Pad",
                                  "Pow",
                                  "Range",
                                  "ReduceMax",
                                  "ReduceMean",
                                  "ReduceProd",
                                  "Relu",
                                  "Reshape",
                                  "Shape",
                                  "Sigmoid",
                                  "Size",
                                  "Slice",
                                  "Softmax",
                                  "Softplus",
                                  "Split",
                                  "Sqrt",
                                  "Squeeze",
                                  "Sub",
                                  "Sum",
                                  "Tanh",
                                  "Transpose",
                                  "Unsqueeze",
                                  "Where",
                                  "GatherND",
                                  "CastLike",
                                  "DequantizeLinear",
                                  "LRN"};

/* What is left of the input; behind its end there are zeros. */
struct source {
    const uint8_t *p;
    size_t n;
};

static unsigned take(struct source *s)
{
    if (s->n == 0)
        return 0;
    s->n--;
    return *s->p++;
}

struct out {
    uint8_t p[ROOM];
    size_t n;
};

static void put_byte(struct out *o, unsigned v)
{
    if (o->n < ROOM)
        o->p[o->n++] = (uint8_t)v;
}

static void put_number(struct out *o, uint64_t v)
{
    for (; v > 0x7f; v >>= 7)
        put_byte(o, (v & 0x7f) | 0x80);
    put_byte(o, (unsigned)v);
}

static void put_int(struct out *o, unsigned field, int64_t v)
{
    put_number(o, field << 3);
    put_number(o, (uint64_t)v);
}

static void put_bytes(struct out *o, unsigned field, const void *bytes, size_t n)
{
    put_number(o, field << 3 | 2);
    put_number(o, n);
    for (size_t i = 0; i < n; i++)
        put_byte(o, ((const uint8_t *)bytes)[i]);
}

static void put_text(struct out *o, unsigned field, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void put_text(struct out *o, unsigned field, const char *fmt, ...)
{
    char text[64];
    va_list ap;
    va_start(ap, fmt);
    const int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    put_bytes(o, field, text, (size_t)n);
}

static void put_message(struct out *o, unsigned field, const struct out *m)
{
    put_bytes(o, field, m->p, m->n);
}

/* Of floats, or of whole numbers that may be sizes, axes or indices. */
static void put_tensor(struct out *g, struct source *s, int i)
{
    static struct out t;
    uint8_t raw[1 << 10];
    const bool whole = i >= TENSORS / 2;
    size_t count = 1, dims = take(s) % (whole ? 2 : DIMS + 1);
    t.n = 0;
    for (size_t d = 0; d < dims; d++) {
        const size_t size = 1 + take(s) % (whole ? LIST : 5);
        count *= size;
        put_int(&t, 1, (int64_t)size);
    }
    const size_t width = whole ? sizeof(int64_t) : sizeof(float);
    if (count * width > sizeof raw)
        return;
    for (size_t k = 0; k < count; k++) {
        const int byte = (int)take(s);
        const int64_t n = byte < 128 ? byte : byte - 256;
        const float f = (float)n / 16;
        memcpy(raw + k * width, whole ? (const void *)&n : (const void *)&f, width);
    }
    put_int(&t, 2, whole ? 7 : 1);
    put_text(&t, 8, "t%d", i);
    put_bytes(&t, 9, raw, count * width);
    put_message(g, 5, &t);
}

/* One of those that the operation has. */
static void put_attribute(struct out *node, struct source *s, const char *op)
{
    static struct out a;
    const char *name = onnx_attributes_of(op);
    const unsigned kind = take(s) % 3, n = take(s) % LIST;
    const float f = (float)(int8_t)take(s) / 16;
    uint8_t bits[sizeof f];
    a.n = 0;
    for (unsigned skip = take(s) % 8; skip > 0; skip--)
        name = strchr(name, ' ') ? strchr(name, ' ') + 1 : onnx_attributes_of(op);
    put_text(&a, 1, "%.*s", (int)strcspn(name, " "), name);
    if (kind == 0)
        put_int(&a, 3, (int8_t)take(s));
    for (unsigned i = 0; kind == 1 && i < n; i++)
        put_int(&a, 8, (int8_t)take(s));
    if (kind == 2) {
        memcpy(bits, &f, sizeof f);
        put_number(&a, 2 << 3 | 5);
        for (size_t i = 0; i < sizeof f; i++)
            put_byte(&a, bits[i]);
    }
    put_int(&a, 20, kind == 0 ? 2 : kind == 1 ? 7 : 1);
    put_message(node, 5, &a);
}

/* Node i reads what the image, tensors and earlier nodes are. */
static void put_node(struct out *g, struct source *s, int i)
{
    static struct out node;
    const unsigned ins = take(s) % 5, ats = take(s) % 4, outs = take(s) % 8 == 0 ? 2 : 1;
    node.n = 0;
    for (unsigned k = 0; k < ins; k++) {
        const unsigned which = take(s);
        if (which & 1)
            put_text(&node, 1, i > 0 ? "v%d" : "x", i > 0 ? i - 1 - (int)(which >> 1) % i : 0);
        else if (which & 2)
            put_text(&node, 1, "t%d", (int)(which >> 2) % TENSORS);
        else
            put_text(&node, 1, "%s", which & 4 ? "x" : "");
    }
    put_text(&node, 2, "v%d", i);
    if (outs > 1)
        put_text(&node, 2, "w%d", i);
    put_text(&node, 3, "/m%d/n", i);
    const char *op = ops[take(s) % (sizeof ops / sizeof *ops)];
    put_text(&node, 4, "%s", op);
    for (unsigned k = 0; k < ats && *onnx_attributes_of(op); k++)
        put_attribute(&node, s, op);
    put_message(g, 1, &node);
}

static void put_shape(struct out *g, unsigned field, const char *name, const int64_t *size, int n)
{
    static struct out value, type, tensor, shape, dim;
    value.n = type.n = tensor.n = shape.n = 0;
    for (int i = 0; i < n; i++) {
        dim.n = 0;
        put_int(&dim, 1, size[i]);
        put_message(&shape, 1, &dim);
    }
    put_int(&tensor, 1, 1);
    put_message(&tensor, 2, &shape);
    put_message(&type, 1, &tensor);
    put_text(&value, 1, "%s", name);
    put_message(&value, 2, &type);
    put_message(g, field, &value);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static struct out g, m, opset;
    struct source s = {p, n};
    char last[16];
    struct err e;
    struct ckpt *c;
    const unsigned nodes = 1 + take(&s) % NODES, version = 9 + take(&s) % 15, images = take(&s) % 3;
    const int64_t image[] = {images, take(&s) % 8 == 0 ? 1 : 3, SIDE, SIDE};
    g.n = m.n = opset.n = 0;
    for (int i = 0; i < TENSORS; i++)
        put_tensor(&g, &s, i);
    for (int i = 0; i < (int)nodes; i++)
        put_node(&g, &s, i);
    snprintf(last, sizeof last, "v%u", nodes - 1);
    put_shape(&g, 11, "x", image, 4);
    put_shape(&g, 12, last, image, 2);
    put_int(&m, 1, 8);
    put_int(&opset, 2, version);
    put_message(&m, 7, &g);
    put_message(&m, 8, &opset);
    if (ckpt_open_memory(&c, m.p, m.n, "fuzz", NULL, &e) != 0)
        return 0;
    fuzz_network(c, 0, false);
    fuzz_network(c, 0, true);
    ckpt_close(c);
    return 0;
}
