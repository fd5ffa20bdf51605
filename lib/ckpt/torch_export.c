/* Programs of torch.export.save since PyTorch 2.8: TOP/models/model.json is the network, and
 * TOP/data/weights/model_weights_config.json tells the record of each tensor; 2.8 itself wrote a
 * file of torch.save in that place, TOP/data/weights/model.pt. torch/_export/serde/schema.py, major
 * version 8. */
#include "ckpt/store.h"

#include "base/mem.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* Bytes that a text of JSON becomes in memory. The programs of common networks need 1 to 20 MB. */
enum { JSON_MAX = 48 << 20, OBJECT_BYTES = 240, ARRAY_BYTES = 150, STRING_BYTES = 60 };

static void *take(size_t n)
{
    return mem_alloc(n, 1);
}

/* jansson asks for memory piece by piece: what that comes to is estimated beforehand. */
static int check_json(const struct ckpt *c, const char *top, const char *what,
                      const struct zip_record *r, struct err *e)
{
    uint64_t bytes = r->n;
    bool inside = false;
    for (uint64_t i = 0; i < r->n; i++) {
        const unsigned char b = r->bytes[i];
        if (inside && b == '\\')
            i++;
        else if (b == '"')
            inside = !inside;
        bytes += b == '"' && inside ? STRING_BYTES : 0;
        bytes += !inside && b == '{' ? OBJECT_BYTES : 0;
        bytes += !inside && b == '[' ? ARRAY_BYTES : 0;
    }
    return bytes <= JSON_MAX
               ? 0
               : err_set(e,
                         "%s: %s%s: expected JSON that takes at most %d MB of memory, "
                         "found some that takes about %llu",
                         c->name, top, what, JSON_MAX >> 20, (unsigned long long)(bytes >> 20));
}

/* The numbers of torch.export's own ScalarType. */
static int type_of(int64_t dtype)
{
    static const int types[] = {
        [1] = CKPT_U8,   [2] = CKPT_I8,    [3] = CKPT_I16,   [4] = CKPT_I32,
        [5] = CKPT_I64,  [6] = CKPT_F16,   [7] = CKPT_F32,   [8] = CKPT_F64,
        [10] = CKPT_C64, [11] = CKPT_C128, [12] = CKPT_BOOL, [13] = CKPT_BF16};
    const int64_t count = sizeof types / sizeof *types;
    if (dtype == 7 || (dtype > 0 && dtype < count && dtype != 9))
        return types[dtype];
    return dtype == 28   ? CKPT_U16
           : dtype == 29 ? CKPT_F8_E4M3
           : dtype == 30 ? CKPT_F8_E5M2
                         : CKPT_TYPES;
}

/* {"as_int": 3}, not negative. */
static bool read_int(const json_t *x, int64_t *out)
{
    const json_t *n = json_object_get(x, "as_int");
    *out = json_integer_value(n);
    return json_is_integer(n) && *out >= 0;
}

static bool read_ints(const json_t *a, int64_t *out, int *n)
{
    const size_t count = json_array_size(a);
    if (!json_is_array(a) || count > CKPT_DIMS)
        return false;
    *n = (int)count;
    for (size_t i = 0; i < count; i++)
        if (!read_int(json_array_get(a, i), &out[i]))
            return false;
    return true;
}

static struct zip_record *find(const struct ckpt *c, const char *top, const char *folder,
                               const char *name)
{
    char *path = mem_printf("%s%s%s", top, folder, name);
    struct zip_record *r = zip_find(&c->zip, path);
    free(path);
    return r;
}

static int add_tensor(struct ckpt *c, const char *top, const char *folder, const char *key,
                      const json_t *info, struct err *e)
{
    const json_t *meta = json_object_get(info, "tensor_meta");
    const char *path = json_string_value(json_object_get(info, "path_name"));
    struct ckpt_tensor t = {.name = key};
    int strides;
    if (json_is_true(json_object_get(info, "use_pickle")))
        return ckpt_error(c, key, e,
                          "expected plain bytes, found a pickled value: export a model whose "
                          "weights are plain tensors");
    if (!path || !read_ints(json_object_get(meta, "sizes"), t.shape, &t.ndim) ||
        !read_ints(json_object_get(meta, "strides"), t.stride, &strides) || strides != t.ndim ||
        !read_int(json_object_get(meta, "storage_offset"), &t.offset))
        return ckpt_error(c, key, e,
                          "expected a record, sizes and strides of at most %d axes and an offset, "
                          "found something else",
                          CKPT_DIMS);
    const int type = type_of(json_integer_value(json_object_get(meta, "dtype")));
    if (type == CKPT_TYPES)
        return ckpt_error(c, key, e, "expected a type such as float32, found number %lld",
                          (long long)json_integer_value(json_object_get(meta, "dtype")));
    t.type = (enum ckpt_type)type;
    t.record = find(c, top, folder, path);
    if (!t.record)
        return ckpt_error(c, key, e, "expected a record %s%s%.80s, found none", top, folder, path);
    t.elements = (int64_t)(t.record->n / (uint64_t)ckpt_type_bytes(t.type));
    return ckpt_add(c, &t, e);
}

static int add_all(struct ckpt *c, const char *top, const char *folder, const json_t *config,
                   struct err *e)
{
    const char *name;
    json_t *info;
    json_object_foreach((json_t *)config, name, info)
    {
        const char *key;
        if (ckpt_key(c, (const unsigned char *)name, strlen(name), &key, e) != 0 ||
            add_tensor(c, top, folder, key, info, e) != 0)
            return -1;
    }
    return 0;
}

/* A dict of tensors, in an archive of its own; none where there is no such record. */
static int read_dict(struct ckpt *c, const char *top, const char *folder, struct zip *inside,
                     struct err *e)
{
    struct zip_record *r = find(c, top, folder, "model.pt");
    if (!r || r->n == 0)
        return 0;
    if (zip_read(&c->zip, r, e) != 0)
        return -1;
    /* Its own records stay where they are. */
    if (r->unpacked)
        return err_set(e, "%s: %s%smodel.pt: expected a stored record, found a packed one", c->name,
                       top, folder);
    const char *name = ckpt_own(c, mem_printf("%s: %s%smodel.pt", c->name, top, folder));
    return zip_open(inside, r->bytes, (size_t)r->n, name, e) != 0 ? -1
                                                                  : ckpt_read_dict(c, inside, e);
}

/* The tensors that `file` in a folder names, or those of the archive there. */
static int read_config(struct ckpt *c, const char *top, const char *folder, const char *file,
                       struct zip *inside, struct err *e)
{
    struct zip_record *r = find(c, top, folder, file);
    json_error_t bad;
    if (!r)
        return read_dict(c, top, folder, inside, e);
    if (zip_read(&c->zip, r, e) != 0 || check_json(c, top, file, r, e) != 0)
        return -1;
    json_t *json = json_loadb((const char *)r->bytes, (size_t)r->n, JSON_REJECT_DUPLICATES, &bad);
    if (!json)
        return err_set(e, "%s: %s%s%s: byte %d: %s", c->name, top, folder, file, bad.position,
                       bad.text);
    const json_t *config = json_object_get(json, "config");
    const int result = json_is_object(config)
                           ? add_all(c, top, folder, config, e)
                           : err_set(e, "%s: %s%s%s: expected an object 'config', found none",
                                     c->name, top, folder, file);
    json_decref(json);
    return result;
}

/* A record of a few bytes that says `want`, or is not there. */
static int check_word(struct ckpt *c, const char *top, const char *name, const char *want,
                      struct err *e)
{
    struct zip_record *r = find(c, top, "", name);
    if (!r)
        return 0;
    if (zip_read(&c->zip, r, e) != 0)
        return -1;
    if (r->n == strlen(want) && memcmp(r->bytes, want, r->n) == 0)
        return 0;
    return err_set(e, "%s: %s%s: expected %s, found another word", c->name, top, name, want);
}

int ckpt_read_export(struct ckpt *c, const char *top, struct err *e)
{
    json_set_alloc_funcs(take, free);
    c->program = find(c, top, "models/", "model.json");
    if (check_word(c, top, "byteorder", "little", e) != 0 ||
        check_word(c, top, "archive_version", "0", e) != 0)
        return -1;
    if (zip_read(&c->zip, c->program, e) != 0 ||
        check_json(c, top, "models/model.json", c->program, e) != 0)
        return -1;
    c->format = CKPT_EXPORT;
    return read_config(c, top, "data/weights/", "model_weights_config.json", &c->inside[0], e) !=
                       0 ||
                   read_config(c, top, "data/constants/", "model_constants_config.json",
                               &c->inside[1], e) != 0
               ? -1
               : 0;
}

int ckpt_program(struct ckpt *c, const char **json, size_t *n, struct err *e)
{
    *json = NULL;
    *n = 0;
    if (!c->program)
        return 0;
    if (zip_read(&c->zip, c->program, e) != 0)
        return -1;
    *json = (const char *)c->program->bytes;
    *n = (size_t)c->program->n;
    return 0;
}
