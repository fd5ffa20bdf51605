#include "data/data.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/prog.h"
#include "base/text.h"
#include "data/names_file.h"
#include "data/source.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct data {
    char *name;
    struct source *source;
    bool stream;
    struct subset subset;
    int64_t next; /* no image of a smaller number comes any more */
    struct names *names;
    char *names_from;      /* file of the class names, or NULL */
    int classes;           /* labels are below this */
    int superclasses;      /* their IDs are below this */
    int *superclass;       /* [classes] as given by the names or learned, -1 unknown */
    bool own_superclasses; /* the names' superclasses stand for the records' */
    bool coarse;           /* superclasses are the classes */
    int ordered;           /* class folders numbered by their order, or 0 */
    int *number;           /* of each class folder its class among the names, or NULL */
    int h, w;
    struct geometry size;
    size_t raw; /* bytes of an image of which the size is changed here, else 0 */
};

/* --- finding the file --- */

enum kind { KIND_NONE, KIND_FILE, KIND_FOLDER, KIND_ERROR };

static enum kind kind_of(const char *path, struct err *e)
{
    struct stat st;
    if (stat(path, &st) == 0)
        return S_ISDIR(st.st_mode) ? KIND_FOLDER : KIND_FILE;
    if (errno == ENOENT || errno == ENOTDIR)
        return KIND_NONE;
    err_record_errno(e, "%s", path);
    return KIND_ERROR;
}

/* 1, 0 where the folder has none, or -1. */
static int find_in(char **file, const char *folder, struct err *e)
{
    static const char *const names[] = {"test.bin",
                                        "test_batch.bin",
                                        "test",
                                        "test_batch",
                                        "t10k-images-idx3-ubyte",
                                        "t10k-images-idx3-ubyte.gz",
                                        "t10k-images.idx3-ubyte",
                                        "test_X.bin",
                                        "test_32x32.mat"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *path = mem_printf("%s/%s", folder, names[i]);
        enum kind kind = kind_of(path, e);
        if (kind == KIND_FILE) {
            *file = path;
            return 1;
        }
        free(path);
        if (kind == KIND_ERROR)
            return -1;
    }
    return 0;
}

/* The file or folder of images that a path stands for, or NULL. Caller frees. */
static char *find(const char *path, struct err *e)
{
    static const char *const folders[] = {
        "cifar-100-binary", "cifar-100-python", "cifar-10-batches-bin", "cifar-10-batches-py",
        "FashionMNIST/raw", "MNIST/raw",        "KMNIST/raw",           "raw",
        "stl10_binary"};
    enum kind kind = strcmp(path, "-") == 0 ? KIND_FILE : kind_of(path, e);
    if (kind == KIND_ERROR)
        return NULL;
    if (kind != KIND_FOLDER)
        return mem_dup(path);
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/')
        n--;
    char *folder = mem_printf("%.*s", (int)n, path), *file = NULL;
    int r = find_in(&file, folder, e);
    for (size_t i = 0; i < sizeof folders / sizeof *folders && r == 0; i++) {
        char *inner = mem_printf("%s/%s", folder, folders[i]);
        r = find_in(&file, inner, e);
        free(inner);
    }
    if (r == 0 && folder_find(&file, folder, e) != 0)
        file = NULL;
    free(folder);
    return file;
}

/* --- opening --- */

static int unknown(struct in *in, struct err *e)
{
    static const struct {
        const char *start, *found;
        size_t n;
    } kinds[] = {
        {"\x1f\x8b", "a gzip archive: unpack it with tar xzf", 2},
        {"PK\x03\x04", "a zip archive", 4},
        {"\x89PNG", "a PNG image: name the folder it lies in", 4},
        {"\xff\xd8\xff", "a JPEG image: name the folder it lies in", 3},
    };
    const unsigned char *p;
    const char *found = "something else";
    int64_t n = in_peek(in, &p, 4, e);
    for (size_t i = 0; n >= 4 && i < sizeof kinds / sizeof *kinds; i++)
        if (memcmp(p, kinds[i].start, kinds[i].n) == 0)
            found = kinds[i].found;
    return err_set(e,
                   "%s: expected images as CIFAR binary records, a CIFAR pickle, an .npy tensor or "
                   "the files of MNIST, SVHN or STL-10, found %s",
                   in_name(in), found);
}

/* Layouts whose images may have labels beside them or from --labels: 1, 0, -1. */
static int open_arrays(struct data *d, struct in **in, const struct data_opts *o, struct err *e)
{
    int r = source_npy(&d->source, in, d->stream, o->labels, e);
    if (r == 0)
        r = source_idx(&d->source, in, d->stream, o, e);
    if (r == 0)
        r = source_mat(&d->source, in, d->stream, o, e);
    return r == 0 ? source_stl10(&d->source, in, d->stream, o, e) : r;
}

static int open_in(struct data *d, struct in **in, const struct data_opts *o, struct err *e)
{
    const unsigned char *p;
    int64_t n = in_peek(*in, &p, 1, e);
    if (n < 0)
        return -1;
    if (n == 0)
        return err_set(e, "%s: expected images, found nothing", d->name);
    int r = open_arrays(d, in, o, e);
    if (r != 0)
        return r < 0 ? -1 : 0;
    if (o->labels)
        return err_set(e,
                       "%s: expected images in .npy or in a folder to go with the labels in %s, "
                       "found others",
                       d->name, o->labels);
    r = source_pickle(&d->source, in, d->stream, e);
    if (r == 0)
        r = source_binary(&d->source, in, d->stream, e);
    if (r == 0)
        return unknown(*in, e);
    return r < 0 ? -1 : 0;
}

static int open_source(struct data *d, const char *file, const struct data_opts *o, struct err *e)
{
    struct in *in;
    enum kind kind = strcmp(file, "-") == 0 ? KIND_FILE : kind_of(file, e);
    if (kind == KIND_ERROR)
        return -1;
    if (kind == KIND_FOLDER) {
        d->name = mem_dup(file);
        return source_folder(&d->source, file, o, e);
    }
    if (in_open(&in, file, e) != 0)
        return -1;
    inputs_add(o->inputs, file);
    d->name = mem_dup(in_name(in));
    d->stream = strcmp(file, "-") == 0 || in_size(in) < 0;
    int r = open_in(d, &in, o, e);
    in_close(in);
    return r;
}

static void set_size(struct data *d, const struct data_opts *o)
{
    const struct source *s = d->source;
    d->size = o->size;
    d->h = s->h;
    d->w = s->w;
    /* A folder makes its images that large itself. */
    if (s->sized)
        return;
    geometry_size(&o->size, s->h, s->w, &d->h, &d->w);
    if (geometry_any(&o->size))
        d->raw = 3 * (size_t)s->h * (size_t)s->w;
}

/* Superclass names of the data set for names that were given without any. */
static void take_superclasses(struct names *n, struct names *from)
{
    free(n->superclass_name);
    n->superclass_name = from->superclass_name;
    n->superclasses = from->superclasses;
    from->superclass_name = NULL;
    from->superclasses = 0;
}

static int find_name(const struct names *n, const char *name)
{
    for (int i = 0; i < n->classes; i++)
        if (n->name[i] && strcmp(n->name[i], name) == 0)
            return i;
    return -1;
}

/* Whether folders are called by numbers alone that are not in the order of numbers. */
static bool numbers_mixed(const struct names *n)
{
    bool mixed = false;
    for (int i = 0; i < n->classes; i++) {
        const char *s = n->name[i];
        if (strspn(s, "0123456789") != strlen(s) || strlen(s) > 9)
            return false;
        mixed = mixed || (i > 0 && atoi(s) < atoi(n->name[i - 1]));
    }
    return mixed;
}

/* Which class each class folder is by its order alone. */
static void tell_order(const struct data *d, const char *given, const struct data_opts *o)
{
    enum { SHOWN = 3 };
    const struct names *own = d->source->own ? d->source->own : d->names;
    char *pairs = NULL;
    size_t n;
    FILE *to = open_memstream(&pairs, &n);
    if (!to)
        return;
    for (int i = 0; i < own->classes && i < SHOWN; i++) {
        fprintf(to, "%s'%.60s' is class %d", i ? ", " : "", own->name[i], i);
        if (given && d->names->name[i])
            fprintf(to, " '%.60s'", d->names->name[i]);
    }
    if (own->classes > SHOWN)
        fprintf(to, ", ...");
    fclose(to);
    char *text = given
                     ? mem_printf("%s: no class folder has the name of a class in %s, so they are "
                                  "taken in the order of their names' bytes: %s; if that is "
                                  "wrong, give each folder the name of its class",
                                  d->name, given, pairs)
                     : mem_printf("%s: the class folders are numbered in the order of their "
                                  "names' bytes: %s",
                                  d->name, pairs);
    o->warn(text);
    free(text);
    free(pairs);
}

/* Class folders by names that were given. */
static int match_folders(struct data *d, const struct data_opts *o, struct err *e)
{
    const char *given = o->names;
    const struct names *own = d->source->own;
    int found = 0, missing = -1;
    int *number = mem_alloc((size_t)own->classes, sizeof *number);
    for (int i = 0; i < own->classes; i++) {
        number[i] = find_name(d->names, own->name[i]);
        found += number[i] >= 0;
        if (number[i] < 0 && missing < 0)
            missing = i;
    }
    if (missing < 0) {
        d->number = number;
        return 0;
    }
    free(number);
    if (found > 0)
        return err_set(e, "%s: expected class folders as %s names them, found also '%.60s'",
                       d->name, given, own->name[missing]);
    if (own->classes != d->names->classes)
        return err_set(e,
                       "%s: expected %d class folders, as many as the names in %s or called as "
                       "these, found %d",
                       d->name, d->names->classes, given, own->classes);
    d->ordered = own->classes;
    if (o->warn)
        tell_order(d, given, o);
    return 0;
}

static int open_names(struct data *d, const char *file, const struct data_opts *o, struct err *e)
{
    const char *given = o->names;
    struct source *s = d->source;
    struct names *own = NULL;
    char *own_file = NULL;
    if (given) {
        if (names_load(&d->names, given, o->inputs, e) != 0)
            return -1;
        d->names_from = mem_dup(io_name(given));
        for (int i = 0; i < d->names->classes && !d->own_superclasses; i++)
            d->own_superclasses = d->names->superclass[i] >= 0;
    }
    if (!d->stream && s->fixed_classes && !d->own_superclasses &&
        names_beside(&own, &own_file, file, s->superclasses > 0, s->pickled, o->inputs, e) < 0)
        return -1;
    if (s->own && given)
        return match_folders(d, o, e);
    if (s->own) {
        d->names = s->own;
        s->own = NULL;
        d->ordered = d->names->classes;
        if (o->warn && numbers_mixed(d->names))
            tell_order(d, NULL, o);
        return 0;
    }
    if (!given && s->usual) {
        d->names = s->usual;
        s->usual = NULL;
        return 0;
    }
    if (!given) {
        d->names = own ? own : names_new(!d->stream && s->fixed_classes ? s->classes : 0, 0);
        d->names_from = own_file;
        return 0;
    }
    if (own && d->names->superclasses == 0)
        take_superclasses(d->names, own);
    names_free(own);
    free(own_file);
    return 0;
}

/* Names of superclasses become those of classes. */
static int coarse_names(struct data *d, const struct data_opts *o, struct err *e)
{
    struct names *n = d->names;
    int superclasses = d->source->superclasses;
    if (o->names && n->superclasses == 0 && n->classes == superclasses)
        return 0; /* given for them */
    if (o->names && n->superclasses != superclasses)
        return err_set(e, "%s: expected names of %d superclasses for --labels coarse, found %d",
                       o->names, superclasses, n->superclasses ? n->superclasses : n->classes);
    struct names *own = names_new(n->classes > 0 ? superclasses : 0, 0);
    for (int i = 0; i < own->classes && i < n->superclasses; i++) {
        own->name[i] = n->superclass_name[i];
        n->superclass_name[i] = NULL;
    }
    names_free(n);
    d->names = own;
    d->own_superclasses = false;
    return 0;
}

/* --- labels --- */

static int check_label(const struct data *d, const struct data_item *item, struct err *e)
{
    if (item->label < d->classes)
        return 0;
    if (d->names_from) {
        const char *option = prog_option("--labels coarse", "LABELS=coarse");
        bool coarse = !d->coarse && data_coarse(d) == d->classes;
        err_record(e, "%s: record %lld: expected a class below %d, as %s has them, found %d%s%s",
                   d->name, (long long)item->id, d->classes, d->names_from, item->label,
                   coarse ? ": for superclasses as classes give " : "", coarse ? option : "");
        return -1;
    }
    return err_set(e, "%s: record %lld: expected a class below %d, found %d", d->name,
                   (long long)item->id, d->classes, item->label);
}

static int check_superclass(const struct data *d, const struct data_item *item, struct err *e)
{
    if (item->superclass >= d->superclasses)
        return err_set(e, "%s: record %lld: expected a superclass below %d, found %d", d->name,
                       (long long)item->id, d->superclasses, item->superclass);
    int known = item->label >= 0 && item->superclass >= 0 ? d->superclass[item->label] : -1;
    if (known < 0 || known == item->superclass)
        return 0;
    return err_set(e,
                   "%s: record %lld: expected superclass %d for class %d, as in an earlier record, "
                   "found %d",
                   d->name, (long long)item->id, known, item->label, item->superclass);
}

/* Checks the labels of an image that was read, and puts the superclass of names
 * that were given in place of the record's. */
static int settle(const struct data *d, struct data_item *item, struct err *e)
{
    if (d->number)
        item->label = d->number[item->label];
    if (d->coarse) {
        if (item->superclass < 0)
            return err_set(e, "%s: record %lld: expected a superclass, found none", d->name,
                           (long long)item->id);
        item->label = item->superclass;
        item->superclass = -1;
    }
    if (check_label(d, item, e) != 0)
        return -1;
    if (!d->own_superclasses)
        return check_superclass(d, item, e);
    item->superclass = item->label >= 0 ? d->superclass[item->label] : -1;
    return 0;
}

/* Whether the superclass of the image's class was not known before. */
static bool learn(struct data *d, const struct data_item *item)
{
    if (item->label < 0 || item->superclass < 0)
        return false;
    bool new = d->superclass[item->label] < 0;
    d->superclass[item->label] = item->superclass;
    return new;
}

/* Classes whose superclass the images may still tell. */
static int untold(const struct data *d)
{
    int n = 0;
    for (int i = 0; d->source->superclasses > 0 && !d->coarse && i < d->classes; i++)
        n += d->superclass[i] < 0;
    return n;
}

/* Reads the labels of the subset: errors in them show before the first image. The superclasses of
 * the classes are known then, the same ones in each subset. */
static int learn_all(struct data *d, struct err *e)
{
    int left = untold(d);
    for (int64_t id = 0;
         id<d->source->count; id = left> 0 ? id + 1 : subset_next(&d->subset, id + 1)) {
        struct data_item item = {.id = id};
        if (d->source->at(d->source, id, NULL, &item, e) != 0 || settle(d, &item, e) != 0)
            return -1;
        left -= learn(d, &item);
    }
    struct names *n = d->names;
    bool learned = false;
    for (int i = 0; i < n->classes; i++) {
        n->superclass[i] = d->superclass[i];
        learned = learned || d->superclass[i] >= 0;
    }
    if (learned && n->superclasses < d->superclasses) {
        n->superclass_name =
            mem_grow(n->superclass_name, (size_t)d->superclasses, sizeof *n->superclass_name);
        while (n->superclasses < d->superclasses)
            n->superclass_name[n->superclasses++] = NULL;
    }
    return 0;
}

static int open_labels(struct data *d, struct err *e)
{
    const struct names *n = d->names;
    const struct source *s = d->source;
    d->classes = n->classes > 0 ? n->classes : d->coarse ? s->superclasses : s->classes;
    d->superclasses = n->superclasses > 0 ? n->superclasses : d->coarse ? 0 : s->superclasses;
    d->superclass = mem_alloc((size_t)d->classes, sizeof *d->superclass);
    for (int i = 0; i < d->classes; i++)
        d->superclass[i] = i < n->classes ? n->superclass[i] : -1;
    return d->stream ? 0 : learn_all(d, e);
}

int data_open(struct data **out, const char *path, const struct data_opts *o, struct err *e)
{
    char *file = find(path, e);
    if (!file)
        return -1;
    struct data *d = mem_zero(1, sizeof *d);
    inputs_add(o->inputs, o->labels);
    d->coarse = o->coarse;
    d->subset = o->subset ? *o->subset : (struct subset){.limit = INT64_MAX};
    int r = open_source(d, file, o, e);
    if (r == 0 && d->coarse && d->source->superclasses == 0)
        r = err_set(e, "%s: expected images of CIFAR-100 for --labels coarse, found %s", d->name,
                    d->source->kind);
    if (r == 0) {
        set_size(d, o);
        r = open_names(d, file, o, e);
    }
    if (r == 0 && d->coarse)
        r = coarse_names(d, o, e);
    if (r == 0)
        r = open_labels(d, e);
    free(file);
    if (r != 0) {
        data_close(d);
        return -1;
    }
    *out = d;
    return 0;
}

void data_close(struct data *d)
{
    if (!d)
        return;
    if (d->source)
        d->source->close(d->source);
    names_free(d->names);
    free(d->names_from);
    free(d->superclass);
    free(d->number);
    free(d->name);
    free(d);
}

/* --- reading --- */

const char *data_name(const struct data *d)
{
    return d->name;
}

int data_h(const struct data *d)
{
    return d->h;
}

int data_w(const struct data *d)
{
    return d->w;
}

const struct geometry *data_geometry(const struct data *d)
{
    return &d->size;
}

bool data_resized(const struct data *d)
{
    const struct source *s = d->source;
    return s->h != d->h || s->w != d->w || (s->resized && s->resized(s));
}

void data_advise(struct data *d, int side)
{
    d->source->side = side;
}

int64_t data_count(const struct data *d)
{
    return d->source->count;
}

int64_t data_subset(const struct data *d)
{
    return d->stream ? -1 : subset_count(&d->subset, d->source->count);
}

const struct shard *data_shard(const struct data *d)
{
    return &d->subset.shard;
}

const struct names *data_names(const struct data *d)
{
    return d->names;
}

const char *data_kind(const struct data *d)
{
    return d->source->kind;
}

int data_ordered(const struct data *d)
{
    return d->ordered;
}

/* Room for an image as its source gives it: `pixels` where that is its size already. */
static uint8_t *raw_room(const struct data *d, uint8_t *pixels)
{
    return d->raw && pixels ? mem_alloc(d->raw, 1) : pixels;
}

static void raw_done(const struct data *d, uint8_t *raw, uint8_t *pixels, bool good)
{
    if (raw == pixels)
        return;
    if (good)
        geometry_run(&d->size, raw, d->source->h, d->source->w, pixels);
    free(raw);
}

int data_coarse(const struct data *d)
{
    return d->source->superclasses;
}

bool data_has_files(const struct data *d)
{
    return d->source->path_of != NULL;
}

char *data_path_of(const struct data *d, int64_t id)
{
    return d->source->path_of(d->source, id);
}

char *data_file(const struct data *d, int64_t id)
{
    char *path = data_path_of(d, id), *shown = names_shown(path, true);
    free(path);
    return shown;
}

/* As data_at, or DATA_DAMAGED. */
static int image_at(const struct data *d, int64_t id, uint8_t *pixels, struct data_item *item,
                    struct err *e)
{
    *item = (struct data_item){.id = id};
    uint8_t *raw = raw_room(d, pixels);
    int r = d->source->at(d->source, id, raw, item, e);
    raw_done(d, raw, pixels, r == 0);
    return r == 0 ? settle(d, item, e) : r;
}

/* The next image of a stream, whether it is of the subset or not. */
static int stream_next(struct data *d, uint8_t *pixels, struct data_item *item, struct err *e)
{
    bool taken = shard_has(&d->subset.shard, d->next);
    *item = (struct data_item){.id = d->next};
    uint8_t *raw = raw_room(d, pixels);
    int r = d->source->next(d->source, item->id, raw, item, e);
    raw_done(d, raw, pixels, r > 0 && taken);
    if (r <= 0)
        return r;
    if (settle(d, item, e) != 0)
        return -1;
    learn(d, item);
    d->next++;
    return 1;
}

int data_next(struct data *d, uint8_t *pixels, struct data_item *item, struct err *e)
{
    const int64_t id = subset_next(&d->subset, d->next);
    if (id == INT64_MAX || (!d->stream && id >= d->source->count))
        return 0;
    if (d->stream) {
        int r;
        while ((r = stream_next(d, pixels, item, e)) > 0 && item->id < id)
            ;
        return r;
    }
    d->next = id + 1;
    int r = image_at(d, id, pixels, item, e);
    return r == 0 ? 1 : r;
}

int data_try(const struct data *d, int64_t id, uint8_t *pixels, struct data_item *item,
             struct err *e)
{
    if (d->stream)
        return err_set(e, "%s: expected a file to take image %lld from, found a stream", d->name,
                       (long long)id);
    if (d->source->count == 0)
        return err_set(e, "%s: expected images, found none", d->name);
    if (id < 0 || id >= d->source->count)
        return err_set(e, "%s: expected an image from 0 to %lld, found the id %lld", d->name,
                       (long long)d->source->count - 1, (long long)id);
    return image_at(d, id, pixels, item, e);
}

int data_by_id(const struct data *d, struct err *e)
{
    return data_count(d) >= 0
               ? 0
               : err_set(e, "%s: expected a file or a folder, found a pipe: images are taken by id",
                         data_name(d));
}

int data_at(const struct data *d, int64_t id, uint8_t *pixels, struct data_item *item,
            struct err *e)
{
    return data_try(d, id, pixels, item, e) == 0 ? 0 : -1;
}
