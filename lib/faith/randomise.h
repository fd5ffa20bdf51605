/* Networks that have lost what they learnt, from the top down (cascading randomisation: Adebayo et
 * al., Sanity checks for saliency maps, 2018). A map that stays as it is does not show what the
 * network knows. */
#ifndef HP_RANDOMISE_H
#define HP_RANDOMISE_H

#include "base/err.h"
#include "graph/graph.h"

#include <stddef.h>
#include <stdint.h>

/* The layers of a network: its linear layer, and the stages before it ("layer4" for its blocks)
 * down to the stem. */
int randomise_layers(const struct graph *g);

/* The name of layer `i` from the top, as --layer has it, or the checkpoint's of what follows the
 * last stage. */
void randomise_name(const struct graph *g, int i, char *name, size_t room);

/* Draws the weights and the biases of layer `i` from the top: each tensor anew from a normal
 * distribution of the mean and the standard deviation that it has. Batch norms are part of the
 * convolutions before them. The same seed gives the same weights, whatever was drawn before. */
void randomise_layer(struct graph *g, int i, uint64_t seed);

/* What names the layer at the top, however it is called. */
#define RANDOMISE_TOP "top"

/* The same of all layers from the top down to the one of this name. An error, which lists the
 * names, where there is none. */
int randomise_down_to(struct graph *g, const char *name, uint64_t seed, struct err *e) ERR_CHECKED;

/* Another of `classes` classes, at least 2, each with the same chance, from `state` (random
 * logit: Sixt et al., When explanations lie, 2020). */
int randomise_class(int cls, int classes, uint64_t state);

#endif
