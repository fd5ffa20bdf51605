/* Scoring maps: images and their maps go in, the values of the metrics come out. The changed images
 * of all maps of several images pass the network together; equal ones of an image do once. */
#ifndef HP_FAITH_H
#define HP_FAITH_H

#include "base/err.h"
#include "cam/cam.h"
#include "engine/engine.h"
#include "faith/metrics.h"

#include <stdint.h>

struct faith_size {
    int h, w;
};

struct faith_image {
    int64_t id;
    struct aim aim;        /* what the maps explain; with `minus`, the difference of two scores */
    const uint8_t *pixels; /* (3, h, w) */
    /* Where metrics need them: */
    const uint8_t *mask; /* (h, w) not 0 where the object is seen */
    const float *cam;    /* the unnormalised CAM of `aim`, of opts.stage cells */
};

struct faith_opts {
    const struct graph *graph; /* NULL where no metric reads a series, as the engine is */
    struct engine *engine;     /* of that graph, opened for `images` */
    struct faith_size image;   /* its input */
    const enum metric *metric;
    int metrics;
    const struct faith_size *size; /* [maps] of each map of an image, up to that of the image */
    int maps;
    int reference;           /* the map that others are compared with, where metrics need one */
    struct faith_size stage; /* the grid of the last stage, where metrics need a CAM of it */
    struct faith_size cells; /* into which images are divided for metrics of cells, up to theirs */
    enum cam_score score;
    int steps; /* of a series, at most; at least 1 */
    double
        noise; /* standard deviation, at value 0, of what ROAD adds to replaced pixels; 0: none */
    int threads;
    uint64_t seed;
    /* Takes the values (maps, metrics) of an image; NaN where a metric is not defined. */
    void *ctx;
    int (*put)(void *ctx, const struct faith_image *image, const double *value, struct err *e);
};

/* At most so many maps of an image. */
enum { FAITH_MAPS = 256 };

struct faith;

/* Graph and engine outlive it. Caller closes. */
struct faith *faith_open(const struct faith_opts *o);
void faith_close(struct faith *f);

/* Takes the next image and map[maps], finite, each of its size; all is free afterwards. Values
 * are given to `put` in the order of the images, without what they point to, now or later. */
int faith_add(struct faith *f, const struct faith_image *image, const float *const *map,
              struct err *e) ERR_CHECKED;

/* Computes what is still waiting. */
int faith_end(struct faith *f, struct err *e) ERR_CHECKED;

/* Images that were passed through the network, and those that were asked for: the rest were
 * equal to others. */
int64_t faith_passed(const struct faith *f);
int64_t faith_asked(const struct faith *f);

#endif
