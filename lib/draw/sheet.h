/* A sheet: a page of captioned pictures in rows, under a title. Layout and
 * lettering are the sheet's; the words are the caller's. */
#ifndef HP_SHEET_H
#define HP_SHEET_H

#include "base/err.h"
#include "base/io.h"
#include "draw/canvas.h"
#include "draw/color.h"
#include "draw/sheet_file.h"

#include <stdbool.h>

enum { SHEET_PANELS = 2 };

enum sheet_kind {
    SHEET_IMAGE,
    SHEET_HEAT,    /* the map alone */
    SHEET_OVERLAY, /* the map over the image */
    SHEET_SIGNED   /* a signed map, white at 0 */
};

/* One picture with two lines below it or, of sheets with facts, three. */
struct sheet_tile {
    enum sheet_kind kind;
    const float *map;  /* (map_h, map_w), among the row's; not of SHEET_IMAGE */
    const char *empty; /* words in place of a map that shows nothing, or NULL; an overlay keeps
                          its image below them */
    bool flagged;      /* a mark in a corner */
    char *what, *name;
    char *fact; /* the third line, or NULL */
    bool doubt; /* it is in the colour of warnings */
};

struct sheet_row {
    char *label;    /* above it, bold */
    char *detail;   /* behind the label, plain */
    char *aside;    /* above it, at the right */
    uint32_t color; /* of the label */
    uint8_t *image; /* (h, w, 3) */
    float *maps;    /* heat in [0, 1]; signed in the unit of the limit */
    int tiles;
    struct sheet_tile *tile;
};

/* Rows under a heading, `across` of them side by side; panels stand side by side. */
struct sheet_panel {
    char *heading, *note;
    char *end;      /* below the last row where another panel has more, or NULL */
    uint32_t color; /* of the heading */
    int tiles;      /* the most that a row has */
    int across;
    int rows;
    struct sheet_row *row;
};

struct sheet_bar {
    bool sign; /* the diverging scale */
    char *title, *low, *mid, *high;
};

struct sheet {
    char *title, *subtitle;
    char *notice;     /* what must be known before the maps are looked at, or NULL */
    char *note;       /* below the scales: what to know of them, or NULL */
    char *legend;     /* what the mark of flagged tiles means, or NULL */
    char *foot;       /* where it all comes from, or NULL */
    char *facts;      /* what the third line of tiles means, or NULL where they have two */
    bool bare;        /* the pictures of the only row, side by side, without words */
    int h, w;         /* of the images */
    int map_h, map_w; /* of the maps: their own grid, or (h, w) */
    int zoom;         /* pixels of the page for a pixel of an image */
    bool grid;        /* maps as their own cells, with lines between them */
    enum color_map cmap;
    float alpha;
    float limit; /* end of the diverging scale; > 0 */
    int panels;
    struct sheet_panel panel[SHEET_PANELS];
    int bars;
    struct sheet_bar bar[2];
};

/* Where one thing goes. */
struct sheet_box {
    struct canvas_rect rect;
    enum { SHEET_TEXT, SHEET_PICTURE, SHEET_SCALE, SHEET_RULE, SHEET_MARK } kind;
    /* Text. */
    enum pen_style style;
    enum pen_align align;
    uint32_t color;
    const char *text;
    /* Picture or scale. */
    const struct sheet_row *row;
    const struct sheet_tile *tile;
    const struct sheet_bar *bar;
};

struct sheet_layout {
    int w, h;
    int boxes;
    struct sheet_box *box;
};

/* Boxes lie on the page and are disjoint. An error where the page would be larger
 * than CANVAS_MAX. Caller frees l->box. */
int sheet_arrange(const struct sheet *s, struct pen *p, struct sheet_layout *l, struct err *e)
    ERR_CHECKED;

/* The sheet as PNG. */
int sheet_draw(const struct sheet *s, struct pen *p, struct out *o, struct err *e) ERR_CHECKED;

/* Lines of rows that fit on a page of a sheet like this one, at most `most`. */
int sheet_lines(const struct sheet *s, int most);

/* Frees all that the sheet points to. */
void sheet_clear(struct sheet *s);

#endif
