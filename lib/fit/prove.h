/* What a network read by structure is (model/structure.h): of all networks that its keys and shapes
 * leave open, the one whose values are those that its batch norms recorded in training. */
#ifndef HP_FIT_PROVE_H
#define HP_FIT_PROVE_H

#include "fit/check.h"

/* The most that a proof may have left, in nats, over all norms (fit_figures.divergence) and at the
 * one that fits least.
 *
 * Measured: random networks whose norms hold the statistics of such images have .0003 to .0024 and
 * at most .007; two trained a little .0003 and .0006 on images that training did not see; the two
 * ResNet-34 of the measurements .0017 and .0019 on 256 images, .009 at the worst norm, and .0053 on
 * 34. Of wrong networks that are no candidates, dilated convolutions have .012, GELU in the place
 * of ReLU .019, shortcuts that average .039; images of another kind .033 at the least. ReLU6 and a
 * leaky ReLU of slope .01 have .001 as ReLU on 256 images and about as much as themselves:
 * sampling. On the 1,000 images that are looked at then, ReLU6 read as ReLU has 200 times, the
 * leaky one 14 times what the right reading has, where those images made the statistics. Of several
 * candidates below that the differences on the same images decide, and what they leave open is
 * said: prove.c. */
#define FIT_PROOF_MAX 0.01
#define FIT_PROOF_WORST 0.05

/* Above it more images are looked at, and who runs the network is told that it may be another one.
 * The two ResNet-34 have .0019 on 256 images and .002 on 544, right networks with dropout that is
 * not modelled up to .0075. Wrong ones that were taken, since the right one was no candidate, had
 * .0042 to .0095: dropout of .5 and behind the sums, CELU in the place of ReLU, pools of 4 and of
 * stride 1. */
#define FIT_PROOF_LOOSE 0.003

/* Fewer images prove nothing. */
enum { FIT_PROOF_LEAST = 32 };

struct fit_proof {
    struct assume assume;  /* what was given, and what the images add: for model_opts */
    float mean[3], std[3]; /* those in use or, where nobody gave them, those that fit best */
    const char *pixels;    /* name of the latter, or NULL */
    struct fit_figures fit;
    bool loose;                   /* above FIT_PROOF_LOOSE */
    struct model_dropout dropout; /* of the training */
    char text[900];               /* how it was proved, with the figures */
};

/* `classes`: of the images' data set, 0 where it is not known; they choose between linear layers.
 * An error says why there is no proof, with the figures of the networks that come nearest. */
int fit_prove(struct fit_proof *p, const struct fit_use *u, const struct fit_images *images,
              int classes, struct err *e) ERR_CHECKED;

#endif
