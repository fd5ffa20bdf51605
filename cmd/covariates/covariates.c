/* covariates: which numbers of the images go with errors or give the class away. See
 * covariates(1). */
#include "base/io.h"
#include "base/mem.h"
#include "base/prog.h"
#include "rows/numbers.h"
#include "rows/predictions.h"
#include "stats/covariate.h"
#include "stats/share.h"
#include "stream/tsv.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static struct opt_list join;
static const char *columns;

static const struct opt options[] = {
    {"join", 0, OPT_LIST, &join, "FILE",
     "A table with columns for the images, by id, as image-stats writes it. May be given several "
     "times.",
     0, 0},
    {"columns", 0, OPT_STRING, &columns, "NAMES",
     "The columns to test, separated by commas, of the rows or of any table. Default: all columns "
     "of "
     "numbers, of the tables of --join or else of the rows but for those of cifar-predict.",
     0, 0},
    {NULL, 0, OPT_FLAG, NULL, NULL, NULL, 0, 0},
};

static const char *const examples[] = {
    "image-stats test.bin > stats.tsv; covariates --join stats.tsv predictions.tsv",
    "covariates --join cameras.tsv --columns exposure,distance predictions.tsv",
    NULL,
};

static const struct prog prog = {
    .name = "covariates",
    .brief = "Test which columns go with errors or give the class away",
    .operands = "[FILE]",
    .opts = options,
    .examples = examples,
    .general = true,
};

struct job {
    struct covariate_image *image; /* [n] labelled */
    size_t n;
    struct numbers numbers;
    int64_t rows, unlabelled;
};

static int read_rows(struct job *j, struct tsv_in *t, struct seen *seen, struct err *e)
{
    struct prediction_cols cols = {.classes = STATS_CLASSES, .seen = seen};
    const unsigned need = 1u << PREDICTION_ID | 1u << PREDICTION_TRUE | 1u << PREDICTION_PRED;
    const bool take = columns || join.n == 0;
    struct prediction a;
    int r;
    if (prediction_find(&cols, t, need, 0, e) != 0 ||
        (take && numbers_table(&j->numbers, t, true, e) != 0))
        return -1;
    while ((r = prediction_next(&cols, t, &a, e)) > 0) {
        j->rows++;
        if (a.truth < 0) {
            j->unlabelled++;
            continue;
        }
        if (take && numbers_row(&j->numbers, t, j->n, e) != 0)
            return -1;
        j->image = mem_extend(j->image, j->n, j->n + 1, sizeof *j->image);
        j->image[j->n++] =
            (struct covariate_image){.id = a.id, .truth = a.truth, .wrong = a.pred != a.truth};
    }
    numbers_end(&j->numbers);
    return r;
}

static int read_tables(struct job *j, struct err *e)
{
    int64_t *id = mem_alloc(j->n + 1, sizeof *id);
    int r = 0;
    for (size_t i = 0; i < j->n; i++)
        id[i] = j->image[i].id;
    for (int i = 0; i < join.n && r == 0; i++)
        r = numbers_join(&j->numbers, join.item[i], id, j->n, e);
    free(id);
    return r == 0 ? numbers_done(&j->numbers, j->n, e) : -1;
}

static void put_row(struct tsv_out *t, const char *name, const struct covariate *c,
                    const double adjusted[3])
{
    tsv_put_string(t, name);
    tsv_put_int(t, c->images);
    tsv_put_int(t, c->missing);
    tsv_put_int(t, c->errors);
    const double real[] = {
        c->median_correct, c->median_wrong, c->auc,      c->auc_low,  c->auc_high,   c->p,
        adjusted[0],       c->within_auc,   c->within_p, adjusted[1], c->class_share};
    for (size_t i = 0; i < sizeof real / sizeof *real; i++)
        tsv_put_real(t, real[i]);
    const double more[] = {c->class_low, c->class_high, c->class_chance, c->class_p, adjusted[2]};
    for (size_t i = 0; i < sizeof more / sizeof *more; i++)
        tsv_put_real(t, more[i]);
}

static int write_rows(const struct job *j, const struct covariate *all, struct out *o,
                      struct err *e)
{
    const size_t n = j->numbers.n;
    double *p[3];
    for (int k = 0; k < 3; k++)
        p[k] = mem_alloc(n + 1, sizeof **p);
    for (size_t i = 0; i < n; i++) {
        p[0][i] = all[i].p;
        p[1][i] = all[i].within_p;
        p[2][i] = all[i].class_p;
    }
    for (int k = 0; k < 3; k++)
        share_holm(p[k], n);
    struct tsv_out *t = tsv_begin(
        o, "column images missing errors median_correct median_wrong auc auc_low auc_high "
           "p p_adjusted within_auc within_p within_p_adjusted class_accuracy class_low "
           "class_high class_chance class_p class_p_adjusted");
    int r = 0;
    for (size_t i = 0; i < n && r == 0; i++) {
        put_row(t, j->numbers.column[i].name, &all[i], (double[]){p[0][i], p[1][i], p[2][i]});
        r = tsv_end(t, e);
    }
    tsv_free(t);
    for (int k = 0; k < 3; k++)
        free(p[k]);
    return r;
}

static int measure(struct job *j, struct err *e)
{
    struct covariate_image *image = mem_alloc(j->n + 1, sizeof *image);
    struct covariate *all = mem_alloc(j->numbers.n + 1, sizeof *all);
    struct out *o;
    for (size_t k = 0; k < j->numbers.n; k++) {
        for (size_t i = 0; i < j->n; i++) {
            image[i] = j->image[i];
            image[i].value = j->numbers.column[k].value[i];
        }
        covariate_measure(image, j->n, &all[k]);
    }
    free(image);
    int r = out_open(&o, "-", e);
    if (r == 0 && (r = write_rows(j, all, o, e)) != 0)
        out_abort(o);
    free(all);
    return r == 0 ? out_close(o, e) : -1;
}

static int run(struct job *j, const char *path, struct err *e)
{
    struct tsv_in *t;
    struct seen *seen = seen_new();
    if (tsv_open(&t, path, e) != 0 || read_rows(j, t, seen, e) != 0 ||
        seen_end(seen, prog_say, e) != 0)
        return -1;
    seen_free(seen);
    if (j->n == 0 && j->unlabelled > 0)
        return err_set(e, "%s: expected rows with a true class, found none in %" PRId64 " rows",
                       tsv_name(t), j->unlabelled);
    if (j->n == 0)
        prog_no_rows(tsv_name(t), "nothing to test");
    if (read_tables(j, e) != 0)
        return -1;
    if (j->numbers.n == 0)
        return err_set(e,
                       "%s: expected a column of numbers that cifar-predict does not write, found "
                       "none: --columns names others, --join adds a table",
                       join.n > 0 ? io_name(join.item[0]) : tsv_name(t));
    tsv_close(t);
    return measure(j, e);
}

int main(int argc, char **argv)
{
    struct job j = {0};
    struct err e = {0};
    int first = prog_start(&prog, argc, argv);
    if (argc - first > 1)
        prog_usage("expected at most one FILE, found %d", argc - first);
    const char *path = first < argc ? argv[first] : "-";
    for (int i = 0; i < join.n; i++)
        if (strcmp(join.item[i], "-") == 0 && strcmp(path, "-") == 0)
            prog_usage("--join: standard input is read for the rows");
    if (columns && (!*columns || strstr(columns, ",,") || *columns == ',' ||
                    columns[strlen(columns) - 1] == ','))
        prog_usage("--columns: expected names of columns separated by commas, found '%s'", columns);
    j.numbers.wanted = columns;
    if (run(&j, path, &e) != 0)
        prog_fail(&e);
    numbers_free(&j.numbers);
    free(j.image);
    return PROG_OK;
}
