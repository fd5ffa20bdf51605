#include "stats/tally.h"

#include "base/mem.h"

#include <stdlib.h>

struct tally_row *tally_add(struct tally *t, const struct prediction *a)
{
    if (a->pred >= t->n) {
        t->row = mem_extend(t->row, (size_t)t->n, (size_t)a->pred + 1, sizeof *t->row);
        for (; t->n <= a->pred; t->n++)
            t->row[t->n] = (struct tally_row){.cls = t->n};
    }
    struct tally_row *row = &t->row[a->pred];
    row->images++;
    sum_add(&row->sum, a->conf);
    t->images++;
    t->labelled += a->truth >= 0;
    sum_add(&t->conf_sum, a->conf);
    sum_add(&t->entropy_sum, a->entropy);
    t->band[band_of(a->conf)]++;
    return row;
}

static int by_images(const void *a, const void *b)
{
    const struct tally_row *x = a, *y = b;
    if (x->images != y->images)
        return x->images < y->images ? 1 : -1;
    return x->cls - y->cls;
}

void tally_end(struct tally *t)
{
    if (t->n > 0)
        qsort(t->row, (size_t)t->n, sizeof *t->row, by_images);
    while (t->n > 0 && t->row[t->n - 1].images == 0)
        t->n--;
    for (int i = 0; i < t->n; i++)
        t->row[i].conf = sum_value(&t->row[i].sum) / (double)t->row[i].images;
    t->conf = sum_value(&t->conf_sum) / (double)t->images;
    t->entropy = sum_value(&t->entropy_sum) / (double)t->images;
}

void tally_free(struct tally *t)
{
    for (int i = 0; i < t->n; i++)
        free(t->row[i].text);
    free(t->row);
}
