/* Results of two runs, compared. */
#ifndef HP_COMPARE_H
#define HP_COMPARE_H

#include "../unit/check.h"
#include "random_net.h"

#include <string.h>

/* What `s` found is within `tolerance` of what `r` found, by `differ`. */
static inline void compare(const struct run *r, const struct run *s, double tolerance,
                           double (*differ)(const float *, const float *, size_t), const char *what)
{
    size_t m = (size_t)r->images;
    CHECK(s->written == s->images);
    double d[4] = {differ(s->logits, r->logits, m * (size_t)graph_classes(r->graph)), 0, 0, 0};
    if (r->features)
        d[1] = differ(s->features, r->features, m * r->feature_size);
    if (r->maps && s->maps)
        d[2] = differ(s->maps, r->maps, m * r->map_size);
    if (r->grads)
        d[3] = differ(s->grads, r->grads, m * (size_t)r->opts.vectors * r->feature_size);
    bool right = true;
    for (int i = 0; i < 4; i++)
        right = right && d[i] <= tolerance;
    CHECK(right);
    if (!right)
        fprintf(stderr,
                "  %s, %dx%d, value %d of %d: logits %.2g features %.2g maps %.2g gradients %.2g\n",
                what, r->graph->value[0].h, r->graph->value[0].w, r->value, r->graph->values, d[0],
                d[1], d[2], d[3]);
}

/* Bytes of what both have. */
static inline bool same_bytes(const void *a, const void *b, size_t n)
{
    return !a || !b ? a == b : memcmp(a, b, n) == 0;
}

static inline bool same(const float *a, const float *b, size_t n)
{
    return same_bytes(a, b, n * sizeof *a);
}

/* Bit by bit. */
static inline bool same_run(const struct run *r, const struct run *s)
{
    size_t m = (size_t)r->images;
    bool all = r->written == s->written && r->opts.want_count == s->opts.want_count &&
               same(r->logits, s->logits, m * (size_t)graph_classes(r->graph));
    for (int i = 0; all && i < r->opts.want_count; i++)
        all = same_bytes(r->results[i].values, s->results[i].values, m * run_bytes(r, i));
    return all;
}

#endif
