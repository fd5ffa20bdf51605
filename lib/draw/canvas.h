/* A page of pixels: rectangles, pictures, lettering, and the PNG made of it. */
#ifndef HP_CANVAS_H
#define HP_CANVAS_H

#include "base/err.h"
#include "base/io.h"

#include <stdbool.h>
#include <stdint.h>

/* Longest side of a page. */
enum { CANVAS_MAX = 32000 };

struct canvas_rect {
    int x, y, w, h;
};

struct canvas;

/* White. Colours are 0xRRGGBB. w and h in [1, CANVAS_MAX]. */
struct canvas *canvas_new(int w, int h);
void canvas_free(struct canvas *c);

/* What lies outside the page is left out. */
void canvas_fill(struct canvas *c, struct canvas_rect r, uint32_t color);

/* Mixes with what is there: share in [0, 1] of the colour. */
void canvas_tint(struct canvas *c, struct canvas_rect r, uint32_t color, float share);

/* w * h pixels of R, G, B; the rectangle must lie on the page. */
void canvas_put(struct canvas *c, struct canvas_rect r, const uint8_t *rgb);

/* Coverage by ink, 0 to 255. */
struct canvas_mask {
    int w, h, stride;
    uint8_t *px;
};

/* Lays ink through a mask whose corner is at (x, y), within the rectangle. */
void canvas_ink(struct canvas *c, struct canvas_rect r, int x, int y, const struct canvas_mask *m,
                uint32_t color);

/* One line of text in one of the styles. */
enum pen_style {
    PEN_TITLE,
    PEN_LONG_TITLE, /* of the same height, for more letters */
    PEN_SUBTITLE,
    PEN_SECTION,
    PEN_NOTE,
    PEN_LABEL,
    PEN_DETAIL,
    PEN_WHAT,
    PEN_NAME,
    PEN_TICK,
    PEN_STYLES
};

enum pen_align { PEN_LEFT, PEN_CENTER, PEN_RIGHT };

/* Fonts, and texts already set; one for each thread. The same text gives the same
 * pixels whatever the desktop's settings for fonts. */
struct pen;

/* Whether there is lettering at all: static programs have none, and draw pictures without
 * words. */
bool pen_letters(void);

/* Before the first of so many pens is made: ends the program with a message where there is
 * too little memory for fonts. Pango, Fontconfig and GLib would end it by a signal. */
void pen_prepare(int pens);

/* An error where no font has Latin letters: texts would be boxes. By one thread at a time. */
int pen_new(struct pen **p, struct err *e) ERR_CHECKED;
void pen_free(struct pen *p);

/* Width in pixels of a text, and the height of a line of a style. */
int pen_width(struct pen *p, enum pen_style style, const char *text);
int pen_height(enum pen_style style);

/* Draws within the rectangle, centred in its height; of a text that is too long an
 * ellipsis takes the end or, in the styles that hold names, the middle: names often
 * differ at their ends. Bytes that are no UTF-8 show as a replacement character,
 * control characters as blanks. */
void pen_draw(struct pen *p, struct canvas *c, struct canvas_rect r, enum pen_style style,
              enum pen_align align, uint32_t color, const char *text);

/* A text as pen_draw shows it, whole. Caller frees. */
char *pen_text(const char *text);

/* A name to stand among other words: cleaned as by pen_text, and isolated where it may
 * be written from right to left, so that it does not change the order of what is around
 * it. Caller frees. */
char *pen_name(const char *name);

/* The page as PNG, 8 bits of R, G, B, with a title and a description in UTF-8 for
 * those who cannot see it; each may be NULL. */
int canvas_png(const struct canvas *c, const char *title, const char *description, struct out *o,
               struct err *e) ERR_CHECKED;

#endif
