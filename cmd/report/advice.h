/* Recommendations, by topic. A topic writes a section with what was measured, and recommends what
 * follows from a finding with the verdict yes. */
#ifndef HP_ADVICE_H
#define HP_ADVICE_H

#include "report.h"

#include <stdbool.h>
#include <stdint.h>

enum { ADVICE_LIST = 10, ADVICE_SHORT_LIST = 5, ADVICE_FILES = 4, RECOMMENDATIONS = 24 };

/* Errors of a recommendation that is about confidences, or about errors that are not counted; or
 * that comes before all others. */
enum { CONFIDENCES = -1, UNCOUNTED = -2, BEFORE_ALL = -3 };

struct recommendation {
    int64_t errors; /* that it is about */
    int64_t among;  /* errors to look at, of which these are more than expected; 0: these alone */
    int rank;       /* among those with as many: as they were found */
    enum finding_id finding;
    const struct finding *measured;     /* that finding, or one of its list */
    char *doing;                        /* what to do */
    char *more;                         /* a sentence on what was measured besides, or NULL */
    char *worked;                       /* what would show that it worked */
    const char *list[ADVICE_FILES + 1]; /* the files of the run that hold what it is about */
};

struct advice {
    const struct tables *r;
    const struct findings *f;
    const struct about *about;
    int64_t drawn_errors;
    bool works; /* and is run as it was trained: the errors mean something */
    int sections;
    struct recommendation at[RECOMMENDATIONS];
    int n;
};

/* Collects the text of the recommendations: what to do, then the sections. Caller frees. */
void advice_make(struct advice *a, const struct known *k);
void advice_free(struct advice *a);

/* What a finding measured, with its interval and its baseline: a sentence. Caller frees. */
char *advice_evidence(const struct recommendation *r);

/* Begins a section. */
void advice_section(struct advice *a, const char *title);

/* Adds a recommendation: what to do because of a finding. `files`: names with commas between them;
 * those that the run has are its list. */
void recommend(struct advice *a, int64_t errors, enum finding_id finding, const char *files,
               const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* The last one looks at `n` errors, of which those that it is about are more than expected. */
void recommend_among(struct advice *a, int64_t n);

/* A sentence on what the last one measured besides its finding. */
void recommend_more(struct advice *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* What would show that the last one worked. */
void recommend_worked(struct advice *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* What the last one measured, where that is one of the finding's list. */
void recommend_measured(struct advice *a, const struct finding *f);

/* How many of those that a finding counts are fewer than chance explains: the lower end of its
 * interval, which the text behind it says. */
int64_t advice_fewer(const struct finding *f);
#define ADVICE_FEWER "the limit is the lower end of the 95" WORDS_NB "%% interval"

/* Errors in points of accuracy. */
double advice_points(const struct tables *r, int64_t errors);

/* "confident_errors.png and confident_errors_p2.png to confident_errors_p5.png": the pages of a
 * sheet that the run has, "" for none; `stem` is the name without .png. */
void advice_pages(char *s, size_t size, const struct about *about, const char *stem);

/* Lists the classes with more than one error of a kind, under a line of words. */
void advice_list_classes(const struct classes *c, enum class_error kind, const char *title);

/* --- topics --- */

/* What speaks against all other measurements: one recommendation, or none. */
void advice_model(struct advice *a);

void advice_similar_classes(struct advice *a);
void advice_labels(struct advice *a);
void advice_confidence(struct advice *a);
void advice_maps(struct advice *a);
void advice_weak_classes(struct advice *a);
void advice_patterns(struct advice *a);
void advice_slices(struct advice *a);
void advice_columns(struct advice *a);
void advice_duplicates(struct advice *a);

#endif
