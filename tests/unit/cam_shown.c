/* Maps as pictures show them. */
#include "cam/cam.h"
#include "cam/shown.h"

#include "check.h"

static void test_normalised(void)
{
    CHECK(shown_normalised((const float[]){0, 0.5F, 1}, 3));
    CHECK(shown_normalised((const float[]){0.0009F, 0.5F, 0.9991F}, 3));
    CHECK(!shown_normalised((const float[]){0.001F, 0.5F, 1}, 3));
    CHECK(!shown_normalised((const float[]){0, 0.5F, 0.999F}, 3));
    CHECK(!shown_normalised((const float[]){-1e-6F, 0.5F, 1}, 3));
    CHECK(!shown_normalised((const float[]){0, 0.5F, 1.000001F}, 3));
    CHECK(!shown_normalised((const float[]){0, 0, 0}, 3));
}

static bool same(const float *a, const float *b, int n)
{
    for (int i = 0; i < n; i++)
        if (a[i] != b[i])
            return false;
    return true;
}

static void test_heat(void)
{
    const float raw[] = {-1, 0, 2, 4}, done[] = {0.0005F, 0.25F, 0.5F, 1};
    float out[16], scratch[4], want[16], copy[4];
    shown_heat(raw, 4, NULL, scratch, out, 4);
    for (int i = 0; i < 4; i++)
        CHECK_NEAR(out[i], raw[i] > 0 ? raw[i] / 4 : 0, 1e-6);
    shown_heat(done, 4, NULL, scratch, out, 4); /* stays as it is */
    for (int i = 0; i < 4; i++)
        CHECK(out[i] == done[i]);
    struct resize *r = resize_new(2, 2, 4, 4);
    shown_heat(raw, 4, r, scratch, out, 16);
    memcpy(copy, raw, sizeof copy);
    cam_finish(copy, 4, 0, r, want, 16);
    CHECK(same(out, want, 16));
    shown_signed(raw, 4, r, out);
    resize_run(r, raw, want);
    CHECK(same(out, want, 16));
    resize_free(r);
    shown_signed(raw, 4, NULL, out);
    CHECK(same(out, raw, 4));
}

int main(void)
{
    test_normalised();
    test_heat();
    CHECK(shown_limit((const float[]){-3, 2}, 2, 1) == 3);
    CHECK(shown_limit((const float[]){-3, 2}, 2, 4) == 4);
    CHECK(shown_broken((const float[]){0, 1}, 2) == -1);
    CHECK(shown_broken((const float[]){0, INFINITY, NAN}, 3) == 1);
    return CHECK_DONE();
}
