#include "neighbors/duplicates.h"

#include "base/mem.h"
#include "base/pool.h"
#include "image/hash.h"
#include "neighbors/nearest.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    CANDIDATES = 5, /* of each image, by their spectra: see duplicates(1) */
    PART = 64       /* images or pairs that a thread takes at a time */
};

/* Pairs whose luma fits worse are not compared in color, whose correlation is about as high. */
static const double worth = 0.1;

static const char *const word[] = {
#define DUPLICATE_WORD(id, w) #w,
    DUPLICATE_KINDS(DUPLICATE_WORD)
#undef DUPLICATE_WORD
};

const char *duplicate_word(enum duplicate_kind k)
{
    return word[k];
}

static int threads_of(const struct duplicates_opts *o)
{
    return o->threads > 0 ? o->threads : pool_cores();
}

/* --- reading a set --- */

struct reading {
    struct image_set *set;
    const struct duplicates_opts *opts;
    struct thumb_waves waves;
    bool *read; /* [count] of the image */
};

static void *make_pixels(void *self)
{
    const struct reading *r = self;
    return mem_alloc(3 * (size_t)data_h(r->set->data) * (size_t)data_w(r->set->data), 1);
}

static int read_part(void *self, void *pixels, int64_t part, struct err *e)
{
    struct reading *r = self;
    struct data *d = r->set->data;

    for (int64_t id = part * PART; id < (part + 1) * PART && id < data_count(d); id++) {
        struct set_image *m = &r->set->image[id];
        struct data_item item;
        int got = data_try(d, id, pixels, &item, e);
        if (got == DATA_DAMAGED && r->opts->skip_damaged)
            continue;
        if (got != 0)
            return -1;
        r->read[id] = true;
        m->id = id;
        m->label = item.label;
        m->hash = image_hash(pixels, data_h(d), data_w(d));
        thumb_make(&m->thumb, r->set->spectrum + id * THUMB_SPECTRUM, pixels, data_h(d), data_w(d),
                   &r->waves);
    }
    return 0;
}

int image_set_read(struct image_set *s, const char *path, const struct data_opts *data,
                   const struct duplicates_opts *o, struct err *e)
{
    struct reading r = {.set = s, .opts = o};
    const struct pool_work work = {
        .self = &r, .make = make_pixels, .discard = free, .part = read_part};

    if (data_open(&s->data, path, data, e) != 0)
        return -1;
    const int64_t count = data_count(s->data);
    if (count < 0)
        return err_set(e,
                       "%s: expected a file or a folder, which is read more than once, found a "
                       "stream",
                       data_name(s->data));
    s->image = mem_alloc((size_t)count + 1, sizeof *s->image);
    s->spectrum = mem_alloc((size_t)count + 1, THUMB_SPECTRUM * sizeof *s->spectrum);
    r.read = mem_zero((size_t)count + 1, sizeof *r.read);
    thumb_waves(&r.waves);
    int result = pool_run(&work, (count + PART - 1) / PART, threads_of(o), e);
    for (int64_t id = 0; id < count && result == 0; id++) {
        if (!r.read[id])
            continue;
        s->image[s->n] = s->image[id];
        memmove(s->spectrum + s->n++ * THUMB_SPECTRUM, s->spectrum + id * THUMB_SPECTRUM,
                THUMB_SPECTRUM * sizeof *s->spectrum);
    }
    s->damaged = count - s->n;
    free(r.read);
    return result;
}

void image_set_free(struct image_set *s)
{
    data_close(s->data);
    free(s->image);
    free(s->spectrum);
}

static int64_t find_image(const struct image_set *s, int64_t id)
{
    int64_t low = 0, high = s->n;
    while (low < high) {
        int64_t at = low + (high - low) / 2;
        if (s->image[at].id < id)
            low = at + 1;
        else
            high = at;
    }
    return low < s->n && s->image[low].id == id ? low : -1;
}

/* --- the search --- */

/* A pair that may be one of duplicates: of image numbers. */
struct pair {
    int64_t image, other;
    double embedding;
    enum duplicate_kind kind;
    double correlation; /* -1: too low to be measured */
    int dy, dx;
};

struct search {
    const struct image_set *set, *others; /* the same set, or another */
    bool against;
    const struct duplicates_opts *opts;
    struct pair *pair; /* [n] */
    size_t n;
    struct duplicate *list; /* [found] */
    size_t found;
};

/* Pixels of two images, and their details. */
struct hand {
    uint8_t *pixels[2];
    struct thumb color[2][3];
};

static size_t size_of(const struct image_set *s)
{
    return 3 * (size_t)data_h(s->data) * (size_t)data_w(s->data);
}

static void *hand_new(void *self)
{
    const struct search *s = self;
    struct hand *h = mem_alloc(1, sizeof *h);
    h->pixels[0] = mem_alloc(size_of(s->set), 1);
    h->pixels[1] = mem_alloc(size_of(s->others), 1);
    return h;
}

static void hand_free(void *hand)
{
    struct hand *h = hand;
    free(h->pixels[0]);
    free(h->pixels[1]);
    free(h);
}

static int load(const struct image_set *s, int64_t image, uint8_t *pixels, struct err *e)
{
    struct data_item item;
    return data_at(s->data, s->image[image].id, pixels, &item, e) == 0 ? 0 : -1;
}

static int load_pair(const struct search *s, const struct pair *p, struct hand *h, struct err *e)
{
    return load(s->set, p->image, h->pixels[0], e) != 0 ||
                   load(s->others, p->other, h->pixels[1], e) != 0
               ? -1
               : 0;
}

/* Adds a pair; inside a set the later image is the one that is there again. */
static void add(struct search *s, int64_t image, int64_t other, double embedding)
{
    s->pair = mem_extend(s->pair, s->n, s->n + 1, sizeof *s->pair);
    bool swap = !s->against && other > image;
    s->pair[s->n++] = (struct pair){.image = swap ? other : image,
                                    .other = swap ? image : other,
                                    .embedding = embedding,
                                    .correlation = -1};
}

static void put(struct search *s, const struct pair *p)
{
    s->list = mem_extend(s->list, s->found, s->found + 1, sizeof *s->list);
    s->list[s->found++] = (struct duplicate){.image = &s->set->image[p->image],
                                             .other = &s->others->image[p->other],
                                             .against = s->against,
                                             .kind = p->kind,
                                             .correlation = p->correlation,
                                             .dy = p->dy,
                                             .dx = p->dx,
                                             .embedding = p->embedding};
}

/* --- equal pixels --- */

/* An image, which has a number in its set, by hash. */
struct hashed {
    uint64_t hash;
    int64_t image;
};

static int by_hash(const void *a, const void *b)
{
    const struct hashed *x = a, *y = b;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return (x->image > y->image) - (x->image < y->image);
}

/* The images by hash, then id. Caller frees. */
static struct hashed *order(const struct image_set *s)
{
    struct hashed *list = mem_alloc((size_t)s->n + 1, sizeof *list);
    for (int64_t i = 0; i < s->n; i++)
        list[i] = (struct hashed){s->image[i].hash, i};
    qsort(list, (size_t)s->n, sizeof *list, by_hash);
    return list;
}

/* Of two whose hashes are equal. */
static int put_equal(struct search *s, int64_t image, int64_t other, struct hand *h, struct err *e)
{
    const struct pair p = {.image = image, .other = other, .embedding = NAN, .correlation = 1};
    if (load_pair(s, &p, h, e) != 0)
        return -1;
    if (memcmp(h->pixels[0], h->pixels[1], size_of(s->set)) == 0)
        put(s, &p);
    return 0;
}

static int find_equal(struct search *s, struct err *e)
{
    struct hashed *image = order(s->set), *other = order(s->others);
    struct hand *h = hand_new(s);
    const bool sizes = data_h(s->set->data) == data_h(s->others->data) &&
                       data_w(s->set->data) == data_w(s->others->data);
    int64_t at = 0;
    int r = 0;
    for (int64_t i = 0; i < s->set->n && sizes && r == 0; i++) {
        while (at < s->others->n && other[at].hash < image[i].hash)
            at++;
        if (at < s->others->n && other[at].hash == image[i].hash &&
            (s->against || other[at].image != image[i].image))
            r = put_equal(s, image[i].image, other[at].image, h, e);
    }
    hand_free(h);
    free(image);
    free(other);
    return r;
}

/* --- pairs that may be --- */

static int take_nearest(void *ctx, int64_t query, const struct neighbor *list, int n, struct err *e)
{
    (void)e;
    for (int i = 0; i < n; i++)
        add(ctx, query, list[i].item, NAN);
    return 0;
}

static int add_nearest(struct search *s, struct err *e)
{
    const struct nearest_opts o = {
        .k = CANDIDATES, .metric = NEAREST_COSINE, .threads = s->opts->threads};
    if (s->set->n == 0 || s->others->n < (s->against ? 1 : 2))
        return 0;
    struct vectors *set =
        vectors_of(s->set->spectrum, s->set->n, THUMB_SPECTRUM, data_name(s->set->data));
    struct vectors *others = s->against ? vectors_of(s->others->spectrum, s->others->n,
                                                     THUMB_SPECTRUM, data_name(s->others->data))
                                        : NULL;
    int r = nearest_find(set, others, &o, take_nearest, s, e);
    vectors_close(set);
    vectors_close(others);
    return r;
}

static int add_hints(struct search *s, const struct duplicate_hint *hint, size_t n, struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        const int64_t image = find_image(s->set, hint[i].id),
                      other = find_image(s->others, hint[i].other);
        /* One that cannot be read is left out of both. */
        if ((image < 0 && hint[i].id >= data_count(s->set->data)) ||
            (other < 0 && hint[i].other >= data_count(s->others->data)))
            return err_set(
                e, "%s: expected the image %" PRId64 " of a neighbor, found %" PRId64 " images",
                data_name(image < 0 ? s->set->data : s->others->data),
                image < 0 ? hint[i].id : hint[i].other,
                data_count(image < 0 ? s->set->data : s->others->data));
        if (image >= 0 && other >= 0 && (s->against || image != other))
            add(s, image, other, hint[i].distance);
    }
    return 0;
}

static int by_pair(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    if (x->image != y->image)
        return x->image < y->image ? -1 : 1;
    if (x->other != y->other)
        return x->other < y->other ? -1 : 1;
    /* The one with the nearest embedding is kept. */
    double p = isnan(x->embedding) ? INFINITY : x->embedding,
           q = isnan(y->embedding) ? INFINITY : y->embedding;
    return (p > q) - (p < q);
}

static void sort_pairs(struct search *s)
{
    size_t left = 0;
    if (s->n > 0)
        qsort(s->pair, s->n, sizeof *s->pair, by_pair);
    for (size_t i = 0; i < s->n; i++)
        if (left == 0 || s->pair[i].image != s->pair[left - 1].image ||
            s->pair[i].other != s->pair[left - 1].other)
            s->pair[left++] = s->pair[i];
    s->n = left;
}

/* --- comparing --- */

static int compare(const struct search *s, struct pair *p, struct hand *h, struct err *e)
{
    const struct set_image *a = &s->set->image[p->image], *b = &s->others->image[p->other];
    const struct thumb_fit fit = thumb_compare(&a->thumb, &b->thumb);
    if (fit.correlation < s->opts->near - worth)
        return 0;
    if (load_pair(s, p, h, e) != 0)
        return -1;
    thumb_make_color(h->color[0], h->pixels[0], data_h(s->set->data), data_w(s->set->data));
    thumb_make_color(h->color[1], h->pixels[1], data_h(s->others->data), data_w(s->others->data));
    p->correlation = thumb_correlate(h->color[0], h->color[1], fit.dy, fit.dx);
    p->dy = fit.dy;
    p->dx = fit.dx;
    return 0;
}

static int compare_part(void *self, void *hand, int64_t part, struct err *e)
{
    struct search *s = self;
    for (size_t i = (size_t)part * PART; i < ((size_t)part + 1) * PART && i < s->n; i++)
        if (compare(s, &s->pair[i], hand, e) != 0)
            return -1;
    return 0;
}

static int find_similar(struct search *s, struct err *e)
{
    const struct pool_work work = {
        .self = s, .make = hand_new, .discard = hand_free, .part = compare_part};
    if (pool_run(&work, ((int64_t)s->n + PART - 1) / PART, threads_of(s->opts), e) != 0)
        return -1;
    for (size_t i = 0; i < s->n; i++) {
        struct pair *p = &s->pair[i];
        /* Those were found. */
        if (s->set->image[p->image].hash == s->others->image[p->other].hash)
            continue;
        p->kind = p->correlation >= s->opts->shifted ? DUPLICATE_SHIFTED
                  : p->correlation >= s->opts->near  ? DUPLICATE_NEAR
                                                     : DUPLICATE_ALIKE;
        if (p->kind != DUPLICATE_ALIKE || p->embedding <= s->opts->embedding)
            put(s, p);
    }
    return 0;
}

int duplicates_find(const struct image_set *set, const struct image_set *against,
                    const struct duplicate_hint *hint, size_t hints,
                    const struct duplicates_opts *o, struct duplicate **list, size_t *n,
                    struct err *e)
{
    struct search s = {.set = set,
                       .others = against ? against : set,
                       .against = against,
                       .opts = o,
                       .list = *list,
                       .found = *n};
    int r = find_equal(&s, e);
    if (r == 0)
        r = add_nearest(&s, e);
    if (r == 0)
        r = add_hints(&s, hint, hints, e);
    if (r == 0) {
        sort_pairs(&s);
        r = find_similar(&s, e);
    }
    free(s.pair);
    *list = s.list;
    *n = s.found;
    return r;
}
