#include "advice.h"

#include "words.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

static void write_bin(const char *what, const struct calibration_far *b)
{
    struct words_buf n;
    words_para(4, "",
               "%s: %.0f to %.0f" WORDS_NB "%% (%s, confidence %.1f" WORDS_NB
               "%%, accuracy %.1f" WORDS_NB "%%)",
               what, 100 * b->from, 100 * b->to, words_count(&n, b->images, "image", "images"),
               100 * b->conf, 100 * b->accuracy);
}

/* The bin with most of the error may have a small gap, and a large one few images. */
static void write_bins(const struct calibration *c, bool over, bool both)
{
    struct calibration_far part, gap;
    char what[96];
    const char *side = !both ? "" : over ? ", over-confident" : ", under-confident";
    if (!calibration_largest_part(c, over, &part))
        return;
    bool has_gap = calibration_largest_gap(c, over, FINDINGS_FEW, &gap);
    bool same = has_gap && gap.from == part.from;
    snprintf(what, sizeof what, "Largest part%s of the calibration error%s",
             same ? " and largest gap" : "", side);
    write_bin(what, &part);
    if (!has_gap || same)
        return;
    snprintf(what, sizeof what, "Largest gap in a bin of at least %d images%s", FINDINGS_FEW, side);
    write_bin(what, &gap);
}

/* What one temperature changes, which was measured. */
static void temperature(struct advice *a)
{
    const struct finding *t = &a->f->of[FIND_TEMPERATURE], *after = &a->f->of[FIND_TEMPERATURE_ECE];
    if (t->verdict == VERDICT_NO) {
        words_para(2, "",
                   "One temperature does not help: at the most likely one, %.3f, the calibration "
                   "error is %.2f" WORDS_NB "%% on images that it was not fitted to.",
                   t->value, 100 * after->value);
        return;
    }
    char interval[64] = "";
    if (t->high > t->low)
        snprintf(interval, sizeof interval, "95" WORDS_NB "%% interval %.3f to %.3f; ", t->low,
                 t->high);
    words_para(2, "",
               "Divide the logits by the temperature %.3f (%sGuo et al., 2017). On images that it "
               "was not fitted to, the calibration error is then %.2f" WORDS_NB
               "%%. It changes confidences, not predictions.",
               t->value, interval, 100 * after->value);
    recommend(a, CONFIDENCES, FIND_TEMPERATURE_ECE, "data/calibration.tsv,reliability_diagram.png",
              "Divide the logits by the temperature %.3f: cifar-predict --temperature %.3f, or "
              "heatpipe --temperature %.3f for the whole analysis.",
              t->value, t->value, t->value);
    recommend_worked(a,
                     "the calibration error of other images is about %.2f" WORDS_NB
                     "%% instead of %.2f" WORDS_NB "%%, and no prediction changes.",
                     100 * after->value, 100 * after->baseline);
}

static void calibration(struct advice *a)
{
    const struct finding *c = &a->f->of[FIND_CALIBRATION];
    bool over = a->f->of[FIND_OVERCONFIDENT].verdict == VERDICT_YES;
    bool under = a->f->of[FIND_UNDERCONFIDENT].verdict == VERDICT_YES;
    const struct confidence *p = &a->r->confidence;
    if (c->verdict == VERDICT_NONE)
        return;
    if (c->verdict == VERDICT_FEW) {
        words_para(2, "-", "Calibration: too few images, %" PRId64 " where %d are needed.", c->of,
                   FINDINGS_FEW);
        return;
    }
    if (c->verdict == VERDICT_NO) {
        words_para(2, "-",
                   "Calibration, no finding: the calibration error is %.2f" WORDS_NB
                   "%%, where chance alone gives about %.2f" WORDS_NB
                   "%% on as many images: it %s.",
                   100 * c->value, 100 * c->baseline,
                   finding_tells(c) ? "is too small to matter" : "could be chance");
        return;
    }
    words_para(2, "-",
               "The model is %s: the calibration error is %.2f" WORDS_NB
               "%%, chance alone gives about %.2f" WORDS_NB "%% (mean confidence %.2f" WORDS_NB
               "%%, accuracy %.2f" WORDS_NB "%%).",
               over && under ? "over-confident in some bins of confidence and under-confident in "
                               "others"
               : over        ? "over-confident"
                             : "under-confident",
               100 * c->value, 100 * c->baseline, 100 * p->mean,
               100 * a->f->of[FIND_ACCURACY].value);
    if (over)
        write_bins(&p->calibration, true, over && under);
    if (under)
        write_bins(&p->calibration, false, over && under);
    if (a->f->of[FIND_TEMPERATURE].verdict == VERDICT_YES ||
        a->f->of[FIND_TEMPERATURE].verdict == VERDICT_NO) {
        temperature(a);
        return;
    }
    if (over && under) {
        words_para(2, "",
                   "One temperature lowers or raises all confidences: it cannot correct both.");
        return;
    }
    words_para(2, "",
               "Divide the logits by one temperature, fitted on held-out images (Guo et al., "
               "2017). It changes confidences, not predictions.");
    recommend(a, CONFIDENCES, FIND_CALIBRATION, "reliability_diagram.png",
              "Fit a temperature to held-out images: heatpipe calibrate --logits.");
    recommend_worked(a,
                     "the calibration error of other images is below %.2f" WORDS_NB
                     "%%, and no prediction changes.",
                     100 * c->value);
}

/* Where the errors of highest confidence are listed and drawn. */
static void list_files(const struct advice *a, int64_t errors)
{
    char drawn[40] = "", pages[128], maps[256] = "";
    if (!file_list_has(&a->about->files, "confident_errors.csv"))
        return;
    advice_pages(pages, sizeof pages, a->about, "confident_errors");
    if (a->drawn_errors >= 0 && a->drawn_errors < errors)
        snprintf(drawn, sizeof drawn, ", the first %" PRId64, a->drawn_errors);
    if (*pages)
        snprintf(maps, sizeof maps, "%s with %s in %s", *drawn ? drawn : ",",
                 errors == 1 ? "its map" : "their maps", pages);
    words_para(2, "", "Listed in confident_errors.csv%s.", maps);
}

/* " label-check flags 21 of them." */
static const char *say_flagged(struct words_buf *b, int64_t n, int64_t flagged)
{
    *b->s = '\0';
    if (flagged >= 0 && n == 1)
        snprintf(b->s, sizeof b->s, " label-check %s it.", flagged ? "flags" : "does not flag");
    else if (flagged >= 0)
        snprintf(b->s, sizeof b->s, " label-check flags %" PRId64 " of them.", flagged);
    return b->s;
}

/* Errors whose labels are flagged are reviewed with these, where that is recommended. */
static void review_highest(struct advice *a)
{
    static const char files[] = "confident_errors.csv,confident_errors.png";
    const struct finding *h = &a->f->of[FIND_HIGHEST_ERRORS];
    int64_t flagged = a->r->confidence.highest_flagged, left = h->count - flagged;
    bool apart = flagged > 0 && a->f->of[FIND_FLAGGED_LABELS].verdict == VERDICT_YES;
    struct words_buf b;
    if (apart && left == 0)
        return;
    if (apart)
        recommend(a, left, FIND_HIGHEST_ERRORS, files,
                  left == 1 ? "Review the error of highest confidence whose label is not flagged: "
                              "why is the model so confident?"
                            : "Look for what the errors of highest confidence whose labels are not "
                              "flagged have in common.");
    else
        recommend(a, h->count, FIND_HIGHEST_ERRORS, files,
                  "Review the %s of highest confidence: is the label wrong, or the model?",
                  h->count == 1 ? "error" : "errors");
    if (flagged >= 0 && (flagged == 0 || left == 0) && h->count > 1)
        recommend_more(a, "label-check flags %s of these %" PRId64 ".", left ? "none" : "all",
                       h->count);
    else if (flagged >= 0)
        recommend_more(a, "label-check does not flag %" PRId64 " of these %" PRId64 ".", left,
                       h->count);
    recommend_worked(a,
                     "after the correction of labels or model %s of the errors have the highest "
                     "confidence, as the confidences say.",
                     words_about(&b, a->f->highest_expected));
}

static void highest_errors(struct advice *a)
{
    const struct finding *h = &a->f->of[FIND_HIGHEST_ERRORS];
    bool one = h->count == 1;
    struct words_buf b, c, d;
    if (h->verdict == VERDICT_NONE)
        return;
    if (h->count > 0 && h->verdict == VERDICT_NO) {
        words_para(2, "-",
                   "Errors of highest confidence (above 90" WORDS_NB "%%), no finding: %" PRId64
                   " of %s. If the confidences were right, %s would be: no more than chance.",
                   h->count, words_count(&b, h->of, "error", "errors"),
                   words_about(&c, a->f->highest_expected));
        list_files(a, h->count);
        return;
    }
    if (h->verdict == VERDICT_NO) {
        const struct confidence *p = &a->r->confidence;
        if (p->correct[BAND_HIGHEST] == 0)
            words_para(2, "-",
                       "No prediction has the highest confidence (above 90" WORDS_NB "%%).");
        else
            words_para(2, "-", "Errors of highest confidence (above 90" WORDS_NB "%%): none of %s.",
                       words_count(&b, h->of, "error", "errors"));
        return;
    }
    words_para(2, "-",
               "%" PRId64 " of %" PRId64 " %s (%s) %s the highest confidence (above 90" WORDS_NB
               "%%), by more than chance: if the confidences were right, %s would. Look "
               "at %s: is the label wrong, or the model?%s",
               h->count, h->of, h->of == 1 ? "error" : "errors", words_percent(&b, h->count, h->of),
               one ? "has" : "have", words_about(&c, a->f->highest_expected), one ? "it" : "each",
               say_flagged(&d, h->count, a->r->confidence.highest_flagged));
    words_para(2, "", "Ceiling: %.2f points, whether labels or predictions are corrected.",
               advice_points(a->r, h->count));
    list_files(a, h->count);
    advice_list_classes(&a->r->classes, CLASS_HIGHEST_WRONG,
                        "True classes with more than one of them:");
    review_highest(a);
}

static void reject_low(struct advice *a)
{
    const struct finding *k = &a->f->of[FIND_REJECT_LOW];
    struct words_buf b, c, d;
    if (k->verdict == VERDICT_YES)
        words_para(2, "-",
                   "Where an error costs more than no prediction, reject those of low confidence "
                   "(up to 50" WORDS_NB "%%): %" PRId64 " of %" PRId64
                   " predictions remain (%s), and %s of them are correct instead of %s.",
                   k->of, a->r->classes.total, words_percent(&b, k->of, a->r->classes.total),
                   words_accuracy(&c, k->value), words_accuracy(&d, k->baseline));
    if (k->verdict == VERDICT_YES) {
        if (file_list_has(&a->about->files, "data/findings.tsv"))
            words_para(2, "", "In data/findings.tsv these numbers are the row reject_low.");
        recommend(a, CONFIDENCES, FIND_REJECT_LOW,
                  "data/findings.tsv,data/risk.tsv,reliability_diagram.png",
                  "Reject predictions of low confidence (up to 50" WORDS_NB
                  "%%) where an error costs more than no prediction.");
        recommend_worked(a,
                         "of other images, too, about %s of the predictions that remain are "
                         "correct.",
                         words_accuracy(&c, k->value));
    } else if (k->verdict == VERDICT_NO && k->value <= k->baseline)
        words_para(2, "-",
                   "Rejecting predictions of low confidence, no finding: it does not raise the "
                   "accuracy here. %s of the others are correct, of all %s.",
                   words_accuracy(&c, k->value), words_accuracy(&d, k->baseline));
    else if (k->verdict == VERDICT_NO)
        words_para(2, "-",
                   "Rejecting predictions of low confidence, no finding: %s of the others are "
                   "correct instead of %s, a difference that %s.",
                   words_accuracy(&c, k->value), words_accuracy(&d, k->baseline),
                   finding_tells(k) ? "is too small to matter" : "could be chance");
}

void advice_confidence(struct advice *a)
{
    if (a->f->of[FIND_CALIBRATION].verdict == VERDICT_NONE &&
        a->f->of[FIND_HIGHEST_ERRORS].verdict == VERDICT_NONE)
        return;
    advice_section(a, "Confidence");
    highest_errors(a);
    calibration(a);
    reject_low(a);
}
