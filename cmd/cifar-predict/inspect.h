/* What is found out about the checkpoint: whether it fits the images, before its network runs
 * or, of a stream, meanwhile; and its checksum, meanwhile. */
#ifndef INSPECT_H
#define INSPECT_H

#include "ckpt/ckpt.h"
#include "data/data.h"
#include "fit/check.h"

struct inspection_opts {
    struct ckpt *ckpt; /* nobody else's while this goes on */
    const struct data *data;
    int64_t limit;             /* images of the run at most */
    const struct fit_use *use; /* copied, what it points to is not */
    bool checksum;
    bool damaged; /* images may be: others stand for them */
};

struct inspection;

/* Begins. Returns once images that can be read at any
 * place have been compared: while that lasts it takes as much memory as a run. All else is done
 * in a thread of its own. */
struct inspection *inspection_start(const struct inspection_opts *o);

/* Gives it the next image of a stream; NULL at the end of the stream. For other images there
 * is no need to. `i` may be NULL, here and below, before anything has begun. */
void inspection_image(struct inspection *i, const uint8_t *pixels);

/* What the user has to be told: a sentence, once it is known, and only once; else NULL. */
const char *inspection_warning(struct inspection *i);

/* Waits for the end. An error where the images could not be looked at. */
int inspection_wait(struct inspection *i, struct err *e);

/* Once waited for: NULL where images could not be looked at. */
const struct fit_verdict *inspection_verdict(const struct inspection *i);
const char *inspection_checksum(const struct inspection *i);
void inspection_free(struct inspection *i);

#endif
