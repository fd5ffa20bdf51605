#include "advice.h"

#include "words.h"

#include <inttypes.h>

void advice_slices(struct advice *a)
{
    const struct slice_list *l = &a->r->slices;
    const struct class_row *row = a->r->classes.row;
    struct words_buf b, c, d;
    if (a->f->of[FIND_SLICES].verdict == VERDICT_NONE)
        return;
    advice_section(a, "Slices");
    if (l->n == 0) {
        words_para(2, "-",
                   "No finding: no group of similar images has, on images that did not choose it, "
                   "a lower accuracy than the images beside it.");
        return;
    }
    words_para(2, "-",
               "%s of similar images with a lower accuracy than the images beside %s, found on one "
               "half of the images and confirmed on the other:",
               words_count(&b, l->n, "group", "groups"), l->n == 1 ? "it" : "them");
    for (int i = 0; i < l->n && i < ADVICE_LIST; i++) {
        const struct slice *s = &l->at[i];
        words_line("    %s, among %s: %s, accuracy %s against %s; mostly %s -> %s", s->name,
                   s->among, words_count(&b, s->images, "image", "images"),
                   words_share(&c, s->accuracy), words_share(&d, s->outside), row[s->truth].text,
                   row[s->pred].text);
    }
    if (l->n > ADVICE_LIST)
        words_line("    and %d more", l->n - ADVICE_LIST);
    words_para(2, "",
               "Look at the images of a slice beside its correct predictions: slices names both, "
               "and the columns in which they differ.");
    for (int i = 0; i < l->n && i < ADVICE_SHORT_LIST; i++) {
        const struct slice *s = &l->at[i];
        recommend(a, s->errors, FIND_SLICES, "data/slices.tsv,data/slice_rows.tsv",
                  "Find out what the images of slice %s share (mostly %s -> %s), and add such "
                  "images to the training.",
                  s->name, row[s->truth].text, row[s->pred].text);
        recommend_measured(a, &a->f->slices.at[i].f);
        recommend_worked(a, "the accuracy of the slice is above %s, the upper end of its interval.",
                         words_share(&b, a->f->slices.at[i].f.high));
    }
}
