/* calibrate: how far confidences can be trusted, and what one temperature changes. */
#include "base/io.h"
#include "base/mem.h"
#include "base/prog.h"
#include "data/names.h"
#include "rows/labelled.h"
#include "stats/assessment.h"
#include "stats/bootstrap.h"
#include "stats/share.h"
#include "stream/run.h"
#include "stream/tsv.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum mode { MODE_SUMMARY, MODE_RELIABILITY, MODE_CLASSES, MODE_RISK, MODES };

static bool flag[MODES];
static const char *logits_path, *ids_path, *run_path, *names_path;
static int64_t folds = -1, resamples = 1000, seed;

static const struct opt options[] = {
    {"reliability", 0, OPT_FLAG, &flag[MODE_RELIABILITY], NULL,
     "Write accuracy and mean confidence by bins of confidence.", 0, 0},
    {"classes", 'c', OPT_FLAG, &flag[MODE_CLASSES], NULL,
     "Write the over-confidence of each class.", 0, 0},
    {"risk", 0, OPT_FLAG, &flag[MODE_RISK], NULL,
     "Write the share of errors among the most confident predictions, by their share of all.", 0,
     0},
    {"logits", 0, OPT_STRING, &logits_path, "FILE",
     "Fit the temperature to these logits, as cifar-predict --logits writes them.", 0, 0},
    {"ids", 'i', OPT_STRING, &ids_path, "FILE",
     "The ids of the logits, as cifar-predict --ids writes them. Without it item i has id i.", 0,
     0},
    {"run", 0, OPT_STRING, &run_path, "FILE",
     "The table of cifar-predict --run: if the rows were made with --temperature, it says so.", 0,
     0},
    {"folds", 0, OPT_INT, &folds, "N",
     "Measure the temperature on N parts of the images, each with the one fitted to the others. "
     "Default: 5.",
     2, TEMPERATURE_FOLDS},
    {"resamples", 0, OPT_INT, &resamples, "N",
     "Resamples of the bootstrap; 0 writes no intervals. Default: 1000.", 0, BOOTSTRAP_MOST},
    {"seed", 0, OPT_INT, &seed, "N", "Of the random numbers of the bootstrap. Default: 0.", 0,
     INT64_MAX},
    {"names", 0, OPT_STRING, &names_path, "PATH",
     "Take the number of classes and their names from a class table, a text file with a name a "
     "line, or a data set.",
     0, 0},
    {NULL, 0, OPT_FLAG, NULL, NULL, NULL, 0, 0},
};

static const char *const examples[] = {
    "cifar-predict -m m.pth -d test.bin --logits l.npy > p.tsv && calibrate --logits l.npy p.tsv",
    "calibrate --classes predictions.tsv | sort -g -k 6",
    "calibrate --risk predictions.tsv",
    NULL,
};

static const struct prog_lack lacks[] = {
    {"shard", "tables of shards are read one after the other, in any order"},
    {NULL, NULL},
};

static const struct prog prog = {
    .name = "calibrate",
    .brief = "Measure how far confidences can be trusted, and what one temperature changes",
    .operands = "[FILE ...]",
    .opts = options,
    .examples = examples,
    .general = true,
    .lacks = lacks,
};

/* --- writing --- */

static int put(struct tsv_out *t, const char *name, const struct measured *m, struct err *e)
{
    tsv_put_string(t, name);
    tsv_put_real(t, m->value);
    tsv_put_real(t, m->low);
    tsv_put_real(t, m->high);
    return tsv_end(t, e);
}

static int put_value(struct tsv_out *t, const char *name, double value, struct err *e)
{
    return put(t, name, &(struct measured){value, NAN, NAN}, e);
}

static int put_count(struct tsv_out *t, const char *name, int64_t n, struct err *e)
{
    tsv_put_string(t, name);
    tsv_put_int(t, n);
    tsv_put_string(t, NULL);
    tsv_put_string(t, NULL);
    return tsv_end(t, e);
}

static int write_summary(struct out *o, const struct assessment *a, const struct labelled *in,
                         struct err *e)
{
    const struct metrics_values *all = &a->all;
    const struct confidences *now = &a->now, *after = &a->after;
    const struct calibration_error *width = &now->error[BINS_WIDTH], *mass = &now->error[BINS_MASS];
    const struct measured accuracy = {all->accuracy, all->accuracy_low, all->accuracy_high},
                          over = {all->over_confidence, all->over_low, all->over_high};
    static const struct measured unknown = {NAN, NAN, NAN};
    struct tsv_out *t = tsv_begin(o, "measure value low high");
    int r =
        put_count(t, "images", all->images, e) != 0 ||
        put_count(t, "unlabelled", in->unlabelled, e) != 0 ||
        put_count(t, "errors", all->errors, e) != 0 || put(t, "accuracy", &accuracy, e) != 0 ||
        put_value(t, "mean_conf", all->mean_conf, e) != 0 ||
        put(t, "over_confidence", &over, e) != 0 || put(t, "ece", &now->ece[BINS_WIDTH], e) != 0 ||
        put_value(t, "ece_chance", width->chance, e) != 0 ||
        put_value(t, "ece_p", width->p, e) != 0 || put_value(t, "ece_over", width->over, e) != 0 ||
        put_value(t, "ece_under", width->under, e) != 0 ||
        put_value(t, "mce", width->mce, e) != 0 ||
        put(t, "ece_mass", &now->ece[BINS_MASS], e) != 0 ||
        put_value(t, "ece_mass_chance", mass->chance, e) != 0 ||
        put_value(t, "ece_mass_p", mass->p, e) != 0 || put(t, "nll", &now->nll, e) != 0 ||
        put(t, "risk_area", &a->area, e) != 0 ||
        put_value(t, "risk_area_best", a->best_area, e) != 0 ||
        put(t, "temperature", &a->temperature, e) != 0 ||
        put_value(t, "mean_conf_after", a->mended ? after->mean_conf : NAN, e) != 0;
    const struct {
        const char *name;
        const struct measured *value;
    } mended[] = {
        {"ece_after", &after->ece[BINS_WIDTH]},
        {"ece_change", &a->ece_change[BINS_WIDTH]},
        {"ece_mass_after", &after->ece[BINS_MASS]},
        {"ece_mass_change", &a->ece_change[BINS_MASS]},
        {"nll_after", &after->nll},
        {"nll_change", &a->nll_change},
    };
    for (size_t i = 0; i < sizeof mended / sizeof *mended && r == 0; i++)
        r = put(t, mended[i].name, a->mended ? mended[i].value : &unknown, e) != 0;
    tsv_free(t);
    return r ? -1 : 0;
}

static int put_bins(struct tsv_out *t, const char *when, const char *kind,
                    const struct outcome_bins *b, struct err *e)
{
    for (int i = 0; i < CALIBRATION_BINS; i++) {
        const struct calibration_bin *bin = &b->calibration.bin[i];
        struct calibration_far far;
        double low, high;
        if (bin->images == 0)
            continue;
        calibration_far_of(&b->calibration, i, &far);
        share_interval(bin->correct, bin->images, &low, &high);
        tsv_put_string(t, when);
        tsv_put_string(t, kind);
        tsv_put_int(t, i + 1);
        tsv_put_real(t, b->from[i]);
        tsv_put_real(t, b->to[i]);
        tsv_put_int(t, bin->images);
        tsv_put_int(t, bin->correct);
        tsv_put_real(t, far.accuracy);
        tsv_put_real(t, low);
        tsv_put_real(t, high);
        tsv_put_real(t, far.conf);
        if (tsv_end(t, e) != 0)
            return -1;
    }
    return 0;
}

static int write_reliability(struct out *o, const struct assessment *a, struct err *e)
{
    static const char *const kind[BINS_KINDS] = {[BINS_WIDTH] = "width", [BINS_MASS] = "mass"};
    struct tsv_out *t = tsv_begin(o, "confidences bins bin from to images correct accuracy "
                                     "accuracy_low accuracy_high mean_conf");
    int r = 0;
    for (int k = 0; k < BINS_KINDS && r == 0; k++)
        r = put_bins(t, "now", kind[k], &a->now.bins[k], e);
    for (int k = 0; k < BINS_KINDS && r == 0 && a->mended; k++)
        r = put_bins(t, "after", kind[k], &a->after.bins[k], e);
    tsv_free(t);
    return r;
}

static void put_over(struct tsv_out *t, const struct metrics *m)
{
    struct metrics_values v;
    metrics_compute(m, &v);
    tsv_put_int(t, v.images);
    tsv_put_real(t, v.accuracy);
    tsv_put_real(t, v.mean_conf);
    tsv_put_real(t, v.over_confidence);
    tsv_put_real(t, v.over_low);
    tsv_put_real(t, v.over_high);
}

static int write_classes(struct out *o, const struct labelled *in, const struct names *names,
                         struct err *e)
{
    size_t classes = (size_t)in->classes;
    struct metrics *truth = mem_zero(classes, sizeof *truth),
                   *pred = mem_zero(classes, sizeof *pred);
    metrics_add_by_class(truth, pred, in->image, in->n);
    struct tsv_out *t =
        tsv_begin(o, "class name total accuracy mean_conf over_confidence over_low over_high "
                     "predicted precision pred_conf pred_over pred_over_low pred_over_high");
    int r = 0;
    for (int c = 0; c < in->classes && r == 0; c++) {
        tsv_put_int(t, c);
        tsv_put_string(t, c < names->classes ? names->name[c] : NULL);
        put_over(t, &truth[c]);
        put_over(t, &pred[c]);
        r = tsv_end(t, e);
    }
    tsv_free(t);
    free(truth);
    free(pred);
    return r;
}

static int write_risk(struct out *o, const struct assessment *a, struct err *e)
{
    struct outcome_risk point[RISK_POINTS];
    int n = outcomes_risk(a->now.outcome, a->n, point), r = 0;
    struct tsv_out *t = tsv_begin(o, "coverage images threshold errors risk risk_low risk_high");
    for (int i = 0; i < n && r == 0; i++) {
        const struct outcome_risk *p = &point[i];
        double low, high;
        share_interval(p->errors, p->images, &low, &high);
        tsv_put_real(t, share_of(p->images, (int64_t)a->n));
        tsv_put_int(t, p->images);
        tsv_put_real(t, p->threshold);
        tsv_put_int(t, p->errors);
        tsv_put_real(t, share_of(p->errors, p->images));
        tsv_put_real(t, low);
        tsv_put_real(t, high);
        r = tsv_end(t, e);
    }
    tsv_free(t);
    return r;
}

static int write_result(enum mode mode, const struct labelled *in, const struct assessment *a,
                        struct err *e)
{
    struct out *o;
    int r = -1;
    if (out_open(&o, "-", e) != 0)
        return -1;
    switch (mode) {
    case MODE_RELIABILITY:
        r = write_reliability(o, a, e);
        break;
    case MODE_CLASSES:
        r = write_classes(o, in, naming_names(in->naming, in->classes), e);
        break;
    case MODE_RISK:
        r = write_risk(o, a, e);
        break;
    default:
        r = write_summary(o, a, in, e);
    }
    if (r != 0) {
        out_abort(o);
        return -1;
    }
    return out_close(o, e);
}

/* --- reading --- */

static int read_tables(struct labelled *in, char *const *file, int files, struct err *e)
{
    static char *const standard_input[] = {"-"};
    char last[256] = "";
    const unsigned need = 1u << PREDICTION_CONF | (logits_path ? 1u << PREDICTION_ID : 0);
    if (files == 0)
        file = standard_input;
    for (int i = 0; i < files || i == 0; i++) {
        struct tsv_in *t;
        if (tsv_open(&t, file[i], e) != 0)
            return -1;
        int r = labelled_read(in, t, need, e);
        snprintf(last, sizeof last, "%s", tsv_name(t));
        tsv_close(t);
        if (r != 0)
            return -1;
    }
    if (in->n == 0)
        return err_set(e, "%s: expected images with a true class, found none in %" PRId64 " rows",
                       files > 1 ? "all files" : last, in->rows);
    return 0;
}

/* The temperature of the rows' probabilities. */
static int read_now(double *now, struct err *e)
{
    struct run run = {.row = NULL};
    *now = 1;
    if (!run_path)
        return 0;
    if (run_read(&run, run_path, e) != 0)
        return -1;
    const char *said = run_get(&run, "temperature");
    int r = said ? temperature_parse(said, now, e) : 0;
    if (r != 0) {
        struct err inner = *e;
        err_record(e, "%s: %s", io_name(run_path), inner.msg);
    }
    run_free(&run);
    return r;
}

static int fit(struct temperature *t, const struct labelled *in, struct err *e)
{
    static const int64_t shape[] = {-1};
    struct temperature_data d = {
        .image = in->image, .n = in->n, .folds = folds < 0 ? 5 : (int)folds};
    if (read_now(&d.now, e) != 0 || items_open(&d.logits, logits_path, 1, shape, e) != 0)
        return -1;
    int64_t *item = mem_alloc(in->n, sizeof *item);
    d.item = item;
    t->loss = mem_alloc(in->n, sizeof *t->loss);
    t->loss_after = mem_alloc(in->n, sizeof *t->loss_after);
    t->conf_after = mem_alloc(in->n, sizeof *t->conf_after);
    int r = labelled_items(in, d.logits, ids_path, item, e);
    if (r == 0)
        r = temperature_fit(t, &d, e);
    bool tell = r == 0 && prog_alone();
    if (tell && isnan(t->value))
        prog_say("no temperature from %g to %g makes the labels most likely", TEMPERATURE_LEAST,
                 TEMPERATURE_MOST);
    else if (tell && isnan(t->conf_after[0]))
        prog_say("no temperature from %g to %g makes the labels of each of %d folds most likely: "
                 "what it changes is not known",
                 TEMPERATURE_LEAST, TEMPERATURE_MOST, d.folds);
    free(item);
    items_close(d.logits);
    return r;
}

static enum mode choose_mode(void)
{
    enum mode mode = MODE_SUMMARY;
    for (int i = MODE_RELIABILITY; i < MODES; i++) {
        if (!flag[i])
            continue;
        if (mode != MODE_SUMMARY)
            prog_usage("--%s and --%s exclude each other", options[mode - 1].name,
                       options[i - 1].name);
        mode = (enum mode)i;
    }
    if (logits_path && mode > MODE_RELIABILITY)
        prog_usage("--logits and --%s exclude each other", options[mode - 1].name);
    if (!logits_path && (ids_path || run_path || folds >= 0))
        prog_usage("--%s: expected --logits FILE with it", ids_path   ? "ids"
                                                           : run_path ? "run"
                                                                      : "folds");
    return mode;
}

int main(int argc, char **argv)
{
    int first = prog_start(&prog, argc, argv);
    enum mode mode = choose_mode();
    struct err e = {0};
    struct names *given;
    if (naming_load(&given, names_path, &e) != 0)
        prog_fail(&e);
    struct labelled in = {
        .naming = naming_new(given),
        .classes = given ? given->classes : 0,
        .cols = {.classes = given ? given->classes : STATS_CLASSES,
                 .names = names_path ? io_name(names_path) : NULL,
                 .seen = seen_new()},
    };
    struct temperature t = {.loss = NULL};
    if (read_tables(&in, argv + first, argc - first, &e) != 0)
        prog_fail(&e);
    labelled_sort(&in);
    if (logits_path && fit(&t, &in, &e) != 0)
        prog_fail(&e);
    if (seen_end(in.cols.seen, prog_say, &e) != 0)
        prog_fail(&e);
    if (in.unlabelled > 0 && prog_verbose())
        prog_say("%" PRId64 " of %" PRId64 " rows ignored: they have no true class", in.unlabelled,
                 in.rows);
    /* Only the summary has intervals by bootstrap. */
    struct assessment *a = assessment_new(in.image, in.n, logits_path ? &t : NULL,
                                          mode == MODE_SUMMARY ? resamples : 0, (uint64_t)seed);
    if (write_result(mode, &in, a, &e) != 0)
        prog_fail(&e);
    assessment_free(a);
    free(t.loss);
    free(t.loss_after);
    free(t.conf_after);
    free(in.image);
    seen_free(in.cols.seen);
    naming_free(in.naming);
    names_free(given);
    return PROG_OK;
}
