#include "draw/canvas.h"

#include "base/mem.h"
#include "draw/encode.h"

#include <stdlib.h>
#include <string.h>

struct canvas {
    int w, h;
    uint32_t *px; /* 0xRRGGBB */
};

struct canvas *canvas_new(int w, int h)
{
    struct canvas *c = mem_alloc(1, sizeof *c);
    c->w = w;
    c->h = h;
    size_t n = (size_t)w * (size_t)h;
    c->px = mem_alloc(n, sizeof *c->px);
    memset(c->px, 0xff, n * sizeof *c->px);
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

static uint32_t *row_at(const struct canvas *c, int x, int y)
{
    return c->px + (size_t)y * (size_t)c->w + x;
}

void canvas_fill(struct canvas *c, struct canvas_rect r, uint32_t color)
{
    r = clipped(c, r);
    for (int y = 0; y < r.h; y++) {
        uint32_t *p = row_at(c, r.x, r.y + y);
        for (int x = 0; x < r.w; x++)
            p[x] = color;
    }
}

/* `part` of 256 of the colour. */
static uint32_t mix(uint32_t old, uint32_t color, uint32_t part)
{
    uint32_t mixed = 0;
    for (int s = 0; s < 24; s += 8)
        mixed |= ((old >> s & 0xff) * (256 - part) + (color >> s & 0xff) * part + 128) >> 8 << s;
    return mixed;
}

void canvas_tint(struct canvas *c, struct canvas_rect r, uint32_t color, float share)
{
    r = clipped(c, r);
    for (int y = 0; y < r.h; y++) {
        uint32_t *p = row_at(c, r.x, r.y + y);
        for (int x = 0; x < r.w; x++)
            p[x] = mix(p[x], color, (uint32_t)(256 * share + 0.5F));
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
        uint32_t *p = row_at(c, r.x, r.y + k);
        const uint8_t *ink = m->px + (ptrdiff_t)(r.y + k - y) * m->stride + (r.x - x);
        for (int i = 0; i < r.w; i++)
            if (ink[i])
                p[i] = mix(p[i], color, ink[i] + (uint32_t)(ink[i] >> 7));
    }
}

void canvas_put(struct canvas *c, struct canvas_rect r, const uint8_t *rgb)
{
    for (int y = 0; y < r.h; y++) {
        uint32_t *p = row_at(c, r.x, r.y + y);
        for (int x = 0; x < r.w; x++, rgb += 3)
            p[x] = (uint32_t)rgb[0] << 16 | (uint32_t)rgb[1] << 8 | rgb[2];
    }
}

/* --- PNG --- */

struct page {
    const struct canvas *canvas;
    uint8_t *row;
    struct out *out;
};

static const uint8_t *page_row(void *self, int y)
{
    const struct page *g = self;
    const uint32_t *p = row_at(g->canvas, 0, y);
    for (int x = 0; x < g->canvas->w; x++) {
        g->row[3 * x] = (uint8_t)(p[x] >> 16);
        g->row[3 * x + 1] = (uint8_t)(p[x] >> 8);
        g->row[3 * x + 2] = (uint8_t)p[x];
    }
    return g->row;
}

static int page_put(void *self, const void *p, size_t n, struct err *e)
{
    const struct page *g = self;
    return out_write(g->out, p, n, e);
}

int canvas_png(const struct canvas *c, char *title, char *description, struct out *o, struct err *e)
{
    struct page page = {c, mem_alloc((size_t)c->w, 3), o};
    int r = encode_png(&(struct encode){.w = c->w,
                                        .h = c->h,
                                        .kind = ENCODE_PAGE,
                                        .row = page_row,
                                        .put = page_put,
                                        .self = &page,
                                        .name = out_name(o),
                                        .title = title,
                                        .description = description},
                       e);
    free(page.row);
    return r;
}
