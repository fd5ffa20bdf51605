/* How repositories name the parts of a network, and which of them named the keys of a
 * checkpoint. */
#ifndef HP_FAMILY_H
#define HP_FAMILY_H

#include "ckpt/ckpt.h"
#include "model/assume.h"

#include <stdbool.h>

enum {
    FAMILY_PARTS = 3,
    FAMILY_STEM = 3,
    FAMILY_HIDDEN = 3,
    FAMILY_STAGES = ASSUME_STAGES,
    FAMILY_BLOCKS = 1024,
    FAMILY_KEY = 512,
    FAMILY_SIGNS = 4
};

/* A convolution of the stem or of a block with its batch norm: behind it or, of a pre-activation
 * block, before it. */
struct family_part {
    const char *conv, *norm;
};

/* Where squeeze and excitation weigh the channels of a block. */
enum family_weighed {
    FAMILY_WEIGHED_RELU, /* behind the last convolution and a ReLU of it */
    FAMILY_WEIGHED_LAST, /* behind the last convolution, without one */
    FAMILY_WEIGHED_INNER /* behind the second convolution and its ReLU */
};

struct family {
    const char *name;  /* "torchvision" */
    const char *about; /* for messages: the keys it is known by */
    const char *linear;
    /* Of another network than one of residual blocks: */
    const struct design *design;
    const char *sign[FAMILY_SIGNS]; /* parts that are there; NULL where there are fewer */
    const char *const *part_of;     /* names of all parts, as the design counts them */
    unsigned how;                   /* bits of what the design leaves to the repository */
    double eps;                     /* of batch norms; 0: 1e-5 */
    const char *aside;              /* how the keys of what only trains begin, or NULL */
    /* Of residual blocks: */
    struct family_part stem[FAMILY_STEM]; /* one convolution, or a row of them; norms may be
                                             NULL */
    const char *block;                    /* "layer%.%": stage, then block from 0 */
    int first;                            /* number of the first stage */
    bool pre_activation;
    struct family_part part[FAMILY_PARTS]; /* of a bottleneck; a basic block has the first two */
    int stride_at;                         /* which convolution of a bottleneck; 0: the second */
    const char *shortcut, *shortcut_norm;  /* either may be NULL */
    bool shortcut_always;                  /* also where neither stride nor channels ask for it */
    enum assume_preact preact;             /* where shortcuts begin, of pre-activation */
    const char *last_norm;                 /* before the pooling, or NULL */
    bool shortcut_normed_first;            /* its norm and a ReLU stand before its convolution */
    const char *end_norm; /* of pre-activation, behind the last convolution of a block, whose first
                             norm has no ReLU then (PyramidNet), or NULL */
    const char *neck;     /* a norm behind the pooling, or NULL */
    struct family_part hidden[FAMILY_HIDDEN]; /* linear layers before the last, a ReLU behind each;
                                                 fewer end with NULL, and norms may be NULL */
    const char *squeeze, *excite;             /* linear layers of squeeze and excitation, or NULL */
    enum family_weighed weighed;
    const int *narrow_strides; /* of stages whose bottlenecks are as wide as what they put out, as
                                  RegNet's; NULL: as those of others */
};

/* Families of a design, which ends with one without a name. */
extern const struct family families_vgg[], families_densenet[], families_mobilenet[],
    families_mobilenetv1[], families_shufflenet[], families_repvgg[], families_googlenet[],
    families_squeezenet[];

/* What a checkpoint was found to be. */
struct found {
    const struct family *family;
    char prefix[ASSUME_TEXT]; /* "module.", or "" */
    bool bottleneck;
    bool chosen; /* other keys are another network's, or the prefix was given */
    int stages, blocks[FAMILY_STAGES];
};

/* How many convolutions the stem has. */
int family_stem(const struct family *f);

/* Fills `f` and returns its family; NULL where none fits, or several networks do. */
const struct family *family_find(struct found *f, const struct ckpt *c, const char *prefix,
                                 struct err *e) ERR_CHECKED;

/* "prefix" "layer1.0" "." "conv1.weight" into key[FAMILY_KEY]; stages count from 1. A
 * stage of 0 leaves the block out. Returns key. */
char *family_key(char *key, const struct found *f, int stage, int block, const char *part,
                 const char *suffix);

/* Whether a tensor that is left over would take part in the network: any number inside a
 * block or under the stem, the last norm or the linear layer; elsewhere weights of a layer,
 * as opposed to a buffer. */
bool family_is_layer(const struct found *f, const struct ckpt *c, const struct ckpt_tensor *t);

#endif
