/* Calibration: the error, its two parts, and what chance gives. */
#include "check.h"

#include "stats/calibration.h"

/* `images` with one confidence, `correct` of them correct. */
static void fill(struct calibration *c, double conf, int images, int correct)
{
    for (int i = 0; i < images; i++)
        calibration_add(c, conf, i < correct);
}

static void test_parts(void)
{
    struct calibration c = {0};
    CHECK(isnan(calibration_error(&c).ece) && isnan(calibration_error(&c).p));
    /* The means are equal, and no bin is right: opposite errors cancel in the mean alone. */
    fill(&c, .9, 100, 50);
    fill(&c, .4, 100, 80);
    struct calibration_error e = calibration_error(&c);
    CHECK_NEAR(e.ece, .4, 1e-12);
    CHECK_NEAR(e.mce, .4, 1e-12);
    CHECK_NEAR(e.over, .2, 1e-12);
    CHECK_NEAR(e.under, .2, 1e-12);
    CHECK(e.p < 1e-9 && e.over_p < 1e-9 && e.under_p < 1e-9);
}

static void test_chance(void)
{
    struct calibration c = {0};
    fill(&c, .8, 400, 320);
    struct calibration_error e = calibration_error(&c);
    CHECK_NEAR(e.ece, 0, 1e-12);
    CHECK_NEAR(e.chance, sqrt(2 * 400 * .16 / 3.14159265358979) / 400, 1e-9);
    CHECK(e.p > .5);
    /* A bin that is two standard deviations off is no finding, one that is five off is. */
    fill(&c, .5, 100, 40);
    CHECK(calibration_error(&c).p > .01);
    fill(&c, .3, 100, 55);
    e = calibration_error(&c);
    CHECK(e.p < .01 && e.under_p < .01 && e.over_p > .01);
    /* Confidences of 1 leave nothing to chance. */
    c = (struct calibration){0};
    fill(&c, 1, 10, 10);
    CHECK_NEAR(calibration_error(&c).p, 1, 0);
    fill(&c, 1, 10, 9);
    CHECK_NEAR(calibration_error(&c).p, 0, 0);
}

int main(void)
{
    test_parts();
    test_chance();
    return CHECK_DONE();
}
