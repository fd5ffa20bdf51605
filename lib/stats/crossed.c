#include "stats/crossed.h"

#include "base/mem.h"
#include "cam/cam.h"
#include "base/random.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { BYTES = 1 << 22 };

struct held {
    float *map; /* [n] of the room for `most` */
    int n;
};

struct crossed {
    int h, w, most;
    size_t cells;
    struct held of[2];
    uint64_t state;
};

struct crossed *crossed_new(int h, int w)
{
    struct crossed *c = mem_zero(1, sizeof *c);
    c->h = h;
    c->w = w;
    c->cells = (size_t)h * (size_t)w;
    c->most = BYTES / (2 * c->cells * sizeof(float)) < CROSSED_HELD
                  ? (int)(BYTES / (2 * c->cells * sizeof(float)))
                  : CROSSED_HELD;
    c->most = c->most > 0 ? c->most : 1;
    for (int i = 0; i < 2; i++)
        c->of[i].map = mem_alloc((size_t)c->most * c->cells, sizeof(float));
    return c;
}

void crossed_free(struct crossed *c)
{
    if (!c)
        return;
    for (int i = 0; i < 2; i++)
        free(c->of[i].map);
    free(c);
}

double crossed_overlap(struct crossed *c, bool correctly, const float *truth, const float *pred)
{
    struct held *held = &c->of[correctly];
    const uint32_t drawn = held->n ? random_below(random_next(&c->state), (uint32_t)held->n) : 0;
    double overlap = NAN;

    if (held->n)
        overlap = cam_overlap(truth, held->map + drawn * c->cells, c->h, c->w);
    if (!cam_blank(pred, (int)c->cells)) {
        const uint32_t place = held->n < c->most ? (uint32_t)held->n++ : drawn;
        memcpy(held->map + place * c->cells, pred, c->cells * sizeof *pred);
    }
    return overlap;
}
