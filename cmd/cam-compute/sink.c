#include "sink.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/prog.h"
#include "base/real.h"
#include "stats/rank_correlation.h"
#include "stream/npy.h"
#include "stream/tsv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A record holds what came together, within these bounds. */
enum { RECORD_ITEMS = 256, RECORD_BYTES = 1 << 22, ITEM_BYTES = 1 << 30 };

struct sink {
    const struct job *job;
    struct extent layer, size;
    bool finished; /* maps are, and are only resized */
    struct resize *resize;
    struct npy_out *npy; /* NULL where the statistics take standard output */
    float *items;        /* (room, planes, h, w) not written yet */
    size_t item_n;       /* floats in an item */
    int held, room;
    double *sum; /* [item_n] of all items; NULL unless their mean is asked for */
    struct out *file;
    struct tsv_out *stats;
    float *room_cells; /* [cells of the layer], for the statistics */
    struct rank_room *rank;
    struct out *run;
    const struct run *about;
    int pred, truth; /* planes that the overlap compares, or -1 */
    int64_t done;
};

static size_t area(struct extent s)
{
    return (size_t)s.h * (size_t)s.w;
}

static void sink_free(struct sink *s)
{
    npy_abort(s->npy);
    out_abort(s->file);
    out_abort(s->run);
    tsv_free(s->stats);
    resize_free(s->resize);
    free(s->items);
    free(s->room_cells);
    free(s->rank);
    free(s->sum);
    free(s);
}

int sink_open(struct sink **out, const struct job *j, const struct sink_opts *o, struct err *e)
{
    struct sink *s = mem_zero(1, sizeof *s);
    size_t planes = (size_t)aims_planes(j->rows);

    s->job = j;
    s->layer = o->layer;
    s->finished = o->finished;
    s->size = j->size == SIZE_LAYER ? o->layer : j->size == SIZE_INPUT ? o->input : j->fixed;
    s->pred = aims_find(j->rows, "pred");
    s->truth = aims_find(j->rows, "true");
    s->item_n = planes * area(s->size);
    size_t bytes = s->item_n * sizeof *s->items;
    if (bytes > ITEM_BYTES) {
        err_record(e, "--target, --size: expected maps of at most %d bytes for a row, found %zu",
                   ITEM_BYTES, bytes);
        goto fail;
    }
    if (!j->stats || strcmp(j->stats, "-") != 0) {
        const int64_t shape[] = {(int64_t)planes, s->size.h, s->size.w};
        if (npy_create(&s->npy, "-", NPY_F32, 3, shape, e) != 0)
            goto fail;
        s->resize = resize_new(s->layer.h, s->layer.w, s->size.h, s->size.w);
        s->room = bytes > RECORD_BYTES / RECORD_ITEMS ? (int)(RECORD_BYTES / bytes) : RECORD_ITEMS;
        s->room = s->room ? s->room : 1;
        s->items = mem_alloc((size_t)s->room * s->item_n, sizeof *s->items);
        s->sum = j->average ? mem_zero(s->item_n, sizeof *s->sum) : NULL;
    }
    if (j->stats) {
        if (out_open(&s->file, j->stats, e) != 0)
            goto fail;
        s->stats =
            tsv_begin(s->file, "id target class raw_max raw_min sum bias zero_share blank "
                               "saturation entropy center_x center_y border_share overlap gini "
                               "peak_gap agreement mirror_corr shift_corr overlap_chance");
        s->rank = rank_room_new(area(s->layer));
        s->room_cells = mem_alloc(area(s->layer), sizeof *s->room_cells);
    }
    s->about = o->about;
    if (j->run && out_open(&s->run, j->run, e) != 0)
        goto fail;
    *out = s;
    return 0;
fail:
    sink_free(s);
    return -1;
}

/* Of the maps by logit and by log-probability. */
static double agreement(const struct sink *s, const struct maps *m, int plane)
{
    const size_t cells = area(s->layer), at = (size_t)plane * cells;

    if (!m->twins || !cam_has_places(s->layer.h, s->layer.w))
        return NAN;
    return rank_correlation(s->rank, m->raw + at, m->twins + at, cells);
}

static int put_stats(struct sink *s, const struct aims_row *row, const struct maps *m,
                     struct err *e)
{
    const struct aims *rows = s->job->rows;
    const size_t cells = area(s->layer);
    double overlap = NAN, chance = NAN;

    if (s->pred >= 0 && s->truth >= 0) {
        const float *pred = m->raw + (size_t)s->pred * cells,
                    *truth = m->raw + (size_t)s->truth * cells;
        overlap = cam_overlap(truth, pred, s->layer.h, s->layer.w);
        chance = cam_overlap_mirrored(truth, pred, s->layer.h, s->layer.w);
    }
    for (int i = 0; i < aims_planes(rows); i++) {
        struct aim aim = aims_aim(rows, row, i);
        struct cam_stats f;
        cam_measure(m->raw + (size_t)i * cells, s->layer.h, s->layer.w, s->room_cells, &f);
        tsv_put_int(s->stats, row->id);
        tsv_put_string(s->stats, aims_word(rows, i));
        tsv_put_int(s->stats, aim.cls);
        tsv_put_real(s->stats, f.max);
        tsv_put_real(s->stats, f.min);
        tsv_put_real(s->stats, f.sum);
        tsv_put_real(s->stats, m->bias ? m->bias[i] : NAN);
        tsv_put_real(s->stats, f.zero_share);
        tsv_put_int(s->stats, f.blank);
        tsv_put_real(s->stats, aims_saturation(row, aim, m->rest));
        tsv_put_real(s->stats, f.entropy);
        tsv_put_real(s->stats, f.center_x);
        tsv_put_real(s->stats, f.center_y);
        tsv_put_real(s->stats, f.border_share);
        tsv_put_real(s->stats, overlap);
        tsv_put_real(s->stats, f.gini);
        tsv_put_real(s->stats, f.peak_gap);
        tsv_put_real(s->stats, agreement(s, m, i));
        tsv_put_real(s->stats, m->moved ? m->moved[i].mirror : NAN);
        tsv_put_real(s->stats, m->moved ? m->moved[i].shift : NAN);
        tsv_put_real(s->stats, chance);
        if (tsv_end(s->stats, e) != 0)
            return -1;
    }
    return 0;
}

/* One plane at the size asked for; `raw` is changed. */
static void put_plane(const struct sink *s, struct aim aim, float *raw, float *out)
{
    const int cells = (int)area(s->layer);
    const float epsilon = s->job->how.compat ? CAM_EPSILON : 0;

    /* A margin is signed: its zero means something. */
    if (!s->job->unit || s->finished || aim.minus >= 0) {
        resize_run(s->resize, raw, out);
    } else if (s->job->size == SIZE_LAYER) {
        /* What follows the first normalisation belongs to the resizing, which is left to
         * the reader. */
        cam_rectify(raw, cells);
        cam_normalise(raw, cells, epsilon);
        memcpy(out, raw, (size_t)cells * sizeof *out);
    } else {
        cam_finish(raw, cells, epsilon, s->resize, out, (int)area(s->size));
    }
}

/* The mean stands for all items, of which none goes out. */
static void add_item(struct sink *s)
{
    for (size_t i = 0; i < s->item_n; i++)
        s->sum[i] += s->items[i];
    s->held = 0;
}

static int write_mean(struct sink *s, struct err *e)
{
    if (s->done == 0)
        return 0;
    for (size_t i = 0; i < s->item_n; i++)
        s->items[i] = (float)(s->sum[i] / (double)s->done);
    return npy_write(s->npy, s->items, 1, e);
}

static int write_items(struct sink *s, struct err *e)
{
    int n = s->held;

    s->held = 0;
    return n ? npy_write(s->npy, s->items, n, e) : 0;
}

int sink_put(struct sink *s, const struct aims_row *row, const struct maps *m, struct err *e)
{
    const struct aims *rows = s->job->rows;
    const int planes = aims_planes(rows);

    for (int i = 0; i < planes; i++)
        if (!real_finite(m->raw + (size_t)i * area(s->layer), area(s->layer)))
            return aims_error(rows, row, e, "id %lld: expected a finite map, found an overflow",
                              (long long)row->id);
    if (s->stats && put_stats(s, row, m, e) != 0)
        return -1;
    if (s->npy) {
        float *item = s->items + (size_t)s->held * s->item_n;
        for (int i = 0; i < planes; i++)
            put_plane(s, aims_aim(rows, row, i), m->raw + (size_t)i * area(s->layer),
                      item + (size_t)i * area(s->size));
        s->held++;
        if (s->sum)
            add_item(s);
        else if (s->held == s->room && write_items(s, e) != 0)
            return -1;
    }
    s->done++;
    prog_progress("rows", s->done, row->expected);
    return 0;
}

int sink_flush(struct sink *s, struct err *e)
{
    if (write_items(s, e) != 0)
        return -1;
    return s->file && !out_patchable(s->file) ? out_flush(s->file, e) : 0;
}

int sink_close(struct sink *s, struct err *e)
{
    int r = s->sum ? write_mean(s, e) : write_items(s, e);

    prog_progress_end();
    struct out *all[3] = {0};
    if (r == 0 && s->run)
        r = run_write(s->about, s->run, e);
    if (r == 0 && s->npy) {
        all[0] = npy_end(s->npy, e);
        s->npy = NULL;
        r = all[0] ? 0 : -1;
    }
    if (r == 0) {
        all[1] = s->file;
        all[2] = s->run;
        s->file = s->run = NULL;
        r = out_close_all(all, 3, e);
    }
    sink_free(s);
    return r;
}

void sink_abort(struct sink *s)
{
    struct err ignored;

    if (!s)
        return;
    if (s->npy && !s->sum && write_items(s, &ignored) == 0) {
        err_ignore(npy_finish(s->npy, &ignored));
        s->npy = NULL;
    } else if (s->file && !s->npy) {
        err_ignore(out_flush(s->file, &ignored));
    }
    sink_free(s);
}
