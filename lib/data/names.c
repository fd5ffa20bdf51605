#include "data/names.h"

#include "base/mem.h"
#include "base/text.h"
#include "data/data.h"
#include "base/map.h"
#include "data/names_file.h"
#include "pickle/pickle.h"
#include "stream/tsv.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { NAMES_PEEK = 4096 };

const char *names_fault(const char *p, size_t n)
{
    if (n == 0)
        return "an empty text";
    if (n > NAMES_BYTES)
        return "a longer text";
    for (size_t i = 0, width; i < n; i += width) {
        width = p[i] == '\t' || p[i] == '\n' ? 1 : text_char(p + i, n - i);
        bool c1 = p[i] == '\xc2' && i + 1 < n && (p[i + 1] & 0xe0) == 0x80;
        if (width == 0 && ((unsigned char)p[i] < 0x80 || c1))
            return "a control character";
        if (width == 0)
            return "bytes that are no text in UTF-8";
    }
    return NULL;
}

struct names *names_new(int classes, int superclasses)
{
    struct names *n = mem_zero(1, sizeof *n);
    n->classes = classes;
    n->superclasses = superclasses;
    n->name = mem_zero((size_t)classes, sizeof *n->name);
    n->superclass = mem_alloc((size_t)classes, sizeof *n->superclass);
    n->superclass_name = mem_zero((size_t)superclasses, sizeof *n->superclass_name);
    for (int i = 0; i < classes; i++)
        n->superclass[i] = -1;
    return n;
}

void names_free(struct names *n)
{
    if (!n)
        return;
    for (int i = 0; i < n->classes; i++)
        free(n->name[i]);
    for (int i = 0; i < n->superclasses; i++)
        free(n->superclass_name[i]);
    free(n->name);
    free(n->superclass);
    free(n->superclass_name);
    free(n);
}

const char *names_class(const struct names *n, int cls)
{
    return cls >= 0 && cls < n->classes && n->name[cls] ? n->name[cls] : "NA";
}

const char *names_superclass(const struct names *n, int cls, char buf[16])
{
    int g = cls >= 0 && cls < n->classes ? n->superclass[cls] : -1;
    if (g < 0)
        return "NA";
    if (g < n->superclasses && n->superclass_name[g])
        return n->superclass_name[g];
    snprintf(buf, 16, "%d", g);
    return buf;
}

/* --- reading a table --- */

struct table {
    struct tsv_in *in;
    int class_col, name_col, superclass_col, superclass_name_col; /* the latter two may be -1 */
    size_t bytes;                                                 /* of the names so far */
    struct names *n;
};

/* In place of the superclass of a class that no row told of yet. */
enum { UNSEEN = -2 };

static void cover(struct names *n, int classes, int superclasses)
{
    if (classes > n->classes) {
        n->name = mem_grow(n->name, (size_t)classes, sizeof *n->name);
        n->superclass = mem_grow(n->superclass, (size_t)classes, sizeof *n->superclass);
        for (; n->classes < classes; n->classes++) {
            n->name[n->classes] = NULL;
            n->superclass[n->classes] = UNSEEN;
        }
    }
    if (superclasses > n->superclasses) {
        n->superclass_name =
            mem_grow(n->superclass_name, (size_t)superclasses, sizeof *n->superclass_name);
        while (n->superclasses < superclasses)
            n->superclass_name[n->superclasses++] = NULL;
    }
}

/* The name in a field of the current row, for the caller to free, or NULL. */
static char *table_name(struct table *t, int col, struct err *e)
{
    char *name = tsv_string(t->in, col);
    size_t n = strlen(name);
    const char *fault = names_fault(name, n);
    t->bytes += n;
    if (!fault && t->bytes <= NAMES_ALL_BYTES)
        return name;
    if (!fault)
        fault = "more than all may have";
    struct tsv_field h = tsv_header(t->in, col);
    free(name);
    tsv_record(t->in, e, "column '%.*s': expected a name of 1 to %d bytes, found %s", (int)h.n, h.p,
               NAMES_BYTES, fault);
    return NULL;
}

static int table_row(struct table *t, struct err *e)
{
    int64_t cls, superclass = -1;
    if (tsv_int(t->in, t->class_col, 0, NAMES_CLASSES - 1, &cls, e) != 0)
        return -1;
    if (t->superclass_col >= 0 && !tsv_is_na(t->in, t->superclass_col) &&
        tsv_int(t->in, t->superclass_col, 0, NAMES_CLASSES - 1, &superclass, e) != 0)
        return -1;
    cover(t->n, (int)cls + 1, (int)superclass + 1);
    struct names *n = t->n;
    if (n->superclass[cls] != UNSEEN)
        return tsv_error(t->in, e, "expected each class once, found %lld again", (long long)cls);
    if (!tsv_is_na(t->in, t->name_col) && !(n->name[cls] = table_name(t, t->name_col, e)))
        return -1;
    n->superclass[cls] = (int)superclass;
    if (superclass < 0 || t->superclass_name_col < 0 || tsv_is_na(t->in, t->superclass_name_col))
        return 0;
    char *name = table_name(t, t->superclass_name_col, e);
    if (!name)
        return -1;
    if (!n->superclass_name[superclass]) {
        n->superclass_name[superclass] = name;
        return 0;
    }
    int r = 0;
    if (strcmp(name, n->superclass_name[superclass]) != 0)
        r = tsv_error(t->in, e, "expected the name '%.60s' for superclass %lld, found '%.60s'",
                      n->superclass_name[superclass], (long long)superclass, name);
    free(name);
    return r;
}

static int read_table(struct names **out, struct tsv_in *in, struct err *e)
{
    struct table t = {
        .in = in,
        .class_col = tsv_need(in, "class", e),
        .name_col = -1,
        .superclass_col = tsv_find(in, "group"),
        .superclass_name_col = tsv_find(in, "group_name"),
    };
    if (t.class_col < 0 || (t.name_col = tsv_need(in, "name", e)) < 0)
        return -1;
    t.n = names_new(0, 0);
    int r;
    while ((r = tsv_next(in, e)) == 1)
        if (table_row(&t, e) != 0) {
            r = -1;
            break;
        }
    for (int i = 0; i < t.n->classes; i++)
        if (t.n->superclass[i] == UNSEEN)
            t.n->superclass[i] = -1;
    if (r < 0)
        names_free(t.n);
    else
        *out = t.n;
    return r;
}

/* --- reading whatever it is --- */

static struct names *copy(const struct names *n)
{
    struct names *c = names_new(n->classes, n->superclasses);
    for (int i = 0; i < n->classes; i++) {
        c->name[i] = n->name[i] ? mem_dup(n->name[i]) : NULL;
        c->superclass[i] = n->superclass[i];
    }
    for (int i = 0; i < n->superclasses; i++)
        c->superclass_name[i] = n->superclass_name[i] ? mem_dup(n->superclass_name[i]) : NULL;
    return c;
}

static int load_data(struct names **n, const char *path, struct inputs *inputs, struct err *e)
{
    struct data *d;
    const struct data_opts o = {.inputs = inputs};
    if (data_open(&d, path, &o, e) != 0)
        return -1;
    int r = 0;
    if (data_names(d)->classes == 0)
        r = err_set(e, "%s: expected names of classes, found images without them", path);
    else
        *n = copy(data_names(d));
    data_close(d);
    return r;
}

static bool is_text(const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((p[i] < ' ' && !strchr("\t\n\r", p[i])) || p[i] == '\0')
            return false;
    return true;
}

/* From an input of which nothing was taken. 1, 0 where it holds something else. */
static int load_in(struct names **n, struct in **in, struct err *e)
{
    const unsigned char *p;
    int64_t peeked = in_peek(*in, &p, NAMES_PEEK, e);
    if (peeked < 0)
        return -1;
    if (peeked == 0)
        return err_set(e, "%s: expected names, found an empty file", in_name(*in));
    size_t have = (size_t)peeked;
    bool pickled = pickle_starts(p, have);
    if (!pickled && !is_text(p, have))
        return 0;
    const unsigned char *lf = memchr(p, '\n', have);
    if (!pickled && memchr(p, '\t', lf ? (size_t)(lf - p) : have)) {
        struct tsv_in *t;
        if (tsv_open_in(&t, *in, e) != 0)
            return -1;
        *in = NULL;
        int r = read_table(n, t, e);
        tsv_close(t);
        return r == 0 ? 1 : -1;
    }
    struct map m;
    if (pickled && in_size(*in) > NAMES_ALL_BYTES)
        return 0;
    if (map_rest(&m, *in, NAMES_ALL_BYTES, e) != 0)
        return -1;
    int r = pickled ? names_from_pickle(n, &m, in_name(*in), e)
                    : names_from_text(n, &m, in_name(*in), e);
    map_close(&m);
    return pickled || r < 0 ? r : 1;
}

int names_load(struct names **n, const char *path, struct inputs *inputs, struct err *e)
{
    struct stat st;
    if (strcmp(path, "-") != 0 && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return load_data(n, path, inputs, e);
    struct in *in;
    if (in_open(&in, path, e) != 0)
        return -1;
    inputs_add(inputs, path);
    int r = load_in(n, &in, e);
    bool file = in && in_size(in) >= 0 && strcmp(path, "-") != 0;
    if (r == 0 && !file)
        r = err_set(e, "%s: expected names as a table or as text, found something else",
                    in_name(in));
    in_close(in);
    if (r == 0)
        return load_data(n, path, inputs, e);
    return r < 0 ? -1 : 0;
}

int names_write(const struct names *n, struct out *o, struct err *e)
{
    struct tsv_out *t = tsv_begin(o, "class name group group_name");
    int r = 0;
    for (int i = 0; i < n->classes && r == 0; i++) {
        int g = n->superclass[i];
        tsv_put_int(t, i);
        tsv_put_string(t, n->name[i]);
        if (g < 0)
            tsv_put_string(t, NULL);
        else
            tsv_put_int(t, g);
        tsv_put_string(t, g >= 0 && g < n->superclasses ? n->superclass_name[g] : NULL);
        r = tsv_end(t, e);
    }
    tsv_free(t);
    return r;
}
