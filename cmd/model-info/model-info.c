/* model-info: what is in a checkpoint, and the architecture that its keys show. See
 * model-info(1). */
#include "info.h"

#include "base/io.h"
#include "base/prog.h"
#include "base/text.h"
#include "data/data.h"
#include "model/normal.h"

#include <string.h>

enum { SIDE_MAX = 4096, THREADS_MAX = 1024, IMAGES_MAX = 1 << 20 };

static struct info info = {.images = 256};

static const char *assume, *input_size = "32x32", *resize;
static int to;
static bool tensors, layers, check;
static int64_t threads;

static const struct opt opts[] = {
    {"tensors", 't', OPT_FLAG, &tensors, NULL, "A table of the tensors instead.", 0, 0},
    {"layers", 'l', OPT_FLAG, &layers, NULL, "A table of the network's operations instead.", 0, 0},
    {"check", 'c', OPT_FLAG, &check, NULL,
     "Verify the checksums of the archive and that all elements are finite.", 0, 0},
    {"probe", 'p', OPT_STRING, &info.data, "PATH",
     "Run images, which need no labels, through every interpretation of the checkpoint, and write "
     "a row "
     "for each: how far what enters the batch norms is from what they have recorded.",
     0, 0},
    {"images", 'n', OPT_INT, &info.images, "N", "Images of --probe. Default: 256.", 2, IMAGES_MAX},
    {"resize", 0, OPT_STRING, &resize, "HxW",
     "Make images of --probe of another size this large, as for cifar-predict.", 0, 0},
    {"to", 0, OPT_CHOICE, &to, "none|pth|safetensors",
     "Write the state dict in this format to --out. Default: none.", 0, 0},
    {"out", 'o', OPT_STRING, &info.out, "FILE", "Where --to writes.", 0, 0},
    {"fold", 0, OPT_FLAG, &info.fold, NULL,
     "Write the network with its batch norms folded into the convolutions.", 0, 0},
    {"assume", 0, OPT_STRING, &assume, "KEY=VALUE,...", ASSUME_HELP, 0, 0},
    {"mean", 0, OPT_STRING, &info.mean, "R,G,B", "A further mean of the pixels for --probe.", 0, 0},
    {"std", 0, OPT_STRING, &info.std, "R,G,B",
     "A further standard deviation of the pixels for --probe.", 0, 0},
    {"input-size", 0, OPT_STRING, &input_size, "HxW",
     "Size of the images that multiply-accumulates are counted for. Default: 32x32.", 0, 0},
    {"threads", 0, OPT_INT, &threads, "N", "Threads of --probe. Default: 0, one per core.", 0,
     THREADS_MAX},
    {NULL, 0, OPT_FLAG, NULL, NULL, NULL, 0, 0},
};

static const char *const examples[] = {
    "model-info model.pth",
    "model-info --probe cifar-100-python model.pth",
    "model-info --to safetensors --fold --out folded.safetensors model.pth",
    NULL,
};

static const struct prog prog = {
    .name = "model-info",
    .brief = "Tell what is in a checkpoint, check it, convert it",
    .operands = "FILE",
    .opts = opts,
    .examples = examples,
};

static void parse_size(void)
{
    if (!text_size(input_size, SIDE_MAX, &info.h, &info.w))
        prog_usage("--input-size: expected HxW with sides from 1 to %d, found '%s'", SIDE_MAX,
                   input_size);
}

static void check_options(void)
{
    struct err e;
    if (assume && assume_parse(&info.assume, assume, &e) != 0)
        prog_usage("--assume: %s", e.msg);
    const char *key = assume_network(&info.assume);
    if (key && (tensors || check || (to != 0 && !info.fold)))
        prog_usage("--assume %s: has no effect with %s", key,
                   tensors ? "--tensors"
                   : check ? "--check"
                           : "--to without --fold");
    if (normal_check(info.mean, info.std, &e) != 0)
        prog_usage("%s", e.msg);
    if ((info.mean != NULL) != (info.std != NULL))
        prog_usage("--mean and --std go together");
    if (tensors + layers + check + (info.data != NULL) + (to != 0) > 1)
        prog_usage("--tensors, --layers, --check, --probe and --to exclude each other");
    if ((to != 0) != (info.out != NULL))
        prog_usage("--to and --out go together");
    if (info.fold && to == 0)
        prog_usage("--fold goes with --to");
    if ((info.mean || resize) && !info.data)
        prog_usage("--mean, --std and --resize go with --probe");
    if (resize && !data_parse_size(resize, &info.resize_h, &info.resize_w))
        prog_usage("--resize: expected HxW with sides from 1 to 1024, found '%s'", resize);
    if (info.out && io_same_file(info.out, info.model))
        prog_usage("--out: expected a file that is not read, found '%s'", info.out);
    parse_size();
}

int info_model(const struct info *i, struct model **m, struct ckpt *c, struct err *e)
{
    const struct model_opts o = {
        .h = i->h, .w = i->w, .std = {1, 1, 1}, .assume = &i->assume, .note = prog_note};
    return model_open(m, c, &o, e);
}

static int run(struct err *e)
{
    const struct ckpt_opts o = {.state = info.assume.state, .extras = true};
    struct ckpt *c;
    if (ckpt_open(&c, info.model, &o, e) != 0)
        return -1;
    int r = tensors     ? tensors_print(c, e)
            : layers    ? layers_print(&info, c, e)
            : check     ? check_print(c, e)
            : info.data ? probe_print(&info, c, e)
            : to        ? convert(&info, c, e)
                        : contents_print(&info, c, e);
    ckpt_close(c);
    return r;
}

int main(int argc, char **argv)
{
    struct err e;
    int first = prog_start(&prog, argc, argv);
    if (argc - first != 1)
        prog_usage("expected one FILE, found %d", argc - first);
    info.model = argv[first];
    info.threads = (int)threads;
    info.format = to == 2 ? CKPT_SAFETENSORS : CKPT_ZIP;
    check_options();
    if (run(&e) != 0)
        prog_fail(&e);
    return PROG_OK;
}
