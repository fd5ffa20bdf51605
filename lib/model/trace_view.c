/* Views of values: axes as products of factors, see trace.h. */
#include "model/trace_parts.h"

#include <string.h>

bool view_axis(struct trace_view *v)
{
    if (v->dims == TRACE_DIMS)
        return false;
    v->count[v->dims++] = 0;
    return true;
}

static int factors(const struct trace_view *v)
{
    int n = 0;
    for (int d = 0; d < v->dims; d++)
        n += v->count[d];
    return n;
}

bool view_factor(struct trace_view *v, int64_t n, int64_t stride)
{
    const int at = factors(v);
    int *count = &v->count[v->dims - 1];
    if (n == 1)
        return true;
    struct trace_factor *last = *count > 0 ? &v->factor[at - 1] : NULL;
    if (last && last->stride != TRACE_EACH_IMAGE && stride != TRACE_EACH_IMAGE &&
        last->stride == n * stride) {
        *last = (struct trace_factor){last->n * n, stride};
        return true;
    }
    if (at == TRACE_FACTORS)
        return false;
    v->factor[at] = (struct trace_factor){n, stride};
    ++*count;
    return true;
}

const struct trace_factor *view_factors(const struct trace_view *v, int dim)
{
    const struct trace_factor *f = v->factor;
    for (int d = 0; d < dim; d++)
        f += v->count[d];
    return f;
}

bool view_copy(struct trace_view *v, const struct trace_view *from, int dim)
{
    const struct trace_factor *f = view_factors(from, dim);
    for (int i = 0; i < from->count[dim]; i++)
        if (!view_factor(v, f[i].n, f[i].stride))
            return false;
    return true;
}

int64_t view_size(const struct trace_view *v, int dim)
{
    const struct trace_factor *f = view_factors(v, dim);
    int64_t n = 1;
    for (int i = 0; i < v->count[dim]; i++)
        n *= f[i].n;
    return n;
}

int64_t view_each(const struct trace_view *v, int dim)
{
    const struct trace_factor *f = view_factors(v, dim);
    int64_t n = 1;
    for (int i = 0; i < v->count[dim]; i++)
        n *= f[i].stride == TRACE_EACH_IMAGE ? 1 : f[i].n;
    return n;
}

bool view_has_images(const struct trace_view *v, int dim)
{
    const struct trace_factor *f = view_factors(v, dim);
    for (int i = 0; i < v->count[dim]; i++)
        if (f[i].stride == TRACE_EACH_IMAGE)
            return true;
    return false;
}

bool view_same(const struct trace_view *a, const struct trace_view *b)
{
    if (a->dims != b->dims || a->offset != b->offset)
        return false;
    for (int d = 0; d < a->dims; d++)
        if (a->count[d] != b->count[d])
            return false;
    for (int i = 0; i < factors(a); i++)
        if (a->factor[i].n != b->factor[i].n || a->factor[i].stride != b->factor[i].stride)
            return false;
    return true;
}

bool view_covers(const struct trace_view *v, int64_t n)
{
    const int count = factors(v);
    int64_t reached = 1;
    /* Each factor begins where those of smaller strides end. */
    for (int found = 1; found;) {
        found = 0;
        for (int i = 0; i < count && !found; i++)
            if (v->factor[i].stride == reached) {
                reached *= v->factor[i].n;
                found = 1;
            }
    }
    int64_t shown = 1;
    for (int i = 0; i < count; i++)
        shown *= v->factor[i].stride == TRACE_EACH_IMAGE ? 1 : v->factor[i].n;
    return v->offset == 0 && reached == n && shown == n;
}

bool trace_is_strided(const struct trace_symbol *x)
{
    const struct trace_view *v = &x->view;
    for (int d = 0; d < v->dims; d++)
        if (v->count[d] > 1)
            return false;
    return true;
}

bool trace_is_dense(const struct trace_symbol *x)
{
    const struct trace_view *v = &x->view;
    struct trace_view all = {.dims = 0};
    if (!view_axis(&all))
        return false;
    for (int d = 0; d < v->dims; d++)
        if (!view_copy(&all, v, d))
            return false;
    return all.count[0] == 0 || (all.count[0] == 1 && all.factor[0].stride == 1);
}

bool view_reshape(const struct trace_view *v, const int64_t *size, int n, struct trace_view *out)
{
    struct trace_view all = {.dims = 0}; /* in one axis, so that neighbours are one factor */
    struct trace_view to = {.offset = v->offset};
    int at = 0;
    if (!view_axis(&all))
        return false;
    for (int d = 0; d < v->dims; d++)
        if (!view_copy(&all, v, d))
            return false;
    for (int d = 0; d < n; d++) {
        int64_t need = size[d];
        if (!view_axis(&to))
            return false;
        while (need > 1) {
            struct trace_factor *f = &all.factor[at];
            if (at == all.count[0])
                return false;
            if (need % f->n == 0) {
                if (!view_factor(&to, f->n, f->stride))
                    return false;
                need /= f->n;
                at++;
                continue;
            }
            if (f->n % need != 0 || f->stride == TRACE_EACH_IMAGE)
                return false;
            f->n /= need;
            if (!view_factor(&to, need, f->stride * f->n))
                return false;
            need = 1;
        }
        if (need < 1)
            return false;
    }
    *out = to;
    return at == all.count[0];
}

bool view_with(const struct trace_view *v, int dim, int64_t n, int64_t cells,
               struct trace_view *out)
{
    struct trace_view to = {.offset = v->offset};
    for (int d = 0; d < v->dims; d++)
        if (!view_axis(&to) || !(d == dim ? view_factor(&to, n, cells) : view_copy(&to, v, d)))
            return false;
    *out = to;
    return true;
}

void view_places(const struct trace_view *v, int dim, int *place)
{
    size_t n = 1;
    place[0] = (int)v->offset;
    /* What is there is repeated for each digit of the next factor, which runs faster. */
    for (int i = -1; i < v->dims; i++) {
        const int d = i < 0 ? dim : i;
        const struct trace_factor *f = view_factors(v, d);
        for (int k = 0; k < v->count[d] && (i < 0 || i != dim); k++) {
            if (f[k].stride == TRACE_EACH_IMAGE)
                continue;
            const size_t each = (size_t)f[k].n;
            for (size_t at = n; at-- > 0;)
                for (size_t j = each; j-- > 0;)
                    place[at * each + j] = place[at] + (int)((int64_t)j * f[k].stride);
            n *= each;
        }
    }
}
