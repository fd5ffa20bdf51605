/* Class activation maps: score seeds, maps, the post-processing of
 * pytorch-grad-cam, and the statistics of a map.
 *
 * Shapes: `classes` K, `channels` C, `cells` h * w, all at least 1; arrays are
 * contiguous in C order. A raw map is signed and unnormalised, in units of the
 * score. Sums are taken in double. Nothing here allocates; all functions are
 * thread-safe. */
#ifndef HP_CAM_H
#define HP_CAM_H

#include "cam/resize.h"

#include <stdbool.h>

/* Of each score: its constant, its word, what it is. */
#define CAM_SCORES(X)                                                                              \
    X(LOGIT, logit)     /* z_c */                                                                  \
    X(LOGPROB, logprob) /* log p_c, where p = softmax(z) */                                        \
    X(PROB, prob)       /* p_c */

enum cam_score {
#define CAM_SCORE_ID(id, word) CAM_##id,
    CAM_SCORES(CAM_SCORE_ID)
#undef CAM_SCORE_ID
};

/* Their words, for OPT_CHOICE. */
#define CAM_SCORE_WORD(id, word) "|" #word
#define CAM_SCORE_WORDS (&("" CAM_SCORES(CAM_SCORE_WORD))[1])
const char *cam_score_word(enum cam_score score);

/* pytorch-grad-cam's guard against division by zero where it normalises. */
#define CAM_EPSILON 1e-7f

/* Sum of v[n], in double. */
double cam_sum(const float *v, int n);

/* The score of a map: that of class `cls` less that of `minus`, or -1 for none. */
struct aim {
    int cls, minus;
};

/* Softmax of logits[K]: p[K], and rest[K] = 1 - p summed from the other classes,
 * so that it keeps its digits where p is close to 1. */
void cam_softmax(const float *logits, int classes, double *p, double *rest);

/* The derivative of a score with respect to the logits, seed[K]:
 *   logit    e_c
 *   logprob  e_c - p       (with rest[c] for 1 - p[c])
 *   prob     p_c (e_c - p)
 * For `minus` >= 0 that of the class `minus` is taken away: the seed of a margin
 * (for logprob the same as for logit). p and rest may be NULL for CAM_LOGIT. */
void cam_seed(enum cam_score score, const double *p, const double *rest, int classes, int cls,
              int minus, float *seed);

/* The score itself, of class `cls` less that of `minus`, or -1 for none; p and rest as for
 * cam_seed. Of log-probabilities close to 0 the digits of rest are kept. */
double cam_value(enum cam_score score, const float *logits, const double *p, const double *rest,
                 int classes, int cls, int minus);

/* map[cells] = sum over i of weight[i] * planes[i][cells], i < n. With a seed for
 * the weights and the maps of all classes for the planes this is the closed form
 * of the last stage, as it is with channel weights and activations. */
void cam_combine(const float *weight, const float *planes, int n, int cells, float *map);

/* The same for many sets of weights at once, weight[sets][n]: maps[sets][cells], bit by bit, for
 * planes that are converted to double once. */
void cam_combine_all(const float *weight, const double *planes, int sets, int n, int cells,
                     float *maps);

/* Channel weights at the input of a global average pooling followed by one linear
 * layer w (K, C), where the gradient is the same in all cells:
 * weight[k] = sum over c of seed[c] * w[c][k] / cells. (Zhou et al. 2016, CAM;
 * Selvaraju et al. 2017, section 3.1 and appendix A.) */
void cam_weights_linear(const float *seed, const float *w, int classes, int channels, int cells,
                        float *weight);

/* logits[K] of that head: w times the mean of features (C, cells), plus b[K].
 * mean[C] is room for the means. */
void cam_logits_features(const float *features, const float *w, const float *b, int classes,
                         int channels, int cells, float *mean, float *logits);

/* The same from the unnormalised CAMs of all classes (K, cells), which sum to them. */
void cam_logits_maps(const float *maps, const float *b, int classes, int cells, float *logits);

/* In place: negative values to 0. */
void cam_rectify(float *map, int cells);

/* In place: (map - min) / (epsilon + max(map - min)); a constant map becomes 0. With CAM_EPSILON it
 * is pytorch-grad-cam's scale_cam_image, which darkens maps of small scores; with 0 the scale of
 * the score does not matter. */
void cam_normalise(float *map, int cells, float epsilon);

/* pytorch-grad-cam's whole way from a raw map (sh, sw) to [0, 1] at (dh, dw):
 * rectify, normalise, resize, then, as its step over layers does, rectify and
 * normalise again. `map` is changed. */
void cam_finish(float *map, int cells, float epsilon, const struct resize *r, float *out,
                int out_cells);

/* Whether a map shows nothing: no cell is above 0, or all are equal, as those of a map of
 * one cell are. The same of a raw map and of what cam_normalise makes of it. */
bool cam_blank(const float *map, int cells);

/* Least side of a grid whose cells tell where in the image something lies, and whether a
 * grid is that fine. On 2 by 2 cells, for one, every cell lies on the border. */
enum { CAM_GRID = 4 };
bool cam_has_places(int h, int w);

/* The share of mass in the outermost ring of cells of a map that is the same everywhere; h and w at
 * least 2. */
double cam_even_border(int h, int w);

/* Statistics of a raw map. Those of places, from zero_share on, are NaN where the grid has
 * none; all but zero_share are of the rectified map divided by its sum (its mass), and
 * NaN where the map is blank. */
struct cam_stats {
    double max, min, sum; /* of the raw map */
    bool blank;           /* as cam_blank */
    double zero_share;    /* share of cells that are 0 when rectified */
    double entropy;       /* of the mass, divided by log(cells) */
    double center_x;      /* centre of mass, 0 left edge to 1 right edge */
    double center_y;      /* centre of mass, 0 top edge to 1 bottom edge */
    double border_share;  /* share of mass in the outermost ring of cells */
    double gini;          /* Gini's index of the masses of the cells: 0 even, 1 - 1 / cells for
                             one cell (Chalasani et al. 2020; Hurley and Rickard 2009) */
    double peak_gap;      /* how far the second highest cell is below the highest, in parts of
                             that: 0 a tie, 1 a single cell */
};

/* room[cells] is changed. */
void cam_measure(const float *map, int h, int w, float *room, struct cam_stats *f);

/* Sum over the cells of the smaller of the two masses (histogram intersection):
 * 1 for maps that are alike, 0 for maps that share nothing, NaN if one is blank or the
 * grid has no places. */
double cam_overlap(const float *a, const float *b, int h, int w);

/* The same of `a` and the mirror image of `b`, left to right: what two maps overlap that share how
 * spread out they are and how high and how far from the middle their mass lies, but not the side.
 * Were the side of `b` chance, the one overlap would be the larger as often as the other. */
double cam_overlap_mirrored(const float *a, const float *b, int h, int w);

#endif
