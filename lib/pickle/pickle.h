/* Python pickles (protocols 0 to 5) as values. Nothing is imported, called or
 * built: what a pickle asks to be made of a class is an opaque object. A pickle
 * that asks for a call that could act on the machine (os.system) is refused. */
#ifndef HP_PICKLE_H
#define HP_PICKLE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pickle_kind {
    PICKLE_NONE,
    PICKLE_BOOL,      /* i */
    PICKLE_INT,       /* i */
    PICKLE_LONG,      /* text: a larger integer, little-endian two's complement */
    PICKLE_FLOAT,     /* f */
    PICKLE_BYTES,     /* text; also bytearray and the str of Python 2 */
    PICKLE_STR,       /* text: UTF-8, in which surrogates may stand */
    PICKLE_LIST,      /* seq */
    PICKLE_TUPLE,     /* seq */
    PICKLE_SET,       /* seq */
    PICKLE_DICT,      /* seq of keys and values in turn; OrderedDict and defaultdict too */
    PICKLE_GLOBAL,    /* global: a class or function by its name */
    PICKLE_OBJECT,    /* object: an instance of whatever class */
    PICKLE_PERSISTENT /* id: stands for something outside of the pickle */
};

struct pickle_text {
    const unsigned char *p; /* not terminated; into the buffer, or the pickle's */
    size_t n;
};

struct pickle_seq {
    struct pickle_value **item;
    size_t n, room;
};

/* Limits of a reader; a pickle beyond them is refused. */
enum {
    PICKLE_MEMORY = 32 << 20, /* bytes of values, stack and memo, beside decoded text */
    PICKLE_PUSHES = 1 << 22,  /* values put on the stack in all */
    PICKLE_MARKS = 10000,     /* collections open at a time */
    PICKLE_NAME = 512,        /* bytes of "module.name" */
    PICKLE_DECODED = 1 << 20  /* bytes of decoded text beyond those of the pickle */
};

/* Values may be shared, nested to any depth and even hold themselves: code that
 * reads them goes to fixed depths. Only the member that belongs to the kind is there:
 * values are not copied. */
struct pickle_value {
    enum pickle_kind kind;
    union {
        int64_t i;
        double f;
        struct pickle_text text;
        struct pickle_seq seq;
        struct {
            struct pickle_text module, name;
        } global;
        struct {
            struct pickle_value *callable;
            struct pickle_value *args;  /* a tuple */
            struct pickle_value *state; /* as BUILD gave it, or NULL */
            struct pickle_value *items; /* of a subclass of list or dict, or NULL */
        } object;
        struct {
            struct pickle_value *id;
            struct pickle_value *next; /* among all of PICKLE_PERSISTENT */
        };
    };
};

struct pickle;

/* Whether bytes look like the start of a pickled dict. */
bool pickle_starts(const unsigned char *p, size_t n);

/* Reads the pickle at the start of buf[n], which must outlive it, and tells its
 * length in *used (may be NULL). `name` is for messages. */
int pickle_read(struct pickle **p, const unsigned char *buf, size_t n, const char *name,
                size_t *used, struct err *e) ERR_CHECKED;
void pickle_free(struct pickle *p);
const struct pickle_value *pickle_root(const struct pickle *p);

/* The first persistent id in the pickle, or NULL; `next` leads on. */
const struct pickle_value *pickle_persistent(const struct pickle *p);

/* Whether a value is this text (either kind of string). */
bool pickle_is(const struct pickle_value *v, const char *text);

/* Whether a value is this name, "module.name", with modules under the names of
 * Python 3: "builtins", "os". */
bool pickle_is_global(const struct pickle_value *v, const char *name);

/* "module.name" for messages, cut where too long; of an object that of its class. */
const char *pickle_name(const struct pickle_value *v, char *buf, size_t room);

/* A text or an integer for messages, cut where too long; NULL for other values. */
const char *pickle_key(const struct pickle_value *v, char *buf, size_t room);

/* Keys and values of a dict or of an instance of a subclass of dict; NULL for
 * other values. */
const struct pickle_seq *pickle_items(const struct pickle_value *v);

/* What a list or a tuple holds; NULL for other values. */
const struct pickle_seq *pickle_list(const struct pickle_value *v);

/* The value of a key, the last where it comes twice, or NULL. */
const struct pickle_value *pickle_get(const struct pickle_value *v, const char *key);

/* Item i of a tuple or list; NULL for other values and beyond the end. */
const struct pickle_value *pickle_item(const struct pickle_value *v, size_t i);

#endif
