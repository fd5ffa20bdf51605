#include "stats/find.h"

#include "stats/share.h"

#include <math.h>

/* --- maps --- */

static void find_blank(struct findings *f, const struct maps *m)
{
    const struct map_statistics *correct = &m->of[MAPS_CORRECT], *wrong = &m->of[MAPS_WRONG];
    int64_t images = maps_images(m);
    f->of[FIND_BLANK] = find_counted(correct->blank + wrong->blank, images);
    f->of[FIND_BLANK].verdict = images ? find_yes(correct->blank + wrong->blank > 0) : VERDICT_NONE;
    f->of[FIND_BLANK_TRUE] = find_counted(m->true_blank, wrong->images);
    f->of[FIND_BLANK_TRUE].verdict = wrong->images ? find_yes(m->true_blank > 0) : VERDICT_NONE;
    f->of[FIND_BLANK].examples = m->blank;
    f->of[FIND_BLANK_TRUE].examples = m->blank_errors;
    struct finding *places = &f->of[FIND_PLACES];
    *places = find_counted(m->with_places, images - f->of[FIND_BLANK].count);
    /* A grid that has places gives every map a share of zero cells, a blank one, too. */
    bool grid = correct->measured + wrong->measured > 0;
    if (images > 0 && (!grid || places->of > 0))
        places->verdict = find_yes(places->count > 0);
    f->one_cell = images > 0 && !grid && places->of == 0;
}

static void find_unstable(struct finding *f, const struct stability *s)
{
    if (!s->known || s->images == 0)
        return;
    *f = find_counted(s->unstable, s->images);
    f->examples = s->examples;
    f->verdict = s->images < FINDINGS_FEW ? VERDICT_FEW : find_yes(s->unstable > 0);
}

static void find_at_border(struct finding *f, const struct maps *m)
{
    const struct map_statistics *a = &m->of[MAPS_CORRECT], *b = &m->of[MAPS_WRONG];
    if (m->even_border <= 0)
        return;
    *f = find_counted(a->at_border + b->at_border, a->border.n + b->border.n);
    f->verdict = find_yes(f->count > 0);
}

static struct difference difference_of(const struct spread *a, const struct spread *b)
{
    double larger = spread_compare(a, b).larger, strength = fmax(larger, 1 - larger);
    return (struct difference){
        .n = {a->n, b->n},
        .median = {spread_median(a), spread_median(b)},
        .larger = larger,
        .more = larger > 0.5,
        .size = strength >= DIFFERENCE_LARGE    ? DIFFERENCE_IS_LARGE
                : strength >= DIFFERENCE_MEDIUM ? DIFFERENCE_IS_MEDIUM
                                                : DIFFERENCE_IS_SMALL,
    };
}

static double difference_p(const struct spread *a, const struct spread *b)
{
    return a->n < FINDINGS_FEW || b->n < FINDINGS_FEW ? NAN : spread_compare(a, b).p;
}

static void find_difference(struct finding *f, const struct difference *d, double p)
{
    *f = find_nothing;
    f->value = d->larger;
    f->count = d->n[1];
    f->of = d->n[0] + d->n[1];
    f->baseline = 0.5;
    f->p = p;
    if (d->n[0] == 0 || d->n[1] == 0)
        f->verdict = VERDICT_NONE;
    else if (isnan(p))
        f->verdict = VERDICT_FEW;
    else
        f->verdict = find_yes(find_tells(p) && fmax(d->larger, 1 - d->larger) >= DIFFERENCE_SMALL);
}

static void find_differences(struct findings *f, const struct maps *m)
{
    const struct map_statistics *a = &m->of[MAPS_CORRECT], *b = &m->of[MAPS_WRONG];
    double p[] = {difference_p(&a->border, &b->border), difference_p(&a->entropy, &b->entropy),
                  difference_p(&a->off_center, &b->off_center)};
    share_holm(p, 3);
    f->border = difference_of(&a->border, &b->border);
    f->entropy = difference_of(&a->entropy, &b->entropy);
    f->off_center = difference_of(&a->off_center, &b->off_center);
    find_difference(&f->of[FIND_BORDER], &f->border, p[0]);
    find_difference(&f->of[FIND_ENTROPY], &f->entropy, p[1]);
    find_difference(&f->of[FIND_OFF_CENTER], &f->off_center, p[2]);
}

/* Of two overlaps that are equal neither is larger. */
static void find_overlap_chance(struct finding *f, const struct maps *m)
{
    const int64_t n = m->chance_larger + m->chance_smaller;
    if (n == 0)
        return;
    *f = find_counted(m->chance_larger, n);
    f->baseline = 0.5;
    f->p = share_test(f->count, n, f->baseline);
    f->verdict = n < FINDINGS_FEW ? VERDICT_FEW
                                  : find_yes(find_tells(f->p) &&
                                             fmax(f->value, 1 - f->value) >= DIFFERENCE_SMALL);
}

/* Whether a map and the mirror image of the other one overlap by more than a half more often than
 * not: then the two maps of an error must do so more often still. */
static bool wide(const struct maps *m)
{
    return m->chance_known >= FINDINGS_FEW && 2 * m->chance_high > m->chance_known;
}

/* Two classes have opposite logits, up to a constant: that their maps lie apart is a property
 * of those, not of the image. */
static void find_overlap(struct findings *f, const struct maps *m)
{
    int64_t n = m->overlap.n;
    struct finding *high = &f->of[FIND_OVERLAP_HIGH], *low = &f->of[FIND_OVERLAP_LOW];
    if (n == 0)
        return;
    *high = find_counted(m->overlap_high, n);
    *low = find_counted(m->overlap_low, n);
    high->baseline = wide(m) ? (double)m->chance_high / (double)m->chance_known : 0.5;
    low->baseline = OVERLAP_LOW_SHARE;
    high->p = wide(m) ? share_larger(high->count, n, m->chance_high, m->chance_known)
                      : share_tail(high->count, n, high->baseline);
    low->p = share_tail(low->count, n, low->baseline);
    high->verdict = n < FINDINGS_FEW ? VERDICT_FEW : find_yes(find_tells(high->p));
    /* Before the last stage maps follow edges and parts of the image, and lie apart whatever
     * it shows. */
    low->verdict = m->earlier         ? VERDICT_NONE
                   : n < FINDINGS_FEW ? VERDICT_FEW
                                      : find_yes(find_tells(low->p));
    high->examples = m->high_errors;
    if (low->verdict != VERDICT_NONE)
        low->examples = m->low_errors;
    f->overlap_median = spread_median(&m->overlap);
    const struct finding *chance = &f->of[FIND_OVERLAP_CHANCE];
    find_overlap_chance(&f->of[FIND_OVERLAP_CHANCE], m);
    f->blunt = f->overlap_median > MAPS_OVERLAP_HIGH && chance->verdict != VERDICT_NONE &&
               !(chance->verdict == VERDICT_YES && chance->value > chance->baseline);
    f->overlap_confident = difference_of(&m->overlap_other, &m->overlap_highest);
    find_difference(&f->of[FIND_OVERLAP_CONFIDENT], &f->overlap_confident,
                    difference_p(&m->overlap_other, &m->overlap_highest));
}

static void find_zero_true(struct findings *f, const struct maps *m)
{
    const struct map_statistics *correct = &m->of[MAPS_CORRECT];
    if (m->true_measured == 0)
        return;
    struct finding *z = &f->of[FIND_ZERO_TRUE];
    *z = find_counted(m->true_zero, m->true_measured);
    z->examples = m->zero_errors;
    if (correct->measured > 0) {
        z->baseline = (double)correct->zero / (double)correct->measured;
        z->p = share_larger(m->true_zero, m->true_measured, correct->zero, correct->measured);
    }
    z->verdict = z->of < FINDINGS_FEW || correct->measured < FINDINGS_FEW
                     ? VERDICT_FEW
                     : find_yes(find_tells(z->p) && z->value >= ZERO_SHARE &&
                                find_twice_the_odds(z->value, z->baseline));
}

/* The chance of each error is known, and sums of such vary less than binomial ones of their mean.
 */
static void find_turned(struct finding *f, const struct turned *t)
{
    if (!t->known || t->errors == 0)
        return;
    *f = find_counted(t->margin, t->errors);
    f->baseline = t->random / (double)t->errors;
    f->p = share_tail(f->count, f->of, f->baseline);
    f->examples = t->examples;
    f->verdict = t->errors < FINDINGS_FEW
                     ? VERDICT_FEW
                     : find_yes(find_tells(f->p) && find_twice_the_odds(f->value, f->baseline));
}

/* Whether a test was made for one of the differences. */
static bool any_tested(const struct findings *f)
{
    static const enum finding_id tests[] = {FIND_BORDER, FIND_ENTROPY, FIND_OFF_CENTER,
                                            FIND_OVERLAP_CONFIDENT};
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        if (!isnan(f->of[tests[i]].p))
            return true;
    return false;
}

void find_maps(struct findings *f, const struct tables *r)
{
    const struct maps *m = &r->maps;
    if (!m->known)
        return;
    find_blank(f, m);
    if (f->of[FIND_PLACES].verdict != VERDICT_YES)
        return;
    find_unstable(&f->of[FIND_UNSTABLE], &r->stability);
    find_at_border(&f->of[FIND_AT_BORDER], m);
    find_differences(f, m);
    if (r->classes.present > 2) {
        find_overlap(f, m);
        find_zero_true(f, m);
    }
    find_turned(&f->of[FIND_TURNED], &r->turned);
    f->differences_tested = any_tested(f);
}
