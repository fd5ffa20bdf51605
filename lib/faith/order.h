/* In which order the pixels or cells of a map are changed. */
#ifndef HP_ORDER_H
#define HP_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* at[n]: the places of value[n], finite, by falling value. Equal values stand in the order of
 * tie[n], which is by chance: where a place lies in the image decides nothing. */
void order_make(const float *value, const uint32_t *tie, size_t n, uint32_t *at);

/* What numbers by chance are drawn for, so that no two uses share them. */
enum order_use {
    ORDER_PIXELS,
    ORDER_CELLS,
    ORDER_SAMPLE,
    ORDER_BASELINES,
    ORDER_SUMMARY,
    ORDER_MOSAICS,
    ORDER_CLASSES,
    ORDER_NOISE
};

/* A generator's state for one use and one image, whatever images come before it. */
uint64_t order_state(uint64_t seed, int64_t id, enum order_use use);

/* tie[n] for an image, the same for all its maps. */
void order_ties(uint64_t seed, int64_t id, enum order_use use, uint32_t *tie, size_t n);

/* Takes `count` of n images by chance, all where it is 0 or more than n: which one is decided by
 * the ids alone, whatever their order. Marks those in taken[n]; returns how many. */
size_t order_sample(uint64_t seed, const int64_t *id, size_t n, int64_t count, bool *taken);

/* The same of row[n] of `size` bytes that begin with their id, an int64_t: keeps those taken, in
 * their order. */
size_t order_keep(uint64_t seed, void *row, size_t n, size_t size, int64_t count);

/* The cell over pixel i of n, of `cells` up to n: each has as many pixels as any other, or one
 * more. */
static inline int order_cell(int i, int n, int cells)
{
    return (int)((int64_t)i * cells / n);
}

#endif
