#include "rows/tables.h"

#include "base/mem.h"
#include "base/text.h"
#include "rows/fields.h"

#include <stdlib.h>

static void add_pair(struct superclasses *g, const struct superclass_pair *pair)
{
    g->pair = mem_extend(g->pair, g->pairs, g->pairs + 1, sizeof *g->pair);
    g->pair[g->pairs++] = *pair;
}

static int read_row(struct superclasses *g, const struct tsv_in *t, struct err *e)
{
    int truth;
    if (field_class(t, tsv_find(t, "true_group"), &truth, e) != 0)
        return -1;
    if (truth >= g->n) {
        g->text = mem_extend(g->text, (size_t)g->n, (size_t)truth + 1, sizeof *g->text);
        for (; g->n <= truth; g->n++)
            g->text[g->n] = NULL;
    }
    if (g->text[truth])
        return tsv_error(t, e, "expected every superclass once, found %d again", truth);
    char *shown = field_shown(t, tsv_find(t, "true_group_name"), "superclass", truth);
    g->text[truth] = text_isolated(shown);
    free(shown);
    for (int col = 0; col < tsv_columns(t); col++) {
        struct superclass_pair pair = {.truth = truth,
                                       .pred = field_matrix_class(tsv_header(t, col))};
        if (pair.pred < 0 || pair.pred == truth)
            continue;
        if (field_whole(t, col, FIELD_COUNT_MAX, &pair.count, e) != 0)
            return -1;
        if (pair.count > 0)
            add_pair(g, &pair);
    }
    return 0;
}

static int read_rows(struct superclasses *g, struct tsv_in *t, struct err *e)
{
    int r;
    while ((r = tsv_next_shown(t, e)) > 0)
        if (read_row(g, t, e) != 0)
            return -1;
    for (size_t i = 0; i < g->pairs && r == 0; i++)
        if (g->pair[i].pred >= g->n || !g->text[g->pair[i].pred])
            return err_set(e, "%s:1: expected a row for each column, found none for p%d",
                           tsv_name(t), g->pair[i].pred);
    return r;
}

int superclasses_read(struct superclasses *g, const char *file, struct err *e)
{
    static const char *const need[] = {"true_group", NULL};
    struct tsv_in *t;
    *g = (struct superclasses){0};
    if (fields_open(&t, file, need, e) != 0)
        return -1;
    int r = read_rows(g, t, e);
    tsv_close(t);
    superclasses_sort(g);
    return r;
}
