#include "ckpt/store.h"

#include "base/mem.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_BYTES = 500 };

int ckpt_type_bytes(enum ckpt_type type)
{
    static const int bytes[] = {[CKPT_F32] = 4, [CKPT_F64] = 8, [CKPT_F16] = 2, [CKPT_BF16] = 2};
    return bytes[type];
}

void ckpt_record(const struct ckpt *c, const char *key, struct err *e, const char *fmt, ...)
{
    char msg[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(msg, sizeof msg, fmt, ap);
    va_end(ap);
    err_record(e, "%s: %s: %s", c->name, key, msg);
}

static void *own(struct ckpt *c, void *p)
{
    if (c->owned_n == c->owned_room) {
        c->owned_room = c->owned_room ? 2 * c->owned_room : 64;
        c->owned = mem_grow(c->owned, c->owned_room, sizeof *c->owned);
    }
    c->owned[c->owned_n++] = p;
    return p;
}

int ckpt_key(struct ckpt *c, const unsigned char *p, size_t n, const char **key, struct err *e)
{
    bool good = n <= KEY_BYTES;
    for (size_t i = 0; i < n && good; i++)
        good = p[i] >= ' ' && p[i] != 0x7f;
    if (!good)
        return err_set(e, "%s: expected keys of printable text of at most %d bytes, found another",
                       c->name, KEY_BYTES);
    char *s = own(c, mem_alloc(n + 1, 1));
    memcpy(s, p, n);
    s[n] = '\0';
    *key = s;
    return 0;
}

/* DataParallel and torch.compile put these before every key. */
static const char *without_prefixes(const char *key)
{
    static const char *const prefixes[] = {"module.", "_orig_mod."};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        size_t n = strlen(prefixes[i]);
        if (strncmp(key, prefixes[i], n) == 0 && key[n] != '\0')
            return without_prefixes(key + n);
    }
    return key;
}

/* --- numbers --- */

static float from_half(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = h >> 10 & 0x1f, m = h & 0x3ff;
    uint32_t bits;
    if (exponent == 0) {
        float f = (float)m * 0x1p-24F;
        return sign ? -f : f;
    }
    if (exponent == 31)
        bits = sign | 0x7f800000 | m << 13;
    else
        bits = sign | (exponent + 112) << 23 | m << 13;
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static bool host_is_big(void)
{
    return __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
}

static float number(const unsigned char *p, enum ckpt_type type, bool big)
{
    int n = ckpt_type_bytes(type);
    uint64_t bits = 0;
    for (int i = 0; i < n; i++)
        bits = bits << 8 | p[big ? i : n - 1 - i];
    uint32_t word = (uint32_t)(type == CKPT_BF16 ? bits << 16 : bits);
    float f;
    double d;
    switch (type) {
    case CKPT_F16:
        return from_half((uint16_t)bits);
    case CKPT_F64:
        memcpy(&d, &bits, sizeof d);
        return (float)d;
    default:
        memcpy(&f, &word, sizeof f);
        return f;
    }
}

static void convert(const struct view *v, float *out)
{
    int size = ckpt_type_bytes(v->type);
    int64_t at[CKPT_DIMS] = {0}, from = v->offset;
    for (;;) {
        *out++ = number(v->p + from * size, v->type, v->big_endian);
        int d = v->ndim - 1;
        while (d >= 0 && ++at[d] == v->shape[d]) {
            from -= (v->shape[d] - 1) * v->stride[d];
            at[d--] = 0;
        }
        if (d < 0)
            return;
        from += v->stride[d];
    }
}

static bool contiguous(const struct view *v)
{
    int64_t expected = 1;
    for (int d = v->ndim - 1; d >= 0; d--) {
        if (v->shape[d] != 1 && v->stride[d] != expected)
            return false;
        expected *= v->shape[d];
    }
    return true;
}

/* Checks that a view stays in its memory and counts its numbers. */
static int measure(const struct ckpt *c, const char *key, const struct view *v, int64_t *count,
                   struct err *e)
{
    int64_t last = v->offset, n = 1;
    bool good = v->offset >= 0;
    for (int d = 0; d < v->ndim && good; d++)
        good = v->shape[d] >= 0 && v->stride[d] >= 0 && !__builtin_mul_overflow(n, v->shape[d], &n);
    if (good && n > 0)
        for (int d = 0; d < v->ndim && good; d++) {
            int64_t reach;
            good = !__builtin_mul_overflow(v->shape[d] - 1, v->stride[d], &reach) &&
                   !__builtin_add_overflow(last, reach, &last);
        }
    /* A tensor that shows numbers more than once could be of any size. */
    if (!good || (n > 0 && last >= v->elements) || n > v->elements)
        return ckpt_error(
            c, key, e,
            "expected at most the %lld numbers of its storage, found a tensor that needs more",
            (long long)v->elements);
    *count = n;
    return 0;
}

static int check_finite(const struct ckpt *c, const char *key, const float *p, int64_t n,
                        struct err *e)
{
    for (int64_t i = 0; i < n; i++)
        if (!isfinite(p[i]))
            return ckpt_error(c, key, e, "expected finite numbers in float32, found %s at %lld",
                              isnan(p[i]) ? "nan" : "inf", (long long)i);
    return 0;
}

int ckpt_add(struct ckpt *c, const char *key, const struct view *v, struct err *e)
{
    static const float nothing[1];
    struct ckpt_tensor t = {.name = without_prefixes(key), .ndim = v->ndim, .data = nothing};
    if (measure(c, key, v, &t.count, e) != 0)
        return -1;
    memcpy(t.shape, v->shape, sizeof t.shape);
    const unsigned char *p = t.count ? v->p + v->offset * ckpt_type_bytes(v->type) : NULL;
    if (p && v->type == CKPT_F32 && v->big_endian == host_is_big() && contiguous(v) &&
        (uintptr_t)p % _Alignof(float) == 0) {
        t.data = (const float *)(const void *)p;
    } else if (p) {
        /* Views that share a storage could ask for any amount of memory. */
        const uint64_t repeats = 2;
        uint64_t bytes = c->map.n + c->zip.unpacked;
        c->converted += (uint64_t)t.count;
        if (c->converted / repeats > bytes)
            return ckpt_error(c, key, e,
                              "expected tensors in keeping with storages of %llu bytes, found more",
                              (unsigned long long)bytes);
        float *f = own(c, mem_alloc((size_t)t.count, sizeof *f));
        convert(v, f);
        t.data = f;
    }
    if (check_finite(c, key, t.data, t.count, e) != 0)
        return -1;
    if (c->n == c->room) {
        c->room = c->room ? 2 * c->room : 256;
        c->tensor = mem_grow(c->tensor, (size_t)c->room, sizeof *c->tensor);
    }
    c->tensor[c->n++] = t;
    return 0;
}
