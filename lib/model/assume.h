/* What a checkpoint's keys cannot show, and the words of --assume that say it. */
#ifndef HP_ASSUME_H
#define HP_ASSUME_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

enum { ASSUME_STAGES = 16, ASSUME_TEXT = 96, ASSUME_WORDS = 4 * ASSUME_TEXT };

/* The largest of the values behind the first convolutions. */
enum assume_pool {
    ASSUME_POOL_USUAL,
    ASSUME_POOL_NONE,
    ASSUME_POOL_MAX,   /* over 3 by 3, stride 2 */
    ASSUME_POOL_SMALL, /* over 2 by 2, stride 2 */
    ASSUME_POOL_DENSE, /* over 3 by 3, stride 1 */
};

/* Where the shortcuts of pre-activation blocks begin: before the block's first norm and
 * ReLU or after them, or after them where they have a convolution alone, or where they have one in
 * the first stage. */
enum assume_preact {
    ASSUME_PREACT_USUAL,
    ASSUME_PREACT_BEFORE,
    ASSUME_PREACT_MIXED,
    ASSUME_PREACT_AFTER,
    ASSUME_PREACT_FIRST
};

/* The padding of windows with a stride: half a window on all sides, as PyTorch's code has it, or
 * TensorFlow's "SAME", which is less and has the odd cell behind. */
enum assume_padding { ASSUME_PADDING_USUAL, ASSUME_PADDING_HALF, ASSUME_PADDING_SAME };

/* What becomes of all cells behind the last block: their mean, or the largest. */
enum assume_end { ASSUME_END_USUAL, ASSUME_END_AVERAGE, ASSUME_END_MAX };

/* What shortcuts do where shapes change: a convolution or, without keys, every second pixel,
 * and zeros for the further channels on both sides, or behind. Or there are no shortcuts: a plain
 * network. Or a convolution of the means over every 2 by 2 cells has the stride: ResNet-D. Or the
 * means or the largest of every 2 by 2 cells are padded, on both sides or behind. */
enum assume_shortcut {
    ASSUME_SHORT_USUAL,
    ASSUME_SHORT_CONV,
    ASSUME_SHORT_PAD,
    ASSUME_SHORT_PAD_END,
    ASSUME_SHORT_NONE,
    ASSUME_SHORT_AVERAGE,
    ASSUME_SHORT_AVERAGE_PAD,
    ASSUME_SHORT_AVERAGE_PAD_END,
    ASSUME_SHORT_MAX_PAD,
    ASSUME_SHORT_MAX_PAD_END
};

/* Where a ReLU stands beside those between the convolutions of a block. ASSUME_RELU_GIVEN marks a
 * choice, so that one of none of them is not 0. */
enum assume_relu {
    ASSUME_RELU_STEM = 1,     /* behind the stem */
    ASSUME_RELU_LAST = 2,     /* behind the last convolution of a block, before the sum */
    ASSUME_RELU_SHORTCUT = 4, /* behind the convolution of a shortcut */
    ASSUME_RELU_SUM = 8,      /* behind the sum */
    ASSUME_RELU_GIVEN = 16
};

/* The function in the place of every ReLU of residual blocks; ASSUME_ACT_USUAL is ReLU, too. */
enum assume_act {
    ASSUME_ACT_USUAL,
    ASSUME_ACT_RELU,
    ASSUME_ACT_RELU6,
    ASSUME_ACT_LEAKY_HUNDREDTH, /* leaky ReLU of that slope */
    ASSUME_ACT_LEAKY_TENTH,
    ASSUME_ACT_LEAKY_FIFTH,
    ASSUME_ACT_SILU,
    ASSUME_ACT_GELU,
    ASSUME_ACT_ELU,
    ASSUME_ACT_MISH,
    ASSUME_ACT_LAST = ASSUME_ACT_MISH
};

/* Zero stands for what is usual in the family. */
struct assume {
    bool bgr;  /* the order of the input's channels; constants stay in the order R, G, B */
    bool grey; /* the model has one channel, which has no order: nothing that can be assumed */
    int stem_stride;
    enum assume_pool pool;
    int stride_at; /* which convolution of a bottleneck has the stride, from 1; of basic blocks, in
                      networks read by structure alone, too */
    enum assume_shortcut shortcut;
    enum assume_preact preact;
    enum assume_padding padding;
    enum assume_end end;     /* of residual blocks */
    char chain[ASSUME_TEXT]; /* what is between the convolutions of a plain net: model/chain.h */
    unsigned relu;           /* enum assume_relu, or 0 */
    enum assume_act act;
    int reading;                /* which one of those by structure (model/structure.h), from 1 */
    double eps;                 /* of batch norms */
    int strides[ASSUME_STAGES]; /* of the stages */
    int stages;                 /* how many of them are given */
    char prefix[ASSUME_TEXT];   /* of the keys, "model." */
    char state[ASSUME_TEXT];    /* path of the state dict, for ckpt_open() */
    unsigned given;             /* a bit for each key that was read, see assume_network() */
};

/* Words of --assume for the help of a program. */
#define ASSUME_HELP                                                                                \
    "What the keys of a checkpoint do not show, KEY=VALUE,...: channels=rgb|bgr, "                 \
    "stem-stride=1|2, pool=none|max|max-small|max-dense, "                                         \
    "strides=1:2:2:2 (of the stages), stride-at=conv1|conv2 (of a bottleneck), "                   \
    "shortcut=conv|pad|pad-end|none|average|average-pad|average-pad-end|max-pad|max-pad-end, "     \
    "preact-shortcut=before|mixed|after|first, padding=half|same (of windows with a stride), "     \
    "end=average|max (of residual blocks, over all cells), "                                       \
    "relu=none|stem:last:shortcut:sum (which of these), act=relu|relu6|leaky-0.01|leaky-0.1|"      \
    "leaky-0.2|silu|gelu|elu|mish (in the place of ReLU), chain=TEXT (of a plain net), "           \
    "reading=N, "                                                                                  \
    "eps=1e-5, prefix=KEYS, "                                                                      \
    "state=PATH. Default: the usual choice of code with these key names; -v and model-info show "  \
    "it."

/* Whether shortcuts without keys pad channels. */
static inline bool assume_pads(enum assume_shortcut way)
{
    return way == ASSUME_SHORT_PAD || way == ASSUME_SHORT_PAD_END || way > ASSUME_SHORT_AVERAGE;
}

/* Reads KEY=VALUE,... into a zeroed struct. */
int assume_parse(struct assume *a, const char *text, struct err *e) ERR_CHECKED;

/* The first key given that is about the network, as all but `state` are: where no model is
 * opened it would have no effect, and model_open() refuses those that have none. NULL where
 * there is none. */
const char *assume_network(const struct assume *a);

/* The words for what is not left to what is usual, text[ASSUME_WORDS]. */
void assume_write(char *text, const struct assume *a);

/* "relu6", as in act=relu6. */
const char *assume_act_word(enum assume_act act);

/* The words of `a` that `b` does not have, text[ASSUME_WORDS]. */
void assume_write_other(char *text, const struct assume *a, const struct assume *b);

/* Whether two say the same; `wiring`: but for the order of the input's channels. */
bool assume_same(const struct assume *a, const struct assume *b);
bool assume_same_wiring(const struct assume *a, const struct assume *b);

#endif
