/* STL-10, https://cs.stanford.edu/~acoates/stl10: test_X.bin holds images of 96 by 96, test_y.bin
 * their labels from 1, class_names.txt the names. Only the file's name tells what it is. */
#include "data/array.h"

#include "base/map.h"
#include "base/mem.h"
#include "data/names_file.h"

#include <stdlib.h>
#include <string.h>

enum { SIDE = 96, CLASSES = 10, NAMES_ROOM = 1 << 16 };

static int take_names(struct array *a, const char *path, const struct data_opts *o, struct err *e)
{
    static const char *const names[CLASSES] = {"airplane", "bird",  "car",    "cat",  "deer",
                                               "dog",      "horse", "monkey", "ship", "truck"};
    const char *slash = strrchr(path, '/');
    char *file = mem_printf("%.*sclass_names.txt", slash ? (int)(slash - path + 1) : 0, path);
    struct err none;
    struct map m;
    int r = 0;
    if (map_open(&m, file, NAMES_ROOM, &none) == 0) {
        inputs_add(o->inputs, file);
        r = names_from_text(&a->base.usual, &m, file, e);
        map_close(&m);
        if (r == 0 && a->base.usual->classes != CLASSES)
            r = err_set(e, "%s: expected %d names, found %d", file, CLASSES,
                        a->base.usual->classes);
    } else {
        a->base.usual = names_new(CLASSES, 0);
        for (int i = 0; i < CLASSES; i++)
            a->base.usual->name[i] = mem_dup(names[i]);
    }
    free(file);
    return r;
}

/* A byte for each image, from 1. */
static int take_labels(struct array *a, const char *path, const struct data_opts *o, struct err *e)
{
    if (o->labels)
        return array_labels(a, o->labels, e);
    char *file = array_beside(path, "_X.bin", "_y.bin");
    struct map m;
    if (!file)
        return 0;
    inputs_add(o->inputs, file);
    int r = map_open(&m, file, (size_t)a->images + 1, e);
    if (r == 0) {
        if ((int64_t)m.n != a->images)
            r = err_set(e, "%s: expected %lld labels, one for each image of %s, found %zu", file,
                        (long long)a->images, path, m.n);
        a->label = mem_alloc((size_t)a->images + 1, sizeof *a->label);
        for (size_t i = 0; i < m.n && r == 0; i++) {
            a->label[i] = m.p[i] - 1;
            if (m.p[i] < 1 || m.p[i] > CLASSES)
                r = err_set(e, "%s: record %zu: expected a class from 1 to %d, found %d", file, i,
                            CLASSES, m.p[i]);
        }
        map_close(&m);
    }
    free(file);
    return r;
}

int source_stl10(struct source **out, struct in **in_taken, bool stream, const struct data_opts *o,
                 struct err *e)
{
    static const char end[] = "_X.bin";
    struct in *in = *in_taken;
    const char *path = in_name(in);
    const size_t n = strlen(path), tail = sizeof end - 1;
    if (stream || n < tail || strcmp(path + n - tail, end) != 0)
        return 0;
    struct array *a = array_new();
    a->form = ARRAY_COLUMNS;
    a->base.kind = "stl10";
    a->base.h = a->base.w = SIDE;
    a->base.classes = CLASSES;
    const int64_t each = (int64_t)array_bytes(a), size = in_size(in);
    a->images = a->base.count = size / each;
    int r = 1;
    if (size % each != 0)
        r = err_set(e, "%s: record %lld: expected %lld bytes, found %lld", path,
                    (long long)a->images, (long long)each, (long long)(size % each));
    if (r == 1 && a->images > INT32_MAX)
        r = err_set(e, "%s: expected at most %d images, found more", path, INT32_MAX);
    a->base.in = in;
    if (r == 1 && (take_labels(a, path, o, e) != 0 || take_names(a, path, o, e) != 0))
        r = -1;
    if (r != 1)
        a->base.in = NULL;
    if (r == 1) {
        *in_taken = NULL;
        *out = &a->base;
    } else {
        array_free(a);
    }
    return r;
}
