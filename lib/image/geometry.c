#include "image/geometry.h"

#include "base/mem.h"
#include "base/text.h"
#include "image/resample.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* HxW, or N with *w = 0. */
static bool parse_sides(const char *text, int *h, int *w)
{
    if (text_size(text, RESAMPLE_SIDE, h, w))
        return true;
    char *end;
    const long n = *text >= '1' && *text <= '9' ? strtol(text, &end, 10) : 0;
    *h = (int)n;
    *w = 0;
    return n >= 1 && n <= RESAMPLE_SIDE && *end == '\0';
}

/* A size of option `name`, behind which there may be the name of a filter where `bicubic` is not
 * NULL: "256:bicubic". */
static int parse_size(const char *name, const char *text, int *h, int *w, bool *bicubic,
                      struct err *e)
{
    const char *colon = bicubic ? strchr(text, ':') : NULL;
    char *sides = mem_printf("%.*s", (int)(colon ? (size_t)(colon - text) : strlen(text)), text);
    const bool good = parse_sides(sides, h, w);
    free(sides);
    if (!good)
        return err_set(e, "--%s: expected HxW or N with sides from 1 to %d, found '%s'", name,
                       RESAMPLE_SIDE, text);
    if (colon && strcmp(colon, ":bilinear") != 0 && strcmp(colon, ":bicubic") != 0)
        return err_set(e, "--%s: expected :bilinear or :bicubic behind the size, found '%s'", name,
                       text);
    if (colon)
        *bicubic = strcmp(colon, ":bicubic") == 0;
    return 0;
}

int geometry_parse(struct geometry *g, const struct geometry_opts *o, struct err *e)
{
    int h[2] = {0}, w[2] = {0};
    *g = (struct geometry){0};
    if ((o->resize && parse_size("resize", o->resize, &h[0], &w[0], &g->bicubic, e) != 0) ||
        (o->crop && parse_size("crop", o->crop, &h[1], &w[1], NULL, e) != 0))
        return -1;
    g->h = w[0] ? h[0] : 0;
    g->w = w[0];
    g->shorter = w[0] ? 0 : h[0];
    g->crop_h = h[1];
    g->crop_w = w[1] ? w[1] : h[1];
    return 0;
}

struct geometry geometry_given(const struct geometry_opts *o)
{
    struct geometry g;
    struct err e;
    if (geometry_parse(&g, o, &e) != 0)
        prog_usage("%s", e.msg);
    return g;
}

/* What Resize makes of an image. */
static void resized(const struct geometry *g, int h, int w, int *to_h, int *to_w)
{
    const int64_t side = g->shorter;
    *to_h = g->h ? g->h : h;
    *to_w = g->h ? g->w : w;
    if (side == 0)
        return;
    *to_h = w <= h ? (int)(side * h / w) : (int)side;
    *to_w = w <= h ? (int)side : (int)(side * w / h);
}

void geometry_size(const struct geometry *g, int h, int w, int *to_h, int *to_w)
{
    resized(g, h, w, to_h, to_w);
    if (g->crop_h) {
        *to_h = g->crop_h;
        *to_w = g->crop_w;
    }
}

bool geometry_fixed(const struct geometry *g, int *to_h, int *to_w)
{
    if (g->h || g->crop_h)
        geometry_size(g, 1, 1, to_h, to_w);
    return g->h || g->crop_h;
}

/* Where a crop of `side` begins along an axis of n pixels, below 0 where they are fewer: Python's
 * round() of half the difference, of which a half goes to the even number. */
static int begins(int n, int side)
{
    const int d = n - side;
    if (d < 0)
        return -(-d / 2);
    return d % 2 == 0 ? d / 2 : d / 2 + d / 2 % 2;
}

/* The part of an axis that is seen, and where it is put. */
struct part {
    int from, n, at;
};

static struct part part_of(int n, int side)
{
    const int from = begins(n, side);
    return n < side ? (struct part){0, n, -from} : (struct part){from, side, 0};
}

void geometry_run(const struct geometry *g, const uint8_t *in, int h, int w, uint8_t *out)
{
    int rh, rw, oh, ow;
    resized(g, h, w, &rh, &rw);
    geometry_size(g, h, w, &oh, &ow);
    const struct part y = part_of(rh, oh), x = part_of(rw, ow);
    const struct resample_part part = {y.from, x.from, y.n, x.n};
    const enum resample_filter filter = g->bicubic ? RESAMPLE_BICUBIC : RESAMPLE_BILINEAR;
    if (y.n == oh && x.n == ow) {
        resample_part(in, h, w, rh, rw, filter, &part, out);
        return;
    }
    uint8_t *seen = mem_alloc(3 * (size_t)y.n, (size_t)x.n);
    resample_part(in, h, w, rh, rw, filter, &part, seen);
    memset(out, 0, 3 * (size_t)oh * (size_t)ow);
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < y.n; i++)
            memcpy(out + ((size_t)c * (size_t)oh + (size_t)(y.at + i)) * (size_t)ow + x.at,
                   seen + ((size_t)c * (size_t)y.n + (size_t)i) * (size_t)x.n, (size_t)x.n);
    free(seen);
}

const char *geometry_words(const struct geometry *g, char buf[GEOMETRY_WORDS])
{
    const char *filter = g->bicubic ? ":bicubic" : "";
    int n = 0;
    *buf = '\0';
    if (g->shorter)
        n = snprintf(buf, GEOMETRY_WORDS, "--resize %d%s", g->shorter, filter);
    else if (g->h)
        n = snprintf(buf, GEOMETRY_WORDS, "--resize %dx%d%s", g->h, g->w, filter);
    if (g->crop_h && g->crop_h == g->crop_w)
        snprintf(buf + n, (size_t)(GEOMETRY_WORDS - n), "%s--crop %d", n ? " " : "", g->crop_h);
    else if (g->crop_h)
        snprintf(buf + n, (size_t)(GEOMETRY_WORDS - n), "%s--crop %dx%d", n ? " " : "", g->crop_h,
                 g->crop_w);
    return buf;
}
