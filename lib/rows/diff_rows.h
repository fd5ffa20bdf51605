/* The tables and maps of two runs on the same images, joined by id. */
#ifndef HP_DIFF_ROWS_H
#define HP_DIFF_ROWS_H

#include "base/err.h"
#include "rows/naming.h"
#include "stats/diff.h"

#include <stdbool.h>

/* One run: files, which may be NULL but for the first. The strings are its own. */
struct diff_files {
    char *predictions; /* rows of cifar-predict */
    char *classes;     /* its table of classes */
    char *maps;        /* (n, planes, h, w): one plane for each class, or as `planes` says */
    char *planes;      /* the --target that the maps were made with, or NULL */
    char *ids;         /* (n): the id of each item of the maps; NULL: item i has id i */
};

/* What a path names: a table of predictions or, where it is a folder, the files that an analysis
 * left there. */
void diff_files_find(struct diff_files *f, const char *path);

/* Other maps than those, or none; each may be NULL. */
void diff_files_set_maps(struct diff_files *f, const char *maps, const char *ids,
                         const char *planes);
void diff_files_free(struct diff_files *f);

/* Reads both tables and joins them. Their rows tell `naming` the names of the classes. An image
 * may be once in a table; a row that says the same again is passed over, and `say` tells of it.
 * Where a label is known in one table alone, it is taken; two that differ are an error. Images that
 * one table lacks are an error, or with `common` are ignored and counted. */
int diff_read(struct diff *d, const struct diff_files run[2], struct naming *naming, bool common,
              void (*say)(const char *fmt, ...), struct err *e) ERR_CHECKED;

/* Reads the maps of both runs, and sets the rank correlation of the two maps of each image, each
 * of the class that its run predicts. 0 where their grids differ, which `e` then says; else 1. */
int diff_read_maps(struct diff *d, const struct diff_files run[2], struct err *e) ERR_CHECKED;

#endif
