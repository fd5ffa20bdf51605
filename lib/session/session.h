/* One entrance for programs that run a network: the options that they share, and one way from
 * these to an open checkpoint, images, network and device. */
#ifndef HP_SESSION_H
#define HP_SESSION_H

#include "base/err.h"
#include "base/prog.h"
#include "data/data.h"
#include "engine/engine.h"
#include "model/model.h"
#include "model/normal.h"

#include <stdbool.h>
#include <stdint.h>

/* What the options say; strings are NULL where an option is not given. */
struct session_opts {
    const char *model, *data, *mean, *std, *assume, *rename;
    struct geometry_opts sized;
    const char *device; /* "auto" to begin with */
    int precision;      /* enum engine_precision */
    bool exact;
    int64_t threads;       /* 0: one per core */
    struct assume assumed; /* of `assume`, from session_parse() */
    struct geometry size;  /* of `sized`, from session_parse() */
};

enum { SESSION_THREADS = 1024 };

/* Rows of a program's table of options. `s`: a struct session_opts of static storage. */
#define SESSION_MODEL_OPT(s)                                                                       \
    SESSION_ROW("model", 'm', OPT_STRING, &(s).model, "FILE",                                      \
                "The model: .pth or .pt as torch.save writes them, .safetensors, .pt2 or ONNX.",   \
                0)
#define SESSION_ASSUME_OPT(s)                                                                      \
    SESSION_ROW("assume", 0, OPT_STRING, &(s).assume, "KEY=VALUE,...", ASSUME_HELP, 0)
#define SESSION_RENAME_OPT(s)                                                                      \
    SESSION_ROW("rename", 0, OPT_STRING, &(s).rename, "FILE",                                      \
                "Other names for the keys of the checkpoint: lines of an old key and a new one, "  \
                "with * and **, or - to leave it out; see heatpipe-input(5).",                     \
                0)
#define SESSION_SIZE_OPTS(s)                                                                       \
    GEOMETRY_OPTS(                                                                                 \
        (s).sized,                                                                                 \
        "Make images of another size this large, as torchvision's Resize does: the "               \
        "size that the model was trained on. One number N is the shorter side; "                   \
        ":bicubic behind it takes that filter. "                                                   \
        "Default: the size that the model's program was exported for; else images stay, "          \
        "and those of a folder must be 32x32.")
#define SESSION_PIXEL_OPTS(s)                                                                      \
    SESSION_ROW("mean", 0, OPT_STRING, &(s).mean, "R,G,B",                                         \
                "Mean of the pixels, from 0 to 1, or from 0 to 255 where a number is above 2; "    \
                "one number stands for all channels. "                                             \
                "Default: what is usual for the network and the data set; -v prints it.",          \
                0),                                                                                \
        SESSION_ROW("std", 0, OPT_STRING, &(s).std, "R,G,B",                                       \
                    "Standard deviation of the pixels, in the unit of --mean. Default: what is "   \
                    "usual for the network and the data set.",                                     \
                    0)
#define SESSION_DEVICE_OPTS(s)                                                                     \
    SESSION_ROW("device", 0, OPT_STRING, &(s).device, "NAME",                                      \
                "auto, cpu, ref or cuda[:N]. Default: auto.", 0),                                  \
        SESSION_ROW("precision", 'p', OPT_CHOICE, &(s).precision, ENGINE_PRECISION_WORDS,          \
                    "Arithmetic of the network. Default: f32.", 0),                                \
        SESSION_ROW("exact", 0, OPT_FLAG, &(s).exact, NULL,                                        \
                    "Sum the products of every convolution as they are: no Winograd.", 0),         \
        SESSION_THREADS_OPT(s)
#define SESSION_THREADS_OPT(s)                                                                     \
    SESSION_ROW("threads", 0, OPT_INT, &(s).threads, "N",                                          \
                "Threads of the network. Default: 0, one per core.", SESSION_THREADS)
#define SESSION_ROW(name, letter, kind, dst, arg, help, max)                                       \
    {                                                                                              \
        name, letter, kind, dst, arg, help, 0, max                                                 \
    }

/* Lines of --version: the kernels and devices that are compiled in; `about` of a program whose
 * network runs on a device. */
void session_about(void);

/* Checks the words of the options and takes them apart. Ends the program with a usage error
 * that names the option. */
void session_parse(struct session_opts *o);

/* The option by which a size was given: "resize" or "crop". */
const char *session_sized(const struct session_opts *o);

/* The option given that is about the checkpoint, and so goes with --model: "assume" or "rename";
 * NULL where there is none. */
const char *session_keyed(const struct session_opts *o);

/* What is open; NULL where it is not. */
struct session {
    const struct session_opts *opts;
    struct ckpt *ckpt;
    struct data *data;
    struct model *model;
    struct normal_use pixels; /* constants in use, set in the model's graph */
    struct assume assumed; /* of the options, and what images proved of a network that was read by
                              structure */
    char *proof;           /* of the latter, in words, or NULL */
    int64_t proof_images;  /* images that proved it */
    struct model_dropout dropout; /* with which they did */
    struct engine *engine;
};

/* Opens checkpoint, images and network, and starts the device meanwhile. A network that is read by
 * structure is proved by the images (fit/prove.h), or is refused. `d` is for data_open(), but for
 * the size: without options images become as large as a program's. `s` is zero before and the
 * caller's to close, after an error, too. Says conflicts about the constants on standard error, and
 * with -v what they are. `o` outlives it. */
int session_open(struct session *s, const struct session_opts *o, const struct data_opts *d,
                 struct err *e) ERR_CHECKED;

/* The images and the network of a checkpoint alone, with pixels that are not normalised: of the
 * size that options say, or else that its program says, or else that the images have. `d` as for
 * session_open(). Caller closes both, after an error, too. */
int session_network(struct data **data, struct model **m, struct ckpt *c,
                    const struct session_opts *o, const struct data_opts *d, struct err *e)
    ERR_CHECKED;

/* Device, precision, exact, threads and note, as the options say. */
struct engine_opts session_engine_opts(const struct session *s);

/* Opens the engine of an open model. Of `wanted` those members count that say what is computed:
 * device, precision, exact, threads and note are set here. Says with -v what the engine is and
 * how long that took. */
int session_engine(struct session *s, const struct engine_opts *wanted, struct err *e) ERR_CHECKED;

/* Closes the checkpoint before the rest: the network has its own weights. */
void session_drop_checkpoint(struct session *s);
void session_close(struct session *s);

/* Opens the checkpoint alone. Caller closes. */
int session_checkpoint(struct ckpt **c, const struct session_opts *o, struct err *e) ERR_CHECKED;

/* A model of a checkpoint for images of h by w whose pixels are not normalised; 0 by 0: as large as
 * a program says, or 32 by 32. Caller closes. */
int session_model(struct model **m, struct ckpt *c, const struct session_opts *o, int h, int w,
                  struct err *e) ERR_CHECKED;

/* The same for programs that say what a network is, but compute nothing with it: what is read by
 * structure alone needs no proof, and what takes images of any size is told of for 32 by 32. Caller
 * closes. */
int session_outline(struct model **m, struct ckpt *c, const struct session_opts *o, int h, int w,
                    struct err *e) ERR_CHECKED;

/* A model of which images have proved what is assumed. Caller closes. */
int session_proved(struct model **m, struct ckpt *c, const struct assume *a, int h, int w,
                   struct err *e) ERR_CHECKED;

/* The linear layer that makes the logits. Its numbers are the caller's to free, after an error,
 * too. */
int session_head(struct model_head *h, const struct session_opts *o, struct err *e) ERR_CHECKED;

#endif
