#include "ckpt/ckpt.h"

#include "base/mem.h"
#include "ckpt/store.h"

#include <stdlib.h>
#include <string.h>

enum { TEXT_PEEK = 512, TAR_MAGIC_AT = 257 };

/* --- which format --- */

static bool starts(const struct map *m, const char *bytes, size_t n)
{
    return m->n >= n && memcmp(m->p, bytes, n) == 0;
}

static bool is_text(const struct map *m)
{
    for (size_t i = 0; i < m->n && i < TEXT_PEEK; i++)
        if ((m->p[i] < ' ' && !strchr("\t\n\r", m->p[i])) || m->p[i] == '\0')
            return false;
    return true;
}

/* A pickle of protocol 2 or above with the magic number of torch.save. */
static bool is_legacy(const struct map *m)
{
    static const char magic[] = "\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
    const size_t frame = 9; /* between the two, from protocol 4 on */
    if (m->n < 2 + frame + sizeof magic || m->p[0] != 0x80)
        return false;
    const unsigned char *p = m->p + 2 + (m->p[2] == 0x95 ? frame : 0);
    return memcmp(p, magic, sizeof magic - 1) == 0;
}

static int unknown(const struct ckpt *c, struct err *e)
{
    static const struct {
        const char *start, *found;
        size_t n;
    } kinds[] = {
        {"version https://git-lfs", "a pointer of Git LFS: fetch the file itself with git lfs pull",
         23},
        {"\x80", "a pickle that torch.save did not write", 1},
        {"\x1f\x8b", "a gzip archive: unpack it first", 2},
        {"\x89HDF", "an HDF5 file", 4},
        {"\x93NUMPY", "a numpy array", 6},
    };
    const struct map *m = &c->map;
    const char *found = is_text(m) ? "text" : "something else";
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (starts(m, kinds[i].start, kinds[i].n)) {
            found = kinds[i].found;
            break;
        }
    if (m->n > TAR_MAGIC_AT + 5 && memcmp(m->p + TAR_MAGIC_AT, "ustar", 5) == 0)
        found =
            "a tar archive, as PyTorch before 0.1.10 wrote; if you trust it, "
            "torch.save(torch.load(FILE, weights_only=False), \"weights.pth\") writes a newer one";
    return err_set(e, "%s: expected a checkpoint of torch.save or safetensors, found %s", c->name,
                   found);
}

static int read_any(struct ckpt *c, struct err *e)
{
    const struct map *m = &c->map;
    if (m->n == 0)
        return err_set(e, "%s: expected a checkpoint, found an empty file", c->name);
    if (starts(m, "PK\x03\x04", 4) || starts(m, "PK\x05\x06", 4)) {
        c->format = CKPT_ZIP;
        return ckpt_read_zip(c, e);
    }
    if (is_legacy(m)) {
        c->format = CKPT_LEGACY;
        return ckpt_read_legacy(c, e);
    }
    if (m->n > 8 && m->p[8] == '{' && !is_text(m)) {
        c->format = CKPT_SAFETENSORS;
        return ckpt_read_safetensors(c, e);
    }
    return unknown(c, e);
}

/* --- names --- */

static int compare(const void *a, const void *b)
{
    const struct ckpt_index *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static int index_names(struct ckpt *c, struct err *e)
{
    if (c->n == 0)
        return err_set(e, "%s: expected tensors, found none", c->name);
    c->by_name = mem_alloc((size_t)c->n, sizeof *c->by_name);
    for (int i = 0; i < c->n; i++)
        c->by_name[i] = (struct ckpt_index){c->tensor[i].name, i};
    qsort(c->by_name, (size_t)c->n, sizeof *c->by_name, compare);
    for (int i = 1; i < c->n; i++)
        if (compare(&c->by_name[i - 1], &c->by_name[i]) == 0)
            return ckpt_error(c, c->by_name[i].name, e,
                              "expected one tensor of this name, found two");
    return 0;
}

/* Takes `c` over. */
static int finish(struct ckpt **out, struct ckpt *c, struct err *e)
{
    c->state = "";
    if (read_any(c, e) != 0 || index_names(c, e) != 0) {
        ckpt_close(c);
        return -1;
    }
    *out = c;
    return 0;
}

int ckpt_open(struct ckpt **out, const char *path, const struct ckpt_opts *o, struct err *e)
{
    const size_t limit = (size_t)1 << 36;
    struct ckpt *c = mem_zero(1, sizeof *c);
    c->name = mem_dup(strcmp(path, "-") == 0 ? "standard input" : path);
    if (o)
        c->opts = *o;
    if (map_open(&c->map, path, limit, e) != 0) {
        ckpt_close(c);
        return -1;
    }
    return finish(out, c, e);
}

int ckpt_open_memory(struct ckpt **out, const unsigned char *p, size_t n, const char *name,
                     const struct ckpt_opts *o, struct err *e)
{
    struct ckpt *c = mem_zero(1, sizeof *c);
    c->name = mem_dup(name);
    if (o)
        c->opts = *o;
    c->map = (struct map){.p = p, .n = n};
    c->borrowed = true;
    return finish(out, c, e);
}

void ckpt_close(struct ckpt *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->owned_n; i++)
        free(c->owned[i]);
    free(c->owned);
    free(c->tensor);
    free(c->by_name);
    free(c->extra);
    zip_close(&c->zip);
    if (!c->borrowed)
        map_close(&c->map);
    free(c->name);
    free(c);
}

const char *ckpt_name(const struct ckpt *c)
{
    return c->name;
}

enum ckpt_format ckpt_format(const struct ckpt *c)
{
    return c->format;
}

const char *ckpt_state(const struct ckpt *c)
{
    return c->state;
}

size_t ckpt_bytes(const struct ckpt *c)
{
    return c->map.n;
}

uint64_t ckpt_stored(const struct ckpt *c)
{
    uint64_t n = c->map.n;
    for (size_t i = 0; i < c->zip.records; i++) {
        const struct zip_record *r = &c->zip.record[i];
        if (r->n > r->packed_n && r->n <= c->zip.unpacked_max)
            n += r->n - r->packed_n;
    }
    uint64_t most = c->map.n + ZIP_UNPACKED;
    return n < most ? n : most;
}

uint64_t ckpt_limit(const struct ckpt *c)
{
    const uint64_t repeats = 2, least = 16 << 20;
    return repeats * ckpt_stored(c) + least;
}

int ckpt_bounded(const struct ckpt *c, struct err *e)
{
    uint64_t limit = ckpt_limit(c), bytes = 0;
    for (int i = 0; i < c->n && bytes <= limit; i++)
        bytes += (uint64_t)c->tensor[i].count * (uint64_t)ckpt_type_bytes(c->tensor[i].type);
    if (bytes <= limit)
        return 0;
    return err_set(e, "%s: expected tensors in keeping with the file, found more than %llu bytes",
                   c->name, (unsigned long long)limit);
}

int ckpt_count(const struct ckpt *c)
{
    return c->n;
}

const struct ckpt_tensor *ckpt_at(const struct ckpt *c, int i)
{
    return &c->tensor[i];
}

const struct ckpt_tensor *ckpt_find(const struct ckpt *c, const char *name)
{
    struct ckpt_index key = {.name = name};
    const struct ckpt_index *found =
        bsearch(&key, c->by_name, (size_t)c->n, sizeof *c->by_name, compare);
    return found ? &c->tensor[found->tensor] : NULL;
}

/* The first name that is not below `text` or, with `past`, that does not begin with it
 * either. */
static int bound(const struct ckpt *c, const char *text, bool past)
{
    size_t n = strlen(text);
    int low = 0, high = c->n;
    while (low < high) {
        int mid = low + (high - low) / 2;
        int order =
            past ? strncmp(c->by_name[mid].name, text, n) : strcmp(c->by_name[mid].name, text);
        if (order < 0 || (past && order == 0))
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

int ckpt_behind(const struct ckpt *c, const char *prefix, int *first)
{
    *first = bound(c, prefix, false);
    return bound(c, prefix, true) - *first;
}

const struct ckpt_tensor *ckpt_by_name(const struct ckpt *c, int i)
{
    return &c->tensor[c->by_name[i].tensor];
}

int ckpt_extras(const struct ckpt *c)
{
    return c->extras;
}

const struct ckpt_extra *ckpt_extra(const struct ckpt *c, int i)
{
    return &c->extra[i];
}
