/* Weighted means of neighbours that depend on one another: linear equations, as many as pixels are
 * changed, solved by conjugate gradients. Their preconditioner is a cycle of multigrid: smoothing
 * on grids of half the size each, whose cells are sums of two by two (aggregation: Braess, Towards
 * algebraic multigrid for elliptic problems of second order, 1995), so that the number of steps
 * hardly grows with the image. */
#include "base/mem.h"
#include "faith/fill.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    LANES = FILL_CHANNELS, /* channels are solved side by side */
    AFTER = 4,             /* neighbours that follow a cell along the rows */
    GRIDS = 32,
    STEPS_MOST = 1000 /* far more than an image takes */
};

typedef float vec __attribute__((vector_size(4 * LANES)));
typedef double wide __attribute__((vector_size(8 * LANES)));

/* The end: the solution changes by less than this part of the largest value, half a bit of it. */
#define EXACT 3e-8

/* What a correction from sums of two by two is multiplied by (Braess 1995). */
#define OVER 1.8F

/* A grid in a border of one cell. The equation of a cell is
 *     own * x - sum(side * x of the neighbour) = b;
 * a cell that is not changed has only zeros. */
struct grid {
    int h, w;             /* without the border */
    size_t stride;        /* from row to row */
    size_t cells;         /* with the border */
    size_t to[AFTER];     /* from a cell to its neighbours: right, lower left, below, lower right */
    float *side[AFTER];   /* their coefficients */
    float *fixed;         /* the part of `own` that comes from pixels that are not changed */
    float *own, *inverse; /* inverse: of own */
    vec *b, *x;
};

struct system {
    struct grid grid[GRIDS];
    int grids;
    wide *x, *r, *p, *q; /* [cells] of the first grid */
};

static const int down[AFTER] = {0, 1, 1, 1}, right[AFTER] = {1, -1, 0, 1};

/* --- the grids --- */

static void open_grid(struct grid *g, int h, int w)
{
    *g = (struct grid){.h = h, .w = w, .stride = (size_t)w + 2};
    g->cells = ((size_t)h + 2) * g->stride;
    for (int k = 0; k < AFTER; k++)
        g->to[k] = (size_t)down[k] * g->stride + (size_t)right[k];
    float *room = mem_zero((3 + AFTER) * g->cells, sizeof *room);
    g->own = room;
    g->inverse = room + g->cells;
    g->fixed = room + 2 * g->cells;
    for (int k = 0; k < AFTER; k++)
        g->side[k] = room + (size_t)(3 + k) * g->cells;
    g->b = mem_aligned(2 * g->cells, sizeof *g->b);
    g->x = g->b + g->cells;
}

static size_t cell_at(const struct grid *g, int y, int x)
{
    return ((size_t)y + 1) * g->stride + (size_t)x + 1;
}

static void set_own(struct grid *g)
{
    memcpy(g->own, g->fixed, g->cells * sizeof *g->own);
    for (size_t i = 0; i < g->cells; i++)
        for (int k = 0; k < AFTER; k++)
            if (g->side[k][i] > 0) {
                g->own[i] += g->side[k][i];
                g->own[i + g->to[k]] += g->side[k][i];
            }
    for (size_t i = 0; i < g->cells; i++)
        g->inverse[i] = g->own[i] > 0 ? 1 / g->own[i] : 0;
}

/* Twelve times the equations, in whole numbers, which are exact: neighbours beside, above and below
 * have the weight 2, those at the corners 1. */
static void set_pixels(const struct system *s, const float *image, struct fill_shape shape,
                       const bool *changed)
{
    static const float weight[AFTER] = {2, 1, 2, 1};
    const struct grid *g = &s->grid[0];
    const size_t plane = (size_t)shape.h * (size_t)shape.w;
    for (int y = 0; y < shape.h; y++)
        for (int x = 0; x < shape.w; x++)
            for (int k = 0; k < AFTER; k++) {
                const int v = y + down[k], u = x + right[k];
                if (v >= shape.h || u < 0 || u >= shape.w)
                    continue;
                const size_t pixel[] = {(size_t)y * (size_t)shape.w + (size_t)x,
                                        (size_t)v * (size_t)shape.w + (size_t)u};
                const size_t cell[] = {cell_at(g, y, x), cell_at(g, v, u)};
                if (changed[pixel[0]] && changed[pixel[1]])
                    g->side[k][cell[0]] = weight[k];
                for (int a = 0; a < 2; a++) {
                    if (!changed[pixel[a]] || changed[pixel[!a]])
                        continue;
                    g->fixed[cell[a]] += weight[k];
                    for (int c = 0; c < shape.c; c++)
                        s->r[cell[a]][c] +=
                            (double)weight[k] * image[(size_t)c * plane + pixel[!a]];
                }
            }
}

/* A cell of `g` is the sum of two by two of `from`; what lies inside it falls away. */
static void set_sums(const struct grid *g, const struct grid *from)
{
    for (int y = 0; y < from->h; y++)
        for (int x = 0; x < from->w; x++) {
            const size_t cell = cell_at(from, y, x), sum = cell_at(g, y / 2, x / 2);
            g->fixed[sum] += from->fixed[cell];
            for (int k = 0; k < AFTER; k++) {
                const int v = (y + down[k]) / 2 - y / 2, u = (x + right[k] + 2) / 2 - 1 - x / 2;
                const float side = from->side[k][cell];
                if (v > 0)
                    g->side[2 + u][sum] += side;
                else if (u != 0)
                    g->side[0][u < 0 ? sum - 1 : sum] += side;
            }
        }
}

static void open_system(struct system *s, const float *image, struct fill_shape shape,
                        const bool *changed)
{
    struct grid *g = s->grid;
    open_grid(g, shape.h, shape.w);
    s->x = mem_aligned(4 * g->cells, sizeof *s->x);
    s->r = s->x + g->cells;
    s->p = s->r + g->cells;
    s->q = s->p + g->cells;
    set_pixels(s, image, shape, changed);
    set_own(g);
    for (s->grids = 1; g->h > 1 || g->w > 1; g++, s->grids++) {
        open_grid(g + 1, (g->h + 1) / 2, (g->w + 1) / 2);
        set_sums(g + 1, g);
        set_own(g + 1);
    }
}

static void close_system(struct system *s)
{
    for (int i = 0; i < s->grids; i++) {
        free(s->grid[i].own);
        free(s->grid[i].b);
    }
    free(s->x);
}

/* --- the cycle --- */

static inline vec before(const struct grid *g, size_t i)
{
    vec sum = {0};
    for (int k = 0; k < AFTER; k++)
        sum += g->side[k][i - g->to[k]] * g->x[i - g->to[k]];
    return sum;
}

static inline vec after(const struct grid *g, size_t i)
{
    vec sum = {0};
    for (int k = 0; k < AFTER; k++)
        sum += g->side[k][i] * g->x[i + g->to[k]];
    return sum;
}

/* Gauss and Seidel along the rows, as if x were 0. */
static void smooth_down(const struct grid *g)
{
    for (int y = 0; y < g->h; y++)
        for (size_t i = cell_at(g, y, 0), end = i + (size_t)g->w; i < end; i++)
            g->x[i] = (g->b[i] + before(g, i)) * g->inverse[i];
}

/* What is left of b then, summed to the next grid: the equation of a cell was solved while those
 * after it were 0. */
static void put_rest(const struct grid *g, const struct grid *next)
{
    memset(next->b, 0, next->cells * sizeof *next->b);
    for (int y = 0; y < g->h; y++)
        for (int x = 0; x < g->w; x++)
            next->b[cell_at(next, y / 2, x / 2)] += after(g, cell_at(g, y, x));
}

/* Corrects x by that of the next grid. */
static void correct(const struct grid *g, const struct grid *next)
{
    for (int y = 0; y < g->h; y++)
        for (int x = 0; x < g->w; x++) {
            const size_t i = cell_at(g, y, x);
            if (g->own[i] > 0)
                g->x[i] += OVER * next->x[cell_at(next, y / 2, x / 2)];
        }
}

/* Gauss and Seidel against the rows, which makes the cycle symmetric. */
static void smooth_up(const struct grid *g)
{
    for (int y = g->h - 1; y >= 0; y--)
        for (size_t first = cell_at(g, y, 0), i = first + (size_t)g->w; i-- > first;)
            g->x[i] = (g->b[i] + before(g, i) + after(g, i)) * g->inverse[i];
}

/* x of the first grid: about the solution for its b. */
static void cycle(const struct system *s)
{
    const int last = s->grids - 1;
    for (int i = 0; i < last; i++) {
        smooth_down(&s->grid[i]);
        put_rest(&s->grid[i], &s->grid[i + 1]);
    }
    smooth_down(&s->grid[last]);
    for (int i = last - 1; i >= 0; i--) {
        correct(&s->grid[i], &s->grid[i + 1]);
        smooth_up(&s->grid[i]);
    }
}

/* --- conjugate gradients --- */

/* q = the matrix times p; *dot = p q. */
static void multiply(const struct system *s, wide *dot)
{
    const struct grid *g = &s->grid[0];
    *dot = (wide){0};
    for (int y = 0; y < g->h; y++)
        for (size_t i = cell_at(g, y, 0), end = i + (size_t)g->w; i < end; i++) {
            wide sum = g->own[i] * s->p[i];
            for (int k = 0; k < AFTER; k++)
                sum -= g->side[k][i - g->to[k]] * s->p[i - g->to[k]] +
                       g->side[k][i] * s->p[i + g->to[k]];
            s->q[i] = sum;
            *dot += sum * s->p[i];
        }
}

/* The cycle for r; *dot = r times its result, whose largest value is returned: about how far x is
 * from the solution. */
static double precondition(const struct system *s, wide *dot)
{
    const struct grid *g = &s->grid[0];
    double most = 0;
    for (size_t i = 0; i < g->cells; i++)
        g->b[i] = __builtin_convertvector(s->r[i], vec);
    cycle(s);
    *dot = (wide){0};
    for (size_t i = 0; i < g->cells; i++) {
        const wide z = __builtin_convertvector(g->x[i], wide);
        *dot += s->r[i] * z;
        for (int c = 0; c < LANES; c++)
            most = fabs(z[c]) > most ? fabs(z[c]) : most;
    }
    return most;
}

/* a / b; 0 where a channel has nothing left. */
static void divide(const wide *a, const wide *b, wide *out)
{
    for (int c = 0; c < LANES; c++)
        (*out)[c] = (*b)[c] > 0 ? (*a)[c] / (*b)[c] : 0;
}

/* x, from r; `most`: the largest value that an unchanged pixel has. */
static void solve(const struct system *s, double most)
{
    const struct grid *g = &s->grid[0];
    wide dot, old, product, step = {0};
    double left = precondition(s, &dot);
    for (int k = 0; k < STEPS_MOST && left > EXACT * most; k++) {
        for (size_t i = 0; i < g->cells; i++)
            s->p[i] = __builtin_convertvector(g->x[i], wide) + step * s->p[i];
        multiply(s, &product);
        divide(&dot, &product, &step);
        for (size_t i = 0; i < g->cells; i++) {
            s->x[i] += step * s->p[i];
            s->r[i] -= step * s->q[i];
        }
        old = dot;
        left = precondition(s, &dot);
        divide(&dot, &old, &step);
    }
}

void fill_linear(const float *image, struct fill_shape shape, const bool *changed, float *out)
{
    const size_t plane = (size_t)shape.h * (size_t)shape.w;
    struct system s;
    double most = 0;
    for (size_t i = 0; i < (size_t)shape.c * plane; i++)
        if (!changed[i % plane] && fabs((double)image[i]) > most)
            most = fabs((double)image[i]);
    open_system(&s, image, shape, changed);
    solve(&s, most);
    for (int y = 0, i = 0; y < shape.h; y++)
        for (int x = 0; x < shape.w; x++, i++)
            for (int c = 0; c < shape.c; c++) {
                const size_t at = (size_t)c * plane + (size_t)i;
                out[at] = changed[i] ? (float)s.x[cell_at(&s.grid[0], y, x)][c] : image[at];
            }
    close_system(&s);
}
