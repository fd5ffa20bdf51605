/* What the maps of several methods and layers are worth: a section of the summary. */
#include "report.h"

#include "words.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { METRIC_WIDTH = 24, MAP_WIDTH = 22 };

/* "layer3 gradcam". */
static const char *map_name(const struct faith_map *m, char *s, size_t size)
{
    snprintf(s, size, "%s %s", m->layer, m->method);
    return s;
}

static void base_value(const struct faithfulness *f, int base, int metric, char s[16])
{
    snprintf(s, 16, "-");
    if (f->base[base] >= 0 && !isnan(f->map[f->base[base]].value[metric].mean))
        snprintf(s, 16, "%.3g", f->map[f->base[base]].value[metric].mean);
}

static void write_table(const struct faithfulness *f)
{
    words_line("%-*s  %-*s  %6s  %16s  %6s  %6s", METRIC_WIDTH, "Metric", MAP_WIDTH, "Best map",
               "mean", "95 % interval", "centre", "chance");
    for (int k = 0; k < f->metrics; k++) {
        const struct faith_metric *m = &f->metric[k];
        const struct faith_value *v = &f->map[m->best].value[k];
        char metric[64], map[96], interval[40], center[16], chance[16];
        snprintf(metric, sizeof metric, "%s (%s)", m->word, m->higher ? "higher" : "lower");
        snprintf(interval, sizeof interval, "%.3g to %.3g", v->low, v->high);
        map_name(&f->map[m->best], map, sizeof map);
        base_value(f, FAITH_CENTER, k, center);
        base_value(f, FAITH_RANDOM, k, chance);
        words_line("%s%*s  %s%*s  %6.3g  %16s  %6s  %6s", metric, words_pad(metric, METRIC_WIDTH),
                   "", map, words_pad(map, MAP_WIDTH), "", v->mean, interval, center, chance);
    }
    if (f->base[FAITH_RANDOM] >= 0)
        words_para(
            0, "",
            "Chance is a random map as smooth as the others: single pixels by chance harm an "
            "image sooner than areas do.");
}

/* How many of the others may be as good as the best. */
static void write_told(const struct faithfulness *f)
{
    int least = f->methods, most = 0;
    for (int k = 0; k < f->metrics; k++) {
        const int n = f->metric[k].within;
        least = n < least ? n : least;
        most = n > most ? n : most;
    }
    if (f->methods < 2)
        return;
    if (most == 0)
        words_para(2, "-", "No other map's interval overlaps that of the best.");
    else if (f->methods == 2)
        words_para(2, "-", "The other map's interval overlaps that of the best%s.",
                   least == 0 ? " by some metrics" : "");
    else if (least == most)
        words_para(2, "-",
                   "%d of the %d other maps may be as good as the best: their intervals overlap.",
                   most, f->methods - 1);
    else
        words_para(2, "-",
                   "By the metric, %d to %d of the %d other maps may be as good as the best: their "
                   "intervals overlap.",
                   least, most, f->methods - 1);
}

static void write_first(const struct faithfulness *f)
{
    const struct faith_map *m = &f->map[f->first];
    struct words_buf b;
    char name[96];
    map_name(m, name, sizeof name);
    if (f->methods < 2)
        return;
    words_para(2, "-",
               "The best mean rank has %s: %.1f among %d maps. By %d of %s it is the best or its "
               "interval overlaps that of the best.",
               name, m->mean_rank, f->methods, m->within,
               words_count(&b, f->metrics, "metric", "metrics"));
    if (f->metrics < 2)
        return;
    if (f->winners == 1)
        words_para(2, "-", "The metrics agree: one map is the best by all of them.");
    else
        words_para(2, "-", "The metrics conflict: %d different maps are the best by one or more.",
                   f->winners);
}

/* What that is: chance puts the best of several ahead more easily than one that is named before. */
#define CENTER_MEANS                                                                               \
    "Ahead is a map whose difference to the centre, image by image, has an interval on the "       \
    "better "                                                                                      \
    "side of 0; the best of several maps is so by chance more often than any one of them."

static void write_center_in_part(const struct faithfulness *f)
{
    char rest[512] = "";
    size_t at = 0;
    for (int k = 0; k < f->metrics && at < sizeof rest; k++)
        if (!f->metric[k].ahead)
            at += (size_t)snprintf(rest + at, sizeof rest - at, "%s%s", at ? ", " : "",
                                   f->metric[k].word);
    words_para(2, "-",
               "By %d of %d metrics the best map is ahead of the centre of the image; not by "
               "%s. " CENTER_MEANS,
               f->beaten, f->metrics, rest);
}

static void write_center(const struct faithfulness *f)
{
    if (f->base[FAITH_CENTER] < 0)
        return;
    if (f->beaten == f->metrics)
        words_para(2, "-", "The best map is ahead of the centre of the image by %s. " CENTER_MEANS,
                   f->metrics == 1 ? "this metric" : "each of the metrics");
    else if (f->beaten == 0)
        words_para(2, "-",
                   "By no metric is the best map ahead of the centre of the image: on these images "
                   "no map is shown to tell more than where objects usually are. " CENTER_MEANS);
    else
        write_center_in_part(f);
}

/* The maps that the analysis shows: those of its method and layer; -1 where they are not there. */
static int shown_map(const struct faithfulness *f, const struct about *about)
{
    const char *layer = about_value(about, "layer"), *method = about_value(about, "method");
    if (!layer || !method)
        return -1;
    if (about_earlier(about))
        return faithfulness_find(f, layer, method);
    for (int i = 0; i < f->maps; i++)
        if (f->map[i].last && strcmp(f->map[i].method, method) == 0)
            return i;
    return -1;
}

static void write_shown(const struct faithfulness *f, const struct about *about)
{
    struct words_buf b;
    char name[96];
    const int i = shown_map(f, about);
    if (i < 0 || i == f->first)
        return;
    map_name(&f->map[i], name, sizeof name);
    words_para(2, "-",
               "%s, which this analysis shows, has the mean rank %.1f. By %d of %s it is the best "
               "or its interval overlaps that of the best.",
               name, f->map[i].mean_rank, f->map[i].within,
               words_count(&b, f->metrics, "metric", "metrics"));
}

/* Maps that say nothing of some images, or of none. */
static void write_blank(const struct faithfulness *f)
{
    struct words_buf a;
    if (f->blank > 0)
        words_para(2, "-", "%s left out: blank or the same everywhere on every image.",
                   words_count(&a, f->blank, "further map is", "further maps are"));
    if (f->part > 0)
        words_para(2, "-",
                   "%s blank on some of the images and measured on the others: the column images "
                   "of faithfulness.tsv tells how many.",
                   words_count(&a, f->part, "map is", "maps are"));
}

void faithfulness_write(const struct known *k)
{
    const struct faithfulness *f = &k->tables.faithfulness;
    struct words_buf a, b, c;
    bool mask = false;
    if (!f->known)
        return;
    words_section("What the maps are worth");
    if (f->methods == 0) {
        words_para(0, "",
                   "None of the maps tells one place of an image from another, so that there is "
                   "nothing to compare: they are blank, or their grid has a single cell.");
        return;
    }
    for (int i = 0; i < f->metrics; i++)
        mask = mask || f->metric[i].mask;
    words_para(0, "",
               "Maps of the predicted class of %s, beside maps that know nothing of the network. "
               "They are compared by the score of images that are changed where a map is high or "
               "low%s. %s compared%s%s%s.",
               words_count(&a, f->images, "image", "images"),
               mask ? ", and by where the object is (pointing, mass_inside)" : "",
               words_count(&b, f->methods, "map of a layer and a method is",
                           "maps of a layer and a method are"),
               f->equal > 0 ? "; " : "",
               f->equal > 0 ? words_count(&c, f->equal, "other equals", "others equal") : "",
               f->equal > 0 ? " one of them" : "");
    words_gap();
    write_table(f);
    words_gap();
    write_first(f);
    write_told(f);
    write_center(f);
    write_shown(f, &k->about);
    write_blank(f);
}
