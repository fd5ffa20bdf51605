/* The networks among which a proof (fit/prove.h) looks for the right one, and how they fit. */
#ifndef HP_FIT_TRIAL_H
#define HP_FIT_TRIAL_H

#include "fit/check.h"
#include "fit/moved.h"
#include "fit/stem.h"

/* By how many times a network has to fit better than one with ReLU to be one with another function:
 * few have one, and some are near ReLU. */
#define TRIAL_CLEAR_RATIO 2
/* Nats: right ReLU networks had up to .0025 where ReLU6, by chance, had a sixth of that. */
#define TRIAL_CHANCE .002

/* By how many times the next network has to fit less than the best one. */
#define TRIAL_FAR_RATIO 8

/* Of how many numbers of images the figures of a network are kept beside those of the first look.
 */
enum { TRIAL_MORE = 2 };

struct candidate {
    struct assume given;   /* what makes it */
    struct assume assumed; /* all of it */
    struct fit_pixels pixels;
    const char *name; /* of the pixels' constants */
    struct model_dropout dropout;
    int odd;      /* how much of it is unusual */
    bool stacked; /* linear layers end it */
    bool biased;  /* so is the last of them */
    int cells;    /* that the last pooling of a plain net sees */
    int classes;
    char head[64]; /* key of the linear layer */
    struct fit_figures fit;
    struct fit_figures more[TRIAL_MORE]; /* of more images; of none where they were not looked at */
    bool beaten; /* fits best on few images alone: on more, another one does */
};

/* Where the search for a plain net ended, as nothing fitted. */
struct stopped {
    char text[ASSUME_TEXT]; /* the nearest network so far; "" where none did */
    double divergence;      /* of it */
    int norms, units;       /* that it has, and that there are */
};

struct trial {
    const struct fit_use *use;
    const struct fit_images *images;
    int classes;
    struct fit_moved moved;
    struct engine_kept *kept; /* all networks have the same numbers */
    struct candidate *list;
    int count;
    struct fit_pixels pixels; /* constants that fit the first norm, where it tells */
    const char *name;
    bool told;
    struct model_dropout dropout; /* of what is tried */
    double macs;
    int64_t tried; /* networks that were measured, for progress */
    double begun;  /* the least divergence of first images, 0 where there is none */
    struct stopped stopped;
    char *misfit; /* why the network is of no family */
};

/* The network that a candidate is; unfolded with its dropout. */
int trial_open(struct model **m, const struct trial *p, const struct candidate *c, bool unfolded,
               struct err *e) ERR_CHECKED;

/* Networks of so many multiply-accumulates are compared from now on: takes as many images as their
 * number allows. */
void trial_scale(struct trial *p, double macs);

/* Measures a network on the images that p->moved.count says, up to `most` (fit/measure.h); shows
 * progress. */
int trial_measure(struct fit_figures *f, struct trial *p, const struct model *m,
                  const float mean[3], double most, struct err *e) ERR_CHECKED;

/* Measures a candidate on the first images and keeps it. One that cannot be built for these images,
 * is not what the user said, or is there already, is none; one that the first images are far from
 * has their figures. */
int trial_one(struct trial *p, const struct assume *given, const struct fit_pixels *pixels,
              const char *name, struct err *e) ERR_CHECKED;

/* The figures of a network of the list on so many images, which are measured once: c->more. NULL
 * where that fails. */
const struct fit_figures *trial_more(struct trial *p, struct candidate *c, int64_t images,
                                     struct err *e) ERR_CHECKED;

/* By falling fit, for qsort. */
int trial_compare(const void *a, const void *b);

/* Whether network i of the list is told apart from the first one, the best. */
bool trial_told(const struct trial *p, int i);

/* Whether it is not, and has the same function in the place of ReLU. */
bool trial_rivals(const struct trial *p, int i);

/* The one that fits best of those that are not beaten; of a list that is not empty. */
struct candidate *trial_best(const struct trial *p);

#endif
