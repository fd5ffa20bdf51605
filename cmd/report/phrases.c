#include "phrases.h"

#include "words.h"

#include <math.h>
#include <stdio.h>

const char *say_band(enum band b)
{
    static const char *const words[BANDS] = {
        [BAND_HIGHEST] = "Highest (above 90 %)",
        [BAND_HIGH] = "High (above 70 to 90 %)",
        [BAND_MODERATE] = "Moderate (above 50 to 70 %)",
        [BAND_LOW] = "Low (up to 50 %)",
    };
    return words[b];
}

const char *say_against_chance(const struct finding *accuracy)
{
    return accuracy->verdict == VERDICT_FEW       ? "cannot be told, on so few images, from"
           : accuracy->value > accuracy->baseline ? "is hardly better than"
                                                  : "is not better than";
}

void say_difference(char *s, size_t size, const struct difference *d, const struct finding *f,
                    const char *what)
{
    double strength = fmax(d->larger, 1 - d->larger);
    const char *much = strength >= DIFFERENCE_LARGE    ? "large"
                       : strength >= DIFFERENCE_MEDIUM ? "medium"
                                                       : "small";
    char p[32];
    if (f->p < FINDINGS_LEVEL)
        snprintf(p, sizeof p, "p" WORDS_NB "<" WORDS_NB "%.2f", FINDINGS_LEVEL);
    else
        snprintf(p, sizeof p, "p" WORDS_NB "=" WORDS_NB "%.3f", f->p);
    if (f->verdict == VERDICT_FEW)
        snprintf(s, size, "Too few to compare: %d of each are needed.", FEW);
    else if (f->p >= FINDINGS_LEVEL)
        snprintf(s, size, "The difference could be chance (%s).", p);
    else
        snprintf(s, size,
                 "The difference is %s: in %.1f" WORDS_NB
                 "%% of comparisons %s has the larger value (%s).",
                 f->verdict == VERDICT_NO ? "too small to matter" : much, 100 * d->larger, what, p);
}

void say_coarse(const struct run *r, const struct findings *f)
{
    const char *size = about_value(&r->about, "map_size");
    const char *finer = about_value(&r->about, "finer_layer");
    if (f->of[FIND_PLACES].verdict != VERDICT_NO)
        return;
    words_para(2, "-",
               "The grid of these maps is %s%s: too coarse to show where the model looks. Border "
               "share, entropy and overlap are not measured.%s%s%s",
               size ? size : "below 4 by 4 cells", size ? " cells, below 4 by 4" : "",
               finer ? " Take a finer layer: LAYER=" : "", finer ? finer : "", finer ? "." : "");
}

void say_files(const struct about *about)
{
    static const char *const what[][2] = {
        {"explorer.html", "all classes in a table to sort and search"},
        {"per_class_accuracy_interactive.html", "a bar for each class"},
        {"confusion_matrix_full.png", "the confusion matrix"},
        {"top_confused_pairs.png", "the most frequent pairs as bars"},
        {"per_class_accuracy.csv", "accuracy of every class"},
        {"most_confused_pairs.csv", "the most frequent pairs"},
        {"confident_errors.csv", "the errors of highest confidence"},
        {"confident_errors.png", "the same with their maps"},
        {"recommendations.txt", "what to do about the errors"},
        {"data/findings.tsv", "every measurement of these texts with its test"},
        {"data/run.tsv", "what this run was made from"},
    };
    static const char *const sheets[][2] = {
        {"worst_predictions/", "best and worst predictions of a class"},
        {"predicted_classes/", "most and least confident predictions of a class"},
        {"confused_pair_", "examples of a confused pair"},
        {"confident_errors_p", "further errors of highest confidence with their maps"},
    };
    if (about->files == 0)
        return;
    words_section("Files");
    for (size_t i = 0; i < sizeof what / sizeof *what; i++)
        if (about_has(about, what[i][0]))
            words_line("%-37s %s", what[i][0], what[i][1]);
    for (size_t i = 0; i < sizeof sheets / sizeof *sheets; i++) {
        const char *first;
        int n = about_count(about, sheets[i][0], &first);
        if (n > 1)
            words_line("%s and %d more: %s", first, n - 1, sheets[i][1]);
        else if (n == 1)
            words_line("%s: %s", first, sheets[i][1]);
    }
}
