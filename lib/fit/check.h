/* Whether a checkpoint is run as it was trained, or another interpretation fits clearly
 * better. */
#ifndef HP_FIT_CHECK_H
#define HP_FIT_CHECK_H

#include "ckpt/ckpt.h"
#include "fit/measure.h"
#include "fit/stem.h"

#include <stdbool.h>

/* Fewer images tell nothing; more tell hardly more. */
enum { FIT_LEAST = 64, FIT_MOST = 2048 };

/* How many images of that size, of `count` (-1: not known), are worth to be looked at. */
int64_t fit_wanted(int64_t count, int h, int w);

/* The interpretation in use. */
struct fit_use {
    struct ckpt *ckpt; /* of the check alone while it runs */
    const struct assume *assume;
    const char *assume_text; /* the same as an option, or NULL */
    int channels;            /* of the network: 3 or 1 */
    float mean[3], std[3];
    bool usual;           /* nobody gave or stored the constants: they may be those of the images */
    int64_t proof_images; /* that have proved the network, or 0: what fits less on few of them is no
                             doubt */
    struct model_dropout dropout; /* with which they did */
    bool guess_mean; /* neither an option nor the checkpoint nor the kind of images tells it */
    bool guess_std;
    bool shown;         /* a check shows progress: no other thread does */
    const char *device; /* which computes, as in struct engine_opts */
    int threads;
};

enum fit_outcome {
    FIT_UNKNOWN, /* no running statistics, or none that training left; too few images */
    FIT_GOOD,    /* or nothing fits clearly better */
    FIT_OTHER,   /* another interpretation does */
    FIT_NONE     /* nothing fits at all */
};

struct fit_verdict {
    enum fit_outcome outcome;
    const char *unknown;    /* of FIT_UNKNOWN: why, unless fit_check() failed */
    struct fit_figures use; /* of the interpretation in use; norms are 0 where unknown */
    bool proved;            /* images have proved the network */
    char text[600];         /* what a user has to be told, a sentence with figures and options;
                               or "" */
    char options[300];      /* what makes the programs run another one that the text says; or "" */
};

/* The network that these images pass where it is interpreted so, whether it is proved or not. */
int fit_open(struct model **m, const struct fit_use *u, const struct fit_images *images,
             const struct assume *of, const struct fit_pixels *pixels, struct model_dropout dropout,
             bool unfolded, struct err *e) ERR_CHECKED;

/* "good", "doubtful" or "bad": how well the interpretation in use fits. */
const char *fit_word(const struct fit_verdict *v);

/* The interpretation in use fits, and that is not in doubt. */
bool fit_confirms(const struct fit_verdict *v);

/* Images should be spread over the data set; of fewer than FIT_LEAST none is read. -1 where an
 * image cannot be read or the engine fails. */
int fit_check(struct fit_verdict *v, const struct fit_use *u, const struct fit_images *images,
              struct err *e) ERR_CHECKED;

#endif
