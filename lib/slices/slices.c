#include "slices/slices.h"

#include "base/mem.h"
#include "base/pool.h"
#include "neighbors/nearest.h"
#include "slices/components.h"
#include "slices/mixture.h"
#include "base/random.h"
#include "stats/share.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    ROWS = 256,        /* images of a part, for rivals */
    GROUPS = 12,       /* of one fit at most, */
    ALL_GROUPS = 25,   /* and of all images: as Domino */
    GROUP_IMAGES = 10, /* for each group, */
    PAIR_IMAGES = 20   /* and of pairs */
};

/* A group that has no more errors than its surroundings in the first half, by this p, is not
 * tested on the second. */
static const double WORTH_TESTING = 0.1;

_Static_assert((int)COMPONENTS_MOST == (int)MIXTURE_DIMS, "coordinates are not copied");

enum { WORD_TRUTH, WORD_RIVAL };

const char *slices_among_word(enum slices_among a)
{
    static const char *const words[] = {"all", "superclass", "class", "pair"};

    return words[a];
}

static bool is_error(const struct slices_image *a)
{
    return a->pred != a->truth;
}

/* --- rivals --- */

struct rivals {
    const struct slices_in *in;
    int64_t *agree; /* [parts] */
};

static int find_rivals(void *self, void *hand, int64_t part, struct err *e)
{
    const struct rivals *r = self;
    const struct slices_in *in = r->in;
    const size_t from = (size_t)part * ROWS, to = from + ROWS < in->n ? from + ROWS : in->n;
    (void)hand;
    (void)e;
    for (size_t i = from; i < to; i++) {
        struct slices_image *a = &in->image[i];
        const float *x = in->x + i * (size_t)in->channels;
        double most = 0, most_other = 0;
        int best = -1, other = -1;
        for (int c = 0; c < in->classes; c++) {
            const float *w = in->w + (size_t)c * (size_t)in->channels;
            double z = nearest_product(w, x, in->channels) + in->b[c];
            if (best < 0 || z > most) {
                most = z;
                best = c;
            }
            if (c != a->truth && (other < 0 || z > most_other)) {
                most_other = z;
                other = c;
            }
        }
        a->rival = other >= 0 ? other : a->truth;
        r->agree[part] += best == a->pred;
    }
    return 0;
}

int64_t slices_rivals(const struct slices_in *in, int threads)
{
    const int64_t parts = (int64_t)((in->n + ROWS - 1) / ROWS);
    struct rivals r = {in, mem_zero((size_t)parts, sizeof *r.agree)};
    const struct pool_work w = {.self = &r, .part = find_rivals};
    struct err none;
    int64_t agree = 0;
    err_ignore(pool_run(&w, parts, threads, &none));
    for (int64_t i = 0; i < parts; i++)
        agree += r.agree[i];
    free(r.agree);
    return agree;
}

double slices_contribution(const struct slices_in *in, size_t i, int k)
{
    const struct slices_image *a = &in->image[i];
    const size_t channels = (size_t)in->channels;
    return ((double)in->w[(size_t)a->rival * channels + (size_t)k] -
            in->w[(size_t)a->truth * channels + (size_t)k]) *
           in->x[i * channels + (size_t)k];
}

/* --- what images are compared by --- */

struct evidence {
    const struct slices_in *in;
    enum slices_on on;
    int length;
    double scale; /* of contributions beside embeddings */
};

static void evidence_of(const struct evidence *v, size_t i, float *out)
{
    const struct slices_in *in = v->in;
    const size_t channels = (size_t)in->channels;
    if (v->on != SLICES_MARGIN) {
        memcpy(out, in->x + i * channels, channels * sizeof *out);
        out += channels;
    }
    if (v->on != SLICES_EMBEDDINGS)
        for (int k = 0; k < in->channels; k++)
            out[k] = (float)(v->scale * slices_contribution(in, i, k));
}

static double variance(double sum, double squares, double n)
{
    return fmax(squares / n - sum / n * (sum / n), 0);
}

static struct evidence evidence_open(const struct slices_in *in, enum slices_on on)
{
    struct evidence v = {in, on, on == SLICES_BOTH ? 2 * in->channels : in->channels, 1};
    double sum[2] = {0}, squares[2] = {0};
    if (on != SLICES_BOTH)
        return v;
    for (size_t i = 0; i < in->n; i++)
        for (int k = 0; k < in->channels; k++) {
            const double x = in->x[i * (size_t)in->channels + (size_t)k];
            const double c = slices_contribution(in, i, k);
            sum[0] += x;
            squares[0] += x * x;
            sum[1] += c;
            squares[1] += c * c;
        }
    const double n = (double)in->n * in->channels;
    const double x = variance(sum[0], squares[0], n), c = variance(sum[1], squares[1], n);
    v.scale = c > 0 ? sqrt(x / c) : 1;
    return v;
}

/* --- where slices are looked for --- */

struct field {
    enum slices_among among;
    int of[2];
    uint32_t *image; /* [n] */
    size_t n;
    struct slice *slice; /* [slices] that are worth a test */
    size_t slices;
};

struct fields {
    const struct slices_in *in;
    struct evidence evidence;
    const struct slices_opts *o;
    struct field *field; /* [n] */
    size_t n;
};

/* An image and what it is in, to sort by. */
struct key {
    int of[2];
    uint32_t image;
};

static int by_key(const void *a, const void *b)
{
    const struct key *x = a, *y = b;
    for (int k = 0; k < 2; k++)
        if (x->of[k] != y->of[k])
            return x->of[k] < y->of[k] ? -1 : 1;
    return (x->image > y->image) - (x->image < y->image);
}

/* Adds a field where images have errors enough in both halves. */
static void add_field(struct fields *f, enum slices_among among, const struct key *key, size_t n)
{
    int64_t errors[2] = {0};
    for (size_t i = 0; i < n; i++)
        if (is_error(&f->in->image[key[i].image]))
            errors[f->in->image[key[i].image].second]++;
    if (errors[0] < f->o->least || errors[1] < f->o->least)
        return;
    struct field a = {.among = among, .of = {key->of[0], key->of[1]}, .n = n};
    a.image = mem_alloc(n, sizeof *a.image);
    for (size_t i = 0; i < n; i++)
        a.image[i] = key[i].image;
    f->field = mem_extend(f->field, f->n, f->n + 1, sizeof *f->field);
    f->field[f->n++] = a;
}

/* Which of a kind of fields an image is in; false: in none. */
static bool key_of(const struct slices_in *in, enum slices_among among, size_t i, struct key *key)
{
    const struct slices_image *a = &in->image[i];
    *key = (struct key){{-1, -1}, (uint32_t)i};
    switch (among) {
    case SLICES_ALL:
        return true;
    case SLICES_SUPERCLASS:
        key->of[0] = in->superclass ? in->superclass[a->truth] : -1;
        return key->of[0] >= 0;
    case SLICES_CLASS:
        key->of[0] = a->truth;
        return !in->superclass || in->superclass[a->truth] < 0;
    case SLICES_PAIR:
        key->of[0] = a->truth < a->rival ? a->truth : a->rival;
        key->of[1] = a->truth < a->rival ? a->rival : a->truth;
        return a->rival >= 0;
    }
    return false;
}

static void add_fields(struct fields *f, enum slices_among among)
{
    struct key *key = mem_alloc(f->in->n, sizeof *key);
    size_t n = 0;
    for (size_t i = 0; i < f->in->n; i++)
        n += key_of(f->in, among, i, &key[n]);
    if (n > 0)
        qsort(key, n, sizeof *key, by_key);
    for (size_t from = 0, to; from < n; from = to) {
        for (to = from + 1;
             to < n && key[to].of[0] == key[from].of[0] && key[to].of[1] == key[from].of[1];)
            to++;
        add_field(f, among, key + from, to - from);
    }
    free(key);
}

/* --- one field --- */

struct search {
    const struct slices_in *in;
    const struct evidence *evidence;
    const struct slices_opts *o;
    struct field *field;
    int groups;
    uint8_t *group;     /* [n] of each image */
    double *membership; /* [n] its probability */
    double *density;    /* [n] logarithm of its density: how typical an image is */
};

static int by_int(const void *a, const void *b)
{
    const int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

/* Words are numbers among the classes that the field's images have. */
static void set_words(struct mixture_rows *r, const struct search *s, int kind)
{
    int *word = mem_alloc(r->n, sizeof *word), *all = mem_alloc(r->n, sizeof *all), distinct = 0;
    for (size_t i = 0; i < r->n; i++) {
        const struct slices_image *a = &s->in->image[s->field->image[i]];
        word[i] = all[i] = kind == WORD_TRUTH ? a->truth : a->rival;
    }
    qsort(all, r->n, sizeof *all, by_int);
    for (size_t i = 0; i < r->n; i++)
        if (i == 0 || all[i] != all[i - 1])
            all[distinct++] = all[i];
    for (size_t i = 0; i < r->n; i++) {
        const int *at = bsearch(&word[i], all, (size_t)distinct, sizeof *all, by_int);
        word[i] = (int)(at - all);
    }
    r->word[kind] = word;
    r->words[kind] = distinct;
    free(all);
}

/* The seed of a field, so that each has its own numbers whatever else there is. */
static uint64_t seed_of(const struct search *s)
{
    uint64_t state = s->o->seed;
    const int what[] = {(int)s->field->among, s->field->of[0], s->field->of[1]};
    for (size_t i = 0; i < sizeof what / sizeof *what; i++)
        state = random_next(&state) ^ (uint64_t)(uint32_t)what[i];
    return state;
}

static int groups_of(const struct field *f)
{
    const size_t most = f->among == SLICES_ALL ? ALL_GROUPS : GROUPS;
    const size_t n = f->n / (f->among == SLICES_PAIR ? PAIR_IMAGES : GROUP_IMAGES);
    return (int)(n < 2 ? 2 : n > most ? most : n);
}

/* Fits the mixture to the field's images and gives each its group. Both halves take part: no
 * outcome does. */
static void fit(struct search *s)
{
    const struct field *f = s->field;
    const size_t length = (size_t)s->evidence->length;
    struct mixture_rows r = {.n = f->n};
    struct components c;
    struct mixture m;
    double density[ALL_GROUPS];
    uint64_t random = seed_of(s);
    float *x = mem_alloc(f->n * length, sizeof *x);
    for (size_t i = 0; i < f->n; i++)
        evidence_of(s->evidence, f->image[i], x + i * length);
    components_find(&c, x, f->n, s->evidence->length, &random);
    double *at = mem_alloc(f->n * COMPONENTS_MOST, sizeof *at);
    for (size_t i = 0; i < f->n; i++)
        components_place(&c, x + i * length, at + i * COMPONENTS_MOST);
    free(x);
    r.dims = c.n;
    r.x = at;
    set_words(&r, s, WORD_TRUTH);
    set_words(&r, s, WORD_RIVAL);
    mixture_fit(&m, &r, groups_of(f), &random);
    for (size_t i = 0; i < f->n; i++) {
        int best = 0;
        mixture_density(&m, &r, i, density);
        for (int g = 1; g < m.groups; g++)
            best = density[g] > density[best] ? g : best;
        s->density[i] = density[best];
        mixture_posterior(density, m.groups);
        s->group[i] = (uint8_t)best;
        s->membership[i] = density[best];
    }
    s->groups = m.groups;
    components_close(&c);
    mixture_close(&m);
    for (int k = 0; k < MIXTURE_KINDS; k++)
        free(r.word[k]);
    free(at);
}

static void count_share(struct slices_share *s, const struct slices_image *a)
{
    s->images++;
    s->correct += !is_error(a);
}

static double test(struct slices_share in, struct slices_share out)
{
    return share_exact(in.images - in.correct, in.images, out.images - out.correct, out.images);
}

/* A member as it is ranked. */
struct ranked {
    struct slices_member member;
    bool correct;
    double density;
    int64_t id;
};

static int by_rank(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->correct != y->correct)
        return x->correct - y->correct;
    if (x->density != y->density)
        return x->density > y->density ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

static void fill(struct slice *a, const struct search *s, int group)
{
    const struct field *f = s->field;
    struct ranked *all = mem_alloc(f->n, sizeof *all);
    size_t n = 0;
    a->other = mem_alloc(f->n, sizeof *a->other);
    for (size_t i = 0; i < f->n; i++) {
        const struct slices_image *image = &s->in->image[f->image[i]];
        if (s->group[i] != group) {
            a->other[a->others++] = f->image[i];
            continue;
        }
        a->errors += is_error(image);
        all[n++] = (struct ranked){.member = {f->image[i], s->membership[i]},
                                   .correct = !is_error(image),
                                   .density = s->density[i],
                                   .id = image->id};
    }
    qsort(all, n, sizeof *all, by_rank);
    a->members = n;
    a->member = mem_alloc(n, sizeof *a->member);
    for (size_t i = 0; i < n; i++)
        a->member[i] = all[i].member;
    free(all);
}

static void find_pair(struct slice *a, const struct slices_in *in)
{
    struct key *key = mem_alloc(a->errors + 1, sizeof *key);
    for (size_t i = 0; i < a->errors; i++) {
        const struct slices_image *image = &in->image[a->member[i].image];
        key[i] = (struct key){{image->truth, image->pred}, 0};
    }
    qsort(key, a->errors, sizeof *key, by_key);
    for (size_t from = 0, to; from < a->errors; from = to) {
        for (to = from + 1; to < a->errors && by_key(&key[from], &key[to]) == 0;)
            to++;
        if ((int64_t)(to - from) > a->pair_errors) {
            a->pair_errors = (int64_t)(to - from);
            a->truth = key[from].of[0];
            a->pred = key[from].of[1];
        }
    }
    free(key);
}

/* A group that has more errors than its surroundings in the first half. */
static void consider(const struct search *s, int group)
{
    struct field *f = s->field;
    struct slice a = {.among = f->among, .of = {f->of[0], f->of[1]}};
    double high;
    for (size_t i = 0; i < f->n; i++) {
        const struct slices_image *image = &s->in->image[f->image[i]];
        if (s->group[i] == group)
            count_share(image->second ? &a.in : &a.first_in, image);
        else
            count_share(image->second ? &a.out : &a.first_out, image);
    }
    if (a.first_in.images - a.first_in.correct < s->o->least ||
        !(test(a.first_in, a.first_out) < WORTH_TESTING))
        return;
    a.p = test(a.in, a.out);
    share_difference_interval(a.out.correct, a.out.images, a.in.correct, a.in.images, &a.gap,
                              &high);
    fill(&a, s, group);
    find_pair(&a, s->in);
    f->slice = mem_extend(f->slice, f->slices, f->slices + 1, sizeof *f->slice);
    f->slice[f->slices++] = a;
}

static int search(void *self, void *hand, int64_t part, struct err *e)
{
    struct fields *f = self;
    struct field *field = &f->field[part];
    struct search s = {.in = f->in, .evidence = &f->evidence, .o = f->o, .field = field};
    (void)hand;
    (void)e;
    s.group = mem_alloc(field->n, 1);
    s.membership = mem_alloc(field->n, sizeof *s.membership);
    s.density = mem_alloc(field->n, sizeof *s.density);
    fit(&s);
    for (int g = 0; g < s.groups; g++)
        consider(&s, g);
    free(s.group);
    free(s.membership);
    free(s.density);
    return 0;
}

/* --- all of them --- */

static void drop(struct slice *a)
{
    free(a->member);
    free(a->other);
}

/* By how much lower its accuracy is at least: a slice that holds errors alone comes before one
 * that holds more of them, and more besides. */
static int by_gap(const void *a, const void *b)
{
    const struct slice *x = a, *y = b;
    if (x->gap != y->gap)
        return x->gap > y->gap ? -1 : 1;
    if (x->errors != y->errors)
        return x->errors > y->errors ? -1 : 1;
    if (x->among != y->among)
        return x->among < y->among ? -1 : 1;
    for (int k = 0; k < 2; k++)
        if (x->of[k] != y->of[k])
            return x->of[k] < y->of[k] ? -1 : 1;
    return (x->member->image > y->member->image) - (x->member->image < y->member->image);
}

static void collect(struct slices *s, const struct fields *f)
{
    for (size_t i = 0; i < f->n; i++) {
        const struct field *a = &f->field[i];
        if (a->slices == 0)
            continue;
        s->slice = mem_extend(s->slice, s->n, s->n + a->slices, sizeof *s->slice);
        memcpy(s->slice + s->n, a->slice, a->slices * sizeof *a->slice);
        s->n += a->slices;
    }
    s->tested = s->n;
    double *p = mem_alloc(s->n + 1, sizeof *p);
    for (size_t i = 0; i < s->n; i++)
        p[i] = s->slice[i].p;
    share_holm(p, s->n);
    for (size_t i = 0; i < s->n; i++)
        s->slice[i].p_adjusted = p[i];
    free(p);
    if (s->n > 0)
        qsort(s->slice, s->n, sizeof *s->slice, by_gap);
}

/* Keeps the slices that are confirmed, and of those that share half of their errors or more with
 * better ones only the best. */
static void choose(struct slices *s, const struct slices_in *in, const struct slices_opts *o)
{
    uint8_t *taken = mem_zero(in->n, 1);
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++) {
        struct slice *a = &s->slice[i];
        size_t shared = 0;
        for (size_t k = 0; k < a->errors; k++)
            shared += taken[a->member[k].image];
        a->confirmed = a->p_adjusted < o->level && a->in.images - a->in.correct >= o->least;
        s->confirmed += a->confirmed;
        if ((!a->confirmed && !o->all) || 2 * shared >= a->errors) {
            drop(a);
            continue;
        }
        for (size_t k = 0; k < a->errors; k++)
            taken[a->member[k].image] = 1;
        s->slice[n++] = *a;
    }
    s->n = n;
    free(taken);
}

int slices_find(struct slices *s, const struct slices_in *in, const struct slices_opts *o,
                struct err *e)
{
    struct fields f = {.in = in, .evidence = evidence_open(in, o->on), .o = o};
    const struct pool_work w = {.self = &f, .part = search};
    *s = (struct slices){0};
    uint64_t seed = o->seed;
    seed = random_next(&seed);
    for (size_t i = 0; i < in->n; i++) {
        uint64_t state = seed ^ (uint64_t)in->image[i].id;
        in->image[i].second = random_next(&state) >> 63;
    }
    for (enum slices_among among = SLICES_ALL; among <= SLICES_PAIR; among++)
        add_fields(&f, among);
    int r = pool_run(&w, (int64_t)f.n, o->threads, e);
    if (r == 0) {
        collect(s, &f);
        choose(s, in, o);
    }
    for (size_t i = 0; i < f.n; i++) {
        free(f.field[i].image);
        free(f.field[i].slice);
    }
    free(f.field);
    return r;
}

void slices_close(struct slices *s)
{
    for (size_t i = 0; i < s->n; i++)
        drop(&s->slice[i]);
    free(s->slice);
}
