#include "advice.h"

#include "phrases.h"
#include "base/mem.h"
#include "base/prog.h"
#include "words.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void class_order(struct advice *a)
{
    const struct findings *f = a->f;
    const struct finding *o = &f->of[FIND_CLASS_ORDER];
    struct words_buf b, c, d;
    advice_section(a, "Class order");
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
    for (int i = 0; i < f->moved.n && i < ADVICE_LIST; i++) {
        const struct found *m = &f->moved.at[i];
        words_line("    %s -> %s: %" PRId64 " of %" PRId64, a->r->classes.row[m->cls].text,
                   a->r->classes.row[m->to].text, m->f.count, m->f.of);
    }
    if (f->moved.n > ADVICE_LIST)
        words_line("    and %d more", f->moved.n - ADVICE_LIST);
    words_para(2, "",
               "Give the names in the order in which the model was trained (%s), and check that "
               "the labels count the classes from the same number in the same order (%s).",
               prog_option("--names of cifar-predict", "NAMES"), prog_option("--labels", "LABELS"));
    recommend(a, o->count, FIND_CLASS_ORDER, "most_confused_pairs.csv,per_class_accuracy.csv",
              "Correct the class order.");
    recommend_worked(a, "about %s of the predictions are correct, instead of %s.",
                     words_accuracy(&c, o->value), words_accuracy(&d, o->baseline));
}

/* Whether the images fit the BatchNorm statistics: then what comes before the last layer is right.
 */
static bool reads_right(const struct advice *a)
{
    const char *fit = about_value(a->about, "fit");
    return fit && strncmp(fit, "good", 4) == 0;
}

static void write_suspicion(const struct advice *a)
{
    static const char unknown[] = "unknown: ";
    const char *fit = about_value(a->about, "fit");
    const size_t n = sizeof unknown - 1;
    if (reads_right(a)) {
        words_para(2, "-",
                   "The labels, the class order or the last layer are probably not those of the "
                   "training. The network and its constants seem right: the images fit the "
                   "BatchNorm statistics of the training (%s).",
                   fit);
        return;
    }
    words_para(2, "-", "%s",
               about_program(a->about)
                   ? "The constants or the class order are probably not those of the training."
                   : "The network or its constants are probably misread.");
    if (!fit || strncmp(fit, unknown, n) == 0)
        words_para(2, "", "Nothing was measured that could speak for or against this: %s.",
                   fit ? fit + n : "the images were not compared with BatchNorm statistics");
    else
        words_para(2, "",
                   "The probe speaks for this: the images do not fit the BatchNorm statistics of "
                   "the training (%s).",
                   fit);
}

enum { CHECKS_MAX = 5 };

static int labels_checks(char **item)
{
    item[0] = mem_printf("the class order: %s and %s must be those of the training",
                         prog_option("--names", "NAMES"), prog_option("--labels", "LABELS"));
    item[1] = mem_dup("that the checkpoint is of a trained model and for these classes");
    return 2;
}

static int reading_checks(const struct advice *a, char **item)
{
    const bool program = about_program(a->about);
    int n = 0;
    item[n++] =
        mem_printf("the mean and std of the pixels: %s and %s must be those of the training%s",
                   prog_option("--mean", "MEAN"), prog_option("--std", "STD"),
                   program ? ", 0 and 1 where the program normalises its images itself" : "");
    if (!program)
        item[n++] = mem_printf("of a state dict, the inferred architecture, above all the stem: "
                               "model-info --probe DATA compares the interpretations, %s sets one",
                               prog_option("--assume", "ASSUME"));
    if (about_value(a->about, "image_options"))
        item[n++] = mem_printf("the size of the images: %s and %s must make them as in training",
                               prog_option("--resize", "RESIZE"), prog_option("--crop", "CROP"));
    return n;
}

/* The likelier cause first. */
static void write_checks(const struct advice *a, const char *lead)
{
    char *item[CHECKS_MAX];
    int n = 0;
    if (reads_right(a)) {
        n += labels_checks(item);
        n += reading_checks(a, item + n);
    } else {
        n += reading_checks(a, item);
        n += labels_checks(item + n);
    }
    words_para(2, "-", "%s", lead);
    for (int i = 0; i < n; i++) {
        words_para(4, "  -", "%s%s", item[i], i + 1 < n ? ";" : ".");
        free(item[i]);
    }
}

static const char *first_check(const struct advice *a)
{
    if (reads_right(a))
        return "Check the labels, the class order and that the last layer is trained.";
    return about_program(a->about)
               ? "Check the constants of the pixels and the class order."
               : "Check how the network is read: its constants, its architecture, the class order.";
}

/* Above it the accuracy would be better than chance by enough for the other findings. */
static double enough(const struct finding *accuracy)
{
    return accuracy->baseline + ABOVE_CHANCE * (1 - accuracy->baseline);
}

static void check_model(struct advice *a)
{
    const struct finding *acc = &a->f->of[FIND_ACCURACY];
    bool few = acc->verdict == VERDICT_FEW;
    struct words_buf b, c, d;
    advice_section(a, few              ? "More images"
                      : reads_right(a) ? "Labels and class order"
                                       : "The network and its constants");
    words_para(2, "-",
               "The accuracy, %s (%" PRId64 " of %" PRId64
               "), %s chance (%s; exact binomial test, %s).",
               words_accuracy(&b, acc->value), acc->count, acc->of, say_against_chance(acc),
               words_accuracy(&c, acc->baseline), say_p(&d, acc->p));
    if (a->f->only_predicted >= 0 && acc->of > 1)
        words_para(2, "", "All %s predicted as %s.",
                   words_count(&d, acc->of, "image is", "images are"),
                   a->r->classes.row[a->f->only_predicted].text);
    if (few) {
        recommend(a, BEFORE_ALL, FIND_ACCURACY, "", "Use more images.");
        recommend_worked(a, "the accuracy can be told from chance.");
        if (acc->value <= acc->baseline)
            write_checks(a, "If the accuracy stays so low, check in this order:");
        return;
    }
    write_suspicion(a);
    write_checks(a, "Check, in this order:");
    recommend(a, BEFORE_ALL, FIND_ACCURACY, "data/run.tsv", "%s", first_check(a));
    recommend_worked(a, "the accuracy is above %s.", words_accuracy(&b, enough(acc)));
}

/* The warning above says what does not fit. */
static void better_fit(struct advice *a, const char *options)
{
    struct words_buf b;
    advice_section(a, "Mean, std and architecture");
    words_para(2, "-",
               "The model is run in another way than it was trained, as far as its BatchNorm "
               "running statistics tell. Run it again with %s.",
               options);
    recommend(a, BEFORE_ALL, FIND_ACCURACY, "data/run.tsv", "Run the model again with %s.",
              options);
    recommend_worked(a, "the accuracy rises above %s, the upper end of its interval.",
                     words_accuracy(&b, a->f->of[FIND_ACCURACY].high));
}

/* The model works, and yet nothing that was tried fits its statistics. */
static void doubtful_fit(struct advice *a, const char *fit)
{
    struct words_buf b;
    advice_section(a, "Mean, std and architecture");
    words_para(2, "-",
               "The images do not fit the BatchNorm statistics of the training (%s), and no other "
               "interpretation that was tried fits better. What follows holds for the model as it "
               "was run here.",
               fit);
    words_para(2, "",
               "Check how the images were resized, cropped and normalised in the training; "
               "model-info --probe DATA shows which layers differ.");
    recommend(a, BEFORE_ALL, FIND_ACCURACY, "data/run.tsv",
              "Check that the images are prepared as in the training.");
    recommend_worked(a,
                     "the fit is good and the accuracy rises above %s, the upper end of its "
                     "interval.",
                     words_accuracy(&b, a->f->of[FIND_ACCURACY].high));
}

void advice_model(struct advice *a)
{
    const char *better = about_better(a->about), *fit = about_value(a->about, "fit");
    if (better)
        better_fit(a, better);
    else if (a->f->of[FIND_CLASS_ORDER].verdict == VERDICT_YES)
        class_order(a);
    else if (!findings_work(a->f))
        check_model(a);
    else if (fit && strncmp(fit, "bad", 3) == 0)
        doubtful_fit(a, fit);
}
