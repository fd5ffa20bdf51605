#include "model/score.h"

#include <math.h>

void score_logits(struct score *s, const float *logits, int classes, int label, double temperature)
{
    s->tops = 0;
    for (int c = 0; c < classes; c++) {
        int at = s->tops;
        while (at > 0 && logits[c] > logits[s->top[at - 1]])
            at--;
        if (at == SCORE_TOP)
            continue;
        if (s->tops < SCORE_TOP)
            s->tops++;
        for (int i = s->tops - 1; i > at; i--)
            s->top[i] = s->top[i - 1];
        s->top[at] = c;
    }

    double most = logits[s->top[0]], sum = 0, weighted = 0;
    for (int c = 0; c < classes; c++) {
        double d = (logits[c] - most) / temperature, p = exp(d);
        sum += p;
        weighted += p * d;
    }
    for (int i = 0; i < s->tops; i++)
        s->prob[i] = exp((logits[s->top[i]] - most) / temperature) / sum;
    s->entropy = log(sum) - weighted / sum;

    s->p_true = s->loss = s->margin = NAN;
    s->rank_true = 0;
    if (label < 0)
        return;
    double z = logits[label], other = -INFINITY;
    s->p_true = exp((z - most) / temperature) / sum;
    s->loss = log(sum) - (z - most) / temperature;
    s->rank_true = 1;
    for (int c = 0; c < classes; c++) {
        if (c == label)
            continue;
        if (logits[c] > other)
            other = logits[c];
        s->rank_true += logits[c] > z || (logits[c] == logits[label] && c < label);
    }
    if (classes > 1)
        s->margin = z - other;
}
