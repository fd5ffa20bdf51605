#include "stats/find.h"

#include "base/mem.h"
#include "stats/share.h"

#include <math.h>
#include <stdlib.h>

/* --- pairs --- */

static void find_top_pairs(struct findings *f, const struct tables *r)
{
    struct top_pairs *top = &f->top;
    const struct pair_row *p = r->pairs.row;
    size_t tied;
    top->n = (int)pairs_listed(&r->pairs, PAIRS_TOP, &tied);
    top->tied = (int64_t)tied;
    for (int i = 0; i < top->n; i++) {
        top->errors += p[i].count;
        top->same += p[i].same_superclass == 1;
        top->across += p[i].same_superclass == 0;
        top->reverse_known += p[i].reverse >= 0;
        top->mutual += p[i].reverse >= 0 && 2 * p[i].reverse >= p[i].count;
    }
    top->at_most_half = 2 * (size_t)top->n <= r->pairs.n;
}

struct counted_twice {
    int truth, pred;
    int64_t chosen; /* errors of a pair in the half of the images that chooses */
    int64_t held;   /* its errors in the other half */
};

/* Equal pairs stand by class: their order must not tell of the other half. */
static int by_chosen(const void *a, const void *b)
{
    const struct counted_twice *x = a, *y = b;
    if (x->chosen != y->chosen)
        return x->chosen < y->chosen ? 1 : -1;
    return x->truth != y->truth ? x->truth - y->truth : x->pred - y->pred;
}

/* The errors of the `top` pairs that are most frequent in one half of the images, counted
 * in the other, for both halves: frequent by luck in the one, a pair is not in the other. By
 * `chance` an error is in them; p is that of the half that tells less. */
static struct finding count_top(const struct pairs *p, int top, double chance)
{
    struct counted_twice *pair = mem_alloc(p->n, sizeof *pair);
    int64_t held[2] = {0, 0}, errors[2] = {0, 0};
    for (int side = 0; side < 2; side++) {
        for (size_t i = 0; i < p->n; i++) {
            const struct pair_row *row = &p->row[i];
            int64_t first = row->first_half, second = row->count - first;
            pair[i] = (struct counted_twice){row->truth, row->pred, side ? second : first,
                                             side ? first : second};
            errors[side] += pair[i].held;
        }
        qsort(pair, p->n, sizeof *pair, by_chosen);
        /* That a pair is in the table at all tells of the other half where it is not in this. */
        for (size_t i = 0; i < p->n && i < (size_t)top && pair[i].chosen > 0; i++)
            held[side] += pair[i].held;
    }
    free(pair);
    struct finding f = find_counted(held[0] + held[1], errors[0] + errors[1]);
    f.baseline = chance;
    f.p = fmax(share_tail(held[0], errors[0], chance), share_tail(held[1], errors[1], chance));
    return f;
}

static int64_t first_half(const struct pairs *p)
{
    int64_t n = 0;
    for (size_t i = 0; i < p->n; i++)
        n += p->row[i].first_half;
    return n;
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
    return 2 * n <= all && find_twice_the_odds(share, n / all);
}

static void find_few_pairs(struct findings *f, const struct tables *r)
{
    struct finding *few = &f->of[FIND_FEW_PAIRS];
    int64_t errors = tables_errors(r);
    /* Of two classes there are two pairs, and half of them hold half of the errors. */
    if (r->classes.present < 3 || errors == 0 || !r->confidence.known)
        return;
    f->few.possible = (double)f->with_images * (r->classes.present - 1);
    choose_few(&f->few, r->pairs.row, f->top.n, errors);
    f->few.all = (size_t)f->few.n == r->pairs.n;
    f->few.little = (double)r->pairs.row[0].count < PAIRS_LITTLE * (double)errors;
    *few = count_top(&r->pairs, f->few.n, f->few.n / f->few.possible);
    for (int i = 0; i < f->few.n; i++)
        if (r->pairs.row[i].examples)
            examples_join(&few->examples, r->pairs.row[i].examples);
    bool large = few->value >= PAIRS_SHARE && few_of(f->few.n, f->few.possible, few->value) &&
                 (f->few.n <= FEW_PAIRS || few_of(f->few.n, (double)r->pairs.n, few->value));
    /* Without errors in one of the halves nothing chosen in the other can be there again. */
    int64_t first = first_half(&r->pairs);
    few->verdict =
        errors < FINDINGS_FEW || first == 0 || first == errors || (large && !find_tells(few->p))
            ? VERDICT_FEW
            : find_yes(large);
}

/* Of the two ways between two classes, the one with the larger rate against the other. */
static void find_one_way(struct findings *f, const struct tables *r)
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
        struct finding way = find_counted(more, both);
        way.baseline = even;
        way.p = share_test(more, both, even);
        way.verdict = find_yes(way.value > even);
        const struct pair_row *pair = forward ? p : pairs_find(&r->pairs, cls, to);
        if (pair && pair->examples)
            way.examples = *pair->examples;
        find_add(&f->one_way, &(struct found){cls, to, way, both - more});
    }
    f->pairs_tested = f->one_way.n;
    find_correct(&f->one_way);
    find_sort(&f->one_way, FIND_BY_COUNT);
    if (f->pairs_tested == 0)
        return;
    o->count = f->one_way.n;
    o->of = f->pairs_tested;
    o->verdict = find_yes(o->count > 0);
    find_sum(&f->one_way, o);
}

void find_pairs(struct findings *f, const struct tables *t)
{
    find_top_pairs(f, t);
    find_few_pairs(f, t);
    find_one_way(f, t);
}
