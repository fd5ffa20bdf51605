#include "draw/sheet.h"

#include "base/mem.h"
#include "cam/resize.h"

#include <stdlib.h>
#include <string.h>

enum { FRAME = 0xd1d9e0, BLANK = 0xf2f4f6, HATCH = 0xdde2e7, WORDS = 0x59636e };

/* Of the mark: dark on light on dark, so that it is seen on any picture and in any vision. */
enum { MARK = 0xffd000, MARK_EDGE = 0x1f2328, MARK_SHARE = 7, MARK_LEAST = 8 };

/* What drawing the tiles of one sheet needs, made once for all of them. */
struct studio {
    const struct sheet *s;
    struct resize *resize; /* from a map to a tile */
    float *map;            /* [tile] */
    uint8_t *out;          /* [tile * 3] */
    uint8_t *small;        /* [image * 3] */
};

static struct canvas_rect grown(struct canvas_rect r, int by)
{
    return (struct canvas_rect){r.x - by, r.y - by, r.w + 2 * by, r.h + 2 * by};
}

static void draw_empty(struct canvas *c, struct pen *p, struct canvas_rect r, const char *words)
{
    canvas_fill(c, r, BLANK);
    for (int y = 0; y < r.h; y++)
        for (int x = (y * 15) % 16; x < r.w; x += 16)
            canvas_fill(c, (struct canvas_rect){r.x + x, r.y + y, 1, 1}, HATCH);
    int h = pen_height(PEN_LABEL), w = pen_width(p, PEN_LABEL, words);
    struct canvas_rect t = {r.x + (r.w - w) / 2, r.y + (r.h - h) / 2, w, h};
    if (w + 16 > r.w || h > r.h)
        t = r;
    else
        canvas_fill(c, grown(t, 6), BLANK);
    pen_draw(p, c, t, PEN_LABEL, PEN_CENTER, WORDS, words);
}

/* Words on a band along the lower edge of a picture; on a small picture the band alone. */
static void draw_band(struct canvas *c, struct pen *p, struct canvas_rect r, const char *words)
{
    int h = pen_height(PEN_LABEL);
    bool room = 4 * h <= r.h && pen_width(p, PEN_LABEL, words) + 16 <= r.w;
    int tall = room ? h + 8 : r.h / 4;
    struct canvas_rect t = {r.x, r.y + r.h - tall, r.w, tall};
    canvas_fill(c, t, BLANK);
    if (room)
        pen_draw(p, c, grown(t, -4), PEN_LABEL, PEN_CENTER, WORDS, words);
}

/* Lines between the cells of the map's own grid, where there is room for them. */
static void draw_grid(struct canvas *c, const struct sheet *s, struct canvas_rect r, bool light)
{
    if (r.w < 8 * s->map_w || r.h < 8 * s->map_h)
        return;
    uint32_t color = light ? 0xffffff : 0x000000;
    float share = light ? 0.55F : 0.2F;
    for (int i = 1; i < s->map_w; i++)
        canvas_tint(c, (struct canvas_rect){r.x + i * r.w / s->map_w, r.y, 1, r.h}, color, share);
    for (int i = 1; i < s->map_h; i++)
        canvas_tint(c, (struct canvas_rect){r.x, r.y + i * r.h / s->map_h, r.w, 1}, color, share);
}

/* The tile's map at the size of the tile, in d->map. */
static void enlarge(struct studio *d, const struct sheet_tile *t, struct canvas_rect r)
{
    const struct sheet *s = d->s;
    if (s->grid)
        color_zoom_map(t->map, s->map_h, s->map_w, d->map, r.h, r.w);
    else
        resize_run(d->resize, t->map, d->map);
}

/* Blended pixel by pixel of the image, then enlarged like the image itself. */
static void draw_overlay(struct studio *d, const struct sheet_tile *t, const struct sheet_row *row,
                         struct canvas_rect r)
{
    const struct sheet *s = d->s;
    size_t n = (size_t)s->h * (size_t)s->w;
    const float *map = t->map;
    if (s->map_h != s->h || s->map_w != s->w) {
        color_zoom_map(map, s->map_h, s->map_w, d->map, s->h, s->w);
        map = d->map;
    }
    color_heat(s->cmap, map, n, d->small);
    color_blend(row->image, d->small, n, s->alpha, d->small);
    color_zoom(d->small, s->h, s->w, d->out, r.h, r.w);
}

/* A triangle in the upper right corner. */
static void draw_mark(struct canvas *c, struct canvas_rect r, int side)
{
    int edge = side / 8 + 1;
    for (int y = 0; y < side; y++) {
        struct canvas_rect line = {r.x + r.w - (side - y), r.y + y, side - y, 1};
        canvas_fill(c, line, MARK_EDGE);
        line.x += 2 * edge;
        line.w -= 3 * edge;
        if (y >= edge && line.w > 0)
            canvas_fill(c, line, MARK);
    }
}

static void draw_tile(struct studio *d, struct canvas *c, struct pen *p, const struct sheet_box *b)
{
    const struct sheet *s = d->s;
    const struct sheet_tile *t = b->tile;
    struct canvas_rect r = b->rect;
    size_t n = (size_t)r.w * (size_t)r.h;
    if (!s->bare)
        canvas_fill(c, grown(r, 1), FRAME);
    if (t->empty && t->kind != SHEET_OVERLAY) {
        draw_empty(c, p, r, t->empty);
        return;
    }
    if (t->kind == SHEET_IMAGE || t->empty) {
        color_zoom(b->row->image, s->h, s->w, d->out, r.h, r.w);
    } else if (t->kind == SHEET_OVERLAY) {
        draw_overlay(d, t, b->row, r);
    } else {
        enlarge(d, t, r);
        if (t->kind == SHEET_SIGNED)
            color_signed(d->map, n, s->limit, d->out);
        else
            color_heat(s->cmap, d->map, n, d->out);
    }
    canvas_put(c, r, d->out);
    if (t->empty) {
        draw_band(c, p, r, t->empty);
        return;
    }
    if (s->grid && t->kind != SHEET_IMAGE)
        draw_grid(c, s, r, t->kind != SHEET_SIGNED);
    if (t->flagged) {
        int least = r.w < r.h ? r.w : r.h, side = least / MARK_SHARE;
        side = side > MARK_LEAST ? side : MARK_LEAST;
        draw_mark(c, r, side < least ? side : least);
    }
}

static void draw_scale(const struct sheet *s, struct canvas *c, const struct sheet_box *b)
{
    struct canvas_rect r = b->rect;
    canvas_fill(c, grown(r, 1), FRAME);
    for (int x = 0; x < r.w; x++) {
        float v = r.w > 1 ? (float)x / (float)(r.w - 1) : 0;
        uint8_t rgb[3];
        if (b->bar->sign) {
            v = 2 * v - 1;
            color_signed(&v, 1, 1, rgb);
        } else {
            color_heat(s->cmap, &v, 1, rgb);
        }
        uint32_t color = (uint32_t)rgb[0] << 16 | (uint32_t)rgb[1] << 8 | rgb[2];
        canvas_fill(c, (struct canvas_rect){r.x + x, r.y, 1, r.h}, color);
    }
}

/* Lines of text. */
struct lines {
    char *text;
    size_t n, room;
};

static void add_words(struct lines *l, const char *text)
{
    if (!text || !*text)
        return;
    char *clean = pen_text(text);
    size_t n = strlen(clean);
    if (l->n + n + 2 > l->room) {
        l->room = 2 * (l->n + n + 2);
        l->text = mem_grow(l->text, l->room, 1);
    }
    memcpy(l->text + l->n, clean, n);
    l->n += n;
    l->text[l->n++] = '\n';
    l->text[l->n] = '\0';
    free(clean);
}

/* All words of the sheet, a line each, in the order of its layout. */
static char *describe(const struct sheet *s, const struct sheet_layout *l)
{
    struct lines all = {0};
    if (s->bare) {
        add_words(&all, s->panel[0].row[0].detail);
        add_words(&all, s->panel[0].row[0].aside);
    }
    for (int i = 0; i < l->boxes; i++) {
        const struct sheet_box *b = &l->box[i];
        if (b->kind == SHEET_TEXT)
            add_words(&all, b->text);
        if (b->kind != SHEET_PICTURE)
            continue;
        if (s->bare) {
            add_words(&all, b->tile->what);
            add_words(&all, b->tile->name);
            add_words(&all, b->tile->fact);
        }
        add_words(&all, b->tile->empty);
        add_words(&all, b->tile->flagged ? "label flagged" : NULL);
    }
    if (s->bare)
        add_words(&all, s->foot);
    return all.text;
}

int sheet_draw(const struct sheet *s, struct pen *p, struct out *o, struct err *e)
{
    struct sheet_layout l;
    struct err inner = {0};
    if (sheet_arrange(s, p, &l, &inner) != 0)
        return err_set(e, "%s: %s", out_name(o), inner.msg);
    int tall = s->h * s->zoom, wide = s->w * s->zoom;
    size_t n = (size_t)tall * (size_t)wide;
    struct studio d = {.s = s};
    d.resize = resize_new(s->map_h, s->map_w, tall, wide);
    d.map = mem_alloc(n, sizeof *d.map);
    d.out = mem_alloc(n, 3);
    d.small = mem_alloc((size_t)s->h * (size_t)s->w, 3);

    struct canvas *c = canvas_new(l.w, l.h);
    for (int i = 0; i < l.boxes; i++) {
        const struct sheet_box *b = &l.box[i];
        switch (b->kind) {
        case SHEET_TEXT:
            pen_draw(p, c, b->rect, b->style, b->align, b->color, b->text);
            break;
        case SHEET_PICTURE:
            draw_tile(&d, c, p, b);
            break;
        case SHEET_SCALE:
            draw_scale(s, c, b);
            break;
        case SHEET_RULE:
            canvas_fill(c, b->rect, b->color);
            break;
        case SHEET_MARK:
            draw_mark(c, b->rect, b->rect.h);
            break;
        }
    }
    char *title = pen_text(s->title), *words = describe(s, &l);
    int r = canvas_png(c, title, words, o, e);
    free(title);
    free(words);
    canvas_free(c);
    resize_free(d.resize);
    free(d.map);
    free(d.out);
    free(d.small);
    free(l.box);
    return r;
}

static void row_clear(struct sheet_row *r)
{
    free(r->label);
    free(r->detail);
    free(r->aside);
    free(r->image);
    free(r->maps);
    for (int i = 0; i < r->tiles; i++) {
        free(r->tile[i].what);
        free(r->tile[i].fact);
        free(r->tile[i].name);
    }
    free(r->tile);
}

void sheet_clear(struct sheet *s)
{
    free(s->title);
    free(s->subtitle);
    free(s->notice);
    free(s->note);
    free(s->legend);
    free(s->foot);
    free(s->facts);
    for (int i = 0; i < s->panels; i++) {
        struct sheet_panel *p = &s->panel[i];
        free(p->heading);
        free(p->note);
        free(p->end);
        for (int k = 0; k < p->rows; k++)
            row_clear(&p->row[k]);
        free(p->row);
    }
    for (int i = 0; i < s->bars; i++) {
        free(s->bar[i].title);
        free(s->bar[i].low);
        free(s->bar[i].mid);
        free(s->bar[i].high);
    }
    *s = (struct sheet){0};
}
