/* The tables of run-diff as records, for texts and pages. Columns are found by name. On an error a
 * table may be filled in part; it is freed as always. */
#ifndef HP_DIFF_TABLES_H
#define HP_DIFF_TABLES_H

#include "base/err.h"
#include "stats/diff.h"

#include <stddef.h>
#include <stdint.h>

/* The summary: a value for each measure, NaN for NA. */
int diff_summary_read(double value[DIFF_MEASURE_COUNT], const char *file, struct err *e)
    ERR_CHECKED;

/* A class, a superclass or a pair of classes. */
struct diff_entry {
    char *text;           /* "tiger", or "tiger -> lion"; isolated */
    int64_t images[2];    /* correct ones of a part, those of a pair, in A and in B */
    int64_t gained, lost; /* fixed and broken images; those that joined and left a pair */
    double p, adjusted;   /* NaN where not tested */
    size_t row;           /* of the table */
};

/* Those that an image left or joined, in the order of the table. All zero: none. */
struct diff_entries {
    struct diff_entry *entry;
    size_t n;
    size_t all; /* rows of the table */
};

/* --classes or, with `superclasses`, --groups; --pairs. */
int diff_parts_read(struct diff_entries *l, const char *file, bool superclasses, struct err *e)
    ERR_CHECKED;
int diff_pairs_read(struct diff_entries *l, const char *file, struct err *e) ERR_CHECKED;
void diff_entries_free(struct diff_entries *l);

/* Those whose number of images changed by `least` or more, by falling change; *n of them. The list
 * is the caller's to free, its texts are not. */
struct diff_entry *diff_changed(const struct diff_entries *l, int64_t least, size_t *n);

/* One image of --images or --moved, in whose rows both predictions are the same. Names are as
 * text_clean gives them. */
struct diff_example {
    int64_t id;
    double conf[2];
    double map;  /* NaN where not known */
    int correct; /* whether B's prediction is: 1, 0, or -1 without a label */
    char *true_name, *pred_name[2];
};

enum { DIFF_EXAMPLES = 24 };

/* The first DIFF_EXAMPLES of a kind. All zero: none. */
struct diff_examples {
    struct diff_example example[DIFF_EXAMPLES];
    int n;
    int64_t all; /* rows of the kind */
};

/* --images: of each kind, those whose prediction in B is the most confident, equal ones by id; for
 * fixed images likewise. `of` has DIFF_KINDS lists. */
int diff_images_read(struct diff_examples *of, const char *file, struct err *e) ERR_CHECKED;

/* --moved, in the order of the table. */
int diff_moved_read(struct diff_examples *l, const char *file, struct err *e) ERR_CHECKED;
void diff_examples_free(struct diff_examples *l);

#endif
