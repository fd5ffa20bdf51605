/* The images of a data set that one of several runs takes: those whose id, modulo the number of
 * shards, is the shard's. Ids stay those of the whole data set. */
#ifndef HP_SHARD_H
#define HP_SHARD_H

#include "base/err.h"
#include "base/prog.h"

#include <stdbool.h>
#include <stdint.h>

/* Zero: all images. */
struct shard {
    int64_t index, count; /* index < count */
};

enum { SHARDS_MOST = 1000000000 };

/* Row of a program's table of options; `dst`: a const char * of static storage. `help`: what the
 * program does with the images of the shard. */
#define SHARD_OPT(dst, help)                                                                       \
    {                                                                                              \
        "shard", 0, OPT_STRING, &(dst), "I/N", help, 0, 0                                          \
    }

/* The shard of the option --shard, all images where `text` is NULL. Ends the program with a usage
 * error where it is not I/N with I from 0 to N-1. */
struct shard shard_given(const char *text);

int shard_parse(struct shard *s, const char *text, struct err *e) ERR_CHECKED;

static inline bool shard_any(const struct shard *s)
{
    return s->count > 0;
}

static inline bool shard_has(const struct shard *s, int64_t id)
{
    return s->count == 0 || id % s->count == s->index;
}

/* The images that a program takes one after the other. */
struct subset {
    int64_t limit; /* ids are below it */
    struct shard shard;
};

struct subset_opts {
    int64_t limit; /* INT64_MAX to begin with */
    const char *shard;
};

/* Rows of a program's table of options; `o`: a struct subset_opts of static storage. */
#define SUBSET_OPTS(o)                                                                             \
    SHARD_OPT((o).shard,                                                                           \
              "Take the images whose id modulo N is I, I from 0 to N-1: one of N runs that "       \
              "together take all. Ids stay those of the whole data set."),                         \
    {                                                                                              \
        "limit", 'n', OPT_INT, &(o).limit, "N", "Take the first N images of the data set alone.",  \
            0, INT64_MAX                                                                           \
    }

/* As shard_given(). */
struct subset subset_given(const struct subset_opts *o);

/* The first id from `id` on that belongs to the subset; INT64_MAX where there is none. */
int64_t subset_next(const struct subset *p, int64_t id);

/* How many of `images` images belong to it. */
int64_t subset_count(const struct subset *p, int64_t images);

#endif
