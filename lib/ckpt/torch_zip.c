/* The zip archives of torch.save since PyTorch 1.6: TOP/data.pkl refers to storages
 * in the records TOP/data/KEY. */
#include "ckpt/state.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { ARCHIVE_VERSION = 10, KEY_MAX = 64 };

struct archive {
    struct ckpt *c;
    struct zip *z;
    char *top; /* folder of data.pkl, "" or with a slash behind it */
};

static bool ends_with(const struct zip_record *r, const char *end)
{
    size_t n = strlen(end);
    return r->name_n >= n && memcmp(r->name + r->name_n - n, end, n) == 0;
}

/* The folder in which `name` lies at the top of the archive, or NULL. */
static char *find_top(const struct zip *z, const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; i < z->records; i++) {
        const struct zip_record *r = &z->record[i];
        if (!ends_with(r, name))
            continue;
        size_t top = r->name_n - n;
        const unsigned char *slash = memchr(r->name, '/', r->name_n);
        if (memchr(r->name, '\0', r->name_n) ||
            (top > 0 && (!slash || (size_t)(slash - r->name) + 1 != top)))
            continue;
        return mem_printf("%.*s", (int)top, (const char *)r->name);
    }
    return NULL;
}

static struct zip_record *find(const struct archive *a, const char *folder, struct pickle_text name)
{
    char *path = mem_printf("%s%s%.*s", a->top, folder, (int)name.n, (const char *)name.p);
    struct zip_record *r = zip_find(a->z, path);
    free(path);
    return r;
}

static struct zip_record *find_plain(const struct archive *a, const char *name)
{
    return find(a, "", (struct pickle_text){(const unsigned char *)name, strlen(name)});
}

static int find_storage(void *ctx, const struct storage_id *s, struct ckpt_tensor *t, struct err *e)
{
    const struct archive *a = ctx;
    bool good = s->key.n > 0 && s->key.n <= KEY_MAX;
    for (size_t i = 0; i < s->key.n && good; i++)
        good = s->key.p[i] > ' ' && s->key.p[i] < 0x7f;
    if (!good)
        return err_set(e, "%s: expected keys of storages of 1 to %d letters, found another",
                       a->z->file, KEY_MAX);
    struct zip_record *r = find(a, "data/", s->key);
    if (!r)
        return err_set(e, "%s: expected a record %sdata/%.*s, found none", a->z->file, a->top,
                       (int)s->key.n, (const char *)s->key.p);
    uint64_t bytes = (uint64_t)s->count * (uint64_t)s->item_bytes;
    if (r->n < bytes)
        return err_set(e, "%s: %sdata/%.*s: expected %llu bytes, found %llu", a->z->file, a->top,
                       (int)s->key.n, (const char *)s->key.p, (unsigned long long)bytes,
                       (unsigned long long)r->n);
    t->record = r;
    return 0;
}

/* torch.jit.save puts code beside the values. */
static bool is_script(const struct archive *a)
{
    size_t top = strlen(a->top);
    for (size_t i = 0; i < a->z->records; i++) {
        const struct zip_record *r = &a->z->record[i];
        if (r->name_n > top + 5 && memcmp(r->name, a->top, top) == 0 &&
            memcmp(r->name + top, "code/", 5) == 0)
            return true;
    }
    return find_plain(a, "constants.pkl") != NULL;
}

static int check_version(const struct archive *a, struct err *e)
{
    struct zip_record *r = find_plain(a, "version");
    if (!r)
        return 0;
    if (zip_read(a->z, r, e) != 0)
        return -1;
    unsigned v = 0;
    size_t i = 0;
    for (; i < r->n && i < 6 && r->bytes[i] >= '0' && r->bytes[i] <= '9'; i++)
        v = 10 * v + (unsigned)(r->bytes[i] - '0');
    if (i == 0 || v < 1 || v > ARCHIVE_VERSION)
        return err_set(e, "%s: %sversion: expected a version from 1 to %d, found %u", a->z->file,
                       a->top, ARCHIVE_VERSION, v);
    return 0;
}

static int check_order(const struct archive *a, bool *big, struct err *e)
{
    struct zip_record *r = find_plain(a, "byteorder");
    *big = false;
    if (!r)
        return 0;
    if (zip_read(a->z, r, e) != 0)
        return -1;
    *big = r->n == 3 && memcmp(r->bytes, "big", 3) == 0;
    if (!*big && (r->n != 6 || memcmp(r->bytes, "little", 6) != 0))
        return err_set(e, "%s: %sbyteorder: expected little or big, found another word", a->z->file,
                       a->top);
    return 0;
}

/* What `add` makes of the archive's value. */
static int read_archive(struct archive *a,
                        int (*add)(struct ckpt *c, const struct pickle_value *root,
                                   const struct storage_finder *f, struct err *e),
                        struct err *e)
{
    struct storage_finder f = {.find = find_storage, .ctx = a};
    /* torch.export takes no script. */
    if (is_script(a)) {
        err_record(e,
                   "%s: expected a state dict, found " CKPT_SCRIPT "; in PyTorch, "
                   "torch.save(torch.jit.load(FILE).state_dict(), \"weights.pth\") writes one; "
                   "torch.onnx.export makes an ONNX file that is read: model-info prints the two "
                   "lines of Python",
                   a->z->file);
        e->unread = true;
        return -1;
    }
    struct zip_record *r = find_plain(a, "data.pkl");
    if (check_version(a, e) != 0 || check_order(a, &f.big_endian, e) != 0 ||
        zip_read(a->z, r, e) != 0)
        return -1;
    char *name = mem_printf("%s: %sdata.pkl", a->z->file, a->top);
    struct pickle *p;
    int result = pickle_read(&p, r->bytes, (size_t)r->n, name, NULL, e);
    free(name);
    if (result != 0)
        return -1;
    result = add(a->c, pickle_root(p), &f, e);
    pickle_free(p);
    return result;
}

int ckpt_read_dict(struct ckpt *c, struct zip *z, struct err *e)
{
    struct archive a = {c, z, find_top(z, "data.pkl")};
    if (!a.top)
        return err_set(e, "%s: expected an archive of torch.save, found another", z->file);
    const int r = read_archive(&a, state_add, e);
    free(a.top);
    return r;
}

int ckpt_read_zip(struct ckpt *c, struct err *e)
{
    if (zip_open(&c->zip, c->map.p, c->map.n, c->name, e) != 0)
        return -1;
    struct archive a = {c, &c->zip, find_top(&c->zip, "data.pkl")};
    char *export = a.top ? NULL : find_top(&c->zip, "models/model.json");
    if (export) {
        int r = ckpt_read_export(c, export, e);
        free(export);
        return r;
    }
    if (!a.top)
        return ckpt_foreign(c, foreign_archive(&c->zip), e);
    int r = read_archive(&a, state_read, e);
    free(a.top);
    return r;
}
