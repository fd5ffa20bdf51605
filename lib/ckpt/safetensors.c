/* .safetensors: the length of a JSON header (8 bytes), the header, the tensors'
 * bytes, without gaps. https://huggingface.co/docs/safetensors */
#include "ckpt/store.h"

#include "base/mem.h"

#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* In memory the header may become seventy times as large; a thousand tensors take a
 * hundred thousand bytes of it. */
enum { LENGTH_BYTES = 8, HEADER_MAX = 768 << 10 };

/* A span of the tensors' bytes, for the check that they leave no gap. */
struct span {
    int64_t from, to;
    const char *name;
};

struct header {
    const unsigned char *p; /* the tensors' bytes */
    size_t n;
    struct span *span;
    size_t spans;
};

/* jansson goes on with a part of a text where memory is out. */
static void *take(size_t n)
{
    return mem_alloc(n, 1);
}

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

static int type_of(const char *code)
{
    int i = 0;
    while (i < CKPT_TYPES && strcmp(ckpt_type_code((enum ckpt_type)i), code) != 0)
        i++;
    return i;
}

static int add(struct ckpt *c, struct header *h, const char *key, const json_t *info, struct err *e)
{
    const char *dtype = json_string_value(json_object_get(info, "dtype"));
    int64_t at[2];
    size_t ndim, ends;
    struct ckpt_tensor t = {.name = key};
    if (!dtype || json_object_size(info) != 3 ||
        !read_numbers(json_object_get(info, "shape"), t.shape, CKPT_DIMS, &ndim) ||
        !read_numbers(json_object_get(info, "data_offsets"), at, 2, &ends) || ends != 2)
        return ckpt_error(c, key, e,
                          "expected a dtype, a shape of at most %d axes and two offsets, found "
                          "something else",
                          CKPT_DIMS);
    int type = type_of(dtype);
    if (type == CKPT_TYPES)
        return ckpt_error(c, key, e, "expected a type such as F32, F64, F16 or BF16, found %.20s",
                          dtype);
    t.type = (enum ckpt_type)type;
    int64_t bytes = ckpt_type_bytes(t.type), elements = 1;
    bool fits = true;
    for (size_t i = 0; i < ndim; i++)
        fits = fits && !__builtin_mul_overflow(elements, t.shape[i], &elements);
    fits = fits && !__builtin_mul_overflow(elements, bytes, &bytes);
    if (!fits || at[0] > at[1] || at[1] - at[0] != bytes)
        return ckpt_error(c, key, e, "expected as many bytes as its shape has, found %lld",
                          (long long)(at[1] - at[0]));
    if ((uint64_t)at[1] > h->n)
        return ckpt_error(c, key, e,
                          "expected its end at byte %lld of the tensors, found only %zu bytes: the "
                          "file is incomplete",
                          (long long)at[1], h->n);
    h->span[h->spans++] = (struct span){at[0], at[1], key};
    t.p = h->p + at[0];
    t.elements = elements;
    t.ndim = (int)ndim;
    int64_t stride = 1;
    for (int d = t.ndim - 1; d >= 0; d--) {
        t.stride[d] = stride;
        /* Fits as `elements` did, but for a zero further on. */
        if (__builtin_mul_overflow(stride, t.shape[d], &stride))
            stride = 0;
    }
    return ckpt_add(c, &t, e);
}

static int add_metadata(struct ckpt *c, const json_t *info, struct err *e)
{
    const char *name;
    json_t *value;
    if (!json_is_object(info))
        return err_set(e, "%s: __metadata__: expected texts by name, found something else",
                       c->name);
    json_object_foreach((json_t *)info, name, value)
    {
        if (!json_is_string(value))
            return err_set(e, "%s: __metadata__: expected texts by name, found something else",
                           c->name);
        if (!c->opts.extras)
            continue;
        char *path = mem_printf("__metadata__.%.200s", name);
        char *text = mem_printf("%.400s", json_string_value(value));
        ckpt_add_extra(c, path, text);
        free(path);
        free(text);
    }
    return 0;
}

static int compare(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    return x->from != y->from ? (x->from > y->from) - (x->from < y->from)
                              : (x->to > y->to) - (x->to < y->to);
}

/* Every byte belongs to one tensor. */
static int check_spans(const struct ckpt *c, struct header *h, struct err *e)
{
    int64_t end = 0;
    qsort(h->span, h->spans, sizeof *h->span, compare);
    for (size_t i = 0; i < h->spans; i++) {
        const struct span *s = &h->span[i];
        if (s->from != end)
            return ckpt_error(c, s->name, e,
                              "expected its start at byte %lld of the tensors, where the one "
                              "before it ends, found %lld",
                              (long long)end, (long long)s->from);
        end = s->to;
    }
    if ((uint64_t)end != h->n)
        return err_set(e, "%s: expected %lld bytes of tensors, found %zu", c->name, (long long)end,
                       h->n);
    return 0;
}

static int add_all(struct ckpt *c, struct header *h, json_t *json, struct err *e)
{
    const char *name;
    json_t *info;
    h->span = mem_alloc(json_object_size(json) + 1, sizeof *h->span);
    json_object_foreach(json, name, info)
    {
        const char *key;
        if (strcmp(name, "__metadata__") == 0) {
            if (add_metadata(c, info, e) != 0)
                return -1;
            continue;
        }
        if (ckpt_key(c, (const unsigned char *)name, strlen(name), &key, e) != 0 ||
            add(c, h, key, info, e) != 0)
            return -1;
    }
    return check_spans(c, h, e);
}

int ckpt_read_safetensors(struct ckpt *c, struct err *e)
{
    const unsigned char *p = c->map.p;
    uint64_t length = 0;
    for (int i = LENGTH_BYTES - 1; i >= 0; i--)
        length = length << 8 | p[i];
    size_t left = c->map.n - LENGTH_BYTES;
    if (length > HEADER_MAX)
        return err_set(e, "%s: expected a safetensors header of at most %d bytes, found %llu",
                       c->name, HEADER_MAX, (unsigned long long)length);
    if (length > left)
        return err_set(e,
                       "%s: expected a safetensors header of %llu bytes, found %zu: the file is "
                       "incomplete",
                       c->name, (unsigned long long)length, left);
    json_error_t bad;
    json_set_alloc_funcs(take, free);
    json_t *json =
        json_loadb((const char *)p + LENGTH_BYTES, (size_t)length, JSON_REJECT_DUPLICATES, &bad);
    if (!json)
        return err_set(e, "%s: safetensors header: byte %d: %s", c->name, bad.position, bad.text);
    struct header h = {.p = p + LENGTH_BYTES + length, .n = left - (size_t)length};
    int r =
        json_is_object(json)
            ? add_all(c, &h, json, e)
            : err_set(e, "%s: expected a safetensors header in JSON, found other text", c->name);
    json_decref(json);
    free(h.span);
    return r;
}
