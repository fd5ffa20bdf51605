/* recommendations.txt: each recommendation phrases a finding with the verdict yes. Where the
 * model does not do what it was trained for, only what may be the cause is recommended. */
#include "report.h"

#include "base/prog.h"
#include "phrases.h"
#include "stats/share.h"
#include "words.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIST = 10, SHORT_LIST = 5, EXPERIMENTS = 12 };

/* Errors of an experiment that is about confidences, or about errors that are not counted. */
enum { NO_ERRORS = 0, UNCOUNTED = -1 };

/* What to try next: how many errors it is about, and what to measure. */
struct experiment {
    int64_t errors;
    int rank; /* among those with as many errors: as they were found */
    char *text;
};

struct advice {
    const struct tables *r;
    const struct findings *f;
    const struct about *about;
    int64_t drawn_errors;
    bool works; /* and is run as it was trained: the errors mean something */
    int sections;
    struct experiment next[EXPERIMENTS];
    int experiments;
};

__attribute__((format(printf, 3, 4))) static void try_next(struct advice *a, int64_t errors,
                                                           const char *fmt, ...)
{
    va_list ap;
    char *text = NULL;
    va_start(ap, fmt);
    if (vasprintf(&text, fmt, ap) < 0)
        prog_die(PROG_ERROR, "out of memory: a text");
    va_end(ap);
    a->next[a->experiments] = (struct experiment){errors, a->experiments, text};
    a->experiments++;
}

static void section(struct advice *a, const char *title)
{
    char s[96];
    snprintf(s, sizeof s, "%d. %s", ++a->sections, title);
    words_section(s);
}

static double points(const struct tables *r, int64_t errors)
{
    return share_percent(errors, r->classes.total);
}

/* --- a model that does not work --- */

static void class_order(struct advice *a)
{
    const struct findings *f = a->f;
    const struct finding *o = &f->of[FIND_CLASS_ORDER];
    struct words_buf b, c, d;
    section(a, "Class order");
    if (f->moved_classes > 0)
        words_para(2, "-",
                   "The model and the labels order the classes differently: in %d of %s most "
                   "images are predicted as one other class, a different one for each.",
                   f->moved_classes,
                   words_count(&b, f->with_images, "class with images", "classes with images"));
    else
        words_para(2, "-",
                   "The model and the labels order the classes differently: %" PRId64 " of %" PRId64
                   " images (%s) are predicted as the class at the same distance "
                   "from theirs.",
                   o->count, o->of, words_percent(&b, o->count, o->of));
    if (f->offset > 0) {
        bool minus = 2 * f->offset > a->r->classes.n;
        words_para(2, "", "The predicted class ID is the true one %s %d, modulo %d.",
                   minus ? "minus" : "plus", minus ? a->r->classes.n - f->offset : f->offset,
                   a->r->classes.n);
    }
    words_para(2, "",
               "With the classes renamed accordingly, %s of the predictions would be correct "
               "instead of %s.",
               words_accuracy(&c, o->value), words_accuracy(&d, o->baseline));
    for (int i = 0; i < f->moved.n && i < LIST; i++) {
        const struct found *m = &f->moved.at[i];
        words_line("    %s -> %s: %" PRId64 " of %" PRId64, a->r->classes.row[m->cls].text,
                   a->r->classes.row[m->to].text, m->f.count, m->f.of);
    }
    if (f->moved.n > LIST)
        words_line("    and %d more", f->moved.n - LIST);
    words_para(2, "",
               "Give the names in the order in which the model was trained (%s), and check that "
               "the labels count the classes from the same number in the same order (%s).",
               prog_option("--names of cifar-predict", "NAMES"), prog_option("--labels", "LABELS"));
    if (a->works)
        try_next(a, o->count,
                 "Correct the class order. Measure: the errors of these classes, now %" PRId64 ".",
                 o->count);
}

static void check_model(struct advice *a)
{
    const struct finding *acc = &a->f->of[FIND_ACCURACY];
    bool few = acc->verdict == VERDICT_FEW;
    struct words_buf b, c, d;
    section(a, few ? "More images" : "The model and its input");
    words_para(2, "-", "The accuracy, %s (%" PRId64 " of %" PRId64 "), %s chance (%s).",
               words_accuracy(&b, acc->value), acc->count, acc->of, say_against_chance(acc),
               words_accuracy(&c, acc->baseline));
    if (a->f->only_predicted >= 0 && acc->of > 1)
        words_para(2, "", "All %s predicted as %s.",
                   words_count(&d, acc->of, "image is", "images are"),
                   a->r->classes.row[a->f->only_predicted].text);
    if (few)
        words_para(2, "-", "Use more images.");
    if (few && acc->value > acc->baseline)
        return;
    words_para(2, "-", "%s",
               few ? "If the accuracy stays so low, check in this order:"
                   : "Check, in this order:");
    words_para(4, "  -", "the mean and std of the pixels: %s and %s must be those of the training;",
               prog_option("--mean", "MEAN"), prog_option("--std", "STD"));
    words_para(4, "  -",
               "the inferred architecture, above all the stem: model-info --probe compares the "
               "interpretations of the checkpoint, %s sets one;",
               prog_option("--assume", "ASSUME"));
    words_para(4, "  -", "the class order: %s and %s must be those of the training;",
               prog_option("--names", "NAMES"), prog_option("--labels", "LABELS"));
    words_para(4, "  -", "that the checkpoint is of a trained model and for these classes.");
}

/* The warning above says what does not fit. */
static void better_fit(struct advice *a, const char *options)
{
    section(a, "Mean, std and architecture");
    words_para(2, "-",
               "The model is run in another way than it was trained, as far as its BatchNorm "
               "running statistics tell. Run it again with %s.",
               options);
}

/* --- similar classes --- */

static void list_siblings(const struct tables *r)
{
    size_t n;
    struct both_ways *s = pairs_inside(&r->pairs, &n);
    if (n > 0)
        words_para(2, "", "Most confused inside superclasses, both ways together:");
    for (size_t i = 0; i < n && i < SHORT_LIST; i++) {
        const struct pair_row *p = s[i].pair;
        words_line("    %4" PRId64 "  %s and %s (%" PRId64 " + %" PRId64 ")", s[i].both,
                   r->classes.row[p->truth].text, r->classes.row[p->pred].text, p->count,
                   p->reverse);
    }
    free(s);
}

static void similar_classes(struct advice *a)
{
    const struct finding *s = &a->f->of[FIND_SAME_SUPERCLASS];
    struct words_buf b, c;
    if (s->verdict == VERDICT_NONE)
        return;
    section(a, "Similar classes");
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
    words_para(2, "", "Ceiling: %.2f points.", points(a->r, s->count));
    list_siblings(a->r);
    try_next(a, s->count,
             "Train with the superclass in the loss. Measure: the errors inside superclasses, now "
             "%" PRId64 ".",
             s->count);
}

/* --- confidence --- */

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
                   "error is %.2f" WORDS_NB "%% on images that it was not fitted to. Fit isotonic "
                   "regression to the confidence on held-out images (Zadrozny and Elkan, 2002).",
                   t->value, 100 * after->value);
        try_next(a, NO_ERRORS,
                 "Fit isotonic regression. Measure: the calibration error, now %.2f" WORDS_NB "%%.",
                 100 * after->baseline);
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
    try_next(a, NO_ERRORS,
             "Predict with the temperature %.3f. Measure: the calibration error, now %.2f" WORDS_NB
             "%%, then about %.2f" WORDS_NB "%%; the predictions stay the same.",
             t->value, 100 * after->baseline, 100 * after->value);
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
    if (over && under) {
        words_para(2, "",
                   "One temperature cannot correct both. Fit isotonic regression to the confidence "
                   "on held-out images (Zadrozny and Elkan, 2002).");
        try_next(a, NO_ERRORS,
                 "Fit isotonic regression. Measure: the calibration error, now %.2f" WORDS_NB "%%.",
                 100 * c->value);
        return;
    }
    if (a->f->of[FIND_TEMPERATURE].verdict == VERDICT_YES ||
        a->f->of[FIND_TEMPERATURE].verdict == VERDICT_NO) {
        temperature(a);
        return;
    }
    words_para(2, "",
               "Divide the logits by one temperature, fitted on held-out images (Guo et al., "
               "2017). It changes confidences, not predictions.");
    try_next(a, NO_ERRORS,
             "Fit a temperature. Measure: the calibration error, now %.2f" WORDS_NB
             "%%; the predictions stay the same.",
             100 * c->value);
}

static void list_highest_wrong(const struct classes *c)
{
    struct class_list l = classes_by_highest_wrong(c);
    if (l.n > 0)
        words_para(2, "", "True classes with more than one of them:");
    for (int i = 0; i < l.n && i < SHORT_LIST; i++)
        words_line("    %4" PRId64 "  %s", c->row[l.cls[i]].highest_wrong, c->row[l.cls[i]].text);
    if (l.n > SHORT_LIST)
        words_line("    and %d more", l.n - SHORT_LIST);
    free(l.cls);
}

/* Where the errors of highest confidence are listed and drawn. */
static void list_files(const struct advice *a, int64_t errors)
{
    const struct file_list *files = &a->about->files;
    const char *first;
    char drawn[40] = "", more[96] = "", maps[256] = "";
    if (!file_list_has(files, "confident_errors.csv"))
        return;
    int pages = file_list_count(files, "confident_errors_p", &first);
    if (pages == 1)
        snprintf(more, sizeof more, " and confident_errors_p2.png");
    else if (pages > 1)
        snprintf(more, sizeof more, " and confident_errors_p2.png to confident_errors_p%d.png",
                 pages + 1);
    if (a->drawn_errors >= 0 && a->drawn_errors < errors)
        snprintf(drawn, sizeof drawn, ", the first %" PRId64, a->drawn_errors);
    if (file_list_has(files, "confident_errors.png"))
        snprintf(maps, sizeof maps, "%s with %s in confident_errors.png%s", *drawn ? drawn : ",",
                 errors == 1 ? "its map" : "their maps", more);
    words_para(2, "", "Listed in confident_errors.csv%s.", maps);
}

static void highest_errors(struct advice *a)
{
    const struct finding *h = &a->f->of[FIND_HIGHEST_ERRORS];
    bool one = h->count == 1;
    struct words_buf b;
    if (h->verdict == VERDICT_NONE)
        return;
    if (h->count > 0 && h->verdict == VERDICT_NO) {
        words_para(2, "-",
                   "Errors of highest confidence (above 90" WORDS_NB "%%), no finding: %" PRId64
                   " of %s. If the confidences were right, about %.1f "
                   "would be: no more than chance.",
                   h->count, words_count(&b, h->of, "error", "errors"), a->f->highest_expected);
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
               "%%), by more than chance: if the confidences were right, about %.1f would. Look "
               "at %s: is the label wrong, or the model?",
               h->count, h->of, h->of == 1 ? "error" : "errors", words_percent(&b, h->count, h->of),
               one ? "has" : "have", a->f->highest_expected, one ? "it" : "each");
    words_para(2, "", "Ceiling: %.2f points, whether labels or predictions are corrected.",
               points(a->r, h->count));
    list_files(a, h->count);
    list_highest_wrong(&a->r->classes);
    try_next(
        a, h->count,
        one ? "Review the label of the error of highest confidence. Measure: whether it is "
              "wrong."
            : "Review the labels of the errors of highest confidence. Measure: how many labels "
              "are wrong, and the accuracy without these images.");
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
    else if (k->verdict == VERDICT_NO && k->value <= k->baseline)
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

static void confidence(struct advice *a)
{
    if (a->f->of[FIND_CALIBRATION].verdict == VERDICT_NONE &&
        a->f->of[FIND_HIGHEST_ERRORS].verdict == VERDICT_NONE)
        return;
    section(a, "Confidence");
    highest_errors(a);
    calibration(a);
    reject_low(a);
}

/* --- maps --- */

static void blank(struct advice *a)
{
    const struct finding *b = &a->f->of[FIND_BLANK], *t = &a->f->of[FIND_BLANK_TRUE];
    const char *score = about_value(a->about, "score");
    struct words_buf x;
    if (a->f->one_cell)
        return;
    if (b->verdict == VERDICT_NO && t->verdict != VERDICT_YES) {
        words_para(2, "-", "Blank maps, no finding: none for %s.",
                   words_count(&x, b->of, "image", "images"));
        return;
    }
    say_blank(a->f);
    if (a->f->of[FIND_PLACES].verdict != VERDICT_NO)
        words_para(
            2, "",
            "A blank map does not show where the model looks. The margin map may: it is not cut "
            "off at zero.");
    if (score && strcmp(score, "logit") != 0)
        words_para(2, "", "This run used SCORE=%s: SCORE=logit may leave fewer blank.", score);
}

static void border(struct advice *a)
{
    const struct finding *f = &a->f->of[FIND_BORDER];
    const struct difference *d = &a->f->border;
    char said[256];
    if (f->verdict == VERDICT_YES && d->more) {
        words_para(2, "-",
                   "The maps of wrong predictions lie more on the border of the image (median "
                   "%.1f" WORDS_NB "%% against %.1f" WORDS_NB
                   "%% in correct ones). Try stronger crops and shifts, or paste objects on other "
                   "backgrounds.",
                   100 * d->median[1], 100 * d->median[0]);
        try_next(a, UNCOUNTED,
                 "Train with stronger crops. Measure: the border share of wrong predictions, now "
                 "%.1f" WORDS_NB "%% (median).",
                 100 * d->median[1]);
    } else {
        say_difference(said, sizeof said, d, f, "the wrong one");
        words_para(2, "-",
                   "Border, no finding: %s (median %.1f" WORDS_NB "%% against %.1f" WORDS_NB
                   "%% in correct ones). %s",
                   f->verdict == VERDICT_YES
                       ? "the maps of wrong predictions lie less on it"
                       : "the maps of wrong predictions are not shown to lie more on it",
                   100 * d->median[1], 100 * d->median[0], said);
    }
}

static void entropy(struct advice *a)
{
    const struct finding *f = &a->f->of[FIND_ENTROPY];
    const struct difference *d = &a->f->entropy;
    char said[256];
    if (f->verdict != VERDICT_YES) {
        say_difference(said, sizeof said, d, f, "the wrong one");
        words_para(2, "-",
                   "Entropy, no finding: the maps of wrong predictions are not shown to be more "
                   "diffuse or more concentrated (median entropy %.3f against %.3f in correct "
                   "ones). %s",
                   d->median[1], d->median[0], said);
    } else if (!d->more)
        words_para(2, "-",
                   "The maps of wrong predictions are more concentrated (median entropy %.3f "
                   "against %.3f): fewer cells decide. Try random erasing or cutout.",
                   d->median[1], d->median[0]);
    else
        words_para(2, "-",
                   "The maps of wrong predictions are more diffuse (median entropy %.3f against "
                   "%.3f): more of the image contributes. Try a larger input or a last stage of "
                   "higher resolution.",
                   d->median[1], d->median[0]);
}

static void overlap(struct advice *a)
{
    const struct finding *high = &a->f->of[FIND_OVERLAP_HIGH], *low = &a->f->of[FIND_OVERLAP_LOW];
    struct words_buf b;
    if (high->verdict == VERDICT_NONE)
        return;
    if (high->verdict == VERDICT_FEW) {
        words_para(2, "-",
                   "Overlap: too few errors whose two maps are not blank, %" PRId64
                   " where %d are needed.",
                   high->of, FINDINGS_FEW);
        return;
    }
    if (high->verdict == VERDICT_YES && a->f->blunt) {
        words_para(2, "-",
                   "In %" PRId64 " of %" PRId64
                   " errors (%s) the maps of the true and the predicted class overlap by more than "
                   "half, but maps as diffuse as these (median entropy %.3f) do so in part "
                   "whatever they show. Before you conclude from it, make the maps of an earlier "
                   "stage, which has more cells%s.",
                   high->count, high->of, words_percent(&b, high->count, high->of),
                   a->f->entropy.median[1], a->r->maps.earlier ? "" : " (LAYER=layer3)");
    } else if (high->verdict == VERDICT_YES) {
        words_para(2, "-",
                   "In %" PRId64 " of %" PRId64
                   " errors (%s) the maps of the true and the predicted class overlap by more than "
                   "half: the model looks at the same part of the image for both. Features that "
                   "tell the classes apart may help these, crops will hardly.",
                   high->count, high->of, words_percent(&b, high->count, high->of));
        try_next(a, high->count,
                 "Train for finer features: a larger input, a last stage of higher resolution, or "
                 "longer. Measure: the errors whose two maps overlap by more than half, now "
                 "%" PRId64 ".",
                 high->count);
    }
    if (a->r->maps.earlier) {
        words_para(2, "-",
                   "Several objects, not judged: at a layer before the last stage the maps of two "
                   "classes may lie apart whatever the image shows.");
    } else if (low->verdict == VERDICT_YES) {
        words_para(
            2, "-",
            "In %" PRId64 " of %" PRId64
            " errors (%s) the two maps lie apart (overlap below %.1f). Look there for images "
            "with several objects, of which the label names one.",
            low->count, low->of, words_percent(&b, low->count, low->of), MAPS_OVERLAP_LOW);
        try_next(a, low->count,
                 "Count the images with several objects among the %s whose two maps lie apart.",
                 words_count(&b, low->count, "error", "errors"));
    } else {
        words_para(
            2, "-",
            "Several objects, no finding: in %" PRId64 " of %" PRId64
            " errors (%s) the two maps lie apart (overlap below %.1f); more than %.0f" WORDS_NB
            "%% would be a reason.",
            low->count, low->of, words_percent(&b, low->count, low->of), MAPS_OVERLAP_LOW,
            100 * OVERLAP_LOW_SHARE);
    }
}

static void zero_true(struct advice *a)
{
    const struct finding *z = &a->f->of[FIND_ZERO_TRUE];
    struct words_buf b, c;
    if (z->verdict != VERDICT_YES)
        return;
    words_para(2, "-",
               "In %" PRId64 " of %" PRId64
               " errors (%s) the map of the true class is mostly zero; that of the predicted class "
               "is in %s of the correct predictions. The model finds little that supports the true "
               "class.",
               z->count, z->of, words_percent(&b, z->count, z->of), words_share(&c, z->baseline));
}

static void attention(struct advice *a)
{
    const struct maps *m = &a->r->maps;
    if (a->f->of[FIND_BLANK].verdict == VERDICT_NONE)
        return;
    section(a, "Attention");
    blank(a);
    say_coarse(a->about, a->f);
    if (a->f->of[FIND_PLACES].verdict != VERDICT_YES || tables_errors(a->r) == 0)
        return;
    if (isnan(a->f->of[FIND_BORDER].p)) {
        words_para(2, "-",
                   "Correct and wrong predictions are not compared: %d maps of each that are not "
                   "blank are needed, found %" PRId64 " and %" PRId64 ".",
                   FINDINGS_FEW, m->of[MAPS_CORRECT].border.n, m->of[MAPS_WRONG].border.n);
    } else {
        border(a);
        entropy(a);
    }
    overlap(a);
    zero_true(a);
}

/* --- worst classes --- */

static void weak_classes(struct advice *a)
{
    const struct findings *f = a->f;
    const struct classes *c = &a->r->classes;
    int64_t errors = f->weak.errors;
    bool one = f->weak.n == 1;
    struct words_buf x, y, z;
    if (f->of[FIND_WEAK_CLASSES].verdict == VERDICT_NONE)
        return;
    section(a, "Worst classes");
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
    for (int i = 0; i < f->weak.n && i < LIST; i++) {
        const struct class_row *row = &c->row[f->weak.at[i].cls];
        char wrong[512];
        say_top_wrong(wrong, sizeof wrong, row);
        words_line("   %5.1f %%  %s%s%s", 100 * class_accuracy(row), row->text,
                   *wrong ? ", most frequent wrong prediction: " : "", wrong);
    }
    if (f->weak.n > LIST)
        words_line("    and %d more", f->weak.n - LIST);
    words_para(2, "", "Give %s more or better images, or more weight in the loss.",
               one ? "this class" : "these classes");
    words_para(2, "", "At the accuracy of the other classes (%s) %s would add %.2f points.",
               words_share(&z, f->weak_classes.others), one ? "it" : "they",
               100 * f->weak_classes.gain);
    try_next(a, errors,
             "Give more weight or images to the %s below %.0f" WORDS_NB
             "%%. Measure: %s errors, now %" PRId64
             ", and that the other classes lose less than %s.",
             one ? "class" : words_count(&x, f->weak.n, "", "classes"), 100 * WEAK_CLASS,
             one ? "its" : "their", errors, one ? "it wins" : "they win");
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
    for (int i = 0; i < few->n && i < LIST; i++)
        words_line("    %4" PRId64 "  %s -> %s", pairs->row[i].count, row[pairs->row[i].truth].text,
                   row[pairs->row[i].pred].text);
    if (few->n > LIST)
        words_line("    and %d more", few->n - LIST);
    words_para(2, "", "Ceiling: %.2f points.", points(a->r, few->errors));
    if (few->n == 1)
        try_next(a, few->errors,
                 "Correct the pair %s -> %s with more images of both classes. Measure: its errors, "
                 "now %" PRId64 ".",
                 row[pairs->row[0].truth].text, row[pairs->row[0].pred].text, few->errors);
    else
        try_next(a, few->errors,
                 "Correct the %d %s with more images of their classes. Measure: their errors, now "
                 "%" PRId64 ".",
                 few->n, few->all ? "confused pairs" : "most frequent pairs", few->errors);
}

static void one_way(struct advice *a)
{
    const struct finding *o = &a->f->of[FIND_ONE_WAY];
    const struct class_row *row = a->r->classes.row;
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
    }
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
    for (int i = 0; i < f->overpredicted.n && i < LIST; i++) {
        const struct found *it = &f->overpredicted.at[i];
        const struct class_row *row = &c->row[it->cls];
        words_line("    %s: %s for %s, %" PRId64 " wrong", row->text,
                   words_count(&b, row->predicted, "prediction", "predictions"),
                   words_count(&d, row->total, "image", "images"), it->errors);
    }
    if (f->overpredicted.n > LIST)
        words_line("    and %d more", f->overpredicted.n - LIST);
    try_next(a, f->overpredicted.errors,
             "Lower the prior of the %s. Measure: %s wrong predictions, now %" PRId64 ".",
             one ? "over-predicted class"
                 : words_count(&b, f->overpredicted.n, "", "over-predicted classes"),
             one ? "its" : "their", f->overpredicted.errors);
}

static void patterns(struct advice *a)
{
    const struct finding *f = a->f->of;
    if (tables_errors(a->r) == 0 ||
        (f[FIND_FEW_PAIRS].verdict == VERDICT_NONE && f[FIND_ONE_WAY].verdict == VERDICT_NONE &&
         f[FIND_OVERPREDICTED].verdict == VERDICT_NONE))
        return;
    section(a, "Patterns");
    few_pairs(a);
    one_way(a);
    overpredicted(a);
}

/* --- next experiments --- */

static int by_errors(const void *a, const void *b)
{
    const struct experiment *x = a, *y = b;
    if (x->errors != y->errors)
        return x->errors < y->errors ? 1 : -1;
    return x->rank - y->rank;
}

static void experiments(struct advice *a)
{
    struct words_buf b;
    const struct finding *acc = &a->f->of[FIND_ACCURACY];
    section(a, "Next experiments");
    if (a->experiments == 0)
        words_para(0, "", "None follows from these measurements.");
    else if (a->experiments > 1)
        words_para(0, "",
                   "By the number of errors that they are about; an error may be counted in "
                   "several. Change one thing at a time.");
    qsort(a->next, (size_t)a->experiments, sizeof *a->next, by_errors);
    for (int i = 0; i < a->experiments; i++) {
        char mark[16];
        snprintf(mark, sizeof mark, "%d.", i + 1);
        words_para(4, mark, "%s: %s",
                   a->next[i].errors == NO_ERRORS ? "Confidences only"
                   : a->next[i].errors == UNCOUNTED
                       ? "Errors not counted"
                       : words_count(&b, a->next[i].errors, "error", "errors"),
                   a->next[i].text);
        free(a->next[i].text);
    }
    words_gap();
    words_para(0, "",
               "The 95" WORDS_NB
               "%% interval of the accuracy is %.2f points wide on %s: on another "
               "set of images, a smaller gain could be luck.",
               100 * finding_width(acc), words_count(&b, acc->of, "image", "images"));
}

static void write_sections(struct advice *a)
{
    const struct finding *acc = &a->f->of[FIND_ACCURACY], *order = &a->f->of[FIND_CLASS_ORDER];
    const char *better = about_better(a->about);
    if (better)
        better_fit(a, better);
    if (order->verdict == VERDICT_YES)
        class_order(a);
    else if (!better && !findings_work(a->f))
        check_model(a);
    if (!a->works) {
        words_gap();
        words_para(0, "",
                   "Nothing else is recommended until this is settled: every other measurement "
                   "depends on it.");
        return;
    }
    if (tables_errors(a->r) == 0) {
        words_gap();
        words_para(0, "",
                   "There is no error among %" PRId64 " images: the 95" WORDS_NB
                   "%% interval of the accuracy begins at %.2f" WORDS_NB
                   "%%. To learn from errors, use more images, or harder ones.",
                   acc->of, 100 * acc->low);
    }
    similar_classes(a);
    confidence(a);
    attention(a);
    if (tables_errors(a->r) > 0)
        weak_classes(a);
    patterns(a);
    experiments(a);
}

void advice_write(const struct known *k)
{
    const struct tables *r = &k->tables;
    const struct findings *f = &k->findings;
    struct advice a = {.r = r,
                       .f = f,
                       .about = &k->about,
                       .drawn_errors = k->drawn_errors,
                       .works = findings_work(f) && !about_better(&k->about)};
    const struct finding *acc = &f->of[FIND_ACCURACY];
    struct words_buf b, c, d;
    words_open("-");
    words_title("Recommendations");
    about_write_warnings(&k->about);
    words_gap();
    if (acc->verdict == VERDICT_NONE) {
        words_para(0, "", "%s",
                   r->classes.total == 0
                       ? "No image has a label: nothing was measured."
                       : "There is one class, so every prediction is correct by construction: "
                         "nothing can be recommended.");
    } else {
        char tests[128] = "";
        if (a.works)
            snprintf(tests, sizeof tests,
                     " What could be chance is no finding: tests have the level %.2f, corrected "
                     "for their number by Holm's method.",
                     FINDINGS_LEVEL);
        words_para(0, "",
                   "From %s with %s (accuracy %s). Each recommendation rests on the measurement "
                   "that it names.%s%s",
                   words_count(&b, acc->of, "image", "images"),
                   words_count(&c, tables_errors(r), "error", "errors"),
                   words_accuracy(&d, acc->value), tests,
                   a.works && tables_errors(r) > 0
                       ? " A ceiling is the gain in accuracy if all of its errors went away and no "
                         "other came."
                       : "");
        write_sections(&a);
    }
    about_write(&k->about);
    words_close();
}
