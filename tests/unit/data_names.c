/* Names of classes from tables, texts and data sets. */
#include "check.h"
#include "data_files.h"

#include "data/names.h"

static struct err err;

static struct names *load(const char *path)
{
    struct names *n = NULL;
    strcpy(err.msg, "");
    return names_load(&n, path, NULL, &err) == 0 ? n : NULL;
}

static void test_table(void)
{
    static const char table[] = "class\tname\tgroup\tgroup_name\n"
                                "0\tred fox\t1\tbeasts\n"
                                "1\tNA\tNA\tNA\n"
                                "2\ta\\tb\t3\tNA\n";
    file_text("t", table);
    struct names *n = load("t");
    CHECK_STR(err.msg, "");
    if (!n)
        return;
    char buf[16];
    CHECK(n->classes == 3 && n->superclasses == 4);
    CHECK_STR(names_class(n, 0), "red fox");
    CHECK_STR(names_class(n, 1), "NA");
    CHECK_STR(names_class(n, 2), "a\tb");
    CHECK_STR(names_class(n, 3), "NA");
    CHECK_STR(names_class(n, -1), "NA");
    CHECK_STR(names_superclass(n, 0, buf), "beasts");
    CHECK_STR(names_superclass(n, 1, buf), "NA");
    CHECK_STR(names_superclass(n, 2, buf), "3");
    CHECK_STR(names_superclass(n, 9, buf), "NA");

    struct out *o;
    CHECK(out_open(&o, "u", &err) == 0 && names_write(n, o, &err) == 0 && out_close(o, &err) == 0);
    unsigned char *b = NULL;
    size_t size = 0;
    CHECK(io_slurp("u", 1000, &b, &size, &err) == 0);
    CHECK(size == sizeof table - 1 && memcmp(b, table, size) == 0);
    free(b);
    names_free(n);

    /* Columns in another order, more of them, classes not in order. */
    file_text("t", "x\tname\tclass\n1\tb\t1\n0\ta\t0\n");
    n = load("t");
    CHECK(n && n->classes == 2 && n->superclasses == 0);
    if (n)
        CHECK_STR(names_class(n, 1), "b");
    names_free(n);
}

static void test_text(void)
{
    file_text("t", "apple\r\nb\xc3\xa4r\nlawn mower\n\n");
    struct names *n = load("t");
    CHECK(n && n->classes == 3 && n->superclasses == 0 && n->superclass[2] == -1);
    if (n)
        CHECK_STR(names_class(n, 2), "lawn mower");
    names_free(n);

    /* The five trees of CIFAR-100 are called alike in both of its layouts. */
    static const char *const trees[100] = {
        [47] = "maple", [52] = "oak", [56] = "palm", [59] = "pine", [96] = "willow"};
    FILE *f = fopen("t", "w");
    for (int i = 0; f && i < 100; i++)
        fprintf(f, "%s\n", trees[i] ? trees[i] : "x");
    if (f)
        fclose(f);
    n = load("t");
    if (n) {
        CHECK_STR(names_class(n, 47), "maple_tree");
        CHECK_STR(names_class(n, 96), "willow_tree");
        CHECK_STR(names_class(n, 95), "x");
    }
    CHECK(n);
    names_free(n);
}

/* A class may be called NA, with a backslash in tables; a byte order mark is no part of a
 * name. */
static void test_spelling(void)
{
    static const char *const text[] = {"NA\nb\n", "\xef\xbb\xbfNA\r\nb\r\n",
                                       "class\tname\n0\t\\NA\n1\tb\n",
                                       "\xef\xbb\xbf"
                                       "class\tname\n0\t\\NA\n1\tb\n"};
    for (size_t i = 0; i < sizeof text / sizeof *text; i++) {
        struct err e;
        struct out *o;
        file_text("t", text[i]);
        struct names *n = load("t");
        CHECK(n && n->classes == 2 && n->name[0] && strcmp(n->name[0], "NA") == 0);
        /* And back. */
        CHECK(n && out_open(&o, "u", &e) == 0 && names_write(n, o, &e) == 0 &&
              out_close(o, &e) == 0);
        names_free(n);
        n = load("u");
        CHECK(n && n->classes == 2 && n->name[0] && strcmp(n->name[0], "NA") == 0);
        names_free(n);
    }
    file_text("t", "class\tname\n0\tNA\n1\tb\n");
    struct names *n = load("t");
    CHECK(n && n->classes == 2 && !n->name[0]);
    names_free(n);
}

static void test_data(void)
{
    golden_put("data/cifar100_python2", "test");
    struct names *n = load("test");
    CHECK(n && n->classes == 100 && n->superclasses == 20 && n->superclass[97] == 0 &&
          n->superclass[3] == 8);
    names_free(n);
    n = load(".");
    CHECK(n && n->classes == 100);
    names_free(n);
    file_text("batches.meta",
              "(dp1\nS'label_names'\np2\n(lp3\nS'airplane'\np4\naS'bird'\naS'cat'\nas.");
    n = load("batches.meta");
    CHECK(n && n->classes == 3);
    if (n)
        CHECK_STR(names_class(n, 1), "bird");
    names_free(n);
    golden_put("data/cifar10_bytes", "test");
    CHECK(!load("."));
    CHECK_STR(err.msg, "./test: record 0: expected a class below 3, as ./batches.meta has them, "
                       "found 9");
    file_text("batches.meta", "\x80\x02}q\x01.");
    CHECK(!load("test"));
    CHECK_STR(err.msg, "batches.meta: expected lists of names, found none");
    CHECK(!load("batches.meta"));
    CHECK_STR(err.msg, "batches.meta: expected a pickled dict with data and labels or fine_labels, "
                       "found other keys");
    file_text("batches.meta", "\x80\x02}U\x0blabel_names](NU\x01"
                              "aes.");
    CHECK(!load("batches.meta"));
    CHECK_STR(err.msg, "batches.meta: label_names: item 0: expected a name of 1 to 65536 bytes, "
                       "found another value");
    unlink("test");
    unlink("batches.meta");
}

static void check_bad(const char *text, const char *message)
{
    file_text("t", text);
    CHECK(!load("t"));
    CHECK_STR(err.msg, message);
}

/* The names of a table together: NAMES_ALL_BYTES are taken, not one more. */
static void check_all(void)
{
    enum { FULL = NAMES_ALL_BYTES / NAMES_BYTES };
    char *name = mem_zero(1, NAMES_BYTES + 1);
    memset(name, 'x', NAMES_BYTES);
    FILE *f = fopen("t", "w");
    fputs("class\tname\n", f);
    for (int i = 0; i < FULL; i++)
        fprintf(f, "%d\t%s\n", i, name);
    fclose(f);
    free(name);
    struct names *n = load("t");
    CHECK(n && n->classes == FULL && strlen(n->name[FULL - 1]) == NAMES_BYTES);
    names_free(n);
    f = fopen("t", "a");
    fprintf(f, "%d\ty\n", FULL);
    fclose(f);
    CHECK(!load("t"));
    CHECK_STR(err.msg, "t:1026: column 'name': expected a name of 1 to 65536 bytes, found more "
                       "than all may have");
}

static void test_errors(void)
{
    check_bad("", "t: expected names, found an empty file");
    check_bad("\n\n", "t: expected names, found none");
    check_bad("a\n\nb\n", "t:2: expected a name of 1 to 65536 bytes, found an empty text");
    check_bad("a\n\xff\n",
              "t:2: expected a name of 1 to 65536 bytes, found bytes that are no text in UTF-8");
    check_bad("a\n\xc0\xafx\n",
              "t:2: expected a name of 1 to 65536 bytes, found bytes that are no text in UTF-8");
    check_bad("a\n\x7f\n", "t:2: expected a name of 1 to 65536 bytes, found a control character");
    check_bad("a\n\xc2\x9b\n",
              "t:2: expected a name of 1 to 65536 bytes, found a control character");
    check_bad("a\nb\r\r\nc\n",
              "t:2: expected a name of 1 to 65536 bytes, found a control character");
    /* The same rule in a table. */
    check_bad("class\tname\n0\ta\n1\tb\r\tc\n", "t:3: expected 2 fields, found 3");
    check_bad("class\tname\tgroup\n0\ta\r\tNA\n",
              "t:2: column 'name': expected a name of 1 to 65536 bytes, found a control character");
    check_bad("class\tname\tgroup\tgroup_name\n0\ta\t0\tb\xc2\x9b\n",
              "t:2: column 'group_name': expected a name of 1 to 65536 bytes, found a control "
              "character");
    check_bad("class\tname\n0\t\n",
              "t:2: column 'name': expected a name of 1 to 65536 bytes, found an empty text");
    check_bad("class\tgroup\n0\t1\n", "t:1: expected a column 'name', found none");
    check_bad("name\tgroup\na\t1\n", "t:1: expected a column 'class', found none");
    check_bad("class\tname\n0\ta\n0\tb\n", "t:3: expected each class once, found 0 again");
    check_bad("class\tname\tgroup\tgroup_name\n0\ta\t1\tx\n1\tb\t1\ty\n",
              "t:3: expected the name 'x' for superclass 1, found 'y'");
    file_text("t", "class\tname\n65536\ta\n");
    CHECK(!load("t"));
    file_text("t", "class\tname\n-1\ta\n");
    CHECK(!load("t"));
    char *wide = mem_zero(1, NAMES_BYTES + 2);
    memset(wide, 'x', NAMES_BYTES + 1);
    check_bad(wide, "t:1: expected a name of 1 to 65536 bytes, found a longer text");
    free(wide);
    check_all();
    CHECK(!load("none"));
    CHECK_STR(err.msg, "none: No such file or directory");
    check_bad("\x01\x02", "t: record 0: expected 3074 bytes, found 2");
}

int main(void)
{
    alarm(60);
    files_begin();
    test_table();
    test_text();
    test_spelling();
    test_data();
    test_errors();
    unlink("t");
    unlink("u");
    files_end();
    return CHECK_DONE();
}
