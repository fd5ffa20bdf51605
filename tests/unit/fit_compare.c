/* How fits compare, and what they are called. */
#include "fit/check.h"
#include "fit/measure.h"

#include "check.h"

static struct fit_figures of(double divergence)
{
    return (struct fit_figures){.divergence = divergence};
}

static const char *word(enum fit_outcome outcome, double divergence, bool proved)
{
    const struct fit_verdict v = {.outcome = outcome, .use = of(divergence), .proved = proved};
    CHECK(fit_confirms(&v) == (strcmp(fit_word(&v), "good") == 0));
    return fit_word(&v);
}

static void check_words(void)
{
    CHECK(strcmp(word(FIT_GOOD, .011, false), "good") == 0);
    CHECK(strcmp(word(FIT_GOOD, .02, false), "doubtful") == 0);
    CHECK(strcmp(word(FIT_GOOD, .02, true), "good") == 0);
    CHECK(strcmp(word(FIT_OTHER, .02, true), "bad") == 0);
    CHECK(strcmp(word(FIT_NONE, .4, false), "bad") == 0);
}

int main(void)
{
    const struct fit_figures none = of(INFINITY), zero = of(0), good = of(0.05), bad = of(0.0501),
                             other = of(0.15), third = of(0.1502);
    CHECK(fit_compare(&zero, &good) < 0 && fit_compare(&good, &zero) > 0);
    CHECK(fit_compare(&none, &none) == 0 && fit_compare(&good, &none) < 0);
    CHECK(fit_good(&good) && !fit_good(&bad) && !fit_good(&none));
    CHECK(fit_as_good(&bad, &good) && !fit_as_good(&good, &zero));
    const struct fit_figures near = of(0.0525), far = of(0.0527), little = of(0.0001);
    CHECK(fit_as_good(&near, &good) && !fit_as_good(&far, &good) && fit_as_good(&little, &zero));
    CHECK(!fit_clearly_better(&bad, &third) && fit_clearly_better(&good, &third));
    CHECK(!fit_clearly_better(&bad, &other) && fit_clearly_better(&zero, &good));
    CHECK(!fit_clearly_better(&none, &none));
    check_words();
    return CHECK_DONE();
}
