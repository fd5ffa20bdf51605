/* Where maps come from: what --run writes of them, see heatpipe-tsv(5), and what -v says. */
#ifndef HP_ABOUT_H
#define HP_ABOUT_H

#include "cam/cam.h"
#include "cam/method.h"
#include "graph/graph.h"
#include "stream/run.h"

#include <stdbool.h>

/* What the last stage is called, by whatever name it was asked for: only there do the cells of
 * a margin map add up to the difference of two logits. */
#define ABOUT_LAST "last stage"

/* What the whole network is called, of methods that take no layer. */
#define ABOUT_NETWORK "network"

/* Of maps of h by w at a value of a network; `names`: what the layer was called, or all of several
 * layers, of which `value` is the first; NULL for the last stage. */
void about_layer(struct run *r, const struct graph *g, int value, const char *names, int h, int w,
                 const struct method_how *how);

/* Of the maps of all classes at the last stage, in closed form, whatever they will explain. */
void about_class_maps(struct run *r, const struct graph *g);

/* Of stored maps of the last stage, h by w; the network, which may be NULL, tells which layers
 * come before. */
void about_stored(struct run *r, const struct graph *g, int h, int w, const struct method_how *how);

/* Says with -v how maps are made, and which method or class makes the same: `closed` and
 * `rectified` as method_same(). */
void about_say(const struct method_how *how, bool closed, bool rectified);

#endif
