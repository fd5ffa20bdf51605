/* Channel weights by the second derivative: against the formula with the derivatives of all logits,
 * and of the last stage against its closed form. */
#include "../unit/check.h"
#include "random_net.h"

#include "cam/closed.h"
#include "cam/second.h"

enum { IMAGES = 5, PLANES = 11, CLASSES = 9 };

struct base {
    const struct graph *graph;
    struct graph *tail;
    int channels, cells;
    float *acts, *grads; /* (IMAGES, size), (IMAGES, CLASSES, size): of each logit */
    float logits[IMAGES * CLASSES];
    struct aim aim[IMAGES * PLANES];
};

/* More aims than go backward together, some without a class; in image 2 there are none. */
static void make_aims(struct aim *aim)
{
    for (int i = 0; i < IMAGES; i++, aim += PLANES)
        for (int k = 0; k < PLANES; k++)
            aim[k] = i == 2 || k == 4 ? (struct aim){-1, -1}
                     : k < CLASSES    ? (struct aim){k, -1}
                                      : (struct aim){k - CLASSES, i};
}

/* `spread`: logits so far apart that some classes do not matter. */
static struct base base_open(struct graph *g, int value, float spread)
{
    struct err e = {0};
    struct base b = {.graph = g, .channels = g->value[value].c};
    const struct graph_op *linear = &g->op[g->ops - 1];
    float *w = (float *)linear->w;
    for (int i = 0; i < CLASSES * g->value[linear->in[0]].c; i++)
        w[i] *= spread;
    b.tail = graph_tail(g, value, &e);
    CHECK(b.tail);
    b.cells = (int)graph_cells(g, value);
    const size_t size = graph_size(g, value);
    const struct engine_want want = {0, ENGINE_GRADIENT};
    const struct engine_opts o = {.device = "ref",
                                  .threads = 1,
                                  .wants = &want,
                                  .want_count = 1,
                                  .vectors = CLASSES,
                                  .images = true};
    float seeds[IMAGES * CLASSES * CLASSES] = {0};
    for (int i = 0; i < IMAGES * CLASSES; i++)
        seeds[i * CLASSES + i % CLASSES] = 1;
    b.acts = random_reals(IMAGES * size, 1);
    b.grads = mem_alloc(IMAGES * CLASSES * size, sizeof *b.grads);
    union engine_result result = {.values = b.grads};
    const struct engine_batch batch = {
        .n = IMAGES, .images = b.acts, .logits = b.logits, .seeds = seeds, .results = &result};
    struct engine *engine;
    CHECK(engine_open(&engine, b.tail, &o, &e) == 0 && engine_forward(engine, &batch, &e) == 0);
    engine_close(engine);
    make_aims(b.aim);
    return b;
}

static void base_close(struct base *b)
{
    graph_free(b->tail);
    free(b->acts);
    free(b->grads);
}

/* d s_c - H J A / 2 with respect to the logits, added to d[CLASSES]. */
static void add_score(enum cam_score score, const float *z, const double *along, int cls,
                      double sign, double *d)
{
    double p[CLASSES], rest[CLASSES], mean = 0;
    cam_softmax(z, CLASSES, p, rest);
    for (int k = 0; k < CLASSES; k++)
        mean += p[k] * along[k];
    for (int k = 0; k < CLASSES; k++) {
        double first = (k == cls) - p[k], second = -p[k] * (along[k] - mean);
        if (score == CAM_PROB) {
            second = p[cls] * (second + first * (along[cls] - mean));
            first *= p[cls];
        }
        d[k] += sign * (first - second / 2);
    }
}

static void expect(const struct base *b, enum cam_score score, int image, struct aim aim,
                   float *weight)
{
    const size_t size = (size_t)b->channels * (size_t)b->cells;
    const float *a = b->acts + (size_t)image * size, *z = b->logits + image * CLASSES;
    const float *g = b->grads + (size_t)image * CLASSES * size;
    double along[CLASSES] = {0}, d[CLASSES] = {0};
    for (size_t i = 0; i < CLASSES * size; i++)
        along[i / size] += (double)g[i] * a[i % size];
    add_score(score, z, along, aim.cls, 1, d);
    if (aim.minus >= 0)
        add_score(score, z, along, aim.minus, -1, d);
    for (int k = 0; k < b->channels; k++) {
        double sum = 0;
        for (int c = 0; c < CLASSES; c++)
            sum += d[c] * cam_sum(g + (size_t)c * size + (size_t)(k * b->cells), b->cells);
        weight[k] = (float)(sum / b->cells);
    }
}

struct taken {
    int next;
    size_t each;
    float *weight;
};

static int take(void *ctx, int i, const float *weight, struct err *e)
{
    struct taken *t = ctx;
    (void)e;
    CHECK(i == t->next++);
    memcpy(t->weight + (size_t)i * t->each, weight, t->each * sizeof *weight);
    return 0;
}

static int stop(void *ctx, int i, const float *weight, struct err *e)
{
    (void)ctx;
    (void)weight;
    return i < 1 ? 0 : err_set(e, "enough");
}

static struct passes_batch batch_of(const struct base *b)
{
    return (struct passes_batch){
        .n = IMAGES, .activations = b->acts, .logits = b->logits, .aim = b->aim, .planes = PLANES};
}

static float *room_for(const struct base *b)
{
    return mem_alloc((size_t)IMAGES * PLANES * (size_t)b->channels, sizeof(float));
}

/* The weights of all images, the second time after a run that was given up; the passes of one. */
static int64_t weights_of(const struct base *b, const struct passes_opts *o, float *weight)
{
    const struct passes_batch batch = batch_of(b);
    const size_t each = PLANES * (size_t)b->channels;
    struct taken t = {.each = each, .weight = room_for(b)};
    struct second *s;
    struct err e = {0};
    CHECK(second_open(&s, o, &e) == 0 && second_run(s, &batch, take, &t, &e) == 0);
    CHECK(t.next == IMAGES);
    int64_t passes = second_passes(s);
    CHECK(second_run(s, &batch, stop, NULL, &e) == -1);
    CHECK_STR(e.msg, "enough");
    memcpy(weight, t.weight, IMAGES * each * sizeof *weight);
    t.next = 0;
    CHECK(second_run(s, &batch, take, &t, &e) == 0 && t.next == IMAGES);
    CHECK(memcmp(weight, t.weight, IMAGES * each * sizeof *weight) == 0);
    second_close(s);
    free(t.weight);
    return passes;
}

static void check_score(const struct base *b, int value, enum cam_score score, const char *device,
                        bool all)
{
    struct passes_opts o = {.graph = b->graph,
                            .value = value,
                            .how = {.method = method_at(METHOD_SHAPLEYCAM), .score = score},
                            .engine = {.device = device, .threads = 1}};
    const size_t n = (size_t)b->channels;
    float *have = room_for(b), *other = room_for(b), *want = mem_alloc(n, sizeof *want);
    const int64_t passes = weights_of(b, &o, have);
    const int64_t most = (IMAGES - 1) * (PLANES - 1 + CLASSES);
    /* No aim asks for class 4. */
    CHECK(all ? passes == most : passes < most);
    o.engine.threads = 3;
    weights_of(b, &o, other);
    for (int i = 0; i < IMAGES * PLANES; i++) {
        const float *weight = have + (size_t)i * n;
        if (b->aim[i].cls < 0) {
            CHECK(isnan(weight[0]) && isnan(weight[n - 1]));
            continue;
        }
        CHECK(memcmp(weight, other + (size_t)i * n, n * sizeof *weight) == 0);
        expect(b, score, i / PLANES, b->aim[i], want);
        CHECK(difference(weight, want, n) < 1e-4);
    }
    free(have);
    free(other);
    free(want);
}

static void check_value(struct graph *g, int value, float spread)
{
    struct base b = base_open(g, value, spread);
    for (int score = CAM_LOGPROB; score <= CAM_PROB; score++)
        check_score(&b, value, (enum cam_score)score, score == CAM_PROB ? "ref" : "cpu",
                    spread <= 1);
    base_close(&b);
}

/* Of the last stage, as in closed form. */
static void check_closed(struct graph *g)
{
    const struct graph_closed end = graph_closed(g);
    struct base b = base_open(g, end.value, 1);
    const size_t size = graph_size(g, end.value);
    const struct closed_head head = {CLASSES, b.channels, b.cells, end.linear->w, end.linear->b};
    const struct passes_opts o = {
        .graph = g,
        .value = end.value,
        .how = {.method = method_at(METHOD_SHAPLEYCAM), .score = CAM_LOGPROB},
        .engine = {.device = "cpu", .threads = 2}};
    struct closed *c = closed_new(&o.how, &head);
    float *have = room_for(&b), *map = mem_alloc(size, sizeof *map), *closed = map + b.cells;
    double p[CLASSES], rest[CLASSES], bias;
    weights_of(&b, &o, have);
    for (int i = 0; i < IMAGES * PLANES; i++) {
        const float *a = b.acts + (size_t)(i / PLANES) * size;
        const struct seed_scores s = {
            .classes = CLASSES, .logits = b.logits + i / PLANES * CLASSES, .p = p, .rest = rest};
        if (b.aim[i].cls < 0)
            continue;
        cam_softmax(s.logits, CLASSES, p, rest);
        closed_maps(c, &b.aim[i], 1, a, i, &s, closed, &bias);
        cam_combine(have + (size_t)i * (size_t)b.channels, a, b.channels, b.cells, map);
        CHECK(difference(map, closed, (size_t)b.cells) < 1e-4);
    }
    closed_free(c);
    free(have);
    free(map);
    base_close(&b);
}

/* Where nothing can begin, no engine opens. */
static void check_refused(void)
{
    struct graph *g = net_random(9, 8, (const int[]){8, 16, 0}, 2, 4);
    struct second *s;
    struct err e;
    struct passes_opts o = {.graph = g,
                            .value = 2,
                            .how = {.method = method_at(METHOD_SHAPLEYCAM), .score = CAM_PROB},
                            .engine = {.device = "ref"}};
    CHECK(second_open(&s, &o, &e) == -1);
    CHECK_STR(e.msg, "expected what lies behind value 2 to be made of it alone, found that conv "
                     "reads value 1");
    o.value = 3;
    o.engine.device = "none";
    CHECK(second_open(&s, &o, &e) == -1);
    graph_free(g);
}

int main(void)
{
    random_state = 77;
    struct graph *g = net_random(9, 8, (const int[]){8, 12, 0}, 1, CLASSES);
    check_value(g, 1, 1);
    check_closed(g);
    /* From here on logits are far apart. */
    check_value(g, 1, 40);
    graph_free(g);
    check_refused();
    return CHECK_DONE();
}
