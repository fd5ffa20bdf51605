/* Where maps come from: what --run writes of them, see heatpipe-tsv(5). */
#ifndef HP_ABOUT_H
#define HP_ABOUT_H

#include "cam/cam.h"
#include "cam/method.h"
#include "net/net.h"
#include "stream/run.h"

/* Of maps at a value of a network; `name`: what the layer was called, or NULL. */
void about_layer(struct run *r, const struct net *n, int value, const char *name,
                 const struct method *method, enum cam_score score);

/* Of stored maps of the last stage, h by w; the network, which may be NULL, tells which layers
 * come before. */
void about_stored(struct run *r, const struct net *n, int h, int w, const struct method *method,
                  enum cam_score score);

#endif
