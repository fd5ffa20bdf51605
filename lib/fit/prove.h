/* What a network read by structure is (model/structure.h): of all networks that its keys and shapes
 * leave open, the one whose values are those that its batch norms recorded in training. */
#ifndef HP_FIT_PROVE_H
#define HP_FIT_PROVE_H

#include "fit/check.h"

/* The most that a proof may have left, in nats, over all norms (fit_figures.divergence) and at the
 * one that fits least: what is wrong in a few places, such as shortcuts that average their input
 * first, hardly shows in the mean.
 *
 * Right networks have .0003 to .0013 and .007 where the statistics are those of such images, and
 * trained ones .002 to .02 and .02 on images that training did not see (moved at random, as most
 * training moves them); stronger augmentation adds some hundredths. An average that was missed had
 * .039 and .36. Where several networks are near each other, all of them below that, their
 * differences on the same images decide (CLEAR in prove.c). */
#define FIT_PROOF_MAX 0.05
#define FIT_PROOF_WORST 0.15

/* Fewer images prove nothing. */
enum { FIT_PROOF_LEAST = 32 };

struct fit_proof {
    struct assume assume;  /* what was given, and what the images add: for model_opts */
    float mean[3], std[3]; /* those in use or, where nobody gave them, those that fit best */
    const char *pixels;    /* name of the latter, or NULL */
    struct fit_figures fit;
    char text[400]; /* how it was proved, with the figures */
};

/* `classes`: of the images' data set, 0 where it is not known; they choose between linear layers.
 * An error says why there is no proof, with the figures of the networks that come nearest. */
int fit_prove(struct fit_proof *p, const struct fit_use *u, const struct fit_images *images,
              int classes, struct err *e) ERR_CHECKED;

#endif
