/* Layers that are drawn anew: which tensors change, and what their numbers are like. */
#include "check.h"

#include "../engine/random_net.h"
#include "faith/randomise.h"

/* A stem, two stages of a block and of two, an average and a linear layer. */
static struct graph *net(void)
{
    struct graph *g = graph_new();
    int v = graph_add_value(g, 3, 8, 8, NULL, NULL);
    static const char *const names[] = {"conv1", "layer1.0", "layer2.0", "layer2.1"};

    for (int i = 0; i < 4; i++) {
        if (i > 0)
            v = net_add_conv(g, v, 16, 3, 1, -1, true);
        v = net_add_conv(g, v, 16, 3, 1, -1, true);
        g->value[v].name = mem_dup(names[i]);
    }
    v = net_add(g, &(struct graph_op){.kind = GRAPH_AVERAGE, .in = {v}, .ins = 1}, 0, 0);
    g->value[v].name = mem_dup("pool");
    net_add(g, &(struct graph_op){.kind = GRAPH_LINEAR, .in = {v}, .ins = 1, .channels = 9}, 1, 1);
    g->op[g->ops - 1].key = mem_dup("fc");
    return g;
}

static void moments(const float *v, size_t n, double *mean, double *deviation)
{
    double sum = 0, squares = 0;

    for (size_t i = 0; i < n; i++)
        sum += v[i];
    for (size_t i = 0; i < n; i++)
        squares += (v[i] - sum / (double)n) * (v[i] - sum / (double)n);
    *mean = sum / (double)n;
    *deviation = sqrt(squares / (double)n);
}

static void test_class(void)
{
    int times[4] = {0};

    for (uint64_t seed = 0; seed < 3000; seed++)
        times[randomise_class(2, 4, seed)]++;
    CHECK(times[2] == 0 && times[0] + times[1] + times[3] == 3000);
    for (int i = 0; i < 4; i++)
        CHECK(i == 2 || (times[i] > 850 && times[i] < 1150));
    CHECK(randomise_class(0, 2, 7) == 1 && randomise_class(1, 2, 7) == 0);
}

static int same(const float *a, const float *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (a[i] != b[i])
            return 0;
    return 1;
}

int main(void)
{
    struct err e;

    static const char *const layers[] = {"fc", "layer2", "layer1", "conv1"};
    static const int first[] = {7, 3, 1, 0, 8};
    struct graph *g, *other;
    char name[64];

    random_state = 1;
    g = net();
    random_state = 1;
    other = net();
    CHECK(randomise_layers(g) == 4);
    for (int i = 0; i < 4; i++) {
        randomise_name(g, i, name, sizeof name);
        CHECK_STR(name, layers[i]);
        randomise_layer(g, i, 5);
        for (int k = 0; k < g->ops; k++) {
            const size_t n = (size_t)graph_op_weights(g, &g->op[k]);
            double mean, deviation, was_mean, was;
            if (n == 0)
                continue;
            int changed = !same(g->op[k].w, other->op[k].w, n);
            CHECK(changed == (k >= first[i]));
            if (k == 8)
                continue;
            moments(g->op[k].w, n, &mean, &deviation);
            moments(other->op[k].w, n, &was_mean, &was);
            CHECK_NEAR(mean, was_mean, 4 * was / sqrt((double)n));
            CHECK_NEAR(deviation / was, 1, 4 / sqrt(2. * (double)n));
        }
    }
    /* Alone as among others. */
    CHECK(randomise_down_to(other, "layer3", 5, &e) < 0);
    CHECK_STR(e.msg, "layer 'layer3' is not one of fc, layer2, layer1, conv1");
    randomise_layer(other, 2, 5);
    CHECK(same(other->op[1].w, g->op[1].w, 16 * 16 * 9));
    CHECK(!same(other->op[2].w, g->op[1].w, 16 * 16 * 9));
    CHECK(randomise_down_to(other, "conv1", 5, &e) == 0);
    CHECK(same(other->op[0].w, g->op[0].w, 16 * 3 * 9));
    CHECK(same(other->op[8].w, g->op[8].w, 16 * 9));
    test_class();
    graph_free(g);
    graph_free(other);
    return CHECK_DONE();
}
