#include "stats/breakdown.h"

#include "base/mem.h"
#include "stats/quantile.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_BITS = 6 };

struct numbered {
    double value;
    struct prediction image;
};

struct breakdown {
    struct breakdown_group *group; /* [n] */
    size_t n;
    size_t *slot; /* [1 << bits] a group's index plus 1, or 0; found by hash of the value */
    int bits;
    struct metrics missing;
    struct numbered *number; /* [numbers] */
    size_t numbers;
};

struct breakdown *breakdown_new(void)
{
    struct breakdown *b = mem_zero(1, sizeof *b);
    b->bits = FIRST_BITS;
    b->slot = mem_zero((size_t)1 << b->bits, sizeof *b->slot);
    return b;
}

void breakdown_free(struct breakdown *b)
{
    if (!b)
        return;
    for (size_t i = 0; i < b->n; i++)
        free(b->group[i].value);
    free(b->group);
    free(b->slot);
    free(b->number);
    free(b);
}

/* FNV-1a. */
static uint64_t hash(const char *p, size_t n)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)p[i]) * UINT64_C(0x100000001b3);
    return h ^ h >> 32;
}

/* The slot of a value, or the empty one where it would go: there is always one. */
static size_t *find(const struct breakdown *b, const char *text, size_t n)
{
    size_t mask = ((size_t)1 << b->bits) - 1, i = hash(text, n) & mask;
    for (; b->slot[i]; i = (i + 1) & mask) {
        const char *value = b->group[b->slot[i] - 1].value;
        if (strlen(value) == n && memcmp(value, text, n) == 0)
            break;
    }
    return &b->slot[i];
}

static void grow(struct breakdown *b)
{
    free(b->slot);
    b->bits++;
    b->slot = mem_zero((size_t)1 << b->bits, sizeof *b->slot);
    for (size_t i = 0; i < b->n; i++)
        *find(b, b->group[i].value, strlen(b->group[i].value)) = i + 1;
}

static struct breakdown_group *add_group(struct breakdown *b)
{
    b->group = mem_extend(b->group, b->n, b->n + 1, sizeof *b->group);
    struct breakdown_group *g = &b->group[b->n++];
    *g = (struct breakdown_group){.from = NAN, .to = NAN};
    return g;
}

int breakdown_text(struct breakdown *b, const char *text, size_t n, const struct prediction *a,
                   struct err *e)
{
    if (!text) {
        metrics_add(&b->missing, a);
        return 0;
    }
    size_t *slot = find(b, text, n);
    if (!*slot) {
        if (b->n == BREAKDOWN_GROUPS)
            return err_set(e,
                           "expected at most %d different values, found more: --quantiles 4 "
                           "makes groups of numbers",
                           BREAKDOWN_GROUPS);
        add_group(b)->value = mem_printf("%.*s", (int)n, text);
        *slot = b->n;
        if (2 * b->n > (size_t)1 << b->bits) {
            grow(b);
            slot = find(b, text, n);
        }
    }
    metrics_add(&b->group[*slot - 1].metrics, a);
    return 0;
}

void breakdown_number(struct breakdown *b, double value, const struct prediction *a)
{
    if (isnan(value)) {
        metrics_add(&b->missing, a);
        return;
    }
    b->number = mem_extend(b->number, b->numbers, b->numbers + 1, sizeof *b->number);
    b->number[b->numbers++] = (struct numbered){value, *a};
}

static bool is_number(const char *text)
{
    char *end;
    return isfinite(strtod(text, &end)) && end != text && *end == '\0';
}

static int by_text(const void *a, const void *b)
{
    const struct breakdown_group *x = a, *y = b;
    return strcmp(x->value, y->value);
}

static int by_number(const void *a, const void *b)
{
    const struct breakdown_group *x = a, *y = b;
    double p = strtod(x->value, NULL), q = strtod(y->value, NULL);
    return p != q ? (p > q) - (p < q) : by_text(a, b);
}

static int by_value(const void *a, const void *b)
{
    const struct numbered *x = a, *y = b;
    return (x->value > y->value) - (x->value < y->value);
}

static void divide(struct breakdown *b, int quantiles)
{
    size_t n = b->numbers, at = 0;
    if (n > 0)
        qsort(b->number, n, sizeof *b->number, by_value);
    for (int i = 0; i < quantiles && at < n; i++) {
        size_t end = (size_t)quantile_end((int64_t)n, quantiles, i);
        if (end <= at) /* the group before took its values, which are equal */
            continue;
        struct breakdown_group *g = add_group(b);
        g->quantile = i + 1;
        g->from = b->number[at].value;
        g->to = b->number[end - 1].value;
        for (; at < n && b->number[at].value <= g->to; at++)
            metrics_add(&g->metrics, &b->number[at].image);
    }
}

const struct breakdown_group *breakdown_end(struct breakdown *b, int quantiles, size_t *n)
{
    bool numbers = true;
    for (size_t i = 0; i < b->n && numbers; i++)
        numbers = is_number(b->group[i].value);
    if (b->n > 0)
        qsort(b->group, b->n, sizeof *b->group, numbers ? by_number : by_text);
    divide(b, quantiles);
    if (b->missing.images > 0)
        add_group(b)->metrics = b->missing;
    *n = b->n;
    return b->group;
}
