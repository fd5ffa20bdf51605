/* Labelled images of prediction rows, kept, and their items in a tensor. */
#ifndef HP_LABELLED_H
#define HP_LABELLED_H

#include "base/err.h"
#include "rows/naming.h"
#include "rows/predictions.h"
#include "stream/items.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is read, from one table after the other. The caller sets `naming` and `cols`. */
struct labelled {
    struct prediction *image; /* [n]; the caller's to free */
    size_t n;
    int classes; /* one more than the largest */
    struct naming *naming;
    struct prediction_cols cols;
    int64_t rows, unlabelled;
};

/* Rows of cifar-predict, which have the columns of the set `need` (bits 1 << PREDICTION_x) beside
 * label and prediction. */
int labelled_read(struct labelled *in, struct tsv_in *t, unsigned need, struct err *e) ERR_CHECKED;

/* Puts the images in the order of their ids, so that nothing depends on that of the rows; where
 * there is no id they stay. Comes after all tables. */
void labelled_sort(struct labelled *in);

/* item[n]: which item of a tensor (n, ...) belongs to each image, by its id: the item of that id in
 * the tensor of ids `ids_path` or, where that is NULL, of that number. The tensor is a file. */
int labelled_items(const struct labelled *in, struct items *t, const char *ids_path, int64_t *item,
                   struct err *e) ERR_CHECKED;

#endif
