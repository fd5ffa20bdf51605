#include "pickle/numpy.h"

#include <string.h>

static bool is_either(const struct pickle_value *v, const char *old, const char *now)
{
    return pickle_is_global(v, old) || pickle_is_global(v, now);
}

/* numpy.dtype("u1", ...) with its state (version, byte order, ...). */
static const char *dtype(const struct pickle_value *v, struct numpy_array *a)
{
    static const char *const types[] = {"u1", "i1", "i2", "u2", "i4", "u4",
                                        "i8", "u8", "f4", "f8", "b1"};
    static const char other[] = "an array of another type";
    if (!v || v->kind != PICKLE_OBJECT || !pickle_is_global(v->object.callable, "numpy.dtype"))
        return other;
    const struct pickle_value *name = pickle_item(v->object.args, 0);
    const struct pickle_value *order = pickle_item(v->object.state, 1);
    size_t i = 0;
    while (i < sizeof types / sizeof *types && !pickle_is(name, types[i]))
        i++;
    if (i == sizeof types / sizeof *types)
        return other;
    if (pickle_is(order, ">"))
        return "an array of big-endian numbers";
    a->kind = types[i][0];
    a->size = types[i][1] - '0';
    return NULL;
}

static const char *shape(const struct pickle_value *v, struct numpy_array *a)
{
    static const char other[] = "an array whose shape does not fit its bytes";
    if (!v || v->kind != PICKLE_TUPLE || v->seq.n > NUMPY_DIMS)
        return "an array of another shape";
    a->ndim = (int)v->seq.n;
    a->count = 1;
    for (int i = 0; i < a->ndim; i++) {
        const struct pickle_value *n = v->seq.item[i];
        if (n->kind != PICKLE_INT || n->i < 0 || __builtin_mul_overflow(a->count, n->i, &a->count))
            return other;
        a->shape[i] = n->i;
    }
    return NULL;
}

const char *numpy_array(const struct pickle_value *v, struct numpy_array *a)
{
    static const char other[] = "another value";
    if (!v || v->kind != PICKLE_OBJECT)
        return other;
    const struct pickle_value *callable = v->object.callable, *data, *type, *dims;
    bool fortran;
    if (is_either(callable, "numpy.core.multiarray._reconstruct",
                  "numpy._core.multiarray._reconstruct")) {
        /* state: version, shape, dtype, whether in Fortran order, bytes */
        const struct pickle_value *s = v->object.state, *order = pickle_item(s, 3);
        dims = pickle_item(s, 1);
        type = pickle_item(s, 2);
        data = pickle_item(s, 4);
        /* Python 2 wrote an integer. */
        fortran = !order || (order->kind != PICKLE_BOOL && order->kind != PICKLE_INT) || order->i;
    } else if (is_either(callable, "numpy.core.numeric._frombuffer",
                         "numpy._core.numeric._frombuffer")) {
        data = pickle_item(v->object.args, 0);
        type = pickle_item(v->object.args, 1);
        dims = pickle_item(v->object.args, 2);
        fortran = pickle_is(pickle_item(v->object.args, 3), "F");
    } else {
        return other;
    }
    const char *bad = dtype(type, a);
    if (!bad)
        bad = shape(dims, a);
    if (bad)
        return bad;
    if (fortran && a->ndim > 1)
        return "an array in Fortran order";
    int64_t bytes;
    if (!data || data->kind != PICKLE_BYTES || __builtin_mul_overflow(a->count, a->size, &bytes) ||
        (uint64_t)bytes != data->text.n)
        return "an array whose shape does not fit its bytes";
    a->p = data->text.p;
    return NULL;
}

int64_t numpy_int(const struct numpy_array *a, int64_t i)
{
    const unsigned char *p = a->p + i * a->size;
    uint64_t v = a->kind == 'i' && p[a->size - 1] & 0x80 ? UINT64_MAX : 0;
    for (int k = a->size - 1; k >= 0; k--)
        v = v << 8 | p[k];
    return (int64_t)v;
}
