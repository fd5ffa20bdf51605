/* What cam-score reads beside images and network: rows, and a map of each row from every tensor. */
#ifndef HP_CAM_SCORE_INPUT_H
#define HP_CAM_SCORE_INPUT_H

#include "data/shard.h"
#include "base/err.h"
#include "cam/cam.h"
#include "faith/faith.h"
#include "stream/items.h"

#include <stdint.h>

struct input;

struct input_opts {
    const char *table, *target;
    const char *planes, *ids; /* the list; where the ids are from, for messages; or NULL */
    int64_t count;            /* of the rows, by chance; 0: all */
    struct shard shard;       /* whose rows are taken */
};

/* Takes the operands apart, [NAME=]PATH each, and checks the words of the options. Ends the program
 * with a usage error. */
void input_parse(struct input **in, const struct input_opts *o, char *const *operand, int n);

/* Reads the rows, of a model of `classes` classes and so many images, and opens the tensors, whose
 * items have the `ids`, or are in the order of the rows where that is NULL; `image`: the size of
 * the images, which no map exceeds. The ids outlive the input. The input is the caller's to close,
 * after an error, too. */
int input_open(struct input *in, const struct ids *ids, int classes, int64_t images,
               struct faith_size image, uint64_t seed, struct err *e) ERR_CHECKED;
void input_close(struct input *in);

int input_maps(const struct input *in);
const char *input_name(const struct input *in, int map);
const char *input_path(const struct input *in, int map);
struct faith_size input_size(const struct input *in, int map);

/* Rows that were taken, in the order of the table. */
int64_t input_rows(const struct input *in);

/* Row i, which must not fall from call to call where a tensor is a pipe; map[maps] are valid until
 * the next call. */
int input_row(struct input *in, int64_t i, int64_t *id, struct aim *aim, const float **map,
              struct err *e) ERR_CHECKED;

/* Tells, where there was no row, that there was none, and reads pipes to their ends. */
int input_end(struct input *in, struct err *e) ERR_CHECKED;

#endif
