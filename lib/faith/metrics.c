#include "faith/metrics.h"

#include "base/text.h"
#include "faith/feature.h"
#include "faith/places.h"
#include "faith/ssim.h"
#include "stats/rank_correlation.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct series_rule all_series[] = {
#define SERIES_RULE(id, cells, first, fill, steps)                                                 \
    {cells, FAITH_##first, FAITH_##fill, FAITH_##steps},
    SERIES(SERIES_RULE)
#undef SERIES_RULE
};

const struct series_rule *series_rule(enum series s)
{
    return &all_series[s];
}

/* --- the metrics --- */

/* The scores of the one series, or of the first of them, that a metric needs. */
static const struct scores *scores_of(const struct subject *s, unsigned needs)
{
    int i = 0;
    while (!(needs >> i & 1))
        i++;
    return &s->series[i];
}

/* Between the points of a series the score is taken to be linear. */
static double metric_area(const struct subject *s, unsigned needs)
{
    const struct scores *x = scores_of(s, needs);
    double sum = 0;
    for (int i = 1; i < x->n; i++)
        sum += (x->share[i] - x->share[i - 1]) * (x->score[i] + x->score[i - 1]) / 2;
    return sum;
}

static double metric_mean(const struct subject *s, unsigned needs)
{
    const struct scores *x = scores_of(s, needs);
    double sum = 0;
    for (int i = 0; i < x->n; i++)
        sum += x->score[i];
    return sum / x->n;
}

static double metric_road(const struct subject *s, unsigned needs)
{
    (void)needs;
    return (metric_mean(s, NEEDS(ROAD_LEAST)) - metric_mean(s, NEEDS(ROAD_MOST))) / 2;
}

static double metric_flipping(const struct subject *s, unsigned needs)
{
    return s->score - metric_mean(s, needs);
}

/* Parts of a score have a meaning where it is above 0. */
static double metric_irof(const struct subject *s, unsigned needs)
{
    return s->score > 0 ? 1 - metric_area(s, needs) / s->score : NAN;
}

static double metric_drop(const struct subject *s, unsigned needs)
{
    const double drop = 100 * (s->score - scores_of(s, needs)->score[0]) / s->score;
    return s->score > 0 && !isnan(drop) ? fmax(drop, 0) : NAN;
}

static double metric_increase(const struct subject *s, unsigned needs)
{
    const double kept = scores_of(s, needs)->score[0];
    return isnan(kept) ? NAN : kept > s->score ? 100 : 0;
}

static double metric_gain(const struct subject *s, unsigned needs)
{
    const double gain = 100 * (scores_of(s, needs)->score[0] - s->score) / (s->most - s->score);
    return s->score < s->most && isfinite(s->most) && !isnan(gain) ? fmax(gain, 0) : NAN;
}

/* --- without changed images --- */

static double metric_pointing(const struct subject *s, unsigned needs)
{
    (void)needs;
    return places_pointing(s->map, s->mask, s->pixels);
}

static double metric_inside(const struct subject *s, unsigned needs)
{
    (void)needs;
    return places_inside(s->map, s->mask, s->pixels);
}

static double metric_completeness(const struct subject *s, unsigned needs)
{
    (void)needs;
    return s->exact ? feature_completeness(s->cells, s->cam, s->cam_cells) : NAN;
}

static double metric_sensitivity(const struct subject *s, unsigned needs)
{
    (void)needs;
    return feature_sensitivity(s->cells, s->cam, s->cam_cells);
}

static double metric_rank_correlation(const struct subject *s, unsigned needs)
{
    struct rank_room *room = rank_room_new((size_t)s->own_cells);
    const double r = rank_correlation(room, s->own, s->reference, (size_t)s->own_cells);
    (void)needs;
    free(room);
    return r;
}

static double metric_ssim(const struct subject *s, unsigned needs)
{
    (void)needs;
    return ssim(s->unit, s->reference_unit, s->h, s->w);
}

/* --- the table --- */

static const struct metric_rule rules[] = {
#define METRIC_RULE(id, word, higher, needs, function, range, source, definition)                  \
    {#word, higher, needs, metric_##function},
    METRICS(METRIC_RULE)
#undef METRIC_RULE
};

const struct metric_rule *metric_rule(enum metric m)
{
    return &rules[m];
}

static int find(const char *word, size_t n)
{
    for (int i = 0; i < METRIC_COUNT; i++)
        if (strlen(rules[i].word) == n && memcmp(rules[i].word, word, n) == 0)
            return i;
    return -1;
}

static int unknown(const char *word, size_t n, struct err *e)
{
    struct nearest near = {.word = word, .n = n};
    char said[NEAREST_ROOM];
    if (n == 0)
        return err_set(e, "expected words separated by commas, found an empty one");
    for (int i = 0; i < METRIC_COUNT; i++)
        nearest_offer(&near, rules[i].word, strlen(rules[i].word));
    return err_set(e, "expected metrics (" METRICS_WORDS "), found '%.*s'%s",
                   (int)(n < 100 ? n : 100), word, nearest_said(&near, said));
}

int metrics_parse(enum metric *list, const char *words, unsigned given, struct err *e)
{
    bool taken[METRIC_COUNT] = {false};
    int count = 0;
    if (strcmp(words, "all") == 0) {
        for (int m = 0; m < METRIC_COUNT; m++)
            if ((rules[m].needs & NEEDS_GIVEN & ~given) == 0)
                list[count++] = (enum metric)m;
        return count;
    }
    for (const char *p = words;; p++) {
        const size_t n = strcspn(p, ",");
        const int m = find(p, n);
        if (m < 0)
            return unknown(p, n, e);
        if (taken[m])
            return err_set(e, "expected each metric once, found '%s' twice", rules[m].word);
        taken[m] = true;
        list[count++] = (enum metric)m;
        p += n;
        if (!*p)
            return count;
    }
}

void metric_list(void)
{
#define METRIC_TEXT(id, word, higher, needs, function, range, source, definition)                  \
    printf(".It Cm " #word "\n%s\nRange: %s; %s is better.\n%s.\n", definition, range,             \
           (higher) ? "higher" : "lower", source);
    METRICS(METRIC_TEXT)
#undef METRIC_TEXT
}
