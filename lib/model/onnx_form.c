/* Formulas that exporters write out, node by node: GELU by erf, x (1 + erf(x / sqrt 2)) / 2, and a
 * layer norm, (x - mean) / sqrt(mean of squares + eps). Their parts are kept as what they are
 * until the last node; a part that is read by anything else is no operation of a graph. */
#include "model/onnx.h"

#include <math.h>
#include <string.h>

static const double SQRT_HALF = 0.70710678118654752440;

/* A number beside a part. */
static bool number_in(const struct onnx_name *x, double *out)
{
    if (!x || !x->known || x->known->n != 1)
        return false;
    *out = x->known->real ? x->known->r[0] : (double)x->known->i[0];
    return true;
}

static bool same_view(const struct trace_view *a, const struct trace_view *b)
{
    int factors = 0;
    if (a->dims != b->dims || a->offset != b->offset ||
        memcmp(a->count, b->count, (size_t)a->dims * sizeof *a->count) != 0)
        return false;
    for (int d = 0; d < a->dims; d++)
        factors += a->count[d];
    for (int i = 0; i < factors; i++)
        if (a->factor[i].n != b->factor[i].n || a->factor[i].stride != b->factor[i].stride)
            return false;
    return true;
}

/* Whether both are the same activations, but for a factor. */
static bool same(const struct onnx_name *a, const struct onnx_name *b)
{
    return a->form == FORM_NONE && b->form == FORM_NONE && a->s.kind == TRACE_VALUE &&
           b->s.kind == TRACE_VALUE && a->s.value == b->s.value &&
           same_view(&a->s.view, &b->s.view);
}

static int become(struct onnx_reader *r, enum form form, const struct onnx_name *of, double a,
                  double b)
{
    struct onnx_name *out = onnx_out(r, 0);
    if (!out)
        return 1;
    out->form = form;
    out->of = of;
    out->a = a;
    out->b = b;
    return 1;
}

/* --- GELU --- */

/* (a erf(s v) + a) t v with s = x's factor and t = y's: with u = sqrt(2) s v it is
 * 2 a t / (sqrt(2) s) times u (1 + erf(u / sqrt 2)) / 2. */
static int gelu(struct onnx_reader *r, const struct onnx_name *part, const struct onnx_name *y,
                struct err *e)
{
    const double s = (double)part->of->s.scale / SQRT_HALF;
    double rest = 2 * part->a * (double)y->s.scale / s;
    struct trace_symbol u = y->s;
    if (fabs(part->a - part->b) > 1e-6 * fabs(part->a))
        return 0;
    u.scale = (float)s;
    if (fabs(s - 1) < 1e-6)
        u.scale = 1;
    if (fabs(rest - 1) < 1e-6)
        rest = 1;
    if (trace_function(r->t, &u, GRAPH_GELU, 0, 0, &u, e) != 0 ||
        (rest != 1 && trace_scale(r->t, &u, rest, 0, &u, e) != 0))
        return -1;
    onnx_bind(r, 0, &u);
    return 1;
}

static int erf_form(struct onnx_reader *r, const struct onnx_name *part,
                    const struct onnx_name *other, struct err *e)
{
    const char *op = r->node->op;
    double v;
    if (number_in(other, &v)) {
        if (strcmp(op, "Add") == 0)
            return become(r, FORM_ERF, part->of, part->a, part->b + v);
        if (strcmp(op, "Div") == 0 && part == onnx_in(r, 0) && v != 0)
            v = 1 / v;
        else if (strcmp(op, "Mul") != 0)
            return 0;
        return become(r, FORM_ERF, part->of, part->a * v, part->b * v);
    }
    return strcmp(op, "Mul") == 0 && other && same(part->of, other) ? gelu(r, part, other, e) : 0;
}

/* The function itself, where the node is no part of GELU. */
static int erf_alone(struct onnx_reader *r, struct err *e)
{
    for (size_t i = 0; i < r->node->ins; i++) {
        struct onnx_name *part = onnx_in(r, i);
        struct trace_symbol y;
        if (!part || part->form != FORM_ERF)
            continue;
        if (trace_function(r->t, &part->of->s, GRAPH_ERF, 0, 0, &y, e) != 0 ||
            trace_scale(r->t, &y, part->a, part->b, &y, e) != 0)
            return -1;
        part->form = FORM_NONE;
        trace_bind(&part->s, &y);
    }
    return 0;
}

/* --- layer norm --- */

/* Whether the node's axes are the last of x alone. */
static int last_axis(const struct onnx_reader *r, const struct onnx_name *x, bool *is,
                     struct err *e)
{
    int64_t axes[KNOWN];
    int n;
    const int dims = x->s.view.dims;
    if (onnx_list(r, "axes", 1, axes, &n, e) != 0)
        return -1;
    *is = n == 1 && dims >= 2 && (axes[0] == -1 || axes[0] == dims - 1) &&
          onnx_int(r, "keepdims", 1) == 1;
    return 0;
}

/* Whether the node's result is soon taken off another value: a mean that is not may be any. */
static bool centres(const struct onnx_reader *r)
{
    enum { SOON = 8 };
    const struct onnx_node *end = r->m->node + r->m->nodes;
    for (const struct onnx_node *n = r->node + 1; n < end && n <= r->node + SOON; n++)
        if (strcmp(n->op, "Sub") == 0 && n->ins == 2 && strcmp(n->in[1], r->node->out[0]) == 0)
            return true;
    return false;
}

static int mean_form(struct onnx_reader *r, const struct onnx_name *x, struct err *e)
{
    bool last;
    if (x->form == FORM_NONE && x->s.kind != TRACE_VALUE)
        return 0;
    const struct onnx_name *of = x->form == FORM_SQUARED ? x->of : x;
    if (last_axis(r, of, &last, e) != 0)
        return -1;
    if (!last || (x->form != FORM_NONE && x->form != FORM_SQUARED))
        return 0;
    if (x->form == FORM_SQUARED)
        return become(r, FORM_VARIANCE, x->of, 1, 0);
    return centres(r) ? become(r, FORM_MEAN, x, 1, 0) : 0;
}

static int norm(struct onnx_reader *r, const struct onnx_name *deviation, struct err *e)
{
    struct trace_symbol y;
    if (trace_layer_norm(r->t, &deviation->of->s, NULL, NULL, deviation->b, &y, e) != 0)
        return -1;
    onnx_bind(r, 0, &y);
    return 1;
}

static int norm_form(struct onnx_reader *r, const struct onnx_name *x, const struct onnx_name *y,
                     struct err *e)
{
    const char *op = r->node->op;
    double v;
    if (strcmp(op, "Sub") == 0 && y && y->form == FORM_MEAN && x == y->of)
        return become(r, FORM_CENTRED, x, 1, 0);
    if (x->form == FORM_CENTRED &&
        ((strcmp(op, "Pow") == 0 && number_in(y, &v) && v == 2) ||
         (strcmp(op, "Mul") == 0 && y && y->form == FORM_CENTRED && y->of == x->of)))
        return become(r, FORM_SQUARED, x->of, 1, 0);
    if (x->form == FORM_VARIANCE && strcmp(op, "Add") == 0 && number_in(y, &v))
        return become(r, FORM_VARIANCE, x->of, 1, x->b + v);
    if (x->form == FORM_VARIANCE && strcmp(op, "Sqrt") == 0)
        return become(r, FORM_DEVIATION, x->of, 1, x->b);
    if (x->form == FORM_CENTRED && strcmp(op, "Div") == 0 && y && y->form == FORM_DEVIATION &&
        y->of == x->of)
        return norm(r, y, e);
    return 0;
}

/* --- the whole --- */

int onnx_form(struct onnx_reader *r, struct err *e)
{
    const char *op = r->node->op;
    const struct onnx_name *x = onnx_in(r, 0), *y = onnx_in(r, 1);
    const bool plain = strcmp(op, "Add") == 0 || strcmp(op, "Mul") == 0 || strcmp(op, "Div") == 0;
    if (!plain && erf_alone(r, e) != 0)
        return -1;
    if (!x || onnx_out(r, 0) == NULL)
        return 0;
    if (strcmp(op, "Erf") == 0 && x->form == FORM_NONE && x->s.kind == TRACE_VALUE)
        return become(r, FORM_ERF, x, 1, 0);
    /* Where all keys of a query are masked out, which none are, exporters set its weights to 0. */
    if (strcmp(op, "IsNaN") == 0 && x->form == FORM_NONE &&
        (x->s.kind == TRACE_VALUE || x->s.kind == TRACE_SCORES))
        return become(r, FORM_NAN, x, 1, 0);
    const struct onnx_name *z = onnx_in(r, 2);
    if (strcmp(op, "Where") == 0 && x->form == FORM_NAN && z == x->of) {
        const struct trace_symbol same = trace_alias(&z->s);
        onnx_bind(r, 0, &same);
        return 1;
    }
    if (strcmp(op, "ReduceMean") == 0)
        return mean_form(r, x, e);
    int done = 0;
    if (x->form == FORM_ERF || (y && y->form == FORM_ERF))
        done = x->form == FORM_ERF ? erf_form(r, x, y, e) : erf_form(r, y, x, e);
    else
        done = norm_form(r, x, y, e);
    if (done == 0)
        done = erf_alone(r, e);
    if (done == 0 && (x->form != FORM_NONE || (y && y->form != FORM_NONE)))
        return trace_refuse(r->t, e,
                            "expected GELU or a layer norm of the last axis where its parts are, "
                            "found another formula");
    return done;
}
