/* cam-score: what maps are worth, by metrics. See cam-score(1). */
#include "errors.h"
#include "input.h"
#include "masks.h"
#include "sink.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/pool.h"
#include "base/prog.h"
#include "base/text.h"
#include "faith/baseline.h"
#include "faith/faith.h"
#include "faith/order.h"
#include "faith/stage.h"
#include "session/session.h"
#include "stats/prediction.h"
#include "stream/run.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 16, STEPS_MOST = 1024, SIDE = 1024 };

static struct session_opts session = {.device = "auto"};
static struct input_opts wanted = {.table = "-", .target = "pred"};
static const char *shard, *metrics, *masks, *reference, *grid, *summary_path, *run_path;
static int score, against;
static int64_t steps = STEPS, seed, resamples = 1000;
static double noise;
static bool no_baselines, errors;
static struct errors_opts check; /* with `errors` */
static struct faith_size cells;  /* of `grid` */

#define SCORES "prob|logit|logprob"
static const enum cam_score scores[] = {CAM_PROB, CAM_LOGIT, CAM_LOGPROB};

static const struct opt options[] = {
    SESSION_MODEL_OPT(session),
    SESSION_ASSUME_OPT(session),
    SESSION_RENAME_OPT(session),
    {"data", 'd', OPT_STRING, &session.data, "PATH", "The images, a file or a folder.", 0, 0},
    SESSION_SIZE_OPTS(session),
    {"table", 0, OPT_STRING, &wanted.table, "FILE",
     "The rows; - for standard input, which is the default.", 0, 0},
    {"target", 't', OPT_STRING, &wanted.target, "WORD",
     "What the maps explain: a column that holds a class (pred, true, ...), margin, or class:N. "
     "Default: pred.",
     0, 0},
    {"planes", 0, OPT_STRING, &wanted.planes, "LIST",
     "The --target with which maps of several planes were made; the plane of this call's --target "
     "is taken.",
     0, 0},
    {"ids", 0, OPT_STRING, &wanted.ids, "FILE",
     "The ids of the maps. Without it map i belongs to row i; with --errors, to id i.", 0, 0},
    {"metrics", 0, OPT_STRING, &metrics, "LIST",
     "The metrics, separated by commas: " METRICS_WORDS ". Default: " METRICS_USUAL ".", 0, 0},
    {"score", 's', OPT_CHOICE, &score, SCORES,
     "What is measured of the class in a changed image. Default: prob.", 0, 0},
    {"steps", 0, OPT_INT, &steps, "N",
     "Steps from the image to the one in which everything is changed. Default: 16.", 1, STEPS_MOST},
    {"noise", 0, OPT_FLOAT, &noise, "X",
     "Standard deviation of the noise that ROAD adds to the pixels it replaces, normalised. "
     "Default: 0.",
     0, 0},
    {"cells", 0, OPT_STRING, &grid, "HxW",
     "Divide images into this grid for the metrics of cells. Default: the coarsest grid of the "
     "maps.",
     0, 0},
    {"count", 'n', OPT_INT, &wanted.count, "N",
     "Take N of the rows by chance. Default: 0, which takes all.", 0, INT64_MAX},
    SHARD_OPT(shard, "Score the rows whose id modulo N is I alone, I from 0 to N-1."),
    {"seed", 0, OPT_INT, &seed, "N",
     "Of the rows taken, the order of equal values, the random maps and the intervals. Default: 0.",
     0, INT64_MAX},
    {"no-baselines", 0, OPT_FLAG, &no_baselines, NULL,
     "Leave out the random, the blurred random, the centre and the edge map.", 0, 0},
    {"masks", 0, OPT_STRING, &masks, "FILE",
     "Where the object of each image is: a tensor (n, h, w) of bytes, one item for each image, not "
     "0 where it is seen.",
     0, 0},
    {"reference", 0, OPT_STRING, &reference, "NAME",
     "The name of one of the MAPS, with which all are compared.", 0, 0},
    {"class-maps", 0, OPT_STRING, &check.class_maps, "FILE",
     "The unnormalised CAMs of all classes, as cifar-predict writes them, for --errors and for the "
     "metrics that need them.",
     0, 0},
    {"logits", 0, OPT_STRING, &check.logits, "FILE", "The logits that belong to --class-maps.", 0,
     0},
    {"biases", 0, OPT_STRING, &check.biases, "FILE",
     "The biases (classes) of the linear layer, instead of --logits.", 0, 0},
    {"errors", 0, OPT_FLAG, &errors, NULL,
     "Take no MAPS: tell of each wrong prediction whether it turns to the true class when cells of "
     "its margin map are deleted. Needs --class-maps with --logits or --biases; with --model and "
     "--data the cells are made grey in the image, too.",
     0, 0},
    {"against", 0, OPT_CHOICE, &against, BASELINE_WORDS,
     "The baseline from which --summary gives differences. Default: random.", 0, 0},
    {"summary", 0, OPT_STRING, &summary_path, "FILE",
     "Write a row for each map and metric: the mean, its interval, and the difference from a "
     "baseline.",
     0, 0},
    {"resamples", 0, OPT_INT, &resamples, "N",
     "Bootstrap samples for the intervals of --summary. Default: 1000.", 1, 1000000},
    {"run", 0, OPT_STRING, &run_path, "FILE", "Write what the values come from.", 0, 0},
    SESSION_DEVICE_OPTS(session),
    SESSION_PIXEL_OPTS(session),
    {NULL, 0, OPT_FLAG, NULL, NULL, NULL, 0, 0},
};

static const char *const examples[] = {
    "cam-score -m model.pth -d test.bin cams.npy < rows.tsv > scores.tsv",
    "cam-score -m model.pth -d test.bin --count 200 --summary summary.tsv gradcam=a.npy "
    "layercam=b.npy < rows.tsv > scores.tsv",
    "cam-score --errors --class-maps maps.npy --logits logits.npy --summary turned.tsv < rows.tsv "
    "> "
    "errors.tsv",
    NULL,
};

static const struct prog_list lists[] = {{"metrics", metric_list}, {NULL, NULL}};

static const struct prog prog = {
    .name = "cam-score",
    .brief = "Measure what class activation maps are worth",
    .operands = "[MAPS ...]",
    .opts = options,
    .examples = examples,
    .lists = lists,
    .about = session_about,
};

struct job {
    struct session session;
    struct input *input;
    enum metric metric[METRIC_COUNT];
    int metrics, baselines;
    int reference; /* the map of --reference */
    bool network;  /* whether a metric needs it */
    int classes;   /* below which classes are */
    struct faith_size cells;
    struct faith *faith;
    float *baseline[BASELINE_COUNT];
    uint8_t *pixels;
    struct masks *masks; /* or NULL */
    struct ids *ids;     /* of --ids, or NULL */
    struct stage_opts stored;
    struct stage *stage;         /* or NULL */
    float *cam;                  /* [cells of the stage] */
    const char *map[FAITH_MAPS]; /* names */
    struct sink_metric column[METRIC_COUNT];
    struct sink_opts to;
    struct sink *sink;
};

static int maps_of(const struct job *j)
{
    return input_maps(j->input) + j->baselines;
}

/* --- writing --- */

static int put_values(void *ctx, const struct faith_image *image, const double *value,
                      struct err *e)
{
    struct job *j = ctx;
    return sink_put(j->sink, image->id, &image->aim.cls, value, e);
}

static int begin_rows(struct job *j, struct err *e)
{
    const int given = input_maps(j->input);
    for (int m = 0; m < maps_of(j); m++)
        j->map[m] = m < given ? input_name(j->input, m) : baseline_word((enum baseline)(m - given));
    for (int i = 0; i < j->metrics; i++) {
        const struct metric_rule *m = metric_rule(j->metric[i]);
        j->column[i] = (struct sink_metric){m->word, m->higher};
    }
    j->to = (struct sink_opts){.classes = "class",
                               .map = j->map,
                               .maps = maps_of(j),
                               .metric = j->column,
                               .metrics = j->metrics,
                               .baseline = j->baselines > 0 ? given + against : -1,
                               .summary = summary_path,
                               .resamples = resamples,
                               .seed = seed};
    return sink_open(&j->sink, &j->to, e);
}

static int write_run(const struct job *j, struct out *o, struct err *e)
{
    struct run about = {0};
    run_begin(&about);
    run_put(&about, "checkpoint", session.model ? "%s" : NULL, session.model);
    run_put(&about, "data", "%s", data_name(j->session.data));
    if (j->network) {
        normal_put(&about, &j->session.pixels);
        run_put(&about, "precision", "%s",
                engine_precision_word((enum engine_precision)session.precision));
        run_put(&about, "device", "%s", engine_about(j->session.engine));
    }
    run_put(&about, "target", "%s", wanted.target);
    run_put(&about, "score", "%s", cam_score_word(scores[score]));
    run_put(&about, "cells", "%dx%d", j->cells.h, j->cells.w);
    run_put(&about, "steps", "%" PRId64, steps);
    run_put(&about, "noise", "%.9g", noise);
    run_put(&about, "rows", "%" PRId64, input_rows(j->input));
    run_put(&about, "seed", "%" PRId64, seed);
    run_put(&about, "forwards", "%" PRId64, faith_passed(j->faith));
    const int r = run_write(&about, o, e);
    run_free(&about);
    return r;
}

/* --- computing --- */

/* What is known of the image without the network. */
static int read_given(struct job *j, struct faith_image *image, struct err *e)
{
    const int pred = strcmp(wanted.target, "pred") == 0 ? image->aim.cls : -1;
    const float *maps, *logits;
    struct err why;
    int h, w;
    if (j->masks && !(image->mask = masks_get(j->masks, image->id, e)))
        return -1;
    if (!j->stage)
        return 0;
    if (stage_get(j->stage, image->id, pred, &maps, &logits, &why) != 0)
        return err_set(e, "id %" PRId64 ": %s", image->id, why.msg);
    stage_grid(j->stage, &h, &w);
    for (int i = 0; i < h * w; i++)
        j->cam[i] = maps[image->aim.cls * h * w + i] -
                    (image->aim.minus < 0 ? 0 : maps[image->aim.minus * h * w + i]);
    image->cam = j->cam;
    return 0;
}

static int score_row(struct job *j, int64_t i, const float **map, struct err *e)
{
    struct faith_image image = {.pixels = j->pixels};
    struct data_item item;
    const int given = input_maps(j->input);
    if (input_row(j->input, i, &image.id, &image.aim, map, e) != 0 ||
        data_at(j->session.data, image.id, j->pixels, &item, e) != 0 ||
        read_given(j, &image, e) != 0)
        return -1;
    const uint64_t state = order_state((uint64_t)seed, image.id, ORDER_BASELINES);
    for (int b = 0; b < j->baselines; b++) {
        baseline_make((enum baseline)b, j->pixels, data_h(j->session.data), data_w(j->session.data),
                      state, j->baseline[b]);
        map[given + b] = j->baseline[b];
    }
    return faith_add(j->faith, &image, map, e);
}

static int score_rows(struct job *j, struct err *e)
{
    const float **map = mem_alloc((size_t)maps_of(j), sizeof *map);
    const int64_t n = input_rows(j->input);
    int r = 0;
    for (int64_t i = 0; i < n && r == 0; i++) {
        r = score_row(j, i, map, e);
        prog_progress("images", i + 1, n);
    }
    free(map);
    if (r == 0)
        r = faith_end(j->faith, e);
    prog_progress_end();
    if (r == 0 && j->stage)
        r = stage_end(j->stage, e);
    return r == 0 ? input_end(j->input, e) : -1;
}

/* --- opening --- */

static int find_reference(const struct input *in)
{
    struct nearest near = {.word = reference, .n = reference ? strlen(reference) : 0};
    for (int m = 0; m < input_maps(in) && reference; m++) {
        if (strcmp(reference, input_name(in, m)) == 0)
            return m;
        nearest_offer(&near, input_name(in, m), strlen(input_name(in, m)));
    }
    if (reference)
        prog_usage_word(&near, "", "--reference: expected the name of one of the MAPS, found '%s'",
                        reference);
    return 0;
}

static void open_faith(struct job *j)
{
    const struct faith_size image = {data_h(j->session.data), data_w(j->session.data)};
    const int given = input_maps(j->input);
    struct faith_size size[FAITH_MAPS], stage = {0, 0};
    if (j->stage)
        stage_grid(j->stage, &stage.h, &stage.w);
    for (int m = 0; m < maps_of(j); m++)
        size[m] = m < given ? input_size(j->input, m) : image;
    const struct faith_opts o = {.graph = j->network ? j->session.model->graph : NULL,
                                 .engine = j->session.engine,
                                 .image = image,
                                 .metric = j->metric,
                                 .metrics = j->metrics,
                                 .size = size,
                                 .maps = maps_of(j),
                                 .reference = j->reference,
                                 .stage = stage,
                                 .cells = j->cells,
                                 .score = scores[score],
                                 .steps = (int)steps,
                                 .noise = noise,
                                 .threads = session.threads ? (int)session.threads : pool_cores(),
                                 .seed = (uint64_t)seed,
                                 .ctx = j,
                                 .put = put_values};
    j->pixels = mem_alloc(3 * (size_t)image.h * (size_t)image.w, 1);
    for (int b = 0; b < j->baselines; b++)
        j->baseline[b] = mem_alloc((size_t)image.h * (size_t)image.w, sizeof **j->baseline);
    j->faith = faith_open(&o);
}

/* The coarsest grid of the maps, or that of --cells. */
static int choose_cells(struct job *j, struct err *e)
{
    const struct faith_size image = {data_h(j->session.data), data_w(j->session.data)};
    if (cells.h > image.h || cells.w > image.w)
        return err_set(e, "--cells: expected at most %dx%d, the size of the images, found %dx%d",
                       image.h, image.w, cells.h, cells.w);
    j->cells = cells.h > 0 ? cells : image;
    for (int m = 0; m < input_maps(j->input) && cells.h == 0; m++) {
        const struct faith_size s = input_size(j->input, m);
        if ((int64_t)s.h * s.w < (int64_t)j->cells.h * j->cells.w)
            j->cells = s;
    }
    return 0;
}

/* The files that tell of images without the network. */
static int open_given(struct job *j, struct err *e)
{
    const struct data *d = j->session.data;
    int h, w;
    if (masks &&
        masks_open(&j->masks, masks, data_count(d), data_h(d), data_w(d), data_name(d), e) != 0)
        return -1;
    if (!check.class_maps)
        return 0;
    j->stored = (struct stage_opts){.class_maps = check.class_maps,
                                    .logits = check.logits,
                                    .biases = check.biases,
                                    .ids_name = wanted.ids,
                                    .ids = j->ids};
    if (stage_open(&j->stage, &j->stored, e) != 0)
        return -1;
    stage_grid(j->stage, &h, &w);
    if (j->session.model && stage_classes(j->stage) != j->classes)
        return err_set(e, "%s: expected maps of %d classes as the network has, found %d",
                       io_name(check.class_maps), j->classes, stage_classes(j->stage));
    j->classes = stage_classes(j->stage);
    if (h > data_h(d) || w > data_w(d))
        return err_set(e, "%s: expected maps of at most %dx%d, the size of the images, found %dx%d",
                       io_name(check.class_maps), data_h(d), data_w(d), h, w);
    j->cam = mem_alloc((size_t)h * (size_t)w, sizeof *j->cam);
    return 0;
}

/* The images and, where there is a checkpoint, the network. */
static int open_session(struct job *j, struct err *e)
{
    const struct data_opts d = {.note = prog_note, .size = session.size};
    struct session *s = &j->session;
    j->classes = STATS_CLASSES;
    if ((session.model ? session_open(s, &session, &d, e)
                       : data_open(&s->data, session.data, &d, e)) != 0)
        return -1;
    if (data_by_id(s->data, e) != 0)
        return -1;
    session_drop_checkpoint(s);
    if (s->model)
        j->classes = graph_classes(s->model->graph);
    return 0;
}

static int open_all(struct job *j, struct err *e)
{
    const struct engine_opts engine = {.images = true};
    struct session *s = &j->session;
    if (open_session(j, e) != 0 || (wanted.ids && ids_open(&j->ids, wanted.ids, e) != 0) ||
        open_given(j, e) != 0 ||
        input_open(j->input, j->ids, j->classes, data_count(s->data),
                   (struct faith_size){data_h(s->data), data_w(s->data)}, (uint64_t)seed, e) != 0 ||
        choose_cells(j, e) != 0 || (j->network && session_engine(s, &engine, e) != 0))
        return -1;
    open_faith(j);
    return begin_rows(j, e);
}

/* Files that cannot be read or written as they are asked for. `in` may be NULL. */
static void check_files(const struct input *in)
{
    const char *const output[] = {summary_path, run_path};
    const char *const option[] = {"summary", "run"};
    for (int o = 0; o < 2; o++) {
        prog_check_output(option[o], output[o]);
        if (output[o] && strcmp(output[o], "-") == 0)
            prog_usage("--%s: expected a file, found '-': standard output carries the values",
                       option[o]);
    }
    const char *input[8 + FAITH_MAPS] = {wanted.table, wanted.ids, check.class_maps, check.logits,
                                         check.biases, masks,      session.model,    session.data};
    int n = 8;
    for (int m = 0; in && m < input_maps(in); m++) {
        input[n++] = input_path(in, m);
        for (int o = 0; o < 2; o++)
            if (io_same_file(output[o], input_path(in, m)))
                prog_usage("--%s: expected a file that is not read, found '%s'", option[o],
                           output[o]);
    }
    prog_check_inputs(input, n);
}

static void check_options(bool network)
{
    if (!check.class_maps && (check.logits || check.biases))
        prog_usage("--logits and --biases go with --class-maps");
    if (check.logits && check.biases)
        prog_usage("--logits and --biases exclude each other");
    if (network && (!session.data || !session.model))
        prog_usage("expected --model FILE and --data PATH: these metrics change images");
    if (!session.data)
        prog_usage("expected --data PATH");
    if (session_keyed(&session) && !session.model)
        prog_usage("--%s goes with --model", session_keyed(&session));
    if (wanted.planes && !session.model && !check.class_maps)
        prog_usage("--planes goes with --model or --class-maps, which tell the classes");
    if (noise < 0)
        prog_usage("--noise: expected a number of at least 0, found '%g'", noise);
    if (no_baselines && against)
        prog_usage("--no-baselines and --against exclude each other");
    if (grid && !text_size(grid, SIDE, &cells.h, &cells.w))
        prog_usage("--cells: expected HxW with sides from 1 to %d, found '%s'", SIDE, grid);
}

static int run(struct job *j, struct err *e)
{
    struct out *about = NULL;
    if (open_all(j, e) != 0 || score_rows(j, e) != 0)
        return -1;
    if (prog_verbose())
        prog_say("forward passes: %" PRId64 ", of %" PRId64 " images, the others equal to them",
                 faith_passed(j->faith), faith_asked(j->faith));
    if (run_path && (out_open(&about, run_path, e) != 0 || write_run(j, about, e) != 0))
        return -1;
    struct sink *sink = j->sink;
    j->sink = NULL;
    return sink_close(sink, about, e);
}

/* Those that --metrics names, or the usual ones and those that given files are for. */
static void choose_metrics(struct job *j)
{
    const unsigned given = (masks ? NEEDS_MASK : 0) | (check.class_maps ? NEEDS_CAM : 0) |
                           (reference ? NEEDS_REFERENCE : 0);
    struct err e;
    char *usual =
        mem_printf(METRICS_USUAL "%s%s%s", masks ? "," METRICS_MASK : "",
                   check.class_maps ? "," METRICS_CAM : "", reference ? "," METRICS_REFERENCE : "");
    j->metrics = metrics_parse(j->metric, metrics ? metrics : usual, given, &e);
    free(usual);
    if (j->metrics < 0)
        prog_usage("--metrics: %s", e.msg);
    for (int i = 0; i < j->metrics; i++) {
        const struct metric_rule *m = metric_rule(j->metric[i]);
        j->network = j->network || m->needs & ~(unsigned)NEEDS_GIVEN;
        if (m->needs & ~given & NEEDS_MASK)
            prog_usage("--metrics: %s needs --masks FILE", m->word);
        if (m->needs & ~given & NEEDS_CAM)
            prog_usage("--metrics: %s needs --class-maps FILE", m->word);
        if (m->needs & ~given & NEEDS_REFERENCE)
            prog_usage("--metrics: %s needs --reference NAME", m->word);
    }
}

static int score_maps(int argc, char **argv, struct err *e)
{
    struct job j = {0};
    choose_metrics(&j);
    input_parse(&j.input, &wanted, argv, argc);
    j.reference = find_reference(j.input);
    check_files(j.input);
    check_options(j.network);
    j.baselines = no_baselines ? 0 : BASELINE_COUNT;
    const int r = run(&j, e);
    sink_abort(j.sink);
    faith_close(j.faith);
    for (int b = 0; b < j.baselines; b++)
        free(j.baseline[b]);
    free(j.pixels);
    masks_close(j.masks);
    stage_close(j.stage);
    free(j.cam);
    input_close(j.input);
    ids_close(j.ids);
    session_close(&j.session);
    return r;
}

/* --- what is asked for --- */

static void check_errors(int operands)
{
    check_files(NULL);
    if (operands > 0)
        prog_usage("--errors takes no MAPS: it makes those of the margin itself");
    if (metrics || masks || reference || grid || wanted.planes || no_baselines || against ||
        run_path)
        prog_usage(
            "--metrics, --masks, --reference, --cells, --planes, --no-baselines, --against and "
            "--run go with MAPS");
    if (strcmp(wanted.target, "pred") != 0 || score || steps != STEPS || noise != 0)
        prog_usage("--target, --score, --steps and --noise go with MAPS");
    if (!check.class_maps || !check.logits == !check.biases)
        prog_usage("--errors needs --class-maps with --logits or with --biases");
    if (!session.model != !session.data)
        prog_usage("--model and --data go together");
    if (!session.model && (session_keyed(&session) || geometry_any(&session.size)))
        prog_usage("--%s goes with --model and --data",
                   session_keyed(&session) ? session_keyed(&session) : session_sized(&session));
    check.table = wanted.table;
    check.ids = wanted.ids;
    check.session = session.model ? &session : NULL;
    check.summary = summary_path;
    check.count = wanted.count;
    check.shard = wanted.shard;
    check.seed = seed;
    check.resamples = resamples;
}

int main(int argc, char **argv)
{
    struct err e = {0};
    const int first = prog_start(&prog, argc, argv);
    session_parse(&session);
    wanted.shard = shard_given(shard);
    if (shard && (summary_path || wanted.count > 0))
        prog_usage("--shard and --%s exclude each other: %s", summary_path ? "summary" : "count",
                   summary_path ? "means and intervals are of all rows"
                                : "rows are taken by chance from all");
    if (errors)
        check_errors(argc - first);
    if ((errors ? errors_run(&check, &e) : score_maps(argc - first, argv + first, &e)) != 0)
        prog_fail(&e);
    return PROG_OK;
}
