/* Threads that draw sheets and write them. */
#ifndef OVERLAY_WRITERS_H
#define OVERLAY_WRITERS_H

#include "base/err.h"
#include "draw/sheet.h"

#include <stdbool.h>

struct writers;

int writers_new(struct writers **c, int threads, struct err *e);

/* Hands over a sheet and the path of its file ("-": standard output); both are
 * theirs from then on. Waits while too many sheets are under way. False where an
 * earlier sheet failed: writers_finish says why. */
bool writers_draw(struct writers *c, struct sheet *s, char *path);

/* Waits for all sheets and frees the writers. The error is that of the first sheet, in
 * the order they were handed over, that failed. */
int writers_finish(struct writers *c, struct err *e);

#endif
