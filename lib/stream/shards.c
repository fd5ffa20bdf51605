#include "stream/shards.h"

#include "base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { NAMED = 8 };

struct shards {
    int64_t count;
    int files;
    int64_t *of;       /* [files] the shard of each file, or -1 */
    const char **name; /* [count] the file of each shard, or NULL */
};

struct shards *shards_new(int64_t count, int files)
{
    if (count == 0)
        return NULL;
    struct shards *s = mem_zero(1, sizeof *s);
    s->count = count;
    s->files = files;
    s->of = mem_alloc((size_t)files, sizeof *s->of);
    s->name = mem_zero((size_t)count, sizeof *s->name);
    for (int i = 0; i < files; i++)
        s->of[i] = -1;
    return s;
}

void shards_free(struct shards *s)
{
    if (!s)
        return;
    free(s->of);
    free(s->name);
    free(s);
}

int shards_see(struct shards *s, int file, int64_t id, const char *name, struct err *e)
{
    if (!s)
        return 0;
    const int64_t shard = id % s->count;
    if (s->of[file] == shard)
        return 0;
    if (s->of[file] >= 0)
        return err_set(e,
                       "%s: expected images of shard %" PRId64 "/%" PRId64 ", found image %" PRId64
                       " of shard %" PRId64,
                       name, s->of[file], s->count, id, shard);
    if (s->name[shard])
        return err_set(e,
                       "%s: expected another shard in each file, found shard %" PRId64 "/%" PRId64
                       ", which %s has",
                       name, shard, s->count, s->name[shard]);
    s->of[file] = shard;
    s->name[shard] = name;
    return 0;
}

/* A file without images is that of a shard without some. */
int shards_check(const struct shards *s, struct err *e)
{
    if (!s || s->files == s->count)
        return 0;
    if (s->files > s->count)
        return err_set(e, "expected a file for each of %" PRId64 " shards, found %d", s->count,
                       s->files);
    char text[NAMED * 12 + 8] = "";
    size_t n = 0;
    int named = 0;
    for (int64_t i = 0; i < s->count && named < NAMED; i++)
        if (!s->name[i])
            n += (size_t)snprintf(text + n, sizeof text - n, "%s%" PRId64, named++ ? ", " : "", i);
    if (named == NAMED)
        snprintf(text + n, sizeof text - n, ", ...");
    return err_set(e,
                   "expected a file for each of %" PRId64
                   " shards, found %d: no file has images of shard %s",
                   s->count, s->files, text);
}
