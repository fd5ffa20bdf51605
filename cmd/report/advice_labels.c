#include "advice.h"

#include "words.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

static void list_files(const struct advice *a)
{
    char pages[128], drawn[192] = "";
    if (!file_list_has(&a->about->files, "review_labels.tsv"))
        return;
    advice_pages(pages, sizeof pages, a->about, "review_labels");
    if (*pages)
        snprintf(drawn, sizeof drawn, "; up to 100 are drawn in %s", pages);
    words_para(2, "",
               "Listed in review_labels.tsv, the most suspicious first%s. The list ends with the "
               "last flagged label.",
               drawn);
}

void advice_labels(struct advice *a)
{
    const struct finding *l = &a->f->of[FIND_FLAGGED_LABELS];
    const struct finding *rest = &a->f->of[FIND_ACCURACY_UNFLAGGED];
    double expected = l->baseline * (double)l->of;
    int64_t more = isnan(expected) ? 0 : l->count - llround(expected);
    struct words_buf b, c;
    if (l->verdict == VERDICT_NONE)
        return;
    advice_section(a, "Labels");
    if (l->verdict == VERDICT_FEW) {
        words_para(2, "-", "Flagged labels: too few images, %" PRId64 " where %d are needed.",
                   l->of, FINDINGS_FEW);
        return;
    }
    if (l->verdict == VERDICT_NO) {
        words_para(2, "-",
                   "No finding: label-check flags %" PRId64 " of %s. If the confidences are right, "
                   "%s are to be expected: no more than chance.",
                   l->count, words_count(&b, l->of, "label", "labels"), words_about(&c, expected));
        if (l->count > 0)
            list_files(a);
        return;
    }
    words_para(2, "-",
               "label-check flags %" PRId64 " of %" PRId64
               " labels (%s): the model gives another class at least the probability that images "
               "with its label have on average. If the confidences are right, about %" PRId64
               " are to be expected; the other %" PRId64
               " are wrong labels, or errors of which the model is too confident.",
               l->count, l->of, words_percent(&b, l->count, l->of), l->count - more, more);
    words_para(2, "", "Without these images the accuracy is %s, if all of these labels are wrong.",
               words_accuracy(&c, rest->value));
    list_files(a);
    advice_list_classes(&a->r->classes, CLASS_FLAGGED, "Labels of which more than one is flagged:");
    recommend(a, more, FIND_FLAGGED_LABELS, "review_labels.tsv,review_labels.png",
              "Review the flagged labels from the first on, and stop where hardly any is wrong.");
    recommend_among(a, l->count);
    recommend_worked(a,
                     "clearly more labels are wrong among the first of the list than among as many "
                     "images drawn at random.");
}
