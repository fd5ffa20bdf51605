/* Whether a wrong prediction turns to the true class when cells of the last stage are deleted,
 * where an average over all cells and one linear layer follow it (graph_closed()).
 *
 * A cell is deleted by setting its features to 0. The average is still taken over all cells, so
 * the logit of each class falls by the cell's value in that class's unnormalised CAM: the logits
 * of what is left are known exactly, without a network. */
#ifndef HP_TURN_H
#define HP_TURN_H

#include <stdbool.h>
#include <stdint.h>

/* Where cells that are equal in rank leave more choices than these, as many are drawn: for a share,
 * and to tell whether one is at least one half. */
enum { TURN_CHOICES = 2000, TURN_CELLS_CHOICES = 200 };

/* A wrong prediction. What it points to outlives its use. */
struct turn_image {
    const float *maps;   /* (classes, cells) unnormalised CAMs */
    const float *logits; /* [classes] */
    int pred, truth;     /* differ */
};

struct turn;

/* Room for images of this many classes and cells, each at least 1. Caller frees. */
struct turn *turn_new(int classes, int cells);
void turn_free(struct turn *t);

/* The order in which cells of this image are deleted: those of higher key[cells], finite, first.
 * Cells of equal keys stand in no order: what is asked below is then the mean over all choices
 * among them, or over TURN_CHOICES that are drawn from `seed`. */
void turn_begin(struct turn *t, const struct turn_image *image, const float *key, uint64_t seed);

/* The share of choices in which the prediction is the true class when the first `n` cells,
 * 0 <= n <= cells, are deleted; the lower class is predicted where two logits are equal. */
double turn_share(struct turn *t, int n);

/* The fewest deleted cells, at least 1, with which that share is one half or more; 0 where there
 * is no such number. */
int turn_cells(struct turn *t);

/* Marks in gone[cells] the first n cells, as one choice that is drawn. */
void turn_choose(struct turn *t, int n, bool *gone);

/* Keys [h * w] for which the cells closest to the middle of the grid come first. */
void turn_center(int h, int w, float *key);

#endif
