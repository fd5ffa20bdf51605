/* Which given labels may be wrong, by what a model says of images it was not trained on. */
#ifndef HP_LABELS_H
#define HP_LABELS_H

#include <stdbool.h>
#include <stdint.h>

/* Scores, from 0 to 1, higher where a label is more probably wrong: constant, word, score of an
 * image with label y and probabilities p. */
#define LABELS_METHODS(X)                                                                          \
    X(SOFT_MARGIN, "soft-margin")     /* as margin, of softmax(z / temperature) */                 \
    X(MARGIN, "margin")               /* (1 - p[y] + largest other p) / 2 */                       \
    X(SELF, "self-confidence")        /* 1 - p[y] */                                               \
    X(LEARNING, "confident-learning") /* 1 - p[y], after all labels that are flagged */

enum labels_method {
#define LABELS_ID(id, word) LABELS_##id,
    LABELS_METHODS(LABELS_ID)
#undef LABELS_ID
};

/* The words, for OPT_CHOICE. */
#define LABELS_WORD(id, word) "|" word
#define LABELS_WORDS (&("" LABELS_METHODS(LABELS_WORD))[1])

/* What speaks against a label. */
enum labels_reason {
    LABELS_AGREES,   /* nothing: the model predicts it */
    LABELS_LIKELIER, /* another class is more probable */
    LABELS_CONFIDENT /* another class is as probable as it usually is for its own images */
};
const char *labels_reason_word(enum labels_reason r);

struct label {
    int64_t id;
    int given, suggested; /* suggested: the most probable other class */
    double p_given, p_suggested;
    double score;
    int views; /* of the image, whose logits the score and both classes' probabilities are of */
    double p_flagged; /* after labels_flag(): that a label drawn by the probabilities is flagged */
    enum labels_reason reason; /* after labels_flag() */
    bool flagged;
};

/* Holds all labels: memory grows with the number of images, by 80 bytes each. */
struct labels {
    int classes;
    enum labels_method method;
    double temperature;
    struct label *label; /* [n] in the order of labels_add(), by rank after labels_rank() */
    int64_t n, flagged;
    /* Of each class: the mean probability that images with its label give it, or 2 where there
     * are none: a class is confident where its probability is as high (Northcutt et al. 2021). */
    double *usual;  /* [classes], after labels_settle() */
    int64_t *count; /* [classes] */
    double *p;      /* [classes] room */
};

/* At least 2 classes. Caller closes. */
void labels_open(struct labels *l, int classes, enum labels_method method, double temperature);
void labels_close(struct labels *l);

/* The image's logits[classes], all finite. */
void labels_add(struct labels *l, int64_t id, int given, const float *logits);

/* After the last image. */
void labels_settle(struct labels *l);

/* Image i once more: flags it where the model is confident in another class than the label, as
 * find_label_issues(filter_by="confident_learning") of Cleanlab 2.9 does. */
void labels_flag(struct labels *l, int64_t i, const float *logits);

struct labels_share {
    int64_t correct, images;
    double share; /* NaN without images */
};

/* How many predictions are correct, of all images and of those that are not flagged; and how many
 * images are flagged, as `correct`. */
void labels_accuracy(const struct labels *l, struct labels_share *all, struct labels_share *rest,
                     struct labels_share *flagged);

/* Sorts by falling score, those of the same score by rising id. */
void labels_rank(struct labels *l);

/* Label i, once its logits are those of more views: scores it and suggests a class anew. Whether
 * it is flagged stays as it is. */
void labels_see(struct labels *l, int64_t i, const float *logits, int views);

#endif
