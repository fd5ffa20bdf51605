/* The explorer: a page, and beside it or in it the pieces of data that it loads. */
#ifndef HP_REPORT_EXPLORER_H
#define HP_REPORT_EXPLORER_H

#include "report.h"

#include "base/prog.h"
#include "image/geometry.h"

#include <stdbool.h>

/* What the page is made from; NULL and 0 where it was not given. */
struct explorer_opts {
    const char *out;         /* the page */
    const char *base;        /* the folder in which its commands run */
    const char *predictions; /* never NULL */
    const char *summary;
    const char *selected, *pair_rows, *errors; /* rows whose images come first */
    struct opt_list join;                      /* tables by id */
    const char *names;                         /* of the classes */
    const char *data;
    struct geometry size;
    const char *class_maps, *cams, *planes, *ids;
    bool single; /* one file, of the images that come first */
    int cmap;    /* enum color_map */
    int threads;
};

/* `k` has no classes where no image has a label. */
void explorer_write(const struct known *k, const struct explorer_opts *o);

/* Writes the address of a view for a selection in words; see report(1). */
void explorer_open(const char *query, const char *page);

#endif
