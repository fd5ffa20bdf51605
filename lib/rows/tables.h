/* The tables of a run as records: see stats/tables.h and heatpipe-tsv(5). Columns are found by
 * name. On an error a table may be filled in part; it is freed as always. Names of files stay
 * the caller's and live as long as the tables. */
#ifndef HP_ROWS_TABLES_H
#define HP_ROWS_TABLES_H

#include "base/err.h"
#include "rows/skipped.h"
#include "stats/tables.h"
#include "stats/tally.h"

/* confmat --classes. The table has the columns class, total and correct, and name where `names`;
 * others are read where there are some. */
int classes_read(struct classes *c, const char *file, bool names, struct err *e) ERR_CHECKED;

/* confmat --pairs. The table has the columns true, pred and count, and those of `need`, bits of
 * enum pair_column; others are read where there are some. Without `known` the classes are not
 * checked. With it the table must hold all errors, and a superclass that it does not tell comes
 * from there. */
enum pair_column { PAIR_NAMES = 1, PAIR_RATES = 2 }; /* both names; rate and reverse_count */
int pairs_read(struct pairs *p, const char *file, unsigned need, const struct classes *known,
               struct err *e) ERR_CHECKED;

/* confmat --summary. `known`: the classes of the same run. Without a file nothing is known. */
int summary_read(struct summary *s, const char *file, const struct classes *known, struct err *e)
    ERR_CHECKED;

/* confmat --groups. */
int superclasses_read(struct superclasses *g, const char *file, struct err *e) ERR_CHECKED;

/* The rows of cifar-predict that have a label. Fills counts and examples of the classes and of
 * the pairs, which are of the same run, as well. `flagged`: images whose labels are flagged, or
 * NULL where that is not known. */
int confidence_read(struct confidence *a, const char *file, struct classes *c, struct pairs *pairs,
                    const struct skipped *flagged, struct err *e) ERR_CHECKED;

/* The measures of calibrate. `known` and, where it is known, `confidence`: of the same run. Without
 * a file nothing is known. */
int mending_read(struct mending *m, const char *file, const struct classes *known,
                 const struct confidence *confidence, struct err *e) ERR_CHECKED;

/* label-check. `known`: the classes of the same run, whose flagged labels it counts; the images go
 * to `flagged`, which the caller frees, on an error as well. Without a file nothing is known. */
int label_flags_read(struct label_flags *l, const char *file, struct classes *known,
                     struct skipped *flagged, struct err *e) ERR_CHECKED;

/* slices; those that are confirmed. Without a file nothing is known, as for the next two. `known`
 * may be NULL: any class. */
int slices_read(struct slice_list *l, const char *file, const struct classes *known, struct err *e)
    ERR_CHECKED;

/* covariates. */
int tested_columns_read(struct tested_columns *l, const char *file, const struct classes *known,
                        struct err *e) ERR_CHECKED;

/* duplicates --summary. */
int repeats_read(struct repeats *d, const char *file, const struct classes *known, struct err *e)
    ERR_CHECKED;

/* cam-score --errors, about the number of cells that is nearest below a quarter of a grid whose
 * number of cells is a power of two. */
int turned_read(struct turned *r, const char *file, const struct classes *known, struct err *e)
    ERR_CHECKED;

/* cam-compute --stability --stats, of some of the images. */
int stability_read(struct stability *s, const char *file, struct err *e) ERR_CHECKED;

/* What the analysis makes of cam-score --summary: see heatpipe-tsv(5). */
int faithfulness_read(struct faithfulness *f, const char *file, struct err *e) ERR_CHECKED;

/* What it makes of the same for changed networks and mosaics: see heatpipe(1). */
int sanity_read(struct sanity *s, const char *file, struct err *e) ERR_CHECKED;

/* cam-compute --target true,pred --stats: the rows of an image stand together, one of the target
 * `true` and one of `pred`. `known`: the classes of the same run, whose images they must be. */
int maps_read(struct maps *m, const char *file, const struct classes *known, struct err *e)
    ERR_CHECKED;

/* All rows of cifar-predict, with and without a label. `say` tells of rows that come twice. */
int tally_read(struct tally *t, const char *file, void (*say)(const char *fmt, ...), struct err *e)
    ERR_CHECKED;

#endif
