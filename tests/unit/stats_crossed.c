/* Overlaps by chance: what is drawn, and from which images. */
#include "check.h"

#include "cam/cam.h"
#include "stats/crossed.h"

#include <math.h>
#include <string.h>

enum { CELLS = 16, IMAGES = 4000 };

/* A map with all its mass in one cell. */
static void peak(float *map, int cell)
{
    memset(map, 0, CELLS * sizeof *map);
    map[cell] = 1;
}

static void check_kinds(void)
{
    struct crossed *c = crossed_new(4, 4);
    float a[CELLS], b[CELLS], blank[CELLS] = {0};
    peak(a, 3);
    peak(b, 5);
    CHECK(isnan(crossed_overlap(c, true, a, a)));
    /* The other kind has no image yet, and a blank map is none. */
    CHECK(isnan(crossed_overlap(c, false, a, blank)));
    CHECK(isnan(crossed_overlap(c, false, a, b)));
    CHECK(crossed_overlap(c, true, a, b) == 1);
    CHECK(crossed_overlap(c, false, b, a) == 1);
    CHECK(isnan(crossed_overlap(c, true, blank, a)));
    crossed_free(c);
}

/* Of images whose two maps are the same cell of sixteen, even when they come in the order of the
 * cells, one sixteenth of the pairs share it. */
static void check_chance(void)
{
    struct crossed *c = crossed_new(4, 4), *again = crossed_new(4, 4);
    float map[CELLS];
    double sum = 0;
    int n = 0;
    for (int i = 0; i < IMAGES; i++) {
        peak(map, i * CELLS / IMAGES % CELLS);
        const double v = crossed_overlap(c, false, map, map);
        const double w = crossed_overlap(again, false, map, map);
        CHECK(v == w || (isnan(v) && isnan(w)));
        if (isnan(v))
            continue;
        sum += v;
        n++;
    }
    CHECK(n == IMAGES - 1);
    CHECK(sum / n < .2);
    crossed_free(c);
    crossed_free(again);
    c = crossed_new(4, 4);
    sum = n = 0;
    for (int i = 0; i < IMAGES; i++) {
        peak(map, i * 7 % CELLS);
        const double v = crossed_overlap(c, true, map, map);
        if (!isnan(v)) {
            sum += v;
            n++;
        }
    }
    CHECK(fabs(sum / n - 1. / CELLS) < .02);
    crossed_free(c);
}

int main(void)
{
    check_kinds();
    check_chance();
    return CHECK_DONE();
}
