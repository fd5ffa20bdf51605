#include "data/annotations.h"

#include "base/map.h"
#include "base/mem.h"
#include "base/text.h"
#include "data/names_file.h"
#include "data/source.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEXT_BYTES = 1 << 26, WORDNET = 64 };

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A line of a text whose fields tabs separate. */
struct line {
    const char *file;
    long long number;
    const char *p, *end; /* what is left of the text */
    const char *field[2];
    size_t n[2];
};

static bool next_line(struct line *l)
{
    if (l->p == l->end)
        return false;
    const char *lf = memchr(l->p, '\n', (size_t)(l->end - l->p)), *to = lf ? lf : l->end;
    const char *next = lf ? lf + 1 : to;
    if (to > l->p && to[-1] == '\r')
        to--;
    l->number++;
    for (int i = 0; i < 2; i++) {
        const char *tab = memchr(l->p, '\t', (size_t)(to - l->p));
        l->field[i] = l->p;
        l->n[i] = (size_t)((tab ? tab : to) - l->p);
        l->p = tab ? tab + 1 : to;
    }
    l->p = next;
    return true;
}

static int bad_line(const struct line *l, const char *expected, int field, struct err *e)
{
    const int n = l->n[field] < 60 ? (int)l->n[field] : 60;
    char *found = mem_printf("%.*s", n, l->field[field]), *shown = text_clean(found, '?');
    err_record(e, "%s:%lld: expected %s, found '%s'", l->file, l->number, expected, shown);
    free(found);
    free(shown);
    return -1;
}

static bool is_id(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)p[i]) && p[i] != '_' && p[i] != '-')
            return false;
    return n > 0 && n < WORDNET;
}

/* The class of an id, or -1: names are sorted as class folders are. */
static int find_class(const struct names *n, const char *id)
{
    char *const *at = bsearch(&id, n->name, (size_t)n->classes, sizeof *n->name, by_bytes);
    return at ? (int)(at - n->name) : -1;
}

/* The ids of wnids.txt or, without it, those of the annotations. */
static int read_ids(struct annotations *a, const char *list, const struct map *notes,
                    const char *file, struct err *e)
{
    struct map m = *notes;
    const bool listed = access(list, F_OK) == 0;
    const int field = listed ? 0 : 1;
    if (listed && map_open(&m, list, TEXT_BYTES, e) != 0)
        return -1;
    struct names *n = a->names = names_new(0, 0);
    struct line l = {
        .file = listed ? list : file, .p = (const char *)m.p, .end = (const char *)m.p + m.n};
    int r = 0;
    while (r == 0 && next_line(&l)) {
        if (!is_id(l.field[field], l.n[field]))
            r = bad_line(&l, "the id of a class", field, e);
        else if (!listed && n->classes > 0 && strlen(n->name[n->classes - 1]) == l.n[field] &&
                 memcmp(n->name[n->classes - 1], l.field[field], l.n[field]) == 0)
            continue;
        else if (n->classes == NAMES_CLASSES)
            r = err_set(e, "%s:%lld: expected at most %d ids, found more", l.file, l.number,
                        NAMES_CLASSES);
        else
            names_add(n, mem_printf("%.*s", (int)l.n[field], l.field[field]));
    }
    if (listed)
        map_close(&m);
    if (r != 0 || n->classes == 0)
        return r;
    qsort(n->name, (size_t)n->classes, sizeof *n->name, by_bytes);
    int kept = 1;
    for (int i = 1; i < n->classes; i++)
        if (strcmp(n->name[i], n->name[kept - 1]) == 0)
            free(n->name[i]);
        else
            n->name[kept++] = n->name[i];
    n->classes = kept;
    return 0;
}

/* Takes a copy of the name. */
static void add_image(struct annotations *a, const char *name, int label)
{
    a->image = mem_extend(a->image, a->n, a->n + 1, sizeof *a->image);
    a->image[a->n++] = (struct annotated){mem_dup(name), label};
}

/* Each line names an image and its class. */
static int read_notes(struct annotations *a, const struct map *notes, const char *file,
                      struct err *e)
{
    struct line l = {
        .file = file, .p = (const char *)notes->p, .end = (const char *)notes->p + notes->n};
    while (next_line(&l)) {
        char id[WORDNET], *name = mem_printf("%.*s", (int)l.n[0], l.field[0]);
        const bool good = l.n[0] > 0 && l.n[0] <= NAME_MAX && strlen(name) == l.n[0] &&
                          !strchr(name, '/') && folder_is_image(name);
        int r = good ? 0 : bad_line(&l, "the name of an image", 0, e), label = -1;
        if (r == 0 && is_id(l.field[1], l.n[1])) {
            snprintf(id, sizeof id, "%.*s", (int)l.n[1], l.field[1]);
            label = find_class(a->names, id);
        }
        if (r == 0 && label < 0)
            r = bad_line(&l, "the id of a class of wnids.txt", 1, e);
        if (r == 0)
            add_image(a, name, label);
        free(name);
        if (r != 0)
            return -1;
    }
    return a->n > 0 ? 0 : err_set(e, "%s: expected lines of images, found none", file);
}

/* How many classes begin with the same word. */
static int alike(char *const *name, int classes, const char *of)
{
    int n = 0;
    for (int i = 0; i < classes; i++)
        n += name[i] && strcmp(name[i], of) == 0;
    return n;
}

/* The ids' names in words.txt: the first of each, or all where the first is several classes'. */
static int read_words(struct annotations *a, const char *words, struct err *e)
{
    struct names *n = a->names;
    struct map m;
    if (access(words, F_OK) != 0)
        return 0;
    if (map_open(&m, words, TEXT_BYTES, e) != 0)
        return -1;
    char **brief = mem_zero((size_t)n->classes, sizeof *brief);
    char **full = mem_zero((size_t)n->classes, sizeof *full);
    struct line l = {.file = words, .p = (const char *)m.p, .end = (const char *)m.p + m.n};
    while (next_line(&l)) {
        char id[WORDNET];
        const int k = is_id(l.field[0], l.n[0]) &&
                              snprintf(id, sizeof id, "%.*s", (int)l.n[0], l.field[0]) > 0
                          ? find_class(n, id)
                          : -1;
        if (k < 0 || full[k] || names_fault(l.field[1], l.n[1]))
            continue;
        const char *comma = memchr(l.field[1], ',', l.n[1]);
        full[k] = mem_printf("%.*s", (int)l.n[1], l.field[1]);
        if (comma != l.field[1])
            brief[k] = mem_printf("%.*s", (int)(comma ? (size_t)(comma - l.field[1]) : l.n[1]),
                                  l.field[1]);
    }
    map_close(&m);
    for (int i = 0; i < n->classes; i++) {
        char **best = brief[i] && alike(brief, n->classes, brief[i]) == 1 ? &brief[i]
                      : full[i] && alike(full, n->classes, full[i]) == 1  ? &full[i]
                                                                          : NULL;
        if (best) {
            free(n->name[i]);
            n->name[i] = mem_dup(*best);
        }
    }
    for (int i = 0; i < n->classes; i++) {
        free(brief[i]);
        free(full[i]);
    }
    free(brief);
    free(full);
    return 0;
}

/* The files of a folder: all but the table may be missing. */
struct files {
    char *table, *ids, *words;
};

static int read_all(struct annotations *a, const struct files *f, struct err *e)
{
    struct map m;
    if (map_open(&m, f->table, TEXT_BYTES, e) != 0)
        return -1;
    const int r = read_ids(a, f->ids, &m, f->table, e) != 0 ||
                          read_notes(a, &m, f->table, e) != 0 || read_words(a, f->words, e) != 0
                      ? -1
                      : 1;
    map_close(&m);
    return r;
}

int annotations_read(struct annotations *a, const char *path, struct inputs *inputs, struct err *e)
{
    const struct files f = {.table = mem_printf("%s/" ANNOTATIONS_FILE, path),
                            .ids = mem_printf("%s/../wnids.txt", path),
                            .words = mem_printf("%s/../words.txt", path)};
    const char *const file[] = {f.table, f.ids, f.words};
    *a = (struct annotations){.folder = mem_printf("%s/images", path)};
    int r = access(f.table, F_OK) == 0 && access(a->folder, F_OK) == 0;
    if (r == 1)
        r = read_all(a, &f, e);
    for (size_t i = 0; i < sizeof file / sizeof *file && r == 1; i++)
        if (access(file[i], F_OK) == 0)
            inputs_add(inputs, file[i]);
    free(f.table);
    free(f.ids);
    free(f.words);
    if (r != 1)
        annotations_free(a);
    return r;
}

void annotations_free(struct annotations *a)
{
    for (size_t i = 0; i < a->n; i++)
        free(a->image[i].file);
    free(a->image);
    free(a->folder);
    names_free(a->names);
    *a = (struct annotations){.n = 0};
}
