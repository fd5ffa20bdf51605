#include "check.h"

#include "rows/naming.h"

#include "base/mem.h"

#include <stdlib.h>

/* Names learnt from a table with the columns class, name, group. */
static struct naming *learn(const char *rows, int want, struct err *e)
{
    char *path = mem_printf("%s/naming.tsv", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    FILE *f = fopen(path, "w");
    CHECK(f != NULL);
    if (f) {
        fprintf(f, "class\tname\tgroup\n%s", rows);
        fclose(f);
    }
    struct tsv_in *t = NULL;
    struct naming *s = naming_new(NULL);
    int r = tsv_open(&t, path, e);
    while (r == 0 && tsv_next(t, e) > 0) {
        int64_t cls = 0;
        CHECK(tsv_int(t, 0, 0, 65535, &cls, e) == 0);
        r = naming_learn(s, t, (int)cls, 1, 2, e);
    }
    CHECK(r == want);
    tsv_close(t);
    remove(path);
    free(path);
    return s;
}

static void test_names(void)
{
    struct err e;
    struct naming *s = learn("5\tfive\tzoo\n0\tNA\tbar\n0\tz\\tero\tNA\n5\tNA\tzoo\n200\tNA\tNA\n"
                             "5\tfive\tNA\n",
                             0, &e);
    const struct names *n = naming_names(s, 3);
    CHECK(n->classes == 201 && n->superclasses == 2);
    CHECK_STR(n->name[0], "z\tero");
    CHECK_STR(n->name[5], "five");
    CHECK(!n->name[1] && !n->name[200]);
    CHECK(n->superclass[0] == 0 && n->superclass[5] == 1 && n->superclass[1] == -1 &&
          n->superclass[200] == -1);
    CHECK_STR(n->superclass_name[0], "bar");
    CHECK_STR(n->superclass_name[1], "zoo");
    naming_free(s);
}

static void test_numbers(void)
{
    struct err e;
    struct naming *s = learn("0\ta\t7\n1\tb\t2\n", 0, &e);
    const struct names *n = naming_names(s, 4);
    CHECK(n->classes == 4 && n->superclasses == 8);
    CHECK(n->superclass[0] == 7 && n->superclass[1] == 2 && n->superclass[3] == -1 &&
          !n->superclass_name[7]);
    naming_free(s);

    /* One that is no number makes all of them names. */
    s = learn("0\ta\t7\n1\tb\t07\n2\tc\t65536\n", 0, &e);
    n = naming_names(s, 0);
    CHECK(n->superclasses == 3 && n->superclass[0] == 2 && n->superclass[1] == 0 &&
          n->superclass[2] == 1);
    CHECK_STR(n->superclass_name[0], "07");
    naming_free(s);
}

static void test_none(void)
{
    struct err e;
    struct naming *s = learn("", 0, &e);
    const struct names *n = naming_names(s, 2);
    CHECK(n->classes == 2 && n->superclasses == 0 && n->superclass[1] == -1);
    naming_free(s);
    naming_free(NULL);
}

static void test_conflict(void)
{
    struct err e;
    naming_free(learn("1\tone\tg\n1\ttwo\tg\n", -1, &e));
    CHECK(strstr(e.msg, ":3: column 'name': expected 'one', the name of class 1 so far, found "
                        "'two'"));
    naming_free(learn("1\tone\tg\n1\tone\th\n", -1, &e));
    CHECK(strstr(e.msg, ":3: column 'group': expected 'g', the superclass of class 1 so far, "
                        "found 'h'"));
}

int main(void)
{
    test_names();
    test_numbers();
    test_none();
    test_conflict();
    return CHECK_DONE();
}
