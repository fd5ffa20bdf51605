#include "stats/find.h"

#include "stats/share.h"

#include <math.h>

/* The probability of at least `count` of `images` where each has one of its own: that of the
 * binomial with the same mean and variance (Ehm, Binomial approximation to the Poisson binomial
 * distribution, 1991). */
static double tail_of_sum(int64_t count, int64_t images, double sum, double squares)
{
    if (!(sum > 0))
        return count > 0 ? 0 : 1;
    double n = fmin(fmax(ceil(sum * sum / squares), ceil(sum)), (double)images);
    return count > (int64_t)n ? 0 : share_tail(count, (int64_t)n, fmin(sum / n, 1));
}

void find_labels(struct findings *f, const struct tables *t)
{
    const struct label_flags *l = &t->labels;
    if (!l->known || l->images == 0 || t->classes.present < 2)
        return;
    struct finding *flagged = &f->of[FIND_FLAGGED_LABELS], *rest = &f->of[FIND_ACCURACY_UNFLAGGED];
    double expected = sum_value(&l->expected);
    *flagged = find_counted(l->flagged, l->images);
    flagged->baseline = expected / (double)l->images;
    flagged->p = tail_of_sum(l->flagged, l->images, expected, sum_value(&l->squares));
    flagged->verdict =
        l->images < FINDINGS_FEW ? VERDICT_FEW : find_yes(l->flagged > 0 && find_tells(flagged->p));
    flagged->examples = l->first;
    *rest = find_counted(l->correct - l->flagged_correct, l->images - l->flagged);
    rest->baseline = share_of(l->correct, l->images);
}
