/* Slices: groups of images that a model gets wrong more often than others like them, found on one
 * half of the images and confirmed on the other. */
#ifndef HP_SLICES_H
#define HP_SLICES_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What images are compared by: constant, word. The rival of an image is the class of the largest
 * logit but that of its label: the prediction, where that is wrong and of this layer. */
#define SLICES_EVIDENCE(X)                                                                         \
    X(EMBEDDINGS, embeddings) /* x, the input of the linear layer */                               \
    X(MARGIN, margin)         /* (W[rival] - W[label]) x, channel by channel */                    \
    X(BOTH, both)             /* both, scaled to one variance */

enum slices_on {
#define SLICES_ID(id, word) SLICES_##id,
    SLICES_EVIDENCE(SLICES_ID)
#undef SLICES_ID
};

/* The words, for OPT_CHOICE. */
#define SLICES_WORD(id, word) "|" #word
#define SLICES_ON_WORDS (&("" SLICES_EVIDENCE(SLICES_WORD))[1])

struct slices_image {
    int64_t id;
    int truth, pred;
    int rival;   /* of slices_rivals(); the label where there is no other class */
    bool second; /* of slices_find(): in the half that confirms */
};

/* All of it is held in memory: 4 * channels bytes for each image. Equal inputs give equal slices,
 * whatever the number of threads. */
struct slices_in {
    struct slices_image *image; /* [n], 0 < n < 2^32 */
    size_t n;
    const float *x; /* (n, channels), finite */
    int channels;
    const float *w, *b; /* (classes, channels), [classes]: the linear layer */
    int classes;
    const int *superclass; /* [classes] from 0, -1: none; NULL: of no class */
};

/* Sets the images' rivals. Returns of how many images the prediction is that of the linear layer:
 * next to none where embeddings, predictions and layer are not of one run. */
int64_t slices_rivals(const struct slices_in *in, int threads);

/* Contribution k of image i to its margin, the logit of the rival less that of the label. */
double slices_contribution(const struct slices_in *in, size_t i, int k);

/* Among which images a slice was looked for. */
enum slices_among {
    SLICES_ALL,        /* all */
    SLICES_SUPERCLASS, /* with labels of a superclass */
    SLICES_CLASS,      /* with a label, where there are no superclasses */
    SLICES_PAIR        /* with a label and a rival that are a pair of classes, in either order */
};
const char *slices_among_word(enum slices_among a);

/* Correct predictions among images. */
struct slices_share {
    int64_t images, correct;
};

struct slices_member {
    uint32_t image;    /* its number */
    double membership; /* probability of the slice among the others of its fit, from what is known
                          of the image but whether the prediction is right */
};

struct slice {
    enum slices_among among;
    int of[2]; /* superclass, class or pair of classes; else -1 */
    /* Errors first, then correct predictions; the most typical ones first. */
    struct slices_member *member; /* [members] */
    size_t members, errors;
    uint32_t *other; /* [others] images among which it was looked for, that are not in it */
    size_t others;
    struct slices_share first_in, first_out, in, out; /* of the half that found and that confirms,
                                                         in the slice and beside it, of those
                                                         among which it was looked for */
    double gap; /* by how much the accuracy of `in` is lower than that of `out`: the lower end of
                   the 95 % interval */
    double p, p_adjusted; /* Fisher's exact test on the second half, one-sided, before and after
                             Holm's correction for all slices that were tested */
    bool confirmed; /* p_adjusted is below the level, and errors are enough in the second half */
    /* Label and prediction of most of its errors, and how many have them. */
    int truth, pred;
    int64_t pair_errors;
};

struct slices {
    struct slice *slice; /* [n], largest gap first */
    size_t n;
    size_t tested, confirmed; /* without those that share most errors with a better one, n of
                                 those that are confirmed */
};

struct slices_opts {
    enum slices_on on;
    uint64_t seed;
    double level;  /* of p_adjusted */
    int64_t least; /* errors of a slice in each half */
    bool all;      /* keep what is not confirmed, too */
    int threads;   /* 0: one per core */
};

/* Caller closes. */
int slices_find(struct slices *s, const struct slices_in *in, const struct slices_opts *o,
                struct err *e) ERR_CHECKED;
void slices_close(struct slices *s);

#endif
