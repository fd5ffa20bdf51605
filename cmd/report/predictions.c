/* What a model predicted, whether or not it was right: what can be said of images
 * without labels. */
#include "report.h"
#include "phrases.h"
#include "words.h"

#include "base/prog.h"

#include <inttypes.h>
#include <math.h>

enum { LIST = 10, NAME_WIDTH = 30 };

static void write_overall(const struct tally *t)
{
    words_section("Overall");
    words_line("Images              %8" PRId64, t->images);
    words_line("  with a label      %8" PRId64, t->labelled);
    words_line("Predicted classes   %8d", t->n);
    if (t->images > 0)
        words_line("Mean confidence     %8.2f %%", 100 * t->conf);
    if (t->images > 0 && !isnan(t->entropy))
        words_line("Mean entropy        %8.3f nats", t->entropy);
    if (t->labelled == t->images && t->images > 0)
        return;
    words_gap();
    if (t->labelled == 0)
        words_para(0, "",
                   "No image has a label, so accuracy, confusions and calibration are not known. "
                   "Labels come from class folders or from %s.",
                   prog_option("--labels of cifar-predict", "LABELS"));
    else
        words_para(0, "", "All that follows counts images with and without a label.");
}

static void write_confidence(const struct tally *t)
{
    words_section("Confidence of the predictions");
    for (int i = BANDS - 1; i >= 0; i--) {
        struct words_buf b;
        words_line("%-28s%8" PRId64 "   %s", say_band((enum band)i), t->band[i],
                   words_percent(&b, t->band[i], t->images));
    }
}

static void write_classes(const struct tally *t)
{
    int listed = t->n > 2 * LIST ? LIST : t->n, width = 0;
    if (t->n == 0)
        return;
    words_section(t->n > listed ? "Most frequent predictions" : "Predictions by frequency");
    for (int i = 0; i < listed; i++) {
        int w = words_width(t->row[i].text);
        width = w > width ? w : width;
    }
    width = width > NAME_WIDTH ? NAME_WIDTH : width;
    for (int i = 0; i < listed; i++) {
        const struct tally_row *a = &t->row[i];
        struct words_buf b;
        words_line("%3d. %s%*s  %6" PRId64 " (%s), mean confidence %.1f %%", i + 1, a->text,
                   words_pad(a->text, width), "", a->images,
                   words_percent(&b, a->images, t->images), 100 * a->conf);
    }
    struct words_buf b;
    if (t->n > listed)
        words_para(5, "", "and %s.",
                   words_count(&b, t->n - listed, "other class", "other classes"));
}

void predictions_write(const struct tally *t, const struct about *about)
{
    words_open("-");
    words_title("The predictions of a classifier");
    about_write_warnings(about);
    write_overall(t);
    if (t->images > 0)
        write_confidence(t);
    write_classes(t);
    about_write(about);
    say_files(about);
    words_close();
}
