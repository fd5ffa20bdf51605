/* Functions of one number, with their derivatives, and the softmax. */
#include "graph/dropout.h"
#include "graph/kinds.h"

#include <float.h>
#include <math.h>

static double clip(double x, double p, double q)
{
    return x < p ? p : x > q ? q : x;
}

/* As the frameworks have it: 1 at the ends of a clip to two numbers, but 0 at that of ReLU. */
static double clip_slope(double x, double p, double q)
{
    if (isinf(q))
        return x > p;
    return x >= p && x <= q;
}

static double leaky_relu(double x, double p, double q)
{
    (void)q;
    return x > 0 ? x : p * x;
}

static double leaky_relu_slope(double x, double p, double q)
{
    (void)q;
    return x > 0 ? 1 : p;
}

static double sigmoid(double x, double p, double q)
{
    (void)p;
    (void)q;
    return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x));
}

static double sigmoid_slope(double x, double p, double q)
{
    return sigmoid(x, p, q) * sigmoid(-x, p, q);
}

static double hyperbolic(double x, double p, double q)
{
    (void)p;
    (void)q;
    return tanh(x);
}

static double hyperbolic_slope(double x, double p, double q)
{
    (void)p;
    (void)q;
    return 1 - tanh(x) * tanh(x);
}

static double silu(double x, double p, double q)
{
    return x * sigmoid(x, p, q);
}

static double silu_slope(double x, double p, double q)
{
    return sigmoid(x, p, q) + x * sigmoid_slope(x, p, q);
}

static double hard_sigmoid(double x, double p, double q)
{
    return clip(p * x + q, 0, 1);
}

static double hard_sigmoid_slope(double x, double p, double q)
{
    const double y = p * x + q;
    return y > 0 && y < 1 ? p : 0;
}

static double hard_swish(double x, double p, double q)
{
    (void)p;
    (void)q;
    return x * clip(x / 6 + .5, 0, 1);
}

static double hard_swish_slope(double x, double p, double q)
{
    (void)p;
    (void)q;
    return x <= -3 ? 0 : x >= 3 ? 1 : x / 3 + .5;
}

static double gelu(double x, double p, double q)
{
    (void)p;
    (void)q;
    return x * erfc(-x / sqrt(2)) / 2;
}

static double gelu_slope(double x, double p, double q)
{
    (void)p;
    (void)q;
    return erfc(-x / sqrt(2)) / 2 + x * exp(-x * x / 2) / sqrt(2 * M_PI);
}

/* The tanh in the approximation of GELU, and its argument's derivative. */
static double gelu_inner(double x)
{
    return tanh(sqrt(2 / M_PI) * (x + .044715 * x * x * x));
}

static double gelu_tanh(double x, double p, double q)
{
    (void)p;
    (void)q;
    return x / 2 * (1 + gelu_inner(x));
}

static double gelu_tanh_slope(double x, double p, double q)
{
    const double t = gelu_inner(x), inner = sqrt(2 / M_PI) * (1 + 3 * .044715 * x * x);
    (void)p;
    (void)q;
    return (1 + t) / 2 + x / 2 * (1 - t * t) * inner;
}

static double elu(double x, double p, double q)
{
    (void)q;
    return x > 0 ? x : p * expm1(x);
}

static double elu_slope(double x, double p, double q)
{
    (void)q;
    return x > 0 ? 1 : p * exp(x);
}

static double softplus(double x, double p, double q)
{
    (void)p;
    (void)q;
    return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

static double mish(double x, double p, double q)
{
    return x * tanh(softplus(x, p, q));
}

static double mish_slope(double x, double p, double q)
{
    const double t = tanh(softplus(x, p, q));
    return t + x * (1 - t * t) * sigmoid(x, p, q);
}

static double root(double x, double p, double q)
{
    (void)p;
    (void)q;
    return x < 0 ? 0 : sqrt(x);
}

static double root_slope(double x, double p, double q)
{
    return x <= 0 ? 0 : .5 / root(x, p, q);
}

static double inverse(double x, double p, double q)
{
    (void)p;
    (void)q;
    return 1 / x;
}

static double inverse_slope(double x, double p, double q)
{
    (void)p;
    (void)q;
    return -1 / (x * x);
}

enum { EXP_MOST = 88 };

static double exponential(double x, double p, double q)
{
    (void)p;
    (void)q;
    return exp(x > EXP_MOST ? EXP_MOST : x);
}

static double exponential_slope(double x, double p, double q)
{
    return x > EXP_MOST ? 0 : exponential(x, p, q);
}

static double logarithm(double x, double p, double q)
{
    (void)p;
    (void)q;
    return log(x < FLT_MIN ? FLT_MIN : x);
}

static double logarithm_slope(double x, double p, double q)
{
    (void)p;
    (void)q;
    return x < FLT_MIN ? 0 : 1 / x;
}

static double power(double x, double p, double q)
{
    (void)q;
    return x <= 0 && p > 0 ? 0 : exponential(p * logarithm(x, 0, 0), 0, 0);
}

static double power_slope(double x, double p, double q)
{
    return x <= 0 ? 0 : p * power(x, p - 1, q);
}

static double error(double x, double p, double q)
{
    (void)p;
    (void)q;
    return erf(x);
}

static double error_slope(double x, double p, double q)
{
    (void)p;
    (void)q;
    return 2 / sqrt(M_PI) * exp(-x * x);
}

static double dropout_slope(double x, double p, double q)
{
    (void)q;
    return graph_drops((float)x, (float)p) ? 0 : 1 / (1 - p);
}

static double dropout(double x, double p, double q)
{
    return x * dropout_slope(x, p, q);
}

const struct graph_function_rule graph_function_rules[GRAPH_FUNCTIONS] = {
    [GRAPH_CLIP] = {"clip", clip, clip_slope},
    [GRAPH_LEAKY_RELU] = {"leaky_relu", leaky_relu, leaky_relu_slope},
    [GRAPH_SIGMOID] = {"sigmoid", sigmoid, sigmoid_slope},
    [GRAPH_TANH] = {"tanh", hyperbolic, hyperbolic_slope},
    [GRAPH_SILU] = {"silu", silu, silu_slope},
    [GRAPH_HARD_SIGMOID] = {"hard_sigmoid", hard_sigmoid, hard_sigmoid_slope},
    [GRAPH_HARD_SWISH] = {"hard_swish", hard_swish, hard_swish_slope},
    [GRAPH_GELU] = {"gelu", gelu, gelu_slope},
    [GRAPH_GELU_TANH] = {"gelu_tanh", gelu_tanh, gelu_tanh_slope},
    [GRAPH_ELU] = {"elu", elu, elu_slope},
    [GRAPH_SOFTPLUS] = {"softplus", softplus, sigmoid},
    [GRAPH_MISH] = {"mish", mish, mish_slope},
    [GRAPH_ROOT] = {"root", root, root_slope},
    [GRAPH_INVERSE] = {"inverse", inverse, inverse_slope},
    [GRAPH_EXP] = {"exp", exponential, exponential_slope},
    [GRAPH_LOG] = {"log", logarithm, logarithm_slope},
    [GRAPH_POWER] = {"power", power, power_slope},
    [GRAPH_ERF] = {"erf", error, error_slope},
    [GRAPH_DROPOUT] = {"dropout", dropout, dropout_slope},
};

void kind_function_forward(const struct graph *g, const struct graph_op *op,
                           const struct graph_image *image)
{
    const struct graph_function_rule *f = &graph_function_rules[op->function];
    const float *x = image->value[op->in[0]];
    float *y = image->value[op->out];
    for (size_t i = 0; i < graph_size(g, op->out); i++)
        y[i] = (float)f->value(x[i], op->p, op->q);
}

void kind_function_backward(const struct graph *g, const struct graph_op *op,
                            const struct graph_image *image, int input)
{
    const struct graph_function_rule *f = &graph_function_rules[op->function];
    const float *x = image->value[op->in[0]], *dy = image->grad[op->out];
    float *dx = image->grad[op->in[input]];
    for (size_t i = 0; i < graph_size(g, op->out); i++)
        dx[i] += (float)(dy[i] * f->slope(x[i], op->p, op->q));
}

void kind_softmax_forward(const struct graph *g, const struct graph_op *op,
                          const struct graph_image *image)
{
    const size_t cells = graph_cells(g, op->out);
    const int channels = g->value[op->out].c;
    for (size_t p = 0; p < cells; p++) {
        const float *x = image->value[op->in[0]] + p;
        float *y = image->value[op->out] + p;
        double most = x[0], sum = 0;
        for (int c = 1; c < channels; c++)
            most = fmax(most, x[(size_t)c * cells]);
        for (int c = 0; c < channels; c++)
            sum += exp(x[(size_t)c * cells] - most);
        for (int c = 0; c < channels; c++)
            y[(size_t)c * cells] = (float)(exp(x[(size_t)c * cells] - most) / sum);
    }
}

void kind_softmax_backward(const struct graph *g, const struct graph_op *op,
                           const struct graph_image *image, int input)
{
    const size_t cells = graph_cells(g, op->out);
    const int channels = g->value[op->out].c;
    for (size_t p = 0; p < cells; p++) {
        const float *y = image->value[op->out] + p, *dy = image->grad[op->out] + p;
        float *dx = image->grad[op->in[input]] + p;
        double sum = 0;
        for (int c = 0; c < channels; c++)
            sum += (double)y[(size_t)c * cells] * dy[(size_t)c * cells];
        for (int c = 0; c < channels; c++)
            dx[(size_t)c * cells] += (float)(y[(size_t)c * cells] * (dy[(size_t)c * cells] - sum));
    }
}
