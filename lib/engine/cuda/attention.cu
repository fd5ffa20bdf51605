#include "engine/cuda/kernels.cuh"

namespace
{

/* --- attention: a block goes through all cells for PART cells of one head --- */

/* Cells of a part, and of those gone through at a time; columns of a head's channels that a block
 * makes. A thread has QUAD rows of a part from first_row() on, of QUAD cells that are gone through,
 * or of columns from first_column() on, and further such of every SPAN-th. */
const int PART = 32, COLUMNS = 64, QUAD = 4, SIDE = PART / QUAD, ATTEND = SIDE * SIDE,
          SPAN = SIDE * QUAD, EACH = COLUMNS / SPAN;

__device__ inline int first_row()
{
    return (int)threadIdx.x / SIDE * QUAD;
}

__device__ inline int first_column()
{
    return (int)threadIdx.x % SIDE * QUAD;
}

/* What a block shares. Tiles are stored by columns, so that four rows are read at once. */
struct room {
    float tile[2][PART][PART + QUAD]; /* factors of logits; or tile_weighted()'s */
    float weight[PART][PART + QUAD];
    float part[PART][SIDE + 1]; /* of sums and maxima of rows */
};

/* PART rows of channels, `apart` elements apart, of which `rows` are there. */
template <class T> struct rows {
    const T *p;
    int apart, rows;
};

template <class T>
__device__ inline struct rows<T> rows_of(const T *p, int apart, int from, int all) {
    struct rows<T> r;
    r.p = p + (size_t)from * (unsigned)apart;
    r.apart = apart;
    r.rows = all - from < PART ? all - from : PART;
    return r;
}

/* Four columns of a row of d; 0 for what is not there. */
template <class T>
__device__ inline void read_quad(struct rows<T> r, int row, int column, int d, float (&v)[QUAD])
{
    const T *p = r.p + (size_t)row * (unsigned)r.apart + column;
    UNROLL for (int j = 0; j < QUAD; j++) v[j] = 0.0f;
    if (row >= r.rows || column >= d)
        return;
    if (d % QUAD == 0)
        load<QUAD>(p, v);
    else
        for (int j = 0; j < QUAD && column + j < d; j++)
            v[j] = to_float(p[j]);
}

/* PART columns from `from` on, stored at [column][row]. */
template <class T, int STRIDE>
__device__ inline void read_turned(struct rows<T> r, int from, int d, float (*to)[STRIDE])
{
    UNROLL for (int i = (int)threadIdx.x; i < PART * PART / QUAD; i += ATTEND)
    {
        float v[QUAD];
        read_quad(r, i % PART, from + i / PART * QUAD, d, v);
        UNROLL for (int j = 0; j < QUAD; j++) to[i / PART * QUAD + j][i % PART] = v[j];
    }
}

/* out = the thread's rows of a times its rows of b, d channels. */
template <class A, class B>
__device__ inline void tile_product(struct rows<A> a, struct rows<B> b, int d, struct room *room,
                                    float (&out)[QUAD][QUAD])
{
    const int row = first_row(), column = first_column();
    UNROLL for (int i = 0; i < QUAD; i++)
    {
        UNROLL for (int j = 0; j < QUAD; j++) out[i][j] = 0.0f;
    }
    for (int from = 0; from < d; from += PART) {
        read_turned(a, from, d, room->tile[0]);
        read_turned(b, from, d, room->tile[1]);
        __syncthreads();
        UNROLL for (int k = 0; k < PART; k++)
        {
            float l[QUAD], r[QUAD];
            load<QUAD>(&room->tile[0][k][row], l);
            load<QUAD>(&room->tile[1][k][column], r);
            UNROLL for (int i = 0; i < QUAD; i++)
            {
                UNROLL for (int j = 0; j < QUAD; j++) out[i][j] += l[i] * r[j];
            }
        }
        __syncthreads();
    }
}

/* acc += the thread's rows of weight, which stand at [cell][row], times its columns of m from
 * column `from` on. */
template <class T>
__device__ inline void tile_weighted(struct rows<T> m, int from, int d, struct room *room,
                                     float (&acc)[QUAD][EACH * QUAD])
{
    const int row = first_row(), column = first_column();
    float(*tile)[COLUMNS] = (float(*)[COLUMNS])room->tile;
    static_assert(sizeof room->tile >= PART * COLUMNS * sizeof(float), "");
    UNROLL for (int i = (int)threadIdx.x; i < PART * COLUMNS / QUAD; i += ATTEND)
    {
        float v[QUAD];
        const int of = i / (COLUMNS / QUAD), at = i % (COLUMNS / QUAD) * QUAD;
        read_quad(m, of, from + at, d, v);
        store<QUAD>(&tile[of][at], v);
    }
    __syncthreads();
    UNROLL for (int k = 0; k < PART; k++)
    {
        float l[QUAD];
        load<QUAD>(&room->weight[k][row], l);
        UNROLL for (int e = 0; e < EACH; e++)
        {
            float r[QUAD];
            load<QUAD>(&tile[k][column + e * SPAN], r);
            UNROLL for (int i = 0; i < QUAD; i++)
            {
                UNROLL for (int j = 0; j < QUAD; j++) acc[i][e * QUAD + j] += l[i] * r[j];
            }
        }
    }
    __syncthreads();
}

/* v = the sum over a row of what its threads hold, or the largest of it, for each of the thread's
 * rows. */
template <bool LARGEST> __device__ inline void over_rows(struct room *room, float (&v)[QUAD])
{
    const int row = first_row(), t = (int)threadIdx.x % SIDE;
    UNROLL for (int i = 0; i < QUAD; i++) room->part[row + i][t] = v[i];
    __syncthreads();
    UNROLL for (int i = 0; i < QUAD; i++)
    {
        v[i] = room->part[row + i][0];
        UNROLL for (int k = 1; k < SIDE; k++)
        {
            const float w = room->part[row + i][k];
            v[i] = LARGEST ? fmaxf(v[i], w) : v[i] + w;
        }
    }
    __syncthreads();
}

__device__ inline void put_weights(struct room *room, const float (&w)[QUAD][QUAD])
{
    const int row = first_row(), column = first_column();
    UNROLL for (int j = 0; j < QUAD; j++)
    {
        const float v[QUAD] = {w[0][j], w[1][j], w[2][j], w[3][j]};
        store<QUAD>(&room->weight[column + j][row], v);
    }
}

/* Which part of which head of which image a job is. */
struct job {
    int part, from, head, which;
    size_t image;
};

__device__ inline struct job job_of(size_t i, struct kernel_attention a, int parts, int columns,
                                    int which)
{
    struct job j;
    j.part = (int)(i % (unsigned)parts) * PART;
    i /= (unsigned)parts;
    j.from = (int)(i % (unsigned)columns) * COLUMNS;
    i /= (unsigned)columns;
    j.which = (int)(i % (unsigned)which);
    i /= (unsigned)which;
    j.head = (int)(i % (unsigned)a.heads);
    j.image = i / (unsigned)a.heads;
    return j;
}

/* What is added to the logit of a query and a key; 0 where there is nothing. */
__device__ inline float bias_of(struct kernel_attention a, int head, int query, int key)
{
    return a.bias && query < a.cells && key < a.cells
               ? a.bias[((size_t)(unsigned)head * (unsigned)a.cells + (unsigned)query) *
                            (unsigned)a.cells +
                        (unsigned)key]
               : 0.0f;
}

/* Scales the products of the job's queries with the keys from `from` on, and adds what is to be
 * added. */
__device__ inline void make_logits(struct kernel_attention a, struct job job, int from,
                                   float (&s)[QUAD][QUAD])
{
    const int row = job.part + first_row(), column = from + first_column();
    UNROLL for (int i = 0; i < QUAD; i++)
    {
        UNROLL for (int j = 0; j < QUAD; j++) s[i][j] =
            a.scale * s[i][j] + bias_of(a, job.head, row + i, column + j);
    }
}

/* Goes on with the largest logit and the sum of weights of each row: `factor` is for what was
 * summed so far; logits become weights. */
__device__ inline void attend_on(float (&logit)[QUAD][QUAD], int there, struct room *room,
                                 float (&most)[QUAD], float (&all)[QUAD], float (&factor)[QUAD])
{
    const int column = first_column();
    float now[QUAD], sum[QUAD];
    UNROLL for (int i = 0; i < QUAD; i++)
    {
        now[i] = -INFINITY;
        UNROLL for (int j = 0; j < QUAD; j++)
        {
            logit[i][j] = column + j < there ? logit[i][j] : -INFINITY;
            now[i] = fmaxf(now[i], logit[i][j]);
        }
    }
    over_rows<true>(room, now);
    UNROLL for (int i = 0; i < QUAD; i++)
    {
        now[i] = fmaxf(most[i], now[i]);
        factor[i] = expf(most[i] - now[i]);
        most[i] = now[i];
        sum[i] = 0.0f;
        UNROLL for (int j = 0; j < QUAD; j++)
        {
            logit[i][j] = column + j < there ? expf(logit[i][j] - now[i]) : 0.0f;
            sum[i] += logit[i][j];
        }
    }
    over_rows<false>(room, sum);
    UNROLL for (int i = 0; i < QUAD; i++) all[i] = all[i] * factor[i] + sum[i];
}

/* What is written to the channels that pad a cell, by the block that has the last of the others. */
template <class T> __device__ inline void clear_pads(T *y, int pad, int used, int rows, bool last)
{
    for (int i = (int)threadIdx.x; last && i < rows * (pad - used); i += ATTEND)
        y[(size_t)(i / (pad - used)) * (unsigned)pad + used + i % (pad - used)] =
            from_float<T>(0.0f);
}

template <class T>
__global__ void __launch_bounds__(ATTEND, 8)
    attention_forward(const T *__restrict__ x, struct kernel_attention a, size_t jobs, int parts,
                      int columns, T *__restrict__ y)
{
    __shared__ __align__(16) struct room room;
    const int row = first_row(), c = a.heads * a.d;
    for (size_t i = blockIdx.x; i < jobs; i += gridDim.x) {
        const struct job job = job_of(i, a, parts, columns, 1);
        const T *q = x + job.image * (unsigned)a.cells * (unsigned)a.x_pad + job.head * a.d;
        const struct rows<T> mine = rows_of(q, a.x_pad, job.part, a.cells);
        float acc[QUAD][EACH * QUAD] = {}, all[QUAD] = {}, factor[QUAD], s[QUAD][QUAD];
        float most[QUAD] = {-INFINITY, -INFINITY, -INFINITY, -INFINITY};
        for (int from = 0; from < a.cells; from += PART) {
            const struct rows<T> keys = rows_of(q + c, a.x_pad, from, a.cells);
            tile_product(mine, keys, a.d, &room, s);
            make_logits(a, job, from, s);
            attend_on(s, keys.rows, &room, most, all, factor);
            put_weights(&room, s);
            UNROLL for (int j = 0; j < QUAD; j++)
            {
                UNROLL for (int k = 0; k < EACH * QUAD; k++) acc[j][k] *= factor[j];
            }
            tile_weighted(rows_of(q + 2 * c, a.x_pad, from, a.cells), job.from, a.d, &room, acc);
        }
        T *to = y + (job.image * (unsigned)a.cells + job.part) * (unsigned)a.y_pad;
        UNROLL for (int j = 0; j < QUAD; j++)
        {
            UNROLL for (int k = 0; k < EACH * QUAD; k++)
            {
                const int at = job.from + first_column() + k % QUAD + k / QUAD * SPAN;
                if (row + j < mine.rows && at < a.d)
                    to[(size_t)(row + j) * (unsigned)a.y_pad + job.head * a.d + at] =
                        from_float<T>(acc[j][k] / all[j]);
            }
        }
        clear_pads(to, a.y_pad, c, mine.rows, job.head == a.heads - 1 && job.from + COLUMNS >= a.d);
    }
}

/* For each cell's query: the logarithm of the sum that its weights are divided by, and the mean
 * over its weights of the gradients that they get. */
template <class T>
__global__ void __launch_bounds__(ATTEND, 8)
    attention_measure(const T *__restrict__ x, const float *__restrict__ dy,
                      struct kernel_attention a, size_t jobs, int parts, float *__restrict__ to)
{
    __shared__ __align__(16) struct room room;
    const int t = (int)threadIdx.x, row = first_row(), c = a.heads * a.d;
    for (size_t i = blockIdx.x; i < jobs; i += gridDim.x) {
        const struct job job = job_of(i, a, parts, 1, 1);
        const T *q = x + job.image * (unsigned)a.cells * (unsigned)a.x_pad + job.head * a.d;
        const float *g = dy + job.image * (unsigned)a.cells * (unsigned)a.y_pad + job.head * a.d;
        const struct rows<T> mine = rows_of(q, a.x_pad, job.part, a.cells);
        const struct rows<float> grads = rows_of(g, a.y_pad, job.part, a.cells);
        float most[QUAD] = {-INFINITY, -INFINITY, -INFINITY, -INFINITY}, all[QUAD] = {};
        float mean[QUAD] = {}, factor[QUAD], s[QUAD][QUAD], given[QUAD][QUAD];
        for (int from = 0; from < a.cells; from += PART) {
            const struct rows<T> keys = rows_of(q + c, a.x_pad, from, a.cells);
            tile_product(mine, keys, a.d, &room, s);
            tile_product(grads, rows_of(q + 2 * c, a.x_pad, from, a.cells), a.d, &room, given);
            make_logits(a, job, from, s);
            attend_on(s, keys.rows, &room, most, all, factor);
            float sum[QUAD] = {};
            UNROLL for (int j = 0; j < QUAD; j++)
            {
                UNROLL for (int k = 0; k < QUAD; k++) sum[j] += s[j][k] * given[j][k];
            }
            over_rows<false>(&room, sum);
            UNROLL for (int j = 0; j < QUAD; j++) mean[j] = mean[j] * factor[j] + sum[j];
        }
        const size_t at =
            (job.image * (unsigned)a.heads + job.head) * (unsigned)a.cells + job.part + row;
        for (int j = 0; j < QUAD; j++)
            if (t % SIDE == 0 && row + j < mine.rows) {
                to[(at + j) * 2] = most[j] + logf(all[j]);
                to[(at + j) * 2 + 1] = mean[j] / all[j];
            }
    }
}

/* Gradients of queries, which go through all keys, and of keys and values, which go through all
 * queries. With weights s and ds = scale s (da - mean): dq = ds k, dk = ds' q, dv = s' dy. */
template <class T>
__global__ void __launch_bounds__(ATTEND, 8)
    attention_backward(const T *__restrict__ x, const float *__restrict__ dy,
                       struct kernel_attention a, const float *__restrict__ measured, size_t jobs,
                       int parts, int columns, bool add, float *__restrict__ dx)
{
    __shared__ __align__(16) struct room room;
    const int row = first_row(), column = first_column(), c = a.heads * a.d;
    for (size_t i = blockIdx.x; i < jobs; i += gridDim.x) {
        const struct job job = job_of(i, a, parts, columns, 3);
        const bool queries = job.which == 0, values = job.which == 2;
        const T *q = x + job.image * (unsigned)a.cells * (unsigned)a.x_pad + job.head * a.d;
        const float *g = dy + job.image * (unsigned)a.cells * (unsigned)a.y_pad + job.head * a.d;
        const float *measure =
            measured + (job.image * (unsigned)a.heads + job.head) * (unsigned)a.cells * 2;
        const struct rows<T> mine = rows_of(queries ? q : q + c, a.x_pad, job.part, a.cells);
        float acc[QUAD][EACH * QUAD] = {}, s[QUAD][QUAD], given[QUAD][QUAD] = {};
        for (int from = 0; from < a.cells; from += PART) {
            const struct rows<T> others = rows_of(queries ? q + c : q, a.x_pad, from, a.cells);
            tile_product(mine, others, a.d, &room, s);
            if (queries)
                tile_product(rows_of(g, a.y_pad, job.part, a.cells),
                             rows_of(q + 2 * c, a.x_pad, from, a.cells), a.d, &room, given);
            else if (!values)
                tile_product(rows_of(q + 2 * c, a.x_pad, job.part, a.cells),
                             rows_of(g, a.y_pad, from, a.cells), a.d, &room, given);
            UNROLL for (int j = 0; j < QUAD; j++)
            {
                UNROLL for (int k = 0; k < QUAD; k++)
                {
                    const int own = job.part + row + j, other = from + column + k;
                    const int at = queries ? own : other;
                    float w = 0.0f;
                    if (row + j < mine.rows && column + k < others.rows) {
                        w = expf(a.scale * s[j][k] +
                                 bias_of(a, job.head, at, queries ? other : own) - measure[2 * at]);
                        if (!values)
                            w *= a.scale * (given[j][k] - measure[2 * at + 1]);
                    }
                    s[j][k] = w;
                }
            }
            put_weights(&room, s);
            if (values)
                tile_weighted(rows_of(g, a.y_pad, from, a.cells), job.from, a.d, &room, acc);
            else
                tile_weighted(others, job.from, a.d, &room, acc);
        }
        float *to = dx + (job.image * (unsigned)a.cells + job.part) * (unsigned)a.x_pad;
        UNROLL for (int j = 0; j < QUAD; j++)
        {
            UNROLL for (int k = 0; k < EACH * QUAD; k++)
            {
                const int at = job.from + column + k % QUAD + k / QUAD * SPAN;
                float *into = to + (size_t)(row + j) * (unsigned)a.x_pad + job.which * c +
                              job.head * a.d + at;
                if (row + j < mine.rows && at < a.d)
                    *into = add ? *into + acc[j][k] : acc[j][k];
            }
        }
        clear_pads(to, a.x_pad, 3 * c, mine.rows,
                   values && job.head == a.heads - 1 && job.from + COLUMNS >= a.d);
    }
}

} // namespace

cudaError_t kernel_attention(enum kernel_type t, const void *x, struct kernel_attention a, void *y,
                             cudaStream_t stream)
{
    int parts = (int)blocks_of(a.cells, PART), columns = (int)blocks_of(a.d, COLUMNS);
    size_t jobs = elements(a.n, a.heads, parts, columns);
    WITH_TYPE(t, launch(blocks_for(jobs), dim3(ATTEND), stream, attention_forward<T>, (const T *)x,
                        a, jobs, parts, columns, (T *)y));
}

static cudaError_t measure(enum kernel_type t, const void *x, const float *dy,
                           struct kernel_attention a, size_t jobs, int parts, float *room,
                           cudaStream_t stream)
{
    WITH_TYPE(t, launch(blocks_for(jobs), dim3(ATTEND), stream, attention_measure<T>, (const T *)x,
                        dy, a, jobs, parts, room));
}

cudaError_t kernel_attention_back(enum kernel_type t, const void *x, const float *dy,
                                  struct kernel_attention a, float *room, bool add, float *dx,
                                  cudaStream_t stream)
{
    int parts = (int)blocks_of(a.cells, PART), columns = (int)blocks_of(a.d, COLUMNS);
    size_t measured = elements(a.n, a.heads, parts, 1), jobs = 3 * measured * (unsigned)columns;
    cudaError_t s = measure(t, x, dy, a, measured, parts, room, stream);
    if (s != cudaSuccess)
        return s;
    WITH_TYPE(t, launch(blocks_for(jobs), dim3(ATTEND), stream, attention_backward<T>, (const T *)x,
                        dy, a, (const float *)room, jobs, parts, columns, add, dx));
}
