/* Where everything on a sheet goes. */
#include "base/mem.h"
#include "draw/sheet.h"

#include <stdlib.h>

/* Pixels. */
enum {
    MARGIN = 32,
    TILE_GAP = 16,
    PANEL_GAP = 48,
    ROW_GAP = 22,
    SECTION_GAP = 20,
    WORD_GAP = 10,
    CAPTION_GAP = 7,
    MIN_COLUMN = 170, /* room for a caption where pictures are small */
    MIN_CONTENT = 600,
    BAR_WIDTH = 380,
    BAR_HEIGHT = 14,
    BAR_GAP = 40,
    BARE_GAP = 4,
    REST = 600 /* of a page, for all but its rows */
};

enum { INK = 0x1f2328, QUIET = 0x59636e, LINE = 0xd1d9e0, WARNING = 0x9a3412 };

/* The page being filled; y is where the next thing goes. */
struct page {
    struct pen *pen;
    struct sheet_layout *l;
};

static struct sheet_box *add(struct page *g, int kind, struct canvas_rect r)
{
    struct sheet_layout *l = g->l;
    l->box = mem_extend(l->box, (size_t)l->boxes, (size_t)l->boxes + 1, sizeof *l->box);
    struct sheet_box *b = &l->box[l->boxes++];
    *b = (struct sheet_box){.rect = r};
    b->kind = kind;
    return b;
}

static void add_text(struct page *g, struct canvas_rect r, enum pen_style style,
                     enum pen_align align, uint32_t color, const char *text)
{
    if (!text || !*text || r.w <= 0)
        return;
    struct sheet_box *b = add(g, SHEET_TEXT, r);
    b->style = style;
    b->align = align;
    b->color = color;
    b->text = text;
}

static int column(const struct sheet *s)
{
    int w = s->w * s->zoom;
    return w > MIN_COLUMN ? w : MIN_COLUMN;
}

static int row_width(const struct sheet *s, const struct sheet_panel *p)
{
    return p->tiles * column(s) + (p->tiles - 1) * TILE_GAP;
}

static int across(const struct sheet_panel *p)
{
    return p->rows < p->across ? p->rows : p->across;
}

static int panel_lines(const struct sheet_panel *p)
{
    return (p->rows + p->across - 1) / p->across;
}

static int panel_width(const struct sheet *s, const struct sheet_panel *p)
{
    int n = across(p) ? across(p) : 1;
    return n * row_width(s, p) + (n - 1) * PANEL_GAP;
}

static int row_height(const struct sheet *s)
{
    return pen_height(PEN_LABEL) + CAPTION_GAP + s->h * s->zoom + CAPTION_GAP +
           pen_height(PEN_WHAT) + (s->facts ? 2 : 1) * pen_height(PEN_NAME);
}

static int bar_height(void)
{
    return pen_height(PEN_NAME) + 4 + BAR_HEIGHT + 3 + pen_height(PEN_TICK);
}

static int at_most(int a, int b)
{
    return a < b ? a : b;
}

/* A line of a bold word, plain words behind it, and quiet ones at the right. */
static void add_line(struct page *g, struct canvas_rect r, enum pen_style bold, uint32_t color,
                     const char *label, enum pen_style plain, uint32_t ink, const char *detail,
                     const char *aside)
{
    int left = at_most(pen_width(g->pen, bold, label), r.w / 2);
    int right = aside ? pen_width(g->pen, PEN_TICK, aside) : 0, from = left + WORD_GAP;
    /* What stands at the right has the room that the words leave, and a third in any case. */
    int words = detail ? pen_width(g->pen, plain, detail) : 0, free = r.w - from - words - WORD_GAP;
    right = at_most(right, free > r.w / 3 ? free : r.w / 3);
    int room = r.w - from - (right ? right + WORD_GAP : 0);
    add_text(g, (struct canvas_rect){r.x, r.y, left, r.h}, bold, PEN_LEFT, color, label);
    add_text(g, (struct canvas_rect){r.x + from, r.y, room, r.h}, plain, PEN_LEFT, ink, detail);
    add_text(g, (struct canvas_rect){r.x + r.w - right, r.y, right, r.h}, PEN_TICK, PEN_RIGHT,
             QUIET, aside);
}

static void add_row(struct page *g, const struct sheet *s, const struct sheet_panel *p,
                    const struct sheet_row *row, int x, int y)
{
    int tall = s->h * s->zoom;
    struct canvas_rect head = {x, y, row_width(s, p), pen_height(PEN_LABEL)};
    add_line(g, head, PEN_LABEL, row->color, row->label, PEN_DETAIL, INK, row->detail, row->aside);
    y += head.h + CAPTION_GAP;
    for (int i = 0; i < row->tiles; i++, x += column(s) + TILE_GAP) {
        const struct sheet_tile *t = &row->tile[i];
        struct canvas_rect what = {x, y + tall + CAPTION_GAP, column(s), pen_height(PEN_WHAT)};
        struct canvas_rect name = {x, what.y + what.h, column(s), pen_height(PEN_NAME)};
        struct canvas_rect fact = {x, name.y + name.h, column(s), pen_height(PEN_NAME)};
        struct canvas_rect picture = {x, y, s->w * s->zoom, tall};
        struct sheet_box *b = add(g, SHEET_PICTURE, picture);
        b->row = row;
        b->tile = t;
        add_text(g, what, PEN_WHAT, PEN_LEFT, INK, t->what);
        add_text(g, name, PEN_NAME, PEN_LEFT, QUIET, t->name);
        if (s->facts)
            add_text(g, fact, PEN_NAME, PEN_LEFT, t->doubt ? WARNING : QUIET, t->fact);
    }
}

static void add_bar(struct page *g, const struct sheet_bar *bar, int x, int y)
{
    int third = BAR_WIDTH / 3, tick = pen_height(PEN_TICK);
    struct canvas_rect title = {x, y, BAR_WIDTH, pen_height(PEN_NAME)};
    add_text(g, title, PEN_WHAT, PEN_LEFT, INK, bar->title);
    y += title.h + 4;
    add(g, SHEET_SCALE, (struct canvas_rect){x, y, BAR_WIDTH, BAR_HEIGHT})->bar = bar;
    y += BAR_HEIGHT + 3;
    add_text(g, (struct canvas_rect){x, y, third, tick}, PEN_TICK, PEN_LEFT, QUIET, bar->low);
    add_text(g, (struct canvas_rect){x + third, y, BAR_WIDTH - 2 * third, tick}, PEN_TICK,
             PEN_CENTER, QUIET, bar->mid);
    add_text(g, (struct canvas_rect){x + BAR_WIDTH - third, y, third, tick}, PEN_TICK, PEN_RIGHT,
             QUIET, bar->high);
}

static int add_header(struct page *g, const struct sheet *s, int width)
{
    int y = MARGIN - 6;
    struct canvas_rect title = {MARGIN, y, width, pen_height(PEN_TITLE)};
    bool fits = pen_width(g->pen, PEN_TITLE, s->title) <= width;
    add_text(g, title, fits ? PEN_TITLE : PEN_LONG_TITLE, PEN_LEFT, INK, s->title);
    y += title.h + 2;
    if (s->subtitle && *s->subtitle) {
        struct canvas_rect r = {MARGIN, y, width, pen_height(PEN_SUBTITLE)};
        add_text(g, r, PEN_SUBTITLE, PEN_LEFT, QUIET, s->subtitle);
        y += r.h;
    }
    if (s->notice) {
        struct canvas_rect r = {MARGIN, y, width, pen_height(PEN_SUBTITLE)};
        add_text(g, r, PEN_SUBTITLE, PEN_LEFT, WARNING, s->notice);
        y += r.h;
    }
    y += 12;
    add(g, SHEET_RULE, (struct canvas_rect){MARGIN, y, width, 1})->color = LINE;
    return y + 1 + SECTION_GAP;
}

static void add_panel(struct page *g, const struct sheet *s, const struct sheet_panel *p, int x,
                      int y)
{
    if (p->heading) {
        struct canvas_rect head = {x, y, panel_width(s, p), pen_height(PEN_SECTION)};
        add_line(g, head, PEN_SECTION, p->color, p->heading, PEN_NOTE, QUIET, p->note, NULL);
        y += head.h + 12;
    }
    for (int i = 0; i < p->rows; i++)
        add_row(g, s, p, &p->row[i], x + i % p->across * (row_width(s, p) + PANEL_GAP),
                y + i / p->across * (row_height(s) + ROW_GAP));
    y += panel_lines(p) * (row_height(s) + ROW_GAP);
    for (int i = 0; i < s->panels; i++) {
        if (panel_lines(&s->panel[i]) > panel_lines(p)) {
            struct canvas_rect r = {x, y, panel_width(s, p), pen_height(PEN_LABEL)};
            add_text(g, r, PEN_DETAIL, PEN_LEFT, QUIET, p->end);
            return;
        }
    }
}

/* Whether all sizes stay far from overflow; what passes is checked again exactly. */
static bool plausible(const struct sheet *s)
{
    int64_t wide = (int64_t)s->w * s->zoom, tall = (int64_t)s->h * s->zoom;
    if (wide > CANVAS_MAX || tall > CANVAS_MAX)
        return false;
    for (int i = 0; i < s->panels; i++) {
        const struct sheet_panel *p = &s->panel[i];
        if (p->tiles > CANVAS_MAX || p->across < 1 ||
            (int64_t)across(p) * p->tiles * (wide + 1) > CANVAS_MAX ||
            panel_lines(p) * (tall + 1) > CANVAS_MAX)
            return false;
    }
    return true;
}

int sheet_lines(const struct sheet *s, int most)
{
    if ((int64_t)s->h * s->zoom > CANVAS_MAX)
        return 1;
    int n = (CANVAS_MAX - REST) / (row_height(s) + ROW_GAP);
    return n < 1 ? 1 : at_most(n, most);
}

static int too_large(struct err *e)
{
    return err_set(e,
                   "expected a page of at most %d pixels a side, found pictures for a larger one: "
                   "choose a smaller zoom, or fewer rows or columns",
                   CANVAS_MAX);
}

/* The pictures of the only row and nothing else. */
static void arrange_bare(struct page *g, const struct sheet *s)
{
    const struct sheet_row *row = &s->panel[0].row[0];
    int w = s->w * s->zoom, h = s->h * s->zoom;
    for (int i = 0; i < row->tiles; i++) {
        struct sheet_box *b =
            add(g, SHEET_PICTURE, (struct canvas_rect){i * (w + BARE_GAP), 0, w, h});
        b->row = row;
        b->tile = &row->tile[i];
    }
    g->l->w = row->tiles * (w + BARE_GAP) - BARE_GAP;
    g->l->h = h;
}

static void arrange_page(struct page *g, const struct sheet *s)
{
    int width = 0, lines = 0;
    bool headed = false;
    for (int i = 0; i < s->panels; i++) {
        width += panel_width(s, &s->panel[i]) + (i ? PANEL_GAP : 0);
        lines = panel_lines(&s->panel[i]) > lines ? panel_lines(&s->panel[i]) : lines;
        headed = headed || s->panel[i].heading;
    }
    width = width > MIN_CONTENT ? width : MIN_CONTENT;

    int y = add_header(g, s, width), x = MARGIN;
    for (int i = 0; i < s->panels; x += panel_width(s, &s->panel[i++]) + PANEL_GAP)
        add_panel(g, s, &s->panel[i], x, y);
    y += (headed ? pen_height(PEN_SECTION) + 12 : 0) + lines * (row_height(s) + ROW_GAP);

    if (s->bars > 0) {
        add(g, SHEET_RULE, (struct canvas_rect){MARGIN, y, width, 1})->color = LINE;
        y += 1 + 16;
        bool beside = s->bars * (BAR_WIDTH + BAR_GAP) - BAR_GAP <= width;
        for (int i = 0; i < s->bars; i++) {
            add_bar(g, &s->bar[i], MARGIN + (beside ? i * (BAR_WIDTH + BAR_GAP) : 0), y);
            if (!beside || i + 1 == s->bars)
                y += bar_height() + (i + 1 < s->bars ? 14 : 0);
        }
        y += 6;
    }
    if (s->legend) {
        int h = pen_height(PEN_NAME);
        y += 4;
        add(g, SHEET_MARK, (struct canvas_rect){MARGIN, y, h, h});
        struct canvas_rect r = {MARGIN + h + WORD_GAP, y, width - h - WORD_GAP, h};
        add_text(g, r, PEN_NAME, PEN_LEFT, INK, s->legend);
        y += h;
    }
    if (s->facts) {
        y += 4;
        struct canvas_rect r = {MARGIN, y, width, pen_height(PEN_NAME)};
        add_text(g, r, PEN_NAME, PEN_LEFT, INK, s->facts);
        y += r.h;
    }
    if (s->note) {
        y += 4;
        struct canvas_rect r = {MARGIN, y, width, pen_height(PEN_NAME)};
        add_text(g, r, PEN_NAME, PEN_LEFT, WARNING, s->note);
        y += r.h;
    }
    if (s->foot) {
        y += 8;
        struct canvas_rect r = {MARGIN, y, width, pen_height(PEN_TICK)};
        add_text(g, r, PEN_TICK, PEN_LEFT, QUIET, s->foot);
        y += r.h;
    }
    g->l->w = width + 2 * MARGIN;
    g->l->h = y + MARGIN - 10;
}

int sheet_arrange(const struct sheet *s, struct pen *p, struct sheet_layout *l, struct err *e)
{
    *l = (struct sheet_layout){0};
    if (!plausible(s))
        return too_large(e);
    struct page g = {p, l};
    if (s->bare)
        arrange_bare(&g, s);
    else
        arrange_page(&g, s);
    if (l->w <= CANVAS_MAX && l->h <= CANVAS_MAX)
        return 0;
    free(l->box);
    return too_large(e);
}
