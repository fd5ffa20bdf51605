#include "check.h"
#include "model/score.h"

#include <math.h>

int main(void)
{
    struct score s;
    const float z[] = {1, 3, 2, 3, -1, 0, 2.5F};
    score_logits(&s, z, 7, 2, 1);
    CHECK(s.tops == 5);
    CHECK(s.top[0] == 1 && s.top[1] == 3 && s.top[2] == 6 && s.top[3] == 2 && s.top[4] == 0);
    double sum = 0, entropy = 0;
    for (int i = 0; i < 7; i++)
        sum += exp((double)z[i]);
    for (int i = 0; i < 7; i++)
        entropy -= exp((double)z[i]) / sum * log(exp((double)z[i]) / sum);
    CHECK_NEAR(s.prob[0], exp(3) / sum, 1e-15);
    CHECK_NEAR(s.prob[4], exp(1) / sum, 1e-15);
    CHECK_NEAR(s.entropy, entropy, 1e-14);
    CHECK_NEAR(s.p_true, exp(2) / sum, 1e-15);
    CHECK_NEAR(s.loss, -log(exp(2) / sum), 1e-14);
    CHECK(s.rank_true == 4);
    CHECK_NEAR(s.margin, -1, 0);

    /* Of equal logits the lower class goes first. */
    score_logits(&s, z, 7, 3, 1);
    CHECK(s.rank_true == 2);
    CHECK_NEAR(s.margin, 0, 0);
    score_logits(&s, z, 7, 1, 1);
    CHECK(s.rank_true == 1);

    score_logits(&s, z, 7, -1, 1);
    CHECK(isnan(s.p_true) && isnan(s.loss) && isnan(s.margin));

    score_logits(&s, z, 1, 0, 1);
    CHECK(s.tops == 1);
    CHECK_NEAR(s.prob[0], 1, 0);
    CHECK_NEAR(s.loss, 0, 0);
    CHECK_NEAR(s.entropy, 0, 0);
    CHECK(isnan(s.margin));

    /* A temperature divides the logits of the softmax, and changes neither order nor margin. */
    const float warm[] = {1, 3, 2};
    score_logits(&s, warm, 3, 0, 2);
    double total = 1 + exp(-.5) + exp(-1);
    CHECK(s.top[0] == 1 && s.top[1] == 2 && s.top[2] == 0 && s.rank_true == 3);
    CHECK_NEAR(s.prob[0], 1 / total, 1e-15);
    CHECK_NEAR(s.prob[1], exp(-.5) / total, 1e-15);
    CHECK_NEAR(s.p_true, exp(-1) / total, 1e-15);
    CHECK_NEAR(s.loss, log(total) + 1, 1e-15);
    CHECK_NEAR(s.entropy, log(total) + (.5 * exp(-.5) + exp(-1)) / total, 1e-15);
    CHECK_NEAR(s.margin, -2, 0);

    /* Logits far apart neither overflow nor lose the loss. */
    const float far[] = {-3e38F, 3e38F, 0};
    score_logits(&s, far, 3, 2, 1);
    CHECK_NEAR(s.prob[0], 1, 0);
    CHECK_NEAR(s.loss / 3e38, 1, 1e-6);
    CHECK_NEAR(s.entropy, 0, 0);
    CHECK(s.rank_true == 2);
    return CHECK_DONE();
}
