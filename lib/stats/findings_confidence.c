#include "stats/find.h"

#include "stats/share.h"

#include <math.h>

/* --- confidence --- */

static void find_calibration(struct findings *f, const struct tables *r)
{
    f->calibration = calibration_error(&r->confidence.calibration);
    /* One class has a confidence of 1, and no other. */
    if (!r->confidence.known || r->classes.present < 2 || r->classes.total == 0)
        return;
    const struct calibration_error *e = &f->calibration;
    struct finding *c = &f->of[FIND_CALIBRATION], *over = &f->of[FIND_OVERCONFIDENT],
                   *under = &f->of[FIND_UNDERCONFIDENT];
    c->value = e->ece;
    c->of = r->classes.total;
    c->baseline = e->chance;
    c->p = e->p;
    c->verdict = r->classes.total < FINDINGS_FEW
                     ? VERDICT_FEW
                     : find_yes(find_tells(c->p) && e->ece >= CALIBRATION_ECE);
    double p[] = {e->over_p, e->under_p};
    share_holm(p, 2);
    over->value = e->over;
    under->value = e->under;
    over->baseline = under->baseline = e->chance / 2;
    over->p = p[0];
    under->p = p[1];
    /* The larger part is there wherever the whole is. */
    bool there = c->verdict == VERDICT_YES;
    over->verdict =
        !there ? c->verdict
               : find_yes(e->over >= e->under || (find_tells(p[0]) && e->over >= CALIBRATION_PART));
    under->verdict =
        !there ? c->verdict
               : find_yes(e->under > e->over || (find_tells(p[1]) && e->under >= CALIBRATION_PART));
}

/* After find_calibration. */
static void find_temperature(struct findings *f, const struct tables *r)
{
    const struct mending *m = &r->mending;
    const struct finding *c = &f->of[FIND_CALIBRATION];
    if (c->verdict == VERDICT_NONE || !m->known)
        return;
    struct finding *t = &f->of[FIND_TEMPERATURE], *after = &f->of[FIND_TEMPERATURE_ECE];
    t->value = m->temperature;
    t->low = m->low;
    t->high = m->high;
    after->value = m->ece_after;
    after->low = m->after_low;
    after->high = m->after_high;
    after->baseline = c->value;
    /* Both on held-out images: the error falls by more than chance, and the labels become more
     * probable. */
    t->verdict = after->verdict = c->verdict == VERDICT_FEW
                                      ? VERDICT_FEW
                                      : find_yes(m->ece_change_high < 0 && m->nll_change < 0);
}

static void find_highest_errors(struct findings *f, const struct tables *r)
{
    const struct confidence *p = &r->confidence;
    int64_t errors = tables_errors(r);
    if (!p->known || errors == 0)
        return;
    struct finding *h = &f->of[FIND_HIGHEST_ERRORS];
    *h = find_counted(p->wrong[BAND_HIGHEST], errors);
    h->baseline = sum_value(&p->highest_doubt) / (double)errors;
    /* If the confidences are right, each of these predictions is wrong by its doubt. The
     * binomial of their mean doubt has the heavier upper tail: Hoeffding, On the distribution
     * of the number of successes in independent trials, 1956. */
    int64_t highest = h->count + p->correct[BAND_HIGHEST];
    h->p = highest > 0
               ? share_tail(h->count, highest, sum_value(&p->highest_doubt) / (double)highest)
               : 1;
    h->verdict = find_yes(find_tells(h->p));
    h->examples = p->highest_errors;
    f->highest_expected = h->baseline * (double)errors;
}

static void find_reject_low(struct findings *f, const struct tables *r)
{
    const struct confidence *p = &r->confidence;
    /* The more confident of two classes has one half or more. */
    if (!p->known || r->classes.present < 3 || r->classes.total == 0)
        return;
    int64_t low_correct = p->correct[BAND_LOW], low = low_correct + p->wrong[BAND_LOW];
    int64_t kept = r->classes.total - low, kept_correct = r->classes.correct - low_correct;
    struct finding *k = &f->of[FIND_REJECT_LOW];
    *k = find_counted(kept_correct, kept);
    k->baseline = (double)r->classes.correct / (double)r->classes.total;
    if (low == 0 || kept == 0)
        return;
    k->p = share_larger(kept_correct, kept, low_correct, low);
    k->verdict = find_yes(find_tells(k->p) && k->value - k->baseline >= REJECT_GAIN);
}

void find_confidence(struct findings *f, const struct tables *t)
{
    find_calibration(f, t);
    find_temperature(f, t);
    find_highest_errors(f, t);
    find_reject_low(f, t);
}
