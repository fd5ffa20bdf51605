#include "data/names_file.h"

#include "base/mem.h"
#include "base/text.h"
#include "pickle/pickle.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { NAME_FILE_BYTES = 1 << 24 };

struct list {
    char **name;
    int n;
};

static void list_free(struct list *l)
{
    for (int i = 0; i < l->n; i++)
        free(l->name[i]);
    free(l->name);
    *l = (struct list){0};
}

char *names_shown(const char *name, bool table)
{
    const unsigned char *p = (const unsigned char *)name;
    size_t left = strlen(name);
    char *shown = mem_alloc(4 * left + 1, 1), *to = shown;
    while (left > 0) {
        size_t width = table && (*p == '\t' || *p == '\n') ? 1 : text_char((const char *)p, left);
        if (width > 0)
            memcpy(to, p, width);
        to += width > 0 ? (int)width : snprintf(to, 5, "\\x%02X", *p);
        p += width ? width : 1;
        left -= width ? width : 1;
    }
    *to = '\0';
    return shown;
}

void names_add(struct names *n, char *name)
{
    size_t had = (size_t)n->classes;
    n->name = mem_extend(n->name, had, had + 1, sizeof *n->name);
    n->superclass = mem_extend(n->superclass, had, had + 1, sizeof *n->superclass);
    n->name[n->classes] = name;
    n->superclass[n->classes++] = -1;
}

/* Adds a name; NULL, or what was found in its place. */
static const char *list_add(struct list *l, const unsigned char *p, size_t n)
{
    const char *fault = names_fault((const char *)p, n);
    if (fault)
        return fault;
    if (l->n == NAMES_CLASSES)
        return "more names than classes can be";
    l->name = mem_extend(l->name, (size_t)l->n, (size_t)l->n + 1, sizeof *l->name);
    char *s = mem_alloc(n + 1, 1);
    memcpy(s, p, n);
    s[n] = '\0';
    l->name[l->n++] = s;
    return NULL;
}

static int list_text(struct list *l, const struct map *m, const char *file, struct err *e)
{
    size_t end = m->n;
    while (end > 0 && strchr("\r\n", m->p[end - 1]))
        end--;
    size_t from = m->n >= 3 && memcmp(m->p, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    for (long long line = 1; from < end; line++) {
        const unsigned char *p = m->p + from, *lf = memchr(p, '\n', end - from);
        size_t n = lf ? (size_t)(lf - p) : end - from;
        from += n + 1;
        if (n && p[n - 1] == '\r')
            n--;
        const char *bad = list_add(l, p, n);
        if (bad)
            return err_set(e, "%s:%lld: expected a name of 1 to %d bytes, found %s", file, line,
                           NAMES_BYTES, bad);
    }
    return l->n ? 0 : err_set(e, "%s: expected names, found none", file);
}

static int list_pickle(struct list *l, const struct pickle_value *v, const char *key,
                       const char *file, struct err *e)
{
    if (v->kind != PICKLE_LIST || v->seq.n == 0)
        return err_set(e, "%s: %s: expected a list of names, found another value", file, key);
    for (size_t i = 0; i < v->seq.n; i++) {
        const struct pickle_value *x = v->seq.item[i];
        const char *bad = x->kind == PICKLE_STR || x->kind == PICKLE_BYTES
                              ? list_add(l, x->text.p, x->text.n)
                              : "another value";
        if (bad)
            return err_set(e, "%s: %s: item %zu: expected a name of 1 to %d bytes, found %s", file,
                           key, i, NAMES_BYTES, bad);
    }
    return 0;
}

/* CIFAR-100's text file calls five trees by shorter names than its pickle. Where
 * all five stand in their places, the pickle's names stand for them, so that both
 * layouts give the same tables. */
static void lengthen(struct list *l)
{
    static const struct {
        int cls;
        const char *brief, *full;
    } trees[] = {{47, "maple", "maple_tree"},
                 {52, "oak", "oak_tree"},
                 {56, "palm", "palm_tree"},
                 {59, "pine", "pine_tree"},
                 {96, "willow", "willow_tree"}};
    enum { TREES = sizeof trees / sizeof *trees, CIFAR100 = 100 };
    if (l->n != CIFAR100)
        return;
    for (int i = 0; i < TREES; i++)
        if (strcmp(l->name[trees[i].cls], trees[i].brief) != 0)
            return;
    for (int i = 0; i < TREES; i++) {
        free(l->name[trees[i].cls]);
        l->name[trees[i].cls] = mem_dup(trees[i].full);
    }
}

/* Takes the names out of the lists. */
static struct names *assemble(struct list *fine, struct list *coarse)
{
    lengthen(fine);
    struct names *n = names_new(fine->n, coarse->n);
    if (fine->n)
        memcpy(n->name, fine->name, (size_t)fine->n * sizeof *n->name);
    if (coarse->n)
        memcpy(n->superclass_name, coarse->name, (size_t)coarse->n * sizeof *n->superclass_name);
    fine->n = coarse->n = 0;
    return n;
}

int names_from_text(struct names **n, const struct map *m, const char *file, struct err *e)
{
    struct list fine = {0}, coarse = {0};
    int r = list_text(&fine, m, file, e);
    if (r == 0)
        *n = assemble(&fine, &coarse);
    list_free(&fine);
    return r;
}

int names_from_pickle(struct names **n, const struct map *m, const char *file, struct err *e)
{
    struct pickle *p;
    if (pickle_read(&p, m->p, m->n, file, NULL, e) != 0)
        return -1;
    const struct pickle_value *root = pickle_root(p);
    const char *key = pickle_get(root, "fine_label_names") ? "fine_label_names" : "label_names";
    const struct pickle_value *f = pickle_get(root, key);
    const struct pickle_value *c = pickle_get(root, "coarse_label_names");
    struct list fine = {0}, coarse = {0};
    int r = f ? 1 : 0;
    if (f && (list_pickle(&fine, f, key, file, e) != 0 ||
              (c && list_pickle(&coarse, c, "coarse_label_names", file, e) != 0)))
        r = -1;
    if (r == 1)
        *n = assemble(&fine, &coarse);
    list_free(&fine);
    list_free(&coarse);
    pickle_free(p);
    return r;
}

/* --- beside a data file --- */

/* The file `name` in the folder of `data`: 1, 0 where there is no regular file, -1. */
static int sibling(char **file, const char *data, const char *name, struct inputs *inputs,
                   struct err *e)
{
    const char *slash = strrchr(data, '/');
    char *path = mem_printf("%.*s%s", slash ? (int)(slash - data + 1) : 0, data, name);
    struct stat st;
    int r = stat(path, &st) == 0                  ? S_ISREG(st.st_mode)
            : errno == ENOENT || errno == ENOTDIR ? 0
                                                  : err_errno(e, "%s", path);
    if (r != 1) {
        free(path);
        return r;
    }
    inputs_add(inputs, path);
    *file = path;
    return 1;
}

/* One list from a text file: 1, 0 where there is none. */
static int beside_list(struct list *l, char **file, const char *data, const char *name,
                       struct inputs *inputs, struct err *e)
{
    int r = sibling(file, data, name, inputs, e);
    if (r != 1)
        return r;
    struct map m;
    r = map_open(&m, *file, NAME_FILE_BYTES, e);
    if (r == 0) {
        r = list_text(l, &m, *file, e);
        map_close(&m);
    }
    return r == 0 ? 1 : -1;
}

static int beside_text(struct names **n, char **file, const char *data, bool coarse,
                       struct inputs *inputs, struct err *e)
{
    struct list fine = {0}, superclasses = {0};
    char *superclass_file = NULL;
    int r = beside_list(&fine, file, data, coarse ? "fine_label_names.txt" : "batches.meta.txt",
                        inputs, e);
    if (r == 1 && coarse &&
        beside_list(&superclasses, &superclass_file, data, "coarse_label_names.txt", inputs, e) < 0)
        r = -1;
    if (r == 1)
        *n = assemble(&fine, &superclasses);
    list_free(&fine);
    list_free(&superclasses);
    free(superclass_file);
    return r;
}

static int beside_pickle(struct names **n, char **file, const char *data, bool coarse,
                         struct inputs *inputs, struct err *e)
{
    int r = sibling(file, data, coarse ? "meta" : "batches.meta", inputs, e);
    if (r != 1)
        return r;
    struct map m;
    if (map_open(&m, *file, NAME_FILE_BYTES, e) != 0)
        return -1;
    r = names_from_pickle(n, &m, *file, e);
    if (r == 0)
        r = err_set(e, "%s: expected lists of names, found none", *file);
    map_close(&m);
    return r;
}

/* Beside the file as it is called. */
static int beside(struct names **n, char **file, const char *data, bool coarse, bool pickled,
                  struct inputs *inputs, struct err *e)
{
    int r = 0;
    for (int i = 0; i < 2 && r == 0; i++) {
        *file = NULL;
        r = (i == 0) == pickled ? beside_pickle(n, file, data, coarse, inputs, e)
                                : beside_text(n, file, data, coarse, inputs, e);
        if (r <= 0) {
            free(*file);
            *file = NULL;
        }
    }
    return r;
}

int names_beside(struct names **n, char **file, const char *data, bool coarse, bool pickled,
                 struct inputs *inputs, struct err *e)
{
    int r = beside(n, file, data, coarse, pickled, inputs, e);
    char *target = r == 0 ? realpath(data, NULL) : NULL;
    if (target)
        r = beside(n, file, target, coarse, pickled, inputs, e);
    free(target);
    return r;
}
