#include "rows/seen.h"

#include "base/mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    FIRST_BITS = 10,
    SMALL_BITS = 19, /* a larger table is as large as it gets: growing in between would hold two */
    MOST_BITS = 22,
    PAGE_BITS = 15, /* ids of a page, 1 << PAGE_BITS */
    PAGES = SEEN_IDS >> PAGE_BITS,
    EMPTY = 0, /* of `kind` */
    ROW,       /* `key` is a digest of a row's bytes */
    IMAGE      /* `key` is an id */
};

struct slot {
    uint64_t key;
    int32_t truth; /* of an image */
    uint16_t pred;
    uint16_t kind;
};

/* Rows of one kind. */
struct remark {
    int64_t n;
    char *first; /* "p.tsv:7: image 3" */
};

struct seen {
    struct slot *slot;
    int bits; /* there are 1 << bits slots */
    size_t used;
    bool full; /* not all rows are remembered */
    int64_t rows;
    struct remark repeat, other;
    struct remark unknown; /* rows of an image whose first row is not remembered */
    uint64_t *page[PAGES]; /* of a bit for each id below SEEN_IDS */
};

struct seen *seen_new(void)
{
    struct seen *s = mem_zero(1, sizeof *s);
    s->bits = FIRST_BITS;
    s->slot = mem_zero((size_t)1 << s->bits, sizeof *s->slot);
    return s;
}

void seen_free(struct seen *s)
{
    if (!s)
        return;
    free(s->repeat.first);
    free(s->other.first);
    free(s->unknown.first);
    for (int i = 0; i < PAGES; i++)
        free(s->page[i]);
    free(s->slot);
    free(s);
}

/* Mixes two words: multiplication by 2^64 / golden ratio, folded. */
static uint64_t mix(uint64_t a, uint64_t b)
{
    a = (a ^ b) * UINT64_C(0x9e3779b97f4a7c15);
    return a ^ a >> 29;
}

static uint64_t digest(const char *p, size_t n)
{
    uint64_t h = n, word;
    for (; n >= sizeof word; p += sizeof word, n -= sizeof word) {
        memcpy(&word, p, sizeof word);
        h = mix(h, word);
    }
    word = 0;
    memcpy(&word, p, n);
    return mix(mix(h, word), 1);
}

/* The slot of a key, or the empty one where it would go: there is always one. */
static struct slot *find(const struct seen *s, uint64_t key, int kind)
{
    size_t mask = ((size_t)1 << s->bits) - 1;
    size_t i = (size_t)(mix(key, (uint64_t)kind) >> (64 - s->bits));
    while (s->slot[i].kind != EMPTY && (s->slot[i].kind != kind || s->slot[i].key != key))
        i = (i + 1) & mask;
    return &s->slot[i];
}

static void grow(struct seen *s)
{
    struct slot *old = s->slot;
    size_t n = (size_t)1 << s->bits;
    s->bits = s->bits < SMALL_BITS ? s->bits + 1 : MOST_BITS;
    s->slot = mem_zero((size_t)1 << s->bits, sizeof *s->slot);
    for (size_t i = 0; i < n; i++)
        if (old[i].kind != EMPTY)
            *find(s, old[i].key, old[i].kind) = old[i];
    free(old);
}

/* Whether no row had this id before, as far as that is known. */
static bool is_new(struct seen *s, int64_t id)
{
    enum { PAGE = 1 << PAGE_BITS, WORD = 64 };
    if (id < 0 || id >= SEEN_IDS)
        return false;
    uint64_t **page = &s->page[id >> PAGE_BITS];
    if (!*page)
        *page = mem_zero(PAGE / WORD, sizeof **page);
    uint64_t *word = &(*page)[id % PAGE / WORD], bit = UINT64_C(1) << id % WORD;
    const bool new = !(*word & bit);
    *word |= bit;
    return new;
}

/* A new slot's content, while there is room. */
static void put(struct seen *s, struct slot *at, struct slot content)
{
    if (s->full)
        return;
    *at = content;
    /* At most three quarters are in use. */
    if (++s->used > (size_t)3 << (s->bits - 2))
        grow(s);
}

static void count(struct remark *f, int64_t id, const char *file, int64_t line)
{
    if (f->n++ == 0)
        f->first = mem_printf("%s:%" PRId64 ": image %" PRId64, file, line, id);
}

bool seen_row(struct seen *s, int64_t id, int truth, int pred, const char *row, size_t n,
              const char *file, int64_t line)
{
    const bool new = is_new(s, id);
    s->rows++;
    s->full = s->full || s->used + 2 > 2 * (size_t)SEEN_ROWS;
    if (s->full && new)
        return false;
    uint64_t key = digest(row, n);
    struct slot *at = find(s, key, ROW);
    if (at->kind != EMPTY) {
        count(&s->repeat, id, file, line);
        return true;
    }
    put(s, at, (struct slot){.key = key, .kind = ROW});
    if (pred < 0)
        return false;
    at = find(s, (uint64_t)id, IMAGE);
    if (at->kind == EMPTY && s->full && id < SEEN_IDS)
        count(&s->unknown, id, file, line);
    else if (at->kind == EMPTY)
        put(s, at, (struct slot){(uint64_t)id, truth, (uint16_t)pred, IMAGE});
    else if (at->pred != pred || (at->truth >= 0 && truth >= 0 && at->truth != truth))
        count(&s->other, id, file, line);
    return false;
}

int seen_end(const struct seen *s, void (*say)(const char *fmt, ...), struct err *e)
{
    const char *twice = s->repeat.n > 0  ? s->repeat.first
                        : s->other.n > 0 ? s->other.first
                                         : s->unknown.first;
    if (s->full && twice)
        return err_set(e,
                       "%s: expected each image once in more than %d rows, found another row of "
                       "this one before",
                       twice, SEEN_ROWS);
    if (!say)
        return 0;
    if (s->repeat.n > 0)
        say("%s: this row came before, as %" PRId64 " of %" PRId64
            " rows did: each such row counts once",
            s->repeat.first, s->repeat.n, s->rows);
    if (s->other.n > 0)
        say("warning: %s: another label or prediction than in an earlier row of this image; "
            "%" PRId64 " of %" PRId64
            " rows are such, and each counts: are these two runs or two data sets?",
            s->other.first, s->other.n, s->rows);
    return 0;
}
