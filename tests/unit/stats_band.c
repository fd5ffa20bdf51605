/* Bands of confidence: each bound belongs to the band below it. */
#include "check.h"
#include "stats/band.h"

#include <math.h>
#include <string.h>

int main(void)
{
    static const struct {
        double conf;
        enum band band;
        const char *name;
    } edges[] = {
        {0, BAND_LOW, "low"},     {0.5, BAND_LOW, "low"},       {0.7, BAND_MODERATE, "moderate"},
        {0.9, BAND_HIGH, "high"}, {1, BAND_HIGHEST, "highest"},
    };
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
        CHECK(band_of(edges[i].conf) == edges[i].band);
        CHECK(strcmp(band_name(edges[i].band), edges[i].name) == 0);
        if (edges[i].conf < 1 && edges[i].conf > 0)
            CHECK(band_of(nextafter(edges[i].conf, 1)) == edges[i].band + 1);
    }
    return CHECK_DONE();
}
