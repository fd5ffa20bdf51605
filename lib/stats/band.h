/* Bands of confidence, the one rule for texts, tables and pictures: low up to 0.5,
 * moderate above it up to 0.7, high above it up to 0.9, highest above that. */
#ifndef HP_BAND_H
#define HP_BAND_H

enum band { BAND_LOW, BAND_MODERATE, BAND_HIGH, BAND_HIGHEST, BANDS };

/* Where a band ends: the bound belongs to the band below it. */
#define BAND_LOW_MAX 0.5
#define BAND_MODERATE_MAX 0.7
#define BAND_HIGH_MAX 0.9

/* The band of a confidence from 0 to 1. */
static inline enum band band_of(double conf)
{
    return conf > BAND_HIGH_MAX       ? BAND_HIGHEST
           : conf > BAND_MODERATE_MAX ? BAND_HIGH
           : conf > BAND_LOW_MAX      ? BAND_MODERATE
                                      : BAND_LOW;
}

/* "highest", "high", "moderate" or "low". */
static inline const char *band_name(enum band b)
{
    static const char *const name[BANDS] = {"low", "moderate", "high", "highest"};
    return name[b];
}

#endif
