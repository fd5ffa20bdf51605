#include "advice.h"

#include "phrases.h"
#include "stats/share.h"
#include "words.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

/* --- similar classes --- */

static void list_siblings(const struct tables *r)
{
    size_t n;
    struct both_ways *s = pairs_inside(&r->pairs, &n);
    if (n > 0)
        words_para(2, "", "Most confused inside superclasses, both ways together:");
    for (size_t i = 0; i < n && i < ADVICE_SHORT_LIST; i++) {
        const struct pair_row *p = s[i].pair;
        words_line("    %4" PRId64 "  %s and %s (%" PRId64 " + %" PRId64 ")", s[i].both,
                   r->classes.row[p->truth].text, r->classes.row[p->pred].text, p->count,
                   p->reverse);
    }
    free(s);
}

void advice_similar_classes(struct advice *a)
{
    const struct finding *s = &a->f->of[FIND_SAME_SUPERCLASS];
    struct words_buf b, c;
    if (s->verdict == VERDICT_NONE)
        return;
    advice_section(a, "Similar classes");
    if (s->verdict == VERDICT_NO) {
        words_para(2, "-",
                   "No finding. Errors inside the superclass of the true class: %" PRId64
                   " of %" PRId64 " (%s); an even spread gives %s.",
                   s->count, s->of, words_percent(&b, s->count, s->of),
                   words_share(&c, s->baseline));
        return;
    }
    words_para(
        2, "-",
        "%" PRId64 " of %" PRId64
        " errors (%s) stay inside the superclass of the true class; an even spread gives %s. "
        "In these the model finds the superclass and misses the class.",
        s->count, s->of, words_percent(&b, s->count, s->of), words_share(&c, s->baseline));
    words_para(2, "",
               "Try a second output or a loss for the superclass, hard negatives from the same "
               "superclass, or a last stage of higher resolution.%s",
               a->r->maps.known && !a->r->maps.earlier
                   ? " The margin maps on the sheets show which part of the image decides between "
                     "two classes."
                   : "");
    words_para(2, "", "Ceiling: %.2f points.", advice_points(a->r, s->count));
    list_siblings(a->r);
    recommend(a, s->count, FIND_SAME_SUPERCLASS, "most_confused_pairs.csv,data/pairs.tsv",
              "Train with the superclass in the loss.");
    recommend_worked(a,
                     "fewer than %" PRId64 " errors are inside superclasses (now %" PRId64
                     "; " ADVICE_FEWER ") and the accuracy is not lower.",
                     advice_fewer(s), s->count);
}

/* --- worst classes --- */

void advice_weak_classes(struct advice *a)
{
    const struct findings *f = a->f;
    const struct classes *c = &a->r->classes;
    int64_t errors = f->weak.errors;
    bool one = f->weak.n == 1;
    struct words_buf x, y, z;
    if (f->of[FIND_WEAK_CLASSES].verdict == VERDICT_NONE || tables_errors(a->r) == 0)
        return;
    advice_section(a, "Worst classes");
    if (f->of[FIND_WEAK_CLASSES].verdict == VERDICT_FEW) {
        words_para(
            2, "-",
            "The classes differ in accuracy by more than chance (p" WORDS_NB "<" WORDS_NB
            "%.2f), and %s an accuracy below %.0f" WORDS_NB
            "%%. At %.1f images each on average no single one can be named: none differs from "
            "the other classes after correction for %s.",
            FINDINGS_LEVEL, words_count(&x, f->below_half, "class has", "classes have"),
            100 * WEAK_CLASS, f->below_images, words_count(&y, f->classes_tested, "test", "tests"));
        return;
    }
    if (f->weak.n == 0) {
        if (f->below_half == 0)
            words_para(2, "-",
                       "No finding: no class with images has an accuracy below %.0f" WORDS_NB "%%.",
                       100 * WEAK_CLASS);
        else
            words_para(2, "-",
                       "No finding: %s an accuracy below %.0f" WORDS_NB
                       "%%, but the classes do not differ by more than chance.",
                       words_count(&x, f->below_half, "class has", "classes have"),
                       100 * WEAK_CLASS);
        return;
    }
    words_para(2, "-",
               "%s an accuracy below %.0f" WORDS_NB
               "%% and, by more than chance, below that of the other classes; %s %s:",
               words_count(&x, f->weak.n, "class has", "classes have"), 100 * WEAK_CLASS,
               one ? "it has" : "they have", words_count(&y, errors, "error", "errors"));
    for (int i = 0; i < f->weak.n && i < ADVICE_LIST; i++) {
        const struct class_row *row = &c->row[f->weak.at[i].cls];
        char wrong[512];
        say_top_wrong(wrong, sizeof wrong, row);
        words_line("   %5.1f %%  %s%s%s", 100 * class_accuracy(row), row->text,
                   *wrong ? ", most frequent wrong prediction: " : "", wrong);
    }
    if (f->weak.n > ADVICE_LIST)
        words_line("    and %d more", f->weak.n - ADVICE_LIST);
    words_para(2, "", "Give %s more or better images, or more weight in the loss.",
               one ? "this class" : "these classes");
    words_para(2, "", "At the accuracy of the other classes (%s) %s would add %.2f points.",
               words_share(&z, f->weak_classes.others), one ? "it" : "they",
               100 * f->weak_classes.gain);
    recommend(a, errors, FIND_WEAK_CLASSES, "per_class_accuracy.csv",
              "Give more weight or images to the %s below %.0f" WORDS_NB "%%.",
              one ? "class" : words_count(&x, f->weak.n, "", "classes"), 100 * WEAK_CLASS);
    recommend_worked(a,
                     "%s fewer than %" PRId64 " errors (now %" PRId64 "; " ADVICE_FEWER
                     ") and the other classes lose less than %s.",
                     one ? "it has" : "they have", advice_fewer(&f->of[FIND_WEAK_CLASSES]), errors,
                     one ? "it wins" : "they win");
}

/* --- patterns --- */

static void few_pairs(struct advice *a)
{
    const struct finding *f = &a->f->of[FIND_FEW_PAIRS];
    const struct few_pairs *few = &a->f->few;
    const struct pairs *pairs = &a->r->pairs;
    const struct class_row *row = a->r->classes.row;
    struct words_buf b, c;
    char said[160];
    if (f->verdict == VERDICT_NONE)
        return;
    if (f->verdict == VERDICT_FEW) {
        words_para(2, "-",
                   "Pairs: too few errors (%" PRId64
                   ") to tell whether a few pairs hold most of them.",
                   f->of);
        return;
    }
    say_few_pairs(said, sizeof said, a->r, a->f);
    if (f->verdict == VERDICT_NO) {
        words_para(2, "-", "%s%s", said,
                   few->little ? " Correcting pair by pair gains little." : "");
        return;
    }
    words_para(
        2, "-",
        "%s Chosen on one half of the images, %s %s of the errors of the other half; an even "
        "spread over the %.0f possible pairs gives %s. Correct %s first:",
        said, few->n == 1 ? "it holds" : "they hold", words_share(&b, f->value), few->possible,
        words_share(&c, f->baseline), few->n == 1 ? "it" : "them");
    for (int i = 0; i < few->n && i < ADVICE_LIST; i++)
        words_line("    %4" PRId64 "  %s -> %s", pairs->row[i].count, row[pairs->row[i].truth].text,
                   row[pairs->row[i].pred].text);
    if (few->n > ADVICE_LIST)
        words_line("    and %d more", few->n - ADVICE_LIST);
    words_para(2, "", "Ceiling: %.2f points.", advice_points(a->r, few->errors));
    if (few->n == 1)
        recommend(a, few->errors, FIND_FEW_PAIRS, "most_confused_pairs.csv",
                  "Correct the pair %s -> %s with more images of both classes.",
                  row[pairs->row[0].truth].text, row[pairs->row[0].pred].text);
    else
        recommend(a, few->errors, FIND_FEW_PAIRS, "most_confused_pairs.csv",
                  "Correct the %d %s with more images of their classes.", few->n,
                  few->all ? "confused pairs" : "most frequent pairs");
    double low, high;
    share_interval(few->errors, tables_errors(a->r), &low, &high);
    recommend_worked(a,
                     "%s fewer than %.0f errors (now %" PRId64 "; " ADVICE_FEWER
                     ") and the accuracy is not lower.",
                     few->n == 1 ? "it has" : "they have", floor(low * (double)tables_errors(a->r)),
                     few->errors);
}

static void one_way(struct advice *a)
{
    const struct finding *o = &a->f->of[FIND_ONE_WAY];
    const struct class_row *row = a->r->classes.row;
    int64_t errors = 0;
    if (o->verdict == VERDICT_NONE)
        return;
    if (o->verdict == VERDICT_NO) {
        char pairs[64] = "the one pair of classes tested is not";
        if (o->of > 1)
            snprintf(pairs, sizeof pairs, "none of the %" PRId64 " pairs of classes tested is",
                     o->of);
        words_para(
            2, "-",
            "One-way confusions, no finding: %s confused more often in one direction than in "
            "the other by more than chance.",
            pairs);
        return;
    }
    words_para(
        2, "-",
        "One-way confusions: of these pairs of classes, one direction has a higher rate than "
        "the other by more than chance. Compare how many training images the two classes "
        "have, and how varied they are:");
    for (int i = 0; i < a->f->one_way.n; i++) {
        const struct found *it = &a->f->one_way.at[i];
        words_line("  %4" PRId64 ", reverse %" PRId64 ": %s -> %s", it->f.count, it->errors,
                   row[it->cls].text, row[it->to].text);
        errors += it->f.count;
    }
    recommend(a, errors, FIND_ONE_WAY, "most_confused_pairs.csv",
              "Compare the training images of both classes of the pairs that are confused in one "
              "direction, and even out what differs.");
    recommend_worked(a, "the rates of both directions no longer differ by more than chance.");
}

static void overpredicted(struct advice *a)
{
    const struct findings *f = a->f;
    const struct classes *c = &a->r->classes;
    struct words_buf b, d;
    bool one = f->overpredicted.n == 1;
    if (f->of[FIND_OVERPREDICTED].verdict == VERDICT_NONE)
        return;
    if (f->overpredicted.n == 0) {
        words_para(2, "-",
                   "Over-predicted classes, no finding: no class is predicted at least %.2f times "
                   "as often as it occurs and by more than chance.",
                   OVERPREDICTED);
        return;
    }
    words_para(
        2, "-",
        "Over-predicted classes, by more than chance and at least %.2f times as often as they "
        "occur. A lower prior or fewer repeats in training would help the other classes; a "
        "class that does not occur can be excluded:",
        OVERPREDICTED);
    for (int i = 0; i < f->overpredicted.n && i < ADVICE_LIST; i++) {
        const struct found *it = &f->overpredicted.at[i];
        const struct class_row *row = &c->row[it->cls];
        words_line("    %s: %s for %s, %" PRId64 " wrong", row->text,
                   words_count(&b, row->predicted, "prediction", "predictions"),
                   words_count(&d, row->total, "image", "images"), it->errors);
    }
    if (f->overpredicted.n > ADVICE_LIST)
        words_line("    and %d more", f->overpredicted.n - ADVICE_LIST);
    recommend(a, f->overpredicted.errors, FIND_OVERPREDICTED, "per_class_accuracy.csv",
              "Lower the prior of the %s.",
              one ? "over-predicted class"
                  : words_count(&b, f->overpredicted.n, "", "over-predicted classes"));
    recommend_worked(a,
                     "%s wrong predictions, now %" PRId64
                     ", fall by more than the errors of the other classes rise.",
                     one ? "its" : "their", f->overpredicted.errors);
}

void advice_patterns(struct advice *a)
{
    const struct finding *f = a->f->of;
    if (tables_errors(a->r) == 0 ||
        (f[FIND_FEW_PAIRS].verdict == VERDICT_NONE && f[FIND_ONE_WAY].verdict == VERDICT_NONE &&
         f[FIND_OVERPREDICTED].verdict == VERDICT_NONE))
        return;
    advice_section(a, "Patterns");
    few_pairs(a);
    one_way(a);
    overpredicted(a);
}
