#include "stats/covariate.h"

#include "base/mem.h"
#include "stats/quantile.h"
#include "base/random.h"
#include "stats/share.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double normal_95 = 1.959963984540054;

/* --- ranks --- */

/* The statistic of Mann and Whitney, with its mean and variance where the value tells nothing. */
struct rank_sum {
    double wrong, correct; /* how many there are */
    double u, mean, variance;
};

/* Of sorted images. */
static struct rank_sum sum_ranks(const struct covariate_image *image, size_t n)
{
    struct rank_sum s = {0};
    double tied = 0;

    for (size_t from = 0, to; from < n; from = to) {
        double wrong = 0;
        for (to = from; to < n && image[to].value == image[from].value; to++)
            wrong += image[to].wrong;
        double equal = (double)(to - from);
        s.u += wrong * (s.correct + (equal - wrong) / 2);
        s.wrong += wrong;
        s.correct += equal - wrong;
        tied += equal * (equal - 1) * (equal + 1);
    }
    double all = (double)n, pairs = s.wrong * s.correct;
    s.mean = pairs / 2;
    if (n > 1)
        s.variance = pairs / 12 * (all + 1 - tied / (all * (all - 1)));
    return s;
}

static double two_sided(double distance, double variance)
{
    return variance > 0 ? fmin(erfc(fmax(distance, 0) / sqrt(2 * variance)), 1) : NAN;
}

/* Variance of an estimate of `auc` by Newcombe's method 5. */
static double spread(double auc, const struct rank_sum *s)
{
    double more = (s->wrong + s->correct) / 2 - 1;
    return auc * (1 - auc) * (1 + more * ((1 - auc) / (2 - auc) + auc / (1 + auc))) /
           (s->wrong * s->correct);
}

/* The value on the side of `end`, 0 or 1, that is just as far from the estimate as chance goes. */
static double bound(double estimate, double end, const struct rank_sum *s)
{
    double inside = estimate, outside = end;

    for (int i = 0; i < 60; i++) {
        double at = (inside + outside) / 2;
        if (fabs(at - estimate) < normal_95 * sqrt(spread(at, s)))
            inside = at;
        else
            outside = at;
    }
    return (inside + outside) / 2;
}

static void compare(const struct covariate_image *image, size_t n, struct covariate *c)
{
    const struct rank_sum s = sum_ranks(image, n);

    c->errors = (int64_t)s.wrong;
    c->auc = c->auc_low = c->auc_high = c->p = NAN;
    if (s.mean == 0)
        return;
    c->auc = s.u / (2 * s.mean);
    c->auc_low = bound(c->auc, 0, &s);
    c->auc_high = bound(c->auc, 1, &s);
    c->p = two_sided(fabs(s.u - s.mean) - .5, s.variance);
}

/* Of images sorted by class and value. */
static void compare_within(const struct covariate_image *image, size_t n, struct covariate *c)
{
    double weights = 0, sum = 0, variance = 0;

    for (size_t from = 0, to; from < n; from = to) {
        for (to = from; to < n && image[to].truth == image[from].truth;)
            to++;
        const struct rank_sum s = sum_ranks(image + from, to - from);
        const double weight = 1 / (s.wrong + s.correct + 1);
        weights += weight * 2 * s.mean;
        sum += weight * (s.u - s.mean);
        variance += weight * weight * s.variance;
    }
    c->within_auc = weights > 0 ? .5 + sum / weights : NAN;
    c->within_p = two_sided(fabs(sum), variance);
}

/* Of the sorted images that are wrong, or correct. */
static double median(const struct covariate_image *image, size_t n, bool wrong, int64_t count)
{
    double below = NAN;
    int64_t at = 0;

    for (size_t i = 0; i < n; i++) {
        if (image[i].wrong != wrong)
            continue;
        if (at == (count - 1) / 2)
            below = image[i].value;
        if (at++ == count / 2)
            return below / 2 + image[i].value / 2; /* no sum that overflows */
    }
    return NAN;
}

/* --- the class --- */

/* Which half an image is in, whatever other images there are. */
static bool half_of(int64_t id)
{
    uint64_t state = (uint64_t)id;
    return random_next(&state) & 1;
}

struct guess {
    int classes;    /* of which there are images */
    int *number;    /* [largest class + 1] a class among them */
    int32_t *count; /* [classes] in a group */
    struct covariate_image *half[2];
};

/* The most frequent class of image[n], the lowest where several are. */
static int most_frequent(struct guess *g, const struct covariate_image *image, size_t n)
{
    int best = 0;

    memset(g->count, 0, (size_t)g->classes * sizeof *g->count);
    for (size_t i = 0; i < n; i++)
        g->count[g->number[image[i].truth]]++;
    for (int k = 1; k < g->classes; k++)
        best = g->count[k] > g->count[best] ? k : best;
    return best;
}

/* How many images of test[tests] get their class from learn[n], both sorted. */
static int64_t guess_half(struct guess *g, const struct covariate_image *learn, size_t n,
                          const struct covariate_image *test, size_t tests)
{
    size_t groups = n / COVARIATE_GROUP_IMAGES, from = 0, at = 0;
    int64_t correct = 0;

    groups = groups < 1 ? 1 : groups > COVARIATE_GROUPS ? COVARIATE_GROUPS : groups;
    for (int i = 0; i < (int)groups && n > 0; i++) {
        size_t to = (size_t)quantile_end((int64_t)n, (int)groups, i);
        while (to < n && learn[to].value == learn[to - 1].value)
            to++;
        if (to <= from) /* the group before took its values, which are equal */
            continue;
        int guess = most_frequent(g, learn + from, to - from);
        for (; at < tests && (to == n || test[at].value <= learn[to - 1].value); at++)
            correct += g->number[test[at].truth] == guess;
        from = to;
    }
    return correct;
}

/* Numbers the classes of sorted images, and tells the size of the largest. */
static size_t number_classes(struct guess *g, const struct covariate_image *image, size_t n)
{
    int last = 0;
    size_t largest = 0;

    for (size_t i = 0; i < n; i++)
        last = image[i].truth > last ? image[i].truth : last;
    g->number = mem_alloc((size_t)last + 1, sizeof *g->number);
    size_t *count = mem_zero((size_t)last + 1, sizeof *count);
    for (size_t i = 0; i < n; i++)
        count[image[i].truth]++;
    for (int k = 0; k <= last; k++) {
        largest = count[k] > largest ? count[k] : largest;
        g->number[k] = count[k] > 0 ? g->classes++ : -1;
    }
    free(count);
    return largest;
}

static void guess_classes(const struct covariate_image *image, size_t n, struct covariate *c)
{
    struct guess g = {0};
    size_t size[2] = {0};
    const size_t largest = number_classes(&g, image, n);

    if (g.classes < 2) {
        free(g.number);
        return;
    }
    g.count = mem_alloc((size_t)g.classes, sizeof *g.count);
    for (int h = 0; h < 2; h++)
        g.half[h] = mem_alloc(n, sizeof *g.half[h]);
    for (size_t i = 0; i < n; i++) {
        bool h = half_of(image[i].id);
        g.half[h][size[h]++] = image[i];
    }
    c->class_chance = share_of((int64_t)largest, (int64_t)n);
    c->class_p = 1;
    for (int h = 0; h < 2; h++) {
        int64_t correct = guess_half(&g, g.half[!h], size[!h], g.half[h], size[h]);
        c->class_correct += correct;
        /* Of each half the guesses are independent, given the other; their sum's are not. */
        c->class_p = fmin(c->class_p, 2 * share_tail(correct, (int64_t)size[h], c->class_chance));
    }
    c->class_share = share_of(c->class_correct, (int64_t)n);
    share_interval(c->class_correct, (int64_t)n, &c->class_low, &c->class_high);
    free(g.half[0]);
    free(g.half[1]);
    free(g.number);
    free(g.count);
}

/* --- all --- */

static int by_value(const void *a, const void *b)
{
    const struct covariate_image *x = a, *y = b;
    return x->value != y->value ? (x->value > y->value) - (x->value < y->value)
                                : (x->id > y->id) - (x->id < y->id);
}

static int by_class(const void *a, const void *b)
{
    const struct covariate_image *x = a, *y = b;
    return x->truth != y->truth ? (x->truth > y->truth) - (x->truth < y->truth) : by_value(a, b);
}

void covariate_measure(struct covariate_image *image, size_t n, struct covariate *c)
{
    size_t there = 0;

    *c = (struct covariate){.class_share = NAN,
                            .class_low = NAN,
                            .class_high = NAN,
                            .class_chance = NAN,
                            .class_p = NAN};
    for (size_t i = 0; i < n; i++)
        if (!isnan(image[i].value))
            image[there++] = image[i];
    c->images = (int64_t)there;
    c->missing = (int64_t)(n - there);
    if (there > 0)
        qsort(image, there, sizeof *image, by_value);
    compare(image, there, c);
    c->median_correct = median(image, there, false, c->images - c->errors);
    c->median_wrong = median(image, there, true, c->errors);
    if (there > 0) {
        guess_classes(image, there, c);
        qsort(image, there, sizeof *image, by_class);
    }
    compare_within(image, there, c);
}
