#include "findings.h"

#include "base/mem.h"
#include "stats/prediction.h"
#include "stats/share.h"

#include <math.h>
#include <stdlib.h>

static const struct finding nothing = {VERDICT_NONE, NAN, -1, -1, NAN, NAN, NAN, NAN};

static struct finding counted(int64_t count, int64_t of)
{
    struct finding f = nothing;
    f.count = count;
    f.of = of;
    if (of > 0) {
        f.value = (double)count / (double)of;
        share_interval(count, of, &f.low, &f.high);
    }
    return f;
}

static enum verdict yes_if(bool holds)
{
    return holds ? VERDICT_YES : VERDICT_NO;
}

/* Whether a corrected p is below the level; false where it is NaN. */
static bool tells(double p)
{
    return p < FINDINGS_LEVEL;
}

/* A share that can be reached from any level of chance: twice its odds. */
static bool twice_the_odds(double share, double chance)
{
    return share * (1 - chance) >= 2 * chance * (1 - share);
}

/* --- lists --- */

static void item_add(struct items *items, int cls, int to, struct finding f)
{
    /* Room doubles at the powers of two. */
    if ((items->n & (items->n - 1)) == 0)
        items->at = mem_grow(items->at, items->n ? 2 * (size_t)items->n : 1, sizeof *items->at);
    items->at[items->n++] = (struct item){cls, to, f};
}

/* Corrects the items' p for all of them, gives those that `holds` lets pass the verdict yes
 * and drops the others. */
static void items_correct(struct items *items)
{
    double *p = mem_alloc((size_t)items->n + 1, sizeof *p);
    for (int i = 0; i < items->n; i++)
        p[i] = items->at[i].f.p;
    share_holm(p, (size_t)items->n);
    int kept = 0;
    for (int i = 0; i < items->n; i++) {
        struct item *it = &items->at[i];
        it->f.p = p[i];
        if (it->f.verdict == VERDICT_YES && tells(p[i]))
            items->at[kept++] = *it;
    }
    items->n = kept;
    free(p);
}

/* By the images that the finding is about, then by class. */
static int by_count(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    if (x->f.count != y->f.count)
        return x->f.count < y->f.count ? 1 : -1;
    return x->cls != y->cls ? x->cls - y->cls : x->to - y->to;
}

static int by_value(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    if (x->f.value < y->f.value || x->f.value > y->f.value)
        return x->f.value < y->f.value ? -1 : 1;
    return x->cls - y->cls;
}

static void items_sort(struct items *items, int (*by)(const void *, const void *))
{
    if (items->n > 1)
        qsort(items->at, (size_t)items->n, sizeof *items->at, by);
}

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

static void find_accuracy(struct findings *f, const struct classes *c)
{
    struct finding *a = &f->of[FIND_ACCURACY];
    *a = counted(c->correct, c->total);
    if (c->present < 2 || c->total == 0)
        return;
    a->baseline = chance_accuracy(c, f->with_images);
    a->p = share_tail(c->correct, c->total, a->baseline);
    double enough = a->baseline + ABOVE_CHANCE * (1 - a->baseline);
    if (tells(a->p))
        a->verdict = yes_if(a->value >= enough);
    else
        a->verdict = a->high > enough ? VERDICT_FEW : VERDICT_NO;
    for (int i = 0; i < c->n; i++)
        if (c->row[i].present && c->row[i].predicted == c->total)
            f->only_predicted = i;
}

static void find_top5(struct findings *f, const struct run *r)
{
    const struct classes *c = &r->classes;
    if (c->present < TOP5_CLASSES || c->total == 0 || isnan(r->summary.top5_accuracy))
        return;
    struct finding *t = &f->of[FIND_TOP5];
    *t = counted(llround(r->summary.top5_accuracy * (double)c->total), c->total);
    t->baseline = 5 / (double)c->present;
    t->p = share_tail(t->count, t->of, t->baseline);
    t->verdict = yes_if(tells(t->p));
}

/* --- the order of the classes --- */

struct move {
    int to; /* -1 where the class stays, or has no class of its own to go to */
    int64_t count;
    double p;
};

/* How likely an image is to get a wrong class by chance: as that class is predicted for all
 * images, or as it would be if the errors were spread over the other classes, where there is
 * more than one. */
static double chance_of(const struct classes *c, int64_t predicted, int64_t errors, int64_t images)
{
    double share = predicted < 0 ? 1 / (double)c->present : (double)predicted / (double)c->total;
    double even = (double)errors / (double)images / (c->present - 1);
    return c->present > 2 ? fmax(share, even) : share;
}

/* Most images of a class are predicted as one other, which no other class goes to and which
 * does not stay itself. */
static void find_moves(const struct run *r, struct move *move)
{
    const struct classes *c = &r->classes;
    int *from = mem_zero((size_t)c->n, sizeof *from); /* how many classes go to it */
    double *p = mem_alloc((size_t)c->n, sizeof *p);
    for (int i = 0; i < c->n; i++)
        move[i] = (struct move){-1, 0, NAN};
    /* The first pair of a class is its most frequent. */
    for (size_t i = 0; i < r->pairs.n; i++) {
        const struct pair_row *pair = &r->pairs.row[i];
        const struct class_row *row = &c->row[pair->truth];
        struct move *m = &move[pair->truth];
        if (m->count > 0)
            continue;
        m->count = pair->count;
        double share =
            chance_of(c, c->row[pair->pred].predicted, row->total - row->correct, row->total);
        m->p = fmin((c->present - 1) * share_tail(pair->count, row->total, share), 1);
        if ((double)pair->count > MOVED_SHARE * (double)row->total) {
            m->to = pair->pred;
            from[pair->pred]++;
        }
    }
    for (int i = 0; i < c->n; i++)
        p[i] = move[i].p;
    share_holm(p, (size_t)c->n);
    for (int i = 0; i < c->n; i++) {
        const struct class_row *to = move[i].to < 0 ? NULL : &c->row[move[i].to];
        move[i].p = p[i];
        if (to && (!tells(p[i]) || from[move[i].to] > 1 ||
                   (double)to->correct > MOVED_SHARE * (double)to->total))
            move[i].to = -1;
    }
    free(from);
    free(p);
}

/* Leaves the moves whose classes change places among themselves: from a class that stays,
 * back along those that lead to it, of which each has one before it. */
static void close_moves(struct move *move, int n)
{
    int *from = mem_alloc((size_t)n, sizeof *from);
    for (int i = 0; i < n; i++)
        from[i] = -1;
    for (int i = 0; i < n; i++)
        if (move[i].to >= 0)
            from[move[i].to] = i;
    for (int i = 0; i < n; i++) {
        if (move[i].to >= 0)
            continue;
        for (int at = from[i], before; at >= 0; at = before) {
            before = from[at];
            from[at] = -1;
            move[at].to = -1;
        }
    }
    free(from);
}

static int count_moves(const struct move *move, int n)
{
    int moved = 0;
    for (int i = 0; i < n; i++)
        moved += move[i].to >= 0;
    return moved;
}

/* Where classes have too few images each, most of them may still agree in one offset: most of
 * the images, and of the mean class, so that one large class alone is no order. */
static void find_offset(struct findings *f, const struct run *r)
{
    const struct classes *c = &r->classes;
    int64_t *images = mem_zero((size_t)c->n, sizeof *images);
    int best = 0;
    for (size_t i = 0; i < r->pairs.n; i++) {
        const struct pair_row *p = &r->pairs.row[i];
        int offset = (p->pred - p->truth + c->n) % c->n;
        images[offset] += p->count;
        best = images[offset] > images[best] ? offset : best;
    }
    double chance = 0, total = (double)c->total, share = 0;
    for (size_t i = 0; i < r->pairs.n; i++) {
        const struct pair_row *p = &r->pairs.row[i];
        if ((p->pred - p->truth + c->n) % c->n == best)
            share += (double)p->count / (double)c->row[p->truth].total / f->with_images;
    }
    for (int i = 0; i < c->n; i++)
        chance += (double)c->row[i].total / total *
                  chance_of(c, c->row[(i + best) % c->n].predicted, run_errors(r), c->total);
    struct finding *o = &f->of[FIND_CLASS_ORDER];
    double p = best == 0 ? 1 : (c->present - 1) * share_tail(images[best], c->total, chance);
    if ((double)images[best] > MOVED_SHARE * total && share > MOVED_SHARE && tells(p)) {
        *o = counted(images[best], c->total);
        o->baseline = (double)c->correct / total;
        o->p = p;
        o->verdict = VERDICT_YES;
        f->offset = best;
    }
    free(images);
}

static void find_class_order(struct findings *f, const struct run *r)
{
    const struct classes *c = &r->classes;
    if (c->present < 2 || f->with_images < 2 || run_errors(r) == 0)
        return;
    struct finding *o = &f->of[FIND_CLASS_ORDER];
    struct move *move = mem_alloc((size_t)c->n, sizeof *move);
    find_moves(r, move);
    /* Most of the classes, or some that change places; a class that is predicted as another
     * is neither. */
    if (2 * count_moves(move, c->n) < f->with_images)
        close_moves(move, c->n);
    f->moved_classes = count_moves(move, c->n);
    o->verdict = yes_if(f->moved_classes >= 2);
    if (o->verdict == VERDICT_YES) {
        int64_t moved = 0, correct = 0;
        double p = 0;
        bool agree = true;
        for (int i = 0; i < c->n; i++) {
            if (move[i].to < 0) {
                correct += c->row[i].correct;
                continue;
            }
            struct finding m = counted(move[i].count, c->row[i].total);
            m.p = move[i].p;
            m.verdict = VERDICT_YES;
            item_add(&f->moved, i, move[i].to, m);
            moved += move[i].count;
            p = fmax(p, move[i].p);
            int offset = (move[i].to - i + c->n) % c->n;
            agree = agree && (f->offset == 0 || f->offset == offset);
            f->offset = offset;
        }
        if (!agree)
            f->offset = 0;
        *o = counted(moved, c->total);
        o->value = (double)(moved + correct) / (double)c->total;
        o->baseline = (double)c->correct / (double)c->total;
        o->p = p;
        o->verdict = VERDICT_YES;
    } else {
        f->moved_classes = 0;
        find_offset(f, r);
    }
    free(move);
}

/* --- classes --- */

/* Whether the accuracies of the classes differ by more than chance: the sum over classes of
 * (correct - expected)^2 / variance, whose own variance is that of binomials with as many
 * images (2 + (1 - 6 a (1 - a)) / (n a (1 - a)) each); a chi-square of that mean and
 * variance gives p. */
static void find_classes_differ(struct findings *f, const struct classes *c)
{
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
    d->verdict = yes_if(tells(d->p));
}

/* Classes in another order than the labels are not weak. */
static void find_weak_classes(struct findings *f, const struct classes *c)
{
    struct finding *w = &f->of[FIND_WEAK_CLASSES];
    if (f->with_images < 2)
        return;
    int64_t errors = 0;
    int moved = 0;
    for (int i = 0; i < c->n; i++) {
        const struct class_row *row = &c->row[i];
        bool moves = moved < f->moved.n && f->moved.at[moved].cls == i; /* they rise */
        moved += moves;
        if (row->total == 0 || moves)
            continue;
        struct finding class = counted(row->correct, row->total);
        int64_t others = c->total - row->total;
        class.baseline = (double)(c->correct - row->correct) / (double)others;
        class.p = share_tail(row->total - row->correct, row->total, 1 - class.baseline);
        class.verdict = yes_if(class.value < WEAK_CLASS);
        f->below_half += class.value < WEAK_CLASS;
        item_add(&f->weak, i, -1, class);
    }
    items_correct(&f->weak);
    items_sort(&f->weak, by_value);
    for (int i = 0; i < f->weak.n; i++)
        errors += f->weak.at[i].f.of - f->weak.at[i].f.count;
    *w = counted(errors, c->total - c->correct);
    w->verdict = yes_if(f->weak.n > 0);
}

static void find_overpredicted(struct findings *f, const struct classes *c)
{
    struct finding *o = &f->of[FIND_OVERPREDICTED];
    bool known = false;
    if (c->present < 2)
        return;
    for (int i = 0; i < c->n; i++) {
        const struct class_row *row = &c->row[i];
        if (!row->present || row->predicted < 0)
            continue;
        known = true;
        int64_t wrong = row->predicted - row->correct, missed = row->total - row->correct;
        if (wrong + missed == 0)
            continue;
        struct finding class = nothing;
        class.count = row->predicted;
        class.of = row->total;
        class.value = (double)(row->predicted - row->total);
        class.baseline = (double)row->total;
        /* As many are predicted as occur where both kinds of error are as frequent. */
        class.p = share_tail(wrong, wrong + missed, 0.5);
        class.verdict = yes_if((double)row->predicted >= OVERPREDICTED * (double)row->total);
        item_add(&f->overpredicted, i, -1, class);
    }
    items_correct(&f->overpredicted);
    for (int i = 0; i < f->overpredicted.n; i++)
        f->overpredicted.at[i].f.value = -f->overpredicted.at[i].f.value;
    items_sort(&f->overpredicted, by_value); /* the largest surplus first */
    for (int i = 0; i < f->overpredicted.n; i++)
        f->overpredicted.at[i].f.value = -f->overpredicted.at[i].f.value;
    if (!known)
        return;
    o->count = f->overpredicted.n;
    o->of = c->present;
    o->verdict = yes_if(o->count > 0);
}

/* --- superclasses --- */

/* How many classes each superclass holds: [STATS_CLASSES]. NULL where a class has none, or
 * where they do not divide the classes. Caller frees. */
static int *superclass_sizes(const struct classes *c)
{
    int *size = mem_zero(STATS_CLASSES, sizeof *size), groups = 0, most = 0;
    bool known = true;
    for (int i = 0; i < c->n; i++) {
        if (!c->row[i].present)
            continue;
        int g = c->row[i].group;
        known = known && g >= 0;
        if (g < 0)
            continue;
        groups += size[g]++ == 0;
        most = size[g] > most ? size[g] : most;
    }
    if (known && groups >= 2 && most >= 2)
        return size;
    free(size);
    return NULL;
}

static void find_superclasses(struct findings *f, const struct run *r)
{
    const struct classes *c = &r->classes;
    int *size = superclass_sizes(c);
    int64_t errors = run_errors(r), inside = 0;
    double chance = 0;
    f->superclasses = size != NULL;
    if (!size)
        return;
    for (size_t i = 0; i < r->pairs.n; i++)
        inside += r->pairs.row[i].same_group == 1 ? r->pairs.row[i].count : 0;
    for (int i = 0; i < c->n; i++)
        if (c->row[i].present)
            chance += (double)(c->row[i].total - c->row[i].correct) * (size[c->row[i].group] - 1) /
                      (c->present - 1);
    free(size);
    f->of[FIND_SUPERCLASS] = counted(c->correct + inside, c->total);
    /* No error can stay inside where these classes are alone in their superclasses. */
    if (chance == 0)
        return;
    struct finding *s = &f->of[FIND_SAME_SUPERCLASS];
    *s = counted(inside, errors);
    s->baseline = chance / (double)errors;
    s->p = share_tail(inside, errors, s->baseline);
    s->verdict = yes_if(tells(s->p) && s->value >= SUPERCLASS_SHARE &&
                        twice_the_odds(s->value, s->baseline));
}

/* --- pairs --- */

static void find_top_pairs(struct findings *f, const struct run *r)
{
    struct top_pairs *top = &f->top;
    const struct pair_row *p = r->pairs.row;
    size_t n = 0;
    while (n < r->pairs.n && p[n].count > 1)
        n++;
    top->n = n < TOP_PAIRS ? (int)n : TOP_PAIRS;
    for (int i = 0; i < top->n; i++) {
        top->errors += p[i].count;
        top->same += p[i].same_group == 1;
        top->across += p[i].same_group == 0;
        top->reverse_known += p[i].reverse >= 0;
        top->mutual += p[i].reverse >= 0 && 2 * p[i].reverse >= p[i].count;
    }
    for (size_t i = (size_t)top->n; i < n && p[i].count == p[top->n - 1].count; i++)
        top->tied++;
}

struct half {
    int truth, pred;
    int64_t chosen, held; /* errors of a pair in the half that chooses, in the other */
};

/* Equal pairs stand by class: their order must not tell of the other half. */
static int by_chosen(const void *a, const void *b)
{
    const struct half *x = a, *y = b;
    if (x->chosen != y->chosen)
        return x->chosen < y->chosen ? 1 : -1;
    return x->truth != y->truth ? x->truth - y->truth : x->pred - y->pred;
}

/* The errors of the `top` pairs that are most frequent in one half of the images, counted
 * in the other, for both halves: frequent by luck in the one, a pair is not in the other. By
 * `chance` an error is in them; p is that of the half that tells less. */
static struct finding count_top(const struct pairs *p, int top, double chance)
{
    struct half *half = mem_alloc(p->n, sizeof *half);
    int64_t held[2] = {0, 0}, errors[2] = {0, 0};
    for (int side = 0; side < 2; side++) {
        for (size_t i = 0; i < p->n; i++) {
            const struct pair_row *row = &p->row[i];
            int64_t first = row->first_half, second = row->count - first;
            half[i] =
                (struct half){row->truth, row->pred, side ? second : first, side ? first : second};
            errors[side] += half[i].held;
        }
        qsort(half, p->n, sizeof *half, by_chosen);
        /* That a pair is in the table at all tells of the other half where it is not in this. */
        for (size_t i = 0; i < p->n && i < (size_t)top && half[i].chosen > 0; i++)
            held[side] += half[i].held;
    }
    free(half);
    struct finding f = counted(held[0] + held[1], errors[0] + errors[1]);
    f.baseline = chance;
    f.p = fmax(share_tail(held[0], errors[0], chance), share_tail(held[1], errors[1], chance));
    return f;
}

/* A list that ends between pairs that are as frequent would be arbitrary: those that are at least
 * two thirds as frequent as the last one needed belong to it. */
static void choose_few(struct few_pairs *few, const struct pair_row *p, int most, int64_t errors)
{
    int64_t last = 0;
    for (; few->n < most; few->n++) {
        int64_t count = p[few->n].count;
        if (2 * few->errors < errors)
            last = count;
        else if (3 * count < 2 * last)
            break;
        few->errors += count;
    }
}

/* Whether n of all pairs are at most half of them, and hold more than their part. */
static bool few_of(int n, double all, double share)
{
    return 2 * n <= all && twice_the_odds(share, n / all);
}

static void find_few_pairs(struct findings *f, const struct run *r)
{
    struct finding *few = &f->of[FIND_FEW_PAIRS];
    int64_t errors = run_errors(r);
    /* Of two classes there are two pairs, and half of them hold half of the errors. */
    if (r->classes.present < 3 || errors == 0 || !r->predictions.known)
        return;
    f->few.possible = (double)f->with_images * (r->classes.present - 1);
    choose_few(&f->few, r->pairs.row, f->top.n, errors);
    *few = count_top(&r->pairs, f->few.n, f->few.n / f->few.possible);
    bool large = few->value >= PAIRS_SHARE && few_of(f->few.n, f->few.possible, few->value) &&
                 (f->few.n <= FEW_PAIRS || few_of(f->few.n, (double)r->pairs.n, few->value));
    few->verdict = errors < FEW || (large && !tells(few->p)) ? VERDICT_FEW : yes_if(large);
}

/* Of the two ways between two classes, the one with the larger rate against the other. */
static void find_one_way(struct findings *f, const struct run *r)
{
    struct finding *o = &f->of[FIND_ONE_WAY];
    if (r->classes.present < 3)
        return;
    for (int i = 0; i < f->top.n; i++) {
        const struct pair_row *p = &r->pairs.row[i];
        int64_t from = r->classes.row[p->truth].total, back = r->classes.row[p->pred].total;
        if (p->reverse < 0 || back == 0)
            continue;
        bool forward = (double)p->count * (double)back >= (double)p->reverse * (double)from;
        int64_t more = forward ? p->count : p->reverse, both = p->count + p->reverse;
        int cls = forward ? p->truth : p->pred, to = forward ? p->pred : p->truth;
        bool seen = false;
        for (int j = 0; j < f->one_way.n; j++)
            seen = seen || (f->one_way.at[j].cls == cls && f->one_way.at[j].to == to);
        if (seen)
            continue;
        double even = (double)r->classes.row[cls].total / (double)(from + back);
        struct finding way = counted(more, both);
        way.baseline = even;
        way.p = share_test(more, both, even);
        way.verdict = yes_if(way.value > even);
        item_add(&f->one_way, cls, to, way);
    }
    f->pairs_tested = f->one_way.n;
    items_correct(&f->one_way);
    items_sort(&f->one_way, by_count);
    if (f->pairs_tested == 0)
        return;
    o->count = f->one_way.n;
    o->of = f->pairs_tested;
    o->verdict = yes_if(o->count > 0);
}

/* --- confidence --- */

static void find_calibration(struct findings *f, const struct run *r)
{
    f->calibration = calibration_error(&r->predictions.calibration);
    /* One class has a confidence of 1, and no other. */
    if (!r->predictions.known || r->classes.present < 2 || r->classes.total == 0)
        return;
    const struct calibration_error *e = &f->calibration;
    struct finding *c = &f->of[FIND_CALIBRATION], *over = &f->of[FIND_OVERCONFIDENT],
                   *under = &f->of[FIND_UNDERCONFIDENT];
    c->value = e->ece;
    c->of = r->classes.total;
    c->baseline = e->chance;
    c->p = e->p;
    c->verdict =
        r->classes.total < FEW ? VERDICT_FEW : yes_if(tells(c->p) && e->ece >= CALIBRATION_ECE);
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
               : yes_if(e->over >= e->under || (tells(p[0]) && e->over >= CALIBRATION_PART));
    under->verdict =
        !there ? c->verdict
               : yes_if(e->under > e->over || (tells(p[1]) && e->under >= CALIBRATION_PART));
}

static void find_highest_errors(struct findings *f, const struct run *r)
{
    const struct predictions *p = &r->predictions;
    int64_t errors = run_errors(r);
    if (!p->known || errors == 0)
        return;
    struct finding *h = &f->of[FIND_HIGHEST_ERRORS];
    *h = counted(p->wrong[BAND_HIGHEST], errors);
    h->baseline = sum_value(&p->highest_doubt) / (double)errors;
    h->verdict = yes_if(h->count > 0);
}

static void find_reject_low(struct findings *f, const struct run *r)
{
    const struct predictions *p = &r->predictions;
    /* The more confident of two classes has one half or more. */
    if (!p->known || r->classes.present < 3 || r->classes.total == 0)
        return;
    int64_t low_correct = p->correct[BAND_LOW], low = low_correct + p->wrong[BAND_LOW];
    int64_t kept = r->classes.total - low, kept_correct = r->classes.correct - low_correct;
    struct finding *k = &f->of[FIND_REJECT_LOW];
    *k = counted(kept_correct, kept);
    k->baseline = (double)r->classes.correct / (double)r->classes.total;
    if (low == 0 || kept == 0)
        return;
    k->p = share_larger(kept_correct, kept, low_correct, low);
    k->verdict = yes_if(tells(k->p) && k->value - k->baseline >= REJECT_GAIN);
}

/* --- maps --- */

static void find_blank(struct findings *f, const struct maps *m)
{
    const struct map_statistics *correct = &m->of[MAPS_CORRECT], *wrong = &m->of[MAPS_WRONG];
    int64_t images = correct->images + wrong->images;
    f->of[FIND_BLANK] = counted(correct->blank + wrong->blank, images);
    f->of[FIND_BLANK].verdict = images ? yes_if(correct->blank + wrong->blank > 0) : VERDICT_NONE;
    f->of[FIND_BLANK_TRUE] = counted(m->true_blank, wrong->images);
    f->of[FIND_BLANK_TRUE].verdict = wrong->images ? yes_if(m->true_blank > 0) : VERDICT_NONE;
    struct finding *places = &f->of[FIND_PLACES];
    *places = counted(m->with_places, images - f->of[FIND_BLANK].count);
    if (places->of > 0)
        places->verdict = yes_if(places->count > 0);
}

static struct difference difference_of(const struct spread *a, const struct spread *b)
{
    return (struct difference){
        {a->n, b->n}, {spread_median(a), spread_median(b)}, spread_compare(a, b).larger};
}

static double difference_p(const struct spread *a, const struct spread *b)
{
    return a->n < FEW || b->n < FEW ? NAN : spread_compare(a, b).p;
}

static void find_difference(struct finding *f, const struct difference *d, double p)
{
    *f = nothing;
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
        f->verdict = yes_if(tells(p) && fmax(d->larger, 1 - d->larger) >= DIFFERENCE_SMALL);
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

/* Two classes have opposite logits, up to a constant: that their maps lie apart is a property
 * of those, not of the image. */
static void find_overlap(struct findings *f, const struct maps *m)
{
    int64_t n = m->overlap.n;
    struct finding *high = &f->of[FIND_OVERLAP_HIGH], *low = &f->of[FIND_OVERLAP_LOW];
    if (n == 0)
        return;
    *high = counted(m->overlap_high, n);
    *low = counted(m->overlap_low, n);
    high->baseline = 0.5;
    low->baseline = OVERLAP_LOW_SHARE;
    high->verdict = n < FEW ? VERDICT_FEW : yes_if(high->low > 0.5);
    low->verdict = n < FEW ? VERDICT_FEW : yes_if(low->low > OVERLAP_LOW_SHARE);
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
    *z = counted(m->true_zero, m->true_measured);
    if (correct->measured > 0) {
        z->baseline = (double)correct->zero / (double)correct->measured;
        z->p = share_larger(m->true_zero, m->true_measured, correct->zero, correct->measured);
    }
    z->verdict = z->of < FEW || correct->measured < FEW
                     ? VERDICT_FEW
                     : yes_if(tells(z->p) && z->value >= ZERO_SHARE);
}

static void find_maps(struct findings *f, const struct run *r)
{
    const struct maps *m = &r->maps;
    if (!m->known)
        return;
    find_blank(f, m);
    if (f->of[FIND_PLACES].verdict != VERDICT_YES)
        return;
    find_differences(f, m);
    if (r->classes.present < 3)
        return;
    find_overlap(f, m);
    find_zero_true(f, m);
}

void findings_compute(struct findings *f, const struct run *r)
{
    const struct classes *c = &r->classes;
    *f = (struct findings){.only_predicted = -1};
    for (int i = 0; i < FINDINGS; i++)
        f->of[i] = nothing;
    for (int i = 0; i < c->n; i++)
        f->with_images += c->row[i].total > 0;
    find_accuracy(f, c);
    find_class_order(f, r);
    find_top5(f, r);
    find_superclasses(f, r);
    find_classes_differ(f, c);
    find_weak_classes(f, c);
    find_top_pairs(f, r);
    find_few_pairs(f, r);
    find_one_way(f, r);
    find_overpredicted(f, c);
    find_calibration(f, r);
    find_highest_errors(f, r);
    find_reject_low(f, r);
    find_maps(f, r);
    const struct finding *order = &f->of[FIND_CLASS_ORDER];
    f->works = f->of[FIND_ACCURACY].verdict == VERDICT_YES &&
               !(order->verdict == VERDICT_YES && 2 * order->count >= run_errors(r));
}

void findings_free(struct findings *f)
{
    free(f->weak.at);
    free(f->one_way.at);
    free(f->overpredicted.at);
    free(f->moved.at);
}
