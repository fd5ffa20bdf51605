/* Functions of an ONNX file: FunctionProto. A node that calls one is replaced by the function's
 * nodes: inputs and results of the function are those of the call, other values are called after
 * the call's first result. What small files can grow to by that is bounded. */
#include "ckpt/onnx_read.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { M_FUNCTION = 25 };
enum {
    F_NAME = 1,
    F_INPUT = 4,
    F_OUTPUT = 5,
    F_ATTRIBUTE = 6,
    F_NODE = 7,
    F_OPSET = 9,
    F_DOMAIN = 10,
    F_DEFAULT = 11,
    F_OVERLOAD = 13
};
enum { FUNCTIONS = 4096, ATTRIBUTES = 256, DEPTH = 64 };

/* Bytes written out, and as many more for each byte of the file. */
enum { WRITTEN = 1 << 24, WRITTEN_EACH = 4 };

/* An input or a result of a function by its name. */
struct formal {
    const char *name;
    size_t i;
    bool out;
};

/* An attribute of a function, and the message that holds what it is, if anything says so. */
struct given {
    const char *name;
    struct pb m;
    bool is, called;
};

struct onnx_function {
    const char *domain, *name, *overload;
    struct pb m;
    struct formal *formal; /* [ins + outs], in order of names */
    size_t ins, outs;
    struct given *at; /* [ats], with defaults */
    size_t ats;
    int64_t opset; /* 0: the model's */
    bool open;     /* is being written out */
};

struct onnx_functions {
    struct onnx_function *f; /* [n], in order of domain, name and overload */
    size_t n;
};

struct onnx_call {
    const struct onnx_function *f;
    const struct onnx_node *node;
    const char *prefix, *name; /* of values and of nodes */
    struct given *at;          /* [f->ats] */
    int depth;
};

/* --- reading them --- */

static int by_key(const void *a, const void *b)
{
    const struct onnx_function *x = a, *y = b;
    const int domain = strcmp(x->domain, y->domain), name = strcmp(x->name, y->name);
    return domain ? domain : name ? name : strcmp(x->overload, y->overload);
}

static int by_name(const void *a, const void *b)
{
    const struct formal *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static int read_formals(struct onnx_reader *r, struct onnx_function *f, struct err *e)
{
    const char *const *in, *const *out;
    if (onnx_names(r, NULL, f->m, F_INPUT, &in, &f->ins, e) != 0 ||
        onnx_names(r, NULL, f->m, F_OUTPUT, &out, &f->outs, e) != 0)
        return -1;
    const size_t n = f->ins + f->outs;
    f->formal = ckpt_own(r->c, mem_alloc(n + 1, sizeof *f->formal));
    for (size_t i = 0; i < n; i++)
        f->formal[i] = i < f->ins ? (struct formal){in[i], i, false}
                                  : (struct formal){out[i - f->ins], i - f->ins, true};
    qsort(f->formal, n, sizeof *f->formal, by_name);
    for (size_t i = 1; i < n; i++)
        if (by_name(&f->formal[i - 1], &f->formal[i]) == 0)
            return err_set(e,
                           "%s: function '%.80s': expected inputs and results of different names, "
                           "found '%.80s' twice",
                           r->c->name, f->name, f->formal[i].name);
    return 0;
}

static struct given *find_given(struct given *at, size_t n, const char *name, size_t bytes)
{
    for (size_t i = 0; i < n; i++)
        if (strlen(at[i].name) == bytes && memcmp(at[i].name, name, bytes) == 0)
            return &at[i];
    return NULL;
}

/* The name in an AttributeProto, and the one that it refers to, if any. */
static int attribute_head(const struct onnx_reader *r, struct pb m, struct pb *name,
                          struct pb *reference, struct err *e)
{
    struct pb_field f;
    int more;
    *name = *reference = (struct pb){.p = m.p, .n = 0};
    while ((more = pb_next(&m, &f)) > 0)
        if (f.wire == PB_BYTES && (f.number == A_NAME || f.number == A_REFERENCE))
            *(f.number == A_NAME ? name : reference) = f.bytes;
    return more < 0 || name->n == 0 ? onnx_broken(r, "an attribute", e) : 0;
}

/* Those without a default are names alone. */
static int read_given(struct onnx_reader *r, struct onnx_function *f, struct err *e)
{
    struct pb m = f->m, name, reference;
    struct pb_field x;
    const int64_t n = onnx_count(m, F_ATTRIBUTE) + onnx_count(m, F_DEFAULT);
    if (n > ATTRIBUTES)
        return err_set(e, "%s: function '%.80s': expected at most %d attributes, found %lld",
                       r->c->name, f->name, ATTRIBUTES, (long long)n);
    f->at = ckpt_own(r->c, mem_alloc((size_t)n + 1, sizeof *f->at));
    while (pb_next(&m, &x) > 0) {
        const bool has = x.number == F_DEFAULT;
        struct given *at = &f->at[f->ats];
        if (x.wire != PB_BYTES || (!has && x.number != F_ATTRIBUTE))
            continue;
        if (has && attribute_head(r, x.bytes, &name, &reference, e) != 0)
            return -1;
        *at = (struct given){.m = x.bytes, .is = has};
        if (onnx_text(r, has ? name : x.bytes, &at->name, e) != 0)
            return -1;
        if (find_given(f->at, f->ats++, at->name, strlen(at->name)))
            return err_set(e, "%s: function '%.80s': expected one attribute '%.80s', found two",
                           r->c->name, f->name, at->name);
    }
    return 0;
}

static int read_function(struct onnx_reader *r, struct pb m, struct onnx_function *f, struct err *e)
{
    struct pb_field x;
    int more;
    *f = (struct onnx_function){.domain = "", .name = "", .overload = "", .m = m};
    while ((more = pb_next(&m, &x)) > 0) {
        const char **text = x.number == F_NAME       ? &f->name
                            : x.number == F_DOMAIN   ? &f->domain
                            : x.number == F_OVERLOAD ? &f->overload
                                                     : NULL;
        if (x.wire == PB_BYTES && text && onnx_text(r, x.bytes, text, e) != 0)
            return -1;
        if (x.wire == PB_BYTES && x.number == F_OPSET && onnx_opset(r, x.bytes, &f->opset, e) != 0)
            return -1;
    }
    if (more < 0)
        return onnx_broken(r, "a function", e);
    if (!*f->domain || strcmp(f->domain, "ai.onnx") == 0)
        return err_set(e,
                       "%s: function '%.80s': expected functions of other domains than ONNX's own",
                       r->c->name, f->name);
    return read_formals(r, f, e) != 0 ? -1 : read_given(r, f, e);
}

int onnx_functions(struct onnx_reader *r, struct err *e)
{
    struct pb m = {r->c->map.p, r->c->map.n};
    struct pb_field f;
    const int64_t n = onnx_count(m, M_FUNCTION);
    if (n < 1)
        return 0;
    if (n > FUNCTIONS)
        return err_set(e, "%s: expected at most %d functions, found %lld", r->c->name, FUNCTIONS,
                       (long long)n);
    struct onnx_functions *all = r->function = mem_zero(1, sizeof *all);
    all->f = mem_alloc((size_t)n, sizeof *all->f);
    while (pb_next(&m, &f) > 0)
        if (f.number == M_FUNCTION && f.wire == PB_BYTES &&
            read_function(r, f.bytes, &all->f[all->n++], e) != 0)
            return -1;
    qsort(all->f, all->n, sizeof *all->f, by_key);
    for (size_t i = 1; i < all->n; i++)
        if (by_key(&all->f[i - 1], &all->f[i]) == 0)
            return err_set(e, "%s: expected one function '%.80s', found two", r->c->name,
                           all->f[i].name);
    return 0;
}

void onnx_functions_free(struct onnx_reader *r)
{
    if (r->function)
        free(r->function->f);
    free(r->function);
    r->function = NULL;
}

/* --- names inside a call --- */

static int count_written(struct onnx_reader *r, size_t n, struct err *e)
{
    const uint64_t most = WRITTEN + WRITTEN_EACH * (uint64_t)r->c->map.n;
    r->written += n;
    return r->written > most
               ? err_set(e, "%s: expected functions that come to at most %llu bytes, found more",
                         r->c->name, (unsigned long long)most)
               : 0;
}

int onnx_join(struct onnx_reader *r, const char *first, const char **name, struct err *e)
{
    const size_t n = strlen(first) + strlen(*name) + 1;
    if (n > ONNX_TEXT_BYTES)
        return err_set(
            e,
            "%s: expected names of at most %d bytes inside of functions and branches, found more",
            r->c->name, ONNX_TEXT_BYTES);
    if (count_written(r, n, e) != 0)
        return -1;
    *name = ckpt_own(r->c, mem_printf("%s%s%s", first, **name == '/' ? "" : "/", *name));
    return 0;
}

int onnx_called_value(struct onnx_reader *r, const struct onnx_call *call, const char **name,
                      struct err *e)
{
    const struct onnx_function *f = call->f;
    const struct formal key = {.name = *name};
    const struct formal *x = bsearch(&key, f->formal, f->ins + f->outs, sizeof key, by_name);
    if (!**name)
        return 0;
    if (x && !x->out) {
        *name = x->i < call->node->ins ? call->node->in[x->i] : "";
        return 0;
    }
    if (x && x->i < call->node->outs && *call->node->out[x->i]) {
        *name = call->node->out[x->i];
        return 0;
    }
    return onnx_join(r, call->prefix, name, e);
}

int onnx_called_node(struct onnx_reader *r, const struct onnx_call *call, const char **name,
                     struct err *e)
{
    return **name ? onnx_join(r, call->name, name, e) : 0;
}

int64_t onnx_called_opset(const struct onnx_call *call, int64_t opset)
{
    return call && call->f->opset ? call->f->opset : opset;
}

int onnx_called_attribute(struct onnx_reader *r, const struct onnx_call *call, struct pb reference,
                          struct pb *m, struct err *e)
{
    const struct given *x =
        call ? find_given(call->at, call->f->ats, (const char *)reference.p, reference.n) : NULL;
    if (!x)
        return err_set(
            e,
            "%s: an attribute: expected a reference to an attribute of the function that "
            "it stands in, found another",
            r->c->name);
    *m = x->m;
    return x->is;
}

/* --- calls --- */

#define refuse_call(r, n, e, ...) (record_call((r), (n), (e), __VA_ARGS__), err_value())
static void __attribute__((format(printf, 4, 5)))
record_call(const struct onnx_reader *r, const struct onnx_node *n, struct err *e, const char *fmt,
            ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *text = mem_vprintf(fmt, ap);
    va_end(ap);
    err_record(e, "%s: node '%.80s' (function %.80s): %s", r->c->name, n->name, n->op, text);
    free(text);
}

/* Attributes of the call, which may refer to those of a call around it, over defaults. */
static int bind(struct onnx_reader *r, const struct onnx_call *outer, const struct onnx_node *n,
                const struct onnx_call *call, struct pb m, struct err *e)
{
    struct pb name, reference;
    struct pb_field x;
    for (size_t i = 0; i < call->f->ats; i++)
        call->at[i] = call->f->at[i];
    while (pb_next(&m, &x) > 0) {
        if (x.wire != PB_BYTES || x.number != N_ATTRIBUTE)
            continue;
        if (attribute_head(r, x.bytes, &name, &reference, e) != 0)
            return -1;
        struct given *to = find_given(call->at, call->f->ats, (const char *)name.p, name.n);
        if (!to) /* nothing can refer to it */
            continue;
        if (to->called)
            return refuse_call(r, n, e, "expected one attribute '%.80s', found two", to->name);
        to->called = true;
        const int has =
            reference.n > 0 ? onnx_called_attribute(r, outer, reference, &x.bytes, e) : 1;
        if (has < 0)
            return -1;
        if (has > 0) {
            to->m = x.bytes;
            to->is = true;
        }
    }
    return 0;
}

static int write_out(struct onnx_reader *r, const struct onnx_call *call, struct err *e)
{
    struct pb m = call->f->m;
    struct pb_field x;
    while (pb_next(&m, &x) > 0)
        if (x.number == F_NODE && x.wire == PB_BYTES && onnx_node(r, call, x.bytes, e) != 0)
            return -1;
    return 0;
}

static struct onnx_function *find_function(const struct onnx_reader *r, const struct onnx_node *n,
                                           const char *overload)
{
    const struct onnx_function key = {.domain = n->domain, .name = n->op, .overload = overload};
    return r->function ? bsearch(&key, r->function->f, r->function->n, sizeof key, by_key) : NULL;
}

int onnx_expand(struct onnx_reader *r, const struct onnx_call *outer, const struct onnx_node *n,
                const char *overload, struct pb m, struct err *e)
{
    struct onnx_function *f = find_function(r, n, overload);
    if (!f)
        return 0;
    size_t named = 0;
    while (named < n->outs && !*n->out[named])
        named++;
    const struct onnx_call call = {.f = f,
                                   .node = n,
                                   .prefix = named < n->outs ? n->out[named] : "",
                                   .name = *n->name          ? n->name
                                           : named < n->outs ? n->out[named]
                                                             : "",
                                   .at = mem_alloc(f->ats + 1, sizeof *call.at),
                                   .depth = outer ? outer->depth + 1 : 1};
    int result = -1;
    if (f->open || call.depth > DEPTH)
        result = refuse_call(r, n, e, "expected functions that call others at most %d deep, %s",
                             DEPTH, f->open ? "found one that calls itself" : "found more");
    else if (n->ins > f->ins || n->outs > f->outs)
        result = refuse_call(r, n, e, "expected at most %zu inputs and %zu results, found more",
                             f->ins, f->outs);
    else if (r->nodes + ++r->calls > ONNX_NODES)
        result = err_set(e, "%s: expected at most %d nodes with those of functions, found more",
                         r->c->name, ONNX_NODES);
    else if (onnx_check_opset(r, onnx_called_opset(&call, r->opset), e) == 0 &&
             count_written(r, f->m.n, e) == 0 && bind(r, outer, n, &call, m, e) == 0) {
        f->open = true;
        result = write_out(r, &call, e) != 0 ? -1 : 1;
        f->open = false;
    }
    free(call.at);
    return result;
}
