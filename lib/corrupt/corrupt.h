/* Images made worse on purpose, to see how a model bears it: after Hendrycks and Dietterich,
 * Benchmarking neural network robustness to common corruptions and perturbations, 2019, with the
 * constants of their CIFAR-10-C where they have the kind. */
#ifndef HP_CORRUPT_H
#define HP_CORRUPT_H

#include "base/err.h"

#include <stdint.h>

enum { CORRUPT_SEVERITIES = 5 };

/* Kinds: each constant and its word. Values v are from 0 to 1 and rounded to bytes at the end;
 * sides of images are in units of 32 pixels where a size is given in pixels. */
#define CORRUPT_KINDS(X)                                                                           \
    X(NOISE, noise)       /* v + s n, n standard normal: s = .04, .06, .08, .09, .1 */             \
    X(BLUR, blur)         /* Gaussian: sigma = .4, .6, .7, .8, 1 pixels */                         \
    X(FOG, fog)           /* (v + a f) m / (m + a), f a plasma fractal from 0 to 1 whose           \
                             octaves' amplitudes fall by the square of d, m the largest v:         \
                             a = .2, .5, .75, 1, 1.5 and d = 3, 3, 2.5, 2, 1.75 */                 \
    X(JPEG, jpeg)         /* compressed with quality 80, 65, 58, 50, 40 */                         \
    X(CONTRAST, contrast) /* each channel: mean + c (v - mean), c = .75, .5, .4, .3, .15 */        \
    X(SHIFT, shift)       /* by 1, 2, 3, 4, 6 pixels along each axis, to a side by chance; the     \
                             border is reflected. Not of CIFAR-10-C */

enum corrupt_kind {
#define CORRUPT_ID(id, word) CORRUPT_##id,
    CORRUPT_KINDS(CORRUPT_ID)
#undef CORRUPT_ID
        CORRUPT_KIND_COUNT
};

/* The words, for OPT_CHOICE. */
#define CORRUPT_WORD(id, word) "|" #word
#define CORRUPT_WORDS (&("" CORRUPT_KINDS(CORRUPT_WORD))[1])

/* Changes pixels (3, h, w) of image `id`; severity from 1. What is by chance depends on seed, kind
 * and id alone, so that of an image all severities have the same noise. */
int corrupt(uint8_t *pixels, int h, int w, enum corrupt_kind kind, int severity, uint64_t seed,
            int64_t id, struct err *e) ERR_CHECKED;

#endif
