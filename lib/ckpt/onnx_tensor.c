/* TensorProto: elements in raw_data, in fields of one kind of number, or in a file beside the
 * model. */
#include "ckpt/onnx_read.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum {
    DIMS = 1,
    DATA_TYPE = 2,
    SEGMENT = 3,
    FLOAT_DATA = 4,
    INT32_DATA = 5,
    STRING_DATA = 6,
    INT64_DATA = 7,
    NAME = TENSOR_NAME,
    RAW_DATA = 9,
    DOUBLE_DATA = 10,
    UINT64_DATA = 11,
    EXTERNAL_DATA = 13,
    DATA_LOCATION = 14
};

enum { KEY = 1, VALUE = 2, LOCATION_BYTES = 255, DIGITS = 18 };

static const size_t BESIDE_LIMIT = (size_t)1 << 36; /* as of a checkpoint */

/* The numbers of TensorProto.DataType, and the field that holds such elements where raw_data does
 * not. */
static const struct {
    int type; /* CKPT_TYPES: none that is read */
    uint32_t field;
} types[] = {{CKPT_TYPES, 0},          {CKPT_F32, FLOAT_DATA},    {CKPT_U8, INT32_DATA},
             {CKPT_I8, INT32_DATA},    {CKPT_U16, INT32_DATA},    {CKPT_I16, INT32_DATA},
             {CKPT_I32, INT32_DATA},   {CKPT_I64, INT64_DATA},    {CKPT_TYPES, STRING_DATA},
             {CKPT_BOOL, INT32_DATA},  {CKPT_F16, INT32_DATA},    {CKPT_F64, DOUBLE_DATA},
             {CKPT_U32, UINT64_DATA},  {CKPT_U64, UINT64_DATA},   {CKPT_C64, FLOAT_DATA},
             {CKPT_C128, DOUBLE_DATA}, {CKPT_BF16, INT32_DATA},   {CKPT_F8_E4M3, INT32_DATA},
             {CKPT_TYPES, 0},          {CKPT_F8_E5M2, INT32_DATA}};

bool onnx_is_real(uint64_t type)
{
    return type < sizeof types / sizeof *types && types[type].type <= CKPT_BF16;
}

/* A TensorProto as its fields say. */
struct proto {
    struct ckpt_tensor t;
    uint64_t type;
    struct pb raw;
    bool has_raw, external;
    uint32_t numbers; /* field that holds the elements, or 0 */
    const char *location;
    int64_t offset, length; /* -1: not given */
};

/* --- elements in fields of numbers --- */

static enum pb_wire wire_of(uint32_t field)
{
    return field == FLOAT_DATA ? PB_FIXED32 : field == DOUBLE_DATA ? PB_FIXED64 : PB_VARINT;
}

/* Appends the numbers of a field, of which the low `width` bytes count: false where they are of
 * another kind, or more than `most` bytes. */
static bool append(const struct pb_field *f, size_t width, unsigned char *out, size_t *at,
                   size_t most)
{
    const enum pb_wire wire = wire_of(f->number);
    struct pb packed = f->bytes;
    uint64_t v = f->value;
    if (f->wire != PB_BYTES && f->wire != wire)
        return false;
    do {
        if (f->wire == PB_BYTES && packed.n == 0)
            break;
        if ((f->wire == PB_BYTES && !pb_number(&packed, wire, &v)) || most - *at < width)
            return false;
        for (size_t i = 0; i < width; i++)
            out[(*at)++] = (unsigned char)(v >> 8 * i);
    } while (f->wire == PB_BYTES);
    return true;
}

/* Elements as raw_data would hold them. */
static int decode(struct onnx_reader *r, struct pb m, struct proto *p, struct err *e)
{
    const size_t bytes = p->raw.n, part = p->t.type == CKPT_C64 || p->t.type == CKPT_C128 ? 2 : 1;
    const size_t width = (size_t)ckpt_type_bytes(p->t.type) / part;
    struct pb_field f;
    size_t at = 0;
    if (bytes > r->room)
        return ckpt_error(r->c, p->t.name, e,
                          "expected tensors in keeping with the file, found more");
    r->room -= bytes;
    unsigned char *out = ckpt_own(r->c, mem_alloc(bytes + 1, 1));
    bool good = true;
    while (good && pb_next(&m, &f) > 0)
        if (f.number == p->numbers)
            good = append(&f, width, out, &at, bytes);
    if (!good || at != bytes)
        return ckpt_error(r->c, p->t.name, e, "expected %lld elements, found %s",
                          (long long)p->t.elements, good ? "fewer" : "others");
    p->t.p = out;
    return 0;
}

/* --- elements in a file beside the model --- */

/* Digits alone: no sign, no space. */
static bool read_size(struct pb text, int64_t *out)
{
    *out = 0;
    for (size_t i = 0; i < text.n && i <= DIGITS; i++) {
        if (text.p[i] < '0' || text.p[i] > '9' || i == DIGITS)
            return false;
        *out = 10 * *out + (text.p[i] - '0');
    }
    return text.n > 0;
}

/* One of location, offset and length; other keys are not for a reader. */
static int read_entry(struct onnx_reader *r, struct pb m, struct proto *p, struct err *e)
{
    struct pb key = {.n = 0}, value = {.n = 0};
    struct pb_field f;
    int more;
    while ((more = pb_next(&m, &f)) > 0)
        if (f.wire == PB_BYTES && f.number == KEY)
            key = f.bytes;
        else if (f.wire == PB_BYTES && f.number == VALUE)
            value = f.bytes;
    if (more < 0)
        return onnx_broken(r, "a tensor's external_data", e);
    int64_t *number = pb_is(key, "offset") ? &p->offset : pb_is(key, "length") ? &p->length : NULL;
    if (number)
        return *number >= 0 || !read_size(value, number)
                   ? err_set(e,
                             "%s: external_data: expected one %.*s in digits, found another text",
                             r->c->name, (int)key.n, (const char *)key.p)
                   : 0;
    if (!pb_is(key, "location"))
        return 0;
    if (p->location || value.n > LOCATION_BYTES)
        return err_set(e, "%s: external_data: expected one location of at most %d bytes",
                       r->c->name, LOCATION_BYTES);
    return onnx_text(r, value, &p->location, e);
}

static int open_beside(struct onnx_reader *r, const struct proto *p, struct err *e)
{
    struct err why;
    if (!p->location)
        return ckpt_error(r->c, p->t.name, e, "expected the location of its elements, found none");
    if (r->beside && strcmp(r->beside, p->location) != 0)
        return ckpt_error(r->c, p->t.name, e,
                          "expected elements in one file beside the model, '%s', found a second, "
                          "'%s'; in Python, onnx.save(onnx.load(FILE), \"model.onnx\") writes one "
                          "file",
                          r->beside, p->location);
    if (r->beside)
        return 0;
    if (!r->c->path)
        return ckpt_error(r->c, p->t.name, e,
                          "its elements are in a file beside the model: expected the model as a "
                          "file, found it on a stream");
    r->beside = r->c->beside_name = p->location;
    return map_beside(&r->c->beside, r->c->path, p->location, BESIDE_LIMIT, &why) == 0
               ? 0
               : ckpt_error(r->c, p->t.name, e, "external_data: %.400s", why.msg);
}

static int find_external(struct onnx_reader *r, struct proto *p, struct err *e)
{
    if (p->has_raw || p->numbers)
        return ckpt_error(r->c, p->t.name, e,
                          "expected elements in the model or beside it, found both");
    if (open_beside(r, p, e) != 0)
        return -1;
    const size_t n = r->c->beside.n, need = p->raw.n;
    const uint64_t offset = p->offset < 0 ? 0 : (uint64_t)p->offset;
    const uint64_t length = p->length < 0 ? need : (uint64_t)p->length;
    if (length != need || offset > n || length > n - offset)
        return ckpt_error(r->c, p->t.name, e,
                          "expected %zu bytes of '%s' from byte %llu on, found %llu in a file of "
                          "%zu",
                          need, p->location, (unsigned long long)offset, (unsigned long long)length,
                          n);
    p->t.p = r->c->beside.p + offset;
    return 0;
}

/* --- the message --- */

static bool add_dim(struct proto *p, uint64_t v)
{
    if (p->t.ndim >= CKPT_DIMS || v > INT64_MAX)
        return false;
    p->t.shape[p->t.ndim++] = (int64_t)v;
    return true;
}

static bool add_dims(struct proto *p, const struct pb_field *f)
{
    struct pb packed = f->bytes;
    uint64_t v;
    if (f->wire != PB_BYTES)
        return f->wire == PB_VARINT && add_dim(p, f->value);
    while (packed.n > 0)
        if (!pb_number(&packed, PB_VARINT, &v) || !add_dim(p, v))
            return false;
    return true;
}

static int read_field(struct onnx_reader *r, struct proto *p, const struct pb_field *f,
                      struct err *e)
{
    switch (f->number) {
    case DIMS:
        return add_dims(p, f) ? 0
                              : err_set(e,
                                        "%s: a tensor: expected at most %d axes without negative "
                                        "sizes, found others",
                                        r->c->name, CKPT_DIMS);
    case DATA_TYPE:
        p->type = f->value;
        return 0;
    case SEGMENT:
    case STRING_DATA:
        return err_set(e, "%s: expected whole tensors of numbers, found %s", r->c->name,
                       f->number == SEGMENT ? "a segment of one" : "texts");
    case FLOAT_DATA:
    case INT32_DATA:
    case INT64_DATA:
    case DOUBLE_DATA:
    case UINT64_DATA:
        /* Empty ones are no more than left out. */
        if (f->wire == PB_BYTES && f->bytes.n == 0)
            return 0;
        if (p->numbers && p->numbers != f->number)
            return err_set(e, "%s: a tensor: expected elements of one kind, found two", r->c->name);
        p->numbers = f->number;
        return 0;
    case NAME:
        return p->t.name || f->wire != PB_BYTES
                   ? 0
                   : ckpt_key(r->c, f->bytes.p, f->bytes.n, &p->t.name, e);
    case RAW_DATA:
        p->raw = f->bytes;
        p->has_raw = f->wire == PB_BYTES;
        return 0;
    case EXTERNAL_DATA:
        return f->wire == PB_BYTES ? read_entry(r, f->bytes, p, e) : 0;
    case DATA_LOCATION:
        p->external = f->value == 1;
        return 0;
    default:
        return 0;
    }
}

/* Finds the elements, whose bytes are counted in p->raw.n. */
static int locate(struct onnx_reader *r, struct pb m, struct proto *p, struct err *e)
{
    struct pb raw = p->raw;
    const int64_t size = ckpt_type_bytes(p->t.type);
    int64_t count = 1, bytes, stride = 1;
    for (int d = p->t.ndim - 1; d >= 0; d--) {
        p->t.stride[d] = stride;
        /* Fits as the count does, but for a zero further on. */
        if (__builtin_mul_overflow(stride, p->t.shape[d], &stride))
            stride = 0;
    }
    for (int d = 0; d < p->t.ndim; d++)
        if (__builtin_mul_overflow(count, p->t.shape[d], &count))
            return ckpt_error(r->c, p->t.name, e, "expected a size, found one out of range");
    if (__builtin_mul_overflow(count, size, &bytes))
        return ckpt_error(r->c, p->t.name, e, "expected a size, found one out of range");
    p->t.elements = count;
    p->raw.n = (size_t)bytes;
    if (p->external)
        return find_external(r, p, e);
    if (p->has_raw && p->numbers)
        return ckpt_error(r->c, p->t.name, e, "expected elements of one kind, found two");
    if (count == 0 && raw.n == 0 && !p->numbers) {
        p->t.p = m.p;
        return 0;
    }
    if (p->numbers)
        return p->numbers == types[p->type].field
                   ? decode(r, m, p, e)
                   : ckpt_error(r->c, p->t.name, e, "expected elements of its type, found others");
    if (!p->has_raw || raw.n != (size_t)bytes)
        return ckpt_error(r->c, p->t.name, e, "expected %lld bytes of elements, found %zu",
                          (long long)bytes, raw.n);
    p->t.p = raw.p;
    return 0;
}

int onnx_tensor(struct onnx_reader *r, struct pb m, const char *name, struct err *e)
{
    struct proto p = {.t = {.name = name}, .offset = -1, .length = -1};
    struct pb rest = m;
    struct pb_field f;
    int more;
    while ((more = pb_next(&rest, &f)) > 0)
        if (read_field(r, &p, &f, e) != 0)
            return -1;
    if (more < 0)
        return onnx_broken(r, "a tensor", e);
    if (!p.t.name)
        return err_set(e, "%s: expected names of tensors, found one without", r->c->name);
    const int type = p.type < sizeof types / sizeof *types ? types[p.type].type : CKPT_TYPES;
    if (type == CKPT_TYPES)
        return ckpt_error(r->c, p.t.name, e, "expected a type such as float32, found number %llu",
                          (unsigned long long)p.type);
    p.t.type = (enum ckpt_type)type;
    return locate(r, m, &p, e) != 0 ? -1 : ckpt_add(r->c, &p.t, e);
}
