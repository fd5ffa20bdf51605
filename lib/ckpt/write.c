/* State dicts as files: .safetensors, and the zip archives of torch.save. */
#include "ckpt/ckpt.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/prog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static int64_t count_of(const struct ckpt_item *t)
{
    int64_t n = 1;
    for (int d = 0; d < t->ndim; d++)
        n *= t->shape[d];
    return n;
}

static size_t bytes_of(const struct ckpt_item *t)
{
    return (size_t)count_of(t) * (size_t)ckpt_type_bytes(t->type);
}

struct writer {
    struct out *out;
    const struct ckpt_item *item;
    int items;
    int (*fill)(void *ctx, const struct ckpt_item *item, void *out, struct err *e);
    void *ctx;
    uint64_t at; /* bytes written */
};

static int put(struct writer *w, const void *p, size_t n, struct err *e)
{
    w->at += n;
    return out_write(w->out, p, n, e);
}

static void put_le(unsigned char *p, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        p[i] = (unsigned char)(v >> 8 * i);
}

/* A tensor's bytes; caller frees. */
static unsigned char *filled(const struct writer *w, const struct ckpt_item *t, struct err *e)
{
    unsigned char *p = mem_alloc(bytes_of(t), 1);
    if (w->fill(w->ctx, t, p, e) == 0)
        return p;
    free(p);
    return NULL;
}

/* --- text that grows --- */

struct text {
    unsigned char *p;
    size_t n, room;
};

static void add(struct text *t, const void *p, size_t n)
{
    if (t->room - t->n < n) {
        t->room = 2 * t->room + n + 256;
        t->p = mem_grow(t->p, t->room, 1);
    }
    memcpy(t->p + t->n, p, n);
    t->n += n;
}

static void add_text(struct text *t, const char *s)
{
    add(t, s, strlen(s));
}

/* --- .safetensors --- */

/* The header's text; keys have no control characters. */
static void put_header(struct text *t, const struct writer *w)
{
    int64_t at = 0;
    add_text(t, "{\"__metadata__\":{\"format\":\"pt\"}");
    for (int i = 0; i < w->items; i++) {
        const struct ckpt_item *item = &w->item[i];
        int64_t end = at + (int64_t)bytes_of(item);
        char number[64];
        add_text(t, ",\"");
        for (const char *p = item->name; *p; p++) {
            if (*p == '"' || *p == '\\')
                add_text(t, "\\");
            add(t, p, 1);
        }
        add_text(t, "\":{\"dtype\":\"");
        add_text(t, ckpt_type_code(item->type));
        add_text(t, "\",\"shape\":[");
        for (int d = 0; d < item->ndim; d++) {
            snprintf(number, sizeof number, "%s%lld", d ? "," : "", (long long)item->shape[d]);
            add_text(t, number);
        }
        snprintf(number, sizeof number, "],\"data_offsets\":[%lld,%lld]}", (long long)at,
                 (long long)end);
        add_text(t, number);
        at = end;
    }
    add_text(t, "}");
}

static int write_safetensors(struct writer *w, struct err *e)
{
    enum { ALIGN = 8 };
    struct text text = {NULL, 0, 0};
    unsigned char length[8];
    for (int i = 0; i < w->items; i++)
        if (strcmp(w->item[i].name, "__metadata__") == 0)
            return err_set(e, "%s: expected no tensor of the name __metadata__, found one",
                           out_name(w->out));
    put_header(&text, w);
    size_t padded = (text.n + ALIGN - 1) / ALIGN * ALIGN;
    put_le(length, padded, 8);
    int r = put(w, length, sizeof length, e);
    if (r == 0)
        r = put(w, text.p, text.n, e);
    if (r == 0)
        r = put(w, "       ", padded - text.n, e);
    free(text.p);
    for (int i = 0; i < w->items && r == 0; i++) {
        unsigned char *p = filled(w, &w->item[i], e);
        prog_progress("tensors", i, w->items);
        r = p ? put(w, p, bytes_of(&w->item[i]), e) : -1;
        free(p);
    }
    return r;
}

/* --- zip --- */

struct entry {
    char name[64];
    uint64_t at, n;
    uint32_t crc;
};

enum { STORED_ALIGN = 64, ZIP64_EXTRA = 1, PAD_EXTRA = 0x4246, DATE_1980 = 33 };

/* A stored record, its bytes on a boundary as torch.save puts them; sizes in a zip64
 * field only where they need one. */
static int put_record(struct writer *w, struct entry *t, const unsigned char *p, size_t n,
                      struct err *e)
{
    enum { LOCAL = 30 };
    const uint32_t large = UINT32_MAX;
    unsigned char head[LOCAL + sizeof t->name + 20 + 4 + STORED_ALIGN] = {'P', 'K', 3, 4};
    size_t name = strlen(t->name), at = LOCAL + name, extra = 0;
    bool wide = n >= large;
    t->at = w->at;
    t->n = n;
    t->crc = (uint32_t)crc32_z(crc32_z(0, NULL, 0), p, n);
    memcpy(head + LOCAL, t->name, name);
    if (wide) {
        put_le(head + at, ZIP64_EXTRA, 2);
        put_le(head + at + 2, 16, 2);
        put_le(head + at + 4, n, 8);
        put_le(head + at + 12, n, 8);
        extra = 20;
    }
    size_t over = (w->at + at + extra + 4) % STORED_ALIGN, fill = over ? STORED_ALIGN - over : 0;
    put_le(head + at + extra, PAD_EXTRA, 2);
    put_le(head + at + extra + 2, fill, 2);
    extra += 4 + fill;
    put_le(head + 4, wide ? 45 : 20, 2);
    put_le(head + 12, DATE_1980, 2);
    put_le(head + 14, t->crc, 4);
    put_le(head + 18, wide ? large : n, 4);
    put_le(head + 22, wide ? large : n, 4);
    put_le(head + 26, name, 2);
    put_le(head + 28, extra, 2);
    if (put(w, head, at + extra, e) != 0)
        return -1;
    return put(w, p, n, e);
}

/* An entry of the directory: sizes and offset always in a zip64 field where one of them
 * needs it. */
static int put_entry(struct writer *w, const struct entry *t, struct err *e)
{
    enum { CENTRAL = 46 };
    const uint32_t large = UINT32_MAX;
    unsigned char head[CENTRAL + sizeof t->name + 28] = {'P', 'K', 1, 2};
    size_t name = strlen(t->name), extra = 0;
    bool wide = t->n >= large || t->at >= large;
    memcpy(head + CENTRAL, t->name, name);
    if (wide) {
        unsigned char *p = head + CENTRAL + name;
        put_le(p, ZIP64_EXTRA, 2);
        put_le(p + 2, 24, 2);
        put_le(p + 4, t->n, 8);
        put_le(p + 12, t->n, 8);
        put_le(p + 20, t->at, 8);
        extra = 28;
    }
    put_le(head + 4, wide ? 45 : 20, 2);
    put_le(head + 6, wide ? 45 : 20, 2);
    put_le(head + 14, DATE_1980, 2);
    put_le(head + 16, t->crc, 4);
    put_le(head + 20, wide ? large : t->n, 4);
    put_le(head + 24, wide ? large : t->n, 4);
    put_le(head + 28, name, 2);
    put_le(head + 30, extra, 2);
    put_le(head + 42, wide ? large : t->at, 4);
    return put(w, head, CENTRAL + name + extra, e);
}

static int put_directory(struct writer *w, const struct entry *t, int n, struct err *e)
{
    const uint32_t large = UINT32_MAX;
    uint64_t from = w->at;
    for (int i = 0; i < n; i++)
        if (put_entry(w, &t[i], e) != 0)
            return -1;
    uint64_t end = w->at, bytes = end - from;
    bool wide = from >= large || bytes >= large || n >= UINT16_MAX;
    if (wide) {
        unsigned char p[56 + 20] = {'P', 'K', 6, 6};
        put_le(p + 4, 44, 8);
        put_le(p + 12, 45, 2);
        put_le(p + 14, 45, 2);
        put_le(p + 24, (uint64_t)n, 8);
        put_le(p + 32, (uint64_t)n, 8);
        put_le(p + 40, bytes, 8);
        put_le(p + 48, from, 8);
        memcpy(p + 56, "PK\6\7", 4);
        put_le(p + 64, end, 8);
        put_le(p + 72, 1, 4);
        if (put(w, p, sizeof p, e) != 0)
            return -1;
    }
    unsigned char p[22] = {'P', 'K', 5, 6};
    put_le(p + 8, wide ? UINT16_MAX : (uint64_t)n, 2);
    put_le(p + 10, wide ? UINT16_MAX : (uint64_t)n, 2);
    put_le(p + 12, wide ? large : bytes, 4);
    put_le(p + 16, wide ? large : from, 4);
    return put(w, p, sizeof p, e);
}

/* --- the pickle of a state dict, protocol 2 --- */

static void add_string(struct text *t, const char *s)
{
    unsigned char head[5] = {'X'};
    put_le(head + 1, strlen(s), 4);
    add(t, head, sizeof head);
    add_text(t, s);
}

static void add_int(struct text *t, int64_t v)
{
    unsigned char small[5] = {'J'}, large[10] = {0x8a, 8};
    if (v <= INT32_MAX) {
        put_le(small + 1, (uint64_t)v, 4);
        add(t, small, sizeof small);
    } else {
        put_le(large + 2, (uint64_t)v, 8);
        add(t, large, sizeof large);
    }
}

static const char *storage_name(enum ckpt_type type)
{
    static const char *const name[CKPT_TYPES] = {
        [CKPT_F32] = "FloatStorage",        [CKPT_F64] = "DoubleStorage",
        [CKPT_F16] = "HalfStorage",         [CKPT_BF16] = "BFloat16Storage",
        [CKPT_I64] = "LongStorage",         [CKPT_I32] = "IntStorage",
        [CKPT_I16] = "ShortStorage",        [CKPT_I8] = "CharStorage",
        [CKPT_U8] = "ByteStorage",          [CKPT_BOOL] = "BoolStorage",
        [CKPT_C64] = "ComplexFloatStorage", [CKPT_C128] = "ComplexDoubleStorage",
    };
    return name[type];
}

/* _rebuild_tensor_v2(storage, 0, shape, strides, False, OrderedDict()) */
static void add_tensor(struct text *t, const struct ckpt_item *item, int number)
{
    char key[16];
    int64_t stride[CKPT_DIMS], n = 1;
    for (int d = item->ndim - 1; d >= 0; d--) {
        stride[d] = n;
        n *= item->shape[d] > 1 ? item->shape[d] : 1;
    }
    snprintf(key, sizeof key, "%d", number);
    add_string(t, item->name);
    add_text(t, "ctorch._utils\n_rebuild_tensor_v2\n((");
    add_string(t, "storage");
    add_text(t, "ctorch\n");
    add_text(t, storage_name(item->type));
    add_text(t, "\n");
    add_string(t, key);
    add_string(t, "cpu");
    add_int(t, count_of(item));
    add_text(t, "tQK");
    add(t, "\0(", 2);
    for (int d = 0; d < item->ndim; d++)
        add_int(t, item->shape[d]);
    add_text(t, "t(");
    for (int d = 0; d < item->ndim; d++)
        add_int(t, stride[d]);
    add_text(t, "t\x89"
                "ccollections\nOrderedDict\n)RtR");
}

static int write_zip(struct writer *w, struct err *e)
{
    static const char top[] = "archive/";
    struct entry *t = mem_zero((size_t)w->items + 3, sizeof *t);
    struct text pickle = {NULL, 0, 0};
    int n = 0, r = 0;
    add_text(&pickle, "\x80\2ccollections\nOrderedDict\n)R(");
    for (int i = 0; i < w->items && r == 0; i++) {
        if (!storage_name(w->item[i].type))
            r = err_set(e, "%s: %s: numbers of the type %s cannot be written as .pth",
                        out_name(w->out), w->item[i].name, ckpt_type_name(w->item[i].type));
        else
            add_tensor(&pickle, &w->item[i], i);
    }
    add_text(&pickle, "u.");
    snprintf(t[n].name, sizeof t[n].name, "%sdata.pkl", top);
    if (r == 0)
        r = put_record(w, &t[n++], pickle.p, pickle.n, e);
    free(pickle.p);
    if (r == 0) {
        snprintf(t[n].name, sizeof t[n].name, "%sbyteorder", top);
        r = put_record(w, &t[n++], (const unsigned char *)"little", 6, e);
    }
    for (int i = 0; i < w->items && r == 0; i++) {
        unsigned char *p = filled(w, &w->item[i], e);
        prog_progress("tensors", i, w->items);
        snprintf(t[n].name, sizeof t[n].name, "%sdata/%d", top, i);
        r = p ? put_record(w, &t[n++], p, bytes_of(&w->item[i]), e) : -1;
        free(p);
    }
    if (r == 0) {
        snprintf(t[n].name, sizeof t[n].name, "%sversion", top);
        r = put_record(w, &t[n++], (const unsigned char *)"3\n", 2, e);
    }
    if (r == 0)
        r = put_directory(w, t, n, e);
    free(t);
    return r;
}

int ckpt_write(const char *path, enum ckpt_format format, const struct ckpt_item *item, int items,
               int (*fill)(void *ctx, const struct ckpt_item *item, void *out, struct err *e),
               void *ctx, struct err *e)
{
    struct writer w = {.item = item, .items = items, .fill = fill, .ctx = ctx};
    if (out_open(&w.out, path, e) != 0)
        return -1;
    int r = format == CKPT_SAFETENSORS ? write_safetensors(&w, e) : write_zip(&w, e);
    prog_progress_end();
    if (r != 0) {
        out_abort(w.out);
        return -1;
    }
    return out_close(w.out, e);
}
