/* Records of CIFAR-10 (label, 3072 bytes) and CIFAR-100 (superclass, label, 3072
 * bytes), https://www.cs.toronto.edu/~kriz/cifar.html. */
#include "data/source.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum {
    SIDE = 32,
    PIXELS = 3 * SIDE * SIDE,
    CIFAR10_CLASSES = 10,
    CIFAR100_CLASSES = 100,
    CIFAR100_SUPERCLASSES = 20,
    PEEK_RECORDS = 20,
    LABELS_MAX = 2
};

struct binary {
    struct source base;
    int labels; /* label bytes in a record: 1 or 2 */
};

static int record_bytes(int labels)
{
    return labels + PIXELS;
}

/* Whether a record that begins with these bytes, as many as have arrived, may be
 * of the layout with `labels` label bytes. */
static bool plausible(const unsigned char *p, int64_t n, int labels)
{
    if (labels == 1)
        return n < 1 || p[0] < CIFAR10_CLASSES;
    return (n < 1 || p[0] < CIFAR100_SUPERCLASSES) && (n < 2 || p[1] < CIFAR100_CLASSES);
}

/* Finds the layout from as few records as tell: the label bytes of one layout are
 * sooner or later pixels of the other. Returns 1 or 2, 0 where it is neither. */
static int detect(struct in *in, int64_t size, struct err *e)
{
    bool fits10 = size >= 0 && size % record_bytes(1) == 0;
    bool fits100 = size >= 0 && size % record_bytes(2) == 0;
    if (fits10 != fits100)
        return fits10 ? 1 : 2;
    int bad10 = 0, bad100 = 0; /* records that cannot be of the layout */
    for (int i = 0; i < PEEK_RECORDS; i++) {
        int64_t at10 = (int64_t)i * record_bytes(1), at100 = (int64_t)i * record_bytes(2);
        bool good10 = true, good100 = true;
        for (int64_t want = at10 + 1; want <= at100 + 2; want++) {
            const unsigned char *p;
            int64_t n = in_peek(in, &p, (size_t)want, e);
            if (n < 0)
                return -1;
            good10 = plausible(p + (n > at10 ? at10 : 0), n - at10, 1);
            good100 = plausible(p + (n > at100 ? at100 : 0), n - at100, 2);
            if (bad100 == 0 && good100 && (bad10 || !good10))
                return 2;
            /* One label beyond CIFAR-100's classes is no proof of CIFAR-10. */
            if (i > 0 && bad10 == 0 && good10 && (bad100 || !good100))
                return 1;
            if (i == 0 && !good10 && !good100)
                return 0;
            if (n < want) {
                bool whole10 = n % record_bytes(1) == 0, whole100 = n % record_bytes(2) == 0;
                if (whole10 != whole100)
                    return whole10 ? 1 : 2;
                return bad10 + !good10 < bad100 + !good100 ? 1 : 2;
            }
        }
        bad10 += !good10;
        bad100 += !good100;
    }
    if (bad10 > PEEK_RECORDS / 2 && bad100 > PEEK_RECORDS / 2)
        return 0;
    return bad10 < bad100 ? 1 : 2;
}

static void set_labels(const struct binary *b, const unsigned char *p, struct data_item *item)
{
    item->superclass = b->labels == 2 ? p[0] : -1;
    item->label = p[b->labels - 1];
}

static int binary_at(const struct source *s, int64_t id, uint8_t *pixels, struct data_item *item,
                     struct err *e)
{
    const struct binary *b = (const struct binary *)s;
    unsigned char record[LABELS_MAX + PIXELS];
    size_t n = pixels ? (size_t)record_bytes(b->labels) : (size_t)b->labels;
    if (in_at(s->in, record, n, id * record_bytes(b->labels), e) != 0)
        return -1;
    if (pixels)
        memcpy(pixels, record + b->labels, PIXELS);
    set_labels(b, record, item);
    return 0;
}

static int cut_short(const struct binary *b, int64_t id, int64_t found, struct err *e)
{
    return err_set(e, "%s: record %lld: expected %d bytes, found %lld", in_name(b->base.in),
                   (long long)id, record_bytes(b->labels), (long long)found);
}

static int binary_next(struct source *s, int64_t id, uint8_t *pixels, struct data_item *item,
                       struct err *e)
{
    struct binary *b = (struct binary *)s;
    unsigned char record[LABELS_MAX + PIXELS];
    int64_t n = in_read(s->in, record, (size_t)record_bytes(b->labels), e);
    if (n <= 0)
        return (int)n;
    if (n < record_bytes(b->labels))
        return cut_short(b, id, n, e);
    memcpy(pixels, record + b->labels, PIXELS);
    set_labels(b, record, item);
    return 1;
}

static void binary_close(struct source *s)
{
    in_close(s->in);
    free(s);
}

int source_binary(struct source **out, struct in **in_taken, bool stream, struct err *e)
{
    struct in *in = *in_taken;
    int64_t size = stream ? -1 : in_size(in);
    int labels = detect(in, size, e);
    if (labels <= 0)
        return labels;
    struct binary *b = mem_zero(1, sizeof *b);
    b->labels = labels;
    b->base = (struct source){
        .kind = labels == 2 ? "cifar100" : "cifar10",
        .h = SIDE,
        .w = SIDE,
        .count = stream ? -1 : size / record_bytes(labels),
        .classes = labels == 2 ? CIFAR100_CLASSES : CIFAR10_CLASSES,
        .superclasses = labels == 2 ? CIFAR100_SUPERCLASSES : 0,
        .fixed_classes = true,
        .in = in,
        .at = binary_at,
        .next = binary_next,
        .close = binary_close,
    };
    if (!stream && size % record_bytes(labels) != 0) {
        cut_short(b, b->base.count, size % record_bytes(labels), e);
        free(b);
        return -1;
    }
    *in_taken = NULL;
    *out = &b->base;
    return 1;
}
