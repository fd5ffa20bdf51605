/* What a run writes for each image: a row, and items of tensors. */
#ifndef RESULTS_H
#define RESULTS_H

#include "cams.h"

#include "base/io.h"
#include "data/data.h"
#include "engine/engine.h"
#include "model/model.h"
#include "model/views.h"

/* Paths are NULL where a tensor is not asked for. */
struct results_opts {
    const char *logits;
    const char *features;   /* of `layer`, or of the last stage where that is NULL */
    const char *layer;      /* as graph_layer() */
    const char *class_maps; /* of the last stage */
    const char *embeddings; /* graph_embedding() */
    const char *ids;
    const char *linear_weights, *linear_biases; /* of `linear` */
    enum views views;
    double temperature; /* of the rows' probabilities */
    const struct data *data;
    const struct graph *graph;
    const struct names *names; /* of as many classes as the network's, or of none */
    struct cams *cams;         /* or NULL */
    struct model_head linear;  /* without weights where no linear layer makes the logits */
};

struct results;

enum { RESULTS_OUTS = 9 };

/* Finds what is wanted in the network. What `o` refers to outlives it. */
int results_new(struct results **r, const struct results_opts *o, struct err *e) ERR_CHECKED;
void results_free(struct results *r);

/* What an engine has to give: a list[results_wants()]. The score vectors that it has to take. */
int results_wants(const struct results *r);
int results_want(struct results *r, struct engine_want *list, int *count);

/* Opens the tensors and the rows on standard output. */
int results_open(struct results *r, struct err *e) ERR_CHECKED;

/* Writes a batch whose tags are struct data_item; where images have several views these follow
 * one another. The rows before one that fails are written. */
int results_put(struct results *r, const struct engine_batch *b, struct err *e) ERR_CHECKED;

/* Images so far. */
int64_t results_images(const struct results *r);

/* Whether the logits of every image so far are at least 0 and have the sum 1. */
bool results_probabilities(const struct results *r);

/* Completes what is written into outs[RESULTS_OUTS], for out_close_all(); some may be NULL. */
int results_end(struct results *r, struct out **outs, struct err *e) ERR_CHECKED;

#endif
