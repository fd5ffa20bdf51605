/* Whether each of N files holds the images of another shard. */
#ifndef HP_SHARDS_H
#define HP_SHARDS_H

#include "base/err.h"

#include <stdint.h>

struct shards;

/* NULL where `count` is 0: nothing is checked then. */
struct shards *shards_new(int64_t count, int files);
void shards_free(struct shards *s);

/* An image of file number `file`, which is called `name` and outlives this: an error where it is
 * not of the file's shard, or of one that another file holds. */
int shards_see(struct shards *s, int file, int64_t id, const char *name, struct err *e) ERR_CHECKED;

/* Once an image of each file has been seen that has some: an error that names the shards of which
 * there is no file. */
int shards_check(const struct shards *s, struct err *e) ERR_CHECKED;

#endif
