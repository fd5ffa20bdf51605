#include "advice.h"

#include "base/mem.h"
#include "words.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>

static void list(const struct tested_columns *l)
{
    for (int i = 0; i < l->n; i++) {
        const struct tested_column *c = &l->at[i];
        if (!column_goes_with_errors(c))
            continue;
        words_line("    %s: median %.3g in wrong predictions, %.3g in correct ones; AUC %.3f (%.3f "
                   "to %.3f)%s",
                   c->name, c->median[1], c->median[0], c->auc, c->low, c->high,
                   column_goes_within_class(c) ? "" : ", not among images of one class");
    }
}

/* Of values that differ between classes alone, other images of these classes have the same. */
static void advise(struct advice *a)
{
    const struct tested_columns *l = &a->r->columns;
    char *values = mem_dup(""), *tests = mem_dup("");
    int n = 0;
    for (int i = 0; i < l->n; i++) {
        const struct tested_column *c = &l->at[i];
        if (!column_goes_within_class(c) || n++ >= ADVICE_SHORT_LIST)
            continue;
        const char *comma = n > 1 ? ", " : "";
        char *longer =
            mem_printf("%s%s%s %s", values, comma, c->auc > 0.5 ? "higher" : "lower", c->name);
        free(values);
        values = longer;
        longer = mem_printf("%s%s%s (AUC %.3f, 95" WORDS_NB "%% interval %.3f to %.3f)", tests,
                            comma, c->name, c->auc, c->low, c->high);
        free(tests);
        tests = longer;
    }
    if (n > 0) {
        recommend(a, UNCOUNTED, FIND_COLUMN_ERRORS,
                  "data/image_stats_errors.tsv,data/image_stats.tsv",
                  "Add training images, or augmentation, with the values that go with errors: %s.",
                  values);
        recommend_more(a, "Among images of one class, too: %s.", tests);
        recommend_worked(a, "the AUC of %s is no longer told from 0.5.",
                         n == 1 ? "this column" : "these columns");
    }
    free(values);
    free(tests);
}

static void say_errors(const struct tested_columns *l, const struct finding *f)
{
    struct words_buf b;
    if (f->verdict == VERDICT_NO) {
        words_para(2, "-",
                   "Errors, no finding: no tested column (%" PRId64
                   ") has values that go with errors by more than chance and by enough to matter.",
                   f->of);
        return;
    }
    words_para(2, "-",
               "%" PRId64 " of %s %s with errors. The AUC is the probability that "
               "a wrong prediction has the higher value; 0.5 tells nothing:",
               f->count, words_count(&b, f->of, "tested column", "tested columns"),
               f->count == 1 ? "goes" : "go");
    list(l);
}

static void say_class(const struct tested_columns *l, const struct finding *f)
{
    struct words_buf b, c;
    if (f->verdict == VERDICT_NO) {
        words_para(2, "-",
                   "Shortcuts, no finding: no column tells the class much better than the most "
                   "frequent class does.");
        return;
    }
    words_para(2, "-",
               "Possible shortcuts: the class can be guessed from the value of these columns "
               "alone. The network may have learned them instead of what the image shows:");
    for (int i = 0; i < l->n; i++)
        if (column_tells_class(&l->at[i]))
            words_line("    %s: %s of the guesses are correct, by chance %s", l->at[i].name,
                       words_share(&b, l->at[i].guessed), words_share(&c, l->at[i].chance));
}

bool columns_told(const struct findings *f)
{
    return f->of[FIND_COLUMN_ERRORS].verdict != VERDICT_NONE ||
           f->of[FIND_COLUMN_CLASS].verdict != VERDICT_NONE;
}

void columns_say(const struct tables *r, const struct findings *f)
{
    if (f->of[FIND_COLUMN_ERRORS].verdict != VERDICT_NONE)
        say_errors(&r->columns, &f->of[FIND_COLUMN_ERRORS]);
    if (f->of[FIND_COLUMN_CLASS].verdict != VERDICT_NONE)
        say_class(&r->columns, &f->of[FIND_COLUMN_CLASS]);
}

void advice_columns(struct advice *a)
{
    if (!columns_told(a->f))
        return;
    advice_section(a, COLUMNS_SECTION);
    columns_say(a->r, a->f);
    if (a->f->of[FIND_COLUMN_ERRORS].verdict == VERDICT_YES)
        advise(a);
    if (a->f->of[FIND_COLUMN_CLASS].verdict != VERDICT_YES)
        return;
    recommend(a, UNCOUNTED, FIND_COLUMN_CLASS, "data/image_stats_errors.tsv,data/image_stats.tsv",
              "Test the model on images in which these columns are evened out.");
    recommend_worked(a, "the accuracy stays the same: then the model does not use the shortcut.");
}
