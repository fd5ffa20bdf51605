/* Channel weights by masked passes against passes for all channels, by ref; and the
 * closed form of ablation against passes. */
#include "../unit/check.h"
#include "random_net.h"

#include "cam/ablation.h"
#include "cam/masked.h"

enum { IMAGES = 3, PLANES = 3 };

/* What a run of a network gave. */
struct base {
    const struct graph *graph;
    int value;
    float *images, *acts, *logits;
    uint8_t *pixels;
    struct aim aim[IMAGES * PLANES];
};

/* The engine writes logits and activations. */
static void forward(const struct graph *g, int n, const float *images,
                    float *logits, /* NOLINT(readability-non-const-parameter) */
                    float *acts,   /* NOLINT(readability-non-const-parameter) */
                    int value)
{
    const struct engine_want want = {value, ENGINE_ACTIVATION};
    const struct engine_opts o = {
        .device = "ref", .images = true, .wants = &want, .want_count = acts ? 1 : 0, .threads = 2};
    union engine_result result = {.values = acts};
    const struct engine_batch b = {
        .n = n, .images = (float *)images, .logits = logits, .results = acts ? &result : NULL};
    struct engine *engine;
    struct err e = {0};
    CHECK(engine_open(&engine, g, &o, &e) == 0 && engine_forward(engine, &b, &e) == 0);
    engine_close(engine);
}

static struct base base_open(const struct graph *g, int value)
{
    const size_t image = graph_size(g, 0), act = graph_size(g, value);
    const size_t classes = (size_t)graph_classes(g);
    struct base b = {.graph = g, .value = value};
    b.pixels = mem_alloc(IMAGES * image, 1);
    random_pixels(b.pixels, IMAGES * image);
    b.images = mem_alloc(IMAGES * image, sizeof *b.images);
    for (size_t i = 0; i < IMAGES * image; i++) {
        size_t c = i % image / graph_cells(g, 0);
        b.images[i] = (float)((b.pixels[i] / 255.0 - g->mean[c]) / g->std[c]);
    }
    b.acts = mem_alloc(IMAGES * act, sizeof *b.acts);
    b.logits = mem_alloc(IMAGES * classes, sizeof *b.logits);
    forward(g, IMAGES, b.images, b.logits, b.acts, value);
    for (int i = 0; i < IMAGES; i++) {
        const struct aim aim[PLANES] = {{i % (int)classes, -1}, {1, 0}, {2, 2}};
        memcpy(b.aim + (size_t)i * PLANES, aim, sizeof aim);
    }
    return b;
}

static void base_close(struct base *b)
{
    free(b->pixels);
    free(b->images);
    free(b->acts);
    free(b->logits);
}

static double score_of(enum cam_score score, const float *logits, int classes, int cls)
{
    double sum = 0;
    for (int k = 0; k < classes; k++)
        sum += exp(logits[k] - (double)logits[cls]);
    return score == CAM_LOGIT ? logits[cls] : score == CAM_LOGPROB ? -log(sum) : 1 / sum;
}

static double aim_score(enum cam_score score, const float *logits, int classes, struct aim aim)
{
    return score_of(score, logits, classes, aim.cls) -
           (aim.minus >= 0 ? score_of(score, logits, classes, aim.minus) : 0);
}

/* The channel, blown up with corners aligned and normalised, times the image. */
static void mask(const struct base *b, int image, const float *channel, bool compat, float *to)
{
    const struct graph_value *v = &b->graph->value[b->value], *in = &b->graph->value[0];
    const size_t cells = graph_cells(b->graph, 0);
    double *m = mem_alloc(cells, sizeof *m), min = INFINITY, max = -INFINITY;
    for (int y = 0; y < in->h; y++)
        for (int x = 0; x < in->w; x++) {
            double fy = in->h > 1 ? (double)y * (v->h - 1) / (in->h - 1) : 0;
            double fx = in->w > 1 ? (double)x * (v->w - 1) / (in->w - 1) : 0;
            int y0 = (int)fy, x0 = (int)fx, y1 = y0 + (y0 + 1 < v->h), x1 = x0 + (x0 + 1 < v->w);
            double top =
                channel[y0 * v->w + x0] * (1 - fx + x0) + channel[y0 * v->w + x1] * (fx - x0);
            double low =
                channel[y1 * v->w + x0] * (1 - fx + x0) + channel[y1 * v->w + x1] * (fx - x0);
            double at = top * (1 - fy + y0) + low * (fy - y0);
            m[y * in->w + x] = at;
            min = fmin(min, at);
            max = fmax(max, at);
        }
    const float *x = b->images + (size_t)image * graph_size(b->graph, 0);
    for (size_t i = 0; i < graph_size(b->graph, 0); i++) {
        double range = max - min;
        /* Less than what rounding makes of a channel that is the same everywhere. */
        double share = range > 1e-6 ? (m[i % cells] - min) / (range + (compat ? 1e-8 : 0)) : 0;
        to[i] = (float)(x[i] * share);
    }
    free(m);
}

/* Weights of an image by a pass for each channel. */
static void expect(const struct base *b, const struct passes_opts *o, int image, float *weight)
{
    const struct graph_value *v = &b->graph->value[b->value];
    const size_t cells = (size_t)v->h * (size_t)v->w, size = graph_size(b->graph, b->value);
    const int classes = graph_classes(b->graph);
    const float *acts = b->acts + (size_t)image * size;
    struct err e;
    bool masks = o->how.method->passes == METHOD_MASKS;
    struct graph *tail = graph_tail(b->graph, masks ? 0 : b->value, &e);
    const size_t channels = (size_t)v->c, each = graph_size(tail, 0);
    float *all = mem_alloc(channels * each, sizeof *all);
    float *logits = mem_alloc(channels * (size_t)classes, sizeof *logits);
    double *score = mem_alloc((size_t)v->c * PLANES, sizeof *score), sum[PLANES] = {0};
    float least = INFINITY;
    for (size_t i = 0; i < size; i++)
        least = fminf(least, acts[i]);
    for (int k = 0; k < v->c; k++) {
        float *in = all + (size_t)k * each;
        if (masks) {
            mask(b, image, acts + (size_t)k * cells, o->how.compat, in);
        } else {
            memcpy(in, acts, size * sizeof *in);
            for (size_t i = 0; i < cells; i++)
                in[(size_t)k * cells + i] =
                    o->how.compat && least != 0 ? least - 1e7F * (float)(k % 32 + 1) : 0;
        }
    }
    forward(tail, v->c, all, logits, NULL, 0);
    for (int k = 0; k < v->c; k++)
        for (int p = 0; p < PLANES; p++) {
            score[k * PLANES + p] =
                aim_score(o->how.score, logits + k * classes, classes, b->aim[image * PLANES + p]);
            sum[p] += exp(score[k * PLANES + p]);
        }
    for (int k = 0; k < v->c; k++)
        for (int p = 0; p < PLANES; p++) {
            const struct aim aim = b->aim[image * PLANES + p];
            double was =
                aim_score(o->how.score, b->logits + (size_t)image * (size_t)classes, classes, aim);
            double fall = (was - score[k * PLANES + p]) / (o->how.compat ? was : fabs(was));
            weight[p * v->c + k] = (float)(aim.cls == aim.minus ? 0
                                           : masks ? exp(score[k * PLANES + p]) / sum[p]
                                                   : fall);
        }
    graph_free(tail);
    free(all);
    free(logits);
    free(score);
}

struct taken {
    int next, channels;
    float *weight; /* (IMAGES, PLANES, channels) */
};

static int take(void *ctx, int i, const float *weight, struct err *e)
{
    struct taken *t = ctx;
    (void)e;
    CHECK(i == t->next++);
    size_t n = (size_t)PLANES * (size_t)t->channels;
    memcpy(t->weight + (size_t)i * n, weight, n * sizeof *weight);
    return 0;
}

static int stop(void *ctx, int i, const float *weight, struct err *e)
{
    (void)ctx;
    (void)weight;
    return i < 1 ? 0 : err_set(e, "enough");
}

static struct passes_batch batch_of(const struct base *b, bool pixels)
{
    return (struct passes_batch){.n = IMAGES,
                                 .pixels = pixels ? b->pixels : NULL,
                                 .images = pixels ? NULL : b->images,
                                 .activations = b->acts,
                                 .logits = b->logits,
                                 .aim = b->aim,
                                 .planes = PLANES};
}

/* The weights of all images; the passes that they took. */
static int64_t weights_of(const struct base *b, const struct passes_opts *o, bool pixels,
                          float *weight) /* NOLINT(readability-non-const-parameter) */
{
    struct masked *m;
    struct err e = {0};
    struct taken t = {.channels = b->graph->value[b->value].c, .weight = weight};
    const struct passes_batch batch = batch_of(b, pixels);
    CHECK(masked_open(&m, o, &e) == 0);
    CHECK(masked_run(m, &batch, take, &t, &e) == 0 && t.next == IMAGES);
    int64_t passes = masked_passes(m);
    masked_close(m);
    return passes;
}

static void check_device(const struct base *b, struct passes_opts o, const char *device,
                         double tolerance)
{
    const size_t n = (size_t)PLANES * (size_t)b->graph->value[b->value].c;
    float *want = mem_alloc(n, sizeof *want), *have = mem_alloc(IMAGES * n, sizeof *have);
    float *other = mem_alloc(IMAGES * n, sizeof *other);
    o.engine.device = device;
    o.engine.threads = 1;
    weights_of(b, &o, false, have);
    o.engine.threads = 3;
    weights_of(b, &o, o.how.method->passes == METHOD_ABLATES, other);
    CHECK(memcmp(have, other, IMAGES * n * sizeof *have) == 0);
    for (int i = 0; i < IMAGES; i++) {
        expect(b, &o, i, want);
        double gap = difference(have + (size_t)i * n, want, n);
        CHECK(gap <= tolerance);
        if (!(gap <= tolerance))
            fprintf(stderr, "  %s, value %d, %s, score %d, compat %d: %.2g\n", device, b->value,
                    o.how.method->word, o.how.score, o.how.compat, gap);
    }
    free(want);
    free(have);
    free(other);
}

static void check_value(const struct graph *g, int value)
{
    struct base b = base_open(g, value);
    for (int m = METHOD_SCORECAM; m <= METHOD_ABLATIONCAM; m++)
        for (int score = CAM_LOGIT; score <= CAM_PROB; score++) {
            const struct passes_opts o = {.graph = g,
                                          .value = value,
                                          .how = {.method = method_at(m),
                                                  .score = (enum cam_score)score,
                                                  .compat = (value + score) % 2}};
            check_device(&b, o, score == CAM_PROB ? "ref" : "cpu", 2e-4);
        }
    base_close(&b);
}

/* Of the last stage without a pass, as with passes. */
static void check_closed(const struct graph *g)
{
    const struct graph_closed end = graph_closed(g);
    const struct graph_value *v = &g->value[end.value];
    const size_t n = (size_t)PLANES * (size_t)v->c;
    struct base b = base_open(g, end.value);
    const struct closed_head h = {graph_classes(g), v->c, v->h * v->w, end.linear->w,
                                  end.linear->b};
    float *closed = mem_alloc(n, sizeof *closed), *passed = mem_alloc(IMAGES * n, sizeof *passed);
    for (int k = 0; k < 6; k++) {
        const struct passes_opts o = {.graph = g,
                                      .value = end.value,
                                      .how = {.method = method_at(METHOD_ABLATIONCAM),
                                              .score = (enum cam_score)(k % 3),
                                              .compat = k / 3},
                                      .engine = {.device = "ref"}};
        weights_of(&b, &o, false, passed);
        for (int i = 0; i < IMAGES; i++) {
            ablation_closed(
                &h, o.how.score, o.how.compat, b.acts + (size_t)i * graph_size(g, end.value),
                b.logits + (size_t)i * (size_t)h.classes, b.aim + i * PLANES, PLANES, closed);
            CHECK(difference(passed + (size_t)i * n, closed, n) < 2e-4);
        }
    }
    free(closed);
    free(passed);
    base_close(&b);
}

/* Passes that are known without being run: of channels that are the same everywhere, and of those
 * that make the mask of another one. */
static void check_skipped(void)
{
    struct graph *g = net_random(9, 8, (const int[]){8, 0}, 1, 4);
    const int value = graph_closed(g).value;
    struct base b = base_open(g, value);
    const size_t cells = graph_cells(g, value), n = 8 * PLANES;
    float have[IMAGES * 8 * PLANES], want[8 * PLANES];
    for (size_t i = 0; i < IMAGES; i++)
        for (size_t k = 0; k < 8; k++) {
            float *a = b.acts + (i * 8 + k) * cells;
            for (size_t p = 0; p < cells; p++)
                a[p] = k == 2   ? 0
                       : k == 4 ? 0.25F
                       : k == 5 ? 3 * a[p - 5 * cells] + 1
                       : k == 6 ? (p == 7) * 0.3F
                       : k == 7 ? (p == 7) * 0.7F
                                : a[p];
        }
    struct passes_opts o = {.graph = g,
                            .value = value,
                            .how = {.method = method_at(METHOD_SCORECAM)},
                            .engine = {.device = "cpu", .threads = 2}};
    /* 2 and 4 have no mask, 7 has that of 6; 5 may differ from 0 by a rounding. */
    int64_t passes = weights_of(&b, &o, false, have);
    CHECK(passes >= IMAGES * 4 && passes <= IMAGES * 5);
    for (int i = 0; i < IMAGES; i++) {
        expect(&b, &o, i, want);
        CHECK(difference(have + (size_t)i * n, want, n) < 1e-4);
    }
    o.how.method = method_at(METHOD_ABLATIONCAM);
    CHECK(weights_of(&b, &o, false, have) == IMAGES * (7 + 1));
    memset(b.acts, 0, IMAGES * graph_size(g, value) * sizeof *b.acts);
    CHECK(weights_of(&b, &o, false, have) == 0 && have[3] == 0);
    o.how.method = method_at(METHOD_SCORECAM);
    CHECK(weights_of(&b, &o, false, have) == 0 && have[3] == 0.125F);
    base_close(&b);
    graph_free(g);
}

/* One run after another, also after one that was given up. */
static void check_again(void)
{
    struct graph *g = net_random(9, 8, (const int[]){8, 0}, 1, 4);
    struct base b = base_open(g, 1);
    float first[IMAGES * 8 * PLANES], then[IMAGES * 8 * PLANES];
    const struct passes_opts o = {.graph = g,
                                  .value = 1,
                                  .how = {.method = method_at(METHOD_ABLATIONCAM)},
                                  .engine = {.device = "cpu", .threads = 2}};
    const struct passes_batch batch = batch_of(&b, true);
    struct taken t = {.channels = 8, .weight = first};
    struct masked *m;
    struct err e = {0};
    CHECK(masked_open(&m, &o, &e) == 0 && masked_run(m, &batch, take, &t, &e) == 0);
    CHECK(masked_run(m, &batch, stop, &t, &e) == -1);
    CHECK_STR(e.msg, "enough");
    t = (struct taken){.channels = 8, .weight = then};
    CHECK(masked_run(m, &batch, take, &t, &e) == 0 && t.next == IMAGES);
    for (size_t i = 0; i < sizeof first / sizeof *first; i++)
        CHECK(first[i] == then[i]);
    masked_close(m);
    base_close(&b);
    graph_free(g);
}

/* Where a score is no number, neither are weights; where nothing can begin, no engine opens. */
static void check_refused(void)
{
    struct graph *g = net_random(9, 8, (const int[]){8, 16, 0}, 2, 4);
    struct base b = base_open(g, 3);
    float have[IMAGES * 8 * PLANES];
    struct passes_opts o = {.graph = g,
                            .value = 3,
                            .how = {.method = method_at(METHOD_ABLATIONCAM)},
                            .engine = {.device = "ref"}};
    for (size_t i = 0; i < graph_size(g, 3); i++)
        b.acts[i] = 3e38F;
    weights_of(&b, &o, false, have);
    CHECK(isnan(have[0]) && isfinite(have[8 * PLANES]));
    base_close(&b);

    struct masked *m;
    struct err e;
    o.value = 2;
    CHECK(masked_open(&m, &o, &e) == -1);
    CHECK_STR(e.msg, "expected what lies behind value 2 to be made of it alone, found that conv "
                     "reads value 1");
    o.value = 3;
    o.engine.device = "none";
    CHECK(masked_open(&m, &o, &e) == -1);
    graph_free(g);
}

int main(void)
{
    random_state = 901;
    struct graph *g = net_random(9, 8, (const int[]){8, 12, 0}, 1, 5);
    check_value(g, 1);
    check_value(g, graph_closed(g).value);
    check_closed(g);
    graph_free(g);
    /* Activations below 0. */
    g = net_preact(5, 6, (const int[]){34, 0}, 1, 4, false);
    check_value(g, 1);
    check_closed(g);
    graph_free(g);
    check_skipped();
    check_again();
    check_refused();
    return CHECK_DONE();
}
