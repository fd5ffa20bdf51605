#include "model/chain.h"

#include "base/mem.h"
#include "model/design.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- the text --- */

static char take(const char **text, const char *of)
{
    return **text && strchr(of, **text) ? *(*text)++ : '\0';
}

int chain_next(const char **text, struct chain_unit *u)
{
    if (!**text || strchr("/*", **text))
        return 0;
    u->opens = take(text, "(") != '\0';
    u->conv = take(text, "csv");
    u->before = take(text, "b") != '\0';
    u->inner = take(text, "MA");
    u->close = take(text, ")]}");
    u->pool = take(text, "map");
    u->side = (u->pool == 'm' || u->pool == 'a') && take(text, "4") ? 4 : 2;
    u->dropped = 0;
    if (take(text, "d"))
        for (int i = 0; i < 2 && **text >= '0' && **text <= '9'; i++)
            u->dropped = 10 * u->dropped + *(*text)++ - '0';
    return u->conv ? 1 : -1;
}

bool chain_end(const char *text, enum chain_end *end, double *factor)
{
    static const char *const ends[] = {"/max", "/average", "/flat"};
    text += strcspn(text, "/*");
    *end = CHAIN_END_USUAL;
    *factor = 1;
    for (int i = 0; i < 3 && *text == '/'; i++)
        if (strncmp(text, ends[i], strlen(ends[i])) == 0) {
            text += strlen(ends[i]);
            *end = (enum chain_end)(i + 1);
        }
    if (*text == '*') {
        char *behind;
        *factor = strtod(text + 1, &behind);
        text = behind == text + 1 || !(*factor > 0) || !isfinite(*factor) ? text : behind;
    }
    return *text == '\0';
}

int chain_units(const char *text)
{
    struct chain_unit u;
    enum chain_end end;
    double factor;
    int n = 0, r;
    bool open = false, right = chain_end(text, &end, &factor);
    while ((r = chain_next(&text, &u)) > 0 && right) {
        right = !(open && u.opens);
        open = open || u.opens;
        right = right && !(u.close && !open);
        open = open && !u.close;
        n++;
    }
    return r == 0 && right && n > 0 ? n : -1;
}

/* --- the network --- */

/* All of it by the shapes alone, until images say more. */
static void suppose(struct build *b)
{
    const int units = b->reading->units;
    memset(b->assume.chain, 'c', (size_t)units);
    b->assume.chain[units] = '\0';
}

static void settle(struct build *b, struct design_usual *u)
{
    struct found *f = &b->found;
    struct chain_unit unit;
    if (!*b->assume.chain)
        suppose(b);
    u->side = 32;
    f->stages = 0;
    bool next = true;
    for (const char *text = b->assume.chain; chain_next(&text, &unit) > 0;) {
        if (next && f->stages < FAMILY_STAGES)
            f->stages++;
        f->blocks[f->stages - 1]++;
        next = unit.pool || unit.inner || unit.conv == 's';
    }
}

struct walk {
    int unit, stage, block;
    int open; /* the value that is added later, or -1 */
};

static int add_pool(struct build *b, char how, int side, int in, struct err *e)
{
    if (!how || in < 0)
        return in;
    if (how == 'p')
        return design_pool(b, GRAPH_MAX_POOL, in, 3, 2, 1, false, e);
    return design_pool(b, how == 'm' || how == 'M' ? GRAPH_MAX_POOL : GRAPH_MEAN_POOL, in, side,
                       side, 0, false, e);
}

/* A convolution with its norm, in the order that the unit says. */
static int add_layers(struct build *b, const struct chain_unit *u, int number, int in, int addend,
                      enum graph_act act, struct err *e)
{
    char conv[16], norm[16];
    const bool apart = u->before || u->inner;
    snprintf(conv, sizeof conv, "c%d", number);
    snprintf(norm, sizeof norm, "n%d", number);
    struct want w = {.k = -1,
                     .stride = u->conv == 's' ? 2 : 1,
                     .width = -1,
                     .valid = u->conv == 'v',
                     .addend = apart ? -1 : addend,
                     .act = u->before || !apart ? act : GRAPH_NONE,
                     .grouped = true};
    int x = design_conv(b, conv, apart ? NULL : norm, in, &w, e);
    if (!apart || x < 0)
        return x;
    x = add_pool(b, u->inner, 2, x, e);
    w = (struct want){.addend = addend, .act = u->before ? GRAPH_NONE : act};
    return x < 0 ? -1 : design_norm(b, norm, x, &w, e);
}

static int add_unit(struct build *b, struct walk *w, const struct chain_unit *u, int in,
                    struct err *e)
{
    const struct origin none = {.w = NULL};
    char conv[16];
    w->open = u->opens ? in : w->open;
    const bool inside = u->close == ']' || u->close == '}';
    int x = add_layers(b, u, w->unit, in, inside ? w->open : -1,
                       u->close == '}' ? GRAPH_NONE : GRAPH_RELU, e);
    if (x >= 0 && u->close == ')') {
        const struct graph_op sum = {.kind = GRAPH_ADD, .in = {x, w->open}, .ins = 2};
        x = build_add(b, &sum, &none, e);
    }
    if (x < 0)
        return -1;
    if (u->close)
        w->open = -1;
    snprintf(conv, sizeof conv, "c%d", w->unit++);
    design_call(b, x, w->stage, w->block++, structure_own(b->reading, conv));
    if (u->pool || u->inner || u->conv == 's') {
        w->stage++;
        w->block = 0;
    }
    x = add_pool(b, u->pool, u->side, x, e);
    return x < 0 || u->dropped == 0 || !b->opts->unfolded
               ? x
               : design_function(b, GRAPH_DROPOUT, (float)u->dropped / 100, 0, x, e);
}

/* The side of the grid that the first linear layer, or a norm in front of it, reads. */
static int grid(const struct build *b, int channels)
{
    const struct family *f = b->found.family;
    char part[FAMILY_KEY], key[FAMILY_KEY];
    const char *first = f->hidden[0].conv ? f->hidden[0].conv : build_linear_part(b, part);
    const struct ckpt_tensor *t = build_find(b, family_key(key, &b->found, 0, 0, first, "weight"));
    int side = 1;
    while (t && t->ndim >= 2 && (int64_t)channels * side * side < t->shape[1])
        side++;
    return side;
}

/* What becomes of all cells. Means are over as many areas as the linear layer reads. */
static int add_end(struct build *b, enum chain_end end, int in, struct err *e)
{
    const struct graph_value *v = &b->graph->value[in];
    const struct origin none = {.w = NULL};
    const int side = grid(b, v->c);
    struct graph_op op = {.kind = GRAPH_FLATTEN, .in = {in}, .ins = 1};
    if (end == CHAIN_END_MAX) {
        op.kind = GRAPH_MAX_POOL;
        op.y = graph_windows(v->h, 1, 0);
        op.x = graph_windows(v->w, 1, 0);
    } else if (end != CHAIN_END_FLAT || v->h * v->w == 1) {
        op.kind = GRAPH_GRID_POOL;
        op.y.k = op.x.k = side;
        if (side == 1)
            return build_average(b, in, e);
        op.in[0] = build_add(b, &op, &none, e);
        op = (struct graph_op){.kind = GRAPH_FLATTEN, .in = {op.in[0]}, .ins = 1};
    }
    return op.in[0] < 0 ? -1 : build_add(b, &op, &none, e);
}

static int operations(struct build *b, struct err *e)
{
    struct walk w = {.stage = 1, .open = -1};
    const char *text = b->assume.chain;
    struct chain_unit u;
    enum chain_end end;
    double factor;
    int x = 0;
    const int units = chain_units(text);
    /* Measuring may end before the network does. */
    const bool part = units > 0 && units < b->reading->units && b->opts->unfolded;
    if (units != b->reading->units && !part)
        return err_set(e, "%s: --assume chain: expected %d convolutions, found '%s'",
                       ckpt_name(b->ckpt), b->reading->units, text);
    while (x >= 0 && chain_next(&text, &u) > 0)
        x = add_unit(b, &w, &u, x, e);
    if (x < 0 || part)
        return x < 0 || build_average(b, x, e) < 0 ? -1 : 0;
    chain_end(text, &end, &factor);
    x = design_name(b, add_end(b, end, x, e), "pool", NULL);
    if (x < 0 || build_tail(b, x, e) < 0)
        return -1;
    b->origin[b->graph->ops - 1].factor = (float)factor;
    return 0;
}

const struct design design_chain = {
    .what = "plain net", .settle = settle, .operations = operations};
