#include "stats/examples.h"

#include <math.h>
#include <stdbool.h>

static bool before(const struct examples *x, int i, int64_t id, double conf)
{
    return conf > x->conf[i] || (conf >= x->conf[i] && id < x->id[i]);
}

void examples_add(struct examples *x, int64_t id, double conf)
{
    int at = 0, end = 0;
    if (isnan(conf))
        conf = -1;
    /* The last of those that move: the image's own place so far, or a new one. */
    while (end < x->n && x->id[end] != id)
        end++;
    while (at < end && !before(x, at, id, conf))
        at++;
    if (at == EXAMPLES || (end < x->n && at == end && conf <= x->conf[end]))
        return;
    if (end == x->n && x->n < EXAMPLES)
        x->n++;
    for (int i = end < EXAMPLES ? end : EXAMPLES - 1; i > at; i--) {
        x->id[i] = x->id[i - 1];
        x->conf[i] = x->conf[i - 1];
    }
    x->id[at] = id;
    x->conf[at] = conf;
}

void examples_join(struct examples *x, const struct examples *other)
{
    for (int i = 0; i < other->n; i++)
        examples_add(x, other->id[i], other->conf[i]);
}
