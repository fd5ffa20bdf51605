/* Folders of images: class folders, numbered and sorted as torchvision's
 * ImageFolder does it, or images without labels. Only the names are held. */
#include "data/annotations.h"
#include "data/source.h"

#include "base/mem.h"
#include "base/prog.h"
#include "image/image.h"
#include "data/names_file.h"
#include "image/resample.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    SIDE = 32,         /* of images where no other size is asked for */
    DEPTH = 32,        /* of folders in a class folder */
    FOLDERS = 1 << 17, /* in all */
    ENDINGS = 32,      /* of ignored files that are told apart */
    ENDING = 12        /* bytes of one, with its end */
};

/* Where an image lies: texts are offsets. */
struct entry {
    uint32_t place; /* of its folder */
    int label;
    size_t file;
};

/* Ignored files that end alike. */
struct ending {
    char text[ENDING];
    int64_t files;
};

/* What systems leave behind, of which the last stands for all that is hidden: neither classes
 * nor images. */
static const char *const litter[] = {"__MACOSX",    "@eaDir",    "Thumbs.db",
                                     "desktop.ini", ".DS_Store", "hidden"};
enum { LITTER = sizeof litter / sizeof *litter, HIDDEN = LITTER - 1 };

/* How many of each there are: files, and folders. */
struct litter {
    int64_t n[LITTER][2];
};

struct folder {
    struct source base;
    struct geometry size;
    char *text; /* names, each with its end */
    size_t used, room;
    size_t *place; /* [places]: paths of folders */
    int places;
    struct entry *entry;            /* [base.count] */
    struct ending ignored[ENDINGS]; /* [endings]; the first of all that have no other */
    int endings;
    struct litter litter;
    int64_t beside;       /* images beside class folders */
    atomic_bool *resized; /* one was of another size; threads set it */
};

/* --- names --- */

bool folder_is_image(const char *name)
{
    static const char *const endings[] = {".png", ".jpg", ".jpeg", ".webp", ".bmp"};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof endings / sizeof *endings; i++)
        if (strcasecmp(dot, endings[i]) == 0)
            return true;
    return false;
}

/* Its place in `litter`, or -1. */
static int find_litter(const char *name)
{
    for (int i = 0; i < HIDDEN; i++)
        if (strcasecmp(name, litter[i]) == 0)
            return i;
    return name[0] == '.' ? HIDDEN : -1;
}

static size_t add_text(struct folder *f, const char *s)
{
    size_t n = strlen(s) + 1, at = f->used;
    if (n > f->room - f->used) {
        f->room = 2 * f->room + n + 4096;
        f->text = mem_grow(f->text, f->room, 1);
    }
    memcpy(f->text + at, s, n);
    f->used += n;
    return at;
}

static int add_place(struct folder *f, const char *path, struct err *e)
{
    if (f->places == FOLDERS)
        return err_set(e, "%s: expected at most %d folders, found more", f->base.path, FOLDERS);
    f->place = mem_extend(f->place, (size_t)f->places, (size_t)f->places + 1, sizeof *f->place);
    f->place[f->places++] = add_text(f, path);
    return 0;
}

static void add_entry(struct folder *f, int label, const char *file)
{
    size_t n = (size_t)f->base.count;
    f->entry = mem_extend(f->entry, n, n + 1, sizeof *f->entry);
    f->entry[f->base.count++] = (struct entry){(uint32_t)f->places - 1, label, add_text(f, file)};
    prog_progress("images listed", f->base.count, 0);
}

/* --- reading one folder --- */

struct listing {
    char **file, **folder; /* sorted by bytes */
    char **other;          /* files that are no images */
    size_t files, folders, others;
    struct litter litter;
};

static void list_free(char **list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(list[i]);
    free(list);
}

static void listing_free(struct listing *l)
{
    list_free(l->file, l->files);
    list_free(l->folder, l->folders);
    list_free(l->other, l->others);
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void push(char ***list, size_t *n, const char *name)
{
    *list = mem_extend(*list, *n, *n + 1, sizeof **list);
    (*list)[(*n)++] = mem_dup(name);
}

static bool is_folder(DIR *dir, const struct dirent *d)
{
    struct stat st;
    if (d->d_type != DT_LNK && d->d_type != DT_UNKNOWN)
        return d->d_type == DT_DIR;
    return fstatat(dirfd(dir), d->d_name, &st, 0) == 0 && S_ISDIR(st.st_mode);
}

static int fail_errno(const char *path, struct err *e)
{
    int why = errno;
    char *shown = names_shown(path, false);
    errno = why;
    err_record_errno(e, "%s", shown);
    free(shown);
    return -1;
}

static int list(struct listing *l, const char *path, struct err *e)
{
    *l = (struct listing){0};
    DIR *dir = opendir(path);
    if (!dir)
        return fail_errno(path, e);
    const struct dirent *d;
    while ((errno = 0, d = readdir(dir))) {
        int left = find_litter(d->d_name);
        if (left >= 0)
            l->litter.n[left][is_folder(dir, d)] +=
                strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0;
        else if (is_folder(dir, d))
            push(&l->folder, &l->folders, d->d_name);
        else if (folder_is_image(d->d_name))
            push(&l->file, &l->files, d->d_name);
        else
            push(&l->other, &l->others, d->d_name);
    }
    int r = errno ? fail_errno(path, e) : 0;
    closedir(dir);
    if (l->files)
        qsort(l->file, l->files, sizeof *l->file, by_bytes);
    if (l->folders)
        qsort(l->folder, l->folders, sizeof *l->folder, by_bytes);
    if (r != 0)
        listing_free(l);
    return r;
}

/* --- what is ignored --- */

/* ".gif" of "a.GIF"; what is long or holds other bytes than letters and digits is none. */
static void ending_of(char text[ENDING], const char *name)
{
    const char *dot = strrchr(name, '.');
    size_t n = dot ? strlen(dot) : 0;
    text[0] = '\0';
    if (n < 2 || n >= ENDING)
        return;
    for (size_t i = 1; i < n; i++)
        if (!isalnum((unsigned char)dot[i]))
            return;
    for (size_t i = 0; i <= n; i++)
        text[i] = (char)tolower((unsigned char)dot[i]);
}

static void count_ignored(struct folder *f, const struct listing *l)
{
    for (int i = 0; i < LITTER; i++)
        for (int k = 0; k < 2; k++)
            f->litter.n[i][k] += l->litter.n[i][k];
    for (size_t i = 0; i < l->others; i++) {
        char text[ENDING];
        int k = 1;
        ending_of(text, l->other[i]);
        while (k < f->endings && strcmp(f->ignored[k].text, text) != 0)
            k++;
        if (!text[0] || k == ENDINGS)
            k = 0;
        else if (k == f->endings)
            memcpy(f->ignored[f->endings++].text, text, ENDING);
        f->ignored[k].files++;
    }
}

static int by_files(const void *a, const void *b)
{
    const struct ending *x = a, *y = b;
    if (x->files != y->files)
        return x->files < y->files ? 1 : -1;
    return strcmp(x->text, y->text);
}

static void put_kind(FILE *to, int64_t n, const char *kind, const char *end)
{
    if (n > 0)
        fprintf(to, "%s%lld %s%s", ftell(to) > 0 ? ", " : "", (long long)n, kind, end);
}

/* "12 files and 1 folder ignored: 10 .gif, 2 without a known ending, 1 __MACOSX/", or NULL. Caller
 * frees. */
static char *ignored_text(struct folder *f)
{
    int64_t files = f->beside, folders = 0;
    char *kinds = NULL, *text = NULL;
    size_t n;
    FILE *to = open_memstream(&kinds, &n);
    if (!to)
        return mem_dup("files ignored");
    qsort(f->ignored, (size_t)f->endings, sizeof *f->ignored, by_files);
    for (int k = 0; k < f->endings; k++) {
        const struct ending *x = &f->ignored[k];
        put_kind(to, x->files, x->text[0] ? x->text : "without a known ending", "");
        files += x->files;
    }
    for (int k = 0; k < LITTER; k++) {
        put_kind(to, f->litter.n[k][0], litter[k], "");
        put_kind(to, f->litter.n[k][1], litter[k], "/");
        files += f->litter.n[k][0];
        folders += f->litter.n[k][1];
    }
    put_kind(to, f->beside, "beside the class folders", "");
    fclose(to);
    char *some = files > 0 ? mem_printf("%lld file%s", (long long)files, files == 1 ? "" : "s")
                           : mem_dup(""),
         *more = folders > 0
                     ? mem_printf("%lld folder%s", (long long)folders, folders == 1 ? "" : "s")
                     : mem_dup("");
    if (files + folders > 0)
        text = mem_printf("%s%s%s ignored: %s", some, *some && *more ? " and " : "", more, kinds);
    free(some);
    free(more);
    free(kinds);
    return text;
}

/* --- class folders --- */

/* A folder on the way down, so that a link back up is seen. */
struct step {
    const struct step *above;
    dev_t dev;
    ino_t ino;
    int depth;
};

static int step_down(struct step *s, const struct step *above, const char *path, struct err *e)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return fail_errno(path, e);
    *s = (struct step){above, st.st_dev, st.st_ino, above ? above->depth + 1 : 0};
    const char *found = s->depth > DEPTH ? "folders nested deeper than 32" : NULL;
    for (const struct step *a = above; a && !found; a = a->above)
        if (a->dev == s->dev && a->ino == s->ino)
            found = "a link to a folder above it";
    if (!found)
        return 0;
    char *shown = names_shown(path, false);
    err_record(e, "%s: expected a folder of images, found %s", shown, found);
    free(shown);
    return -1;
}

/* The images of a folder and of those in it. */
static int walk(struct folder *f, const char *path, int label, const struct step *above,
                struct err *e)
{
    struct step here;
    struct listing l;
    if (step_down(&here, above, path, e) != 0 || add_place(f, path, e) != 0 ||
        list(&l, path, e) != 0)
        return -1;
    count_ignored(f, &l);
    for (size_t i = 0; i < l.files; i++)
        add_entry(f, label, l.file[i]);
    int r = 0;
    for (size_t i = 0; i < l.folders && r == 0; i++) {
        char *inner = mem_printf("%s/%s", path, l.folder[i]);
        r = walk(f, inner, label, &here, e);
        free(inner);
    }
    listing_free(&l);
    return r;
}

/* What by_place() reads: qsort_r() would take it, in another place on each system. */
static _Thread_local const struct folder *sorted;

/* By the path of the folder, then by name: the order of sorted(os.walk(...)). */
static int by_place(const void *a, const void *b)
{
    const struct folder *f = sorted;
    const struct entry *x = a, *y = b;
    if (x->place != y->place)
        return strcmp(f->text + f->place[x->place], f->text + f->place[y->place]);
    return strcmp(f->text + x->file, f->text + y->file);
}

static int read_class(struct folder *f, const char *name, const struct step *above, struct err *e)
{
    struct names *n = f->base.own;
    int64_t first = f->base.count;
    int places = f->places;
    if (n->classes == NAMES_CLASSES)
        return err_set(e, "%s: expected at most %d class folders, found more", f->base.path,
                       NAMES_CLASSES);
    int label = n->classes;
    char *path = mem_printf("%s/%s", f->base.path, name);
    names_add(n, names_shown(name, true));
    int r = walk(f, path, label, above, e);
    if (r == 0 && f->places > places + 1) {
        sorted = f;
        qsort(f->entry + first, (size_t)(f->base.count - first), sizeof *f->entry, by_place);
    }
    free(path);
    return r;
}

static int read_classes(struct folder *f, const struct listing *top, struct err *e)
{
    struct step here;
    if (step_down(&here, NULL, f->base.path, e) != 0)
        return -1;
    f->base.own = names_new(0, 0);
    for (size_t i = 0; i < top->folders; i++)
        if (read_class(f, top->folder[i], &here, e) != 0)
            return -1;
    f->base.classes = f->base.own->classes;
    return 0;
}

/* --- Tiny ImageNet --- */

/* The images of a file of annotations: 1, 0 where there is none, -1. */
static int read_annotated(struct folder *f, const struct data_opts *o, struct err *e)
{
    struct annotations a;
    int r = annotations_read(&a, f->base.path, o->inputs, e);
    if (r != 1)
        return r;
    r = add_place(f, a.folder, e) == 0 ? 1 : -1;
    for (size_t i = 0; i < a.n && r == 1; i++)
        add_entry(f, a.image[i].label, a.image[i].file);
    f->base.kind = "tiny-imagenet";
    f->base.usual = a.names;
    f->base.classes = a.names->classes;
    a.names = NULL;
    annotations_free(&a);
    return r;
}

/* --- splits --- */

static const char *const splits[] = {"test", "val", "valid", "train"};
enum { SPLITS = sizeof splits / sizeof *splits, TRAIN = SPLITS - 1 };

/* Whether all folders are parts of one data set, of which one is not for training. */
static bool is_split(const struct listing *top)
{
    bool other = false;
    for (size_t i = 0; i < top->folders; i++) {
        int k = 0;
        while (k < SPLITS && strcmp(top->folder[i], splits[k]) != 0)
            k++;
        if (k == SPLITS)
            return false;
        other = other || k != TRAIN;
    }
    return other;
}

/* The first part with class folders, or else with images. */
static int find_split(char **path, const char *folder, struct err *e)
{
    char *flat = NULL, *noted = mem_printf("%s/val/" ANNOTATIONS_FILE, folder);
    const bool tiny = access(noted, F_OK) == 0;
    free(noted);
    if (tiny) {
        *path = mem_printf("%s/val", folder);
        return 0;
    }
    for (int k = 0; k < TRAIN; k++) {
        struct listing l;
        struct stat st;
        char *part = mem_printf("%s/%s", folder, splits[k]);
        if (stat(part, &st) != 0 || !S_ISDIR(st.st_mode)) {
            free(part);
            continue;
        }
        if (list(&l, part, e) != 0) {
            free(part);
            free(flat);
            return -1;
        }
        bool classes = l.folders > 0, images = l.files > 0;
        listing_free(&l);
        if (classes) {
            free(flat);
            *path = part;
            return 0;
        }
        if (images && !flat)
            flat = part;
        else
            free(part);
    }
    *path = flat;
    return flat ? 0
                : err_set(e, "%s: expected images in test, val or valid, found none there", folder);
}

int folder_find(char **path, const char *folder, struct err *e)
{
    struct listing top;
    if (list(&top, folder, e) != 0)
        return -1;
    int r = 0;
    if (is_split(&top))
        r = find_split(path, folder, e);
    else
        *path = mem_dup(folder);
    listing_free(&top);
    return r;
}

/* --- reading images --- */

/* What has nothing to do with the file. */
static bool is_ours(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOMEM;
}

/* The whole file: what is no regular file, such as a pipe, would keep us waiting. 0, -1,
 * or DATA_DAMAGED. */
static int slurp(unsigned char **bytes, size_t *n, const char *path, const char *shown,
                 struct err *e)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        int r = is_ours(errno) ? -1 : DATA_DAMAGED;
        err_record_errno(e, "%s", shown);
        return r;
    }
    int r = 0;
    if (fstat(fd, &st) != 0)
        r = err_errno(e, "%s", shown);
    else if (!S_ISREG(st.st_mode))
        r = err_set(e, "%s: expected an image, found no regular file", shown);
    else if (st.st_size > IMAGE_BYTES)
        r = err_set(e, "%s: expected at most %d bytes, found %lld", shown, IMAGE_BYTES,
                    (long long)st.st_size);
    *n = 0;
    *bytes = r == 0 ? mem_alloc((size_t)st.st_size, 1) : NULL;
    while (r == 0 && *n < (size_t)st.st_size) {
        ssize_t got = read(fd, *bytes + *n, (size_t)st.st_size - *n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            r = err_errno(e, "%s: read", shown);
        else if (got == 0)
            r = err_set(e, "%s: expected %lld bytes, found %zu", shown, (long long)st.st_size, *n);
        else
            *n += (size_t)got;
    }
    close(fd);
    if (r != 0)
        free(*bytes);
    return r == 0 ? 0 : DATA_DAMAGED;
}

/* Which size the model was trained on can only be guessed. */
static int wrong_size(const struct folder *f, const struct image *im, const char *shown,
                      struct err *e)
{
    enum { ROOM = 40 };
    char option[2][ROOM], variable[2][ROOM];
    const char *give[2];
    const int side[2] = {f->base.side, im->h};
    for (int i = 0; i < 2; i++) {
        snprintf(option[i], ROOM, "--resize %dx%d", side[i], side[i]);
        snprintf(variable[i], ROOM, "RESIZE=%dx%d", side[i], side[i]);
        give[i] = prog_option(option[i], variable[i]);
    }
    err_record(e,
               "%s: expected an image of %d by %d pixels, found %d by %d (height by width): give "
               "the size that the model was trained on, such as %s",
               shown, f->base.h, f->base.w, im->h, im->w, give[0]);
    size_t n = strlen(e->msg);
    if (im->h == im->w && im->h <= RESAMPLE_SIDE && im->h != f->base.side)
        snprintf(e->msg + n, sizeof e->msg - n, ", or %s to keep images of this size as they are",
                 give[1]);
    return -1;
}

/* Images of different shapes come out in different sizes. */
static int not_square(const struct folder *f, const struct image *im, const char *shown,
                      struct err *e)
{
    char option[32], variable[32];
    snprintf(option, sizeof option, "--crop %d", f->size.shorter);
    snprintf(variable, sizeof variable, "CROP=%d", f->size.shorter);
    return err_set(
        e,
        "%s: expected a square image, whose sides all are %d after resizing, found %d by "
        "%d (height by width): give %s or another crop",
        shown, f->size.shorter, im->h, im->w, prog_option(option, variable));
}

static int put_image(const struct folder *f, const struct image *im, uint8_t *pixels,
                     const char *shown, struct err *e)
{
    int h, w;
    geometry_size(&f->size, im->h, im->w, &h, &w);
    if (im->h != f->base.h || im->w != f->base.w)
        atomic_store(f->resized, true);
    if (h == f->base.h && w == f->base.w)
        geometry_run(&f->size, im->pixels, im->h, im->w, pixels);
    else if (f->size.shorter)
        return not_square(f, im, shown, e);
    else
        return wrong_size(f, im, shown, e);
    return 0;
}

static bool folder_resized(const struct source *s)
{
    return atomic_load(((const struct folder *)s)->resized);
}

static char *folder_path(const struct source *s, int64_t id)
{
    const struct folder *f = (const struct folder *)s;
    const struct entry *x = &f->entry[id];
    return mem_printf("%s/%s", f->text + f->place[x->place], f->text + x->file);
}

static int folder_at(const struct source *s, int64_t id, uint8_t *pixels, struct data_item *item,
                     struct err *e)
{
    const struct folder *f = (const struct folder *)s;
    const struct entry *x = &f->entry[id];
    item->label = x->label;
    item->superclass = -1;
    if (!pixels)
        return 0;
    char *path = folder_path(s, id), *shown = names_shown(path, false);
    unsigned char *bytes;
    size_t n;
    struct image im;
    int r = slurp(&bytes, &n, path, shown, e);
    if (r == 0) {
        r = image_decode(&im, bytes, n, shown, e) == 0 ? 0 : DATA_DAMAGED;
        item->turned = r == 0 && image_orientation(bytes, n) != 1;
        free(bytes);
    }
    if (r == 0) {
        item->whitened = im.whitened;
        r = put_image(f, &im, pixels, shown, e);
        image_free(&im);
    }
    free(path);
    free(shown);
    return r;
}

static void folder_close(struct source *s)
{
    struct folder *f = (struct folder *)s;
    names_free(f->base.own);
    names_free(f->base.usual);
    free(f->resized);
    free(f->base.path);
    free(f->text);
    free(f->place);
    free(f->entry);
    free(f);
}

/* --- opening --- */

/* Labels of images without class folders, in the order of their names. */
static int take_labels(struct folder *f, const char *labels, struct err *e)
{
    int *label;
    int64_t n;
    if (labels_load(&label, &n, labels, e) != 0)
        return -1;
    int r = 0;
    if (n != f->base.count)
        r = err_set(e, "%s: expected %lld labels, one for each image of %s, found %lld", labels,
                    (long long)f->base.count, f->base.path, (long long)n);
    for (int64_t i = 0; i < n && r == 0; i++)
        f->entry[i].label = label[i];
    free(label);
    return r;
}

static int read_flat(struct folder *f, const struct listing *top, const char *labels, struct err *e)
{
    if (add_place(f, f->base.path, e) != 0)
        return -1;
    for (size_t i = 0; i < top->files; i++)
        add_entry(f, -1, top->file[i]);
    f->base.classes = NAMES_CLASSES;
    return labels ? take_labels(f, labels, e) : 0;
}

static int read_all(struct folder *f, const struct listing *top, const char *labels, struct err *e)
{
    count_ignored(f, top);
    if (top->folders > 0 && read_classes(f, top, e) != 0)
        return -1;
    if (f->base.count > 0) {
        f->beside = (int64_t)top->files;
        if (labels)
            return err_set(e, "%s: expected labels from --labels or from class folders, found both",
                           f->base.path);
        return 0;
    }
    names_free(f->base.own);
    f->base.own = NULL;
    f->used = 0;
    f->places = 0;
    if (top->files > 0)
        return read_flat(f, top, labels, e);
    char *ignored = ignored_text(f);
    err_record(e,
               "%s: expected a folder with test.bin, test_batch.bin, test or test_batch, with "
               "cifar-100-binary or cifar-100-python in it, or with images (.png, .jpg, .jpeg, "
               ".webp, .bmp) in it or in class folders, found none of them%s%s",
               f->base.path, ignored ? "; " : "", ignored ? ignored : "");
    free(ignored);
    return -1;
}

static void tell(struct folder *f, const struct data_opts *o)
{
    const int classes = f->base.own ? f->base.own->classes : 0;
    char *what = classes ? mem_printf(" in %d class folders", classes)
                 : f->base.usual
                     ? mem_printf(" of %d classes by " ANNOTATIONS_FILE, f->base.usual->classes)
                     : mem_dup("");
    char *text = mem_printf("%s: %lld images%s", f->base.path, (long long)f->base.count, what);
    if (o->note)
        o->note(text);
    free(text);
    free(what);
    char *ignored = o->warn ? ignored_text(f) : NULL;
    text = mem_printf("%s: %s", f->base.path, ignored ? ignored : "");
    if (ignored)
        o->warn(text);
    free(text);
    free(ignored);
}

int source_folder(struct source **out, const char *path, const struct data_opts *o, struct err *e)
{
    struct folder *f = mem_zero(1, sizeof *f);
    int h = SIDE, w = SIDE;
    f->size = o->size;
    f->resized = mem_alloc(1, sizeof *f->resized);
    atomic_init(f->resized, false);
    if (!geometry_fixed(&f->size, &h, &w) && f->size.shorter)
        h = w = f->size.shorter;
    f->endings = 1;
    f->base = (struct source){
        .kind = "folder",
        .path = mem_dup(path),
        .h = h,
        .w = w,
        .sized = true,
        .side = SIDE,
        .at = folder_at,
        .resized = folder_resized,
        .path_of = folder_path,
        .close = folder_close,
    };
    struct listing top;
    int r = o->labels ? 0 : read_annotated(f, o, e);
    if (r == 1)
        r = 0;
    else if (r == 0 && (r = list(&top, path, e)) == 0) {
        r = read_all(f, &top, o->labels, e);
        listing_free(&top);
    }
    prog_progress_end();
    if (r != 0) {
        folder_close(&f->base);
        return -1;
    }
    tell(f, o);
    *out = &f->base;
    return 0;
}
