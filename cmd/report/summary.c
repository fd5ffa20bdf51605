#include "report.h"

#include "base/mem.h"
#include "cam/cam.h"
#include "stats/share.h"
#include "phrases.h"
#include "words.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { LIST = 10, SUPERCLASS_LIST = 5, NAME_WIDTH = 30, LABEL_WIDTH = 34 };

static void line_label(const char *label, const char *value)
{
    words_line("%s%*s%s", label, words_pad(label, LABEL_WIDTH), "", value);
}

static void line_count(const char *label, int64_t n, int64_t whole)
{
    char s[96];
    if (whole > 0)
        snprintf(s, sizeof s, "%8" PRId64 "   %6.2f %%", n, share_percent(n, whole));
    else
        snprintf(s, sizeof s, "%8" PRId64, n);
    line_label(label, s);
}

static void line_share(const char *label, double share)
{
    char s[96];
    if (isnan(share))
        return;
    snprintf(s, sizeof s, "           %6.2f %%", 100 * share);
    line_label(label, s);
}

/* --- what is said first --- */

static void write_doubt(const struct findings *f)
{
    char doubt[400];
    say_doubt(doubt, sizeof doubt, f);
    if (*doubt == '\0')
        return;
    words_gap();
    words_para(0, "", "%s", doubt);
}

/* --- overall --- */

static void write_calibration(const struct findings *f)
{
    const struct finding *c = &f->of[FIND_CALIBRATION];
    bool over = f->of[FIND_OVERCONFIDENT].verdict == VERDICT_YES;
    bool under = f->of[FIND_UNDERCONFIDENT].verdict == VERDICT_YES;
    /* Confidences in other classes than those that the labels mean say nothing of the model. */
    const char *said = f->of[FIND_CLASS_ORDER].verdict == VERDICT_YES ? ""
                       : c->verdict == VERDICT_FEW ? "These images are too few to judge it."
                       : over && under             ? "The model is over-confident in some bins and "
                                                     "under-confident in others."
                       : over                      ? "The model is over-confident."
                       : under                     ? "The model is under-confident."
                       : finding_tells(c)          ? "It is too small to matter."
                                                   : "It cannot be told from chance.";
    words_para(0, "",
               "The calibration error is the mean distance between confidence and accuracy over "
               "equal-width bins of confidence; chance alone gives about %.2f" WORDS_NB
               "%% on as many images.%s%s",
               100 * c->baseline, *said ? " " : "", said);
}

static void write_flagged(const struct findings *f)
{
    const struct finding *l = &f->of[FIND_FLAGGED_LABELS], *rest = &f->of[FIND_ACCURACY_UNFLAGGED];
    struct words_buf b, c, d;
    if (l->count == 0) {
        words_para(0, "", "label-check flags no label.");
        return;
    }
    words_para(
        0, "",
        "Without the %s flagged by label-check (%s), the accuracy is %s (95" WORDS_NB
        "%% interval %.2f to %.2f" WORDS_NB
        "%%), assuming that all flagged labels are wrong; it cannot be lower than with them, "
        "since every flagged image is a wrong prediction.",
        words_count(&b, l->count, "image whose label is", "images whose labels are"),
        words_percent(&c, l->count, l->of), words_accuracy(&d, rest->value), 100 * rest->low,
        100 * rest->high);
}

static void write_overall(const struct tables *r, const struct findings *f)
{
    const struct classes *c = &r->classes;
    const struct finding *accuracy = &f->of[FIND_ACCURACY], *top5 = &f->of[FIND_TOP5];
    bool calibrated = f->of[FIND_CALIBRATION].verdict != VERDICT_NONE;
    struct words_buf b;
    words_section("Overall performance");
    line_count("Classes", c->present, 0);
    if (f->with_images < c->present)
        line_count("  with images", f->with_images, 0);
    line_count("Images", c->total, 0);
    if (r->summary.unlabelled > 0)
        line_count("Ignored, without a label", (int64_t)r->summary.unlabelled, 0);
    if (accuracy->verdict == VERDICT_NONE) {
        words_gap();
        words_para(0, "", "%s",
                   c->total == 0 ? "No image has a label: nothing was measured."
                                 : "There is one class, so every prediction is correct by "
                                   "construction: accuracy, confusions and confidence say "
                                   "nothing.");
        return;
    }
    line_count("Correct predictions (accuracy)", c->correct, c->total);
    line_count("Wrong predictions (error rate)", tables_errors(r), c->total);
    line_share("Accuracy by chance", accuracy->baseline);
    if (top5->verdict != VERDICT_NONE) {
        line_count("True class in the top-5", top5->count, top5->of);
        line_share("  by chance", top5->baseline);
    }
    if (f->superclasses)
        line_count("Superclass correct", f->of[FIND_SUPERCLASS].count, c->total);
    if (calibrated) {
        line_share("Mean confidence", r->confidence.mean);
        line_share("  of correct predictions", r->confidence.mean_correct);
        line_share("  of wrong predictions", r->confidence.mean_wrong);
        line_share("Calibration error (ECE)", f->calibration.ece);
    }
    words_gap();
    words_para(0, "",
               "The 95" WORDS_NB "%% interval of the accuracy is %.2f to %.2f" WORDS_NB
               "%%. Chance is the accuracy of predictions that do not depend on the image%s.",
               100 * accuracy->low, 100 * accuracy->high,
               f->with_images > 1 ? ", with the same number of predictions of each class" : "");
    if (f->only_predicted >= 0)
        words_para(0, "", "All %s predicted as %s.",
                   words_count(&b, c->total, "image is", "images are"),
                   c->row[f->only_predicted].text);
    if (f->of[FIND_FLAGGED_LABELS].verdict != VERDICT_NONE && findings_work(f))
        write_flagged(f);
    if (calibrated)
        write_calibration(f);
    else
        words_para(0, "", "Confidence is not reported: it needs --predictions.");
}

/* --- classes --- */

static void write_class(const struct class_row *c, int rank, int width)
{
    double low, high;
    char wrong[512], of[64];
    class_interval(c, &low, &high);
    say_top_wrong(wrong, sizeof wrong, c);
    snprintf(of, sizeof of, "%" PRId64 " of %" PRId64, c->correct, c->total);
    words_line("%3d. %s%*s  %5.1f %%  %14s  %3.0f to %3.0f %%%s%s", rank, c->text,
               words_pad(c->text, width), "", 100 * class_accuracy(c), of, 100 * low, 100 * high,
               *wrong ? "   " : "", wrong);
}

static void write_ranked(const struct classes *c, const struct class_list *l)
{
    int width = 0;
    for (int i = 0; i < l->listed; i++) {
        int w = words_width(c->row[l->cls[i]].text);
        width = w > width ? w : width;
    }
    width = width > NAME_WIDTH ? NAME_WIDTH : width;
    words_para(0, "",
               "Accuracy, correct predictions, 95" WORDS_NB "%% interval, and the most frequent "
               "wrong prediction with its count, where one occurs more than once:");
    for (int i = 0; i < l->listed; i++)
        write_class(&c->row[l->cls[i]], i + 1, width);
    struct words_buf b;
    if (l->tied > 0)
        words_para(5, "", "%s the same accuracy as the last.",
                   words_count(&b, l->tied, "more class has", "more classes have"));
}

static void write_extreme(const struct classes *c, enum class_order order)
{
    struct class_list l = classes_extreme(c, order, LIST);
    const char *word = order == CLASSES_BEST_FIRST ? "Best" : "Worst";
    char title[64];
    if (l.listed == 1)
        snprintf(title, sizeof title, "%s class", word);
    else
        snprintf(title, sizeof title, "%s %d classes", word, l.listed);
    if (l.listed > 0) {
        words_section(title);
        write_ranked(c, &l);
    }
    free(l.cls);
}

static void write_classes(const struct tables *r, const struct findings *f)
{
    const struct classes *c = &r->classes;
    bool differ = f->of[FIND_CLASSES_DIFFER].verdict == VERDICT_YES;
    struct words_buf b;
    if (f->with_images > 2 * LIST && differ) {
        write_extreme(c, CLASSES_WORST_FIRST);
        write_extreme(c, CLASSES_BEST_FIRST);
    } else {
        words_section("Accuracy of the classes");
        if (f->with_images <= 2 * LIST) {
            struct class_list l = classes_ranked(c, CLASSES_WORST_FIRST);
            write_ranked(c, &l);
            free(l.cls);
        }
        if (f->with_images > 1 && !differ)
            words_para(0, "",
                       "The %d classes with images do not differ in accuracy by more than "
                       "chance.",
                       f->with_images);
    }
    if (c->present > f->with_images)
        words_para(0, "", "%s no images.",
                   words_count(&b, c->present - f->with_images, "class has", "classes have"));
}

/* --- confusion --- */

/* Of a list that ends between equals. */
static void write_tied(int64_t tied)
{
    struct words_buf b;
    if (tied > 0)
        words_para(5, "", "%s the same count as the last.",
                   words_count(&b, tied, "more pair has", "more pairs have"));
}

static void write_pair(const struct tables *r, const struct pair_row *p, bool superclasses,
                       int rank, int width)
{
    const struct class_row *from = &r->classes.row[p->truth], *to = &r->classes.row[p->pred];
    char *name = mem_printf("%s -> %s", from->text, to->text);
    char reverse[64] = "";
    if (p->reverse >= 0)
        snprintf(reverse, sizeof reverse, ", reverse %3" PRId64, p->reverse);
    const char *kind = !superclasses || p->same_superclass < 0 ? ""
                       : p->same_superclass                    ? "  same superclass"
                                                               : "  across";
    struct words_buf b;
    words_line("%3d. %s%*s  %4" PRId64 " (%s of the class)%s%s", rank, name, words_pad(name, width),
               "", p->count, words_percent(&b, p->count, from->total), reverse, kind);
    free(name);
}

static void write_top_pairs(const struct tables *r, const struct findings *f)
{
    const struct top_pairs *top = &f->top;
    struct words_buf a, b;
    int width = 0;
    for (int i = 0; i < top->n; i++) {
        const struct pair_row *p = &r->pairs.row[i];
        int w = words_width(r->classes.row[p->truth].text) +
                words_width(r->classes.row[p->pred].text) + 4;
        width = w > width ? w : width;
    }
    width = width > 2 * NAME_WIDTH ? 2 * NAME_WIDTH : width;
    for (int i = 0; i < top->n; i++)
        write_pair(r, &r->pairs.row[i], f->superclasses, i + 1, width);
    write_tied(top->tied);
    /* What holds of all pairs there are, or of the two of two classes, is no finding. */
    if (top->n == 0 || r->classes.present < 3)
        return;
    enum verdict few = f->of[FIND_FEW_PAIRS].verdict;
    /* Under another order of the classes the pairs tell of that order alone. */
    bool says = f->of[FIND_CLASS_ORDER].verdict != VERDICT_YES &&
                (few == VERDICT_NO || (few == VERDICT_YES && !f->few.all));
    if (top->n < 2 && !says)
        return;
    words_gap();
    /* Of nearly all pairs it would hold whatever the errors are. */
    if (few != VERDICT_YES && top->n > 1 && top->at_most_half)
        words_para(2, "-", "These %d pairs hold %" PRId64 " of %" PRId64 " errors (%s).", top->n,
                   top->errors, tables_errors(r), words_percent(&a, top->errors, tables_errors(r)));
    if (says) {
        char said[160];
        say_few_pairs(said, sizeof said, r, f);
        words_para(2, "-", "%s", said);
    }
    if (top->n < 2)
        return;
    int known = top->same + top->across;
    if (f->superclasses && known > 0)
        words_para(2, "-",
                   "Listed pairs inside one superclass: %d of %d (%s); across superclasses: %d of "
                   "%d (%s).",
                   top->same, known, words_percent(&a, top->same, known), top->across, known,
                   words_percent(&b, top->across, known));
    if (top->reverse_known > 0)
        words_para(
            2, "-", "Listed pairs whose reverse is at least half as frequent: %d of %d (%s).",
            top->mutual, top->reverse_known, words_percent(&a, top->mutual, top->reverse_known));
}

static void write_superclasses(const struct tables *r, const struct findings *f)
{
    const struct finding *same = &f->of[FIND_SAME_SUPERCLASS];
    struct words_buf a, b;
    words_para(2, "-",
               "Errors inside the superclass of the true class: %" PRId64 " of %" PRId64
               " (%s); an even spread of the errors of each class over the other classes gives %s.",
               same->count, same->of, words_percent(&a, same->count, same->of),
               words_share(&b, same->baseline));
    size_t tied, listed = superclasses_listed(&r->superclasses, SUPERCLASS_LIST, &tied);
    if (listed == 0 || r->superclasses.n < 3)
        return;
    words_para(2, "-", "Superclasses that are confused most often (true -> predicted):");
    for (size_t i = 0; i < listed; i++) {
        const struct superclass_pair *p = &r->superclasses.pair[i];
        words_line("    %4" PRId64 "  %s -> %s", p->count, r->superclasses.text[p->truth],
                   r->superclasses.text[p->pred]);
    }
    write_tied((int64_t)tied);
}

static void write_confusion(const struct tables *r, const struct findings *f)
{
    struct words_buf a, b;
    words_section("Confusions");
    words_count(&a, tables_errors(r), "error", "errors");
    words_count(&b, (int64_t)r->pairs.n, "pair", "pairs");
    words_para(0, "", "%s in %s of a true and a predicted class.%s", a.s, b.s,
               f->top.n == 0                    ? " No pair occurs more than once."
               : (size_t)f->top.n == r->pairs.n ? ""
               : f->top.n == PAIRS_TOP          ? " The 15 most frequent (true -> predicted):"
                                       : " Those that occur more than once (true -> predicted):");
    write_top_pairs(r, f);
    if (f->of[FIND_SAME_SUPERCLASS].verdict != VERDICT_NONE)
        write_superclasses(r, f);
}

/* --- confidence --- */

static void write_confidence(const struct tables *r, const struct findings *f)
{
    const struct confidence *p = &r->confidence;
    int64_t errors = tables_errors(r);
    struct words_buf a;
    /* The more confident of two classes has one half or more: only equal ones are low. */
    bool low = r->classes.present > 2 || p->wrong[BAND_LOW] + p->correct[BAND_LOW] > 0;
    words_section("Confidence of the errors");
    for (int i = BANDS - 1; i >= (low ? BAND_LOW : BAND_MODERATE); i--)
        line_count(say_band((enum band)i), p->wrong[i], errors);
    words_gap();
    if (p->wrong[BAND_HIGHEST] + p->correct[BAND_HIGHEST] == 0)
        words_para(0, "", "No prediction has the highest confidence.");
    else
        words_para(0, "",
                   "If the confidences were right, about %.1f predictions of highest confidence "
                   "would be wrong.",
                   f->highest_expected);
    if (low && r->classes.correct > 0)
        words_para(0, "", "Correct predictions of low confidence: %" PRId64 " of %" PRId64 " (%s).",
                   p->correct[BAND_LOW], r->classes.correct,
                   words_percent(&a, p->correct[BAND_LOW], r->classes.correct));
}

/* --- maps --- */

static void write_difference(const char *head, const struct difference *d, const struct finding *f,
                             bool percent)
{
    char said[256];
    struct words_buf a, b;
    int digits = percent ? 1 : 3;
    double scale = percent ? 100 : 1;
    const char *unit = percent ? WORDS_NB "%" : "";
    snprintf(a.s, sizeof a.s, "%.*f%s", digits, scale * d->median[0], unit);
    snprintf(b.s, sizeof b.s, "%.*f%s", digits, scale * d->median[1], unit);
    say_difference(said, sizeof said, d, f, "the wrong one");
    words_para(2, "-",
               "%s: median %s in correct predictions (%" PRId64 "), %s in wrong ones (%" PRId64
               "). %s",
               head, a.s, d->n[0], b.s, d->n[1], said);
}

static void write_unstable(const struct finding *f)
{
    struct words_buf a, n;
    if (f->verdict == VERDICT_NONE)
        return;
    words_para(2, "-",
               "Unstable maps, whose order of cells changes when the image is mirrored or shifted "
               "by one pixel (rank correlation below %.1f with the map moved back): %" PRId64
               " of %s, chosen evenly (%s; 95" WORDS_NB "%% interval %.1f to %.1f" WORDS_NB
               "%%).%s",
               STABLE_CORRELATION, f->count, words_count(&n, f->of, "image", "images"),
               words_percent(&a, f->count, f->of), 100 * f->low, 100 * f->high,
               f->verdict == VERDICT_FEW ? " These are few." : "");
}

static void write_at_border(const struct maps *m, const struct findings *f)
{
    const struct finding *b = &f->of[FIND_AT_BORDER];
    const struct map_statistics *correct = &m->of[MAPS_CORRECT], *wrong = &m->of[MAPS_WRONG];
    struct words_buf x, y, z;
    if (b->verdict == VERDICT_NONE)
        return;
    words_para(2, "-",
               "Maps at the border, whose outermost ring of cells holds more than the "
               "%.1f" WORDS_NB "%% of an even map: %" PRId64 " of %" PRId64 " (%s).",
               100 * m->even_border, b->count, b->of, words_percent(&x, b->count, b->of));
    if (b->count > 0 && correct->border.n > 0 && wrong->border.n > 0)
        words_para(2, "",
                   "Among correct predictions %" PRId64 " of %" PRId64 " (%s), among wrong ones "
                   "%" PRId64 " of %" PRId64 " (%s).",
                   correct->at_border, correct->border.n,
                   words_percent(&y, correct->at_border, correct->border.n), wrong->at_border,
                   wrong->border.n, words_percent(&z, wrong->at_border, wrong->border.n));
}

static void write_compared(const struct known *k)
{
    const struct maps *m = &k->tables.maps;
    const struct findings *f = &k->findings;
    char ring[128], even[40] = "";
    const struct map_statistics *correct = &m->of[MAPS_CORRECT], *wrong = &m->of[MAPS_WRONG];
    struct words_buf a, b;
    if (f->of[FIND_BORDER].verdict == VERDICT_NONE)
        return;
    if (m->even_border > 0)
        snprintf(even, sizeof even, " (even map: %.1f" WORDS_NB "%%)", 100 * m->even_border);
    snprintf(ring, sizeof ring,
             "Border share, the part of the map on its outermost ring of cells%s", even);
    write_difference(ring, &f->border, &f->of[FIND_BORDER], true);
    write_difference("Entropy (0: one cell, 1: even over the image)", &f->entropy,
                     &f->of[FIND_ENTROPY], false);
    words_para(2, "",
               "Diffuse maps (entropy above %.1f): %" PRId64 " of %" PRId64
               " correct predictions (%s), %" PRId64 " of %" PRId64 " wrong ones (%s).",
               MAPS_DIFFUSE, correct->diffuse, correct->entropy.n,
               words_percent(&a, correct->diffuse, correct->entropy.n), wrong->diffuse,
               wrong->entropy.n, words_percent(&b, wrong->diffuse, wrong->entropy.n));
    words_para(2, "",
               "Concentrated maps (entropy below %.1f): %" PRId64 " of %" PRId64
               " (%s) and %" PRId64 " of %" PRId64 " (%s).",
               MAPS_CONCENTRATED, correct->concentrated, correct->entropy.n,
               words_percent(&a, correct->concentrated, correct->entropy.n), wrong->concentrated,
               wrong->entropy.n, words_percent(&b, wrong->concentrated, wrong->entropy.n));
    write_difference("Distance of the centre of mass from the image's centre, in image sides",
                     &f->off_center, &f->of[FIND_OFF_CENTER], false);
}

/* What two maps overlap by chance. */
static void write_chance(const struct maps *m, const struct findings *f)
{
    const struct finding *c = &f->of[FIND_OVERLAP_CHANCE];
    const struct spread *correct = &m->of[MAPS_CORRECT].chance, *wrong = &m->of[MAPS_WRONG].chance;
    struct words_buf a, n;
    if (c->verdict == VERDICT_NONE)
        return;
    words_para(
        2, "",
        "Maps overlap by chance, too, where they are spread out or lie in the middle. To see by "
        "how much, the map of the predicted class is mirrored, left to right: then the median is "
        "%.2f. As they are, the two maps overlap more than with the one mirrored in "
        "%" PRId64 " of %s (%s; 95" WORDS_NB "%% interval %.1f to %.1f" WORDS_NB "%%).",
        spread_median(wrong), c->count, words_count(&n, c->of, "error", "errors"),
        words_percent(&a, c->count, c->of), 100 * c->low, 100 * c->high);
    if (c->verdict == VERDICT_FEW)
        words_para(2, "", "That is too few to compare: %d are needed.", FINDINGS_FEW);
    else if (!finding_tells(c))
        words_para(2, "", "The difference could be chance (%s).", say_p(&a, c->p));
    else
        words_para(2, "",
                   c->verdict == VERDICT_NO ? "The difference is too small to matter."
                   : c->value > c->baseline ? "That is more than by chance."
                                            : "That is less than by chance.");
    if (correct->n > 0)
        words_para(2, "",
                   "The map of a correct prediction overlaps its own mirror image by a median of "
                   "%.2f.",
                   spread_median(correct));
}

static void write_overlap(const struct maps *m, const struct findings *f)
{
    const struct finding *high = &f->of[FIND_OVERLAP_HIGH], *low = &f->of[FIND_OVERLAP_LOW];
    const struct finding *zero = &f->of[FIND_ZERO_TRUE];
    const struct difference *d = &f->overlap_confident;
    struct words_buf a, b, c;
    char said[256];
    if (high->verdict != VERDICT_NONE) {
        words_para(2, "-",
                   "Overlap of the maps of the true and the predicted class in %s (1: equal, 0: no "
                   "common cell): median %.2f. Above %.1f: %" PRId64 " (%s). Below %.1f: %" PRId64
                   " (%s).",
                   words_count(&c, high->of, "error", "errors"), f->overlap_median,
                   MAPS_OVERLAP_HIGH, high->count, words_percent(&a, high->count, high->of),
                   MAPS_OVERLAP_LOW, low->count, words_percent(&b, low->count, low->of));
        write_chance(m, f);
    }
    if (f->of[FIND_OVERLAP_CONFIDENT].verdict != VERDICT_NONE) {
        say_difference(said, sizeof said, d, &f->of[FIND_OVERLAP_CONFIDENT],
                       "the error of highest confidence");
        words_para(2, "",
                   "Median overlap in errors of highest confidence (%" PRId64
                   "): %.2f, in the others (%" PRId64 "): %.2f. %s",
                   d->n[1], d->median[1], d->n[0], d->median[0], said);
    }
    if (zero->verdict != VERDICT_NONE)
        words_para(2, "-",
                   "Maps of the true class that are mostly zero, in more than half of their cells: "
                   "%" PRId64 " of %" PRId64 " in errors (%s)%s%s.",
                   zero->count, zero->of, words_percent(&a, zero->count, zero->of),
                   isnan(zero->baseline) ? "" : "; of the predicted class in correct predictions: ",
                   isnan(zero->baseline) ? "" : words_share(&b, zero->baseline));
}

/* Whether the margin maps show the cells that errors depend on. */
static void write_turned(const struct turned *t, const struct finding *f)
{
    struct words_buf a, b, c, n;
    const char *what = t->cells == 1 ? "cell" : "cells";
    if (f->verdict == VERDICT_NONE)
        return;
    words_para(2, "-",
               "Check of the margin maps: when the %d %s of the last stage that favour%s the wrong "
               "class most %s deleted, %" PRId64 " of %s (%s; 95" WORDS_NB
               "%% interval %.1f to %.1f" WORDS_NB
               "%%) turn%s to the true class; with as many by chance %s, with those nearest the "
               "centre %s. A cell is deleted by setting its features to 0.",
               t->cells, what, t->cells == 1 ? "s" : "", t->cells == 1 ? "is" : "are", f->count,
               words_count(&n, f->of, "error", "errors"), words_percent(&a, f->count, f->of),
               100 * f->low, 100 * f->high, f->of == 1 ? "s" : "", words_share(&b, f->baseline),
               words_share(&c, t->center / (double)t->errors));
    if (f->verdict == VERDICT_FEW)
        words_para(2, "", "That is too few to judge: %d errors are needed.", FINDINGS_FEW);
    else if (f->verdict == VERDICT_YES)
        words_para(
            2, "",
            "That is more than by chance: many of these errors depend on these cells. A cell "
            "of the last stage sees far beyond its place in the image, so the place alone "
            "need not be the cause.");
    else if (finding_tells(f))
        words_para(2, "", "That is more than by chance, but less than twice its odds.");
    else
        words_para(2, "", "That could be chance (%s).", say_p(&a, f->p));
}

static void write_maps(const struct known *k)
{
    const struct findings *f = &k->findings;
    const struct maps *m = &k->tables.maps;
    const struct map_statistics *correct = &m->of[MAPS_CORRECT], *wrong = &m->of[MAPS_WRONG];
    struct words_buf a;
    if (!m->known || maps_images(m) == 0)
        return;
    words_section("Grad-CAM maps");
    words_para(0, "",
               "From the maps of %s: %" PRId64 " predicted correctly, %" PRId64
               " wrongly. Where not said otherwise, the map is that of the predicted class.",
               words_count(&a, maps_images(m), "image", "images"), correct->images, wrong->images);
    words_gap();
    say_blank(f);
    if (f->of[FIND_PLACES].verdict == VERDICT_YES &&
        (f->of[FIND_BLANK].count > 0 || f->of[FIND_BLANK_TRUE].count > 0))
        words_para(2, "", "The comparisons below ignore blank maps.");
    say_coarse(&k->about, f);
    say_earlier(&k->about);
    if (f->of[FIND_PLACES].verdict != VERDICT_YES)
        return;
    write_unstable(&f->of[FIND_UNSTABLE]);
    write_at_border(m, f);
    write_compared(k);
    write_overlap(m, f);
    write_turned(&k->tables.turned, &f->of[FIND_TURNED]);
    if (!f->differences_tested)
        return;
    words_gap();
    words_para(0, "",
               "Differences are judged by the rank test of Mann and Whitney (level %.2f, "
               "corrected by Holm's method) and by the share of comparisons in which the one "
               "value is larger: from %.0f or up to %.0f" WORDS_NB "%% small, from %.0f or up "
               "to %.0f" WORDS_NB "%% medium, from %.0f or up to %.0f" WORDS_NB
               "%% large (Vargha and Delaney).",
               FINDINGS_LEVEL, 100 * DIFFERENCE_SMALL, 100 - 100 * DIFFERENCE_SMALL,
               100 * DIFFERENCE_MEDIUM, 100 - 100 * DIFFERENCE_MEDIUM, 100 * DIFFERENCE_LARGE,
               100 - 100 * DIFFERENCE_LARGE);
}

void summary_make(const struct known *k)
{
    const struct tables *r = &k->tables;
    const struct findings *f = &k->findings;
    words_title("Analysis of a classifier by its errors and its Grad-CAM maps");
    about_write_warnings(&k->about);
    write_doubt(f);
    write_overall(r, f);
    if (f->of[FIND_ACCURACY].verdict != VERDICT_NONE) {
        write_classes(r, f);
        if (tables_errors(r) > 0)
            write_confusion(r, f);
        if (f->of[FIND_HIGHEST_ERRORS].verdict != VERDICT_NONE)
            write_confidence(r, f);
    }
    if (columns_told(f)) {
        words_section(COLUMNS_SECTION);
        columns_say(r, f);
    }
    write_maps(k);
    faithfulness_write(k);
    sanity_write(k);
}

void summary_write(const struct known *k)
{
    words_open("-");
    summary_make(k);
    about_write(&k->about);
    say_files(&k->about);
    words_close();
}
