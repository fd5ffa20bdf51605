#include "check.h"

#include "stats/confusion.h"

#include <stdlib.h>

static struct prediction prediction(int truth, int pred, double conf)
{
    return (struct prediction){
        .truth = truth, .pred = pred, .conf = conf, .loss = NAN, .entropy = NAN};
}

static struct confusion *of(const struct prediction *a, size_t n)
{
    struct err e;
    struct confusion *c = confusion_new();
    for (size_t i = 0; i < n; i++)
        CHECK(confusion_prediction(c, &a[i], &e) == 0);
    confusion_done(c);
    return c;
}

static const struct names no_names;

static void test_classes(void)
{
    /* 0: two right, one taken for 1 and one for 2; 1: never right; 2: no images;
     * 3: neither images nor predictions, but 4 has. */
    const struct prediction a[] = {prediction(0, 0, 1),  prediction(0, 2, .5),
                                   prediction(0, 0, .5), prediction(0, 1, .25),
                                   prediction(1, 4, .5), prediction(4, 4, .75)};
    struct confusion *c = of(a, 6);
    CHECK(confusion_classes(c) == 5 && confusion_images(c) == 6);
    CHECK(confusion_count(c, 0, 0) == 2 && confusion_count(c, 3, 3) == 0);
    struct class_metrics f;
    confusion_class(c, 0, &f);
    CHECK(f.total == 4 && f.correct == 2 && f.predicted == 2);
    CHECK(f.accuracy == .5 && f.precision == 1 && f.mean_conf == .5625);
    CHECK_NEAR(f.f1, 2. / 3, 1e-15);
    CHECK(f.top_wrong == 1 && f.top_wrong_count == 1);
    confusion_class(c, 1, &f);
    CHECK(f.total == 1 && f.predicted == 1 && f.accuracy == 0 && f.precision == 0 && f.f1 == 0);
    confusion_class(c, 2, &f);
    CHECK(f.total == 0 && f.predicted == 1 && isnan(f.accuracy) && f.precision == 0 && f.f1 == 0);
    CHECK(f.top_wrong == -1 && f.top_wrong_count == 0 && isnan(f.mean_conf));
    confusion_class(c, 3, &f);
    CHECK(isnan(f.accuracy) && isnan(f.precision) && isnan(f.f1));

    size_t n;
    const struct sparse_entry *row = confusion_row(c, 0, &n);
    CHECK(n == 3 && row[0].col == 0 && row[1].col == 1 && row[2].col == 2);
    confusion_row(c, 3, &n);
    CHECK(n == 0);
    confusion_free(c);
}

static void test_bounds(void)
{
    /* Exactly 0.9, 0.7 and 0.5 are not beyond the bounds. */
    const struct prediction a[] = {prediction(0, 1, .9), prediction(0, 1, .91),
                                   prediction(0, 1, .7), prediction(0, 1, .71),
                                   prediction(1, 1, .5), prediction(1, 1, .49)};
    struct confusion *c = of(a, 6);
    struct confusion_summary s;
    confusion_summarize(c, &no_names, &s);
    CHECK(s.all.errors_conf_90 == 1 && s.all.errors_conf_70 == 3 && s.all.correct_conf_50 == 2);
    CHECK(s.all.images == 6 && s.all.correct == 2 && s.all.errors == 4 && s.pairs_confused == 1);
    CHECK_NEAR(s.all.mean_conf_wrong, (.9 + .91 + .7 + .71) / 4, 1e-15);
    CHECK_NEAR(s.all.mean_conf_correct, .495, 1e-15);
    CHECK(s.worst_class == 0 && s.best_class == 1 && s.best_class_accuracy == 1);
    CHECK(s.classes_below_50 == 1 && s.classes_below_70 == 1);
    CHECK(isnan(s.all.top5_accuracy) && isnan(s.all.nll) && isnan(s.all.mean_entropy));
    CHECK(isnan(s.superclass_accuracy) && isnan(s.errors_same_superclass) && s.superclasses == 0);
    confusion_free(c);
}

static void test_calibration(void)
{
    /* Four bins: 0 falls into the first, 1/15 and 0.2 below their upper bounds. */
    const struct prediction a[] = {prediction(0, 1, 0), prediction(0, 0, 1. / 15),
                                   prediction(0, 0, .2), prediction(0, 1, 1), prediction(0, 0, 1)};
    struct confusion *c = of(a, 5);
    struct confusion_summary s;
    confusion_summarize(c, &no_names, &s);
    double first = fabs(.5 - 1. / 30), second = .8, last = .5;
    CHECK_NEAR(s.all.ece, (2 * first + second + 2 * last) / 5, 1e-15);
    CHECK_NEAR(s.all.mce, .8, 1e-15);
    confusion_free(c);
}

static void test_ties(void)
{
    const struct prediction a[] = {prediction(0, 0, 1), prediction(1, 2, 1), prediction(1, 0, 1),
                                   prediction(2, 2, 1), prediction(3, 1, 1), prediction(2, 1, .5)};
    struct confusion *c = of(a, 6);
    struct confusion_summary s;
    confusion_summarize(c, &no_names, &s);
    CHECK(s.worst_class == 1 && s.best_class == 0);
    size_t n;
    struct confused_pair *p = confusion_pairs(c, &no_names, &n);
    CHECK(n == 4);
    CHECK(p[0].truth == 1 && p[0].pred == 0 && p[0].reverse == 0 && p[0].both == 1 &&
          p[0].rate == 0.5);
    CHECK(p[1].truth == 1 && p[1].pred == 2 && p[1].reverse == 1 && p[1].same_superclass == -1);
    CHECK(p[2].truth == 2 && p[2].pred == 1 && p[2].reverse == 1);
    CHECK(p[3].truth == 3 && p[3].pred == 1);
    free(p);
    confusion_free(c);
}

static void test_superclasses(void)
{
    int superclass[] = {1, 0, 1, -1};
    const struct names names = {.classes = 4, .superclasses = 2, .superclass = superclass};
    const struct prediction a[] = {prediction(0, 0, 1), prediction(0, 2, 1), prediction(2, 1, 1),
                                   prediction(1, 1, 1), prediction(3, 3, 1), prediction(0, 3, 1),
                                   prediction(4, 0, 1)};
    struct confusion *c = of(a, 7);
    struct confusion_summary s;
    confusion_summarize(c, &names, &s);
    CHECK(s.superclasses == 2 && s.errors_same_superclass == 1);
    CHECK_NEAR(s.superclass_accuracy, .75, 0);
    int64_t left;
    struct err e;
    struct confusion *g = confusion_by_superclass(c, &names, &left, &e);
    CHECK(g && left == 3 && confusion_classes(g) == 2 && confusion_images(g) == 4);
    CHECK(confusion_count(g, 1, 1) == 2 && confusion_count(g, 1, 0) == 1);
    confusion_free(g);
    int order[5];
    confusion_superclass_order(c, &names, order);
    CHECK(order[0] == 1 && order[1] == 0 && order[2] == 2 && order[3] == 3 && order[4] == 4);
    size_t n;
    struct confused_pair *p = confusion_pairs(c, &names, &n);
    CHECK(n == 4 && p[0].same_superclass == 1 && p[1].same_superclass == -1 &&
          p[2].same_superclass == 0);
    free(p);
    confusion_free(c);
}

/* Not told for one image is not told for the whole. */
static void test_partial(void)
{
    const struct prediction a[] = {
        {.truth = 0, .pred = 0, .conf = .5, .rank = 1, .loss = 1, .entropy = 2},
        {.truth = 0, .pred = 1, .conf = NAN, .rank = 0, .loss = NAN, .entropy = NAN},
    };
    struct confusion_summary s;
    struct confusion *c = of(a, 2);
    confusion_summarize(c, &no_names, &s);
    CHECK(isnan(s.all.mean_conf) && isnan(s.all.ece) && isnan(s.all.errors_conf_90));
    CHECK(isnan(s.all.top5_accuracy) && isnan(s.all.nll) && isnan(s.all.mean_entropy) &&
          s.all.accuracy == .5);
    confusion_free(c);
    c = of(a, 1);
    confusion_summarize(c, &no_names, &s);
    CHECK(s.all.mean_conf == .5 && s.all.top5_accuracy == 1 && s.all.nll == 1 &&
          s.all.mean_entropy == 2);
    CHECK(isnan(s.all.mean_conf_wrong) && s.all.errors_conf_90 == 0);
    confusion_free(c);
}

static void test_limits(void)
{
    struct err e;
    struct confusion *c = confusion_new();
    CHECK(confusion_add(c, 65535, 0, INT64_MAX - 1, &e) == 0);
    CHECK(confusion_add(c, 1, 1, 1, &e) == 0);
    CHECK(confusion_add(c, 1, 1, 1, &e) == -1);
    confusion_done(c);
    CHECK(confusion_classes(c) == 65536);
    struct class_metrics f;
    confusion_class(c, 65535, &f);
    CHECK(f.total == INT64_MAX - 1 && f.top_wrong == 0);
    confusion_free(c);

    c = confusion_new();
    confusion_cover(c, 3);
    confusion_done(c);
    struct confusion_summary s;
    confusion_summarize(c, &no_names, &s);
    CHECK(s.all.images == 0 && s.classes == 3 && isnan(s.all.accuracy) && s.worst_class == -1);
    confusion_free(c);
}

int main(void)
{
    test_classes();
    test_bounds();
    test_calibration();
    test_ties();
    test_superclasses();
    test_partial();
    test_limits();
    return CHECK_DONE();
}
