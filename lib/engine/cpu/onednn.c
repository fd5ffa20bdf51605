#include "engine/cpu/onednn.h"

#include "base/mem.h"

#include <dlfcn.h>
#include <oneapi/dnnl/dnnl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__) || defined(__i386__)
#include <xmmintrin.h>
#endif

enum { DIMS = 5, ARGS = 5 };

struct onednn {
    dnnl_engine_t engine;
};

struct onednn_conv {
    dnnl_primitive_desc_t desc;
    dnnl_primitive_t prim;
    dnnl_memory_t weights, bias; /* bias: forward only */
    void *room[2];               /* of weights and bias */
    bool back;
};

struct onednn_call {
    const struct onednn_conv *conv;
    dnnl_stream_t stream;
    dnnl_memory_t in, out, scratch;
    dnnl_exec_arg_t arg[ARGS];
    int args;
};

static int failed(struct err *e, const char *what, dnnl_status_t s)
{
    return err_set(e, "oneDNN: %s: status %d", what, (int)s);
}

#define TRY(what, call)                                                                            \
    do {                                                                                           \
        dnnl_status_t try_status = (call);                                                         \
        if (try_status != dnnl_success)                                                            \
            return failed(e, what, try_status);                                                    \
    } while (0)

/* --- what differs between the versions --- */

#if DNNL_VERSION_MAJOR >= 3

typedef dnnl_memory_desc_t desc_own;
typedef const_dnnl_memory_desc_t desc_ref;

static desc_ref desc_of(const desc_own *d)
{
    return *d;
}

static void desc_free(desc_own *d)
{
    if (*d)
        dnnl_memory_desc_destroy(*d);
}

static dnnl_status_t desc_new(desc_own *d, int n, const dnnl_dims_t dims, dnnl_data_type_t type,
                              dnnl_format_tag_t tag)
{
    return dnnl_memory_desc_create_with_tag(d, n, dims, type, tag);
}

static size_t desc_size(desc_ref d)
{
    return dnnl_memory_desc_get_size(d);
}

static dnnl_status_t post_sum(dnnl_post_ops_t p)
{
    return dnnl_post_ops_append_sum(p, 1.0F, 0, dnnl_data_type_undef);
}

static dnnl_status_t post_relu(dnnl_post_ops_t p)
{
    return dnnl_post_ops_append_eltwise(p, dnnl_eltwise_relu, 0.0F, 0.0F);
}

static dnnl_status_t forward_new(dnnl_primitive_desc_t *pd, dnnl_engine_t g, desc_ref x, desc_ref w,
                                 desc_ref b, desc_ref y, const dnnl_dims_t stride,
                                 const dnnl_dims_t pad, dnnl_primitive_attr_t attr)
{
    const dnnl_dims_t dilate = {0, 0, 0};
    return dnnl_convolution_forward_primitive_desc_create(
        pd, g, b ? dnnl_forward_inference : dnnl_forward_training, dnnl_convolution_direct, x, w, b,
        y, stride, dilate, pad, pad, attr);
}

static dnnl_status_t backward_new(dnnl_primitive_desc_t *pd, dnnl_engine_t g, desc_ref dx,
                                  desc_ref w, desc_ref dy, const dnnl_dims_t stride,
                                  const dnnl_dims_t pad, dnnl_primitive_desc_t hint,
                                  dnnl_primitive_attr_t attr)
{
    const dnnl_dims_t dilate = {0, 0, 0};
    return dnnl_convolution_backward_data_primitive_desc_create(
        pd, g, dnnl_convolution_direct, dx, w, dy, stride, dilate, pad, pad, hint, attr);
}

#else

typedef dnnl_memory_desc_t desc_own;
typedef const dnnl_memory_desc_t *desc_ref;

static desc_ref desc_of(const desc_own *d)
{
    return d;
}

static void desc_free(desc_own *d)
{
    (void)d;
}

static dnnl_status_t desc_new(desc_own *d, int n, const dnnl_dims_t dims, dnnl_data_type_t type,
                              dnnl_format_tag_t tag)
{
    return dnnl_memory_desc_init_by_tag(d, n, dims, type, tag);
}

static size_t desc_size(desc_ref d)
{
    return dnnl_memory_desc_get_size(d);
}

static dnnl_status_t post_sum(dnnl_post_ops_t p)
{
    return dnnl_post_ops_append_sum_v2(p, 1.0F, dnnl_data_type_undef);
}

static dnnl_status_t post_relu(dnnl_post_ops_t p)
{
    return dnnl_post_ops_append_eltwise(p, 1.0F, dnnl_eltwise_relu, 0.0F, 0.0F);
}

static dnnl_status_t forward_new(dnnl_primitive_desc_t *pd, dnnl_engine_t g, desc_ref x, desc_ref w,
                                 desc_ref b, desc_ref y, const dnnl_dims_t stride,
                                 const dnnl_dims_t pad, dnnl_primitive_attr_t attr)
{
    dnnl_convolution_desc_t d;
    dnnl_status_t s =
        dnnl_convolution_forward_desc_init(&d, b ? dnnl_forward_inference : dnnl_forward_training,
                                           dnnl_convolution_direct, x, w, b, y, stride, pad, pad);
    return s != dnnl_success ? s : dnnl_primitive_desc_create(pd, &d, attr, g, NULL);
}

static dnnl_status_t backward_new(dnnl_primitive_desc_t *pd, dnnl_engine_t g, desc_ref dx,
                                  desc_ref w, desc_ref dy, const dnnl_dims_t stride,
                                  const dnnl_dims_t pad, dnnl_primitive_desc_t hint,
                                  dnnl_primitive_attr_t attr)
{
    dnnl_convolution_desc_t d;
    dnnl_status_t s = dnnl_convolution_backward_data_desc_init(&d, dnnl_convolution_direct, dx, w,
                                                               dy, stride, pad, pad);
    return s != dnnl_success ? s : dnnl_primitive_desc_create(pd, &d, attr, g, hint);
}

#endif

/* --- the processor and the thread --- */

void onednn_thread(void)
{
    /* Found by name: a oneDNN that is built without OpenMP does not have it. */
    void (*set)(int);
    void *symbol = dlsym(RTLD_DEFAULT, "omp_set_num_threads");
    memcpy(&set, &symbol, sizeof set);
    if (set)
        set(1);
#ifdef __SSE__
    /* Flush to zero and denormals are zero: denormals take many times as long. */
    _mm_setcsr(_mm_getcsr() | 0x8040U);
#endif
}

static bool has_isa(unsigned isa)
{
    return ((unsigned)dnnl_get_effective_cpu_isa() & isa) == isa;
}

bool onednn_has_avx512(void)
{
    return has_isa(dnnl_cpu_isa_avx512_core);
}

bool onednn_has_bf16(void)
{
    return has_isa(dnnl_cpu_isa_avx512_core_bf16);
}

const char *onednn_version(void)
{
    static char text[32];
    const dnnl_version_t *v = dnnl_version();
    snprintf(text, sizeof text, "oneDNN %d.%d.%d", v->major, v->minor, v->patch);
    return text;
}

int onednn_open(struct onednn **o, struct err *e)
{
    struct onednn *n = mem_zero(1, sizeof *n);
    /* The environment shall neither write between rows on standard output nor round
     * f32 to something shorter. */
    dnnl_set_verbose(0);
    dnnl_set_default_fpmath_mode(dnnl_fpmath_mode_strict);
    dnnl_status_t s = dnnl_engine_create(&n->engine, dnnl_cpu, 0);
    if (s != dnnl_success) {
        free(n);
        return failed(e, "engine", s);
    }
    *o = n;
    return 0;
}

void onednn_close(struct onednn *o)
{
    if (!o)
        return;
    dnnl_engine_destroy(o->engine);
    free(o);
}

/* --- convolutions --- */

/* What a convolution is described by; freed by shape_free. */
struct shape {
    desc_own x, y, w, plain, b;
    dnnl_dims_t stride, pad;
};

static int shape_new(struct shape *s, const struct net *n, const struct net_op *op, int batch,
                     dnnl_data_type_t type, struct err *e)
{
    const struct net_value *x = &n->value[op->in], *y = &n->value[op->out];
    const dnnl_dims_t xd = {1, x->c, x->h, x->w, batch}, yd = {1, y->c, y->h, y->w, batch};
    const dnnl_dims_t wd = {y->c, x->c, op->k, op->k, 1}, bd = {y->c};
    memset(s, 0, sizeof *s);
    s->stride[0] = s->stride[1] = op->stride;
    s->stride[2] = 1;
    s->pad[0] = s->pad[1] = op->pad;
    TRY("input", desc_new(&s->x, DIMS, xd, type, dnnl_ndhwc));
    TRY("output", desc_new(&s->y, DIMS, yd, type, dnnl_ndhwc));
    TRY("weights", desc_new(&s->w, DIMS, wd, type, dnnl_format_tag_any));
    TRY("weights", desc_new(&s->plain, DIMS, wd, dnnl_f32, dnnl_oidhw));
    TRY("bias", desc_new(&s->b, 1, bd, dnnl_f32, dnnl_a));
    return 0;
}

static void shape_free(struct shape *s)
{
    desc_free(&s->x);
    desc_free(&s->y);
    desc_free(&s->w);
    desc_free(&s->plain);
    desc_free(&s->b);
}

static dnnl_status_t reorder(dnnl_engine_t g, dnnl_memory_t from, dnnl_memory_t to, desc_ref src,
                             desc_ref dst)
{
    dnnl_primitive_desc_t pd = NULL;
    dnnl_primitive_t prim = NULL;
    dnnl_stream_t stream = NULL;
    dnnl_status_t s = dnnl_reorder_primitive_desc_create(&pd, src, g, dst, g, NULL);
    if (s == dnnl_success)
        s = dnnl_primitive_create(&prim, pd);
    if (s == dnnl_success)
        s = dnnl_stream_create(&stream, g, dnnl_stream_default_flags);
    if (s == dnnl_success) {
        dnnl_exec_arg_t arg[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
        s = dnnl_primitive_execute(prim, stream, 2, arg);
    }
    if (s == dnnl_success)
        s = dnnl_stream_wait(stream);
    dnnl_stream_destroy(stream);
    dnnl_primitive_destroy(prim);
    dnnl_primitive_desc_destroy(pd);
    return s;
}

static int pack(struct onednn_conv *c, struct onednn *o, const struct shape *s,
                const struct net_op *op, struct err *e)
{
    TRY("primitive", dnnl_primitive_create(&c->prim, c->desc));
    desc_ref w = dnnl_primitive_desc_query_md(c->desc, dnnl_query_weights_md, 0);
    c->room[0] = mem_aligned(desc_size(w), 1);
    TRY("weights", dnnl_memory_create(&c->weights, w, o->engine, c->room[0]));
    dnnl_memory_t plain;
    TRY("weights", dnnl_memory_create(&plain, desc_of(&s->plain), o->engine, (void *)op->w));
    dnnl_status_t r = reorder(o->engine, plain, c->weights, desc_of(&s->plain), w);
    dnnl_memory_destroy(plain);
    return r == dnnl_success ? 0 : failed(e, "packing weights", r);
}

/* Scratch memory is the calling thread's. */
static int attr_new(dnnl_primitive_attr_t *attr, struct err *e)
{
    TRY("attributes", dnnl_primitive_attr_create(attr));
    TRY("attributes", dnnl_primitive_attr_set_scratchpad_mode(*attr, dnnl_scratchpad_mode_user));
    return 0;
}

static int forward_attr(dnnl_primitive_attr_t attr, const struct net_op *op, struct err *e)
{
    dnnl_post_ops_t post;
    TRY("attributes", dnnl_post_ops_create(&post));
    dnnl_status_t s = op->res >= 0 ? post_sum(post) : dnnl_success;
    if (s == dnnl_success && op->relu)
        s = post_relu(post);
    if (s == dnnl_success)
        s = dnnl_primitive_attr_set_post_ops(attr, post);
    dnnl_post_ops_destroy(post);
    return s == dnnl_success ? 0 : failed(e, "attributes", s);
}

static int forward_fill(struct onednn_conv *c, struct onednn *o, const struct shape *s,
                        const struct net_op *op, dnnl_primitive_attr_t attr, struct err *e)
{
    if (forward_attr(attr, op, e) != 0)
        return -1;
    TRY("convolution", forward_new(&c->desc, o->engine, desc_of(&s->x), desc_of(&s->w),
                                   desc_of(&s->b), desc_of(&s->y), s->stride, s->pad, attr));
    if (pack(c, o, s, op, e) != 0)
        return -1;
    desc_ref b = dnnl_primitive_desc_query_md(c->desc, dnnl_query_weights_md, 1);
    c->room[1] = mem_aligned(desc_size(b), 1);
    memcpy(c->room[1], op->b, desc_size(b));
    TRY("bias", dnnl_memory_create(&c->bias, b, o->engine, c->room[1]));
    return 0;
}

static int backward_fill(struct onednn_conv *c, struct onednn *o, const struct shape *s,
                         const struct net_op *op, dnnl_primitive_attr_t attr, struct err *e)
{
    dnnl_primitive_desc_t hint;
    c->back = true;
    TRY("convolution", forward_new(&hint, o->engine, desc_of(&s->x), desc_of(&s->w), NULL,
                                   desc_of(&s->y), s->stride, s->pad, NULL));
    dnnl_status_t r = backward_new(&c->desc, o->engine, desc_of(&s->x), desc_of(&s->w),
                                   desc_of(&s->y), s->stride, s->pad, hint, attr);
    dnnl_primitive_desc_destroy(hint);
    TRY("backward convolution", r);
    return pack(c, o, s, op, e);
}

static int conv_new(struct onednn_conv **conv, struct onednn *o, const struct net *n,
                    const struct net_op *op, int batch, bool bf16, bool back, struct err *e)
{
    struct shape s;
    struct onednn_conv *c = mem_zero(1, sizeof *c);
    dnnl_primitive_attr_t attr = NULL;
    int r = shape_new(&s, n, op, batch, bf16 ? dnnl_bf16 : dnnl_f32, e);
    if (r == 0)
        r = attr_new(&attr, e);
    if (r == 0)
        r = (back ? backward_fill : forward_fill)(c, o, &s, op, attr, e);
    if (attr)
        dnnl_primitive_attr_destroy(attr);
    shape_free(&s);
    if (r != 0) {
        onednn_conv_free(c);
        return -1;
    }
    *conv = c;
    return 0;
}

int onednn_forward(struct onednn_conv **c, struct onednn *o, const struct net *n,
                   const struct net_op *op, int batch, bool bf16, struct err *e)
{
    return conv_new(c, o, n, op, batch, bf16, false, e);
}

int onednn_backward(struct onednn_conv **c, struct onednn *o, const struct net *n,
                    const struct net_op *op, int batch, struct err *e)
{
    return conv_new(c, o, n, op, batch, false, true, e);
}

void onednn_conv_free(struct onednn_conv *c)
{
    if (!c)
        return;
    dnnl_memory_destroy(c->weights);
    dnnl_memory_destroy(c->bias);
    dnnl_primitive_destroy(c->prim);
    dnnl_primitive_desc_destroy(c->desc);
    free(c->room[0]);
    free(c->room[1]);
    free(c);
}

size_t onednn_scratch(const struct onednn_conv *c)
{
    return desc_size(dnnl_primitive_desc_query_md(c->desc, dnnl_query_scratchpad_md, 0));
}

/* --- calls --- */

static int bind_memory(struct onednn_call *k, dnnl_memory_t *m, struct onednn *o, dnnl_query_t what,
                       int arg, void *p, struct err *e)
{
    TRY("memory",
        dnnl_memory_create(m, dnnl_primitive_desc_query_md(k->conv->desc, what, 0), o->engine, p));
    k->arg[k->args++] = (dnnl_exec_arg_t){arg, *m};
    return 0;
}

static int bind_all(struct onednn_call *k, struct onednn *o, void *in, void *out, void *scratch,
                    struct err *e)
{
    const struct onednn_conv *c = k->conv;
    TRY("stream", dnnl_stream_create(&k->stream, o->engine, dnnl_stream_default_flags));
    k->arg[k->args++] = (dnnl_exec_arg_t){DNNL_ARG_WEIGHTS, c->weights};
    if (c->bias)
        k->arg[k->args++] = (dnnl_exec_arg_t){DNNL_ARG_BIAS, c->bias};
    if (bind_memory(k, &k->scratch, o, dnnl_query_scratchpad_md, DNNL_ARG_SCRATCHPAD, scratch, e))
        return -1;
    if (c->back)
        return bind_memory(k, &k->in, o, dnnl_query_diff_dst_md, DNNL_ARG_DIFF_DST, in, e) ||
                       bind_memory(k, &k->out, o, dnnl_query_diff_src_md, DNNL_ARG_DIFF_SRC, out, e)
                   ? -1
                   : 0;
    return bind_memory(k, &k->in, o, dnnl_query_src_md, DNNL_ARG_SRC, in, e) ||
                   bind_memory(k, &k->out, o, dnnl_query_dst_md, DNNL_ARG_DST, out, e)
               ? -1
               : 0;
}

int onednn_bind(struct onednn_call **call, struct onednn *o, const struct onednn_conv *c, void *in,
                void *out, void *scratch, struct err *e)
{
    struct onednn_call *k = mem_zero(1, sizeof *k);
    k->conv = c;
    if (bind_all(k, o, in, out, scratch, e) != 0) {
        onednn_call_free(k);
        return -1;
    }
    *call = k;
    return 0;
}

void onednn_call_free(struct onednn_call *k)
{
    if (!k)
        return;
    dnnl_memory_destroy(k->in);
    dnnl_memory_destroy(k->out);
    dnnl_memory_destroy(k->scratch);
    dnnl_stream_destroy(k->stream);
    free(k);
}

int onednn_run(struct onednn_call *k, struct err *e)
{
    TRY("running", dnnl_primitive_execute(k->conv->prim, k->stream, k->args, k->arg));
    TRY("running", dnnl_stream_wait(k->stream));
    return 0;
}

int onednn_gemm(int m, int n, int k, float alpha, const float *a, const float *b, float *c,
                struct err *e)
{
    TRY("sgemm", dnnl_sgemm('N', 'T', m, n, k, alpha, a, k, b, k, 0.0F, c, n));
    return 0;
}
