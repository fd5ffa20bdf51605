#include "ckpt/rebuild.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { NAME_ROOM = 200, FAULT_ROOM = 256, LAYERS = 8, NONE = -1, RECORD_MAX = 4096 };

/* --- storages --- */

/* Storages of torch by their class; an untyped one counts bytes, and its tensors say
 * what they are. */
static const struct element {
    const char *storage; /* without "torch." */
    int bytes;
    int type; /* enum ckpt_type, or NONE */
} elements[] = {
    {"FloatStorage", 4, CKPT_F32},        {"DoubleStorage", 8, CKPT_F64},
    {"HalfStorage", 2, CKPT_F16},         {"BFloat16Storage", 2, CKPT_BF16},
    {"LongStorage", 8, CKPT_I64},         {"IntStorage", 4, CKPT_I32},
    {"ShortStorage", 2, CKPT_I16},        {"CharStorage", 1, CKPT_I8},
    {"ByteStorage", 1, CKPT_U8},          {"BoolStorage", 1, CKPT_BOOL},
    {"ComplexFloatStorage", 8, CKPT_C64}, {"ComplexDoubleStorage", 16, CKPT_C128},
    {"QUInt8Storage", 1, NONE},           {"QInt8Storage", 1, NONE},
    {"QInt32Storage", 4, NONE},           {"QUInt4x2Storage", 1, NONE},
    {"QUInt2x4Storage", 1, NONE},         {"UntypedStorage", 1, NONE},
};

enum { ELEMENTS = sizeof elements / sizeof *elements };

static const struct element *element_of_storage(const char *name)
{
    for (int i = 0; i < ELEMENTS; i++)
        if (strcmp(elements[i].storage, name) == 0)
            return &elements[i];
    return NULL;
}

/* "torch.cuda.FloatStorage" to "FloatStorage"; NULL for what is not torch's. */
static const char *last_name(const char *name)
{
    if (strncmp(name, "torch.", 6) != 0)
        return NULL;
    return strrchr(name, '.') + 1;
}

static bool is_text(const struct pickle_value *v)
{
    return v && (v->kind == PICKLE_STR || v->kind == PICKLE_BYTES);
}

int storage_read(const struct ckpt *c, const struct pickle_value *v, struct storage_id *s,
                 struct err *e)
{
    const struct pickle_value *id = v && v->kind == PICKLE_PERSISTENT ? v->id : NULL;
    if (pickle_is(pickle_item(id, 0), "module"))
        return 0;
    const struct pickle_value *type = pickle_item(id, 1), *key = pickle_item(id, 2),
                              *count = pickle_item(id, 4);
    /* The location, where the storage was, is a text. */
    if (!pickle_is(pickle_item(id, 0), "storage") || !count || type->kind != PICKLE_GLOBAL ||
        !is_text(key) || !is_text(pickle_item(id, 3)) || count->kind != PICKLE_INT ||
        pickle_item(id, 6))
        return err_set(e, "%s: expected storages as torch.save refers to them, found another form",
                       c->name);
    char name[NAME_ROOM];
    const char *last = last_name(pickle_name(type, name, sizeof name));
    const struct element *element = last ? element_of_storage(last) : NULL;
    if (!element)
        return err_set(e, "%s: expected storages of a type of torch, found %s", c->name, name);
    if (count->i < 0 || count->i > INT64_MAX / element->bytes)
        return err_set(e, "%s: expected the size of a storage, found %lld", c->name,
                       (long long)count->i);
    *s = (struct storage_id){
        .type = element->storage,
        .item_bytes = element->bytes,
        .key = key->text,
        .count = count->i,
        .part = pickle_item(id, 5),
    };
    return 1;
}

/* A legacy storage may be a part of the one that is named. */
static int storage_part(const struct ckpt *c, const struct storage_id *s, int64_t *offset,
                        int64_t *count, struct err *e)
{
    *offset = 0;
    *count = s->count;
    if (!s->part || s->part->kind == PICKLE_NONE)
        return 0;
    const struct pickle_value *from = pickle_item(s->part, 1), *n = pickle_item(s->part, 2);
    if (!n || from->kind != PICKLE_INT || n->kind != PICKLE_INT || from->i < 0 || n->i < 0 ||
        from->i > s->count || n->i > s->count - from->i)
        return err_set(e, "%s: expected a part within its storage, found another", c->name);
    *offset = from->i;
    *count = n->i;
    return 0;
}

/* --- tensors --- */

/* How a tensor is rebuilt: a function of torch and its arguments, as torch/_utils.py and
 * torch/_tensor.py define them. What is not understood of them is a fault: it could
 * change the elements. */
struct recipe {
    char function[NAME_ROOM];
    const struct pickle_value *args;
    bool negated, conjugated;
    char fault[FAULT_ROOM]; /* what was found instead, or "" */
};

static void fault(struct recipe *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The first one counts. */
static void fault(struct recipe *r, const char *fmt, ...)
{
    va_list ap;
    if (*r->fault)
        return;
    va_start(ap, fmt);
    vsnprintf(r->fault, sizeof r->fault, fmt, ap);
    va_end(ap);
}

static void fault_arguments(struct recipe *r)
{
    fault(r, "other arguments of %s", r->function);
}

static bool is_kind(const struct pickle_value *v, enum pickle_kind kind)
{
    return v && v->kind == kind;
}

static size_t arguments(const struct recipe *r)
{
    return is_kind(r->args, PICKLE_TUPLE) ? r->args->seq.n : 0;
}

/* Attributes by name, or with those of slots behind them. Some names stand for the
 * elements. */
static bool plain_attributes(const struct pickle_value *v, bool pair)
{
    static const char *const elements_too[] = {"data", "real", "imag", "__class__"};
    if (pair && is_kind(v, PICKLE_TUPLE) && v->seq.n == 2)
        return plain_attributes(v->seq.item[0], false) && plain_attributes(v->seq.item[1], false);
    for (size_t i = 0; i < sizeof elements_too / sizeof *elements_too; i++)
        if (pickle_get(v, elements_too[i]))
            return false;
    return is_kind(v, PICKLE_NONE) || is_kind(v, PICKLE_DICT);
}

/* Whether a gradient is kept and the hooks of its backward pass: nothing to the elements. */
static bool plain_gradient(const struct recipe *r, size_t at)
{
    const struct pickle_value *hooks = pickle_item(r->args, at + 1);
    return is_kind(pickle_item(r->args, at), PICKLE_BOOL) &&
           (is_kind(hooks, PICKLE_DICT) || is_kind(hooks, PICKLE_NONE));
}

/* Classes whose tensors are their elements and nothing else. */
static bool plain_class(const struct pickle_value *v)
{
    static const char *const names[] = {"torch.Tensor", "torch._tensor.Tensor",
                                        "torch.nn.parameter.Parameter",
                                        "torch.nn.parameter.Buffer"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (pickle_is_global(v, names[i]))
            return true;
    return false;
}

/* (function, class, arguments, attributes); the tensor's own function and arguments take
 * their places. */
static const struct pickle_value *unwrap_type(struct recipe *r)
{
    const struct pickle_value *class = pickle_item(r->args, 1);
    char name[NAME_ROOM];
    if (arguments(r) != 4 || class->kind != PICKLE_GLOBAL ||
        !plain_attributes(pickle_item(r->args, 3), true))
        fault_arguments(r);
    else if (!plain_class(class))
        fault(r, "one of the class %s", pickle_name(class, name, sizeof name));
    const struct pickle_value *callable = pickle_item(r->args, 0);
    r->args = pickle_item(r->args, 2);
    return callable;
}

/* (tensor, gradient, hooks), and attributes. */
static const struct pickle_value *unwrap_parameter(struct recipe *r, bool attributes)
{
    const struct pickle_value *v = pickle_item(r->args, 0);
    if (arguments(r) != (attributes ? 4 : 3) || !plain_gradient(r, 1) ||
        (attributes && !plain_attributes(pickle_item(r->args, 3), true)) ||
        !is_kind(v, PICKLE_OBJECT)) {
        fault_arguments(r);
        return NULL;
    }
    if (v->object.state || v->object.items)
        fault(r, "one that is changed once it is made");
    r->args = v->object.args;
    return v->object.callable;
}

/* Signs that the elements have not got themselves. */
static void read_metadata(struct recipe *r, const struct pickle_value *v)
{
    if (!v || v->kind == PICKLE_NONE)
        return;
    if (v->kind != PICKLE_DICT)
        fault_arguments(r);
    for (size_t i = 0; v->kind == PICKLE_DICT && i < v->seq.n; i += 2) {
        const struct pickle_value *key = v->seq.item[i], *set = v->seq.item[i + 1];
        bool on = is_kind(set, PICKLE_BOOL) && set->i;
        char text[NAME_ROOM];
        if (on && pickle_is(key, "neg"))
            r->negated = true;
        else if (on && pickle_is(key, "conj"))
            r->conjugated = true;
        else
            fault(r, "one with the metadata '%s'", pickle_key(key, text, sizeof text) ? text : "?");
    }
}

/* Functions that make dense tensors, with the number of their arguments before the
 * metadata, and where the gradient's stand. */
static const struct dense {
    const char *name;
    size_t arguments, gradient; /* 0: neither gradient nor metadata */
} dense[] = {
    {"torch._utils._rebuild_tensor", 4, 0},
    {"torch._utils._rebuild_tensor_v2", 6, 4},
    {"torch._utils._rebuild_tensor_v3", 7, 4},
};

enum { WITH_DTYPE = 2, DTYPE_AT = 6 };

static void check_tensor(struct recipe *r)
{
    static const struct {
        const char *name, *what;
    } others[] = {
        {"_qtensor", "a quantized one; tensor.dequantize() makes it dense"},
        {"_sparse_tensor", "a sparse one; tensor.to_dense() makes it dense"},
        {"_nested_tensor", "a nested one"},
        {"_meta_tensor_no_storage", "one without elements, of the device 'meta'"},
        {"_wrapper_subclass", "one without elements, of a class of its own"},
        {"_device_tensor_from_cpu_tensor", "one of another device; tensor.cpu() makes it plain"},
        {"_device_tensor_from_numpy", "one of another device; tensor.cpu() makes it plain"},
        {"_xla_tensor", "one of another device; tensor.cpu() makes it plain"},
    };
    static const char start[] = "torch._utils._rebuild";
    size_t n = arguments(r);
    for (size_t i = 0; i < sizeof dense / sizeof *dense; i++)
        if (strcmp(r->function, dense[i].name) == 0) {
            const struct dense *d = &dense[i];
            if (n < d->arguments || n > d->arguments + (d->gradient > 0) ||
                (d->gradient && !plain_gradient(r, d->gradient)))
                fault_arguments(r);
            else
                read_metadata(r, pickle_item(r->args, d->arguments));
            return;
        }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strncmp(r->function, start, sizeof start - 1) == 0 &&
            strcmp(r->function + sizeof start - 1, others[i].name) == 0)
            fault(r, "%s", others[i].what);
    fault(r, "one made by %s", r->function);
}

/* Whether torch makes a tensor by that name. */
static bool makes_tensors(const char *name)
{
    return strncmp(name, "torch._utils._rebuild_", 22) == 0 ||
           strncmp(name, "torch._tensor._rebuild_", 23) == 0 ||
           strcmp(name, "torch.storage._load_from_bytes") == 0 ||
           strcmp(name, "torch.nn.parameter.Parameter") == 0 || strcmp(name, "torch.Tensor") == 0;
}

/* Goes through parameters and classes to the tensor in them. False where `v` is none. */
static bool find_recipe(const struct pickle_value *v, struct recipe *r)
{
    *r = (struct recipe){.args = NULL};
    if (!is_kind(v, PICKLE_OBJECT) || !is_kind(v->object.callable, PICKLE_GLOBAL) ||
        !makes_tensors(pickle_name(v, r->function, sizeof r->function)))
        return false;
    if (v->object.state || v->object.items)
        fault(r, "one that is changed once it is made");
    const struct pickle_value *callable = v->object.callable;
    r->args = v->object.args;
    for (int i = 0; i < LAYERS; i++) {
        if (!is_kind(callable, PICKLE_GLOBAL)) {
            fault_arguments(r);
            return true;
        }
        pickle_name(callable, r->function, sizeof r->function);
        if (strcmp(r->function, "torch._tensor._rebuild_from_type") == 0 ||
            strcmp(r->function, "torch._tensor._rebuild_from_type_v2") == 0) {
            callable = unwrap_type(r);
        } else if (strcmp(r->function, "torch._utils._rebuild_parameter") == 0) {
            callable = unwrap_parameter(r, false);
        } else if (strcmp(r->function, "torch._utils._rebuild_parameter_with_state") == 0) {
            callable = unwrap_parameter(r, true);
        } else {
            check_tensor(r);
            return true;
        }
    }
    fault(r, "one in more than %d parameters", LAYERS);
    return true;
}

bool tensor_is(const struct pickle_value *v)
{
    struct recipe r;
    return find_recipe(v, &r);
}

static bool read_numbers(const struct pickle_value *v, int64_t *out)
{
    const struct pickle_seq *s = pickle_list(v);
    if (!s || s->n > CKPT_DIMS)
        return false;
    for (size_t i = 0; i < s->n; i++) {
        if (s->item[i]->kind != PICKLE_INT)
            return false;
        out[i] = s->item[i]->i;
    }
    return true;
}

/* torch.Size((2, 3)) stands for the tuple. */
static const struct pickle_value *plain_size(const struct pickle_value *v)
{
    if (v && v->kind == PICKLE_OBJECT && pickle_is_global(v->object.callable, "torch.Size"))
        return pickle_item(v->object.args, 0);
    return v;
}

static bool has_dtype(const struct recipe *r)
{
    return strcmp(r->function, dense[WITH_DTYPE].name) == 0;
}

/* The type of the elements: that of the storage or, where the function gets one, the
 * dtype. NONE where they are no plain numbers. */
static int type_of(const struct recipe *r, const struct storage_id *s)
{
    if (!has_dtype(r))
        return element_of_storage(s->type)->type;
    for (int i = 0; i < CKPT_TYPES; i++) {
        char name[NAME_ROOM];
        snprintf(name, sizeof name, "torch.%s", ckpt_type_name((enum ckpt_type)i));
        if (pickle_is_global(pickle_item(r->args, DTYPE_AT), name))
            return i;
    }
    return NONE;
}

/* Where a tensor lies: all of `t` but its count. */
static int find_tensor(const struct ckpt *c, struct ckpt_tensor *t, const char *key,
                       const struct pickle_value *v, const struct storage_finder *f, struct err *e)
{
    struct recipe r;
    struct storage_id s;
    if (!find_recipe(v, &r) || *r.fault)
        return ckpt_unread(e, "%s: %s: expected a dense tensor, found %s", c->name, key, r.fault);
    int found = storage_read(c, pickle_item(r.args, 0), &s, e);
    if (found < 0)
        return -1;
    const struct pickle_value *offset = pickle_item(r.args, 1),
                              *size = plain_size(pickle_item(r.args, 2)),
                              *stride = pickle_item(r.args, 3);
    *t = (struct ckpt_tensor){.name = key, .big_endian = f->big_endian};
    if (found == 0 || !is_kind(offset, PICKLE_INT) || !read_numbers(size, t->shape) ||
        !read_numbers(stride, t->stride) || size->seq.n != stride->seq.n)
        return ckpt_error(c, key, e,
                          "expected a storage, an offset, a shape and strides of at most %d axes, "
                          "found other arguments of %s",
                          CKPT_DIMS, r.function);
    int type = type_of(&r, &s);
    if (type == NONE) {
        char name[NAME_ROOM];
        return ckpt_error(
            c, key, e, "expected elements of a plain type, found %s",
            has_dtype(&r) ? pickle_name(pickle_item(r.args, DTYPE_AT), name, sizeof name) : s.type);
    }
    int64_t from, count;
    if (f->find(f->ctx, &s, t, e) != 0 || storage_part(c, &s, &from, &count, e) != 0)
        return -1;
    t->type = (enum ckpt_type)type;
    bool complex = t->type == CKPT_C64 || t->type == CKPT_C128;
    if ((r.negated && t->type == CKPT_BOOL) || (r.conjugated && !complex))
        return ckpt_error(c, key, e, "expected elements that have a sign, found %s",
                          ckpt_type_name(t->type));
    t->negated = r.negated;
    t->conjugated = r.conjugated;
    int64_t bytes = ckpt_type_bytes(t->type);
    if (from * s.item_bytes % bytes != 0)
        return ckpt_error(c, key, e, "expected a part of its storage that holds whole elements");
    /* A part of a storage is a storage that begins further on. */
    t->offset = offset->i;
    t->elements = count * s.item_bytes / bytes;
    t->ndim = (int)size->seq.n;
    if (t->p)
        t->p += from * s.item_bytes;
    else if (from > 0)
        return ckpt_error(c, key, e, "expected a whole storage, found a part of one");
    return 0;
}

int tensor_add(struct ckpt *c, const char *key, const struct pickle_value *v,
               const struct storage_finder *f, struct err *e)
{
    struct ckpt_tensor t;
    return find_tensor(c, &t, key, v, f, e) == 0 ? ckpt_add(c, &t, e) : -1;
}

int tensor_few(struct ckpt *c, const struct pickle_value *v, const struct storage_finder *f,
               float out[TENSOR_FEW])
{
    struct ckpt_tensor t;
    struct err ignored;
    /* A large record would have to be unpacked for a few elements. */
    if (find_tensor(c, &t, "", v, f, &ignored) != 0 || t.elements > TENSOR_FEW ||
        (t.record && t.record->n > RECORD_MAX) || ckpt_measure(c, &t, &ignored) != 0 ||
        ckpt_read(c, &t, out, &ignored) != 0)
        return 0;
    return (int)t.count;
}

bool tensor_text(const struct pickle_value *v, char *buf, size_t room)
{
    struct recipe r;
    int64_t shape[CKPT_DIMS];
    char text[160] = "";
    if (!find_recipe(v, &r))
        return false;
    const struct pickle_value *size = plain_size(pickle_item(r.args, 2));
    if (read_numbers(size, shape))
        ckpt_shape(text, sizeof text, (int)size->seq.n, shape);
    const struct pickle_value *id = pickle_item(r.args, 0);
    const struct pickle_value *type =
        id && id->kind == PICKLE_PERSISTENT ? pickle_item(id->id, 1) : NULL;
    char name[NAME_ROOM] = "";
    const char *last = type && type->kind == PICKLE_GLOBAL
                           ? strrchr(pickle_name(type, name, sizeof name), '.')
                           : NULL;
    const struct element *element = last ? element_of_storage(last + 1) : NULL;
    snprintf(buf, room, "tensor %s %s",
             element && element->type != NONE ? ckpt_type_name((enum ckpt_type)element->type) : "",
             text);
    return true;
}
