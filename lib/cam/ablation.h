/* Ablation-CAM (Ramaswamy and Desai 2020): the weight of a channel is how far the score falls
 * where a constant stands for the channel, in parts of the score. */
#ifndef HP_ABLATION_H
#define HP_ABLATION_H

#include "cam/cam.h"
#include "cam/closed.h"

#include <stdbool.h>
#include <stddef.h>

/* What stands for channel `channel` of activations whose least is `least`: 0, as in the paper.
 * As in pytorch-grad-cam with `compat`: 0 only where the least is 0, else the least less a
 * multiple of 1e7 that grows within each batch of 32 channels. */
float ablation_value(float least, int channel, bool compat);

/* The least of activations[n]. */
float ablation_least(const float *acts, size_t n);

/* The weight, of a score and of how far it falls: the fall in parts of the score's size, or the
 * fall itself where the score is 0. pytorch-grad-cam divides by the score with its sign, which
 * turns the maps of log-probabilities, all below 0, into their opposite. */
float ablation_weight(double score, double fall, bool compat);

/* Weights weight[planes][channels] of an item's features under a linear layer, whose logits are
 * given: what each channel adds to each logit is known, and so is every score without it. */
void ablation_closed(const struct closed_head *h, enum cam_score score, bool compat,
                     const float *features, const float *logits, const struct aim *aim, int planes,
                     float *weight);

#endif
