#include "model/modules.h"

#include "base/mem.h"
#include "model/constants.h"
#include "model/unused.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIDEST = 1 << 16, WINDOW = 15 };

static const struct ckpt_tensor *sibling(const struct ckpt *c, const char *name, int n,
                                         const char *suffix)
{
    char *key = mem_printf("%.*s.%s", n, name, suffix);
    const struct ckpt_tensor *t = ckpt_find(c, key);
    free(key);
    return t;
}

static int refuse(char why[MODULES_WHY], const char *key, const char *what)
{
    snprintf(why, MODULES_WHY, "'%.160s' is %s", key, what);
    return -1;
}

static bool is_row(const struct ckpt_tensor *t, int64_t n)
{
    return t && t->ndim == 1 && t->shape[0] == n;
}

/* A norm of that many channels: all of its tensors are there. */
static int take_norm(struct module *m, const struct ckpt *c, const struct ckpt_tensor *t, int n,
                     char why[MODULES_WHY])
{
    const int64_t channels = t->shape[0];
    const struct ckpt_tensor *weight = sibling(c, t->name, n, "weight"),
                             *bias = sibling(c, t->name, n, "bias");
    if (t->ndim != 1 || channels < 1 || channels > WIDEST)
        return refuse(why, t->name, "no part of a convolution, batch norm or linear layer");
    if (!is_row(sibling(c, t->name, n, "running_mean"), channels) ||
        !is_row(sibling(c, t->name, n, "running_var"), channels) ||
        (weight != NULL) != (bias != NULL) ||
        (weight && (!is_row(weight, channels) || !is_row(bias, channels))))
        return refuse(why, t->name, "of no batch norm with running statistics");
    m->kind = MODULE_NORM;
    m->in = m->out = (int)channels;
    return 1;
}

static int take_weights(struct module *m, const struct ckpt *c, const struct ckpt_tensor *t, int n,
                        char why[MODULES_WHY])
{
    const struct ckpt_tensor *bias = sibling(c, t->name, n, "bias");
    for (int d = 0; d < t->ndim; d++)
        if (t->shape[d] < 1 || t->shape[d] > WIDEST)
            return refuse(why, t->name, "of a size that no layer has");
    if (bias && !is_row(bias, t->shape[0]))
        return refuse(why, bias->name, "no bias of the weights beside it");
    m->kind = t->ndim == 4 ? MODULE_CONV : MODULE_LINEAR;
    m->out = (int)t->shape[0];
    m->in = (int)t->shape[1];
    m->biased = bias != NULL;
    if (t->ndim == 2)
        return 1;
    if (t->shape[2] != t->shape[3] || t->shape[2] % 2 == 0 || t->shape[2] > WINDOW)
        return refuse(why, t->name, "a convolution whose window has no odd side");
    m->k = (int)t->shape[2];
    return 1;
}

/* Weights under the name of their module alone, as code without modules has them. */
static bool is_bare(const struct ckpt_tensor *t)
{
    return t->ndim == 4 || t->ndim == 2;
}

/* The module that a tensor is the first one of: 1, 0 where it is none, -1 where it is of none. */
static int take(struct module *m, const struct ckpt *c, const struct ckpt_tensor *t,
                char why[MODULES_WHY])
{
    const char *dot = strrchr(t->name, '.'), *suffix = dot ? dot + 1 : t->name;
    int n = dot ? (int)(dot - t->name) : 0;
    bool weight = strcmp(suffix, "weight") == 0;
    *m = (struct module){.kind = MODULE_NORM};
    if (n > 0 && weight && (t->ndim == 4 || t->ndim == 2))
        return take_weights(m, c, t, n, why);
    if (n > 0 && weight && t->ndim == 1)
        return take_norm(m, c, t, n, why);
    if (n > 0 && strcmp(suffix, "running_mean") == 0 && !sibling(c, t->name, n, "weight"))
        return take_norm(m, c, t, n, why);
    if (n > 0 && (strcmp(suffix, "bias") == 0 || strncmp(suffix, "running_", 8) == 0) &&
        (sibling(c, t->name, n, "weight") || sibling(c, t->name, n, "running_mean")))
        return 0;
    if (!weight && is_bare(t))
        return take_weights(m, c, t, (int)strlen(t->name), why);
    const struct ckpt_tensor *beside = n > 0 ? sibling(c, t->name, n, "weight") : NULL;
    if (t->count == 1 && beside && beside->ndim == 2)
        return refuse(why, t->name, "the scale of a cosine classifier");
    return refuse(why, t->name, "no part of a convolution, batch norm or linear layer");
}

int modules_list(struct modules *s, struct ckpt *c, const char *prefix, char why[MODULES_WHY])
{
    const size_t behind = strlen(prefix);
    struct unused *unused = unused_find(c);
    *s = (struct modules){.n = 0};
    for (int i = 0; i < ckpt_count(c); i++) {
        const struct ckpt_tensor *t = ckpt_at(c, i);
        struct module m;
        if (strncmp(t->name, prefix, behind) != 0 || t->count == 0 ||
            (t->type >= CKPT_I64 && t->type <= CKPT_BOOL) || constants_is(c, t) ||
            (behind == 0 && ckpt_is_average(t->name)) || unused_first(unused, i) != i ||
            unused_idle(unused, t))
            continue;
        int r = take(&m, c, t, why);
        if (r < 0) {
            unused_free(unused);
            modules_free(s);
            return -1;
        }
        if (r == 0)
            continue;
        const char *dot = strrchr(t->name, '.');
        bool suffixed = dot && (m.kind == MODULE_NORM || strcmp(dot, ".weight") == 0);
        char *name =
            mem_printf("%.*s", suffixed ? (int)(dot - t->name) : (int)strlen(t->name), t->name);
        const char *last = strrchr(name, '.');
        m.name = name;
        m.container = last ? (int)(last - name) : 0;
        s->m = mem_extend(s->m, (size_t)s->n, (size_t)s->n + 1, sizeof *s->m);
        s->name = mem_extend(s->name, (size_t)s->n, (size_t)s->n + 1, sizeof *s->name);
        s->m[s->n] = m;
        s->name[s->n++] = name;
    }
    unused_free(unused);
    return 0;
}

void modules_free(struct modules *s)
{
    for (int i = 0; i < s->n; i++)
        free(s->name[i]);
    free(s->name);
    free(s->m);
    *s = (struct modules){.n = 0};
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int compare(const void *a, const void *b)
{
    const char *first = ((const struct module *)a)->name,
               *second = ((const struct module *)b)->name, *p = first, *q = second;
    while (*p && *q) {
        if (is_digit(*p) && is_digit(*q)) {
            size_t m, n;
            p += strspn(p, "0"), q += strspn(q, "0");
            m = strspn(p, "0123456789"), n = strspn(q, "0123456789");
            int order = m != n ? (m > n) - (m < n) : strncmp(p, q, m);
            if (order != 0)
                return order;
            p += m, q += n;
        } else if (*p != *q) {
            /* A container's parts come before what only begins with its name. */
            return *p == '.' ? -1 : *q == '.' ? 1 : (*p > *q) - (*p < *q);
        } else {
            p++, q++;
        }
    }
    int order = (*p != '\0') - (*q != '\0');
    return order ? order : strcmp(first, second);
}

void modules_sort(struct modules *s)
{
    qsort(s->m, (size_t)s->n, sizeof *s->m, compare);
}

int modules_prefix(const struct module *m, int depth)
{
    const char *p = m->name;
    for (int d = 0; d < depth; d++) {
        p = strchr(p, '.');
        if (!p)
            return 0;
        p++;
    }
    return (int)(p - m->name) - 1;
}
