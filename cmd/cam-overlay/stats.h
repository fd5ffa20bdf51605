/* The statistics of maps that lie in the order of the rows. */
#ifndef OVERLAY_STATS_H
#define OVERLAY_STATS_H

#include "input.h"

struct stats;

int stats_open(struct stats **s, const char *path, struct err *e);
void stats_close(struct stats *s);

/* Those of the next map, which has to be of this image and, where it is known, of this target. */
int stats_next(struct stats *s, int64_t id, const char *target, struct plane *p, struct err *e);

/* That no row is left. */
int stats_end(struct stats *s, struct err *e);

#endif
