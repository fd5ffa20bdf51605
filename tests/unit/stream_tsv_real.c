/* Numbers as tsv_real reads them, against strtod. */
#include "check.h"

#include "stream/tsv.h"

#include "base/mem.h"

#include <stdlib.h>

enum { TRIES = 200000 };

static void put_random(FILE *f, int i)
{
    static const char *const form[] = {"%.9g", "%.6f", "%.12g", "%.17g", "%.3e", "%.15g"};
    double x = (double)rand() / RAND_MAX - .25;
    for (int k = rand() % 4; k > 0; k--)
        x *= rand() % 2 ? 1e-5 : 3e6;
    fprintf(f, form[i % 6], x);
    putc('\n', f);
}

int main(void)
{
    static const char *const odd[] = {"0",
                                      "-0",
                                      "0.5",
                                      ".5",
                                      "5.",
                                      "1e5",
                                      "1E+05",
                                      "1e-7",
                                      "-1e22",
                                      "1e23",
                                      "1e-22",
                                      "1e-23",
                                      "1e-320",
                                      "000.125",
                                      "123456789012345",
                                      "1234567890123456",
                                      "0.1234567890123456",
                                      "0.30000000000000004",
                                      "9007199254740993",
                                      "1e0000005",
                                      "179769313486231570000000000000e279"};
    static const char *const bad[] = {"",    "-",     ".",     "e5",   "1e", "1e+", "nan",
                                      "inf", "NA",    "1x",    "0x1",  "1 ", " 1",  "--1",
                                      "1-",  "1.2.3", "1e400", "1e5.", "1,5"};
    char *path = mem_printf("%s/real.tsv", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    FILE *f = fopen(path, "w");
    CHECK(f != NULL);
    if (!f)
        return CHECK_DONE();
    fputs("x\n", f);
    srand(5);
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        fprintf(f, "%s\n", odd[i]);
    for (int i = 0; i < TRIES; i++)
        put_random(f, i);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        fprintf(f, "%s\n", bad[i]);
    fclose(f);

    struct err e;
    struct tsv_in *t;
    CHECK(tsv_open(&t, path, &e) == 0);
    size_t good = sizeof odd / sizeof *odd + TRIES, n = 0;
    while (tsv_next(t, &e) > 0) {
        double x = 1234, want;
        if (n++ >= good) {
            CHECK(tsv_real(t, 0, &x, &e) == -1 && strstr(e.msg, "expected a number"));
            continue;
        }
        char text[64];
        struct tsv_field field = tsv_get(t, 0);
        snprintf(text, sizeof text, "%.*s", (int)field.n, field.p);
        want = strtod(text, NULL);
        bool same = tsv_real(t, 0, &x, &e) == 0 && x == want && signbit(x) == signbit(want);
        if (!same)
            fprintf(stderr, "%s: read as %.17g\n", text, x);
        CHECK(same);
    }
    CHECK(n == good + sizeof bad / sizeof *bad);
    tsv_close(t);
    remove(path);
    free(path);
    return CHECK_DONE();
}
