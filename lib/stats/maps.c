#include "stats/maps.h"

#include "stats/band.h"

#include <math.h>

/* What a share may be off that was computed from the cells. */
#define ROUNDED 1e-6

/* A blank map is zero in all cells, whether the table counts them or not. */
static bool mostly_zero(const struct map_figures *f)
{
    return f->blank || f->zero_share > MAPS_ZERO;
}

/* Counts an image if it holds, as an example too. */
static void count(int64_t *n, struct examples *x, const struct map_pair *image, double conf,
                  bool holds)
{
    if (!holds)
        return;
    ++*n;
    examples_add(x, image->id, conf);
}

static void add_wrong(struct maps *m, const struct map_pair *image, double conf)
{
    const struct map_figures *truth = &image->truth;
    double overlap = truth->overlap;
    count(&m->true_blank, &m->blank_errors, image, conf, truth->blank);
    if (!isnan(truth->zero_share)) {
        m->true_measured++;
        count(&m->true_zero, &m->zero_errors, image, conf, mostly_zero(truth));
    }
    if (isnan(overlap))
        return;
    spread_add(&m->overlap, overlap);
    m->chance_high += truth->overlap_chance > MAPS_OVERLAP_HIGH;
    m->chance_known += !isnan(truth->overlap_chance);
    m->chance_larger += overlap > truth->overlap_chance;
    m->chance_smaller += overlap < truth->overlap_chance;
    count(&m->overlap_high, &m->high_errors, image, conf, overlap > MAPS_OVERLAP_HIGH);
    count(&m->overlap_low, &m->low_errors, image, conf, overlap < MAPS_OVERLAP_LOW);
    if (!isnan(conf))
        spread_add(band_of(conf) == BAND_HIGHEST ? &m->overlap_highest : &m->overlap_other,
                   overlap);
}

void maps_add(struct maps *m, const struct map_pair *image)
{
    const struct map_figures *pred = &image->pred;
    bool wrong = pred->cls != image->truth.cls;
    /* The saturation of a map is one less the probability of its class. */
    double conf = 1 - pred->saturation;
    struct map_statistics *f = &m->of[wrong ? MAPS_WRONG : MAPS_CORRECT];
    f->images++;
    count(&f->blank, &m->blank, image, conf, pred->blank);
    if (!isnan(pred->zero_share)) {
        f->measured++;
        f->zero += mostly_zero(pred);
    }
    m->with_places += !isnan(pred->border_share);
    spread_add(&f->border, pred->border_share);
    spread_add(&f->entropy, pred->entropy);
    spread_add(&f->chance, image->truth.overlap_chance);
    f->at_border += pred->border_share > m->even_border + ROUNDED;
    f->diffuse += pred->entropy > MAPS_DIFFUSE;
    f->concentrated += pred->entropy < MAPS_CONCENTRATED;
    spread_add(&f->off_center, hypot(pred->center_x - 0.5, pred->center_y - 0.5));
    if (wrong)
        add_wrong(m, image, conf);
}

int64_t maps_images(const struct maps *m)
{
    return m->of[MAPS_CORRECT].images + m->of[MAPS_WRONG].images;
}
