/* Two runs on the same images, compared: from the tables of run-diff. */
#include "diff.h"

#include "phrases.h"

#include "base/mem.h"
#include "base/text.h"
#include "stats/find.h"
#include "stats/findings.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LIST = 10,
    LABEL_WIDTH = 34,
    NAME_WIDTH = 40,
    LEAST = 2 /* images: a class or pair that changed by fewer is not listed */
};

static void line(const char *label, const char *value)
{
    words_line("%s%*s%s", label, words_pad(label, LABEL_WIDTH), "", value);
}

static void line_count(const char *label, double n, double whole)
{
    char s[300];
    struct words_buf b;
    if (whole > 0)
        snprintf(s, sizeof s, "%8.0f   %8s", n, diff_say_measure(&b, n / whole, true));
    else
        snprintf(s, sizeof s, "%8.0f", n);
    line(label, s);
}

/* A measure of both runs. */
static void line_both(const struct diff_both *row, const double *v)
{
    char s[256];
    struct words_buf x, y;
    double a = v[row->measure[0]], b = v[row->measure[1]];
    if (isnan(a) && isnan(b))
        return;
    snprintf(s, sizeof s, "%12s %12s", diff_say_measure(&x, a, row->percent),
             diff_say_measure(&y, b, row->percent));
    size_t n = strlen(s);
    while (n > 0 && s[n - 1] == *WORDS_NB)
        s[--n] = '\0';
    line(row->label, s);
}

/* --- the whole --- */

const struct diff_count diff_counted[] = {
    {"Same prediction", DIFF_MEASURE_SAME, false},
    {"Other prediction", DIFF_MEASURE_CHANGED, false},
    {"Correct in both", DIFF_MEASURE_BOTH_CORRECT, true},
    {"Fixed (wrong in A, correct in B)", DIFF_MEASURE_FIXED, true},
    {"Broken (correct in A, wrong in B)", DIFF_MEASURE_BROKEN, true},
    {"Wrong in both, same prediction", DIFF_MEASURE_WRONG_SAME, true},
    {"Wrong in both, other prediction", DIFF_MEASURE_WRONG_OTHER, true},
    {NULL, 0, false},
};

const struct diff_both diff_of_both[] = {
    {"Accuracy", {DIFF_MEASURE_ACCURACY_A, DIFF_MEASURE_ACCURACY_B}, true},
    {"  95 % interval, from", {DIFF_MEASURE_ACCURACY_A_LOW, DIFF_MEASURE_ACCURACY_B_LOW}, true},
    {"  to", {DIFF_MEASURE_ACCURACY_A_HIGH, DIFF_MEASURE_ACCURACY_B_HIGH}, true},
    {"Mean confidence", {DIFF_MEASURE_MEAN_CONF_A, DIFF_MEASURE_MEAN_CONF_B}, true},
    {"Calibration error (ECE)", {DIFF_MEASURE_ECE_A, DIFF_MEASURE_ECE_B}, true},
    {"  by chance", {DIFF_MEASURE_ECE_CHANCE_A, DIFF_MEASURE_ECE_CHANCE_B}, true},
    {"Mean loss", {DIFF_MEASURE_NLL_A, DIFF_MEASURE_NLL_B}, false},
    {NULL, {0, 0}, false},
};

const char *diff_say_measure(struct words_buf *b, double v, bool percent)
{
    if (isnan(v))
        snprintf(b->s, sizeof b->s, "NA" WORDS_NB WORDS_NB);
    else if (percent)
        snprintf(b->s, sizeof b->s, "%.2f" WORDS_NB "%%", words_unsigned_zero(100 * v, 2));
    else
        snprintf(b->s, sizeof b->s, "%.3f" WORDS_NB WORDS_NB, words_unsigned_zero(v, 3));
    return b->s;
}

/* Of a share, with two digits. */
static double points(double v)
{
    return words_unsigned_zero(100 * v, 2);
}

void diff_say_verdict(char *s, size_t size, const double *v)
{
    double fixed = v[DIFF_MEASURE_FIXED], broken = v[DIFF_MEASURE_BROKEN];
    double p = v[DIFF_MEASURE_MCNEMAR_P];
    struct words_buf b, c, d;
    static const char *const judged[] = {
        [DIFF_CHANCE] = "The difference could be chance",
        [DIFF_WORSE] = "B is worse than A, beyond chance",
        [DIFF_BETTER] = "B is better than A, beyond chance",
    };
    const enum diff_verdict verdict = diff_judge(v);
    if (verdict == DIFF_UNKNOWN)
        snprintf(s, size, "No image has a label, so it is not known which run is better.");
    else if (verdict == DIFF_EQUAL)
        snprintf(s, size,
                 "No image was fixed and none was broken: both runs are correct on the same "
                 "images.");
    else
        snprintf(s, size,
                 "%s and %s. %s (McNemar's exact test, %s, judged at the level %.2f). The accuracy "
                 "differs by %+.2f points; "
                 "the 95" WORDS_NB "%% interval of the paired bootstrap is %+.2f to %+.2f.",
                 words_count(&b, (int64_t)fixed, "image was fixed", "images were fixed"),
                 words_count(&c, (int64_t)broken, "image was broken", "images were broken"),
                 judged[verdict], say_p(&d, p), FINDINGS_LEVEL, points(v[DIFF_MEASURE_DIFFERENCE]),
                 points(v[DIFF_MEASURE_DIFFERENCE_LOW]), points(v[DIFF_MEASURE_DIFFERENCE_HIGH]));
}

static void write_overall(const double *v)
{
    double labelled = diff_labelled(v);
    char verdict[DIFF_VERDICT];
    words_section("Overall");
    line_count("Images", v[DIFF_MEASURE_IMAGES], 0);
    if (v[DIFF_MEASURE_ONLY_A] + v[DIFF_MEASURE_ONLY_B] > 0) {
        line_count("Ignored, only in A", v[DIFF_MEASURE_ONLY_A], 0);
        line_count("Ignored, only in B", v[DIFF_MEASURE_ONLY_B], 0);
    }
    if (v[DIFF_MEASURE_UNLABELLED] > 0)
        line_count("  without a label", v[DIFF_MEASURE_UNLABELLED], 0);
    for (const struct diff_count *c = diff_counted; c->label; c++)
        if (!c->labels || labelled > 0)
            line_count(c->label, v[c->measure], c->labels ? labelled : v[DIFF_MEASURE_IMAGES]);
    diff_say_verdict(verdict, sizeof verdict, v);
    words_gap();
    words_para(0, "", "%s", verdict);
    if (labelled == 0)
        return;
    words_section("Both runs");
    line("", "         A            B");
    for (const struct diff_both *row = diff_of_both; row->label; row++)
        line_both(row, v);
}

/* --- classes, superclasses, pairs --- */

static void write_entries(const struct diff_entries *l, const char *title, const char *one,
                          const char *many, const char *gained, const char *lost)
{
    struct words_buf b, c;
    size_t n, tested = 0, listed;
    struct diff_entry *list = diff_changed(l, LEAST, &n);
    for (size_t i = 0; i < l->n; i++)
        tested += find_tells(l->entry[i].adjusted);
    words_section(title);
    if (l->n == 0)
        words_para(0, "", "Nothing changed.");
    else if (tested == 0)
        words_para(0, "", "No %s changed beyond chance: %s, none with a corrected p below %.2f.",
                   one, words_count(&b, (int64_t)l->n, "was tested", "were tested together"),
                   FINDINGS_LEVEL);
    else
        words_para(0, "", "%s changed beyond chance, with a corrected p below %.2f: marked *.",
                   words_count(&b, (int64_t)tested, one, many), FINDINGS_LEVEL);
    listed = n < LIST ? n : LIST;
    int width = 0;
    for (size_t i = 0; i < listed; i++)
        width = words_width(list[i].text) > width ? words_width(list[i].text) : width;
    width = width < NAME_WIDTH ? width : NAME_WIDTH;
    for (size_t i = 0; i < listed; i++) {
        const struct diff_entry *x = &list[i];
        words_line("%c %s%*s  %+5" PRId64 "  (%" PRId64 " %s, %" PRId64 " %s; corrected %s)",
                   find_tells(x->adjusted) ? '*' : ' ', x->text, words_pad(x->text, width), "",
                   x->images[1] - x->images[0], x->gained, gained, x->lost, lost,
                   say_p(&c, x->adjusted));
    }
    if (n > listed)
        words_para(2, "", "and %zu more.", n - listed);
    free(list);
}

/* --- images --- */

static void write_example(const struct diff_example *x)
{
    char *name[3] = {text_isolated(x->true_name), text_isolated(x->pred_name[0]),
                     text_isolated(x->pred_name[1])};
    char map[48] = "";
    if (!isnan(x->map))
        snprintf(map, sizeof map, "; rank correlation of the maps %.2f",
                 words_unsigned_zero(x->map, 2));
    words_para(2, "-",
               "image %" PRId64 ", %s: predicted as %s (%.1f" WORDS_NB "%%) in A, %s (%.1f" WORDS_NB
               "%%) in B%s",
               x->id, name[0], name[1], 100 * x->conf[0], name[2], 100 * x->conf[1], map);
    for (int i = 0; i < 3; i++)
        free(name[i]);
}

static void write_examples(const struct diff_examples *l, const char *title, const char *order)
{
    struct words_buf b;
    if (l->all == 0)
        return;
    words_section(title);
    int listed = l->n < LIST ? l->n : LIST;
    if (l->all > listed)
        words_para(0, "", "%d of %s, %s.", listed, words_count(&b, l->all, "image", "images"),
                   order);
    for (int i = 0; i < listed; i++)
        write_example(&l->example[i]);
}

static void write_maps(const struct compared *k)
{
    const double *v = k->measure;
    struct words_buf b, c;
    if (isnan(v[DIFF_MEASURE_MAPS]) || v[DIFF_MEASURE_MAPS] == 0)
        return;
    words_section("Maps");
    words_para(0, "",
               "%s the same prediction and two maps. The median rank correlation of the two is "
               "%.2f; %s moved.",
               words_count(&b, (int64_t)v[DIFF_MEASURE_MAPS], "image has", "images have"),
               words_unsigned_zero(v[DIFF_MEASURE_MAP_MEDIAN], 2),
               words_count(&c, (int64_t)v[DIFF_MEASURE_MAPS_MOVED], "map", "maps"));
}

/* --- where they come from --- */

static bool comparable(const char *name)
{
    return strcmp(name, "warning") != 0 && strcmp(name, "date") != 0;
}

static bool same_fact(const struct about *a, const struct about *b, const char *name)
{
    const char *x = about_value(a, name), *y = about_value(b, name);
    return x && y ? strcmp(x, y) == 0 : x == y;
}

static void write_fact(const struct compared *k, const char *name)
{
    const char *a = about_value(&k->about[0], name), *b = about_value(&k->about[1], name);
    words_line("%s", about_label(name));
    words_line("  A  %s", a ? a : "not known");
    words_line("  B  %s", b ? b : "not known");
}

/* The facts of which the runs say different things, in the order of A, then those of B alone. */
static void write_about(const struct compared *k)
{
    const struct about *a = &k->about[0], *b = &k->about[1];
    int written = 0;
    if (a->facts == 0 || b->facts == 0)
        return;
    words_section("What differs in the runs themselves");
    for (int i = 0; i < a->facts; i++)
        if (comparable(a->fact[i].name) && !same_fact(a, b, a->fact[i].name) && ++written)
            write_fact(k, a->fact[i].name);
    for (int i = 0; i < b->facts; i++)
        if (comparable(b->fact[i].name) && !about_value(a, b->fact[i].name) && ++written)
            write_fact(k, b->fact[i].name);
    if (written == 0)
        words_line("Nothing that their tables of origin tell.");
}

static void write_warnings(const struct compared *k)
{
    for (int run = 0; run < 2; run++)
        for (int i = 0; i < k->about[run].facts; i++)
            if (strcmp(k->about[run].fact[i].name, "warning") == 0) {
                words_gap();
                words_para(0, "", "Warning of %c: %s", 'A' + run, k->about[run].fact[i].value);
            }
}

void diff_write(const struct compared *k)
{
    words_open("-");
    words_title("Two runs compared");
    write_warnings(k);
    write_about(k);
    write_overall(k->measure);
    if (k->classes.all > 0)
        write_entries(&k->classes, "Classes", "class", "classes", "fixed", "broken");
    if (k->superclasses.all > 0)
        write_entries(&k->superclasses, "Superclasses", "superclass", "superclasses", "fixed",
                      "broken");
    if (k->pairs.all > 0)
        write_entries(&k->pairs, "Confusion pairs", "pair", "pairs", "more", "fewer");
    write_examples(&k->images[DIFF_BROKEN], "Broken images", "the most confident in B");
    write_examples(&k->images[DIFF_FIXED], "Fixed images", "the most confident in B");
    write_maps(k);
    write_examples(&k->moved, "Images with the same prediction whose map moved",
                   "those that moved most");
    words_close();
}
