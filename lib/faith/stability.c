#include "faith/stability.h"

#include "base/mem.h"
#include "cam/resize.h"
#include "model/views.h"
#include "stats/rank_correlation.h"

#include <stdbool.h>
#include <stdlib.h>

struct stability {
    int h, w;
    struct resize *resize;
    struct rank_room *room;
    float *map, *moved; /* (h, w) */
    float *a, *b;       /* the pixels that are in both */
};

/* The set that a view is of, and its number in it. */
static enum views set_of(int i, int *in)
{
    *in = i < STABILITY_SHIFTS ? i : i - STABILITY_SHIFTS + 1;
    return i < STABILITY_SHIFTS ? VIEWS_MIRROR : VIEWS_SHIFTS;
}

void stability_view(int i, const uint8_t *image, int h, int w, uint8_t *view)
{
    int in;
    enum views set = set_of(i, &in);

    views_make(set, in, image, h, w, view);
}

struct stability *stability_new(int gh, int gw, int h, int w)
{
    const size_t n = (size_t)h * (size_t)w;
    struct stability *s = mem_zero(1, sizeof *s);

    s->h = h;
    s->w = w;
    s->resize = resize_new(gh, gw, h, w);
    s->room = rank_room_new(n);
    s->map = mem_alloc(n, sizeof *s->map);
    s->moved = mem_alloc(n, sizeof *s->moved);
    s->a = mem_alloc(n, sizeof *s->a);
    s->b = mem_alloc(n, sizeof *s->b);
    return s;
}

void stability_free(struct stability *s)
{
    if (!s)
        return;
    resize_free(s->resize);
    free(s->room);
    free(s->map);
    free(s->moved);
    free(s->a);
    free(s->b);
    free(s);
}

double stability_compare(struct stability *s, int i, const float *map, const float *of_view)
{
    int in;
    const enum views set = set_of(i, &in);
    size_t n = 0;

    resize_run(s->resize, map, s->map);
    resize_run(s->resize, of_view, s->moved);
    for (int y = 0; y < s->h; y++)
        for (int x = 0; x < s->w; x++) {
            int vy = y, vx = x;
            if (!views_place(set, in, s->h, s->w, &vy, &vx))
                continue;
            s->a[n] = s->map[(size_t)y * (size_t)s->w + (size_t)x];
            s->b[n++] = s->moved[(size_t)vy * (size_t)s->w + (size_t)vx];
        }
    return rank_correlation(s->room, s->a, s->b, n);
}
