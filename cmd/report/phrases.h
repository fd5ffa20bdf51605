/* Findings in words that more than one text uses. */
#ifndef HP_REPORT_PHRASES_H
#define HP_REPORT_PHRASES_H

#include "report.h"
#include "words.h"

#include "stats/band.h"

/* "High (above 70 to 90 %)". */
const char *say_band(enum band b);

/* "p = 0.012", "p < 0.0001". */
const char *say_p(struct words_buf *b, double p);

/* "is not better than", of an accuracy that is no finding. */
const char *say_against_chance(const struct finding *accuracy);

/* What is to be read before all else of the findings: that the classes seem to be ordered
 * otherwise, or that the accuracy is hardly above chance; "" where neither holds. */
void say_doubt(char *s, size_t size, const struct findings *f);

/* "tiger (3)", "tiger and 1 more (3 each)": the most frequent wrong prediction of a class; "" where
 * none stands out. */
void say_top_wrong(char *s, size_t size, const struct class_row *c);

/* A sentence on a difference; `what` has the second value, as in "the error". */
void say_difference(char *s, size_t size, const struct difference *d, const struct finding *f,
                    const char *what);

/* How many errors are in a few pairs, or that they are spread: of FIND_FEW_PAIRS with the verdict
 * yes or no. */
void say_few_pairs(char *s, size_t size, const struct tables *r, const struct findings *f);

/* How many maps are blank: a paragraph. */
void say_blank(const struct findings *f);

/* Where the maps' grid is too coarse for places, a paragraph that says so and names a finer
 * layer; nothing otherwise. */
void say_coarse(const struct about *about, const struct findings *f);

/* Of maps of a layer before the last stage a paragraph that names it, says why it was taken, and
 * what differs there; nothing otherwise. */
void say_earlier(const struct about *about);

/* The files of the run with what each holds: a section, where they are known. */
void say_files(const struct about *about);

#endif
