/* Findings without their sentences: small runs whose verdicts and values are known, on both sides
 * of every threshold. */
#include "check.h"

#include "base/mem.h"
#include "stats/findings.h"

#include <stdlib.h>

enum { CLASSES = 32, IMAGES = 40000 };

/* The run being made: images, and what confmat would count of them. */
static struct image {
    int truth, pred;
    double conf;
    struct map_figures map[2]; /* of the true, of the predicted class */
} image[IMAGES];
static int images, classes, superclass[CLASSES];
static bool with_maps;
static double even_border;

static struct tables tables;
static struct findings found;

static void begin(int n)
{
    images = 0;
    classes = n;
    with_maps = false;
    for (int i = 0; i < CLASSES; i++)
        superclass[i] = -1;
}

static const struct map_figures even_map = {.zero_share = 0,
                                            .entropy = 0.7,
                                            .center_x = 0.5,
                                            .center_y = 0.5,
                                            .border_share = 0.5,
                                            .overlap_chance = NAN};

/* `n` images of class `truth` predicted as `pred`. Returns the first. */
static struct image *add(int n, int truth, int pred, double conf)
{
    struct image *first = &image[images];
    for (int i = 0; i < n; i++) {
        struct image *x = &image[images++];
        *x = (struct image){truth, pred, conf, {even_map, even_map}};
        x->map[0].cls = truth;
        x->map[1].cls = pred;
        x->map[1].saturation = 1 - conf;
        x->map[0].overlap = x->map[1].overlap = truth == pred ? 1 : 0.4;
    }
    return first;
}

static void count_classes(int64_t *count)
{
    struct classes *c = &tables.classes;
    *c = (struct classes){.file = "classes", .n = classes, .present = classes};
    c->row = mem_zero((size_t)classes, sizeof *c->row);
    for (int i = 0; i < images; i++)
        count[image[i].truth * classes + image[i].pred]++;
    for (int i = 0; i < classes; i++) {
        struct class_row *r = &c->row[i];
        *r =
            (struct class_row){.present = true, .superclass = superclass[i], .top_wrong_count = -1};
        for (int j = 0; j < classes; j++) {
            r->total += count[i * classes + j];
            r->predicted += count[j * classes + i];
        }
        r->correct = count[i * classes + i];
        c->total += r->total;
        c->correct += r->correct;
    }
    c->superclasses = classes_count_superclasses(c);
}

static void count_pairs(const int64_t *count)
{
    struct err e;
    tables.pairs = (struct pairs){.file = "pairs"};
    for (int i = 0; i < classes; i++)
        for (int j = 0; j < classes; j++)
            if (i != j && count[i * classes + j] > 0)
                pairs_add(
                    &tables.pairs,
                    &(struct pair_row){.truth = i,
                                       .pred = j,
                                       .count = count[i * classes + j],
                                       .reverse = count[j * classes + i],
                                       .same_superclass = superclass[i] < 0 || superclass[j] < 0
                                                              ? -1
                                                              : superclass[i] == superclass[j]});
    CHECK(pairs_sort(&tables.pairs, "pairs", &e) == 0);
}

/* Measures the run: ids are the numbers of its images. */
static void measure(void)
{
    int64_t *count = mem_zero((size_t)classes * (size_t)classes, sizeof *count);
    findings_free(&found);
    tables_free(&tables);
    tables = (struct tables){.summary.top5_accuracy = NAN};
    count_classes(count);
    count_pairs(count);
    free(count);
    confidence_begin(&tables.confidence, &tables.classes, &tables.pairs, true);
    for (int i = 0; i < images; i++)
        confidence_add(&tables.confidence, &(struct prediction){.id = i,
                                                                .truth = image[i].truth,
                                                                .pred = image[i].pred,
                                                                .conf = image[i].conf});
    confidence_end(&tables.confidence);
    tables.maps.known = with_maps;
    tables.maps.even_border = even_border;
    for (int i = 0; i < images && with_maps; i++)
        maps_add(&tables.maps, &(struct map_pair){i, image[i].map[0], image[i].map[1]});
    findings_compute(&found, &tables);
}

static const struct finding *of(enum finding_id id)
{
    return &found.of[id];
}

static const char *verdict(enum finding_id id)
{
    static const char *const word[] = {
        [VERDICT_NONE] = "none", [VERDICT_FEW] = "few", [VERDICT_NO] = "no", [VERDICT_YES] = "yes"};
    return word[of(id)->verdict];
}

static void check_ids(const struct examples *x, int n, const int64_t *id)
{
    CHECK(x->n == n);
    for (int i = 0; i < n && i < x->n; i++)
        CHECK(x->id[i] == id[i]);
}

#define CHECK_IDS(x, ...)                                                                          \
    check_ids((x), (int)(sizeof(int64_t[]){__VA_ARGS__} / sizeof(int64_t)),                        \
              (const int64_t[]){__VA_ARGS__})

/* --- the pieces --- */

static void test_examples(void)
{
    struct examples x = {0}, y = {0};
    examples_add(&x, 9, 0.5);
    examples_add(&x, 3, 0.5); /* as confident: by id */
    examples_add(&x, 7, NAN); /* not known: last */
    examples_add(&x, 1, 0.9);
    CHECK_IDS(&x, 1, 3, 9, 7);
    examples_add(&x, 9, 0.2); /* an image that is in it, less confident: stays */
    examples_add(&x, 3, 0.5);
    CHECK_IDS(&x, 1, 3, 9, 7);
    examples_add(&x, 9, 0.95); /* more confident: moves up, and is in it once */
    CHECK_IDS(&x, 9, 1, 3, 7);
    examples_add(&x, 7, 0.1); /* now known; keeps its place */
    CHECK_IDS(&x, 9, 1, 3, 7);
    examples_add(&x, 5, 0.05);
    examples_add(&x, 6, 0.05); /* beyond the last */
    CHECK_IDS(&x, 9, 1, 3, 7, 5);
    examples_add(&x, 4, 0.05); /* pushes it out */
    CHECK_IDS(&x, 9, 1, 3, 7, 4);
    examples_add(&x, 2, 1);
    CHECK_IDS(&x, 2, 9, 1, 3, 7);
    examples_add(&y, 8, 0.99);
    examples_add(&y, 1, 0.9);
    examples_join(&x, &y);
    CHECK_IDS(&x, 2, 8, 9, 1, 3);
}

static void test_classes(void)
{
    begin(4);
    add(5, 0, 0, 0.8);
    add(5, 0, 1, 0.8);
    add(7, 1, 1, 0.8);
    add(3, 1, 0, 0.8);
    add(49, 3, 3, 0.8);
    add(51, 3, 0, 0.8);
    measure();
    const struct classes *c = &tables.classes;
    int64_t n[ACCURACY_BANDS];
    classes_count_bands(c, n); /* 0.5 is mid, 0.7 high, 0.49 low; class 2 has no images */
    CHECK(class_band(&c->row[0]) == ACCURACY_BAND_MID);
    CHECK(class_band(&c->row[1]) == ACCURACY_BAND_HIGH);
    CHECK(class_band(&c->row[2]) == ACCURACY_BAND_NONE);
    CHECK(class_band(&c->row[3]) == ACCURACY_BAND_LOW);
    for (int i = 0; i < ACCURACY_BANDS; i++)
        CHECK(n[i] == 1);
    struct class_list l = classes_ranked(c, CLASSES_WITH_EMPTY);
    CHECK(l.n == 4 && l.listed == 4 && l.tied == 0);
    CHECK(l.cls[0] == 3 && l.cls[1] == 0 && l.cls[2] == 1 && l.cls[3] == 2);
    free(l.cls);
    l = classes_ranked(c, CLASSES_BEST_FIRST);
    CHECK(l.n == 3 && l.cls[0] == 1 && l.cls[2] == 3);
    free(l.cls);
    l = classes_extreme(c, CLASSES_WORST_FIRST, 10); /* worse than 61 of 120 */
    CHECK(l.listed == 2 && l.tied == 0);
    free(l.cls);
    CHECK(classes_find(c, 3) == &c->row[3]);
    CHECK(!classes_find(c, 4) && !classes_find(c, -1));
}

static void test_tied_classes(void)
{
    begin(5);
    for (int i = 0; i < 4; i++) {
        add(5, i, i, 0.8);
        add(5, i, 4, 0.8);
    }
    add(10, 4, 4, 0.8);
    measure();
    struct class_list l = classes_extreme(&tables.classes, CLASSES_WORST_FIRST, 2);
    CHECK(l.listed == 2 && l.tied == 2);
    free(l.cls);
    l = classes_extreme(&tables.classes, CLASSES_BEST_FIRST, 2);
    CHECK(l.listed == 1 && l.cls[0] == 4 && l.tied == 0);
    free(l.cls);
}

/* --- accuracy and classes --- */

/* A tenth of the way from chance, 0.5, to all correct. */
static void test_accuracy(void)
{
    static const struct {
        int n, correct; /* of each of two classes */
        const char *verdict;
    } cases[] = {{5000, 2750, "yes"}, {5000, 2749, "no"}, {5000, 2500, "no"},
                 {5000, 0, "no"},     {10, 6, "few"},     {10, 1, "no"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        begin(2);
        for (int c = 0; c < 2; c++) {
            add(cases[i].correct, c, c, 0.8);
            add(cases[i].n - cases[i].correct, c, 1 - c, 0.8);
        }
        measure();
        CHECK_STR(verdict(FIND_ACCURACY), cases[i].verdict);
        CHECK_NEAR(of(FIND_ACCURACY)->baseline, 0.5, 1e-12);
        CHECK(of(FIND_ACCURACY)->count == 2 * cases[i].correct);
        CHECK(of(FIND_ACCURACY)->of == 2 * cases[i].n);
        CHECK(found.only_predicted == -1);
    }
    begin(3);
    add(10, 0, 1, 0.8);
    measure(); /* images of one class: each class is as likely */
    CHECK_NEAR(of(FIND_ACCURACY)->baseline, 1.0 / 3, 1e-12);
    CHECK(found.only_predicted == 1);
    CHECK_STR(verdict(FIND_WORKS), verdict(FIND_ACCURACY));
    CHECK(!findings_work(&found));
    begin(1);
    add(10, 0, 0, 1);
    measure();
    CHECK_STR(verdict(FIND_ACCURACY), "none");
}

static void test_nothing(void)
{
    begin(3);
    measure();
    for (int i = 0; i < FINDINGS; i++) {
        CHECK(of((enum finding_id)i)->verdict == VERDICT_NONE ||
              of((enum finding_id)i)->verdict == VERDICT_NO);
        CHECK(of((enum finding_id)i)->examples.n == 0);
        CHECK(finding_name((enum finding_id)i));
    }
    CHECK(isnan(classes_accuracy(&tables.classes)));
}

/* More than half of the images of each of two classes that change places. */
static void test_class_order(void)
{
    for (int more = 0; more < 2; more++) {
        begin(4);
        for (int c = 0; c < 2; c++) {
            add(50 + more, c, 1 - c, 0.8);
            add(50 - more, c, c, 0.8);
            add(100, 2 + c, 2 + c, 0.8);
        }
        measure();
        CHECK_STR(verdict(FIND_CLASS_ORDER), more ? "yes" : "no");
        CHECK(found.moved.n == 2 * more && found.moved_classes == 2 * more);
    }
    CHECK(of(FIND_CLASS_ORDER)->count == 102 && of(FIND_CLASS_ORDER)->of == 400);
    CHECK_NEAR(of(FIND_CLASS_ORDER)->value, 302.0 / 400, 1e-12);
    CHECK_NEAR(of(FIND_CLASS_ORDER)->baseline, 298.0 / 400, 1e-12);
    CHECK(found.moved.at[0].cls == 0 && found.moved.at[0].to == 1);
    CHECK_IDS(&found.moved.at[0].f.examples, 0, 1, 2, 3, 4);
    CHECK_IDS(&found.moved.at[1].f.examples, 200, 201, 202, 203, 204);
    CHECK_IDS(&of(FIND_CLASS_ORDER)->examples, 0, 1, 2, 3, 4);
    /* More than half of the errors are those of the order. */
    CHECK_STR(verdict(FIND_WORKS), "no");
    CHECK(!findings_work(&found));

    begin(CLASSES); /* one image each, all at one distance */
    for (int c = 0; c < CLASSES; c++)
        add(1, c, (c + 3) % CLASSES, 0.5 + c / 100.0);
    measure();
    CHECK_STR(verdict(FIND_CLASS_ORDER), "yes");
    CHECK(found.offset == 3 && found.moved.n == 0);
    CHECK_IDS(&of(FIND_CLASS_ORDER)->examples, 31, 30, 29, 28, 27);
}

static void test_weak_classes(void)
{
    for (int more = 0; more < 2; more++) {
        begin(3);
        add(100, 0, 0, 0.8);
        add(95, 1, 1, 0.8);
        add(5, 1, 0, 0.8);
        add(49 + more, 2, 2, 0.8);
        struct image *wrong = add(51 - more, 2, 0, 0.6);
        wrong[7].conf = 0.99;
        measure();
        CHECK_STR(verdict(FIND_WEAK_CLASSES), more ? "no" : "yes");
        CHECK(found.below_half == !more && found.weak.n == !more);
        if (more)
            continue;
        CHECK(found.weak.at[0].cls == 2 && found.weak.at[0].errors == 51);
        CHECK(found.weak.errors == 51);
        CHECK(of(FIND_WEAK_CLASSES)->count == 51 && of(FIND_WEAK_CLASSES)->of == 56);
        CHECK_NEAR(found.weak.at[0].f.baseline, 0.975, 1e-12);
        CHECK_NEAR(found.weak_classes.others, 0.975, 1e-12);
        CHECK_NEAR(found.weak_classes.gain, (97.5 - 49) / 300, 1e-12);
        CHECK_IDS(&found.weak.at[0].f.examples, 256, 249, 250, 251, 252);
        CHECK_IDS(&of(FIND_WEAK_CLASSES)->examples, 256, 249, 250, 251, 252);
    }
    CHECK(of(FIND_WEAK_CLASSES)->examples.n == 0);
}

/* Classes that differ, where each has too few images to be named. */
static void test_unnamed_classes(void)
{
    for (int differ = 0; differ < 2; differ++) {
        begin(20);
        for (int c = 0; c < 20; c++) {
            int correct = !differ ? 9 : c < 10 ? 5 : 14;
            add(correct, c, c, 0.8);
            for (int i = 0; i < 20 - correct; i++)
                add(1, c, (c + 1 + i) % 20, 0.8);
        }
        measure();
        CHECK_STR(verdict(FIND_CLASSES_DIFFER), differ ? "yes" : "no");
        CHECK_STR(verdict(FIND_WEAK_CLASSES), differ ? "few" : "no");
        CHECK(found.weak.n == 0 && found.below_half == (differ ? 10 : 20));
        CHECK(found.classes_tested == 20);
        CHECK_NEAR(found.below_images, 20, 1e-12);
    }
}

static void test_classes_differ(void)
{
    static const int correct[][2] = {{70, 70}, {50, 90}};
    for (int i = 0; i < 2; i++) {
        begin(2);
        for (int c = 0; c < 2; c++) {
            add(correct[i][c], c, c, 0.8);
            add(100 - correct[i][c], c, 1 - c, 0.8);
        }
        measure();
        CHECK_STR(verdict(FIND_CLASSES_DIFFER), i ? "yes" : "no");
    }
}

/* Predicted 1.25 times as often as it occurs. */
static void test_overpredicted(void)
{
    for (int more = 0; more < 2; more++) {
        begin(3);
        add(100, 0, 0, 0.8);
        add(75, 1, 1, 0.8);
        struct image *wrong = add(24 + more, 1, 0, 0.6);
        add(100, 2, 2, 0.8);
        wrong[3].conf = 0.7;
        measure();
        CHECK_STR(verdict(FIND_OVERPREDICTED), more ? "yes" : "no");
    }
    CHECK(of(FIND_OVERPREDICTED)->count == 1 && of(FIND_OVERPREDICTED)->of == 3);
    CHECK(found.overpredicted.n == 1 && found.overpredicted.at[0].cls == 0);
    CHECK(found.overpredicted.errors == 25);
    CHECK_NEAR(found.overpredicted.at[0].f.value, 25, 0);
    CHECK_IDS(&found.overpredicted.at[0].f.examples, 178, 175, 176, 177, 179);
    CHECK_IDS(&of(FIND_OVERPREDICTED)->examples, 178, 175, 176, 177, 179);
}

static void test_superclasses(void)
{
    /* Of 20 classes in 10 superclasses chance keeps one error in 19 inside: all must be known,
     * the share at least 0.1, and its odds twice those of chance. */
    static const struct {
        int inside, across;
        const char *verdict;
    } cases[] = {{400, 3600, "yes"}, {399, 3601, "no"}, {211, 3789, "no"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        begin(20);
        for (int c = 0; c < 20; c++) {
            superclass[c] = c / 2;
            add(200, c, c, 0.8);
        }
        add(cases[i].inside, 0, 1, 0.6);
        for (int c = 2; c < 20; c++)
            add(cases[i].across / 18, 0, c, 0.95);
        add(cases[i].across % 18, 0, 2, 0.95);
        measure();
        CHECK_STR(verdict(FIND_SAME_SUPERCLASS), cases[i].verdict);
        CHECK_NEAR(of(FIND_SAME_SUPERCLASS)->baseline, 1.0 / 19, 1e-12);
        CHECK(of(FIND_SAME_SUPERCLASS)->count == cases[i].inside);
        CHECK(of(FIND_SUPERCLASS)->count == 4000 + cases[i].inside);
        CHECK_IDS(&of(FIND_SAME_SUPERCLASS)->examples, 4000, 4001, 4002, 4003, 4004);
    }
    superclass[19] = -1;
    measure();
    CHECK_STR(verdict(FIND_SAME_SUPERCLASS), "none");
    CHECK(of(FIND_SAME_SUPERCLASS)->examples.n == 0);
}

static void test_top5(void)
{
    for (int n = 5; n <= 6; n++) {
        begin(n);
        for (int c = 0; c < n; c++)
            add(100, c, c, 0.8);
        measure();
        tables.summary.top5_accuracy = 0.99;
        findings_free(&found);
        findings_compute(&found, &tables);
        CHECK_STR(verdict(FIND_TOP5), n == 6 ? "yes" : "none");
    }
    CHECK(of(FIND_TOP5)->count == 594);
    CHECK_NEAR(of(FIND_TOP5)->baseline, 5.0 / 6, 1e-12);
}

/* --- pairs --- */

/* One pair with `most` errors and `others` with one each, among 20 classes. */
static void some_pairs(int most, int others)
{
    begin(20);
    for (int c = 0; c < 20; c++)
        add(400, c, c, 0.8);
    add(most, 0, 1, 0.6);
    for (int i = 0; i < others; i++)
        add(1, 2 + i / 17, 2 + i / 17 == 2 + i % 17 ? 19 : 2 + i % 17, 0.7);
}

static void test_few_pairs(void)
{
    some_pairs(30, 30);
    measure();
    CHECK_STR(verdict(FIND_FEW_PAIRS), "yes");
    CHECK(found.few.n == 1 && found.few.errors == 30 && !found.few.all && !found.few.little);
    CHECK_NEAR(found.few.possible, 20 * 19, 0);
    CHECK(of(FIND_FEW_PAIRS)->of == 60);
    CHECK_NEAR(of(FIND_FEW_PAIRS)->baseline, 1.0 / 380, 1e-12);
    CHECK_IDS(&of(FIND_FEW_PAIRS)->examples, 8000, 8001, 8002, 8003, 8004);
    some_pairs(19, 0); /* too few errors */
    measure();
    CHECK_STR(verdict(FIND_FEW_PAIRS), "few");
    CHECK(found.few.all);
    some_pairs(20, 0);
    measure();
    CHECK_STR(verdict(FIND_FEW_PAIRS), "yes");
    some_pairs(25, 75); /* a quarter, all of it in the one pair */
    measure();
    CHECK_STR(verdict(FIND_FEW_PAIRS), "yes");
    CHECK_NEAR(of(FIND_FEW_PAIRS)->value, 0.25, 1e-12);
    some_pairs(25, 76);
    measure();
    CHECK_STR(verdict(FIND_FEW_PAIRS), "no");
    CHECK(!found.few.little);
    some_pairs(10, 91); /* the most frequent pair holds less than a tenth */
    measure();
    CHECK(found.few.little);
    some_pairs(10, 90);
    measure();
    CHECK(!found.few.little);
    begin(2);
    add(40, 0, 1, 0.8);
    add(40, 1, 1, 0.8);
    measure();
    CHECK_STR(verdict(FIND_FEW_PAIRS), "none");
}

static void test_top_pairs(void)
{
    begin(18);
    for (int c = 1; c < 18; c++) {
        add(100, c, c, 0.8);
        add(3, 0, c, 0.8);
    }
    add(1, 0, 1, 0.8);
    add(2, 1, 0, 0.8);
    add(1, 2, 0, 0.8);
    measure(); /* 4, sixteen times 3, 2, 1 */
    CHECK(found.top.n == PAIRS_TOP && found.top.errors == 4 + 14 * 3 && found.top.tied == 2);
    CHECK(found.top.reverse_known == PAIRS_TOP);
    CHECK(found.top.mutual == 1); /* 2 of 4; 1 of 3 is less than half */
    CHECK(!found.top.at_most_half);
    CHECK(pairs_equal(&tables.pairs, &tables.pairs.row[0]) == 0);
    CHECK(pairs_equal(&tables.pairs, &tables.pairs.row[1]) == 15);
    size_t tied;
    CHECK(pairs_listed(&tables.pairs, 2, &tied) == 2 && tied == 15);
    CHECK(pairs_listed(&tables.pairs, 100, &tied) == 18 && tied == 0); /* not the one of 1 */
    CHECK(found.top.same == 0 && found.top.across == 0);
    CHECK(!pairs_find(&tables.pairs, 3, 4));
    CHECK(pairs_find(&tables.pairs, 0, 1)->count == 4);
    struct pair_index x = pairs_by_class(&tables.pairs, classes);
    CHECK(x.from[0] == 0 && x.from[1] == 17 && x.from[2] == 18 && x.from[3] == 19);
    CHECK(tables.pairs.row[x.at[x.from[1]]].truth == 1);
    CHECK(pair_index_beyond(&x, &tables.pairs, 0, 3) == 4 + 16 * 3 - 4 - 3 - 3);
    CHECK(pair_index_beyond(&x, &tables.pairs, 0, 17) == 0);
    CHECK(pair_index_beyond(&x, &tables.pairs, 5, 3) == 0);
    pair_index_free(&x);
}

static void test_one_way(void)
{
    begin(3);
    for (int c = 0; c < 3; c++)
        add(200, c, c, 0.8);
    add(20, 0, 1, 0.6);
    struct image *back = add(60, 1, 0, 0.6);
    back[9].conf = 0.65;
    measure();
    CHECK_STR(verdict(FIND_ONE_WAY), "yes");
    CHECK(found.pairs_tested == 1 && found.one_way.n == 1); /* both ways are one test */
    CHECK(found.one_way.at[0].cls == 1 && found.one_way.at[0].to == 0);
    CHECK(found.one_way.at[0].f.count == 60 && found.one_way.at[0].errors == 20);
    CHECK_NEAR(found.one_way.at[0].f.baseline, 260.0 / 480, 1e-12);
    CHECK_IDS(&found.one_way.at[0].f.examples, 629, 620, 621, 622, 623);
    CHECK_IDS(&of(FIND_ONE_WAY)->examples, 629, 620, 621, 622, 623);
    size_t n;
    struct both_ways *b = pairs_inside(&tables.pairs, &n);
    CHECK(n == 0); /* superclasses are not known */
    free(b);
    for (int c = 0; c < 3; c++)
        superclass[c] = 0;
    measure();
    b = pairs_inside(&tables.pairs, &n);
    CHECK(n == 1 && b[0].both == 80 && b[0].pair->truth == 1);
    free(b);
}

static void test_superclass_pairs(void)
{
    struct superclass_pair pair[] = {{0, 1, 2}, {1, 0, 5}, {2, 0, 2}, {0, 2, 1}};
    struct superclasses g = {.n = 3, .pairs = 4, .pair = pair};
    size_t tied;
    superclasses_sort(&g);
    CHECK(g.pair[0].count == 5 && g.pair[1].truth == 0 && g.pair[3].count == 1);
    CHECK(superclasses_listed(&g, 2, &tied) == 2 && tied == 1);
    CHECK(superclasses_listed(&g, 5, &tied) == 3 && tied == 0); /* what occurs once is not listed */
}

/* --- confidence --- */

/* Two bins; all of one confidence, of which a share is correct. */
static void test_calibration(void)
{
    static const struct {
        int n, correct;
        double conf;
        const char *verdict, *over, *under;
    } cases[] = {
        {20, 4, 0.9, "yes", "yes", "no"},        {19, 4, 0.9, "few", "few", "few"},
        {20, 20, 0.5, "yes", "no", "yes"},       {20000, 16000, 0.8, "no", "no", "no"},
        {20000, 15599, 0.8, "yes", "yes", "no"}, /* 2.005 % */
        {20000, 15601, 0.8, "no", "no", "no"},   /* 1.995 % */
        {20000, 16401, 0.8, "yes", "no", "yes"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        begin(2);
        add(cases[i].correct, 0, 0, cases[i].conf);
        add(cases[i].n - cases[i].correct, 1, 0, cases[i].conf);
        measure();
        CHECK_STR(verdict(FIND_CALIBRATION), cases[i].verdict);
        CHECK_STR(verdict(FIND_OVERCONFIDENT), cases[i].over);
        CHECK_STR(verdict(FIND_UNDERCONFIDENT), cases[i].under);
        double gap = cases[i].conf - (double)cases[i].correct / cases[i].n;
        CHECK_NEAR(of(FIND_CALIBRATION)->value, fabs(gap), 1e-9);
    }
    /* Both sides: the smaller one counts from one hundredth on. */
    for (int more = 0; more < 2; more++) {
        begin(2);
        add(5000, 0, 0, 0.9);
        add(5000, 1, 0, 0.9);                  /* too confident by 0.4 of a half */
        add(7200 - 20 + 40 * more, 1, 1, 0.7); /* too little by 0.018 to 0.022 of a half */
        add(2800 + 20 - 40 * more, 0, 1, 0.7);
        measure();
        CHECK_STR(verdict(FIND_OVERCONFIDENT), "yes");
        CHECK_STR(verdict(FIND_UNDERCONFIDENT), more ? "yes" : "no");
    }
}

/* The bin with most of the error, and that with the largest gap of those that are large enough. */
static void test_bins(void)
{
    const struct calibration *c = &tables.confidence.calibration;
    struct calibration_far far;
    for (int more = 0; more < 2; more++) {
        begin(2);
        add(9500, 0, 0, 0.99); /* 10,000 images, 0.04 too confident */
        add(500, 1, 0, 0.99);
        add(40, 0, 0, 0.9); /* 100 images, 0.5 too confident */
        add(60, 1, 0, 0.9);
        add(19 + more, 1, 0, 0.7); /* 0.7 too confident */
        add(30, 0, 0, 0.55);       /* 0.45 too little */
        measure();
        CHECK(calibration_largest_part(c, true, &far));
        CHECK(far.images == 10000);
        CHECK_NEAR(far.from, 14.0 / 15, 1e-12);
        CHECK_NEAR(far.to, 1, 1e-12);
        CHECK_NEAR(far.conf, 0.99, 1e-9);
        CHECK_NEAR(far.accuracy, 0.95, 1e-9);
        CHECK(calibration_largest_gap(c, true, 20, &far));
        CHECK(far.images == (more ? 20 : 100));
        CHECK(calibration_largest_part(c, false, &far) && far.images == 30);
        CHECK(calibration_largest_gap(c, false, 30, &far) && far.images == 30);
        CHECK(!calibration_largest_gap(c, false, 31, &far));
    }
    begin(2);
    measure();
    CHECK(!calibration_largest_part(c, true, &far));
    CHECK(!calibration_largest_gap(c, true, 0, &far));
}

static void test_highest_errors(void)
{
    begin(3);
    add(50, 0, 0, 0.95);
    add(1, 1, 0, 0.9); /* high, not highest */
    measure();
    CHECK_STR(verdict(FIND_HIGHEST_ERRORS), "no");
    CHECK(of(FIND_HIGHEST_ERRORS)->examples.n == 0);
    add(1, 1, 2, 0.91);
    add(2, 2, 0, 0.99);
    measure();
    CHECK_STR(verdict(FIND_HIGHEST_ERRORS), "no"); /* no more than chance */
    CHECK(of(FIND_HIGHEST_ERRORS)->p > 0.4);
    CHECK(of(FIND_HIGHEST_ERRORS)->count == 3 && of(FIND_HIGHEST_ERRORS)->of == 4);
    CHECK_NEAR(found.highest_expected, 50 * 0.05 + 0.09 + 0.02, 1e-9);
    CHECK_IDS(&of(FIND_HIGHEST_ERRORS)->examples, 52, 53, 51);
    struct class_list l = classes_by_errors(&tables.classes, CLASS_HIGHEST_WRONG);
    CHECK(l.n == 1 && l.cls[0] == 2);
    free(l.cls);
    for (int more = 0; more < 2; more++) { /* of 100 with a doubt of 0.05: 0.028, 0.011, 0.004 */
        begin(3);
        add(89 - more, 0, 0, 0.95);
        add(11 + more, 1, 0, 0.95);
        measure();
        CHECK_STR(verdict(FIND_HIGHEST_ERRORS), more ? "yes" : "no");
        CHECK_NEAR(of(FIND_HIGHEST_ERRORS)->p, more ? 0.0042744 : 0.0114722, 1e-6);
    }
}

/* Accuracy of the predictions that are left, against that of all: a hundredth more. */
static void test_reject_low(void)
{
    for (int more = 0; more < 2; more++) {
        begin(3);
        add(9000, 0, 0, 0.8);
        add(1000, 1, 0, 0.8);
        add(112 + more, 2, 0, 0.5); /* 0.9 against 0.89003 or 0.88994 */
        measure();
        CHECK_STR(verdict(FIND_REJECT_LOW), more ? "yes" : "no");
        CHECK(of(FIND_REJECT_LOW)->of == 10000);
    }
    begin(2);
    add(100, 0, 0, 0.8);
    add(20, 1, 0, 0.5);
    measure();
    CHECK_STR(verdict(FIND_REJECT_LOW), "none");
}

/* --- maps --- */

/* Correct and wrong predictions of three classes with maps. The wrong ones. */
static struct image *with_map(int correct, int wrong)
{
    begin(3);
    with_maps = true;
    add(correct, 0, 0, 0.8);
    return add(wrong, 1, 2, 0.8);
}

static void test_blank(void)
{
    struct image *w = with_map(30, 30);
    measure();
    CHECK_STR(verdict(FIND_BLANK), "no");
    CHECK_STR(verdict(FIND_BLANK_TRUE), "no");
    CHECK_STR(verdict(FIND_PLACES), "yes");
    CHECK(of(FIND_BLANK)->examples.n == 0);
    w[4].map[1].blank = w[7].map[1].blank = image[2].map[1].blank = true;
    w[7].map[1].saturation = 0.05;
    w[9].map[0].blank = true;
    measure();
    CHECK_STR(verdict(FIND_BLANK), "yes");
    CHECK_STR(verdict(FIND_BLANK_TRUE), "yes");
    CHECK(of(FIND_BLANK)->count == 3 && of(FIND_BLANK)->of == 60);
    CHECK(of(FIND_BLANK_TRUE)->count == 1 && of(FIND_BLANK_TRUE)->of == 30);
    CHECK_IDS(&of(FIND_BLANK)->examples, 37, 2, 34);
    CHECK_IDS(&of(FIND_BLANK_TRUE)->examples, 39);
    for (int i = 0; i < images; i++)
        image[i].map[1].border_share = NAN;
    measure();
    CHECK_STR(verdict(FIND_PLACES), "no");
    CHECK_STR(verdict(FIND_BORDER), "none");
    CHECK_STR(verdict(FIND_OVERLAP_LOW), "none");
    CHECK(!found.one_cell);
    /* Maps of one cell: all blank, none with places. */
    for (int i = 0; i < images; i++)
        for (int k = 0; k < 2; k++) {
            image[i].map[k].blank = true;
            image[i].map[k].zero_share = NAN;
        }
    measure();
    CHECK_STR(verdict(FIND_PLACES), "no");
    CHECK(found.one_cell);
}

/* Wrong predictions have the larger value in `larger` of 100 comparisons. */
static void test_differences(void)
{
    for (int larger = 55; larger <= 56; larger++) {
        struct image *w = with_map(1000, 1000);
        for (int i = 0; i < 1000; i++)
            w[i].map[1].border_share = i < 10 * larger ? 0.6 : 0.4;
        measure();
        CHECK_NEAR(found.border.larger, larger / 100.0, 1e-9);
        CHECK(found.border.more && found.border.size == DIFFERENCE_IS_SMALL);
        CHECK_STR(verdict(FIND_BORDER), larger >= 56 ? "yes" : "no");
        CHECK_STR(verdict(FIND_ENTROPY), "no"); /* all are equal */
        CHECK(found.differences_tested);
    }
    static const struct {
        int larger;
        enum difference_size size;
    } cases[] = {{630, DIFFERENCE_IS_SMALL},  {640, DIFFERENCE_IS_MEDIUM},
                 {700, DIFFERENCE_IS_MEDIUM}, {710, DIFFERENCE_IS_LARGE},
                 {290, DIFFERENCE_IS_LARGE},  {360, DIFFERENCE_IS_MEDIUM}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct image *w = with_map(1000, 1000);
        for (int i = 0; i < 1000; i++)
            w[i].map[1].entropy = i < cases[k].larger ? 0.8 : 0.6;
        measure();
        CHECK(found.entropy.size == cases[k].size);
        CHECK(found.entropy.more == (cases[k].larger > 500));
        CHECK_STR(verdict(FIND_ENTROPY), "yes");
    }
    for (int n = 19; n <= 20; n++) { /* maps on a side */
        struct image *w = with_map(100, n);
        for (int i = 0; i < n; i++)
            w[i].map[1].border_share = 0.9;
        measure();
        CHECK_STR(verdict(FIND_BORDER), n < 20 ? "few" : "yes");
        CHECK(found.differences_tested == (n == 20));
    }
}

/* Maps of wrong predictions with more on the border than an even map. */
static void test_at_border(void)
{
    struct image *w = with_map(30, 30);
    for (int i = 0; i < 30; i++)
        w[i].map[1].border_share = i < 7 ? 0.75001 : i < 20 ? 0.75 : NAN;
    measure();
    CHECK_STR(verdict(FIND_AT_BORDER), "none"); /* the grid is not known */
    even_border = 0.75;
    measure();
    CHECK(of(FIND_AT_BORDER)->count == 7 && of(FIND_AT_BORDER)->of == 50);
    CHECK_STR(verdict(FIND_AT_BORDER), "yes");
    CHECK(tables.maps.of[MAPS_WRONG].at_border == 7 && tables.maps.of[MAPS_CORRECT].at_border == 0);
    for (int i = 0; i < 30; i++)
        w[i].map[1].border_share = 0.75;
    measure();
    CHECK_STR(verdict(FIND_AT_BORDER), "no");
    even_border = 0;
}

/* Two maps of an image, and what they overlap by chance. */
static void test_overlap_chance(void)
{
    struct image *w = with_map(100, 101);
    measure();
    CHECK_STR(verdict(FIND_OVERLAP_CHANCE), "none");
    CHECK(!found.blunt);
    for (int i = 0; i < 101; i++) {
        w[i].map[0].overlap = 0.6;
        w[i].map[0].overlap_chance = i < 64 ? 0.5 : i < 100 ? 0.7 : 0.6; /* the last is a tie */
    }
    measure();
    CHECK(of(FIND_OVERLAP_CHANCE)->count == 64 && of(FIND_OVERLAP_CHANCE)->of == 100);
    CHECK_STR(verdict(FIND_OVERLAP_CHANCE), "yes"); /* p is 0.0066 */
    CHECK_NEAR(of(FIND_OVERLAP_CHANCE)->p, 0.0066371, 1e-7);
    CHECK(!found.blunt);
    w[63].map[0].overlap_chance = 0.7; /* 63: 0.0121 */
    measure();
    CHECK_STR(verdict(FIND_OVERLAP_CHANCE), "no");
    CHECK(found.blunt);
    for (int i = 0; i < 100; i++)
        w[i].map[0].overlap = 0.5; /* no more than one half: no question */
    measure();
    CHECK(!found.blunt);
    for (int i = 0; i < 100; i++) {
        w[i].map[0].overlap = 0.6;
        w[i].map[0].overlap_chance = 0.7;
    }
    measure();
    CHECK_STR(verdict(FIND_OVERLAP_CHANCE), "yes"); /* less than by chance */
    CHECK(found.blunt);
    w = with_map(100, 19);
    for (int i = 0; i < 19; i++)
        w[i].map[0].overlap_chance = 0.1;
    measure();
    CHECK_STR(verdict(FIND_OVERLAP_CHANCE), "few");
}

static void test_overlap(void)
{
    struct image *w = with_map(100, 100);
    for (int i = 0; i < 100; i++)
        w[i].map[0].overlap = i < 63 ? 0.5001 : i < 64 ? 0.5 : i < 65 ? 0.2 : 0.1999;
    measure();
    CHECK(of(FIND_OVERLAP_HIGH)->count == 63 && of(FIND_OVERLAP_LOW)->count == 35);
    CHECK_STR(verdict(FIND_OVERLAP_HIGH), "yes"); /* p is 0.006 */
    CHECK_STR(verdict(FIND_OVERLAP_LOW), "no");   /* 0.016 */
    CHECK_NEAR(found.overlap_median, 0.5001, 1e-9);
    CHECK_IDS(&of(FIND_OVERLAP_HIGH)->examples, 100, 101, 102, 103, 104);
    CHECK_IDS(&of(FIND_OVERLAP_LOW)->examples, 165, 166, 167, 168, 169);
    w[64].map[0].overlap = 0.1; /* 36: 0.009 */
    w[0].map[0].overlap = 0.4;  /* 62: 0.0105 */
    measure();
    CHECK_STR(verdict(FIND_OVERLAP_LOW), "yes");
    CHECK_STR(verdict(FIND_OVERLAP_HIGH), "no");
    tables.maps.earlier = true; /* there they lie apart whatever the image shows */
    findings_free(&found);
    findings_compute(&found, &tables);
    CHECK_STR(verdict(FIND_OVERLAP_LOW), "none");
    CHECK_STR(verdict(FIND_OVERLAP_HIGH), "no");
    CHECK(of(FIND_OVERLAP_LOW)->count == 36);
    w = with_map(100, 19);
    measure();
    CHECK_STR(verdict(FIND_OVERLAP_HIGH), "few");
    w[3].map[0].overlap = NAN; /* the map of one class is blank: not compared */
    measure();
    CHECK(of(FIND_OVERLAP_HIGH)->of == 18);
}

static void test_overlap_confident(void)
{
    struct image *w = with_map(100, 100);
    for (int i = 0; i < 100; i++) {
        w[i].map[1].saturation = i < 50 ? 0.05 : 0.3;
        w[i].map[0].overlap = i < 50 ? 0.3 : 0.4;
    }
    measure();
    CHECK_STR(verdict(FIND_OVERLAP_CONFIDENT), "yes");
    CHECK(!found.overlap_confident.more && found.overlap_confident.n[1] == 50);
    CHECK_NEAR(found.overlap_confident.larger, 0, 0);
}

/* A tenth of the errors, and more than of the correct predictions. */
static void test_zero_true(void)
{
    for (int n = 99; n <= 100; n++) {
        struct image *w = with_map(1000, 1000);
        for (int i = 0; i < 1000; i++)
            w[i].map[0].zero_share = i < n ? 0.51 : 0.5;
        measure();
        CHECK(of(FIND_ZERO_TRUE)->count == n);
        CHECK_STR(verdict(FIND_ZERO_TRUE), n == 100 ? "yes" : "no");
        CHECK_IDS(&of(FIND_ZERO_TRUE)->examples, 1000, 1001, 1002, 1003, 1004);
    }
    for (int n = 181; n <= 182; n++) { /* twice the odds of 0.1 */
        struct image *w = with_map(1000, 1000);
        for (int i = 0; i < 1000; i++) {
            image[i].map[1].zero_share = i < 100 ? 0.51 : 0.5;
            w[i].map[0].zero_share = i < n ? 0.51 : 0.5;
        }
        measure();
        CHECK_NEAR(of(FIND_ZERO_TRUE)->baseline, 0.1, 1e-12);
        CHECK(finding_tells(of(FIND_ZERO_TRUE)));
        CHECK_STR(verdict(FIND_ZERO_TRUE), n == 182 ? "yes" : "no");
    }
    struct image *w = with_map(1000, 30);
    w[8].map[0].blank = true; /* zero in all cells, whether they are counted or not */
    measure();
    CHECK(of(FIND_ZERO_TRUE)->count == 1);
    CHECK_IDS(&of(FIND_ZERO_TRUE)->examples, 1008);
}

int main(void)
{
    test_examples();
    test_classes();
    test_tied_classes();
    test_accuracy();
    test_nothing();
    test_class_order();
    test_weak_classes();
    test_unnamed_classes();
    test_classes_differ();
    test_overpredicted();
    test_superclasses();
    test_top5();
    test_few_pairs();
    test_top_pairs();
    test_one_way();
    test_superclass_pairs();
    test_calibration();
    test_bins();
    test_highest_errors();
    test_reject_low();
    test_blank();
    test_differences();
    test_overlap();
    test_at_border();
    test_overlap_chance();
    test_overlap_confident();
    test_zero_true();
    findings_free(&found);
    tables_free(&tables);
    return CHECK_DONE();
}
