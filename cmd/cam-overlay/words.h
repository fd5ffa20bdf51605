/* Titles and captions: from the rows of a group to a sheet. */
#ifndef OVERLAY_WORDS_H
#define OVERLAY_WORDS_H

#include "source.h"

#include "draw/sheet.h"

/* Tables of confmat that add figures to the titles; NULL where not given. */
struct facts;

int facts_load(struct facts **f, const char *classes, const char *pairs, struct err *e);
void facts_free(struct facts *f);

/* How sheets are drawn. */
struct look {
    enum color_map cmap;
    float alpha;
    int zoom; /* 0: what suits the size of the images */
    bool grid;
};

/* Rows of one group, in their order. */
struct group {
    int64_t number;
    int n, room;
    struct example *example;
};

/* Makes the sheet of a group and the name of its file; images, maps and names are
 * taken out of the group. Caller frees `file` and clears the sheet. */
void group_sheet(struct group *g, const struct source *s, const struct look *look,
                 const struct facts *f, struct sheet *sheet, char **file);

#endif
