/* Titles and captions: from the rows of a page to a sheet. */
#ifndef OVERLAY_WORDS_H
#define OVERLAY_WORDS_H

#include "input.h"

#include "draw/sheet.h"
#include "stats/tables.h"
#include "stream/run.h"

enum show { SHOW_OVERLAY, SHOW_HEATMAP, SHOW_ORIGINAL, SHOW_BESIDE };

#define SHOW_WORDS "overlay|heatmap|original|side-by-side"

/* How sheets and pictures are drawn. */
struct look {
    enum color_map cmap;
    float alpha;
    int zoom; /* 0: what suits the size of the images */
    bool grid;
    const char *title; /* in place of a sheet's own, or NULL */
    int columns;       /* rows side by side in a panel */
    int lines;         /* of rows on a page; 0: as many as are easily looked at */
    enum show show;    /* of pictures */
    struct run run;    /* where the maps come from; may be empty */
};

/* Tables of confmat and slices that add numbers to the titles; all zero where none was given. */
struct counts {
    struct classes classes;
    struct pairs pairs;
    struct slice_list slices;
};

/* A group, and those of its rows that stand on one page, in their order. */
struct group {
    int64_t number; /* -1: none */
    enum row_family family;
    int truth, pred; /* of its first row */
    bool mixed;      /* it is not called by a class that all its rows have */
    char *file;      /* of its first page; NULL before there is a row */
    int page;        /* from 1 */
    bool more;       /* pages follow */
    int64_t before;  /* rows on the pages before this one */
    int n;
    struct example *example; /* [n] */
};

/* Rows that a panel of a page holds. */
int page_rows(const struct input *s, const struct look *look);

/* Which of the page's two panels rows of this kind stand in. */
int kind_panel(enum chosen_kind kind);

/* The file of the first page of a group whose first row is `x`. Caller frees. */
char *group_file(const struct group *g, const struct example *x);

/* Makes the sheet of a page; images and maps are taken out of the group. Caller clears
 * the sheet. */
void group_sheet(struct group *g, const struct input *s, const struct look *look,
                 const struct counts *c, struct sheet *sheet);

/* The same for the picture of one row. */
void picture_sheet(struct example *x, const struct input *s, const struct look *look,
                   struct sheet *sheet);

#endif
