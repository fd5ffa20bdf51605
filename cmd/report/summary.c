#include "report.h"

#include "base/mem.h"
#include "stats/share.h"
#include "words.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { LIST = 10, GROUP_LIST = 5, NAME_WIDTH = 30, LABEL_WIDTH = 34 };

static void line_label(const char *label, const char *value)
{
    words_line("%s%*s%s", label, words_pad(label, LABEL_WIDTH), "", value);
}

static void line_count(const char *label, int64_t n, int64_t whole)
{
    char s[96];
    if (whole > 0)
        snprintf(s, sizeof s, "%8" PRId64 "   %6.2f %%", n, 100.0 * (double)n / (double)whole);
    else
        snprintf(s, sizeof s, "%8" PRId64, n);
    line_label(label, s);
}

static void line_share(const char *label, double share)
{
    char s[96] = "           not known";
    if (!isnan(share))
        snprintf(s, sizeof s, "           %6.2f %%", 100 * share);
    line_label(label, s);
}

/* --- overall --- */

static void write_calibration(const struct summary *s, double accuracy)
{
    if (isnan(s->mean_conf) || isnan(s->ece) || isnan(accuracy)) {
        words_gap();
        words_para(0, "", "The tables hold no confidence, so nothing is said of calibration.");
        return;
    }
    line_share("Mean confidence", s->mean_conf);
    line_share("  of correct predictions", s->mean_conf_correct);
    line_share("  of wrong predictions", s->mean_conf_wrong);
    line_share("Calibration error (ECE)", s->ece);
    double gap = s->mean_conf - accuracy;
    words_gap();
    words_para(0, "",
               "The mean confidence is %.2f points %s the accuracy. The calibration error is the "
               "mean distance between the two over bins of equal confidence; 0 is perfect.",
               fabs(100 * gap), gap < 0 ? "below" : "above");
}

static void write_overall(const struct run *r)
{
    const struct classes *c = &r->classes;
    const struct summary *s = &r->summary;
    double low, high, accuracy = c->total ? (double)c->correct / (double)c->total : NAN;
    words_section("Overall performance");
    line_count("Classes", c->present, 0);
    line_count("Images", c->total, 0);
    if (s->unlabelled > 0)
        line_count("Without a label, left out", (int64_t)s->unlabelled, 0);
    line_count("Correct predictions (accuracy)", c->correct, c->total);
    line_count("Wrong predictions (error rate)", run_errors(r), c->total);
    line_share("True class among the best five", s->top5_accuracy);
    if (c->groups > 0)
        line_share("Superclass right", s->group_accuracy);
    write_calibration(s, accuracy);
    if (c->total == 0)
        return;
    share_interval(c->correct, c->total, &low, &high);
    words_para(0, "",
               "The accuracy is known as well as %" PRId64 " images allow: 95" WORDS_NB
               "%% interval %.2f to %.2f" WORDS_NB "%%.",
               c->total, 100 * low, 100 * high);
}

/* --- classes --- */

static void write_class(const struct class_row *c, int place, int width)
{
    double low, high;
    char wrong[512] = "";
    share_interval(c->correct, c->total, &low, &high);
    if (c->top_wrong_count > 0)
        snprintf(wrong, sizeof wrong, "   %s (%" PRId64 ")", c->top_wrong_shown,
                 c->top_wrong_count);
    char of[64];
    snprintf(of, sizeof of, "%" PRId64 " of %" PRId64, c->correct, c->total);
    words_line("%3d. %s%*s  %5.1f %%  %14s  %3.0f to %3.0f %%%s", place, c->shown,
               words_pad(c->shown, width), "", 100 * class_accuracy(c), of, 100 * low, 100 * high,
               wrong);
}

static void write_ranked(const struct classes *c, const int *rank, int n, int listed)
{
    int width = 0;
    for (int i = 0; i < listed; i++) {
        int w = words_width(c->row[rank[i]].shown);
        width = w > width ? w : width;
    }
    width = width > NAME_WIDTH ? NAME_WIDTH : width;
    for (int i = 0; i < listed; i++)
        write_class(&c->row[rank[i]], i + 1, width);
    int tied = 0;
    double last = listed ? class_accuracy(&c->row[rank[listed - 1]]) : NAN;
    while (listed + tied < n && class_accuracy(&c->row[rank[listed + tied]]) == last)
        tied++;
    struct words_buf b;
    if (tied > 0)
        words_para(5, "", "%s the same accuracy as the last.",
                   words_count(&b, tied, "more class has", "more classes have"));
}

static void write_classes(const struct run *r)
{
    const struct classes *c = &r->classes;
    int *rank, n = classes_ranked(c, CLASSES_WORST_FIRST, &rank);
    bool all = n <= 2 * LIST;
    if (all)
        words_section("Classes, worst first");
    else
        words_section("Worst 10 classes");
    if (n == 0)
        words_para(0, "", "No class has images.");
    else
        words_para(0, "",
                   "Accuracy, correct predictions, 95" WORDS_NB
                   "%% interval, and the most frequent wrong "
                   "prediction with its count:");
    write_ranked(c, rank, n, all ? n : LIST);
    free(rank);
    if (!all) {
        n = classes_ranked(c, CLASSES_BEST_FIRST, &rank);
        words_section("Best 10 classes");
        write_ranked(c, rank, n, LIST);
        free(rank);
    }
    if (c->present > n)
        words_para(0, "", "Without images: %d of %d classes.", c->present - n, c->present);
}

/* --- confusion --- */

static void write_pair(const struct run *r, const struct pair_row *p, int place, int width)
{
    const struct class_row *from = &r->classes.row[p->truth], *to = &r->classes.row[p->pred];
    char *name = mem_printf("%s -> %s", from->shown, to->shown);
    char back[64] = "";
    if (p->reverse >= 0)
        snprintf(back, sizeof back, ", back %3" PRId64, p->reverse);
    const char *kind = p->same_group < 0 ? "" : p->same_group ? "  same superclass" : "  across";
    struct words_buf b;
    words_line("%3d. %s%*s  %4" PRId64 " (%s of the class)%s%s", place, name,
               words_pad(name, width), "", p->count, words_percent(&b, p->count, from->total), back,
               kind);
    free(name);
}

static void write_top_pairs(const struct run *r, const struct top_pairs *top)
{
    struct words_buf a, b;
    int width = 0;
    for (int i = 0; i < top->n; i++) {
        const struct pair_row *p = &r->pairs.row[i];
        int w = words_width(r->classes.row[p->truth].shown) +
                words_width(r->classes.row[p->pred].shown) + 4;
        width = w > width ? w : width;
    }
    width = width > 2 * NAME_WIDTH ? 2 * NAME_WIDTH : width;
    for (int i = 0; i < top->n; i++)
        write_pair(r, &r->pairs.row[i], i + 1, width);
    if (top->tied > 0)
        words_para(5, "", "%s the same count as the last.",
                   words_count(&a, top->tied, "more pair has", "more pairs have"));
    words_gap();
    words_para(2, "-", "The %s %" PRId64 " of %s (%s).",
               top->n == 1 ? "one pair holds" : words_count(&a, top->n, "", "pairs hold"),
               top->errors, words_count(&b, run_errors(r), "error", "errors"),
               words_percent(&(struct words_buf){0}, top->errors, run_errors(r)));
    int known = top->same + top->across;
    if (known > 0)
        words_para(2, "-",
                   "Inside one superclass: %d of %d pairs (%s). Across superclasses: %d of "
                   "%d (%s).",
                   top->same, known, words_percent(&a, top->same, known), top->across, known,
                   words_percent(&b, top->across, known));
    if (top->reverse_known > 0)
        words_para(2, "-", "Mutual, the way back at least half as frequent: %d of %d pairs (%s).",
                   top->mutual, top->reverse_known,
                   words_percent(&a, top->mutual, top->reverse_known));
}

static void write_superclasses(const struct run *r)
{
    const struct summary *s = &r->summary;
    struct words_buf b;
    double chance = chance_same_group(r);
    if (!isnan(s->errors_same_group)) {
        char by_chance[96] = "";
        if (!isnan(chance))
            snprintf(by_chance, sizeof by_chance,
                     "; %.1f" WORDS_NB
                     "%% would if wrong predictions fell evenly on the other classes",
                     100 * chance);
        words_para(2, "-",
                   "Of all errors, %.0f of %" PRId64 " (%s) stay inside the superclass of "
                   "the true class%s.",
                   s->errors_same_group, run_errors(r),
                   words_percent(&b, (int64_t)s->errors_same_group, run_errors(r)), by_chance);
    }
    if (r->groups.pairs == 0)
        return;
    words_para(2, "-", "Superclasses most often taken for another:");
    for (size_t i = 0; i < r->groups.pairs && i < GROUP_LIST; i++) {
        const struct group_pair *p = &r->groups.pair[i];
        words_line("    %4" PRId64 "  %s -> %s", p->count, r->groups.shown[p->truth],
                   r->groups.shown[p->pred]);
    }
}

static void write_confusion(const struct run *r)
{
    struct top_pairs top = top_pairs_of(r);
    struct words_buf a, b;
    words_section("Confusion patterns");
    if (run_errors(r) == 0) {
        words_para(0, "", "There is no wrong prediction.");
        return;
    }
    const char *most = r->pairs.n > TOP_PAIRS ? " The 15 most frequent:" : "";
    words_count(&a, run_errors(r), "error", "errors");
    words_count(&b, (int64_t)r->pairs.n, "kind", "kinds");
    if (r->pairs.errors == run_errors(r))
        words_para(0, "", "%s of %s (true class -> prediction).%s", a.s, b.s, most);
    else
        words_para(0, "",
                   "The table of pairs holds %" PRId64 " of %s, of %s (true class -> "
                   "prediction).%s",
                   r->pairs.errors, a.s, b.s, most);
    write_top_pairs(r, &top);
    if (r->classes.groups == 0)
        words_para(2, "-", "The tables know no superclasses.");
    else
        write_superclasses(r);
}

/* --- confidence --- */

static void write_confidence(const struct run *r)
{
    const struct summary *s = &r->summary;
    const struct predictions *a = &r->predictions;
    int64_t errors = run_errors(r);
    words_section("Confidence of the errors");
    if (errors == 0) {
        words_para(0, "", "There is no wrong prediction.");
        return;
    }
    if (!a->known && (isnan(s->errors_conf_90) || isnan(s->errors_conf_70))) {
        words_para(0, "", "The tables hold no confidence.");
        return;
    }
    int64_t above_90 = a->known ? a->wrong_90 : (int64_t)s->errors_conf_90;
    int64_t above_70 = a->known ? a->wrong_70 : (int64_t)s->errors_conf_70;
    line_count("Very sure (above 90 %)", above_90, errors);
    line_count("Sure (above 70 to 90 %)", above_70 - above_90, errors);
    if (a->known) {
        line_count("Moderate (above 50 to 70 %)", a->wrong_50 - above_70, errors);
        line_count("Unsure (50 % or less)", errors - a->wrong_50, errors);
    } else {
        line_count("Moderate or unsure (70 % or less)", errors - above_70, errors);
    }
    line_count("All", errors, errors);
    if (isnan(s->correct_conf_below_50) || r->classes.correct == 0)
        return;
    struct words_buf b;
    words_gap();
    words_para(0, "",
               "Of %" PRId64 " correct predictions, %.0f (%s) had a confidence below 50" WORDS_NB
               "%%.",
               r->classes.correct, s->correct_conf_below_50,
               words_percent(&b, (int64_t)s->correct_conf_below_50, r->classes.correct));
}

/* --- maps --- */

static void write_difference(const char *head, const struct spread *right,
                             const struct spread *wrong, double scale, const char *unit,
                             const char *what)
{
    char said[512];
    struct difference d = difference_of(right, wrong);
    difference_say(said, sizeof said, &d, what);
    words_para(2, "-",
               "%s: median %.*f%s in %" PRId64 " correct predictions, %.*f%s in %" PRId64
               " wrong ones. %s",
               head, scale > 1 ? 1 : 3, scale * d.median[0], unit, d.n[0], scale > 1 ? 1 : 3,
               scale * d.median[1], unit, d.n[1], said);
}

static void write_compared(const struct maps *m)
{
    const struct map_figures *right = &m->of[MAPS_RIGHT], *wrong = &m->of[MAPS_WRONG];
    struct words_buf a, b;
    if (right->border.n == 0 || wrong->border.n == 0) {
        words_para(2, "-",
                   "There are no maps of %s predictions, so right and wrong ones cannot be "
                   "compared.",
                   right->border.n == 0 ? "right" : "wrong");
        return;
    }
    write_difference("Border, the share of the map on its outermost ring of cells", &right->border,
                     &wrong->border, 100, WORDS_NB "%", "a wrong prediction's share");
    write_difference("Width, the entropy of the map (0: one cell, 1: even over the image)",
                     &right->entropy, &wrong->entropy, 1, "", "a wrong prediction's entropy");
    words_para(2, "",
               "Wide maps (above %.1f): %" PRId64 " of %" PRId64
               " correct predictions (%s), %" PRId64 " of %" PRId64 " wrong ones (%s).",
               MAPS_WIDE, right->wide, right->entropy.n,
               words_percent(&a, right->wide, right->entropy.n), wrong->wide, wrong->entropy.n,
               words_percent(&b, wrong->wide, wrong->entropy.n));
    words_para(2, "",
               "Narrow maps (below %.1f): %" PRId64 " of %" PRId64 " (%s) and %" PRId64
               " of %" PRId64 " (%s).",
               MAPS_NARROW, right->narrow, right->entropy.n,
               words_percent(&a, right->narrow, right->entropy.n), wrong->narrow, wrong->entropy.n,
               words_percent(&b, wrong->narrow, wrong->entropy.n));
    write_difference("Off centre, the distance of the map's centre of mass from the image's "
                     "centre, in image sides",
                     &right->off, &wrong->off, 1, "", "a wrong prediction's distance");
}

static void write_overlap(const struct maps *m)
{
    struct words_buf a, b;
    const struct spread *o = &m->overlap;
    int64_t wrong = m->of[MAPS_WRONG].images;
    if (o->n == 0) {
        words_para(2, "-", "Overlap: in no wrong prediction are the maps of both classes lit.");
        return;
    }
    words_para(
        2, "-",
        "Overlap of the maps of the true and the predicted class in %" PRId64
        " wrong predictions (1: the same, 0: nowhere both): median %.2f. Above one half: %" PRId64
        " of %" PRId64 " (%s). Below one fifth: %" PRId64 " of %" PRId64 " (%s).",
        o->n, spread_median(o), m->overlap_high, o->n, words_percent(&a, m->overlap_high, o->n),
        m->overlap_low, o->n, words_percent(&b, m->overlap_low, o->n));
    double width = spread_median(&m->of[MAPS_WRONG].entropy);
    if (width > MAPS_BLUNT)
        words_para(2, "",
                   "Maps as wide as these (median entropy %.3f) overlap in part whatever "
                   "they show.",
                   width);
    if (m->overlap_sure.n + m->overlap_other.n > 0) {
        struct difference d = difference_of(&m->overlap_other, &m->overlap_sure);
        char said[512];
        difference_say(said, sizeof said, &d, "a very sure error's overlap");
        if (d.n[0] > 0 && d.n[1] > 0)
            words_para(2, "",
                       "In the %" PRId64 " errors above 90" WORDS_NB "%% confidence the "
                       "median is %.2f, in the other %" PRId64 " it is %.2f. %s",
                       d.n[1], d.median[1], d.n[0], d.median[0], said);
    }
    if (wrong > 0)
        words_para(2, "-",
                   "Mute maps: in %" PRId64 " of %" PRId64 " wrong predictions (%s) the map of "
                   "the true class is zero in more than half of its cells.",
                   m->true_mute, wrong, words_percent(&a, m->true_mute, wrong));
}

static void write_maps(const struct run *r)
{
    const struct maps *m = &r->maps;
    const struct map_figures *right = &m->of[MAPS_RIGHT], *wrong = &m->of[MAPS_WRONG];
    int64_t images = right->images + wrong->images;
    struct words_buf a, b;
    words_section("Grad-CAM findings");
    if (!m->known) {
        words_para(0, "", "No figures of the maps were given, so nothing is said of them.");
        return;
    }
    words_para(0, "",
               "From the maps of %s, %" PRId64 " right and %" PRId64 " wrong. Where not said "
               "otherwise, the map is that of the predicted class.",
               words_count(&a, images, "image", "images"), right->images, wrong->images);
    if (images == 0)
        return;
    words_gap();
    words_para(2, "-", "Blank maps: %" PRId64 " of %" PRId64 " (%s).%s",
               right->blank + wrong->blank, images,
               words_percent(&a, right->blank + wrong->blank, images),
               right->blank + wrong->blank > 0 ? " They are left out below." : "");
    if (wrong->images > 0)
        words_para(2, "",
                   "Of the true class's maps in wrong predictions: %" PRId64 " of %" PRId64
                   " (%s).",
                   m->true_blank, wrong->images, words_percent(&b, m->true_blank, wrong->images));
    write_compared(m);
    if (wrong->images > 0)
        write_overlap(m);
    words_gap();
    words_para(
        0, "",
        "How differences are judged: by the rank test of Mann and Whitney (1947), and "
        "by the share of comparisons between a right and a wrong prediction in which the wrong "
        "one's value is the larger. A difference counts where p < %.3f and that share is at "
        "least %.0f" WORDS_NB "%%, or at most %.0f" WORDS_NB
        "%% (small; medium from %.0f and large from %.0f" WORDS_NB "%%, Vargha and Delaney "
        "2000).",
        DIFFERENCE_P, 100 * DIFFERENCE_SMALL, 100 - 100 * DIFFERENCE_SMALL, 100 * DIFFERENCE_MEDIUM,
        100 * DIFFERENCE_LARGE);
}

static void write_files(const struct run *r)
{
    int sheets = 0;
    for (int i = 0; i < r->classes.n; i++)
        sheets += r->classes.row[i].present && r->classes.row[i].total > 0;
    char *class_sheets = mem_printf("one sheet for each of %d classes with images", sheets);
    const char *const file[][2] = {
        {"explorer.html", "all classes in a table to sort and search"},
        {"per_class_accuracy_interactive.html", "a bar for each class"},
        {"confusion_matrix_full.png", "all classes, errors by colour"},
        {"top_confused_pairs.png", "the most frequent pairs as bars"},
        {"worst_predictions/class_NNN_name.png", class_sheets},
        {"confused_pair_N_a_to_b.png", "examples of the most confused pairs"},
        {"per_class_accuracy.csv", "accuracy of every class"},
        {"most_confused_pairs.csv", "the 15 most frequent pairs"},
        {"recommendations.txt", "what to do about it"},
        {"data/", "the tables and tensors behind all this"},
    };
    words_section("Files");
    for (size_t i = 0; i < sizeof file / sizeof *file; i++)
        words_line("%-38s%s", file[i][0], file[i][1]);
    free(class_sheets);
}

void summary_write(const struct run *r)
{
    words_open();
    words_title("Analysis of a classifier by its errors and its Grad-CAM maps");
    write_overall(r);
    write_classes(r);
    write_confusion(r);
    write_confidence(r);
    write_maps(r);
    write_files(r);
    words_close();
}
