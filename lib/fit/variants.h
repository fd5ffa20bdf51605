/* How else a checkpoint may be meant. */
#ifndef HP_FIT_VARIANTS_H
#define HP_FIT_VARIANTS_H

#include "model/assume.h"
#include "model/model.h"

enum {
    FIT_VARIANTS = 448,
    FIT_RELUS = 4,
    FIT_PLACES = 12,
    FIT_ACTS = ASSUME_ACT_LAST - ASSUME_ACT_RELU,
    FIT_DROPOUTS = 4,
    FIT_POOLS = 2
};

/* What keys and shapes leave open, in all combinations: the stem's stride and pooling, the
 * convolution of a bottleneck (read by structure, of any pre-activation block) that has the stride,
 * where the shortcuts of pre-activation blocks begin, how shortcuts without keys pad or, in what is
 * read by structure, whether there are any, and the strides that another repository with the same
 * keys has (`others`, as in struct model). `assumed` is that of the network, `given` is kept in all
 * else. Some may not be built for the images at hand. Returns how many there are. */
int fit_variants(const struct assume *assumed, const int others[ASSUME_STAGES],
                 const struct assume *given, struct assume out[FIT_VARIANTS]);

/* `given` with the stride of one stage changed, for every stage. Keys leave few of them open:
 * the others cannot be built. */
int fit_strides(const struct assume *assumed, const struct assume *given,
                struct assume out[ASSUME_STAGES]);

/* `given` with the stride at another convolution, the shortcut of pre-activation blocks begun
 * elsewhere or shortcuts of another kind: one of these changed; none where a family's code tells
 * them. Returns how many there are. */
int fit_places(const struct assume *assumed, const struct assume *given,
               struct assume out[FIT_PLACES]);

/* `given` with the other padding of windows with a stride, where it makes a difference. Returns how
 * many there are. */
int fit_padding(const struct assume *assumed, const struct assume *given, struct assume out[1]);

/* `given` with the rare poolings behind the stem; none where there is no choice. Returns how many
 * there are. */
int fit_pools(const struct assume *assumed, const struct assume *given,
              struct assume out[FIT_POOLS]);

/* The same with one ReLU more or less, for every place of one; none where a family's code tells
 * where they are. Returns how many there are. */
int fit_relus(const struct assume *assumed, const struct assume *given,
              struct assume out[FIT_RELUS]);

/* Dropout in training: of the usual rate in every place or, in the place of `of`, of every other
 * rate. Returns how many there are. */
int fit_dropouts(const struct model_dropout *of, struct model_dropout out[FIT_DROPOUTS]);

/* The same with another function in the place of ReLU, for every one that there is.
 * Returns how many there are. */
int fit_acts(const struct assume *assumed, const struct assume *given, struct assume out[FIT_ACTS]);

#endif
