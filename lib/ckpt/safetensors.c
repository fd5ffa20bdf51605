/* .safetensors: the length of a JSON header (8 bytes), the header, the tensors'
 * bytes. https://huggingface.co/docs/safetensors */
#include "ckpt/store.h"

#include <jansson.h>
#include <stdint.h>
#include <string.h>

enum { LENGTH_BYTES = 8, HEADER_MAX = 100000000 };

static const struct {
    const char *name;
    int bytes;
    bool is_float;
    enum ckpt_type type;
} dtypes[] = {
    {"F32", 4, true, CKPT_F32},   {"F64", 8, true, CKPT_F64}, {"F16", 2, true, CKPT_F16},
    {"BF16", 2, true, CKPT_BF16}, {"I64", 8, false, 0},       {"I32", 4, false, 0},
    {"I16", 2, false, 0},         {"I8", 1, false, 0},        {"U64", 8, false, 0},
    {"U32", 4, false, 0},         {"U16", 2, false, 0},       {"U8", 1, false, 0},
    {"BOOL", 1, false, 0},
};

enum { DTYPES = sizeof dtypes / sizeof *dtypes };

static bool read_numbers(const json_t *a, int64_t *out, size_t max, size_t *n)
{
    *n = json_array_size(a);
    if (!json_is_array(a) || *n > max)
        return false;
    for (size_t i = 0; i < *n; i++) {
        const json_t *x = json_array_get(a, i);
        if (!json_is_integer(x) || json_integer_value(x) < 0)
            return false;
        out[i] = json_integer_value(x);
    }
    return true;
}

static int add(struct ckpt *c, const char *key, const json_t *info, const unsigned char *p,
               size_t n, struct err *e)
{
    const char *dtype = json_string_value(json_object_get(info, "dtype"));
    int64_t at[2];
    size_t ndim, ends;
    struct view v = {0};
    if (!dtype || !read_numbers(json_object_get(info, "shape"), v.shape, CKPT_DIMS, &ndim) ||
        !read_numbers(json_object_get(info, "data_offsets"), at, 2, &ends) || ends != 2)
        return ckpt_error(c, key, e,
                          "expected a dtype, a shape of at most %d axes and two offsets, found "
                          "something else",
                          CKPT_DIMS);
    int type = 0;
    while (type < DTYPES && strcmp(dtypes[type].name, dtype) != 0)
        type++;
    if (type == DTYPES)
        return ckpt_error(c, key, e, "expected F32, F64, F16 or BF16, found %.20s", dtype);
    int64_t bytes = dtypes[type].bytes;
    bool fits = true;
    for (size_t i = 0; i < ndim; i++)
        fits = fits && !__builtin_mul_overflow(bytes, v.shape[i], &bytes);
    if (!fits || at[0] > at[1] || at[1] - at[0] != bytes)
        return ckpt_error(c, key, e, "expected as many bytes as its shape has, found %lld",
                          (long long)(at[1] - at[0]));
    if ((uint64_t)at[1] > n)
        return ckpt_error(c, key, e,
                          "expected its end at byte %lld of the tensors, found only %zu bytes: the "
                          "file is incomplete",
                          (long long)at[1], n);
    if (!dtypes[type].is_float)
        return 0;
    v.p = p + at[0];
    v.type = dtypes[type].type;
    v.elements = bytes / dtypes[type].bytes;
    v.ndim = (int)ndim;
    int64_t stride = 1;
    for (int d = v.ndim - 1; d >= 0; d--) {
        v.stride[d] = stride;
        /* Fits as `bytes` did, but for a zero further on. */
        if (__builtin_mul_overflow(stride, v.shape[d], &stride))
            stride = 0;
    }
    return ckpt_add(c, key, &v, e);
}

static int add_all(struct ckpt *c, json_t *header, const unsigned char *p, size_t n, struct err *e)
{
    const char *name;
    json_t *info;
    json_object_foreach(header, name, info)
    {
        const char *key;
        if (strcmp(name, "__metadata__") == 0)
            continue;
        if (ckpt_key(c, (const unsigned char *)name, strlen(name), &key, e) != 0 ||
            add(c, key, info, p, n, e) != 0)
            return -1;
    }
    return 0;
}

int ckpt_read_safetensors(struct ckpt *c, struct err *e)
{
    const unsigned char *p = c->map.p;
    uint64_t length = 0;
    for (int i = LENGTH_BYTES - 1; i >= 0; i--)
        length = length << 8 | p[i];
    size_t left = c->map.n - LENGTH_BYTES;
    if (length > HEADER_MAX || length > left)
        return err_set(e,
                       "%s: expected a safetensors header of %llu bytes, found %zu: the file is "
                       "incomplete",
                       c->name, (unsigned long long)length, left);
    json_error_t bad;
    json_t *header =
        json_loadb((const char *)p + LENGTH_BYTES, (size_t)length, JSON_REJECT_DUPLICATES, &bad);
    if (!json_is_object(header)) {
        json_decref(header);
        return err_set(e, "%s: expected a safetensors header in JSON, found other text", c->name);
    }
    int r = add_all(c, header, p + LENGTH_BYTES + length, left - (size_t)length, e);
    json_decref(header);
    return r;
}
