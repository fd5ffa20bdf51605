#include "check.h"

#include "stats/cluster.h"

#include <stdlib.h>

static void add(struct pairs *p, int truth, int pred, int64_t count)
{
    pairs_add(p, &(struct pair_row){.truth = truth, .pred = pred, .count = count, .reverse = -1});
}

static int place(const int *order, int n, int cls)
{
    for (int i = 0; i < n; i++)
        if (order[i] == cls)
            return i;
    return -1;
}

/* Every class once; the most confused ones beside each other. */
int main(void)
{
    enum { N = 9 };
    struct pairs p = {0};
    int order[N];
    add(&p, 0, 8, 5);
    add(&p, 8, 0, 4);
    add(&p, 3, 6, 8);
    add(&p, 6, 1, 7);
    add(&p, 1, 3, 6);
    add(&p, 0, 6, 1);
    cluster_classes(&p, N, order);
    for (int c = 0; c < N; c++)
        CHECK(place(order, N, c) >= 0);
    CHECK(abs(place(order, N, 0) - place(order, N, 8)) == 1);
    CHECK(abs(place(order, N, 3) - place(order, N, 6)) == 1);
    CHECK(abs(place(order, N, 6) - place(order, N, 1)) == 1);
    /* Those that are confused with none follow, in their order. */
    CHECK(order[5] == 2 && order[6] == 4 && order[7] == 5 && order[8] == 7);
    pairs_free(&p);
    return 0;
}
