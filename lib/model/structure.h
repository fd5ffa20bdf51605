/* Residual networks whose key names are no family's. A state dict lists modules in the order of
 * their definition: order, shapes and containers ("layer1.0") show the stem, the blocks, the
 * shortcuts and the linear layer. What they leave open are several readings, each of which all
 * tensors fit; which of them is the network, only images can tell (fit/prove.h). */
#ifndef HP_STRUCTURE_H
#define HP_STRUCTURE_H

#include "model/family.h"

#include <stdbool.h>

enum { STRUCTURE_READINGS = 9, STRUCTURE_UNITS = 32 };

/* A name of the builder, "layer1.0.conv1", and what the checkpoint has there: "stage_1.0.conv_1".
 */
struct structure_alias {
    char as[32];
    const char *own;
};

struct structure_reading {
    struct family family; /* of the builder's names: those parts that are there */
    bool bottleneck;
    int stages, blocks[FAMILY_STAGES], strides[FAMILY_STAGES];
    struct structure_alias *alias; /* [aliases], in order of `as` */
    int aliases;
    int units; /* convolutions of a plain net (model/chain.h), "c0" with their norms "n0"; else 0 */
    int classes;
    const char *head; /* the linear layer's key */
    bool led;         /* a module without numbers, such as pooling, stands before the convolution of
                         shortcuts in their row of modules: "downsample.1" */
    char words[700];  /* "stem conv_1; blocks stage_1.0 to stage_1.2, ...; head fc" */
};

struct structure {
    struct structure_reading reading[STRUCTURE_READINGS];
    int readings;
    char why[300]; /* why there are none: the key that has no place */
    char **name;   /* [names] of modules, that the readings point to */
    int names;
};

/* The readings of the keys behind a prefix, which may lack its last dot, the likeliest first. Takes
 * time in keeping with the number of keys. Caller frees. */
struct structure *structure_read(struct ckpt *c, const char *prefix)
    __attribute__((warn_unused_result));
void structure_free(struct structure *s);

/* How many linear layers the readings end with. */
int structure_heads(const struct structure *s);

/* The checkpoint's name of a builder's one, or NULL. */
const char *structure_own(const struct structure_reading *r, const char *as);

#endif
