/* Where maps come from, for --run. */
#ifndef CAM_ABOUT_H
#define CAM_ABOUT_H

#include "job.h"

#include "net/net.h"
#include "stream/run.h"

/* Of maps at a value of a network. */
void about_network(struct run *r, const struct job *j, const struct net *n, int layer);

/* Of maps at the last stage, from tensors on a grid of that size; the checkpoint, where one
 * is given, tells the layers before it. */
int about_stored(struct run *r, const struct job *j, struct extent grid, struct err *e);

#endif
