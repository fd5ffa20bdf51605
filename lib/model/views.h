/* Views of an image whose logits are averaged (test-time augmentation): the image as it is,
 * which is view 0, mirrored, or shifted by a pixel. */
#ifndef HP_VIEWS_H
#define HP_VIEWS_H

#include <stdbool.h>
#include <stdint.h>

/* Of each set: its constant, its word, how many views it has. */
#define VIEWS(X)                                                                                   \
    X(NONE, none, 1)     /* the image alone */                                                     \
    X(MIRROR, mirror, 2) /* and mirrored left to right */                                          \
    X(SHIFTS, shifts, 5) /* and shifted by one pixel to each side; its edge fills the gap */

enum views {
#define VIEWS_ID(id, word, count) VIEWS_##id,
    VIEWS(VIEWS_ID)
#undef VIEWS_ID
};

/* The words, for OPT_CHOICE. */
#define VIEWS_WORD(id, word, count) "|" #word
#define VIEWS_WORDS (&("" VIEWS(VIEWS_WORD))[1])
const char *views_word(enum views set);

/* Views of each image, at least 1. */
int views_count(enum views set);

/* View `i` of an image (3, h, w) into `view`, which does not overlap it. */
void views_make(enum views set, int i, const uint8_t *image, int h, int w, uint8_t *view);

/* Where in view `i` the pixel (*y, *x) of the image lies, which replaces it: false where it does
 * not. */
bool views_place(enum views set, int i, int h, int w, int *y, int *x);

/* Logits of the views of one image so far. */
struct views_sum {
    int classes;
    int views;     /* of an image */
    int held;      /* of the current image */
    double *sum;   /* [classes] */
    float *logits; /* [classes] the mean, once all are there */
    float *each;   /* [views][classes] */
};

void views_open(struct views_sum *s, enum views set, int classes);
void views_close(struct views_sum *s);

/* Adds those of the next view; all are finite. Returns whether these were the last of an image:
 * its mean is in s->logits until the next call. */
bool views_add(struct views_sum *s, const float *logits);

/* How the views of that image agree on class `pred`: */
struct views_agreement {
    double share; /* of the views that predict it by themselves */
    double least; /* lowest of its softmax probabilities, at the temperature */
};
void views_agree(const struct views_sum *s, int pred, double temperature,
                 struct views_agreement *a);

#endif
