#include "rows/naming.h"

#include "base/mem.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { SUPERCLASS_MAX = 65536 };

/* A field as it stood in its row, and as a string without escapes. */
struct text {
    char *raw, *plain; /* NULL where unknown */
    size_t n;          /* bytes of raw */
};

/* One class as far as the rows told. */
struct named_class {
    struct text name;
    int superclass; /* index into naming.superclass, -1 where unknown */
};

struct naming {
    const struct names *given;
    struct named_class *cls;
    int classes;
    struct text *superclass; /* in the order of their first appearance */
    int superclasses;
    size_t bytes; /* of all names */
    struct names made;
};

int naming_load(struct names **given, const char *path, struct err *e)
{
    *given = NULL;
    if (path && names_load(given, path, NULL, e) != 0)
        return -1;
    if (*given && (*given)->classes == 0) {
        names_free(*given);
        *given = NULL;
    }
    return 0;
}

struct naming *naming_new(const struct names *given)
{
    struct naming *s = mem_zero(1, sizeof *s);
    s->given = given;
    return s;
}

void naming_free(struct naming *s)
{
    if (!s)
        return;
    for (int i = 0; i < s->classes; i++) {
        free(s->cls[i].name.raw);
        free(s->cls[i].name.plain);
    }
    for (int i = 0; i < s->superclasses; i++) {
        free(s->superclass[i].raw);
        free(s->superclass[i].plain);
    }
    free(s->cls);
    free(s->superclass);
    free(s->made.name);
    free(s->made.superclass);
    free(s->made.superclass_name);
    free(s);
}

static struct text text_copy(const struct tsv_in *t, int col)
{
    struct tsv_field f = tsv_get(t, col);
    struct text x = {.raw = mem_alloc(f.n + 1, 1), .plain = tsv_string(t, col), .n = f.n};
    memcpy(x.raw, f.p, f.n);
    return x;
}

static bool text_is(const struct text *x, struct tsv_field f)
{
    return x->n == f.n && memcmp(x->raw, f.p, f.n) == 0;
}

static struct named_class *class_at(struct naming *s, int cls)
{
    s->cls = mem_extend(s->cls, (size_t)s->classes, (size_t)cls + 1, sizeof *s->cls);
    for (; s->classes <= cls; s->classes++)
        s->cls[s->classes] = (struct named_class){.superclass = -1};
    return &s->cls[cls];
}

static int superclass_find(struct naming *s, const struct tsv_in *t, int col)
{
    struct tsv_field f = tsv_get(t, col);
    for (int i = 0; i < s->superclasses; i++)
        if (text_is(&s->superclass[i], f))
            return i;
    size_t had = (size_t)s->superclasses;
    s->superclass = mem_extend(s->superclass, had, had + 1, sizeof *s->superclass);
    s->superclass[s->superclasses] = text_copy(t, col);
    return s->superclasses++;
}

/* For messages: a field's beginning. */
static int shown(size_t n)
{
    return (int)(n > 60 ? 60 : n);
}

static int check_name(struct naming *s, const struct tsv_in *t, int col, const struct text *x,
                      struct err *e)
{
    size_t n = strlen(x->plain);
    const char *fault = names_fault(x->plain, n);
    s->bytes += n;
    if (!fault && s->bytes > NAMES_ALL_BYTES)
        fault = "more than all may have";
    struct tsv_field h = tsv_header(t, col);
    return fault ? tsv_error(t, e, "column '%.*s': expected a name of 1 to %d bytes, found %s",
                             shown(h.n), h.p, NAMES_BYTES, fault)
                 : 0;
}

static int differs(const struct tsv_in *t, int col, int cls, const char *what,
                   const struct text *before, struct err *e)
{
    struct tsv_field h = tsv_header(t, col), f = tsv_get(t, col);
    return tsv_error(t, e,
                     "column '%.*s': expected '%.*s', the %s of class %d so far, found '%.*s'",
                     shown(h.n), h.p, shown(before->n), before->raw, what, cls, shown(f.n), f.p);
}

int naming_learn(struct naming *s, const struct tsv_in *t, int cls, int name_col,
                 int superclass_col, struct err *e)
{
    if (s->given)
        return 0;
    struct named_class *c = cls < s->classes ? &s->cls[cls] : class_at(s, cls);
    if (name_col >= 0 && !(c->name.raw && text_is(&c->name, tsv_get(t, name_col))) &&
        !tsv_is_na(t, name_col)) {
        if (c->name.raw)
            return differs(t, name_col, cls, "name", &c->name, e);
        c->name = text_copy(t, name_col);
        if (check_name(s, t, name_col, &c->name, e) != 0)
            return -1;
    }
    if (superclass_col >= 0 &&
        !(c->superclass >= 0 &&
          text_is(&s->superclass[c->superclass], tsv_get(t, superclass_col))) &&
        !tsv_is_na(t, superclass_col)) {
        if (c->superclass >= 0)
            return differs(t, superclass_col, cls, "superclass", &s->superclass[c->superclass], e);
        c->superclass = superclass_find(s, t, superclass_col);
        return check_name(s, t, superclass_col, &s->superclass[c->superclass], e);
    }
    return 0;
}

/* The number that a superclass goes by, or -1 where it has a name. */
static int superclass_number(const struct text *x)
{
    int v = 0;
    if (x->n == 0 || x->n > 5 || (x->n > 1 && x->raw[0] == '0'))
        return -1;
    for (size_t i = 0; i < x->n; i++) {
        if (x->raw[i] < '0' || x->raw[i] > '9')
            return -1;
        v = 10 * v + (x->raw[i] - '0');
    }
    return v < SUPERCLASS_MAX ? v : -1;
}

struct place {
    const char *name;
    int superclass;
};

static int by_name(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    return strcmp(x->name, y->name);
}

/* Sets number[i] of each superclass and the names that go with the numbers. */
static void number_superclasses(struct naming *s, int *number)
{
    struct names *n = &s->made;
    bool numbers = s->superclasses > 0;
    for (int i = 0; i < s->superclasses; i++) {
        number[i] = superclass_number(&s->superclass[i]);
        numbers = numbers && number[i] >= 0;
        if (number[i] >= n->superclasses)
            n->superclasses = number[i] + 1;
    }
    if (!numbers)
        n->superclasses = s->superclasses;
    n->superclass_name = mem_zero((size_t)n->superclasses + 1, sizeof *n->superclass_name);
    if (numbers)
        return;
    struct place *order = mem_alloc((size_t)s->superclasses + 1, sizeof *order);
    for (int i = 0; i < s->superclasses; i++)
        order[i] = (struct place){s->superclass[i].plain, i};
    qsort(order, (size_t)s->superclasses, sizeof *order, by_name);
    for (int i = 0; i < s->superclasses; i++) {
        number[order[i].superclass] = i;
        n->superclass_name[i] = s->superclass[order[i].superclass].plain;
    }
    free(order);
}

const struct names *naming_names(struct naming *s, int classes)
{
    if (s->given)
        return s->given;
    struct names *n = &s->made;
    int *number = mem_alloc((size_t)s->superclasses + 1, sizeof *number);
    number_superclasses(s, number);
    n->classes = classes > s->classes ? classes : s->classes;
    n->name = mem_zero((size_t)n->classes + 1, sizeof *n->name);
    n->superclass = mem_alloc((size_t)n->classes + 1, sizeof *n->superclass);
    for (int i = 0; i < n->classes; i++) {
        bool known = i < s->classes;
        n->name[i] = known ? s->cls[i].name.plain : NULL;
        n->superclass[i] = known && s->cls[i].superclass >= 0 ? number[s->cls[i].superclass] : -1;
    }
    free(number);
    return n;
}
