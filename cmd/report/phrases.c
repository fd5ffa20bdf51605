#include "phrases.h"

#include "stream/run.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

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

const char *say_p(struct words_buf *b, double p)
{
    if (p < 0.0001)
        snprintf(b->s, sizeof b->s, "p" WORDS_NB "<" WORDS_NB "0.0001");
    else
        snprintf(b->s, sizeof b->s, "p" WORDS_NB "=" WORDS_NB "%.3g", p);
    return b->s;
}

/* Of many classes an accuracy may be several times chance and yet low. */
const char *say_against_chance(const struct finding *accuracy)
{
    return accuracy->verdict == VERDICT_FEW        ? "cannot be told, on so few images, from"
           : accuracy->value <= accuracy->baseline ? "is not better than"
           : finding_tells(accuracy) && accuracy->value >= 2 * accuracy->baseline
               ? "is low, though better than"
               : "is hardly better than";
}

void say_doubt(char *s, size_t size, const struct findings *f)
{
    const struct finding *a = &f->of[FIND_ACCURACY], *o = &f->of[FIND_CLASS_ORDER];
    struct words_buf p, q;
    *s = '\0';
    if (o->verdict == VERDICT_YES)
        snprintf(s, size,
                 "The model and the labels seem to order the classes differently: with the classes "
                 "renamed accordingly, %s of the predictions would be correct instead of %s. "
                 "All that follows counts the classes as they are.",
                 words_accuracy(&p, o->value), words_accuracy(&q, o->baseline));
    else if (a->verdict == VERDICT_NO || a->verdict == VERDICT_FEW)
        snprintf(
            s, size, "The accuracy (%s) %s chance (%s): what follows says little about the model.",
            words_accuracy(&p, a->value), say_against_chance(a), words_accuracy(&q, a->baseline));
}

void say_top_wrong(char *s, size_t size, const struct class_row *c)
{
    *s = '\0';
    if (!class_has_top_wrong(c))
        return;
    if (c->top_wrong_tied > 0)
        snprintf(s, size, "%s and %" PRId64 " more (%" PRId64 " each)", c->top_wrong_text,
                 c->top_wrong_tied, c->top_wrong_count);
    else
        snprintf(s, size, "%s (%" PRId64 ")", c->top_wrong_text, c->top_wrong_count);
}

void say_difference(char *s, size_t size, const struct difference *d, const struct finding *f,
                    const char *what)
{
    static const char *const much[] = {[DIFFERENCE_IS_SMALL] = "small",
                                       [DIFFERENCE_IS_MEDIUM] = "medium",
                                       [DIFFERENCE_IS_LARGE] = "large"};
    struct words_buf p;
    if (f->verdict == VERDICT_FEW)
        snprintf(s, size, "Too few to compare: %d of each are needed.", FINDINGS_FEW);
    else if (!finding_tells(f))
        snprintf(s, size, "The difference could be chance (%s).", say_p(&p, f->p));
    else
        snprintf(s, size,
                 "The difference is %s: in %.1f" WORDS_NB
                 "%% of comparisons %s has the larger value (%s).",
                 f->verdict == VERDICT_NO ? "too small to matter" : much[d->size], 100 * d->larger,
                 what, say_p(&p, f->p));
}

void say_few_pairs(char *s, size_t size, const struct tables *r, const struct findings *f)
{
    const struct pairs *p = &r->pairs;
    const struct few_pairs *few = &f->few;
    int64_t errors = tables_errors(r);
    struct words_buf b, c;
    if (f->of[FIND_FEW_PAIRS].verdict == VERDICT_NO)
        snprintf(s, size,
                 "The errors are spread over %zu pairs, none of which holds more than %s of them.",
                 p->n, words_percent(&b, p->row[0].count, errors));
    else if (few->all)
        snprintf(s, size, "All %" PRId64 " errors are in %s.", errors,
                 words_count(&b, few->n, "pair", "pairs"));
    else
        snprintf(s, size, "The %s %" PRId64 " of %" PRId64 " errors (%s).",
                 few->n == 1 ? "most frequent pair holds"
                             : words_count(&b, few->n, "", "most frequent pairs hold"),
                 few->errors, errors, words_percent(&c, few->errors, errors));
}

void say_blank(const struct findings *f)
{
    const struct finding *b = &f->of[FIND_BLANK], *t = &f->of[FIND_BLANK_TRUE];
    char truth[128] = "";
    struct words_buf p;
    if (f->one_cell)
        return;
    if (t->verdict != VERDICT_NONE)
        snprintf(truth, sizeof truth,
                 "; of the true class, in errors: %" PRId64 " of %" PRId64 " (%s)", t->count, t->of,
                 words_percent(&p, t->count, t->of));
    words_para(2, "-", "Blank maps of the predicted class: %" PRId64 " of %" PRId64 " (%s)%s.",
               b->count, b->of, words_percent(&p, b->count, b->of), truth);
}

void say_coarse(const struct about *about, const struct findings *f)
{
    const char *size = about_value(about, "map_size");
    const char *finer = about_value(about, "finer_layer");
    bool none = finer && strcmp(finer, RUN_NONE) == 0;
    if (f->of[FIND_PLACES].verdict != VERDICT_NO)
        return;
    words_para(2, "-",
               "The grid of these maps is %s%s: too coarse to show where the model looks. Border "
               "share, entropy and overlap are not measured.%s%s%s",
               size ? size : "below 4 by 4 cells", size ? " cells, below 4 by 4" : "",
               !finer ? " Take an earlier layer with LAYER"
               : none ? " No layer of this network has a finer grid"
                      : " Take a finer layer: LAYER=",
               finer && !none ? finer : "", ".");
}

void say_earlier(const struct about *about)
{
    static const char apart[] = "the cells of a margin map do not add up to the difference of the "
                                "two logits, and maps of two classes may lie apart whatever the "
                                "image shows.";
    const char *layer = about_value(about, "layer"), *size = about_value(about, "map_size");
    const char *last = about_value(about, "last_stage_size");
    const char *end = about_value(about, "network_end");
    if (!about_earlier(about))
        return;
    if (end)
        words_para(2, "-",
                   "The maps are of %s%s%s%s, by a backward pass: the network ends in %s, not in "
                   "pooling and one linear layer. So %s",
                   layer, size ? ", with " : "", size ? size : "", size ? " cells" : "", end,
                   apart);
    else
        words_para(2, "-", "The maps are of %s%s%s%s%s%s. Before the last stage %s", layer,
                   size && last ? ", with " : "", size && last ? size : "",
                   size && last ? " cells" : "",
                   last ? ", because the last stage has " : ", a layer before the last stage",
                   last ? last : "", apart);
    if ((last || end) && !about_value(about, "finer_layer"))
        words_para(2, "",
                   "Fewer than 4 by 4 cells do not show where the model looks; %s is the last "
                   "layer that has as many%s. LAYER takes another one.",
                   layer, end ? ", on all of which the logits depend" : "");
}

void say_files(const struct about *about)
{
    static const char *const what[][2] = {
        {"explorer.html",
         "every image with its maps, to search, sort and filter; its data are in explorer/"},
        {"per_class_accuracy_interactive.html", "a bar for each class"},
        {"confusion_matrix_full.png", "the confusion matrix"},
        {"top_confused_pairs.png", "the most frequent pairs as bars"},
        {"reliability_diagram.png", "accuracy by confidence, risk by coverage"},
        {"per_class_accuracy.csv", "accuracy of every class"},
        {"most_confused_pairs.csv", "the most frequent pairs"},
        {"confident_errors.csv", "the errors of highest confidence"},
        {"confident_errors.png", "the same with their maps"},
        {"recommendations.txt", "what to do about the errors"},
        {"review_labels.tsv", "labels that may be wrong, the most suspicious first"},
        {"review_labels.png", "the first of them as pictures"},
        {"data/predictions.tsv", "the prediction for every image"},
        {"data/label_check.tsv", "all labels, the most suspicious first"},
        {"data/pairs.tsv", "all pairs of a true and a predicted class"},
        {"data/cam_stats.tsv", "statistics of the maps of every image"},
        {"faithfulness.png", "what the maps of each method are worth"},
        {"faithfulness.tsv", "the same as a table"},
        {"sanity.tsv", "what the maps depend on"},
        {"data/turned.tsv", "which errors turn when cells of the margin map are deleted"},
        {"data/calibration.tsv", "calibration, and what one temperature changes"},
        {"data/duplicates.tsv", "images that are there more than once"},
        {"data/slices.tsv", "groups of similar images with a low accuracy"},
        {"data/slice_rows.tsv", "the images of these groups"},
        {"data/image_stats.tsv", "brightness, contrast and more of every image"},
        {"data/image_stats_errors.tsv", "which of these go with errors, or tell the class"},
        {"data/risk.tsv", "error rate by how many predictions are kept"},
        {"data/findings.tsv", "every measurement of these texts with its test"},
        {"data/run.tsv", "what this run was made from"},
    };
    static const char *const sheets[][2] = {
        {"worst_predictions/", "best and worst predictions of a class"},
        {"predicted_classes/", "most and least confident predictions of a class"},
        {"confused_pair_", "examples of a confused pair"},
        {"slice_s", "typical errors of a slice beside its correct predictions"},
        {"confident_errors_p", "further errors of highest confidence with their maps"},
        {"review_labels_p", "further labels to review"},
    };
    if (about->files.n == 0)
        return;
    words_section("Files");
    for (size_t i = 0; i < sizeof what / sizeof *what; i++)
        if (file_list_has(&about->files, what[i][0]))
            words_line("%-37s %s", what[i][0], what[i][1]);
    for (size_t i = 0; i < sizeof sheets / sizeof *sheets; i++) {
        const char *first;
        int n = file_list_count(&about->files, sheets[i][0], &first);
        if (n > 1)
            words_line("%s and %d more: %s", first, n - 1, sheets[i][1]);
        else if (n == 1)
            words_line("%s: %s", first, sheets[i][1]);
    }
}
