/* Choosing rows worth a look from a stream of predictions: the best and the worst
 * of each class or of all, or the most confident errors of the most confused pairs. */
#ifndef HP_CHOICE_H
#define HP_CHOICE_H

#include "base/err.h"
#include "stats/prediction.h"
#include "stats/ranked.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* By CHOICE_PRED the lists hold the most and the least confident predictions of each predicted
 * class, correct or not: labels are not needed. */
enum choice_by { CHOICE_CLASS, CHOICE_PAIR, CHOICE_ALL, CHOICE_PRED };

/* At most this many different pairs are kept apart, with their rows. */
enum { CHOICE_PAIRS = 1 << 20 };

struct choice_opts {
    enum choice_by by;
    bool best, worst; /* which lists to make; not by pair */
    size_t count;     /* rows in a list, at least 1 */
    size_t pairs;     /* by pair: how many of the most confused, at least 1, of those that occur
                         PAIRS_OFTEN times or more */
};

struct choice;

struct choice *choice_new(const struct choice_opts *o);
void choice_free(struct choice *c);

/* A list that may take a row, and the row's rank in it. */
struct offer {
    struct ranked *list;
    struct rank rank;
};

/* Counts a prediction, labelled but by CHOICE_PRED, and returns the number of lists, at most 2,
 * that want its row by ranked_put before the next call; or -1. */
int choice_offer(struct choice *c, const struct prediction *a, struct offer offer[2], struct err *e)
    ERR_CHECKED;

/* Which rows a list holds, by the words of the column `kind`. */
enum chosen_kind {
    CHOSEN_NONE, /* a row that was not chosen, without a word */
    CHOSEN_BEST,
    CHOSEN_WORST,
    CHOSEN_PAIR,
    CHOSEN_HIGH,
    CHOSEN_LOW,
    CHOSEN_CORRECT, /* of a slice, as CHOSEN_ERROR */
    CHOSEN_ERROR,
    CHOSEN_KINDS
};

#define CHOSEN_WORDS "best, worst, pair, high, low, correct or error"
const char *chosen_word(enum chosen_kind kind);

/* The kind of the word p[n]; CHOSEN_NONE for any other. */
enum chosen_kind chosen_find(const char *p, size_t n);

/* One list of the result. The order of the correct predictions among the worst is that of the
 * best reversed, equals included, and a row among the best is not among the worst. */
struct chosen {
    int group; /* class, -1 for all, or the pair's number from 1 */
    enum chosen_kind kind;
    const struct ranked *list;
};

/* The lists that have rows, by group, best before worst; `n` of them. Ends the
 * choosing. Caller frees the array. */
struct chosen *choice_done(struct choice *c, size_t *n);

#endif
