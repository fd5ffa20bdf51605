#include "ckpt/ckpt.h"

#include "base/mem.h"
#include "ckpt/foreign.h"
#include "ckpt/rename.h"
#include "ckpt/store.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const size_t LIMIT = (size_t)1 << 36; /* bytes of a file */

/* --- which format --- */

static bool starts(const struct map *m, const char *bytes, size_t n)
{
    return m->n >= n && memcmp(m->p, bytes, n) == 0;
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

void ckpt_record_unread(struct err *e, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *text = mem_vprintf(fmt, ap);
    va_end(ap);
    err_record(e, "%s" CKPT_UNREAD, text);
    e->unread = true;
    free(text);
}

char *ckpt_python(const char *model, int c, int h, int w)
{
    return mem_printf("torch.export.save(torch.export.export(%s.eval(), (torch.zeros(1, %d, %d, "
                      "%d),)), \"model.pt2\")",
                      model, c, h, w);
}

int ckpt_foreign(const struct ckpt *c, struct foreign f, struct err *e)
{
    static const char what[] = "%s: expected a checkpoint of torch.save or safetensors, found %s%s";
    return f.model ? ckpt_unread(e, what, c->name, f.found, f.advice)
                   : err_set(e, what, c->name, f.found, f.advice);
}

/* By the beginning of a file; false where it is in none of the formats. */
static bool find_format(const struct map *m, enum ckpt_format *format)
{
    if (starts(m, "PK\x03\x04", 4) || starts(m, "PK\x05\x06", 4))
        *format = CKPT_ZIP;
    else if (is_legacy(m))
        *format = CKPT_LEGACY;
    /* The first eight bytes are a length: the last of them is 0. */
    else if (m->n > 8 && m->p[8] == '{' && m->p[7] == 0)
        *format = CKPT_SAFETENSORS;
    else if (onnx_begins(m->p, m->n))
        *format = CKPT_ONNX;
    else
        return false;
    return true;
}

/* What is no regular file may have no end: it is read only where it begins as a checkpoint. */
static int read_stream(struct ckpt *c, const char *path, struct err *e)
{
    enum { HEAD = 1 << 16 };
    struct in *in;
    struct map head = {.mapped = false};
    enum ckpt_format format;
    if (in_open(&in, path, e) != 0)
        return -1;
    int64_t n = in_peek(in, &head.p, HEAD, e);
    int r = n < 0 ? -1 : 0;
    head.n = n > 0 ? (size_t)n : 0;
    if (n == HEAD && !find_format(&head, &format))
        r = ckpt_foreign(c, foreign_file(head.p, head.n), e);
    else if (r == 0)
        r = map_rest(&c->map, in, LIMIT, e);
    in_close(in);
    return r;
}

static int read_any(struct ckpt *c, struct err *e)
{
    const struct map *m = &c->map;
    if (m->n == 0)
        return err_set(e, "%s: expected a checkpoint, found an empty file", c->name);
    if (!find_format(m, &c->format))
        return ckpt_foreign(c, foreign_file(m->p, m->n), e);
    return c->format == CKPT_ZIP      ? ckpt_read_zip(c, e)
           : c->format == CKPT_LEGACY ? ckpt_read_legacy(c, e)
           : c->format == CKPT_ONNX   ? ckpt_read_onnx(c, e)
                                      : ckpt_read_safetensors(c, e);
}

/* --- names --- */

static int compare(const void *a, const void *b)
{
    const struct ckpt_index *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static void sort_names(struct ckpt *c)
{
    for (int i = 0; i < c->n; i++)
        c->by_name[i] = (struct ckpt_index){c->tensor[i].name, i};
    qsort(c->by_name, (size_t)c->n, sizeof *c->by_name, compare);
}

static int index_names(struct ckpt *c, struct err *e)
{
    if (c->n == 0)
        return err_set(e, "%s: expected tensors, found none", c->name);
    c->by_name = mem_alloc((size_t)c->n, sizeof *c->by_name);
    sort_names(c);
    for (int i = 1; i < c->n; i++)
        if (compare(&c->by_name[i - 1], &c->by_name[i]) == 0)
            return ckpt_error(c, c->by_name[i].name, e,
                              "expected one tensor of this name, found two");
    return 0;
}

/* --- pruned tensors --- */

/* "fc.weight" of "fc.weight_orig" where that name is free, else NULL. Caller frees. */
static char *pruned_name(const struct ckpt *c, const char *name)
{
    static const char end[] = "_orig";
    size_t n = strlen(name), tail = sizeof end - 1;
    if (n <= tail || strcmp(name + n - tail, end) != 0)
        return NULL;
    char *bare = mem_printf("%.*s", (int)(n - tail), name);
    if (!ckpt_find(c, bare))
        return bare;
    free(bare);
    return NULL;
}

/* torch.nn.utils.prune keeps a tensor as NAME_orig and NAME_mask: one of the name NAME is
 * made of both. */
static int join_masks(struct ckpt *c, struct err *e)
{
    bool *is_mask = mem_zero((size_t)c->n, sizeof *is_mask);
    int masks = 0, r = 0;
    for (int i = 0; i < c->n && r == 0; i++) {
        struct ckpt_tensor *t = &c->tensor[i];
        char *name = pruned_name(c, t->name);
        if (!name)
            continue;
        char *mask_name = mem_printf("%s_mask", name);
        const struct ckpt_tensor *mask = ckpt_find(c, mask_name);
        if (mask) {
            if (mask->ndim != t->ndim ||
                memcmp(mask->shape, t->shape, (size_t)t->ndim * sizeof *t->shape) != 0)
                r = ckpt_error(c, mask_name, e, "expected the shape of %s, found another", t->name);
            t->name = ckpt_own(c, mem_dup(name));
            struct ckpt_tensor *kept = ckpt_own(c, mem_alloc(1, sizeof *kept));
            *kept = *mask;
            t->mask = kept;
            is_mask[mask - c->tensor] = true;
            masks++;
        }
        free(mask_name);
        free(name);
    }
    int kept = 0;
    for (int i = 0; i < c->n; i++)
        if (!is_mask[i])
            c->tensor[kept++] = c->tensor[i];
    free(is_mask);
    c->n = kept;
    if (masks > 0)
        sort_names(c);
    return r;
}

/* The names that the user gave keys. */
static int name_anew(struct ckpt *c, struct err *e)
{
    if (!c->opts.rename)
        return 0;
    if (c->program || c->onnx)
        return err_set(
            e, "%s: expected a state dict, whose keys %s gives other names, found a program",
            c->name, c->opts.rename);
    if (rename_keys(c, c->opts.rename, e) != 0)
        return -1;
    sort_names(c);
    return 0;
}

/* Takes `c` over. */
static int finish(struct ckpt **out, struct ckpt *c, struct err *e)
{
    c->state = "";
    if (read_any(c, e) != 0 || index_names(c, e) != 0 ||
        /* A program multiplies by its masks itself. */
        (!c->program && !c->onnx && join_masks(c, e) != 0) || name_anew(c, e) != 0) {
        ckpt_close(c);
        return -1;
    }
    *out = c;
    return 0;
}

int ckpt_open(struct ckpt **out, const char *path, const struct ckpt_opts *o, struct err *e)
{
    struct ckpt *c = mem_zero(1, sizeof *c);
    c->name = mem_dup(strcmp(path, "-") == 0 ? "standard input" : path);
    c->path = strcmp(path, "-") == 0 ? NULL : c->name;
    if (o)
        c->opts = *o;
    struct stat st;
    bool known = strcmp(path, "-") != 0 && stat(path, &st) == 0;
    int r = known && S_ISDIR(st.st_mode)   ? ckpt_foreign(c, foreign_folder(path), e)
            : known && S_ISREG(st.st_mode) ? map_open(&c->map, path, LIMIT, e)
                                           : read_stream(c, path, e);
    if (r != 0) {
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
    for (int i = 0; i < 2; i++)
        zip_close(&c->inside[i]);
    zip_close(&c->zip);
    if (!c->borrowed)
        map_close(&c->map);
    map_close(&c->beside);
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
    return c->map.n + c->beside.n;
}

uint64_t ckpt_stored(const struct ckpt *c)
{
    const uint64_t files = (uint64_t)c->map.n + c->beside.n;
    uint64_t n = files;
    for (size_t i = 0; i < c->zip.records; i++) {
        const struct zip_record *r = &c->zip.record[i];
        if (r->n > r->packed_n && r->n <= c->zip.unpacked_max)
            n += r->n - r->packed_n;
    }
    uint64_t most = files + ZIP_UNPACKED;
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
        for (const struct ckpt_tensor *t = &c->tensor[i]; t; t = t->mask)
            bytes += (uint64_t)t->count * (uint64_t)ckpt_type_bytes(t->type);
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

char *ckpt_beside(const char *path)
{
    const struct ckpt_opts opts = {0};
    struct err ignored = {0};
    struct stat st;
    struct map m;
    struct ckpt *c;
    if (!path || stat(path, &st) != 0 || !S_ISREG(st.st_mode) ||
        map_open(&m, path, LIMIT, &ignored) != 0)
        return NULL;
    /* No other format has such a file: it is not read twice. */
    const bool onnx = onnx_begins(m.p, m.n);
    map_close(&m);
    if (!onnx || ckpt_open(&c, path, &opts, &ignored) != 0)
        return NULL;
    const char *slash = strrchr(path, '/');
    char *beside = c->beside_name ? mem_printf("%.*s%s", slash ? (int)(slash + 1 - path) : 0, path,
                                               c->beside_name)
                                  : NULL;
    ckpt_close(c);
    return beside;
}
