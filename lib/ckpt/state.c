#include "ckpt/state.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

enum { NAME_ROOM = 200, LAYERS = 8, KEYS_SHOWN = 5, KEY_ROOM = 64, NONE = -1 };

/* How far a state dict is looked for. */
enum { CANDIDATES = 64, SEARCH_DEPTH = 3, SEARCH_ITEMS = 1 << 21 };

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
 * _rebuild_tensor_v3 gets. NONE where it is no plain number. */
static int type_of(const struct recipe *r, const struct storage_id *s)
{
    if (strcmp(r->function, "torch._utils._rebuild_tensor_v3") != 0)
        return element_of_storage(s->type)->type;
    const struct pickle_value *dtype = pickle_item(r->args, 6);
    for (int i = 0; i < CKPT_TYPES; i++) {
        char name[NAME_ROOM];
        snprintf(name, sizeof name, "torch.%s", ckpt_type_name((enum ckpt_type)i));
        if (pickle_is_global(dtype, name))
            return i;
    }
    return NONE;
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
    struct ckpt_tensor t = {.name = key, .big_endian = f->big_endian};
    if (found == 0 || !offset || offset->kind != PICKLE_INT || !read_numbers(size, t.shape) ||
        !read_numbers(stride, t.stride) || size->seq.n != stride->seq.n)
        return ckpt_error(c, key, e,
                          "expected a storage, an offset, a shape and strides of at most %d axes, "
                          "found other arguments of %s",
                          CKPT_DIMS, r->function);
    int type = type_of(r, &s);
    if (type == NONE) {
        char name[NAME_ROOM];
        const struct pickle_value *dtype = pickle_item(r->args, 6);
        bool v3 = strcmp(r->function, known[2]) == 0 && dtype;
        return ckpt_error(c, key, e, "expected numbers of a plain type, found %s",
                          v3 ? pickle_name(dtype, name, sizeof name) : s.type);
    }
    int64_t from, count;
    if (f->find(f->ctx, &s, &t, e) != 0 || storage_part(c, &s, &from, &count, e) != 0)
        return -1;
    t.type = (enum ckpt_type)type;
    int64_t bytes = ckpt_type_bytes(t.type);
    if (from * s.item_bytes % bytes != 0)
        return ckpt_error(c, key, e, "expected a part of its storage that holds whole numbers");
    /* A part of a storage is a storage that begins further on. */
    t.offset = offset->i;
    t.elements = count * s.item_bytes / bytes;
    t.ndim = (int)size->seq.n;
    if (t.p)
        t.p += from * s.item_bytes;
    else if (from > 0)
        return ckpt_error(c, key, e, "expected a whole storage, found a part of one");
    return ckpt_add(c, &t, e);
}

/* --- the state dict --- */

/* Tensors that a dict holds itself. */
static size_t tensors_in(const struct pickle_value *v)
{
    const struct pickle_seq *s = pickle_items(v);
    size_t n = 0;
    for (size_t i = 0; s && i < s->n; i += 2)
        n += is_tensor(s->item[i + 1]);
    return n;
}

static const char advice[] = "; in PyTorch, torch.save(model.state_dict(), \"weights.pth\") "
                             "writes one";

/* A key for a message, cut. */
static const char *key_text(const struct pickle_value *k, char buf[KEY_ROOM])
{
    size_t n = 0;
    if (k->kind == PICKLE_INT)
        snprintf(buf, KEY_ROOM, "%lld", (long long)k->i);
    if (k->kind != PICKLE_STR && k->kind != PICKLE_BYTES)
        return k->kind == PICKLE_INT ? buf : NULL;
    for (; n < k->text.n && n + 1 < KEY_ROOM; n++)
        buf[n] = (char)(k->text.p[n] < ' ' || k->text.p[n] > '~' ? '?' : k->text.p[n]);
    buf[n] = '\0';
    return buf;
}

static int no_state(const struct ckpt *c, const struct pickle_value *v, const char *where,
                    struct err *e)
{
    char text[KEYS_SHOWN * NAME_ROOM] = "another value", name[NAME_ROOM], key[KEY_ROOM];
    const struct pickle_seq *s = pickle_items(v);
    if (is_tensor(v)) {
        snprintf(text, sizeof text, "a single tensor");
    } else if (v->kind == PICKLE_OBJECT) {
        snprintf(text, sizeof text, "a whole pickled object of the class %s",
                 pickle_name(v, name, sizeof name));
    } else if (s) {
        size_t n = (size_t)snprintf(text, sizeof text, "a dict without tensors, with the keys");
        size_t shown = 0;
        for (size_t i = 0; i < s->n && shown < KEYS_SHOWN; i += 2) {
            const char *k = key_text(s->item[i], key);
            if (!k)
                continue;
            n += (size_t)snprintf(text + n, sizeof text - n, "%s '%s'", shown ? "," : "", k);
            const struct pickle_value *item = s->item[i + 1];
            /* {"net": model} */
            if (item->kind == PICKLE_OBJECT && item->object.state && !is_tensor(item))
                n += (size_t)snprintf(text + n, sizeof text - n, " (an object of the class %.60s)",
                                      pickle_name(item, name, sizeof name));
            shown++;
        }
        if (!shown)
            snprintf(text, sizeof text, "a dict without tensors");
    }
    return err_set(e, "%s: expected a state dict%s, found %s%s", c->name, where, text, advice);
}

/* Dicts that hold tensors, by their paths. */
struct candidate {
    const struct pickle_value *value;
    size_t tensors;
    bool average; /* EMA or SWA, by its path */
    char path[96];
};

struct search {
    struct candidate found[CANDIDATES];
    int n;
    size_t budget; /* keys and values yet to be looked at */
};

static void search(struct search *h, const struct pickle_value *v, const char *path, int depth)
{
    /* Dicts may be shared, so that paths to them are many. */
    const struct pickle_seq *s = pickle_items(v);
    if (!s || s->n > h->budget)
        return;
    h->budget -= s->n;
    size_t tensors = tensors_in(v);
    if (tensors > 0 && h->n < CANDIDATES) {
        struct candidate *f = &h->found[h->n++];
        *f = (struct candidate){.value = v, .tensors = tensors, .average = ckpt_is_average(path)};
        snprintf(f->path, sizeof f->path, "%s", path);
    }
    for (size_t i = 0; depth < SEARCH_DEPTH && i < s->n; i += 2) {
        char key[KEY_ROOM], inner[96];
        if (!pickle_items(s->item[i + 1]) || !key_text(s->item[i], key))
            continue;
        int n = snprintf(inner, sizeof inner, "%s%s%s", path, *path ? "/" : "", key);
        /* The state of an optimizer is no network's. */
        if (n < (int)sizeof inner && !ckpt_is_training(key))
            search(h, s->item[i + 1], inner, depth + 1);
    }
}

static int ambiguous(const struct ckpt *c, const struct search *h, struct err *e)
{
    char list[600] = "";
    size_t at = 0;
    for (int i = 0; i < h->n && at < sizeof list; i++)
        at += (size_t)snprintf(list + at, sizeof list - at, "%s'%s' (%zu tensors)", i ? ", " : "",
                               h->found[i].path, h->found[i].tensors);
    return err_set(e,
                   "%s: expected one state dict, found several: %s: choose one with --assume "
                   "state=NAME",
                   c->name, list);
}

/* The one that a path names, or NULL. */
static const struct pickle_value *follow(const struct pickle_value *v, const char *path)
{
    while (v && *path) {
        char key[96];
        size_t n = strcspn(path, "/");
        if (n >= sizeof key)
            return NULL;
        memcpy(key, path, n);
        key[n] = '\0';
        v = pickle_get(v, key);
        path += n + (path[n] == '/');
    }
    return v;
}

/* The state dict in a checkpoint's value; NULL with a message where there is none. */
static const struct pickle_value *find_state(struct ckpt *c, const struct pickle_value *root,
                                             struct err *e)
{
    static const char *const keys[] = {"model_state_dict", "state_dict"};
    char where[128];
    if (c->opts.state && *c->opts.state) {
        const struct pickle_value *v = follow(root, c->opts.state);
        c->state = c->opts.state;
        if (v && tensors_in(v) > 0)
            return v;
        snprintf(where, sizeof where, " under '%.90s'", c->opts.state);
        if (v)
            no_state(c, v, where, e);
        else
            err_record(e, "%s: expected a state dict%s, found no such key", c->name, where);
        return NULL;
    }
    for (int i = 0; i < 2; i++) {
        const struct pickle_value *v = pickle_get(root, keys[i]);
        if (!v || is_tensor(v))
            continue;
        if (tensors_in(v) > 0) {
            c->state = keys[i];
            return v;
        }
        if (pickle_items(v) && v->kind == PICKLE_DICT && v->seq.n > 0)
            continue; /* dicts in it may hold tensors */
        snprintf(where, sizeof where, " under the key '%s'", keys[i]);
        no_state(c, v, where, e);
        return NULL;
    }
    struct search h = {.budget = SEARCH_ITEMS};
    search(&h, root, "", 0);
    const struct candidate *best = NULL;
    for (int i = 0; i < h.n; i++) {
        const struct candidate *f = &h.found[i];
        if (!best || (best->average && !f->average) ||
            (best->average == f->average && f->tensors > best->tensors))
            best = f;
    }
    if (!best) {
        no_state(c, root, ", alone or under a key such as 'model_state_dict' or 'state_dict'", e);
        return NULL;
    }
    /* Some numbers beside a state dict are none. */
    for (int i = 0; i < h.n; i++)
        if (h.found[i].value != best->value && h.found[i].average == best->average &&
            2 * h.found[i].tensors > best->tensors) {
            ambiguous(c, &h, e);
            return NULL;
        }
    c->state = ckpt_own(c, mem_dup(best->path));
    return best->value;
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
    if (c->opts.extras)
        ckpt_describe(c, root, state);
    return 0;
}

bool state_tensor_text(const struct pickle_value *v, char *buf, size_t room)
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
