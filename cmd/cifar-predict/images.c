#include "images.h"

#include "base/mem.h"
#include "base/prog.h"
#include "ckpt/ckpt.h"
#include "data/names_file.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct run said; /* its warnings alone */

void images_warn(const char *text)
{
    prog_say("%s", text);
    run_put(&said, "warning", "%s", text);
}

void images_put(struct run *r)
{
    int at = 0;
    for (const char *text; (text = run_warning(&said, &at));)
        run_put(r, "warning", "%s", text);
}

int images_skip(struct images *im, const char *path, struct err *e)
{
    if (out_open(&im->list, path, e) != 0)
        return -1;
    im->rows = tsv_begin(im->list, "id file reason");
    return 0;
}

static int put_damaged(struct images *im, int64_t id, const struct err *why, struct err *e)
{
    char *file = data_file(im->data, id), *path = data_path_of(im->data, id);
    char *shown = names_shown(path, false); /* as the message begins */
    size_t n = strlen(shown);
    bool begins = strncmp(why->msg, shown, n) == 0 && strncmp(why->msg + n, ": ", 2) == 0;
    im->damaged++;
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
    im->read++;
    im->turned += item->turned;
    im->whitened += item->whitened;
    if (item->whitened && !im->first_whitened)
        im->first_whitened = data_file(im->data, item->id);
    return 1;
}

static void warn(char *text)
{
    images_warn(text);
    free(text);
}

int images_end(struct images *im, struct err *e)
{
    long long all = im->read + im->damaged;
    /* Of a shard the others may be whole. */
    if (im->damaged > 0 && im->read == 0 && !shard_any(data_shard(im->data)))
        return err_set(e, "%s: expected images, found %lld files of which none can be read",
                       data_name(im->data), all);
    if (im->damaged > 0)
        warn(mem_printf("%s: files that cannot be read: %lld of %lld images are missing in the "
                        "results; %s lists them",
                        data_name(im->data), (long long)im->damaged, all,
                        prog_option(out_name(im->list), "data/damaged.tsv")));
    if (im->turned > 0)
        warn(mem_printf("%s: EXIF orientation is not applied, as in torchvision's ImageFolder: the "
                        "model sees %lld of %lld images turned or mirrored",
                        data_name(im->data), (long long)im->turned, (long long)im->read));
    if (im->whitened > 0)
        warn(mem_printf("%s: values above 255 in 16-bit grey PNG become white, as in Pillow: "
                        "convert these %lld of %lld images to 8 bits, the first is %s",
                        data_name(im->data), (long long)im->whitened, (long long)im->read,
                        im->first_whitened));
    tsv_free(im->rows);
    im->rows = NULL;
    return 0;
}

void images_close(struct images *im)
{
    free(im->first_whitened);
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
