/* Which of several networks labels are likelier under: norms do not show what is behind the last of
 * them, and hardly some of what is in front. */
#ifndef HP_FIT_LABELS_H
#define HP_FIT_LABELS_H

#include "fit/trial.h"

struct labels_verdict {
    int best;
    double least, next; /* cross entropy of it and of the best other one */
    int64_t count;      /* labelled images */
    int left;           /* others that are not clearly less likely */
};

/* Judges the networks of the list that are open, open[p->count], and closes those that are clearly
 * less likely than the best one. Few images first, as many as multiply-accumulates allow; of what
 * they leave open more. The images have labels of p->classes classes. */
int labels_judge(struct labels_verdict *v, const struct trial *p, bool *open, struct err *e)
    ERR_CHECKED;

/* The same of the first `same` networks and the rivals of the first one behind them. */
int labels_judge_rivals(struct labels_verdict *v, const struct trial *p, int same, struct err *e)
    ERR_CHECKED;

/* Of the networks that labels_judge_rivals() judged the best one becomes the first, and the others
 * go. */
void labels_take(struct trial *p, int best, int same);

/* Mean cross entropy under a network of so many images, infinite without labels. */
int labels_loss(double *loss, const struct trial *p, const struct graph *g, int64_t count,
                struct err *e) ERR_CHECKED;

/* Whether there are enough labels, the best network tells more of them than chance, and no other
 * is left. */
bool labels_tell(const struct labels_verdict *v, int classes);

#endif
