#include "faith/order.h"

#include "base/mem.h"
#include "base/random.h"

#include <stdlib.h>
#include <string.h>

struct place {
    float value;
    uint32_t tie, at;
};

static int by_value(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    if (x->value != y->value)
        return x->value > y->value ? -1 : 1;
    if (x->tie != y->tie)
        return x->tie < y->tie ? -1 : 1;
    return x->at < y->at ? -1 : 1;
}

void order_make(const float *value, const uint32_t *tie, size_t n, uint32_t *at)
{
    struct place *place = mem_alloc(n, sizeof *place);
    for (size_t i = 0; i < n; i++)
        place[i] = (struct place){value[i], tie[i], (uint32_t)i};
    qsort(place, n, sizeof *place, by_value);
    for (size_t i = 0; i < n; i++)
        at[i] = place[i].at;
    free(place);
}

uint64_t order_state(uint64_t seed, int64_t id, enum order_use use)
{
    uint64_t state = seed;
    state = random_next(&state) ^ (uint64_t)id;
    state = random_next(&state) ^ (uint64_t)use;
    return random_next(&state);
}

struct drawn {
    uint64_t key;
    size_t at;
};

static int by_key(const void *a, const void *b)
{
    const struct drawn *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return x->at < y->at ? -1 : 1;
}

size_t order_sample(uint64_t seed, const int64_t *id, size_t n, int64_t count, bool *taken)
{
    const bool all = count == 0 || (uint64_t)count >= n;
    for (size_t i = 0; i < n; i++)
        taken[i] = all;
    if (all)
        return n;
    struct drawn *list = mem_alloc(n, sizeof *list);
    for (size_t i = 0; i < n; i++)
        list[i] = (struct drawn){order_state(seed, id[i], ORDER_SAMPLE), i};
    qsort(list, n, sizeof *list, by_key);
    for (int64_t i = 0; i < count; i++)
        taken[list[i].at] = true;
    free(list);
    return (size_t)count;
}

size_t order_keep(uint64_t seed, void *row, size_t n, size_t size, int64_t count)
{
    char *rows = row;
    int64_t *id = mem_alloc(n + 1, sizeof *id);
    bool *taken = mem_alloc(n + 1, sizeof *taken);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        memcpy(&id[i], rows + i * size, sizeof *id);
    order_sample(seed, id, n, count, taken);
    for (size_t i = 0; i < n; i++)
        if (taken[i])
            memmove(rows + kept++ * size, rows + i * size, size);
    free(id);
    free(taken);
    return kept;
}

void order_ties(uint64_t seed, int64_t id, enum order_use use, uint32_t *tie, size_t n)
{
    uint64_t state = order_state(seed, id, use);
    for (size_t i = 0; i < n; i++)
        tie[i] = (uint32_t)(random_next(&state) >> 32);
}
