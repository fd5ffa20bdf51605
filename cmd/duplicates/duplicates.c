/* duplicates: images that are there more than once. See duplicates(1). */
#include "base/io.h"
#include "base/mem.h"
#include "base/prog.h"
#include "neighbors/duplicates.h"
#include "rows/predictions.h"
#include "rows/put.h"
#include "stats/share.h"
#include "stream/tsv.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *against, *neighbors, *against_neighbors, *predictions, *summary, *found,
    *class_names;
static struct geometry_opts size_words;
static bool skip_damaged;
static int64_t threads;
static double shifted = 0.95, near = 0.75, embedding = 0.02;
static struct data_opts data_opts[2] = {{.note = prog_note, .warn = prog_note},
                                        {.note = prog_note, .warn = prog_note}};

static const struct opt options[] = {
    {"against", 0, OPT_STRING, &against, "PATH",
     "Look among these images, too: the training set, such as cifar-100-python/train.", 0, 0},
    {"labels", 0, OPT_STRING, &data_opts[0].labels, "FILE",
     "Labels of images in .npy or in a folder without class folders.", 0, 0},
    {"against-labels", 0, OPT_STRING, &data_opts[1].labels, "FILE", "The same of --against.", 0, 0},
    {"names", 0, OPT_STRING, &class_names, "PATH",
     "The names of the classes, as for cifar-predict.", 0, 0},
    {"neighbors", 0, OPT_STRING, &neighbors, "FILE",
     "Compare these pairs, too: rows of neighbors for the images.", 0, 0},
    {"against-neighbors", 0, OPT_STRING, &against_neighbors, "FILE",
     "The same of neighbors --among the images of --against.", 0, 0},
    {"embedding", 0, OPT_FLOAT, &embedding, "D",
     "A pair of --neighbors at this distance or nearer is alike where its pixels do not show more. "
     "Default: 0.02.",
     0, 0},
    {"shifted", 0, OPT_FLOAT, &shifted, "R",
     "Least correlation of the details of a shifted pair. Default: 0.95.", 0, 0},
    {"near", 0, OPT_FLOAT, &near, "R", "The same of a near pair. Default: 0.75.", 0, 0},
    GEOMETRY_OPTS(size_words, GEOMETRY_HELP),
    {"skip-damaged", 0, OPT_FLAG, &skip_damaged, NULL,
     "Leave out images whose file cannot be read. Default: the first one is an error.", 0, 0},
    {"predictions", 0, OPT_STRING, &predictions, "FILE",
     "Rows of cifar-predict for the images, for --summary.", 0, 0},
    {"summary", 0, OPT_STRING, &summary, "FILE",
     "Write the accuracy of --predictions with and without the duplicates into this table, too.", 0,
     0},
    {"found", 0, OPT_STRING, &found, "FILE",
     "Rows that duplicates has written before: --summary is made from them, and no image is read.",
     0, 0},
    {"threads", 0, OPT_INT, &threads, "N", "Threads. Default: 0, one per core.", 0, 1024},
    {NULL, 0, OPT_FLAG, NULL, NULL, NULL, 0, 0},
};

static const char *const examples[] = {
    "duplicates cifar-100-python",
    "duplicates --against train.bin test.bin > d.tsv; worst-k --skip d.tsv predictions.tsv",
    "neighbors --count 3 e.npy | duplicates --neighbors - test.bin",
    "duplicates --found d.tsv --predictions other.tsv --summary s.tsv",
    NULL,
};

static const struct prog_lack lacks[] = {
    {"shard", "each image is compared with all others, so that one run takes all images"},
    {NULL, NULL},
};

static const struct prog prog = {
    .name = "duplicates",
    .brief = "Find images that are there more than once",
    .operands = "[DATA]",
    .opts = options,
    .examples = examples,
    .general = true,
    .lacks = lacks,
};

static const char *const set_word[] = {"inside", "against"};

/* What the summary needs of a pair. */
struct pair {
    int64_t id;
    bool against, copy; /* its pixels show that it is the same picture, */
    bool near;          /* or one that is about so */
    int same_label;     /* 1, 0, or -1 where that is not known */
};

struct job {
    struct image_set set[2];
    struct duplicate *list;
    struct pair *pair; /* [n] */
    size_t n;
    bool names_differ; /* of the two sets' classes */
};

/* --- finding --- */

struct hints {
    struct duplicate_hint *list;
    size_t n;
};

static int read_rows(struct hints *h, struct tsv_in *t, struct err *e)
{
    int id = tsv_need(t, "id", e), other = id < 0 ? -1 : tsv_need(t, "neighbor", e),
        distance = other < 0 ? -1 : tsv_need(t, "distance", e), got;
    if (distance < 0)
        return -1;
    while ((got = tsv_next(t, e)) > 0) {
        struct duplicate_hint a;
        if (tsv_int(t, id, 0, INT64_MAX, &a.id, e) != 0 ||
            tsv_int(t, other, 0, INT64_MAX, &a.other, e) != 0 ||
            tsv_real(t, distance, &a.distance, e) != 0)
            return -1;
        h->list = mem_extend(h->list, h->n, h->n + 1, sizeof *h->list);
        h->list[h->n++] = a;
    }
    return got;
}

static int read_hints(struct hints *h, const char *path, struct err *e)
{
    struct tsv_in *t;
    if (!path)
        return 0;
    if (tsv_open(&t, path, e) != 0)
        return -1;
    int r = read_rows(h, t, e);
    tsv_close(t);
    return r;
}

/* A folder stands for its test split, of which --against would tell nothing. */
static int check_sets(const struct job *j, struct err *e)
{
    int64_t same = 0;
    for (size_t i = 0; i < j->n; i++)
        same += j->list[i].against && j->list[i].kind == DUPLICATE_EXACT &&
                j->list[i].image->id == j->list[i].other->id;
    return same > 1 && same == j->set[0].n && same == j->set[1].n
               ? err_set(e,
                         "%s: expected other images than those of %s, found the same: name the "
                         "training set's file, such as cifar-100-python/train",
                         data_name(j->set[1].data), data_name(j->set[0].data))
               : 0;
}

static int find(struct job *j, const char *path, struct err *e)
{
    const char *const paths[] = {path, against};
    const char *const hint_paths[] = {neighbors, against_neighbors};
    const struct duplicates_opts o = {.shifted = shifted,
                                      .near = near,
                                      .embedding = embedding,
                                      .skip_damaged = skip_damaged,
                                      .threads = (int)threads};
    for (int i = 0; i < 2 && paths[i]; i++)
        if (image_set_read(&j->set[i], paths[i], &data_opts[i], &o, e) != 0)
            return -1;
    for (int i = 0; i < 2 && paths[i]; i++) {
        struct hints h = {0};
        if (j->set[i].damaged > 0 && prog_alone())
            prog_say("%s: %" PRId64 " images cannot be read and are left out", io_name(paths[i]),
                     j->set[i].damaged);
        if (read_hints(&h, hint_paths[i], e) != 0 ||
            duplicates_find(&j->set[0], i == 0 ? NULL : &j->set[1], h.list, h.n, &o, &j->list,
                            &j->n, e) != 0)
            return -1;
        free(h.list);
    }
    return check_sets(j, e);
}

/* --- what is found --- */

static const char *name_of(const struct image_set *s, int label)
{
    const struct names *names = data_names(s->data);
    return label >= 0 && label < names->classes ? names->name[label] : NULL;
}

/* Whether a number means the same class in both sets. */
static bool same_classes(const struct job *j)
{
    const struct names *a = data_names(j->set[0].data), *b = data_names(j->set[1].data);
    for (int i = 0; i < a->classes && i < b->classes; i++)
        if (a->name[i] && b->name[i] && strcmp(a->name[i], b->name[i]) != 0)
            return false;
    return true;
}

/* Whether the labels are the same: 1, 0, or -1 where that is not known. */
static int same_label(const struct job *j, const struct duplicate *d)
{
    if (d->image->label < 0 || d->other->label < 0 || (d->against && j->names_differ))
        return -1;
    return d->image->label == d->other->label;
}

static const struct job *sorted; /* for qsort */

/* Whether its pixels show that it is the same picture. */
static bool is_copy(const struct duplicate *d)
{
    return d->kind != DUPLICATE_ALIKE;
}

/* Different labels first, then by kind, set, correlation and ids. */
static int by_interest(const void *a, const void *b)
{
    const struct duplicate *x = a, *y = b;
    int p = same_label(sorted, x) != 0, q = same_label(sorted, y) != 0;
    if (is_copy(x) != is_copy(y))
        return is_copy(y) - is_copy(x);
    if (p != q)
        return p - q;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    if (x->against != y->against)
        return x->against - y->against;
    if (x->correlation != y->correlation)
        return x->correlation > y->correlation ? -1 : 1;
    if (x->image->id != y->image->id)
        return x->image->id < y->image->id ? -1 : 1;
    return (x->other->id > y->other->id) - (x->other->id < y->other->id);
}

static int write_list(const struct job *j, struct out *o, struct err *e)
{
    struct tsv_out *t = tsv_begin(o, "id other set kind distance dy dx embedding_distance true "
                                     "other_true same_label true_name other_name");
    int r = 0;
    for (size_t i = 0; i < j->n && r == 0; i++) {
        const struct duplicate *d = &j->list[i];
        const bool measured = d->correlation > -1;
        tsv_put_int(t, d->image->id);
        tsv_put_int(t, d->other->id);
        tsv_put_string(t, set_word[d->against]);
        tsv_put_string(t, duplicate_word(d->kind));
        tsv_put_real(t, measured ? fmax(1 - d->correlation, 0) : NAN);
        if (measured) {
            tsv_put_int(t, d->dy);
            tsv_put_int(t, d->dx);
        } else {
            tsv_put_string(t, NULL);
            tsv_put_string(t, NULL);
        }
        tsv_put_real(t, d->embedding);
        put_class(t, d->image->label);
        put_class(t, d->other->label);
        put_class(t, same_label(j, d));
        tsv_put_string(t, name_of(&j->set[0], d->image->label));
        tsv_put_string(t, name_of(&j->set[d->against], d->other->label));
        r = tsv_end(t, e);
    }
    tsv_free(t);
    return r;
}

/* --- the summary --- */

struct count {
    int64_t images, correct;
};

struct summary {
    struct count all, with[2]; /* those that have a duplicate, by its set, */
    int64_t near[2];           /* of them those whose duplicates are all merely near */
    int64_t different[2];      /* pairs under two labels */
};

static int by_id(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static int image_by_id(const void *id, const void *image)
{
    const struct set_image *x = image;
    return (*(const int64_t *)id > x->id) - (*(const int64_t *)id < x->id);
}

static bool has(const int64_t *list, size_t n, int64_t id)
{
    return n > 0 && bsearch(&id, list, n, sizeof id, by_id);
}

/* `id`: of those that are the same picture, and of those that are near, by set. */
static int count_rows(const struct image_set *set, struct summary *s, struct tsv_in *t,
                      const int64_t *const id[2][2], const size_t n[2][2], struct err *e)
{
    struct prediction_cols cols = {.classes = STATS_CLASSES, .seen = seen_new()};
    struct prediction a;
    int r;
    if (prediction_find(&cols, t,
                        1u << PREDICTION_ID | 1u << PREDICTION_TRUE | 1u << PREDICTION_PRED, 0,
                        e) != 0)
        return -1;
    while ((r = prediction_next(&cols, t, &a, e)) > 0) {
        if (!found &&
            !bsearch(&a.id, set->image, (size_t)set->n, sizeof *set->image, image_by_id)) {
            r = tsv_error(t, e, "id %lld: expected the id of an image of %s, found none",
                          (long long)a.id, data_name(set->data));
            break;
        }
        if (a.truth < 0)
            continue;
        s->all.images++;
        s->all.correct += a.pred == a.truth;
        for (int k = 0; k < 2; k++) {
            const bool sure = has(id[k][0], n[k][0], a.id),
                       any = sure || has(id[k][1], n[k][1], a.id);
            s->with[k].images += any;
            s->with[k].correct += any && a.pred == a.truth;
            s->near[k] += any && !sure;
        }
    }
    if (r == 0)
        r = seen_end(cols.seen, prog_say, e);
    seen_free(cols.seen);
    return r;
}

static int summarize(const struct job *j, struct summary *s, struct err *e)
{
    int64_t *id[2][2];
    size_t n[2][2] = {{0}};
    struct tsv_in *t;
    for (int k = 0; k < 2; k++)
        for (int about = 0; about < 2; about++) {
            int64_t *list = id[k][about] = mem_alloc(j->n + 1, sizeof *list);
            size_t *at = &n[k][about];
            for (size_t i = 0; i < j->n; i++) {
                const struct pair *p = &j->pair[i];
                if (p->against != k || !p->copy || p->near != about)
                    continue;
                list[(*at)++] = p->id;
                s->different[k] += p->same_label == 0;
            }
            qsort(list, *at, sizeof *list, by_id);
        }
    int r = tsv_open(&t, predictions, e);
    if (r == 0) {
        r = count_rows(&j->set[0], s, t,
                       (const int64_t *const[2][2]){{id[0][0], id[0][1]}, {id[1][0], id[1][1]}},
                       (const size_t(*)[2])n, e);
        if (r == 0 && s->all.images == 0)
            r = err_set(e, "%s: expected rows with a true class, found none", tsv_name(t));
        tsv_close(t);
    }
    for (int i = 0; i < 4; i++)
        free(id[i / 2][i % 2]);
    return r;
}

static int put_share(struct tsv_out *t, const char *name, const char *set, int64_t count,
                     int64_t of, struct err *e)
{
    double low, high;
    char *whole = mem_printf("%s%s%s", name, *set ? "_" : "", set);
    share_interval(count, of, &low, &high);
    tsv_put_string(t, whole);
    free(whole);
    tsv_put_real(t, share_of(count, of));
    tsv_put_int(t, count);
    tsv_put_int(t, of);
    tsv_put_real(t, of > 0 ? low : NAN);
    tsv_put_real(t, of > 0 ? high : NAN);
    return tsv_end(t, e);
}

static int write_summary(const struct job *j, const struct summary *s, struct out *o, struct err *e)
{
    struct tsv_out *t = tsv_begin(o, "name value count of low high");
    int r = put_share(t, "accuracy", "", s->all.correct, s->all.images, e);
    for (int k = 0; k < (against ? 2 : 1) && r == 0; k++) {
        const struct count *w = &s->with[k];
        int64_t pairs = 0;
        for (size_t i = 0; i < j->n; i++)
            pairs += j->pair[i].against == k && j->pair[i].copy && j->pair[i].same_label >= 0;
        r = put_share(t, "duplicates", set_word[k], w->images, s->all.images, e);
        if (r == 0)
            r = put_share(t, "near", set_word[k], s->near[k], w->images, e);
        if (r == 0)
            r = put_share(t, "accuracy_without", set_word[k], s->all.correct - w->correct,
                          s->all.images - w->images, e);
        if (r == 0)
            r = put_share(t, "accuracy_duplicates", set_word[k], w->correct, w->images, e);
        if (r == 0)
            r = put_share(t, "different_labels", set_word[k], s->different[k], pairs, e);
    }
    tsv_free(t);
    return r;
}

static int write_all(const struct job *j, const struct summary *s, struct err *e)
{
    struct out *o[2] = {NULL};
    if ((!found && out_open(&o[0], "-", e) != 0) || (summary && out_open(&o[1], summary, e) != 0))
        return -1;
    if ((!found && write_list(j, o[0], e) != 0) || (summary && write_summary(j, s, o[1], e) != 0))
        return -1;
    return out_close_all(o, 2, e);
}

static int read_pair(struct pair *p, const struct tsv_in *t, const int col[4], struct err *e)
{
    const struct tsv_field set = tsv_get(t, col[1]), kind = tsv_get(t, col[2]);
    bool known = false;
    int64_t same;
    if (tsv_int(t, col[0], 0, INT64_MAX, &p->id, e) != 0)
        return -1;
    p->against = tsv_is(set, set_word[1]);
    if (!p->against && !tsv_is(set, set_word[0]))
        return tsv_error(t, e, "column 'set': expected %s or %s, found '%.*s'", set_word[0],
                         set_word[1], (int)set.n, set.p);
    for (enum duplicate_kind k = DUPLICATE_EXACT; k <= DUPLICATE_ALIKE; k++)
        known = known || tsv_is(kind, duplicate_word(k));
    if (!known)
        return tsv_error(t, e, "column 'kind': expected that of a row of duplicates, found '%.*s'",
                         (int)kind.n, kind.p);
    p->copy = !tsv_is(kind, duplicate_word(DUPLICATE_ALIKE));
    p->near = tsv_is(kind, duplicate_word(DUPLICATE_NEAR));
    p->same_label = -1;
    if (tsv_is(tsv_get(t, col[3]), "NA"))
        return 0;
    if (tsv_int(t, col[3], 0, 1, &same, e) != 0)
        return -1;
    p->same_label = (int)same;
    return 0;
}

static int read_found(struct job *j, struct tsv_in *t, struct err *e)
{
    static const char *const names[] = {"id", "set", "kind", "same_label"};
    int col[4], got;
    for (int i = 0; i < 4; i++)
        if ((col[i] = tsv_need(t, names[i], e)) < 0)
            return -1;
    while ((got = tsv_next(t, e)) > 0) {
        j->pair = mem_extend(j->pair, j->n, j->n + 1, sizeof *j->pair);
        if (read_pair(&j->pair[j->n], t, col, e) != 0)
            return -1;
        j->n++;
    }
    return got;
}

static int summarize_found(struct job *j, struct err *e)
{
    struct summary s = {0};
    struct tsv_in *t;
    if (tsv_open(&t, found, e) != 0)
        return -1;
    int r = read_found(j, t, e);
    tsv_close(t);
    return r != 0 || summarize(j, &s, e) != 0 ? -1 : write_all(j, &s, e);
}

static int run(struct job *j, const char *path, struct err *e)
{
    struct summary s = {0};
    if (find(j, path, e) != 0)
        return -1;
    if (against && !same_classes(j)) {
        j->names_differ = true;
        prog_say("%s: the classes are others than those of %s: labels are not compared",
                 io_name(against), io_name(path));
    }
    sorted = j;
    if (j->n > 0)
        qsort(j->list, j->n, sizeof *j->list, by_interest);
    j->pair = mem_alloc(j->n + 1, sizeof *j->pair);
    for (size_t i = 0; i < j->n; i++)
        j->pair[i] = (struct pair){.id = j->list[i].image->id,
                                   .against = j->list[i].against,
                                   .copy = is_copy(&j->list[i]),
                                   .near = j->list[i].kind == DUPLICATE_NEAR,
                                   .same_label = same_label(j, &j->list[i])};
    if (summary && summarize(j, &s, e) != 0)
        return -1;
    return write_all(j, &s, e);
}

static void check_options(const char *path)
{
    const char *const read[] = {neighbors, against_neighbors, predictions, found};
    const char *const input[] = {path, against, neighbors, against_neighbors, predictions, found};
    int streams = 0;
    for (size_t i = 0; i < sizeof read / sizeof *read; i++)
        streams += read[i] && strcmp(read[i], "-") == 0;
    if (streams > 1)
        prog_usage("expected one table from standard input, found %d", streams);
    if (!summary != !predictions)
        prog_usage("--summary and --predictions go together");
    if (found && !summary)
        prog_usage("--found goes with --summary");
    if (found && (neighbors || against_neighbors || data_opts[0].labels || data_opts[1].labels))
        prog_usage("--found: reads no images, and no option of theirs");
    if (summary && !found && strcmp(summary, "-") == 0)
        prog_usage("--summary: expected a file, found '-': standard output carries the rows");
    for (size_t i = 0; i < sizeof input / sizeof *input; i++)
        if (io_same_file(summary, input[i]))
            prog_usage("--summary: expected a file that is not read, found '%s'", summary);
    data_opts[0].size = data_opts[1].size = geometry_given(&size_words);
    if (data_opts[1].labels && !against)
        prog_usage("--against-labels goes with --against");
    if (against_neighbors && !against)
        prog_usage("--against-neighbors goes with --against");
    if (near <= 0 || near > 1)
        prog_usage("--near: expected a correlation above 0 and up to 1, found %g", near);
    if (shifted < near || shifted > 1)
        prog_usage("--shifted: expected a correlation from that of --near, %g, to 1, found %g",
                   near, shifted);
    if (embedding < 0)
        prog_usage("--embedding: expected a distance of 0 or more, found %g", embedding);
    data_opts[0].names = data_opts[1].names = class_names;
}

int main(int argc, char **argv)
{
    struct job j = {0};
    struct err e = {0};
    int first = prog_start(&prog, argc, argv);
    if (found && argc - first != 0)
        prog_usage("--found: expected no DATA, found %d", argc - first);
    if (!found && argc - first != 1)
        prog_usage("expected one DATA, found %d", argc - first);
    check_options(argv[first]);
    if ((found ? summarize_found(&j, &e) : run(&j, argv[first], &e)) != 0)
        prog_fail(&e);
    image_set_free(&j.set[0]);
    image_set_free(&j.set[1]);
    free(j.list);
    free(j.pair);
    return PROG_OK;
}
