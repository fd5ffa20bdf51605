/* Layers: the values of a graph that have names, and where in the image their cells lie. */
#include "graph/graph.h"

#include "base/mem.h"
#include "base/text.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- names --- */

void graph_call(struct graph *g, int value, const char *name, bool early)
{
    const struct graph_value *v = &g->value[value];
    if (value == 0 || (v->name && strcmp(v->name, name) == 0))
        return;
    g->alias = mem_extend(g->alias, (size_t)g->aliases, (size_t)g->aliases + 1, sizeof *g->alias);
    g->alias[g->aliases++] = (struct graph_alias){value, mem_dup(name), early};
}

const char *graph_name(const struct graph *g, int value)
{
    const char *name = g->value[value].name;
    for (int i = 0; i < g->aliases && !name; i++)
        if (g->alias[i].value == value)
            name = g->alias[i].name;
    return name;
}

/* "layer3" stands for "layer3.0", "layer3.1". */
static bool is_inside(const char *name, const char *of)
{
    size_t n = strlen(of);
    return name && strncmp(name, of, n) == 0 && name[n] == '.';
}

static bool is(const char *name, const char *of)
{
    return name && strcmp(name, of) == 0;
}

/* The layer that is called so or, of a stage, the last one inside it; -1 for none. */
static int find(const struct graph *g, const struct graph_grid *grid, const char *name)
{
    int inside = -1;
    for (int i = 1; i < g->values; i++) {
        const struct graph_value *v = &g->value[i];
        if (grid[i].h == 0)
            continue;
        if (is(v->name, name) || is(v->key, name))
            return i;
        if (is_inside(v->name, name) || is_inside(v->key, name))
            inside = i;
    }
    for (int i = 0; i < g->aliases; i++) {
        const struct graph_alias *a = &g->alias[i];
        if (grid[a->value].h == 0)
            continue;
        if (is(a->name, name))
            return a->value;
        if (is_inside(a->name, name) && a->value > inside)
            inside = a->value;
    }
    return inside;
}

/* Whether any layer has a name of its own. */
static bool has_own(const struct graph *g, const struct graph_grid *grid)
{
    for (int i = 1; i < g->values; i++)
        if (g->value[i].name && grid[i].h > 0)
            return true;
    return false;
}

/* Which layers there are instead, a stage before its blocks. */
static int refuse(const struct graph *g, const struct graph_grid *grid, const char *name,
                  struct err *e)
{
    char list[512] = "", said[NEAREST_ROOM];
    const char *before = NULL;
    size_t at = 0;
    struct nearest near = {.word = name, .n = strlen(name)};
    const bool own = has_own(g, grid);
    for (int i = 1; i < g->values; i++) {
        const char *layer = own ? g->value[i].name : graph_name(g, i);
        if (!layer || grid[i].h == 0)
            continue;
        /* Another number is not a slip of the keyboard. */
        if (strncmp(name, layer, strcspn(layer, "0123456789")) != 0)
            nearest_offer(&near, layer, strcspn(layer, "."));
        size_t stage = strcspn(layer, ".");
        if (at < sizeof list && own && layer[stage] &&
            !(before && strncmp(before, layer, stage + 1) == 0))
            at += (size_t)snprintf(list + at, sizeof list - at, "%s%.*s", at ? ", " : "",
                                   (int)stage, layer);
        if (at < sizeof list)
            at += (size_t)snprintf(list + at, sizeof list - at, "%s%s", at ? ", " : "", layer);
        before = layer;
    }
    if (at == 0)
        return err_set(e, "layer '%s': the network has no layers with places in the image", name);
    return err_set(e, "layer '%s' is not one of %s%s%s", name, list,
                   at >= sizeof list || g->aliases > 0 ? ", ...: model-info --layers lists all"
                                                       : "",
                   nearest_said(&near, said));
}

int graph_layer(const struct graph *g, const char *name, struct err *e)
{
    struct graph_grid *grid = graph_grids(g);
    int value = find(g, grid, name);
    if (value < 0 && strcmp(name, GRAPH_LAST) == 0)
        value = graph_last_stage(g);
    if (value < 0)
        value = refuse(g, grid, name, e);
    free(grid);
    return value;
}

bool graph_early(const struct graph *g, int value, const char *name)
{
    const struct graph_value *v = &g->value[value];
    for (int i = 0; i < g->ops; i++) {
        const struct graph_op *op = &g->op[i];
        if (op->out == value && is(op->key, name) &&
            (op->act != GRAPH_NONE || graph_addend(op) >= 0))
            return true;
    }
    if (is(v->name, name))
        return v->early;
    for (int i = 0; i < g->aliases; i++)
        if (g->alias[i].value == value && is(g->alias[i].name, name))
            return g->alias[i].early;
    return false;
}

const char *graph_exact_name(const struct graph *g, int value)
{
    const char *name = g->value[value].name;
    if (name && !graph_early(g, value, name))
        return name;
    for (int i = 0; i < g->aliases; i++)
        if (g->alias[i].value == value && !graph_early(g, value, g->alias[i].name))
            return g->alias[i].name;
    return NULL;
}

void graph_layer_name(const struct graph *g, int value, char *name, size_t room)
{
    const char *block = graph_name(g, value);
    const size_t stage = strcspn(block, ".");
    size_t n = g->value[value].name ? stage : strlen(block);
    for (int i = value + 1; i < g->values && n == stage; i++)
        if (g->value[i].name &&
            (strncmp(g->value[i].name, block, stage + 1) == 0 ||
             (strncmp(g->value[i].name, block, stage) == 0 && g->value[i].name[stage] == '\0')))
            n = strlen(block);
    snprintf(name, room, "%.*s", (int)n, block);
}

/* --- places --- */

/* The list of a gather whose result is the cells of a grid in order, behind those of `none`
 * others; false where it is no such list. */
static bool follows(const struct graph *g, const struct graph_op *op, const struct graph_grid *in,
                    int *first)
{
    const int from = (int)graph_cells(g, op->in[0]), to = (int)graph_cells(g, op->out);
    *first = to - in->h * in->w;
    for (int i = 0; i < to && *first >= 0; i++) {
        const int cell = op->pick[i] < 0 ? -1 : op->pick[i] % from;
        if (i < *first ? cell >= in->first : cell != in->first + i - *first)
            return false;
    }
    return *first >= 0;
}

/* Where an element of values that are flattened and joined comes from; false where that goes too
 * far back. */
static bool comes_from(const struct graph *g, int *value, int *element)
{
    enum { FARTHEST = 16 };
    for (int i = 0; i < FARTHEST; i++) {
        const struct graph_op *op = *value > 0 ? &g->op[*value - 1] : NULL;
        if (!op || (op->kind != GRAPH_FLATTEN && op->kind != GRAPH_CONCAT))
            return true;
        const int first = op->kind == GRAPH_CONCAT ? (int)graph_size(g, op->in[0]) : INT_MAX;
        *value = op->in[*element >= first];
        *element -= *element >= first ? first : 0;
    }
    return false;
}

/* The grid of tokens that a gather makes of an image and of others in front of it, which were
 * joined: a class token that was computed. */
static struct graph_grid joined_tokens(const struct graph *g, const struct graph_op *op,
                                       const struct graph_grid *grid)
{
    const struct graph_grid none = {.h = 0};
    const int cells = (int)graph_cells(g, op->out), n = (int)graph_size(g, op->out);
    int image = op->in[0], element = op->pick[n - 1];
    if (op->in[0] == 0 || g->op[op->in[0] - 1].kind != GRAPH_CONCAT ||
        graph_cells(g, op->in[0]) != 1 || element < 0 || !comes_from(g, &image, &element))
        return none;
    const struct graph_grid of = grid[image];
    const int first = cells - of.h * of.w;
    if (of.h == 0 || first < 0)
        return none;
    for (int i = 0; i < n; i++) {
        int value = op->in[0], from = op->pick[i];
        if (from >= 0 && !comes_from(g, &value, &from))
            return none;
        const bool there = from >= 0 && value == image;
        const int place = there ? from % (int)graph_cells(g, image) - of.first : -1;
        if (i % cells < first ? place >= 0 : place != i % cells - first)
            return none;
    }
    return (struct graph_grid){of.h, of.w, first};
}

/* The grid of an image that is flattened and of what leaves each of its elements in place: a layer
 * norm over all of an image reads it so. From those of the values before it, [values]. */
static struct graph_grid make_flat(const struct graph *g, const struct graph_op *op,
                                   const struct graph_grid *grid, const struct graph_grid *flat)
{
    const struct graph_value *x = &g->value[op->in[0]];
    switch (op->kind) {
    case GRAPH_FLATTEN:
        if (grid[op->in[0]].h == x->h && grid[op->in[0]].w == x->w)
            return grid[op->in[0]];
        break;
    case GRAPH_NORM:
    case GRAPH_LAYER_NORM:
    case GRAPH_FUNCTION:
    case GRAPH_OFFSET:
        if (op->ins == 1)
            return flat[op->in[0]];
        break;
    default:
        break;
    }
    return (struct graph_grid){.h = 0};
}

/* Whether a gather makes an image again of one that is flattened. */
static bool unflattens(const struct graph *g, const struct graph_op *op,
                       const struct graph_grid *flat)
{
    const struct graph_value *y = &g->value[op->out];
    const size_t n = graph_size(g, op->out);
    if (op->kind != GRAPH_GATHER || flat->h == 0 || y->h != flat->h || y->w != flat->w ||
        graph_size(g, op->in[0]) != n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (op->pick[i] != (int)i)
            return false;
    return true;
}

/* The value that a result has its places from: of a layer and what scales its channels, the layer.
 */
static int source_of(const struct graph *g, const struct graph_op *op,
                     const struct graph_grid *grid)
{
    int in = op->in[0];
    for (int k = 1; k < op->ins && op->kind != GRAPH_MATMUL; k++)
        if (grid[in].h == 0 || graph_cells(g, in) < graph_cells(g, op->in[k]))
            in = op->in[k];
    return in;
}

/* The grid of what an operation makes, from those of the values before it, [values]; `alone`: no
 * other reads its input. */
static struct graph_grid make_grid(const struct graph *g, const struct graph_op *op,
                                   const struct graph_grid *grid, const struct graph_grid *flat,
                                   bool alone)
{
    const struct graph_value *y = &g->value[op->out];
    const struct graph_grid none = {.h = 0}, own = {y->h, y->w, 0};
    const int in = source_of(g, op, grid);
    if (op->kind == GRAPH_FLATTEN || op->kind == GRAPH_LINEAR)
        return none;
    if (unflattens(g, op, &flat[in]))
        return own;
    /* Pooling of a last stage, or what scales the channels of its input; else windows that are as
     * large as the image has become. */
    if (op->kind == GRAPH_AVERAGE && (!alone || op == graph_closed(g).average))
        return none;
    const struct graph_grid *from = &grid[in];
    int first;
    if (from->h == 0)
        return op->kind == GRAPH_GATHER ? joined_tokens(g, op, grid) : none;
    if (op->kind == GRAPH_GATHER && follows(g, op, from, &first))
        return y->h > 1 && y->w > 1 ? own : (struct graph_grid){from->h, from->w, first};
    if (op->kind != GRAPH_GATHER && graph_cells(g, in) == graph_cells(g, op->out))
        return *from;
    /* Windows over tokens in a row are none over places, nor is one token a place. */
    const bool tokens = from->first > 0 || g->value[in].w != from->w;
    return tokens || (op->kind == GRAPH_GATHER && y->h * y->w == 1) ? none : own;
}

/* Whether each cell of the result is made of the cell of the input at its place alone. */
static bool is_local(const struct graph *g, const struct graph_op *op, int in)
{
    if (graph_cells(g, in) != graph_cells(g, op->out))
        return false;
    switch (op->kind) {
    case GRAPH_CONV:
        return op->y.k == 1 && op->x.k == 1 && op->y.before == 0 && op->x.before == 0;
    case GRAPH_NORM:
    case GRAPH_LAYER_NORM:
    case GRAPH_FUNCTION:
    case GRAPH_SOFTMAX:
    case GRAPH_OFFSET:
    case GRAPH_PICK:
    case GRAPH_CONCAT:
    case GRAPH_ADD:
    case GRAPH_MULTIPLY:
        return true;
    default:
        return false;
    }
}

/* Of values whose elements lie in another order than the cells of their grid, as windows of an
 * image do until they are joined again: the cell of each element, place[values][elements]; else
 * NULL. Their grid is that of the image. `left`: how many operations have yet to read it. */
struct places {
    struct graph_grid *grid;
    int **place, *left;
};

/* The cells of elements that a gather moves; NULL where not all are of a grid. *even: it takes all
 * cells, each as often as any other. Caller frees. */
static int *moved(const struct graph *g, const struct graph_op *op, const struct places *p,
                  bool *even)
{
    const int in = op->in[0];
    const int *place = p->place[in];
    const size_t cells = graph_cells(g, in), n = graph_size(g, op->out);
    const size_t all = (size_t)p->grid[in].h * (size_t)p->grid[in].w;
    if (!place && all != cells)
        return NULL;
    int *to = mem_alloc(n, sizeof *to);
    size_t *times = mem_zero(all, sizeof *times);
    bool known = true;
    *even = n % all == 0;
    for (size_t i = 0; i < n && known; i++) {
        const int from = op->pick[i];
        to[i] = from < 0 ? -1 : place ? place[from] : (int)((size_t)from % cells);
        known = to[i] >= 0;
        *even = *even && known && ++times[to[i]] <= n / all;
    }
    free(times);
    if (known)
        return to;
    free(to);
    return NULL;
}

/* Whether a value whose elements are in cells of a grid has in each of its own a square of them, or
 * the reverse, as a patch has: its own grid then. */
static bool has_blocks(const struct graph *g, int value, const int *place, struct graph_grid of,
                       struct graph_grid *own)
{
    const int cells = (int)graph_cells(g, value), all = of.h * of.w;
    const bool down = cells < all;
    const int f = (int)lround(sqrt(down ? (double)all / cells : (double)cells / all));
    if (f < 2 || (down && (of.h % f != 0 || of.w % f != 0)))
        return false;
    const int h = down ? of.h / f : of.h * f, w = down ? of.w / f : of.w * f;
    if (h * w != cells || (g->value[value].w != 1 && g->value[value].w != w))
        return false;
    const size_t n = graph_size(g, value);
    for (size_t i = 0; i < n; i++) {
        const int y = (int)(i % (size_t)cells) / w, x = (int)(i % (size_t)cells) % w;
        const int row = place[i] / of.w, column = place[i] % of.w;
        if (down ? row / f != y || column / f != x : row != y / f || column != x / f)
            return false;
    }
    *own = (struct graph_grid){h, w, 0};
    return true;
}

/* Whether the cells are rows and columns of the grid, in their order: a part that is cut out. */
static bool is_cut(const struct graph *g, int value, const int *place, struct graph_grid of)
{
    const int w = g->value[value].w, cells = (int)graph_cells(g, value);
    const size_t n = graph_size(g, value);
    bool cut = true;
    for (size_t i = 0; i < n && cut; i++) {
        const int y = (int)(i % (size_t)cells) / w, x = (int)(i % (size_t)cells) % w;
        const int row = place[i] / of.w, column = place[i] % of.w;
        cut = row == place[y * w] / of.w && column == place[x] % of.w &&
              (y == 0 || row >= place[(y - 1) * w] / of.w) &&
              (x == 0 || column >= place[x - 1] % of.w);
    }
    return cut;
}

/* Whether all channels have the same places, or, with `in_order`, those of the grid. */
static bool same_places(const int *place, size_t n, size_t cells, bool in_order)
{
    for (size_t i = 0; i < n; i++)
        if (place[i] != (in_order ? (int)(i % cells) : place[i % cells]))
            return false;
    return true;
}

/* The places of what an operation other than a gather makes of a value that has some; NULL where
 * those are mixed. Caller frees. */
static int *kept(const struct graph *g, const struct graph_op *op, int in, const int *const *place)
{
    const size_t cells = graph_cells(g, in), from = graph_size(g, in), n = graph_size(g, op->out);
    const bool same = same_places(place[in], from, cells, false);
    const bool heads = op->kind == GRAPH_ATTENTION && n <= from;
    const bool joined = op->kind == GRAPH_CONCAT && place[op->in[0]] && place[op->in[1]];
    const bool each = n == from && op->kind != GRAPH_CONV && op->kind != GRAPH_PICK;
    if (graph_cells(g, op->out) != cells ||
        !(heads || joined || (is_local(g, op, in) && (each || same)) ||
          (op->kind == GRAPH_MATMUL && same)))
        return NULL;
    int *to = mem_alloc(n, sizeof *to);
    const size_t first = joined ? graph_size(g, op->in[0]) : n;
    for (size_t i = 0; i < n; i++)
        to[i] = joined                     ? place[op->in[i >= first]][i < first ? i : i - first]
                : heads || (each && !same) ? place[in][i]
                                           : place[in][i % cells];
    return to;
}

/* Whether a gather puts rows and columns around an image, of its own cells or others: the image
 * stands in the result somewhere. */
static bool surrounds(const struct graph *g, const struct graph_op *op)
{
    const struct graph_value *x = &g->value[op->in[0]], *y = &g->value[op->out];
    const int cells = x->h * x->w, all = y->h * y->w, most = all - (x->h - 1) * y->w - x->w;
    if (x->c != y->c || y->h < x->h || y->w < x->w || cells == all)
        return false;
    for (int first = 0; first <= most; first++) {
        bool is = first % y->w + x->w <= y->w;
        for (int i = 0; i < x->c * cells && is; i++) {
            const int row = i % cells / x->w, column = i % x->w;
            is = op->pick[i / cells * all + first + row * y->w + column] == i;
        }
        if (is)
            return true;
    }
    return false;
}

/* Settles where the elements of a result lie. */
static void find_places(const struct graph *g, const struct graph_op *op, struct places *p)
{
    const int in = source_of(g, op, p->grid);
    const size_t n = graph_size(g, op->out), cells = graph_cells(g, op->out);
    const struct graph_grid none = {.h = 0}, of = p->grid[in];
    int *to = NULL;
    bool even = true;
    if (of.h == 0 || of.first > 0)
        return;
    if (op->kind == GRAPH_GATHER && !p->place[in] && of.h == g->value[in].h &&
        of.w == g->value[in].w && surrounds(g, op))
        return;
    if (op->kind == GRAPH_GATHER)
        to = moved(g, op, p, &even);
    else if (p->place[in])
        to = kept(g, op, in, (const int *const *)p->place);
    /* A part of each patch, as of merging, is a patch's. */
    if (op->kind == GRAPH_GATHER && to && has_blocks(g, op->out, to, of, &p->grid[op->out])) {
        free(to);
        return;
    }
    if (!to || !even) {
        const bool lost = p->place[in] || (to && !is_cut(g, op->out, to, of));
        free(to);
        p->grid[op->out] = lost ? none : p->grid[op->out];
        return;
    }
    const bool back = cells == (size_t)of.h * (size_t)of.w && same_places(to, n, cells, true);
    p->grid[op->out] = back && !p->place[in] ? p->grid[op->out] : of;
    if (back)
        free(to);
    else
        p->place[op->out] = to;
}

struct graph_grid *graph_grids(const struct graph *g)
{
    const size_t values = (size_t)g->values;
    struct graph_grid *flat = mem_zero(values, sizeof *flat);
    int *readers = mem_zero(values, sizeof *readers);
    bool *away = mem_zero(values, sizeof *away);
    struct places p = {mem_zero(values, sizeof *p.grid), mem_zero(values, sizeof *p.place),
                       mem_zero(values, sizeof *p.left)};
    for (int i = 0; i < g->ops; i++)
        for (int k = 0; k < g->op[i].ins; k++)
            readers[g->op[i].in[k]]++;
    memcpy(p.left, readers, values * sizeof *readers);
    p.grid[0] = (struct graph_grid){g->value[0].h, g->value[0].w, 0};
    for (int i = 0; i < g->ops; i++) {
        const struct graph_op *op = &g->op[i];
        p.grid[op->out] = make_grid(g, op, p.grid, flat, readers[op->in[0]] == 1);
        find_places(g, op, &p);
        away[op->out] = p.place[op->out] != NULL;
        flat[op->out] = make_flat(g, op, p.grid, flat);
        for (int k = 0; k < op->ins; k++)
            if (--p.left[op->in[k]] == 0) {
                free(p.place[op->in[k]]);
                p.place[op->in[k]] = NULL;
            }
    }
    for (int i = 0; i < g->values; i++) {
        if (away[i])
            p.grid[i] = (struct graph_grid){.h = 0};
        free(p.place[i]);
    }
    free(p.place);
    free(p.left);
    free(away);
    free(flat);
    free(readers);
    return p.grid;
}

bool graph_grid(const struct graph *g, int value, struct graph_grid *out)
{
    struct graph_grid *grid = graph_grids(g);
    *out = grid[value];
    free(grid);
    return out->h > 0;
}

/* --- which layer suits maps --- */

int graph_last_stage(const struct graph *g)
{
    const int value = graph_closed(g).value;
    struct graph_grid grid;
    return value >= 0 && graph_grid(g, value, &grid) && grid.first == 0 ? value : -1;
}

/* Marks which cells of its inputs an operation reads for those cells of its result that count;
 * cell[v]: [cells] of a value. */
static void mark_read(const struct graph *g, const struct graph_op *op, bool *const *cell)
{
    const size_t to = graph_cells(g, op->out);
    size_t count = 0;
    for (size_t i = 0; i < to; i++)
        count += cell[op->out][i];
    for (int k = 0; k < op->ins && count > 0; k++) {
        bool *in = cell[op->in[k]];
        const size_t from = graph_cells(g, op->in[k]);
        if (op->kind == GRAPH_GATHER) {
            for (size_t i = 0; i < (size_t)op->channels * to; i++)
                if (cell[op->out][i % to] && op->pick[i] >= 0)
                    in[(size_t)op->pick[i] % from] = true;
        } else if (is_local(g, op, op->in[k])) {
            for (size_t i = 0; i < to; i++)
                in[i] = in[i] || cell[op->out][i];
        } else {
            memset(in, true, from * sizeof *in);
        }
    }
}

/* Values of which the logits depend on all cells that have a place, marked in whole[values]. */
static void mark_whole(const struct graph *g, const struct graph_grid *grid, bool *whole)
{
    bool **cell = mem_zero((size_t)g->values, sizeof *cell);
    for (int i = 0; i < g->values; i++)
        cell[i] = mem_zero(graph_cells(g, i), sizeof *cell[i]);
    memset(cell[graph_logits(g)], true, graph_cells(g, graph_logits(g)));
    for (int i = g->ops - 1; i >= 0; i--)
        mark_read(g, &g->op[i], cell);
    for (int i = 0; i < g->values; i++) {
        whole[i] = grid[i].h > 0;
        for (int k = 0; k < grid[i].h * grid[i].w; k++)
            whole[i] = whole[i] && cell[i][grid[i].first + k];
        free(cell[i]);
    }
    free(cell);
}

/* What the last attention's queries, keys and values are made of, or the last product of two
 * values: a norm of tokens; -1 where there is none. */
static int attended(const struct graph *g)
{
    int at = g->ops - 1, value;
    while (at >= 0 && g->op[at].kind != GRAPH_ATTENTION && g->op[at].kind != GRAPH_MATMUL)
        at--;
    if (at < 0)
        return -1;
    for (value = g->op[at].in[0]; at >= 0; at--)
        if (g->op[at].out == value) {
            if (g->op[at].kind == GRAPH_LAYER_NORM)
                return value;
            value = g->op[at].in[0];
        }
    return -1;
}

/* Values with more cells than they show places: what a pool or resize to a finer grid than that of
 * its input makes, as VGG's of small images, and what is made of such values alone, until there are
 * no more cells than places again. */
static void mark_copies(const struct graph *g, const struct graph_grid *grid, bool *copies)
{
    struct graph_grid *shown = mem_alloc((size_t)g->values, sizeof *shown);
    memcpy(shown, grid, (size_t)g->values * sizeof *shown);
    for (int i = 0; i < g->ops; i++) {
        const struct graph_op *op = &g->op[i];
        struct graph_grid *to = &shown[op->out], most = {.h = 0};
        bool all = op->ins > 0;
        for (int k = 0; k < op->ins; k++) {
            const struct graph_grid *in = &shown[op->in[k]];
            all = all && copies[op->in[k]];
            most.h = in->h > most.h ? in->h : most.h;
            most.w = in->w > most.w ? in->w : most.w;
        }
        if (!all && op->kind != GRAPH_GRID_POOL && op->kind != GRAPH_RESIZE)
            continue;
        const bool more = to->h > most.h || to->w > most.w;
        copies[op->out] = to->h == 0 ? all : more;
        if (to->h == 0 || more)
            *to = most;
    }
    free(shown);
}

static bool is_fine(const struct graph_grid *grid, int side)
{
    return grid->h >= side && grid->w >= side;
}

/* How many modules a name goes through: 2 of "layer3.0". */
static int count_parts(const char *name)
{
    int n = 1;
    for (const char *p = strchr(name, '.'); p; p = strchr(p + 1, '.'))
        n++;
    return n;
}

enum { SHORT = 2 }; /* modules in the name of a block, as deep as a value's own name goes */

/* The fewest modules in a name of each value; 0 of one without a name. Caller frees. */
static int *name_depths(const struct graph *g)
{
    int *depth = mem_zero((size_t)g->values, sizeof *depth);
    for (int i = 0; i < g->values; i++)
        depth[i] = g->value[i].name ? SHORT : 0;
    for (int i = 0; i < g->aliases; i++) {
        int *to = &depth[g->alias[i].value];
        const int n = count_parts(g->alias[i].name);
        if (*to == 0 || (*to > SHORT && n < *to))
            *to = n > SHORT ? n : SHORT + 1;
    }
    return depth;
}

/* Whether the next value before `end` that has places, and a name of at most `depth` modules, has
 * less than half the cells on an axis: other layers of a grid between lie inside it. */
static bool skips(const struct graph_grid *grid, const int *depth, int most, int from, int end)
{
    int i = from + 1;
    while (i < end && !(depth[i] > 0 && depth[i] <= most && grid[i].h > 0))
        i++;
    return i <= end && grid[i].h > 0 &&
           (grid[from].h > 2 * grid[i].h || grid[from].w > 2 * grid[i].w);
}

/* The latest value before `end` that is good and fine: of a block or stage and, where a module has
 * parts of several grids, as an encoder with all stages in it, of such a part; -1 for none. */
static int latest(const struct graph *g, const struct graph_grid *grid, const bool *good, int end,
                  int side)
{
    int *depth = name_depths(g), deepest = SHORT, first = -1, found = -1;
    for (int i = 0; i < g->values; i++)
        deepest = depth[i] > deepest ? depth[i] : deepest;
    for (int most = SHORT; most <= deepest && found < 0; most++) {
        int i = end - 1;
        while (i > 0 && !(depth[i] > 0 && depth[i] <= most && good[i] && is_fine(&grid[i], side)))
            i--;
        first = first < 0 && i > 0 ? i : first;
        found = i > 0 && !skips(grid, depth, most, i, end) ? i : -1;
    }
    free(depth);
    return found < 0 ? first : found;
}

int graph_finer(const struct graph *g, int layer, int side)
{
    struct graph_grid *grid = graph_grids(g);
    bool *good = mem_zero((size_t)g->values, sizeof *good);
    mark_copies(g, grid, good);
    for (int i = 0; i < g->values; i++)
        good[i] = !good[i];
    const int found = latest(g, grid, good, layer, side);
    free(good);
    free(grid);
    return found;
}

int graph_latest(const struct graph *g, int side)
{
    struct graph_grid *grid = graph_grids(g);
    bool *whole = mem_zero((size_t)g->values, sizeof *whole);
    bool *copies = mem_zero((size_t)g->values, sizeof *copies);
    int found = attended(g);
    mark_whole(g, grid, whole);
    mark_copies(g, grid, copies);
    for (int i = 0; i < g->values; i++)
        whole[i] = whole[i] && !copies[i];
    free(copies);
    if (found < 0 || !graph_name(g, found) || !whole[found] || !is_fine(&grid[found], side))
        found = latest(g, grid, whole, g->values - 1, side);
    free(whole);
    free(grid);
    return found;
}

int graph_embedding(const struct graph *g)
{
    int conv = -1;
    for (int i = g->ops - 1; i >= 0; i--) {
        if (g->op[i].kind == GRAPH_LINEAR)
            return g->op[i].in[0];
        if (g->op[i].kind == GRAPH_CONV && conv < 0)
            conv = g->op[i].in[0];
    }
    return conv;
}
