/* What comes next of several sorted sequences. */
#ifndef HP_HEAP_H
#define HP_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The sequence `of` goes on with `id`. */
struct heap_next {
    int64_t id;
    size_t of;
};

/* next[0] is the least, by id, then by sequence; memory of `next` is the caller's. */
struct heap {
    struct heap_next *next;
    size_t n;
};

static inline bool heap_less(const struct heap_next *a, const struct heap_next *b)
{
    return a->id != b->id ? a->id < b->id : a->of < b->of;
}

/* Puts the first one, which has grown, where it belongs. */
static inline void heap_sink(struct heap *h)
{
    const struct heap_next moved = h->next[0];
    size_t at = 0, child;
    while ((child = 2 * at + 1) < h->n) {
        child += child + 1 < h->n && heap_less(&h->next[child + 1], &h->next[child]);
        if (!heap_less(&h->next[child], &moved))
            break;
        h->next[at] = h->next[child];
        at = child;
    }
    h->next[at] = moved;
}

/* There is room for one more. */
static inline void heap_add(struct heap *h, struct heap_next next)
{
    size_t at = h->n++;
    while (at > 0 && heap_less(&next, &h->next[(at - 1) / 2])) {
        h->next[at] = h->next[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    h->next[at] = next;
}

/* The first sequence is at its end. */
static inline void heap_drop(struct heap *h)
{
    h->next[0] = h->next[--h->n];
    if (h->n > 0)
        heap_sink(h);
}

#endif
