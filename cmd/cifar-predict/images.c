#include "images.h"

#include "base/mem.h"
#include "base/prog.h"
#include "ckpt/ckpt.h"
#include "data/names_file.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct run said;

static void say(const char *text)
{
    prog_say("%s", text);
}

void images_warn(const char *text)
{
    say(text);
    run_put(&said, "warning", "%s", text);
}

void images_put(struct run *r)
{
    for (int i = 0; i < said.rows; i++)
        run_put(r, said.row[i].name, "%s", said.row[i].value);
}

int images_skip(struct images *im, const char *path, struct err *e)
{
    if (out_open(&im->list, path, e) != 0)
        return -1;
    im->counts.list = mem_dup(prog_option(out_name(im->list), "data/damaged.tsv"));
    im->rows = tsv_begin(im->list, "id file reason");
    return 0;
}

static int put_damaged(struct images *im, int64_t id, const struct err *why, struct err *e)
{
    char *file = data_file(im->data, id), *path = data_path_of(im->data, id);
    char *shown = names_shown(path, false); /* as the message begins */
    size_t n = strlen(shown);
    bool begins = strncmp(why->msg, shown, n) == 0 && strncmp(why->msg + n, ": ", 2) == 0;
    im->counts.damaged++;
    tsv_put_int(im->rows, id);
    tsv_put_string(im->rows, file);
    tsv_put_string(im->rows, why->msg + (begins ? n + 2 : 0));
    free(file);
    free(path);
    free(shown);
    return tsv_end(im->rows, e);
}

static int damaged(const struct err *why, struct err *e)
{
    return err_set(e, "%s (%s lists such files and goes on)", why->msg,
                   prog_option("--skip-damaged FILE", "SKIP_DAMAGED=1"));
}

int images_next(struct images *im, uint8_t *pixels, struct data_item *item, struct err *e)
{
    struct err why;
    int r;
    while ((r = data_next(im->data, pixels, item, &why)) == DATA_DAMAGED && im->list)
        if (put_damaged(im, item->id, &why, e) != 0)
            return -1;
    if (r == DATA_DAMAGED)
        return damaged(&why, e);
    if (r < 0)
        *e = why;
    if (r <= 0)
        return r;
    counts_image(&im->counts, im->data, item);
    return 1;
}

int images_end(struct images *im, struct err *e)
{
    const struct counts *c = &im->counts;
    const bool shard = shard_any(data_shard(im->data));
    /* Of a shard the others may be whole. */
    if (c->damaged > 0 && c->read == 0 && !shard)
        return err_set(e, "%s: expected images, found %lld files of which none can be read",
                       data_name(im->data), (long long)c->damaged);
    counts_warn(c, data_name(im->data), shard ? say : images_warn);
    if (shard)
        counts_put(c, &said);
    tsv_free(im->rows);
    im->rows = NULL;
    return 0;
}

void images_close(struct images *im)
{
    counts_free(&im->counts);
    run_free(&said);
}

/* Whoever reads the list may read the files. */
static int check_readable(const char *path, struct err *e)
{
    struct stat st;
    char *shown = names_shown(path, false);
    struct err why = {0};
    int r = 0;
    if (stat(path, &st) != 0 || access(path, R_OK) != 0)
        r = err_errno(&why, "%s", shown);
    else if (!S_ISREG(st.st_mode))
        r = err_set(&why, "%s: expected an image, found no regular file", shown);
    free(shown);
    return r == 0 ? 0 : damaged(&why, e);
}

int images_list(const struct session_opts *s, const struct data_opts *with, bool skip,
                struct err *e)
{
    struct inputs inputs = {0};
    struct data_opts o = *with;
    struct data *d = NULL;
    struct out *out;
    o.note = o.warn = NULL;
    o.inputs = &inputs;
    o.size = s->size;
    inputs_add(&inputs, s->model);
    char *beside = ckpt_beside(s->model);
    inputs_add(&inputs, beside);
    free(beside);
    int r = s->data ? data_open(&d, s->data, &o, e) : 0;
    for (int64_t id = subset_next(with->subset, 0);
         r == 0 && d && data_has_files(d) && id < data_count(d);
         id = subset_next(with->subset, id + 1)) {
        char *path = data_path_of(d, id);
        if (check_readable(path, e) == 0)
            inputs_add(&inputs, path);
        else if (!skip)
            r = -1;
        free(path);
    }
    if (r == 0 && (r = out_open(&out, "-", e)) == 0) {
        r = inputs_write(&inputs, out, e);
        if (r == 0)
            r = out_close(out, e);
    }
    data_close(d);
    inputs_free(&inputs);
    return r;
}
