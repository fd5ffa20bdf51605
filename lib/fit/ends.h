/* What labels tell of residual networks where norms do not: whether the mean or the largest of all
 * cells goes to the linear layer, which is behind the last norm, and which of the networks that
 * norms do not tell apart it is. */
#ifndef HP_FIT_ENDS_H
#define HP_FIT_ENDS_H

#include "fit/check.h"

struct fit_end {
    bool largest;       /* labels are clearly likelier with the largest of all cells */
    double least, next; /* cross entropy with it, and with the mean */
    int64_t count;      /* labelled images */
};

/* Of a network that takes the mean, as its family does. Without labels, or where the linear layer
 * sees one cell, nothing is. */
int fit_ends(struct fit_end *x, const struct fit_use *u, const struct fit_images *images,
             struct err *e) ERR_CHECKED;

struct trial;
enum { FIT_ENDS_TEXT = 240 };

/* Of the first network of a proof's list and those that norms do not tell apart from it: puts the
 * one first under which labels are clearly likelier, and says so in `text`; else all of it stays.
 */
int fit_ends_proved(struct trial *p, char text[FIT_ENDS_TEXT], struct err *e) ERR_CHECKED;

#endif
