/* cuDNN's graph interface: descriptors hold what was set and are checked when they are
 * finalized; executing a plan walks its graph. */
#include "inside.h"
#include "standin_floats.h"

#include <cudnn.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>
#include <thread>
#include <vector>

namespace
{

using std::string;
using std::vector;

struct Attribute {
    cudnnBackendAttributeType_t type;
    int64_t count;
    vector<char> bytes;
};

struct Descriptor {
    cudnnBackendDescriptorType_t type;
    bool final = false;
    std::map<int, Attribute> set;
    int engine = -1; /* of engines and their configurations */
};

/* What an engine is. Most are there to be passed over. */
struct Engine {
    vector<int> numerical, behaviour;
    int64_t workspace;
    bool exists;
};

const Engine engines[] = {
    {{CUDNN_NUMERICAL_NOTE_TENSOR_CORE}, {CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION}, 0, true},
    {{CUDNN_NUMERICAL_NOTE_TENSOR_CORE, CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC}, {}, 0, true},
    {{CUDNN_NUMERICAL_NOTE_TENSOR_CORE, CUDNN_NUMERICAL_NOTE_WINOGRAD}, {}, 0, true},
    {{CUDNN_NUMERICAL_NOTE_TENSOR_CORE}, {CUDNN_BEHAVIOR_NOTE_CUBLASLT_DEPENDENCY}, 0, true},
    {{CUDNN_NUMERICAL_NOTE_TENSOR_CORE}, {}, (int64_t)1 << 30, true},
    {{CUDNN_NUMERICAL_NOTE_TENSOR_CORE}, {}, 0, false},
    {{CUDNN_NUMERICAL_NOTE_TENSOR_CORE}, {}, 5000, true},
    {{CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION}, {}, 0, true},
    {{CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS}, {}, 0, true},
    {{CUDNN_NUMERICAL_NOTE_FFT}, {}, 0, true},
    {{}, {CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION}, 0, true},
    {{}, {}, 3000, true},
};
const int CORES = 6, NO_CORES = 11, ENGINES = 12;

char last[256];

cudnnStatus_t bad(const char *why)
{
    snprintf(last, sizeof last, "%s", why);
    return CUDNN_STATUS_BAD_PARAM;
}

size_t size_of(cudnnBackendAttributeType_t t)
{
    switch (t) {
    case CUDNN_TYPE_BOOLEAN:
    case CUDNN_TYPE_CHAR:
        return 1;
    case CUDNN_TYPE_HANDLE:
    case CUDNN_TYPE_INT64:
    case CUDNN_TYPE_VOID_PTR:
    case CUDNN_TYPE_BACKEND_DESCRIPTOR:
        return 8;
    default:
        return 4;
    }
}

/* --- reading what was set --- */

template <class T> vector<T> values(const Descriptor *d, int name)
{
    auto i = d->set.find(name);
    vector<T> v;
    if (i == d->set.end())
        return v;
    v.resize(i->second.bytes.size() / sizeof(T));
    if (!v.empty())
        memcpy(v.data(), i->second.bytes.data(), v.size() * sizeof(T));
    return v;
}

template <class T> T value(const Descriptor *d, int name)
{
    auto i = d->set.find(name);
    T v = T();
    if (i != d->set.end() && i->second.bytes.size() >= sizeof v)
        memcpy(&v, i->second.bytes.data(), sizeof v);
    return v;
}

Descriptor *child(const Descriptor *d, int name)
{
    return (Descriptor *)value<void *>(d, name);
}

struct Tensor {
    int64_t id, align;
    vector<int64_t> size, stride;
    int type;
    bool between;

    explicit Tensor(const Descriptor *d)
        : id(value<int64_t>(d, CUDNN_ATTR_TENSOR_UNIQUE_ID)),
          align(value<int64_t>(d, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT)),
          size(values<int64_t>(d, CUDNN_ATTR_TENSOR_DIMENSIONS)),
          stride(values<int64_t>(d, CUDNN_ATTR_TENSOR_STRIDES)),
          type(value<int>(d, CUDNN_ATTR_TENSOR_DATA_TYPE)),
          between(value<char>(d, CUDNN_ATTR_TENSOR_IS_VIRTUAL) != 0)
    {
    }

    size_t element() const
    {
        return type == CUDNN_DATA_FLOAT ? 4 : 2;
    }

    /* From the first to the last element. */
    size_t bytes() const
    {
        int64_t end = 1;
        for (size_t i = 0; i < size.size(); i++)
            end += (size[i] - 1) * stride[i];
        return (size_t)end * element();
    }
};

struct Convolution {
    vector<int64_t> pre, post, stride, dilation;

    explicit Convolution(const Descriptor *d)
        : pre(values<int64_t>(d, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS)),
          post(values<int64_t>(d, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS)),
          stride(values<int64_t>(d, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES)),
          dilation(values<int64_t>(d, CUDNN_ATTR_CONVOLUTION_DILATIONS))
    {
    }
};

/* --- checks when finalized --- */

const vector<int> &required(cudnnBackendDescriptorType_t t)
{
    static const std::map<int, vector<int>> all = {
        {CUDNN_BACKEND_TENSOR_DESCRIPTOR,
         {CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_ATTR_TENSOR_STRIDES,
          CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT}},
        {CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR,
         {CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_ATTR_CONVOLUTION_CONV_MODE,
          CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS,
          CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES,
          CUDNN_ATTR_CONVOLUTION_DILATIONS}},
        {CUDNN_BACKEND_POINTWISE_DESCRIPTOR,
         {CUDNN_ATTR_POINTWISE_MODE, CUDNN_ATTR_POINTWISE_MATH_PREC}},
        {CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
         {CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
          CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA,
          CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
          CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
          CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y}},
        {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
         {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
          CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA,
          CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
          CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX,
          CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY}},
        {CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR,
         {CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, CUDNN_ATTR_OPERATION_POINTWISE_XDESC,
          CUDNN_ATTR_OPERATION_POINTWISE_YDESC}},
        {CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR,
         {CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_ATTR_OPERATIONGRAPH_HANDLE}},
        {CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR,
         {CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH}},
        {CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR,
         {CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG}},
        {CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR,
         {CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS,
          CUDNN_ATTR_VARIANT_PACK_WORKSPACE}},
    };
    static const vector<int> none;
    auto i = all.find(t);
    return i == all.end() ? none : i->second;
}

const char *check_tensor(const Tensor &t)
{
    if (t.size.size() != 4 || t.stride.size() != 4)
        return "a tensor that has not four dimensions";
    for (int i = 0; i < 4; i++)
        if (t.size[i] < 1 || t.stride[i] < 1)
            return "a tensor of no size or stride";
    if (t.align < 16)
        return "an alignment that tensor cores cannot load from";
    /* Elements that overlap. */
    vector<int> order = {0, 1, 2, 3};
    std::sort(order.begin(), order.end(), [&](int a, int b) { return t.stride[a] < t.stride[b]; });
    int64_t reach = 1;
    for (int i : order) {
        if (t.size[i] > 1 && t.stride[i] < reach)
            return "strides that overlap";
        reach = std::max(reach, t.size[i] > 1 ? t.stride[i] * t.size[i] : 0);
    }
    return t.stride[1] != 1 ? "a tensor that is not NHWC" : nullptr;
}

/* Of images; of weights in groups the channels are a group's. */
bool is_padded(const Tensor &t)
{
    return t.size[1] * (int64_t)t.element() % 16 == 0;
}

/* x (n, ic, ih, iw), w (oc, ic / groups, kh, kw), y (n, oc, oh, ow) under c. */
const char *check_convolution(const Tensor &x, const Tensor &w, const Tensor &y,
                              const Convolution &c)
{
    if (x.size[0] != y.size[0] || y.size[1] != w.size[0] || x.size[1] % w.size[1] != 0 ||
        y.size[1] % (x.size[1] / w.size[1]) != 0)
        return "images or channels that do not agree";
    if (!is_padded(x) || !is_padded(y) || (x.size[1] == w.size[1] && !is_padded(w)))
        return "channels that are not padded to 16 bytes";
    for (size_t i = 0; i < 2; i++) {
        int64_t span = (w.size[2 + i] - 1) * c.dilation[i] + 1;
        if (c.pre[i] < 0 || c.post[i] < 0 || c.dilation[i] < 1 ||
            (x.size[2 + i] + c.pre[i] + c.post[i] - span) / c.stride[i] + 1 != y.size[2 + i])
            return "a result of another size";
    }
    return nullptr;
}

const char *check_operation(const Descriptor *d)
{
    if (d->type == CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR) {
        Tensor x(child(d, CUDNN_ATTR_OPERATION_POINTWISE_XDESC)),
            y(child(d, CUDNN_ATTR_OPERATION_POINTWISE_YDESC));
        Descriptor *b = child(d, CUDNN_ATTR_OPERATION_POINTWISE_BDESC);
        int mode = value<int>(child(d, CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR),
                              CUDNN_ATTR_POINTWISE_MODE);
        if ((mode == CUDNN_POINTWISE_ADD) != (b != nullptr))
            return "a sum takes two tensors, a ReLU one";
        if (x.size != y.size)
            return "a result of another size";
        for (int i = 0; b && i < 4; i++)
            if (Tensor(b).size[i] != x.size[i] && Tensor(b).size[i] != 1)
                return "a tensor that does not broadcast";
        return nullptr;
    }
    bool back = d->type == CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR;
    if (value<float>(d, back ? CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA
                             : CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA) != 1 ||
        value<float>(d, back ? CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA
                             : CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA) != 0)
        return "factors other than 1 and 0";
    return back ? check_convolution(
                      Tensor(child(d, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX)),
                      Tensor(child(d, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W)),
                      Tensor(child(d, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY)),
                      Convolution(child(d, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC)))
                : check_convolution(
                      Tensor(child(d, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X)),
                      Tensor(child(d, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W)),
                      Tensor(child(d, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y)),
                      Convolution(child(d, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC)));
}

/* The tensors of an operation, the result last. */
vector<Descriptor *> tensors(const Descriptor *d)
{
    vector<int> names;
    if (d->type == CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR)
        names = {CUDNN_ATTR_OPERATION_POINTWISE_XDESC, CUDNN_ATTR_OPERATION_POINTWISE_BDESC,
                 CUDNN_ATTR_OPERATION_POINTWISE_YDESC};
    else if (d->type == CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR)
        names = {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
                 CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
                 CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX};
    else
        names = {CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
                 CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
                 CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y};
    vector<Descriptor *> v;
    for (int n : names)
        if (Descriptor *t = child(d, n))
            v.push_back(t);
    return v;
}

/* Different tensors have different names; what is between two operations is made by
 * one before another reads it; the order is that which precompiled engines take. */
const char *check_graph(const Descriptor *d)
{
    std::map<int64_t, Descriptor *> named;
    vector<Descriptor *> made;
    int stage = 0;
    for (void *p : values<void *>(d, CUDNN_ATTR_OPERATIONGRAPH_OPS)) {
        Descriptor *op = (Descriptor *)p;
        vector<Descriptor *> all = tensors(op);
        for (Descriptor *t : all) {
            Descriptor *&other = named[Tensor(t).id];
            if (other && other != t)
                return "two tensors of one name";
            other = t;
            bool result = t == all.back();
            if (!result && Tensor(t).between &&
                std::find(made.begin(), made.end(), t) == made.end())
                return "a tensor that nothing has made";
        }
        made.push_back(all.back());
        if (op->type != CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR)
            continue;
        Tensor x(all[0]);
        int now = 3;
        if (all.size() == 3) {
            Tensor b(all[1]);
            bool flat = b.size[0] == 1 && b.size[2] == 1 && b.size[3] == 1;
            now = flat && b.size != x.size ? 2 : flat ? stage + 1 : 1;
        }
        if (now <= stage)
            return "an order other than residual, bias, ReLU";
        stage = now;
        if (x.type != CUDNN_DATA_FLOAT || !x.between)
            return "sums that are not kept in f32";
    }
    return nullptr;
}

/* --- computing --- */

/* Values in NHWC as f32. */
struct Values {
    int64_t n, c, h, w;
    vector<float> v;

    explicit Values(const Tensor &t)
        : n(t.size[0]), c(t.size[1]), h(t.size[2]), w(t.size[3]), v((size_t)(n * c * h * w))
    {
    }
};

float load(const void *p, int type, int64_t at)
{
    if (type == CUDNN_DATA_FLOAT)
        return ((const float *)p)[at];
    uint16_t u = ((const uint16_t *)p)[at];
    return type == CUDNN_DATA_HALF ? f16_to_float(u) : bf16_to_float(u);
}

float rounded(float f, int type)
{
    return type == CUDNN_DATA_FLOAT  ? f
           : type == CUDNN_DATA_HALF ? f16_to_float(f16_from_float(f))
                                     : bf16_to_float(bf16_from_float(f));
}

template <class F> void each(const Tensor &t, F f)
{
    size_t i = 0;
    for (int64_t n = 0; n < t.size[0]; n++)
        for (int64_t y = 0; y < t.size[2]; y++)
            for (int64_t x = 0; x < t.size[3]; x++) {
                int64_t at = n * t.stride[0] + y * t.stride[2] + x * t.stride[3];
                for (int64_t c = 0; c < t.size[1]; c++)
                    f(i++, at + c * t.stride[1]);
            }
}

Values read(const Tensor &t, const void *p)
{
    Values v(t);
    each(t, [&](size_t i, int64_t at) { v.v[i] = load(p, t.type, at); });
    return v;
}

void write(const Tensor &t, const Values &v, void *p)
{
    each(t, [&](size_t i, int64_t at) {
        if (t.type == CUDNN_DATA_FLOAT)
            ((float *)p)[at] = v.v[i];
        else
            ((uint16_t *)p)[at] =
                t.type == CUDNN_DATA_HALF ? f16_from_float(v.v[i]) : bf16_from_float(v.v[i]);
    });
}

/* sum[p][j] += x[p] * w[j] for a few cells p and all channels j < m. */
enum { CELLS = 8, WIDE = 32 };

__attribute__((always_inline)) inline void taps_body(const float *const *x, int cells,
                                                     const float *w, int64_t ic, int64_t oc,
                                                     int64_t from, int m, float *sum)
{
    float acc[CELLS][WIDE];
    for (int p = 0; p < CELLS; p++)
        for (int j = 0; j < WIDE; j++)
            acc[p][j] = sum[p * WIDE + j];
    if (m == WIDE && cells == CELLS) {
        for (int64_t i = 0; i < ic; i++) {
            const float *row = w + i * oc + from;
            for (int p = 0; p < CELLS; p++)
                for (int j = 0; j < WIDE; j++)
                    acc[p][j] += x[p][i] * row[j];
        }
    } else {
        for (int64_t i = 0; i < ic; i++) {
            const float *row = w + i * oc + from;
            for (int p = 0; p < cells; p++)
                for (int j = 0; j < m; j++)
                    acc[p][j] += x[p][i] * row[j];
        }
    }
    for (int p = 0; p < CELLS; p++)
        for (int j = 0; j < WIDE; j++)
            sum[p * WIDE + j] = acc[p][j];
}

typedef void taps(const float *const *x, int cells, const float *w, int64_t ic, int64_t oc,
                  int64_t from, int m, float *sum);

__attribute__((target("avx512f"))) void taps_512(const float *const *x, int cells, const float *w,
                                                 int64_t ic, int64_t oc, int64_t from, int m,
                                                 float *sum)
{
    taps_body(x, cells, w, ic, oc, from, m, sum);
}

__attribute__((target("avx2,fma"))) void taps_256(const float *const *x, int cells, const float *w,
                                                  int64_t ic, int64_t oc, int64_t from, int m,
                                                  float *sum)
{
    taps_body(x, cells, w, ic, oc, from, m, sum);
}

void taps_any(const float *const *x, int cells, const float *w, int64_t ic, int64_t oc,
              int64_t from, int m, float *sum)
{
    taps_body(x, cells, w, ic, oc, from, m, sum);
}

taps *best_taps()
{
    return __builtin_cpu_supports("avx512f")                                 ? taps_512
           : __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? taps_256
                                                                             : taps_any;
}

/* y, from x by the weights w[group][tap][channel of x][channel of y]. `read_at` is the cell of x
 * that a cell of y takes through tap (ky, kx), or -1. */
template <class S>
void convolve(const Values &x, const vector<float> &w, int64_t groups, int64_t kh, int64_t kw,
              Values &y, S read_at)
{
    static taps *const run = best_taps();
    const vector<float> zeros((size_t)x.c, 0.0f);
    const int64_t reads = x.c / groups, makes = y.c / groups;
    auto images = [&](int64_t first, int64_t step) {
        for (int64_t n = first; n < y.n; n += step) {
            const float *in = x.v.data() + n * x.h * x.w * x.c;
            float *out = y.v.data() + n * y.h * y.w * y.c;
            for (int64_t job = 0; job < (y.h * y.w + CELLS - 1) / CELLS * groups; job++) {
                int64_t cell = job / groups * CELLS, g = job % groups;
                int cells = (int)std::min<int64_t>(CELLS, y.h * y.w - cell);
                for (int64_t from = 0; from < makes; from += WIDE) {
                    int m = (int)std::min<int64_t>(WIDE, makes - from);
                    float sum[CELLS * WIDE] = {};
                    for (int64_t ky = 0; ky < kh; ky++)
                        for (int64_t kx = 0; kx < kw; kx++) {
                            const float *p[CELLS];
                            bool any = false;
                            for (int i = 0; i < cells; i++) {
                                int64_t at = read_at((cell + i) / y.w, (cell + i) % y.w, ky, kx);
                                p[i] = at < 0 ? zeros.data() : in + at * x.c + g * reads;
                                any = any || at >= 0;
                            }
                            if (any)
                                run(p, cells, w.data() + ((g * kh + ky) * kw + kx) * reads * makes,
                                    reads, makes, from, m, sum);
                        }
                    for (int i = 0; i < cells; i++)
                        for (int j = 0; j < m; j++)
                            out[(cell + i) * y.c + g * makes + from + j] = sum[i * WIDE + j];
                }
            }
        }
    };
    int64_t work = y.n * y.h * y.w * y.c * reads * kh * kw;
    unsigned threads = work > 20000000 ? std::max(1u, std::thread::hardware_concurrency()) : 1;
    vector<std::thread> all;
    for (unsigned t = 1; t < threads; t++)
        all.emplace_back(images, t, threads);
    images(0, threads);
    for (std::thread &t : all)
        t.join();
}

/* A finalized plan and its memory, kept until the device has run it. */
struct Run {
    int engine;
    struct Operation {
        int type, mode;
        vector<Tensor> tensor;
        vector<int64_t> pre, stride, dilation;
    };
    vector<Operation> operation;
    std::map<int64_t, void *> memory;
    char *workspace;
    int64_t workspace_bytes;
};

void run_convolution(const Run &r, const Run::Operation &op, std::map<int64_t, Values> &known)
{
    bool back = op.type == CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR;
    const Tensor &tw = op.tensor[1], &ty = op.tensor[2];
    Values x = read(op.tensor[0], r.memory.at(op.tensor[0].id)), w = read(tw, r.memory.at(tw.id));
    if (r.engine == CORES && op.tensor[0].type == CUDNN_DATA_FLOAT)
        for (vector<float> *v : {&x.v, &w.v})
            for (float &f : *v)
                f = tf32_round(f);
    /* w is (oc, kh, kw, ic / groups) here. */
    int64_t oc = tw.size[0], ic = tw.size[1], kh = tw.size[2], kw = tw.size[3];
    int64_t groups = (back ? ty : op.tensor[0]).size[1] / ic, each = oc / groups;
    vector<float> turned(w.v.size());
    for (int64_t o = 0; o < oc; o++)
        for (int64_t t = 0; t < kh * kw; t++)
            for (int64_t i = 0; i < ic; i++) {
                int64_t at = o / each * kh * kw + t, j = o % each;
                turned[(size_t)(back ? (at * each + j) * ic + i : (at * ic + i) * each + j)] =
                    w.v[(size_t)((o * kh * kw + t) * ic + i)];
            }
    Values y(ty);
    auto forward = [&](int64_t oy, int64_t ox, int64_t ky, int64_t kx) -> int64_t {
        int64_t iy = oy * op.stride[0] + ky * op.dilation[0] - op.pre[0];
        int64_t ix = ox * op.stride[1] + kx * op.dilation[1] - op.pre[1];
        return iy < 0 || iy >= x.h || ix < 0 || ix >= x.w ? -1 : iy * x.w + ix;
    };
    auto backward = [&](int64_t iy, int64_t ix, int64_t ky, int64_t kx) -> int64_t {
        int64_t oy = iy + op.pre[0] - ky * op.dilation[0];
        int64_t ox = ix + op.pre[1] - kx * op.dilation[1];
        if (oy < 0 || ox < 0 || oy % op.stride[0] || ox % op.stride[1])
            return -1;
        oy /= op.stride[0];
        ox /= op.stride[1];
        return oy >= x.h || ox >= x.w ? -1 : oy * x.w + ox;
    };
    if (back)
        convolve(x, turned, groups, kh, kw, y, backward);
    else
        convolve(x, turned, groups, kh, kw, y, forward);
    known.emplace(ty.id, std::move(y));
}

void run_pointwise(const Run &r, const Run::Operation &op, std::map<int64_t, Values> &known)
{
    Values y = std::move(known.at(op.tensor[0].id));
    if (op.mode == CUDNN_POINTWISE_RELU_FWD) {
        for (float &f : y.v)
            f = f < 0 ? 0 : f;
    } else {
        const Tensor &t = op.tensor[1];
        const char *p = (const char *)r.memory.at(t.id);
        size_t i = 0;
        for (int64_t n = 0; n < y.n; n++)
            for (int64_t h = 0; h < y.h; h++)
                for (int64_t w = 0; w < y.w; w++)
                    for (int64_t c = 0; c < y.c; c++)
                        y.v[i++] += load(p, t.type,
                                         (t.size[0] > 1 ? n : 0) * t.stride[0] +
                                             (t.size[1] > 1 ? c : 0) * t.stride[1] +
                                             (t.size[2] > 1 ? h : 0) * t.stride[2] +
                                             (t.size[3] > 1 ? w : 0) * t.stride[3]);
    }
    known.emplace(op.tensor.back().id, std::move(y));
}

void run(const Run &r)
{
    std::map<int64_t, Values> known;
    /* Whatever shares memory with the workspace is lost. */
    memset(r.workspace, 0xff, (size_t)r.workspace_bytes);
    for (const Run::Operation &op : r.operation) {
        if (op.type == CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR)
            run_pointwise(r, op, known);
        else
            run_convolution(r, op, known);
        const Tensor &to = op.tensor.back();
        Values &v = known.at(to.id);
        for (float &f : v.v)
            f = rounded(f, to.type);
        if (!to.between)
            write(to, v, r.memory.at(to.id));
    }
}

/* Memory of every tensor: there, aligned, whole, and the result's its own. */
void check_memory(const Run &r)
{
    const Tensor *result = &r.operation.back().tensor.back();
    if (result->between)
        standin_abort("a plan without a result");
    const char *to = (const char *)r.memory.at(result->id);
    for (const Run::Operation &op : r.operation)
        for (const Tensor &t : op.tensor) {
            if (t.between)
                continue;
            auto i = r.memory.find(t.id);
            if (i == r.memory.end())
                standin_abort("cudnnBackendExecute: no memory for tensor %lld", (long long)t.id);
            const char *p = (const char *)i->second;
            standin_check(p, t.bytes(), "cudnnBackendExecute");
            if ((uintptr_t)p % (uintptr_t)t.align)
                standin_abort("cudnnBackendExecute: memory that is not aligned");
            if (t.id != result->id && p < to + result->bytes() && to < p + t.bytes())
                standin_abort("cudnnBackendExecute: tensor %lld shares the result's memory",
                              (long long)t.id);
        }
    if (r.workspace_bytes > 0)
        standin_check(r.workspace, (size_t)r.workspace_bytes, "the workspace");
}

void note_engine(const Descriptor *plan, int engine)
{
    if (standin_settings().engines.empty())
        return;
    FILE *f = fopen(standin_settings().engines.c_str(), "a");
    if (!f)
        return;
    Descriptor *graph = child(child(plan, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG),
                              CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH);
    Descriptor *op = (Descriptor *)values<void *>(graph, CUDNN_ATTR_OPERATIONGRAPH_OPS)[0];
    int type = Tensor(tensors(op)[0]).type;
    fprintf(f, "%s\t%s\t%s\n",
            op->type == CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR ? "forward"
                                                                               : "backward",
            type == CUDNN_DATA_FLOAT  ? "f32"
            : type == CUDNN_DATA_HALF ? "f16"
                                      : "bf16",
            engine == CORES      ? "tensor cores"
            : engine == NO_CORES ? "no tensor cores"
                                 : "one that should not have been taken");
    fclose(f);
}

/* --- finalizing --- */

/* What the executions here do, whatever else cuDNN could. */
const char *check_arithmetic(const Descriptor *d)
{
    if (d->type == CUDNN_BACKEND_POINTWISE_DESCRIPTOR)
        return value<int>(d, CUDNN_ATTR_POINTWISE_MATH_PREC) == CUDNN_DATA_FLOAT
                   ? nullptr
                   : "arithmetic other than f32";
    if (value<int>(d, CUDNN_ATTR_CONVOLUTION_CONV_MODE) != CUDNN_CROSS_CORRELATION)
        return "a convolution that turns its kernel";
    return value<int>(d, CUDNN_ATTR_CONVOLUTION_COMP_TYPE) == CUDNN_DATA_FLOAT
               ? nullptr
               : "sums other than f32";
}

/* Bytes; more for gradients, so that one does not do for both. */
int64_t workspace_of(const Descriptor *plan, int engine)
{
    const Descriptor *graph = child(child(plan, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG),
                                    CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH);
    const Descriptor *op = (Descriptor *)values<void *>(graph, CUDNN_ATTR_OPERATIONGRAPH_OPS)[0];
    bool back = op->type == CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR;
    return engines[engine].workspace * (back ? 3 : 1);
}

cudnnStatus_t finalize(Descriptor *d)
{
    const char *why = nullptr;
    for (int name : required(d->type))
        if (!d->set.count(name))
            return bad("an attribute is missing");
    if (d->type == CUDNN_BACKEND_TENSOR_DESCRIPTOR)
        why = check_tensor(Tensor(d));
    else if (d->type == CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR ||
             d->type == CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR ||
             d->type == CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR)
        why = check_operation(d);
    else if (d->type == CUDNN_BACKEND_POINTWISE_DESCRIPTOR ||
             d->type == CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR)
        why = check_arithmetic(d);
    else if (d->type == CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR)
        why = check_graph(d);
    else if (d->type == CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR) {
        int engine = child(d, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG)->engine;
        if (engine < 0)
            return bad("a configuration without an engine");
        if (!engines[engine].exists) {
            snprintf(last, sizeof last, "an engine that does not run here");
            return CUDNN_STATUS_NOT_SUPPORTED;
        }
        d->engine = engine;
        if (engines[engine].workspace < 1 << 20)
            note_engine(d, engine);
    } else if (d->type == CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR &&
               d->set[CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS].count !=
                   d->set[CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS].count)
        why = "as many names as pointers are wanted";
    if (why)
        return bad(why);
    d->final = true;
    return CUDNN_STATUS_SUCCESS;
}

/* Engines for a graph on the device: those with tensor cores first, where it has such
 * for the type. That for f32 gradients without them is a fallback. */
vector<int> heuristics(const Descriptor *d)
{
    const Descriptor *graph = child(d, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH);
    Descriptor *op = (Descriptor *)values<void *>(graph, CUDNN_ATTR_OPERATIONGRAPH_OPS)[0];
    bool fallback = value<int>(d, CUDNN_ATTR_ENGINEHEUR_MODE) == CUDNN_HEUR_MODE_FALLBACK;
    bool back = op->type == CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR;
    int type = Tensor(tensors(op)[0]).type;
    bool old = standin_settings().capability < 80;
    vector<int> all;
    for (int i = fallback ? CORES + 1 : 0; i < ENGINES && !standin_settings().none; i++)
        if (i > CORES ? type != CUDNN_DATA_BFLOAT16 && (i != NO_CORES || fallback || !back)
                      : !old || type == CUDNN_DATA_HALF)
            all.push_back(i);
    return all;
}

template <class T>
cudnnStatus_t give(const vector<int> &from, int64_t room, int64_t *count, void *to)
{
    if (count)
        *count = (int64_t)from.size();
    for (int64_t i = 0; i < room && i < (int64_t)from.size(); i++)
        ((T *)to)[i] = (T)from[(size_t)i];
    return CUDNN_STATUS_SUCCESS;
}

} // namespace

struct cudnnContext {
    cudaStream_t stream;
    std::thread::id user; /* who set the stream */
};

extern "C" {

size_t cudnnGetVersion(void)
{
    return 91900;
}

const char *cudnnGetErrorString(cudnnStatus_t s)
{
    switch (s) {
    case CUDNN_STATUS_SUCCESS:
        return "CUDNN_STATUS_SUCCESS";
    case CUDNN_STATUS_NOT_INITIALIZED:
        return "CUDNN_STATUS_NOT_INITIALIZED";
    case CUDNN_STATUS_BAD_PARAM:
        return "CUDNN_STATUS_BAD_PARAM";
    case CUDNN_STATUS_NOT_SUPPORTED:
        return "CUDNN_STATUS_NOT_SUPPORTED";
    case CUDNN_STATUS_INTERNAL_ERROR:
        return "CUDNN_STATUS_INTERNAL_ERROR";
    case CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED:
        return "CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED";
    case CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED:
        return "CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED";
    default:
        return "CUDNN_STATUS_EXECUTION_FAILED";
    }
}

void cudnnGetLastErrorString(char *message, size_t n)
{
    snprintf(message, n, "%s", last);
    last[0] = '\0';
}

cudnnStatus_t cudnnCreate(cudnnHandle_t *h)
{
    if (standin_fails("cudnnCreate"))
        return CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED;
    std::lock_guard<std::recursive_mutex> guard(standin_lock);
    standin_objects++;
    *h = new cudnnContext{nullptr, {}};
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnDestroy(cudnnHandle_t h)
{
    std::lock_guard<std::recursive_mutex> guard(standin_lock);
    standin_objects--;
    delete h;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetStream(cudnnHandle_t h, cudaStream_t s)
{
    if (standin_fails("cudnnSetStream"))
        return CUDNN_STATUS_INTERNAL_ERROR;
    std::lock_guard<std::recursive_mutex> guard(standin_lock);
    h->stream = s;
    h->user = std::this_thread::get_id();
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendCreateDescriptor(cudnnBackendDescriptorType_t t,
                                           cudnnBackendDescriptor_t *d)
{
    if (standin_fails("cudnnBackendCreateDescriptor"))
        return CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED;
    std::lock_guard<std::recursive_mutex> guard(standin_lock);
    standin_objects++;
    Descriptor *made = new Descriptor;
    made->type = t;
    *d = made;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendDestroyDescriptor(cudnnBackendDescriptor_t d)
{
    std::lock_guard<std::recursive_mutex> guard(standin_lock);
    standin_objects--;
    delete (Descriptor *)d;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendSetAttribute(cudnnBackendDescriptor_t p, cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, int64_t count,
                                       const void *elements)
{
    Descriptor *d = (Descriptor *)p;
    if (standin_fails("cudnnBackendSetAttribute"))
        return CUDNN_STATUS_INTERNAL_ERROR;
    if (d->final)
        return bad("set after it was finalized");
    if (type == CUDNN_TYPE_BACKEND_DESCRIPTOR)
        for (int64_t i = 0; i < count; i++)
            if (!((Descriptor *const *)elements)[i]->final)
                return bad("made from what is not final");
    Attribute a = {type, count, {}};
    const char *from = (const char *)elements;
    a.bytes.assign(from, from + (size_t)count * size_of(type));
    d->set[name] = a;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendGetAttribute(cudnnBackendDescriptor_t p, cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t, int64_t room, int64_t *count,
                                       void *elements)
{
    Descriptor *d = (Descriptor *)p;
    if (standin_fails("cudnnBackendGetAttribute"))
        return CUDNN_STATUS_INTERNAL_ERROR;
    switch (name) {
    case CUDNN_ATTR_ENGINEHEUR_RESULTS: {
        vector<int> all = heuristics(d);
        *count = (int64_t)all.size();
        for (int64_t i = 0; i < room && i < *count; i++) {
            Descriptor *c = ((Descriptor **)elements)[i];
            c->engine = all[(size_t)i];
            c->final = true;
            void *g = child(d, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH);
            c->set[CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH] = {
                CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, vector<char>((char *)&g, (char *)&g + sizeof g)};
        }
        return CUDNN_STATUS_SUCCESS;
    }
    case CUDNN_ATTR_ENGINECFG_ENGINE:
        ((Descriptor **)elements)[0]->engine = d->engine;
        ((Descriptor **)elements)[0]->final = true;
        *count = 1;
        return CUDNN_STATUS_SUCCESS;
    case CUDNN_ATTR_ENGINE_GLOBAL_INDEX:
        return give<int64_t>({d->engine}, room, count, elements);
    case CUDNN_ATTR_ENGINE_NUMERICAL_NOTE:
        return give<int>(engines[d->engine].numerical, room, count, elements);
    case CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE:
        return give<int>(engines[d->engine].behaviour, room, count, elements);
    case CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE:
        *count = 1;
        *(int64_t *)elements = workspace_of(d, d->engine);
        return CUDNN_STATUS_SUCCESS;
    default:
        return bad("an attribute that cannot be read here");
    }
}

cudnnStatus_t cudnnBackendFinalize(cudnnBackendDescriptor_t d)
{
    if (standin_fails("cudnnBackendFinalize"))
        return CUDNN_STATUS_INTERNAL_ERROR;
    return finalize((Descriptor *)d);
}

cudnnStatus_t cudnnBackendExecute(cudnnHandle_t h, cudnnBackendDescriptor_t p,
                                  cudnnBackendDescriptor_t q)
{
    const Descriptor *plan = (Descriptor *)p, *pack = (Descriptor *)q;
    if (standin_fails("cudnnBackendExecute"))
        return CUDNN_STATUS_EXECUTION_FAILED;
    std::lock_guard<std::recursive_mutex> guard(standin_lock);
    if (h->user != std::this_thread::get_id())
        standin_abort("cudnnBackendExecute: another thread uses the handle");
    if (!plan->final || !pack->final)
        return bad("executed before it was finalized");
    if (plan->engine != CORES && plan->engine != NO_CORES)
        standin_abort("an engine that should not have been taken");
    auto r = std::make_shared<Run>();
    r->engine = plan->engine;
    r->workspace = (char *)value<void *>(pack, CUDNN_ATTR_VARIANT_PACK_WORKSPACE);
    r->workspace_bytes = workspace_of(plan, plan->engine);
    vector<int64_t> id = values<int64_t>(pack, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS);
    vector<void *> at = values<void *>(pack, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS);
    for (size_t i = 0; i < id.size(); i++)
        r->memory[id[i]] = at[i];
    Descriptor *graph = child(child(plan, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG),
                              CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH);
    for (void *o : values<void *>(graph, CUDNN_ATTR_OPERATIONGRAPH_OPS)) {
        const Descriptor *op = (Descriptor *)o;
        Run::Operation step;
        step.type = op->type;
        step.mode = 0;
        for (Descriptor *t : tensors(op))
            step.tensor.emplace_back(t);
        if (op->type == CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR) {
            step.mode = value<int>(child(op, CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR),
                                   CUDNN_ATTR_POINTWISE_MODE);
        } else {
            bool back = op->type == CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR;
            Convolution c(child(op, back ? CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC
                                         : CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC));
            step.pre = c.pre;
            step.stride = c.stride;
            step.dilation = c.dilation;
        }
        r->operation.push_back(step);
    }
    check_memory(*r);
    standin_queue(h->stream, [r] { run(*r); });
    return CUDNN_STATUS_SUCCESS;
}
}
