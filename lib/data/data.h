/* Images with labels, as they lie on users' disks, told apart by content:
 * CIFAR-100 and CIFAR-10 binary records, the Python pickles torchvision
 * downloads, .npy arrays, the files of MNIST, SVHN, STL-10 and Tiny ImageNet,
 * folders of PNG, JPEG, WebP and BMP images. */
#ifndef HP_DATA_H
#define HP_DATA_H

#include "base/err.h"
#include "data/inputs.h"
#include "data/names.h"
#include "data/shard.h"
#include "image/geometry.h"

#include <stdbool.h>
#include <stdint.h>

struct data;

struct data_item {
    int64_t id;     /* 0-based index in the data set */
    int label;      /* class, or -1 where there is none */
    int superclass; /* from the record, or -1 */
    /* Of an image from a file of its own: */
    bool turned;   /* EXIF asks for another orientation, which is not applied */
    bool whitened; /* values of its 16-bit grey above 255 have become 255 */
};

struct data_opts {
    const char *labels;   /* labels for images in .npy or in a folder without class folders, or
                             NULL: integers in .npy, a table with the column label, true or class,
                             or one number a line */
    bool coarse;          /* the superclasses of CIFAR-100 stand for its classes; then `names`
                             has as many classes, or superclasses */
    const char *names;    /* as names_load; NULL: the data set's own name files or folders.
                             Superclasses in them stand for those of the records. Class folders get
                             the number of their name among them; where none is among them, there
                             must be as many, in the same order */
    struct geometry size; /* what images become; where that differs from image to image, those of
                             a folder must come out square, and where they stay, 32 by 32 */
    const struct subset *subset;    /* the images that data_next gives, or NULL for all; of the
                                   others the labels are read until the superclass of each
                                   class is known. Outlives the data set */
    void (*note)(const char *text); /* gets what is worth telling, or NULL */
    void (*warn)(const char *text); /* gets what changes results, or NULL */
    struct inputs *inputs;          /* gets the files that are read beside those of the images,
                                       or NULL */
};

/* `path`: a file, a folder (the test split in it), or "-" for a stream. The labels
 * of a file are all checked here. Messages about an image call it "record" and its
 * id. */
int data_open(struct data **d, const char *path, const struct data_opts *o, struct err *e)
    ERR_CHECKED;
void data_close(struct data *d);
const char *data_name(const struct data *d);

/* Image geometry, after resizing and cropping: 3 planes of h x w bytes, in R, G, B order. */
int data_h(const struct data *d);
int data_w(const struct data *d);

/* How they are made that large. */
const struct geometry *data_geometry(const struct data *d);

/* Whether an image that was read had another size. */
bool data_resized(const struct data *d);

/* Sets the side of the images that the model was probably trained on, for messages about
 * images of another size; 32 before. */
void data_advise(struct data *d, int side);

/* Number of images, or -1 for a stream. */
int64_t data_count(const struct data *d);

/* Number of images that data_next gives in all, or -1 for a stream. */
int64_t data_subset(const struct data *d);

/* The shard of the subset. */
const struct shard *data_shard(const struct data *d);

/* Never NULL; may know 0 classes (a stream without names). Stays the data set's. */
const struct names *data_names(const struct data *d);

/* Which layout was found: "cifar100", "cifar10", "npy", "mnist", "fashion-mnist", "svhn", "stl10",
 * "tiny-imagenet" or "folder". */
const char *data_kind(const struct data *d);

/* The number of class folders that gave the images their labels by their order alone,
 * 0 for other data sets: a model of other classes means others by these numbers. */
int data_ordered(const struct data *d);

/* The number of superclasses that can be the classes (see data_opts.coarse), or 0. */
int data_coarse(const struct data *d);

/* Whether each image is a file of its own, and which: as text for people and tables, and
 * as the system knows it. The caller frees it. */
bool data_has_files(const struct data *d);
char *data_file(const struct data *d, int64_t id);
char *data_path_of(const struct data *d, int64_t id);

/* Next image of the subset into pixels[3*h*w]: 1, 0 at the end, -1; or DATA_DAMAGED where its file
 * cannot be read as an image: item->id and `e` say which and why, and the call after it
 * goes on. Blocks only until this one image has arrived. Not thread-safe. */
enum { DATA_DAMAGED = 2 };
int data_next(struct data *d, uint8_t *pixels, struct data_item *item, struct err *e) ERR_CHECKED;

/* An error where images cannot be taken by id, because they come from a stream. */
int data_by_id(const struct data *d, struct err *e) ERR_CHECKED;

/* Image `id` of a data set that is no stream. Thread-safe. An id that is not in
 * the data set is an error. */
int data_at(const struct data *d, int64_t id, uint8_t *pixels, struct data_item *item,
            struct err *e) ERR_CHECKED;

/* The same, with DATA_DAMAGED as data_next gives it. */
int data_try(const struct data *d, int64_t id, uint8_t *pixels, struct data_item *item,
             struct err *e) ERR_CHECKED;

#endif
