#include "check.h"

#include "stats/choice.h"

#include <stdlib.h>

enum { ROWS = 2000, CLASSES = 6, TEXT = 64, CHOSEN = 4096 };

struct row {
    struct prediction a;
    char text[TEXT];
};

struct result {
    size_t n;
    struct row row[CHOSEN];
    char line[CHOSEN][TEXT + 32]; /* with group, kind and place */
};

static void make(struct row *row)
{
    for (int i = 0; i < ROWS; i++) {
        struct prediction *a = &row[i].a;
        *a = (struct prediction){.id = i, .truth = rand() % CLASSES, .conf = rand() % 8 / 8.};
        a->pred = rand() % 3 ? a->truth : rand() % CLASSES;
        snprintf(row[i].text, TEXT, "%d %d %d %g", i, a->truth, a->pred, a->conf);
    }
}

/* The rows chosen from a list of rows. */
static void choose(const struct choice_opts *o, const struct row *row, size_t n, struct result *out)
{
    struct err e;
    struct choice *c = choice_new(o);
    for (size_t i = 0; i < n; i++) {
        struct offer offer[2];
        int lists = choice_offer(c, &row[i].a, offer, &e);
        CHECK(lists >= 0 && lists <= 2);
        for (int k = 0; k < lists; k++)
            ranked_put(offer[k].list, &offer[k].rank, row[i].text, strlen(row[i].text));
    }
    size_t chosen;
    struct chosen *list = choice_done(c, &chosen);
    out->n = 0;
    for (size_t i = 0; i < chosen; i++) {
        for (size_t k = 0; k < list[i].list->n; k++) {
            const struct ranked_row *r = &list[i].list->row[k];
            struct row x = {.a.id = 0};
            int id;
            memcpy(x.text, r->text, r->n);
            CHECK(sscanf(x.text, "%d %d %d %lf", &id, &x.a.truth, &x.a.pred, &x.a.conf) == 4);
            x.a.id = id;
            snprintf(out->line[out->n], sizeof out->line[0], "%s %d %s %zu", x.text, list[i].group,
                     chosen_word(list[i].kind), k + 1);
            out->row[out->n++] = x;
        }
    }
    free(list);
    choice_free(c);
}

static bool same(const struct result *a, const struct result *b)
{
    bool ok = a->n == b->n;
    for (size_t i = 0; ok && i < a->n; i++)
        ok = strcmp(a->line[i], b->line[i]) == 0;
    return ok;
}

/* Choosing from what was chosen from parts is choosing from the whole. */
static void test_merge(const struct choice_opts *o)
{
    static struct row row[ROWS], both[2 * CHOSEN];
    static struct result whole, part[2], merged;
    make(row);
    choose(o, row, ROWS, &whole);
    size_t cut = (size_t)rand() % ROWS;
    choose(o, row + cut, ROWS - cut, &part[0]);
    choose(o, row, cut, &part[1]);
    memcpy(both, part[0].row, part[0].n * sizeof *both);
    memcpy(both + part[0].n, part[1].row, part[1].n * sizeof *both);
    choose(o, both, part[0].n + part[1].n, &merged);
    CHECK(whole.n > 0);
    CHECK(same(&whole, &merged));
}

static void test_class(void)
{
    const struct row row[] = {
        {{.id = 4, .truth = 1, .pred = 1, .conf = .5}, "4 1 1 .5"},
        {{.id = 3, .truth = 1, .pred = 1, .conf = .9}, "3 1 1 .9"},
        {{.id = 2, .truth = 1, .pred = 0, .conf = .2}, "2 1 0 .2"},
        {{.id = 1, .truth = 1, .pred = 0, .conf = .8}, "1 1 0 .8"},
        {{.id = 0, .truth = 1, .pred = 1, .conf = .5}, "0 1 1 .5"},
        {{.id = 9, .truth = 0, .pred = 1, .conf = 0}, "9 0 1 0"},
    };
    static struct result r;
    struct choice_opts o = {.by = CHOICE_CLASS, .best = true, .worst = true, .count = 4};
    choose(&o, row, 6, &r);
    const char *want[] = {"9 0 1 0 0 worst 1", "3 1 1 .9 1 best 1",  "0 1 1 .5 1 best 2",
                          "4 1 1 .5 1 best 3", "1 1 0 .8 1 worst 1", "2 1 0 .2 1 worst 2"};
    CHECK(r.n == 6);
    for (size_t i = 0; i < r.n && i < 6; i++)
        CHECK_STR(r.line[i], want[i]);

    o.best = false;
    o.by = CHOICE_ALL;
    o.count = 1;
    choose(&o, row, 6, &r);
    CHECK(r.n == 1);
    CHECK_STR(r.line[0], "1 1 0 .8 -1 worst 1");

    o.by = CHOICE_PAIR;
    o.pairs = 5;
    o.count = 3;
    choose(&o, row, 6, &r);
    CHECK(r.n == 2); /* the pair that occurs once is not listed */
    CHECK_STR(r.line[0], "1 1 0 .8 1 pair 1");
    CHECK_STR(r.line[1], "2 1 0 .2 1 pair 2");
    const struct row pairs[] = {
        {{.id = 0, .truth = 2, .pred = 0, .conf = .5}, "0 2 0 .5"},
        {{.id = 1, .truth = 0, .pred = 1, .conf = .5}, "1 0 1 .5"},
        {{.id = 2, .truth = 2, .pred = 0, .conf = .6}, "2 2 0 .6"},
        {{.id = 3, .truth = 0, .pred = 1, .conf = .6}, "3 0 1 .6"},
    };
    choose(&o, pairs, 4, &r);
    CHECK(r.n == 4);
    CHECK_STR(r.line[0], "3 0 1 .6 1 pair 1");
    CHECK_STR(r.line[2], "2 2 0 .6 2 pair 1");
    o.pairs = 1;
    choose(&o, pairs, 4, &r);
    CHECK(r.n == 2);
}

/* Rows of equal confidence: each end of the order has its own, however many there are. */
static void test_equal(enum choice_by by)
{
    static struct row row[10];
    static struct result r;
    const struct choice_opts o = {.by = by, .best = true, .worst = true, .count = 3};
    for (int i = 0; i < 10; i++) {
        row[i] = (struct row){.a = {.id = i / 2, .conf = .5}};
        snprintf(row[i].text, TEXT, "%d 0 0 .5 %c", i / 2, 'a' + i % 2);
    }
    for (size_t n = 0; n <= 10; n++) {
        choose(&o, row, n, &r);
        size_t best = n < 3 ? n : 3, worst = n < 3 ? 0 : n < 6 ? n - 3 : 3;
        CHECK(r.n == best + worst);
        for (size_t i = 0; i < best; i++)
            CHECK(memcmp(r.line[i], row[i].text, strlen(row[i].text)) == 0);
        for (size_t i = 0; i < worst; i++)
            CHECK(memcmp(r.line[best + i], row[n - 1 - i].text, strlen(row[0].text)) == 0);
    }
}

/* More kinds of error than can be kept apart. */
static void test_limit(void)
{
    struct choice_opts o = {.by = CHOICE_PAIR, .count = 1, .pairs = 1};
    struct choice *c = choice_new(&o);
    struct offer offer[2];
    struct err e;
    int r = 0, n = 0;
    for (int truth = 0; truth < 1025 && r >= 0; truth++) {
        for (int pred = 2000; pred < 3024 && r >= 0; pred++) {
            struct prediction a = {.id = n++, .truth = truth, .pred = pred, .conf = 1};
            r = choice_offer(c, &a, offer, &e);
        }
    }
    CHECK(r == -1 && n == CHOICE_PAIRS + 1);
    CHECK_STR(e.msg, "expected at most 1048576 different pairs of true and predicted class, found "
                     "more");
    choice_free(c);
}

/* Every kind is found by its word, and by nothing else. */
static void test_words(void)
{
    for (int i = CHOSEN_NONE + 1; i < CHOSEN_KINDS; i++) {
        const char *word = chosen_word((enum chosen_kind)i);
        CHECK(chosen_find(word, strlen(word)) == (enum chosen_kind)i);
        CHECK(chosen_find(word, strlen(word) - 1) == CHOSEN_NONE);
        CHECK(strstr(CHOSEN_WORDS, word));
    }
    CHECK(chosen_find("", 0) == CHOSEN_NONE);
}

int main(void)
{
    srand(3);
    for (size_t count = 1; count < 12; count += 2) {
        test_merge(&(struct choice_opts){CHOICE_CLASS, true, true, count, 0});
        test_merge(&(struct choice_opts){CHOICE_CLASS, false, true, count, 0});
        test_merge(&(struct choice_opts){CHOICE_ALL, true, true, count, 0});
        test_merge(&(struct choice_opts){CHOICE_PRED, true, true, count, 0});
    }
    test_equal(CHOICE_CLASS);
    test_equal(CHOICE_ALL);
    test_equal(CHOICE_PRED);
    test_class();
    test_limit();
    test_words();
    return CHECK_DONE();
}
