/* slices: groups of similar images with more errors. See slices(1). */
#include "base/io.h"
#include "base/mem.h"
#include "base/prog.h"
#include "rows/labelled.h"
#include "neighbors/vectors.h"
#include "rows/numbers.h"
#include "rows/put.h"
#include "session/session.h"
#include "slices/slices.h"
#include "stats/covariate.h"
#include "stats/share.h"
#include "stream/items.h"
#include "stream/tsv.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    COUNT = 10,   /* images named of each slice */
    NUMBERS = 5,  /* columns named at most */
    CHANNELS = 3, /* named, each with */
    CHANNEL_IMAGES = 3,
    LEAST = 2 /* errors of a slice in each half */
};

static const double LEVEL = 0.05;

static const char *embeddings_path, *ids_path, *weights_path, *biases_path, *rows_path;
static struct session_opts session;
static struct opt_list join;
static int on;
static int64_t seed, least = LEAST, count = COUNT;
static bool all;

static const struct opt options[] = {
    {"embeddings", 'e', OPT_STRING, &embeddings_path, "FILE",
     "The embeddings of the images, as cifar-predict --embeddings writes them.", 0, 0},
    {"ids", 0, OPT_STRING, &ids_path, "FILE",
     "The ids of the embeddings. Without it embedding i has id i.", 0, 0},
    SESSION_MODEL_OPT(session),
    SESSION_ASSUME_OPT(session),
    SESSION_RENAME_OPT(session),
    {"weights", 0, OPT_STRING, &weights_path, "FILE",
     "The weights (classes, channels) of the linear layer, instead of --model.", 0, 0},
    {"biases", 0, OPT_STRING, &biases_path, "FILE", "Its biases (classes).", 0, 0},
    {"on", 0, OPT_CHOICE, &on, SLICES_ON_WORDS, "What images are compared by. Default: embeddings.",
     0, 0},
    {"join", 0, OPT_LIST, &join, "FILE",
     "A table with columns for the images, by id, as image-stats writes it: those in which a "
     "slice differs are named. May be given several times.",
     0, 0},
    {"rows", 0, OPT_STRING, &rows_path, "FILE",
     "Write the images of the slices, too, a row for each image and slice.", 0, 0},
    {"least", 0, OPT_INT, &least, "N", "Errors of a slice in each half, at least. Default: 2.", 1,
     INT64_MAX},
    {"count", 'n', OPT_INT, &count, "N", "Images named of each slice. Default: 10.", 1, 1000},
    {"all", 0, OPT_FLAG, &all, NULL, "Write slices that are not confirmed, too.", 0, 0},
    {"seed", 0, OPT_INT, &seed, "N", "Of the halves and the fits. Default: 0.", 0, INT64_MAX},
    SESSION_ROW("threads", 0, OPT_INT, &session.threads, "N", "Threads. Default: 0, one per core.",
                SESSION_THREADS),
    {NULL, 0, OPT_FLAG, NULL, NULL, NULL, 0, 0},
};

static const char *const examples[] = {
    "cifar-predict -m m.pth -d test.bin --embeddings e.npy | slices -e e.npy -m m.pth",
    "slices -e e.npy -m m.pth --on margin --rows rows.tsv < predictions.tsv > slices.tsv",
    NULL,
};

static const struct prog_lack lacks[] = {
    {"shard", "groups are found among all images, so that one run takes all rows"},
    {NULL, NULL},
};

static const struct prog prog = {
    .name = "slices",
    .brief = "Find groups of similar images with more errors",
    .operands = "[FILE]",
    .opts = options,
    .examples = examples,
    .general = true,
    .lacks = lacks,
};

struct job {
    struct labelled rows;
    struct slices_in in;
    struct model_head head;
    float *x;
    int *superclass;
    const struct names *names;
    struct numbers numbers;
    struct slices slices;
    double *auc, *p; /* (slices, columns) */
};

/* --- reading --- */

static int by_id(const void *a, const void *b)
{
    const struct prediction *x = a, *y = b;
    if (x->id != y->id)
        return x->id < y->id ? -1 : 1;
    return x->truth != y->truth ? x->truth - y->truth : x->pred - y->pred;
}

/* Sorted, so that the order of the rows has no effect. */
static int read_rows(struct job *j, struct tsv_in *t, struct err *e)
{
    if (labelled_read(&j->rows, t, 1u << PREDICTION_ID, e) != 0)
        return -1;
    if (seen_end(j->rows.cols.seen, prog_say, e) != 0)
        return -1;
    if (j->rows.n == 0 && j->rows.unlabelled > 0)
        return err_set(e, "%s: expected rows with a true class, found none in %" PRId64 " rows",
                       tsv_name(t), j->rows.unlabelled);
    if (j->rows.n == 0)
        prog_no_rows(tsv_name(t), "no slices found");
    else
        qsort(j->rows.image, j->rows.n, sizeof *j->rows.image, by_id);
    return 0;
}

static int load_embeddings(struct job *j, struct err *e)
{
    const int64_t any[] = {-1};
    struct items *t;
    if (items_open(&t, embeddings_path, 1, any, e) != 0)
        return -1;
    const int64_t channels = items_item(t)->shape[0];
    if (channels < 1 || channels > VECTORS_LENGTH) {
        int r = err_set(e, "%s: expected embeddings of 1 to %d channels, found %lld", items_name(t),
                        VECTORS_LENGTH, (long long)channels);
        items_close(t);
        return r;
    }
    int64_t *item = mem_alloc(j->rows.n + 1, sizeof *item);
    j->in.channels = (int)channels;
    j->x = mem_alloc(j->rows.n * (size_t)channels + 1, sizeof *j->x);
    int r = labelled_items(&j->rows, t, ids_path, item, e);
    for (size_t i = 0; i < j->rows.n && r == 0; i++) {
        const float *x = items_get(t, item[i], e);
        if (x)
            memcpy(j->x + i * (size_t)channels, x, (size_t)channels * sizeof *x);
        else
            r = -1;
    }
    free(item);
    items_close(t);
    return r;
}

static int load_layer(struct job *j, struct err *e)
{
    struct model_head *h = &j->head;
    const char *from = session.model ? session.model : weights_path;
    h->channels = j->in.channels;
    if (session.model && session_head(h, &session, e) != 0)
        return -1;
    if (weights_path &&
        (items_load_layer(&h->w, weights_path, h->channels, &h->classes, STATS_CLASSES, e) != 0 ||
         items_load_layer(&h->b, biases_path, 0, &h->classes, STATS_CLASSES, e) != 0))
        return -1;
    if (h->channels != j->in.channels)
        return err_set(e,
                       "%s: expected embeddings of %d channels as the linear layer of %s, found %d",
                       io_name(embeddings_path), h->channels, from, j->in.channels);
    if (h->classes < j->rows.classes)
        return err_set(e,
                       "%s: expected a linear layer of at least %d classes, as the rows have, "
                       "found %d",
                       io_name(from), j->rows.classes, h->classes);
    return 0;
}

/* Embeddings that the layer does not turn into the rows' predictions are those of another run.
 * Some differ: where predictions are those of several views, and by rounding. */
static int check_run(const struct job *j, struct err *e)
{
    const int64_t agree = slices_rivals(&j->in, (int)session.threads);
    if (j->in.n == 0 || 2 * agree >= (int64_t)j->in.n)
        return 0;
    return err_set(e,
                   "%s: expected embeddings that the linear layer of %s turns into the predictions "
                   "of the rows, found %" PRId64 " of %zu that it does: they are not of one run",
                   io_name(embeddings_path), io_name(session.model ? session.model : weights_path),
                   agree, j->in.n);
}

static int load(struct job *j, struct err *e)
{
    struct slices_in *in = &j->in;
    const size_t n = j->rows.n;
    if (load_embeddings(j, e) != 0 || load_layer(j, e) != 0)
        return -1;
    j->names = naming_names(j->rows.naming, j->head.classes);
    in->image = mem_alloc(n + 1, sizeof *in->image);
    for (size_t i = 0; i < n; i++) {
        const struct prediction *a = &j->rows.image[i];
        in->image[i] = (struct slices_image){.id = a->id, .truth = a->truth, .pred = a->pred};
    }
    in->n = n;
    in->x = j->x;
    in->w = j->head.w;
    in->b = j->head.b;
    in->classes = j->head.classes;
    in->superclass = j->names->superclasses > 0 ? j->names->superclass : NULL;
    return check_run(j, e);
}

static int load_numbers(struct job *j, struct err *e)
{
    int64_t *id = mem_alloc(j->rows.n + 1, sizeof *id);
    int r = 0;
    for (size_t i = 0; i < j->rows.n; i++)
        id[i] = j->rows.image[i].id;
    for (int i = 0; i < join.n && r == 0; i++)
        r = numbers_join(&j->numbers, join.item[i], id, j->rows.n, e);
    free(id);
    return r == 0 ? numbers_done(&j->numbers, j->rows.n, e) : -1;
}

/* --- what a slice's images share --- */

/* The errors of each slice against the images beside it, in each column. */
static void compare(struct job *j)
{
    const size_t columns = j->numbers.n, tests = j->slices.n * columns;
    struct covariate_image *image = mem_alloc(j->in.n + 1, sizeof *image);
    j->auc = mem_alloc(tests + 1, sizeof *j->auc);
    j->p = mem_alloc(tests + 1, sizeof *j->p);
    for (size_t t = 0; t < tests; t++) {
        const struct slice *a = &j->slices.slice[t / columns];
        const double *value = j->numbers.column[t % columns].value;
        struct covariate c;
        size_t n = 0;
        for (size_t i = 0; i < a->errors + a->others; i++) {
            const bool error = i < a->errors;
            const uint32_t at = error ? a->member[i].image : a->other[i - a->errors];
            image[n++] = (struct covariate_image){
                .id = j->in.image[at].id, .value = value[at], .wrong = error};
        }
        covariate_measure(image, n, &c);
        j->auc[t] = c.auc;
        j->p[t] = c.p;
    }
    share_holm(j->p, tests);
    free(image);
}

/* Text that grows. */
struct text {
    char *s;
    size_t n;
};

static void append(struct text *t, const char *separator, const char *s)
{
    const size_t parting = t->n > 0 ? strlen(separator) : 0, more = strlen(s);
    t->s = mem_extend(t->s, t->n, t->n + parting + more + 1, 1);
    memcpy(t->s + t->n, separator, parting);
    memcpy(t->s + t->n + parting, s, more + 1);
    t->n += parting + more;
}

static void append_id(struct text *t, const char *separator, int64_t id)
{
    char s[24];
    snprintf(s, sizeof s, "%" PRId64, id);
    append(t, separator, s);
}

/* NA for an empty list. */
static void put_text(struct tsv_out *t, struct text *s)
{
    tsv_put_string(t, s->s);
    free(s->s);
    *s = (struct text){0};
}

/* The columns that differ most, above (+) or below (-). */
static void put_numbers(struct tsv_out *t, const struct job *j, size_t slice)
{
    const size_t columns = j->numbers.n;
    const double *auc = j->auc + slice * columns, *p = j->p + slice * columns;
    struct text names = {0}, values = {0};
    bool *named = mem_zero(columns + 1, sizeof *named);
    for (int k = 0; k < NUMBERS; k++) {
        size_t best = columns;
        for (size_t i = 0; i < columns; i++)
            if (!named[i] && p[i] < LEVEL &&
                (best == columns || fabs(auc[i] - .5) > fabs(auc[best] - .5)))
                best = i;
        if (best == columns)
            break;
        named[best] = true;
        char value[32];
        snprintf(value, sizeof value, "%.3f", auc[best]);
        append(&names, ",", auc[best] > .5 ? "+" : "-");
        append(&names, "", j->numbers.column[best].name);
        append(&values, ",", value);
    }
    free(named);
    put_text(t, &names);
    put_text(t, &values);
}

/* A number of something, and how much. */
struct most {
    size_t at;
    double value;
};

/* Keeps the largest, by falling value: those of the same value by rising number, which must be
 * offered in that order. */
static void offer(struct most *list, int *n, int room, size_t at, double value)
{
    if (*n == room && !(value > list[room - 1].value))
        return;
    int to = *n < room ? (*n)++ : room - 1;
    for (; to > 0 && list[to - 1].value < value; to--)
        list[to] = list[to - 1];
    list[to] = (struct most){at, value};
}

/* The channels that contribute most to the margins of a slice's errors, on average, how much that
 * is, and the images of all in which each is strongest. */
static void put_channels(struct tsv_out *t, const struct job *j, const struct slice *a)
{
    const struct slices_in *in = &j->in;
    struct most channel[CHANNELS], image[CHANNEL_IMAGES];
    struct text names = {0}, shares = {0}, images = {0};
    int channels = 0;
    for (int k = 0; k < in->channels; k++) {
        double mean = 0;
        for (size_t i = 0; i < a->errors; i++)
            mean += slices_contribution(in, a->member[i].image, k) / (double)a->errors;
        if (mean > 0)
            offer(channel, &channels, CHANNELS, (size_t)k, mean);
    }
    for (int c = 0; c < channels; c++) {
        int found = 0;
        char share[32];
        for (size_t i = 0; i < in->n; i++)
            offer(image, &found, CHANNEL_IMAGES, i,
                  in->x[i * (size_t)in->channels + channel[c].at]);
        append_id(&names, ",", (int64_t)channel[c].at);
        snprintf(share, sizeof share, "%.3f", channel[c].value);
        append(&shares, ",", share);
        for (int i = 0; i < found; i++)
            append_id(&images, i > 0 ? " " : ",", in->image[image[i].at].id);
    }
    put_text(t, &names);
    put_text(t, &shares);
    put_text(t, &images);
}

/* The first of the members from `from` to `to`. */
static void put_ids(struct tsv_out *t, const struct job *j, const struct slice *a, size_t from,
                    size_t to)
{
    struct text ids = {0};
    for (size_t i = from; i < to && i < from + (size_t)count; i++)
        append_id(&ids, ",", j->in.image[a->member[i].image].id);
    put_text(t, &ids);
}

/* --- writing --- */

static const char *put_name(char room[24], size_t i)
{
    snprintf(room, 24, "s%zu", i + 1);
    return room;
}

static void put_among(struct tsv_out *t, const struct job *j, const struct slice *a)
{
    char number[16];
    struct text name = {0};
    tsv_put_string(t, slices_among_word(a->among));
    if (a->among == SLICES_SUPERCLASS) {
        const char *s = j->names->superclass_name[a->of[0]];
        snprintf(number, sizeof number, "%d", a->of[0]);
        append(&name, "", s ? s : number);
    }
    for (int k = 0; k < 2 && (a->among == SLICES_CLASS || a->among == SLICES_PAIR); k++) {
        const char *s = a->of[k] < 0 ? NULL : j->names->name[a->of[k]];
        snprintf(number, sizeof number, "%d", a->of[k]);
        if (a->of[k] >= 0)
            append(&name, "/", s ? s : number);
    }
    put_text(t, &name);
}

static void put_share(struct tsv_out *t, struct slices_share s)
{
    tsv_put_int(t, s.images);
    tsv_put_real(t, share_of(s.correct, s.images));
}

/* What the second half says. */
static void put_test(struct tsv_out *t, const struct slice *a)
{
    const struct slices_share in = a->in, out = a->out;
    double low, high;
    share_interval(in.correct, in.images, &low, &high);
    put_share(t, in);
    tsv_put_real(t, low);
    tsv_put_real(t, high);
    put_share(t, out);
    tsv_put_real(t, share_of(in.correct, in.images) - share_of(out.correct, out.images));
    share_difference_interval(in.correct, in.images, out.correct, out.images, &low, &high);
    tsv_put_real(t, low);
    tsv_put_real(t, high);
    tsv_put_real(t, a->p);
    tsv_put_real(t, a->p_adjusted);
    tsv_put_int(t, a->confirmed);
    put_share(t, a->first_in);
    put_share(t, a->first_out);
}

static int write_slices(const struct job *j, struct out *o, struct err *e)
{
    struct tsv_out *t = tsv_begin(
        o, "slice among among_name images errors true pred true_name pred_name pair_errors "
           "test_images accuracy low high test_outside outside_accuracy difference "
           "difference_low difference_high p p_adjusted confirmed found_images found_accuracy "
           "found_outside found_outside_accuracy ids correct_ids columns columns_auc channels "
           "channel_margins channel_ids");
    int r = 0;
    for (size_t i = 0; i < j->slices.n && r == 0; i++) {
        const struct slice *a = &j->slices.slice[i];
        char name[24];
        tsv_put_string(t, put_name(name, i));
        put_among(t, j, a);
        tsv_put_int(t, (int64_t)a->members);
        tsv_put_int(t, (int64_t)a->errors);
        put_class(t, a->truth);
        put_class(t, a->pred);
        put_class_name(t, j->names, a->truth);
        put_class_name(t, j->names, a->pred);
        tsv_put_int(t, a->pair_errors);
        put_test(t, a);
        put_ids(t, j, a, 0, a->errors);
        put_ids(t, j, a, a->errors, a->members);
        put_numbers(t, j, i);
        put_channels(t, j, a);
        r = tsv_end(t, e);
    }
    tsv_free(t);
    return r;
}

static int write_rows(const struct job *j, struct out *o, struct err *e)
{
    struct tsv_out *t = tsv_begin(o, "id slice membership rank half");
    char name[24];
    int r = 0;
    for (size_t i = 0; i < j->slices.n && r == 0; i++) {
        const struct slice *a = &j->slices.slice[i];
        for (size_t k = 0; k < a->members && r == 0; k++) {
            const struct slices_image *image = &j->in.image[a->member[k].image];
            tsv_put_int(t, image->id);
            tsv_put_string(t, put_name(name, i));
            tsv_put_real(t, a->member[k].membership);
            tsv_put_int(t, (int64_t)k + 1);
            tsv_put_string(t, image->second ? "test" : "found");
            r = tsv_end(t, e);
        }
    }
    tsv_free(t);
    return r;
}

static int write_all(const struct job *j, struct err *e)
{
    struct out *out[2] = {NULL};
    if ((rows_path && out_open(&out[1], rows_path, e) != 0) || out_open(&out[0], "-", e) != 0)
        return -1;
    if (write_slices(j, out[0], e) != 0 || (out[1] && write_rows(j, out[1], e) != 0))
        return -1;
    return out_close_all(out, 2, e);
}

static int run(struct job *j, const char *path, struct err *e)
{
    const struct slices_opts o = {.on = (enum slices_on)on,
                                  .seed = (uint64_t)seed,
                                  .level = LEVEL,
                                  .least = least,
                                  .all = all,
                                  .threads = (int)session.threads};
    struct tsv_in *t;
    if (tsv_open(&t, path, e) != 0)
        return -1;
    int r = read_rows(j, t, e);
    tsv_close(t);
    if (r != 0 || load(j, e) != 0 || load_numbers(j, e) != 0 ||
        slices_find(&j->slices, &j->in, &o, e) != 0)
        return -1;
    compare(j);
    if (j->in.n > 0 && prog_alone())
        prog_say("groups tested on the second half of the images: %zu, confirmed: %zu",
                 j->slices.tested, j->slices.confirmed);
    return write_all(j, e);
}

static void check_options(const char *path)
{
    const char *const input[] = {path,          embeddings_path, ids_path,
                                 session.model, weights_path,    biases_path};
    if (!embeddings_path)
        prog_usage("expected --embeddings FILE");
    if (!session.model && !weights_path)
        prog_usage("expected the linear layer: --model FILE, or --weights FILE with --biases FILE");
    if (session.model && (weights_path || biases_path))
        prog_usage("--model and --%s exclude each other", weights_path ? "weights" : "biases");
    if (!weights_path != !biases_path)
        prog_usage("--weights and --biases go together");
    if (session_keyed(&session) && !session.model)
        prog_usage("--%s goes with --model", session_keyed(&session));
    if (rows_path && strcmp(rows_path, "-") == 0)
        prog_usage("--rows: expected a file, found '-': standard output carries the slices");
    for (size_t i = 0; i < sizeof input / sizeof *input; i++) {
        if (input[i] && i > 0 && strcmp(input[i], "-") == 0)
            prog_usage("expected a file, found '-': standard input carries the rows");
        if (io_same_file(rows_path, input[i]))
            prog_usage("--rows: expected a file that is not read, found '%s'", rows_path);
    }
    for (int i = 0; i < join.n; i++) {
        if (strcmp(join.item[i], "-") == 0 && strcmp(path, "-") == 0)
            prog_usage("--join: standard input is read for the rows");
        if (io_same_file(rows_path, join.item[i]))
            prog_usage("--rows: expected a file that is not read, found '%s'", rows_path);
    }
}

int main(int argc, char **argv)
{
    struct err e = {0};
    int first = prog_start(&prog, argc, argv);
    if (argc - first > 1)
        prog_usage("expected at most one FILE, found %d", argc - first);
    const char *path = first < argc ? argv[first] : "-";
    check_options(path);
    session_parse(&session);
    struct job j = {.rows = {.naming = naming_new(NULL),
                             .cols = {.classes = STATS_CLASSES, .seen = seen_new()}}};
    if (run(&j, path, &e) != 0)
        prog_fail(&e);
    slices_close(&j.slices);
    numbers_free(&j.numbers);
    free(j.auc);
    free(j.p);
    free(j.x);
    free(j.in.image);
    free(j.head.w);
    free(j.head.b);
    free(j.rows.image);
    seen_free(j.rows.cols.seen);
    naming_free(j.rows.naming);
    return PROG_OK;
}
