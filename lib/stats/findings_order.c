#include "stats/find.h"

#include "base/mem.h"
#include "stats/share.h"

#include <math.h>
#include <stdlib.h>

/* --- the order of the classes --- */

struct move {
    int to; /* -1 where the class stays, or has no class of its own to go to */
    int64_t count;
    double p;
    struct examples examples;
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
static void find_moves(const struct tables *r, struct move *move)
{
    const struct classes *c = &r->classes;
    int *from = mem_zero((size_t)c->n, sizeof *from); /* how many classes go to it */
    double *p = mem_alloc((size_t)c->n, sizeof *p);
    for (int i = 0; i < c->n; i++)
        move[i] = (struct move){.to = -1, .p = NAN};
    /* The first pair of a class is its most frequent. */
    for (size_t i = 0; i < r->pairs.n; i++) {
        const struct pair_row *pair = &r->pairs.row[i];
        const struct class_row *row = &c->row[pair->truth];
        struct move *m = &move[pair->truth];
        if (m->count > 0)
            continue;
        m->count = pair->count;
        if (pair->examples)
            m->examples = *pair->examples;
        double share = chance_of(c, c->row[pair->pred].predicted, class_errors(row), row->total);
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
        if (to && (!find_tells(p[i]) || from[move[i].to] > 1 ||
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
static void find_offset(struct findings *f, const struct tables *r)
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
                  chance_of(c, c->row[(i + best) % c->n].predicted, tables_errors(r), c->total);
    struct finding *o = &f->of[FIND_CLASS_ORDER];
    double p = best == 0 ? 1 : (c->present - 1) * share_tail(images[best], c->total, chance);
    if ((double)images[best] > MOVED_SHARE * total && share > MOVED_SHARE && find_tells(p)) {
        *o = find_counted(images[best], c->total);
        o->baseline = (double)c->correct / total;
        o->p = p;
        o->verdict = VERDICT_YES;
        f->offset = best;
        for (size_t i = 0; i < r->pairs.n; i++) {
            const struct pair_row *pair = &r->pairs.row[i];
            if (pair->examples && (pair->pred - pair->truth + c->n) % c->n == best)
                examples_join(&o->examples, pair->examples);
        }
    }
    free(images);
}

void find_class_order(struct findings *f, const struct tables *r)
{
    const struct classes *c = &r->classes;
    if (c->present < 2 || f->with_images < 2 || tables_errors(r) == 0)
        return;
    struct finding *o = &f->of[FIND_CLASS_ORDER];
    struct move *move = mem_alloc((size_t)c->n, sizeof *move);
    find_moves(r, move);
    /* Most of the classes, or some that change places; a class that is predicted as another
     * is neither. */
    if (2 * count_moves(move, c->n) < f->with_images)
        close_moves(move, c->n);
    f->moved_classes = count_moves(move, c->n);
    o->verdict = find_yes(f->moved_classes >= 2);
    if (o->verdict == VERDICT_YES) {
        int64_t moved = 0, correct = 0;
        double p = 0;
        bool agree = true;
        for (int i = 0; i < c->n; i++) {
            if (move[i].to < 0) {
                correct += c->row[i].correct;
                continue;
            }
            struct finding m = find_counted(move[i].count, c->row[i].total);
            m.p = move[i].p;
            m.verdict = VERDICT_YES;
            m.examples = move[i].examples;
            find_add(&f->moved, &(struct found){i, move[i].to, m, move[i].count});
            moved += move[i].count;
            p = fmax(p, move[i].p);
            int offset = (move[i].to - i + c->n) % c->n;
            agree = agree && (f->offset == 0 || f->offset == offset);
            f->offset = offset;
        }
        if (!agree)
            f->offset = 0;
        *o = find_counted(moved, c->total);
        o->value = (double)(moved + correct) / (double)c->total;
        o->baseline = (double)c->correct / (double)c->total;
        o->p = p;
        o->verdict = VERDICT_YES;
        find_sum(&f->moved, o);
    } else {
        f->moved_classes = 0;
        find_offset(f, r);
    }
    free(move);
}
