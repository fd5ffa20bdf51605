/* Checks for unit tests: a failure names the place and the test goes on. */
#ifndef HP_CHECK_H
#define HP_CHECK_H

#include <math.h>
#include <stdio.h>
#include <string.h>

static int check_failures;

#define CHECK(cond)                                                                                \
    ((cond) ? (void)0                                                                              \
            : (void)(check_failures++,                                                             \
                     fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #cond)))

/* |a - b| <= tol; false with a NaN on either side. */
#define CHECK_NEAR(a, b, tol)                                                                      \
    do {                                                                                           \
        double check_a = (a), check_b = (b);                                                       \
        if (!(fabs(check_a - check_b) <= (tol))) {                                                 \
            check_failures++;                                                                      \
            fprintf(stderr, "%s:%d: %s = %.9g, %s = %.9g\n", __FILE__, __LINE__, #a, check_a, #b,  \
                    check_b);                                                                      \
        }                                                                                          \
    } while (0)

#define CHECK_STR(a, b)                                                                            \
    do {                                                                                           \
        const char *check_a = (a), *check_b = (b);                                                 \
        if (strcmp(check_a, check_b) != 0) {                                                       \
            check_failures++;                                                                      \
            fprintf(stderr, "%s:%d: found \"%s\", expected \"%s\"\n", __FILE__, __LINE__, check_a, \
                    check_b);                                                                      \
        }                                                                                          \
    } while (0)

#define CHECK_DONE() (check_failures ? 1 : 0)

#endif
