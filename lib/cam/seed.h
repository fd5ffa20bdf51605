/* What goes backward from the logits for a map: the derivative of the score that a method
 * explains. */
#ifndef HP_SEED_H
#define HP_SEED_H

#include "cam/method.h"

#include <stdbool.h>

/* What is known of an image's classes. */
struct seed_scores {
    int classes;
    const float *logits;    /* NULL, as those below, where method_needs_logits() is false */
    const double *p, *rest; /* as cam_softmax() */
    const double *along; /* J A: the derivative of each logit along the layer's activations, where
                            seed_bends() */
};

/* Whether the second derivative of an aim's score is needed, and not 0. */
bool seed_bends(const struct method_how *how, struct aim aim);

/* seed[classes] of an aim with a class. As cam_seed(), but of
 *
 * finercam (Zhang et al. 2025): of the score
 *     sum_j r_j (o_c - o_j), r_j = p_j / sum_i p_i,
 * of the 3 classes j whose scores o_j are nearest to that of c, by rising class where they tie; it
 * is not a matter of o being logits or log-probabilities;
 *
 * shapleycam (Cai 2025): of s less half of H J A, where H is the second derivative of the score
 * with respect to the logits, which are piecewise linear in A. */
void seed_make(const struct method_how *how, const struct seed_scores *s, struct aim aim,
               float *seed);

#endif
