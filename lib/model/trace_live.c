/* Constants as activations, where an operation has no place for them among its numbers. */
#include "model/trace_parts.h"

#include "base/mem.h"

/* Zeros of that shape, made of a value. */
static int zeros(struct trace *t, int like, int64_t c, int64_t h, int64_t w, struct err *e)
{
    const struct origin none = {.w = NULL};
    const size_t n = (size_t)(c * h * w);
    int *list = mem_alloc(n, sizeof *list);
    for (size_t i = 0; i < n; i++)
        list[i] = -1;
    struct graph_op op = {
        .kind = GRAPH_GATHER, .in = {like}, .ins = 1, .channels = (int)c, .pick = list};
    op.y.k = (int)h;
    op.x.k = (int)w;
    return trace_append(t, &op, &none, e);
}

int trace_live(struct trace *t, const struct trace_symbol *c, int dim, int like,
               struct trace_symbol *y, struct err *e)
{
    struct trace_symbol s = *c;
    struct trace_view view, order = {.offset = c->view.offset};
    struct origin from = {.w = NULL};
    int64_t h, w;
    if (trace_expect(t, c, TRACE_CONSTANT, "a constant", e) != 0)
        return -1;
    if (dim < 0 || dim >= c->view.dims)
        return trace_refuse(t, e, "expected a constant with an axis of channels, found none");
    bool room = trace_of_one(t, c, &s) && trace_ordered(&s.view, dim, &view);
    order.offset = s.view.offset;
    for (int i = -1; i < s.view.dims && room; i++)
        if (i != dim)
            room = view_axis(&order) && view_copy(&order, &s.view, i < 0 ? dim : i);
    if (!room)
        return trace_refuse(t, e, "expected fewer axes, found more");
    if (trace_count(&s) > BUILD_ELEMENTS)
        return trace_refuse(t, e, "expected at most %d elements of a constant, found more",
                            BUILD_ELEMENTS);
    trace_cells(&s.view, dim, &h, &w);
    const int value = zeros(t, like, view_size(&s.view, dim), h, w, e);
    s.view = order;
    if (value < 0 || trace_tensor(t, &s, &from.piece[0].tensor, e) != 0)
        return -1;
    const struct graph_op add = {.kind = GRAPH_OFFSET, .in = {value}, .ins = 1};
    const int out = trace_append(t, &add, &from, e);
    *y = trace_value(out, &view);
    return out < 0 ? -1 : 0;
}

bool trace_is_nothing(const struct trace *t, const struct trace_symbol *x)
{
    double v;
    struct err e;
    return trace_count(x) == 1 && trace_number(t, x, &v, &e) == 0 && v == 0;
}

/* x where the mask is `one`, else 0; *some: not 0 everywhere. */
static int only_where(struct trace *t, const struct trace_symbol *mask, bool one,
                      const struct trace_symbol *x, struct trace_symbol *y, bool *some,
                      struct err *e)
{
    struct trace_symbol zero;
    *some = !trace_is_known(x) || !trace_is_nothing(t, x);
    if (!trace_is_known(x)) {
        struct trace_symbol factor;
        return trace_known_number(t, one ? TRACE_DIFFERENT : TRACE_EQUAL, mask, 0, &factor, e) != 0
                   ? -1
                   : trace_multiply(t, x, &factor, y, e);
    }
    return trace_known_full(t, NULL, 0, 0, &zero, e) != 0
               ? -1
               : trace_known_where(t, mask, one ? x : &zero, one ? &zero : x, y, e);
}

int trace_where(struct trace *t, const struct trace_symbol *mask, const struct trace_symbol *yes,
                const struct trace_symbol *no, struct trace_symbol *y, struct err *e)
{
    struct trace_symbol a, b;
    bool in_a, in_b;
    if (mask && mask->kind == TRACE_VALUE && yes && no)
        return trace_choose(t, mask, yes, no, y, e);
    if (trace_is_known(yes) && trace_is_known(no))
        return trace_known_where(t, mask, yes, no, y, e);
    if (trace_expect(t, mask, TRACE_CONSTANT, "a mask", e) != 0 || !yes || !no)
        return yes && no ? -1 : trace_refuse(t, e, "expected two to choose from, found one");
    if (only_where(t, mask, true, yes, &a, &in_a, e) != 0 ||
        only_where(t, mask, false, no, &b, &in_b, e) != 0)
        return -1;
    if (in_a && in_b)
        return trace_add(t, &a, &b, 1, y, e);
    *y = in_a ? a : b;
    const int dims = yes->view.dims > no->view.dims ? yes->view.dims : no->view.dims;
    return trace_lengthen(t, y, dims, y, e);
}
