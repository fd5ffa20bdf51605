#include "mirror.h"

#include "base/mem.h"
#include "base/prog.h"
#include "base/real.h"
#include "model/score.h"
#include "model/views.h"

#include <stdlib.h>

enum {
    /* Predictions in no doubt, and how many of them a mirror image has to keep, in percent. Of
     * networks for CIFAR-100 it keeps 98 and more; where a direction is the class, 85. */
    CONTROLS = 100,
    LEAST_CONTROLS = 20,
    KEPT = 95,
    AS_THEY_ARE = 8, /* images by which model and logits are compared */
    CHUNK_BYTES = 1 << 25,
    CHUNK = 256 /* images in a pass */
};

struct look {
    struct labels *labels;
    const struct mirror *m;
    struct session session;
    int chunk;      /* images in a pass */
    size_t pixels;  /* of an image */
    uint8_t *image; /* [pixels] */
    struct engine_batch batch;
};

/* The logits of `n` labels from first, `step` apart, their images as they are or mirrored. */
static int forward(struct look *k, int64_t first, int64_t step, int n, bool mirrored, struct err *e)
{
    struct data_item item;
    for (int i = 0; i < n; i++) {
        uint8_t *to = k->batch.pixels + (size_t)i * k->pixels;
        const int64_t id = k->labels->label[first + i * step].id;
        if (data_at(k->session.data, id, mirrored ? k->image : to, &item, e) != 0)
            return -1;
        if (mirrored)
            views_make(VIEWS_MIRROR, 1, k->image, data_h(k->session.data), data_w(k->session.data),
                       to);
    }
    k->batch.n = n;
    if (engine_forward(k->session.engine, &k->batch, e) != 0)
        return -1;
    const int classes = k->labels->classes;
    for (int i = 0; i < n; i++)
        if (!real_finite(k->batch.logits + (size_t)i * (size_t)classes, (size_t)classes))
            return err_set(e, "id %lld: expected finite logits, found one that is not",
                           (long long)k->labels->label[first + i * step].id);
    return 0;
}

/* The stored logits of a label's image. */
static const float *stored(const struct look *k, int64_t i, struct err *e)
{
    return items_get(k->m->logits, ids_find(k->m->ids, k->labels->label[i].id), e);
}

static int open_look(struct look *k, struct err *e)
{
    const struct data_opts d = {.note = prog_note};
    const struct engine_opts o = {0};
    struct session *s = &k->session;
    if (session_open(s, k->m->session, &d, e) != 0 || data_by_id(s->data, e) != 0)
        return -1;
    session_drop_checkpoint(s);
    const int classes = graph_classes(s->model->graph);
    if (classes != k->labels->classes)
        return err_set(e, "%s: expected logits of %d classes as %s has, found %d",
                       items_name(k->m->logits), classes, k->m->session->model, k->labels->classes);
    if (session_engine(s, &o, e) != 0)
        return -1;
    k->pixels = 3 * (size_t)data_h(s->data) * (size_t)data_w(s->data);
    const size_t fit = CHUNK_BYTES / k->pixels;
    k->chunk = fit < 1 ? 1 : fit < CHUNK ? (int)fit : CHUNK;
    k->image = mem_alloc(k->pixels, 1);
    k->batch.pixels = mem_alloc((size_t)k->chunk, k->pixels);
    k->batch.logits = mem_alloc((size_t)k->chunk * (size_t)classes, sizeof *k->batch.logits);
    return 0;
}

/* Some predictions in no doubt once more: they are those of the logits. */
static int check_model(struct look *k, int64_t first, int64_t step, int n, struct err *e)
{
    if (forward(k, first, step, n, false, e) != 0)
        return -1;
    for (int i = 0; i < n; i++) {
        const int classes = k->labels->classes;
        const int64_t at = first + i * step;
        const float *logits = stored(k, at, e);
        if (!logits)
            return -1;
        const int was = score_best(logits, classes);
        const int is = score_best(k->batch.logits + (size_t)i * (size_t)classes, classes);
        if (was != is)
            return err_set(e,
                           "id %lld: expected the prediction of the logits in %s, %d, found %d by "
                           "%s: give the model and the images of these logits, and the same "
                           "options",
                           (long long)k->labels->label[at].id, items_name(k->m->logits), was, is,
                           k->m->session->model);
    }
    return 0;
}

/* How many of `n` predictions mirror images keep, or -1. */
static int count_kept(struct look *k, int64_t first, int64_t step, int n, struct err *e)
{
    const int classes = k->labels->classes;
    int kept = 0;
    for (int done = 0; done < n; done += k->batch.n) {
        const int64_t from = first + done * step;
        if (forward(k, from, step, n - done < k->chunk ? n - done : k->chunk, true, e) != 0)
            return -1;
        for (int i = 0; i < k->batch.n; i++) {
            const float *logits = stored(k, from + i * step, e);
            if (!logits)
                return -1;
            kept += score_best(logits, classes) ==
                    score_best(k->batch.logits + (size_t)i * (size_t)classes, classes);
        }
    }
    return kept;
}

static int see_all(struct look *k, int64_t n, struct err *e)
{
    const int classes = k->labels->classes;
    for (int64_t done = 0; done < n; done += k->batch.n) {
        if (forward(k, done, 1, n - done < k->chunk ? (int)(n - done) : k->chunk, true, e) != 0)
            return -1;
        for (int i = 0; i < k->batch.n; i++) {
            const float *logits = stored(k, done + i, e);
            if (!logits)
                return -1;
            float *mean = k->batch.logits + (size_t)i * (size_t)classes;
            for (int c = 0; c < classes; c++)
                mean[c] = (mean[c] + logits[c]) / 2;
            labels_see(k->labels, done + i, mean, 2);
        }
        prog_progress("mirror images", done + k->batch.n, n);
    }
    prog_progress_end();
    return 0;
}

static int look(struct look *k, struct err *e)
{
    const struct labels *l = k->labels;
    /* In no doubt are the labels of the last quarter. */
    const int64_t quarter = l->n / 4, first = l->n - quarter;
    const int controls = quarter < CONTROLS ? (int)quarter : CONTROLS;
    if (controls < LEAST_CONTROLS) {
        prog_note("mirror images are not looked at: too few labels to know whether they would "
                  "belong to the same classes");
        return 0;
    }
    const int64_t step = quarter / controls;
    if (open_look(k, e) != 0 ||
        check_model(k, first, step, k->chunk < AS_THEY_ARE ? k->chunk : AS_THEY_ARE, e) != 0)
        return -1;
    const int kept = count_kept(k, first, step, controls, e);
    if (kept < 0)
        return -1;
    char *text = mem_printf("mirror images are %slooked at: of %d predictions in no doubt they "
                            "keep %d",
                            kept * 100 < KEPT * controls ? "not " : "", controls, kept);
    prog_note(text);
    free(text);
    if (kept * 100 < KEPT * controls)
        return 0;
    return see_all(k, l->n < k->m->most ? l->n : k->m->most, e);
}

int mirror_look(struct labels *l, const struct mirror *m, struct err *e)
{
    struct look k = {.labels = l, .m = m};
    int r = look(&k, e);
    session_close(&k.session);
    free(k.image);
    free(k.batch.pixels);
    free(k.batch.logits);
    return r;
}
