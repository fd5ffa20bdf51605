/* An order of the classes in which those that are confused are neighbours. */
#ifndef HP_CLUSTER_H
#define HP_CLUSTER_H

#include "stats/pairs.h"

/* From the errors of both directions together: the two classes that are confused most often
 * stand side by side, then the next two, where their rows of neighbours can still be joined so
 * that the two come as near to each other as turning the rows allows (single linkage). Classes
 * that are not confused follow in the order of their numbers. `order` has `classes` entries. */
void cluster_classes(const struct pairs *p, int classes, int *order);

#endif
