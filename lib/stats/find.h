/* How findings are made: for lib/stats/findings*.c alone. */
#ifndef HP_FIND_H
#define HP_FIND_H

#include "stats/findings.h"

/* Of nothing measured: no verdict, NaN and -1. */
extern const struct finding find_nothing;

/* A share that was counted, with its interval. */
struct finding find_counted(int64_t count, int64_t of);

enum verdict find_yes(bool holds);

/* Whether a corrected p is below the level; false where it is NaN. */
bool find_tells(double p);

/* Whether a share has twice the odds of chance, which can be reached from any level of it. */
bool find_twice_the_odds(double share, double chance);

/* --- lists --- */

void find_add(struct found_list *list, const struct found *item);

/* Corrects the items' p for all of them, and drops those that are no finding: whose verdict is not
 * yes or whose p does not tell. */
void find_correct(struct found_list *list);

/* By falling count of images or by value; then by class. */
enum find_order { FIND_BY_COUNT, FIND_BY_VALUE, FIND_BY_VALUE_FALLING };
void find_sort(struct found_list *list, enum find_order order);

/* Sums the errors, and gives the finding on the whole the examples of all. */
void find_sum(struct found_list *list, struct finding *whole);

/* --- by topic, in this order --- */

void find_accuracy(struct findings *f, const struct tables *t);
void find_class_order(struct findings *f, const struct tables *t);
void find_top5(struct findings *f, const struct tables *t);
void find_superclasses(struct findings *f, const struct tables *t);
void find_classes_differ(struct findings *f, const struct tables *t);
void find_weak_classes(struct findings *f, const struct tables *t);
void find_pairs(struct findings *f, const struct tables *t); /* top, few, one way */
void find_overpredicted(struct findings *f, const struct tables *t);
void find_confidence(struct findings *f, const struct tables *t);
void find_labels(struct findings *f, const struct tables *t);
void find_slices(struct findings *f, const struct tables *t);
void find_columns(struct findings *f, const struct tables *t);
void find_repeats(struct findings *f, const struct tables *t);
void find_maps(struct findings *f, const struct tables *t);

#endif
