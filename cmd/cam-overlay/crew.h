/* Threads that draw sheets and write them. */
#ifndef OVERLAY_CREW_H
#define OVERLAY_CREW_H

#include "base/err.h"
#include "draw/sheet.h"

#include <stdbool.h>

struct crew;

int crew_new(struct crew **c, int threads, struct err *e);

/* Hands over a sheet and the path of its file ("-": standard output); both are the
 * crew's from then on. Waits while too many sheets are under way. False where an
 * earlier sheet failed: crew_finish says why. */
bool crew_draw(struct crew *c, struct sheet *s, char *path);

/* Waits for all sheets and frees the crew. The error is that of the first sheet, in
 * the order they were handed over, that failed. */
int crew_finish(struct crew *c, struct err *e);

#endif
