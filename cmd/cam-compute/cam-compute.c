/* cam-compute: rows to class activation maps. See cam-compute(1). */
#include "job.h"

#include "base/io.h"
#include "base/prog.h"
#include "base/text.h"
#include "ckpt/ckpt.h"

#include <stdlib.h>
#include <string.h>

enum { SIDE_MAX = 4096 };

static struct job job = {
    .session = {.device = "auto"}, .table = "-", .targets = "pred", .unit = true};

static const char *size = "input", *input_size, *smooth, *shard;
static int score, method, scale, compat = -1;

static const struct opt opts[] = {
    {"target", 't', OPT_STRING, &job.targets, "LIST",
     "The classes to make maps for, one plane each, separated by commas: a column that holds a "
     "class (pred, true, ...), margin, class:N, or all. Default: pred.",
     0, 0},
    {"table", 0, OPT_STRING, &job.table, "FILE",
     "The rows; - for standard input, which is the default.", 0, 0},
    {"class-maps", 0, OPT_STRING, &job.class_maps, "FILE",
     "Take the unnormalised CAMs of all classes from this tensor, as cifar-predict writes them.", 0,
     0},
    {"features", 0, OPT_STRING, &job.features, "FILE",
     "Take the activations of the last stage from this tensor; --model or --weights gives the "
     "linear layer.",
     0, 0},
    {"cams", 0, OPT_STRING, &job.cams, "FILE",
     "Take maps from this tensor that cifar-predict --cams made, of any layer.", 0, 0},
    {"planes", 0, OPT_STRING, &job.planes, "LIST",
     "The --target with which --cams was made. Default: that of this call.", 0, 0},
    {"logits", 0, OPT_STRING, &job.logits, "FILE",
     "The logits that belong to the other tensor; scores other than logit need them where no "
     "biases are known.",
     0, 0},
    {"ids", 0, OPT_STRING, &job.ids, "FILE",
     "The ids of the items in these tensors. Without it item i has id i.", 0, 0},
    {"weights", 0, OPT_STRING, &job.weights, "FILE",
     "The weights (classes, channels) of the linear layer for --features, instead of --model; or "
     "the weights (n, classes, channels) that Grad-CAM gives the channels of each image.",
     0, 0},
    {"biases", 0, OPT_STRING, &job.biases, "FILE",
     "The biases (classes) of the linear layer, instead of --model.", 0, 0},
    SESSION_MODEL_OPT(job.session),
    SESSION_ASSUME_OPT(job.session),
    SESSION_RENAME_OPT(job.session),
    {"data", 'd', OPT_STRING, &job.session.data, "PATH",
     "The images, a file or a folder, for a forward pass of their own.", 0, 0},
    SESSION_SIZE_OPTS(job.session),
    {"layer", 'l', OPT_STRING, &job.layer, "LIST",
     "The layer to look at: a stage (layer3), a block (layer3.0), or auto: the deepest one whose "
     "grid has at least 4 by 4 cells; of several, separated by commas, the mean of their maps. "
     "Default: the last stage, where pooling and one linear layer end the network, else auto. "
     "Needs "
     "--data.",
     0, 0},
    {"method", 0, OPT_CHOICE, &method, METHOD_WORDS,
     "How activations and gradients become a map. Default: gradcam.", 0, 0},
    {"smooth", 0, OPT_STRING, &smooth, "LIST",
     "Smooth the maps: aug, the mean of those of 6 changed images; eigen, the first principal "
     "component of the channels instead of their sum; or aug,eigen.",
     0, 0},
    {"compat", 0, OPT_CHOICE, &compat, "pytorch-grad-cam",
     "Compute the numbers of this library, where they differ from those of the formula.", 0, 0},
    {"score", 's', OPT_CHOICE, &score, CAM_SCORE_WORDS, "What the map explains. Default: logit.", 0,
     0},
    {"size", 0, OPT_STRING, &size, "SIZE",
     "Size of the maps: input (that of the images), layer, or HxW. Default: input.", 0, 0},
    {"input-size", 0, OPT_STRING, &input_size, "HxW",
     "Size of the images where --data is not given. Default: 32x32.", 0, 0},
    {"scale", 0, OPT_CHOICE, &scale, "unit|none",
     "unit: negative values to 0, then min-max normalised to [0,1]; none: as computed, with sign, "
     "as margins always are. Default: unit.",
     0, 0},
    {"average", 0, OPT_FLAG, &job.average, NULL,
     "Write one item, the mean of the maps of all rows, when the rows end.", 0, 0},
    {"randomise", 0, OPT_STRING, &job.randomise, "WORD",
     "Make maps that should not resemble those without this option: of a network whose weights are "
     "drawn anew, from its last layer (fc) down to the one named (layer4, ...), or, with logit, of "
     "another class.",
     0, 0},
    {"seed", 0, OPT_INT, &job.seed, "N",
     "What is by chance depends on it: --randomise, and the weights of --method random. Default: "
     "0.",
     0, INT64_MAX},
    {"stats", 0, OPT_STRING, &job.stats, "FILE",
     "Write a row of statistics for each map; - for standard output, where they replace the maps.",
     0, 0},
    {"stability", 0, OPT_FLAG, &job.stability, NULL,
     "Compare each map in --stats with those of the mirrored image and of the image shifted by a "
     "pixel, which takes five more forward passes. Needs --data.",
     0, 0},
    {"run", 0, OPT_STRING, &job.run, "FILE",
     "Write where the maps come from: layer, method, score, size of the grid.", 0, 0},
    SHARD_OPT(shard, "Make maps of the rows whose id modulo N is I alone, I from 0 to N-1."),
    SESSION_DEVICE_OPTS(job.session),
    SESSION_PIXEL_OPTS(job.session),
    {NULL, 0, OPT_FLAG, NULL, NULL, NULL, 0, 0},
};

static const char *const examples[] = {
    "cam-compute --class-maps maps.npy --target true,pred < rows.tsv > cams.npy",
    "cam-compute -m model.pth -d test.bin -l layer3 --score logprob < rows.tsv > cams.npy",
    "cam-compute --class-maps maps.npy --target all --stats - < rows.tsv | cut -f 1-5",
    NULL,
};

static const struct prog_list lists[] = {{"methods", method_list}, {NULL, NULL}};

static const struct prog prog = {
    .name = "cam-compute",
    .brief = "Turn rows of predictions into class activation maps",
    .opts = opts,
    .examples = examples,
    .lists = lists,
    .about = session_about,
};

static struct extent parse_extent(const char *option, const char *text)
{
    struct extent s;

    if (!text_size(text, SIDE_MAX, &s.h, &s.w))
        prog_usage("%s: expected HxW with sides from 1 to %d, found '%s'", option, SIDE_MAX, text);
    return s;
}

static void parse_size(void)
{
    job.input = input_size ? parse_extent("--input-size", input_size) : (struct extent){32, 32};
    if (strcmp(size, "input") == 0) {
        job.size = SIZE_INPUT;
    } else if (strcmp(size, "layer") == 0) {
        job.size = SIZE_LAYER;
    } else {
        job.size = SIZE_FIXED;
        job.fixed = parse_extent("--size", size);
    }
}

static void parse_smooth(void)
{
    const char *const words[] = {"aug", "eigen"};
    bool *const flags[] = {&job.augment, &job.how.eigen};

    for (const char *at = smooth; at; at = at[strcspn(at, ",")] ? strchr(at, ',') + 1 : NULL) {
        size_t n = strcspn(at, ","), i = 0;
        while (i < 2 && !(strlen(words[i]) == n && memcmp(words[i], at, n) == 0))
            i++;
        if (i == 2 || *flags[i])
            prog_usage("--smooth: expected aug, eigen or aug,eigen, found '%s'", smooth);
        *flags[i] = true;
    }
}

/* What has no channels to smooth, or no image to change. */
static void check_smooth(const char *stored)
{
    if (job.augment && stored)
        prog_usage("--smooth aug goes with --model and --data, found %s: it passes changed images "
                   "through the network",
                   stored);
    if (job.augment && job.stability)
        prog_usage("--smooth aug and --stability exclude each other: a smoothed map is of changed "
                   "images already");
    if (job.augment && !job.unit)
        prog_usage("--scale none and --smooth aug exclude each other: maps of changed images are "
                   "scaled before their mean is taken");
    if (job.how.eigen && (job.class_maps || job.cams))
        prog_usage("--smooth eigen needs activations: expected --features, or --model with --data, "
                   "found %s",
                   stored);
    if (job.how.eigen && !method_sums(job.how.method))
        prog_usage("--smooth eigen and --method %s exclude each other: the method is no sum over "
                   "channels",
                   job.how.method->word);
}

/* The file that maps come from, and its option; NULL where it is the network. */
static const char *stored_option(void)
{
    return job.class_maps ? "--class-maps"
           : job.features ? "--features"
           : job.cams     ? "--cams"
                          : NULL;
}

static void check_inputs(void)
{
    const char *stored = stored_option();

    if (job.average && job.stats && strcmp(job.stats, "-") == 0)
        prog_usage("--average and --stats - exclude each other: standard output takes one of them");
    if (!!job.class_maps + !!job.features + !!job.cams > 1)
        prog_usage("--class-maps, --features and --cams exclude each other");
    if (stored && job.session.data)
        prog_usage("%s and --data exclude each other", stored);
    if (!stored && !(job.session.model && job.session.data))
        prog_usage("expected --class-maps FILE, --cams FILE, --features FILE with --model FILE or "
                   "--weights FILE, or --model FILE with --data PATH");
    if (job.features && !job.session.model && !job.weights)
        prog_usage("--features needs the linear layer that weighs the channels: --model or "
                   "--weights");
    if (job.weights && !job.features)
        prog_usage("--weights goes with --features");
    if (job.biases && !job.features && !job.class_maps)
        prog_usage("--biases goes with --class-maps or --features");
    if (job.session.model && (job.weights || job.biases))
        prog_usage("--model and --%s exclude each other", job.weights ? "weights" : "biases");
    if (stored && job.how.method->closed == METHOD_NETWORK)
        prog_usage("--method %s needs the whole network: expected --model with "
                   "--data, found %s",
                   job.how.method->word, stored);
    check_smooth(stored);
    if (job.class_maps && !method_combines(&job.how))
        prog_usage("--method %s needs activations: expected --features, or --model with --data, "
                   "found --class-maps",
                   job.how.method->word);
    if (job.planes && !job.cams)
        prog_usage("--planes goes with --cams");
    if (job.cams && (job.session.model || job.run || job.how.score != CAM_LOGIT ||
                     job.how.method != method_at(METHOD_GRADCAM)))
        prog_usage("--cams holds maps: --model, --score, --method and --run go with cifar-predict, "
                   "which made them");
    if (job.logits && !stored)
        prog_usage("--logits goes with --class-maps, --features or --cams");
    if (job.logits && job.features && (job.session.model || job.biases))
        prog_usage(
            "--logits and --%s exclude each other: features and a linear layer give the logits",
            job.session.model ? "model" : "biases");
    if (session_keyed(&job.session) && !job.session.model)
        prog_usage("--%s goes with --model", session_keyed(&job.session));
    if (job.ids && !stored)
        prog_usage("--ids goes with --class-maps, --features or --cams");
    if (stored && !job.cams && method_needs_logits(&job.how) && !job.session.model && !job.biases &&
        !job.logits)
        prog_usage("--%s%s with %s: expected --model, --biases or --logits, found none",
                   job.how.score == CAM_LOGIT ? "method " : "score ",
                   job.how.score == CAM_LOGIT ? job.how.method->word
                                              : cam_score_word(job.how.score),
                   stored);
    if (job.layer && !job.session.data)
        prog_usage("--layer goes with --model and --data");
    if (job.layer && strchr(job.layer, ',') && !job.unit)
        prog_usage("--scale none goes with one layer: the maps of several are scaled before their "
                   "mean is taken");
    if (job.randomise && !job.session.data)
        prog_usage("--randomise goes with --model and --data");
    if (job.stability && !job.session.data)
        prog_usage("--stability goes with --model and --data: moved images pass the network");
    if (job.stability && !job.stats)
        prog_usage("--stability goes with --stats, which it adds to");
    if (geometry_any(&job.session.size) && !job.session.data)
        prog_usage("--%s goes with --model and --data", session_sized(&job.session));
    if (input_size && job.session.data)
        prog_usage("--input-size and --data exclude each other");
}

static void check_files(void)
{
    char *beside = job.session.model ? ckpt_beside(job.session.model) : NULL;
    const char *const input[] = {job.table,         job.class_maps,   job.features, job.cams,
                                 job.logits,        job.ids,          job.weights,  job.biases,
                                 job.session.model, job.session.data, beside};

    if (job.run && strcmp(job.run, "-") == 0)
        prog_usage("--run: expected a file, found '-'");
    for (size_t i = 0; i < sizeof input / sizeof *input; i++) {
        if (io_same_file(job.stats, input[i]))
            prog_usage("--stats: expected a file that is not read, found '%s'", job.stats);
        if (io_same_file(job.run, input[i]))
            prog_usage("--run: expected a file that is not read, found '%s'", job.run);
    }
    prog_check_inputs(input, (int)(sizeof input / sizeof *input));
    free(beside);
}

void job_about(const struct job *j, struct run *r)
{
    if (smooth)
        run_put(r, "smooth", "%s", smooth);
    if (j->how.compat)
        run_put(r, "compat", "pytorch-grad-cam");
}

int main(int argc, char **argv)
{
    struct err e;

    prog_start(&prog, argc, argv);
    job.how.score = (enum cam_score)score;
    job.how.method = method_at(method);
    job.how.compat = compat == 0;
    job.how.seed = (uint64_t)job.seed;
    job.unit = scale == 0;
    session_parse(&job.session);
    parse_size();
    parse_smooth();
    check_inputs();
    check_files();
    if (shard && job.average)
        prog_usage("--shard and --average exclude each other: the mean is of all rows");
    if (aims_new(&job.rows, job.targets, &e) != 0)
        prog_usage("%s", e.msg);
    aims_shard(job.rows, shard_given(shard));
    if ((job.session.data ? network_run : stored_run)(&job, &e) != 0)
        prog_fail(&e);
    aims_tell_none(job.rows);
    aims_close(job.rows);
    return PROG_OK;
}
