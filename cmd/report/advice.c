/* recommendations.txt: every recommendation follows from a condition on figures of
 * the run, and says so; a condition that does not hold is said not to hold. */
#include "report.h"

#include "base/mem.h"
#include "base/prog.h"
#include "stats/share.h"
#include "words.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

/* When a figure is worth a recommendation. */
#define SIBLINGS_SHARE 0.10  /* of the errors inside superclasses, at least */
#define SIBLINGS_TIMES 2.0   /* and this many times what chance would give */
#define GAP_POINTS 0.02      /* mean confidence from accuracy */
#define REFUSE_POINTS 0.01   /* accuracy won by refusing unsure predictions */
#define FEW_PAIRS_SHARE 0.25 /* of the errors in the most frequent pairs */
#define FEW_PAIRS_TIMES 2.0  /* and this many times their part of the kinds */
#define WEAK_CLASS 0.50      /* accuracy of a class */
#define DRAWN_TIMES 1.25     /* predictions of a class for its images */
#define ONE_WAY_P 0.001      /* of the sign test on the two ways of a pair */
#define MUTE_SHARE 0.10      /* of wrong predictions whose true class's map is mute */
#define PLACES_SHARE 0.25    /* of wrong predictions with maps apart */
enum { LIST = 10, PAIR_LIST = 5 };

/* What to try next: how many errors it is about, and what to measure. */
struct experiment {
    int64_t errors;
    int place; /* among those with as many errors: as they were found */
    char *text;
};

static struct {
    struct experiment e[16];
    int n;
} next;

__attribute__((format(printf, 2, 3))) static void try_next(int64_t errors, const char *fmt, ...)
{
    va_list ap;
    char *text = NULL;
    va_start(ap, fmt);
    if (vasprintf(&text, fmt, ap) < 0)
        prog_die(PROG_ERROR, "out of memory: a text");
    va_end(ap);
    next.e[next.n] = (struct experiment){errors, next.n, text};
    next.n++;
}

static double points(const struct run *r, int64_t errors)
{
    return 100.0 * (double)errors / (double)r->classes.total;
}

/* --- similar classes --- */

/* Both ways of a pair together. */
struct siblings {
    const struct pair_row *pair;
    int64_t both;
};

static int by_both(const void *a, const void *b)
{
    const struct siblings *x = a, *y = b;
    if (x->both != y->both)
        return x->both < y->both ? 1 : -1;
    return (x->pair > y->pair) - (x->pair < y->pair);
}

static void list_siblings(const struct run *r, bool inside)
{
    struct siblings *s = mem_alloc(r->pairs.n + 1, sizeof *s);
    size_t n = 0;
    for (size_t i = 0; i < r->pairs.n; i++) {
        const struct pair_row *p = &r->pairs.row[i];
        /* The way back stands later: it is less frequent, or as frequent with a
         * larger true class. */
        bool first = p->reverse < p->count || (p->reverse == p->count && p->truth < p->pred);
        if (p->reverse >= 0 && first && (!inside || p->same_group == 1))
            s[n++] = (struct siblings){p, p->count + p->reverse};
    }
    qsort(s, n, sizeof *s, by_both);
    if (n > 0)
        words_para(2, "", "Most confused, both ways together:");
    for (size_t i = 0; i < n && i < PAIR_LIST; i++) {
        const struct pair_row *p = s[i].pair;
        words_line("  %4" PRId64 "  %s and %s (%" PRId64 " + %" PRId64 ")", s[i].both,
                   r->classes.row[p->truth].shown, r->classes.row[p->pred].shown, p->count,
                   p->reverse);
    }
    free(s);
}

static void similar_classes(const struct run *r)
{
    struct words_buf a;
    double same = r->summary.errors_same_group, chance = chance_same_group(r);
    words_section("1. Similar classes");
    if (r->classes.groups == 0 || isnan(same)) {
        words_para(2, "-",
                   "The tables know no superclasses, so errors among similar classes cannot "
                   "be counted.");
        list_siblings(r, false);
        return;
    }
    int64_t errors = run_errors(r), inside = (int64_t)same;
    double share = same / (double)errors;
    if (isnan(chance)) {
        words_para(2, "-",
                   "The superclass of some class is not known, so the %" PRId64 " of %" PRId64
                   " errors inside superclasses cannot be compared with chance.",
                   inside, errors);
        return;
    }
    if (share < SIBLINGS_SHARE || share < SIBLINGS_TIMES * chance) {
        words_para(2, "-",
                   "Nothing to do: %" PRId64 " of %" PRId64 " errors (%s) stay inside the "
                   "superclass of the true class; evenly spread they would be %.1f" WORDS_NB
                   "%%. At least %.0f" WORDS_NB "%% and %.0f times chance would be a reason.",
                   inside, errors, words_percent(&a, inside, errors), 100 * chance,
                   100 * SIBLINGS_SHARE, SIBLINGS_TIMES);
        return;
    }
    words_para(2, "-",
               "%" PRId64 " of %" PRId64 " errors (%s) stay inside the superclass of the "
               "true class; evenly spread they would be %.1f" WORDS_NB "%%. The model knows the "
               "kind and misses the member.",
               inside, errors, words_percent(&a, inside, errors), 100 * chance);
    words_para(2, "",
               "Try a second output or a loss for the superclass, harder negatives from "
               "the same superclass, or finer maps (a larger last stage), and look at the "
               "margin maps of the pair sheets: they show which part of the image tips the "
               "prediction.");
    words_para(2, "", "Ceiling: %.2f points of accuracy.", points(r, inside));
    list_siblings(r, true);
    try_next(inside,
             "Train with the superclass in the loss. Measure: the errors inside superclasses, now "
             "%" PRId64 ".",
             inside);
}

/* --- over-confident errors --- */

static void calibrate(const struct run *r)
{
    const struct summary *s = &r->summary;
    double accuracy = (double)r->classes.correct / (double)r->classes.total;
    double gap = s->mean_conf - accuracy;
    if (isnan(gap) || isnan(s->ece))
        return;
    if (fabs(gap) < GAP_POINTS || s->ece < GAP_POINTS) {
        words_para(2, "-",
                   "Calibration, nothing to do: mean confidence %.2f" WORDS_NB
                   "%%, accuracy %.2f" WORDS_NB "%%, calibration error %.2f" WORDS_NB "%%.",
                   100 * s->mean_conf, 100 * accuracy, 100 * s->ece);
        return;
    }
    words_para(2, "-",
               "The mean confidence is %.2f" WORDS_NB "%% and the accuracy %.2f" WORDS_NB
               "%%: the model is %s-confident by %.2f points (calibration error %.2f" WORDS_NB
               "%%). Divide the logits by one temperature fitted on held-out images (Guo et al., "
               "2017): confidences become honest, no prediction changes.",
               100 * s->mean_conf, 100 * accuracy, gap > 0 ? "over" : "under", 100 * fabs(gap),
               100 * s->ece);
    try_next(0,
             "Fit a temperature. Measure: the calibration error, now %.2f" WORDS_NB
             "%%; predictions stay the same.",
             100 * s->ece);
}

static const struct classes *counted;

static int by_sure_wrong(const void *a, const void *b)
{
    int i = *(const int *)a, j = *(const int *)b;
    int64_t x = counted->row[i].sure_wrong, y = counted->row[j].sure_wrong;
    return x != y ? (x < y ? 1 : -1) : (i > j) - (i < j);
}

static void list_sure_wrong(const struct classes *c)
{
    int *rank = mem_alloc((size_t)c->n, sizeof *rank), n = 0;
    for (int i = 0; i < c->n; i++)
        if (c->row[i].sure_wrong > 0)
            rank[n++] = i;
    counted = c;
    qsort(rank, (size_t)n, sizeof *rank, by_sure_wrong);
    words_para(2, "", "True classes with the most of them:");
    for (int i = 0; i < n && i < PAIR_LIST; i++)
        words_line("  %4" PRId64 "  %s", c->row[rank[i]].sure_wrong, c->row[rank[i]].shown);
    free(rank);
}

static void very_sure(const struct run *r)
{
    struct words_buf a;
    int64_t errors = run_errors(r);
    if (!r->predictions.known && isnan(r->summary.errors_conf_90)) {
        words_para(2, "-", "The tables hold no confidence.");
        return;
    }
    int64_t sure =
        r->predictions.known ? r->predictions.wrong_90 : (int64_t)r->summary.errors_conf_90;
    if (sure == 0) {
        words_para(2, "-",
                   "Very sure errors, nothing to do: none of %" PRId64
                   " errors has a confidence above 90" WORDS_NB "%%.",
                   errors);
        return;
    }
    words_para(2, "-",
               "%" PRId64 " of %" PRId64 " errors (%s) have a confidence above 90" WORDS_NB
               "%%. Look at them one by one, on the class sheets first: ask of each whether the "
               "label is right before the model is blamed.",
               sure, errors, words_percent(&a, sure, errors));
    words_para(2, "", "Ceiling: %.2f points, whether labels or predictions are mended.",
               points(r, sure));
    if (r->predictions.known)
        list_sure_wrong(&r->classes);
    try_next(sure,
             "Review the labels of the very sure errors, %" PRId64
             " images. Measure: how many labels are wrong, and the accuracy without these.",
             sure);
}

static void refuse(const struct run *r)
{
    const struct predictions *a = &r->predictions;
    struct words_buf p, q;
    if (!a->known || a->sure == 0)
        return;
    double accuracy = (double)r->classes.correct / (double)r->classes.total;
    double kept = (double)a->sure_right / (double)a->sure;
    if (kept - accuracy < REFUSE_POINTS) {
        words_para(2, "-",
                   "Refusing unsure predictions, nothing to do: those of at least 50" WORDS_NB
                   "%% confidence are right in %.2f" WORDS_NB "%%, all in %.2f" WORDS_NB "%%.",
                   100 * kept, 100 * accuracy);
        return;
    }
    words_para(2, "-",
               "Where a wrong prediction costs more than none, refuse those below 50" WORDS_NB
               "%% confidence: %" PRId64 " of %" PRId64 " predictions remain (%s), of which %s are "
               "right instead of %.1f" WORDS_NB "%%.",
               a->sure, a->images, words_percent(&p, a->sure, a->images),
               words_percent(&q, a->sure_right, a->sure), 100 * accuracy);
}

static void confidence(const struct run *r)
{
    words_section("2. Over-confident errors");
    very_sure(r);
    calibrate(r);
    refuse(r);
}

/* --- attention --- */

static void advise_blank(const struct maps *m)
{
    const struct map_figures *right = &m->of[MAPS_RIGHT], *wrong = &m->of[MAPS_WRONG];
    int64_t blank = right->blank + wrong->blank, images = right->images + wrong->images;
    struct words_buf a;
    if (blank + m->true_blank == 0) {
        words_para(2, "-", "Blank maps, nothing to do: none of %" PRId64 " images has one.",
                   images);
        return;
    }
    words_para(2, "-",
               "Blank maps: %" PRId64 " of %" PRId64 " of the predicted class (%s), and %" PRId64
               " of %" PRId64 " of the true class in errors. They say nothing about where "
               "the model looks. Make the maps with SCORE=logit if another score was used, and "
               "read the margin map, which is not cut off at zero.",
               blank, images, words_percent(&a, blank, images), m->true_blank, wrong->images);
}

static void advise_place(const struct maps *m)
{
    struct difference d = difference_of(&m->of[MAPS_RIGHT].border, &m->of[MAPS_WRONG].border);
    int64_t wrong = m->of[MAPS_WRONG].images;
    if (d.verdict == VERDICT_LARGER) {
        words_para(2, "-",
                   "The maps of wrong predictions lie more on the border of the image (median "
                   "%.1f" WORDS_NB "%% against %.1f" WORDS_NB "%% in right ones). Try stronger "
                   "crops and shifts, or paste objects on other backgrounds.",
                   100 * d.median[1], 100 * d.median[0]);
        try_next(wrong,
                 "Train with stronger crops. Measure: the border share of wrong predictions, "
                 "now %.1f" WORDS_NB "%% (median).",
                 100 * d.median[1]);
    } else if (d.verdict != VERDICT_FEW) {
        words_para(
            2, "-",
            "Border, nothing to do: the maps of wrong predictions do not lie more on it to an "
            "extent that matters (median %.1f" WORDS_NB "%% against %.1f" WORDS_NB
            "%% in right ones).",
            100 * d.median[1], 100 * d.median[0]);
    }
    d = difference_of(&m->of[MAPS_RIGHT].entropy, &m->of[MAPS_WRONG].entropy);
    if (d.verdict == VERDICT_SMALLER)
        words_para(2, "-",
                   "The maps of wrong predictions are narrower (median entropy %.3f against "
                   "%.3f): they hang on fewer cells. Try random erasing or cutout, so that no "
                   "single part decides.",
                   d.median[1], d.median[0]);
    else if (d.verdict == VERDICT_LARGER)
        words_para(2, "-",
                   "The maps of wrong predictions are wider (median entropy %.3f against %.3f): "
                   "nothing in the image stands out. Try a larger input or a finer last stage.",
                   d.median[1], d.median[0]);
    else if (d.verdict != VERDICT_FEW)
        words_para(2, "-",
                   "Width, nothing to do: the maps of wrong predictions are neither wider nor "
                   "narrower to an extent that matters (median entropy %.3f against %.3f).",
                   d.median[1], d.median[0]);
}

static void advise_overlap(const struct maps *m)
{
    int64_t n = m->overlap.n, wrong = m->of[MAPS_WRONG].images;
    struct words_buf a;
    if (n < DIFFERENCE_FEW) {
        words_para(2, "-",
                   "Overlap: too few errors with lit maps of both classes, %" PRId64
                   " where %d are needed.",
                   n, DIFFERENCE_FEW);
        return;
    }
    double width = spread_median(&m->of[MAPS_WRONG].entropy);
    if (2 * m->overlap_high > n && width > MAPS_BLUNT) {
        words_para(2, "-",
                   "In %" PRId64 " of %" PRId64 " errors (%s) the maps of the true and the "
                   "predicted class overlap by more than half, but maps as wide as these (median "
                   "entropy %.3f) do so in part whatever they show. Make the maps of a finer layer "
                   "(LAYER=layer3) before anything is read into it.",
                   m->overlap_high, n, words_percent(&a, m->overlap_high, n), width);
    } else if (2 * m->overlap_high > n) {
        words_para(2, "-",
                   "In %" PRId64 " of %" PRId64 " errors (%s) the maps of the true and the "
                   "predicted class overlap by more than half: the place is agreed, its meaning is "
                   "not. Cropping will hardly help these; features that tell the classes apart "
                   "may.",
                   m->overlap_high, n, words_percent(&a, m->overlap_high, n));
        try_next(m->overlap_high,
                 "Train for finer features: a larger input, a larger last stage, "
                 "or longer. Measure: the errors whose two maps overlap by more than half, now "
                 "%" PRId64 ".",
                 m->overlap_high);
    }
    if ((double)m->overlap_low >= PLACES_SHARE * (double)n) {
        words_para(2, "-",
                   "In %" PRId64 " of %" PRId64 " errors (%s) the two classes are seen in "
                   "different places (overlap below one fifth): look there for images with more "
                   "than one object, whose label is one of several correct predictions.",
                   m->overlap_low, n, words_percent(&a, m->overlap_low, n));
        try_next(m->overlap_low,
                 "Count the errors on images with several objects among the "
                 "%" PRId64 " whose two maps lie apart.",
                 m->overlap_low);
    } else {
        words_para(2, "-",
                   "Several objects, nothing to do: in only %" PRId64 " of %" PRId64
                   " errors (%s) the two classes are seen in different places (overlap below one "
                   "fifth).",
                   m->overlap_low, n, words_percent(&a, m->overlap_low, n));
    }
    if ((double)(m->true_mute + m->true_blank) >= MUTE_SHARE * (double)wrong)
        words_para(2, "-",
                   "In %" PRId64 " of %" PRId64 " errors (%s) the map of the true class is "
                   "zero in more than half of its cells: the model finds little there to support "
                   "the correct prediction.",
                   m->true_mute + m->true_blank, wrong,
                   words_percent(&a, m->true_mute + m->true_blank, wrong));
}

static void attention(const struct run *r)
{
    const struct maps *m = &r->maps;
    words_section("3. Attention");
    if (!m->known) {
        words_para(2, "-", "No figures of the maps were given.");
        return;
    }
    advise_blank(m);
    if (m->of[MAPS_RIGHT].border.n < DIFFERENCE_FEW || m->of[MAPS_WRONG].border.n < DIFFERENCE_FEW)
        words_para(2, "-",
                   "Right and wrong predictions are not compared: %" PRId64 " and %" PRId64
                   " maps that are not blank, and %d of each are needed.",
                   m->of[MAPS_RIGHT].border.n, m->of[MAPS_WRONG].border.n, DIFFERENCE_FEW);
    else
        advise_place(m);
    advise_overlap(m);
}

/* --- worst classes --- */

static void weak_classes(const struct run *r)
{
    const struct classes *c = &r->classes;
    int *rank, n = classes_ranked(c, CLASSES_WORST_FIRST, &rank), weak = 0;
    int64_t errors = 0;
    double won = 0, accuracy = (double)c->correct / (double)c->total;
    while (weak < n && class_accuracy(&c->row[rank[weak]]) < WEAK_CLASS) {
        const struct class_row *row = &c->row[rank[weak++]];
        errors += row->total - row->correct;
        won += fmax(accuracy * (double)row->total - (double)row->correct, 0);
    }
    struct words_buf a, b;
    if (weak == 0) {
        words_para(2, "-",
                   "Nothing to do: of %s with images none is below %.0f" WORDS_NB
                   "%%. The worst is %s with %.1f" WORDS_NB "%%.",
                   words_count(&a, n, "class", "classes"), 100 * WEAK_CLASS, c->row[rank[0]].shown,
                   100 * class_accuracy(&c->row[rank[0]]));
        free(rank);
        return;
    }
    words_para(2, "-", "Of %s, %d %s below %.0f" WORDS_NB "%%, with %s:",
               words_count(&a, n, "class", "classes"), weak, weak == 1 ? "is" : "are",
               100 * WEAK_CLASS, words_count(&b, errors, "error", "errors"));
    for (int i = 0; i < weak && i < LIST; i++) {
        const struct class_row *row = &c->row[rank[i]];
        char wrong[512] = "";
        if (row->top_wrong_count > 0)
            snprintf(wrong, sizeof wrong, ", most often taken for %s (%" PRId64 ")",
                     row->top_wrong_shown, row->top_wrong_count);
        words_line("   %5.1f %%  %s%s", 100 * class_accuracy(row), row->shown, wrong);
    }
    if (weak > LIST)
        words_line("    and %d more", weak - LIST);
    words_para(2, "", "Give these classes more or better images, or more weight in the loss.");
    if (won > 0)
        words_para(2, "",
                   "If each reached the accuracy of the whole (%.1f" WORDS_NB
                   "%%), that would be %.2f points.",
                   100 * accuracy, 100 * won / (double)c->total);
    try_next(errors,
             "Weigh or enrich the %s below %.0f" WORDS_NB "%%. Measure: their errors, now "
             "%" PRId64 ", and that the other classes lose less than they win.",
             words_count(&a, weak, "class", "classes"), 100 * WEAK_CLASS, errors);
    free(rank);
}

/* --- patterns --- */

static void one_way(const struct run *r, int n)
{
    int known = 0, found = 0;
    for (int i = 0; i < n; i++) {
        const struct pair_row *p = &r->pairs.row[i];
        if (p->reverse < 0)
            continue;
        known++;
        if (p->count <= p->reverse || share_sign_test(p->count, p->reverse) >= ONE_WAY_P)
            continue;
        if (found++ == 0)
            words_para(2, "-",
                       "One-way confusions (sign test, p < %.3f): images of the "
                       "one class are taken for the other, and hardly the other way round. Compare "
                       "how many training images "
                       "the two have, and how varied they are.",
                       ONE_WAY_P);
        words_line("  %4" PRId64 " against %" PRId64 " back: %s -> %s", p->count, p->reverse,
                   r->classes.row[p->truth].shown, r->classes.row[p->pred].shown);
    }
    struct words_buf a;
    if (known > 0 && found == 0)
        words_para(2, "-",
                   "One-way confusions, nothing to do: of the %s none is more frequent one "
                   "way than chance allows (sign test, p < %.3f).",
                   words_count(&a, known, "most frequent pair", "most frequent pairs"), ONE_WAY_P);
}

/* Classes that are predicted much more often than they occur. */
static void drawn_predictions(const struct classes *c)
{
    int found = 0, known = 0;
    for (int i = 0; i < c->n; i++) {
        const struct class_row *row = &c->row[i];
        if (!row->present || row->predicted < 0 || row->total == 0)
            continue;
        known++;
        if ((double)row->predicted < DRAWN_TIMES * (double)row->total)
            continue;
        if (found++ == 0)
            words_para(2, "-",
                       "Classes that are predicted at least %.2f times as often as they "
                       "occur; a lower prior or fewer repeats in training would help the others:",
                       DRAWN_TIMES);
        words_line("    %s: %" PRId64 " predictions for %" PRId64 " images, %" PRId64
                   " of them wrong",
                   row->shown, row->predicted, row->total, row->predicted - row->correct);
    }
    if (known > 0 && found == 0)
        words_para(2, "-",
                   "Classes predicted too often, nothing to do: none of %d is predicted %.2f "
                   "times as often as it occurs.",
                   known, DRAWN_TIMES);
}

static void patterns(const struct run *r)
{
    struct top_pairs top = top_pairs_of(r);
    struct words_buf a, b;
    int64_t errors = run_errors(r);
    double share = (double)top.errors / (double)errors;
    double kinds = (double)top.n / (double)r->pairs.n;
    bool few = share >= FEW_PAIRS_SHARE && (kinds >= 1 || share >= FEW_PAIRS_TIMES * kinds);
    words_section("5. Patterns");
    words_para(2, "-", "The %s %" PRId64 " of %" PRId64 " errors (%s), of %s in all: %s",
               top.n == 1 ? "only pair holds"
                          : words_count(&a, top.n, "", "most frequent pairs hold"),
               top.errors, errors, words_percent(&(struct words_buf){0}, top.errors, errors),
               words_count(&b, (int64_t)r->pairs.n, "kind", "kinds"),
               few ? "mending a few pairs pays."
                   : "the errors are spread wide, and mending pair "
                     "by pair will not go far.");
    words_para(2, "", "Ceiling of mending them: %.2f points.", points(r, top.errors));
    if (few)
        try_next(top.errors,
                 "Mend the %s, with more images of both sides. Measure: their errors, "
                 "now %" PRId64 ".",
                 top.n == 1 ? "only pair" : words_count(&a, top.n, "", "most frequent pairs"),
                 top.errors);
    one_way(r, top.n);
    drawn_predictions(&r->classes);
}

/* --- next experiments --- */

static int by_errors(const void *a, const void *b)
{
    const struct experiment *x = a, *y = b;
    if (x->errors != y->errors)
        return x->errors < y->errors ? 1 : -1;
    return x->place - y->place;
}

static void experiments(const struct run *r)
{
    struct words_buf a;
    words_section("6. Next experiments");
    if (next.n == 0)
        words_para(0, "", "None follows from these tables.");
    else
        words_para(0, "",
                   "By how many errors they are about; an error may be counted in several. "
                   "Change one thing at a time.");
    qsort(next.e, (size_t)next.n, sizeof *next.e, by_errors);
    for (int i = 0; i < next.n; i++) {
        char mark[16];
        snprintf(mark, sizeof mark, "%d.", i + 1);
        words_para(4, mark, "%s: %s",
                   next.e[i].errors > 0 ? words_count(&a, next.e[i].errors, "error", "errors")
                                        : "Confidences only",
                   next.e[i].text);
        free(next.e[i].text);
    }
    double low, high;
    share_interval(r->classes.correct, r->classes.total, &low, &high);
    words_para(0, "",
               "With %" PRId64 " images the accuracy is known to about %.2f points either "
               "way (95" WORDS_NB "%% interval): on another set of images, a gain smaller than "
               "that could be luck.",
               r->classes.total, 100 * (high - low) / 2);
}

void advice_write(const struct run *r)
{
    words_open();
    words_title("Recommendations");
    if (r->classes.total == 0) {
        words_para(0, "", "No class has images: nothing was measured.");
        words_close();
        return;
    }
    words_para(0, "",
               "From %" PRId64 " images, %" PRId64 " wrong predictions, accuracy %.2f" WORDS_NB
               "%%. Each point rests on the figure it names. A ceiling is what would be won if all "
               "these errors went away and no other came.",
               r->classes.total, run_errors(r),
               100.0 * (double)r->classes.correct / (double)r->classes.total);
    if (run_errors(r) == 0) {
        words_gap();
        words_para(0, "",
                   "There is no wrong prediction: nothing to recommend from these images. Try "
                   "harder ones.");
        words_close();
        return;
    }
    similar_classes(r);
    confidence(r);
    attention(r);
    words_section("4. Worst classes");
    weak_classes(r);
    patterns(r);
    experiments(r);
    words_close();
}
