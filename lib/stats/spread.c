#include "stats/spread.h"

#include <math.h>

void spread_add(struct spread *s, double value)
{
    if (isnan(value))
        return;
    double v = fmin(fmax(value, 0), 1);
    s->at[lround(v * SPREAD_STEPS)]++;
    s->n++;
}

/* The value with `rank` values before it, as a step. */
static int spread_ranked(const struct spread *s, int64_t rank)
{
    int i = 0;
    for (int64_t before = s->at[0]; before <= rank; before += s->at[i])
        i++;
    return i;
}

double spread_median(const struct spread *s)
{
    if (s->n == 0)
        return NAN;
    int low = spread_ranked(s, (s->n - 1) / 2), high = spread_ranked(s, s->n / 2);
    return (low + high) / (2.0 * SPREAD_STEPS);
}

struct spread_test spread_compare(const struct spread *a, const struct spread *b)
{
    struct spread_test t = {NAN, NAN};
    if (a->n == 0 || b->n == 0)
        return t;
    double na = (double)a->n, nb = (double)b->n, n = na + nb;
    double below = 0, u = 0, ties = 0;
    for (int i = 0; i <= SPREAD_STEPS; i++) {
        double x = (double)a->at[i], y = (double)b->at[i], both = x + y;
        u += y * (below + x / 2);
        below += x;
        ties += both * (both * both - 1);
    }
    t.larger = u / (na * nb);
    double variance = na * nb / 12 * (n + 1 - (n > 1 ? ties / (n * (n - 1)) : 0));
    double away = fmax(fabs(u - na * nb / 2) - 0.5, 0);
    t.p = variance > 0 ? erfc(away / sqrt(2 * variance)) : 1;
    return t;
}
