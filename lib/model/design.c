#include "model/design.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

/* Those of Tiny ImageNet are, to torchvision's networks. */
enum { LARGE = 64 };

bool design_large(const struct build *b)
{
    return b->graph->value[0].h >= LARGE && b->graph->value[0].w >= LARGE;
}

/* --- keys --- */

char *design_part(char *part, const struct build *b, int k, int first, int second)
{
    const int number[] = {first, second};
    size_t n = 0, next = 0;
    for (const char *p = b->found.family->part_of[k]; *p && n + 12 < FAMILY_KEY; p++) {
        if (*p == '%' && next < 2)
            n += (size_t)snprintf(part + n, FAMILY_KEY - n, "%d", number[next++]);
        else
            part[n++] = *p;
    }
    part[n] = '\0';
    return part;
}

const struct ckpt_tensor *design_weights(const struct build *b, const char *conv)
{
    char key[FAMILY_KEY];
    const struct ckpt_tensor *t =
        ckpt_find(b->ckpt, family_key(key, &b->found, 0, 0, conv, "weight"));
    return t && t->ndim == 4 ? t : NULL;
}

/* --- choices --- */

static int settle_strides(struct build *b, const struct design_usual *u, struct err *e)
{
    struct assume *a = &b->assume;
    const int stages = b->found.stages;
    if (a->stages > 0 && a->stages != stages)
        return err_set(e, "%s: expected strides of %d stages, found %d", ckpt_name(b->ckpt), stages,
                       a->stages);
    for (int s = 0; s < stages && a->stages == 0; s++)
        a->strides[s] = u->strides ? u->strides[s] : 1;
    for (int s = 0; s < stages && u->others; s++)
        b->model->others[s] = u->others[s];
    return 0;
}

int design_settle(struct build *b, struct err *e)
{
    struct design_usual u = {.side = 32};
    struct assume *a = &b->assume;
    const struct family *f = b->found.family;
    f->design->settle(b, &u);
    b->model->side = u.side;
    if (a->eps == 0)
        a->eps = f->eps > 0 ? f->eps : 1e-5;
    if (a->stem_stride == 0)
        a->stem_stride = u.stem_stride;
    if (a->pool == ASSUME_POOL_USUAL)
        a->pool = u.pool;
    return settle_strides(b, &u, e);
}

int design_check_effects(const struct build *b, struct err *e)
{
    const struct assume none = {0}, *a = b->opts->assume ? b->opts->assume : &none;
    const unsigned choices = b->found.family->design->choices;
    const char *word = a->stride_at                                        ? "stride-at"
                       : a->preact                                         ? "preact-shortcut"
                       : a->shortcut                                       ? "shortcut"
                       : a->stem_stride && !(choices & DESIGN_STEM_STRIDE) ? "stem-stride"
                       : a->pool && !(choices & DESIGN_POOL)               ? "pool"
                       : a->stages && !(choices & DESIGN_STRIDES)          ? "strides"
                                                                           : NULL;
    if (word)
        return err_set(e,
                       "%s: --assume %s: expected a network whose keys leave that open, found a "
                       "%s",
                       ckpt_name(b->ckpt), word, b->found.family->design->what);
    return 0;
}

/* The number at the beginning of a text is left out, if there is one. */
static const char *behind_number(const char *s)
{
    return s + strspn(s, "0123456789");
}

/* Whether two keys differ in their numbers alone. */
static bool alike(const char *a, const char *b)
{
    while (*a && *b) {
        const char *p = behind_number(a), *q = behind_number(b);
        if ((p == a) != (q == b) || (p == a && *p++ != *q++))
            return false;
        a = p;
        b = q;
    }
    return *a == *b;
}

int design_check_biases(const struct build *b, struct err *e)
{
    const struct graph *g = b->graph;
    for (int i = 0; i < g->ops; i++)
        for (int j = 0; j < g->ops && g->op[i].kind == GRAPH_CONV && !b->origin[i].b; j++)
            if (g->op[j].kind == GRAPH_CONV && b->origin[j].b && alike(g->op[i].key, g->op[j].key))
                return build_refuse(b, e, "missing key '%s.bias': expected biases, which '%s' has",
                                    g->op[i].key, g->op[j].key);
    return 0;
}

/* --- operations --- */

int design_conv(struct build *b, const char *conv, const char *norm, int in, const struct want *w,
                struct err *e)
{
    const struct place p = {0, 0, conv, norm};
    return build_conv(b, &p, in, w, e);
}

int design_norm(struct build *b, const char *part, int in, const struct want *w, struct err *e)
{
    const struct place p = {0, 0, NULL, part};
    struct norm norm;
    if (build_take_norm(b, &p, b->graph->value[in].c, true, &norm, e) != 0)
        return -1;
    return build_norm(b, &p, &norm, in, w, e);
}

/* So that the last window begins in the image or the padding before it. */
static struct graph_axis axis(int cells, int k, int stride, int pad, bool whole)
{
    struct graph_axis a = graph_windows(k, stride, pad);
    const int room = cells + 2 * pad - k, windows = (room + stride - 1) / stride + 1;
    if (whole && room >= 0 && (windows - 1) * stride < cells + pad)
        a.after += (windows - 1) * stride - room;
    return a;
}

int design_pool(struct build *b, enum graph_kind kind, int in, int k, int stride, int pad,
                bool whole, struct err *e)
{
    const struct graph_value *v = &b->graph->value[in], *image = &b->graph->value[0];
    const struct origin none = {.w = NULL};
    const struct graph_op op = {.kind = kind,
                                .in = {in},
                                .ins = 1,
                                .y = axis(v->h, k, stride, pad, whole),
                                .x = axis(v->w, k, stride, pad, whole)};
    struct err why;
    int out = build_add(b, &op, &none, &why);
    if (out < 0)
        return err_set(e, "%s: images of %d by %d pixels are too small for this network: %s",
                       ckpt_name(b->ckpt), image->h, image->w, why.msg);
    return out;
}

int design_function(struct build *b, enum graph_function f, float p, float q, int in, struct err *e)
{
    const struct origin none = {.w = NULL};
    const struct graph_op op = {
        .kind = GRAPH_FUNCTION, .in = {in}, .ins = 1, .function = f, .p = p, .q = q};
    return build_add(b, &op, &none, e);
}

int design_concat(struct build *b, int first, int second, struct err *e)
{
    const struct origin none = {.w = NULL};
    const struct graph_op op = {.kind = GRAPH_CONCAT, .in = {first, second}, .ins = 2};
    int out = build_add(b, &op, &none, e);
    return out < 0 || build_check_size(b, out, e) != 0 ? -1 : out;
}

int design_pick(struct build *b, int in, const int *pick, int channels, struct err *e)
{
    const struct origin none = {.w = NULL};
    const struct graph_op op = {
        .kind = GRAPH_PICK, .in = {in}, .ins = 1, .channels = channels, .pick = pick};
    return build_add(b, &op, &none, e);
}

int design_name(struct build *b, int value, const char *name, const char *key)
{
    if (value < 0)
        return -1;
    b->graph->value[value].name = mem_dup(name);
    b->graph->value[value].key = key && strcmp(key, name) != 0 ? mem_dup(key) : NULL;
    return value;
}

int design_call(struct build *b, int value, int stage, int block, const char *key)
{
    char name[FAMILY_KEY];
    snprintf(name, sizeof name, "layer%d.%d", stage, block);
    return design_name(b, value, name, key);
}
