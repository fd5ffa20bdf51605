/* A sum that does not depend on the order of its terms, nor on how they are divided among sums that
 * are joined: an integer of 256 bits, in units of 2^-160. */
#ifndef HP_SUM_H
#define HP_SUM_H

#include <math.h>
#include <stdint.h>
#include <string.h>

enum { SUM_DIGITS = 8, SUM_UNIT = -160 };

/* Zero to begin with. Digits of 32 bits, of which each holds what it was not yet necessary to
 * carry; `huge` sums terms of 2^60 and more, as they come. */
struct sum {
    int64_t digit[SUM_DIGITS];
    double huge;
};

/* Carries, so that all digits but the last one are from 0 to 2^32 - 1: equal sums have equal
 * digits. */
static inline void sum_carry(struct sum *a)
{
    for (int i = 0; i + 1 < SUM_DIGITS; i++) {
        const int64_t low = a->digit[i] & 0xffffffff;
        a->digit[i + 1] += (a->digit[i] - low) / (INT64_C(1) << 32);
        a->digit[i] = low;
    }
}

/* A term, of which bits below 2^-160 are left out; NaN and infinities stay what they are. */
static inline void sum_add(struct sum *a, double x)
{
    enum { BITS = 52, BIAS = 1075, MOST = 60 };
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    const int exponent = (int)(bits >> BITS & 0x7ff);
    uint64_t m = (bits & ((UINT64_C(1) << BITS) - 1)) | (uint64_t)(exponent > 0) << BITS;
    int at = exponent - BIAS - SUM_UNIT; /* the place of the lowest bit of m */
    if (at + BITS >= MOST - SUM_UNIT) {
        a->huge += x;
        return;
    }
    if (at < 0) {
        m = at > -BITS - 1 ? m >> -at : 0;
        at = 0;
    }
    int64_t *d = a->digit + at / 32;
    const uint64_t low = (m & 0xffffffff) << at % 32, high = (m >> 32) << at % 32,
                   mid = (low >> 32) + (high & 0xffffffff);
    const int64_t sign = bits >> 63 ? -1 : 1;
    d[0] += sign * (int64_t)(low & 0xffffffff);
    d[1] += sign * (int64_t)mid;
    d[2] += sign * (int64_t)(high >> 32);
    /* Far from full: the next term fits. */
    const int64_t far = INT64_C(1) << 61;
    if (d[0] > far || d[0] < -far || d[1] > far || d[1] < -far)
        sum_carry(a);
}

static inline void sum_join(struct sum *a, const struct sum *b)
{
    struct sum more = *b;
    sum_carry(a);
    sum_carry(&more);
    for (int i = 0; i < SUM_DIGITS; i++)
        a->digit[i] += more.digit[i];
    a->huge += more.huge;
}

static inline double sum_value(const struct sum *a)
{
    struct sum s = *a;
    double v = s.huge;
    sum_carry(&s);
    for (int i = SUM_DIGITS - 1; i >= 0; i--)
        v += ldexp((double)s.digit[i], 32 * i + SUM_UNIT);
    return v;
}

#endif
