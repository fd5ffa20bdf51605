/* What the text and the page about two runs say alike. `v` holds the measures of run-diff. */
#ifndef HP_REPORT_DIFF_H
#define HP_REPORT_DIFF_H

#include "report.h"
#include "words.h"

#include <stdbool.h>
#include <stddef.h>

/* Numbers of images; a label of NULL ends the table. */
struct diff_count {
    const char *label;
    enum diff_measure measure;
    bool labels; /* of labelled images alone */
};
extern const struct diff_count diff_counted[];

/* Measures of A and B; a label of NULL ends the table. Two blanks before a label say that it
 * belongs to the one before. */
struct diff_both {
    const char *label;
    enum diff_measure measure[2];
    bool percent;
};
extern const struct diff_both diff_of_both[];
const char *diff_say_measure(struct words_buf *b, double v, bool percent);

/* Which run is better, and whether that is chance. */
enum { DIFF_VERDICT = 400 };
void diff_say_verdict(char *s, size_t size, const double *v);

#endif
