#include "ckpt/store.h"

#include "base/mem.h"
#include "base/prog.h"
#include "base/text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { KEY_BYTES = 500 };

static const struct {
    const char *name, *code;
    int bytes;
} types[CKPT_TYPES] = {
    [CKPT_F32] = {"float32", "F32", 4},
    [CKPT_F64] = {"float64", "F64", 8},
    [CKPT_F16] = {"float16", "F16", 2},
    [CKPT_BF16] = {"bfloat16", "BF16", 2},
    [CKPT_F8_E4M3] = {"float8_e4m3fn", "F8_E4M3", 1},
    [CKPT_F8_E5M2] = {"float8_e5m2", "F8_E5M2", 1},
    [CKPT_I64] = {"int64", "I64", 8},
    [CKPT_I32] = {"int32", "I32", 4},
    [CKPT_I16] = {"int16", "I16", 2},
    [CKPT_I8] = {"int8", "I8", 1},
    [CKPT_U64] = {"uint64", "U64", 8},
    [CKPT_U32] = {"uint32", "U32", 4},
    [CKPT_U16] = {"uint16", "U16", 2},
    [CKPT_U8] = {"uint8", "U8", 1},
    [CKPT_BOOL] = {"bool", "BOOL", 1},
    [CKPT_C64] = {"complex64", "C64", 8},
    [CKPT_C128] = {"complex128", "C128", 16},
};

const char *ckpt_type_name(enum ckpt_type type)
{
    return types[type].name;
}

const char *ckpt_type_code(enum ckpt_type type)
{
    return types[type].code;
}

int ckpt_type_bytes(enum ckpt_type type)
{
    return types[type].bytes;
}

char *ckpt_shape(char *buf, size_t room, int ndim, const int64_t *shape)
{
    size_t at = (size_t)snprintf(buf, room, "(");
    for (int i = 0; i < ndim && at < room; i++) {
        if (shape[i] < 0)
            at += (size_t)snprintf(buf + at, room - at, "%s*", i ? ", " : "");
        else
            at +=
                (size_t)snprintf(buf + at, room - at, "%s%lld", i ? ", " : "", (long long)shape[i]);
    }
    if (at < room)
        snprintf(buf + at, room - at, ndim == 1 ? ",)" : ")");
    return buf;
}

/* Whether one of the words of a path is in a list that ends with NULL. */
static bool has_word(const char *path, const char *const *words)
{
    static const char between[] = "/._- ";
    for (const char *p = path + strspn(path, between); *p; p += strspn(p, between)) {
        size_t n = strcspn(p, between);
        for (const char *const *w = words; *w; w++)
            if (n == strlen(*w) && strncasecmp(p, *w, n) == 0)
                return true;
        p += n;
    }
    return false;
}

bool ckpt_is_average(const char *path)
{
    static const char *const words[] = {"ema", "swa", "average", "averaged", "averages", NULL};
    return has_word(path, words);
}

bool ckpt_is_training(const char *path)
{
    static const char *const words[] = {"optim",      "optimizer", "optimizers", "optimiser",
                                        "optimisers", "opt",       "scheduler",  "schedulers",
                                        "scaler",     NULL};
    return has_word(path, words);
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

void *ckpt_own(struct ckpt *c, void *p)
{
    c->owned = mem_extend(c->owned, c->owned_n, c->owned_n + 1, sizeof *c->owned);
    c->owned[c->owned_n++] = p;
    return p;
}

int ckpt_key(struct ckpt *c, const unsigned char *p, size_t n, const char **key, struct err *e)
{
    bool good = n <= KEY_BYTES;
    for (size_t i = 0, width; i < n && good; i += width) {
        width = text_shown((const char *)p + i, n - i);
        good = width > 0;
    }
    if (!good)
        return err_set(e, "%s: expected keys of printable text of at most %d bytes, found another",
                       c->name, KEY_BYTES);
    if (c->n >= CKPT_TENSORS)
        return err_set(e, "%s: expected at most %d tensors, found more", c->name, CKPT_TENSORS);
    char *s = ckpt_own(c, mem_alloc(n + 1, 1));
    memcpy(s, p, n);
    s[n] = '\0';
    *key = s;
    return 0;
}

void ckpt_add_extra(struct ckpt *c, const char *path, const char *text)
{
    c->extra = mem_extend(c->extra, (size_t)c->extras, (size_t)c->extras + 1, sizeof *c->extra);
    c->extra[c->extras++] = (struct ckpt_extra){
        ckpt_own(c, text_clean(path, '?')),
        ckpt_own(c, text_clean(text, '?')),
    };
}

/* --- where a tensor lies --- */

int ckpt_measure(const struct ckpt *c, struct ckpt_tensor *t, struct err *e)
{
    int64_t last = t->offset, n = 1;
    bool good = t->offset >= 0, empty = false;
    for (int d = 0; d < t->ndim && good; d++) {
        good = t->shape[d] >= 0 && t->stride[d] >= 0 &&
               (t->shape[d] == 0 || !__builtin_mul_overflow(n, t->shape[d], &n));
        empty = empty || t->shape[d] == 0;
    }
    n = empty ? 0 : n;
    if (good && n > 0)
        for (int d = 0; d < t->ndim && good; d++) {
            int64_t reach;
            good = !__builtin_mul_overflow(t->shape[d] - 1, t->stride[d], &reach) &&
                   !__builtin_add_overflow(last, reach, &last);
        }
    /* A tensor that shows numbers more than once could be of any size. */
    if (!good || (n > 0 && last >= t->elements) || n > t->elements)
        return ckpt_error(
            c, t->name, e,
            "expected at most the %lld elements of its storage, found a tensor that needs more",
            (long long)t->elements);
    t->count = n;
    return 0;
}

int ckpt_add(struct ckpt *c, const struct ckpt_tensor *t, struct err *e)
{
    c->tensor = mem_extend(c->tensor, (size_t)c->n, (size_t)c->n + 1, sizeof *c->tensor);
    c->tensor[c->n] = *t;
    if (ckpt_measure(c, &c->tensor[c->n], e) != 0)
        return -1;
    c->n++;
    return 0;
}

/* --- reading --- */

static struct zip *zip_of(struct ckpt *c, const struct zip_record *r)
{
    for (int i = 0; i < 2; i++)
        if (zip_has(&c->inside[i], r))
            return &c->inside[i];
    return &c->zip;
}

/* The bytes of a tensor's storage, from its first element on. */
static int locate(struct ckpt *c, const struct ckpt_tensor *t, const unsigned char **p,
                  struct err *e)
{
    static const unsigned char nothing[1];
    if (t->count == 0) {
        *p = nothing;
        return 0;
    }
    if (t->record) {
        /* Of unpacked records one is kept: tensors that share it follow one another. */
        if (c->unpacked && c->unpacked != t->record)
            zip_drop(zip_of(c, c->unpacked), c->unpacked);
        c->unpacked = t->record;
        if (zip_read(zip_of(c, t->record), t->record, e) != 0)
            return -1;
    }
    *p = (t->record ? t->record->bytes : t->p) + t->offset * ckpt_type_bytes(t->type);
    return 0;
}

static bool contiguous(const struct ckpt_tensor *t)
{
    int64_t expected = 1;
    for (int d = t->ndim - 1; d >= 0; d--) {
        if (t->shape[d] != 1 && t->stride[d] != expected)
            return false;
        expected *= t->shape[d];
    }
    return true;
}

/* The element behind `at` in C order, as an offset from the first: false at the end. */
static bool next_element(const struct ckpt_tensor *t, int64_t *at, int64_t *from)
{
    int d = t->ndim - 1;
    while (d >= 0 && ++at[d] == t->shape[d]) {
        *from -= (t->shape[d] - 1) * t->stride[d];
        at[d--] = 0;
    }
    if (d < 0)
        return false;
    *from += t->stride[d];
    return true;
}

/* A part of a complex number is swapped on its own. */
static size_t part_width(enum ckpt_type type)
{
    size_t n = (size_t)ckpt_type_bytes(type);
    return type == CKPT_C64 || type == CKPT_C128 ? n / 2 : n;
}

void ckpt_pass(struct ckpt *c)
{
    c->zip.inflated = c->inside[0].inflated = c->inside[1].inflated = 0;
}

static bool is_float(enum ckpt_type type)
{
    return type < CKPT_I64 || type == CKPT_C64 || type == CKPT_C128;
}

/* Of a float the first bit; of an integer the two's complement. */
static void negate(unsigned char *p, size_t n, bool real)
{
    if (real) {
        p[n - 1] ^= 0x80;
        return;
    }
    unsigned carry = 1;
    for (size_t i = 0; i < n; i++) {
        carry += (unsigned char)~p[i];
        p[i] = (unsigned char)carry;
        carry >>= 8;
    }
}

/* The signs of a lazy view, on little-endian elements. */
static void apply_signs(const struct ckpt_tensor *t, unsigned char *p)
{
    size_t size = (size_t)ckpt_type_bytes(t->type), width = part_width(t->type);
    for (const unsigned char *end = p + (size_t)t->count * size; p < end; p += size)
        for (size_t part = 0; part < size; part += width)
            if (t->negated != (t->conjugated && part > 0))
                negate(p + part, width, is_float(t->type));
}

static float from_f16(uint16_t h)
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
        return from_f16((uint16_t)bits);
    case CKPT_F64:
        memcpy(&d, &bits, sizeof d);
        return (float)d;
    default:
        memcpy(&f, &word, sizeof f);
        return f;
    }
}

/* Of each element whether a mask keeps it; NULL on an error. Caller frees. */
static unsigned char *read_mask(struct ckpt *c, const struct ckpt_tensor *mask, struct err *e)
{
    size_t size = (size_t)ckpt_type_bytes(mask->type);
    unsigned char *keep = mem_alloc((size_t)mask->count, size);
    if (ckpt_read_raw(c, mask, keep, e) != 0) {
        free(keep);
        return NULL;
    }
    for (size_t i = 0; i < (size_t)mask->count; i++) {
        const unsigned char *p = keep + i * size;
        float v = 0;
        if (mask->type <= CKPT_BF16)
            v = number(p, mask->type, false);
        else
            for (size_t b = size; b > 0; b--)
                v = 256 * v + p[b - 1];
        if (v != 0 && v != 1) {
            ckpt_error(c, mask->name, e, "expected a mask of zeros and ones, found %g at %zu",
                       (double)v, i);
            free(keep);
            return NULL;
        }
        keep[i] = v != 0;
    }
    return keep;
}

int ckpt_read_raw(struct ckpt *c, const struct ckpt_tensor *t, void *out, struct err *e)
{
    const unsigned char *p;
    size_t size = (size_t)ckpt_type_bytes(t->type), width = part_width(t->type);
    unsigned char *to = out;
    if (locate(c, t, &p, e) != 0)
        return -1;
    if (contiguous(t)) {
        memcpy(to, p, (size_t)t->count * size);
    } else {
        int64_t at[CKPT_DIMS] = {0}, from = 0;
        if (t->count > 0)
            do {
                memcpy(to, p + from * (int64_t)size, size);
                to += size;
            } while (next_element(t, at, &from));
    }
    if (t->big_endian)
        for (unsigned char *q = out; q < (unsigned char *)out + (size_t)t->count * size; q += width)
            for (size_t i = 0; i < width / 2; i++) {
                unsigned char b = q[i];
                q[i] = q[width - 1 - i];
                q[width - 1 - i] = b;
            }
    if (t->negated || t->conjugated)
        apply_signs(t, out);
    unsigned char *keep = t->mask ? read_mask(c, t->mask, e) : NULL;
    if (t->mask && !keep)
        return -1;
    for (size_t i = 0; keep && i < (size_t)t->count; i++)
        if (!keep[i])
            memset((unsigned char *)out + i * size, 0, size);
    free(keep);
    return 0;
}

static bool host_is_big(void)
{
    return __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
}

int ckpt_read(struct ckpt *c, const struct ckpt_tensor *t, float *out, struct err *e)
{
    const unsigned char *p;
    int64_t size = ckpt_type_bytes(t->type);
    if (t->type > CKPT_BF16)
        return ckpt_error(c, t->name, e, "expected float32, float64, float16 or bfloat16, found %s",
                          ckpt_type_name(t->type));
    if (locate(c, t, &p, e) != 0)
        return -1;
    if (t->type == CKPT_F32 && t->big_endian == host_is_big() && contiguous(t)) {
        memcpy(out, p, (size_t)t->count * sizeof *out);
    } else if (t->count > 0) {
        int64_t at[CKPT_DIMS] = {0}, from = 0, i = 0;
        do
            out[i++] = number(p + from * size, t->type, t->big_endian);
        while (next_element(t, at, &from));
    }
    for (int64_t i = 0; t->far && i < t->count; i++)
        out[i] = isinf(out[i]) ? copysignf(CKPT_FAR, out[i]) : out[i];
    for (int64_t i = 0; i < t->count; i++)
        if (!isfinite(out[i]))
            return ckpt_error(c, t->name, e,
                              "expected finite elements in float32, found %s at %lld",
                              isnan(out[i]) ? "nan" : "inf", (long long)i);
    for (int64_t i = 0; t->negated && i < t->count; i++)
        out[i] = -out[i];
    unsigned char *keep = t->mask ? read_mask(c, t->mask, e) : NULL;
    if (t->mask && !keep)
        return -1;
    for (int64_t i = 0; keep && i < t->count; i++)
        if (!keep[i])
            out[i] = 0;
    free(keep);
    return 0;
}

/* --- checking --- */

static bool is_bad(const struct ckpt_tensor *t)
{
    return t->record && t->record->damaged;
}

/* The records of an archive; how many are at fault. */
static int check_records(struct zip *z, void (*say)(void *ctx, const char *line), void *ctx)
{
    int faults = 0;
    struct err e;
    for (size_t i = 0; i < z->records; i++) {
        if (zip_read(z, &z->record[i], &e) != 0) {
            say(ctx, e.msg);
            faults++;
        }
        zip_drop(z, &z->record[i]);
        prog_progress("records", (int64_t)i + 1, (int64_t)z->records);
    }
    prog_progress_end();
    return faults;
}

int ckpt_check(struct ckpt *c, void (*say)(void *ctx, const char *line), void *ctx)
{
    struct err e;
    int faults = check_records(&c->zip, say, ctx);
    for (int i = 0; i < 2; i++)
        faults += check_records(&c->inside[i], say, ctx);
    c->unpacked = NULL;
    ckpt_pass(c);
    bool bounded = ckpt_bounded(c, &e) == 0;
    if (!bounded) {
        say(ctx, e.msg);
        faults++;
    }
    for (int i = 0; i < c->n && bounded; i++) {
        const struct ckpt_tensor *t = &c->tensor[i];
        if (t->type > CKPT_BF16 || is_bad(t) || (t->mask && is_bad(t->mask)))
            continue;
        float *f = mem_alloc((size_t)t->count, sizeof *f);
        if (ckpt_read(c, t, f, &e) != 0) {
            say(ctx, e.msg);
            faults++;
        }
        free(f);
        prog_progress("tensors", i + 1, c->n);
    }
    prog_progress_end();
    return faults;
}
