/* What each kind of operation becomes: kernels with packed weights, and how they are called. */
#include "engine/cpu/kinds.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* --- convolutions --- */

static bool is_linear(const struct graph_op *op)
{
    return op->kind == GRAPH_LINEAR;
}

struct conv_spec cpu_conv_spec(const struct cpu *c, const struct graph_op *op, bool back)
{
    const struct graph_value *x = &c->work.graph->value[op->in[0]],
                             *y = &c->work.graph->value[op->out];
    const struct graph_value *from = back ? y : x, *to = back ? x : y;
    const struct graph_axis one = graph_windows(1, 1, 0);
    const bool half = !back && cpu_half(c, op->out);
    return (struct conv_spec){
        .ih = from->h,
        .iw = from->w,
        .ic = from->c,
        .oh = to->h,
        .ow = to->w,
        .oc = to->c,
        .ip = cpu_pitch(c, from->c),
        .op = cpu_pitch(c, to->c),
        .igap = cpu_gap(c, from->c),
        .ogap = cpu_gap(c, to->c),
        .y = is_linear(op) ? one : op->y,
        .x = is_linear(op) ? one : op->x,
        .back = back,
        .relu = !back && op->act == GRAPH_RELU,
        .bf16 = half,
        .exact = c->work.opts.exact,
        .tiles = half && c->tiles,
        .n = c->images,
        .microbatches = c->microbatches,
        .w = op->w,
        .b = back ? NULL : op->b,
        .scale = 1,
    };
}

static int largest_divisor(int a, int b)
{
    return b ? largest_divisor(b, a % b) : a;
}

/* How many groups go together: so many that their channels begin at multiples of CONV_PITCH. */
static int groups_together(int in, int out)
{
    const int a = CONV_PITCH / largest_divisor(CONV_PITCH, in),
              b = CONV_PITCH / largest_divisor(CONV_PITCH, out);
    return a > b ? a : b;
}

/* The weights of `groups` groups from `first` on as those of a convolution without groups. */
static float *without_groups(const struct graph_op *op, int in, int out, int first, int groups)
{
    const size_t taps = (size_t)op->y.k * (size_t)op->x.k, row = (size_t)in * taps;
    const size_t channels = (size_t)groups * (size_t)out;
    float *w = mem_zero(channels * (size_t)groups * row, sizeof *w);
    for (size_t o = 0; o < channels; o++)
        memcpy(w + (o * (size_t)groups + o / (size_t)out) * row,
               op->w + ((size_t)first * (size_t)out + o) * row, row * sizeof *w);
    return w;
}

/* The groups from `first` on of a convolution with groups. */
static void open_slice(struct cpu *c, struct packing *p, struct step *s, int first, int groups,
                       bool back)
{
    const struct graph_op *op = s->op;
    const int in = c->work.graph->value[op->in[0]].c / op->groups,
              out = c->work.graph->value[op->out].c / op->groups;
    const int from = back ? out : in, to = back ? in : out;
    const bool last = first + groups == op->groups;
    struct conv_spec spec = cpu_conv_spec(c, op, back);
    struct slice *slice = &s->slice[s->slices++];
    slice->in = (ptrdiff_t)first * from;
    slice->out = (ptrdiff_t)first * to;
    spec.ipitch = spec.ip;
    spec.opitch = spec.op;
    spec.ic = groups * from;
    spec.oc = groups * to;
    spec.ip = last ? spec.ip - (int)slice->in : spec.ic;
    spec.op = last ? spec.op - (int)slice->out : spec.oc;
    spec.tiles = false;
    spec.w = packing_hold(p, without_groups(op, in, out, first, groups));
    spec.b = spec.b ? spec.b + slice->out : NULL;
    packing_add(c, p, &slice->conv, &spec);
}

static void open_depth(struct cpu *c, struct step *s, bool back)
{
    const struct graph_op *op = s->op;
    const int from = back ? op->out : op->in[0], to = back ? op->in[0] : op->out;
    const struct graph_value *x = &c->work.graph->value[from], *y = &c->work.graph->value[to];
    s->depth = (struct depth){
        .layout = cpu_layout(c, from, !back && cpu_half(c, op->out)),
        .ih = x->h,
        .iw = x->w,
        .oh = y->h,
        .ow = y->w,
        .y = op->y,
        .x = op->x,
        .back = back,
        .relu = !back && op->act == GRAPH_RELU,
        .group = cpu_group(c, op, back),
    };
    depth_open(&s->depth, op->w, back ? NULL : op->b);
}

static void conv_step_open(struct cpu *c, struct packing *p, struct step *s, int input)
{
    const struct graph_op *op = s->op;
    const bool back = input >= 0;
    if (cpu_group(c, op, back) > 0) {
        open_depth(c, s, back);
        return;
    }
    if (is_linear(op) || op->groups == 1) {
        const struct conv_spec spec = cpu_conv_spec(c, op, back);
        s->slice = mem_zero(1, sizeof *s->slice);
        s->slices = 1;
        packing_add(c, p, &s->slice[0].conv, &spec);
        return;
    }
    const int together = groups_together(c->work.graph->value[op->in[0]].c / op->groups,
                                         c->work.graph->value[op->out].c / op->groups);
    s->slice = mem_zero((size_t)op->groups / (size_t)together + 1, sizeof *s->slice);
    for (int i = 0; i < op->groups; i += together)
        open_slice(c, p, s, i, op->groups - i < together ? op->groups - i : together, back);
}

static void conv_step_close(struct step *s)
{
    for (int i = 0; i < s->slices; i++)
        conv_close(&s->slice[i].conv);
    free(s->slice);
    depth_close(&s->depth);
}

/* The same from an element on; NULL stays. */
static const void *moved(const void *p, ptrdiff_t elements, bool bf16)
{
    return p ? (const char *)p + elements * (ptrdiff_t)(bf16 ? sizeof(uint16_t) : sizeof(float))
             : NULL;
}

static void conv_go(const struct worker *w, const struct step *s, const struct conv_call *k)
{
    if (s->slices == 0)
        w->cpu->kernels->ops->depth(&s->depth, k);
    for (int i = 0; i < s->slices; i++) {
        const struct slice *slice = &s->slice[i];
        const bool bf16 = slice->conv.spec.bf16;
        struct conv_call part = *k;
        part.x = moved(k->x, slice->in, bf16);
        part.add = moved(k->add, slice->out, bf16);
        part.mask = moved(k->mask, slice->out, k->mask_bf16);
        part.y = (char *)k->y + slice->out * (ptrdiff_t)(bf16 ? sizeof(uint16_t) : sizeof(float));
        conv_run(&slice->conv, &part, w->scratch);
    }
}

static struct conv_call call_of(const struct step *s, const struct call *k)
{
    return (struct conv_call){.clip = s->clip,
                              .least = s->clip ? s->clip->p : 0,
                              .most = s->clip ? s->clip->q : 0,
                              .then = s->then,
                              .x = k->x[0],
                              .add = k->x[1],
                              .y = k->y,
                              .microbatches = k->microbatches,
                              .y0 = k->y0,
                              .y1 = k->y1,
                              .x0 = k->x0};
}

static struct conv_call back_call_of(const struct back_call *k)
{
    return (struct conv_call){.x = k->dy,
                              .add = k->add ? k->dx : NULL,
                              .mask = k->mask,
                              .mask_bf16 = k->mask_bf16,
                              .y = k->dx,
                              .microbatches = k->microbatches};
}

static void conv_forward(const struct worker *w, const struct step *s, const struct call *k)
{
    const struct conv_call call = call_of(s, k);
    conv_go(w, s, &call);
}

static void conv_back(const struct worker *w, const struct step *s, const struct back_call *k)
{
    const struct conv_call call = back_call_of(k);
    conv_go(w, s, &call);
}

/* --- factors and offsets --- */

/* Cells of the rows that are made, of each microbatch. */
static int cells_of(const struct worker *w, const struct step *s, const struct call *k)
{
    return (k->y1 - k->y0) * w->cpu->work.graph->value[s->op->out].w;
}

static void norm_open(struct cpu *c, struct packing *p, struct step *s, int input)
{
    (void)p;
    const struct graph_op *op = s->op;
    const bool back = input >= 0;
    const struct layout l = cpu_layout(c, op->out, !back && cpu_half(c, op->out));
    scale_open(&s->scale, &l, op->w, back ? NULL : op->b, !back && op->act == GRAPH_RELU);
}

static void norm_close(struct step *s)
{
    scale_close(&s->scale);
}

static void norm_forward(const struct worker *w, const struct step *s, const struct call *k)
{
    const struct conv_call call = call_of(s, k);
    struct scale rows = s->scale;
    rows.layout.cells = cells_of(w, s, k);
    w->cpu->kernels->ops->scale(&rows, &call);
}

static void norm_back(const struct worker *w, const struct step *s, const struct back_call *k)
{
    const struct conv_call call = back_call_of(k);
    w->cpu->kernels->ops->scale(&s->scale, &call);
}

static void offset_open(struct cpu *c, struct packing *p, struct step *s, int input)
{
    (void)p;
    (void)input;
    const struct layout l = cpu_layout(c, s->op->out, cpu_half(c, s->op->out));
    const size_t cells = (size_t)l.cells;
    s->offset.layout = l;
    s->offset.w = mem_aligned(cells * (size_t)l.pitch, sizeof(float));
    for (size_t k = 0; k < (size_t)l.c; k++)
        for (size_t i = 0; i < cells; i++)
            s->offset.w[i * (size_t)l.pitch + k] = s->op->w[k * cells + i];
}

static void offset_close(struct step *s)
{
    free(s->offset.w);
}

static void offset_forward(const struct worker *w, const struct step *s, const struct call *k)
{
    w->cpu->kernels->ops->offset(&s->offset, k->x[0], k->y, k->microbatches);
}

/* --- pools --- */

static void pool_open(struct cpu *c, struct packing *p, struct step *s, int input)
{
    (void)p;
    (void)input;
    const struct graph_op *op = s->op;
    const struct graph_value *x = &c->work.graph->value[op->in[0]],
                             *y = &c->work.graph->value[op->out];
    const bool average = op->kind == GRAPH_AVERAGE;
    const struct graph_axis all = {.k = 1};
    s->pool = (struct pool){
        .kind = average ? GRAPH_GRID_POOL : op->kind,
        .layout = cpu_layout(c, op->in[0], cpu_half(c, op->in[0])),
        .h = x->h,
        .w = x->w,
        .oh = y->h,
        .ow = y->w,
        .y = average ? all : op->y,
        .x = average ? all : op->x,
        .inner = op->inner,
        .wide = !cpu_half(c, op->out),
    };
}

static struct pool pool_of(const struct step *s, const struct call *k)
{
    struct pool p = s->pool;
    p.y0 = k->y0;
    p.y1 = k->y1;
    p.x0 = k->x0;
    return p;
}

static void max_forward(const struct worker *w, const struct step *s, const struct call *k)
{
    const struct pool rows = pool_of(s, k);
    w->cpu->kernels->ops->max(&rows, k->x[0], k->y, k->microbatches);
}

static void max_back(const struct worker *w, const struct step *s, const struct back_call *k)
{
    w->cpu->kernels->ops->max_back(&s->pool, k->x[0], k->dy, k->dx, k->microbatches);
}

static void mean_forward(const struct worker *w, const struct step *s, const struct call *k)
{
    const struct pool rows = pool_of(s, k);
    w->cpu->kernels->ops->mean(&rows, k->x[0], k->y, k->microbatches);
}

static void mean_back(const struct worker *w, const struct step *s, const struct back_call *k)
{
    w->cpu->kernels->ops->mean_back(&s->pool, k->dy, k->dx, k->microbatches);
}

/* --- two values --- */

static struct operand operand_of(const struct cpu *c, const struct graph_op *op, int input)
{
    const int in = op->in[input];
    const struct graph_value *v = &c->work.graph->value[in], *y = &c->work.graph->value[op->out];
    const struct layout l = cpu_layout(c, in, cpu_half(c, in));
    return (struct operand){
        .microbatch = l.cells * l.cell,
        .row = v->h > 1 ? v->w * l.cell : 0,
        .cell = v->w > 1 ? l.cell : 0,
        .image = l.pitch,
        .one = v->c == 1 && y->c > 1,
        .bf16 = l.bf16,
    };
}

static void pair_open(struct cpu *c, struct packing *p, struct step *s, int input)
{
    (void)p;
    (void)input;
    const struct graph_op *op = s->op;
    const struct graph_value *y = &c->work.graph->value[op->out];
    s->pair = (struct pair){
        .layout = cpu_layout(c, op->out, cpu_half(c, op->out)),
        .h = y->h,
        .w = y->w,
        .in = {operand_of(c, op, 0), operand_of(c, op, 1)},
        .multiply = op->kind == GRAPH_MULTIPLY,
        .relu = op->act == GRAPH_RELU,
    };
}

static void pair_forward(const struct worker *w, const struct step *s, const struct call *k)
{
    struct pair rows = s->pair;
    rows.h = k->y1 - k->y0;
    rows.layout.cells = cells_of(w, s, k);
    w->cpu->kernels->ops->pair(&rows, k->x, k->y, k->microbatches);
}

static void pair_back(const struct worker *w, const struct step *s, const struct back_call *k)
{
    w->cpu->kernels->ops->pair_back(&s->pair, k->input, k->x, k->dy, k->dx, k->add,
                                    k->microbatches);
}

/* --- functions --- */

static void each_open(struct cpu *c, struct packing *p, struct step *s, int input)
{
    (void)p;
    (void)input;
    s->each = (struct each){.layout = cpu_layout(c, s->op->out, cpu_half(c, s->op->out)),
                            .function = s->op->function,
                            .p = s->op->p,
                            .q = s->op->q};
}

static void each_forward(const struct worker *w, const struct step *s, const struct call *k)
{
    if (s->done)
        return;
    struct each rows = s->each;
    rows.layout.cells = cells_of(w, s, k);
    w->cpu->kernels->ops->each(&rows, k->x[0], k->y, k->microbatches);
}

static void each_back(const struct worker *w, const struct step *s, const struct back_call *k)
{
    w->cpu->kernels->ops->each_back(&s->each, k->x[0], k->dy, k->dx, k->add, k->microbatches);
}

static void softmax_open(struct cpu *c, struct packing *p, struct step *s, int input)
{
    (void)p;
    (void)input;
    s->layout = cpu_layout(c, s->op->out, cpu_half(c, s->op->out));
}

static void softmax_forward(const struct worker *w, const struct step *s, const struct call *k)
{
    w->cpu->kernels->ops->softmax(&s->layout, k->x[0], k->y, k->microbatches);
}

static void softmax_back(const struct worker *w, const struct step *s, const struct back_call *k)
{
    w->cpu->kernels->ops->softmax_back(&s->layout, k->y, k->dy, k->dx, k->add, k->microbatches);
}

static void layer_norm_open(struct cpu *c, struct packing *p, struct step *s, int input)
{
    (void)p;
    (void)input;
    struct layer_norm *n = &s->layer_norm;
    const struct layout l = cpu_layout(c, s->op->out, cpu_half(c, s->op->out));
    *n = (struct layer_norm){.layout = l, .eps = s->op->p};
    n->w = mem_aligned((size_t)l.pitch, sizeof *n->w);
    n->b = mem_aligned((size_t)l.pitch, sizeof *n->b);
    memcpy(n->w, s->op->w, (size_t)l.c * sizeof *n->w);
    memcpy(n->b, s->op->b, (size_t)l.c * sizeof *n->b);
}

static void layer_norm_close(struct step *s)
{
    free(s->layer_norm.w);
    free(s->layer_norm.b);
}

static void layer_norm_forward(const struct worker *w, const struct step *s, const struct call *k)
{
    w->cpu->kernels->ops->layer_norm(&s->layer_norm, k->x[0], k->y, k->microbatches);
}

static void layer_norm_back(const struct worker *w, const struct step *s, const struct back_call *k)
{
    w->cpu->kernels->ops->layer_norm_back(&s->layer_norm, k->x[0], k->dy, k->dx, k->add,
                                          k->microbatches);
}

static void attention_open(struct cpu *c, struct packing *p, struct step *s, int input)
{
    (void)p;
    s->attention = (struct attention){
        .in = cpu_layout(c, s->op->in[0], cpu_half(c, s->op->in[0])),
        .out = cpu_layout(c, s->op->out, cpu_half(c, s->op->out)),
        .heads = s->op->groups,
        .scale = s->op->p,
        .bias = s->op->biased ? s->op->w : NULL,
    };
    const size_t scratch = attention_scratch(&s->attention, input >= 0);
    c->scratch = scratch > c->scratch ? scratch : c->scratch;
}

static void attention_forward(const struct worker *w, const struct step *s, const struct call *k)
{
    w->cpu->kernels->ops->attention(&s->attention, k->x[0], k->y, k->microbatches, w->scratch);
}

static void attention_back(const struct worker *w, const struct step *s, const struct back_call *k)
{
    w->cpu->kernels->ops->attention_back(&s->attention, k->x[0], k->dy, k->dx, k->microbatches,
                                         w->scratch);
}

/* --- moves --- */

static void concat_open(struct cpu *c, struct packing *p, struct step *s, int input)
{
    (void)p;
    const struct graph_op *op = s->op;
    const bool half = input < 0 && cpu_half(c, op->out);
    for (int i = 0; i < 2; i++)
        s->join[i] = (struct join){.part = cpu_layout(c, op->in[i], half),
                                   .whole = cpu_layout(c, op->out, half),
                                   .at = i ? c->work.graph->value[op->in[0]].c : 0,
                                   .last = i == 1};
}

static void concat_forward(const struct worker *w, const struct step *s, const struct call *k)
{
    for (int i = 0; i < 2; i++) {
        struct join rows = s->join[i];
        rows.whole.cells = cells_of(w, s, k);
        join_put(&rows, k->x[i], k->y, k->microbatches);
    }
}

static void concat_back(const struct worker *w, const struct step *s, const struct back_call *k)
{
    (void)w;
    join_back(&s->join[k->input], k->dy, k->dx, k->add, k->microbatches);
}

static void choice_step_open(struct cpu *c, struct packing *p, struct step *s, int input)
{
    (void)p;
    const struct graph_op *op = s->op;
    const bool half = input < 0 && cpu_half(c, op->out);
    const struct layout in = cpu_layout(c, op->in[0], half), out = cpu_layout(c, op->out, half);
    if (op->kind == GRAPH_PICK)
        choice_open_channels(&s->choice, &in, &out, op->pick);
    else
        choice_open(&s->choice, &in, &out, op->kind == GRAPH_GATHER ? op->pick : NULL);
}

static void choice_step_close(struct step *s)
{
    choice_close(&s->choice);
}

static void choice_forward(const struct worker *w, const struct step *s, const struct call *k)
{
    struct choice rows = s->choice;
    rows.out.cells = cells_of(w, s, k);
    choice_take(&rows, k->x[0], k->y, k->microbatches);
}

static void choice_step_back(const struct worker *w, const struct step *s,
                             const struct back_call *k)
{
    (void)w;
    choice_back(&s->choice, k->dy, k->dx, k->microbatches);
}

/* --- products --- */

static void matmul_open(struct cpu *c, struct packing *p, struct step *s, int input)
{
    (void)p;
    (void)input;
    const struct graph_op *op = s->op;
    const bool half = cpu_half(c, op->out);
    s->matmul = (struct matmul){cpu_layout(c, op->in[0], half), cpu_layout(c, op->in[1], half),
                                cpu_layout(c, op->out, half), op->groups};
    if (input >= 0) {
        s->matmul.x.bf16 = cpu_half(c, op->in[0]);
        s->matmul.m.bf16 = cpu_half(c, op->in[1]);
    }
    const size_t scratch = matmul_scratch(&s->matmul);
    c->scratch = scratch > c->scratch ? scratch : c->scratch;
}

static void matmul_run(const struct worker *w, const struct step *s, const struct call *k)
{
    matmul_forward(&s->matmul, k->x[0], k->x[1], k->y, k->microbatches, w->scratch);
}

static void matmul_run_back(const struct worker *w, const struct step *s, const struct back_call *k)
{
    matmul_back(&s->matmul, k->input, k->x[!k->input], k->dy, k->dx, k->microbatches, w->scratch);
}

/* --- interpolation --- */

static void resize_open(struct cpu *c, struct packing *p, struct step *s, int input)
{
    (void)p;
    const struct graph_op *op = s->op;
    const bool half = input < 0 && cpu_half(c, op->out);
    s->resize =
        (struct resize){cpu_layout(c, op->in[0], half), cpu_layout(c, op->out, half),
                        c->work.graph->value[op->in[0]].w, graph_rows(op), graph_columns(op)};
    const size_t scratch = resize_scratch(&s->resize);
    c->scratch = scratch > c->scratch ? scratch : c->scratch;
}

static void resize_run(const struct worker *w, const struct step *s, const struct call *k)
{
    resize_forward(&s->resize, k->x[0], k->y, k->microbatches, w->scratch);
}

static void resize_run_back(const struct worker *w, const struct step *s, const struct back_call *k)
{
    (void)w;
    resize_back(&s->resize, k->dy, k->dx, k->microbatches);
}

/* --- the table --- */

const struct kind kinds[GRAPH_KINDS] = {
    [GRAPH_CONV] = {KIND_MASKS | KIND_STORES, conv_step_open, conv_step_close, conv_forward,
                    conv_back},
    [GRAPH_NORM] = {KIND_MASKS | KIND_STORES | KIND_ROWS, norm_open, norm_close, norm_forward,
                    norm_back},
    [GRAPH_MAX_POOL] = {KIND_ROWS, pool_open, NULL, max_forward, max_back},
    [GRAPH_MEAN_POOL] = {KIND_ROWS, pool_open, NULL, mean_forward, mean_back},
    [GRAPH_GRID_POOL] = {0, pool_open, NULL, mean_forward, mean_back},
    [GRAPH_AVERAGE] = {KIND_MIXES, pool_open, NULL, mean_forward, mean_back},
    [GRAPH_LINEAR] = {KIND_MASKS | KIND_STORES, conv_step_open, conv_step_close, conv_forward,
                      conv_back},
    [GRAPH_ADD] = {KIND_MIXES | KIND_STORES | KIND_ROWS, pair_open, NULL, pair_forward, pair_back},
    [GRAPH_MULTIPLY] = {KIND_MIXES | KIND_STORES | KIND_ROWS, pair_open, NULL, pair_forward,
                        pair_back},
    [GRAPH_FUNCTION] = {KIND_STORES | KIND_ROWS, each_open, NULL, each_forward, each_back},
    [GRAPH_CONCAT] = {KIND_STORES | KIND_ROWS, concat_open, NULL, concat_forward, concat_back},
    [GRAPH_PICK] = {KIND_ROWS, choice_step_open, choice_step_close, choice_forward,
                    choice_step_back},
    [GRAPH_FLATTEN] = {0, choice_step_open, choice_step_close, choice_forward, choice_step_back},
    [GRAPH_SOFTMAX] = {KIND_STORES, softmax_open, NULL, softmax_forward, softmax_back},
    [GRAPH_LAYER_NORM] = {KIND_STORES, layer_norm_open, layer_norm_close, layer_norm_forward,
                          layer_norm_back},
    [GRAPH_OFFSET] = {0, offset_open, offset_close, offset_forward, NULL},
    [GRAPH_ATTENTION] = {0, attention_open, NULL, attention_forward, attention_back},
    [GRAPH_GATHER] = {0, choice_step_open, choice_step_close, choice_forward, choice_step_back},
    [GRAPH_MATMUL] = {0, matmul_open, NULL, matmul_run, matmul_run_back},
    [GRAPH_RESIZE] = {0, resize_open, NULL, resize_run, resize_run_back},
};
