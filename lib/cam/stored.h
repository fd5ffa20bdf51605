/* Maps from tensors that were stored before, without a network: the unnormalised CAMs of all
 * classes, the features of the last stage under a linear layer, or maps that are made already. */
#ifndef HP_STORED_H
#define HP_STORED_H

#include "base/err.h"
#include "cam/cam.h"
#include "cam/method.h"
#include "model/model.h"

#include <stdbool.h>
#include <stdint.h>

/* Files of tensors; of the first three one is given, the others are NULL. */
struct stored_opts {
    const char *class_maps;          /* (n, classes, h, w) */
    const char *features;            /* (n, channels, h, w) */
    const char *cams;                /* (n, planes, h, w): maps that are made */
    const char *logits;              /* (n, classes), or NULL */
    const char *ids;                 /* (n): the id of each item; NULL: item i has id i */
    const char *weights;             /* (classes, channels), or (n, classes, channels) for
                                        weights that each image has of its own; or NULL */
    const char *biases;              /* (classes), or NULL */
    const struct model_head *linear; /* instead of weights and biases; or NULL */
    const char *linear_from;         /* where `linear` comes from, for messages */
    struct method_how how;
    bool probabilities; /* needed by the caller, whatever the score */
    bool twins;         /* the same of maps by another score */
    int most_classes;   /* more are an error */
};

struct stored;

/* Opens the tensors and compares their shapes. An error where they do not fit each other, or where
 * the method needs more than class maps. `o` outlives it. Caller closes. */
int stored_open(struct stored **s, const struct stored_opts *o, struct err *e) ERR_CHECKED;
void stored_close(struct stored *s);

/* Name of the tensor of maps or features, its grid, and its planes or channels. */
const char *stored_name(const struct stored *s);
void stored_grid(const struct stored *s, int *h, int *w);
int stored_planes(const struct stored *s);

/* The classes: 0 where maps that are made, without logits, do not tell them. */
int stored_classes(const struct stored *s);

/* Whether probabilities of classes can be told. */
bool stored_probabilities(const struct stored *s);

/* What belongs to maps; valid until the next call. */
struct stored_more {
    const double *rest; /* [classes] 1 - p; NULL where not wanted or not known */
    const double *bias; /* [planes] as closed_maps(), or NULL where no biases are known */
    const float *twins; /* (planes, cells) as closed_twins(); NULL where not wanted or not known */
};

/* raw[planes][cells] of the item with this id, for `aim`, each with a class. An error where there
 * is no such item, or where it holds values that are not finite. */
int stored_maps(struct stored *s, int64_t id, const struct aim *aim, int planes, float *raw,
                struct stored_more *more, struct err *e) ERR_CHECKED;

/* The same of maps that are made: planes of the item as they are, NaN where one holds no map. */
int stored_copy(struct stored *s, int64_t id, const int *plane, int planes, float *raw,
                struct stored_more *more, struct err *e) ERR_CHECKED;

/* What shows whether a file holds class maps, rather than features: of the items that
 * stored_maps() took, where neither logits nor a linear layer confirm their classes. */
struct stored_doubt {
    int64_t items;
    int64_t told;  /* those whose prediction is known */
    int64_t first; /* of them, those where its map has the largest mean, as in logits */
    bool below;    /* whether any value is negative */
};

/* Counts the item that stored_maps() took last; `pred`: its row's prediction, -1 where unknown.
 * Nothing where classes are confirmed. */
void stored_look(struct stored *s, int pred);
const struct stored_doubt *stored_doubt(const struct stored *s);

/* Reads pipes to their ends, and compares the numbers of items. */
int stored_end(struct stored *s, struct err *e) ERR_CHECKED;

#endif
