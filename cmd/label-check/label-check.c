/* label-check: labels that may be wrong. See label-check(1). */
#include "mirror.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/prog.h"
#include "rows/naming.h"
#include "rows/predictions.h"
#include "stats/labels.h"
#include "stats/share.h"
#include "stream/items.h"
#include "stream/tsv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *logits_path, *ids_path;
static int method;
static double temperature = NAN;
static bool summary, flagged_only;
static int64_t count, mirrored = -1;
static struct session_opts session = {.device = "auto"};

static const struct opt options[] = {
    {"logits", 0, OPT_STRING, &logits_path, "FILE",
     "The logits of the images, as cifar-predict --logits writes them.", 0, 0},
    {"ids", 0, OPT_STRING, &ids_path, "FILE",
     "The ids of the items of --logits. Without it item i has id i.", 0, 0},
    {"method", 0, OPT_CHOICE, &method, LABELS_WORDS, "What ranks the labels. Default: soft-margin.",
     0, 0},
    {"temperature", 'T', OPT_FLOAT, &temperature, "T",
     "Of soft-margin: logits are divided by it. Default: 4.", 0, 0},
    {"flagged", 0, OPT_FLAG, &flagged_only, NULL,
     "Write the flagged labels alone: the list to review.", 0, 0},
    {"count", 'n', OPT_INT, &count, "N", "Write the first N rows. Default: all.", 1, INT64_MAX},
    {"summary", 0, OPT_FLAG, &summary, NULL,
     "Write the metrics with and without the flagged images instead, one a row.", 0, 0},
    SESSION_MODEL_OPT(session),
    SESSION_ASSUME_OPT(session),
    SESSION_RENAME_OPT(session),
    {"data", 'd', OPT_STRING, &session.data, "PATH",
     "With --model: the images of the rows. The most suspicious labels are looked at again, by "
     "their mirror images.",
     0, 0},
    {"mirror", 0, OPT_INT, &mirrored, "N", "How many labels are looked at again. Default: 500.", 0,
     INT64_MAX},
    SESSION_SIZE_OPTS(session),
    SESSION_PIXEL_OPTS(session),
    SESSION_DEVICE_OPTS(session),
    {NULL, 0, OPT_FLAG, NULL, NULL, NULL, 0, 0},
};

static const char *const examples[] = {
    "label-check --logits l.npy p.tsv | head -n 101",
    "label-check --logits l.npy -m model.pth -d test.bin p.tsv > labels.tsv",
    "label-check --logits l.npy --flagged p.tsv > review.tsv; worst-k --skip review.tsv p.tsv",
    NULL,
};

static const struct prog_lack lacks[] = {
    {"shard", "labels are ranked among all, so that one run takes all rows"},
    {NULL, NULL},
};

static const struct prog prog = {
    .name = "label-check",
    .brief = "Rank labels by how probably they are wrong",
    .operands = "[FILE]",
    .opts = options,
    .examples = examples,
    .about = session_about,
    .lacks = lacks,
};

struct job {
    struct items *logits;
    struct ids *ids; /* NULL: the items' numbers */
    struct labels labels;
    struct naming *naming;
    struct seen *seen;
    int64_t unlabelled;
};

static int open_logits(struct job *j, struct err *e)
{
    const int64_t any[] = {-1};
    if (items_open(&j->logits, logits_path, 1, any, e) != 0)
        return -1;
    if (items_count(j->logits) < 0)
        return err_set(e, "%s: expected a file, found a pipe: logits are read twice",
                       items_name(j->logits));
    int64_t classes = items_item(j->logits)->shape[0];
    if (classes < 2 || classes > STATS_CLASSES)
        return err_set(e, "%s: expected logits of 2 to %d classes, found %lld",
                       items_name(j->logits), STATS_CLASSES, (long long)classes);
    if (ids_path && ids_open(&j->ids, ids_path, e) != 0)
        return -1;
    if (j->ids && ids_count(j->ids) != items_count(j->logits))
        return err_set(e, "%s: expected %lld ids as there are items in %s, found %lld",
                       io_name(ids_path), (long long)items_count(j->logits), items_name(j->logits),
                       (long long)ids_count(j->ids));
    labels_open(&j->labels, (int)classes, (enum labels_method)method,
                isnan(temperature) ? 4 : temperature);
    return 0;
}

static const float *logits_of(struct job *j, int64_t id, struct err *e)
{
    int64_t item = ids_find(j->ids, id);
    if (item >= 0)
        return items_get(j->logits, item, e);
    err_record(e, "expected one of the ids in %s, found none", io_name(ids_path));
    return NULL;
}

/* Rows and logits of one run have the same predictions. */
static int check_row(const struct job *j, const struct tsv_in *t, const struct prediction *a,
                     const float *logits, struct err *e)
{
    for (int k = 0; k < j->labels.classes; k++)
        if (logits[k] > logits[a->pred])
            return tsv_error(t, e,
                             "id %lld: expected the prediction that %s tells, %d, found %d: they "
                             "are not of one run",
                             (long long)a->id, items_name(j->logits), k, a->pred);
    return 0;
}

static int read_rows(struct job *j, struct tsv_in *t, struct err *e)
{
    struct prediction_cols cols = {
        .classes = j->labels.classes, .names = items_name(j->logits), .all = true, .seen = j->seen};
    const unsigned need = 1u << PREDICTION_ID | 1u << PREDICTION_PRED | 1u << PREDICTION_TRUE;
    if (prediction_find(&cols, t, need, 0, e) != 0)
        return -1;
    int true_name = tsv_find(t, "true_name"), pred_name = tsv_find(t, "pred_name");
    struct prediction a;
    int r;
    while ((r = prediction_next(&cols, t, &a, e)) > 0) {
        struct err why;
        const float *logits = logits_of(j, a.id, &why);
        if (!logits)
            return tsv_error(t, e, "id %lld: %s", (long long)a.id, why.msg);
        if (check_row(j, t, &a, logits, e) != 0 ||
            naming_learn(j->naming, t, a.pred, pred_name, -1, e) != 0 ||
            (a.truth >= 0 && naming_learn(j->naming, t, a.truth, true_name, -1, e) != 0))
            return -1;
        if (a.truth < 0)
            j->unlabelled++;
        else
            labels_add(&j->labels, a.id, a.truth, logits);
    }
    return r;
}

static int flag_all(struct job *j, struct err *e)
{
    struct labels *l = &j->labels;
    labels_settle(l);
    for (int64_t i = 0; i < l->n; i++) {
        const float *logits = logits_of(j, l->label[i].id, e);
        if (!logits)
            return -1;
        labels_flag(l, i, logits);
        prog_progress("labels", i + 1, l->n);
    }
    prog_progress_end();
    labels_rank(l);
    return 0;
}

/* The most suspicious labels once more. */
static int look_again(struct job *j, struct err *e)
{
    const struct mirror m = {.session = &session,
                             .most = mirrored < 0 ? 500 : mirrored,
                             .logits = j->logits,
                             .ids = j->ids};
    if (!session.model || m.most == 0)
        return 0;
    if (mirror_look(&j->labels, &m, e) != 0)
        return -1;
    labels_rank(&j->labels);
    return 0;
}

/* --- writing --- */

static int write_labels(struct job *j, struct out *o, struct err *e)
{
    const struct labels *l = &j->labels;
    const struct names *names = naming_names(j->naming, l->classes);
    struct tsv_out *t =
        tsv_begin(o, "rank id true suggested score flagged reason p_true p_suggested p_flagged "
                     "views true_name suggested_name");
    int64_t written = 0;
    int r = 0;
    for (int64_t i = 0; i < l->n && r == 0 && (count == 0 || written < count); i++) {
        const struct label *a = &l->label[i];
        if (flagged_only && !a->flagged)
            continue;
        tsv_put_int(t, i + 1);
        tsv_put_int(t, a->id);
        tsv_put_int(t, a->given);
        tsv_put_int(t, a->suggested);
        tsv_put_real(t, a->score);
        tsv_put_int(t, a->flagged);
        tsv_put_string(t, labels_reason_word(a->reason));
        tsv_put_real(t, a->p_given);
        tsv_put_real(t, a->p_suggested);
        tsv_put_real(t, a->p_flagged);
        tsv_put_int(t, a->views);
        tsv_put_string(t, names->name[a->given]);
        tsv_put_string(t, names->name[a->suggested]);
        r = tsv_end(t, e);
        written++;
    }
    tsv_free(t);
    return r;
}

static int put_share(struct tsv_out *t, const char *name, struct labels_share s, struct err *e)
{
    double low, high;
    share_interval(s.correct, s.images, &low, &high);
    tsv_put_string(t, name);
    tsv_put_real(t, s.share);
    tsv_put_int(t, s.correct);
    tsv_put_int(t, s.images);
    tsv_put_real(t, s.images > 0 ? low : NAN);
    tsv_put_real(t, s.images > 0 ? high : NAN);
    return tsv_end(t, e);
}

static int write_summary(const struct job *j, struct out *o, struct err *e)
{
    struct labels_share all, rest, flagged;
    labels_accuracy(&j->labels, &all, &rest, &flagged);
    struct tsv_out *t = tsv_begin(o, "name value count of low high");
    int r = put_share(t, "flagged", flagged, e);
    if (r == 0)
        r = put_share(t, "accuracy", all, e);
    if (r == 0)
        r = put_share(t, "accuracy_unflagged", rest, e);
    tsv_free(t);
    return r;
}

static int run(struct job *j, const char *path, struct err *e)
{
    struct tsv_in *t;
    struct out *o;
    if (open_logits(j, e) != 0 || tsv_open(&t, path, e) != 0)
        return -1;
    j->naming = naming_new(NULL);
    j->seen = seen_new();
    if (read_rows(j, t, e) != 0 || seen_end(j->seen, prog_say, e) != 0)
        return -1;
    if (j->labels.n == 0 && j->unlabelled > 0)
        return err_set(e, "%s: expected rows with a true class, found none in %lld rows",
                       tsv_name(t), (long long)j->unlabelled);
    if (j->labels.n == 0)
        prog_no_rows(tsv_name(t), "no labels checked");
    tsv_close(t);
    if (flag_all(j, e) != 0 || look_again(j, e) != 0 || out_open(&o, "-", e) != 0)
        return -1;
    if ((summary ? write_summary(j, o, e) : write_labels(j, o, e)) != 0) {
        out_abort(o);
        return -1;
    }
    return out_close(o, e);
}

int main(int argc, char **argv)
{
    struct job j = {0};
    struct err e = {0};
    int first = prog_start(&prog, argc, argv);
    if (argc - first > 1)
        prog_usage("expected at most one FILE, found %d", argc - first);
    if (!logits_path)
        prog_usage("expected --logits FILE");
    if (!isnan(temperature) && method != LABELS_SOFT_MARGIN)
        prog_usage("--temperature goes with --method soft-margin");
    if (temperature <= 0)
        prog_usage("--temperature: expected a number above 0, found %g", temperature);
    if (summary && (flagged_only || count))
        prog_usage("--summary and --%s exclude each other", flagged_only ? "flagged" : "count");
    if (!session.model != !session.data)
        prog_usage("--%s needs --%s, too", session.model ? "model" : "data",
                   session.model ? "data" : "model");
    if (!session.model && mirrored >= 0)
        prog_usage("--mirror needs --model and --data");
    if (!session.model && session_keyed(&session))
        prog_usage("--%s needs --model and --data", session_keyed(&session));
    session_parse(&session);
    if (!session.model && geometry_any(&session.size))
        prog_usage("--%s needs --model and --data", session_sized(&session));
    if (session.model && summary)
        prog_usage("--summary and --model exclude each other: a second look changes no flag");
    const char *table = first < argc ? argv[first] : "-";
    const char *const input[] = {table, logits_path, ids_path, session.model, session.data};
    prog_check_inputs(input, sizeof input / sizeof *input);
    if (run(&j, table, &e) != 0)
        prog_fail(&e);
    labels_close(&j.labels);
    naming_free(j.naming);
    seen_free(j.seen);
    items_close(j.logits);
    ids_close(j.ids);
    return PROG_OK;
}
