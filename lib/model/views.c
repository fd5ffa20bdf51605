#include "model/views.h"

#include "base/mem.h"
#include "model/score.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SHIFTS = 4, COLOURS = 3 };

const char *views_word(enum views set)
{
#define VIEWS_NAME(id, word, count) #word,
    static const char *const words[] = {VIEWS(VIEWS_NAME)};
#undef VIEWS_NAME

    return words[set];
}

int views_count(enum views set)
{
#define VIEWS_COUNT(id, word, count) count,
    static const int counts[] = {VIEWS(VIEWS_COUNT)};
#undef VIEWS_COUNT

    return counts[set];
}

static int clamp(int i, int n)
{
    return i < 0 ? 0 : i < n ? i : n - 1;
}

/* What a view does to an image: pixel (y, x) of the view is (y + down, x + across) of the image,
 * which may be mirrored. */
struct way {
    int down, across;
    bool mirror;
};

static struct way way_of(enum views set, int i)
{
    static const int down[SHIFTS] = {-1, 1, 0, 0}, across[SHIFTS] = {0, 0, -1, 1};
    const bool shift = set == VIEWS_SHIFTS && i > 0;

    return (struct way){shift ? down[i - 1] : 0, shift ? across[i - 1] : 0,
                        set == VIEWS_MIRROR && i > 0};
}

void views_make(enum views set, int i, const uint8_t *image, int h, int w, uint8_t *view)
{
    const struct way a = way_of(set, i);

    if (i == 0) {
        memcpy(view, image, COLOURS * (size_t)h * (size_t)w);
        return;
    }
    for (int c = 0; c < COLOURS; c++, image += (size_t)h * (size_t)w)
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++)
                *view++ = image[(size_t)clamp(y + a.down, h) * (size_t)w +
                                (size_t)(a.mirror ? w - 1 - x : clamp(x + a.across, w))];
}

bool views_place(enum views set, int i, int h, int w, int *y, int *x)
{
    const struct way a = way_of(set, i);

    *y -= a.down;
    *x = a.mirror ? w - 1 - *x : *x - a.across;
    return *y >= 0 && *y < h && *x >= 0 && *x < w;
}

void views_open(struct views_sum *s, enum views set, int classes)
{
    size_t n = (size_t)classes;

    *s = (struct views_sum){.classes = classes, .views = views_count(set)};
    s->sum = mem_alloc(n, sizeof *s->sum);
    s->logits = mem_alloc(n, sizeof *s->logits);
    s->each = mem_alloc(n * (size_t)s->views, sizeof *s->each);
}

void views_close(struct views_sum *s)
{
    free(s->sum);
    free(s->logits);
    free(s->each);
}

bool views_add(struct views_sum *s, const float *logits)
{
    const size_t n = (size_t)s->classes;

    if (s->held == s->views)
        s->held = 0;
    memcpy(s->each + (size_t)s->held * n, logits, n * sizeof *logits);
    for (size_t c = 0; c < n; c++)
        s->sum[c] = (s->held ? s->sum[c] : 0) + logits[c];
    if (++s->held < s->views)
        return false;
    for (size_t c = 0; c < n; c++)
        s->logits[c] = (float)(s->sum[c] / s->views);
    return true;
}

void views_agree(const struct views_sum *s, int pred, double temperature, struct views_agreement *a)
{
    const float *logits = s->each;
    int same = 0;

    a->least = 1;
    for (int i = 0; i < s->views; i++, logits += s->classes) {
        struct score one;
        score_logits(&one, logits, s->classes, pred, temperature);
        same += one.top[0] == pred;
        a->least = one.p_true < a->least ? one.p_true : a->least;
    }
    a->share = (double)same / s->views;
}
