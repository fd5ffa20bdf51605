#include "data/array.h"

#include "base/mem.h"
#include "data/names_file.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { SIDE_MAX = 8192, PIXELS_MAX = 1 << 22 };

size_t array_bytes(const struct array *a)
{
    return (a->form == ARRAY_GREY ? 1 : 3) * (size_t)a->base.h * (size_t)a->base.w;
}

static void to_planes(const struct array *a, const uint8_t *from, uint8_t *to)
{
    const size_t h = (size_t)a->base.h, w = (size_t)a->base.w;
    for (size_t c = 0; c < 3; c++, to += h * w) {
        if (a->form == ARRAY_GREY) {
            memcpy(to, from, h * w);
            continue;
        }
        for (size_t x = 0; x < w; x++)
            for (size_t y = 0; y < h; y++)
                to[y * w + x] = *from++;
    }
}

static void put_label(const struct array *a, int64_t id, struct data_item *item)
{
    item->label = a->label ? a->label[id] : -1;
    item->superclass = -1;
}

static int array_at(const struct source *s, int64_t id, uint8_t *pixels, struct data_item *item,
                    struct err *e)
{
    const struct array *a = (const struct array *)s;
    const size_t n = array_bytes(a);
    put_label(a, id, item);
    if (!pixels)
        return 0;
    if (a->bytes) {
        to_planes(a, a->bytes + (size_t)id * n, pixels);
        return 0;
    }
    uint8_t *room = mem_alloc(n, 1);
    const int r = in_at(s->in, room, n, a->offset + id * (int64_t)n, e);
    if (r == 0)
        to_planes(a, room, pixels);
    free(room);
    return r;
}

static int array_next(struct source *s, int64_t id, uint8_t *pixels, struct data_item *item,
                      struct err *e)
{
    const struct array *a = (const struct array *)s;
    const size_t n = array_bytes(a);
    if (id >= a->images)
        return 0;
    if (a->bytes)
        return array_at(s, id, pixels, item, e) == 0 ? 1 : -1;
    uint8_t *room = mem_alloc(n, 1);
    const int64_t got = in_read(s->in, room, n, e);
    if (got == (int64_t)n)
        to_planes(a, room, pixels);
    free(room);
    put_label(a, id, item);
    if (got < 0)
        return -1;
    return got == (int64_t)n ? 1
                             : err_set(e, "%s: record %lld: expected %zu bytes, found %lld",
                                       in_name(s->in), (long long)id, n, (long long)got);
}

static void array_close(struct source *s)
{
    array_free((struct array *)s);
}

struct array *array_new(void)
{
    struct array *a = mem_zero(1, sizeof *a);
    a->base = (struct source){
        .count = -1,
        .classes = NAMES_CLASSES,
        .at = array_at,
        .next = array_next,
        .close = array_close,
    };
    return a;
}

void array_name_classes(struct array *a, const char *const *name, int n)
{
    a->base.usual = names_new(n, 0);
    a->base.classes = n;
    for (int i = 0; i < n; i++)
        a->base.usual->name[i] = mem_dup(name[i]);
}

void array_free(struct array *a)
{
    if (!a)
        return;
    in_close(a->base.in);
    names_free(a->base.usual);
    free(a->bytes);
    free(a->label);
    free(a);
}

int array_check_size(int64_t h, int64_t w, const char *name, struct err *e)
{
    if (h >= 1 && w >= 1 && h <= SIDE_MAX && w <= SIDE_MAX && h * w <= PIXELS_MAX)
        return 0;
    return err_set(e,
                   "%s: expected images of 1 to %d pixels a side and at most %d in all, found %lld "
                   "by %lld (width by height)",
                   name, SIDE_MAX, PIXELS_MAX, (long long)w, (long long)h);
}

char *array_beside(const char *path, const char *end, const char *other)
{
    const size_t n = strlen(path), tail = strlen(end);
    struct stat st;
    if (n < tail || strcmp(path + n - tail, end) != 0)
        return NULL;
    char *beside = mem_printf("%.*s%s", (int)(n - tail), path, other);
    if (stat(beside, &st) == 0 && S_ISREG(st.st_mode))
        return beside;
    free(beside);
    return NULL;
}

int array_labels(struct array *a, const char *path, struct err *e)
{
    int64_t n;
    if (labels_load(&a->label, &n, path, e) != 0)
        return -1;
    if (n == a->images)
        return 0;
    return err_set(e, "%s: expected %lld labels, one for each image of %s, found %lld",
                   io_name(path), (long long)a->images, in_name(a->base.in), (long long)n);
}
