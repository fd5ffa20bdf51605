/* Pickled values as text. */
#include "ckpt/rebuild.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

enum {
    VISITS = 4000,
    LINES = 400,  /* in all */
    MEMBERS = 32, /* shown of a collection that has lines of its own */
    DEPTH = 5,    /* of paths */
    TEXT = 160,   /* bytes of a line's text */
    TENSORS = 4,  /* shown of a value one by one */
    SHOWN = 8,    /* items of a list in a line */
    PATH = 256
};

/* Text that grows to its room and then stops. */
struct line {
    char text[TEXT + 4];
    size_t n;
};

static void put(struct line *l, const char *p, size_t n)
{
    if (l->n > TEXT)
        return;
    if (l->n + n > TEXT) {
        memcpy(l->text + l->n, p, TEXT - l->n);
        memcpy(l->text + TEXT, "...", 4);
        l->n = TEXT + 1;
        return;
    }
    memcpy(l->text + l->n, p, n);
    l->n += n;
    l->text[l->n] = '\0';
}

static void put_text(struct line *l, const char *s)
{
    put(l, s, strlen(s));
}

static void put_value(struct line *l, const struct pickle_value *v, int depth);

static void put_items(struct line *l, const struct pickle_seq *s, bool pairs, int depth)
{
    size_t step = pairs ? 2 : 1;
    for (size_t i = 0; i < s->n; i += step) {
        if (i > 0)
            put_text(l, ", ");
        if (i / step == SHOWN || depth == 0) {
            put_text(l, "...");
            return;
        }
        put_value(l, s->item[i], depth - 1);
        if (pairs) {
            put_text(l, ": ");
            put_value(l, s->item[i + 1], depth - 1);
        }
    }
}

/* A number as numpy pickles it: scalar(dtype("f8"), bytes). */
static bool numpy_number(const struct pickle_value *v, char *buf, size_t room)
{
    char name[TEXT];
    const struct pickle_value *dtype = pickle_item(v->object.args, 0),
                              *bytes = pickle_item(v->object.args, 1);
    const char *last = strrchr(pickle_name(v, name, sizeof name), '.');
    const struct pickle_value *code =
        dtype && dtype->kind == PICKLE_OBJECT ? pickle_item(dtype->object.args, 0) : NULL;
    if (strncmp(name, "numpy.", 6) != 0 || !last || strcmp(last, ".scalar") != 0 || !bytes ||
        bytes->kind != PICKLE_BYTES)
        return false;
    const unsigned char *p = bytes->text.p;
    double d;
    float f;
    int64_t i8;
    int32_t i4;
    if (pickle_is(code, "f8") && bytes->text.n == sizeof d)
        snprintf(buf, room, "%.9g", *(double *)memcpy(&d, p, sizeof d));
    else if (pickle_is(code, "f4") && bytes->text.n == sizeof f)
        snprintf(buf, room, "%.9g", (double)*(float *)memcpy(&f, p, sizeof f));
    else if (pickle_is(code, "i8") && bytes->text.n == sizeof i8)
        snprintf(buf, room, "%lld", (long long)*(int64_t *)memcpy(&i8, p, sizeof i8));
    else if (pickle_is(code, "i4") && bytes->text.n == sizeof i4)
        snprintf(buf, room, "%d", (int)*(int32_t *)memcpy(&i4, p, sizeof i4));
    else
        return false;
    return true;
}

static void put_object(struct line *l, const struct pickle_value *v, int depth)
{
    char text[TEXT];
    if (tensor_text(v, text, sizeof text) || numpy_number(v, text, sizeof text)) {
        put_text(l, text);
        return;
    }
    put_text(l, pickle_name(v, text, sizeof text));
    put_text(l, "(");
    const struct pickle_value *args = v->object.args;
    if (args && args->kind == PICKLE_TUPLE)
        put_items(l, &args->seq, false, depth);
    put_text(l, ")");
}

/* The str of Python 2 is text in most cases. */
static bool printable(struct pickle_text t)
{
    for (size_t i = 0; i < t.n; i++)
        if (t.p[i] < ' ' || t.p[i] > '~')
            return false;
    return true;
}

static void put_value(struct line *l, const struct pickle_value *v, int depth)
{
    char buf[TEXT];
    switch (v->kind) {
    case PICKLE_NONE:
        put_text(l, "None");
        break;
    case PICKLE_BOOL:
        put_text(l, v->i ? "True" : "False");
        break;
    case PICKLE_INT:
        snprintf(buf, sizeof buf, "%lld", (long long)v->i);
        put_text(l, buf);
        break;
    case PICKLE_LONG:
        snprintf(buf, sizeof buf, "an integer of %zu bytes", v->text.n);
        put_text(l, buf);
        break;
    case PICKLE_FLOAT:
        snprintf(buf, sizeof buf, "%.9g", v->f);
        put_text(l, buf);
        break;
    case PICKLE_BYTES:
        if (!printable(v->text)) {
            snprintf(buf, sizeof buf, "%zu bytes", v->text.n);
            put_text(l, buf);
            break;
        }
        /* fallthrough */
    case PICKLE_STR:
        put(l, (const char *)v->text.p, v->text.n > TEXT ? TEXT + 1 : v->text.n);
        break;
    case PICKLE_LIST:
        put_text(l, "[");
        put_items(l, &v->seq, false, depth);
        put_text(l, "]");
        break;
    case PICKLE_TUPLE:
        put_text(l, "(");
        put_items(l, &v->seq, false, depth);
        put_text(l, ")");
        break;
    case PICKLE_SET:
    case PICKLE_DICT:
        put_text(l, "{");
        put_items(l, &v->seq, v->kind == PICKLE_DICT, depth);
        put_text(l, "}");
        break;
    case PICKLE_OBJECT:
        put_object(l, v, depth);
        break;
    case PICKLE_GLOBAL:
        put_text(l, pickle_name(v, buf, sizeof buf));
        break;
    case PICKLE_PERSISTENT:
        put_text(l, "a storage");
        break;
    }
}

/* What stands for the members of a value: a dict, or the attributes of an object. */
static const struct pickle_seq *members(const struct pickle_value *v)
{
    const struct pickle_seq *s = pickle_items(v);
    char tensor[TEXT];
    if (s || v->kind != PICKLE_OBJECT || tensor_text(v, tensor, sizeof tensor))
        return s;
    const struct pickle_value *state = v->object.state;
    /* (None, {...}) of a class with slots. */
    if (state && state->kind == PICKLE_TUPLE && state->seq.n == 2)
        state = state->seq.item[1];
    return pickle_items(state);
}

/* Tensors among the members of a value and theirs, counted up to a few more than are
 * shown one by one. */
static int count_tensors(const struct pickle_value *v, int depth)
{
    const struct pickle_seq *s = members(v);
    char text[TEXT];
    int n = 0;
    for (size_t i = 0; s && i < s->n && i < 2 * MEMBERS && n <= TENSORS; i += 2) {
        const struct pickle_value *x = s->item[i + 1];
        n += tensor_text(x, text, sizeof text) ? 1 : depth > 0 ? count_tensors(x, depth - 1) : 0;
    }
    return n;
}

struct walk {
    struct ckpt *c;
    const struct pickle_value *state;
    const struct storage_finder *finder;
    int left;   /* lines */
    int visits; /* yet to be made: members may be shared, so that paths to them are many */
};

static void add(struct walk *w, const char *path, const char *text)
{
    if (w->left == 0)
        return;
    if (--w->left == 0)
        ckpt_add_extra(w->c, "...", "and more");
    else
        ckpt_add_extra(w->c, *path ? path : ".", text);
}

/* " [0.5, 0.25]" behind a tensor of a few floats: constants of the pixels may be among them. */
static void put_few(struct line *l, const struct walk *w, const struct pickle_value *v)
{
    float few[TENSOR_FEW];
    int n = tensor_is(v) ? tensor_few(w->c, v, w->finder, few) : 0;
    for (int i = 0; i < n; i++) {
        char number[32];
        snprintf(number, sizeof number, "%s%.9g%s", i ? ", " : " [", (double)few[i],
                 i == n - 1 ? "]" : "");
        put_text(l, number);
    }
}

static void describe(struct walk *w, const struct pickle_value *v, const char *path, int depth)
{
    struct line l = {.n = 0};
    if ((v == w->state && *path) || --w->visits < 0)
        return;
    const struct pickle_seq *s = members(v);
    if (!s || s->n == 0 || depth == 0) {
        put_value(&l, v, 2);
        put_few(&l, w, v);
        add(w, path, l.text);
        return;
    }
    /* Other state dicts, the state of an optimizer. */
    if (*path && count_tensors(v, 1) > TENSORS) {
        char name[TEXT], text[TEXT + 32];
        bool object = v->kind == PICKLE_OBJECT;
        snprintf(text, sizeof text, "%s%s with %zu members, tensors among them",
                 object ? "an object of the class " : "a dict",
                 object ? pickle_name(v, name, sizeof name) : "", s->n / 2);
        add(w, path, text);
        return;
    }
    if (v->kind == PICKLE_OBJECT) {
        char name[TEXT];
        put_text(&l, "an object of the class ");
        put_text(&l, pickle_name(v, name, sizeof name));
        add(w, path, l.text);
    }
    size_t shown = 0, hidden = 0;
    for (size_t i = 0; i < s->n && w->left > 0; i += 2) {
        char inner[PATH], tensor[TEXT];
        struct line key = {.n = 0};
        /* Those of the state dict itself are listed elsewhere. */
        if (v == w->state && tensor_text(s->item[i + 1], tensor, sizeof tensor))
            continue;
        if (shown == MEMBERS) {
            hidden = (s->n - i) / 2;
            break;
        }
        shown++;
        put_value(&key, s->item[i], 0);
        snprintf(inner, sizeof inner, "%s%s%s", path, *path ? "." : "", key.text);
        describe(w, s->item[i + 1], inner, depth - 1);
    }
    if (hidden > 0) {
        char text[TEXT];
        /* Of a state dict the tensors behind were not told from the rest. */
        snprintf(text, sizeof text, v == w->state ? "and more" : "and %zu more", hidden);
        add(w, path, text);
    }
}

void ckpt_describe(struct ckpt *c, const struct pickle_value *root,
                   const struct pickle_value *state, const struct storage_finder *f)
{
    struct walk w = {.c = c, .state = state, .finder = f, .left = LINES, .visits = VISITS};
    const struct pickle_seq *list = pickle_list(root);
    if (!list) {
        describe(&w, root, "", DEPTH);
        return;
    }
    for (size_t i = 0; i < list->n && w.left > 0; i++) {
        char path[32];
        snprintf(path, sizeof path, "%zu", i);
        describe(&w, list->item[i], path, DEPTH - 1);
    }
}
