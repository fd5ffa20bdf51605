/* Dropout as training has it, but the same in every run: the bits of a number say whether it is
 * dropped, which are as good as random where numbers are results of long sums. For measuring what
 * training measured, not for predictions. */
#ifndef HP_GRAPH_DROPOUT_H
#define HP_GRAPH_DROPOUT_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Whether a number is one of the part p that becomes 0; all others are divided by 1 - p. */
static inline bool graph_drops(float x, float p)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    bits *= 0x9E3779B1U;
    bits ^= bits >> 15;
    bits *= 0x85EBCA77U;
    bits ^= bits >> 13;
    return (float)(bits >> 8) < p * 0x1p24F;
}

#endif
