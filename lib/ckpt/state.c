#include "ckpt/state.h"

#include <stdio.h>
#include <string.h>

enum { NAME_ROOM = 200, LAYERS = 8, KEYS_SHOWN = 5 };

/* --- storages --- */

enum number_kind { NUMBER_FLOAT, NUMBER_INTEGER, NUMBER_OTHER };

static const struct element {
    const char *storage, *dtype; /* "torch.FloatStorage", "torch.float32" without "torch." */
    int bytes;
    enum number_kind kind;
    enum ckpt_type type; /* of NUMBER_FLOAT */
} elements[] = {
    {"FloatStorage", "float32", 4, NUMBER_FLOAT, CKPT_F32},
    {"DoubleStorage", "float64", 8, NUMBER_FLOAT, CKPT_F64},
    {"HalfStorage", "float16", 2, NUMBER_FLOAT, CKPT_F16},
    {"BFloat16Storage", "bfloat16", 2, NUMBER_FLOAT, CKPT_BF16},
    {"LongStorage", "int64", 8, NUMBER_INTEGER, 0},
    {"IntStorage", "int32", 4, NUMBER_INTEGER, 0},
    {"ShortStorage", "int16", 2, NUMBER_INTEGER, 0},
    {"CharStorage", "int8", 1, NUMBER_INTEGER, 0},
    {"ByteStorage", "uint8", 1, NUMBER_INTEGER, 0},
    {"BoolStorage", "bool", 1, NUMBER_INTEGER, 0},
    {NULL, "uint16", 2, NUMBER_INTEGER, 0},
    {NULL, "uint32", 4, NUMBER_INTEGER, 0},
    {NULL, "uint64", 8, NUMBER_INTEGER, 0},
    {"ComplexFloatStorage", "complex64", 8, NUMBER_OTHER, 0},
    {"ComplexDoubleStorage", "complex128", 16, NUMBER_OTHER, 0},
    {"QUInt8Storage", "quint8", 1, NUMBER_OTHER, 0},
    {"QInt8Storage", "qint8", 1, NUMBER_OTHER, 0},
    {"QInt32Storage", "qint32", 4, NUMBER_OTHER, 0},
    {"QUInt4x2Storage", "quint4x2", 1, NUMBER_OTHER, 0},
    {"QUInt2x4Storage", "quint2x4", 1, NUMBER_OTHER, 0},
    {"UntypedStorage", NULL, 1, NUMBER_OTHER, 0},
};

enum { ELEMENTS = sizeof elements / sizeof *elements };

static const struct element *element_of_storage(const char *name)
{
    for (int i = 0; i < ELEMENTS; i++)
        if (elements[i].storage && strcmp(elements[i].storage, name) == 0)
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

int storage_read(const struct ckpt *c, const struct pickle_value *v, struct storage_id *s,
                 struct err *e)
{
    const struct pickle_value *id = v && v->kind == PICKLE_PERSISTENT ? v->id : NULL;
    if (pickle_is(pickle_item(id, 0), "module"))
        return 0;
    const struct pickle_value *type = pickle_item(id, 1), *key = pickle_item(id, 2),
                              *count = pickle_item(id, 4);
    if (!pickle_is(pickle_item(id, 0), "storage") || !count || type->kind != PICKLE_GLOBAL ||
        (key->kind != PICKLE_STR && key->kind != PICKLE_BYTES) || count->kind != PICKLE_INT)
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

/* How a tensor is rebuilt: a function of torch and its arguments. */
struct recipe {
    char function[NAME_ROOM];
    const struct pickle_value *args;
};

/* Goes through parameters and subclasses to the tensor in them. False where `v` is
 * no tensor. */
static bool find_recipe(const struct pickle_value *v, struct recipe *r)
{
    for (int i = 0; i < LAYERS && v && v->kind == PICKLE_OBJECT; i++) {
        const struct pickle_value *callable = v->object.callable;
        r->args = v->object.args;
        if (pickle_is_global(callable, "torch._tensor._rebuild_from_type_v2")) {
            callable = pickle_item(r->args, 0);
            r->args = pickle_item(r->args, 2);
        }
        if (!callable || callable->kind != PICKLE_GLOBAL)
            return false;
        pickle_name(callable, r->function, sizeof r->function);
        if (strncmp(r->function, "torch._utils._rebuild_parameter", 31) != 0)
            return strncmp(r->function, "torch._utils._rebuild_", 22) == 0 ||
                   strcmp(r->function, "torch.storage._load_from_bytes") == 0;
        v = pickle_item(r->args, 0);
    }
    return false;
}

static bool is_tensor(const struct pickle_value *v)
{
    struct recipe r;
    return find_recipe(v, &r);
}

static bool read_numbers(const struct pickle_value *v, int64_t *out)
{
    if (!v || (v->kind != PICKLE_TUPLE && v->kind != PICKLE_LIST) || v->seq.n > CKPT_DIMS)
        return false;
    for (size_t i = 0; i < v->seq.n; i++) {
        if (v->seq.item[i]->kind != PICKLE_INT)
            return false;
        out[i] = v->seq.item[i]->i;
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

/* The type of numbers: that of the storage or, for an untyped one, the dtype that
 * _rebuild_tensor_v3 gets. */
static const struct element *element_of(const struct recipe *r, const struct storage_id *s)
{
    if (strcmp(r->function, "torch._utils._rebuild_tensor_v3") != 0)
        return element_of_storage(s->type);
    const struct pickle_value *dtype = pickle_item(r->args, 6);
    for (int i = 0; i < ELEMENTS && dtype; i++) {
        char name[NAME_ROOM];
        snprintf(name, sizeof name, "torch.%s", elements[i].dtype ? elements[i].dtype : "");
        if (pickle_is_global(dtype, name))
            return &elements[i];
    }
    return NULL;
}

static int add_tensor(struct ckpt *c, const char *key, const struct recipe *r,
                      const struct storage_finder *f, struct err *e)
{
    static const char *const known[] = {"torch._utils._rebuild_tensor",
                                        "torch._utils._rebuild_tensor_v2",
                                        "torch._utils._rebuild_tensor_v3"};
    bool plain = false;
    for (int i = 0; i < 3; i++)
        plain = plain || strcmp(r->function, known[i]) == 0;
    if (!plain)
        return ckpt_error(c, key, e, "expected a dense tensor, found one made by %s", r->function);
    struct storage_id s;
    int found = storage_read(c, pickle_item(r->args, 0), &s, e);
    if (found < 0)
        return -1;
    const struct pickle_value *offset = pickle_item(r->args, 1),
                              *size = plain_size(pickle_item(r->args, 2)),
                              *stride = pickle_item(r->args, 3);
    struct view v = {.big_endian = f->big_endian};
    if (found == 0 || !offset || offset->kind != PICKLE_INT || !read_numbers(size, v.shape) ||
        !read_numbers(stride, v.stride) || size->seq.n != stride->seq.n)
        return ckpt_error(c, key, e,
                          "expected a storage, an offset, a shape and strides of at most %d axes, "
                          "found other arguments of %s",
                          CKPT_DIMS, r->function);
    const struct element *element = element_of(r, &s);
    if (!element || element->kind == NUMBER_OTHER) {
        char name[NAME_ROOM];
        const struct pickle_value *dtype = pickle_item(r->args, 6);
        bool v3 = strcmp(r->function, known[2]) == 0 && dtype;
        return ckpt_error(c, key, e, "expected float32, float64, float16 or bfloat16, found %s",
                          v3 ? pickle_name(dtype, name, sizeof name) : s.type);
    }
    /* Integers are read all the same: damage in them is damage of the file. */
    int64_t from, count;
    if (f->find(f->ctx, &s, &v.p, e) != 0 || storage_part(c, &s, &from, &count, e) != 0)
        return -1;
    if (element->kind == NUMBER_INTEGER)
        return 0;
    v.p += from * s.item_bytes;
    v.elements = count * s.item_bytes / element->bytes;
    v.type = element->type;
    v.offset = offset->i;
    v.ndim = (int)size->seq.n;
    return ckpt_add(c, key, &v, e);
}

/* --- the state dict --- */

static bool is_state(const struct pickle_value *v)
{
    const struct pickle_seq *s = pickle_items(v);
    for (size_t i = 0; s && i < s->n; i += 2)
        if (is_tensor(s->item[i + 1]))
            return true;
    return false;
}

static int no_state(const struct ckpt *c, const struct pickle_value *v, const char *where,
                    struct err *e)
{
    static const char advice[] = "; in PyTorch, torch.save(model.state_dict(), \"weights.pth\") "
                                 "writes one";
    char text[KEYS_SHOWN * NAME_ROOM] = "another value", name[NAME_ROOM];
    const struct pickle_seq *s = pickle_items(v);
    if (is_tensor(v)) {
        snprintf(text, sizeof text, "a single tensor");
    } else if (s) {
        size_t n = (size_t)snprintf(text, sizeof text, "a dict without tensors, with the keys");
        size_t shown = 0;
        for (size_t i = 0; i < s->n && shown < KEYS_SHOWN; i += 2) {
            const struct pickle_value *k = s->item[i];
            if (k->kind != PICKLE_STR)
                continue;
            char key[32] = {0};
            for (size_t j = 0; j < k->text.n && j + 1 < sizeof key; j++)
                key[j] = (char)(k->text.p[j] < ' ' || k->text.p[j] > '~' ? '?' : k->text.p[j]);
            n += (size_t)snprintf(text + n, sizeof text - n, "%s '%s'", shown ? "," : "", key);
            shown++;
        }
        if (!shown)
            snprintf(text, sizeof text, "a dict without tensors");
    } else if (v->kind == PICKLE_OBJECT) {
        snprintf(text, sizeof text, "a whole pickled object of the class %s",
                 pickle_name(v, name, sizeof name));
    }
    return err_set(e, "%s: expected a state dict%s, found %s%s", c->name, where, text, advice);
}

/* The state dict in a checkpoint's value; NULL with a message where there is none. */
static const struct pickle_value *find_state(const struct ckpt *c, const struct pickle_value *root,
                                             struct err *e)
{
    static const char *const keys[] = {"model_state_dict", "state_dict"};
    for (int i = 0; i < 2; i++) {
        const struct pickle_value *v = pickle_get(root, keys[i]);
        if (!v || is_tensor(v))
            continue;
        if (is_state(v))
            return v;
        char where[64];
        snprintf(where, sizeof where, " under the key '%s'", keys[i]);
        no_state(c, v, where, e);
        return NULL;
    }
    if (is_state(root))
        return root;
    no_state(c, root, ", alone or under the key 'model_state_dict' or 'state_dict'", e);
    return NULL;
}

int state_read(struct ckpt *c, const struct pickle_value *root, const struct storage_finder *f,
               struct err *e)
{
    const struct pickle_value *state = find_state(c, root, e);
    if (!state)
        return -1;
    const struct pickle_seq *s = pickle_items(state);
    for (size_t i = 0; i < s->n; i += 2) {
        const struct pickle_value *k = s->item[i];
        struct recipe r;
        const char *key;
        if (!find_recipe(s->item[i + 1], &r))
            continue;
        if (k->kind != PICKLE_STR && k->kind != PICKLE_BYTES)
            return err_set(e, "%s: expected texts as keys of tensors, found another value",
                           c->name);
        if (ckpt_key(c, k->text.p, k->text.n, &key, e) != 0 || add_tensor(c, key, &r, f, e) != 0)
            return -1;
    }
    return 0;
}
