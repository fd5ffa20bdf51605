/* What the logits of an image say. */
#ifndef HP_SCORE_H
#define HP_SCORE_H

enum { SCORE_TOP = 5 };

struct score {
    int top[SCORE_TOP];     /* the best classes; of equal logits the lower one first */
    double prob[SCORE_TOP]; /* their softmax probabilities */
    int tops;               /* how many there are: fewer where there are fewer classes */
    double entropy;         /* of the softmax, in nats */
    /* With a label: */
    double p_true; /* softmax probability */
    double loss;   /* -log of it */
    int rank_true; /* from 1 */
    double margin; /* logit of the label less the largest other, at any temperature; NaN for one
                      class */
};

/* The class of the largest of logits[classes], of equal ones the lower. */
static inline int score_best(const float *logits, int classes)
{
    int best = 0;
    for (int c = 1; c < classes; c++)
        best = logits[c] > logits[best] ? c : best;
    return best;
}

/* From logits[classes], all finite; `label` is a class or -1. The softmax is that of the logits
 * divided by `temperature`, above 0. */
void score_logits(struct score *s, const float *logits, int classes, int label, double temperature);

#endif
