/* The CPU's kernels, every set that runs here, against a convolution in double. */
#include "../unit/check.h"
#include "engine/cpu/conv.h"
#include "engine/cpu/bf16.h"
#include "engine/cpu/isa.h"
#include "random_net.h"

#ifdef __x86_64__
#include <xmmintrin.h>
#endif
#ifdef __has_feature /* clang's */
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

enum {
    SLACK = 128,     /* bytes before and behind a value that nobody may touch */
    UNTOUCHED = 0xff /* every byte of what is not written: a NaN of either type */
};

/* --- the sets of kernels --- */

static const struct conv_kernels *set[ISA_SETS], *tiles[ISA_NAMES - ISA_SETS + 1];
static int sets, tile_sets;

static void find_sets(void)
{
    const struct conv_kernels *k, *t;
    struct err e = {0};
    tiles[tile_sets++] = &conv_amx_plain;
    for (int i = 0; i < ISA_NAMES; i++) {
        setenv("HEATPIPE_CPU", isa_name[i], 1);
        if (isa_kernels(&k, &t, &e) != 0)
            continue;
        CHECK(!t == (i < ISA_SETS));
        if (i < ISA_SETS)
            set[sets++] = k;
        else if (t != &conv_amx_plain)
            tiles[tile_sets++] = t;
        CHECK(t == &conv_amx_plain || strcmp((t ? t : k)->name, isa_name[i]) == 0);
    }
    setenv("HEATPIPE_CPU", "amx", 1); /* in plain C where the processor has none */
    CHECK(isa_kernels(&k, &t, &e) == 0 && t);
    unsetenv("HEATPIPE_CPU");
    CHECK(sets > 0 && set[sets - 1] == &conv_plain);
}

/* --- denormals --- */

static unsigned float_mode(void)
{
#if defined(__x86_64__)
    return _mm_getcsr();
#elif defined(__aarch64__)
    uint64_t mode;
    __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
    return (unsigned)mode;
#else
    return 0;
#endif
}

static void float_mode_set(unsigned mode)
{
#if defined(__x86_64__)
    _mm_setcsr(mode);
#elif defined(__aarch64__)
    __asm__ volatile("msr fpcr, %0" : : "r"((uint64_t)mode));
#else
    (void)mode;
#endif
}

/* --- values --- */

/* (microbatches, cells, n, pitch) with a gap behind each cell but the last. */
struct value {
    int microbatches, cells, n, c, pitch, gap;
    bool bf16;
    size_t bytes;
    void *all, *p;
};

static size_t element_size(bool bf16)
{
    return bf16 ? sizeof(uint16_t) : sizeof(float);
}

static ptrdiff_t cell_step(const struct value *v)
{
    return (ptrdiff_t)v->n * v->pitch + v->gap;
}

static ptrdiff_t place(const struct value *v, int g, int cell, int image, int c)
{
    return ((ptrdiff_t)g * v->cells + cell) * cell_step(v) + (ptrdiff_t)image * v->pitch + c;
}

static struct value value_new(int microbatches, int cells, int n, int c, int pitch, int gap,
                              bool bf16)
{
    struct value v = {.microbatches = microbatches,
                      .cells = cells,
                      .n = n,
                      .c = c,
                      .pitch = pitch,
                      .gap = gap,
                      .bf16 = bf16};
    v.bytes = (size_t)(microbatches * cells * cell_step(&v) - gap) * element_size(bf16);
    if (posix_memalign(&v.all, 64, v.bytes + 2 * SLACK) != 0)
        abort();
    memset(v.all, UNTOUCHED, v.bytes + 2 * SLACK);
    v.p = (char *)v.all + SLACK;
    return v;
}

/* Lets a sanitizer see what is read or written outside the first microbatches' cells. */
static void value_guard(const struct value *v, int microbatches)
{
    size_t size = element_size(v->bf16), step = (size_t)cell_step(v) * size;
    size_t used = (size_t)(v->n * v->pitch) * size;
    ASAN_POISON_MEMORY_REGION(v->all, v->bytes + 2 * SLACK);
    for (int i = 0; i < microbatches * v->cells; i++)
        ASAN_UNPOISON_MEMORY_REGION((char *)v->p + (size_t)i * step, used);
}

static void value_open(const struct value *v)
{
    ASAN_UNPOISON_MEMORY_REGION(v->all, v->bytes + 2 * SLACK);
}

static void value_close(struct value *v)
{
    if (!v->all)
        return;
    value_open(v);
    free(v->all);
    v->all = NULL;
}

static float get(const struct value *v, ptrdiff_t at)
{
    return v->bf16 ? bf16_widen(((const uint16_t *)v->p)[at]) : ((const float *)v->p)[at];
}

static void put(const struct value *v, ptrdiff_t at, float f)
{
    if (v->bf16)
        ((uint16_t *)v->p)[at] = bf16_round(f);
    else
        ((float *)v->p)[at] = f;
}

/* Random channels in the first microbatches, 0 where channels pad. */
static void value_fill(const struct value *v, int microbatches)
{
    for (int i = 0; i < microbatches * v->cells * v->n; i++)
        for (int c = 0; c < v->pitch; c++)
            put(v, place(v, 0, i / v->n, i % v->n, c), c < v->c ? random_real(1) : 0);
}

static struct value value_copy(const struct value *v)
{
    struct value w = value_new(v->microbatches, v->cells, v->n, v->c, v->pitch, v->gap, v->bf16);
    memcpy(w.all, v->all, v->bytes + 2 * SLACK);
    return w;
}

static struct value value_widened(const struct value *v, int microbatches)
{
    struct value w = value_new(v->microbatches, v->cells, v->n, v->c, v->pitch, v->gap, false);
    for (int i = 0; i < microbatches * v->cells * v->n; i++)
        for (int c = 0; c < v->pitch; c++) {
            ptrdiff_t at = place(v, 0, i / v->n, i % v->n, c);
            put(&w, at, get(v, at));
        }
    return w;
}

/* Whether padding channels of the first microbatches are 0, and all that is no cell of
 * theirs is as it was. */
static bool value_clean(const struct value *v, int microbatches)
{
    static uint8_t untouched[SLACK];
    memset(untouched, UNTOUCHED, sizeof untouched);
    size_t size = element_size(v->bf16), used = (size_t)(v->n * v->pitch) * size;
    size_t step = (size_t)cell_step(v) * size;
    const char *p = v->p;
    if (memcmp(v->all, untouched, SLACK) != 0 || memcmp(p + v->bytes, untouched, SLACK) != 0)
        return false;
    for (size_t i = 0; i < v->bytes; i++)
        if ((i / step >= (size_t)microbatches * (size_t)v->cells || i % step >= used) &&
            (uint8_t)p[i] != UNTOUCHED)
            return false;
    for (int i = 0; i < microbatches * v->cells * v->n; i++)
        for (int c = v->c; c < v->pitch; c++)
            if (get(v, place(v, 0, i / v->n, i % v->n, c)) != 0)
                return false;
    return true;
}

/* --- a convolution with all it reads --- */

enum addend { ADD_NONE, ADD_APART, ADD_IN_PLACE };
enum mask_type { MASK_NONE, MASK_F32, MASK_BF16 };

struct job {
    struct conv_spec s; /* w and b as below */
    int microbatches;   /* in the call */
    enum addend adding;
    enum mask_type masking;
    float *w, *b;
    struct value x, add, mask;
};

static size_t weights_of(const struct conv_spec *s)
{
    return (size_t)s->oc * (size_t)s->ic * (size_t)conv_taps(s);
}

static struct value output_of(const struct job *j)
{
    const struct conv_spec *s = &j->s;
    return value_new(s->microbatches, s->oh * s->ow, s->n, s->oc, s->op, s->ogap, s->bf16);
}

static void job_fill(struct job *j, bool bias)
{
    struct conv_spec *s = &j->s;
    s->w = j->w = random_reals(weights_of(s), sqrt(1.0 / (s->ic * conv_taps(s))));
    j->b = bias ? random_reals((size_t)s->oc, 1) : NULL;
    s->b = j->b;
    j->x = value_new(s->microbatches, s->ih * s->iw, s->n, s->ic, s->ip, s->igap, s->bf16);
    value_fill(&j->x, j->microbatches);
    if (j->adding) {
        j->add = output_of(j);
        value_fill(&j->add, j->microbatches);
    }
    if (j->masking) {
        j->mask = value_new(s->microbatches, s->oh * s->ow, s->n, s->oc, s->op, s->ogap,
                            j->masking == MASK_BF16);
        value_fill(&j->mask, j->microbatches);
        for (int i = 0; i < j->microbatches * j->mask.cells * s->n; i++)
            for (int c = 0; c < s->oc; c++)
                if (random_int(0, 7) == 0)
                    put(&j->mask, place(&j->mask, 0, i / s->n, i % s->n, c), 0);
    }
}

static void job_close(struct job *j)
{
    free(j->w);
    free(j->b);
    value_close(&j->x);
    value_close(&j->add);
    value_close(&j->mask);
}

/* What a set of kernels makes of it. */
static struct value job_run(const struct job *j, const struct conv_kernels *k, enum conv_form *form)
{
    struct value y = j->adding == ADD_IN_PLACE ? value_copy(&j->add) : output_of(j);
    struct conv c;
    conv_open(&c, &j->s, k);
    *form = c.form;
    memset(c.u, UNTOUCHED, conv_weights(&j->s));
    for (int i = conv_spans(&c) - 1; i >= 0; i--)
        conv_pack(&c, i);
    void *scratch;
    if (posix_memalign(&scratch, 64, c.scratch + 1) != 0)
        abort();
    memset(scratch, UNTOUCHED, c.scratch + 1);
    ASAN_POISON_MEMORY_REGION((char *)scratch + c.scratch, 1);
    const struct conv_call call = {
        .x = j->x.p,
        .add = j->adding == ADD_IN_PLACE ? y.p : j->add.p,
        .mask = j->mask.p,
        .mask_bf16 = j->masking == MASK_BF16,
        .y = y.p,
        .microbatches = j->microbatches,
    };
    value_guard(&j->x, j->microbatches);
    value_guard(&y, j->microbatches);
    if (j->adding == ADD_APART)
        value_guard(&j->add, j->microbatches);
    if (j->masking)
        value_guard(&j->mask, j->microbatches);
    conv_run(&c, &call, scratch);
    value_open(&j->x);
    value_open(&y);
    if (j->adding)
        value_open(&j->add);
    if (j->masking)
        value_open(&j->mask);
    ASAN_UNPOISON_MEMORY_REGION((char *)scratch + c.scratch, 1);
    CHECK(((uint8_t *)scratch)[c.scratch] == UNTOUCHED);
    free(scratch);
    conv_close(&c);
    return y;
}

static void job_print(const struct job *j, const char *what, const char *kernels,
                      enum conv_form form)
{
    static const char *const name[CONV_FORMS] = {"direct", "winograd", "winograd stride 2",
                                                 "tiles"};
    const struct conv_spec *s = &j->s;
    fprintf(stderr,
            "  %s: %s, %s%s, %dx%dx%d (%d) to %dx%dx%d (%d), k %dx%d, stride %dx%d, pad %dx%d, "
            "dilated %dx%d, gaps %d and %d%s%s, "
            "n %d, microbatches %d of %d, add %d, mask %d, bias %d, scale %g\n",
            what, kernels, name[form], s->back ? " back" : "", s->ih, s->iw, s->ic, s->ip, s->oh,
            s->ow, s->oc, s->op, s->y.k, s->x.k, s->y.stride, s->x.stride, s->y.before, s->x.before,
            s->y.gap + 1, s->x.gap + 1, s->igap, s->ogap, s->bf16 ? ", bf16" : "",
            s->relu ? ", relu" : "", s->n, j->microbatches, s->microbatches, j->adding, j->masking,
            s->b != NULL, (double)s->scale);
}

/* --- the same in double --- */

struct reference {
    double *w;    /* (taps, ic, oc) as rounded */
    double *y;    /* (oh * ow, oc) of an image */
    double *size; /* the sum of what was added up, without signs */
    double most;  /* the largest finite `size` */
};

static struct reference reference_new(const struct job *j)
{
    const struct conv_spec *s = &j->s;
    size_t taps = (size_t)conv_taps(s), ic = (size_t)s->ic, oc = (size_t)s->oc;
    size_t cells = (size_t)s->oh * (size_t)s->ow;
    struct reference r = {.w = mem_alloc(taps * ic * oc, sizeof *r.w),
                          .y = mem_alloc(cells * oc, sizeof *r.y),
                          .size = mem_alloc(cells * oc, sizeof *r.size)};
    for (size_t o = 0; o < oc; o++)
        for (size_t i = 0; i < ic; i++)
            for (size_t t = 0; t < taps; t++) {
                float f = s->w[(s->back ? i * oc + o : o * ic + i) * taps + t] * s->scale;
                r.w[(t * ic + i) * oc + o] = (double)(s->bf16 ? bf16_widen(bf16_round(f)) : f);
            }
    return r;
}

static void reference_close(struct reference *r)
{
    free(r->w);
    free(r->y);
    free(r->size);
}

/* One cell's products with one tap's weights. */
static void reference_tap(const struct reference *r, const struct job *j, ptrdiff_t x, int to,
                          int tap)
{
    size_t ic = (size_t)j->s.ic, oc = (size_t)j->s.oc;
    double *y = r->y + (size_t)to * oc, *size = r->size + (size_t)to * oc;
    for (size_t i = 0; i < ic; i++) {
        double a = (double)get(&j->x, x + (ptrdiff_t)i);
        const double *w = r->w + ((size_t)tap * ic + i) * oc;
        for (size_t o = 0; o < oc; o++) {
            double p = a * w[o];
            y[o] += p;
            size[o] += fabs(p);
        }
    }
}

static void reference_run(struct reference *r, const struct job *j, int g, int image)
{
    const struct conv_spec *s = &j->s;
    size_t oc = (size_t)s->oc, all = (size_t)(s->oh * s->ow) * oc;
    memset(r->y, 0, all * sizeof *r->y);
    memset(r->size, 0, all * sizeof *r->size);
    /* The map that the taps move over, and the one that has a cell for each place. */
    int mh = s->back ? s->oh : s->ih, mw = s->back ? s->ow : s->iw;
    int ph = s->back ? s->ih : s->oh, pw = s->back ? s->iw : s->ow;
    for (int y = 0; y < ph; y++)
        for (int x = 0; x < pw; x++)
            for (int t = 0; t < conv_taps(s); t++) {
                int my = y * s->y.stride - s->y.before + t / s->x.k * (s->y.gap + 1),
                    mx = x * s->x.stride - s->x.before + t % s->x.k * (s->x.gap + 1);
                if (my < 0 || my >= mh || mx < 0 || mx >= mw)
                    continue;
                int at_place = y * pw + x, at_map = my * mw + mx;
                int from = s->back ? at_place : at_map, to = s->back ? at_map : at_place;
                reference_tap(r, j, place(&j->x, g, from, image, 0), to, t);
            }
    r->most = 0;
    for (size_t i = 0; i < all; i++) {
        ptrdiff_t at = 0;
        if (j->adding || j->masking)
            at = place(j->adding ? &j->add : &j->mask, g, (int)(i / oc), image, (int)(i % oc));
        double bias = s->b ? (double)s->b[i % oc] : 0;
        double add = j->adding ? (double)get(&j->add, at) : 0, sum = r->y[i] + bias + add;
        r->size[i] += fabs(bias) + fabs(add);
        if (isfinite(r->size[i]) && r->size[i] > r->most)
            r->most = r->size[i];
        if (s->relu && sum < 0)
            sum = 0;
        if (j->masking && !(get(&j->mask, at) > 0))
            sum = 0;
        r->y[i] = sum;
    }
}

/* --- comparing --- */

/* Of the sums' size without signs; Winograd's errors are those of the largest sum. */
static double tolerance_of(enum conv_form f, const struct reference *r, size_t i)
{
    static const double tolerance[CONV_FORMS] = {
        [CONV_DIRECT] = 1e-6, [CONV_WINO] = 5e-6, [CONV_WINO_STRIDE2] = 2e-6, [CONV_TILES] = 1e-6};
    bool own = (f == CONV_DIRECT || f == CONV_TILES) && isfinite(r->size[i]);
    return tolerance[f] * (own ? r->size[i] : r->most);
}

static double worst[CONV_FORMS]; /* error over what is allowed, f32 */

/* One image of a result. `spread`: whether an output may be anything, or NULL. */
static bool image_right(const struct job *j, const struct value *y, enum conv_form f,
                        const struct reference *r, int g, int image, double absolute,
                        bool (*spread)(const struct job *, enum conv_form, int cell, int c))
{
    const struct conv_spec *s = &j->s;
    for (int cell = 0; cell < s->oh * s->ow; cell++)
        for (int c = 0; c < s->oc; c++) {
            size_t i = (size_t)cell * (size_t)s->oc + (size_t)c;
            double want = r->y[i], found = (double)get(y, place(y, g, cell, image, c));
            bool any = spread && spread(j, f, cell, c);
            bool right;
            if (isfinite(want)) {
                double allowed = tolerance_of(f, r, i) + absolute, far = fabs(found - want);
                if (!s->bf16 && !any && allowed > 0 && far / allowed > worst[f])
                    worst[f] = far / allowed;
                if (s->bf16)
                    allowed += fabs(want) / 256;
                right = any || far <= allowed;
            } else {
                right = isnan(want) ? isnan(found) : !isfinite(found);
            }
            if (!right) {
                fprintf(stderr, "  cell %d,%d channel %d image %d microbatch %d: %g, expected %g\n",
                        cell / s->ow, cell % s->ow, c, image, g, found, want);
                return false;
            }
        }
    return true;
}

static bool same_bytes(const struct value *a, const struct value *b)
{
    return memcmp(a->all, b->all, a->bytes + 2 * SLACK) == 0;
}

/* --- random convolutions --- */

static int form_count[CONV_FORMS][2];

static int pick(const int *of, int n)
{
    return of[random_int(0, n - 1)];
}
#define PICK(...) pick((const int[]){__VA_ARGS__}, (int)(sizeof(int[]){__VA_ARGS__} / sizeof(int)))

/* Cells that a window spans less those of the padding: what an axis needs at least. */
static int least_of(const struct graph_axis *a)
{
    return (a->k - 1) * (a->gap + 1) + 1 - a->before - a->after;
}

static int outputs(int inputs, const struct graph_axis *a)
{
    return (inputs - least_of(a)) / a->stride + 1;
}

static int64_t work_most = 24000000; /* multiply-accumulates of a round */

static int64_t work_of(const struct job *j)
{
    return conv_macs(&j->s) * j->s.n * j->microbatches;
}

static int pitch_of(int channels, int multiple)
{
    return (channels + multiple - 1) / multiple * multiple;
}

/* The shape from the map's size, kernel and channels. */
static void job_shape(struct job *j, int h, int w, int ic, int oc, int multiple)
{
    struct conv_spec *s = &j->s;
    int oh = outputs(h, &s->y), ow = outputs(w, &s->x);
    s->ih = s->back ? oh : h;
    s->iw = s->back ? ow : w;
    s->oh = s->back ? h : oh;
    s->ow = s->back ? w : ow;
    s->ic = ic;
    s->oc = oc;
    s->ip = pitch_of(ic, multiple);
    s->op = pitch_of(oc, multiple);
}

/* Kinds of rounds; what is computed by tiles is one of its own. */
enum kind { ANY, SMALL, SMALL_BACK, WINO2, WINO4, STRIDE2, DIRECT_BACK, TILES, KINDS };

static int channels_of(enum kind kind)
{
    if (kind == WINO2 || kind == STRIDE2)
        return PICK(48, 64, 70, 80, 96, 100, 112, 128, 144);
    if (kind == WINO4)
        return PICK(10, 16, 17, 32, 33, 40, 48, 64, 70, 80, 100, 128);
    return PICK(1, 2, 3, 5, 16, 16, 17, 20, 32, 33, 48, 64, 65, 70, 80, 100, 128);
}

static void random_shape(struct job *j, enum kind kind)
{
    struct conv_spec *s = &j->s;
    int h = random_int(1, 40), w = random_int(1, 40);
    s->y = graph_windows(3, kind == STRIDE2 ? 2 : 1, 1);
    if (kind == ANY || kind == DIRECT_BACK || kind == TILES) {
        s->y.k = PICK(1, 1, 2, 3, 3, 3, 5, 7, 15);
        s->y.stride = PICK(1, 1, 2, 2, 3);
        s->y.before = s->y.after = random_int(0, 3) ? s->y.k / 2 : 0;
    }
    if (kind == SMALL || kind == SMALL_BACK)
        s->y.stride = kind == SMALL_BACK ? 1 : PICK(1, 2);
    s->x = s->y;
    if ((kind == ANY || kind == DIRECT_BACK || kind == TILES) && random_int(0, 2) == 0) {
        /* Windows that are not square, with holes and uneven ends. */
        s->y.gap = PICK(0, 1, 2);
        s->x = graph_windows(PICK(1, 2, 3, 5, 9), PICK(1, 2, 3), 1);
        s->x.gap = PICK(0, 0, 1);
        s->x.after = PICK(0, 1, 2);
    }
    if (kind == SMALL || kind == SMALL_BACK || kind == WINO2) {
        h = PICK(1, 2, 2, 3, 4, 5, 6, 7, 8, 9);
        w = kind == WINO2 ? PICK(2, 4, 5, 6, 9, 10) : PICK(1, 2, 3, 4, 5, 6, 8, 11, 12);
        if (kind == WINO2)
            h = PICK(2, 5, 6);
    }
    if (kind == STRIDE2) {
        h = random_int(7, 26);
        w = random_int(7, 26);
    }
    s->back = kind == SMALL_BACK || kind == DIRECT_BACK ||
              ((kind == WINO2 || kind == WINO4) && random_int(0, 2) == 0);
    s->exact = kind != TILES && random_int(0, kind == WINO2 || kind == STRIDE2 ? 9 : 5) == 0;
    s->tiles = kind == TILES;
    s->bf16 = s->tiles || (!s->back && random_int(0, 2) == 0);
    /* Pitches of 32 also where other kernels read what tiles have written. */
    int multiple = s->tiles || random_int(0, 4) == 0 ? CONV_TILE_PITCH : CONV_PITCH;
    s->igap = s->tiles ? CONV_TILE_GAP : PICK(CONV_GAP, CONV_GAP, CONV_TILE_GAP, 0);
    s->ogap = s->tiles || s->ih % 3 ? s->igap : CONV_GAP - s->igap % CONV_TILE_GAP;
    s->n = PICK(1, 2, 2, 3, 4, 8, 16, 16, 16);
    s->microbatches = random_int(1, 3);
    j->microbatches = random_int(1, s->microbatches);
    int least_h = least_of(&s->y), least_w = least_of(&s->x);
    h = h < least_h ? least_h : h;
    w = w < least_w ? least_w : w;
    for (;;) {
        job_shape(j, h, w, channels_of(kind), channels_of(kind), multiple);
        if (work_of(j) <= work_most)
            return;
        int turn = random_int(0, 5);
        if (turn == 0 && s->n > 1)
            s->n /= 2;
        else if (turn == 1 && s->microbatches > 1)
            j->microbatches = random_int(1, --s->microbatches);
        else if (kind == WINO4 && h > 12 && w > 12)
            *(turn % 2 ? &h : &w) -= 3;
        else if (kind != WINO2 && h > least_h && w > least_w && (h > 3 || w > 3))
            *(h > w ? &h : &w) -= 1;
        else if (s->n > 1)
            s->n--;
    }
}

static void random_job(struct job *j, enum kind kind)
{
    *j = (struct job){.microbatches = 1};
    random_shape(j, kind);
    struct conv_spec *s = &j->s;
    s->relu = random_int(0, 2) == 0;
    s->scale = random_int(0, 2) ? 1 : 0.3F;
    j->adding = (enum addend)random_int(ADD_NONE, ADD_IN_PLACE);
    j->masking = random_int(0, 2) ? MASK_NONE : (enum mask_type)random_int(MASK_F32, MASK_BF16);
    job_fill(j, random_int(0, 3) != 0);
}

/* The kernels for a job. */
static int sets_of(const struct job *j, const struct conv_kernels *const **k)
{
    *k = j->s.tiles ? tiles : set;
    return j->s.tiles ? tile_sets : sets;
}

/* Some images of each microbatch, among them the first and the last. */
static bool images_right(const struct job *j, const struct value *y, int ys, enum conv_form f,
                         double absolute, const struct conv_kernels *const *k)
{
    struct reference r = reference_new(j);
    int64_t each = conv_macs(&j->s);
    bool all = work_of(j) < 4000000, right = true;
    for (int g = 0; g < j->microbatches; g++)
        for (int n = 0; n < j->s.n; n++) {
            if (!all && n != (g ? j->s.n - 1 : 0) && random_int(0, (int)(each / 200000 + 3)) != 0)
                continue;
            reference_run(&r, j, g, n);
            for (int i = 0; i < ys; i++)
                if (!image_right(j, &y[i], f, &r, g, n, absolute, NULL)) {
                    job_print(j, "not what it is in double", k[i]->name, f);
                    right = false;
                }
        }
    reference_close(&r);
    return right;
}

/* A result in bf16 is that of the same values as f32, rounded. */
static bool bf16_is_rounded(const struct job *j, const struct value *y,
                            const struct conv_kernels *k)
{
    const struct conv_spec *s = &j->s;
    struct job wide = *j;
    enum conv_form form;
    wide.s.bf16 = false;
    wide.s.scale = 1;
    wide.s.w = wide.w = mem_alloc(weights_of(s), sizeof *wide.w);
    for (size_t i = 0; i < weights_of(s); i++)
        wide.w[i] = bf16_widen(bf16_round(s->w[i] * s->scale));
    wide.x = value_widened(&j->x, j->microbatches);
    if (j->adding)
        wide.add = value_widened(&j->add, j->microbatches);
    struct value f = job_run(&wide, k, &form);
    bool right = true;
    for (int i = 0; right && i < j->microbatches * y->cells * s->n; i++)
        for (int c = 0; right && c < s->op; c++) {
            ptrdiff_t at = place(y, 0, i / s->n, i % s->n, c);
            right = ((uint16_t *)y->p)[at] == bf16_round(((float *)f.p)[at]);
        }
    value_close(&f);
    value_close(&wide.x);
    if (j->adding)
        value_close(&wide.add);
    free(wide.w);
    return right;
}

/* All sets: right, clean, and the same but for `plain`. */
static void job_check(const struct job *j, double absolute)
{
    const struct conv_kernels *const *k;
    int n = sets_of(j, &k);
    struct value y[ISA_SETS];
    enum conv_form form = CONV_DIRECT;
    for (int i = 0; i < n; i++) {
        y[i] = job_run(j, k[i], &form);
        bool clean = value_clean(&y[i], j->microbatches);
        CHECK(clean);
        if (!clean)
            job_print(j, "writes outside, or padding that is not 0", k[i]->name, form);
        if (j->s.bf16 && !j->s.tiles) {
            bool rounded = bf16_is_rounded(j, &y[i], k[i]);
            CHECK(rounded);
            if (!rounded)
                job_print(j, "is not f32 rounded", k[i]->name, form);
        }
        bool same = i == 0 || k[i] == &conv_plain || j->s.tiles || same_bytes(&y[0], &y[i]);
        CHECK(same);
        if (!same)
            job_print(j, "not the bits of the first", k[i]->name, form);
    }
    CHECK((form == CONV_TILES) == j->s.tiles);
    CHECK(!j->s.exact || j->s.tiles || form == CONV_DIRECT);
    form_count[form][j->s.bf16]++;
    CHECK(images_right(j, y, n, form, absolute, k));
    for (int i = 0; i < n; i++)
        value_close(&y[i]);
}

static void check_random(int rounds)
{
    unsigned mode = float_mode();
    for (int i = 0; i < rounds; i++) {
        struct job j;
        random_state = (uint64_t)i + 1;
        if (i / KINDS % 2)
            isa_thread();
        random_job(&j, (enum kind)(i % KINDS));
        job_check(&j, 0);
        job_close(&j);
        float_mode_set(mode);
    }
}

/* Layers of residual networks, whose channels fill many spans and chunks, large patches of few
 * channels, and inputs so many that their weights go in parts. */
static void check_layers(void)
{
    static const struct {
        int h, w, ic, oc, k, stride, n, microbatches;
        bool back, exact;
    } layer[] = {
        {32, 32, 3, 64, 3, 1, 2, 1, false, false},    {32, 31, 64, 64, 3, 1, 1, 1, false, false},
        {16, 16, 128, 128, 3, 1, 1, 2, false, false}, {9, 8, 256, 256, 3, 1, 2, 1, false, false},
        {4, 4, 512, 512, 3, 1, 3, 1, false, false},   {4, 4, 512, 512, 3, 1, 3, 1, true, false},
        {2, 2, 400, 400, 3, 1, 16, 2, false, false},  {8, 8, 256, 512, 3, 2, 3, 1, false, false},
        {8, 8, 256, 512, 1, 2, 16, 1, false, false},  {8, 8, 256, 130, 3, 2, 2, 1, true, false},
        {9, 12, 64, 48, 3, 2, 7, 3, false, false},    {2, 6, 64, 70, 3, 1, 7, 3, false, false},
        {7, 5, 33, 65, 3, 1, 7, 3, false, false},     {7, 5, 33, 65, 3, 2, 7, 3, true, false},
        {4, 4, 160, 272, 3, 1, 2, 2, false, true},    {1, 1, 512, 100, 1, 1, 16, 3, false, false},
        {48, 40, 3, 272, 16, 16, 2, 2, false, false}, {64, 64, 2, 160, 16, 4, 1, 2, false, false},
        {1, 1, 16400, 40, 1, 1, 3, 3, false, false},
    };
    int n = (int)(sizeof layer / sizeof *layer);
    for (int i = 0; i < n; i++)
        for (int bf16 = 0; bf16 < 2; bf16++) {
            struct job j = {.microbatches = layer[i].microbatches};
            if (bf16 && layer[i].back)
                continue;
            const struct graph_axis a = graph_windows(layer[i].k, layer[i].stride, layer[i].k / 2);
            j.s = (struct conv_spec){.y = a,
                                     .x = a,
                                     .back = layer[i].back,
                                     .exact = layer[i].exact,
                                     .bf16 = bf16,
                                     .igap = CONV_GAP,
                                     .ogap = CONV_GAP,
                                     .n = layer[i].n,
                                     .microbatches = layer[i].microbatches,
                                     .scale = 1};
            job_shape(&j, layer[i].h, layer[i].w, layer[i].ic, layer[i].oc, CONV_PITCH);
            job_fill(&j, true);
            job_check(&j, 0);
            job_close(&j);
        }
}

/* --- NaN and infinity --- */

static struct {
    enum { IN_X, IN_W, IN_B, IN_ADD } where;
    int g, image, cell, c;
} poison;

/* Whether an output's tile reads an input. */
static bool in_tile(const struct conv_cut *cut, int output, int input)
{
    for (int i = cut->count - 1, first; i >= 0; i--) {
        const struct conv_size *z = &conv_sizes(cut->stride)[conv_tile(cut, i, &first)];
        const int from = first * cut->stride - 1;
        if (output >= first)
            return input >= from && input < from + z->in;
    }
    return false;
}

/* Whether what is not finite may be passed on to an output of the poisoned image that does
 * not depend on it: by Winograd within its tile; within its channel if it is a weight, which
 * matrix tiles too multiply by the zeros around a map. */
static bool may_spread(const struct job *j, enum conv_form f, int cell, int c)
{
    const struct conv_spec *s = &j->s;
    if (f == CONV_DIRECT)
        return false;
    if (poison.where == IN_X && f == CONV_TILES)
        return false;
    if (poison.where == IN_X) {
        struct conv_cut down, across;
        conv_cuts(s, &down, &across);
        return in_tile(&down, cell / s->ow, poison.cell / s->iw) &&
               in_tile(&across, cell % s->ow, poison.cell % s->iw);
    }
    return poison.where == IN_W && c == poison.c;
}

static void check_poisoned(const struct job *j)
{
    const struct conv_kernels *const *k;
    int n = sets_of(j, &k);
    struct value y[ISA_SETS];
    enum conv_form form = CONV_DIRECT;
    struct reference r = reference_new(j);
    for (int i = 0; i < n; i++)
        y[i] = job_run(j, k[i], &form);
    for (int g = 0; g < j->microbatches; g++)
        for (int image = 0; image < j->s.n; image++) {
            bool here = poison.where == IN_W || (g == poison.g && image == poison.image);
            reference_run(&r, j, g, image);
            for (int i = 0; i < n; i++) {
                bool right = image_right(j, &y[i], form, &r, g, image, 0, here ? may_spread : NULL);
                CHECK(right);
                if (!right) {
                    fprintf(stderr,
                            "  poisoned: %d, cell %d, channel %d, image %d, microbatch %d\n",
                            (int)poison.where, poison.cell, poison.c, poison.image, poison.g);
                    job_print(j, "NaN and infinity", k[i]->name, form);
                }
            }
        }
    reference_close(&r);
    for (int i = 0; i < n; i++)
        value_close(&y[i]);
}

/* NaN with a payload in the lower half alone is none any more if it is cut off. */
static float strange(int i)
{
    static const uint32_t bits[] = {0x7fc00000, 0x7f800000, 0xff800000, 0x7f800001, 0xffc00001};
    float f;
    memcpy(&f, &bits[i % 5], sizeof f);
    return f;
}

static void check_not_finite(int rounds)
{
    for (int i = 0; i < rounds; i++) {
        struct job j;
        random_state = (uint64_t)i + 1001;
        do {
            random_job(&j, (enum kind)(i % KINDS));
            if (work_of(&j) <= 2000000)
                break;
            job_close(&j);
        } while (true);
        const struct conv_spec *s = &j.s;
        poison.where = i / KINDS % 4;
        poison.g = random_int(0, j.microbatches - 1);
        poison.image = random_int(0, s->n - 1);
        if (poison.where == IN_ADD && !j.adding)
            poison.where = IN_X;
        if (poison.where == IN_B && !s->b)
            poison.where = IN_W;
        float f = strange(random_int(0, 4));
        if (poison.where == IN_X) {
            poison.cell = random_int(0, s->ih * s->iw - 1);
            poison.c = random_int(0, s->ic - 1);
            put(&j.x, place(&j.x, poison.g, poison.cell, poison.image, poison.c), f);
        } else if (poison.where == IN_W) {
            size_t at = random_bits() % weights_of(s), taps = (size_t)conv_taps(s);
            j.w[at] = f;
            poison.c = (int)(s->back ? at / taps % (size_t)s->oc : at / taps / (size_t)s->ic);
        } else if (poison.where == IN_B) {
            j.b[random_int(0, s->oc - 1)] = f;
        } else {
            poison.cell = random_int(0, s->oh * s->ow - 1);
            poison.c = random_int(0, s->oc - 1);
            put(&j.add, place(&j.add, poison.g, poison.cell, poison.image, poison.c), f);
        }
        check_poisoned(&j);
        /* Nothing of it shows where the mask is NaN, and infinity is positive. */
        for (int m = 0; j.masking && m < 20; m++)
            put(&j.mask,
                place(&j.mask, random_int(0, j.microbatches - 1), random_int(0, s->oh * s->ow - 1),
                      random_int(0, s->n - 1), random_int(0, s->oc - 1)),
                strange(m));
        check_poisoned(&j);
        job_close(&j);
    }
}

/* ReLU and mask alone: x through a weight of 1, and the other way. */
static void check_signs(void)
{
    static const float v[] = {NAN, INFINITY, -INFINITY, 0.0F, -0.0F, 1, -1, 3e38F, -3e38F};
    enum { COUNT = sizeof v / sizeof *v, CHANNELS = COUNT * COUNT };
    for (int bf16 = 0; bf16 < 2; bf16++)
        for (int mask = MASK_NONE; mask <= MASK_BF16; mask++)
            for (int relu = 0; relu < 2; relu++)
                for (int s = 0; s < sets; s++) {
                    struct job j = {.microbatches = 1, .masking = (enum mask_type)mask};
                    j.s = (struct conv_spec){.y = graph_windows(1, 1, 0),
                                             .x = graph_windows(1, 1, 0),
                                             .relu = relu,
                                             .bf16 = bf16,
                                             .n = 1,
                                             .microbatches = 1};
                    j.s.scale = 1;
                    job_shape(&j, 1, 1, 1, CHANNELS, CONV_PITCH);
                    job_fill(&j, true);
                    put(&j.x, 0, 0);
                    for (int c = 0; c < CHANNELS; c++) {
                        j.b[c] = v[c % COUNT];
                        if (mask)
                            put(&j.mask, c, v[c / COUNT]);
                    }
                    enum conv_form form;
                    struct value y = job_run(&j, set[s], &form);
                    for (int c = 0; c < CHANNELS; c++) {
                        float want = v[c % COUNT], found = get(&y, c);
                        if (relu && want < 0)
                            want = 0;
                        if (mask && !(v[c / COUNT] > 0))
                            want = 0;
                        if (bf16)
                            want = bf16_widen(bf16_round(want));
                        CHECK(isnan(want) ? isnan(found) : found == want);
                    }
                    value_close(&y);
                    job_close(&j);
                }
}

/* --- denormals --- */

static void shrink(float *p, size_t n, bool all)
{
    for (size_t i = 0; i < n; i++)
        if (all || random_int(0, 2) == 0)
            p[i] *= 1e-40F;
}

static void check_denormals(int rounds)
{
    unsigned mode = float_mode();
    for (int i = 0; i < rounds; i++) {
        struct job j;
        random_state = (uint64_t)i + 2001;
        do {
            random_job(&j, (enum kind)(i % KINDS));
            if (!j.s.bf16 && work_of(&j) <= 4000000)
                break;
            job_close(&j);
            random_state += (uint64_t)i;
            if (i % KINDS == TILES)
                i++;
        } while (true);
        int what = random_int(1, 7), all = random_int(0, 1);
        size_t in = (size_t)(j.microbatches * j.x.cells * cell_step(&j.x) - j.x.gap);
        if (what & 1)
            shrink(j.x.p, in, all);
        if (what & 2)
            shrink(j.w, weights_of(&j.s), all);
        if (what & 4 && j.s.b)
            shrink(j.b, (size_t)j.s.oc, all);
        job_check(&j, 1e-34);
        isa_thread();
        job_check(&j, 1e-34);
        float_mode_set(mode);
        job_close(&j);
    }
    isa_thread();
    bool flushes = float_mode() != mode; /* not under valgrind */
    float_mode_set(mode);
    if (!flushes)
        return;
    volatile float tiny = 1e-40F, least = 1e-38F;
    isa_thread();
    CHECK(tiny * 1e10F == 0);  /* taken as 0 */
    CHECK(least * 1e-2F == 0); /* made 0 */
    float_mode_set(mode);
    CHECK(tiny * 1e10F > 0 && least * 1e-2F > 0);
}

/* --- rounding to bf16 --- */

static uint32_t bits_of(float f)
{
    uint32_t u;
    memcpy(&u, &f, sizeof u);
    return u;
}

static float of_bits(uint32_t u)
{
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}

static void check_bf16(void)
{
    static const struct {
        uint32_t f32;
        uint16_t bf16;
    } known[] = {
        {0x00000000, 0x0000}, {0x80000000, 0x8000}, {0x3f800000, 0x3f80}, {0x3f808000, 0x3f80},
        {0x3f808001, 0x3f81}, {0x3f818000, 0x3f82}, {0x3f817fff, 0x3f81}, {0x3f7fffff, 0x3f80},
        {0xbf808000, 0xbf80}, {0xbf818000, 0xbf82}, {0x7f7f7fff, 0x7f7f}, {0x7f7f8000, 0x7f80},
        {0x7f7fffff, 0x7f80}, {0xff7fffff, 0xff80}, {0x7f800000, 0x7f80}, {0xff800000, 0xff80},
        {0x7f800001, 0x7fc0}, {0xff800001, 0x7fc0}, {0x7fffffff, 0x7fc0}, {0xffffffff, 0x7fc0},
        {0x7fc00000, 0x7fc0}, {0x7f808000, 0x7fc0}, {0x00000001, 0x0000}, {0x00008000, 0x0000},
        {0x00008001, 0x0001}, {0x00018000, 0x0002}, {0x007fffff, 0x0080}, {0x807fffff, 0x8080},
        {0x80008001, 0x8001},
    };
    enum { KNOWN = sizeof known / sizeof *known, CHANNELS = 2000 };
    for (int i = 0; i < KNOWN; i++)
        CHECK(bf16_round(of_bits(known[i].f32)) == known[i].bf16);
    for (uint32_t u = 0; u < 0x10000; u++)
        CHECK(bf16_round(bf16_widen((uint16_t)u)) == (isnan(bf16_widen((uint16_t)u)) ? 0x7fc0 : u));

    /* The bias of a sum of 0 is what is rounded. */
    unsigned mode = float_mode();
    for (int flush = 0; flush < 2; flush++)
        for (int tile = 0; tile < 2; tile++) {
            struct job j = {.microbatches = 1};
            const struct conv_kernels *const *k;
            j.s = (struct conv_spec){.y = graph_windows(1, 1, 0),
                                     .x = graph_windows(1, 1, 0),
                                     .bf16 = true,
                                     .tiles = tile,
                                     .n = 1,
                                     .microbatches = 1,
                                     .scale = 1};
            job_shape(&j, 1, 1, 1, CHANNELS, CONV_TILE_PITCH);
            job_fill(&j, true);
            put(&j.x, 0, 0);
            for (int c = 0; c < CHANNELS; c++)
                j.b[c] = of_bits(c < KNOWN ? known[c].f32 : random_bits());
            for (int c = CHANNELS / 2; c < CHANNELS; c++) /* near ties */
                j.b[c] = of_bits((random_bits() & 0xffff0000) | (0x7fffU + random_bits() % 3));
            if (flush)
                isa_thread();
            int n = sets_of(&j, &k);
            for (int i = 0; i < n; i++) {
                enum conv_form form;
                struct value y = job_run(&j, k[i], &form);
                int wrong = 0;
                for (int c = 0; c < CHANNELS; c++) {
                    volatile float b = j.b[c];
                    uint16_t found = ((uint16_t *)y.p)[c], want = bf16_round(b + 0.0F);
                    if (found != want && !wrong++)
                        fprintf(stderr, "  %s: %08x rounds to %04x, expected %04x\n", k[i]->name,
                                (unsigned)bits_of(j.b[c]), found, want);
                }
                CHECK(!wrong);
                value_close(&y);
            }
            float_mode_set(mode);
            job_close(&j);
        }
}

/* conv [ROUNDS]: fewer where a round takes long. */
int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 400;
    if (rounds < 400)
        work_most = 2000000;
    find_sets();
    check_bf16();
    check_signs();
    check_random(rounds);
    check_not_finite(rounds / 2);
    check_denormals(rounds / 8);
    if (rounds >= 400)
        check_layers();
    for (int f = 0; f < CONV_FORMS && rounds >= 400; f++) {
        CHECK(f == CONV_TILES || form_count[f][0] >= 20);
        CHECK(form_count[f][1] >= 5);
    }
    if (argc > 2)
        for (int f = 0; f < CONV_FORMS; f++)
            printf("form %d: %d and %d, %.2g of what is allowed\n", f, form_count[f][0],
                   form_count[f][1], worst[f]);
    return CHECK_DONE();
}
