#include "faith/stage.h"

#include "base/io.h"
#include "base/mem.h"
#include "cam/cam.h"
#include "model/score.h"
#include "stats/prediction.h"

#include <math.h>
#include <stdlib.h>

/* How far the biases of two images may differ, in parts of the largest logit: half precision
 * rounds by a thousandth, and images that do not belong together differ by more than 1. */
#define STAGE_TOLERANCE 0.02

struct stage {
    const struct stage_opts *opts;
    struct items *maps, *logits; /* logits: or NULL */
    int classes, cells, h, w;
    float *b;   /* [classes] the biases; those of the first image where they are not given */
    bool known; /* whether b is set */
    float *sum; /* [classes] logits from maps and biases */
};

static int open_all(struct stage *s, struct err *e)
{
    const struct stage_opts *o = s->opts;
    const int64_t any[] = {-1, -1, -1};

    if (items_open(&s->maps, o->class_maps, 3, any, e) != 0)
        return -1;
    const int64_t *shape = items_item(s->maps)->shape;
    if (shape[0] > STATS_CLASSES)
        return err_set(e, "%s: expected at most %d classes, found %lld", items_name(s->maps),
                       STATS_CLASSES, (long long)shape[0]);
    s->classes = (int)shape[0];
    s->h = (int)shape[1];
    s->w = (int)shape[2];
    s->cells = s->h * s->w;
    if (o->ids && items_match(s->maps, o->ids_name, ids_count(o->ids), e) != 0)
        return -1;
    s->sum = mem_alloc((size_t)s->classes, sizeof *s->sum);
    if (o->biases) {
        s->known = true;
        return items_load_layer(&s->b, o->biases, 0, &s->classes, STATS_CLASSES, e);
    }
    s->b = mem_zero((size_t)s->classes, sizeof *s->b);
    if (!o->logits)
        return 0;
    return items_open(&s->logits, o->logits, 1, shape, e) != 0
               ? -1
               : items_match(s->maps, o->logits, items_count(s->logits), e);
}

int stage_open(struct stage **out, const struct stage_opts *o, struct err *e)
{
    struct stage *s = mem_zero(1, sizeof *s);

    s->opts = o;
    if (open_all(s, e) != 0) {
        stage_close(s);
        return -1;
    }
    *out = s;
    return 0;
}

void stage_close(struct stage *s)
{
    if (!s)
        return;
    items_close(s->maps);
    items_close(s->logits);
    free(s->b);
    free(s->sum);
    free(s);
}

int stage_classes(const struct stage *s)
{
    return s->classes;
}

void stage_grid(const struct stage *s, int *h, int *w)
{
    *h = s->h;
    *w = s->w;
}

/* By how much logits that are the same may differ. */
static double slack_of(const float *logits, int classes)
{
    return STAGE_TOLERANCE * fmax(1, fabs((double)logits[score_best(logits, classes)]));
}

/* Compares logits with the sums of the maps. */
static int check_logits(struct stage *s, const float *logits, struct err *e)
{
    double most = 0;

    for (int c = 0; c < s->classes; c++) {
        float b = logits[c] - s->sum[c];
        if (!s->known)
            s->b[c] = b;
        most = fmax(most, fabs((double)b - s->b[c]));
    }
    s->known = true;
    if (most <= slack_of(logits, s->classes))
        return 0;
    return err_set(e,
                   "expected logits in %s that belong to the maps in %s, found a bias of a "
                   "class that differs by %.3g from that of another image",
                   items_name(s->logits), items_name(s->maps), most);
}

/* The logits of item `index`, whose maps these are; NULL without an error where they are not known.
 */
static int find_logits(struct stage *s, int64_t index, const float *maps, const float **logits,
                       struct err *e)
{
    *logits = NULL;
    if (!s->logits && !s->known)
        return 0;
    for (int c = 0; c < s->classes; c++)
        s->sum[c] = (float)cam_sum(maps + (size_t)c * (size_t)s->cells, s->cells);
    if (s->logits)
        return (*logits = items_get(s->logits, index, e)) ? check_logits(s, *logits, e) : -1;
    for (int c = 0; c < s->classes; c++)
        s->sum[c] += s->b[c];
    *logits = s->sum;
    return 0;
}

int stage_get(struct stage *s, int64_t id, int pred, const float **maps, const float **logits,
              struct err *e)
{
    const int64_t index = ids_find(s->opts->ids, id);

    if (index < 0)
        return err_set(e, "expected one of the ids in %s, found none", io_name(s->opts->ids_name));
    if (!(*maps = items_get(s->maps, index, e)) || find_logits(s, index, *maps, logits, e) != 0)
        return -1;
    if (pred < 0 || !*logits)
        return 0;
    const int best = score_best(*logits, s->classes);
    if ((*logits)[best] - (*logits)[pred] <= slack_of(*logits, s->classes))
        return 0;
    return err_set(e,
                   "expected the highest logit in %s for the predicted class %d, found it for %d",
                   items_name(s->logits ? s->logits : s->maps), pred, best);
}

int stage_end(struct stage *s, struct err *e)
{
    const struct stage_opts *o = s->opts;

    if (items_drain(s->maps, e) != 0 || (s->logits && items_drain(s->logits, e) != 0) ||
        (o->ids && items_match(s->maps, o->ids_name, ids_count(o->ids), e) != 0) ||
        (s->logits && items_match(s->maps, o->logits, items_count(s->logits), e) != 0))
        return -1;
    return 0;
}
