/* Findings from tables of other programs: slices, columns that were tested, duplicates. */
#include "stats/find.h"

#include "stats/share.h"

#include <math.h>

void find_slices(struct findings *f, const struct tables *t)
{
    const struct slice_list *l = &t->slices;
    struct finding *s = &f->of[FIND_SLICES];
    if (!l->known)
        return;
    for (int i = 0; i < l->n; i++) {
        const struct slice *at = &l->at[i];
        if (!slice_tells(at))
            continue;
        struct finding one = find_counted(llround(at->accuracy * (double)at->tested), at->tested);
        one.baseline = at->outside;
        one.p = at->p;
        one.verdict = VERDICT_YES;
        one.examples = at->examples;
        find_add(&f->slices, &(struct found){at->truth, at->pred, one, at->errors});
        if (f->slices.n == 1)
            s->examples = at->examples;
    }
    s->count = f->slices.n;
    /* A table without rows does not tell whether any group had enough errors to be tested. */
    s->verdict = l->tested == 0 ? VERDICT_FEW : find_yes(s->count > 0);
}

bool slice_tells(const struct slice *s)
{
    return find_tells(s->p);
}

/* A share that is tested elsewhere. */
static struct finding shared(const struct repeat_share *s)
{
    return find_counted(s->count, s->of);
}

void find_columns(struct findings *f, const struct tables *t)
{
    const struct tested_columns *l = &t->columns;
    struct finding *errors = &f->of[FIND_COLUMN_ERRORS], *classes = &f->of[FIND_COLUMN_CLASS];
    if (!l->known || l->n == 0)
        return;
    errors->count = classes->count = errors->of = classes->of = 0;
    /* A constant column is tested for nothing. */
    for (int i = 0; i < l->n; i++) {
        errors->of += !isnan(l->at[i].p);
        classes->of += !isnan(l->at[i].guessed_p);
        errors->count += column_goes_with_errors(&l->at[i]);
        classes->count += column_tells_class(&l->at[i]);
    }
    errors->verdict = errors->of > 0 ? find_yes(errors->count > 0) : VERDICT_NONE;
    classes->verdict = classes->of > 0 ? find_yes(classes->count > 0) : VERDICT_NONE;
}

bool column_goes_with_errors(const struct tested_column *c)
{
    return find_tells(c->p) && fmax(c->auc, 1 - c->auc) >= DIFFERENCE_SMALL;
}

bool column_goes_within_class(const struct tested_column *c)
{
    return column_goes_with_errors(c) && find_tells(c->within_p);
}

bool column_tells_class(const struct tested_column *c)
{
    return find_tells(c->guessed_p) && find_twice_the_odds(c->guessed, c->chance);
}

void find_repeats(struct findings *f, const struct tables *t)
{
    const struct repeats *d = &t->repeats;
    static const struct {
        enum finding_id images, accuracy;
    } id[2] = {{FIND_DUPLICATES, FIND_ACCURACY_DISTINCT},
               {FIND_TRAINING_IMAGES, FIND_ACCURACY_NEW}};
    const struct repeat_share *images[] = {&d->inside, &d->against},
                              *accuracy[] = {&d->without_inside, &d->without_against};
    for (int i = 0; i < 2; i++) {
        if (!images[i]->known || images[i]->of == 0)
            continue;
        f->of[id[i].images] = shared(images[i]);
        f->of[id[i].images].verdict = find_yes(images[i]->count > 0);
        f->of[id[i].accuracy] = shared(accuracy[i]);
        f->of[id[i].accuracy].baseline = share_of(t->classes.correct, t->classes.total);
    }
    if (d->labels.known && d->labels.of > 0) {
        f->of[FIND_TWO_LABELS] = shared(&d->labels);
        f->of[FIND_TWO_LABELS].verdict = find_yes(d->labels.count > 0);
    }
}
