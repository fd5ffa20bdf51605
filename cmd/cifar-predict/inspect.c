#include "inspect.h"

#include "base/mem.h"
#include "base/pool.h"
#include "base/prog.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct inspection {
    struct inspection_opts opts;
    struct fit_use use;
    struct fit_images images;
    int64_t wanted;  /* images */
    uint8_t *stream; /* the first images of a stream */
    int *label;      /* [wanted] of a data set */
    bool said;
    bool started; /* the thread is */
    pthread_t thread;
    /* Guards what follows. */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int64_t held; /* images in `stream` */
    bool ended;   /* no more will come */
    bool checked;
    /* Set by the thread before `checked`, or its end. */
    bool known, failed;
    struct err why;
    struct fit_verdict verdict;
    char sha256[CKPT_SHA256];
};

static size_t image_bytes(const struct inspection *i)
{
    return 3 * (size_t)i->images.h * (size_t)i->images.w;
}

/* Spread over the data set, which may be in the order of classes. For a damaged image stands
 * one of those behind it. */
static int read_set(void *ctx, int64_t k, uint8_t *pixels, struct err *e)
{
    const struct inspection *i = ctx;
    struct data_item item;
    int64_t all = data_count(i->opts.data), count = i->images.count;
    all = all < i->opts.limit ? all : i->opts.limit;
    int r = -1;
    for (int64_t id = k * all / count; id < (k + 1) * all / count && r != 0; id++)
        if ((r = data_at(i->opts.data, id, pixels, &item, e)) != 0 && !i->opts.damaged)
            break;
    i->label[k] = r == 0 ? item.label : -1;
    return r;
}

static int read_stream(void *ctx, int64_t k, uint8_t *pixels, struct err *e)
{
    const struct inspection *i = ctx;
    (void)e;
    memcpy(pixels, i->stream + (size_t)k * image_bytes(i), image_bytes(i));
    return 0;
}

static void check(struct inspection *i)
{
    struct err why = {0};
    pthread_mutex_lock(&i->lock);
    while (i->stream && !i->ended)
        pthread_cond_wait(&i->changed, &i->lock);
    i->images.count = i->stream ? i->held : i->wanted;
    pthread_mutex_unlock(&i->lock);
    const bool failed = fit_check(&i->verdict, &i->use, &i->images, &why) != 0;
    pthread_mutex_lock(&i->lock);
    i->known = !failed;
    i->failed = failed && !i->opts.damaged;
    i->why = why;
    i->checked = true;
    pthread_mutex_unlock(&i->lock);
}

static void *inspect(void *arg)
{
    struct inspection *i = arg;
    if (i->opts.checksum)
        ckpt_sha256(i->opts.ckpt, i->sha256);
    if (i->stream)
        check(i);
    return NULL;
}

struct inspection *inspection_start(const struct inspection_opts *o)
{
    int64_t count = data_count(o->data);
    int h = data_h(o->data), w = data_w(o->data);
    bool stream = count < 0;
    if (stream || count > o->limit)
        count = o->limit;
    struct inspection *i = mem_zero(1, sizeof *i);
    i->opts = *o;
    i->use = *o->use;
    i->use.shown = !stream;
    i->images =
        (struct fit_images){.h = h, .w = w, .at = stream ? read_stream : read_set, .ctx = i};
    i->wanted = fit_wanted(count, h, w);
    if (stream)
        i->stream = mem_alloc((size_t)i->wanted, image_bytes(i));
    else
        i->images.label = i->label = mem_alloc((size_t)i->wanted, sizeof *i->label);
    pthread_mutex_init(&i->lock, NULL);
    pthread_cond_init(&i->changed, NULL);
    if (!stream)
        check(i);
    i->started = i->stream || o->checksum;
    int r = i->started ? pool_thread(&i->thread, inspect, i) : 0;
    if (r != 0)
        prog_die(PROG_ERROR, "cannot start a thread: %s", strerror(r));
    return i;
}

void inspection_image(struct inspection *i, const uint8_t *pixels)
{
    if (!i || !i->stream)
        return;
    pthread_mutex_lock(&i->lock);
    if (!i->ended) {
        if (pixels)
            memcpy(i->stream + (size_t)i->held++ * image_bytes(i), pixels, image_bytes(i));
        i->ended = !pixels || i->held == i->wanted;
        if (i->ended)
            pthread_cond_signal(&i->changed);
    }
    pthread_mutex_unlock(&i->lock);
}

const char *inspection_warning(struct inspection *i)
{
    if (!i || i->said)
        return NULL;
    pthread_mutex_lock(&i->lock);
    bool known = i->checked && i->known;
    pthread_mutex_unlock(&i->lock);
    if (!known || !*i->verdict.text)
        return NULL;
    i->said = true;
    return i->verdict.text;
}

int inspection_wait(struct inspection *i, struct err *e)
{
    if (!i)
        return 0;
    inspection_image(i, NULL);
    if (i->started)
        pthread_join(i->thread, NULL);
    if (i->failed)
        *e = i->why;
    return i->failed ? -1 : 0;
}

const struct fit_verdict *inspection_verdict(const struct inspection *i)
{
    return i && i->known ? &i->verdict : NULL;
}

const char *inspection_checksum(const struct inspection *i)
{
    return i->sha256;
}

void inspection_free(struct inspection *i)
{
    if (!i)
        return;
    pthread_mutex_destroy(&i->lock);
    pthread_cond_destroy(&i->changed);
    free(i->stream);
    free(i->label);
    free(i);
}
