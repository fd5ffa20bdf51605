#include "advice.h"

#include "phrases.h"
#include "words.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

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

/* Whether most maps change with a mirrored or shifted image: no training follows from them. */
static bool is_unstable(const struct advice *a)
{
    const struct finding *f = &a->f->of[FIND_UNSTABLE];
    return f->verdict == VERDICT_YES && 2 * f->count > f->of;
}

static void unstable(const struct advice *a)
{
    const struct finding *f = &a->f->of[FIND_UNSTABLE];
    struct words_buf b;
    if (is_unstable(a))
        words_para(
            2, "-",
            "In %" PRId64 " of %" PRId64
            " images (%s) the order of the map's cells changes when the image is mirrored or "
            "shifted by one pixel. Such maps are no reason to train in another way.",
            f->count, f->of, words_percent(&b, f->count, f->of));
}

static void border(struct advice *a)
{
    const struct finding *f = &a->f->of[FIND_BORDER];
    const struct difference *d = &a->f->border;
    char said[256];
    if (f->verdict == VERDICT_YES && d->more) {
        words_para(2, "-",
                   "The maps of wrong predictions lie more on the border of the image (median "
                   "%.1f" WORDS_NB "%% against %.1f" WORDS_NB "%% in correct ones).%s",
                   100 * d->median[1], 100 * d->median[0],
                   is_unstable(a) ? ""
                                  : " Try stronger crops and shifts, or paste objects on other "
                                    "backgrounds.");
        if (is_unstable(a))
            return;
        recommend(a, UNCOUNTED, FIND_BORDER, "data/cam_stats.tsv", "Train with stronger crops.");
        recommend_worked(a,
                         "the median border share of wrong predictions, now %.1f" WORDS_NB
                         "%%, is that of correct ones, %.1f" WORDS_NB "%%.",
                         100 * d->median[1], 100 * d->median[0]);
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
        return;
    }
    if (!d->more)
        words_para(2, "-",
                   "The maps of wrong predictions are more concentrated (median entropy %.3f "
                   "against %.3f): fewer cells decide.%s",
                   d->median[1], d->median[0],
                   is_unstable(a) ? "" : " Try random erasing or cutout.");
    else
        words_para(2, "-",
                   "The maps of wrong predictions are more diffuse (median entropy %.3f against "
                   "%.3f): more of the image contributes.%s",
                   d->median[1], d->median[0],
                   is_unstable(a) ? ""
                                  : " Try a larger input or a last stage of higher resolution.");
    if (is_unstable(a))
        return;
    recommend(a, UNCOUNTED, FIND_ENTROPY, "data/cam_stats.tsv", "%s",
              d->more ? "Train with a larger input or a last stage of higher resolution."
                      : "Train with random erasing or cutout.");
    recommend_worked(a,
                     "the median entropy of the maps of wrong predictions, now %.3f, is that of "
                     "correct ones, %.3f.",
                     d->median[1], d->median[0]);
}

static void finer_features(struct advice *a, const struct finding *high)
{
    recommend(a, high->count, FIND_OVERLAP_HIGH, "data/cam_stats.tsv",
              "Train for finer features: a larger input, a last stage of higher resolution, or "
              "longer.");
    recommend_worked(a,
                     "fewer than %" PRId64 " errors have maps that overlap by more than half "
                     "(now %" PRId64 "; " ADVICE_FEWER ").",
                     advice_fewer(high), high->count);
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
    if (a->f->blunt) {
        words_para(
            2, "-",
            "In %" PRId64 " of %" PRId64
            " errors (%s) the maps of the true and the predicted class overlap by more than "
            "half, but no more than with one of them mirrored, left to right (median %.2f): that "
            "says nothing about the image. The maps of an earlier stage, which has more cells, "
            "may tell more%s.",
            high->count, high->of, words_percent(&b, high->count, high->of),
            spread_median(&a->r->maps.of[MAPS_WRONG].chance),
            a->r->maps.earlier ? "" : " (LAYER=layer3)");
    } else if (high->verdict == VERDICT_YES) {
        words_para(2, "-",
                   "In %" PRId64 " of %" PRId64
                   " errors (%s) the maps of the true and the predicted class overlap by more than "
                   "half: the model looks at the same part of the image for both.%s",
                   high->count, high->of, words_percent(&b, high->count, high->of),
                   is_unstable(a) ? ""
                                  : " Features that tell the classes apart may help these, crops "
                                    "will hardly.");
        if (!is_unstable(a))
            finer_features(a, high);
    }
    if (a->r->maps.earlier) {
        words_para(
            2, "-",
            "Several objects, not judged: at %s the maps of two classes may lie apart whatever "
            "the image shows.",
            about_value(a->about, "network_end") ? about_value(a->about, "layer")
                                                 : "a layer before the last stage");
    } else if (low->verdict == VERDICT_YES) {
        words_para(
            2, "-",
            "In %" PRId64 " of %" PRId64
            " errors (%s) the two maps lie apart (overlap below %.1f). Look there for images "
            "with several objects, of which the label names one.",
            low->count, low->of, words_percent(&b, low->count, low->of), MAPS_OVERLAP_LOW);
        recommend(a, low->count, FIND_OVERLAP_LOW, "data/cam_stats.tsv",
                  "Count the images with several objects among the %s whose two maps lie apart.",
                  words_count(&b, low->count, "error", "errors"));
        recommend_worked(a, "most of them have several objects: then give them several labels, or "
                            "count any of these as correct.");
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

void advice_maps(struct advice *a)
{
    const struct maps *m = &a->r->maps;
    if (a->f->of[FIND_BLANK].verdict == VERDICT_NONE)
        return;
    advice_section(a, "Attention");
    blank(a);
    say_coarse(a->about, a->f);
    if (a->f->of[FIND_PLACES].verdict != VERDICT_YES || tables_errors(a->r) == 0)
        return;
    unstable(a);
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
