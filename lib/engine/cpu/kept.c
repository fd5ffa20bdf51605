#include "engine/cpu/kept.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* What is kept beside that of an open engine is dropped above this, the longest unused first. */
static const size_t MOST = (size_t)1 << 30;

struct entry {
    struct conv of; /* whose spec.w are the numbers, and u what is made of them */
    size_t bytes;   /* of both */
    int users;      /* convolutions that have it */
    int64_t used;   /* when, last */
};

struct engine_kept {
    struct entry *entry; /* [count] */
    int count;
    size_t bytes; /* of all */
    int64_t now;
};

static size_t numbers(const struct conv_spec *s)
{
    return (size_t)s->oc * (size_t)s->ic * (size_t)conv_taps(s);
}

static bool same_cut(const struct conv_cut *a, const struct conv_cut *b)
{
    return a->stride == b->stride && a->largest == b->largest;
}

/* Whether both are packed in the same way: all that conv_pack() looks at. */
static bool same_form(const struct conv *a, const struct conv *b)
{
    const struct conv_spec *s = &a->spec, *t = &b->spec;
    return a->kernels == b->kernels && a->form == b->form && a->gathers == b->gathers &&
           s->ic == t->ic && s->oc == t->oc && s->ip == t->ip && s->op == t->op &&
           s->y.k == t->y.k && s->x.k == t->x.k && s->back == t->back && s->bf16 == t->bf16 &&
           !(s->scale < t->scale) && !(t->scale < s->scale) && same_cut(&a->down, &b->down) &&
           same_cut(&a->across, &b->across);
}

static void drop(struct engine_kept *k, int i)
{
    k->bytes -= k->entry[i].bytes;
    free((void *)k->entry[i].of.spec.w);
    free(k->entry[i].of.u);
    k->entry[i] = k->entry[--k->count];
}

/* So that so many bytes more are within what may be kept, as far as nobody uses it. */
static void make_room(struct engine_kept *k, size_t bytes)
{
    for (int oldest = 0; oldest >= 0 && k->bytes + bytes > MOST;) {
        oldest = -1;
        for (int i = 0; i < k->count; i++)
            if (k->entry[i].users == 0 && (oldest < 0 || k->entry[i].used < k->entry[oldest].used))
                oldest = i;
        if (oldest >= 0)
            drop(k, oldest);
    }
}

struct engine_kept *engine_keep(void)
{
    return mem_zero(1, sizeof(struct engine_kept));
}

void engine_keep_end(struct engine_kept *k)
{
    if (!k)
        return;
    while (k->count > 0)
        drop(k, k->count - 1);
    free(k->entry);
    free(k);
}

float *kept_take(struct engine_kept *k, const struct conv *c, size_t bytes, bool *packed)
{
    const size_t own = numbers(&c->spec) * sizeof *c->spec.w;
    for (int i = 0; i < k->count; i++) {
        struct entry *x = &k->entry[i];
        if (same_form(&x->of, c) && memcmp(x->of.spec.w, c->spec.w, own) == 0) {
            x->users++;
            *packed = true;
            return x->of.u;
        }
    }
    make_room(k, own + bytes);
    struct entry new = {.of = *c, .bytes = own + bytes, .users = 1};
    new.of.spec.w = memcpy(mem_alloc(own, 1), c->spec.w, own);
    new.of.u = mem_large(bytes, 1);
    k->entry = mem_extend(k->entry, (size_t)k->count, (size_t)k->count + 1, sizeof *k->entry);
    k->entry[k->count++] = new;
    k->bytes += new.bytes;
    *packed = false;
    return new.of.u;
}

void kept_release(struct engine_kept *k, const float *u)
{
    int i = 0;
    while (k->entry[i].of.u != u)
        i++;
    k->entry[i].users--;
    k->entry[i].used = ++k->now;
    make_room(k, 0);
}
