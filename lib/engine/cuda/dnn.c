#include "engine/cuda/dnn.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONFIGS = 64, NOTES = 32, OPS = 4, OWNED = 128 };

/* Names of tensors in a graph. */
enum { ID_X = 1, ID_W, ID_Y, ID_BIAS, ID_RES, ID_BETWEEN };

typedef cudnnBackendDescriptor_t descriptor;

struct dnn {
    cudnnHandle_t handle; /* NULL where only plans are made, for */
    descriptor described; /* this device */
    const char *where;    /* for messages */
    char version[32];
    cudnnStatus_t status; /* of the last failure */
};

struct dnn_conv {
    struct dnn *dnn;
    descriptor owned[OWNED]; /* all that the plan was made from, and the plan */
    int count;
    descriptor graph, plan;
    int64_t workspace;
    struct dnn_engine engine;
    char what[96]; /* for messages */
};

struct dnn_call {
    struct dnn *dnn;
    const struct dnn_conv *conv;
    descriptor pack;
};

/* --- errors --- */

static int fail(struct dnn *d, cudnnStatus_t s, const char *call, const char *what, struct err *e)
{
    char last[256] = "";
    cudnnGetLastErrorString(last, sizeof last);
    d->status = s;
    err_record(e, "cuda: %s%s%s: %s%s%s (%s)", call, *what ? " of " : "", what,
               cudnnGetErrorString(s), *last ? ": " : "", last, d->where);
    return -1;
}

bool dnn_short_of(const struct dnn *d, bool little)
{
    switch (d->status) {
    case CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED:
    case CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED:
        return true;
    /* What loading a handle or a kernel says where there is no room for it, among
     * other things. */
    case CUDNN_STATUS_NOT_INITIALIZED:
    case CUDNN_STATUS_INTERNAL_ERROR:
    case CUDNN_STATUS_EXECUTION_FAILED:
    case CUDNN_STATUS_EXECUTION_FAILED_CUDA_DRIVER:
    case CUDNN_STATUS_EXECUTION_FAILED_CUDART:
        return little;
    default:
        return false;
    }
}

/* --- descriptors --- */

/* The steps of making a graph go on after a failure and leave it here. */
struct making {
    struct dnn_conv *conv;
    cudnnStatus_t status;
    const char *call;
};

static void check(struct making *m, cudnnStatus_t s, const char *call)
{
    if (m->status != CUDNN_STATUS_SUCCESS || s == CUDNN_STATUS_SUCCESS)
        return;
    m->status = s;
    m->call = call;
}

static descriptor create(struct making *m, cudnnBackendDescriptorType_t type)
{
    descriptor d = NULL;
    if (m->conv->count == OWNED)
        check(m, CUDNN_STATUS_INTERNAL_ERROR, "cudnnBackendCreateDescriptor");
    if (m->status != CUDNN_STATUS_SUCCESS)
        return NULL;
    check(m, cudnnBackendCreateDescriptor(type, &d), "cudnnBackendCreateDescriptor");
    if (m->status == CUDNN_STATUS_SUCCESS)
        m->conv->owned[m->conv->count++] = d;
    return d;
}

/* Down to the first `kept`. */
static void release(struct dnn_conv *c, int kept)
{
    while (c->count > kept)
        cudnnBackendDestroyDescriptor(c->owned[--c->count]);
}

static void set(struct making *m, descriptor d, cudnnBackendAttributeName_t name,
                cudnnBackendAttributeType_t type, int64_t count, const void *v)
{
    if (m->status == CUDNN_STATUS_SUCCESS)
        check(m, cudnnBackendSetAttribute(d, name, type, count, v), "cudnnBackendSetAttribute");
}

static void set_child(struct making *m, descriptor d, cudnnBackendAttributeName_t name,
                      descriptor child)
{
    set(m, d, name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &child);
}

static void finalize(struct making *m, descriptor d)
{
    if (m->status == CUDNN_STATUS_SUCCESS)
        check(m, cudnnBackendFinalize(d), "cudnnBackendFinalize");
}

/* Count of what is there, at most `count` of it in `v`. */
static int64_t get(struct making *m, descriptor d, cudnnBackendAttributeName_t name,
                   cudnnBackendAttributeType_t type, int64_t count, void *v)
{
    int64_t found = 0;
    if (m->status == CUDNN_STATUS_SUCCESS)
        check(m, cudnnBackendGetAttribute(d, name, type, count, &found, v),
              "cudnnBackendGetAttribute");
    return m->status == CUDNN_STATUS_SUCCESS ? found : 0;
}

/* --- graphs --- */

static cudnnDataType_t data_type(enum kernel_type t)
{
    return t == KERNEL_F16    ? CUDNN_DATA_HALF
           : t == KERNEL_BF16 ? CUDNN_DATA_BFLOAT16
                              : CUDNN_DATA_FLOAT;
}

/* (n, c, h, w), stored NHWC. */
static descriptor tensor(struct making *m, int64_t id, cudnnDataType_t type, int64_t n, int64_t c,
                         int64_t h, int64_t w, bool between)
{
    const int64_t size[] = {n, c, h, w}, stride[] = {h * w * c, 1, w * c, c}, align = 16;
    descriptor d = create(m, CUDNN_BACKEND_TENSOR_DESCRIPTOR);
    set(m, d, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &type);
    set(m, d, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, 4, size);
    set(m, d, CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, 4, stride);
    set(m, d, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, &id);
    set(m, d, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, 1, &align);
    if (between)
        set(m, d, CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, 1, &between);
    finalize(m, d);
    return d;
}

static descriptor convolution(struct making *m, const struct dnn_shape *s)
{
    const cudnnDataType_t sums = CUDNN_DATA_FLOAT;
    const cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION;
    const int64_t two = 2, before[] = {s->y.before, s->x.before};
    const int64_t after[] = {s->y.after, s->x.after}, stride[] = {s->y.stride, s->x.stride};
    const int64_t apart[] = {s->y.gap + 1, s->x.gap + 1};
    descriptor d = create(m, CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
    set(m, d, CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &sums);
    set(m, d, CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1, &mode);
    set(m, d, CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, CUDNN_TYPE_INT64, 1, &two);
    set(m, d, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_TYPE_INT64, 2, before);
    set(m, d, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, CUDNN_TYPE_INT64, 2, after);
    set(m, d, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_TYPE_INT64, 2, stride);
    set(m, d, CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_TYPE_INT64, 2, apart);
    finalize(m, d);
    return d;
}

static descriptor pointwise(struct making *m, cudnnPointwiseMode_t mode, descriptor x, descriptor b,
                            descriptor y)
{
    const cudnnDataType_t math = CUDNN_DATA_FLOAT;
    descriptor p = create(m, CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
    set(m, p, CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, 1, &mode);
    set(m, p, CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_TYPE_DATA_TYPE, 1, &math);
    finalize(m, p);
    descriptor d = create(m, CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
    set_child(m, d, CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, p);
    set_child(m, d, CUDNN_ATTR_OPERATION_POINTWISE_XDESC, x);
    if (b)
        set_child(m, d, CUDNN_ATTR_OPERATION_POINTWISE_BDESC, b);
    set_child(m, d, CUDNN_ATTR_OPERATION_POINTWISE_YDESC, y);
    finalize(m, d);
    return d;
}

static void graph(struct making *m, int64_t count, const descriptor *op)
{
    struct dnn_conv *c = m->conv;
    c->graph = create(m, CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
    if (c->dnn->handle)
        set(m, c->graph, CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, 1, &c->dnn->handle);
    set(m, c->graph, CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, count, op);
    finalize(m, c->graph);
}

/* Residual before bias: the other order leaves only engines that compile when run. */
static void graph_forward(struct making *m, const struct dnn_shape *s, enum kernel_type t, bool res,
                          bool relu)
{
    const cudnnDataType_t io = data_type(t), between = CUDNN_DATA_FLOAT;
    const float one = 1, zero = 0;
    descriptor op[OPS];
    int n = 0, left = 1 + res + relu; /* pointwise operations to come */
    int64_t id = ID_BETWEEN;
    descriptor x = tensor(m, ID_X, io, s->n, s->ic, s->ih, s->iw, false);
    descriptor w = tensor(m, ID_W, io, s->oc, s->ic / s->groups, s->y.k, s->x.k, false);
    descriptor y = tensor(m, id++, between, s->n, s->oc, s->oh, s->ow, true);
    op[n] = create(m, CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR);
    set_child(m, op[n], CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, x);
    set_child(m, op[n], CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, w);
    set_child(m, op[n], CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, y);
    set_child(m, op[n], CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, convolution(m, s));
    set(m, op[n], CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, CUDNN_TYPE_FLOAT, 1, &one);
    set(m, op[n], CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA, CUDNN_TYPE_FLOAT, 1, &zero);
    finalize(m, op[n++]);

    const struct {
        bool wanted;
        cudnnPointwiseMode_t mode;
        int64_t id;
    } step[] = {{res, CUDNN_POINTWISE_ADD, ID_RES},
                {true, CUDNN_POINTWISE_ADD, ID_BIAS},
                {relu, CUDNN_POINTWISE_RELU_FWD, 0}};
    for (int i = 0; i < 3; i++) {
        if (!step[i].wanted)
            continue;
        descriptor with = NULL, to;
        if (step[i].id == ID_RES)
            with = tensor(m, ID_RES, io, s->n, s->oc, s->oh, s->ow, false);
        if (step[i].id == ID_BIAS)
            with = tensor(m, ID_BIAS, io, 1, s->oc, 1, 1, false);
        bool last = --left == 0;
        to = tensor(m, last ? ID_Y : id++, last ? io : between, s->n, s->oc, s->oh, s->ow, !last);
        op[n++] = pointwise(m, step[i].mode, y, with, to);
        y = to;
    }
    graph(m, n, op);
}

static void graph_backward(struct making *m, const struct dnn_shape *s)
{
    const cudnnDataType_t io = CUDNN_DATA_FLOAT;
    const float one = 1, zero = 0;
    descriptor dx = tensor(m, ID_X, io, s->n, s->ic, s->ih, s->iw, false);
    descriptor w = tensor(m, ID_W, io, s->oc, s->ic / s->groups, s->y.k, s->x.k, false);
    descriptor dy = tensor(m, ID_Y, io, s->n, s->oc, s->oh, s->ow, false);
    descriptor op = create(m, CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR);
    set_child(m, op, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX, dx);
    set_child(m, op, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W, w);
    set_child(m, op, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY, dy);
    set_child(m, op, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC, convolution(m, s));
    set(m, op, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA, CUDNN_TYPE_FLOAT, 1, &one);
    set(m, op, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA, CUDNN_TYPE_FLOAT, 1, &zero);
    finalize(m, op);
    graph(m, 1, &op);
}

/* --- engines and plans --- */

/* A prediction, not a failure: what cuDNN says of it does not belong to a later one. */
static bool unsupported(cudnnStatus_t s)
{
    char said[256];
    if (s < CUDNN_STATUS_NOT_SUPPORTED || s >= CUDNN_STATUS_INTERNAL_ERROR)
        return false;
    cudnnGetLastErrorString(said, sizeof said);
    return true;
}

static bool has(const int *note, int64_t count, int wanted)
{
    for (int64_t i = 0; i < count; i++)
        if (note[i] == wanted)
            return true;
    return false;
}

/* What an engine is, and whether it will do. */
static bool will_do(struct making *m, descriptor config, bool cores)
{
    struct dnn_engine *g = &m->conv->engine;
    descriptor engine = create(m, CUDNN_BACKEND_ENGINE_DESCRIPTOR);
    cudnnBackendNumericalNote_t number[NOTES] = {0};
    cudnnBackendBehaviorNote_t behaviour[NOTES] = {0};
    int note[NOTES], acts[NOTES];
    get(m, config, CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &engine);
    get(m, engine, CUDNN_ATTR_ENGINE_GLOBAL_INDEX, CUDNN_TYPE_INT64, 1, &g->index);
    int64_t notes =
        get(m, engine, CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE, NOTES, number);
    int64_t behaviours =
        get(m, engine, CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE, CUDNN_TYPE_BEHAVIOR_NOTE, NOTES, behaviour);
    for (int i = 0; i < NOTES; i++) {
        note[i] = (int)number[i];
        acts[i] = (int)behaviour[i];
    }
    g->cores = has(note, notes, CUDNN_NUMERICAL_NOTE_TENSOR_CORE);
    g->deterministic = !has(note, notes, CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC);
    g->compiles = has(acts, behaviours, CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION);
    if (m->status != CUDNN_STATUS_SUCCESS || g->compiles || !g->deterministic ||
        has(acts, behaviours, CUDNN_BEHAVIOR_NOTE_CUBLASLT_DEPENDENCY))
        return false;
    if (g->cores != cores)
        return false;
    /* Less exact than a sum of products in f32. */
    static const int coarse[] = {
        CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION,
        CUDNN_NUMERICAL_NOTE_FFT,
        CUDNN_NUMERICAL_NOTE_WINOGRAD,
    };
    for (size_t i = 0; i < sizeof coarse / sizeof *coarse; i++)
        if (has(note, notes, coarse[i]))
            return false;
    return cores || !has(note, notes, CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS);
}

/* A plan for the engine that will_do() saw last; 1 where it does not exist or asks for
 * too much memory, -1 on failure. */
static int plan(struct making *m, descriptor config, int64_t limit)
{
    struct dnn_conv *c = m->conv;
    c->plan = create(m, CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
    if (c->dnn->handle)
        set(m, c->plan, CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, 1, &c->dnn->handle);
    else
        set_child(m, c->plan, CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, c->dnn->described);
    set_child(m, c->plan, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, config);
    if (m->status != CUDNN_STATUS_SUCCESS)
        return -1;
    cudnnStatus_t s = cudnnBackendFinalize(c->plan);
    if (unsupported(s))
        return 1;
    check(m, s, "cudnnBackendFinalize");
    get(m, c->plan, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64, 1, &c->workspace);
    if (m->status != CUDNN_STATUS_SUCCESS)
        return -1;
    return c->workspace <= limit ? 0 : 1;
}

/* The engine that the heuristics put first among those that will do: whether there is
 * one. */
static bool choose(struct making *m, cudnnBackendHeurMode_t mode, bool cores, int64_t limit)
{
    struct dnn_conv *c = m->conv;
    descriptor config[CONFIGS];
    int before = c->count;
    int64_t found = 0;
    descriptor h = create(m, CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
    set_child(m, h, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, c->graph);
    set(m, h, CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, &mode);
    if (!c->dnn->handle)
        set_child(m, h, CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, c->dnn->described);
    if (m->status == CUDNN_STATUS_SUCCESS) {
        cudnnStatus_t s = cudnnBackendFinalize(h);
        if (unsupported(s)) {
            release(c, before);
            return false;
        }
        check(m, s, "cudnnBackendFinalize");
    }
    found = get(m, h, CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR, 0, NULL);
    if (found > CONFIGS)
        found = CONFIGS;
    for (int64_t i = 0; i < found; i++)
        config[i] = create(m, CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
    if (found > 0)
        found =
            get(m, h, CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR, found, config);
    for (int64_t i = 0; i < found && m->status == CUDNN_STATUS_SUCCESS; i++) {
        int kept = c->count;
        if (will_do(m, config[i], cores) && plan(m, config[i], limit) == 0)
            return true;
        release(c, kept);
    }
    release(c, before);
    return false;
}

/* The fallback list has engines that the first one leaves out for their speed; a large
 * workspace mostly means that tensors are turned to another layout. */
static bool choose_any(struct making *m, bool cores)
{
    static const struct {
        cudnnBackendHeurMode_t mode;
        int64_t limit;
    } order[] = {
        {CUDNN_HEUR_MODE_A, DNN_WORKSPACE},
        {CUDNN_HEUR_MODE_A, DNN_WORKSPACE_MOST},
        {CUDNN_HEUR_MODE_FALLBACK, DNN_WORKSPACE},
        {CUDNN_HEUR_MODE_FALLBACK, DNN_WORKSPACE_MOST},
    };
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        if (choose(m, order[i].mode, cores, order[i].limit))
            return true;
    return false;
}

static int make(struct dnn_conv **out, struct dnn *d, const struct dnn_shape *s, enum kernel_type t,
                bool back, bool res, bool relu, struct err *e)
{
    struct dnn_conv *c = mem_zero(1, sizeof *c);
    struct making m = {.conv = c, .status = CUDNN_STATUS_SUCCESS};
    static const char *const type[] = {"f32", "f16", "bf16"};
    c->dnn = d;
    snprintf(c->what, sizeof c->what, "%s %dx%d convolution %d to %d channels, %d images of %dx%d",
             back ? "backward" : type[t], s->y.k, s->x.k, s->ic, s->oc, s->n, s->ih, s->iw);
    if (back)
        graph_backward(&m, s);
    else
        graph_forward(&m, s, t, res, relu);
    bool found = choose_any(&m, true) || choose_any(&m, false);
    bool failed = m.status != CUDNN_STATUS_SUCCESS && !unsupported(m.status);
    int r = failed ? fail(d, m.status, m.call, c->what, e) : 0;
    *out = found ? c : NULL;
    if (!found)
        dnn_conv_free(c);
    return r;
}

int dnn_forward(struct dnn_conv **c, struct dnn *d, const struct dnn_shape *s, enum kernel_type t,
                bool res, bool relu, struct err *e)
{
    return make(c, d, s, t, false, res, relu, e);
}

int dnn_backward(struct dnn_conv **c, struct dnn *d, const struct dnn_shape *s, struct err *e)
{
    return make(c, d, s, KERNEL_F32, true, false, false, e);
}

void dnn_conv_free(struct dnn_conv *c)
{
    if (!c)
        return;
    release(c, 0);
    free(c);
}

size_t dnn_workspace(const struct dnn_conv *c)
{
    return (size_t)c->workspace;
}

struct dnn_engine dnn_engine(const struct dnn_conv *c)
{
    return c->engine;
}

/* --- running --- */

int dnn_bind(struct dnn_call **out, const struct dnn_conv *c, const struct dnn_memory *m,
             struct err *e)
{
    const void *all[] = {m->x, m->w, m->y, m->bias, m->res};
    int64_t id[5];
    const void *pointer[5];
    int64_t n = 0;
    for (int i = 0; i < 5; i++)
        if (all[i]) {
            id[n] = ID_X + i;
            pointer[n++] = all[i];
        }
    struct dnn_call *call = mem_zero(1, sizeof *call);
    call->dnn = c->dnn;
    call->conv = c;
    cudnnStatus_t s =
        cudnnBackendCreateDescriptor(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR, &call->pack);
    if (s == CUDNN_STATUS_SUCCESS)
        s = cudnnBackendSetAttribute(call->pack, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS,
                                     CUDNN_TYPE_INT64, n, id);
    if (s == CUDNN_STATUS_SUCCESS)
        s = cudnnBackendSetAttribute(call->pack, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS,
                                     CUDNN_TYPE_VOID_PTR, n, pointer);
    if (s == CUDNN_STATUS_SUCCESS)
        s = cudnnBackendSetAttribute(call->pack, CUDNN_ATTR_VARIANT_PACK_WORKSPACE,
                                     CUDNN_TYPE_VOID_PTR, 1, &m->workspace);
    if (s == CUDNN_STATUS_SUCCESS)
        s = cudnnBackendFinalize(call->pack);
    if (s != CUDNN_STATUS_SUCCESS) {
        dnn_call_free(call);
        return fail(c->dnn, s, "the memory", c->what, e);
    }
    *out = call;
    return 0;
}

void dnn_call_free(struct dnn_call *call)
{
    if (!call)
        return;
    if (call->pack)
        cudnnBackendDestroyDescriptor(call->pack);
    free(call);
}

int dnn_use(struct dnn *d, cudaStream_t stream, struct err *e)
{
    cudnnStatus_t s = cudnnSetStream(d->handle, stream);
    return s == CUDNN_STATUS_SUCCESS ? 0 : fail(d, s, "cudnnSetStream", "", e);
}

int dnn_run(const struct dnn_call *call, struct err *e)
{
    cudnnStatus_t s = cudnnBackendExecute(call->dnn->handle, call->conv->plan, call->pack);
    return s == CUDNN_STATUS_SUCCESS
               ? 0
               : fail(call->dnn, s, "cudnnBackendExecute", call->conv->what, e);
}

/* --- opening --- */

static cudnnStatus_t describe(struct dnn *d, const char *json)
{
    cudnnStatus_t s =
        cudnnBackendCreateDescriptor(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR, &d->described);
    if (s == CUDNN_STATUS_SUCCESS)
        s = cudnnBackendSetAttribute(d->described, CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION,
                                     CUDNN_TYPE_CHAR, (int64_t)strlen(json), json);
    return s == CUDNN_STATUS_SUCCESS ? cudnnBackendFinalize(d->described) : s;
}

int dnn_open(struct dnn **out, const char *described, const char *where, struct err *e)
{
    struct dnn *d = mem_zero(1, sizeof *d);
    d->where = where;
    *out = d;
    size_t v = cudnnGetVersion();
    snprintf(d->version, sizeof d->version, "%zu.%zu.%zu", v / 10000, v / 100 % 100, v % 100);
    cudnnStatus_t s = described ? describe(d, described) : cudnnCreate(&d->handle);
    if (s != CUDNN_STATUS_SUCCESS)
        return fail(d, s, described ? "the device's description" : "cudnnCreate", "", e);
    return 0;
}

void dnn_close(struct dnn *d)
{
    if (!d)
        return;
    if (d->described)
        cudnnBackendDestroyDescriptor(d->described);
    if (d->handle)
        cudnnDestroy(d->handle);
    free(d);
}

void dnn_warm(void)
{
    const struct dnn_shape s = {
        8, 8, 8, 8, 8, 8, 8, 1, graph_windows(3, 1, 1), graph_windows(3, 1, 1)};
    struct err ignored;
    struct dnn *d;
    struct dnn_conv *c = NULL;
    if (dnn_open(&d, NULL, "", &ignored) == 0 &&
        dnn_forward(&c, d, &s, KERNEL_F16, false, true, &ignored) == 0)
        dnn_conv_free(c);
    dnn_close(d);
}

const char *dnn_version(const struct dnn *d)
{
    return d->version;
}
