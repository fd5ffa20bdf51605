/* Whether maps depend on what they should (sanity.tsv): where they lie on mosaics, and how like
 * they are to maps of another class and of networks that have lost what they learnt. */
#ifndef HP_SANITY_H
#define HP_SANITY_H

#include <stdbool.h>
#include <stdint.h>

/* A map of a layer and a method: "layer3 gradcam". */
struct sanity_map {
    char *name; /* NULL where there is none */
    double mean, low, high;
};

/* What was changed, and the maps with the lowest and the highest mean among those that have one. */
struct sanity_check {
    char *changed; /* "mosaic", "logit", "top", or a layer */
    int64_t images;
    int maps;
    struct sanity_map lowest, highest;
    int above; /* maps whose interval lies above SANITY_CHANCE, of a mosaic, or SANITY_ALIKE */
};

/* Half of a mosaic's tiles show the class. */
#define SANITY_CHANCE 0.5
#define SANITY_ALIKE 0.5
/* Checks at most: layers of a network, and a few more. */
#define SANITY_CHECKS 10000

/* All zero: not known. */
struct sanity {
    bool known;
    int checks;
    struct sanity_check *check; /* in the order of the table: networks from the top down */
};

/* Takes one map, whose interval may be NaN, as what was changed is new or not. */
void sanity_add(struct sanity *s, const char *changed, const char *name, double mean, double low,
                double high, int64_t images);
void sanity_free(struct sanity *s);

/* Maps that most checks look at. */
int sanity_maps(const struct sanity *s);

/* A check of this kind, or NULL. */
const struct sanity_check *sanity_find(const struct sanity *s, const char *changed);

/* That of the network that has lost most, or NULL. */
const struct sanity_check *sanity_deepest(const struct sanity *s);

#endif
