#include "data/shard.h"

/* Digits at *p into *v, at most `most`. */
static bool digits(const char **p, int64_t most, int64_t *v)
{
    const char *from = *p;
    *v = 0;
    for (; **p >= '0' && **p <= '9' && *v <= most; ++*p)
        *v = 10 * *v + (**p - '0');
    return *p > from && *v <= most;
}

int shard_parse(struct shard *s, const char *text, struct err *e)
{
    const char *p = text;
    if (digits(&p, SHARDS_MOST, &s->index) && *p++ == '/' && digits(&p, SHARDS_MOST, &s->count) &&
        *p == '\0' && s->index < s->count)
        return 0;
    return err_set(e, "expected I/N with I from 0 to N-1 and N up to %d, found '%s'", SHARDS_MOST,
                   text);
}

struct shard shard_given(const char *text)
{
    struct shard s = {0};
    struct err e;
    if (text && shard_parse(&s, text, &e) != 0)
        prog_usage("--shard: %s", e.msg);
    return s;
}

struct subset subset_given(const struct subset_opts *o)
{
    return (struct subset){.limit = o->limit, .shard = shard_given(o->shard)};
}

int64_t subset_next(const struct subset *p, int64_t id)
{
    const struct shard *s = &p->shard;
    if (shard_any(s))
        id += (s->index - id % s->count + s->count) % s->count;
    return id < p->limit ? id : INT64_MAX;
}

int64_t subset_count(const struct subset *p, int64_t images)
{
    const struct shard *s = &p->shard;
    const int64_t n = images < p->limit ? images : p->limit;
    return !shard_any(s) ? n : n > s->index ? (n - s->index - 1) / s->count + 1 : 0;
}
