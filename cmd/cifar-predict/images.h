/* The images of a run: which can be read, and what has to be said of them. */
#ifndef IMAGES_H
#define IMAGES_H

#include "base/io.h"
#include "data/counts.h"
#include "session/session.h"
#include "stream/run.h"
#include "stream/tsv.h"

struct images {
    struct data *data; /* the caller's */
    struct out *list;  /* of --skip-damaged, or NULL */
    struct tsv_out *rows;
    struct counts counts;
};

/* What changes results: a line on standard error, and a warning for images_put. */
void images_warn(const char *text);

/* From now on damaged files are listed in a table in `path`. */
int images_skip(struct images *im, const char *path, struct err *e);

/* The next image that can be read, as data_next: 1, 0 at the end, -1. */
int images_next(struct images *im, uint8_t *pixels, struct data_item *item, struct err *e);

/* At the end of the images: completes the list, and warns of what was counted; for a shard, rows
 * that are added to those of others stand for these warnings in images_put. */
int images_end(struct images *im, struct err *e);

/* The warnings so far as rows. */
void images_put(struct run *r);
void images_close(struct images *im);

/* The table of the files that a run would read; the options may lack the model or the images.
 * Without those of images that cannot be opened where damaged ones are skipped. */
int images_list(const struct session_opts *s, const struct data_opts *o, bool skip, struct err *e);

#endif
