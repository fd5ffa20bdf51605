/* What report writes. Each goes to standard output; what is wrong with an input or
 * with the output ends the program. */
#ifndef HP_REPORT_H
#define HP_REPORT_H

#include "about.h"

#include "rows/diff_tables.h"
#include "rows/tables.h"
#include "stats/findings.h"

#include <stdbool.h>
#include <stdint.h>

/* What is known of a run, and what it shows. */
struct known {
    struct tables tables;
    struct findings findings;
    struct about about;
    int64_t drawn_errors; /* errors of highest confidence that are drawn; -1 where unknown */
};

void summary_write(const struct known *k);

/* The same, collected: see words.h. */
void summary_make(const struct known *k);

/* Which columns of covariates go with errors or tell the class, for summary and recommendations:
 * whether that is known, and the paragraphs. */
#define COLUMNS_SECTION "Image statistics"
bool columns_told(const struct findings *f);
void columns_say(const struct tables *r, const struct findings *f);

/* The section on what maps are worth, where that was measured. */
void faithfulness_write(const struct known *k);
void sanity_write(const struct known *k);

/* Summary and recommendations in other forms. */
void markdown_write(const struct known *k);
void json_write(const struct known *k);

void advice_write(const struct known *k);
void findings_write(const struct findings *f);

/* From the rows of cifar-predict alone. */
void predictions_write(const struct tally *t, const struct about *about);

/* What is known of two runs on the same images; see run-diff(1). */
struct compared {
    double measure[DIFF_MEASURE_COUNT];
    struct diff_entries classes, superclasses, pairs;
    struct diff_examples images[DIFF_KINDS], moved;
    struct about about[2];
    struct file_list files; /* what the comparison writes; none: not known */
};

void diff_write(const struct compared *k);
void diff_page_write(const struct compared *k);

void csv_write_classes(const struct classes *c);
void csv_write_pairs(const struct pairs *p);

/* From rows of errors in the order in which worst-k chose them; `labels`: the table of label-check,
 * or NULL. */
void csv_write_errors(const char *errors, const char *labels);

/* The page of bars, from the classes of the run; the explorer is explorer.h's. */
void bars_write(const struct known *k);

#endif
