#include "advice.h"

#include "words.h"

#include "base/mem.h"

#include <inttypes.h>
#include <stdlib.h>

static void nothing(const struct finding *f)
{
    if (f->verdict == VERDICT_FEW)
        words_para(2, "-",
                   "No slice is confirmed. The table does not tell whether any group had enough "
                   "errors to be tested: it does not show that the errors have no common cause.");
    else
        words_para(2, "-",
                   "No finding: no group of similar images in the table has, on images that did "
                   "not choose it, a lower accuracy than the images beside it by a test at the "
                   "level %.2f.",
                   FINDINGS_LEVEL);
}

static void describe(const struct advice *a, const struct slice *s)
{
    const struct class_row *row = a->r->classes.row;
    struct words_buf b, c, d;
    words_para(4, "",
               "%s, among %s: %s, %" PRId64 " of them errors. Of the %" PRId64
               " that did not choose it %s are correct, of those beside them %s. Most frequent: "
               "%s -> %s (%" PRId64 " of %" PRId64 ").",
               s->name, s->among, words_count(&b, s->images, "image", "images"), s->errors,
               s->tested, words_share(&c, s->accuracy), words_share(&d, s->outside),
               row[s->truth].text, row[s->pred].text, s->pair_errors, s->errors);
    char *said = mem_dup("");
    for (int i = 0; i < s->columns; i++) {
        bool higher = s->column[i].auc > .5;
        double share = higher ? s->column[i].auc : 1 - s->column[i].auc;
        char *more =
            mem_printf("%s%s%s %s (%s)", said, i > 0 ? ", " : "", higher ? "higher" : "lower",
                       s->column[i].name, words_share(&b, share));
        free(said);
        said = more;
    }
    if (s->columns > 0)
        words_para(
            6, "",
            "Its errors differ from the images beside it in %s, with the share of comparisons: %s.",
            s->columns == 1 ? "this column" : "these columns", said);
    free(said);
}

static void advise(struct advice *a, const struct slice *s, const struct finding *measured)
{
    const struct class_row *row = a->r->classes.row;
    struct words_buf b, c;
    char *list = mem_printf("slice_%s.png,data/slices.tsv,data/slice_rows.tsv", s->name);
    recommend(a, s->errors, FIND_SLICES, list,
              "Find out what the images of slice %s share (most frequent: %s -> %s, %" PRId64
              " of %s), and add such images to the training.",
              s->name, row[s->truth].text, row[s->pred].text, s->pair_errors,
              words_count(&c, s->errors, "error", "errors"));
    free(list);
    recommend_measured(a, measured);
    recommend_worked(a, "the accuracy of the slice is above %s, the upper end of its interval.",
                     words_share(&b, measured->high));
}

void advice_slices(struct advice *a)
{
    const struct slice_list *l = &a->r->slices;
    const struct finding *f = &a->f->of[FIND_SLICES];
    const struct found_list *found = &a->f->slices;
    struct words_buf b;
    int n = 0;
    if (f->verdict == VERDICT_NONE)
        return;
    advice_section(a, "Slices");
    if (f->verdict == VERDICT_YES)
        words_para(2, "-",
                   "%s of similar images with a lower accuracy than the images beside %s, found on "
                   "one half of the images and confirmed on the other:",
                   words_count(&b, found->n, "group", "groups"), found->n == 1 ? "it" : "them");
    else
        nothing(f);
    for (int i = 0; i < l->n; i++) {
        const struct slice *s = &l->at[i];
        if (!slice_tells(s))
            continue;
        if (n < ADVICE_LIST)
            describe(a, s);
        if (n < ADVICE_SHORT_LIST)
            advise(a, s, &found->at[n].f);
        n++;
    }
    if (n > ADVICE_LIST)
        words_line("    and %d more", n - ADVICE_LIST);
    if (l->n > n)
        words_para(2, "", "slices confirms %s at a higher level than %.2f.",
                   words_count(&b, l->n - n, n > 0 ? "other group" : "group",
                               n > 0 ? "other groups" : "groups"),
                   FINDINGS_LEVEL);
    if (n > 0)
        words_para(2, "",
                   "Look at the images of a slice beside its correct predictions: the sheets of "
                   "slices show both.");
}
