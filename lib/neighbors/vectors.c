#include "neighbors/vectors.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/real.h"
#include "stream/npy.h"

#include <stdlib.h>
#include <string.h>

struct vectors {
    struct npy_in *in; /* NULL: in memory */
    const float *x;
    const char *name;
    int64_t count;
    int length;
    int64_t *order; /* NULL: as they lie there */
};

int vectors_open(struct vectors **out, const char *path, struct err *e)
{
    const int64_t any[] = {-1};
    struct npy_in *in;
    int64_t count = 0;
    int got = npy_open(&in, path, e);

    if (got < 0)
        return -1;
    if (got == 0)
        return err_set(e, "%s: expected a tensor of vectors, found nothing", io_name(path));
    int r = npy_expect(in, NPY_F32, 1, any, e);
    int64_t length = npy_item(in)->shape[0];
    if (r == 0 && !npy_is_file(in))
        r = err_set(e, "%s: expected a file, found a pipe: vectors are read more than once",
                    npy_name(in));
    if (r == 0 && (length < 1 || length > VECTORS_LENGTH))
        r = err_set(e, "%s: expected vectors of 1 to %d elements, found %lld", npy_name(in),
                    VECTORS_LENGTH, (long long)length);
    if (r == 0 && (count = npy_count(in, e)) < 0)
        r = -1;
    if (r != 0) {
        npy_close(in);
        return -1;
    }
    struct vectors *v = mem_alloc(1, sizeof *v);
    *v = (struct vectors){.in = in, .name = npy_name(in), .count = count, .length = (int)length};
    *out = v;
    return 0;
}

struct vectors *vectors_of(const float *x, int64_t count, int length, const char *name)
{
    struct vectors *v = mem_alloc(1, sizeof *v);
    *v = (struct vectors){.x = x, .name = name, .count = count, .length = length};
    return v;
}

void vectors_close(struct vectors *v)
{
    if (!v)
        return;
    if (v->in)
        npy_close(v->in);
    free(v->order);
    free(v);
}

const char *vectors_name(const struct vectors *v)
{
    return v->name;
}

int64_t vectors_count(const struct vectors *v)
{
    return v->count;
}

int vectors_length(const struct vectors *v)
{
    return v->length;
}

void vectors_order(struct vectors *v, int64_t *order)
{
    free(v->order);
    v->order = order;
}

int vectors_read(const struct vectors *v, int64_t first, int n, float *out, struct err *e)
{
    for (int i = 0; i < n; i++, out += v->length) {
        const int64_t item = v->order ? v->order[first + i] : first + i;
        if (v->x)
            memcpy(out, v->x + item * v->length, (size_t)v->length * sizeof *out);
        else if (npy_at(v->in, item, out, e) != 0)
            return -1;
        if (!real_finite(out, (size_t)v->length))
            return err_set(e, "%s: item %lld: expected finite values, found one that is not",
                           v->name, (long long)item);
    }
    return 0;
}
