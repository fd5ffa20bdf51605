/* Maps that know nothing of the network, which a map worth having has to surpass. */
#ifndef HP_BASELINE_H
#define HP_BASELINE_H

#include <stdint.h>

/* Of each: its constant, its word, what it is. */
#define BASELINES(X)                                                                               \
    X(RANDOM, random, "a number by chance in each pixel")                                          \
    X(BLURRED, random_blurred, "the same, blurred until it is about as smooth as a resized map")   \
    X(CENTER, center, "the nearer to the centre of the image, the higher")                         \
    X(EDGE, edge, "how fast the grey of the image changes (Sobel)")

enum baseline {
#define BASELINE_ID(id, word, about) BASELINE_##id,
    BASELINES(BASELINE_ID)
#undef BASELINE_ID
        BASELINE_COUNT
};

/* The words, for OPT_CHOICE. */
#define BASELINE_CHOICE(id, word, about) "|" #word
#define BASELINE_WORDS (&("" BASELINES(BASELINE_CHOICE))[1])

const char *baseline_word(enum baseline b);

/* The map (h, w) of an image (3, h, w), of numbers by chance from `state`. */
void baseline_make(enum baseline b, const uint8_t *pixels, int h, int w, uint64_t state,
                   float *map);

#endif
