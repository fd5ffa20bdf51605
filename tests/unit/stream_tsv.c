/* The reader and the writer of rows. */
#include "check.h"

#include "base/io.h"
#include "stream/tsv.h"

#include <stdlib.h>
#include <unistd.h>

static char path[256];

static void put(const char *text)
{
    FILE *f = fopen(path, "w");
    fputs(text, f);
    fclose(f);
}

/* The message with which reading `text` to its end fails, or "". */
static const char *message(const char *text)
{
    static struct err e;
    struct tsv_in *t = NULL;
    e.msg[0] = '\0';
    put(text);
    if (tsv_open(&t, path, &e) != 0)
        return strchr(e.msg, ':') + 1;
    int r;
    while ((r = tsv_next(t, &e)) == 1)
        ;
    tsv_close(t);
    return r ? strchr(e.msg, ':') + 1 : "";
}

static void test_rows(void)
{
    struct err e;
    struct tsv_in *t = NULL;
    put("id\tname\tx\n1\ta\\tb\t-2.5e3\nid\tname\tx\n2\tNA\tNA\n");
    CHECK(tsv_open(&t, path, &e) == 0);
    CHECK(tsv_columns(t) == 3);
    CHECK(tsv_find(t, "x") == 2);
    CHECK(tsv_find(t, "nam") == -1);
    CHECK(tsv_need(t, "conf", &e) == -1);
    CHECK(strstr(e.msg, ":1: expected a column 'conf', found none"));
    CHECK(tsv_next(t, &e) == 1);
    int64_t id = 0;
    double x = 0;
    CHECK(tsv_int(t, 0, 0, 10, &id, &e) == 0 && id == 1);
    CHECK(tsv_real(t, 2, &x, &e) == 0 && x == -2500);
    char *s = tsv_string(t, 1);
    CHECK_STR(s, "a\tb");
    free(s);
    CHECK(tsv_int(t, 0, 2, 10, &id, &e) == -1);
    CHECK(strstr(e.msg, ":2: column 'id': expected a whole number from 2 to 10, found '1'"));
    CHECK(tsv_next(t, &e) == 1);
    CHECK(tsv_line(t) == 4);
    CHECK(tsv_is_na(t, 1));
    CHECK(tsv_real_na(t, 2, &x, &e) == 0 && isnan(x));
    CHECK(tsv_real(t, 2, &x, &e) == -1);
    CHECK(tsv_next(t, &e) == 0);
    tsv_close(t);
}

static void test_messages(void)
{
    CHECK_STR(message("a\tb\n1\t2\n"), "");
    CHECK_STR(message(""), "1: expected a header line, found nothing");
    CHECK_STR(message("a\tb\n1\n"), "2: expected 2 fields, found 1");
    CHECK_STR(message("a\tb\n1\t2\t3\n"), "2: expected 2 fields, found 3");
    CHECK_STR(message("a\tb\n1\t2"), "2: expected a line feed after the last row, found the end");
    CHECK_STR(message("a\tb\r\n1\t2\r\n"), "1: expected lines that end in LF, found CR LF");
    CHECK_STR(message("a\tb\n1\t2\r\n"), "2: expected lines that end in LF, found CR LF");
    CHECK_STR(message("a\tB\n"), "1: expected column names in [a-z0-9_], found 'B'");
    CHECK_STR(message("a\t\n"), "1: expected column names in [a-z0-9_], found ''");
    CHECK_STR(message("a\tb\ta\n"), "1: expected each column once, found 'a' twice");
}

static void test_numbers(void)
{
    static const char *const bad[] = {"",   "nan", "inf",   "0x10",  " 1",  "1 ",
                                      "1e", "--1", "1e999", "1.2.3", "NaN", "-"};
    struct err e;
    double x;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[64];
        snprintf(text, sizeof text, "a\tb\n%s\t0\n", bad[i]);
        put(text);
        struct tsv_in *t = NULL;
        CHECK(tsv_open(&t, path, &e) == 0 && tsv_next(t, &e) == 1);
        CHECK(tsv_real(t, 0, &x, &e) == -1);
        CHECK(strstr(e.msg, ":2: column 'a': expected a number, found '"));
        tsv_close(t);
    }
}

/* A row larger than the reader's buffer arrives whole; one beyond the limit is
 * refused. */
static void test_long_rows(void)
{
    struct err e;
    struct tsv_in *t = NULL;
    for (int over = 0; over < 2; over++) {
        size_t n = over ? TSV_ROW_BYTES + 400000 : 1000000;
        FILE *f = fopen(path, "w");
        fputs("a\n", f);
        for (size_t i = 0; i < n; i++)
            putc('x', f);
        fputs("\n", f);
        fclose(f);
        CHECK(tsv_open(&t, path, &e) == 0);
        CHECK(tsv_next(t, &e) == (over ? -1 : 1));
        if (!over)
            CHECK(tsv_get(t, 0).n == n);
        else
            CHECK(strstr(e.msg, ":2: expected a row of at most 16777216 bytes, found a longer"));
        tsv_close(t);
    }
}

static void test_writer(void)
{
    struct err e;
    struct out *o = NULL;
    CHECK(out_open(&o, path, &e) == 0);
    struct tsv_out *w = tsv_begin(o, "id name x");
    tsv_put_int(w, -7);
    tsv_put_string(w, "a\tb\\c\nd");
    tsv_put_real(w, 1.0 / 3);
    CHECK(tsv_end(w, &e) == 0);
    tsv_put_raw(w, "1\t#2", 4);
    tsv_put_real(w, NAN);
    CHECK(tsv_end(w, &e) == 0);
    tsv_put_int(w, 3);
    tsv_put_string(w, "#x");
    tsv_put_string(w, NULL);
    CHECK(tsv_end(w, &e) == 0);
    tsv_put_int(w, 4);
    CHECK(tsv_end(w, &e) == -1);
    tsv_free(w);
    CHECK(out_close(o, &e) == 0);
    unsigned char *b = NULL;
    size_t n = 0;
    CHECK(io_slurp(path, 1000, &b, &n, &e) == 0);
    const char want[] = "id\tname\tx\n-7\ta\\tb\\\\c\\nd\t0.333333333\n1\t#2\tNA\n3\t\\#x\tNA\n4";
    CHECK(n == sizeof want - 1 && memcmp(b, want, n) == 0);
    free(b);
}

int main(void)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/rows.tsv", tmp ? tmp : "/tmp");
    test_rows();
    test_messages();
    test_numbers();
    test_long_rows();
    test_writer();
    unlink(path);
    return CHECK_DONE();
}
