/* How large images are made: torchvision's Resize and CenterCrop on images of Pillow, byte for
 * byte. */
#ifndef HP_GEOMETRY_H
#define HP_GEOMETRY_H

#include "base/err.h"
#include "base/prog.h"

#include <stdbool.h>
#include <stdint.h>

/* First the one, then the other; zeros: images stay as they are. */
struct geometry {
    int h, w;           /* Resize((h, w)) */
    int shorter;        /* Resize(shorter): the shorter side, the other one in proportion */
    bool bicubic;       /* Resize(..., InterpolationMode.BICUBIC), else BILINEAR */
    int crop_h, crop_w; /* CenterCrop((crop_h, crop_w)), with black around smaller images */
};

/* What the options say, or NULL. */
struct geometry_opts {
    const char *resize, *crop;
};

/* Rows of a program's table of options; `o`: a struct geometry_opts of static storage; `help`: what
 * --resize does there. */
#define GEOMETRY_OPTS(o, help)                                                                     \
    GEOMETRY_ROW("resize", &(o).resize, help),                                                     \
        GEOMETRY_ROW("crop", &(o).crop,                                                            \
                     "Take the middle of each image, behind --resize, as torchvision's "           \
                     "CenterCrop does; one number N means NxN.")
#define GEOMETRY_ROW(name, dst, help)                                                              \
    {                                                                                              \
        name, 0, OPT_STRING, dst, "HxW", help, 0, 0                                                \
    }
/* `help` of programs that take images as cifar-predict does. */
#define GEOMETRY_HELP "Make images of another size this large first, as for cifar-predict."

/* Ends the program with a usage error that names the option where a word of `o` is no size. */
struct geometry geometry_given(const struct geometry_opts *o);

/* The same for words that are no options: HxW or N each, sides from 1 to RESAMPLE_SIDE; behind
 * those of `resize`, ":bicubic" or ":bilinear". */
int geometry_parse(struct geometry *g, const struct geometry_opts *o, struct err *e) ERR_CHECKED;

static inline bool geometry_any(const struct geometry *g)
{
    return g->h > 0 || g->shorter > 0 || g->crop_h > 0;
}

/* The size of what an image of h by w becomes. */
void geometry_size(const struct geometry *g, int h, int w, int *to_h, int *to_w);

/* Whether that is the same for all images; sets it then. */
bool geometry_fixed(const struct geometry *g, int *to_h, int *to_w);

/* 3 planes of h x w bytes to 3 of that size. Thread-safe. */
void geometry_run(const struct geometry *g, const uint8_t *in, int h, int w, uint8_t *out);

/* "--resize 256:bicubic --crop 224", or "". Returns buf. */
enum { GEOMETRY_WORDS = 64 };
const char *geometry_words(const struct geometry *g, char buf[GEOMETRY_WORDS]);

#endif
