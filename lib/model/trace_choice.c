/* Choices by activations: comparisons, the larger of two, absolute values and the functions that
 * are made of them. What chooses is activations of zeros and ones, through which no gradient goes.
 */
#include "model/trace_parts.h"

#include <float.h>
#include <math.h>

/* 1 where sign x is above 0, else 0: a hard sigmoid so steep that no number lies on its slope. */
static int step(struct trace *t, const struct trace_symbol *x, double sign, struct trace_symbol *y,
                struct err *e)
{
    struct trace_symbol s;
    if (trace_scale(t, x, sign, 0, &s, e) != 0)
        return -1;
    s.shared = true; /* other steps read it, too */
    if (trace_function(t, &s, GRAPH_HARD_SIGMOID, (double)FLT_MAX, 0, y, e) != 0)
        return -1;
    y->mask = true;
    return 0;
}

static int opposite(struct trace *t, const struct trace_symbol *mask, struct trace_symbol *y,
                    struct err *e)
{
    if (trace_scale(t, mask, -1, 1, y, e) != 0)
        return -1;
    y->mask = true;
    return 0;
}

/* x compared with 0. */
static int compare(struct trace *t, enum trace_pairing how, const struct trace_symbol *x,
                   struct trace_symbol *y, struct err *e)
{
    struct trace_symbol above, below;
    const bool equal = how == TRACE_EQUAL || how == TRACE_DIFFERENT;
    const bool rising = how == TRACE_MORE || how == TRACE_AT_MOST;
    if (!equal && how != TRACE_MORE && how != TRACE_LESS && how != TRACE_AT_MOST &&
        how != TRACE_AT_LEAST)
        return trace_refuse(t, e, "expected truths that are known, found activations");
    if (equal ? step(t, x, 1, &above, e) != 0 || step(t, x, -1, &below, e) != 0 ||
                    trace_add(t, &above, &below, 1, y, e) != 0
              : step(t, x, rising ? 1 : -1, y, e) != 0)
        return -1;
    y->mask = true;
    return how == TRACE_MORE || how == TRACE_LESS || how == TRACE_DIFFERENT ? 0
                                                                            : opposite(t, y, y, e);
}

/* x where the mask is 1, else 0. */
static int times(struct trace *t, const struct trace_symbol *mask, const struct trace_symbol *x,
                 struct trace_symbol *y, struct err *e)
{
    struct trace_symbol m = *mask, made = *x;
    m.mask = false;
    m.shared = true;
    made.shared = true;
    return trace_multiply(t, &m, &made, y, e);
}

/* Where both masks are 1, or one of them. */
static int joined(struct trace *t, enum trace_pairing how, const struct trace_symbol *a,
                  const struct trace_symbol *b, struct trace_symbol *y, struct err *e)
{
    struct trace_symbol s;
    if (times(t, a, b, &s, e) != 0)
        return -1;
    *y = s;
    if (how == TRACE_EITHER && (trace_add(t, a, b, 1, y, e) != 0 || trace_add(t, y, &s, -1, y, e)))
        return -1;
    y->mask = true;
    return 0;
}

int trace_compare(struct trace *t, enum trace_pairing how, const struct trace_symbol *a,
                  const struct trace_symbol *b, struct trace_symbol *y, struct err *e)
{
    struct trace_symbol s;
    if ((!a || a->kind != TRACE_VALUE) && (!b || b->kind != TRACE_VALUE))
        return trace_known_two(t, how, a, b, y, e);
    if (a && b && a->mask && b->mask && (how == TRACE_BOTH || how == TRACE_EITHER))
        return joined(t, how, a, b, y, e);
    if (!a || !b || a->mask || b->mask)
        return trace_refuse(t, e, "expected activations to be compared, found something else");
    return trace_add(t, a, b, -1, &s, e) != 0 ? -1 : compare(t, how, &s, y, e);
}

int trace_compare_number(struct trace *t, enum trace_pairing how, const struct trace_symbol *x,
                         double number, struct trace_symbol *y, struct err *e)
{
    struct trace_symbol s;
    if (!x || x->kind != TRACE_VALUE)
        return trace_known_number(t, how, x, number, y, e);
    if (x->mask && how == TRACE_EQUAL && number == 0)
        return opposite(t, x, y, e);
    if (!isfinite(number) || x->mask)
        return trace_refuse(t, e,
                            "expected activations and a finite number to be compared, found "
                            "others");
    return trace_scale(t, x, 1, -number, &s, e) != 0 ? -1 : compare(t, how, &s, y, e);
}

int trace_choose(struct trace *t, const struct trace_symbol *mask, const struct trace_symbol *yes,
                 const struct trace_symbol *no, struct trace_symbol *y, struct err *e)
{
    struct trace_symbol other, a, b;
    if (!mask->mask)
        return trace_refuse(t, e, "expected a mask, found activations of other numbers");
    if (yes->mask || no->mask)
        return trace_refuse(t, e, "expected numbers to choose from, found masks");
    if (trace_is_nothing(t, no))
        return times(t, mask, yes, y, e);
    if (opposite(t, mask, &other, e) != 0 || times(t, &other, no, &b, e) != 0)
        return -1;
    if (!trace_is_nothing(t, yes))
        return times(t, mask, yes, &a, e) != 0 ? -1 : trace_add(t, &a, &b, 1, y, e);
    *y = b;
    return 0;
}

int trace_larger(struct trace *t, const struct trace_symbol *a, const struct trace_symbol *b,
                 bool smaller, struct trace_symbol *y, struct err *e)
{
    struct trace_symbol s, mask;
    double v;
    if (!a || !b || (a->kind != TRACE_VALUE && b->kind != TRACE_VALUE) || a->mask || b->mask)
        return trace_refuse(t, e, "expected activations to be compared, found something else");
    const struct trace_symbol *known = trace_is_known(a) ? a : trace_is_known(b) ? b : NULL;
    if (known && trace_count(known) == 1 && known->view.dims <= (known == a ? b : a)->view.dims)
        return trace_number(t, known, &v, e) != 0
                   ? -1
                   : trace_function(t, known == a ? b : a, GRAPH_CLIP, smaller ? -INFINITY : v,
                                    smaller ? v : INFINITY, y, e);
    /* Of equal ones each is taken by half, and so gets half of the gradient. */
    if (trace_add(t, a, b, -1, &s, e) != 0 || trace_sign(t, &s, &s, e) != 0 ||
        trace_scale(t, &s, smaller ? -.5 : .5, .5, &mask, e) != 0)
        return -1;
    mask.mask = true;
    return trace_choose(t, &mask, a, b, y, e);
}

/* By two ReLUs: the slope at 0 is 0, as the frameworks have it. */
int trace_absolute(struct trace *t, const struct trace_symbol *x, struct trace_symbol *y,
                   struct err *e)
{
    struct trace_symbol in, above, below;
    if (trace_expect(t, x, TRACE_VALUE, "its input", e) != 0)
        return -1;
    in = *x;
    in.shared = true; /* both parts read it */
    if (trace_function(t, &in, GRAPH_CLIP, 0, INFINITY, &above, e) != 0 ||
        trace_scale(t, &in, -1, 0, &below, e) != 0 ||
        trace_function(t, &below, GRAPH_CLIP, 0, INFINITY, &below, e) != 0)
        return -1;
    return trace_add(t, &above, &below, 1, y, e);
}

int trace_sign(struct trace *t, const struct trace_symbol *x, struct trace_symbol *y, struct err *e)
{
    struct trace_symbol above, below;
    if (trace_expect(t, x, TRACE_VALUE, "its input", e) != 0 || step(t, x, 1, &above, e) != 0 ||
        step(t, x, -1, &below, e) != 0)
        return -1;
    above.mask = below.mask = false;
    return trace_add(t, &above, &below, -1, y, e);
}

int trace_threshold(struct trace *t, const struct trace_symbol *x, double threshold, double value,
                    struct trace_symbol *y, struct err *e)
{
    struct trace_symbol mask, number;
    return trace_compare_number(t, TRACE_MORE, x, threshold, &mask, e) != 0 ||
                   trace_known_full(t, NULL, 0, value, &number, e) != 0
               ? -1
               : trace_choose(t, &mask, x, &number, y, e);
}

int trace_shrink(struct trace *t, const struct trace_symbol *x, double width, double shift,
                 struct trace_symbol *y, struct err *e)
{
    struct trace_symbol in, above, below, far, s;
    if (trace_expect(t, x, TRACE_VALUE, "its input", e) != 0)
        return -1;
    if (!(width >= 0) || !isfinite(width) || !isfinite(shift))
        return trace_refuse(t, e, "expected a finite width of at least 0, found another");
    in = *x;
    in.shared = true; /* all parts read it */
    if (trace_compare_number(t, TRACE_MORE, &in, width, &above, e) != 0 ||
        trace_compare_number(t, TRACE_LESS, &in, -width, &below, e) != 0)
        return -1;
    above.mask = below.mask = false;
    above.shared = below.shared = true;
    if (trace_add(t, &above, &below, 1, &far, e) != 0 || trace_multiply(t, &in, &far, y, e) != 0)
        return -1;
    if (shift == 0)
        return 0;
    return trace_add(t, &below, &above, -1, &s, e) != 0 ? -1 : trace_add(t, y, &s, shift, y, e);
}

int trace_softsign(struct trace *t, const struct trace_symbol *x, struct trace_symbol *y,
                   struct err *e)
{
    struct trace_symbol s;
    return trace_absolute(t, x, &s, e) != 0 || trace_scale(t, &s, 1, 1, &s, e) != 0
               ? -1
               : trace_divide(t, x, &s, y, e);
}
