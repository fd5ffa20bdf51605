/* Messages of protocol buffers in memory, field by field, without their descriptions.
 * https://protobuf.dev/programming-guides/encoding */
#ifndef HP_PROTOBUF_H
#define HP_PROTOBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pb_wire { PB_VARINT, PB_FIXED64, PB_BYTES, PB_GROUP, PB_GROUP_END, PB_FIXED32 };

/* What is left of a message. */
struct pb {
    const unsigned char *p;
    size_t n;
};

struct pb_field {
    uint32_t number;
    enum pb_wire wire; /* never that of a group: groups are passed over */
    uint64_t value;    /* of a number */
    struct pb bytes;   /* of PB_BYTES: a text, a message, packed numbers */
};

/* Takes the next field off. 1, 0 at the end of the message, -1 where the bytes are no field. */
int pb_next(struct pb *m, struct pb_field *f);

/* Takes one number of that kind off packed ones: false where there is none. */
bool pb_number(struct pb *m, enum pb_wire wire, uint64_t *value);

/* Whether bytes are this text. */
bool pb_is(struct pb text, const char *word);

#endif
