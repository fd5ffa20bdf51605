/* Networks that are not built of residual blocks alone, each in a file of its own: vgg.c,
 * densenet.c, ... A family (model/family.h) says how a repository names the parts of one. */
#ifndef HP_DESIGN_H
#define HP_DESIGN_H

#include "model/build.h"

/* What keys leave open of a design, and --assume says. */
enum { DESIGN_STEM_STRIDE = 1, DESIGN_POOL = 2, DESIGN_STRIDES = 4 };

struct design_usual;

struct design {
    const char *what; /* "DenseNet" */
    unsigned choices;
    /* More than signs say: whether keys that have them are of this design. May be NULL. */
    bool (*fits)(const struct ckpt *c, const struct found *f);
    /* Stages and blocks into b->found, by the keys alone, and what is usual where nothing was
     * said. */
    void (*settle)(struct build *b, struct design_usual *u);
    /* All operations, without numbers. */
    int (*operations)(struct build *b, struct err *e);
};

/* What a repository does. */
struct design_usual {
    int side; /* of the images that it is for */
    int stem_stride;
    enum assume_pool pool;
    const int *strides; /* [stages] */
    const int *others;  /* those of another repository with the same keys; or NULL */
};

/* Of plain nets that are read by structure: model/chain.h. */
extern const struct design design_chain;

/* The family's own choices where nothing else was said, in b->assume. */
int design_settle(struct build *b, struct err *e) ERR_CHECKED;

/* A choice without an effect is a mistake about the network. */
int design_check_effects(const struct build *b, struct err *e) ERR_CHECKED;

/* Convolutions whose keys differ in numbers alone have biases all of them or none. */
int design_check_biases(const struct build *b, struct err *e) ERR_CHECKED;

/* Whether images are as large as ImageNet's: repositories with the same keys differ in what they
 * do to such and to CIFAR's. */
bool design_large(const struct build *b);

/* The weights of a convolution, by its key without prefix; NULL where there are none. */
const struct ckpt_tensor *design_weights(const struct build *b, const char *conv);

/* The name of part `k` of the family, with numbers in place of each '%', into part[FAMILY_KEY],
 * which is returned. */
char *design_part(char *part, const struct build *b, int k, int first, int second);

/* --- each returns the value computed --- */

/* A convolution with its norm, NULL for none, by their keys without prefix. */
int design_conv(struct build *b, const char *conv, const char *norm, int in, const struct want *w,
                struct err *e) ERR_CHECKED;

/* A norm of its own and the activation. */
int design_norm(struct build *b, const char *norm, int in, const struct want *w, struct err *e)
    ERR_CHECKED;

/* Windows of k by k, with as much padding on all sides. `whole`: no window is left out because it
 * reaches beyond the image. */
int design_pool(struct build *b, enum graph_kind kind, int in, int k, int stride, int pad,
                bool whole, struct err *e) ERR_CHECKED;

int design_function(struct build *b, enum graph_function f, float p, float q, int in, struct err *e)
    ERR_CHECKED;
int design_concat(struct build *b, int first, int second, struct err *e) ERR_CHECKED;

/* Channels of `in`, of which `pick` becomes the graph's. */
int design_pick(struct build *b, int in, const int *pick, int channels, struct err *e) ERR_CHECKED;

/* Calls a value, unless it is -1, "layer2.0", and `key` under the checkpoint's names, which may be
 * NULL. Returns the value. */
int design_call(struct build *b, int value, int stage, int block, const char *key);

/* The same with a name. */
int design_name(struct build *b, int value, const char *name, const char *key);

#endif
