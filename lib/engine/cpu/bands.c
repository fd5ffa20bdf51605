/* Rows of several operations one after another, so that what lies between them stays in a cache:
 * of what only they read, some rows are kept at a time. */
#include "engine/cpu/kinds.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum {
    BAND_STAYS = 512 << 10, /* of a microbatch's value, what stays in a cache without one */
    BAND_BYTES = 1 << 20,   /* most of the rows of a band, about */
    BAND_CACHE = 3 << 19,   /* most of them and of weights that stay in a second cache */
    BAND_CALL = 4 << 10,    /* what could be read while an operation is begun for some rows */
    BAND_ROWS = 2           /* least of the last value at a time */
};

struct rows {
    int begin, end;
};

/* How far a band is: rows that are there, and the first of them that is kept. */
struct reach {
    int done[BAND_ITEMS], base[BAND_ITEMS];
};

static const struct graph_op *op_of(const struct cpu *c, const struct band_item *t)
{
    return t->op >= 0 ? &c->work.graph->op[t->op] : NULL;
}

static int height(const struct cpu *c, const struct band_item *t)
{
    return c->work.graph->value[t->value].h;
}

static bool has_windows(const struct graph_op *op)
{
    return op->kind == GRAPH_CONV || op->kind == GRAPH_MAX_POOL || op->kind == GRAPH_MEAN_POOL;
}

/* Rows of input k of which those rows of the result are made. */
static struct rows rows_of(const struct graph *g, const struct graph_op *op, int k, struct rows y)
{
    const int h = g->value[op->in[k]].h;
    if (k > 0 || !has_windows(op))
        return h == 1 ? (struct rows){0, 1} : y;
    const struct graph_axis *a = &op->y;
    int begin = y.begin * a->stride - a->before,
        end = (y.end - 1) * a->stride - a->before + (a->k - 1) * (a->gap + 1) + 1;
    begin = begin < 0 ? 0 : begin > h ? h : begin;
    end = end > h ? h : end < begin ? begin : end;
    return (struct rows){begin, end};
}

/* --- which operations --- */

static bool takes_rows(const struct cpu *c, int i)
{
    const struct graph *g = c->work.graph;
    const struct graph_op *op = &g->op[i];
    if (op->kind == GRAPH_CONV && op->groups == 1) {
        const struct conv_spec s = cpu_conv_spec(c, op, false);
        return conv_choose(&s) == CONV_DIRECT;
    }
    return op->kind == GRAPH_CONV ? cpu_group(c, op, false) > 0
                                  : (kinds[op->kind].does & KIND_ROWS) &&
                                        !(op->kind == GRAPH_MAX_POOL && op->y.gap > 0);
}

static size_t row_bytes(const struct cpu *c, int value)
{
    const struct graph_value *v = &c->work.graph->value[value];
    const size_t cell = (size_t)c->images * (size_t)cpu_pitch(c, v->c) + (size_t)cpu_gap(c, v->c);
    return (size_t)v->w * cell * sizeof(float);
}

static int item_of(const struct band *b, int value)
{
    for (int i = 0; i < b->items; i++)
        if (b->item[i].value == value)
            return i;
    return -1;
}

/* A function that the convolution before it does, in place. */
static bool is_fused(const struct cpu *c, int op)
{
    const struct graph_op *at = &c->work.graph->op[op];
    return op > 0 && cpu_fuses(c, at - 1, at);
}

/* The input is one, too, where the first operation reads it. */
static void add_item(const struct cpu *c, struct band *b, int op)
{
    const struct graph *g = c->work.graph;
    struct band_item t = {.op = op, .value = op >= 0 ? g->op[op].out : 0, .from = {-1, -1}};
    for (int k = 0; op >= 0 && k < g->op[op].ins; k++)
        t.from[k] = item_of(b, g->op[op].in[k]);
    t.slot = op > 0 && is_fused(c, op) && t.from[0] >= 0 ? t.from[0] : b->items;
    b->item[b->items++] = t;
}

/* --- in what order --- */

/* The rows of each item at the end of the next step, in need[]; false behind the last one. */
static bool next_step(const struct cpu *c, const struct band *b, const struct reach *r, int *need)
{
    const int last = b->items - 1, h = height(c, &b->item[last]), y = r->done[last] + b->rows;
    if (r->done[last] == h)
        return false;
    for (int i = 0; i < b->items; i++)
        need[i] = y < h ? 0 : height(c, &b->item[i]);
    if (y >= h)
        return true;
    need[last] = y;
    for (int i = last; i >= 0; i--) {
        const struct band_item *t = &b->item[i];
        need[i] = need[i] > r->done[i] ? need[i] : r->done[i];
        for (int k = 0; k < GRAPH_INPUTS; k++)
            if (t->from[k] >= 0 && need[i] > 0) {
                const int end =
                    rows_of(c->work.graph, op_of(c, t), k, (struct rows){0, need[i]}).end;
                need[t->from[k]] = end > need[t->from[k]] ? end : need[t->from[k]];
            }
    }
    return true;
}

/* The first row of a slot that is read again. */
static int first_kept(const struct cpu *c, const struct band *b, const struct reach *r, int slot)
{
    int first = r->done[slot];
    for (int i = 0; i < b->items; i++)
        for (int k = 0; k < GRAPH_INPUTS; k++) {
            const struct band_item *t = &b->item[i];
            if (t->from[k] < 0 || b->item[t->from[k]].slot != slot || r->done[i] == height(c, t))
                continue;
            const struct rows y = {r->done[i], r->done[i] + 1};
            const int begin = rows_of(c->work.graph, op_of(c, t), k, y).begin;
            first = begin < first ? begin : first;
        }
    return first;
}

/* Fills the items' rows; bytes of all slots that are no whole values. */
static size_t measure(const struct cpu *c, struct band *b)
{
    struct reach r = {0};
    int need[BAND_ITEMS];
    size_t bytes = 0;
    for (int i = 0; i < b->items; i++)
        b->item[i].rows = 0;
    while (next_step(c, b, &r, need)) {
        for (int i = 0; i < b->items; i++) {
            struct band_item *t = &b->item[b->item[i].slot];
            const int rows = need[i] - r.base[b->item[i].slot];
            t->rows = rows > t->rows ? rows : t->rows;
            r.done[i] = need[i];
        }
        for (int i = 0; i < b->items; i++)
            if (b->item[i].slot == i && !b->item[i].whole)
                r.base[i] = first_kept(c, b, &r, i);
    }
    for (int i = 0; i < b->items; i++)
        if (b->item[i].slot == i && !b->item[i].whole)
            bytes += (size_t)b->item[i].rows * row_bytes(c, b->item[i].value);
    return bytes;
}

/* As many rows at a time as fit. */
static void choose_rows(const struct cpu *c, struct band *b)
{
    const int h = height(c, &b->item[b->items - 1]);
    b->rows = BAND_ROWS;
    while (2 * b->rows <= h) {
        b->rows *= 2;
        if (measure(c, b) > BAND_BYTES) {
            b->rows /= 2;
            break;
        }
    }
}

/* Of a value of a microbatch, what does not stay in the second cache. */
static size_t value_bytes(const struct cpu *c, int value)
{
    const size_t all = row_bytes(c, value) * (size_t)c->work.graph->value[value].h;
    return all > BAND_STAYS ? all - BAND_STAYS : 0;
}

/* Operation `last` behind those of a band, whose first is `first`; false where it cannot be. */
static bool extend(const struct cpu *c, struct band *b, int first, int last)
{
    const struct graph *g = c->work.graph;
    if (last == first) {
        *b = (struct band){.first = first, .rows = BAND_ROWS};
        if (is_fused(c, first))
            return false;
        if (first == 0 && g->op[0].in[0] == 0)
            add_item(c, b, -1);
    }
    const int before = b->items;
    if (before == BAND_ITEMS || !takes_rows(c, last))
        return false;
    add_item(c, b, last);
    b->last = last;
    const struct band_item *t = &b->item[before];
    return last == first ||
           ((t->from[0] >= 0 || t->from[1] >= 0) && value_bytes(c, g->op[last - 1].out) > 0 &&
            measure(c, b) <= BAND_BYTES);
}

/* Whether one of the operations from `first` to `last` reads a value. */
static bool is_read(const struct graph *g, int value, int first, int last)
{
    for (int i = first; i <= last; i++)
        for (int k = 0; k < g->op[i].ins; k++)
            if (g->op[i].in[k] == value)
                return true;
    return false;
}

/* Of the packed weights of a convolution; of one of groups, which has few, none. */
static size_t weight_bytes(const struct cpu *c, int i)
{
    const struct graph_op *op = &c->work.graph->op[i];
    if (op->kind != GRAPH_CONV || op->groups > 1)
        return 0;
    const struct conv_spec s = cpu_conv_spec(c, op, false);
    return conv_weights(&s);
}

/* Bytes of a microbatch that pass between the second cache and what lies behind it: of values that
 * a band does not make itself or that are read later, and of weights that are read again as they do
 * not stay beside its rows. last_read: by value, the last operation that reads it. weight: by
 * operation, weight_bytes(). */
static size_t band_traffic(const struct cpu *c, const struct band *b, const int *last_read,
                           const size_t *weight)
{
    struct band tall = *b;
    const struct graph *g = c->work.graph;
    size_t bytes = 0, weights = 0;
    for (int i = b->first; i <= b->last; i++) {
        const struct graph_op *op = &g->op[i];
        for (int k = 0; k < op->ins; k++)
            if (item_of(b, op->in[k]) < 0 && !is_read(g, op->in[k], b->first, i - 1))
                bytes += value_bytes(c, op->in[k]);
        if (last_read[op->out] > b->last)
            bytes += value_bytes(c, op->out);
        weights += weight[i];
    }
    choose_rows(c, &tall);
    const size_t times = (size_t)(height(c, &b->item[b->items - 1]) / tall.rows);
    return bytes + times * ((size_t)b->items * BAND_CALL +
                            (measure(c, &tall) + weights > BAND_CACHE ? weights : 0));
}

/* The same of an operation alone. */
static size_t lone_traffic(const struct cpu *c, int i)
{
    const struct graph_op *op = &c->work.graph->op[i];
    if (is_fused(c, i))
        return 0;
    size_t bytes = value_bytes(c, op->out) + (i == 0 ? value_bytes(c, 0) : 0);
    for (int k = 0; k < op->ins; k++)
        bytes += value_bytes(c, op->in[k]);
    return bytes;
}

static void add_band(struct cpu *c, int first, int last)
{
    struct band b;
    for (int i = first; i <= last; i++) {
        extend(c, &b, first, i);
        c->group[i] = (struct plan_group){first, last};
    }
    choose_rows(c, &b);
    c->band = mem_grow(c->band, (size_t)c->bands + 1, sizeof *c->band);
    c->band[c->bands++] = b;
}

/* What moves the fewest bytes. */
void cpu_find_bands(struct cpu *c)
{
    const struct engine_opts *o = &c->work.opts;
    const int ops = c->work.graph->ops, n = c->narrow;
    c->group = mem_alloc((size_t)ops, sizeof *c->group);
    for (int i = 0; i < ops; i++)
        c->group[i] = (struct plan_group){i, i};
    if (c->bf16 || engine_wants(o, ENGINE_SUMS))
        return;
    /* Of the operations before each, and the first of the band that ends there, or -1. */
    size_t *least = mem_alloc((size_t)n + 1, sizeof *least),
           *weight = mem_alloc((size_t)n + 1, sizeof *weight);
    int *from = mem_alloc((size_t)n + 1, sizeof *from),
        *last_read = mem_zero((size_t)c->work.graph->values, sizeof *last_read);
    for (int i = 0; i <= n; i++)
        least[i] = i > 0 ? SIZE_MAX : 0;
    for (int i = 0; i < ops; i++)
        for (int k = 0; k < c->work.graph->op[i].ins; k++)
            last_read[c->work.graph->op[i].in[k]] = i;
    for (int i = 0; i < n; i++)
        weight[i] = weight_bytes(c, i);
    for (int first = 0; first < n; first++) {
        struct band b;
        const size_t lone = least[first] + lone_traffic(c, first);
        if (lone <= least[first + 1]) {
            least[first + 1] = lone;
            from[first + 1] = -1;
        }
        for (int last = first; last < n && extend(c, &b, first, last); last++) {
            const size_t all =
                b.items > 1 ? least[first] + band_traffic(c, &b, last_read, weight) : SIZE_MAX;
            if (all < least[last + 1]) {
                least[last + 1] = all;
                from[last + 1] = first;
            }
        }
    }
    for (int i = n; i > 0; i = from[i] < 0 ? i - 1 : from[i])
        if (from[i] >= 0)
            add_band(c, from[i], i - 1);
    for (int i = 0; i < c->bands / 2; i++) {
        const struct band b = c->band[i];
        c->band[i] = c->band[c->bands - 1 - i];
        c->band[c->bands - 1 - i] = b;
    }
    free(least);
    free(weight);
    free(from);
    free(last_read);
}

/* Values that lie in one buffer share a slot; those that are read later are there as a whole. */
void cpu_settle_bands(struct cpu *c)
{
    for (struct band *b = c->band; b < c->band + c->bands; b++) {
        for (int i = 0; i < b->items; i++) {
            int k = 0;
            while (c->plan.act[b->item[k].value] != c->plan.act[b->item[i].value])
                k++;
            b->item[i].slot = k;
        }
        for (int i = 0; i < b->items; i++)
            if (c->plan.use[b->item[i].value] > b->last || c->plan.wide[b->item[i].value])
                b->item[b->item[i].slot].whole = true;
        measure(c, b);
    }
}

/* --- computing --- */

/* Where row y of an item's slot is, or of a value that is there as a whole. */
static char *row_at(const struct worker *w, const struct band *b, const struct reach *r, int item,
                    int value, int microbatch, int y)
{
    const struct cpu *c = w->cpu;
    const int base = item < 0 ? 0 : r->base[b->item[item].slot];
    return (char *)cpu_act(w, value, microbatch) + (size_t)(y - base) * row_bytes(c, value);
}

static void run_rows(struct worker *w, const struct engine_batch *batch, const struct band *b,
                     const struct reach *r, int item, struct rows y, int microbatch)
{
    const struct cpu *c = w->cpu;
    const struct band_item *t = &b->item[item];
    const struct graph_op *op = op_of(c, t);
    char *out = row_at(w, b, r, item, t->value, microbatch, y.begin);
    if (!op) {
        cpu_run_input(w, batch, microbatch, y.begin, y.end, out);
        return;
    }
    struct call k = {.y = out, .microbatches = 1, .y0 = y.begin, .y1 = y.end};
    const double since = cpu_start(w);
    for (int j = 0; j < op->ins; j++) {
        const int begin = rows_of(c->work.graph, op, j, y).begin;
        k.x[j] = row_at(w, b, r, t->from[j], op->in[j], microbatch, begin);
        k.x0 = j == 0 ? begin : k.x0;
    }
    kinds[op->kind].forward(w, &c->step[t->op], &k);
    cpu_stop(w, TIMES + t->op, since);
}

/* Moves the rows that are read again to where the slot begins. */
static void slide(const struct worker *w, const struct band *b, struct reach *r, int slot,
                  int microbatch)
{
    const struct cpu *c = w->cpu;
    const int value = b->item[slot].value, kept = first_kept(c, b, r, slot);
    char *from = row_at(w, b, r, slot, value, microbatch, kept);
    const int rows = r->done[slot] - kept;
    r->base[slot] = kept;
    memmove(cpu_act(w, value, microbatch), from, (size_t)rows * row_bytes(c, value));
}

void cpu_run_band(struct worker *w, const struct engine_batch *batch, const struct band *b,
                  int microbatch)
{
    struct reach r = {0};
    int need[BAND_ITEMS];
    while (next_step(w->cpu, b, &r, need)) {
        for (int i = 0; i < b->items; i++) {
            if (need[i] > r.done[i])
                run_rows(w, batch, b, &r, i, (struct rows){r.done[i], need[i]}, microbatch);
            r.done[i] = need[i];
        }
        for (int i = 0; i < b->items; i++)
            if (b->item[i].slot == i && !b->item[i].whole)
                slide(w, b, &r, i, microbatch);
    }
}

int cpu_kept_rows(const struct cpu *c, int value)
{
    for (const struct band *b = c->band; b < c->band + c->bands; b++) {
        const int i = item_of(b, value);
        if (i >= 0 && !b->item[b->item[i].slot].whole)
            return b->item[b->item[i].slot].rows;
    }
    return c->work.graph->value[value].h;
}
