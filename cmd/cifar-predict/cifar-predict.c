/* Images through a network: a row and, where asked for, tensors for each. */
#include "cams.h"
#include "images.h"
#include "inspect.h"
#include "layers.h"
#include "results.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/prog.h"
#include "cam/about.h"
#include "cam/choice.h"
#include "ckpt/ckpt.h"
#include "session/session.h"
#include "stats/temperature.h"
#include "stream/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct session_opts opts = {.device = "auto"};
static struct results_opts wanted;
static const char *names_path, *labels_path, *cams_path, *classes_path, *run_path, *skip_path,
    *targets, *temperature;
static int score = -1, method = -1, views;
static int64_t seed = -1;
static bool list_inputs, list_layers;
static int64_t max_classes = INT64_MAX;
static struct subset_opts subset_words = {.limit = INT64_MAX};
static struct subset subset;

static const struct opt options[] = {
    SESSION_MODEL_OPT(opts),
    {"data", 'd', OPT_STRING, &opts.data, "PATH",
     "The images: a file, the folder of a data set or of class folders, or - for a stream on "
     "standard input.",
     0, 0},
    {"names", 0, OPT_STRING, &names_path, "PATH",
     "Class names: a class table, a text file with a name a line, or a data set. Default: those "
     "that lie beside the images.",
     0, 0},
    {"labels", 0, OPT_STRING, &labels_path, "FILE",
     "Labels of images in .npy or in a folder without class folders; or the word coarse: the 20 "
     "superclasses of CIFAR-100 are its classes.",
     0, 0},
    SESSION_SIZE_OPTS(opts),
    {"skip-damaged", 0, OPT_STRING, &skip_path, "FILE",
     "Go on where the file of an image cannot be read, and write a table of such files. Default: "
     "the first one is an error.",
     0, 0},
    SESSION_PIXEL_OPTS(opts),
    SESSION_ASSUME_OPT(opts),
    SESSION_RENAME_OPT(opts),
    {"logits", 0, OPT_STRING, &wanted.logits, "FILE", "Write the logits (n, classes).", 0, 0},
    {"features", 'f', OPT_STRING, &wanted.features, "FILE",
     "Write the activations (n, c, h, w) of a layer.", 0, 0},
    {"layer", 'l', OPT_STRING, &wanted.layer, "NAME",
     "The layer of --features and --cams: conv1, layer1, layer1.0, ..., or auto: the deepest one "
     "whose grid has at least 4 by 4 cells. --cams takes several, separated by commas: the mean of "
     "their maps. Default: the last stage, where pooling and one linear layer end the network, "
     "else auto.",
     0, 0},
    {"class-maps", 0, OPT_STRING, &wanted.class_maps, "FILE",
     "Write the unnormalised CAMs of all classes at the last stage (n, classes, h, w).", 0, 0},
    {"cams", 0, OPT_STRING, &cams_path, "FILE",
     "Write the unnormalised maps of --layer for the classes of --target (n, targets, h, w).", 0,
     0},
    {"target", 0, OPT_STRING, &targets, "LIST",
     "The classes of --cams, separated by commas: pred, true, pred2 to pred5, margin, class:N, or "
     "all. Default: pred.",
     0, 0},
    {"score", 0, OPT_CHOICE, &score, CAM_SCORE_WORDS,
     "What the maps of --cams explain. Default: logit.", 0, 0},
    {"method", 0, OPT_CHOICE, &method, METHOD_WORDS,
     "How activations and gradients become a map. Default: gradcam.", 0, 0},
    {"seed", 0, OPT_INT, &seed, "N", "What the weights of --method random depend on. Default: 0.",
     0, INT64_MAX},
    {"embeddings", 0, OPT_STRING, &wanted.embeddings, "FILE",
     "Write the input of the last linear layer (n, c), which neighbors reads; in a network without "
     "one, the mean over all cells of what the last convolution reads.",
     0, 0},
    {"linear-weights", 0, OPT_STRING, &wanted.linear_weights, "FILE",
     "Write the weights (classes, c) of the linear layer that makes logits of the embeddings.", 0,
     0},
    {"linear-biases", 0, OPT_STRING, &wanted.linear_biases, "FILE", "Write its biases (classes).",
     0, 0},
    {"views", 0, OPT_CHOICE, &views, VIEWS_WORDS,
     "Average the logits over views of each image: mirror, the image and its mirror image; "
     "shifts, the image and it shifted by one pixel to each side. Default: none.",
     0, 0},
    {"temperature", 0, OPT_STRING, &temperature, "T",
     "Divide the logits by T before the softmax of the rows: a T above 1 lowers confidences, and "
     "no prediction changes. calibrate fits it. Default: 1.",
     0, 0},
    {"ids", 0, OPT_STRING, &wanted.ids, "FILE", "Write the ids (n).", 0, 0},
    {"classes", 0, OPT_STRING, &classes_path, "FILE", "Write the table of classes.", 0, 0},
    {"run", 0, OPT_STRING, &run_path, "FILE",
     "Write where the results come from: checkpoint, checksum, images, constants, ...", 0, 0},
    {"list-inputs", 0, OPT_FLAG, &list_inputs, NULL,
     "Write a table of the files that --model, --data, --names and --labels read, and exit.", 0, 0},
    {"list-layers", 0, OPT_FLAG, &list_layers, NULL,
     "Write a table of the layers that --layer takes, with their grids, and exit.", 0, 0},
    SESSION_DEVICE_OPTS(opts),
    SUBSET_OPTS(subset_words),
    {"max-classes", 0, OPT_INT, &max_classes, "N",
     "Refuse a model of more than N classes before the forward pass, for what comes behind it and "
     "grows with their square.",
     1, INT64_MAX},
    {NULL, 0, OPT_FLAG, NULL, NULL, NULL, 0, 0},
};

static const char *const examples[] = {
    "cifar-predict --model m.pth --data cifar-100-python > predictions.tsv",
    "head -c 307400 test.bin | cifar-predict --model m.pth --data - | confmat --summary",
    "cifar-predict -m m.pth -d test.bin --class-maps maps.npy --logits logits.npy > p.tsv",
    NULL,
};

static const struct prog prog = {
    .name = "cifar-predict",
    .brief = "Run images through a network and write a row for each",
    .opts = options,
    .examples = examples,
    .about = session_about,
};

/* What the callbacks of the engine share. */
struct job {
    struct session session;
    struct data *data;         /* the session's */
    const struct graph *graph; /* of the session's model */
    struct inspection *inspection;
    const struct names *names; /* of as many classes as the network's, or of none */
    struct out *classes, *run;
    struct results *results;
    struct layer_choice choice;
    struct cams *cams; /* NULL where none are asked for */
    struct engine_want *want;
    bool coarse;  /* superclasses are the classes */
    size_t bytes; /* of an image */
    struct images images;
    uint8_t *image; /* the one whose views are read */
    struct data_item item;
    int view;      /* the one that comes next */
    int64_t total; /* images to come, 0 where that is not known */
    bool failed;   /* a read failed behind images that go first */
    struct err err;
};

/* --- the engine's callbacks --- */

static int check_label(const struct job *j, const struct data_item *item, struct err *e)
{
    if (item->label < graph_classes(j->graph))
        return 0;
    return err_set(e, "%s: image %lld: expected a label below %d, the classes of %s, found %d",
                   data_name(j->data), (long long)item->id, graph_classes(j->graph), opts.model,
                   item->label);
}

/* The next image: 1, 0 at the end; -1 also leaves j->failed. */
static int next_image(struct job *j, uint8_t *pixels, struct data_item *item)
{
    int r = images_next(&j->images, pixels, item, &j->err);
    if (r > 0 && check_label(j, item, &j->err) != 0)
        r = -1;
    j->failed = r < 0;
    if (r > 0)
        inspection_image(j->inspection, pixels);
    return r;
}

/* The next view of an image. */
static int next_view(struct job *j, uint8_t *pixels, struct data_item *item)
{
    int r = j->view == 0 ? next_image(j, j->image, &j->item) : 1;
    if (r <= 0)
        return r;
    views_make(wanted.views, j->view, j->image, data_h(j->data), data_w(j->data), pixels);
    *item = j->item;
    j->view = (j->view + 1) % views_count(wanted.views);
    return 1;
}

static int read_images(void *ctx, struct engine_batch *b, int max, struct err *e)
{
    struct job *j = ctx;
    struct data_item *item = b->tag;
    int n = 0;
    while (!j->failed && n < max &&
           (wanted.views == VIEWS_NONE ? next_image : next_view)(
               j, b->pixels + (size_t)n * j->bytes, &item[n]) > 0)
        n++;
    /* The images before a bad one are not lost. */
    if (n > 0 || !j->failed)
        return n;
    *e = j->err;
    return -1;
}

static int seed_scores(void *ctx, struct engine_batch *b, struct err *e)
{
    (void)e;
    const struct job *j = ctx;
    cams_seed(j->cams, b);
    return 0;
}

/* As soon as it is known. */
static void warn(const struct job *j)
{
    const char *text = inspection_warning(j->inspection);
    if (text)
        prog_say("%s", text);
}

static int write_batch(void *ctx, const struct engine_batch *b, struct err *e)
{
    struct job *j = ctx;
    if (results_put(j->results, b, e) != 0)
        return -1;
    warn(j);
    prog_progress("images", results_images(j->results), j->total);
    return 0;
}

/* The next image may never come. */
static void cancel(void *ctx)
{
    (void)ctx;
    in_cancel_all();
}

/* --- opening --- */

static void check_outputs(void)
{
    const char *const path[] = {
        wanted.logits, wanted.features,       wanted.class_maps,   cams_path,
        wanted.ids,    classes_path,          wanted.embeddings,   run_path,
        skip_path,     wanted.linear_weights, wanted.linear_biases};
    static const char *const name[] = {"logits",       "features",       "class-maps",   "cams",
                                       "ids",          "classes",        "embeddings",   "run",
                                       "skip-damaged", "linear-weights", "linear-biases"};
    enum { OUTPUTS = sizeof path / sizeof *path };
    char *beside = ckpt_beside(opts.model);
    for (int i = 0; i < OUTPUTS; i++) {
        if (!path[i])
            continue;
        if (strcmp(path[i], "-") == 0)
            prog_usage("--%s: expected a file, found '-': standard output carries the rows",
                       name[i]);
        const char *const input[] = {opts.model, beside, opts.data, names_path, labels_path};
        for (size_t k = 0; k < sizeof input / sizeof *input; k++)
            if (io_same_file(path[i], input[k]))
                prog_usage("--%s: expected a file that is not read, found '%s'", name[i], path[i]);
    }
    free(beside);
}

/* Nothing is computed: what would be written is not made without a word. What can be read only
 * once is left to the run. */
static void check_list(const char *list)
{
    if (list_inputs && list_layers)
        prog_usage("--list-inputs and --list-layers exclude each other");
    const struct {
        const char *name, *path;
    } input[] = {
        {"model", opts.model}, {"data", opts.data}, {"names", names_path}, {"labels", labels_path}};
    for (size_t i = 0; i < sizeof input / sizeof *input; i++)
        if (input[i].path && (strcmp(input[i].path, "-") == 0 || io_is_stream(input[i].path)))
            prog_usage("--%s: expected --%s with a file or a folder, found '%s'", list,
                       input[i].name, input[i].path);
    const struct {
        const char *name;
        bool given;
    } other[] = {
        {"logits", wanted.logits},
        {"features", wanted.features},
        {"class-maps", wanted.class_maps},
        {"cams", cams_path},
        {"ids", wanted.ids},
        {"classes", classes_path},
        {"embeddings", wanted.embeddings},
        {"linear-weights", wanted.linear_weights},
        {"linear-biases", wanted.linear_biases},
        {"temperature", temperature},
        {"run", run_path},
        {"layer", wanted.layer},
        {"target", targets},
        {"score", score >= 0},
        {"method", method >= 0},
        {"seed", seed >= 0},
        {"assume", opts.assume && list_inputs},
        {"rename", opts.rename && list_inputs},
        {"mean", opts.mean},
        {"std", opts.std},
    };
    for (size_t i = 0; i < sizeof other / sizeof *other; i++)
        if (other[i].given)
            prog_usage("--%s and --%s exclude each other", list, other[i].name);
}

static void check_options(struct job *j, struct data_opts *d)
{
    struct err e;
    if (!opts.model && !list_inputs)
        prog_usage("expected --model FILE");
    if (!opts.data && !(list_inputs && opts.model))
        prog_usage("expected --data PATH");
    if (list_inputs || list_layers)
        check_list(list_inputs ? "list-inputs" : "list-layers");
    if (wanted.layer && !wanted.features && !cams_path)
        prog_usage("--layer: expected --features FILE or --cams FILE with it");
    if (wanted.layer && wanted.features && strchr(wanted.layer, ','))
        prog_usage("--features: expected one layer, found '%s': --cams alone takes several",
                   wanted.layer);
    if (!cams_path && (targets || score >= 0 || method >= 0 || seed >= 0))
        prog_usage("--%s: expected --cams FILE with it", targets       ? "target"
                                                         : score >= 0  ? "score"
                                                         : method >= 0 ? "method"
                                                                       : "seed");
    session_parse(&opts);
    subset = subset_given(&subset_words);
    d->subset = &subset;
    wanted.views = (enum views)views;
    wanted.temperature = 1;
    if (temperature && temperature_parse(temperature, &wanted.temperature, &e) != 0)
        prog_usage("--temperature: %s", e.msg);
    if (views != VIEWS_NONE && (cams_path || wanted.class_maps))
        prog_usage(
            "--views and --%s exclude each other: a map is of one view, the logits are of all",
            cams_path ? "cams" : "class-maps");
    if (skip_path && !wanted.ids &&
        (wanted.logits || wanted.features || wanted.class_maps || wanted.embeddings || cams_path))
        prog_usage("--skip-damaged: expected --ids FILE with it, because item i of a tensor need "
                   "not be image i");
    d->coarse = labels_path && strcmp(labels_path, "coarse") == 0;
    d->labels = d->coarse ? NULL : labels_path;
    d->names = names_path;
    d->note = prog_note;
    d->warn = images_warn;
    if (cams_path && cams_new(&j->cams, targets ? targets : "pred", &e) != 0)
        prog_usage("%s", e.msg);
    check_outputs();
}

/* The names in use: those given have to be the model's; a data set's own that are
 * not are ignored. */
static struct names *choose_names(const struct job *j, struct err *e)
{
    const struct names *n = data_names(j->data);
    int classes = graph_classes(j->graph);
    if (!j->coarse && data_coarse(j->data) == classes && n->classes != classes) {
        err_record(e,
                   "%s: expected a model of as many classes as the images have, found %d in %s, "
                   "the number of their superclasses: %s takes these for classes",
                   data_name(j->data), classes, opts.model,
                   prog_option("--labels coarse", "LABELS=coarse"));
        return NULL;
    }
    if (j->coarse && data_coarse(j->data) != classes) {
        err_record(e, "%s: expected a model of %d classes for --labels coarse, found %d",
                   opts.model, data_coarse(j->data), classes);
        return NULL;
    }
    if (names_path && n->classes != classes) {
        err_record(e, "%s: expected names of %d classes, as %s has, found %d", io_name(names_path),
                   classes, opts.model, n->classes);
        return NULL;
    }
    bool fits = n->classes == classes;
    if (!fits && n->classes > 0)
        prog_say("%s: the data set has %d classes and %s has %d: the names are ignored, and the "
                 "labels may not fit",
                 data_name(j->data), n->classes, opts.model, classes);
    int superclasses = fits ? n->superclasses : 0;
    struct names *own = names_new(classes, superclasses);
    for (int i = 0; fits && i < classes; i++) {
        own->name[i] = n->name[i] ? mem_dup(n->name[i]) : NULL;
        own->superclass[i] = n->superclass[i];
    }
    for (int i = 0; i < superclasses; i++)
        own->superclass_name[i] = n->superclass_name[i] ? mem_dup(n->superclass_name[i]) : NULL;
    return own;
}

static int open_outputs(struct job *j, struct err *e)
{
    return (classes_path && out_open(&j->classes, classes_path, e) != 0) ||
                   (run_path && out_open(&j->run, run_path, e) != 0) ||
                   (skip_path && images_skip(&j->images, skip_path, e) != 0) ||
                   results_open(j->results, e) != 0
               ? -1
               : 0;
}

/* All or none of the files get their names. */
static int close_outputs(struct job *j, const struct run *about, struct err *e)
{
    struct out *all[RESULTS_OUTS + 3] = {j->classes, j->run, j->images.list};
    if ((j->classes && names_write(j->names, j->classes, e) != 0) ||
        (j->run && run_write(about, j->run, e) != 0) || results_end(j->results, all + 3, e) != 0)
        return -1;
    return out_close_all(all, RESULTS_OUTS + 3, e);
}

/* Class folders in order are the model's classes only where they are as many. */
static int check_folders(const struct job *j, struct err *e)
{
    int folders = data_ordered(j->data), classes = graph_classes(j->graph);
    if (folders == 0 || folders == classes || names_path)
        return 0;
    return err_set(e,
                   "%s: expected class folders for all %d classes of %s, found %d: %s with the "
                   "model's class names says which these are",
                   data_name(j->data), classes, opts.model, folders,
                   prog_option("--names FILE", "NAMES=FILE"));
}

static int open_network(struct job *j, const struct data_opts *d, struct err *e)
{
    if (session_open(&j->session, &opts, d, e) != 0)
        return -1;
    j->data = j->session.data;
    j->images.data = j->data;
    j->coarse = d->coarse;
    j->graph = j->session.model->graph;
    if (graph_classes(j->graph) > max_classes)
        return err_set(e, "%s: expected at most %lld classes (%s), found %d", opts.model,
                       (long long)max_classes, prog_option("--max-classes", "MAX_CLASSES"),
                       graph_classes(j->graph));
    return check_folders(j, e);
}

static void put_about(struct run *r, const struct job *j)
{
    const struct fit_verdict *fit = inspection_verdict(j->inspection);
    const struct session *n = &j->session;
    char *found = model_describe(n->model), assumed[ASSUME_WORDS], sized[GEOMETRY_WORDS];
    assume_write(assumed, &n->model->assumed);
    run_put(r, "checkpoint", "%s", opts.model);
    run_put(r, "checkpoint_bytes", "%zu", ckpt_bytes(n->ckpt));
    run_put(r, "checkpoint_sha256", "%s", inspection_checksum(j->inspection));
    if (opts.rename)
        run_put(r, "renamed", "%s", opts.rename);
    run_put(r, "architecture", "%s", found);
    run_put(r, "assumptions", "%s", *assumed ? assumed : RUN_NONE);
    if (n->proof)
        run_put(r, "proof", "%s", n->proof);
    run_put(r, "data", "%s", data_name(j->data));
    if (geometry_any(data_geometry(j->data)))
        run_put(r, "image_options", "%s", geometry_words(data_geometry(j->data), sized));
    run_put(r, "images", "%lld", (long long)results_images(j->results));
    if (shard_any(&subset.shard))
        run_put(r, "shard", "%lld/%lld", (long long)subset.shard.index,
                (long long)subset.shard.count);
    run_put(r, "classes", "%d", graph_classes(j->graph));
    struct normal_use pixels = n->pixels;
    if (pixels.guess_mean && pixels.guess_std && fit && fit_confirms(fit))
        snprintf(pixels.from, sizeof pixels.from,
                 "%s, a guess that the BatchNorm running statistics confirm", pixels.name);
    normal_put(r, &pixels);
    if (wanted.views != VIEWS_NONE)
        run_put(r, "views", "%s", views_word(wanted.views));
    if (wanted.temperature != 1)
        run_put(r, "temperature", "%.9g", wanted.temperature);
    images_put(r);
    run_put(r, "precision", "%s", engine_precision_word((enum engine_precision)opts.precision));
    run_put(r, "device", "%s", engine_about(n->engine));
    if (fit && fit->outcome != FIT_UNKNOWN)
        run_put(r, "fit", "%s: KL divergence %.2g nats, mean of %d BatchNorm layers on %lld images",
                fit_word(fit), fit->use.divergence, fit->use.norms, (long long)fit->use.images);
    else if (fit)
        run_put(r, "fit", "unknown: %s", fit->unknown);
    if (fit && *fit->options)
        run_put(r, "better_fit", "%s", fit->options);
    if (*n->pixels.conflict)
        run_put(r, "warning", "%s", n->pixels.conflict);
    if (fit && *fit->text)
        run_put(r, "warning", "%s", fit->text);
    if (j->cams) {
        cams_about(j->cams, r);
        choice_put(&j->choice, r);
    } else if (wanted.class_maps) {
        about_class_maps(r, j->graph);
    }
    free(found);
}

static void say_fit(const struct job *j)
{
    const struct fit_verdict *fit = inspection_verdict(j->inspection);
    if (!prog_verbose() || !fit)
        return;
    if (fit->outcome == FIT_UNKNOWN)
        prog_say("fit to the BatchNorm running statistics is unknown: %s", fit->unknown);
    else
        prog_say("fit to the BatchNorm running statistics is %s: KL divergence %.2g nats, mean of "
                 "%d layers on %lld images",
                 fit_word(fit), fit->use.divergence, fit->use.norms, (long long)fit->use.images);
}

/* Of a program that says how large its images are, and not how they were made so. */
static void say_resized(const struct job *j)
{
    if (!geometry_any(&j->session.opts->size) && data_resized(j->data))
        prog_say("images are resized to %dx%d, the program's size, whatever their proportions: %s "
                 "make them as training did",
                 data_h(j->data), data_w(j->data),
                 prog_option("--resize and --crop", "RESIZE and CROP"));
}

/* A softmax at the end is left out; one in front of other operations is not. */
static void say_probabilities(const struct job *j)
{
    if (results_probabilities(j->results))
        prog_say("%s: its results are probabilities, from 0 to 1 and with the sum 1, and count as "
                 "logits: the confidences are lower than its own; export it without its softmax",
                 ckpt_name(j->session.ckpt));
}

static struct inspection *start_inspection(const struct job *j)
{
    const struct normal_use *pixels = &j->session.pixels;
    struct fit_use use = {.ckpt = j->session.ckpt,
                          .assume = &j->session.assumed,
                          .assume_text = opts.assume,
                          .usual = pixels->usual,
                          .guess_mean = pixels->guess_mean,
                          .guess_std = pixels->guess_std,
                          .proof_images = j->session.proof_images,
                          .dropout = j->session.dropout,
                          .device = data_count(j->data) < 0 ? "cpu" : opts.device,
                          .threads = data_count(j->data) < 0 ? 1 : (int)opts.threads};
    use.channels = pixels->channels;
    memcpy(use.mean, pixels->mean, sizeof use.mean);
    memcpy(use.std, pixels->std, sizeof use.std);
    const struct inspection_opts o = {.ckpt = j->session.ckpt,
                                      .data = j->data,
                                      .limit = subset.limit,
                                      .use = &use,
                                      .checksum = run_path != NULL,
                                      .damaged = skip_path != NULL};
    return inspection_start(&o);
}

static int run(struct job *j, const struct data_opts *d, struct err *e)
{
    struct run about = {.row = NULL};
    if (open_network(j, d, e) != 0)
        return -1;
    struct names *names = choose_names(j, e);
    if (!names)
        return -1;
    j->names = names;
    wanted.data = j->data;
    wanted.graph = j->graph;
    wanted.names = names;
    wanted.cams = j->cams;
    if ((wanted.linear_weights || wanted.linear_biases) &&
        model_head(&wanted.linear, j->session.model) != 0)
        wanted.linear.w = NULL;
    /* Of the whole network there is no layer to choose. */
    if (!(method_at(method < 0 ? METHOD_GRADCAM : method)->needs & METHOD_BIASES)) {
        choice_make(&j->choice, j->graph, wanted.layer);
        wanted.layer = j->choice.name;
    }
    if (j->cams || (wanted.features && !j->choice.kept))
        choice_say(&j->choice, j->graph, false);
    if (results_new(&j->results, &wanted, e) != 0)
        return -1;
    const struct method_how how = {.method = method_at(method < 0 ? METHOD_GRADCAM : method),
                                   .score = (enum cam_score)(score < 0 ? CAM_LOGIT : score),
                                   .seed = (uint64_t)(seed < 0 ? 0 : seed)};
    const struct engine_opts passes = session_engine_opts(&j->session);
    if (j->cams && cams_open(j->cams, cams_path, j->graph, wanted.layer, &how, &passes, e) != 0)
        return -1;
    /* Its network and engine are gone before those of the run take as much memory. */
    j->inspection = start_inspection(j);
    warn(j);
    j->want = mem_alloc((size_t)results_wants(j->results), sizeof *j->want);
    struct engine_opts o = {.few = data_subset(j->data), .wants = j->want};
    o.vectors = results_want(j->results, j->want, &o.want_count);
    if (session_engine(&j->session, &o, e) != 0 || open_outputs(j, e) != 0)
        return -1;

    j->bytes = 3 * (size_t)data_h(j->data) * (size_t)data_w(j->data);
    j->image = mem_alloc(j->bytes, 1);
    j->total = data_subset(j->data) < 0 ? 0 : data_subset(j->data);
    const struct engine_calls calls = {.ctx = j,
                                       .tag_bytes = sizeof(struct data_item),
                                       .read = read_images,
                                       .seed = o.vectors > 0 ? seed_scores : NULL,
                                       .write = write_batch,
                                       .cancel = cancel};
    run_begin(&about);
    double start = prog_clock();
    if (engine_run(j->session.engine, &calls, e) != 0)
        return -1;
    prog_progress_end();
    double took = prog_clock() - start;
    if (prog_verbose())
        prog_say("%lld images in %.2f s, %.0f per second", (long long)results_images(j->results),
                 took, took > 0 ? (double)results_images(j->results) / took : 0.0);
    if (images_end(&j->images, e) != 0)
        return -1;
    if (inspection_wait(j->inspection, e) != 0)
        return -1;
    warn(j);
    say_resized(j);
    say_probabilities(j);
    say_fit(j);
    if (run_path)
        put_about(&about, j);
    if (close_outputs(j, &about, e) != 0)
        return -1;
    inspection_free(j->inspection);
    run_free(&about);
    results_free(j->results);
    free(wanted.linear.w);
    free(wanted.linear.b);
    cams_free(j->cams);
    free(j->image);
    free(j->want);
    images_close(&j->images);
    session_close(&j->session);
    names_free(names);
    return 0;
}

int main(int argc, char **argv)
{
    struct data_opts d = {0};
    struct job j = {0};
    struct err e = {0};
    prog_start(&prog, argc, argv);
    check_options(&j, &d);
    int r = list_inputs   ? images_list(&opts, &d, skip_path != NULL, &e)
            : list_layers ? layers_list(&opts, &d, &e)
                          : run(&j, &d, &e);
    if (r != 0)
        prog_fail(&e);
    return PROG_OK;
}
