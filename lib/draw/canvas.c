#include "draw/canvas.h"

#include "base/mem.h"
#include "draw/encode.h"

#include <stdlib.h>
#include <string.h>

struct canvas {
    int w, h;
    uint8_t *px; /* [h * w * RGB] */
};

enum { RGB = 3 };

struct canvas *canvas_new(int w, int h)
{
    struct canvas *c = mem_alloc(1, sizeof *c);
    c->w = w;
    c->h = h;
    size_t n = (size_t)w * (size_t)h;
    c->px = mem_alloc(n, RGB);
    memset(c->px, 0xff, n * RGB);
    return c;
}

void canvas_free(struct canvas *c)
{
    if (!c)
        return;
    free(c->px);
    free(c);
}

static struct canvas_rect clipped(const struct canvas *c, struct canvas_rect r)
{
    int x1 = r.x + r.w < c->w ? r.x + r.w : c->w, y1 = r.y + r.h < c->h ? r.y + r.h : c->h;
    r.x = r.x > 0 ? r.x : 0;
    r.y = r.y > 0 ? r.y : 0;
    r.w = x1 - r.x;
    r.h = y1 - r.y;
    return r;
}

static uint8_t *row_at(const struct canvas *c, int x, int y)
{
    return c->px + RGB * ((size_t)y * (size_t)c->w + (size_t)x);
}

static void set(uint8_t *p, uint32_t color)
{
    p[0] = (uint8_t)(color >> 16);
    p[1] = (uint8_t)(color >> 8);
    p[2] = (uint8_t)color;
}

/* One row, then copies of it. */
void canvas_fill(struct canvas *c, struct canvas_rect r, uint32_t color)
{
    r = clipped(c, r);
    if (r.w <= 0 || r.h <= 0)
        return;
    uint8_t *first = row_at(c, r.x, r.y);
    for (int x = 0; x < r.w; x++)
        set(first + RGB * x, color);
    for (int y = 1; y < r.h; y++)
        memcpy(row_at(c, r.x, r.y + y), first, RGB * (size_t)r.w);
}

/* `part` of 256 of the colour. */
static void mix(uint8_t *p, uint32_t color, uint32_t part)
{
    uint8_t ink[RGB];
    set(ink, color);
    for (int i = 0; i < RGB; i++)
        p[i] = (uint8_t)((p[i] * (256 - part) + ink[i] * part + 128) >> 8);
}

void canvas_tint(struct canvas *c, struct canvas_rect r, uint32_t color, float share)
{
    r = clipped(c, r);
    for (int y = 0; y < r.h; y++) {
        uint8_t *p = row_at(c, r.x, r.y + y);
        for (int x = 0; x < r.w; x++, p += RGB)
            mix(p, color, (uint32_t)(256 * share + 0.5F));
    }
}

void canvas_ink(struct canvas *c, struct canvas_rect r, int x, int y, const struct canvas_mask *m,
                uint32_t color)
{
    /* The part of the page that both the rectangle and the mask cover. */
    int left = r.x > x ? r.x : x, top = r.y > y ? r.y : y;
    int right = r.x + r.w < x + m->w ? r.x + r.w : x + m->w;
    int bottom = r.y + r.h < y + m->h ? r.y + r.h : y + m->h;
    r = clipped(c, (struct canvas_rect){left, top, right - left, bottom - top});
    for (int k = 0; k < r.h; k++) {
        uint8_t *p = row_at(c, r.x, r.y + k);
        const uint8_t *ink = m->px + (ptrdiff_t)(r.y + k - y) * m->stride + (r.x - x);
        for (int i = 0; i < r.w; i++, p += RGB)
            if (ink[i])
                mix(p, color, ink[i] + (uint32_t)(ink[i] >> 7));
    }
}

void canvas_put(struct canvas *c, struct canvas_rect r, const uint8_t *rgb)
{
    size_t n = RGB * (size_t)r.w;
    for (int y = 0; y < r.h; y++, rgb += n)
        memcpy(row_at(c, r.x, r.y + y), rgb, n);
}

/* --- PNG --- */

struct page {
    const struct canvas *canvas;
    struct out *out;
};

static const uint8_t *page_row(void *self, int y)
{
    const struct page *g = self;
    return row_at(g->canvas, 0, y);
}

static int page_put(void *self, const void *p, size_t n, struct err *e)
{
    const struct page *g = self;
    return out_write(g->out, p, n, e);
}

int canvas_png(const struct canvas *c, const char *title, const char *description, struct out *o,
               struct err *e)
{
    struct page page = {c, o};
    return encode_png(&(struct encode){.w = c->w,
                                       .h = c->h,
                                       .kind = ENCODE_PAGE,
                                       .row = page_row,
                                       .put = page_put,
                                       .self = &page,
                                       .title = title,
                                       .description = description},
                      e);
}
