#include "advice.h"

#include "words.h"

#include "base/mem.h"

#include <inttypes.h>
#include <stdlib.h>

/* " 5 of them are merely near: ...", of so many images. */
static char *tell_near(const struct repeat_share *near, int64_t of)
{
    if (!near->known || near->count == 0)
        return mem_dup("");
    return near->count == 1
               ? mem_printf(" %s is merely near: it may show another picture of its kind.",
                            of == 1 ? "It" : "One of them")
               : mem_printf(" %" PRId64 " of them are merely near: they may show other pictures of "
                            "their kind.",
                            near->count);
}

static void inside(struct advice *a)
{
    const struct finding *d = &a->f->of[FIND_DUPLICATES], *two = &a->f->of[FIND_TWO_LABELS];
    const struct finding *rest = &a->f->of[FIND_ACCURACY_DISTINCT];
    struct words_buf b, c, e;
    if (d->verdict == VERDICT_NONE)
        return;
    if (d->count == 0) {
        words_para(2, "-", "No image looks like an earlier one.");
        return;
    }
    char *near = tell_near(&a->r->repeats.near_inside, d->count);
    words_para(2, "-",
               "%" PRId64 " of %s (%s) %s like an earlier one; without %s the accuracy is %s.%s",
               d->count, words_count(&b, d->of, "image", "images"),
               words_percent(&c, d->count, d->of), d->count == 1 ? "looks" : "look",
               d->count == 1 ? "it" : "them", words_accuracy(&e, rest->value), near);
    free(near);
    if (two->verdict != VERDICT_YES)
        return;
    words_para(2, "",
               "%" PRId64 " of %s %s two labels: where both show one picture, one label is wrong.",
               two->count, words_count(&b, two->of, "such pair", "such pairs"),
               two->count == 1 ? "has" : "have");
    recommend(
        a, UNCOUNTED, FIND_TWO_LABELS, "data/duplicates.tsv",
        "Look at the pairs under two labels, and settle the label of those that show one picture.");
    recommend_worked(a, "no pair that shows one picture has two labels any more.");
}

static void against(struct advice *a)
{
    const struct finding *d = &a->f->of[FIND_TRAINING_IMAGES];
    const struct finding *rest = &a->f->of[FIND_ACCURACY_NEW];
    struct words_buf b, c, e;
    if (d->verdict == VERDICT_NONE)
        return;
    if (d->count == 0) {
        words_para(2, "-", "No image looks like one of the training set.");
        return;
    }
    char *near = tell_near(&a->r->repeats.near_against, d->count);
    words_para(2, "-",
               "%" PRId64
               " of %s (%s) %s like one of the training set.%s Without %s the accuracy is "
               "%s: where both show one picture, that is what to expect of new images.",
               d->count, words_count(&b, d->of, "image", "images"),
               words_percent(&c, d->count, d->of), d->count == 1 ? "looks" : "look", near,
               d->count == 1 ? "it" : "them", words_accuracy(&e, rest->value));
    free(near);
    recommend(
        a, UNCOUNTED, FIND_ACCURACY_NEW, "data/duplicates.tsv",
        "Look at the pairs with images of the training set, leave out the test images that show "
        "one picture with them, and report the accuracy without these.");
    recommend_worked(a, "no test image is left that shows one picture with a training image.");
}

void advice_duplicates(struct advice *a)
{
    if (a->f->of[FIND_DUPLICATES].verdict == VERDICT_NONE &&
        a->f->of[FIND_TRAINING_IMAGES].verdict == VERDICT_NONE)
        return;
    advice_section(a, "Duplicates");
    inside(a);
    against(a);
}
