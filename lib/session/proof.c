#include "session/proof.h"

#include "base/mem.h"
#include "fit/prove.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Images of a data set, spread over it. */
struct source {
    const struct data *data;
    int64_t count;
    int *label; /* [count] */
};

/* For a damaged image stands one of those behind it. */
static int read_image(void *ctx, int64_t k, uint8_t *pixels, struct err *e)
{
    const struct source *s = ctx;
    struct data_item item;
    int64_t all = data_count(s->data);
    int r = -1;
    for (int64_t id = k * all / s->count; id < (k + 1) * all / s->count && r != 0; id++)
        r = data_at(s->data, id, pixels, &item, e);
    s->label[k] = r == 0 ? item.label : -1;
    return r;
}

static void take_pixels(struct normal_use *u, const struct fit_proof *p)
{
    if (!p->pixels)
        return;
    memcpy(u->mean, p->mean, sizeof u->mean);
    memcpy(u->std, p->std, sizeof u->std);
    u->name = p->pixels;
    u->guess_mean = u->guess_std = false;
    snprintf(u->from, sizeof u->from,
             "%s, which fits the BatchNorm running statistics best of those in use", p->pixels);
}

int proof_make(struct session *s, struct err *e)
{
    const struct data *d = s->data;
    const int64_t count = data_count(d), wanted = fit_wanted(count, data_h(d), data_w(d));
    struct source from = {d, wanted, NULL};
    struct fit_use use = {.ckpt = s->ckpt,
                          .assume = &s->opts->assumed,
                          .assume_text = s->opts->assume,
                          .usual = s->pixels.usual,
                          .guess_mean = s->pixels.guess_mean,
                          .guess_std = s->pixels.guess_std,
                          .channels = s->pixels.channels,
                          .device = s->opts->device,
                          .threads = (int)s->opts->threads};
    struct fit_proof proof;

    memcpy(use.mean, s->pixels.mean, sizeof use.mean);
    memcpy(use.std, s->pixels.std, sizeof use.std);
    if (count < 0)
        return err_set(e,
                       "%s: expected a file or a folder, found a pipe: images have to prove what "
                       "the network in %s is, and are read more than once",
                       data_name(d), ckpt_name(s->ckpt));
    from.label = mem_alloc((size_t)wanted + 1, sizeof *from.label);
    const struct fit_images images = {wanted, data_h(d), data_w(d), read_image, &from, from.label};
    const int proved = fit_prove(&proof, &use, &images, data_names(d)->classes, e);
    free(from.label);
    if (proved != 0)
        return -1;
    if (prog_verbose() || proof.loose)
        prog_say("%s: %s", ckpt_name(s->ckpt), proof.text);
    s->proof = mem_dup(proof.text);
    s->proof_images = proof.fit.images;
    s->dropout = proof.dropout;
    take_pixels(&s->pixels, &proof);
    s->assumed = proof.assume;
    model_close(s->model);
    s->model = NULL;
    return session_proved(&s->model, s->ckpt, &proof.assume, data_h(d), data_w(d), e);
}
