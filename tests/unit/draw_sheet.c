/* Sheets: nothing overlaps, pictures hold the right pixels, names of files. */
#include "base/mem.h"
#include "draw/sheet.h"

#include "check.h"

#include <png.h>
#include <stdlib.h>
#include <unistd.h>

enum { H = 5, W = 4, CELLS = H * W };

static uint32_t state = 7;

static int below(int n)
{
    state = state * 1664525U + 1013904223U;
    return (int)((state >> 8) % (uint32_t)n);
}

/* Text from nothing to far too long, with what is no UTF-8 in it. */
static char *any_text(void)
{
    static const char *const piece[] = {"leopard",  "W",    "\xc3\xa4\xe2\x86\x92",
                                        "\xff\xc3", "\n\t", " and "};
    char *s = mem_dup("");
    for (int n = below(4) ? below(6) : below(200); n > 0; n--) {
        char *longer = mem_printf("%s%s", s, piece[below(6)]);
        free(s);
        s = longer;
    }
    return s;
}

static void any_row(struct sheet_row *r)
{
    r->label = any_text();
    r->detail = any_text();
    r->aside = below(3) ? any_text() : NULL;
    r->image = mem_alloc(CELLS, 3);
    r->maps = mem_alloc(CELLS, sizeof *r->maps);
    for (int i = 0; i < CELLS; i++) {
        r->maps[i] = (float)below(100) / 99;
        for (int c = 0; c < 3; c++)
            r->image[3 * i + c] = (uint8_t)below(256);
    }
    r->tiles = 1 + below(5);
    r->tile = mem_alloc((size_t)r->tiles, sizeof *r->tile);
    for (int i = 0; i < r->tiles; i++)
        r->tile[i] = (struct sheet_tile){.kind = (enum sheet_kind)below(4),
                                         .map = r->maps,
                                         .empty = below(4) ? NULL : "blank map",
                                         .what = any_text(),
                                         .name = any_text()};
}

/* Forgets the tiles, for a test that puts its own there. */
static void drop_tiles(struct sheet_row *r)
{
    for (int i = 0; i < r->tiles; i++) {
        free(r->tile[i].what);
        free(r->tile[i].name);
    }
    free(r->tile);
    r->tile = NULL;
    r->tiles = 0;
}

/* What is left of a row whose tiles the test owns. */
static void row_free(struct sheet_row *r)
{
    free(r->label);
    free(r->detail);
    free(r->aside);
    free(r->image);
    free(r->maps);
}

static struct sheet any_sheet(void)
{
    struct sheet s = {.title = any_text(),
                      .subtitle = below(2) ? any_text() : NULL,
                      .notice = below(2) ? any_text() : NULL,
                      .foot = below(2) ? any_text() : NULL,
                      .h = H,
                      .w = W,
                      .map_h = H,
                      .map_w = W,
                      .zoom = 1 + below(60),
                      .grid = below(2),
                      .alpha = 0.5F,
                      .limit = 1,
                      .panels = below(SHEET_PANELS + 1),
                      .bars = below(3)};
    for (int i = 0; i < s.panels; i++) {
        struct sheet_panel *p = &s.panel[i];
        p->heading = below(2) ? any_text() : NULL;
        p->note = any_text();
        p->end = any_text();
        p->rows = below(5);
        p->across = 1 + below(4);
        p->row = mem_zero((size_t)p->rows + 1, sizeof *p->row);
        p->tiles = 1;
        for (int k = 0; k < p->rows; k++) {
            any_row(&p->row[k]);
            p->tiles = p->row[k].tiles > p->tiles ? p->row[k].tiles : p->tiles;
        }
    }
    for (int i = 0; i < s.bars; i++)
        s.bar[i] = (struct sheet_bar){below(2), any_text(), any_text(), any_text(), any_text()};
    return s;
}

static struct pen *new_pen(void)
{
    struct pen *p = NULL;
    struct err e = {0};
    CHECK(pen_new(&p, &e) == 0);
    return p;
}

/* Pictures and scales have a frame of one pixel. */
static struct canvas_rect reach(const struct sheet_box *b)
{
    int by = b->kind == SHEET_PICTURE || b->kind == SHEET_SCALE;
    return (struct canvas_rect){b->rect.x - by, b->rect.y - by, b->rect.w + 2 * by,
                                b->rect.h + 2 * by};
}

static bool apart(struct canvas_rect a, struct canvas_rect b)
{
    return a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y;
}

static void check_disjoint(struct pen *pen)
{
    for (int round = 0; round < 300; round++) {
        struct sheet s = any_sheet();
        struct sheet_layout l;
        struct err e = {0};
        CHECK(sheet_arrange(&s, pen, &l, &e) == 0);
        for (int i = 0; i < l.boxes; i++) {
            struct canvas_rect a = reach(&l.box[i]);
            CHECK(a.x >= 0 && a.y >= 0 && a.w > 0 && a.h > 0);
            CHECK(a.x + a.w <= l.w && a.y + a.h <= l.h);
            for (int k = 0; k < i; k++)
                CHECK(apart(a, reach(&l.box[k])));
        }
        free(l.box);
        sheet_clear(&s);
    }
}

/* The PNG as R, G, B bytes, or NULL. */
static uint8_t *decode(const char *path, int *w, int *h)
{
    png_image image = {.version = PNG_IMAGE_VERSION};
    if (!png_image_begin_read_from_file(&image, path))
        return NULL;
    image.format = PNG_FORMAT_RGB;
    uint8_t *px = malloc(PNG_IMAGE_SIZE(image));
    *w = (int)image.width;
    *h = (int)image.height;
    if (png_image_finish_read(&image, NULL, px, 0, NULL))
        return px;
    free(px);
    return NULL;
}

static const char *temporary(const char *name)
{
    static char path[512];
    const char *dir = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/%s", dir ? dir : "/tmp", name);
    return path;
}

static uint8_t *drawn(const struct sheet *s, struct pen *pen, int *w, int *h)
{
    struct err e = {0};
    struct out *o;
    const char *path = temporary("sheet.png");
    CHECK(out_open(&o, path, &e) == 0);
    CHECK(sheet_draw(s, pen, o, &e) == 0);
    CHECK(out_close(o, &e) == 0);
    uint8_t *px = decode(path, w, h);
    CHECK(px != NULL);
    unlink(path);
    return px;
}

static const uint8_t *pixel(const uint8_t *px, int w, int x, int y)
{
    return px + 3 * ((size_t)y * (size_t)w + (size_t)x);
}

/* A sheet of one row: original, heat map, overlay, margin. */
static void check_pictures(struct pen *pen)
{
    enum { ZOOM = 40 };
    struct sheet_row row = {0};
    any_row(&row);
    drop_tiles(&row);
    struct sheet_tile tile[4];
    row.tiles = 4;
    row.tile = tile;
    for (int i = 0; i < 4; i++)
        tile[i] = (struct sheet_tile){.kind = (enum sheet_kind)i, .map = row.maps};
    for (int i = 0; i < CELLS; i++)
        row.maps[i] = i % 2 ? 1 : 0;
    struct sheet s = {.title = mem_dup("t"),
                      .h = H,
                      .w = W,
                      .map_h = H,
                      .map_w = W,
                      .zoom = ZOOM,
                      .grid = true,
                      .cmap = COLOR_JET,
                      .alpha = 0.5F,
                      .limit = 2,
                      .panels = 1,
                      .panel = {{.tiles = 4, .across = 1, .rows = 1, .row = &row}}};
    struct sheet_layout l;
    struct err e = {0};
    CHECK(sheet_arrange(&s, pen, &l, &e) == 0);
    int w = 0, h = 0;
    uint8_t *px = drawn(&s, pen, &w, &h);
    CHECK(w == l.w && h == l.h);
    uint8_t want[4][3 * CELLS];
    memcpy(want[0], row.image, sizeof want[0]);
    color_heat(COLOR_JET, row.maps, CELLS, want[1]);
    color_blend(row.image, want[1], CELLS, 0.5F, want[2]);
    color_signed(row.maps, CELLS, 2, want[3]);
    for (int i = 0; px && i < l.boxes; i++) {
        if (l.box[i].kind != SHEET_PICTURE)
            continue;
        struct canvas_rect r = l.box[i].rect;
        int kind = (int)l.box[i].tile->kind;
        for (int k = 0; k < CELLS; k++) {
            int x = r.x + k % W * ZOOM, y = r.y + k / W * ZOOM;
            for (int at = 1; at < ZOOM; at += ZOOM - 2) /* beside the lines of the grid */
                CHECK(memcmp(pixel(px, w, x + at, y + at), want[kind] + (ptrdiff_t)3 * k, 3) == 0);
        }
        /* The grid is drawn on maps and not on the original. */
        CHECK((memcmp(pixel(px, w, r.x + ZOOM, r.y + 3), want[kind] + 3, 3) == 0) ==
              (kind == SHEET_IMAGE));
    }
    free(px);
    free(l.box);
    s.panels = 0;
    sheet_clear(&s);
    row_free(&row);
}

/* Random sheets, twice, with pens of their own: the same pixels. */
static void check_repeatable(struct pen *pen)
{
    for (int round = 0; round < 5; round++) {
        struct sheet s = any_sheet();
        struct pen *other = new_pen();
        int w = 0, h = 0, w2 = 0, h2 = 0;
        uint8_t *a = drawn(&s, pen, &w, &h), *b = drawn(&s, other, &w2, &h2);
        CHECK(w == w2 && h == h2);
        CHECK(a && b && memcmp(a, b, 3 * (size_t)w * (size_t)h) == 0);
        free(a);
        free(b);
        pen_free(other);
        sheet_clear(&s);
    }
}

/* A blank map says so where it has room, and never looks like a map: over a grey image
 * nothing is coloured. */
static void check_blank(struct pen *pen)
{
    struct sheet_row row = {0};
    any_row(&row);
    drop_tiles(&row);
    memset(row.image, 200, 3 * (size_t)H * W);
    int inks[2];
    for (int zoom = 1; zoom <= 30; zoom += 29) {
        struct sheet_tile tile = {.kind = SHEET_OVERLAY, .map = row.maps, .empty = "blank map"};
        row.tiles = 1;
        row.tile = &tile;
        struct sheet s = {.h = H,
                          .w = W,
                          .map_h = H,
                          .map_w = W,
                          .zoom = zoom,
                          .alpha = 0.5F,
                          .limit = 1,
                          .panels = 1,
                          .panel = {{.tiles = 1, .across = 1, .rows = 1, .row = &row}}};
        s.title = mem_dup("");
        int w = 0, h = 0, colored = 0, ink = 0;
        struct sheet_layout l;
        struct err e = {0};
        CHECK(sheet_arrange(&s, pen, &l, &e) == 0);
        uint8_t *px = drawn(&s, pen, &w, &h);
        for (int i = 0; px && i < l.boxes; i++) {
            struct canvas_rect r = l.box[i].rect;
            for (int k = 0; l.box[i].kind == SHEET_PICTURE && k < r.w * r.h; k++) {
                const uint8_t *p = pixel(px, w, r.x + k % r.w, r.y + k / r.w);
                colored += abs(p[0] - p[2]) > 30;
                ink += p[0] < 150;
            }
        }
        CHECK(colored == 0);
        inks[zoom > 1] = ink;
        free(px);
        free(l.box);
        s.panels = 0;
        sheet_clear(&s);
    }
    CHECK(inks[1] > 100);
    row_free(&row);
}

/* Lettering stays in its rectangle, whatever it says. */
static void check_pen(struct pen *pen)
{
    struct err e = {0};
    for (int round = 0; round < 200; round++) {
        struct canvas *c = canvas_new(120, 60);
        struct canvas_rect r = {10 + below(20), 10 + below(10), 1 + below(70), 1 + below(25)};
        char *text = any_text();
        pen_draw(pen, c, r, (enum pen_style)below(PEN_STYLES), (enum pen_align)below(3), 0, text);
        struct out *o;
        const char *path = temporary("pen.png");
        CHECK(out_open(&o, path, &e) == 0 && canvas_png(c, NULL, NULL, o, &e) == 0 &&
              out_close(o, &e) == 0);
        int w = 0, h = 0, outside = 0;
        uint8_t *px = decode(path, &w, &h);
        CHECK(px && w == 120 && h == 60);
        for (int i = 0; px && i < w * h; i++) {
            int x = i % w, y = i / w;
            bool in = x >= r.x && x < r.x + r.w && y >= r.y && y < r.y + r.h;
            outside += !in && px[3 * i] != 255;
        }
        CHECK(outside == 0);
        unlink(path);
        free(px);
        free(text);
        canvas_free(c);
    }
}

/* A bare sheet is the pictures of its row, pixel for pixel. */
static void check_bare(struct pen *pen)
{
    enum { ZOOM = 3, GAP = 4 };
    struct sheet_row row = {0};
    any_row(&row);
    drop_tiles(&row);
    struct sheet_tile tile[2] = {{.kind = SHEET_IMAGE}, {.kind = SHEET_IMAGE}};
    row.tile = tile;
    for (row.tiles = 1; row.tiles <= 2; row.tiles++) {
        struct sheet s = {.title = mem_dup("t"),
                          .bare = true,
                          .h = H,
                          .w = W,
                          .map_h = H,
                          .map_w = W,
                          .zoom = ZOOM,
                          .panels = 1,
                          .panel = {{.tiles = 2, .across = 1, .rows = 1, .row = &row}}};
        int w = 0, h = 0, same = 0;
        uint8_t *px = drawn(&s, pen, &w, &h);
        CHECK(h == H * ZOOM && w == row.tiles * (W * ZOOM + GAP) - GAP);
        for (int i = 0; px && i < w * h; i++) {
            int x = i % w % (W * ZOOM + GAP), y = i / w;
            const uint8_t *want = row.image + (ptrdiff_t)3 * (y / ZOOM * W + x / ZOOM);
            same += x >= W * ZOOM ? px[3 * i] == 255 : memcmp(px + (ptrdiff_t)3 * i, want, 3) == 0;
        }
        CHECK(same == w * h);
        free(px);
        s.panels = 0;
        sheet_clear(&s);
    }
    row_free(&row);
}

/* A name keeps its place among other words, and is cut in its middle. */
static void check_names(struct pen *pen)
{
    char *name = pen_name("cat\n");
    CHECK_STR(name, "cat ");
    free(name);
    name = pen_name("\xd7\x97\xd7\xaa\xe2\x81\xa9\xd7\x9c"); /* Hebrew, with an isolate's end */
    CHECK_STR(name, "\xe2\x81\xa8\xd7\x97\xd7\xaa \xd7\x9c\xe2\x81\xa9");
    char *shown = pen_text(name);
    CHECK_STR(shown, name);
    free(shown);
    free(name);
    shown = pen_text("a\xe2\x80\xa8\xff\tb\xe2\x81\xa8");
    CHECK_STR(shown, "a \xef\xbf\xbd b\xe2\x81\xa8");
    free(shown);
    /* The words of a text in order, whatever the direction of a name: the figure stays at
     * the right. */
    int width[2];
    for (int i = 0; i < 2; i++) {
        name = pen_name(i ? "\xd7\x97\xd7\xaa\xd7\x95\xd7\x9c" : "cat");
        char *text = mem_printf("%s, 97.1%%", name);
        struct canvas *c = canvas_new(200, 20);
        pen_draw(pen, c, (struct canvas_rect){0, 0, 200, 20}, PEN_DETAIL, PEN_LEFT, 0, text);
        width[i] = pen_width(pen, PEN_DETAIL, text) - pen_width(pen, PEN_DETAIL, name);
        canvas_free(c);
        free(text);
        free(name);
    }
    CHECK(abs(width[0] - width[1]) <= 2);
}

/* What lies outside the page is left out. */
static void check_clipping(void)
{
    struct err e = {0};
    struct canvas *c = canvas_new(3, 2);
    canvas_fill(c, (struct canvas_rect){-5, -5, 6, 6}, 0x102030);
    canvas_fill(c, (struct canvas_rect){2, 1, 9, 9}, 0x405060);
    canvas_fill(c, (struct canvas_rect){1, 5, 9, 9}, 0);
    canvas_tint(c, (struct canvas_rect){1, -1, 1, 2}, 0x000000, 0.5F);
    static const uint8_t want[] = {0x10, 0x20, 0x30, 128, 128, 128, 255,  255,  255,
                                   255,  255,  255,  255, 255, 255, 0x40, 0x50, 0x60};
    struct out *o;
    const char *path = temporary("clip.png");
    CHECK(out_open(&o, path, &e) == 0 && canvas_png(c, NULL, NULL, o, &e) == 0 &&
          out_close(o, &e) == 0);
    int w = 0, h = 0;
    uint8_t *px = decode(path, &w, &h);
    CHECK(px && w == 3 && h == 2 && memcmp(px, want, sizeof want) == 0);
    unlink(path);
    free(px);
    canvas_free(c);
}

static void check_size(struct pen *pen)
{
    struct sheet_layout l;
    struct err e = {0};
    struct sheet_tile tile = {0};
    struct sheet_row row = {.label = "", .tiles = 1, .tile = &tile};
    struct sheet s = {.h = 32, .w = 32, .zoom = 1000, .panels = 1};
    s.panel[0] = (struct sheet_panel){.tiles = 3, .across = 1, .rows = 1, .row = &row};
    s.title = mem_dup("");
    CHECK(sheet_arrange(&s, pen, &l, &e) == -1);
    CHECK_STR(e.msg, "expected a page of at most 32000 pixels a side, found pictures for a larger "
                     "one: choose a smaller zoom, or fewer rows or columns");
    s.zoom = 999; /* a tile would fit, the page does not */
    CHECK(sheet_arrange(&s, pen, &l, &e) == -1);
    s.zoom = 2147483647;
    s.h = s.w = 2147483647;
    CHECK(sheet_arrange(&s, pen, &l, &e) == -1);
    free(s.title);
    /* As many lines as fit: 256 pixels and the words of each. */
    s.h = s.w = 32;
    s.zoom = 8;
    CHECK(sheet_lines(&s, 25) == 25 && sheet_lines(&s, 1000) < 125 && sheet_lines(&s, 1000) > 80);
    s.zoom = 900;
    CHECK(sheet_lines(&s, 25) == 1);
}

static void check_file(char *file, const char *want)
{
    CHECK_STR(file, want);
    free(file);
}

static void check_files(void)
{
    check_file(sheet_class_file(42, "leopard"), "class_042_leopard.png");
    check_file(sheet_class_file(7, "Aquarium Fish"), "class_007_aquarium_fish.png");
    check_file(sheet_class_file(1234, "../../etc/passwd"), "class_1234_______etc_passwd.png");
    check_file(sheet_class_file(0, ""), "class_000_.png");
    check_file(sheet_class_file(0, "\xc3\xa4-\n"), "class_000___-_.png");
    check_file(sheet_pair_file(3, "oak_tree", "a/b"), "confused_pair_3_oak_tree_to_a_b.png");
    check_file(sheet_page_file("dir/a.png", 1), "dir/a.png");
    check_file(sheet_page_file("dir/a.png", 12), "dir/a_p12.png");
    char name[400];
    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = '\0';
    char *file = sheet_pair_file(1, name, name);
    CHECK(strlen(file) < 255);
    free(file);
}

int main(void)
{
    struct pen *pen = new_pen();
    check_disjoint(pen);
    check_pictures(pen);
    check_repeatable(pen);
    check_blank(pen);
    check_pen(pen);
    check_bare(pen);
    check_names(pen);
    check_clipping();
    check_size(pen);
    check_files();
    pen_free(pen);
    return CHECK_DONE();
}
