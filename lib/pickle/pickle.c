#include "pickle/pickle.h"

#include "base/mem.h"
#include "pickle/calls.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The format: Lib/pickletools.py of CPython. */

enum {
    PICKLE_PROTOCOL = 5,
    PICKLE_NUMBER = 64, /* digits of a number in text */
    PICKLE_BLOCK = 1 << 14
};

enum opcode {
    OP_MARK = '(',
    OP_STOP = '.',
    OP_POP = '0',
    OP_POP_MARK = '1',
    OP_DUP = '2',
    OP_FLOAT = 'F',
    OP_INT = 'I',
    OP_BININT = 'J',
    OP_BININT1 = 'K',
    OP_LONG = 'L',
    OP_BININT2 = 'M',
    OP_NONE = 'N',
    OP_PERSID = 'P',
    OP_BINPERSID = 'Q',
    OP_REDUCE = 'R',
    OP_STRING = 'S',
    OP_BINSTRING = 'T',
    OP_SHORT_BINSTRING = 'U',
    OP_UNICODE = 'V',
    OP_BINUNICODE = 'X',
    OP_APPEND = 'a',
    OP_BUILD = 'b',
    OP_GLOBAL = 'c',
    OP_DICT = 'd',
    OP_EMPTY_DICT = '}',
    OP_APPENDS = 'e',
    OP_GET = 'g',
    OP_BINGET = 'h',
    OP_INST = 'i',
    OP_LONG_BINGET = 'j',
    OP_LIST = 'l',
    OP_EMPTY_LIST = ']',
    OP_OBJ = 'o',
    OP_PUT = 'p',
    OP_BINPUT = 'q',
    OP_LONG_BINPUT = 'r',
    OP_SETITEM = 's',
    OP_TUPLE = 't',
    OP_EMPTY_TUPLE = ')',
    OP_SETITEMS = 'u',
    OP_BINFLOAT = 'G',
    OP_BINBYTES = 'B',
    OP_SHORT_BINBYTES = 'C',
    OP_PROTO = 0x80,
    OP_NEWOBJ,
    OP_EXT1,
    OP_EXT2,
    OP_EXT4,
    OP_TUPLE1,
    OP_TUPLE2,
    OP_TUPLE3,
    OP_NEWTRUE,
    OP_NEWFALSE,
    OP_LONG1,
    OP_LONG4,
    OP_SHORT_BINUNICODE,
    OP_BINUNICODE8,
    OP_BINBYTES8,
    OP_EMPTY_SET,
    OP_ADDITEMS,
    OP_FROZENSET,
    OP_NEWOBJ_EX,
    OP_STACK_GLOBAL,
    OP_MEMOIZE,
    OP_FRAME,
    OP_BYTEARRAY8,
    OP_NEXT_BUFFER,
    OP_READONLY_BUFFER
};

/* --- memory: blocks that are freed together --- */

struct block {
    struct block *next;
    size_t used, room;
    union {
        void *pointer;
        int64_t i;
        double f;
    } bytes[];
};

struct pickle {
    struct block *blocks;
    size_t memory; /* of all blocks */
    struct pickle_value *root;
    struct pickle_value *persistent, **persistent_end;
};

static void *pickle_alloc(struct pickle *p, size_t n)
{
    n = (n + sizeof *p->blocks->bytes - 1) / sizeof *p->blocks->bytes * sizeof *p->blocks->bytes;
    struct block *b = p->blocks;
    if (!b || b->room - b->used < n) {
        size_t room = n > PICKLE_BLOCK ? n : PICKLE_BLOCK;
        b = mem_alloc(sizeof *b + room, 1);
        *b = (struct block){p->blocks, 0, room};
        p->blocks = b;
        p->memory += sizeof *b + room;
    }
    void *m = (unsigned char *)b->bytes + b->used;
    b->used += n;
    return m;
}

void pickle_free(struct pickle *p)
{
    if (!p)
        return;
    while (p->blocks) {
        struct block *b = p->blocks;
        p->blocks = b->next;
        free(b);
    }
    free(p);
}

/* --- the reader: a machine with a stack, marks on it and a memo --- */

struct reader {
    struct pickle *p;
    const unsigned char *buf;
    size_t n, pos;
    size_t at; /* offset of the current opcode */
    const char *name;
    struct err *e;
    struct pickle_value **stack;
    size_t depth, room, pushes;
    size_t *mark; /* depths */
    size_t marks, mark_room;
    struct pickle_value **memo; /* by index; NULL where not set */
    size_t memo_room, memo_set;
    size_t decoded; /* bytes of texts that do not stand in the pickle as they are */
};

static void record(const struct reader *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void record(const struct reader *r, const char *fmt, ...)
{
    char msg[768];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(msg, sizeof msg, fmt, ap);
    va_end(ap);
    err_record(r->e, "%s: pickle offset %zu: %s", r->name, r->at, msg);
}

/* An error at the current opcode, as an expression of value -1. */
#define fail(r, ...) (record((r), __VA_ARGS__), -1)

static int fail_end(struct reader *r)
{
    return fail(r, "expected more of the pickle, found its end");
}

/* Whether `more` bytes of memory may be used. */
static int afford(struct reader *r, size_t more)
{
    size_t used = r->p->memory - r->decoded +
                  (r->room + r->memo_room) * sizeof(struct pickle_value *) +
                  r->mark_room * sizeof *r->mark;
    if (used <= PICKLE_MEMORY && more <= PICKLE_MEMORY - used)
        return 0;
    return fail(r, "expected values that fit into %d MB of memory, found more",
                PICKLE_MEMORY >> 20);
}

/* Room for a text that is decoded. Text that is used again and again cannot make more
 * than the pickle has. */
static unsigned char *text_new(struct reader *r, size_t n)
{
    if (n > r->n + PICKLE_DECODED - r->decoded) {
        record(r, "expected at most %zu bytes of decoded text, found more", r->n + PICKLE_DECODED);
        return NULL;
    }
    r->decoded += n;
    return pickle_alloc(r->p, n);
}

/* Bytes of a value of that kind. */
static size_t value_bytes(enum pickle_kind kind)
{
    static const size_t bytes[] = {
        [PICKLE_NONE] = 0,
        [PICKLE_BOOL] = sizeof(int64_t),
        [PICKLE_INT] = sizeof(int64_t),
        [PICKLE_LONG] = sizeof(struct pickle_text),
        [PICKLE_FLOAT] = sizeof(double),
        [PICKLE_BYTES] = sizeof(struct pickle_text),
        [PICKLE_STR] = sizeof(struct pickle_text),
        [PICKLE_LIST] = sizeof(struct pickle_seq),
        [PICKLE_TUPLE] = sizeof(struct pickle_seq),
        [PICKLE_SET] = sizeof(struct pickle_seq),
        [PICKLE_DICT] = sizeof(struct pickle_seq),
        [PICKLE_GLOBAL] = 2 * sizeof(struct pickle_text),
        [PICKLE_OBJECT] = 4 * sizeof(struct pickle_value *),
        [PICKLE_PERSISTENT] = 2 * sizeof(struct pickle_value *),
    };
    return offsetof(struct pickle_value, i) + bytes[kind];
}

static struct pickle_value *value_new(struct reader *r, enum pickle_kind kind)
{
    struct pickle_value *v = pickle_alloc(r->p, value_bytes(kind));
    memset(v, 0, value_bytes(kind));
    v->kind = kind;
    return v;
}

static int push(struct reader *r, struct pickle_value *v)
{
    if (++r->pushes > PICKLE_PUSHES)
        return fail(r, "expected at most %d values, found more", PICKLE_PUSHES);
    size_t more = r->depth < r->room ? 0 : r->room ? r->room : 256;
    if (afford(r, more * sizeof(struct pickle_value *)) != 0)
        return -1;
    if (more) {
        r->room += more;
        r->stack = mem_grow(r->stack, r->room, sizeof(struct pickle_value *));
    }
    r->stack[r->depth++] = v;
    return 0;
}

static int push_int(struct reader *r, enum pickle_kind kind, int64_t i)
{
    struct pickle_value *v = value_new(r, kind);
    v->i = i;
    return push(r, v);
}

static int push_text(struct reader *r, enum pickle_kind kind, struct pickle_text t)
{
    struct pickle_value *v = value_new(r, kind);
    v->text = t;
    return push(r, v);
}

/* Values on the stack above the last mark. */
static size_t height(const struct reader *r)
{
    return r->depth - (r->marks ? r->mark[r->marks - 1] : 0);
}

static int need(struct reader *r, size_t n)
{
    if (height(r) >= n)
        return 0;
    return fail(r, "expected %zu values on the stack, found %zu", n, height(r));
}

static struct pickle_value *top(struct reader *r)
{
    return r->stack[r->depth - 1];
}

static struct pickle_value *pop(struct reader *r)
{
    return r->stack[--r->depth];
}

static int mark(struct reader *r)
{
    if (r->marks == PICKLE_MARKS)
        return fail(r, "expected at most %d nested values, found more", PICKLE_MARKS);
    if (r->marks == r->mark_room) {
        r->mark_room = r->mark_room ? 2 * r->mark_room : 64;
        r->mark = mem_grow(r->mark, r->mark_room, sizeof *r->mark);
    }
    r->mark[r->marks++] = r->depth;
    return 0;
}

/* Takes the values above the last mark, and the mark, off the stack. They stay in
 * place until the next push. */
static int pop_mark(struct reader *r, struct pickle_value ***item, size_t *n)
{
    if (r->marks == 0)
        return fail(r, "expected a mark on the stack, found none");
    *n = height(r);
    r->depth = r->mark[--r->marks];
    *item = r->stack ? r->stack + r->depth : NULL;
    return 0;
}

/* --- bytes of the pickle --- */

static int take(struct reader *r, size_t n, const unsigned char **p)
{
    if (n > r->n - r->pos)
        return fail_end(r);
    *p = r->buf + r->pos;
    r->pos += n;
    return 0;
}

/* An unsigned little-endian number of `width` bytes. */
static int take_uint(struct reader *r, size_t width, uint64_t *v)
{
    const unsigned char *p;
    if (take(r, width, &p) != 0)
        return -1;
    *v = 0;
    for (size_t i = width; i > 0; i--)
        *v = *v << 8 | p[i - 1];
    return 0;
}

/* Bytes behind their length in `width` bytes. */
static int take_text(struct reader *r, size_t width, struct pickle_text *t)
{
    uint64_t n;
    if (take_uint(r, width, &n) != 0)
        return -1;
    if (n > r->n - r->pos)
        return fail(r, "expected %llu bytes of text, found %zu", (unsigned long long)n,
                    r->n - r->pos);
    t->n = (size_t)n;
    return take(r, t->n, &t->p);
}

/* A line without its line feed. */
static int take_line(struct reader *r, struct pickle_text *t)
{
    const unsigned char *lf = memchr(r->buf + r->pos, '\n', r->n - r->pos);
    if (!lf)
        return fail_end(r);
    t->p = r->buf + r->pos;
    t->n = (size_t)(lf - t->p);
    r->pos += t->n + 1;
    return 0;
}

/* A line that holds a number, as a C string. */
static int take_number(struct reader *r, char buf[PICKLE_NUMBER])
{
    struct pickle_text t;
    if (take_line(r, &t) != 0)
        return -1;
    if (t.n == 0 || t.n >= PICKLE_NUMBER || memchr(t.p, '\0', t.n))
        return fail(r, "expected a number, found something else");
    memcpy(buf, t.p, t.n);
    buf[t.n] = '\0';
    return 0;
}

/* A decimal integer within 64 bits, with Python 2's L behind it allowed. */
static int take_decimal(struct reader *r, int64_t *v)
{
    char s[PICKLE_NUMBER];
    if (take_number(r, s) != 0)
        return -1;
    const char *p = s + (*s == '-');
    uint64_t m = 0;
    bool good = *p != '\0';
    for (; good && *p >= '0' && *p <= '9'; p++)
        good = !__builtin_mul_overflow(m, 10, &m) &&
               !__builtin_add_overflow(m, (uint64_t)(*p - '0'), &m);
    if (*p == 'L')
        p++;
    if (!good || *p != '\0' || m > INT64_MAX)
        return fail(r, "expected an integer of 64 bits, found something else");
    *v = *s == '-' ? -(int64_t)m : (int64_t)m;
    return 0;
}

static int hex(const unsigned char *p, const unsigned char *end, int digits, uint32_t *v)
{
    *v = 0;
    if (end - p < digits)
        return -1;
    for (int i = 0; i < digits; i++) {
        unsigned c = p[i];
        unsigned d = c - '0';
        if (d > 9) {
            d = (c | 0x20) - 'a' + 10;
            if (d < 10 || d > 15)
                return -1;
        }
        *v = *v << 4 | d;
    }
    return 0;
}

static size_t utf8_put(unsigned char *out, uint32_t c)
{
    if (c < 0x80) {
        out[0] = (unsigned char)c;
        return 1;
    }
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, c >>= 6)
        out[i] = (unsigned char)(0x80 | (c & 0x3f));
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    out[0] = (unsigned char)(lead[n] | c);
    return n;
}

/* A str of Python 2 as repr() writes it. */
static int read_string(struct reader *r)
{
    struct pickle_text t;
    if (take_line(r, &t) != 0)
        return -1;
    while (t.n && (t.p[t.n - 1] == '\r' || t.p[t.n - 1] == ' '))
        t.n--;
    if (t.n < 2 || (t.p[0] != '\'' && t.p[0] != '"') || t.p[t.n - 1] != t.p[0])
        return fail(r, "expected a text in quotes, found something else");
    unsigned char *out = text_new(r, t.n);
    if (!out)
        return -1;
    static const char escapes[] = "\\\\''\"\"a\ab\bf\fn\nr\rt\tv\v";
    const unsigned char *p = t.p + 1, *end = t.p + t.n - 1;
    size_t n = 0;
    while (p < end) {
        if (*p != '\\') {
            out[n++] = *p++;
            continue;
        }
        if (++p == end)
            return fail(r, "expected an escape in text, found its end");
        uint32_t c;
        const char *known = NULL;
        for (const char *x = escapes; *x && !known; x += 2)
            if (*x == (char)*p)
                known = x + 1;
        if (known) {
            out[n++] = (unsigned char)*known;
            p++;
        } else if (*p == 'x' && hex(p + 1, end, 2, &c) == 0) {
            out[n++] = (unsigned char)c;
            p += 3;
        } else if (*p >= '0' && *p <= '7') {
            c = 0;
            for (int i = 0; i < 3 && p < end && *p >= '0' && *p <= '7'; i++)
                c = c << 3 | (uint32_t)(*p++ - '0');
            out[n++] = (unsigned char)c;
        } else {
            return fail(r, "expected an escape in text, found '\\' and something else");
        }
    }
    return push_text(r, PICKLE_BYTES, (struct pickle_text){out, n});
}

/* A text in Python's raw-unicode-escape encoding. */
static int read_unicode(struct reader *r)
{
    struct pickle_text t;
    if (take_line(r, &t) != 0)
        return -1;
    /* A byte above 0x7f becomes two. */
    size_t most = t.n;
    for (size_t i = 0; i < t.n; i++)
        most += t.p[i] >= 0x80;
    unsigned char *out = text_new(r, most);
    if (!out)
        return -1;
    const unsigned char *p = t.p, *end = t.p + t.n;
    size_t n = 0;
    while (p < end) {
        int digits = 0;
        uint32_t c = *p++;
        if (c == '\\' && p < end)
            digits = *p == 'u' ? 4 : *p == 'U' ? 8 : 0;
        if (digits) {
            if (hex(p + 1, end, digits, &c) != 0 || c > 0x10ffff)
                return fail(r, "expected a code point in text, found something else");
            p += 1 + digits;
        }
        n += utf8_put(out + n, c);
    }
    return push_text(r, PICKLE_STR, (struct pickle_text){out, n});
}

static int read_long(struct reader *r, size_t width)
{
    struct pickle_text t;
    if (take_text(r, width, &t) != 0)
        return -1;
    if (t.n > 8)
        return push_text(r, PICKLE_LONG, t);
    uint64_t v = t.n && t.p[t.n - 1] & 0x80 ? UINT64_MAX : 0;
    for (size_t i = t.n; i > 0; i--)
        v = v << 8 | t.p[i - 1];
    return push_int(r, PICKLE_INT, (int64_t)v);
}

static int read_float(struct reader *r, bool text)
{
    struct pickle_value *v = value_new(r, PICKLE_FLOAT);
    if (text) {
        char s[PICKLE_NUMBER], *end;
        if (take_number(r, s) != 0)
            return -1;
        v->f = strtod(s, &end);
        if (*end != '\0')
            return fail(r, "expected a number, found something else");
        return push(r, v);
    }
    const unsigned char *p;
    if (take(r, 8, &p) != 0)
        return -1;
    uint64_t bits = 0;
    for (int i = 0; i < 8; i++)
        bits = bits << 8 | p[i];
    memcpy(&v->f, &bits, sizeof bits);
    return push(r, v);
}

/* --- memo --- */

static int memo_put(struct reader *r, uint64_t i)
{
    if (need(r, 1) != 0)
        return -1;
    /* Indices count up from 0 or 1, and each takes at least a byte of the pickle. */
    if (i > r->at)
        return fail(r, "expected a memo index of at most %zu, found %llu", r->at,
                    (unsigned long long)i);
    if (i >= r->memo_room) {
        size_t room = 2 * (size_t)i + 64;
        if (afford(r, (room - r->memo_room) * sizeof(struct pickle_value *)) != 0)
            return -1;
        r->memo = mem_grow(r->memo, room, sizeof(struct pickle_value *));
        memset(r->memo + r->memo_room, 0, (room - r->memo_room) * sizeof(struct pickle_value *));
        r->memo_room = room;
    }
    r->memo_set += !r->memo[i];
    r->memo[i] = top(r);
    return 0;
}

static int memo_get(struct reader *r, uint64_t i)
{
    if (i >= r->memo_room || !r->memo[i])
        return fail(r, "expected a memo index that was set, found %llu", (unsigned long long)i);
    return push(r, r->memo[i]);
}

/* A memo index as the opcodes give it: in text, or in `width` bytes. */
static int memo_index(struct reader *r, size_t width, uint64_t *i)
{
    if (width)
        return take_uint(r, width, i);
    int64_t v;
    if (take_decimal(r, &v) != 0)
        return -1;
    if (v < 0)
        return fail(r, "expected a memo index, found a negative number");
    *i = (uint64_t)v;
    return 0;
}

/* --- collections --- */

static int seq_add(struct reader *r, struct pickle_seq *s, struct pickle_value **item, size_t n)
{
    if (s->room - s->n < n) {
        size_t room = s->n + n > 2 * s->room ? s->n + n : 2 * s->room;
        if (afford(r, room * sizeof(struct pickle_value *)) != 0)
            return -1;
        struct pickle_value **grown = pickle_alloc(r->p, room * sizeof(struct pickle_value *));
        if (s->n)
            memcpy(grown, s->item, s->n * sizeof(struct pickle_value *));
        s->item = grown;
        s->room = room;
    }
    if (n)
        memcpy(s->item + s->n, item, n * sizeof(struct pickle_value *));
    s->n += n;
    return 0;
}

/* A collection of these items, or NULL. */
static struct pickle_value *seq_new(struct reader *r, enum pickle_kind kind,
                                    struct pickle_value **item, size_t n)
{
    struct pickle_value *v = value_new(r, kind);
    return seq_add(r, &v->seq, item, n) == 0 ? v : NULL;
}

static int push_seq(struct reader *r, enum pickle_kind kind, struct pickle_value **item, size_t n)
{
    struct pickle_value *v = seq_new(r, kind, item, n);
    return v ? push(r, v) : -1;
}

/* LIST, TUPLE, FROZENSET, DICT: the values above the mark. */
static int read_collection(struct reader *r, enum pickle_kind kind)
{
    struct pickle_value **item;
    size_t n;
    if (pop_mark(r, &item, &n) != 0)
        return -1;
    if (kind == PICKLE_DICT && n % 2)
        return fail(r, "expected keys with values, found a key without one");
    return push_seq(r, kind, item, n);
}

static int read_tuple(struct reader *r, size_t n)
{
    if (need(r, n) != 0)
        return -1;
    r->depth -= n;
    return push_seq(r, PICKLE_TUPLE, r->stack + r->depth, n);
}

/* Adds to the collection on top, or to an instance of a subclass of one. */
static int add_items(struct reader *r, enum pickle_kind kind, struct pickle_value **item, size_t n)
{
    if (need(r, 1) != 0)
        return -1;
    if (kind == PICKLE_DICT && n % 2)
        return fail(r, "expected keys with values, found a key without one");
    struct pickle_value *v = top(r);
    if (v->kind == PICKLE_OBJECT) {
        if (!v->object.items)
            v->object.items = value_new(r, kind);
        v = v->object.items;
    }
    if (v->kind != kind)
        return fail(r, "expected a %s to add to, found another value",
                    kind == PICKLE_DICT  ? "dict"
                    : kind == PICKLE_SET ? "set"
                                         : "list");
    return seq_add(r, &v->seq, item, n);
}

static int read_add(struct reader *r, enum pickle_kind kind)
{
    struct pickle_value **item;
    size_t n;
    return pop_mark(r, &item, &n) != 0 ? -1 : add_items(r, kind, item, n);
}

static int read_add_some(struct reader *r, enum pickle_kind kind, size_t n)
{
    if (need(r, n + 1) != 0)
        return -1;
    r->depth -= n;
    return add_items(r, kind, r->stack + r->depth, n);
}

/* --- names and objects --- */

/* The name by which a module is known, for Python 2's and the platform's own. */
static struct pickle_text known_module(struct pickle_text module)
{
    static const struct {
        const char *old, *now;
    } names[] = {
        {"__builtin__", "builtins"}, {"copy_reg", "copyreg"}, {"posix", "os"}, {"nt", "os"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (module.n == strlen(names[i].old) && memcmp(module.p, names[i].old, module.n) == 0)
            return (struct pickle_text){(const unsigned char *)names[i].now, strlen(names[i].now)};
    return module;
}

static int push_global(struct reader *r, struct pickle_text module, struct pickle_text name)
{
    if (module.n + name.n + 2 > PICKLE_NAME)
        return fail(r, "expected a name of less than %d bytes, found a longer one", PICKLE_NAME);
    struct pickle_value *v = value_new(r, PICKLE_GLOBAL);
    v->global.module = known_module(module);
    v->global.name = name;
    return push(r, v);
}

static int read_stack_global(struct reader *r)
{
    if (need(r, 2) != 0)
        return -1;
    const struct pickle_value *name = pop(r), *module = pop(r);
    if (name->kind != PICKLE_STR || module->kind != PICKLE_STR)
        return fail(r, "expected a module and a name, found other values");
    return push_global(r, module->text, name->text);
}

static int refuse(struct reader *r, const char *name)
{
    return fail(r,
                "expected only calls that rebuild tensors and plain values, found a call of %s "
                "(nothing was run)",
                name);
}

/* `v` as something that is called or, with `made`, made an instance of. */
static int check_call(struct reader *r, const struct pickle_value *v, bool made)
{
    char name[PICKLE_NAME];
    if (v->kind == PICKLE_OBJECT && pickle_is_global(v->object.callable, "functools.partial") &&
        pickle_item(v->object.args, 0))
        v = pickle_item(v->object.args, 0);
    /* torch puts ("module", class, file, source) for classes of modules. */
    if (v->kind == PICKLE_PERSISTENT && pickle_item(v->id, 1))
        v = pickle_item(v->id, 1);
    if (v->kind != PICKLE_GLOBAL)
        return fail(r, "expected a call of something with a name, found a call of another value");
    pickle_name(v, name, sizeof name);
    if (made ? calls_class_allowed(name) : calls_allowed(name))
        return 0;
    return refuse(r, name);
}

static int push_object(struct reader *r, struct pickle_value *callable, struct pickle_value *args)
{
    struct pickle_value *v = value_new(r, PICKLE_OBJECT);
    v->object.callable = callable;
    v->object.args = args;
    return push(r, v);
}

/* getattr(module.class, "name"), which protocols below 4 write for nested names. */
static int push_attribute(struct reader *r, const struct pickle_value *args)
{
    const struct pickle_value *of = pickle_item(args, 0), *name = pickle_item(args, 1);
    if (!name || of->kind != PICKLE_GLOBAL || name->kind != PICKLE_STR)
        return refuse(r, "builtins.getattr");
    size_t n = of->global.name.n + 1 + name->text.n;
    if (n > PICKLE_NAME)
        return fail(r, "expected a name of less than %d bytes, found a longer one", PICKLE_NAME);
    unsigned char *text = pickle_alloc(r->p, n);
    memcpy(text, of->global.name.p, of->global.name.n);
    text[of->global.name.n] = '.';
    memcpy(text + of->global.name.n + 1, name->text.p, name->text.n);
    return push_global(r, of->global.module, (struct pickle_text){text, n});
}

/* Text of code points below 256, in UTF-8, back to the bytes it stands for. */
static int push_latin1(struct reader *r, struct pickle_text t)
{
    size_t n = 0;
    for (size_t i = 0; i < t.n; i++) {
        if (t.p[i] < 0x80) {
            n++;
        } else if ((t.p[i] == 0xc2 || t.p[i] == 0xc3) && i + 1 < t.n &&
                   (t.p[i + 1] & 0xc0) == 0x80) {
            n++;
            i++;
        } else {
            return fail(r, "expected text in latin1, found another character");
        }
    }
    unsigned char *out = text_new(r, n + 1);
    if (!out)
        return -1;
    for (size_t i = 0, o = 0; o < n; i++, o++) {
        out[o] = t.p[i];
        if (t.p[i] >= 0x80) {
            out[o] = (unsigned char)(t.p[i] << 6 | (t.p[i + 1] & 0x3f));
            i++;
        }
    }
    return push_text(r, PICKLE_BYTES, (struct pickle_text){out, n});
}

/* An ordinary dict in place of a call of OrderedDict or defaultdict. Python 2
 * gives the former a list of pairs. */
static int push_dict(struct reader *r, const struct pickle_value *pairs)
{
    struct pickle_value *v = value_new(r, PICKLE_DICT);
    size_t n = pairs && pairs->kind == PICKLE_LIST ? pairs->seq.n : 0;
    for (size_t i = 0; i < n; i++) {
        const struct pickle_seq *pair = pickle_list(pairs->seq.item[i]);
        if (!pair || pair->n != 2)
            return fail(r, "expected pairs of a key and a value, found another value");
        if (seq_add(r, &v->seq, pair->item, 2) != 0)
            return -1;
    }
    /* Each pair costs a step but not a value on the stack. */
    r->pushes += n;
    return push(r, v);
}

static int read_call(struct reader *r, struct pickle_value *callable, struct pickle_value *args)
{
    if (args->kind != PICKLE_TUPLE)
        return fail(r, "expected a tuple of arguments, found another value");
    const struct pickle_value *first = pickle_item(args, 0), *second = pickle_item(args, 1);
    if (pickle_is_global(callable, "builtins.getattr"))
        return push_attribute(r, args);
    if (check_call(r, callable, false) != 0)
        return -1;
    if (first &&
        (pickle_is_global(callable, "copyreg._reconstructor") ||
         pickle_is_global(callable, "copyreg.__newobj__")) &&
        check_call(r, first, true) != 0)
        return -1;
    if (pickle_is_global(callable, "collections.OrderedDict"))
        return push_dict(r, first);
    if (pickle_is_global(callable, "collections.defaultdict"))
        return push_dict(r, NULL);
    bool bytes = pickle_is_global(callable, "builtins.bytes") ||
                 pickle_is_global(callable, "builtins.bytearray");
    if (bytes && !first)
        return push_text(r, PICKLE_BYTES, (struct pickle_text){r->buf, 0});
    if (bytes && first->kind == PICKLE_BYTES)
        return push_text(r, PICKLE_BYTES, first->text);
    if ((bytes || pickle_is_global(callable, "_codecs.encode")) && second &&
        first->kind == PICKLE_STR && (pickle_is(second, "latin1") || pickle_is(second, "latin-1")))
        return push_latin1(r, first->text);
    return push_object(r, callable, args);
}

static int read_reduce(struct reader *r)
{
    if (need(r, 2) != 0)
        return -1;
    struct pickle_value *args = pop(r), *callable = pop(r);
    return read_call(r, callable, args);
}

static int read_newobj(struct reader *r, bool keywords)
{
    if (need(r, keywords ? 3 : 2) != 0)
        return -1;
    if (keywords)
        pop(r);
    struct pickle_value *args = pop(r), *cls = pop(r);
    if (args->kind != PICKLE_TUPLE)
        return fail(r, "expected a tuple of arguments, found another value");
    return check_call(r, cls, true) != 0 ? -1 : push_object(r, cls, args);
}

/* INST and OBJ: instances of Python 2's old classes. */
static int read_instance(struct reader *r, bool inst)
{
    struct pickle_text module, name;
    if (inst && (take_line(r, &module) != 0 || take_line(r, &name) != 0 ||
                 push_global(r, module, name) != 0))
        return -1;
    struct pickle_value *cls = inst ? pop(r) : NULL, **item;
    size_t n;
    if (pop_mark(r, &item, &n) != 0)
        return -1;
    if (!inst) {
        if (n == 0)
            return fail(r, "expected a class, found nothing");
        cls = *item++;
        n--;
    }
    struct pickle_value *args = seq_new(r, PICKLE_TUPLE, item, n);
    return !args || check_call(r, cls, false) != 0 ? -1 : push_object(r, cls, args);
}

static int read_build(struct reader *r)
{
    if (need(r, 2) != 0)
        return -1;
    struct pickle_value *state = pop(r), *v = top(r);
    if (v->kind == PICKLE_OBJECT)
        v->object.state = state;
    else if (v->kind != PICKLE_DICT) /* an OrderedDict's attributes */
        return fail(r, "expected an object to give a state to, found another value");
    return 0;
}

static int read_persistent(struct reader *r, bool text)
{
    struct pickle_text t;
    if (text && (take_line(r, &t) != 0 || push_text(r, PICKLE_STR, t) != 0))
        return -1;
    if (need(r, 1) != 0)
        return -1;
    struct pickle_value *id = pop(r), *v = value_new(r, PICKLE_PERSISTENT);
    v->id = id;
    *r->p->persistent_end = v;
    r->p->persistent_end = &v->next;
    return push(r, v);
}

/* --- opcodes --- */

static int read_protocol(struct reader *r)
{
    uint64_t v;
    if (take_uint(r, 1, &v) != 0)
        return -1;
    if (v > PICKLE_PROTOCOL)
        return fail(r, "expected a pickle protocol from 0 to %d, found %llu", PICKLE_PROTOCOL,
                    (unsigned long long)v);
    return 0;
}

static int read_int(struct reader *r, size_t width, bool is_signed)
{
    uint64_t v;
    if (take_uint(r, width, &v) != 0)
        return -1;
    return push_int(r, PICKLE_INT, is_signed ? (int32_t)(uint32_t)v : (int64_t)v);
}

/* INT and LONG; "I00" and "I01" are False and True. */
static int read_decimal(struct reader *r, bool is_int)
{
    size_t from = r->pos;
    int64_t v;
    if (take_decimal(r, &v) != 0)
        return -1;
    bool truth = is_int && r->pos - from == 3 && r->buf[from] == '0' && v <= 1;
    return push_int(r, truth ? PICKLE_BOOL : PICKLE_INT, v);
}

static int read_text(struct reader *r, enum pickle_kind kind, size_t width)
{
    struct pickle_text t;
    return take_text(r, width, &t) != 0 ? -1 : push_text(r, kind, t);
}

static int read_global(struct reader *r)
{
    struct pickle_text module, name;
    if (take_line(r, &module) != 0 || take_line(r, &name) != 0)
        return -1;
    return push_global(r, module, name);
}

static int read_memo(struct reader *r, bool put, size_t width)
{
    uint64_t i;
    if (memo_index(r, width, &i) != 0)
        return -1;
    return put ? memo_put(r, i) : memo_get(r, i);
}

static int read_pop(struct reader *r)
{
    /* POP also takes a mark off that has nothing above it. */
    if (height(r) == 0 && r->marks) {
        r->marks--;
        return 0;
    }
    if (need(r, 1) != 0)
        return -1;
    pop(r);
    return 0;
}

static int unsupported(struct reader *r, const char *opcode)
{
    return fail(r, "expected opcodes that stand alone, found %s", opcode);
}

/* One opcode: 1, 0 at STOP, -1. */
static int step(struct reader *r)
{
    struct pickle_value **item;
    size_t n;
    uint64_t u;
    const unsigned char *p;
    r->at = r->pos;
    if (take(r, 1, &p) != 0)
        return -1;
    switch (*p) {
    case OP_STOP:
        return need(r, 1);
    case OP_PROTO:
        return read_protocol(r);
    case OP_FRAME:
        return take(r, 8, &p);
    case OP_MARK:
        return mark(r);
    case OP_POP:
        return read_pop(r);
    case OP_POP_MARK:
        return pop_mark(r, &item, &n);
    case OP_DUP:
        return need(r, 1) != 0 ? -1 : push(r, top(r));
    case OP_NONE:
        return push(r, value_new(r, PICKLE_NONE));
    case OP_NEWTRUE:
        return push_int(r, PICKLE_BOOL, 1);
    case OP_NEWFALSE:
        return push_int(r, PICKLE_BOOL, 0);
    case OP_INT:
        return read_decimal(r, true);
    case OP_LONG:
        return read_decimal(r, false);
    case OP_BININT:
        return read_int(r, 4, true);
    case OP_BININT1:
        return read_int(r, 1, false);
    case OP_BININT2:
        return read_int(r, 2, false);
    case OP_LONG1:
        return read_long(r, 1);
    case OP_LONG4:
        return read_long(r, 4);
    case OP_FLOAT:
        return read_float(r, true);
    case OP_BINFLOAT:
        return read_float(r, false);
    case OP_STRING:
        return read_string(r);
    case OP_BINSTRING:
        return read_text(r, PICKLE_BYTES, 4);
    case OP_SHORT_BINSTRING:
        return read_text(r, PICKLE_BYTES, 1);
    case OP_BINBYTES:
        return read_text(r, PICKLE_BYTES, 4);
    case OP_SHORT_BINBYTES:
        return read_text(r, PICKLE_BYTES, 1);
    case OP_BINBYTES8:
    case OP_BYTEARRAY8:
        return read_text(r, PICKLE_BYTES, 8);
    case OP_UNICODE:
        return read_unicode(r);
    case OP_BINUNICODE:
        return read_text(r, PICKLE_STR, 4);
    case OP_SHORT_BINUNICODE:
        return read_text(r, PICKLE_STR, 1);
    case OP_BINUNICODE8:
        return read_text(r, PICKLE_STR, 8);
    case OP_EMPTY_LIST:
        return push(r, value_new(r, PICKLE_LIST));
    case OP_EMPTY_TUPLE:
        return push(r, value_new(r, PICKLE_TUPLE));
    case OP_EMPTY_DICT:
        return push(r, value_new(r, PICKLE_DICT));
    case OP_EMPTY_SET:
        return push(r, value_new(r, PICKLE_SET));
    case OP_LIST:
        return read_collection(r, PICKLE_LIST);
    case OP_TUPLE:
        return read_collection(r, PICKLE_TUPLE);
    case OP_DICT:
        return read_collection(r, PICKLE_DICT);
    case OP_FROZENSET:
        return read_collection(r, PICKLE_SET);
    case OP_TUPLE1:
        return read_tuple(r, 1);
    case OP_TUPLE2:
        return read_tuple(r, 2);
    case OP_TUPLE3:
        return read_tuple(r, 3);
    case OP_APPEND:
        return read_add_some(r, PICKLE_LIST, 1);
    case OP_APPENDS:
        return read_add(r, PICKLE_LIST);
    case OP_SETITEM:
        return read_add_some(r, PICKLE_DICT, 2);
    case OP_SETITEMS:
        return read_add(r, PICKLE_DICT);
    case OP_ADDITEMS:
        return read_add(r, PICKLE_SET);
    case OP_GET:
        return read_memo(r, false, 0);
    case OP_BINGET:
        return read_memo(r, false, 1);
    case OP_LONG_BINGET:
        return read_memo(r, false, 4);
    case OP_PUT:
        return read_memo(r, true, 0);
    case OP_BINPUT:
        return read_memo(r, true, 1);
    case OP_LONG_BINPUT:
        return read_memo(r, true, 4);
    case OP_MEMOIZE:
        u = r->memo_set;
        return memo_put(r, u);
    case OP_GLOBAL:
        return read_global(r);
    case OP_STACK_GLOBAL:
        return read_stack_global(r);
    case OP_REDUCE:
        return read_reduce(r);
    case OP_BUILD:
        return read_build(r);
    case OP_INST:
        return read_instance(r, true);
    case OP_OBJ:
        return read_instance(r, false);
    case OP_NEWOBJ:
        return read_newobj(r, false);
    case OP_NEWOBJ_EX:
        return read_newobj(r, true);
    case OP_PERSID:
        return read_persistent(r, true);
    case OP_BINPERSID:
        return read_persistent(r, false);
    case OP_EXT1:
        return unsupported(r, "EXT1");
    case OP_EXT2:
        return unsupported(r, "EXT2");
    case OP_EXT4:
        return unsupported(r, "EXT4");
    case OP_NEXT_BUFFER:
        return unsupported(r, "NEXT_BUFFER");
    case OP_READONLY_BUFFER:
        return unsupported(r, "READONLY_BUFFER");
    default:
        return fail(r, "expected an opcode, found the byte 0x%02x", *p);
    }
}

bool pickle_starts(const unsigned char *p, size_t n)
{
    return (n > 2 && p[0] == OP_PROTO && p[1] >= 2) || (n > 2 && memcmp(p, "(dp", 3) == 0) ||
           (n > 2 && p[0] == OP_EMPTY_DICT && p[1] == OP_BINPUT);
}

int pickle_read(struct pickle **out, const unsigned char *buf, size_t n, const char *name,
                size_t *used, struct err *e)
{
    struct pickle *p = mem_zero(1, sizeof *p);
    p->persistent_end = &p->persistent;
    struct reader r = {.p = p, .buf = buf, .n = n, .name = name, .e = e};
    int result;
    do
        result = step(&r);
    while (result == 0 && r.buf[r.at] != OP_STOP);
    if (result == 0)
        p->root = top(&r);
    free(r.stack);
    free(r.mark);
    free(r.memo);
    if (result != 0) {
        pickle_free(p);
        return -1;
    }
    if (used)
        *used = r.pos;
    *out = p;
    return 0;
}

/* --- looking at values --- */

const struct pickle_value *pickle_root(const struct pickle *p)
{
    return p->root;
}

const struct pickle_value *pickle_persistent(const struct pickle *p)
{
    return p->persistent;
}

static bool text_is(struct pickle_text t, const char *s, size_t n)
{
    return t.n == n && memcmp(t.p, s, n) == 0;
}

bool pickle_is(const struct pickle_value *v, const char *text)
{
    return v && (v->kind == PICKLE_STR || v->kind == PICKLE_BYTES) &&
           text_is(v->text, text, strlen(text));
}

bool pickle_is_global(const struct pickle_value *v, const char *name)
{
    if (!v || v->kind != PICKLE_GLOBAL)
        return false;
    size_t n = strlen(name), module = v->global.module.n;
    return n > module && name[module] == '.' && text_is(v->global.module, name, module) &&
           text_is(v->global.name, name + module + 1, n - module - 1);
}

/* Text for messages: other bytes could steer the reader's terminal. */
static size_t put_shown(char *buf, size_t n, size_t room, struct pickle_text t, char least)
{
    for (size_t i = 0; i < t.n && n + 1 < room; i++)
        buf[n++] = (char)(t.p[i] >= least && t.p[i] < 0x7f ? t.p[i] : '?');
    buf[n] = '\0';
    return n;
}

const char *pickle_key(const struct pickle_value *v, char *buf, size_t room)
{
    if (v->kind == PICKLE_INT)
        snprintf(buf, room, "%lld", (long long)v->i);
    else if (v->kind == PICKLE_STR || v->kind == PICKLE_BYTES)
        put_shown(buf, 0, room, v->text, ' ');
    else
        return NULL;
    return buf;
}

const char *pickle_name(const struct pickle_value *v, char *buf, size_t room)
{
    if (v->kind == PICKLE_OBJECT)
        v = v->object.callable;
    if (v->kind == PICKLE_PERSISTENT && pickle_item(v->id, 1))
        v = pickle_item(v->id, 1);
    if (v->kind != PICKLE_GLOBAL) {
        snprintf(buf, room, "a value");
        return buf;
    }
    struct pickle_text part[] = {v->global.module, {(const unsigned char *)".", 1}, v->global.name};
    size_t n = 0;
    for (size_t k = 0; k < 3; k++)
        n = put_shown(buf, n, room, part[k], '!');
    return buf;
}

const struct pickle_seq *pickle_items(const struct pickle_value *v)
{
    if (v && v->kind == PICKLE_OBJECT)
        v = v->object.items;
    return v && v->kind == PICKLE_DICT ? &v->seq : NULL;
}

const struct pickle_seq *pickle_list(const struct pickle_value *v)
{
    return v && (v->kind == PICKLE_LIST || v->kind == PICKLE_TUPLE) ? &v->seq : NULL;
}

const struct pickle_value *pickle_get(const struct pickle_value *v, const char *key)
{
    const struct pickle_seq *s = pickle_items(v);
    for (size_t i = s ? s->n : 0; i > 0; i -= 2)
        if (pickle_is(s->item[i - 2], key))
            return s->item[i - 1];
    return NULL;
}

const struct pickle_value *pickle_item(const struct pickle_value *v, size_t i)
{
    const struct pickle_seq *s = pickle_list(v);
    return s && i < s->n ? s->item[i] : NULL;
}
