#include "ckpt/protobuf.h"

#include <string.h>

/* How deep groups may lie in one another. */
enum { GROUPS = 16, VARINT_BITS = 70 };

static bool varint(struct pb *m, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; m->n > 0 && shift < VARINT_BITS; shift += 7) {
        const unsigned char c = *m->p++;
        m->n--;
        *value |= (uint64_t)(c & 0x7f) << shift;
        if (c < 0x80)
            return true;
    }
    return false;
}

static bool fixed(struct pb *m, size_t width, uint64_t *value)
{
    *value = 0;
    if (m->n < width)
        return false;
    for (size_t i = width; i > 0; i--)
        *value = *value << 8 | m->p[i - 1];
    m->p += width;
    m->n -= width;
    return true;
}

bool pb_number(struct pb *m, enum pb_wire wire, uint64_t *value)
{
    return wire == PB_VARINT ? varint(m, value) : fixed(m, wire == PB_FIXED64 ? 8 : 4, value);
}

static bool take(struct pb *m, struct pb_field *f)
{
    uint64_t tag, n;
    *f = (struct pb_field){.number = 0};
    if (!varint(m, &tag) || tag >> 3 == 0 || tag > UINT32_MAX || (tag & 7) > PB_FIXED32)
        return false;
    f->number = (uint32_t)tag >> 3;
    f->wire = (enum pb_wire)(tag & 7);
    if (f->wire == PB_GROUP || f->wire == PB_GROUP_END)
        return true;
    if (f->wire != PB_BYTES)
        return pb_number(m, f->wire, &f->value);
    if (!varint(m, &n) || n > m->n)
        return false;
    f->bytes = (struct pb){m->p, (size_t)n};
    m->p += n;
    m->n -= (size_t)n;
    return true;
}

int pb_next(struct pb *m, struct pb_field *f)
{
    uint32_t open[GROUPS];
    int depth = 0;
    while (m->n > 0) {
        if (!take(m, f))
            return -1;
        if (f->wire == PB_GROUP) {
            if (depth == GROUPS)
                return -1;
            open[depth++] = f->number;
        } else if (f->wire == PB_GROUP_END) {
            if (depth == 0 || open[--depth] != f->number)
                return -1;
        } else if (depth == 0) {
            return 1;
        }
    }
    return depth > 0 ? -1 : 0;
}

bool pb_is(struct pb text, const char *word)
{
    return text.n == strlen(word) && memcmp(text.p, word, text.n) == 0;
}
