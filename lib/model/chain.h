/* Plain nets that no family names, read by structure: convolutions that follow each other, each
 * with a norm, among them VGG and ResNet-9. What is between them is a text of --assume chain=,
 * which images settle (fit/chain.h). For each convolution it has
 *
 *     (         its input is added to what a later one makes
 *     c, s, v   windows at all cells; at every second one; at those where they need no padding
 *     b         the function stands in front of the norm instead of behind it
 *     M, A      the largest or the mean of every 2 by 2 cells in front of the norm
 *     ), ], }   what ( marks is added: behind the function; in front of it; and there is none
 *     m, a, p   the largest or the mean of every 2 by 2 cells; the largest of 3 by 3, stride 2
 *     m4, a4    the largest or the mean of every 4 by 4 cells
 *     d30       dropout of 30 per cent in training, which norms recorded
 *
 * in this order, of which the letter c, s or v alone is needed. Behind all of them may stand /max
 * or /average, over all cells, or /flat, and *FACTOR of the logits: "ccm(cc)cmcm(cc)/max*0.125". */
#ifndef HP_CHAIN_H
#define HP_CHAIN_H

#include <stdbool.h>

/* What is said of a convolution; 0 where nothing is. */
struct chain_unit {
    bool opens, before;
    char conv, inner, close, pool;
    int side;    /* of the cells that are pooled */
    int dropped; /* per cent */
};

enum chain_end { CHAIN_END_USUAL, CHAIN_END_MAX, CHAIN_END_AVERAGE, CHAIN_END_FLAT };

/* Reads a unit and goes behind it: 1, 0 at the end of the units, -1 where there is none. */
int chain_next(const char **text, struct chain_unit *u);

/* How many units there are; -1 where the text is none of a chain. */
int chain_units(const char *text);

/* What is behind the units; factor 1 where there is none. False where it is no end. */
bool chain_end(const char *text, enum chain_end *end, double *factor);

#endif
