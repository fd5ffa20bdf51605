#include "draw/deflate.h"

#include "base/mem.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    WINDOW = 32768,
    BLOCK = 1 << 17, /* bytes with codes of their own */
    SHORTEST = 4,    /* match that is looked for */
    LONGEST = 258,
    NOTED = 64, /* longest match of which every place is noted */
    HASH_BITS = 15,
    NEVER = -WINDOW - 1 /* a place too far back to be copied from */
};

enum { LITERALS = 286, DISTANCES = 30, LENGTHS = 19, END = 256, CODE_BITS = 15, LENGTH_BITS = 7 };

/* A Huffman code. */
struct code {
    uint32_t count[LITERALS]; /* how often each symbol occurs */
    uint8_t length[LITERALS]; /* bits; 0 for symbols that do not occur */
    uint16_t bits[LITERALS];  /* first bit lowest */
};

struct deflate {
    int (*put)(void *self, const void *p, size_t n, struct err *e);
    void *self;
    uint8_t *bytes;   /* what may still be copied from, then the block: [WINDOW + BLOCK] */
    size_t old, have; /* where the block begins and where it ends */
    int32_t *last;    /* [1 << HASH_BITS] where four bytes stood last */
    uint32_t *item;   /* [BLOCK] literals, and matches as length << 16 | distance - 1 */
    size_t items;
    struct code literal, distance;
    uint8_t *out; /* [OUT] */
    size_t ready; /* bytes of it */
    uint64_t held;
    int bits; /* of held, which are not in `out` yet */
};

/* A literal takes 15 bits at most, a match of four bytes 48; then there is the head of the block.
 */
enum { OUT = 2 * BLOCK + 1024 };

struct deflate *deflate_open(int (*put)(void *self, const void *p, size_t n, struct err *e),
                             void *self)
{
    struct deflate *d = mem_zero(1, sizeof *d);
    d->put = put;
    d->self = self;
    d->bytes = mem_alloc(WINDOW + BLOCK, 1);
    d->last = mem_alloc(1 << HASH_BITS, sizeof *d->last);
    for (size_t i = 0; i < 1 << HASH_BITS; i++)
        d->last[i] = NEVER;
    d->item = mem_alloc(BLOCK, sizeof *d->item);
    d->out = mem_alloc(OUT, 1);
    return d;
}

void deflate_free(struct deflate *d)
{
    if (!d)
        return;
    free(d->bytes);
    free(d->last);
    free(d->item);
    free(d->out);
    free(d);
}

/* --- symbols --- */

static int log2_of(uint32_t v)
{
    return 31 - __builtin_clz(v);
}

struct symbol {
    int number, extra; /* bits behind it */
};

static struct symbol length_symbol(uint32_t length)
{
    uint32_t l = length - 3;
    if (l < 8)
        return (struct symbol){257 + (int)l, 0};
    if (length == LONGEST)
        return (struct symbol){285, 0};
    int extra = log2_of(l) - 2;
    return (struct symbol){261 + 4 * extra + (int)(l >> extra & 3), extra};
}

static struct symbol distance_symbol(uint32_t less_one)
{
    if (less_one < 4)
        return (struct symbol){(int)less_one, 0};
    int extra = log2_of(less_one) - 1;
    return (struct symbol){2 * extra + 2 + (int)(less_one >> extra & 1), extra};
}

/* --- what repeats --- */

static uint32_t load32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static uint64_t load64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* How many bytes from p on, up to `end`, are those from `from` on. */
static size_t same(const uint8_t *from, const uint8_t *p, const uint8_t *end)
{
    const uint8_t *begin = p;
    while (end - p >= 8 && load64(from) == load64(p)) {
        from += 8;
        p += 8;
    }
    while (p < end && *from == *p) {
        from++;
        p++;
    }
    return (size_t)(p - begin);
}

static void add_literal(struct deflate *d, uint8_t byte)
{
    d->item[d->items++] = byte;
    d->literal.count[byte]++;
}

static void add_matches(struct deflate *d, size_t length, size_t distance)
{
    struct symbol far = distance_symbol((uint32_t)distance - 1);
    while (length > 0) {
        /* What is left may not be too short for one more. */
        size_t n = length <= LONGEST ? length : length - LONGEST < 3 ? LONGEST - 3 : LONGEST;
        d->item[d->items++] = (uint32_t)n << 16 | (uint32_t)(distance - 1);
        d->literal.count[length_symbol((uint32_t)n).number]++;
        d->distance.count[far.number]++;
        length -= n;
    }
}

/* Where these four bytes stood last, to be set to where they stand now. */
static int32_t *last_place(const struct deflate *d, uint32_t four)
{
    return &d->last[four * 2654435761U >> (32 - HASH_BITS)];
}

static void find_matches(struct deflate *d)
{
    const uint8_t *base = d->bytes, *p = base + d->old, *end = base + d->have;
    while (end - p >= SHORTEST) {
        uint32_t four = load32(p);
        int32_t *last = last_place(d, four), from = *last, at = (int32_t)(p - base);
        *last = at;
        if (from < 0 || at - from > WINDOW || load32(base + from) != four) {
            add_literal(d, *p++);
            continue;
        }
        size_t n = same(base + from, p, end);
        add_matches(d, n, (size_t)(at - from));
        /* Long ones are runs, whose insides are all alike. */
        const uint8_t *noted = end - p >= (ptrdiff_t)n + SHORTEST && n <= NOTED ? p + n : p + 1;
        for (const uint8_t *q = p + 1; q < noted; q++)
            *last_place(d, load32(q)) = (int32_t)(q - base);
        p += n;
    }
    while (p < end)
        add_literal(d, *p++);
}

/* --- codes --- */

struct leaf {
    uint32_t count;
    int symbol;
};

static int rising(const void *a, const void *b)
{
    const struct leaf *x = a, *y = b;
    if (x->count != y->count)
        return x->count < y->count ? -1 : 1;
    return x->symbol - y->symbol;
}

/* Numbers of codes by length, from the depths of a tree that joins the two rarest until one is
 * left: the leaves and what was joined are two queues, both rising. */
static void count_depths(const struct leaf *leaf, int n, int limit, int *by_length)
{
    uint32_t joined[LITERALS];
    int parent[2 * LITERALS], depth[LITERALS], next_leaf = 0, next = 0;
    for (int made = 0; made < n - 1; made++) {
        joined[made] = 0;
        for (int k = 0; k < 2; k++) {
            bool from_leaf =
                next_leaf < n && (next == made || leaf[next_leaf].count <= joined[next]);
            joined[made] += from_leaf ? leaf[next_leaf].count : joined[next];
            parent[from_leaf ? next_leaf++ : n + next++] = made;
        }
    }
    depth[n - 2] = 0;
    for (int i = n - 3; i >= 0; i--)
        depth[i] = depth[parent[n + i]] + 1;
    for (int i = 0; i < n; i++) {
        int deep = depth[parent[i]] + 1;
        by_length[deep < limit ? deep : limit]++;
    }
}

/* Codes that were too long and are now `limit` long are too many: longer ones make room. */
static void make_room(int *by_length, int limit)
{
    uint32_t taken = 0;
    for (int i = 1; i <= limit; i++)
        taken += (uint32_t)by_length[i] << (limit - i);
    for (; taken > 1U << limit; taken--) {
        int i = limit - 1;
        while (by_length[i] == 0)
            i--;
        by_length[limit]--;
        by_length[i]--;
        by_length[i + 1] += 2;
    }
}

static void make_code(struct code *c, int symbols, int limit)
{
    struct leaf leaf[LITERALS];
    int by_length[CODE_BITS + 1] = {0}, n = 0;
    for (int i = 0; i < symbols; i++)
        n += c->count[i] > 0;
    /* Not every reader takes a code of one symbol. */
    for (int i = 0; n < 2; i++) {
        n += c->count[i] == 0;
        c->count[i] += c->count[i] == 0;
    }
    n = 0;
    for (int i = 0; i < symbols; i++)
        if (c->count[i] > 0)
            leaf[n++] = (struct leaf){c->count[i], i};
    qsort(leaf, (size_t)n, sizeof *leaf, rising);
    count_depths(leaf, n, limit, by_length);
    make_room(by_length, limit);
    memset(c->length, 0, sizeof c->length);
    for (int i = limit, k = 0; i > 0; i--)
        for (int m = by_length[i]; m > 0; m--)
            c->length[leaf[k++].symbol] = (uint8_t)i;

    uint16_t next[CODE_BITS + 1] = {0};
    for (int i = 1; i < limit; i++)
        next[i + 1] = (uint16_t)((next[i] + by_length[i]) << 1);
    for (int i = 0; i < symbols; i++) {
        uint16_t code = c->length[i] ? next[c->length[i]]++ : 0, turned = 0;
        for (int k = 0; k < c->length[i]; k++)
            turned = (uint16_t)(turned | (code >> k & 1) << (c->length[i] - 1 - k));
        c->bits[i] = turned;
    }
}

/* --- bits --- */

/* At most 32 bits at a time. */
static void add_bits(struct deflate *d, uint32_t value, int n)
{
    d->held |= (uint64_t)value << d->bits;
    d->bits += n;
    while (d->bits >= 8) {
        d->out[d->ready++] = (uint8_t)d->held;
        d->held >>= 8;
        d->bits -= 8;
    }
}

static void add_symbol(struct deflate *d, const struct code *c, int symbol)
{
    add_bits(d, c->bits[symbol], c->length[symbol]);
}

static int used(const struct code *c, int symbols, int least)
{
    while (symbols > least && c->length[symbols - 1] == 0)
        symbols--;
    return symbols;
}

/* The lengths of both codes one behind the other, repetitions as symbols 16 to 18. */
static int pack_lengths(const uint8_t *length, int n, uint8_t *symbol, uint8_t *extra)
{
    int k = 0;
    for (int i = 0, run; i < n; i += run) {
        for (run = 1; i + run < n && length[i + run] == length[i] && run < 138; run++)
            ;
        if (length[i] == 0 && run >= 3) {
            symbol[k] = run < 11 ? 17 : 18;
            extra[k++] = (uint8_t)(run - (run < 11 ? 3 : 11));
        } else if (run >= 4) {
            run = run < 7 ? run : 7;
            symbol[k] = length[i];
            extra[k++] = 0;
            symbol[k] = 16;
            extra[k++] = (uint8_t)(run - 4);
        } else {
            run = 1;
            symbol[k] = length[i];
            extra[k++] = 0;
        }
    }
    return k;
}

static void add_codes(struct deflate *d)
{
    static const uint8_t order[LENGTHS] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                           11, 4,  12, 3, 13, 2, 14, 1, 15};
    static const uint8_t extra_bits[LENGTHS] = {[16] = 2, [17] = 3, [18] = 7};
    uint8_t all[LITERALS + DISTANCES], symbol[LITERALS + DISTANCES], extra[LITERALS + DISTANCES];
    int literals = used(&d->literal, LITERALS, 257), distances = used(&d->distance, DISTANCES, 1);
    memcpy(all, d->literal.length, (size_t)literals);
    memcpy(all + literals, d->distance.length, (size_t)distances);
    int n = pack_lengths(all, literals + distances, symbol, extra);

    struct code c = {0};
    for (int i = 0; i < n; i++)
        c.count[symbol[i]]++;
    make_code(&c, LENGTHS, LENGTH_BITS);
    int lengths = LENGTHS;
    while (lengths > 4 && c.length[order[lengths - 1]] == 0)
        lengths--;
    add_bits(d, (uint32_t)(literals - 257), 5);
    add_bits(d, (uint32_t)(distances - 1), 5);
    add_bits(d, (uint32_t)(lengths - 4), 4);
    for (int i = 0; i < lengths; i++)
        add_bits(d, c.length[order[i]], 3);
    for (int i = 0; i < n; i++) {
        add_symbol(d, &c, symbol[i]);
        add_bits(d, extra[i], extra_bits[symbol[i]]);
    }
}

static void add_items(struct deflate *d)
{
    for (size_t i = 0; i < d->items; i++) {
        uint32_t length = d->item[i] >> 16, less_one = d->item[i] & 0xffff;
        if (length == 0) {
            add_symbol(d, &d->literal, (int)less_one);
            continue;
        }
        struct symbol s = length_symbol(length);
        add_symbol(d, &d->literal, s.number);
        add_bits(d, (length - 3) & ((1U << s.extra) - 1), s.extra);
        s = distance_symbol(less_one);
        add_symbol(d, &d->distance, s.number);
        add_bits(d, less_one & ((1U << s.extra) - 1), s.extra);
    }
    add_symbol(d, &d->literal, END);
}

/* --- blocks --- */

static int put_ready(struct deflate *d, struct err *e)
{
    size_t n = d->ready;
    d->ready = 0;
    return n > 0 ? d->put(d->self, d->out, n, e) : 0;
}

/* What can still be copied from moves to the front. */
static void slide(struct deflate *d)
{
    size_t gone = d->have > WINDOW ? d->have - WINDOW : 0;
    memmove(d->bytes, d->bytes + gone, d->have - gone);
    for (size_t i = 0; i < 1 << HASH_BITS; i++)
        d->last[i] = d->last[i] < (int32_t)gone ? NEVER : d->last[i] - (int32_t)gone;
    d->old = d->have -= gone;
}

static int write_block(struct deflate *d, struct err *e)
{
    d->items = 0;
    memset(d->literal.count, 0, sizeof d->literal.count);
    memset(d->distance.count, 0, sizeof d->distance.count);
    find_matches(d);
    d->literal.count[END] = 1;
    make_code(&d->literal, LITERALS, CODE_BITS);
    make_code(&d->distance, DISTANCES, CODE_BITS);
    add_bits(d, 2 << 1, 3); /* not the last; codes of its own */
    add_codes(d);
    add_items(d);
    slide(d);
    return put_ready(d, e);
}

int deflate_write(struct deflate *d, const uint8_t *p, size_t n, struct err *e)
{
    while (n > 0) {
        size_t room = d->old + BLOCK - d->have, part = n < room ? n : room;
        memcpy(d->bytes + d->have, p, part);
        d->have += part;
        p += part;
        n -= part;
        if (part == room && write_block(d, e) != 0)
            return -1;
    }
    return 0;
}

int deflate_close(struct deflate *d, struct err *e)
{
    if (d->have > d->old && write_block(d, e) != 0)
        return -1;
    /* The last block is empty and has the codes that are fixed, in which END is 0. */
    add_bits(d, 1 | 1 << 1, 3);
    add_bits(d, 0, 7);
    add_bits(d, 0, (8 - d->bits) % 8);
    return put_ready(d, e);
}
