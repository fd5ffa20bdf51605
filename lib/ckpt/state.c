#include "ckpt/state.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_ROOM = 200, KEYS_SHOWN = 5, KEY_ROOM = 64 };

/* How far a state dict is looked for. */
enum { CANDIDATES = 64, SEARCH_DEPTH = 3, SEARCH_ITEMS = 1 << 21 };

/* Tensors that a dict holds itself; those of a list have no names. */
static size_t tensors_in(const struct pickle_value *v)
{
    const struct pickle_seq *s = pickle_items(v);
    size_t n = 0;
    for (size_t i = 0; s && i < s->n; i += 2)
        n += tensor_is(s->item[i + 1]);
    return n;
}

static int no_state(const struct ckpt *c, const struct pickle_value *v, const char *where,
                    struct err *e)
{
    char text[KEYS_SHOWN * NAME_ROOM] = "another value", name[NAME_ROOM], key[KEY_ROOM];
    const struct pickle_seq *s = pickle_items(v);
    if (tensor_is(v)) {
        snprintf(text, sizeof text, "a single tensor");
    } else if (v->kind == PICKLE_OBJECT) {
        snprintf(text, sizeof text, CKPT_OBJECT "%s", pickle_name(v, name, sizeof name));
    } else if (s) {
        size_t n = (size_t)snprintf(text, sizeof text, "a dict without tensors, with the keys");
        size_t shown = 0;
        for (size_t i = 0; i < s->n && shown < KEYS_SHOWN; i += 2) {
            const char *k = pickle_key(s->item[i], key, sizeof key);
            if (!k)
                continue;
            n += (size_t)snprintf(text + n, sizeof text - n, "%s '%s'", shown ? "," : "", k);
            const struct pickle_value *item = s->item[i + 1];
            /* {"net": model} */
            if (item->kind == PICKLE_OBJECT && item->object.state && !tensor_is(item))
                n += (size_t)snprintf(text + n, sizeof text - n, " (an object of the class %.60s)",
                                      pickle_name(item, name, sizeof name));
            shown++;
        }
        if (!shown)
            snprintf(text, sizeof text, "a dict without tensors");
    }
    return ckpt_unread(e,
                       "%s: expected a state dict%s, found %s; in PyTorch, "
                       "torch.save(model.state_dict(), \"weights.pth\") writes one",
                       c->name, where, text);
}

/* Dicts that hold tensors, by their paths, in which items of lists have their numbers. */
struct candidate {
    const struct pickle_value *value;
    size_t tensors;
    bool average; /* EMA or SWA, by its path */
    char path[96];
};

struct search {
    struct candidate found[CANDIDATES];
    int n;
    size_t budget; /* keys and values yet to be looked at */
};

/* What a dict, a list or a tuple holds. */
struct inside {
    const struct pickle_seq *of; /* NULL: another value */
    size_t n;
    bool keyed; /* by keys; else items are numbered from 0 */
};

static struct inside look_inside(const struct pickle_value *v)
{
    const struct pickle_seq *items = pickle_items(v), *list = pickle_list(v);
    if (items)
        return (struct inside){items, items->n / 2, true};
    return (struct inside){list, list ? list->n : 0, false};
}

/* Value i and its key; NULL where the key is neither a text nor a number. */
static const struct pickle_value *value_in(const struct inside *x, size_t i, char key[KEY_ROOM])
{
    if (x->keyed)
        return pickle_key(x->of->item[2 * i], key, KEY_ROOM) ? x->of->item[2 * i + 1] : NULL;
    snprintf(key, KEY_ROOM, "%zu", i);
    return x->of->item[i];
}

static void search(struct search *h, const struct pickle_value *v, const char *path, int depth)
{
    /* Dicts may be shared, so that paths to them are many. */
    const struct inside x = look_inside(v);
    /* The state of an optimizer is no network's. */
    if (!x.of || x.of->n > h->budget || pickle_get(v, "param_groups"))
        return;
    h->budget -= x.of->n;
    size_t tensors = tensors_in(v);
    if (tensors > 0 && h->n < CANDIDATES) {
        struct candidate *f = &h->found[h->n++];
        *f = (struct candidate){.value = v, .tensors = tensors, .average = ckpt_is_average(path)};
        snprintf(f->path, sizeof f->path, "%s", path);
    }
    for (size_t i = 0; depth < SEARCH_DEPTH && i < x.n; i++) {
        char key[KEY_ROOM], inner[96];
        const struct pickle_value *value = value_in(&x, i, key);
        if (!value || !look_inside(value).of)
            continue;
        int n = snprintf(inner, sizeof inner, "%s%s%s", path, *path ? "/" : "", key);
        if (n < (int)sizeof inner && !ckpt_is_training(key))
            search(h, value, inner, depth + 1);
    }
}

static int ambiguous(const struct ckpt *c, const struct search *h, struct err *e)
{
    char list[600] = "";
    size_t at = 0;
    for (int i = 0; i < h->n && at < sizeof list; i++)
        at += (size_t)snprintf(list + at, sizeof list - at, "%s'%s' (%zu tensors)", i ? ", " : "",
                               h->found[i].path, h->found[i].tensors);
    return err_set(e,
                   "%s: expected one state dict, found several: %s: choose one with --assume "
                   "state=NAME",
                   c->name, list);
}

/* The one that a path names, or NULL. */
static const struct pickle_value *follow(const struct pickle_value *v, const char *path)
{
    while (v && *path) {
        char key[96], *end;
        size_t n = strcspn(path, "/");
        if (n >= sizeof key)
            return NULL;
        memcpy(key, path, n);
        key[n] = '\0';
        const unsigned long at = strtoul(key, &end, 10);
        v = pickle_items(v) ? pickle_get(v, key) : *end == '\0' ? pickle_item(v, at) : NULL;
        path += n + (path[n] == '/');
    }
    return v;
}

/* The state dict in a checkpoint's value; NULL with a message where there is none. */
static const struct pickle_value *find_state(struct ckpt *c, const struct pickle_value *root,
                                             struct err *e)
{
    static const char *const keys[] = {"model_state_dict", "state_dict"};
    char where[128];
    if (c->opts.state && *c->opts.state) {
        const struct pickle_value *v = follow(root, c->opts.state);
        c->state = c->opts.state;
        if (v && tensors_in(v) > 0)
            return v;
        snprintf(where, sizeof where, " under '%.90s'", c->opts.state);
        if (v)
            no_state(c, v, where, e);
        else
            err_record(e, "%s: expected a state dict%s, found no such key", c->name, where);
        return NULL;
    }
    for (int i = 0; i < 2; i++) {
        const struct pickle_value *v = pickle_get(root, keys[i]);
        if (!v || tensor_is(v))
            continue;
        if (tensors_in(v) > 0) {
            c->state = keys[i];
            return v;
        }
        if (pickle_items(v) && v->kind == PICKLE_DICT && v->seq.n > 0)
            continue; /* dicts in it may hold tensors */
        snprintf(where, sizeof where, " under the key '%s'", keys[i]);
        no_state(c, v, where, e);
        return NULL;
    }
    struct search h = {.budget = SEARCH_ITEMS};
    search(&h, root, "", 0);
    const struct candidate *best = NULL;
    for (int i = 0; i < h.n; i++) {
        const struct candidate *f = &h.found[i];
        if (!best || (best->average && !f->average) ||
            (best->average == f->average && f->tensors > best->tensors))
            best = f;
    }
    if (!best) {
        no_state(c, root, CKPT_ALONE, e);
        return NULL;
    }
    /* Some numbers beside a state dict are none. */
    for (int i = 0; i < h.n; i++)
        if (h.found[i].value != best->value && h.found[i].average == best->average &&
            2 * h.found[i].tensors > best->tensors) {
            ambiguous(c, &h, e);
            return NULL;
        }
    c->state = ckpt_own(c, mem_dup(best->path));
    return best->value;
}

int state_add(struct ckpt *c, const struct pickle_value *dict, const struct storage_finder *f,
              struct err *e)
{
    const struct pickle_seq *s = pickle_items(dict);
    if (!s)
        return err_set(e, "%s: expected a dict of tensors, found another value", c->name);
    for (size_t i = 0; i < s->n; i += 2) {
        const struct pickle_value *k = s->item[i];
        const char *key;
        if (!tensor_is(s->item[i + 1]))
            continue;
        if (k->kind != PICKLE_STR && k->kind != PICKLE_BYTES)
            return err_set(e, "%s: expected texts as keys of tensors, found another value",
                           c->name);
        if (ckpt_key(c, k->text.p, k->text.n, &key, e) != 0 ||
            tensor_add(c, key, s->item[i + 1], f, e) != 0)
            return -1;
    }
    return 0;
}

int state_read(struct ckpt *c, const struct pickle_value *root, const struct storage_finder *f,
               struct err *e)
{
    const struct pickle_value *state = find_state(c, root, e);
    if (!state || state_add(c, state, f, e) != 0)
        return -1;
    if (c->opts.extras)
        ckpt_describe(c, root, state, f);
    return 0;
}
