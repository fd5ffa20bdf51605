#include "stats/find.h"

#include "base/mem.h"
#include "stats/prediction.h"
#include "stats/share.h"

#include <math.h>
#include <stdlib.h>

/* --- accuracy --- */

/* The accuracy of predictions that are drawn as often as the model makes them, whatever
 * the image. Images of one class cannot tell: then each class is as likely. */
static double chance_accuracy(const struct classes *c, int with_images)
{
    double sum = 0, total = (double)c->total;
    for (int i = 0; i < c->n; i++) {
        const struct class_row *row = &c->row[i];
        if (row->total == 0)
            continue;
        if (row->predicted < 0 || with_images < 2)
            return 1 / (double)c->present;
        sum += (double)row->total * (double)row->predicted;
    }
    return sum / (total * total);
}

void find_accuracy(struct findings *f, const struct tables *t)
{
    const struct classes *c = &t->classes;
    struct finding *a = &f->of[FIND_ACCURACY];
    *a = find_counted(c->correct, c->total);
    if (c->present < 2 || c->total == 0)
        return;
    a->baseline = chance_accuracy(c, f->with_images);
    a->p = share_tail(c->correct, c->total, a->baseline);
    double enough = a->baseline + ABOVE_CHANCE * (1 - a->baseline);
    if (find_tells(a->p))
        a->verdict = find_yes(a->value >= enough);
    else
        a->verdict = a->high > enough ? VERDICT_FEW : VERDICT_NO;
    for (int i = 0; i < c->n; i++)
        if (c->row[i].present && c->row[i].predicted == c->total)
            f->only_predicted = i;
}

void find_top5(struct findings *f, const struct tables *r)
{
    const struct classes *c = &r->classes;
    if (c->present < TOP5_CLASSES || c->total == 0 || isnan(r->summary.top5_accuracy))
        return;
    struct finding *top = &f->of[FIND_TOP5];
    *top = find_counted(llround(r->summary.top5_accuracy * (double)c->total), c->total);
    top->baseline = 5 / (double)c->present;
    top->p = share_tail(top->count, top->of, top->baseline);
    top->verdict = find_yes(find_tells(top->p));
}

/* --- classes --- */

/* Whether the accuracies of the classes differ by more than chance: the sum over classes of
 * (correct - expected)^2 / variance, whose own variance is that of binomials with as many
 * images (2 + (1 - 6 a (1 - a)) / (n a (1 - a)) each); a chi-square of that mean and
 * variance gives p. */
void find_classes_differ(struct findings *f, const struct tables *t)
{
    const struct classes *c = &t->classes;
    struct finding *d = &f->of[FIND_CLASSES_DIFFER];
    if (f->with_images < 2)
        return;
    double a = (double)c->correct / (double)c->total, b = a * (1 - a), x = 0, variance = 0;
    double df = f->with_images - 1;
    d->of = f->with_images;
    d->p = 1;
    for (int i = 0; i < c->n && b > 0; i++) {
        double n = (double)c->row[i].total, away = (double)c->row[i].correct - n * a;
        if (n == 0)
            continue;
        x += away * away / (n * b);
        variance += 2 + (1 - 6 * b) / (n * b);
    }
    if (b > 0 && variance > 0)
        d->p = share_chi_square(x * 2 * df / variance, 2 * df * df / variance);
    d->verdict = find_yes(find_tells(d->p));
}

/* What the weak classes would win at the accuracy of the others: each has fewer correct
 * predictions than the rest of the run, so the rest is not empty. */
static void measure_gain(struct findings *f, const struct classes *c)
{
    int64_t images = 0, correct = 0;
    for (int i = 0; i < f->weak.n; i++) {
        images += f->weak.at[i].f.of;
        correct += f->weak.at[i].f.count;
    }
    double others = (double)(c->correct - correct) / (double)(c->total - images);
    f->weak_classes.others = others;
    f->weak_classes.gain = (others * (double)images - (double)correct) / (double)c->total;
}

/* Classes in another order than the labels are not weak. */
void find_weak_classes(struct findings *f, const struct tables *t)
{
    const struct classes *c = &t->classes;
    struct finding *w = &f->of[FIND_WEAK_CLASSES];
    int64_t errors = 0, below = 0; /* below: images of classes below WEAK_CLASS */
    if (f->with_images < 2)
        return;
    int moved = 0;
    for (int i = 0; i < c->n; i++) {
        const struct class_row *row = &c->row[i];
        bool moves = moved < f->moved.n && f->moved.at[moved].cls == i; /* they rise */
        moved += moves;
        if (row->total == 0 || moves)
            continue;
        struct finding class = find_counted(row->correct, row->total);
        int64_t others = c->total - row->total;
        class.baseline = (double)(c->correct - row->correct) / (double)others;
        class.p = share_tail(class_errors(row), row->total, 1 - class.baseline);
        class.verdict = find_yes(class.value < WEAK_CLASS);
        if (class.value < WEAK_CLASS) {
            f->below_half++;
            below += row->total;
        }
        class.examples = row->errors;
        find_add(&f->weak, &(struct found){i, -1, class, class_errors(row)});
    }
    f->classes_tested = f->weak.n;
    if (f->below_half > 0)
        f->below_images = (double)below / f->below_half;
    find_correct(&f->weak);
    find_sort(&f->weak, FIND_BY_VALUE);
    for (int i = 0; i < f->weak.n; i++)
        errors += f->weak.at[i].errors;
    *w = find_counted(errors, tables_errors(t));
    /* That they differ without one that can be named is a want of images. */
    bool differ = f->of[FIND_CLASSES_DIFFER].verdict == VERDICT_YES;
    w->verdict = f->weak.n > 0                 ? VERDICT_YES
                 : f->below_half > 0 && differ ? VERDICT_FEW
                                               : VERDICT_NO;
    find_sum(&f->weak, w);
    if (f->weak.n > 0)
        measure_gain(f, c);
}

void find_overpredicted(struct findings *f, const struct tables *t)
{
    const struct classes *c = &t->classes;
    struct finding *o = &f->of[FIND_OVERPREDICTED];
    bool known = false;
    if (c->present < 2)
        return;
    for (int i = 0; i < c->n; i++) {
        const struct class_row *row = &c->row[i];
        if (!row->present || row->predicted < 0)
            continue;
        known = true;
        int64_t wrong = row->predicted - row->correct, missed = class_errors(row);
        if (wrong + missed == 0)
            continue;
        struct finding class = find_nothing;
        class.count = row->predicted;
        class.of = row->total;
        class.value = (double)(row->predicted - row->total);
        class.baseline = (double)row->total;
        /* As many are predicted as occur where both kinds of error are as frequent. */
        class.p = share_tail(wrong, wrong + missed, 0.5);
        class.verdict = find_yes((double)row->predicted >= OVERPREDICTED * (double)row->total);
        class.examples = row->wrongly;
        find_add(&f->overpredicted, &(struct found){i, -1, class, wrong});
    }
    find_correct(&f->overpredicted);
    find_sort(&f->overpredicted, FIND_BY_VALUE_FALLING); /* the largest surplus first */
    if (!known)
        return;
    o->count = f->overpredicted.n;
    o->of = c->present;
    o->verdict = find_yes(o->count > 0);
    find_sum(&f->overpredicted, o);
}

/* --- superclasses --- */

/* How many classes each superclass holds: [STATS_CLASSES]. NULL where a class has none, or
 * where they do not divide the classes. Caller frees. */
static int *superclass_sizes(const struct classes *c)
{
    int *size = mem_zero(STATS_CLASSES, sizeof *size), superclasses = 0, most = 0;
    bool known = true;
    for (int i = 0; i < c->n; i++) {
        if (!c->row[i].present)
            continue;
        int g = c->row[i].superclass;
        known = known && g >= 0;
        if (g < 0)
            continue;
        superclasses += size[g]++ == 0;
        most = size[g] > most ? size[g] : most;
    }
    if (known && superclasses >= 2 && most >= 2)
        return size;
    free(size);
    return NULL;
}

void find_superclasses(struct findings *f, const struct tables *r)
{
    const struct classes *c = &r->classes;
    int *size = superclass_sizes(c);
    int64_t errors = tables_errors(r), inside = 0;
    double chance = 0;
    f->superclasses = size != NULL;
    if (!size)
        return;
    for (size_t i = 0; i < r->pairs.n; i++)
        inside += r->pairs.row[i].same_superclass == 1 ? r->pairs.row[i].count : 0;
    for (int i = 0; i < c->n; i++)
        if (c->row[i].present)
            chance += (double)class_errors(&c->row[i]) * (size[c->row[i].superclass] - 1) /
                      (c->present - 1);
    free(size);
    f->of[FIND_SUPERCLASS] = find_counted(c->correct + inside, c->total);
    /* No error can stay inside where these classes are alone in their superclasses. */
    if (chance == 0)
        return;
    struct finding *s = &f->of[FIND_SAME_SUPERCLASS];
    *s = find_counted(inside, errors);
    s->baseline = chance / (double)errors;
    s->p = share_tail(inside, errors, s->baseline);
    s->verdict = find_yes(find_tells(s->p) && s->value >= SUPERCLASS_SHARE &&
                          find_twice_the_odds(s->value, s->baseline));
    s->examples = r->confidence.same_superclass;
}
