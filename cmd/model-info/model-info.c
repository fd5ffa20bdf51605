/* model-info: what is in a checkpoint, and the architecture that its keys show. See
 * model-info(1). */
#include "info.h"

#include "base/io.h"
#include "base/prog.h"
#include "base/text.h"
#include "ckpt/ckpt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE_MAX = 4096, IMAGES_MAX = 1 << 20 };

static struct info info = {.images = 256};

static const char *input_size;
static int to;
static bool tensors, layers, check;

static const struct opt opts[] = {
    {"tensors", 0, OPT_FLAG, &tensors, NULL, "A table of the tensors instead.", 0, 0},
    {"layers", 0, OPT_FLAG, &layers, NULL, "A table of the network's operations instead.", 0, 0},
    {"check", 0, OPT_FLAG, &check, NULL,
     "Verify the checksums of the archive and that all elements are finite.", 0, 0},
    {"probe", 0, OPT_STRING, &info.session.data, "PATH",
     "Run images, which need no labels, through every interpretation of the checkpoint, and write "
     "a row "
     "for each: how far what enters the batch norms is from what they have recorded.",
     0, 0},
    {"images", 'n', OPT_INT, &info.images, "N", "Images of --probe. Default: 256.", 2, IMAGES_MAX},
    SESSION_SIZE_OPTS(info.session),
    {"to", 0, OPT_CHOICE, &to, "none|pth|safetensors",
     "Write the state dict in this format to --out. Default: none.", 0, 0},
    {"out", 'o', OPT_STRING, &info.out, "FILE", "Where --to writes.", 0, 0},
    {"fold", 0, OPT_FLAG, &info.fold, NULL,
     "Write the network with its batch norms folded into the convolutions.", 0, 0},
    SESSION_ASSUME_OPT(info.session),
    SESSION_RENAME_OPT(info.session),
    {"mean", 0, OPT_STRING, &info.session.mean, "R,G,B",
     "A further mean of the pixels for --probe.", 0, 0},
    {"std", 0, OPT_STRING, &info.session.std, "R,G,B",
     "A further standard deviation of the pixels for --probe.", 0, 0},
    {"input-size", 0, OPT_STRING, &input_size, "HxW",
     "Size of the images that multiply-accumulates are counted for. Default: that "
     "of its program, or 32x32.",
     0, 0},
    SESSION_THREADS_OPT(info.session),
    {NULL, 0, OPT_FLAG, NULL, NULL, NULL, 0, 0},
};

static const char *const examples[] = {
    "model-info model.pth",
    "model-info --probe cifar-100-python model.pth",
    "model-info --to safetensors --fold --out folded.safetensors model.pth",
    NULL,
};

static const struct prog_lack lacks[] = {
    {"shard", "--probe takes images that are spread over the whole data set"},
    {NULL, NULL},
};

static const struct prog prog = {
    .name = "model-info",
    .brief = "Tell what is in a checkpoint, check it, convert it",
    .operands = "FILE",
    .opts = opts,
    .examples = examples,
    .about = session_about,
    .lacks = lacks,
};

static void parse_size(void)
{
    if (input_size && !text_size(input_size, SIDE_MAX, &info.h, &info.w))
        prog_usage("--input-size: expected HxW with sides from 1 to %d, found '%s'", SIDE_MAX,
                   input_size);
}

static void check_options(void)
{
    const struct session_opts *o = &info.session;
    session_parse(&info.session);
    const char *key = assume_network(&o->assumed);
    if (key && (tensors || check || (to != 0 && !info.fold)))
        prog_usage("--assume %s: has no effect with %s", key,
                   tensors ? "--tensors"
                   : check ? "--check"
                           : "--to without --fold");
    if ((o->mean != NULL) != (o->std != NULL))
        prog_usage("--mean and --std go together");
    if (tensors + layers + check + (o->data != NULL) + (to != 0) > 1)
        prog_usage("--tensors, --layers, --check, --probe and --to exclude each other");
    if ((to != 0) != (info.out != NULL))
        prog_usage("--to and --out go together");
    if (info.fold && to == 0)
        prog_usage("--fold goes with --to");
    if ((o->mean || geometry_any(&o->size)) && !o->data)
        prog_usage("--mean, --std, --resize and --crop go with --probe");
    char *beside = info.out ? ckpt_beside(o->model) : NULL;
    if (info.out && (io_same_file(info.out, o->model) || io_same_file(info.out, beside)))
        prog_usage("--out: expected a file that is not read, found '%s'", info.out);
    free(beside);
    parse_size();
}

static int run(struct err *e)
{
    struct ckpt *c;
    if (session_checkpoint(&c, &info.session, e) != 0)
        return -1;
    int r = tensors             ? tensors_print(c, e)
            : layers            ? layers_print(&info, c, e)
            : check             ? check_print(c, e)
            : info.session.data ? probe_print(&info, c, e)
            : to                ? convert(&info, c, e)
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
    info.session.model = argv[first];
    info.format = to == 2 ? CKPT_SAFETENSORS : CKPT_ZIP;
    check_options();
    if (run(&e) == 0)
        return PROG_OK;
    if (!e.unread)
        prog_fail(&e);
    char *python = info_python(&info, NULL, e.msg);
    prog_say("%s", e.msg);
    fprintf(stderr, "\n%s\n", python);
    free(python);
    return PROG_ERROR;
}
