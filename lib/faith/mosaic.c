#include "faith/mosaic.h"

#include "base/mem.h"
#include "base/random.h"

#include <stdlib.h>
#include <string.h>

struct mosaics {
    int n;
    const int *cls;
    int *order; /* [n] images by class */
    int *first; /* [classes + 1] where those of a class begin */
    int *place; /* [n] of each image in `order` */
};

struct mosaics *mosaics_new(const int *cls, int n, int classes)
{
    struct mosaics *m = mem_zero(1, sizeof *m);

    m->n = n;
    m->cls = cls;
    m->order = mem_alloc((size_t)n, sizeof *m->order);
    m->place = mem_alloc((size_t)n, sizeof *m->place);
    m->first = mem_zero((size_t)classes + 1, sizeof *m->first);
    for (int i = 0; i < n; i++)
        m->first[cls[i] + 1]++;
    for (int c = 0; c < classes; c++)
        m->first[c + 1] += m->first[c];
    int *next = mem_alloc((size_t)classes, sizeof *next);
    memcpy(next, m->first, (size_t)classes * sizeof *next);
    for (int i = 0; i < n; i++) {
        m->place[i] = next[cls[i]]++;
        m->order[m->place[i]] = i;
    }
    free(next);
    return m;
}

void mosaics_free(struct mosaics *m)
{
    if (!m)
        return;
    free(m->order);
    free(m->first);
    free(m->place);
    free(m);
}

/* One of the images whose places in the order are in none of the `gaps` ranges
 * [from[k], to[k]), which do not overlap and rise; -1 where there is none. */
static int choose(const struct mosaics *m, const int *from, const int *to, int gaps,
                  uint64_t *state)
{
    int left = m->n;

    for (int k = 0; k < gaps; k++)
        left -= to[k] - from[k];
    if (left == 0)
        return -1;
    int at = (int)random_below(random_next(state), (uint32_t)left);
    for (int k = 0; k < gaps && at >= from[k]; k++)
        at += to[k] - from[k];
    return m->order[at];
}

/* One of another class than those of images[n], n <= 2; -1 where there is none. */
static int choose_other(const struct mosaics *m, const int *image, int n, uint64_t *state)
{
    int from[2], to[2];

    for (int k = 0; k < n; k++) {
        int c = m->cls[image[k]], at = k;
        if (k > 0 && m->first[c] < from[0]) {
            from[1] = from[0];
            to[1] = to[0];
            at = 0;
        }
        from[at] = m->first[c];
        to[at] = m->first[c + 1];
    }
    return choose(m, from, to, n, state);
}

bool mosaics_choose(const struct mosaics *m, int i, uint64_t seed, struct mosaic *out)
{
    uint64_t state = seed;
    const int c = m->cls[i];
    /* The image itself and all of other classes. */
    const int from[] = {0, m->place[i], m->first[c + 1]};
    const int to[] = {m->first[c], m->place[i] + 1, m->n};
    int image[4] = {i, choose(m, from, to, 3, &state), 0, 0};

    if (image[1] < 0)
        return false;
    image[2] = choose_other(m, image, 1, &state);
    if (image[2] < 0)
        return false;
    image[3] = choose_other(m, (const int[]){i, image[2]}, 2, &state);
    if (image[3] < 0)
        return false;
    /* Fisher and Yates: which of the four goes on which tile. */
    int order[] = {0, 1, 2, 3};
    out->own = 0;
    for (int k = 0; k < 4; k++) {
        int j = k + (int)random_below(random_next(&state), (uint32_t)(4 - k));
        int chosen = order[j];
        order[j] = order[k];
        order[k] = chosen;
        out->image[k] = image[chosen];
        out->own |= chosen < 2 ? 1u << k : 0;
    }
    return true;
}

void mosaic_put(const uint8_t *tile, int place, int h, int w, uint8_t *pixels)
{
    const size_t row = (size_t)w, wide = 2 * row;
    uint8_t *to = pixels + (size_t)(place / 2) * (size_t)h * wide + (size_t)(place % 2) * row;

    for (int c = 0; c < 3; c++, to += (size_t)h * wide)
        for (int y = 0; y < h; y++, tile += row, to += wide)
            memcpy(to, tile, row);
}
